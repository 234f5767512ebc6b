//! The prose of checks: paragraphs with code between backticks, and blocks of code.

/// A part of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Block<'a> {
    /// A line of prose.
    Paragraph(Vec<Span<'a>>),
    /// Lines of code: indented, or between fences.
    Code(Vec<&'a str>),
}

/// A part of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Span<'a> {
    pub(super) text: &'a str,
    pub(super) is_code: bool,
}

const FENCE: &str = "```";

/// The parts of a text. Each line of prose is a sentence of its own.
pub(super) fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with(FENCE) {
            fenced = !fenced;
            if fenced {
                blocks.push(Block::Code(Vec::new()));
            }
        } else if fenced || line.starts_with("  ") && !line.trim().is_empty() {
            match blocks.last_mut() {
                Some(Block::Code(lines)) => lines.push(line.trim_end()),
                _ => blocks.push(Block::Code(vec![line.trim_end()])),
            }
        } else if !line.trim().is_empty() {
            blocks.push(Block::Paragraph(spans(line.trim())));
        }
    }
    blocks
}

/// The parts of a line: every other one between two backticks is code.
pub(super) fn spans(line: &str) -> Vec<Span<'_>> {
    let closed = line.matches('`').count() / 2 * 2;
    let mut parts = line.splitn(closed + 1, '`').enumerate();
    let span = |(number, text)| Span { text, is_code: number % 2 == 1 };
    parts.by_ref().map(span).filter(|span| !span.text.is_empty()).collect()
}
