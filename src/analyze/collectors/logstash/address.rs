//! Where an output sends to, and whether that is encrypted.

use super::value::Settings;
use crate::analyze::collectors::endpoint::Endpoint;
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// Hosts and encryption.
pub(super) struct Address {
    pub(super) hosts: Fact<Vec<String>>,
    pub(super) tls: Fact<bool>,
    /// Whether an address holds a user.
    pub(super) user: bool,
}

/// No hosts: there are none, or the plugin knows them.
pub(super) fn none(settings: Settings<'_>, tls: bool, why: &str) -> Address {
    let fact = |value: bool| Fact::at(value, Rank::Configured, settings.at(), why);
    Address { hosts: fact(false).map(|_| Vec::new()), tls: fact(tls), user: false }
}

/// URLs or hosts under a setting. `plain` holds for those without a scheme; `port` is the one they have if they name none.
pub(super) fn urls(
    settings: Settings<'_>,
    key: &str,
    default: Option<&str>,
    port: Option<u16>,
    plain: &Fact<bool>,
) -> Address {
    let unknown =
        |why: String| Address { hosts: Fact::unknown(why.clone()), tls: Fact::unknown(why), user: false };
    let (texts, at) = match (settings.list(key), default) {
        (Err(why), _) => return unknown(why),
        (Ok(Some(found)), _) => found,
        (Ok(None), Some(default)) => (vec![default.to_owned()], settings.at()),
        (Ok(None), None) => return unknown(format!("{key} is not set at {}", settings.at())),
    };
    let texts: Vec<&str> = texts.iter().flat_map(|text| text.split(',')).map(str::trim).collect();
    let parsed: Option<Vec<Endpoint>> =
        texts.iter().map(|text| Endpoint::parse(text.strip_prefix("//").unwrap_or(text))).collect();
    let Some(endpoints) = parsed.filter(|endpoints| !endpoints.is_empty()) else {
        return unknown(format!("{key} at {at} is no address"));
    };
    let shown: Vec<String> = endpoints
        .iter()
        .map(|endpoint| {
            Endpoint {
                port: endpoint.port.or(port.filter(|_| endpoint.scheme.is_empty())),
                ..endpoint.clone()
            }
            .shown()
        })
        .collect();
    let tls = endpoints.iter().map(|endpoint| match endpoint.scheme.as_str() {
        "" => plain.clone(),
        scheme => {
            let secure = matches!(scheme, "https" | "ssl" | "tls" | "wss" | "rediss" | "amqps" | "sasl_ssl");
            Fact::at(secure, Rank::Configured, at.clone(), format!("the scheme is {scheme}"))
        }
    });
    Address {
        tls: tls.reduce(Fact::and).unwrap_or_else(|| plain.clone()),
        hosts: Fact::at(
            shown.clone(),
            Rank::Configured,
            at.clone(),
            format!("sends to {}", shown.join(", ")),
        ),
        user: texts
            .iter()
            .any(|text| text.split('/').nth(2).is_some_and(|authority| authority.contains('@'))),
    }
}

/// One host or several under `host`, with a port under `port`.
pub(super) fn host(
    settings: Settings<'_>,
    keys: (&str, &str),
    default: (Option<&str>, Option<u16>),
    tls: &Fact<bool>,
) -> Address {
    let port = match settings.text(keys.1) {
        Ok(found) => found.and_then(|(port, _)| port.parse().ok()).or(default.1),
        Err(_) => None,
    };
    Address { tls: tls.clone(), ..urls(settings, keys.0, default.0, port, tls) }
}
