//! What to do first: failures that bound or cost the score most, and gaps in what could be seen.

use std::collections::BTreeSet;

use super::links::Links;
use super::prose::{Block, Span, blocks, spans};
use super::{Checked, number};
use crate::report::{Report, plural};
use crate::score::Rules;
use crate::verdict::{Finding, Severity, Status};

/// How many failures and how many gaps are named.
const NAMED: usize = 5;

/// Something to do.
pub(super) struct Step<'a> {
    pub(super) severity: Severity,
    /// What is wrong.
    pub(super) what: Vec<Span<'a>>,
    /// On what, in few words.
    pub(super) subjects: String,
    /// What to do; empty for gaps, whose reason says it.
    pub(super) fix: Vec<Block<'a>>,
    pub(super) checks: Vec<Checked<'a>>,
    /// How many checks more than are named.
    pub(super) more: usize,
    /// What it is worth, in words.
    pub(super) worth: String,
}

/// Failures, those of one cause together: what bounds the score first, then by severity and by what they cost.
pub(super) fn failures<'a>(report: &'a Report, rules: &Rules, links: &Links<'a>) -> Vec<Step<'a>> {
    let mut groups = grouped(report, Status::Fail);
    let rank = |group: &Group<'a>| {
        let cap = report
            .score
            .caps
            .iter()
            .filter(|cap| cap.checks.iter().any(|id| group.checks.contains(id.as_str())));
        let cap = cap.map(|cap| cap.at_most).min_by(f64::total_cmp);
        (cap, group.severity, gain(report, rules, links, group))
    };
    groups.sort_by(|left, right| {
        let (left, right) = (rank(left), rank(right));
        let by_cap = left.0.is_none().cmp(&right.0.is_none());
        by_cap.then(right.1.cmp(&left.1)).then(right.2.total_cmp(&left.2))
    });
    let step = |group: Group<'a>| {
        let (cap, severity, gain) = rank(&group);
        let mut worth = Vec::new();
        if gain >= 0.05 {
            worth.push(format!("costs {} of 100 points", number((gain * 10.0).round() / 10.0)));
        }
        if let Some(cap) = cap {
            worth.push(format!("holds the score at {} at most", number(cap)));
        }
        let fix = group.findings.first().and_then(|first| first.fix.as_deref());
        Step {
            worth: worth.join(", "),
            fix: fix.map(blocks).unwrap_or_default(),
            ..group.step(severity, links)
        }
    };
    groups.into_iter().take(NAMED).map(step).collect()
}

/// Gaps: reasons why things are unknown, most findings first.
pub(super) fn gaps<'a>(report: &'a Report, links: &Links<'a>) -> Vec<Step<'a>> {
    let mut groups = grouped(report, Status::Unknown);
    groups.sort_by_key(|group| std::cmp::Reverse((group.findings.len(), group.severity)));
    let step = |group: Group<'a>| {
        let worth = format!("decides {}", plural(group.findings.len(), "unknown finding"));
        Step { worth, ..group.step(group.severity, links) }
    };
    groups.into_iter().take(NAMED).map(step).collect()
}

/// Findings that have one cause: what several checks say in the same words, and what one check says of several subjects.
struct Group<'a> {
    reason: &'a str,
    severity: Severity,
    findings: Vec<&'a Finding>,
    checks: BTreeSet<&'a str>,
}

impl<'a> Group<'a> {
    fn step(&self, severity: Severity, links: &Links<'a>) -> Step<'a> {
        let mut subjects: Vec<&str> = self.findings.iter().map(|finding| finding.subject.as_str()).collect();
        subjects.sort_unstable();
        subjects.dedup();
        Step {
            severity,
            what: spans(self.reason),
            subjects: match subjects.as_slice() {
                [subject] => (*subject).to_owned(),
                several => plural(several.len(), "subject"),
            },
            fix: Vec::new(),
            checks: self.checks.iter().take(NAMED).map(|id| links.checked(id, links.worst(id))).collect(),
            more: self.checks.len().saturating_sub(NAMED),
            worth: String::new(),
        }
    }
}

fn grouped(report: &Report, status: Status) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut by_reason = std::collections::BTreeMap::new();
    let mut by_check = std::collections::BTreeMap::new();
    for finding in report.findings.iter().filter(|finding| finding.status == status) {
        let (reason, check) = (finding.reason.as_str(), finding.check.as_str());
        // Of failures one check is one thing to mend, whatever it says of each subject.
        let of_check = (status == Status::Fail).then(|| by_check.get(check)).flatten();
        let known: Option<usize> = by_reason.get(reason).or(of_check).copied();
        let at = known.unwrap_or(groups.len());
        by_reason.insert(reason, at);
        by_check.insert(check, at);
        match groups.get_mut(at) {
            Some(group) => {
                group.severity = group.severity.max(finding.severity);
                group.findings.push(finding);
                group.checks.insert(check);
            }
            None => groups.push(Group {
                reason,
                severity: finding.severity,
                findings: vec![finding],
                checks: BTreeSet::from([check]),
            }),
        }
    }
    groups
}

/// By how much the low end would rise if the checks of a group passed, before caps.
fn gain(report: &Report, rules: &Rules, links: &Links<'_>, group: &Group<'_>) -> f64 {
    let items = &report.score.items;
    let of_item = |item: &crate::score::Item| {
        let all = item.passed + item.failed + item.unknown;
        let failed = item
            .checks
            .iter()
            .filter(|(id, status)| **status == Status::Fail && group.checks.contains(id.as_str()));
        let weights = failed.filter_map(|(id, _)| rules.weights.get(&links.severity(id)?));
        if all == 0 { 0.0 } else { 100.0 * f64::from(weights.sum::<u32>()) / f64::from(all) }
    };
    #[expect(clippy::cast_precision_loss, reason = "there are 14 items")]
    let count = items.len().max(1) as f64;
    items.iter().map(of_item).sum::<f64>() / count
}
