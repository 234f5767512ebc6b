//! Markdown for a comment on a pull request: what to know first, and never more than a comment takes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::markup::{code, headings, row, text};
use super::place::Places;
use super::{Report, plural};
use crate::framework::FrameworkResult;
use crate::verdict::{Finding, Standing, Status};

/// The most characters that GitHub takes as a comment, less a little for what others put around it. Bytes are counted, of
/// which there are at least as many.
const MAX_BYTES: usize = 64_000;

/// What of that may go to what is unknown, waived or noted, however much fails.
const RESERVED_BYTES: usize = 12_000;

/// The report.
pub(super) fn render(report: &Report) -> String {
    let mut page = Page { out: String::new(), places: Places::of(report) };
    headline(report, &mut page.out);
    let mut tail = String::new();
    items(report, &mut tail);
    frameworks(&report.frameworks, &mut tail);
    let _ = writeln!(
        tail,
        "\n{} {} on {}. `kubectl logaudit checks show ID` says why a check matters and how to mend what fails.",
        report.tool.name,
        report.tool.version,
        report.cluster.captured_at.map_or_else(|| "files".into(), |time| time.to_string())
    );

    let of = |status: Status| report.findings.iter().filter(move |finding| finding.status == status);
    let limit = MAX_BYTES.saturating_sub(tail.len());
    let failed = limit.saturating_sub(RESERVED_BYTES);
    let has_baseline = report.findings.iter().any(|finding| finding.baseline.is_some());
    if has_baseline {
        let is_new = |finding: &&Finding| finding.baseline == Some(Standing::New);
        page.failed("New failures", &of(Status::Fail).filter(is_new).collect::<Vec<_>>(), failed);
        page.failed("Known failures", &of(Status::Fail).filter(|f| !is_new(f)).collect::<Vec<_>>(), failed);
    } else {
        page.failed("Failed", &of(Status::Fail).collect::<Vec<_>>(), failed);
    }
    page.unknown(&of(Status::Unknown).collect::<Vec<_>>(), limit);
    page.waived(&of(Status::Waived).collect::<Vec<_>>(), limit);
    let notes: Vec<String> = report.notes.iter().map(|note| format!("- {}\n", text(note))).collect();
    page.folded(&plural(notes.len(), "note"), None, &notes, limit);
    page.out + &tail
}

fn headline(report: &Report, out: &mut String) {
    let gate = &report.summary.gate;
    let verdict = if gate.passed { "the gate passes" } else { "the gate fails" };
    let _ = writeln!(out, "## Audit of the logging of {}: {verdict}\n", code(&report.cluster.name));
    for reason in &gate.reasons {
        let _ = writeln!(out, "- {}", text(reason));
    }
    let score = &report.score;
    let counts: Vec<String> =
        report.summary.verdicts.iter().rev().map(|(status, count)| format!("{count} {status}")).collect();
    if !gate.reasons.is_empty() {
        out.push('\n');
    }
    let _ = writeln!(
        out,
        "**Score {} to {}** of 100, grade {}; {:.0} % of the weight could be judged. {}: {}.",
        score.low,
        score.high,
        text(&score.grade),
        score.judged * 100.0,
        plural(report.summary.checks, "check"),
        counts.join(", ")
    );
    for cap in &score.caps {
        let _ = writeln!(out, "Capped at {}: {}.", cap.at_most, text(&cap.title));
    }
    if report.summary.hidden > 0 {
        let _ = writeln!(out, "{} of lower severity not shown.", plural(report.summary.hidden, "finding"));
    }
}

/// What is written so far, within a bound.
struct Page<'a> {
    out: String,
    places: Places<'a>,
}

