//! Words and values of a pipeline's text (elastic/logstash: `lscl_grammar.treetop`).

use crate::analyze::collectors::dialect::Unreadable;
use crate::analyze::collectors::scan::Scanner;

/// What Logstash's grammar needs beside.
pub(super) trait Words<'a> {
    /// A word that nothing of a word follows.
    fn skip_word(&mut self, word: &str) -> bool;
    /// What stands between two of `quote`, which a backslash before it makes part of the text, whatever is before that.
    fn quoted(&mut self, quote: char) -> Result<&'a str, Unreadable>;
    /// The name of a plugin or setting.
    fn name(&mut self) -> Result<&'a str, Unreadable>;
}

impl<'a> Words<'a> for Scanner<'a> {
    fn skip_word(&mut self, word: &str) -> bool {
        let follows = |rest: &str| rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let found = self.rest.strip_prefix(word).filter(|rest| !follows(rest));
        if let Some(rest) = found {
            self.rest = rest;
        }
        found.is_some()
    }

    fn quoted(&mut self, quote: char) -> Result<&'a str, Unreadable> {
        self.between(quote, |c, _| c == '\\')
    }

    fn name(&mut self) -> Result<&'a str, Unreadable> {
        self.spacing();
        if let Some(quote @ ('"' | '\'')) = self.peek() {
            return self.quoted(quote);
        }
        let name = self.take_while(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        if name.is_empty() { Err(self.fault("a name is expected here")) } else { Ok(name) }
    }
}
