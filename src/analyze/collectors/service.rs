//! Stores and services that logs are sent to, and what kind of place each is.

/// A store or service that is known by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the products")]
pub enum Service {
    Elasticsearch,
    OpenSearch,
    Loki,
    Splunk,
    VictoriaLogs,
    Graylog,
    ClickHouse,
    Quickwit,
    Parseable,
    OpenObserve,
    InfluxDb,
    MongoDb,
    PostgreSql,
    Kafka,
    Redis,
    Nats,
    RabbitMq,
    Pulsar,
    CloudWatchLogs,
    Kinesis,
    Firehose,
    Sqs,
    Sns,
    S3,
    GoogleCloudLogging,
    GoogleCloudStorage,
    BigQuery,
    PubSub,
    Chronicle,
    AzureMonitor,
    AzureBlob,
    AzureDataExplorer,
    AzureEventHubs,
    OracleCloudLogging,
    AlibabaLogService,
    Datadog,
    NewRelic,
    Dynatrace,
    SumoLogic,
    Coralogix,
    Honeycomb,
    Logzio,
    Mezmo,
    Papertrail,
    Loggly,
    Logentries,
    BetterStack,
    Humio,
    Axiom,
    Observe,
    GrafanaCloud,
    ElasticCloud,
    AppSignal,
    Sentry,
}

/// What kind of place it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A store that somebody runs, in the cluster or elsewhere: its host tells.
    Store,
    /// A service of a cloud provider.
    Cloud,
    /// A service of a vendor for logs or security events.
    Vendor,
    /// Storage for files, kept for long and not searched.
    Archive,
    /// A queue on the way to somewhere else.
    Broker,
}

