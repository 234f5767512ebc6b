//! What passes: 410, 429, 500, 503, and closed connections.

use std::time::Duration;

use super::{COUNTERS, DEADLINE, expect_said, expect_unknown, faulty, reported, routes};
use crate::support::cluster::{ApiServer, METRICS, MetricsText, NODES, VERSION};
use crate::support::nodes::{Expiry, node_pages};
use crate::support::reply::Reply;
use crate::support::stage::Stage;

fn metrics() -> Reply {
    ApiServer::numbered(0).counted_in(MetricsText::short()).reply()
}

/// The metrics, after this answer has been given so many times.
fn metrics_after(times: usize, answer: &Reply) -> Reply {
    Reply::Sequence(std::iter::repeat_n(answer.clone(), times).chain([metrics()]).collect())
}

fn asked(stage: &Stage, path: &str) -> usize {
    stage.server.requests().iter().filter(|request| request.bare_path() == path).count()
}

fn server_error() -> Reply {
    Reply::status(500, "InternalError", "etcdserver: request timed out", &serde_json::json!({}))
}

#[test]
fn a_list_that_expires_once_is_begun_again() {
    let stage = faulty(NODES, node_pages(700, Expiry::Once));
    let snapshot = stage.tool().arg("snapshot").run();
    snapshot.expect_code(0).expect_within(DEADLINE);
    assert_eq!(snapshot.json()["nodes"]["value"].as_array().unwrap().len(), 700);
    assert_eq!(asked(&stage, NODES), 4);
}

#[test]
fn a_list_that_always_expires_is_a_gap() {
    let stage = faulty(NODES, node_pages(700, Expiry::Always));
    let report = reported(&stage.run(&[]));
    expect_said(&report, &["could not read the nodes: expired while it was being read"]);
    assert_eq!(asked(&stage, NODES), 4);
}

#[test]
fn throttling_is_waited_out_for_as_long_as_the_server_asks() {
    for throttled in [Reply::too_many_requests(1), Reply::too_many_requests_text(1)] {
        let stage = faulty(METRICS, metrics_after(1, &throttled));
        let output = stage.run(&[]);
        expect_unknown(&reported(&output), &[]);
        assert!(output.elapsed >= Duration::from_secs(1), "{:?}", output.elapsed);
        assert_eq!(asked(&stage, METRICS), 2);
    }
}

#[test]
fn throttling_without_end_is_a_gap() {
    let stage = faulty(METRICS, Reply::too_many_requests(1));
    let report = reported(&stage.run(&[]));
    expect_unknown(&report, &COUNTERS);
    expect_said(&report, &["could not read /metrics: throttled by the server", "try again later"]);
    assert_eq!(asked(&stage, METRICS), 3);
}

#[test]
fn nobody_waits_for_minutes() {
    let stage = faulty(METRICS, Reply::too_many_requests(300));
    let output = stage.run(&[]);
    let report = reported(&output);
    output.expect_within(Duration::from_secs(3));
    expect_unknown(&report, &COUNTERS);
    expect_said(&report, &["throttled by the server", "come back in 5 min"]);
    assert_eq!(asked(&stage, METRICS), 1);
}

#[test]
fn a_server_error_that_stays_is_a_gap() {
    let stage = faulty(METRICS, server_error());
    let report = reported(&stage.run(&[]));
    expect_unknown(&report, &COUNTERS);
    expect_said(&report, &["could not read /metrics: server error", "etcdserver: request timed out"]);
    assert_eq!(asked(&stage, METRICS), 3);
}

#[test]
fn server_errors_everywhere_end_it() {
    let stage = Stage::with(routes().rule(crate::support::routes::Rule::any(server_error())));
    let output = stage.run(&[]);
    output.expect_refusal(&["nothing could be read", "server error", "etcdserver"]).expect_within(DEADLINE);
}

#[test]
fn a_server_that_comes_up_is_waited_for() {
    let stage = faulty(METRICS, metrics_after(2, &Reply::unavailable()));
    expect_unknown(&reported(&stage.run(&[])), &[]);
    assert_eq!(asked(&stage, METRICS), 3);
    let version = Reply::Sequence(vec![Reply::unavailable(), Reply::unavailable(), Reply::recorded("001")]);
    let report = reported(&faulty(VERSION, version).run(&[]));
    assert_eq!(report.0["cluster"]["kubernetesVersion"], "v1.36.2");
}

#[test]
fn a_connection_closed_before_the_answer_is_made_again() {
    let stage = faulty(METRICS, metrics_after(2, &Reply::CloseBeforeReply));
    expect_unknown(&reported(&stage.run(&[])), &[]);
    let stage = faulty(METRICS, Reply::CloseBeforeReply);
    let report = reported(&stage.run(&[]));
    expect_unknown(&report, &COUNTERS);
    expect_said(&report, &["could not read /metrics: connection failed"]);
    assert_eq!(asked(&stage, METRICS), 3);
}
