//! Inputs: what they read, where they remember how far, and the tags they give.

use super::lines;
use super::section::{Property, Section};
use super::tag::{Part, Shape};
use crate::analyze::collectors::model::{
    Buffer, Effect, Glob, Listener, NamespaceMatch, NamespaceRule, Pattern, Source, Step, WhenFull,
};
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// An input before its routes are known.
pub(super) struct Prepared<'a> {
    pub section: &'a Section,
    /// Plugin and number, as the program names it.
    pub id: String,
    pub source: Source,
    pub position: Option<Fact<Option<String>>>,
    pub steps: Vec<Step>,
    /// The tags it gives, for each glob it reads.
    pub tags: Vec<(Option<Glob>, Shape)>,
    pub storage: Storage,
}

/// How an input keeps what waits.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Storage {
    kind: Fact<Keeping>,
    /// Whether memory is limited, for evidence.
    limit: Option<Fact<()>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeping {
    Memory,
    /// In memory, the oldest dropped when it is full.
    Ring,
    Disk,
}

/// What a plugin reads, by name.
enum Reads {
    Logs,
    Metrics,
}

/// Prepares an input of the plugin `name`, the `number`th of its kind. None if it is for metrics or traces only.
pub(super) fn prepare<'a>(
    section: &'a Section,
    number: usize,
    service: Option<&Section>,
) -> Option<Prepared<'a>> {
    let (plugin, known) = match section.plugin() {
        Ok(plugin) => (plugin, true),
        Err(_) => ("unseen".to_owned(), false),
    };
    if known && matches!(reads(&plugin), Reads::Metrics) {
        return None;
    }
    let name = format!("{plugin}.{number}");
    let tag =
        section.get("tag").map_or_else(|| Shape::of_text(&name), |property| Shape::of_value(&property.value));
    let id = section.seen("alias").unwrap_or_else(|| name.clone());
    let storage = Storage::of_input(section, service);
    let mut prepared = Prepared {
        section,
        id,
        source: Source::Other(plugin.clone()),
        position: None,
        steps: Vec::new(),
        tags: Vec::new(),
        storage,
    };
    match plugin.as_str() {
        "tail" => tail(&mut prepared, &tag),
        "systemd" => {
            prepared.source = Source::Journal {
                folder: section.text("path"),
                only: section.all("systemd_filter").map(Property::text).collect(),
            };
            prepared.position = Some(position(section));
            prepared.tags = vec![(None, Shape::of_varying(&tag))];
        }
        "kubernetes_events" => {
            prepared.source = Source::Events { namespaces: event_namespaces(section), only_warnings: false };
            prepared.position = Some(position(section));
            prepared.tags = vec![(None, tag)];
        }
        "winlog" | "winevtlog" => {
            prepared.position = Some(position(section));
            prepared.tags = vec![(None, tag)];
        }
        "forward" | "http" | "syslog" | "tcp" | "udp" | "opentelemetry" | "splunk" | "elasticsearch"
        | "mqtt" | "unix_socket" | "kafka" => {
            prepared.source =
                Source::Network { protocol: plugin.clone(), listeners: listeners(section, &plugin) };
            prepared.tags = vec![(None, network_tag(section, &plugin, tag))];
        }
        _ => prepared.tags = vec![(None, tag)],
    }
    Some(prepared)
}

/// Where a plugin listens (fluent-bit docs: inputs).
fn listeners(section: &Section, plugin: &str) -> Vec<Listener> {
    let default: u16 = match plugin {
        // A socket in the pod comes before the port.
        "forward" if section.get("unix_path").is_some() => return Vec::new(),
        "forward" => 24224,
        "http" => 9880,
        "syslog" if !section.seen("mode").is_none_or(|mode| mode.contains("unix")) => 5140,
        "tcp" | "udp" => 5170,
        "opentelemetry" => 4318,
        "splunk" => 8088,
        "elasticsearch" => 9200,
        "mqtt" => 1883,
        "syslog" if matches!(section.get("mode").map(|mode| mode.value.known()), Some(Err(_))) => {
            return vec![Listener::unread(plugin, &section.at)];
        }
        _ => return Vec::new(),
    };
    let port = section.text("port").unwrap_or_else(|| {
        section.default(default.to_string(), &format!("port is not set; the default is {default}"))
    });
    let listener = Listener::new(port, section.flag("tls", false));
    vec![listener.bound_to(section.seen("listen").as_deref())]
}

