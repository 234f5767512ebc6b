//! What `<source>` reads, and the tags it gives.

use super::filter::step;
use super::section::Section;
use super::tag::Tag;
use super::value::list;
use crate::analyze::collectors::model::{Effect, Glob, Listener, Source, Step};
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// A source before its routes are known.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) source: Source,
    pub(super) position: Option<Fact<Option<String>>>,
    pub(super) steps: Vec<Step>,
    pub(super) tag: Tag,
}

/// Sources of metrics, of tests and of Fluentd's own state.
const NOT_LOGS: [&str; 13] = [
    "prometheus",
    "prometheus_monitor",
    "prometheus_output_monitor",
    "prometheus_tail_monitor",
    "monitor_agent",
    "monitor_agent_ext",
    "debug_agent",
    "gc_stat",
    "object_space",
    "dummy",
    "sample",
    "kubernetes_metrics",
    "cadvisor",
];

/// Sources through which Fluentd tells how it fares.
pub(super) const OWN_METRICS: [&str; 3] = ["prometheus", "monitor_agent", "prometheus_output_monitor"];

/// What a source reads, once for each tag it gives; none if it is not for logs.
pub(super) fn drafts(source: &Section<'_>, plugin: &str) -> Vec<Draft> {
    let tag = configured_tag(source);
    let network = |protocol: &str, tag: Tag| {
        let source =
            Source::Network { protocol: protocol.to_owned(), listeners: listeners(source, protocol) };
        vec![Draft { source, position: None, steps: Vec::new(), tag }]
    };
    match plugin {
        "tail" => tail(source),
        "systemd" => vec![Draft {
            source: Source::Journal { folder: Some(folder(source)), only: units(source) },
            position: Some(journal_position(source)),
            steps: Vec::new(),
            tag,
        }],
        "forward" | "http" | "unix" => network(plugin, sent_tag(source)),
        // The facility and the priority follow the tag (Fluentd docs: input/syslog).
        "syslog" => {
            network(plugin, source.text("tag").map_or_else(Tag::unknown, |tag| Tag::new(&format!("{tag}.*"))))
        }
        "tcp" | "udp" | "beats" | "gelf" | "splunk_hec" | "elb" | "relp" => network(plugin, tag),
        plugin if NOT_LOGS.contains(&plugin) => Vec::new(),
        "kubernetes_events" | "events" => vec![Draft {
            source: Source::Events {
                namespaces: crate::analyze::collectors::model::NamespaceRule::default(),
                only_warnings: false,
            },
            position: None,
            steps: Vec::new(),
            tag,
        }],
        other => {
            vec![Draft { source: Source::Other(other.to_owned()), position: None, steps: Vec::new(), tag }]
        }
    }
}

/// Where a plugin listens (Fluentd docs: input plugins; `transport` is a section of them).
fn listeners(source: &Section<'_>, plugin: &str) -> Vec<Listener> {
    let default = match plugin {
        "unix" | "elb" => return Vec::new(),
        "forward" => "24224",
        "http" => "9880",
        "syslog" => "5140",
        "tcp" => "5170",
        "udp" => "5160",
        "beats" => "5044",
        "gelf" => "12201",
        _ => "",
    };
    let at = source.spot.at();
    let port = match source.setting("port") {
        Err(why) => Fact::unknown(why),
        Ok(Some((port, at))) => Fact::at(port.to_owned(), Rank::Configured, at, format!("port {port}")),
        Ok(None) if default.is_empty() => Fact::unknown(format!("the port of {plugin} is not set ({at})")),
        Ok(None) => {
            let detail = format!("port is not set; the default is {default}");
            Fact::at(default.to_owned(), Rank::Configured, at.clone(), detail)
        }
    };
    let is_own = matches!(plugin, "forward" | "http" | "syslog" | "tcp" | "udp");
    let tls = match source.section("transport") {
        Some(transport) => protocol(transport),
        None if is_own => {
            Fact::at(false, Rank::Configured, at, "transport is not set; the default is without TLS")
        }
        // Plugins that are no part of Fluentd have settings of their own.
        None => Fact::unknown(format!("whether {plugin} takes TLS is not read ({at})")),
    };
    vec![Listener::new(port, tls).bound_to(source.text("bind"))]
}

