//! The ways of records from sources through filters and matches, as Fluentd's event router goes them: filters in order up to
//! the first match that takes the tag; outputs that emit again begin anew.

use std::collections::BTreeMap;

use super::filter::{by_namespaces, steps};
use super::section::Section;
use super::tag::{Matches, Patterns, Tag};
use super::target::{Emission, Target};
use crate::analyze::collectors::model::{Effect, Pattern, Route, Step, Unread};
use crate::analyze::fact::Fact;
use crate::verdict::{Evidence, Rank};

/// How often records may be emitted again on one way.
const MAX_HOPS: usize = 24;

/// How many ways one source may have, and how many steps one way.
const MAX_ROUTES: usize = 200;
const MAX_STEPS: usize = 400;

/// How many characters are compared for one configuration.
const MAX_WORK: usize = 30_000_000;

/// One of the things that records pass.
pub(super) enum Rule<'s, 'a> {
    Filter(Patterns, &'s Section<'a>, Vec<Step>),
    Match(Patterns, &'s Section<'a>, Target),
    Unseen(Unread),
}

impl<'s, 'a> Rule<'s, 'a> {
    pub(super) fn filter(patterns: Patterns, section: &'s Section<'a>) -> Self {
        Self::Filter(patterns, section, steps(section))
    }
}

/// What the labels hold; the outermost is `@ROOT`.
#[derive(Default)]
pub(super) struct Router<'s, 'a> {
    pub(super) labels: BTreeMap<String, Vec<Rule<'s, 'a>>>,
    work: usize,
}

/// What is found while the ways of one source are followed.
#[derive(Default)]
struct Found {
    routes: Vec<Route>,
    evidence: Vec<Evidence>,
    /// Outputs that emit again, from the source to here.
    passing: Vec<usize>,
    /// Why the ways cannot be told.
    failed: Option<String>,
    /// A part that is not seen was passed.
    unseen: Option<String>,
}

impl Router<'_, '_> {
    /// The ways of what a source emits.
    pub(super) fn routes(&mut self, at: &str, label: &str, tag: &Tag) -> Fact<Vec<Route>> {
        let mut found = Found::default();
        let mut work = self.work;
        self.walk(label, tag, Vec::new(), 0, &mut found, &mut work);
        self.work = work;
        let Found { routes, mut evidence, failed, unseen, .. } = found;
        if let Some(why) = failed {
            return Fact::unknown(why);
        }
        if let (true, Some(why)) = (routes.is_empty(), unseen) {
            return Fact::unknown(format!(
                "no <match> that is seen takes the tag {}, but {why}",
                tag.shown()
            ));
        }
        if routes.is_empty() {
            let detail = format!("no <match> leads on what has the tag {}", tag.shown());
            evidence.push(Evidence { at: at.to_owned(), detail });
        }
        Fact::known(routes, Rank::Configured, evidence)
    }