impl Page<'_> {
    /// Rows as long as they fit; how many did not is said below them.
    fn rows(&mut self, rows: &[String], limit: usize) {
        let mut left = rows.len();
        for row in rows {
            if self.out.len() + row.len() > limit {
                break;
            }
            self.out.push_str(row);
            left -= 1;
        }
        if left > 0 {
            let _ = writeln!(self.out, "\n… and {left} more, which do not fit here.");
        }
    }

    fn failed(&mut self, title: &str, findings: &[&Finding], limit: usize) {
        if findings.is_empty() {
            return;
        }
        let _ = writeln!(self.out, "\n### {title}: {}\n", findings.len());
        headings(&["Severity", "Check", "Subject", "Why", "Where"], &mut self.out);
        let places = &self.places;
        let line = |finding: &&Finding| {
            let mut cells = String::new();
            let place = places.foremost(finding);
            let changed = finding.baseline.filter(|standing| *standing == Standing::Changed);
            let changed = changed.map(|_| " (on other evidence)").unwrap_or_default();
            let columns = [
                finding.severity.to_string(),
                code(&finding.check),
                code(&finding.subject),
                format!("{}{changed}", text(&finding.reason)),
                place.map_or_else(String::new, |evidence| code(&evidence.at)),
            ];
            row(&columns, &mut cells);
            cells
        };
        self.rows(&findings.iter().map(line).collect::<Vec<_>>(), limit);
    }

    /// Checks that are unknown, with the reason of their first finding.
    fn unknown(&mut self, findings: &[&Finding], limit: usize) {
        let mut checks: Vec<(&str, &Finding, usize)> = Vec::new();
        let mut known: BTreeMap<&str, usize> = BTreeMap::new();
        for finding in findings {
            let index = *known.entry(&finding.check).or_insert(checks.len());
            match checks.get_mut(index) {
                Some((_, _, count)) => *count += 1,
                None => checks.push((&finding.check, finding, 1)),
            }
        }
        let line = |(check, finding, count): &(&str, &Finding, usize)| {
            let mut cells = String::new();
            let about = if *count == 1 { code(&finding.subject) } else { format!("{count} subjects") };
            let columns = [finding.severity.to_string(), code(check), about, text(&finding.reason)];
            row(&columns, &mut cells);
            cells
        };
        let rows: Vec<String> = checks.iter().map(line).collect();
        self.folded(
            &format!("{} unknown", findings.len()),
            Some(&["Severity", "Check", "Subject", "Why"]),
            &rows,
            limit,
        );
    }

    fn waived(&mut self, findings: &[&Finding], limit: usize) {
        let line = |finding: &&Finding| {
            let waiver = finding.waiver.as_ref();
            let part = |text: Option<&String>| text.map_or_else(String::new, |word| self::text(word));
            let columns = [
                code(&finding.check),
                code(&finding.subject),
                part(waiver.map(|waiver| &waiver.reason)),
                part(waiver.and_then(|waiver| waiver.owner.as_ref())),
                part(waiver.and_then(|waiver| waiver.expires.as_ref())),
            ];
            let mut cells = String::new();
            row(&columns, &mut cells);
            cells
        };
        let rows: Vec<String> = findings.iter().map(line).collect();
        let columns = ["Check", "Subject", "Accepted because", "By", "Until"];
        self.folded(&format!("{} waived", findings.len()), Some(&columns), &rows, limit);
    }

    /// Something that is folded until somebody asks.
    fn folded(&mut self, title: &str, columns: Option<&[&str]>, rows: &[String], limit: usize) {
        const END: &str = "\n</details>\n";
        if rows.is_empty() {
            return;
        }
        let _ = writeln!(self.out, "\n<details><summary>{title}</summary>\n");
        if let Some(columns) = columns {
            headings(columns, &mut self.out);
        }
        self.rows(rows, limit.saturating_sub(END.len()));
        self.out.push_str(END);
    }
}

fn items(report: &Report, out: &mut String) {
    if report.score.items.is_empty() {
        return;
    }
    out.push('\n');
    headings(&["Item", "Asks for", "Low", "High"], out);
    for item in &report.score.items {
        let cells =
            [text(&item.id), text(&item.title), format!("{:.1}", item.low), format!("{:.1}", item.high)];
        row(&cells, out);
    }
}

fn frameworks(frameworks: &[FrameworkResult], out: &mut String) {
    /// The order in which statuses are counted.
    const STATUSES: [Status; 6] = [
        Status::Fail,
        Status::Unknown,
        Status::Attestation,
        Status::Waived,
        Status::Pass,
        Status::NotApplicable,
    ];
    if frameworks.is_empty() {
        return;
    }
    out.push('\n');
    let names: Vec<&str> = ["Framework"].into_iter().chain(STATUSES.map(Status::as_str)).collect();
    headings(&names, out);
    for framework in frameworks {
        let count = |status: Status| {
            framework.controls.iter().filter(|control| control.status == status).count().to_string()
        };
        let name = format!("{} {}", text(&framework.name), code(&framework.edition));
        row(&[name].into_iter().chain(STATUSES.map(count)).collect::<Vec<_>>(), out);
    }
}
