//! Sections of a configuration with their parameters, includes put in their place.

use super::scan::{Scanner, Value};
use crate::analyze::collectors::config::{self, Config, File, Lookup, MAX_BYTES, MAX_FILES};
use crate::analyze::collectors::dialect::Unreadable;
use crate::analyze::collectors::model::Unread;

/// How deep sections and included files may be nested. Real ones need fewer than ten.
const MAX_DEPTH: usize = 64;

/// A section: `<match app.**>` to `</match>`.
#[derive(Debug)]
pub(super) struct Section<'a> {
    pub(super) name: &'a str,
    pub(super) argument: Value,
    pub(super) spot: Spot<'a>,
    pub(super) params: Vec<Param<'a>>,
    pub(super) children: Vec<Item<'a>>,
}

/// What stands in a section beside parameters.
#[derive(Debug)]
pub(super) enum Item<'a> {
    Section(Section<'a>),
    /// An `@include` of files that are not seen.
    Unseen(Unread),
}

/// A parameter.
#[derive(Debug)]
pub(super) struct Param<'a> {
    pub(super) key: String,
    pub(super) value: Value,
    pub(super) spot: Spot<'a>,
}

/// A line of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot<'a> {
    file: &'a File,
    line: usize,
}

impl<'a> Spot<'a> {
    /// The place of something that is no line of a text.
    pub(super) fn of(file: &'a File) -> Self {
        Self { file, line: 0 }
    }

    pub(super) fn at(self) -> String {
        if self.line == 0 { self.file.at.clone() } else { self.file.place(self.line) }
    }
}

impl<'a> Section<'a> {
    /// A parameter; of one given twice the last counts.
    pub(super) fn param(&self, key: &str) -> Option<&Param<'a>> {
        self.params.iter().rev().find(|param| param.key == key)
    }

    /// The sections of a name in it.
    pub(super) fn sections<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Section<'a>> {
        self.children.iter().filter_map(move |item| match item {
            Item::Section(section) if section.name == name => Some(section),
            _ => None,
        })
    }

    pub(super) fn section(&self, name: &str) -> Option<&Section<'a>> {
        self.children.iter().find_map(|item| match item {
            Item::Section(section) if section.name == name => Some(section),
            _ => None,
        })
    }
}

/// Reads the main file and all it includes.
pub(super) fn read(config: &Config) -> Result<Section<'_>, Unreadable> {
    let file = match config.file(&config.main) {
        Lookup::Seen(file) => file,
        Lookup::Hidden(why) => return Err(Unreadable::new(&*config.main, why)),
    };
    let mut reader = Reader { config, files: 0, bytes: 0 };
    let spot = Spot { file, line: 1 };
    let mut root = Section { name: "", argument: Ok(None), spot, params: Vec::new(), children: Vec::new() };
    reader.file(file, spot, &mut root, 0)?;
    Ok(root)
}

struct Reader<'a> {
    config: &'a Config,
    files: usize,
    bytes: usize,
}

impl<'a> Reader<'a> {
    fn file(
        &mut self,
        file: &'a File,
        from: Spot<'a>,
        into: &mut Section<'a>,
        depth: usize,
    ) -> Result<(), Unreadable> {
        self.files += 1;
        self.bytes += file.text.len();
        if depth > MAX_DEPTH || self.files > MAX_FILES || self.bytes > MAX_BYTES {
            return Err(Unreadable::new(
                from.at(),
                "more is included than can be read, or a file includes itself",
            ));
        }
        let mut scanner = Scanner::new(file, &self.config.env);
        self.body(&mut scanner, into, true, depth)
    }

