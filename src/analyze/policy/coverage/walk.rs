//! Who reaches which rule: the exact answer for one target, over all senders, namespaces and names.
//!
//! A rule compares strings with constants and nothing else. So all values of a dimension that satisfy the same rules are
//! alike, and each dimension falls into finitely many parts: the constants that the rules mention, grouped by the rules
//! they satisfy, and everything else. For one part of namespaces and names and one user the rules are walked in order. A
//! rule that asks for groups is reached by people in one of these who are in none of those groups that a rule before it
//! asked for. Every outcome found this way has a request that brings it about, and there are no others.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};
use std::rc::Rc;

use fixedbitset::FixedBitSet;

use super::super::PolicyRule;
use super::super::catalogue::Who;
use super::super::matches::GroupWildcard;
use super::TooLarge;
use super::budget::Budget;
use super::cells::{Objects, Values};
use super::describe::Span;
use super::identity::{Everyone, Identity, Kind};
use super::target::{Names, Target};

/// What a walk through the rules ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Outcome {
    /// The request is one of those that are not asked about, by the rule of this number that says so.
    Excluded(usize),
    /// A rule decides, counted from 0.
    Rule(usize),
    /// No rule matches.
    Unmatched,
}

impl Outcome {
    /// The deciding rule.
    pub(super) fn rule(self) -> Option<usize> {
        match self {
            Self::Rule(rule) => Some(rule),
            Self::Excluded(_) | Self::Unmatched => None,
        }
    }
}

/// Rules in order, prepared for walking.
#[derive(Debug, Clone)]
pub(super) struct RuleSet<'p> {
    rules: Vec<Prepared<'p>>,
}

#[derive(Debug, Clone)]
struct Prepared<'p> {
    rule: &'p PolicyRule,
    outcome: Outcome,
    /// Identities that satisfy `users`, in order; none where every user does.
    users: Option<Vec<usize>>,
    /// Numbers of `userGroups`; none where the rule asks for no group.
    groups: Option<FixedBitSet>,
}

impl<'p> RuleSet<'p> {
    /// The rules of a policy behind those that tell what is not asked about.
    pub(super) fn new(excluded: &[&'p PolicyRule], rules: &'p [PolicyRule], everyone: &Everyone) -> Self {
        let excluded = excluded.iter().enumerate().map(|(number, rule)| (*rule, Outcome::Excluded(number)));
        let rules = rules.iter().enumerate().map(|(index, rule)| (rule, Outcome::Rule(index)));
        let prepared = excluded.chain(rules).map(|(rule, outcome)| Prepared {
            rule,
            outcome,
            users: (!rule.users.is_empty()).then(|| everyone.numbers_of_users(&rule.users)),
            groups: (!rule.user_groups.is_empty()).then(|| everyone.numbers(&rule.user_groups)),
        });
        Self { rules: prepared.collect() }
    }

    /// How many rules there are.
    pub(super) fn len(&self) -> u64 {
        self.rules.len() as u64
    }

    /// The same rules but one, which keep their numbers.
    pub(super) fn without(&self, rule: usize) -> Self {
        let rules = self.rules.iter().filter(|known| known.outcome != Outcome::Rule(rule));
        Self { rules: rules.cloned().collect() }
    }

    /// One rule alone, which keeps its number.
    pub(super) fn only(&self, rule: usize) -> Self {
        let rules = self.rules.iter().filter(|known| known.outcome == Outcome::Rule(rule));
        Self { rules: rules.cloned().collect() }
    }

    /// The rules that can match a target, up to the first that matches all of it.
    pub(super) fn steps(&self, target: &Target, wildcard: GroupWildcard) -> Vec<Step<'p>> {
        let mut steps = Vec::new();
        for (index, prepared) in self.rules.iter().enumerate() {
            let Some(names) = target.matched_by(prepared.rule, wildcard) else { continue };
            let is_last = names == Names::Any
                && prepared.users.is_none()
                && prepared.groups.is_none()
                && prepared.rule.namespaces.is_empty();
            steps.push(Step { index, namespaces: &prepared.rule.namespaces, names });
            if is_last {
                break;
            }
        }
        steps
    }

    fn get(&self, step: &Step<'_>) -> Option<&Prepared<'p>> {
        self.rules.get(step.index)
    }
}

/// A rule that can match a target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Step<'p> {
    /// In its set of rules.
    index: usize,
    pub(super) names: Names<'p>,
    pub(super) namespaces: &'p [String],
}

