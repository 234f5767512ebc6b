//! Sources (Vector docs: reference/configuration/sources).

use super::field::Field;
use super::graph::{Component, Port};
use super::kubernetes;
use crate::analyze::collectors::model::{Effect, Glob, Input, Listener, Source, Step, port_of};
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// Longer lines are skipped by `file` if nothing is said.
const FILE_LINE: &str = "102400";

/// Whether no logs come from a source of this type.
pub(super) fn is_metrics(kind: &str) -> bool {
    const METRICS: [&str; 13] = [
        "apache_metrics",
        "aws_ecs_metrics",
        "eventstoredb_metrics",
        "host_metrics",
        "internal_metrics",
        "mongodb_metrics",
        "nginx_metrics",
        "postgresql_metrics",
        "prometheus",
        "prometheus_pushgateway",
        "prometheus_remote_write",
        "prometheus_scrape",
        "static_metrics",
    ];
    METRICS.contains(&kind) || kind == "statsd"
}

/// What others can take from a source.
pub(super) fn ports(source: &Component<'_>) -> Vec<Port> {
    let is_on = |key: &str| source.field.get(key).is_some_and(|flag| flag.flag().value() == Some(&true));
    match source.kind {
        "opentelemetry" => by_signal(),
        "datadog_agent" if is_on("multiple_outputs") => by_signal(),
        kind => vec![Port { name: None, steps: Vec::new(), logs: !is_metrics(kind) }],
    }
}

fn by_signal() -> Vec<Port> {
    ["logs", "metrics", "traces"]
        .map(|signal| Port { logs: signal == "logs", ..Port::named(signal, Vec::new()) })
        .into()
}

/// What a source reads. Its routes are not filled in.
pub(super) fn input(source: &Component<'_>, data_dir: &Fact<String>) -> Input {
    let mut input = Input {
        id: format!("sources.{}", source.id),
        at: source.field.at(),
        source: Source::Other(source.kind.to_owned()),
        position: None,
        opt_outs: Vec::new(),
        steps: Vec::new(),
        routes: Fact::unknown("not followed"),
    };
    match source.kind {
        "kubernetes_logs" => {
            input.source = kubernetes::source(&source.field);
            input.opt_outs = kubernetes::opt_outs(&source.field);
            input.position = Some(position(source, data_dir, "checkpoints.json"));
            input.steps = kubernetes::steps(&source.field);
            input.steps.extend(ignored_for_age(&source.field));
        }
        "file" => {
            input.source = Source::Files {
                include: globs(&source.field, "include"),
                exclude: globs(&source.field, "exclude"),
            };
            input.position = Some(file_position(source, data_dir));
            input.steps = vec![skipped_for_length(&source.field)];
            input.steps.extend(ignored_for_age(&source.field));
        }
        "journald" => {
            input.source = journal(&source.field);
            input.position = Some(position(source, data_dir, "checkpoint.txt"));
            input.steps = journal_steps(&source.field);
        }
        kind if is_network(kind) => {
            input.source =
                Source::Network { protocol: kind.to_owned(), listeners: listeners(&source.field, kind) };
        }
        "" => input.source = Source::Other("a type that is not known".to_owned()),
        _ => {}
    }
    input
}

fn is_network(kind: &str) -> bool {
    const NETWORK: [&str; 15] = [
        "aws_kinesis_firehose",
        "datadog_agent",
        "dnstap",
        "fluent",
        "heroku_logs",
        "http",
        "http_server",
        "logplex",
        "logstash",
        "opentelemetry",
        "socket",
        "splunk_hec",
        "syslog",
        "vector",
        "websocket_server",
    ];
    NETWORK.contains(&kind)
}

/// Where a source listens.
fn listeners(field: &Field<'_>, kind: &str) -> Vec<Listener> {
    match kind {
        "opentelemetry" => [("grpc", "0.0.0.0:4317"), ("http", "0.0.0.0:4318")]
            .into_iter()
            .filter_map(|(key, default)| Some(listener(&field.get(key)?, Some(default))))
            .collect(),
        "socket" | "syslog" if field.get("mode").is_some_and(|mode| mode.text().starts_with("unix")) => {
            Vec::new()
        }
        "fluent" if field.get("mode").is_some_and(|mode| mode.text() == "unix") => Vec::new(),
        "splunk_hec" => vec![listener(field, Some("0.0.0.0:8088"))],
        _ => vec![listener(field, None)],
    }
}

