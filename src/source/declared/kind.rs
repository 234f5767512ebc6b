//! kind `Cluster`: kubeadm configuration as patches in texts.
//!
//! kind merges the patches of the cluster and then those of a node into the configuration that it generates for the
//! node (`sigs.k8s.io/kind/pkg/internal/patch`). A patch needs a `kind`; its `apiVersion` may be missing. kubeadm takes
//! the `ClusterConfiguration` of the first control-plane node for the whole cluster. The host paths of its volumes are
//! paths in that node, which is a container itself; `extraMounts` say what lies there.

use serde_json::Value;

use super::kubeadm::Draft;
use super::{below, host_mount, version};
use crate::document::node::Document;
use crate::document::yaml::{inner_name, nested};
use crate::document::{Place, items, scalar, text};
use crate::snapshot::redact::scrub;
use crate::snapshot::{Argument, DeclarationKind, DeclaredApiServer, KubeletConfig, Mount, Note};
use crate::source::kubelet;

/// What a kind `Cluster` declares.
#[derive(Debug)]
pub struct KindCluster {
    /// Its apiserver. All control-plane nodes run the same.
    pub declared: DeclaredApiServer,
    /// What patches set for kubelets.
    pub kubelet_configs: Vec<KubeletConfig>,
    /// Patches without effect or that cannot be read.
    pub notes: Vec<Note>,
}

/// Reads a kind `Cluster`.
pub fn cluster(document: &Document) -> KindCluster {
    let Document { value: object, place } = document;
    let name = match text(object, "/name") {
        "" => "kind Cluster kind".to_owned(),
        name => format!("kind Cluster {name}"),
    };
    let mut reader = Reader {
        name,
        draft: Draft::default(),
        kubelet_config: None,
        kubelet_configs: Vec::new(),
        notes: Vec::new(),
    };
    reader.gates(object, place);
    reader.patches(object, place, "", true);
    let mut is_first = true;
    let mut node_mounts = Vec::new();
    for (index, node) in items(object, "/nodes").iter().enumerate() {
        let is_control_plane = matches!(text(node, "/role"), "" | "control-plane");
        let counts = is_control_plane && is_first;
        is_first &= !is_control_plane;
        reader.patches(node, place, &format!("nodes[{index}]"), counts);
        if counts {
            node_mounts = extra_mounts(node, place, &format!("nodes[{index}].extraMounts"));
            reader.draft.default_version(image_version(text(node, "/image")));
        }
    }
    let Reader { name, draft, kubelet_config, kubelet_configs, notes } = reader;
    let mut declared = draft.finish(DeclarationKind::KindConfig, name, &place.at);
    declared.node_mounts = node_mounts;
    KindCluster {
        declared,
        kubelet_configs: kubelet_config
            .into_iter()
            .filter(kubelet::sets_anything)
            .chain(kubelet_configs)
            .collect(),
        notes,
    }
}

/// What of the machine lies where in a node.
fn extra_mounts(node: &Value, place: &Place, path: &str) -> Vec<Mount> {
    items(node, "/extraMounts")
        .iter()
        .enumerate()
        .filter(|(_, mount)| !text(mount, "/containerPath").is_empty())
        .map(|(index, mount)| {
            let read_only = mount.get("readOnly").and_then(Value::as_bool).unwrap_or(false);
            let at = place.field(&format!("{path}[{index}]"));
            host_mount(text(mount, "/containerPath"), text(mount, "/hostPath"), read_only, at)
        })
        .collect()
}

/// `v1.29.2` of `kindest/node:v1.29.2@sha256:…`.
fn image_version(image: &str) -> Option<String> {
    let (_, tag) = image.split('@').next()?.rsplit_once(':')?;
    version(tag.to_owned()).filter(|tag| tag.starts_with('v'))
}

struct Reader {
    name: String,
    draft: Draft,
    kubelet_config: Option<KubeletConfig>,
    kubelet_configs: Vec<KubeletConfig>,
    notes: Vec<Note>,
}

impl Reader {
    /// kind hands `featureGates` and `runtimeConfig` to the apiserver.
    fn gates(&mut self, object: &Value, place: &Place) {
        for (field, flag) in [("featureGates", "feature-gates"), ("runtimeConfig", "runtime-config")] {
            let Some(gates) = object.get(field).and_then(Value::as_object) else { continue };
            let mut pairs: Vec<String> =
                gates.iter().filter_map(|(gate, value)| Some(format!("{gate}={}", scalar(value)?))).collect();
            pairs.sort();
            if !pairs.is_empty() {
                let value = Some(pairs.join(","));
                self.draft.set(Argument { name: flag.to_owned(), value, at: place.field(field) });
            }
        }
    }

