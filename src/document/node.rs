//! Values that know where they and their fields stand.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_yaml::Spanned;

use super::Place;

/// A value and the place it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The value.
    pub value: Value,
    /// Where it and its fields stand.
    pub place: Place,
}

/// A document before it is known whether anyone wants it.
#[derive(Debug, Clone)]
pub enum Tree {
    /// From YAML: every value knows its line and column.
    Marked(Mark, Node),
    /// From JSON, which is read without positions.
    Plain(Value),
}

/// A line and a column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

/// A YAML value. Fields of a mapping are marked where their key stands, elements of a list where they begin.
#[derive(Debug, Clone)]
pub enum Node {
    /// No value.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<(Mark, Node)>),
    /// A mapping, each key once.
    Map(Vec<(String, Mark, Node)>),
}

impl Tree {
    /// A text field of the value itself, or `""`.
    pub fn text(&self, key: &str) -> &str {
        match self {
            Self::Marked(_, node) => node.get(key).map_or("", Node::text),
            Self::Plain(value) => value.get(key).and_then(Value::as_str).unwrap_or_default(),
        }
    }

    /// Whether the value is a mapping.
    pub fn is_mapping(&self) -> bool {
        matches!(self, Self::Marked(_, Node::Map(_)) | Self::Plain(Value::Object(_)))
    }

    /// The value at a path of keys.
    pub fn at(&self, path: &[&str]) -> Option<Value> {
        match self {
            Self::Marked(_, node) => {
                path.iter().try_fold(node, |node, key| node.get(key)).map(|node| node.clone().into_value())
            }
            Self::Plain(value) => path.iter().try_fold(value, |value, key| value.get(key)).cloned(),
        }
    }

    /// The elements of the list that the value is, or has as its field `items`; the value itself if there is none.
    ///
    /// # Errors
    /// It is no list: the value as it was.
    pub fn into_items(self) -> Result<Vec<Self>, Self> {
        let items = match self {
            Self::Marked(_, Node::List(items)) => items,
            Self::Marked(mark, Node::Map(mut entries)) => {
                match entries
                    .iter_mut()
                    .find(|(key, _, node)| key == "items" && matches!(node, Node::List(_)))
                {
                    Some((_, _, Node::List(items))) => std::mem::take(items),
                    _ => return Err(Self::Marked(mark, Node::Map(entries))),
                }
            }
            Self::Plain(Value::Array(items)) => return Ok(items.into_iter().map(Self::Plain).collect()),
            Self::Plain(Value::Object(mut fields)) => match fields.get_mut("items") {
                Some(Value::Array(items)) => {
                    return Ok(std::mem::take(items).into_iter().map(Self::Plain).collect());
                }
                _ => return Err(Self::Plain(Value::Object(fields))),
            },
            other => return Err(other),
        };
        Ok(items.into_iter().map(|(mark, node)| Self::Marked(mark, node)).collect())
    }

    /// The value with the places of all its fields. `name` is the file's.
    pub fn document(self, name: &str) -> Document {
        match self {
            Self::Marked(mark, node) => {
                let place = node.place(mark, name);
                Document { value: node.into_value(), place }
            }
            Self::Plain(value) => Document { place: Place::of(name), value },
        }
    }
}

impl Mark {
    /// Where a value was written.
    pub fn of<T>(spanned: &Spanned<T>) -> Self {
        // What an alias or a merge key brings in stands where it was written.
        let narrow = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        Self { line: narrow(spanned.defined.line()), column: narrow(spanned.defined.column()) }
    }
}

impl Node {
    /// A field of a mapping.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(entries) => entries.iter().find(|(name, _, _)| name == key).map(|(_, _, node)| node),
            _ => None,
        }
    }

    /// The text, or `""`.
    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            _ => "",
        }
    }

    /// The places of the value and of everything below it.
    pub fn place(&self, mark: Mark, name: &str) -> Place {
        let mut marks = BTreeMap::new();
        self.collect_marks(&mut String::new(), name, &mut marks);
        Place { at: format!("{name}:{}:{}", mark.line, mark.column), marks }
    }

    fn collect_marks(&self, path: &mut String, name: &str, marks: &mut BTreeMap<String, String>) {
        let length = path.len();
        let mut visit = |path: &mut String, mark: &Mark, node: &Self| {
            marks.insert(path.clone(), format!("{name}:{}:{}", mark.line, mark.column));
            node.collect_marks(path, name, marks);
            path.truncate(length);
        };
        match self {
            Self::List(items) => {
                for (index, (mark, node)) in items.iter().enumerate() {
                    path.push('[');
                    path.push_str(&index.to_string());
                    path.push(']');
                    visit(path, mark, node);
                }
            }
            Self::Map(entries) => {
                for (key, mark, node) in entries {
                    if length > 0 {
                        path.push('.');
                    }
                    path.push_str(key);
                    visit(path, mark, node);
                }
            }
            _ => {}
        }
    }

    /// The value without places.
    pub fn into_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(flag) => Value::Bool(flag),
            Self::Number(number) => Value::Number(number),
            Self::Text(text) => Value::String(text),
            Self::List(items) => Value::Array(items.into_iter().map(|(_, node)| node.into_value()).collect()),
            Self::Map(entries) => Value::Object(
                entries.into_iter().map(|(key, _, node)| (key, node.into_value())).collect::<Map<_, _>>(),
            ),
        }
    }

    /// Moves all marks down.
    pub fn shift(&mut self, lines: u32) {
        match self {
            Self::List(items) => {
                for (mark, node) in items {
                    mark.line = mark.line.saturating_add(lines);
                    node.shift(lines);
                }
            }
            Self::Map(entries) => {
                for (_, mark, node) in entries {
                    mark.line = mark.line.saturating_add(lines);
                    node.shift(lines);
                }
            }
            _ => {}
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Node, E> {
        Ok(Node::Bool(flag))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Node, E> {
        Ok(Node::Number(number.into()))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Node, E> {
        Ok(Node::Number(number.into()))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Node, E> {
        /// Up to here every whole number has a float of its own.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        // Go writes a whole float without a fraction.
        let whole = if number.fract() == 0.0 && number.abs() < EXACT {
            format!("{number:.0}").parse::<i64>().ok()
        } else {
            None
        };
        let number = whole.map(Number::from).or_else(|| Number::from_f64(number));
        Ok(number.map_or(Node::Null, Node::Number))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Node, E> {
        Ok(Node::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element::<Spanned<Node>>()? {
            items.push((Mark::of(&item), item.value));
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, node)) = access.next_entry::<Spanned<String>, Node>()? {
            entries.push((Mark::of(&key), key.value, node));
        }
        let last: Vec<bool> = {
            let mut seen = BTreeSet::new();
            entries.iter().rev().map(|(_, key, _)| seen.insert(key.as_str())).collect()
        };
        let entries = entries
            .into_iter()
            .zip(last.into_iter().rev())
            .filter_map(|((mark, key, node), last)| last.then_some((key, mark, node)))
            .collect();
        Ok(Node::Map(entries))
    }
}
