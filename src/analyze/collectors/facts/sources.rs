//! The sources of logs, and how far what arises there comes.

use schemars::JsonSchema;
use serde::Serialize;

use super::coverage::{Arises, Coverage, coverage};
use super::{Collector, Instances, Snapshot};
use crate::analyze::apiserver::audit::Paths;
use crate::analyze::apiserver::instances::Instance;
use crate::analyze::collectors::chain::{ANY_LENGTH, Links, Target, follow};
use crate::analyze::collectors::model::{Effect, Marker, Pattern, Pipeline, Source};
use crate::analyze::collectors::paths;
use crate::analyze::fact::Fact;
use crate::snapshot::{GapReason, Medium, Mount, Reading, Scope};
use crate::verdict::{Evidence, Rank};

/// A source of logs, and the links from it to where they end up. A link is told only for what passed the one before.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogSource {
    /// What it is: `container logs`, `audit log of kube-apiserver-cp1`.
    pub name: String,
    /// The kind: `containers`, `control-plane`, `audit`, `journal`, `events`.
    pub kind: String,
    /// Nodes on which it arises; 0 for events, which come through the API.
    pub nodes: Fact<i64>,
    /// Nodes on which a collector takes it in.
    pub covered: Fact<i64>,
    /// The other nodes, by class and reason; empty if there are none.
    pub missed: Fact<String>,
    /// How far it comes.
    #[serde(flatten)]
    pub links: Links,
    /// Namespaces of which nothing is shipped, though something is of others; only for `containers`.
    pub lost_namespaces: Fact<Vec<String>>,
    /// Workloads and namespaces that withdraw by a label or annotation which a collector honours; only for `containers`.
    pub opted_out: Fact<Vec<String>>,
}

/// Every source.
pub(super) fn sources(
    snapshot: &Snapshot,
    instances: &Instances,
    collectors: &[Collector<'_>],
    unseen: Option<&str>,
) -> Fact<Vec<LogSource>> {
    let scene = Scene { snapshot, collectors, unseen };
    let mut list = vec![scene.containers()];
    list.extend(scene.control_plane());
    for instance in &instances.list {
        list.push(scene.audit(instance));
    }
    list.push(scene.source("journal of the nodes", "journal", &Target::Journal, Some(Arises::Everywhere)));
    let mut events = scene.source("Kubernetes events", "events", &Target::Events, None);
    for links in super::exporters::ways(snapshot, collectors) {
        events.links = events.links.or(links);
    }
    list.push(events);
    Fact::known(list, Rank::Evaluated, Vec::new())
}

/// How far something comes with all collectors together.
pub(crate) fn links(snapshot: &Snapshot, collectors: &[Collector<'_>], target: &Target) -> Links {
    let unseen = super::unseen(snapshot);
    Scene { snapshot, collectors, unseen: unseen.as_deref() }.links(target)
}

struct Scene<'a> {
    snapshot: &'a Snapshot,
    collectors: &'a [Collector<'a>],
    unseen: Option<&'a str>,
}

/// The name of the source that the control plane's own containers are.
const CONTROL_PLANE: &str = "container logs of the control plane";

/// A pod of an application.
fn application(namespace: &str) -> Target {
    Target::Containers {
        namespace: namespace.into(),
        pod: "web-7d4b9c6f5-x2x7k".into(),
        container: "web".into(),
        exact: false,
    }
}

/// The same pods, and no others that they might stand for.
fn exactly(mut target: Target) -> Target {
    if let Target::Containers { exact, .. } = &mut target {
        *exact = true;
    }
    target
}

/// The pod of an apiserver on a node.
fn apiserver(node: &str) -> Target {
    Target::Containers {
        namespace: "kube-system".into(),
        pod: format!("kube-apiserver-{node}"),
        container: "kube-apiserver".into(),
        exact: true,
    }
}

