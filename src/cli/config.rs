//! `config`: begin, validate and show the configuration.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde_json::{Value, json};

use super::Ending;
use super::judging::load_checks;
use super::output::OutputArgs;
use super::settings::{self, Resolved, SettingArgs};
use super::targets::told_targets;
use crate::config::find::{NAME, Source, find, restrict};
use crate::config::{Row, Settings};
use crate::report::columns::Table;
use crate::report::plural;

/// The file that `config init` writes.
pub(super) const BEGINNING: &str = include_str!("config/beginning.yaml");

/// Arguments of `config`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Write a configuration file in which every setting is explained
    Init {
        /// Where to
        #[arg(value_name = "FILE", default_value = NAME)]
        file: PathBuf,
    },
    /// Say whether a configuration file is valid, and where it is not
    Validate {
        /// The file; without it, the one that run would take
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        #[command(flatten)]
        to: OutputArgs,
    },
    /// Show every setting with its value and where that comes from
    Show(Box<ShowArgs>),
}

#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// The form
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    to: OutputArgs,
    #[command(flatten)]
    settings: SettingArgs,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    #[default]
    Table,
    Json,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Ending> {
    match &args.command {
        Command::Init { file } => init(file),
        Command::Validate { file, to } => validate(file.as_deref(), to),
        Command::Show(args) => show(args),
    }
}

fn init(path: &Path) -> anyhow::Result<Ending> {
    use std::io::Write;
    let name = path.display();
    // Made only if it is not there, so that two at once cannot both have it.
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(path);
    let mut file = match file {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            bail!("{name} is there already, and is not overwritten")
        }
        file => file.with_context(|| format!("cannot write {name}"))?,
    };
    file.write_all(BEGINNING.as_bytes()).with_context(|| format!("cannot write {name}"))?;
    super::output::warn(&format!("{name} is written; `kubectl logaudit config show` shows what it does"));
    Ok(Ending::Clean)
}

fn validate(path: Option<&Path>, to: &OutputArgs) -> anyhow::Result<Ending> {
    let source = match path {
        Some(path) => Some(Source { path: path.to_owned(), root: None }),
        None => find(&std::env::current_dir()?),
    };
    let Some(source) = source else {
        bail!("there is no {NAME} here or above in the repository; name a file")
    };
    let file = settings::read(&source)?;
    let (settings, _) = file.settings();
    if let Some(root) = &source.root {
        restrict(&settings, root).map_err(anyhow::Error::msg)?;
    }
    let folders: Vec<PathBuf> = settings.checks.iter().map(|told| told.value.clone()).collect();
    let checks = load_checks(&folders)?;
    let config = file.config(&checks).map_err(|faults| settings::told(&faults))?;
    let told = format!(
        "{} is valid: {}, {}\n",
        source.path.display(),
        plural(config.overrides.told.len(), "override"),
        plural(config.waivers.len(), "waiver")
    );
    // What else would end a run: forms, frameworks, the selection, the baseline.
    if let Some(output) = &settings.output {
        told_targets(output)?;
    }
    Resolved { settings, checks, config, file: Some(source.path) }.plan()?;
    to.emit(told.as_bytes())?;
    Ok(Ending::Clean)
}

fn show(args: &ShowArgs) -> anyhow::Result<Ending> {
    args.to.prepare();
    let resolved = args.settings.resolve(Settings::default())?;
    let rows = rows(&resolved);
    let file = resolved.file.as_ref().map(|path| path.display().to_string());
    let text = match args.output {
        Format::Json => serde_json::to_string_pretty(&json!({"file": file, "settings": rows}))? + "\n",
        Format::Table => {
            let mut out = format!("Configuration: {}\n\n", file.as_deref().unwrap_or("no file"));
            let mut table = Table::new(&["SETTING", "VALUE", "FROM"], args.to.no_headers);
            for Row { setting, value, from } in &rows {
                table.row(vec![setting.as_str().into(), plain(value).into(), from.as_str().into()]);
            }
            table.write(&mut out);
            out
        }
    };
    args.to.emit(text.as_bytes())?;
    Ok(Ending::Clean)
}

fn rows(resolved: &Resolved) -> Vec<Row> {
    let mut rows = resolved.settings.rows();
    rows.extend(resolved.config.overrides.told.iter().map(|told| Row {
        setting: match told.setting.as_str() {
            "severity" => format!("severities.{}", told.check),
            param => format!("params.{}.{param}", told.check),
        },
        value: told.value.clone(),
        from: told.at.clone(),
    }));
    rows.extend(resolved.config.waivers.iter().map(|waiver| Row {
        setting: "waivers".to_owned(),
        value: format!("{} {}", waiver.check, waiver.scope.words()).into(),
        from: waiver.at.clone(),
    }));
    rows
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "-".to_owned(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
