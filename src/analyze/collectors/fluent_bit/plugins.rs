//! The output plugins: what each speaks to, how it is encrypted, and where its host stands (fluent-bit docs: outputs).

use crate::analyze::collectors::model::Receiver;
use crate::analyze::collectors::service::Service;

/// An output plugin.
pub(super) struct Plugin {
    pub receiver: Receiver,
    pub tls: Tls,
    pub host: Host,
    pub identity: Identity,
}

impl Plugin {
    /// The port of another collector that it sends to unless it is told.
    pub(super) fn port(&self) -> Option<u16> {
        match &self.receiver {
            Receiver::Collector(protocol) if protocol == "forward" => Some(24224),
            Receiver::Collector(_) => Some(80),
            _ => None,
        }
    }
}

/// What decides whether it is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tls {
    /// Nothing leaves the pod.
    Local,
    /// It has no encryption.
    Never,
    /// Always, unless the endpoint says `http://`.
    Always,
    /// The option `tls`, with this default.
    Option(bool),
    /// The option `mode`, which is `udp` by default; `tls` counts too where it can.
    Mode { option_counts: bool },
    /// `rdkafka.security.protocol`, which is `plaintext` by default.
    Kafka,
    /// The scheme of a URL in this key; where it is not set, whether the default is an address with `https`.
    Url(&'static str, bool),
    /// The scheme of the endpoint, or the option where there is none.
    EndpointOrOption,
    /// What the client library and the server agree on.
    Negotiated,
}

/// Where its hosts stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Host {
    /// It has none, or knows it.
    None,
    /// `host` and `port`, or this one.
    Default(&'static str),
    /// One of these keys, which hold an address or several; none if none is set.
    Keys(&'static [&'static str]),
}

/// By what it shows who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Identity {
    /// A credential among its properties.
    Properties,
    /// The identity of the cloud account, always.
    Cloud,
    /// Nothing receives.
    Nobody,
}

/// The plugin of this name. Names are compared without case.
pub(super) fn plugin(name: &str) -> Plugin {
    use Service as S;
    const LOCAL: Host = Host::Default("127.0.0.1");
    const OFF: Tls = Tls::Option(false);
    let make = |receiver, tls, host, identity| Plugin { receiver, tls, host, identity };
    if let Some(receiver) = nowhere(name) {
        return make(receiver, Tls::Local, Host::None, Identity::Nobody);
    }
    let net = |receiver| make(receiver, OFF, LOCAL, Identity::Properties);
    let store = |service| net(Receiver::Service(service));
    let aws =
        |service| make(Receiver::Service(service), Tls::Always, Host::Keys(&["endpoint"]), Identity::Cloud);
    let cloud = |service| make(Receiver::Service(service), Tls::Option(true), Host::None, Identity::Cloud);
    let vendor = |service, tls, host| make(Receiver::Service(service), tls, host, Identity::Properties);
    match name {
        "es" => store(S::Elasticsearch),
        "opensearch" => store(S::OpenSearch),
        "loki" => store(S::Loki),
        "splunk" => store(S::Splunk),
        "influxdb" => store(S::InfluxDb),
        "kafka_rest" | "kafka-rest" => store(S::Kafka),
        "grafana-loki" | "grafana_loki" => make(
            Receiver::Service(S::Loki),
            Tls::Url("url", false),
            Host::Keys(&["url"]),
            Identity::Properties,
        ),
        "gelf" => make(
            Receiver::Service(S::Graylog),
            Tls::Mode { option_counts: false },
            LOCAL,
            Identity::Properties,
        ),
        "kafka" => {
            make(Receiver::Service(S::Kafka), Tls::Kafka, Host::Keys(&["brokers"]), Identity::Properties)
        }
        "nats" => make(Receiver::Service(S::Nats), Tls::Never, LOCAL, Identity::Properties),
        "pgsql" => make(Receiver::Service(S::PostgreSql), Tls::Negotiated, LOCAL, Identity::Properties),
        "http" => net(Receiver::Http),
        "websocket" | "skywalking" => net(Receiver::Other(name.to_owned())),
        "forward" => net(Receiver::Collector("forward".into())),
        "opentelemetry" => net(Receiver::Collector("otlp".into())),
        "tcp" => net(Receiver::Other("tcp".into())),
        "udp" => make(Receiver::Other("udp".into()), Tls::Never, LOCAL, Identity::Properties),
        "syslog" => make(
            Receiver::Syslog("udp".into()),
            Tls::Mode { option_counts: true },
            LOCAL,
            Identity::Properties,
        ),
        "vivo_exporter" => {
            make(Receiver::Other(name.to_owned()), Tls::Never, Host::None, Identity::Properties)
        }
        "cloudwatch_logs" | "cloudwatch" => aws(S::CloudWatchLogs),
        "kinesis_streams" | "kinesis" => aws(S::Kinesis),
        "kinesis_firehose" | "firehose" => aws(S::Firehose),
        "s3" => aws(S::S3),
        "stackdriver" => cloud(S::GoogleCloudLogging),
        "gcs" => cloud(S::GoogleCloudStorage),
        "bigquery" => cloud(S::BigQuery),
        "chronicle" => cloud(S::Chronicle),
        "azure" => vendor(S::AzureMonitor, Tls::Option(true), Host::None),
        "azure_logs_ingestion" => make(
            Receiver::Service(S::AzureMonitor),
            Tls::Option(true),
            Host::Keys(&["dce_url"]),
            Identity::Cloud,
        ),
        "azure_kusto" => make(
            Receiver::Service(S::AzureDataExplorer),
            Tls::Option(true),
            Host::Keys(&["ingestion_endpoint"]),
            Identity::Cloud,
        ),
        "azure_blob" => vendor(S::AzureBlob, Tls::EndpointOrOption, Host::Keys(&["endpoint"])),
        "oracle_log_analytics" => {
            make(Receiver::Service(S::OracleCloudLogging), OFF, Host::None, Identity::Cloud)
        }
        "datadog" => vendor(S::Datadog, OFF, Host::Default("http-intake.logs.datadoghq.com")),
        "nrlogs" => vendor(S::NewRelic, Tls::Url("base_uri", true), Host::Keys(&["base_uri"])),
        "newrelic" => vendor(S::NewRelic, Tls::Url("endpoint", true), Host::Keys(&["endpoint"])),
        "logdna" => vendor(S::Mezmo, Tls::Option(true), Host::Keys(&["logdna_host"])),
        "td" => make(Receiver::Other("td".into()), Tls::Option(true), Host::None, Identity::Properties),
        "slack" => make(
            Receiver::Other("slack".into()),
            Tls::Url("webhook", true),
            Host::Keys(&["webhook"]),
            Identity::Properties,
        ),
        name => make(
            Receiver::Other(name.to_owned()),
            Tls::Negotiated,
            Host::Keys(&["host", "endpoint", "url"]),
            Identity::Properties,
        ),
    }
}

/// What plugins speak to that send no logs anywhere.
fn nowhere(name: &str) -> Option<Receiver> {
    Some(match name {
        "null" | "lib" | "exit" | "retry" => Receiver::Nothing,
        "stdout" => Receiver::Console,
        "file" => Receiver::File,
        "counter"
        | "flowcounter"
        | "plot"
        | "prometheus_exporter"
        | "prometheus_remote_write"
        | "calyptia" => Receiver::NotLogs(name.to_owned()),
        _ => return None,
    })
}
