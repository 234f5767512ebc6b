//! Values of parameters as facts: what is set, the default, or why it is not known.

use super::section::Section;
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// A value that is set, and where; none if the default holds.
pub(super) type Setting<'s> = Result<Option<(&'s str, String)>, String>;

impl Section<'_> {
    /// A parameter's value and place.
    pub(super) fn setting(&self, key: &str) -> Setting<'_> {
        let Some(param) = self.param(key) else { return Ok(None) };
        match &param.value {
            Ok(value) => Ok(value.as_deref().map(|value| (value, param.spot.at()))),
            Err(why) => Err(format!("{key} at {} is not known: {why}", param.spot.at())),
        }
    }

    /// A parameter's value, if it is known and not empty.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.setting(key).ok().flatten().map(|(value, _)| value).filter(|value| !value.is_empty())
    }

    /// The plugin. `type` is an old name of `@type`.
    pub(super) fn plugin(&self) -> Result<Option<&str>, String> {
        let key = if self.param("@type").is_some() { "@type" } else { "type" };
        Ok(self.setting(key)?.map(|(value, _)| value))
    }

    /// A boolean.
    pub(super) fn flag(&self, key: &str, default: bool, says: impl Fn(bool) -> String) -> Fact<bool> {
        match self.setting(key) {
            Err(why) => Fact::unknown(why),
            Ok(None) => Fact::at(
                default,
                Rank::Configured,
                self.spot.at(),
                format!("{}: {key} is not set, the default is {default}", says(default)),
            ),
            Ok(Some((value, at))) => match value {
                "false" | "no" => {
                    Fact::at(false, Rank::Configured, at, format!("{}: {key} {value}", says(false)))
                }
                value if matches!(value, "true" | "yes" | "") || value.starts_with('#') => {
                    Fact::at(true, Rank::Configured, at, format!("{}: {key} true", says(true)))
                }
                _ => Fact::unknown(format!("{key} at {at} is not a boolean")),
            },
        }
    }

    /// Whether a boolean is on, what is not known being off.
    pub(super) fn is_on(&self, key: &str) -> bool {
        self.flag(key, false, |_| String::new()).value() == Some(&true)
    }

    /// Whether one of several parameters is set to anything, which shows who the sender is. Values are not told.
    pub(super) fn identity(&self, keys: &[&str]) -> Fact<bool> {
        let mut unseen = None;
        for key in keys {
            match self.setting(key) {
                Ok(Some((value, at))) if !value.is_empty() => {
                    return Fact::at(true, Rank::Configured, at, format!("{key} is set"));
                }
                Ok(_) => {}
                Err(why) => unseen = Some(why),
            }
        }
        match unseen {
            Some(why) => Fact::unknown(why),
            None => Fact::at(
                false,
                Rank::Configured,
                self.spot.at(),
                format!("none of {} is set", keys.join(", ")),
            ),
        }
    }
}

/// A list: JSON, or separated by commas.
pub(super) fn list(value: &str) -> Vec<String> {
    match serde_json::from_str::<Vec<serde_json::Value>>(value) {
        Ok(items) => items.iter().filter_map(crate::document::scalar).collect(),
        Err(_) => {
            value.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
        }
    }
}

/// A regular expression without the slashes around it. `i` behind them is kept as Rust and Go write it.
pub(super) fn regex(value: &str) -> String {
    let Some((inner, options)) = value.strip_prefix('/').and_then(|rest| rest.rsplit_once('/')) else {
        return value.to_owned();
    };
    if options.contains('i') { format!("(?i){inner}") } else { inner.to_owned() }
}

/// Whether a key of a filter is the namespace that `kubernetes_metadata` adds.
pub(super) fn is_namespace(key: &str) -> bool {
    matches!(
        key,
        "$.kubernetes.namespace_name"
            | "$['kubernetes']['namespace_name']"
            | "$[\"kubernetes\"][\"namespace_name\"]"
            | "$.kubernetes.namespace"
            | "$['kubernetes']['namespace']"
    )
}
