//! `diff`: what differs between two reports.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::Ending;
use super::input::bytes;
use super::judging::{judge, load_checks};
use super::output::OutputArgs;
use super::settings::dated;
use crate::audit::Plan;
use crate::baseline::Baseline;
use crate::baseline::difference::compare;
use crate::check::CheckSet;
use crate::framework::frameworks;
use crate::report::change;
use crate::snapshot::{Snapshot, io};

/// Arguments of `diff`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Ends with 1 if anything differs.

Examples:
  kubectl logaudit diff last-week.json today.json
  kubectl logaudit diff before.snapshot.zst after.snapshot.zst -o markdown")]
pub(crate) struct Args {
    /// The older: a report in JSON (run -o json) or a snapshot, plain or compressed with zstd; - is standard input
    #[arg(value_name = "BEFORE")]
    before: PathBuf,
    /// The newer
    #[arg(value_name = "AFTER")]
    after: PathBuf,
    /// The form
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    to: OutputArgs,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// What is new, worse, lost, better, gone, or rests on other evidence
    #[default]
    Table,
    /// All of it with reasons and evidence, see docs/diff.schema.json
    Json,
    /// For a pull request
    Markdown,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Ending> {
    args.to.prepare();
    if args.before == Path::new("-") && args.after == Path::new("-") {
        bail!("both cannot come from standard input; give one of them as a file");
    }
    let mut sides = [report_or_snapshot(&args.before)?, report_or_snapshot(&args.after)?].into_iter();
    let (Some(before), Some(after)) = (sides.next(), sides.next()) else { return Ok(Ending::Clean) };
    let difference = compare(&before, &after, &load_checks(&[])?);
    let text = match args.output {
        Format::Table => change::table(&difference, args.to.no_headers),
        Format::Json => serde_json::to_string_pretty(&difference)? + "\n",
        Format::Markdown => change::markdown(&difference),
    };
    args.to.emit(text.as_bytes())?;
    Ok(if difference.is_none() { Ending::Clean } else { Ending::Findings })
}

/// Reads a report in JSON.
pub(crate) fn report(path: &Path) -> anyhow::Result<Baseline> {
    let name = path.display();
    let bytes = bytes(path, "report")?;
    Baseline::from_bytes(&bytes).with_context(|| format!("cannot read the report {name}"))
}

/// Reads a report, or a snapshot, which is judged by the built-in checks.
fn report_or_snapshot(path: &Path) -> anyhow::Result<Baseline> {
    let name = path.display();
    let bytes = bytes(path, "report")?;
    if !io::is_snapshot(&bytes) {
        return Baseline::from_bytes(&bytes).with_context(|| format!("cannot read the report {name}"));
    }
    let snapshot = io::from_bytes(&bytes).with_context(|| format!("cannot read the snapshot {name}"))?;
    drop(bytes);
    judged(snapshot, load_checks(&[])?)
}

fn judged(snapshot: Snapshot, checks: CheckSet) -> anyhow::Result<Baseline> {
    let plan = dated(Plan::everything(checks, frameworks()), &snapshot)?;
    Ok(Baseline::of(&judge(&plan, snapshot)?.report))
}
