//! Outputs: what they send to and how.

use super::inputs::Storage;
use super::plugins::{Host, Identity, Plugin, Tls, plugin};
use super::section::{Property, Section, switch};
use crate::analyze::collectors::endpoint::Endpoint;
use crate::analyze::collectors::model::{Buffer, Output, Receiver, Retry, WhenFull};
use crate::analyze::collectors::service::Service;
use crate::analyze::fact::Fact;
use crate::verdict::{Evidence, Rank};

/// Reads an output. `storages` are those of the inputs that lead to it.
pub(super) fn read(
    section: &Section,
    number: usize,
    storages: &[Storage],
    service: Option<&Section>,
) -> Output {
    let name = section.plugin();
    let known = match &name {
        Ok(name) => plugin(name),
        Err(reason) => Plugin { receiver: Receiver::Other(reason.clone()), ..plugin("") },
    };
    let name = name.unwrap_or_else(|_| "unseen".to_owned());
    let upstream = section.get("upstream");
    let hosts = match upstream {
        Some(property) => {
            Fact::unknown(format!("the hosts stand in the file of {} at {}", property.shown(), property.at))
        }
        None => hosts(section, &known),
    };
    let tls = match upstream {
        Some(property) => {
            Fact::unknown(format!("{} at {} says it for each host", property.shown(), property.at))
        }
        None => tls(section, known.tls),
    };
    Output {
        id: section.seen("alias").unwrap_or_else(|| format!("{name}.{number}")),
        at: section.at.clone(),
        receiver: receiver(section, known.receiver, &hosts, &tls),
        verified: verified(section, &tls, known.tls),
        authenticated: authenticated(section, known.identity, &hosts),
        buffer: buffer(section, &name, storages, service),
        retry: retry(section),
        when_full: when_full(section, storages),
        hosts,
        tls,
    }
}

fn hosts(section: &Section, plugin: &Plugin) -> Fact<Vec<String>> {
    match plugin.host {
        Host::None => section.default(Vec::new(), "the plugin knows its receiver"),
        Host::Default(default) => match section.get("host") {
            Some(property) => address(property).and_then(|host| with_port(section, host, plugin.port())),
            None => section
                .default(vec![default.to_owned()], &format!("host is not set; the default is {default}")),
        },
        Host::Keys(keys) => match keys.iter().find_map(|key| section.get(key)) {
            Some(property) => property.value.known().map_or_else(Fact::unknown, |list| {
                let hosts: Vec<String> =
                    list.split(',').filter_map(Endpoint::parse).map(|endpoint| endpoint.shown()).collect();
                Fact::at(
                    hosts.clone(),
                    Rank::Configured,
                    &*property.at,
                    format!("{} {}", property.name, hosts.join(",")),
                )
            }),
            None => section.default(Vec::new(), &format!("{} is not set", keys.join(" or "))),
        },
    }
}

/// A host without user information, path and query.
fn address(property: &Property) -> Fact<Endpoint> {
    match property.value.known() {
        Err(reason) => Fact::unknown(reason),
        Ok(text) => match Endpoint::parse(&text) {
            Some(host) => {
                let detail = format!("{} {}", property.name, host.shown());
                Fact::at(host, Rank::Configured, &*property.at, detail)
            }
            None => Fact::unknown(format!("{} at {} is no host", property.name, property.at)),
        },
    }
}

fn with_port(section: &Section, host: Endpoint, default: Option<u16>) -> Fact<Vec<String>> {
    match section.text("port") {
        None => {
            let host = Endpoint { port: host.port.or(default), ..host };
            Fact::known(vec![host.shown()], Rank::Configured, Vec::new())
        }
        // The host is what tells where records go: a port that is not seen does not hide it.
        Some(Fact::Unknown(_)) => Fact::known(vec![host.shown()], Rank::Configured, Vec::new()),
        Some(port) => {
            port.map(|port| vec![Endpoint { port: port.trim().parse().ok().or(host.port), ..host }.shown()])
        }
    }
}

/// A public host tells more than the plugin: many services take what Elasticsearch, Splunk or plain HTTP take.
fn receiver(section: &Section, own: Receiver, hosts: &Fact<Vec<String>>, tls: &Fact<bool>) -> Receiver {
    if section.get("cloud_id").is_some() {
        return Receiver::Service(Service::ElasticCloud);
    }
    let public = hosts
        .value()
        .and_then(|hosts| hosts.first())
        .and_then(|host| Endpoint::parse(host))
        .and_then(|endpoint| Service::of_host(&endpoint.host));
    match (own, public) {
        (own @ (Receiver::Nothing | Receiver::Console | Receiver::File | Receiver::NotLogs(_)), _) => own,
        (_, Some(service)) => Receiver::Service(service),
        (Receiver::Syslog(_), None) => {
            let mode =
                section.seen("mode").map_or_else(|| "udp".to_owned(), |mode| mode.to_ascii_lowercase());
            Receiver::Syslog(if tls.value() == Some(&true) { "tls".into() } else { mode })
        }
        (own, None) => own,
    }
}

