//! What `<filter>` takes away.

use super::section::Section;
use super::value::{is_namespace, list, regex};
use crate::analyze::collectors::glob;
use crate::analyze::collectors::model::{Effect, NamespaceMatch, NamespaceRule, Pattern, Step};

/// Filters that keep every record and what it says.
const HARMLESS: [&str; 30] = [
    "add",
    "add_insert_ids",
    "dedot",
    "dedot_filter",
    "docker_metadata",
    "docker_metadata_elasticsearch",
    "ec2_metadata",
    "ecs_metadata",
    "elasticsearch_genid",
    "enhance_k8s_metadata",
    "flatten",
    "flatten_hash",
    "genhashvalue",
    "geoip",
    "grok",
    "jq_transformer",
    "json_transform",
    "kube_events_timestamp",
    "kubernetes_metadata",
    "kubernetes_sumologic",
    "kvp",
    "opensearch_genid",
    "opensearch_filter_index",
    "parse_json_field",
    "prometheus",
    "stdout",
    "systemd_entry",
    "ua_parser",
    "viaq_docker_audit",
    "useragent",
];

/// What a filter does to records; nothing if it only adds to them.
pub(super) fn steps(filter: &Section<'_>) -> Vec<Step> {
    let plugin = match filter.plugin() {
        Ok(plugin) => plugin.unwrap_or_default(),
        Err(why) => return vec![step(filter, why, Effect::Unclear)],
    };
    let one = |what: String, effect| vec![step(filter, what, effect)];
    match plugin {
        "grep" => grep(filter),
        "throttle" if filter.flag("group_drop_logs", true, |_| String::new()).value() == Some(&false) => {
            Vec::new()
        }
        "throttle" => one(throttle(filter), Effect::Limits),
        "sampling" | "sampling_filter" => {
            one(format!("{plugin} keeps a share of the records"), Effect::Samples)
        }
        "suppress" | "dedup" | "deduplicate" => {
            one(format!("{plugin} drops what repeats"), Effect::DropsSome)
        }
        "exclude" | "exclude_filter" | "where" | "log_level" => {
            one(format!("{plugin} drops records by what they say"), Effect::DropsSome)
        }
        "concat" => concat(filter),
        "parser" => parser(filter),
        "anonymizer" | "mask" | "masking" | "obfuscate" => {
            one(format!("{plugin} masks values"), Effect::Redacts)
        }
        "record_transformer" | "record_modifier" => transformer(filter, plugin),
        "null" => one("null drops everything".into(), Effect::DropsAll),
        known if HARMLESS.contains(&known) => Vec::new(),
        other => one(format!("what the filter {other} does is not known here"), Effect::Unclear),
    }
}

/// A step that a section makes.
pub(super) fn step(section: &Section<'_>, what: impl Into<String>, effect: Effect) -> Step {
    Step { at: section.spot.at(), what: what.into(), effect }
}

/// A rule that lets only some namespaces through, or all but some.
pub(super) fn by_namespaces(at: &str, patterns: Vec<Pattern>, only: bool) -> Effect {
    let matches = patterns.into_iter().map(|pattern| NamespaceMatch { at: at.to_owned(), pattern }).collect();
    Effect::Namespaces(if only {
        NamespaceRule { only: Some(matches), except: Vec::new() }
    } else {
        NamespaceRule { only: None, except: matches }
    })
}

/// Each `<regexp>` must match and each `<exclude>` must not; within `<and>` all must, within `<or>` one (Fluentd docs:
/// filter/grep).
fn grep(filter: &Section<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    for keeps in [true, false] {
        let name = if keeps { "regexp" } else { "exclude" };
        steps.extend(filter.sections(name).map(|condition| grep_one(condition, keeps)));
        for (group, each) in [("and", keeps), ("or", !keeps)] {
            for group in filter.sections(group) {
                let conditions: Vec<_> = group.sections(name).collect();
                if each || conditions.len() == 1 {
                    steps.extend(conditions.into_iter().map(|condition| grep_one(condition, keeps)));
                } else if !conditions.is_empty() {
                    steps.push(step(group, format!("grep by several <{name}>"), Effect::DropsSome));
                }
            }
        }
        for number in 1..=20 {
            if let Ok(Some((value, at))) = filter.setting(&format!("{name}{number}")) {
                let (key, pattern) = value.split_once(' ').unwrap_or((value, ""));
                steps.push(condition(&at, Some(key), Some(pattern), keeps));
            }
        }
    }
    steps
}

