//! Outputs of Beats and of the Elastic Agent (Beats docs: "configure the output", "configure the internal queue").

use crate::analyze::collectors::endpoint::Endpoint;
use crate::analyze::collectors::model::{Buffer, Output, Receiver, Retry, WhenFull};
use crate::analyze::collectors::service::Service;
use crate::analyze::collectors::settings::Setting;
use crate::analyze::fact::Fact;

/// The one output that is enabled; none if there is none. A cloud ID makes an output to Elasticsearch of its own.
pub(in super::super) fn chosen<'a>(root: &Setting<'a>) -> Result<Option<(String, Setting<'a>)>, String> {
    let outputs = root.get("output");
    if let Some(why) = outputs.why() {
        return Err(why.to_owned());
    }
    for (kind, output) in outputs.entries() {
        match output.get("enabled").flag(true) {
            Fact::Unknown(unknown) => return Err(unknown.reason),
            Fact::Known(known) if known.value => return Ok(Some((kind.to_owned(), output))),
            Fact::Known(_) => {}
        }
    }
    let cloud = root.find("cloud.id");
    Ok(cloud.is_set().then(|| ("elasticsearch".to_owned(), root.get("output").get("elasticsearch"))))
}

/// Reads an output. `endless` tells whether it is tried without end, whatever `max_retries` says, as Filebeat does.
pub(in super::super) fn output(
    kind: &str,
    id: &str,
    setting: &Setting<'_>,
    root: &Setting<'_>,
    endless: bool,
) -> Output {
    let cloud = root.find("cloud.id");
    let receiver = receiver(kind);
    let local = matches!(receiver, Receiver::File | Receiver::Console | Receiver::Nothing);
    let by_cloud = kind == "elasticsearch" && cloud.is_set();
    let tls = if local {
        setting.fact(false, "nothing leaves the container")
    } else if by_cloud {
        cloud.fact(true, "cloud.id is set")
    } else {
        tls(kind, setting)
    };
    let hosts =
        if by_cloud { cloud.fact(Vec::new(), "cloud.id is set") } else { hosts(kind, setting, local) };
    let receiver = match named(&hosts) {
        Some(service) if kind == "elasticsearch" => Receiver::Service(service),
        _ if by_cloud => Receiver::Service(Service::ElasticCloud),
        _ => receiver,
    };
    Output {
        id: id.to_owned(),
        at: setting.place(),
        receiver,
        hosts,
        verified: (tls.value() != Some(&false)).then(|| verified(setting)),
        tls,
        authenticated: authenticated(setting, root, local),
        buffer: buffer(root),
        retry: retry(setting, local, endless),
        when_full: if endless {
            queue(root).fact(WhenFull::Waits, "reading waits while the queue is full")
        } else {
            Fact::unknown("whether something is lost while the queue is full depends on the module")
        },
    }
}

fn receiver(kind: &str) -> Receiver {
    match kind {
        "elasticsearch" => Receiver::Service(Service::Elasticsearch),
        "logstash" => Receiver::Collector("lumberjack".to_owned()),
        "kafka" => Receiver::Service(Service::Kafka),
        "redis" => Receiver::Service(Service::Redis),
        "file" => Receiver::File,
        "console" => Receiver::Console,
        "discard" => Receiver::Nothing,
        kind => Receiver::Other(kind.to_owned()),
    }
}

fn hosts(kind: &str, setting: &Setting<'_>, local: bool) -> Fact<Vec<String>> {
    let default = (kind == "logstash").then_some(5044);
    let list = setting.get("hosts");
    if let Some(why) = list.why() {
        return Fact::unknown(why);
    }
    let mut hosts = Vec::new();
    for item in list.items() {
        match item.text() {
            Err(why) => return Fact::unknown(why),
            Ok(text) => hosts.extend(
                text.iter()
                    .flat_map(|text| text.split(','))
                    .filter_map(Endpoint::parse)
                    .map(|one| Endpoint { port: one.port.or(default), ..one }.shown()),
            ),
        }
    }
    if hosts.is_empty() && !local {
        return Fact::unknown(format!("no hosts are set at {}", setting.place()));
    }
    let detail =
        if local { "nothing leaves the container".to_owned() } else { format!("hosts {}", hosts.join(", ")) };
    list.fact(hosts, detail)
}

fn named(hosts: &Fact<Vec<String>>) -> Option<Service> {
    let hosts = hosts.value()?;
    hosts
        .iter()
        .find_map(|host| Service::of_host(host.rsplit_once(':').map_or(host.as_str(), |(host, _)| host)))
}

