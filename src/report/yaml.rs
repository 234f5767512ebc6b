//! The report as YAML: the same tree as the JSON.

use super::Report;

/// The report.
///
/// # Errors
/// It does not serialise; nothing in a report can cause that.
pub fn render(report: &Report) -> anyhow::Result<String> {
    let value = serde_json::to_value(report)?;
    Ok(serde_yaml::to_string(&value)?)
}
