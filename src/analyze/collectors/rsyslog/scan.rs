//! Words of a configuration, of the old form and of `RainerScript`.

use crate::analyze::collectors::dialect::Unreadable;
use crate::analyze::collectors::scan::Scanner;

/// What rsyslog's forms need beside.
pub(super) trait Words {
    /// Blanks within a line.
    fn blanks(&mut self);
    /// The word that stands here, in lower case.
    fn peek_word(&self) -> String;
    /// Whether a word and an opening bracket stand here.
    fn opens(&self, word: &str) -> bool;
    /// Takes a word, in whatever case.
    fn skip_word(&mut self, word: &str) -> bool;
    /// The rest of a line, those that a backslash at the end joins to it too.
    fn rest_of_line(&mut self) -> String;
    /// What stands between two of `quote`; a backslash takes the meaning of what follows.
    fn quoted(&mut self, quote: char) -> Result<String, Unreadable>;
    /// An expression up to `word`, which is taken too.
    fn until_word(&mut self, word: &str) -> Result<String, Unreadable>;
}

impl Words for Scanner<'_> {
    fn blanks(&mut self) {
        self.take_while(|c| matches!(c, ' ' | '\t' | '\r'));
    }

    fn peek_word(&self) -> String {
        let end =
            self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(self.rest.len());
        self.rest.get(..end).unwrap_or_default().to_ascii_lowercase()
    }

    fn opens(&self, word: &str) -> bool {
        let rest = self.rest.get(word.len()..).unwrap_or_default();
        self.peek_word() == word && rest.trim_start_matches([' ', '\t']).starts_with('(')
    }

    fn skip_word(&mut self, word: &str) -> bool {
        let found = self.peek_word() == word;
        if found {
            self.take(word.len());
        }
        found
    }

    fn rest_of_line(&mut self) -> String {
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

    fn quoted(&mut self, quote: char) -> Result<String, Unreadable> {
        let text = self.between(quote, |c, escaped| c == '\\' && !escaped)?;
        Ok(text.replace(&format!("\\{quote}"), &quote.to_string()))
    }

    fn until_word(&mut self, word: &str) -> Result<String, Unreadable> {
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
