//! What is in the folder: for each failure what mends it, at what cost, and what no file can mend.

use std::collections::{BTreeMap, BTreeSet};

use super::{EXPECTED, Fate, Mending, POLICY_FILE, Written};
use crate::report::markup::{code, headings, row, text as plain};
use crate::report::{Gate, Report, plural};
use crate::verdict::{Finding, Severity, Status};

/// How many subjects of a check are named.
const NAMED: usize = 4;

/// What the last line of a README begins and ends with, between which its files stand.
const LISTED: (&str, &str) = ("<!-- Written by kubectl logaudit fix: ", " -->");

/// The files that are listed in a text, if it is a README of `fix`.
pub fn listed(readme: &str) -> Vec<&str> {
    let last = readme.trim_end().lines().next_back().unwrap_or_default();
    let names = last.strip_prefix(LISTED.0).and_then(|rest| rest.strip_suffix(LISTED.1));
    names.map(|names| names.split(", ").collect()).unwrap_or_default()
}

/// The README of a folder with these files.
pub(super) fn text(mending: &Mending, files: &[&str]) -> String {
    let mut out = content(mending);
    out.push_str(&format!("\n{}{}{}\n", LISTED.0, files.join(", "), LISTED.1));
    out
}

fn content(mending: &Mending) -> String {
    let mut out = format!("# Remedies for {}\n\n", plain(&mending.before.cluster.name));
    if mending.fates.is_empty() {
        out.push_str("Nothing fails, so that there is nothing to mend.\n");
        unknown(mending, &mut out);
        return out;
    }
    summary(mending, &mut out);
    needs(mending, &mut out);
    checking(mending, &mut out);
    for (index, written) in mending.written.iter().enumerate() {
        remedy(mending, index, written, &mut out);
    }
    table(mending, &mut out);
    brought(mending, &mut out);
    by_hand(mending, &mut out);
    unknown(mending, &mut out);
    out
}

fn summary(mending: &Mending, out: &mut String) {
    let counts = mending.counts();
    let checks = mending.by_check();
    let failed = plural(checks.len(), "failed check");
    if counts.mended + counts.once_set == 0 {
        out.push_str(&format!("{failed}, and no file mends any of them.\n\n"));
    } else {
        let whole = checks
            .values()
            .filter(|fates| fates.iter().all(|(_, fate)| matches!(fate, Fate::Mended(_))))
            .count();
        out.push_str(&format!(
            "{failed}. What is here mends {}, and {whole} of these checks whole: judged with all of it in place, they pass.\n\n{}\n\n",
            counts.words(),
            mending.score().iter().map(|line| plain(line)).collect::<Vec<_>>().join("\n\n")
        ));
    }
    out.push_str(
        "Nothing has been applied to anything. Read what each file does before you put it in place.\n\n",
    );
}

fn needs(mending: &Mending, out: &mut String) {
    let needs: BTreeSet<&String> = mending.written.iter().flat_map(|written| &written.remedy.needs).collect();
    if needs.is_empty() {
        return;
    }
    out.push_str("## To be set first\n\nNobody but you knows these. What depends on them mends nothing before they are set.\n\n");
    for need in needs {
        out.push_str(&format!("- {need}\n"));
    }
    out.push('\n');
}

fn checking(mending: &Mending, out: &mut String) {
    if mending.written.is_empty() {
        return;
    }
    out.push_str("## How to check\n\n");
    out.push_str(&format!(
        "- Before: `kubectl logaudit run --snapshot {EXPECTED}` judges what was read with all remedies in place.\n"
    ));
    if let Some(alone) = &mending.alone {
        files_alone(mending, alone, out);
    }
    out.push_str("- After: `kubectl logaudit run` against the cluster, once the apiservers and collectors have restarted. That is the only proof.\n\n");
}

