//! `policy`: audit policies without a cluster.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use super::Ending;
use super::output::OutputArgs;
use crate::analyze::policy::load::{self, Loaded};
use crate::analyze::policy::matches::{
    Attributes, Decision, Evaluator, GroupWildcard, RequestKind, written_stages,
};
use crate::analyze::policy::{Stage, request};
use crate::analyze::version::Version;
use crate::source::live::Connection;

/// Arguments of `policy`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Say what a policy records of requests: level, stages and deciding rule, exactly as kube-apiserver decides
    Eval(EvalArgs),
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Who asks is given with --as and --as-group; the groups that come with a user's kind are added:
system:authenticated, those of a service account or a node, system:unauthenticated for system:anonymous.

Examples:
  kubectl logaudit policy eval -f policy.yaml --as alice --verb get --resource secrets -n dev
  kubectl logaudit policy eval -f policy.yaml --method POST --url /api/v1/namespaces/dev/pods/web/exec?command=sh
  kubectl logaudit policy eval -f policy.yaml --requests requests.jsonl -o jsonl"
)]
struct EvalArgs {
    /// The audit policy; - is standard input
    #[arg(short = 'f', long, value_name = "FILE")]
    filename: PathBuf,
    /// Requests, one JSON object a line: user, groups, verb, apiGroup, resource, subresource, name, namespace,
    /// isResourceRequest, path; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["verb", "method"])]
    requests: Option<PathBuf>,
    /// The verb of a request about a resource
    #[arg(long, requires = "resource", help_heading = "Single request")]
    verb: Option<String>,
    /// The resource, with its subresource and group: secrets, pods/exec, deployments.apps, deployments.apps/scale
    #[arg(long, requires = "verb", help_heading = "Single request")]
    resource: Option<String>,
    /// The object's name
    #[arg(long, requires = "verb", help_heading = "Single request")]
    name: Option<String>,
    /// The HTTP method of a request given by its URL
    #[arg(long, requires = "url", conflicts_with = "verb", help_heading = "Single request")]
    method: Option<String>,
    /// The URL, from the path on
    #[arg(long, requires = "method", help_heading = "Single request")]
    url: Option<String>,
    /// A request whose credentials are refused: it has no user
    #[arg(long, conflicts_with = "requests", help_heading = "Single request")]
    unauthenticated: bool,
    /// The Kubernetes version of the server
    #[arg(long, value_name = "VERSION", value_parser = parse_version, default_value = "1.36")]
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

fn parse_version(text: &str) -> Result<Version, String> {
    Version::parse(text).ok_or_else(|| format!("`{text}` is no Kubernetes version; write 1.36"))
}

/// The largest file of requests or policy that is read.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// The longest line of a file of requests.
const MAX_LINE: u64 = 1024 * 1024;

pub(crate) fn run(args: &Args, connection: &Connection) -> anyhow::Result<Ending> {
    match &args.command {
        Command::Eval(args) => eval(args, connection),
    }
}

/// What a policy makes of a request.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    #[serde(flatten)]
    decision: Decision,
    /// The stages at which an event is written.
    stages: Vec<Stage>,
}