/// Elasticsearch: by the scheme of its hosts, else by `protocol`, http unless set. The others: once `ssl` is there and
/// not switched off.
fn tls(kind: &str, setting: &Setting<'_>) -> Fact<bool> {
    if kind == "elasticsearch" {
        return elasticsearch_tls(setting);
    }
    let ssl = setting.get("ssl");
    let tls = setting.get("tls");
    match (ssl.why(), ssl.is_mapping(), tls.is_set()) {
        (Some(why), _, _) => Fact::unknown(why),
        (None, true, _) => ssl.get("enabled").flag(true),
        (None, false, true) => tls.flag(false),
        (None, false, false) if matches!(kind, "logstash" | "kafka" | "redis") => {
            ssl.fact(false, "ssl is not set; the default is off")
        }
        _ => Fact::unknown(format!("whether the output {kind} encrypts is not known here")),
    }
}

fn elasticsearch_tls(setting: &Setting<'_>) -> Fact<bool> {
    let protocol = setting.get("protocol");
    let hosts = setting.get("hosts");
    let mut without = false;
    for item in hosts.items() {
        match item.text() {
            Err(_) if protocol.is_set() => without = true,
            Err(why) => return Fact::unknown(why),
            Ok(text) => {
                for one in text.iter().flat_map(|text| text.split(',')) {
                    match one.trim().split_once("://") {
                        Some((scheme, _)) if scheme.eq_ignore_ascii_case("https") => {}
                        Some(_) => return item.fact(false, "hosts has the scheme http"),
                        None => without = true,
                    }
                }
            }
        }
    }
    if !without && !hosts.items().is_empty() {
        return hosts.fact(true, "hosts has the scheme https");
    }
    match protocol.text() {
        Err(why) => Fact::unknown(why),
        Ok(Some(text)) => protocol.fact(text.eq_ignore_ascii_case("https"), format!("protocol {text}")),
        Ok(None) => protocol.fact(false, "protocol is not set; the default is http"),
    }
}

/// `ssl.verification_mode`: `full` unless set; `none` checks nothing.
fn verified(setting: &Setting<'_>) -> Fact<bool> {
    let mode = setting.find("ssl.verification_mode");
    match mode.text() {
        Err(why) => Fact::unknown(why),
        Ok(Some(text)) => mode.fact(text != "none", format!("ssl.verification_mode {text}")),
        Ok(None) => mode.fact(true, "ssl.verification_mode is not set; the default is full"),
    }
}

fn authenticated(setting: &Setting<'_>, root: &Setting<'_>, local: bool) -> Fact<bool> {
    const KEYS: [&str; 8] = [
        "api_key",
        "password",
        "username",
        "ssl.certificate",
        "service_token",
        "kerberos",
        "headers.Authorization",
        "headers.authorization",
    ];
    if local {
        return setting.fact(false, "nothing leaves the container");
    }
    let found = KEYS.iter().map(|key| setting.find(key)).find(Setting::is_set);
    let cloud = root.find("cloud.auth");
    match found.or_else(|| cloud.is_set().then_some(cloud)) {
        Some(found) => found.fact(true, format!("{} is set", found.name())),
        None => setting.fact(false, "no credential or client certificate is set"),
    }
}

fn queue<'a>(root: &Setting<'a>) -> Setting<'a> {
    root.get("queue")
}

fn buffer(root: &Setting<'_>) -> Fact<Buffer> {
    let queue = queue(root);
    if let Some(why) = queue.why() {
        return Fact::unknown(why);
    }
    let disk = queue.get("disk");
    if disk.is_set() {
        let path = disk.get("path");
        return match path.text() {
            Err(why) => Fact::unknown(why),
            Ok(path) => disk.fact(Buffer::Disk(path), "queue.disk is set"),
        };
    }
    if queue.get("mem").is_set() {
        return queue.get("mem").fact(Buffer::Memory, "queue.mem is set");
    }
    queue.fact(Buffer::Memory, "queue is not set; the default is memory")
}

/// Filebeat tries without end; other Beats drop after `max_retries`, 3 unless set.
fn retry(setting: &Setting<'_>, local: bool, endless: bool) -> Fact<Retry> {
    let retries = setting.get("max_retries");
    if local {
        return setting.fact(Retry::Never, "there is nothing to retry");
    }
    if endless {
        return setting
            .fact(Retry::Forever, "max_retries is ignored: events are sent until they are accepted");
    }
    match retries.text() {
        Err(why) => Fact::unknown(why),
        Ok(Some(text)) if text.starts_with('-') => {
            retries.fact(Retry::Forever, format!("max_retries {text}"))
        }
        Ok(Some(text)) => {
            retries.fact(Retry::Limited(format!("{text} retries")), format!("max_retries {text}"))
        }
        Ok(None) => {
            retries.fact(Retry::Limited("3 retries".to_owned()), "max_retries is not set; the default is 3")
        }
    }
}
