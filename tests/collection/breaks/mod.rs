//! Proven chains, and each link broken by one edit: the check of the link tells it, with the line that is to blame; the links
//! before it still pass, and none after it does.

mod alloy;
mod datadog;
mod filebeat;
mod fluent_bit;
mod fluentd;
mod otel_collector;
mod promtail;
mod vector;

use std::collections::BTreeSet;

use logaudit::verdict::Status;

use super::{CHAINS, Manifests, fixture};

/// What has to pass for a chain to be proven.
const PROVEN: [&str; 16] = [
    "LA-COL-001",
    "LA-COL-004",
    "LA-COL-005",
    "LA-COL-010",
    "LA-COL-011",
    "LA-COL-012",
    "LA-COL-013",
    "LA-COL-014",
    "LA-COL-020",
    "LA-COL-021",
    "LA-COL-022",
    "LA-COL-023",
    "LA-COL-024",
    "LA-COL-025",
    "LA-COL-040",
    "LA-COL-041",
];

/// A fixture and its links.
struct Proof {
    fixture: &'static str,
    /// The checks that do not pass as it is, for what it leaves out and what files cannot tell.
    but: &'static [(&'static str, Status)],
    breaks: &'static [Break],
}

/// One edit.
struct Break {
    link: &'static str,
    from: &'static str,
    to: &'static str,
    /// What the checks of this link come to.
    comes_to: Status,
    checks: &'static [&'static str],
    /// Further checks that fail with it.
    also: &'static [&'static str],
    /// The line that evidence points at.
    line: &'static str,
}

fn prove(proof: &Proof) {
    let text = fixture(proof.fixture);
    let whole = Manifests::run(&text);
    let verdicts = whole.verdicts();
    for check in PROVEN {
        assert_eq!(verdicts[check], Status::Pass, "{}: {}", proof.fixture, whole.shown(check));
    }
    for (check, verdict) in &verdicts {
        let but = proof.but.iter().find(|(but, _)| but == check);
        let expected = but.map_or(Status::Pass, |(_, status)| *status);
        assert_eq!(*verdict, expected, "{}: {}", proof.fixture, whole.shown(check));
    }
    for one in proof.breaks {
        let name = format!("{}, {}", proof.fixture, one.link);
        assert_eq!(text.matches(one.from).count(), 1, "{name}: what is edited stands there once");
        let edited = text.replace(one.from, one.to);
        assert_ne!(edited, text, "{name}");
        broken(&name, one, &whole, &Manifests::run(&edited));
    }
}

fn broken(name: &str, one: &Break, whole: &Manifests, broken: &Manifests) {
    let (before, after) = (whole.verdicts(), broken.verdicts());
    let failed: BTreeSet<&str> = after
        .iter()
        .filter(|(check, status)| **status == Status::Fail && before[*check] != Status::Fail)
        .map(|(check, _)| check.as_str())
        .collect();
    let of_link = one.checks.iter().filter(|_| one.comes_to == Status::Fail);
    let expected: BTreeSet<&str> = of_link.chain(one.also).copied().collect();
    assert_eq!(failed, expected, "{name}");
    for check in one.checks {
        assert_eq!(after[*check], one.comes_to, "{name}: {}", broken.shown(check));
        let lines = broken.lines(check, one.comes_to);
        assert!(lines.contains(&one.line), "{name}: {check} points at {lines:#?}: {}", broken.shown(check));
    }
    for chain in CHAINS {
        let Some(at) = chain.iter().position(|check| one.checks.contains(check)) else { continue };
        for check in &chain[..at] {
            assert_eq!(after[*check], Status::Pass, "{name}, before the link: {}", broken.shown(check));
        }
        for check in &chain[at..] {
            assert_ne!(after[*check], Status::Pass, "{name}, after the link: {}", broken.shown(check));
        }
    }
}

#[test]
fn fluent_bit() {
    prove(&fluent_bit::PROOF);
}

#[test]
fn fluentd() {
    prove(&fluentd::PROOF);
}

#[test]
fn vector() {
    prove(&vector::PROOF);
}

#[test]
fn otel_collector() {
    prove(&otel_collector::PROOF);
}

#[test]
fn alloy() {
    prove(&alloy::PROOF);
}

#[test]
fn promtail() {
    prove(&promtail::PROOF);
}

#[test]
fn filebeat() {
    prove(&filebeat::PROOF);
}

#[test]
fn datadog() {
    prove(&datadog::PROOF);
}
