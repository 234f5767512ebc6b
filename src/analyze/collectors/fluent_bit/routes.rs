//! The ways of records from their tag through the filters to the outputs.

use super::filters::{Action, Filter, Rule, action, narrowed};
use super::grep::{About, about, namespaces};
use super::inputs::Storage;
use super::matching::Matching;
use super::tag::{Fit, Shape};
use crate::analyze::collectors::model::{Effect, Step};
use crate::analyze::fact::Fact;

/// How often records may be given a new tag.
const MAX_DEPTH: usize = 6;

/// How much work judging all matches may be, about in comparisons of characters.
const BUDGET: usize = 20_000_000;

/// How many steps and ways may be collected.
const ROOM: usize = 200_000;

/// How often records may be divided one after the other.
const MAX_LEVEL: usize = 100;

/// All filters and outputs.
pub(super) struct Router<'a> {
    filters: Vec<Filter<'a>>,
    sinks: Vec<Sink>,
    budget: usize,
    room: usize,
}

/// An output that takes logs.
pub(super) struct Sink {
    /// Where its match stands.
    pub at: String,
    pub matching: Matching,
    /// What its processors do.
    pub steps: Vec<Step>,
    pub output: usize,
}

/// A way to an output.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Way {
    pub steps: Vec<Step>,
    pub output: usize,
    /// Where records wait, if it is not the input: after `rewrite_tag`.
    pub storage: Option<Storage>,
}

/// What following a tag comes to.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Followed {
    pub ways: Vec<Way>,
    /// Whether the filters `kubernetes` on the way honour annotations.
    pub honoured: Vec<Fact<bool>>,
}

/// Records on their way.
struct Load<'t> {
    tag: &'t Shape,
    storage: Option<Storage>,
    /// Whether they know their namespace.
    enriched: bool,
    depth: usize,
    /// How often they have been divided.
    level: usize,
    /// Outputs that the input names itself.
    direct: &'t [Sink],
}

impl<'a> Router<'a> {
    pub(super) fn new(filters: Vec<Filter<'a>>, sinks: Vec<Sink>) -> Self {
        let filters = filters.into_iter().filter(Filter::is_active).collect();
        Self { filters, sinks, budget: BUDGET, room: ROOM }
    }

    /// Follows the records of a tag to outputs that match, and to those that the input names itself.
    ///
    /// # Errors
    /// It cannot be told; the reason.
    pub(super) fn follow(
        &mut self,
        tag: &Shape,
        enriched: bool,
        direct: &[Sink],
    ) -> Result<Followed, String> {
        let mut followed = Followed::default();
        let load = Load { tag, storage: None, enriched, depth: 0, level: 0, direct };
        followed.ways = self.walk(load, 0, &mut followed.honoured)?;
        Ok(followed)
    }

    fn walk(
        &mut self,
        load: Load<'_>,
        from: usize,
        honoured: &mut Vec<Fact<bool>>,
    ) -> Result<Vec<Way>, String> {
        if load.depth > MAX_DEPTH {
            return Err(format!(
                "rewrite_tag gives records new tags more than {MAX_DEPTH} times, or in circles"
            ));
        }
        if load.level > MAX_LEVEL {
            return Err(too_much());
        }
        let mut load = load;
        let mut steps: Vec<Step> = Vec::new();
        for index in from..self.filters.len() {
            let Some(filter) = self.filters.get(index) else { break };
            self.budget = spend(self.budget, &filter.matching, load.tag)?;
            let fit = filter.matching.fit(load.tag);
            if fit == Fit::Never {
                continue;
            }
            match action(filter.section, load.enriched) {
                Action::Steps(own) => {
                    steps.extend(own.into_iter().map(|step| taken(step, &fit, &filter.matching)));
                }
                Action::Kubernetes(exclude) => {
                    load.enriched = true;
                    honoured.push(if fit == Fit::Always {
                        exclude
                    } else {
                        in_part(exclude, &filter.matching)
                    });
                }
                Action::Rewrite(rules) if rules.is_empty() => {}
                Action::Rewrite(rules) => {
                    let ways = self.split(&load, index, &fit, &rules, honoured)?;
                    return self.after(&steps, ways);
                }
            }
        }
        let ways = self.arrive(&load)?;
        self.after(&steps, ways)
    }

    /// The outputs that take a tag.
    fn arrive(&mut self, load: &Load<'_>) -> Result<Vec<Way>, String> {
        let mut ways = Vec::new();
        for sink in self.sinks.iter().chain(load.direct) {
            self.budget = spend(self.budget, &sink.matching, load.tag)?;
            let fit = sink.matching.fit(load.tag);
            let mut steps = Vec::new();
            let (effect, why) = match fit {
                Fit::Never => continue,
                Fit::Always => (None, String::new()),
                Fit::Sometimes => {
                    (Some(Effect::Selects), format!("takes only some of the tags {}", load.tag.shown()))
                }
                Fit::Unclear(reason) => (Some(Effect::Unclear), format!("may not take all tags: {reason}")),
            };
            if let Some(effect) = effect {
                steps.push(Step {
                    at: sink.at.clone(),
                    what: format!("{} {why}", sink.matching.shown()),
                    effect,
                });
            }
            steps.extend(sink.steps.iter().cloned());
            self.room = self.room.checked_sub(steps.len() + 1).ok_or_else(too_much)?;
            ways.push(Way { steps, output: sink.output, storage: load.storage.clone() });
        }
        Ok(ways)
    }

