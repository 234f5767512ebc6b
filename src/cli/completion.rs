//! `completion`: scripts for shells, and answers for kubectl's own completion.
//!
//! kubectl completes a plugin by running `kubectl_complete-NAME` from the PATH with the words typed so far; it takes one
//! candidate a line and last a line with a colon and a directive (cobra's `ShellCompDirective`).

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use clap_complete::engine::CompletionCandidate;
use clap_complete::{Shell, generate};

use super::output::OutputArgs;
use super::{Ending, checks, command, judging};

/// The name under which kubectl calls for completion.
const CALLED_BY_KUBECTL: &str = "kubectl_complete-logaudit";

/// Cobra's directive "offer no file names".
const NO_FILES: &str = ":4";

/// Arguments of `completion`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "For `kubectl logaudit <TAB>`, link the program under the name kubectl looks for, into a folder of the PATH:
  ln -s \"$(command -v kubectl-logaudit)\" ~/.local/bin/kubectl_complete-logaudit"
)]
pub(crate) struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
    #[command(flatten)]
    to: OutputArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Ending> {
    let mut script = Vec::new();
    generate(args.shell, &mut command(None).bin_name("kubectl-logaudit"), "kubectl-logaudit", &mut script);
    args.to.emit(&script)?;
    Ok(Ending::Clean)
}

/// Whether kubectl runs the program for completion.
pub(crate) fn is_called_by_kubectl(arguments: &[OsString]) -> bool {
    arguments
        .first()
        .is_some_and(|program| Path::new(program).file_stem().is_some_and(|stem| stem == CALLED_BY_KUBECTL))
}

/// Prints candidates for the last of the words.
pub(crate) fn answer_kubectl(arguments: &[OsString]) -> ExitCode {
    let mut words = arguments.to_vec();
    if words.len() < 2 {
        words.push(OsString::new());
    }
    let last = words.len() - 1;
    let candidates =
        clap_complete::engine::complete(&mut command(None), words, last, None).unwrap_or_default();
    let mut out = std::io::stdout().lock();
    let mut lines: Vec<String> = candidates
        .iter()
        .filter(|candidate| !candidate.is_hide_set())
        .map(|candidate| {
            let help = candidate.get_help().map(|help| format!("\t{help}")).unwrap_or_default();
            format!("{}{help}", candidate.get_value().to_string_lossy())
        })
        .collect();
    lines.push(NO_FILES.to_owned());
    // kubectl may have gone.
    let _ = writeln!(out, "{}", lines.join("\n"));
    ExitCode::SUCCESS
}

/// The ids of the built-in checks, and those of the catalogue of requests.
pub(crate) fn check_ids() -> Vec<CompletionCandidate> {
    let set = judging::load_checks(&[]).unwrap_or_default();
    let built_in = set.active().map(|check| (check.id.as_str(), check.title.as_str()));
    built_in
        .chain(checks::requests::titles())
        .map(|(id, title)| CompletionCandidate::new(id).help(Some(title.to_owned().into())))
        .collect()
}
