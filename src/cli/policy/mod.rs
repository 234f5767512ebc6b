//! `policy`: audit policies without a cluster.

mod check;
mod coverage;
mod diff;
mod eval;
mod generate;
mod input;
mod request;
mod table;
mod test;

pub use check::schema as check_schema;

use super::Ending;
use crate::source::live::Connection;

/// Arguments of `policy`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Check a policy: whether kube-apiserver loads it, what it fails to record, what it leaks, what in it is odd
    Check(check::Args),
    /// Say what a policy records of requests: level, stages and deciding rule, exactly as kube-apiserver decides
    Eval(eval::Args),
    /// Show what a policy records of every class of requests that security depends on, and for whom it does not
    Coverage(coverage::Args),
    /// Show which requests two policies record differently
    Diff(diff::Args),
    /// Print an audit policy that records every class of requests and keeps Secrets and tokens out of the log, proved before
    Generate(generate::Args),
    /// Test a policy against tables of requests and what must be recorded of them
    Test(test::Args),
}

pub(crate) fn run(args: &Args, connection: &Connection) -> anyhow::Result<Ending> {
    match &args.command {
        Command::Check(args) => check::run(args),
        Command::Eval(args) => eval::run(args, connection),
        Command::Coverage(args) => coverage::run(args),
        Command::Diff(args) => diff::run(args),
        Command::Generate(args) => generate::run(args),
        Command::Test(args) => test::run(args),
    }
}
