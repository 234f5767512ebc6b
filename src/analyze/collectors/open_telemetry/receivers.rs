//! Receivers: what is read, and whether the place in it is remembered.

use super::{kind_of, operators};
use crate::analyze::collectors::model::{
    Effect, Input, Listener, Marker, NamespaceMatch, NamespaceRule, OptOut, Pattern, Source, Step, port_of,
};
use crate::analyze::collectors::settings::{Setting, Settings};
use crate::analyze::fact::Fact;
use crate::document::yaml;

/// Where the extension `file_storage` keeps positions unless told (contrib: extension/storage/filestorage).
const DEFAULT_STORAGE: &str = "/var/lib/otelcol/file_storage";

/// The annotations by which pods are found (contrib: receiver/receivercreator, "generate receiver configurations").
const DISCOVERY: &str = "io.opentelemetry.discovery.logs/enabled";

/// An input before its ways are followed.
pub(super) struct Draft {
    pub(super) input: Input,
    pub(super) refusal: Refusal,
}

/// What happens to records that the pipeline refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// They are handed in again, or the sender is told.
    Retries,
    /// They are lost.
    Loses,
}

/// What a receiver reads; several inputs if it reads several kinds of things.
pub(super) fn inputs(id: &str, setting: &Setting<'_>, root: &Setting<'_>) -> Vec<Draft> {
    if let Some(why) = setting.why() {
        return vec![draft(
            id,
            setting,
            Source::Other(format!("{id}, which is not seen: {why}")),
            Refusal::Loses,
        )];
    }
    match kind_of(id).as_str() {
        "filelog" => vec![files(id, setting, root)],
        "journald" => vec![journal(id, setting, root)],
        "k8sevents" => vec![events(id, setting)],
        "k8sobjects" => objects(id, setting, root),
        "receivercreator" => created(id, setting, root),
        // It reads nothing: charts put it where a pipeline needs a receiver.
        "nop" => Vec::new(),
        "otlp" | "otelarrow" | "kafka" | "splunkhec" | "loki" | "signalfx" | "webhookevent" | "stef" => {
            vec![draft(id, setting, network(id, setting), Refusal::Retries)]
        }
        "syslog" | "tcplog" | "udplog" => {
            let mut one = draft(id, setting, network(id, setting), refusal(setting));
            one.input.steps = operators::steps(&setting.get("operators"));
            vec![one]
        }
        "fluentforward" => vec![draft(id, setting, network(id, setting), Refusal::Loses)],
        "windowseventlog" | "namedpipe" => {
            let mut one = draft(id, setting, Source::Other(plugin(id)), refusal(setting));
            one.input.steps = operators::steps(&setting.get("operators"));
            vec![one]
        }
        _ => vec![draft(id, setting, Source::Other(plugin(id)), Refusal::Loses)],
    }
}

fn plugin(id: &str) -> String {
    id.split('/').next().unwrap_or_default().to_owned()
}

fn network(id: &str, setting: &Setting<'_>) -> Source {
    Source::Network { protocol: plugin(id), listeners: listeners(id, setting) }
}

/// Where a receiver listens (core: config/configgrpc, config/confighttp; contrib: receiver).
fn listeners(id: &str, setting: &Setting<'_>) -> Vec<Listener> {
    let kind = kind_of(id);
    let below = |key: &str, protocols: &[(&str, u16)]| {
        let parts = setting.get(key).entries();
        let listener = |(name, part): (&str, Setting<'_>)| {
            let default = protocols.iter().find(|(protocol, _)| *protocol == name)?.1;
            Some(listener(&part, "endpoint", Some(default)))
        };
        parts.into_iter().filter_map(listener).collect()
    };
    match kind.as_str() {
        "otlp" => below("protocols", &[("grpc", 4317), ("http", 4318)]),
        "otelarrow" => below("protocols", &[("grpc", 4317)]),
        "loki" => below("protocols", &[("grpc", 3600), ("http", 3500)]),
        "kafka" => Vec::new(),
        "splunkhec" => vec![listener(setting, "endpoint", Some(8088))],
        "signalfx" => vec![listener(setting, "endpoint", Some(9943))],
        "webhookevent" | "fluentforward" => vec![listener(setting, "endpoint", None)],
        "tcplog" | "udplog" => vec![listener(setting, "listen_address", None)],
        "syslog" => ["tcp", "udp"]
            .into_iter()
            .map(|key| setting.get(key))
            .filter(Setting::is_present)
            .map(|part| listener(&part, "listen_address", None))
            .collect(),
        _ => vec![Listener::unread(id, &setting.place())],
    }
}

