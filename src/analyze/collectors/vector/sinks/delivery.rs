//! Whether a sink shows who it is, where records wait and what becomes of those that cannot be sent.

use super::address::Address;
use super::kinds::{Cloud, Kind, Retries};
use crate::analyze::collectors::model::{Buffer, Receiver, Retry, WhenFull};
use crate::analyze::collectors::vector::field::Field;
use crate::analyze::collectors::vector::graph::Component;
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// How long Kafka's client tries if nothing is said.
const KAFKA_TIMEOUT: u64 = 300_000;

/// Whether it shows the receiver who it is.
pub(super) fn authenticated(field: &Field<'_>, kind: &Kind, addresses: &[Address]) -> Fact<bool> {
    let yes = |at: String, detail: String| Fact::at(true, Rank::Configured, at, detail);
    match kind.cloud {
        Cloud::Aws => return yes(field.at(), "requests to AWS are signed".to_owned()),
        Cloud::Google => {
            if let Some(skip) = field.get("skip_authentication") {
                return skip.flag().map(|skips| !skips);
            }
            return yes(field.at(), "requests carry a token of Google Cloud".to_owned());
        }
        Cloud::No => {}
    }
    if let Some(sasl) = field.get("sasl.enabled") {
        return sasl.flag();
    }
    let auth = field.get("auth").filter(Field::is_mapping);
    let key = kind.identity.iter().find_map(|key| field.get(key)).or_else(|| field.get("tls.crt_file"));
    if let Some(set) = auth.or(key).or_else(|| telling_header(field)).or_else(|| kafka_option(field)) {
        return yes(set.at(), format!("{} is set", set.key()));
    }
    if let Some(address) = addresses.iter().find(|address| address.has_user()) {
        return yes(address.at.clone(), "the address names a user".to_owned());
    }
    Fact::at(false, Rank::Configured, field.at(), "no user, token or client certificate is set")
}

/// A header that carries a credential, by its name.
fn telling_header<'a>(field: &Field<'a>) -> Option<Field<'a>> {
    let headers = ["request.headers", "headers", "protocol.request.headers"];
    let headers =
        headers.into_iter().filter_map(|path| field.get(path)).flat_map(|headers| headers.entries());
    headers
        .filter(|(name, _)| {
            let name = name.to_ascii_lowercase();
            ["authorization", "api-key", "apikey", "token", "secret"].iter().any(|word| name.contains(word))
        })
        .map(|(_, header)| header)
        .next()
}

fn kafka_option<'a>(field: &Field<'a>) -> Option<Field<'a>> {
    let options = field.get("librdkafka_options")?;
    ["sasl.mechanism", "sasl.mechanisms", "sasl.username", "ssl.certificate.location"]
        .into_iter()
        .find_map(|key| options.entry(key))
}

/// Where records wait: in memory unless a stage of `buffer` is on disk (Vector docs: buffering model).
pub(super) fn buffer(sink: &Component<'_>, data_dir: &Fact<String>) -> Fact<Buffer> {
    let default = || {
        Fact::at(
            Buffer::Memory,
            Rank::Configured,
            sink.field.at(),
            "buffer is not set; the default is memory",
        )
    };
    let Some(buffer) = sink.field.get("buffer") else { return default() };
    let mut found = None;
    for stage in buffer.items() {
        let Some(kind) = stage.get("type") else { continue };
        match kind.scalar().as_deref() {
            Ok("memory") => {}
            Ok("disk" | "disk_v1") => {
                let folder = data_dir
                    .value()
                    .map(|dir| format!("{}/buffer/v2/{}", dir.trim_end_matches('/'), sink.id));
                return Fact::at(Buffer::Disk(folder), Rank::Configured, kind.at(), "buffer.type disk");
            }
            Ok(_) => {
                return Fact::unknown(format!(
                    "the type of buffer at {} is not one that is known",
                    kind.at()
                ));
            }
            Err(why) => return Fact::unknown(why.clone()),
        }
        found = Some(Fact::at(Buffer::Memory, Rank::Configured, kind.at(), "buffer.type memory"));
    }
    found.unwrap_or_else(default)
}

