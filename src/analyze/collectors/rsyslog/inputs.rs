//! What input modules read (rsyslog docs: input modules).

use super::globals::Globals;
use super::syntax::Program;
use super::value::Params;
use crate::analyze::collectors::config::resolve;
use crate::analyze::collectors::model::{Effect, Listener, Source, Step};
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// An input before its routes are known.
pub(super) struct Draft {
    pub(super) id: String,
    pub(super) at: String,
    pub(super) source: Source,
    pub(super) position: Option<Fact<Option<String>>>,
    pub(super) steps: Vec<Step>,
    pub(super) ruleset: Option<String>,
}

const NETWORK: [&str; 9] =
    ["imudp", "imtcp", "imptcp", "imrelp", "imhttp", "imgssapi", "imdtls", "imkafka", "imhiredis"];

/// `maxMessageSize` unless set.
const MAX_MESSAGE_SIZE: i64 = 8096;

/// Modules that read as soon as they are loaded.
const BY_THEMSELVES: [&str; 6] = ["imjournal", "imuxsock", "imklog", "imkmsg", "imdocker", "imsolaris"];

/// All inputs, each with a name of its own.
pub(super) fn drafts(program: &Program, globals: &Globals<'_>) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for module in &program.modules {
        let name = module.plain("load").unwrap_or_default();
        let name = name.rsplit('/').next().unwrap_or_default().trim_end_matches(".so").to_owned();
        if BY_THEMSELVES.contains(&name.as_str()) {
            drafts.push(draft(module, &name, globals));
        }
    }
    for input in &program.inputs {
        let name = input.plain("type").unwrap_or_default().to_ascii_lowercase();
        if BY_THEMSELVES.contains(&name.as_str()) && globals.module(&name).is_some() {
            continue;
        }
        drafts.push(draft(input, &name, globals));
    }
    let mut counts = std::collections::BTreeMap::new();
    for draft in &mut drafts {
        let count: &mut usize = counts.entry(draft.id.clone()).or_default();
        draft.id = format!("{}.{count}", draft.id);
        *count += 1;
    }
    drafts
}

fn draft(params: &Params, name: &str, globals: &Globals<'_>) -> Draft {
    let source = match name {
        "imfile" => Source::Files { include: files(params), exclude: Vec::new() },
        "imjournal" => Source::Journal { folder: None, only: Vec::new() },
        name if NETWORK.contains(&name) => {
            let listeners = listeners(params, name, globals);
            Source::Network { protocol: name.trim_start_matches("im").to_owned(), listeners }
        }
        name => Source::Other(name.to_owned()),
    };
    let position = match name {
        "imfile" => Some(state_of_files(params, globals)),
        "imjournal" => Some(state_of_journal(params, globals)),
        _ => None,
    };
    let module = globals.module(name);
    let ruleset = |params: &Params| params.plain("ruleset").filter(|name| !name.is_empty());
    Draft {
        id: name.to_owned(),
        at: params.at.clone(),
        source,
        position,
        steps: match name {
            "imfile" => long_lines(&params.at, globals).into_iter().collect(),
            "imjournal" => rates(params),
            _ => Vec::new(),
        },
        ruleset: ruleset(params).or_else(|| module.and_then(ruleset)),
    }
}

/// Where a module listens. That of TCP takes TLS by a mode of its stream driver, which may be set for all its inputs.
fn listeners(params: &Params, name: &str, globals: &Globals<'_>) -> Vec<Listener> {
    let known = |value: bool, detail: &str| Fact::at(value, Rank::Configured, params.at.clone(), detail);
    let tls = match name {
        "imtcp" => {
            let module = globals.module(name);
            let mode = |of: &Params| {
                ["streamdriver.mode", "streamdrivermode"].iter().find_map(|key| of.get(key).transpose())
            };
            match mode(params).or_else(|| module.and_then(mode)) {
                Some(Err(why)) => Fact::unknown(why),
                Some(Ok((mode, at))) => {
                    Fact::at(mode == "1", Rank::Configured, at, format!("StreamDriver.Mode {mode}"))
                }
                None => match globals.directive("inputtcpserverstreamdrivermode") {
                    Some((mode, at)) => Fact::at(mode == "1", Rank::Configured, at, format!("mode {mode}")),
                    None => known(false, "StreamDriver.Mode is not set; the default is without TLS"),
                },
            }
        }
        "imptcp" | "imudp" => known(false, "the module knows no TLS"),
        "imrelp" => params.flag("tls", false),
        "imdtls" => known(true, "the module always encrypts"),
        "imkafka" | "imhiredis" => return Vec::new(),
        _ => return vec![Listener::unread(name, &params.at)],
    };
    let port = match params.get("port") {
        Err(why) => Fact::unknown(why),
        Ok(Some((port, at))) => Fact::at(port.clone(), Rank::Configured, at, format!("port {port}")),
        Ok(None) => Fact::unknown(format!("no port is set at {}", params.at)),
    };
    vec![Listener::new(port, tls).bound_to(params.plain("address").as_deref())]
}

