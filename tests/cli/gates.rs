//! Which findings end a run with 1, and which are looked at at all.

use logaudit::verdict::Status;

use super::over;
use crate::support::report::{Report, text};
use crate::support::tool::Output;

fn json(name: &str, args: &[&str]) -> Output {
    over(name).args(["-o", "json"]).args(args).run()
}

fn report(name: &str, args: &[&str]) -> Report {
    json(name, args).report()
}

#[test]
fn the_severity_that_fails_is_chosen() {
    for (name, args, code) in [
        ("kubeadm-hardened", &[][..], 0),
        ("kubeadm-default", &[], 1),
        ("kubeadm-default", &["--fail-on", "never"], 0),
        ("kubeadm-default", &["--fail-on", "critical"], 1),
        ("managed-no-access", &[], 1),
        ("managed-no-access", &["--fail-on", "critical"], 0),
        ("managed-no-access", &["--fail-on", "critical", "--fail-on-unknown"], 1),
        ("managed-no-access", &["--fail-on", "never", "--fail-on-unknown"], 0),
        ("kubeadm-hardened", &["--fail-on", "low"], 0),
    ] {
        let output = json(name, args);
        output.expect_code(code);
        let gate = output.report().0["summary"]["gate"].clone();
        assert_eq!(gate["passed"], code == 0, "{name} {args:?}");
        assert_eq!(gate["reasons"].as_array().unwrap().is_empty(), code == 0, "{gate}");
    }
}

#[test]
fn every_form_ends_with_the_same_code() {
    for name in ["kubeadm-hardened", "kubeadm-default"] {
        let codes: Vec<Option<i32>> = ["table", "wide", "json", "yaml"]
            .iter()
            .map(|form| over(name).args(["-o", form]).run().code)
            .collect();
        assert!(codes.windows(2).all(|pair| pair[0] == pair[1]), "{name}: {codes:?}");
    }
}

#[test]
fn the_low_end_of_the_score_can_be_demanded() {
    let low = report("kubeadm-hardened", &[]).low();
    json("kubeadm-hardened", &["--min-score", &low.to_string()]).expect_code(0);
    let output = json("kubeadm-hardened", &["--min-score", &(low + 0.1).to_string(), "--fail-on", "never"]);
    let gate = output.expect_code(1).report().0["summary"]["gate"].clone();
    assert!(gate["reasons"][0].as_str().unwrap().contains(&low.to_string()), "{gate}");
}

#[test]
fn only_the_selected_checks_are_run_and_the_report_says_so() {
    let ids = |args: &[&str]| -> Vec<String> {
        let report = report("kubeadm-default", args);
        assert!(!report.0["selection"].is_null(), "{args:?}");
        report.verdicts().into_keys().collect()
    };
    assert_eq!(ids(&["--only", "LA-API-002"]), ["LA-API-002"]);
    assert_eq!(ids(&["--only", "LA-API-00*", "--skip", "LA-API-002,LA-API-003"]).len(), 7);
    assert_eq!(ids(&["--only", "LA-API-002", "--only", "LA-API-003"]), ["LA-API-002", "LA-API-003"]);
    assert!(ids(&["--only", "retention"]).iter().all(|id| id.starts_with("LA-RET-")));
    let others = ids(&["--skip", "apiserver", "--skip", "policy"]);
    assert!(others.iter().all(|id| !id.starts_with("LA-API-") && !id.starts_with("LA-POL-")));
    assert!(ids(&["--only", "E02"]).contains(&"LA-API-005".to_owned()));
    let table = over("kubeadm-default").args(["--only", "retention"]).run().stdout;
    assert!(table.contains("--only or --skip left checks out of findings and score"), "{table}");
    assert_eq!(report("kubeadm-default", &[]).0["selection"], serde_json::Value::Null);
}

/// What is left out can neither pass nor raise the score.
#[test]
fn leaving_checks_out_does_not_make_a_cluster_better() {
    let all = ["--framework", "all"];
    let whole = report("kubeadm-default", &all);
    let skip = ["--framework", "all", "--skip", "LA-API-002,LA-API-003,LA-API-004"];
    let part = report("kubeadm-default", &skip);
    assert!(part.0["score"]["judged"].as_f64() < whole.0["score"]["judged"].as_f64());
    let passed = |report: &Report| {
        report
            .controls()
            .into_iter()
            .filter(|(_, status)| *status == Status::Pass)
            .map(|(id, _)| id)
            .collect::<Vec<_>>()
    };
    let before = passed(&whole);
    assert!(passed(&part).iter().all(|id| before.contains(id)), "{:?}", passed(&part));
    // What is left of a control is not the whole of it.
    assert_eq!(part.controls()["nsa-cisa NSA.L8"], Status::Unknown);
}

#[test]
fn severity_hides_and_does_not_change() {
    let whole = report("ha-drift", &[]);
    let high = report("ha-drift", &["--severity", "high"]);
    assert!(
        high.findings().all(|finding| ["high", "critical"].contains(&text(finding, "severity").as_str()))
    );
    let hidden = whole.findings().count() - high.findings().count();
    assert_eq!(high.0["summary"]["hidden"], hidden);
    assert_eq!(high.0["score"], whole.0["score"]);
    assert_eq!(high.0["summary"]["verdicts"], whole.0["summary"]["verdicts"]);
    assert_eq!(json("ha-drift", &["--severity", "critical"]).code, json("ha-drift", &[]).code);
    let table = over("ha-drift").args(["--severity", "high"]).run().stdout;
    assert!(table.contains(&format!("{hidden} findings of a severity below high not shown")), "{table}");
}

#[test]
fn frameworks_are_selected_by_edition() {
    let shown = |args: &[&str]| -> Vec<String> {
        let report = report("kubeadm-hardened", args);
        let frameworks = report.0["frameworks"].as_array().unwrap();
        frameworks.iter().map(|of| format!("{}@{}", text(of, "id"), text(of, "edition"))).collect()
    };
    assert_eq!(shown(&["--framework", "cis-kubernetes@1.12"]), ["cis-kubernetes@1.12"]);
    assert_eq!(shown(&["--framework", "owasp-k8s-2022,owasp-k8s-2025"]).len(), 2);
    let twice =
        ["--framework", "cis-kubernetes@1.9", "--framework", "cis-kubernetes@1.12,cis-kubernetes@1.9"];
    assert_eq!(shown(&twice), ["cis-kubernetes@1.9", "cis-kubernetes@1.12"]);
    assert_eq!(shown(&[]), ["cis-kubernetes@2.0.1", "owasp-k8s-2022@2022", "owasp-k8s-2025@2025"]);
    // Both stand beside each other, so that neither is left out in silence.
    assert_eq!(shown(&["--framework", "bsi"]), ["bsi@C5-2020", "bsi@IT-Grundschutz"]);
    assert_eq!(shown(&["--framework", "bsi@C5-2020"]), ["bsi@C5-2020"]);
    let all = shown(&["--framework", "all"]);
    for absent in ["cis-eks", "cis-aks", "cis-gke", "cis-ack", "cis-openshift", "disa-ocp4-stig"] {
        assert!(!all.iter().any(|id| id.starts_with(absent)), "{absent}: {all:?}");
    }
    // 24 frameworks, of which six are for other clusters; two have two editions.
    assert_eq!(all.len(), 20, "{all:?}");
}
