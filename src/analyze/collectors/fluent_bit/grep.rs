//! The `grep` filter, which keeps or drops records by their fields (fluent-bit docs: filters/grep).

use super::matching::without_slashes;
use super::section::{Property, Section};
use crate::analyze::collectors::glob;
use crate::analyze::collectors::model::{Effect, NamespaceMatch, NamespaceRule, Pattern, Step};

/// One `Regex` or `Exclude`.
struct Rule<'a> {
    property: &'a Property,
    keeps: bool,
    key: String,
    pattern: Pattern,
}

/// What a grep does. `enriched` says whether records know their namespace by then.
pub(super) fn steps(section: &Section, enriched: bool) -> Vec<Step> {
    let rules: Vec<Rule<'_>> = section
        .properties
        .iter()
        .filter(|property| {
            (property.key == "regex" || property.key == "exclude") && !property.value.is_empty()
        })
        .map(rule)
        .collect();
    let operator = section.get("logical_op").map(|property| property.value.known());
    let together = match operator {
        Some(Err(reason)) => {
            let what = "grep, whose logical_op is not seen".to_owned();
            return vec![Step {
                at: section.at.clone(),
                what: format!("{what}: {reason}"),
                effect: Effect::Unclear,
            }];
        }
        Some(Ok(word)) => match word.to_ascii_lowercase().as_str() {
            // One of several is enough to be kept; all of several are needed to be dropped.
            "or" => rules.iter().all(|rule| rule.keeps),
            "and" => rules.iter().all(|rule| !rule.keeps),
            _ => false,
        },
        None => false,
    };
    if together && rules.len() > 1 {
        return vec![joined(section, &rules, enriched)];
    }
    rules.iter().map(|rule| step(rule, enriched)).collect()
}

fn step(rule: &Rule<'_>, enriched: bool) -> Step {
    let at = rule.property.at.clone();
    let what = format!("grep {}", rule.property.shown());
    let effect = effect(&rule.key, rule.pattern.clone(), rule.keeps, enriched, &at);
    Step { at, what, effect }
}

/// What one rule comes to, which keeps or drops the records whose field at `key` fits a pattern.
pub(in super::super) fn effect(key: &str, pattern: Pattern, keeps: bool, enriched: bool, at: &str) -> Effect {
    match about(key, enriched) {
        About::Namespace => Effect::Namespaces(namespaces(keeps, at, pattern)),
        About::Nothing => Effect::Unclear,
        // All that have the field, which may be all there are.
        About::Content if !keeps && takes_everything(&pattern) => Effect::Unclear,
        About::Content => Effect::DropsSome,
    }
}

fn takes_everything(pattern: &Pattern) -> bool {
    matches!(pattern, Pattern::Regex(regex) if glob::is_everything(regex.trim_start_matches("(?i)")))
}

/// Rules that count together.
fn joined(section: &Section, rules: &[Rule<'_>], enriched: bool) -> Step {
    let shown: Vec<String> = rules.iter().map(|rule| rule.property.shown()).collect();
    let all_namespaces =
        rules.iter().all(|rule| rule.keeps && matches!(about(&rule.key, enriched), About::Namespace));
    let only = || {
        rules
            .iter()
            .map(|rule| NamespaceMatch { at: rule.property.at.clone(), pattern: rule.pattern.clone() })
            .collect()
    };
    let effect = if all_namespaces {
        Effect::Namespaces(NamespaceRule { only: Some(only()), except: Vec::new() })
    } else {
        Effect::DropsSome
    };
    Step { at: section.at.clone(), what: format!("grep {}", shown.join(", ")), effect }
}

/// A rule about namespaces by one pattern.
pub(super) fn namespaces(keeps: bool, at: &str, pattern: Pattern) -> NamespaceRule {
    let one = vec![NamespaceMatch { at: at.to_owned(), pattern }];
    if keeps {
        NamespaceRule { only: Some(one), except: Vec::new() }
    } else {
        NamespaceRule { only: None, except: one }
    }
}

fn rule(property: &Property) -> Rule<'_> {
    let keeps = property.key == "regex";
    match property.value.known() {
        Ok(value) => {
            let (key, regex) = value.split_once(' ').unwrap_or((&value, ""));
            Rule { property, keeps, key: key.to_owned(), pattern: pattern(regex.trim()) }
        }
        Err(reason) => {
            let key = property.value.raw().split(' ').next().unwrap_or_default().to_owned();
            Rule { property, keeps, key, pattern: Pattern::Unclear(reason) }
        }
    }
}

/// A regular expression as this program's patterns have it.
pub(in super::super) fn pattern(regex: &str) -> Pattern {
    match without_slashes(regex) {
        (text, true) => Pattern::Regex(format!("(?i){text}")),
        (text, false) => Pattern::Regex(text.to_owned()),
    }
}

/// What a field is about.
pub(super) enum About {
    /// The namespace of the pod.
    Namespace,
    /// A field that is not there: the namespace before the filter that adds it, or a path written with dots.
    Nothing,
    /// Anything else.
    Content,
}

/// What a record accessor points at. `$kubernetes['namespace_name']` is a path; in `$kubernetes.namespace_name` the dot
/// belongs to the name of one field, which no record has (fluent-bit docs: record accessor).
pub(super) fn about(key: &str, enriched: bool) -> About {
    let key = key.trim_start_matches('$');
    match key {
        "kubernetes['namespace_name']" if enriched => About::Namespace,
        "kubernetes['namespace_name']" | "kubernetes.namespace_name" => About::Nothing,
        // As `nest` lifts it.
        _ if key.ends_with("namespace_name") && !key.contains('[') => About::Namespace,
        _ => About::Content,
    }
}
