//! `policy eval`: what a policy records of single requests, or of a file of them.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::input::{self, PolicyArgs, Source};
use super::request::{
    DEFAULT_USER, ResourceName, implied_groups, parse_method, parse_resource, parse_url, parse_verb,
};
use crate::analyze::policy::matches::{Attributes, Decision, RequestKind, written_stages};
use crate::analyze::policy::{Stage, request};
use crate::analyze::version::Version;
use crate::cli::Ending;
use crate::cli::output::OutputArgs;
use crate::report::style::visible;
use crate::source::live::Connection;

/// Arguments of `policy eval`.
#[derive(Debug, clap::Args)]
#[command(
    mut_group("policy", |group| group.required(true)),
    after_help = "Who asks is given with --as and --as-group, in which namespace with -n; the groups that come with a \
user's kind are added: system:authenticated, those of a service account or a node, system:unauthenticated for system:anonymous.

Examples:
  kubectl logaudit policy eval -f policy.yaml --as alice --verb get --resource secrets -n dev
  kubectl logaudit policy eval -f policy.yaml --method POST --url /api/v1/namespaces/dev/pods/web/exec?command=sh
  kubectl logaudit policy eval -f policy.yaml --requests requests.jsonl -o jsonl"
)]
pub(crate) struct Args {
    #[command(flatten)]
    policy: PolicyArgs,
    /// Requests, one JSON object a line: user, groups, verb, apiGroup, resource, subresource, name, namespace,
    /// isResourceRequest, path; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["verb", "method"])]
    requests: Option<PathBuf>,
    /// The verb of a request about a resource
    #[arg(long, requires = "resource", value_parser = parse_verb, help_heading = "Single request")]
    verb: Option<String>,
    /// The resource, with its subresource and group: secrets, pods/exec, deployments.apps, deployments.apps/scale
    #[arg(long, requires = "verb", value_parser = parse_resource, help_heading = "Single request")]
    resource: Option<ResourceName>,
    /// The object's name
    #[arg(long, requires = "verb", help_heading = "Single request")]
    name: Option<String>,
    /// The HTTP method of a request given by its URL
    #[arg(long, requires = "url", conflicts_with = "verb", value_parser = parse_method, help_heading = "Single request")]
    method: Option<String>,
    /// The URL, from the path on
    #[arg(long, requires = "method", value_parser = parse_url, help_heading = "Single request")]
    url: Option<String>,
    /// A request whose credentials are refused: it has no user
    #[arg(long, conflicts_with = "requests", help_heading = "Single request")]
    unauthenticated: bool,
    /// The Kubernetes version of the server
    #[arg(long, value_name = "VERSION", value_parser = input::parse_version, default_value_t = input::DEFAULT_VERSION)]
    kubernetes: Version,
    /// The form
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    to: OutputArgs,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    #[default]
    Table,
    /// A line a request, in the order of the requests
    Jsonl,
}

/// The largest file of requests that is read.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// The longest line of a file of requests.
const MAX_LINE: u64 = 1024 * 1024;

/// What a policy makes of a request.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    #[serde(flatten)]
    decision: Decision,
    /// The stages at which an event is written.
    stages: Vec<Stage>,
}

pub(crate) fn run(args: &Args, connection: &Connection) -> anyhow::Result<Ending> {
    let from_stdin = args.policy.source().as_ref().is_some_and(Source::is_stdin);
    if from_stdin && args.requests.as_deref().is_some_and(input::is_stdin) {
        bail!("policy and requests cannot both come from standard input; give one of them as a file");
    }
    refuse_what_would_be_ignored(args, connection)?;
    let evaluator = args.policy.read(args.kubernetes)?.evaluator();
    let mut out = String::new();
    if args.output == Format::Table && !args.to.no_headers {
        out.push_str(&row("LEVEL", "RULE", "STAGES", "REQUEST"));
    }
    for_each_request(args, connection, |attributes| {
        let decision = evaluator.evaluate(attributes);
        let mut stages: Vec<Stage> = written_stages(&decision, RequestKind::of(attributes)).iter().collect();
        stages.sort();
        match args.output {
            Format::Jsonl => {
                out.push_str(&serde_json::to_string(&Line { decision, stages })?);
                out.push('\n');
            }
            Format::Table => {
                let rule = decision.rule.map_or_else(|| "none".to_owned(), |rule| format!("rules[{rule}]"));
                let stages: Vec<&str> = stages.iter().map(|stage| stage.as_str()).collect();
                let stages = if stages.is_empty() { "-".to_owned() } else { stages.join(",") };
                out.push_str(&row(
                    decision.level.as_str(),
                    &rule,
                    &stages,
                    &visible(&attributes.to_string()),
                ));
            }
        }
        Ok(())
    })?;
    args.to.emit(out.as_bytes())?;
    Ok(Ending::Clean)
}

