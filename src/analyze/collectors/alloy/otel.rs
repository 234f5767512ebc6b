//! What OpenTelemetry processors do to logs (Alloy docs: otelcol.processor).

use regex::Regex;

use super::eval::Value;
use super::syntax::Body;
use super::world::{Component, World};
use crate::analyze::collectors::loki::brief;
use crate::analyze::collectors::loki::relabel::Family;
use crate::analyze::collectors::model::{Effect, Marker, NamespaceMatch, NamespaceRule, OptOut, Pattern};
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// What happens to logs in a component on the way.
pub(super) fn pass(world: &World<'_>, component: &Component<'_>, lines: &mut Family) {
    let at = component.start();
    let body = &component.block.body;
    match component.kind.trim_start_matches("otelcol.") {
        "processor.filter" => filter(world, component, lines),
        "processor.probabilistic_sampler" => sampler(world, component, &at, lines),
        "processor.memory_limiter" => {
            lines.step(&at, "memory_limiter refuses what there is no room for".into(), Effect::Limits);
        }
        "processor.redaction" => lines.step(&at, "redaction masks attributes".into(), Effect::Redacts),
        "processor.transform" => transform(world, component, lines),
        "processor.attributes" => {
            for action in body.blocks("action") {
                if let Some((Value::Text(kind), at)) = world.get(component, &action.body, "action")
                    && kind == "hash"
                {
                    lines.step(&at, "attributes hash".into(), Effect::Redacts);
                }
            }
            // `include` and `exclude` say which records are changed, not which pass.
        }
        "processor.batch"
        | "processor.k8sattributes"
        | "processor.resourcedetection"
        | "processor.groupbyattrs"
        | "processor.discovery" => {}
        kind => lines.step(&at, format!("the component otelcol.{}", brief(kind)), Effect::Unclear),
    }
}

fn sampler(world: &World<'_>, component: &Component<'_>, at: &str, lines: &mut Family) {
    let percent = world.get(component, &component.block.body, "sampling_percentage");
    match percent.map(|(value, _)| value) {
        Some(Value::Number(percent)) if percent >= 100.0 => {}
        Some(Value::Number(percent)) => {
            lines.step(at, format!("probabilistic_sampler passes {percent} %"), Effect::Samples);
        }
        _ => lines.step(at, "probabilistic_sampler".into(), Effect::Samples),
    }
}

/// Statements that overwrite what records say.
fn transform(world: &World<'_>, component: &Component<'_>, lines: &mut Family) {
    let contexts = component.block.body.blocks("log_statements");
    let bodies = contexts.map(|block| (&block.body, "statements"));
    for (body, name) in bodies.chain([(&component.block.body, "log_statements")]) {
        let Some((value, at)) = world.get(component, body, name) else { continue };
        match value.texts() {
            Ok(statements) => {
                let masks = |statement: &&String| {
                    let statement = statement.trim_start();
                    statement.starts_with("replace_") || statement.starts_with("truncate_all(")
                };
                for statement in statements.iter().filter(masks) {
                    lines.step(&at, format!("transform {}", brief(statement)), Effect::Redacts);
                }
            }
            Err(why) => lines.step(&at, format!("transform: {why}"), Effect::Unclear),
        }
    }
}

/// Each condition drops what it is true for.
fn filter(world: &World<'_>, component: &Component<'_>, lines: &mut Family) {
    let body = &component.block.body;
    let blocks = body.blocks("logs").map(|block| (&block.body, "log_record"));
    let newer = body.blocks("log_conditions").map(|block| (&block.body, "conditions"));
    for (body, name) in blocks.chain(newer).chain([(body, "log_conditions")]) {
        let Some((value, at)) = world.get(component, body, name) else { continue };
        match value.texts() {
            Ok(conditions) => {
                for condition in &conditions {
                    drop_if(world, component, condition, &at, lines);
                }
            }
            Err(why) => lines.step(&at, format!("filter: {why}"), Effect::Unclear),
        }
    }
}

fn drop_if(world: &World<'_>, component: &Component<'_>, condition: &str, at: &str, lines: &mut Family) {
    let what = format!("filter drops {}", brief(condition));
    let Some((key, value)) = equality(condition) else {
        return lines.step(at, what, Effect::DropsSome);
    };
    if key == "k8s.namespace.name" {
        let except = vec![NamespaceMatch { at: at.to_owned(), pattern: Pattern::Name(value) }];
        return lines.step(at, what, Effect::Namespaces(NamespaceRule { only: None, except }));
    }
    match extracted(world, component, &key) {
        Some((marker, key)) => lines.opt_outs.push(OptOut {
            marker,
            key,
            value,
            on_namespaces: false,
            honoured: Fact::at(true, Rank::Configured, at, what),
        }),
        None => lines.step(at, what, Effect::DropsSome),
    }
}

/// `resource.attributes["key"] == "value"`.
fn equality(condition: &str) -> Option<(String, String)> {
    let pattern = Regex::new(r#"^\s*(?:resource\.)?attributes\["([^"]+)"\]\s*==\s*"([^"\\]*)"\s*$"#).ok()?;
    let captures = pattern.captures(condition)?;
    Some((captures.get(1)?.as_str().to_owned(), captures.get(2)?.as_str().to_owned()))
}

/// The label or annotation of pods from which `k8sattributes` takes an attribute.
fn extracted(world: &World<'_>, component: &Component<'_>, attribute: &str) -> Option<(Marker, String)> {
    let neighbours = world
        .components
        .iter()
        .filter(|other| other.scope == component.scope && other.kind == "otelcol.processor.k8sattributes");
    for other in neighbours {
        for extract in other.block.body.blocks("extract") {
            for (name, marker) in [("annotation", Marker::Annotation), ("label", Marker::Label)] {
                for block in extract.body.blocks(name) {
                    let text = |name: &str, body: &Body| {
                        world.get(other, body, name).and_then(|(value, _)| value.text().ok())
                    };
                    let of_pods = text("from", &block.body).is_none_or(|from| from == "pod");
                    if of_pods && text("tag_name", &block.body).as_deref() == Some(attribute) {
                        return Some((marker, text("key", &block.body)?));
                    }
                }
            }
        }
    }
    None
}
