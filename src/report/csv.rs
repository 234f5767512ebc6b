//! Findings as rows for spreadsheets, as RFC 4180 has them.

use super::Report;
use super::style::visible_lines;
use crate::verdict::{Evidence, Finding, Rank, Standing};

/// The columns, in their order.
const COLUMNS: [&str; 16] = [
    "check",
    "title",
    "category",
    "subject",
    "status",
    "severity",
    "rank",
    "reason",
    "evidence",
    "fix",
    "waiver_reason",
    "waiver_owner",
    "waiver_expires",
    "baseline",
    "cluster",
    "fingerprint",
];

/// One row for each finding, below a row of headings.
pub(super) fn render(report: &Report) -> String {
    let mut out = String::new();
    row(COLUMNS.map(str::to_owned), &mut out);
    for finding in &report.findings {
        row(cells(finding, &report.cluster.name), &mut out);
    }
    out
}

fn cells(finding: &Finding, cluster: &str) -> [String; 16] {
    let places: Vec<String> =
        finding.evidence.iter().map(|Evidence { at, detail }| format!("{at}: {detail}")).collect();
    let waiver = finding.waiver.as_ref();
    [
        finding.check.clone(),
        finding.title.clone(),
        finding.category.clone(),
        finding.subject.clone(),
        finding.status.to_string(),
        finding.severity.to_string(),
        finding.rank.map_or_else(String::new, |rank: Rank| rank.to_string()),
        finding.reason.clone(),
        places.join("\n"),
        finding.fix.clone().unwrap_or_default(),
        waiver.map_or_else(String::new, |waiver| waiver.reason.clone()),
        waiver.and_then(|waiver| waiver.owner.clone()).unwrap_or_default(),
        waiver.and_then(|waiver| waiver.expires.clone()).unwrap_or_default(),
        finding.baseline.map(Standing::as_str).unwrap_or_default().to_owned(),
        cluster.to_owned(),
        finding.fingerprint.clone(),
    ]
}

fn row(cells: [String; 16], out: &mut String) {
    let cells = cells.map(|text| cell(&text));
    out.push_str(&cells.join(","));
    out.push_str("\r\n");
}

/// A cell. Spreadsheets take what begins with one of these characters for a formula and may run it, so an apostrophe, by which
/// they know text, goes before it (OWASP, CSV Injection).
fn cell(text: &str) -> String {
    let text = visible_lines(text);
    let guard = if text.starts_with(['=', '+', '-', '@']) { "'" } else { "" };
    if guard.is_empty() && !text.contains([',', '"', '\n']) {
        return text.into_owned();
    }
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}
