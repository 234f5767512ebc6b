//! Conditions of the OpenTelemetry Transformation Language, as far as they are about namespaces or single attributes.

use crate::analyze::collectors::model::{NamespaceMatch, NamespaceRule, Pattern};

/// The attribute that names the namespace of a pod (semantic conventions: Kubernetes).
pub(super) const NAMESPACE: &str = "k8s.namespace.name";

/// A comparison of one attribute with one pattern.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Comparison {
    pub(super) attribute: String,
    pub(super) pattern: Pattern,
    pub(super) negated: bool,
}

/// The condition of a statement: what follows `where`, or everything if it is no statement.
pub(super) fn of_statement(text: &str) -> &str {
    let text = text.trim();
    if text.starts_with("route()") || text.starts_with("drop()") {
        return text.split_once(" where ").map_or("", |(_, condition)| condition.trim());
    }
    text
}

/// A condition for people, cut where it is long.
pub(super) fn shown(condition: &str) -> String {
    const LONGEST: usize = 80;
    let mut one_line: String = condition.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = one_line.char_indices().nth(LONGEST) {
        one_line.truncate(end);
        one_line.push('…');
    }
    one_line
}

/// Which namespaces are let through by a condition, if it is about nothing else. `keeps` tells whether it keeps what it
/// holds for, or drops it.
pub(super) fn namespaces(condition: &str, keeps: bool, at: &str) -> Option<NamespaceRule> {
    let parts: Option<Vec<Comparison>> = split_or(condition).into_iter().map(comparison).collect();
    let parts = parts?;
    let negated = parts.first()?.negated;
    if parts.iter().any(|part| part.attribute != NAMESPACE || part.negated != negated) {
        return None;
    }
    // `a != x or a != y` holds for everything.
    if negated && parts.len() > 1 {
        return None;
    }
    Some(rule(parts.into_iter().map(|part| part.pattern), keeps != negated, at))
}

/// A rule that keeps only some namespaces, or drops them.
pub(super) fn rule(patterns: impl Iterator<Item = Pattern>, keeps: bool, at: &str) -> NamespaceRule {
    let list = patterns.map(|pattern| NamespaceMatch { at: at.to_owned(), pattern }).collect();
    if keeps {
        NamespaceRule { only: Some(list), except: Vec::new() }
    } else {
        NamespaceRule { only: None, except: list }
    }
}

fn split_or(condition: &str) -> Vec<&str> {
    condition.split(" or ").map(str::trim).collect()
}

/// `attributes["x"] == "y"`, `attributes["x"] != "y"`, `IsMatch(attributes["x"], "y")`, with or without `resource.`.
pub(super) fn comparison(text: &str) -> Option<Comparison> {
    let mut text = text.trim();
    let mut negated = false;
    while let Some(inside) = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        text = inside.trim();
    }
    if let Some(rest) = text.strip_prefix("not ") {
        (negated, text) = (true, rest.trim());
    }
    if let Some(arguments) = text.strip_prefix("IsMatch(").and_then(|rest| rest.strip_suffix(')')) {
        let (path, pattern) = arguments.split_once(',')?;
        let pattern = Pattern::Regex(unquoted(pattern)?);
        return Some(Comparison { attribute: attribute(path)?, pattern, negated });
    }
    let (path, value, differs) = match (text.split_once("=="), text.split_once("!=")) {
        (Some((path, value)), None) => (path, value, false),
        (None, Some((path, value))) => (path, value, true),
        _ => return None,
    };
    let pattern = Pattern::Name(unquoted(value)?);
    Some(Comparison { attribute: attribute(path)?, pattern, negated: negated != differs })
}

fn attribute(path: &str) -> Option<String> {
    let path = path.trim();
    let path = path.strip_prefix("resource.").or_else(|| path.strip_prefix("log.")).unwrap_or(path);
    let key = path.strip_prefix("attributes[")?.strip_suffix(']')?;
    unquoted(key)
}

fn unquoted(text: &str) -> Option<String> {
    let inside = text.trim().strip_prefix('"')?.strip_suffix('"')?;
    let plain = !inside.replace("\\\\", "").replace("\\\"", "").contains('"');
    plain.then(|| inside.replace("\\\"", "\"").replace("\\\\", "\\"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_on_namespaces_are_told_from_others() {
        let rule = |text, keeps| namespaces(text, keeps, "x");
        let dropped = rule(r#"resource.attributes["k8s.namespace.name"] == "kube-system""#, false).unwrap();
        assert_eq!(dropped.except[0].pattern, Pattern::Name("kube-system".into()));
        let kept = rule(r#"resource.attributes["k8s.namespace.name"] != "prod""#, false).unwrap();
        assert_eq!(kept.only.unwrap()[0].pattern, Pattern::Name("prod".into()));
        let regex =
            rule(r#"IsMatch(resource.attributes["k8s.namespace.name"], "^kube-\\d")"#, false).unwrap();
        assert_eq!(regex.except[0].pattern, Pattern::Regex("^kube-\\d".into()));
        let two = r#"attributes["k8s.namespace.name"] == "a" or attributes["k8s.namespace.name"] == "b""#;
        assert_eq!(rule(two, false).unwrap().except.len(), 2);
        for other in [
            r#"attributes["k8s.namespace.name"] == "a" and body == "x""#,
            "severity_number < SEVERITY_NUMBER_WARN",
            r#"attributes["k8s.namespace.name"] != "a" or attributes["k8s.namespace.name"] != "b""#,
            "",
        ] {
            assert_eq!(rule(other, false), None, "{other}");
        }
    }
}
