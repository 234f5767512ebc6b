//! The YAML format (fluent-bit docs: YAML configuration).

use serde_json::Value as Json;

use super::section::{Direct, Kind, Property, Section};
use super::value::Value;
use super::{Draft, MAX_SECTIONS};
use crate::analyze::collectors::config::{self, Config, File, Lookup, MAX_BYTES, MAX_FILES};
use crate::analyze::collectors::dialect::Unreadable;
use crate::analyze::collectors::model::Unread;
use crate::document::{Document, Place, items, scalar, text, yaml};

/// How deep files may include others.
const MAX_INCLUDES: usize = 50;

/// Reads a file and all it includes.
pub(super) fn read<'a>(config: &'a Config, main: &'a File) -> Result<Draft, Unreadable> {
    let mut reader = Reader { config, seen: Vec::new(), draft: Draft::default() };
    reader.file(main, &main.at, 0)?;
    Ok(reader.draft)
}

struct Reader<'a> {
    config: &'a Config,
    /// The files read so far, by path: the program ends when one is read twice.
    seen: Vec<&'a str>,
    draft: Draft,
}

impl<'a> Reader<'a> {
    fn file(&mut self, file: &'a File, from: &str, depth: usize) -> Result<(), Unreadable> {
        if file.text.len() > MAX_BYTES {
            return Err(Unreadable::new(&*file.at, "the file is larger than this program reads"));
        }
        if self.seen.contains(&file.path.as_str()) {
            let why =
                format!("{} is included a second time, with which Fluent Bit does not start", file.path);
            return Err(Unreadable::new(from, why));
        }
        if self.seen.len() >= MAX_FILES || depth >= MAX_INCLUDES {
            return Err(Unreadable::new(from, "more files are included than this program reads"));
        }
        self.seen.push(&file.path);
        let (documents, faults) = yaml::nested(&file.text, &file.at);
        if let Some(fault) = faults.first() {
            let at = format!("{}:{}:{}", file.at, fault.line, fault.column);
            return Err(Unreadable::new(at, &*fault.message));
        }
        for document in &documents {
            self.document(file, document, depth)?;
        }
        Ok(())
    }

