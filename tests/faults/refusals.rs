//! 401, 403, 404, 406: somebody says no.

use logaudit::verdict::Status;

use super::{
    AGREEMENT, COUNTERS, DEADLINE, KUBELETS, PODS_ONLY, expect_said, expect_unknown, faulty,
    is_of_apiservers, reported, routes,
};
use crate::support::cluster::{
    AS_FLAGZ, FLAGZ, KUBEADM_CONFIG, KUBELET_CONFIG, LEASES, METRICS, NODES, PODS, VERSION,
};
use crate::support::reply::Reply;
use crate::support::routes::{Identity, Rule, absent, forbidden};
use crate::support::stage::Stage;

/// 403 on one path: these checks and no others become unknown, and the report says what to grant.
fn is_forbidden(path: &str, grant: &str, unknown: &[&str]) {
    let stage = faulty(path, forbidden(path, Identity::Admin));
    let output = stage.run(&[]);
    let report = reported(&output);
    expect_unknown(&report, unknown);
    expect_said(&report, &["could not read", ": forbidden (", "kubernetes-admin", grant]);
    assert_eq!(output.code, Some(0), "{output:#?}");
    // One check fails with all evidence there is, and the policy is never known; without these, the unknown ones decide.
    let only = ["--only", "apiserver,retention", "--skip", AGREEMENT[0]];
    let gate = stage.run(&[&only[..], &["--fail-on", "low", "--fail-on-unknown"]].concat());
    gate.expect_code(i32::from(unknown.iter().any(|check| !AGREEMENT.contains(check))));
}

/// 404 on one path: these checks and no others become unknown, and the report says what was not there.
fn is_absent(path: &str, said: &[&str], unknown: &[&str]) {
    let output = faulty(path, absent(path)).run(&[]);
    let report = reported(&output);
    expect_unknown(&report, unknown);
    if !said.is_empty() {
        expect_said(&report, said);
    }
    assert_eq!(output.code, Some(0), "{output:#?}");
}

#[test]
fn unauthorized_on_everything_ends_it() {
    let output = Stage::with(routes()).run(&["--token", "of somebody else"]);
    output.expect_refusal(&["did not accept the credentials (401)", "log in again"]).expect_within(DEADLINE);
    assert!(!output.stderr.contains("of somebody else"));
}

#[test]
fn unauthorized_on_one_path_is_unknown() {
    let report = reported(&faulty(METRICS, Reply::recorded("100")).run(&[]));
    expect_unknown(&report, &COUNTERS);
    expect_said(&report, &["could not read /metrics: unauthorized"]);
}

#[test]
fn the_version_is_forbidden() {
    is_forbidden(VERSION, "grant `get` on the nonResourceURL `/version`", &[]);
}
#[test]
fn the_leases_are_forbidden() {
    let report = reported(&faulty(LEASES, forbidden(LEASES, Identity::Admin)).run(&[]));
    let grant = "grant `list` on `leases.coordination.k8s.io` in namespace `kube-system`";
    expect_said(&report, &["how many apiservers run is not known", ": forbidden (", grant]);
    // There may be further apiservers, and nothing is known of them.
    let verdicts = report.verdicts().into_iter();
    let passed: Vec<String> = verdicts
        .filter(|(_, status)| *status == Status::Pass)
        .map(|(check, _)| check)
        .filter(|check| is_of_apiservers(check))
        .collect();
    assert_eq!(passed, [&["LA-API-001"][..], &KUBELETS].concat());
}
#[test]
fn the_pods_are_forbidden() {
    is_forbidden(PODS, "grant `list` on `pods` in namespace `kube-system`", &PODS_ONLY);
}
#[test]
fn the_nodes_are_forbidden() {
    is_forbidden(NODES, "grant `list` on `nodes`", &[]);
}
#[test]
fn kubeadm_config_is_forbidden() {
    is_forbidden(KUBEADM_CONFIG, "grant `get` on `configmaps` in namespace `kube-system`", &[]);
}
#[test]
fn kubelet_config_is_forbidden() {
    is_forbidden(KUBELET_CONFIG, "grant `get` on `configmaps` in namespace `kube-system`", &KUBELETS);
}
#[test]
fn flagz_is_forbidden() {
    is_forbidden(FLAGZ, "grant `get` on the nonResourceURL `/flagz`", &AGREEMENT);
}
#[test]
fn the_metrics_are_forbidden() {
    is_forbidden(METRICS, "grant `get` on the nonResourceURL `/metrics`", &COUNTERS);
}

