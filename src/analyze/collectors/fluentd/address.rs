//! Hosts of outputs, and whether what is sent to them is encrypted.

use super::section::Section;
use crate::analyze::collectors::endpoint::Endpoint;
use crate::analyze::fact::Fact;
use crate::verdict::{Evidence, Rank};

/// Where an output sends to.
pub(super) struct Address {
    pub(super) hosts: Fact<Vec<String>>,
    pub(super) tls: Fact<bool>,
}

/// No hosts: there are none, or the plugin knows them.
pub(super) fn none(section: &Section<'_>) -> Fact<Vec<String>> {
    Fact::at(Vec::new(), Rank::Configured, section.spot.at(), "no host is set")
}

/// One or several URLs under the first of `keys` that is set. `plain` holds for hosts without a scheme.
pub(super) fn of_url(
    section: &Section<'_>,
    keys: &[&str],
    default: Option<&str>,
    plain: &Fact<bool>,
) -> Address {
    let set = keys.iter().find(|key| section.param(key).is_some()).map(|key| section.setting(key));
    let (text, at) = match (set, default) {
        (Some(Err(why)), _) => return Address { hosts: Fact::unknown(why.clone()), tls: Fact::unknown(why) },
        (Some(Ok(Some((text, at)))), _) => (text, at),
        (_, Some(default)) => (default, section.spot.at()),
        (_, None) => {
            let why = format!("no address is set at {}", section.spot.at());
            return Address { hosts: Fact::unknown(why.clone()), tls: Fact::unknown(why) };
        }
    };
    let endpoints: Vec<Endpoint> =
        super::value::list(text).iter().filter_map(|one| Endpoint::parse(one)).collect();
    if endpoints.is_empty() {
        let why = format!("there is no host at {at}");
        return Address { hosts: Fact::unknown(why.clone()), tls: Fact::unknown(why) };
    }
    let hosts: Vec<String> = endpoints.iter().map(Endpoint::shown).collect();
    let tls = endpoints.iter().map(|endpoint| match endpoint.scheme.as_str() {
        "" => plain.clone(),
        scheme => by_scheme(scheme, &at),
    });
    Address {
        tls: tls
            .reduce(Fact::and)
            .unwrap_or_else(|| Fact::unknown(format!("the address at {at} is not one"))),
        hosts: Fact::at(hosts.clone(), Rank::Configured, at, format!("sends to {}", hosts.join(", "))),
    }
}

/// A host and its port, each a parameter.
pub(super) fn of_host(
    section: &Section<'_>,
    host: &str,
    default: Option<&str>,
    port: &str,
    default_port: Option<&str>,
) -> Fact<Vec<String>> {
    let (name, at) = match section.setting(host) {
        Err(why) => return Fact::unknown(why),
        Ok(Some((name, at))) if !name.is_empty() => (name, at),
        Ok(Some((_, at))) => return Fact::unknown(format!("{host} at {at} is empty")),
        Ok(None) => match default {
            Some(default) => (default, section.spot.at()),
            None => return Fact::unknown(format!("{host} is not set at {}", section.spot.at())),
        },
    };
    // Some plugins take several hosts with commas between them.
    let port = if section.param(port).is_some() { section.text(port) } else { default_port };
    let hosts: Vec<String> = name
        .split(',')
        .filter_map(|one| Endpoint::parse(one.trim()))
        .map(|endpoint| {
            Endpoint { port: endpoint.port.or(port.and_then(|port| port.parse().ok())), ..endpoint }.shown()
        })
        .collect();
    if hosts.is_empty() {
        return Fact::unknown(format!("{host} at {at} is not a host"));
    }
    let detail = format!("sends to {}", hosts.join(", "));
    Fact::at(hosts, Rank::Configured, at, detail)
}

/// TLS by a parameter that names a scheme.
pub(super) fn scheme(section: &Section<'_>, key: &str, default: &str) -> Fact<bool> {
    one_of(section, key, default, &["https"])
}

/// Whether a parameter has one of some values.
pub(super) fn one_of(section: &Section<'_>, key: &str, default: &str, wanted: &[&str]) -> Fact<bool> {
    match section.setting(key) {
        Err(why) => Fact::unknown(why),
        Ok(Some((value, at))) => {
            Fact::at(wanted.contains(&value), Rank::Configured, at, format!("{key} {value}"))
        }
        Ok(None) => Fact::at(
            wanted.contains(&default),
            Rank::Configured,
            section.spot.at(),
            format!("{key} is not set; the default is {default}"),
        ),
    }
}

fn by_scheme(scheme: &str, at: &str) -> Fact<bool> {
    let secure = matches!(scheme, "https" | "tls" | "ssl" | "rediss" | "amqps" | "pulsar+ssl");
    let evidence = vec![Evidence { at: at.to_owned(), detail: format!("the scheme is {scheme}") }];
    Fact::known(secure, Rank::Configured, evidence)
}

pub(super) fn says_tls(on: bool) -> String {
    format!("tls {}", if on { "on" } else { "off" })
}
