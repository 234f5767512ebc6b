//! An older report to compare with: what is new, what changed, what is gone.
//!
//! Findings are the same if their fingerprints are. Where several have one fingerprint, they are paired: first those that
//! are alike, then in order.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::check::CheckSet;
use crate::report::{self, Cluster, Report, Selection, Tool};
use crate::snapshot::io::{self, SnapshotError};
use crate::verdict::{Evidence, Finding, Severity, Standing, Status};

/// Why a file cannot be compared with.
#[derive(Debug, Error)]
pub enum BaselineError {
    /// The compressed stream is damaged, or there is too much.
    #[error(transparent)]
    Bytes(#[from] SnapshotError),
    /// It is no JSON, or breaks off.
    #[error("it is no report: {0}; `kubectl logaudit run -o json` writes one")]
    NotAReport(String),
    /// It is JSON of another kind.
    #[error("it is no report of this program; `kubectl logaudit run -o json` writes one")]
    OtherKind,
    /// Its form is another.
    #[error("its schemaVersion is {0}, and this program reads {version}; write it again", version = report::SCHEMA_VERSION)]
    Version(u64),
    /// Findings are left out of it.
    #[error("{} left out of it by --severity, which would seem new; write it without --severity", report::plural(*.0, "finding"))]
    Hidden(usize),
}

/// What of a report is compared.
#[derive(Debug, Clone)]
pub struct Baseline {
    head: Head,
    score: OldScore,
    findings: Vec<Old>,
}

/// A report as its file spells it.
#[derive(Debug, Deserialize)]
struct File {
    tool: OldTool,
    cluster: OldCluster,
    #[serde(default)]
    selection: Selection,
    score: OldScore,
    findings: Vec<Old>,
    summary: OldSummary,
}

/// By what and on what a report is.
#[derive(Debug, Clone)]
struct Head {
    tool: OldTool,
    cluster: OldCluster,
    selection: Selection,
}

/// The report that a baseline is compared with, as far as both must be alike.
#[derive(Debug, Clone, Copy)]
pub struct Against<'a> {
    /// The program.
    pub tool: &'a Tool,
    /// What was audited.
    pub cluster: &'a Cluster,
    /// Which checks were run.
    pub selection: &'a Selection,
}

#[derive(Debug, Clone, Deserialize)]
struct OldTool {
    name: String,
    version: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OldCluster {
    name: String,
    #[serde(default)]
    server: Option<String>,
    #[serde(default)]
    captured_at: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
struct OldScore {
    low: f64,
    high: f64,
}

#[derive(Debug, Clone, Deserialize)]
struct OldSummary {
    #[serde(default)]
    hidden: usize,
}

/// A finding of the older report.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Old {
    check: String,
    title: String,
    subject: String,
    fingerprint: String,
    status: Status,
    severity: Severity,
    reason: String,
    evidence: Vec<Evidence>,
}

impl From<&Finding> for Old {
    fn from(finding: &Finding) -> Self {
        Self {
            check: finding.check.clone(),
            title: finding.title.clone(),
            subject: finding.subject.clone(),
            fingerprint: finding.fingerprint.clone(),
            status: finding.status,
            severity: finding.severity,
            reason: finding.reason.clone(),
            evidence: finding.evidence.clone(),
        }
    }
}

/// How a report compares with its baseline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// The version of the program that wrote the baseline.
    pub tool_version: String,
    /// When the cluster of the baseline was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub captured_at: Option<String>,
    /// How many findings that are no pass are new, or worse than they were.
    pub new: usize,
    /// How many of them rest on other evidence.
    pub changed: usize,
    /// How many of them are as they were.
    pub unchanged: usize,
    /// What is no longer there, or passes.
    pub gone: Vec<Gone>,
    /// What makes the two hard to compare.
    #[serde(skip)]
    pub notes: Vec<String>,
}

