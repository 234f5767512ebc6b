//! Collectors that operators run: what their custom resources say takes the place of configurations that operators keep in
//! Secrets, and is followed to the workload that runs by it.

use super::collector::Collector;
use super::config::{Env, File};
use super::dialect::Unreadable;
use super::model::Pipeline;
use super::products::{Role, product_of};
use super::{
    alloy, cluster_log_forwarder, datadog, elastic_agent, filebeat, fluent_bit, fluent_operator,
    kube_logging, logstash, open_telemetry, vlagent,
};
use crate::document::text;
use crate::snapshot::{Container, Resource, Snapshot, Workload, WorkloadKind};

/// What stands for all custom resources where none could be asked for.
pub const ALL_KINDS: &str = "the custom resources of logging operators";

/// The custom resources that make collectors, as gaps name them.
pub const KINDS: [&str; 16] = [
    "clusterlogforwarders",
    "loggings",
    "fluentbitagents",
    "hosttailers",
    "eventtailers",
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
    /// Its container, where the workload has several that differ.
    container: Option<String>,
    /// Whether it runs on every node.
    on_nodes: bool,
}

impl Made {
    /// Whether a workload is what is made.
    fn is(&self, workload: &Workload, resource: &Resource) -> bool {
        is_of(workload, resource, &self.names) && is_on_nodes(workload) == self.on_nodes
    }

    /// Whether it is what a container runs.
    fn runs_in(&self, container: &Container) -> bool {
        self.container.as_ref().is_none_or(|name| *name == container.name)
    }
}

/// Adds what custom resources say to the collectors of the workloads.
pub(super) fn add<'a>(snapshot: &'a Snapshot, found: &mut Vec<Collector<'a>>) {
    for resource in &snapshot.resources {
        for made in made(resource, snapshot) {
            let runs_it = |collector: &Collector<'_>| {
                collector.workload.is_some_and(|workload| made.is(workload, resource))
                    && collector.container.is_none_or(|container| made.runs_in(container))
            };
            match found.iter_mut().find(|one| runs_it(one)) {
                // What the workload itself reads is nearer to the truth than what it is made from.
                Some(collector) if collector.pipeline.is_err() => {
                    // The resource also says what an image is that nobody knows.
                    if let (Some(workload), Some(container)) = (collector.workload, collector.container)
                        && product_of(&container.image).is_none()
                    {
                        (collector.product, collector.role) = (made.product.to_owned(), made.role);
                        collector.at = place_of(workload, container);
                    }
                    collector.pipeline = made.pipeline;
                    collector.resource = Some(resource);
                }
                Some(_) => {}
                None => found.push(alone(snapshot, resource, made)),
            }
        }
        // The hops behind it are part of its agents' pipelines, and their own configuration lies in a Secret.
        if resource.kind == "Logging" {
            found.retain(|one| {
                one.on_nodes
                    || one.pipeline.is_ok()
                    || !one.workload.is_some_and(|workload| is_of(workload, resource, &[]))
            });
        }
    }
    take_up(found);
    found.extend(fargate(snapshot));
}

/// What is made where no container is recognised as running it.
fn alone<'a>(snapshot: &'a Snapshot, resource: &'a Resource, made: Made) -> Collector<'a> {
    // An image that nobody knows still runs where its workload does.
    let seen = snapshot.workloads.all().filter(|workload| made.is(workload, resource)).find_map(|workload| {
        let mut containers = workload.containers.iter().filter(|container| made.runs_in(container));
        let container = containers.next().filter(|_| containers.next().is_none())?;
        Some((workload, container))
    });
    let part = made.container.map(|name| format!(" {name}")).unwrap_or_default();
    Collector {
        name: format!("{} {}{part}", resource.kind, resource.full_name()),
        product: made.product.to_owned(),
        role: made.role,
        at: seen.map_or_else(|| resource.at.clone(), |(workload, container)| place_of(workload, container)),
        workload: seen.map(|(workload, _)| workload),
        container: seen.map(|(_, container)| container),
        resource: Some(resource),
        on_nodes: made.on_nodes,
        taken_up_by: None,
        pipeline: made.pipeline,
    }
}

fn place_of(workload: &Workload, container: &Container) -> String {
    workload.field(&format!("spec.template.spec.containers[{}]", container.index))
}

/// What a `HostTailer` prints gets on only from nodes where an agent runs too.
fn take_up(found: &mut [Collector<'_>]) {
    let is_made_from = |collector: &Collector<'_>, is: &dyn Fn(&Resource) -> bool| {
        collector.resource.is_some_and(|resource| resource.group.starts_with("logging") && is(resource))
    };
    let agents = found.iter().filter(|one| is_made_from(one, &kube_logging::is_agent));
    let agents: Vec<&Workload> = agents.filter_map(|agent| agent.workload).collect();
    for tailer in found.iter_mut().filter(|one| is_made_from(one, &|resource| resource.kind == "HostTailer"))
    {
        tailer.taken_up_by = Some(agents.clone());
    }
}

fn is_of(workload: &Workload, resource: &Resource, names: &[String]) -> bool {
    let owner = format!("{} {}", resource.kind, resource.name);
    workload.owner.as_deref() == Some(owner.as_str())
        || names.contains(&workload.name)
            && (workload.namespace == resource.namespace
                || resource.namespace.is_empty()
                || workload.namespace.is_empty())
}

/// What a resource makes: for most one program, for some one in each of several containers.
fn made(resource: &Resource, snapshot: &Snapshot) -> Vec<Made> {
    if (resource.group.as_str(), resource.kind.as_str()) != (kube_logging::EXTENSIONS, "HostTailer") {
        return one(resource, snapshot).into_iter().collect();
    }
    let containers = kube_logging::read_host_tailer(resource, &snapshot.resources).into_iter();
    let of_container = |(container, pipeline)| Made {
        product: "Host tailer (kube-logging)",
        role: Role::Collector,
        pipeline,
        names: vec![format!("{}-host-tailer", resource.name)],
        container: Some(container),
        on_nodes: true,
    };
    containers.map(of_container).collect()
}

fn one(resource: &Resource, snapshot: &Snapshot) -> Option<Made> {
    let all = &snapshot.resources;
    let name = &resource.name;
    let made = |product, pipeline, names: &[&str]| {
        let names = names.iter().map(|pattern| pattern.replace('*', name)).collect();
        Some(Made { product, role: Role::Collector, pipeline, names, container: None, on_nodes: true })
    };
    match (resource.group.as_str(), resource.kind.as_str()) {
        (_, "ClusterLogForwarder") => {
            made("Vector (OpenShift Logging)", cluster_log_forwarder::read(resource), &["*", "collector"])
        }
        (kube_logging::GROUP, _) if kube_logging::is_agent(resource) => {
            made("Fluent Bit (kube-logging)", kube_logging::read(resource, all), &["*-fluentbit"])
        }
        (kube_logging::EXTENSIONS, "EventTailer") => {
            let read = kube_logging::read(resource, all);
            let mut made = made("Event tailer (kube-logging)", read, &["*-event-tailer"])?;
            made.on_nodes = false;
            Some(made)
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
    let env = Env { open: Some("the operator and the image may set it".into()), ..Env::default() };
    filebeat::read_value(config, &resource.place(), "spec.config", env)
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
        taken_up_by: None,
        pipeline: fluent_bit::read_fargate(&files),
    })
}

/// Whether a workload runs on nodes.
pub(super) fn is_on_nodes(workload: &Workload) -> bool {
    workload.kind == WorkloadKind::DaemonSet
}
