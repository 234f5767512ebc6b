//! Conditions of conditionals: what is known to hold, and which namespaces they are about.

use super::scan::Words;
use super::syntax::MAX_DEPTH;
use crate::analyze::collectors::dialect::Unreadable;
use crate::analyze::collectors::model::{NamespaceMatch, NamespaceRule, Pattern};
use crate::analyze::collectors::scan::Scanner;

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Test {
    All(Vec<Test>),
    Any(Vec<Test>),
    Not(Box<Test>),
    /// A field is one of several texts.
    Is(String, Vec<String>),
    /// A field matches an expression.
    Matches(String, String),
    /// A text is among the elements of a field.
    Holds(String, String),
    /// Anything else, and the fields it names.
    Other(Vec<String>),
}

/// What is known of the records of an input.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// The value of `type`, where nothing can change it.
    pub(super) kind: Option<String>,
    /// Tags that all of them have.
    pub(super) tags: Vec<String>,
}

/// Fields in which shippers put the namespace: Beats, Fluent Bit and Fluentd.
const NAMESPACE: [&str; 4] = [
    "[kubernetes][namespace]",
    "[kubernetes][namespace_name]",
    "[kubernetes][pod_namespace]",
    "[kubernetes.namespace]",
];

/// A side of a comparison.
enum Side {
    Field(String),
    Text(String),
    List(Vec<String>),
    Regex(String),
    Call(Vec<String>),
}

/// Reads a condition up to the brace that follows it.
pub(super) fn parse(scanner: &mut Scanner<'_>) -> Result<Test, Unreadable> {
    condition(scanner, 0)
}

fn condition(scanner: &mut Scanner<'_>, depth: usize) -> Result<Test, Unreadable> {
    let mut tests = vec![expression(scanner, depth)?];
    let mut operators: Vec<&str> = Vec::new();
    loop {
        scanner.spacing();
        let Some(operator) = ["and", "or", "xor", "nand"].into_iter().find(|word| scanner.skip_word(word))
        else {
            break;
        };
        operators.push(operator);
        tests.push(expression(scanner, depth)?);
    }
    Ok(match operators.as_slice() {
        [] => tests.pop().unwrap_or(Test::Other(Vec::new())),
        all if all.iter().all(|operator| *operator == "and") => Test::All(tests),
        all if all.iter().all(|operator| *operator == "or") => Test::Any(tests),
        _ => Test::Other(tests.iter().flat_map(Test::fields).collect()),
    })
}

fn expression(scanner: &mut Scanner<'_>, depth: usize) -> Result<Test, Unreadable> {
    if depth > MAX_DEPTH {
        return Err(scanner.fault(format!("conditions are nested more than {MAX_DEPTH} deep")));
    }
    scanner.spend(1)?;
    scanner.spacing();
    if scanner.skip("!") {
        return Ok(Test::Not(Box::new(expression(scanner, depth + 1)?)));
    }
    if scanner.skip("(") {
        let inner = condition(scanner, depth + 1)?;
        scanner.expect(")")?;
        return Ok(inner);
    }
    let left = side(scanner, depth)?;
    scanner.spacing();
    let operator = ["==", "!=", "=~", "!~", "<=", ">=", "<", ">"]
        .into_iter()
        .find(|operator| scanner.skip(operator))
        .or_else(|| scanner.skip_word("in").then_some("in"));
    let operator = match operator {
        None if scanner.skip_word("not") => {
            scanner.expect("in")?;
            Some("not in")
        }
        operator => operator,
    };
    let Some(operator) = operator else { return Ok(Test::Other(fields_of(&left))) };
    let right = side(scanner, depth)?;
    Ok(compare(left, operator, right))
}

fn side(scanner: &mut Scanner<'_>, depth: usize) -> Result<Side, Unreadable> {
    if depth > MAX_DEPTH {
        return Err(scanner.fault(format!("values are nested more than {MAX_DEPTH} deep")));
    }
    scanner.spacing();
    match scanner.peek() {
        Some(quote @ ('"' | '\'')) => Ok(Side::Text(scanner.quoted(quote)?.to_owned())),
        Some('/') => Ok(Side::Regex(scanner.quoted('/')?.replace("\\/", "/"))),
        Some('[') => bracketed(scanner, depth),
        _ => {
            let word = scanner.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
            if word.is_empty() {
                return Err(scanner.fault("this is not a condition"));
            }
            scanner.spacing();
            if scanner.skip("(") { call(scanner, depth) } else { Ok(Side::Text(word.to_owned())) }
        }
    }
}