    /// The patches of the cluster or of a node. `counts`: kubeadm takes the `ClusterConfiguration` from here.
    fn patches(&mut self, holder: &Value, place: &Place, base: &str, counts: bool) {
        for (index, patch) in items(holder, "/kubeadmConfigPatches").iter().enumerate() {
            let path = below(base, &format!("kubeadmConfigPatches[{index}]"));
            let (documents, faults) = nested(patch.as_str().unwrap_or_default(), &inner_name(place, &path));
            for fault in faults {
                let at = format!("{}:{}:{}", inner_name(place, &path), fault.line, fault.column);
                if counts {
                    self.draft.doubt("", None, &format!("the patch at {at} cannot be read"));
                }
                self.note(at, format!("{}; left aside", scrub(&fault.message)));
            }
            for document in documents {
                self.merge_patch(&document, counts);
            }
        }
        for (index, patch) in items(holder, "/kubeadmConfigPatchesJSON6902").iter().enumerate() {
            let path = below(base, &format!("kubeadmConfigPatchesJSON6902[{index}]"));
            if text(patch, "/kind") != "ClusterConfiguration" {
                continue;
            }
            let path = below(&path, "patch");
            if text(patch, "/group") != "kubeadm.k8s.io" {
                self.note(
                    place.field(&path),
                    "not of the group kubeadm.k8s.io, so kind applies it to nothing",
                );
                continue;
            }
            self.json_patch(text(patch, "/patch"), &inner_name(place, &path), counts);
        }
    }

    fn merge_patch(&mut self, Document { value, place }: &Document, counts: bool) {
        let group = text(value, "/apiVersion").split('/').next().unwrap_or_default();
        match text(value, "/kind") {
            "ClusterConfiguration" if !matches!(group, "" | "kubeadm.k8s.io") => {
                self.note(place.at.clone(), "not of the group kubeadm.k8s.io, so kind applies it to nothing");
            }
            "ClusterConfiguration" if counts => self.draft.merge(value, place, ""),
            "InitConfiguration" | "JoinConfiguration" => {
                self.kubelet_configs.extend(kubelet::from_registration(value, "", place, &self.name));
            }
            // kubeadm uploads it for all kubelets, from the first control-plane node.
            "KubeletConfiguration" if counts => {
                let patch = kubelet::from_configuration(value, "", place, &self.name);
                match &mut self.kubelet_config {
                    Some(config) => kubelet::merge(config, &patch),
                    None => self.kubelet_config = Some(patch),
                }
            }
            "ClusterConfiguration" | "KubeletConfiguration" => self.no_effect(place.at.clone()),
            "" if value.get("apiServer").is_some() => {
                self.note(place.at.clone(), "has no `kind`, so kind applies it to nothing");
            }
            _ => {}
        }
    }

    fn json_patch(&mut self, patch: &str, name: &str, counts: bool) {
        let (documents, faults) = nested(patch, name);
        for fault in faults {
            let at = format!("{name}:{}:{}", fault.line, fault.column);
            if counts {
                self.draft.doubt("", None, &format!("the patch at {at} cannot be read"));
            }
            self.note(at, format!("{}; left aside", scrub(&fault.message)));
        }
        for Document { value, place } in &documents {
            for (index, operation) in value.as_array().into_iter().flatten().enumerate() {
                let pointer = text(operation, "/path");
                let touches = |pointer: &str| pointer.is_empty() || pointer.starts_with("/apiServer");
                let moves_away =
                    text(operation, "/op") == "move" && text(operation, "/from").starts_with("/apiServer");
                if !touches(pointer) && !moves_away {
                    continue;
                }
                let at = place.field(&format!("[{index}]"));
                if !counts {
                    self.no_effect(at);
                    continue;
                }
                let content = operation.get("value").unwrap_or(&Value::Null);
                let outcome = if pointer.is_empty() || moves_away {
                    Err("it changes more than the apiserver's part".to_owned())
                } else {
                    let path = format!("[{index}].value");
                    self.draft.patch(text(operation, "/op"), pointer, content, place, &path)
                };
                if let Err(problem) = outcome {
                    let pointer = if moves_away { "" } else { pointer };
                    self.draft.doubt(
                        pointer,
                        None,
                        &format!("the JSON patch at {at} is not read: {problem}"),
                    );
                    self.note(at, format!("a JSON patch that is left aside: {problem}"));
                }
            }
        }
    }

    fn no_effect(&mut self, at: String) {
        self.note(
            at,
            "without effect: kubeadm takes this configuration from the first control-plane node only",
        );
    }

    fn note(&mut self, at: String, text: impl Into<String>) {
        self.notes.push(Note { at, text: text.into() });
    }
}
