//! Cluster API with kubeadm: `KubeadmControlPlane`, `KubeadmConfig`, their templates, and the patches of a
//! `ClusterClass`. `v1beta1` gives `extraArgs` as a mapping, `v1beta2` as a list.

use serde_json::Value;

use super::below;
use super::kubeadm::Draft;
use crate::snapshot::{DeclarationKind, DeclaredApiServer, KubeletConfig, Note};
use crate::source::kubelet;
use crate::source::manifests::node::Document;
use crate::source::objects::{full_name, items, scalar, text};

/// The place of the `ClusterConfiguration` in a `KubeadmControlPlaneTemplate`, as a JSON pointer.
const CLUSTER_CONFIGURATION: &str = "/spec/template/spec/kubeadmConfigSpec/clusterConfiguration";

/// A control plane, to which patches of a `ClusterClass` may still come.
#[derive(Debug)]
pub struct Template {
    name: String,
    namespace: String,
    is_template: bool,
    subject: String,
    at: String,
    draft: Draft,
}

impl Template {
    /// The declaration.
    pub fn finish(self) -> DeclaredApiServer {
        self.draft.finish(DeclarationKind::KubeadmControlPlane, self.subject, &self.at)
    }
}

/// Reads a `KubeadmControlPlane`, `KubeadmConfig` or a template of one. A `KubeadmConfig` for workers declares no
/// apiserver.
pub fn read(Document { value, place }: Document) -> (Option<Template>, Vec<KubeletConfig>) {
    let kind = text(&value, "/kind").to_owned();
    let base = match kind.as_str() {
        "KubeadmControlPlane" => "spec.kubeadmConfigSpec",
        "KubeadmControlPlaneTemplate" => "spec.template.spec.kubeadmConfigSpec",
        "KubeadmConfig" => "spec",
        _ => "spec.template.spec",
    };
    let subject = format!("{kind} {}", full_name(&value));
    let config = at_path(&value, base).unwrap_or(&Value::Null);
    let kubelets = ["initConfiguration", "joinConfiguration"]
        .into_iter()
        .filter_map(|part| {
            let part_config = config.get(part)?;
            kubelet::from_registration(part_config, &below(base, part), &place, &subject)
        })
        .collect();
    let configuration = config.get("clusterConfiguration");
    let is_control_plane = kind.starts_with("KubeadmControlPlane");
    let template = (is_control_plane || configuration.is_some_and(Value::is_object)).then(|| {
        let mut draft = Draft::default();
        if let Some(configuration) = configuration {
            draft.read(configuration, &place, &below(base, "clusterConfiguration"));
        }
        draft.default_version(value.pointer("/spec/version").and_then(scalar));
        Template {
            name: text(&value, "/metadata/name").to_owned(),
            namespace: text(&value, "/metadata/namespace").to_owned(),
            is_template: kind == "KubeadmControlPlaneTemplate",
            subject,
            at: place.at,
            draft,
        }
    });
    (template, kubelets)
}

/// Applies what the patches of a `ClusterClass` do to the apiserver of the template it names. What cannot be told from
/// the file, because a variable or a condition decides, is noted.
pub fn apply_class(Document { value, place }: &Document, templates: &mut [Template]) -> Vec<Note> {
    let mut notes = Vec::new();
    // `ref` up to v1beta1, `templateRef` since.
    let reference = ["/spec/controlPlane/templateRef/name", "/spec/controlPlane/ref/name"]
        .into_iter()
        .map(|pointer| text(value, pointer))
        .find(|name| !name.is_empty())
        .unwrap_or_default();
    let namespace = text(value, "/metadata/namespace");
    for (index, patch) in items(value, "/spec/patches").iter().enumerate() {
        let is_conditional = !text(patch, "/enabledIf").is_empty();
        for (definition_index, definition) in items(patch, "/definitions").iter().enumerate() {
            if text(definition, "/selector/kind") != "KubeadmControlPlaneTemplate" {
                continue;
            }
            for (operation_index, operation) in items(definition, "/jsonPatches").iter().enumerate() {
                let Some(pointer) = text(operation, "/path").strip_prefix(CLUSTER_CONFIGURATION) else {
                    continue;
                };
                if !pointer.is_empty() && !pointer.starts_with("/apiServer") {
                    continue;
                }
                let path = format!(
                    "spec.patches[{index}].definitions[{definition_index}].jsonPatches[{operation_index}]"
                );
                let mut note =
                    |text: &str| notes.push(Note { at: place.field(&path), text: text.to_owned() });
                let Some(template) = templates.iter_mut().find(|template| {
                    template.is_template && template.name == reference && template.namespace == namespace
                }) else {
                    note("changes the apiserver of a KubeadmControlPlaneTemplate that is not in the input");
                    continue;
                };
                if is_conditional || operation.get("valueFrom").is_some() {
                    note(
                        "may change the apiserver of the control plane: a variable of the ClusterClass decides, which \
                         this file does not tell",
                    );
                    continue;
                }
                let content = operation.get("value").unwrap_or(&Value::Null);
                let value_path = format!("{path}.value");
                let outcome = if pointer.is_empty() {
                    template.draft.merge(content, place, &value_path);
                    Ok(())
                } else {
                    template.draft.patch(text(operation, "/op"), pointer, content, place, &value_path)
                };
                if let Err(problem) = outcome {
                    note(&format!("a JSON patch that is left aside: {problem}"));
                }
            }
        }
    }
    notes
}

fn at_path<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, key| value.get(key))
}
