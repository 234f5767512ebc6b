//! Snapshot files that are none, or not whole, or from elsewhere.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;

use super::{example, over};
use crate::support::stage::pinned;
use crate::support::tool::Output;

struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn with(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

fn run(path: impl AsRef<std::ffi::OsStr>) -> Output {
    pinned().args(["run", "--snapshot"]).arg(path).run()
}

fn text() -> String {
    fs::read_to_string(example("ha-drift")).unwrap()
}

#[test]
fn whatever_is_no_snapshot_is_refused() {
    let files = Files::new();
    let text = text();
    let compressed = zstd::encode_all(text.as_bytes(), 3).unwrap();
    for (name, bytes, words) in [
        ("garbage", &b"\x00\x01garbage"[..], &["it is not a logaudit snapshot", "`-f` reads manifests"][..]),
        ("empty", b"", &["it is not a logaudit snapshot"]),
        (
            "manifest.yaml",
            b"apiVersion: v1\nkind: Pod\n",
            &["it is not a logaudit snapshot", "`-f` reads manifests"],
        ),
        ("list.json", b"{\"kind\": \"List\", \"apiVersion\": \"v1\"}", &["it is List"]),
        ("cut.json", &text.as_bytes()[..text.len() / 2], &["EOF"]),
        (
            "cut.zst",
            &compressed[..compressed.len() / 2],
            &["zstd stream is damaged or cut off", "save it again"],
        ),
        ("flipped.zst", &flipped(&compressed), &["cannot read the snapshot"]),
        ("gzip.gz", b"\x1f\x8b\x08\x00", &["it is not a logaudit snapshot"]),
        ("latin1.json", b"{\"kind\": \"LogauditSnapshot\", \"x\": \"\xff\"}", &["cannot read the snapshot"]),
    ] {
        let path = files.with(name, bytes);
        run(&path).expect_refusal(&["cannot read the snapshot", name]).expect_refusal(words);
    }
    run("/nowhere.json").expect_refusal(&["/nowhere.json", "No such file"]);
    run(files.folder.path()).expect_refusal(&["is a folder", "-f"]);
    run("-").expect_refusal(&["not a logaudit snapshot"]);
}

fn flipped(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    bytes
}

#[test]
fn a_snapshot_of_another_version_names_who_can_read_it() {
    let files = Files::new();
    let newer = text().replacen("\"schemaVersion\": 1", "\"schemaVersion\": 2", 1).replacen(
        "\"toolVersion\": \"0.1.0\"",
        "\"toolVersion\": \"7.5.0\"",
        1,
    );
    run(files.with("newer.json", newer)).expect_refusal(&["schema version 2", "reads version 1", "(7.5.0)"]);
    let strange = text().replacen("\"schemaVersion\": 1", "\"schemaVersion\": \"one\"", 1);
    run(files.with("strange.json", strange)).expect_refusal(&["cannot read the snapshot"]);
}

#[test]
fn a_snapshot_with_a_wrong_field_is_pointed_at() {
    let files = Files::new();
    for (from, to, words) in [
        ("\"leases\"", "\"leasez\"", &["does not follow the snapshot format", "leasez"][..]),
        ("\"renewTime\": \"", "\"renewTime\": \"x", &["does not follow the snapshot format", "line"]),
        ("\"state\": \"read\"", "\"state\": \"maybe\"", &["does not follow the snapshot format", "maybe"]),
    ] {
        run(files.with("wrong.json", text().replacen(from, to, 1))).expect_refusal(words);
    }
}

#[test]
fn snapshots_that_would_not_end_are_refused() {
    let files = Files::new();
    let deep = format!("{{\"kind\": \"LogauditSnapshot\", \"x\": {}", "[".repeat(1_000_000));
    run(files.with("deep.json", deep)).expect_refusal(&["cannot read the snapshot"]);
    // 257 MiB of blanks are a few kilobytes.
    let bomb = zstd::encode_all(std::io::Read::take(std::io::repeat(b' '), 257 * 1024 * 1024), 1).unwrap();
    let output = run(files.with("bomb.zst", bomb));
    output.expect_refusal(&["larger than 256 MiB"]);
}

#[test]
fn compressed_plain_and_piped_snapshots_are_the_same() {
    let files = Files::new();
    let plain = over("ha-drift").args(["-o", "json"]).run();
    let compressed = files.with("a.json.zst", zstd::encode_all(text().as_bytes(), 3).unwrap());
    let read = |tool: crate::support::tool::Tool| tool.args(["-o", "json"]).run().stdout;
    assert_eq!(read(pinned().args(["run", "--snapshot"]).arg(&compressed)), plain.stdout);
    assert_eq!(read(pinned().args(["run", "--snapshot", "-"]).stdin(text())), plain.stdout);
    assert_eq!(
        read(pinned().args(["run", "--snapshot", "-"]).stdin(fs::read(compressed).unwrap())),
        plain.stdout
    );
}

#[test]
fn saving_a_saved_snapshot_changes_nothing() {
    let again = pinned().args(["snapshot", "--snapshot"]).arg(example("ha-drift")).run();
    let twice = pinned().args(["snapshot", "--snapshot", "-"]).stdin(&again.stdout).run();
    assert_eq!(twice.expect_code(0).stdout, again.expect_code(0).stdout);
    let zstd = pinned().args(["snapshot", "--zstd", "--snapshot"]).arg(example("ha-drift"));
    let files = Files::new();
    let file = files.folder.path().join("s");
    zstd.arg("--output-file").arg(&file).run().expect_code(0);
    assert_eq!(zstd::decode_all(fs::read(file).unwrap().as_slice()).unwrap(), again.stdout.as_bytes());
}

/// k3s and RKE2 write a kubelet's arguments into every node.
#[test]
fn a_large_cluster_is_judged_in_time() {
    let mut snapshot: serde_json::Value = serde_json::from_str(&text()).unwrap();
    let numbered = |template: &serde_json::Value| -> serde_json::Value {
        let name = |index: usize| format!("worker-{index:05}");
        (0..2000)
            .map(|index| {
                let mut one = template.clone();
                one["name"] = name(index).into();
                one
            })
            .collect()
    };
    for list in ["nodes", "kubeletConfigs"] {
        snapshot[list]["value"] = numbered(&snapshot[list]["value"][0]);
    }
    let output = pinned().args(["run", "-o", "json", "--snapshot", "-"]).stdin(snapshot.to_string()).run();
    assert!(output.report().of("LA-RET-007").len() >= 2000);
    output.expect_within(Duration::from_secs(10));
}
