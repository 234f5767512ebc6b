//! The ways of records through log paths: each gets a copy, in order, until a path is final.

use super::program::{Arm, Element, Path, Program, Test};
use crate::analyze::collectors::model::{Effect, NamespaceRule, Route, Step};

/// How many ways one input may have, how many parts are followed, and how many steps ways may have together.
const MAX_ROUTES: usize = 1000;
const MAX_VISITS: usize = 20_000;
const MAX_STEPS: usize = 20_000;

/// A way, and whether reading waits for its end.
pub(super) type Way = (Route, bool);

/// The ways of an input; why they cannot be told.
pub(super) fn ways(program: &Program, input: usize) -> Result<Vec<Way>, String> {
    let mut walk = Walk { input, ways: Vec::new(), visits: 0, steps: 0 };
    let outside = State { inside: false, steps: Vec::new(), flow: program.flow_control };
    walk.each(&program.paths, &outside)?;
    Ok(walk.ways)
}

/// How records get to a place.
#[derive(Clone)]
struct State {
    /// Whether they have got in: before their source stands in a path, they have not.
    inside: bool,
    /// What has happened to them.
    steps: Vec<Step>,
    /// Whether reading waits.
    flow: bool,
}

struct Walk {
    input: usize,
    ways: Vec<Way>,
    visits: usize,
    steps: usize,
}

impl Walk {
    fn count(&mut self, steps: usize) -> Result<(), String> {
        self.visits += 1;
        self.steps += steps;
        if self.visits > MAX_VISITS || self.steps > MAX_STEPS || self.ways.len() > MAX_ROUTES {
            return Err("there are more ways than can be followed".into());
        }
        Ok(())
    }

    /// Paths side by side. Comes to the steps of what gets through each of them, beyond those there were.
    fn each(&mut self, paths: &[Path], begin: &State) -> Result<Vec<Vec<Step>>, String> {
        let mut ends = Vec::new();
        let mut left = begin.clone();
        let mut untaken = begin.clone();
        let mut all_taken = false;
        for path in paths.iter().filter(|path| !path.flags.fallback) {
            if matches!(path.elements.as_slice(), [Element::Unseen]) {
                let what = "a path that is not seen may take records here".to_owned();
                let step = Step { at: path.at.clone(), what, effect: Effect::Unclear };
                left.steps.push(step.clone());
                untaken.steps.push(step);
                continue;
            }
            let Some(through) = self.path(path, &left)? else { continue };
            let more = through.get(left.steps.len()..).unwrap_or_default().to_vec();
            ends.push(through.get(begin.steps.len()..).unwrap_or_default().to_vec());
            match rest(&more, &path.at) {
                None => {
                    all_taken = true;
                    if path.flags.last {
                        return Ok(ends);
                    }
                }
                Some(step) => {
                    untaken.steps.push(step.clone());
                    if path.flags.last {
                        left.steps.push(step);
                    }
                }
            }
        }
        for path in paths.iter().filter(|path| path.flags.fallback && !all_taken) {
            if let Some(through) = self.path(path, &untaken)? {
                ends.push(through.get(begin.steps.len()..).unwrap_or_default().to_vec());
                if path.flags.last
                    && rest(through.get(untaken.steps.len()..).unwrap_or_default(), "").is_none()
                {
                    break;
                }
            }
        }
        Ok(ends)
    }