/// A finding of the baseline that is no longer there, or passes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Gone {
    /// The check.
    pub check: String,
    /// What was judged.
    pub subject: String,
    /// The fingerprint.
    pub fingerprint: String,
    /// What it was.
    pub was: Status,
    /// What it is; none if it is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is: Option<Status>,
}

/// Whether a status is one that somebody has to look at.
fn is_open(status: Status) -> bool {
    status > Status::Pass
}

impl Baseline {
    /// Reads a report, plain or compressed with zstd.
    ///
    /// # Errors
    /// [`BaselineError`] says what is wrong with the bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BaselineError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Header {
            schema_version: Option<u64>,
            findings: Option<serde::de::IgnoredAny>,
        }
        let json = io::plain(bytes)?;
        let fault = |error: serde_json::Error| BaselineError::NotAReport(error.to_string());
        let header: Header = serde_json::from_slice(&json).map_err(fault)?;
        let (Some(version), Some(_)) = (header.schema_version, header.findings) else {
            return Err(BaselineError::OtherKind);
        };
        if version != u64::from(report::SCHEMA_VERSION) {
            return Err(BaselineError::Version(version));
        }
        let File { tool, cluster, selection, score, findings, summary } =
            serde_json::from_slice(&json).map_err(fault)?;
        if tool.name != report::TOOL {
            return Err(BaselineError::OtherKind);
        }
        if summary.hidden > 0 {
            return Err(BaselineError::Hidden(summary.hidden));
        }
        Ok(Self { head: Head { tool, cluster, selection }, score, findings })
    }

    /// The same of a report that was just made.
    pub fn of(report: &Report) -> Self {
        let against =
            Against { tool: &report.tool, cluster: &report.cluster, selection: &report.selection };
        Self {
            head: Head::of(against),
            score: OldScore { low: report.score.low, high: report.score.high },
            findings: report.findings.iter().map(Old::from).collect(),
        }
    }

    /// Says of every finding that is no pass how it stands to this report, and what of this report is gone.
    pub fn mark(&self, findings: &mut [Finding], checks: &CheckSet, against: Against<'_>) -> Comparison {
        let new: Vec<Old> = findings.iter().map(|finding| Old::from(&*finding)).collect();
        let pairs = pairs(&self.findings, &new, checks);
        let mut comparison = Comparison {
            tool_version: self.head.tool.version.clone(),
            captured_at: self.head.cluster.captured_at.clone(),
            new: 0,
            changed: 0,
            unchanged: 0,
            gone: Vec::new(),
            notes: self.head.doubts(&Head::of(against)),
        };
        for (old, now) in pairs {
            let finding = now.and_then(|index| findings.get_mut(index));
            match (old, finding) {
                (old, Some(finding)) if is_open(finding.status) => {
                    let standing = old.map_or(Standing::New, |old| standing(old, finding));
                    *match standing {
                        Standing::New => &mut comparison.new,
                        Standing::Changed => &mut comparison.changed,
                        Standing::Unchanged => &mut comparison.unchanged,
                    } += 1;
                    finding.baseline = Some(standing);
                }
                (Some(old), now) if is_open(old.status) => comparison.gone.push(Gone {
                    check: old.check.clone(),
                    subject: old.subject.clone(),
                    fingerprint: old.fingerprint.clone(),
                    was: old.status,
                    is: now.map(|finding| finding.status),
                }),
                _ => {}
            }
        }
        comparison.gone.sort();
        comparison
    }
}

/// How a finding that is no pass stands to what it was.
fn standing(old: &Old, now: &Finding) -> Standing {
    let is_worse = now.status > old.status || now.severity > old.severity;
    if is_worse {
        Standing::New
    } else if now.status != old.status || now.evidence != old.evidence {
        Standing::Changed
    } else {
        Standing::Unchanged
    }
}

