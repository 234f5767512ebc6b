//! The report for people: columns as kubectl prints them, grouped by what to do about them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::columns::{Cell, Table};
use super::place::Places;
use super::style::visible;
use super::{Report, frameworks, plural, style};
use crate::baseline::Comparison;
use crate::snapshot::Scope;
use crate::verdict::{Finding, Severity, Standing, Status, Waiving};

/// How a table is printed.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct Options {
    /// All findings, with rank and evidence.
    pub wide: bool,
    /// Without column headings.
    pub no_headers: bool,
    /// Only what fails the gate and the last lines.
    pub quiet: bool,
    /// Unknown findings fail the gate too, so that even `quiet` lists them.
    pub unknown_gates: bool,
    /// The frameworks control by control in place of the findings, because these were asked for by name.
    pub controls: bool,
}

/// The report as a table.
pub fn render(report: &Report, options: Options) -> String {
    let mut out = String::new();
    if !options.quiet {
        header(report, &mut out);
    }
    if options.controls && !options.quiet {
        frameworks::controls(report, options, &mut out);
    } else {
        failed(report, options, &mut out);
        if !options.quiet || options.unknown_gates {
            unknown(report, options, &mut out);
        }
    }
    if !options.quiet {
        if !options.controls {
            if options.wide {
                rest(report, options, &mut out);
            }
            items(report, options, &mut out);
            frameworks::summary(report, options, &mut out);
        }
        for note in &report.notes {
            let _ = writeln!(out, "{} {}", style::faint("note:"), visible(note));
        }
    }
    footer(report, options, options.quiet, &mut out);
    out
}

/// The findings as a table, with the counts and the gate, for a report on less than a cluster.
pub fn render_findings(report: &Report, options: Options) -> String {
    let mut out = String::new();
    failed(report, options, &mut out);
    if !options.quiet || options.unknown_gates {
        unknown(report, options, &mut out);
    }
    if options.wide && !options.quiet {
        rest(report, options, &mut out);
    }
    footer(report, options, true, &mut out);
    out
}

fn header(report: &Report, out: &mut String) {
    let cluster = &report.cluster;
    let mut facts = vec![match cluster.scope {
        Scope::Cluster => cluster.name.clone(),
        Scope::Manifests => format!("{} (manifests, not a running cluster)", cluster.name),
    }];
    if let Some(version) = &cluster.kubernetes_version {
        let distribution = cluster.distribution.as_deref().filter(|name| *name != "other");
        facts.push(match distribution {
            Some(name) => format!("Kubernetes {version} ({name})"),
            None => format!("Kubernetes {version}"),
        });
    }
    facts.push(match cluster.api_servers_live {
        Some(live) => format!("{} of {live} apiservers read", cluster.api_servers_read),
        None => plural(usize::try_from(cluster.api_servers_read).unwrap_or_default(), "apiserver") + " read",
    });
    if let Some(time) = cluster.captured_at {
        facts.push(format!("at {}", time.strftime("%Y-%m-%d %H:%M:%SZ")));
    }
    let _ = writeln!(out, "{}  {}", style::heading("Cluster"), visible(&facts.join(", ")));
    let score = &report.score;
    let _ = writeln!(
        out,
        "{}    {} to {} of 100, grade {}; {:.0} % of the weight could be judged\n",
        style::heading("Score"),
        score.low,
        score.high,
        score.grade,
        score.judged * 100.0
    );
}

pub(super) fn status(status: Status) -> Cell {
    Cell::painted(status.as_str(), style::status(status, status.as_str()))
}

/// The status, and beside it what a baseline does not have.
fn status_of<'f>(findings: impl IntoIterator<Item = &'f Finding>, status: Status) -> Cell {
    if findings.into_iter().all(|finding| finding.baseline != Some(Standing::New)) {
        return self::status(status);
    }
    let words = format!("{status} (new)");
    Cell::painted(&words, style::status(status, &words))
}

