//! `frameworks`: which there are, what answers their controls, and whether files of one's own are right.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{anyhow, bail};
use serde_json::{Value, json};

use super::output::OutputArgs;
use super::{Ending, judging};
use crate::check::diagnostic::Diagnostic;
use crate::check::load::THEMES;
use crate::check::{CheckSet, limits};
use crate::framework::conflicts::{Conflicts, by_reason};
use crate::framework::{Control, Framework, frameworks, full_id, load, of_classes};
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
        #[command(flatten)]
        own: OwnArgs,
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
        #[command(flatten)]
        own: OwnArgs,
        /// The form
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
        #[command(flatten)]
        to: OutputArgs,
    },
    /// Say whether framework files of your own are right, and where they are not
    Validate {
        /// Files, or folders of them
        #[arg(required = true, value_name = "FILE|DIR")]
        files: Vec<PathBuf>,
        /// Add the checks of this folder or file, which the frameworks may refer to
        #[arg(long, value_name = "DIR")]
        checks: Vec<PathBuf>,
        #[command(flatten)]
        to: OutputArgs,
    },
}

/// Frameworks and checks of users.
#[derive(Debug, clap::Args)]
struct OwnArgs {
    /// Add the frameworks of this file or folder
    #[arg(long, value_name = "FILE|DIR")]
    frameworks: Vec<PathBuf>,
    /// Add the checks of this folder or file
    #[arg(long, value_name = "DIR")]
    checks: Vec<PathBuf>,
}

impl OwnArgs {
    /// The frameworks and the checks that they refer to.
    fn load(&self) -> anyhow::Result<(Vec<Framework>, CheckSet)> {
        let checks = judging::load_checks(&self.checks)?;
        Ok((with_own(&self.frameworks, &checks)?, checks))
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    #[default]
    Table,
    Json,
    Yaml,
}

pub(crate) fn run(args: Args) -> anyhow::Result<Ending> {
    let (text, to) = match args.command {
        Command::List { own, output, to } => {
            let all = if own.frameworks.is_empty() { frameworks() } else { own.load()?.0 };
            (list(&all, output, &to)?, to)
        }
        Command::Show { framework, own, output, to } => {
            let (id, edition) = parts(&framework);
            let (all, checks) = own.load()?;
            (show(find(&all, id, edition)?, edition, &all, &checks, output)?, to)
        }
        Command::Validate { files, checks, to } => {
            let own = OwnArgs { frameworks: files, checks };
            (validated(&own.load()?.0), to)
        }
    };
    to.emit(text.as_bytes())?;
    Ok(Ending::Clean)
}

/// The built-in frameworks and those of some files and folders.
pub(crate) fn with_own(paths: &[PathBuf], checks: &CheckSet) -> anyhow::Result<Vec<Framework>> {
    if paths.is_empty() {
        return Ok(frameworks());
    }
    let loaded = limits::on_big_stack(|| {
        paths.iter().try_fold(frameworks(), |all, path| load::add_path(all, path, checks))
    });
    loaded.map_err(|faults: Vec<Diagnostic>| {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        anyhow!(faults.join("\n"))
    })
}

/// `ID` or `ID@EDITION`.
pub(crate) fn parts(name: &str) -> (&str, Option<&str>) {
    match name.split_once('@') {
        Some((id, edition)) => (id, Some(edition)),
        None => (name, None),
    }
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
        bail!("{id} has no edition `{edition}`; it has {}", editions(framework));
    }
    Ok(framework)
}

fn editions(framework: &Framework) -> String {
    let ids: Vec<&str> = framework.editions.iter().map(|edition| edition.id.as_str()).collect();
    ids.join(", ")
}

fn list(all: &[Framework], output: Format, to: &OutputArgs) -> anyhow::Result<String> {
    if output != Format::Table {
        return data(&serde_json::to_value(all)?, output);
    }
    let mut out = String::new();
    let widest = all.iter().map(|framework| framework.id.len()).max().unwrap_or_default();
    let mut row =
        |id: &str, default: &str, distribution: &str, controls: &str, editions: &str, name: &str| {
            let _ = writeln!(
                out,
                "{id:<widest$}   {default:<7}   {distribution:<9}   {controls:<8}   {name} ({editions})"
            );
        };
    if !to.no_headers {
        row("ID", "DEFAULT", "FOR", "CONTROLS", "EDITIONS", "NAME");
    }
    for framework in all {
        let distribution = framework.distribution.as_deref().unwrap_or("any");
        let default = if framework.default { "yes" } else { "-" };
        let controls = framework.controls().len().to_string();
        row(&framework.id, default, distribution, &controls, &editions(framework), &framework.name);
    }
    Ok(out)
}

