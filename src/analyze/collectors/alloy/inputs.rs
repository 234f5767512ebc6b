//! Components that read logs (Alloy docs: loki.source, otelcol.receiver).

use super::eval::Value;
use super::routes::{Ends, Ways, forwards, ways};
use super::storage;
use super::syntax::Block;
use super::targets::{Targets, rules, targets};
use super::world::{Component, World};
use crate::analyze::collectors::loki::relabel::{Family, Open};
use crate::analyze::collectors::model::{
    Effect, Glob, Input, Listener, NamespaceMatch, NamespaceRule, Pattern, Source, Step,
};
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// What one component reads, before it is known where it goes.
struct Reading {
    source: Source,
    position: Option<Fact<Option<String>>>,
    /// Markers and steps of discovery.
    family: Family,
}

impl Reading {
    fn of(source: Source) -> Self {
        Self { source, position: None, family: Family::default() }
    }

    fn stored(world: &World<'_>, source: Source, family: Family) -> Self {
        Self { source, position: Some(storage(world.config).map(Some)), family }
    }
}

/// All inputs.
pub(super) fn inputs(world: &World<'_>, ends: &Ends) -> Vec<Input> {
    let mut inputs = Vec::new();
    for (index, component) in world.components.iter().enumerate() {
        let readings = readings(world, component);
        if readings.is_empty() {
            continue;
        }
        let Ways { routes, opt_outs } = ways(world, index, ends);
        let several = readings.len() > 1;
        for (number, reading) in readings.into_iter().enumerate() {
            let mut markers = reading.family.opt_outs;
            markers.extend(opt_outs.iter().cloned());
            inputs.push(Input {
                id: if several { format!("{}/{number}", component.id) } else { component.id.clone() },
                at: component.start(),
                source: reading.source,
                position: reading.position,
                opt_outs: markers,
                steps: reading.family.steps,
                routes: routes.clone(),
            });
        }
    }
    inputs
}

/// What a component reads; nothing if it is no input for logs.
fn readings(world: &World<'_>, component: &Component<'_>) -> Vec<Reading> {
    let protocol = |name: &str| {
        let listeners = listeners(world, component);
        vec![Reading::of(Source::Network { protocol: name.to_owned(), listeners })]
    };
    match component.kind {
        "loki.source.file" => files(world, component),
        "loki.source.kubernetes" => containers(world, component),
        "loki.source.podlogs" => vec![podlogs(world, component)],
        "loki.source.kubernetes_events" => vec![events(world, component)],
        "loki.source.journal" => vec![journal(world, component)],
        "loki.source.api" => protocol("loki"),
        "loki.source.awsfirehose" => protocol("firehose"),
        "loki.source.syslog" | "loki.source.gelf" | "loki.source.heroku" => {
            protocol(component.kind.trim_start_matches("loki.source."))
        }
        "faro.receiver" => protocol("faro"),
        "otelcol.receiver.loki" => Vec::new(),
        "otelcol.receiver.filelog" if is_for_logs(world, component) => vec![filelog(world, component)],
        kind => match kind.strip_prefix("loki.source.") {
            Some(name) => vec![Reading::of(Source::Other(name.to_owned()))],
            None => match kind.strip_prefix("otelcol.receiver.") {
                Some(name) if is_for_logs(world, component) => match name {
                    "otlp" | "syslog" | "fluentforward" | "splunkhec" | "tcplog" | "datadog" | "faro" => {
                        protocol(name)
                    }
                    name => vec![Reading::of(Source::Other(name.to_owned()))],
                },
                _ => Vec::new(),
            },
        },
    }
}

