//! Where `<match>` and `<store>` send records.

use super::address::{self, Address};
use super::buffer::Settings;
use super::section::Section;
use crate::analyze::collectors::endpoint::Endpoint;
use crate::analyze::collectors::model::{Buffer, Output, Receiver, Retry, WhenFull};
use crate::analyze::collectors::service::{Kind, Service};
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// How a plugin reaches its receiver.
struct Link {
    receiver: Receiver,
    address: Address,
    verified: Fact<bool>,
    authenticated: Fact<bool>,
}

/// An output. What it does when its buffer is full is told once its inputs are known.
pub(super) fn read(section: &Section<'_>, plugin: &str, id: String) -> Output {
    let link = link(section, plugin);
    let settings = Settings::of(section);
    let is_direct = matches!(link.receiver, Receiver::Nothing | Receiver::Console) && !settings.is_given();
    // `file` buffers in files, as time slices would be lost otherwise.
    let default = if plugin == "file" { Buffer::Disk(None) } else { Buffer::Memory };
    let direct = |detail| (section.spot.at(), detail);
    let (buffer, retry) = if is_direct {
        let (at, detail) = direct("it works without a buffer");
        (
            Fact::at(Buffer::Memory, Rank::Configured, at.clone(), detail),
            Fact::at(Retry::Never, Rank::Configured, at, detail),
        )
    } else {
        (settings.buffer(&default), settings.retry())
    };
    let in_the_clear = link.address.tls.value() == Some(&false);
    Output {
        id,
        at: section.spot.at(),
        receiver: by_host(link.receiver, &link.address.hosts),
        hosts: link.address.hosts,
        tls: link.address.tls,
        verified: (!in_the_clear).then_some(link.verified),
        authenticated: link.authenticated,
        buffer,
        retry,
        when_full: Fact::at(WhenFull::Waits, Rank::Configured, section.spot.at(), "nothing is read for it"),
    }
}

/// The service that the host tells, where the plugin tells only the protocol.
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

fn link(section: &Section<'_>, plugin: &str) -> Link {
    use Service as S;
    let at = || section.spot.at();
    let local = |receiver, what: &str| Link {
        receiver,
        address: Address {
            hosts: address::none(section),
            tls: Fact::at(false, Rank::Configured, at(), what),
        },
        verified: Fact::unknown("there is no connection"),
        authenticated: Fact::at(false, Rank::Configured, at(), what),
    };
    match plugin {
        "null" => local(Receiver::Nothing, "records are thrown away"),
        "stdout" | "debug" => local(Receiver::Console, "records go to Fluentd's own output"),
        "file" | "secondary_file" | "file_single" => local(Receiver::File, "records go to a file"),
        "prometheus" | "flowcounter" | "flowcounter_simple" | "statsd" | "dogstatsd" | "datacounter"
        | "elapsed_time" => local(Receiver::NotLogs(plugin.to_owned()), "only metrics are made of records"),
        "elasticsearch" | "elasticsearch_dynamic" | "elasticsearch_data_stream" => {
            search(section, S::Elasticsearch)
        }
        "aws-elasticsearch-service" | "opensearch" | "opensearch_data_stream" => {
            search(section, S::OpenSearch)
        }
        "forward" | "secure_forward" => forward(section, plugin),
        "kafka" | "kafka2" | "kafka_buffered" | "rdkafka" | "rdkafka2" => kafka(section),
        "splunk_hec" | "splunk-hec" => splunk(section),
        "http" | "http_ext" => http(section),
        "syslog" | "remote_syslog" | "syslog_buffered" | "syslog_rfc5424" | "syslog_tls" | "papertrail" => {
            syslog(section, plugin)
        }
        "gelf" | "graylog" => gelf(section),
        "datadog" => datadog(section),
        other => match cloud(other) {
            Some(service) => of_cloud(section, service),
            None => match by_address(section, other) {
                Some(link) => link,
                None => unknown(section, other),
            },
        },
    }
}

/// Plugins that use the client of a cloud, which signs in and encrypts by itself.
fn cloud(plugin: &str) -> Option<Service> {
    Some(match plugin {
        "cloudwatch_logs" => Service::CloudWatchLogs,
        "kinesis_streams" | "kinesis_streams_aggregated" | "kinesis_producer" => Service::Kinesis,
        "kinesis_firehose" => Service::Firehose,
        "sqs" => Service::Sqs,
        "sns" => Service::Sns,
        "s3" => Service::S3,
        "gcs" => Service::GoogleCloudStorage,
        "google_cloud" => Service::GoogleCloudLogging,
        "bigquery" | "bigquery_insert" | "bigquery_load" => Service::BigQuery,
        "gcloud_pubsub" | "pubsub" => Service::PubSub,
        "oci_logging" | "oci_logging_analytics" => Service::OracleCloudLogging,
        "azureblob" | "azurestorage" | "azurestorage_gen2" | "azure-storage-append-blob" => {
            Service::AzureBlob
        }
        "azure-loganalytics" | "azure_loganalytics" | "azure_logs_ingestion" => Service::AzureMonitor,
        "azureeventhubs" | "azureeventhubs_buffered" | "azure_event_hubs" => Service::AzureEventHubs,
        "kusto" => Service::AzureDataExplorer,
        "aliyun_sls" | "sls" => Service::AlibabaLogService,
        _ => return None,
    })
}

