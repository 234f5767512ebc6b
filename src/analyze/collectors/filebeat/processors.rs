//! Processors of Beats: most add or rename fields, some drop.

use crate::analyze::collectors::model::{Effect, NamespaceMatch, NamespaceRule, Pattern, Step};
use crate::analyze::collectors::settings::Setting;

/// How deep conditions are looked into.
const MAX_DEPTH: usize = 20;

/// What a list of processors takes away.
pub(in super::super) fn steps(list: &Setting<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    if let Some(why) = list.why() {
        let what = format!("processors that are not seen: {why}");
        return vec![Step { at: list.place(), what, effect: Effect::Unclear }];
    }
    for processor in list.items() {
        for (name, setting) in processor.entries() {
            collect(name, &setting, 0, &mut steps);
        }
    }
    steps
}

fn collect(name: &str, setting: &Setting<'_>, depth: usize, steps: &mut Vec<Step>) {
    match name {
        "drop_event" => steps.push(dropped(setting)),
        "script" => steps.push(step(setting, "script", Effect::Unclear)),
        "rate_limit" => steps.push(step(setting, "rate_limit", Effect::Limits)),
        "drop_fields" | "truncate_fields" if takes_message(&setting.get("fields")) => {
            steps.push(step(setting, format!("{name} takes the message away or cuts it"), Effect::Redacts));
        }
        "replace" | "fingerprint" if takes_message(&setting.get("fields")) => {
            steps.push(step(setting, format!("{name} changes the message"), Effect::Redacts));
        }
        "include_fields" if setting.is_set() => {
            steps.push(step(setting, "include_fields keeps only some fields", Effect::Redacts));
        }
        // `if`, `then`, `else` hold processors.
        "then" | "else" if depth < MAX_DEPTH => {
            for processor in setting.items() {
                for (name, setting) in processor.entries() {
                    collect(name, &setting, depth + 1, steps);
                }
            }
        }
        _ => {}
    }
}

fn step(setting: &Setting<'_>, what: impl Into<String>, effect: Effect) -> Step {
    Step { at: setting.place(), what: what.into(), effect }
}

fn takes_message(fields: &Setting<'_>) -> bool {
    let names = fields.items().into_iter().map(|item| {
        let field = item.get("field").plain();
        if field.is_empty() { item.plain() } else { field }
    });
    names.into_iter().any(|name| matches!(name.as_str(), "message" | "event.original" | "body"))
}

/// `drop_event` drops everything without a condition.
fn dropped(setting: &Setting<'_>) -> Step {
    let when = setting.get("when");
    if let Some(why) = when.why() {
        return step(setting, format!("drop_event by a condition not seen: {why}"), Effect::Unclear);
    }
    if !when.is_set() {
        return step(setting, "drop_event without a condition", Effect::DropsAll);
    }
    match namespaces(&when, 0) {
        Some((patterns, keeps)) => {
            let (only, except) = if keeps { (Some(patterns), Vec::new()) } else { (None, patterns) };
            step(setting, "drop_event by namespace", Effect::Namespaces(NamespaceRule { only, except }))
        }
        None => step(setting, "drop_event when a condition holds", Effect::DropsSome),
    }
}

/// The namespaces a condition is about, if it is about nothing else, and whether it holds for all others.
fn namespaces(when: &Setting<'_>, depth: usize) -> Option<(Vec<NamespaceMatch>, bool)> {
    let entries = when.entries();
    let [(kind, condition)] = entries.as_slice() else { return None };
    if depth > MAX_DEPTH {
        return None;
    }
    match *kind {
        "equals" | "regexp" | "contains" => {
            let namespace = condition.find("kubernetes.namespace");
            let entries = condition.entries();
            let [("kubernetes", inner)] = entries.as_slice() else { return None };
            if inner.entries().len() != 1 || namespace.is_mapping() {
                return None;
            }
            let text = namespace.text().ok().flatten()?;
            let pattern = match *kind {
                "equals" => Pattern::Name(text),
                "contains" => Pattern::Glob(format!("*{text}*")),
                _ => Pattern::Regex(text),
            };
            Some((vec![NamespaceMatch { at: namespace.place(), pattern }], false))
        }
        "or" => {
            let mut all = Vec::new();
            for item in condition.items() {
                match namespaces(&item, depth + 1)? {
                    (patterns, false) => all.extend(patterns),
                    _ => return None,
                }
            }
            (!all.is_empty()).then_some((all, false))
        }
        "not" => namespaces(condition, depth + 1).map(|(patterns, keeps)| (patterns, !keeps)),
        _ => None,
    }
}
