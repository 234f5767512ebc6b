//! The report: one value, and one file for each form in which it is written.

pub mod change;
pub(crate) mod columns;
mod csv;
pub mod difference;
pub mod format;
mod frameworks;
mod html;
pub mod json;
mod junit;
mod markdown;
pub(crate) mod markup;
pub mod matrix;
mod openreports;
pub mod place;
mod prometheus;
mod sarif;
pub mod style;
pub mod table;
pub mod yaml;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::analyze::Facts;
use crate::baseline::{Against, Baseline, Comparison};
use crate::check::CheckSet;
use crate::config::overrides::{Override, Overrides};
use crate::framework::FrameworkResult;
use crate::score::Score;
use crate::snapshot::redact::scrub;
use crate::snapshot::{PolicyOrigin, Scope, Snapshot};
use crate::verdict::{Finding, Severity, Standing, Status, Waiving};
use crate::waiver::Form;
use crate::waiver::register::Register;

/// The version of the report's form. Within a version fields are only added.
pub const SCHEMA_VERSION: u32 = 1;

/// The name of the program.
pub const TOOL: &str = "kubectl-logaudit";

/// The result of a run.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The version of this form.
    pub schema_version: u32,
    /// The program.
    pub tool: Tool,
    /// What was audited.
    pub cluster: Cluster,
    /// The files that were read; places in them begin with these names.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub files: BTreeSet<String>,
    /// What was judged by other numbers than the checks' own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<Override>,
    /// How it compares with the baseline, if one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Comparison>,
    /// Which checks were selected, if not all.
    #[serde(skip_serializing_if = "Selection::is_all")]
    pub selection: Selection,
    /// The score.
    pub score: Score,
    /// Every judgement, worst first.
    pub findings: Vec<Finding>,
    /// What the frameworks' controls came to.
    pub frameworks: Vec<FrameworkResult>,
    /// Frameworks that fit the cluster and were not asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_frameworks: Vec<String>,
    /// Counts, and whether the gate holds.
    pub summary: Summary,
    /// What in the input was left aside, and what could not be read without a finding that says so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// The program that wrote a report.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// What was audited.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cluster {
    /// The kubeconfig context, or the files.
    pub name: String,
    /// The server's URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// A running cluster or files.
    pub scope: Scope,
    /// When it was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub captured_at: Option<Timestamp>,
    /// Its Kubernetes version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kubernetes_version: Option<String>,
    /// Its distribution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distribution: Option<String>,
    /// How many apiservers were read.
    pub api_servers_read: i64,
    /// How many are alive, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_servers_live: Option<i64>,
}

/// Which checks were run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Selection {
    /// Only these: ids, categories or themes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// All but these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skip: Vec<String>,
}

impl Selection {
    /// Whether all checks are run.
    pub fn is_all(&self) -> bool {
        self.only.is_empty() && self.skip.is_empty()
    }
}

/// Counts, and the gate.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// How many checks were run.
    pub checks: usize,
    /// How many of them came to which status, by their worst finding.
    pub verdicts: BTreeMap<Status, usize>,
    /// Failed checks by severity.
    pub failed: BTreeMap<Severity, usize>,
    /// How many failed findings are waived.
    #[serde(skip_serializing_if = "is_zero")]
    pub waived: usize,
    /// Findings that `--severity` hides from this report. They count all the same.
    #[serde(skip_serializing_if = "is_zero")]
    pub hidden: usize,
    /// The gate.
    pub gate: Gate,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Whether the run passes in CI.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Gate {
    /// Whether it passes: exit code 0, else 1.
    pub passed: bool,
    /// Why not.
    pub reasons: Vec<String>,
    /// The severity from which failed findings fail it, or `never`.
    pub fail_on: &'static str,
    /// Whether unknown findings fail it like failed ones.
    pub fail_on_unknown: bool,
    /// The least `low` of the score, if one is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_score: Option<f64>,
}

impl Gate {
    /// The severity from which failed findings fail a gate that nobody has set.
    const USUAL: Severity = Severity::High;

    /// `passed`, or why not; with what it takes for a failure where that is not the usual.
    pub fn told(&self) -> String {
        if !self.passed {
            return format!("failed: {}", self.reasons.join("; "));
        }
        match self.fail_on {
            usual if usual == Self::USUAL.as_str() => "passed".to_owned(),
            "never" => "passed; it never fails for findings".to_owned(),
            severity => format!("passed; it fails for findings of severity {severity} or above"),
        }
    }
}

/// What a gate demands.
#[derive(Debug, Clone, Default)]
pub struct Demands {
    /// Findings of this severity and above fail it; none for `never`.
    pub fail_on: Option<Severity>,
    /// The least `low` of the score.
    pub min_score: Option<f64>,
    /// Whether unknown findings fail it like failed ones.
    pub fail_on_unknown: bool,
    /// What was set elsewhere than on the command line, and where: whoever reads the report did not see it.
    pub told: Vec<String>,
}

