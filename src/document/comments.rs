//! The comments of a YAML text: what begins with `#` at the beginning of a line or after white space, and stands neither in
//! quotes nor in a block of text.

use serde_json::Value;

/// A comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comment<'t> {
    /// Its line, from 1.
    pub line: u64,
    /// The column of its `#`, from 1.
    pub column: usize,
    /// What follows the `#`.
    pub text: &'t str,
    /// The line that it stands beside: its own, or if nothing else stands there, the next that holds something.
    pub beside: u64,
}

/// The quotes that a place of a text lies within.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    Plain,
    Single,
    Double,
}

/// All comments of a text.
pub fn comments(text: &str) -> Vec<Comment<'_>> {
    let mut found: Vec<Comment<'_>> = Vec::new();
    let mut waiting = 0;
    let mut within = Within::Plain;
    let mut block: Option<usize> = None;
    for (number, line) in (1_u64..).zip(text.lines()) {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let is_text = block.is_some_and(|least| line.trim().is_empty() || indent > least);
        let begun_in = within;
        let comment = if is_text { None } else { comment_at(line, &mut within) };
        let content = comment.map_or(line, |at| line.get(..at).unwrap_or_default()).trim_end();
        let is_alone = !is_text && begun_in == Within::Plain && content.is_empty();
        if !is_text {
            block = if within == Within::Plain { begins_block(content) } else { None };
        }
        if !is_alone && !line.trim().is_empty() && content.trim() != "---" {
            for comment in found.iter_mut().rev().take(waiting) {
                comment.beside = number;
            }
            waiting = 0;
        }
        if let Some(at) = comment {
            found.push(Comment {
                line: number,
                column: content_columns(line, at),
                text: line.get(at + 1..).unwrap_or_default(),
                beside: number,
            });
            waiting += usize::from(is_alone);
        }
    }
    found
}

fn content_columns(line: &str, at: usize) -> usize {
    line.get(..at).unwrap_or_default().chars().count() + 1
}

/// Where the comment of a line begins, and in which quotes the line ends.
fn comment_at(line: &str, within: &mut Within) -> Option<usize> {
    let mut before = ' ';
    let mut chars = line.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match *within {
            Within::Plain if c == '#' && before.is_whitespace() => return Some(at),
            // An apostrophe within a word opens no quotation.
            Within::Plain
                if matches!(c, '"' | '\'')
                    && (matches!(before, '[' | '{' | ',' | ':' | '\u{feff}')
                        || before.is_whitespace() && is_before_value(line.get(..at).unwrap_or_default())) =>
            {
                *within = if c == '"' { Within::Double } else { Within::Single };
            }
            // A quotation mark written twice closes and opens again.
            Within::Single if c == '\'' && chars.next_if(|(_, next)| *next == '\'').is_some() => {}
            Within::Single if c == '\'' => *within = Within::Plain,
            Within::Double if c == '"' => *within = Within::Plain,
            Within::Double if c == '\\' => {
                chars.next();
            }
            _ => {}
        }
        before = c;
    }
    None
}

/// Whether a value can begin behind this part of a line. Within a plain text, as in `see "this`, quotation marks quote nothing.
fn is_before_value(part: &str) -> bool {
    let word = part.trim_end().rsplit(char::is_whitespace).next().unwrap_or_default();
    matches!(word, "" | "-" | "?") || word.ends_with([':', '[', '{', ',']) || word.starts_with(['!', '&'])
}

/// The comments among some of a text: those without which it means the same. The scanner above follows lines and not the
/// grammar, and what it takes for a comment may stand in a value, which anybody may have written.
pub fn proven<'t>(text: &str, among: Vec<Comment<'t>>) -> Vec<Comment<'t>> {
    let meaning = meaning(text);
    let mut left = MOST_READINGS.min(MOST_BYTES / text.len().max(1)).max(1);
    let mut open = vec![among];
    let mut proven = Vec::new();
    while let Some(mut some) = open.pop() {
        // Where there are too many in values to find out which, none counts.
        if left == 0 || some.is_empty() {
            continue;
        }
        left -= 1;
        if self::meaning(&without(text, &some)) == meaning {
            proven.append(&mut some);
        } else if some.len() > 1 {
            let half = some.split_off(some.len() / 2);
            open.extend([half, some]);
        }
    }
    proven.sort_by_key(|comment| comment.line);
    proven
}

/// How often a text is read to find the comments in it.
const MOST_READINGS: usize = 64;

/// How much is read in all to find them.
const MOST_BYTES: usize = 32 << 20;

fn meaning(text: &str) -> Vec<Value> {
    super::yaml::parse(text).trees.into_iter().map(|tree| tree.document("").value).collect()
}

/// A text without some of its comments, which stand in the order of their lines.
fn without(text: &str, comments: &[Comment<'_>]) -> String {
    let mut lines = (1_u64..).zip(text.split_inclusive('\n'));
    let mut rest = comments.iter().peekable();
    let mut out = String::with_capacity(text.len());
    for (number, line) in lines.by_ref() {
        match rest.next_if(|comment| comment.line == number) {
            Some(comment) => {
                out.extend(line.chars().take(comment.column - 1));
                out.push('\n');
            }
            None => out.push_str(line),
        }
    }
    out
}

/// If a block of text follows a line: the indentation above which lines belong to it.
fn begins_block(content: &str) -> Option<usize> {
    let last = content.rsplit(char::is_whitespace).next()?;
    let is_mark =
        last.starts_with(['|', '>']) && last.chars().skip(1).all(|c| matches!(c, '+' | '-' | '1'..='9'));
    if !is_mark {
        return None;
    }
    let mut rest = content.trim_start_matches(' ');
    let mut column = content.len() - rest.len();
    // In `- key: |` the block lies deeper than the key, in `- |` deeper than the dash.
    while let Some(behind) = rest.strip_prefix("- ") {
        let item = behind.trim_start_matches(' ');
        if item == last {
            break;
        }
        column += rest.len() - item.len();
        rest = item;
    }
    Some(column)
}
