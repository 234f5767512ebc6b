//! Values into a policy, with what is dropped on the way.
//!
//! The server's decoder (`sigs.k8s.io/json`) compares keys exactly, drops those it does not know, takes `null` for
//! nothing given, and lays the value of a repeated JSON key over the one before. Where a value has the wrong type it goes
//! on and fails at the end, so all such places are told.

use std::fmt;

use super::dropped;
use super::places::{FieldPlace, Places, ValuePlace};
use super::problem::{Problem, ProblemKind, Problems};
use super::tree::{Entry, Map, Tree, Value};
use super::{Format, metadata};
use crate::analyze::policy::{GroupResources, PolicyRule};

/// A policy before its levels and stages are known to exist.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// Stages, as written.
    pub(super) omit_stages: Vec<String>,
    /// Managed fields.
    pub(super) omit_managed_fields: bool,
    /// The rules.
    pub(super) rules: Vec<DraftRule>,
}

/// A rule before its level and stages are known to exist.
#[derive(Debug, Clone, Default)]
pub(super) struct DraftRule {
    /// The level, as written.
    pub(super) level: String,
    /// Stages, as written.
    pub(super) omit_stages: Vec<String>,
    /// The rest; its level and stages mean nothing.
    pub(super) rule: PolicyRule,
}

/// What decoding gives.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    /// The policy, without the values of a wrong type.
    pub(super) draft: Draft,
    /// Where everything stands.
    pub(super) places: Places,
    /// Values of a wrong type.
    pub(super) errors: Problems,
    /// What was dropped.
    pub(super) warnings: Problems,
}

/// Decodes the document.
pub(super) fn decode(tree: &Tree, root: usize, format: Format) -> Decoded {
    let mut decoder = Decoder { tree, format, errors: Problems::default(), warnings: Problems::default() };
    let mut draft = Draft::default();
    let policy = decoder.policy(root, &mut draft);
    Decoded { draft, places: Places { policy }, errors: decoder.errors, warnings: decoder.warnings }
}

/// The way to a value, written out only when a problem needs it.
#[derive(Clone, Copy)]
pub(super) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Field(&'a str),
    Item(usize),
}

impl<'a> Path<'a> {
    /// A field of the document.
    pub(super) fn top(field: &'a str) -> Self {
        Self { parent: None, step: Step::Field(field) }
    }

    /// A field of this.
    pub(super) fn field(&'a self, field: &'a str) -> Self {
        Self { parent: Some(self), step: Step::Field(field) }
    }

    /// An item of this.
    pub(super) fn item(&'a self, index: usize) -> Self {
        Self { parent: Some(self), step: Step::Item(index) }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Field(field) if self.parent.is_some() => write!(f, ".{field}"),
            Step::Field(field) => f.write_str(field),
            Step::Item(index) => write!(f, "[{index}]"),
        }
    }
}

/// Decodes values of one document.
pub(super) struct Decoder<'t> {
    /// The values.
    pub(super) tree: &'t Tree,
    format: Format,
    errors: Problems,
    /// What was dropped.
    pub(super) warnings: Problems,
}

impl<'t> Decoder<'t> {
    fn policy(&mut self, id: usize, draft: &mut Draft) -> ValuePlace {
        let mut place = ValuePlace { at: self.tree.node(id).at, ..ValuePlace::default() };
        // The header has seen that it is a mapping.
        let Value::Map(map) = &self.tree.node(id).value else { return place };
        let mut unknown = Vec::new();
        for entry in &map.entries {
            let path = Path::top(&entry.key);
            let items = match entry.key.as_str() {
                "apiVersion" | "kind" => {
                    self.text(entry.value.id, &path, &mut String::new());
                    Vec::new()
                }
                "metadata" => {
                    metadata::check(self, entry.value.id, &path);
                    Vec::new()
                }
                "omitStages" => self.texts(entry.value.id, &path, "stages", &mut draft.omit_stages),
                "omitManagedFields" if self.format.managed_fields => {
                    if let Some(flag) = self.flag(entry.value.id, &path) {
                        draft.omit_managed_fields = flag;
                    }
                    Vec::new()
                }
                "rules" => self.list(entry.value.id, &path, "rules", &mut draft.rules, Self::rule),
                _ => {
                    unknown.push(entry);
                    continue;
                }
            };
            self.note(&mut place, entry, items);
        }
        for entry in unknown {
            self.drop(entry, &Path::top(&entry.key), || dropped::from_policy(&entry.key, draft));
        }
        self.repeated(map, None);
        place
    }

