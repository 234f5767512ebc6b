//! Kubelet configurations.

use serde_json::Value;

use super::declared::config_map_key;
use crate::document::{Place, scalar};
use crate::snapshot::redact::scrub;
use crate::snapshot::{Argument, KubeletConfig, Located};

/// The settings that are read: their field in a `KubeletConfiguration`, and their flag.
const SETTINGS: [(&str, &str); 5] = [
    ("containerLogMaxSize", "container-log-max-size"),
    ("containerLogMaxFiles", "container-log-max-files"),
    ("eventRecordQPS", "event-qps"),
    ("eventBurst", "event-burst"),
    ("enableDebuggingHandlers", "enable-debugging-handlers"),
];

/// The configuration in the ConfigMap `kube-system/kubelet-config` (key `kubelet`).
///
/// # Errors
/// Its text cannot be read: what is wrong with it, in one line.
pub fn from_config_map(object: &Value, place: &Place) -> Result<Option<KubeletConfig>, String> {
    let Some(document) = config_map_key(object, place, "kubelet")? else { return Ok(None) };
    let mut config = from_configuration(&document.value, "", &document.place, "kubelet-config");
    config.at.clone_from(&place.at);
    Ok(Some(config))
}

/// A `KubeletConfiguration`; `base` is its path in the object at `place`.
pub fn from_configuration(value: &Value, base: &str, place: &Place, name: &str) -> KubeletConfig {
    let mut config = empty(name, &place.at);
    for (field, flag) in SETTINGS {
        // kops names the flag's field.
        let names: &[&str] = if flag == "event-qps" { &["eventRecordQPS", "eventQPS"] } else { &[field] };
        for name in names {
            if let Some(content) = value.get(name).and_then(scalar) {
                let path = if base.is_empty() { (*name).to_owned() } else { format!("{base}.{name}") };
                set(&mut config, flag, &content, place.field(&path));
            }
        }
    }
    config
}

/// What `nodeRegistration.kubeletExtraArgs` of a kubeadm `InitConfiguration` or `JoinConfiguration` sets; none if it sets
/// nothing that is read. `base` is the configuration's path in the object at `place`.
pub fn from_registration(value: &Value, base: &str, place: &Place, name: &str) -> Option<KubeletConfig> {
    let path = super::declared::below(base, "nodeRegistration.kubeletExtraArgs");
    let arguments = value.pointer("/nodeRegistration/kubeletExtraArgs")?;
    from_arguments(super::declared::named_arguments(arguments, place, &path), name, &place.at)
}

/// What arguments of a kubelet set; none if they set nothing that is read. The last of a name counts.
pub fn from_arguments(
    arguments: impl IntoIterator<Item = Argument>,
    name: &str,
    at: &str,
) -> Option<KubeletConfig> {
    let mut config = empty(name, at);
    for Argument { name: flag, value, at } in arguments {
        // A boolean flag without a value is true.
        set(&mut config, &flag.replace('_', "-"), value.as_deref().unwrap_or("true"), at);
    }
    sets_anything(&config).then_some(config)
}

/// Whether a configuration sets anything that is read.
pub fn sets_anything(config: &KubeletConfig) -> bool {
    config.container_log_max_size.is_some()
        || config.container_log_max_files.is_some()
        || config.event_record_qps.is_some()
        || config.event_burst.is_some()
        || config.enable_debugging_handlers.is_some()
}

/// Puts what a patch sets over what a configuration sets.
pub fn merge(config: &mut KubeletConfig, patch: &KubeletConfig) {
    for (field, value) in [
        (&mut config.container_log_max_size, &patch.container_log_max_size),
        (&mut config.container_log_max_files, &patch.container_log_max_files),
        (&mut config.event_record_qps, &patch.event_record_qps),
        (&mut config.event_burst, &patch.event_burst),
        (&mut config.enable_debugging_handlers, &patch.enable_debugging_handlers),
    ] {
        if value.is_some() {
            field.clone_from(value);
        }
    }
}

fn empty(name: &str, at: &str) -> KubeletConfig {
    KubeletConfig {
        name: name.to_owned(),
        at: at.to_owned(),
        container_log_max_size: None,
        container_log_max_files: None,
        event_record_qps: None,
        event_burst: None,
        enable_debugging_handlers: None,
    }
}

fn set(config: &mut KubeletConfig, flag: &str, value: &str, at: String) {
    let field = match flag {
        "container-log-max-size" => &mut config.container_log_max_size,
        "container-log-max-files" => &mut config.container_log_max_files,
        "event-qps" => &mut config.event_record_qps,
        "event-burst" => &mut config.event_burst,
        "enable-debugging-handlers" => &mut config.enable_debugging_handlers,
        _ => return,
    };
    *field = Some(Located { value: scrub(value).into_owned(), at });
}
