//! The ways through a pipeline, and from one pipeline into another.

use super::condition::Known;
use super::syntax::{Arm, Node};
use crate::analyze::collectors::model::{Effect, Output, Route, Step};

/// How many ways one input may have.
pub(super) const MAX_ROUTES: usize = 1000;

/// Where a way ends within its pipeline.
#[derive(Debug, Clone)]
pub(super) enum End {
    /// An output, by its index.
    Output(usize),
    /// Other pipelines, by their addresses; why they are not known.
    Pipelines(Result<Vec<String>, String>),
}

/// A way through the outputs of a pipeline.
#[derive(Debug, Clone)]
pub(super) struct Way {
    pub(super) steps: Vec<Step>,
    pub(super) end: End,
}

/// The ways through the outputs of a section, in its order. `ends` gives the end of each plugin by its place in that order.
pub(super) fn ways(nodes: &[Node<'_>], known: &Known, ends: &[End], outputs: &[Output]) -> Vec<Way> {
    let mut next = 0;
    let mut found = Vec::new();
    section(nodes, known, ends, outputs, &mut next, true, &mut found);
    found
}

fn section(
    nodes: &[Node<'_>],
    known: &Known,
    ends: &[End],
    outputs: &[Output],
    next: &mut usize,
    reached: bool,
    found: &mut Vec<Way>,
) {
    for node in nodes {
        match node {
            Node::Plugin(_) => {
                let end = ends.get(*next);
                *next += 1;
                if let (Some(end), true) = (end, reached) {
                    found.push(Way { steps: Vec::new(), end: end.clone() });
                }
            }
            Node::Branch(arms) => found.extend(branch(arms, known, ends, outputs, next, reached)),
        }
    }
}

/// The ways of a conditional. If each of its arms leads to the same place, nothing is lost by it: the first way counts as
/// one without a condition.
fn branch(
    arms: &[Arm<'_>],
    known: &Known,
    ends: &[End],
    outputs: &[Output],
    next: &mut usize,
    reached: bool,
) -> Vec<Way> {
    let mut open = reached;
    let mut whole = false;
    let mut taken: Vec<(Option<Step>, Vec<Way>)> = Vec::new();
    for (index, arm) in arms.iter().enumerate() {
        let truth = arm.test.as_ref().map_or(Some(true), |test| test.truth(known));
        let is_taken = open && truth != Some(false);
        let mut inside = Vec::new();
        section(&arm.body, known, ends, outputs, next, is_taken, &mut inside);
        if is_taken {
            taken.push((guard(arms.get(..=index).unwrap_or_default(), known), inside));
        }
        if truth == Some(true) && open {
            open = false;
            whole = true;
        }
    }
    let shared = whole.then(|| shared(&taken, outputs)).flatten();
    let mut found = Vec::new();
    let mut is_first = true;
    for (guard, ways) in taken {
        for mut way in ways {
            let place = place(&way, outputs);
            let stands_for_all = is_first && place.is_some() && place == shared;
            if stands_for_all {
                is_first = false;
            } else if let Some(guard) = &guard {
                way.steps.insert(0, guard.clone());
            }
            found.push(way);
        }
    }
    found
}

/// The place that every arm leads to without further conditions.
fn shared(taken: &[(Option<Step>, Vec<Way>)], outputs: &[Output]) -> Option<String> {
    let (_, first) = taken.first()?;
    let mut places = first.iter().filter_map(|way| place(way, outputs));
    places.find(|place| {
        taken.iter().all(|(_, ways)| {
            ways.iter().any(|way| super::routes::place(way, outputs).as_ref() == Some(place))
        })
    })
}

/// The receiver and the hosts of a way that has no condition, if they are known.
fn place(way: &Way, outputs: &[Output]) -> Option<String> {
    let End::Output(index) = way.end else { return None };
    let output = outputs.get(index).filter(|_| way.steps.is_empty())?;
    let hosts = output.hosts.value()?;
    Some(format!("{:?} {hosts:?} {:?}", output.receiver, output.tls.value()))
}

/// The step of an arm, the last of those given: its own condition, and that none before it held.
fn guard(arms: &[Arm<'_>], known: &Known) -> Option<Step> {
    let (last, before) = arms.split_last()?;
    let own = last.test.iter().map(|test| (test, true, last.at.at()));
    let tests: Vec<_> = before
        .iter()
        .filter_map(|arm| Some((arm.test.as_ref()?, false, arm.at.at())))
        .chain(own)
        .filter(|(test, ..)| test.truth(known).is_none())
        .collect();
    if tests.is_empty() {
        return None;
    }
    let mut rules = tests.iter().map(|(test, wanted, at)| test.namespaces(*wanted, at));
    let first = rules.next().flatten();
    let rule = rules.fold(first, |left, right| super::condition::join(left?, right?, true));
    let effect = match rule {
        Some(rule) => Effect::Namespaces(rule),
        None if tests.iter().any(|(test, ..)| test.names_namespace()) => Effect::Unclear,
        None => Effect::DropsSome,
    };
    let at = last.at.at();
    Some(Step { what: format!("only what the condition at {at} lets through"), at, effect })
}

/// One pipeline as routes see it: where its outputs lead for records of which something is known.
pub(super) trait Graph {
    /// The filters' steps and the ways behind them.
    fn through(&self, pipeline: usize, known: &Known) -> Vec<Way>;
    /// The pipelines that take in what is sent to an address.
    fn listening(&self, address: &str) -> Vec<usize>;
}

/// The routes of an input of a pipeline, through others too; why they cannot be told.
pub(super) fn follow(graph: &dyn Graph, pipeline: usize, known: &Known) -> Result<Vec<Route>, String> {
    let mut routes = Vec::new();
    let mut open: Vec<(Way, Vec<usize>)> =
        graph.through(pipeline, known).into_iter().rev().map(|way| (way, vec![pipeline])).collect();
    let mut visited = 0;
    while let Some((way, passed)) = open.pop() {
        visited += 1;
        if visited > MAX_ROUTES {
            return Err("there are more ways than can be followed".into());
        }
        let addresses = match way.end {
            End::Output(output) => {
                routes.push(Route { steps: way.steps, output });
                continue;
            }
            End::Pipelines(addresses) => addresses?,
        };
        for next in addresses.iter().flat_map(|address| graph.listening(address)) {
            // What comes round again has been everywhere it can go.
            if passed.contains(&next) {
                continue;
            }
            let mut passed = passed.clone();
            passed.push(next);
            for after in graph.through(next, &Known::default()).into_iter().rev() {
                let steps = way.steps.iter().cloned().chain(after.steps).collect();
                open.push((Way { steps, end: after.end }, passed.clone()));
            }
        }
    }
    Ok(routes)
}
