//! Where actions send to (rsyslog docs: output modules).

use super::globals::Globals;
use super::value::{Found, Params};
use crate::analyze::collectors::endpoint::Endpoint;
use crate::analyze::collectors::model::{Output, Receiver, Retry, WhenFull};
use crate::analyze::collectors::service::{Kind, Service};
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// How an action reaches its receiver.
struct Link {
    receiver: Receiver,
    hosts: Fact<Vec<String>>,
    tls: Fact<bool>,
    verified: Fact<bool>,
    authenticated: Fact<bool>,
}

/// An action of the old form as one of the new: `@host` is UDP, `@@host` TCP, each with options in brackets, a port and a
/// template behind a semicolon. None for what is only known as text.
pub(super) fn old(action: &str, at: &str) -> Option<Params> {
    let action = action.split(" #").next().unwrap_or_default().trim();
    if let Some(rest) = action.strip_prefix('@') {
        let (protocol, rest) = rest.strip_prefix('@').map_or(("udp", rest), |rest| ("tcp", rest));
        let rest =
            rest.strip_prefix('(').and_then(|rest| rest.split_once(')')).map_or(rest, |(_, rest)| rest);
        let address = rest.split([';', ' ', '\t']).next().unwrap_or_default();
        let endpoint = Endpoint::parse(address)?;
        let port = endpoint.port.unwrap_or(514).to_string();
        return Some(Params::of(
            at,
            &[("type", "omfwd"), ("target", &endpoint.host), ("port", &port), ("protocol", protocol)],
        ));
    }
    if let Some(rest) = action.strip_prefix(":omrelp:") {
        let address = rest.split(';').next().unwrap_or_default();
        let endpoint = Endpoint::parse(address)?;
        let port = endpoint.port.unwrap_or(514).to_string();
        return Some(Params::of(at, &[("type", "omrelp"), ("target", &endpoint.host), ("port", &port)]));
    }
    if let Some(rest) = action.strip_prefix(':') {
        return Some(Params::of(at, &[("type", rest.split(':').next().unwrap_or_default())]));
    }
    let path = action.trim_start_matches('-').split(';').next().unwrap_or_default();
    if path.starts_with('/') || path.starts_with('?') {
        return Some(Params::of(at, &[("type", "omfile"), ("file", path)]));
    }
    if action.starts_with('|') {
        return Some(Params::of(at, &[("type", "ompipe")]));
    }
    None
}

/// An output; none for actions that only change records. What happens when it is full is told for inputs that can wait.
pub(super) fn read(
    params: &Params,
    id: String,
    globals: &Globals<'_>,
    ruleset: Option<&Params>,
) -> Option<Output> {
    let kind = match params.get("type") {
        Ok(Some((kind, _))) => kind.to_ascii_lowercase(),
        Ok(None) => String::new(),
        Err(why) => why,
    };
    if kind.starts_with("mm") {
        return None;
    }
    let link = link(params, &kind, globals);
    let in_the_clear = link.tls.value() == Some(&false);
    let is_local = matches!(link.receiver, Receiver::Nothing | Receiver::Console | Receiver::File);
    Some(Output {
        id,
        at: params.at.clone(),
        receiver: by_host(link.receiver, &link.hosts),
        hosts: link.hosts,
        tls: link.tls,
        verified: (!in_the_clear).then_some(link.verified),
        authenticated: link.authenticated,
        buffer: globals.queue(params, ruleset, &params.at),
        retry: retry(params, is_local),
        when_full: when_full(params),
    })
}

/// What fits into no queue is discarded, unless everything before it can wait.
pub(super) fn discards(at: &str) -> Fact<WhenFull> {
    let detail =
        "what does not fit into the queue is discarded after queue.timeoutEnqueue, 2 seconds by default";
    Fact::at(WhenFull::Drops, Rank::Configured, at, detail)
}

/// Into a queue of its own an action is given records without regard to inputs that could wait (`action.c`:
/// `eFLOWCTL_NO_DELAY`); without one it makes the queue before it wait.
fn when_full(params: &Params) -> Fact<WhenFull> {
    match params.get("queue.type") {
        Err(why) => Fact::unknown(why),
        Ok(Some((kind, at))) if !kind.eq_ignore_ascii_case("direct") => discards(&at),
        Ok(_) => {
            let detail = "only files and the journal feed it, whose reading waits when the queue is full";
            Fact::at(WhenFull::Waits, Rank::Configured, params.at.clone(), detail)
        }
    }
}