impl Service {
    /// What kind of place it is.
    pub fn kind(self) -> Kind {
        use Service as S;
        match self {
            S::Elasticsearch
            | S::OpenSearch
            | S::Loki
            | S::Splunk
            | S::VictoriaLogs
            | S::Graylog
            | S::ClickHouse
            | S::Quickwit
            | S::Parseable
            | S::OpenObserve
            | S::InfluxDb
            | S::MongoDb
            | S::PostgreSql
            | S::Humio => Kind::Store,
            S::Kafka
            | S::Redis
            | S::Nats
            | S::RabbitMq
            | S::Pulsar
            | S::Kinesis
            | S::Firehose
            | S::Sqs
            | S::Sns
            | S::PubSub
            | S::AzureEventHubs => Kind::Broker,
            S::S3 | S::GoogleCloudStorage | S::AzureBlob => Kind::Archive,
            S::CloudWatchLogs
            | S::GoogleCloudLogging
            | S::BigQuery
            | S::AzureMonitor
            | S::AzureDataExplorer
            | S::OracleCloudLogging
            | S::AlibabaLogService => Kind::Cloud,
            S::Chronicle
            | S::Datadog
            | S::NewRelic
            | S::Dynatrace
            | S::SumoLogic
            | S::Coralogix
            | S::Honeycomb
            | S::Logzio
            | S::Mezmo
            | S::Papertrail
            | S::Loggly
            | S::Logentries
            | S::BetterStack
            | S::Axiom
            | S::Observe
            | S::GrafanaCloud
            | S::ElasticCloud
            | S::AppSignal
            | S::Sentry => Kind::Vendor,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        use Service as S;
        match self {
            S::Elasticsearch => "Elasticsearch",
            S::OpenSearch => "OpenSearch",
            S::Loki => "Loki",
            S::Splunk => "Splunk",
            S::VictoriaLogs => "VictoriaLogs",
            S::Graylog => "Graylog",
            S::ClickHouse => "ClickHouse",
            S::Quickwit => "Quickwit",
            S::Parseable => "Parseable",
            S::OpenObserve => "OpenObserve",
            S::InfluxDb => "InfluxDB",
            S::MongoDb => "MongoDB",
            S::PostgreSql => "PostgreSQL",
            S::Kafka => "Kafka",
            S::Redis => "Redis",
            S::Nats => "NATS",
            S::RabbitMq => "RabbitMQ",
            S::Pulsar => "Pulsar",
            S::CloudWatchLogs => "CloudWatch Logs",
            S::Kinesis => "Kinesis Data Streams",
            S::Firehose => "Data Firehose",
            S::Sqs => "SQS",
            S::Sns => "SNS",
            S::S3 => "S3",
            S::GoogleCloudLogging => "Cloud Logging",
            S::GoogleCloudStorage => "Cloud Storage",
            S::BigQuery => "BigQuery",
            S::PubSub => "Pub/Sub",
            S::Chronicle => "Google Security Operations",
            S::AzureMonitor => "Azure Monitor Logs",
            S::AzureBlob => "Azure Blob Storage",
            S::AzureDataExplorer => "Azure Data Explorer",
            S::AzureEventHubs => "Azure Event Hubs",
            S::OracleCloudLogging => "OCI Logging",
            S::AlibabaLogService => "Simple Log Service",
            S::Datadog => "Datadog",
            S::NewRelic => "New Relic",
            S::Dynatrace => "Dynatrace",
            S::SumoLogic => "Sumo Logic",
            S::Coralogix => "Coralogix",
            S::Honeycomb => "Honeycomb",
            S::Logzio => "Logz.io",
            S::Mezmo => "Mezmo",
            S::Papertrail => "Papertrail",
            S::Loggly => "Loggly",
            S::Logentries => "Logentries",
            S::BetterStack => "Better Stack",
            S::Humio => "LogScale",
            S::Axiom => "Axiom",
            S::Observe => "Observe",
            S::GrafanaCloud => "Grafana Cloud",
            S::ElasticCloud => "Elastic Cloud",
            S::AppSignal => "AppSignal",
            S::Sentry => "Sentry",
        }
    }

    /// The service that a public host name belongs to.
    pub fn of_host(host: &str) -> Option<Self> {
        const SUFFIXES: [(&str, Service); 40] = [
            ("logs.datadoghq.com", Service::Datadog),
            ("datadoghq.com", Service::Datadog),
            ("datadoghq.eu", Service::Datadog),
            ("ddog-gov.com", Service::Datadog),
            ("newrelic.com", Service::NewRelic),
            ("nr-data.net", Service::NewRelic),
            ("dynatrace.com", Service::Dynatrace),
            ("sumologic.com", Service::SumoLogic),
            ("sumologic.net", Service::SumoLogic),
            ("coralogix.com", Service::Coralogix),
            ("coralogix.us", Service::Coralogix),
            ("coralogix.in", Service::Coralogix),
            ("coralogixsg.com", Service::Coralogix),
            ("coralogixstg.wpengine.com", Service::Coralogix),
            ("honeycomb.io", Service::Honeycomb),
            ("logz.io", Service::Logzio),
            ("logdna.com", Service::Mezmo),
            ("mezmo.com", Service::Mezmo),
            ("papertrailapp.com", Service::Papertrail),
            ("loggly.com", Service::Loggly),
            ("logentries.com", Service::Logentries),
            ("betterstack.com", Service::BetterStack),
            ("betterstackdata.com", Service::BetterStack),
            ("logtail.com", Service::BetterStack),
            ("humio.com", Service::Humio),
            ("axiom.co", Service::Axiom),
            ("observeinc.com", Service::Observe),
            ("grafana.net", Service::GrafanaCloud),
            ("elastic-cloud.com", Service::ElasticCloud),
            ("elastic.cloud", Service::ElasticCloud),
            ("es.io", Service::ElasticCloud),
            ("splunkcloud.com", Service::Splunk),
            ("ods.opinsights.azure.com", Service::AzureMonitor),
            ("ingest.monitor.azure.com", Service::AzureMonitor),
            ("servicebus.windows.net", Service::AzureEventHubs),
            ("blob.core.windows.net", Service::AzureBlob),
            ("kusto.windows.net", Service::AzureDataExplorer),
            ("logging.googleapis.com", Service::GoogleCloudLogging),
            ("chronicle.security", Service::Chronicle),
            ("es.amazonaws.com", Service::OpenSearch),
        ];
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let is_under = |suffix: &str| {
            host == suffix || host.strip_suffix(suffix).is_some_and(|rest| rest.ends_with('.'))
        };
        SUFFIXES.iter().find(|(suffix, _)| is_under(suffix)).map(|(_, service)| *service)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_belong_to_services_by_whole_labels() {
        assert_eq!(Service::of_host("http-intake.logs.datadoghq.com"), Some(Service::Datadog));
        assert_eq!(Service::of_host("evildatadoghq.com"), None);
        assert_eq!(Service::of_host("x.es.amazonaws.com"), Some(Service::OpenSearch));
    }
}
