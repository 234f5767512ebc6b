//! What sources read (syslog-ng docs: source drivers; `AxoSyslog`: `scl/`).

use super::driver::{Driver, bytes};
use crate::analyze::collectors::config::Config;
use crate::analyze::collectors::model::{Effect, Glob, Listener, Source, Step};
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// Where packages and images keep what must not be forgotten, positions in files among it.
const STATE: &str = "/var/lib/syslog-ng/syslog-ng.persist";

/// `log-msg-size` unless set.
const LOG_MSG_SIZE: i64 = 64 * 1024;

const NETWORK: [&str; 12] = [
    "network",
    "syslog",
    "tcp",
    "tcp6",
    "udp",
    "udp6",
    "default-network-drivers",
    "opentelemetry",
    "axosyslog-otlp",
    "syslog-ng-otlp",
    "webhook",
    "http",
];

const OTLP: [&str; 3] = ["opentelemetry", "axosyslog-otlp", "syslog-ng-otlp"];

/// What a driver reads; none for what is no log.
pub(super) fn source(name: &str, driver: Driver<'_, '_>) -> Option<Source> {
    Some(match name {
        "file" | "linux-audit" => {
            let default = (name == "linux-audit").then_some("/var/log/audit/audit.log");
            Source::Files { include: path(driver, default), exclude: Vec::new() }
        }
        "wildcard-file" => Source::Files {
            include: vec![wildcard(driver, driver.plain("recursive").as_deref(), "*")],
            exclude: excluded(driver),
        },
        "kubernetes" => {
            Source::Files { include: vec![wildcard(driver, Some("yes"), "*.log")], exclude: excluded(driver) }
        }
        "systemd-journal" => {
            let only = ["match", "matches"].into_iter().filter_map(|key| driver.option(key));
            Source::Journal {
                folder: None,
                only: only
                    .map(|option| option.fact("match".into(), "only what it matches is read"))
                    .collect(),
            }
        }
        "stats-exporter" | "stats-exporter-dont-log" => return None,
        name if NETWORK.contains(&name) => {
            let protocol = if OTLP.contains(&name) { "otlp" } else { name };
            Source::Network { protocol: protocol.to_owned(), listeners: listeners(name, driver) }
        }
        name => Source::Other(name.to_owned()),
    })
}

/// Where a driver listens (`modules/afsocket/transport-mapper-inet.c` has the defaults).
fn listeners(name: &str, driver: Driver<'_, '_>) -> Vec<Listener> {
    let transport = match driver.get("transport") {
        Err(why) => {
            return vec![Listener {
                port: Fact::unknown(why.clone()),
                tls: Fact::unknown(why),
                is_local: false,
            }];
        }
        Ok(set) => set.map_or_else(|| "tcp".to_owned(), |(transport, _)| transport.to_ascii_lowercase()),
    };
    let default = match (name, transport.as_str()) {
        ("syslog", "tcp") => 601,
        ("syslog", "tls") => 6514,
        ("network" | "syslog", "tcp" | "udp" | "tls") | ("tcp" | "tcp6" | "udp" | "udp6", _) => 514,
        _ if OTLP.contains(&name) => 4317,
        ("network" | "syslog", _) => 0,
        _ => return vec![Listener::unread(name, &driver.at())],
    };
    let set = ["port", "localport"].into_iter().find_map(|key| driver.get(key).transpose());
    let port = match set {
        Some(Err(why)) => Fact::unknown(why),
        Some(Ok((port, at))) => Fact::at(port.clone(), Rank::Configured, at, format!("port({port})")),
        None if default == 0 => Fact::unknown(format!("no port is set at {}", driver.at())),
        None => driver.fact(default.to_string(), format!("port is not set; the default is {default}")),
    };
    let section = driver.option("tls").or_else(|| driver.option("auth")?.option("tls"));
    let tls = match section {
        Some(section) => section.fact(true, "tls is set"),
        None => driver.fact(transport == "tls", "tls is not set"),
    };
    let host = ["ip", "localip"].into_iter().find_map(|key| driver.plain(key));
    vec![Listener::new(port, tls).bound_to(host.as_deref())]
}

/// Whether reading waits while nothing is taken: what is sent as datagrams does not.
pub(super) fn waits(name: &str, driver: Driver<'_, '_>) -> bool {
    let datagrams = driver.plain("transport").is_some_and(|transport| transport.contains("udp"));
    !datagrams && !matches!(name, "udp" | "udp6" | "unix-dgram" | "default-network-drivers" | "internal")
}