/// What was found, and who accepts it.
fn said(finding: &Finding) -> String {
    let reason = one_line(&finding.reason);
    let Some(Waiving { reason: why, owner, expires, at }) = &finding.waiver else { return reason };
    let owner = owner.as_ref().map(|owner| format!(" by {owner}")).unwrap_or_default();
    let end = expires.as_ref().map(|day| format!(" until {day}")).unwrap_or_default();
    format!("{reason}; waived{owner}{end}: {} ({at})", one_line(why))
}

/// How many characters of a detail, or in the short table of a finding and of the place of evidence, are shown.
pub(super) const MAX_DETAIL: usize = 200;
const MAX_FINDING: usize = 200;
pub(super) const MAX_PLACE: usize = 80;

/// The beginning of a text that is too long.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Where to look.
fn place(finding: &Finding, places: &Places<'_>) -> String {
    places.foremost(finding).map_or_else(|| "-".into(), |evidence| cut(&one_line(&evidence.at), MAX_PLACE))
}

/// Every finding with its evidence.
fn finding_rows<'a>(findings: impl Iterator<Item = &'a Finding>, options: Options, out: &mut String) {
    // Findings on links of one chain rest on the links before: each piece of evidence is shown once for a subject.
    let mut shown = BTreeSet::new();
    let mut table = Table::new(
        &["STATUS", "SEVERITY", "CHECK", "SUBJECT", "RANK", "FINDING", "EVIDENCE"],
        options.no_headers,
    );
    for finding in findings {
        let count = finding.evidence.len();
        let evidence = finding.evidence.iter().enumerate().filter(|(index, evidence)| {
            let is_last = index.saturating_add(1) == count;
            shown.insert((&finding.subject, &evidence.at, &evidence.detail)) || is_last
        });
        let evidence: Vec<String> = evidence
            .map(|(_, evidence)| format!("{}: {}", evidence.at, cut(&one_line(&evidence.detail), MAX_DETAIL)))
            .collect();
        table.row(vec![
            status_of([finding], finding.status),
            Cell::severity(finding.severity),
            finding.check.as_str().into(),
            finding.subject.as_str().into(),
            finding.rank.map_or("-", crate::verdict::Rank::as_str).into(),
            said(finding).into(),
            if evidence.is_empty() { "-".into() } else { evidence.join("; ").into() },
        ]);
    }
    table.write(out);
}

pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn failed(report: &Report, options: Options, out: &mut String) {
    let failed: Vec<&Finding> =
        report.findings.iter().filter(|finding| finding.status == Status::Fail).collect();
    if failed.is_empty() {
        return;
    }
    if options.wide {
        finding_rows(failed.into_iter(), options, out);
    } else {
        let places = Places::of(report);
        let mut table =
            Table::new(&["STATUS", "SEVERITY", "CHECK", "SUBJECT", "FINDING", "PLACE"], options.no_headers);
        for group in by_cause(&failed) {
            let mut subjects: Vec<&str> = group.iter().map(|finding| finding.subject.as_str()).collect();
            subjects.sort_unstable();
            subjects.dedup();
            let ids: Vec<&str> = group.iter().map(|finding| finding.check.as_str()).collect();
            let Some(first) = group.first() else { continue };
            table.row(vec![
                status_of(group.iter().copied(), first.status),
                Cell::severity(first.severity),
                id_ranges(&ids, options).into(),
                match subjects.as_slice() {
                    [subject] => (*subject).into(),
                    several => plural(several.len(), "subject").into(),
                },
                cut(&one_line(&first.reason), MAX_FINDING).into(),
                if subjects.len() == 1 { place(first, &places).into() } else { "-".into() },
            ]);
        }
        table.write(out);
    }
    out.push('\n');
}

/// Failed findings as they stand in the table. What several checks say in the same words has one cause: it is said once,
/// by the worst of them.
fn by_cause<'f>(failed: &[&'f Finding]) -> Vec<Vec<&'f Finding>> {
    let mut checks: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for finding in failed {
        checks.entry(&finding.reason).or_default().insert(&finding.check);
    }
    let is_shared = |reason: &str| checks.get(reason).is_some_and(|checks| checks.len() > 1);
    grouped(failed.iter().copied(), |finding| is_shared(&finding.reason).then_some(finding.reason.as_str()))
}

