//! A YAML text into values, as go-yaml v2 composes them (`sigs.k8s.io/yaml`, `yaml.YAMLToJSON`).
//!
//! The reader of manifests (`source::manifests`) goes through serde, which hides how a scalar was written, keys given
//! twice and where the first document ends. A policy's meaning hangs on these, so this one takes the parser's events.
//!
//! - Only the first document is read; what comes after it may be broken.
//! - `%YAML` must be 1.1.
//! - Merge keys take effect where they stand: what follows overrides them, and they override what came before.
//! - An alias inside what its anchor names is refused, and so are aliases that stand for most of a large document.
//! - Numbers and booleans become text as keys; lists, mappings and null are refused there.

use std::borrow::Cow;

use serde_yaml::granit_parser::{self, ErrorKind, Event, Marker, Options, Parser, ScalarStyle};

use super::tree::{At, Broken, Entry, MAX_DEPTH, Map, Ref, Tree, Value};
use super::yaml11::{self, Unreadable};

/// How many keys merge keys may bring in. go-yaml stops below it: at 4 million values, of which most are aliased.
const MAX_MERGED: usize = 4_000_000;

/// Reads the first document of a text. From byte `sound` on the text holds what YAML may not hold.
///
/// # Errors
/// The server cannot read it either.
pub(super) fn read(text: &str, sound: usize) -> Result<Tree, Broken> {
    let content = text.strip_prefix('\u{feff}').unwrap_or(text);
    let skipped = text.len() - content.len();
    let mut options = Options::default();
    options.set_emit_comments(false);
    options.flow_nesting_limit = MAX_DEPTH;
    options.block_nesting_limit = MAX_DEPTH;
    let mut parser = Parser::new_from_str_with_options(content, options);
    let mut reader = Reader::default();
    let (end, result) = loop {
        match parser.next_event() {
            Some(Ok((event, span))) => {
                let done = matches!(event, Event::DocumentEnd | Event::StreamEnd);
                let outcome = reader.take(event, at(span.start));
                if done || outcome.is_err() {
                    break (span.end.byte_offset(), outcome);
                }
            }
            Some(Err(error)) => break (error.marker().byte_offset(), Err(syntax(&error))),
            None => break (None, Ok(())),
        }
    };
    if sound < end.map_or(text.len(), |end| end + skipped) {
        return Err(unsound(text, sound));
    }
    result?;
    reader.finish()
}

fn at(marker: Marker) -> At {
    At::new(marker.line(), marker.col() + 1)
}

fn unsound(text: &str, offset: usize) -> Broken {
    let before = text.get(..offset).unwrap_or(text);
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let message = match text.get(offset..).and_then(|rest| rest.chars().next()) {
        Some(char::REPLACEMENT_CHARACTER) | None => "not valid YAML: bytes that are not UTF-8".to_owned(),
        Some(found) => format!("not valid YAML: control character U+{:04X}", u32::from(found)),
    };
    Broken::new(At::new(before.matches('\n').count() + 1, column), message)
}

fn syntax(error: &granit_parser::ScanError) -> Broken {
    let place = at(*error.marker());
    let message = match error.kind() {
        ErrorKind::RecursionLimitExceeded => format!("nested more than {MAX_DEPTH} levels deep"),
        ErrorKind::UnknownAnchor => "not valid YAML: an alias without an anchor".to_owned(),
        ErrorKind::MissingAnchorOrAliasName => {
            "not valid YAML: `*` begins an alias here; put it in quotes".to_owned()
        }
        ErrorKind::TabNotAllowed | ErrorKind::TabInBlockIndentation | ErrorKind::TabInIndentation => {
            "not valid YAML: a tab cannot indent; use spaces".to_owned()
        }
        other => format!("not valid YAML: {other}"),
    };
    Broken::new(place, message)
}

/// The word after `!!`, however the tag is written.
fn core(tag: &granit_parser::Tag) -> Option<Cow<'_, str>> {
    tag.suffix_in_namespace("tag:yaml.org,2002:")
}

#[derive(Default)]
struct Reader {
    tree: Tree,
    open: Vec<Collection>,
    /// By anchor number: the value, and whether it is complete.
    anchors: Vec<Option<(usize, bool)>>,
    aliases: usize,
    merged: usize,
    not_finite: Option<Broken>,
}

struct Collection {
    id: usize,
    anchor: usize,
    content: Content,
}

enum Content {
    List(Vec<Ref>),
    Map(Map, Option<Key>),
}

