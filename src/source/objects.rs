//! Kubernetes objects as JSON values into the narrow objects of a snapshot.

use std::collections::BTreeMap;

use serde_json::Value;

use super::workloads::taints;
use crate::document::{Place, items, scalar, text};
use crate::snapshot::redact::{is_script_option, redact_pod};
use crate::snapshot::words::Word;
use crate::snapshot::words::commands::commands;
use crate::snapshot::words::programs::{Runs, basename, is_apiserver_name, is_shell, runs};
use crate::snapshot::{
    ConfigMapKey, ConfigMapVolume, Container, EnvSource, EnvVar, Lease, Medium, Mount, Node, Pod,
};

/// A pod that runs a kube-apiserver, redacted; none for any other pod.
///
/// `object` may also be a workload: its pod template is read then, at `place`'s paths below `spec.template`.
pub fn apiserver_pod(object: &Value, place: &Place) -> Option<Pod> {
    let template = if object.pointer("/spec/template/spec").is_some() { "/spec/template" } else { "" };
    let spec_path = format!("{template}/spec");
    let spec = object.pointer(&spec_path)?;
    let namespace = text(object, "/metadata/namespace");
    let field_base = spec_path[1..].replace('/', ".");
    let containers: Vec<Container> = items(spec, "/containers")
        .iter()
        .enumerate()
        .filter(|(_, container)| is_apiserver(container))
        .map(|(index, container)| {
            let mut read = read_container(spec, container, index, &field_base, namespace, place);
            for (mount, declared) in read.mounts.iter_mut().zip(items(container, "/volumeMounts")) {
                let volume = text(declared, "/name");
                let shared = || sharing(spec, text(container, "/name"), volume);
                mount.shared_with = (mount.medium == Medium::EmptyDir).then(shared);
            }
            read
        })
        .collect();
    if containers.is_empty() {
        return None;
    }
    let labels = object
        .pointer(&format!("{template}/metadata/labels"))
        .or_else(|| object.pointer("/metadata/labels"))
        .and_then(Value::as_object)
        .map(|labels| labels.iter().filter_map(|(key, value)| Some((key.clone(), scalar(value)?))).collect())
        .unwrap_or_default();
    let optional =
        |pointer: &str| Some(text(object, pointer)).filter(|text| !text.is_empty()).map(str::to_owned);
    let mut pod = Pod {
        namespace: namespace.to_owned(),
        name: optional("/metadata/name").unwrap_or_else(|| "kube-apiserver".into()),
        node_name: optional("/spec/nodeName"),
        pod_ip: optional("/status/podIP"),
        labels,
        containers,
        at: place.at.clone(),
        marks: place
            .marks
            .iter()
            .filter(|(path, _)| {
                path.strip_prefix(&field_base).is_some_and(|rest| {
                    rest.starts_with(".containers[")
                        && (rest.contains("].command") || rest.contains("].args"))
                })
            })
            .map(|(path, mark)| (path.clone(), mark.clone()))
            .collect(),
    };
    redact_pod(&mut pod);
    Some(pod)
}

/// Whether a container runs a kube-apiserver: by its name, its image or its command line.
///
/// Sidecars of an apiserver (log tailers, konnectivity) carry other names, and images or programs of their own.
pub fn is_apiserver(container: &Value) -> bool {
    let name = text(container, "/name");
    if name == "kube-apiserver" {
        return true;
    }
    let words: Vec<&str> = items(container, "/command")
        .iter()
        .chain(items(container, "/args"))
        .map(|word| word.as_str().unwrap_or_default())
        .collect();
    if starts_apiserver(&words) {
        return true;
    }
    let runs_another = !items(container, "/command").is_empty()
        && words.first().is_some_and(|first| OTHER_PROGRAMS.contains(&basename(first)))
        && !words.iter().any(|word| word.contains("apiserver"));
    is_apiserver_name(image_name(text(container, "/image"))) && !runs_another
}

/// Programs that containers beside an apiserver run, also out of its own image.
const OTHER_PROGRAMS: [&str; 18] = [
    "ash",
    "awk",
    "bash",
    "busybox",
    "cat",
    "cp",
    "curl",
    "dash",
    "fluent-bit",
    "kubectl",
    "less",
    "logrotate",
    "nc",
    "sh",
    "sleep",
    "tail",
    "tee",
    "watch",
];