fn tls(section: &Section, tls: Tls) -> Fact<bool> {
    match tls {
        Tls::Local => section.default(false, "nothing is sent"),
        Tls::Never => section.default(false, "the plugin has no TLS"),
        Tls::Always => match scheme(section, "endpoint") {
            Some(Ok((property, scheme))) if scheme == "http" => endpoint_fact(property, false, &scheme),
            Some(Err(reason)) => Fact::unknown(reason),
            _ => section.default(true, "the plugin speaks HTTPS only"),
        },
        Tls::Option(default) => section.flag("tls", default),
        Tls::Mode { option_counts } => mode(section, option_counts),
        Tls::Kafka => match section.get("rdkafka.security.protocol") {
            None => section.default(false, "rdkafka.security.protocol is not set; the default is plaintext"),
            Some(property) => property.text().map(|protocol| protocol.to_ascii_lowercase().contains("ssl")),
        },
        Tls::Url(key, default) => match scheme(section, key) {
            Some(Ok((property, scheme))) => endpoint_fact(property, scheme != "http", &scheme),
            Some(Err(reason)) => Fact::unknown(reason),
            None => {
                let scheme = if default { "https" } else { "http" };
                section
                    .default(default, &format!("{key} is not set; the default is an address with {scheme}"))
            }
        },
        Tls::EndpointOrOption => match scheme(section, "endpoint") {
            Some(Ok((property, scheme))) => endpoint_fact(property, scheme == "https", &scheme),
            Some(Err(reason)) => Fact::unknown(reason),
            None => section.flag("tls", false),
        },
        Tls::Negotiated => {
            match (section.get("tls"), ["endpoint", "url"].iter().find_map(|key| scheme(section, key))) {
                (Some(_), _) => section.flag("tls", false),
                (None, Some(Ok((property, scheme)))) if !scheme.is_empty() => {
                    endpoint_fact(property, scheme == "https", &scheme)
                }
                _ => Fact::unknown(format!(
                    "what decides about TLS for the output at {} is not known here",
                    section.at
                )),
            }
        }
    }
}

fn endpoint_fact(property: &Property, tls: bool, scheme: &str) -> Fact<bool> {
    let scheme = if scheme.is_empty() { "no scheme" } else { scheme };
    Fact::at(tls, Rank::Configured, &*property.at, format!("{} with {scheme}", property.name))
}

/// The scheme of a URL, in lower case, or why it is not seen.
fn scheme<'a>(section: &'a Section, key: &str) -> Option<Result<(&'a Property, String), String>> {
    let property = section.get(key)?;
    let scheme = |url: String| {
        url.split_once("://").map_or_else(String::new, |(scheme, _)| scheme.to_ascii_lowercase())
    };
    Some(property.value.known().map(|url| (property, scheme(url))))
}

/// `mode` of syslog and GELF: `udp`, `tcp`, `tls` or `dtls`.
fn mode(section: &Section, option_counts: bool) -> Fact<bool> {
    let Some(property) = section.get("mode") else {
        return section.default(false, "mode is not set; the default is udp");
    };
    let word = match property.value.known() {
        Ok(word) => word.to_ascii_lowercase(),
        Err(reason) => return Fact::unknown(reason),
    };
    match word.as_str() {
        "tls" | "dtls" => property.fact(true),
        "tcp" if option_counts => section.flag("tls", false),
        _ => property.fact(false),
    }
}

/// `tls.verify` is on by default. The host name in the certificate is compared only if `tls.verify_hostname` is on.
fn verified(section: &Section, tls: &Fact<bool>, kind: Tls) -> Option<Fact<bool>> {
    if tls.value() == Some(&false) {
        return None;
    }
    if kind == Tls::Kafka {
        let Some(property) = section.get("rdkafka.enable.ssl.certificate.verification") else {
            let why = "rdkafka.enable.ssl.certificate.verification is not set; the default is true";
            return Some(section.default(true, why));
        };
        return Some(match property.value.known().map(|word| switch(&word)) {
            Ok(Some(on)) => property.fact(on),
            Ok(None) => Fact::unknown(format!("{} at {} is neither on nor off", property.name, property.at)),
            Err(reason) => Fact::unknown(reason),
        });
    }
    let verified = section.flag("tls.verify", true);
    let names = section.flag("tls.verify_hostname", false);
    match (verified, names) {
        (Fact::Known(mut known), Fact::Known(names)) if known.value && !names.value => {
            let at =
                names.evidence.first().map_or_else(|| section.at.clone(), |evidence| evidence.at.clone());
            let detail = "tls.verify_hostname is off: the name in the certificate is not compared".to_owned();
            known.evidence.push(Evidence { at, detail });
            Some(Fact::Known(known))
        }
        (verified, _) => Some(verified),
    }
}

