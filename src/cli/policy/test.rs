//! `policy test`: a policy against tables of requests and of what must be recorded of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::bail;
use serde::Serialize;

use super::input::{self, PolicyArgs, PolicyFile, Source, ValidPolicy};
use super::table::{self, Expected, Rule, Table};
use crate::analyze::policy::Stage;
use crate::analyze::policy::matches::{
    Attributes, Decision, Evaluator, RequestKind, StageSet, written_stages,
};
use crate::analyze::version::Version;
use crate::cli::Ending;
use crate::cli::output::OutputArgs;
use crate::report::style;
use crate::verdict::Status;

/// Arguments of `policy test`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 every request came out as expected, 1 some did not, 2 could not do the job.

A table lists requests and what must be recorded of them; docs/policy-tests.md has the format:

  policy: audit-policy.yaml
  tests:
  - name: reading a Secret is recorded, without its body
    request: {user: alice, verb: [get, list, watch], resource: secrets, namespace: prod}
    level: Metadata

Examples:
  kubectl logaudit policy test -f audit-policy.yaml audit-policy-tests.yaml
  kubectl logaudit policy test tests/*.yaml --kubernetes 1.34 -o json"
)]
pub(crate) struct Args {
    #[command(flatten)]
    policy: PolicyArgs,
    /// Tables of tests; - is standard input
    #[arg(value_name = "TESTS", required = true)]
    tests: Vec<PathBuf>,
    /// The Kubernetes version of the server, whatever the tables name [default: theirs, or 1.36]
    #[arg(long, value_name = "VERSION", value_parser = input::parse_version)]
    kubernetes: Option<Version>,
    /// The form
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    to: OutputArgs,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A line a test, and what is wrong below it
    #[default]
    Table,
    Json,
}

/// How many failed requests of a test are told of; the rest are counted.
const MAX_SHOWN: usize = 5;

/// How many requests all tests together may stand for.
const MAX_REQUESTS: usize = 2_000_000;

/// What came out.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    schema_version: u32,
    passed: usize,
    failed: usize,
    tests: Vec<Outcome>,
}

/// What came out of a test.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    file: String,
    line: u32,
    column: u32,
    name: String,
    policy: String,
    kubernetes: String,
    status: &'static str,
    requests: usize,
    failed_requests: usize,
    failures: Vec<Failure>,
}

/// A request that came out otherwise.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    request: Attributes,
    title: String,
    problems: Vec<String>,
    #[serde(flatten)]
    decision: Decision,
    stages: StageSet,
    rule_at: Option<String>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Ending> {
    let source = args.policy.source();
    let from_stdin = usize::from(source.as_ref().is_some_and(Source::is_stdin));
    if from_stdin + args.tests.iter().filter(|path| input::is_stdin(path)).count() > 1 {
        bail!("only one of the files can come from standard input; give the others by name");
    }
    args.to.prepare();
    // Tables first: what is wrong in them needs no policy to be seen.
    let mut tables = Vec::new();
    for path in &args.tests {
        let (name, bytes) = input::read_bytes(path, table::MAX_BYTES + 1)?;
        tables.push((path, Table::parse(&name, &bytes)?));
    }
    let mut policies = Policies::default();
    let mut report = Report { schema_version: 1, ..Report::default() };
    let mut requests = 0;
    for (path, table) in &tables {
        let server = args.kubernetes.or(table.kubernetes).unwrap_or(input::DEFAULT_VERSION);
        let source = match (&source, &table.policy) {
            (Some(source), _) => source.clone(),
            (None, Some(named)) => Source::File(path.parent().unwrap_or(Path::new("")).join(named)),
            (None, None) => {
                bail!(
                    "{} names no policy; give one with -f FILE or --known ID, or write `policy: FILE` into it",
                    table.name
                )
            }
        };
        let (policy, evaluator) = policies.get(&source, server)?;
        for outcome in outcomes(table, policy, evaluator) {
            let outcome = outcome?;
            requests += outcome.requests;
            if requests > MAX_REQUESTS {
                bail!("the tests stand for more than {MAX_REQUESTS} requests; run the tables one by one");
            }
            if outcome.failed_requests == 0 {
                report.passed += 1;
            } else {
                report.failed += 1;
            }
            report.tests.push(outcome);
        }
    }
    let text = match args.output {
        Format::Table => render(&report),
        Format::Json => serde_json::to_string_pretty(&report)? + "\n",
    };
    args.to.emit(text.as_bytes())?;
    Ok(if report.failed == 0 { Ending::Clean } else { Ending::Findings })
}

/// Policies, each read and loaded once.
#[derive(Default)]
struct Policies {
    files: BTreeMap<PathBuf, PolicyFile>,
    loaded: BTreeMap<(PathBuf, Version), (ValidPolicy, Evaluator)>,
}

impl Policies {
    fn get(&mut self, source: &Source, server: Version) -> anyhow::Result<&(ValidPolicy, Evaluator)> {
        use std::collections::btree_map::Entry;

        // A published policy is given by flag and is then the only one: its id is no other policy's path.
        let path = match source {
            Source::File(path) => path.clone(),
            Source::Known(known) => PathBuf::from(&known.id),
        };
        let key = (path.clone(), server);
        Ok(match self.loaded.entry(key) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => {
                let file = match self.files.entry(path) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(free) => {
                        let file = PolicyFile::from(source)?;
                        free.insert(file)
                    }
                };
                let policy = file.load(server).valid()?;
                let evaluator = policy.evaluator();
                free.insert((policy, evaluator))
            }
        })
    }
}

fn outcomes<'a>(
    table: &'a Table,
    policy: &'a ValidPolicy,
    evaluator: &'a Evaluator,
) -> impl Iterator<Item = anyhow::Result<Outcome>> + 'a {
    table.tests.iter().map(move |test| {
        let requests = table.requests(test)?;
        let mut outcome = Outcome {
            file: table.name.clone(),
            line: test.at.line,
            column: test.at.column,
            name: test.name.clone().or_else(|| requests.first().map(ToString::to_string)).unwrap_or_default(),
            policy: policy.name.clone(),
            kubernetes: policy.server.to_string(),
            status: "pass",
            requests: requests.len(),
            failed_requests: 0,
            failures: Vec::new(),
        };
        for request in requests {
            let decision = evaluator.evaluate(&request);
            let stages = written_stages(&decision, RequestKind::of(&request));
            let problems = problems(&test.expected, &decision, stages);
            if problems.is_empty() {
                continue;
            }
            outcome.status = "fail";
            outcome.failed_requests += 1;
            if outcome.failures.len() < MAX_SHOWN {
                let title = request.to_string();
                let rule_at = decision.rule.map(|rule| policy.rule_at(rule));
                outcome.failures.push(Failure { request, title, problems, decision, stages, rule_at });
            }
        }
        Ok(outcome)
    })
}

/// What is otherwise than expected.
fn problems(expected: &Expected, decision: &Decision, stages: StageSet) -> Vec<String> {
    let mut problems = Vec::new();
    let level = decision.level;
    if !expected.levels.is_empty() && !expected.levels.contains(&level) {
        let levels: Vec<&str> = expected.levels.iter().map(|level| level.as_str()).collect();
        problems.push(format!("expected level {}, got {level}", levels.join(" or ")));
    }
    if let Some(least) = expected.at_least.filter(|least| level < *least) {
        problems.push(format!("expected at least level {least}, got {level}"));
    }
    if let Some(most) = expected.at_most.filter(|most| level > *most) {
        problems.push(format!("expected at most level {most}, got {level}"));
    }
    if let Some(wanted) = expected.stages.filter(|wanted| *wanted != stages) {
        problems.push(format!("expected stages {}, got {}", stage_names(wanted), stage_names(stages)));
    }
    match expected.rule {
        Some(Rule::Nth(wanted)) if decision.rule != Some(wanted) => {
            problems.push(format!("expected rules[{wanted}] to decide"));
        }
        Some(Rule::None) if decision.rule.is_some() => problems.push("expected no rule to match".to_owned()),
        _ => {}
    }
    if let Some(wanted) =
        expected.omit_managed_fields.filter(|wanted| *wanted != decision.omit_managed_fields)
    {
        problems.push(format!("expected omitManagedFields {wanted}, got {}", decision.omit_managed_fields));
    }
    problems
}

fn stage_names(stages: StageSet) -> String {
    let names: Vec<&str> = stages.iter().map(Stage::as_str).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn render(report: &Report) -> String {
    let mut out = String::new();
    for test in &report.tests {
        let place = style::visible(&test.file);
        let word = if test.failed_requests == 0 {
            style::status(Status::Pass, "ok  ")
        } else {
            style::status(Status::Fail, "FAIL")
        };
        let _ = write!(out, "{word} {place}:{}: {}", test.line, style::visible(&test.name));
        if test.requests > 1 {
            let _ = match test.failed_requests {
                0 => write!(out, " ({} requests)", test.requests),
                failed => write!(out, " ({failed} of {} requests)", test.requests),
            };
        }
        out.push('\n');
        for failure in &test.failures {
            let _ = writeln!(out, "       {}", style::visible(&failure.title));
            for problem in &failure.problems {
                let _ = writeln!(out, "         {problem}");
            }
            let _ = match (failure.decision.rule, &failure.rule_at) {
                (Some(rule), Some(at)) => {
                    writeln!(out, "         decided by rules[{rule}] at {}", style::visible(at))
                }
                _ => writeln!(out, "         no rule matches, so nothing is recorded"),
            };
        }
        let more = test.failed_requests - test.failures.len();
        if more > 0 {
            let _ = writeln!(out, "       and {more} more requests of this test");
        }
    }
    let _ = writeln!(out, "{} passed, {} failed", report.passed, report.failed);
    out
}
