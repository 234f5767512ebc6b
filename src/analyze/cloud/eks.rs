//! Amazon EKS.

use schemars::JsonSchema;
use serde::Serialize;

use super::recorded::{Lost, Recorded};
use super::told::Scene;
use crate::analyze::fact::Fact;

/// The cluster as EKS knows it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Eks {
    /// Its name.
    pub name: String,
    /// Whether the audit log goes to `CloudWatch` Logs.
    pub audit: Fact<bool>,
}

/// The facts.
pub fn facts(scene: &Scene<'_>) -> Eks {
    Eks { name: scene.name(), audit: log_type(scene, "audit") }
}

/// Whether a type of log is on: any group that is enabled names it.
fn log_type(scene: &Scene<'_>, name: &str) -> Fact<bool> {
    const PATH: &str = "logging.clusterLogging";
    let told = match scene.told("eks/describe-cluster", "") {
        Ok(told) => told,
        Err(reason) => return Fact::unknown(reason),
    };
    let Some(groups) = told.items(PATH) else {
        return Fact::unknown(
            "the answer says nothing of logging, as for clusters that are only connected to EKS",
        );
    };
    let is_on = groups.iter().any(|group| {
        let has = group.get("types").and_then(|types| types.as_array());
        group.get("enabled") == Some(&true.into())
            && has.is_some_and(|types| types.iter().any(|one| one.as_str() == Some(name)))
    });
    told.fact(is_on, PATH, format!("{name}: {}", if is_on { "on" } else { "off" }))
}

/// What reaches the audit log.
pub fn recorded(scene: &Scene<'_>) -> Recorded {
    match log_type(scene, "audit") {
        Fact::Unknown(unknown) => Recorded::Unread(unknown.reason),
        Fact::Known(known) => {
            let at = known.evidence.first().map_or_else(String::new, |evidence| evidence.at.clone());
            let lost = if known.value {
                Vec::new()
            } else {
                vec![Lost::everything(&at, "the log type audit is off")]
            };
            Recorded::Read { at, lost, doubtful: Vec::new() }
        }
    }
}
