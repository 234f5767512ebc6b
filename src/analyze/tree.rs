//! The facts in the form that expressions see: plain values, with unknown facts left out, and beside them two tables
//! from fact paths to what is known about each.

use std::collections::BTreeMap;
use std::ops::Bound;

use serde::Serialize;
use serde_json::{Map, Value};

use super::fact::MARKER;
use crate::verdict::{Evidence, Rank};

/// Facts as values and tables. Paths are dotted, list items by index: `apiServers[0].audit.log.maxAgeDays`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FactTree {
    /// The values; a missing key is an unknown fact.
    pub value: Value,
    /// Known facts: what shows them.
    pub known: BTreeMap<String, Support>,
    /// Unknown facts: why.
    pub unknown: BTreeMap<String, String>,
}

/// What a known fact rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Support {
    /// How direct the evidence is.
    pub rank: Rank,
    /// Where it was seen.
    pub evidence: Vec<Evidence>,
}

impl FactTree {
    /// Splits serialised facts into values and tables.
    ///
    /// # Errors
    /// The facts do not serialise, which only a map with keys that are no strings can cause.
    pub fn new<T: Serialize>(facts: &T) -> serde_json::Result<Self> {
        let mut tree = Self { value: Value::Null, known: BTreeMap::new(), unknown: BTreeMap::new() };
        let raw = serde_json::to_value(facts)?;
        tree.value = tree.strip(raw, String::new()).unwrap_or(Value::Null);
        Ok(tree)
    }

    fn strip(&mut self, raw: Value, path: String) -> Option<Value> {
        match raw {
            Value::Object(mut map) => {
                if let Some(form) = map.remove(MARKER) {
                    return self.fact(form, path);
                }
                let mut out = Map::new();
                for (key, value) in map {
                    let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    if let Some(value) = self.strip(value, below) {
                        out.insert(key, value);
                    }
                }
                Some(Value::Object(out))
            }
            Value::Array(items) => {
                let items = items.into_iter().enumerate();
                Some(items.filter_map(|(index, item)| self.strip(item, format!("{path}[{index}]"))).collect())
            }
            scalar => Some(scalar),
        }
    }

    fn fact(&mut self, form: Value, path: String) -> Option<Value> {
        let Value::Object(mut form) = form else { return None };
        if let Some(Value::Object(mut known)) = form.remove("known") {
            let evidence = known.remove("evidence").and_then(|value| serde_json::from_value(value).ok());
            let rank = known.remove("rank").and_then(|value| serde_json::from_value(value).ok());
            self.known.insert(
                path.clone(),
                Support { rank: rank.unwrap_or(Rank::Documented), evidence: evidence.unwrap_or_default() },
            );
            return self.strip(known.remove("value")?, path);
        }
        let reason =
            form.remove("unknown").and_then(|unknown| Some(unknown.get("reason")?.as_str()?.to_owned()));
        self.unknown.insert(path, reason.unwrap_or_default());
        None
    }
}

/// Whether a concrete path lies at or below a pattern in which `[*]` stands for any index.
pub fn matches(pattern: &str, path: &str) -> bool {
    let mut pattern = pattern;
    let mut path = path;
    loop {
        match pattern.split_once("[*]") {
            None => {
                return path
                    .strip_prefix(pattern)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
            }
            Some((before, after)) => {
                let Some(rest) = path.strip_prefix(before).and_then(|rest| rest.strip_prefix('[')) else {
                    return false;
                };
                let Some((_, rest)) = rest.split_once(']') else { return false };
                pattern = after;
                path = rest;
                if pattern.is_empty() {
                    return path.is_empty() || path.starts_with(['.', '[']);
                }
            }
        }
    }
}

/// Whether a concrete path is the one that a pattern stands for, and not one below it.
pub fn names(pattern: &str, path: &str) -> bool {
    let depth = |text: &str| text.matches(['.', '[']).count();
    depth(pattern) == depth(path) && matches(pattern, path)
}

