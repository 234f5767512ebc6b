//! Words of a configuration, of the old form and of `RainerScript`.

use crate::analyze::collectors::config::File;
use crate::analyze::collectors::dialect::Unreadable;

/// A text and how far it is read.
pub(super) struct Scanner<'a> {
    pub(super) file: &'a File,
    rest: &'a str,
    pub(super) line: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(file: &'a File) -> Self {
        Self { file, rest: file.text.trim_start_matches('\u{feff}'), line: 1 }
    }

    pub(super) fn fault(&self, why: impl Into<String>) -> Unreadable {
        Unreadable::new(self.file.place(self.line), why)
    }

    /// Blanks, ends of lines and comments of both kinds.
    pub(super) fn spacing(&mut self) {
        loop {
            self.take_while(|c| c.is_ascii_whitespace());
            if self.rest.starts_with('#') {
                self.take_while(|c| c != '\n');
            } else if self.rest.starts_with("/*") {
                let end = self.rest.find("*/").map_or(self.rest.len(), |end| end + 2);
                self.take(end);
            } else {
                return;
            }
        }
    }

    pub(super) fn blanks(&mut self) {
        self.take_while(|c| matches!(c, ' ' | '\t' | '\r'));
    }

    pub(super) fn at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    pub(super) fn skip(&mut self, text: &str) -> bool {
        let found = self.rest.strip_prefix(text);
        if let Some(rest) = found {
            self.rest = rest;
        }
        found.is_some()
    }

    /// The word that stands here, in lower case.
    pub(super) fn peek_word(&self) -> String {
        let end =
            self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(self.rest.len());
        self.rest.get(..end).unwrap_or_default().to_ascii_lowercase()
    }

    /// Whether a word and an opening bracket stand here.
    pub(super) fn opens(&self, word: &str) -> bool {
        let rest = self.rest.get(word.len()..).unwrap_or_default();
        self.peek_word() == word && rest.trim_start_matches([' ', '\t']).starts_with('(')
    }

    pub(super) fn skip_word(&mut self, word: &str) -> bool {
        let found = self.peek_word() == word;
        if found {
            self.take(word.len());
        }
        found
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

    /// The rest of a line, those that a backslash at the end joins to it too.
    pub(super) fn rest_of_line(&mut self) -> String {
        let mut out = String::new();
        loop {
            let part = self.take_while(|c| c != '\n');
            match part.trim_end_matches('\r').strip_suffix('\\') {
                Some(before) if !self.at_end() => {
                    out.push_str(before);
                    self.take(1);
                }
                _ => {
                    out.push_str(part);
                    return out.trim().to_owned();
                }
            }
        }
    }

    /// What stands between two of `quote`; a backslash takes the meaning of what follows.
    pub(super) fn quoted(&mut self, quote: char) -> Result<String, Unreadable> {
        let line = self.line;
        let unended = || Unreadable::new(self.file.place(line), "a text that begins here does not end");
        let inside = self.rest.strip_prefix(quote).ok_or_else(unended)?;
        let mut escaped = false;
        let end = inside.find(|c: char| {
            let ends = c == quote && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        let end = end.ok_or_else(unended)?;
        self.take(1);
        let text = self.take(end).replace(&format!("\\{quote}"), &quote.to_string());
        self.take(1);
        Ok(text)
    }

    /// An expression up to `word`, which is taken too.
    pub(super) fn until_word(&mut self, word: &str) -> Result<String, Unreadable> {
        let mut out = String::new();
        loop {
            self.spacing();
            match self.peek() {
                None => return Err(self.fault(format!("{word} is expected before the end"))),
                Some(quote @ ('"' | '\'')) => {
                    let text = self.quoted(quote)?;
                    out.push_str(&format!("\"{text}\" "));
                }
                Some(c) if c.is_ascii_alphanumeric() || matches!(c, '$' | '_') => {
                    if self.skip_word(word) {
                        return Ok(out.trim().to_owned());
                    }
                    let part = self.take_while(|c| {
                        c.is_ascii_alphanumeric() || matches!(c, '$' | '_' | '!' | '.' | '-')
                    });
                    out.push_str(part);
                    out.push(' ');
                }
                Some(c) => {
                    self.take(c.len_utf8());
                    out.push(c);
                    if !matches!(c, '=' | '!' | '<' | '>') || self.peek().is_none_or(|next| next != '=') {
                        out.push(' ');
                    }
                }
            }
        }
    }
}