impl Scene<'_> {
    fn source(&self, name: &str, kind: &str, target: &Target, arises: Option<Arises>) -> LogSource {
        let coverage = match (self.unseen, arises) {
            (Some(reason), Some(_)) => unknown_coverage(reason),
            (None, Some(arises)) => coverage(self.snapshot, self.collectors, target, arises),
            (_, None) => {
                Coverage { nodes: constant(0), covered: constant(0), missed: constant(String::new()) }
            }
        };
        LogSource {
            name: name.into(),
            kind: kind.into(),
            nodes: coverage.nodes,
            covered: coverage.covered,
            missed: coverage.missed,
            links: self.links(target),
            lost_namespaces: constant(Vec::new()),
            opted_out: constant(Vec::new()),
        }
    }

    /// How far something comes; what collectors that were not seen might do is unknown.
    fn links(&self, target: &Target) -> Links {
        let found = if self.unseen.is_none() { follow(self.snapshot, self.collectors, target) } else { None };
        // That nothing in the files reads the journal or events does not say that nothing in the cluster does.
        if self.snapshot.scope == Scope::Manifests
            && matches!(target, Target::Journal | Target::Events)
            && found.as_ref().is_none_or(|links| links.read.value() == Some(&false))
        {
            return Links::all(&Fact::unknown(
                "nothing in the input takes this in, which in files proves nothing; add what does with -f, or run against the cluster",
            ));
        }
        found.unwrap_or_else(|| {
            Links::all(&match (self.unseen, self.snapshot.scope) {
                (Some(reason), _) => Fact::unknown(reason),
                (None, Scope::Manifests) if self.collectors.is_empty() => {
                    Fact::unknown(super::NO_COLLECTOR_GIVEN)
                }
                (None, _) => Fact::at(
                    false,
                    Rank::Evaluated,
                    "the DaemonSets of the cluster",
                    "none of them is a collector that takes this in",
                ),
            })
        })
    }

    fn containers(&self) -> LogSource {
        let mut source = self.source(
            "container logs",
            "containers",
            &application(&self.shipped_namespace()),
            Some(Arises::Everywhere),
        );
        source.lost_namespaces = self.lost_namespaces(&source.links.shipped);
        source.opted_out = self.opted_out();
        source
    }

    /// The namespace that stands for the others: one that is shipped if there is one, so that what is left out for some is
    /// not said of all.
    fn shipped_namespace(&self) -> String {
        let known = self.snapshot.namespaces.value().into_iter().flatten();
        let known = known.map(|namespace| namespace.name.clone()).filter(|name| !name.starts_with("kube-"));
        // A rule that names namespaces says that there are such.
        let named =
            self.collectors.iter().filter_map(|one| one.pipeline.as_ref().ok()).flat_map(named_namespaces);
        let fallback = "default".to_owned();
        std::iter::once(fallback.clone())
            .chain(known)
            .chain(named)
            .find(|name| self.links(&application(name)).shipped.value() == Some(&true))
            .unwrap_or(fallback)
    }

    /// The logs of the control plane's own containers, where it runs in pods.
    fn control_plane(&self) -> Option<LogSource> {
        let pods = match self.snapshot.pods.as_result() {
            Ok(pods) if pods.is_empty() => return None,
            Ok(pods) => pods,
            Err(gap) if gap.reason == GapReason::NotAsked => return None,
            // There may be some: what becomes of their logs is not known.
            Err(gap) => return Some(self.unknown(CONTROL_PLANE, "control-plane", &gap.to_string())),
        };
        let node = pods.iter().find_map(|pod| pod.node_name.as_deref()).unwrap_or("cp1");
        Some(self.source(CONTROL_PLANE, "control-plane", &apiserver(node), Some(Arises::ControlPlane)))
    }

    /// A source of which nothing is known.
    fn unknown(&self, name: &str, kind: &str, reason: &str) -> LogSource {
        let mut source = self.source(name, kind, &Target::Events, None);
        source.links = Links::all(&Fact::unknown(reason));
        (source.nodes, source.covered, source.missed) =
            (Fact::unknown(reason), Fact::unknown(reason), Fact::unknown(reason));
        source
    }

    fn audit(&self, instance: &Instance) -> LogSource {
        let name = format!("audit log of {}", instance.name);
        // A path that comes from a variable is not shown, and so not followed.
        let path = instance.flags.shown_text("audit-log-path");
        let unknown = |reason: &str| self.unknown(&name, "audit", reason);
        let known = match path {
            Fact::Unknown(reason) => return unknown(&reason.reason),
            Fact::Known(known) => known,
        };
        let place =
            known.evidence.first().map_or_else(|| instance.name.clone(), |evidence| evidence.at.clone());
        let target = match known.value.as_str() {
            "" | "/dev/null" => {
                return self.none_written(&name, &instance.flags.text("audit-webhook-config-file"), &place);
            }
            "-" | "/dev/stdout" | "/dev/stderr" => {
                apiserver(instance.name.strip_prefix("kube-apiserver-").unwrap_or(&instance.name))
            }
            path => match lies(&instance.paths, path) {
                Lies::OnNode(path) => Target::File { path, is_audit: true },
                Lies::Unknown(reason) => return unknown(&reason),
                Lies::InEmptyDir(mount) if self.reads_empty_dirs() => {
                    return unknown(&format!(
                        "the audit log lies on an emptyDir ({}), and whether a collector reads that one is not told",
                        mount.at
                    ));
                }
                Lies::InEmptyDir(Mount { at, .. }) => {
                    return self.out_of_reach(
                        &name,
                        at,
                        "the audit log lies on an emptyDir, which only its own pod sees",
                    );
                }
                Lies::InContainer => {
                    let why =
                        "the audit log lies in the apiserver's container itself, where nothing else sees it";
                    return self.out_of_reach(&name, &place, why);
                }
            },
        };
        let mut source = self.source(&name, "audit", &target, Some(Arises::ControlPlane));
        source.links.longest_line = cut_to_fit(instance, source.links.longest_line);
        source
    }

    /// An audit log that no collector can take in.
    fn out_of_reach(&self, name: &str, at: &str, why: &str) -> LogSource {
        let mut source = self.source(name, "audit", &Target::Events, None);
        source.links = Links::all(&Fact::at(false, Rank::Evaluated, at, why));
        source
    }

    /// Whether a collector reads what lies on emptyDirs, by their folders of the node.
    fn reads_empty_dirs(&self) -> bool {
        let inputs =
            self.collectors.iter().filter_map(|one| one.pipeline.as_ref().ok()).flat_map(|one| &one.inputs);
        inputs
            .filter_map(|input| match &input.source {
                Source::Files { include, .. } => Some(include),
                _ => None,
            })
            .flatten()
            .any(|glob| {
                glob.value().is_none_or(|glob| glob.contains("empty-dir") || glob.contains("/kubelet/pods"))
            })
    }

    /// An apiserver that writes no audit log: what its webhook is sent to may be outside, which its own file says.
    fn none_written(&self, name: &str, webhook: &Fact<String>, place: &str) -> LogSource {
        let mut source = self.source(name, "audit", &Target::Events, None);
        let fact = match webhook.value().map(String::as_str) {
            Some("") => {
                Fact::at(false, Rank::Evaluated, place, "no audit log is written, and no webhook is set")
            }
            Some(_) => Fact::unknown(
                "the audit log goes to a webhook, and where that is stands in a file on the node, which is not read",
            ),
            None => Fact::unknown(webhook.reason().unwrap_or_default()),
        };
        source.links = Links::all(&fact);
        source
    }

    /// Namespaces that are left out.
    fn lost_namespaces(&self, shipped: &Fact<bool>) -> Fact<Vec<String>> {
        let namespaces = match &self.snapshot.namespaces {
            Reading::Read { value } => value,
            Reading::Missing { gap } => return Fact::unknown(gap.to_string()),
        };
        if let Some(reason) = self.unseen {
            return Fact::unknown(reason);
        }
        if shipped.value() == Some(&false) {
            return constant(Vec::new());
        }
        let tried = Evidence { at: "the namespaces".into(), detail: format!("{} tried", namespaces.len()) };
        let (mut lost, mut evidence, mut doubt) = (Vec::new(), vec![tried], None);
        for namespace in namespaces {
            match self.links(&exactly(application(&namespace.name))).shipped {
                Fact::Known(known) if !known.value => {
                    lost.push(namespace.name.clone());
                    evidence.extend(known.evidence);
                }
                Fact::Known(_) => {}
                Fact::Unknown(unknown) => doubt = Some(unknown.reason),
            }
        }
        evidence.sort_by(|a: &Evidence, b| (&a.at, &a.detail).cmp(&(&b.at, &b.detail)));
        evidence.dedup();
        match doubt {
            // What is lost is certain; what is not told would only add to it.
            Some(reason) if lost.is_empty() => Fact::unknown(reason),
            _ => Fact::known(lost, Rank::Evaluated, evidence),
        }
    }

    /// Who withdraws.
    fn opted_out(&self) -> Fact<Vec<String>> {
        if let Some(reason) = self.unseen {
            return Fact::unknown(reason);
        }
        let inputs =
            self.collectors.iter().filter_map(|one| one.pipeline.as_ref().ok()).flat_map(|one| &one.inputs);
        let inputs =
            inputs.filter(|input| matches!(input.source, Source::Files { .. } | Source::Containers { .. }));
        let (mut who, mut evidence) = (Vec::new(), Vec::new());
        for opt_out in inputs.flat_map(|input| &input.opt_outs) {
            match &opt_out.honoured {
                Fact::Known(known) if !known.value => continue,
                Fact::Known(_) => {}
                Fact::Unknown(unknown) => return Fact::unknown(unknown.reason.clone()),
            }
            let carries = |entries: &std::collections::BTreeMap<String, String>| {
                entries.iter().any(|(key, value)| {
                    let same = match opt_out.key.split_once('*') {
                        Some((beginning, end)) => {
                            key.strip_prefix(beginning).is_some_and(|rest| rest.ends_with(end))
                        }
                        None => *key == opt_out.key,
                    };
                    same && (opt_out.value == "*" || *value == opt_out.value)
                })
            };
            let mut add = |name: String, at: String| {
                if !who.contains(&name) {
                    evidence.push(Evidence { at, detail: format!("{}: {}", opt_out.key, opt_out.value) });
                    who.push(name);
                }
            };
            for workload in self.snapshot.workloads.all() {
                let (entries, field) = match opt_out.marker {
                    Marker::Label => (&workload.pod_labels, "spec.template.metadata.labels"),
                    Marker::Annotation => (&workload.pod_annotations, "spec.template.metadata.annotations"),
                };
                if carries(entries) {
                    add(workload.title(), workload.field(field));
                }
            }
            for namespace in
                self.snapshot.namespaces.value().into_iter().flatten().filter(|_| opt_out.on_namespaces)
            {
                let entries = match opt_out.marker {
                    Marker::Label => &namespace.labels,
                    Marker::Annotation => &namespace.annotations,
                };
                if carries(entries) {
                    add(format!("Namespace {}", namespace.name), format!("Namespace {}", namespace.name));
                }
            }
        }
        let unread = self.snapshot.workloads.kinds().into_iter().find_map(Reading::gap);
        let unread = unread.filter(|_| self.snapshot.scope == Scope::Cluster).map(ToString::to_string);
        // A configuration that is not seen may honour what nobody asked about.
        let unseen = || {
            self.collectors.iter().filter(|one| one.on_nodes).find_map(|one| match &one.pipeline {
                Err(unreadable) => Some(format!("{} ({})", unreadable.why, unreadable.at)),
                Ok(pipeline) => pipeline.unread.first().map(|one| format!("{} ({})", one.why, one.at)),
            })
        };
        if let Some(reason) = unread.or_else(unseen).filter(|_| who.is_empty()) {
            Fact::unknown(reason)
        } else {
            if evidence.is_empty() {
                let count = self.snapshot.workloads.all().count();
                evidence.push(Evidence {
                    at: "the pod templates".into(),
                    detail: format!("{count} looked through"),
                });
            }
            Fact::known(who, Rank::Evaluated, evidence)
        }
    }
}

