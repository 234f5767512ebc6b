//! Answers that are not what they should be, or do not end.

use std::time::Duration;

use super::{AGREEMENT, COUNTERS, DEADLINE, KUBELETS, expect_said, expect_unknown, faulty, reported, routes};
use crate::support::cluster::{
    FLAGZ, KUBEADM_CONFIG, KUBELET_CONFIG, LEASES, METRICS, NODES, PODS, VERSION, kubelet_config,
};
use crate::support::reply::Reply;
use crate::support::routes::Rule;
use crate::support::stage::Stage;

#[test]
fn a_body_that_breaks_off_is_a_gap() {
    let stage = faulty(METRICS, Reply::recorded("079").truncated());
    let report = reported(&stage.run(&[]));
    expect_unknown(&report, &COUNTERS);
    expect_said(&report, &["could not read /metrics: connection failed", "broke off"]);
}

#[test]
fn a_list_that_breaks_off_is_a_gap() {
    let report = reported(&faulty(PODS, Reply::recorded("082").truncated()).run(&[]));
    expect_said(&report, &["could not read the pods of the apiservers: connection failed", "broke off"]);
}

#[test]
fn a_version_that_breaks_off_ends_it() {
    let output = faulty(VERSION, Reply::recorded("001").truncated()).run(&[]);
    output.expect_refusal(&["no connection to", "broke off", "try again"]).expect_within(DEADLINE);
}

#[test]
fn a_login_page_for_a_version_ends_it() {
    let output = faulty(VERSION, Reply::Html200).run(&[]);
    output.expect_refusal(&["does not answer like a Kubernetes API", "HTML", "login page"]);
    output.expect_within(DEADLINE);
}

#[test]
fn a_login_page_for_everything_ends_it() {
    let stage = Stage::with(routes().rule(Rule::any(Reply::Html200)));
    let output = stage.run(&[]);
    output.expect_refusal(&["does not answer like a Kubernetes API", "HTML", "login page"]);
    output.expect_within(DEADLINE);
}

#[test]
fn a_login_page_for_one_path_is_a_gap() {
    for (path, what, unknown) in [
        (METRICS, "/metrics", &COUNTERS[..]),
        (KUBELET_CONFIG, "the ConfigMap kube-system/kubelet-config", &KUBELETS),
        (NODES, "the nodes", &[]),
        (FLAGZ, "/flagz", &AGREEMENT),
    ] {
        let report = reported(&faulty(path, Reply::Html200).run(&[]));
        expect_unknown(&report, unknown);
        expect_said(&report, &[&format!("could not read {what}: not in the expected form"), "HTML"]);
    }
}

#[test]
fn metrics_that_are_none_are_a_gap() {
    let report = reported(&faulty(METRICS, Reply::GarbageMetrics).run(&[]));
    expect_unknown(&report, &COUNTERS);
    expect_said(&report, &["could not read /metrics: not in the expected form", "line 2"]);
}

#[test]
fn metrics_of_something_else_show_nothing() {
    let metrics = Reply::text(200, "text/plain", "up 1\nprocess_start_time_seconds 1.79524e+09\n");
    let report = reported(&faulty(METRICS, metrics).run(&[]));
    expect_unknown(&report, &COUNTERS);
    expect_said(&report, &["/metrics has no apiserver_audit_event_total", "not an apiserver's"]);
}

#[test]
fn objects_of_another_kind_are_gaps() {
    for (path, id, words) in [
        (NODES, "082", &["could not read the nodes", "\"PodList\" instead of NodeList"][..]),
        (LEASES, "023", &["could not read the Leases", "\"NodeList\" instead of LeaseList"]),
        (
            KUBEADM_CONFIG,
            "001",
            &["could not read the ConfigMap kube-system/kubeadm-config", "instead of a ConfigMap"],
        ),
        (FLAGZ, "001", &["could not read /flagz: not in the expected form"]),
    ] {
        let report = reported(&faulty(path, Reply::recorded(id)).run(&[]));
        expect_said(&report, words);
    }
}

#[test]
fn a_kubelet_configuration_that_is_no_yaml_is_a_gap() {
    let report = reported(&faulty(KUBELET_CONFIG, kubelet_config("a: [b\nhunter2-CANARY: }")).run(&[]));
    expect_unknown(&report, &KUBELETS);
    expect_said(
        &report,
        &["could not read the ConfigMap kube-system/kubelet-config: not in the expected form"],
    );
    assert!(!report.0.to_string().contains("CANARY"));
}

#[test]
fn a_body_without_end_is_cut_off_by_the_time_limit_of_a_request() {
    let output = faulty(METRICS, Reply::EndlessSlowBody).run(&["--request-timeout", "1s"]);
    let report = reported(&output);
    output.expect_within(Duration::from_secs(4));
    expect_unknown(&report, &COUNTERS);
    expect_said(&report, &["could not read /metrics: timed out", "no whole answer within 1 s"]);
}

#[test]
fn bodies_without_end_are_cut_off_by_the_time_limit_of_the_run() {
    let output = faulty(METRICS, Reply::EndlessSlowBody).run(&["--timeout", "1.5"]);
    let report = reported(&output);
    output.expect_within(Duration::from_secs(4));
    expect_unknown(&report, &COUNTERS);
    expect_said(&report, &["could not read /metrics: timed out", "the whole run, 1.5 s"]);

    let stage = Stage::with(routes().rule(Rule::any(Reply::EndlessSlowBody)));
    let output = stage.run(&["--timeout", "1s"]);
    output.expect_refusal(&["nothing could be read", "within 1 s"]).expect_within(Duration::from_secs(4));
}

#[test]
fn requests_that_are_never_answered_are_given_up() {
    let output = faulty(METRICS, Reply::Hang).run(&["--request-timeout=500ms"]);
    let report = reported(&output);
    output.expect_within(Duration::from_secs(3));
    expect_unknown(&report, &COUNTERS);
    let stage = Stage::with(routes().rule(Rule::any(Reply::Hang)));
    stage.run(&["--request-timeout=500ms"]).expect_refusal(&[
        "does not answer",
        "0.5 s",
        "--request-timeout",
    ]);
}
