//! `Output` and `ClusterOutput`: the plugins of Fluentd, as the operator configures them (`pkg/sdk/logging/model/output`).

use super::super::endpoint::Endpoint;
use super::super::fields::Fields;
use super::super::model::{Buffer, Output, Receiver, Retry, WhenFull};
use super::super::service::Service;
use super::plugins;
use crate::analyze::fact::Fact;
use crate::snapshot::Resource;

/// What is known of the folder in which Fluentd's buffers lie.
pub(super) struct Storage {
    /// Whether it outlives the pod.
    lasts: bool,
    at: String,
    detail: &'static str,
}

impl Storage {
    /// A PersistentVolumeClaim unless `disablePvc` is set; then a folder of the node unless an `emptyDir` is asked for
    /// (`pkg/resources/fluentd/statefulset.go`).
    pub(super) fn of(fluentd: &Fields<'_>) -> Self {
        let no_claim = fluentd.flag("disablePvc") == Some(true);
        let empty = fluentd.at_path(&["bufferStorageVolume", "emptyDir"]);
        match (no_claim, empty) {
            (true, Some(volume)) => {
                Self { lasts: false, at: volume.at(), detail: "bufferStorageVolume is an emptyDir" }
            }
            (true, None) => Self {
                lasts: true,
                at: fluentd.at_key("disablePvc"),
                detail: "disablePvc is set, so that buffers lie in a folder of the node or another volume",
            },
            (false, _) => Self {
                lasts: true,
                at: fluentd.at(),
                detail: "buffers lie in a PersistentVolumeClaim by default",
            },
        }
    }
}

/// Where a plugin speaks to, and how.
pub(super) struct Way {
    pub(super) receiver: Receiver,
    pub(super) hosts: Fact<Vec<String>>,
    pub(super) tls: Fact<bool>,
    pub(super) verified: Option<Fact<bool>>,
    pub(super) authenticated: Fact<bool>,
}

/// Reads an output.
pub(super) fn read(resource: &Resource, storage: &Storage) -> Output {
    let spec = Fields::spec(resource);
    let plugin = spec.entries().into_iter().find(|(key, _)| !matches!(*key, "loggingRef" | "protected"));
    let id = format!("{} {}", resource.kind, resource.full_name());
    let Some((name, fields)) = plugin else {
        let way = local(Receiver::Other("no plugin".into()), &spec);
        return with_buffer(id, &spec, way, storage);
    };
    with_buffer(id, &fields, plugins::way(name, &fields), storage)
}

fn with_buffer(id: String, fields: &Fields<'_>, way: Way, storage: &Storage) -> Output {
    let Way { receiver, hosts, tls, verified, authenticated } = way;
    let at = fields.at();
    let empty = fields.get("buffer");
    let (buffer, retry, when_full) = match (&receiver, empty) {
        (Receiver::Nothing, _) => (
            fields_fact(fields, Buffer::Memory, "nullout has no buffer"),
            fields_fact(fields, Retry::Never, "nullout has no buffer"),
            fields_fact(fields, WhenFull::Drops, "nullout has no buffer"),
        ),
        (_, buffer) => buffering(fields, buffer.as_ref(), storage),
    };
    Output { id, at, receiver, hosts, tls, verified, authenticated, buffer, retry, when_full }
}

fn fields_fact<T>(fields: &Fields<'_>, value: T, detail: &str) -> Fact<T> {
    fields.known("", value, detail)
}

/// Buffers are files, retries go on for ever and a full buffer raises an error, unless the section says otherwise. An
/// error while Fluentd receives loses the records, for agents do not wait for an acknowledgement by default.
fn buffering(
    fields: &Fields<'_>,
    buffer: Option<&Fields<'_>>,
    storage: &Storage,
) -> (Fact<Buffer>, Fact<Retry>, Fact<WhenFull>) {
    let section = buffer.unwrap_or(fields);
    let text = |key: &str| buffer.and_then(|buffer| buffer.text(key));
    let kind = if buffer.and_then(|buffer| buffer.flag("disabled")) == Some(true) {
        section.known(
            "disabled",
            Buffer::Memory,
            "the buffer section is disabled; plugins then buffer in memory",
        )
    } else {
        match text("type").as_deref() {
            Some("memory") => section.known("type", Buffer::Memory, "type memory"),
            None | Some("file" | "file_single") if storage.lasts => {
                let folder = text("path").unwrap_or_else(|| "/buffers".into());
                Fact::at(
                    Buffer::Disk(Some(folder)),
                    crate::verdict::Rank::Configured,
                    &storage.at,
                    storage.detail,
                )
            }
            None | Some("file" | "file_single") => {
                Fact::at(Buffer::Memory, crate::verdict::Rank::Configured, &storage.at, storage.detail)
            }
            Some(other) => {
                Fact::unknown(format!("the buffer type {other} at {} is not known", section.at_key("type")))
            }
        }
    };
    let retry = match (
        buffer.and_then(|buffer| buffer.flag("retry_forever")),
        text("retry_max_times"),
        text("retry_timeout"),
    ) {
        (Some(false), Some(times), _) => {
            section.known("retry_max_times", Retry::Limited(format!("{times} retries")), "retry_forever off")
        }
        (Some(false), None, time) => {
            let time = time.unwrap_or_else(|| "72h".into());
            section.known("retry_forever", Retry::Limited(time), "retry_forever off")
        }
        (Some(true), ..) => section.known("retry_forever", Retry::Forever, "retry_forever on"),
        (None, ..) => section.known(
            "retry_forever",
            Retry::Forever,
            "retry_forever is not set; the operator's default is on",
        ),
    };
    let full = match text("overflow_action").as_deref() {
        Some("block") => section.known("overflow_action", WhenFull::Waits, "overflow_action block"),
        Some("drop_oldest_chunk") => {
            section.known("overflow_action", WhenFull::Drops, "overflow_action drop_oldest_chunk")
        }
        Some("throw_exception") => {
            section.known("overflow_action", WhenFull::Drops, "overflow_action throw_exception")
        }
        Some(_) => {
            Fact::unknown(format!("overflow_action at {} is not known", section.at_key("overflow_action")))
        }
        None => section.known(
            "overflow_action",
            WhenFull::Drops,
            "overflow_action is not set; the default, throw_exception, loses what comes in",
        ),
    };
    (kind, retry, full)
}

