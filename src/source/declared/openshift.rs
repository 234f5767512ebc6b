//! OpenShift and MicroShift `KubeAPIServerConfig`: `apiServerArguments`, each with a list of values.
//!
//! The configuration declares no mounts. The audit log's folder is one of the host in both.

use serde_json::Value;

use super::{config_map_key, declare};
use crate::document::node::Document;
use crate::document::{Place, scalar};
use crate::snapshot::{Argument, DeclarationKind, DeclaredApiServer};

/// The apiserver of a `KubeAPIServerConfig`.
pub fn config(document: &Document, name: &str) -> DeclaredApiServer {
    let Document { value, place } = document;
    let mut arguments = Vec::new();
    let given = value.get("apiServerArguments").and_then(Value::as_object);
    for (flag, values) in given.into_iter().flatten() {
        let path = format!("apiServerArguments.{flag}");
        let mut push = |value: &Value, at: String| {
            if let Some(value) = scalar(value) {
                arguments.push(Argument { name: flag.clone(), value: Some(value), at });
            }
        };
        match values {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    push(item, place.field(&format!("{path}[{index}]")));
                }
            }
            single => push(single, place.field(&path)),
        }
    }
    declare(DeclarationKind::OpenshiftConfig, name.to_owned(), &place.at, arguments, None)
}

/// The apiserver of the ConfigMap `openshift-kube-apiserver/config`; none if it has no `config.yaml`.
///
/// # Errors
/// Its text cannot be read: what is wrong with it, in one line.
pub fn config_map(object: &Value, place: &Place) -> Result<Option<DeclaredApiServer>, String> {
    let Some(document) = config_map_key(object, place, "config.yaml")? else { return Ok(None) };
    if document.value.get("apiServerArguments").is_none() {
        return Ok(None);
    }
    let mut declared = config(&document, "openshift-kube-apiserver/config");
    declared.at.clone_from(&place.at);
    Ok(Some(declared))
}
