//! What Google Cloud is asked about a GKE cluster.

use super::Call;

/// The calls.
pub const CALLS: &[Call] = &[Call {
    id: "gke/describe",
    what: "the settings of the cluster",
    command: "gcloud container clusters describe CLUSTER --location LOCATION --project PROJECT --format=json",
    permission: "container.clusters.get",
    keep: &[
        "name",
        "location",
        "selfLink",
        "endpoint",
        "controlPlaneEndpointsConfig.dnsEndpointConfig.endpoint",
        "currentMasterVersion",
        "status",
        "autopilot.enabled",
        "loggingService",
        "loggingConfig.componentConfig.enableComponents",
        "monitoringConfig.componentConfig.enableComponents",
        "monitoringConfig.advancedDatapathObservabilityConfig",
        "networkConfig.enableIntraNodeVisibility",
        "networkConfig.datapathProvider",
        "networkConfig.subnetwork",
        "nodePools.name",
        "nodePools.config.loggingConfig.variantConfig.variant",
        "nodePools.config.oauthScopes",
        "nodePools.config.shieldedInstanceConfig.enableIntegrityMonitoring",
        "securityPostureConfig.mode",
        "securityPostureConfig.vulnerabilityMode",
    ],
}];
