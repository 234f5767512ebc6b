//! Components that send logs (Alloy docs: loki.write, otelcol.exporter).

use std::collections::BTreeMap;

use super::STORAGE_PATH_REASON;
use super::eval::Value;
use super::routes::Ends;
use super::syntax::{Block, Body};
use super::world::{Component, World};
use crate::analyze::collectors::endpoint::Endpoint;
use crate::analyze::collectors::loki::has_user;
use crate::analyze::collectors::model::{Buffer, Output, Receiver, Retry, WhenFull};
use crate::analyze::collectors::service::Service;
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// Adds all outputs, and says which belong to which component.
pub(super) fn outputs(world: &World<'_>, found: &mut Vec<Output>) -> Ends {
    let mut ends = BTreeMap::new();
    for (index, component) in world.components.iter().enumerate() {
        let own: Vec<Output> = match component.kind {
            "loki.write" => {
                let endpoints: Vec<&Block> = component.block.body.blocks("endpoint").collect();
                let several = endpoints.len() > 1;
                endpoints
                    .iter()
                    .enumerate()
                    .map(|(number, block)| {
                        let id =
                            if several { format!("{}/{number}", component.id) } else { component.id.clone() };
                        loki(&Reader { world, component }, block, id)
                    })
                    .collect()
            }
            "loki.echo" => vec![local(component, Receiver::Console)],
            "otelcol.exporter.loki" => continue,
            kind => match kind.strip_prefix("otelcol.exporter.") {
                Some(name) => vec![exporter(&Reader { world, component }, name)],
                None => continue,
            },
        };
        ends.insert(index, (found.len()..found.len() + own.len()).collect());
        found.extend(own);
    }
    ends
}

/// Reads the settings of a component.
struct Reader<'w, 'a> {
    world: &'w World<'a>,
    component: &'w Component<'a>,
}

impl Reader<'_, '_> {
    fn get(&self, body: &Body, name: &str) -> Option<(Value, String)> {
        self.world.get(self.component, body, name)
    }

    fn place(&self, line: usize) -> String {
        self.component.place(line)
    }

    /// Where the component stands.
    fn start(&self) -> String {
        self.component.start()
    }

    /// A setting that is on or off, with its default.
    fn flag(&self, block: Option<&Block>, name: &str, default: bool) -> Fact<bool> {
        let shown = |on: bool| if on { "on" } else { "off" };
        let Some((value, at)) = block.and_then(|block| self.get(&block.body, name)) else {
            let at = block.map_or_else(|| self.start(), |block| self.place(block.line));
            let detail = format!("{name} is not set; the default is {}", shown(default));
            return Fact::at(default, Rank::Configured, at, detail);
        };
        match value.text() {
            Ok(text) => {
                let on = text.eq_ignore_ascii_case("true");
                Fact::at(on, Rank::Configured, at, format!("{name} {}", shown(on)))
            }
            Err(why) => Fact::unknown(why),
        }
    }

    /// Whether one of some settings or blocks is there that shows who the sender is.
    fn identity(&self, body: &Body, settings: &[&str], blocks: &[&str]) -> Fact<bool> {
        for name in settings {
            if let Some((value, at)) = self.get(body, name)
                && value != Value::Text(String::new())
            {
                return Fact::at(true, Rank::Configured, at, format!("{name} is set"));
            }
        }
        match blocks.iter().find_map(|name| body.block(name)) {
            Some(block) => {
                Fact::at(true, Rank::Configured, self.place(block.line), format!("{} is set", block.name))
            }
            None => Fact::at(false, Rank::Configured, self.start(), "nothing is set that shows who sends"),
        }
    }

    /// A client certificate.
    fn certificate(&self, tls: Option<&Block>) -> Fact<bool> {
        match tls {
            Some(block) => self.identity(&block.body, &["cert_file", "cert_pem"], &[]),
            None => Fact::at(false, Rank::Configured, self.start(), "no client certificate is set"),
        }
    }

    /// The address in a setting, and where it stands.
    fn address(&self, body: &Body, name: &str) -> Result<(String, Endpoint, String), String> {
        let (value, at) = self.get(body, name).ok_or_else(|| format!("{name} is not set"))?;
        let text = value.text()?;
        let endpoint = Endpoint::parse(&text).ok_or_else(|| format!("{name} at {at} is no address"))?;
        Ok((text, endpoint, at))
    }
}

