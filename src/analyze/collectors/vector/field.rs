//! Fields of a configuration with the places they stand at.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::analyze::fact::Fact;
use crate::document::{self, Document};
use crate::verdict::Rank;

/// What encloses the name of a variable that is not seen, in the text of a configuration. Private characters, which no
/// configuration has a use for.
pub(super) const OPEN: char = '\u{e000}';
/// See [`OPEN`].
pub(super) const CLOSE: char = '\u{e001}';

/// A text that has been read.
#[derive(Debug)]
pub(in crate::analyze::collectors) struct Text {
    /// Its values and their places.
    pub document: Document,
    /// The variables in it that are not seen, and why.
    pub hidden: BTreeMap<String, String>,
}

impl Text {
    /// The field that is the whole text.
    pub(in crate::analyze::collectors) fn root(&self) -> Field<'_> {
        Field { value: &self.document.value, text: self, path: String::new() }
    }
}

/// A field.
#[derive(Debug, Clone)]
pub(in crate::analyze::collectors) struct Field<'a> {
    value: &'a Value,
    text: &'a Text,
    path: String,
}

impl<'a> Field<'a> {
    /// A field below this one, by its path. What is null is not there.
    pub(in crate::analyze::collectors) fn get(&self, path: &str) -> Option<Self> {
        path.split('.').try_fold(self.clone(), |field, key| field.entry(key))
    }

    /// A field by a key, which may hold dots.
    pub(in crate::analyze::collectors) fn entry(&self, key: &str) -> Option<Self> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Some(Self { value, text: self.text, path })
    }

    /// The fields of a mapping, in the order they are written.
    pub(in crate::analyze::collectors) fn entries(&self) -> Vec<(&'a str, Self)> {
        let keys = self.value.as_object().into_iter().flat_map(serde_json::Map::keys);
        keys.filter_map(|key| Some((key.as_str(), self.entry(key)?))).collect()
    }

    /// The elements of a list; of anything else, itself.
    pub(in crate::analyze::collectors) fn items(&self) -> Vec<Self> {
        match self.value {
            Value::Array(items) => items
                .iter()
                .enumerate()
                .map(|(index, value)| Self {
                    value,
                    text: self.text,
                    path: format!("{}[{index}]", self.path),
                })
                .collect(),
            _ => vec![self.clone()],
        }
    }

    /// Where it stands.
    pub(in crate::analyze::collectors) fn at(&self) -> String {
        if self.path.is_empty() {
            self.text.document.place.at.clone()
        } else {
            self.text.document.place.field(&self.path)
        }
    }

    /// Its last key.
    pub(in crate::analyze::collectors) fn key(&self) -> &str {
        self.path.rsplit('.').next().unwrap_or_default()
    }

    /// Whether it is a mapping.
    pub(in crate::analyze::collectors) fn is_mapping(&self) -> bool {
        self.value.is_object()
    }

    /// A scalar as text.
    ///
    /// # Errors
    /// It holds something that is not seen, or is no scalar; the reason.
    pub(in crate::analyze::collectors) fn scalar(&self) -> Result<String, String> {
        let text = document::scalar(self.value)
            .ok_or_else(|| format!("{} at {} is not a single value", self.key(), self.at()))?;
        match self.unseen(&text) {
            Some(why) => Err(why),
            None => Ok(text),
        }
    }

    /// A text, or `""` if it is none or is not seen.
    pub(in crate::analyze::collectors) fn text(&self) -> &'a str {
        self.value.as_str().filter(|text| self.unseen(text).is_none()).unwrap_or_default()
    }

    /// The text with variables that are not seen left in their marks.
    pub(in crate::analyze::collectors) fn raw(&self) -> &'a str {
        self.value.as_str().unwrap_or_default()
    }

    /// The text of a glob or name, and where it stands.
    pub(in crate::analyze::collectors) fn fact(&self) -> Fact<String> {
        match self.scalar() {
            Ok(text) => {
                let detail = format!("{} {text}", self.key());
                Fact::at(text, Rank::Configured, self.at(), detail)
            }
            Err(why) => Fact::unknown(why),
        }
    }

    /// A switch.
    pub(in crate::analyze::collectors) fn flag(&self) -> Fact<bool> {
        match self.scalar().as_deref() {
            Ok("true") => Fact::at(true, Rank::Configured, self.at(), format!("{} true", self.key())),
            Ok("false") => Fact::at(false, Rank::Configured, self.at(), format!("{} false", self.key())),
            Ok(_) => Fact::unknown(format!("{} at {} is neither true nor false", self.key(), self.at())),
            Err(why) => Fact::unknown(why.clone()),
        }
    }

    fn unseen(&self, text: &str) -> Option<String> {
        if let Some((_, rest)) = text.split_once(OPEN) {
            let name = rest.split(CLOSE).next().unwrap_or_default();
            let why = self.text.hidden.get(name).map_or("", String::as_str);
            return Some(format!("{} at {} is not known: {why}", self.key(), self.at()));
        }
        text.contains("SECRET[").then(|| {
            format!(
                "{} at {} is taken from a store of secrets when the program starts",
                self.key(),
                self.at()
            )
        })
    }
}
