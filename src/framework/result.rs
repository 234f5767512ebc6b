//! What controls came to, as reports tell it.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::check::Params;
use crate::verdict::{Rank, Status};

/// What the controls of a framework came to.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FrameworkResult {
    /// The framework.
    pub id: String,
    /// The edition.
    pub edition: String,
    /// Its name.
    pub name: String,
    /// Why this edition was taken, where none names the cluster's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Its controls.
    pub controls: Vec<ControlResult>,
}

/// What a control came to.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ControlResult {
    /// The control.
    pub id: String,
    /// What it asks for.
    pub title: String,
    /// The worst of what answers it.
    pub status: Status,
    /// The weakest rank among the evidence that decided; none where there is no evidence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rank: Option<Rank>,
    /// Why, where it is not a pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The checks that answer it.
    pub checks: Vec<CheckResult>,
    /// What decided: the evidence of the findings with the control's status, of each the most direct first. Where a gap or a person
    /// decides, of the findings that passed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Decisive>,
    /// How many more there are.
    #[serde(skip_serializing_if = "is_zero")]
    pub evidence_left_out: usize,
    /// What of it no check of this version examines.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unexamined: Vec<ThemeGap>,
    /// What of it only a person can confirm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attest: Option<String>,
    /// What asks for the contrary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflict: Option<ConflictResult>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// A piece of evidence that decided a control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Decisive {
    /// The check.
    pub check: String,
    /// What it judged.
    pub subject: String,
    /// How direct the evidence is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rank: Option<Rank>,
    /// Object and field path, file with line and column, or URL and series.
    pub at: String,
    /// What stands there.
    pub detail: String,
}

/// What asks for the contrary of a control, and what that came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConflictResult {
    /// The other controls.
    pub with: Vec<Opponent>,
    /// What the one asks for and what the others.
    pub why: String,
}

/// A control that asks for the contrary of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Opponent {
    /// Framework and control: `cis-kubernetes/3.2.2`.
    pub control: String,
    /// What it came to, whether or not its framework is reported.
    pub status: Status,
    /// What the one asks for and what the other.
    pub why: String,
}

/// What of a theme no check of this version examines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ThemeGap {
    /// The theme.
    pub theme: String,
    /// What is left open, where other parts of the theme are examined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_yet: Option<String>,
}

impl fmt::Display for ThemeGap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.not_yet {
            None => f.write_str(&self.theme),
            Some(not_yet) => write!(f, "{} ({not_yet})", self.theme),
        }
    }
}

/// What a check came to under a control's parameters.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckResult {
    /// The check.
    pub id: String,
    /// Parameters other than its defaults.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub params: Params,
    /// The worst of its findings.
    pub status: Status,
    /// What its worst findings are about, where they are no pass and not about the cluster as a whole.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<String>,
    /// The reason of the first of the worst findings, where it is not a pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl CheckResult {
    /// The reason with what it is about.
    pub(super) fn told(&self) -> Option<String> {
        let reason = self.reason.as_deref()?;
        let Some((first, others)) = self.subjects.split_first() else { return Some(reason.to_owned()) };
        let mut told =
            if reason.contains(first.as_str()) { reason.to_owned() } else { format!("{first}: {reason}") };
        if !others.is_empty() {
            told.push_str(" (also ");
            told.push_str(&some_of(others));
            told.push(')');
        }
        Some(told)
    }
}

/// The first of some names, and how many there are more.
pub(super) fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
