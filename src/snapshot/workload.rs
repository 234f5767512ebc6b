//! Workloads, as far as logs depend on them: what collects, stores and watches, and who withdraws from it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::container::{Container, Mount};
use super::policy::ConfigMapKey;
use super::reading::{Gap, Reading};

/// The workloads of a cluster, each kind read for itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Workloads {
    /// `DaemonSet`s.
    pub daemon_sets: Reading<Vec<Workload>>,
    /// Deployments.
    pub deployments: Reading<Vec<Workload>>,
    /// `StatefulSet`s.
    pub stateful_sets: Reading<Vec<Workload>>,
}

impl Workloads {
    /// Nothing has been read.
    pub fn not_asked() -> Self {
        Self {
            daemon_sets: Reading::not_asked("the DaemonSets"),
            deployments: Reading::not_asked("the Deployments"),
            stateful_sets: Reading::not_asked("the StatefulSets"),
        }
    }

    /// Each kind.
    pub fn kinds(&self) -> [&Reading<Vec<Workload>>; 3] {
        [&self.daemon_sets, &self.deployments, &self.stateful_sets]
    }

    /// Each kind, to be changed.
    pub fn kinds_mut(&mut self) -> [&mut Reading<Vec<Workload>>; 3] {
        [&mut self.daemon_sets, &mut self.deployments, &mut self.stateful_sets]
    }

    /// Every workload that was read.
    pub fn all(&self) -> impl Iterator<Item = &Workload> {
        self.kinds().into_iter().filter_map(Reading::value).flatten()
    }
}

/// Which kind a workload is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are those of Kubernetes")]
pub enum WorkloadKind {
    DaemonSet,
    Deployment,
    StatefulSet,
}

impl WorkloadKind {
    /// `kind`.
    pub fn name(self) -> &'static str {
        match self {
            Self::DaemonSet => "DaemonSet",
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
        }
    }
}

/// A workload with its pod template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Workload {
    /// `kind`.
    pub kind: WorkloadKind,
    /// `metadata.namespace`; empty if a file does not say.
    #[serde(default)]
    pub namespace: String,
    /// `metadata.name`.
    pub name: String,
    /// `metadata.labels` that tell what installed it (`app.kubernetes.io/…`, `helm.sh/chart` and their like).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The object that owns it: `FluentBit fluent-bit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// `spec.template.metadata.labels`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pod_labels: BTreeMap<String, String>,
    /// `spec.template.metadata.annotations` that collectors look at.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pod_annotations: BTreeMap<String, String>,
    /// `metadata.annotations` that waive findings.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub waivers: BTreeMap<String, String>,
    /// `spec.replicas`; none for a `DaemonSet`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i64>,
    /// Where its pods may run.
    #[serde(default, skip_serializing_if = "Placement::is_default")]
    pub placement: Placement,
    /// `serviceAccountName`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub service_account: String,
    /// Containers, where they may have to do with logs; of other workloads none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub containers: Vec<Container>,
    /// Mounts of `initContainers` that can be written and lie where nodes keep logs, or above.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub init_mounts: Vec<Mount>,
    /// `volumeClaimTemplates`, by the name that mounts give.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<Claim>,
    /// What the controller says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<WorkloadStatus>,
    /// Where it stands.
    pub at: String,
    /// Line and column of field paths, where a file was read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub marks: BTreeMap<String, String>,
}

impl Workload {
    /// `DaemonSet namespace/name`.
    pub fn title(&self) -> String {
        format!("{} {}", self.kind.name(), self.full_name())
    }

    /// `namespace/name`, or the name.
    pub fn full_name(&self) -> String {
        if self.namespace.is_empty() {
            self.name.clone()
        } else {
            format!("{}/{}", self.namespace, self.name)
        }
    }

    /// Where a field stands.
    pub fn field(&self, path: &str) -> String {
        self.marks.get(path).cloned().unwrap_or_else(|| format!("{} {path}", self.at))
    }
}

/// A claim that a `StatefulSet` makes for each of its pods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Claim {
    /// `metadata.name`.
    pub name: String,
    /// `spec.resources.requests.storage`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<String>,
}

/// Where pods may run: what a node must be (`PodSpec`, core/v1).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Placement {
    /// `nodeSelector`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub node_selector: BTreeMap<String, String>,
    /// `affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms`: one of them must hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<Vec<NodeTerm>>,
    /// `tolerations`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tolerations: Vec<Toleration>,
    /// `hostNetwork`.
    #[serde(default)]
    pub host_network: bool,
    /// Whether a container has a `hostPort`.
    #[serde(default)]
    pub host_port: bool,
}

impl Placement {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A node selector term: all of it must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeTerm {
    /// `matchExpressions`, over labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<NodeRequirement>,
    /// `matchFields`, over `metadata.name`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<NodeRequirement>,
}

/// A requirement of a node selector term.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeRequirement {
    /// `key`.
    pub key: String,
    /// `operator`: `In`, `NotIn`, `Exists`, `DoesNotExist`, `Gt`, `Lt`.
    pub operator: String,
    /// `values`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// A toleration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Toleration {
    /// `key`; empty for all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// `operator`; empty for `Equal`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub operator: String,
    /// `value`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// `effect`; empty for all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub effect: String,
}

/// A taint of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Taint {
    /// `key`.
    pub key: String,
    /// `value`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// `effect`.
    pub effect: String,
}

/// What the controller of a workload says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkloadStatus {
    /// `desiredNumberScheduled`, or `replicas`.
    pub desired: i64,
    /// `numberReady`, or `readyReplicas`.
    pub ready: i64,
    /// `updatedNumberScheduled`, or `updatedReplicas`.
    pub updated: i64,
    /// `numberMisscheduled`.
    #[serde(default)]
    pub misscheduled: i64,
    /// Whether `observedGeneration` has caught up with `metadata.generation`.
    pub observed: bool,
}

/// A namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Namespace {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.labels`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// `metadata.annotations` that collectors look at.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// A text that configures a collector, a store or a sensor, with what looks like a credential blanked out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfigText {
    /// The key of the ConfigMap it is in; for a text that was given, the workload's namespace and name and an empty key.
    pub config_map: ConfigMapKey,
    /// Whether it was given for a workload, in the place of what cannot be read.
    #[serde(default)]
    pub given: bool,
    /// What a line follows to make a place in it.
    pub at: String,
    /// The text.
    pub text: String,
}

/// A ConfigMap that a collector, store or sensor reads and that could not be read here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UnreadConfig {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The key, where only this one is not read.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// Why.
    pub gap: Gap,
}
