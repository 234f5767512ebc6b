//! What two policies record differently.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::super::AuditPolicy;
use super::super::Level;
use super::super::apis::Apis;
use super::super::catalogue::{Body, Catalogue};
use super::super::matches::{
    Evaluator, GroupWildcard, RequestKind, StageSet, effective_level, written_stages,
};
use super::asked::everyone;
use super::budget::Budget;
use super::cells::{Objects, Values};
use super::gather::{Gathered, Requests};
use super::patterns::World;
use super::survey::Survey;
use super::target::Target;
use super::walk::{Block, Outcome, RuleSet};
use super::{EVERYONE, TooLarge, as_somebody};
use crate::verdict::Severity;

/// In which direction a record changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Less is recorded.
    Less,
    /// The level is the same, but it is recorded at fewer or other stages.
    Stages,
    /// More is recorded.
    More,
}

/// Requests that two policies record differently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The direction.
    pub change: Change,
    /// Whether the second policy logs bodies of them that hold credentials (those of severity high), and the first does not.
    pub leaks: bool,
    /// The level by the first policy.
    pub before: Level,
    /// The level by the second.
    pub after: Level,
    /// The deciding rule of the first policy, counted from 0; none where no rule matches.
    pub rule_before: Option<usize>,
    /// The deciding rule of the second.
    pub rule_after: Option<usize>,
    /// The stages written by the first policy.
    pub stages_before: StageSet,
    /// The stages written by the second.
    pub stages_after: StageSet,
    /// Which requests.
    #[serde(flatten)]
    pub requests: Requests,
    /// The classes of the catalogue to which some of these requests belong.
    pub classes: Vec<String>,
}

/// How the requests of a part end under both policies, in the order in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct End {
    /// Whether bodies stay out of the log: those that come into it are told first.
    keeps: bool,
    change: Change,
    before: Record,
    after: Record,
    /// The number of the set of classes.
    classes: usize,
}

/// What one policy makes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Record {
    level: Level,
    stages: StageSet,
    rule: Option<usize>,
}

/// All requests that the second policy records differently, over everything that is served or that either policy names.
///
/// # Errors
/// The policies are too large.
pub fn differences(
    before: &AuditPolicy,
    after: &AuditPolicy,
    wildcard: GroupWildcard,
    apis: &Apis,
    catalogue: &Catalogue,
) -> Result<Vec<Difference>, TooLarge> {
    let everyone = everyone(&[before, after], catalogue);
    let evaluators = [before, after].map(|policy| Evaluator::with_group_wildcard(policy, wildcard));
    let budget = Budget::new();
    let sets = [before, after].map(|policy| RuleSet::new(&[], &policy.rules, &everyone));
    let survey = Survey::new(&everyone, sets, &EVERYONE, wildcard, &budget);
    let world = World::new(apis, before.rules.iter().chain(&after.rules));
    let classes: Vec<(&str, BTreeSet<Target>)> = catalogue
        .classes
        .iter()
        .map(|class| {
            (class.id.as_str(), class.requests.iter().flat_map(|pattern| world.targets(pattern)).collect())
        })
        .collect();
    let mut gathered: Gathered<End> = Gathered::default();
    let mut sets_of_classes: Vec<Vec<String>> = Vec::new();
    let mut targets = world.everything();
    targets.extend(classes.iter().flat_map(|(_, targets)| targets.iter().cloned()));
    for target in &targets {
        let usual = RequestKind::of(&as_somebody(target.attributes("", "")));
        let mine: Vec<String> = classes
            .iter()
            .filter(|(_, targets)| targets.contains(target))
            .map(|(id, _)| (*id).to_owned())
            .collect();
        let number = sets_of_classes.iter().position(|known| *known == mine).unwrap_or_else(|| {
            sets_of_classes.push(mine);
            sets_of_classes.len() - 1
        });
        for cell in survey.answer(target, Objects::ANY)?.iter() {
            for part in &cell.parts {
                let kind = if part.is_refused { RequestKind::FailedAuthentication } else { usual };
                let [before, after] =
                    std::array::from_fn(|index| record(&evaluators, &part.outcomes, index, kind));
                let change = match after.level.cmp(&before.level) {
                    Ordering::Less => Change::Less,
                    Ordering::Greater => Change::More,
                    Ordering::Equal if before.stages != after.stages => Change::Stages,
                    Ordering::Equal => continue,
                };
                // A request whose credentials are refused is answered before anything reads its body.
                let keeps = kind == RequestKind::FailedAuthentication
                    || !catalogue
                        .bodies
                        .iter()
                        .filter(|body| body.severity >= Severity::High)
                        .any(|body| leaks(body, target, cell, before.level, after.level));
                let end = End { keeps, change, before, after, classes: number };
                gathered.add(end, &everyone, [target], cell, part, &EVERYONE);
            }
        }
    }
    let list = gathered.list().into_iter().map(|(end, requests)| Difference {
        change: end.change,
        leaks: !end.keeps,
        before: end.before.level,
        after: end.after.level,
        rule_before: end.before.rule,
        rule_after: end.after.rule,
        stages_before: end.before.stages,
        stages_after: end.after.stages,
        requests,
        classes: sets_of_classes.get(end.classes).cloned().unwrap_or_default(),
    });
    Ok(list.collect())
}

fn record(evaluators: &[Evaluator; 2], outcomes: &[Outcome; 2], index: usize, kind: RequestKind) -> Record {
    let rule = outcomes.get(index).and_then(|outcome| outcome.rule());
    let decision = evaluators.get(index).map(|evaluator| match rule {
        Some(rule) => evaluator.by_rule(rule),
        None => evaluator.unmatched(),
    });
    match decision {
        Some(decision) => {
            Record { level: effective_level(&decision, kind), stages: written_stages(&decision, kind), rule }
        }
        None => Record { level: Level::None, stages: StageSet::default(), rule },
    }
}

/// Whether a kind of body is logged at a level and was not at another.
fn leaks(body: &Body, target: &Target, cell: &Block<2>, before: Level, after: Level) -> bool {
    let Target::Resource { verb, group, resource, subresource, .. } = target else { return false };
    let is_meant = body.objects.iter().any(|objects| {
        objects.group == *group
            && objects.resources.iter().any(|known| {
                known.split_once('/').unwrap_or((known, "")) == (resource.as_str(), subresource.as_str())
            })
    });
    let within = |values: &Values, allowed: &[String]| {
        values.other.is_none() && values.named.iter().all(|value| allowed.contains(value))
    };
    let is_excepted = body
        .except
        .iter()
        .any(|except| within(&cell.namespaces, &except.namespaces) && within(&cell.names, &except.names));
    let from = body.sensitive.iter().filter_map(|part| part.logged_from(verb)).min();
    is_meant && !is_excepted && from.is_some_and(|from| before < from && after >= from)
}