/// `<transport tls>`, or `protocol` in it.
fn protocol(transport: &Section<'_>) -> Fact<bool> {
    let told =
        |kind: &str, at: String| Fact::at(kind == "tls", Rank::Configured, at, format!("transport {kind}"));
    match (&transport.argument, transport.setting("protocol")) {
        (Err(why), _) => Fact::unknown(why.clone()),
        (Ok(Some(kind)), _) => told(kind, transport.spot.at()),
        (Ok(None), Err(why)) => Fact::unknown(why),
        (Ok(None), Ok(Some((kind, at)))) => told(kind, at),
        (Ok(None), Ok(None)) => told("tcp", transport.spot.at()),
    }
}

fn configured_tag(source: &Section<'_>) -> Tag {
    match source.text("tag") {
        Some(tag) if !tag.contains("${") => Tag::new(tag),
        _ => Tag::unknown(),
    }
}

/// Senders choose the tag, unless one is set or a prefix put before it.
fn sent_tag(source: &Section<'_>) -> Tag {
    let tag = configured_tag(source);
    match source.text("add_tag_prefix") {
        Some(prefix) => tag.with_prefix(&format!("{prefix}.")),
        None => tag,
    }
}

/// Fluentd docs: input/tail.
fn tail(source: &Section<'_>) -> Vec<Draft> {
    let exclude = globs(source, "exclude_path", &list);
    let delimiter = source.text("path_delimiter").unwrap_or(",");
    let paths =
        globs(source, "path", &|value| value.split(delimiter).map(|path| path.trim().to_owned()).collect());
    let steps = tail_steps(source, &paths);
    let draft = |include: Vec<Glob>, tag| Draft {
        source: Source::Files { include, exclude: exclude.clone() },
        position: Some(position(source)),
        steps: steps.clone(),
        tag,
    };
    match source.text("tag") {
        Some(tag) if tag.contains('*') => paths
            .into_iter()
            .map(|path| {
                let tag = path.value().map_or_else(Tag::unknown, |path| Tag::of_file(tag, path));
                draft(vec![path], tag)
            })
            .collect(),
        _ => vec![draft(paths, configured_tag(source))],
    }
}

fn globs(source: &Section<'_>, key: &str, split: &dyn Fn(&str) -> Vec<String>) -> Vec<Glob> {
    match source.setting(key) {
        Err(why) => vec![Fact::unknown(why)],
        Ok(None) => Vec::new(),
        Ok(Some((value, at))) => split(value)
            .into_iter()
            .filter(|path| !path.is_empty())
            .map(|path| Fact::at(without_time(&path), Rank::Configured, at.clone(), format!("{key} {path}")))
            .collect(),
    }
}

/// A path with `*` for what `strftime` fills in.
fn without_time(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut chars = path.chars();
    while let Some(c) = chars.next() {
        match c {
            '%' => {
                chars.by_ref().find(char::is_ascii_alphabetic);
                if !out.ends_with('*') {
                    out.push('*');
                }
            }
            c => out.push(c),
        }
    }
    out
}

fn position(source: &Section<'_>) -> Fact<Option<String>> {
    match source.setting("pos_file") {
        Err(why) => Fact::unknown(why),
        Ok(Some((path, at))) if !path.is_empty() => {
            Fact::at(Some(path.to_owned()), Rank::Configured, at, format!("pos_file {path}"))
        }
        Ok(_) => Fact::at(
            None,
            Rank::Configured,
            source.spot.at(),
            "pos_file is not set; positions are not kept by default",
        ),
    }
}

fn tail_steps(source: &Section<'_>, paths: &[Glob]) -> Vec<Step> {
    let mut steps = Vec::new();
    for (key, what) in [
        ("limit_recently_modified", "files are ignored that did not change for"),
        ("max_line_size", "lines are skipped that are longer than"),
    ] {
        match source.setting(key) {
            Ok(Some((value, at))) => {
                steps.push(Step { at, what: format!("{what} {value}"), effect: Effect::DropsSome });
            }
            Ok(None) => {}
            Err(why) => steps.push(step(source, why, Effect::Unclear)),
        }
    }
    for rule in source.sections("group").flat_map(|group| group.sections("rule")) {
        match rule.text("limit") {
            None => {}
            Some(limit) if limit.starts_with('-') => {}
            Some("0") => {
                steps.push(step(rule, "files of this group are not read: limit 0", Effect::DropsSome));
            }
            Some(limit) => steps.push(step(
                rule,
                format!("reading is limited to {limit} lines for each rate_period"),
                Effect::Limits,
            )),
        }
    }
    steps.extend(json_only(source, paths));
    steps
}

