//! Where destinations send to (syslog-ng docs: destination drivers; `AxoSyslog`: `modules/`, `scl/`).

mod stores;

use self::stores::{kafka, mongodb, unencrypted};
use super::driver::{Driver, Found};
use crate::analyze::collectors::endpoint::Endpoint;
use crate::analyze::collectors::model::{Buffer, Output, Receiver, Retry, WhenFull};
use crate::analyze::collectors::service::{Kind, Service};
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// Where disk buffers lie unless told.
const STATE: &str = "/var/lib/syslog-ng";

/// What shows a receiver of HTTP who sends.
const HTTP_IDENTITY: &[&str] = &["user", "password", "token", "cloud-auth", "auth", "azure-auth-header"];

/// How a driver reaches its receiver.
struct Link {
    receiver: Receiver,
    hosts: Fact<Vec<String>>,
    tls: Fact<bool>,
    verified: Fact<bool>,
    authenticated: Fact<bool>,
    retry: Fact<Retry>,
}

/// The output of a driver. What happens when it is full is told later, when it is known what feeds it.
pub(super) fn output(name: &str, driver: Driver<'_, '_>, id: String) -> Output {
    let link = link(name, driver);
    let in_the_clear = link.tls.value() == Some(&false);
    Output {
        id,
        at: driver.at(),
        receiver: by_host(link.receiver, &link.hosts),
        hosts: link.hosts,
        tls: link.tls,
        verified: (!in_the_clear).then_some(link.verified),
        authenticated: link.authenticated,
        buffer: buffer(driver),
        retry: link.retry,
        when_full: driver
            .fact(WhenFull::Drops, "the log path is without flow control: a full queue drops messages"),
    }
}

fn by_host(receiver: Receiver, hosts: &Fact<Vec<String>>) -> Receiver {
    let is_open = match &receiver {
        Receiver::Http | Receiver::Syslog(_) => true,
        Receiver::Service(service) => service.kind() == Kind::Store,
        _ => false,
    };
    let host = hosts.value().and_then(|hosts| hosts.first()).and_then(|host| Endpoint::parse(host));
    match host.and_then(|host| Service::of_host(&host.host)) {
        Some(service) if is_open => Receiver::Service(service),
        _ => receiver,
    }
}

/// In memory unless there is a disk buffer.
fn buffer(driver: Driver<'_, '_>) -> Fact<Buffer> {
    let Some(disk) = driver.option("disk-buffer") else {
        return driver.fact(Buffer::Memory, "disk-buffer is not set; messages wait in memory");
    };
    match disk.get("dir") {
        Err(why) => Fact::unknown(why),
        Ok(Some((folder, at))) => {
            let detail = format!("disk-buffer in {folder}");
            Fact::at(Buffer::Disk(Some(folder)), Rank::Configured, at, detail)
        }
        Ok(None) => {
            let detail = format!("disk-buffer is set; dir is not, and packages and images use {STATE}");
            disk.fact(Buffer::Disk(Some(STATE.into())), detail)
        }
    }
}

