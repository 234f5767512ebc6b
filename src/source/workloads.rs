//! Workloads and namespaces as JSON values into the narrow objects of a snapshot.

use std::collections::BTreeMap;

use serde_json::Value;

use super::objects::read_container;
use crate::analyze::collectors::paths::is_or_below;
use crate::analyze::collectors::products::product_of;
use crate::analyze::collectors::wanted;
use crate::document::{Place, items, scalar, text};
use crate::snapshot::workload::{Claim, NodeRequirement, NodeTerm, Placement, Toleration, WorkloadStatus};
use crate::snapshot::{Container, Medium, Mount, Namespace, Taint, Workload, WorkloadKind};
use crate::waiver::MEANT;

/// Annotations of pods and namespaces that collectors look at, by how their keys begin.
const ANNOTATIONS: [&str; 12] = [
    "fluentbit.io/",
    "fluentd.org/",
    "vector.dev/",
    "splunk.com/",
    "co.elastic.logs",
    "co.elastic.hints",
    "ad.datadoghq.com/",
    "io.opentelemetry.discovery.logs",
    "k8s.grafana.com/logs",
    "promtail.",
    "sumologic.com/exclude",
    "logging.",
];

/// Folders of a node whose mount makes a container one that may have to do with logs.
const LOG_FOLDERS: [&str; 5] =
    ["/var/log", "/var/lib/docker/containers", "/run/log", "/var/lib/docker", "/var/lib/rancher"];

/// A workload, with the containers that may have to do with logs.
pub fn workload(kind: WorkloadKind, object: &Value, place: &Place) -> Workload {
    let template = object.pointer("/spec/template").cloned().unwrap_or_default();
    let spec = template.get("spec").cloned().unwrap_or_default();
    let namespace = text(object, "/metadata/namespace");
    let claims: Vec<Claim> = items(object, "/spec/volumeClaimTemplates")
        .iter()
        .map(|claim| Claim {
            name: text(claim, "/metadata/name").to_owned(),
            storage: claim.pointer("/spec/resources/requests/storage").and_then(scalar),
        })
        .collect();
    let mut containers: Vec<Container> = items(&spec, "/containers")
        .iter()
        .enumerate()
        .map(|(index, container)| {
            let mut read = read_container(&spec, container, index, "spec.template.spec", namespace, place);
            for mount in &mut read.mounts {
                let name = mount_name(container, &mount.path);
                if claims.iter().any(|claim| claim.name == name) {
                    mount.medium = Medium::PersistentVolumeClaim;
                }
            }
            if wanted::collects(&read) {
                read.ports = named_ports(container);
            }
            read
        })
        .collect();
    // A DaemonSet that nobody knows may be a collector; of others only those that are known, or mount logs.
    if !containers.iter().any(concerns_logs) {
        containers.clear();
    }
    let init_mounts = items(&spec, "/initContainers").iter().enumerate().flat_map(|(index, container)| {
        let base = "spec.template.spec";
        let mut read = read_container(&spec, container, index, base, namespace, place);
        for (number, mount) in read.mounts.iter_mut().enumerate() {
            mount.at = place.field(&format!("{base}.initContainers[{index}].volumeMounts[{number}]"));
        }
        read.mounts.into_iter().filter(|mount| !mount.read_only && is_where_logs_lie(mount))
    });
    let init_mounts = init_mounts.collect();
    let owners = items(object, "/metadata/ownerReferences");
    let keeps_mark = |path: &str| {
        ["spec.template.spec.containers", "spec.template.spec.tolerations", "spec.template.spec.nodeSelector"]
            .iter()
            .any(|kept| path.starts_with(kept))
            && !containers.is_empty()
            || ["spec.template.spec", "spec.replicas", "spec.volumeClaimTemplates"].contains(&path)
            || path.starts_with("spec.template.metadata")
    };
    let marks = place
        .marks
        .iter()
        .filter(|(path, _)| keeps_mark(path))
        .map(|(path, mark)| (path.clone(), mark.clone()));
    Workload {
        kind,
        namespace: namespace.to_owned(),
        name: text(object, "/metadata/name").to_owned(),
        labels: strings(object, "/metadata/labels", tells_installer),
        owner: owners.first().map(|owner| format!("{} {}", text(owner, "/kind"), text(owner, "/name"))),
        pod_labels: strings(&template, "/metadata/labels", |_| true),
        pod_annotations: strings(&template, "/metadata/annotations", is_looked_at),
        waivers: strings(object, "/metadata/annotations", |key| key.starts_with(MEANT)),
        replicas: (kind != WorkloadKind::DaemonSet)
            .then(|| object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1)),
        placement: placement(&spec),
        service_account: [text(&spec, "/serviceAccountName"), text(&spec, "/serviceAccount")]
            .into_iter()
            .find(|name| !name.is_empty())
            .unwrap_or_default()
            .to_owned(),
        marks: marks.collect(),
        containers,
        init_mounts,
        claims,
        status: status(kind, object),
        at: place.at.clone(),
    }
}

fn mount_name<'a>(container: &'a Value, path: &str) -> &'a str {
    items(container, "/volumeMounts")
        .iter()
        .find(|mount| text(mount, "/mountPath") == path)
        .map_or("", |mount| text(mount, "/name"))
}

