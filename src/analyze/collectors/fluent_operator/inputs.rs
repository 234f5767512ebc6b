//! `ClusterInput` (`apis/fluentbit/v1alpha2/plugins/input`).

use super::super::fields::Fields;
use super::super::fluent_bit::lines;
use super::super::model::{
    Buffer, Effect, Input, Listener, NamespaceMatch, NamespaceRule, Pattern, Source, Step,
};
use super::tags::Tag;
use crate::analyze::fact::Fact;
use crate::snapshot::Resource;
use crate::verdict::Rank;

/// Inputs for metrics and traces.
const NOT_LOGS: [&str; 6] =
    ["nodeExporterMetrics", "prometheusScrapeMetrics", "fluentBitMetrics", "collectd", "statsd", "nginx"];

/// What is no plugin in the specification.
const SETTINGS: [&str; 4] = ["alias", "logLevel", "processors", "customPlugin"];

/// The inputs of a resource, for each tag its records can have.
pub(super) fn read(resource: &Resource, owner: &Fields<'_>) -> Vec<(Input, Tag)> {
    let spec = Fields::spec(resource);
    let mut inputs = Vec::new();
    for (name, fields) in spec.entries() {
        if NOT_LOGS.contains(&name) || SETTINGS.contains(&name) {
            continue;
        }
        let paths: Vec<String> = if name == "tail" {
            fields.list("path").into_iter().map(|(path, _)| path).collect()
        } else {
            Vec::new()
        };
        let given = fields.text("tag").unwrap_or_else(|| format!("{name}.0"));
        let tags = Tag::new(&given, &paths);
        let several = tags.len() > 1;
        for (index, tag) in tags.into_iter().enumerate() {
            let suffix = if several { format!(".{index}") } else { String::new() };
            let only = several.then_some(index);
            let input = Input {
                id: format!("{name}.{}{suffix}", resource.name),
                at: fields.at(),
                source: source(name, &fields, only),
                position: position(name, &fields, owner),
                opt_outs: Vec::new(),
                steps: if name == "tail" { lost(&fields) } else { Vec::new() },
                routes: Fact::unknown("not computed"),
            };
            inputs.push((input, tag));
        }
    }
    inputs
}

fn source(name: &str, fields: &Fields<'_>, only: Option<usize>) -> Source {
    let globs = |key: &str| -> Vec<Fact<String>> {
        let parts = fields.list(key).into_iter();
        parts.map(|(glob, at)| Fact::at(glob, Rank::Configured, at, key)).collect()
    };
    match name {
        "tail" => {
            let mut include = globs("path");
            if let Some(only) = only {
                include = include.into_iter().skip(only).take(1).collect();
            }
            Source::Files { include, exclude: globs("excludePath") }
        }
        "systemd" => Source::Journal {
            folder: fields.text("path").map(|path| fields.known("path", path, "path is set")),
            only: globs("systemdFilter"),
        },
        "kubernetesEvents" => {
            let only = fields.text("kubeNamespace").map(|name| {
                vec![NamespaceMatch { at: fields.at_key("kubeNamespace"), pattern: Pattern::Name(name) }]
            });
            Source::Events { namespaces: NamespaceRule { only, except: Vec::new() }, only_warnings: false }
        }
        "forward" | "http" | "syslog" | "tcp" | "udp" | "mqtt" => {
            Source::Network { protocol: name.to_owned(), listeners: listeners(name, fields) }
        }
        "openTelemetry" => Source::Network { protocol: "otlp".into(), listeners: listeners(name, fields) },
        other => Source::Other(other.to_owned()),
    }
}

/// Where a plugin listens: by default as Fluent Bit does.
fn listeners(name: &str, fields: &Fields<'_>) -> Vec<Listener> {
    let default = match name {
        "forward" if fields.text("unixPath").is_some() => return Vec::new(),
        "syslog" if fields.text("mode").is_none_or(|mode| mode.contains("unix")) => return Vec::new(),
        "forward" => "24224",
        "http" => "9880",
        "syslog" => "5140",
        "tcp" | "udp" => "5170",
        "openTelemetry" => "4318",
        _ => "1883",
    };
    let port = match fields.text("port") {
        Some(port) => fields.known("port", port, "port is set"),
        None => {
            fields.known("port", default.to_owned(), format!("port is not set; the default is {default}"))
        }
    };
    let tls = match fields.get("tls") {
        Some(tls) => tls.known("", true, "tls is set"),
        None => fields.known("tls", false, "tls is not set"),
    };
    vec![Listener::new(port, tls)]
}

/// `db`, of which there is none by default: after a restart reading begins at the end of the files.
fn position(name: &str, fields: &Fields<'_>, owner: &Fields<'_>) -> Option<Fact<Option<String>>> {
    if !matches!(name, "tail" | "systemd" | "kubernetesEvents") {
        return None;
    }
    let Some(path) = fields.text("db") else {
        return Some(fields.known("db", None, "db is not set; the default is none"));
    };
    let volume = owner.get("positionDB").and_then(|volume| volume.get("emptyDir"));
    if let Some(volume) = volume.filter(|_| path.starts_with("/fluent-bit/tail/")) {
        return Some(volume.known("", None, "positionDB is an emptyDir, which goes with the pod"));
    }
    Some(fields.known("db", Some(path), "db is set"))
}

fn lost(fields: &Fields<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    if let Some(age) = fields.text("ignoredOlder") {
        let what = format!("files not written to for {age} are ignored");
        steps.push(Step { at: fields.at_key("ignoredOlder"), what, effect: Effect::Skips });
    }
    let size = fields.text("bufferMaxSize").unwrap_or_else(|| lines::DEFAULT.to_owned());
    let of_containers =
        fields.list("path").iter().all(|(path, _)| path.contains("/containers/") || path.contains("/pods/"));
    let size = fields.known("bufferMaxSize", size, "");
    let skips = Some(fields.flag("skipLongLines").unwrap_or(false));
    steps.extend(lines::lost(size, &fields.at_key("bufferMaxSize"), skips, of_containers));
    steps
}

/// Where records wait: in files only if the inputs say so and the service has a folder for them.
pub(super) fn buffer(inputs: &[&Resource], service: Option<&Fields<'_>>) -> Fact<Buffer> {
    let plugins: Vec<Fields<'_>> = inputs
        .iter()
        .flat_map(|resource| Fields::spec(resource).entries())
        .filter(|(name, fields)| !NOT_LOGS.contains(name) && !SETTINGS.contains(name) && fields.is_map())
        .map(|(_, fields)| fields)
        .collect();
    let in_memory = plugins.iter().find(|fields| fields.text("storageType").as_deref() != Some("filesystem"));
    if let Some(fields) = in_memory {
        return fields.known(
            "storageType",
            Buffer::Memory,
            "storageType is not filesystem; the default is memory",
        );
    }
    match (plugins.first(), service.and_then(|service| service.get("storage"))) {
        (Some(fields), Some(storage)) if storage.text("path").is_some() => {
            fields.known("storageType", Buffer::Disk(storage.text("path")), "storageType filesystem")
        }
        (Some(fields), _) => {
            Fact::unknown(format!("storageType at {} needs a storage.path, which is not set", fields.at()))
        }
        (None, _) => Fact::unknown("there is no input for logs"),
    }
}
