//! What commands that judge have in common: which checks, which gate, and the limit on how long it may take.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;

use crate::audit::{Outcome, Plan, audit};
use crate::check::{CheckSet, limits, load};
use crate::config::values::{self, FailOn};
use crate::report::Demands;
use crate::snapshot::Snapshot;
use crate::verdict::Severity;

/// The longest that judging may take. Built-in checks take milliseconds; users' own could loop over their loops.
const JUDGING_LIMIT: Duration = Duration::from_secs(20);

/// Arguments of commands that judge.
#[derive(Debug, clap::Args)]
pub(crate) struct JudgingArgs {
    /// Fail on findings of this severity or above: never, low, medium, high, critical [default: high]
    #[arg(long, value_name = "SEVERITY", value_parser = values::fail_on, help_heading = "Gate")]
    pub(crate) fail_on: Option<FailOn>,
    /// Let unknown findings fail like failed ones
    #[arg(long, help_heading = "Gate")]
    pub(crate) fail_on_unknown: bool,
    /// Hide findings below this severity; they count all the same
    #[arg(long, value_name = "SEVERITY", help_heading = "Selection")]
    pub(crate) severity: Option<Severity>,
    /// Add the checks of this folder or file
    #[arg(long, value_name = "DIR", help_heading = "Selection")]
    pub(crate) checks: Vec<PathBuf>,
    /// Print only failed findings and the summary
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

impl JudgingArgs {
    /// The built-in checks and those that were added.
    pub(crate) fn load_checks(&self) -> anyhow::Result<CheckSet> {
        load_checks(&self.checks)
    }

    /// What the gate demands.
    pub(crate) fn demands(&self, min_score: Option<f64>) -> Demands {
        Demands {
            fail_on: self.fail_on.unwrap_or_default().0,
            min_score,
            fail_on_unknown: self.fail_on_unknown,
            told: Vec::new(),
        }
    }
}

/// Judges a snapshot, unless it takes too long.
pub(crate) fn judge(plan: &Arc<Plan>, snapshot: Snapshot) -> anyhow::Result<Outcome> {
    let plan = Arc::clone(plan);
    match limits::within(JUDGING_LIMIT, move || audit(&plan, &snapshot)) {
        Some(outcome) => Ok(outcome?),
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
