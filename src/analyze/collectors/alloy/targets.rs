//! What is discovered, after relabelling.

use std::collections::BTreeMap;

use super::eval::Value;
use super::syntax::{Access, Attribute, Body, Expr};
use super::world::{Component, World};
use crate::analyze::collectors::loki::relabel::{Family, Open, Rule, Value as Label};
use crate::analyze::collectors::loki::{Setting, brief};
use crate::analyze::collectors::model::{Effect, NamespaceMatch, NamespaceRule, Pattern};

/// How many families of targets one input may have.
const MAX_FAMILIES: usize = 1000;

/// How many components may pass targets on to each other.
const MAX_DEPTH: usize = 30;

/// Targets, and whether wildcards in their paths have been expanded (`local.file_match`).
#[derive(Debug, Clone)]
pub(super) struct Targets {
    pub(super) family: Family,
    pub(super) expanded: bool,
}

/// The targets a component is given.
pub(super) fn targets(world: &World<'_>, component: &Component<'_>, attribute: &str) -> Vec<Targets> {
    let mut found = Vec::new();
    if let Some(Attribute { value, line, .. }) = component.block.body.get(attribute) {
        let at = component.place(*line);
        collect(world, &world.value(value, component.scope), &at, 0, &mut found);
    }
    found
}

fn collect(world: &World<'_>, value: &Value, at: &str, depth: usize, found: &mut Vec<Targets>) {
    let unclear = |why: &str| {
        let mut family = Family { open: Open::Hidden, ..Family::default() };
        family.set("__path__", at, Label::Unclear(why.to_owned()));
        Targets { family, expanded: true }
    };
    if depth > MAX_DEPTH || found.len() >= MAX_FAMILIES {
        return found.push(unclear("there are more targets than are followed"));
    }
    match value {
        Value::List(items) => {
            for item in items.iter().take(MAX_FAMILIES) {
                collect(world, item, at, depth + 1, found);
            }
        }
        Value::Object(fields) => {
            let mut family = Family::default();
            for (label, value) in fields {
                family.set(label, at, value.text().map_or_else(Label::Unclear, Label::Text));
            }
            found.push(Targets { family, expanded: false });
        }
        Value::Null => {}
        Value::Part(index, _) => match world.components.get(*index) {
            Some(component) => found.extend(exported(world, component, depth)),
            None => found.push(unclear("the targets come from a component that is not seen")),
        },
        Value::Unknown(why) => found.push(unclear(why)),
        _ => found.push(unclear("the targets are no list")),
    }
}

/// The targets a component exports.
fn exported(world: &World<'_>, component: &Component<'_>, depth: usize) -> Vec<Targets> {
    let given = |name: &str| {
        let mut found = Vec::new();
        if let Some((value, at)) = world.get(component, &component.block.body, name) {
            collect(world, &value, &at, depth + 1, &mut found);
        }
        found
    };
    match component.kind {
        "discovery.relabel" => {
            let rules = rules(world, component);
            let mut found = given("targets");
            for targets in &mut found {
                targets.family.relabel(&rules);
            }
            found
        }
        "local.file_match" => {
            let mut found = given("path_targets");
            let age = world.get(component, &component.block.body, "ignore_older_than");
            for targets in &mut found {
                targets.expanded = true;
                if let Some((age, at)) = &age
                    && age.text().is_ok_and(|age| !matches!(age.as_str(), "0s" | "0" | ""))
                {
                    targets.family.step(at, "ignore_older_than leaves old files out".into(), Effect::Skips);
                }
            }
            found
        }
        "discovery.kubernetes" => vec![Targets { family: kubernetes(world, component), expanded: false }],
        "discovery.kubelet" => {
            let mut family = Family { open: Open::Hidden, ..Family::default() };
            names(world, component, &component.block.body, "namespaces", &mut family);
            vec![Targets { family, expanded: false }]
        }
        kind if kind.starts_with("discovery.") => {
            vec![Targets { family: Family { open: Open::Hidden, ..Family::default() }, expanded: false }]
        }
        kind => {
            let mut family = Family { open: Open::Hidden, ..Family::default() };
            let at = component.start();
            let why = format!("the targets come from {}, which is not seen", brief(kind));
            family.set("__path__", &at, Label::Unclear(why));
            vec![Targets { family, expanded: true }]
        }
    }
}

