//! Answers for many targets: targets that the same rules match in the same way have the same answer, which is worked out once.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::catalogue::Who;
use super::super::matches::GroupWildcard;
use super::TooLarge;
use super::budget::Budget;
use super::cells::Objects;
use super::identity::Everyone;
use super::target::{Naming, Scope, Target};
use super::walk::{Block, Only, Question, RuleSet, Step};

/// One or two sets of rules, and who is asked about.
pub(super) struct Survey<'s, const N: usize> {
    pub(super) everyone: &'s Everyone,
    pub(super) sets: [RuleSet<'s>; N],
    pub(super) who: &'s [Who],
    pub(super) wildcard: GroupWildcard,
    only: Only<'s>,
    budget: &'s Budget,
    known: RefCell<BTreeMap<Alike<'s, N>, Answer<N>>>,
}

/// Every way in which requests to a target can end.
pub(super) type Answer<const N: usize> = Rc<Vec<Block<N>>>;

/// What decides the answer for a target.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Alike<'s, const N: usize> {
    steps: [Vec<Step<'s>>; N],
    naming: Naming,
    scope: Option<Scope>,
    /// Lists and watches may span all namespaces.
    spans: bool,
    is_watch: bool,
    objects: Objects<'s>,
}

impl<'s, const N: usize> Survey<'s, N> {
    pub(super) fn new(
        everyone: &'s Everyone,
        sets: [RuleSet<'s>; N],
        who: &'s [Who],
        wildcard: GroupWildcard,
        budget: &'s Budget,
    ) -> Self {
        Self { everyone, sets, who, wildcard, only: Only::EVERYONE, budget, known: RefCell::default() }
    }

    /// The same, about these senders among them only.
    pub(super) fn only(self, only: Only<'s>) -> Self {
        Self { only, ..self }
    }

    /// How requests to a target about these objects end.
    pub(super) fn answer(&self, target: &Target, objects: Objects<'s>) -> Result<Answer<N>, TooLarge> {
        let scope = match target {
            Target::Resource { scope, .. } => Some(*scope),
            Target::Path { .. } => None,
        };
        // Finding the rules that can match costs as well.
        self.budget.spend(self.sets.iter().map(RuleSet::len).sum())?;
        let verb = target.verb();
        let alike = Alike {
            steps: self.sets.each_ref().map(|set| set.steps(target, self.wildcard)),
            naming: target.naming(),
            scope,
            spans: matches!(verb, "list" | "watch"),
            is_watch: verb == "watch",
            objects,
        };
        if let Some(answer) = self.known.borrow().get(&alike) {
            return Ok(Rc::clone(answer));
        }
        let question = Question {
            everyone: self.everyone,
            sets: self.sets.each_ref(),
            steps: alike.steps.each_ref().map(Vec::as_slice),
            who: self.who,
            objects,
            only: self.only,
        };
        let answer = Rc::new(question.answer(target, self.budget)?);
        self.known.borrow_mut().insert(alike, Rc::clone(&answer));
        Ok(answer)
    }
}
