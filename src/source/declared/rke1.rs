//! RKE1 `cluster.yml`: `services.kube-api`.
//!
//! RKE turns the audit log on by itself, with a policy that logs metadata, unless it is told otherwise (from Kubernetes
//! 1.15.11, 1.16.8 and 1.17.4 on). The apiserver runs in a container of its own with a few folders of the host
//! (`rancher/rke/cluster/{defaults,plan}.go`).

use serde_json::Value;

use super::{below, declare, host_mount, named_arguments, version};
use crate::document::{Place, items, scalar, text};
use crate::snapshot::{Argument, DeclarationKind, DeclaredApiServer};

const LOG_FOLDER: &str = "/var/log/kube-audit";
const POLICY_FILE: &str = "/etc/kubernetes/audit-policy.yaml";

/// Where in a mapping an RKE1 configuration stands: at the top, or below the key that Rancher puts it in; none if it is
/// no such configuration.
pub fn base(value: &Value) -> Option<&'static str> {
    ["", "rancher_kubernetes_engine_config"].into_iter().find(|base| {
        let config = if base.is_empty() { Some(value) } else { value.get(base) };
        config.and_then(|config| config.get("services")?.get("kube-api")).is_some()
    })
}

/// The apiserver of an RKE1 configuration at `base`.
pub fn cluster(value: &Value, base: &str, place: &Place, file: &str) -> DeclaredApiServer {
    let config = if base.is_empty() { value } else { value.get(base).unwrap_or(value) };
    let path = below(base, "services.kube-api");
    let kube_api = config.pointer("/services/kube-api").unwrap_or(&Value::Null);
    let given_version = config.get("kubernetes_version").and_then(scalar).filter(|text| !text.is_empty());

    let mut arguments =
        audit_arguments(kube_api, given_version.as_deref(), place, &below(&path, "audit_log"));
    let is_audited = !arguments.is_empty();
    let given = kube_api.get("extra_args").unwrap_or(&Value::Null);
    for argument in named_arguments(given, place, &below(&path, "extra_args")) {
        // RKE keeps arguments by name.
        arguments.retain(|other| other.name != argument.name);
        arguments.push(argument);
    }
    let lists = kube_api.get("extra_args_array").and_then(Value::as_object);
    for (name, values) in lists.into_iter().flatten() {
        let list_path = format!("{path}.extra_args_array.{name}");
        arguments.retain(|other| other.name != *name);
        for (index, value) in items(values, "").iter().enumerate() {
            let at = place.field(&format!("{list_path}[{index}]"));
            arguments.push(Argument { name: name.clone(), value: scalar(value), at });
        }
    }

    let prefix = text(config, "/prefix_path").trim_end_matches('/');
    let mount = |folder: &str| host_mount(folder, &format!("{prefix}{folder}"), false, place.field(&path));
    let mut mounts = vec![mount("/etc/kubernetes")];
    if is_audited {
        mounts.push(mount(LOG_FOLDER));
    }
    for (index, bind) in items(kube_api, "/extra_binds").iter().enumerate() {
        let mut parts = bind.as_str().unwrap_or_default().split(':');
        if let (Some(host_path), Some(path_inside)) = (parts.next(), parts.next()) {
            let read_only = parts.any(|options| options.split(',').any(|option| option == "ro"));
            let at = place.field(&format!("{path}.extra_binds[{index}]"));
            mounts.push(host_mount(path_inside, host_path, read_only, at));
        }
    }
    let mut declared =
        declare(DeclarationKind::Rke1Cluster, file.to_owned(), &place.at, arguments, Some(mounts));
    declared.kubernetes_version = given_version.and_then(version);
    declared
}

fn audit_arguments(kube_api: &Value, version: Option<&str>, place: &Place, path: &str) -> Vec<Argument> {
    let audit_log = kube_api.get("audit_log").filter(|value| !value.is_null());
    let is_enabled = match audit_log {
        Some(audit_log) => audit_log.get("enabled").and_then(Value::as_bool).unwrap_or(false),
        // Releases of RKE since 2020 install later versions where none is given.
        None => version.is_none_or(audits_by_default),
    };
    if !is_enabled {
        return Vec::new();
    }
    let configuration = audit_log.and_then(|log| log.get("configuration")).filter(|value| value.is_object());
    let own = if audit_log.is_some() {
        format!("{} (RKE's own value)", place.field(path))
    } else {
        // It stands in no file: the nearest place is where it could.
        let service = path.strip_suffix(".audit_log").unwrap_or(path);
        format!("{} (not in the file: RKE's default)", place.field(service))
    };
    let argument = |flag: &str, field: &str, default: &str, absent: &str| match configuration {
        None => Argument { name: flag.into(), value: Some(default.to_owned()), at: own.clone() },
        // With a configuration there are no defaults: what is not in it is zero or empty.
        Some(configuration) => Argument {
            name: flag.into(),
            value: Some(configuration.get(field).and_then(scalar).unwrap_or_else(|| absent.to_owned())),
            at: match configuration.get(field) {
                Some(_) => place.field(&format!("{path}.configuration.{field}")),
                None => place.field(&format!("{path}.configuration")),
            },
        },
    };
    vec![
        argument("audit-log-path", "path", "/var/log/kube-audit/audit-log.json", ""),
        argument("audit-log-maxage", "max_age", "30", "0"),
        argument("audit-log-maxbackup", "max_backup", "10", "0"),
        argument("audit-log-maxsize", "max_size", "100", "0"),
        argument("audit-log-format", "format", "json", ""),
        Argument { name: "audit-policy-file".into(), value: Some(POLICY_FILE.into()), at: own.clone() },
    ]
}

/// Whether RKE audits a version such as `v1.24.9-rancher1-1` without being asked to.
fn audits_by_default(version: &str) -> bool {
    let mut numbers = version
        .trim_start_matches('v')
        .split(|c: char| !c.is_ascii_digit())
        .map(|part| part.parse::<u64>().unwrap_or_default());
    let (major, minor, patch) = (numbers.next(), numbers.next(), numbers.next().unwrap_or_default());
    match (major, minor) {
        (Some(1), Some(15)) => patch >= 11,
        (Some(1), Some(16)) => patch >= 8,
        (Some(1), Some(17)) => patch >= 4,
        (Some(1), Some(minor)) => minor > 17,
        (major, _) => major.is_some_and(|major| major > 1),
    }
}
