//! Fluent Bit as a whole set of manifests: on every node for files and the journal, once for events.

use serde_json::{Value, json};

use super::audit_paths;
use crate::remedy::apiserver::settings::folder;
use crate::remedy::change::Change;
use crate::remedy::situation::{Destination, Situation};
use crate::remedy::{File, Remedy};

const NAMESPACE: &str = "audit-logging";
const COLLECTOR: &str = "collector.yaml";
const EVENTS: &str = "events.yaml";
const SECRET: &str = "log-receiver";

/// An image without a registry: the cluster's own default counts.
const IMAGE: &str = "fluent/fluent-bit:4.2.0";

/// The audit log where its place is not known.
const USUAL_AUDIT_LOG: &str = "/var/log/kubernetes/audit/audit.log";

const SERVICE: &str = include_str!("../templates/fluent-bit-service.conf");
const NODE: &str = include_str!("../templates/fluent-bit-node.conf");
const OUTPUT: &str = include_str!("../templates/fluent-bit-output.conf");
const EVENT_INPUT: &str = include_str!("../templates/fluent-bit-events.conf");

/// Whether a remedy is the set of manifests.
pub fn is_fresh(remedy: &Remedy) -> bool {
    remedy.files.iter().any(|file| file.name == COLLECTOR)
}

/// The collector on every node.
pub fn collector(situation: &Situation<'_>) -> Remedy {
    let mut remedy = node_logs(situation);
    if situation.facts.collectors.value().is_none() {
        remedy.does.push_str(" It could not be seen here whether a collector runs already: where one does, change that one instead, or all logs are shipped twice.");
    }
    remedy
}

fn node_logs(situation: &Situation<'_>) -> Remedy {
    let mut paths = audit_paths(situation);
    if paths.is_empty() {
        paths.push(USUAL_AUDIT_LOG.into());
    }
    let receiver = receiver(situation);
    let mut config = String::from(SERVICE);
    config.push_str(&NODE.replace("AUDIT_PATHS", &paths.join(",")));
    config.push_str(&output(&receiver));
    let mut mounts = vec![
        json!({"name": "config", "mountPath": "/fluent-bit/etc/conf", "readOnly": true}),
        json!({"name": "varlog", "mountPath": "/var/log", "readOnly": true}),
        json!({"name": "state", "mountPath": "/var/lib/fluent-bit"}),
    ];
    let mut volumes = vec![
        json!({"name": "config", "configMap": {"name": "node-logs"}}),
        json!({"name": "varlog", "hostPath": {"path": "/var/log"}}),
        json!({"name": "state", "hostPath": {"path": "/var/lib/fluent-bit", "type": "DirectoryOrCreate"}}),
    ];
    // An audit log elsewhere has a mount of its own. Only nodes of the control plane have the folder.
    let mut elsewhere: Vec<&str> =
        paths.iter().map(|path| folder(path)).filter(|path| !path.starts_with("/var/log")).collect();
    elsewhere.dedup();
    for (index, path) in elsewhere.iter().enumerate() {
        let name = format!("audit-{index}");
        mounts.push(json!({"name": name, "mountPath": path, "readOnly": true}));
        volumes.push(json!({"name": name, "hostPath": {"path": path, "type": "DirectoryOrCreate"}}));
    }
    let labels = json!({"app.kubernetes.io/name": "node-logs", "app.kubernetes.io/part-of": NAMESPACE});
    let documents = [
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {
            "name": NAMESPACE,
            // Paths of the host are mounted.
            "labels": {"pod-security.kubernetes.io/enforce": "privileged"},
        }}),
        account("node-logs"),
        cluster_role("node-logs", &["namespaces", "pods"]),
        binding("node-logs"),
        config_map("node-logs", &config),
        json!({
            "apiVersion": "apps/v1", "kind": "DaemonSet",
            "metadata": {"name": "node-logs", "namespace": NAMESPACE, "labels": labels},
            "spec": {
                "selector": {"matchLabels": labels},
                "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "10%"}},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {
                        "serviceAccountName": "node-logs",
                        "priorityClassName": "system-node-critical",
                        "nodeSelector": {"kubernetes.io/os": "linux"},
                        "tolerations": [{"operator": "Exists"}],
                        "containers": [container(&mounts)],
                        "volumes": volumes,
                    },
                },
            },
        }),
    ];
    remedy(
        "Collector",
        COLLECTOR,
        &documents,
        &receiver,
        "Fluent Bit runs on every Linux node, whatever its taints. It reads the output of containers, the journal and the audit log, keeps what waits on the disk of the node, removes fields called password, token and authorization, and sends over TLS until the receiver takes it.",
        &[
            "About 50 to 100 MB of memory on each node, and space for what waits below /var/lib/fluent-bit.",
            "The receiver takes in all of it: most is the output of containers, on many clusters gigabytes a day for each node.",
        ],
    )
}

