//! Comparing with an older report: the gate on what is new, and `diff`.

mod hostile;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::report::Report;
use crate::support::stage::pinned;
use crate::support::tool::{Output, Tool};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(format!("{name}.json"))
}

struct Stage {
    folder: TempDir,
    report: Value,
}

impl Stage {
    /// The report on an example.
    fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let report = pinned().args(["run", "-o", "json", "--snapshot"]).arg(example(name)).run().report().0;
        Self { folder, report }
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// The report as an older one that is different in some way.
    fn older(&self, change: impl FnOnce(&mut Value)) -> PathBuf {
        let mut report = self.report.clone();
        change(&mut report);
        self.write("older.json", report.to_string())
    }

    fn tool(&self, words: &[&str]) -> Tool {
        pinned().cwd(self.folder.path()).args(words)
    }

    /// A run on the same example, compared with an older report.
    fn against(&self, name: &str, baseline: &Path, words: &[&str]) -> Output {
        let tool = self.tool(&["run", "-o", "json", "--snapshot"]).arg(example(name));
        tool.arg("--baseline").arg(baseline).args(words).run()
    }
}

/// The finding of a check in a report.
fn finding<'r>(report: &'r mut Value, check: &str) -> &'r mut Value {
    let findings = report["findings"].as_array_mut().unwrap();
    findings.iter_mut().find(|finding| finding["check"] == check).unwrap()
}

fn standing(report: &Report, check: &str) -> String {
    report.of(check)[0]["baseline"].as_str().unwrap_or("none").to_owned()
}

/// A check of severity high that fails once on the example.
const HIGH: &str = "LA-INT-020";

#[test]
fn what_was_better_or_was_not_there_is_new_and_fails_the_gate() {
    let stage = Stage::new("ships-nothing");
    for (change, expected, code) in [
        (None, "unchanged", 0),
        (Some(json!({"status": "pass"})), "new", 1),
        (Some(json!({"status": "unknown"})), "new", 1),
        (Some(json!({"status": "waived"})), "new", 1),
        (Some(json!({"status": "not-applicable"})), "new", 1),
        (Some(json!({"severity": "medium"})), "new", 1),
        (Some(json!({"severity": "critical"})), "unchanged", 0),
        (Some(json!({"evidence": [{"at": "elsewhere", "detail": "x"}]})), "changed", 0),
        (Some(json!({"reason": "other words"})), "unchanged", 0),
        (Some(json!({"fingerprint": "another"})), "new", 1),
    ] {
        let older = stage.older(|report| {
            for (field, value) in change.iter().flat_map(|change| change.as_object().unwrap()) {
                finding(report, HIGH)[field] = value.clone();
            }
        });
        let output = stage.against("ships-nothing", &older, &[]);
        let report = output.expect_code(code).report();
        assert_eq!(standing(&report, HIGH), expected, "{change:?}");
        let new = report.0["baseline"]["new"].as_u64().unwrap();
        assert_eq!(new, u64::from(code == 1), "{change:?}");
        if code == 1 {
            let reasons = &report.0["summary"]["gate"]["reasons"];
            assert_eq!(*reasons, json!(["1 new failed check of severity high or above"]));
        }
    }
}

/// What cannot be told any more is neither mended nor new.
#[test]
fn a_failure_that_is_unknown_now_is_not_gone() {
    let stage = Stage::new("looks-audited");
    let unknown = stage.report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["status"] == "unknown" && finding["severity"] == "high");
    let id = unknown.unwrap()["check"].as_str().unwrap().to_owned();
    let older = stage.older(|report| finding(report, &id)["status"] = "fail".into());
    let report = stage.against("looks-audited", &older, &["--fail-on-unknown"]).expect_code(0).report();
    assert_eq!(standing(&report, &id), "changed");
    assert_eq!(report.0["baseline"]["gone"], json!([]));
    let older = stage.older(|report| finding(report, &id)["status"] = "pass".into());
    stage.against("looks-audited", &older, &[]).expect_code(0);
    stage.against("looks-audited", &older, &["--fail-on-unknown"]).expect_code(1);
}

#[test]
fn what_is_gone_is_told() {
    let stage = Stage::new("ships-nothing");
    let older = stage.older(|report| {
        let mut gone = finding(report, HIGH).clone();
        gone["subject"] = "StatefulSet logging/old".into();
        gone["fingerprint"] = "LA-INT-020:StatefulSet logging/old:stores.authentication".into();
        report["findings"].as_array_mut().unwrap().push(gone);
        let passing = report["findings"].as_array_mut().unwrap().iter_mut();
        let first = passing.into_iter().find(|finding| finding["status"] == "pass").unwrap();
        first["status"] = "fail".into();
    });
    let report = stage.against("ships-nothing", &older, &[]).expect_code(0).report();
    let gone = report.0["baseline"]["gone"].as_array().unwrap();
    assert_eq!(gone.len(), 2, "{gone:?}");
    let not_there = gone.iter().find(|gone| gone["subject"] == "StatefulSet logging/old").unwrap();
    assert!(not_there["is"].is_null() && not_there["was"] == "fail");
    assert!(gone.iter().any(|gone| gone["is"] == "pass"));
    let table =
        stage.tool(&["run", "--baseline", "older.json", "--snapshot"]).arg(example("ships-nothing")).run();
    assert!(
        table.stdout.contains("against the baseline 0 new, 0 changed, 29 unchanged, 2 gone"),
        "{}",
        table.stdout
    );
}