fn kubernetes(world: &World<'_>, component: &Component<'_>) -> Family {
    let mut family = Family { open: Open::Hidden, ..Family::default() };
    for block in component.block.body.blocks("namespaces") {
        names(world, component, &block.body, "names", &mut family);
        if let Some((Value::Bool(true), at)) = world.get(component, &block.body, "own_namespace") {
            let pattern = Pattern::Unclear("own_namespace: that of the collector".into());
            limit(&mut family, &at, vec![NamespaceMatch { at: at.clone(), pattern }]);
        }
    }
    for block in component.block.body.blocks("selectors") {
        for kind in ["label", "field"] {
            // Its own node's name is computed, mostly from a variable: each collector reads its share.
            if kind == "field" && block.body.get(kind).is_some_and(|field| is_own_node(&field.value)) {
                continue;
            }
            let Some((value, at)) = world.get(component, &block.body, kind) else { continue };
            match value.text() {
                Ok(text) if text.is_empty() => {}
                Ok(text) => family.only.push((at, format!("pods with the {kind} {}", brief(&text)))),
                Err(why) => family.step(&at, format!("selector by {kind}: {why}"), Effect::Unclear),
            }
        }
    }
    family
}

fn is_own_node(field: &Expr) -> bool {
    match field {
        Expr::Binary("+", sides) => matches!(&sides.0, Expr::Text(text) if text == "spec.nodeName="),
        Expr::Access(_, accesses) => accesses.iter().any(|access| {
            matches!(access, Access::Call(arguments)
                if matches!(arguments.first(), Some(Expr::Text(text)) if text.starts_with("spec.nodeName=")))
        }),
        _ => false,
    }
}

fn names(world: &World<'_>, component: &Component<'_>, body: &Body, attribute: &str, family: &mut Family) {
    let Some((value, at)) = world.get(component, body, attribute) else { return };
    let pattern = |pattern| NamespaceMatch { at: at.clone(), pattern };
    let list = match value.texts() {
        Ok(names) if names.is_empty() => return,
        Ok(names) => names.into_iter().map(|name| pattern(Pattern::Name(name))).collect(),
        Err(why) => vec![pattern(Pattern::Unclear(why))],
    };
    limit(family, &at, list);
}

fn limit(family: &mut Family, at: &str, list: Vec<NamespaceMatch>) {
    let rule = NamespaceRule { only: Some(list), except: Vec::new() };
    family.step(at, "discovery in some namespaces only".into(), Effect::Namespaces(rule));
}

/// The rules of a component, in their order.
pub(super) fn rules(world: &World<'_>, component: &Component<'_>) -> Vec<Rule> {
    component
        .block
        .body
        .blocks("rule")
        .map(|block| {
            let get = |name: &str| world.get(component, &block.body, name).map(|(value, _)| value);
            let text = |name: &str, default: &str| -> Setting {
                get(name).map_or_else(|| Ok(default.to_owned()), |value| value.text())
            };
            Rule {
                at: component.place(block.line),
                action: text("action", "replace"),
                sources: get("source_labels").map_or_else(|| Ok(Vec::new()), |value| value.texts()),
                separator: text("separator", ";"),
                regex: text("regex", "(.*)"),
                replacement: text("replacement", "$1"),
                target: text("target_label", ""),
            }
        })
        .collect()
}

/// The scalar attributes of a body.
pub(super) fn options(
    world: &World<'_>,
    component: &Component<'_>,
    body: &Body,
) -> BTreeMap<String, Setting> {
    body.attributes
        .iter()
        .map(|attribute| (attribute.name.clone(), world.value(&attribute.value, component.scope)))
        .filter(|(_, value)| !matches!(value, Value::List(_) | Value::Object(_)))
        .map(|(name, value)| (name, value.text()))
        .collect()
}
