//! Where an output sends to: the host of an address, and whether it lies in the cluster.

use std::net::IpAddr;

/// A host as an output names it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// The scheme of a URL, in lower case; empty if there is none.
    pub scheme: String,
    /// The host, in lower case, without brackets.
    pub host: String,
    /// The port, if one is given.
    pub port: Option<u16>,
}

impl Endpoint {
    /// Reads a URL, `host:port` or a host. User information, path and query are left out.
    pub fn parse(address: &str) -> Option<Self> {
        let address = address.trim().trim_matches('"');
        let (scheme, rest) = address.split_once("://").unwrap_or(("", address));
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let (host, port) = match authority.strip_prefix('[') {
            Some(v6) => {
                let (host, after) = v6.split_once(']')?;
                (host, after.strip_prefix(':'))
            }
            None => match authority.rsplit_once(':') {
                Some((host, port)) if !host.contains(':') => (host, Some(port)),
                _ => (authority, None),
            },
        };
        (!host.is_empty()).then(|| Self {
            scheme: scheme.to_ascii_lowercase(),
            host: host.to_ascii_lowercase(),
            port: port.and_then(|port| port.parse().ok()),
        })
    }

    /// `host:port`, or the host.
    pub fn shown(&self) -> String {
        match self.port {
            Some(port) if self.host.contains(':') => format!("[{}]:{port}", self.host),
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }
}

/// Where a host lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location {
    /// The same pod or node: nothing travels.
    Local,
    /// A Service of the cluster.
    Cluster,
    /// Elsewhere, by a name that is resolved outside.
    Outside,
    /// Nowhere: names under `invalid` are never resolved (RFC 6761) and stand for what is still to be set.
    Nowhere,
    /// An address or a name that may be either.
    Unclear,
}

/// Where a host lies, by its form: what lies under `svc` or `cluster.local` is a Service (Kubernetes DNS specification), and a
/// single word one of the sender's namespace. `name.namespace` and `pod.name.namespace` look like public names, so that those
/// with other endings than the surest ones may be either.
pub fn location(host: &str) -> Location {
    let host = host.trim_end_matches('.');
    if let Ok(address) = host.parse::<IpAddr>() {
        return match address {
            _ if address.is_loopback() || address.is_unspecified() => Location::Local,
            IpAddr::V4(v4) if v4.is_private() || v4.is_link_local() || is_shared(v4.octets()) => {
                Location::Unclear
            }
            IpAddr::V6(v6) if v6.is_unique_local() || v6.is_unicast_link_local() => Location::Unclear,
            _ => Location::Outside,
        };
    }
    let labels: Vec<&str> = host.split('.').collect();
    match labels.as_slice() {
        ["localhost"] => Location::Local,
        [.., "invalid"] => Location::Nowhere,
        [_] | [.., "cluster", "local"] => Location::Cluster,
        [_, _, rest @ ..] if rest.contains(&"svc") => Location::Cluster,
        [.., last] if SURE.contains(last) || last.len() == 2 => Location::Outside,
        [.., last] if labels.len() > 3 && !PRIVATE.contains(last) => Location::Outside,
        _ => Location::Unclear,
    }
}

/// Endings that no namespace is called by.
const SURE: [&str; 7] = ["com", "net", "org", "gov", "edu", "mil", "int"];

/// Endings of names that only a private resolver knows.
const PRIVATE: [&str; 7] = ["local", "lan", "internal", "corp", "home", "test", "example"];

/// Addresses shared by carriers (RFC 6598), which some clusters give to pods.
fn is_shared(octets: [u8; 4]) -> bool {
    let [first, second, ..] = octets;
    first == 100 && (64..128).contains(&second)
}

/// The namespace and name of a Service that a host may name, seen from a pod in `own`.
pub fn service_of(host: &str, own: &str) -> Option<(String, String)> {
    let host = host.trim_end_matches('.');
    let labels: Vec<&str> = host.split('.').collect();
    match (location(host), labels.as_slice()) {
        (Location::Cluster, [name]) => Some((own.to_owned(), (*name).to_owned())),
        (Location::Cluster | Location::Unclear, [name, namespace] | [name, namespace, "svc", ..])
            if host.parse::<IpAddr>().is_err() =>
        {
            Some(((*namespace).to_owned(), (*name).to_owned()))
        }
        // A single pod of a StatefulSet.
        (Location::Cluster, [_, name, namespace, "svc", ..]) => {
            Some(((*namespace).to_owned(), (*name).to_owned()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_every_form() {
        for (address, expected) in [
            ("https://user:pass@loki.example.com:3100/loki/api?x", "loki.example.com:3100"),
            ("loki", "loki"),
            ("10.0.0.1:514", "10.0.0.1:514"),
            ("http://[::1]:24224", "[::1]:24224"),
            ("ES.Logging.svc", "es.logging.svc"),
        ] {
            assert_eq!(Endpoint::parse(address).unwrap().shown(), expected);
        }
        assert_eq!(Endpoint::parse("https://"), None);
        assert_eq!(Endpoint::parse("tls://x:6514").unwrap().scheme, "tls");
    }

    #[test]
    fn services_are_told_from_public_hosts() {
        for (host, expected) in [
            ("elasticsearch", Location::Cluster),
            ("loki.monitoring", Location::Unclear),
            ("es-0.es.logging", Location::Unclear),
            ("es-0.es.logging.svc.k8s.example.com", Location::Cluster),
            ("100.64.3.7", Location::Unclear),
            ("0.0.0.0", Location::Local),
            ("elasticsearch.dev", Location::Unclear),
            ("siem.nl", Location::Outside),
            ("loki.monitoring.svc", Location::Cluster),
            ("loki-0.loki.monitoring.svc.cluster.local.", Location::Cluster),
            ("127.0.0.1", Location::Local),
            ("localhost", Location::Local),
            ("10.1.2.3", Location::Unclear),
            ("198.51.100.7", Location::Outside),
            ("example.com", Location::Outside),
            ("logs.eu.example.org", Location::Outside),
        ] {
            assert_eq!(location(host), expected, "{host}");
        }
        assert_eq!(service_of("loki", "logs"), Some(("logs".into(), "loki".into())));
        assert_eq!(service_of("loki.a.svc", "logs"), Some(("a".into(), "loki".into())));
    }
}
