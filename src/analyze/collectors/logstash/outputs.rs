//! Where outputs send to (Logstash docs: output plugins).

use super::address::{self, Address};
use super::load::Place;
use super::services;
use super::value::Settings;
use crate::analyze::collectors::endpoint::Endpoint;
use crate::analyze::collectors::model::{Output, Receiver, Retry, WhenFull};
use crate::analyze::collectors::service::{Kind, Service};
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// How a plugin reaches its receiver.
pub(super) struct Link {
    pub(super) receiver: Receiver,
    pub(super) address: Address,
    pub(super) verified: Fact<bool>,
    pub(super) authenticated: Fact<bool>,
    pub(super) retry: Fact<Retry>,
}

/// An output.
pub(super) fn read(settings: Settings<'_>, id: String, place: &Place) -> Output {
    let link = link(settings);
    let in_the_clear = link.address.tls.value() == Some(&false);
    let full = "the queue fills, and inputs wait for it";
    Output {
        id,
        at: settings.at(),
        receiver: by_host(link.receiver, &link.address.hosts),
        hosts: link.address.hosts,
        tls: link.address.tls,
        verified: (!in_the_clear).then_some(link.verified),
        authenticated: link.authenticated,
        buffer: place.queue.clone(),
        retry: link.retry,
        when_full: Fact::at(WhenFull::Waits, Rank::Configured, settings.at(), full),
    }
}

/// The service that the host tells, where the plugin tells only the protocol.
fn by_host(receiver: Receiver, hosts: &Fact<Vec<String>>) -> Receiver {
    let is_open = match &receiver {
        Receiver::Http | Receiver::Syslog(_) | Receiver::Other(_) => true,
        Receiver::Service(service) => service.kind() == Kind::Store,
        _ => false,
    };
    let host = hosts.value().and_then(|hosts| hosts.first()).and_then(|host| Endpoint::parse(host));
    match host.and_then(|host| Service::of_host(&host.host)) {
        Some(service) if is_open => Receiver::Service(service),
        _ => receiver,
    }
}

fn link(settings: Settings<'_>) -> Link {
    use Service as S;
    match settings.plugin.name {
        "null" | "sink" => local(settings, Receiver::Nothing, "events are thrown away"),
        "stdout" => local(settings, Receiver::Console, "events go to Logstash's own output"),
        "file" | "csv" => local(settings, Receiver::File, "events go to a file"),
        name @ ("statsd" | "graphite" | "ganglia" | "influxdb" | "opentsdb" | "zabbix" | "circonus"
        | "librato" | "cloudwatch" | "datadog" | "metriccatcher" | "stomp_metrics") => {
            local(settings, Receiver::NotLogs(name.to_owned()), "only metrics are made of events")
        }
        "elasticsearch" | "elasticsearch_data_stream" => search(settings, S::Elasticsearch),
        "opensearch" | "amazon_es" => search(settings, S::OpenSearch),
        "kafka" => kafka(settings),
        "http" => http(settings),
        "tcp" => tcp(settings),
        "udp" => Link {
            retry: never(settings, "what is sent over UDP is not sent again"),
            ..by_option(settings, Receiver::Other("udp".into()), ("host", "port"), (None, None), &[])
        },
        "syslog" => syslog(settings),
        "lumberjack" => lumberjack(settings),
        "logstash" => logstash(settings),
        "redis" => Link {
            authenticated: settings.identity(&["password"]),
            retry: forever(settings, "a failed connection is tried again without end"),
            ..by_option(
                settings,
                Receiver::Service(S::Redis),
                ("host", "port"),
                (Some("127.0.0.1"), Some(6379)),
                &["ssl_enabled", "ssl"],
            )
        },
        "rabbitmq" => Link {
            authenticated: settings.identity(&["password", "user", "ssl_certificate_path"]),
            retry: forever(settings, "a failed connection is tried again without end"),
            ..by_option(
                settings,
                Receiver::Service(S::RabbitMq),
                ("host", "port"),
                (None, Some(5672)),
                &["ssl"],
            )
        },
        "mongodb" => by_url(settings, Receiver::Service(S::MongoDb), "uri"),
        "gelf" => Link {
            retry: unclear(settings),
            ..by_option(settings, Receiver::Service(S::Graylog), ("host", "port"), (None, Some(12201)), &[])
        },
        "loki" => services::loki(settings),
        "datadog_logs" => services::datadog(settings),
        "newrelic" => services::newrelic(settings),
        other => match services::cloud(other) {
            Some(service) => services::of_cloud(settings, service),
            None => services::unknown(settings, other),
        },
    }
}

