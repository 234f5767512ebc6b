//! What Amazon is asked about an EKS cluster.

use super::Call;

/// The calls.
pub const CALLS: &[Call] = &[Call {
    id: "eks/describe-cluster",
    what: "the settings of the cluster",
    command: "aws eks describe-cluster --name CLUSTER",
    permission: "eks:DescribeCluster",
    keep: &[
        "name",
        "arn",
        "endpoint",
        "version",
        "platformVersion",
        "status",
        "logging.clusterLogging",
        "connectorConfig.provider",
        "health.issues.code",
        "deletionProtection",
        "kubeApiServerConfig.eventTtl",
        "resourcesVpcConfig.vpcId",
        "resourcesVpcConfig.subnetIds",
    ],
}];
