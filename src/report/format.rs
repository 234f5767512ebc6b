//! The forms of a report, and which file of this folder writes each.

use super::{Report, csv, html, json, junit, markdown, openreports, prometheus, sarif, table, yaml};
use crate::analyze::Facts;
use crate::check::CheckSet;

/// The form of a report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// What failed and what is unknown
    #[default]
    Table,
    /// Every finding with its evidence
    Wide,
    /// The whole report, see docs/report.schema.json
    Json,
    /// The same as YAML
    Yaml,
    /// What failed and what is unknown, for code scanning
    Sarif,
    /// Every finding as a test, for CI
    Junit,
    /// A comment for a pull request
    Markdown,
    /// Every finding as a row for spreadsheets
    Csv,
    /// A page for people: one file, on screen and on paper
    Html,
    /// Objects for dashboards in the cluster
    Openreports,
    /// Metrics for a textfile collector or a Pushgateway
    Prometheus,
}

/// All that a form may show.
pub struct Page<'a> {
    /// The judgements.
    pub report: &'a Report,
    /// The facts they were made on.
    pub facts: &'a Facts,
    /// The checks, for their prose.
    pub checks: &'a CheckSet,
    /// How tables are printed.
    pub table: table::Options,
}

impl Format {
    /// Whether its text is painted where a terminal shows it.
    pub fn is_painted(self) -> bool {
        matches!(self, Self::Table | Self::Wide)
    }

    /// Writes a report in this form.
    ///
    /// # Errors
    /// It does not serialise; nothing in a report can cause that.
    pub fn render(self, page: &Page<'_>) -> anyhow::Result<String> {
        let Page { report, table, .. } = page;
        Ok(match self {
            Self::Table => table::render(report, *table),
            Self::Wide => table::render(report, table::Options { wide: true, ..*table }),
            Self::Json => json::render(report)?,
            Self::Yaml => yaml::render(report)?,
            Self::Sarif => sarif::render(page)?,
            Self::Junit => junit::render(page),
            Self::Markdown => markdown::render(report),
            Self::Csv => csv::render(report),
            Self::Html => html::render(page)?,
            Self::Openreports => openreports::render(report)?,
            Self::Prometheus => prometheus::render(report),
        })
    }
}