/// There is TLS where `tls` has anything.
fn listener(setting: &Setting<'_>, key: &str, default: Option<u16>) -> Listener {
    let address = setting.get(key);
    let tls = setting.get("tls");
    let port = match (address.text(), default) {
        // `${env:MY_POD_IP}:4317`
        (Err(_), _) if port_of(address.raw()).is_some() => {
            address.fact(address.raw().to_owned(), format!("{key} {}", address.raw()))
        }
        (Err(why), _) => Fact::unknown(why),
        (Ok(Some(text)), _) => address.fact(text.clone(), format!("{key} {text}")),
        (Ok(None), Some(port)) => {
            setting.fact(port.to_string(), format!("{key} is not set; the default port is {port}"))
        }
        (Ok(None), None) => Fact::unknown(format!("{key} is not set at {}", setting.place())),
    };
    let tls = match tls.why() {
        Some(why) => Fact::unknown(why),
        None if tls.is_set() => tls.fact(true, "tls is set"),
        None => setting.fact(false, "tls is not set"),
    };
    Listener::new(port, tls)
}

fn draft(id: &str, setting: &Setting<'_>, source: Source, refusal: Refusal) -> Draft {
    let input = Input {
        id: id.to_owned(),
        at: setting.place(),
        source,
        position: None,
        opt_outs: Vec::new(),
        steps: Vec::new(),
        routes: Fact::unknown("the ways from it are not followed"),
    };
    Draft { input, refusal }
}

/// Receivers built on Stanza hand refused records in again only if told to (contrib: consumerretry; off by default).
fn refusal(setting: &Setting<'_>) -> Refusal {
    match setting.find("retry_on_failure.enabled").flag(false).value() {
        Some(true) => Refusal::Retries,
        _ => Refusal::Loses,
    }
}

fn files(id: &str, setting: &Setting<'_>, root: &Setting<'_>) -> Draft {
    let source =
        Source::Files { include: setting.get("include").texts(), exclude: setting.get("exclude").texts() };
    let mut draft = draft(id, setting, source, refusal(setting));
    let start = match setting.get("start_at").plain().as_str() {
        "beginning" => "beginning",
        _ => "end",
    };
    draft.input.position = Some(position(&setting.get("storage"), start, root));
    draft.input.steps = file_steps(setting);
    draft
}

fn file_steps(setting: &Setting<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    let older = setting.get("exclude_older_than");
    if older.is_set() {
        let what = format!("files last changed more than {} ago are left out", older.plain());
        steps.push(Step { at: older.place(), what, effect: Effect::Skips });
    }
    let order = setting.get("ordering_criteria");
    if order.is_set() {
        let top = order.get("top_n").plain();
        let what =
            format!("only the first {} files in an order are read", if top.is_empty() { "1" } else { &top });
        steps.push(Step { at: order.place(), what, effect: Effect::DropsSome });
    }
    steps.extend(operators::steps(&setting.get("operators")));
    steps
}

/// Where a receiver keeps its position: in the storage extension it names, or in memory.
fn position(storage: &Setting<'_>, start: &str, root: &Setting<'_>) -> Fact<Option<String>> {
    let extension = match storage.text() {
        Err(why) => return Fact::unknown(why),
        Ok(None) => {
            let detail =
                format!("storage is not set: after a restart reading begins at the {start} of what is there");
            return storage.fact(None, detail);
        }
        Ok(Some(extension)) => extension,
    };
    let setting = root.get("extensions").get(&extension);
    if let Some(why) = setting.why() {
        return Fact::unknown(why);
    }
    if kind_of(&extension) != "filestorage" {
        return Fact::unknown(format!("positions are kept in {extension}, which is no folder"));
    }
    let directory = setting.get("directory");
    match directory.text() {
        Err(why) => Fact::unknown(why),
        Ok(Some(path)) => directory.fact(Some(path.clone()), format!("{extension}.directory {path}")),
        Ok(None) => {
            let detail = format!("{extension}.directory is not set; the default is {DEFAULT_STORAGE}");
            setting.fact(Some(DEFAULT_STORAGE.to_owned()), detail)
        }
    }
}

fn journal(id: &str, setting: &Setting<'_>, root: &Setting<'_>) -> Draft {
    let directory = setting.get("directory");
    let folder = directory.texts().into_iter().next();
    let mut only = Vec::new();
    for key in ["units", "identifiers", "grep", "namespace"] {
        only.extend(setting.get(key).texts());
    }
    let matches = setting.get("matches");
    if matches.is_set() {
        only.push(matches.fact("matches".to_owned(), "matches is set"));
    }
    let priority = setting.get("priority");
    if !matches!(priority.plain().as_str(), "" | "info" | "debug" | "6" | "7" | "0..6" | "0..7") {
        only.push(
            priority.fact(format!("priority {}", priority.plain()), format!("priority {}", priority.plain())),
        );
    }
    let dmesg = setting.get("dmesg");
    if dmesg.flag(false).value() == Some(&true) {
        only.push(dmesg.fact("dmesg".to_owned(), "dmesg true"));
    }
    let mut draft = draft(id, setting, Source::Journal { folder, only }, refusal(setting));
    let start = if setting.get("start_at").plain() == "beginning" { "beginning" } else { "end" };
    draft.input.position = Some(position(&setting.get("storage"), start, root));
    draft.input.steps = operators::steps(&setting.get("operators"));
    draft
}