/// By default an action is not tried again: what it was given when it failed is lost (rsyslog docs: actions,
/// `action.resumeRetryCount`).
fn retry(params: &Params, is_local: bool) -> Fact<Retry> {
    let udp = params.plain("type").is_some_and(|kind| kind.eq_ignore_ascii_case("omfwd"))
        && params.plain("protocol").is_none_or(|protocol| protocol.eq_ignore_ascii_case("udp"));
    if udp || is_local {
        let detail = if udp { "what is sent over UDP is not sent again" } else { "it is written at once" };
        return Fact::at(Retry::Never, Rank::Configured, params.at.clone(), detail);
    }
    match params.get("action.resumeretrycount") {
        Err(why) => Fact::unknown(why),
        Ok(Some((count, at))) => {
            let value = match count.as_str() {
                "-1" => Retry::Forever,
                "0" => Retry::Never,
                count => Retry::Limited(format!("{count} retries")),
            };
            Fact::at(value, Rank::Configured, at, format!("action.resumeRetryCount {count}"))
        }
        Ok(None) => Fact::at(
            Retry::Never,
            Rank::Configured,
            params.at.clone(),
            "action.resumeRetryCount is not set; the default is 0",
        ),
    }
}

fn by_host(receiver: Receiver, hosts: &Fact<Vec<String>>) -> Receiver {
    let is_open = match &receiver {
        Receiver::Http | Receiver::Syslog(_) => true,
        Receiver::Service(service) => service.kind() == Kind::Store,
        _ => false,
    };
    let host = hosts.value().and_then(|hosts| hosts.first()).and_then(|host| Endpoint::parse(host));
    match host.and_then(|host| Service::of_host(&host.host)) {
        Some(service) if is_open => Receiver::Service(service),
        _ => receiver,
    }
}

fn link(params: &Params, kind: &str, globals: &Globals<'_>) -> Link {
    match kind {
        "omdiscard" => local(params, Receiver::Nothing, "records are thrown away"),
        "omstdout" | "omusrmsg" | "omtesting" => local(params, Receiver::Console, "records go to a terminal"),
        "omfile" | "omjournal" | "omuxsock" => local(params, Receiver::File, "records stay on the node"),
        "omfwd" => forward(params, globals),
        "omrelp" => relp(params),
        "omelasticsearch" => search(params),
        "omhttp" => http(params),
        "omclickhouse" => Link {
            receiver: Receiver::Service(Service::ClickHouse),
            hosts: hosts(params, "server", Some("localhost"), ("port", 8123)),
            tls: params.flag("usehttps", true),
            ..http(params)
        },
        "omkafka" => kafka(params),
        "omhiredis" => store(params, Service::Redis, "server", ("serverport", 6379)),
        "ompgsql" => store(params, Service::PostgreSql, "server", ("port", 5432)),
        "omrabbitmq" => store(params, Service::RabbitMq, "host", ("port", 5672)),
        "ommongodb" => store(params, Service::MongoDb, "server", ("serverport", 27017)),
        "omazureeventhubs" => Link {
            tls: Fact::at(true, Rank::Configured, params.at.clone(), "Event Hubs is reached over AMQPS"),
            authenticated: params.identity(&["azure_key", "azure_key_name"]),
            ..store(params, Service::AzureEventHubs, "azurehost", ("azureport", 5671))
        },
        other => {
            let why = format!("how the action {other} at {} connects is not known here", params.at);
            Link {
                receiver: Receiver::Other(other.to_owned()),
                hosts: Fact::unknown(why.clone()),
                tls: Fact::unknown(why.clone()),
                verified: Fact::unknown(why.clone()),
                authenticated: Fact::unknown(why),
            }
        }
    }
}

fn local(params: &Params, receiver: Receiver, what: &str) -> Link {
    let no = || Fact::at(false, Rank::Configured, params.at.clone(), what);
    Link { receiver, hosts: no().map(|_| Vec::new()), tls: no(), verified: no(), authenticated: no() }
}