impl Demands {
    /// Whether a finding is of a severity that fails the gate, and new. What the baseline already has was there before.
    fn is_reached(&self, finding: &Finding) -> bool {
        self.fail_on.is_some_and(|least| finding.severity >= least)
            && finding.baseline.is_none_or(|standing| standing == Standing::New)
    }

    /// Whether a finding fails the gate.
    fn is_failed_by(&self, finding: &Finding) -> bool {
        let counts = match finding.status {
            Status::Fail => true,
            Status::Unknown => self.fail_on_unknown,
            _ => false,
        };
        counts && self.is_reached(finding)
    }

    /// Whether a report passes.
    pub fn judge(&self, findings: &[Finding], score: &Score) -> Gate {
        let mut reasons = Vec::new();
        if let Some(least) = self.fail_on {
            let count = |status: Status| {
                let ids: BTreeSet<&str> = findings
                    .iter()
                    .filter(|finding| finding.status == status && self.is_reached(finding))
                    .map(|finding| finding.check.as_str())
                    .collect();
                ids.len()
            };
            let compared = findings.iter().any(|finding| finding.baseline.is_some());
            let of = |number: usize, noun: &str| {
                if compared { plural(number, &format!("new {noun}")) } else { plural(number, noun) }
            };
            let failed = count(Status::Fail);
            if failed > 0 {
                reasons.push(format!("{} of severity {least} or above", of(failed, "failed check")));
            }
            let unknown = count(Status::Unknown);
            if self.fail_on_unknown && unknown > 0 {
                reasons.push(format!("{} of severity {least} or above", of(unknown, "unknown check")));
            }
        }
        if let Some(least) = self.min_score
            && score.low < least
        {
            reasons.push(format!("the score is {} and must be at least {least}", score.low));
        }
        Gate {
            passed: reasons.is_empty(),
            reasons,
            fail_on: self.fail_on.map_or("never", Severity::as_str),
            fail_on_unknown: self.fail_on_unknown,
            min_score: self.min_score,
        }
    }
}

/// `1 check`, `2 checks`.
pub fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Everything a report is made of.
pub struct Parts<'a> {
    /// What was read.
    pub snapshot: &'a Snapshot,
    /// The facts.
    pub facts: &'a Facts,
    /// The findings of all checks.
    pub findings: Vec<Finding>,
    /// The score.
    pub score: Score,
    /// The frameworks.
    pub frameworks: Vec<FrameworkResult>,
    /// The waivers, and what became of each.
    pub register: &'a Register,
    /// What users set.
    pub overrides: &'a Overrides,
    /// The older report to compare with.
    pub baseline: Option<&'a Baseline>,
    /// The checks.
    pub checks: &'a CheckSet,
    /// Those that fit and were not asked for.
    pub other_frameworks: Vec<String>,
    /// The selection.
    pub selection: Selection,
    /// The gate's demands.
    pub demands: Demands,
    /// Findings below are hidden.
    pub least_severity: Option<Severity>,
}

