//! Variables in texts, `${…}`, whatever they mean to a program.

use serde_json::Value;

use crate::analyze::collectors::config::MAX_BYTES;
use crate::document::yaml;

/// How deep variables may lead to further variables.
const MAX_VARIABLE_DEPTH: usize = 10;

/// How many variables one configuration may use.
const MAX_VARIABLES: usize = 20_000;

/// What a variable stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// This text, in which variables are replaced in turn. As a whole value it is read as YAML.
    Text(String),
    /// It is not seen; the reason.
    Unseen(String),
    /// It is not a variable of the configuration: it stays as it is written.
    Keep,
}

/// Replaces variables, within bounds.
pub(super) struct Variables<'a> {
    lookup: &'a mut dyn FnMut(&str) -> Piece,
    escapes: bool,
    count: usize,
    bytes: usize,
}

impl<'a> Variables<'a> {
    pub(super) fn new(lookup: &'a mut dyn FnMut(&str) -> Piece, escapes: bool) -> Self {
        Self { lookup, escapes, count: 0, bytes: 0 }
    }

    /// The value that a text stands for; none if it stays as it is.
    pub(super) fn whole(&mut self, text: &str, depth: usize) -> Result<Option<Value>, String> {
        let alone = text
            .strip_prefix("${")
            .and_then(|rest| rest.strip_suffix('}'))
            .filter(|inside| !inside.contains(['{', '}']));
        let replaced = self.expand(text, depth)?;
        if alone.is_some() && (replaced.starts_with(['[', '{']) || replaced.contains('\n')) {
            let parsed = yaml::parse(&replaced);
            if parsed.faults.is_empty()
                && let Some(tree) = parsed.trees.into_iter().next()
            {
                return Ok(Some(tree.document("").value));
            }
        }
        Ok((replaced != text).then_some(Value::String(replaced)))
    }

    fn expand(&mut self, text: &str, depth: usize) -> Result<String, String> {
        if depth > MAX_VARIABLE_DEPTH {
            return Err("its variables lead to each other".to_owned());
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            if let Some(after) = after.strip_prefix('$').filter(|_| self.escapes) {
                out.push('$');
                rest = after;
                continue;
            }
            let inside = after.strip_prefix('{').and_then(|after| after.split_once('}'));
            let Some((inside, behind)) = inside else {
                out.push('$');
                rest = after;
                continue;
            };
            rest = behind;
            self.count += 1;
            if self.count > MAX_VARIABLES {
                return Err(format!("the configuration uses more than {MAX_VARIABLES} variables"));
            }
            match (self.lookup)(inside) {
                Piece::Keep => {
                    out.push_str("${");
                    out.push_str(inside);
                    out.push('}');
                }
                Piece::Unseen(why) => return Err(why),
                Piece::Text(text) => {
                    self.bytes += text.len();
                    if self.bytes > MAX_BYTES {
                        return Err("its variables come to more text than is read".to_owned());
                    }
                    out.push_str(&if text.contains("${") { self.expand(&text, depth + 1)? } else { text });
                }
            }
        }
        out.push_str(rest);
        Ok(out)
    }
}
