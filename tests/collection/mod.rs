//! The chain of collection from end to end: manifests of our own, one for each language of configurations, whose chain is
//! proven whole; then broken at each link in turn. `breaks` has the links, `hops` the ways from one collector to the next,
//! `defaults` what charts render by themselves, `operators` what operators make of their resources.

mod breaks;
mod defaults;
mod hops;
mod operators;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use logaudit::verdict::Status;
use serde_json::Value;

use crate::support::report::{Report, status, text};
use crate::support::stage::pinned;

/// The links of the chain of container logs, and of the audit log, in their order.
const CHAINS: [&[&str]; 2] = [
    &["LA-COL-010", "LA-COL-011", "LA-COL-012", "LA-COL-013", "LA-COL-014"],
    &["LA-COL-020", "LA-COL-021", "LA-COL-022", "LA-COL-023", "LA-COL-024", "LA-COL-025"],
];

fn fixture(name: &str) -> String {
    read(&format!("fixtures/{name}"))
}

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/collection").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A set of manifests: a collector, and the cluster it runs in.
struct Manifests {
    text: String,
    report: Report,
}

impl Manifests {
    /// What `run -f` tells of a collector in the cluster of the fixtures.
    fn run(collector: &str) -> Self {
        Self::run_in(&fixture("cluster.yaml"), collector)
    }

    /// What `run -f` tells of a collector in a cluster.
    fn run_in(cluster: &str, collector: &str) -> Self {
        let text = format!("{}\n---\n{cluster}", collector.trim_end());
        let folder = tempfile::tempdir().unwrap();
        let path: PathBuf = folder.path().join("manifests.yaml");
        std::fs::write(&path, &text).unwrap();
        let output = pinned().args(["run", "-o", "json", "-f"]).args([path.as_os_str()]).run();
        Self { report: output.report(), text }
    }

    /// The worst that each check of collection came to.
    fn verdicts(&self) -> BTreeMap<String, Status> {
        let mut all = self.report.verdicts();
        all.retain(|check, _| check.starts_with("LA-COL-"));
        all
    }

    /// The lines of the manifests that findings of a check with this status point at, counted from 0.
    fn places(&self, check: &str, wanted: Status) -> Vec<usize> {
        let findings = self.report.of(check).into_iter().filter(|finding| status(finding) == wanted);
        let mut lines = Vec::new();
        for finding in findings {
            let places = finding["evidence"].as_array().into_iter().flatten();
            lines.extend(places.filter_map(|place| line(&text(place, "at"))));
            // Reasons of what is unknown end with the place.
            let reason = finding["reason"].as_str().unwrap_or_default();
            lines.extend(reason.rsplit_once('(').and_then(|(_, place)| line(place.trim_end_matches(')'))));
        }
        lines
    }

    /// The findings of a check, for messages.
    fn shown(&self, check: &str) -> String {
        let findings: Vec<&Value> = self.report.of(check);
        format!("{findings:#?}")
    }
}

/// The line of a place, counted from 0: `FILE:LINE:COLUMN`, and for a text inside of an object ` data.KEY:LINE` below it.
fn line(place: &str) -> Option<usize> {
    let (_, rest) = place.split_once("manifests.yaml:")?;
    let (outer, inner) = rest.split_once(' ').unwrap_or((rest, ""));
    let outer: usize = outer.split(':').next()?.parse().ok()?;
    // The key stands on the line before the text. What follows it is LINE or LINE:COLUMN.
    let inner: usize = match inner.split(':').nth(1) {
        Some(line) => line.parse().ok()?,
        None => 0,
    };
    (outer + inner).checked_sub(1)
}