fn show(
    framework: &Framework,
    edition: Option<&str>,
    all: &[Framework],
    checks: &CheckSet,
    output: Format,
) -> anyhow::Result<String> {
    let is_shown = |control: &&Control| edition.is_none_or(|edition| control.is_in(edition));
    if output != Format::Table {
        let mut value = serde_json::to_value(framework)?;
        let controls: Result<Vec<Value>, serde_json::Error> = framework
            .controls()
            .iter()
            .filter(is_shown)
            .map(|control| {
                let mut value = serde_json::to_value(control)?;
                if let Some(fields) = value.as_object_mut() {
                    fields.insert("answered-by".into(), json!(answering(control, checks)));
                }
                Ok(value)
            })
            .collect();
        if let Some(fields) = value.as_object_mut() {
            fields.insert("controls".into(), Value::Array(controls?));
        }
        return data(&value, output);
    }
    let mut out = format!(
        "{}\nid: {}, editions: {}\nsource: {}\n",
        framework.name,
        framework.id,
        editions(framework),
        framework.source
    );
    if let Some(distribution) = &framework.distribution {
        let instead = framework.instead_of.as_ref();
        let instead = instead.map(|other| format!(", in the place of {other}")).unwrap_or_default();
        let _ = writeln!(out, "for: clusters of {distribution}{instead}");
    }
    let conflicts = Conflicts::of(all);
    for control in framework.controls().iter().filter(is_shown) {
        let editions = if control.editions.is_empty() || edition.is_some() {
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
        for reference in of_classes(checks, &control.classes) {
            let classes = reference.params.values().map(ToString::to_string).collect::<Vec<_>>().join(" ");
            let _ = writeln!(out, "  check {} classes={classes}", reference.id);
        }
        for id in &control.themes {
            let theme = THEMES.iter().find(|theme| theme.id == *id);
            let what = theme.map_or("", |theme| theme.what.as_str());
            let answering = of_theme(id, checks);
            let answering = if answering.is_empty() {
                "not examined by this version".into()
            } else {
                answering.join(", ")
            };
            let _ = writeln!(out, "  theme {id} {what}: {answering}");
            if let Some(not_yet) = theme.and_then(|theme| theme.not_yet.as_ref()) {
                let _ = writeln!(out, "    left open: {not_yet}");
            }
        }
        if let Some(attest) = &control.attest {
            let _ = writeln!(out, "  a person has to confirm {attest}");
        }
        let others = conflicts.with(&full_id(framework, control)).iter();
        for (why, others) in by_reason(others.map(|other| (other.why.as_str(), other.control.as_str()))) {
            let _ = writeln!(out, "  conflict with {}: {why}", others.join(", "));
        }
    }
    Ok(out)
}

/// The checks that answer a theme.
fn of_theme<'c>(theme: &str, checks: &'c CheckSet) -> Vec<&'c str> {
    let answering = checks.active().filter(|check| check.themes.iter().any(|known| known == theme));
    answering.map(|check| check.id.as_str()).collect()
}

/// All checks that answer a control, each once.
fn answering(control: &Control, checks: &CheckSet) -> Vec<String> {
    let named = control.checks.iter().map(|reference| reference.id.clone());
    let of_classes = of_classes(checks, &control.classes).into_iter().map(|reference| reference.id);
    let of_themes = control.themes.iter().flat_map(|theme| of_theme(theme, checks)).map(str::to_owned);
    let mut ids: Vec<String> = named.chain(of_classes).chain(of_themes).collect();
    ids.sort();
    ids.dedup();
    ids
}

/// A line for each framework that is not built in.
fn validated(all: &[Framework]) -> String {
    let built_in: Vec<String> = frameworks().into_iter().map(|framework| framework.id).collect();
    let mut out = String::new();
    for framework in all.iter().filter(|framework| !built_in.contains(&framework.id)) {
        let _ = writeln!(
            out,
            "{}: {}, {}, {}",
            framework.file,
            framework.id,
            crate::report::plural(framework.editions.len(), "edition"),
            crate::report::plural(framework.controls().len(), "control")
        );
    }
    out
}

fn data(value: &Value, output: Format) -> anyhow::Result<String> {
    Ok(match output {
        Format::Yaml => serde_yaml::to_string(value)?,
        Format::Json | Format::Table => serde_json::to_string_pretty(value)? + "\n",
    })
}