/// Which senders are asked about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Only<'q> {
    /// Users; empty for all.
    pub(super) users: &'q [String],
    /// Groups of which the sender is or can be in one; empty for all.
    pub(super) groups: &'q [String],
}

impl Only<'_> {
    pub(super) const EVERYONE: Self = Self { users: &[], groups: &[] };

    fn has(&self, identity: &Identity) -> bool {
        let by_name =
            self.users.is_empty() || identity.user.as_ref().is_some_and(|user| self.users.contains(user));
        let by_group = self.groups.is_empty()
            || identity.kind == Kind::Person
            || identity.groups.iter().any(|group| self.groups.contains(group));
        by_name && by_group
    }
}

/// Objects that the rules do not tell apart, and what becomes of requests about them.
#[derive(Debug, Clone)]
pub(super) struct Block<const N: usize> {
    pub(super) namespaces: Rc<Values>,
    pub(super) names: Rc<Values>,
    /// Whether namespace and name are the same.
    pub(super) tied: bool,
    pub(super) parts: Vec<Part<N>>,
    /// Worked out once it is asked for.
    pub(super) census: OnceCell<Census>,
    /// Namespaces and names in words, likewise.
    pub(super) spans: OnceCell<Rc<(Span, Span)>>,
}

/// In how many parts of a block there are senders of each kind: of a kind in more than one, some fare otherwise.
#[derive(Debug, Clone, Default)]
pub(super) struct Census {
    pub(super) kinds: BTreeMap<Kind, usize>,
    /// Of service accounts, by namespace.
    pub(super) namespaces: BTreeMap<String, usize>,
}

impl Census {
    pub(super) fn of<const N: usize>(everyone: &Everyone, parts: &[Part<N>]) -> Self {
        let mut census = Self::default();
        for part in parts {
            let identities = part.identities().filter_map(|(identity, _)| everyone.identities.get(identity));
            let namespaces: BTreeSet<&str> =
                identities.filter_map(|identity| Some(identity.namespace.as_ref()?.0.as_str())).collect();
            for kind in part.kinds(everyone) {
                *census.kinds.entry(*kind).or_default() += 1;
            }
            for namespace in namespaces {
                *census.namespaces.entry(namespace.to_owned()).or_default() += 1;
            }
        }
        census
    }
}

/// Senders that end alike.
#[derive(Debug, Clone)]
pub(super) struct Part<const N: usize> {
    /// How the walk through each set of rules ends.
    pub(super) outcomes: [Outcome; N],
    /// Whether these are requests whose credentials are refused, which pass other stages than all others.
    pub(super) is_refused: bool,
    /// The senders in words, once they were asked for.
    pub(super) words: OnceCell<Rc<[String]>>,
    /// The kinds of senders, likewise.
    pub(super) kinds: OnceCell<Rc<[Kind]>>,
    /// The identities, by their index.
    pub(super) senders: Vec<Sender>,
}

impl<const N: usize> Part<N> {
    /// Every identity with how it gets here.
    pub(super) fn identities(&self) -> impl Iterator<Item = (usize, &Sender)> + Clone {
        self.senders
            .iter()
            .flat_map(|sender| sender.identities.iter().map(move |identity| (*identity, sender)))
    }

    /// The kinds of its senders.
    pub(super) fn kinds(&self, everyone: &Everyone) -> &[Kind] {
        self.kinds.get_or_init(|| {
            let identities = self.identities().filter_map(|(identity, _)| everyone.identities.get(identity));
            let kinds: BTreeSet<Kind> = identities.map(|identity| identity.kind).collect();
            kinds.into_iter().collect()
        })
    }

    /// The identity that is told first.
    pub(super) fn first(&self) -> Option<(usize, &Sender)> {
        let firsts = self.senders.iter().filter_map(|sender| Some((*sender.identities.first()?, sender)));
        firsts.min_by_key(|(identity, _)| *identity)
    }
}

/// Identities that end a walk in the same way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sender {
    /// By their numbers, in order; at least one.
    pub(super) identities: Rc<[usize]>,
    /// For each set of rules the groups of which they must be in one, beside those they always are in; empty for none.
    pub(super) joins: Vec<FixedBitSet>,
}

