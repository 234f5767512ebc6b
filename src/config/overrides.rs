//! Judging by other numbers than the checks' own: parameters and severities that users set.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::check::{Check, Params};
use crate::verdict::Severity;

/// What users set, by check.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// Parameters. Frameworks keep those of their own, and the checks' defaults where they name none.
    pub params: BTreeMap<String, Params>,
    /// Severities. They count for the gate; the score weighs by the checks' own, so that scores can be compared.
    pub severities: BTreeMap<String, Severity>,
    /// Each of them for the report: a verdict by other numbers is no verdict of the built-in checks.
    pub told: Vec<Override>,
}

/// Something that was set.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Override {
    /// The check.
    pub check: String,
    /// The parameter, or `severity`.
    pub setting: String,
    /// What it was set to.
    pub value: Value,
    /// What it is otherwise.
    pub default: Value,
    /// Where it is set: `.logaudit.yaml:12:5`.
    pub at: String,
}

impl fmt::Display for Override {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let Self { check, setting, value, default, at } = self;
        write!(f, "{check} is judged with {setting} {} instead of {}: {at}", plain(value), plain(default))
    }
}

impl Overrides {
    /// The parameters that are set for a check.
    pub fn params_of(&self, check: &Check) -> Params {
        self.params.get(&check.id).cloned().unwrap_or_default()
    }

    /// The severity that is set for a check.
    pub fn severity_of(&self, check: &Check) -> Option<Severity> {
        self.severities.get(&check.id).copied()
    }
}