fn of_cloud(section: &Section<'_>, service: Service) -> Link {
    let at = section.spot.at();
    // An endpoint of one's own may be another store, or in the clear.
    let own =
        ["s3_endpoint", "endpoint", "endpoint_url"].into_iter().find(|key| section.param(key).is_some());
    let address = own.map_or_else(
        || Address {
            hosts: address::none(section),
            tls: Fact::at(
                true,
                Rank::Configured,
                at.clone(),
                format!("{} is reached over HTTPS", service.name()),
            ),
        },
        |key| {
            address::of_url(
                section,
                &[key],
                None,
                &Fact::at(true, Rank::Configured, at.clone(), "HTTPS is the default"),
            )
        },
    );
    Link {
        receiver: Receiver::Service(service),
        address,
        verified: section.flag("ssl_verify_peer", true, says_verified),
        authenticated: Fact::at(
            true,
            Rank::Configured,
            at,
            "its client signs in with the identity of the account",
        ),
    }
}

/// fluent-plugin-elasticsearch and fluent-plugin-opensearch: `scheme` is http and `ssl_verify` on by default.
fn search(section: &Section<'_>, service: Service) -> Link {
    let verified = section.flag("ssl_verify", true, says_verified);
    if let Some(endpoint) = section.section("endpoint") {
        let secure = Fact::at(true, Rank::Configured, endpoint.spot.at(), "HTTPS is the default");
        let detail = "<endpoint> signs with the identity of the AWS account";
        return Link {
            receiver: Receiver::Service(service),
            address: address::of_url(endpoint, &["url"], None, &secure),
            verified,
            authenticated: Fact::at(true, Rank::Configured, endpoint.spot.at(), detail),
        };
    }
    if section.param("cloud_id").is_some() {
        let at = section.spot.at();
        return Link {
            receiver: Receiver::Service(Service::ElasticCloud),
            address: Address {
                hosts: address::none(section),
                tls: Fact::at(true, Rank::Configured, at, "Elastic Cloud is reached over HTTPS"),
            },
            verified,
            authenticated: section.identity(&["cloud_auth", "api_key", "password"]),
        };
    }
    let fallback = address::scheme(section, "scheme", "http");
    let address = if section.param("hosts").is_some() {
        address::of_url(section, &["hosts"], None, &fallback)
    } else {
        Address {
            hosts: address::of_host(section, "host", Some("localhost"), "port", Some("9200")),
            tls: fallback,
        }
    };
    let in_url = section.text("hosts").is_some_and(|hosts| hosts.contains('@'));
    let authenticated = if in_url {
        Fact::at(true, Rank::Configured, section.spot.at(), "hosts holds a user")
    } else {
        section.identity(&["password", "user", "api_key", "client_cert"])
    };
    Link { receiver: Receiver::Service(service), address, verified, authenticated }
}

/// Fluentd docs: output/forward. `transport` is tcp by default.
fn forward(section: &Section<'_>, plugin: &str) -> Link {
    let tls = if plugin == "secure_forward" {
        section.flag("secure", true, address::says_tls)
    } else {
        address::one_of(section, "transport", "tcp", &["tls"])
    };
    let insecure = section.flag("tls_insecure_mode", false, |on| says_verified(!on));
    let server_keys = ["shared_key", "password"];
    let mut authenticated = section.identity(&["tls_client_cert_path", "shared_key"]);
    for inner in section.sections("security").chain(section.sections("server")) {
        authenticated = authenticated.or(inner.identity(&server_keys));
    }
    let hosts = if section.section("service_discovery").is_some() {
        Fact::unknown(format!("the servers of {} are found by service discovery", section.spot.at()))
    } else {
        section.sections("server").fold(address::none(section), |hosts, server| {
            let more = address::of_host(server, "host", None, "port", Some("24224"));
            hosts.zip(more).map(|(mut hosts, more)| {
                hosts.extend(more);
                hosts
            })
        })
    };
    Link {
        receiver: Receiver::Collector("forward".into()),
        address: Address { hosts, tls },
        verified: insecure.map(|insecure| !insecure),
        authenticated,
    }
}

