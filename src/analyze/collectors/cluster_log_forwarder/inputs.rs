//! Inputs: the built-in `application`, `infrastructure` and `audit`, and those of the object's own.

use super::{list, name};
use crate::analyze::collectors::model::{
    Effect, Glob, Input, Listener, NamespaceMatch, NamespaceRule, Pattern, Source, Step,
};
use crate::analyze::collectors::vector::field::Field;
use crate::analyze::collectors::vector::kubernetes;
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// Inputs that need not be defined.
pub(super) const BUILTIN: [&str; 3] = ["application", "infrastructure", "audit"];

/// Namespaces of the platform: containers of all others are `application`.
const PLATFORM: [&str; 3] = ["default", "kube*", "openshift*"];

/// Where the runtime keeps the logs of containers.
const FOLDER: &str = "/var/log/pods";

/// Files not written to for this long are ignored (`audit.tuning.ignoreOlder`).
const IGNORE_OLDER: &str = "3600 seconds";

/// A built-in input, as one that reads everything of its type. It stands where it is named.
pub(super) fn builtin(reference: &Field<'_>, kind: &str, data_dir: &str) -> Vec<Input> {
    of_type(&At { field: reference, options: None, id: kind, data_dir }, kind)
}

/// An input with a definition. In the older form its type is the part that is given.
pub(super) fn custom(field: &Field<'_>, id: &str, is_older: bool, data_dir: &str) -> Vec<Input> {
    let kind = match name(field, "type") {
        "" if is_older => ["receiver", "application", "infrastructure", "audit"]
            .into_iter()
            .find(|part| field.get(part).is_some()),
        kind => Some(kind),
    };
    let kind = kind.unwrap_or_default();
    let options = if kind.is_empty() { None } else { field.get(kind) };
    of_type(&At { field, options, id, data_dir }, kind)
}

/// An input: where it stands, what it says under its type, its name.
struct At<'a> {
    field: &'a Field<'a>,
    options: Option<Field<'a>>,
    id: &'a str,
    data_dir: &'a str,
}

fn of_type(at: &At<'_>, kind: &str) -> Vec<Input> {
    match kind {
        "application" => vec![containers(at, "", "tuning", application(at))],
        "infrastructure" => infrastructure(at),
        "audit" => audit(at),
        "receiver" => vec![receiver(at)],
        "" => vec![at.input("", Source::Other("an input whose type is not given".to_owned()))],
        kind => vec![at.input("", Source::Other(kind.to_owned()))],
    }
}

impl At<'_> {
    fn input(&self, part: &str, source: Source) -> Input {
        let is_network = matches!(source, Source::Network { .. } | Source::Other(_));
        let position = || {
            let detail = "the operator mounts a folder of the node for positions";
            Fact::at(Some(self.data_dir.to_owned()), Rank::Configured, self.field.at(), detail)
        };
        let is_containers = matches!(source, Source::Containers { .. });
        let id = format!("inputs.{}", self.id);
        Input {
            id: if part.is_empty() { id } else { format!("{id}.{part}") },
            at: self.field.at(),
            source,
            position: (!is_network).then(position),
            opt_outs: if is_containers { kubernetes::opt_outs(self.field) } else { Vec::new() },
            steps: Vec::new(),
            routes: Fact::unknown("not followed"),
        }
    }

    fn get(&self, path: &str) -> Option<Field<'_>> {
        self.options.as_ref().and_then(|options| options.get(path))
    }

    /// What is read: the sources that are named, or all there are. Where each is said.
    fn sources(&self, all: &'static [&'static str]) -> Vec<(String, String)> {
        match self.get("sources") {
            Some(sources) if !sources.items().is_empty() => {
                sources.items().iter().map(|one| (one.text().to_owned(), one.at())).collect()
            }
            _ => all.iter().map(|one| ((*one).to_owned(), self.field.at())).collect(),
        }
    }
}

/// Containers, with what their tuning drops. `tuning` is the path of it.
fn containers(at: &At<'_>, part: &str, tuning: &str, source: Source) -> Input {
    let mut input = at.input(part, source);
    if let Some(rate) = at.get(&format!("{tuning}.rateLimitPerContainer.maxRecordsPerSecond")) {
        let limit = rate.scalar().unwrap_or_default();
        let what = format!("at most {limit} records a second of each container (rateLimitPerContainer)");
        let effect = if limit == "0" { Effect::DropsAll } else { Effect::Limits };
        input.steps.push(Step { at: rate.at(), what, effect });
    }
    if let Some(size) = at.get(&format!("{tuning}.maxMessageSize")) {
        let what = format!(
            "messages above {} bytes are dropped (maxMessageSize)",
            size.scalar().unwrap_or_default()
        );
        input.steps.push(Step { at: size.at(), what, effect: Effect::Skips });
    }
    input
}

fn matching(at: &str, pattern: &str) -> NamespaceMatch {
    let text = pattern.to_owned();
    let pattern = if text.contains(['*', '?']) { Pattern::Glob(text) } else { Pattern::Name(text) };
    NamespaceMatch { at: at.to_owned(), pattern }
}

fn platform(at: &str) -> Vec<NamespaceMatch> {
    PLATFORM.iter().map(|namespace| matching(at, namespace)).collect()
}

