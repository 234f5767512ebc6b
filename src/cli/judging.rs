//! What commands that judge have in common: which checks, which gate, and the limit on how long it may take.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;

use crate::audit::{Plan, audit};
use crate::check::{CheckSet, limits, load};
use crate::report::{Demands, Report};
use crate::snapshot::Snapshot;
use crate::verdict::Severity;

/// The longest that judging may take. Built-in checks take milliseconds; users' own could loop over their loops.
const JUDGING_LIMIT: Duration = Duration::from_secs(20);

/// Arguments of commands that judge.
#[derive(Debug, clap::Args)]
pub(crate) struct JudgingArgs {
    /// Fail on findings of this severity or above: never, low, medium, high, critical
    #[arg(long, value_name = "SEVERITY", default_value = "high", value_parser = parse_fail_on, help_heading = "Gate")]
    fail_on: FailOn,
    /// Let unknown findings fail like failed ones
    #[arg(long, help_heading = "Gate")]
    pub(crate) fail_on_unknown: bool,
    /// Hide findings below this severity; they count all the same
    #[arg(long, value_name = "SEVERITY", help_heading = "Selection")]
    pub(crate) severity: Option<Severity>,
    /// Add the checks of this folder or file
    #[arg(long, value_name = "DIR", help_heading = "Selection")]
    checks: Vec<PathBuf>,
    /// Print only failed findings and the summary
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Clone, Copy)]
struct FailOn(Option<Severity>);

fn parse_fail_on(text: &str) -> Result<FailOn, String> {
    match text {
        "never" => Ok(FailOn(None)),
        severity => severity
            .parse()
            .map(|severity| FailOn(Some(severity)))
            .map_err(|_| format!("`{text}` is no severity; use never, low, medium, high or critical")),
    }
}

impl JudgingArgs {
    /// The built-in checks and those that were added.
    pub(crate) fn load_checks(&self) -> anyhow::Result<CheckSet> {
        load_checks(&self.checks)
    }

    /// What the gate demands.
    pub(crate) fn demands(&self, min_score: Option<f64>) -> Demands {
        Demands { fail_on: self.fail_on.0, min_score, fail_on_unknown: self.fail_on_unknown }
    }
}

/// Judges a snapshot, unless it takes too long.
pub(crate) fn judge(plan: Plan, snapshot: Snapshot) -> anyhow::Result<Report> {
    let (plan, snapshot) = (Arc::new(plan), Arc::new(snapshot));
    match limits::within(JUDGING_LIMIT, move || audit(&plan, &snapshot)) {
        Some(report) => Ok(report?),
        None => bail!(
            "judging took longer than {} s: a check given with --checks loops over too much, frameworks given with --frameworks ask for too much, or a configuration in the input is far too large; leave it out and try again",
            JUDGING_LIMIT.as_secs()
        ),
    }
}

/// The built-in checks and those of some folders.
pub(crate) fn load_checks(folders: &[PathBuf]) -> anyhow::Result<CheckSet> {
    let loaded = limits::on_big_stack(|| {
        let mut set = load::builtin()?;
        for folder in folders {
            set = load::add_path(set, folder)?;
        }
        Ok(set)
    });
    loaded.map_err(|faults: Vec<crate::check::diagnostic::Diagnostic>| {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        anyhow::anyhow!(faults.join("\n"))
    })
}