/// A question about one target.
pub(super) struct Question<'q, 'p, const N: usize> {
    pub(super) everyone: &'q Everyone,
    pub(super) sets: [&'q RuleSet<'p>; N],
    pub(super) steps: [&'q [Step<'p>]; N],
    pub(super) who: &'q [Who],
    pub(super) objects: Objects<'q>,
    pub(super) only: Only<'q>,
}

impl<const N: usize> Question<'_, '_, N> {
    /// Every way in which requests to the target can end.
    pub(super) fn answer(&self, target: &Target, budget: &Budget) -> Result<Vec<Block<N>>, TooLarge> {
        let walkers = self.walkers(budget)?;
        let mut cells = Vec::new();
        for (namespaces, names, accepted, tied) in self.cells(target, budget)? {
            let parts = self.parts(&walkers, &accepted, budget)?;
            cells.push(Block {
                namespaces,
                names,
                tied,
                parts,
                census: OnceCell::new(),
                spans: OnceCell::new(),
            });
        }
        Ok(cells)
    }

    pub(super) fn all_steps(&self) -> impl Iterator<Item = &Step<'_>> {
        self.steps.iter().flat_map(|steps| steps.iter())
    }

    /// The identities, those together that all steps treat alike.
    fn walkers(&self, budget: &Budget) -> Result<Vec<Walker<'_>>, TooLarge> {
        let steps: usize = self.steps.iter().map(|steps| steps.len()).sum();
        let mut numbers: BTreeMap<(FixedBitSet, FixedBitSet, usize, bool), usize> = BTreeMap::new();
        let mut walkers: Vec<Walker<'_>> = Vec::new();
        let mut members: Vec<Vec<usize>> = Vec::new();
        for (index, identity) in self.everyone.identities.iter().enumerate() {
            budget.spend(1)?;
            // One who is asked about under two names of kinds is asked about with all groups that either allows.
            let kinds = || self.who.iter().filter(|who| identity.is(**who));
            if kinds().next().is_none() || !self.only.has(identity) {
                continue;
            }
            budget.spend(8 + 2 * steps as u64)?;
            let joinable = kinds()
                .filter_map(|who| self.everyone.joinable(*who))
                .max_by_key(|groups| groups.count_ones(..));
            let is_refused = identity.kind == Kind::FailedAuthentication;
            let (mut named, mut grouped) =
                (FixedBitSet::with_capacity(steps), FixedBitSet::with_capacity(steps));
            let rules = self
                .steps
                .iter()
                .zip(self.sets)
                .flat_map(|(steps, set)| steps.iter().map(|step| set.get(step)));
            for (number, rule) in rules.enumerate() {
                let Some(rule) = rule else { continue };
                let is_named = |users: &Vec<usize>| !is_refused && users.binary_search(&index).is_ok();
                named.set(number, rule.users.as_ref().is_none_or(is_named));
                let is_in = |groups: &FixedBitSet| !groups.is_disjoint(&identity.fixed);
                grouped.set(number, rule.groups.as_ref().is_none_or(is_in));
            }
            // Which groups can be joined is told by how many: one list holds the other.
            let groups = joinable.map_or(0, |groups| groups.count_ones(..) + 1);
            let next = walkers.len();
            match numbers.entry((named.clone(), grouped.clone(), groups, is_refused)) {
                Entry::Occupied(known) => {
                    if let Some(members) = members.get_mut(*known.get()) {
                        members.push(index);
                    }
                }
                Entry::Vacant(free) => {
                    free.insert(next);
                    members.push(vec![index]);
                    walkers.push(Walker { named, grouped, joinable, is_refused, identities: Rc::new([]) });
                }
            }
        }
        for (walker, members) in walkers.iter_mut().zip(members) {
            walker.identities = members.into();
        }
        Ok(walkers)
    }

    /// How each identity ends whose requests these steps accept.
    fn parts(
        &self,
        walkers: &[Walker<'_>],
        accepted: &FixedBitSet,
        budget: &Budget,
    ) -> Result<Vec<Part<N>>, TooLarge> {
        let mut parts: Vec<Part<N>> = Vec::new();
        for walker in walkers {
            for (outcomes, joins) in self.ends(walker, accepted, budget)? {
                budget.spend(parts.len() as u64 + 1)?;
                let sender = Sender { identities: Rc::clone(&walker.identities), joins };
                let same =
                    |part: &&mut Part<N>| part.outcomes == outcomes && part.is_refused == walker.is_refused;
                match parts.iter_mut().find(same) {
                    Some(part) => part.senders.push(sender),
                    None => parts.push(Part {
                        outcomes,
                        is_refused: walker.is_refused,
                        words: OnceCell::new(),
                        kinds: OnceCell::new(),
                        senders: vec![sender],
                    }),
                }
            }
        }
        Ok(parts)
    }

    /// The ways of a walker through all sets of rules together, and the groups that each takes.
    fn ends(
        &self,
        walker: &Walker<'_>,
        accepted: &FixedBitSet,
        budget: &Budget,
    ) -> Result<Vec<Ending<N>>, TooLarge> {
        let mut ends = vec![([Outcome::Unmatched; N], Vec::new(), FixedBitSet::new())];
        let mut offset = 0;
        for (number, (steps, set)) in self.steps.iter().zip(self.sets).enumerate() {
            let chain = chain(walker, steps, offset, accepted, set, budget)?;
            offset += steps.len();
            // Almost every way is the only one.
            if let ([(outcomes, ..)], [(outcome, None, _)]) = (ends.as_mut_slice(), chain.as_slice()) {
                if let Some(slot) = outcomes.get_mut(number) {
                    *slot = *outcome;
                }
                continue;
            }
            let mut next = Vec::new();
            for (outcomes, joins, forbidden) in &ends {
                for (outcome, join, more) in &chain {
                    budget.spend(1)?;
                    let mut forbidden = forbidden.clone();
                    forbidden.union_with(more);
                    let mut joins: Vec<FixedBitSet> = joins.iter().chain(join).cloned().collect();
                    for join in &mut joins {
                        join.difference_with(&forbidden);
                    }
                    if joins.iter().any(FixedBitSet::is_clear) {
                        continue;
                    }
                    let mut outcomes = *outcomes;
                    if let Some(slot) = outcomes.get_mut(number) {
                        *slot = *outcome;
                    }
                    next.push((outcomes, joins, forbidden));
                }
            }
            ends = next;
        }
        Ok(ends.into_iter().map(|(outcomes, joins, _)| (outcomes, joins)).collect())
    }
}

