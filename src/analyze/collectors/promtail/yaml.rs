//! Parts of a YAML document that know where they stand.

use serde_json::Value;

use crate::analyze::collectors::config::Env;
use crate::analyze::collectors::loki::Setting;
use crate::document::{Document, scalar};

/// A value, its path from the top and what stands around it.
#[derive(Clone)]
pub(super) struct Part<'a> {
    value: &'a Value,
    path: String,
    document: &'a Document,
    env: &'a Env,
}

impl<'a> Part<'a> {
    /// The whole document.
    pub(super) fn root(document: &'a Document, env: &'a Env) -> Self {
        Self { value: &document.value, path: String::new(), document, env }
    }

    /// The path from the top.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Where it stands.
    pub(super) fn at(&self) -> String {
        if self.path.is_empty() {
            self.document.place.at.clone()
        } else {
            self.document.place.field(&self.path)
        }
    }

    /// A field, unless it is null.
    pub(super) fn get(&self, key: &str) -> Option<Self> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        Some(self.below(key, value))
    }

    fn below(&self, key: &str, value: &'a Value) -> Self {
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Self { value, path, document: self.document, env: self.env }
    }

    /// The items of a list.
    pub(super) fn items(&self) -> Vec<Self> {
        let items = self.value.as_array().map(Vec::as_slice).unwrap_or_default();
        items
            .iter()
            .enumerate()
            .map(|(index, value)| Self {
                value,
                path: format!("{}[{index}]", self.path),
                document: self.document,
                env: self.env,
            })
            .collect()
    }

    /// The fields of a mapping.
    pub(super) fn fields(&self) -> Vec<(&'a str, Self)> {
        let fields = self.value.as_object();
        fields.into_iter().flatten().map(|(key, value)| (key.as_str(), self.below(key, value))).collect()
    }

    /// Whether it is neither a list nor a mapping.
    pub(super) fn is_scalar(&self) -> bool {
        !self.value.is_array() && !self.value.is_object()
    }

    /// It as text. Variables are replaced if the program is started with `-config.expand-env`, as it is where they are
    /// used; `${1}` is a group of a regular expression.
    pub(super) fn text(&self) -> Setting {
        let text = scalar(self.value).unwrap_or_default();
        let variable = text
            .split("${")
            .skip(1)
            .any(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'));
        if variable { self.env.expand(&text) } else { Ok(text) }
    }

    /// Its items as texts.
    pub(super) fn texts(&self) -> Result<Vec<String>, String> {
        self.items().iter().map(Self::text).collect()
    }
}
