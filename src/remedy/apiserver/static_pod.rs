//! The manifest of a static pod, with its flags and volumes changed.

use serde_json::{Value, json};

use super::kubeadm::yaml;
use super::settings::Settings;
use crate::document::yaml::parse;
use crate::remedy::quote::file_name;
use crate::remedy::situation::Situation;
use crate::remedy::{File, POLICY_FILE};
use crate::source::objects::is_apiserver;

/// The manifests that were given, changed. Of others only the flags are told.
pub(super) fn manifests(situation: &Situation<'_>, settings: &Settings) -> (Vec<File>, Vec<String>) {
    let mut files: Vec<File> = Vec::new();
    for (name, text) in &situation.wishes.texts {
        for tree in parse(text).trees {
            let mut value = tree.document(name).value;
            if value.get("kind").and_then(Value::as_str) != Some("Pod") || !change(&mut value, settings) {
                continue;
            }
            let pod = value.pointer("/metadata/name").and_then(Value::as_str).unwrap_or("kube-apiserver");
            let base = file_name(pod);
            let again = files.iter().filter(|file| file.name.starts_with(&base)).count();
            let name = if again == 0 { format!("{base}.yaml") } else { format!("{base}-{}.yaml", again + 1) };
            files.push(File { name, text: yaml(&value) });
        }
    }
    let mut steps =
        vec![format!("Copy `{POLICY_FILE}` to `{}` on every node of the control plane.", settings.policy)];
    if files.is_empty() {
        steps.extend(super::by_hand(settings));
    } else {
        steps.push("Move the manifest in the place of /etc/kubernetes/manifests/kube-apiserver.yaml, from outside of that folder; the kubelet restarts the apiserver. Keep the old one elsewhere: the kubelet starts whatever lies there.".into());
        steps.push("Where kubeadm wrote the manifest, change `extraArgs` and `extraVolumes` of its `ClusterConfiguration` too, or the next upgrade takes all this back.".into());
    }
    (files, steps)
}

/// Changes flags and volumes of the apiserver; whether there is one.
fn change(pod: &mut Value, settings: &Settings) -> bool {
    let mut found = false;
    let containers = pod.pointer_mut("/spec/containers").and_then(Value::as_array_mut);
    for container in containers.into_iter().flatten().filter(|container| is_apiserver(container)) {
        found |= change_container(container, settings);
    }
    if !found || settings.paths.is_empty() {
        return found;
    }
    let Some(spec) = pod.get_mut("spec").and_then(Value::as_object_mut) else { return false };
    let volumes = spec.entry("volumes").or_insert_with(|| json!([]));
    if let Some(volumes) = volumes.as_array_mut() {
        for path in &settings.paths {
            volumes.retain(|volume| volume.get("name").and_then(Value::as_str) != Some(&path.name));
            let kind = if path.is_folder { "DirectoryOrCreate" } else { "File" };
            volumes.push(json!({"name": path.name, "hostPath": {"path": path.path, "type": kind}}));
        }
    }
    true
}

fn change_container(container: &mut Value, settings: &Settings) -> bool {
    let Some(fields) = container.as_object_mut() else { return false };
    let is_flag = |word: &Value| {
        let name = word.as_str().and_then(|word| word.strip_prefix("--")?.split('=').next());
        name.is_some_and(|name| settings.flags.contains_key(name))
    };
    for list in ["command", "args"] {
        if let Some(words) = fields.get_mut(list).and_then(Value::as_array_mut) {
            words.retain(|word| !is_flag(word));
        }
    }
    let has_args = fields.get("args").and_then(Value::as_array).is_some_and(|args| !args.is_empty());
    let list = fields.entry(if has_args { "args" } else { "command" }).or_insert_with(|| json!([]));
    let Some(words) = list.as_array_mut() else { return false };
    words.extend(settings.flags.iter().map(|(name, value)| Value::from(format!("--{name}={value}"))));
    if settings.paths.is_empty() {
        return true;
    }
    let mounts = fields.entry("volumeMounts").or_insert_with(|| json!([]));
    let Some(mounts) = mounts.as_array_mut() else { return false };
    for path in &settings.paths {
        let text = |mount: &Value, key: &str| mount.get(key).and_then(Value::as_str).map(str::to_owned);
        mounts.retain(|mount| {
            text(mount, "name").as_deref() != Some(&path.name)
                && text(mount, "mountPath").as_deref() != Some(&path.path)
        });
        mounts.push(json!({"name": path.name, "mountPath": path.path, "readOnly": path.read_only}));
    }
    true
}
