//! The classic format: sections in brackets, one key and value a line (fluent-bit docs: classic mode, format and
//! schema).

use super::section::{Kind, Property, Section};
use super::value::Value;
use super::{Draft, MAX_SECTIONS};
use crate::analyze::collectors::config::{self, Config, File, Lookup, MAX_BYTES, MAX_FILES};
use crate::analyze::collectors::dialect::Unreadable;
use crate::analyze::collectors::model::Unread;

/// Reads a file and all it includes.
pub(super) fn read<'a>(config: &'a Config, main: &'a File) -> Result<Draft, Unreadable> {
    let mut reader = Reader { config: Some(config), seen: Vec::new(), draft: Draft::default() };
    reader.file(main, &main.at)?;
    Ok(reader.draft)
}

/// Reads a text that may not include others.
pub(super) fn read_alone(file: &File) -> Result<Draft, Unreadable> {
    let mut reader = Reader { config: None, seen: Vec::new(), draft: Draft::default() };
    reader.file(file, &file.at)?;
    Ok(reader.draft)
}

struct Reader<'a> {
    config: Option<&'a Config>,
    /// The files read so far, by path: the program ends when one is read twice.
    seen: Vec<&'a str>,
    draft: Draft,
}

/// Where in a file reading is.
#[derive(Default)]
struct Cursor {
    /// The index of the section that properties go to.
    section: Option<usize>,
    /// What the first indented line began with; all others must begin with the same.
    indent: Option<String>,
    /// Whether the lines belong to a group within the section.
    in_group: bool,
}

impl<'a> Reader<'a> {
    fn file(&mut self, file: &'a File, from: &str) -> Result<(), Unreadable> {
        if file.text.len() > MAX_BYTES {
            return Err(Unreadable::new(&*file.at, "the file is larger than this program reads"));
        }
        if self.seen.contains(&file.path.as_str()) {
            let why =
                format!("{} is included a second time, with which Fluent Bit does not start", file.path);
            return Err(Unreadable::new(from, why));
        }
        if self.seen.len() >= MAX_FILES {
            return Err(Unreadable::new(from, "more files are included than this program reads"));
        }
        self.seen.push(&file.path);
        let mut cursor = Cursor::default();
        let text = file.text.strip_prefix('\u{feff}').unwrap_or(&file.text);
        for (index, line) in text.lines().enumerate() {
            self.line(file, &file.place(index + 1), line, &mut cursor)?;
        }
        Ok(())
    }

    fn line(&mut self, file: &File, at: &str, line: &str, cursor: &mut Cursor) -> Result<(), Unreadable> {
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            return Ok(());
        }
        if let Some(command) = line.strip_prefix('@') {
            return self.command(at, command);
        }
        if line.starts_with('[') {
            *cursor = Cursor {
                section: Some(self.section(at, line)?),
                indent: cursor.indent.take(),
                in_group: false,
            };
            return Ok(());
        }
        let (body, in_group) = body(line, at, &mut cursor.indent)?;
        cursor.in_group &= in_group;
        if body.starts_with('[') {
            if cursor.section.is_none() {
                return Err(Unreadable::new(at, "the header of a section is indented"));
            }
            cursor.in_group = true;
            let why = format!("the group {} within a section is not read", body.trim());
            self.draft.unread.push(Unread { at: at.to_owned(), why });
            return Ok(());
        }
        let (key, value) = body.split_once(' ').map_or((body, ""), |(key, value)| (key.trim(), value.trim()));
        if body.trim().len() == key.len() {
            return Err(Unreadable::new(at, "a key without a value"));
        }
        if cursor.in_group {
            return Ok(());
        }
        let Some(section) = cursor.section.and_then(|index| self.draft.sections.get_mut(index)) else {
            return Err(Unreadable::new(at, format!("a key before the first section of {}", file.path)));
        };
        section.properties.push(Property {
            key: key.to_ascii_lowercase(),
            name: key.to_owned(),
            value: Value::of(value),
            at: at.to_owned(),
        });
        Ok(())
    }

    /// Begins a section. All `[SERVICE]` are one.
    fn section(&mut self, at: &str, line: &str) -> Result<usize, Unreadable> {
        let Some((name, _)) = line.get(1..).and_then(|rest| rest.split_once(']')) else {
            return Err(Unreadable::new(at, "the header of a section is not closed"));
        };
        let kind = match name.trim().to_ascii_lowercase().as_str() {
            "service" => Kind::Service,
            "input" => Kind::Input,
            "filter" => Kind::Filter,
            "output" => Kind::Output,
            "custom" => Kind::Custom,
            _ => Kind::Other,
        };
        let sections = &mut self.draft.sections;
        if kind == Kind::Service
            && let Some(index) = sections.iter().position(|section| section.kind == Kind::Service)
        {
            return Ok(index);
        }
        if sections.len() >= MAX_SECTIONS {
            return Err(Unreadable::new(at, "more sections than this program reads"));
        }
        sections.push(Section::new(kind, at));
        Ok(sections.len() - 1)
    }

    fn command(&mut self, at: &str, command: &str) -> Result<(), Unreadable> {
        let (word, rest) = command.split_once(' ').unwrap_or((command, ""));
        match word.to_ascii_lowercase().as_str() {
            "include" => self.include(at, rest.trim()),
            "set" => match rest.split_once('=') {
                Some((name, value)) => {
                    self.draft.set(name.trim(), value.trim(), at);
                    Ok(())
                }
                None => Err(Unreadable::new(at, "@SET without a name and a value")),
            },
            _ => Err(Unreadable::new(at, "a line that begins with @ is neither @INCLUDE nor @SET")),
        }
    }

    /// Paths are seen from the folder of the main file, whatever file they stand in.
    fn include(&mut self, at: &str, path: &str) -> Result<(), Unreadable> {
        let Some(config) = self.config else {
            let why = format!("{path} is included, which is not seen");
            self.draft.unread.push(Unread { at: at.to_owned(), why });
            return Ok(());
        };
        let path = config::resolve(&config.main, path);
        if !path.contains('*') {
            match config.file(&path) {
                Lookup::Seen(file) => return self.file(file, at),
                Lookup::Hidden(why) => self.unseen(at, &path, &why),
            }
            return Ok(());
        }
        let (files, more) = config.glob(&path);
        if files.is_empty() && more.is_none() {
            let why = format!("no file matches {path}, with which Fluent Bit does not start");
            return Err(Unreadable::new(at, why));
        }
        if let Some(why) = more {
            self.unseen(at, &path, &why);
        }
        files.into_iter().try_for_each(|file| self.file(file, at))
    }

    fn unseen(&mut self, at: &str, path: &str, why: &str) {
        self.draft.unread.push(Unread { at: at.to_owned(), why: format!("{path} is not seen: {why}") });
    }
}

/// A line without its indentation, and whether it is indented twice, as the lines of a group are.
fn body<'a>(line: &'a str, at: &str, indent: &mut Option<String>) -> Result<(&'a str, bool), Unreadable> {
    let blank = |c: char| c == ' ' || c == '\t';
    let width = line.len() - line.trim_start_matches(blank).len();
    if width == 0 {
        return Err(Unreadable::new(at, "a key is not indented"));
    }
    let (own, body) = line.split_at(width);
    let indent = indent.get_or_insert_with(|| own.to_owned());
    match own.strip_prefix(indent.as_str()) {
        Some("") => Ok((body, false)),
        Some(more) if more.len() == indent.len() => Ok((body, true)),
        _ => Err(Unreadable::new(at, "the indentation differs from that of the lines before")),
    }
}
