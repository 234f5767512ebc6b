//! The products that are recognised, by what their images are called.

use super::dialect::Dialect;

/// A product.
#[derive(Debug, PartialEq, Eq)]
pub struct Product {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub role: Role,
    /// Its images: the end of the repository's path, by whole segments; an ending `*` stands for any ending.
    pub images: &'static [&'static str],
    /// The language of its configuration, if it is one that is known.
    pub dialect: Option<Dialect>,
    /// The file or folder it reads without being told (folders end in `/`).
    pub config: &'static str,
    /// The flags that name another one.
    pub flags: &'static [&'static str],
}

/// What a product is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It takes logs from where they arise.
    Collector,
    /// It takes what collectors send and passes it on.
    Hop,
    /// It keeps logs.
    Store,
    /// It keeps Kubernetes events from being forgotten.
    EventExporter,
    /// It watches what processes do.
    Sensor,
    /// It passes on what sensors find.
    SensorRouter,
    /// It makes the others from custom resources.
    Operator,
    /// It evaluates rules or tells somebody of alerts.
    Alerting,
    /// It lets traffic into the cluster.
    Ingress,
}

const C_FLAGS: &[&str] = &["-c", "--config"];
const CONFIG_FILE: &[&str] = &["-config.file", "--config.file"];
const NO_FLAGS: &[&str] = &[];

const fn product(
    name: &'static str,
    role: Role,
    images: &'static [&'static str],
    dialect: Option<Dialect>,
    config: &'static str,
    flags: &'static [&'static str],
) -> Product {
    Product { name, role, images, dialect, config, flags }
}

