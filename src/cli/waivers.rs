//! `waivers`: what is accepted, and what became of it.

use serde::Serialize;

use super::Ending;
use super::input::InputArgs;
use super::judging::judge;
use super::output::OutputArgs;
use super::settings::{SettingArgs, dated};
use crate::report::columns::Table;
use crate::source::live::Connection;
use crate::waiver::Form;
use crate::waiver::register::{Entry, Register};

/// Arguments of `waivers`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List every waiver of the configuration, of comments and of annotations, with its state and what it is about here
    List(Box<ListArgs>),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    #[command(flatten)]
    input: InputArgs,
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

/// A waiver as it is listed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed<'a> {
    at: &'a str,
    form: &'static str,
    state: &'static str,
    check: &'a str,
    scope: String,
    reason: &'a str,
    owner: Option<&'a str>,
    until: Option<String>,
    /// The failures that it is about.
    failures: Vec<Failure<'a>>,
    /// Why it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Failure<'a> {
    check: &'a str,
    subject: &'a str,
}

pub(crate) fn run(args: &Args, connection: &Connection) -> anyhow::Result<Ending> {
    let Command::List(args) = &args.command;
    args.to.prepare();
    let resolved = args.settings.resolve(args.input.cloud.settings())?;
    let mut input = args.input.clone();
    input.cloud.settle(&resolved.settings);
    let plan = resolved.plan()?;
    let snapshot = input.read(connection, args.settings.judging.quiet)?;
    let outcome = judge(&dated(plan, &snapshot)?, snapshot)?;
    let register = &outcome.register;
    let list: Vec<Listed<'_>> = register.entries.iter().map(|entry| listed(entry, register)).collect();
    let text = match args.output {
        Format::Json => serde_json::to_string_pretty(&list)? + "\n",
        Format::Table => table(&list, args.to.no_headers),
    };
    args.to.emit(text.as_bytes())?;
    Ok(Ending::Clean)
}

fn listed<'a>(entry: &'a Entry, register: &Register) -> Listed<'a> {
    let waiver = entry.waiver.as_ref();
    let failures = entry.failures.keys().map(|(check, subject)| Failure { check, subject });
    Listed {
        at: &entry.at,
        form: entry.form.as_str(),
        state: entry.state(register.today).as_str(),
        check: waiver.map_or("-", |waiver| waiver.check.as_str()),
        scope: waiver.map_or_else(|_| String::new(), |waiver| waiver.scope.words()),
        reason: waiver.map_or("", |waiver| waiver.reason.as_str()),
        owner: waiver.ok().and_then(|waiver| waiver.owner.as_deref()),
        until: waiver.ok().and_then(|waiver| waiver.until).map(|until| until.to_string()),
        failures: failures.collect(),
        problem: waiver.err().map(String::as_str),
    }
}

fn table(list: &[Listed<'_>], no_headers: bool) -> String {
    if list.is_empty() {
        return "There are no waivers.\n".to_owned();
    }
    let mut table = Table::new(
        &["STATE", "CHECK", "SCOPE", "UNTIL", "OWNER", "WAIVES", "REASON", "WRITTEN AT"],
        no_headers,
    );
    for waiver in list {
        let subjects: Vec<String> = waiver
            .failures
            .iter()
            .take(SHOWN)
            .map(|failure| {
                if failure.check == waiver.check {
                    failure.subject.to_owned()
                } else {
                    format!("{} {}", failure.check, failure.subject)
                }
            })
            .collect();
        let more = match waiver.failures.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            Some(more) => format!(" and {more} more"),
            None => String::new(),
        };
        let waives = if subjects.is_empty() { "-".to_owned() } else { subjects.join(", ") + &more };
        table.row(vec![
            waiver.state.into(),
            waiver.check.into(),
            waiver.scope.as_str().into(),
            waiver.until.as_deref().unwrap_or("-").into(),
            waiver.owner.unwrap_or("-").into(),
            waives.into(),
            waiver.problem.unwrap_or(waiver.reason).into(),
            waiver.at.into(),
        ]);
    }
    let mut out = String::new();
    table.write(&mut out);
    let aside =
        list.iter().any(|waiver| waiver.form == Form::Annotation.as_str() && waiver.state == "left-aside");
    if aside {
        out.push_str("\n--accept-annotations makes waivers in annotations count\n");
    }
    out
}

/// How many failures of a waiver the table names.
const SHOWN: usize = 3;
