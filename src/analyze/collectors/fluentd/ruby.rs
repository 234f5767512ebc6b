//! The little Ruby that configurations embed as `#{…}`: variables of the environment and what to take if they are not set.

use crate::analyze::collectors::config::Env;
use crate::analyze::fact::Fact;

/// What embedded Ruby comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// A text; empty for `nil`.
    Text(String),
    /// `use_default` or `use_nil`: as if the parameter was not set.
    Default,
    /// It cannot be told; the reason.
    Unknown(String),
}

impl Outcome {
    /// As it stands in a JSON string.
    pub(super) fn escaped(self) -> Self {
        match self {
            Self::Text(text) => {
                let quoted = serde_json::Value::String(text).to_string();
                Self::Text(quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned())
            }
            other => other,
        }
    }
}

/// The value of an expression: `ENV['A']`, `ENV.fetch('A', 'b')`, literals, `use_default`, and `||` between them.
pub(super) fn evaluate(code: &str, env: &Env) -> Outcome {
    let mut rest = code.trim();
    loop {
        let Some((term, after)) = term(rest) else { return unclear() };
        let outcome = match resolve(term, env) {
            Ok(outcome) => outcome,
            Err(unset) => unset,
        };
        let after = after.trim_start();
        match (outcome, after.strip_prefix("||")) {
            (None, Some(next)) => rest = next.trim_start(),
            (None, None) if after.is_empty() => return Outcome::Text(String::new()),
            // What follows `||` does not matter once there is a value.
            (Some(outcome), Some(_)) => return outcome,
            (Some(outcome), None) if after.is_empty() => return outcome,
            _ => return unclear(),
        }
    }
}

fn unclear() -> Outcome {
    Outcome::Unknown("it is computed by Ruby, which is not evaluated here".into())
}

#[derive(Clone, Copy)]
enum Term<'a> {
    Env { name: &'a str, default: Option<&'a str>, required: bool },
    Literal(&'a str),
    Default,
}

/// A term's value, none for `nil`; the error stands for a program that would not start.
fn resolve(term: Term<'_>, env: &Env) -> Result<Option<Outcome>, Option<Outcome>> {
    match term {
        Term::Literal(text) => Ok(Some(Outcome::Text(text.to_owned()))),
        Term::Default => Ok(Some(Outcome::Default)),
        Term::Env { name, default, required } => match env.get(name) {
            Fact::Unknown(unknown) => Ok(Some(Outcome::Unknown(unknown.reason))),
            Fact::Known(known) => match (known.value, default) {
                (Some(value), _) => Ok(Some(Outcome::Text(value))),
                (None, Some(default)) => Ok(Some(Outcome::Text(default.to_owned()))),
                (None, None) if required => Err(Some(Outcome::Unknown(format!(
                    "the variable {name} is not set, and Fluentd does not start without it"
                )))),
                (None, None) => Ok(None),
            },
        },
    }
}

/// The term a text begins with, and what is behind it.
fn term(text: &str) -> Option<(Term<'_>, &str)> {
    if let Some(rest) = text.strip_prefix("ENV.fetch") {
        let rest = rest.trim_start();
        let (rest, closed) = rest.strip_prefix('(').map_or((rest, false), |rest| (rest, true));
        let (name, rest) = quoted(rest.trim_start())?;
        let rest = rest.trim_start();
        let (default, rest) = match rest.strip_prefix(',') {
            Some(rest) => literal(rest.trim_start()).map(|(text, rest)| (Some(text), rest))?,
            None => (None, rest),
        };
        let rest = if closed { rest.trim_start().strip_prefix(')')? } else { rest };
        let (block, rest) = match rest.trim_start().strip_prefix('{') {
            Some(rest) => {
                let (text, rest) = literal(rest.trim_start())?;
                (Some(text), rest.trim_start().strip_prefix('}')?)
            }
            None => (None, rest),
        };
        return Some((Term::Env { name, default: default.or(block), required: true }, rest));
    }
    if let Some(rest) = text.strip_prefix("ENV") {
        let (name, rest) = quoted(rest.trim_start().strip_prefix('[')?.trim_start())?;
        let rest = rest.trim_start().strip_prefix(']')?;
        let rest = rest.strip_prefix(".to_s").unwrap_or(rest);
        return Some((Term::Env { name, default: None, required: false }, rest));
    }
    for word in ["use_default", "use_nil"] {
        if let Some(rest) = text.strip_prefix(word) {
            return Some((Term::Default, rest));
        }
    }
    literal(text).map(|(text, rest)| (Term::Literal(text), rest))
}

fn literal(text: &str) -> Option<(&str, &str)> {
    if text.starts_with(['"', '\'']) {
        return quoted(text);
    }
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.')).unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end)?;
    let plain = word == "true" || word == "false" || word.starts_with(|c: char| c.is_ascii_digit());
    plain.then_some((word, rest))
}

/// A quoted string without escapes and inner Ruby.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (inner, rest) = text.get(1..)?.split_once(quote)?;
    (!inner.contains(['\\', '#'])).then_some((inner, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::collectors::config::Variable;

    #[test]
    fn variables_and_what_stands_in_for_them() {
        let mut env = Env::default();
        env.variables.insert("A".into(), Variable::Seen("a".into(), "x".into()));
        env.variables.insert("S".into(), Variable::Hidden("from a Secret".into(), "x".into()));
        for (code, expected) in [
            ("ENV['A']", "a"),
            (r#"ENV["A"]"#, "a"),
            ("ENV['B']", ""),
            (" ENV['B'] || 'b' ", "b"),
            ("ENV['B'] || ENV['A'] || use_default", "a"),
            ("ENV['A'] || 'b'", "a"),
            ("ENV.fetch('B', 'c')", "c"),
            ("ENV.fetch('B') { 'c' }", "c"),
            ("ENV['B'] || 24224", "24224"),
        ] {
            assert_eq!(evaluate(code, &env), Outcome::Text(expected.into()), "{code}");
        }
        assert_eq!(evaluate("ENV['B'] || use_default", &env), Outcome::Default);
        for code in ["ENV['S'] || 'b'", "ENV.fetch('B')", "Socket.gethostname", "", "ENV['A'].upcase", "||"] {
            assert!(matches!(evaluate(code, &env), Outcome::Unknown(_)), "{code}");
        }
    }
}
