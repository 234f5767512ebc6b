//! Words and values of a pipeline's text (elastic/logstash: `lscl_grammar.treetop`).

use crate::analyze::collectors::config::File;
use crate::analyze::collectors::dialect::Unreadable;

/// A text and how far it is read.
pub(super) struct Scanner<'a> {
    pub(super) file: &'a File,
    rest: &'a str,
    pub(super) line: usize,
    budget: usize,
}

/// How much a file may hold: tests of conditions, of which a plugin or an arm of a conditional counts as several.
const BUDGET: usize = 10_000;

impl<'a> Scanner<'a> {
    pub(super) fn new(file: &'a File) -> Self {
        Self { file, rest: file.text.trim_start_matches('\u{feff}'), line: 1, budget: BUDGET }
    }

    pub(super) fn fault(&self, why: impl Into<String>) -> Unreadable {
        Unreadable::new(self.file.place(self.line), why)
    }

    /// Takes something from what the file may hold.
    pub(super) fn spend(&mut self, cost: usize) -> Result<(), Unreadable> {
        match self.budget.checked_sub(cost) {
            Some(left) => {
                self.budget = left;
                Ok(())
            }
            None => Err(self.fault("it holds more than can be read")),
        }
    }

    /// Blanks and comments.
    pub(super) fn spacing(&mut self) {
        loop {
            self.take_while(|c| c.is_ascii_whitespace());
            if !self.rest.starts_with('#') {
                return;
            }
            self.take_while(|c| c != '\n');
        }
    }

    pub(super) fn at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    pub(super) fn starts_with(&self, text: &str) -> bool {
        self.rest.starts_with(text)
    }

    pub(super) fn skip(&mut self, text: &str) -> bool {
        let found = self.rest.strip_prefix(text);
        if let Some(rest) = found {
            self.rest = rest;
        }
        found.is_some()
    }

    /// A word that nothing of a word follows.
    pub(super) fn skip_word(&mut self, word: &str) -> bool {
        let follows = |rest: &str| rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let found = self.rest.strip_prefix(word).filter(|rest| !follows(rest));
        if let Some(rest) = found {
            self.rest = rest;
        }
        found.is_some()
    }

    pub(super) fn expect(&mut self, text: &str) -> Result<(), Unreadable> {
        self.spacing();
        if self.skip(text) { Ok(()) } else { Err(self.fault(format!("{text} is expected here"))) }
    }

    pub(super) fn take_while(&mut self, of: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c: char| !of(c)).unwrap_or(self.rest.len());
        self.take(end)
    }

    fn take(&mut self, end: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.line += taken.bytes().filter(|b| *b == b'\n').count();
        self.rest = rest;
        taken
    }

    /// What stands between two of `quote`, which a backslash before it makes part of the text, whatever is before that.
    pub(super) fn quoted(&mut self, quote: char) -> Result<&'a str, Unreadable> {
        let line = self.line;
        let unended = || Unreadable::new(self.file.place(line), "a text that begins here does not end");
        let inside = self.rest.strip_prefix(quote).ok_or_else(unended)?;
        let mut escaped = false;
        let end = inside.find(|c: char| {
            let ends = c == quote && !escaped;
            escaped = c == '\\';
            ends
        });
        let end = end.ok_or_else(unended)?;
        self.take(1);
        let text = self.take(end);
        self.take(1);
        Ok(text)
    }

    /// The name of a plugin or setting.
    pub(super) fn name(&mut self) -> Result<&'a str, Unreadable> {
        self.spacing();
        if let Some(quote @ ('"' | '\'')) = self.peek() {
            return self.quoted(quote);
        }
        let name = self.take_while(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        if name.is_empty() { Err(self.fault("a name is expected here")) } else { Ok(name) }
    }
}
