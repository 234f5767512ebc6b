//! Sections with their properties: what both formats of Fluent Bit are read into.

use super::value::Value;
use crate::analyze::fact::Fact;
use crate::verdict::{Evidence, Rank};

/// What a section sets up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The program itself.
    Service,
    /// An input.
    Input,
    /// A filter, or a processor of an input or output.
    Filter,
    /// An output.
    Output,
    /// An extension, such as the one that fetches its configuration from elsewhere.
    Custom,
    /// Anything else: parsers, stream processors, nodes of an upstream.
    Other,
}

/// A section, or an element of a list in YAML.
#[derive(Debug, Clone)]
pub(super) struct Section {
    pub kind: Kind,
    /// Where it begins.
    pub at: String,
    /// In the order they are written; the program lets the last of equal ones count.
    pub properties: Vec<Property>,
    /// Processors for logs, in their order (YAML only).
    pub processors: Vec<Self>,
    /// Rules that route by content (YAML only).
    pub directs: Vec<Direct>,
}

/// A key and its value.
#[derive(Debug, Clone)]
pub(super) struct Property {
    /// In lower case.
    pub key: String,
    /// As it is written.
    pub name: String,
    pub value: Value,
    pub at: String,
}

/// A rule below `routes.logs` of an input.
#[derive(Debug, Clone)]
pub(super) struct Direct {
    pub at: String,
    /// The outputs, by alias or name.
    pub to: Vec<String>,
    /// Whether it takes only records that fit a condition, or no other rule.
    pub conditional: bool,
}

impl Section {
    pub(super) fn new(kind: Kind, at: impl Into<String>) -> Self {
        Self { kind, at: at.into(), properties: Vec::new(), processors: Vec::new(), directs: Vec::new() }
    }

    /// The property that counts, if it is set and not empty.
    pub(super) fn get(&self, key: &str) -> Option<&Property> {
        self.properties.iter().rfind(|property| property.key == key).filter(|p| !p.value.is_empty())
    }

    /// All properties of a key that may be repeated.
    pub(super) fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a Property> {
        self.properties.iter().filter(move |property| property.key == key && !property.value.is_empty())
    }

    /// The text of a property, if it is set and seen.
    pub(super) fn seen(&self, key: &str) -> Option<String> {
        self.get(key)?.value.known().ok()
    }

    /// The text of a property that is no credential.
    pub(super) fn text(&self, key: &str) -> Option<Fact<String>> {
        self.get(key).map(Property::text)
    }

    /// The plugin's name, in lower case, or why it is not known.
    pub(super) fn plugin(&self) -> Result<String, String> {
        match self.properties.iter().rfind(|property| property.key == "name") {
            Some(property) if property.value.is_empty() => {
                Err(format!("{} at {} is empty", property.shown(), property.at))
            }
            Some(property) => property.value.known().map(|name| name.to_ascii_lowercase()),
            None => Err(format!("the section at {} has no name", self.at)),
        }
    }

    /// A switch, or the program's default for it.
    pub(super) fn flag(&self, key: &str, default: bool) -> Fact<bool> {
        let Some(property) = self.get(key) else {
            let word = if default { "on" } else { "off" };
            return self.default(default, &format!("{key} is not set; the default is {word}"));
        };
        match property.value.known().map(|value| switch(&value)) {
            Ok(Some(on)) => property.fact(on),
            Ok(None) => Fact::unknown(format!("{} at {} is neither on nor off", property.name, property.at)),
            Err(reason) => Fact::unknown(reason),
        }
    }

    /// A default of the program.
    pub(super) fn default<T>(&self, value: T, why: &str) -> Fact<T> {
        Fact::at(value, Rank::Configured, &*self.at, why)
    }
}

impl Property {
    /// A value that this property shows, with the property as evidence.
    pub(super) fn fact<T>(&self, value: T) -> Fact<T> {
        Fact::known(value, Rank::Configured, vec![self.evidence()])
    }

    /// The property with its value, which must not be a credential.
    pub(super) fn evidence(&self) -> Evidence {
        Evidence { at: self.at.clone(), detail: self.shown() }
    }

    /// Key and value in short.
    pub(super) fn shown(&self) -> String {
        format!("{} {}", self.name, shorten(self.value.raw()))
    }

    /// Its text, or why it is not known.
    pub(super) fn text(&self) -> Fact<String> {
        match self.value.known() {
            Ok(text) => self.fact(text),
            Err(reason) => Fact::unknown(reason),
        }
    }
}

/// Words for on and off, as `flb_utils_bool` has them.
pub(super) fn switch(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" => Some(true),
        "off" | "false" | "no" => Some(false),
        _ => None,
    }
}

/// A value short enough for one line.
pub(super) fn shorten(text: &str) -> String {
    const LONGEST: usize = 80;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
