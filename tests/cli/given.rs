//! `--policy-file`.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;

use super::example;
use crate::support::routes::Routes;
use crate::support::stage::{Stage, pinned};

const POLICY: &str = "apiVersion: audit.k8s.io/v1\nkind: Policy # hunter2\nrules:\n- level: Metadata\n  users: [\"AKIAIOSFODNN7EXAMPLE\"]\n";

fn file(text: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.yaml");
    fs::write(&path, text).unwrap();
    (folder, path)
}

fn policies(snapshot: &str) -> Vec<Value> {
    serde_json::from_str::<Value>(snapshot).unwrap()["policies"].as_array().cloned().unwrap_or_default()
}

#[test]
fn it_is_kept_in_the_snapshot_without_comments_and_credentials() {
    let (_folder, path) = file(POLICY);
    let stage = Stage::with(Routes::kubeadm().with_short_metrics());
    let live = stage.tool().args(["snapshot", "--policy-file"]).arg(&path).run();
    let saved = pinned()
        .args(["snapshot", "--snapshot"])
        .arg(example("ha-drift"))
        .arg("--policy-file")
        .arg(&path)
        .run();
    let manifests =
        pinned().args(["snapshot", "-f", "-", "--policy-file"]).arg(&path).stdin("kind: Pod\n").run();
    for output in [&live, &saved, &manifests] {
        let policies = policies(&output.expect_code(0).stdout);
        assert_eq!(policies.len(), 1);
        assert_eq!((&policies[0]["origin"], &policies[0]["name"]), (&"given".into(), &"policy.yaml".into()));
        let text = policies[0]["text"].as_str().unwrap();
        assert_eq!(text, POLICY.replace(" hunter2", "").replace("AKIAIOSFODNN7EXAMPLE", &"X".repeat(20)));
        assert!(output.stdout.contains("what looks like a credential in this policy was blanked out"));
    }
    // Another one takes its place, and the report is the same whenever it was given.
    let again =
        pinned().args(["snapshot", "--snapshot", "-", "--policy-file"]).arg(&path).stdin(&live.stdout).run();
    assert_eq!(policies(&again.expect_code(0).stdout).len(), 1);
    let later = pinned().args(["run", "-o", "json", "--snapshot", "-"]).stdin(&saved.stdout).run();
    let at_once = pinned()
        .args(["run", "-o", "json", "--snapshot"])
        .arg(example("ha-drift"))
        .arg("--policy-file")
        .arg(&path)
        .run();
    assert_eq!(later.stdout, at_once.stdout);
    let facts = pinned()
        .args(["facts", "--policy-file", "-", "--snapshot"])
        .arg(example("ha-drift"))
        .stdin(POLICY)
        .run();
    facts.expect_code(0);
}

#[test]
fn a_policy_that_does_not_load_is_refused_before_anything_is_read() {
    let (_folder, path) = file("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metdata\n");
    let stage = Stage::with(Routes::kubeadm());
    for command in ["run", "snapshot", "facts"] {
        let output = stage.tool().args([command, "--policy-file"]).arg(&path).run();
        output.expect_refusal(&[
            "policy.yaml:4",
            "Metdata",
            "kube-apiserver does not start with this policy",
        ]);
    }
    assert_eq!(stage.server.requests().len(), 0);
    // What only some versions load is for the facts to tell.
    for text in [POLICY.replace("/v1", "/v1beta1"), POLICY.to_owned() + "  resources: [{group: \"*\"}]\n"] {
        let (_folder, path) = file(text);
        pinned()
            .args(["facts", "-f", "-", "--policy-file"])
            .arg(&path)
            .stdin("kind: Pod\n")
            .run()
            .expect_code(0);
    }
}

#[test]
fn what_cannot_be_read_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (_large_folder, large) = file(vec![b'#'; (4 << 20) + 1]);
    for (path, words) in [
        (folder.path().join("missing.yaml"), &["cannot read the audit policy", "missing.yaml"][..]),
        (folder.path().to_owned(), &["it is a folder"]),
        (large, &["larger than 4 MiB"]),
    ] {
        let output = pinned().args(["run", "-f", "-", "--policy-file"]).arg(&path).stdin("kind: Pod\n").run();
        output.expect_refusal(words);
    }
    let both = pinned().args(["run", "-f", "-", "--policy-file", "-"]).stdin(POLICY).run();
    both.expect_refusal(&["cannot both come from standard input"]);
    pinned().args(["facts", "--schema", "--policy-file", "x"]).run().expect_code(2);
}
