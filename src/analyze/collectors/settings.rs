//! Configurations in YAML as values that know where they stand, and which of them come from what is not seen.

mod variables;

use std::collections::BTreeMap;
use std::ops::Bound;

use serde_json::Value;

pub use variables::Piece;

use super::config::MAX_BYTES;
use super::dialect::Unreadable;
use crate::analyze::fact::Fact;
use crate::document::{Place, scalar, yaml};
use crate::verdict::Rank;

/// How deep a value may be nested, variables and dotted keys replaced.
const MAX_VALUE_DEPTH: usize = 200;

/// A configuration.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    value: Value,
    place: Place,
    /// Paths of texts whose variables are not seen, and why.
    unseen: BTreeMap<String, String>,
}

/// A value of it, or the place where one is not set.
#[derive(Debug, Clone)]
pub struct Setting<'a> {
    all: &'a Settings,
    value: &'a Value,
    path: String,
    /// The path of the deepest value on the way that there is.
    present: String,
    /// Its name below the value it was looked up from.
    name: String,
    why: Option<&'a str>,
}

static NULL: Value = Value::Null;

impl Settings {
    /// The first document of a text, which is all that programs in Go read.
    ///
    /// # Errors
    /// It is not YAML.
    pub fn of_text(text: &str, name: &str) -> Result<Self, Unreadable> {
        if text.len() > MAX_BYTES {
            return Err(Unreadable::new(name, format!("larger than {MAX_BYTES} bytes")));
        }
        let (documents, faults) = yaml::nested(text, name);
        if let Some(fault) = faults.first() {
            return Err(Unreadable::new(
                format!("{name}:{}:{}", fault.line, fault.column),
                fault.message.clone(),
            ));
        }
        let document = documents.into_iter().next();
        let (value, place) = document.map_or((Value::Null, Place::of(name)), |one| (one.value, one.place));
        Ok(Self { value, place, unseen: BTreeMap::new() })
    }

    /// A value that stands below `prefix` in an object.
    pub fn of_value(value: &Value, place: &Place, prefix: &str) -> Self {
        let below = |path: &str| {
            let rest = path.strip_prefix(prefix)?;
            match rest.strip_prefix('.') {
                Some(rest) => Some(rest.to_owned()),
                None if rest.starts_with('[') || rest.is_empty() => Some(rest.to_owned()),
                None => None,
            }
        };
        let marks: BTreeMap<String, String> = place
            .marks
            .range::<str, _>((Bound::Included(prefix), Bound::Unbounded))
            .take_while(|(path, _)| path.starts_with(prefix))
            .filter_map(|(path, mark)| Some((below(path)?, mark.clone())))
            .collect();
        let at = match marks.get("") {
            Some(mark) => mark.clone(),
            None if prefix.is_empty() => place.at.clone(),
            None => format!("{} {prefix}", place.at),
        };
        Self { value: value.clone(), place: Place { at, marks }, unseen: BTreeMap::new() }
    }

    /// Lays another configuration over this one: mappings are merged, everything else is replaced.
    pub fn overlay(&mut self, other: Self) {
        let mut marks = other.place.marks;
        if marks.is_empty() {
            mark_all(&other.value, &mut String::new(), &other.place.at, &mut marks);
        }
        if self.place.marks.is_empty() {
            mark_all(&self.value, &mut String::new(), &self.place.at, &mut self.place.marks);
        }
        self.place.marks.extend(marks);
        self.unseen.extend(other.unseen);
        merge(&mut self.value, other.value);
    }

    /// Makes nested mappings of keys with dots, as Beats do: `a.b: 1` is `a: {b: 1}`.
    pub fn split_dotted_keys(&mut self) {
        split(&mut self.value, 0);
    }

    /// Replaces `${…}` in all texts.
    pub fn replace_variables(&mut self, escapes: bool, lookup: &mut dyn FnMut(&str) -> Piece) {
        let mut variables = variables::Variables::new(lookup, escapes);
        let mut value = std::mem::take(&mut self.value);
        walk(&mut value, &mut String::new(), 0, &mut |path, text| match variables.whole(text, 0) {
            Ok(replaced) => replaced,
            Err(why) => {
                self.unseen.insert(path.to_owned(), why);
                None
            }
        });
        self.value = value;
    }

