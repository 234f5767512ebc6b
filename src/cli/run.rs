//! `run`: audit and report.

use std::path::PathBuf;

use anyhow::bail;

use super::Ending;
use super::input::InputArgs;
use super::judging::{JudgingArgs, judge};
use super::output::OutputArgs;
use crate::audit::{Plan, selected, selects};
use crate::framework::Framework;
use crate::framework::choice::Choice;
use crate::report::{Selection, json, table, yaml};
use crate::score;
use crate::source::live::Connection;
use crate::suggest::nearest;

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
    /// Fail if the low end of the score is below this
    #[arg(long, value_name = "0-100", value_parser = parse_score, help_heading = "Gate")]
    min_score: Option<f64>,
    /// Run only these checks: ids (LA-API-*), categories or themes
    #[arg(long, value_name = "PATTERN", value_delimiter = ',', help_heading = "Selection")]
    only: Vec<String>,
    /// Run all but these checks
    #[arg(long, value_name = "PATTERN", value_delimiter = ',', help_heading = "Selection")]
    skip: Vec<String>,
    /// Report only these frameworks, control by control: ID or ID@EDITION; or `all` that fit the cluster
    #[arg(long, value_name = "FRAMEWORK", value_delimiter = ',', help_heading = "Selection")]
    framework: Vec<String>,
    /// Add the frameworks of this file or folder, and report them
    #[arg(long, value_name = "FILE|DIR", help_heading = "Selection")]
    frameworks: Vec<PathBuf>,
    #[command(flatten)]
    judging: JudgingArgs,
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

fn parse_score(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|score| (0.0..=100.0).contains(score))
        .ok_or_else(|| format!("`{text}` is no number from 0 to 100"))
}

pub(crate) fn run(args: &Args, connection: &Connection) -> anyhow::Result<Ending> {
    args.to.prepare();
    let plan = plan(args)?;
    let controls = matches!(plan.reported, Choice::These(_));
    let report = judge(plan, args.input.read(connection, args.judging.quiet)?)?;
    let options = table::Options {
        wide: args.output == Format::Wide,
        no_headers: args.to.no_headers,
        quiet: args.judging.quiet,
        unknown_gates: args.judging.fail_on_unknown,
        controls,
    };
    let text = match args.output {
        Format::Table | Format::Wide => table::render(&report, options),
        Format::Json => json::render(&report)?,
        Format::Yaml => yaml::render(&report)?,
    };
    args.to.emit(text.as_bytes())?;
    Ok(if report.summary.gate.passed { Ending::Clean } else { Ending::Findings })
}

/// Which frameworks are asked for.
fn choice(args: &Args, all: &[Framework]) -> anyhow::Result<Choice> {
    match args.framework.as_slice() {
        [] => return Ok(Choice::Default),
        [word] if word == ALL => return Ok(Choice::All),
        _ => {}
    }
    let named = args.framework.iter().map(|wanted| {
        if wanted == ALL {
            bail!("--framework {ALL} stands alone: it asks for every framework that fits the cluster");
        }
        let (id, edition) = super::frameworks::parts(wanted);
        super::frameworks::find(all, id, edition)?;
        Ok((id.to_owned(), edition.map(str::to_owned)))
    });
    Ok(Choice::These(named.collect::<anyhow::Result<_>>()?))
}

/// What asks for all frameworks that fit.
const ALL: &str = "all";

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
    let frameworks = super::frameworks::with_own(&args.frameworks, &checks)?;
    let reported = choice(args, &frameworks)?;
    Ok(Plan {
        checks,
        frameworks,
        reported,
        rules: score::rules(),
        selection,
        demands: args.judging.demands(args.min_score),
        least_severity: args.judging.severity,
    })
}
