//! `FluentbitAgent`, and `spec.fluentbit` of a `Logging`: Fluent Bit on the nodes
//! (`pkg/resources/fluentbit`, `pkg/sdk/logging/api/v1beta1/logging_types.go: FluentBitDefaults`).

use super::super::fields::Fields;
use super::super::fluent_bit::{self, lines};
use super::super::model::{
    Buffer, Effect, Input, NamespaceMatch, NamespaceRule, OptOut, Output, Pattern, Pipeline, Receiver, Retry,
    Source, Step, Unread, WhenFull,
};
use super::Wanted;
use super::flows::Delivery;
use super::scope::{Agent, Aggregator, Scope};
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// Reads the agents of a scope: an output to the aggregator for each, and an input for each that is wanted. What comes back
/// is the first of the outputs.
pub(super) fn read(
    scope: &Scope<'_>,
    delivery: &Delivery<'_>,
    wanted: Wanted<'_>,
    pipeline: &mut Pipeline,
) -> Option<usize> {
    let mut first = None;
    for agent in &scope.agents {
        let (spec, wanted) = (&agent.spec, wanted(agent.of));
        if let Some(secret) = spec.get("customConfigSecret") {
            pipeline.unread.extend(wanted.then(|| Unread {
                at: secret.at(),
                why: "customConfigSecret replaces the agent's configuration by one from a Secret, which is not read".into(),
            }));
            continue;
        }
        pipeline.outputs.push(hop(scope, agent));
        let output = pipeline.outputs.len() - 1;
        first.get_or_insert(output);
        if !wanted {
            continue;
        }
        pipeline.inputs.push(Input {
            id: format!("tail.{}", agent.of.name),
            at: spec.at_key("inputTail"),
            source: source(agent),
            position: Some(position(agent)),
            opt_outs: vec![opt_out(spec)],
            steps: input_steps(agent),
            routes: delivery.routes(&filters(spec), output, None),
        });
        add_metrics(pipeline, metrics(spec, "Fluent Bit"));
        if let Aggregator::Fluentd(spec) | Aggregator::SyslogNg(spec) = &scope.aggregator {
            add_metrics(pipeline, metrics(spec, "the aggregator"));
        }
    }
    first
}

fn add_metrics(pipeline: &mut Pipeline, more: Fact<bool>) {
    pipeline.own_metrics = Some(match pipeline.own_metrics.take() {
        Some(so_far) => so_far.and(more),
        None => more,
    });
}

/// On if `enabled`, or without it if a port or a path is set (`Metrics.IsEnabled`).
fn metrics(spec: &Fields<'_>, whose: &str) -> Fact<bool> {
    let Some(metrics) = spec.get("metrics") else {
        return spec.known("", false, format!("metrics of {whose} are not set; the default is off"));
    };
    if metrics.get("enabled").is_some() {
        return metrics.flag_or("enabled", false);
    }
    let on = metrics.get("port").is_some() || metrics.get("path").is_some();
    let how = if on { "have a port or a path" } else { "are not enabled" };
    metrics.known("", on, format!("metrics of {whose} {how}"))
}

fn tail<'a>(agent: &Agent<'a>) -> Fields<'a> {
    agent.spec.get("inputTail").unwrap_or_else(|| agent.spec.clone())
}

fn source(agent: &Agent<'_>) -> Source {
    let tail = tail(agent);
    let globs = |key: &str| -> Vec<Fact<String>> {
        let parts = tail.list(key).into_iter();
        parts.map(|(glob, at)| Fact::at(glob, Rank::Configured, at, key)).collect()
    };
    let mut include = globs("Path");
    if agent.tenant.is_some() {
        include = vec![Fact::at(
            "/var/log/containers/*.log".to_owned(),
            Rank::Configured,
            tail.at(),
            "the path of agents that read for tenants",
        )];
    }
    if let Some((namespaces, at)) = &agent.namespaces {
        let glob = |namespace| format!("/var/log/containers/*_{namespace}_*.log");
        let fact = |namespace| {
            Fact::at(glob(namespace), Rank::Configured, at.clone(), "the namespaces of the tenant")
        };
        include = namespaces.iter().map(fact).collect();
    }
    if include.is_empty() {
        include.push(tail.known(
            "Path",
            "/var/log/containers/*.log".to_owned(),
            "Path is not set; this is the default",
        ));
    }
    Source::Files { include, exclude: globs("Exclude_Path") }
}