/// What happens when the last stage of the buffer is full: it blocks unless said otherwise.
pub(super) fn when_full(sink: &Component<'_>) -> Fact<WhenFull> {
    let stages = sink.field.get("buffer").map(|buffer| buffer.items()).unwrap_or_default();
    // A stage that drops does so before a later one is asked.
    let set: Vec<Field<'_>> = stages.iter().filter_map(|stage| stage.get("when_full")).collect();
    for one in &set {
        match one.scalar().as_deref() {
            Ok("drop_newest") => {
                return Fact::at(WhenFull::Drops, Rank::Configured, one.at(), "when_full drop_newest");
            }
            Ok("block" | "overflow") => {}
            Ok(_) => return Fact::unknown(format!("when_full at {} is not one that is known", one.at())),
            Err(why) => return Fact::unknown(why.clone()),
        }
    }
    match set.last().filter(|last| last.text() == "block") {
        Some(last) => Fact::at(WhenFull::Waits, Rank::Configured, last.at(), "when_full block"),
        None => Fact::at(
            WhenFull::Waits,
            Rank::Configured,
            sink.field.at(),
            "when_full is not set; the default is block",
        ),
    }
}

/// What is done about records that could not be sent (Vector docs: `request.retry_attempts`, without limit by default).
pub(super) fn retry(field: &Field<'_>, kind: &Kind) -> Fact<Retry> {
    let forever = |detail: &str| Fact::at(Retry::Forever, Rank::Configured, field.at(), detail);
    match kind.retries {
        Retries::Request => match field.get("request.retry_attempts") {
            None => forever("request.retry_attempts is not set; the default is without limit"),
            Some(set) => match set.scalar() {
                Ok(count) => {
                    let detail = format!("retry_attempts {count}");
                    let retry = match count.parse::<u64>() {
                        Ok(0) => Retry::Never,
                        Ok(1) => Retry::Limited("1 retry".to_owned()),
                        // The largest number stands for no limit.
                        Ok(count) if count >= 1 << 40 => Retry::Forever,
                        Ok(count) => Retry::Limited(format!("{count} retries")),
                        Err(_) => {
                            return Fact::unknown(format!("retry_attempts at {} is no number", set.at()));
                        }
                    };
                    Fact::at(retry, Rank::Configured, set.at(), detail)
                }
                Err(why) => Fact::unknown(why),
            },
        },
        Retries::Reconnects => forever("it connects anew until it succeeds"),
        Retries::Never => Fact::at(Retry::Never, Rank::Configured, field.at(), "datagrams are sent once"),
        Retries::Kafka => kafka_retry(field),
        Retries::Unsaid
            if matches!(kind.receiver, Receiver::File | Receiver::Console | Receiver::Nothing) =>
        {
            Fact::at(Retry::Never, Rank::Configured, field.at(), "it does not try again")
        }
        Retries::Unsaid => {
            Fact::unknown(format!("how often the sink at {} tries again is not documented", field.at()))
        }
    }
}

fn kafka_retry(field: &Field<'_>) -> Fact<Retry> {
    let set = field.get("message_timeout_ms");
    let millis = match set.as_ref().map(Field::scalar) {
        None => KAFKA_TIMEOUT,
        Some(Ok(text)) => match text.parse() {
            Ok(millis) => millis,
            Err(_) => return Fact::unknown("message_timeout_ms is no number"),
        },
        Some(Err(why)) => return Fact::unknown(why),
    };
    let (at, detail) = match set {
        Some(set) => (set.at(), format!("message_timeout_ms {millis}")),
        None => (field.at(), format!("message_timeout_ms is not set; the default is {KAFKA_TIMEOUT}")),
    };
    let retry =
        if millis == 0 { Retry::Forever } else { Retry::Limited(format!("{} seconds", millis / 1000)) };
    Fact::at(retry, Rank::Configured, at, detail)
}