enum Key {
    Merge(At),
    Named(String, At),
}

impl Reader {
    fn take(&mut self, event: Event<'_>, place: At) -> Result<(), Broken> {
        match event {
            Event::DocumentStart(_, Some(version)) if (version.major, version.minor) != (1, 1) => {
                let message = format!(
                    "not readable: `%YAML {}.{}`; kube-apiserver reads YAML 1.1 only",
                    version.major, version.minor
                );
                Err(Broken::new(place, message))
            }
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.as_deref();
                if self.is_merge_key(&text, style, tag)
                    && let Some(Collection { content: Content::Map(_, key), .. }) = self.open.last_mut()
                {
                    *key = Some(Key::Merge(place));
                    return Ok(());
                }
                let value = self.scalar(&text, style, tag, place)?;
                let id = self.tree.add(place, value);
                self.anchor(anchor, id, true);
                self.put(Ref { id, alias: false }, place)
            }
            Event::SequenceStart(_, anchor, _) => self.start(place, anchor, Content::List(Vec::new())),
            Event::MappingStart(_, anchor, _) => {
                self.start(place, anchor, Content::Map(Map::default(), None))
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => match self.anchors.get(anchor).copied().flatten() {
                Some((id, true)) => {
                    self.aliases += 1;
                    self.put(Ref { id, alias: true }, place)
                }
                Some((_, false)) => {
                    Err(Broken::new(place, "not valid YAML: an alias inside what its anchor names"))
                }
                None => Err(Broken::new(place, "not valid YAML: an alias without an anchor")),
            },
            _ => Ok(()),
        }
    }

    fn expects_key(&self) -> bool {
        matches!(self.open.last(), Some(Collection { content: Content::Map(_, None), .. }))
    }

    fn is_merge_key(&self, text: &str, style: ScalarStyle, tag: Option<&granit_parser::Tag>) -> bool {
        let tagged = tag.is_some_and(|tag| core(tag).as_deref() == Some("merge"));
        text == "<<" && self.expects_key() && (tagged || (tag.is_none() && style == ScalarStyle::Plain))
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&granit_parser::Tag>,
        place: At,
    ) -> Result<Value, Broken> {
        let tag = match tag {
            Some(tag) if tag.original() == "!" => yaml11::Tag::Open,
            Some(tag) => core(tag).map_or(yaml11::Tag::Other, |word| yaml11::Tag::of(&word)),
            None if style == ScalarStyle::Plain => yaml11::Tag::Open,
            None => yaml11::Tag::Str,
        };
        match yaml11::resolve(tag, text) {
            Ok(value) => Ok(value),
            // As a key it is text; as a value it ends the translation into JSON, after everything else was read.
            Err(Unreadable::NotFinite) => {
                if !self.expects_key() && self.not_finite.is_none() {
                    let message = format!("`{text}` is a number that JSON does not have; put it in quotes");
                    self.not_finite = Some(Broken::new(place, message));
                }
                Ok(Value::Text(text.to_owned()))
            }
            Err(Unreadable::Base64) => Err(Broken::new(place, "not valid YAML: `!!binary` without base64")),
            Err(Unreadable::Mismatch) => {
                let shown: String = text.chars().take(40).collect();
                Err(Broken::new(place, format!("not valid YAML: `{shown}` does not fit its tag")))
            }
        }
    }

    fn anchor(&mut self, anchor: usize, id: usize, complete: bool) {
        if anchor > 0 {
            if self.anchors.len() <= anchor {
                self.anchors.resize(anchor + 1, None);
            }
            if let Some(slot) = self.anchors.get_mut(anchor) {
                *slot = Some((id, complete));
            }
        }
    }

