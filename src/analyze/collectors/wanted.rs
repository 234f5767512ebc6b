//! Which ConfigMaps have to be read to know how logs flow.

use super::alloy;
use super::products::{Product, Role, product_of};
use crate::snapshot::exposure::{Service, is_same_namespace};
use crate::snapshot::{ConfigMapKey, Container, EnvSource, Medium, Namespace, Resource, Workload, Workloads};

/// A ConfigMap.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Whether it is looked for because some clusters have it, and not because something refers to it.
    pub by_convention: bool,
}

/// ConfigMaps that say something about logs though no volume refers to them, and the workload or namespace that tells that a
/// cluster may have them: what is collected on Fargate, by Azure's agent, and which flows and accesses the network logs.
const BY_CONVENTION: [(&str, &str, Sign); 4] = [
    ("aws-observability", "aws-logging", Sign::Namespace),
    ("kube-system", "container-azm-ms-agentconfig", Sign::Workload("ama-logs")),
    ("kube-system", "cilium-config", Sign::Workload("cilium")),
    ("istio-system", "istio", Sign::Namespace),
];

/// What tells that a ConfigMap may be there.
enum Sign {
    /// Its namespace.
    Namespace,
    /// A workload in its namespace.
    Workload(&'static str),
}

/// What is read first where there is more than can be read: what carries logs, then what keeps them, then the rest.
fn urgency(role: Role) -> usize {
    match role {
        Role::Collector | Role::Hop => 0,
        Role::Store => 1,
        Role::EventExporter | Role::Sensor | Role::SensorRouter => 2,
        Role::Operator | Role::Alerting | Role::Ingress => 3,
    }
}

/// The ConfigMaps that containers with logs to do mount or take their variables from, those that custom resources refer to,
/// and those that are where they are by convention; the most telling first.
pub fn config_maps(workloads: &Workloads, namespaces: &[Namespace], resources: &[Resource]) -> Vec<Wanted> {
    let mut wanted: Vec<Wanted> = Vec::new();
    let mut add = |namespace: &str, name: &str, by_convention: bool| {
        let one = Wanted { namespace: namespace.into(), name: name.into(), by_convention };
        let known = wanted.iter().any(|other| other.namespace == one.namespace && other.name == one.name);
        if !known && !one.name.is_empty() {
            wanted.push(one);
        }
    };
    let containers = workloads.all().flat_map(|workload| {
        workload.containers.iter().filter_map(move |one| Some((workload, one, product_of(&one.image)?)))
    });
    let mut containers: Vec<_> = containers.collect();
    containers.sort_by_key(|(.., product)| urgency(product.role));
    for (workload, container, product) in containers {
        if let Some((namespace, name)) = named_config(workload, container, product) {
            add(&namespace, &name, true);
        }
        for mount in &container.mounts {
            // Grafana mounts many dashboards, which say nothing about logs.
            if product.name == "Grafana" && !mount.path.contains("/provisioning/alerting") {
                continue;
            }
            if let Medium::ConfigMap(volume) = &mount.medium {
                add(&volume.namespace, &volume.name, false);
            }
        }
        let sources = container.env.iter().filter_map(|variable| variable.from.as_ref());
        for source in container.env_from.iter().chain(sources) {
            if let EnvSource::ConfigMap(ConfigMapKey { namespace, name, .. }) = source {
                add(namespace, name, false);
            }
        }
    }
    for resource in resources.iter().filter(|resource| resource.kind == "Alloy") {
        let ConfigMapKey { namespace, name, .. } = alloy::config_map(resource);
        add(&namespace, &name, alloy::is_made(resource));
    }
    for (namespace, name, sign) in BY_CONVENTION {
        let is_likely = match sign {
            Sign::Namespace => namespaces.iter().any(|one| one.name == namespace),
            Sign::Workload(wanted) => {
                workloads.all().any(|workload| workload.namespace == namespace && workload.name == wanted)
            }
        };
        if is_likely {
            add(namespace, name, true);
        }
    }
    wanted
}

/// Whether a container is a collector or a hop, to which others may send.
pub fn collects(container: &Container) -> bool {
    product_of(&container.image).is_some_and(|product| matches!(product.role, Role::Collector | Role::Hop))
}

/// The workloads with a collector.
pub fn collecting(workloads: &Workloads) -> Vec<&Workload> {
    workloads.all().filter(|workload| workload.containers.iter().any(collects)).collect()
}

/// Whether a Service leads to one of the workloads with a collector, or only has the name of one.
pub fn concerns(collecting: &[&Workload], service: &Service) -> bool {
    collecting.iter().any(|workload| {
        let is_named =
            service.name == workload.name && is_same_namespace(&service.namespace, &workload.namespace);
        is_named || service.selects(workload)
    })
}

/// The ConfigMap that the command line of a container names, which then need not be there: namespace and name.
pub fn named_config(
    workload: &Workload,
    container: &Container,
    product: &Product,
) -> Option<(String, String)> {
    if product.name != "ingress-nginx" {
        return None;
    }
    let words = container.command.iter().chain(&container.args);
    let value =
        words.filter_map(|word| word.trim_start_matches('-').strip_prefix("configmap=")).next_back()?;
    let (namespace, name) = value.split_once('/')?;
    let namespace = match namespace {
        "$(POD_NAMESPACE)" => workload.namespace.clone(),
        other => other.to_owned(),
    };
    (!name.contains('$')).then(|| (namespace, name.to_owned()))
}
