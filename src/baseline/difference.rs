//! What differs between two reports.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Baseline, Old, pairs};
use crate::check::CheckSet;
use crate::verdict::{Evidence, Severity, Status};

/// What differs between two reports.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The version of this form; it changes when a field is removed or changes its meaning.
    pub schema_version: u32,
    /// The scores of the older and of the newer report.
    pub scores: [Interval; 2],
    /// Every finding that differs, worst first.
    pub changes: Vec<Change>,
    /// How many findings are as they were.
    pub unchanged: usize,
    /// What makes the two hard to compare.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A score.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Interval {
    /// If all that is unknown fails.
    pub low: f64,
    /// If all that is unknown passes.
    pub high: f64,
}

/// A finding that differs.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// How.
    pub kind: Kind,
    /// The check.
    pub check: String,
    /// What should be so.
    pub title: String,
    /// What was judged.
    pub subject: String,
    /// The fingerprint.
    pub fingerprint: String,
    /// How bad a failure is.
    pub severity: Severity,
    /// What it was; none if it was not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Side>,
    /// What it is; none if it is no longer there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Side>,
}

/// How a finding differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It was there, and was better.
    Worse,
    /// It was not there.
    New,
    /// It failed and cannot be told any more: that is not mended.
    Lost,
    /// It failed, and somebody accepts that now: that is not mended either.
    Waived,
    /// It was there, and was worse.
    Better,
    /// It is no longer there.
    Gone,
    /// It rests on other evidence.
    Evidence,
}

impl Kind {
    /// The word used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Worse => "worse",
            Self::New => "new",
            Self::Lost => "lost",
            Self::Waived => "waived",
            Self::Better => "better",
            Self::Gone => "gone",
            Self::Evidence => "evidence",
        }
    }
}

/// A finding in one of the reports.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Side {
    /// The judgement.
    pub status: Status,
    /// How bad a failure is.
    pub severity: Severity,
    /// Why.
    pub reason: String,
    /// What it rests on.
    pub evidence: Vec<Evidence>,
}

impl From<&Old> for Side {
    fn from(old: &Old) -> Self {
        Self {
            status: old.status,
            severity: old.severity,
            reason: old.reason.clone(),
            evidence: old.evidence.clone(),
        }
    }
}

/// The version of the form of a difference.
pub const DIFFERENCE_VERSION: u32 = 1;

/// Compares two reports, the older first.
pub fn compare(old: &Baseline, new: &Baseline, checks: &CheckSet) -> Difference {
    let interval = |report: &Baseline| Interval { low: report.score.low, high: report.score.high };
    let mut unchanged = 0;
    let mut changes: Vec<Change> = Vec::new();
    for (before, after) in pairs(&old.findings, &new.findings, checks) {
        let after = after.and_then(|index| new.findings.get(index));
        let Some(told) = after.or(before) else { continue };
        match kind(before, after) {
            None => unchanged += 1,
            Some(kind) => changes.push(Change {
                kind,
                check: told.check.clone(),
                title: told.title.clone(),
                subject: told.subject.clone(),
                fingerprint: told.fingerprint.clone(),
                severity: told.severity,
                before: before.map(Side::from),
                after: after.map(Side::from),
            }),
        }
    }
    let status = |change: &Change| {
        let sides = [&change.before, &change.after].into_iter().flatten();
        sides.map(|side| side.status).max()
    };
    changes.sort_by(|left, right| {
        let key = |change: &Change| (std::cmp::Reverse((status(change), change.severity)), change.kind);
        key(left).cmp(&key(right)).then_with(|| left.fingerprint.cmp(&right.fingerprint))
    });
    Difference {
        schema_version: DIFFERENCE_VERSION,
        scores: [interval(old), interval(new)],
        changes,
        unchanged,
        notes: old.head.doubts(&new.head),
    }
}

/// How a finding differs; none if it does not.
fn kind(before: Option<&Old>, after: Option<&Old>) -> Option<Kind> {
    let (Some(before), Some(after)) = (before, after) else {
        return Some(if after.is_some() { Kind::New } else { Kind::Gone });
    };
    if after.status > before.status || after.severity > before.severity {
        Some(Kind::Worse)
    } else if before.status == Status::Fail && after.status == Status::Unknown {
        Some(Kind::Lost)
    } else if after.status == Status::Waived && before.status == Status::Fail {
        Some(Kind::Waived)
    } else if after.status < before.status || after.severity < before.severity {
        Some(Kind::Better)
    } else {
        (after.evidence != before.evidence).then_some(Kind::Evidence)
    }
}

impl Difference {
    /// Whether the reports say the same.
    pub fn is_none(&self) -> bool {
        self.changes.is_empty()
    }

    /// How many changes there are of each kind.
    pub fn counts(&self) -> BTreeMap<Kind, usize> {
        let mut counts = BTreeMap::new();
        for change in &self.changes {
            *counts.entry(change.kind).or_default() += 1;
        }
        counts
    }
}