/// Findings with the same key in one group, where its first one stands; those without a key each alone.
fn grouped<'f>(
    findings: impl Iterator<Item = &'f Finding>,
    key: impl Fn(&'f Finding) -> Option<&'f str>,
) -> Vec<Vec<&'f Finding>> {
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in findings {
        let place = key(finding).map_or(groups.len(), |key| *places.entry(key).or_insert(groups.len()));
        match groups.get_mut(place) {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    groups
}

/// Unknown findings share few reasons; each reason is said once.
fn unknown(report: &Report, options: Options, out: &mut String) {
    let unknown = report.findings.iter().filter(|finding| finding.status == Status::Unknown);
    let groups = grouped(unknown, |finding| Some(&finding.reason));
    if groups.is_empty() {
        return;
    }
    let mut table = Table::new(&["STATUS", "SEVERITY", "CHECKS", "WHY UNKNOWN"], options.no_headers);
    for findings in groups {
        let reason = findings.first().map_or("", |finding| finding.reason.as_str());
        let worst = findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::Low);
        let mut ids: Vec<&str> = findings.iter().map(|finding| finding.check.as_str()).collect();
        ids.dedup();
        table.row(vec![
            status_of(findings.iter().copied(), Status::Unknown),
            Cell::severity(worst),
            id_ranges(&ids, options).into(),
            one_line(reason).into(),
        ]);
    }
    table.write(out);
    out.push('\n');
}

/// Ids of one area share their prefix, and three or more in a row are a range: `LA-API-004..007,009`. The wide table names
/// each.
fn id_ranges(ids: &[&str], options: Options) -> String {
    let mut by_area: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for id in ids {
        let (area, number) = id.rsplit_once('-').unwrap_or((id, ""));
        by_area.entry(area).or_default().insert(number);
    }
    let areas = by_area.into_iter().map(|(area, numbers)| {
        let mut runs: Vec<Vec<&str>> = Vec::new();
        for number in numbers {
            let follows = |last: &&str| {
                let next = last.parse::<u32>().ok().and_then(|last| last.checked_add(1));
                next.is_some() && next == number.parse().ok()
            };
            match runs.last_mut().filter(|run| run.last().is_some_and(follows)) {
                Some(run) => run.push(number),
                None => runs.push(vec![number]),
            }
        }
        let runs: Vec<String> = runs
            .iter()
            .map(|run| match run.as_slice() {
                [first, _, .., last] if !options.wide => format!("{first}..{last}"),
                few => few.join(","),
            })
            .collect();
        format!("{area}-{}", runs.join(","))
    });
    areas.collect::<Vec<_>>().join(" ")
}

fn rest(report: &Report, options: Options, out: &mut String) {
    let rest: Vec<&Finding> = report
        .findings
        .iter()
        .filter(|finding| !matches!(finding.status, Status::Fail | Status::Unknown))
        .collect();
    if rest.is_empty() {
        return;
    }
    finding_rows(rest.into_iter(), options, out);
    out.push('\n');
}

fn items(report: &Report, options: Options, out: &mut String) {
    let mut table =
        Table::new(&["K05:2022", "SCORE", "WEIGHT PASSED", "FAILED", "UNKNOWN", "ITEM"], options.no_headers);
    for item in &report.score.items {
        let range = if (item.low - item.high).abs() < 0.05 {
            format!("{:.0}", item.low)
        } else {
            format!("{:.0}-{:.0}", item.low, item.high)
        };
        let unexamined = match item.unexamined.as_slice() {
            [] => String::new(),
            gaps => {
                let themes = |whole: bool| -> Vec<&str> {
                    gaps.iter()
                        .filter(|gap| gap.not_yet.is_none() == whole)
                        .map(|gap| gap.theme.as_str())
                        .collect()
                };
                let parts = [("not examined", themes(true)), ("only in part", themes(false))];
                let parts = parts.iter().filter(|(_, themes)| !themes.is_empty());
                let parts: Vec<String> =
                    parts.map(|(what, themes)| format!("{what}: {}", themes.join(", "))).collect();
                format!(" ({})", parts.join("; "))
            }
        };
        table.row(vec![
            item.id.trim_start_matches("K05.").into(),
            range.into(),
            item.passed.to_string().into(),
            item.failed.to_string().into(),
            item.unknown.to_string().into(),
            format!("{}{unexamined}", item.title).into(),
        ]);
    }
    table.write(out);
    for cap in &report.score.caps {
        let ends = if cap.status == Status::Fail { "score" } else { "low end" };
        let _ = writeln!(
            out,
            "{} {ends} at most {}: {} ({})",
            style::faint("cap:"),
            cap.at_most,
            cap.title,
            cap.checks.join(", ")
        );
    }
    out.push('\n');
}