/// What the files show without the rest of the cluster, as was tried.
fn files_alone(mending: &Mending, alone: &Report, out: &mut String) {
    let has_policy = mending.remedy_files().contains_key(POLICY_FILE);
    let policy = if has_policy { format!(" --policy-file {POLICY_FILE}") } else { String::new() };
    let Gate { passed, reasons, .. } = &alone.summary.gate;
    if *passed {
        out.push_str(&format!(
            "- The files by themselves: `kubectl logaudit run -f .{policy}` in this folder. Its gate passes; files do not say what runs, so much stays unknown.\n"
        ));
        return;
    }
    let failing = |report: &Report| -> BTreeSet<String> {
        let failed = report.findings.iter().filter(|one| one.status == Status::Fail);
        failed.filter(|one| one.severity >= Severity::High).map(|one| one.check.clone()).collect()
    };
    let after = failing(&mending.after);
    let missing: Vec<String> = failing(alone).into_iter().filter(|check| !after.contains(check)).collect();
    let because = if missing.is_empty() {
        String::new()
    } else {
        format!(
            " Of these {} fail there only because patches and commands do not show what they change.",
            missing.join(", ")
        )
    };
    out.push_str(&format!(
        "- The files by themselves say too little to be judged: the gate of `kubectl logaudit run -f .{policy}` fails ({}).{because}\n",
        reasons.join("; ")
    ));
}

fn remedy(mending: &Mending, index: usize, written: &Written, out: &mut String) {
    let remedy = &written.remedy;
    out.push_str(&format!("## {}. {}\n\n{}\n\n", index + 1, plain(&remedy.title), remedy.does));
    let files: Vec<String> = remedy.files.iter().map(|file| code(&file.name)).collect();
    if !files.is_empty() {
        out.push_str(&format!("Files: {}\n\n", files.join(", ")));
    }
    let checks: BTreeSet<&str> = written.mends.iter().map(|(check, _)| check.as_str()).collect();
    if checks.is_empty() {
        out.push_str("Files cannot prove that it mends something by itself.\n\n");
    } else {
        out.push_str(&format!("Mends: {}\n\n", checks.into_iter().collect::<Vec<_>>().join(", ")));
    }
    let of_it = |status: &Fate| matches!(status, Fate::Mended(by) if *by == index);
    let lost = written
        .mends
        .iter()
        .filter_map(|subject| mending.fates.get(subject))
        .filter(|fate| !of_it(fate))
        .count();
    if lost > 0 {
        out.push_str(&format!("Of these, {lost} come to something else with the remedies that follow.\n\n"));
    }
    out.push_str("Costs:\n\n");
    for cost in &remedy.costs {
        out.push_str(&format!("- {cost}\n"));
    }
    out.push_str("\nHow to put it in place:\n\n");
    for (number, step) in remedy.apply.iter().enumerate() {
        out.push_str(&format!("{}. {step}\n", number + 1));
    }
    out.push('\n');
}

/// The failed checks, worst first.
fn ordered(mending: &Mending) -> Vec<(&Finding, Vec<(&str, &Fate)>)> {
    let mut first: BTreeMap<&str, &Finding> = BTreeMap::new();
    for finding in mending.before.findings.iter().filter(|finding| finding.status == Status::Fail) {
        first.entry(&finding.check).or_insert(finding);
    }
    let mut checks: Vec<_> = mending
        .by_check()
        .into_iter()
        .filter_map(|(check, fates)| Some((*first.get(check)?, fates)))
        .collect();
    checks.sort_by_key(|(finding, _)| (std::cmp::Reverse(finding.severity), finding.check.clone()));
    checks
}

fn table(mending: &Mending, out: &mut String) {
    out.push_str("## Every failed check\n\n");
    headings(&["Check", "Severity", "What should be so", "About", "What becomes of it"], out);
    for (finding, fates) in ordered(mending) {
        let names: Vec<String> = fates.iter().take(NAMED).map(|(name, _)| plain(name)).collect();
        let more = match fates.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        row(
            &[
                finding.check.clone(),
                finding.severity.to_string(),
                plain(&finding.title),
                format!("{}{more}", names.join("; ")),
                becomes(mending, &fates),
            ],
            out,
        );
    }
    out.push('\n');
}

