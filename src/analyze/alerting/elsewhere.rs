//! Where rules and receivers may be that the cluster's API does not show.

use crate::analyze::apiserver::instances::Instances;
use crate::analyze::collectors::collector::Collector;
use crate::analyze::collectors::endpoint::{Endpoint, service_of};
use crate::analyze::collectors::model::{Output, Receiver};
use crate::analyze::collectors::products::{Role, product_of};
use crate::analyze::collectors::resolve;
use crate::analyze::collectors::service::Service;
use crate::analyze::fact::Fact;
use crate::analyze::stores::loki;
use crate::snapshot::{Snapshot, Workload};

/// What is known of ways out of the cluster.
#[derive(Debug)]
pub struct Elsewhere<'a> {
    /// The collectors.
    pub collectors: &'a [Collector<'a>],
    /// The apiservers.
    pub instances: &'a Instances,
    /// The distribution.
    pub distribution: Option<&'a str>,
}

/// Why a workload may have rules of its own; none if it has none that could tell somebody.
fn keeps_rules(snapshot: &Snapshot, workload: &Workload) -> Option<String> {
    let title = workload.title();
    workload.containers.iter().find_map(|container| {
        let product = product_of(&container.image)?;
        match product.role {
            Role::Store if product.name == Service::Loki.name() => {
                match loki::ruler(&resolve::config(snapshot, workload, container, product)) {
                    Fact::Known(known) if !known.value => None,
                    Fact::Known(known) => {
                        let at = known.evidence.first().map_or_else(|| title.clone(), |one| one.at.clone());
                        Some(format!(
                            "the ruler of {title} may have rules that the cluster's API does not show ({at})"
                        ))
                    }
                    Fact::Unknown(unknown) => {
                        Some(format!("whether {title} has rules of its own is not seen: {}", unknown.reason))
                    }
                }
            }
            Role::Alerting if ["Prometheus", "Alertmanager"].contains(&product.name) => None,
            Role::Store | Role::Alerting | Role::SensorRouter => Some(format!(
                "{title} ({}) may hold rules and receivers of its own, which the cluster's API does not show",
                product.name
            )),
            _ => None,
        }
    })
}

fn is_loki(workload: &Workload) -> bool {
    let mut products = workload.containers.iter().filter_map(|one| product_of(&one.image));
    products.any(|product| product.name == Service::Loki.name())
}

/// Whether an output leads to a Loki in one of these namespaces.
fn is_to_loki_in(namespaces: &[&str], collector: &Collector<'_>, output: &Output) -> bool {
    let is_there = |host: &String| {
        let service = Endpoint::parse(host).and_then(|one| service_of(&one.host, collector.namespace()));
        service.is_some_and(|(namespace, _)| namespaces.contains(&&*namespace))
    };
    output.receiver == Receiver::Service(Service::Loki)
        && output.hosts.value().is_some_and(|hosts| !hosts.is_empty() && hosts.iter().all(is_there))
}

impl Elsewhere<'_> {
    /// Why there may be rules that are not seen; none if nothing that could have rules gets logs or metrics.
    pub(super) fn reason(&self, snapshot: &Snapshot) -> Option<String> {
        const CLOUDS: [&str; 3] = ["eks", "gke", "aks"];
        if let Some(cloud) = self.distribution.filter(|name| CLOUDS.contains(name)) {
            return Some(format!(
                "rules in the provider's own monitoring ({cloud}) are not visible in the cluster"
            ));
        }
        let systems = snapshot.workloads.all().find_map(|workload| keeps_rules(snapshot, workload));
        let remote = || {
            let resource = snapshot.resources.iter().find(|one| {
                one.kind == "Prometheus" && one.spec.get("remoteWrite").is_some_and(|list| !list.is_null())
            })?;
            Some(format!("{} sends its metrics elsewhere, where there may be rules", resource.at))
        };
        systems.or_else(remote).or_else(|| self.shipped(snapshot)).or_else(|| self.webhook())
    }

    /// Where collectors send logs.
    fn shipped(&self, snapshot: &Snapshot) -> Option<String> {
        // What may have rules is told before.
        let silent: Vec<&str> =
            snapshot.workloads.all().filter(|one| is_loki(one)).map(|one| &*one.namespace).collect();
        self.collectors.iter().find_map(|collector| match &collector.pipeline {
            Err(_) => Some(format!("where {} sends logs is not read: there may be rules", collector.name)),
            Ok(pipeline) => {
                let outside = pipeline.outputs.iter().find(|output| {
                    !matches!(output.receiver, Receiver::Nothing | Receiver::Console | Receiver::File)
                        && !is_to_loki_in(&silent, collector, output)
                });
                let unread = pipeline.unread.first().map(|unread| unread.at.clone());
                let at = outside.map(|output| output.at.clone()).or(unread)?;
                Some(format!(
                    "{} sends logs elsewhere ({at}): rules there are not visible in the cluster",
                    collector.name
                ))
            }
        })
    }

    /// Where apiservers send audit events.
    fn webhook(&self) -> Option<String> {
        if self.instances.list.is_empty() {
            return Some("no kube-apiserver is visible: where its audit log goes is not known".into());
        }
        self.instances.list.iter().find_map(|one| match one.flags.text("audit-webhook-config-file") {
            Fact::Known(known) if known.value.is_empty() => None,
            Fact::Known(_) => {
                Some(format!("{} sends audit events to a webhook, where there may be rules", one.name))
            }
            Fact::Unknown(unknown) => Some(unknown.reason),
        })
    }
}