fn starts_apiserver(words: &[&str]) -> bool {
    let option = words.iter().position(|word| is_script_option(word));
    if let Some(option) = option
        && let Some((before, after)) = words.split_at_checked(option)
        && before.iter().any(|word| is_shell(basename(word)))
        && !before.iter().any(|word| is_apiserver_name(basename(word)))
    {
        return after.get(1).is_some_and(|script| script_starts_apiserver(script));
    }
    let optional: Vec<Option<&str>> = words.iter().copied().map(Some).collect();
    // A program that only ends in `apiserver` may be any aggregated one: its flags tell.
    const OWN_FLAGS: [&str; 3] =
        ["--service-cluster-ip-range", "--service-account-issuer", "--service-account-key-file"];
    let has_own_flag = || words.iter().any(|word| OWN_FLAGS.iter().any(|flag| word.starts_with(flag)));
    words.iter().any(|word| is_apiserver_name(basename(word)))
        || words.iter().any(|word| basename(word) == "hyperkube")
            && matches!(runs(&optional), Runs::Server(_))
        || matches!(runs(&optional), Runs::Server(_)) && has_own_flag()
}

/// Whether a command of a script starts an apiserver with options, also through a program that is not known here.
fn script_starts_apiserver(script: &str) -> bool {
    commands(script).iter().any(|command| {
        let words: Vec<Option<String>> = command.words.iter().map(Word::literal).collect();
        let texts: Vec<Option<&str>> = words.iter().map(Option::as_deref).collect();
        let own = |word: Option<&str>| word.is_some_and(|word| is_apiserver_name(basename(word)));
        let by_name = texts.iter().copied().any(own);
        match runs(&texts) {
            Runs::Server(_) => by_name || texts.iter().flatten().any(|word| basename(word) == "hyperkube"),
            _ => texts
                .iter()
                .copied()
                .position(own)
                .and_then(|at| command.words.get(at + 1))
                .is_some_and(|next| next.leading_text().starts_with("--")),
        }
    })
}

/// The last path element of an image reference without tag and digest.
pub fn image_name(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or(image);
    let last = basename(image);
    last.split(':').next().unwrap_or(last)
}

/// A container of a pod, with what backs its mounts. `spec` is the pod's, `field_base` the path to it.
pub(super) fn read_container(
    spec: &Value,
    container: &Value,
    index: usize,
    field_base: &str,
    namespace: &str,
    place: &Place,
) -> Container {
    // Null is the empty string to the API server. Whatever else a file holds keeps its place, so that the others keep theirs.
    let words = |pointer: &str| {
        items(container, pointer).iter().map(|word| scalar(word).unwrap_or_default()).collect()
    };
    let mounts = items(container, "/volumeMounts")
        .iter()
        .enumerate()
        .map(|(mount_index, mount)| Mount {
            path: text(mount, "/mountPath").to_owned(),
            read_only: mount.get("readOnly").and_then(Value::as_bool).unwrap_or(false),
            medium: medium(spec, namespace, text(mount, "/name"), text(mount, "/subPath")),
            shared_with: None,
            at: place.field(&format!("{field_base}.containers[{index}].volumeMounts[{mount_index}]")),
        })
        .collect();
    Container {
        index,
        name: text(container, "/name").to_owned(),
        image: text(container, "/image").to_owned(),
        command: words("/command"),
        args: words("/args"),
        env: items(container, "/env")
            .iter()
            .map(|variable| EnvVar {
                name: text(variable, "/name").to_owned(),
                // A variable with neither value nor source is the empty string (core/v1 EnvVar.value).
                value: if variable.get("valueFrom").is_some() {
                    None
                } else {
                    Some(variable.get("value").and_then(scalar).unwrap_or_default())
                },
                from: variable.get("valueFrom").map(|source| env_source(source, namespace, "KeyRef")),
            })
            .collect(),
        env_from: items(container, "/envFrom")
            .iter()
            .map(|source| env_source(source, namespace, "Ref"))
            .collect(),
        mounts,
        ports: BTreeMap::new(),
    }
}

/// The containers beside one that mount a volume of its pod, also those that start before it and may go on running.
fn sharing(spec: &Value, own: &str, volume: &str) -> Vec<String> {
    let mounts = |container: &&Value| {
        text(container, "/name") != own
            && items(container, "/volumeMounts").iter().any(|mount| text(mount, "/name") == volume)
    };
    let all = items(spec, "/containers").iter().chain(items(spec, "/initContainers"));
    all.filter(mounts).map(|container| text(container, "/name").to_owned()).collect()
}

fn env_source(source: &Value, namespace: &str, ending: &str) -> EnvSource {
    let named = |kind: &str| source.get(format!("{kind}{ending}"));
    if let Some(key) = named("configMap") {
        return EnvSource::ConfigMap(ConfigMapKey {
            namespace: namespace.to_owned(),
            name: text(key, "/name").to_owned(),
            key: text(key, "/key").to_owned(),
        });
    }
    named("secret").map_or(EnvSource::Pod, |secret| EnvSource::Secret(text(secret, "/name").to_owned()))
}

