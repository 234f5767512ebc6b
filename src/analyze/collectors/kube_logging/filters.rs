//! Filters of flows that drop or change records. Those that only parse or add are left out.

use super::super::fields::Fields;
use super::super::glob;
use super::super::model::{Effect, NamespaceMatch, NamespaceRule, Pattern, Step};

/// Filters that drop and mask nothing.
const HARMLESS: [&str; 10] = [
    "stdout",
    "tag_normaliser",
    "dedot",
    "elasticsearch_genid",
    "geoip",
    "useragent",
    "concat",
    "detectExceptions",
    "prometheus",
    "kube_events_timestamp",
];

/// The steps that a list of filters comes to.
pub(super) fn steps(filters: &[Fields<'_>]) -> Vec<Step> {
    let mut steps = Vec::new();
    for filter in filters {
        for (name, fields) in filter.entries() {
            match name {
                name if HARMLESS.contains(&name) => {}
                "grep" => steps.extend(grep(&fields)),
                "throttle" => steps.push(throttle(&fields)),
                "parser" => steps.extend(parser(&fields)),
                "record_modifier" => steps.extend(modifier(&fields)),
                "record_transformer" => steps.extend(transformer(&fields)),
                name => steps.push(step(
                    &fields,
                    format!("the filter {name}, which is not known"),
                    Effect::Unclear,
                )),
            }
        }
    }
    steps
}

fn step(fields: &Fields<'_>, what: String, effect: Effect) -> Step {
    Step { at: fields.at(), what, effect }
}

/// `regexp` keeps what fits, `exclude` drops it; sections within `and` and `or` alike (Fluentd docs: filter/grep).
fn grep(fields: &Fields<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    for (kind, keeps) in [("regexp", true), ("exclude", false)] {
        for section in fields.items(kind) {
            let key = section.text("key").unwrap_or_default();
            let pattern = section.text("pattern").unwrap_or_default();
            // What excludes everything drops all that have the field, which may be all there are.
            let all = !keeps && glob::is_everything(&pattern);
            let other = if all { Effect::Unclear } else { Effect::DropsSome };
            let effect = by_namespace(&section, &key, &pattern, keeps).unwrap_or(other);
            steps.push(step(&section, format!("grep {kind} {key} {pattern}"), effect));
        }
    }
    for kind in ["and", "or"] {
        for section in fields.items(kind) {
            steps.push(step(&section, format!("grep with several conditions ({kind})"), Effect::DropsSome));
        }
    }
    steps
}

/// `$.kubernetes.namespace_name` and `$['kubernetes']['namespace_name']` are the namespace.
fn by_namespace(section: &Fields<'_>, key: &str, pattern: &str, keeps: bool) -> Option<Effect> {
    let words: Vec<&str> =
        key.split(['$', '.', '[', ']', '\'', '"']).filter(|word| !word.is_empty()).collect();
    if words != ["kubernetes", "namespace_name"] {
        return None;
    }
    let bare = pattern.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')).unwrap_or(pattern);
    let matches =
        vec![NamespaceMatch { at: section.at_key("pattern"), pattern: Pattern::Regex(bare.to_owned()) }];
    Some(Effect::Namespaces(if keeps {
        NamespaceRule { only: Some(matches), except: Vec::new() }
    } else {
        NamespaceRule { only: None, except: matches }
    }))
}

/// fluent-plugin-throttle: 6000 records in 60 seconds for each group. `group_drop_logs: false` never gets to the plugin,
/// since the operator leaves out what is false.
fn throttle(fields: &Fields<'_>) -> Step {
    let limit = fields.text("group_bucket_limit").unwrap_or_else(|| "6000".into());
    let period = fields.text("group_bucket_period_s").unwrap_or_else(|| "60".into());
    step(fields, format!("throttle to {limit} records in {period} seconds for each group"), Effect::Limits)
}

/// What cannot be parsed goes to the error output, not on, unless `reserve_data` is set (Fluentd: `filter_parser`).
fn parser(fields: &Fields<'_>) -> Option<Step> {
    let none = |section: &Fields<'_>| section.text("type").as_deref() == Some("none");
    if fields.flag("reserve_data") == Some(true) || fields.get("parse").is_some_and(|parse| none(&parse)) {
        return None;
    }
    let what = "parser drops what does not parse (reserve_data is not set)";
    Some(step(fields, what.into(), Effect::DropsSome))
}

fn modifier(fields: &Fields<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    for replace in fields.items("replaces") {
        let key = replace.text("key").unwrap_or_default();
        steps.push(step(&replace, format!("record_modifier replaces in {key}"), Effect::Redacts));
    }
    steps.extend(removal(fields, "record_modifier"));
    if fields.text("whitelist_keys").is_some() {
        steps.push(step(fields, "record_modifier keeps only some keys".into(), Effect::Unclear));
    }
    steps
}

fn transformer(fields: &Fields<'_>) -> Vec<Step> {
    let mut steps: Vec<Step> = removal(fields, "record_transformer").into_iter().collect();
    if fields.flag("renew_record") == Some(true) {
        steps.push(step(fields, "record_transformer makes a new record".into(), Effect::Unclear));
    }
    let replaces = |value: &Fields<'_>| {
        value
            .entries()
            .iter()
            .any(|(_, text)| text.value().as_str().is_some_and(|text| text.contains("gsub")))
    };
    for record in fields.items("records").iter().filter(|record| replaces(record)) {
        steps.push(step(record, "record_transformer replaces by a pattern".into(), Effect::Redacts));
    }
    steps
}

/// Only keys that hold the message matter.
fn removal(fields: &Fields<'_>, filter: &str) -> Option<Step> {
    let message = |key: &str| matches!(key.trim_start_matches("$."), "log" | "message" | "msg");
    let removed = fields.list("remove_keys");
    let (key, _) = removed.iter().find(|(key, _)| message(key))?;
    Some(step(fields, format!("{filter} removes {key}"), Effect::Unclear))
}