#[test]
fn a_refusal_by_something_in_between_asks_for_no_grant() {
    let page = Reply::text(403, "text/html", "<html><body>Blocked by policy</body></html>");
    let report = reported(&faulty(METRICS, page).run(&[]));
    expect_unknown(&report, &COUNTERS);
    expect_said(&report, &["could not read /metrics: forbidden", "HTML, which no apiserver answers"]);
    assert!(report.reasons(Status::Unknown).iter().all(|reason| !reason.contains("grant")));
}

#[test]
fn everything_forbidden_ends_it_with_the_remedy() {
    let paths = [VERSION, LEASES, PODS, NODES, KUBEADM_CONFIG, KUBELET_CONFIG, FLAGZ, METRICS];
    let all = paths.iter().fold(routes(), |routes, path| routes.get(path, forbidden(path, Identity::Admin)));
    let output = Stage::with(all).run(&[]);
    output.expect_refusal(&["refused every request (403)", "kubectl logaudit rbac | kubectl apply -f -"]);
}

#[test]
fn the_version_is_absent() {
    is_absent(VERSION, &["could not read /version: not found"], &[]);
}
#[test]
fn the_leases_are_absent() {
    // Before 1.26 there are none; here every control-plane node shows its pod, so that none can be missing.
    is_absent(LEASES, &["could not read the Leases of the apiservers: not found"], &[]);
}
#[test]
fn the_pods_are_absent() {
    is_absent(PODS, &["could not read the pods of the apiservers: not found"], &PODS_ONLY);
}
#[test]
fn the_nodes_are_absent() {
    is_absent(NODES, &["could not read the nodes: not found"], &[]);
}
#[test]
fn kubeadm_config_is_absent() {
    // A cluster that kubeadm did not make: nothing is missing.
    is_absent(KUBEADM_CONFIG, &[], &[]);
}
#[test]
fn kubelet_config_is_absent() {
    is_absent(KUBELET_CONFIG, &["kubelet"], &KUBELETS);
}
#[test]
fn flagz_is_absent() {
    is_absent(FLAGZ, &["could not read /flagz: not found", "404 page not found"], &AGREEMENT);
}
#[test]
fn the_metrics_are_absent() {
    is_absent(METRICS, &["could not read /metrics: not found", "404 page not found"], &COUNTERS);
}

#[test]
fn flagz_that_knows_no_structured_form_is_asked_for_text() {
    let refuses = Rule::get(FLAGZ, Reply::recorded("117")).accept(AS_FLAGZ);
    let stage = Stage::with(routes().rule(refuses));
    let report = reported(&stage.run(&[]));
    expect_unknown(&report, &[]);
    assert_eq!(report.only("LA-API-002")["evidence"][0]["at"], "/flagz");
    assert_eq!(stage.server.requests().iter().filter(|request| request.path == FLAGZ).count(), 2);
}

#[test]
fn flagz_in_no_form_that_is_understood_is_a_gap() {
    let report = reported(&faulty(FLAGZ, Reply::recorded("117")).run(&[]));
    expect_unknown(&report, &AGREEMENT);
    expect_said(&report, &["could not read /flagz: not offered in a form understood here"]);
    // The pod says the same, and is named as the evidence.
    let evidence = report.only("LA-API-002")["evidence"][0]["at"].as_str().unwrap();
    assert!(evidence.starts_with("Pod kube-system/kube-apiserver-cp1"), "{evidence}");
}
