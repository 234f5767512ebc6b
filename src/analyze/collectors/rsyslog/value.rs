//! Parameters of objects as facts: what is set, the default, or why it is not known.

use crate::analyze::collectors::config::Env;
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// A value.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(String),
    List(Vec<String>),
    /// It is not known; the reason.
    Hidden(String),
}

/// The parameters of an object, names in lower case, and where they stand.
#[derive(Debug, Clone, Default)]
pub(super) struct Params {
    pub(super) at: String,
    pub(super) entries: Vec<(String, Value, String)>,
}

/// A value that is set, and where.
pub(super) type Found = Result<Option<(String, String)>, String>;

impl Value {
    /// What stands between backticks: `echo` with variables of the environment (rsyslog docs: string constants).
    pub(super) fn of_echo(command: &str, env: &Env) -> Self {
        let Some(text) = command.trim().strip_prefix("echo ") else {
            return Self::Hidden("it is what a command prints, or a file holds".into());
        };
        let mut out = String::new();
        let mut parts = text.split('$');
        out.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let inner = part.strip_prefix('{').and_then(|rest| rest.split_once('}'));
            let (name, rest) = inner.unwrap_or_else(|| {
                let end = part.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(part.len());
                part.split_at_checked(end).unwrap_or((part, ""))
            });
            match env.get(name) {
                Fact::Known(known) => out.push_str(known.value.as_deref().unwrap_or_default()),
                Fact::Unknown(unknown) => return Self::Hidden(unknown.reason),
            }
            out.push_str(rest);
        }
        Self::Text(out)
    }
}

impl Params {
    pub(super) fn of(at: &str, entries: &[(&str, &str)]) -> Self {
        let entry = |(key, value): &(&str, &str)| {
            ((*key).to_owned(), Value::Text((*value).to_owned()), at.to_owned())
        };
        Self { at: at.to_owned(), entries: entries.iter().map(entry).collect() }
    }

    pub(super) fn set(&mut self, key: &str, value: &str, at: &str) {
        self.entries.push((key.to_owned(), Value::Text(value.to_owned()), at.to_owned()));
    }

    fn entry(&self, key: &str) -> Option<&(String, Value, String)> {
        self.entries.iter().rev().find(|(name, ..)| name == key)
    }

    pub(super) fn is_set(&self, key: &str) -> bool {
        self.entry(key).is_some()
    }

    pub(super) fn get(&self, key: &str) -> Found {
        match self.entry(key) {
            None => Ok(None),
            Some((_, Value::Text(text), at)) => Ok(Some((text.clone(), at.clone()))),
            Some((_, Value::List(items), at)) => Ok(Some((items.join(","), at.clone()))),
            Some((_, Value::Hidden(why), at)) => Err(format!("{key} at {at} is not known: {why}")),
        }
    }

    /// A value, if it is known.
    pub(super) fn plain(&self, key: &str) -> Option<String> {
        self.get(key).ok().flatten().map(|(value, _)| value)
    }

    /// A switch.
    pub(super) fn flag(&self, key: &str, default: bool) -> Fact<bool> {
        let word = |on| if on { "on" } else { "off" };
        match self.get(key) {
            Err(why) => Fact::unknown(why),
            Ok(None) => {
                let detail = format!("{key} is not set; the default is {}", word(default));
                Fact::at(default, Rank::Configured, self.at.clone(), detail)
            }
            Ok(Some((value, at))) => match value.to_ascii_lowercase().as_str() {
                "on" | "yes" | "true" | "1" => Fact::at(true, Rank::Configured, at, format!("{key} on")),
                "off" | "no" | "false" | "0" => Fact::at(false, Rank::Configured, at, format!("{key} off")),
                _ => Fact::unknown(format!("{key} at {at} is neither on nor off")),
            },
        }
    }

    /// Whether one of several parameters is set to anything, which shows who the sender is. Values are not told.
    pub(super) fn identity(&self, keys: &[&str]) -> Fact<bool> {
        if let Some((key, _, at)) = keys.iter().find_map(|key| self.entry(key)) {
            return Fact::at(true, Rank::Configured, at.clone(), format!("{key} is set"));
        }
        let detail = format!("none of {} is set", keys.join(", "));
        Fact::at(false, Rank::Configured, self.at.clone(), detail)
    }
}