    fn walk(
        &self,
        label: &str,
        tag: &Tag,
        mut steps: Vec<Step>,
        hops: usize,
        found: &mut Found,
        work: &mut usize,
    ) {
        let Some(rules) = self.labels.get(label) else {
            found.failed = Some(format!("the label {label} is not among what is seen"));
            return;
        };
        if hops > MAX_HOPS {
            found.failed = Some("records are emitted again and again".into());
            return;
        }
        for rule in rules {
            if found.failed.is_some() {
                return;
            }
            let (patterns, section) = match rule {
                Rule::Unseen(unread) => {
                    found.unseen = Some(unread.why.clone());
                    let what =
                        format!("filters and matches may stand in what is included here: {}", unread.why);
                    steps.push(Step { at: unread.at.clone(), what, effect: Effect::Unclear });
                    continue;
                }
                Rule::Filter(patterns, section, _) | Rule::Match(patterns, section, _) => (patterns, section),
            };
            *work += patterns.cost(tag) + steps.len();
            if *work > MAX_WORK || found.routes.len() > MAX_ROUTES || steps.len() > MAX_STEPS {
                found.failed = Some("there are more filters and matches than are followed".into());
                return;
            }
            let matches = patterns.compare(tag);
            if matches == Matches::Never {
                continue;
            }
            match rule {
                Rule::Unseen(_) => {}
                Rule::Filter(_, _, own) if matches == Matches::Always => steps.extend(own.iter().cloned()),
                Rule::Filter(_, _, own) => steps.extend(own.iter().map(|step| in_part(step, patterns))),
                Rule::Match(_, _, target) => {
                    let mut here = steps.clone();
                    if matches == Matches::Sometimes {
                        here.push(split(section, patterns, tag, true));
                    }
                    if found.evidence.len() < 3 {
                        let detail = format!("<match {}> takes the tag {}", patterns.shown(), tag.shown());
                        found.evidence.push(Evidence { at: section.spot.at(), detail });
                    }
                    self.deliver(target, label, tag, here, hops, found, work);
                    if matches == Matches::Always {
                        return;
                    }
                    steps.push(split(section, patterns, tag, false));
                }
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the state of a walk, handed down")]
    fn deliver(
        &self,
        target: &Target,
        label: &str,
        tag: &Tag,
        steps: Vec<Step>,
        hops: usize,
        found: &mut Found,
        work: &mut usize,
    ) {
        *work += 1 + steps.len();
        if *work > MAX_WORK {
            found.failed = Some("there are more filters and matches than are followed".into());
        }
        if found.failed.is_some() {
            return;
        }
        match target {
            Target::Output(output) => {
                let route = Route { steps, output: *output };
                if !found.routes.contains(&route) {
                    found.routes.push(route);
                }
            }
            Target::Several(targets, share) => {
                for target in targets {
                    let steps = steps.iter().chain(share).cloned().collect();
                    self.deliver(target, label, tag, steps, hops, found, work);
                }
            }
            // A tag that is not known is not taken to lead back: the program would turn in circles.
            Target::Emit(number, _) if !tag.known && found.passing.contains(number) => {
                found.unseen = Some("the tag is computed while records pass".into());
            }
            Target::Emit(number, emissions) => {
                found.passing.push(*number);
                for emission in emissions {
                    self.emit(emission, label, tag, &steps, hops, found, work);
                }
                found.passing.pop();
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the state of a walk, handed down")]
    fn emit(
        &self,
        emission: &Emission,
        label: &str,
        tag: &Tag,
        steps: &[Step],
        hops: usize,
        found: &mut Found,
        work: &mut usize,
    ) {
        let next = emission.tag.apply(tag);
        // What keeps its tag would come back to where it is; the plugins leave it out.
        if emission.label.is_none() && tag.known && next == *tag {
            return;
        }
        let steps = steps.iter().chain(&emission.steps).cloned().collect();
        let label = emission.label.as_deref().unwrap_or(label);
        self.walk(label, &next, steps, hops + 1, found, work);
    }
}

/// A step that only some of the tags pass.
fn in_part(step: &Step, patterns: &Patterns) -> Step {
    let effect = match &step.effect {
        Effect::DropsAll => match patterns.namespaces() {
            Some(namespaces) => by_namespaces(&step.at, namespaces, false),
            None => Effect::DropsSome,
        },
        Effect::Namespaces(_) => Effect::DropsSome,
        other => other.clone(),
    };
    Step {
        at: step.at.clone(),
        what: format!("{}, for tags that match {}", step.what, patterns.shown()),
        effect,
    }
}

/// What a match does that takes only some of the tags: to those it takes, or to the others.
fn split(section: &Section<'_>, patterns: &Patterns, tag: &Tag, taken: bool) -> Step {
    let at = section.spot.at();
    let shown = patterns.shown();
    let what = if taken {
        format!("only tags that match {shown}")
    } else {
        format!("tags that match {shown} go elsewhere")
    };
    let namespaces: Option<Vec<Pattern>> = patterns.namespaces();
    let effect = match namespaces {
        _ if !tag.known || !patterns.are_known() => Effect::Unclear,
        Some(namespaces) => by_namespaces(&at, namespaces, taken),
        None => Effect::Selects,
    };
    Step { at, what, effect }
}
