//! Collectors, their configurations in every language, their environments and arguments, and custom resources with
//! credentials in them.

use serde_json::{Value, json};

use super::{COMMANDS, MARK, expect_none, numbered, plain};
use crate::support::collectors::{DAEMON_SETS, FORWARDERS, config_map, forwarder, list};
use crate::support::routes::Routes;
use crate::support::stage::Stage;

/// What stands in a configuration for a credential.
const HERE: &str = "@@";

/// Texts of configurations by the images that read them, each with the file's name. `@@` is a credential that nothing but its
/// name gives away.
const DIALECTS: [(&str, &str, &str); 13] = [
    ("cr.fluentbit.io/fluent/fluent-bit:4.1.0", "fluent-bit.conf", "[INPUT]
    Name tail
    Path /var/log/containers/*.log # the token is @@
[OUTPUT]
    Name es
    Match *
    HTTP_User elastic
    HTTP_Passwd @@
    Cloud_Auth elastic:@@
    Header X-Anything @@
    URI /in?api_key=@@
[OUTPUT]
    Name splunk
    Splunk_Token @@
[OUTPUT]
    Name kafka
    rdkafka.sasl.password @@
"),
    ("cr.fluentbit.io/fluent/fluent-bit:4.1.0", "fluent-bit.yaml", "pipeline:
  inputs:
  - {name: tail, path: /var/log/containers/*.log}
  outputs:
  - name: http
    match: '*'
    http_passwd: @@
    header:
    - X-Anything @@
    headers:
      X-Anything: @@
  - {name: datadog, match: '*', apikey: @@}
"),
    ("fluent/fluentd:v1.19", "fluent.conf", "<source>
  @type tail
  path /var/log/containers/*.log
</source>
<match **>
  @type elasticsearch
  password @@
  headers {\"X-Anything\":\"@@\"}
  custom_headers {\"Authorization\":\"@@\"}
  <auth>
    password \"@@\"
  </auth>
  shared_key \"#{ENV['KEY'] || '@@'}\"
</match>
"),
    ("timberio/vector:0.50.0", "vector.toml", "[sources.k]
type = \"kubernetes_logs\"
[sinks.s]
type = \"http\"
inputs = [\"k\"]
auth = { strategy = \"basic\", user = \"u\", password = \"@@\" }
api_key = \"@@\"
default_token = '''
@@
'''
[sinks.s.request.headers]
X-Anything = \"@@\"
"),
    ("timberio/vector:0.50.0", "vector.json", "{\"sources\":{\"k\":{\"type\":\"kubernetes_logs\"}},\"sinks\":{\"s\":{\"type\":\"http\",\"inputs\":[\"k\"],\"auth\":{\"password\":\"@@\"},\"request\":{\"headers\":{\"X-Anything\":\"@@\"}}}}}"),
    ("otel/opentelemetry-collector-k8s:0.140.0", "relay.yaml", "receivers:
  filelog: {include: [/var/log/pods/*/*/*.log]}
extensions:
  basicauth:
    htpasswd:
      inline: |
        user:@@
  bearertokenauth:
    token: @@
exporters:
  otlphttp:
    endpoint: https://x.example.com/in?token=@@
    headers:
      X-Anything: @@
  datadog: {api: {key: @@}}
  splunk_hec:
    token: >-
      @@
service: {pipelines: {logs: {receivers: [filelog], exporters: [otlphttp]}}}
"),
    ("grafana/alloy:v1.11.0", "config.alloy", "loki.write \"x\" {
  endpoint {
    url = \"https://loki.example.com\"
    bearer_token = \"@@\"
    basic_auth {
      username = \"u\"
      password = sys.env(\"X\") + \"@@\"
    }
    headers = {
      \"X-Anything\" = \"@@\",
    }
  }
}
"),
    ("grafana/promtail:3.5.1", "promtail.yaml", "clients:
- url: https://u:@@@loki.example.com
  basic_auth: {username: u, password: @@}
  bearer_token: '@@'
  headers: {X-Anything: @@}
"),
    ("docker.elastic.co/beats/filebeat:9.2.0", "filebeat.yml", "output.elasticsearch:
  hosts: ['https://e:9200']
  password: \"@@\"
  api_key: \"id:@@\"
  headers:
    X-Anything: @@
cloud.auth: elastic:@@
"),
    ("docker.elastic.co/elastic-agent/elastic-agent:9.2.0", "agent.yml", "outputs:
  default:
    type: elasticsearch
    password: @@
fleet:
  enrollment_token: @@
"),
    ("docker.elastic.co/logstash/logstash:9.2.0", "logstash.conf", "output { elasticsearch { password => \"@@\" custom_headers => { \"X-Anything\" => \"@@\" } }
  http {
    headers => [\"X-Anything\", \"@@\"]
  }
}
"),
    ("balabit/syslog-ng:4.10.0", "syslog-ng.conf", "destination d { http(url(\"https://x\") user(\"u\") password(\"@@\") headers(\"X-Anything: @@\")); };
"),
    ("rsyslog/rsyslog:8.2510", "rsyslog.conf", "action(type=\"omelasticsearch\" uid=\"u\" pwd=\"@@\")
"),
];

/// The text with a new canary wherever one belongs, and how many there are.
fn planted(text: &str, secret: &mut impl FnMut() -> String) -> String {
    let mut parts = text.split(HERE);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + &secret() + part)
}

fn container(image: &str, file: &str, secret: &mut impl FnMut() -> String) -> Value {
    json!({"name": "c", "image": image,
        "command": ["/bin/sh", "-c", format!("run --x {}", secret())],
        "args": [format!("--config=/config/{file}"), format!("--api-key={}", secret()), "--token", secret(),
            "-E", format!("output.elasticsearch.password={}", secret()), format!("--set=exporters.x.api_key={}", secret()),
            format!("--config=yaml:exporters::otlp::headers::x:{}", secret())],
        "env": [{"name": "ES_PASSWORD", "value": secret()}, {"name": "WHATEVER", "value": secret()},
            {"name": "DD_ADDITIONAL_ENDPOINTS", "value": secret()}]})
}

fn annotations(secret: &mut impl FnMut() -> String) -> Value {
    json!({"ad.datadoghq.com/c.instances": format!("[{{\"password\":\"{}\"}}]", secret()),
        "co.elastic.hints/password": secret(), "fluentbit.io/parser": "json",
        "kubectl.kubernetes.io/last-applied-configuration": secret(), "note": secret()})
}

/// A custom resource with credentials where its kind has them, and where people write them.
fn resource(secret: &mut impl FnMut() -> String) -> Value {
    json!({
        "outputs": [{"name": "o", "type": "http", "http": {"url": "https://x", "headers": {"X-Anything": secret()},
            "authentication": {"token": {"value": secret()}, "password": secret()}}}],
        "config": format!("exporters:\n  x:\n    token: {}\n    headers:\n      X-Anything: {}\n", secret(), secret()),
        "structured": {"exporters": {"x": {"headers": {"X-Anything": secret()}, "api": {"key": secret()}}}},
        "env": [{"name": "DD_API_KEY", "value": secret()}, {"name": "WHATEVER", "value": secret()}],
        "envVars": [{"name": "ES_PASSWORD", "value": secret()}],
        "args": {"api-key": secret()},
        "extraArgs": ["--api-key", secret(), format!("--token={}", secret())],
        "credentials": [secret()],
        "remote": {"password": {"value": secret()}, "httpHeaders": [{"name": "X-Anything", "value": secret()}]},
        "inline": format!("{{\"password\":\"{}\"}}", secret()),
    })
}

/// A workload as a manifest or a cluster has it.
fn object(number: usize, (image, file, _): (&str, &str, &str), secret: &mut impl FnMut() -> String) -> Value {
    let name = format!("c{number}");
    let mut container = container(image, file, secret);
    container["volumeMounts"] =
        json!([{"name": "config", "mountPath": "/config"}, {"name": "log", "mountPath": "/var/log"}]);
    let mut sidecar = json!({"name": "sidecar", "image": "app", "args": [secret()]});
    sidecar["env"] = json!([{"name": "PASSWORD", "value": secret()}]);
    json!({"apiVersion": "apps/v1", "kind": "DaemonSet",
        "metadata": {"name": name, "namespace": "logging", "annotations": {"x": secret()}, "managedFields": [{"manager": secret()}]},
        "spec": {"template": {
            "metadata": {"labels": {"app": name}, "annotations": annotations(secret)},
            "spec": {"containers": [container, sidecar], "volumes": [
                {"name": "config", "configMap": {"name": name}}, {"name": "log", "hostPath": {"path": "/var/log"}}]}}}})
}

/// All that is looked at for collectors, in the form of a snapshot.
pub(super) fn add(snapshot: &mut Value) {
    let workload = json!({"kind": "DaemonSet", "namespace": "logging", "name": "fb", "labels": {"app": "fb"}, "owner": "FluentBit fb",
        "podLabels": {"app": "fb"}, "podAnnotations": {"fluentbit.io/parser": "json"},
        "placement": {"nodeSelector": {"a": "b"}, "terms": [{"labels": [{"key": "k", "operator": "In", "values": ["v"]}],
            "fields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]}],
            "tolerations": [{"key": "k", "operator": "Equal", "value": "v", "effect": "NoSchedule"}], "hostNetwork": true},
        "serviceAccount": "fb", "claims": [{"name": "c", "storage": "1Gi"}],
        "containers": [{"name": "fb", "index": 0, "image": "fluent/fluent-bit:4", "args": ["--config=/fluent-bit/etc/fluent-bit.conf"],
            "env": [{"name": "LOKI_URL", "value": "https://l"}, {"name": "P", "from": {"secret": "s"}}], "envFrom": [{"secret": "t"}],
            "mounts": [{"path": "/fluent-bit/etc", "medium": {"config-map": {"namespace": "logging", "name": "fb"}}, "at": "x"}]}],
        "at": "DaemonSet logging/fb", "marks": {"spec.template.spec.containers[0]": "a.yaml:1:1"}});
    let missing =
        |what: &str| json!({"state": "missing", "reason": "forbidden", "what": what, "detail": "gone"});
    snapshot["workloads"] = json!({"daemonSets": {"state": "read", "value": [workload]},
        "deployments": missing("the Deployments"), "statefulSets": missing("the StatefulSets")});
    snapshot["namespaces"] = json!({"state": "read", "value":
        [{"name": "default", "labels": {"a": "b"}, "annotations": {"fluentbit.io/exclude": "true"}}]});
    let key = json!({"namespace": "logging", "name": "fb", "key": "fluent-bit.conf"});
    let given = json!({"namespace": "monitoring", "name": "promtail", "key": ""});
    snapshot["configs"] = json!([
        {"configMap": key, "at": "ConfigMap logging/fb data.fluent-bit.conf", "text": "[INPUT]\n    Name tail\n    Path /var/log/containers/*.log\n"},
        {"configMap": given, "given": true, "at": "p.yaml", "text": "clients: []\n"}]);
    let gap = json!({"reason": "forbidden", "what": "the ConfigMap logging/o", "detail": "forbidden"});
    snapshot["configsUnread"] = json!([{"namespace": "logging", "name": "o", "gap": gap}]);
    snapshot["resourcesUnread"] = json!([gap]);
    let service = json!({"namespace": "n", "name": "s", "kind": "LoadBalancer", "selector": {"a": "b"}, "externalName": "a.b.svc", "at": "x"});
    let route = json!({"namespace": "n", "name": "r", "kind": "Ingress", "backends": [{"namespace": "n", "name": "s", "at": "y"}],
        "at": "x"});
    snapshot["exposure"] =
        json!({"services": {"state": "read", "value": [service]}, "routes": [route], "routesUnread": [gap]});
    snapshot["resources"] = json!([{"group": "observability.openshift.io", "kind": "ClusterLogForwarder", "namespace": "n", "name": "c",
        "at": "x", "marks": {"spec": "a.yaml:1:1"}, "labels": {"a": "b"}, "spec": {"outputs": [{"name": "o", "type": "http"}]},
        "status": {"conditions": [{"message": "m"}]}}]);
}

fn forwarder_with(spec: Value) -> Value {
    let mut object = forwarder();
    object["spec"] = spec;
    object
}

/// The whole as manifests.
fn manifests(mut secret: impl FnMut() -> String) -> String {
    let mut objects = vec![forwarder_with(resource(&mut secret))];
    objects.push(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "c0", "namespace": "logging"}, "stringData": {"x": secret()}}));
    objects.push(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n", "annotations": annotations(&mut secret)}}));
    for (number, dialect) in DIALECTS.into_iter().enumerate() {
        objects.push(object(number, dialect, &mut secret));
        let text = planted(dialect.2, &mut secret);
        objects.push(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("c{number}"), "namespace": "logging"},
            "data": {dialect.1: text}}));
    }
    let documents: Vec<String> =
        objects.iter().map(|object| serde_yaml::to_string(object).unwrap()).collect();
    documents.join("---\n")
}

/// The whole as a cluster.
fn live(mut secret: impl FnMut() -> String) -> Stage {
    let mut sets = Vec::new();
    let mut routes = Routes::kubeadm().with_short_metrics().with_collectors();
    for (number, dialect) in DIALECTS.into_iter().enumerate() {
        sets.push(object(number, dialect, &mut secret));
        let path = format!("/api/v1/namespaces/logging/configmaps/c{number}");
        let text = planted(dialect.2, &mut secret);
        routes = routes.get(&path, config_map("logging", &format!("c{number}"), dialect.1, &text));
    }
    let forwarder = forwarder_with(resource(&mut secret));
    Stage::with(
        routes
            .get(DAEMON_SETS, list("DaemonSetList", &sets))
            .get(FORWARDERS, list("ClusterLogForwarderList", &[forwarder])),
    )
}

#[test]
fn no_credential_of_a_collector_in_manifests_is_shown() {
    let text = manifests(numbered(plain));
    assert!(text.matches(MARK).count() > 200, "{}", text.matches(MARK).count());
    expect_none(&COMMANDS, |tool| tool.args(["-f", "-"]).stdin(&text));
}

#[test]
fn no_credential_of_a_collector_in_a_cluster_is_shown() {
    let stage = live(numbered(plain));
    expect_none(&COMMANDS, |tool| tool.kubeconfig(stage.kubeconfig.path()).arg("-v=6"));
    let saved = stage.tool().arg("snapshot").run().expect_code(0).json();
    assert_eq!(saved["configs"].as_array().unwrap().len(), DIALECTS.len());
    assert_eq!(saved["workloads"]["daemonSets"]["value"].as_array().unwrap().len(), DIALECTS.len());
    assert_eq!(saved["resources"].as_array().unwrap().len(), 1);
}

/// A snapshot from elsewhere may hold what this program would not have written.
#[test]
fn no_credential_of_a_collector_in_a_snapshot_is_shown() {
    let stage = live(|| "nothing".into());
    let mut snapshot = stage.tool().arg("snapshot").run().expect_code(0).json();
    let mut secret = numbered(plain);
    for (number, config) in snapshot["configs"].as_array_mut().unwrap().iter_mut().enumerate() {
        let name = config["configMap"]["name"].as_str().unwrap().trim_start_matches('c').parse::<usize>();
        config["text"] = json!(planted(DIALECTS[name.unwrap_or(number)].2, &mut secret));
    }
    for workload in snapshot["workloads"]["daemonSets"]["value"].as_array_mut().unwrap() {
        let written = container("x", "x", &mut secret);
        for field in ["command", "args", "env"] {
            workload["containers"][0][field] = written[field].clone();
        }
        workload["podAnnotations"] = json!({"co.elastic.hints/password": secret(),
            "ad.datadoghq.com/c.instances": format!("[{{\"password\":\"{}\"}}]", secret())});
    }
    snapshot["resources"][0]["spec"] = resource(&mut secret);
    let text = snapshot.to_string();
    expect_none(&COMMANDS, |tool| tool.args(["--snapshot", "-"]).stdin(&text));
}

#[test]
fn no_credential_of_a_given_configuration_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let text = manifests(|| "nothing".into());
    for (number, dialect) in DIALECTS.into_iter().enumerate() {
        let file = folder.path().join(dialect.1);
        std::fs::write(&file, planted(dialect.2, &mut numbered(plain))).unwrap();
        let given = format!("logging/c{number}={}", file.display());
        expect_none(&COMMANDS, |tool| tool.args(["-f", "-", "--config-for", &given]).stdin(&text));
    }
}
