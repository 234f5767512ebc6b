//! Fields of a custom resource or of a YAML document, with the place each stands at.

use std::collections::BTreeMap;

use serde_json::Value;

use super::config::Variable;
use crate::analyze::fact::Fact;
use crate::document::{Document, Place, scalar};
use crate::snapshot::Resource;
use crate::verdict::Rank;

/// A value in a document, and the way to it.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    value: &'a Value,
    path: String,
    document: &'a str,
    marks: &'a BTreeMap<String, String>,
}

impl<'a> Fields<'a> {
    /// `spec` of a custom resource.
    pub fn spec(resource: &'a Resource) -> Self {
        Self { value: &resource.spec, path: "spec".into(), document: &resource.at, marks: &resource.marks }
    }

    /// `status` of a custom resource.
    pub fn status(resource: &'a Resource) -> Self {
        Self {
            value: &resource.status,
            path: "status".into(),
            document: &resource.at,
            marks: &resource.marks,
        }
    }

    /// A whole document.
    pub fn document(document: &'a Document) -> Self {
        let place = &document.place;
        Self { value: &document.value, path: String::new(), document: &place.at, marks: &place.marks }
    }

    /// The value itself.
    pub fn value(&self) -> &'a Value {
        self.value
    }

    /// Where it stands.
    pub fn at(&self) -> String {
        self.place_of(&self.path)
    }

    /// Where a field stands or, if it is not there, where it would.
    pub fn at_key(&self, key: &str) -> String {
        if self.value.get(key).is_some() { self.place_of(&self.join(key)) } else { self.at() }
    }

    /// Whether it is a mapping.
    pub fn is_map(&self) -> bool {
        self.value.is_object()
    }

    /// A field, unless it is null.
    pub fn get(&self, key: &str) -> Option<Self> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        Some(Self { value, path: self.join(key), document: self.document, marks: self.marks })
    }

    /// The value at a path of keys.
    pub fn at_path(&self, path: &[&str]) -> Option<Self> {
        path.iter().try_fold(self.clone(), |fields, key| fields.get(key))
    }

    /// A field that is text, a number or a boolean, as text; empty text counts as not set, as in Go.
    pub fn text(&self, key: &str) -> Option<String> {
        self.value.get(key).and_then(scalar).filter(|text| !text.is_empty())
    }

    /// A field that is a boolean, or one of the words that stand for one.
    pub fn flag(&self, key: &str) -> Option<bool> {
        match self.text(key)?.to_ascii_lowercase().as_str() {
            "true" | "on" | "yes" | "1" => Some(true),
            "false" | "off" | "no" | "0" => Some(false),
            _ => None,
        }
    }

    /// The elements of a field that is a list.
    pub fn items(&self, key: &str) -> Vec<Self> {
        self.get(key).map(|list| list.elements()).unwrap_or_default()
    }

    /// Its elements, if it is a list.
    pub fn elements(&self) -> Vec<Self> {
        let items = self.value.as_array().map_or(&[][..], Vec::as_slice);
        let element = |(index, value): (usize, &'a Value)| Self {
            value,
            path: format!("{}[{index}]", self.path),
            document: self.document,
            marks: self.marks,
        };
        items.iter().enumerate().map(element).collect()
    }

    /// The scalars of a field that is a list, or of a text separated by commas, and where they stand.
    pub fn list(&self, key: &str) -> Vec<(String, String)> {
        let Some(field) = self.get(key) else { return Vec::new() };
        match field.value {
            Value::Array(_) => {
                field.elements().iter().filter_map(|item| Some((scalar(item.value)?, item.at()))).collect()
            }
            value => {
                let text = scalar(value).unwrap_or_default();
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                parts.map(|part| (part.to_owned(), field.at())).collect()
            }
        }
    }

    /// The fields of a mapping that are not null, in their order.
    pub fn entries(&self) -> Vec<(&'a str, Self)> {
        let Some(map) = self.value.as_object() else { return Vec::new() };
        map.keys().filter_map(|key| Some((key.as_str(), self.get(key)?))).collect()
    }

    /// A fact that a field shows.
    pub fn known<T>(&self, key: &str, value: T, detail: impl Into<String>) -> Fact<T> {
        Fact::at(value, Rank::Configured, self.at_key(key), detail)
    }

    /// A flag, or its default.
    pub fn flag_or(&self, key: &str, default: bool) -> Fact<bool> {
        let word = |on| if on { "on" } else { "off" };
        match self.flag(key) {
            Some(flag) => self.known(key, flag, format!("{key} {}", word(flag))),
            None if self
                .get(key)
                .is_some_and(|field| scalar(field.value).is_none_or(|text| !text.is_empty())) =>
            {
                Fact::unknown(format!("{key} at {} is neither on nor off", self.at_key(key)))
            }
            None => self.known(key, default, format!("{key} is not set; the default is {}", word(default))),
        }
    }

    /// It as a document of its own, with the places of what is in it.
    pub fn to_document(&self) -> Document {
        let within = format!("{}.", self.path);
        let marks = self
            .marks
            .iter()
            .filter_map(|(path, mark)| Some((path.strip_prefix(&within)?.to_owned(), mark.clone())));
        Document { value: self.value.clone(), place: Place { at: self.at(), marks: marks.collect() } }
    }

    /// The variables of the containers of a pod template.
    pub fn variables(&self) -> Vec<(String, Variable)> {
        let containers = self.get("spec").map(|pod| pod.items("containers")).unwrap_or_default();
        let variables = containers.iter().flat_map(|container| container.items("env"));
        variables
            .filter_map(|variable| {
                let at = variable.at();
                let value = match variable.text("value") {
                    Some(value) => Variable::Seen(value, at),
                    None => Variable::Hidden("set from elsewhere".into(), at),
                };
                Some((variable.text("name")?, value))
            })
            .collect()
    }

    fn join(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn place_of(&self, path: &str) -> String {
        match self.marks.get(path) {
            Some(mark) => mark.clone(),
            None if path.is_empty() => self.document.to_owned(),
            None => format!("{} {path}", self.document),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::document::yaml;

    /// The custom resources of a text.
    pub(crate) fn resources(text: &str) -> Vec<Resource> {
        let parsed = yaml::parse(text);
        assert!(parsed.faults.is_empty(), "{:?}", parsed.faults);
        parsed.trees.into_iter().map(|tree| resource(&tree.document("cr.yaml"))).collect()
    }

    fn resource(document: &Document) -> Resource {
        let text = |pointer| crate::document::text(&document.value, pointer).to_owned();
        let labels = document.value.pointer("/metadata/labels").and_then(Value::as_object);
        Resource {
            group: text("/apiVersion").split('/').next().unwrap_or_default().to_owned(),
            kind: text("/kind"),
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name"),
            at: document.place.at.clone(),
            marks: document.place.marks.clone(),
            labels: labels
                .map(|map| {
                    map.iter().filter_map(|(key, value)| Some((key.clone(), scalar(value)?))).collect()
                })
                .unwrap_or_default(),
            spec: document.value.get("spec").cloned().unwrap_or_default(),
            status: document.value.get("status").cloned().unwrap_or_default(),
        }
    }

    #[test]
    fn fields_know_their_places() {
        let all = resources("kind: A\nspec:\n  a:\n    b: On\n  c: [x, z]\n  d: p, q\n  e: maybe\n");
        let spec = Fields::spec(&all[0]);
        assert_eq!(spec.get("a").unwrap().at_key("b"), "cr.yaml:4:5");
        assert_eq!(spec.get("a").unwrap().flag("b"), Some(true));
        assert_eq!(spec.list("c")[1], ("z".into(), "cr.yaml:5:10".into()));
        assert_eq!(spec.list("d")[1], ("q".into(), "cr.yaml:6:3".into()));
        assert_eq!(spec.at_key("missing"), "cr.yaml:2:1");
        assert!(spec.flag_or("e", true).value().is_none());
    }
}
