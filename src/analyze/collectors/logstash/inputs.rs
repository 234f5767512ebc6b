//! What inputs read.

use super::condition::Known;
use super::load::Place;
use super::value::Settings;
use crate::analyze::collectors::model::{Effect, Glob, Listener, Source, Step};
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// Inputs that others send to, or that take from a queue.
const NETWORK: [&str; 21] = [
    "azure_event_hubs",
    "beats",
    "elastic_agent",
    "elastic_serverless_forwarder",
    "gelf",
    "google_pubsub",
    "graphite",
    "http",
    "kafka",
    "kinesis",
    "logstash",
    "lumberjack",
    "rabbitmq",
    "redis",
    "relp",
    "snmptrap",
    "sqs",
    "syslog",
    "tcp",
    "udp",
    "websocket",
];

/// Inputs whose records are what stands in a line, unless a codec reads more from it.
const PLAIN: [&str; 7] = ["exec", "file", "stdin", "syslog", "tcp", "udp", "unix"];

/// What an input reads; none if nothing comes from outside.
pub(super) fn source(settings: Settings<'_>) -> Option<Source> {
    Some(match settings.plugin.name {
        "pipeline" => return None,
        "file" => Source::Files {
            include: globs(settings, "path", ""),
            exclude: globs(settings, "exclude", "/**/"),
        },
        "journald" => Source::Journal {
            folder: match settings.text("path") {
                Ok(found) => found
                    .map(|(path, at)| Fact::at(path.clone(), Rank::Configured, at, format!("path {path}"))),
                Err(why) => Some(Fact::unknown(why)),
            },
            only: settings
                .is_set("filter")
                .then(|| Fact::at("its filter".to_owned(), Rank::Configured, settings.at(), "filter is set"))
                .into_iter()
                .collect(),
        },
        name if NETWORK.contains(&name) => {
            Source::Network { protocol: name.to_owned(), listeners: listeners(settings, name) }
        }
        name => Source::Other(name.to_owned()),
    })
}

/// Where an input listens (Logstash docs: input plugins). Others ask elsewhere by themselves.
fn listeners(settings: Settings<'_>, name: &str) -> Vec<Listener> {
    let (default, encrypts) = match name {
        "beats" | "elastic_agent" | "tcp" | "relp" => (None, false),
        "lumberjack" => (None, true),
        "http" | "elastic_serverless_forwarder" => (Some("8080"), name != "http"),
        "logstash" => (Some("9800"), true),
        "syslog" => (Some("514"), false),
        "gelf" => (Some("12201"), false),
        "udp" => (None, false),
        "graphite" => (Some("2003"), false),
        "snmptrap" => (Some("1062"), false),
        _ => return Vec::new(),
    };
    let port = match (settings.text("port"), default) {
        (Err(why), _) => Fact::unknown(why),
        (Ok(Some((port, at))), _) => Fact::at(port.clone(), Rank::Configured, at, format!("port {port}")),
        (Ok(None), Some(port)) => {
            let detail = format!("port is not set; the default is {port}");
            Fact::at(port.to_owned(), Rank::Configured, settings.at(), detail)
        }
        (Ok(None), None) => Fact::unknown(format!("no port is set at {}", settings.at())),
    };
    let tls = settings.flag(&["ssl_enabled", "ssl", "ssl_enable"], encrypts, "TLS");
    let host = settings.text("host").ok().flatten();
    vec![Listener::new(port, tls).bound_to(host.as_ref().map(|(host, _)| host.as_str()))]
}

/// Globs of paths. What is left out is told by the name of the file alone (Logstash docs: inputs/file, `exclude`).
fn globs(settings: Settings<'_>, key: &str, prefix: &str) -> Vec<Glob> {
    match settings.list(key) {
        Err(why) => vec![Fact::unknown(why)],
        Ok(None) => Vec::new(),
        Ok(Some((paths, at))) => paths
            .into_iter()
            .map(|path| {
                let detail = format!("{key} {path}");
                Fact::at(format!("{prefix}{path}"), Rank::Configured, at.clone(), detail)
            })
            .collect(),
    }
}

/// Where it remembers how far it has read. `sincedb_path` is below `path.data` by default; `/dev/null` forgets.
pub(super) fn position(settings: Settings<'_>, place: &Place) -> Option<Fact<Option<String>>> {
    if !matches!(settings.plugin.name, "file" | "journald") {
        return None;
    }
    Some(match settings.text("sincedb_path") {
        Err(why) => Fact::unknown(why),
        Ok(Some((path, at))) if path == "/dev/null" || path == "NUL" => {
            Fact::at(None, Rank::Configured, at, format!("sincedb_path {path}: positions are thrown away"))
        }
        Ok(Some((path, at))) => {
            Fact::at(Some(path.clone()), Rank::Configured, at, format!("sincedb_path {path}"))
        }
        Ok(None) => place.data.clone().and_then(|data| {
            let folder = format!("{data}/plugins/inputs/{}", settings.plugin.name);
            let detail = format!("sincedb_path is not set; the default is in {folder}");
            Fact::at(Some(folder), Rank::Configured, settings.at(), detail)
        }),
    })
}

/// What is lost in the input itself.
pub(super) fn steps(settings: Settings<'_>) -> Vec<Step> {
    if settings.plugin.name != "file" {
        return Vec::new();
    }
    match settings.text("ignore_older") {
        Ok(None) => Vec::new(),
        Ok(Some((age, at))) => {
            let what = format!("files are ignored that did not change for {age}");
            vec![Step { at, what, effect: Effect::Skips }]
        }
        Err(why) => vec![Step { at: settings.at(), what: why, effect: Effect::Unclear }],
    }
}

/// What all its records have in common. `changed` says whether a filter may set `type`.
pub(super) fn known(settings: Settings<'_>, changed: &dyn Fn(&str) -> bool) -> Known {
    let plain = PLAIN.contains(&settings.plugin.name)
        && settings.codec().is_none_or(|codec| matches!(codec, "plain" | "line" | "multiline"));
    let kind = settings.text("type").ok().flatten().map(|(kind, _)| kind);
    let tags = settings.list("tags").ok().flatten().map(|(tags, _)| tags).unwrap_or_default();
    Known {
        kind: kind.filter(|_| plain && !changed("type")),
        tags: if changed("remove_tag") || changed("tags") { Vec::new() } else { tags },
    }
}