    /// Follows records where some of them get a new tag, with which they begin anew at the first filter. What every
    /// part of them comes to is not divided by it.
    fn split(
        &mut self,
        load: &Load<'_>,
        index: usize,
        fit: &Fit,
        rules: &[Rule],
        honoured: &mut Vec<Fact<bool>>,
    ) -> Result<Vec<Way>, String> {
        let mut parts: Vec<Vec<Way>> = Vec::new();
        let mut copies: Vec<Way> = Vec::new();
        let mut left = true;
        let mut moved: Vec<Step> = Vec::new();
        for rule in rules {
            let tag = rule.tag(load.tag);
            let next = Load {
                tag: &tag,
                storage: Some(rule.storage.clone()),
                enriched: load.enriched,
                depth: load.depth + 1,
                level: load.level + 1,
                direct: load.direct,
            };
            let ways = self.walk(next, 0, honoured)?;
            let takes_all = *fit == Fit::Always && rule.takes_all && is_always_there(&rule.key);
            let mut steps =
                if takes_all { Vec::new() } else { vec![selecting(rule, fit, load.enriched, true)] };
            steps.splice(0..0, moved.iter().cloned());
            let ways = self.after(&steps, ways)?;
            if rule.keeps {
                copies.extend(ways);
            } else {
                parts.push(ways);
                moved.push(selecting(rule, fit, load.enriched, false));
            }
            if takes_all {
                // Later rules see nothing, for the first that fits counts.
                left = rule.keeps;
                break;
            }
        }
        if left {
            let rest = Load {
                tag: load.tag,
                storage: load.storage.clone(),
                enriched: load.enriched,
                depth: load.depth,
                level: load.level + 1,
                direct: load.direct,
            };
            let ways = self.walk(rest, index + 1, honoured)?;
            parts.push(self.after(&moved, ways)?);
        }
        let count: usize = parts.iter().map(Vec::len).sum();
        self.budget = self.budget.checked_sub(count * count * (1 + rules.len())).ok_or_else(too_much)?;
        let mut ways = joined(&parts, &moved, rules);
        ways.extend(copies);
        Ok(ways)
    }

    /// The ways with these steps before their own.
    fn after(&mut self, steps: &[Step], ways: Vec<Way>) -> Result<Vec<Way>, String> {
        self.room = self.room.checked_sub((steps.len() + 1) * ways.len()).ok_or_else(too_much)?;
        let longer = |way: Way| Way { steps: steps.iter().cloned().chain(way.steps).collect(), ..way };
        Ok(ways.into_iter().map(longer).collect())
    }
}

/// The ways of parts of the records as the ways of all: where an output is reached by every part, the division itself
/// takes nothing from it.
fn joined(parts: &[Vec<Way>], moved: &[Step], rules: &[Rule]) -> Vec<Way> {
    let is_division = |step: &Step| {
        moved.contains(step) || rules.iter().any(|rule| rule.at == step.at && rule.what == step.what)
    };
    let count = parts.len();
    let reached = |output: usize| {
        parts.iter().filter(|ways| ways.iter().any(|way| way.output == output)).count() == count
    };
    let mut all: Vec<Way> = Vec::new();
    for way in parts.iter().flatten() {
        if count < 2 || !reached(way.output) {
            all.push(way.clone());
            continue;
        }
        let steps = way.steps.iter().filter(|step| !is_division(step)).cloned();
        match all.iter_mut().find(|known| known.output == way.output) {
            Some(known) => {
                let new: Vec<Step> = steps.filter(|step| !known.steps.contains(step)).collect();
                known.steps.extend(new);
                known.storage = known.storage.take().or_else(|| way.storage.clone());
            }
            None => {
                all.push(Way { steps: steps.collect(), output: way.output, storage: way.storage.clone() });
            }
        }
    }
    all
}

/// The step that a rule of `rewrite_tag` is for the records it takes, or for those it leaves.
fn selecting(rule: &Rule, fit: &Fit, enriched: bool, takes: bool) -> Step {
    let effect = match (fit, about(&rule.key, enriched)) {
        (Fit::Always, About::Namespace) => {
            Effect::Namespaces(namespaces(takes, &rule.at, rule.pattern.clone()))
        }
        (Fit::Always | Fit::Sometimes, About::Content) if !rule.takes_all => Effect::DropsSome,
        (Fit::Sometimes, _) => Effect::DropsSome,
        _ => Effect::Unclear,
    };
    Step { at: rule.at.clone(), what: rule.what.clone(), effect }
}

/// Fields that every record of a log has, as the usual parsers name them.
fn is_always_there(key: &str) -> bool {
    matches!(
        key.trim_start_matches('$').to_ascii_lowercase().as_str(),
        "log" | "message" | "kubernetes['namespace_name']" | "kubernetes['pod_name']"
    )
}

/// A step of a filter whose match may take some tags only.
fn taken(step: Step, fit: &Fit, matching: &Matching) -> Step {
    match fit {
        Fit::Always | Fit::Never => step,
        Fit::Sometimes => narrowed(step),
        Fit::Unclear(reason) => Step {
            what: format!("{} ({}: {reason})", step.what, matching.shown()),
            effect: Effect::Unclear,
            ..step
        },
    }
}

fn in_part(exclude: Fact<bool>, matching: &Matching) -> Fact<bool> {
    match exclude.value() {
        Some(false) => exclude,
        _ => Fact::unknown(format!("{} may not take all records of the input", matching.shown())),
    }
}

fn spend(budget: usize, matching: &Matching, tag: &Shape) -> Result<usize, String> {
    budget.checked_sub((tag.0.len() + 1).saturating_mul(matching.size())).ok_or_else(too_much)
}

fn too_much() -> String {
    "there are more inputs, filters and outputs than this program follows".to_owned()
}
