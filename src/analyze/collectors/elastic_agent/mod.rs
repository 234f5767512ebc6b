//! The Elastic Agent without Fleet: inputs with streams, and named outputs. With Fleet the policy is not in the cluster.

mod operator;
#[cfg(test)]
mod tests;

pub use operator::read_resource;

use super::config::{Config, Env, Lookup};
use super::dialect::Unreadable;
use super::filebeat::inputs::{files, listeners};
use super::filebeat::{outputs, processors};
use super::model::{Effect, Input, NamespaceRule, Pipeline, Route, Source, Step, Unread};
use super::settings::{Piece, Setting, Settings};
use crate::analyze::fact::Fact;

/// Where the image keeps state unless told by `STATE_PATH`.
const STATE: &str = "/usr/share/elastic-agent/state";

const FLEET: &str = "the agent takes its policy from Fleet, which is not in the cluster";

/// Reads `agent.yml`.
///
/// # Errors
/// The agent is managed by Fleet, or the file is not seen or not YAML with settings.
pub fn read(config: &Config) -> Result<Pipeline, Unreadable> {
    if let Some(name) =
        ["FLEET_ENROLLMENT_TOKEN", "FLEET_ENROLL"].into_iter().find(|name| enrols(&config.env, name))
    {
        return Err(Unreadable::new(format!("variable {name}"), FLEET));
    }
    let file = match config.file(&config.main) {
        Lookup::Seen(file) => file,
        Lookup::Hidden(why) => return Err(Unreadable::new(&*config.main, why)),
    };
    whole(Settings::of_text(&file.text, &file.at)?, &config.env)
}

/// Reads what `agent.yml` holds.
fn whole(mut settings: Settings, env: &Env) -> Result<Pipeline, Unreadable> {
    settings.split_dotted_keys();
    settings.replace_variables(true, &mut |inside| variable(inside, env));
    let root = settings.root();
    if !root.is_mapping() {
        return Err(Unreadable::new(root.place(), "it is not a mapping of settings"));
    }
    let fleet = root.find("fleet.enabled");
    if fleet.flag(false).value() == Some(&true) {
        return Err(Unreadable::new(fleet.place(), FLEET));
    }
    Ok(read_settings(&root, env))
}

fn enrols(env: &Env, name: &str) -> bool {
    match env.get(name) {
        Fact::Known(known) => !matches!(known.value.as_deref(), None | Some("" | "0" | "false")),
        Fact::Unknown(_) => env.is_set(name),
    }
}

/// `${env.X}`, and alternatives with a default: `${env.X|'y'}`. Other providers fill in while the agent runs.
fn variable(inside: &str, env: &Env) -> Piece {
    for part in inside.split('|').map(str::trim) {
        if let Some(text) = part.strip_prefix(['\'', '"']) {
            return Piece::Text(text.trim_end_matches(['\'', '"']).to_owned());
        }
        // Older agents, and the container's own settings, name variables without a provider.
        let name = part.strip_prefix("env.").or_else(|| (!part.contains('.')).then_some(part));
        let Some(name) = name else { return Piece::Keep };
        match env.get(name) {
            Fact::Unknown(unknown) => return Piece::Unseen(unknown.reason),
            Fact::Known(known) => {
                if let Some(value) = known.value {
                    return Piece::Text(value);
                }
            }
        }
    }
    Piece::Unseen("none of its variables is set".to_owned())
}

fn read_settings(root: &Setting<'_>, env: &Env) -> Pipeline {
    let mut pipeline = Pipeline {
        own_metrics: Some(root.find("agent.monitoring.metrics").flag(false)),
        ..Pipeline::default()
    };
    for part in [root.get("inputs"), root.get("outputs")] {
        if let Some(why) = part.why() {
            let why = format!("{} is not seen: {why}", part.name());
            pipeline.unread.push(Unread { at: part.place(), why });
        }
    }
    let mut switches = Vec::new();
    for (name, output) in root.get("outputs").entries() {
        let kind = output.get("type").plain();
        switches.push((name, output.get("enabled").flag(true)));
        pipeline.outputs.push(outputs::output(&kind, &format!("outputs.{name}"), &output, &output, true));
    }
    for (index, input) in root.get("inputs").items().iter().enumerate() {
        let id = input.get("id").plain();
        let id = if id.is_empty() { format!("inputs[{index}]") } else { id };
        let wanted = input.get("use_output").plain();
        let wanted = if wanted.is_empty() { "default".to_owned() } else { wanted };
        let output = switches.iter().enumerate().find(|(_, (name, _))| **name == wanted);
        let mut found = Vec::new();
        match input.get("enabled").flag(true) {
            Fact::Known(known) if !known.value => {}
            Fact::Unknown(unknown) => pipeline.unread.push(Unread { at: input.place(), why: unknown.reason }),
            Fact::Known(_) => found = inputs(&id, input, env),
        }
        for mut one in found {
            let steps = std::mem::take(&mut one.steps);
            let leads = |routes| input.fact(routes, format!("use_output {wanted}"));
            one.routes = match output {
                // What is for an output that is switched off is not even started.
                Some((output, (_, on))) => on
                    .clone()
                    .and_then(|on| leads(if on { vec![Route { steps, output }] } else { Vec::new() })),
                None => leads(Vec::new()),
            };
            pipeline.inputs.push(one);
        }
    }
    hints(root, &mut pipeline);
    pipeline
}

