//! Which checks have a place in the report, to which others may point.

use std::collections::{BTreeMap, BTreeSet};

use super::Checked;
use crate::check::CheckSet;
use crate::report::Report;
use crate::verdict::{Severity, Status};

/// The checks of a report.
pub(super) struct Links<'a> {
    /// Those that are shown, with their worst status.
    shown: BTreeMap<&'a str, Status>,
    severities: BTreeMap<&'a str, Severity>,
    /// The frameworks that a check answers.
    frameworks: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

impl<'a> Links<'a> {
    pub(super) fn new(report: &'a Report, checks: &'a CheckSet) -> Self {
        let mut shown: BTreeMap<&str, Status> = BTreeMap::new();
        for finding in &report.findings {
            let worst = shown.entry(&finding.check).or_insert(finding.status);
            *worst = finding.status.max(*worst);
        }
        let mut frameworks: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for framework in &report.frameworks {
            for check in framework.controls.iter().flat_map(|control| &control.checks) {
                frameworks.entry(&check.id).or_default().insert(&framework.id);
            }
        }
        let severities = checks.checks.iter().map(|check| (check.id.as_str(), check.severity)).collect();
        Self { shown, severities, frameworks }
    }

    /// The worst of what is shown of a check.
    pub(super) fn worst(&self, id: &str) -> Option<Status> {
        self.shown.get(id).copied()
    }

    pub(super) fn severity(&self, id: &str) -> Option<Severity> {
        self.severities.get(id).copied()
    }

    /// The frameworks that a check answers.
    pub(super) fn frameworks(&self, id: &str) -> impl Iterator<Item = &'a str> {
        self.frameworks.get(id).into_iter().flatten().copied()
    }

    /// A check that is pointed to.
    pub(super) fn checked(&self, id: &'a str, status: Option<Status>) -> Checked<'a> {
        Checked { id, status, is_shown: self.shown.contains_key(id) }
    }
}
