//! The settings as the agent takes them.

use toml_span::value::{Table, Value};

use super::super::config::{File, MAX_BYTES};
use super::super::dialect::Unreadable;
use super::super::model::{NamespaceMatch, Pattern};
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// Namespaces that are left out by default.
const SYSTEM: [&str; 2] = ["kube-system", "gatekeeper-system"];

/// How deep values may be nested.
const MAX_DEPTH: usize = 64;

/// The settings.
pub(super) struct Settings {
    /// Where they stand, or the agent if there are none.
    pub(super) at: String,
    /// Standard output.
    pub(super) stdout: Stream,
    /// Standard error.
    pub(super) stderr: Stream,
    /// `enabled` of the other sections that are known: their place and value, none if it is no boolean.
    switches: Vec<(String, String, Option<bool>)>,
}

/// A stream of containers.
pub(super) struct Stream {
    /// `stdout` or `stderr`.
    pub(super) name: &'static str,
    /// Where it is set.
    pub(super) at: String,
    /// Whether it is collected.
    pub(super) enabled: Fact<bool>,
    /// Namespaces that are left out.
    pub(super) except: Vec<NamespaceMatch>,
    /// Pods that alone are collected of their system namespaces.
    pub(super) pods: Vec<(String, String)>,
}

impl Stream {
    /// Whether it leaves out a namespace.
    pub(super) fn excludes(&self, name: &NamespaceMatch) -> bool {
        self.except.iter().any(|other| other.pattern == name.pattern)
    }

    fn default(name: &'static str, at: &str) -> Self {
        let matched = |namespace: &&str| NamespaceMatch {
            at: at.to_owned(),
            pattern: Pattern::Name((*namespace).to_owned()),
        };
        Self {
            name,
            at: at.to_owned(),
            enabled: Fact::at(true, Rank::Configured, at, format!("{name} is not set; the default is on")),
            except: SYSTEM.iter().map(matched).collect(),
            pods: Vec::new(),
        }
    }
}

impl Settings {
    pub(super) fn read(file: Option<&File>, place_without: &str) -> Result<Self, Unreadable> {
        let Some(file) = file else {
            return Ok(Self {
                at: place_without.to_owned(),
                stdout: Stream::default("stdout", place_without),
                stderr: Stream::default("stderr", place_without),
                switches: Vec::new(),
            });
        };
        let lines = Lines::of(file);
        check_size(file, &lines)?;
        let value = toml_span::parse(&file.text)
            .map_err(|error| Unreadable::new(lines.place(error.span.start), "it is not valid TOML"))?;
        let sections = value.pointer("/log_collection_settings").and_then(Value::as_table);
        let section = |name: &str| sections.and_then(|sections| sections.get(name));
        let switches =
            ["collect_all_kube_events", "filter_using_annotations"].into_iter().filter_map(|name| {
                let enabled = section(name)?.as_table()?.get("enabled")?;
                Some((name.to_owned(), lines.place(enabled.span.start), enabled.as_bool()))
            });
        Ok(Self {
            at: file.place(1),
            stdout: stream("stdout", section("stdout").and_then(Value::as_table), file, &lines),
            stderr: stream("stderr", section("stderr").and_then(Value::as_table), file, &lines),
            switches: switches.collect(),
        })
    }

    /// `enabled` of a section.
    pub(super) fn enabled(&self, name: &str, default: bool) -> Fact<bool> {
        match self.switches.iter().find(|(section, ..)| section == name) {
            Some((_, at, Some(on))) => Fact::at(*on, Rank::Configured, at, format!("{name} {}", word(*on))),
            Some((_, at, None)) => Fact::unknown(format!("{name} at {at} is neither true nor false")),
            None => self.default(default, &format!("{name} is not set; the default is {}", word(default))),
        }
    }

    /// A fact that holds without being set.
    pub(super) fn default<T>(&self, value: T, detail: &str) -> Fact<T> {
        Fact::at(value, Rank::Configured, &self.at, detail)
    }
}

fn word(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

fn stream(name: &'static str, section: Option<&Table<'_>>, file: &File, lines: &Lines<'_>) -> Stream {
    let Some(enabled) = section.and_then(|section| section.get("enabled")) else {
        return Stream::default(name, &file.place(1));
    };
    let at = lines.place(enabled.span.start);
    let texts = |key: &str| -> Vec<(String, String)> {
        let list = section.and_then(|section| section.get(key)).and_then(Value::as_array);
        let items = list.map_or(&[][..], Vec::as_slice).iter();
        items.filter_map(|item| Some((item.as_str()?.to_owned(), lines.place(item.span.start)))).collect()
    };
    let except = texts("exclude_namespaces").into_iter();
    Stream {
        name,
        enabled: match enabled.as_bool() {
            Some(on) => Fact::at(on, Rank::Configured, &at, format!("{name} {}", word(on))),
            None => Fact::unknown(format!("{name}.enabled at {at} is neither true nor false")),
        },
        at,
        except: except.map(|(name, at)| NamespaceMatch { at, pattern: Pattern::Name(name) }).collect(),
        pods: texts("collect_system_pod_logs"),
    }
}

/// The TOML reader recurses as deep as the text: brackets, and dots of keys.
fn check_size(file: &File, lines: &Lines<'_>) -> Result<(), Unreadable> {
    if file.text.len() > MAX_BYTES {
        return Err(Unreadable::new(file.place(1), "it is larger than a configuration can be"));
    }
    let (mut depth, mut dots) = (0_usize, 0_usize);
    let mut in_comment = false;
    for (offset, sign) in file.text.bytes().enumerate() {
        match sign {
            b'\n' => (in_comment, dots) = (false, 0),
            _ if in_comment => {}
            b'#' => in_comment = true,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'.' => dots += 1,
            b'=' => dots = 0,
            _ => {}
        }
        if depth.max(dots) > MAX_DEPTH {
            let why = format!("nested more than {MAX_DEPTH} levels deep");
            return Err(Unreadable::new(lines.place(offset), why));
        }
    }
    Ok(())
}

/// Lines by offset.
struct Lines<'a> {
    file: &'a File,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn of(file: &'a File) -> Self {
        let breaks = file.text.bytes().enumerate().filter(|(_, sign)| *sign == b'\n');
        Self { file, starts: breaks.map(|(offset, _)| offset + 1).collect() }
    }

    fn place(&self, offset: usize) -> String {
        self.file.place(self.starts.partition_point(|start| *start <= offset) + 1)
    }
}
