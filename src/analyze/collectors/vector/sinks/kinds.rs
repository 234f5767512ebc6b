//! What each type of sink speaks to, where its address stands and what decides on encryption.

use crate::analyze::collectors::model::Receiver;
use crate::analyze::collectors::service::Service;
use crate::analyze::collectors::vector::graph::Component;

/// A type of sink.
#[derive(Debug, Clone)]
pub(super) struct Kind {
    /// What it speaks to.
    pub receiver: Receiver,
    /// The fields its addresses stand in.
    pub addresses: &'static [&'static str],
    /// What decides on encryption.
    pub encryption: Encryption,
    /// Fields that show who it is, beside `auth`.
    pub identity: &'static [&'static str],
    /// Whether the program always shows an identity of the cloud account.
    pub cloud: Cloud,
    /// What is done about records that could not be sent.
    pub retries: Retries,
}

/// What decides on encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encryption {
    /// The scheme of its addresses; for those without one, and if there is none, whether it is on, if that is known.
    Scheme(Option<bool>),
    /// `tls.enabled`, with what holds if there is no `tls` at all, or a scheme that says so.
    Switch(bool),
    /// `sslmode` in the address of a database.
    SslMode,
    /// It sends nothing over a network, or never encrypts.
    Never,
}

/// Which account of a cloud it uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cloud {
    /// None.
    No,
    /// Requests are always signed.
    Aws,
    /// The service account of the node or a key, unless `skip_authentication` is on.
    Google,
}

/// What is done about records that could not be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retries {
    /// `request.retry_attempts`, without a limit if it is not set.
    Request,
    /// The connection is made anew until it holds.
    Reconnects,
    /// librdkafka tries for `message_timeout_ms`.
    Kafka,
    /// Datagrams are sent once.
    Never,
    /// The documentation does not say.
    Unsaid,
}

const ENDPOINT: &[&str] = &["endpoint"];

impl Kind {
    fn new(receiver: Receiver) -> Self {
        Self {
            receiver,
            addresses: ENDPOINT,
            encryption: Encryption::Scheme(None),
            identity: &[],
            cloud: Cloud::No,
            retries: Retries::Request,
        }
    }

    fn service(service: Service) -> Self {
        Self::new(Receiver::Service(service))
    }

    /// A service whose address the program knows.
    fn hosted(service: Service, identity: &'static [&'static str]) -> Self {
        Self { identity, encryption: Encryption::Scheme(Some(true)), ..Self::service(service) }
    }

    fn local(receiver: Receiver) -> Self {
        Self {
            addresses: &[],
            encryption: Encryption::Never,
            retries: Retries::Unsaid,
            ..Self::new(receiver)
        }
    }

    fn aws(service: Service) -> Self {
        Self { cloud: Cloud::Aws, ..Self::hosted(service, &[]) }
    }

    fn google(service: Service) -> Self {
        Self { cloud: Cloud::Google, ..Self::hosted(service, &[]) }
    }
}

