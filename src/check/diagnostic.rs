//! A complaint about a file, drawn into its text.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// Something wrong in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file's name.
    pub file: String,
    /// Its text.
    pub text: String,
    /// Which bytes of it.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A complaint about a file as a whole.
    pub fn of_file(file: &str, message: impl Into<String>) -> Self {
        Self { file: file.into(), text: String::new(), span: 0..0, message: message.into(), help: None }
    }

    /// One-based line and column.
    pub fn position(&self) -> (usize, usize) {
        let before = self.text.get(..self.span.start).unwrap_or(&self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (line, column)
    }
}

impl std::error::Error for Diagnostic {}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.text.is_empty() {
            write!(f, "error: {}: {}", self.file, self.message)?;
            return self.help.as_ref().map_or(Ok(()), |help| write!(f, "; {help}"));
        }
        let annotation = AnnotationKind::Primary.span(self.span.clone());
        let annotation = match &self.help {
            Some(help) => annotation.label(help.as_str()),
            None => annotation,
        };
        let snippet = Snippet::source(self.text.as_str()).path(self.file.as_str()).annotation(annotation);
        let report: &[Group<'_>] = &[Level::ERROR.primary_title(self.message.as_str()).element(snippet)];
        f.write_str(&Renderer::plain().render(report))
    }
}

/// Byte offset of a one-based line and column, which counts characters.
pub fn offset_of(text: &str, line: u64, column: u64) -> usize {
    let line = usize::try_from(line).unwrap_or(1).max(1);
    let column = usize::try_from(column).unwrap_or(1).max(1);
    let before: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let rest = text.get(before..).unwrap_or_default();
    before + rest.chars().take(column - 1).map(char::len_utf8).sum::<usize>()
}

/// The span of the word that begins at an offset, for the caret.
pub fn word_at(text: &str, offset: usize) -> Range<usize> {
    let mut start = offset.min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let rest = text.get(start..).unwrap_or_default();
    let mut length = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '-').unwrap_or(rest.len());
    if length == 0 {
        length = rest.chars().next().filter(|c| *c != '\n').map_or(0, char::len_utf8);
    }
    start..start + length
}