/// Where a component listens (Alloy docs: reference/components).
fn listeners(world: &World<'_>, component: &Component<'_>) -> Vec<Listener> {
    let body = &component.block.body;
    let below = |names: &[(&str, &str, &str)]| {
        let parts = names.iter().flat_map(|(name, key, default)| {
            body.blocks(name).map(move |block| listener(world, component, block, key, default))
        });
        parts.collect()
    };
    let own = |key, default| vec![listener(world, component, component.block, key, default)];
    match component.kind {
        "otelcol.receiver.otlp" => {
            below(&[("grpc", "endpoint", "0.0.0.0:4317"), ("http", "endpoint", "0.0.0.0:4318")])
        }
        "otelcol.receiver.syslog" => below(&[("tcp", "listen_address", ""), ("udp", "listen_address", "")]),
        "otelcol.receiver.tcplog" => own("listen_address", ""),
        "otelcol.receiver.fluentforward" => own("endpoint", ""),
        "otelcol.receiver.splunkhec" => own("endpoint", "localhost:8088"),
        "otelcol.receiver.datadog" => own("endpoint", "localhost:8126"),
        "loki.source.syslog" => below(&[("listener", "address", "")]),
        "loki.source.gelf" => own("listen_address", "0.0.0.0:12201"),
        "loki.source.api" | "loki.source.heroku" | "loki.source.awsfirehose" => {
            below(&[("http", "listen_port", "8080")])
        }
        "faro.receiver" => below(&[("server", "listen_port", "12347")]),
        _ => vec![Listener::unread(&component.id, &component.start())],
    }
}

/// An empty `default` is none.
fn listener(
    world: &World<'_>,
    component: &Component<'_>,
    block: &Block,
    key: &str,
    default: &str,
) -> Listener {
    let at = component.place(block.line);
    let port = match world.get(component, &block.body, key) {
        Some((value, at)) => match value.text() {
            Ok(text) => Fact::at(text.clone(), Rank::Configured, at, format!("{key} {text}")),
            Err(why) => Fact::unknown(why),
        },
        None if default.is_empty() => Fact::unknown(format!("{key} is not set at {at}")),
        None => {
            let detail = format!("{key} is not set; the default is {default}");
            Fact::at(default.to_owned(), Rank::Configured, at.clone(), detail)
        }
    };
    let tls = ["tls", "tls_config"].into_iter().find_map(|name| block.body.block(name));
    let tls = match tls {
        Some(tls) => Fact::at(true, Rank::Configured, component.place(tls.line), "tls is set"),
        None => Fact::at(false, Rank::Configured, at, "tls is not set"),
    };
    Listener::new(port, tls)
}

/// Receivers give logs only to those that are named in `output`.
fn is_for_logs(world: &World<'_>, component: &Component<'_>) -> bool {
    let listed = component.block.body.block("output").is_some_and(|output| output.body.get("logs").is_some());
    let only_logs = matches!(component.kind, "otelcol.receiver.filelog");
    only_logs || (listed && forwards(world, component) != Ok(Vec::new()))
}

/// Targets that differ only in their paths are one input.
fn files(world: &World<'_>, component: &Component<'_>) -> Vec<Reading> {
    let body = &component.block.body;
    let matching = body.block("file_match").map(|block| &block.body);
    let expands = matching
        .and_then(|body| world.get(component, body, "enabled"))
        .is_some_and(|(value, _)| value == Value::Bool(true));
    let mut readings: Vec<Reading> = Vec::new();
    for Targets { mut family, expanded } in targets(world, component, "targets") {
        family.tell_static_pods();
        let include = family.paths("__path__");
        let exclude = family.paths("__path_exclude__");
        let mut limits = Family { opt_outs: family.opt_outs.clone(), ..Family::default() };
        limits.steps = family.into_steps();
        for path in include.iter().filter(|_| !expanded && !expands) {
            unexpanded(path, &mut limits);
        }
        if include.is_empty() {
            let at = component.start();
            limits.step(&at, "targets without __path__ are not read".into(), Effect::DropsAll);
        }
        let same = readings.iter_mut().find(|reading| reading.family == limits);
        match same.map(|reading| &mut reading.source) {
            Some(Source::Files { include: own, exclude: without }) => {
                own.extend(include);
                without.extend(exclude);
            }
            _ => readings.push(Reading::stored(world, Source::Files { include, exclude }, limits)),
        }
    }
    if readings.is_empty() {
        let nothing = Source::Files { include: Vec::new(), exclude: Vec::new() };
        readings.push(Reading::stored(world, nothing, Family::default()));
    }
    readings
}