/// The type of a sink.
pub(super) fn kind(sink: &Component<'_>) -> Kind {
    use Service as S;
    match sink.kind {
        "elasticsearch" => Kind { addresses: &["endpoints", "endpoint"], ..Kind::service(S::Elasticsearch) },
        "loki" => Kind::service(S::Loki),
        "splunk_hec" | "splunk_hec_logs" => {
            Kind { identity: &["default_token", "token"], ..Kind::service(S::Splunk) }
        }
        "http" => Kind { addresses: &["uri"], ..Kind::new(Receiver::Http) },
        "clickhouse" => Kind::service(S::ClickHouse),
        "humio" | "humio_logs" => Kind::hosted(S::Humio, &["token"]),
        "influxdb_logs" => Kind { identity: &["token", "password"], ..Kind::service(S::InfluxDb) },
        "greptimedb_logs" => Kind { identity: &["username", "password"], ..other("greptimedb_logs") },
        "opentelemetry" => Kind {
            addresses: &["protocol.uri", "uri", "endpoint"],
            ..Kind::new(Receiver::Collector("otlp".into()))
        },
        "vector" => Kind {
            addresses: &["address", "routing.endpoints"],
            encryption: Encryption::Switch(false),
            ..Kind::new(Receiver::Collector("vector".into()))
        },
        "kafka" => Kind {
            addresses: &["bootstrap_servers"],
            encryption: Encryption::Switch(false),
            retries: Retries::Kafka,
            ..Kind::service(S::Kafka)
        },
        "nats" => {
            Kind { addresses: &["url"], encryption: Encryption::Switch(false), ..Kind::service(S::Nats) }
        }
        "redis" => Kind {
            addresses: &["endpoint", "url"],
            encryption: Encryption::Scheme(Some(false)),
            ..Kind::service(S::Redis)
        },
        "amqp" => Kind {
            addresses: &["connection.connection_string", "connection_string"],
            retries: Retries::Unsaid,
            ..Kind::service(S::RabbitMq)
        },
        "mqtt" => Kind {
            addresses: &["host"],
            encryption: Encryption::Switch(false),
            identity: &["password"],
            retries: Retries::Unsaid,
            ..Kind::new(Receiver::Other("mqtt".into()))
        },
        "pulsar" => {
            Kind { addresses: &["endpoint", "address"], retries: Retries::Unsaid, ..Kind::service(S::Pulsar) }
        }
        "postgres" => Kind { encryption: Encryption::SslMode, ..Kind::service(S::PostgreSql) },
        "socket" => socket(sink),
        "papertrail" => Kind {
            encryption: Encryption::Switch(true),
            retries: Retries::Reconnects,
            ..Kind::service(S::Papertrail)
        },
        "websocket" => Kind { addresses: &["uri"], retries: Retries::Reconnects, ..other("websocket") },
        "aws_cloudwatch_logs" => Kind::aws(S::CloudWatchLogs),
        "aws_kinesis_streams" => Kind::aws(S::Kinesis),
        "aws_kinesis_firehose" => Kind::aws(S::Firehose),
        "aws_s3" => Kind::aws(S::S3),
        "aws_sqs" => Kind::aws(S::Sqs),
        "aws_sns" => Kind::aws(S::Sns),
        "gcp_stackdriver_logs" => Kind::google(S::GoogleCloudLogging),
        "gcp_cloud_storage" => Kind::google(S::GoogleCloudStorage),
        "gcp_pubsub" => Kind::google(S::PubSub),
        "gcp_chronicle_unstructured" => Kind::google(S::Chronicle),
        "azure_blob" => Kind {
            addresses: &["blob_endpoint", "endpoint"],
            ..Kind::hosted(S::AzureBlob, &["connection_string", "storage_account", "account_name"])
        },
        "azure_monitor_logs" => {
            Kind { addresses: &["host"], ..Kind::hosted(S::AzureMonitor, &["shared_key"]) }
        }
        "azure_logs_ingestion" => Kind::hosted(S::AzureMonitor, &["client_secret", "azure_client_secret"]),
        "datadog_logs" | "datadog_events" => Kind::hosted(S::Datadog, &["default_api_key", "api_key"]),
        "new_relic" | "new_relic_logs" => {
            Kind { addresses: &["override_uri"], ..Kind::hosted(S::NewRelic, &["license_key", "insert_key"]) }
        }
        "honeycomb" => Kind::hosted(S::Honeycomb, &["api_key"]),
        "logdna" | "mezmo" => Kind::hosted(S::Mezmo, &["api_key"]),
        "axiom" => Kind { addresses: &["url"], ..Kind::hosted(S::Axiom, &["token"]) },
        "appsignal" => Kind::hosted(S::AppSignal, &["push_api_key"]),
        "sematext_logs" => Kind {
            identity: &["token"],
            encryption: Encryption::Scheme(Some(true)),
            ..other("sematext_logs")
        },
        "file" => Kind::local(Receiver::File),
        "console" => Kind::local(Receiver::Console),
        "blackhole" => Kind::local(Receiver::Nothing),
        kind if is_metrics(kind) => Kind { addresses: &[], ..Kind::new(Receiver::NotLogs(kind.to_owned())) },
        "" => Kind { retries: Retries::Unsaid, ..other("a type that is not known") },
        kind => Kind {
            addresses: &["endpoint", "endpoints", "uri", "url", "address"],
            retries: Retries::Unsaid,
            ..other(kind)
        },
    }
}

fn other(kind: &str) -> Kind {
    Kind::new(Receiver::Other(kind.to_owned()))
}

/// Raw bytes over TCP, UDP or a socket of the node; what they mean is up to the encoding.
fn socket(sink: &Component<'_>) -> Kind {
    let mode = sink.field.get("mode").map_or("", |mode| mode.text());
    let codec = sink.field.get("encoding.codec").map_or("", |codec| codec.text());
    let has_tls = sink.field.get("tls.enabled").is_some_and(|flag| flag.flag().value() == Some(&true));
    let receiver = match codec {
        "syslog" if has_tls => Receiver::Syslog("tls".to_owned()),
        "syslog" => Receiver::Syslog(mode.to_owned()),
        "gelf" => Receiver::Service(Service::Graylog),
        _ => Receiver::Other("socket".to_owned()),
    };
    let (encryption, retries) = match mode {
        "tcp" => (Encryption::Switch(false), Retries::Reconnects),
        "udp" => (Encryption::Never, Retries::Never),
        _ => (Encryption::Never, Retries::Unsaid),
    };
    let addresses: &[&str] = if mode.starts_with("unix") { &[] } else { &["address"] };
    Kind { addresses, encryption, retries, ..Kind::new(receiver) }
}

fn is_metrics(kind: &str) -> bool {
    const METRICS: [&str; 14] = [
        "aws_cloudwatch_metrics",
        "datadog_metrics",
        "datadog_traces",
        "gcp_stackdriver_metrics",
        "greptimedb",
        "greptimedb_metrics",
        "humio_metrics",
        "influxdb_metrics",
        "prometheus",
        "prometheus_exporter",
        "prometheus_remote_write",
        "sematext_metrics",
        "splunk_hec_metrics",
        "statsd",
    ];
    METRICS.contains(&kind)
}
