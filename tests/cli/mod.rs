//! The command line: usage, gates, selections, forms, files, and how it ends.

mod config_for;
mod endings;
mod gates;
mod given;
mod golden;
mod own_checks;
mod pages;
mod reports;
mod snapshots;
mod usage;

use std::path::{Path, PathBuf};

use crate::support::stage::pinned;
use crate::support::tool::{Output, Tool};

/// An example cluster.
fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(format!("{name}.json"))
}

/// `run` over an example cluster.
fn over(name: &str) -> Tool {
    pinned().args(["run", "--snapshot"]).arg(example(name))
}

/// Any command, to its end.
fn run(words: &[&str]) -> Output {
    pinned().args(words).run()
}
