//! Frameworks in the report for people: a line for each, or, as an auditor asks, a line for each control.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::columns::Table;
use super::style::visible;
use super::table::{MAX_DETAIL, MAX_PLACE, Options, cut, one_line, status};
use super::{Report, plural, style};
use crate::framework::conflicts::by_reason;
use crate::framework::{ControlResult, FrameworkResult};
use crate::verdict::{Rank, Status};

/// How many controls in a row short reports name.
const NAMED: usize = 5;

/// How much evidence of a control the short form tells.
const FEW: usize = 3;

/// A line for each framework, in the wide form the failed controls, and where they contradict each other.
pub(super) fn summary(report: &Report, options: Options, out: &mut String) {
    let mut table = Table::new(
        &["FRAMEWORK", "FAIL", "UNKNOWN", "ATTEST", "PASS", "N/A", "FAILED CONTROLS"],
        options.no_headers,
    );
    for framework in &report.frameworks {
        let count = |wanted: &[Status]| wanted.iter().map(|status| count(framework, *status)).sum::<usize>();
        let failed = framework.controls.iter().filter(|control| control.status == Status::Fail);
        let failed: Vec<String> = failed.map(|control| control.id.clone()).collect();
        let text = some(&failed, options);
        table.row(vec![
            format!("{}@{}", framework.id, framework.edition).into(),
            count(&[Status::Fail]).to_string().into(),
            count(&[Status::Unknown]).to_string().into(),
            count(&[Status::Attestation]).to_string().into(),
            count(&[Status::Pass]).to_string().into(),
            count(&[Status::NotApplicable, Status::Waived]).to_string().into(),
            if text.is_empty() { "-".into() } else { text.into() },
        ]);
    }
    table.write(out);
    if !report.other_frameworks.is_empty() {
        let line = format!(
            "{}: --framework all, or --framework ID for one, control by control",
            plural(report.other_frameworks.len(), "more framework")
        );
        let _ = writeln!(out, "{}", style::faint(&line));
    }
    for conflict in contradictions(report, options) {
        let _ = writeln!(out, "{} {}", style::faint("conflict:"), visible(&conflict));
    }
    if options.wide {
        for framework in &report.frameworks {
            note(framework, out);
        }
    }
    out.push('\n');
    if options.wide {
        failed(report, options, out);
    }
}

fn count(framework: &FrameworkResult, status: Status) -> usize {
    framework.controls.iter().filter(|control| control.status == status).count()
}

fn note(framework: &FrameworkResult, out: &mut String) {
    if let Some(note) = &framework.note {
        let _ = writeln!(out, "{} {}: {}", style::faint("note:"), framework.id, visible(note));
    }
}

/// The failed controls of all frameworks.
fn failed(report: &Report, options: Options, out: &mut String) {
    let mut table = Table::new(&["STATUS", "FRAMEWORK", "CONTROL", "TITLE", "WHY"], options.no_headers);
    let mut any = false;
    for framework in &report.frameworks {
        for control in framework.controls.iter().filter(|control| control.status == Status::Fail) {
            any = true;
            table.row(vec![
                status(control.status),
                framework.id.as_str().into(),
                control.id.as_str().into(),
                control.title.as_str().into(),
                one_line(control.reason.as_deref().unwrap_or("-")).into(),
            ]);
        }
    }
    if any {
        table.write(out);
        out.push('\n');
    }
}

