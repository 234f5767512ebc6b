//! Which waiver accepts which finding, and what became of each.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::{Acceptance, Form, Found, Waiver};
use crate::check::{Check, CheckSet};
use crate::pattern;
use crate::snapshot::Snapshot;
use crate::suggest::nearest;
use crate::verdict::{Finding, Status, Waiving};

/// The waivers of a run.
#[derive(Debug)]
pub struct Register {
    /// Each with what became of it.
    pub entries: Vec<Entry>,
    /// The day of the run.
    pub today: Date,
}

/// A waiver and what became of it.
#[derive(Debug)]
pub struct Entry {
    /// How it is written.
    pub form: Form,
    /// Where.
    pub at: String,
    /// The waiver, or why it cannot be read.
    pub waiver: Result<Waiver, String>,
    /// Whether its like counts at all: annotations do only where that was asked for, and
    /// comments unless that was refused.
    pub counts: bool,
    /// Whether a check was run that it names.
    pub examined: bool,
    /// The failures that it is about, by check and subject, accepted or not.
    pub failures: BTreeMap<(String, String), String>,
    /// What it is about and cannot be told, by check and subject, with the reasons.
    pub unknown: BTreeMap<(String, String), String>,
}

impl Entry {
    /// Whether its last day is over.
    pub fn is_expired(&self, today: Date) -> bool {
        self.waiver.as_ref().is_ok_and(|waiver| waiver.until.is_some_and(|until| until < today))
    }
}

impl Register {
    /// No waivers.
    pub fn none() -> Self {
        Self { entries: Vec::new(), today: Date::MAX }
    }

    /// The waivers of the configuration file and those of a snapshot.
    pub fn new(acceptance: &Acceptance, snapshot: &Snapshot, checks: &CheckSet) -> Self {
        let entries = super::all(acceptance, snapshot).into_iter().map(|Found { form, at, waiver }| Entry {
            counts: match form {
                Form::Config => true,
                Form::Comment => acceptance.comments,
                Form::Annotation => acceptance.annotations,
            },
            waiver: waiver.and_then(|waiver| match fault(&waiver.check, checks) {
                Some(fault) => Err(fault),
                None => Ok(waiver),
            }),
            form,
            at,
            examined: false,
            failures: BTreeMap::new(),
            unknown: BTreeMap::new(),
        });
        Self { entries: entries.collect(), today: acceptance.today }
    }

    /// Accepts what of the findings of a check is waived. A waiver that is over accepts nothing, but what it is about is
    /// told all the same.
    pub fn accept(&mut self, check: &Check, findings: &mut [Finding]) {
        if check.is_about_waivers() {
            return;
        }
        for entry in self.entries.iter_mut().filter(|entry| entry.counts) {
            let is_expired = entry.is_expired(self.today);
            let Ok(waiver) = &entry.waiver else { continue };
            if !check.is_called(&waiver.check) {
                continue;
            }
            entry.examined = true;
            for finding in findings.iter_mut().filter(|finding| waiver.scope.holds(finding)) {
                let key = || (finding.check.clone(), finding.subject.clone());
                match finding.status {
                    Status::Fail | Status::Waived => {
                        entry.failures.insert(key(), finding.reason.clone());
                    }
                    Status::Unknown => {
                        entry.unknown.insert(key(), finding.reason.clone());
                    }
                    Status::NotApplicable | Status::Pass | Status::Attestation => {}
                }
                if finding.status == Status::Fail && !is_expired {
                    finding.status = Status::Waived;
                    finding.waiver = Some(Waiving {
                        reason: waiver.reason.clone(),
                        owner: waiver.owner.clone(),
                        expires: waiver.until.map(|until| until.to_string()),
                        at: waiver.at.clone(),
                    });
                }
            }
        }
    }

    /// How many waivers of a form were left aside because their like does not count.
    pub fn left_aside(&self, form: Form) -> usize {
        self.entries.iter().filter(|entry| !entry.counts && entry.form == form).count()
    }
}

/// Why a waiver cannot name a check so.
pub fn fault(name: &str, checks: &CheckSet) -> Option<String> {
    let named: Vec<&Check> = checks.checks.iter().filter(|check| check.is_called(name)).collect();
    if named.is_empty() {
        let near = nearest(name, checks.checks.iter().map(|check| check.id.as_str()));
        let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        return Some(format!("there is no check `{name}`{near}"));
    }
    if named.iter().all(|check| check.is_about_waivers()) {
        return Some("what is said of waivers cannot be waived".to_owned());
    }
    let categories: BTreeSet<&str> = named.iter().map(|check| check.category.as_str()).collect();
    (categories.len() > 1).then(|| {
        format!(
            "`{name}` names checks of {} categories, and nobody decides on all of these at once",
            categories.len()
        )
    })
}

/// What became of a waiver, the first that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It cannot be read.
    Invalid,
    /// Its like does not count.
    LeftAside,
    /// Its last day is over.
    Expired,
    /// The checks that it names were not run.
    NotRun,
    /// What it is about cannot be told.
    Unknown,
    /// Nothing fails that it is about.
    Unmatched,
    /// It names checks by a pattern, or accepts several findings without a limit.
    OverBroad,
    /// It accepts failures.
    Active,
}

impl State {
    /// The word used in lists.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::LeftAside => "left-aside",
            Self::Expired => "expired",
            Self::NotRun => "not-run",
            Self::Unknown => "unknown",
            Self::Unmatched => "unmatched",
            Self::OverBroad => "over-broad",
            Self::Active => "active",
        }
    }
}

impl Entry {
    /// What became of it.
    pub fn state(&self, today: Date) -> State {
        let Ok(waiver) = &self.waiver else { return State::Invalid };
        let is_broad =
            pattern::is_pattern(&waiver.check) || !waiver.scope.is_limited() && self.failures.len() > 1;
        if !self.counts {
            State::LeftAside
        } else if self.is_expired(today) {
            State::Expired
        } else if !self.examined {
            State::NotRun
        } else if self.failures.is_empty() && !self.unknown.is_empty() {
            State::Unknown
        } else if self.failures.is_empty() {
            State::Unmatched
        } else if is_broad {
            State::OverBroad
        } else {
            State::Active
        }
    }
}
