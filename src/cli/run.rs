//! `run`: audit and report.

use std::sync::Arc;

use anyhow::bail;

use super::Ending;
use super::input::InputArgs;
use super::judging::{JudgingArgs, judge};
use super::output::OutputArgs;
use super::targets::{Target, Targets};
use crate::audit::{Outcome, Plan, selected, selects};
use crate::framework::frameworks;
use crate::report::format::Page;
use crate::report::{Selection, table};
use crate::score;
use crate::source::live::Connection;
use crate::suggest::nearest;

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    input: InputArgs,
    /// The form of the report, or with =FILE a form to be written there; may be given several times
    #[arg(short, long, value_name = "FORMAT[=FILE]", default_value = "table")]
    output: Vec<Target>,
    #[command(flatten)]
    to: OutputArgs,
    /// Fail if the low end of the score is below this
    #[arg(long, value_name = "0-100", value_parser = parse_score, help_heading = "Gate")]
    min_score: Option<f64>,
    /// Run only these checks: ids (LA-API-*), categories or themes
    #[arg(long, value_name = "PATTERN", value_delimiter = ',', help_heading = "Selection")]
    only: Vec<String>,
    /// Run all but these checks
    #[arg(long, value_name = "PATTERN", value_delimiter = ',', help_heading = "Selection")]
    skip: Vec<String>,
    /// Report only these frameworks, control by control: ID or ID@EDITION
    #[arg(long, value_name = "FRAMEWORK", value_delimiter = ',', help_heading = "Selection")]
    framework: Vec<String>,
    #[command(flatten)]
    judging: JudgingArgs,
}

fn parse_score(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|score| (0.0..=100.0).contains(score))
        .ok_or_else(|| format!("`{text}` is no number from 0 to 100"))
}

pub(crate) fn run(args: &Args, connection: &Connection) -> anyhow::Result<Ending> {
    let targets = Targets::new(&args.output, &args.to)?;
    let plan = Arc::new(plan(args)?);
    let Outcome { report, facts } = judge(&plan, args.input.read(connection, args.judging.quiet)?)?;
    let page = Page {
        report: &report,
        facts: &facts,
        checks: &plan.checks,
        table: table::Options {
            wide: false,
            no_headers: args.to.no_headers,
            quiet: args.judging.quiet,
            unknown_gates: args.judging.fail_on_unknown,
            controls: !args.framework.is_empty(),
        },
    };
    targets.write(|format| format.render(&page))?;
    Ok(if report.summary.gate.passed { Ending::Clean } else { Ending::Findings })
}

fn plan(args: &Args) -> anyhow::Result<Plan> {
    let checks = args.judging.load_checks()?;
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
    let only_fitting = reported.is_empty();
    if only_fitting {
        reported = frameworks.iter().map(|framework| (framework.id.clone(), None)).collect();
    }
    Ok(Plan {
        checks,
        frameworks,
        reported,
        only_fitting,
        rules: score::rules(),
        selection,
        demands: args.judging.demands(args.min_score),
        least_severity: args.judging.severity,
    })
}
