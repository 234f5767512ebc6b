//! Named thresholds: one number for all checks that ask the same. Which these are stands in `checks/thresholds.yaml`.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::check::builtin;

/// A threshold and the parameters that it sets.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// `retention-days`.
    pub id: String,
    /// What it says.
    pub what: String,
    /// The parameters.
    pub sets: Vec<Target>,
}

/// A parameter of a check.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The check.
    pub check: String,
    /// The parameter.
    pub param: String,
}

/// All of them, in order.
pub static THRESHOLDS: LazyLock<Vec<Threshold>> = LazyLock::new(|| builtin::data("thresholds.yaml"));
