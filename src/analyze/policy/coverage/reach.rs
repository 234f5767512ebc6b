//! Which rules requests reach at all, over everything that is served or named.

use std::collections::BTreeSet;

use super::super::Level;
use super::super::apis::Apis;
use super::super::matches::{RequestKind, effective_level};
use super::super::{AuditPolicy, PolicyRule};
use super::cells::{Objects, is_segment};
use super::identity::is_label;
use super::patterns::World;
use super::survey::Survey;
use super::target::{Target, is_about_resources};
use super::walk::{Only, Outcome, RuleSet};
use super::{EVERYONE, Prover, TooLarge, as_somebody};

/// The deciding rule, counted from 0; none where no rule matches.
pub type Decider = Option<usize>;

/// Works out which rules of a policy requests reach.
pub struct Reach<'r> {
    prover: &'r Prover<'r>,
    targets: BTreeSet<Target>,
    rules: RuleSet<'r>,
    reached: BTreeSet<(Outcome, RequestKind)>,
}

impl<'r> Reach<'r> {
    /// Goes through everything once.
    ///
    /// # Errors
    /// The policy is too large.
    pub fn new(prover: &'r Prover<'r>) -> Result<Self, TooLarge> {
        let world = World::new(prover.apis, prover.policy.rules.iter());
        let mut reach = Self {
            prover,
            targets: world.everything(),
            rules: RuleSet::new(&[], &prover.policy.rules, &prover.everyone),
            reached: BTreeSet::new(),
        };
        reach.reached = reach.all()?;
        Ok(reach)
    }

    /// Whether a request reaches the rule.
    pub fn is_reached(&self, rule: usize) -> bool {
        self.reached.iter().any(|(outcome, _)| *outcome == Outcome::Rule(rule))
    }

    /// The kinds of requests that reach the rule.
    pub fn kinds(&self, rule: usize) -> Vec<RequestKind> {
        let reached = self.reached.iter().filter(|(outcome, _)| *outcome == Outcome::Rule(rule));
        reached.map(|(_, kind)| *kind).collect()
    }

    /// The levels at which requests are really recorded, and the rule that decides on each.
    pub fn levels(&self) -> Vec<(Level, Decider)> {
        let level = |(outcome, kind): &(Outcome, RequestKind)| {
            (effective_level(&self.prover.decision(*outcome), *kind), outcome.rule())
        };
        self.reached.iter().map(level).collect()
    }

    fn all(&self) -> Result<BTreeSet<(Outcome, RequestKind)>, TooLarge> {
        let Prover { everyone, budget, .. } = self.prover;
        let survey = Survey::new(everyone, [self.rules.clone()], &EVERYONE, self.prover.wildcard, budget);
        let mut reached = BTreeSet::new();
        for target in &self.targets {
            let usual = RequestKind::of(&as_somebody(target.attributes("", "")));
            for cell in survey.answer(target, Objects::ANY)?.iter() {
                reached.extend(cell.parts.iter().map(|part| {
                    (
                        part.outcomes[0],
                        if part.is_refused { RequestKind::FailedAuthentication } else { usual },
                    )
                }));
            }
        }
        Ok(reached)
    }

    /// The rules that decide the requests that a rule matches: itself, or those before it; none if it matches no request.
    ///
    /// # Errors
    /// The policy is too large.
    pub fn deciders(&self, rule: usize) -> Result<BTreeSet<usize>, TooLarge> {
        let alone = self.rules.only(rule);
        let mut deciders = BTreeSet::new();
        self.pairs(rule, &alone, |[decider, alone]| {
            if alone == Outcome::Rule(rule) {
                deciders.extend(decider.rule());
            }
            true
        })?;
        Ok(deciders)
    }

    /// What would decide in place of a rule that could as well not be there: each of its requests would be recorded just
    /// the same. None if the rule changes something.
    ///
    /// # Errors
    /// The policy is too large.
    pub fn replaced_by(&self, rule: usize) -> Result<Option<BTreeSet<Decider>>, TooLarge> {
        let without = self.rules.without(rule);
        let mut deciders = BTreeSet::new();
        let mut is_same = true;
        self.pairs(rule, &without, |[with, without]| {
            if with == Outcome::Rule(rule) {
                is_same = self.is_same(with, without);
                deciders.insert(without.rule());
            }
            is_same
        })?;
        Ok(is_same.then_some(deciders))
    }

    fn is_same(&self, one: Outcome, other: Outcome) -> bool {
        let [one, other] = [one, other].map(|outcome| self.prover.decision(outcome));
        let nothing = one.level == super::Level::None;
        one.level == other.level
            && (nothing
                || (one.omit_stages, one.omit_managed_fields)
                    == (other.omit_stages, other.omit_managed_fields))
    }

    /// Tells how the requests that a rule can match end by the policy and by other rules, until it is enough.
    fn pairs(
        &self,
        rule: usize,
        others: &RuleSet<'r>,
        mut tell: impl FnMut([Outcome; 2]) -> bool,
    ) -> Result<(), TooLarge> {
        let Prover { everyone, budget, wildcard, .. } = self.prover;
        let Some(text) = self.prover.policy.rules.get(rule) else { return Ok(()) };
        // Of all other senders it is known that the rule does not match them.
        let survey =
            Survey::new(everyone, [self.rules.clone(), others.clone()], &EVERYONE, *wildcard, budget)
                .only(Only { users: &text.users, groups: &text.user_groups });
        for target in &self.targets {
            if target.matched_by(text, *wildcard).is_none() {
                continue;
            }
            let objects = Objects { namespaces: &text.namespaces, names: &[] };
            for cell in survey.answer(target, objects)?.iter() {
                if !cell.parts.iter().all(|part| tell(part.outcomes)) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

impl Prover<'_> {
    /// Whether a request can come from a user of this name.
    pub fn has_user(&self, user: &str) -> bool {
        self.everyone.has_user(user)
    }

    /// Whether a user can be in this group.
    pub fn has_group(&self, group: &str) -> bool {
        self.everyone.has_group(group)
    }

    /// The policy.
    pub fn policy(&self) -> &AuditPolicy {
        self.policy
    }

    /// Its rules.
    pub fn rules(&self) -> &[PolicyRule] {
        &self.policy.rules
    }

    /// What is served.
    pub fn apis(&self) -> &Apis {
        self.apis
    }
}

/// Whether a text can be the name of a namespace.
pub fn can_be_in_namespace(name: &str) -> bool {
    is_label(name)
}

/// Whether a text can be the name of an object.
pub fn can_be_named(name: &str) -> bool {
    is_segment(name) && !name.contains('*')
}

/// Whether no request by URL has a path that this pattern fits, because all below it are about resources.
pub fn is_only_about_resources(pattern: &str) -> bool {
    is_about_resources(pattern.trim_end_matches('*'))
}
