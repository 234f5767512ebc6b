//! Failures that are accepted: where waivers stand, what they accept, and what is said of them.

mod annotations;
mod comments;
mod gates;
mod grammar;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::report::Report;
use crate::support::tool::{Output, Tool};

/// A day in the middle of the tests' waivers: 2026-11-21, noon.
const DAY: &str = "1795262400";

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(format!("{name}.json"))
}

/// A folder with a configuration file, in which the program runs.
struct Stage {
    folder: TempDir,
}

impl Stage {
    fn new(config: &str) -> Self {
        let stage = Self { folder: tempfile::tempdir().unwrap() };
        stage.write(".logaudit.yaml", config);
        stage
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn tool(&self, words: &[&str]) -> Tool {
        Tool::new().cwd(self.folder.path()).env("SOURCE_DATE_EPOCH", DAY).args(words)
    }

    fn over(&self, name: &str, words: &[&str]) -> Output {
        self.tool(&["run", "-o", "json", "--snapshot"]).arg(example(name)).args(words).run()
    }

    fn list(&self, name: &str, words: &[&str]) -> Vec<Value> {
        let output =
            self.tool(&["waivers", "list", "-o", "json", "--snapshot"]).arg(example(name)).args(words).run();
        output.expect_code(0).json().as_array().unwrap().clone()
    }
}

fn states(list: &[Value]) -> Vec<&str> {
    list.iter().map(|waiver| waiver["state"].as_str().unwrap()).collect()
}

const ONE: &str = "waivers:
  - check: LA-INT-020
    subject: StatefulSet logging/loki
    reason: only the collectors reach it
    owner: platform
    until: 2027-03-31
";

#[test]
fn a_waived_failure_keeps_its_evidence_and_counts_as_failed_in_the_score() {
    let plain = Stage::new("").over("ships-nothing", &[]).report();
    let waived = Stage::new(ONE).over("ships-nothing", &[]).report();
    let (before, after) = (plain.only("LA-INT-020").clone(), waived.only("LA-INT-020").clone());
    assert_eq!((&before["status"], &after["status"]), (&"fail".into(), &"waived".into()));
    for field in ["evidence", "reason", "rank", "severity", "fingerprint", "fix"] {
        assert_eq!(before[field], after[field], "{field}");
    }
    let waiver = &after["waiver"];
    assert_eq!(waiver["reason"], "only the collectors reach it");
    assert_eq!((&waiver["owner"], &waiver["expires"]), (&"platform".into(), &"2027-03-31".into()));
    assert_eq!(waiver["at"], ".logaudit.yaml:2:5");
    assert_eq!(waived.0["summary"]["waived"], 1);
    assert_eq!(waived.0["summary"]["verdicts"]["waived"], 1);
    for field in ["low", "high", "judged", "grade", "caps"] {
        assert_eq!(plain.0["score"][field], waived.0["score"][field], "{field}");
    }
    let items = waived.0["score"]["items"].as_array().unwrap();
    assert!(items.iter().any(|item| item["checks"]["LA-INT-020"] == "waived"));
}

#[test]
fn what_is_unknown_cannot_be_waived() {
    let stage = Stage::new("waivers: [{check: LA-API-002, reason: nobody can see it}]\n");
    let report = stage.over("managed-no-access", &[]).report();
    assert!(report.of("LA-API-002").iter().all(|finding| finding["status"] == "unknown"));
    // Nor is the waiver without a match: whether it is needed cannot be told.
    assert_eq!(report.only("LA-WVR-002")["status"], "unknown");
    assert_eq!(states(&stage.list("managed-no-access", &[])), ["unknown"]);
}

#[test]
fn a_waiver_holds_through_its_last_day() {
    let stage = Stage::new("waivers: [{check: LA-INT-020, reason: r, owner: o, until: 2026-11-21}]\n");
    // The last second of the day, and the first of the next, in UTC; the zone of the machine does not count.
    for (time, status, expired) in [("1795305599", "waived", "pass"), ("1795305600", "fail", "fail")] {
        for zone in ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"] {
            let output = stage
                .tool(&["run", "-o", "json", "--snapshot"])
                .arg(example("ships-nothing"))
                .env("SOURCE_DATE_EPOCH", time)
                .env("TZ", zone)
                .run();
            let report = output.report();
            assert_eq!(report.only("LA-INT-020")["status"], status, "{time} {zone}");
            assert_eq!(report.only("LA-WVR-001")["status"], expired, "{time} {zone}");
        }
    }
}

#[test]
fn a_pattern_of_everything_is_no_waiver() {
    for pattern in ["*", "LA-*", "*-00*"] {
        let stage = Stage::new(&format!("waivers: [{{check: \"{pattern}\", reason: r}}]\n"));
        let refused = stage.over("ships-nothing", &[]);
        refused.expect_refusal(&[&format!("`{pattern}` names checks of"), ".logaudit.yaml:1:19"]);
    }
    Stage::new("waivers: [{check: LA-INT-*, reason: r}]\n").over("ships-nothing", &[]).expect_code(1);
}

