//! A JSON text into values, as Go's decoder reads it.
//!
//! kube-apiserver takes a text for JSON when its first character that is no white space is `{`, and then reads it as
//! nothing else (`k8s.io/apimachinery` `pkg/util/yaml`, `IsJSONBuffer`). A policy in YAML's flow style is therefore
//! refused unless it is JSON as well. Keys given twice stay: the later value is laid over the earlier one.

use super::tree::{At, Broken, Entry, MAX_DEPTH, Map, Ref, Tree, Value};

/// Whether kube-apiserver takes the text for JSON.
pub(super) fn is_json(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

/// Reads a text.
///
/// # Errors
/// It is not JSON.
pub(super) fn read(text: &str) -> Result<Tree, Broken> {
    let mut reader =
        Reader { rest: text, at: At::START, tree: Tree { json: true, ..Tree::default() }, open: Vec::new() };
    reader.document()?;
    reader.space();
    if reader.rest.is_empty() { Ok(reader.tree) } else { Err(reader.broken("something after the object")) }
}

struct Reader<'a> {
    rest: &'a str,
    at: At,
    tree: Tree,
    open: Vec<(At, Open)>,
}

enum Open {
    List(Vec<Ref>),
    Map(Map, String, At),
}

impl Reader<'_> {
    fn broken(&self, message: &str) -> Broken {
        Broken::new(self.at, format!("not valid JSON: {message}"))
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next()?;
        self.rest = chars.as_str();
        if next == '\n' {
            self.at = At { line: self.at.line.saturating_add(1), column: 1 };
        } else {
            self.at.column = self.at.column.saturating_add(1);
        }
        Some(next)
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\r' | '\n')) {
            self.next();
        }
    }

    fn eat(&mut self, expected: char) -> bool {
        let found = self.peek() == Some(expected);
        if found {
            self.next();
        }
        found
    }

    fn document(&mut self) -> Result<(), Broken> {
        loop {
            self.space();
            let at = self.at;
            let value = match self.peek() {
                Some(bracket @ ('{' | '[')) => {
                    self.next();
                    if self.open.len() >= MAX_DEPTH {
                        return Err(self.broken(&format!("nested more than {MAX_DEPTH} levels deep")));
                    }
                    self.space();
                    if bracket == '{' && !self.eat('}') {
                        let (key, key_at) = self.key()?;
                        self.open.push((at, Open::Map(Map::default(), key, key_at)));
                        continue;
                    }
                    if bracket == '[' && !self.eat(']') {
                        self.open.push((at, Open::List(Vec::new())));
                        continue;
                    }
                    if bracket == '{' { Value::Map(Map::default()) } else { Value::List(Vec::new()) }
                }
                Some('"') => Value::Text(self.string()?),
                Some('-' | '0'..='9') => self.number()?,
                Some('a'..='z') => self.word()?,
                Some(_) => return Err(self.broken("expected a value here")),
                None => return Err(self.broken("the text ends in the middle")),
            };
            let id = self.tree.add(at, value);
            if self.close(Ref { id, alias: false })? {
                return Ok(());
            }
        }
    }

    /// Puts a value where it belongs and closes what ends behind it; whether that was the document.
    fn close(&mut self, mut value: Ref) -> Result<bool, Broken> {
        loop {
            let Some((at, mut open)) = self.open.pop() else {
                self.tree.root = Some(value.id);
                return Ok(true);
            };
            match &mut open {
                Open::List(items) => items.push(value),
                Open::Map(map, key, key_at) => {
                    map.entries.push(Entry { key: std::mem::take(key), at: *key_at, value });
                }
            }
            self.space();
            if self.eat(',') {
                self.space();
                if let Open::Map(_, key, key_at) = &mut open {
                    (*key, *key_at) = self.key()?;
                }
                self.open.push((at, open));
                return Ok(false);
            }
            let whole = match open {
                Open::List(items) if self.eat(']') => Value::List(items),
                Open::Map(mut map, ..) if self.eat('}') => {
                    map.settle(true);
                    Value::Map(map)
                }
                Open::List(_) => return Err(self.broken("expected `,` or `]` here")),
                Open::Map(..) => return Err(self.broken("expected `,` or `}` here")),
            };
            value = Ref { id: self.tree.add(at, whole), alias: false };
        }
    }

    fn key(&mut self) -> Result<(String, At), Broken> {
        let at = self.at;
        if self.peek() != Some('"') {
            return Err(self.broken("expected a key in double quotes here"));
        }
        let key = self.string()?;
        self.space();
        if self.eat(':') { Ok((key, at)) } else { Err(self.broken("expected `:` here")) }
    }

    fn word(&mut self) -> Result<Value, Broken> {
        for (word, value) in
            [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))]
        {
            if self.rest.starts_with(word) {
                word.chars().for_each(|_| {
                    self.next();
                });
                return Ok(value);
            }
        }
        Err(self.broken("expected a value here"))
    }

    fn number(&mut self) -> Result<Value, Broken> {
        let length = self
            .rest
            .find(|c: char| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E'))
            .unwrap_or(self.rest.len());
        let text = self.rest.get(..length).unwrap_or_default().to_owned();
        if !is_number(&text) {
            return Err(self.broken("not a number"));
        }
        for _ in 0..length {
            self.next();
        }
        let integer = text.parse::<i64>().is_ok();
        Ok(Value::Number { text, integer })
    }

    fn string(&mut self) -> Result<String, Broken> {
        self.next();
        let mut text = String::new();
        loop {
            let at = self.at;
            match self.next() {
                Some('"') => return Ok(text),
                Some('\\') => text.push(self.escape()?),
                Some(found) if found < ' ' => {
                    let message =
                        format!("not valid JSON: control character U+{:04X} in text", u32::from(found));
                    return Err(Broken::new(at, message));
                }
                Some(found) => text.push(found),
                None => return Err(self.broken("text without its closing quote")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Broken> {
        let unit = match self.next() {
            Some(same @ ('"' | '\\' | '/')) => return Ok(same),
            Some('b') => return Ok('\u{8}'),
            Some('f') => return Ok('\u{c}'),
            Some('n') => return Ok('\n'),
            Some('r') => return Ok('\r'),
            Some('t') => return Ok('\t'),
            Some('u') => self.unit().ok_or_else(|| self.broken("`\\u` without four hexadecimal digits"))?,
            _ => return Err(self.broken("no such escape")),
        };
        if let Some(found) = char::from_u32(unit) {
            return Ok(found);
        }
        // Half a pair: with its other half a character, alone Go's replacement for what is no character.
        let (rest, at) = (self.rest, self.at);
        if unit < 0xDC00 && self.eat('\\') && self.eat('u') {
            let low = self.unit().filter(|low| (0xDC00..0xE000).contains(low));
            let both = low.and_then(|low| char::from_u32(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)));
            if let Some(both) = both {
                return Ok(both);
            }
        }
        (self.rest, self.at) = (rest, at);
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn unit(&mut self) -> Option<u32> {
        let digits = self.rest.get(..4)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let unit = u32::from_str_radix(digits, 16).ok();
        for _ in 0..4 {
            self.next();
        }
        unit
    }
}

/// `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?`
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) =
        unsigned.split_once(['e', 'E']).map_or((unsigned, None), |(m, e)| (m, Some(e)));
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(w, f)| (w, Some(f)));
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['-', '+']).unwrap_or(exponent)))
}