/// Which of the older findings is which of the newer, by index; one of the two is missing where there is no other.
fn pairs<'o>(old: &'o [Old], new: &[Old], checks: &CheckSet) -> Vec<(Option<&'o Old>, Option<usize>)> {
    let mut waiting: BTreeMap<String, Vec<&Old>> = BTreeMap::new();
    for finding in old {
        waiting.entry(current(finding, checks)).or_default().push(finding);
    }
    let mut partners: Vec<Option<&Old>> = vec![None; new.len()];
    let is_same = |old: &Old, new: &Old| {
        old.status == new.status && old.severity == new.severity && old.evidence == new.evidence
    };
    for only_alike in [true, false] {
        for (finding, partner) in new.iter().zip(&mut partners).filter(|(_, partner)| partner.is_none()) {
            let Some(candidates) = waiting.get_mut(&finding.fingerprint) else { continue };
            let at = candidates.iter().position(|old| !only_alike || is_same(old, finding));
            *partner = at.map(|at| candidates.remove(at));
        }
    }
    let left = waiting.into_values().flatten().map(|old| (Some(old), None));
    let pairs = partners.into_iter().enumerate().map(|(index, old)| (old, Some(index)));
    pairs.chain(left).collect()
}

/// The fingerprint of an older finding as it would be now: checks may have got other ids.
fn current(old: &Old, checks: &CheckSet) -> String {
    let id = checks.get(&old.check).map_or(old.check.as_str(), |check| check.id.as_str());
    match old.fingerprint.strip_prefix(old.check.as_str()) {
        Some(rest) => format!("{id}{rest}"),
        None => old.fingerprint.clone(),
    }
}

impl Head {
    fn of(Against { tool, cluster, selection }: Against<'_>) -> Self {
        Self {
            tool: OldTool { name: tool.name.clone(), version: tool.version.clone() },
            cluster: OldCluster {
                name: cluster.name.clone(),
                server: cluster.server.clone(),
                captured_at: cluster.captured_at.map(|time| time.to_string()),
            },
            selection: selection.clone(),
        }
    }

    /// What makes it hard to compare with a report on another cluster, of another version or of other checks.
    fn doubts(&self, now: &Self) -> Vec<String> {
        let of = |cluster: &OldCluster| match &cluster.server {
            Some(server) => format!("{} ({server})", cluster.name),
            None => cluster.name.clone(),
        };
        let mut doubts = Vec::new();
        let is_other = match (&self.cluster.server, &now.cluster.server) {
            (Some(old), Some(new)) => old != new,
            _ => self.cluster.name != now.cluster.name,
        };
        if is_other {
            doubts.push(format!(
                "compared with a report on {}, and this is one on {}",
                of(&self.cluster),
                of(&now.cluster)
            ));
        }
        if self.tool.version != now.tool.version {
            doubts.push(format!(
                "compared with a report by version {}, and this is one by {}: checks may differ",
                self.tool.version, now.tool.version
            ));
        }
        if self.selection != now.selection {
            doubts.push("compared with a report of other checks: --only or --skip differ".to_owned());
        }
        doubts
    }
}

/// What differs between two reports.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The version of this form; it changes when a field is removed or changes its meaning.
    pub schema_version: u32,
    /// The scores of the older and of the newer report.
    pub scores: [Interval; 2],
    /// Every finding that differs, worst first.
    pub changes: Vec<Change>,
    /// How many findings are as they were.
    pub unchanged: usize,
    /// What makes the two hard to compare.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A score.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Interval {
    /// If all that is unknown fails.
    pub low: f64,
    /// If all that is unknown passes.
    pub high: f64,
}

/// A finding that differs.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// How.
    pub kind: Kind,
    /// The check.
    pub check: String,
    /// What should be so.
    pub title: String,
    /// What was judged.
    pub subject: String,
    /// The fingerprint.
    pub fingerprint: String,
    /// How bad a failure is.
    pub severity: Severity,
    /// What it was; none if it was not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Side>,
    /// What it is; none if it is no longer there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Side>,
}

