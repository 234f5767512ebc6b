//! `SyslogNGOutput` and `SyslogNGClusterOutput` (`pkg/sdk/logging/model/syslogng/output`).

use super::super::fields::Fields;
use super::super::model::{Buffer, Output, Receiver, Retry, WhenFull};
use super::super::service::Service;
use super::outputs::{Way, cloud, credential, hosts, if_tls, local, receiver, scheme};
use crate::analyze::fact::Fact;
use crate::snapshot::Resource;

/// Whether the pods of syslog-ng have a volume of their own, which the operator does not give them by itself.
pub(super) fn has_volume(syslog_ng: &Fields<'_>) -> bool {
    let spec = ["statefulSet", "spec"];
    let claims = syslog_ng.at_path(&spec).map(|spec| spec.items("volumeClaimTemplates")).unwrap_or_default();
    let volumes = syslog_ng
        .at_path(&["statefulSet", "spec", "template", "spec"])
        .map(|spec| spec.items("volumes"))
        .unwrap_or_default();
    !claims.is_empty() || volumes.iter().any(|volume| volume.get("emptyDir").is_none())
}

/// Reads an output.
pub(super) fn read(resource: &Resource, has_volume: bool) -> Output {
    let spec = Fields::spec(resource);
    let driver = spec.entries().into_iter().find(|(key, _)| !matches!(*key, "loggingRef" | "protected"));
    let (name, fields) = driver.unwrap_or(("no driver", spec));
    let Way { receiver, hosts, tls, verified, authenticated } = way(name, &fields);
    Output {
        id: format!("{} {}", resource.kind, resource.full_name()),
        at: fields.at(),
        retry: retry(name, &fields),
        buffer: buffer(&fields, has_volume),
        when_full: fields.known(
            "",
            WhenFull::Drops,
            "the flows are without flow control, so that a full queue drops messages",
        ),
        receiver,
        hosts,
        tls,
        verified,
        authenticated,
    }
}

fn way(name: &str, fields: &Fields<'_>) -> Way {
    match name {
        "file" => local(Receiver::File, fields),
        "syslog" => syslog(fields),
        "http" => http(fields, Receiver::Http, &["password", "tls"]),
        "elasticsearch" | "elasticsearch-datastream" => {
            http(fields, Receiver::Service(Service::Elasticsearch), &["password"])
        }
        "splunk_hec_event" => http(fields, Receiver::Service(Service::Splunk), &["token"]),
        "openobserve" => http(fields, Receiver::Service(Service::OpenObserve), &["password"]),
        "logscale" => service(fields, Service::Humio, &["token"]),
        "sumologic-http" => service(fields, Service::SumoLogic, &["collector"]),
        "sumologic-syslog" => service(fields, Service::SumoLogic, &["token"]),
        "loggly" => Way { receiver: Receiver::Service(Service::Loggly), ..syslog(fields) },
        "loki" => grpc(fields, Receiver::Service(Service::Loki)),
        "opentelemetry" => grpc(fields, Receiver::Collector("otlp".into())),
        "s3" => cloud(Service::S3, fields, Some("url"), None),
        "redis" => {
            let host = fields.text("host").unwrap_or_else(|| "localhost".into());
            let port = fields.text("port").unwrap_or_else(|| "6379".into());
            Way {
                receiver: Receiver::Service(Service::Redis),
                hosts: hosts(fields, "host", &[&format!("{host}:{port}")]),
                tls: fields.known("", false, "the redis driver has no TLS"),
                verified: None,
                authenticated: credential(fields, &["auth"]),
            }
        }
        "mongodb" => hidden(Receiver::Service(Service::MongoDb), "the address of MongoDB is in a Secret"),
        "mqtt" => {
            let address = fields.text("address").unwrap_or_else(|| "tcp://localhost:1883".into());
            let tls = scheme(fields, "address", &[&address], "tcp");
            Way {
                receiver: Receiver::Other("mqtt".into()),
                hosts: hosts(fields, "address", &[&address]),
                verified: if_tls(&tls, fields.known("", true, "certificates are verified by default")),
                tls,
                authenticated: fields.known("", false, "no credential is set"),
            }
        }
        other => hidden(Receiver::Other(other.into()), "this driver is not known"),
    }
}

fn hidden(receiver: Receiver, why: &str) -> Way {
    Way {
        receiver,
        hosts: Fact::unknown(why),
        tls: Fact::unknown(why),
        verified: None,
        authenticated: Fact::unknown(why),
    }
}

/// `tls.peer_verify` is on unless it is turned off.
fn verification(fields: &Fields<'_>) -> Fact<bool> {
    match fields.get("tls") {
        Some(tls) => tls.flag_or("peer_verify", true),
        None => fields.known("", true, "peer_verify is not set; the default is on"),
    }
}

