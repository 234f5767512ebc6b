//! What is odd in a policy: rules that nothing reaches, parts that match nothing, stages that take away what a rule asks for.
//!
//! Nothing here judges what should be recorded; that is [`super::coverage`]. What is said of rules is proved by the same
//! means: a rule is unreachable if no request reaches it, and without effect if no request would fare otherwise without it.

mod parts;

#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::Serialize;

use super::Level;
use super::coverage::{Decider, Prover, Reach, TooLarge};
use super::matches::RequestKind;
use super::{AuditPolicy, Stage};

/// What kind of oddity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// No request reaches the rule: earlier ones take them all.
    Unreachable,
    /// Every request that the rule decides would fare the same without it.
    WithoutEffect,
    /// A part of a rule that no request matches.
    NeverMatches,
    /// A resource that the server does not have.
    UnknownResource,
    /// The outcome of what the rule records is not recorded.
    LosesOutcome,
    /// Each request is recorded twice, the first time before anything is known of it.
    Doubles,
    /// Bodies carry managed fields, which are long and say nothing about the request.
    ManagedFields,
}

/// Something odd in a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Remark {
    /// What kind.
    pub kind: Kind,
    /// The field: `rules[2].verbs[0]`.
    pub field: String,
    /// What is odd and what follows.
    pub message: String,
}

impl Remark {
    fn new(kind: Kind, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind, field: field.into(), message: message.into() }
    }
}

/// Everything odd in a policy, by rule.
///
/// # Errors
/// The policy is too large to work out what reaches its rules.
pub fn lint(prover: &Prover<'_>) -> Result<Vec<Remark>, TooLarge> {
    let policy = prover.policy();
    let reach = Reach::new(prover)?;
    let mut remarks = rules(prover, &reach)?;
    remarks.extend(parts::parts(prover));
    stages(policy, &reach, &mut remarks);
    managed_fields(policy, &mut remarks);
    remarks.sort_by_key(|remark| (rule_of(&remark.field), remark.kind));
    Ok(remarks)
}

fn rule_of(field: &str) -> Option<usize> {
    field.strip_prefix("rules[")?.split_once(']')?.0.parse().ok()
}

/// Rules that nothing reaches and rules that change nothing.
fn rules(prover: &Prover<'_>, reach: &Reach<'_>) -> Result<Vec<Remark>, TooLarge> {
    let mut remarks = Vec::new();
    for index in 0..prover.rules().len() {
        let field = format!("rules[{index}]");
        if reach.is_reached(index) {
            if let Some(others) = reach.replaced_by(index)? {
                let others = named(others.into_iter());
                let message = format!(
                    "the rule changes nothing: without it {others} would record its requests just the same"
                );
                remarks.push(Remark::new(Kind::WithoutEffect, field, message));
            }
            continue;
        }
        let by = reach.deciders(index)?;
        let message = if by.is_empty() {
            "no request of this version's APIs matches the rule".to_owned()
        } else {
            format!(
                "no request reaches the rule: {} before it decide all that it matches",
                named(by.into_iter().map(Some))
            )
        };
        remarks.push(Remark::new(Kind::Unreachable, field, message));
    }
    Ok(remarks)
}

/// `rules[0], rules[2]`.
fn named(rules: impl Iterator<Item = Decider>) -> String {
    let names: Vec<String> = rules
        .map(|rule| rule.map_or_else(|| "the end of the policy".to_owned(), |rule| format!("rules[{rule}]")))
        .collect();
    names.join(", ")
}

fn stages(policy: &AuditPolicy, reach: &Reach<'_>, remarks: &mut Vec<Remark>) {
    let mut doubled = Vec::new();
    for (index, rule) in policy.rules.iter().enumerate().filter(|(_, rule)| rule.level > Level::None) {
        let omits = |stage: Stage| policy.omit_stages.contains(&stage) || rule.omit_stages.contains(&stage);
        // What runs long tells its outcome when the answer starts as well.
        let loses = |kind: RequestKind| {
            omits(Stage::ResponseComplete)
                && (kind == RequestKind::Short
                    || kind == RequestKind::LongRunning && omits(Stage::ResponseStarted))
        };
        if reach.kinds(index).into_iter().any(loses) {
            let place = if rule.omit_stages.contains(&Stage::ResponseComplete) {
                format!("rules[{index}].omitStages")
            } else {
                "omitStages".to_owned()
            };
            let message = if rule.level > Level::Metadata {
                format!(
                    "rules[{index}]: without the stage ResponseComplete neither the result nor the bodies are recorded that level {} asks for",
                    rule.level
                )
            } else {
                format!(
                    "rules[{index}]: without the stage ResponseComplete it is not recorded whether a request was allowed and what came of it"
                )
            };
            remarks.push(Remark::new(Kind::LosesOutcome, place, message));
        } else if !omits(Stage::RequestReceived) {
            doubled.push(Some(index));
        }
    }
    if !doubled.is_empty() {
        let rules = named(doubled.into_iter());
        remarks.push(Remark::new(
            Kind::Doubles,
            "omitStages",
            format!("the stage RequestReceived is kept, so that {rules} record each request twice, first without its outcome"),
        ));
    }
}

fn managed_fields(policy: &AuditPolicy, remarks: &mut Vec<Remark>) {
    for (index, rule) in policy.rules.iter().enumerate() {
        let omits = rule.omit_managed_fields.unwrap_or(policy.omit_managed_fields);
        let concerns_resources = rule.non_resource_urls.is_empty();
        if rule.level > Level::Metadata && concerns_resources && !omits {
            remarks.push(Remark::new(
                Kind::ManagedFields,
                format!("rules[{index}]"),
                "bodies are recorded with their managed fields, often the longest part of an object; `omitManagedFields: true` leaves them out",
            ));
        }
    }
}
