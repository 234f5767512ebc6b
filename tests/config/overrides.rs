//! Judging by other numbers than the checks' own.

use serde_json::{Value, json};

use super::Folder;
use crate::support::report::Report;

fn run(config: &str, words: &[&str]) -> Report {
    Folder::with(config).over("ships-nothing", words).report()
}

/// What the check of how long audit files stay came to: in the example it is 30 days.
fn audit_files(report: &Report) -> &Value {
    &report.only("LA-RET-001")["status"]
}

#[test]
fn a_parameter_changes_the_verdict_and_the_report_says_so() {
    let plain = run("", &[]);
    assert!(plain.0["overrides"].is_null());
    assert_eq!(audit_files(&plain), "pass");
    let report = run("\nparams:\n  LA-RET-001:\n    minDays: 365\n", &[]);
    assert_eq!(audit_files(&report), "fail");
    let expected = json!({
        "check": "LA-RET-001", "setting": "minDays", "value": 365, "default": 30, "at": ".logaudit.yaml:4:14"
    });
    assert_eq!(report.0["overrides"], json!([expected]));
    let note = "LA-RET-001 is judged with minDays 365 instead of 30: .logaudit.yaml:4:14";
    assert!(report.0["notes"].as_array().unwrap().contains(&note.into()));
    // The score goes by what is set.
    let strict = run("params: {LA-INT-002: {most: 0}}\n", &[]);
    assert!(strict.low() < plain.low());
    // The default, said aloud, is no override.
    assert!(run("params: {LA-RET-001: {minDays: 30}}\n", &[]).0["overrides"].is_null());
}

#[test]
fn a_threshold_sets_all_checks_that_ask_the_same_and_a_parameter_is_stronger() {
    let report = run(
        "thresholds: {retention-days: 365, audit-file-days: 365}\nparams: {LA-EKS-005: {minDays: 7}, LA-GKE-007: {minDays: 90}}\n",
        &[],
    );
    let told: Vec<(&str, i64)> = report.0["overrides"]
        .as_array()
        .unwrap()
        .iter()
        .map(|told| (told["check"].as_str().unwrap(), told["value"].as_i64().unwrap()))
        .collect();
    let expected = [
        ("LA-AKS-006", 365),
        ("LA-EKS-005", 7),
        ("LA-RET-001", 365),
        ("LA-RET-005", 365),
        ("LA-RET-011", 365),
    ];
    assert_eq!(told, expected);
    assert_eq!(audit_files(&report), "fail");
}

/// What a framework asks for is changed by nothing that users set.
#[test]
fn frameworks_keep_their_own_numbers() {
    let words = ["--framework", "all"];
    let plain = run("", &words);
    for days in [1, 36_500] {
        let set = run(&format!("thresholds: {{audit-file-days: {days}}}\n"), &words);
        assert_eq!(audit_files(&set), if days == 1 { "pass" } else { "fail" });
        assert!(set.0["frameworks"].as_array().unwrap().len() > 5);
        assert_eq!(plain.0["frameworks"], set.0["frameworks"]);
    }
}

#[test]
fn a_severity_counts_for_the_gate_and_not_for_the_score() {
    let plain = run("", &[]);
    let config = "severities: {LA-RET-011: critical, LA-INT-020: low}\n";
    let report = run(config, &[]);
    assert!(report.of("LA-INT-020").iter().all(|finding| finding["severity"] == "low"));
    assert_eq!(plain.0["score"], report.0["score"]);
    let failed =
        |report: &Report, severity: &str| report.0["summary"]["failed"][severity].as_i64().unwrap_or(0);
    assert_eq!(failed(&report, "high"), failed(&plain, "high") - 1);
    let told: Vec<&str> = report.0["overrides"]
        .as_array()
        .unwrap()
        .iter()
        .map(|told| told["setting"].as_str().unwrap())
        .collect();
    assert_eq!(told, ["severity", "severity"]);
    // All that is high made low: nothing is left at the gate.
    let ids: Vec<String> = plain
        .findings()
        .filter(|finding| finding["status"] == "fail" && finding["severity"] == "high")
        .map(|finding| format!("{}: low", finding["check"].as_str().unwrap()))
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect();
    Folder::with(&format!("severities: {{{}}}\n", ids.join(", "))).over("ships-nothing", &[]).expect_code(0);
}

#[test]
fn every_threshold_sets_parameters_that_there_are() {
    let checks = logaudit::check::load::builtin().unwrap();
    for threshold in logaudit::config::thresholds::THRESHOLDS.iter() {
        assert!(threshold.what.ends_with('.') && !threshold.sets.is_empty(), "{}", threshold.id);
        for target in &threshold.sets {
            let check = checks.get(&target.check).unwrap_or_else(|| panic!("{}", target.check));
            assert!(
                check.params.get(&target.param).is_some_and(Value::is_i64),
                "{} {}",
                check.id,
                target.param
            );
        }
    }
}