fn link(name: &str, driver: Driver<'_, '_>) -> Link {
    let service = Receiver::Service;
    match name {
        "file" | "pipe" | "unix-stream" | "unix-dgram" if is_console(driver) => {
            local(driver, Receiver::Console, "records go to the program's own output")
        }
        "file" if driver.plain_value().is_some_and(|path| path == "/dev/null") => {
            local(driver, Receiver::Nothing, "records are thrown away")
        }
        "file" | "pipe" | "unix-stream" | "unix-dgram" => {
            local(driver, Receiver::File, "records stay in the pod or on the node")
        }
        "stdout" | "usertty" => local(driver, Receiver::Console, "records go to a terminal"),
        "network" | "tcp" | "tcp6" | "udp" | "udp6" | "syslog" => syslog(name, driver),
        "loggly" => Link {
            receiver: service(Service::Loggly),
            authenticated: driver.identity(&["token"]),
            ..fixed(driver, "logs-01.loggly.com", 514, "tcp")
        },
        "graylog2" => {
            let host = driver.plain("host").unwrap_or_else(|| "127.0.0.1".into());
            Link { receiver: service(Service::Graylog), ..fixed(driver, &host, 12201, "tcp") }
        }
        "sumologic-syslog" => Link {
            receiver: service(Service::SumoLogic),
            authenticated: driver.identity(&["token"]),
            tls: driver.fact(true, "the driver always encrypts"),
            ..syslog(name, driver)
        },
        "sumologic-http" => cloud(driver, Service::SumoLogic, &["collector"]),
        "http" => http(driver, Receiver::Http, None),
        "elasticsearch-http" | "elasticsearch-datastream" => {
            http(driver, service(Service::Elasticsearch), None)
        }
        "opensearch" => http(driver, service(Service::OpenSearch), None),
        "splunk-hec-event" | "splunk-hec-raw" => http(driver, service(Service::Splunk), None),
        "openobserve-log" => http(driver, service(Service::OpenObserve), None),
        "logscale" => http(driver, service(Service::Humio), Some("https://cloud.humio.com")),
        "azure-monitor" | "azure-monitor-builtin" | "azure-monitor-custom" => {
            cloud(driver, Service::AzureMonitor, &["auth"])
        }
        "google-pubsub" | "google-pubsub-grpc" => cloud(driver, Service::PubSub, &["auth"]),
        "bigquery" => cloud(driver, Service::BigQuery, &["auth"]),
        "clickhouse" => grpc(driver, service(Service::ClickHouse)),
        "loki" => grpc(driver, service(Service::Loki)),
        "opentelemetry" => grpc(driver, Receiver::Collector("otlp".into())),
        "axosyslog-otlp" | "syslog-ng-otlp" => grpc(driver, Receiver::Collector("syslog-ng-otlp".into())),
        "s3" => s3(driver),
        "kafka" | "kafka-c" => kafka(driver),
        "redis" => unencrypted(driver, Service::Redis, ("host", "localhost", 6379), &["auth"]),
        "amqp" => {
            let tls = driver.option("tls").map(|section| section.fact(true, "tls is set"));
            let link = unencrypted(driver, Service::RabbitMq, ("host", "127.0.0.1", 5672), &["username"]);
            Link { tls: tls.unwrap_or(link.tls), ..link }
        }
        "mongodb" => mongodb(driver),
        other => {
            let why = format!("how the driver {other} at {} connects is not known here", driver.at());
            Link {
                receiver: Receiver::Other(other.to_owned()),
                hosts: Fact::unknown(why.clone()),
                tls: Fact::unknown(why.clone()),
                verified: Fact::unknown(why.clone()),
                authenticated: Fact::unknown(why.clone()),
                retry: Fact::unknown(why),
            }
        }
    }
}

impl Driver<'_, '_> {
    fn plain_value(&self) -> Option<String> {
        self.value().ok().flatten().map(|(value, _)| value)
    }
}

fn is_console(driver: Driver<'_, '_>) -> bool {
    let own = ["/dev/stdout", "/dev/stderr", "/proc/1/fd/1", "/proc/1/fd/2", "/proc/self/fd/1"];
    driver.plain_value().is_some_and(|path| own.contains(&path.as_str()))
}

fn local(driver: Driver<'_, '_>, receiver: Receiver, what: &str) -> Link {
    let no = || driver.fact(false, what);
    Link {
        receiver,
        hosts: no().map(|_| Vec::new()),
        tls: no(),
        verified: no(),
        authenticated: no(),
        retry: driver.fact(Retry::Never, what),
    }
}

/// Messages that a receiver answers with an error are dropped after some attempts; one that is away is waited for
/// (`lib/logthrdest`).
fn answered(driver: Driver<'_, '_>) -> Fact<Retry> {
    let limited =
        |times: &str| Retry::Limited(format!("{times} attempts that the receiver answers with an error"));
    match driver.get("retries") {
        Err(why) => Fact::unknown(why),
        Ok(Some((times, at))) => Fact::at(limited(&times), Rank::Configured, at, format!("retries({times})")),
        Ok(None) => driver.fact(limited("3"), "retries is not set; the default is 3"),
    }
}

/// Addresses, the port of an option or this one if they have none.
fn addresses(driver: Driver<'_, '_>, found: Found, default: Option<&str>, port: u16) -> Fact<Vec<String>> {
    let (text, at) = match (found, default) {
        (Err(why), _) => return Fact::unknown(why),
        (Ok(Some(found)), _) => found,
        (Ok(None), Some(default)) => (default.to_owned(), driver.at()),
        (Ok(None), None) => return Fact::unknown(format!("no address is set at {}", driver.at())),
    };
    let port = match ["port", "destport"].into_iter().find_map(|key| driver.get(key).transpose()) {
        Some(Err(why)) => return Fact::unknown(why),
        Some(Ok((port, _))) => port.parse().unwrap_or(port_of(&port)),
        None => port,
    };
    if text.contains('$') {
        return Fact::unknown(format!("the address at {at} is computed from each message"));
    }
    let words = text.split([' ', ',']).filter(|word| !word.is_empty());
    let shown: Option<Vec<String>> = words
        .map(|word| {
            let endpoint = Endpoint::parse(word)?;
            let port = endpoint.port.or((port != 0).then_some(port));
            Some(Endpoint { port, ..endpoint }.shown())
        })
        .collect();
    match shown {
        Some(shown) if !shown.is_empty() => {
            let detail = format!("sends to {}", shown.join(", "));
            Fact::at(shown, Rank::Configured, at, detail)
        }
        _ => Fact::unknown(format!("what stands at {at} is no address")),
    }
}