/// Files by globs (fluent-bit docs: inputs/tail).
fn tail(prepared: &mut Prepared<'_>, tag: &Shape) {
    let section = prepared.section;
    let include = section.get("path").map(globs).unwrap_or_default();
    let exclude = section.get("exclude_path").map(globs).unwrap_or_default();
    let by_regex = section.get("tag_regex").is_some();
    prepared.tags = include
        .iter()
        .map(|(glob, path)| {
            let tag = if by_regex { Shape::of_template(tag) } else { Shape::of_path(tag, path) };
            // The program's globs know no `**`: it is one `*`.
            (Some(glob.clone().map(|glob| single(&glob, '*'))), tag)
        })
        .collect();
    if prepared.tags.is_empty() {
        prepared.tags = vec![(None, tag.clone())];
    }
    prepared.source = Source::Files {
        include: prepared.tags.iter().filter_map(|(glob, _)| glob.clone()).collect(),
        exclude: exclude.into_iter().map(|(glob, _)| glob.map(|glob| anywhere(&glob))).collect(),
    };
    prepared.position = Some(position(section));
    prepared.steps = losses(section, &include.iter().map(|(_, path)| path.shown()).collect::<Vec<_>>());
}

/// The globs of a list with commas, each with what it looks like in a tag.
fn globs(property: &Property) -> Vec<(Glob, Shape)> {
    let whole = Shape::of_value(&property.value);
    let is_blank = |part: &Part| matches!(part, Part::Char(c) if c.is_whitespace());
    whole
        .0
        .split(|part| *part == Part::Char(','))
        .map(|one| {
            let start = one.iter().position(|part| !is_blank(part)).unwrap_or(one.len());
            let end = one.iter().rposition(|part| !is_blank(part)).map_or(start, |end| end + 1);
            Shape(one.get(start..end).unwrap_or_default().to_vec())
        })
        .filter(|one| !one.0.is_empty())
        .map(|one| (glob(property, &one), one))
        .collect()
}

fn glob(property: &Property, one: &Shape) -> Glob {
    let mut text = String::new();
    for part in &one.0 {
        match part {
            Part::Char(c) => text.push(*c),
            Part::Any => text.push('*'),
            Part::Unseen(reason) => return Fact::unknown(reason.clone()),
        }
    }
    let detail = format!("{} {}", property.name, super::section::shorten(&text));
    Fact::at(text, Rank::Configured, &*property.at, detail)
}

/// A text with this character nowhere twice in a row.
fn single(text: &str, once: char) -> String {
    let mut last = None;
    text.chars().filter(|c| last.replace(*c) != Some(once) || *c != once).collect()
}

/// What is left out is compared with the whole path, and `*` takes slashes too: `*.gz` is any path with this end.
fn anywhere(glob: &str) -> String {
    if glob.starts_with('*') { format!("**{}", glob.trim_start_matches('*')) } else { glob.to_owned() }
}

/// `db`, which has no default: without it a restart begins at the end of files, or reads them again.
fn position(section: &Section) -> Fact<Option<String>> {
    match section.text("db") {
        Some(path) => path.map(Some),
        None => section.default(None, "db is not set; there is no default"),
    }
}

/// What the input itself leaves out.
fn losses(section: &Section, paths: &[String]) -> Vec<Step> {
    let mut steps = Vec::new();
    if let Some(age) = section.get("ignore_older")
        && age.value.raw() != "0"
    {
        let what = format!("{}: what is older is not read", age.shown());
        steps.push(Step { at: age.at.clone(), what, effect: Effect::Skips });
    }
    // Container runtimes break lines at 16 KiB, below what the buffer takes.
    let runtime = |path: &String| {
        let path = single(&path.replace('\\', "/"), '/');
        ["/var/log/containers/", "/var/log/pods/", "/var/lib/docker/containers/"]
            .iter()
            .any(|own| path.trim_start_matches("C:").starts_with(own))
    };
    let size = section.get("buffer_max_size");
    let limit = size.map_or_else(|| section.default(lines::DEFAULT.to_owned(), ""), Property::text);
    let at = section.get("skip_long_lines").or(size).map_or(&section.at, |property| &property.at);
    let skips = section.flag("skip_long_lines", false).value().copied();
    steps.extend(lines::lost(limit, at, skips, paths.iter().all(runtime)));
    steps
}

fn event_namespaces(section: &Section) -> NamespaceRule {
    let only = section.get("kube_namespace").map(|property| {
        let pattern = property.value.known().map_or_else(Pattern::Unclear, Pattern::Name);
        vec![NamespaceMatch { at: property.at.clone(), pattern }]
    });
    NamespaceRule { only, except: Vec::new() }
}

/// Forward and HTTP carry tags of their senders, unless the input sets one.
fn network_tag(section: &Section, plugin: &str, tag: Shape) -> Shape {
    let sent = || Part::Unseen(format!("the tags are those of the senders to {plugin}"));
    let prefix = section.get("tag_prefix").map(|property| Shape::of_value(&property.value).0);
    match (plugin, prefix) {
        ("forward", Some(prefix)) => Shape(prefix.into_iter().chain([sent()]).collect()),
        ("forward" | "http" | "opentelemetry", None) if section.get("tag").is_none() => Shape(vec![sent()]),
        _ if section.get("tag_key").is_some() => Shape(vec![sent()]),
        _ => tag,
    }
}