/// Puts a report together. Whatever still looks like a credential in a text is replaced.
pub fn build(parts: Parts<'_>) -> Report {
    let Parts {
        snapshot,
        facts,
        mut findings,
        register,
        overrides,
        baseline,
        checks,
        score,
        frameworks,
        other_frameworks,
        selection,
        demands,
        least_severity,
    } = parts;
    // The baseline was scrubbed too.
    findings.iter_mut().for_each(scrub_finding);
    findings.sort_by(|left, right| {
        (right.status, right.severity, &left.check, &left.subject).cmp(&(
            left.status,
            left.severity,
            &right.check,
            &right.subject,
        ))
    });
    let cluster = cluster(snapshot, facts);
    let tool = Tool { name: TOOL.into(), version: env!("CARGO_PKG_VERSION").into() };
    let comparison = baseline.map(|baseline| {
        baseline.mark(
            &mut findings,
            checks,
            Against { tool: &tool, cluster: &cluster, selection: &selection },
        )
    });
    let mut by_check: BTreeMap<&str, (Status, Severity)> = BTreeMap::new();
    for finding in &findings {
        let worst = by_check.entry(&finding.check).or_insert((finding.status, finding.severity));
        worst.0 = worst.0.max(finding.status);
    }
    let mut verdicts: BTreeMap<Status, usize> = BTreeMap::new();
    let mut failed: BTreeMap<Severity, usize> = BTreeMap::new();
    for (status, severity) in by_check.values() {
        *verdicts.entry(*status).or_default() += 1;
        if *status == Status::Fail {
            *failed.entry(*severity).or_default() += 1;
        }
    }
    let checks = by_check.len();
    let gate = demands.judge(&findings, &score);
    let mut notes = notes(snapshot, facts, &findings);
    notes.extend(demands.told.iter().cloned());
    notes.extend(overrides.told.iter().map(ToString::to_string));
    notes.extend(comparison.iter().flat_map(|comparison| comparison.notes.iter().cloned()));
    for (form, place) in [
        (Form::Annotation, "annotations left aside; --accept-annotations makes them count"),
        (Form::Comment, "comments left aside, by --no-comment-waivers"),
    ] {
        if let Some(count) = Some(register.left_aside(form)).filter(|count| *count > 0) {
            notes.push(format!("{} in {place}", plural(count, "waiver")));
        }
    }
    let waived = findings.iter().filter(|finding| finding.status == Status::Waived).count();
    let all = findings.len();
    if let Some(least) = least_severity {
        // A report that does not show why the gate fails would look better than it is.
        findings.retain(|finding| finding.severity >= least || demands.is_failed_by(finding));
        if findings.len() < all {
            notes.push(format!(
                "{} of a severity below {least} not shown, which --severity hides",
                plural(all - findings.len(), "finding")
            ));
        }
    }
    let mut report = Report {
        schema_version: SCHEMA_VERSION,
        tool,
        cluster,
        files: snapshot.files.iter().map(|file| scrub(file).into_owned()).collect(),
        overrides: overrides.told.clone(),
        baseline: comparison,
        selection,
        score,
        summary: Summary { checks, verdicts, failed, waived, hidden: all - findings.len(), gate },
        findings,
        frameworks,
        other_frameworks,
        notes,
    };
    report.scrub();
    report
}

fn cluster(snapshot: &Snapshot, facts: &Facts) -> Cluster {
    let clean = |text: &String| scrub(text).into_owned();
    Cluster {
        name: clean(&snapshot.cluster.name),
        server: snapshot.cluster.server.clone(),
        scope: snapshot.scope,
        captured_at: snapshot.captured_at,
        kubernetes_version: facts.kubernetes.version.value().map(clean),
        distribution: facts.kubernetes.distribution.value().cloned(),
        api_servers_read: facts.control_plane.api_servers_read,
        api_servers_live: facts.control_plane.live_leases.value().copied(),
    }
}

/// What was left aside, and what could not be read without any finding saying so.
fn notes(snapshot: &Snapshot, facts: &Facts, findings: &[Finding]) -> Vec<String> {
    let mut notes: Vec<String> =
        snapshot.notes.iter().map(|note| format!("{}: {}", note.at, note.text)).collect();
    let is_used =
        |name: &str| facts.policies.value().is_some_and(|list| list.iter().any(|policy| policy.name == name));
    let given = snapshot.policies.iter().find(|policy| policy.origin == PolicyOrigin::Given);
    if let Some(given) = given.filter(|given| !is_used(&given.name)) {
        notes.push(format!(
            "{}: given with --policy-file and not used, because no apiserver is known to load it: see what is said of --audit-policy-file",
            given.name
        ));
    }
    for gap in snapshot.gaps() {
        let gap = gap.to_string();
        if !notes.contains(&gap) && !findings.iter().any(|finding| finding.reason.contains(&gap)) {
            notes.push(gap);
        }
    }
    notes
}

fn clean(text: &mut String) {
    if let std::borrow::Cow::Owned(cleaned) = scrub(text) {
        *text = cleaned;
    }
}

fn scrub_finding(finding: &mut Finding) {
    for text in [&mut finding.subject, &mut finding.reason, &mut finding.fingerprint] {
        clean(text);
    }
    if let Some(Waiving { reason, owner, expires: _, at }) = &mut finding.waiver {
        [reason, at].into_iter().chain(owner).for_each(clean);
    }
    for evidence in &mut finding.evidence {
        clean(&mut evidence.at);
        clean(&mut evidence.detail);
    }
}

impl Report {
    fn scrub(&mut self) {
        self.notes.iter_mut().for_each(clean);
        for gone in self.baseline.iter_mut().flat_map(|baseline| &mut baseline.gone) {
            [&mut gone.subject, &mut gone.fingerprint].into_iter().for_each(clean);
        }
        for control in self.frameworks.iter_mut().flat_map(|framework| &mut framework.controls) {
            control.reason.iter_mut().for_each(clean);
            for check in &mut control.checks {
                check.subjects.iter_mut().chain(&mut check.reason).for_each(clean);
            }
            for evidence in &mut control.evidence {
                [&mut evidence.subject, &mut evidence.at, &mut evidence.detail].into_iter().for_each(clean);
            }
        }
    }
}
