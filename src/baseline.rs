//! An older report to compare with: what is new, what changed, what is gone.
//!
//! Findings are the same if their fingerprints are. Where several have one fingerprint, they are paired: first those that
//! are alike, then in order.

pub mod difference;

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
        let against = Against { tool: &report.tool, cluster: &report.cluster, selection: &report.selection };
        Self {
            head: Head::of(against),
            score: OldScore { low: report.score.low, high: report.score.high },
            findings: report.findings.iter().map(Old::from).collect(),
        }
    }

    /// Says of every finding that is no pass how it stands to this report, and what of this report is gone.
    pub fn mark(&self, findings: &mut [Finding], checks: &CheckSet, against: Against<'_>) -> Comparison {
        let new: Vec<Old> = findings.iter().map(Old::from).collect();
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
        let excuses = |check: &str| checks.get(check).is_none_or(|check| check.baseline);
        for (old, now) in pairs {
            let finding = now.and_then(|index| findings.get_mut(index));
            match (old, finding) {
                (Some(_), Some(finding)) if finding.status == Status::Fail && !excuses(&finding.check) => {
                    comparison.notes.push(format!(
                        "{} fails as in the baseline, and fails the gate all the same: nothing was seen then or now",
                        finding.check
                    ));
                }
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
        // Neither tells alone: tunnels and local clusters share a URL, and a name may be that of a file.
        let is_other_server = self
            .cluster
            .server
            .as_ref()
            .zip(now.cluster.server.as_ref())
            .is_some_and(|(old, new)| old != new);
        if is_other_server || self.cluster.name != now.cluster.name {
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
