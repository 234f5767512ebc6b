//! What is wrong with a policy.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use schemars::JsonSchema;
use serde::Serialize;

use super::tree::At;
use crate::check::diagnostic::{offset_of, word_at};

/// How many problems of a policy are listed; the rest are counted.
const MAX_LISTED: usize = 200;

/// How long a line may be to be shown with a problem in it.
const MAX_SHOWN: usize = 2000;

/// What kind of problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemKind {
    /// This program gives up; the server might not.
    Limit,
    /// The text is neither YAML nor JSON.
    Syntax,
    /// It is no policy, or not of a version that the server reads.
    Version,
    /// A value of the wrong type.
    Type,
    /// A value that the server refuses.
    Value,
    /// There are no rules.
    NoRules,
    /// A key that the server does not know and drops.
    UnknownField,
    /// A key given more than once.
    RepeatedField,
}

impl ProblemKind {
    /// Whether the server starts all the same.
    pub fn is_warning(self) -> bool {
        matches!(self, Self::UnknownField | Self::RepeatedField)
    }
}

/// Something wrong in a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Problem {
    /// What kind.
    pub kind: ProblemKind,
    /// The field, such as `rules[2].nonResourceURLs[0]`; empty for the document as a whole.
    pub field: String,
    /// What is wrong and what follows.
    pub message: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
}

impl Problem {
    /// A problem at a place.
    pub fn new(kind: ProblemKind, field: String, at: At, message: impl Into<String>) -> Self {
        Self { kind, field, message: message.into(), line: at.line, column: at.column }
    }

    /// Draws the problem into the text, which is called `file`.
    pub fn render(&self, text: &str, file: &str) -> String {
        let title = if self.field.is_empty() || self.message.contains(&self.field) {
            self.message.clone()
        } else {
            format!("{}: {}", self.field, self.message)
        };
        let (level, word) =
            if self.kind.is_warning() { (Level::WARNING, "warning") } else { (Level::ERROR, "error") };
        let line = usize::try_from(self.line.saturating_sub(1)).unwrap_or(usize::MAX);
        let shown = text.lines().nth(line).unwrap_or_default();
        if shown.is_empty() || shown.len() > MAX_SHOWN {
            return format!("{word}: {title}\n --> {file}:{}:{}", self.line, self.column);
        }
        // Only this line is looked through: a large text may have many problems.
        let span = word_at(shown, offset_of(shown, 1, u64::from(self.column)));
        let snippet = Snippet::source(shown)
            .line_start(line + 1)
            .path(file)
            .annotation(AnnotationKind::Primary.span(span));
        let report: &[Group<'_>] = &[level.primary_title(title.as_str()).element(snippet)];
        Renderer::plain().render(report)
    }
}

/// Problems, of which there may be more than anyone reads.
#[derive(Debug, Default)]
pub(super) struct Problems {
    list: Vec<Problem>,
    left_out: usize,
}

impl Problems {
    /// Adds one; what it says is worked out only if it is listed.
    pub(super) fn add(&mut self, make: impl FnOnce() -> Problem) {
        if self.list.len() < MAX_LISTED {
            self.list.push(make());
        } else {
            self.left_out += 1;
        }
    }

    /// Adds all of others.
    pub(super) fn extend(&mut self, others: Self) {
        self.left_out += others.left_out;
        for problem in others.list {
            self.add(|| problem);
        }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The problems in the order of the text; if some were left out, the last one says how many.
    pub(super) fn into_list(self) -> Vec<Problem> {
        let mut list = self.list;
        list.sort_by_key(|problem| (problem.line, problem.column));
        if let (Some(last), true) = (list.last_mut(), self.left_out > 0) {
            last.message = format!("{} (and {} more problems)", last.message, self.left_out);
        }
        list
    }
}
