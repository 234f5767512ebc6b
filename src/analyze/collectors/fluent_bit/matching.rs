//! `Match` and `Match_Regex`.

use regex::RegexBuilder;

use super::section::{Property, Section};
use super::tag::{self, Fit, Part, Shape};

/// How many alternatives a regular expression may come to.
const MAX_ALTERNATIVES: usize = 64;

/// Longer regular expressions are not judged.
const MAX_REGEX: usize = 1000;

/// What a filter or output takes: what either of its two matches takes.
#[derive(Debug, Clone, Default)]
pub(super) struct Matching {
    glob: Option<(Shape, String)>,
    regex: Option<(Result<Regex, String>, String)>,
}

/// A regular expression as globs, as far as it can be put so.
#[derive(Debug, Clone, Default)]
struct Regex {
    /// The expression itself, without slashes.
    text: String,
    /// Globs that take no more than the expression, and no less; none if it is more than text, `.` and `.*`.
    globs: Option<Vec<(Shape, Shape)>>,
}

impl Matching {
    pub(super) fn of(section: &Section) -> Self {
        let shown = Property::shown;
        Self {
            glob: section.get("match").map(|property| (Shape::of_value(&property.value), shown(property))),
            regex: section
                .get("match_regex")
                .map(|property| (property.value.known().map(|text| Regex::of(&text)), shown(property))),
        }
    }

    /// The match that is assumed where there is one input, one output and no match.
    pub(super) fn everything() -> Self {
        Self { glob: Some((Shape::of_text("*"), "Match * by default".into())), regex: None }
    }

    /// A match that cannot be told.
    pub(super) fn unclear(reason: &str) -> Self {
        Self { glob: None, regex: Some((Err(reason.to_owned()), "no match".into())) }
    }

    /// Whether there is neither: the program leaves such a filter or output aside.
    pub(super) fn is_none(&self) -> bool {
        self.glob.is_none() && self.regex.is_none()
    }

    /// For people: `Match kube.*`.
    pub(super) fn shown(&self) -> String {
        let glob = self.glob.iter().map(|(_, shown)| shown.as_str());
        let regex = self.regex.iter().map(|(_, shown)| shown.as_str());
        glob.chain(regex).collect::<Vec<_>>().join(" or ")
    }

    /// How large judging a tag is, for the budget.
    pub(super) fn size(&self) -> usize {
        let regex = self.regex.iter().filter_map(|(regex, _)| regex.as_ref().ok());
        let globs = regex.filter_map(|regex| regex.globs.as_ref()).flatten();
        self.glob.as_ref().map_or(0, |(glob, _)| glob.0.len())
            + globs.map(|(_, wide)| wide.0.len()).sum::<usize>()
            + 1
    }

    /// How much of the tags of a shape it takes.
    pub(super) fn fit(&self, tag: &Shape) -> Fit {
        let glob = self.glob.as_ref().map_or(Fit::Never, |(glob, _)| tag::fit(glob, tag));
        let regex = match &self.regex {
            None => Fit::Never,
            Some((Ok(regex), _)) => regex.fit(tag),
            Some((Err(reason), _)) => Fit::Unclear(reason.clone()),
        };
        match (glob, regex) {
            (Fit::Always, _) | (_, Fit::Always) => Fit::Always,
            (Fit::Never, fit) | (fit, Fit::Never) => fit,
            (Fit::Unclear(reason), _) | (_, Fit::Unclear(reason)) => Fit::Unclear(reason),
            (Fit::Sometimes, Fit::Sometimes) => Fit::Unclear("two matches of which each takes a part".into()),
        }
    }
}

impl Regex {
    fn of(text: &str) -> Self {
        let text = without_slashes(text).0;
        let globs = (text.len() <= MAX_REGEX)
            .then(|| alternatives(text))
            .flatten()
            .and_then(|all| all.iter().map(|one| globs(one)).collect());
        Self { text: text.to_owned(), globs }
    }