/// fluent-plugin-kafka: there is TLS where a certificate is given or those of the system are used.
fn kafka(section: &Section<'_>) -> Link {
    let given = section.identity(&["ssl_ca_cert", "ssl_client_cert", "ssl_client_cert_chain"]);
    let system = section.flag("ssl_ca_certs_from_system", false, address::says_tls);
    let options =
        section.text("rdkafka_options").is_some_and(|options| options.to_ascii_lowercase().contains("ssl"));
    let tls = if options {
        Fact::at(true, Rank::Configured, section.spot.at(), "rdkafka_options sets TLS")
    } else {
        given.or(system)
    };
    let brokers = Fact::at(false, Rank::Configured, section.spot.at(), "tls off");
    Link {
        receiver: Receiver::Service(Service::Kafka),
        address: Address { tls, ..address::of_url(section, &["brokers"], Some("localhost:9092"), &brokers) },
        verified: section.flag("ssl_verify_hostname", true, says_verified),
        authenticated: section.identity(&[
            "username",
            "ssl_client_cert",
            "principal",
            "sasl_aws_msk_iam_access_key_id",
        ]),
    }
}

/// fluent-plugin-splunk-hec has `hec_host` and HTTPS by default; fluent-plugin-splunk-enterprise has `host` and `use_ssl`.
fn splunk(section: &Section<'_>) -> Link {
    let authenticated = section.identity(&["hec_token", "token", "client_cert"]);
    let receiver = Receiver::Service(Service::Splunk);
    let insecure = section.flag("insecure_ssl", false, |on| says_verified(!on)).map(|insecure| !insecure);
    if section.param("full_url").is_some() {
        let secure = address::scheme(section, "protocol", "https");
        return Link {
            receiver,
            address: address::of_url(section, &["full_url"], None, &secure),
            verified: insecure,
            authenticated,
        };
    }
    if section.param("hec_host").is_some() {
        let hosts = address::of_host(section, "hec_host", None, "hec_port", Some("8088"));
        let address = Address { hosts, tls: address::scheme(section, "protocol", "https") };
        return Link { receiver, address, verified: insecure, authenticated };
    }
    let hosts = address::of_host(section, "host", None, "port", Some("8088"));
    let address = Address { hosts, tls: section.flag("use_ssl", false, address::says_tls) };
    Link { receiver, address, verified: section.flag("ssl_verify", true, says_verified), authenticated }
}

/// Fluentd docs: output/http.
fn http(section: &Section<'_>) -> Link {
    let headers = section.text("headers").is_some_and(|headers| {
        let headers = headers.to_ascii_lowercase();
        ["authorization", "api-key", "token", "apikey"].iter().any(|name| headers.contains(name))
    });
    let authenticated = match section.section("auth") {
        Some(auth) => Fact::at(true, Rank::Configured, auth.spot.at(), "<auth> is set"),
        None if headers => Fact::at(true, Rank::Configured, section.spot.at(), "headers holds a credential"),
        None => section.identity(&["tls_client_cert_path", "authentication", "bearer_token", "token"]),
    };
    let plain = Fact::at(false, Rank::Configured, section.spot.at(), "endpoint has no scheme");
    Link {
        receiver: Receiver::Http,
        address: address::of_url(section, &["endpoint", "endpoint_url"], None, &plain),
        verified: address::one_of(section, "tls_verify_mode", "peer", &["peer"]),
        authenticated,
    }
}

fn syslog(section: &Section<'_>, plugin: &str) -> Link {
    let at = section.spot.at();
    let (tls, hosts) = match plugin {
        "papertrail" => (
            Fact::at(true, Rank::Configured, at, "papertrail always uses TLS"),
            address::of_host(section, "papertrail_host", None, "papertrail_port", None),
        ),
        "syslog_tls" => (
            Fact::at(true, Rank::Configured, at, "syslog_tls always uses TLS"),
            address::of_host(section, "host", None, "port", None),
        ),
        "syslog_rfc5424" => (
            address::one_of(section, "transport", "tls", &["tls"]),
            address::of_host(section, "host", None, "port", None),
        ),
        _ => (
            section.flag("tls", false, address::says_tls),
            address::of_host(section, "host", None, "port", Some("514")),
        ),
    };
    let protocol =
        section.text("protocol").or_else(|| section.text("transport")).unwrap_or("udp").to_ascii_lowercase();
    let protocol = if tls.value() == Some(&true) { "tls".to_owned() } else { protocol };
    Link {
        receiver: Receiver::Syslog(protocol),
        address: Address { hosts, tls },
        verified: match section.setting("verify_mode") {
            _ if plugin == "syslog_rfc5424" => {
                section.flag("insecure", false, |on| says_verified(!on)).map(|on| !on)
            }
            Ok(Some((mode, at))) => {
                Fact::at(mode != "0", Rank::Configured, at, format!("verify_mode {mode}"))
            }
            _ => Fact::unknown(format!("{plugin} at {} does not say whether it verifies", section.spot.at())),
        },
        authenticated: section.identity(&["client_cert"]),
    }
}

