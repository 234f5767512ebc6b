//! The plugins of Fluentd that outputs name, and what each does if nothing is set.

use super::super::fields::Fields;
use super::super::model::Receiver;
use super::super::service::Service;
use super::outputs::{Way, cloud, credential, hosts, if_tls, local, receiver, scheme};
use crate::analyze::fact::Fact;

/// Where a plugin speaks to, and how.
pub(super) fn way(name: &str, fields: &Fields<'_>) -> Way {
    match name {
        "nullout" => local(Receiver::Nothing, fields),
        "file" => local(Receiver::File, fields),
        "relabel" => local(Receiver::Other("relabel".into()), fields),
        "elasticsearch" => search(fields, Service::Elasticsearch),
        "opensearch" => search(fields, Service::OpenSearch),
        "awsElasticsearch" => signed(fields),
        "loki" => loki(fields),
        "splunkHec" => splunk(fields),
        "http" => http(fields),
        "forward" => forward(fields),
        "syslog" => syslog(fields),
        "gelf" => gelf(fields),
        "kafka" => kafka(fields),
        "redis" => plain(fields, Service::Redis, fields.flag_or("tls", false), &["password"], "localhost"),
        "rabbitmq" => rabbitmq(fields),
        "datadog" => datadog(fields),
        "logz" => logz(fields),
        "newrelic" => vendor(
            fields,
            Service::NewRelic,
            "base_uri",
            "https://log-api.newrelic.com",
            &["license_key", "api_key"],
        ),
        "logdna" => {
            vendor(fields, Service::Mezmo, "ingester_endpoint", "https://logs.logdna.com", &["api_key"])
        }
        "s3" => {
            cloud(Service::S3, fields, Some("s3_endpoint"), Some(fields.flag_or("ssl_verify_peer", true)))
        }
        "gcs" => cloud(Service::GoogleCloudStorage, fields, None, None),
        "azurestorage" => cloud(Service::AzureBlob, fields, None, None),
        "oss" => Way {
            receiver: Receiver::Other("oss".into()),
            ..cloud(Service::S3, fields, Some("endpoint"), None)
        },
        "cloudwatch" => cloud(Service::CloudWatchLogs, fields, Some("endpoint"), None),
        "kinesisStream" => cloud(Service::Kinesis, fields, None, None),
        "kinesisFirehose" => cloud(Service::Firehose, fields, None, None),
        "sqs" => cloud(Service::Sqs, fields, Some("sqs_url"), None),
        "vmwareLogInsight" => insight(fields),
        "vmwareLogIntelligence" => addressed(
            fields,
            "endpoint_url",
            Receiver::Other(name.into()),
            fields.flag_or("verify_ssl", true),
            &["http_conn_headers", "headers"],
        ),
        "lmLogs" => {
            let https = fields.known("", true, "the service is reached over TLS");
            Way {
                tls: https,
                verified: Some(fields.known("", true, "the client verifies certificates")),
                authenticated: credential(fields, &["access_key", "bearer_token"]),
                hosts: Fact::unknown("the company's host is not read"),
                receiver: Receiver::Other("LogicMonitor".into()),
            }
        }
        other => Way {
            receiver: Receiver::Other(other.into()),
            hosts: Fact::unknown(format!("where {other} sends to is not known")),
            tls: Fact::unknown(format!("whether {other} encrypts is not known")),
            verified: None,
            authenticated: Fact::unknown(format!("whether {other} shows who it is is not known")),
        },
    }
}