/// Hosts under a parameter, each with its port or that of another one.
fn hosts(params: &Params, key: &str, default: Option<&str>, port: (&str, u16)) -> Fact<Vec<String>> {
    let (text, at) = match (params.get(key), default) {
        (Err(why), _) => return Fact::unknown(why),
        (Ok(Some(found)), _) => found,
        (Ok(None), Some(default)) => (default.to_owned(), params.at.clone()),
        (Ok(None), None) => return Fact::unknown(format!("{key} is not set at {}", params.at)),
    };
    let port = match params.get(port.0) {
        Err(why) => return Fact::unknown(why),
        Ok(set) => set.and_then(|(port, _)| port.parse().ok()).unwrap_or(port.1),
    };
    let endpoints: Option<Vec<Endpoint>> = text.split(',').map(Endpoint::parse).collect();
    match endpoints {
        None => Fact::unknown(format!("{key} at {at} is no address")),
        Some(endpoints) => {
            let shown: Vec<String> = endpoints
                .into_iter()
                .map(|endpoint| Endpoint { port: endpoint.port.or(Some(port)), ..endpoint }.shown())
                .collect();
            Fact::at(shown.clone(), Rank::Configured, at, format!("sends to {}", shown.join(", ")))
        }
    }
}

/// omfwd: UDP by default. TCP is encrypted with `StreamDriverMode` 1, and then the receiver's name is verified unless
/// `StreamDriverAuthMode` is `anon` (rsyslog docs: omfwd, netstream drivers).
fn forward(params: &Params, globals: &Globals<'_>) -> Link {
    let setting = |key: &str, directive: &str| -> Found {
        match params.get(key)? {
            Some(found) => Ok(Some(found)),
            None => globals.get(&format!("default{key}"), directive),
        }
    };
    let (protocol, at) = match params.get("protocol") {
        Err(why) => (why, params.at.clone()),
        Ok(found) => found.map_or_else(
            || ("udp".to_owned(), params.at.clone()),
            |(text, at)| (text.to_ascii_lowercase(), at),
        ),
    };
    let tls = if protocol == "udp" {
        Fact::at(false, Rank::Configured, at, "protocol udp has no TLS")
    } else {
        match params.get("streamdrivermode") {
            Err(why) => Fact::unknown(why),
            Ok(Some((mode, at))) => {
                Fact::at(mode == "1", Rank::Configured, at, format!("StreamDriverMode {mode}"))
            }
            Ok(None) => {
                let detail = "StreamDriverMode is not set; the default is 0, without TLS";
                Fact::at(false, Rank::Configured, params.at.clone(), detail)
            }
        }
    };
    let verified = match params.get("streamdriverauthmode") {
        Err(why) => Fact::unknown(why),
        Ok(Some((mode, at))) => {
            let on = !mode.eq_ignore_ascii_case("anon");
            Fact::at(on, Rank::Configured, at, format!("StreamDriverAuthMode {mode}"))
        }
        Ok(None) => {
            let detail = "StreamDriverAuthMode is not set; the default is x509/name";
            Fact::at(true, Rank::Configured, params.at.clone(), detail)
        }
    };
    let authenticated = match setting("netstreamdrivercertfile", "defaultnetstreamdrivercertfile") {
        Err(why) => Fact::unknown(why),
        _ if tls.value() == Some(&false) => {
            Fact::at(false, Rank::Configured, params.at.clone(), "without TLS there is no certificate")
        }
        Ok(Some((_, at))) => Fact::at(true, Rank::Configured, at, "a certificate of its own is set"),
        Ok(None) => params.identity(&["streamdriver.certfile"]),
    };
    let shown = if tls.value() == Some(&true) { "tls".to_owned() } else { protocol };
    Link {
        receiver: Receiver::Syslog(shown),
        hosts: hosts(params, "target", None, ("port", 514)),
        tls,
        verified,
        authenticated,
    }
}

/// omrelp: without `tls.authMode` the receiver's certificate is not verified.
fn relp(params: &Params) -> Link {
    let verified = match params.get("tls.authmode") {
        Err(why) => Fact::unknown(why),
        Ok(Some((mode, at))) => Fact::at(true, Rank::Configured, at, format!("tls.authMode {mode}")),
        Ok(None) => {
            Fact::at(false, Rank::Configured, params.at.clone(), "tls.authMode is not set: anonymous TLS")
        }
    };
    Link {
        receiver: Receiver::Collector("relp".into()),
        hosts: hosts(params, "target", None, ("port", 514)),
        tls: params.flag("tls", false),
        verified,
        authenticated: params.identity(&["tls.mycert"]),
    }
}

