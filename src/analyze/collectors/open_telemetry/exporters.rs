//! Exporters: where logs go, whether the way there is encrypted, and what happens when it is blocked.

use super::delivery::{buffer, retry, when_full};
use super::kind_of;
use crate::analyze::collectors::endpoint::Endpoint;
use crate::analyze::collectors::model::{Output, Receiver};
use crate::analyze::collectors::service::Service;
use crate::analyze::collectors::settings::Setting;
use crate::analyze::fact::Fact;

/// How an exporter is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire {
    /// gRPC: TLS unless `tls.insecure` (core: config/configgrpc).
    Grpc,
    /// HTTP: by the scheme of the address (core: config/confighttp).
    Http,
    /// TCP with TLS only if `tls` is set (Kafka).
    TlsIfSet,
    /// Syslog: TLS over TCP unless `tls.insecure`.
    Syslog,
    /// The address of a database with its own schemes.
    ClickHouse,
    /// A service whose client always encrypts.
    Cloud,
    /// Nothing leaves the container.
    Local,
    /// Not known here.
    Unknown,
}

/// Reads an exporter.
pub(super) fn output(id: &str, setting: &Setting<'_>, root: &Setting<'_>) -> Output {
    let kind = kind_of(id);
    let (receiver, wire, keys) = kind_table(&kind, id);
    let hosts = hosts(setting, keys, wire);
    let receiver = by_host(receiver, &hosts, &addresses(setting, keys));
    let tls = tls(setting, keys, wire);
    let receiver = match (wire, tls.value()) {
        (Wire::Syslog, _) if setting.get("network").plain() == "udp" => Receiver::Syslog("udp".to_owned()),
        (Wire::Syslog, Some(true)) => Receiver::Syslog("tls".to_owned()),
        _ => receiver,
    };
    let verified = verified(setting, wire, &tls);
    let queue = setting.get("sending_queue");
    let local = wire == Wire::Local;
    Output {
        id: id.to_owned(),
        at: setting.place(),
        receiver,
        hosts,
        verified,
        tls,
        authenticated: authenticated(setting, keys, wire, root),
        buffer: buffer(&queue, local, root),
        retry: retry(&kind, setting, wire),
        when_full: when_full(&kind, &queue, wire),
    }
}

/// What an exporter speaks to, how, and the settings that hold its address.
fn kind_table(kind: &str, id: &str) -> (Receiver, Wire, &'static [&'static str]) {
    use Service as S;
    const ENDPOINT: &[&str] = &["endpoint"];
    let service = |service, wire, keys| (Receiver::Service(service), wire, keys);
    match kind {
        "otlp" | "otlpgrpc" | "otelarrow" | "stef" => {
            (Receiver::Collector("otlp".into()), Wire::Grpc, ENDPOINT)
        }
        "otlphttp" => (Receiver::Collector("otlp".into()), Wire::Http, &["logs_endpoint", "endpoint"]),
        "loadbalancing" => (
            Receiver::Collector("otlp".into()),
            Wire::Grpc,
            &["resolver.static.hostnames", "resolver.dns.hostname", "resolver.k8s.service"],
        ),
        "loki" => service(S::Loki, Wire::Http, ENDPOINT),
        "splunkhec" => service(S::Splunk, Wire::Http, ENDPOINT),
        "elasticsearch" => service(S::Elasticsearch, Wire::Http, &["endpoints", "endpoint"]),
        "opensearch" => service(S::OpenSearch, Wire::Http, &["http.endpoint"]),
        "clickhouse" => service(S::ClickHouse, Wire::ClickHouse, ENDPOINT),
        "influxdb" => service(S::InfluxDb, Wire::Http, ENDPOINT),
        "kafka" => service(S::Kafka, Wire::TlsIfSet, &["brokers"]),
        "pulsar" => service(S::Pulsar, Wire::Unknown, ENDPOINT),
        "rabbitmq" => service(S::RabbitMq, Wire::Unknown, &["connection.endpoint"]),
        "logzio" => service(S::Logzio, Wire::Http, ENDPOINT),
        "sumologic" => service(S::SumoLogic, Wire::Http, ENDPOINT),
        "coralogix" => service(S::Coralogix, Wire::Grpc, &["logs.endpoint", "domain"]),
        "datadog" => service(S::Datadog, Wire::Cloud, &["logs.endpoint", "api.site"]),
        "mezmo" => service(S::Mezmo, Wire::Http, &["ingest_url"]),
        "awscloudwatchlogs" => service(S::CloudWatchLogs, Wire::Cloud, &[]),
        "awskinesis" => service(S::Kinesis, Wire::Cloud, &[]),
        "awss3" => service(S::S3, Wire::Cloud, &[]),
        "azuremonitor" => service(S::AzureMonitor, Wire::Cloud, &[]),
        "azureblob" => service(S::AzureBlob, Wire::Cloud, &[]),
        "azuredataexplorer" => service(S::AzureDataExplorer, Wire::Cloud, &["cluster_uri"]),
        "googlecloud" => service(S::GoogleCloudLogging, Wire::Cloud, &[]),
        "googlecloudpubsub" => service(S::PubSub, Wire::Cloud, &[]),
        "googlecloudstorage" => service(S::GoogleCloudStorage, Wire::Cloud, &[]),
        "chronicle" => service(S::Chronicle, Wire::Cloud, &[]),
        "alibabacloudlogservice" => service(S::AlibabaLogService, Wire::Cloud, &[]),
        "syslog" => (Receiver::Syslog("tcp".into()), Wire::Syslog, ENDPOINT),
        "file" => (Receiver::File, Wire::Local, &[]),
        "debug" | "logging" => (Receiver::Console, Wire::Local, &[]),
        "nop" => (Receiver::Nothing, Wire::Local, &[]),
        "prometheus"
        | "prometheusremotewrite"
        | "googlemanagedprometheus"
        | "awsemf"
        | "awsxray"
        | "zipkin"
        | "carbon"
        | "jaeger" => (Receiver::NotLogs(id.to_owned()), Wire::Unknown, ENDPOINT),
        _ => (Receiver::Other(id.split('/').next().unwrap_or_default().to_owned()), Wire::Unknown, ENDPOINT),
    }
}