/// `hosts` before `host` and `port`; scheme http, certificates verified (fluent-plugin-elasticsearch).
fn search(fields: &Fields<'_>, service: Service) -> Way {
    if fields.at_path(&["endpoint", "url"]).is_some() {
        return signed(fields);
    }
    let port = fields.text("port").unwrap_or_else(|| "9200".into());
    let default = fields.text("scheme").unwrap_or_else(|| "http".into());
    let (key, addresses) = if fields.get("hosts").is_some() {
        ("hosts", fields.list("hosts").into_iter().map(|(address, _)| address).collect())
    } else {
        let host = fields.text("host").unwrap_or_else(|| "localhost".into());
        ("host", vec![format!("{host}:{port}")])
    };
    let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
    let hosts = hosts(fields, key, &addresses);
    let tls = match fields.get("scheme") {
        Some(_) if key == "host" => fields.known("scheme", default == "https", format!("scheme {default}")),
        _ => scheme(fields, key, &addresses, &default),
    };
    let elsewhere = fields.text("path").is_some_and(|path| path.contains("/insert/elasticsearch"));
    let service = if elsewhere { Service::VictoriaLogs } else { service };
    let with_user = addresses.iter().any(|address| address.contains('@'));
    Way {
        receiver: receiver(&hosts, Receiver::Service(service)),
        hosts,
        verified: if_tls(&tls, fields.flag_or("ssl_verify", true)),
        tls,
        authenticated: if with_user {
            fields.known(key, true, "the address names a user")
        } else {
            credential(fields, &["password", "api_key", "client_cert"])
        },
    }
}

/// Amazon's search service, with signed requests.
fn signed(fields: &Fields<'_>) -> Way {
    let Some(endpoint) = fields.get("endpoint") else {
        return cloud(Service::OpenSearch, fields, None, None);
    };
    cloud(Service::OpenSearch, &endpoint, Some("url"), Some(fields.flag_or("ssl_verify", true)))
}

fn loki(fields: &Fields<'_>) -> Way {
    let url = fields.text("url").unwrap_or_else(|| "https://logs-us-west1.grafana.net".into());
    let service = if url.contains("/insert/loki") { Service::VictoriaLogs } else { Service::Loki };
    let insecure = fields.flag_or("insecure_tls", false).map(|insecure| !insecure);
    address(
        fields,
        "url",
        &url,
        Receiver::Service(service),
        insecure,
        &["password", "cert", "bearer_token_file"],
    )
}

fn splunk(fields: &Fields<'_>) -> Way {
    let host = fields.text("hec_host").unwrap_or_default();
    let port = fields.text("hec_port").unwrap_or_else(|| "8088".into());
    let protocol = fields.text("protocol").unwrap_or_else(|| "https".into());
    let hosts = hosts(fields, "hec_host", &[&format!("{host}:{port}")]);
    let tls = fields.known("protocol", protocol == "https", format!("protocol {protocol}"));
    Way {
        receiver: receiver(&hosts, Receiver::Service(Service::Splunk)),
        hosts,
        verified: if_tls(&tls, fields.flag_or("insecure_ssl", false).map(|insecure| !insecure)),
        tls,
        authenticated: credential(fields, &["hec_token", "client_cert"]),
    }
}

fn http(fields: &Fields<'_>) -> Way {
    let mode = fields.text("tls_verify_mode").unwrap_or_else(|| "peer".into());
    let verified = fields.known("tls_verify_mode", mode != "none", format!("tls_verify_mode {mode}"));
    addressed(
        fields,
        "endpoint",
        Receiver::Http,
        verified,
        &["auth", "tls_client_cert_path", "headers_from_placeholders"],
    )
}

/// `transport` tcp; with TLS, certificates are verified unless `tls_insecure_mode` is set (Fluentd docs: output/forward).
fn forward(fields: &Fields<'_>) -> Way {
    let servers = fields.items("servers");
    let addresses: Vec<String> = servers
        .iter()
        .filter_map(|server| {
            let port = server.text("port").unwrap_or_else(|| "24224".into());
            Some(format!("{}:{port}", server.text("host")?))
        })
        .collect();
    let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
    let transport = fields.text("transport").unwrap_or_else(|| "tcp".into());
    let tls = fields.known("transport", transport == "tls", format!("transport {transport}"));
    let per_server = servers.first().map(|server| credential(server, &["shared_key", "password"]));
    Way {
        receiver: Receiver::Collector("forward".into()),
        hosts: hosts(fields, "servers", &addresses),
        verified: if_tls(&tls, fields.flag_or("tls_insecure_mode", false).map(|insecure| !insecure)),
        tls,
        authenticated: credential(fields, &["security", "tls_client_cert_path"])
            .or(per_server.unwrap_or_else(|| fields.known("", false, "no credential is set"))),
    }
}