fn grep_one(section: &Section<'_>, keeps: bool) -> Step {
    condition(&section.spot.at(), section.text("key"), section.text("pattern"), keeps)
}

fn condition(at: &str, key: Option<&str>, pattern: Option<&str>, keeps: bool) -> Step {
    let does = if keeps { "keeps only" } else { "drops" };
    let effect = match (key, pattern) {
        (Some(key), Some(pattern)) if is_namespace(key) => {
            by_namespaces(at, vec![Pattern::Regex(regex(pattern))], keeps)
        }
        // All that have the field, which may be all there are.
        (_, Some(pattern)) if !keeps && glob::is_everything(pattern) => Effect::Unclear,
        _ => Effect::DropsSome,
    };
    let what = format!(
        "grep {does} what has {} in {}",
        pattern.unwrap_or("a pattern that is not seen"),
        key.unwrap_or("a field that is not seen")
    );
    Step { at: at.to_owned(), what, effect }
}

fn throttle(filter: &Section<'_>) -> String {
    let period = filter.text("group_bucket_period_s").unwrap_or("60");
    let limit = filter.text("group_bucket_limit").unwrap_or("6000");
    format!("throttle to {limit} records in {period} seconds for each group")
}

/// Records that wait for their end are thrown out as errors after `flush_interval`, 60 seconds by default, unless there
/// is a label for them (fluent-plugin-concat). What begins with a pattern and has no end always waits.
fn concat(filter: &Section<'_>) -> Vec<Step> {
    let waits =
        filter.param("multiline_start_regexp").is_some() && filter.param("multiline_end_regexp").is_none();
    let endless = filter.text("flush_interval") == Some("0");
    if !waits || endless || filter.param("timeout_label").is_some() {
        return Vec::new();
    }
    vec![step(
        filter,
        "concat drops the last record after flush_interval, as timeout_label is not set",
        Effect::DropsSome,
    )]
}

/// What does not parse is dropped unless `reserve_data` is on (Fluentd docs: filter/parser).
fn parser(filter: &Section<'_>) -> Vec<Step> {
    if filter.is_on("reserve_data") || takes_all(filter, 0) {
        return Vec::new();
    }
    vec![step(filter, "parser drops what does not parse, as reserve_data is off", Effect::DropsSome)]
}

/// Whether a parser, or the last of several, takes any text.
fn takes_all(section: &Section<'_>, depth: usize) -> bool {
    let none = ["@type", "type", "format"].iter().any(|key| section.text(key) == Some("none"));
    none || (depth < 3
        && ["parse", "pattern"].iter().any(|name| section.sections(name).any(|s| takes_all(s, depth + 1))))
}

/// Removed or rewritten fields matter where they are told to be secret.
fn transformer(filter: &Section<'_>, plugin: &str) -> Vec<Step> {
    const TELLING: [&str; 9] =
        ["password", "passwd", "secret", "token", "authorization", "credit", "email", "ssn", "api_key"];
    let telling = |text: &str| TELLING.iter().any(|word| text.to_ascii_lowercase().contains(word));
    let mut steps = Vec::new();
    if let Ok(Some((keys, at))) = filter.setting("remove_keys")
        && list(keys).iter().any(|key| telling(key))
    {
        steps.push(Step {
            at,
            what: format!("{plugin} removes fields for credentials"),
            effect: Effect::Redacts,
        });
    }
    let masks = |value: &str| value.contains("gsub") && masks(value);
    for param in filter.sections("record").flat_map(|record| &record.params) {
        if matches!(&param.value, Ok(Some(value)) if masks(value)) {
            let what = format!("{plugin} masks parts of {}", param.key);
            steps.push(Step { at: param.spot.at(), what, effect: Effect::Redacts });
        }
    }
    for replace in filter.sections("replace") {
        if replace.text("replace").is_some_and(masks) {
            steps.push(step(replace, format!("{plugin} masks parts of a field"), Effect::Redacts));
        }
    }
    steps
}

/// Whether a replacement is one that hides.
fn masks(text: &str) -> bool {
    ["***", "REDACT", "MASK", "xxx", "XXX", "[FILTERED"].iter().any(|mark| text.contains(mark))
}