/// Where a walker ends by each set of rules, and for each the groups of which it must be in one.
type Ending<const N: usize> = ([Outcome; N], Vec<FixedBitSet>);

/// A way through one set of rules: where it ends, of which groups one must be in one for that, and of which in none.
type Way = (Outcome, Option<FixedBitSet>, FixedBitSet);

/// Identities that all steps treat alike.
struct Walker<'q> {
    /// The steps whose `users` they satisfy.
    named: FixedBitSet,
    /// The steps whose `userGroups` they satisfy by the groups they always are in.
    grouped: FixedBitSet,
    /// The groups that they may be in beside.
    joinable: Option<&'q FixedBitSet>,
    is_refused: bool,
    identities: Rc<[usize]>,
}

/// The ways of a walker through one set of rules.
fn chain(
    walker: &Walker<'_>,
    steps: &[Step<'_>],
    offset: usize,
    accepted: &FixedBitSet,
    set: &RuleSet<'_>,
    budget: &Budget,
) -> Result<Vec<Way>, TooLarge> {
    let mut forbidden = FixedBitSet::new();
    let mut chain = Vec::new();
    budget.spend(1 + steps.len() as u64 / 32)?;
    let own = offset..offset + steps.len();
    for bit in accepted.intersection(&walker.named).filter(|bit| own.contains(bit)) {
        let Some(step) = steps.get(bit - offset) else { continue };
        let Some(rule) = set.get(step) else { continue };
        budget.spend(1)?;
        let Some(groups) = rule.groups.as_ref().filter(|_| !walker.grouped.contains(bit)) else {
            chain.push((rule.outcome, None, forbidden));
            return Ok(chain);
        };
        let Some(joinable) = walker.joinable else { continue };
        let mut open = groups.clone();
        open.intersect_with(joinable);
        open.difference_with(&forbidden);
        if !open.is_clear() {
            chain.push((rule.outcome, Some(open.clone()), forbidden.clone()));
            forbidden.union_with(&open);
        }
    }
    chain.push((Outcome::Unmatched, None, forbidden));
    Ok(chain)
}