/// The settings with addresses: the first key that is set, with all its items.
fn addresses<'a>(setting: &Setting<'a>, keys: &[&str]) -> Vec<Setting<'a>> {
    keys.iter()
        .map(|key| setting.find(key))
        .find(Setting::is_set)
        .map(|found| found.items())
        .unwrap_or_default()
}

fn hosts(setting: &Setting<'_>, keys: &[&str], wire: Wire) -> Fact<Vec<String>> {
    let found = addresses(setting, keys);
    let port = (wire == Wire::Syslog).then(|| setting.get("port").plain()).filter(|port| !port.is_empty());
    let mut hosts = Vec::new();
    for address in &found {
        match address.text() {
            Err(why) => return Fact::unknown(why),
            Ok(text) => {
                for one in text.iter().flat_map(|text| text.split(',')) {
                    let shown = Endpoint::parse(one).map(|endpoint| endpoint.shown());
                    let shown =
                        shown.map(|host| port.as_ref().map_or(host.clone(), |port| format!("{host}:{port}")));
                    hosts.extend(shown);
                }
            }
        }
    }
    match found.first() {
        Some(first) => first.fact(hosts.clone(), format!("{} {}", first.name(), hosts.join(", "))),
        None if matches!(wire, Wire::Cloud | Wire::Local) => {
            setting.fact(hosts, "the program knows the address")
        }
        None if setting.get("cloudid").is_set() => setting.get("cloudid").fact(hosts, "cloudid is set"),
        None => Fact::unknown(format!("no address is set at {}", setting.place())),
    }
}

