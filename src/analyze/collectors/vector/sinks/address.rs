//! Hosts, and whether what is sent to them is encrypted.

use super::kinds::{Encryption, Kind};
use crate::analyze::collectors::endpoint::Endpoint;
use crate::analyze::collectors::model::Receiver;
use crate::analyze::collectors::service::Service;
use crate::analyze::collectors::vector::field::Field;
use crate::analyze::fact::Fact;
use crate::verdict::{Evidence, Rank};

/// An address a sink names.
pub(super) struct Address {
    /// Where it stands.
    pub at: String,
    /// The field it stands in.
    key: String,
    /// The text, or why it is not known.
    text: Result<String, String>,
}

impl Address {
    fn endpoint(&self) -> Option<Endpoint> {
        self.text.as_ref().ok().and_then(|text| Endpoint::parse(text))
    }

    /// Whether the address holds user information.
    pub(in crate::analyze::collectors::vector) fn has_user(&self) -> bool {
        let text = self.text.as_deref().unwrap_or_default();
        let authority = text.split_once("://").map_or("", |(_, rest)| rest);
        authority.split(['/', '?', '#']).next().is_some_and(|authority| authority.contains('@'))
    }

    fn why_unknown(&self) -> String {
        match &self.text {
            Err(why) => why.clone(),
            Ok(_) => format!("{} at {} is not an address that can be read", self.key, self.at),
        }
    }
}

/// All addresses, lists with commas taken apart.
pub(super) fn addresses(field: &Field<'_>, kind: &Kind) -> Vec<Address> {
    let fields = kind.addresses.iter().filter_map(|path| field.get(path)).flat_map(|field| field.items());
    fields
        .flat_map(|field| {
            let (at, key) = (
                field.at(),
                field.key().trim_end_matches(|c: char| c == ']' || c == '[' || c.is_ascii_digit()).to_owned(),
            );
            let texts: Vec<Result<String, String>> = match field.scalar() {
                Ok(text) => text.split(',').map(|part| Ok(part.trim().to_owned())).collect(),
                Err(why) => vec![Err(why)],
            };
            texts.into_iter().map(move |text| Address { at: at.clone(), key: key.clone(), text })
        })
        .collect()
}

/// The hosts. A host that is made from the record is not known.
pub(super) fn hosts(field: &Field<'_>, kind: &Kind, addresses: &[Address]) -> Fact<Vec<String>> {
    if addresses.is_empty() {
        return match kind.encryption {
            Encryption::Scheme(Some(true)) | Encryption::Never => {
                Fact::at(Vec::new(), Rank::Configured, field.at(), "no address is set")
            }
            _ if matches!(kind.receiver, Receiver::NotLogs(_)) => {
                Fact::at(Vec::new(), Rank::Configured, field.at(), "no logs are sent")
            }
            _ => Fact::unknown(format!("the sink at {} has no address", field.at())),
        };
    }
    let mut hosts = Vec::new();
    let mut evidence = Vec::new();
    for address in addresses {
        match address.endpoint().filter(|endpoint| !endpoint.host.contains("{{")) {
            Some(endpoint) => {
                let port =
                    field.get("port").filter(|_| address.key == "host").and_then(|port| port.scalar().ok());
                let endpoint =
                    Endpoint { port: endpoint.port.or(port.and_then(|port| port.parse().ok())), ..endpoint };
                evidence.push(Evidence {
                    at: address.at.clone(),
                    detail: format!("{} {}", address.key, endpoint.shown()),
                });
                hosts.push(endpoint.shown());
            }
            None => return Fact::unknown(address.why_unknown()),
        }
    }
    Fact::known(hosts, Rank::Configured, evidence)
}

/// The service all hosts belong to, if they say so; what the type of sink says otherwise.
pub(super) fn receiver(receiver: Receiver, addresses: &[Address]) -> Receiver {
    let is_open = matches!(
        receiver,
        Receiver::Http
            | Receiver::Service(_)
            | Receiver::Collector(_)
            | Receiver::Syslog(_)
            | Receiver::Other(_)
    );
    let services: Option<Vec<Service>> =
        addresses.iter().map(|address| Service::of_host(&address.endpoint()?.host)).collect();
    match services.as_deref() {
        Some([first, rest @ ..]) if is_open && rest.iter().all(|other| other == first) => {
            Receiver::Service(*first)
        }
        _ => receiver,
    }
}

/// Whether what is sent is encrypted.
pub(super) fn tls(field: &Field<'_>, kind: &Kind, addresses: &[Address]) -> Fact<bool> {
    match kind.encryption {
        Encryption::Never => Fact::at(false, Rank::Configured, field.at(), "it does not encrypt"),
        Encryption::Switch(default) => by_switch(field, default, addresses),
        Encryption::Scheme(default) => by_scheme(field, default, addresses),
        Encryption::SslMode => by_ssl_mode(field, addresses),
    }
}

