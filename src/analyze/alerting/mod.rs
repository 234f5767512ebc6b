//! Alerts: rules on audit data and on the pipeline of logs, what evaluates them, and who is told.

mod elsewhere;
mod evaluation;
mod receivers;
mod rules;

use schemars::JsonSchema;
use serde::Serialize;

pub use elsewhere::Elsewhere;

use super::fact::Fact;
use crate::snapshot::{GapReason, Scope, Snapshot};
use crate::verdict::Rank;

/// Alerts.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Alerting {
    /// Whether a rule that is evaluated watches audit data: audit logs in a store, or refusals that the apiserver counts.
    pub audit_watched: Fact<bool>,
    /// Whether a rule that is evaluated watches auditing, collectors or stores of logs.
    pub pipeline_watched: Fact<bool>,
    /// Rules that watch the one or the other.
    pub rules: Fact<Vec<AlertRule>>,
    /// Whether alerts of some system go to a receiver that tells somebody.
    pub notified: Fact<bool>,
}

/// A rule.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlertRule {
    /// The object and the alert: `PrometheusRule monitoring/audit AuditErrors`.
    pub name: String,
    /// What it watches: `audit`, `pipeline`.
    pub watches: String,
    /// Whether something evaluates it.
    pub evaluated: Fact<bool>,
}

/// The facts about alerts.
pub fn facts(snapshot: &Snapshot, elsewhere: &Elsewhere<'_>) -> Alerting {
    let found = rules::rules(snapshot);
    let unseen = unseen(snapshot);
    let hidden = elsewhere.reason(snapshot);
    let watched = |what: &str, noun: &str| {
        let of_kind = found.iter().filter(|rule| rule.watches == what).map(|rule| rule.evaluated.clone());
        let any = of_kind.reduce(Fact::or).unwrap_or_else(|| {
            Fact::at(
                false,
                Rank::Configured,
                "the rules in the cluster",
                format!("none of them watches {noun}"),
            )
        });
        match (any.value(), unseen.as_ref().or(hidden.as_ref())) {
            (Some(false), Some(reason)) => Fact::unknown(reason.clone()),
            _ => any,
        }
    };
    Alerting {
        audit_watched: watched("audit", "audit data"),
        pipeline_watched: watched("pipeline", "auditing, collectors or stores of logs"),
        notified: receivers::notified(snapshot, unseen.as_deref().or(hidden.as_deref())),
        rules: match &unseen {
            Some(reason) if found.is_empty() => Fact::unknown(reason.clone()),
            _ => Fact::known(found, Rank::Configured, Vec::new()),
        },
    }
}

/// Kinds of resources that hold rules or say who is told.
const KINDS: [&str; 7] = [
    "prometheusrules",
    "prometheuses",
    "vmrules",
    "alertingrules",
    "alertmanagers",
    "alertmanagerconfigs",
    "custom resources",
];

/// Why rules may be missing in what was read.
fn unseen(snapshot: &Snapshot) -> Option<String> {
    let of_cluster = snapshot.scope == Scope::Cluster;
    let mut gaps = snapshot.workloads.kinds().into_iter().filter_map(|reading| reading.gap());
    gaps.find(|gap| of_cluster || gap.reason != GapReason::NotAsked)
        .or_else(|| {
            let mut unread = snapshot.resources_unread.iter();
            unread.find(|gap| KINDS.iter().any(|kind| gap.what.contains(kind)))
        })
        .map(ToString::to_string)
        .or_else(|| {
            (!of_cluster).then(|| {
                "the input shows no more rules, nor systems that have others; run against the cluster"
                    .to_owned()
            })
        })
}
