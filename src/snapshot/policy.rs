//! The texts of audit policies.

use serde::{Deserialize, Serialize};

use super::reading::Gap;

/// The text of an audit policy: what a server reads, with comments and whatever looks like a credential blanked out, so
/// that every line and column stands where it stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyText {
    /// What to call it: a file's name, or `ConfigMap namespace/name`.
    pub name: String,
    /// What a line and a column follow to make a place in it: `audit-policy.yaml`,
    /// `ConfigMap kube-system/audit data[policy.yaml]`, `cluster.yaml:30:5 spec.fileAssets[0].content`.
    pub at: String,
    /// Which line of `at` the first line of the text is, from 1.
    #[serde(default = "first_line")]
    pub line: u32,
    /// Where it comes from.
    pub origin: PolicyOrigin,
    /// Under which file paths a server may see it, and what a file of it may be called (a name without `/`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// Where the object stands that it is written into, where it is: only that object's apiserver is sure to read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inside: Option<String>,
    /// The key of the ConfigMap that it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map: Option<ConfigMapKey>,
    /// The text.
    pub text: String,
}

fn first_line() -> u32 {
    1
}

/// Where the text of a policy comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyOrigin {
    /// It was given as the policy that the apiservers load.
    Given,
    /// A file, or an object in a file.
    Manifest,
    /// A ConfigMap, of the cluster or in a file.
    ConfigMap,
}

/// A key of a ConfigMap.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfigMapKey {
    /// The namespace; empty if a file does not say.
    #[serde(default)]
    pub namespace: String,
    /// The ConfigMap.
    pub name: String,
    /// The key.
    pub key: String,
}

impl ConfigMapKey {
    /// The ConfigMap in words: `ConfigMap kube-system/audit`.
    pub fn object(&self) -> String {
        match self.namespace.as_str() {
            "" => format!("ConfigMap {}", self.name),
            namespace => format!("ConfigMap {namespace}/{}", self.name),
        }
    }

    /// The key in words: `ConfigMap kube-system/audit data[policy.yaml]`.
    pub fn at(&self) -> String {
        format!("{} data[{}]", self.object(), self.key)
    }

    /// Whether both are the same key. A file need not say the namespace.
    pub fn is(&self, other: &Self) -> bool {
        (self.name == other.name && self.key == other.key)
            && (self.namespace == other.namespace || self.namespace.is_empty() || other.namespace.is_empty())
    }
}

/// A policy in a ConfigMap that an apiserver reads and that could not be read here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UnreadPolicy {
    /// Which.
    pub config_map: ConfigMapKey,
    /// Why.
    pub gap: Gap,
}
