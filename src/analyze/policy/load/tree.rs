//! The values of a document, each with the place where it stands.
//!
//! They lie in one table: what an alias brings in is there once, however often it is used, and a document nested ten
//! thousand levels deep is read and dropped without recursion.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

/// How deep values may be nested. The YAML and the JSON reader of kube-apiserver both stop here.
pub(super) const MAX_DEPTH: usize = 10_000;

/// A line and a column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct At {
    /// The line.
    pub line: u32,
    /// The column, in characters.
    pub column: u32,
}

impl At {
    /// The beginning of a text.
    pub const START: Self = Self { line: 1, column: 1 };

    /// A place from counts that start at 1.
    pub fn new(line: usize, column: usize) -> Self {
        let narrow = |number: usize| u32::try_from(number.max(1)).unwrap_or(u32::MAX);
        Self { line: narrow(line), column: narrow(column) }
    }
}

impl Default for At {
    fn default() -> Self {
        Self::START
    }
}

/// Why a text is no document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broken {
    /// Where.
    pub(super) at: At,
    /// What is wrong.
    pub(super) message: String,
    /// Whether it is this program that gives up, not the server.
    pub(super) is_limit: bool,
}

impl Broken {
    /// A fault for which the server refuses the text.
    pub(super) fn new(at: At, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), is_limit: false }
    }
}

/// A value in the table. `alias` tells that it was written elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ref {
    /// Its number.
    pub(super) id: usize,
    /// Whether an alias leads to it.
    pub(super) alias: bool,
}

/// A value and its place.
#[derive(Debug)]
pub(super) struct Node {
    /// Where it begins.
    pub(super) at: At,
    /// The value.
    pub(super) value: Value,
}

/// A value.
#[derive(Debug)]
pub(super) enum Value {
    /// None.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number, as JSON shows it.
    Number {
        /// In digits.
        text: String,
        /// Whether a 64-bit integer can hold it.
        integer: bool,
    },
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Ref>),
    /// A mapping.
    Map(Map),
}

impl Value {
    /// What it is called in messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number { .. } => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }
}

/// A mapping.
#[derive(Debug, Default)]
pub(super) struct Map {
    /// From YAML each key once; from JSON as often as it is written, since Go lays the later value over the earlier.
    pub(super) entries: Vec<Entry>,
    /// Keys that are there more than once.
    pub(super) repeated: Vec<Repeated>,
}

/// A key and its value.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The key.
    pub(super) key: String,
    /// Where the key stands.
    pub(super) at: At,
    /// The value.
    pub(super) value: Ref,
}

/// A key that is there more than once.
#[derive(Debug, Clone)]
pub(super) struct Repeated {
    /// The key.
    pub(super) key: String,
    /// Where it stands again.
    pub(super) at: At,
    /// Where it stood before.
    pub(super) before: At,
}

/// The values of a document.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// All values.
    pub(super) nodes: Vec<Node>,
    /// The document itself; none in a text without content.
    pub(super) root: Option<usize>,
    /// Whether the text was read as JSON.
    pub(super) json: bool,
}

/// Stands in for a number that is not in the table, which cannot be.
static NOTHING: Node = Node { at: At::START, value: Value::Null };

impl Tree {
    /// A value by its number.
    pub(super) fn node(&self, id: usize) -> &Node {
        self.nodes.get(id).unwrap_or(&NOTHING)
    }

    /// Adds a value.
    pub(super) fn add(&mut self, at: At, value: Value) -> usize {
        self.nodes.push(Node { at, value });
        self.nodes.len() - 1
    }

    /// Gives a value that was announced its content.
    pub(super) fn set(&mut self, id: usize, value: Value) {
        if let Some(node) = self.nodes.get_mut(id) {
            node.value = value;
        }
    }
}

impl Map {
    /// Notes which keys are there more than once and, for YAML, leaves only the last of each.
    pub(super) fn settle(&mut self, keep_all: bool) {
        let mut last: BTreeMap<&str, (usize, At)> = BTreeMap::new();
        let mut superseded = vec![false; self.entries.len()];
        for (index, entry) in self.entries.iter().enumerate() {
            if let Some((before, at)) = last.insert(&entry.key, (index, entry.at)) {
                self.repeated.push(Repeated { key: entry.key.clone(), at: entry.at, before: at });
                if let Some(superseded) = superseded.get_mut(before) {
                    *superseded = true;
                }
            }
        }
        if !keep_all && !self.repeated.is_empty() {
            let mut superseded = superseded.into_iter();
            self.entries.retain(|_| !superseded.next().unwrap_or_default());
        }
    }
}