/// Whether a container is of a product that has to do with logs, or mounts where nodes keep logs.
fn concerns_logs(container: &Container) -> bool {
    product_of(&container.image).is_some() || container.mounts.iter().any(is_where_logs_lie)
}

/// Whether a mount brings in a folder of the node in which logs lie, or one above or below it.
fn is_where_logs_lie(mount: &Mount) -> bool {
    match &mount.medium {
        Medium::HostPath(path) => {
            path == "/"
                || LOG_FOLDERS.iter().any(|folder| is_or_below(path, folder) || is_or_below(folder, path))
        }
        _ => false,
    }
}

/// Labels by which Helm and the controllers of Argo CD and Flux mark what they install.
fn tells_installer(key: &str) -> bool {
    [
        "app.kubernetes.io/",
        "helm.sh/",
        "argocd.argoproj.io/",
        "kustomize.toolkit.fluxcd.io/",
        "helm.toolkit.fluxcd.io/",
    ]
    .iter()
    .any(|prefix| key.starts_with(prefix))
        || ["k8s-app", "app", "component", "name"].contains(&key)
}

/// The ports of a container by their names, by which Services find them.
fn named_ports(container: &Value) -> BTreeMap<String, u16> {
    let named = |port: &Value| {
        let number = u16::try_from(port.get("containerPort")?.as_u64()?).ok()?;
        Some((port.get("name")?.as_str()?.to_owned(), number))
    };
    items(container, "/ports").iter().filter_map(named).collect()
}

fn is_looked_at(key: &str) -> bool {
    ANNOTATIONS.iter().any(|prefix| key.starts_with(prefix))
}

fn strings(object: &Value, pointer: &str, keeps: impl Fn(&str) -> bool) -> BTreeMap<String, String> {
    let fields = object.pointer(pointer).and_then(Value::as_object);
    fields
        .into_iter()
        .flatten()
        .filter(|(key, _)| keeps(key))
        .filter_map(|(key, value)| Some((key.clone(), scalar(value)?)))
        .collect()
}

fn placement(spec: &Value) -> Placement {
    const REQUIRED: &str =
        "/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";
    let requirements = |term: &Value, field: &str| {
        items(term, field)
            .iter()
            .map(|one| NodeRequirement {
                key: text(one, "/key").to_owned(),
                operator: text(one, "/operator").to_owned(),
                values: items(one, "/values").iter().filter_map(scalar).collect(),
            })
            .collect()
    };
    Placement {
        node_selector: strings(spec, "/nodeSelector", |_| true),
        terms: spec.pointer(REQUIRED).and_then(Value::as_array).map(|terms| {
            let term = |term: &Value| NodeTerm {
                labels: requirements(term, "/matchExpressions"),
                fields: requirements(term, "/matchFields"),
            };
            terms.iter().map(term).collect()
        }),
        tolerations: items(spec, "/tolerations")
            .iter()
            .map(|one| Toleration {
                key: text(one, "/key").to_owned(),
                operator: text(one, "/operator").to_owned(),
                value: one.get("value").and_then(scalar).unwrap_or_default(),
                effect: text(one, "/effect").to_owned(),
            })
            .collect(),
        host_network: spec.get("hostNetwork").and_then(Value::as_bool).unwrap_or(false),
        host_port: items(spec, "/containers")
            .iter()
            .flat_map(|container| items(container, "/ports"))
            .any(|port| port.get("hostPort").and_then(Value::as_i64).is_some_and(|port| port > 0)),
    }
}

/// The taints of a node.
pub fn taints(node: &Value) -> Vec<Taint> {
    let taint = |one: &Value| Taint {
        key: text(one, "/key").to_owned(),
        value: one.get("value").and_then(scalar).unwrap_or_default(),
        effect: text(one, "/effect").to_owned(),
    };
    items(node, "/spec/taints").iter().map(taint).collect()
}

fn status(kind: WorkloadKind, object: &Value) -> Option<WorkloadStatus> {
    let status = object.get("status")?;
    let number = |field: &str| status.get(field).and_then(Value::as_i64);
    let generation = object.pointer("/metadata/generation").and_then(Value::as_i64);
    let observed = number("observedGeneration");
    // A status that the controller has not written yet says nothing.
    observed?;
    let (desired, ready, updated) = match kind {
        WorkloadKind::DaemonSet => ("desiredNumberScheduled", "numberReady", "updatedNumberScheduled"),
        WorkloadKind::Deployment | WorkloadKind::StatefulSet => {
            ("replicas", "readyReplicas", "updatedReplicas")
        }
    };
    Some(WorkloadStatus {
        desired: number(desired).unwrap_or(0),
        ready: number(ready).unwrap_or(0),
        updated: number(updated).unwrap_or(0),
        misscheduled: number("numberMisscheduled").unwrap_or(0),
        observed: observed == generation || generation.is_none(),
    })
}

/// A namespace.
pub fn namespace(object: &Value) -> Namespace {
    Namespace {
        name: text(object, "/metadata/name").to_owned(),
        labels: strings(object, "/metadata/labels", |_| true),
        annotations: strings(object, "/metadata/annotations", is_looked_at),
    }
}
