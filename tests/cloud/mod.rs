//! Managed clusters: saved answers of the providers, and their command-line tools played by scripts.
//!
//! The fixtures are clusters with nothing on, a typical one and an exemplary one for each provider; `tests/recordings/cloud`
//! holds what the real tools printed against servers on loopback.

mod aks;
mod eks;
mod gke;
mod live;
mod moto;
mod stubs;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::tool::{Output, Tool};

/// A provider's tool that a script plays: what it does for which arguments.
pub struct Fake {
    folder: tempfile::TempDir,
    name: &'static str,
    cases: Vec<(String, String)>,
}

impl Fake {
    /// `aws`, `az` or `gcloud` that knows nothing yet: whatever it is asked fails as an unknown command does.
    pub fn new(name: &'static str) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), name, cases: Vec::new() }
    }

    /// Where all arguments joined by spaces match a pattern of the shell, it prints this.
    pub fn answers(mut self, pattern: &str, document: &Value) -> Self {
        let file = self.folder.path().join(format!("answer-{}.json", self.cases.len()));
        fs::write(&file, document.to_string()).unwrap();
        self.cases.push((pattern.to_owned(), format!("cat '{}'", file.display())));
        self
    }

    /// Where they match, it says this on standard error and ends so.
    pub fn fails(mut self, pattern: &str, stderr: &str, code: i32) -> Self {
        let file = self.folder.path().join(format!("error-{}.txt", self.cases.len()));
        fs::write(&file, stderr).unwrap();
        self.cases.push((pattern.to_owned(), format!("cat '{}' >&2; exit {code}", file.display())));
        self
    }

    /// Puts a file beside it.
    pub fn with_file(self, name: &str, text: &str) -> Self {
        fs::write(self.file(name), text).unwrap();
        self
    }

    /// A file beside it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where they match, it does this.
    pub fn does(mut self, pattern: &str, script: &str) -> Self {
        self.cases.push((pattern.to_owned(), script.to_owned()));
        self
    }

    /// Runs the program with this tool first in PATH. What the tool was asked is written down.
    pub fn run(&self, arguments: &[&str]) -> (Output, Vec<String>) {
        let log = self.folder.path().join("asked.txt");
        let mut script = format!("#!/bin/sh\necho \"$*\" >> '{}'\ncase \"$*\" in\n", log.display());
        for (pattern, action) in &self.cases {
            let pattern = pattern.replace(' ', "\\ ");
            script += &format!("{pattern}) {action} ;;\n");
        }
        script += "*) echo 'Invalid choice' >&2; exit 2 ;;\nesac\n";
        let path = self.folder.path().join(self.name);
        fs::write(&path, script).unwrap();
        #[cfg(unix)]
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let search = format!("{}:/usr/local/bin:/usr/bin:/bin", self.folder.path().display());
        let output = Tool::new().env("PATH", &search).args(arguments.iter().copied()).run();
        let asked = fs::read_to_string(&log).unwrap_or_default();
        (output, asked.lines().map(str::to_owned).collect())
    }
}

/// The folder of a fixture: `eks/typical`.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cloud/fixtures").join(name)
}

/// What a report in JSON says of each check: the worst status of its findings.
pub fn verdicts(output: &Output) -> BTreeMap<String, String> {
    let report: Value =
        serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:#?}"));
    let order = ["not-applicable", "pass", "waived", "attestation", "unknown", "fail"];
    let rank = |status: &str| order.iter().position(|known| *known == status).unwrap();
    let mut verdicts: BTreeMap<String, String> = BTreeMap::new();
    for finding in report["findings"].as_array().unwrap() {
        let (check, status) = (finding["check"].as_str().unwrap(), finding["status"].as_str().unwrap());
        let known = verdicts.entry(check.to_owned()).or_insert_with(|| status.to_owned());
        if rank(status) > rank(known) {
            status.clone_into(known);
        }
    }
    verdicts
}
