//! The values of single settings, as text: the same for the file, the environment and the command line.

use serde::{Serialize, Serializer};

use crate::verdict::Severity;

/// The severity at which findings fail the gate; none for `never`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailOn(pub Option<Severity>);

impl Default for FailOn {
    fn default() -> Self {
        Self(Some(Severity::High))
    }
}

impl Serialize for FailOn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.map_or("never", Severity::as_str))
    }
}

/// The severity at which findings fail the gate.
///
/// # Errors
/// The text is none.
pub fn fail_on(text: &str) -> Result<FailOn, String> {
    match text {
        "never" => Ok(FailOn(None)),
        severity => severity
            .parse()
            .map(|severity| FailOn(Some(severity)))
            .map_err(|_| format!("`{text}` is no severity; use never, low, medium, high or critical")),
    }
}

/// A score.
///
/// # Errors
/// The text is none.
pub fn score(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|score| (0.0..=100.0).contains(score))
        .ok_or_else(|| format!("`{text}` is no number from 0 to 100"))
}

/// True or false.
///
/// # Errors
/// The text is neither.
pub fn truth(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| format!("`{text}` is neither true nor false"))
}

/// Whether and how the cloud provider is asked.
pub const CLOUD: [&str; 3] = ["auto", "cli", "off"];

/// One of these.
///
/// # Errors
/// The text is none.
pub fn cloud(text: &str) -> Result<String, String> {
    if CLOUD.contains(&text) {
        return Ok(text.to_owned());
    }
    Err(format!("`{text}` is no way to ask a provider; use auto, cli or off"))
}

/// A list with commas.
///
/// # Errors
/// There is nothing in it.
pub fn list(text: &str) -> Result<Vec<String>, String> {
    let items: Vec<String> =
        text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect();
    if items.is_empty() { Err("the list is empty".into()) } else { Ok(items) }
}