fn listener(field: &Field<'_>, default: Option<&str>) -> Listener {
    let address = match (field.get("address"), default) {
        (Some(address), _) if port_of(address.raw()).is_some() => {
            let port = address.raw().rsplit(':').next().unwrap_or_default();
            let known = || Fact::at(port.to_owned(), Rank::Configured, address.at(), format!("port {port}"));
            Some(address.fact()).filter(|fact| fact.value().is_some()).unwrap_or_else(known)
        }
        (Some(address), _) => address.fact(),
        (None, Some(default)) => {
            let detail = format!("address is not set; the default is {default}");
            Fact::at(default.to_owned(), Rank::Configured, field.at(), detail)
        }
        (None, None) => Fact::unknown(format!("no address to listen on is set at {}", field.at())),
    };
    let tls = field.get("tls.enabled").map_or_else(
        || {
            let detail = "tls.enabled is not set; the default is false";
            Fact::at(false, Rank::Configured, field.at(), detail)
        },
        |enabled| enabled.flag(),
    );
    Listener::new(address, tls)
}

/// The globs of a field.
pub(super) fn globs(field: &Field<'_>, key: &str) -> Vec<Glob> {
    field.get(key).iter().flat_map(Field::items).map(|glob| glob.fact()).collect()
}

/// The file a source keeps its position in: below `data_dir`, in a folder with its name.
fn position(source: &Component<'_>, data_dir: &Fact<String>, file: &str) -> Fact<Option<String>> {
    let folder = source.field.get("data_dir").map_or_else(|| data_dir.clone(), |own| own.fact());
    folder.map(|folder| Some(format!("{}/{}/{file}", folder.trim_end_matches('/'), source.id)))
}

fn file_position(source: &Component<'_>, data_dir: &Fact<String>) -> Fact<Option<String>> {
    let ignored = source.field.get("ignore_checkpoints");
    match ignored.map(|field| (field.at(), field.flag())) {
        Some((_, Fact::Unknown(unknown))) => Fact::Unknown(unknown),
        Some((at, Fact::Known(known))) if known.value => {
            Fact::at(None, Rank::Configured, at, "ignore_checkpoints true")
        }
        _ => position(source, data_dir, "checkpoints.json"),
    }
}

fn skipped_for_length(field: &Field<'_>) -> Step {
    let set = field.get("max_line_bytes");
    let known = match &set {
        Some(set) => set.scalar(),
        None => Ok(FILE_LINE.to_owned()),
    };
    let bytes = match &known {
        Ok(text) => text.parse().map_err(|_| format!("max_line_bytes {text} is no number")),
        Err(why) => Err(why.clone()),
    };
    let limit = known.unwrap_or("a number of".into());
    let suffix = if set.is_some() { "" } else { ", the default" };
    Step {
        at: set.unwrap_or_else(|| field.clone()).at(),
        what: format!("lines above {limit} bytes are skipped (max_line_bytes{suffix})"),
        effect: Effect::LongLines(match bytes {
            Ok(bytes) => Fact::known(bytes, Rank::Configured, Vec::new()),
            Err(why) => Fact::unknown(why),
        }),
    }
}

fn ignored_for_age(field: &Field<'_>) -> Option<Step> {
    let set = field.get("ignore_older_secs").or_else(|| field.get("ignore_older"))?;
    let limit = set.scalar().unwrap_or_else(|_| "a number of".to_owned());
    Some(Step {
        at: set.at(),
        what: format!("files not written to for {limit} seconds are ignored (ignore_older_secs)"),
        effect: Effect::Skips,
    })
}

fn journal(field: &Field<'_>) -> Source {
    let units = ["include_units", "units"].into_iter().flat_map(|key| globs(field, key));
    let matches = field.get("include_matches").map(|matches| matches.entries()).unwrap_or_default();
    let matches = matches.into_iter().flat_map(|(name, values)| {
        values.items().into_iter().map(move |value| value.fact().map(|value| format!("{name}={value}")))
    });
    Source::Journal {
        folder: field.get("journal_directory").map(|folder| folder.fact()),
        only: units.chain(matches).collect(),
    }
}

fn journal_steps(field: &Field<'_>) -> Vec<Step> {
    let dropping = |key: &str, what: &str| {
        let set = field.get(key)?;
        Some(Step { at: set.at(), what: format!("{what} ({key})"), effect: Effect::DropsSome })
    };
    [
        dropping("exclude_units", "entries of some units are left out"),
        dropping("exclude_matches", "entries with some fields are left out"),
        dropping("since_now", "what was written before the start is left out")
            .filter(|_| field.get("since_now").is_some_and(|flag| flag.flag().value() != Some(&false))),
        dropping("extra_args", "arguments to journalctl may leave entries out")
            .map(|step| Step { effect: Effect::Unclear, ..step }),
    ]
    .into_iter()
    .flatten()
    .collect()
}
