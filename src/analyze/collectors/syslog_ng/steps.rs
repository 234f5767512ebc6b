//! What rewrites and parsers take away or change (syslog-ng docs: rewrites, parsers).

use std::collections::BTreeMap;

use super::driver::Driver;
use super::node::Node;
use crate::analyze::collectors::model::{Effect, Step};

/// Parsers that let everything pass.
const HARMLESS: [&str; 7] = [
    "kv-parser",
    "linux-audit-parser",
    "metrics-probe",
    "add-contextual-data",
    "geoip2",
    "map-value-pairs",
    "db-parser",
];

/// Parsers that let pass what does not fit, unless their flags or options say otherwise.
const LENIENT: [&str; 2] = ["csv-parser", "syslog-parser"];

/// Parsers that drop what does not fit: a parser that fails ends the way of a message.
const STRICT: [&str; 12] = [
    "json-parser",
    "date-parser",
    "regexp-parser",
    "xml",
    "cisco-parser",
    "apache-accesslog-parser",
    "kubernetes-metadata-parser",
    "tags-parser",
    "snmptrapd-parser",
    "sudo-parser",
    "iptables-parser",
    "websense-parser",
];

/// Something in a language of its own, which may drop records.
pub(super) fn script(at: String, name: &str) -> Step {
    Step { at, what: format!("{name} may drop or change records"), effect: Effect::Unclear }
}

/// The steps of the parsers in a statement.
pub(super) fn parsers(items: Vec<&[Node<'_>]>) -> Vec<Step> {
    let mut steps = Vec::new();
    for (name, driver) in items.into_iter().filter_map(Driver::of) {
        let drops = || Step {
            at: driver.at(),
            what: format!("what does not fit {name} is dropped"),
            effect: Effect::DropsSome,
        };
        let flags = driver.words("flags");
        let strict = flags.iter().any(|flag| flag == "drop-invalid")
            || ["drop-invalid", "drop-unmatched"]
                .iter()
                .any(|option| driver.flag(option, false).value() != Some(&false));
        match name.as_str() {
            name if STRICT.contains(&name) => steps.push(drops()),
            name if LENIENT.contains(&name) || HARMLESS.contains(&name) => {
                if strict {
                    steps.push(drops());
                }
            }
            _ => steps.push(script(driver.at(), &name)),
        }
    }
    steps
}

/// The step of a destination whose template leaves out the message; `named` are the templates it may refer to.
pub(super) fn template(driver: Driver<'_, '_>, named: &BTreeMap<String, String>) -> Option<Step> {
    ["template", "body", "message"].into_iter().find_map(|key| {
        let (written, at) = driver.get(key).ok().flatten()?;
        let text = match named.get(&written) {
            Some(text) => text,
            // A name that is not defined here: the program brings templates with it.
            None if !written.contains(['$', ' ', '\n']) => return None,
            None => &written,
        };
        // What a function puts in, such as format-json, may be the message.
        let holds = text.contains("$(")
            || ["MESSAGE", "MSG"]
                .iter()
                .any(|macro_name| text.replace("MSGHDR", "").replace("MSGID", "").contains(macro_name));
        let what = format!("{key} is a template without the message");
        (!holds).then_some(Step { at, what, effect: Effect::Unclear })
    })
}

/// The steps of the rewrites in a statement.
pub(super) fn rewrites(items: Vec<&[Node<'_>]>) -> Vec<Step> {
    let mut steps = Vec::new();
    for (name, driver) in items.into_iter().filter_map(Driver::of) {
        let at = driver.at();
        let of_message = || {
            let value = driver.plain("value").unwrap_or_else(|| "MESSAGE".into());
            matches!(value.as_str(), "MESSAGE" | "MSG" | "RAWMSG")
        };
        match name.as_str() {
            "subst" | "credit-card-mask" | "credit-card-hash" => {
                let what = format!("{name} replaces what it matches");
                steps.push(Step { at, what, effect: Effect::Redacts });
            }
            "unset" if of_message() => {
                steps.push(Step { at, what: "unset empties the message".into(), effect: Effect::Unclear });
            }
            "set" if of_message() && !computed(driver) => {
                let what = "set puts a text in place of the message".to_owned();
                steps.push(Step { at, what, effect: Effect::Unclear });
            }
            "groupunset" => {
                steps.push(Step { at, what: "groupunset removes fields".into(), effect: Effect::Redacts });
            }
            _ => {}
        }
    }
    steps
}

/// Whether a value is made of the message's own fields.
fn computed(driver: Driver<'_, '_>) -> bool {
    driver.value().ok().flatten().is_none_or(|(text, _)| text.contains('$'))
}
