//! Columns as kubectl prints them.

use std::fmt::Write as _;

use colored::ColoredString;
use unicode_width::UnicodeWidthStr;

use super::style::{self, visible};
use crate::verdict::Severity;

/// Columns of cells; a cell may carry colour.
pub(crate) struct Table {
    rows: Vec<Vec<Cell>>,
}

pub(crate) struct Cell {
    text: String,
    painted: Option<ColoredString>,
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self { text: visible(text).into_owned(), painted: None }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl Cell {
    pub(crate) fn painted(text: &str, painted: ColoredString) -> Self {
        Self { text: text.to_owned(), painted: Some(painted) }
    }

    pub(crate) fn severity(severity: Severity) -> Self {
        Self::painted(severity.as_str(), style::severity(severity, severity.as_str()))
    }
}

impl Table {
    pub(crate) fn new(headings: &[&str], no_headers: bool) -> Self {
        let mut rows = Vec::new();
        if !no_headers {
            rows.push(headings.iter().map(|heading| Cell::painted(heading, style::faint(heading))).collect());
        }
        Self { rows }
    }

    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    pub(crate) fn write(&self, out: &mut String) {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                self.rows
                    .iter()
                    .filter_map(|row| row.get(column))
                    .map(|cell| cell.text.width())
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        for row in &self.rows {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                match &cell.painted {
                    Some(painted) => {
                        let _ = write!(line, "{painted}");
                    }
                    None => line.push_str(&cell.text),
                }
                if column + 1 < row.len() {
                    let width = widths.get(column).copied().unwrap_or_default();
                    line.push_str(&" ".repeat(width.saturating_sub(cell.text.width()) + 3));
                }
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }
}
