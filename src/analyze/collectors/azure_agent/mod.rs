//! The agent of Azure Monitor for containers: the key `log-data-collection-settings` of the ConfigMap
//! `kube-system/container-azm-ms-agentconfig`, in TOML (microsoft/Docker-Provider: `tomlparser.rb`, `kubernetes/`).
//!
//! Without the ConfigMap the agent has defaults. A section that does not say `enabled` is passed over as a whole, so that
//! its defaults stay; one that does replaces the namespaces left out by those it names, or by none.

mod settings;

use self::settings::{Settings, Stream};
use super::config::{Config, File, Lookup};
use super::dialect::Unreadable;
use super::model::{
    Effect, Input, Marker, NamespaceMatch, NamespaceRule, OptOut, Output, Pattern, Pipeline, Receiver, Route,
    Source, Step,
};
use super::paths::is_or_below;
use super::service::Service;
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// Reads the settings, or what holds without them. `place_without` is where the agent stands that has none.
///
/// # Errors
/// The text is no TOML.
pub fn read(file: Option<&File>, place_without: &str) -> Result<Pipeline, Unreadable> {
    let settings = Settings::read(file, place_without)?;
    let hidden = "the agent's own configuration is part of its image, which is not read";
    let inputs = vec![
        Input {
            id: "containers".into(),
            at: settings.at.clone(),
            source: Source::Files {
                include: vec![
                    settings.default("/var/log/containers/*.log".to_owned(), "what the agent reads"),
                ],
                exclude: Vec::new(),
            },
            position: Some(settings.default(
                Some("/var/log/omsagent-fblogs.db".to_owned()),
                "the agent's own configuration, for Linux nodes",
            )),
            opt_outs: vec![OptOut {
                marker: Marker::Annotation,
                key: "fluentbit.io/exclude*".into(),
                value: "true".into(),
                on_namespaces: false,
                honoured: settings.enabled("filter_using_annotations", false),
            }],
            steps: Vec::new(),
            routes: routes(&settings),
        },
        Input {
            id: "events".into(),
            at: settings.at.clone(),
            source: Source::Events {
                namespaces: NamespaceRule::default(),
                // Only if it is certain that all are collected.
                only_warnings: settings.enabled("collect_all_kube_events", false).value() != Some(&true),
            },
            position: Some(Fact::unknown(hidden)),
            opt_outs: Vec::new(),
            steps: Vec::new(),
            routes: settings
                .default(vec![Route { steps: Vec::new(), output: 0 }], "events go to the workspace"),
        },
    ];
    let output = Output {
        id: "workspace".into(),
        at: settings.at.clone(),
        receiver: Receiver::Service(Service::AzureMonitor),
        hosts: Fact::unknown("the workspace is named outside of these settings"),
        tls: settings.default(true, "the service is reached over TLS"),
        verified: Some(settings.default(true, "the client verifies certificates")),
        authenticated: settings.default(true, "the agent has an identity or a key of the workspace"),
        buffer: Fact::unknown(hidden),
        retry: Fact::unknown(hidden),
        when_full: Fact::unknown(hidden),
    };
    Ok(Pipeline { inputs, outputs: vec![output], ..Pipeline::default() })
}

/// Reads the settings as a configuration of their own.
///
/// # Errors
/// They are not seen, or no TOML.
pub fn read_config(config: &Config) -> Result<Pipeline, Unreadable> {
    let folder = config.main.trim_end_matches('/');
    let seen = || config.files.iter().filter(|file| is_or_below(&file.path, folder));
    if let Some(file) = seen().find(|file| file.path.ends_with("/log-data-collection-settings")) {
        return read(Some(file), &file.at);
    }
    if let Some((_, at)) = config.absent.iter().find(|(path, _)| path.trim_end_matches('/') == folder) {
        return read(None, at);
    }
    match (seen().next(), config.file(&config.main)) {
        (_, Lookup::Seen(file)) => read(Some(file), &file.at),
        // A ConfigMap without this key.
        (Some(other), Lookup::Hidden(_)) => read(None, &other.at),
        (None, Lookup::Hidden(why)) => Err(Unreadable::new(&*config.main, why)),
    }
}

/// One way to the workspace, with what is left out of it; none if neither stream is collected.
fn routes(settings: &Settings) -> Fact<Vec<Route>> {
    let (out, err) = (&settings.stdout, &settings.stderr);
    let (collects_out, collects_err) = (out.enabled.value().copied(), err.enabled.value().copied());
    if let (Some(false), Some(false)) = (collects_out, collects_err) {
        return out.enabled.clone().zip(err.enabled.clone()).map(|_| Vec::new());
    }
    let mut steps = Vec::new();
    for (stream, on) in [(out, collects_out), (err, collects_err)] {
        let (what, effect) = match on {
            Some(true) => continue,
            Some(false) => (format!("{} is not collected", stream.name), Effect::DropsSome),
            None => (format!("whether {} is collected cannot be told", stream.name), Effect::Unclear),
        };
        steps.push(Step { at: stream.at.clone(), what, effect });
    }
    let both = match (collects_out, collects_err) {
        (Some(false), _) => err.except.clone(),
        (_, Some(false)) => out.except.clone(),
        _ => {
            let (both, one): (Vec<_>, Vec<_>) =
                out.except.iter().cloned().partition(|name| err.excludes(name));
            steps.extend(one.iter().map(|name| only_one(out, name)));
            let rest = err.except.iter().filter(|name| !out.excludes(name));
            steps.extend(rest.map(|name| only_one(err, name)));
            both
        }
    };
    if !both.is_empty() {
        let at = both.first().map(|name| name.at.clone()).unwrap_or_default();
        let rule = NamespaceRule { only: None, except: both };
        steps.push(Step { at, what: "exclude_namespaces".into(), effect: Effect::Namespaces(rule) });
    }
    for stream in [out, err].into_iter().filter(|stream| stream.enabled.value() == Some(&true)) {
        steps.extend(stream.pods.iter().map(|(pod, at)| Step {
            at: at.clone(),
            what: format!("of the namespace of {pod} only such pods ({})", stream.name),
            effect: Effect::DropsSome,
        }));
    }
    Fact::at(
        vec![Route { steps, output: 0 }],
        Rank::Configured,
        settings.at.clone(),
        "logs of containers go to the workspace",
    )
}

fn only_one(stream: &Stream, name: &NamespaceMatch) -> Step {
    let namespace = match &name.pattern {
        Pattern::Name(namespace) => namespace.as_str(),
        _ => "a namespace",
    };
    Step {
        at: name.at.clone(),
        what: format!("{} of {namespace} is left out", stream.name),
        effect: Effect::DropsSome,
    }
}

#[cfg(test)]
mod tests;
