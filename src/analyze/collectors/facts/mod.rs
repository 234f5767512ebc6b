//! What collectors do, as facts: the collectors themselves, the sources of logs with the links from each to where it ends up,
//! and the destinations.

pub(crate) mod coverage;
mod destinations;
mod exporters;
mod sources;

use schemars::JsonSchema;
use serde::Serialize;

pub use destinations::Destination;
pub use sources::LogSource;
pub(crate) use sources::links;

use super::collector::Collector;
use super::model::{Effect, Source};
use super::nodes;
use crate::analyze::apiserver::instances::Instances;
use crate::analyze::fact::Fact;
use crate::analyze::stores::workloads::Found;
use crate::snapshot::{GapReason, Medium, Scope, Snapshot};
use crate::verdict::{Evidence, Rank};

/// A collector of logs, or a hop between collectors.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CollectorFacts {
    /// The workload: `DaemonSet logging/fluent-bit`.
    pub name: String,
    /// The product: `Fluent Bit`; `not recognised` for an image that nobody knows and that mounts the logs of nodes.
    pub product: String,
    /// Whether its configuration is read, all of it.
    pub config_read: Fact<bool>,
    /// Whether it takes logs from nodes, as a `DaemonSet`.
    pub on_nodes: bool,
    /// Whether as many of its pods are ready as there should be.
    pub ready: Fact<bool>,
    /// Pods that are ready.
    pub ready_pods: Fact<i64>,
    /// Pods there should be.
    pub desired_pods: Fact<i64>,
    /// Whether all pods run with the present template.
    pub up_to_date: Fact<bool>,
    /// Whether it remembers across restarts of its pod how far it has read, in every input that reads files or the journal.
    pub position_kept: Fact<bool>,
    /// Whether it offers metrics of its own.
    pub own_metrics: Fact<bool>,
    /// Whether it masks or removes fields with personal data or credentials somewhere.
    pub redacts: Fact<bool>,
}

/// All of it.
#[derive(Debug)]
pub struct Collection {
    /// Collectors.
    pub collectors: Fact<Vec<CollectorFacts>>,
    /// Sources of logs.
    pub logs: Fact<Vec<LogSource>>,
    /// Where logs go.
    pub destinations: Fact<Vec<Destination>>,
}

