//! Colour, where it is wanted.

use std::borrow::Cow;

use colored::{ColoredString, Colorize, control};

use crate::verdict::{Severity, Status};

/// A text in which nothing steers the terminal or deceives the eye: control characters, line breaks, and characters without
/// width or that change the direction of writing are shown as `\u{1b}`.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    for c in text.chars() {
        if steers(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// The same of a text of several lines, which stay lines.
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    if !text.contains(|c| c != '\n' && steers(c)) {
        return Cow::Borrowed(text);
    }
    let lines: Vec<Cow<'_, str>> = text.split('\n').map(visible).collect();
    Cow::Owned(lines.join("\n"))
}

/// Whether a character is none to be seen. The code points that Unicode calls no characters are not even allowed in XML.
fn steers(c: char) -> bool {
    c.is_control()
        || u32::from(c) & 0xfffe == 0xfffe
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{fdd0}'..='\u{fdef}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// When to use colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Decides on colour once, before anything is written to `to_terminal`.
pub fn decide(color: Color, to_terminal: bool) {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    control::set_override(match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => to_terminal && !no_color && std::env::var_os("TERM").is_none_or(|term| term != "dumb"),
    });
}

/// A status in its colour.
pub fn status(status: Status, text: &str) -> ColoredString {
    match status {
        Status::Fail => text.red().bold(),
        Status::Unknown | Status::Attestation => text.yellow(),
        Status::Pass => text.green(),
        Status::Waived | Status::NotApplicable => text.dimmed(),
    }
}

/// A severity in its colour.
pub fn severity(severity: Severity, text: &str) -> ColoredString {
    match severity {
        Severity::Critical => text.red().bold(),
        Severity::High => text.red(),
        Severity::Medium => text.yellow(),
        Severity::Low => text.normal(),
    }
}

/// A heading.
pub fn heading(text: &str) -> ColoredString {
    text.bold()
}

/// Something of less weight.
pub fn faint(text: &str) -> ColoredString {
    text.dimmed()
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn what_steers_a_terminal_is_shown_as_text() {
        assert_eq!(visible("cp1 – ä"), "cp1 – ä");
        assert_eq!(visible("a\u{1b}[2J\nb\u{202e}c\u{9b}"), "a\\u{1b}[2J\\u{a}b\\u{202e}c\\u{9b}");
    }
}
