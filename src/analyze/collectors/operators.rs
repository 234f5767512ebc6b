//! Collectors that operators run: what their custom resources say takes the place of configurations that operators keep in
//! Secrets, and is followed to the workload that runs by it.

use super::collector::Collector;
use super::config::{Config, Env, File};
use super::dialect::{Dialect, Unreadable};
use super::model::Pipeline;
use super::products::Role;
use super::{
    alloy, cluster_log_forwarder, datadog, elastic_agent, fluent_bit, fluent_operator, kube_logging,
    logstash, open_telemetry, vlagent,
};
use crate::document::text;
use crate::snapshot::{Resource, Snapshot, Workload, WorkloadKind};

/// What stands for all custom resources where none could be asked for.
pub const ALL_KINDS: &str = "the custom resources of logging operators";

/// The custom resources that make collectors, as gaps name them.
pub const KINDS: [&str; 14] = [
    "clusterlogforwarders",
    "loggings",
    "fluentbitagents",
    "syslogngflows",
    "syslogngclusterflows",
    "fluentbits",
    "fluentds",
    "opentelemetrycollectors",
    "beats",
    "agents",
    "logstashes",
    "datadogagents",
    "alloys",
    "vlagents",
];

/// What a custom resource makes.
struct Made {
    product: &'static str,
    role: Role,
    pipeline: Result<Pipeline, Unreadable>,
    /// How its workload may be called, beside being owned by the resource.
    names: Vec<String>,
    /// Whether it runs on every node.
    on_nodes: bool,
}

/// Adds what custom resources say to the collectors of the workloads.
pub(super) fn add<'a>(snapshot: &'a Snapshot, found: &mut Vec<Collector<'a>>) {
    for resource in &snapshot.resources {
        let Some(made) = made(resource, snapshot) else { continue };
        let runs_it = |collector: &Collector<'_>| {
            collector.workload.is_some_and(|workload| is_of(workload, resource, &made.names))
        };
        let position = found.iter().position(|one| runs_it(one) && one.on_nodes == made.on_nodes);
        match position.and_then(|position| found.get_mut(position)) {
            // What the workload itself reads is nearer to the truth than what it is made from.
            Some(collector) if collector.pipeline.is_err() => {
                collector.pipeline = made.pipeline;
                collector.resource = Some(resource);
            }
            Some(_) => {}
            None => found.push(Collector {
                name: format!("{} {}", resource.kind, resource.full_name()),
                product: made.product.to_owned(),
                role: made.role,
                at: resource.at.clone(),
                workload: None,
                container: None,
                resource: Some(resource),
                on_nodes: made.on_nodes,
                pipeline: made.pipeline,
            }),
        }
        // The hops behind it are part of its pipeline, and their own configuration lies in a Secret.
        if resource.kind == "Logging" {
            found.retain(|one| {
                one.on_nodes
                    || one.pipeline.is_ok()
                    || !one.workload.is_some_and(|workload| is_of(workload, resource, &[]))
            });
        }
    }
    found.extend(fargate(snapshot));
}

fn is_of(workload: &Workload, resource: &Resource, names: &[String]) -> bool {
    let owner = format!("{} {}", resource.kind, resource.name);
    workload.owner.as_deref() == Some(owner.as_str())
        || names.contains(&workload.name)
            && (workload.namespace == resource.namespace
                || resource.namespace.is_empty()
                || workload.namespace.is_empty())
}

