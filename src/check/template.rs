//! Sentences with expressions in braces: `{item.audit.log.maxAgeDays} days`. `{{` is a brace.

use std::collections::BTreeMap;

use serde_json::Value;

use super::expr::{Expression, Fault, Outcome, Scope};
use super::lint;
use super::types::Type;

/// How a value reads that is not known.
pub const UNKNOWN: &str = "unknown";

/// A parsed and linted sentence.
#[derive(Debug)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Text(String),
    Expression(Expression),
}

impl Template {
    /// Parses a sentence and checks its expressions.
    ///
    /// # Errors
    /// A brace without its partner, or a fault in an expression, by its offset in the sentence.
    pub fn parse(text: &str, variables: &BTreeMap<String, Type>) -> Result<Self, Fault> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        let mut offset = 0;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, tail) = rest.split_at(at);
            literal.push_str(before);
            offset += at;
            if let Some(after) = tail.strip_prefix("{{").or_else(|| tail.strip_prefix("}}")) {
                literal.push_str(&tail[..1]);
                rest = after;
                offset += 2;
                continue;
            }
            let unbalanced = |message: &str| Fault { offset, message: message.into(), help: None };
            let Some(inner) = tail.strip_prefix('{') else {
                return Err(unbalanced("`}` without `{`; write `}}` for a brace"));
            };
            let Some((source, after)) = inner.split_once('}') else {
                return Err(unbalanced("`{` without `}`; write `{{` for a brace"));
            };
            let shift = |fault: Fault| Fault { offset: fault.offset + offset + 1, ..fault };
            let expression = Expression::parse(source).map_err(shift)?;
            lint::check(&expression.tree, variables).map_err(shift)?;
            if !literal.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut literal)));
            }
            parts.push(Part::Expression(expression));
            offset += source.len() + 2;
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        Ok(Self { parts })
    }

    /// The sentence with its expressions evaluated; what is unknown reads so, and is left out where it alone stands in
    /// parentheses.
    pub fn render(&self, scope: &Scope<'_>) -> String {
        let mut out = String::new();
        let mut parts = self.parts.iter().peekable();
        while let Some(part) = parts.next() {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Expression(expression) => match expression.evaluate(scope) {
                    Outcome::Value(value) => out.push_str(&plain(&value)),
                    Outcome::Missing | Outcome::Failed(_) => {
                        if let Some(Part::Text(next)) = parts.peek()
                            && let Some(after) = next.strip_prefix(')')
                            && let Some(before) = out.strip_suffix(" (").map(str::len)
                        {
                            out.truncate(before);
                            out.push_str(after);
                            parts.next();
                        } else {
                            out.push_str(UNKNOWN);
                        }
                    }
                },
            }
        }
        out
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_unknown_reads_so_or_is_left_out_with_its_parentheses() {
        let fields =
            Type::Object(std::sync::Arc::new([("a".into(), Type::Text), ("b".into(), Type::Text)].into()));
        let variables = [("item".to_owned(), fields)].into();
        let mut scope = Scope::new();
        scope.set("item", &json!({"a": "x"}));
        for (text, expected) in [
            ("set ({item.a})", "set (x)"),
            ("set ({item.b}) here", "set here"),
            ("set {item.b}", "set unknown"),
            ("set ({item.b}; {item.a})", "set (unknown; x)"),
        ] {
            let template = Template::parse(text, &variables).unwrap();
            assert_eq!(template.render(&scope), expected);
        }
    }
}