/// TCP unless another transport is named; the port is 514, or 6514 with TLS.
fn syslog(fields: &Fields<'_>) -> Way {
    let transport = fields.text("transport").unwrap_or_else(|| "tcp".into());
    let encrypted = transport == "tls" || (transport != "udp" && fields.get("tls").is_some());
    let host = fields.text("host").unwrap_or_default();
    let address = fields.text("port").map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
    let tls = if encrypted && transport != "tls" {
        Fact::unknown(format!(
            "transport {transport} with a tls section at {}: which one counts is not told here",
            fields.at_key("tls")
        ))
    } else {
        fields.known("transport", encrypted, format!("transport {transport}"))
    };
    let hosts = hosts(fields, "host", &[&address]);
    Way {
        receiver: receiver(&hosts, Receiver::Syslog(transport)),
        hosts,
        verified: if_tls(&tls, verification(fields)),
        tls,
        authenticated: match fields.get("tls") {
            Some(section) => credential(&section, &["cert_file"]),
            None => fields.known("", false, "no client certificate is set"),
        },
    }
}

fn http(fields: &Fields<'_>, otherwise: Receiver, keys: &[&str]) -> Way {
    let url = fields.text("url").unwrap_or_default();
    let hosts = hosts(fields, "url", &[&url]);
    let tls = scheme(fields, "url", &[&url], "http");
    let certificate = fields.at_path(&["tls", "cert_file"]).is_some();
    let keys: Vec<&str> = keys.iter().copied().filter(|key| *key != "tls" || certificate).collect();
    Way {
        receiver: receiver(&hosts, otherwise),
        hosts,
        verified: if_tls(&tls, verification(fields)),
        tls,
        authenticated: credential(fields, &keys),
    }
}

/// A service whose address is its own or in a Secret.
fn service(fields: &Fields<'_>, service: Service, keys: &[&str]) -> Way {
    let hidden = fields.get("url").is_some();
    let why = || format!("the address at {} is in a Secret", fields.at_key("url"));
    Way {
        receiver: Receiver::Service(service),
        hosts: if hidden {
            Fact::unknown(why())
        } else {
            fields.known("", Vec::new(), "the service's own address")
        },
        tls: if hidden {
            Fact::unknown(why())
        } else {
            fields.known("", true, "the service is reached over TLS")
        },
        verified: Some(verification(fields)),
        authenticated: credential(fields, keys),
    }
}

/// gRPC without encryption unless `auth` says how (`AxoSyslog` docs: loki, opentelemetry).
fn grpc(fields: &Fields<'_>, otherwise: Receiver) -> Way {
    let url = fields.text("url").unwrap_or_else(|| "localhost:9095".into());
    let secure = fields.get("auth").and_then(|auth| {
        ["tls", "adc", "alts"].into_iter().find_map(|kind| auth.get(kind).map(|section| (kind, section)))
    });
    let hosts = hosts(fields, "url", &[&url]);
    let (tls, authenticated) = match &secure {
        Some((kind, section)) => (
            section.known("", true, format!("auth {kind}")),
            if *kind == "tls" {
                credential(section, &["cert_file"])
            } else {
                section.known("", true, format!("auth {kind}"))
            },
        ),
        None => (
            fields.known("auth", false, "auth is not set, or insecure, which is the default"),
            fields.known("auth", false, "no credential is set"),
        ),
    };
    Way {
        receiver: receiver(&hosts, otherwise),
        hosts,
        verified: if_tls(&tls, fields.known("auth", true, "gRPC verifies certificates")),
        tls,
        authenticated,
    }
}

/// In memory, unless there is a disk buffer in a volume.
fn buffer(fields: &Fields<'_>, has_volume: bool) -> Fact<Buffer> {
    match fields.get("disk_buffer") {
        None => fields.known("", Buffer::Memory, "disk_buffer is not set"),
        Some(disk) if !has_volume => {
            disk.known("", Buffer::Memory, "disk_buffer in a folder without a volume goes with the pod")
        }
        Some(disk) => {
            let folder = disk.text("dir");
            disk.known("", Buffer::Disk(folder), "disk_buffer is set")
        }
    }
}

/// Drivers that get an answer drop a message after `retries`, 3; others try until they are connected.
fn retry(name: &str, fields: &Fields<'_>) -> Fact<Retry> {
    match name {
        "file" => fields.known("", Retry::Never, "nothing is sent over a network"),
        "syslog" | "loggly" | "sumologic-syslog" => {
            fields.known("", Retry::Forever, "it connects again until it can send")
        }
        _ => {
            let times = fields.text("retries").unwrap_or_else(|| "3".into());
            let limit = format!("{times} attempts that the receiver answers with an error");
            fields.known("retries", Retry::Limited(limit), format!("retries {times}"))
        }
    }
}
