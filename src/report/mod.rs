//! The report: one value, and one file for each form in which it is written.

mod columns;
pub mod difference;
pub mod json;
pub(crate) mod markdown;
pub mod matrix;
pub mod style;
pub mod table;
pub mod yaml;

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::analyze::Facts;
use crate::framework::FrameworkResult;
use crate::score::Score;
use crate::snapshot::redact::scrub;
use crate::snapshot::{PolicyOrigin, Scope, Snapshot};
use crate::verdict::{Finding, Severity, Status};

/// The version of the report's form. Within a version fields are only added.
pub const SCHEMA_VERSION: u32 = 1;

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
    /// Which checks were selected, if not all.
    #[serde(skip_serializing_if = "Selection::is_all")]
    pub selection: Selection,
    /// The score.
    pub score: Score,
    /// Every judgement, worst first.
    pub findings: Vec<Finding>,
    /// What the frameworks' controls came to.
    pub frameworks: Vec<FrameworkResult>,
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Selection {
    /// Only these: ids, categories or themes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// All but these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
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
}

impl Demands {
    /// Whether a report passes.
    pub fn judge(&self, findings: &[Finding], score: &Score) -> Gate {
        let mut reasons = Vec::new();
        if let Some(least) = self.fail_on {
            let count = |status: Status| {
                let ids: std::collections::BTreeSet<&str> = findings
                    .iter()
                    .filter(|finding| finding.status == status && finding.severity >= least)
                    .map(|finding| finding.check.as_str())
                    .collect();
                ids.len()
            };
            let failed = count(Status::Fail);
            if failed > 0 {
                reasons.push(format!("{} of severity {least} or above", plural(failed, "failed check")));
            }
            let unknown = count(Status::Unknown);
            if self.fail_on_unknown && unknown > 0 {
                reasons.push(format!("{} of severity {least} or above", plural(unknown, "unknown check")));
            }
        }
        if let Some(least) = self.min_score
            && score.low < least
        {
            reasons.push(format!("the score is {} and must be at least {least}", score.low));
        }
        Gate { passed: reasons.is_empty(), reasons }
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
    /// The selection.
    pub selection: Selection,
    /// The gate's demands.
    pub demands: Demands,
    /// Findings below are hidden.
    pub least_severity: Option<Severity>,
}

/// Puts a report together. Whatever still looks like a credential in a text is replaced.
pub fn build(parts: Parts<'_>) -> Report {
    let Parts { snapshot, facts, mut findings, score, frameworks, selection, demands, least_severity } =
        parts;
    findings.sort_by(|left, right| {
        (right.status, right.severity, &left.check, &left.subject).cmp(&(
            left.status,
            left.severity,
            &right.check,
            &right.subject,
        ))
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
    let notes = notes(snapshot, facts, &findings);
    let all = findings.len();
    if let Some(least) = least_severity {
        findings.retain(|finding| finding.severity >= least);
    }
    let mut report = Report {
        schema_version: SCHEMA_VERSION,
        tool: Tool { name: "kubectl-logaudit".into(), version: env!("CARGO_PKG_VERSION").into() },
        cluster: Cluster {
            name: snapshot.cluster.name.clone(),
            server: snapshot.cluster.server.clone(),
            scope: snapshot.scope,
            captured_at: snapshot.captured_at,
            kubernetes_version: facts.kubernetes.version.value().cloned(),
            distribution: facts.kubernetes.distribution.value().cloned(),
            api_servers_read: facts.control_plane.api_servers_read,
            api_servers_live: facts.control_plane.live_leases.value().copied(),
        },
        selection,
        score,
        summary: Summary { checks, verdicts, failed, hidden: all - findings.len(), gate },
        findings,
        frameworks,
        notes,
    };
    report.scrub();
    report
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

impl Report {
    fn scrub(&mut self) {
        let clean = |text: &mut String| {
            if let std::borrow::Cow::Owned(cleaned) = scrub(text) {
                *text = cleaned;
            }
        };
        clean(&mut self.cluster.name);
        self.cluster.kubernetes_version.iter_mut().for_each(clean);
        self.notes.iter_mut().for_each(clean);
        for finding in &mut self.findings {
            for text in [&mut finding.subject, &mut finding.reason, &mut finding.fingerprint] {
                clean(text);
            }
            for evidence in &mut finding.evidence {
                clean(&mut evidence.at);
                clean(&mut evidence.detail);
            }
        }
        for control in self.frameworks.iter_mut().flat_map(|framework| &mut framework.controls) {
            control.reason.iter_mut().for_each(clean);
            for check in &mut control.checks {
                check.subjects.iter_mut().chain(&mut check.reason).for_each(clean);
            }
        }
    }
}
