//! Custom resources of kube-logging (the Logging operator, once of Banzai Cloud).
//!
//! | module | reads |
//! | --- | --- |
//! | `agent` | `FluentbitAgent`: what is read on the nodes and how it gets to the aggregator |
//! | `selection` | which records a flow takes |
//! | `flows`, `filters` | `Flow`, `ClusterFlow`, the default flow and their filters |
//! | `outputs`, `plugins` | `Output` and `ClusterOutput`, for Fluentd |
//! | `syslog_ng`, `destinations` | flows and outputs for syslog-ng |
//! | `tailers` | `HostTailer` and `EventTailer` |
//! | `scope` | which resources belong to a `Logging` |
//!
//! One `Logging` is read as one pipeline, from the files of the nodes to the outputs of the aggregator. The way from the
//! agent to the aggregator is an output too, to which every input that gets anywhere has a route as well: what is sent
//! there unencrypted travels through the cluster in the clear.
//!
//! Facts from the sources of kube-logging/logging-operator: `pkg/resources/{fluentbit,fluentd,model}`, `pkg/sdk/logging`.

mod agent;
mod destinations;
mod filters;
mod flows;
mod outputs;
mod plugins;
mod scope;
mod selection;
mod syslog_ng;
mod tailers;

use self::flows::{Delivery, System};
use self::scope::{Aggregator, Scope};
use super::dialect::Unreadable;
use super::fields::Fields;
use super::model::{Pipeline, Route, Unread};
use crate::analyze::fact::Fact;
use crate::snapshot::Resource;
use crate::verdict::Rank;

/// The API group of the operator.
pub const GROUP: &str = "logging.banzaicloud.io";

/// The API group of its extensions.
pub const EXTENSIONS: &str = "logging-extensions.banzaicloud.io";

/// Chooses what is read by the resource it is made from.
type Wanted<'a> = &'a dyn Fn(&Resource) -> bool;

/// Reads what the operator runs for one resource: an agent (a `FluentbitAgent`, or `spec.fluentbit` of a `Logging`) or a
/// tailer, with the ways through every `Logging` that takes up what it sends.
///
/// # Errors
/// There is no such `Logging`, or it is not one that the operator would take.
pub fn read(resource: &Resource, all: &[Resource]) -> Result<Pipeline, Unreadable> {
    let same = |one: &Resource| {
        (&one.kind, &one.namespace, &one.name) == (&resource.kind, &resource.namespace, &resource.name)
    };
    let mut joined: Option<Pipeline> = None;
    for logging in all.iter().filter(|one| one.group == GROUP && one.kind == "Logging") {
        let read = match of_logging(logging, all, &same) {
            Err(unreadable) if !same(logging) => {
                let unread = vec![Unread { at: unreadable.at, why: unreadable.why }];
                Pipeline { unread, ..Pipeline::default() }
            }
            read => read?,
        };
        if read.inputs.is_empty() && read.unread.is_empty() {
            continue;
        }
        match &mut joined {
            Some(joined) => joined.join(read),
            None => joined = Some(read),
        }
    }
    joined.ok_or_else(|| Unreadable::new(&*resource.at, "no Logging is seen that takes up what it sends"))
}

/// Whether the operator runs an agent for a resource.
pub fn is_agent(resource: &Resource) -> bool {
    match resource.kind.as_str() {
        "FluentbitAgent" => true,
        // What is no mapping is refused where it is read.
        "Logging" => !resource.spec.is_object() || resource.spec.get("fluentbit").is_some(),
        _ => false,
    }
}

/// Reads what each container of a `HostTailer` runs, by its name.
pub fn read_host_tailer(tailer: &Resource, all: &[Resource]) -> Vec<(String, Result<Pipeline, Unreadable>)> {
    let of_container = |(name, id): (String, String)| {
        let read = read(tailer, all).map(|mut pipeline| {
            pipeline.inputs.retain(|input| input.id == id);
            pipeline
        });
        (name, read)
    };
    tailers::containers(tailer).into_iter().map(of_container).collect()
}

/// Reads a `Logging` with all resources that belong to it, of the inputs those that are wanted.
fn of_logging(logging: &Resource, all: &[Resource], wanted: Wanted<'_>) -> Result<Pipeline, Unreadable> {
    let spec = Fields::spec(logging);
    if logging.kind != "Logging" {
        return Err(Unreadable::new(&*logging.at, format!("it is a {}, not a Logging", logging.kind)));
    }
    if !spec.is_map() {
        return Err(Unreadable::new(spec.at(), "a Logging has a spec, which is a mapping"));
    }
    for part in ["fluentbit", "fluentd", "syslogNG", "defaultFlow"] {
        if let Some(field) = spec.get(part).filter(|field| !field.is_map()) {
            return Err(Unreadable::new(field.at(), format!("{part} is a mapping")));
        }
    }
    let scope = Scope::of(logging, all);
    let mut pipeline = Pipeline { unread: scope.unread.clone(), ..Pipeline::default() };
    let system = match &scope.aggregator {
        Aggregator::Fluentd(fluentd) => flows::system(&scope, fluentd, &mut pipeline),
        Aggregator::SyslogNg(syslog_ng) => syslog_ng::system(&scope, syslog_ng, &mut pipeline),
        Aggregator::None => System::default(),
    };
    if let Some(config) = spec.get("flowConfigOverride") {
        pipeline.unread.push(Unread {
            at: config.at(),
            why: "flowConfigOverride replaces what the flows say by a configuration of its own, which is not read".into(),
        });
    }
    let delivery = Delivery::new(&spec, &scope, system);
    let hop = agent::read(&scope, &delivery, wanted, &mut pipeline);
    tailers::read(all, &scope, (&delivery, hop), wanted, &mut pipeline);
    Ok(pipeline)
}

/// Routes that are known, with the place that shows them.
fn known_routes(routes: Vec<Route>, at: String, detail: impl Into<String>) -> Fact<Vec<Route>> {
    Fact::at(routes, Rank::Configured, at, detail)
}

#[cfg(test)]
mod tests;