fn medium(spec: &Value, namespace: &str, volume_name: &str, sub_path: &str) -> Medium {
    let volume = items(spec, "/volumes").iter().find(|volume| text(volume, "/name") == volume_name);
    let Some(volume) = volume.and_then(Value::as_object) else {
        return Medium::Other(Medium::NO_SUCH_VOLUME.into());
    };
    if let Some(host_path) = volume.get("hostPath") {
        let path = text(host_path, "/path").trim_end_matches('/');
        return Medium::HostPath(match (path, sub_path) {
            ("", "") => "/".to_owned(),
            (path, "") => path.to_owned(),
            (path, sub) => format!("{path}/{sub}"),
        });
    }
    if let Some(config_map) = volume.get("configMap") {
        return config_map_volume(config_map, namespace, sub_path);
    }
    if let Some(secret) = volume.get("secret") {
        return Medium::Secret(text(secret, "/secretName").to_owned());
    }
    // Of several sources any may give the file.
    if let Some(projected) = volume.get("projected")
        && let [source] = items(projected, "/sources")
        && let Some(config_map) = source.get("configMap")
    {
        return config_map_volume(config_map, namespace, sub_path);
    }
    for key in volume.keys() {
        match key.as_str() {
            "persistentVolumeClaim" | "ephemeral" => return Medium::PersistentVolumeClaim,
            "emptyDir" => return Medium::EmptyDir,
            "projected" | "downwardAPI" => return Medium::ApiObject,
            _ => {}
        }
    }
    // A volume without a source is an emptyDir (core/v1 VolumeSource).
    volume.keys().find(|key| *key != "name").map_or(Medium::EmptyDir, |key| Medium::Other(key.clone()))
}

fn config_map_volume(source: &Value, namespace: &str, sub_path: &str) -> Medium {
    Medium::ConfigMap(ConfigMapVolume {
        namespace: namespace.to_owned(),
        name: text(source, "/name").to_owned(),
        sub_path: sub_path.trim_matches('/').to_owned(),
        items: items(source, "/items")
            .iter()
            .map(|item| (text(item, "/path").to_owned(), text(item, "/key").to_owned()))
            .collect(),
    })
}

/// A node.
pub fn node(object: &Value) -> Node {
    let keys = |pointer: &str| {
        object
            .pointer(pointer)
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(|map| map.keys())
            .filter(|key| {
                const MARKERS: [&str; 12] = [
                    "k3s.io/",
                    "rke2.io/",
                    "microk8s.io/",
                    "node.openshift.io/",
                    "eks.amazonaws.com/",
                    "cloud.google.com/gke",
                    "kubernetes.azure.com/",
                    "minikube.k8s.io/",
                    "doks.digitalocean.com/",
                    "oci.oraclecloud.com/",
                    "ibm-cloud.kubernetes.io/",
                    "alibabacloud.com/",
                ];
                MARKERS.iter().any(|marker| key.starts_with(marker))
            })
            .cloned()
            .collect::<Vec<_>>()
    };
    let mut markers = keys("/metadata/labels");
    markers.extend(keys("/metadata/annotations"));
    markers.sort();
    markers.dedup();
    let label = |key: &str| object.pointer("/metadata/labels").and_then(|labels| labels.get(key)).is_some();
    Node {
        name: text(object, "/metadata/name").to_owned(),
        control_plane: label("node-role.kubernetes.io/control-plane")
            || label("node-role.kubernetes.io/master"),
        kubelet_version: text(object, "/status/nodeInfo/kubeletVersion").to_owned(),
        os_image: text(object, "/status/nodeInfo/osImage").to_owned(),
        provider: text(object, "/spec/providerID")
            .split_once("://")
            .map_or("", |(scheme, _)| scheme)
            .to_owned(),
        provider_scope: provider_scope(text(object, "/spec/providerID")),
        markers,
        os: text(object, "/status/nodeInfo/operatingSystem").to_owned(),
        labels: object
            .pointer("/metadata/labels")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.clone(), scalar(value)?)))
            .collect(),
        taints: taints(object),
    }
}

/// What of a node's `providerID` tells account and place, without the machine.
fn provider_scope(id: &str) -> String {
    let (scheme, path) = id.split_once("://").unwrap_or_default();
    let path = path.trim_start_matches('/');
    let parts = match scheme {
        "azure" => 4,
        "gce" => 2,
        _ => 0,
    };
    path.split('/').take(parts).collect::<Vec<_>>().join("/")
}