fn not<T>(fact: Fact<T>) -> Fact<bool>
where
    T: std::ops::Not<Output = bool>,
{
    fact.map(|value| !value)
}

/// Something that sends nothing over the network.
fn local(component: &Component<'_>, receiver: Receiver) -> Output {
    let at = component.start();
    let fact = |value: bool, detail: &str| Fact::at(value, Rank::Configured, at.clone(), detail);
    Output {
        id: component.id.clone(),
        hosts: Fact::at(Vec::new(), Rank::Configured, at.clone(), "nothing is sent over the network"),
        tls: fact(false, "nothing is sent over the network"),
        verified: None,
        authenticated: fact(false, "nothing is sent over the network"),
        buffer: Fact::at(Buffer::Memory, Rank::Configured, at.clone(), "it has no buffer"),
        retry: Fact::at(Retry::Never, Rank::Configured, at.clone(), "it has no retries"),
        when_full: Fact::at(WhenFull::Waits, Rank::Configured, at.clone(), "it has no buffer"),
        receiver,
        at,
    }
}

/// An `endpoint` of `loki.write`.
fn loki(reader: &Reader<'_, '_>, block: &Block, id: String) -> Output {
    let body = &block.body;
    let tls_block = body.block("tls_config");
    let address = reader.address(body, "url");
    let tls = match &address {
        Ok((_, endpoint, at)) => Fact::at(
            endpoint.scheme == "https",
            Rank::Configured,
            at.clone(),
            format!("url {}://", endpoint.scheme),
        ),
        Err(why) => Fact::unknown(why.clone()),
    };
    let verified =
        (tls.value() != Some(&false)).then(|| not(reader.flag(tls_block, "insecure_skip_verify", false)));
    let settings = ["bearer_token", "bearer_token_file"];
    let blocks = ["basic_auth", "authorization", "oauth2"];
    let user = match &address {
        Ok((url, _, at)) if has_user(url) => Fact::at(true, Rank::Configured, at.clone(), "url names a user"),
        _ => Fact::at(false, Rank::Configured, reader.place(block.line), "url names no user"),
    };
    let authenticated = reader.identity(body, &settings, &blocks).or(reader.certificate(tls_block)).or(user);
    let service = address.as_ref().ok().and_then(|(_, endpoint, _)| Service::of_host(&endpoint.host));
    Output {
        id,
        at: reader.place(block.line),
        receiver: Receiver::Service(service.unwrap_or(Service::Loki)),
        hosts: hosts(&address),
        tls,
        verified,
        authenticated,
        buffer: wal(reader),
        retry: backoff(reader, block),
        when_full: reader.flag(body.block("queue_config"), "block_on_overflow", true).map(when_full),
    }
}

fn hosts(address: &Result<(String, Endpoint, String), String>) -> Fact<Vec<String>> {
    match address {
        Ok((_, endpoint, at)) => {
            let shown = endpoint.shown();
            Fact::at(vec![shown.clone()], Rank::Configured, at.clone(), format!("sends to {shown}"))
        }
        Err(why) => Fact::unknown(why.clone()),
    }
}

fn when_full(waits: bool) -> WhenFull {
    if waits { WhenFull::Waits } else { WhenFull::Drops }
}

/// The log that is written before sending lies below the storage path.
fn wal(reader: &Reader<'_, '_>) -> Fact<Buffer> {
    let wal = reader.component.block.body.block("wal");
    reader.flag(wal, "enabled", false).map(|on| if on { Buffer::Disk(None) } else { Buffer::Memory })
}

/// No retries is no limit (grafana/dskit: backoff).
fn backoff(reader: &Reader<'_, '_>, block: &Block) -> Fact<Retry> {
    let retry = |count: &str| match count {
        "0" => Retry::Forever,
        count => Retry::Limited(format!("{count} retries")),
    };
    match reader.get(&block.body, "max_backoff_retries") {
        Some((value, at)) => match value.text() {
            Ok(count) => {
                Fact::at(retry(&count), Rank::Configured, at, format!("max_backoff_retries {count}"))
            }
            Err(why) => Fact::unknown(why),
        },
        None => Fact::at(
            retry("10"),
            Rank::Configured,
            reader.place(block.line),
            "max_backoff_retries is not set; the default is 10",
        ),
    }
}

