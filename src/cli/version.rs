//! `version`.

use serde_json::json;

use super::Ending;
use super::output::OutputArgs;
use crate::{analyze, report, snapshot};

/// Arguments of `version`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The form
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    to: OutputArgs,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
    Yaml,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Ending> {
    let value = json!({
        "name": "kubectl-logaudit",
        "version": env!("CARGO_PKG_VERSION"),
        "platform": format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
        "formats": {
            "report": report::SCHEMA_VERSION,
            "snapshot": snapshot::SCHEMA_VERSION,
            "facts": analyze::FACTS_VERSION,
        },
    });
    let text = match args.output {
        Format::Text => format!("kubectl-logaudit {}\n", env!("CARGO_PKG_VERSION")),
        Format::Json => serde_json::to_string_pretty(&value)? + "\n",
        Format::Yaml => serde_yaml::to_string(&value)?,
    };
    args.to.emit(text.as_bytes())?;
    Ok(Ending::Clean)
}