    /// What stands between the tags of a section, or in a file.
    fn body(
        &mut self,
        scanner: &mut Scanner<'a>,
        into: &mut Section<'a>,
        whole_file: bool,
        depth: usize,
    ) -> Result<(), Unreadable> {
        loop {
            scanner.spacing();
            let line = scanner.line;
            if scanner.at_end() {
                if whole_file {
                    return Ok(());
                }
                return Err(Unreadable::new(
                    into.spot.at(),
                    format!("the section <{}> does not end", into.name),
                ));
            }
            if scanner.skip("</") {
                let name = scanner.name();
                scanner.spacing();
                if whole_file || name != into.name || !scanner.skip(">") || !scanner.line_end() {
                    return Err(
                        scanner.fault(line, "the end of a section does not belong to what is open here")
                    );
                }
                return Ok(());
            }
            if scanner.skip("<") {
                let section = self.section(scanner, line, depth + 1)?;
                into.children.push(Item::Section(section));
            } else {
                self.param(scanner, line, into, whole_file, depth)?;
            }
        }
    }

    fn section(
        &mut self,
        scanner: &mut Scanner<'a>,
        line: usize,
        depth: usize,
    ) -> Result<Section<'a>, Unreadable> {
        if depth > MAX_DEPTH {
            return Err(scanner.fault(line, format!("sections are nested more than {MAX_DEPTH} deep")));
        }
        let name = scanner.name();
        scanner.spacing();
        let argument = scanner.argument()?;
        scanner.spacing();
        if name.is_empty() || !scanner.skip(">") || !scanner.line_end() {
            return Err(scanner.fault(line, "this is not the beginning of a section"));
        }
        let spot = Spot { file: scanner.file, line };
        let mut section = Section { name, argument, spot, params: Vec::new(), children: Vec::new() };
        self.body(scanner, &mut section, false, depth)?;
        Ok(section)
    }

    fn param(
        &mut self,
        scanner: &mut Scanner<'a>,
        line: usize,
        into: &mut Section<'a>,
        whole_file: bool,
        depth: usize,
    ) -> Result<(), Unreadable> {
        let key = match scanner.key()? {
            Ok(Some(key)) if !key.is_empty() => key,
            _ => return Err(scanner.fault(line, "this is not the name of a parameter")),
        };
        let spot = Spot { file: scanner.file, line };
        if scanner.blanks() || scanner.at_end() {
            into.params.push(Param { key, value: Ok(Some(String::new())), spot });
            return Ok(());
        }
        if key == "@include" || (whole_file && key == "include") {
            let target = scanner.rest_of_line()?;
            scanner.line_end();
            return self.include(&target, spot, into, depth + 1);
        }
        let value = scanner.value()?;
        if !scanner.line_end() {
            return Err(scanner.fault(scanner.line, format!("something follows the value of {key}")));
        }
        into.params.push(Param { key, value, spot });
        Ok(())
    }

    fn include(
        &mut self,
        target: &Value,
        spot: Spot<'a>,
        into: &mut Section<'a>,
        depth: usize,
    ) -> Result<(), Unreadable> {
        let path = match target {
            Ok(Some(path)) => path.strip_prefix("file://").unwrap_or(path),
            Ok(None) => return Ok(()),
            Err(why) => {
                into.children
                    .push(unseen(spot, format!("a file is included whose name is not known: {why}")));
                return Ok(());
            }
        };
        if path.contains("://") {
            into.children.push(unseen(spot, "what is included from a URL is not fetched".into()));
            return Ok(());
        }
        let path = config::resolve(&spot.file.path, path);
        let (files, hidden) = if path.contains(['*', '?', '[', '{']) {
            self.config.glob(&path)
        } else {
            match self.config.file(&path) {
                Lookup::Seen(file) => (vec![file], None),
                Lookup::Hidden(why) => (Vec::new(), Some(why)),
            }
        };
        for file in files {
            self.file(file, spot, into, depth)?;
        }
        if let Some(why) = hidden {
            into.children.push(unseen(spot, format!("the included {path} is not seen: {why}")));
        }
        Ok(())
    }
}

fn unseen(spot: Spot<'_>, why: String) -> Item<'static> {
    Item::Unseen(Unread { at: spot.at(), why })
}