/// An OpenTelemetry exporter.
fn exporter(reader: &Reader<'_, '_>, name: &str) -> Output {
    let body = &reader.component.block.body;
    match name {
        "debug" => return local(reader.component, Receiver::Console),
        "file" => return local(reader.component, Receiver::File),
        "prometheus" => return local(reader.component, Receiver::NotLogs("prometheus".into())),
        _ => {}
    }
    let client = body.block("client");
    let settings = client.map_or(body, |client| &client.body);
    let tls_block = settings.block("tls").or_else(|| body.block("tls"));
    let address = match name {
        "otlphttp" if body.get("logs_endpoint").is_some() => reader.address(body, "logs_endpoint"),
        "datadog" => Err("the site of Datadog tells the host".into()),
        _ => reader.address(settings, "endpoint"),
    };
    let tls = transport(reader, name, &address, tls_block);
    let verified =
        (tls.value() != Some(&false)).then(|| not(reader.flag(tls_block, "insecure_skip_verify", false)));
    let names = ["auth", "token", "credentials"];
    let own = reader.identity(settings, &names, &["authentication", "api", "splunk"]);
    let own = own.or(reader.identity(body, &names, &["authentication", "splunk", "api"]));
    let cloud = matches!(name, "googlecloud" | "googlecloudpubsub" | "awss3");
    let authenticated = if cloud {
        Fact::at(true, Rank::Configured, reader.start(), "the identity of the cloud account")
    } else {
        own.or(reader.certificate(tls_block))
    };
    Output {
        id: reader.component.id.clone(),
        at: reader.start(),
        receiver: receiver(reader, name, &address),
        hosts: match name {
            "googlecloud" | "googlecloudpubsub" | "awss3" | "datadog" => {
                Fact::at(Vec::new(), Rank::Configured, reader.start(), "the program knows the hosts")
            }
            "kafka" => brokers(reader),
            _ => hosts(&address),
        },
        tls,
        verified,
        authenticated,
        buffer: queue(reader),
        retry: retry(reader),
        when_full: reader.flag(body.block("sending_queue"), "block_on_overflow", false).map(when_full),
    }
}

fn brokers(reader: &Reader<'_, '_>) -> Fact<Vec<String>> {
    let start = reader.start();
    let Some((value, at)) = reader.get(&reader.component.block.body, "brokers") else {
        return Fact::at(
            vec!["localhost:9092".into()],
            Rank::Configured,
            start,
            "brokers is not set; the default is localhost:9092",
        );
    };
    match value.texts() {
        Ok(brokers) => {
            let shown = brokers.iter().filter_map(|broker| Some(Endpoint::parse(broker)?.shown()));
            Fact::at(shown.collect(), Rank::Configured, at, "brokers is set")
        }
        Err(why) => Fact::unknown(why),
    }
}

/// Whether an exporter encrypts: HTTP by the scheme, gRPC unless it is told not to (OpenTelemetry docs: configgrpc,
/// confighttp), Kafka if it has a `tls` block.
fn transport(
    reader: &Reader<'_, '_>,
    name: &str,
    address: &Result<(String, Endpoint, String), String>,
    tls: Option<&Block>,
) -> Fact<bool> {
    match name {
        "googlecloud" | "googlecloudpubsub" | "awss3" | "datadog" => {
            Fact::at(true, Rank::Configured, reader.start(), "the service is reached over TLS only")
        }
        "kafka" => {
            let settings =
                tls.or_else(|| reader.component.block.body.block("authentication")?.body.block("tls"));
            match settings {
                Some(block) => not(reader.flag(Some(block), "insecure", false)),
                None => {
                    Fact::at(false, Rank::Configured, reader.start(), "tls is not set; the default is off")
                }
            }
        }
        "otlp" | "loadbalancing" => match address {
            Ok((_, endpoint, at)) if endpoint.scheme == "https" => {
                Fact::at(true, Rank::Configured, at.clone(), "endpoint https://")
            }
            _ => {
                let balanced = reader.component.block.body.block("protocol");
                let nested = balanced
                    .and_then(|block| block.body.block("otlp")?.body.block("client")?.body.block("tls"));
                let tls = tls.or(nested);
                let own = tls
                    .is_some_and(|tls| ["ca_file", "ca_pem"].iter().any(|name| tls.body.get(name).is_some()));
                let insecure = reader.flag(tls, "insecure", false);
                if own && insecure.value() == Some(&true) {
                    return Fact::at(
                        true,
                        Rank::Configured,
                        reader.start(),
                        "a certificate authority is set",
                    );
                }
                not(insecure)
            }
        },
        "syslog" => {
            match reader.get(&reader.component.block.body, "network").map(|(value, at)| (value.text(), at)) {
                Some((Ok(network), at)) if network == "udp" => {
                    Fact::at(false, Rank::Configured, at, "network udp")
                }
                _ => not(reader.flag(tls, "insecure", false)),
            }
        }
        _ => match address {
            Ok((_, endpoint, at)) => Fact::at(
                endpoint.scheme == "https",
                Rank::Configured,
                at.clone(),
                format!("endpoint {}://", endpoint.scheme),
            ),
            Err(why) => Fact::unknown(why.clone()),
        },
    }
}

