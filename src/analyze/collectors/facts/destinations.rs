//! Where logs go, and how safely they get there.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Collector, outlives_pod};
use crate::analyze::collectors::endpoint::{Endpoint, Location, location, service_of};
use crate::analyze::collectors::model::{Buffer, Output, Receiver, Retry, WhenFull};
use crate::analyze::collectors::service::Kind;
use crate::analyze::fact::Fact;
use crate::analyze::stores::workloads::Found;
use crate::verdict::Rank;

/// An output that logs reach.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Destination {
    /// The collector and its output: `DaemonSet logging/fluent-bit es.0`.
    pub name: String,
    /// What is there: `Elasticsearch`, `syslog`, `stdout`.
    pub receiver: String,
    /// What kind of place it is: `store`, `cloud`, `vendor`, `archive`, `broker`, `collector`, `syslog`, `http`, `nothing`, `other`.
    pub kind: String,
    /// The hosts, as a phrase; empty where the program knows them.
    pub hosts: Fact<String>,
    /// Whether logs leave the pod through it.
    pub leaves: bool,
    /// Where it lies: `local`, `cluster`, `outside`; unknown for addresses that may be either.
    pub location: Fact<String>,
    /// Which of `facts.stores` it is, by name; unknown where that is not certain.
    pub store: Fact<String>,
    /// Whether logs can be searched there: in a store, a cloud's or a vendor's service, and not in an archive, a queue or a file.
    pub searchable: Fact<bool>,
    /// Whether what is sent is encrypted.
    pub tls: Fact<bool>,
    /// Whether the receiver's certificate is verified; false without TLS.
    pub verified: Fact<bool>,
    /// Whether the sender shows who it is.
    pub authenticated: Fact<bool>,
    /// Whether what waits to be sent outlives the pod.
    pub buffer_durable: Fact<bool>,
    /// Whether it is tried until the receiver takes it.
    pub retries_forever: Fact<bool>,
    /// For how long or how often it is tried, as a phrase.
    pub retry: Fact<String>,
    /// Whether reading waits when the buffer is full, and nothing is dropped.
    pub waits_when_full: Fact<bool>,
}

