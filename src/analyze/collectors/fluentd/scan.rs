//! Words of a configuration: names, values with their quotes, JSON and embedded Ruby (Fluentd's configuration syntax v1).

use super::ruby::{self, Outcome};
use crate::analyze::collectors::config::{Env, File};
use crate::analyze::collectors::dialect::Unreadable;

/// A value as the program gets it: none for `use_default` and `use_nil`; the reason if it is not known.
pub(super) type Value = Result<Option<String>, String>;

/// Reads one file from front to back.
pub(super) struct Scanner<'a> {
    pub(super) file: &'a File,
    env: &'a Env,
    rest: &'a str,
    pub(super) line: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(file: &'a File, env: &'a Env) -> Self {
        Self { file, env, rest: &file.text, line: 1 }
    }

    pub(super) fn fault(&self, line: usize, why: impl Into<String>) -> Unreadable {
        Unreadable::new(self.file.place(line), why)
    }

    pub(super) fn at_end(&self) -> bool {
        self.rest.is_empty()
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next()?;
        self.rest = chars.as_str();
        self.line += usize::from(next == '\n');
        Some(next)
    }

    pub(super) fn skip(&mut self, word: &str) -> bool {
        let found = self.rest.starts_with(word);
        if found {
            self.rest = self.rest.get(word.len()..).unwrap_or_default();
        }
        found
    }

    fn skip_while(&mut self, wanted: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&wanted) {
            self.next();
        }
    }

    /// White space without comments; whether a line ended in it.
    pub(super) fn blanks(&mut self) -> bool {
        let line = self.line;
        self.skip_while(|c| matches!(c, ' ' | '\t' | '\r' | '\n'));
        self.line != line
    }

    /// White space and comments.
    pub(super) fn spacing(&mut self) {
        loop {
            self.blanks();
            if self.peek() != Some('#') {
                return;
            }
            self.skip_while(|c| c != '\n');
        }
    }

    /// The end of a line, with a comment before it: whether there was nothing else.
    pub(super) fn line_end(&mut self) -> bool {
        self.skip_while(|c| matches!(c, ' ' | '\t'));
        if self.peek() == Some('#') {
            self.skip_while(|c| !matches!(c, '\r' | '\n'));
        }
        match self.peek() {
            None => true,
            Some('\r' | '\n') => {
                self.blanks();
                true
            }
            Some(_) => false,
        }
    }

    /// The name of a section.
    pub(super) fn name(&mut self) -> &'a str {
        let end =
            self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at_checked(end).unwrap_or_default();
        self.rest = rest;
        name
    }

    /// The key of a parameter, up to white space.
    pub(super) fn key(&mut self) -> Result<Value, Unreadable> {
        self.string(|text| text.starts_with([' ', '\t', '\r', '\n']))
    }

    /// What follows the name of a section, up to `>`.
    pub(super) fn argument(&mut self) -> Result<Value, Unreadable> {
        self.string(|text| {
            let text = text.trim_start_matches([' ', '\t']);
            text.starts_with(['>', '\r', '\n'])
        })
    }

    /// A value up to the end of the line; JSON may take several lines.
    pub(super) fn value(&mut self) -> Result<Value, Unreadable> {
        match self.peek() {
            Some('[' | '{') => self.json(),
            _ => self.rest_of_line(),
        }
    }

    /// A string up to the end of the line.
    pub(super) fn rest_of_line(&mut self) -> Result<Value, Unreadable> {
        self.string(|text| {
            let after = text.trim_start_matches([' ', '\t']);
            // A comment begins where white space stands before it.
            after.is_empty()
                || after.starts_with(['\r', '\n'])
                || (after.len() < text.len() && after.starts_with('#'))
        })
    }

    fn string(&mut self, ends: impl Fn(&str) -> bool) -> Result<Value, Unreadable> {
        match self.peek() {
            Some('"') => self.double_quoted(),
            Some('\'') => self.single_quoted(),
            _ => Ok(Ok(Some(self.unquoted(ends)))),
        }
    }

    fn unquoted(&mut self, ends: impl Fn(&str) -> bool) -> String {
        let mut out = String::new();
        while let Some(c) = self.peek() {
            // Only what can begin an end is looked at more closely, so that a long word is read once.
            if matches!(c, ' ' | '\t') {
                if ends(self.rest) {
                    break;
                }
                // White space within a value is taken as a whole.
                while let Some(blank @ (' ' | '\t')) = self.peek() {
                    out.push(blank);
                    self.next();
                }
                continue;
            }
            if matches!(c, '\r' | '\n') || (c == '>' && ends(self.rest)) {
                break;
            }
            out.push(c);
            self.next();
        }
        out
    }

    fn single_quoted(&mut self) -> Result<Value, Unreadable> {
        let line = self.line;
        self.next();
        let mut out = String::new();
        loop {
            match self.next() {
                Some('\'') => return Ok(Ok(Some(out))),
                Some('\\') if matches!(self.peek(), Some('\'' | '\\')) => out.extend(self.next()),
                None | Some('\n') => {
                    return Err(self.fault(line, "a single quoted string does not end on its line"));
                }
                Some(c) => out.push(c),
            }
        }
    }

    fn double_quoted(&mut self) -> Result<Value, Unreadable> {
        let line = self.line;
        let unended = "a double quoted string does not end";
        self.next();
        let mut out = Text::default();
        loop {
            match self.next().ok_or_else(|| self.fault(line, unended))? {
                '"' => return Ok(out.done()),
                '#' if self.skip("{") => out.add(self.embedded(line)?),
                '\\' => match self.next().ok_or_else(|| self.fault(line, unended))? {
                    '\n' => {}
                    'n' => out.push('\n'),
                    't' => out.push('\t'),
                    'r' => out.push('\r'),
                    'f' => out.push('\u{c}'),
                    'b' => out.push('\u{8}'),
                    '0' => out.push('\0'),
                    c if c.is_ascii_alphanumeric() => {
                        return Err(self
                            .fault(self.line, format!("\\{c} is not an escape of a double quoted string")));
                    }
                    c => out.push(c),
                },
                c => out.push(c),
            }
        }
    }

    /// JSON with comments and embedded Ruby, as JSON without them.
    fn json(&mut self) -> Result<Value, Unreadable> {
        let line = self.line;
        let unended = "a value that begins with a bracket is not JSON, or does not end";
        let mut out = Text::default();
        let mut depth = 0_usize;
        let mut quoted = false;
        loop {
            let c = self.next().ok_or_else(|| self.fault(line, unended))?;
            match c {
                '#' if !quoted => {
                    self.skip_while(|c| c != '\n');
                    continue;
                }
                '#' if self.skip("{") => {
                    out.add(self.embedded(line)?.escaped());
                    continue;
                }
                '\\' if quoted => {
                    out.push(c);
                    out.push(self.next().ok_or_else(|| self.fault(line, unended))?);
                    continue;
                }
                '"' => quoted = !quoted,
                '[' | '{' if !quoted => depth += 1,
                ']' | '}' if !quoted => depth = depth.saturating_sub(1),
                _ => {}
            }
            out.push(c);
            if depth == 0 {
                break;
            }
        }
        let done = out.done();
        if let Ok(Some(text)) = &done
            && serde_json::from_str::<serde_json::Value>(text).is_err()
        {
            return Err(self.fault(line, unended));
        }
        Ok(done)
    }

    /// The value of Ruby between `#{` and `}`.
    fn embedded(&mut self, line: usize) -> Result<Outcome, Unreadable> {
        let start = self.rest;
        let mut depth = 0_usize;
        let mut quote = None;
        loop {
            let here = start.len() - self.rest.len();
            match (self.next(), quote) {
                (None, _) => return Err(self.fault(line, "embedded Ruby does not end")),
                (Some('\\'), Some(_)) => {
                    self.next();
                }
                (Some(c), Some(open)) if c == open => quote = None,
                (Some(_), Some(_)) => {}
                (Some(c @ ('"' | '\'')), None) => quote = Some(c),
                (Some('{'), None) => depth += 1,
                (Some('}'), None) if depth == 0 => {
                    return Ok(ruby::evaluate(start.get(..here).unwrap_or_default(), self.env));
                }
                (Some('}'), None) => depth -= 1,
                (Some(_), None) => {}
            }
        }
    }
}

/// A string while it is put together.
#[derive(Default)]
struct Text {
    text: String,
    is_default: bool,
    unknown: Option<String>,
}

impl Text {
    fn push(&mut self, c: char) {
        self.text.push(c);
    }

    fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Text(text) => self.text.push_str(&text),
            Outcome::Default => self.is_default = true,
            Outcome::Unknown(reason) => self.unknown = Some(reason),
        }
    }

    fn done(self) -> Value {
        match (self.is_default, self.unknown) {
            (true, _) => Ok(None),
            (false, Some(reason)) => Err(reason),
            (false, None) => Ok(Some(self.text)),
        }
    }
}