fn receiver(
    reader: &Reader<'_, '_>,
    name: &str,
    address: &Result<(String, Endpoint, String), String>,
) -> Receiver {
    let host = address.as_ref().ok().map(|(_, endpoint, _)| endpoint.host.as_str());
    let known = host.and_then(Service::of_host);
    let collector = || {
        let native = address.as_ref().is_ok_and(|(url, endpoint, _)| {
            url.trim_end_matches('/').ends_with("/otlp") && endpoint.host.starts_with("loki")
        });
        // Loki takes OTLP itself, below this path.
        if native { Receiver::Service(Service::Loki) } else { Receiver::Collector(name.to_owned()) }
    };
    match name {
        "otlp" | "otlphttp" | "loadbalancing" => known.map_or_else(collector, Receiver::Service),
        "splunkhec" => Receiver::Service(known.unwrap_or(Service::Splunk)),
        "kafka" => Receiver::Service(Service::Kafka),
        "awss3" => Receiver::Service(Service::S3),
        "datadog" => Receiver::Service(Service::Datadog),
        "googlecloud" => Receiver::Service(Service::GoogleCloudLogging),
        "googlecloudpubsub" => Receiver::Service(Service::PubSub),
        "faro" => known.map_or(Receiver::Http, Receiver::Service),
        "syslog" => {
            let network = reader.get(&reader.component.block.body, "network");
            let network = network.and_then(|(value, _)| value.text().ok());
            Receiver::Syslog(network.unwrap_or_else(|| "tcp".into()))
        }
        name => known.map_or_else(|| Receiver::Other(name.to_owned()), Receiver::Service),
    }
}

/// In memory unless a storage is named.
fn queue(reader: &Reader<'_, '_>) -> Fact<Buffer> {
    let Some(block) = reader.component.block.body.block("sending_queue") else {
        let detail = "sending_queue is not set; it is in memory";
        return Fact::at(Buffer::Memory, Rank::Configured, reader.start(), detail);
    };
    match reader.get(&block.body, "storage") {
        None => {
            let detail = "storage is not set; the queue is in memory";
            Fact::at(Buffer::Memory, Rank::Configured, reader.place(block.line), detail)
        }
        Some((Value::Part(index, _), at)) => {
            let folder = reader
                .world
                .components
                .get(index)
                .and_then(|other| reader.world.get(other, &other.block.body, "directory")?.0.text().ok());
            let folder = folder.or_else(|| reader.world.storage().value().cloned().flatten());
            let detail = folder.clone().unwrap_or_else(|| STORAGE_PATH_REASON.to_owned());
            Fact::at(Buffer::Disk(folder), Rank::Configured, at, detail)
        }
        Some(_) => Fact::unknown("the storage of the queue is not known"),
    }
}

fn retry(reader: &Reader<'_, '_>) -> Fact<Retry> {
    let block = reader.component.block.body.block("retry_on_failure");
    reader.flag(block, "enabled", true).and_then(|on| {
        if !on {
            return Fact::known(Retry::Never, Rank::Configured, Vec::new());
        }
        let limit = |time: &str| match time {
            "0" | "0s" => Retry::Forever,
            time => Retry::Limited(time.to_owned()),
        };
        let Some((value, at)) = block.and_then(|block| reader.get(&block.body, "max_elapsed_time")) else {
            let detail = "max_elapsed_time is not set; the default is 5m";
            return Fact::at(limit("5m"), Rank::Configured, reader.start(), detail);
        };
        match value.text() {
            Ok(time) => Fact::at(limit(&time), Rank::Configured, at, format!("max_elapsed_time {time}")),
            Err(why) => Fact::unknown(why),
        }
    })
}
