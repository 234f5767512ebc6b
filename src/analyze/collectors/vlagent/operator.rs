//! `VLAgent` of the `VictoriaMetrics` operator, as the arguments it makes of it (VictoriaMetrics/operator:
//! `internal/controller/operator/factory/vlagent`).

use crate::analyze::collectors::config::Config;
use crate::analyze::collectors::dialect::Unreadable;
use crate::analyze::collectors::fields::Fields;
use crate::analyze::collectors::model::Pipeline;
use crate::snapshot::Resource;

/// Where the operator lets state be kept: on the node for what reads it, else on a volume.
const ON_NODES: &str = "/var/lib/vlagent-data";
const ELSEWHERE: &str = "/vlagent-data";

/// Reads a `VLAgent`.
///
/// # Errors
/// It names no receiver.
pub fn read_resource(resource: &Resource) -> Result<Pipeline, Unreadable> {
    let spec = Fields::spec(resource);
    let (args, args_places) = arguments(&spec).into_iter().unzip();
    let config = Config { args, args_places, args_at: spec.at(), ..Config::default() };
    super::read(&config)
}

/// Whether its pods run on every node.
pub fn is_on_nodes(resource: &Resource) -> bool {
    collector(&Fields::spec(resource)).is_some()
}

/// `spec.k8sCollector`, if it is on.
fn collector<'a>(spec: &Fields<'a>) -> Option<Fields<'a>> {
    spec.get("k8sCollector").filter(|collector| collector.flag("enabled") == Some(true))
}

/// Each with the place it comes from. Those of `extraArgs` come last and count.
fn arguments(spec: &Fields<'_>) -> Vec<(String, String)> {
    let mut args = Vec::new();
    let mut add = |flag: &str, value: Option<String>, at: String| {
        args.extend(value.map(|value| (format!("-{flag}={value}"), at)));
    };
    let collector = collector(spec);
    let state = if collector.is_some() { ON_NODES } else { ELSEWHERE };
    add(
        "tmpDataPath",
        Some(spec.text("tmpDataPath").unwrap_or_else(|| state.to_owned())),
        spec.at_key("tmpDataPath"),
    );
    if let Some(collector) = &collector {
        add("kubernetesCollector", Some("true".into()), collector.at());
        for key in ["excludeFilter", "checkpointsPath", "logsPath"] {
            add(&format!("kubernetesCollector.{key}"), collector.text(key), collector.at_key(key));
        }
    }
    for (key, flag) in [("tcpListeners", "tcp"), ("udpListeners", "udp")] {
        for listener in spec.get("syslogSpec").map(|syslog| syslog.items(key)).unwrap_or_default() {
            let port = listener.text("listenPort").unwrap_or_default();
            add(&format!("syslog.listenAddr.{flag}"), Some(format!(":{port}")), listener.at());
        }
    }
    let settings = spec.get("remoteWriteSettings");
    for (settings, key) in settings.iter().flat_map(|one| [(one, "tmpDataPath"), (one, "maxDiskUsagePerURL")])
    {
        add(&format!("remoteWrite.{key}"), settings.text(key), settings.at_key(key));
    }
    let receivers = spec.items("remoteWrite");
    // Values belong to receivers by their order, so that those that are not set are empty.
    let mut each = |flag: &str, of: &dyn Fn(&Fields<'_>) -> Option<String>| {
        let values: Vec<String> = receivers.iter().map(|receiver| of(receiver).unwrap_or_default()).collect();
        if values.iter().any(|value| !value.is_empty()) {
            for (receiver, value) in receivers.iter().zip(values) {
                add(flag, Some(value), receiver.at());
            }
        }
    };
    each("remoteWrite.url", &|receiver| receiver.text("url"));
    each("remoteWrite.basicAuth.passwordFile", &|receiver| named(receiver, &["basicAuth"]));
    each("remoteWrite.bearerTokenFile", &|receiver| {
        named(receiver, &["bearerTokenSecret", "bearerTokenPath"])
    });
    each("remoteWrite.oauth2.clientSecretFile", &|receiver| named(receiver, &["oauth2"]));
    each("remoteWrite.maxDiskUsagePerURL", &|receiver| receiver.text("maxDiskUsage"));
    each("remoteWrite.headers", &|receiver| {
        let of_identity =
            |(header, _): &(String, String)| header.to_ascii_lowercase().contains("authorization");
        receiver.list("headers").iter().any(of_identity).then(|| "authorization".into())
    });
    each("remoteWrite.tlsCertFile", &|receiver| {
        named(&receiver.get("tlsConfig")?, &["certFile", "certSecret", "cert"])
    });
    each("remoteWrite.tlsInsecureSkipVerify", &|receiver| {
        let skips = receiver.get("tlsConfig")?.flag("insecureSkipVerify");
        Some(skips.unwrap_or(false).to_string())
    });
    for (key, value) in spec.get("extraArgs").map(|extra| extra.entries()).unwrap_or_default() {
        add(key, crate::document::scalar(value.value()), value.at());
    }
    args
}

/// The name of the first of several fields that is set. What it holds is not of interest.
fn named(fields: &Fields<'_>, keys: &[&str]) -> Option<String> {
    keys.iter().find(|key| fields.get(key).is_some()).map(|key| (*key).to_owned())
}
