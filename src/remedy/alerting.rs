//! Rules on audit data and on the pipeline, and a receiver for alerts.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::change::Change;
use super::collector::patch::config_patch;
use super::quote::word;
use super::situation::{Destination, Situation};
use super::{File, Remedy, set};
use crate::document::yaml::parse;
use crate::snapshot::redact::has_blanks;
use crate::snapshot::{ConfigText, Resource};

const RULES: &str = include_str!("templates/alert-rules.yaml");
const RULE_FILE: &str = "prometheus-rule.yaml";

/// A host under a domain that is reserved: nothing is ever sent there.
const PLACEHOLDER: &str = "https://set-your-alert-receiver.invalid/";

/// Rules and receivers.
pub fn remedies(situation: &Situation<'_>) -> Vec<Remedy> {
    let mut remedies = Vec::new();
    if situation.fails_any(&["LA-ALT-010", "LA-ALT-011"]) {
        remedies.extend(of_operator(situation).or_else(|| of_file(situation)));
    }
    if situation.fails("LA-ALT-013") {
        remedies.extend(receiver(situation));
    }
    remedies
}

fn groups() -> Value {
    parse(RULES)
        .trees
        .into_iter()
        .next()
        .map_or(Value::Null, |tree| tree.document(RULE_FILE).value.get("groups").cloned().unwrap_or_default())
}

fn rules(files: Vec<File>, changes: Vec<Change>, apply: Vec<String>) -> Remedy {
    Remedy {
        title: "Alert rules on audit data and the pipeline".into(),
        files,
        changes,
        does: "Rules on bursts of refused requests (401, 403), on audit events that are lost, and on collectors that give up sending. They need the metrics of the apiserver and of the collectors; the limits are a beginning: watch them for a week.".into(),
        costs: vec!["A few rules more in Prometheus, and alerts that somebody has to read.".into()],
        apply,
        ..Remedy::default()
    }
}

/// A resource for a Prometheus of the operator, with the labels that its selector asks for.
fn of_operator(situation: &Situation<'_>) -> Option<Remedy> {
    let is_prometheus = |one: &&Resource| one.kind == "Prometheus" && one.group == "monitoring.coreos.com";
    let prometheus = situation.snapshot.resources.iter().find(is_prometheus)?;
    let labels = prometheus.spec.pointer("/ruleSelector/matchLabels").cloned().unwrap_or_else(|| json!({}));
    let mut metadata = json!({"name": "logging-and-audit", "labels": labels});
    if !prometheus.namespace.is_empty() {
        set(&mut metadata, "namespace", prometheus.namespace.clone());
    }
    let rule = json!({
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": metadata,
        "spec": {"groups": groups()},
    });
    let text = serde_yaml::to_string(&rule).ok()?;
    let change = Change::Objects { file: RULE_FILE.into(), text: text.clone() };
    let apply = vec![format!("`kubectl apply -f {RULE_FILE}`")];
    Some(rules(vec![File { name: RULE_FILE.into(), text }], vec![change], apply))
}

/// More groups in a file of rules that a Prometheus reads from a ConfigMap.
fn of_file(situation: &Situation<'_>) -> Option<Remedy> {
    let (text, mut value) = situation.snapshot.configs.iter().find_map(|text| {
        let value = value_of(text)?;
        value.get("groups").is_some_and(Value::is_array).then_some((text, value))
    })?;
    if let (Some(own), Value::Array(more)) = (value.get_mut("groups").and_then(Value::as_array_mut), groups())
    {
        add_groups(own, more);
    }
    let edited = serde_yaml::to_string(&value).ok()?;
    let file = config_patch(&text.config_map, &edited);
    let apply = vec![format!(
        "`kubectl -n {} patch configmap {} --patch-file {}`. Where Helm made it, put the rules into the values instead (`serverFiles`).",
        word(&text.config_map.namespace),
        word(&text.config_map.name),
        file.name
    )];
    let change = Change::Config { key: text.config_map.clone(), text: edited };
    Some(rules(vec![file], vec![change], apply))
}

/// Adds groups to those of a file. Prometheus refuses a file in which two are called the same; an alert that is there already
/// is not to fire twice.
fn add_groups(own: &mut Vec<Value>, more: Vec<Value>) {
    let field = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let rules = |group: &Value| group.get("rules").and_then(Value::as_array).cloned().unwrap_or_default();
    let alerts: BTreeSet<String> =
        own.iter().flat_map(rules).filter_map(|rule| field(&rule, "alert")).collect();
    let mut names: BTreeSet<String> = own.iter().filter_map(|group| field(group, "name")).collect();
    for mut group in more {
        let mut left = rules(&group);
        left.retain(|rule| field(rule, "alert").is_none_or(|alert| !alerts.contains(&alert)));
        let Some(usual) = field(&group, "name").filter(|_| !left.is_empty()) else { continue };
        let others = (2..).map(|number| format!("{usual}-{number}"));
        let Some(name) = std::iter::once(usual.clone()).chain(others).find(|name| !names.contains(name))
        else {
            continue;
        };
        set(&mut group, "name", name.clone());
        set(&mut group, "rules", left);
        names.insert(name);
        own.push(group);
    }
}

/// A text of a ConfigMap that can be written anew.
fn value_of(text: &ConfigText) -> Option<Value> {
    if text.given || has_blanks(&text.text) || text.config_map.namespace.is_empty() {
        return None;
    }
    let mut trees = parse(&text.text).trees;
    let tree = trees.pop().filter(|tree| trees.is_empty() && tree.is_mapping())?;
    Some(tree.document(&text.config_map.key).value)
}

/// A receiver with somewhere to send to in the place of one without.
fn receiver(situation: &Situation<'_>) -> Option<Remedy> {
    let (text, mut value) = situation.snapshot.configs.iter().find_map(|text| {
        let value = value_of(text)?;
        (value.pointer("/route/receiver").is_some() && value.get("receivers").is_some_and(Value::is_array))
            .then_some((text, value))
    })?;
    if let Some(receivers) = value.get_mut("receivers").and_then(Value::as_array_mut) {
        receivers.push(json!({
            "name": "set-your-alert-receiver",
            "webhook_configs": [{"url": PLACEHOLDER, "send_resolved": true}],
        }));
    }
    *value.pointer_mut("/route/receiver")? = "set-your-alert-receiver".into();
    let edited = serde_yaml::to_string(&value).ok()?;
    let file = config_patch(&text.config_map, &edited);
    Some(Remedy {
        title: "A receiver for alerts".into(),
        does: "The first route of the Alertmanager leads to a receiver that tells somebody.".into(),
        costs: vec!["Alerts reach people: begin with those that ask for action.".into()],
        apply: vec![format!(
            "`kubectl -n {} patch configmap {} --patch-file {}`, then have the Alertmanager read it anew. Credentials of a receiver belong into a Secret, named by `url_file` and the like.",
            word(&text.config_map.namespace),
            word(&text.config_map.name),
            file.name
        )],
        needs: vec![format!(
            "who is told: put a webhook, mail address or service of your own in the place of {PLACEHOLDER} in `{}`",
            file.name
        )],
        files: vec![file],
        changes: vec![Change::Config {
            key: text.config_map.clone(),
            text: Destination::as_if_set(&edited, PLACEHOLDER),
        }],
        ..Remedy::default()
    })
}
