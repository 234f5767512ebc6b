//! The stages of a pipeline, as steps of the model (Promtail docs: stages; Alloy docs: `loki.process`).

use std::collections::BTreeMap;

use regex::Regex;

use super::meta::{Subject, namespaces, subject};
use super::relabel::{Family, Value};
use super::{Setting, brief};
use crate::analyze::collectors::glob;
use crate::analyze::collectors::model::{Effect, NamespaceMatch, NamespaceRule, Pattern};

/// One stage.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in super::super) struct Stage {
    /// Where it stands.
    pub(in super::super) at: String,
    /// Its name: `drop`.
    pub(in super::super) name: String,
    /// Its options that are no lists or objects.
    pub(in super::super) options: BTreeMap<String, Setting>,
    /// The labels it is about, with their values.
    pub(in super::super) values: BTreeMap<String, Setting>,
    /// The stages inside it.
    pub(in super::super) nested: Vec<Stage>,
}

impl Stage {
    fn text(&self, option: &str) -> Option<&str> {
        self.options.get(option).and_then(|value| value.as_deref().ok()).filter(|text| !text.is_empty())
    }

    fn is_on(&self, option: &str) -> bool {
        self.text(option).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Why an option is not known, if it is set and not known.
    fn unclear(&self, options: &[&str]) -> Option<&String> {
        options.iter().find_map(|option| self.options.get(*option)?.as_ref().err())
    }
}

/// Runs stages on log lines in their order.
pub(in super::super) fn run(stages: &[Stage], lines: &mut Family) {
    for (index, stage) in stages.iter().enumerate() {
        // Names of which a later stage makes the line.
        let outputs: Vec<&str> = stages
            .iter()
            .skip(index)
            .filter(|stage| stage.name == "output")
            .filter_map(|stage| stage.text("source"))
            .collect();
        one(stage, lines, &outputs);
    }
}

fn one(stage: &Stage, lines: &mut Family, outputs: &[&str]) {
    let at = stage.at.as_str();
    match stage.name.as_str() {
        "drop" => {
            let parts = ["source", "expression", "value", "older_than", "longer_than"];
            let said: Vec<String> = parts
                .iter()
                .filter_map(|part| Some(format!("{part} {}", brief(stage.text(part)?))))
                .collect();
            let others = ["value", "older_than", "longer_than"].iter().any(|part| stage.text(part).is_some());
            let everything = !others && stage.text("expression").is_some_and(glob::is_everything);
            let effect = match stage.text("source") {
                None if everything => Effect::DropsAll,
                // All lines that have what the source names, which may be all there are.
                Some(_) if everything => Effect::Unclear,
                _ => Effect::DropsSome,
            };
            lines.step(at, format!("drop {}", said.join(", ")), effect);
        }
        "sampling" => sampling(stage, lines),
        "limit" => limit(stage, lines),
        "match" => matching(stage, lines),
        "replace" => {
            if stage.text("source").is_none_or(|source| outputs.contains(&source)) {
                let what = format!("replace {}", brief(stage.text("expression").unwrap_or_default()));
                lines.step(at, what, Effect::Redacts);
            }
        }
        "luhn" => lines.step(at, "luhn masks card numbers".into(), Effect::Redacts),
        "truncate" => lines.step(at, "truncate cuts long lines".into(), Effect::Skips),
        "cri" if stage.is_on("max_partial_line_size_truncate") => {
            lines.step(at, "cri cuts long lines".into(), Effect::Skips);
        }
        "json" if stage.is_on("drop_malformed") => {
            lines.step(at, "json drops lines that are not JSON".into(), Effect::DropsSome);
        }
        "static_labels" => {
            for (label, value) in &stage.values {
                let value = match value {
                    Ok(text) => Value::Text(text.clone()),
                    Err(why) => Value::Unclear(why.clone()),
                };
                lines.set(label, at, value);
            }
        }
        "labels" => {
            for label in stage.values.keys() {
                lines.set(label, at, Value::Unclear("it is taken from the line".into()));
            }
        }
        "cri"
        | "json"
        | "decolorize"
        | "docker"
        | "eventlogmessage"
        | "geoip"
        | "label_drop"
        | "labeldrop"
        | "label_keep"
        | "labelallow"
        | "logfmt"
        | "metrics"
        | "multiline"
        | "output"
        | "pack"
        | "pattern"
        | "regex"
        | "structured_metadata"
        | "structured_metadata_drop"
        | "template"
        | "tenant"
        | "timestamp"
        | "windowsevent"
        | "split_json"
        | "non_indexed_labels" => {}
        name => lines.step(at, format!("the stage {}", brief(name)), Effect::Unclear),
    }
}

fn sampling(stage: &Stage, lines: &mut Family) {
    let at = stage.at.as_str();
    if let Some(why) = stage.unclear(&["rate"]) {
        return lines.step(at, format!("sampling: {why}"), Effect::Unclear);
    }
    match stage.text("rate").and_then(|rate| rate.parse::<f64>().ok()) {
        Some(rate) if rate >= 1.0 => {}
        Some(rate) if rate <= 0.0 => lines.step(at, "sampling with rate 0".into(), Effect::DropsAll),
        rate => {
            let rate = rate.map_or_else(|| "a rate".to_owned(), |rate| format!("rate {rate}"));
            lines.step(at, format!("sampling with {rate}"), Effect::Samples);
        }
    }
}

/// Without `drop` the stage waits.
fn limit(stage: &Stage, lines: &mut Family) {
    let at = stage.at.as_str();
    if let Some(why) = stage.unclear(&["drop"]) {
        lines.step(at, format!("limit: {why}"), Effect::Unclear);
    } else if stage.is_on("drop") {
        let rate = stage.text("rate").unwrap_or("a number of");
        lines.step(at, format!("limit to {rate} lines a second, drop"), Effect::Limits);
    }
}

fn matching(stage: &Stage, lines: &mut Family) {
    let at = stage.at.as_str();
    if let Some(why) = stage.unclear(&["action", "selector"]) {
        return lines.step(at, format!("match: {why}"), Effect::Unclear);
    }
    let selector = stage.text("selector").unwrap_or_default();
    if stage.text("action").is_some_and(|action| action.eq_ignore_ascii_case("drop")) {
        let effect = match namespaces_dropped(selector, at) {
            Some(rule) => Effect::Namespaces(rule),
            None if picks_all(selector, lines) => Effect::DropsAll,
            None => Effect::DropsSome,
        };
        return lines.step(at, format!("match {} drop", brief(selector)), effect);
    }
    // What is inside concerns only what the selector matches.
    let mut some = Family { open: lines.open, ..Family::default() };
    run(&stage.nested, &mut some);
    for mut step in some.steps {
        if matches!(step.effect, Effect::DropsAll | Effect::Namespaces(_)) {
            step.effect = Effect::DropsSome;
        }
        step.what = format!("match {}: {}", brief(selector), step.what);
        lines.steps.push(step);
    }
    for (label, values) in some.labels {
        for (at, _) in values {
            lines.set(&label, &at, Value::Unclear("it is set for some lines only".into()));
        }
    }
}

/// Whether a selector picks every line by labels whose values are written down.
fn picks_all(selector: &str, lines: &Family) -> bool {
    const MATCHER: &str = r#"^\s*([A-Za-z_]\w*)\s*(=~|!=|!~|=)\s*(?:"([^"\\]*)"|`([^`]*)`)\s*(?:,|$)"#;
    let Some(mut rest) = selector.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
        return false;
    };
    let Ok(matcher) = Regex::new(MATCHER) else { return false };
    while !rest.trim().is_empty() {
        let Some(captures) = matcher.captures(rest) else { return false };
        let part = |index| captures.get(index).map_or("", |found| found.as_str());
        let value = if part(3).is_empty() { part(4) } else { part(3) };
        let Ok(regex) = Regex::new(&format!("^(?:{value})$")) else { return false };
        let holds = |found: &str| match part(2) {
            "=" => found == value,
            "!=" => found != value,
            "=~" => regex.is_match(found),
            _ => !regex.is_match(found),
        };
        let found = lines.labels.get(part(1)).map(Vec::as_slice).unwrap_or_default();
        let all = found.iter().all(|(_, value)| matches!(value, Value::Text(text) if holds(text)));
        if found.is_empty() || !all {
            return false;
        }
        rest = rest.get(part(0).len()..).unwrap_or_default();
    }
    true
}

/// The namespaces a selector picks, if it picks by nothing else.
fn namespaces_dropped(selector: &str, at: &str) -> Option<NamespaceRule> {
    let inner = selector.trim().strip_prefix('{')?.strip_suffix('}')?;
    let matcher = Regex::new(
        r#"^\s*([A-Za-z_][A-Za-z0-9_]*)\s*(=~|!=|!~|=)\s*(?:"([a-zA-Z0-9|.*()+-]*)"|`([^`"]*)`)\s*,?\s*$"#,
    );
    let captures = matcher.ok()?.captures(inner)?;
    let label = captures.get(1)?.as_str();
    if subject(label) != Subject::Namespace {
        return None;
    }
    let value = captures.get(3).or_else(|| captures.get(4))?.as_str();
    let exact = || vec![NamespaceMatch { at: at.to_owned(), pattern: Pattern::Name(value.to_owned()) }];
    let rule = |only, except| Some(NamespaceRule { only, except });
    match captures.get(2)?.as_str() {
        "=" => rule(None, exact()),
        "=~" => rule(None, namespaces(value, at)),
        "!=" => rule(Some(exact()), Vec::new()),
        _ => rule(Some(namespaces(value, at)), Vec::new()),
    }
}
