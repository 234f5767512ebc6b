//! What filters take out on the way.

use super::{ANY_LENGTH, no};
use crate::analyze::collectors::glob;
use crate::analyze::collectors::model::{Effect, NamespaceMatch, NamespaceRule, Pattern, Step};
use crate::analyze::fact::Fact;
use crate::verdict::{Evidence, Rank};

/// Whether records pass the steps of a way. `exact` says whether it is about these very pods, of which a selection by tag or
/// label may leave out just these; without a `namespace` they are no output of containers: files of the node, the journal.
pub(super) fn passes(steps: &[&Step], namespace: Option<&str>, exact: bool) -> Fact<bool> {
    let mut passed: Option<Fact<bool>> = None;
    for step in steps {
        let one = match &step.effect {
            Effect::DropsAll => no(&step.at, step.what.clone()),
            Effect::Namespaces(rule) => match namespace {
                Some(namespace) => in_rule(rule, namespace, &step.at),
                // What lacks a field is in no list of exceptions.
                None if rule.only.is_none() => continue,
                None => Fact::unknown(format!(
                    "{}: only records of some namespaces pass, and whether these carry a namespace is not told ({})",
                    step.what, step.at
                )),
            },
            Effect::Selects if exact => Fact::unknown(format!(
                "{}: whether these are among them is not told ({})",
                step.what, step.at
            )),
            Effect::DropsSome
            | Effect::Selects
            | Effect::Skips
            | Effect::LongLines(_)
            | Effect::Samples
            | Effect::Limits
            | Effect::Redacts => continue,
            Effect::Unclear => Fact::unknown(format!("{}: what passes is not told ({})", step.what, step.at)),
        };
        passed = Some(match passed {
            Some(known) => known.and(one),
            None => one,
        });
    }
    passed.unwrap_or_else(|| Fact::known(true, Rank::Evaluated, Vec::new()))
}

/// Whether nothing takes some of the records out by what they say, by chance or by their rate.
pub(super) fn is_whole(steps: &[&Step]) -> Fact<bool> {
    none_of(steps, |effect| matches!(effect, Effect::DropsSome | Effect::Samples | Effect::Limits))
}

/// The longest line that none of the steps leaves out or cuts.
pub(super) fn longest_line(steps: &[&Step]) -> Fact<i64> {
    let limit = |step: &&Step| match &step.effect {
        Effect::LongLines(limit) => Some(
            limit
                .clone()
                .and_then(|limit| Fact::at(limit, Rank::Evaluated, step.at.clone(), step.what.clone())),
        ),
        _ => None,
    };
    let all = steps.iter().filter_map(limit);
    let shorter = |one: Fact<i64>, other: Fact<i64>| match (one.value(), other.value()) {
        (Some(length), Some(limit)) if limit < length => other,
        (None, _) => one,
        (_, None) => other,
        _ => one,
    };
    all.reduce(shorter).unwrap_or_else(|| Fact::known(ANY_LENGTH, Rank::Evaluated, Vec::new()))
}

/// Whether no file is left out for its age, and no line for a length that is not told.
pub(super) fn is_complete(steps: &[&Step]) -> Fact<bool> {
    none_of(steps, |effect| *effect == Effect::Skips)
}

fn none_of(steps: &[&Step], takes_out: impl Fn(&Effect) -> bool) -> Fact<bool> {
    let evidence: Vec<Evidence> = steps
        .iter()
        .filter(|step| takes_out(&step.effect))
        .map(|step| Evidence { at: step.at.clone(), detail: step.what.clone() })
        .collect();
    Fact::known(evidence.is_empty(), Rank::Evaluated, evidence)
}

/// Whether a namespace is among those of a rule.
pub(super) fn in_rule(rule: &NamespaceRule, namespace: &str, at: &str) -> Fact<bool> {
    let mut included = match &rule.only {
        None => Fact::known(true, Rank::Evaluated, Vec::new()),
        Some(only) => {
            let shown: Vec<&str> = only.iter().map(|one| one.at.as_str()).collect();
            let place = shown.first().copied().unwrap_or(at);
            only.iter()
                .map(|one| matches_namespace(one, namespace))
                .fold(no(place, format!("the namespace {namespace} is not among those it takes")), Fact::or)
        }
    };
    for except in &rule.except {
        let out = matches_namespace(except, namespace).map(|is| !is);
        included = included.and(out);
    }
    included
}

fn matches_namespace(one: &NamespaceMatch, namespace: &str) -> Fact<bool> {
    let found = match &one.pattern {
        Pattern::Name(name) => name == namespace,
        Pattern::Glob(pattern) => glob::matches(pattern, namespace),
        Pattern::Regex(pattern) => match regex::Regex::new(pattern) {
            Ok(pattern) => pattern.is_match(namespace),
            Err(_) => return Fact::unknown(format!("the pattern at {} cannot be read here", one.at)),
        },
        Pattern::Unclear(why) => return Fact::unknown(format!("{why} ({})", one.at)),
    };
    Fact::at(found, Rank::Evaluated, one.at.clone(), format!("decides on the namespace {namespace}"))
}
