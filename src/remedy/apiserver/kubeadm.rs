//! kubeadm's `ClusterConfiguration`, alone, in a kind `Cluster` and in a `KubeadmControlPlane`.

use serde_json::{Value, json};

use super::settings::{Settings, Volume, folder};
use crate::analyze::version::Version;
use crate::remedy::situation::Situation;
use crate::remedy::{File, POLICY_FILE, set};
use crate::snapshot::DeclarationKind;

/// The first version whose kubeadm reads `v1beta4`.
const WITH_LISTS: Version = Version::new(1, 31);

/// `ClusterConfiguration` with what is to be set.
pub(super) fn configuration(situation: &Situation<'_>, settings: &Settings) -> (Vec<File>, Vec<String>) {
    let version = situation.version();
    let text = document(version, settings, &settings.volumes(situation));
    let steps = vec![
        format!("Copy `{POLICY_FILE}` to `{}` on every node of the control plane.", settings.policy),
        "Merge `kubeadm.yaml` into the configuration that the cluster has: `kubectl -n kube-system edit configmap kubeadm-config`. An `extraArgs` of the same name gives way, and an `extraVolumes` of the same `mountPath`; what else stands there stays.".into(),
        "On each node of the control plane, one after the other: `kubectl -n kube-system get configmap kubeadm-config -o jsonpath='{.data.ClusterConfiguration}' > kubeadm-new.yaml`, then `kubeadm init phase control-plane apiserver --config kubeadm-new.yaml`.".into(),
    ];
    (vec![File { name: "kubeadm.yaml".into(), text }], steps)
}

fn document(version: Option<Version>, settings: &Settings, volumes: &[Volume]) -> String {
    yaml(&json!({
        "apiVersion": if has_lists(version) { "kubeadm.k8s.io/v1beta4" } else { "kubeadm.k8s.io/v1beta3" },
        "kind": "ClusterConfiguration",
        "apiServer": api_server(has_lists(version), settings, volumes),
    }))
}

fn has_lists(version: Option<Version>) -> bool {
    version.is_none_or(|version| version >= WITH_LISTS)
}

/// `apiServer`: arguments as a list since `v1beta4`, as a mapping before.
fn api_server(as_lists: bool, settings: &Settings, volumes: &[Volume]) -> Value {
    let arguments: Value = if as_lists {
        settings.flags.iter().map(|(name, value)| json!({"name": name, "value": value})).collect()
    } else {
        settings.flags.iter().map(|(name, value)| (name.clone(), Value::from(value.clone()))).collect()
    };
    let mut api_server = json!({ "extraArgs": arguments });
    if !volumes.is_empty() {
        let volumes: Vec<Value> = volumes
            .iter()
            .map(|volume| {
                json!({
                    "name": volume.name,
                    "hostPath": volume.host,
                    "mountPath": volume.path,
                    "readOnly": volume.read_only,
                    "pathType": if volume.is_folder { "DirectoryOrCreate" } else { "File" },
                })
            })
            .collect();
        set(&mut api_server, "extraVolumes", volumes);
    }
    api_server
}

/// A kind `Cluster` whose node finds the policy beside its configuration.
pub(super) fn kind(situation: &Situation<'_>, settings: &Settings) -> (Vec<File>, Vec<String>) {
    let patch = yaml(&json!({
        "kind": "ClusterConfiguration",
        "apiServer": api_server(false, settings, &settings.volumes(situation)),
    }));
    let mut cluster = json!({
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "nodes": [{
            "role": "control-plane",
            "kubeadmConfigPatches": [patch],
            "extraMounts": [
                {"hostPath": format!("./{POLICY_FILE}"), "containerPath": settings.policy, "readOnly": true},
            ],
        }],
    });
    let mut names = situation.declared().filter(|one| one.kind == DeclarationKind::KindConfig);
    let name = names.find_map(|one| one.name.strip_prefix("kind Cluster "));
    if let Some(name) = name.filter(|name| *name != "kind") {
        set(&mut cluster, "name", name);
    }
    let steps = vec![format!(
        "Put the patch and the mount of `kind.yaml` into the configuration of the cluster, `{POLICY_FILE}` beside it, and create the cluster anew: kind changes no cluster that runs. The audit log lies in `{}` of the node; mount a folder of the machine there to keep it. `extraArgs` are a mapping, as kubeadm has them in v1beta3; where your kind generates v1beta4, write them as a list of `name` and `value`.",
        folder(&settings.log)
    )];
    (vec![File { name: "kind.yaml".into(), text: yaml(&cluster) }], steps)
}

/// What a `KubeadmControlPlane` needs.
pub(super) fn cluster_api(situation: &Situation<'_>, settings: &Settings) -> (Vec<File>, Vec<String>) {
    // Arguments are a mapping in v1beta1 of the Cluster API.
    let patch = yaml(&json!({
        "spec": {"kubeadmConfigSpec": {
            "clusterConfiguration": {"apiServer": api_server(false, settings, &settings.volumes(situation))},
            "files": [{"path": settings.policy, "owner": "root:root", "permissions": "0600", "contentFrom": {
                "secret": {"name": "audit-policy", "key": POLICY_FILE},
            }}],
        }},
    }));
    let steps = vec![
        format!("In the namespace of the control plane: `kubectl create secret generic audit-policy --from-file={POLICY_FILE}`."),
        "`kubectl patch kubeadmcontrolplane NAME --type merge --patch-file cluster-api-patch.yaml`. Lists are replaced by it: put in first what your `files` and `extraVolumes` hold. The machines of the control plane are replaced one after the other.".into(),
    ];
    (vec![File { name: "cluster-api-patch.yaml".into(), text: patch }], steps)
}

/// A value as YAML.
pub(super) fn yaml(value: &Value) -> String {
    // A tree of JSON always has a form in YAML.
    serde_yaml::to_string(value).unwrap_or_default()
}