/// The receiver, where the host or path tells more than the protocol does.
fn by_host(receiver: Receiver, hosts: &Fact<Vec<String>>, addresses: &[Setting<'_>]) -> Receiver {
    if !matches!(
        receiver,
        Receiver::Collector(_) | Receiver::Http | Receiver::Service(Service::Elasticsearch)
    ) {
        return receiver;
    }
    let named = hosts
        .value()
        .into_iter()
        .flatten()
        .find_map(|host| Service::of_host(host.rsplit_once(':').map_or(host.as_str(), |(host, _)| host)));
    if let Some(service) = named {
        return Receiver::Service(service);
    }
    let address = addresses.first().map(Setting::plain).unwrap_or_default();
    let host = hosts.value().into_iter().flatten().next().map_or("", String::as_str);
    match receiver {
        Receiver::Collector(_) if address.contains("/insert/opentelemetry") => {
            Receiver::Service(Service::VictoriaLogs)
        }
        Receiver::Collector(_)
            if address.trim_end_matches('/').ends_with("/otlp") && host.starts_with("loki") =>
        {
            Receiver::Service(Service::Loki)
        }
        receiver => receiver,
    }
}

fn tls(setting: &Setting<'_>, keys: &[&str], wire: Wire) -> Fact<bool> {
    let insecure = setting.find("tls.insecure");
    match wire {
        Wire::Local => setting.fact(false, "nothing leaves the container"),
        Wire::Cloud => match addresses(setting, keys).iter().find(|one| one.plain().starts_with("http://")) {
            Some(plain) => plain.fact(false, format!("{} has the scheme http", plain.name())),
            None => setting.fact(true, "the service is reached only over TLS"),
        },
        Wire::Grpc => grpc_tls(setting, keys),
        Wire::Http => by_scheme(setting, keys, "https"),
        Wire::TlsIfSet => {
            let sections = [setting.get("tls"), setting.find("auth.tls")];
            match sections.into_iter().find(Setting::is_present) {
                Some(section) if section.why().is_none() => {
                    section.get("insecure").flag(false).map(|insecure| !insecure)
                }
                Some(section) => Fact::unknown(section.why().unwrap_or_default()),
                None => setting.fact(false, "tls is not set; the default is off"),
            }
        }
        Wire::Syslog => match setting.get("network").text() {
            Err(why) => Fact::unknown(why),
            Ok(Some(network)) if network == "udp" => setting.get("network").fact(false, "network udp"),
            Ok(_) => insecure.flag(false).map(|insecure| !insecure),
        },
        Wire::ClickHouse => clickhouse_tls(setting),
        Wire::Unknown if insecure.is_set() => insecure.flag(false).map(|insecure| !insecure),
        Wire::Unknown => {
            Fact::unknown(format!("whether the exporter at {} encrypts is not known here", setting.place()))
        }
    }
}

/// A scheme `https` turns TLS on whatever `insecure` says; `http` does not turn it off (core: otlpexporter).
fn grpc_tls(setting: &Setting<'_>, keys: &[&str]) -> Fact<bool> {
    let address = addresses(setting, keys).into_iter().next();
    if let Some(address) = address.filter(|address| address.plain().starts_with("https://")) {
        return address.fact(true, format!("{} has the scheme https", address.name()));
    }
    let tls = [setting.get("tls"), setting.find("protocol.otlp.tls"), setting.find("logs.tls")]
        .into_iter()
        .find(Setting::is_set)
        .unwrap_or_else(|| setting.get("tls"));
    if tls.get("ca_file").is_set() || tls.get("ca_pem").is_set() {
        return tls.fact(true, "a certificate authority is set, which turns TLS on");
    }
    let insecure = tls.get("insecure").flag(false);
    insecure.map(|insecure| !insecure)
}

fn by_scheme(setting: &Setting<'_>, keys: &[&str], secure: &str) -> Fact<bool> {
    let found = addresses(setting, keys);
    for address in &found {
        match address.text() {
            Err(why) => return Fact::unknown(why),
            Ok(text) => {
                let plain = text.iter().flat_map(|text| text.split(',')).find(|one| !is_secure(one, secure));
                if let Some(plain) = plain {
                    let scheme = Endpoint::parse(plain).map(|endpoint| endpoint.scheme).unwrap_or_default();
                    let scheme = if scheme.is_empty() {
                        "no scheme".to_owned()
                    } else {
                        format!("the scheme {scheme}")
                    };
                    return address.fact(false, format!("{} has {scheme}", address.name()));
                }
            }
        }
    }
    match found.first() {
        Some(first) => first.fact(true, format!("{} has the scheme {secure}", first.name())),
        None if setting.get("cloudid").is_set() => setting.get("cloudid").fact(true, "cloudid is set"),
        None => Fact::unknown(format!("no address is set at {}", setting.place())),
    }
}

fn is_secure(address: &str, secure: &str) -> bool {
    address.trim().split_once("://").is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case(secure))
}

