//! `JUnit` XML, so that CI shows findings as tests: a suite for each category, a case for each check and subject.
//!
//! A case fails if its finding does. What is unknown is skipped, or an error where the gate fails for it; what does not
//! apply or is waived is skipped. The first suite is the gate: it fails exactly when the command ends with 1.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::format::Page;
use super::style::{visible, visible_lines};
use super::{Report, plural};
use crate::verdict::{Finding, Standing, Status};

/// The report.
pub(super) fn render(page: &Page<'_>) -> String {
    let report = page.report;
    let unknown_gates = page.table.unknown_gates;
    let mut suites: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in &report.findings {
        suites.entry(&finding.category).or_default().push(finding);
    }
    let mut total = Counts::default();
    let mut body = gate(report, &mut total);
    for (category, findings) in suites {
        let mut counts = Counts::default();
        let mut cases = String::new();
        for finding in findings {
            case(finding, unknown_gates, &mut counts, &mut cases);
        }
        body.push_str(&suite(category, report, &counts, &cases));
        total.add(&counts);
    }
    let name = attribute("name", &report.tool.name);
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites{name}{}>\n{body}</testsuites>\n",
        total.attributes(false)
    )
}

/// How many tests came to what.
#[derive(Default)]
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

impl Counts {
    fn add(&mut self, other: &Self) {
        self.tests += other.tests;
        self.failures += other.failures;
        self.errors += other.errors;
        self.skipped += other.skipped;
    }

    /// All suites together have no count of what was skipped.
    fn attributes(&self, of_suite: bool) -> String {
        let Self { tests, failures, errors, skipped } = self;
        let skipped = if of_suite { format!(" skipped=\"{skipped}\"") } else { String::new() };
        format!(" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\"{skipped}")
    }
}

fn suite(name: &str, report: &Report, counts: &Counts, cases: &str) -> String {
    let name = attribute("name", name);
    // In UTC without saying so: the schemas know no zone.
    let time = report.cluster.captured_at.map(|time| time.strftime("%Y-%m-%dT%H:%M:%S").to_string());
    let timestamp = time.map(|time| attribute("timestamp", &time)).unwrap_or_default();
    format!("  <testsuite{name}{}{timestamp}>\n{cases}  </testsuite>\n", counts.attributes(true))
}

/// The suite of the gate, with what is said of the run as a whole.
fn gate(report: &Report, total: &mut Counts) -> String {
    let gate = &report.summary.gate;
    let score = &report.score;
    let properties = [
        ("version", report.tool.version.clone()),
        ("cluster", report.cluster.name.clone()),
        ("score", format!("{} to {}", score.low, score.high)),
        ("grade", score.grade.clone()),
    ];
    let mut cases = String::from("    <properties>\n");
    for (name, value) in properties {
        let _ = writeln!(cases, "      <property{}{}/>", attribute("name", name), attribute("value", &value));
    }
    cases.push_str("    </properties>\n    <testcase classname=\"gate\" name=\"The gate passes\"");
    if gate.passed {
        cases.push_str("/>\n");
    } else {
        let reasons = gate.reasons.join("; ");
        let _ = writeln!(cases, "><failure{} type=\"gate\"/></testcase>", attribute("message", &reasons));
    }
    if !report.notes.is_empty() {
        let notes: Vec<_> = report.notes.iter().map(|note| visible(note)).collect();
        let _ = writeln!(cases, "    <system-out>{}</system-out>", text(&notes.join("\n")));
    }
    let counts = Counts { tests: 1, failures: usize::from(!gate.passed), ..Counts::default() };
    total.add(&counts);
    suite("gate", report, &counts, &cases)
}

fn case(finding: &Finding, unknown_gates: bool, counts: &mut Counts, out: &mut String) {
    let Finding { check, title, subject, reason, .. } = finding;
    counts.tests += 1;
    let _ = write!(
        out,
        "    <testcase{}{}",
        attribute("classname", check),
        attribute("name", &format!("{title}: {subject}"))
    );
    // What the baseline has fails no pipeline, so it fails no case.
    let is_known = finding.baseline.is_some_and(|standing| standing != Standing::New);
    let element = match finding.status {
        Status::Fail | Status::Unknown if is_known => {
            counts.skipped += 1;
            let message = attribute("message", &format!("known, {}", skipped(finding)));
            let _ = writeln!(out, "><skipped{message}/></testcase>");
            return;
        }
        Status::Pass => {
            out.push_str("/>\n");
            return;
        }
        Status::Fail => {
            counts.failures += 1;
            "failure"
        }
        Status::Unknown if unknown_gates => {
            counts.errors += 1;
            "error"
        }
        Status::Unknown | Status::Attestation | Status::Waived | Status::NotApplicable => {
            counts.skipped += 1;
            let message = attribute("message", &skipped(finding));
            let _ = writeln!(out, "><skipped{message}/></testcase>");
            return;
        }
    };
    let kind = attribute("type", finding.severity.as_str());
    let message = attribute("message", reason);
    let _ = writeln!(out, "><{element}{message}{kind}>{}</{element}></testcase>", text(&details(finding)));
}

/// Why a case is skipped.
fn skipped(finding: &Finding) -> String {
    let Finding { status, reason, .. } = finding;
    let Some(waiver) = &finding.waiver else { return format!("{status}: {reason}") };
    let owner = waiver.owner.iter().map(|owner| format!(", by {owner}"));
    let expires = waiver.expires.iter().map(|day| format!(", until {day}"));
    let terms: String = owner.chain(expires).collect();
    format!("{status} ({}{terms}): {reason}", waiver.reason)
}

/// Evidence and fix, line by line.
fn details(finding: &Finding) -> String {
    let mut lines = vec![format!("{}: {}", visible(&finding.subject), visible(&finding.reason))];
    if let Some(rank) = finding.rank {
        lines.push(format!("{} ({rank}):", plural(finding.evidence.len(), "place")));
    }
    lines.extend(
        finding.evidence.iter().map(|one| format!("  {}: {}", visible(&one.at), visible(&one.detail))),
    );
    lines.extend(finding.fix.clone());
    lines.join("\n")
}

/// ` name="value"`.
fn attribute(name: &str, value: &str) -> String {
    format!(" {name}=\"{}\"", escaped(&visible(value)))
}

fn text(text: &str) -> String {
    escaped(&visible_lines(text))
}

/// What is no markup, in an attribute or between elements. Characters that XML cannot hold are gone before, where they were
/// made visible.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            _ => out.push(c),
        }
    }
    out
}
