//! kubeadm's `ClusterConfiguration`: `v1beta1` to `v1beta3` give `extraArgs` as a mapping, `v1beta4` as a list.

use serde_json::Value;

use super::{below, declare, host_mount, named_arguments, version};
use crate::document::node::Document;
use crate::document::{Place, items, scalar, text};
use crate::snapshot::{Argument, DeclarationKind, DeclaredApiServer, Mount};

/// Where kubeadm keeps certificates unless `certificatesDir` says otherwise.
const CERTIFICATES: &str = "/etc/kubernetes/pki";

/// The apiserver of a `ClusterConfiguration`.
pub fn cluster_configuration(document: &Document, name: &str) -> DeclaredApiServer {
    let Document { value, place } = document;
    let mut draft = Draft::default();
    draft.read(value, place, "");
    draft.finish(DeclarationKind::KubeadmConfig, name.to_owned(), &place.at)
}

/// The apiserver's part of a `ClusterConfiguration` while it is put together.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    arguments: Vec<Argument>,
    volumes: Vec<(String, Mount)>,
    version: Option<String>,
    certificates: Option<String>,
    /// Why there may be other arguments.
    open: Option<String>,
    /// Whether there may be other volumes.
    open_volumes: bool,
}

impl Draft {
    /// Something may change what `pointer` names, a place in the `ClusterConfiguration`, to `value`, if that is known.
    /// Arguments that it may set are left out, so that nothing is told of them; why is kept.
    pub fn doubt(&mut self, pointer: &str, value: Option<&Value>, why: &str) {
        let mut keys = pointer.split('/').skip(1).map(unescape);
        let (first, second, third) = (keys.next(), keys.next(), keys.next());
        match (first.as_deref(), second.as_deref(), third.as_deref()) {
            (Some("kubernetesVersion"), ..) => {
                self.version = None;
                return;
            }
            (Some("apiServer"), Some("extraVolumes"), _) => {
                self.open_volumes = true;
                return;
            }
            (Some("apiServer"), Some("extraArgs"), Some(key)) => {
                let named = value.map(|value| text(value, "/name")).filter(|name| !name.is_empty());
                let is_position = key == "-" || key.parse::<usize>().is_ok();
                match named.or(Some(key).filter(|_| !is_position)) {
                    // At a number stands another argument as well.
                    Some(name) if key == "-" || !is_position => {
                        let same = value.and_then(scalar);
                        self.arguments
                            .retain(|other| other.name != name || same.is_some() && other.value == same);
                    }
                    _ => self.arguments.clear(),
                }
            }
            (Some("apiServer"), Some("extraArgs"), None) => self.arguments.clear(),
            (Some("apiServer"), Some(_), _) => return,
            (Some("apiServer") | None, ..) => {
                self.arguments.clear();
                self.open_volumes = true;
            }
            _ => return,
        }
        self.open.get_or_insert_with(|| why.to_owned());
    }

    /// Takes a whole configuration in. `base` is its path in the object.
    pub fn read(&mut self, config: &Value, place: &Place, base: &str) {
        self.common(config);
        let api_server = below(base, "apiServer");
        let arguments = config.pointer("/apiServer/extraArgs").unwrap_or(&Value::Null);
        self.arguments.extend(named_arguments(arguments, place, &below(&api_server, "extraArgs")));
        self.volumes.extend(volumes(
            config,
            "/apiServer/extraVolumes",
            place,
            &below(&api_server, "extraVolumes"),
        ));
    }

    /// Merges a patch in, as kind does: arguments by name, an absent value removes one, volumes are replaced.
    pub fn merge(&mut self, patch: &Value, place: &Place, base: &str) {
        self.common(patch);
        let field = below(base, "apiServer");
        match patch.get("apiServer") {
            Some(Value::Null) => self.clear(),
            Some(api_server) => self.merge_api_server(api_server, place, &field),
            None => {}
        }
    }