/// Every output that a route leads to.
pub(super) fn destinations(
    collectors: &[Collector<'_>],
    unseen: Option<&str>,
    stores: &[Found],
) -> Fact<Vec<Destination>> {
    if let Some(reason) = unseen {
        return Fact::unknown(reason);
    }
    let mut list = Vec::new();
    let mut unread: Option<String> = None;
    for collector in collectors {
        let pipeline = match &collector.pipeline {
            Ok(pipeline) => pipeline,
            Err(unreadable) => {
                unread.get_or_insert(format!("{} ({})", unreadable.why, unreadable.at));
                continue;
            }
        };
        let mut reached: Vec<usize> = pipeline
            .inputs
            .iter()
            .filter_map(|input| input.routes.value())
            .flatten()
            .map(|route| route.output)
            .collect();
        reached.sort_unstable();
        reached.dedup();
        let outputs = reached.into_iter().filter_map(|index| pipeline.outputs.get(index));
        let outputs = outputs.filter(|output| !matches!(output.receiver, Receiver::NotLogs(_)));
        list.extend(outputs.map(|output| destination(collector, output, stores)));
    }
    match unread.filter(|_| list.is_empty()) {
        Some(reason) => Fact::unknown(reason),
        None => Fact::known(list, Rank::Configured, Vec::new()),
    }
}

fn destination(collector: &Collector<'_>, output: &Output, stores: &[Found]) -> Destination {
    let (receiver, kind) = receiver(&output.receiver);
    Destination {
        name: format!("{} {}", collector.name, output.id),
        kind: kind.into(),
        leaves: !matches!(output.receiver, Receiver::Nothing | Receiver::Console | Receiver::File),
        hosts: output.hosts.clone().map(|hosts| hosts.join(", ")),
        location: where_it_lies(output),
        store: store(collector, output, stores),
        searchable: searchable(&receiver, kind, output),
        receiver,
        tls: output.tls.clone(),
        verified: match &output.verified {
            Some(verified) => output.tls.clone().and(verified.clone()),
            None => output.tls.clone(),
        },
        authenticated: output.authenticated.clone(),
        buffer_durable: output.buffer.clone().and_then(|buffer| match buffer {
            Buffer::Memory => Fact::at(false, Rank::Configured, output.at.clone(), "records wait in memory"),
            Buffer::Disk(Some(path)) => outlives_pod(collector, &path),
            Buffer::Disk(None) => {
                Fact::unknown(format!("where {} keeps its buffer is not told ({})", output.id, output.at))
            }
        }),
        retries_forever: output.retry.clone().map(|retry| retry == Retry::Forever),
        retry: output.retry.clone().map(|retry| match retry {
            Retry::Forever => "without end".into(),
            Retry::Limited(what) => what,
            Retry::Never => "never".into(),
        }),
        waits_when_full: output.when_full.clone().map(|when| when == WhenFull::Waits),
    }
}

fn receiver(receiver: &Receiver) -> (String, &'static str) {
    match receiver {
        Receiver::Nothing => ("nothing".into(), "nothing"),
        Receiver::Console => ("its own output".into(), "nothing"),
        Receiver::File => ("a file".into(), "nothing"),
        Receiver::NotLogs(what) => (what.clone(), "other"),
        Receiver::Collector(protocol) | Receiver::Hop(protocol) => {
            (format!("a collector ({protocol})"), "collector")
        }
        Receiver::Service(service) => {
            let kind = match service.kind() {
                Kind::Store => "store",
                Kind::Cloud => "cloud",
                Kind::Vendor => "vendor",
                Kind::Archive => "archive",
                Kind::Broker => "broker",
            };
            (service.name().into(), kind)
        }
        Receiver::Http => ("HTTP".into(), "http"),
        Receiver::Syslog(transport) => (format!("syslog ({transport})"), "syslog"),
        Receiver::Other(plugin) => (plugin.clone(), "other"),
    }
}

/// Whether logs can be searched where they arrive.
fn searchable(receiver: &str, kind: &str, output: &Output) -> Fact<bool> {
    let told =
        |value: bool| Fact::at(value, Rank::Documented, output.at.clone(), format!("it is {receiver}"));
    match kind {
        "store" | "cloud" | "vendor" => told(true),
        "archive" | "broker" | "nothing" => told(false),
        _ => Fact::unknown(format!(
            "what keeps the logs that {} sends to {receiver} is not told by its protocol ({})",
            output.id, output.at
        )),
    }
}

/// The store of the cluster that all hosts of an output are Services of: one that goes by the name of one of its workloads, or
/// whose product is spoken to in a namespace which has no other of it.
fn store(collector: &Collector<'_>, output: &Output, stores: &[Found]) -> Fact<String> {
    let Receiver::Service(service) = &output.receiver else {
        return Fact::unknown(format!(
            "which store takes what {} sends is not told by its protocol",
            output.id
        ));
    };
    let of_host = |host: &String| {
        let host = Endpoint::parse(host)?.host;
        let (namespace, name) = service_of(&host, collector.namespace())?;
        let here =
            || stores.iter().filter(|found| found.namespace == namespace && found.store.product == *service);
        let named = here().find(|found| found.workloads.contains(&name));
        named.or_else(|| here().next().filter(|_| here().count() == 1))
    };
    output.hosts.clone().and_then(|hosts| {
        let all: Option<Vec<&Found>> = hosts.iter().map(of_host).collect();
        match all.as_deref() {
            Some([first, rest @ ..]) if rest.iter().all(|other| other.name == first.name) => {
                let detail = hosts.join(", ");
                Fact::at(first.name.clone(), Rank::Inferred, output.at.clone(), detail)
            }
            _ => Fact::unknown(format!(
                "{} is not certain to be one of the stores that are seen in the cluster ({})",
                hosts.join(", "),
                output.at
            )),
        }
    })
}

fn where_it_lies(output: &Output) -> Fact<String> {
    let is_service = matches!(&output.receiver, Receiver::Service(service) if matches!(service.kind(), Kind::Cloud | Kind::Vendor));
    if is_service && output.hosts.value().is_none_or(Vec::is_empty) {
        return Fact::at(
            "outside".to_owned(),
            Rank::Documented,
            output.at.clone(),
            "a service on the internet",
        );
    }
    output.hosts.clone().and_then(|hosts| {
        let places: Vec<Location> =
            hosts.iter().filter_map(|host| Some(location(&Endpoint::parse(host)?.host))).collect();
        let all = |place: Location| !places.is_empty() && places.iter().all(|one| *one == place);
        let known =
            |text: &str| Fact::at(text.to_owned(), Rank::Configured, output.at.clone(), hosts.join(", "));
        if all(Location::Local) {
            known("local")
        } else if all(Location::Cluster) {
            known("cluster")
        } else if all(Location::Outside) {
            known("outside")
        } else {
            Fact::unknown(format!(
                "whether {} lies in the cluster is not told by its address ({})",
                output.id, output.at
            ))
        }
    })
}