/// Namespaces that a configuration names as those it takes.
fn named_namespaces(pipeline: &Pipeline) -> Vec<String> {
    let of_routes = pipeline.inputs.iter().flat_map(|input| {
        let routes = input.routes.value().into_iter().flatten().flat_map(|route| &route.steps);
        input.steps.iter().chain(routes).filter_map(|step| match &step.effect {
            Effect::Namespaces(rule) => Some(rule),
            _ => None,
        })
    });
    let of_inputs = pipeline.inputs.iter().filter_map(|input| match &input.source {
        Source::Containers { namespaces, .. } => Some(namespaces),
        _ => None,
    });
    let mut names = Vec::new();
    for one in of_routes.chain(of_inputs).filter_map(|rule| rule.only.as_ref()).flatten() {
        if let Pattern::Name(name) = &one.pattern {
            names.push(name.clone());
        }
    }
    names
}

/// How long lines may be that get on, of an apiserver that may cut its events: no event is written that is longer.
fn cut_to_fit(instance: &Instance, limit: Fact<i64>) -> Fact<i64> {
    let largest = instance.flags.int("audit-log-truncate-max-event-size");
    let cuts = instance.flags.bool("audit-log-truncate-enabled").zip(largest);
    match (&cuts, limit.value()) {
        (Fact::Known(known), Some(limit)) if known.value.0 && (1..=*limit).contains(&known.value.1) => {
            cuts.map(|_| ANY_LENGTH)
        }
        _ => limit,
    }
}

