//! Cluster API with kubeadm: `KubeadmControlPlane`, `KubeadmConfig`, their templates, and the patches of a
//! `ClusterClass`. `v1beta1` gives `extraArgs` as a mapping, `v1beta2` as a list.

use serde_json::Value;

use super::kubeadm::Draft;
use super::{below, version};
use crate::document::node::Document;
use crate::document::{Place, full_name, items, scalar, text};
use crate::snapshot::{DeclarationKind, DeclaredApiServer, KubeletConfig, Note};
use crate::source::kubelet;

/// The place of the `ClusterConfiguration` in a `KubeadmControlPlaneTemplate`, as a JSON pointer.
const CLUSTER_CONFIGURATION: &str = "/spec/template/spec/kubeadmConfigSpec/clusterConfiguration";

/// A control plane, to which patches of a `ClusterClass` may still come.
#[derive(Debug)]
pub struct Template {
    name: String,
    namespace: String,
    /// Whether a `ClusterClass` may refer to it.
    is_of_classes: bool,
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
        draft.default_version(value.pointer("/spec/version").and_then(scalar).and_then(version));
        Template {
            name: text(&value, "/metadata/name").to_owned(),
            namespace: text(&value, "/metadata/namespace").to_owned(),
            is_of_classes: kind == "KubeadmControlPlaneTemplate",
            subject,
            at: place.at,
            draft,
        }
    });
    (template, kubelets)
}

/// Applies what the patches of a `ClusterClass` do to the apiserver of the template it names. What cannot be told from
/// the file, because a variable, a condition or another program decides, is noted and leaves the declaration open.
pub fn apply_class(Document { value, place }: &Document, templates: &mut [Template]) -> Vec<Note> {
    // `ref` up to v1beta1, `templateRef` since.
    let reference = ["/spec/controlPlane/templateRef/name", "/spec/controlPlane/ref/name"]
        .into_iter()
        .map(|pointer| text(value, pointer))
        .find(|name| !name.is_empty())
        .unwrap_or_default();
    let namespace = text(value, "/metadata/namespace");
    let template = templates.iter_mut().find(|template| {
        template.is_of_classes && template.name == reference && template.namespace == namespace
    });
    let mut class = Class { place, draft: template.map(|template| &mut template.draft), notes: Vec::new() };
    for (index, patch) in items(value, "/spec/patches").iter().enumerate() {
        let path = format!("spec.patches[{index}]");
        if patch.get("external").is_some_and(|external| !external.is_null()) {
            class.doubt(&format!("{path}.external"), "", None, "a runtime extension decides");
        }
        let condition = text(patch, "/enabledIf").trim();
        let is_conditional = !matches!(condition, "" | "true");
        for (definition_index, definition) in items(patch, "/definitions").iter().enumerate() {
            if text(definition, "/selector/kind") != "KubeadmControlPlaneTemplate" {
                continue;
            }
            for (operation_index, operation) in items(definition, "/jsonPatches").iter().enumerate() {
                let path = format!("{path}.definitions[{definition_index}].jsonPatches[{operation_index}]");
                class.operation(operation, &path, is_conditional);
            }
        }
    }
    class.notes
}

/// The patches of a `ClusterClass` while they are applied.
struct Class<'a> {
    place: &'a Place,
    /// That of the template; none if it is not in the input.
    draft: Option<&'a mut Draft>,
    notes: Vec<Note>,
}

impl Class<'_> {
    fn operation(&mut self, operation: &Value, path: &str, is_conditional: bool) {
        let whole = text(operation, "/path");
        let (pointer, is_wider) = match whole.strip_prefix(CLUSTER_CONFIGURATION) {
            Some(pointer) => (pointer, false),
            None if CLUSTER_CONFIGURATION.strip_prefix(whole).is_some_and(|rest| rest.starts_with('/')) => {
                ("", true)
            }
            None => return,
        };
        if !pointer.is_empty() && !pointer.starts_with("/apiServer") {
            return;
        }
        let content = operation.get("value");
        if is_conditional || operation.get("valueFrom").is_some() {
            let what = "a variable of the ClusterClass decides, which this file does not tell";
            return self.doubt(path, pointer, content, what);
        }
        let Some(draft) = &mut self.draft else { return self.no_template(path) };
        let content = content.unwrap_or(&Value::Null);
        let value_path = format!("{path}.value");
        let outcome = match (text(operation, "/op"), pointer) {
            _ if is_wider => Err("it changes more than the cluster configuration".to_owned()),
            ("add" | "replace" | "remove", "") => {
                **draft = Draft::default();
                draft.read(content, self.place, &value_path);
                Ok(())
            }
            (operation, "") if operation != "test" => Err(format!("its operation `{operation}` is not read")),
            (operation, _) => draft.patch(operation, pointer, content, self.place, &value_path),
        };
        if let Err(problem) = outcome {
            let at = self.place.field(path);
            draft.doubt(pointer, None, &format!("the JSON patch at {at} is not read: {problem}"));
            self.notes.push(Note { at, text: format!("a JSON patch that is left aside: {problem}") });
        }
    }

    /// Something may change the apiserver.
    fn doubt(&mut self, path: &str, pointer: &str, content: Option<&Value>, what: &str) {
        let Some(draft) = &mut self.draft else { return self.no_template(path) };
        let at = self.place.field(path);
        draft.doubt(pointer, content, &format!("the patch at {at} may change the arguments: {what}"));
        let text = format!("may change the apiserver of the control plane: {what}");
        self.notes.push(Note { at, text });
    }

    fn no_template(&mut self, path: &str) {
        self.notes.push(Note {
            at: self.place.field(path),
            text: "changes the apiserver of a KubeadmControlPlaneTemplate that is not in the input".into(),
        });
    }
}

fn at_path<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, key| value.get(key))
}