fn call(scanner: &mut Scanner<'_>, depth: usize) -> Result<Side, Unreadable> {
    let mut fields = Vec::new();
    loop {
        scanner.spacing();
        if scanner.skip(")") {
            return Ok(Side::Call(fields));
        }
        fields.extend(fields_of(&side(scanner, depth + 1)?));
        scanner.spacing();
        if !scanner.skip(",") && !scanner.starts_with(")") {
            return Err(scanner.fault("a call does not go on or end here"));
        }
    }
}

/// A field, `[a][b]`, or a list, `["a", "b"]`.
fn bracketed(scanner: &mut Scanner<'_>, depth: usize) -> Result<Side, Unreadable> {
    scanner.expect("[")?;
    scanner.spacing();
    if scanner.starts_with("\"") || scanner.starts_with("'") || scanner.starts_with("]") {
        return elements(scanner, Vec::new(), depth);
    }
    let first = scanner.take_while(|c| !matches!(c, '[' | ']' | ',' | '{' | '}' | '\n'));
    if scanner.starts_with(",") {
        scanner.skip(",");
        return elements(scanner, vec![first.trim().to_owned()], depth);
    }
    scanner.expect("]")?;
    let mut field = format!("[{first}]");
    while scanner.skip("[") {
        let part = scanner.take_while(|c| !matches!(c, '[' | ']' | ',' | '{' | '}' | '\n'));
        scanner.expect("]")?;
        field.push_str(&format!("[{part}]"));
    }
    Ok(Side::Field(field))
}

fn elements(scanner: &mut Scanner<'_>, mut texts: Vec<String>, depth: usize) -> Result<Side, Unreadable> {
    loop {
        scanner.spacing();
        if scanner.skip("]") {
            return Ok(Side::List(texts));
        }
        if let Side::Text(text) = side(scanner, depth + 1)? {
            texts.push(text);
        }
        scanner.spacing();
        if !scanner.skip(",") && !scanner.starts_with("]") {
            return Err(scanner.fault("a list does not go on or end here"));
        }
    }
}

fn fields_of(side: &Side) -> Vec<String> {
    match side {
        Side::Field(field) => vec![field.clone()],
        Side::Call(fields) => fields.clone(),
        _ => Vec::new(),
    }
}

fn compare(left: Side, operator: &str, right: Side) -> Test {
    // What has a variable in it is not known to be that text.
    let is_plain = |texts: &[String]| texts.iter().all(|text| !text.contains("${") && !text.contains("%{"));
    let test = match (left, operator, right) {
        (Side::Field(field), "==" | "!=", Side::Text(text))
        | (Side::Text(text), "==" | "!=", Side::Field(field))
            if is_plain(std::slice::from_ref(&text)) =>
        {
            Test::Is(field, vec![text])
        }
        (Side::Field(field), "in" | "not in", Side::List(texts)) if is_plain(&texts) => {
            Test::Is(field, texts)
        }
        (Side::Text(text), "in" | "not in", Side::Field(field)) => Test::Holds(field, text),
        (Side::Field(field), "=~" | "!~", Side::Regex(regex) | Side::Text(regex)) => {
            Test::Matches(field, regex)
        }
        (left, _, right) => {
            let mut fields = fields_of(&left);
            fields.extend(fields_of(&right));
            Test::Other(fields)
        }
    };
    let negated = matches!(operator, "!=" | "!~" | "not in") && !matches!(test, Test::Other(_));
    if negated { Test::Not(Box::new(test)) } else { test }
}