    fn merge_api_server(&mut self, api_server: &Value, place: &Place, path: &str) {
        match api_server.get("extraArgs") {
            Some(Value::Null) => self.clear_arguments(),
            Some(arguments) => {
                let removed: Vec<&str> = match arguments {
                    Value::Object(fields) => fields
                        .iter()
                        .filter(|(_, value)| value.is_null())
                        .map(|(name, _)| name.as_str())
                        .collect(),
                    list => items(list, "")
                        .iter()
                        .filter(|item| item.get("value").is_none_or(Value::is_null))
                        .map(|item| text(item, "/name"))
                        .collect(),
                };
                self.arguments.retain(|argument| !removed.contains(&argument.name.as_str()));
                for argument in named_arguments(arguments, place, &below(path, "extraArgs")) {
                    if argument.value.is_some() {
                        self.set(argument);
                    }
                }
            }
            None => {}
        }
        if api_server.get("extraVolumes").is_some() {
            self.volumes = volumes(api_server, "/extraVolumes", place, &below(path, "extraVolumes"));
            self.open_volumes = false;
        }
    }

    /// Nothing is set for the apiserver.
    fn clear(&mut self) {
        self.clear_arguments();
        self.volumes.clear();
        self.open_volumes = false;
    }

    fn clear_arguments(&mut self) {
        self.arguments.clear();
        self.open = None;
    }

    /// Sets an argument, in the place of one with the same name.
    pub fn set(&mut self, argument: Argument) {
        match self.arguments.iter_mut().find(|other| other.name == argument.name) {
            Some(other) => *other = argument,
            None => self.arguments.push(argument),
        }
    }

    /// Applies an operation of a JSON patch (RFC 6902). `pointer` is the place in the `ClusterConfiguration`, `value`
    /// stands at `path` in `place`.
    ///
    /// # Errors
    /// It concerns the apiserver in a way that is not understood here.
    pub fn patch(
        &mut self,
        operation: &str,
        pointer: &str,
        value: &Value,
        place: &Place,
        path: &str,
    ) -> Result<(), String> {
        let mut keys = pointer.split('/').skip(1).map(unescape);
        let (first, second, third, rest) = (keys.next(), keys.next(), keys.next(), keys.next());
        let removes = operation == "remove";
        if operation == "test" {
            // It changes nothing.
            return Ok(());
        }
        match (first.as_deref(), second.as_deref(), third.as_deref(), rest) {
            (Some("apiServer"), ..) if !matches!(operation, "add" | "replace" | "remove") => {
                return Err(format!("its operation `{operation}` is not read"));
            }
            (Some("apiServer"), None, ..) => {
                self.clear();
                self.merge_api_server(value, place, path);
            }
            (Some("apiServer"), Some("extraArgs"), None, _) => {
                self.open = None;
                self.arguments = named_arguments(value, place, path);
            }
            (Some("apiServer"), Some("extraArgs"), Some(key), None)
                if self.open.is_some() && key.parse::<usize>().is_ok() =>
            {
                return Err(format!("which argument stands there is not known ({pointer})"));
            }
            (Some("apiServer"), Some("extraArgs"), Some(key), None) if removes => {
                match key.parse::<usize>() {
                    Ok(index) if index < self.arguments.len() => {
                        self.arguments.remove(index);
                    }
                    _ => self.arguments.retain(|argument| argument.name != key),
                }
            }
            (Some("apiServer"), Some("extraArgs"), Some(key), None) => {
                if let Some(value) = scalar(value) {
                    self.set(Argument { name: key.to_owned(), value: Some(value), at: place.field(path) });
                } else if !text(value, "/name").is_empty() {
                    let argument = Argument {
                        name: text(value, "/name").to_owned(),
                        value: value.get("value").and_then(scalar),
                        at: place.field(path),
                    };
                    match key.parse::<usize>().ok().and_then(|index| self.arguments.get_mut(index)) {
                        Some(other) if operation == "replace" => *other = argument,
                        _ => self.arguments.push(argument),
                    }
                } else {
                    return Err(format!("its value is no argument ({pointer})"));
                }
            }
            (Some("apiServer"), Some("extraVolumes"), None, _) => {
                self.open_volumes = false;
                self.volumes = list(value)
                    .enumerate()
                    .filter_map(|(index, item)| volume(item, place.field(&format!("{path}[{index}]"))))
                    .collect();
            }
            (Some("apiServer"), Some("extraVolumes"), Some(key), None) => {
                let index = key.parse::<usize>().ok().filter(|index| *index < self.volumes.len());
                match (removes, index, volume(value, place.field(path))) {
                    (true, Some(index), _) => {
                        self.volumes.remove(index);
                    }
                    (false, Some(index), Some(volume)) if operation == "replace" => {
                        if let Some(other) = self.volumes.get_mut(index) {
                            *other = volume;
                        }
                    }
                    (false, _, Some(volume)) => self.volumes.push(volume),
                    _ => return Err(format!("there is no such volume ({pointer})")),
                }
            }
            (Some("apiServer"), Some("extraArgs" | "extraVolumes"), Some(_), Some(_)) => {
                return Err(format!("it changes a part of an argument or volume ({pointer})"));
            }
            (Some("kubernetesVersion"), None, ..) => self.version = scalar(value).and_then(version),
            (Some("certificatesDir"), None, ..) => self.certificates = scalar(value),
            _ => {}
        }
        Ok(())
    }