/// Ports may be given by the name of their service.
fn port_of(name: &str) -> u16 {
    match name {
        "syslog-tls" => 6514,
        "syslog-conn" => 601,
        _ => 514,
    }
}

/// Certificates are verified unless `peer-verify` accepts those that are not trusted.
fn verified(section: Option<Driver<'_, '_>>, driver: Driver<'_, '_>) -> Fact<bool> {
    let Some(section) = section else {
        return driver.fact(true, "peer-verify is not set; the default is to verify");
    };
    match section.get("peer-verify") {
        Ok(Some((value, at))) => match value.replace('_', "-").to_ascii_lowercase().as_str() {
            kind @ ("required-trusted" | "optional-trusted") => {
                Fact::at(true, Rank::Configured, at, format!("peer-verify({kind})"))
            }
            kind @ ("required-untrusted" | "optional-untrusted") => {
                Fact::at(false, Rank::Configured, at, format!("peer-verify({kind}) takes any certificate"))
            }
            _ => section.flag("peer-verify", true),
        },
        _ => section.flag("peer-verify", true),
    }
}

fn certificate(section: Option<Driver<'_, '_>>, driver: Driver<'_, '_>) -> Fact<bool> {
    match section {
        Some(section) => section.identity(&["cert-file", "pkcs12-file", "keylog-cert-file"]),
        None => driver.fact(false, "no client certificate is set"),
    }
}

/// TCP unless another transport is named. The port is 514, or that of the standard for `syslog()`
/// (`modules/afsocket/transport-mapper-inet.c`).
fn syslog(name: &str, driver: Driver<'_, '_>) -> Link {
    let section = driver.option("tls");
    let (transport, at) = match (name, driver.get("transport")) {
        ("udp" | "udp6", _) => ("udp".to_owned(), driver.at()),
        ("sumologic-syslog", _) => ("tls".to_owned(), driver.at()),
        ("tcp" | "tcp6", _) if section.is_some() => ("tls".to_owned(), driver.at()),
        (_, Ok(Some((transport, at)))) => (transport.to_ascii_lowercase(), at),
        (_, Ok(None)) => ("tcp".to_owned(), driver.at()),
        (_, Err(why)) => (why, driver.at()),
    };
    let tls = match (transport.as_str(), section) {
        ("tls" | "proxied-tls" | "proxied-tls-passthrough", _) => {
            Fact::at(true, Rank::Configured, at, format!("transport {transport}"))
        }
        ("udp" | "tcp" | "proxied-tcp" | "proxied-udp", None) => {
            Fact::at(false, Rank::Configured, at, format!("transport {transport}, without TLS"))
        }
        ("tcp" | "udp", Some(section)) => {
            Fact::unknown(format!("with tls the program refuses transport {transport} ({})", section.at()))
        }
        (_, Some(section)) => section.fact(true, "tls is set"),
        (_, None) => Fact::unknown(format!("whether the transport at {at} encrypts is not known")),
    };
    let port = match (name, transport.as_str()) {
        ("syslog", "tcp") => 601,
        ("syslog" | "sumologic-syslog", "tls") => 6514,
        _ => 514,
    };
    let udp = transport.contains("udp");
    let receiver = if matches!(transport.as_str(), "udp" | "tcp" | "tls") { &transport } else { "tcp" };
    Link {
        receiver: Receiver::Syslog(receiver.to_owned()),
        hosts: if name == "sumologic-syslog" {
            driver.fact(Vec::new(), "the service's own address")
        } else {
            addresses(driver, driver.value(), None, port)
        },
        tls,
        verified: verified(section, driver),
        authenticated: certificate(section, driver),
        retry: if udp {
            driver.fact(Retry::Never, "what is sent over UDP is not sent again")
        } else {
            driver.fact(Retry::Forever, "it connects again until it can send")
        },
    }
}

/// A driver that is made of `network()` with an address of its own.
fn fixed(driver: Driver<'_, '_>, host: &str, port: u16, transport: &str) -> Link {
    let transport = driver.plain("transport").unwrap_or_else(|| transport.to_owned());
    let section = driver.option("tls");
    let link = syslog("network", driver);
    Link {
        hosts: addresses(driver, Ok(Some((host.to_owned(), driver.at()))), None, port),
        tls: match section {
            Some(section) if transport == "tls" => section.fact(true, "transport tls"),
            _ => link.tls,
        },
        ..link
    }
}