fn forever(settings: Settings<'_>, detail: &str) -> Fact<Retry> {
    Fact::at(Retry::Forever, Rank::Configured, settings.at(), detail)
}

fn never(settings: Settings<'_>, detail: &str) -> Fact<Retry> {
    Fact::at(Retry::Never, Rank::Configured, settings.at(), detail)
}

pub(super) fn unclear(settings: Settings<'_>) -> Fact<Retry> {
    Fact::unknown(format!(
        "how the output {} at {} tries again is not known here",
        settings.plugin.name,
        settings.at()
    ))
}

/// A number of attempts, or its default.
pub(super) fn limited(settings: Settings<'_>, key: &str, default: &str) -> Fact<Retry> {
    match settings.text(key) {
        Err(why) => Fact::unknown(why),
        Ok(Some((count, at))) => Fact::at(
            Retry::Limited(format!("{count} retries")),
            Rank::Configured,
            at,
            format!("{key} {count}"),
        ),
        Ok(None) => {
            let detail = format!("{key} is not set; the default is {default}");
            Fact::at(Retry::Limited(format!("{default} retries")), Rank::Configured, settings.at(), detail)
        }
    }
}

fn local(settings: Settings<'_>, receiver: Receiver, what: &str) -> Link {
    Link {
        receiver,
        address: address::none(settings, false, what),
        verified: Fact::unknown("there is no connection"),
        authenticated: Fact::at(false, Rank::Configured, settings.at(), what),
        retry: never(settings, what),
    }
}

/// A host with TLS under one of several names of an option, or without any.
fn by_option(
    settings: Settings<'_>,
    receiver: Receiver,
    keys: (&str, &str),
    default: (Option<&str>, Option<u16>),
    options: &[&str],
) -> Link {
    let tls = if options.is_empty() {
        let what = format!("{} has no TLS", settings.plugin.name);
        Fact::at(false, Rank::Configured, settings.at(), what)
    } else {
        settings.flag(options, false, "tls")
    };
    Link {
        receiver,
        address: address::host(settings, keys, default, &tls),
        verified: verification(settings, Fact::unknown("whether it verifies by default is not known here")),
        authenticated: Fact::at(
            false,
            Rank::Configured,
            settings.at(),
            "nothing is set that shows who sends",
        ),
        retry: unclear(settings),
    }
}

pub(super) fn by_url(settings: Settings<'_>, receiver: Receiver, key: &str) -> Link {
    let plain = Fact::at(false, Rank::Configured, settings.at(), format!("{key} has no scheme"));
    Link {
        receiver,
        address: address::urls(settings, key, None, None, &plain),
        verified: verification(settings, Fact::unknown("whether it verifies by default is not known here")),
        authenticated: settings.identity(&["password", "api_key", "token", "user"]),
        retry: unclear(settings),
    }
}

/// `ssl_verification_mode`, or the booleans it replaced.
fn verification(settings: Settings<'_>, default: Fact<bool>) -> Fact<bool> {
    const OLD: [&str; 3] = ["ssl_certificate_verification", "ssl_verify", "ssl_certificate_validation"];
    match settings.text("ssl_verification_mode") {
        Err(why) => Fact::unknown(why),
        Ok(Some((mode, at))) => {
            Fact::at(mode != "none", Rank::Configured, at, format!("ssl_verification_mode {mode}"))
        }
        Ok(None) if OLD.iter().any(|key| settings.is_set(key)) => settings.flag(&OLD, true, "verification"),
        Ok(None) => default,
    }
}

