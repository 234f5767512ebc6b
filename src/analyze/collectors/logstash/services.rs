//! Outputs to services that a plugin is made for, and plugins that are not known.

use super::address::{self, Address};
use super::outputs::{Link, by_url, limited, unclear};
use super::value::Settings;
use crate::analyze::collectors::model::Receiver;
use crate::analyze::collectors::service::Service;
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// logstash-output-loki: 10 retries.
pub(super) fn loki(settings: Settings<'_>) -> Link {
    let insecure = settings.flag(&["insecure_skip_verify"], false, "insecure_skip_verify");
    Link {
        verified: insecure.map(|insecure| !insecure),
        authenticated: settings.identity(&["password", "username", "cert"]),
        retry: limited(settings, "retries", "10"),
        ..by_url(settings, Receiver::Service(Service::Loki), "url")
    }
}

/// logstash-output-datadog_logs: TLS is on and 5 retries are made by default.
pub(super) fn datadog(settings: Settings<'_>) -> Link {
    let tls = settings.flag(&["use_ssl"], true, "tls");
    let unverified = settings.flag(&["no_ssl_validation"], false, "no_ssl_validation");
    Link {
        receiver: Receiver::Service(Service::Datadog),
        address: address::host(
            settings,
            ("host", "port"),
            (Some("http-intake.logs.datadoghq.com"), Some(443)),
            &tls,
        ),
        verified: unverified.map(|unverified| !unverified),
        authenticated: settings.identity(&["api_key"]),
        retry: limited(settings, "max_retries", "5"),
    }
}

pub(super) fn newrelic(settings: Settings<'_>) -> Link {
    let secure = Fact::at(true, Rank::Configured, settings.at(), "HTTPS is the default");
    let default = Some("https://log-api.newrelic.com");
    Link {
        receiver: Receiver::Service(Service::NewRelic),
        address: address::urls(settings, "base_uri", default, None, &secure),
        verified: Fact::at(true, Rank::Configured, settings.at(), "its client verifies certificates"),
        authenticated: settings.identity(&["license_key", "api_key"]),
        retry: limited(settings, "max_retries", "3"),
    }
}

/// Plugins that use the client of a cloud, which signs in and encrypts by itself.
pub(super) fn cloud(plugin: &str) -> Option<Service> {
    Some(match plugin {
        "s3" => Service::S3,
        "sqs" => Service::Sqs,
        "sns" => Service::Sns,
        "kinesis" => Service::Kinesis,
        "kinesis_firehose" | "firehose" => Service::Firehose,
        "cloudwatchlogs" | "cloudwatch_logs" => Service::CloudWatchLogs,
        "google_cloud_storage" => Service::GoogleCloudStorage,
        "google_pubsub" => Service::PubSub,
        "google_bigquery" => Service::BigQuery,
        "stackdriver_logging" => Service::GoogleCloudLogging,
        "azure_blob" | "azureblob" => Service::AzureBlob,
        "azure_event_hubs" => Service::AzureEventHubs,
        "azure_loganalytics"
        | "microsoft-sentinel-log-analytics-logstash-output-plugin"
        | "microsoft-logstash-output-azure-loganalytics" => Service::AzureMonitor,
        "kusto" => Service::AzureDataExplorer,
        "logservice" => Service::AlibabaLogService,
        _ => return None,
    })
}

pub(super) fn of_cloud(settings: Settings<'_>, service: Service) -> Link {
    let secure =
        Fact::at(true, Rank::Configured, settings.at(), format!("{} is reached over HTTPS", service.name()));
    let address = if settings.is_set("endpoint") {
        address::urls(settings, "endpoint", None, None, &secure)
    } else {
        Address { tls: secure, ..address::none(settings, true, "the client knows the service") }
    };
    let signs = "its client signs in with the identity of the account";
    Link {
        receiver: Receiver::Service(service),
        address,
        verified: Fact::at(true, Rank::Configured, settings.at(), "its client verifies certificates"),
        authenticated: Fact::at(true, Rank::Configured, settings.at(), signs),
        retry: unclear(settings),
    }
}

/// A plugin that is not known, with the service its address tells.
pub(super) fn unknown(settings: Settings<'_>, name: &str) -> Link {
    let service = match name {
        "sumologic" => Some(Service::SumoLogic),
        "logzio" => Some(Service::Logzio),
        "coralogix" => Some(Service::Coralogix),
        "dynatrace" => Some(Service::Dynatrace),
        "loggly" => Some(Service::Loggly),
        "logentries" => Some(Service::Logentries),
        "splunk" => Some(Service::Splunk),
        _ => None,
    };
    let receiver = service.map_or_else(|| Receiver::Other(name.to_owned()), Receiver::Service);
    let key = ["url", "ingest_endpoint_url", "host", "hosts", "endpoint"]
        .into_iter()
        .find(|key| settings.is_set(key));
    let plain =
        Fact::unknown(format!("whether the output {name} at {} encrypts is not known here", settings.at()));
    let mut link = by_url(settings, receiver, key.unwrap_or("url"));
    if let Some(key) = key {
        link.address = address::urls(settings, key, None, None, &plain);
    }
    link.authenticated =
        match settings.identity(&["api_key", "key", "token", "private_key", "password", "url_token"]) {
            known if known.value() == Some(&true) => known,
            _ => Fact::unknown(format!(
                "whether the output {name} at {} shows who it is is not known here",
                settings.at()
            )),
        };
    link
}
