//! Apiservers as objects and files declare them.
//!
//! | module | reads |
//! | --- | --- |
//! | [`kubeadm`] | `ClusterConfiguration`, and patches of it |
//! | [`kind`] | kind `Cluster` |
//! | [`cluster_api`] | `KubeadmControlPlane` and its relatives |
//! | [`rancher`] | configuration files and node annotations of k3s and RKE2 |
//! | [`rke1`] | `cluster.yml` of RKE1 |
//! | [`kops`] | kops `Cluster` |
//! | [`openshift`] | `KubeAPIServerConfig` of OpenShift and MicroShift |

pub mod cluster_api;
pub mod kind;
pub mod kops;
pub mod kubeadm;
pub mod openshift;
pub mod rancher;
pub mod rke1;

use serde_json::Value;

use crate::document::node::Document;
use crate::document::yaml::{inner_name, nested};
use crate::document::{Place, scalar, text};
use crate::snapshot::redact::{redact_declared, scrub};
use crate::snapshot::{Argument, DeclarationKind, DeclaredApiServer, KubeletConfig, Medium, Mount};

/// The apiserver that the ConfigMap `kube-system/kubeadm-config` declares; none if the ConfigMap holds no `ClusterConfiguration`.
///
/// # Errors
/// Its text cannot be read: what is wrong with it, in one line.
pub fn kubeadm_config_map(object: &Value, place: &Place) -> Result<Option<DeclaredApiServer>, String> {
    let Some(document) = config_map_key(object, place, "ClusterConfiguration")? else { return Ok(None) };
    let mut declared = kubeadm::cluster_configuration(&document, "kubeadm-config");
    declared.at.clone_from(&place.at);
    Ok(Some(declared))
}

/// What k3s and RKE2 write about their server process into a node's annotations.
pub fn from_node(object: &Value, place: &Place) -> (Option<DeclaredApiServer>, Option<KubeletConfig>) {
    let read = rancher::node(object, place);
    (read.declared, read.kubelet_config)
}

/// The mapping in a key of a ConfigMap; none if there is no such key.
pub(super) fn config_map_key(object: &Value, place: &Place, key: &str) -> Result<Option<Document>, String> {
    let Some(content) = object.get("data").and_then(|data| data.get(key)).and_then(Value::as_str) else {
        return Ok(None);
    };
    let path = format!("data.{key}");
    let (documents, faults) = nested(content, &inner_name(place, &path));
    match documents.into_iter().find(|document| document.value.is_object()) {
        Some(document) => Ok(Some(document)),
        None => Err(match faults.first() {
            Some(fault) => format!("{path}:{}:{}: {}", fault.line, fault.column, scrub(&fault.message)),
            None => format!("{path} holds no YAML mapping"),
        }),
    }
}

/// A declaration, redacted.
fn declare(
    kind: DeclarationKind,
    name: String,
    at: &str,
    arguments: Vec<Argument>,
    mounts: Option<Vec<Mount>>,
) -> DeclaredApiServer {
    let mut declared = DeclaredApiServer {
        kind,
        name,
        at: at.to_owned(),
        node_name: None,
        kubernetes_version: None,
        arguments,
        open: None,
        mounts,
        node_mounts: Vec::new(),
    };
    redact_declared(&mut declared);
    declared
}

/// A version, if the text is one: not a label such as `stable-1.30`, and no placeholder.
fn version(text: String) -> Option<String> {
    text.trim_start_matches('v').starts_with(|c: char| c.is_ascii_digit()).then_some(text)
}

/// A path below another one.
pub(super) fn below(base: &str, field: &str) -> String {
    if base.is_empty() { field.to_owned() } else { format!("{base}.{field}") }
}

/// Arguments as kubeadm and others give them: a mapping of names to values, or a list of `name` and `value`, which may
/// name one more than once. Absent values of a mapping are left out.
pub(super) fn named_arguments(value: &Value, place: &Place, path: &str) -> Vec<Argument> {
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter_map(|(name, value)| {
                let value = scalar(value)?;
                Some(Argument {
                    name: name.clone(),
                    value: Some(value),
                    at: place.field(&format!("{path}.{name}")),
                })
            })
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .filter(|(_, item)| !text(item, "/name").is_empty())
            .map(|(index, item)| Argument {
                name: text(item, "/name").to_owned(),
                value: item.get("value").and_then(scalar),
                at: place.field(&format!("{path}[{index}]")),
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// Arguments as texts `name=value`, with or without dashes: a list, or one text.
fn text_arguments(value: &Value, place: &Place, path: &str) -> Vec<Argument> {
    match value {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .filter_map(|(index, item)| {
                text_argument(&scalar(item)?, place.field(&format!("{path}[{index}]")))
            })
            .collect(),
        single => {
            scalar(single).and_then(|text| text_argument(&text, place.field(path))).into_iter().collect()
        }
    }
}

/// One argument from a text `name=value` or `name`. k3s takes two dashes away before it adds its own, and a `+` at the end
/// of the name adds to what it sets itself (`k3s-io/k3s/pkg/util/args.go`).
fn text_argument(text: &str, at: String) -> Option<Argument> {
    let text = text.trim();
    let text = text.strip_prefix("--").unwrap_or(text);
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (text, None),
    };
    let name = name.trim_end_matches('+');
    (!name.is_empty()).then(|| Argument { name: name.to_owned(), value, at })
}

/// A path of the host, mounted.
fn host_mount(path: &str, host_path: &str, read_only: bool, at: String) -> Mount {
    let host_path = match host_path.trim_end_matches('/') {
        "" => "/",
        path => path,
    };
    Mount {
        path: path.to_owned(),
        read_only,
        medium: Medium::HostPath(host_path.to_owned()),
        shared_with: None,
        at,
    }
}

/// The folder of a path.
fn folder(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) | None => "/",
        Some((folder, _)) => folder,
    }
}

#[cfg(test)]
mod tests;
