//! Waivers in comments of files. Nothing else of a comment is kept.

use serde::{Deserialize, Serialize};

/// A comment that waives, and the line that it stands beside. Whether it is a good waiver is told when the snapshot is judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WaiverComment {
    /// Where it is written: `policy.yaml:12:3`.
    pub at: String,
    /// The file.
    pub file: String,
    /// The line that it is about, from 1: its own, or the next that holds more than a comment.
    pub line: u64,
    /// The waiver, from the id of the check on: `LA-POL-012 reason="…" owner=… until=…`.
    pub text: String,
}
