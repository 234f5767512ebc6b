//! Where an output sends logs, also through further collectors.

use super::steps::{is_whole, passes};
use super::{Passing, hidden_or, no, no_such_output, yes};
use crate::analyze::collectors::collector::Collector;
use crate::analyze::collectors::endpoint::{Endpoint, Location, location, service_of};
use crate::analyze::collectors::model::{Input, Output, Pipeline, Receiver, Source, Step};
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
    fn all(fact: Fact<bool>) -> Self {
        Self { shipped: fact.clone(), off_cluster: fact.clone(), whole: fact }
    }

    /// To a receiver that is the last one seen.
    fn last(shipped: Fact<bool>, off_cluster: Fact<bool>) -> Self {
        Self { shipped, off_cluster, whole: Fact::known(true, Rank::Evaluated, Vec::new()) }
    }

    fn combine(self, other: Self, with: impl Fn(Fact<bool>, Fact<bool>) -> Fact<bool>) -> Self {
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
    let to = |what: &str| match only_local(output) {
        Some(host) => Fact::unknown(format!(
            "{} sends to {host}, which is the pod itself: what listens there is not seen ({})",
            output.id, output.at
        )),
        None => yes(&output.at, format!("{} sends to {what}", output.id)),
    };
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
            Left::last(to(service.name()), off)
        }
        Receiver::Http => Left::last(to("an HTTP receiver"), by_host()),
        Receiver::Syslog(_) => Left::last(to("a syslog receiver"), by_host()),
        Receiver::Collector(protocol) | Receiver::Hop(protocol) => {
            next_hop(passing, from, output, protocol, hops, by_host())
        }
        Receiver::Other(plugin) => Left::all(Fact::unknown(format!(
            "what the output {plugin} does is not known here ({})",
            output.at
        ))),
    }
}

/// The host of an output all of whose hosts are the pod itself.
fn only_local(output: &Output) -> Option<&str> {
    let hosts = output.hosts.value()?;
    let is_local =
        |host: &String| Endpoint::parse(host).is_some_and(|one| location(&one.host) == Location::Local);
    hosts.iter().all(is_local).then(|| hosts.first().map(String::as_str)).flatten()
}

/// What the collector does that logs are passed to, if it runs in the cluster.
fn next_hop(
    passing: &Passing<'_>,
    from: &Collector<'_>,
    output: &Output,
    protocol: &str,
    hops: usize,
    outside: Fact<bool>,
) -> Left {
    if outside.value() == Some(&true) {
        return Left::last(outside.clone(), outside);
    }
    let unknown = |why: String| Left::all(Fact::unknown(why));
    let hosts = output.hosts.value().map_or(&[][..], Vec::as_slice);
    let service = hosts.iter().find_map(|host| service_of(&Endpoint::parse(host)?.host, from.namespace()));
    let Some((namespace, name)) = service else {
        return unknown(match &outside {
            Fact::Unknown(unknown) => unknown.reason.clone(),
            Fact::Known(_) => {
                format!("what {} passes logs on to over {protocol} is not seen ({})", output.id, output.at)
            }
        });
    };
    // Pods of another name may be behind a Service, but which they are its name does not tell.
    let named = |other: &&Collector<'_>| {
        other.namespace() == namespace
            && other.workload.is_some_and(|workload| workload.name == name)
            && other.name != from.name
    };
    let candidates: Vec<&Collector<'_>> = passing.all.iter().filter(named).collect();
    let next = match candidates.as_slice() {
        [next] if hops > 0 => *next,
        [_, _, ..] => {
            let shown: Vec<&str> = candidates.iter().map(|other| other.name.as_str()).collect();
            return unknown(format!(
                "logs go on to the Service {namespace}/{name} over {protocol}, and which of {} takes them is not told ({})",
                shown.join(", "),
                output.at
            ));
        }
        _ => {
            return unknown(format!(
                "logs go on to the Service {namespace}/{name} over {protocol}, and what it does with them is not seen ({})",
                output.at
            ));
        }
    };
    if next.workload.is_some_and(|workload| workload.replicas == Some(0)) {
        return Left::all(no(&next.at, format!("{} has no replicas", next.name)));
    }
    let pipeline = match &next.pipeline {
        Ok(pipeline) => pipeline,
        Err(unreadable) => return unknown(format!("{} ({})", unreadable.why, unreadable.at)),
    };
    let speaks = |input: &&Input| matches!(&input.source, Source::Network { protocol: own } if own.eq_ignore_ascii_case(protocol));
    let listens = |input: &&Input| matches!(input.source, Source::Network { .. });
    let mut listening: Vec<&Input> = pipeline.inputs.iter().filter(speaks).collect();
    if listening.is_empty() {
        // It may be called otherwise on that side: then all of them must bring it on.
        listening = pipeline.inputs.iter().filter(listens).collect();
    }
    let ways = listening.iter().map(|input| behind(passing, next, pipeline, input, hops));
    let together = ways.reduce(|one, other| one.combine(other, Fact::and));
    let left = together.unwrap_or_else(|| {
        let lost = format!("{} takes nothing in over {protocol} that it sends on", next.name);
        Left::all(hidden_or(pipeline, no(&next.at, lost)))
    });
    Left {
        shipped: hidden_and(pipeline, left.shipped),
        off_cluster: hidden_and(pipeline, left.off_cluster),
        whole: left.whole,
    }
}

/// What becomes of what one input of the next collector takes in.
fn behind(
    passing: &Passing<'_>,
    next: &Collector<'_>,
    pipeline: &Pipeline,
    input: &Input,
    hops: usize,
) -> Left {
    let Fact::Known(routes) = &input.routes else {
        return Left::all(Fact::unknown(format!("where {} leads to is not told ({})", input.id, input.at)));
    };
    let ways = routes.value.iter().map(|route| {
        let Some(output) = pipeline.outputs.get(route.output) else {
            return Left::all(no_such_output(input));
        };
        let steps: Vec<&Step> = input.steps.iter().chain(&route.steps).collect();
        let passed = passes(&steps, passing.namespace, passing.exact);
        let left = leaves(passing, next, output, hops - 1);
        Left {
            shipped: passed.clone().and(left.shipped),
            off_cluster: passed.and(left.off_cluster),
            whole: is_whole(&steps).and(left.whole),
        }
    });
    ways.reduce(|one, other| one.combine(other, Fact::or))
        .unwrap_or_else(|| Left::all(no(&input.at, format!("{} reaches no output", input.id))))
}

fn hidden_and(pipeline: &Pipeline, fact: Fact<bool>) -> Fact<bool> {
    fact.and(hidden_or(pipeline, Fact::known(true, Rank::Evaluated, Vec::new())))
}