/// `https://`, `secure=true` in the address, or a section `tls` (contrib: exporter/clickhouseexporter).
fn clickhouse_tls(setting: &Setting<'_>) -> Fact<bool> {
    let endpoint = setting.get("endpoint");
    match endpoint.text() {
        Err(why) => Fact::unknown(why),
        Ok(text) => {
            let text = text.unwrap_or_default();
            let tls = setting.get("tls");
            if text.starts_with("https://") || text.contains("secure=true") {
                return endpoint.fact(true, "endpoint asks for TLS");
            }
            if tls.is_set() {
                return tls.get("insecure").flag(false).map(|insecure| !insecure);
            }
            endpoint.fact(false, "endpoint does not ask for TLS, and tls is not set")
        }
    }
}

fn verified(setting: &Setting<'_>, wire: Wire, tls: &Fact<bool>) -> Option<Fact<bool>> {
    if tls.value() == Some(&false) {
        return None;
    }
    if wire == Wire::Cloud && !setting.find("tls.insecure_skip_verify").is_set() {
        return Some(setting.fact(true, "the client of the service verifies"));
    }
    const SECTIONS: [&str; 5] = ["tls", "auth.tls", "http.tls", "protocol.otlp.tls", "logs.tls"];
    let skip = SECTIONS
        .iter()
        .map(|section| setting.find(&format!("{section}.insecure_skip_verify")))
        .find(Setting::is_set)
        .unwrap_or_else(|| setting.find("tls.insecure_skip_verify"));
    Some(skip.flag(false).map(|skip| !skip))
}

/// Settings that hold a credential, or refer to one.
const CREDENTIALS: [&str; 34] = [
    "auth.authenticator",
    "http.auth.authenticator",
    "auth.basic",
    "auth.sasl",
    "auth.kerberos",
    "auth.plain_text",
    "auth.tls.cert_file",
    "auth.tls.cert_pem",
    "auth.token",
    "auth.athenz",
    "tls.cert_file",
    "tls.cert_pem",
    "http.tls.cert_file",
    "token",
    "access_token",
    "api_key",
    "password",
    "user",
    "username",
    "private_key",
    "account_token",
    "api.key",
    "connection_string",
    "instrumentation_key",
    "ingest_key",
    "application_key",
    "managed_identity_id",
    "access_key_id",
    "creds",
    "creds_file_path",
    "credentials_file",
    "connection.auth.plain.password",
    "protocol.otlp.tls.cert_file",
    "protocol.otlp.auth.authenticator",
];

fn authenticated(setting: &Setting<'_>, keys: &[&str], wire: Wire, root: &Setting<'_>) -> Fact<bool> {
    if wire == Wire::Local {
        return setting.fact(false, "nothing leaves the container");
    }
    if let Some(found) = CREDENTIALS.iter().map(|key| setting.find(key)).find(Setting::is_set) {
        return found.fact(true, format!("{} is set", found.name()));
    }
    for headers in
        [setting.get("headers"), setting.find("http.headers"), setting.find("protocol.otlp.headers")]
    {
        if let Some(why) = headers.why() {
            return Fact::unknown(why);
        }
        for (name, header) in headers.entries() {
            if header.is_set() && is_credential_header(name) {
                return header.fact(true, format!("the header {name} is set"));
            }
        }
    }
    if let Some(one) = addresses(setting, keys).iter().find(|one| has_user(&one.plain())) {
        return one.fact(true, format!("{} has user information", one.name()));
    }
    match wire {
        Wire::Cloud => setting.fact(true, "the client shows the identity of its cloud account"),
        // Its extension logs in when the exporter names no address of its own.
        Wire::Http if setting.name().starts_with("sumologic") && has_extension(root, "sumologic") => {
            setting.fact(true, "the extension sumologic is set")
        }
        _ => setting.fact(false, "no credential, client certificate or authenticator is set"),
    }
}

fn has_extension(root: &Setting<'_>, kind: &str) -> bool {
    root.get("extensions").entries().iter().any(|(id, _)| kind_of(id) == kind)
}

fn has_user(address: &str) -> bool {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split(['/', '?']).next().is_some_and(|authority| authority.contains('@'))
        || ["username=", "password="].iter().any(|part| address.contains(part))
}

fn is_credential_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["auth", "key", "token", "secret", "team", "password", "cookie", "signature"]
        .iter()
        .any(|part| name.contains(part))
}