fn verified_by_default(settings: Settings<'_>) -> Fact<bool> {
    let detail = "ssl_verification_mode is not set; the default is full";
    verification(settings, Fact::at(true, Rank::Configured, settings.at(), detail))
}

/// Without a scheme in `hosts` and `ssl_enabled` it speaks HTTP. Refusals for load and lost connections are tried again
/// without end (logstash-output-elasticsearch: retry policy; logstash-output-opensearch, the same).
fn search(settings: Settings<'_>, service: Service) -> Link {
    const IDENTITY: [&str; 8] = [
        "api_key",
        "cloud_auth",
        "password",
        "user",
        "ssl_certificate",
        "ssl_keystore_path",
        "keystore",
        "auth_type",
    ];
    let retry = forever(settings, "responses 429 and 503 and lost connections are tried again without end");
    let verified = verified_by_default(settings);
    let authenticated = settings.identity(&IDENTITY);
    if settings.is_set("cloud_id") {
        let address = address::none(settings, true, "Elastic Cloud is reached over HTTPS");
        return Link {
            receiver: Receiver::Service(Service::ElasticCloud),
            address,
            verified,
            authenticated,
            retry,
        };
    }
    let enabled = settings.flag(&["ssl_enabled", "ssl"], false, "tls");
    let mut address = address::urls(settings, "hosts", Some("127.0.0.1"), Some(9200), &enabled);
    if enabled.value() == Some(&true) {
        address.tls = enabled;
    }
    let authenticated = if address.user {
        Fact::at(true, Rank::Configured, settings.at(), "hosts holds a user")
    } else {
        authenticated
    };
    Link { receiver: Receiver::Service(service), address, verified, authenticated, retry }
}

/// `security_protocol` is PLAINTEXT by default, and retries have no end unless `retries` is set (logstash-integration-kafka).
fn kafka(settings: Settings<'_>) -> Link {
    let tls = match settings.text("security_protocol") {
        Err(why) => Fact::unknown(why),
        Ok(Some((protocol, at))) => {
            let secure = protocol.to_ascii_uppercase().ends_with("SSL");
            Fact::at(secure, Rank::Configured, at, format!("security_protocol {protocol}"))
        }
        Ok(None) => Fact::at(
            false,
            Rank::Configured,
            settings.at(),
            "security_protocol is not set; the default is PLAINTEXT",
        ),
    };
    let verified = match settings.text("ssl_endpoint_identification_algorithm") {
        Err(why) => Fact::unknown(why),
        Ok(Some((name, at))) => {
            let detail = if name.is_empty() {
                "ssl_endpoint_identification_algorithm is empty"
            } else {
                "names are verified"
            };
            Fact::at(!name.is_empty(), Rank::Configured, at, detail)
        }
        Ok(None) => Fact::at(true, Rank::Configured, settings.at(), "names are verified by default"),
    };
    let retry = if settings.is_set("retries") {
        limited(settings, "retries", "")
    } else {
        forever(settings, "retries is not set; the default is without end")
    };
    Link {
        receiver: Receiver::Service(Service::Kafka),
        address: Address {
            tls: tls.clone(),
            ..address::urls(settings, "bootstrap_servers", Some("localhost:9092"), Some(9092), &tls)
        },
        verified,
        authenticated: settings.identity(&[
            "sasl_jaas_config",
            "jaas_path",
            "ssl_keystore_location",
            "kerberos_config",
            "sasl_mechanism",
        ]),
        retry,
    }
}

