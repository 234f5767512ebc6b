//! Several apiservers behind one address.

use logaudit::verdict::Status;

use super::only_the_policy_is_unknown;
use crate::support::cluster::{ApiServer, FLAGZ, LEASES, Lease, METRICS, PODS, lease_list, pod_list};
use crate::support::reply::Reply;
use crate::support::report::Report;
use crate::support::routes::{Identity, Routes, Rule};
use crate::support::stage::Stage;

/// Each look for a further apiserver behind one address takes a connection of its own; the bar of 25 is for a cluster with one.
const MOST_REQUESTS: usize = 36;
const MOST_IN_FLIGHT: usize = 8;

fn ha() -> Routes {
    Routes::ha(3).with_short_metrics()
}

/// The subjects and statuses of a check's findings.
fn subjects(report: &Report, check: &str) -> Vec<(String, Status)> {
    let all = report.by_subject();
    all.into_iter()
        .filter(|((of, _), _)| of == check)
        .map(|((_, subject), status)| (subject, status))
        .collect()
}

#[test]
fn three_apiservers_are_all_found_within_the_budget() {
    let stage = Stage::with(Routes::ha(3));
    let output = stage.run(&[]);
    let report = output.expect_code(0).report();
    assert_eq!(
        (&report.0["cluster"]["apiServersRead"], &report.0["cluster"]["apiServersLive"]),
        (&3.into(), &3.into())
    );
    let events: Vec<&str> =
        report.of("LA-API-004").iter().map(|finding| finding["reason"].as_str().unwrap()).collect();
    for count in ["104", "1104", "2104"] {
        assert!(events.iter().any(|reason| reason.starts_with(&format!("{count} "))), "{count}: {events:?}");
    }
    assert_eq!(events.len(), 3, "{events:?}");
    assert_eq!(subjects(&report, "LA-API-002").len(), 3);
    assert_eq!(report.verdict("LA-API-025"), Status::Pass);
    only_the_policy_is_unknown(&report);

    stage.server.assert_only_reads();
    assert!(stage.server.requests().len() <= MOST_REQUESTS, "{}", stage.server.requests().len());
    assert!(stage.server.max_in_flight() <= MOST_IN_FLIGHT, "{}", stage.server.max_in_flight());
}

/// The third apiserver was changed by hand: it has no policy and keeps its log for three days.
fn with_drift() -> Routes {
    let servers: Vec<ApiServer> = (0..3).map(ApiServer::numbered).collect();
    let mut pods: Vec<_> = servers.iter().map(ApiServer::pod).collect();
    let command = pods[2]["spec"]["containers"][0]["command"].as_array_mut().unwrap();
    command.retain(|flag| !flag.as_str().unwrap().starts_with("--audit-policy-file"));
    for flag in command.iter_mut().filter(|flag| flag.as_str().unwrap().starts_with("--audit-log-maxage")) {
        *flag = "--audit-log-maxage=3".into();
    }
    let (Reply::Full { body: text, .. }, Reply::Full { body: structured, .. }) =
        (servers[2].flagz_text(), servers[2].flagz_structured())
    else {
        panic!("whole answers")
    };
    let changed = |body: &[u8]| {
        String::from_utf8(body.to_vec())
            .unwrap()
            .replace("audit-policy-file=/etc/kubernetes/audit-policy.yaml", "audit-policy-file=")
            .replace(
                "\"audit-policy-file\":\"/etc/kubernetes/audit-policy.yaml\"",
                "\"audit-policy-file\":\"\"",
            )
            .replace("audit-log-maxage=30", "audit-log-maxage=3")
            .replace("\"audit-log-maxage\":\"30\"", "\"audit-log-maxage\":\"3\"")
    };
    let (text, structured) = (changed(&text), changed(&structured));
    assert!(structured.contains("\"audit-policy-file\":\"\""), "{structured}");
    let idle = ApiServer { events: 0, at_metadata: 0, at_none: 0, at_request: 0, ..servers[2].clone() };
    ha().get_as(Identity::Admin, PODS, pod_list(pods))
        .flagz(
            Some(2),
            Reply::text(200, "text/plain", text),
            Reply::text(200, "application/json", structured),
        )
        .rule(Rule::get(METRICS, idle.metrics().reply()).by(Identity::Admin).on_instance(2))
}

