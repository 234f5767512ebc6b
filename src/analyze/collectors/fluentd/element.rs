//! Sections that are not written in a text: what operators make of their resources.

use super::Unreadable;
use super::scan::Value;
use super::section::{Item, Param, Section, Spot};
use crate::analyze::collectors::config::File;
use crate::analyze::collectors::model::{Pipeline, Unread};

/// A section, with the places its parts come from.
#[derive(Debug)]
pub struct Element {
    name: String,
    argument: Option<String>,
    place: File,
    params: Vec<(String, Value, File)>,
    children: Vec<Child>,
}

#[derive(Debug)]
enum Child {
    Element(Element),
    Unseen(Unread),
}

impl Child {
    fn item(&self) -> Item<'_> {
        match self {
            Self::Unseen(unread) => Item::Unseen(unread.clone()),
            Self::Element(element) => Item::Section(element.section()),
        }
    }
}

fn place(at: impl Into<String>) -> File {
    File { at: at.into(), ..File::default() }
}

impl Element {
    /// A section without parameters.
    pub fn new(name: &str, argument: Option<&str>, at: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            argument: argument.map(str::to_owned),
            place: place(at),
            params: Vec::new(),
            children: Vec::new(),
        }
    }

    /// Adds a parameter: its value, or why it is not known.
    pub fn set(&mut self, key: impl Into<String>, value: Result<String, String>, at: impl Into<String>) {
        self.params.push((key.into(), value.map(Some), place(at)));
    }

    /// Adds a section.
    pub fn add(&mut self, element: Self) {
        self.children.push(Child::Element(element));
    }

    /// Adds a part that is not seen.
    pub fn add_unseen(&mut self, unread: Unread) {
        self.children.push(Child::Unseen(unread));
    }

    /// Gives it another name: an output becomes a store of another.
    pub fn rename(&mut self, name: &str) {
        name.clone_into(&mut self.name);
        self.argument = None;
    }

    /// Whether this is its name.
    pub fn is(&self, name: &str) -> bool {
        self.name == name
    }

    /// Where it comes from.
    pub fn at(&self) -> &str {
        &self.place.at
    }

    fn section(&self) -> Section<'_> {
        Section {
            name: &self.name,
            argument: Ok(self.argument.clone()),
            spot: Spot::of(&self.place),
            params: self
                .params
                .iter()
                .map(|(key, value, place)| Param {
                    key: key.clone(),
                    value: value.clone(),
                    spot: Spot::of(place),
                })
                .collect(),
            children: self.children.iter().map(Child::item).collect(),
        }
    }
}

/// Reads a configuration that an operator makes: `root` holds its sections.
///
/// # Errors
/// Fluentd would not start with it.
pub fn read(root: &Element) -> Result<Pipeline, Unreadable> {
    super::read_sections(&root.section())
}