    fn rule(&mut self, id: usize, path: &Path<'_>, target: &mut DraftRule) -> ValuePlace {
        let mut place = ValuePlace { at: self.tree.node(id).at, ..ValuePlace::default() };
        let Some(map) = self.map(id, path, "a rule, a mapping with `level`") else { return place };
        let mut unknown = Vec::new();
        for entry in &map.entries {
            let (value, path) = (entry.value.id, &path.field(&entry.key));
            let rule = &mut target.rule;
            let items = match entry.key.as_str() {
                "level" => {
                    self.text(value, path, &mut target.level);
                    Vec::new()
                }
                "users" => self.texts(value, path, "users", &mut rule.users),
                "userGroups" => self.texts(value, path, "groups", &mut rule.user_groups),
                "verbs" => self.texts(value, path, "verbs", &mut rule.verbs),
                "resources" => self.list(
                    value,
                    path,
                    "items with `group` and `resources`",
                    &mut rule.resources,
                    Self::group_resources,
                ),
                "namespaces" => self.texts(value, path, "namespaces", &mut rule.namespaces),
                "nonResourceURLs" => self.texts(value, path, "paths", &mut rule.non_resource_urls),
                "omitStages" => self.texts(value, path, "stages", &mut target.omit_stages),
                "omitManagedFields" if self.format.managed_fields => {
                    if matches!(self.tree.node(value).value, Value::Null) {
                        rule.omit_managed_fields = None;
                    } else if let Some(flag) = self.flag(value, path) {
                        rule.omit_managed_fields = Some(flag);
                    }
                    Vec::new()
                }
                _ => {
                    unknown.push(entry);
                    continue;
                }
            };
            self.note(&mut place, entry, items);
        }
        for entry in unknown {
            self.drop(entry, &path.field(&entry.key), || dropped::from_rule(&entry.key, target));
        }
        self.repeated(map, Some(path));
        place
    }

    fn group_resources(&mut self, id: usize, path: &Path<'_>, target: &mut GroupResources) -> ValuePlace {
        let mut place = ValuePlace { at: self.tree.node(id).at, ..ValuePlace::default() };
        let Some(map) = self.map(id, path, "an item with `group` and `resources`") else { return place };
        let mut unknown = Vec::new();
        let mut has_group = false;
        for entry in &map.entries {
            let (value, path) = (entry.value.id, &path.field(&entry.key));
            let items = match entry.key.as_str() {
                "group" => {
                    has_group = true;
                    self.text(value, path, &mut target.group);
                    Vec::new()
                }
                "resources" => self.texts(value, path, "resources", &mut target.resources),
                "resourceNames" => self.texts(value, path, "names", &mut target.resource_names),
                _ => {
                    unknown.push(entry);
                    continue;
                }
            };
            self.note(&mut place, entry, items);
        }
        for entry in unknown {
            self.drop(entry, &path.field(&entry.key), || dropped::from_item(&entry.key, target, has_group));
        }
        self.repeated(map, Some(path));
        place
    }

    fn note(&self, place: &mut ValuePlace, entry: &'t Entry, items: Vec<ValuePlace>) {
        let known = dropped::KNOWN.iter().find(|known| **known == entry.key);
        if let Some(known) = known {
            let field = FieldPlace { key: entry.at, value: self.tree.node(entry.value.id).at, items };
            place.fields.insert(known, field);
        }
    }

    fn drop(&mut self, entry: &Entry, path: &Path<'_>, effect: impl FnOnce() -> String) {
        self.warnings.add(|| {
            let message = format!("unknown field `{}`: {}", shorten(&entry.key), effect());
            Problem::new(ProblemKind::UnknownField, path.to_string(), entry.at, message)
        });
    }