    /// The whole.
    pub fn root(&self) -> Setting<'_> {
        Setting {
            all: self,
            value: &self.value,
            path: String::new(),
            present: String::new(),
            name: String::new(),
            why: self.unseen.get("").map(String::as_str),
        }
    }

    /// Where the value at a path stands, or the nearest one above it.
    fn place_of(&self, path: &str) -> String {
        if path.is_empty() {
            return self.place.at.clone();
        }
        let mut path = path;
        if self.place.marks.is_empty() {
            return self.place.field(path);
        }
        loop {
            if let Some(mark) = self.place.marks.get(path) {
                return mark.clone();
            }
            // `a.b: 1` has no mark for `a`.
            let below = self.place.marks.range::<str, _>((Bound::Excluded(path), Bound::Unbounded)).next();
            if let Some((_, mark)) = below.filter(|(other, _)| is_below(other, path)) {
                return mark.clone();
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = path.get(..end).unwrap_or_default(),
                None => return self.place.at.clone(),
            }
        }
    }
}

fn is_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.starts_with(['.', '[']))
}

impl<'a> Setting<'a> {
    /// The value at keys, separated by dots.
    #[must_use]
    pub fn find(&self, keys: &str) -> Setting<'a> {
        let mut found = self.clone();
        for key in keys.split('.') {
            found = found.get(key);
        }
        keys.clone_into(&mut found.name);
        found
    }

    /// The value at a key, which may have dots.
    #[must_use]
    pub fn get(&self, key: &str) -> Setting<'a> {
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        self.child(self.value.get(key), path, key)
    }

    fn child(&self, value: Option<&'a Value>, path: String, name: &str) -> Setting<'a> {
        let present = if value.is_some() { path.clone() } else { self.present.clone() };
        let why = self.all.unseen.get(&path).map(String::as_str).or(self.why);
        Setting { all: self.all, value: value.unwrap_or(&NULL), path, present, name: name.to_owned(), why }
    }

    /// The entries of a mapping.
    pub fn entries(&self) -> Vec<(&'a str, Setting<'a>)> {
        let Value::Object(entries) = self.value else { return Vec::new() };
        entries.keys().map(|key| (key.as_str(), self.get(key))).collect()
    }

    /// The items of a list; a single value is a list of one.
    pub fn items(&self) -> Vec<Setting<'a>> {
        match self.value {
            Value::Array(items) => items
                .iter()
                .enumerate()
                .map(|(index, item)| self.child(Some(item), format!("{}[{index}]", self.path), &self.name))
                .collect(),
            Value::Null => Vec::new(),
            _ => vec![self.clone()],
        }
    }

    /// Where it stands; if it is not set, where the nearest value above it does.
    pub fn place(&self) -> String {
        self.all.place_of(&self.present)
    }

    /// Its name below the value it was looked up from.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a value is set, be it seen or not. `null` and empty texts are none.
    pub fn is_set(&self) -> bool {
        self.why.is_some() || !matches!(self.value, Value::Null) && self.value.as_str() != Some("")
    }

    /// Whether the key is there, with or without a value.
    pub fn is_present(&self) -> bool {
        self.path == self.present || self.why.is_some()
    }

    /// Whether it is a mapping.
    pub fn is_mapping(&self) -> bool {
        self.value.is_object()
    }

    /// Whether it is a list.
    pub fn is_list(&self) -> bool {
        self.value.is_array()
    }

    /// Why it is not seen, if it is not.
    pub fn why(&self) -> Option<&'a str> {
        self.why
    }

    /// A scalar as text.
    ///
    /// # Errors
    /// It is not seen; the reason.
    pub fn text(&self) -> Result<Option<String>, String> {
        match self.why {
            Some(why) => Err(why.to_owned()),
            None => Ok(scalar(self.value).filter(|text| !text.is_empty())),
        }
    }

    /// A scalar as text, or an empty one where it is not set or not seen.
    pub fn plain(&self) -> String {
        self.text().ok().flatten().unwrap_or_default()
    }

    /// A text as it is written where it is not seen what its variables stand for.
    pub fn raw(&self) -> &'a str {
        self.value.as_str().unwrap_or_default()
    }

    /// The texts of a list, with an unknown one for each that is not seen.
    pub fn texts(&self) -> Vec<Fact<String>> {
        let known = |item: &Setting<'_>| match item.text() {
            Ok(text) => text.map(|text| item.fact(text.clone(), format!("{} {text}", self.name))),
            Err(why) => Some(Fact::unknown(why)),
        };
        match self.why {
            Some(why) => vec![Fact::unknown(why)],
            None => self.items().iter().filter_map(known).collect(),
        }
    }

    /// A switch.
    pub fn flag(&self, default: bool) -> Fact<bool> {
        match self.text() {
            Err(why) => Fact::unknown(why),
            Ok(None) => self.fact(default, format!("{} is not set; the default is {default}", self.name)),
            Ok(Some(text)) => match text.to_ascii_lowercase().as_str() {
                "true" | "on" | "yes" | "1" => self.fact(true, format!("{} {text}", self.name)),
                "false" | "off" | "no" | "0" => self.fact(false, format!("{} {text}", self.name)),
                _ => Fact::unknown(format!("{} at {} is neither on nor off", self.name, self.place())),
            },
        }
    }

    /// A value shown by this setting.
    pub fn fact<T>(&self, value: T, detail: impl Into<String>) -> Fact<T> {
        Fact::at(value, Rank::Configured, self.place(), detail)
    }
}

