//! Sensors that watch what processes do: which there are, where they run, and what becomes of what they find.

mod falco;
mod tetragon;

use schemars::JsonSchema;
use serde::Serialize;

use super::apiserver::instances::Instances;
use super::collectors::chain::Target;
use super::collectors::collector::Collector;
use super::collectors::facts::coverage::{Arises, Runner, of_runners};
use super::collectors::facts::{links, unseen};
use super::collectors::products::{Product, Role, product_of};
use super::fact::Fact;
use crate::snapshot::{Container, Scope, Snapshot, Workload, WorkloadKind};
use crate::verdict::Rank;

/// What watches processes.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Runtime {
    /// Whether there is a sensor on nodes.
    pub present: Fact<bool>,
    /// Sensors.
    pub sensors: Fact<Vec<Sensor>>,
    /// Nodes.
    pub nodes: Fact<i64>,
    /// Nodes on which a sensor runs.
    pub covered: Fact<i64>,
    /// The other nodes, by class and reason; empty if there are none.
    pub missed: Fact<String>,
}

/// A sensor.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sensor {
    /// The workload: `DaemonSet falco/falco`.
    pub name: String,
    /// The product: `Falco`.
    pub product: String,
    /// Whether it runs on nodes, as a `DaemonSet`.
    pub on_nodes: bool,
    /// Whether as many of its pods are ready as there should be.
    pub ready: Fact<bool>,
    /// Whether what it finds leaves its node: it sends it somewhere, or a collector ships what it writes.
    pub delivered: Fact<bool>,
    /// Whether it watches the host and the namespaces of the system too, where that can be set (Tetragon).
    pub watches_system: Fact<bool>,
    /// Whether it receives audit events of the API server (Falco's plugin k8saudit), which an audit webhook has to send.
    pub receives_audit: Fact<bool>,
    /// Whether it receives them encrypted.
    pub audit_tls: Fact<bool>,
    /// Whether an apiserver sends audit events to a webhook at all.
    pub audit_webhook: Fact<bool>,
}

/// A sensor as it was found.
struct Found<'a> {
    snapshot: &'a Snapshot,
    collectors: &'a [Collector<'a>],
    workload: &'a Workload,
    container: &'a Container,
    product: &'static Product,
    at: String,
}

/// What a configuration says of a sensor.
struct Told {
    delivered: Fact<bool>,
    watches_system: Fact<bool>,
    receives_audit: Fact<bool>,
    audit_tls: Fact<bool>,
}