/// Lines that do not parse are left out unless `emit_unmatched_lines` is on. Logs of containers are JSON only with Docker.
fn json_only(source: &Section<'_>, paths: &[Glob]) -> Option<Step> {
    let parse = source.section("parse");
    let format = parse.map_or_else(|| source.text("format"), |parse| parse.plugin().ok().flatten());
    let of_containers = |path: &Glob| {
        path.value()
            .is_some_and(|path| path.starts_with("/var/log/containers") || path.starts_with("/var/log/pods"))
    };
    if format != Some("json") || source.is_on("emit_unmatched_lines") || !paths.iter().any(of_containers) {
        return None;
    }
    let what = "lines that are not JSON are left out, and containerd and CRI-O write lines that are not";
    Some(step(parse.unwrap_or(source), what, Effect::Unclear))
}

fn folder(source: &Section<'_>) -> Fact<String> {
    match source.setting("path") {
        Err(why) => Fact::unknown(why),
        Ok(Some((path, at))) => Fact::at(path.to_owned(), Rank::Configured, at, format!("path {path}")),
        Ok(None) => Fact::at(
            "/var/log/journal".to_owned(),
            Rank::Configured,
            source.spot.at(),
            "path is not set; the default is /var/log/journal",
        ),
    }
}

/// `matches`, formerly `filters`: each a condition, or a list of which one suffices (fluent-plugin-systemd).
fn units(source: &Section<'_>) -> Vec<Fact<String>> {
    let key = if source.param("matches").is_some() { "matches" } else { "filters" };
    match source.setting(key) {
        Err(why) => vec![Fact::unknown(why)],
        Ok(None) => Vec::new(),
        Ok(Some((value, at))) => conditions(value)
            .into_iter()
            .map(|condition| {
                let detail = format!("{key} {condition}");
                Fact::at(condition, Rank::Configured, at.clone(), detail)
            })
            .collect(),
    }
}

fn conditions(value: &str) -> Vec<String> {
    let Ok(items) = serde_json::from_str::<Vec<serde_json::Value>>(value) else {
        return vec![value.to_owned()];
    };
    items
        .iter()
        .map(|item| match item.as_object() {
            Some(fields) => {
                fields.iter().map(|(key, value)| one_condition(key, value)).collect::<Vec<_>>().join(" and ")
            }
            None => item.to_string(),
        })
        .collect()
}

fn one_condition(key: &str, value: &serde_json::Value) -> String {
    match value {
        // A unit is told by its name alone, whatever the key.
        serde_json::Value::String(unit) if key == "_SYSTEMD_UNIT" => unit.clone(),
        serde_json::Value::String(text) => format!("{key}={text}"),
        other => format!("{key}={other}"),
    }
}

/// Positions in the journal are kept in memory unless a storage is persistent (fluent-plugin-systemd). `pos_file` is of its
/// versions before 0.1.
fn journal_position(source: &Section<'_>) -> Fact<Option<String>> {
    let Some(storage) = source.section("storage") else {
        return match source.setting("pos_file") {
            Ok(None) => Fact::at(
                None,
                Rank::Configured,
                source.spot.at(),
                "there is no persistent <storage>; positions are kept in memory by default",
            ),
            _ => position(source),
        };
    };
    storage
        .flag("persistent", false, |on| {
            format!("the storage of positions is {}persistent", if on { "" } else { "not " })
        })
        .and_then(|persistent| {
            if !persistent {
                return Fact::at(
                    None,
                    Rank::Configured,
                    storage.spot.at(),
                    "the storage of positions is in memory",
                );
            }
            match storage.setting("path") {
                Err(why) => Fact::unknown(why),
                Ok(Some((path, at))) => {
                    Fact::at(Some(path.to_owned()), Rank::Configured, at, format!("path {path}"))
                }
                Ok(None) => Fact::unknown(format!(
                    "the storage at {} has no path of its own; it lies under root_dir",
                    storage.spot.at()
                )),
            }
        })
}