fn made(resource: &Resource, snapshot: &Snapshot) -> Option<Made> {
    let all = &snapshot.resources;
    let name = &resource.name;
    let made = |product, pipeline, names: &[&str]| {
        let names = names.iter().map(|pattern| pattern.replace('*', name)).collect();
        Some(Made { product, role: Role::Collector, pipeline, names, on_nodes: true })
    };
    match (resource.group.as_str(), resource.kind.as_str()) {
        (_, "ClusterLogForwarder") => {
            made("Vector (OpenShift Logging)", cluster_log_forwarder::read(resource), &["*", "collector"])
        }
        ("logging.banzaicloud.io", "Logging") => {
            made("Fluent Bit (kube-logging)", kube_logging::read(resource, all), &["*-fluentbit"])
        }
        ("fluentbit.fluent.io", "FluentBit") => {
            made("Fluent Bit (fluent-operator)", fluent_operator::read(resource, all), &["*"])
        }
        ("fluentd.fluent.io", "Fluentd") => {
            let mut made = made("Fluentd (fluent-operator)", fluent_operator::read(resource, all), &["*"])?;
            made.on_nodes = text(&resource.spec, "/mode") == "agent";
            made.role = if made.on_nodes { Role::Collector } else { Role::Hop };
            Some(made)
        }
        ("opentelemetry.io", "OpenTelemetryCollector") => {
            let mut made = made("OpenTelemetry Collector", open_telemetry(resource), &["*-collector"])?;
            made.on_nodes = text(&resource.spec, "/mode") == "daemonset";
            Some(made)
        }
        ("beat.k8s.elastic.co", "Beat") => {
            let mut made = made(
                "Filebeat (ECK)",
                beat(resource),
                &["*-beat-filebeat", "*-beat-auditbeat", "*-beat-journalbeat"],
            )?;
            made.on_nodes = resource.spec.get("deployment").is_none();
            Some(made)
        }
        ("datadoghq.com", "DatadogAgent") => {
            made("Datadog agent", datadog::read_resource(resource), &["*-agent"])
        }
        ("collectors.grafana.com", "Alloy") => {
            let mut made = made("Alloy", alloy::read_resource(resource, &snapshot.configs), &[])?;
            made.names.push(alloy::full_name(resource));
            made.on_nodes = alloy::is_on_nodes(resource);
            Some(made)
        }
        ("agent.k8s.elastic.co", "Agent") => {
            let mut made = made("Elastic Agent (ECK)", elastic_agent::read_resource(resource), &["*-agent"])?;
            made.on_nodes = resource.spec.get("daemonSet").is_some();
            Some(made)
        }
        ("logstash.k8s.elastic.co", "Logstash") => {
            let mut made = made("Logstash (ECK)", logstash::read_resource(resource), &["*-ls"])?;
            (made.on_nodes, made.role) = (false, Role::Hop);
            Some(made)
        }
        ("operator.victoriametrics.com", "VLAgent") => {
            let mut made = made("vlagent", vlagent::read_resource(resource), &["vlagent-*", "*"])?;
            made.on_nodes = vlagent::is_on_nodes(resource);
            Some(made)
        }
        _ => None,
    }
}

fn open_telemetry(resource: &Resource) -> Result<Pipeline, Unreadable> {
    let env = Env { open: Some("the operator and the image may set it".into()), ..Env::default() };
    match resource.spec.get("config") {
        Some(serde_json::Value::String(config)) => {
            Dialect::OpenTelemetry.read(&inline(resource, "spec.config", "/conf/collector.yaml", config))
        }
        Some(config) => open_telemetry::read_value(config, &resource.place(), "spec.config", &env),
        None => Err(Unreadable::new(&*resource.at, "it has no `spec.config`")),
    }
}

/// `spec.config` holds what `filebeat.yml` would.
fn beat(resource: &Resource) -> Result<Pipeline, Unreadable> {
    let Some(config) = resource.spec.get("config") else {
        return Err(Unreadable::new(
            &*resource.at,
            "its configuration comes from a Secret (`configRef`), which is never read",
        ));
    };
    let written = serde_yaml::to_string(config)
        .map_err(|_| Unreadable::new(&*resource.at, "its `spec.config` cannot be written as YAML"))?;
    Dialect::Filebeat.read(&inline(resource, "spec.config", "/usr/share/filebeat/filebeat.yml", &written))
}

/// A configuration that is written into a resource.
fn inline(resource: &Resource, field: &str, path: &str, content: &str) -> Config {
    let mut config = Config::of_text(path, &resource.place().field(field), content);
    config.env.open = Some("the operator and the image may set it".into());
    config
}

/// The log router of EKS Fargate: pods there have no node that a collector could run on.
fn fargate<'a>(snapshot: &Snapshot) -> Option<Collector<'a>> {
    let files: Vec<File> = snapshot
        .configs
        .iter()
        .filter(|text| {
            text.config_map.namespace == "aws-observability" && text.config_map.name == "aws-logging"
        })
        .map(|text| File {
            path: format!("/{}", text.config_map.key),
            at: text.at.clone(),
            text: text.text.clone(),
        })
        .collect();
    let first = files.first()?;
    Some(Collector {
        name: "ConfigMap aws-observability/aws-logging".into(),
        product: "Fluent Bit (EKS Fargate)".into(),
        role: Role::Collector,
        at: first.at.clone(),
        workload: None,
        container: None,
        resource: None,
        on_nodes: false,
        pipeline: fluent_bit::read_fargate(&files),
    })
}

/// Whether a workload runs on nodes.
pub(super) fn is_on_nodes(workload: &Workload) -> bool {
    workload.kind == WorkloadKind::DaemonSet
}
