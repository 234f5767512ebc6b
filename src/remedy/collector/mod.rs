//! Collectors: one where there is none, patches where there is one.
//!
//! | module | does |
//! | --- | --- |
//! | [`fresh`] | Fluent Bit as a whole set of manifests, and an exporter of events |
//! | [`patch`] | patches of workloads and ConfigMaps |
//! | [`fluent_bit`], [`vector`], [`open_telemetry`] | the configuration of a collector in its language |

pub mod fluent_bit;
pub mod fresh;
pub mod open_telemetry;
pub mod patch;
pub mod vector;

use super::Remedy;
use super::quote::is_plain;
use super::situation::{Destination, Situation};
use crate::analyze::collectors::collector::collectors;

/// What a configuration is to get.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is something of its own that a configuration has or lacks"
)]
pub struct Wants {
    /// An input for the audit log at these paths.
    pub audit: Vec<String>,
    /// An input for the whole journal.
    pub journal: bool,
    /// Every input leads to an output.
    pub routed: bool,
    /// What waits to be sent lies on the disk.
    pub buffer: bool,
    /// Sending is tried until it succeeds.
    pub retry: bool,
    /// What is read is remembered.
    pub position: bool,
    /// Metrics of its own.
    pub metrics: bool,
    /// Fields with credentials are removed.
    pub masks: bool,
    /// A receiver outside the cluster for the audit log.
    pub destination: Option<Destination>,
}

impl Wants {
    fn of(situation: &Situation<'_>) -> Self {
        let fails = |checks: &[&str]| situation.fails_any(checks);
        let audit = fails(&["LA-COL-020", "LA-COL-021", "LA-COL-027"]);
        let journal = fails(&["LA-COL-030"]);
        let outside = fails(&["LA-COL-025"]) || audit;
        Self {
            audit: if audit { audit_paths(situation) } else { Vec::new() },
            journal,
            routed: audit || journal || fails(&["LA-COL-013", "LA-COL-023", "LA-COL-030"]),
            buffer: fails(&["LA-COL-043", "LA-COL-045"]),
            retry: fails(&["LA-COL-044"]),
            position: fails(&["LA-COL-046"]),
            metrics: fails(&["LA-COL-047"]),
            masks: fails(&["LA-COL-048"]),
            destination: situation.wishes.destination.clone().filter(|_| outside),
        }
    }

    /// Whether the collector needs a folder on the host.
    pub fn keeps_state(&self) -> bool {
        self.buffer || self.position || !self.audit.is_empty() || self.journal
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        *self == Self { destination: self.destination.clone(), ..Self::default() }
    }
}

/// The paths of all audit logs on their nodes that are known.
pub fn audit_paths(situation: &Situation<'_>) -> Vec<String> {
    let servers = situation.facts.api_servers.value().into_iter().flatten();
    let mut paths: Vec<String> = servers
        .filter(|server| server.audit.log.to_file.value() == Some(&true))
        .filter_map(|server| server.audit.log.path.value().cloned())
        .filter(|path| path.starts_with('/') && is_plain(path))
        .collect();
    paths.sort();
    paths.dedup();
    paths
}

/// Collectors.
pub fn remedies(situation: &Situation<'_>) -> Vec<Remedy> {
    let found = collectors(situation.snapshot);
    let on_nodes: Vec<_> = found.iter().filter(|one| one.on_nodes).collect();
    let mut remedies = Vec::new();
    if on_nodes.is_empty() {
        let is_asked_for = situation.fails_in("LA-COL-") || situation.wishes.destination.is_some();
        let is_cloud = situation.facts.cloud.provider.value().is_some();
        if is_asked_for && !(is_cloud && situation.wishes.destination.is_none()) {
            remedies.push(fresh::collector(situation));
        }
    } else {
        let wants = Wants::of(situation);
        let mut is_first = true;
        for collector in on_nodes.into_iter().filter(|one| one.pipeline.is_ok()) {
            remedies.extend(patch::remedy(situation, collector, &wants, is_first));
            is_first = false;
        }
    }
    if situation.fails("LA-EVT-001")
        || situation.wishes.destination.is_some() && remedies.iter().any(fresh::is_fresh)
    {
        remedies.push(fresh::events(situation));
    }
    remedies
}