/// HTTP to one or several URLs, whose scheme tells whether it is encrypted.
fn http(driver: Driver<'_, '_>, receiver: Receiver, default: Option<&str>) -> Link {
    let urls = driver.option("url").map(|option| option.values()).unwrap_or_default();
    let found: Found = urls.iter().try_fold(None, |all: Option<(String, String)>, (url, at)| {
        let url = (*url).clone().map_err(|why| format!("url at {at} is not known: {why}"))?;
        Ok(Some(match all {
            Some((before, at)) => (format!("{before} {url}"), at),
            None => (url, at.clone()),
        }))
    });
    let found = match (found, default) {
        (Ok(None), Some(default)) => Ok(Some((default.to_owned(), driver.at()))),
        (found, _) => found,
    };
    let tls = match &found {
        Err(why) => Fact::unknown(why.clone()),
        Ok(None) => driver.fact(false, "url is not set; the default is http://localhost/"),
        Ok(Some((urls, at))) => {
            let schemes: Vec<&str> =
                urls.split_whitespace().map(|url| url.split("://").next().unwrap_or_default()).collect();
            if schemes.iter().any(|scheme| scheme.contains('$')) {
                Fact::unknown(format!("the scheme of url at {at} is computed"))
            } else {
                let secure = schemes.iter().all(|scheme| scheme.eq_ignore_ascii_case("https"));
                let detail = if secure { "url begins with https" } else { "url does not begin with https" };
                Fact::at(secure, Rank::Configured, at.clone(), detail)
            }
        }
    };
    let section = driver.option("tls");
    let header = ["headers", "header"].into_iter().filter_map(|key| driver.option(key)).find(|option| {
        let credential = |text: &str| {
            let text = text.to_ascii_lowercase();
            ["authorization", "api-key", "apikey", "token"].iter().any(|word| text.contains(word))
        };
        option.values().iter().any(|(text, _)| text.as_ref().is_ok_and(|text| credential(text)))
    });
    let with_user = found.as_ref().is_ok_and(|found| {
        found.as_ref().is_some_and(|(url, _)| url.split('/').nth(2).is_some_and(|host| host.contains('@')))
    });
    Link {
        receiver,
        hosts: addresses(driver, found, Some("http://localhost"), 0),
        tls,
        verified: verified(section.or(Some(driver)), driver),
        authenticated: match header {
            Some(header) => header.fact(true, "a header holds a credential"),
            None if with_user => driver.fact(true, "url names a user"),
            None => driver.identity(HTTP_IDENTITY).or(certificate(section, driver)),
        },
        retry: answered(driver),
    }
}

/// A service at an address of its own, over TLS.
fn cloud(driver: Driver<'_, '_>, service: Service, identity: &[&str]) -> Link {
    let moved = ["url", "service-endpoint", "dce-uri"].into_iter().find_map(|key| {
        let (url, at) = driver.get(key).ok().flatten()?;
        url.starts_with("http://").then_some(at)
    });
    Link {
        receiver: Receiver::Service(service),
        hosts: driver.fact(Vec::new(), "the service's own address"),
        tls: match moved {
            Some(at) => Fact::at(false, Rank::Configured, at, "the address has the scheme http"),
            None => driver.fact(true, "the service is reached over TLS"),
        },
        verified: verified(driver.option("tls"), driver),
        authenticated: driver.identity(identity),
        retry: answered(driver),
    }
}

fn s3(driver: Driver<'_, '_>) -> Link {
    let url = driver.get("url").map(|found| found.filter(|(url, _)| !url.is_empty()));
    let link = cloud(driver, Service::S3, &[]);
    Link {
        hosts: match &url {
            Ok(None) => link.hosts,
            _ => addresses(driver, url, None, 0),
        },
        authenticated: driver.fact(true, "requests are signed, with keys or with the identity of the pod"),
        ..link
    }
}

/// gRPC is not encrypted unless `auth` says how.
fn grpc(driver: Driver<'_, '_>, receiver: Receiver) -> Link {
    let auth = driver.option("auth");
    let secure = auth.and_then(|auth| {
        ["tls", "adc", "alts", "service-account"]
            .into_iter()
            .find_map(|kind| Some((kind, auth.option(kind)?)))
    });
    let (tls, authenticated) = match secure {
        Some(("tls", section)) => (section.fact(true, "auth(tls())"), certificate(Some(section), driver)),
        Some((kind, section)) => {
            let detail = format!("auth({kind}())");
            (section.fact(true, detail.clone()), section.fact(true, detail))
        }
        None => {
            let detail = "auth is not set, or insecure, which is the default";
            (driver.fact(false, detail), driver.fact(false, detail))
        }
    };
    let section = secure.filter(|(kind, _)| *kind == "tls").map(|(_, section)| section);
    Link {
        receiver,
        hosts: addresses(driver, driver.get("url"), Some("localhost"), 0),
        tls,
        verified: verified(section, driver),
        authenticated,
        retry: answered(driver),
    }
}