    /// Warns of keys that are there more than once.
    pub(super) fn repeated(&mut self, map: &Map, path: Option<&Path<'_>>) {
        for repeated in &map.repeated {
            self.warnings.add(|| {
                let field = path.map_or_else(
                    || Path::top(&repeated.key).to_string(),
                    |path| path.field(&repeated.key).to_string(),
                );
                let counts = if self.tree.json {
                    "the later value is laid over the earlier one"
                } else {
                    "only the last one counts"
                };
                let key = shorten(&repeated.key);
                let message = format!(
                    "repeated field `{key}`, already given in line {}: {counts}",
                    repeated.before.line
                );
                Problem::new(ProblemKind::RepeatedField, field, repeated.at, message)
            });
        }
    }

    /// Complains about a value of the wrong type.
    pub(super) fn wrong(&mut self, id: usize, path: &Path<'_>, wanted: &str) {
        let node = self.tree.node(id);
        self.errors.add(|| {
            let hint = match &node.value {
                Value::Bool(_) if wanted == "text" && !self.tree.json => {
                    " (without quotes YAML takes y, yes, on, true, n, no, off and false for booleans)"
                }
                Value::Number { .. } if wanted == "text" => " (put it in quotes)",
                Value::Map(_) if wanted == "text" && !self.tree.json => {
                    " (a colon followed by a space makes a mapping; put the whole in quotes)"
                }
                _ => "",
            };
            let message = format!("{}, but must be {wanted}{hint}", node.value.kind());
            Problem::new(ProblemKind::Type, path.to_string(), node.at, message)
        });
    }

    /// Complains about a text that is not what it must be.
    pub(super) fn refuse(&mut self, id: usize, path: &Path<'_>, message: &str) {
        let at = self.tree.node(id).at;
        self.errors.add(|| Problem::new(ProblemKind::Type, path.to_string(), at, message));
    }

    /// A mapping; none if nothing is given.
    pub(super) fn map(&mut self, id: usize, path: &Path<'_>, wanted: &str) -> Option<&'t Map> {
        match &self.tree.node(id).value {
            Value::Map(map) => Some(map),
            Value::Null => None,
            _ => {
                self.wrong(id, path, wanted);
                None
            }
        }
    }

    /// A text; what is there stays if nothing is given.
    pub(super) fn text(&mut self, id: usize, path: &Path<'_>, target: &mut String) {
        match &self.tree.node(id).value {
            Value::Text(text) => target.clone_from(text),
            Value::Null => {}
            _ => self.wrong(id, path, "text"),
        }
    }

    /// A boolean.
    pub(super) fn flag(&mut self, id: usize, path: &Path<'_>) -> Option<bool> {
        match self.tree.node(id).value {
            Value::Bool(flag) => return Some(flag),
            Value::Null => {}
            _ => self.wrong(id, path, "true or false"),
        }
        None
    }

    /// A list of texts.
    pub(super) fn texts(
        &mut self,
        id: usize,
        path: &Path<'_>,
        what: &str,
        target: &mut Vec<String>,
    ) -> Vec<ValuePlace> {
        self.list(id, path, what, target, |decoder, id, path, target| {
            decoder.text(id, path, target);
            ValuePlace { at: decoder.tree.node(id).at, ..ValuePlace::default() }
        })
    }

    /// A list, laid item by item over what is there.
    pub(super) fn list<T: Default>(
        &mut self,
        id: usize,
        path: &Path<'_>,
        what: &str,
        target: &mut Vec<T>,
        each: impl Fn(&mut Self, usize, &Path<'_>, &mut T) -> ValuePlace,
    ) -> Vec<ValuePlace> {
        match &self.tree.node(id).value {
            Value::List(items) => {
                let mut places = Vec::with_capacity(items.len());
                target.resize_with(items.len(), T::default);
                for (index, (item, target)) in items.iter().zip(target).enumerate() {
                    places.push(each(self, item.id, &path.item(index), target));
                }
                return places;
            }
            Value::Null => target.clear(),
            _ => self.wrong(id, path, &format!("a list of {what}")),
        }
        Vec::new()
    }
}

/// A key as it is shown: a few words at most, on one line.
fn shorten(key: &str) -> String {
    const MOST: usize = 60;
    let shown: String = key.chars().take(MOST).flat_map(char::escape_debug).collect();
    if key.chars().nth(MOST).is_some() { shown + "…" } else { shown }
}
