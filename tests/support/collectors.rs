//! Clusters with collectors, and lists of workloads of any length in pages as the API server makes them.

use serde_json::{Value, json};

use super::cluster::{AGGREGATED, APIS};
use super::recordings::recording;
use super::reply::Reply;
use super::routes::{Asked, Identity, Routes, Rule};

pub const NAMESPACES: &str = "/api/v1/namespaces";
pub const DAEMON_SETS: &str = "/apis/apps/v1/daemonsets";
pub const DEPLOYMENTS: &str = "/apis/apps/v1/deployments";
pub const STATEFUL_SETS: &str = "/apis/apps/v1/statefulsets";
pub const FORWARDERS: &str = "/apis/observability.openshift.io/v1/clusterlogforwarders";
/// The ConfigMap of Fluent Bit.
pub const FLUENT_BIT_CONFIG: &str = "/api/v1/namespaces/logging/configmaps/fluent-bit";
/// The Secret that holds Promtail's configuration, which nobody may ask for.
pub const PROMTAIL_SECRET: &str = "/api/v1/namespaces/monitoring/secrets/promtail";

/// What Fluent Bit is told: container logs and the audit log, both to Elasticsearch outside the cluster.
pub const FLUENT_BIT: &str = "[SERVICE]
    Flush 1
    HTTP_Server On