/// The facts about sensors.
pub fn facts(snapshot: &Snapshot, instances: &Instances, collectors: &[Collector<'_>]) -> Runtime {
    const NO_SENSOR_GIVEN: &str =
        "the input shows no sensor; add its manifests with -f, or run against the cluster";
    let unseen = unseen(snapshot);
    let all: Vec<Found<'_>> = snapshot
        .workloads
        .all()
        .filter_map(|workload| {
            let (container, product) = workload.containers.iter().find_map(|container| {
                Some((container, product_of(&container.image).filter(|one| one.role == Role::Sensor)?))
            })?;
            let at = workload.field(&format!("spec.template.spec.containers[{}]", container.index));
            Some(Found { snapshot, collectors, workload, container, product, at })
        })
        .collect();
    let reason = match (&unseen, all.is_empty()) {
        (Some(reason), _) => Some(reason.clone()),
        (None, true) if snapshot.scope == Scope::Manifests => Some(NO_SENSOR_GIVEN.to_owned()),
        _ => None,
    };
    if let Some(reason) = reason {
        return Runtime {
            present: Fact::unknown(reason.clone()),
            sensors: Fact::unknown(reason.clone()),
            nodes: Fact::unknown(reason.clone()),
            covered: Fact::unknown(reason.clone()),
            missed: Fact::unknown(reason),
        };
    }
    let (blind, on_nodes): (Vec<_>, Vec<_>) = all
        .iter()
        .filter(|found| found.workload.kind == WorkloadKind::DaemonSet)
        .map(|found| (found, found.blind()))
        .partition(|(_, blind)| blind.is_some());
    let on_nodes: Vec<&Found<'_>> = on_nodes.into_iter().map(|(found, _)| found).collect();
    let blind = blind.into_iter().find_map(|(_, blind)| blind);
    let titles: Vec<String> = on_nodes.iter().map(|found| found.workload.title()).collect();
    let runners: Vec<Runner<'_>> = on_nodes
        .iter()
        .zip(&titles)
        .map(|(found, title)| Runner {
            name: title,
            at: &found.at,
            workload: Some(found.workload),
            beside: None,
            sure: true,
        })
        .collect();
    let coverage = of_runners(snapshot, &runners, None, Arises::Everywhere);
    let webhook = webhook(instances);
    Runtime {
        present: match on_nodes.first() {
            Some(found) => Fact::at(
                true,
                Rank::Configured,
                found.at.clone(),
                format!("{} is {}", found.workload.title(), found.product.name),
            ),
            None => blind.unwrap_or_else(|| {
                Fact::at(
                    false,
                    Rank::Configured,
                    "the DaemonSets of the cluster",
                    "none of them is a sensor that is known",
                )
            }),
        },
        sensors: Fact::known(
            all.iter().map(|found| sensor(found, &webhook)).collect(),
            Rank::Configured,
            Vec::new(),
        ),
        nodes: coverage.nodes,
        covered: coverage.covered,
        missed: coverage.missed,
    }
}

fn sensor(found: &Found<'_>, webhook: &Fact<bool>) -> Sensor {
    let told = match found.product.name {
        "Falco" => falco::told(found),
        "Tetragon" => tetragon::told(found),
        name => others(found, name),
    };
    let status = match &found.workload.status {
        Some(status) if status.desired == 0 => {
            Fact::unknown(format!("no pod is wanted ({} status)", found.workload.at))
        }
        Some(status) => Fact::at(
            status.ready >= status.desired,
            Rank::Observed,
            format!("{} status", found.workload.at),
            format!("{} of {} ready", status.ready, status.desired),
        ),
        None => Fact::unknown("files do not say what runs; run against the cluster"),
    };
    Sensor {
        name: found.workload.title(),
        product: found.product.name.to_owned(),
        on_nodes: found.workload.kind == WorkloadKind::DaemonSet,
        ready: status,
        delivered: told.delivered,
        watches_system: told.watches_system,
        receives_audit: told.receives_audit,
        audit_tls: told.audit_tls,
        audit_webhook: webhook.clone(),
    }
}

fn others(found: &Found<'_>, name: &str) -> Told {
    let sent = |to: &str| {
        Fact::at(true, Rank::Documented, found.at.clone(), format!("{name} reports to {to} by itself"))
    };
    Told {
        delivered: match name {
            "GuardDuty agent" => sent("GuardDuty"),
            "Microsoft Defender sensor" => sent("Microsoft Defender for Cloud"),
            _ => Fact::unknown(format!("what {name} does with what it finds is not read ({})", found.at)),
        },
        watches_system: Fact::unknown(format!("what {name} leaves out is not read ({})", found.at)),
        receives_audit: Fact::at(false, Rank::Configured, found.at.clone(), format!("{name} is not Falco")),
        audit_tls: Fact::unknown(format!("{name} receives no audit events")),
    }
}

/// Whether some apiserver has an audit webhook.
fn webhook(instances: &Instances) -> Fact<bool> {
    let set = instances
        .list
        .iter()
        .map(|one| one.flags.text("audit-webhook-config-file").map(|path| !path.is_empty()));
    match set.reduce(Fact::or) {
        Some(fact) => match &instances.count_unknown {
            Some(reason) if fact.value() == Some(&false) => Fact::unknown(reason.clone()),
            _ => fact,
        },
        None => Fact::unknown("no kube-apiserver is visible, so that its audit webhook is not known"),
    }
}

impl Found<'_> {
    /// That it is set up to see nothing of what processes do, if it is.
    fn blind(&self) -> Option<Fact<bool>> {
        (self.product.name == "Falco").then(|| falco::blind(self)).flatten()
    }

    /// Whether what a container of the sensor's pod prints is shipped.
    fn printed(&self, container: &str) -> Fact<bool> {
        let target = Target::Containers {
            namespace: self.workload.namespace.clone(),
            pod: format!("{}-x2x7k", self.workload.name),
            container: container.to_owned(),
            exact: true,
        };
        links(self.snapshot, self.collectors, &target).shipped
    }

    /// Whether a file of the container is shipped: it lies on the node, and a collector reads it.
    fn file(&self, path: &str) -> Fact<bool> {
        use super::collectors::paths::is_or_below;
        let mount = self
            .container
            .mounts
            .iter()
            .filter(|mount| is_or_below(path, mount.path.trim_end_matches('/')))
            .max_by_key(|mount| mount.path.len());
        match mount.map(|mount| (&mount.medium, mount)) {
            Some((crate::snapshot::Medium::HostPath(folder), mount)) => {
                let rest = path.strip_prefix(mount.path.trim_end_matches('/')).unwrap_or_default();
                let path = format!("{}{rest}", folder.trim_end_matches('/'));
                links(self.snapshot, self.collectors, &Target::File { path, is_audit: false }).shipped
            }
            _ => {
                Fact::at(false, Rank::Configured, self.at.clone(), format!("{path} does not lie on the node"))
            }
        }
    }
}