/// What becomes of the failures of a check, in words: most often the same of all.
fn becomes(mending: &Mending, fates: &[(&str, &Fate)]) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (_, fate) in fates {
        let words = match fate {
            Fate::Mended(by) => {
                let written = mending.written.get(*by);
                let files = written
                    .into_iter()
                    .flat_map(|written| &written.remedy.files)
                    .map(|file| code(&file.name));
                let files = files.collect::<Vec<_>>().join(", ");
                let set = written.is_some_and(|written| !written.remedy.needs.is_empty());
                let once = if set { ", once what is said above is set" } else { "" };
                if files.is_empty() {
                    format!("mended by remedy {}{once}", by + 1)
                } else {
                    format!("mended by {files}{once}")
                }
            }
            Fate::Unknown(_) => "told only when it runs".to_owned(),
            Fate::NotApplicable(_) => "does not arise any more".to_owned(),
            Fate::Fails => "**not mended**".to_owned(),
        };
        *counts.entry(words).or_default() += 1;
    }
    let single = counts.len() == 1;
    let words =
        counts.into_iter().map(|(words, count)| if single { words } else { format!("{count} {words}") });
    words.collect::<Vec<_>>().join("; ")
}

fn brought(mending: &Mending, out: &mut String) {
    let told = |out: &mut String, of_it: &dyn Fn(Option<Status>) -> bool| {
        for one in mending.brought.iter().filter(|one| of_it(one.was)) {
            let Finding { check, severity, subject, reason, .. } = &one.finding;
            out.push_str(&format!("- {check} ({severity}), {}: {}\n", plain(subject), plain(reason)));
        }
        out.push('\n');
    };
    let passed = |was: Option<Status>| was == Some(Status::Pass);
    if mending.brought.iter().any(|one| passed(one.was)) {
        out.push_str("## What fails with them and passed before\n\nWhere nothing is recorded, nothing leaks into the log either. Some checks ask for contrary things: bodies of workloads tell an investigation what ran, and can hold credentials. The heavier one was chosen.\n\n");
        told(out, &passed);
    }
    if mending.brought.iter().any(|one| !passed(one.was)) {
        out.push_str(
            "## What comes to light with them\n\nIt could not be told before, or did not arise.\n\n",
        );
        told(out, &|was| !passed(was));
    }
}

fn by_hand(mending: &Mending, out: &mut String) {
    let left: Vec<_> = ordered(mending)
        .into_iter()
        .filter(|(_, fates)| fates.iter().any(|(_, fate)| matches!(fate, Fate::Fails)))
        .collect();
    if left.is_empty() {
        return;
    }
    out.push_str("## What no file mends\n\nIt takes a decision, a purchase, a value that nobody but you knows, or a change of something that is not seen whole here.\n\n");
    for (finding, fates) in left {
        let names = fates.iter().filter(|(_, fate)| matches!(fate, Fate::Fails)).map(|(name, _)| plain(name));
        let names: Vec<String> = names.take(NAMED).collect();
        out.push_str(&format!(
            "### {} {}\n\nOn {}: {}\n\n",
            finding.check,
            plain(&finding.title),
            names.join("; "),
            plain(&finding.reason)
        ));
        for line in finding.fix.as_deref().unwrap_or_default().lines() {
            out.push_str(&format!("- {line}\n"));
        }
        out.push('\n');
    }
}

/// What cannot be told: before, and of what failed also afterwards.
fn unknown(mending: &Mending, out: &mut String) {
    let later: Vec<_> = mending
        .fates
        .iter()
        .filter_map(|((check, name), fate)| match fate {
            Fate::Unknown(reason) | Fate::NotApplicable(reason) => Some((check, name, reason)),
            _ => None,
        })
        .collect();
    if !later.is_empty() {
        out.push_str("## What is told only when it runs\n\n");
        for (check, name, reason) in later {
            out.push_str(&format!("- {check}, {}: {}\n", plain(name), plain(reason)));
        }
        out.push('\n');
    }
    let mut checks: BTreeMap<&str, (Severity, usize)> = BTreeMap::new();
    for finding in mending.before.findings.iter().filter(|finding| finding.status == Status::Unknown) {
        checks.entry(&finding.check).or_insert((finding.severity, 0)).1 += 1;
    }
    if checks.is_empty() {
        return;
    }
    let names: Vec<&str> = checks.keys().copied().collect();
    out.push_str(&format!(
        "## What stays unknown\n\n{} could not be judged, so that no remedy was looked for. `kubectl logaudit run -o wide` says what would tell of each: {}\n",
        plural(names.len(), "check"),
        names.join(", ")
    ));
}