#[test]
fn several_findings_with_one_fingerprint_are_counted() {
    let stage = Stage::new("ships-nothing");
    // Twice before and once now: one is gone. Which it is, the evidence tells.
    let older = stage.older(|report| {
        let mut twin = finding(report, HIGH).clone();
        twin["evidence"] = json!([]);
        report["findings"].as_array_mut().unwrap().insert(0, twin);
    });
    let report = stage.against("ships-nothing", &older, &[]).expect_code(0).report();
    assert_eq!(standing(&report, HIGH), "unchanged");
    assert_eq!(report.0["baseline"]["gone"].as_array().unwrap().len(), 1);
}

#[test]
fn a_baseline_may_be_compressed_and_of_another_cluster_or_selection_with_a_note() {
    let stage = Stage::new("ships-nothing");
    let bytes = zstd::encode_all(stage.report.to_string().as_bytes(), 3).unwrap();
    let path = stage.write("older.json.zst", bytes);
    stage.against("ships-nothing", &path, &[]).expect_code(0);
    let older = stage.older(|report| {
        report["cluster"]["name"] = "another".into();
        report["cluster"]["server"] = Value::Null;
        report["tool"]["version"] = "0.0.1".into();
        report["selection"] = json!({"only": ["apiserver"]});
    });
    let report = stage.against("ships-nothing", &older, &[]).report();
    let notes = report.0["notes"].to_string();
    for words in ["compared with a report on another", "by version 0.0.1", "--only or --skip differ"] {
        assert!(notes.contains(words), "{notes}");
    }
}

/// A gate must not be green for ever because nothing was seen the first time.
#[test]
fn no_baseline_excuses_that_nothing_was_seen() {
    let stage = Stage::new("managed-no-access");
    let older = stage.older(|_| {});
    let report = stage.against("managed-no-access", &older, &[]).expect_code(1).report();
    assert_eq!(report.0["summary"]["gate"]["reasons"].as_array().unwrap().len(), 1);
    assert!(report.only("LA-API-001")["baseline"].is_null());
    let notes = report.0["notes"].to_string();
    assert!(
        notes.contains("LA-API-001 fails as in the baseline, and fails the gate all the same"),
        "{notes}"
    );
    stage.against("managed-no-access", &older, &["--skip", "LA-API-001"]).expect_code(0);
}

/// A tunnel or a local cluster has the URL of another, and a context the name of another.
#[test]
fn a_baseline_of_another_cluster_at_the_same_address_is_named() {
    let stage = Stage::new("ships-nothing");
    for (field, value) in [("name", "another"), ("server", "https://192.0.2.99:6443")] {
        let older = stage.older(|report| {
            report["cluster"][field] = value.into();
        });
        let notes = stage.against("ships-nothing", &older, &[]).report().0["notes"].to_string();
        assert!(notes.contains("compared with a report on") && notes.contains(value), "{field}: {notes}");
    }
    let same = stage.older(|_| {});
    let notes = stage.against("ships-nothing", &same, &[]).report().0["notes"].to_string();
    assert!(!notes.contains("compared with a report on"), "{notes}");
}

#[test]
fn two_reports_are_compared_in_every_form() {
    let stage = Stage::new("ships-nothing");
    let before = stage.older(|report| {
        finding(report, HIGH)["status"] = "pass".into();
        finding(report, "LA-COL-046")["evidence"] = json!([{"at": "elsewhere:1:1", "detail": "was"}]);
        finding(report, "LA-COL-042")["status"] = "unknown".into();
        finding(report, "LA-COL-042")["subject"] = "<b>|@x".into();
        let findings = report["findings"].as_array_mut().unwrap();
        findings.retain(|finding| finding["check"] != "LA-COL-044");
    });
    let after = stage.write("after.json", stage.report.to_string());
    let diff = |words: &[&str]| stage.tool(&["diff"]).arg(&before).arg(&after).args(words).run();
    let difference = diff(&["-o", "json"]).expect_code(1).json();
    let kind = |check: &str| {
        let changes = difference["changes"].as_array().unwrap();
        changes.iter().find(|change| change["check"] == check).unwrap()["kind"].as_str().unwrap().to_owned()
    };
    assert_eq!(difference["changes"].as_array().unwrap().len(), 4);
    assert_eq!(kind(HIGH), "worse");
    assert_eq!(kind("LA-COL-046"), "evidence");
    assert_eq!(kind("LA-COL-042"), "worse");
    assert_eq!(kind("LA-COL-044"), "new");
    let schema = logaudit::report::change::schema();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&difference));
    let table = diff(&[]).expect_code(1).stdout.clone();
    assert!(table.contains("2 worse, 1 new, 1 with other evidence"), "{table}");
    assert!(table.contains("elsewhere:1:1 was ->"), "{table}");
    let markdown = diff(&["-o", "markdown"]).expect_code(1).stdout.clone();
    assert!(markdown.contains("| worse | high | `LA-INT-020` |"), "{markdown}");
    // Back again: what failed and passes is better, and what is not told any more is lost, not mended.
    let back = stage.tool(&["diff", "-o", "json"]).arg(&after).arg(&before).run().json();
    let kinds: Vec<&str> =
        back["changes"].as_array().unwrap().iter().map(|change| change["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"better") && kinds.contains(&"lost") && kinds.contains(&"gone"), "{kinds:?}");
    stage.tool(&["diff"]).arg(&after).arg(&after).run().expect_code(0);
}

#[test]
fn snapshots_are_judged_and_compared() {
    let stage = Stage::new("ships-nothing");
    let report = stage.write("report.json", stage.report.to_string());
    let same = stage.tool(&["diff"]).arg(&report).arg(example("ships-nothing")).run();
    assert!(same.expect_code(0).stdout.starts_with("Nothing differs: "), "{same:?}");
    let other = stage.tool(&["diff"]).arg(example("kubeadm-default")).arg(example("kubeadm-hardened")).run();
    assert!(other.expect_code(1).stdout.contains("better"), "{other:?}");
}