const fn known(name: &'static str, role: Role, images: &'static [&'static str]) -> Product {
    product(name, role, images, None, "", NO_FLAGS)
}

/// Every product. The first that an image matches counts, so that special builds stand before the general ones.
pub const PRODUCTS: &[Product] = &[
    product(
        "Azure Monitor agent",
        Role::Collector,
        &["azuremonitor/containerinsights/ciprod", "containerinsights/ciprod"],
        Some(Dialect::AzureAgentConfig),
        "/etc/config/settings/",
        NO_FLAGS,
    ),
    product(
        "Fluent Bit",
        Role::Collector,
        &[
            "fluent-bit",
            "fluentbit",
            "aws-for-fluent-bit",
            "newrelic-fluentbit-output",
            "kubernetes-fluentbit",
            "fluent-bit-gke*",
        ],
        Some(Dialect::FluentBit),
        "/fluent-bit/etc/fluent-bit.conf",
        C_FLAGS,
    ),
    product(
        "Fluentd",
        Role::Collector,
        &[
            "fluentd",
            "fluentd-kubernetes-daemonset",
            "fluentd-elasticsearch",
            "fluentd-gcp",
            "fluentd-gcp*",
            "fluentd-hec",
            "logzio-fluentd",
            "fluentd-full",
            "fluentd-cloudwatch",
        ],
        Some(Dialect::Fluentd),
        "/fluentd/etc/fluent.conf",
        C_FLAGS,
    ),
    product(
        "Vector",
        Role::Collector,
        &["vector", "cluster-logging-vector*", "vector-rhel9", "logging-vector*"],
        Some(Dialect::Vector),
        "/etc/vector/vector.yaml",
        &["-c", "--config", "--config-yaml", "--config-toml", "--config-json", "-C", "--config-dir"],
    ),
    product(
        "OpenTelemetry Collector",
        Role::Collector,
        &[
            "opentelemetry-collector*",
            "otelcol*",
            "splunk-otel-collector*",
            "sumologic-otel-collector*",
            "signoz-otel-collector*",
            "opentelemetry-collector-contrib",
            "aws-otel-collector",
            "nrdot-collector*",
            "bindplane-agent",
            "observiq-otel-collector",
        ],
        Some(Dialect::OpenTelemetry),
        "/etc/otelcol/config.yaml",
        &["--config", "-config"],
    ),
    product(
        "Alloy",
        Role::Collector,
        &["grafana/alloy", "alloy"],
        Some(Dialect::Alloy),
        "/etc/alloy/config.alloy",
        NO_FLAGS,
    ),
    product(
        "Promtail",
        Role::Collector,
        &["promtail"],
        Some(Dialect::Promtail),
        "/etc/promtail/config.yml",
        CONFIG_FILE,
    ),
    product(
        "Grafana Agent",
        Role::Collector,
        &["grafana/agent"],
        Some(Dialect::Promtail),
        "/etc/agent/agent.yaml",
        CONFIG_FILE,
    ),
    product(
        "Filebeat",
        Role::Collector,
        &["filebeat*", "beats/filebeat*"],
        Some(Dialect::Filebeat),
        "/usr/share/filebeat/filebeat.yml",
        C_FLAGS,
    ),
    product(
        "Journalbeat",
        Role::Collector,
        &["journalbeat*"],
        Some(Dialect::Filebeat),
        "/usr/share/journalbeat/journalbeat.yml",
        C_FLAGS,
    ),
    product(
        "Auditbeat",
        Role::Collector,
        &["auditbeat*"],
        Some(Dialect::Filebeat),
        "/usr/share/auditbeat/auditbeat.yml",
        C_FLAGS,
    ),
    product(
        "Elastic Agent",
        Role::Collector,
        &["elastic-agent*"],
        Some(Dialect::ElasticAgent),
        "/usr/share/elastic-agent/elastic-agent.yml",
        C_FLAGS,
    ),
    product(
        "Logstash",
        Role::Hop,
        &["logstash*"],
        Some(Dialect::Logstash),
        "/usr/share/logstash/pipeline/",
        &["-f", "--path.config"],
    ),
    product(
        "Datadog agent",
        Role::Collector,
        &["datadog/agent", "datadoghq/agent"],
        Some(Dialect::Datadog),
        "",
        NO_FLAGS,
    ),
    product("vlagent", Role::Collector, &["vlagent"], Some(Dialect::Vlagent), "", NO_FLAGS),
    product(
        "syslog-ng",
        Role::Collector,
        &["syslog-ng*", "axosyslog*"],
        Some(Dialect::SyslogNg),
        "/etc/syslog-ng/syslog-ng.conf",
        &["-f", "--cfgfile"],
    ),
    product("rsyslog", Role::Collector, &["rsyslog*"], Some(Dialect::Rsyslog), "/etc/rsyslog.conf", &["-f"]),
    known("NXLog", Role::Collector, &["nxlog*"]),
    known("LogDNA agent", Role::Collector, &["logdna-agent", "mezmo*"]),
    known("Cribl Edge", Role::Collector, &["cribl/cribl", "cribl"]),
    known("Coralogix agent", Role::Collector, &["coralogix-*"]),
    known("Dynatrace log module", Role::Collector, &["dynatrace-logmodule", "dynatrace-logmonitoring"]),
    known("CloudWatch agent", Role::Hop, &["cloudwatch-agent"]),
    product(
        "kubernetes-event-exporter",
        Role::EventExporter,
        &["kubernetes-event-exporter"],
        None,
        "/data/config.yaml",
        &["-conf", "--conf"],
    ),
    known("eventrouter", Role::EventExporter, &["eventrouter"]),
    known("kube-logging event tailer", Role::EventExporter, &["event-tailer"]),
    known("New Relic kube events", Role::EventExporter, &["nri-kube-events", "kube-events"]),
    known("event-exporter", Role::EventExporter, &["event-exporter"]),
    product(
        "Falco",
        Role::Sensor,
        &["falco", "falco-no-driver", "falco-driver-loader"],
        None,
        "/etc/falco/falco.yaml",
        C_FLAGS,
    ),
    known("Tetragon", Role::Sensor, &["cilium/tetragon", "tetragon", "tetragon-ci"]),
    known("Tracee", Role::Sensor, &["aquasec/tracee", "tracee"]),
    known("Kubescape node agent", Role::Sensor, &["kubescape/node-agent"]),
    known("NeuVector", Role::Sensor, &["neuvector/enforcer"]),
    known("Sysdig agent", Role::Sensor, &["sysdig/agent", "sysdig/agent-slim", "agent-kmodule"]),
    known(
        "StackRox collector",
        Role::Sensor,
        &["stackrox/collector", "collector-rhel8", "collector-slim", "rhacs-collector*"],
    ),
    known(
        "Microsoft Defender sensor",
        Role::Sensor,
        &["azuredefender/stable/low-level-collector", "low-level-collector"],
    ),
    known("GuardDuty agent", Role::Sensor, &["aws-guardduty-agent", "eksbuild/guardduty-agent"]),
    known("CrowdStrike Falcon sensor", Role::Sensor, &["falcon-sensor", "falcon-node-sensor"]),
    known("Aqua enforcer", Role::Sensor, &["aquasec/enforcer", "kube-enforcer"]),
    known("KubeArmor", Role::Sensor, &["kubearmor/kubearmor", "kubearmor"]),
    known("Prisma Cloud defender", Role::Sensor, &["twistlock/defender", "defender_*"]),
    known("Wiz sensor", Role::Sensor, &["wiz-sensor", "wizio/sensor"]),
    known("Lacework agent", Role::Sensor, &["lacework/datacollector"]),
    known("SentinelOne agent", Role::Sensor, &["s1agent", "cws-agent"]),
    known("Falcosidekick", Role::SensorRouter, &["falcosidekick"]),
    product(
        "Loki",
        Role::Store,
        &["grafana/loki", "loki", "enterprise-logs"],
        None,
        "/etc/loki/local-config.yaml",
        CONFIG_FILE,
    ),
    known(
        "Elasticsearch",
        Role::Store,
        &[
            "elasticsearch",
            "elasticsearch-oss",
            "elasticsearch-wolfi",
            "elasticsearch-ubi*",
            "logging-elasticsearch*",
        ],
    ),
    known("OpenSearch", Role::Store, &["opensearch", "opensearchproject/opensearch"]),
    known("VictoriaLogs", Role::Store, &["victoria-logs", "vlstorage", "vlsingle"]),
    known("Splunk", Role::Store, &["splunk/splunk", "splunk"]),
    known("Graylog", Role::Store, &["graylog", "graylog-enterprise"]),
    known("ClickHouse", Role::Store, &["clickhouse-server", "clickhouse"]),
    known("Quickwit", Role::Store, &["quickwit"]),
    product(
        "Prometheus",
        Role::Alerting,
        &["prometheus", "mirrored-prometheus-prometheus"],
        None,
        "/etc/prometheus/prometheus.yml",
        CONFIG_FILE,
    ),
    product(
        "Alertmanager",
        Role::Alerting,
        &["alertmanager", "mirrored-prometheus-alertmanager"],
        None,
        "/etc/alertmanager/alertmanager.yml",
        CONFIG_FILE,
    ),
    known("vmalert", Role::Alerting, &["vmalert"]),
    known("Thanos", Role::Alerting, &["thanos"]),
    known("Mimir", Role::Alerting, &["grafana/mimir"]),
    known("Grafana", Role::Alerting, &["grafana/grafana", "grafana/grafana-enterprise", "grafana-oss"]),
    known("ElastAlert", Role::Alerting, &["elastalert", "elastalert2"]),
    known("Kibana", Role::Alerting, &["kibana", "kibana/kibana"]),
    known(
        "ingress-nginx",
        Role::Ingress,
        &["ingress-nginx/controller", "nginx-ingress-controller", "nginx-ingress-controller-*"],
    ),
    known("NGINX Ingress Controller", Role::Ingress, &["nginx/nginx-ingress", "nginx-ic/nginx-plus-ingress"]),
    product(
        "Traefik",
        Role::Ingress,
        &["traefik", "mirrored-library-traefik"],
        None,
        "",
        &["--configFile", "--configfile"],
    ),
    known("HAProxy Ingress", Role::Ingress, &["haproxytech/kubernetes-ingress", "haproxy-ingress"]),
    known("Kong", Role::Ingress, &["kong", "kong-gateway"]),
    known("Parseable", Role::Store, &["parseable"]),
    known("OpenObserve", Role::Store, &["openobserve"]),
];

/// The product that an image is of.
pub fn product_of(image: &str) -> Option<&'static Product> {
    let path = image_path(image);
    PRODUCTS.iter().find(|product| product.images.iter().any(|pattern| is_image(pattern, &path)))
}

