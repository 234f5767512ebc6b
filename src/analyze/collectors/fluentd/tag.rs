//! Tags as far as they are known before anything runs, and the patterns of `<match>` and `<filter>`.
//!
//! `*` stands for one part of a tag, `**` for any number, `{a,b}` for either; several patterns are separated by white
//! space (Fluentd docs: configuration/config-file, "How match patterns work").

use crate::analyze::collectors::model::Pattern as NamePattern;

/// How many alternatives the braces of one pattern may come to.
const MAX_ALTERNATIVES: usize = 200;

/// How long patterns and tags may be. Real ones have fewer than a hundred characters.
const MAX_LENGTH: usize = 1000;

/// A tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag {
    pieces: Vec<Piece>,
    /// Whether what varies in it varies with the files that are read; otherwise what it is cannot be told.
    pub(super) known: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Char(char),
    /// Any text, empty too.
    Any,
}

/// Whether tags match a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Matches {
    Always,
    Sometimes,
    Never,
}

impl Tag {
    /// A tag that cannot be told.
    pub(super) fn unknown() -> Self {
        Self { pieces: vec![Piece::Any], known: false }
    }

    /// A tag in which `*` stands for what varies.
    pub(super) fn new(text: &str) -> Self {
        let mut pieces: Vec<Piece> =
            text.chars().map(|c| if c == '*' { Piece::Any } else { Piece::Char(c) }).collect();
        pieces.dedup_by(|a, b| *a == Piece::Any && *b == Piece::Any);
        Self { pieces, known: true }
    }

    /// A tag in which `*` stands for what is computed.
    pub(super) fn computed(text: &str) -> Self {
        Self { known: false, ..Self::new(text) }
    }

    /// The tag of a tailed file: `*` in what is configured is its path with dots for slashes (Fluentd docs: input/tail).
    pub(super) fn of_file(configured: &str, path: &str) -> Self {
        let mut parts = configured.split('*');
        let prefix = parts.next().unwrap_or_default();
        let Some(suffix) = parts.next() else { return Self::new(configured) };
        let mut dotted = String::with_capacity(path.len());
        let mut chars = path.chars();
        while let Some(c) = chars.next() {
            match c {
                '/' | '.' if dotted.is_empty() || dotted.ends_with('.') => {}
                '/' => dotted.push('.'),
                '*' | '?' => dotted.push('*'),
                '[' | '{' => {
                    chars.by_ref().find(|c| matches!(c, ']' | '}'));
                    dotted.push('*');
                }
                c => dotted.push(c),
            }
        }
        Self::new(&format!("{prefix}{dotted}{suffix}"))
    }

    /// Without a prefix and the dot behind it, if it has it.
    pub(super) fn without_prefix(&self, prefix: &str) -> Self {
        let mut pieces = self.pieces.iter();
        let mut has = true;
        for c in prefix.chars() {
            match pieces.next() {
                Some(Piece::Char(own)) if *own == c => {}
                Some(Piece::Any) => return Self::unknown(),
                _ => has = false,
            }
        }
        match pieces.clone().next() {
            Some(Piece::Char('.')) if has => {
                pieces.next();
                Self { pieces: pieces.copied().collect(), known: self.known }
            }
            _ => self.clone(),
        }
    }

    pub(super) fn with_prefix(&self, prefix: &str) -> Self {
        let pieces = prefix.chars().map(Piece::Char).chain(self.pieces.iter().copied()).collect();
        Self { pieces, known: self.known }
    }

    pub(super) fn with_suffix(&self, suffix: &str) -> Self {
        let pieces = self.pieces.iter().copied().chain(suffix.chars().map(Piece::Char)).collect();
        Self { pieces, known: self.known }
    }

    /// For people, with `*` for what varies.
    pub(super) fn shown(&self) -> String {
        self.pieces
            .iter()
            .map(|piece| match piece {
                Piece::Char(c) => *c,
                Piece::Any => '*',
            })
            .collect()
    }

    fn cost(&self) -> usize {
        self.pieces.len()
    }
}

/// The patterns of one `<match>` or `<filter>`.
#[derive(Debug)]
pub(super) struct Patterns {
    text: String,
    /// None if it cannot be told what they match.
    any_of: Option<Vec<Vec<Token>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Char(char),
    /// `*`
    Part,
    /// `**`
    All,
    /// `**.`: any text that ends with a dot, or nothing at the beginning.
    Parts,
    /// `.` before `**`: what follows is a dot or nothing.
    Border,
}

impl Patterns {
    pub(super) fn new(text: &str) -> Self {
        let text = if text.trim().is_empty() { "**" } else { text.trim() };
        let known = text.len() <= MAX_LENGTH && !text.starts_with('/');
        let any_of =
            known.then(|| text.split_whitespace().map(alternatives).collect::<Option<Vec<_>>>()).flatten();
        let any_of = any_of.map(|lists| lists.iter().flatten().map(|one| tokens(one)).collect());
        Self { text: text.to_owned(), any_of }
    }

    pub(super) fn unknown(text: &str) -> Self {
        Self { text: text.to_owned(), any_of: None }
    }

