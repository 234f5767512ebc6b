//! `policy`: audit policies without a cluster.

mod check;
mod eval;
mod input;
mod request;
mod table;
mod test;

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
    /// Test a policy against tables of requests and what must be recorded of them
    Test(test::Args),
}

pub(crate) fn run(args: &Args, connection: &Connection) -> anyhow::Result<Ending> {
    match &args.command {
        Command::Check(args) => check::run(args),
        Command::Eval(args) => eval::run(args, connection),
        Command::Test(args) => test::run(args),
    }
}