/// TLS unless another transport is named (fluent-plugin-syslog_rfc5424).
fn syslog(fields: &Fields<'_>) -> Way {
    let host = fields.text("host").unwrap_or_default();
    let port = fields.text("port").unwrap_or_else(|| "514".into());
    let transport = fields.text("transport").unwrap_or_else(|| "tls".into());
    let hosts = hosts(fields, "host", &[&format!("{host}:{port}")]);
    let tls = fields.known("transport", transport == "tls", format!("transport {transport}"));
    Way {
        receiver: receiver(&hosts, Receiver::Syslog(transport)),
        hosts,
        verified: if_tls(&tls, fields.flag_or("insecure", false).map(|insecure| !insecure)),
        tls,
        authenticated: credential(fields, &["client_cert_path"]),
    }
}

fn gelf(fields: &Fields<'_>) -> Way {
    let host = fields.text("host").unwrap_or_default();
    let port = fields.text("port").unwrap_or_else(|| "12201".into());
    let protocol = fields.text("protocol").unwrap_or_else(|| "udp".into());
    let tls = if protocol == "udp" {
        fields.known("protocol", false, "protocol udp, which is not encrypted")
    } else {
        fields.flag_or("tls", false)
    };
    let options = fields.get("tls_options");
    let unverified =
        options.as_ref().and_then(|options| options.flag("no_default_ca").or(options.flag("all_ciphers")));
    let verified = match unverified {
        Some(_) => Fact::unknown("whether certificates are verified with these tls_options is not known"),
        None => Fact::unknown("whether the GELF client verifies certificates is not known"),
    };
    Way {
        receiver: Receiver::Service(Service::Graylog),
        hosts: hosts(fields, "host", &[&format!("{host}:{port}")]),
        verified: if_tls(&tls, verified),
        tls,
        authenticated: fields.known("", false, "GELF has no credentials"),
    }
}

/// TLS as soon as a certificate authority, a client certificate or the system's authorities are named, or with librdkafka
/// by `security.protocol` (fluent-plugin-kafka).
fn kafka(fields: &Fields<'_>) -> Way {
    let brokers: Vec<String> = fields.list("brokers").into_iter().map(|(broker, _)| broker).collect();
    let brokers: Vec<&str> = brokers.iter().map(String::as_str).collect();
    let options = fields.get("rdkafka_options");
    let protocol = options.as_ref().and_then(|options| options.text("security.protocol"));
    let by_certificate = ["ssl_ca_cert", "ssl_client_cert", "ssl_client_cert_chain"]
        .into_iter()
        .find(|key| fields.get(key).is_some())
        .or((fields.flag("ssl_ca_certs_from_system") == Some(true)).then_some("ssl_ca_certs_from_system"));
    let tls = match (&protocol, by_certificate) {
        (Some(protocol), _) => {
            let encrypted = protocol.to_ascii_lowercase().ends_with("ssl");
            fields.known("rdkafka_options", encrypted, format!("security.protocol {protocol}"))
        }
        (None, Some(key)) => fields.known(key, true, format!("{key} is set")),
        (None, None) => fields.known("", false, "nothing of TLS is set; the default is off"),
    };
    let named = options.as_ref().map(|options| {
        credential(
            options,
            &["sasl.password", "ssl.key.location", "sasl.kerberos.keytab", "sasl.oauthbearer.client.secret"],
        )
    });
    let own = credential(fields, &["password", "keytab", "ssl_client_cert"]);
    Way {
        receiver: Receiver::Service(Service::Kafka),
        hosts: hosts(fields, "brokers", &brokers),
        verified: if_tls(&tls, fields.flag_or("ssl_verify_hostname", true)),
        tls,
        authenticated: match named {
            Some(named) => own.or(named),
            None => own,
        },
    }
}

