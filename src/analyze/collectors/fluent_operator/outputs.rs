//! `ClusterOutput` and `Output` (`apis/fluentbit/v1alpha2/plugins/output`). TLS is on where a section `tls` stands.

use super::super::endpoint::Endpoint;
use super::super::fields::Fields;
use super::super::model::{Buffer, Output, Receiver, Retry, WhenFull};
use super::super::service::Service;
use crate::analyze::fact::Fact;
use crate::snapshot::Resource;

/// What is no plugin in the specification.
const SETTINGS: [&str; 6] = ["match", "matchRegex", "alias", "logLevel", "retry_limit", "processors"];

/// How a plugin finds its receiver.
enum Way {
    /// `host` and `port`, these if they are not set.
    Host(&'static str, u16),
    /// A cloud service with an address of its own, unless `endpoint` is set.
    Cloud(&'static str),
    /// Brokers of Kafka.
    Brokers,
    /// Nothing leaves the pod or the node.
    Local,
    /// It is not known.
    Unknown,
}

/// The outputs of a resource.
pub(super) fn read(resource: &Resource, buffered: &Fact<Buffer>) -> Vec<Output> {
    let spec = Fields::spec(resource);
    let plugins = spec.entries().into_iter().filter(|(name, _)| !SETTINGS.contains(name));
    plugins.map(|(name, fields)| output(resource, &spec, name, &fields, buffered)).collect()
}

fn output(
    resource: &Resource,
    spec: &Fields<'_>,
    name: &str,
    fields: &Fields<'_>,
    buffered: &Fact<Buffer>,
) -> Output {
    let (receiver, way, keys) = plugin(name, fields);
    let hosts = hosts(&way, fields);
    let tls = tls(&way, name, fields);
    let verified = (tls.value() != Some(&false)).then(|| match fields.get("tls").filter(Fields::is_map) {
        Some(section) => section.flag_or("verify", true),
        None => fields.known("tls", true, "tls.verify is not set; the default is on"),
    });
    let known = hosts
        .value()
        .and_then(|hosts| hosts.first())
        .and_then(|host| Service::of_host(&Endpoint::parse(host)?.host));
    Output {
        id: format!("{name}.{}", resource.full_name()),
        at: fields.at(),
        receiver: match (known, receiver) {
            (Some(service), Receiver::Http | Receiver::Syslog(_) | Receiver::Service(_)) => {
                Receiver::Service(service)
            }
            (_, receiver) => receiver,
        },
        authenticated: authenticated(&way, fields, keys),
        hosts,
        tls,
        verified,
        buffer: buffered.clone(),
        retry: retry(spec),
        when_full: full(fields),
    }
}

fn plugin(name: &str, fields: &Fields<'_>) -> (Receiver, Way, &'static [&'static str]) {
    use Receiver as R;
    const BASIC: &[&str] = &["httpPassword"];
    let service = |service, way, keys: &'static [&'static str]| (R::Service(service), way, keys);
    let transport = |default: &str| match fields.get("tls") {
        Some(_) => "tls".to_owned(),
        None => fields.text("mode").unwrap_or_else(|| default.into()),
    };
    match name {
        "null" => (R::Nothing, Way::Local, &[]),
        "stdout" => (R::Console, Way::Local, &[]),
        "file" => (R::File, Way::Local, &[]),
        "prometheusExporter" | "prometheusRemoteWrite" => {
            (R::NotLogs(name.into()), Way::Host("127.0.0.1", 80), BASIC)
        }
        "es" if fields.get("cloudID").is_some() => {
            service(Service::ElasticCloud, Way::Cloud(""), &["cloudAuth", "cloudAuthSecret", "httpPassword"])
        }
        "es" => service(
            Service::Elasticsearch,
            Way::Host("127.0.0.1", 9200),
            &["httpPassword", "awsAuth", "cloudAuth"],
        ),
        "opensearch" => {
            service(Service::OpenSearch, Way::Host("127.0.0.1", 9200), &["httpPassword", "awsAuth"])
        }
        "loki" => service(Service::Loki, Way::Host("127.0.0.1", 3100), &["httpPassword", "bearerToken"]),
        "splunk" => service(Service::Splunk, Way::Host("127.0.0.1", 8088), &["splunkToken", "httpPassword"]),
        "datadog" => service(Service::Datadog, Way::Host("http-intake.logs.datadoghq.com", 443), &["apikey"]),
        "influxDB" => {
            service(Service::InfluxDb, Way::Host("127.0.0.1", 8086), &["httpPassword", "httpToken"])
        }
        "gelf" => service(Service::Graylog, Way::Host("127.0.0.1", 12201), &[]),
        "http" => (R::Http, Way::Host("127.0.0.1", 80), BASIC),
        "opentelemetry" => (R::Collector("otlp".into()), Way::Host("127.0.0.1", 80), BASIC),
        "forward" => {
            (R::Collector("forward".into()), Way::Host("127.0.0.1", 24224), &["sharedKey", "password"])
        }
        "tcp" => (R::Collector("tcp".into()), Way::Host("127.0.0.1", 5170), &[]),
        "syslog" => (R::Syslog(transport("udp")), Way::Host("127.0.0.1", 514), &[]),
        "kafka" => service(Service::Kafka, Way::Brokers, &[]),
        "s3" => service(Service::S3, Way::Cloud("Endpoint"), &[]),
        "cloudWatch" => service(Service::CloudWatchLogs, Way::Cloud("endpoint"), &[]),
        "kinesis" => service(Service::Kinesis, Way::Cloud("endpoint"), &[]),
        "firehose" => service(Service::Firehose, Way::Cloud("endpoint"), &[]),
        "stackdriver" => service(Service::GoogleCloudLogging, Way::Cloud(""), &[]),
        "azureLogAnalytics" => service(Service::AzureMonitor, Way::Cloud(""), &[]),
        "azureBlob" => service(Service::AzureBlob, Way::Cloud("endpoint"), &[]),
        other => (R::Other(other.into()), Way::Unknown, &[]),
    }
}

fn hosts(way: &Way, fields: &Fields<'_>) -> Fact<Vec<String>> {
    let shown = |key: &str, addresses: Vec<String>| {
        if addresses.iter().any(|address| address.contains("${")) {
            return Fact::unknown(format!("{key} at {} holds a variable", fields.at_key(key)));
        }
        let hosts = addresses.iter().map(|address| Endpoint::parse(address).map(|endpoint| endpoint.shown()));
        match hosts.collect::<Option<Vec<String>>>() {
            Some(hosts) if !hosts.is_empty() => {
                let detail = format!("{key} {}", hosts.join(", "));
                fields.known(key, hosts, detail)
            }
            _ => Fact::unknown(format!("{key} at {} is no address", fields.at_key(key))),
        }
    };
    match way {
        Way::Host(host, port) => {
            let host = fields.text("host").unwrap_or_else(|| (*host).to_owned());
            let port = fields.text("port").unwrap_or_else(|| port.to_string());
            shown("host", vec![format!("{host}:{port}")])
        }
        Way::Cloud(key) => match fields.text(key) {
            Some(address) => shown(key, vec![address]),
            None => fields.known("", Vec::new(), "the service's own address"),
        },
        Way::Brokers => {
            shown("brokers", fields.list("brokers").into_iter().map(|(broker, _)| broker).collect())
        }
        Way::Local => fields.known("", Vec::new(), "no host"),
        Way::Unknown => Fact::unknown("where this plugin sends to is not known"),
    }
}

fn tls(way: &Way, name: &str, fields: &Fields<'_>) -> Fact<bool> {
    match way {
        Way::Local => fields.known("", false, "nothing is sent over a network"),
        Way::Unknown => Fact::unknown("whether this plugin encrypts is not known"),
        Way::Cloud(key) if fields.text(key).is_some_and(|address| address.starts_with("http://")) => {
            fields.known(key, false, format!("{key} has the scheme http"))
        }
        Way::Cloud(_) => fields.known("", true, "the service is reached over TLS"),
        Way::Brokers => match fields.get("rdkafka").and_then(|options| options.text("security.protocol")) {
            Some(protocol) => {
                let encrypted = protocol.to_ascii_lowercase().ends_with("ssl");
                fields.known("rdkafka", encrypted, format!("security.protocol {protocol}"))
            }
            None => fields.known("rdkafka", false, "security.protocol is not set; the default is plaintext"),
        },
        Way::Host(..) => match fields.get("tls") {
            Some(section) if section.is_map() => {
                fields.known("tls", true, "a section tls is set, which turns it on")
            }
            Some(_) => fields.flag_or("tls", false),
            None if matches!(name, "syslog" | "gelf") && fields.text("mode").as_deref() == Some("tls") => {
                fields.known("mode", true, "mode tls")
            }
            None => fields.known("tls", false, "tls is not set; the default is off"),
        },
    }
}

fn authenticated(way: &Way, fields: &Fields<'_>, keys: &[&str]) -> Fact<bool> {
    if matches!(way, Way::Cloud(_)) && keys.is_empty() {
        return fields.known("", true, "requests carry an identity of the cloud");
    }
    if matches!(way, Way::Brokers) {
        let options = fields.get("rdkafka").unwrap_or_else(|| fields.clone());
        let set = options.entries().iter().any(|(key, _)| {
            key.starts_with("sasl.password")
                || key.starts_with("ssl.key")
                || key.starts_with("sasl.oauthbearer")
        });
        let detail = if set { "a credential of rdkafka is set" } else { "no credential is set" };
        return fields.known("rdkafka", set, detail);
    }
    if matches!(way, Way::Unknown) {
        return Fact::unknown("whether this plugin shows who it is is not known");
    }
    let certificate = fields.get("tls").filter(|section| section.get("crtFile").is_some());
    match (keys.iter().find(|key| fields.get(key).is_some()), certificate) {
        (Some(key), _) => fields.known(key, true, format!("{key} is set")),
        (None, Some(section)) => section.known("crtFile", true, "crtFile is set"),
        (None, None) => fields.known("", false, "no credential is set"),
    }
}

/// One retry unless `retry_limit` says otherwise.
fn retry(spec: &Fields<'_>) -> Fact<Retry> {
    match spec.text("retry_limit").map(|limit| limit.to_ascii_lowercase()).as_deref() {
        Some("false" | "no_limits" | "off" | "no") => {
            spec.known("retry_limit", Retry::Forever, "retry_limit is off")
        }
        Some("no_retries") => spec.known("retry_limit", Retry::Never, "retry_limit no_retries"),
        Some(times) => spec.known(
            "retry_limit",
            Retry::Limited(format!("{times} retries")),
            format!("retry_limit {times}"),
        ),
        None => spec.known(
            "retry_limit",
            Retry::Limited("1 retry".into()),
            "retry_limit is not set; the default is 1",
        ),
    }
}

/// Files are not read on while the buffer is full, unless an output limits what may lie on disk for it.
fn full(fields: &Fields<'_>) -> Fact<WhenFull> {
    match fields.text("totalLimitSize") {
        Some(size) => {
            fields.known("totalLimitSize", WhenFull::Drops, format!("totalLimitSize {size} drops the oldest"))
        }
        None => fields.known("", WhenFull::Waits, "inputs pause when the buffer is full"),
    }
}
