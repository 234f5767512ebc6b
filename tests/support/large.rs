//! A cluster as large as they come: 5,000 nodes, 500 namespaces, 12,000 workloads with all that the API server sends of each.

use serde_json::{Value, json};

use super::cluster::NODES;
use super::collectors::{
    DAEMON_SETS, DEPLOYMENTS, FLUENT_BIT_CONFIG, NAMESPACES, STATEFUL_SETS, config_map, daemon_set,
    fluent_bit, pages,
};
use super::nodes::{Expiry, node_pages};
use super::routes::{Identity, Routes};

pub const COUNT_OF_NODES: usize = 5_000;
const COUNT_OF_NAMESPACES: usize = 500;
const COUNT_OF_DAEMON_SETS: usize = 200;
const COUNT_OF_DEPLOYMENTS: usize = 10_000;
const COUNT_OF_STATEFUL_SETS: usize = 1_800;

/// What the collector of OpenTelemetry is told, which leaves some namespaces out.
const OTEL: &str = "receivers:
  filelog:
    include: [/var/log/pods/*/*/*.log]
    exclude: [/var/log/pods/team-0007_*/*/*.log]
    include_file_path: true
    operators:
    - {type: container}
exporters:
  otlphttp: {endpoint: 'https://otel.example.com'}
service:
  pipelines:
    logs: {receivers: [filelog], exporters: [otlphttp]}
";

fn namespace_name(index: usize) -> String {
    match index {
        0 => "default".into(),
        1 => "kube-system".into(),
        2 => "logging".into(),
        3 => "observability".into(),
        _ => format!("team-{index:04}"),
    }
}

fn namespace(index: usize) -> Value {
    let name = namespace_name(index);
    json!({"metadata": {"name": name, "uid": uid(index), "labels": {"kubernetes.io/metadata.name": name, "team": name},
        "managedFields": managed("kube-controller-manager")}, "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}})
}

fn uid(index: usize) -> String {
    format!("00000000-0000-4000-9000-{index:012}")
}

/// What server-side apply keeps of who set which field.
fn managed(manager: &str) -> Value {
    let fields = |names: &[&str]| {
        let one = |name: &&str| {
            (
                (*name).to_owned(),
                json!({".": {}, "f:value": {}, "f:valueFrom": {".": {}, "f:secretKeyRef": {}}}),
            )
        };
        Value::Object(names.iter().map(one).collect())
    };
    let env = [
        "k:{\"name\":\"LOG_LEVEL\"}",
        "k:{\"name\":\"DATABASE_URL\"}",
        "k:{\"name\":\"API_TOKEN\"}",
        "k:{\"name\":\"HTTP_PROXY\"}",
        "k:{\"name\":\"POD_NAME\"}",
        "k:{\"name\":\"POD_NAMESPACE\"}",
    ];
    let container = json!({".": {}, "f:image": {}, "f:imagePullPolicy": {}, "f:name": {}, "f:env": fields(&env),
        "f:livenessProbe": {".": {}, "f:failureThreshold": {}, "f:httpGet": {".": {}, "f:path": {}, "f:port": {}, "f:scheme": {}}, "f:periodSeconds": {}},
        "f:readinessProbe": {".": {}, "f:failureThreshold": {}, "f:httpGet": {".": {}, "f:path": {}, "f:port": {}, "f:scheme": {}}, "f:periodSeconds": {}},
        "f:resources": {".": {}, "f:limits": {".": {}, "f:cpu": {}, "f:memory": {}}, "f:requests": {".": {}, "f:cpu": {}, "f:memory": {}}},
        "f:securityContext": {".": {}, "f:allowPrivilegeEscalation": {}, "f:capabilities": {".": {}, "f:drop": {}}, "f:runAsNonRoot": {}},
        "f:terminationMessagePath": {}, "f:terminationMessagePolicy": {}, "f:volumeMounts": {".": {}, "k:{\"mountPath\":\"/config\"}": {".": {}, "f:mountPath": {}, "f:name": {}}}});
    json!([
        {"manager": manager, "operation": "Update", "apiVersion": "apps/v1", "time": "2026-10-01T09:00:00Z", "fieldsType": "FieldsV1",
            "fieldsV1": {"f:metadata": {"f:annotations": {".": {}, "f:kubectl.kubernetes.io/last-applied-configuration": {}}, "f:labels": {".": {}, "f:app": {}}},
                "f:spec": {"f:replicas": {}, "f:selector": {}, "f:strategy": {"f:rollingUpdate": {".": {}, "f:maxSurge": {}, "f:maxUnavailable": {}}, "f:type": {}},
                "f:template": {"f:metadata": {"f:labels": {".": {}, "f:app": {}}}, "f:spec": {
                    "f:containers": {"k:{\"name\":\"app\"}": container, "k:{\"name\":\"proxy\"}": container},
                    "f:dnsPolicy": {}, "f:restartPolicy": {}, "f:schedulerName": {}, "f:securityContext": {}, "f:volumes": {".": {}, "k:{\"name\":\"config\"}": {".": {}, "f:configMap": {".": {}, "f:name": {}}, "f:name": {}}}}}}}},
        {"manager": "kube-controller-manager", "operation": "Update", "subresource": "status", "apiVersion": "apps/v1", "time": "2026-10-01T09:00:10Z", "fieldsType": "FieldsV1",
            "fieldsV1": {"f:status": {"f:availableReplicas": {}, "f:conditions": {".": {}, "k:{\"type\":\"Available\"}": {".": {}, "f:message": {}, "f:reason": {}}}, "f:observedGeneration": {}, "f:readyReplicas": {}, "f:replicas": {}, "f:updatedReplicas": {}}}},
    ])
}

/// A workload of an application, as large as they are on average.
fn application(kind: &str, index: usize) -> Value {
    let name = format!("app-{index:05}");
    let namespace = namespace_name(index % COUNT_OF_NAMESPACES);
    let labels = json!({"app": name, "app.kubernetes.io/name": name, "app.kubernetes.io/instance": name, "app.kubernetes.io/version": "1.42.0",
        "app.kubernetes.io/managed-by": "Helm", "helm.sh/chart": "app-3.1.4", "team": namespace});
    let probe = json!({"httpGet": {"path": "/healthz", "port": "http", "scheme": "HTTP"}, "initialDelaySeconds": 10, "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3});
    let container = |name: &str| {
        json!({"name": name, "image": format!("registry.example.com/{namespace}/{name}:1.42.0"), "imagePullPolicy": "IfNotPresent",
        "args": ["serve", "--port=8080", "--log-format=json"],
        "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}, {"name": "metrics", "containerPort": 9090, "protocol": "TCP"}],
        "env": [{"name": "LOG_LEVEL", "value": "info"}, {"name": "DATABASE_URL", "valueFrom": {"secretKeyRef": {"name": "database", "key": "url"}}},
            {"name": "API_TOKEN", "valueFrom": {"secretKeyRef": {"name": "api", "key": "token"}}}, {"name": "HTTP_PROXY", "value": "http://proxy.example.com:3128"},
            {"name": "POD_NAME", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}},
            {"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}}],
        "livenessProbe": probe, "readinessProbe": probe, "resources": {"limits": {"cpu": "1", "memory": "512Mi"}, "requests": {"cpu": "100m", "memory": "256Mi"}},
        "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": true},
        "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
        "volumeMounts": [{"name": "config", "mountPath": "/config", "readOnly": true}, {"name": "tmp", "mountPath": "/tmp"}]})
    };
    let template = json!({"metadata": {"creationTimestamp": null, "labels": labels, "annotations": {"checksum/config": "7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069", "prometheus.io/scrape": "true"}},
        "spec": {"containers": [container("app"), container("proxy")], "serviceAccountName": name, "serviceAccount": name,
            "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst", "schedulerName": "default-scheduler", "securityContext": {"fsGroup": 1000},
            "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {"matchLabels": {"app": name}}}],
            "volumes": [{"name": "config", "configMap": {"name": name, "defaultMode": 420}}, {"name": "tmp", "emptyDir": {}}]}});
    let applied = json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": {"template": template}}).to_string();
    json!({"metadata": {"name": name, "namespace": namespace, "uid": uid(index), "resourceVersion": "100907", "generation": 4, "creationTimestamp": "2026-10-01T09:00:00Z",
            "labels": labels, "annotations": {"deployment.kubernetes.io/revision": "4", "kubectl.kubernetes.io/last-applied-configuration": applied}, "managedFields": managed("helm")},
        "spec": {"replicas": 12, "selector": {"matchLabels": {"app": name}}, "template": template, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600},
        "status": {"observedGeneration": 4, "replicas": 12, "updatedReplicas": 12, "readyReplicas": 12, "availableReplicas": 12, "desiredNumberScheduled": 12, "numberReady": 12, "updatedNumberScheduled": 12,
            "conditions": [{"type": "Available", "status": "True", "lastUpdateTime": "2026-10-01T09:00:10Z", "lastTransitionTime": "2026-10-01T09:00:10Z", "reason": "MinimumReplicasAvailable", "message": "Deployment has minimum availability."}]}})
}

fn collector_of_opentelemetry() -> Value {
    let config = json!({"configMap": {"name": "otel", "items": [{"key": "relay", "path": "relay.yaml"}]}});
    let image = "otel/opentelemetry-collector-k8s:0.140.0";
    daemon_set("observability", "otel", image, "/conf", &config, &json!(["--config=/conf/relay.yaml"]))
}

impl Routes {
    /// The recorded control plane over a cluster of 5,000 nodes. Its 150,000 pods are nowhere in it: nobody asks for them.
    pub fn large() -> Self {
        let daemon_set = |index: usize| match index {
            0 => fluent_bit(),
            1 => collector_of_opentelemetry(),
            _ => application("DaemonSet", index),
        };
        let otel = "/api/v1/namespaces/observability/configmaps/otel";
        let fluent_bit = super::collectors::FLUENT_BIT;
        Self::kubeadm()
            .get_as(Identity::Admin, NODES, node_pages(COUNT_OF_NODES, Expiry::Never))
            .get(NAMESPACES, pages("NamespaceList", COUNT_OF_NAMESPACES, namespace))
            .get(DAEMON_SETS, pages("DaemonSetList", COUNT_OF_DAEMON_SETS, daemon_set))
            .get(
                DEPLOYMENTS,
                pages("DeploymentList", COUNT_OF_DEPLOYMENTS, |index| application("Deployment", index)),
            )
            .get(
                STATEFUL_SETS,
                pages("StatefulSetList", COUNT_OF_STATEFUL_SETS, |index| application("StatefulSet", index)),
            )
            .get(FLUENT_BIT_CONFIG, config_map("logging", "fluent-bit", "fluent-bit.conf", fluent_bit))
            .get(otel, config_map("observability", "otel", "relay", OTEL))
    }
}