/// The exporter of events: one Pod, or there would be copies.
pub fn events(situation: &Situation<'_>) -> Remedy {
    let receiver = receiver(situation);
    let mut config = String::from(SERVICE);
    config.push_str(EVENT_INPUT);
    config.push_str(&output(&receiver));
    let mounts = [
        json!({"name": "config", "mountPath": "/fluent-bit/etc/conf", "readOnly": true}),
        json!({"name": "state", "mountPath": "/var/lib/fluent-bit"}),
    ];
    let labels = json!({"app.kubernetes.io/name": "events", "app.kubernetes.io/part-of": NAMESPACE});
    let documents = [
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {
            "name": NAMESPACE, "labels": {"pod-security.kubernetes.io/enforce": "privileged"},
        }}),
        account("events"),
        cluster_role("events", &["events"]),
        binding("events"),
        config_map("events", &config),
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": "events", "namespace": NAMESPACE},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        }),
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "events", "namespace": NAMESPACE, "labels": labels},
            "spec": {
                "replicas": 1,
                "strategy": {"type": "Recreate"},
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {
                        "serviceAccountName": "events",
                        "containers": [container(&mounts)],
                        "volumes": [
                            {"name": "config", "configMap": {"name": "events"}},
                            {"name": "state", "persistentVolumeClaim": {"claimName": "events"}},
                        ],
                    },
                },
            },
        }),
    ];
    remedy(
        "Exporter of Kubernetes events",
        EVENTS,
        &documents,
        &receiver,
        "One Pod of Fluent Bit follows Kubernetes events and sends them on, so that they outlive the hour for which the apiserver keeps them.",
        &["About 50 MB of memory, a volume of 1 GiB and a watch on events. They are few beside other logs."],
    )
}

fn remedy(
    title: &str,
    file: &str,
    documents: &[Value],
    receiver: &Destination,
    does: &str,
    costs: &[&str],
) -> Remedy {
    let texts: Vec<String> = documents.iter().filter_map(|one| serde_yaml::to_string(one).ok()).collect();
    let text = texts.iter().map(|text| text.trim_end()).collect::<Vec<_>>().join("\n---\n") + "\n";
    let mut needs = Vec::new();
    if !receiver.is_given {
        needs.push(format!(
            "the receiver: put its host, port and path in the place of {} in `{file}`, or run `fix` again with `--destination URL`",
            receiver.host
        ));
    }
    Remedy {
        title: title.into(),
        changes: vec![Change::Objects {
            file: file.into(),
            text: if receiver.is_given { text.clone() } else { Destination::as_if_set(&text, &receiver.host) },
        }],
        files: vec![File { name: file.into(), text }],
        does: does.into(),
        costs: costs.iter().map(|cost| (*cost).to_owned()).collect(),
        apply: vec![
            format!("`kubectl create namespace {NAMESPACE}`, unless it is there."),
            format!("`kubectl -n {NAMESPACE} create secret generic {SECRET} --from-file=token=FILE`, with the token that the receiver asks for in FILE."),
            format!("`kubectl apply -f {file}`"),
            "What arrives is JSON over HTTP. Where your receiver speaks another protocol, change the `[OUTPUT]`: Fluent Bit has plugins for Loki, Elasticsearch, OpenSearch, Splunk, OTLP and others.".into(),
        ],
        needs,
        is_wished: receiver.is_given,
        ..Remedy::default()
    }
}

fn receiver(situation: &Situation<'_>) -> Destination {
    situation.wishes.destination.clone().unwrap_or_else(Destination::placeholder)
}

/// The output. What a receiver is made of holds no character that the language knows.
pub fn output(receiver: &Destination) -> String {
    OUTPUT
        .replace("RECEIVER_HOST", &receiver.host)
        .replace("RECEIVER_PORT", &receiver.port.to_string())
        .replace("RECEIVER_PATH", &receiver.path)
}

fn account(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": NAMESPACE}})
}

fn cluster_role(name: &str, resources: &[&str]) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": {"name": format!("{NAMESPACE}-{name}")},
        "rules": [{"apiGroups": [""], "resources": resources, "verbs": ["get", "list", "watch"]}],
    })
}

fn binding(name: &str) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": {"name": format!("{NAMESPACE}-{name}")},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": format!("{NAMESPACE}-{name}"),
        },
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}],
    })
}

fn config_map(name: &str, config: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": NAMESPACE},
        "data": {"fluent-bit.conf": config},
    })
}

fn container(mounts: &[Value]) -> Value {
    json!({
        "name": "fluent-bit",
        "image": IMAGE,
        "command": ["/fluent-bit/bin/fluent-bit"],
        "args": ["--config=/fluent-bit/etc/conf/fluent-bit.conf"],
        "env": [{"name": "RECEIVER_TOKEN", "valueFrom": {"secretKeyRef": {"name": SECRET, "key": "token"}}}],
        "ports": [{"name": "http", "containerPort": 2020}],
        "livenessProbe": {"httpGet": {"path": "/", "port": "http"}},
        "readinessProbe": {"httpGet": {"path": "/api/v1/health", "port": "http"}},
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
        "volumeMounts": mounts,
    })
}