fn footer(report: &Report, options: Options, without_notes: bool, out: &mut String) {
    let summary = &report.summary;
    let count = |status: Status| summary.verdicts.get(&status).copied().unwrap_or_default();
    let severities: Vec<String> = Severity::ALL
        .iter()
        .filter_map(|severity| summary.failed.get(severity).map(|count| format!("{count} {severity}")))
        .collect();
    let severities =
        if severities.is_empty() { String::new() } else { format!(" ({})", severities.join(", ")) };
    let mut line = format!(
        "{}: {} failed{severities}, {} unknown, {} passed, {} not applicable",
        plural(summary.checks, "check"),
        count(Status::Fail),
        count(Status::Unknown),
        count(Status::Pass),
        count(Status::NotApplicable)
    );
    if summary.waived > 0 {
        let _ = write!(line, "; {} waived", plural(summary.waived, "failed finding"));
    }
    if let Some(compared) = &report.baseline {
        let gone = compared.gone.len();
        let Comparison { new, changed, unchanged, .. } = compared;
        let _ = write!(
            line,
            "; against the baseline {new} new, {changed} changed, {unchanged} unchanged, {gone} gone"
        );
    }
    if without_notes && summary.hidden > 0 {
        let _ = write!(line, "; {} hidden by --severity", plural(summary.hidden, "finding"));
    }
    if !report.selection.is_all() {
        line.push_str("; --only or --skip left checks out of findings and score");
    }
    let _ = writeln!(out, "{line}");
    // Whoever asked for a framework would take the gate for the framework's.
    let scope = if options.controls { " (of all checks, whatever framework is shown)" } else { "" };
    let _ = writeln!(out, "{} {}{scope}", style::heading("Gate:"), summary.gate.told());
    if let Some(first) = first_step(report) {
        let _ = writeln!(out, "{} {}", style::heading("Do first:"), visible(&first));
    }
    if !options.quiet && !options.wide {
        let hint = if options.controls {
            "-o wide shows all evidence; without --framework every finding is told; frameworks show ID says what answers a control"
        } else {
            "-o wide shows every finding with its evidence; checks show ID explains one"
        };
        let _ = writeln!(out, "{}", style::faint(hint));
    }
}

/// What to do first: mend the worst failure, else obtain the evidence that most depends on.
fn first_step(report: &Report) -> Option<String> {
    if let Some(worst) = report.findings.iter().find(|finding| finding.status == Status::Fail) {
        let fix = worst.fix.as_deref().unwrap_or_default();
        return Some(format!(
            "{} on {}: {}",
            worst.check,
            worst.subject,
            fix.lines().next().unwrap_or_default().trim()
        ));
    }
    let unknown = report.findings.iter().filter(|finding| finding.status == Status::Unknown);
    let groups = grouped(unknown, |finding| Some(&finding.reason));
    // The first of equals: findings are sorted by severity.
    let Some(group) = groups.iter().rev().max_by_key(|group| group.len()) else {
        let open = report.score.items.iter().filter(|item| !item.unexamined.is_empty()).count();
        let nothing =
            if report.summary.hidden > 0 { "nothing that is shown failed" } else { "nothing failed" };
        return (open > 0).then(|| {
            format!("{nothing}; {} of K05 have parts that this version does not examine, so look at those by other means", plural(open, "item"))
        });
    };
    let reason = group.first().map_or("", |finding| finding.reason.as_str());
    Some(format!("close the gap behind {}: {}", plural(group.len(), "unknown finding"), one_line(reason)))
}
