//! Custom resources that have to do with logs.

use serde_json::Value;

use crate::document::{Place, text};
use crate::snapshot::Resource;

/// A kind of them.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CustomKind {
    /// The group.
    pub group: &'static str,
    /// `kind`.
    pub kind: &'static str,
    /// The plural, as in URLs.
    pub plural: &'static str,
    /// Whether its `status` is looked at.
    pub status: bool,
}

const fn kind(group: &'static str, kind: &'static str, plural: &'static str) -> CustomKind {
    CustomKind { group, kind, plural, status: false }
}

const fn with_status(group: &'static str, kind: &'static str, plural: &'static str) -> CustomKind {
    CustomKind { group, kind, plural, status: true }
}

const BANZAI: &str = "logging.banzaicloud.io";
const TAILERS: &str = "logging-extensions.banzaicloud.io";
const FLUENT_BIT: &str = "fluentbit.fluent.io";
const FLUENTD: &str = "fluentd.fluent.io";
const VICTORIA: &str = "operator.victoriametrics.com";
const PROMETHEUS: &str = "monitoring.coreos.com";

/// Every kind that is read.
pub const KINDS: &[CustomKind] = &[
    with_status("observability.openshift.io", "ClusterLogForwarder", "clusterlogforwarders"),
    with_status("logging.openshift.io", "ClusterLogForwarder", "clusterlogforwarders"),
    kind("logging.openshift.io", "ClusterLogging", "clusterloggings"),
    with_status(BANZAI, "Logging", "loggings"),
    kind(BANZAI, "FluentbitAgent", "fluentbitagents"),
    kind(BANZAI, "Flow", "flows"),
    kind(BANZAI, "ClusterFlow", "clusterflows"),
    kind(BANZAI, "Output", "outputs"),
    kind(BANZAI, "ClusterOutput", "clusteroutputs"),
    kind(BANZAI, "SyslogNGFlow", "syslogngflows"),
    kind(BANZAI, "SyslogNGClusterFlow", "syslogngclusterflows"),
    kind(BANZAI, "SyslogNGOutput", "syslogngoutputs"),
    kind(BANZAI, "SyslogNGClusterOutput", "syslogngclusteroutputs"),
    kind(TAILERS, "EventTailer", "eventtailers"),
    kind(TAILERS, "HostTailer", "hosttailers"),
    kind(FLUENT_BIT, "FluentBit", "fluentbits"),
    kind(FLUENT_BIT, "ClusterFluentBitConfig", "clusterfluentbitconfigs"),
    kind(FLUENT_BIT, "FluentBitConfig", "fluentbitconfigs"),
    kind(FLUENT_BIT, "ClusterInput", "clusterinputs"),
    kind(FLUENT_BIT, "ClusterFilter", "clusterfilters"),
    kind(FLUENT_BIT, "ClusterOutput", "clusteroutputs"),
    kind(FLUENT_BIT, "Filter", "filters"),
    kind(FLUENT_BIT, "Output", "outputs"),
    kind(FLUENTD, "Fluentd", "fluentds"),
    kind(FLUENTD, "ClusterFluentdConfig", "clusterfluentdconfigs"),
    kind(FLUENTD, "FluentdConfig", "fluentdconfigs"),
    kind(FLUENTD, "ClusterInput", "clusterinputs"),
    kind(FLUENTD, "ClusterFilter", "clusterfilters"),
    kind(FLUENTD, "ClusterOutput", "clusteroutputs"),
    kind(FLUENTD, "Filter", "filters"),
    kind(FLUENTD, "Output", "outputs"),
    kind("opentelemetry.io", "OpenTelemetryCollector", "opentelemetrycollectors"),
    kind("collectors.grafana.com", "Alloy", "alloys"),
    kind("monitoring.grafana.com", "PodLogs", "podlogs"),
    kind("monitoring.grafana.com", "LogsInstance", "logsinstances"),
    kind("beat.k8s.elastic.co", "Beat", "beats"),
    kind("agent.k8s.elastic.co", "Agent", "agents"),
    kind("logstash.k8s.elastic.co", "Logstash", "logstashes"),
    kind("datadoghq.com", "DatadogAgent", "datadogagents"),
    kind("dynatrace.com", "DynaKube", "dynakubes"),
    kind("cloudwatch.aws.amazon.com", "AmazonCloudWatchAgent", "amazoncloudwatchagents"),
    kind("loki.grafana.com", "LokiStack", "lokistacks"),
    kind("loki.grafana.com", "AlertingRule", "alertingrules"),
    kind("elasticsearch.k8s.elastic.co", "Elasticsearch", "elasticsearches"),
    kind("stackconfigpolicy.k8s.elastic.co", "StackConfigPolicy", "stackconfigpolicies"),
    kind("opensearch.opster.io", "OpenSearchCluster", "opensearchclusters"),
    kind("opensearch.opster.io", "OpenSearchISMPolicy", "opensearchismpolicies"),
    kind("opensearch.org", "OpenSearchCluster", "opensearchclusters"),
    kind("opensearch.org", "OpenSearchISMPolicy", "opensearchismpolicies"),
    kind(VICTORIA, "VLogs", "vlogs"),
    kind(VICTORIA, "VLSingle", "vlsingles"),
    kind(VICTORIA, "VLCluster", "vlclusters"),
    kind(VICTORIA, "VLAgent", "vlagents"),
    kind(VICTORIA, "VMRule", "vmrules"),
    kind(VICTORIA, "VMAlertmanagerConfig", "vmalertmanagerconfigs"),
    kind(PROMETHEUS, "PrometheusRule", "prometheusrules"),
    kind(PROMETHEUS, "AlertmanagerConfig", "alertmanagerconfigs"),
    kind(PROMETHEUS, "Alertmanager", "alertmanagers"),
    kind(PROMETHEUS, "Prometheus", "prometheuses"),
    kind("cilium.io", "TracingPolicy", "tracingpolicies"),
    kind("cilium.io", "TracingPolicyNamespaced", "tracingpoliciesnamespaced"),
    kind("instance.falcosecurity.dev", "Falco", "falcos"),
    kind("telemetry.istio.io", "Telemetry", "telemetries"),
    kind("gateway.envoyproxy.io", "EnvoyProxy", "envoyproxies"),
    kind("crd.projectcalico.org", "FelixConfiguration", "felixconfigurations"),
    kind("networking.gke.io", "NetworkLogging", "networkloggings"),
];

/// The kind of an object, if it is one that is read.
pub fn kind_of(group: &str, kind: &str) -> Option<&'static CustomKind> {
    KINDS.iter().find(|one| one.group == group && one.kind == kind)
}

/// A custom resource.
pub fn resource(kind: &CustomKind, object: &Value, place: &Place) -> Resource {
    let labels = object.pointer("/metadata/labels").and_then(Value::as_object);
    let is_kept = |path: &str| path.starts_with("spec") || kind.status && path.starts_with("status");
    Resource {
        group: kind.group.to_owned(),
        kind: kind.kind.to_owned(),
        namespace: text(object, "/metadata/namespace").to_owned(),
        name: text(object, "/metadata/name").to_owned(),
        at: place.at.clone(),
        marks: place
            .marks
            .iter()
            .filter(|(path, _)| is_kept(path))
            .map(|(path, mark)| (path.clone(), mark.clone()))
            .collect(),
        labels: labels
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect(),
        spec: object.get("spec").cloned().unwrap_or_default(),
        status: if kind.status { object.get("status").cloned().unwrap_or_default() } else { Value::Null },
    }
}
