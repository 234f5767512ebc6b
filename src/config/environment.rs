//! Settings from variables.

use std::ffi::OsString;
use std::path::PathBuf;

use super::{Settings, Told, values};
use crate::suggest::nearest;

/// How the variables begin.
pub const PREFIX: &str = "LOGAUDIT_";

/// The variables, and the setting of each.
pub const VARIABLES: [(&str, &str); 14] = [
    ("LOGAUDIT_CONFIG", "the configuration file, as --config names it"),
    ("LOGAUDIT_FAIL_ON", "fail-on"),
    ("LOGAUDIT_FAIL_ON_UNKNOWN", "fail-on-unknown"),
    ("LOGAUDIT_MIN_SCORE", "min-score"),
    ("LOGAUDIT_BASELINE", "baseline"),
    ("LOGAUDIT_SEVERITY", "severity"),
    ("LOGAUDIT_ONLY", "only, with commas"),
    ("LOGAUDIT_SKIP", "skip, with commas"),
    ("LOGAUDIT_FRAMEWORK", "framework, with commas"),
    ("LOGAUDIT_CHECKS", "checks, with commas"),
    ("LOGAUDIT_FRAMEWORKS", "frameworks, with commas"),
    ("LOGAUDIT_OUTPUT", "output, with commas"),
    ("LOGAUDIT_ACCEPT_ANNOTATIONS", "accept-annotations"),
    ("LOGAUDIT_CLOUD", "cloud"),
];

/// Reads the settings of an environment.
///
/// # Errors
/// The variable whose value cannot be read, and why.
pub fn settings(variable: impl Fn(&str) -> Option<OsString>) -> Result<Settings, String> {
    let environment = Environment { variable };
    let paths = |told: Option<Told<Vec<String>>>| {
        let told = told
            .into_iter()
            .flat_map(|Told { value, at }| value.into_iter().map(move |path| (path, at.clone())));
        told.map(|(path, at)| Told::new(PathBuf::from(path), at)).collect()
    };
    Ok(Settings {
        fail_on: environment.read("LOGAUDIT_FAIL_ON", values::fail_on)?,
        fail_on_unknown: environment.read("LOGAUDIT_FAIL_ON_UNKNOWN", values::truth)?,
        min_score: environment.read("LOGAUDIT_MIN_SCORE", values::score)?,
        baseline: environment.read("LOGAUDIT_BASELINE", |text| Ok(PathBuf::from(text)))?,
        severity: environment.read("LOGAUDIT_SEVERITY", str::parse)?,
        only: environment.read("LOGAUDIT_ONLY", values::list)?,
        skip: environment.read("LOGAUDIT_SKIP", values::list)?,
        framework: environment.read("LOGAUDIT_FRAMEWORK", values::list)?,
        checks: paths(environment.read("LOGAUDIT_CHECKS", values::list)?),
        frameworks: paths(environment.read("LOGAUDIT_FRAMEWORKS", values::list)?),
        output: environment.read("LOGAUDIT_OUTPUT", values::list)?,
        accept_annotations: environment.read("LOGAUDIT_ACCEPT_ANNOTATIONS", values::truth)?,
        cloud: environment.read("LOGAUDIT_CLOUD", values::cloud)?,
    })
}

struct Environment<V> {
    variable: V,
}

impl<V: Fn(&str) -> Option<OsString>> Environment<V> {
    /// The value of a variable. One that is empty is one that is not set.
    fn read<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<Told<T>>, String> {
        let Some(value) = (self.variable)(name).filter(|value| !value.is_empty()) else { return Ok(None) };
        let text = value.to_str().ok_or_else(|| format!("{name} is not valid UTF-8"))?;
        let value = parse(text).map_err(|error| format!("{name}: {error}"))?;
        Ok(Some(Told::new(value, name)))
    }
}

/// The variable that was meant by one that is none of ours, but nearly.
pub fn meant(name: &str) -> Option<&'static str> {
    let known = || VARIABLES.iter().map(|(known, _)| *known);
    if !name.starts_with(PREFIX) || known().any(|known| known == name) {
        return None;
    }
    let name = name.strip_prefix(PREFIX)?;
    let meant = nearest(name, known().filter_map(|known| known.strip_prefix(PREFIX)))?;
    known().find(|known| known.strip_prefix(PREFIX) == Some(meant))
}