/// The facts about collection.
pub fn facts(
    snapshot: &Snapshot,
    instances: &Instances,
    found: &[Collector<'_>],
    stores: &[Found],
) -> Collection {
    let unseen = unseen(snapshot);
    let list: Vec<CollectorFacts> = found.iter().map(collector).collect();
    Collection {
        collectors: match (&unseen, list.is_empty()) {
            (Some(reason), _) => Fact::unknown(reason.clone()),
            (None, true) if snapshot.scope == Scope::Manifests => Fact::unknown(NO_COLLECTOR_GIVEN),
            (None, _) => Fact::known(list, Rank::Configured, shown(snapshot, found)),
        },
        destinations: destinations::destinations(found, unseen.as_deref(), stores),
        logs: sources::sources(snapshot, instances, found, unseen.as_deref()),
    }
}

/// How many collectors are named in evidence.
const NAMED: usize = 5;

/// The collectors as evidence that there are some, or what was looked through.
fn shown(snapshot: &Snapshot, found: &[Collector<'_>]) -> Vec<Evidence> {
    let evidence = |one: &Collector<'_>| Evidence { at: one.at.clone(), detail: one.product.clone() };
    let mut shown: Vec<Evidence> = found.iter().take(NAMED).map(evidence).collect();
    if shown.is_empty() {
        let count = snapshot.workloads.all().count();
        shown.push(Evidence { at: "the workloads".into(), detail: format!("{count} looked through") });
    }
    shown
}

/// Why files without a collector say nothing.
const NO_COLLECTOR_GIVEN: &str =
    "the input shows no collector; add its manifests with -f, or run against the cluster";

/// Why collectors may be missing in what was read; none if there can be none but these.
pub(crate) fn unseen(snapshot: &Snapshot) -> Option<String> {
    let of_cluster = snapshot.scope == Scope::Cluster;
    let gap = |reading: Option<&crate::snapshot::Gap>| {
        reading.filter(|gap| of_cluster || gap.reason != GapReason::NotAsked).map(ToString::to_string)
    };
    let unread = gap(snapshot.workloads.daemon_sets.gap());
    let none = snapshot.workloads.all().next().is_none() && snapshot.resources.is_empty();
    // What operators are told to run may be no workload yet.
    let unread = unread.or_else(|| {
        let of_collectors = |gap: &&crate::snapshot::Gap| {
            super::operators::KINDS.contains(&gap.what.as_str()) || gap.what == super::operators::ALL_KINDS
        };
        snapshot.resources_unread.iter().find(of_collectors).map(ToString::to_string)
    });
    unread.or_else(|| (!of_cluster && none).then(|| NO_COLLECTOR_GIVEN.to_owned()))
}

fn collector(collector: &Collector<'_>) -> CollectorFacts {
    let status = match collector.workload {
        Some(workload) => match &workload.status {
            Some(status) => Fact::at(
                status.clone(),
                Rank::Observed,
                format!("{} status", workload.at),
                format!("{} of {} ready, {} up to date", status.ready, status.desired, status.updated),
            ),
            None => Fact::unknown("files do not say what runs; run against the cluster"),
        },
        None => Fact::unknown(format!("the workload that {} stands for is not seen", collector.name)),
    };
    let config_read = match &collector.pipeline {
        Err(unreadable) => Fact::unknown(format!("{} ({})", unreadable.why, unreadable.at)),
        Ok(pipeline) => match pipeline.unread.first() {
            Some(unread) => Fact::unknown(format!("{} ({})", unread.why, unread.at)),
            None => Fact::at(true, Rank::Configured, collector.at.clone(), "its configuration is read"),
        },
    };
    let unread = config_read.reason().unwrap_or_default().to_owned();
    let pipeline = collector.pipeline.as_ref().ok();
    CollectorFacts {
        name: collector.name.clone(),
        product: collector.product.clone(),
        on_nodes: collector.on_nodes,
        ready: status.clone().map(|status| status.ready >= status.desired),
        ready_pods: status.clone().map(|status| status.ready),
        desired_pods: status.clone().map(|status| status.desired),
        up_to_date: status.map(|status| status.updated >= status.desired && status.observed),
        position_kept: match pipeline {
            Some(_) => position_kept(collector),
            None => Fact::unknown(unread.clone()),
        },
        own_metrics: match pipeline.map(|pipeline| pipeline.own_metrics.clone()) {
            Some(Some(metrics)) => metrics,
            Some(None) => {
                Fact::unknown(format!("whether {} offers metrics of its own is not told", collector.product))
            }
            None => Fact::unknown(unread.clone()),
        },
        redacts: match pipeline {
            Some(pipeline) => {
                let steps = pipeline.inputs.iter().flat_map(|input| {
                    let of_routes = input.routes.value().into_iter().flatten().flat_map(|route| &route.steps);
                    input.steps.iter().chain(of_routes)
                });
                let mut evidence: Vec<Evidence> = steps
                    .filter(|step| step.effect == Effect::Redacts)
                    .map(|step| Evidence { at: step.at.clone(), detail: step.what.clone() })
                    .collect();
                evidence.dedup();
                match (evidence.is_empty(), unread.is_empty()) {
                    (true, false) => Fact::unknown(unread),
                    (true, true) => Fact::at(
                        false,
                        Rank::Evaluated,
                        collector.at.clone(),
                        "no filter of it masks or removes anything",
                    ),
                    (false, _) => Fact::known(true, Rank::Evaluated, evidence),
                }
            }
            None => Fact::unknown(unread),
        },
        config_read,
    }
}

/// Whether every input that reads files keeps its position where it outlives the pod.
fn position_kept(collector: &Collector<'_>) -> Fact<bool> {
    let inputs = collector.pipeline.as_ref().map_or(&[][..], |pipeline| pipeline.inputs.as_slice());
    let positions = inputs.iter().filter_map(|input| {
        let is_file = matches!(
            input.source,
            Source::Files { .. } | Source::Containers { through_api: false, .. } | Source::Journal { .. }
        );
        let position = input.position.as_ref().filter(|_| is_file)?;
        Some(position.clone().and_then(|path| match path {
            None => {
                Fact::at(false, Rank::Configured, input.at.clone(), format!("{} keeps no position", input.id))
            }
            Some(path) => outlives_pod(collector, &path),
        }))
    });
    positions.reduce(Fact::and).unwrap_or_else(|| Fact::known(true, Rank::Configured, Vec::new()))
}

/// Whether a path of the container outlives its pod.
fn outlives_pod(collector: &Collector<'_>, path: &str) -> Fact<bool> {
    let Some(container) = collector.container else {
        return Fact::unknown(format!(
            "where {path} lies is not seen: the workload of {} is not read",
            collector.name
        ));
    };
    let mount = container
        .mounts
        .iter()
        .filter(|mount| super::paths::is_or_below(path, mount.path.trim_end_matches('/')))
        .max_by_key(|mount| mount.path.len());
    let Some(mount) = mount else {
        return Fact::at(
            false,
            Rank::Configured,
            collector.at.clone(),
            format!("{path} lies in the container itself"),
        );
    };
    let told = |kept: bool, what: &str| {
        Fact::at(kept, Rank::Configured, mount.at.clone(), format!("{path} lies on {what}"))
    };
    match &mount.medium {
        Medium::HostPath(_) if mount.read_only => {
            told(false, "a read-only mount, so that nothing can be written there")
        }
        Medium::HostPath(_) => told(true, "the node"),
        Medium::PersistentVolumeClaim => told(true, "a PersistentVolume"),
        Medium::EmptyDir => told(false, "an emptyDir, which goes with the pod"),
        medium if medium.is_api_object() => told(false, "a read-only volume"),
        _ => Fact::unknown(format!("whether the volume at {} outlives the pod is not known", mount.at)),
    }
}
