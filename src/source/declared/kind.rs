//! kind `Cluster`: kubeadm configuration as patches in texts.
//!
//! kind merges the patches of the cluster and then those of a node into the configuration that it generates for the
//! node (`sigs.k8s.io/kind/pkg/internal/patch`). A patch needs a `kind`; its `apiVersion` may be missing. kubeadm takes
//! the `ClusterConfiguration` of the first control-plane node for the whole cluster. The host paths of its volumes are
//! paths in that node, which is a container itself; `extraMounts` say what lies there.

use serde_json::Value;

use super::below;
use super::kubeadm::Draft;
use crate::snapshot::redact::scrub;
use crate::snapshot::{Argument, DeclarationKind, DeclaredApiServer, KubeletConfig, Note};
use crate::source::kubelet;
use crate::source::manifests::node::Document;
use crate::source::manifests::yaml::{inner_name, nested};
use crate::source::objects::{Place, items, scalar, text};

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
    let mut reader = Reader { name, draft: Draft::default(), kubelet_configs: Vec::new(), notes: Vec::new() };
    reader.gates(object, place);
    reader.patches(object, place, "", true);
    let mut is_first = true;
    for (index, node) in items(object, "/nodes").iter().enumerate() {
        let is_control_plane = matches!(text(node, "/role"), "" | "control-plane");
        let counts = is_control_plane && is_first;
        is_first &= !is_control_plane;
        reader.patches(node, place, &format!("nodes[{index}]"), counts);
        if counts {
            reader.draft.default_version(image_version(text(node, "/image")));
        }
    }
    let Reader { name, draft, kubelet_configs, notes } = reader;
    KindCluster {
        declared: draft.finish(DeclarationKind::KindConfig, name, &place.at),
        kubelet_configs,
        notes,
    }
}

/// `v1.29.2` of `kindest/node:v1.29.2@sha256:…`.
fn image_version(image: &str) -> Option<String> {
    let (_, tag) = image.split('@').next()?.rsplit_once(':')?;
    let is_version = tag.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    is_version.then(|| tag.to_owned())
}

struct Reader {
    name: String,
    draft: Draft,
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
            "ClusterConfiguration" => self.no_effect(place.at.clone()),
            "InitConfiguration" | "JoinConfiguration" => {
                self.kubelet_configs.extend(kubelet::from_registration(value, "", place, &self.name));
            }
            "KubeletConfiguration" => {
                self.kubelet_configs.push(kubelet::from_configuration(value, "", place, &self.name));
            }
            "" if value.get("apiServer").is_some() => {
                self.note(place.at.clone(), "has no `kind`, so kind applies it to nothing");
            }
            _ => {}
        }
    }

    fn json_patch(&mut self, patch: &str, name: &str, counts: bool) {
        let (documents, faults) = nested(patch, name);
        for fault in faults {
            self.note(
                format!("{name}:{}:{}", fault.line, fault.column),
                format!("{}; left aside", scrub(&fault.message)),
            );
        }
        for Document { value, place } in &documents {
            for (index, operation) in value.as_array().into_iter().flatten().enumerate() {
                let pointer = text(operation, "/path");
                if !pointer.starts_with("/apiServer") {
                    continue;
                }
                let at = place.field(&format!("[{index}]"));
                if !counts {
                    self.no_effect(at);
                    continue;
                }
                let content = operation.get("value").unwrap_or(&Value::Null);
                let path = format!("[{index}].value");
                if let Err(problem) = self.draft.patch(text(operation, "/op"), pointer, content, place, &path)
                {
                    self.note(at, format!("a JSON patch that is left aside: {problem}"));
                }
            }
        }
    }

    fn no_effect(&mut self, at: String) {
        self.note(
            at,
            "without effect: kubeadm takes the ClusterConfiguration from the first control-plane node only",
        );
    }

    fn note(&mut self, at: String, text: impl Into<String>) {
        self.notes.push(Note { at, text: text.into() });
    }
}