/// A Lease of a kube-apiserver; none for any other Lease.
pub fn apiserver_lease(object: &Value) -> Option<Lease> {
    let labels = object.pointer("/metadata/labels");
    let label = |key: &str| labels.and_then(|labels| labels.get(key)).and_then(Value::as_str);
    if label("apiserver.kubernetes.io/identity") != Some("kube-apiserver") {
        return None;
    }
    Some(Lease {
        name: text(object, "/metadata/name").to_owned(),
        hostname: label("kubernetes.io/hostname").map(str::to_owned),
        renew_time: text(object, "/spec/renewTime").parse().ok(),
        duration_seconds: object.pointer("/spec/leaseDurationSeconds").and_then(Value::as_i64),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::BTreeMap;

    #[test]
    fn an_apiserver_is_known_by_name_image_or_command() {
        for (container, expected) in [
            (json!({"name": "kube-apiserver"}), true),
            (json!({"name": "x", "image": "host:5000/kube-apiserver:v1.30.0@sha256:00"}), true),
            (json!({"name": "x", "command": ["/usr/local/bin/kube-apiserver"]}), true),
            (json!({"name": "x", "command": ["/hyperkube", "apiserver"]}), true),
            (json!({"name": "x", "command": ["sh", "-c", "set -e; exec kube-apiserver --v=2"]}), true),
            (json!({"name": "konnectivity", "image": "proxy-agent:v1"}), false),
            (json!({"name": "x", "command": ["sh", "-c", "echo waiting for kube-apiserver"]}), false),
            (json!({"name": "x", "image": "kube-apiserver-amd64:v1.11.0"}), true),
            (json!({"name": "x", "image": "kube-apiserver-proxy:v1"}), false),
            (json!({"name": "x", "image": "kube-apiserver:v1", "command": ["tail", "-F", "/log"]}), false),
            (
                json!({"name": "x", "image": "kube-apiserver:v1", "command": ["sh", "-c", "while true; do sleep 1; done"]}),
                false,
            ),
            (json!({"name": "x", "image": "kube-apiserver:v1", "command": ["/entrypoint.sh"]}), true),
            (json!({"name": "x", "command": ["/usr/bin/kube-apiserver-amd64", "--v=2"]}), true),
            (json!({"name": "x", "command": ["apiserver", "--service-cluster-ip-range=10.0.0.0/16"]}), true),
            (json!({"name": "calico", "command": ["/code/apiserver", "--secure-port=5443"]}), false),
            (json!({"name": "x", "command": ["sh", "-c", "exec /bin/kube-apiserver-arm64 --v=2"]}), true),
        ] {
            assert_eq!(is_apiserver(&container), expected, "{container}");
        }
    }

    #[test]
    fn mounts_know_what_backs_them() {
        let pod = json!({
            "metadata": {"name": "p"},
            "spec": {
                "containers": [{"name": "kube-apiserver", "volumeMounts": [
                    {"name": "a", "mountPath": "/a"}, {"name": "b", "mountPath": "/b", "readOnly": true},
                    {"name": "c", "mountPath": "/c"}, {"name": "d", "mountPath": "/d", "subPath": "x"}]}],
                "volumes": [{"name": "a"}, {"name": "b", "configMap": {"name": "m", "items": [{"key": "k", "path": "p"}]}}, {"name": "d", "hostPath": {"path": "/var/"}}]
            }
        });
        let pod = apiserver_pod(&pod, &Place::of("Pod p")).unwrap();
        let media: Vec<_> = pod.containers[0].mounts.iter().map(|mount| mount.medium.clone()).collect();
        assert_eq!(
            media,
            [
                Medium::EmptyDir,
                Medium::ConfigMap(ConfigMapVolume {
                    name: "m".into(),
                    items: BTreeMap::from([("p".into(), "k".into())]),
                    ..ConfigMapVolume::default()
                }),
                Medium::Other("no such volume".into()),
                Medium::HostPath("/var/x".into())
            ]
        );
        assert_eq!(pod.containers[0].mounts[1].at, "Pod p spec.containers[0].volumeMounts[1]");
    }

    #[test]
    fn a_lease_of_another_component_is_none() {
        let mut lease = json!({"metadata": {"name": "apiserver-x", "labels": {
            "apiserver.kubernetes.io/identity": "kube-apiserver", "kubernetes.io/hostname": "cp1"}},
            "spec": {"leaseDurationSeconds": 3600, "renewTime": "2026-11-21T07:00:00.123456Z"}});
        let read = apiserver_lease(&lease).unwrap();
        assert_eq!(read.hostname.as_deref(), Some("cp1"));
        assert!(read.renew_time.is_some());
        lease["metadata"]["labels"] = json!({});
        assert_eq!(apiserver_lease(&lease), None);
    }
}
