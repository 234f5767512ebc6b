//! `policy`: audit policies without a cluster.

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
    /// Say what a policy records of requests: level, stages and deciding rule, exactly as kube-apiserver decides
    Eval(eval::Args),
    /// Test a policy against tables of requests and what must be recorded of them
    Test(test::Args),
}

pub(crate) fn run(args: &Args, connection: &Connection) -> anyhow::Result<Ending> {
    match &args.command {
        Command::Eval(args) => eval::run(args, connection),
        Command::Test(args) => test::run(args),
    }
}
