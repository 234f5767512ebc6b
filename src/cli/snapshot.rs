//! `snapshot`: save what `run` would read.

use super::Ending;
use super::input::InputArgs;
use super::output::OutputArgs;
use crate::snapshot::io;
use crate::source::live::Connection;

/// Arguments of `snapshot`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    to: OutputArgs,
    /// Compress with zstd; a file name that ends in .zst does the same
    #[arg(long)]
    zstd: bool,
}

pub(crate) fn run(args: &Args, connection: &Connection) -> anyhow::Result<Ending> {
    let snapshot = args.input.read(connection, false)?;
    let compress = args.zstd
        || args.to.output_file.as_ref().is_some_and(|path| path.extension().is_some_and(|e| e == "zst"));
    args.to.emit(&io::to_bytes(&snapshot, compress)?)?;
    Ok(Ending::Clean)
}
