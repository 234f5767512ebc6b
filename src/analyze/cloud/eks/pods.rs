//! What EKS has to do with the logs of pods: the `CloudWatch` add-on, and Fargate, where no `DaemonSet` runs.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::super::told::{Scene, Told};
use super::{further, text, told};
use crate::analyze::fact::Fact;
use crate::snapshot::cloud::eks::CLOUDWATCH_ADDON;
use crate::snapshot::{ConfigText, GapReason, Scope};
use crate::verdict::{Evidence, Rank};

/// The `CloudWatch` add-on, which collects the logs of containers.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Addon {
    /// Whether it is installed.
    pub installed: Fact<bool>,
    /// Whether it is active, without issues, and collects the logs of containers.
    pub works: Fact<bool>,
}

/// Pods on Fargate.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Fargate {
    /// How many of its nodes the cluster has: one for each pod.
    pub nodes: Fact<i64>,
    /// Whether the log router of Fargate is told where to send logs.
    pub routed: Fact<bool>,
}

/// The add-on.
pub(super) fn addon(scene: &Scene<'_>) -> Addon {
    const CALL: &str = "eks/describe-addon";
    let described =
        scene.snapshot.cloud.answer(CALL, CLOUDWATCH_ADDON).map(|_| scene.told(CALL, CLOUDWATCH_ADDON));
    let of_this = |told: &Told<'_>| {
        let cluster = told.text("clusterName");
        cluster.is_none() || cluster == scene.identity.cluster.as_deref()
    };
    let installed = match &described {
        Some(Ok(told)) if of_this(told) => told.fact(true, "addonName", CLOUDWATCH_ADDON),
        _ => listed(scene),
    };
    let works = match described {
        Some(Ok(told)) if of_this(&told) => works(&told),
        Some(Err(reason)) => Fact::unknown(reason),
        _ => Fact::unknown(told(scene, CALL, "").err().unwrap_or_else(|| scene.not_asked(CALL))),
    };
    Addon { installed, works }
}

fn listed(scene: &Scene<'_>) -> Fact<bool> {
    const CALL: &str = "eks/list-addons";
    let cluster = scene.identity.cluster.as_deref().unwrap_or_default();
    let of = if scene.snapshot.cloud.answer(CALL, cluster).is_some() { cluster } else { "" };
    match told(scene, CALL, of) {
        Err(reason) => Fact::unknown(reason),
        Ok(told) => match told.items("addons") {
            None => Fact::unknown(format!("{} holds no list of add-ons", told.evidence("", "").at)),
            Some(addons) => {
                let is_in = addons.iter().any(|name| name.as_str() == Some(CLOUDWATCH_ADDON));
                let detail = if is_in { "is among them" } else { "is not among them" };
                let found = told.fact(is_in, "addons", format!("{CLOUDWATCH_ADDON} {detail}"));
                further(told).into_iter().fold(found, Fact::or)
            }
        },
    }
}

fn works(told: &Told<'_>) -> Fact<bool> {
    let status = match told.text("status") {
        Some("ACTIVE") => told.fact(true, "status", "ACTIVE"),
        Some(status @ ("CREATE_FAILED" | "UPDATE_FAILED" | "DELETE_FAILED" | "DEGRADED" | "DELETING")) => {
            told.fact(false, "status", status)
        }
        status => Fact::unknown(format!(
            "{} is {}; ask again when it is done",
            told.evidence("status", "").at,
            status.unwrap_or("not told")
        )),
    };
    let codes: Vec<&str> = told
        .items("health.issues")
        .unwrap_or_default()
        .iter()
        .map(|issue| text(issue, "code").unwrap_or("an issue without a code"))
        .collect();
    let health = told.fact(
        codes.is_empty(),
        "health.issues",
        if codes.is_empty() { "none".to_owned() } else { codes.join(", ") },
    );
    let collects = match told.get("containerLogs") {
        None => told.fact(true, "configurationValues", "the logs of containers are not switched off"),
        Some(Value::Bool(is_on)) => {
            told.fact(*is_on, "configurationValues", format!("containerLogs.enabled: {is_on}"))
        }
        Some(other) => Fact::unknown(format!(
            "{} cannot be read, or says neither true nor false of containerLogs.enabled: {other}",
            told.evidence("configurationValues", "").at
        )),
    };
    status.and(health).and(collects)
}

/// Fargate.
pub(super) fn fargate(scene: &Scene<'_>) -> Fargate {
    Fargate { nodes: nodes(scene), routed: routed(scene) }
}