fn mark_all(value: &Value, path: &mut String, at: &str, marks: &mut BTreeMap<String, String>) {
    let length = path.len();
    let mut visit = |path: &mut String, value: &Value| {
        marks.insert(path.clone(), format!("{at} {path}"));
        mark_all(value, path, at, marks);
        path.truncate(length);
    };
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push_str(&format!("[{index}]"));
                visit(path, item);
            }
        }
        Value::Object(entries) => {
            for (key, item) in entries {
                if length > 0 {
                    path.push('.');
                }
                path.push_str(key);
                visit(path, item);
            }
        }
        _ => {}
    }
}

fn merge(below: &mut Value, above: Value) {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            for (key, value) in above {
                match below.get_mut(&key) {
                    Some(slot) => merge(slot, value),
                    None => {
                        below.insert(key, value);
                    }
                }
            }
        }
        // An empty mapping, as `receivers:` is without one.
        (Value::Object(_), Value::Null) => {}
        (below, above) => *below = above,
    }
}

fn split(value: &mut Value, depth: usize) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| split(item, depth + 1)),
        Value::Object(entries) => {
            for (key, mut value) in std::mem::take(entries) {
                let parts: Vec<&str> = key.split('.').collect();
                let fits =
                    depth + parts.len() <= MAX_VALUE_DEPTH && parts.iter().all(|part| !part.is_empty());
                if !fits || parts.len() == 1 {
                    split(&mut value, depth + 1);
                    merge(entries.entry(key).or_insert(Value::Null), value);
                    continue;
                }
                split(&mut value, depth + parts.len());
                let mut parts = parts.into_iter();
                let first = parts.next().unwrap_or_default().to_owned();
                let nested = parts.rev().fold(value, |value, part| {
                    Value::Object(std::iter::once((part.to_owned(), value)).collect())
                });
                merge(entries.entry(first).or_insert(Value::Null), nested);
            }
        }
        _ => {}
    }
}

fn walk(
    value: &mut Value,
    path: &mut String,
    depth: usize,
    replace: &mut dyn FnMut(&str, &str) -> Option<Value>,
) {
    if depth > MAX_VALUE_DEPTH {
        return;
    }
    let length = path.len();
    match value {
        Value::String(text) => {
            if text.contains('$')
                && let Some(new) = replace(path, text)
            {
                *value = new;
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                path.push_str(&format!("[{index}]"));
                walk(item, path, depth + 1, replace);
                path.truncate(length);
            }
        }
        Value::Object(entries) => {
            for (key, item) in entries {
                if length > 0 {
                    path.push('.');
                }
                path.push_str(key);
                walk(item, path, depth + 1, replace);
                path.truncate(length);
            }
        }
        _ => {}
    }
}