/// How a finding differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It was there, and was better.
    Worse,
    /// It was not there.
    New,
    /// It failed and cannot be told any more: that is not mended.
    Lost,
    /// It failed, and somebody accepts that now: that is not mended either.
    Waived,
    /// It was there, and was worse.
    Better,
    /// It is no longer there.
    Gone,
    /// It rests on other evidence.
    Evidence,
}

impl Kind {
    /// The word used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Worse => "worse",
            Self::New => "new",
            Self::Lost => "lost",
            Self::Waived => "waived",
            Self::Better => "better",
            Self::Gone => "gone",
            Self::Evidence => "evidence",
        }
    }
}

/// A finding in one of the reports.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Side {
    /// The judgement.
    pub status: Status,
    /// How bad a failure is.
    pub severity: Severity,
    /// Why.
    pub reason: String,
    /// What it rests on.
    pub evidence: Vec<Evidence>,
}

impl From<&Old> for Side {
    fn from(old: &Old) -> Self {
        Self {
            status: old.status,
            severity: old.severity,
            reason: old.reason.clone(),
            evidence: old.evidence.clone(),
        }
    }
}

/// The version of the form of a difference.
pub const DIFFERENCE_VERSION: u32 = 1;

/// Compares two reports, the older first.
pub fn compare(old: &Baseline, new: &Baseline, checks: &CheckSet) -> Difference {
    let interval = |report: &Baseline| Interval { low: report.score.low, high: report.score.high };
    let mut unchanged = 0;
    let mut changes: Vec<Change> = Vec::new();
    for (before, after) in pairs(&old.findings, &new.findings, checks) {
        let after = after.and_then(|index| new.findings.get(index));
        let Some(told) = after.or(before) else { continue };
        match kind(before, after) {
            None => unchanged += 1,
            Some(kind) => changes.push(Change {
                kind,
                check: told.check.clone(),
                title: told.title.clone(),
                subject: told.subject.clone(),
                fingerprint: told.fingerprint.clone(),
                severity: told.severity,
                before: before.map(Side::from),
                after: after.map(Side::from),
            }),
        }
    }
    let status = |change: &Change| {
        let sides = [&change.before, &change.after].into_iter().flatten();
        sides.map(|side| side.status).max()
    };
    changes.sort_by(|left, right| {
        let key = |change: &Change| (std::cmp::Reverse((status(change), change.severity)), change.kind);
        key(left).cmp(&key(right)).then_with(|| left.fingerprint.cmp(&right.fingerprint))
    });
    Difference {
        schema_version: DIFFERENCE_VERSION,
        scores: [interval(old), interval(new)],
        changes,
        unchanged,
        notes: old.head.doubts(&new.head),
    }
}

/// How a finding differs; none if it does not.
fn kind(before: Option<&Old>, after: Option<&Old>) -> Option<Kind> {
    let (Some(before), Some(after)) = (before, after) else {
        return Some(if after.is_some() { Kind::New } else { Kind::Gone });
    };
    if after.status > before.status || after.severity > before.severity {
        Some(Kind::Worse)
    } else if before.status == Status::Fail && after.status == Status::Unknown {
        Some(Kind::Lost)
    } else if after.status == Status::Waived && before.status == Status::Fail {
        Some(Kind::Waived)
    } else if after.status < before.status || after.severity < before.severity {
        Some(Kind::Better)
    } else {
        (after.evidence != before.evidence).then_some(Kind::Evidence)
    }
}

impl Difference {
    /// Whether the reports say the same.
    pub fn is_none(&self) -> bool {
        self.changes.is_empty()
    }

    /// How many changes there are of each kind.
    pub fn counts(&self) -> BTreeMap<Kind, usize> {
        let mut counts = BTreeMap::new();
        for change in &self.changes {
            *counts.entry(change.kind).or_default() += 1;
        }
        counts
    }
}
