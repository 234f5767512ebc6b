//! What somebody with fewer rights sees, and what is said about it.

use logaudit::verdict::Status;
use serde_json::Value;

use crate::support::cluster::VERSION;
use crate::support::routes::{Identity, Routes};
use crate::support::stage::Stage;

/// The grants by which a report says what is missing.
const LEASES_GRANT: &str = "grant `list` on `leases.coordination.k8s.io` in namespace `kube-system`";
const PODS_GRANT: &str = "grant `list` on `pods` in namespace `kube-system`";
const NODES_GRANT: &str = "grant `list` on `nodes`";
const CONFIGMAPS_GRANT: &str = "grant `get` on `configmaps` in namespace `kube-system`";
const METRICS_GRANT: &str = "grant `get` on the nonResourceURL `/metrics`";
const FLAGZ_GRANT: &str = "grant `get` on the nonResourceURL `/flagz`";

fn stage() -> Stage {
    Stage::with(Routes::kubeadm().with_short_metrics())
}

#[test]
fn a_viewer_learns_what_is_missing() {
    let stage = stage();
    let output = stage.run(&["--context", "viewer"]);
    // Pods may be read, so that something is told; how many apiservers there are is not.
    let report = output.expect_code(0).report();
    assert_eq!(report.verdict("LA-API-001"), Status::Pass);
    for check in ["LA-API-002", "LA-API-003", "LA-API-004", "LA-API-005", "LA-API-006", "LA-RET-001"] {
        assert_eq!(report.verdict(check), Status::Unknown, "{check}");
    }
    report.expect_unknown_because(&["forbidden", "viewer@example.com", LEASES_GRANT]);
    report.expect_unknown_because(&["/metrics", METRICS_GRANT]);
    stage.run(&["--context", "viewer", "--fail-on-unknown"]).expect_code(1);
    assert!(stage.server.requests().iter().all(|request| request.identity == Some(Identity::Viewer)));
}

#[test]
fn whoever_may_read_nothing_gets_no_green_report() {
    let stage = stage();
    let output = stage.run(&["--context", "nobody"]);
    let report = output.expect_code(1).report();
    assert_eq!(report.verdict("LA-API-001"), Status::Fail);
    let passed: Vec<_> =
        report.verdicts().into_iter().filter(|(_, status)| *status == Status::Pass).collect();
    assert_eq!(passed, []);
    assert!((0.0..=1.0).contains(&report.low()), "{}", report.low());
    for grant in [LEASES_GRANT, PODS_GRANT, CONFIGMAPS_GRANT, METRICS_GRANT, FLAGZ_GRANT] {
        report.expect_unknown_because(&["forbidden", grant]);
    }
    assert_eq!(report.0["summary"]["gate"]["passed"], false);
}

#[test]
fn an_anonymous_user_with_a_version_is_told_the_same() {
    let stage = stage();
    let report = stage.report(&["--context", "anonymous"]);
    assert_eq!(report.0["cluster"]["kubernetesVersion"], "v1.36.2");
    assert_eq!(report.verdict("LA-API-001"), Status::Fail);
}

#[test]
fn every_refusal_is_in_the_report() {
    let stage = stage();
    for context in ["viewer", "nobody"] {
        let snapshot = stage.tool().args(["snapshot", "--context", context]).run().json();
        let table = stage.tool().args(["run", "--context", context]).run().stdout;
        let json = stage.run(&["--context", context]).stdout;
        let mut refused = 0;
        for reading in
            ["version", "leases", "pods", "nodes", "kubeadmConfig", "kubeletConfigs", "flagz", "metrics"]
        {
            for gap in [&snapshot[reading], &snapshot[reading][0]] {
                if gap["reason"] == "forbidden" {
                    let said = format!("could not read {}: forbidden", gap["what"].as_str().unwrap());
                    assert!(table.contains(&said), "{context}: {said}\n{table}");
                    assert!(json.contains(&said), "{context}: {said}\n{json}");
                    refused += 1;
                }
            }
        }
        assert!(refused >= 4, "{context}: {refused}");
    }
}

/// What a report asks to be granted is what `rbac` prints, and nothing else.
#[test]
fn rbac_prints_what_reports_ask_for() {
    let stage = stage();
    let table = stage.tool().args(["run", "--context", "nobody"]).run().stdout;
    for grant in [LEASES_GRANT, PODS_GRANT, NODES_GRANT, CONFIGMAPS_GRANT, METRICS_GRANT, FLAGZ_GRANT] {
        assert!(table.contains(grant), "{grant}\n{table}");
    }
    let yaml = stage.tool().args(["rbac", "--service-account", "auditor", "-n", "monitoring"]).run();
    let documents: Vec<Value> = serde_yaml::from_multiple(&yaml.expect_code(0).stdout).unwrap();
    let rules: Vec<&Value> =
        documents.iter().filter_map(|document| document["rules"].as_array()).flatten().collect();
    let grants = |verb: &str, field: &str, what: &str| {
        rules.iter().any(|rule| {
            let has = |field: &str, what: &str| {
                rule[field].as_array().is_some_and(|values| values.iter().any(|value| value == what))
            };
            has("verbs", verb) && has(field, what)
        })
    };
    for what in ["leases", "pods", "nodes"] {
        assert!(grants("list", "resources", what), "{what}");
    }
    assert!(grants("get", "resources", "configmaps"));
    for url in [VERSION, "/metrics", "/flagz"] {
        assert!(grants("get", "nonResourceURLs", url), "{url}");
    }
    let verbs: Vec<&Value> = rules.iter().flat_map(|rule| rule["verbs"].as_array().unwrap()).collect();
    assert!(verbs.iter().all(|verb| *verb == "get" || *verb == "list"), "{verbs:?}");
    let rules = serde_json::to_string(&rules).unwrap();
    assert!(!rules.contains("secrets") && !rules.contains("nodes/") && !rules.contains('*'), "{rules}");
    assert!(yaml.stdout.contains("namespace: monitoring"));
}