fn nodes(scene: &Scene<'_>) -> Fact<i64> {
    const LABEL: &str = "eks.amazonaws.com/compute-type";
    let nodes = match scene.snapshot.nodes.as_result() {
        Ok(nodes) => nodes,
        Err(gap) if gap.reason == GapReason::NotAsked => {
            return Fact::unknown("only the cluster itself shows its nodes; run against it");
        }
        Err(gap) => return Fact::unknown(gap.to_string()),
    };
    let on_fargate: Vec<_> =
        nodes.iter().filter(|node| node.labels.get(LABEL).is_some_and(|kind| kind == "fargate")).collect();
    let evidence = match on_fargate.first() {
        Some(node) => Evidence {
            at: format!("Node {} metadata.labels[{LABEL}]", node.name),
            detail: format!("{} of {} nodes are of Fargate", on_fargate.len(), nodes.len()),
        },
        None => Evidence { at: "the nodes".into(), detail: "none is of Fargate".into() },
    };
    Fact::known(i64::try_from(on_fargate.len()).unwrap_or(i64::MAX), Rank::Configured, vec![evidence])
}

/// The outputs that the log router of Fargate takes.
const OUTPUTS: [&str; 6] = ["cloudwatch", "cloudwatch_logs", "es", "firehose", "kinesis", "kinesis_firehose"];

/// The most characters of configuration that it takes.
const MOST: usize = 5300;

const NAMESPACE: &str = "aws-observability";
const NAME: &str = "aws-logging";

/// The log router of Fargate reads one `ConfigMap` in a namespace with a label, and without an output in it sends nothing
/// anywhere.
fn routed(scene: &Scene<'_>) -> Fact<bool> {
    let snapshot = scene.snapshot;
    let is_it = |namespace: &str, name: &str| namespace == NAMESPACE && name == NAME;
    if let Some(unread) = snapshot.configs_unread.iter().find(|one| is_it(&one.namespace, &one.name)) {
        return Fact::unknown(unread.gap.to_string());
    }
    let texts: Vec<&ConfigText> = snapshot
        .configs
        .iter()
        .filter(|text| is_it(&text.config_map.namespace, &text.config_map.name))
        .collect();
    if !texts.is_empty() {
        return labelled(scene).and(has_output(&texts));
    }
    match (snapshot.scope, snapshot.namespaces.as_result()) {
        (Scope::Cluster, Ok(_)) => {
            Fact::at(false, Rank::Configured, format!("ConfigMap {NAMESPACE}/{NAME}"), "there is none")
        }
        (Scope::Cluster, Err(gap)) => Fact::unknown(gap.to_string()),
        (Scope::Manifests, _) => {
            Fact::unknown(format!("no file holds the ConfigMap {NAMESPACE}/{NAME}; run against the cluster"))
        }
    }
}

/// Whether the namespace has the label without which the log router does not look at it.
fn labelled(scene: &Scene<'_>) -> Fact<bool> {
    let namespaces = match scene.snapshot.namespaces.as_result() {
        Ok(namespaces) => namespaces,
        Err(gap) => return Fact::unknown(gap.to_string()),
    };
    let Some(namespace) = namespaces.iter().find(|one| one.name == NAMESPACE) else {
        return Fact::unknown(format!(
            "the namespace {NAMESPACE} is not in the input; run against the cluster"
        ));
    };
    let label = namespace.labels.get(NAMESPACE).map_or("not set", String::as_str);
    let at = format!("Namespace {NAMESPACE} metadata.labels[{NAMESPACE}]");
    Fact::at(label == "enabled", Rank::Configured, at, label)
}

/// Whether the configuration has an output, and one that is taken.
fn has_output(texts: &[&ConfigText]) -> Fact<bool> {
    let first = texts.first().map_or_else(String::new, |text| text.at.clone());
    let length: usize = texts.iter().map(|text| text.text.chars().count()).sum();
    if length > MOST {
        let detail = format!("{length} characters, of which the log router takes {MOST}");
        return Fact::at(false, Rank::Configured, first, detail);
    }
    let mut other = None;
    for text in texts {
        let mut in_output = false;
        for (number, line) in text.text.lines().enumerate() {
            let line = line.trim();
            if line.starts_with('[') {
                in_output = line.eq_ignore_ascii_case("[output]");
                continue;
            }
            let mut words = line.split_whitespace();
            let is_name = words.next().is_some_and(|key| key.eq_ignore_ascii_case("name"));
            let Some(name) = words.next().filter(|_| in_output && is_name) else { continue };
            let at = format!("{}:{}", text.at, number + 1);
            if OUTPUTS.iter().any(|known| name.eq_ignore_ascii_case(known)) {
                return Fact::at(true, Rank::Configured, at, format!("output {name}"));
            }
            other.get_or_insert((at, format!("output {name}, which Fargate does not take")));
        }
    }
    let (at, detail) = other.unwrap_or_else(|| (first, "no output".to_owned()));
    Fact::at(false, Rank::Configured, at, detail)
}
