//! Apiservers as objects and files declare them.

use serde_json::Value;

use super::objects::Place;
use crate::snapshot::{DeclaredApiServer, KubeletConfig};

/// The apiserver that the ConfigMap `kube-system/kubeadm-config` declares; none if the ConfigMap holds no `ClusterConfiguration`.
///
/// # Errors
/// Its text cannot be read: what is wrong with it, in one line.
pub fn kubeadm_config_map(_object: &Value, _place: &Place) -> Result<Option<DeclaredApiServer>, String> {
    Ok(None)
}

/// What k3s and RKE2 write about their server process into a node's annotations.
pub fn from_node(_object: &Value, _place: &Place) -> (Option<DeclaredApiServer>, Option<KubeletConfig>) {
    (None, None)
}
