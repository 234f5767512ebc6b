//! The command line: one file for each subcommand, from typed arguments to a call of the library.
//!
//! Exit codes, the same everywhere: 0 done and nothing at or above the gate, 1 findings, 2 the job could not be done,
//! 130 interrupted. Reports go to standard output or `--output-file`, everything else to standard error.

mod checks;
mod cloud;
mod completion;
mod config;
mod config_for;
mod diff;
mod facts;
mod fix;
mod frameworks;
mod given;
mod input;
mod interrupt;
mod judging;
mod output;
mod policy;
mod progress;
mod rbac;
mod run;
mod settings;
mod snapshot;
mod targets;
mod version;
mod waivers;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

pub use checks::requests::page as requests_page;
pub use policy::check_schema;

use crate::source::live::Connection;

/// How a command that did its job ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Exit code 0.
    Clean,
    /// Exit code 1.
    Findings,
}

/// The exit code of a job that could not be done.
const FAILURE: u8 = 2;

/// Tells truthfully what a Kubernetes cluster records, keeps and loses of what happens in it.
#[derive(Debug, Parser)]
#[command(name = "kubectl-logaudit", version, propagate_version = true, disable_help_subcommand = true)]
#[command(
    after_help = "Exit codes: 0 nothing at or above --fail-on, 1 findings, 2 could not do the job, 130 interrupted."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Audit a cluster, a saved snapshot (--snapshot) or manifests (-f), and report
    Run(run::Args),
    /// Write what would turn failures green into a folder; nothing is applied
    Fix(fix::Args),
    /// Save what run would read, redacted
    Snapshot(snapshot::Args),
    /// Say what an audit policy records, without a cluster
    Policy(policy::Args),
    /// List, explain, begin or test checks
    Checks(checks::Args),
    /// List frameworks, or show what answers their controls
    Frameworks(frameworks::Args),
    /// Say what differs between two reports or snapshots
    Diff(diff::Args),
    /// List waivers, with what became of each
    Waivers(waivers::Args),
    /// Begin, validate or show the configuration
    Config(config::Args),
    /// Print the facts that checks are judged by, or their schema
    Facts(facts::Args),
    /// Print the `ClusterRole` and `Role` that run needs
    Rbac(rbac::Args),
    /// Print a completion script, or how to complete under kubectl
    Completion(completion::Args),
    /// Print the version
    Version(version::Args),
}

/// Runs the program with these arguments, the program's name first.
pub fn main(arguments: &[OsString]) -> ExitCode {
    quiet_panics();
    // A fault in the program must not look like a finding: it ends with 2 like everything that kept the job from being done.
    std::panic::catch_unwind(|| start(arguments)).unwrap_or(ExitCode::from(FAILURE))
}

fn start(arguments: &[OsString]) -> ExitCode {
    if completion::is_called_by_kubectl(arguments) {
        return completion::answer_kubectl(arguments);
    }
    let matches = match command(arguments.first()).try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => return usage(&error),
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let outcome = match cli.command {
        Command::Run(args) => run::run(&args, &cli.connection),
        Command::Fix(args) => fix::run(&args, &cli.connection),
        Command::Snapshot(args) => snapshot::run(&args, &cli.connection),
        Command::Policy(args) => policy::run(&args, &cli.connection),
        Command::Checks(args) => checks::run(args),
        Command::Frameworks(args) => frameworks::run(args),
        Command::Diff(args) => diff::run(&args),
        Command::Waivers(args) => waivers::run(&args, &cli.connection),
        Command::Config(args) => config::run(&args),
        Command::Facts(args) => facts::run(&args, &cli.connection),
        Command::Rbac(args) => rbac::run(&args, &cli.connection),
        Command::Completion(args) => completion::run(&args),
        Command::Version(args) => version::run(&args),
    };
    match outcome {
        Ok(Ending::Clean) => ExitCode::SUCCESS,
        Ok(Ending::Findings) => ExitCode::from(1),
        Err(error) if output::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&error);
            ExitCode::from(FAILURE)
        }
    }
}

/// The command line, named as it was called: under kubectl the usage says `kubectl logaudit`.
pub(crate) fn command(program: Option<&OsString>) -> clap::Command {
    let command = Cli::command();
    let under_kubectl = program.is_none_or(|name| {
        std::path::Path::new(name)
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("kubectl-"))
    });
    if under_kubectl { command.bin_name("kubectl logaudit") } else { command }
}

fn usage(error: &clap::Error) -> ExitCode {
    // Help and version are answers, and end like answers, also into a closed pipe.
    let printed = error.print();
    if error.use_stderr() || printed.is_err_and(|error| error.kind() != std::io::ErrorKind::BrokenPipe) {
        return ExitCode::from(FAILURE);
    }
    ExitCode::SUCCESS
}

fn quiet_panics() {
    std::panic::set_hook(Box::new(|info| {
        let place =
            info.location().map(|place| format!(" at {}:{}", place.file(), place.line())).unwrap_or_default();
        let what = info
            .payload()
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| info.payload().downcast_ref::<&str>().copied())
            .unwrap_or("unknown fault");
        output::warn(&format!(
            "error: internal fault{place}: {what}\nThis is a bug in kubectl-logaudit; please report it with a snapshot (`kubectl logaudit snapshot`)."
        ));
    }));
}
