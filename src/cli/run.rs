//! `run`: audit and report.

use super::Ending;
use super::input::InputArgs;
use super::judging::judge;
use super::output::OutputArgs;
use super::settings::{SettingArgs, dated};
use super::targets::{Target, TargetParser, Targets, told_targets};
use crate::audit::Outcome;
use crate::config::Settings;
use crate::framework::choice::Choice;
use crate::report::format::Page;
use crate::report::table;
use crate::source::live::Connection;

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    input: InputArgs,
    /// The form of the report, or with =FILE a form to be written there; may be given several times [default: table]
    #[arg(short, long, value_name = "FORMAT[=FILE]", value_parser = TargetParser)]
    output: Vec<Target>,
    #[command(flatten)]
    to: OutputArgs,
    #[command(flatten)]
    settings: SettingArgs,
}

pub(crate) fn run(args: &Args, connection: &Connection) -> anyhow::Result<Ending> {
    let quiet = args.settings.judging.quiet;
    let resolved = args.settings.resolve(args.input.cloud.settings())?;
    let targets = Targets::new(&targets(args, &resolved.settings)?, &args.to)?;
    let mut input = args.input.clone();
    input.cloud.settle(&resolved.settings);
    let unknown_gates = resolved.gates_unknown();
    let plan = resolved.plan()?;
    let snapshot = input.read(connection, quiet)?;
    let plan = dated(plan, &snapshot)?;
    let Outcome { report, facts, register: _ } = judge(&plan, snapshot)?;
    let page = Page {
        report: &report,
        facts: &facts,
        checks: &plan.checks,
        table: table::Options {
            wide: false,
            no_headers: args.to.no_headers,
            quiet,
            unknown_gates,
            controls: matches!(plan.reported, Choice::These(_)),
        },
    };
    targets.write(|format| format.render(&page))?;
    Ok(if report.summary.gate.passed { Ending::Clean } else { Ending::Findings })
}

/// The forms of the report, of the command line or of what is weaker.
fn targets(args: &Args, settings: &Settings) -> anyhow::Result<Vec<Target>> {
    match (&settings.output, args.output.is_empty()) {
        (Some(told), true) => told_targets(told),
        (None, true) => Ok(vec![Target::default()]),
        (_, false) => Ok(args.output.clone()),
    }
}
