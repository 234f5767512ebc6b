//! Brokers and databases, whose drivers have settings of their own.

use super::{Driver, Found, Link, addresses, answered, verified};
use crate::analyze::collectors::model::Receiver;
use crate::analyze::collectors::service::Service;
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// `config()` holds settings of librdkafka, whose `security.protocol` is plaintext by default.
pub(super) fn kafka(driver: Driver<'_, '_>) -> Link {
    let of = |key: &str| -> Found { driver.option("config").map_or(Ok(None), |config| config.pair(key)) };
    let tls = match of("security.protocol") {
        Err(why) => Fact::unknown(why),
        Ok(Some((protocol, at))) => {
            let secure = protocol.to_ascii_lowercase().ends_with("ssl");
            Fact::at(secure, Rank::Configured, at, format!("security.protocol {protocol}"))
        }
        Ok(None) => driver.fact(false, "security.protocol is not set; the default is plaintext"),
    };
    let verified = match of("enable.ssl.certificate.verification") {
        Err(why) => Fact::unknown(why),
        Ok(Some((value, at))) => {
            Fact::at(value != "false", Rank::Configured, at, format!("verification {value}"))
        }
        Ok(None) => driver.fact(true, "certificates are verified by default"),
    };
    let identity = ["sasl.username", "sasl.mechanisms", "sasl.mechanism", "ssl.certificate.location"];
    let set = |key| of(key).ok().flatten().filter(|(value, _)| !value.is_empty());
    let shown = identity.into_iter().find_map(|key| Some((key, set(key)?.1)));
    Link {
        receiver: Receiver::Service(Service::Kafka),
        hosts: addresses(driver, driver.get("bootstrap-servers"), None, 9092),
        tls,
        verified,
        authenticated: match shown {
            Some((key, at)) => Fact::at(true, Rank::Configured, at, format!("{key} is set")),
            None => driver.fact(false, "no credential of librdkafka is set"),
        },
        retry: answered(driver),
    }
}

pub(super) fn unencrypted(
    driver: Driver<'_, '_>,
    service: Service,
    (key, host, port): (&str, &str, u16),
    identity: &[&str],
) -> Link {
    Link {
        receiver: Receiver::Service(service),
        hosts: addresses(driver, driver.get(key), Some(host), port),
        tls: driver.fact(false, "the driver has no TLS, or it is not set"),
        verified: verified(driver.option("tls"), driver),
        authenticated: driver.identity(identity),
        retry: answered(driver),
    }
}

pub(super) fn mongodb(driver: Driver<'_, '_>) -> Link {
    let uri = driver.get("uri");
    let options = uri.as_ref().map(|uri| uri.as_ref().map(|(uri, _)| uri.to_ascii_lowercase()));
    let tls = match options {
        Err(why) => Fact::unknown(why.clone()),
        Ok(uri) => {
            let uri = uri.unwrap_or_default();
            let on = ["tls=true", "ssl=true"].iter().any(|option| uri.contains(option))
                || uri.starts_with("mongodb+srv://");
            driver.fact(on, if on { "the URI asks for TLS" } else { "the URI does not ask for TLS" })
        }
    };
    let with_user = uri.as_ref().is_ok_and(|uri| uri.as_ref().is_some_and(|(uri, _)| uri.contains('@')));
    Link {
        receiver: Receiver::Service(Service::MongoDb),
        tls,
        verified: driver.fact(true, "certificates are verified by default"),
        authenticated: driver.fact(with_user, "whether the URI names a user"),
        hosts: addresses(driver, uri, Some("127.0.0.1"), 27017),
        retry: answered(driver),
    }
}
