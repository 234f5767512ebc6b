//! `facts`: what checks are judged by.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::Ending;
use super::input::InputArgs;
use super::output::OutputArgs;
use crate::analyze::tree::FactTree;
use crate::analyze::{analyze, schema};
use crate::snapshot::redact::scrub;
use crate::source::live::Connection;

/// Arguments of `facts`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    input: InputArgs,
    /// Print the JSON Schema of the facts instead
    #[arg(long, conflicts_with_all = ["snapshot", "filename", "policy_file", "config_for"])]
    schema: bool,
    /// The form
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    to: OutputArgs,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    #[default]
    Yaml,
    Json,
}

pub(crate) fn run(args: &Args, connection: &Connection) -> anyhow::Result<Ending> {
    let value = if args.schema {
        schema()
    } else {
        let snapshot = args.input.read(connection, false)?;
        let tree = FactTree::new(&analyze(&snapshot))?;
        let mut value = json!({"facts": tree.value, "known": tree.known, "unknown": tree.unknown});
        scrub_all(&mut value);
        value
    };
    let text = match args.output {
        Format::Json => serde_json::to_string_pretty(&value)? + "\n",
        Format::Yaml => serde_yaml::to_string(&value)?,
    };
    args.to.emit(text.as_bytes())?;
    Ok(Ending::Clean)
}

fn scrub_all(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(clean) = scrub(text) {
                *text = clean;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(scrub_all),
        Value::Object(map) => map.iter_mut().for_each(|(_, value)| scrub_all(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
