//! `checks`: list, explain, begin and test checks.

pub(crate) mod requests;

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::bail;

use super::output::OutputArgs;
use super::{Ending, judging};
use crate::check::load::THEMES;
use crate::check::{Check, CheckSet, Summary, example, limits};
use crate::suggest::nearest;

/// Arguments of `checks`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List all checks
    List {
        /// Add the checks of this folder or file
        #[arg(long, value_name = "DIR")]
        checks: Vec<PathBuf>,
        /// The form
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
        #[command(flatten)]
        to: OutputArgs,
    },
    /// Explain a check: what it looks at, why, how to mend it, when a failure is fine; or a class of requests, a body, noise
    Show {
        /// The check, or an entry of the catalogue of requests: RC-01, BODY-SECRETS, NOISE-EVENTS
        #[arg(value_name = "ID", add = clap_complete::engine::ArgValueCandidates::new(super::completion::check_ids))]
        id: String,
        /// Add the checks of this folder or file
        #[arg(long, value_name = "DIR")]
        checks: Vec<PathBuf>,
        #[command(flatten)]
        to: OutputArgs,
    },
    /// Print the beginning of a check of your own
    New {
        /// The folder it is to lie in, such as apiserver
        category: String,
        /// What it is about, in a few words
        title: String,
        /// The beginning of its id; LA is for built-in checks
        #[arg(long, default_value = "MY")]
        prefix: String,
        #[command(flatten)]
        to: OutputArgs,
    },
    /// Lint checks and run their examples; without a path, the built-in ones
    Test {
        /// Folders or files with checks
        paths: Vec<PathBuf>,
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
    match args.command {
        Command::List { checks, output, to } => {
            to.emit(list(&judging::load_checks(&checks)?, output, &to)?.as_bytes())?;
            Ok(Ending::Clean)
        }
        Command::Show { id, checks, to } => {
            let set = judging::load_checks(&checks)?;
            let Some(check) = set.get(&id) else {
                if let Some(entry) = requests::show(&id) {
                    to.emit(entry.as_bytes())?;
                    return Ok(Ending::Clean);
                }
                let checks = set.checks.iter().map(|check| check.id.as_str());
                let near = nearest(&id, checks.chain(requests::ids()));
                let near = near.map(|near| format!(" did you mean `{near}`?")).unwrap_or_default();
                bail!("there is no check `{id}`;{near} `kubectl logaudit checks list` shows them");
            };
            to.emit(show(check).as_bytes())?;
            Ok(Ending::Clean)
        }
        Command::New { category, title, prefix, to } => {
            to.emit(new(&judging::load_checks(&[])?, &category, &title, &prefix)?.as_bytes())?;
            Ok(Ending::Clean)
        }
        Command::Test { paths, to } => test(&paths, &to),
    }
}

fn list(set: &CheckSet, output: Format, to: &OutputArgs) -> anyhow::Result<String> {
    let summaries: Vec<Summary<'_>> = set.active().map(Summary::from).collect();
    if output != Format::Table {
        let value = serde_json::to_value(&summaries)?;
        return Ok(match output {
            Format::Yaml => serde_yaml::to_string(&value)?,
            Format::Json | Format::Table => serde_json::to_string_pretty(&value)? + "\n",
        });
    }
    let mut out = String::new();
    if !to.no_headers {
        let _ = writeln!(out, "{:<12} {:<9} {:<10} {:<12} TITLE", "ID", "SEVERITY", "CATEGORY", "THEMES");
    }
    for check in summaries {
        let themes = check.themes.join(",");
        let _ = writeln!(
            out,
            "{:<12} {:<9} {:<10} {themes:<12} {}",
            check.id, check.severity, check.category, check.title
        );
    }
    Ok(out)
}

fn show(check: &Check) -> String {
    let mut out =
        format!("{}  {}\nseverity {}, since {}\n", check.id, check.title, check.severity, check.since);
    for (heading, text) in [
        ("What is checked", &check.what),
        ("Why it matters", &check.why),
        ("How to fix", &check.fix),
        ("When it is fine", &check.fine_when),
    ] {
        let _ = write!(out, "\n{heading}\n");
        for line in text.trim().lines() {
            let _ = writeln!(out, "  {line}");
        }
    }
    let _ = write!(out, "\nPasses if\n");
    for line in check.pass.expression.source.trim().lines() {
        let _ = writeln!(out, "  {line}");
    }
    if let Some(each) = &check.each {
        let _ = writeln!(out, "  for each item of {}", each.expression.source.trim());
    }
    if let Some(applies) = &check.applies {
        let _ = writeln!(out, "  where {}", applies.expression.source.trim());
    }
    if !check.params.is_empty() {
        let _ = write!(out, "\nParameters\n");
        for (name, value) in &check.params {
            let _ = writeln!(out, "  {name}: {value}");
        }
    }
    let _ = write!(out, "\nAnswers\n");
    for theme in &check.themes {
        let what = THEMES.iter().find(|known| known.id == *theme).map_or("", |known| known.what.as_str());
        let _ = writeln!(out, "  {theme} {what}");
    }
    out
}