/// A plugin that sends nothing over a network.
pub(super) fn local(receiver: Receiver, fields: &Fields<'_>) -> Way {
    let no = |detail: &str| fields.known("", false, detail);
    Way {
        receiver,
        hosts: fields.known("", Vec::new(), "no host"),
        tls: no("nothing is sent over a network"),
        verified: None,
        authenticated: no("nothing is sent over a network"),
    }
}

/// A cloud service, whose client speaks TLS and shows an identity of the cloud.
pub(super) fn cloud(
    service: Service,
    fields: &Fields<'_>,
    endpoint: Option<&str>,
    verify: Option<Fact<bool>>,
) -> Way {
    let address = endpoint.and_then(|key| Some((key, fields.text(key)?)));
    let (hosts, tls) = match &address {
        Some((key, address)) => (hosts(fields, key, &[address]), scheme(fields, key, &[address], "https")),
        None => (
            fields.known("", Vec::new(), "the service's own address"),
            fields.known("", true, "the service is reached over TLS"),
        ),
    };
    let verified = verify.unwrap_or_else(|| fields.known("", true, "the client verifies certificates"));
    Way {
        receiver: Receiver::Service(service),
        hosts,
        verified: (tls.value() != Some(&false)).then_some(verified),
        tls,
        authenticated: fields.known("", true, "requests are signed with an identity of the cloud"),
    }
}

/// Hosts without what else stands in their addresses.
pub(super) fn hosts(fields: &Fields<'_>, key: &str, addresses: &[&str]) -> Fact<Vec<String>> {
    if addresses.iter().any(|address| address.contains("#{") || address.contains("${")) {
        return Fact::unknown(format!("{key} at {} holds a variable", fields.at_key(key)));
    }
    let shown: Option<Vec<String>> =
        addresses.iter().map(|address| Endpoint::parse(address).map(|endpoint| endpoint.shown())).collect();
    match shown {
        Some(shown) if !shown.is_empty() => {
            let detail = format!("{key} {}", shown.join(", "));
            fields.known(key, shown, detail)
        }
        _ => Fact::unknown(format!("{key} at {} is no address", fields.at_key(key))),
    }
}

/// Whether addresses are reached over TLS by their schemes.
pub(super) fn scheme(fields: &Fields<'_>, key: &str, addresses: &[&str], default: &str) -> Fact<bool> {
    let schemes: Vec<String> = addresses
        .iter()
        .map(|address| Endpoint::parse(address).map(|endpoint| endpoint.scheme).unwrap_or_default())
        .map(|scheme| if scheme.is_empty() { default.to_owned() } else { scheme })
        .collect();
    if addresses.iter().any(|address| address.trim_start().starts_with(['#', '$'])) {
        return Fact::unknown(format!("{key} at {} begins with a variable", fields.at_key(key)));
    }
    let encrypted = schemes.iter().all(|scheme| matches!(scheme.as_str(), "https" | "tls" | "ssl"));
    let plain = schemes.iter().find(|scheme| !matches!(scheme.as_str(), "https" | "tls" | "ssl"));
    let told = plain.or(schemes.first()).cloned().unwrap_or_default();
    fields.known(key, encrypted, format!("scheme {told}"))
}

/// Whether one of some credentials is set.
pub(super) fn credential(fields: &Fields<'_>, keys: &[&str]) -> Fact<bool> {
    match keys.iter().find(|key| fields.get(key).is_some()) {
        Some(key) => fields.known(key, true, format!("{key} is set")),
        None => fields.known("", false, "no credential is set"),
    }
}

/// The receiver by a telling host, or the one the plugin is for.
pub(super) fn receiver(hosts: &Fact<Vec<String>>, otherwise: Receiver) -> Receiver {
    let known = hosts.value().and_then(|hosts| hosts.first()).and_then(|host| {
        let host = Endpoint::parse(host)?.host;
        Service::of_host(&host)
    });
    known.map_or(otherwise, Receiver::Service)
}

/// Certificates matter where there may be TLS.
pub(super) fn if_tls(tls: &Fact<bool>, verified: Fact<bool>) -> Option<Fact<bool>> {
    (tls.value() != Some(&false)).then_some(verified)
}