/// `/tail-db/tail-containers-state.db`, in a folder of the node unless `positiondb` says otherwise.
fn position(agent: &Agent<'_>) -> Fact<Option<String>> {
    let tail = tail(agent);
    if let Some(volume) = agent.spec.get("positiondb").filter(|volume| volume.get("emptyDir").is_some()) {
        return volume.known("emptyDir", None, "positiondb is an emptyDir, which goes with the pod");
    }
    if let Some(tenant) = &agent.tenant {
        let path = format!("/tail-db/tail-containers-state-{tenant}.db");
        return tail.known("", Some(path), "the position file of agents that read for tenants");
    }
    match tail.value().get("DB") {
        Some(value) if value.as_str() == Some("") => tail.known("DB", None, "DB is empty"),
        Some(_) => tail.known("DB", tail.text("DB"), "DB is set"),
        None => tail.known(
            "DB",
            Some("/tail-db/tail-containers-state.db".into()),
            "DB is not set; this is the default",
        ),
    }
}

/// `fluentbit.io/exclude` is honoured unless `K8S-Logging.Exclude` is off or the filter is.
fn opt_out(spec: &Fields<'_>) -> OptOut {
    let honoured = if spec.flag("disableKubernetesFilter") == Some(true) {
        spec.known("disableKubernetesFilter", false, "disableKubernetesFilter on")
    } else {
        match spec.get("filterKubernetes") {
            Some(filter) => filter.flag_or("K8S-Logging.Exclude", true),
            None => spec.known("", true, "K8S-Logging.Exclude is not set; the operator's default is on"),
        }
    };
    fluent_bit::opt_out(honoured)
}

fn input_steps(agent: &Agent<'_>) -> Vec<Step> {
    let tail = tail(agent);
    let step = |key: &str, what: String, effect| Step { at: tail.at_key(key), what, effect };
    let mut steps = Vec::new();
    if let Some(age) = tail.text("Ignore_Older") {
        steps.push(step(
            "Ignore_Older",
            format!("files not written to for {age} are ignored"),
            Effect::Skips,
        ));
    }
    let size = tail.text("Buffer_Max_Size").unwrap_or_else(|| lines::DEFAULT.to_owned());
    let size = tail.known("Buffer_Max_Size", size, "");
    let skips = Some(tail.flag("Skip_Long_Lines").unwrap_or(false));
    steps.extend(lines::lost(size, &tail.at_key("Buffer_Max_Size"), skips, true));
    if let Some((namespaces, at)) = &agent.namespaces {
        let matched = |name: &String| NamespaceMatch { at: at.clone(), pattern: Pattern::Name(name.clone()) };
        let rule = NamespaceRule { only: Some(namespaces.iter().map(matched).collect()), except: Vec::new() };
        let what = "only the namespaces of the tenant".into();
        steps.push(Step { at: at.clone(), what, effect: Effect::Namespaces(rule) });
    }
    steps
}

/// `filterGrep`, before anything else.
fn filters(spec: &Fields<'_>) -> Vec<Step> {
    let Some(grep) = spec.get("filterGrep") else { return Vec::new() };
    let mut steps = Vec::new();
    for (key, what) in [("Regex", "keeps"), ("Exclude", "drops")] {
        for (rule, at) in grep.list(key) {
            steps.push(Step { at, what: format!("grep {what} {rule}"), effect: Effect::DropsSome });
        }
    }
    steps
}

