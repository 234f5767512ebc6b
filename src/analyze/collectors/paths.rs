//! Paths of the node as a collector's container sees them, and where container logs lie.

use crate::snapshot::{Container, Medium, Mount};

/// The folder of container logs, by pod (`k8s.io/kubelet` `podLogsDir`).
pub const POD_LOGS: &str = "/var/log/pods";

/// The folder of links to them, by container.
pub const CONTAINER_LINKS: &str = "/var/log/containers";

/// Whether a path is a folder or lies below it.
pub fn is_or_below(path: &str, folder: &str) -> bool {
    folder == "/" || path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a mount brings in the container logs of the node.
pub fn holds_container_logs(mount: &Mount) -> bool {
    match &mount.medium {
        Medium::HostPath(path) => {
            is_or_below(POD_LOGS, path)
                || is_or_below(CONTAINER_LINKS, path)
                || path == "/var/lib/docker/containers"
        }
        _ => false,
    }
}

/// A path of the node in a container: each way it is mounted.
pub fn in_container<'a>(container: &'a Container, host: &str) -> Vec<(String, &'a Mount)> {
    let seen = container.mounts.iter().filter_map(|mount| match &mount.medium {
        Medium::HostPath(folder) if is_or_below(host, folder) => {
            let rest = if folder == "/" { host } else { host.get(folder.len()..)? };
            Some((format!("{}{rest}", mount.path.trim_end_matches('/')), mount))
        }
        _ => None,
    });
    // A mount below another one hides what lies there.
    let seen: Vec<(String, &Mount)> = seen.collect();
    let is_hidden = |path: &str, own: &Mount| {
        container.mounts.iter().any(|other| {
            other.path.len() > own.path.len()
                && is_or_below(path, other.path.trim_end_matches('/'))
                && other.path != own.path
        })
    };
    seen.iter().filter(|(path, mount)| !is_hidden(path, mount)).cloned().collect()
}

/// Where the log of a container lies on its node: under the name that links to it, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerLog {
    /// `/var/log/containers/POD_NAMESPACE_CONTAINER-ID.log`.
    pub link: String,
    /// `/var/log/pods/NAMESPACE_POD_UID/CONTAINER/0.log`.
    pub file: String,
    /// `/var/lib/docker/containers/ID/ID-json.log`, where the runtime is Docker.
    pub docker: String,
}

/// The log of some container of a pod.
pub fn container_log(namespace: &str, pod: &str, container: &str) -> ContainerLog {
    const ID: &str = "0f9d3a5b7c1e2f4a6b8c0d2e4f6a8b0c1d3e5f7a9b1c3d5e7f9a0b2c4d6e8f01";
    const UID: &str = "5f0c2a9e-7b1d-4e3f-8a6b-1c2d3e4f5a6b";
    ContainerLog {
        link: format!("{CONTAINER_LINKS}/{pod}_{namespace}_{container}-{ID}.log"),
        file: format!("{POD_LOGS}/{namespace}_{pod}_{UID}/{container}/0.log"),
        docker: format!("/var/lib/docker/containers/{ID}/{ID}-json.log"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(mounts: &[(&str, &str)]) -> Container {
        Container {
            index: 0,
            name: "c".into(),
            image: String::new(),
            command: Vec::new(),
            args: Vec::new(),
            env: Vec::new(),
            env_from: Vec::new(),
            mounts: mounts
                .iter()
                .map(|(path, host)| Mount {
                    path: (*path).into(),
                    read_only: true,
                    medium: Medium::HostPath((*host).into()),
                    shared_with: None,
                    at: "x".into(),
                })
                .collect(),
            ports: std::collections::BTreeMap::new(),
        }
    }

    fn seen(mounts: &[(&str, &str)], host: &str) -> Vec<String> {
        in_container(&container(mounts), host).into_iter().map(|(path, _)| path).collect()
    }

    #[test]
    fn paths_are_seen_through_mounts() {
        assert_eq!(seen(&[("/var/log", "/var/log")], "/var/log/pods/a"), ["/var/log/pods/a"]);
        assert_eq!(seen(&[("/host", "/")], "/var/log/pods/a"), ["/host/var/log/pods/a"]);
        assert_eq!(seen(&[("/logs/", "/var/log/pods")], "/var/log/pods/a"), ["/logs/a"]);
        assert!(seen(&[("/var/log", "/var/logs")], "/var/log/pods/a").is_empty());
        assert!(seen(&[("/var/log/pods", "/var/log/pods")], "/var/log/containers/a").is_empty());
    }

    #[test]
    fn a_mount_below_hides_what_lies_there() {
        assert_eq!(seen(&[("/host", "/"), ("/host/var/log", "/srv")], "/var/log/a"), [] as [&str; 0]);
    }
}