[INPUT]
    Name tail
    Path /var/log/containers/*.log
    Tag kube.*
    DB /var/log/flb_kube.db
[INPUT]
    Name tail
    Path /var/log/kubernetes/audit/*.log
    Tag audit.*
    DB /var/log/flb_audit.db
[OUTPUT]
    Name es
    Match *
    Host logs.example.com
    Port 9243
    tls On
    tls.verify On
    HTTP_User elastic
    HTTP_Passwd ${ES_PASSWORD}
    Retry_Limit no_limits
";

/// Where Promtail sends to; its configuration lies in a Secret.
pub const PROMTAIL: &str = "clients:
- url: https://loki.example.com/loki/api/v1/push
scrape_configs:
- job_name: pods
  static_configs:
  - labels: {job: pods, __path__: /var/log/pods/*/*/*.log}
";

/// A `DaemonSet` that runs everywhere and mounts the logs of the nodes and its configuration.
pub fn daemon_set(
    namespace: &str,
    name: &str,
    image: &str,
    mount: &str,
    config: &Value,
    args: &Value,
) -> Value {
    let mut volume = config.clone();
    volume["name"] = json!("config");
    json!({
        "metadata": {"name": name, "namespace": namespace, "generation": 1, "labels": {"app.kubernetes.io/name": name}},
        "spec": {"selector": {"matchLabels": {"app": name}}, "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {
                "serviceAccountName": name, "tolerations": [{"operator": "Exists"}],
                "containers": [{
                    "name": name, "image": image, "args": args,
                    "volumeMounts": [{"name": "config", "mountPath": mount}, {"name": "log", "mountPath": "/var/log"}],
                }],
                "volumes": [volume, {"name": "log", "hostPath": {"path": "/var/log"}}],
            }}},
        "status": {"observedGeneration": 1, "desiredNumberScheduled": 3, "numberReady": 3,
            "updatedNumberScheduled": 3, "numberMisscheduled": 0},
    })
}

pub fn fluent_bit() -> Value {
    let config = json!({"configMap": {"name": "fluent-bit"}});
    let args = json!(["--config=/fluent-bit/etc/conf/fluent-bit.conf"]);
    daemon_set(
        "logging",
        "fluent-bit",
        "cr.fluentbit.io/fluent/fluent-bit:4.1.0",
        "/fluent-bit/etc/conf",
        &config,
        &args,
    )
}

pub fn promtail() -> Value {
    let config = json!({"secret": {"secretName": "promtail"}});
    let args = json!(["-config.file=/etc/promtail/promtail.yaml"]);
    daemon_set("monitoring", "promtail", "grafana/promtail:3.5.1", "/etc/promtail", &config, &args)
}

/// A `ConfigMap` with one key.
pub fn config_map(namespace: &str, name: &str, key: &str, text: &str) -> Reply {
    Reply::json(
        200,
        &json!({"kind": "ConfigMap", "apiVersion": "v1",
        "metadata": {"name": name, "namespace": namespace}, "data": {key: text}}),
    )
}

/// A `ClusterLogForwarder` that sends everything on.
pub fn forwarder() -> Value {
    json!({
        "apiVersion": "observability.openshift.io/v1", "kind": "ClusterLogForwarder",
        "metadata": {"name": "collector", "namespace": "openshift-logging", "generation": 1},
        "spec": {
            "serviceAccount": {"name": "collector"},
            "outputs": [{"name": "out", "type": "http", "http": {"url": "https://logs.example.com/in"}}],
            "pipelines": [{"name": "all", "inputRefs": ["application", "infrastructure", "audit"], "outputRefs": ["out"]}]},
    })
}

/// A whole list in one page.
pub fn list(kind: &str, items: &[Value]) -> Reply {
    Reply::json(
        200,
        &json!({"kind": kind, "apiVersion": "v1", "metadata": {"resourceVersion": "907"}, "items": items}),
    )
}

/// A list of so many objects that honours `limit` and `continue`.
pub fn pages(
    kind: &'static str,
    count: usize,
    item: impl Fn(usize) -> Value + Send + Sync + 'static,
) -> Reply {
    Reply::computed(move |asked: &Asked| {
        let number = |name: &str| asked.param(name).and_then(|text| text.parse::<usize>().ok());
        let start = number("continue").unwrap_or(0);
        let end = start.saturating_add(number("limit").unwrap_or(count)).min(count);
        let mut metadata = json!({"resourceVersion": "907"});
        if end < count {
            metadata["continue"] = json!(end.to_string());
        }
        let items: Vec<Value> = (start..end).map(&item).collect();
        Reply::json(200, &json!({"kind": kind, "apiVersion": "v1", "metadata": metadata, "items": items}))
    })
}

impl Routes {
    /// The recorded cluster with Fluent Bit in it.
    #[must_use]
    pub fn with_fluent_bit(self) -> Self {
        self.with_daemon_sets(&[fluent_bit()])
            .get_as(Identity::Admin, NAMESPACES, list("NamespaceList", &namespaces()))
            .get_as(
                Identity::Admin,
                FLUENT_BIT_CONFIG,
                config_map("logging", "fluent-bit", "fluent-bit.conf", FLUENT_BIT),
            )
    }

    /// Fluent Bit, Promtail, whose configuration lies in a Secret, and a `ClusterLogForwarder`.
    #[must_use]
    pub fn with_collectors(self) -> Self {
        let secret = json!({"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "promtail", "namespace": "monitoring"},
            "data": {"promtail.yaml": "Y2xpZW50czogW10K"}});
        self.with_fluent_bit()
            .with_daemon_sets(&[fluent_bit(), promtail()])
            .get(PROMTAIL_SECRET, Reply::json(200, &secret))
            .serving("observability.openshift.io", "v1", &[("clusterlogforwarders", "ClusterLogForwarder")])
            .get_as(Identity::Admin, FORWARDERS, list("ClusterLogForwarderList", &[forwarder()]))
    }

    /// These `DaemonSet`s.
    #[must_use]
    pub fn with_daemon_sets(self, items: &[Value]) -> Self {
        self.get_as(Identity::Admin, DAEMON_SETS, list("DaemonSetList", items))
    }

    /// Another group in the discovery.
    #[must_use]
    pub fn serving(self, group: &str, version: &str, resources: &[(&str, &str)]) -> Self {
        let mut served = recording("014").json();
        let resources: Vec<Value> = resources
            .iter()
            .map(|(plural, kind)| {
                json!({"resource": plural, "scope": "Namespaced", "verbs": ["get", "list", "watch"],
                    "responseKind": {"group": group, "version": version, "kind": kind}})
            })
            .collect();
        let group = json!({"metadata": {"name": group},
            "versions": [{"version": version, "resources": resources, "freshness": "Current"}]});
        served["items"].as_array_mut().expect("groups").push(group);
        let found = recording("014");
        let reply = Reply::Full {
            status: 200,
            headers: found.headers.clone(),
            body: served.to_string().into_bytes().into(),
        };
        self.rule(Rule::get(APIS, reply).accept(AGGREGATED))
    }
}

/// The namespaces of the recorded cluster and those of the collectors.
fn namespaces() -> Vec<Value> {
    ["default", "kube-node-lease", "kube-public", "kube-system", "logging", "monitoring", "openshift-logging"]
        .map(|name| json!({"metadata": {"name": name}}))
        .to_vec()
}
