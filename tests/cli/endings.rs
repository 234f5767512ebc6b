//! How a run ends when somebody else decides.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::{example, over};
use crate::support::cluster::METRICS;
use crate::support::kubeconfig::{Context, ExecPlugin, Kubeconfig};
use crate::support::reply::Reply;
use crate::support::routes::{Routes, Rule};
use crate::support::server::RecordedServer;
use crate::support::stage::{Stage, pinned};

const BINARY: &str = env!("CARGO_BIN_EXE_kubectl-logaudit");

/// Runs a line of shell in which `$0` is the program.
fn shell(line: &str) -> crate::support::tool::Output {
    pinned().args(["-c", line, BINARY]).run_program(Path::new("/bin/sh"))
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let snapshot = example("ha-drift");
    let run = format!("run --snapshot '{}'", snapshot.display());
    for (command, rest) in [
        (format!("{run} -o json"), "head -1"),
        (format!("{run} -o wide"), "head -1"),
        // The reader is gone before the first byte.
        (format!("{run} -o json"), ":"),
        ("checks list".to_owned(), ":"),
        ("--help".to_owned(), ":"),
    ] {
        let output = shell(&format!("{{ sleep 0.2; $0 {command}; echo code $? >&2; }} | {rest}"));
        assert!(["code 0\n", "code 1\n"].contains(&output.stderr.as_str()), "{command}: {output:#?}");
    }
}

#[test]
fn a_full_disk_is_told() {
    if !Path::new("/dev/full").exists() {
        eprintln!("skipped: there is no /dev/full");
        return;
    }
    let output = shell(&format!("$0 run --snapshot '{}' > /dev/full", example("ha-drift").display()));
    output.expect_refusal(&["No space left on device"]);
}

/// A run that somebody is waiting for.
struct Waiting {
    child: Child,
    stderr: tempfile::NamedTempFile,
}

impl Waiting {
    fn start(kubeconfig: &Path, output_file: &Path) -> Self {
        let stderr = tempfile::NamedTempFile::new().unwrap();
        let child = Command::new(BINARY)
            .args(["run", "--kubeconfig"])
            .arg(kubeconfig)
            .arg("--output-file")
            .arg(output_file)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(stderr.path()).unwrap())
            .spawn()
            .unwrap();
        Self { child, stderr }
    }

    /// Interrupts it as Ctrl-C does, and tells how it ended and what it said.
    fn interrupt(mut self) -> (Option<i32>, String) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        let begun = Instant::now();
        let code = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status.code();
            }
            assert!(begun.elapsed() < Duration::from_secs(5), "it does not end");
            thread::sleep(Duration::from_millis(5));
        };
        (code, fs::read_to_string(self.stderr.path()).unwrap())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn until(what: &str, happened: impl Fn() -> bool) {
    let begun = Instant::now();
    while !happened() {
        assert!(begun.elapsed() < Duration::from_secs(10), "never: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn an_interrupt_ends_a_read_with_130_and_without_a_file() {
    let stage = Stage::with(Routes::kubeadm().rule(Rule::get(METRICS, Reply::Hang)));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report");
    let waiting = Waiting::start(stage.kubeconfig.path(), &file);
    until("the request that hangs", || stage.server.requests().iter().any(|request| request.path == METRICS));
    assert_eq!(waiting.interrupt(), (Some(130), String::new()));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn an_interrupt_ends_a_hanging_credential_plugin_too() {
    let server = RecordedServer::start(Routes::kubeadm());
    let folder = tempfile::tempdir().unwrap();
    let begun = folder.path().join("begun");
    let body = format!("touch '{}'\nexec sleep 20\n", begun.display());
    let plugin = Context::for_server("plugin", &server).exec(ExecPlugin::script("plugin-waiting", &body));
    let kubeconfig = Kubeconfig::new(plugin);
    let waiting = Waiting::start(kubeconfig.path(), &folder.path().join("report"));
    until("the plugin", || begun.exists());
    assert_eq!(waiting.interrupt().0, Some(130));
    assert!(!folder.path().join("report").exists());
}

#[test]
fn a_time_that_is_none_is_refused_where_the_time_matters() {
    let stage = Stage::with(Routes::kubeadm().with_short_metrics());
    for epoch in ["yesterday", "", "1e9", "99999999999999"] {
        let output = stage.tool().env("SOURCE_DATE_EPOCH", epoch).arg("run").run();
        output.expect_refusal(&["SOURCE_DATE_EPOCH", epoch, "mend or unset it"]);
    }
    assert!(stage.server.requests().is_empty());
    // A saved snapshot has a time of its own.
    over("kubeadm-hardened").env("SOURCE_DATE_EPOCH", "yesterday").run().expect_code(0);
}
