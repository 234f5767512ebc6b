//! Which ConfigMaps have to be read to know how logs flow.

use crate::snapshot::{ConfigMapKey, EnvSource, Medium, Namespace, Workloads};

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

/// The ConfigMaps that containers with logs to do mount or take their variables from, and those that are where they are by
/// convention.
pub fn config_maps(workloads: &Workloads, namespaces: &[Namespace]) -> Vec<Wanted> {
    let mut wanted: Vec<Wanted> = Vec::new();
    let mut add = |namespace: &str, name: &str, by_convention: bool| {
        let one = Wanted { namespace: namespace.into(), name: name.into(), by_convention };
        let known = wanted.iter().any(|other| other.namespace == one.namespace && other.name == one.name);
        if !known && !one.name.is_empty() {
            wanted.push(one);
        }
    };
    let containers = workloads.all().flat_map(|workload| &workload.containers);
    for container in containers.filter(|container| super::products::product_of(&container.image).is_some()) {
        for mount in &container.mounts {
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