    fn document(&mut self, file: &'a File, document: &Document, depth: usize) -> Result<(), Unreadable> {
        let place = &document.place;
        let Some(fields) = document.value.as_object() else {
            return Err(Unreadable::new(&*place.at, "the configuration is not a mapping"));
        };
        for (key, value) in fields {
            match key.to_ascii_lowercase().as_str() {
                "env" => self.env(value, place, key),
                "includes" => {
                    for (index, path) in value.as_array().into_iter().flatten().enumerate() {
                        let at = place.field(&format!("{key}[{index}]"));
                        self.include(file, &at, path.as_str().unwrap_or_default(), depth)?;
                    }
                }
                "service" => self.service(value, place, key),
                "customs" => self.list(Kind::Custom, value, place, key)?,
                "pipeline" => self.pipeline(value, place, key)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// `env` is a mapping, or since 4.1 a list of names with values or files.
    fn env(&mut self, value: &Json, place: &Place, path: &str) {
        for (name, value) in value.as_object().into_iter().flatten() {
            let at = place.field(&format!("{path}.{name}"));
            self.draft.set(name, &scalar(value).unwrap_or_default(), &at);
        }
        for (index, item) in value.as_array().into_iter().flatten().enumerate() {
            let at = place.field(&format!("{path}[{index}]"));
            let name = text(item, "/name");
            match item.get("uri") {
                Some(_) => self.draft.set_hidden(name, "from a file, which is not read", &at),
                None => self.draft.set(name, &item.get("value").and_then(scalar).unwrap_or_default(), &at),
            }
        }
    }

    /// Paths are seen from the folder of the file they stand in.
    fn include(&mut self, file: &'a File, at: &str, path: &str, depth: usize) -> Result<(), Unreadable> {
        let path = config::resolve(&file.path, path);
        if !path.contains('*') {
            match self.config.file(&path) {
                Lookup::Seen(file) => return self.file(file, at, depth + 1),
                Lookup::Hidden(why) => self.unseen(at, &path, &why),
            }
            return Ok(());
        }
        let (files, more) = self.config.glob(&path);
        if files.is_empty() && more.is_none() {
            let why = format!("no file matches {path}, with which Fluent Bit does not start");
            return Err(Unreadable::new(at, why));
        }
        if let Some(why) = more {
            self.unseen(at, &path, &why);
        }
        files.into_iter().try_for_each(|file| self.file(file, at, depth + 1))
    }

    fn unseen(&mut self, at: &str, path: &str, why: &str) {
        self.draft.unread.push(Unread { at: at.to_owned(), why: format!("{path} is not seen: {why}") });
    }

    fn service(&mut self, value: &Json, place: &Place, path: &str) {
        let read = section(Kind::Service, value, place, path);
        match self.draft.sections.iter_mut().find(|section| section.kind == Kind::Service) {
            Some(first) => first.properties.extend(read.properties),
            None => self.draft.sections.push(read),
        }
    }

    fn pipeline(&mut self, value: &Json, place: &Place, path: &str) -> Result<(), Unreadable> {
        for (key, value) in value.as_object().into_iter().flatten() {
            let kind = match key.to_ascii_lowercase().as_str() {
                "inputs" => Kind::Input,
                "filters" => Kind::Filter,
                "outputs" => Kind::Output,
                _ => {
                    let at = place.field(&format!("{path}.{key}"));
                    return Err(Unreadable::new(at, "a pipeline has inputs, filters and outputs only"));
                }
            };
            self.list(kind, value, place, &format!("{path}.{key}"))?;
        }
        Ok(())
    }

    fn list(&mut self, kind: Kind, value: &Json, place: &Place, path: &str) -> Result<(), Unreadable> {
        for (index, item) in value.as_array().into_iter().flatten().enumerate() {
            let path = format!("{path}[{index}]");
            if self.draft.sections.len() >= MAX_SECTIONS {
                return Err(Unreadable::new(place.field(&path), "more sections than this program reads"));
            }
            self.draft.sections.push(section(kind, item, place, &path));
        }
        Ok(())
    }
}

/// A section from a mapping. A list as a value sets its key once for each element.
fn section(kind: Kind, value: &Json, place: &Place, path: &str) -> Section {
    let mut read = Section::new(kind, place.field(path));
    for (name, value) in value.as_object().into_iter().flatten() {
        let field = format!("{path}.{name}");
        let key = lower(name);
        match (key.as_str(), value) {
            ("processors", Json::Object(_)) => {
                for (index, item) in items(value, "/logs").iter().enumerate() {
                    read.processors.push(section(
                        Kind::Filter,
                        item,
                        place,
                        &format!("{field}.logs[{index}]"),
                    ));
                }
            }
            ("routes", Json::Object(_)) => read.directs = directs(value, place, &field),
            (_, Json::Array(list)) => {
                for (index, value) in list.iter().enumerate() {
                    read.properties.extend(property(
                        &key,
                        name,
                        value,
                        place.field(&format!("{field}[{index}]")),
                    ));
                }
            }
            // What a mapping says is the plugin's own; that it is there is enough, such as the condition of a processor.
            (_, Json::Object(_)) => {
                read.properties.extend(property(&key, name, &Json::from("…"), place.field(&field)));
            }
            _ => read.properties.extend(property(&key, name, value, place.field(&field))),
        }
    }
    read
}

fn property(key: &str, name: &str, value: &Json, at: String) -> Option<Property> {
    let value = Value::of(scalar(value)?.trim());
    Some(Property { key: key.to_owned(), name: name.to_owned(), value, at })
}

/// `memBufLimit` is `mem_buf_limit`.
fn lower(name: &str) -> String {
    let is_camel = name.starts_with(|c: char| c.is_ascii_lowercase()) && !name.contains('_');
    let mut key = String::with_capacity(name.len());
    for c in name.chars() {
        if is_camel && c.is_ascii_uppercase() {
            key.push('_');
        }
        key.push(c.to_ascii_lowercase());
    }
    key
}

fn directs(value: &Json, place: &Place, path: &str) -> Vec<Direct> {
    let rule = |(index, item): (usize, &Json)| Direct {
        at: place.field(&format!("{path}.logs[{index}]")),
        to: items(item, "/to/outputs")
            .iter()
            .filter_map(|to| scalar(to).or_else(|| to.get("name").and_then(scalar)))
            .collect(),
        conditional: item.get("condition").is_some(),
    };
    items(value, "/logs").iter().enumerate().map(rule).collect()
}
