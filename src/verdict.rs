//! The words in which judgements are given: statuses, severities, ranks, findings.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was found, ordered so that the greatest is the worst. A verdict over several findings is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// The question does not arise here; the reason says why.
    NotApplicable,
    /// Evidence shows that it is so.
    Pass,
    /// It fails and a waiver accepts that.
    Waived,
    /// Only a person can answer.
    Attestation,
    /// The evidence is missing; the reason says which and how to obtain it.
    Unknown,
    /// Evidence shows that it is not so.
    Fail,
}

impl Status {
    /// The word used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotApplicable => "not-applicable",
            Self::Pass => "pass",
            Self::Waived => "waived",
            Self::Attestation => "attestation",
            Self::Unknown => "unknown",
            Self::Fail => "fail",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How bad a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Low,
    /// Evidence is lost under some circumstances.
    Medium,
    /// An attack may leave no usable trace.
    High,
    /// Nothing is recorded.
    Critical,
}

impl Severity {
    /// All severities, worst first.
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Medium, Self::Low];

    /// The word used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Severity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|severity| severity.as_str() == text)
            .ok_or_else(|| format!("`{text}` is no severity; use low, medium, high or critical"))
    }
}

/// How direct a piece of evidence is, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Rank {
    /// A provider says so.
    Documented,
    /// A flag or an object says so.
    Configured,
    /// It was computed what a policy or configuration does.
    Evaluated,
    /// It was measured indirectly.
    Inferred,
    /// Counters or the log itself show it.
    Observed,
}

impl Rank {
    /// The word used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::Configured => "configured",
            Self::Evaluated => "evaluated",
            Self::Inferred => "inferred",
            Self::Observed => "observed",
        }
    }
}

impl fmt::Display for Rank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A place that supports a finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// Object and field path, file with line and column, or URL and series.
    pub at: String,
    /// What stands there.
    pub detail: String,
}

/// One judgement on one subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The id of the check.
    pub check: String,
    /// The check's title: what should be so.
    pub title: String,
    /// The folder of the check.
    pub category: String,
    /// What was judged: an apiserver instance, a counter sample, a kubelet configuration, the cluster.
    pub subject: String,
    /// Stays the same from run to run while check, subject and fact path do.
    pub fingerprint: String,
    /// The judgement.
    pub status: Status,
    /// How bad a failure is.
    pub severity: Severity,
    /// The weakest rank among the evidence; none where there is no evidence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rank: Option<Rank>,
    /// Why the status is what it is, in a sentence. For `unknown` it says how to obtain the evidence.
    pub reason: String,
    /// What it rests on.
    pub evidence: Vec<Evidence>,
    /// What to do about it; for failures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// What accepts the failure; for `waived`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiver: Option<Waiving>,
    /// How it stands to the baseline, if one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Standing>,
}

/// Who accepts a failure, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Waiving {
    /// Why it is accepted.
    pub reason: String,
    /// Who answers for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The last day on which it holds: `2027-03-31`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// Where it is written.
    pub at: String,
}

/// How a finding stands to an older report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// It was not there, or was better.
    New,
    /// It was there, and rests on other evidence now.
    Changed,
    /// It was there.
    Unchanged,
}

impl Standing {
    /// The word used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
        }
    }
}
