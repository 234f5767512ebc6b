//! What one policy records of every class of requests, by who sends them: the rows of a heat map.
//!
//! Judgements are made on all policies together (`records`); this is what is drawn of each.

use super::super::Level;
use super::super::catalogue::Who;
use super::super::coverage::{ClassCoverage, SenderCoverage, TooLarge};
use super::judged::{Judged, State, Works};
use super::records;
use crate::analyze::fact::Fact;
use crate::verdict::Severity;

/// What a policy records of a class of requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassRow {
    /// The class: `RC-01`.
    pub id: String,
    /// What its requests do.
    pub title: String,
    /// How bad it is if they are not recorded.
    pub severity: Severity,
    /// The level needed to detect.
    pub detect: Level,
    /// The level needed to investigate.
    pub investigate: Level,
    /// Whether any of its requests exists.
    pub served: bool,
    /// What is recorded of each kind of sender that counts.
    pub cells: Vec<Cell>,
    /// The requests that are not always detected, else those that can be detected only; empty if there are none.
    pub less: String,
    /// Noise that is not recorded and does not count; empty if there is none.
    pub left_aside: Vec<String>,
}

/// What is recorded of one kind of sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The kind.
    pub who: Who,
    /// The lowest level.
    pub least: Level,
    /// The highest.
    pub most: Level,
    /// What that is good for; the reason where it is not known.
    pub reached: Result<Reached, String>,
}

/// What the records of some requests are good for, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reached {
    /// Some are not detected.
    Neither,
    /// All are detected, and some not recorded well enough to investigate.
    Detect,
    /// All can be investigated.
    Investigate,
}

impl ClassRow {
    /// What the records of the whole class are good for; none where that depends on what is not known.
    pub fn reached(&self) -> Option<Reached> {
        let known = || self.cells.iter().filter_map(|cell| cell.reached.as_ref().ok().copied());
        let least = known().min();
        if least == Some(Reached::Neither) || known().count() == self.cells.len() { least } else { None }
    }
}

/// The rows of a policy, in the catalogue's order.
pub(super) fn rows(judged: &Judged<'_>) -> Fact<Vec<ClassRow>> {
    let works = match &judged.state {
        State::Works(works) => works,
        State::Refused { .. } => {
            return Fact::unknown(
                "the apiserver does not start with the policy, so that it records nothing by it",
            );
        }
        State::Unknown(reason) => return Fact::unknown(reason.clone()),
    };
    let Some(classes) = &works.answers.classes else { return Fact::unknown(TooLarge.to_string()) };
    let rows = classes.iter().enumerate().map(|(number, class)| row(works, number, class)).collect();
    Fact::known(rows, works.rank, works.evidence.clone())
}

fn row(works: &Works<'_>, number: usize, class: &ClassCoverage) -> ClassRow {
    let exceptions = if class.is_detected() { &class.shallow } else { &class.undetected };
    ClassRow {
        id: class.id.clone(),
        title: class.title.clone(),
        severity: class.severity,
        detect: class.detect,
        investigate: class.investigate,
        served: class.served,
        cells: class.senders.iter().map(|told| cell(works, number, told)).collect(),
        less: records::less(works, exceptions),
        left_aside: class.left_aside.clone(),
    }
}

fn cell(works: &Works<'_>, number: usize, told: &SenderCoverage) -> Cell {
    let reached = reached(told);
    let doubt = works.doubt.as_ref().and_then(|doubt| {
        let class = doubt.answers.classes.as_ref()?.get(number)?;
        let least = class.senders.iter().find(|other| other.who == told.who)?;
        (self::reached(least) != reached).then(|| doubt.reason.clone())
    });
    let reached = match doubt {
        Some(reason) => Err(reason),
        None => Ok(reached),
    };
    Cell { who: told.who, least: told.least, most: told.most, reached }
}

fn reached(told: &SenderCoverage) -> Reached {
    match (told.detected, told.investigated) {
        (false, _) => Reached::Neither,
        (true, false) => Reached::Detect,
        (true, true) => Reached::Investigate,
    }
}
