//! A text and how far it is read: what readers of configurations that are no YAML have in common.

use super::config::File;
use super::dialect::Unreadable;

/// A text and how far it is read.
pub(super) struct Scanner<'a> {
    pub(super) file: &'a File,
    /// What is not read yet.
    pub(super) rest: &'a str,
    /// The line that is reached.
    pub(super) line: usize,
    /// Whether `/* … */` is a comment too.
    blocks: bool,
    budget: usize,
}

/// How much a file may hold: parts of it, of which a reader counts some as several.
const BUDGET: usize = 10_000;

impl<'a> Scanner<'a> {
    /// A text in which comments begin with `#`.
    pub(super) fn new(file: &'a File) -> Self {
        Self { file, rest: file.text.trim_start_matches('\u{feff}'), line: 1, blocks: false, budget: BUDGET }
    }

    /// A text with comments of both kinds.
    pub(super) fn with_block_comments(file: &'a File) -> Self {
        Self { blocks: true, ..Self::new(file) }
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

    /// Blanks, ends of lines and comments.
    pub(super) fn spacing(&mut self) {
        loop {
            self.take_while(|c| c.is_ascii_whitespace());
            if self.rest.starts_with('#') {
                self.take_while(|c| c != '\n');
            } else if self.blocks && self.rest.starts_with("/*") {
                let end = self.rest.find("*/").map_or(self.rest.len(), |end| end + 2);
                self.take(end);
            } else {
                return;
            }
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

    pub(super) fn expect(&mut self, text: &str) -> Result<(), Unreadable> {
        self.spacing();
        if self.skip(text) { Ok(()) } else { Err(self.fault(format!("{text} is expected here"))) }
    }

    pub(super) fn take_while(&mut self, of: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c: char| !of(c)).unwrap_or(self.rest.len());
        self.take(end)
    }

    pub(super) fn take(&mut self, end: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.line += taken.bytes().filter(|b| *b == b'\n').count();
        self.rest = rest;
        taken
    }

    /// What stands between two of `quote`, as it is written. `escapes` tells of a character, and whether the one before it
    /// has taken its meaning, whether it takes the meaning of the next.
    pub(super) fn between(
        &mut self,
        quote: char,
        escapes: impl Fn(char, bool) -> bool,
    ) -> Result<&'a str, Unreadable> {
        let line = self.line;
        let unended = || Unreadable::new(self.file.place(line), "a text that begins here does not end");
        let inside = self.rest.strip_prefix(quote).ok_or_else(unended)?;
        let mut escaped = false;
        let end = inside.find(|c: char| {
            let ends = c == quote && !escaped;
            escaped = escapes(c, escaped);
            ends
        });
        let end = end.ok_or_else(unended)?;
        self.take(1);
        let text = self.take(end);
        self.take(1);
        Ok(text)
    }
}