/// Properties that show who sends.
const CREDENTIALS: [&str; 32] = [
    "http_user",
    "http_passwd",
    "http_token",
    "http_api_key",
    "cloud_auth",
    "bearer_token",
    "splunk_token",
    "apikey",
    "api_key",
    "apikey_secret",
    "license_key",
    "licensekey",
    "insertkey",
    "shared_key",
    "sas",
    "sas_token",
    "username",
    "password",
    "user",
    "auth_token",
    "api",
    "webhook",
    "client_secret",
    "tls.crt_file",
    "oauth2.client_secret",
    "oauth2.jwt_key_file",
    "rdkafka.sasl.username",
    "rdkafka.sasl.password",
    "rdkafka.sasl.oauthbearer.config",
    "rdkafka.ssl.certificate.location",
    "rdkafka.ssl.certificate.pem",
    "rdkafka.sasl.kerberos.principal",
];

fn authenticated(section: &Section, identity: Identity, hosts: &Fact<Vec<String>>) -> Fact<bool> {
    match identity {
        Identity::Cloud => {
            return section.default(true, "the plugin signs in with the identity of its cloud account");
        }
        Identity::Nobody => return section.default(false, "nothing is sent"),
        Identity::Properties => {}
    }
    if let Some(property) = CREDENTIALS.iter().find_map(|key| section.get(key)) {
        return Fact::at(true, Rank::Configured, &*property.at, format!("{} is set", property.name));
    }
    for key in ["aws_auth", "aws_msk_iam"] {
        if section
            .get(key)
            .is_some_and(|property| property.value.known().is_ok_and(|word| switch(&word) == Some(true)))
        {
            return section.flag(key, false);
        }
    }
    if let Some(header) = section.all("header").find(|property| is_credential(property.value.raw())) {
        let name = header.value.raw().split_whitespace().next().unwrap_or_default();
        return Fact::at(true, Rank::Configured, &*header.at, format!("{} {name} is set", header.name));
    }
    let host = |host: &str| Endpoint::parse(host).and_then(|endpoint| Service::of_host(&endpoint.host));
    let is_sumo = hosts.value().into_iter().flatten().any(|one| host(one) == Some(Service::SumoLogic));
    if is_sumo && let Some(uri) = section.get("uri") {
        return Fact::at(
            true,
            Rank::Configured,
            &*uri.at,
            format!("{} holds the token of the collector", uri.name),
        );
    }
    section.default(false, "no user, token, key or client certificate is set")
}

/// Whether a header, by its name, shows who sends.
fn is_credential(header: &str) -> bool {
    let name = header.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
    ["auth", "key", "token"].iter().any(|part| name.contains(part))
}

/// `Retry_Limit`: 1 by default, without end if `no_limits`, `False` or `off`.
fn retry(section: &Section) -> Fact<Retry> {
    let one = || Retry::Limited("1 retry".into());
    let Some(property) = section.get("retry_limit") else {
        return section.default(one(), "retry_limit is not set; the default is 1");
    };
    property.text().map(|word| match word.to_ascii_lowercase().as_str() {
        "no_limits" | "false" | "off" => Retry::Forever,
        "no_retries" => Retry::Never,
        word => match word.parse::<u32>() {
            Ok(0 | 1) | Err(_) => one(),
            Ok(number) => Retry::Limited(format!("{number} retries")),
        },
    })
}

/// Files on their way to S3 and Cloud Storage wait in a folder of their own.
fn buffer(section: &Section, name: &str, storages: &[Storage], service: Option<&Section>) -> Fact<Buffer> {
    let own = match name {
        "s3" => Some("/tmp/fluent-bit/s3"),
        "gcs" => Some("/tmp/fluent-bit/gcs"),
        _ => None,
    };
    if let Some(default) = own {
        return match section.text("store_dir") {
            Some(folder) => folder.map(|folder| Buffer::Disk(Some(folder))),
            None => section.default(
                Buffer::Disk(Some(default.into())),
                &format!("store_dir is not set; the default is {default}"),
            ),
        };
    }
    let of_inputs: Vec<Fact<Buffer>> = storages.iter().map(|storage| storage.buffer(service)).collect();
    worst(of_inputs, &Buffer::Memory).unwrap_or_else(|| Fact::unknown("no input leads to the output"))
}

fn when_full(section: &Section, storages: &[Storage]) -> Fact<WhenFull> {
    let of_inputs: Vec<Fact<WhenFull>> = storages.iter().map(|storage| storage.when_full(section)).collect();
    worst(of_inputs, &WhenFull::Drops).unwrap_or_else(|| Fact::unknown("no input leads to the output"))
}

/// Of the inputs that share an output the worst counts; what is not known may be as bad.
fn worst<T: PartialEq>(facts: Vec<Fact<T>>, worst: &T) -> Option<Fact<T>> {
    let rank = |fact: &Fact<T>| match fact.value() {
        Some(value) if value == worst => 0,
        None => 1,
        Some(_) => 2,
    };
    facts.into_iter().min_by_key(rank)
}
