//! `frameworks`: which there are, and what answers their controls.

use std::fmt::Write as _;

use anyhow::bail;

use super::output::OutputArgs;
use super::{Ending, judging};
use crate::check::load::THEMES;
use crate::framework::{Framework, conflict, frameworks, full_id, of_classes};
use crate::suggest::nearest;

/// Arguments of `frameworks`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the frameworks and their editions
    List {
        /// The form
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
        #[command(flatten)]
        to: OutputArgs,
    },
    /// Show the controls of a framework and the checks and themes that answer them
    Show {
        /// ID or ID@EDITION
        framework: String,
        /// The form
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
        #[command(flatten)]
        to: OutputArgs,
    },
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    #[default]
    Table,
    Json,
    Yaml,
}

pub(crate) fn run(args: Args) -> anyhow::Result<Ending> {
    let all = frameworks();
    let (text, to) = match args.command {
        Command::List { output, to } => (list(&all, output, &to)?, to),
        Command::Show { framework, output, to } => {
            let (id, edition) = match framework.split_once('@') {
                Some((id, edition)) => (id, Some(edition)),
                None => (framework.as_str(), None),
            };
            (show(find(&all, id, edition)?, &all, output)?, to)
        }
    };
    to.emit(text.as_bytes())?;
    Ok(Ending::Clean)
}

/// The framework with that id, if it has that edition.
pub(crate) fn find<'f>(
    all: &'f [Framework],
    id: &str,
    edition: Option<&str>,
) -> anyhow::Result<&'f Framework> {
    let Some(framework) = all.iter().find(|framework| framework.id == id) else {
        let near = nearest(id, all.iter().map(|framework| framework.id.as_str()));
        let near = near.map(|near| format!(" did you mean `{near}`?")).unwrap_or_default();
        bail!("there is no framework `{id}`;{near} `kubectl logaudit frameworks list` shows them");
    };
    if let Some(edition) = edition
        && !framework.editions.iter().any(|known| known.id == edition)
    {
        let known: Vec<&str> = framework.editions.iter().map(|edition| edition.id.as_str()).collect();
        bail!("{id} has no edition `{edition}`; it has {}", known.join(", "));
    }
    Ok(framework)
}

fn list(all: &[Framework], output: Format, to: &OutputArgs) -> anyhow::Result<String> {
    if output != Format::Table {
        return data(&all, output);
    }
    let mut out = String::new();
    if !to.no_headers {
        let _ = writeln!(out, "{:<18} {:<36} NAME", "ID", "EDITIONS");
    }
    for framework in all {
        let editions: Vec<&str> = framework.editions.iter().map(|edition| edition.id.as_str()).collect();
        let _ = writeln!(out, "{:<18} {:<36} {}", framework.id, editions.join(", "), framework.name);
    }
    Ok(out)
}

fn show(framework: &Framework, all: &[Framework], output: Format) -> anyhow::Result<String> {
    if output != Format::Table {
        return data(framework, output);
    }
    let checks = judging::load_checks(&[])?;
    let mut out = format!("{}\nsource: {}\n", framework.name, framework.source);
    for control in &framework.controls {
        let editions = if control.editions.is_empty() {
            String::new()
        } else {
            format!(" (only {})", control.editions.join(", "))
        };
        let _ = writeln!(out, "\n{}  {}{editions}", control.id, control.title);
        for reference in &control.checks {
            let params: Vec<String> =
                reference.params.iter().map(|(name, value)| format!(" {name}={value}")).collect();
            let can = if reference.precondition { ", which can only fail it" } else { "" };
            let _ = writeln!(out, "  check {}{}{can}", reference.id, params.concat());
        }
        for reference in of_classes(&checks, &control.classes) {
            let classes = reference.params.values().map(ToString::to_string).collect::<Vec<_>>().join(" ");
            let _ = writeln!(out, "  check {} classes={classes}", reference.id);
        }
        for id in &control.themes {
            let what = THEMES.iter().find(|theme| theme.id == *id).map_or("", |theme| theme.what.as_str());
            let answering: Vec<&str> = checks
                .active()
                .filter(|check| check.themes.contains(id))
                .map(|check| check.id.as_str())
                .collect();
            let answering = if answering.is_empty() {
                "not examined by this version".into()
            } else {
                answering.join(", ")
            };
            let _ = writeln!(out, "  theme {id} {what}: {answering}");
        }
        if let Some(attest) = &control.attest {
            let _ = writeln!(out, "  a person has to confirm {attest}");
        }
        if let Some(conflict) = conflict(all, &full_id(framework, control)) {
            let _ = writeln!(out, "  conflict with {}: {}", conflict.with.join(", "), conflict.why);
        }
    }
    Ok(out)
}

fn data<T: serde::Serialize + ?Sized>(value: &T, output: Format) -> anyhow::Result<String> {
    let value = serde_json::to_value(value)?;
    Ok(match output {
        Format::Yaml => serde_yaml::to_string(&value)?,
        Format::Json | Format::Table => serde_json::to_string_pretty(&value)? + "\n",
    })
}
