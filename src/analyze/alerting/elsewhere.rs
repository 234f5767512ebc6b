//! Where rules and receivers may be that the cluster's API does not show.

use crate::analyze::apiserver::instances::Instances;
use crate::analyze::collectors::collector::Collector;
use crate::analyze::collectors::model::Receiver;
use crate::analyze::collectors::products::{Role, product_of};
use crate::analyze::fact::Fact;
use crate::snapshot::Snapshot;

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

impl Elsewhere<'_> {
    /// Why there may be rules that are not seen; none if nothing that could have rules gets logs or metrics.
    pub(super) fn reason(&self, snapshot: &Snapshot) -> Option<String> {
        const CLOUDS: [&str; 3] = ["eks", "gke", "aks"];
        if let Some(cloud) = self.distribution.filter(|name| CLOUDS.contains(name)) {
            return Some(format!(
                "rules in the provider's own monitoring ({cloud}) are not visible in the cluster"
            ));
        }
        let systems = snapshot.workloads.all().find_map(|workload| {
            let product = workload.containers.iter().find_map(|one| product_of(&one.image))?;
            let keeps_rules = match product.role {
                Role::Store => true,
                Role::Alerting => !["Prometheus", "Alertmanager"].contains(&product.name),
                Role::SensorRouter => true,
                _ => false,
            };
            keeps_rules.then(|| {
                format!(
                    "{} ({}) may hold rules and receivers of its own, which the cluster's API does not show",
                    workload.title(),
                    product.name
                )
            })
        });
        let remote = || {
            let resource = snapshot.resources.iter().find(|one| {
                one.kind == "Prometheus" && one.spec.get("remoteWrite").is_some_and(|list| !list.is_null())
            })?;
            Some(format!("{} sends its metrics elsewhere, where there may be rules", resource.at))
        };
        systems.or_else(remote).or_else(|| self.shipped()).or_else(|| self.webhook())
    }

    /// Where collectors send logs.
    fn shipped(&self) -> Option<String> {
        self.collectors.iter().find_map(|collector| match &collector.pipeline {
            Err(_) => Some(format!("where {} sends logs is not read: there may be rules", collector.name)),
            Ok(pipeline) => {
                let outside = pipeline.outputs.iter().find(|output| {
                    !matches!(output.receiver, Receiver::Nothing | Receiver::Console | Receiver::File)
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