/// Every control of every framework: what it came to, why, on what evidence of which rank and date, what only a person can
/// confirm, and what asks for the contrary.
pub(super) fn controls(report: &Report, options: Options, out: &mut String) {
    for framework in &report.frameworks {
        let full = format!("{}@{}", framework.id, framework.edition);
        let date = report.cluster.captured_at.map_or_else(
            || "of files, whose date is not known".to_owned(),
            |time| format!("of {}", time.strftime("%Y-%m-%d %H:%M:%SZ")),
        );
        let _ = writeln!(
            out,
            "{}  {}, evidence {date}",
            style::heading(&visible(&full)),
            visible(&framework.name)
        );
        let statuses = [Status::Fail, Status::Unknown, Status::Attestation, Status::Waived, Status::Pass];
        let counts = statuses.into_iter().chain([Status::NotApplicable]);
        let counts: Vec<String> = counts
            .map(|status| (count(framework, status), status))
            .filter(|(count, _)| *count > 0)
            .map(|(count, status)| format!("{count} {status}"))
            .collect();
        let _ = writeln!(out, "{}: {}\n", plural(framework.controls.len(), "control"), counts.join(", "));
        let mut table =
            Table::new(&["STATUS", "CONTROL", "RANK", "TITLE", "WHY", "EVIDENCE"], options.no_headers);
        for control in &framework.controls {
            table.row(vec![
                status(control.status),
                control.id.as_str().into(),
                control.rank.map_or("-", Rank::as_str).into(),
                control.title.as_str().into(),
                why(control).into(),
                evidence(control, options).into(),
            ]);
        }
        table.write(out);
        for control in &framework.controls {
            let others = control.conflict.iter().flat_map(|conflict| &conflict.with);
            let others =
                others.map(|other| (other.why.as_str(), format!("{} ({})", other.control, other.status)));
            for (why, others) in by_reason(others) {
                let told = format!("{} ({}) with {}: {why}", control.id, control.status, others.join(", "));
                let _ = writeln!(out, "{} {}", style::faint("conflict:"), visible(&told));
            }
        }
        note(framework, out);
        out.push('\n');
    }
}

/// Why a control came to its status, and what a person has to confirm besides.
fn why(control: &ControlResult) -> String {
    let reason = control.reason.as_deref().map(one_line);
    match (&control.attest, control.status) {
        (Some(attest), Status::Fail | Status::Unknown | Status::Waived) => {
            format!("{}; besides, a person has to confirm {attest}", reason.unwrap_or_default())
        }
        _ => reason.unwrap_or_else(|| "-".into()),
    }
}

/// The evidence that decided: some of it, or all that the report holds with what each piece was about.
fn evidence(control: &ControlResult, options: Options) -> String {
    let shown = if options.wide { control.evidence.len() } else { FEW };
    let mut told: Vec<String> = Vec::new();
    for piece in control.evidence.iter().take(shown) {
        let detail = cut(&one_line(&piece.detail), if options.wide { MAX_DETAIL } else { MAX_PLACE });
        told.push(if options.wide {
            format!("{} on {}: {}: {detail}", piece.check, piece.subject, one_line(&piece.at))
        } else {
            format!("{}: {detail}", cut(&one_line(&piece.at), MAX_PLACE))
        });
    }
    let more = control.evidence.len().saturating_sub(shown).saturating_add(control.evidence_left_out);
    if more > 0 {
        told.push(format!("{more} more"));
    }
    if told.is_empty() { "-".into() } else { told.join("; ") }
}

/// The conflicts that show here, because one side fails for what the other is content with.
fn contradictions(report: &Report, options: Options) -> Vec<String> {
    let mut sides: BTreeMap<&str, (Vec<String>, Vec<String>)> = BTreeMap::new();
    let add = |list: &mut Vec<String>, id: &str| {
        if !list.iter().any(|known| known == id) {
            list.push(id.to_owned());
        }
    };
    for framework in &report.frameworks {
        for control in &framework.controls {
            let here = format!("{}/{}", framework.id, control.id);
            for other in control.conflict.iter().flat_map(|conflict| &conflict.with) {
                let (passed, failed) = match (control.status, other.status) {
                    (Status::Pass, Status::Fail) => (&here, &other.control),
                    (Status::Fail, Status::Pass) => (&other.control, &here),
                    _ => continue,
                };
                let (passes, failures) = sides.entry(&other.why).or_default();
                add(passes, passed);
                add(failures, failed);
            }
        }
    }
    let told = sides.into_iter().map(|(why, (passes, failures))| {
        let (passes, failures) = (some(&passes, options), some(&failures, options));
        format!("{passes} passed, {failures} failed: {why}")
    });
    told.collect()
}

/// Ids in a row; short reports name only some of many.
fn some(ids: &[String], options: Options) -> String {
    let named = if options.wide || ids.len() <= NAMED + 1 { ids.len() } else { NAMED };
    let mut text = ids.iter().take(named).map(String::as_str).collect::<Vec<_>>().join(", ");
    if named < ids.len() {
        let _ = write!(text, " and {} more", ids.len() - named);
    }
    text
}