fn only_namespaces(setting: &Setting<'_>) -> NamespaceRule {
    let names: Vec<NamespaceMatch> = setting
        .items()
        .iter()
        .map(|item| NamespaceMatch {
            at: item.place(),
            pattern: match item.text() {
                Ok(name) => Pattern::Name(name.unwrap_or_default()),
                Err(why) => Pattern::Unclear(why),
            },
        })
        .collect();
    NamespaceRule { only: (!names.is_empty()).then_some(names), except: Vec::new() }
}

/// The receiver `k8s_events` passes only events that are younger than its own start.
fn events(id: &str, setting: &Setting<'_>) -> Draft {
    let namespaces = only_namespaces(&setting.get("namespaces"));
    let mut draft = draft(id, setting, Source::Events { namespaces, only_warnings: false }, Refusal::Loses);
    let detail = "k8s_events has no storage: events from before its start are passed over";
    draft.input.position = Some(setting.fact(None, detail));
    draft
}

fn objects(id: &str, setting: &Setting<'_>, root: &Setting<'_>) -> Vec<Draft> {
    let list = setting.get("objects");
    let many = list.items().len() > 1;
    let one = |(index, object): (usize, Setting<'_>)| {
        let name = object.get("name").plain();
        let id = if many { format!("{id}.objects[{index}]") } else { id.to_owned() };
        if !name.eq_ignore_ascii_case("events") {
            return draft(&id, &object, Source::Other(format!("Kubernetes objects: {name}")), Refusal::Loses);
        }
        let selector = object.get("field_selector").plain();
        let source = Source::Events {
            namespaces: only_namespaces(&object.get("namespaces")),
            only_warnings: selector.replace("==", "=").contains("type=Warning"),
        };
        let mut draft = draft(&id, &object, source, Refusal::Loses);
        draft.input.position = Some(position(&setting.get("storage"), "beginning", root));
        let others = selector.split(',').any(|part| !part.is_empty() && !part.starts_with("type="));
        if others || object.get("label_selector").is_set() {
            let what = "only events that a selector chooses".to_owned();
            draft.input.steps.push(Step { at: object.place(), what, effect: Effect::DropsSome });
        }
        draft
    };
    list.items().into_iter().enumerate().map(one).collect()
}

/// The receiver `receiver_creator`: by annotations of pods, and by templates with rules.
fn created(id: &str, setting: &Setting<'_>, root: &Setting<'_>) -> Vec<Draft> {
    let mut drafts = Vec::new();
    let discovery = setting.get("discovery");
    if discovery.get("enabled").flag(false).value() != Some(&false) {
        drafts.push(discovered(id, &discovery, root));
    }
    for (name, template) in setting.get("receivers").entries() {
        let rule = template.get("rule").plain();
        let full = format!("{id}.{name}");
        let templated = inputs(name, &template.get("config"), root);
        for mut draft in templated {
            draft.input.id.clone_from(&full);
            draft.input.at = template.place();
            let what = format!("started only for what its rule chooses: {}", super::conditions::shown(&rule));
            draft.input.steps.push(Step {
                at: template.get("rule").place(),
                what,
                effect: Effect::DropsSome,
            });
            drafts.push(draft);
        }
    }
    drafts
}

fn discovered(id: &str, discovery: &Setting<'_>, root: &Setting<'_>) -> Draft {
    let annotations = discovery.get("default_annotations");
    let for_all = annotations.get(DISCOVERY).flag(false);
    let only = match for_all.value() {
        Some(true) => None,
        _ => Some(format!("pods with the annotation {DISCOVERY}=true")),
    };
    let source = Source::Containers {
        through_api: false,
        folder: "/var/log/pods".to_owned(),
        exclude: Vec::new(),
        namespaces: NamespaceRule::default(),
        only,
    };
    let mut draft = draft(id, discovery, source, Refusal::Loses);
    draft.input.opt_outs.push(OptOut {
        marker: Marker::Annotation,
        key: "io.opentelemetry.discovery.logs*".to_owned(),
        value: "false".to_owned(),
        on_namespaces: false,
        honoured: discovery.fact(true, "discovery.enabled true"),
    });
    let config = annotations.get("io.opentelemetry.discovery.logs/config");
    let defaults = defaults(&config);
    draft.input.position = Some(match &defaults {
        Some(defaults) => position(&defaults.root().get("storage"), "end", root),
        None => config.fact(None, "receivers made for pods have no storage unless an annotation gives one"),
    });
    if let Some(defaults) = &defaults {
        draft.refusal = refusal(&defaults.root());
        draft.input.steps = file_steps(&defaults.root());
    }
    draft
}

/// The configuration that receivers made for pods begin with: YAML in an annotation.
fn defaults(config: &Setting<'_>) -> Option<Settings> {
    let text = config.text().ok().flatten()?;
    let parsed = yaml::parse(&text);
    let tree = parsed.trees.into_iter().next()?;
    let value = tree.document("").value;
    Some(Settings::of_value(&value, &crate::document::Place::of(config.place()), ""))
}