    pub(super) fn shown(&self) -> &str {
        &self.text
    }

    /// Whether it can be told what they match.
    pub(super) fn are_known(&self) -> bool {
        self.any_of.is_some()
    }

    /// What comparing with a tag costs, in characters.
    pub(super) fn cost(&self, tag: &Tag) -> usize {
        let own: usize = self.any_of.iter().flatten().map(Vec::len).sum();
        1 + own.saturating_mul(tag.cost())
    }

    pub(super) fn compare(&self, tag: &Tag) -> Matches {
        let Some(any_of) = &self.any_of else { return Matches::Sometimes };
        if tag.pieces.len() > MAX_LENGTH {
            return Matches::Sometimes;
        }
        if any_of.iter().any(|tokens| run(tokens, &tag.pieces, false)) {
            return Matches::Always;
        }
        let mut possible = any_of.iter().filter(|tokens| run(tokens, &tag.pieces, true));
        // Fluentd's own messages have the tag `fluent`; what others send under a tag that is not known is not meant.
        let is_own =
            |tokens: &Vec<Token>| tokens.iter().zip("fluent".chars()).all(|(t, c)| *t == Token::Char(c));
        if possible.any(|tokens| tag.known || !is_own(tokens)) { Matches::Sometimes } else { Matches::Never }
    }

    /// The namespaces whose container logs match, if that is what the pattern tells apart: `**_kube-system_**`. The names
    /// of the files are `<pod>_<namespace>_<container>-<id>.log`.
    pub(super) fn namespaces(&self) -> Option<Vec<NamePattern>> {
        self.any_of.as_ref()?;
        let one = |text: &str| {
            let text = text.strip_suffix(".log").unwrap_or(text);
            let text = text.rsplit_once("containers.").map_or(text, |(_, name)| name);
            let wild = text.starts_with('*') && text.ends_with('*');
            let core = text.trim_matches('*');
            let inner = core.strip_prefix('_').and_then(|core| core.strip_suffix('_'));
            match inner {
                Some(name) if wild && !name.is_empty() && !name.contains(['_', '.']) => {
                    let pattern = if name.contains('*') { NamePattern::Glob } else { NamePattern::Name };
                    Some(pattern(name.replace("**", "*")))
                }
                _ => None,
            }
        };
        let mut found = Vec::new();
        for word in self.text.split_whitespace() {
            for alternative in alternatives(word)? {
                found.push(one(&alternative)?);
            }
        }
        Some(found)
    }
}

/// The pattern once for each way through its braces; none if there are too many.
fn alternatives(pattern: &str) -> Option<Vec<String>> {
    let mut open = vec![pattern.to_owned()];
    let mut done = Vec::new();
    while let Some(next) = open.pop() {
        if open.len() + done.len() > MAX_ALTERNATIVES {
            return None;
        }
        // The last opening brace has no other inside.
        let Some((before, after)) = next.rsplit_once('{') else {
            done.push(next);
            continue;
        };
        let (inside, behind) = after.split_once('}').unwrap_or((after, ""));
        if inside.matches(',').count() > MAX_ALTERNATIVES {
            return None;
        }
        open.extend(inside.split(',').map(|one| format!("{before}{one}{behind}")));
    }
    Some(done)
}

fn tokens(pattern: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut rest = pattern;
    loop {
        if let Some(after) = rest.strip_prefix(".**") {
            out.push(Token::Border);
            rest = rest.get(1..).unwrap_or(after);
        } else if let Some(after) = rest.strip_prefix("**.") {
            out.push(Token::Parts);
            rest = after;
        } else if let Some(after) = rest.strip_prefix("**") {
            out.push(Token::All);
            rest = after;
        } else if let Some(after) = rest.strip_prefix('*') {
            out.push(Token::Part);
            rest = after;
        } else {
            let mut chars = rest.strip_prefix('\\').unwrap_or(rest).chars();
            let Some(c) = chars.next() else { return out };
            out.push(Token::Char(c));
            rest = chars.as_str();
        }
    }
}

/// Whether a pattern matches: any text that a tag stands for, or all of them.
fn run(tokens: &[Token], pieces: &[Piece], any: bool) -> bool {
    let mut states = vec![false; tokens.len() + 1];
    enter(&mut states, 0, tokens, true);
    for piece in pieces {
        let mut next = vec![false; tokens.len() + 1];
        for (index, _) in states.iter().enumerate().filter(|(_, on)| **on) {
            step(&mut next, index, tokens, *piece, any);
        }
        states = next;
    }
    let ends = |index: usize| {
        tokens.iter().skip(index).all(|token| matches!(token, Token::Border | Token::All | Token::Part))
    };
    states.iter().enumerate().any(|(index, on)| *on && ends(index))
}

/// Marks a state and those reached from it without a character.
fn enter(states: &mut [bool], index: usize, tokens: &[Token], at_start: bool) {
    let mut index = index;
    loop {
        if let Some(state) = states.get_mut(index) {
            *state = true;
        }
        let passes = match tokens.get(index) {
            Some(Token::Part | Token::All) => true,
            Some(Token::Parts) => at_start,
            _ => false,
        };
        if !passes {
            return;
        }
        index += 1;
    }
}