fn path(driver: Driver<'_, '_>, default: Option<&str>) -> Vec<Glob> {
    let named = match driver.value() {
        Ok(None) => driver.get("filename"),
        found => found,
    };
    vec![match (named, default) {
        (Err(why), _) => Fact::unknown(why),
        (Ok(Some((path, at))), _) => Fact::at(path.clone(), Rank::Configured, at, format!("file {path}")),
        (Ok(None), Some(default)) => driver.fact(default.to_owned(), format!("the default is {default}")),
        (Ok(None), None) => Fact::unknown(format!("no file is named at {}", driver.at())),
    }]
}

/// `base-dir` and `filename-pattern`, below it too with `recursive(yes)`.
fn wildcard(driver: Driver<'_, '_>, recursive: Option<&str>, default: &str) -> Glob {
    let folder = match driver.get("base-dir") {
        Err(why) => return Fact::unknown(why),
        Ok(Some((folder, _))) => folder,
        Ok(None) => "/var/log/containers".into(),
    };
    let pattern = match driver.get("filename-pattern") {
        Err(why) => return Fact::unknown(why),
        Ok(found) => found.map_or_else(|| default.to_owned(), |(pattern, _)| pattern),
    };
    let below = if matches!(recursive, Some("yes" | "on" | "1" | "true")) { "/**/" } else { "/" };
    let glob = format!("{}{below}{pattern}", folder.trim_end_matches('/'));
    driver.fact(glob.clone(), format!("reads {glob}"))
}

fn excluded(driver: Driver<'_, '_>) -> Vec<Glob> {
    let Some(option) = driver.option("exclude-pattern") else { return Vec::new() };
    let folder = driver.plain("base-dir").unwrap_or_else(|| "/var/log/containers".into());
    vec![match option.value() {
        Err(why) => Fact::unknown(why),
        Ok(found) => {
            let pattern = found.map(|(pattern, _)| pattern).unwrap_or_default();
            option.fact(
                format!("{}/**/{pattern}", folder.trim_end_matches('/')),
                format!("exclude-pattern {pattern}"),
            )
        }
    }]
}

/// Positions are kept in one file for the whole program.
pub(super) fn position(
    source: &Source,
    driver: Driver<'_, '_>,
    config: &Config,
) -> Option<Fact<Option<String>>> {
    if !matches!(source, Source::Files { .. } | Source::Journal { .. }) {
        return None;
    }
    Some(match config.argument(&["-R", "--persist-file"]) {
        Some(path) => driver.fact(Some(path.clone()), format!("positions are kept in {path}")),
        None => driver
            .fact(Some(STATE.into()), format!("--persist-file is not set; packages and images use {STATE}")),
    })
}

/// What is lost in the driver itself.
pub(super) fn steps(
    name: &str,
    source: &Source,
    driver: Driver<'_, '_>,
    options: Option<Driver<'_, '_>>,
) -> Vec<Step> {
    let mut steps = Vec::new();
    if !matches!(source, Source::Files { .. }) {
        return steps;
    }
    let size = [Some(driver), options].into_iter().flatten().find_map(|one| one.option("log-msg-size"));
    let (limit, at, shown) = match size.map(|size| (size.value(), size.at())) {
        None => (driver.fact(LOG_MSG_SIZE, ""), driver.at(), "64KiB, the default".to_owned()),
        Some((Ok(Some((text, at))), _)) => {
            let limit = bytes(&text).and_then(|size| i64::try_from(size).ok());
            let limit = match limit {
                Some(limit) => Fact::at(limit, Rank::Configured, at.clone(), ""),
                None => Fact::unknown(format!("the size {text} is none that is known ({at})")),
            };
            (limit, at, text)
        }
        Some((Ok(None), at)) => {
            (Fact::unknown(format!("log-msg-size at {at} has no value")), at, "it".into())
        }
        Some((Err(why), at)) => (Fact::unknown(why), at, "what is not seen".into()),
    };
    let what = format!("lines longer than {shown} are cut (log-msg-size)");
    steps.push(Step { at, what, effect: Effect::LongLines(limit) });
    if name == "wildcard-file" && !matches!(driver.get("max-files"), Ok(Some(_))) {
        let what = "files beyond 100 are not read, the default of max-files".to_owned();
        steps.push(Step { at: driver.at(), what, effect: Effect::Skips });
    }
    steps
}
