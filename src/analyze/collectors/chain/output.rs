//! Where an output sends logs.

use super::hop::next_hop;
use super::{Passing, no, yes};
use crate::analyze::collectors::collector::Collector;
use crate::analyze::collectors::endpoint::{Endpoint, Location, location};
use crate::analyze::collectors::model::{Output, Receiver};
use crate::analyze::collectors::service::Kind;
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// What becomes of what an output sends.
#[derive(Debug, Clone)]
pub(super) struct Left {
    /// Whether it leaves the node.
    pub shipped: Fact<bool>,
    /// Whether it leaves the cluster.
    pub off_cluster: Fact<bool>,
    /// Whether nothing behind the output thins it.
    pub whole: Fact<bool>,
}

impl Left {
    pub(super) fn all(fact: Fact<bool>) -> Self {
        Self { shipped: fact.clone(), off_cluster: fact.clone(), whole: fact }
    }

    /// To a receiver that is the last one seen.
    pub(super) fn last(shipped: Fact<bool>, off_cluster: Fact<bool>) -> Self {
        Self { shipped, off_cluster, whole: Fact::known(true, Rank::Evaluated, Vec::new()) }
    }

    /// Both, link by link.
    pub(super) fn combine(self, other: Self, with: impl Fn(Fact<bool>, Fact<bool>) -> Fact<bool>) -> Self {
        Self {
            shipped: with(self.shipped, other.shipped),
            off_cluster: with(self.off_cluster, other.off_cluster),
            whole: with(self.whole, other.whole),
        }
    }
}

/// Whether an output takes logs off the node, and out of the cluster.
pub(super) fn leaves(passing: &Passing<'_>, from: &Collector<'_>, output: &Output, hops: usize) -> Left {
    let stays = |why: &str| Left::all(no(&output.at, why));
    let by_host = || -> Fact<bool> {
        match &output.hosts {
            Fact::Unknown(unknown) => Fact::unknown(unknown.reason.clone()),
            Fact::Known(known) if known.value.is_empty() => {
                Fact::unknown(format!("the host of {} is not told", output.id))
            }
            Fact::Known(known) => {
                let places = known
                    .value
                    .iter()
                    .filter_map(|host| Some((host, location(&Endpoint::parse(host)?.host))));
                let at = known.evidence.first().map_or(output.at.as_str(), |one| one.at.as_str());
                let mut all: Option<Fact<bool>> = None;
                for (host, place) in places {
                    let one = match place {
                        Location::Local => no(at, format!("{host} is the pod itself")),
                        Location::Cluster => no(at, format!("{host} is a Service of the cluster")),
                        Location::Outside => yes(at, format!("{host} lies outside the cluster")),
                        Location::Nowhere => no(at, nowhere(host)),
                        Location::Unclear => Fact::unknown(format!(
                            "whether {host} lies outside the cluster is not told by its address ({})",
                            output.at
                        )),
                    };
                    all = Some(match all {
                        // What is balanced over several hosts leaves the cluster only if all of them lie outside.
                        Some(known) => known.and(one),
                        None => one,
                    });
                }
                all.unwrap_or_else(|| Fact::unknown(format!("the host of {} cannot be read", output.id)))
            }
        }
    };
    let to = |what: &str| match only(Location::Local, output) {
        Some(host) => Fact::unknown(format!(
            "{} sends to {host}, which is the pod itself: what listens there is not seen ({})",
            output.id, output.at
        )),
        None => yes(&output.at, format!("{} sends to {what}", output.id)),
    };
    if let Some(host) = only(Location::Nowhere, output) {
        return stays(&nowhere(host));
    }
    let hop = |protocol: &str| next_hop(passing, from, output, protocol, hops);
    match &output.receiver {
        Receiver::Nothing => stays("it throws everything away"),
        Receiver::Console => stays("it only prints to its own output"),
        Receiver::File => stays("it only writes files"),
        Receiver::NotLogs(what) => stays(&format!("{what} takes no logs")),
        Receiver::Service(service) => {
            let off = match service.kind() {
                Kind::Cloud | Kind::Vendor | Kind::Archive => match &output.hosts {
                    // Storage that speaks S3 may run in the cluster.
                    Fact::Known(known) if known.value.is_empty() => to(service.name()),
                    Fact::Known(_) => by_host(),
                    Fact::Unknown(_) if service.kind() == Kind::Archive => by_host(),
                    Fact::Unknown(_) => to(service.name()),
                },
                Kind::Store | Kind::Broker => by_host(),
            };
            hop(service.name()).unwrap_or_else(|_| Left::last(to(service.name()), off))
        }
        Receiver::Http => hop("http").unwrap_or_else(|_| Left::last(to("an HTTP receiver"), by_host())),
        Receiver::Syslog(_) => {
            hop("syslog").unwrap_or_else(|_| Left::last(to("a syslog receiver"), by_host()))
        }
        Receiver::Collector(protocol) | Receiver::Hop(protocol) => {
            let outside = by_host();
            if outside.value() == Some(&true) {
                return Left::last(outside.clone(), outside);
            }
            hop(protocol).unwrap_or_else(|why| {
                let why = why.or(outside.reason().map(str::to_owned)).unwrap_or_else(|| {
                    format!(
                        "what {} passes logs on to over {protocol} is not seen ({})",
                        output.id, output.at
                    )
                });
                Left::all(Fact::unknown(why))
            })
        }
        Receiver::Other(plugin) => Left::all(Fact::unknown(format!(
            "what the output {plugin} does is not known here ({})",
            output.at
        ))),
    }
}

/// The first host of an output all of whose hosts lie in one place.
fn only(place: Location, output: &Output) -> Option<&str> {
    let hosts = output.hosts.value()?;
    let is_there = |host: &String| Endpoint::parse(host).is_some_and(|one| location(&one.host) == place);
    hosts.iter().all(is_there).then(|| hosts.first().map(String::as_str)).flatten()
}

fn nowhere(host: &str) -> String {
    format!("{host} stands for a receiver that is still to be set: names under `invalid` lead nowhere")
}