fn step(next: &mut [bool], index: usize, tokens: &[Token], piece: Piece, any: bool) {
    let Some(token) = tokens.get(index) else {
        // Behind the pattern only an empty text can stand.
        if any && piece == Piece::Any {
            enter(next, index, tokens, false);
        }
        return;
    };
    match (piece, token) {
        // Some text leads to every later state.
        (Piece::Any, _) if any => (index..=tokens.len()).for_each(|later| enter(next, later, tokens, false)),
        (Piece::Any, Token::All) => enter(next, index, tokens, false),
        (Piece::Any, Token::Parts) => stay(next, index),
        (Piece::Any, _) => {}
        (Piece::Char(c), Token::Char(own)) if c == *own => enter(next, index + 1, tokens, false),
        (Piece::Char(_), Token::Char(_)) => {}
        (Piece::Char('.'), Token::Part) => {}
        (Piece::Char(_), Token::Part | Token::All) => enter(next, index, tokens, false),
        (Piece::Char(c), Token::Parts) => {
            stay(next, index);
            if c == '.' {
                enter(next, index + 1, tokens, false);
            }
        }
        (Piece::Char('.'), Token::Border) => step(next, index + 1, tokens, piece, any),
        (Piece::Char(_), Token::Border) => {}
    }
}

fn stay(states: &mut [bool], index: usize) {
    if let Some(state) = states.get_mut(index) {
        *state = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns_match_as_fluentd_reads_them() {
        use Matches::{Always, Never, Sometimes};
        for (pattern, tag, expected) in [
            ("a.*", "a.b", Always),
            ("a.*", "a.b.c", Never),
            ("a.**", "a", Always),
            ("a.**", "a.b.c", Always),
            ("a.**", "ab", Never),
            ("**", "x", Always),
            ("", "x", Always),
            ("**.c", "c", Always),
            ("**.c", "a.b.c", Always),
            ("**.c", "abc", Never),
            ("a.**.c", "a.c", Always),
            ("{a,b}.c", "b.c", Always),
            ("a b", "b", Always),
            ("a", "b", Never),
            ("a{b,c{d,e}}", "ace", Always),
            ("kubernetes.**", "kubernetes.var.log.containers.*.log", Always),
            ("kubernetes.*", "kubernetes.var.log.containers.*.log", Never),
            (
                "kubernetes.var.log.containers.**_kube-system_**",
                "kubernetes.var.log.containers.*.log",
                Sometimes,
            ),
            ("kubernetes.var.log.containers.fluentd**", "kubernetes.var.log.containers.*.log", Sometimes),
            ("raw.**", "kubernetes.*", Never),
            ("/^a/", "a", Sometimes),
        ] {
            assert_eq!(Patterns::new(pattern).compare(&Tag::new(tag)), expected, "{pattern} {tag}");
        }
        assert_eq!(Patterns::new("fluent.**").compare(&Tag::unknown()), Never);
        assert_eq!(Patterns::new("app.**").compare(&Tag::unknown()), Sometimes);
    }

    #[test]
    fn tags_of_files_are_their_paths() {
        let tag = Tag::of_file("kubernetes.*", "/var/log/containers/*.log");
        assert_eq!(tag.shown(), "kubernetes.var.log.containers.*.log");
        assert_eq!(Tag::of_file("audit", "/var/log/audit.log").shown(), "audit");
        assert_eq!(Tag::new("raw.a.b").without_prefix("raw").shown(), "a.b");
        assert_eq!(Tag::new("rawa").without_prefix("raw").shown(), "rawa");
    }

    #[test]
    fn namespaces_are_read_from_names_of_files() {
        let namespaces = |text: &str| Patterns::new(text).namespaces();
        assert_eq!(
            namespaces("kubernetes.var.log.containers.**_kube-system_**"),
            Some(vec![NamePattern::Name("kube-system".into())])
        );
        assert_eq!(
            namespaces("kubernetes.var.log.containers.*_kube-*_*.log"),
            Some(vec![NamePattern::Glob("kube-*".into())])
        );
        assert_eq!(namespaces("kubernetes.var.log.containers.fluentd**"), None);
    }

    proptest! {
        #[test]
        fn literal_tags_are_never_in_doubt(pattern in "[ab.*{},]{0,12}", tag in "[ab.]{0,8}") {
            prop_assert_ne!(Patterns::new(&pattern).compare(&Tag::new(&tag)), Matches::Sometimes);
        }

        #[test]
        fn what_always_matches_matches_each(pattern in "[ab.*{},]{0,12}", before in "[ab.]{0,4}", inside in "[ab.]{0,4}", after in "[ab.]{0,4}") {
            let open = Patterns::new(&pattern).compare(&Tag::new(&format!("{before}*{after}")));
            let one = Patterns::new(&pattern).compare(&Tag::new(&format!("{before}{inside}{after}")));
            match open {
                Matches::Always => prop_assert_eq!(one, Matches::Always),
                Matches::Never => prop_assert_eq!(one, Matches::Never),
                Matches::Sometimes => {}
            }
        }
    }
}
