//! Workloads of the recorded cluster, made by hand: what kubeadm installs, cut short to what is read of it, and a collector
//! that brings logs from every node to a store outside.

use serde_json::{Value, json};

use super::reply::Reply;

pub const NAMESPACES: &str = "/api/v1/namespaces";
pub const DAEMON_SETS: &str = "/apis/apps/v1/daemonsets";
pub const DEPLOYMENTS: &str = "/apis/apps/v1/deployments";
pub const STATEFUL_SETS: &str = "/apis/apps/v1/statefulsets";
pub const COLLECTOR_CONFIG: &str = "/api/v1/namespaces/logging/configmaps/fluent-bit";

/// Container logs, the audit log, the journal and events, to a store outside of the cluster.
const FLUENT_BIT: &str = "[SERVICE]
    HTTP_Server  On
    storage.path /var/lib/fluent-bit/buffer
[INPUT]
    Name             tail
    Tag              kube.*
    Path             /var/log/containers/*.log
    DB               /var/lib/fluent-bit/containers.db
    Buffer_Max_Size  4MB
    Skip_Long_Lines  On
    storage.type     filesystem
[INPUT]
    Name             tail
    Tag              audit.log
    Path             /var/log/kubernetes/audit/*.log
    DB               /var/lib/fluent-bit/audit.db
    Buffer_Max_Size  4MB
    storage.type     filesystem
[INPUT]
    Name             systemd
    Tag              host.*
    DB               /var/lib/fluent-bit/journal.db
    storage.type     filesystem
[INPUT]
    Name             kubernetes_events
    Tag              events
    storage.type     filesystem
[OUTPUT]
    Name             es
    Match            *
    Host             logs.example.com
    HTTP_User        collector
    HTTP_Passwd      ${ES_PASSWORD}
    Tls              On
    Retry_Limit      no_limits
";

/// The lists of workloads and namespaces, and the collector's ConfigMap.
pub fn answers() -> [(&'static str, Reply); 9] {
    let list = |kind: &str, items: Vec<Value>| {
        Reply::json(200, &json!({"kind": kind, "apiVersion": "v1", "metadata": {}, "items": items}))
    };
    let named = |name: &str| json!({"metadata": {"name": name}});
    let namespaces = ["default", "kube-node-lease", "kube-public", "kube-system", "logging"];
    let config = json!({"kind": "ConfigMap", "apiVersion": "v1",
        "metadata": {"name": "fluent-bit", "namespace": "logging"}, "data": {"fluent-bit.conf": FLUENT_BIT}});
    [
        (NAMESPACES, list("NamespaceList", namespaces.map(named).to_vec())),
        (DAEMON_SETS, list("DaemonSetList", vec![collector(), proxy()])),
        (DEPLOYMENTS, list("DeploymentList", vec![dns()])),
        (STATEFUL_SETS, list("StatefulSetList", Vec::new())),
        (COLLECTOR_CONFIG, Reply::json(200, &config)),
        // Served in the recording, and empty.
        ("/apis/monitoring.coreos.com/v1/alertmanagers", list("AlertmanagerList", Vec::new())),
        ("/apis/monitoring.coreos.com/v1/prometheusrules", list("PrometheusRuleList", Vec::new())),
        ("/apis/logging.banzaicloud.io/v1beta1/flows", list("FlowList", Vec::new())),
        ("/apis/logging.banzaicloud.io/v1beta1/outputs", list("OutputList", Vec::new())),
    ]
}

fn collector() -> Value {
    let mount = |name: &str, path: &str, read_only: bool| json!({"name": name, "mountPath": path, "readOnly": read_only});
    let of_node = |name: &str, path: &str| json!({"name": name, "hostPath": {"path": path}});
    let password = json!({"secretKeyRef": {"name": "store", "key": "password"}});
    let spec = json!({
        "serviceAccountName": "fluent-bit",
        "tolerations": [{"operator": "Exists"}],
        "containers": [{
            "name": "fluent-bit",
            "image": "fluent-bit:3.2.4",
            "env": [{"name": "ES_PASSWORD", "valueFrom": password}],
            "volumeMounts": [
                mount("config", "/fluent-bit/etc", true),
                mount("logs", "/var/log", true),
                mount("journal", "/run/log/journal", true),
                mount("state", "/var/lib/fluent-bit", false)]}],
        "volumes": [
            {"name": "config", "configMap": {"name": "fluent-bit"}},
            of_node("logs", "/var/log"),
            of_node("journal", "/run/log/journal"),
            of_node("state", "/var/lib/fluent-bit")]});
    workload("logging", "fluent-bit", &spec, &scheduled(3))
}

fn proxy() -> Value {
    let spec = json!({"containers": [{"name": "kube-proxy", "image": "kube-proxy:v1.36.2"}],
        "tolerations": [{"operator": "Exists"}]});
    workload("kube-system", "kube-proxy", &spec, &scheduled(3))
}

fn dns() -> Value {
    let spec = json!({"containers": [{"name": "coredns", "image": "coredns:v1.12.0"}]});
    let status = json!({"observedGeneration": 1, "replicas": 2, "readyReplicas": 2, "updatedReplicas": 2});
    workload("kube-system", "coredns", &spec, &status)
}

fn scheduled(nodes: u32) -> Value {
    json!({"observedGeneration": 1, "desiredNumberScheduled": nodes, "numberReady": nodes,
        "updatedNumberScheduled": nodes, "numberMisscheduled": 0})
}

fn workload(namespace: &str, name: &str, spec: &Value, status: &Value) -> Value {
    json!({
        "metadata": {"name": name, "namespace": namespace, "generation": 1, "labels": {"k8s-app": name}},
        "spec": {"template": {"metadata": {"labels": {"k8s-app": name}}, "spec": spec}},
        "status": status})
}