/// Certificates are verified unless `allowUnsignedCerts` or `skipVerifyHost` is on (omelasticsearch, omhttp).
fn verified(params: &Params) -> Fact<bool> {
    let unsigned = params.flag("allowunsignedcerts", false).map(|on| !on);
    let skip = params.flag("skipverifyhost", false).map(|on| !on);
    unsigned.and(skip)
}

fn search(params: &Params) -> Link {
    let by_scheme = match params.get("server") {
        Ok(Some((server, at))) if server.contains("://") => {
            let secure = server.split(',').all(|one| one.trim().starts_with("https://"));
            Some(Fact::at(
                secure,
                Rank::Configured,
                at,
                if secure { "the scheme is https" } else { "the scheme is http" },
            ))
        }
        _ => None,
    };
    Link {
        receiver: Receiver::Service(Service::Elasticsearch),
        hosts: hosts(params, "server", Some("localhost"), ("serverport", 9200)),
        tls: by_scheme.unwrap_or_else(|| params.flag("usehttps", false)),
        verified: verified(params),
        authenticated: params.identity(&["pwd", "uid", "apikey", "tls.mycert"]),
    }
}

fn http(params: &Params) -> Link {
    let header = ["httpheaders", "httpheaderkey"].into_iter().find_map(|key| {
        let (text, at) = params.get(key).ok().flatten()?;
        let text = text.to_ascii_lowercase();
        ["authorization", "api-key", "apikey", "token"].iter().any(|word| text.contains(word)).then_some(at)
    });
    Link {
        receiver: Receiver::Http,
        hosts: hosts(params, "server", Some("localhost"), ("serverport", 443)),
        tls: params.flag("usehttps", true),
        verified: verified(params),
        authenticated: match header {
            Some(at) => Fact::at(true, Rank::Configured, at, "a header holds a credential"),
            None => params.identity(&["pwd", "uid", "tls.mycert"]),
        },
    }
}

/// omkafka: `confParam` holds settings of librdkafka, whose `security.protocol` is plaintext by default.
fn kafka(params: &Params) -> Link {
    let of = |key: &str| -> Found {
        let Some((all, at)) = params.get("confparam")? else { return Ok(None) };
        let found =
            all.split(',').filter_map(|pair| pair.split_once('=')).find(|(name, _)| name.trim() == key);
        Ok(found.map(|(_, value)| (value.trim().to_owned(), at)))
    };
    let tls = match of("security.protocol") {
        Err(why) => Fact::unknown(why),
        Ok(Some((protocol, at))) => {
            let secure = protocol.to_ascii_lowercase().ends_with("ssl");
            Fact::at(secure, Rank::Configured, at, format!("security.protocol {protocol}"))
        }
        Ok(None) => Fact::at(
            false,
            Rank::Configured,
            params.at.clone(),
            "security.protocol is not set; the default is plaintext",
        ),
    };
    let verified = match of("enable.ssl.certificate.verification") {
        Err(why) => Fact::unknown(why),
        Ok(Some((value, at))) => {
            Fact::at(value != "false", Rank::Configured, at, format!("verification {value}"))
        }
        Ok(None) => {
            Fact::at(true, Rank::Configured, params.at.clone(), "certificates are verified by default")
        }
    };
    let identity = [
        "sasl.username",
        "sasl.mechanisms",
        "sasl.mechanism",
        "ssl.certificate.location",
        "ssl.keystore.location",
    ];
    let shown = identity.into_iter().find_map(|key| Some((key, of(key).ok().flatten()?.1)));
    Link {
        receiver: Receiver::Service(Service::Kafka),
        hosts: hosts(params, "broker", Some("localhost"), ("", 9092)),
        tls,
        verified,
        authenticated: match shown {
            Some((key, at)) => Fact::at(true, Rank::Configured, at, format!("{key} is set")),
            None => params.identity(&["sasl.username"]),
        },
    }
}

fn store(params: &Params, service: Service, key: &str, port: (&str, u16)) -> Link {
    let why = format!("whether the action at {} encrypts is not known here", params.at);
    Link {
        receiver: Receiver::Service(service),
        hosts: hosts(params, key, Some("localhost"), port),
        tls: Fact::unknown(why.clone()),
        verified: Fact::unknown(why),
        authenticated: params.identity(&["pwd", "password", "pass", "serverpassword", "uid", "user"]),
    }
}
