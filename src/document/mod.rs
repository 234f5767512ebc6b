//! Texts that objects are written in, as values that know where they stand.
//!
//! | module | does |
//! | --- | --- |
//! | [`yaml`] | YAML and JSON as Kubernetes reads them |
//! | [`toml`] | TOML |
//! | [`node`] | values with the places of their fields |
//! | [`comments`] | the comments of YAML |
//! | [`logs`] | blanks out the container logs among dumped objects |

pub mod comments;
pub mod logs;
pub mod node;
pub mod toml;
pub mod yaml;

use std::collections::BTreeMap;

use serde_json::Value;

pub use node::Document;

/// Where an object stands, and where its fields stand, for evidence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The object: `Pod kube-system/kube-apiserver-cp1`, or file, line and column.
    pub at: String,
    /// Line and column of field paths below the object; empty where the object came through the API or as JSON.
    pub marks: BTreeMap<String, String>,
}

impl Place {
    /// An object without positions.
    pub fn of(at: impl Into<String>) -> Self {
        Self { at: at.into(), marks: BTreeMap::new() }
    }

    /// Where a field of the object stands: its line and column in the file if known, else object and field path.
    pub fn field(&self, path: &str) -> String {
        match self.marks.get(path) {
            Some(mark) => mark.clone(),
            None => format!("{} {path}", self.at),
        }
    }
}

/// A string field, or `""`.
pub fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The items of an array field, or none.
pub fn items<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A scalar as text: manifests give numbers and booleans where the API has strings.
pub fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// `namespace/name`, or the name alone.
pub fn full_name(object: &Value) -> String {
    let name = text(object, "/metadata/name");
    match text(object, "/metadata/namespace") {
        "" => name.to_owned(),
        namespace => format!("{namespace}/{name}"),
    }
}