    fn start(&mut self, place: At, anchor: usize, content: Content) -> Result<(), Broken> {
        if self.expects_key() {
            let template = "a list or a mapping cannot be a key (if this is a template, render it first)";
            return Err(Broken::new(place, format!("not valid YAML: {template}")));
        }
        let id = self.tree.add(place, Value::Null);
        self.anchor(anchor, id, false);
        self.open.push(Collection { id, anchor, content });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Broken> {
        let Some(Collection { id, anchor, content }) = self.open.pop() else { return Ok(()) };
        self.tree.set(
            id,
            match content {
                Content::List(items) => Value::List(items),
                Content::Map(mut map, _) => {
                    map.settle(false);
                    Value::Map(map)
                }
            },
        );
        self.anchor(anchor, id, true);
        let place = self.tree.node(id).at;
        self.put(Ref { id, alias: false }, place)
    }

    /// Puts a complete value where it belongs.
    fn put(&mut self, value: Ref, place: At) -> Result<(), Broken> {
        let Some(Collection { content, .. }) = self.open.last_mut() else {
            self.tree.root = Some(value.id);
            return Ok(());
        };
        match content {
            Content::List(items) => items.push(value),
            Content::Map(map, key) => match key.take() {
                None => *key = Some(Key::Named(key_text(&self.tree, value.id, place)?, place)),
                Some(Key::Named(key, at)) => map.entries.push(Entry { key, at, value }),
                Some(Key::Merge(at)) => {
                    let entries = merged(&self.tree, value.id, at)?;
                    self.merged += entries.len();
                    if self.merged > MAX_MERGED {
                        return Err(excessive(at));
                    }
                    map.entries.extend(entries);
                }
            },
        }
        Ok(())
    }

    fn finish(self) -> Result<Tree, Broken> {
        if self.aliases > 0
            && let Some(root) = self.tree.root
        {
            check_aliases(&self.tree, root)?;
        }
        self.not_finite.map_or(Ok(self.tree), Err)
    }
}

fn excessive(place: At) -> Broken {
    Broken::new(place, "aliases stand for too much of the document")
}

/// What a key is called in JSON (`sigs.k8s.io/yaml`, `convertToJSONableObject`).
fn key_text(tree: &Tree, id: usize, place: At) -> Result<String, Broken> {
    match &tree.node(id).value {
        Value::Text(text) | Value::Number { text, .. } => Ok(text.clone()),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Null => Err(Broken::new(place, "null cannot be a key")),
        Value::List(_) | Value::Map(_) => {
            Err(Broken::new(place, "not valid YAML: a list or a mapping cannot be a key"))
        }
    }
}

/// What a merge key brings in: a mapping's keys, or those of several mappings, of which the first counts most.
fn merged(tree: &Tree, id: usize, place: At) -> Result<Vec<Entry>, Broken> {
    let refused =
        || Broken::new(place, "not valid YAML: a merge key `<<` takes a mapping or a list of mappings");
    let through_alias = |map: &Map| {
        map.entries
            .iter()
            .cloned()
            .map(|mut entry| {
                entry.value.alias = true;
                entry
            })
            .collect::<Vec<_>>()
    };
    match &tree.node(id).value {
        Value::Map(map) => Ok(through_alias(map)),
        Value::List(items) => {
            let mut entries = Vec::new();
            for item in items.iter().rev() {
                let Value::Map(map) = &tree.node(item.id).value else { return Err(refused()) };
                entries.extend(through_alias(map));
                if entries.len() > MAX_MERGED {
                    return Err(excessive(place));
                }
            }
            Ok(entries)
        }
        _ => Err(refused()),
    }
}

/// go-yaml's guard against small texts that stand for large ones (`decode.go`, `allowedAliasRatio`): of up to 400,000
/// values 99 % may come through aliases, of 4 million and more 10 %.
fn check_aliases(tree: &Tree, root: usize) -> Result<(), Broken> {
    let (mut decoded, mut aliased) = (0_u32, 0_u32);
    // In the order of the document, since the limit is looked at after each value; a key is a value of its own.
    let mut open = vec![(Some(Ref { id: root, alias: false }), false)];
    while let Some((value, inside)) = open.pop() {
        decoded = decoded.saturating_add(1);
        aliased = aliased.saturating_add(u32::from(inside));
        if aliased > 100 && decoded > 1000 && f64::from(aliased) / f64::from(decoded) > allowed_ratio(decoded)
        {
            return Err(excessive(value.map_or(At::START, |value| tree.node(value.id).at)));
        }
        let Some(value) = value else { continue };
        if value.alias {
            // The alias counted; now what it stands for.
            open.push((Some(Ref { alias: false, ..value }), true));
            continue;
        }
        match &tree.node(value.id).value {
            Value::List(items) => open.extend(items.iter().rev().map(|item| (Some(*item), inside))),
            Value::Map(map) => {
                for entry in map.entries.iter().rev() {
                    open.extend([(Some(entry.value), inside), (None, inside)]);
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn allowed_ratio(decoded: u32) -> f64 {
    const LOW: f64 = 400_000.0;
    const HIGH: f64 = 4_000_000.0;
    let above = (f64::from(decoded) - LOW).clamp(0.0, HIGH - LOW);
    0.99 - 0.89 * (above / (HIGH - LOW))
}
