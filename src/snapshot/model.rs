//! The objects of a snapshot. Each holds only the fields that the analysis uses.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::cloud::Cloud;
use super::container::{Container, Mount};
use super::discovery::ServedApis;
use super::exposure::Exposure;
use super::policy::{PolicyText, UnreadPolicy};
use super::rbac::Rbac;
use super::reading::{Gap, GapReason, Reading};
use super::resource::Resource;
use super::waiver::WaiverComment;
use super::workload::{ConfigText, Namespace, Taint, UnreadConfig, Workloads};

/// Everything that was read for one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Snapshot {
    /// Always [`super::KIND`].
    pub kind: String,
    /// Always [`super::SCHEMA_VERSION`] in a file that this program reads.
    pub schema_version: u32,
    /// The version of the program that wrote it.
    pub tool_version: String,
    /// When it was read. Files carry no time, so a snapshot of manifests has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captured_at: Option<Timestamp>,
    /// Whether a running cluster or files were read.
    pub scope: Scope,
    /// Which cluster or which files.
    pub cluster: ClusterIdentity,
    /// `gitVersion` of `/version`: the instance that answered.
    #[serde(default)]
    pub version: Reading<String>,
    /// The Leases that kube-apiservers renew (`apiserver.kubernetes.io/identity=kube-apiserver`).
    #[serde(default)]
    pub leases: Reading<Vec<Lease>>,
    /// Pods that run a kube-apiserver.
    #[serde(default)]
    pub pods: Reading<Vec<Pod>>,
    /// Nodes.
    #[serde(default)]
    pub nodes: Reading<Vec<Node>>,
    /// `kube-system/kubeadm-config`: none if the cluster has no such ConfigMap.
    #[serde(default)]
    pub kubeadm_config: Reading<Option<DeclaredApiServer>>,
    /// Kubelet configurations: `kube-system/kubelet-config`, files, arguments of k3s and RKE2.
    #[serde(default)]
    pub kubelet_configs: Reading<Vec<KubeletConfig>>,
    /// Apiservers that other objects or files declare.
    #[serde(default)]
    pub declared: Vec<DeclaredApiServer>,
    /// Answers of `/flagz`, one for each distinct instance that answered.
    #[serde(default)]
    pub flagz: Vec<Reading<Flagz>>,
    /// Answers of `/metrics`, one for each distinct instance that answered.
    #[serde(default)]
    pub metrics: Vec<Reading<AuditCounters>>,
    /// The files that were read or given; places in them begin with these names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Every audit policy that was found or given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<PolicyText>,
    /// Policies in ConfigMaps that apiservers read and that could not be read here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies_unread: Vec<UnreadPolicy>,
    /// Workloads.
    #[serde(default = "Workloads::not_asked", skip_serializing_if = "is_unasked")]
    pub workloads: Workloads,
    /// Namespaces.
    #[serde(default = "namespaces_not_asked")]
    pub namespaces: Reading<Vec<Namespace>>,
    /// Roles and their bindings.
    #[serde(default = "Rbac::not_asked", skip_serializing_if = "is_unasked_rbac")]
    pub rbac: Rbac,
    /// What configures collectors, stores and sensors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub configs: Vec<ConfigText>,
    /// ConfigMaps of theirs that could not be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub configs_unread: Vec<UnreadConfig>,
    /// Custom resources of operators that have to do with logs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<Resource>,
    /// Kinds of them that could not be listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources_unread: Vec<Gap>,
    /// What may lead from outside to stores of logs; asked for where there is one.
    #[serde(default = "Exposure::not_asked", skip_serializing_if = "is_unasked_exposure")]
    pub exposure: Exposure,
    /// The API resources that the cluster serves.
    #[serde(default = "apis_not_asked")]
    pub apis: Reading<ServedApis>,
    /// What the cloud provider says of it.
    #[serde(default, skip_serializing_if = "Cloud::is_empty")]
    pub cloud: Cloud,
    /// Comments in files that waive findings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<WaiverComment>,
    /// What in the input was left aside, and why.
    #[serde(default)]
    pub notes: Vec<Note>,
}

