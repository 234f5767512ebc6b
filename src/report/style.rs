//! Colour, where it is wanted.

use colored::{ColoredString, Colorize, control};

use crate::verdict::{Severity, Status};

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