/// Only `local.file_match` and `file_match` expand wildcards: elsewhere they are part of a file's name.
fn unexpanded(path: &Glob, limits: &mut Family) {
    if let Fact::Known(known) = path
        && known.value.contains(['*', '?', '[', '{'])
    {
        let at = known.evidence.first().map_or("", |evidence| evidence.at.as_str());
        limits.step(at, format!("nothing expands the wildcards of {}", known.value), Effect::DropsAll);
    }
}

/// Logs through the API, for all pods that are discovered.
fn containers(world: &World<'_>, component: &Component<'_>) -> Vec<Reading> {
    let found = targets(world, component, "targets");
    found
        .into_iter()
        .map(|Targets { mut family, .. }| {
            // The label that stands in for a target that is not known.
            for path in family.paths("__path__") {
                if let Some(why) = path.reason()
                    && !family.steps.iter().any(|step| step.effect == Effect::Unclear)
                {
                    let at = component.start();
                    family.step(&at, why.to_owned(), Effect::Unclear);
                }
            }
            let namespaces = take_namespaces(&mut family.steps);
            let only: Vec<String> =
                std::mem::take(&mut family.only).into_iter().map(|(_, only)| only).collect();
            let source = Source::Containers {
                through_api: true,
                folder: String::new(),
                exclude: Vec::new(),
                namespaces,
                only: (!only.is_empty()).then(|| only.join("; ")),
            };
            Reading::stored(world, source, family)
        })
        .collect()
}

/// The first limit of each kind, which the source itself can carry.
fn take_namespaces(steps: &mut Vec<Step>) -> NamespaceRule {
    let mut rule = NamespaceRule::default();
    steps.retain(|step| match &step.effect {
        Effect::Namespaces(more) if more.only.is_none() || rule.only.is_none() => {
            rule.except.extend(more.except.iter().cloned());
            rule.only = rule.only.take().or_else(|| more.only.clone());
            false
        }
        _ => true,
    });
    rule
}

/// Pods are picked by `PodLogs` objects of the cluster.
fn podlogs(world: &World<'_>, component: &Component<'_>) -> Reading {
    let mut only = "pods that a PodLogs object selects".to_owned();
    for name in ["selector", "namespace_selector"] {
        if component.block.body.block(name).is_some() {
            only.push_str(&format!("; of the objects only those of the {name}"));
        }
    }
    let mut family = Family::default();
    let node = component.block.body.block("node_filter");
    if let Some((value, at)) = node.and_then(|node| world.get(component, &node.body, "node_name"))
        && let Ok(name) = value.text()
        && !name.is_empty()
    {
        family.step(&at, "only pods of one node".into(), Effect::Unclear);
    }
    let source = Source::Containers {
        through_api: true,
        folder: String::new(),
        exclude: Vec::new(),
        namespaces: NamespaceRule::default(),
        only: Some(only),
    };
    Reading::stored(world, source, family)
}

fn events(world: &World<'_>, component: &Component<'_>) -> Reading {
    let only = world.get(component, &component.block.body, "namespaces").and_then(|(value, at)| {
        let matching = |pattern| NamespaceMatch { at: at.clone(), pattern };
        match value.texts() {
            Ok(names) if names.is_empty() => None,
            Ok(names) => Some(names.into_iter().map(|name| matching(Pattern::Name(name))).collect()),
            Err(why) => Some(vec![matching(Pattern::Unclear(why))]),
        }
    });
    let namespaces = NamespaceRule { only, except: Vec::new() };
    Reading::stored(world, Source::Events { namespaces, only_warnings: false }, Family::default())
}