#[test]
fn drift_between_apiservers_is_found() {
    let stage = Stage::with(with_drift());
    let output = stage.run(&[]);
    let report = output.expect_code(1).report();
    assert_eq!(
        subjects(&report, "LA-API-002"),
        [
            ("kube-apiserver-cp1".to_owned(), Status::Pass),
            ("kube-apiserver-cp2".to_owned(), Status::Pass),
            ("kube-apiserver-cp3".to_owned(), Status::Fail),
        ]
    );
    assert_eq!(report.verdict("LA-API-004"), Status::Fail, "one of three records nothing");
    assert_eq!(report.verdict("LA-API-025"), Status::Fail);
    let reason = report.only("LA-API-025")["reason"].as_str().unwrap();
    for word in ["audit-policy-file", "audit-log-maxage", "kube-apiserver-cp3"] {
        assert!(reason.contains(word), "{reason}");
    }
    assert!(report.low() <= 39.0);
}

#[test]
fn an_apiserver_whose_counters_fail_makes_them_unknown() {
    let broken = Reply::status(500, "InternalError", "collector failed", &serde_json::json!({}));
    let stage = Stage::with(ha().rule(Rule::get(METRICS, broken).on_instance(1)));
    let report = stage.report(&[]);
    assert_eq!(report.verdict("LA-API-004"), Status::Unknown);
    report.expect_unknown_because(&["2 of 3 live apiservers answered /metrics", "collector failed"]);
    assert_eq!(report.verdict("LA-API-002"), Status::Pass, "its flags were read all the same");
}

#[test]
fn a_balancer_that_always_picks_the_same_apiserver_is_given_up() {
    let stage = Stage::with(ha().with_instances(1));
    let report = stage.report(&[]);
    assert_eq!(report.verdict("LA-API-004"), Status::Unknown);
    report.expect_unknown_because(&["1 of 3 live apiservers answered /metrics", "load balancer"]);
    assert_eq!(report.verdict("LA-API-002"), Status::Pass, "the pods of all three were read");
    assert!(stage.server.requests().len() <= MOST_REQUESTS, "{}", stage.server.requests().len());
}

#[test]
fn an_apiserver_that_only_its_lease_shows_is_not_passed_over() {
    let leases = lease_list(&[Lease::live("cp1"), Lease::live("cp2")]);
    let stage = Stage::with(Routes::kubeadm().with_short_metrics().get_as(Identity::Admin, LEASES, leases));
    let output = stage.run(&[]);
    let report = output.report();
    assert_eq!(
        subjects(&report, "LA-API-002"),
        [("apiserver on cp2".to_owned(), Status::Unknown), ("kube-apiserver-cp1".to_owned(), Status::Pass)]
    );
    report.expect_unknown_because(&["shows a live apiserver, but its flags were not read"]);
    assert_eq!(report.verdict("LA-API-004"), Status::Unknown);
    assert_eq!(report.verdict("LA-API-025"), Status::Unknown);
    assert_eq!(output.code, Some(0));
    stage.run(&["--fail-on-unknown"]).expect_code(1);
}

#[test]
fn a_lease_that_nobody_renews_is_no_apiserver() {
    let leases = lease_list(&[Lease::live("cp1"), Lease::stale("cp2")]);
    let stage = Stage::with(Routes::kubeadm().with_short_metrics().get_as(Identity::Admin, LEASES, leases));
    let report = stage.report(&[]);
    assert_eq!(report.0["cluster"]["apiServersLive"], 1);
    assert_eq!(report.verdict("LA-API-004"), Status::Pass);
    only_the_policy_is_unknown(&report);
}

/// Counters of one instance must never be told as those of another.
#[test]
fn without_flagz_three_apiservers_are_still_told_apart() {
    let stage = Stage::with(ha().get(FLAGZ, Reply::unknown_path()));
    let report = stage.report(&[]);
    assert_eq!(report.of("LA-API-004").len(), 3);
    assert_eq!(report.verdict("LA-API-004"), Status::Pass);
    assert_eq!(report.verdict("LA-API-002"), Status::Pass);
    // Which process answers is left to chance: 18 requests, and at most 9 further connections for the others.
    assert!(stage.server.requests().len() <= 18 + 9, "{}", stage.server.requests().len());
}
