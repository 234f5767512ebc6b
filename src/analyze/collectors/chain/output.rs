//! Where an output sends logs, also through further collectors.

use super::steps::passes;
use super::{hidden_or, no, yes};
use crate::analyze::collectors::collector::Collector;
use crate::analyze::collectors::endpoint::{Endpoint, Location, location, service_of};
use crate::analyze::collectors::model::{Output, Pipeline, Receiver, Source, Step};
use crate::analyze::collectors::service::Kind;
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// Whether an output takes logs off the node, and out of the cluster.
pub(super) fn leaves(
    all: &[Collector<'_>],
    from: &Collector<'_>,
    output: &Output,
    hops: usize,
) -> (Fact<bool>, Fact<bool>) {
    let stays = |why: &str| (no(&output.at, why), no(&output.at, why));
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
                        Some(known) => known.or(one),
                        None => one,
                    });
                }
                all.unwrap_or_else(|| Fact::unknown(format!("the host of {} cannot be read", output.id)))
            }
        }
    };
    let to = |what: &str| yes(&output.at, format!("{} sends to {what}", output.id));
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
            (to(service.name()), off)
        }
        Receiver::Http => (to("an HTTP receiver"), by_host()),
        Receiver::Syslog(_) => (to("a syslog receiver"), by_host()),
        Receiver::Collector(protocol) => next_hop(all, from, output, protocol, hops, by_host()),
        Receiver::Other(plugin) => {
            let reason = format!("what the output {plugin} does is not known here ({})", output.at);
            (Fact::unknown(reason.clone()), Fact::unknown(reason))
        }
    }
}

/// What the collector does that logs are passed to, if it runs in the cluster.
fn next_hop(
    all: &[Collector<'_>],
    from: &Collector<'_>,
    output: &Output,
    protocol: &str,
    hops: usize,
    outside: Fact<bool>,
) -> (Fact<bool>, Fact<bool>) {
    if outside.value() == Some(&true) {
        return (outside.clone(), outside);
    }
    let hosts = output.hosts.value().map_or(&[][..], Vec::as_slice);
    let service = hosts.iter().find_map(|host| service_of(&Endpoint::parse(host)?.host, from.namespace()));
    let Some((namespace, name)) = service else {
        let reason = match &outside {
            Fact::Unknown(unknown) => unknown.reason.clone(),
            Fact::Known(_) => {
                format!("what {} passes logs on to over {protocol} is not seen ({})", output.id, output.at)
            }
        };
        return (Fact::unknown(reason.clone()), Fact::unknown(reason));
    };
    let next = all.iter().find(|other| {
        let workload = other.workload.map_or("", |workload| workload.name.as_str());
        other.namespace() == namespace
            && !workload.is_empty()
            && (name.starts_with(workload) || workload.starts_with(&name))
            && other.name != from.name
    });
    let unknown = |why: String| (Fact::unknown(why.clone()), Fact::unknown(why));
    let Some(next) = next.filter(|_| hops > 0) else {
        return unknown(format!(
            "logs go on to the Service {namespace}/{name} over {protocol}, and what it does with them is not seen ({})",
            output.at
        ));
    };
    let pipeline = match &next.pipeline {
        Ok(pipeline) => pipeline,
        Err(unreadable) => return unknown(format!("{} ({})", unreadable.why, unreadable.at)),
    };
    let listening = pipeline.inputs.iter().filter(|input| matches!(input.source, Source::Network { .. }));
    let mut outcome: Option<(Fact<bool>, Fact<bool>)> = None;
    for input in listening {
        let Fact::Known(routes) = &input.routes else {
            return unknown(format!("where {} leads to is not told ({})", input.id, input.at));
        };
        for route in &routes.value {
            let steps: Vec<&Step> = input.steps.iter().chain(&route.steps).collect();
            let passed = passes(&steps, None);
            let Some(output) = pipeline.outputs.get(route.output) else { continue };
            let (shipped, off) = leaves(all, next, output, hops - 1);
            let way = (passed.clone().and(shipped), passed.and(off));
            outcome = Some(match outcome {
                Some((shipped, off)) => (shipped.or(way.0), off.or(way.1)),
                None => way,
            });
        }
    }
    outcome.map_or_else(
        || {
            let lost = hidden_or(
                pipeline,
                no(&next.at, format!("{} takes nothing in over {protocol} that it sends on", next.name)),
            );
            (lost.clone(), lost)
        },
        |(shipped, off)| (hidden_and(pipeline, shipped), hidden_and(pipeline, off)),
    )
}

fn hidden_and(pipeline: &Pipeline, fact: Fact<bool>) -> Fact<bool> {
    fact.and(hidden_or(pipeline, Fact::known(true, Rank::Evaluated, Vec::new())))
}
