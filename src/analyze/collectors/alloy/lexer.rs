//! The words of the Alloy configuration syntax (Alloy docs: concepts/configuration-syntax).

use super::Fault;

/// A word and where it begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    /// What it is.
    pub(super) kind: Kind,
    /// Its line, from 1.
    pub(super) line: usize,
    /// Whether it is the first of its line: a new line ends a statement.
    pub(super) first: bool,
}

/// Kinds of words.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// A name.
    Name(String),
    /// A text, without its quotes and escapes.
    Text(String),
    /// A number, as it is written.
    Number(String),
    /// A sign: `{`, `==`.
    Sign(&'static str),
}

/// Longer signs first.
const SIGNS: [&str; 25] = [
    "||", "&&", "==", "!=", "<=", ">=", "=", "<", ">", "!", "+", "-", "*", "/", "%", "^", "{", "}", "[", "]",
    "(", ")", ",", ".", ";",
];

/// The words of a text. Comments are left out.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Fault> {
    let mut lexer = Lexer { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 1, first: true };
    let mut tokens = Vec::new();
    loop {
        lexer.skip()?;
        let (line, first) = (lexer.line, lexer.first);
        let Some(kind) = lexer.word()? else { return Ok(tokens) };
        lexer.first = false;
        tokens.push(Token { kind, line, first });
    }
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
    first: bool,
}

impl<'a> Lexer<'a> {
    fn fault(&self, why: impl Into<String>) -> Fault {
        Fault { line: self.line, why: why.into() }
    }

    /// Moves on by a number of bytes, which end at a character.
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.rest = rest;
        let lines = taken.bytes().filter(|byte| *byte == b'\n').count();
        self.line += lines;
        self.first |= lines > 0;
        taken
    }

    fn skip(&mut self) -> Result<(), Fault> {
        loop {
            let space = self.rest.len() - self.rest.trim_start().len();
            self.take(space);
            if self.rest.starts_with("//") {
                self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
            } else if self.rest.starts_with("/*") {
                let Some(end) = self.rest.find("*/") else {
                    return Err(self.fault("a comment has no end"));
                };
                self.take(end + 2);
            } else {
                return Ok(());
            }
        }
    }

    fn word(&mut self) -> Result<Option<Kind>, Fault> {
        let Some(next) = self.rest.chars().next() else { return Ok(None) };
        let fraction = next == '.' && self.rest.chars().nth(1).is_some_and(|c| c.is_ascii_digit());
        Ok(Some(match next {
            '"' => Kind::Text(self.quoted()?),
            '`' => {
                let Some(end) = self.rest.get(1..).and_then(|rest| rest.find('`')) else {
                    return Err(self.fault("a raw text has no end"));
                };
                Kind::Text(self.take(end + 2).trim_matches('`').replace('\r', ""))
            }
            c if c == '_' || c.is_alphabetic() => {
                let end = self.rest.find(|c: char| c != '_' && !c.is_alphanumeric());
                Kind::Name(self.take(end.unwrap_or(self.rest.len())).to_owned())
            }
            c if c.is_ascii_digit() || fraction => Kind::Number(self.number().to_owned()),
            _ => match SIGNS.iter().find(|sign| self.rest.starts_with(**sign)) {
                Some(sign) => {
                    self.take(sign.len());
                    Kind::Sign(sign)
                }
                None => return Err(self.fault("a character that has no meaning here")),
            },
        }))
    }

    fn number(&mut self) -> &'a str {
        let mut before = ' ';
        let end = self.rest.find(|c: char| {
            let part = c.is_ascii_alphanumeric()
                || c == '.'
                || (matches!(c, '+' | '-') && matches!(before, 'e' | 'E'));
            before = c;
            !part
        });
        self.take(end.unwrap_or(self.rest.len()))
    }

    fn quoted(&mut self) -> Result<String, Fault> {
        let mut text = String::new();
        let mut chars = self.rest.char_indices();
        chars.next();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.take(at + 1);
                    return Ok(text);
                }
                '\n' => break,
                '\\' => match escape(&mut chars) {
                    Some(c) => text.push(c),
                    None => return Err(self.fault("an escape in a text that is not known")),
                },
                c => text.push(c),
            }
        }
        Err(self.fault("a text has no end on its line"))
    }
}

/// The character of an escape, as in Go.
fn escape(chars: &mut std::str::CharIndices<'_>) -> Option<char> {
    match chars.next()?.1 {
        'n' => Some('\n'),
        't' => Some('\t'),
        'r' => Some('\r'),
        'a' => Some('\u{7}'),
        'b' => Some('\u{8}'),
        'f' => Some('\u{c}'),
        'v' => Some('\u{b}'),
        'x' => code(chars, 0, 2, 16),
        'u' => code(chars, 0, 4, 16),
        'U' => code(chars, 0, 8, 16),
        c @ '0'..='7' => code(chars, c.to_digit(8)?, 2, 8),
        c @ ('\\' | '"' | '\'') => Some(c),
        _ => None,
    }
}

fn code(chars: &mut std::str::CharIndices<'_>, first: u32, digits: usize, radix: u32) -> Option<char> {
    let mut value = first;
    for _ in 0..digits {
        value = value.checked_mul(radix)?.checked_add(chars.next()?.1.to_digit(radix)?)?;
    }
    char::from_u32(value)
}