fn rabbitmq(fields: &Fields<'_>) -> Way {
    let mut way =
        plain(fields, Service::RabbitMq, fields.flag_or("tls", false), &["pass", "tls_cert"], "localhost");
    let several: Vec<String> = fields.list("hosts").into_iter().map(|(host, _)| host).collect();
    if !several.is_empty() {
        let several: Vec<&str> = several.iter().map(String::as_str).collect();
        way.hosts = hosts(fields, "hosts", &several);
    }
    way.verified = if_tls(&way.tls, fields.flag_or("verify_peer", true));
    way
}

fn plain(fields: &Fields<'_>, service: Service, tls: Fact<bool>, keys: &[&str], default: &str) -> Way {
    let host = fields.text("host").unwrap_or_else(|| default.into());
    let address = fields.text("port").map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
    Way {
        receiver: Receiver::Service(service),
        hosts: hosts(fields, "host", &[&address]),
        verified: None,
        tls,
        authenticated: credential(fields, keys),
    }
}

/// `use_ssl: false` never gets to the plugin, since the operator leaves out what is false: the default, on, stays.
fn datadog(fields: &Fields<'_>) -> Way {
    let hosts = match fields.text("host") {
        Some(host) => hosts(fields, "host", &[&host]),
        None => fields.known("", Vec::new(), "the service's own address"),
    };
    Way {
        receiver: Receiver::Service(Service::Datadog),
        hosts,
        tls: fields.known("use_ssl", true, "use_ssl is on, the default, which the operator never turns off"),
        verified: Some(fields.flag_or("no_ssl_validation", false).map(|off| !off)),
        authenticated: credential(fields, &["api_key"]),
    }
}

fn logz(fields: &Fields<'_>) -> Way {
    let Some(endpoint) = fields.get("endpoint") else {
        return vendor(fields, Service::Logzio, "endpoint", "https://listener.logz.io:8071", &["endpoint"]);
    };
    vendor(&endpoint, Service::Logzio, "url", "https://listener.logz.io", &["token"])
}

fn vendor(fields: &Fields<'_>, service: Service, key: &str, default: &str, keys: &[&str]) -> Way {
    let url = fields.text(key).unwrap_or_else(|| default.into());
    let verified = fields.known("", true, "the client verifies certificates");
    let mut way = address(fields, key, &url, Receiver::Service(service), verified, keys);
    way.receiver = Receiver::Service(service);
    way
}

fn insight(fields: &Fields<'_>) -> Way {
    let host = fields.text("host").unwrap_or_default();
    let port = fields.text("port").unwrap_or_else(|| "80".into());
    let scheme = fields.text("scheme").unwrap_or_else(|| "http".into());
    let tls = fields.known("scheme", scheme == "https", format!("scheme {scheme}"));
    Way {
        receiver: Receiver::Other("VMware Aria Operations for Logs".into()),
        hosts: hosts(fields, "host", &[&format!("{host}:{port}")]),
        verified: if_tls(&tls, fields.flag_or("ssl_verify", true)),
        tls,
        authenticated: credential(fields, &["password"]),
    }
}

fn addressed(
    fields: &Fields<'_>,
    key: &str,
    otherwise: Receiver,
    verified: Fact<bool>,
    keys: &[&str],
) -> Way {
    let url = fields.text(key).unwrap_or_default();
    address(fields, key, &url, otherwise, verified, keys)
}

/// A URL tells host and TLS.
fn address(
    fields: &Fields<'_>,
    key: &str,
    url: &str,
    otherwise: Receiver,
    verified: Fact<bool>,
    keys: &[&str],
) -> Way {
    let hosts = hosts(fields, key, &[url]);
    let tls = scheme(fields, key, &[url], "http");
    Way {
        receiver: receiver(&hosts, otherwise),
        hosts,
        verified: if_tls(&tls, verified),
        tls,
        authenticated: credential(fields, keys),
    }
}
