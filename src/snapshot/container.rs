//! Containers of pods and workloads, with what they mount and take their variables from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::policy::ConfigMapKey;

/// A container of a pod or of a workload's template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Container {
    /// Index in `spec.containers`.
    pub index: usize,
    /// `name`.
    pub name: String,
    /// `image`.
    #[serde(default)]
    pub image: String,
    /// `command`, with the values of flags that are not needed replaced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// `args`, likewise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Variables that a flag which is kept refers to, and of collectors those that configure them. Others are not kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<EnvVar>,
    /// `envFrom`: ConfigMaps and Secrets of which every key is a variable.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env_from: Vec<EnvSource>,
    /// `volumeMounts`, resolved to what backs them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mounts: Vec<Mount>,
    /// `ports` by their names, of what takes logs in from others.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ports: BTreeMap<String, u16>,
}

/// An environment variable that a flag refers to. Its value never reaches a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnvVar {
    /// `name`.
    pub name: String,
    /// `value`; none if it comes from elsewhere (`valueFrom`, `envFrom`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Where else it comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<EnvSource>,
}

/// Where a variable comes from, if not from the pod's own text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EnvSource {
    /// A key of a ConfigMap, or the whole ConfigMap if the key is empty.
    ConfigMap(ConfigMapKey),
    /// A Secret, by its name. It is never read.
    Secret(String),
    /// The pod's own fields, or whatever else.
    Pod,
}

/// A path in a container and what backs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Mount {
    /// `mountPath`.
    pub path: String,
    /// `readOnly`.
    #[serde(default)]
    pub read_only: bool,
    /// What backs it.
    pub medium: Medium,
    /// Of an `emptyDir` of an apiserver: the other containers of the pod that mount it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared_with: Option<Vec<String>>,
    /// Where it is declared.
    pub at: String,
}

/// What backs a mount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Medium {
    /// A path of the node.
    HostPath(String),
    /// A PersistentVolumeClaim.
    PersistentVolumeClaim,
    /// An `emptyDir`: gone with the pod.
    EmptyDir,
    /// A ConfigMap: read-only content.
    ConfigMap(ConfigMapVolume),
    /// A Secret, by its name: read-only content, which is never read here.
    Secret(String),
    /// A projected or downward volume, or whatever of these an older version of this program did not tell apart:
    /// read-only content.
    ApiObject,
    /// Anything else, by the name of its field.
    Other(String),
}

impl Medium {
    /// [`Medium::Other`] of a mount whose volume the pod does not define.
    pub const NO_SUCH_VOLUME: &str = "no such volume";

    /// Whether it is the content of an API object.
    pub fn is_api_object(&self) -> bool {
        matches!(self, Self::ConfigMap(_) | Self::Secret(_) | Self::ApiObject)
    }
}

/// A ConfigMap as a volume.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfigMapVolume {
    /// The pod's namespace; empty if a file does not say.
    #[serde(default)]
    pub namespace: String,
    /// The ConfigMap.
    pub name: String,
    /// `subPath`: the file of the volume that is mounted alone; empty for the whole volume.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sub_path: String,
    /// `items`: file path in the volume to key. Without any, every key is a file.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub items: BTreeMap<String, String>,
}
