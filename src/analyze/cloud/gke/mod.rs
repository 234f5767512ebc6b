//! Google Kubernetes Engine.
//!
//! | module | does |
//! | --- | --- |
//! | [`cluster`] | the settings of the cluster: components, network, node pools |
//! | [`data_access`] | which Data Access logs are on, and who is exempted |
//! | `filter`, `entry`, `sinks` | filters of sinks, and what they do with an entry of an audit log |
//! | [`storage`], [`alerts`] | where these logs are kept, and who is told of what stands in them |
//! | [`reads`] | what of the provider's policy reaches a log that is kept |

pub mod alerts;
pub mod cluster;
pub mod data_access;
mod entry;
mod filter;
pub mod reads;
mod sinks;
pub mod storage;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::recorded::Recorded;
use super::told::{Scene, Told};
use crate::analyze::fact::Fact;

/// The verbs whose events stand in Data Access logs.
const READS: [&str; 3] = ["get", "list", "watch"];

/// The cluster as GKE knows it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Gke {
    /// Its name.
    pub name: String,
    /// Whether Google manages the nodes too.
    pub autopilot: Fact<bool>,
    /// Which logs the agent and the control plane send.
    pub components: cluster::Components,
    /// Which Data Access audit logs are on.
    pub data_access: data_access::DataAccess,
    /// What sinks do with them.
    pub routing: reads::Routing,
    /// Where they are kept.
    pub storage: storage::Storage,
    /// Which alert policies watch them.
    pub alerts: alerts::Alerts,
    /// How connections are recorded.
    pub network: cluster::Network,
    /// The groups of nodes.
    pub node_pools: cluster::NodePools,
    /// What Google looks for in the cluster.
    pub security_posture: cluster::SecurityPosture,
}

/// The facts.
pub fn facts(scene: &Scene<'_>) -> Gke {
    let described = cluster::described(scene);
    Gke {
        name: scene.name(),
        autopilot: cluster::autopilot(&described),
        components: cluster::components(&described),
        data_access: data_access::facts(scene),
        routing: reads::routing(scene),
        storage: storage::facts(scene),
        alerts: alerts::facts(scene),
        network: cluster::network(scene, &described),
        node_pools: cluster::node_pools(&described),
        security_posture: cluster::security_posture(&described),
    }
}

/// What reaches the audit log.
pub fn recorded(scene: &Scene<'_>) -> Recorded {
    reads::recorded(scene)
}

/// The answer to a call. Where it was not made because the cluster could not be read, that is the reason.
fn told<'s>(scene: &Scene<'s>, id: &'static str, of: &str) -> Result<Told<'s>, String> {
    let has = |id, of| scene.snapshot.cloud.answer(id, of).is_some();
    if !has(id, of) && has("gke/describe", "") {
        cluster::described(scene)?;
    }
    scene.told(id, of)
}

/// The items of an answer that is a list of things with names.
///
/// # Errors
/// It is something else, such as the first of several pages.
fn items<'s>(told: &Told<'s>) -> Result<&'s [Value], String> {
    let has_name = |one: &Value| one.get("name").is_some_and(Value::is_string);
    let whole = told.items("").filter(|items| items.iter().all(has_name));
    whole.ok_or_else(|| {
        format!("{} is no whole list; give all that the command prints", told.evidence("", "").at)
    })
}

#[cfg(test)]
mod tests;
