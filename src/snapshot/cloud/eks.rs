//! What Amazon is asked about an EKS cluster.
//!
//! A list says neither of what nor of which region it is. So the answers to calls that list are about something by name: the
//! log group, the region, the VPC. Saved lists have that name from what they hold, and none if they are empty.

use super::Call;

/// The names under which an answer that is not the whole list says where the next page begins.
pub const PAGES: [&str; 2] = ["nextToken", "NextToken"];

/// The calls.
pub const CALLS: &[Call] = &[
    Call {
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
    },
    Call {
        id: "eks/describe-log-groups",
        what: "the log group of the control plane",
        command: "aws logs describe-log-groups --log-group-name-prefix /aws/eks/CLUSTER/cluster",
        permission: "logs:DescribeLogGroups",
        keep: &[
            "nextToken",
            "logGroups.logGroupName",
            "logGroups.arn",
            "logGroups.retentionInDays",
            "logGroups.retentionPolicyName",
            "logGroups.kmsKeyId",
            "logGroups.deletionProtectionEnabled",
            "logGroups.logGroupClass",
            "logGroups.dataProtectionStatus",
            "logGroups.inheritedProperties",
        ],
    },
    Call {
        id: "eks/describe-metric-filters",
        what: "the metric filters of the log group",
        command: "aws logs describe-metric-filters --log-group-name /aws/eks/CLUSTER/cluster",
        permission: "logs:DescribeMetricFilters",
        keep: &[
            "nextToken",
            "metricFilters.filterName",
            "metricFilters.filterPattern",
            "metricFilters.logGroupName",
            "metricFilters.metricTransformations.metricName",
            "metricFilters.metricTransformations.metricNamespace",
            "metricFilters.metricTransformations.dimensions",
        ],
    },
    Call {
        id: "eks/describe-alarms-for-metric",
        what: "the alarms on a metric of the log group",
        command: "aws cloudwatch describe-alarms-for-metric --namespace NAMESPACE --metric-name METRIC",
        permission: "cloudwatch:DescribeAlarmsForMetric",
        keep: &[
            "MetricAlarms.AlarmName",
            "MetricAlarms.ActionsEnabled",
            "MetricAlarms.AlarmActions",
            "MetricAlarms.MetricName",
            "MetricAlarms.Namespace",
        ],
    },
    Call {
        id: "eks/describe-subscription-filters",
        what: "the subscription filters of the log group",
        command: "aws logs describe-subscription-filters --log-group-name /aws/eks/CLUSTER/cluster",
        permission: "logs:DescribeSubscriptionFilters",
        keep: &[
            "nextToken",
            "subscriptionFilters.filterName",
            "subscriptionFilters.filterPattern",
            "subscriptionFilters.fieldSelectionCriteria",
            "subscriptionFilters.logGroupName",
            "subscriptionFilters.destinationArn",
        ],
    },
    Call {
        id: "eks/describe-account-policies",
        what: "the subscription filter of the account",
        command: "aws logs describe-account-policies --policy-type SUBSCRIPTION_FILTER_POLICY",
        permission: "logs:DescribeAccountPolicies",
        keep: &[
            "nextToken",
            "accountPolicies.policyName",
            "accountPolicies.policyType",
            "accountPolicies.selectionCriteria",
            "accountPolicies.destinationArn",
            "accountPolicies.filterPattern",
        ],
    },
    Call {
        id: "eks/list-detectors",
        what: "the detectors of GuardDuty",
        command: "aws guardduty list-detectors",
        permission: "guardduty:ListDetectors",
        keep: &["NextToken", "DetectorIds"],
    },
    Call {
        id: "eks/get-detector",
        what: "the features of a detector of GuardDuty",
        command: "aws guardduty get-detector --detector-id DETECTOR",
        permission: "guardduty:GetDetector",
        keep: &["ServiceRole", "Status", "Features.Name", "Features.Status"],
    },
    Call {
        id: "eks/describe-trails",
        what: "the trails of CloudTrail",
        command: "aws cloudtrail describe-trails",
        permission: "cloudtrail:DescribeTrails",
        keep: &[
            "trailList.Name",
            "trailList.TrailARN",
            "trailList.HomeRegion",
            "trailList.IsMultiRegionTrail",
            "trailList.IsOrganizationTrail",
            "trailList.LogFileValidationEnabled",
            "trailList.HasCustomEventSelectors",
        ],
    },
    Call {
        id: "eks/get-trail-status",
        what: "whether a trail of CloudTrail records",
        command: "aws cloudtrail get-trail-status --name TRAIL",
        permission: "cloudtrail:GetTrailStatus",
        keep: &["IsLogging", "LatestDeliveryError"],
    },
    Call {
        id: "eks/get-event-selectors",
        what: "which events a trail of CloudTrail records",
        command: "aws cloudtrail get-event-selectors --trail-name TRAIL",
        permission: "cloudtrail:GetEventSelectors",
        keep: &[
            "TrailARN",
            "EventSelectors.ReadWriteType",
            "EventSelectors.IncludeManagementEvents",
            "AdvancedEventSelectors.FieldSelectors",
        ],
    },
    Call {
        id: "eks/describe-flow-logs",
        what: "the flow logs of the VPC",
        command: "aws ec2 describe-flow-logs --filter Name=resource-id,Values=VPC",
        permission: "ec2:DescribeFlowLogs",
        keep: &[
            "NextToken",
            "FlowLogs.FlowLogId",
            "FlowLogs.ResourceId",
            "FlowLogs.FlowLogStatus",
            "FlowLogs.TrafficType",
            "FlowLogs.LogDestinationType",
            "FlowLogs.DeliverLogsStatus",
        ],
    },
    Call {
        id: "eks/list-addons",
        what: "the add-ons of the cluster",
        command: "aws eks list-addons --cluster-name CLUSTER",
        permission: "eks:ListAddons",
        keep: &["nextToken", "addons"],
    },
    Call {
        id: "eks/describe-addon",
        what: "the CloudWatch add-on",
        command: "aws eks describe-addon --cluster-name CLUSTER --addon-name amazon-cloudwatch-observability",
        permission: "eks:DescribeAddon",
        keep: &["addonName", "clusterName", "status", "health.issues.code", "containerLogs"],
    },
];

/// The add-on with which `CloudWatch` collects the logs of containers.
pub const CLOUDWATCH_ADDON: &str = "amazon-cloudwatch-observability";

/// The type of the account's policies that is asked for: retention policies show in the log group that they rule.
pub const SUBSCRIPTION_POLICY: &str = "SUBSCRIPTION_FILTER_POLICY";

/// The log group to which EKS sends the logs of a cluster's control plane.
pub fn log_group(cluster: &str) -> String {
    format!("/aws/eks/{cluster}/cluster")
}

/// What the answer about the alarms on a metric is of.
pub fn of_metric(namespace: &str, metric: &str) -> String {
    format!("{namespace}/{metric}")
}
