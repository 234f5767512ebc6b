//! Prometheus' text format, for the textfile collector of node-exporter or a Pushgateway.
//!
//! No series is named after an object of the cluster: their number is that of checks and controls, however large the
//! cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::Report;
use super::style::visible;
use crate::verdict::{Severity, Status};

/// A metric: its name, its help, and the samples with their labels.
struct Gauge {
    name: &'static str,
    help: &'static str,
    samples: Vec<(Vec<(&'static str, String)>, f64)>,
}

/// The report.
pub(super) fn render(report: &Report) -> String {
    let mut out = String::new();
    for Gauge { name, help, samples } in gauges(report) {
        if samples.is_empty() {
            continue;
        }
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (labels, value) in samples {
            let labels: Vec<String> =
                labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let _ = writeln!(out, "{name}{labels} {value}");
        }
    }
    out
}

fn gauges(report: &Report) -> Vec<Gauge> {
    let score = &report.score;
    let one = |value: f64| vec![(Vec::new(), value)];
    let is = |value: bool| if value { 1.0 } else { 0.0 };
    let item = |value: &dyn Fn(&crate::score::Item) -> f64| {
        score.items.iter().map(|item| (vec![("item", item.id.clone())], value(item))).collect()
    };
    vec![
        Gauge {
            name: "logaudit_info",
            help: "What was audited, and by which version.",
            samples: info(report),
        },
        Gauge {
            name: "logaudit_snapshot_timestamp_seconds",
            help: "When the cluster was read.",
            samples: match report.cluster.captured_at {
                Some(time) => one(number(time.as_second())),
                None => Vec::new(),
            },
        },
        Gauge {
            name: "logaudit_gate_passed",
            help: "Whether the gate passed, 1 for yes.",
            samples: one(is(report.summary.gate.passed)),
        },
        Gauge {
            name: "logaudit_score_low",
            help: "The score from 0 to 100 if all that is unknown fails.",
            samples: one(score.low),
        },
        Gauge {
            name: "logaudit_score_high",
            help: "The score from 0 to 100 if all that is unknown passes.",
            samples: one(score.high),
        },
        Gauge {
            name: "logaudit_score_judged_ratio",
            help: "The share of the weight that could be judged.",
            samples: one(score.judged),
        },
        Gauge {
            name: "logaudit_item_score_low",
            help: "The score of an item from 0 to 100 if all that is unknown fails.",
            samples: item(&|item| item.low),
        },
        Gauge {
            name: "logaudit_item_score_high",
            help: "The score of an item from 0 to 100 if all that is unknown passes.",
            samples: item(&|item| item.high),
        },
        Gauge {
            name: "logaudit_findings",
            help: "Findings by status and severity.",
            samples: findings(report),
        },
        Gauge {
            name: "logaudit_findings_hidden",
            help: "Findings below the severity that was asked for, which are not counted here.",
            samples: one(number(i64::try_from(report.summary.hidden).unwrap_or(i64::MAX))),
        },
        Gauge {
            name: "logaudit_check_status",
            help: "The worst status among the findings of a check, always 1.",
            samples: checks(report),
        },
        Gauge {
            name: "logaudit_control_status",
            help: "What a control of a framework came to, always 1.",
            samples: controls(report),
        },
    ]
}

fn info(report: &Report) -> Vec<(Vec<(&'static str, String)>, f64)> {
    let cluster = &report.cluster;
    let labels = vec![
        ("cluster", cluster.name.clone()),
        ("distribution", cluster.distribution.clone().unwrap_or_default()),
        ("kubernetes_version", cluster.kubernetes_version.clone().unwrap_or_default()),
        ("version", report.tool.version.clone()),
    ];
    vec![(labels, 1.0)]
}

/// Every pair has its sample, so that a count that falls to nothing is seen to.
fn findings(report: &Report) -> Vec<(Vec<(&'static str, String)>, f64)> {
    let statuses = [
        Status::Fail,
        Status::Unknown,
        Status::Attestation,
        Status::Waived,
        Status::Pass,
        Status::NotApplicable,
    ];
    let mut counts: BTreeMap<(Status, Severity), i64> = BTreeMap::new();
    for finding in &report.findings {
        *counts.entry((finding.status, finding.severity)).or_default() += 1;
    }
    let pairs = statuses.into_iter().flat_map(|status| Severity::ALL.map(|severity| (status, severity)));
    pairs
        .map(|(status, severity)| {
            let labels = vec![("severity", severity.to_string()), ("status", status.to_string())];
            (labels, number(counts.get(&(status, severity)).copied().unwrap_or_default()))
        })
        .collect()
}

fn checks(report: &Report) -> Vec<(Vec<(&'static str, String)>, f64)> {
    let mut worst: BTreeMap<&str, (Status, Severity, &str)> = BTreeMap::new();
    for finding in &report.findings {
        let entry = (finding.status, finding.severity, finding.category.as_str());
        let known = worst.entry(&finding.check).or_insert(entry);
        known.0 = known.0.max(finding.status);
    }
    let sample = |(check, (status, severity, category)): (&str, (Status, Severity, &str))| {
        let labels = vec![
            ("category", category.to_owned()),
            ("check", check.to_owned()),
            ("severity", severity.to_string()),
            ("status", status.to_string()),
        ];
        (labels, 1.0)
    };
    worst.into_iter().map(sample).collect()
}

fn controls(report: &Report) -> Vec<(Vec<(&'static str, String)>, f64)> {
    let mut seen = BTreeSet::new();
    let mut samples = Vec::new();
    for framework in &report.frameworks {
        for control in &framework.controls {
            let labels = vec![
                ("control", control.id.clone()),
                ("edition", framework.edition.clone()),
                ("framework", framework.id.clone()),
                ("status", control.status.to_string()),
            ];
            // Two samples with the same labels would spoil the whole file.
            if seen.insert(labels.clone()) {
                samples.push((labels, 1.0));
            }
        }
    }
    samples
}

/// A count or a time, of which none is so large that it would lose its last digit.
#[expect(clippy::cast_precision_loss, reason = "below 2^53")]
fn number(value: i64) -> f64 {
    value as f64
}

/// The value of a label.
fn escaped(text: &str) -> String {
    visible(text).replace('\\', "\\\\").replace('"', "\\\"")
}
