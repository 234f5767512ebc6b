//! The findings, grouped by check, worst first.

use std::collections::BTreeMap;

use super::links::Links;
use super::prose::{Block, Span, blocks, spans};
use crate::check::{Check, CheckSet};
use crate::report::{Report, plural};
use crate::verdict::{Finding, Severity, Standing, Status};

/// How many findings of a check are shown unfolded.
const SHOWN: usize = 10;

/// All findings of one worst status.
pub(super) struct Chapter<'a> {
    pub(super) title: &'static str,
    pub(super) about: &'static str,
    pub(super) groups: Vec<Group<'a>>,
}

/// The findings of a check.
pub(super) struct Group<'a> {
    pub(super) id: &'a str,
    pub(super) title: &'a str,
    pub(super) category: &'a str,
    pub(super) severity: Severity,
    pub(super) status: Status,
    /// The frameworks it answers, for the filter.
    pub(super) frameworks: String,
    /// Whether all of its findings are of one status.
    pub(super) alike: bool,
    /// Counts by status, where there is more than one finding.
    pub(super) counts: String,
    /// What to do; for failures.
    pub(super) fix: Vec<Block<'a>>,
    pub(super) check: Option<Prose<'a>>,
    pub(super) shown: Vec<Line<'a>>,
    pub(super) folded: Vec<Line<'a>>,
}

/// What a check says of itself.
pub(super) struct Prose<'a> {
    pub(super) what: Vec<Span<'a>>,
    pub(super) why: Vec<Span<'a>>,
    pub(super) fix: Vec<Block<'a>>,
    pub(super) fine_when: Vec<Span<'a>>,
}

/// A finding.
pub(super) struct Line<'a> {
    pub(super) finding: &'a Finding,
    pub(super) reason: Vec<Span<'a>>,
    pub(super) rank: &'static str,
    /// `new` or `changed`; empty where the baseline has it just so, or there is none.
    pub(super) mark: &'static str,
}

/// What the filters can choose from.
pub(super) struct Choices<'a> {
    pub(super) statuses: Vec<(Status, usize)>,
    pub(super) severities: Vec<Severity>,
    pub(super) categories: Vec<&'a str>,
    pub(super) has_baseline: bool,
}

/// The chapters, in their order.
const CHAPTERS: [(Status, &str, &str); 6] = [
    (Status::Fail, "Failed", "Evidence shows that it is not so."),
    (Status::Unknown, "Unknown", "The evidence is missing; each reason says how to obtain it."),
    (Status::Attestation, "To be attested", "Only a person can answer."),
    (
        Status::Waived,
        "Waived",
        "It fails, and somebody accepts that for a reason and a time. It scores as failed.",
    ),
    (Status::Pass, "Passed", "Evidence shows that it is so."),
    (Status::NotApplicable, "Not applicable", "The question does not arise here."),
];

/// Findings by the worst status of their check.
pub(super) fn chapters<'a>(report: &'a Report, checks: &'a CheckSet, links: &Links<'a>) -> Vec<Chapter<'a>> {
    let mut by_check: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    let mut order: Vec<&str> = Vec::new();
    for finding in &report.findings {
        let list = by_check.entry(&finding.check).or_default();
        if list.is_empty() {
            order.push(&finding.check);
        }
        list.push(finding);
    }
    let mut groups: Vec<Group<'a>> = order
        .into_iter()
        .filter_map(|id| by_check.remove(id))
        .filter_map(|findings| group(&findings, checks, links))
        .collect();
    let chapter = |(status, title, about)| {
        let (of_it, others) =
            std::mem::take(&mut groups).into_iter().partition(|group: &Group<'_>| group.status == status);
        groups = others;
        Chapter { title, about, groups: of_it }
    };
    CHAPTERS.into_iter().map(chapter).filter(|chapter| !chapter.groups.is_empty()).collect()
}

fn group<'a>(findings: &[&'a Finding], checks: &'a CheckSet, links: &Links<'a>) -> Option<Group<'a>> {
    // They are sorted, so that the first is the worst.
    let first = *findings.first()?;
    let mut lines: Vec<Line<'a>> = findings.iter().map(|finding| line(finding)).collect();
    // Of what is as it should be the heading is enough at first sight.
    let shown = match first.status {
        Status::Pass | Status::NotApplicable => 0,
        _ if lines.len() > SHOWN + 2 => SHOWN,
        _ => lines.len(),
    };
    let folded = lines.split_off(shown);
    let frameworks: Vec<&str> = links.frameworks(&first.check).collect();
    Some(Group {
        id: &first.check,
        title: &first.title,
        category: &first.category,
        severity: first.severity,
        status: first.status,
        frameworks: frameworks.join(" "),
        alike: findings.iter().all(|finding| finding.status == first.status),
        counts: counts(findings),
        fix: first.fix.as_deref().map(blocks).unwrap_or_default(),
        check: checks.get(&first.check).map(|check| prose(check, first)),
        shown: lines,
        folded,
    })
}

fn line(finding: &Finding) -> Line<'_> {
    let mark = match finding.baseline {
        Some(standing @ (Standing::New | Standing::Changed)) => standing.as_str(),
        Some(Standing::Unchanged) | None => "",
    };
    Line {
        finding,
        reason: spans(&finding.reason),
        rank: finding.rank.map(crate::verdict::Rank::as_str).unwrap_or_default(),
        mark,
    }
}

fn prose<'a>(check: &'a Check, worst: &Finding) -> Prose<'a> {
    // What failed says what to do in plain sight.
    let fix = if worst.fix.is_none() { blocks(&check.fix) } else { Vec::new() };
    Prose {
        what: spans(check.what.trim()),
        why: spans(check.why.trim()),
        fix,
        fine_when: spans(check.fine_when.trim()),
    }
}

fn counts(findings: &[&Finding]) -> String {
    if findings.len() < 2 {
        return String::new();
    }
    let mut counts: BTreeMap<Status, usize> = BTreeMap::new();
    for finding in findings {
        *counts.entry(finding.status).or_default() += 1;
    }
    let parts: Vec<String> = counts.iter().rev().map(|(status, count)| format!("{count} {status}")).collect();
    let all = plural(findings.len(), "finding");
    if parts.len() == 1 { all } else { format!("{all}: {}", parts.join(", ")) }
}

impl<'a> Choices<'a> {
    pub(super) fn new(report: &'a Report) -> Self {
        let mut statuses: BTreeMap<Status, usize> = BTreeMap::new();
        let mut categories: Vec<&str> = Vec::new();
        let mut severities: Vec<Severity> = Vec::new();
        for finding in &report.findings {
            *statuses.entry(finding.status).or_default() += 1;
            categories.push(&finding.category);
            severities.push(finding.severity);
        }
        categories.sort_unstable();
        categories.dedup();
        severities.sort_unstable();
        severities.dedup();
        severities.reverse();
        Self {
            statuses: statuses.into_iter().rev().collect(),
            severities,
            categories,
            has_baseline: report.findings.iter().any(|finding| finding.baseline.is_some()),
        }
    }
}