    /// One path. Comes to the steps of what gets through; none if nothing gets in.
    fn path(&mut self, path: &Path, begin: &State) -> Result<Option<Vec<Step>>, String> {
        let mut way = begin.clone();
        way.inside |= path.flags.catchall;
        way.flow = path.flags.flow_control.unwrap_or(way.flow);
        for element in &path.elements {
            self.count(way.steps.len())?;
            match element {
                Element::From(inputs) => way.inside |= inputs.contains(&self.input),
                Element::Junction(paths) => {
                    let ends = self.each(paths, &way)?;
                    way.inside |= !ends.is_empty();
                    if way.inside {
                        way.steps.extend(joined(&ends, &path.at));
                    }
                }
                Element::Unknown(why) if way.inside => return Err(why.clone()),
                // What is not seen may be the source of this very input.
                Element::Unknown(_) | Element::Unseen => {}
                _ if !way.inside => {}
                Element::Steps(steps) => way.steps.extend(steps.iter().cloned()),
                Element::Output(output) => {
                    let route = Route { steps: way.steps.clone(), output: *output };
                    self.ways.push((route, way.flow));
                }
                Element::To(paths) => {
                    for path in paths.iter() {
                        self.path(path, &way)?;
                    }
                }
                Element::Choice(arms) => {
                    let more = self.choice(arms, &way, &path.at)?;
                    way.steps.extend(more);
                }
            }
        }
        Ok(way.inside.then_some(way.steps))
    }

    /// `if`, `elif` and `else`. Comes to the steps of what goes on after it.
    fn choice(&mut self, arms: &[Arm], begin: &State, at: &str) -> Result<Vec<Step>, String> {
        let mut left = begin.clone();
        let mut after: Vec<Step> = Vec::new();
        let mut loses = None;
        for arm in arms {
            let mut way = left.clone();
            if let Test::If(condition) = &arm.test {
                way.steps.extend(condition.steps());
                left.steps.extend(condition.otherwise());
            }
            let guarded = way.steps.len();
            let through = self.path(&arm.path, &way)?.unwrap_or_default();
            let own = through.get(guarded..).unwrap_or_default();
            after.extend(own.iter().filter(|step| !drops(step)).cloned());
            match (&arm.test, rest(own, &arm.path.at)) {
                (Test::Through, Some(step)) => left.steps.push(step),
                (Test::Through, None) => return Ok(after),
                (_, Some(step)) => loses = Some(Step { at: arm.path.at.clone(), ..step }),
                (_, None) => {}
            }
        }
        if let Some(step) = loses {
            let what = format!("only what the condition at {at} lets through");
            let effect = if step.effect == Effect::Unclear { Effect::Unclear } else { Effect::DropsSome };
            after.push(Step { at: step.at, what, effect });
        }
        Ok(after)
    }
}

/// Whether a step may take whole records away.
fn drops(step: &Step) -> bool {
    !matches!(step.effect, Effect::Redacts)
}

/// The step of those that steps take away; none if they take none away.
fn rest(steps: &[Step], at: &str) -> Option<Step> {
    let drops: Vec<&Step> = steps.iter().filter(|step| drops(step)).collect();
    let first = drops.first()?;
    let effect = match (drops.as_slice(), &first.effect) {
        ([_], Effect::Namespaces(NamespaceRule { only: Some(names), except })) if except.is_empty() => {
            Effect::Namespaces(NamespaceRule { only: None, except: names.clone() })
        }
        ([_], Effect::Namespaces(NamespaceRule { only: None, except })) => {
            Effect::Namespaces(NamespaceRule { only: Some(except.clone()), except: Vec::new() })
        }
        (all, _) if all.iter().any(|step| step.effect == Effect::Unclear) => Effect::Unclear,
        _ => Effect::DropsSome,
    };
    Some(Step { at: first.at.clone(), what: format!("only what the path at {at} does not take"), effect })
}

/// The steps of what has got through any of several ways.
fn joined(ends: &[Vec<Step>], at: &str) -> Vec<Step> {
    let whole = ends.iter().filter(|end| !end.iter().any(drops)).min_by_key(|end| end.len());
    match (whole, ends) {
        (Some(end), _) | (None, [end]) => end.clone(),
        (None, ends) => {
            let unclear = ends.iter().flatten().any(|step| step.effect == Effect::Unclear);
            let effect = if unclear { Effect::Unclear } else { Effect::DropsSome };
            let what = format!("only what one of the channels at {at} lets through");
            vec![Step { at: at.to_owned(), what, effect }]
        }
    }
}