/// Where a file of a container lies.
enum Lies<'a> {
    /// On the node, at this path.
    OnNode(String),
    /// On an `emptyDir` that no other container of the pod mounts.
    InEmptyDir(&'a Mount),
    /// In the container itself.
    InContainer,
    /// It is not told; the reason.
    Unknown(String),
}

fn lies<'a>(behind: &'a Paths, path: &str) -> Lies<'a> {
    let mounts = match behind {
        Paths::Host => return Lies::OnNode(path.to_owned()),
        Paths::Unknown(reason) => return Lies::Unknown(reason.clone()),
        Paths::Mounts(mounts) => mounts,
    };
    let mount = mounts
        .iter()
        .filter(|mount| paths::is_or_below(path, mount.path.trim_end_matches('/')))
        .max_by_key(|mount| mount.path.len());
    let Some(mount) = mount else { return Lies::InContainer };
    match (&mount.medium, &mount.shared_with) {
        (Medium::HostPath(folder), _) => {
            let rest = path.get(mount.path.trim_end_matches('/').len()..).unwrap_or_default();
            Lies::OnNode(format!("{}{rest}", folder.trim_end_matches('/')))
        }
        (Medium::EmptyDir, Some(others)) if others.is_empty() => Lies::InEmptyDir(mount),
        (Medium::EmptyDir, Some(others)) => Lies::Unknown(format!(
            "the audit log lies on an emptyDir that {} of the same pod mounts too, and what becomes of it there is not read ({})",
            others.join(", "),
            mount.at
        )),
        _ => Lies::Unknown(format!("the audit log lies on a volume that is not of the node ({})", mount.at)),
    }
}

fn constant<T>(value: T) -> Fact<T> {
    Fact::known(value, Rank::Evaluated, Vec::new())
}

fn unknown_coverage(reason: &str) -> Coverage {
    Coverage { nodes: Fact::unknown(reason), covered: Fact::unknown(reason), missed: Fact::unknown(reason) }
}