/// The entries of a table that a pattern stands for, itself and not what lies below.
pub fn named<'t, V>(
    table: &'t BTreeMap<String, V>,
    pattern: &'t str,
) -> impl Iterator<Item = (&'t String, &'t V)> {
    // Keys that begin alike stand together: with a kubelet for each of thousands of nodes, not all can be looked at.
    let beginning = pattern.split("[*]").next().unwrap_or(pattern);
    table
        .range::<str, _>((Bound::Included(beginning), Bound::Unbounded))
        .take_while(move |(path, _)| path.starts_with(beginning))
        .filter(move |(path, _)| names(pattern, path))
}

/// The entries of a table above a path, the highest first.
pub fn above<'t, V>(
    table: &'t BTreeMap<String, V>,
    path: &'t str,
) -> impl Iterator<Item = (&'t String, &'t V)> {
    let ends = path.char_indices().filter(|(_, c)| matches!(c, '.' | '[')).map(|(at, _)| at);
    ends.filter_map(|end| table.get_key_value(path.get(..end)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::fact::Fact;
    use serde_json::json;

    #[derive(Serialize)]
    struct Facts {
        plain: i64,
        items: Fact<Vec<Item>>,
    }

    #[derive(Serialize)]
    struct Item {
        a: Fact<i64>,
        b: Fact<String>,
    }

    #[test]
    fn unknown_facts_are_left_out_and_explained() {
        let facts = Facts {
            plain: 1,
            items: Fact::at(
                vec![Item { a: Fact::at(2, Rank::Observed, "u", "v"), b: Fact::unknown("forbidden") }],
                Rank::Configured,
                "list",
                "",
            ),
        };
        let tree = FactTree::new(&facts).unwrap();
        assert_eq!(tree.value, json!({"plain": 1, "items": [{"a": 2}]}));
        assert_eq!(tree.unknown["items[0].b"], "forbidden");
        assert_eq!(tree.known["items[0].a"].rank, Rank::Observed);
        assert_eq!(tree.known["items"].evidence[0].at, "list");
    }

    #[test]
    fn entries_are_found_without_looking_at_all() {
        let paths = ["a", "a[0]", "a[0].b", "a[0].b.c", "a[1].b", "a[10].b", "ab", "a[0].bc"];
        let table: BTreeMap<String, bool> = paths.iter().map(|path| ((*path).to_owned(), true)).collect();
        let found =
            |pattern: &str| -> Vec<String> { named(&table, pattern).map(|(path, _)| path.clone()).collect() };
        assert_eq!(found("a[1].b"), ["a[1].b"]);
        assert_eq!(found("a[*].b"), ["a[0].b", "a[10].b", "a[1].b"]);
        assert_eq!(found("a"), ["a"]);
        assert!(found("a[2].b").is_empty());
        let over =
            |path: &str| -> Vec<String> { above(&table, path).map(|(path, _)| path.clone()).collect() };
        assert_eq!(over("a[0].b.c"), ["a", "a[0]", "a[0].b"]);
        assert_eq!(over("a[*].b"), ["a"]);
        assert!(over("a").is_empty());
    }

    #[test]
    fn patterns_match_at_and_below() {
        for (pattern, path, expected) in [
            ("a.b", "a.b", true),
            ("a.b", "a.b.c", true),
            ("a.b", "a.bc", false),
            ("a[*].c", "a[12].c", true),
            ("a[*].c", "a[12].d", false),
            ("a[*]", "a[0].x", true),
            ("a", "a[0].x", true),
            ("a[*][*].x", "a[0][1].x", true),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
        for (pattern, path, expected) in
            [("a.b", "a.b", true), ("a[*].c", "a[7].c", true), ("a", "a[0]", false), ("a.b", "a.b.c", false)]
        {
            assert_eq!(names(pattern, path), expected, "{pattern} {path}");
        }
    }
}