fn eval(args: &EvalArgs, connection: &Connection) -> anyhow::Result<Ending> {
    let both = args.filename == Path::new("-") && args.requests.as_deref() == Some(Path::new("-"));
    if both {
        bail!("policy and requests cannot both come from standard input; give one of them as a file");
    }
    let evaluator = evaluator(&args.filename, args.kubernetes)?;
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
                out.push_str(&row(decision.level.as_str(), &rule, &stages, &words(attributes)));
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

/// A request in words.
fn words(attributes: &Attributes) -> String {
    let who = attributes.user.as_deref().unwrap_or("(refused credentials)");
    if !attributes.is_resource_request {
        return format!("{who} {} {}", attributes.verb, attributes.path);
    }
    let mut what = attributes.resource.clone();
    if !attributes.subresource.is_empty() {
        what = format!("{what}/{}", attributes.subresource);
    }
    if !attributes.api_group.is_empty() {
        what = format!("{what} of {}", attributes.api_group);
    }
    for (label, value) in [("named", &attributes.name), ("in", &attributes.namespace)] {
        if !value.is_empty() {
            what = format!("{what} {label} {value}");
        }
    }
    format!("{who} {} {what}", attributes.verb)
}

/// The policy in a file, compiled; a policy that the server would refuse cannot be evaluated.
fn evaluator(path: &Path, server: Version) -> anyhow::Result<Evaluator> {
    let name = if path == Path::new("-") { "stdin".to_owned() } else { path.display().to_string() };
    let mut bytes = Vec::new();
    open(path)?
        .take(load::MAX_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("cannot read {name}"))?;
    let Loaded { policy, errors, warnings, .. } = load::load(&bytes, &name, server);
    let text = load::readable(&bytes);
    for warning in &warnings {
        super::output::warn(&warning.render(&text, &name));
    }
    let Some(policy) = policy else {
        let errors: Vec<String> = errors.iter().map(|error| error.render(&text, &name)).collect();
        bail!("{}\n{name}: kube-apiserver {server} does not start with this policy", errors.join("\n"));
    };
    let wildcard = if server >= Version::new(1, 36) { GroupWildcard::Any } else { GroupWildcard::Literal };
    Ok(Evaluator::with_group_wildcard(&policy, wildcard))
}

fn open(path: &Path) -> anyhow::Result<Box<dyn Read>> {
    if path == Path::new("-") {
        return Ok(Box::new(std::io::stdin()));
    }
    let name = path.display();
    if std::fs::metadata(path).with_context(|| format!("cannot read {name}"))?.is_dir() {
        bail!("{name} is a folder; give a file");
    }
    Ok(Box::new(std::fs::File::open(path).with_context(|| format!("cannot read {name}"))?))
}

/// A line of a file of requests: attributes, or a vector that holds them.
#[derive(Deserialize)]
#[serde(untagged)]
enum RequestLine {
    Vector { attributes: Attributes },
    Plain(Attributes),
}

fn for_each_request(
    args: &EvalArgs,
    connection: &Connection,
    mut each: impl FnMut(&Attributes) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let Some(path) = &args.requests else { return each(&single(args, connection)?) };
    let name = path.display();
    let mut reader = BufReader::new(open(path)?.take(MAX_BYTES));
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
        let request = match serde_json::from_slice(&line) {
            Ok(RequestLine::Vector { attributes } | RequestLine::Plain(attributes)) => attributes,
            // The plain form says more about what is wrong than "no variant matches".
            Err(_) => serde_json::from_slice::<Attributes>(&line)
                .with_context(|| format!("{name}:{number}: this is no request; give an object with user, verb, isResourceRequest and so on"))?,
        };
        each(&request)?;
    }
    Ok(())
}

fn single(args: &EvalArgs, connection: &Connection) -> anyhow::Result<Attributes> {
    let user = (!args.unauthenticated)
        .then(|| connection.as_user.clone().unwrap_or_else(|| "alice@example.com".to_owned()));
    let groups = user.as_deref().map(|user| groups(user, &connection.as_group)).unwrap_or_default();
    if let (Some(method), Some(url)) = (&args.method, &args.url) {
        return Ok(request::attributes(method, url, user, groups)?);
    }
    let (Some(verb), Some(resource)) = (&args.verb, &args.resource) else {
        bail!("give --requests FILE, or a single request by --verb and --resource or by --method and --url");
    };
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let (resource, api_group) = resource.split_once('.').unwrap_or((resource, ""));
    Ok(Attributes {
        user,
        groups,
        verb: verb.clone(),
        api_group: api_group.to_owned(),
        resource: resource.to_owned(),
        subresource: subresource.to_owned(),
        name: args.name.clone().unwrap_or_default(),
        namespace: connection.namespace.clone().unwrap_or_default(),
        is_resource_request: true,
        ..Attributes::default()
    })
}

/// The groups given, and those that come with the user's kind (`k8s.io/apiserver` `pkg/authentication/user`).
fn groups(user: &str, given: &[String]) -> Vec<String> {
    let mut implied = vec![
        if user == "system:anonymous" { "system:unauthenticated" } else { "system:authenticated" }.to_owned(),
    ];
    if let Some((namespace, _)) =
        user.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':'))
    {
        implied.push("system:serviceaccounts".into());
        implied.push(format!("system:serviceaccounts:{namespace}"));
    } else if user.starts_with("system:node:") {
        implied.push("system:nodes".into());
    }
    let mut groups = given.to_vec();
    groups.extend(implied.into_iter().filter(|group| !given.contains(group)));
    groups
}