/// `retry_failed` is on by default (logstash-output-http).
fn http(settings: Settings<'_>) -> Link {
    let header = settings.written("headers").iter().any(|name| {
        let name = name.to_ascii_lowercase();
        ["authorization", "api-key", "apikey", "token", "x-insert-key", "license"]
            .iter()
            .any(|word| name.contains(word))
    });
    let mut link = by_url(settings, Receiver::Http, "url");
    let retry = settings.flag(&["retry_failed"], true, "retry_failed");
    link.retry = retry.map(|on| if on { Retry::Forever } else { Retry::Never });
    link.verified = verified_by_default(settings);
    link.authenticated = if header {
        Fact::at(true, Rank::Configured, settings.at(), "headers holds a credential")
    } else if link.address.user {
        Fact::at(true, Rank::Configured, settings.at(), "url holds a user")
    } else {
        settings.identity(&[
            "password",
            "user",
            "client_cert",
            "ssl_certificate",
            "keystore",
            "ssl_keystore_path",
        ])
    };
    link
}

/// Certificates are not verified by default in versions before 6.2 of the plugin.
fn tcp(settings: Settings<'_>) -> Link {
    let mut link = by_option(
        settings,
        Receiver::Other("tcp".into()),
        ("host", "port"),
        (None, None),
        &["ssl_enabled", "ssl_enable"],
    );
    let server = settings.text("mode").ok().flatten().is_some_and(|(mode, _)| mode == "server");
    if server {
        link.address.hosts =
            Fact::at(Vec::new(), Rank::Configured, settings.at(), "mode server: others connect to it");
        link.retry = never(settings, "mode server: events go to whoever is connected");
    } else {
        link.retry = forever(settings, "a failed connection is tried again without end");
    }
    let default = "whether certificates are verified by default depends on the version of the plugin";
    link.verified = verification(settings, Fact::unknown(format!("{default} ({})", settings.at())));
    link
}

/// logstash-output-syslog: UDP by default, `ssl_verify` off.
fn syslog(settings: Settings<'_>) -> Link {
    let (protocol, at) = match settings.text("protocol") {
        Ok(Some((protocol, at))) => (protocol, at),
        Ok(None) => ("udp".to_owned(), settings.at()),
        Err(why) => (why, settings.at()),
    };
    let tls = protocol == "ssl-tcp";
    let shown = if tls { "tls" } else { protocol.as_str() }.to_owned();
    let tls = Fact::at(tls, Rank::Configured, at, format!("protocol {protocol}"));
    Link {
        retry: if protocol == "udp" {
            never(settings, "what is sent over UDP is not sent again")
        } else {
            forever(settings, "a failed connection is tried again without end")
        },
        address: address::host(settings, ("host", "port"), (None, None), &tls),
        verified: settings.flag(&["ssl_verify"], false, "verification"),
        authenticated: settings.identity(&["ssl_cert"]),
        receiver: Receiver::Syslog(shown),
    }
}

/// logstash-output-lumberjack: always over TLS, to the certificate that is set.
fn lumberjack(settings: Settings<'_>) -> Link {
    let tls = Fact::at(true, Rank::Configured, settings.at(), "lumberjack always uses TLS");
    Link {
        receiver: Receiver::Collector("lumberjack".into()),
        address: address::host(settings, ("hosts", "port"), (None, None), &tls),
        verified: Fact::at(true, Rank::Configured, settings.at(), "ssl_certificate is what it trusts"),
        authenticated: Fact::at(
            false,
            Rank::Configured,
            settings.at(),
            "lumberjack has no client certificate",
        ),
        retry: forever(settings, "a failed connection is tried again without end"),
    }
}

/// logstash-integration-logstash: `ssl_enabled` is on by default.
fn logstash(settings: Settings<'_>) -> Link {
    let tls = settings.flag(&["ssl_enabled"], true, "tls");
    Link {
        receiver: Receiver::Collector("logstash".into()),
        address: Address { tls: tls.clone(), ..address::urls(settings, "hosts", None, Some(9800), &tls) },
        verified: verified_by_default(settings),
        authenticated: settings.identity(&["password", "username", "ssl_certificate", "ssl_keystore_path"]),
        retry: forever(settings, "a failed request is tried again without end"),
    }
}
