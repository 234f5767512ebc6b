//! What differs between two reports, for people.

use std::fmt::Write as _;

use schemars::generate::SchemaSettings;

use super::columns::{Cell, Table};
use super::markup::{code, headings, row, text};
use super::plural;
use super::style::{self, visible};
use crate::baseline::difference::{Change, Difference, Kind, Side};
use crate::verdict::{Evidence, Status};

/// The most rows in Markdown: what a forge takes as a comment is bounded.
const MAX_ROWS: usize = 100;

/// The JSON Schema of what `diff -o json` prints.
pub fn schema() -> serde_json::Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<Difference>();
    schema.insert("title".into(), "Difference of two reports of kubectl logaudit".into());
    schema.to_value()
}

/// The difference as a table.
pub fn table(difference: &Difference, no_headers: bool) -> String {
    let mut out = String::new();
    let mut table = Table::new(&["CHANGE", "SEVERITY", "CHECK", "SUBJECT", "STATUS", "WHY"], no_headers);
    let (shown, passes) = shown(difference);
    for change in &shown {
        table.row(vec![
            change.kind.as_str().into(),
            Cell::severity(change.severity),
            change.check.as_str().into(),
            change.subject.as_str().into(),
            statuses(change).into(),
            why(change).into(),
        ]);
    }
    if !shown.is_empty() {
        table.write(&mut out);
        out.push('\n');
    }
    for note in &difference.notes {
        let _ = writeln!(out, "{} {}", style::faint("note:"), visible(note));
    }
    let _ = writeln!(out, "{}", counted(difference, passes));
    let _ = writeln!(out, "{}", scores(difference));
    out
}

/// The difference for a pull request.
pub fn markdown(difference: &Difference) -> String {
    let mut out = format!("{}. {}.\n", counted(difference, shown(difference).1), scores(difference));
    for note in &difference.notes {
        let _ = write!(out, "\n{}\n", text(note));
    }
    let (shown, _) = shown(difference);
    if shown.is_empty() {
        return out;
    }
    out.push('\n');
    headings(&["change", "severity", "check", "subject", "status", "why"], &mut out);
    for change in shown.iter().take(MAX_ROWS) {
        let cells = [
            change.kind.as_str().to_owned(),
            change.severity.to_string(),
            code(&change.check),
            code(&change.subject),
            statuses(change),
            text(&why(change)),
        ];
        row(&cells, &mut out);
    }
    if let Some(more) = shown.len().checked_sub(MAX_ROWS).filter(|more| *more > 0) {
        let _ = write!(out, "\n{} more\n", plural(more, "change"));
    }
    out
}

/// The changes that somebody has to look at, and how many there are on both sides of which all is well.
fn shown(difference: &Difference) -> (Vec<&Change>, usize) {
    let is_open = |side: &Option<Side>| side.as_ref().is_some_and(|side| side.status > Status::Pass);
    let (shown, passes): (Vec<&Change>, Vec<&Change>) =
        difference.changes.iter().partition(|change| is_open(&change.before) || is_open(&change.after));
    (shown, passes.len())
}

fn counted(difference: &Difference, passes: usize) -> String {
    let counts = difference.counts();
    let kinds = [Kind::Worse, Kind::New, Kind::Lost, Kind::Waived, Kind::Better, Kind::Gone, Kind::Evidence];
    let parts: Vec<String> = kinds
        .into_iter()
        .filter_map(|kind| counts.get(&kind).map(|count| format!("{count} {}", words(kind))))
        .collect();
    let unchanged = plural(difference.unchanged, "finding");
    if parts.is_empty() {
        return format!("Nothing differs: {unchanged} as before");
    }
    let well = if passes > 0 { format!(" ({passes} of these pass or do not apply)") } else { String::new() };
    format!("{}{well}; {unchanged} as before", parts.join(", "))
}

fn words(kind: Kind) -> &'static str {
    match kind {
        Kind::Worse => "worse",
        Kind::New => "new",
        Kind::Lost => "no longer told, which is not mended",
        Kind::Waived => "waived, which is not mended",
        Kind::Better => "better",
        Kind::Gone => "gone",
        Kind::Evidence => "with other evidence",
    }
}

fn scores(difference: &Difference) -> String {
    let [before, after] = difference.scores;
    format!("Score: {} to {} before, {} to {} after", before.low, before.high, after.low, after.high)
}

fn statuses(change: &Change) -> String {
    let words = |side: &Option<Side>| side.as_ref().map_or("-", |side| side.status.as_str());
    let severities = match (&change.before, &change.after) {
        (Some(before), Some(after)) if before.severity != after.severity => {
            format!(" ({} -> {})", before.severity, after.severity)
        }
        _ => String::new(),
    };
    format!("{} -> {}{severities}", words(&change.before), words(&change.after))
}

/// The reason of the newer finding; for other evidence, what is other.
fn why(change: &Change) -> String {
    let evidence = |evidence: &Evidence| format!("{} {}", evidence.at, evidence.detail);
    match (change.kind, &change.before, &change.after) {
        (Kind::Evidence, Some(before), Some(after)) => {
            let of = |from: &Side, other: &Side| {
                from.evidence.iter().find(|one| !other.evidence.contains(one)).map(evidence)
            };
            let was = of(before, after).unwrap_or_else(|| "nothing".to_owned());
            let is = of(after, before).unwrap_or_else(|| "nothing".to_owned());
            format!("{was} -> {is}")
        }
        (_, _, Some(side)) | (_, Some(side), None) => side.reason.clone(),
        (_, None, None) => String::new(),
    }
}