fn gelf(section: &Section<'_>) -> Link {
    let hosts = address::of_host(section, "host", None, "port", Some("12201"));
    Link {
        receiver: Receiver::Service(Service::Graylog),
        address: Address { hosts, tls: section.flag("tls", false, address::says_tls) },
        verified: Fact::unknown(format!("tls_options at {} are not read", section.spot.at())),
        authenticated: section.identity(&[]),
    }
}

/// fluent-plugin-datadog: `use_ssl` is on by default.
fn datadog(section: &Section<'_>) -> Link {
    let hosts = address::of_host(section, "host", Some("http-intake.logs.datadoghq.com"), "ssl_port", None);
    Link {
        receiver: Receiver::Service(Service::Datadog),
        address: Address { hosts, tls: section.flag("use_ssl", true, address::says_tls) },
        verified: section.flag("no_ssl_validation", false, |off| says_verified(!off)).map(|off| !off),
        authenticated: section.identity(&["api_key"]),
    }
}

/// Plugins that have an address of their own under one of a few names.
fn by_address(section: &Section<'_>, plugin: &str) -> Option<Link> {
    use Service as S;
    let (service, default): (S, Option<&str>) = match plugin {
        "loki" => (S::Loki, Some("https://logs-prod-us-central1.grafana.net")),
        "loggly" | "loggly_buffered" => (S::Loggly, None),
        "logzio" | "logzio_buffered" => (S::Logzio, Some("https://listener.logz.io:8071")),
        "newrelic" => (S::NewRelic, Some("https://log-api.newrelic.com/log/v1")),
        "sumologic" => (S::SumoLogic, None),
        "logdna" => (S::Mezmo, Some("https://logs.logdna.com")),
        "coralogix" => (S::Coralogix, None),
        "dynatrace" => (S::Dynatrace, None),
        "honeycomb" => (S::Honeycomb, Some("https://api.honeycomb.io")),
        "clickhouse" => (S::ClickHouse, None),
        "influxdb" => (S::InfluxDb, None),
        "mongo" | "mongo_replset" => (S::MongoDb, None),
        "redis" | "redis_store" => (S::Redis, None),
        "rabbitmq" | "amqp" => (S::RabbitMq, None),
        "nats" => (S::Nats, None),
        "pulsar" => (S::Pulsar, None),
        _ => return None,
    };
    let unset = Fact::unknown(format!(
        "whether {plugin} at {} encrypts cannot be told from its address",
        section.spot.at()
    ));
    let keys = [
        "url",
        "endpoint_url",
        "loggly_url",
        "base_uri",
        "endpoint",
        "active_gate_url",
        "ingester_domain",
        "api_host",
    ];
    let address = if keys.iter().any(|key| section.param(key).is_some()) || default.is_some() {
        address::of_url(section, &keys, default, &unset)
    } else {
        Address { hosts: address::of_host(section, "host", None, "port", None), tls: unset }
    };
    let keys = [
        "password",
        "bearer_token_file",
        "cert",
        "token",
        "api_key",
        "api_token",
        "license_key",
        "privatekey",
    ];
    let set = section.identity(&keys);
    // Vendors also take keys as a part of the address, which is not looked into.
    let authenticated = if service.kind() == Kind::Vendor && set.value() == Some(&false) {
        Fact::unknown(format!("the key of {plugin} at {} may be a part of its address", section.spot.at()))
    } else {
        set
    };
    Some(Link { receiver: Receiver::Service(service), address, verified: verified(section), authenticated })
}

fn verified(section: &Section<'_>) -> Fact<bool> {
    for (key, off) in
        [("insecure_tls", true), ("ssl_verify_none", true), ("verify_ssl", false), ("ssl_verify", false)]
    {
        if section.param(key).is_some() {
            return section.flag(key, true, |on| says_verified(on != off)).map(|on| on != off);
        }
    }
    Fact::unknown(format!("nothing is said about verification at {}", section.spot.at()))
}

fn unknown(section: &Section<'_>, plugin: &str) -> Link {
    let why =
        |what: &str| format!("{what} by the plugin {plugin} at {} is not known here", section.spot.at());
    Link {
        receiver: Receiver::Other(plugin.to_owned()),
        address: Address {
            hosts: Fact::unknown(why("where it is sent")),
            tls: Fact::unknown(why("whether it is encrypted")),
        },
        verified: Fact::unknown(why("whether the receiver is verified")),
        authenticated: Fact::unknown(why("whether the sender is shown")),
    }
}

fn says_verified(on: bool) -> String {
    format!("verification of the certificate {}", if on { "on" } else { "off" })
}
