//! Azure Kubernetes Service.

use schemars::JsonSchema;
use serde::Serialize;

use super::recorded::Recorded;
use super::told::Scene;

/// The cluster as AKS knows it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Aks {
    /// Its name.
    pub name: String,
}

/// The facts.
pub fn facts(scene: &Scene<'_>) -> Aks {
    Aks { name: scene.name() }
}

/// What reaches the audit log.
pub fn recorded(scene: &Scene<'_>) -> Recorded {
    Recorded::Unread(scene.not_asked("aks/diagnostic-settings"))
}