fn row(level: &str, rule: &str, stages: &str, request: &str) -> String {
    format!("{level:<15} {rule:<10} {stages:<50} {request}\n")
}

/// Flags on who asks and where are taken from all of kubectl's; with some of ours they mean nothing.
fn refuse_what_would_be_ignored(args: &Args, connection: &Connection) -> anyhow::Result<()> {
    let names_sender = connection.as_user.is_some() || !connection.as_group.is_empty();
    let names_namespace = connection.namespace.is_some();
    if args.requests.is_some() && (names_sender || names_namespace) {
        bail!(
            "every request of --requests says itself who asks and where; --as, --as-group and --namespace go with a single request"
        );
    }
    if args.unauthenticated && names_sender {
        bail!(
            "a request whose credentials are refused has no user and no groups; leave out --unauthenticated, or --as and --as-group"
        );
    }
    if args.url.is_some() && names_namespace {
        bail!("the namespace of a request given by --url stands in the URL; leave out --namespace");
    }
    Ok(())
}

/// A line of a file of requests: attributes, or a vector that holds them.
#[derive(Deserialize)]
#[serde(untagged)]
enum RequestLine {
    Vector { attributes: Attributes },
    Plain(Attributes),
}

/// Reads a line; else what is wrong with it, after the column where that is known.
fn read_request(line: &[u8]) -> Result<Attributes, String> {
    let line = line.trim_ascii_end();
    // Lists would be taken for objects with their fields in order.
    let is_object = line.trim_ascii_start().starts_with(b"{");
    if let (true, Ok(RequestLine::Vector { attributes } | RequestLine::Plain(attributes))) =
        (is_object, serde_json::from_slice(line))
    {
        return Ok(attributes);
    }
    let no_request = "this is no request; give an object with user, verb, isResourceRequest and so on";
    let reason = |error: &serde_json::Error| {
        let text = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        text.strip_suffix(&place).unwrap_or(&text).to_owned()
    };
    let value: Value = serde_json::from_slice(line)
        .map_err(|error| format!("{}: this is no JSON: {}", error.column(), reason(&error)))?;
    let attributes = value.get("attributes").unwrap_or(&value);
    if !attributes.is_object() {
        return Err(format!(" {no_request}"));
    }
    match Attributes::deserialize(attributes) {
        Err(error) => Err(format!(" {no_request}: {}", reason(&error))),
        // Only a key that stands there twice gets lost on the way.
        Ok(_) => Err(format!(" {no_request}: a field is given twice")),
    }
}

fn for_each_request(
    args: &Args,
    connection: &Connection,
    mut each: impl FnMut(&Attributes) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let Some(path) = &args.requests else { return each(&single(args, connection)?) };
    let name = input::display_name(path);
    let mut reader = BufReader::new(input::open(path)?.take(MAX_BYTES));
    let mut line = Vec::new();
    for number in 1_usize.. {
        line.clear();
        let read = (&mut reader)
            .take(MAX_LINE + 1)
            .read_until(b'\n', &mut line)
            .with_context(|| format!("cannot read {name}"))?;
        if read == 0 {
            break;
        }
        if read as u64 > MAX_LINE {
            bail!("{name}:{number}: the line is longer than {} KiB, which no request is", MAX_LINE / 1024);
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let request = read_request(&line).map_err(|fault| anyhow::anyhow!("{name}:{number}:{fault}"))?;
        each(&request)?;
    }
    Ok(())
}

fn single(args: &Args, connection: &Connection) -> anyhow::Result<Attributes> {
    let user = (!args.unauthenticated)
        .then(|| connection.as_user.clone().unwrap_or_else(|| DEFAULT_USER.to_owned()));
    let groups = user.as_deref().map(|user| implied_groups(user, &connection.as_group)).unwrap_or_default();
    if let (Some(method), Some(url)) = (&args.method, &args.url) {
        return Ok(request::attributes(method, url, user, groups)?);
    }
    let (Some(verb), Some(resource)) = (&args.verb, &args.resource) else {
        bail!("give --requests FILE, or a single request by --verb and --resource or by --method and --url");
    };
    Ok(Attributes {
        user,
        groups,
        verb: verb.clone(),
        api_group: resource.api_group.clone(),
        resource: resource.resource.clone(),
        subresource: resource.subresource.clone(),
        name: args.name.clone().unwrap_or_default(),
        namespace: connection.namespace.clone().unwrap_or_default(),
        is_resource_request: true,
        ..Attributes::default()
    })
}