    fn common(&mut self, config: &Value) {
        let given = |key: &str| config.get(key).and_then(scalar).filter(|value| !value.is_empty());
        if let Some(value) = given("kubernetesVersion") {
            self.version = version(value);
        }
        if let Some(value) = given("certificatesDir") {
            self.certificates = Some(value);
        }
    }

    /// The declaration. Beside the volumes given, kubeadm itself mounts the certificates and the host's CA bundle
    /// (`k8s.io/kubernetes/cmd/kubeadm/app/phases/controlplane/volumes.go`); a volume of the same name replaces its own.
    pub fn finish(self, kind: DeclarationKind, name: String, at: &str) -> DeclaredApiServer {
        let certificates = self.certificates.as_deref().unwrap_or(CERTIFICATES);
        let own = [("k8s-certs", certificates), ("ca-certs", "/etc/ssl/certs")];
        let mut mounts: Vec<Mount> = own
            .into_iter()
            .filter(|(name, path)| {
                !self
                    .volumes
                    .iter()
                    .any(|(other, mount)| other == name || mount.path.trim_end_matches('/') == *path)
            })
            .map(|(_, path)| host_mount(path, path, true, at.to_owned()))
            .collect();
        mounts.extend(self.volumes.into_iter().map(|(_, mount)| mount));
        let mounts = Some(mounts).filter(|_| !self.open_volumes);
        let mut declared = declare(kind, name, at, self.arguments, mounts);
        declared.open = self.open;
        declared.kubernetes_version = self.version;
        declared
    }

    /// Sets the version unless the configuration gives one.
    pub fn default_version(&mut self, version: Option<String>) {
        self.version = self.version.take().or(version);
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn volumes(object: &Value, pointer: &str, place: &Place, path: &str) -> Vec<(String, Mount)> {
    items(object, pointer)
        .iter()
        .enumerate()
        .filter_map(|(index, item)| volume(item, place.field(&format!("{path}[{index}]"))))
        .collect()
}

fn volume(item: &Value, at: String) -> Option<(String, Mount)> {
    let path = text(item, "/mountPath");
    if path.is_empty() {
        return None;
    }
    let read_only = item.get("readOnly").and_then(Value::as_bool).unwrap_or(false);
    Some((text(item, "/name").to_owned(), host_mount(path, text(item, "/hostPath"), read_only, at)))
}

/// A part of a JSON pointer (RFC 6901).
fn unescape(key: &str) -> String {
    key.replace("~1", "/").replace("~0", "~")
}
