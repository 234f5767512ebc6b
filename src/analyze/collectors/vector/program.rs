//! What can be told of programs in VRL without running them (Vector docs: reference/vrl).

use crate::analyze::collectors::model::{Effect, NamespaceMatch, NamespaceRule, Pattern, Step};

/// When a program drops its record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drops {
    /// `drop_on_abort`.
    pub on_abort: bool,
    /// `drop_on_error`.
    pub on_error: bool,
}

/// What a program does to records.
pub(super) fn steps(program: &str, at: &str, drops: Drops) -> Vec<Step> {
    let code = code_of(program);
    let step = |what: &str, effect| Step { at: at.to_owned(), what: format!("remap: {what}"), effect };
    let mut steps = Vec::new();
    if drops.on_abort && code.trim() == "abort" {
        steps.push(step("abort drops every record", Effect::DropsAll));
    } else if drops.on_abort && has_word(&code, "abort") {
        steps.push(step("abort drops some records", Effect::DropsSome));
    }
    if empties(&code) {
        steps.push(step("some records become none", Effect::DropsSome));
    }
    // Only calls that end in `!` and `assert` can fail while the program runs.
    if drops.on_error && (code.contains("!(") || has_word(&code, "assert") || has_word(&code, "assert_eq")) {
        steps.push(step("records are dropped where the program fails (drop_on_error)", Effect::Unclear));
    }
    if has_call(&code, "redact") {
        steps.push(step("redact masks parts of records", Effect::Redacts));
    }
    if removes_fields(&code) {
        steps.push(step("del removes fields", Effect::Redacts));
    }
    steps
}

/// The namespaces a condition is about, if it is about nothing else: comparisons of the namespace joined by `&&` or `||`.
pub(super) fn namespaces(condition: &str, at: &str) -> Option<NamespaceRule> {
    let (joined, is_any) = match (condition.contains("||"), condition.contains("&&")) {
        (true, true) => return None,
        (true, false) => ("||", true),
        _ => ("&&", false),
    };
    let terms: Option<Vec<(String, bool)>> = condition.split(joined).map(comparison).collect();
    let terms = terms?;
    let matches = |takes: bool| -> Vec<NamespaceMatch> {
        let names = terms.iter().filter(|(_, one)| *one == takes).map(|(name, _)| name.clone());
        names.map(|name| NamespaceMatch { at: at.to_owned(), pattern: Pattern::Name(name) }).collect()
    };
    let (only, except) = (matches(true), matches(false));
    match (only.len(), except.len(), is_any) {
        (1, 0, _) | (2.., 0, true) => Some(NamespaceRule { only: Some(only), except: Vec::new() }),
        (0, 1, _) | (0, 2.., false) => Some(NamespaceRule { only: None, except }),
        _ => None,
    }
}

/// `.kubernetes.pod_namespace == "name"`: the name, and whether it is taken.
fn comparison(term: &str) -> Option<(String, bool)> {
    let (left, right) = term.split_once("==").or_else(|| term.split_once("!="))?;
    let takes = term.contains("==");
    let field = left.trim().trim_start_matches('(').trim();
    let is_namespace = matches!(
        field,
        ".kubernetes.pod_namespace"
            | ".kubernetes.namespace_name"
            | "._internal.kubernetes.namespace_name"
            | ".\"kubernetes\".\"pod_namespace\""
    );
    let right = right.trim().trim_end_matches(')').trim();
    let name = right.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let name = name.or_else(|| right.strip_prefix("s'").and_then(|rest| rest.strip_suffix('\'')))?;
    let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    (is_namespace && is_plain).then(|| (name.to_owned(), takes))
}

/// The program without comments and without what stands in quotes.
fn code_of(program: &str) -> String {
    let mut code = String::with_capacity(program.len());
    let mut chars = program.chars();
    let mut before = '\n';
    while let Some(c) = chars.next() {
        match c {
            '#' => {
                code.push('\n');
                let _ = chars.by_ref().find(|c| *c == '\n');
            }
            '"' => skip_quoted(&mut chars, '"'),
            '\'' if matches!(before, 's' | 'r' | 't') => skip_quoted(&mut chars, '\''),
            c => code.push(c),
        }
        before = c;
    }
    code
}

fn skip_quoted(chars: &mut std::str::Chars<'_>, quote: char) {
    while let Some(c) = chars.next() {
        if c == '\\' {
            chars.next();
        } else if c == quote {
            break;
        }
    }
}

/// Where a word stands on its own.
fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '.' || c == '@';
    code.match_indices(word).filter_map(move |(at, _)| {
        let (before, rest) = code.split_at_checked(at)?;
        let after = rest.get(word.len()..)?;
        let stands_alone = !before.ends_with(is_part) && !after.starts_with(is_part);
        stands_alone.then_some((before, after))
    })
}

fn has_word(code: &str, word: &str) -> bool {
    words(code, word).next().is_some()
}

fn has_call(code: &str, function: &str) -> bool {
    words(code, function).any(|(_, after)| after.starts_with('(') || after.starts_with("!("))
}

/// `. = []`: an empty list is no record.
fn empties(code: &str) -> bool {
    code.lines().any(|line| {
        let compact: String = line.chars().filter(|c| !c.is_whitespace()).collect();
        compact.starts_with(".=[]")
    })
}

/// `del(…)` that stands for itself. `.a = del(.b)` only renames, and what begins with `._` is a scratch field.
fn removes_fields(code: &str) -> bool {
    words(code, "del").any(|(before, after)| {
        let before = before.trim_end_matches([' ', '\t']);
        after.starts_with('(')
            && !after.starts_with("(._")
            && (before.is_empty() || before.ends_with(['\n', ';', '{']))
    })
}
