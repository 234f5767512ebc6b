//! Custom resources of operators, and other objects of which the analysis reads most fields.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::document::Place;

/// An object, with what looks like a credential replaced.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Resource {
    /// The API group: `observability.openshift.io`.
    pub group: String,
    /// `kind`.
    pub kind: String,
    /// `metadata.namespace`; empty for objects without one, and where a file does not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// `metadata.name`.
    pub name: String,
    /// Where it stands: `ClusterLogForwarder openshift-logging/collector` or `file.yaml:1:1`.
    pub at: String,
    /// Line and column of field paths (`spec.outputs[0].type`), where a file was read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub marks: BTreeMap<String, String>,
    /// `metadata.labels`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// `spec`.
    #[serde(default)]
    pub spec: Value,
    /// `status`, where its kind is one of which the status is read; else null.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub status: Value,
}

impl Resource {
    /// Where its fields stand. Paths begin with `spec` or `status`.
    pub fn place(&self) -> Place {
        Place { at: self.at.clone(), marks: self.marks.clone() }
    }

    /// `namespace/name`, or the name.
    pub fn full_name(&self) -> String {
        if self.namespace.is_empty() {
            self.name.clone()
        } else {
            format!("{}/{}", self.namespace, self.name)
        }
    }
}
