//! OpenShift starts its apiservers with a configuration file instead of flags. The file is in a ConfigMap.

use serde_json::Value;

use crate::document::Place;
use crate::snapshot::{DeclaredApiServer, Node, Pod};
use crate::source::declared::openshift;

/// Whether nodes show that this is OpenShift.
pub(super) fn is_openshift(nodes: &[Node]) -> bool {
    nodes.iter().any(|node| node.markers.iter().any(|marker| marker.starts_with("node.openshift.io/")))
}

/// The apiserver that the ConfigMap `openshift-kube-apiserver/config` declares in `config.yaml`.
///
/// `pods` are those that read the file: the paths in it are paths in them.
///
/// # Errors
/// The file is not there or not in the known form.
pub(super) fn from_config_map(
    object: &Value,
    place: &Place,
    pods: &[Pod],
) -> Result<DeclaredApiServer, String> {
    let mut declared =
        openshift::config_map(object, place)?.ok_or("its config.yaml has no apiServerArguments")?;
    let mounts = pods.iter().flat_map(|pod| &pod.containers).map(|container| container.mounts.clone()).next();
    // None would say that the process runs on the host.
    declared.mounts = Some(mounts.unwrap_or_default());
    Ok(declared)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::DeclarationKind;
    use serde_json::json;

    fn read(file: &str) -> Result<DeclaredApiServer, String> {
        let object = json!({"kind": "ConfigMap", "data": {"config.yaml": file}});
        from_config_map(&object, &Place::of("ConfigMap openshift-kube-apiserver/config"), &[])
    }

    #[test]
    fn arguments_are_read_with_their_places() {
        let file = json!({"kind": "KubeAPIServerConfig", "apiServerArguments": {
            "audit-log-path": ["/var/log/kube-apiserver/audit.log"], "etcd-servers": ["https://secret"],
            "audit-log-maxbackup": ["10"]}});
        let declared = read(&file.to_string()).unwrap();
        assert_eq!(declared.kind, DeclarationKind::OpenshiftConfig);
        let found = declared.arguments.iter().find(|argument| argument.name == "audit-log-path").unwrap();
        assert_eq!(found.value.as_deref(), Some("/var/log/kube-apiserver/audit.log"));
        assert_eq!(
            found.at,
            "ConfigMap openshift-kube-apiserver/config data.config.yaml apiServerArguments.audit-log-path[0]"
        );
        let other = declared.arguments.iter().find(|argument| argument.name == "etcd-servers").unwrap();
        assert_eq!(other.value.as_deref(), Some("REDACTED"));
    }

    #[test]
    fn what_is_missing_is_said() {
        assert!(read("").unwrap_err().contains("no YAML mapping"));
        assert!(read("{").unwrap_err().starts_with("data.config.yaml:"));
        assert!(read("{}").unwrap_err().contains("no apiServerArguments"));
    }
}