fn journal(world: &World<'_>, component: &Component<'_>) -> Reading {
    let body = &component.block.body;
    let text = |name: &str| {
        let (value, at) = world.get(component, body, name)?;
        match value.text() {
            Ok(text) if text.is_empty() => None,
            Ok(text) => Some(Fact::at(text.clone(), Rank::Configured, at, format!("{name} {text}"))),
            Err(why) => Some(Fact::unknown(why)),
        }
    };
    let mut family = Family { open: Open::All, ..Family::default() };
    if let Some((value, at)) = world.get(component, body, "relabel_rules") {
        match &value {
            Value::Part(index, _) => {
                if let Some(other) = world.components.get(*index) {
                    family.relabel(&rules(world, other));
                }
            }
            _ => family.step(&at, "relabel_rules are not known".into(), Effect::Unclear),
        }
    }
    let limits = std::mem::take(&mut family.only)
        .into_iter()
        .map(|(at, only)| Fact::at(only.clone(), Rank::Configured, at, format!("keep {only}")));
    let only = text("matches").into_iter().chain(limits).collect();
    Reading::stored(world, Source::Journal { folder: text("path"), only }, family)
}

/// Unlike `loki.source.file` it remembers nothing unless it is given a storage.
fn filelog(world: &World<'_>, component: &Component<'_>) -> Reading {
    let body = &component.block.body;
    let globs = |name: &str| -> Vec<Glob> {
        let Some((value, at)) = world.get(component, body, name) else { return Vec::new() };
        match value.texts() {
            Ok(globs) => globs
                .into_iter()
                .map(|glob| Fact::at(glob.clone(), Rank::Configured, at.clone(), format!("{name} {glob}")))
                .collect(),
            Err(why) => vec![Fact::unknown(why)],
        }
    };
    let position = match world.get(component, body, "storage") {
        None => Fact::at(
            None,
            Rank::Configured,
            component.start(),
            "storage is not set; positions are kept in memory",
        ),
        Some((Value::Part(index, _), at)) => {
            let folder = world
                .components
                .get(index)
                .and_then(|other| world.get(other, &other.block.body, "directory"))
                .map(|(value, _)| value.text());
            match folder {
                Some(Ok(folder)) => {
                    Fact::at(Some(folder.clone()), Rank::Configured, at, format!("directory {folder}"))
                }
                Some(Err(why)) => Fact::unknown(why),
                None => storage(world.config).map(Some),
            }
        }
        Some(_) => Fact::unknown("the storage is not known"),
    };
    let mut family = Family::default();
    if let Some((value, at)) = world.get(component, body, "exclude_older_than")
        && value.text().is_ok_and(|age| !age.is_empty() && age != "0s")
    {
        family.step(&at, "exclude_older_than leaves old files out".into(), Effect::Skips);
    }
    if let Some((Value::List(operators), at)) = world.get(component, body, "operators") {
        for operator in &operators {
            self::operator(operator, &at, &mut family);
        }
    }
    let source = Source::Files { include: globs("include"), exclude: globs("exclude") };
    Reading { source, position: Some(position), family }
}

/// Operators that drop: `filter` always, others if they say so in `on_error`.
fn operator(operator: &Value, at: &str, family: &mut Family) {
    let Value::Object(fields) = operator else { return };
    let text = |name: &str| {
        fields
            .iter()
            .find(|(key, _)| key == name)
            .and_then(|(_, value)| value.text().ok())
            .unwrap_or_default()
    };
    if text("type") == "filter" {
        family.step(at, "the operator filter".into(), Effect::DropsSome);
    } else if text("on_error").starts_with("drop") {
        family.step(
            at,
            format!("the operator {} drops what it cannot read", text("type")),
            Effect::DropsSome,
        );
    } else if matches!(text("type").as_str(), "router" | "noop") {
        family.step(at, format!("the operator {}", text("type")), Effect::Unclear);
    }
}