impl Snapshot {
    /// A snapshot in which nothing has been read yet.
    pub fn empty(scope: Scope, name: impl Into<String>) -> Self {
        Self {
            kind: super::KIND.into(),
            schema_version: super::SCHEMA_VERSION,
            tool_version: env!("CARGO_PKG_VERSION").into(),
            captured_at: None,
            scope,
            cluster: ClusterIdentity { name: name.into(), server: None },
            version: Reading::not_asked("/version"),
            leases: Reading::not_asked("the Leases of the apiservers"),
            pods: Reading::not_asked("the pods of the control plane"),
            nodes: Reading::not_asked("the nodes"),
            kubeadm_config: Reading::not_asked("the ConfigMap kube-system/kubeadm-config"),
            kubelet_configs: Reading::not_asked("the kubelet configuration"),
            declared: Vec::new(),
            flagz: Vec::new(),
            metrics: Vec::new(),
            files: Vec::new(),
            policies: Vec::new(),
            policies_unread: Vec::new(),
            workloads: Workloads::not_asked(),
            namespaces: namespaces_not_asked(),
            rbac: Rbac::not_asked(),
            configs: Vec::new(),
            configs_unread: Vec::new(),
            resources: Vec::new(),
            resources_unread: Vec::new(),
            exposure: Exposure::not_asked(),
            apis: apis_not_asked(),
            cloud: Cloud::default(),
            waivers: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Everything that was asked for and not read.
    pub fn gaps(&self) -> Vec<&Gap> {
        let single = [
            self.version.gap(),
            self.leases.gap(),
            self.pods.gap(),
            self.nodes.gap(),
            self.kubeadm_config.gap(),
            self.kubelet_configs.gap(),
            self.apis.gap(),
            self.namespaces.gap(),
            self.workloads.daemon_sets.gap(),
            self.workloads.deployments.gap(),
            self.workloads.stateful_sets.gap(),
            self.exposure.services.gap(),
        ];
        let each =
            self.flagz.iter().filter_map(Reading::gap).chain(self.metrics.iter().filter_map(Reading::gap));
        let each = each.chain(self.policies_unread.iter().map(|unread| &unread.gap));
        let each =
            each.chain(self.configs_unread.iter().map(|unread| &unread.gap)).chain(&self.resources_unread);
        let each = each.chain(self.rbac.gaps()).chain(&self.exposure.routes_unread);
        let each = each.chain(self.cloud.answers.iter().filter_map(|answer| answer.reading.gap()));
        single.into_iter().flatten().chain(each).filter(|gap| gap.reason != GapReason::NotAsked).collect()
    }
}

fn is_unasked(workloads: &Workloads) -> bool {
    *workloads == Workloads::not_asked()
}

fn is_unasked_rbac(rbac: &Rbac) -> bool {
    *rbac == Rbac::not_asked()
}

fn is_unasked_exposure(exposure: &Exposure) -> bool {
    *exposure == Exposure::not_asked()
}

/// Snapshots of versions that did not read them have none.
fn namespaces_not_asked() -> Reading<Vec<Namespace>> {
    Reading::not_asked("the namespaces")
}

/// Snapshots of versions that did not read them have none.
fn apis_not_asked() -> Reading<ServedApis> {
    Reading::not_asked("the API resources")
}

/// What kind of thing was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// A running cluster through its API.
    Cluster,
    /// Files: nothing in them says what runs.
    Manifests,
}

/// The name under which the report speaks of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClusterIdentity {
    /// The kubeconfig context, `in-cluster`, or the file names.
    pub name: String,
    /// The server's URL without user information.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
}

/// A Lease by which a kube-apiserver says that it is alive (gate APIServerIdentity, on since 1.26).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Lease {
    /// `metadata.name`: `apiserver-` and a hash.
    pub name: String,
    /// Label `kubernetes.io/hostname`.
    #[serde(default)]
    pub hostname: Option<String>,
    /// `spec.renewTime`.
    #[serde(default)]
    pub renew_time: Option<Timestamp>,
    /// `spec.leaseDurationSeconds`.
    #[serde(default)]
    pub duration_seconds: Option<i64>,
}

/// A pod that runs a kube-apiserver, or a static pod manifest of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pod {
    /// `metadata.namespace`; empty if the manifest has none.
    #[serde(default)]
    pub namespace: String,
    /// `metadata.name`.
    pub name: String,
    /// `spec.nodeName`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_name: Option<String>,
    /// `status.podIP`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_ip: Option<String>,
    /// Labels by which hosted control planes and distributions are told apart.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// `spec.containers` that may be a kube-apiserver.
    pub containers: Vec<Container>,
    /// Where the pod stands: `Pod kube-system/kube-apiserver-cp1` or `file.yaml:1:1`.
    pub at: String,
    /// Line and column in the file for field paths (`spec.containers[0].command[2]`), where a file was read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub marks: BTreeMap<String, String>,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Node {
    /// `metadata.name`.
    pub name: String,
    /// Whether a label says that it is a control-plane node.
    #[serde(default)]
    pub control_plane: bool,
    /// `status.nodeInfo.kubeletVersion`.
    #[serde(default)]
    pub kubelet_version: String,
    /// `status.nodeInfo.osImage`.
    #[serde(default)]
    pub os_image: String,
    /// The scheme of `spec.providerID`: `aws`, `gce`, `azure`, `kind`.
    #[serde(default)]
    pub provider: String,
    /// What of `spec.providerID` tells account and place, without the machine: `subscriptions/…/resourceGroups/…` of Azure,
    /// project and zone of Google Cloud.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub provider_scope: String,
    /// Keys of labels and annotations that tell distributions apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub markers: Vec<String>,
    /// `status.nodeInfo.operatingSystem`: `linux`, `windows`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub os: String,
    /// Labels by which workloads choose nodes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// `spec.taints`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taints: Vec<Taint>,
}

