//! What can be said of waivers. The checks that judge them are like any other.

use schemars::JsonSchema;
use serde::Serialize;

use super::register::{Entry, Register};
use crate::analyze::fact::Fact;
use crate::check::CheckSet;
use crate::pattern;
use crate::verdict::{Evidence, Rank};

/// A waiver.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WaiverFacts {
    /// What it waives: `LA-COL-011 on DaemonSet logging/agent`.
    pub name: String,
    /// How it is written: `config`, `comment`, `annotation`.
    pub form: String,
    /// Where it is written.
    pub at: String,
    /// Why it cannot be read; empty if it can.
    pub problem: String,
    /// Whether it can be read and names a check that there is.
    pub readable: Fact<bool>,
    /// How many checks it names.
    pub checks: Fact<i64>,
    /// Whether it names them by a pattern, so that checks of later versions are waived with them.
    pub wildcard: Fact<bool>,
    /// Whether it is limited to subjects or places.
    pub scoped: Fact<bool>,
    /// Whether it says who answers for it.
    pub owned: Fact<bool>,
    /// Whether it says until when it holds.
    pub dated: Fact<bool>,
    /// How many days it still holds, the day of the run not counted.
    pub days_left: Fact<i64>,
    /// Its last day; empty if it has none.
    pub until: String,
    /// Whether that day is over.
    pub expired: Fact<bool>,
    /// How many findings fail, or would fail, that it is about.
    pub failures: Fact<i64>,
}

/// The facts on all waivers that count. Those of checks that were not run are left out: nothing can be told of them.
pub fn facts(register: &Register, checks: &CheckSet) -> Vec<WaiverFacts> {
    let told =
        register.entries.iter().filter(|entry| entry.counts && (entry.examined || entry.waiver.is_err()));
    told.map(|entry| facts_of(entry, register, checks)).collect()
}

fn facts_of(entry: &Entry, register: &Register, checks: &CheckSet) -> WaiverFacts {
    let form = entry.form.as_str().to_owned();
    let waiver = match &entry.waiver {
        Ok(waiver) => waiver,
        Err(problem) => {
            let unread = || "the waiver cannot be read".to_owned();
            return WaiverFacts {
                name: format!("waiver at {}", entry.at),
                form,
                at: entry.at.clone(),
                problem: problem.clone(),
                readable: Fact::at(false, Rank::Configured, &entry.at, problem),
                checks: Fact::unknown(unread()),
                wildcard: Fact::unknown(unread()),
                scoped: Fact::unknown(unread()),
                owned: Fact::unknown(unread()),
                dated: Fact::unknown(unread()),
                days_left: Fact::unknown(unread()),
                until: String::new(),
                expired: Fact::unknown(unread()),
                failures: Fact::unknown(unread()),
            };
        }
    };
    let says = |detail: String| vec![Evidence { at: entry.at.clone(), detail }];
    let words = format!("{} {}", waiver.check, waiver.scope.words());
    let until = waiver.until.map(|until| until.to_string()).unwrap_or_default();
    let end = if until.is_empty() { "without an end".to_owned() } else { format!("until {until}") };
    let named = checks.active().filter(|check| check.is_called(&waiver.check)).count();
    let failures = entry.failures.len();
    let days_left = match waiver.until {
        Some(until) => {
            let days = register.today.until(until).map_or(0, |span| i64::from(span.get_days()));
            Fact::known(days, Rank::Configured, says(end.clone()))
        }
        None => Fact::unknown("the waiver has no last day"),
    };
    WaiverFacts {
        form,
        at: entry.at.clone(),
        problem: String::new(),
        readable: Fact::known(true, Rank::Configured, says(words.clone())),
        checks: Fact::known(count(named), Rank::Configured, says(words.clone())),
        wildcard: Fact::known(pattern::is_pattern(&waiver.check), Rank::Configured, says(words.clone())),
        scoped: Fact::known(waiver.scope.is_limited(), Rank::Configured, says(words.clone())),
        owned: Fact::known(
            waiver.owner.is_some(),
            Rank::Configured,
            says(
                waiver.owner.as_ref().map_or_else(|| "no owner".to_owned(), |owner| format!("owner {owner}")),
            ),
        ),
        dated: Fact::known(waiver.until.is_some(), Rank::Configured, says(end.clone())),
        days_left,
        until,
        expired: Fact::known(entry.is_expired(register.today), Rank::Configured, says(end)),
        failures: match entry.unknown.iter().next() {
            Some(((check, subject), reason)) if failures == 0 => {
                Fact::unknown(format!("{check} on {subject} is unknown: {reason}"))
            }
            _ => Fact::known(count(failures), Rank::Evaluated, says(words.clone())),
        },
        name: words,
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
