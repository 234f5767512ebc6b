//! What Azure is asked about an AKS cluster.

use super::Call;

/// The calls.
pub const CALLS: &[Call] = &[
    Call {
        id: "aks/show",
        what: "the settings of the cluster",
        command: "az aks show --resource-group GROUP --name CLUSTER",
        permission: "Microsoft.ContainerService/managedClusters/read",
        keep: &[
            "id",
            "name",
            "location",
            "fqdn",
            "privateFqdn",
            "nodeResourceGroup",
            "kubernetesVersion",
            "currentKubernetesVersion",
            "aadProfile.managed",
            "aadProfile.enableAzureRBAC",
            "addonProfiles",
            "azureMonitorProfile",
            "networkProfile.advancedNetworking",
            "securityProfile.defender",
        ],
    },
    Call {
        id: "aks/diagnostic-settings",
        what: "the diagnostic settings of the cluster",
        command: "az monitor diagnostic-settings list --resource CLUSTER-ID",
        permission: "Microsoft.Insights/diagnosticSettings/read",
        keep: &[
            "id",
            "name",
            "logs.category",
            "logs.categoryGroup",
            "logs.enabled",
            "workspaceId",
            "storageAccountId",
            "eventHubAuthorizationRuleId",
            "eventHubName",
            "marketplacePartnerId",
            "serviceBusRuleId",
            "logAnalyticsDestinationType",
        ],
    },
];