/// What declares an apiserver without being its process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeclarationKind {
    /// ConfigMap `kube-system/kubeadm-config` or a kubeadm `ClusterConfiguration` file.
    KubeadmConfig,
    /// A kind `Cluster` with its kubeadm patches.
    KindConfig,
    /// A Cluster API `KubeadmControlPlane` or its template.
    KubeadmControlPlane,
    /// A k3s server configuration file.
    K3sConfig,
    /// The node annotation in which k3s writes its arguments.
    K3sNode,
    /// An RKE2 server configuration file.
    Rke2Config,
    /// The node annotation in which RKE2 writes its arguments.
    Rke2Node,
    /// `apiServerArguments` of an OpenShift or MicroShift `KubeAPIServerConfig`.
    OpenshiftConfig,
    /// `spec.kubeAPIServer` of a kops `Cluster`.
    KopsCluster,
    /// `services.kube-api` of an RKE1 `cluster.yml`.
    Rke1Cluster,
}

impl DeclarationKind {
    /// Whether such a declaration holds for every apiserver of a cluster, so that two of them speak of two clusters.
    /// k3s and RKE2 declare each server for itself.
    pub fn declares_a_cluster(self) -> bool {
        match self {
            Self::KubeadmConfig
            | Self::KindConfig
            | Self::KubeadmControlPlane
            | Self::OpenshiftConfig
            | Self::KopsCluster
            | Self::Rke1Cluster => true,
            Self::K3sConfig | Self::K3sNode | Self::Rke2Config | Self::Rke2Node => false,
        }
    }
}

/// An apiserver as some object or file declares it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeclaredApiServer {
    /// What declares it.
    pub kind: DeclarationKind,
    /// The name of the declaring object, for the report's subject: `kubeadm-config`, `kind Cluster demo`, a node's name.
    pub name: String,
    /// Where it stands: `ConfigMap kube-system/kubeadm-config` or `file.yaml:3:1`.
    pub at: String,
    /// The node it is about, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_name: Option<String>,
    /// The Kubernetes version it declares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes_version: Option<String>,
    /// The arguments, in order. Only those that [`super::redact`] keeps have values.
    #[serde(default)]
    pub arguments: Vec<Argument>,
    /// Why there may be more arguments than these: those of which this is in doubt are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<String>,
    /// The mounts it declares. None where the process runs on the host and every path is a host path,
    /// and where they are in doubt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mounts: Option<Vec<Mount>>,
    /// Where the node is a container itself (kind): which files of the machine lie where in the node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub node_mounts: Vec<Mount>,
}

/// One argument of an apiserver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Argument {
    /// The flag as written. Dashes before it are part of the name that kubeadm and others put dashes before.
    pub name: String,
    /// Its value; none for a boolean flag without one, or where the value was not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Where it stands.
    pub at: String,
}

/// A value and the place it was read from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub at: String,
}

/// A kubelet configuration (`kubelet.config.k8s.io/v1beta1`), only fields that are set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KubeletConfig {
    /// For the report's subject: `kubelet-config`, a file, a node.
    pub name: String,
    /// Where it stands.
    pub at: String,
    /// `containerLogMaxSize`, a quantity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_log_max_size: Option<Located<String>>,
    /// `containerLogMaxFiles`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_log_max_files: Option<Located<String>>,
    /// `eventRecordQPS`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_record_qps: Option<Located<String>>,
    /// `eventBurst`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_burst: Option<Located<String>>,
    /// `enableDebuggingHandlers`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_debugging_handlers: Option<Located<String>>,
}

/// What one instance answered on `/flagz`: effective values, defaults included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Flagz {
    /// Flag to value, only the flags that [`super::redact`] keeps.
    pub flags: BTreeMap<String, String>,
    /// Whether the structured form was answered, or the text form.
    pub structured: bool,
}

/// What one instance answered on `/metrics`, narrowed to auditing.
///
/// Series and their meaning: `k8s.io/apiserver` `pkg/audit/metrics.go`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditCounters {
    /// `process_start_time_seconds`: when the process started, and by which instances are told apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process_start_seconds: Option<f64>,
    /// `git_version` of `kubernetes_build_info`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_version: Option<String>,
    /// Sum of `apiserver_request_total`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<f64>,
    /// `apiserver_audit_event_total`. None if the series is missing: the endpoint is filtered or not an apiserver's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<f64>,
    /// `apiserver_audit_level_total` by `level`.
    #[serde(default)]
    pub levels: BTreeMap<String, f64>,
    /// `apiserver_audit_error_total` by `plugin`.
    #[serde(default)]
    pub errors: BTreeMap<String, f64>,
    /// `apiserver_audit_requests_rejected_total`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<f64>,
}

/// Something in the input that was left aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Note {
    /// Where.
    pub at: String,
    /// What and why, in one line.
    pub text: String,
}
