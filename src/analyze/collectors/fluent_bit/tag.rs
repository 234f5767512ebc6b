//! Tags and what matches them.
//!
//! One input gives many tags: `kube.*` of an input that reads files becomes `kube.` and the path of each. They are kept
//! as a shape, fixed text and text that varies, and a match is judged for all tags of the shape at once.

use super::value::{Piece, Value};

/// Longer tags and matches are not judged.
const MAX_LENGTH: usize = 512;

/// The tags of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape(pub Vec<Part>);

/// A part of a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// This character.
    Char(char),
    /// Text that varies from record to record.
    Any,
    /// Text that is not seen; the reason.
    Unseen(String),
}

/// How much of a shape a match takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fit {
    /// Every tag.
    Always,
    /// No tag.
    Never,
    /// Some tags and not others.
    Sometimes,
    /// It cannot be told; the reason.
    Unclear(String),
}

impl Shape {
    /// One tag, as far as its value is seen.
    pub(super) fn of_value(value: &Value) -> Self {
        let mut parts = Vec::new();
        for piece in &value.pieces {
            match piece {
                Piece::Text(text) => parts.extend(text.chars().map(Part::Char)),
                Piece::Unseen(reason) => parts.push(Part::Unseen(reason.clone())),
            }
        }
        Self(parts)
    }

    pub(super) fn of_text(text: &str) -> Self {
        Self(text.chars().map(Part::Char).collect())
    }

    /// The tags of files: the first `*` of the tag becomes the path, slashes dots (fluent-bit docs: inputs/tail). A tag
    /// without `*` stays what it is.
    pub(super) fn of_path(tag: &Self, path: &Self) -> Self {
        let Some(star) = tag.0.iter().position(|part| *part == Part::Char('*')) else { return tag.clone() };
        let (before, after) = tag.0.split_at(star);
        let path = wildcards(&path.0);
        let whole = before.iter().chain(&path).chain(after.iter().skip(1));
        let mut parts: Vec<Part> = Vec::new();
        for part in whole {
            let part = match part {
                Part::Char('/' | '\\' | ':') => Part::Char('.'),
                Part::Char('*') => continue,
                part => part.clone(),
            };
            let doubled = part == Part::Char('.') && matches!(parts.last(), None | Some(Part::Char('.')));
            if !doubled {
                parts.push(part);
            }
        }
        if parts.last() == Some(&Part::Char('.')) {
            parts.pop();
        }
        Self(parts)
    }

    /// The tag with its first `*` as text that varies: the unit of a journal's record.
    pub(super) fn of_varying(tag: &Self) -> Self {
        let mut parts = tag.0.clone();
        if let Some(star) = parts.iter_mut().find(|part| **part == Part::Char('*')) {
            *star = Part::Any;
        }
        Self(parts)
    }

    /// The tag with each `<name>` as text that varies, as `tag_regex` fills them.
    pub(super) fn of_template(tag: &Self) -> Self {
        let mut parts = Vec::new();
        let mut rest = tag.0.as_slice();
        while let [first, after @ ..] = rest {
            rest = after;
            if *first == Part::Char('<')
                && let Some(end) = after.iter().position(|part| *part == Part::Char('>'))
            {
                parts.push(Part::Any);
                rest = after.get(end + 1..).unwrap_or_default();
            } else {
                parts.push(first.clone());
            }
        }
        Self(parts)
    }

    /// For people: `kube.var.log.containers.*.log`.
    pub(super) fn shown(&self) -> String {
        let shown: String = self
            .0
            .iter()
            .map(|part| match part {
                Part::Char(c) => *c,
                Part::Any => '*',
                Part::Unseen(_) => '?',
            })
            .collect();
        super::section::shorten(&shown)
    }

    fn unseen(&self) -> Option<&str> {
        self.0.iter().find_map(|part| match part {
            Part::Unseen(reason) => Some(reason.as_str()),
            _ => None,
        })
    }
}

/// A path with its wildcards as text that varies.
fn wildcards(path: &[Part]) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = path;
    while let [first, after @ ..] = rest {
        rest = after;
        match first {
            Part::Char('*' | '?') => parts.push(Part::Any),
            Part::Char('[') => {
                parts.push(Part::Any);
                let end = after.iter().skip(1).position(|part| *part == Part::Char(']'));
                rest = end.and_then(|end| after.get(end + 2..)).unwrap_or_default();
            }
            part => parts.push(part.clone()),
        }
    }
    parts
}

/// How `Match` with its wildcard `*` takes tags. `pattern` may hold what is not seen.
pub(super) fn fit(pattern: &Shape, tag: &Shape) -> Fit {
    if pattern.0.len() > MAX_LENGTH || tag.0.len() > MAX_LENGTH {
        return Fit::Unclear("a tag or a match is longer than this program reads".into());
    }
    let stars: Vec<Option<char>> = pattern
        .0
        .iter()
        .map(|part| match part {
            Part::Char('*') | Part::Any | Part::Unseen(_) => None,
            Part::Char(c) => Some(*c),
        })
        .collect();
    if !overlaps(&stars, &tag.0) {
        return Fit::Never;
    }
    if let Some(reason) = pattern.unseen() {
        return Fit::Unclear(reason.to_owned());
    }
    if contains(&stars, &tag.0) {
        return Fit::Always;
    }
    tag.unseen().map_or(Fit::Sometimes, |reason| Fit::Unclear(reason.to_owned()))
}

/// Whether a pattern takes every tag: text that varies is taken by a wildcard only.
fn contains(pattern: &[Option<char>], tag: &[Part]) -> bool {
    let mut reached = start(pattern);
    for part in tag {
        let c = match part {
            Part::Char(c) => Some(*c),
            Part::Any | Part::Unseen(_) => None,
        };
        reached = step(pattern, &reached, |own| own.is_none() || (c.is_some() && *own == c));
    }
    reached.last().copied().unwrap_or(false)
}

/// Whether a pattern takes at least one tag.
fn overlaps(pattern: &[Option<char>], tag: &[Part]) -> bool {
    let mut reached = start(pattern);
    for part in tag {
        reached = match part {
            Part::Char(c) => step(pattern, &reached, |own| own.is_none_or(|own| own == *c)),
            // Text that varies may be whatever the pattern asks for next.
            Part::Any | Part::Unseen(_) => {
                let mut open = false;
                reached
                    .iter()
                    .map(|is| {
                        open |= *is;
                        open
                    })
                    .collect()
            }
        };
    }
    reached.last().copied().unwrap_or(false)
}

fn start(pattern: &[Option<char>]) -> Vec<bool> {
    let mut reached = vec![false; pattern.len() + 1];
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    close(pattern, &mut reached);
    reached
}

/// A wildcard may stand for nothing.
fn close(pattern: &[Option<char>], reached: &mut [bool]) {
    for (index, own) in pattern.iter().enumerate() {
        if own.is_none()
            && reached.get(index) == Some(&true)
            && let Some(next) = reached.get_mut(index + 1)
        {
            *next = true;
        }
    }
}

fn step(pattern: &[Option<char>], reached: &[bool], takes: impl Fn(&Option<char>) -> bool) -> Vec<bool> {
    let mut next = vec![false; reached.len()];
    for (index, own) in pattern.iter().enumerate() {
        if reached.get(index) == Some(&true) && takes(own) {
            let to = if own.is_none() { index } else { index + 1 };
            if let Some(slot) = next.get_mut(to) {
                *slot = true;
            }
        }
    }
    close(pattern, &mut next);
    next
}