/// A pattern holds what comes later, however narrow it looks today.
#[test]
fn a_pattern_of_subjects_that_accepts_several_failures_is_over_broad() {
    for (scope, expected) in [
        ("subject: \"*C*\"", "over-broad"),
        ("at: \"the APIs*\"", "over-broad"),
        ("subject: \"*\"", "over-broad"),
    ] {
        let config =
            format!("waivers: [{{check: LA-POL-050, {scope}, reason: r, owner: o, until: 2027-01-01}}]\n");
        let stage = Stage::new(&config);
        let report = stage.over("kubeadm-default", &[]).report();
        assert!(report.0["summary"]["waived"].as_u64().unwrap() > 1);
        assert_eq!(report.only("LA-WVR-003")["status"], "fail", "{scope}");
        assert_eq!(states(&stage.list("kubeadm-default", &[])), [expected], "{scope}");
    }
}

#[test]
fn what_is_wrong_with_waivers_is_found() {
    let stage = Stage::new(
        "waivers:
- {check: LA-INT-020, reason: r, owner: o, until: 2020-01-01}
- {check: LA-INT-021, subject: nothing of the kind, reason: r, owner: o, until: 2027-01-01}
- {check: LA-COL-*, reason: r}
- {check: LA-INT-024, subject: \"*\", reason: r, owner: o, until: 2027-01-01}
",
    );
    let report = stage.over("ships-nothing", &[]).report();
    let failing = |check: &str| -> Vec<String> {
        let failed = report.of(check).into_iter().filter(|finding| finding["status"] == "fail");
        failed.map(|finding| finding["evidence"][0]["at"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(failing("LA-WVR-001"), [".logaudit.yaml:2:3"]);
    assert_eq!(failing("LA-WVR-002"), [".logaudit.yaml:3:3"]);
    assert_eq!(failing("LA-WVR-003"), [".logaudit.yaml:4:3"]);
    assert_eq!(failing("LA-WVR-004"), [".logaudit.yaml:4:3"]);
    assert_eq!(states(&stage.list("ships-nothing", &[])), ["expired", "unmatched", "over-broad", "active"]);
    // What is said of waivers is accepted by none.
    let waived = report.findings().filter(|finding| finding["status"] == "waived");
    let waived: Vec<&Value> = waived.collect();
    assert!(!waived.is_empty() && waived.iter().all(|finding| !finding["check"].to_string().contains("WVR")));
}

#[test]
fn without_waivers_nothing_is_said_of_them() {
    let report = Stage::new("").over("ships-nothing", &[]).report();
    assert!(report.verdicts().keys().all(|check| !check.starts_with("LA-WVR")));
    assert!(report.0["summary"]["waived"].is_null());
    let output = Stage::new("").tool(&["waivers", "list", "--snapshot"]).arg(example("ships-nothing")).run();
    assert_eq!(output.expect_code(0).stdout, "There are no waivers.\n");
}

#[test]
fn waivers_of_checks_that_are_left_out_are_not_called_needless() {
    let stage = Stage::new(ONE);
    let report = stage.over("ships-nothing", &["--skip", "LA-INT-020"]).report();
    assert!(report.of("LA-WVR-002").is_empty());
    assert_eq!(states(&stage.list("ships-nothing", &["--skip", "LA-INT-020"])), ["not-run"]);
}

#[test]
fn a_control_of_a_framework_is_waived_with_its_check() {
    let stage = Stage::new(ONE);
    let args = ["--framework", "all"];
    let (plain, waived) = (Stage::new("").over("ships-nothing", &args), stage.over("ships-nothing", &args));
    let (plain, waived) = (plain.report().controls(), waived.report().controls());
    let changed: Vec<&String> = plain.keys().filter(|id| plain[*id] != waived[*id]).collect();
    let status = |report: &Report| report.0["frameworks"].to_string();
    let told = status(&stage.over("ships-nothing", &args).report());
    assert!(told.contains("\"id\":\"LA-INT-020\"") && told.contains("\"waived\""));
    // A control in which something else fails stays failed.
    for id in changed {
        assert_eq!(waived[id], logaudit::verdict::Status::Waived, "{id}");
    }
}

#[test]
fn the_place_of_evidence_can_limit_a_waiver() {
    for (at, status) in [("ConfigMap logging/loki *", "waived"), ("ConfigMap logging/other *", "fail")] {
        let stage = Stage::new(&format!("waivers: [{{check: LA-INT-020, at: \"{at}\", reason: r}}]\n"));
        assert_eq!(stage.over("ships-nothing", &[]).report().only("LA-INT-020")["status"], status, "{at}");
    }
}

#[test]
fn the_table_counts_waived_findings_and_the_wide_one_says_who_accepts_them() {
    let stage = Stage::new(ONE);
    let table = |form: &str| {
        stage.tool(&["run", "-o", form, "--snapshot"]).arg(example("ships-nothing")).run().stdout
    };
    assert!(table("table").contains("1 failed finding waived"));
    let wide = table("wide");
    assert!(
        wide.contains(
            "waived by platform until 2027-03-31: only the collectors reach it (.logaudit.yaml:2:5)"
        ),
        "{wide}"
    );
    let listed = stage.tool(&["waivers", "list", "--snapshot"]).arg(example("ships-nothing")).run().stdout;
    assert!(listed.contains("active") && listed.contains("StatefulSet logging/loki"), "{listed}");
}