/// A check that passes its own tests. One on policies judges what they record, any other the API servers.
fn new(set: &CheckSet, category: &str, title: &str, prefix: &str) -> anyhow::Result<String> {
    let word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric());
    if !word(category) || !word(prefix) {
        bail!("category and prefix must be single words of letters and digits");
    }
    if title.trim().is_empty() {
        bail!("the title is empty; say in a few words what should be so");
    }
    let area = match category.to_lowercase().as_str() {
        "apiserver" => "API".to_owned(),
        "policy" => "POL".to_owned(),
        "retention" => "RET".to_owned(),
        "integrity" => "INT".to_owned(),
        other => other.to_uppercase().chars().take(6).collect(),
    };
    let start = format!("{}-{area}-", prefix.to_uppercase());
    let used = set.checks.iter().filter_map(|check| check.id.strip_prefix(&start)?.parse::<u32>().ok());
    let id = format!("{start}{:03}", used.max().unwrap_or(0) + 1);
    let title = title.replace(['"', '\n'], " ");
    let head =
        format!("id: {id}\ntitle: \"{title}\"\nseverity: medium\nsince: {}\n", env!("CARGO_PKG_VERSION"));
    Ok(head + if area == "POL" { ABOUT_POLICIES } else { ABOUT_APISERVERS })
}

/// The rest of a check that judges what policies record of classes of requests.
const ABOUT_POLICIES: &str = r#"themes: [E03]
what: |
  What is looked at: which classes of requests, of docs/requests.md.
why: |
  What is lost if it is not so.
fix: |
  Which rule to add, where.
fine-when: |
  When a failure is acceptable.
params: {classes: [RC-01, RC-12]}
# Each class of requests, and of these the ones that are named above. facts.policies has one item for each policy instead.
each: facts.requests
where: item.id in params.classes
applies: item.served
pass: item.detected
says:
  pass: "all of it is recorded, at {item.level}"
  fail: "not recorded: {item.undetected}"
  not-applicable: no such API is served
examples:
  - name: everything is recorded
    expect: pass
    manifests: |
      apiVersion: audit.k8s.io/v1
      kind: Policy
      omitStages: [RequestReceived]
      rules:
      - level: Metadata
  - name: what nodes do is left out
    expect: fail
    at: example.yaml:5:3
    manifests: |
      apiVersion: audit.k8s.io/v1
      kind: Policy
      omitStages: [RequestReceived]
      rules:
      - level: None
        userGroups: [system:nodes]
      - level: Metadata
  - name: no such API is served
    expect: not-applicable
    params: {classes: [RC-22]}
    manifests: |
      apiVersion: audit.k8s.io/v1
      kind: Policy
      omitStages: [RequestReceived]
      rules:
      - level: Metadata
"#;

/// The rest of a check that judges API servers.
const ABOUT_APISERVERS: &str = r#"themes: [E01]
what: |
  What is looked at.
why: |
  What is lost if it is not so.
fix: |
  What to change, where.
fine-when: |
  When a failure is acceptable.
params: {minDays: 30}
each: facts.apiServers
applies: item.audit.log.toFile
pass: item.audit.log.maxAgeDays == 0 || item.audit.log.maxAgeDays >= params.minDays
says:
  pass: "rotated audit logs are kept {item.audit.log.maxAgeDays} days (0: no limit)"
  fail: "rotated audit logs are deleted after {item.audit.log.maxAgeDays} days, and {params.minDays} are asked for"
  not-applicable: this apiserver writes no audit log file
examples:
  - name: kept for long enough
    expect: pass
    manifests: |
      apiVersion: v1
      kind: Pod
      metadata: {name: kube-apiserver-cp1, namespace: kube-system}
      spec:
        containers:
          - name: kube-apiserver
            command: [kube-apiserver, --audit-log-path=/var/log/audit.log, --audit-log-maxage=90]
  - name: deleted too early
    expect: fail
    manifests: |
      apiVersion: v1
      kind: Pod
      metadata: {name: kube-apiserver-cp1, namespace: kube-system}
      spec:
        containers:
          - name: kube-apiserver
            command: [kube-apiserver, --audit-log-path=/var/log/audit.log, --audit-log-maxage=7]
"#;

fn test(paths: &[PathBuf], to: &OutputArgs) -> anyhow::Result<Ending> {
    let set = judging::load_checks(paths)?;
    let builtin = judging::load_checks(&[])?;
    let wanted: Vec<&Check> =
        set.checks.iter().filter(|check| paths.is_empty() || builtin.get(&check.id).is_none()).collect();
    let mut out = String::new();
    let (mut passed, mut failed) = (0_usize, 0_usize);
    let outcomes = limits::on_big_stacks(&wanted, |check| example::test(check));
    for (check, outcomes) in wanted.into_iter().zip(outcomes) {
        let outcomes = outcomes.map_err(anyhow::Error::msg)?;
        if outcomes.is_empty() {
            failed += 1;
            let _ = writeln!(
                out,
                "FAIL {}: it has no examples; give at least one that passes and one that fails",
                check.id
            );
        }
        for outcome in outcomes {
            match outcome.problem {
                None => {
                    passed += 1;
                    let _ = writeln!(out, "ok   {}: {}", check.id, outcome.name);
                }
                Some(problem) => {
                    failed += 1;
                    let _ = writeln!(out, "FAIL {}: {}: {problem}", check.id, outcome.name);
                }
            }
        }
    }
    let _ = writeln!(out, "{passed} passed, {failed} failed");
    to.emit(out.as_bytes())?;
    Ok(if failed == 0 { Ending::Clean } else { Ending::Findings })
}
