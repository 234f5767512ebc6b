//! What an API server says that it serves.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What discovery says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServedApis {
    /// The resources, by group and name.
    pub resources: Vec<ServedResource>,
    /// Groups whose own server did not answer when the apiserver last asked it: resources of theirs may be missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stale_groups: Vec<String>,
}

/// A resource, in all versions of its group together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServedResource {
    /// The group; empty for core.
    #[serde(default)]
    pub group: String,
    /// Plural, as in URLs.
    pub resource: String,
    /// The version that the server prefers of those that have it; empty where an older version of this program read it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Whether its objects lie in namespaces.
    pub namespaced: bool,
    /// What can be done with it.
    pub verbs: Vec<String>,
    /// Its subresources and what can be done with each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub subresources: BTreeMap<String, Vec<String>>,
}
