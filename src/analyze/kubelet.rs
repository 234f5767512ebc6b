//! What kubelets keep of container logs and pass on of events. Defaults: `k8s.io/kubelet` `config/v1beta1/types.go`.

use schemars::JsonSchema;
use serde::Serialize;

use super::apiserver::flags::{parse_bool, parse_int};
use super::fact::Fact;
use super::units::quantity;
use super::version::Version;
use crate::snapshot::{KubeletConfig, Located, Snapshot};
use crate::verdict::Rank;

/// One kubelet configuration.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Kubelet {
    /// The object or file.
    pub name: String,
    /// `containerLogMaxSize` in bytes.
    pub container_log_max_bytes: Fact<i64>,
    /// `containerLogMaxFiles`.
    pub container_log_max_files: Fact<i64>,
    /// What is kept for one container: size × files, in bytes.
    pub container_log_kept_bytes: Fact<i64>,
    /// `eventRecordQPS`: events a second the kubelet sends; 0 for no limit.
    pub event_record_qps: Fact<i64>,
    /// `enableDebuggingHandlers`: without it `kubectl logs` does not work.
    pub debugging_handlers: Fact<bool>,
}

/// Every kubelet configuration of a snapshot.
pub fn kubelets(snapshot: &Snapshot, version: Option<Version>) -> Fact<Vec<Kubelet>> {
    match snapshot.kubelet_configs.as_result() {
        Err(gap) => Fact::unknown(gap.to_string()),
        Ok(configs) if configs.is_empty() => Fact::unknown(
            "the cluster has no ConfigMap kube-system/kubelet-config; only the nodes know their kubelets' configuration",
        ),
        Ok(configs) => {
            let list = configs.iter().map(|config| kubelet(config, version)).collect();
            Fact::known(list, Rank::Configured, Vec::new())
        }
    }
}

fn kubelet(config: &KubeletConfig, version: Option<Version>) -> Kubelet {
    // kubernetes #116121: 5 before 1.27, 50 since.
    let qps_default = version.map(|version| if version >= Version::new(1, 27) { 50 } else { 5 });
    let max_bytes = value(
        config,
        config.container_log_max_size.as_ref(),
        "containerLogMaxSize",
        quantity,
        Some(10 * 1024 * 1024),
    );
    let max_files =
        value(config, config.container_log_max_files.as_ref(), "containerLogMaxFiles", parse_int, Some(5));
    Kubelet {
        name: config.name.clone(),
        container_log_kept_bytes: max_bytes
            .clone()
            .zip(max_files.clone())
            .map(|(size, files)| size.saturating_mul(files)),
        container_log_max_bytes: max_bytes,
        container_log_max_files: max_files,
        event_record_qps: value(
            config,
            config.event_record_qps.as_ref(),
            "eventRecordQPS",
            parse_int,
            qps_default,
        ),
        debugging_handlers: value(
            config,
            config.enable_debugging_handlers.as_ref(),
            "enableDebuggingHandlers",
            parse_bool,
            Some(true),
        ),
    }
}

fn value<T: std::fmt::Debug>(
    config: &KubeletConfig,
    given: Option<&Located<String>>,
    field: &str,
    parse: impl Fn(&str) -> Option<T>,
    default: Option<T>,
) -> Fact<T> {
    match (given, default) {
        (Some(given), _) => match parse(&given.value) {
            Some(value) => {
                Fact::at(value, Rank::Configured, given.at.clone(), format!("{field}: {}", given.value))
            }
            None => Fact::unknown(format!(
                "{field} at {} is not valid; the kubelet does not start with it",
                given.at
            )),
        },
        (None, Some(default)) => {
            let detail = format!("{field} is not set; the default is {default:?}");
            Fact::at(default, Rank::Configured, config.at.clone(), detail)
        }
        (None, None) => Fact::unknown(format!(
            "{field} is not set and its default depends on the Kubernetes version, which is not known here"
        )),
    }
}