    /// The program looks for the expression where the tag begins, and not further on.
    fn fit(&self, tag: &Shape) -> Fit {
        if let Some(fit) = self.fit_exact(tag) {
            return fit;
        }
        let unclear = || Fit::Unclear(format!("whether {} takes {} is not judged", self.text, tag.shown()));
        let Some(globs) = &self.globs else { return unclear() };
        if globs.iter().any(|(narrow, _)| tag::fit(narrow, tag) == Fit::Always) {
            return Fit::Always;
        }
        let wide: Vec<Fit> =
            globs.iter().map(|(_, wide)| tag::fit(wide, tag)).filter(|fit| *fit != Fit::Never).collect();
        match (wide.as_slice(), globs.as_slice()) {
            ([], _) => Fit::Never,
            ([fit], [(narrow, wide)]) if narrow == wide => fit.clone(),
            _ => unclear(),
        }
    }

    /// A tag that does not vary is simply tried.
    fn fit_exact(&self, tag: &Shape) -> Option<Fit> {
        let text: Option<String> =
            tag.0.iter().map(|part| if let Part::Char(c) = part { Some(*c) } else { None }).collect();
        let text = text?;
        if self.text.len() > MAX_REGEX {
            return None;
        }
        let regex = RegexBuilder::new(&format!(r"\A(?:{})", self.text)).size_limit(1 << 20).build().ok()?;
        Some(if regex.is_match(&text) { Fit::Always } else { Fit::Never })
    }
}

/// A pattern without the slashes around it, and whether it disregards case: `/^error/i`.
pub(super) fn without_slashes(text: &str) -> (&str, bool) {
    let Some((inside, options)) = text.strip_prefix('/').and_then(|rest| rest.rsplit_once('/')) else {
        return (text, false);
    };
    if options.chars().all(|c| "imox".contains(c)) { (inside, options.contains('i')) } else { (text, false) }
}

/// The expression once for each way through its groups; none if it holds more than such groups.
fn alternatives(text: &str) -> Option<Vec<String>> {
    let mut done = Vec::new();
    let mut open = vec![text.to_owned()];
    while let Some(next) = open.pop() {
        if done.len() + open.len() > MAX_ALTERNATIVES
            || next.contains("\\(")
            || next.contains("\\)")
            || next.contains("\\|")
        {
            return None;
        }
        let Some((before, after)) = next.split_once(')') else {
            if next.contains('(') {
                return None;
            }
            done.extend(next.split('|').map(str::to_owned));
            continue;
        };
        let (before, inside) = before.rsplit_once('(')?;
        let inside = inside.strip_prefix("?:").unwrap_or(inside);
        if inside.starts_with('?') || after.starts_with(['*', '+', '?', '{']) {
            return None;
        }
        open.extend(inside.split('|').map(|choice| format!("{before}{choice}{after}")));
    }
    Some(done)
}

/// An expression of text, `.`, `.*` and `.+` as two globs: one that takes no more, one that takes no less.
fn globs(text: &str) -> Option<(Shape, Shape)> {
    let text = text.strip_prefix('^').unwrap_or(text);
    let (text, is_closed) = text.strip_suffix('$').map_or((text, false), |text| (text, true));
    let (mut narrow, mut wide) = (String::new(), String::new());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '.' if matches!(chars.peek(), Some('*' | '+')) => {
                chars.next();
                if chars.peek() == Some(&'?') {
                    chars.next();
                }
                narrow.push('*');
                wide.push('*');
            }
            // A dot that is not escaped nearly always stands for a dot of the tag.
            '.' => {
                narrow.push('.');
                wide.push('*');
            }
            '\\' => {
                let literal = chars.next().filter(char::is_ascii_punctuation)?;
                narrow.push(literal);
                wide.push(literal);
            }
            '*' | '+' | '?' | '[' | ']' | '{' | '}' | '^' | '$' => return None,
            c => {
                narrow.push(c);
                wide.push(c);
            }
        }
    }
    if !is_closed {
        narrow.push('*');
        wide.push('*');
    }
    Some((Shape::of_text(&narrow), Shape::of_text(&wide)))
}