/// The product of a name.
pub fn named(name: &str) -> Option<&'static Product> {
    PRODUCTS.iter().find(|product| product.name == name)
}

/// An image reference without tag and digest, in lower case.
fn image_path(image: &str) -> String {
    let image = image.split('@').next().unwrap_or(image);
    let (folder, last) = image.rsplit_once('/').map_or(("", image), |(folder, last)| (folder, last));
    let last = last.split(':').next().unwrap_or(last);
    let path = if folder.is_empty() { last.to_owned() } else { format!("{folder}/{last}") };
    path.to_ascii_lowercase()
}

fn is_image(pattern: &str, path: &str) -> bool {
    let depth = pattern.matches('/').count() + 1;
    let segments: Vec<&str> = path.rsplitn(depth + 1, '/').take(depth).collect();
    let end: Vec<&str> = segments.into_iter().rev().collect();
    let end = end.join("/");
    match pattern.strip_suffix('*') {
        Some(beginning) => end.starts_with(beginning),
        None => end == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_known_behind_any_mirror() {
        for (image, expected) in [
            ("fluent/fluent-bit:3.1", Some("Fluent Bit")),
            ("mirror.example:5000/cr/fluent/fluent-bit@sha256:00", Some("Fluent Bit")),
            ("fluent/fluentd-kubernetes-daemonset:v1-debian-elasticsearch", Some("Fluentd")),
            ("timberio/vector:0.40.0-distroless-libc", Some("Vector")),
            ("otel/opentelemetry-collector-contrib:0.110.0", Some("OpenTelemetry Collector")),
            ("grafana/agent:v0.40", Some("Grafana Agent")),
            ("datadog/agent:7", Some("Datadog agent")),
            ("jenkins/agent:7", None),
            ("grafana/loki:3.0.0", Some("Loki")),
            ("postgres-vector:1", None),
            ("falcosecurity/falco:0.38.0", Some("Falco")),
            ("kiwigrid/fluentd-elasticsearch:v1", Some("Fluentd")),
            ("", None),
        ] {
            assert_eq!(product_of(image).map(|product| product.name), expected, "{image}");
        }
    }

    #[test]
    fn names_are_told_apart() {
        for (index, product) in PRODUCTS.iter().enumerate() {
            assert_eq!(
                PRODUCTS.iter().position(|other| other.name == product.name),
                Some(index),
                "{}",
                product.name
            );
        }
    }
}
