//! Started by a real kubectl, where there is one.

use std::env;
use std::ffi::OsString;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::routes::Routes;
use crate::support::stage::{Stage, pinned};
use crate::support::tool::Tool;

const BINARY: &str = env!("CARGO_BIN_EXE_kubectl-logaudit");

/// The kubectl of the PATH; says so where there is none.
fn kubectl() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|folder| folder.join("kubectl")).find(|file| file.is_file());
    if found.is_none() {
        eprintln!("skipped: there is no kubectl on the PATH");
    }
    found
}

/// A folder in which the program has these names, and a PATH that begins with it.
fn installed_as(names: &[&str]) -> (TempDir, OsString) {
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        symlink(BINARY, folder.path().join(name)).unwrap();
    }
    let path = env::join_paths([
        folder.path(),
        Path::new("/usr/local/bin"),
        Path::new("/usr/bin"),
        Path::new("/bin"),
    ]);
    (folder, path.unwrap())
}

#[test]
fn kubectl_starts_the_plugin_and_passes_everything_on() {
    let Some(kubectl) = kubectl() else { return };
    let stage = Stage::with(Routes::kubeadm().with_short_metrics());
    let (_folder, path) = installed_as(&["kubectl-logaudit"]);
    for (context, code) in [("admin", 0), ("nobody", 1), ("nowhere", 2)] {
        let run = |tool: Tool| {
            let tool = tool.args(["run", "-o", "json", "--context", context, "--kubeconfig"]);
            tool.arg(stage.kubeconfig.path())
        };
        let own = run(pinned()).run();
        let through = run(pinned().env("PATH", &path).arg("logaudit")).run_program(&kubectl);
        assert_eq!((through.code, own.code), (Some(code), Some(code)), "{through:#?}");
        assert_eq!((through.stdout, through.stderr), (own.stdout, own.stderr));
    }
    let help = pinned().env("PATH", &path).args(["logaudit", "run", "-h"]).run_program(&kubectl);
    assert!(help.expect_code(0).stdout.contains("Usage: kubectl logaudit run"), "{}", help.stdout);
}

#[test]
fn kubectl_completes_the_plugin() {
    let (folder, path) = installed_as(&["kubectl-logaudit", "kubectl_complete-logaudit"]);
    let complete =
        |words: &[&str]| pinned().args(words).run_program(&folder.path().join("kubectl_complete-logaudit"));
    let offers = |words: &[&str], wanted: &[&str]| {
        let output = complete(words);
        let lines: Vec<&str> = output.expect_code(0).stdout.lines().collect();
        assert_eq!((lines.last(), output.stderr.as_str()), (Some(&":4"), ""), "{output:#?}");
        for word in wanted {
            let offered = lines.iter().any(|line| line.split('\t').next() == Some(word));
            assert!(offered, "{words:?} do not offer {word}: {output:#?}");
        }
    };
    offers(&["r"], &["run", "rbac"]);
    offers(&[""], &["run", "snapshot", "checks", "frameworks", "facts", "rbac", "version"]);
    offers(&[], &["run"]);
    offers(&["run", "--fail"], &["--fail-on", "--fail-on-unknown"]);
    offers(&["run", "-o", ""], &["table", "wide", "json", "yaml"]);
    offers(&["checks", "show", "LA-API-00"], &["LA-API-001", "LA-API-002"]);
    offers(&["checks", "nonsense", "--"], &[]);

    let Some(kubectl) = kubectl() else { return };
    let through = pinned().env("PATH", &path).args(["__complete", "logaudit", "ru"]).run_program(&kubectl);
    let lines: Vec<&str> = through.expect_code(0).stdout.lines().collect();
    assert!(lines.iter().any(|line| line.split('\t').next() == Some("run")), "{through:#?}");
    assert_eq!(lines.last(), Some(&":4"), "{through:#?}");
}