fn files(params: &Params) -> Vec<Fact<String>> {
    match params.get("file") {
        Err(why) => vec![Fact::unknown(why)],
        Ok(None) => Vec::new(),
        Ok(Some((path, at))) => vec![Fact::at(path.clone(), Rank::Configured, at, format!("File {path}"))],
    }
}

/// State files lie in `statefile.directory`, or else the working directory.
fn state_of_files(params: &Params, globals: &Globals<'_>) -> Fact<Option<String>> {
    let module = globals.module("imfile").map_or(Ok(None), |module| module.get("statefile.directory"));
    match (module, globals.folder()) {
        (Err(why), _) | (Ok(None), Err(why)) => Fact::unknown(why),
        (Ok(Some((folder, at))), _) | (Ok(None), Ok(Some((folder, at)))) => {
            let detail = format!("state files lie in {folder}");
            Fact::at(Some(folder), Rank::Configured, at, detail)
        }
        (Ok(None), Ok(None)) => Fact::unknown(format!(
            "workDirectory is not set: where the state of {} is kept depends on how rsyslog was built",
            params.at
        )),
    }
}

/// Without `StateFile` the position in the journal is not kept.
fn state_of_journal(params: &Params, globals: &Globals<'_>) -> Fact<Option<String>> {
    let set = match params.get("statefile") {
        Ok(None) => Ok(globals.directive("imjournalstatefile")),
        found => found,
    };
    match (set, globals.folder()) {
        (Err(why), _) => Fact::unknown(why),
        (Ok(None), _) => Fact::at(
            None,
            Rank::Configured,
            params.at.clone(),
            "StateFile is not set; the position in the journal is not kept by default",
        ),
        (Ok(Some((path, at))), folder) => {
            let folder = folder.ok().flatten().map(|(folder, _)| folder);
            let full = match folder {
                Some(folder) => resolve(&format!("{folder}/x"), &path),
                None => path.clone(),
            };
            Fact::at(Some(full), Rank::Configured, at, format!("StateFile {path}"))
        }
    }
}

/// What is longer than `maxMessageSize` is cut, or split in several, unless `oversizemsg.input.mode` accepts it (rsyslog docs:
/// global configuration).
fn long_lines(input: &str, globals: &Globals<'_>) -> Option<Step> {
    let mode = globals.get("oversizemsg.input.mode", "").ok().flatten();
    if mode.is_some_and(|(mode, _)| mode.eq_ignore_ascii_case("accept")) {
        return None;
    }
    let (limit, at, shown) = match globals.get("maxmessagesize", "maxmessagesize") {
        Err(why) => (Fact::unknown(why), input.to_owned(), "what is not seen".to_owned()),
        Ok(None) => {
            let limit = Fact::at(MAX_MESSAGE_SIZE, Rank::Configured, input, "");
            (limit, input.to_owned(), format!("{MAX_MESSAGE_SIZE} bytes, the default"))
        }
        Ok(Some((text, at))) => {
            let limit = match bytes(&text) {
                Some(limit) => Fact::at(limit, Rank::Configured, at.clone(), ""),
                None => Fact::unknown(format!("the size {text} is none that is known ({at})")),
            };
            (limit, at, text)
        }
    };
    let what = format!("lines longer than {shown} are cut (maxMessageSize)");
    Some(Step { at, what, effect: Effect::LongLines(limit) })
}

/// A size: a small letter counts in 1024s, a large one in 1000s.
fn bytes(text: &str) -> Option<i64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let factor: i64 = match unit {
        "" => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        "K" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(factor)
}

/// Above a rate records are dropped: imjournal lets 20,000 in 10 minutes pass by default.
fn rates(params: &Params) -> Vec<Step> {
    let step = |at: String, what: String| vec![Step { at, what, effect: Effect::Limits }];
    match params.get("ratelimit.burst") {
        Ok(Some((burst, _))) if burst == "0" => Vec::new(),
        Ok(Some((burst, at))) => step(at, format!("records above Ratelimit.Burst {burst} are dropped")),
        _ if params.plain("ratelimit.interval").is_some_and(|interval| interval == "0") => Vec::new(),
        _ => step(params.at.clone(), "records above 20000 in 10 minutes are dropped by default".into()),
    }
}