/// Containers of workloads: all namespaces but the platform's, unless `includes` names one of those.
fn application(at: &At<'_>) -> Source {
    let place = at.field.at();
    let mut rule = NamespaceRule::default();
    let mut only = Vec::new();
    let mut exclude: Vec<Glob> = Vec::new();
    let mut names_platform = false;
    let older = at.get("namespaces").map(|names| names.items()).unwrap_or_default();
    let includes = at.options.as_ref().map(|options| list(options, "includes")).unwrap_or_default();
    let mut included: Vec<NamespaceMatch> = older.iter().map(|one| matching(&one.at(), one.text())).collect();
    for one in &older {
        names_platform |= is_platform(one.text());
    }
    for include in &includes {
        let (namespace, container) = namespace_and_container(include);
        names_platform |= is_platform(namespace);
        included.push(matching(&include.at(), namespace));
        if container != "*" {
            only.push(format!("containers {container} in namespaces {namespace}"));
        }
    }
    if !included.is_empty() {
        rule.only = Some(included);
    }
    for one in at.get("excludeNamespaces").iter().flat_map(Field::items) {
        rule.except.push(matching(&one.at(), one.text()));
    }
    for one in at.options.iter().flat_map(|options| list(options, "excludes")) {
        let (namespace, container) = namespace_and_container(&one);
        if container == "*" {
            rule.except.push(matching(&one.at(), namespace));
        } else {
            let glob = format!("/var/log/pods/{namespace}_*/{container}/*.log");
            exclude.push(Fact::at(glob, Rank::Configured, one.at(), "excludes names a container"));
        }
    }
    if !names_platform {
        rule.except.extend(platform(&place));
    }
    if at.get("selector").is_some_and(|selector| !selector.entries().is_empty()) {
        only.push("pods that its selector matches".to_owned());
    }
    let only = (!only.is_empty()).then(|| only.join("; "));
    Source::Containers { through_api: false, folder: FOLDER.to_owned(), exclude, namespaces: rule, only }
}

fn namespace_and_container<'a>(field: &Field<'a>) -> (&'a str, &'a str) {
    let or_all = |text: &'a str| if text.is_empty() { "*" } else { text };
    (or_all(name(field, "namespace")), or_all(name(field, "container")))
}

/// Whether a pattern is for namespaces of the platform.
fn is_platform(pattern: &str) -> bool {
    pattern == "default" || pattern.starts_with("kube") || pattern.starts_with("openshift")
}

fn infrastructure(at: &At<'_>) -> Vec<Input> {
    at.sources(&["container", "node"])
        .into_iter()
        .map(|(source, place)| match source.as_str() {
            "container" => {
                let namespaces = NamespaceRule { only: Some(platform(&place)), except: Vec::new() };
                let source = Source::Containers {
                    through_api: false,
                    folder: FOLDER.to_owned(),
                    exclude: own_logs(&place),
                    namespaces,
                    only: None,
                };
                containers(at, "container", "tuning.container", source)
            }
            "node" => {
                let folder = "/var/log/journal".to_owned();
                let folder = Fact::at(folder, Rank::Configured, place, "the journal of the node");
                at.input("node", Source::Journal { folder: Some(folder), only: Vec::new() })
            }
            other => at.input(other, Source::Other(other.to_owned())),
        })
        .collect()
}

/// Logs of the logging stack itself, which would feed on themselves.
fn own_logs(at: &str) -> Vec<Glob> {
    ["gateway", "loki*", "opa"]
        .into_iter()
        .map(|container| {
            let glob = format!("/var/log/pods/openshift-logging_*/{container}/*.log");
            Fact::at(glob, Rank::Configured, at, "the operator leaves out the logs of the logging stack")
        })
        .collect()
}

fn audit(at: &At<'_>) -> Vec<Input> {
    let older = at.get("tuning.ignoreOlder");
    let limit =
        older.as_ref().map_or_else(|| IGNORE_OLDER.to_owned(), |set| set.scalar().unwrap_or_default());
    let step = Step {
        at: older.map_or_else(|| at.field.at(), |set| set.at()),
        what: format!("files not written to for {limit} are ignored at a start (ignoreOlder)"),
        effect: Effect::Skips,
    };
    at.sources(&["auditd", "kubeAPI", "openshiftAPI", "ovn"])
        .into_iter()
        .map(|(source, place)| {
            let read = match (source.as_str(), audit_logs(&source)) {
                ("auditd", _) => Source::KernelAudit,
                (other, []) => Source::Other(other.to_owned()),
                (_, logs) => Source::Files {
                    include: logs
                        .iter()
                        .map(|log| {
                            let detail = format!("the audit source {source} is {log} of the node");
                            Fact::at((*log).to_owned(), Rank::Configured, &*place, detail)
                        })
                        .collect(),
                    exclude: Vec::new(),
                },
            };
            Input { steps: vec![step.clone()], ..at.input(&source, read) }
        })
        .collect()
}

/// The files that an audit source is read from, wherever the servers write theirs.
fn audit_logs(source: &str) -> &'static [&'static str] {
    match source {
        "kubeAPI" => &["/var/log/kube-apiserver/audit.log"],
        "openshiftAPI" => &[
            "/var/log/oauth-apiserver/audit.log",
            "/var/log/openshift-apiserver/audit.log",
            "/var/log/oauth-server/audit.log",
        ],
        "ovn" => &["/var/log/ovn/acl-audit-log.log"],
        _ => &[],
    }
}

fn receiver(at: &At<'_>) -> Input {
    let kind = at.options.as_ref().map_or("", |options| name(options, "type"));
    let kind = match kind {
        "" if at.get("syslog").is_some() => "syslog",
        "" => "http",
        kind => kind,
    };
    let listener = Listener::unread(at.id, &at.field.at());
    at.input("", Source::Network { protocol: kind.to_owned(), listeners: vec![listener] })
}