/// The agent's own output.
fn hop(scope: &Scope<'_>, agent: &Agent<'_>) -> Output {
    let spec = &agent.spec;
    let to_fluentd = matches!(scope.aggregator, Aggregator::Fluentd(_));
    let (id, protocol, host) = match scope.aggregator {
        Aggregator::Fluentd(_) => ("forward", "forward", scope.service("fluentd", 24240)),
        Aggregator::SyslogNg(_) => ("tcp", "tcp", scope.service("syslog-ng", 601)),
        Aggregator::None => ("none", "none", None),
    };
    let hosts = match (spec.text("targetHost"), to_fluentd, &scope.aggregator) {
        (_, _, Aggregator::None) => spec.known("", Vec::new(), "there is no aggregator"),
        (Some(target), true, _) if agent.tenant.is_none() => {
            let port = spec.text("targetPort").unwrap_or_else(|| "24240".into());
            spec.known("targetHost", vec![format!("{target}:{port}")], "targetHost is set")
        }
        _ => match host {
            Some(host) => spec.known("", vec![host], "the Service of the aggregator"),
            None => Fact::unknown("controlNamespace, where the aggregator runs, is not set"),
        },
    };
    let encrypted = match spec.get("tls") {
        Some(tls) if to_fluentd => tls.flag_or("enabled", false),
        _ if to_fluentd => spec.known("", false, "tls is not set; the default is off"),
        _ => spec.known("", false, "agents send to syslog-ng over plain TCP"),
    };
    let verified = (encrypted.value() == Some(&true))
        .then(|| spec.known("tls", false, "the operator turns tls.verify off"));
    let retry = retry(spec, to_fluentd);
    Output {
        id: format!("{id}.{}", agent.of.name),
        at: spec.at(),
        receiver: if matches!(scope.aggregator, Aggregator::None) {
            Receiver::Nothing
        } else {
            Receiver::Hop(protocol.into())
        },
        hosts,
        authenticated: encrypted.clone(),
        tls: encrypted,
        verified,
        buffer: buffer(agent),
        retry,
        when_full: spec.known("", WhenFull::Waits, "reading from files pauses when the buffer is full"),
    }
}

/// `storage.type` memory; with filesystem in `/buffers`, in a folder of the node unless `bufferStorageVolume` says
/// otherwise.
fn buffer(agent: &Agent<'_>) -> Fact<Buffer> {
    let tail = tail(agent);
    if tail.text("storage.type").as_deref() != Some("filesystem") {
        let detail = tail
            .text("storage.type")
            .map_or("storage.type is not set; the default is memory", |_| "storage.type memory");
        return tail.known("storage.type", Buffer::Memory, detail);
    }
    if let Some(volume) =
        agent.spec.get("bufferStorageVolume").filter(|volume| volume.get("emptyDir").is_some())
    {
        return volume.known(
            "emptyDir",
            Buffer::Memory,
            "bufferStorageVolume is an emptyDir, which goes with the pod",
        );
    }
    let folder = agent.spec.get("bufferStorage").and_then(|storage| storage.text("storage.path"));
    let folder = folder.unwrap_or_else(|| "/buffers".into());
    tail.known("storage.type", Buffer::Disk(Some(folder)), "storage.type filesystem")
}

/// To Fluentd the operator's default is for ever; to syslog-ng Fluent Bit's own, one retry.
fn retry(spec: &Fields<'_>, to_fluentd: bool) -> Fact<Retry> {
    let part = if to_fluentd { "forwardOptions" } else { "syslogng_output" };
    let options = spec.get(part);
    let limit = options.as_ref().and_then(|options| options.text("Retry_Limit"));
    let fields = options.as_ref().unwrap_or(spec);
    match limit.as_deref().map(str::to_ascii_lowercase).as_deref() {
        Some("false" | "no_limits" | "off" | "no") => {
            fields.known("Retry_Limit", Retry::Forever, "Retry_Limit is off")
        }
        Some("no_retries") => fields.known("Retry_Limit", Retry::Never, "Retry_Limit no_retries"),
        Some(times) => fields.known(
            "Retry_Limit",
            Retry::Limited(format!("{times} retries")),
            format!("Retry_Limit {times}"),
        ),
        None if to_fluentd => {
            fields.known("", Retry::Forever, "Retry_Limit is not set; the operator's default is no limit")
        }
        None => {
            fields.known("", Retry::Limited("1 retry".into()), "Retry_Limit is not set; the default is 1")
        }
    }
}
