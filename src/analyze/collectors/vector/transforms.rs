//! Transforms: their outputs and what happens to records (Vector docs: reference/configuration/transforms).

use super::field::Field;
use super::graph::{Component, Port};
use super::program;
use crate::analyze::collectors::config::{Config, Lookup, resolve};
use crate::analyze::collectors::model::{Effect, Step, Unread};
use crate::analyze::fact::Fact;

/// The output of what no route took.
const UNMATCHED: &str = "_unmatched";

/// The outputs of a transform.
pub(super) fn ports(transform: &Component<'_>, config: &Config, unread: &mut Vec<Unread>) -> Vec<Port> {
    let field = &transform.field;
    let step = |what: &str, effect| vec![Step { at: field.at(), what: what.to_owned(), effect }];
    match transform.kind {
        "filter" => vec![Port::main(vec![filter(field)])],
        "sample" | "sampler" => {
            vec![Port::main(step("sample: only a part of the records passes", Effect::Samples))]
        }
        "throttle" => vec![Port::main(vec![throttle(field)])],
        "route" | "swimlanes" => routes(field),
        "exclusive_route" => exclusive_routes(field),
        "remap" => remap(field, config, unread),
        "dedupe" => {
            let what = "dedupe: records like recent ones are dropped";
            vec![Port::main(step(what, Effect::DropsSome))]
        }
        "reduce" => {
            let what = "reduce: records are joined, and fields of later ones may be lost";
            vec![Port::main(step(what, Effect::Unclear))]
        }
        "window" => {
            let what = "window: records outside of a window are dropped";
            vec![Port::main(step(what, Effect::DropsSome))]
        }
        "aws_ec2_metadata" | "delay" => vec![Port::main(Vec::new())],
        "log_to_metric"
        | "aggregate"
        | "incremental_to_absolute"
        | "tag_cardinality_limit"
        | "trace_to_log"
        | "metric_to_log" => vec![Port { logs: false, ..Port::main(Vec::new()) }],
        kind => {
            let what = format!(
                "{}: what it drops cannot be told",
                if kind.is_empty() { "a transform" } else { kind }
            );
            vec![Port::main(step(&what, Effect::Unclear))]
        }
    }
}

fn filter(field: &Field<'_>) -> Step {
    let condition = field.get("condition");
    let at = condition.as_ref().map_or_else(|| field.at(), Field::at);
    let effect = condition.as_ref().and_then(effect_of).unwrap_or(Effect::DropsSome);
    Step { at, what: "filter: only records that meet its condition pass".to_owned(), effect }
}

/// A condition is VRL, bare or under `source`; other types of conditions are not read.
fn effect_of(condition: &Field<'_>) -> Option<Effect> {
    let source = condition.get("source");
    let is_vrl = condition.get("type").is_none_or(|kind| kind.text() == "vrl");
    let text = source.as_ref().unwrap_or(condition).scalar().ok().filter(|_| is_vrl)?;
    match text.trim() {
        "false" => Some(Effect::DropsAll),
        text => program::namespaces(text, &condition.at()).map(Effect::Namespaces),
    }
}

fn throttle(field: &Field<'_>) -> Step {
    let threshold = field.get("threshold").and_then(|set| set.scalar().ok());
    let window = field.get("window_secs").and_then(|set| set.scalar().ok());
    Step {
        at: field.at(),
        what: format!(
            "throttle to {} records in {} seconds",
            threshold.as_deref().unwrap_or("some"),
            window.as_deref().unwrap_or("some")
        ),
        effect: Effect::Limits,
    }
}

fn route_port(name: &str, at: String, condition: Option<&Field<'_>>) -> Port {
    let effect = condition.and_then(effect_of).unwrap_or(Effect::DropsSome);
    Port::named(
        name,
        vec![Step { at, what: format!("route {name}: only records that meet its condition"), effect }],
    )
}

fn unmatched(field: &Field<'_>) -> Port {
    let what = "route: only records that no other route takes".to_owned();
    Port::named(UNMATCHED, vec![Step { at: field.at(), what, effect: Effect::DropsSome }])
}

fn routes(field: &Field<'_>) -> Vec<Port> {
    let named = field.get("route").or_else(|| field.get("lanes"));
    let named = named.map(|named| named.entries()).unwrap_or_default();
    let mut ports: Vec<Port> =
        named.iter().map(|(name, condition)| route_port(name, condition.at(), Some(condition))).collect();
    if field.get("reroute_unmatched").is_none_or(|flag| flag.flag().value() != Some(&false)) {
        ports.push(unmatched(field));
    }
    ports
}

fn exclusive_routes(field: &Field<'_>) -> Vec<Port> {
    let listed = field.get("routes").map(|routes| routes.items()).unwrap_or_default();
    let mut ports: Vec<Port> = listed
        .iter()
        .enumerate()
        .filter_map(|(index, route)| {
            let name = route.get("name")?;
            // Only for the first is the condition all that decides: later ones get what earlier ones leave.
            let condition = route.get("condition").filter(|_| index == 0);
            Some(route_port(name.text(), route.at(), condition.as_ref()))
        })
        .collect();
    ports.push(unmatched(field));
    ports
}

fn remap(field: &Field<'_>, config: &Config, unread: &mut Vec<Unread>) -> Vec<Port> {
    let is_on = |key: &str, default: bool| match field.get(key).map(|flag| flag.flag()) {
        Some(Fact::Known(known)) => known.value,
        // What is not seen may be what drops.
        Some(Fact::Unknown(_)) => true,
        None => default,
    };
    let drops =
        program::Drops { on_abort: is_on("drop_on_abort", true), on_error: is_on("drop_on_error", false) };
    let mut steps = Vec::new();
    if let Some(source) = field.get("source") {
        steps.extend(program::steps(source.raw(), &source.at(), drops));
    }
    for file in ["file", "files"].into_iter().filter_map(|key| field.get(key)).flat_map(|files| files.items())
    {
        let seen = file.scalar().and_then(|path| match config.file(&resolve(&config.main, &path)) {
            Lookup::Seen(seen) => Ok(seen),
            Lookup::Hidden(why) => Err(format!("the program {path} is not seen: {why}")),
        });
        match seen {
            Ok(seen) => steps.extend(program::steps(&seen.text, &file.at(), drops)),
            Err(why) => {
                let what = "remap: a program that is not seen may drop records".to_owned();
                steps.push(Step { at: file.at(), what, effect: Effect::Unclear });
                unread.push(Unread { at: file.at(), why });
            }
        }
    }
    let mut ports = vec![Port::main(steps)];
    if is_on("reroute_dropped", false) {
        let what = "remap: only records that are dropped or whose program fails".to_owned();
        ports.push(Port::named("dropped", vec![Step { at: field.at(), what, effect: Effect::DropsSome }]));
    }
    ports
}
