//! `HostTailer` and `EventTailer`: programs that write files of the node, the journal or events of the API to their own
//! standard output, so that they come in as logs of containers and get on by the flows that take these pods
//! (`pkg/resources/{hosttailer,eventtailer}`, `pkg/sdk/extensions`).

use super::super::fields::Fields;
use super::super::fluent_bit::lines;
use super::super::model::{Input, NamespaceRule, Pipeline, Source, Step};
use super::flows::Delivery;
use super::scope::Scope;
use super::selection::KnownPod;
use super::{EXTENSIONS, Wanted, known_routes};
use crate::analyze::fact::Fact;
use crate::snapshot::Resource;

/// The kinds of tailers of a `HostTailer`: the field that lists them, and how their inputs are called here.
const KINDS: [(&str, &str); 2] = [("fileTailers", "file"), ("systemdTailers", "systemd")];

/// The containers of a `HostTailer`, each with the input it runs.
pub(super) fn containers(tailer: &Resource) -> Vec<(String, String)> {
    let of_part = |(prefix, part): (&str, Fields<'_>)| {
        let name = part.text("name").unwrap_or_default();
        let input = format!("{prefix}.{}", title(tailer, &name));
        (name, input)
    };
    parts(tailer).into_iter().map(of_part).collect()
}

/// The tailers of a `HostTailer` that are on.
fn parts(tailer: &Resource) -> Vec<(&'static str, Fields<'_>)> {
    let spec = Fields::spec(tailer);
    let on = |part: &Fields<'_>| part.flag("disabled") != Some(true);
    let all = KINDS
        .iter()
        .flat_map(|(field, prefix)| spec.items(field).into_iter().map(move |part| (*prefix, part)));
    all.filter(|(_, part)| on(part)).collect()
}

fn title(tailer: &Resource, name: &str) -> String {
    format!("{}-host-tailer-{name}", tailer.name)
}

/// Reads the tailers that are wanted, with the ways on from `hop`, the output of an agent. Which `Logging` collects what they
/// write, its flows say.
pub(super) fn read(
    all: &[Resource],
    scope: &Scope<'_>,
    (delivery, hop): (&Delivery<'_>, Option<usize>),
    wanted: Wanted<'_>,
    pipeline: &mut Pipeline,
) {
    for tailer in all.iter().filter(|tailer| tailer.group == EXTENSIONS && wanted(tailer)) {
        let spec = Fields::spec(tailer);
        match tailer.kind.as_str() {
            "HostTailer" => {
                for (prefix, part) in parts(tailer) {
                    let name = title(tailer, &part.text("name").unwrap_or_default());
                    let pod = pod("host-tailer", &tailer.namespace, &name);
                    pipeline.inputs.push(Input {
                        id: format!("{prefix}.{name}"),
                        at: part.at(),
                        source: if prefix == "file" { file(&part) } else { journal(&part) },
                        position: Some(part.known(
                            "",
                            Some(format!("/var/pos/{name}.db")),
                            "the operator sets it, in a folder of the node",
                        )),
                        opt_outs: Vec::new(),
                        steps: long_lines(&part).filter(|_| prefix == "file").into_iter().collect(),
                        routes: routes(scope, delivery, hop, &pod),
                    });
                }
            }
            "EventTailer" => {
                let namespace = spec.text("controlNamespace").unwrap_or_default();
                let pod = pod("event-tailer", &namespace, "event-tailer");
                pipeline.inputs.push(Input {
                    id: format!("events.{}", tailer.name),
                    at: spec.at(),
                    source: Source::Events { namespaces: NamespaceRule::default(), only_warnings: false },
                    position: Some(event_position(&spec)),
                    opt_outs: Vec::new(),
                    steps: Vec::new(),
                    routes: routes(scope, delivery, hop, &pod),
                });
            }
            _ => {}
        }
    }
}

fn pod<'a>(app: &str, namespace: &'a str, container: &'a str) -> KnownPod<'a> {
    let label = |key: &str| (key.to_owned(), app.to_owned());
    KnownPod {
        namespace,
        labels: vec![label("app.kubernetes.io/name"), label("app.kubernetes.io/component")],
        open: &["app.kubernetes.io/instance", "app.kubernetes.io/managed-by", "app.kubernetes.io/part-of"],
        container,
    }
}

/// Agents read alike here: what the first of them sends is what gets on.
fn routes(
    scope: &Scope<'_>,
    delivery: &Delivery<'_>,
    hop: Option<usize>,
    pod: &KnownPod<'_>,
) -> Fact<Vec<super::Route>> {
    match hop {
        Some(hop) => delivery.routes(&[], hop, Some(pod)),
        None if scope.agents.is_empty() => known_routes(
            Vec::new(),
            scope.logging.at.clone(),
            "this Logging has no agent that reads the tailer's output",
        ),
        None => Fact::unknown("the agents' configuration is not seen"),
    }
}

fn file(part: &Fields<'_>) -> Source {
    let include = match part.text("path") {
        Some(path) => vec![part.known("path", path, "path")],
        None => Vec::new(),
    };
    Source::Files { include, exclude: Vec::new() }
}

fn journal(part: &Fields<'_>) -> Source {
    let folder = part.text("path").unwrap_or_else(|| "/var/log/journal".into());
    let filter = part.text("systemdFilter").map(|filter| {
        let condition = if filter.contains('=') { filter } else { format!("_SYSTEMD_UNIT={filter}") };
        part.known("systemdFilter", condition, "systemdFilter is set")
    });
    Source::Journal {
        folder: Some(part.known("path", folder, "the folder of the journal")),
        only: filter.into_iter().collect(),
    }
}

/// The operator lets long lines be skipped unless `skip_long_lines` says otherwise.
fn long_lines(part: &Fields<'_>) -> Option<Step> {
    let size = part.text("buffer_max_size").unwrap_or_else(|| lines::DEFAULT.to_owned());
    let size = part.known("buffer_max_size", size, "");
    lines::lost(
        size,
        &part.at_key("buffer_max_size"),
        Some(part.flag("skip_long_lines").unwrap_or(true)),
        false,
    )
}

fn event_position(spec: &Fields<'_>) -> Fact<Option<String>> {
    let path = Some("/var/pos/event-tailer".to_owned());
    match spec.get("positionVolume") {
        Some(volume) if volume.get("pvc").is_some() || volume.get("hostPath").is_some() => {
            volume.known("", path, "positionVolume is set")
        }
        Some(volume) => volume.known("", None, "positionVolume does not outlive the pod"),
        None => spec.known("", None, "positionVolume is not set; the default goes with the pod"),
    }
}
