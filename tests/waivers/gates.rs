//! How a run ends at the edges of its gate.

use super::Stage;
use crate::support::report::Report;

fn gate(report: &Report) -> (bool, Vec<String>) {
    let gate = &report.0["summary"]["gate"];
    let reasons = gate["reasons"].as_array().unwrap().iter();
    (gate["passed"] == true, reasons.map(|reason| reason.as_str().unwrap().to_owned()).collect())
}

/// A configuration in which every failure of an example is waived.
fn all_waived(name: &str) -> String {
    let report = Stage::new("").over(name, &[]).report();
    let failed: Vec<String> = report
        .findings()
        .filter(|finding| finding["status"] == "fail")
        .map(|finding| {
            let of = |field: &str| serde_json::to_string(&finding[field]).unwrap();
            let (check, subject) = (of("check"), of("subject"));
            format!("- {{check: {check}, subject: {subject}, reason: r, owner: o, until: 2027-06-30}}\n")
        })
        .collect();
    assert!(failed.len() > 20);
    format!("waivers:\n{}", failed.concat())
}

#[test]
fn failures_that_are_all_waived_do_not_fail_it() {
    let config = all_waived("ships-nothing");
    let stage = Stage::new(&config);
    let output = stage.over("ships-nothing", &["--fail-on", "low"]);
    let report = output.expect_code(0).report();
    assert_eq!(gate(&report), (true, vec![]));
    assert!(report.0["summary"]["verdicts"]["fail"].is_null(), "{}", report.0["summary"]);
    // The score is that of the failures, so that it can still fail.
    let low = Stage::new("").over("ships-nothing", &[]).report().low();
    assert!((report.low() - low).abs() < f64::EPSILON);
    stage.over("ships-nothing", &["--min-score", &(low + 0.1).to_string()]).expect_code(1);
    stage.over("ships-nothing", &["--min-score", &low.to_string()]).expect_code(0);
}

#[test]
fn waived_failures_do_not_hide_what_is_unknown() {
    let config = all_waived("looks-audited");
    let stage = Stage::new(&config);
    stage.over("looks-audited", &[]).expect_code(0);
    let report = stage.over("looks-audited", &["--fail-on-unknown"]).expect_code(1).report();
    let (_, reasons) = gate(&report);
    assert!(reasons.iter().all(|reason| reason.contains("unknown")) && reasons.len() == 1, "{reasons:?}");
}

#[test]
fn a_waiver_that_is_over_fails_it_again() {
    let config = all_waived("ships-nothing").replace("2027-06-30", "2026-11-20");
    Stage::new(&config).over("ships-nothing", &[]).expect_code(1);
}

#[test]
fn an_empty_cluster_is_not_green_out_of_ignorance() {
    let stage = Stage::new("");
    stage.write("empty.yaml", "apiVersion: v1\nkind: List\nitems: []\n");
    let output = stage.tool(&["run", "-o", "json", "-f", "empty.yaml"]).run();
    let report = output.expect_code(1).report();
    assert_eq!(report.only("LA-API-001")["status"], "fail");
    assert!(report.low() < 1.0);
}

#[test]
fn a_cluster_of_which_nothing_is_known_fails_it_by_what_could_not_be_told() {
    let stage = Stage::new("");
    let report = stage.over("managed-no-access", &[]).expect_code(1).report();
    assert_eq!(gate(&report).1, ["1 failed check of severity high or above"]);
    // Who accepts that says so; the rest is unknown, and fails where that is asked for.
    let waived = Stage::new(
        "waivers: [{check: LA-API-001, reason: the provider runs it, owner: o, until: 2027-01-01}]\n",
    );
    waived.over("managed-no-access", &[]).expect_code(0);
    waived.over("managed-no-access", &["--fail-on-unknown"]).expect_code(1);
}

#[test]
fn a_score_exactly_at_the_limit_passes() {
    let stage = Stage::new("");
    let low = stage.over("kubeadm-hardened", &[]).report().low();
    for (limit, code) in [(low, 0), (low + 0.1, 1), (0.0, 0), (100.0, 1)] {
        let config = Stage::new(&format!("min-score: {limit:.1}\n"));
        config.over("kubeadm-hardened", &[]).expect_code(code);
    }
}

#[test]
fn a_selection_that_leaves_nothing_is_refused() {
    let stage = Stage::new("only: [LA-API-002]\nskip: [apiserver]\n");
    stage.over("ships-nothing", &[]).expect_refusal(&["leave no check to run"]);
    let misspelt = Stage::new("only: [LA-API-02]\n");
    misspelt.over("ships-nothing", &[]).expect_refusal(&[".logaudit.yaml:1:7: `LA-API-02` selects no check"]);
}

#[test]
fn against_a_baseline_only_what_is_new_fails_it() {
    let stage = Stage::new("");
    let report = stage.over("ships-nothing", &[]).expect_code(1).stdout.clone();
    stage.write("baseline.json", &report);
    let again = stage.over("ships-nothing", &["--baseline", "baseline.json"]).expect_code(0).report();
    assert_eq!(gate(&again), (true, vec![]));
    assert!(again.findings().filter(|f| f["status"] == "fail").all(|f| f["baseline"] == "unchanged"));
    // The score is absolute.
    stage.over("ships-nothing", &["--baseline", "baseline.json", "--min-score", "99"]).expect_code(1);
}
