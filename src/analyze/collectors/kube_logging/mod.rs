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

/// Reads a `Logging` with all resources that may belong to it.
///
/// # Errors
/// It is no `Logging`, or not one that the operator would take.
pub fn read(logging: &Resource, all: &[Resource]) -> Result<Pipeline, Unreadable> {
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
    agent::read(&scope, &delivery, &mut pipeline);
    tailers::read(all, &scope, &delivery, &mut pipeline);
    Ok(pipeline)
}

/// Routes that are known, with the place that shows them.
fn known_routes(routes: Vec<Route>, at: String, detail: impl Into<String>) -> Fact<Vec<Route>> {
    Fact::at(routes, Rank::Configured, at, detail)
}

#[cfg(test)]
mod tests;
