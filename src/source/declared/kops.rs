//! kops `Cluster`: `spec.kubeAPIServer`.
//!
//! kops turns each field into the flag of that name; those named otherwise are in
//! `kubernetes/kops/pkg/apis/kops/componentconfig.go`. Its manifest mounts the folders of the audit log and of the
//! policy from the host, at the same path (`nodeup/pkg/model/kube_apiserver.go`).

use serde_json::Value;

use super::{declare, folder, host_mount, version};
use crate::document::node::Document;
use crate::document::{Place, full_name, scalar};
use crate::snapshot::{Argument, DeclarationKind, DeclaredApiServer, KubeletConfig, Mount};
use crate::source::kubelet;

/// Fields that are not named as the flag they set.
const NAMED_OTHERWISE: [(&str, &str); 10] = [
    ("appendAdmissionPlugins", "enable-admission-plugins"),
    ("auditLogMaxAge", "audit-log-maxage"),
    ("auditLogMaxBackups", "audit-log-maxbackup"),
    ("auditLogMaxSize", "audit-log-maxsize"),
    ("enableProfiling", "profiling"),
    ("etcdCaFile", "etcd-cafile"),
    ("etcdCertFile", "etcd-certfile"),
    ("etcdKeyFile", "etcd-keyfile"),
    ("logFormat", "logging-format"),
    ("logLevel", "v"),
];

/// Fields that set no flag.
const NO_FLAGS: [&str; 6] =
    ["cpuLimit", "cpuRequest", "disableBasicAuth", "image", "memoryLimit", "memoryRequest"];

/// Fields that kops keeps as quantities, whose flags are decimal numbers.
const QUANTITIES: [&str; 2] = ["auditLogBatchThrottleQps", "auditWebhookBatchThrottleQps"];

/// The apiserver and kubelet settings of a kops `Cluster`.
pub fn cluster(document: &Document) -> (DeclaredApiServer, Vec<KubeletConfig>) {
    let Document { value: object, place } = document;
    let subject = format!("kops Cluster {}", full_name(object));
    let mut arguments = Vec::new();
    let mut mounts: Vec<Mount> = Vec::new();
    let config = object.pointer("/spec/kubeAPIServer").and_then(Value::as_object);
    for (field, value) in config.into_iter().flatten() {
        let path = format!("spec.kubeAPIServer.{field}");
        let Some(argument) = argument(field, value, place, &path) else { continue };
        let is_policy = matches!(argument.name.as_str(), "audit-policy-file" | "audit-webhook-config-file");
        if let Some(path) = argument.value.as_deref().filter(|path| path.starts_with('/'))
            && (is_policy || argument.name == "audit-log-path")
        {
            let folder = folder(path);
            if !mounts.iter().any(|mount| mount.path == folder) {
                mounts.push(host_mount(folder, folder, is_policy, argument.at.clone()));
            }
        }
        arguments.push(argument);
    }
    let mut declared =
        declare(DeclarationKind::KopsCluster, subject.clone(), &place.at, arguments, Some(mounts));
    declared.kubernetes_version =
        object.pointer("/spec/kubernetesVersion").and_then(scalar).and_then(version);
    let kubelets = ["kubelet", "masterKubelet", "controlPlaneKubelet"]
        .into_iter()
        .filter_map(|field| {
            let config = object.get("spec")?.get(field)?;
            let path = format!("spec.{field}");
            let config = kubelet::from_configuration(config, &path, place, &format!("{subject} {field}"));
            kubelet::sets_anything(&config).then_some(config)
        })
        .collect();
    (declared, kubelets)
}

fn argument(field: &str, value: &Value, place: &Place, path: &str) -> Option<Argument> {
    if NO_FLAGS.contains(&field) {
        return None;
    }
    let name = NAMED_OTHERWISE
        .iter()
        .find(|(other, _)| *other == field)
        .map_or_else(|| flag_name(field), |(_, flag)| (*flag).to_owned());
    let value = match value {
        Value::Array(items) => items.iter().filter_map(scalar).collect::<Vec<_>>().join(","),
        Value::Object(fields) => {
            let mut pairs: Vec<String> =
                fields.iter().filter_map(|(key, value)| Some(format!("{key}={}", scalar(value)?))).collect();
            pairs.sort();
            pairs.join(",")
        }
        single if QUANTITIES.contains(&field) => decimal(scalar(single)?),
        single => scalar(single)?,
    };
    Some(Argument { name, value: Some(value), at: place.field(path) })
}

/// `3140m` is `3.14`, and `1k` is `1000`; what is no quantity stays as it is.
fn decimal(text: String) -> String {
    let factor = match text.chars().last() {
        Some('m') => 1e-3,
        Some('k') => 1e3,
        Some('M') => 1e6,
        _ => return text,
    };
    match text[..text.len() - 1].parse::<f64>() {
        Ok(number) => (number * factor).to_string(),
        Err(_) => text,
    }
}

/// `auditWebhookBatchMaxWait` is `audit-webhook-batch-max-wait`; an abbreviation such as `TTL` is one word.
fn flag_name(field: &str) -> String {
    let mut flag = String::with_capacity(field.len() + 8);
    let mut chars = field.chars().peekable();
    let mut after_capital = true;
    while let Some(c) = chars.next() {
        let begins_word = c.is_ascii_uppercase()
            && (!after_capital || chars.peek().is_some_and(char::is_ascii_lowercase) && !flag.is_empty());
        if begins_word {
            flag.push('-');
        }
        flag.push(c.to_ascii_lowercase());
        after_capital = c.is_ascii_uppercase();
    }
    flag
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_become_flags() {
        for (field, flag) in [
            ("auditLogPath", "audit-log-path"),
            ("auditWebhookBatchThrottleQps", "audit-webhook-batch-throttle-qps"),
            ("eventTTL", "event-ttl"),
            ("anonymousAuth", "anonymous-auth"),
            ("oidcIssuerURL", "oidc-issuer-url"),
            ("serviceAccountJWKSURI", "service-account-jwksuri"),
            ("tlsMinVersion", "tls-min-version"),
            ("oidcCAFile", "oidc-ca-file"),
        ] {
            assert_eq!(flag_name(field), flag);
        }
    }

    #[test]
    fn quantities_become_numbers() {
        for (quantity, number) in
            [("3140m", "3.14"), ("10", "10"), ("0.5", "0.5"), ("1k", "1000"), ("xm", "xm"), ("", "")]
        {
            assert_eq!(decimal(quantity.to_owned()), number, "{quantity}");
        }
    }
}
