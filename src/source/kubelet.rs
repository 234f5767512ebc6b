//! Kubelet configurations.

use serde_json::Value;

use super::objects::Place;
use crate::snapshot::KubeletConfig;

/// The configuration in the ConfigMap `kube-system/kubelet-config` (key `kubelet`).
///
/// # Errors
/// Its text cannot be read: what is wrong with it, in one line.
pub fn from_config_map(_object: &Value, _place: &Place) -> Result<Option<KubeletConfig>, String> {
    Ok(None)
}