/// The streams of an input that are for logs.
fn inputs(id: &str, input: &Setting<'_>, env: &Env) -> Vec<Input> {
    let kind = input.get("type").plain();
    let streams = input.get("streams").items();
    let own = [input.clone()];
    let streams = if streams.is_empty() { &own[..] } else { &streams };
    let mut found = Vec::new();
    for (index, stream) in streams.iter().enumerate() {
        if stream.get("enabled").flag(true).value() == Some(&false) {
            continue;
        }
        let Some(source) = source(&kind, stream) else { continue };
        let name = stream.get("id").plain();
        let id = match (name.is_empty(), streams.len()) {
            (false, _) => name,
            (true, 1) => id.to_owned(),
            (true, _) => format!("{id}.streams[{index}]"),
        };
        let kept = matches!(source, Source::Files { .. } | Source::Journal { .. });
        found.push(Input {
            id,
            at: stream.place(),
            position: kept.then(|| state(stream, env)),
            source,
            opt_outs: Vec::new(),
            steps: steps(input, stream),
            routes: Fact::unknown("the ways from it are not followed"),
        });
    }
    found
}

fn source(kind: &str, stream: &Setting<'_>) -> Option<Source> {
    let dataset = stream.find("data_stream.dataset").plain();
    Some(match kind {
        "filestream" | "logfile" | "log" | "container" => files(stream, kind),
        "journald" => {
            let only = ["units", "include_matches", "syslog_identifiers"];
            Source::Journal {
                folder: stream.get("paths").texts().into_iter().next(),
                only: only.iter().flat_map(|key| stream.get(key).texts()).collect(),
            }
        }
        "audit/auditd" => Source::KernelAudit,
        "kubernetes/metrics" if dataset == "kubernetes.event" => {
            Source::Events { namespaces: NamespaceRule::default(), only_warnings: false }
        }
        "tcp" | "udp" | "syslog" | "unix" | "http_endpoint" | "kafka" => {
            Source::Network { protocol: kind.to_owned(), listeners: listeners(stream, kind) }
        }
        _ if kind.ends_with("/metrics") || stream.find("data_stream.type").plain() == "metrics" => {
            return None;
        }
        "" => return None,
        _ => Source::Other(kind.to_owned()),
    })
}

fn state(stream: &Setting<'_>, env: &Env) -> Fact<Option<String>> {
    env.get("STATE_PATH").and_then(|path| match path {
        Some(path) => stream.fact(Some(path.clone()), format!("STATE_PATH {path}")),
        None => stream.fact(Some(STATE.to_owned()), format!("STATE_PATH is not set; the default is {STATE}")),
    })
}

fn steps(input: &Setting<'_>, stream: &Setting<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    let same = input.place() == stream.place();
    for part in [Some(input), (!same).then_some(stream)].into_iter().flatten() {
        let condition = part.get("condition");
        if condition.is_set() {
            let what = "runs only where a condition holds".to_owned();
            steps.push(Step { at: condition.place(), what, effect: Effect::DropsSome });
        }
        for key in ["exclude_lines", "include_lines", "ignore_older"] {
            let setting = part.get(key);
            if setting.is_set() {
                let what = format!("{key} leaves lines or files out");
                let effect = if key == "ignore_older" { Effect::Skips } else { Effect::DropsSome };
                steps.push(Step { at: setting.place(), what, effect });
            }
        }
        steps.extend(processors::steps(&part.get("processors")));
    }
    steps
}

/// With hints, inputs are made for pods from templates that are not in this file.
fn hints(root: &Setting<'_>, pipeline: &mut Pipeline) {
    let hints = root.find("providers.kubernetes.hints.enabled");
    if hints.flag(false).value() == Some(&true) {
        let why =
            "inputs for pods with annotations co.elastic.hints come from templates that are not in this file";
        pipeline.unread.push(Unread { at: hints.place(), why: why.to_owned() });
    }
}
