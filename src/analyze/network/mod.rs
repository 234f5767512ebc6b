//! Logs of connections between workloads and of accesses from outside.

mod access;
mod flows;

use schemars::JsonSchema;
use serde::Serialize;

pub use access::AccessLog;

use super::collectors::collector::Collector;
use super::fact::Fact;
use crate::snapshot::{ConfigText, Gap, GapReason, Scope, Snapshot};

/// What the network logs.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Network {
    /// Whether connections are written to a log, and not only kept in memory.
    pub flows_logged: Fact<bool>,
    /// Whether that log leaves its node.
    pub flows_shipped: Fact<bool>,
    /// Access logs of ingress controllers, gateways and meshes.
    pub access_logs: Fact<Vec<AccessLog>>,
}

/// The facts about network logs.
pub fn facts(snapshot: &Snapshot, collectors: &[Collector<'_>]) -> Network {
    let (flows_logged, flows_shipped) = flows::flows(snapshot, collectors);
    Network { flows_logged, flows_shipped, access_logs: access::access_logs(snapshot) }
}

/// Why workloads may be missing in what was read.
fn unseen(snapshot: &Snapshot) -> Option<String> {
    let of_cluster = snapshot.scope == Scope::Cluster;
    let mut gaps = snapshot.workloads.kinds().into_iter().filter_map(|reading| reading.gap());
    gaps.find(|gap| of_cluster || gap.reason != GapReason::NotAsked).map(ToString::to_string)
}

/// Why custom resources of a kind may be missing in what was read.
fn unread<'a>(snapshot: &'a Snapshot, plural: &str) -> Option<&'a Gap> {
    snapshot
        .resources_unread
        .iter()
        .find(|gap| gap.what.contains(plural) || gap.what.contains("custom resources"))
}

/// The texts of a ConfigMap.
fn config_map<'a>(snapshot: &'a Snapshot, namespace: &str, name: &str) -> Vec<&'a ConfigText> {
    let is_it = |text: &&ConfigText| {
        !text.given && text.config_map.name == name && text.config_map.namespace == namespace
    };
    snapshot.configs.iter().filter(is_it).collect()
}

/// Why a ConfigMap was not read.
fn why_unread(snapshot: &Snapshot, namespace: &str, name: &str) -> Option<String> {
    let unread = snapshot.configs_unread.iter();
    let mut unread = unread.filter(|one| one.namespace == namespace && one.name == name);
    unread.next().map(|one| one.gap.to_string())
}