/// `tls.enabled`. Where `tls` is given without it, encryption is off, whatever the default is without `tls`.
fn by_switch(field: &Field<'_>, default: bool, addresses: &[Address]) -> Fact<bool> {
    let protocol = field.get("librdkafka_options").and_then(|options| options.entry("security.protocol"));
    if let Some(protocol) = protocol {
        let is_on = protocol.fact().map(|protocol| protocol.to_ascii_lowercase().ends_with("ssl"));
        return is_on;
    }
    if let Some(enabled) = field.get("tls.enabled") {
        return enabled.flag();
    }
    let schemes: Vec<bool> =
        addresses.iter().filter_map(Address::endpoint).map(|endpoint| is_secure(&endpoint.scheme)).collect();
    if !schemes.is_empty() && schemes.iter().all(|is_secure| *is_secure) {
        let at = addresses.first().map(|address| address.at.clone()).unwrap_or_default();
        return Fact::at(true, Rank::Configured, at, "the scheme is one for TLS");
    }
    if let Some(tls) = field.get("tls") {
        return Fact::at(false, Rank::Configured, tls.at(), "tls.enabled is not set; the default is off");
    }
    let default_is = if default { "on" } else { "off" };
    Fact::at(default, Rank::Configured, field.at(), format!("tls is not set; the default is {default_is}"))
}

fn by_scheme(field: &Field<'_>, default: Option<bool>, addresses: &[Address]) -> Fact<bool> {
    let one = |address: &Address| {
        let Some(endpoint) = address.endpoint() else { return Fact::unknown(address.why_unknown()) };
        let detail = |scheme: &str| format!("{} with {scheme}", address.key);
        match (endpoint.scheme.as_str(), default) {
            ("", Some(default)) => {
                let default_is = if default { "on" } else { "off" };
                let detail = format!("{} has no scheme; the default of TLS is {default_is}", address.key);
                Fact::at(default, Rank::Configured, address.at.clone(), detail)
            }
            ("", None) => Fact::unknown(format!("{} at {} has no scheme", address.key, address.at)),
            (scheme, _) if scheme.contains("{{") => Fact::unknown(address.why_unknown()),
            (scheme, _) => Fact::at(is_secure(scheme), Rank::Configured, address.at.clone(), detail(scheme)),
        }
    };
    match (addresses.iter().map(one).reduce(Fact::and), default) {
        (Some(fact), _) => fact,
        (None, Some(true)) => {
            Fact::at(true, Rank::Configured, field.at(), "no address is set; that of the service is https")
        }
        (None, _) => Fact::unknown(format!("the sink at {} has no address", field.at())),
    }
}

fn by_ssl_mode(field: &Field<'_>, addresses: &[Address]) -> Fact<bool> {
    let Some(address) = addresses.first() else {
        return Fact::unknown(format!("the sink at {} has no address", field.at()));
    };
    match ssl_mode(address) {
        "require" | "verify-ca" | "verify-full" => {
            Fact::at(true, Rank::Configured, address.at.clone(), "sslmode requires TLS")
        }
        "disable" | "allow" => {
            Fact::at(false, Rank::Configured, address.at.clone(), "sslmode does not require TLS")
        }
        _ => Fact::unknown(format!("sslmode at {} does not require TLS; the database decides", address.at)),
    }
}

fn ssl_mode(address: &Address) -> &str {
    let text = address.text.as_deref().unwrap_or_default();
    let query = text.split_once('?').map_or("", |(_, query)| query);
    let modes = ["sslmode=", "ssl-mode="];
    query
        .split('&')
        .find_map(|part| modes.iter().find_map(|mode| part.strip_prefix(mode)))
        .unwrap_or_default()
}

fn is_secure(scheme: &str) -> bool {
    matches!(
        scheme,
        "https" | "tls" | "ssl" | "rediss" | "amqps" | "pulsar+ssl" | "wss" | "mqtts" | "nats+tls" | "grpcs"
    )
}

/// Whether the receiver's certificate and its name are verified: both are unless said otherwise (Vector source:
/// `tls/settings.rs`).
pub(super) fn verified(
    field: &Field<'_>,
    kind: &Kind,
    addresses: &[Address],
    tls: &Fact<bool>,
) -> Option<Fact<bool>> {
    if tls.value() == Some(&false) {
        return None;
    }
    if kind.encryption == Encryption::SslMode {
        let address = addresses.first()?;
        let is_verified = matches!(ssl_mode(address), "verify-ca" | "verify-full");
        return Some(Fact::at(is_verified, Rank::Configured, address.at.clone(), "by sslmode"));
    }
    if let Some(address) =
        addresses.iter().find(|one| one.text.as_ref().is_ok_and(|text| text.ends_with("#insecure")))
    {
        return Some(Fact::at(false, Rank::Configured, address.at.clone(), "the address ends in #insecure"));
    }
    let kafka = field
        .get("librdkafka_options")
        .and_then(|options| options.entry("enable.ssl.certificate.verification"));
    let switches = [field.get("tls.verify_certificate"), field.get("tls.verify_hostname"), kafka];
    let default = || {
        let at = field.get("tls").map_or_else(|| field.at(), |tls| tls.at());
        Fact::at(
            true,
            Rank::Configured,
            at,
            "verify_certificate and verify_hostname are not set; the default is on",
        )
    };
    Some(switches.iter().flatten().map(Field::flag).reduce(Fact::and).unwrap_or_else(default))
}
