//! Distributions with a configuration of their own.

use serde_json::{Value, json};

use super::kubeadm::yaml;
use super::settings::{Settings, folder};
use crate::remedy::change::HostPath;
use crate::remedy::situation::Situation;
use crate::remedy::{File, POLICY_FILE, set};
use crate::snapshot::DeclarationKind;

/// Arguments as `name=value`, for everything but these flags.
fn arguments(settings: &Settings, but: &[&str]) -> Vec<String> {
    let kept = settings.flags.iter().filter(|(name, _)| !but.contains(&name.as_str()));
    kept.map(|(name, value)| format!("{name}={value}")).collect()
}

/// k3s: a file of its own beside `config.yaml`. With a plus the list adds to what others set.
pub(super) fn k3s(settings: &Settings) -> (Vec<File>, Vec<String>) {
    let text = yaml(&json!({ "kube-apiserver-arg+": arguments(settings, &[]) }));
    let steps = vec![
        format!("On every server node: `mkdir -p -m 700 {}`, and copy `{POLICY_FILE}` to `{}`.", folder(&settings.log), settings.policy),
        "Copy `k3s-config.yaml` to `/etc/rancher/k3s/config.yaml.d/90-audit.yaml`, and take out of other files of the configuration what they set with the same name.".into(),
        "`systemctl restart k3s`, one server after the other.".into(),
    ];
    (vec![File { name: "k3s-config.yaml".into(), text }], steps)
}

/// RKE2: it mounts the policy and the folder of the log by itself.
pub(super) fn rke2(settings: &Settings) -> (Vec<File>, Vec<String>) {
    let text = yaml(&json!({
        "audit-policy-file": settings.policy,
        "kube-apiserver-arg+": arguments(settings, &["audit-policy-file"]),
    }));
    let steps = vec![
        format!("On every server node: copy `{POLICY_FILE}` to `{}` first. Where the file is missing, RKE2 writes one that records nothing.", settings.policy),
        "Copy `rke2-config.yaml` to `/etc/rancher/rke2/config.yaml.d/90-audit.yaml`, and take out of other files of the configuration what they set with the same name.".into(),
        "`systemctl restart rke2-server`, one server after the other.".into(),
    ];
    (vec![File { name: "rke2-config.yaml".into(), text }], steps)
}

/// Talos: the policy is a part of the machine configuration, and the log has its place.
pub(super) fn talos(settings: &Settings) -> (Vec<File>, Vec<String>) {
    let mut flags = settings.flags.clone();
    // Talos sets these itself and refuses others.
    for own in ["audit-policy-file", "audit-log-path"] {
        flags.remove(own);
    }
    let text = yaml(&json!({ "cluster": { "apiServer": { "extraArgs": flags } } }));
    let steps = vec![
        "`talosctl patch machineconfig --nodes CONTROL-PLANE-NODE --patch @talos-patch.yaml`, one node after the other.".into(),
    ];
    (vec![File { name: "talos-patch.yaml".into(), text }], steps)
}

/// The fields of kops that are not called as the flag.
const KOPS: [(&str, &str); 14] = [
    ("audit-policy-file", "auditPolicyFile"),
    ("audit-log-path", "auditLogPath"),
    ("audit-log-maxage", "auditLogMaxAge"),
    ("audit-log-maxbackup", "auditLogMaxBackups"),
    ("audit-log-maxsize", "auditLogMaxSize"),
    ("audit-log-mode", "auditLogBatchMode"),
    ("audit-log-format", "auditLogFormat"),
    ("audit-log-truncate-max-event-size", "auditLogTruncateMaxEventSize"),
    ("audit-webhook-truncate-max-event-size", "auditWebhookTruncateMaxEventSize"),
    ("audit-webhook-batch-throttle-enable", "auditWebhookBatchThrottleEnable"),
    ("audit-webhook-batch-buffer-size", "auditWebhookBatchBufferSize"),
    ("event-ttl", "eventTTL"),
    ("v", "logLevel"),
    ("audit-webhook-mode", "auditWebhookMode"),
];

/// kops: fields of the `Cluster`, and the policy as a file asset.
pub(super) fn kops(situation: &Situation<'_>, settings: &Settings) -> (Vec<File>, Vec<String>) {
    let mut fields = serde_json::Map::new();
    let mut others = Vec::new();
    for (flag, value) in &settings.flags {
        match KOPS.iter().find(|(name, _)| name == flag) {
            Some((_, field)) => {
                let value = value.parse::<i64>().map_or_else(|_| Value::from(value.clone()), Value::from);
                fields.insert((*field).to_owned(), value);
            }
            None => others.push(format!("`--{flag}={value}`")),
        }
    }
    let mut cluster = json!({
        "apiVersion": "kops.k8s.io/v1alpha2",
        "kind": "Cluster",
        "spec": { "kubeAPIServer": fields },
    });
    let mut names = situation.declared().filter(|one| one.kind == DeclarationKind::KopsCluster);
    if let Some(name) = names.find_map(|one| one.name.strip_prefix("kops Cluster ")) {
        set(&mut cluster, "metadata", json!({ "name": name }));
    }
    let mut steps = vec![
        format!("`kops edit cluster`: merge `kops-cluster.yaml` in, and add the content of `{POLICY_FILE}` as an item of `spec.fileAssets` with `path: {}` and `roles: [ControlPlane]`.", settings.policy),
        "`kops update cluster --yes`, then `kops rolling-update cluster --instance-group-roles control-plane --yes`.".into(),
    ];
    if !others.is_empty() {
        steps.push(format!("kops has no field for {}.", others.join(", ")));
    }
    (vec![File { name: "kops-cluster.yaml".into(), text: yaml(&cluster) }], steps)
}

/// RKE1: `extra_args` beside the policy.
pub(super) fn rke1(settings: &Settings) -> (Vec<File>, Vec<String>) {
    let bind = |path: &HostPath| format!("{0}:{0}{1}", path.path, if path.read_only { ":ro" } else { "" });
    let binds: Vec<String> = settings.paths.iter().map(bind).collect();
    let text = yaml(&json!({
        "services": { "kube-api": { "extra_args": settings.flags, "extra_binds": binds } },
    }));
    let steps = vec![
        format!("Copy `{POLICY_FILE}` to `{}` on every node of the control plane.", settings.policy),
        "Merge `rke1-cluster.yml` into `cluster.yml`, then `rke up`.".into(),
    ];
    (vec![File { name: "rke1-cluster.yml".into(), text }], steps)
}