impl Test {
    /// The fields it names.
    pub(super) fn fields(&self) -> Vec<String> {
        match self {
            Self::All(tests) | Self::Any(tests) => tests.iter().flat_map(Self::fields).collect(),
            Self::Not(test) => test.fields(),
            Self::Is(field, _) | Self::Matches(field, _) | Self::Holds(field, _) => vec![field.clone()],
            Self::Other(fields) => fields.clone(),
        }
    }

    /// Whether it says anything about namespaces.
    pub(super) fn names_namespace(&self) -> bool {
        self.fields().iter().any(|field| NAMESPACE.contains(&field.as_str()) || field.contains("namespace"))
    }

    /// Whether it holds for all records of an input, or for none.
    pub(super) fn truth(&self, known: &Known) -> Option<bool> {
        match self {
            Self::All(tests) => {
                let truths: Vec<Option<bool>> = tests.iter().map(|test| test.truth(known)).collect();
                if truths.contains(&Some(false)) {
                    Some(false)
                } else {
                    truths.iter().all(|truth| *truth == Some(true)).then_some(true)
                }
            }
            Self::Any(tests) => {
                let truths: Vec<Option<bool>> = tests.iter().map(|test| test.truth(known)).collect();
                if truths.contains(&Some(true)) {
                    Some(true)
                } else {
                    truths.iter().all(|truth| *truth == Some(false)).then_some(false)
                }
            }
            Self::Not(test) => test.truth(known).map(|truth| !truth),
            Self::Is(field, texts) if field == "[type]" => {
                known.kind.as_ref().map(|kind| texts.contains(kind))
            }
            Self::Holds(field, text) if field == "[tags]" => known.tags.contains(text).then_some(true),
            _ => None,
        }
    }

    /// The namespaces of the records for which it comes to `wanted`, if it is about nothing else.
    pub(super) fn namespaces(&self, wanted: bool, at: &str) -> Option<NamespaceRule> {
        let rule = |field: &str, patterns: Vec<Pattern>| {
            let matches = patterns.into_iter().map(|pattern| NamespaceMatch { at: at.to_owned(), pattern });
            let matches: Vec<NamespaceMatch> = matches.collect();
            let rule = if wanted {
                NamespaceRule { only: Some(matches), except: Vec::new() }
            } else {
                NamespaceRule { only: None, except: matches }
            };
            NAMESPACE.contains(&field).then_some(rule)
        };
        match self {
            Self::Is(field, texts) => rule(field, texts.iter().cloned().map(Pattern::Name).collect()),
            Self::Matches(field, regex) => rule(field, vec![Pattern::Regex(regex.clone())]),
            Self::Not(test) => test.namespaces(!wanted, at),
            Self::All(tests) | Self::Any(tests) => {
                let rules = tests.iter().map(|test| test.namespaces(wanted, at));
                let rules: Vec<NamespaceRule> = rules.collect::<Option<_>>()?;
                let all = matches!(self, Self::All(_)) == wanted;
                rules.into_iter().map(Some).reduce(|left, right| join(left?, right?, all)).flatten()
            }
            Self::Holds(..) | Self::Other(_) => None,
        }
    }
}

/// Both rules, or either.
pub(super) fn join(left: NamespaceRule, right: NamespaceRule, both: bool) -> Option<NamespaceRule> {
    if both {
        let only = match (left.only, right.only) {
            (Some(_), Some(_)) => return None,
            (left, right) => left.or(right),
        };
        let except = left.except.into_iter().chain(right.except).collect();
        return Some(NamespaceRule { only, except });
    }
    match (left, right) {
        (
            NamespaceRule { only: Some(mut only), except: first },
            NamespaceRule { only: Some(more), except: second },
        ) if first.is_empty() && second.is_empty() => {
            only.extend(more);
            Some(NamespaceRule { only: Some(only), except: Vec::new() })
        }
        _ => None,
    }
}

/// All other namespaces.
pub(super) fn complement(rule: NamespaceRule) -> Option<NamespaceRule> {
    match rule {
        NamespaceRule { only: Some(only), except } if except.is_empty() => {
            Some(NamespaceRule { only: None, except: only })
        }
        NamespaceRule { only: None, except } if !except.is_empty() => {
            Some(NamespaceRule { only: Some(except), except: Vec::new() })
        }
        _ => None,
    }
}
