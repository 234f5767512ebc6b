//! Clients: the places logs are sent to.

use super::yaml::Part;
use crate::analyze::collectors::endpoint::Endpoint;
use crate::analyze::collectors::loki::has_user;
use crate::analyze::collectors::model::{Buffer, Output, Receiver, Retry, WhenFull};
use crate::analyze::collectors::service::Service;
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// A client as an output.
pub(super) fn output(client: &Part<'_>, buffer: Fact<Buffer>) -> Output {
    let at = client.at();
    let fact = |value: bool, at: String, detail: String| Fact::at(value, Rank::Configured, at, detail);
    let url = client.get("url");
    let text = url.as_ref().map_or_else(|| Err("url is not set".to_owned()), Part::text);
    let place = url.map_or_else(|| at.clone(), |url| url.at());
    let address = text.and_then(|text| {
        Endpoint::parse(&text).map(|endpoint| (text, endpoint)).ok_or_else(|| "url is no address".to_owned())
    });
    let (hosts, tls) = match &address {
        Ok((_, endpoint)) => {
            let shown = endpoint.shown();
            let detail = format!("url {}://{shown}", endpoint.scheme);
            let tls = fact(endpoint.scheme == "https", place.clone(), format!("url {}://", endpoint.scheme));
            (Fact::at(vec![shown], Rank::Configured, place.clone(), detail), tls)
        }
        Err(why) => (Fact::unknown(why.clone()), Fact::unknown(why.clone())),
    };
    let user = address.as_ref().is_ok_and(|(url, _)| has_user(url));
    let service = address.ok().and_then(|(_, endpoint)| Service::of_host(&endpoint.host));
    Output {
        id: client.path().to_owned(),
        receiver: Receiver::Service(service.unwrap_or(Service::Loki)),
        hosts,
        verified: (tls.value() != Some(&false)).then(|| verified(client)),
        tls,
        authenticated: match identity(client) {
            Some(part) => fact(true, part.at(), format!("{} is set", part.path())),
            None if user => fact(true, place, "url names a user".into()),
            None => fact(false, at.clone(), "nothing is set that shows who sends".into()),
        },
        buffer,
        retry: retry(client),
        when_full: Fact::at(WhenFull::Waits, Rank::Configured, at.clone(), "reading waits for the client"),
        at,
    }
}

fn identity<'a>(client: &Part<'a>) -> Option<Part<'a>> {
    let settings = ["basic_auth", "bearer_token", "bearer_token_file", "authorization", "oauth2"];
    let certificate = || client.get("tls_config").and_then(|tls| tls.get("cert_file"));
    settings.iter().find_map(|name| client.get(name)).or_else(certificate)
}

fn verified(client: &Part<'_>) -> Fact<bool> {
    match client.get("tls_config").and_then(|tls| tls.get("insecure_skip_verify")) {
        Some(skip) => match skip.text() {
            Ok(text) => {
                let off = text == "true";
                let shown = if off { "on" } else { "off" };
                Fact::at(!off, Rank::Configured, skip.at(), format!("insecure_skip_verify {shown}"))
            }
            Err(why) => Fact::unknown(why),
        },
        None => Fact::at(
            true,
            Rank::Configured,
            client.at(),
            "insecure_skip_verify is not set; the default is off",
        ),
    }
}

/// No retries is no limit (grafana/dskit: backoff).
fn retry(client: &Part<'_>) -> Fact<Retry> {
    match client.get("backoff_config").and_then(|backoff| backoff.get("max_retries")) {
        Some(count) => match count.text().as_deref() {
            Ok("0") => Fact::at(Retry::Forever, Rank::Configured, count.at(), "max_retries 0 is no limit"),
            Ok(number) => {
                let limited = Retry::Limited(format!("{number} retries"));
                Fact::at(limited, Rank::Configured, count.at(), format!("max_retries {number}"))
            }
            Err(why) => Fact::unknown(why.clone()),
        },
        None => Fact::at(
            Retry::Limited("10 retries".into()),
            Rank::Configured,
            client.at(),
            "backoff_config.max_retries is not set; the default is 10",
        ),
    }
}

/// The log that is written before sending, which is off by default.
pub(super) fn buffer(root: &Part<'_>) -> Fact<Buffer> {
    let wal = root.get("wal");
    match wal.as_ref().and_then(|wal| wal.get("enabled")) {
        Some(enabled) => match enabled.text().as_deref() {
            Ok("true") => {
                let folder = wal.and_then(|wal| wal.get("dir")).and_then(|dir| dir.text().ok());
                Fact::at(Buffer::Disk(folder), Rank::Configured, enabled.at(), "wal.enabled on")
            }
            Ok(_) => Fact::at(Buffer::Memory, Rank::Configured, enabled.at(), "wal.enabled off"),
            Err(why) => Fact::unknown(why.clone()),
        },
        None => Fact::at(Buffer::Memory, Rank::Configured, root.at(), "wal is not set; the default is off"),
    }
}
