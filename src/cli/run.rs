//! `run`: audit and report.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;

use super::Ending;
use super::input::InputArgs;
use super::output::OutputArgs;
use crate::audit::{Plan, audit, selected, selects};
use crate::check::{CheckSet, limits, load};
use crate::framework::frameworks;
use crate::report::{Demands, Selection, json, table, yaml};
use crate::score;
use crate::source::live::Connection;
use crate::suggest::nearest;
use crate::verdict::Severity;

/// The longest that judging may take. Built-in checks take milliseconds; users' own could loop over their loops.
pub(crate) const JUDGING_LIMIT: Duration = Duration::from_secs(20);

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    input: InputArgs,
    /// The form of the report
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    to: OutputArgs,
    /// Fail on findings of this severity or above: never, low, medium, high, critical
    #[arg(long, value_name = "SEVERITY", default_value = "high", value_parser = parse_fail_on, help_heading = "Gate")]
    fail_on: FailOn,
    /// Fail if the low end of the score is below this
    #[arg(long, value_name = "0-100", value_parser = parse_score, help_heading = "Gate")]
    min_score: Option<f64>,
    /// Let unknown findings fail like failed ones
    #[arg(long, help_heading = "Gate")]
    fail_on_unknown: bool,
    /// Run only these checks: ids (LA-API-*), categories or themes
    #[arg(long, value_name = "PATTERN", value_delimiter = ',', help_heading = "Selection")]
    only: Vec<String>,
    /// Run all but these checks
    #[arg(long, value_name = "PATTERN", value_delimiter = ',', help_heading = "Selection")]
    skip: Vec<String>,
    /// Report only these frameworks, control by control: ID or ID@EDITION
    #[arg(long, value_name = "FRAMEWORK", value_delimiter = ',', help_heading = "Selection")]
    framework: Vec<String>,
    /// Hide findings below this severity; they count all the same
    #[arg(long, value_name = "SEVERITY", help_heading = "Selection")]
    severity: Option<Severity>,
    /// Add the checks of this folder or file
    #[arg(long, value_name = "DIR", help_heading = "Selection")]
    checks: Vec<PathBuf>,
    /// Print only failed findings and the summary
    #[arg(short, long)]
    quiet: bool,
}

/// The form of a report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// What failed and what is unknown
    #[default]
    Table,
    /// Every finding with its evidence
    Wide,
    /// The whole report, see docs/report.schema.json
    Json,
    /// The same as YAML
    Yaml,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct FailOn(pub(crate) Option<Severity>);

pub(crate) fn parse_fail_on(text: &str) -> Result<FailOn, String> {
    match text {
        "never" => Ok(FailOn(None)),
        severity => severity
            .parse()
            .map(|severity| FailOn(Some(severity)))
            .map_err(|_| format!("`{text}` is no severity; use never, low, medium, high or critical")),
    }
}

fn parse_score(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|score| (0.0..=100.0).contains(score))
        .ok_or_else(|| format!("`{text}` is no number from 0 to 100"))
}

pub(crate) fn run(args: &Args, connection: &Connection) -> anyhow::Result<Ending> {
    args.to.prepare();
    let plan = Arc::new(plan(args)?);
    let snapshot = Arc::new(args.input.read(connection, args.quiet)?);
    let report = {
        let (plan, snapshot) = (Arc::clone(&plan), Arc::clone(&snapshot));
        let judged = limits::within(JUDGING_LIMIT, move || audit(&plan, &snapshot));
        let Some(report) = judged else {
            bail!(
                "judging took longer than {} s; one of the checks given with --checks loops over too much",
                JUDGING_LIMIT.as_secs()
            );
        };
        report?
    };
    let options = table::Options {
        wide: args.output == Format::Wide,
        no_headers: args.to.no_headers,
        quiet: args.quiet,
        unknown_gates: args.fail_on_unknown,
        controls: !args.framework.is_empty(),
    };
    let text = match args.output {
        Format::Table | Format::Wide => table::render(&report, options),
        Format::Json => json::render(&report)?,
        Format::Yaml => yaml::render(&report)?,
    };
    args.to.emit(text.as_bytes())?;
    Ok(if report.summary.gate.passed { Ending::Clean } else { Ending::Findings })
}

fn plan(args: &Args) -> anyhow::Result<Plan> {
    let checks = load_checks(&args.checks)?;
    for pattern in args.only.iter().chain(&args.skip) {
        if !checks.active().any(|check| selects(pattern, check)) {
            let known = checks.active().flat_map(|check| [check.id.as_str(), check.category.as_str()]);
            let near =
                nearest(pattern, known).map(|near| format!(" did you mean `{near}`?")).unwrap_or_default();
            bail!(
                "`{pattern}` selects no check;{near} `kubectl logaudit checks list` shows ids, categories and themes"
            );
        }
    }
    let selection = Selection { only: args.only.clone(), skip: args.skip.clone() };
    if !checks.active().any(|check| selected(&selection, check)) {
        bail!("--only and --skip together leave no check to run");
    }
    let frameworks = frameworks();
    let mut reported = Vec::new();
    for wanted in &args.framework {
        let (id, edition) = match wanted.split_once('@') {
            Some((id, edition)) => (id, Some(edition)),
            None => (wanted.as_str(), None),
        };
        super::frameworks::find(&frameworks, id, edition)?;
        reported.push((id.to_owned(), edition.map(str::to_owned)));
    }
    if reported.is_empty() {
        reported = frameworks.iter().map(|framework| (framework.id.clone(), None)).collect();
    }
    Ok(Plan {
        checks,
        frameworks,
        reported,
        rules: score::rules(),
        selection,
        demands: Demands {
            fail_on: args.fail_on.0,
            min_score: args.min_score,
            fail_on_unknown: args.fail_on_unknown,
        },
        least_severity: args.severity,
    })
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
