//! Settings of plugins as facts: what is set, the default, or why it is not known.

use super::syntax::{Plugin, Setting, Value};
use crate::analyze::collectors::config::Env;
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// A value that is set, and where; none if the default holds.
pub(super) type Found<T> = Result<Option<(T, String)>, String>;

/// A plugin with the variables of its container.
#[derive(Clone, Copy)]
pub(super) struct Settings<'s> {
    pub(super) plugin: &'s Plugin<'s>,
    pub(super) env: &'s Env,
}

impl<'s> Settings<'s> {
    pub(super) fn new(plugin: &'s Plugin<'_>, env: &'s Env) -> Self {
        Self { plugin, env }
    }

    pub(super) fn at(self) -> String {
        self.plugin.spot.at()
    }

    fn setting(self, key: &str) -> Option<&'s Setting<'s>> {
        self.plugin.settings.iter().rev().find(|setting| setting.key == key)
    }

    pub(super) fn is_set(self, key: &str) -> bool {
        self.setting(key).is_some()
    }

    /// A text, number or boolean.
    pub(super) fn text(self, key: &str) -> Found<String> {
        Ok(self.list(key)?.and_then(|(texts, at)| Some((texts.into_iter().next()?, at))))
    }

    /// One text or several.
    pub(super) fn list(self, key: &str) -> Found<Vec<String>> {
        let Some(setting) = self.setting(key) else { return Ok(None) };
        let at = setting.spot.at();
        let expanded: Result<Vec<String>, String> =
            texts(&setting.value).into_iter().map(|text| expand(text, self.env)).collect();
        match expanded {
            Ok(texts) => Ok(Some((texts, at))),
            Err(why) => Err(format!("{key} at {at} is not known: {why}")),
        }
    }

    /// The texts of a setting as they are written, keys of hashes too.
    pub(super) fn written(self, key: &str) -> Vec<&'s str> {
        self.setting(key).map(|setting| words(&setting.value)).unwrap_or_default()
    }

    /// The codec's name.
    pub(super) fn codec(self) -> Option<&'s str> {
        match &self.setting("codec")?.value {
            Value::Text(name) => Some(name),
            Value::Plugin(plugin) => Some(plugin.name),
            _ => None,
        }
    }

    /// A boolean, under the first of the names it has had that is set.
    pub(super) fn flag(self, keys: &[&str], default: bool, what: &str) -> Fact<bool> {
        let shown = |on: bool| format!("{what} {}", if on { "on" } else { "off" });
        let key = keys.iter().find(|key| self.is_set(key));
        let Some(key) = key.or_else(|| keys.first()) else { return Fact::unknown(what) };
        match self.text(key) {
            Err(why) => Fact::unknown(why),
            Ok(None) => {
                let detail = format!("{key} is not set; the default is {default}");
                Fact::at(default, Rank::Configured, self.at(), format!("{}: {detail}", shown(default)))
            }
            Ok(Some((value, at))) => match value.as_str() {
                "true" | "1" => Fact::at(true, Rank::Configured, at, format!("{}: {key} true", shown(true))),
                "false" | "0" => {
                    Fact::at(false, Rank::Configured, at, format!("{}: {key} false", shown(false)))
                }
                _ => Fact::unknown(format!("{key} at {at} is not a boolean")),
            },
        }
    }

    /// Whether one of several settings is set to anything, which shows who the sender is. Values are not told.
    pub(super) fn identity(self, keys: &[&str]) -> Fact<bool> {
        let mut set = keys.iter().filter_map(|key| self.setting(key));
        match set.next() {
            Some(setting) => {
                Fact::at(true, Rank::Configured, setting.spot.at(), format!("{} is set", setting.key))
            }
            None => {
                Fact::at(false, Rank::Configured, self.at(), format!("none of {} is set", keys.join(", ")))
            }
        }
    }
}

/// The texts of a value: of a list its elements'.
fn texts<'v>(value: &'v Value<'_>) -> Vec<&'v str> {
    match value {
        Value::Text(text) => vec![text],
        Value::List(items) => items.iter().flat_map(texts).collect(),
        Value::Map(_) | Value::Plugin(_) => Vec::new(),
    }
}

/// All texts of a value.
pub(super) fn words<'v>(value: &'v Value<'_>) -> Vec<&'v str> {
    match value {
        Value::Text(text) => vec![text],
        Value::List(items) => items.iter().flat_map(words).collect(),
        Value::Map(entries) => {
            entries.iter().flat_map(|(key, value)| std::iter::once(*key).chain(words(value))).collect()
        }
        Value::Plugin(plugin) => plugin.settings.iter().flat_map(|setting| words(&setting.value)).collect(),
    }
}

/// A text with its variables replaced: `${NAME}` and `${NAME:default}` (Logstash docs: environment variables).
pub(super) fn expand(text: &str, env: &Env) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((inside, behind)) = after.split_once('}') else { break };
        let (name, default) =
            inside.split_once(':').map_or((inside, None), |(name, default)| (name, Some(default)));
        out.push_str(before);
        match (env.get(name), default) {
            (Fact::Unknown(unknown), _) => return Err(unknown.reason),
            (Fact::Known(known), default) => match known.value.as_deref().or(default) {
                Some(value) => out.push_str(value),
                None => return Err(format!("{name} is not set; it may be in the keystore of Logstash")),
            },
        }
        rest = behind;
    }
    out.push_str(rest);
    Ok(out)
}
