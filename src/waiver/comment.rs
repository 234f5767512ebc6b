//! The text of a waiver, and the comments that hold one:
//!
//! ```text
//! # logaudit:waive LA-POL-012 reason="read by nobody" owner=platform until=2027-03-31
//! ```
//!
//! After the id of the check stand words with values: `reason`, `owner`, `until`, `subject`, in any order, each once. A
//! value is a word, or stands in double quotes, in which a backslash stands before a quotation mark or a backslash.

use jiff::civil::Date;

use super::{Scope, Waiver};
use crate::document;
use crate::document::comments::Comment;
use crate::snapshot::WaiverComment;
use crate::suggest::nearest;

/// What a comment begins with that waives.
const MARK: &str = "logaudit:waive";

/// What a comment begins with that is meant for this program.
const OWN: &str = "logaudit";

/// The word behind it, as it may be misspelled.
const WAIVE: [&str; 3] = ["waive", "waiver", "waives"];

/// The words that have values.
const WORDS: [&str; 4] = ["reason", "owner", "until", "subject"];

/// The longest text that is kept, in characters: longer ones are cut, and then refused.
const MAX_LENGTH: usize = 1000;

/// How many comments of one file are kept.
const MAX_COMMENTS: usize = 1000;

/// Reads a waiver. `scope` says what it stands beside.
///
/// # Errors
/// What is wrong with it, in words.
pub fn read(text: &str, scope: Scope, at: &str) -> Result<Waiver, String> {
    if text.chars().count() >= MAX_LENGTH {
        return Err(format!("it is longer than {MAX_LENGTH} characters"));
    }
    let (check, mut rest) = match text.trim().split_once(char::is_whitespace) {
        Some((check, rest)) => (check, rest.trim_start()),
        None => (text.trim(), ""),
    };
    if check.starts_with(OWN) {
        return Err(format!(
            "a comment waives only if it begins with `{MARK}`, a space and the id of a check"
        ));
    }
    if check.is_empty() || check.contains(['=', '"']) {
        return Err("the id of a check must stand first".into());
    }
    let mut values: [Option<String>; 4] = [const { None }; 4];
    while !rest.is_empty() {
        let Some((word, value)) =
            rest.split_once('=').filter(|(word, _)| !word.contains(char::is_whitespace))
        else {
            let stray = rest.split_whitespace().next().unwrap_or_default();
            return Err(format!("`{stray}` has no value; values with spaces stand in double quotes"));
        };
        let known = WORDS.into_iter().zip(&mut values).find(|(known, _)| *known == word);
        let Some((_, slot)) = known else {
            let near = nearest(word, WORDS).map(|near| format!("; did you mean `{near}`?"));
            return Err(format!(
                "`{word}` is not known here, only {}{}",
                WORDS.join(", "),
                near.unwrap_or_default()
            ));
        };
        let (value, behind) = value_of(value)?;
        if slot.replace(value).is_some() {
            return Err(format!("`{word}` is given twice"));
        }
        rest = behind;
    }
    let [reason, owner, until, subject] = values;
    let filled = |value: Option<String>| value.filter(|value| !value.trim().is_empty());
    let Some(reason) = filled(reason) else { return Err("it gives no reason".into()) };
    Ok(Waiver {
        check: check.to_owned(),
        scope: Scope { subject: filled(subject), ..scope },
        reason,
        owner: filled(owner),
        until: until.as_deref().map(day).transpose()?,
        at: at.to_owned(),
    })
}

/// The value at the beginning of a text, and what stands behind it.
fn value_of(text: &str) -> Result<(String, &str), String> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (word, behind) = text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()));
        if word.contains('"') {
            return Err(format!("a quotation mark stands inside of `{word}`"));
        }
        return Ok((word.to_owned(), behind.trim_start()));
    };
    let mut value = String::new();
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                let behind = chars.as_str();
                if behind.starts_with(|c: char| !c.is_whitespace()) {
                    return Err("a space must stand behind a closing quotation mark".into());
                }
                return Ok((value, behind.trim_start()));
            }
            '\\' => match chars.next() {
                Some(escaped @ ('"' | '\\')) => value.push(escaped),
                _ => return Err("a backslash stands only before a quotation mark or a backslash".into()),
            },
            c => value.push(c),
        }
    }
    Err("a quotation mark is not closed".into())
}

/// A day: `2027-03-31`.
///
/// # Errors
/// It is none.
pub fn day(text: &str) -> Result<Date, String> {
    let is_plain = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    text.parse()
        .ok()
        .filter(|_| is_plain)
        .ok_or_else(|| format!("`{text}` is no day; write year, month and day: 2027-03-31"))
}

/// What a comment says of a waiver: what follows the mark, or all of it where it was only meant as a waiver, so that it
/// can be told that it is none.
fn meant(text: &str) -> Option<&str> {
    let text = text.trim();
    if let Some(behind) = text.strip_prefix(MARK)
        && (behind.is_empty() || behind.starts_with(char::is_whitespace))
    {
        return Some(behind.trim());
    }
    let behind = text.strip_prefix(OWN)?.strip_prefix([':', '/'])?;
    let word = behind.trim_start().split(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
    let is_meant = nearest(&word.to_lowercase(), WAIVE).is_some();
    // With a space behind the colon it may be plain words on this program.
    let is_mark = text.starts_with("logaudit:") && behind.starts_with(|c: char| !c.is_whitespace());
    (is_meant || is_mark).then_some(text)
}

/// The comments of a text that waive, or are meant to.
pub fn comments(file: &str, text: &str) -> Vec<WaiverComment> {
    if !text.contains(OWN) {
        return Vec::new();
    }
    let mut waiving: Vec<Comment<'_>> = document::comments::comments(text);
    waiving.retain(|comment| meant(comment.text).is_some());
    waiving.truncate(MAX_COMMENTS);
    if waiving.is_empty() {
        return Vec::new();
    }
    let waiving = document::comments::proven(text, waiving).into_iter().filter_map(|comment| {
        Some(WaiverComment {
            at: format!("{file}:{}:{}", comment.line, comment.column),
            file: file.to_owned(),
            line: comment.beside,
            text: meant(comment.text)?.chars().take(MAX_LENGTH).collect(),
        })
    });
    waiving.collect()
}