/// Inputs that give metrics or traces, or numbers about the node as records.
fn reads(plugin: &str) -> Reads {
    const METRICS: [&str; 25] = [
        "collectd",
        "cpu",
        "disk",
        "docker",
        "fluentbit_metrics",
        "gpu_metrics",
        "health",
        "mem",
        "netif",
        "nginx_exporter_metrics",
        "nginx_metrics",
        "node_exporter_metrics",
        "podman_metrics",
        "proc",
        "process_exporter_metrics",
        "prometheus_remote_write",
        "prometheus_scrape",
        "prometheus_textfile",
        "random",
        "statsd",
        "thermal",
        "windows_exporter_metrics",
        "winstat",
        "event_type",
        "calyptia_fleet",
    ];
    if METRICS.contains(&plugin) { Reads::Metrics } else { Reads::Logs }
}

impl Prepared<'_> {
    /// The same input with some of its paths.
    pub(super) fn part(&self, indices: &[usize]) -> Self {
        let tags: Vec<(Option<Glob>, Shape)> =
            indices.iter().filter_map(|index| self.tags.get(*index)).cloned().collect();
        let globs: Vec<Glob> = tags.iter().filter_map(|(glob, _)| glob.clone()).collect();
        let first = globs.first().and_then(Fact::value).cloned().unwrap_or_default();
        let source = match &self.source {
            Source::Files { exclude, .. } => Source::Files { include: globs, exclude: exclude.clone() },
            source => source.clone(),
        };
        Self {
            section: self.section,
            id: format!("{} {first}", self.id).trim_end().to_owned(),
            source,
            position: self.position.clone(),
            steps: self.steps.clone(),
            tags,
            storage: self.storage.clone(),
        }
    }
}

impl Storage {
    /// `storage.type` of the input; that of the service only if `storage.inherit` is on.
    fn of_input(section: &Section, service: Option<&Section>) -> Self {
        let inherited = || {
            let service = service?;
            service
                .seen("storage.inherit")
                .and_then(|word| super::section::switch(&word))
                .filter(|on| *on)?;
            service.get("storage.type")
        };
        let kind = match section.get("storage.type").or_else(inherited) {
            Some(property) => keeping(property),
            None => section.default(Keeping::Memory, "storage.type is not set; the default is memory"),
        };
        Self { kind, limit: section.get("mem_buf_limit").map(|property| property.fact(())) }
    }

    /// Records with new tags wait apart.
    pub(super) fn of_emitter(section: &Section) -> Self {
        let kind = match section.get("emitter_storage.type") {
            Some(property) => keeping(property),
            None => {
                section.default(Keeping::Memory, "emitter_storage.type is not set; the default is memory")
            }
        };
        let limit = section.default((), "emitter_mem_buf_limit limits the memory, to 10M by default");
        Self { kind, limit: Some(limit) }
    }

    /// Where no input is known.
    pub(super) fn unseen(reason: &str) -> Self {
        Self { kind: Fact::unknown(reason), limit: None }
    }

    /// Where records wait; disk needs the folder of the service.
    pub(super) fn buffer(&self, service: Option<&Section>) -> Fact<Buffer> {
        self.kind.clone().and_then(|kind| match kind {
            Keeping::Memory | Keeping::Ring => Fact::known(Buffer::Memory, Rank::Configured, Vec::new()),
            Keeping::Disk => match service.and_then(|service| service.text("storage.path")) {
                Some(path) => path.map(|path| Buffer::Disk(Some(path))),
                None => Fact::unknown("storage.type is filesystem, but the service sets no storage.path"),
            },
        })
    }

    /// What happens when there is no more room. Without a limit there always is, until the memory of the pod ends.
    pub(super) fn when_full(&self, output: &Section) -> Fact<WhenFull> {
        self.kind.clone().and_then(|kind| match kind {
            Keeping::Memory => match &self.limit {
                Some(limit) => limit.clone().map(|()| WhenFull::Waits),
                None => Fact::at(
                    WhenFull::Waits,
                    Rank::Configured,
                    &*output.at,
                    "mem_buf_limit is not set: nothing limits it",
                ),
            },
            Keeping::Ring => Fact::known(WhenFull::Drops, Rank::Configured, Vec::new()),
            Keeping::Disk => match output.get("storage.total_limit_size") {
                Some(limit) => match limit.value.known().map(|value| super::section::switch(&value)) {
                    Ok(Some(false)) => limit.fact(WhenFull::Waits),
                    Ok(_) => limit.fact(WhenFull::Drops),
                    Err(reason) => Fact::unknown(reason),
                },
                None => {
                    output.default(WhenFull::Waits, "storage.total_limit_size is not set: nothing limits it")
                }
            },
        })
    }
}

fn keeping(property: &Property) -> Fact<Keeping> {
    match property.value.known().map(|word| word.to_ascii_lowercase()) {
        Ok(word) if word == "filesystem" => property.fact(Keeping::Disk),
        Ok(word) if word == "memory" => property.fact(Keeping::Memory),
        Ok(word) if word == "memrb" => property.fact(Keeping::Ring),
        Ok(_) => Fact::unknown(format!("{} at {} is no way of storing", property.name, property.at)),
        Err(reason) => Fact::unknown(reason),
    }
}
