//! What filters take out on the way.

use super::no;
use crate::analyze::collectors::glob;
use crate::analyze::collectors::model::{Effect, NamespaceMatch, NamespaceRule, Pattern, Step};
use crate::analyze::fact::Fact;
use crate::verdict::{Evidence, Rank};

/// Whether records pass the steps of a way.
pub(super) fn passes(steps: &[&Step], namespace: Option<&str>) -> Fact<bool> {
    let mut passed: Option<Fact<bool>> = None;
    for step in steps {
        let one = match &step.effect {
            Effect::DropsAll => no(&step.at, step.what.clone()),
            Effect::Namespaces(rule) => match namespace {
                Some(namespace) => in_rule(rule, namespace, &step.at),
                None => continue,
            },
            Effect::DropsSome | Effect::Samples | Effect::Limits | Effect::Redacts => continue,
            Effect::Unclear => Fact::unknown(format!("{} may drop records ({})", step.what, step.at)),
        };
        passed = Some(match passed {
            Some(known) => known.and(one),
            None => one,
        });
    }
    passed.unwrap_or_else(|| Fact::known(true, Rank::Evaluated, Vec::new()))
}

/// Whether nothing takes some of the records out.
pub(super) fn is_whole(steps: &[Step]) -> Fact<bool> {
    let thins = |step: &&Step| matches!(step.effect, Effect::DropsSome | Effect::Samples | Effect::Limits);
    let evidence: Vec<Evidence> = steps
        .iter()
        .filter(thins)
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
