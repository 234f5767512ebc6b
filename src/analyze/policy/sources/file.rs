//! The file that a flag names: what backs it, and where it lies outside the container.

use crate::analyze::apiserver::audit::{Paths, clean, holding};
use crate::analyze::apiserver::instances::Instance;
use crate::snapshot::redact::basename;
use crate::snapshot::{ConfigMapKey, ConfigMapVolume, Medium, Mount};

/// The namespace of OpenShift's apiservers.
const OPENSHIFT: &str = "openshift-kube-apiserver";

/// Where OpenShift's installer puts the ConfigMaps of a revision, on the node and in the pod
/// (`openshift/library-go` `pkg/operator/staticpod/installerpod`).
const OPENSHIFT_RESOURCES: &str = "/etc/kubernetes/static-pod-resources";

/// What backs a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Backing {
    /// A key of a ConfigMap.
    ConfigMap(ConfigMapKey),
    /// A Secret.
    Secret(String),
    /// Something else that is neither a file of the node nor readable, in words.
    Other(String),
    /// A file of the node, or of a container of which no mounts are known.
    Node,
}

/// A file that a server reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    pub backing: Backing,
    /// Where it lies on the node.
    node: String,
    /// Where it lies on the machine whose files the node shows.
    machine: Option<String>,
}

impl File {
    /// The file at a path that a server sees.
    pub(super) fn of(instance: &Instance, path: &str) -> Self {
        let mount = match &instance.paths {
            Paths::Mounts(mounts) => holding(mounts, path),
            Paths::Host | Paths::Unknown(_) => None,
        };
        let (backing, node) = match mount {
            Some(mount) => backing(mount, path),
            // Without a mount the server would not start: the file is told by its name alone.
            None => (openshift(path, None).map_or(Backing::Node, Backing::ConfigMap), clean(path)),
        };
        let machine = holding(&instance.node_mounts, &node).and_then(|mount| match &mount.medium {
            Medium::HostPath(machine) => Some(replaced(&node, &mount.path, machine)),
            _ => None,
        });
        Self { backing, node, machine }
    }

    /// Whether an absolute path is this file's.
    pub(super) fn is_at(&self, path: &str) -> bool {
        path.starts_with('/') && clean(path) == self.node
    }

    /// What the file is called where a person keeps it.
    pub(super) fn name(&self) -> &str {
        basename(self.machine.as_deref().unwrap_or(&self.node))
    }

    /// Whether a path of the input ends as the path on the machine does, with at least one folder.
    pub(super) fn ends(&self, input: &str) -> bool {
        let Some(machine) = &self.machine else { return false };
        let machine = parts(machine);
        let input = parts(input);
        machine.len() > 1 && input.ends_with(&machine)
    }
}

/// The parts of a path without those that lead nowhere.
fn parts(path: &str) -> Vec<&str> {
    path.split('/').filter(|part| !matches!(*part, "" | "." | "..")).collect()
}

fn backing(mount: &Mount, path: &str) -> (Backing, String) {
    let inner = rest(path, &mount.path);
    let node = clean(path);
    match &mount.medium {
        Medium::HostPath(host) => {
            let node = clean(&replaced(&node, &mount.path, host));
            (openshift(path, Some(host)).map_or(Backing::Node, Backing::ConfigMap), node)
        }
        Medium::ConfigMap(volume) => match key(volume, &inner) {
            Some(key) => (Backing::ConfigMap(key), node),
            None => (Backing::Other(format!("the ConfigMap {} without a key for it", volume.name)), node),
        },
        Medium::Secret(name) => (Backing::Secret(name.clone()), node),
        Medium::ApiObject => (Backing::Other("a volume of several API objects".into()), node),
        Medium::EmptyDir => (Backing::Other("an emptyDir".into()), node),
        Medium::PersistentVolumeClaim => (Backing::Other("a PersistentVolumeClaim".into()), node),
        Medium::Other(kind) => (Backing::Other(format!("a volume of the kind `{kind}`")), node),
    }
}

/// The key that is a file of a volume.
fn key(volume: &ConfigMapVolume, inner: &str) -> Option<ConfigMapKey> {
    let file = match (volume.sub_path.as_str(), inner) {
        ("", inner) => inner.to_owned(),
        (sub, "") => sub.to_owned(),
        (sub, inner) => format!("{sub}/{inner}"),
    };
    let key = if volume.items.is_empty() { file } else { volume.items.get(&file)?.clone() };
    // A key has no folders.
    if key.is_empty() || key.contains('/') {
        return None;
    }
    Some(ConfigMapKey { namespace: volume.namespace.clone(), name: volume.name.clone(), key })
}

/// The ConfigMap whose copy on the node OpenShift's apiserver reads. `host` is what is mounted: it names the revision.
fn openshift(path: &str, host: Option<&str>) -> Option<ConfigMapKey> {
    let path = clean(path);
    let (name, key) =
        path.strip_prefix(OPENSHIFT_RESOURCES)?.strip_prefix("/configmaps/")?.split_once('/')?;
    let revision = host
        .and_then(|host| host.strip_prefix(OPENSHIFT_RESOURCES)?.strip_prefix("/kube-apiserver-pod-"))
        .filter(|revision| !revision.is_empty() && revision.chars().all(|c| c.is_ascii_digit()));
    let name = match (revision, host) {
        (Some(revision), _) => format!("{name}-{revision}"),
        (None, None) => name.to_owned(),
        // Another folder of the node, in which anything may lie.
        (None, Some(_)) => return None,
    };
    Some(ConfigMapKey { namespace: OPENSHIFT.into(), name, key: key.to_owned() })
}

/// The path below a folder, without a slash before it.
fn rest(path: &str, folder: &str) -> String {
    clean(path)
        .strip_prefix(clean(folder).trim_end_matches('/'))
        .unwrap_or_default()
        .trim_matches('/')
        .to_owned()
}

/// The same file seen from another place.
fn replaced(path: &str, folder: &str, by: &str) -> String {
    match rest(path, folder).as_str() {
        "" => by.to_owned(),
        rest => format!("{}/{rest}", by.trim_end_matches('/')),
    }
}
