//! Exporters of Kubernetes events: what each does with them, and how far they come that way.

use super::{Collector, Snapshot};
use crate::analyze::collectors::chain::{Links, Target, any_length};
use crate::analyze::collectors::config::Lookup;
use crate::analyze::collectors::products::{Product, Role, product_of};
use crate::analyze::collectors::resolve;
use crate::analyze::collectors::settings::{Setting, Settings};
use crate::analyze::fact::Fact;
use crate::snapshot::{Container, Workload};
use crate::verdict::Rank;

/// Destinations of kubernetes-event-exporter, as its configuration names them, that leave the pod.
const SINKS: [&str; 19] = [
    "elasticsearch",
    "opensearch",
    "loki",
    "webhook",
    "kafka",
    "syslog",
    "pubsub",
    "bigquery",
    "opscenter",
    "opsgenie",
    "slack",
    "sns",
    "sqs",
    "kinesis",
    "firehose",
    "eventbridge",
    "teams",
    "victoriametrics",
    "honeycomb",
];

/// The ways of events through exporters.
pub(super) fn ways(snapshot: &Snapshot, collectors: &[Collector<'_>]) -> Vec<Links> {
    let mut found = Vec::new();
    for workload in snapshot.workloads.all() {
        for container in &workload.containers {
            if let Some(product) =
                product_of(&container.image).filter(|product| product.role == Role::EventExporter)
            {
                found.extend(ways_of(snapshot, collectors, workload, container, product));
            }
        }
    }
    found
}

fn ways_of(
    snapshot: &Snapshot,
    collectors: &[Collector<'_>],
    workload: &Workload,
    container: &Container,
    product: &'static Product,
) -> Vec<Links> {
    let at = workload.field(&format!("spec.template.spec.containers[{}]", container.index));
    let taken = || Fact::at(true, Rank::Configured, at.clone(), format!("{} reads events", product.name));
    let unread = |why: &str| links_of(&taken(), &Fact::unknown(why));
    let console = || printed(snapshot, collectors, workload, container, &taken());
    match product.name {
        "kubernetes-event-exporter" => {
            let config = resolve::config(snapshot, workload, container, product);
            let file = match config.file(&config.main) {
                Lookup::Seen(file) => file,
                Lookup::Hidden(why) => {
                    return vec![unread(&format!(
                        "the configuration of {} is not seen: {why}",
                        workload.title()
                    ))];
                }
            };
            match Settings::of_text(&file.text, &file.at) {
                Ok(settings) => receivers(&settings)
                    .into_iter()
                    .map(|receiver| match receiver {
                        Route::Console => console(),
                        Route::Sink(fact) => links_of(&taken(), &fact),
                    })
                    .collect(),
                Err(unreadable) => vec![unread(&format!("{} ({})", unreadable.why, unreadable.at))],
            }
        }
        "kube-logging event tailer" => vec![console()],
        // Its default sink prints events; another one is set in a file.
        "eventrouter" if container.mounts.is_empty() => vec![console()],
        "event-exporter" if workload.namespace == "kube-system" && workload.name.contains("gke") => {
            let sent = Fact::at(true, Rank::Documented, at.clone(), "it sends events to Cloud Logging");
            vec![links_of(&taken(), &sent)]
        }
        name => {
            vec![unread(&format!("what {} ({name}) does with events is not read ({at})", workload.title()))]
        }
    }
}

/// Where a receiver leads.
enum Route {
    /// Its own output.
    Console,
    /// Elsewhere.
    Sink(Fact<bool>),
}

/// The receivers that a route names without narrowing what comes there.
fn receivers(settings: &Settings) -> Vec<Route> {
    let root = settings.root();
    let mut routes = Vec::new();
    collect(&root.find("route"), false, &mut routes, 0);
    let receivers = root.find("receivers").items();
    routes
        .into_iter()
        .filter_map(|(name, narrowed)| {
            let receiver = receivers.iter().find(|one| one.find("name").plain() == name)?;
            if receiver.find("stdout").is_present() {
                return Some(match narrowed {
                    Some(why) => Route::Sink(Fact::unknown(why)),
                    None => Route::Console,
                });
            }
            let sink = SINKS.iter().find(|sink| receiver.find(sink).is_present());
            let fact = match (sink, narrowed, receiver.find("file").is_present()) {
                (_, Some(why), _) => Fact::unknown(why),
                (Some(sink), ..) => {
                    receiver.find(sink).fact(true, format!("the receiver {name} sends to {sink}"))
                }
                (None, None, true) => {
                    receiver.fact(false, format!("the receiver {name} writes to a file in its pod"))
                }
                (None, None, false) => {
                    Fact::unknown(format!("what the receiver {name} is is not known ({})", receiver.place()))
                }
            };
            Some(Route::Sink(fact))
        })
        .collect()
}

/// The receivers of a route and those below, and why only some of the events get there.
fn collect(route: &Setting<'_>, narrowed: bool, found: &mut Vec<(String, Option<String>)>, depth: usize) {
    const MAX_DEPTH: usize = 20;
    if depth > MAX_DEPTH {
        return;
    }
    let narrowed = narrowed || route.find("drop").is_present();
    for rule in route.find("match").items() {
        let others = rule.entries().iter().any(|(key, value)| *key != "receiver" && value.is_present());
        let why = (narrowed || others)
            .then(|| format!("which events rules leave out is not judged ({})", rule.place()));
        let name = rule.find("receiver").plain();
        if !name.is_empty() {
            found.push((name, why));
        }
    }
    for below in route.find("routes").items() {
        collect(&below, narrowed, found, depth + 1);
    }
}

/// What is printed comes as far as what other containers print.
fn printed(
    snapshot: &Snapshot,
    collectors: &[Collector<'_>],
    workload: &Workload,
    container: &Container,
    taken: &Fact<bool>,
) -> Links {
    let target = Target::Containers {
        namespace: workload.namespace.clone(),
        pod: format!("{}-0", workload.name),
        container: container.name.clone(),
        exact: true,
    };
    let links = super::links(snapshot, collectors, &target);
    Links {
        mounted: taken.clone(),
        read: taken.clone(),
        kept: taken.clone(),
        routed: taken.clone().and(links.routed),
        shipped: taken.clone().and(links.shipped),
        off_cluster: taken.clone().and(links.off_cluster),
        whole: taken.clone().and(links.whole),
        complete: taken.clone().and(links.complete),
        longest_line: match taken.value() {
            Some(true) => links.longest_line,
            _ => any_length(taken.clone()),
        },
    }
}

fn links_of(taken: &Fact<bool>, sent: &Fact<bool>) -> Links {
    let mut links = Links::all(&taken.clone().and(sent.clone()));
    (links.mounted, links.read) = (taken.clone(), taken.clone());
    links.off_cluster = match sent.value() {
        Some(true) => Fact::unknown("where the exporter of events sends them is not judged"),
        _ => sent.clone(),
    };
    links
}
