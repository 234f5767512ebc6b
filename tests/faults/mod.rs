//! Everything that can go wrong on the way to a cluster: the right statuses, the right exit code, a message that a person
//! can act on, and an end within the deadline.

mod answers;
mod connections;
mod plugins;
mod refusals;
mod retries;
mod sizes;

use std::time::Duration;

use logaudit::verdict::Status;

use crate::support::reply::Reply;
use crate::support::report::Report;
use crate::support::routes::Routes;
use crate::support::stage::Stage;
use crate::support::tool::Output;

/// Longer than any of these runs may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// The checks that rest on `/metrics`.
const COUNTERS: [&str; 8] = [
    "LA-API-004",
    "LA-API-005",
    "LA-API-006",
    "LA-API-007",
    "LA-API-008",
    "LA-API-009",
    "LA-API-010",
    "LA-RET-005",
];

/// The checks that rest on `kubelet-config`.
const KUBELETS: [&str; 3] = ["LA-RET-007", "LA-RET-009", "LA-RET-010"];

/// The checks that rest on what only a pod shows: its mounts, its flags as they were given, and whether they are in force.
const PODS_ONLY: [&str; 7] =
    ["LA-API-011", "LA-API-023", "LA-API-024", "LA-API-026", "LA-API-027", "LA-API-028", "LA-API-029"];

/// Whether all that shows the flags of an apiserver agrees.
const AGREEMENT: [&str; 1] = ["LA-API-026"];

/// The recorded cluster, of which nothing but the policy is unknown and only a low-value check fails.
fn routes() -> Routes {
    Routes::kubeadm().with_short_metrics()
}

/// The recorded cluster with one path that answers otherwise.
fn faulty(path: &str, reply: Reply) -> Stage {
    Stage::with(routes().get(path, reply))
}

/// A run with which something is wrong, but not so much that there is no report.
fn reported(output: &Output) -> Report {
    output.expect_within(DEADLINE);
    assert_eq!(output.stderr, "", "a gap is in the report, not on stderr");
    output.report()
}

/// Fails the test unless exactly these checks of apiservers and retention are unknown. The policy lies on a node, and what
/// becomes of collection stands in its own tests.
fn expect_unknown(report: &Report, checks: &[&str]) {
    let verdicts = report.verdicts();
    let unknown: Vec<&str> = verdicts
        .iter()
        .filter(|(_, status)| **status == Status::Unknown)
        .filter(|(check, _)| is_of_apiservers(check))
        .map(|(check, _)| check.as_str())
        .collect();
    assert_eq!(unknown, checks, "{:#?}", report.reasons(Status::Unknown));
}

/// Whether a check is one of apiservers and what they and kubelets keep, and not of what becomes of logs behind them.
fn is_of_apiservers(check: &str) -> bool {
    check.starts_with("LA-API-") || check.starts_with("LA-RET-00") || check == "LA-RET-010"
}

/// Fails the test unless a reason or a note of the report has all these words in it.
fn expect_said(report: &Report, words: &[&str]) {
    let notes = report.0["notes"].as_array().into_iter().flatten().filter_map(|note| note.as_str());
    let said: Vec<&str> = report.reasons(Status::Unknown).into_iter().chain(notes).collect();
    assert!(
        said.iter().any(|line| words.iter().all(|word| line.contains(word))),
        "nothing says {words:?}: {said:#?}"
    );
}
