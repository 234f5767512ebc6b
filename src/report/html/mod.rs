//! The report as one page for people: self-contained, readable on a phone and on paper, with and without script.
//!
//! | file | holds |
//! | --- | --- |
//! | `*.html` | the templates; `report.html` includes the others, one for each section |
//! | `report.css`, `report.js` | what the page carries inline, by their hashes the only ones that a browser accepts |
//! | `escape` | what becomes of every value that is put in |
//! | the other modules | what a section shows, ready to be put in |

mod escape;
mod findings;
mod first;
mod frameworks;
mod links;
mod matrix;
mod path;
mod prose;
mod score;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};

use self::findings::{Chapter, Choices};
use self::first::Step;
use self::frameworks::FrameworkView;
use self::links::Links;
use self::matrix::Matrices;
use self::path::{Paths, State};
use self::prose::Block;
use self::score::ScoreView;
use super::format::Page;
use super::{Cluster, Report, plural};
use crate::snapshot::Scope;
use crate::verdict::{Severity, Status};

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

/// The page.
#[derive(Template)]
#[template(path = "report.html")]
struct Document<'a> {
    style: &'static str,
    style_hash: String,
    script: &'static str,
    script_hash: String,
    report: &'a Report,
    about: Vec<(&'static str, String)>,
    counts: Vec<(Status, usize)>,
    severities: String,
    score: ScoreView<'a>,
    failures: Vec<Step<'a>>,
    gaps: Vec<Step<'a>>,
    matrices: Matrices<'a>,
    paths: Paths<'a>,
    choices: Choices<'a>,
    chapters: Vec<Chapter<'a>>,
    frameworks: Vec<FrameworkView<'a>>,
}

/// A check that is pointed to.
struct Checked<'a> {
    id: &'a str,
    status: Option<Status>,
    /// Whether the report has a place for it.
    is_shown: bool,
}

/// The report as a page.
///
/// # Errors
/// It cannot be written; nothing in a report can cause that.
pub(super) fn render(page: &Page<'_>) -> anyhow::Result<String> {
    let report = page.report;
    let rules = crate::score::rules();
    let links = Links::new(report, page.checks);
    let document = Document {
        style: STYLE,
        style_hash: hash(STYLE),
        script: SCRIPT,
        script_hash: hash(SCRIPT),
        report,
        about: about(&report.cluster),
        counts: counts(report),
        severities: severities(report),
        score: ScoreView::new(report, &rules, &links),
        failures: first::failures(report, &rules, &links),
        gaps: first::gaps(report, &links),
        matrices: Matrices::new(page.facts),
        paths: Paths::new(page.facts),
        choices: Choices::new(report),
        chapters: findings::chapters(report, page.checks, &links),
        frameworks: frameworks::frameworks(report, &links),
    };
    Ok(document.render()? + "\n")
}

/// A text's hash, as a Content-Security-Policy names it.
fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(digest(&SHA256, text.as_bytes())))
}

/// A number without a fraction that is none.
fn number(value: f64) -> String {
    value.to_string()
}

/// What was audited.
fn about(cluster: &Cluster) -> Vec<(&'static str, String)> {
    let mut about = vec![(
        "Read from",
        match cluster.scope {
            Scope::Cluster => "a running cluster".to_owned(),
            Scope::Manifests => "files, not a running cluster".to_owned(),
        },
    )];
    if let Some(time) = cluster.captured_at {
        about.push(("Read at", time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()));
    }
    if let Some(version) = &cluster.kubernetes_version {
        about.push(("Kubernetes", version.clone()));
    }
    if let Some(name) = cluster.distribution.as_ref().filter(|name| *name != "other") {
        about.push(("Distribution", name.clone()));
    }
    let read = cluster.api_servers_read;
    about.push((
        "API servers read",
        match cluster.api_servers_live {
            Some(live) => format!("{read} of {live}"),
            None => read.to_string(),
        },
    ));
    if let Some(server) = &cluster.server {
        about.push(("Address", server.clone()));
    }
    about
}

/// Checks by what they came to, worst first.
fn counts(report: &Report) -> Vec<(Status, usize)> {
    let always = [Status::Fail, Status::Unknown, Status::Pass];
    let mut counts = report.summary.verdicts.clone();
    for status in always {
        counts.entry(status).or_default();
    }
    counts.into_iter().rev().collect()
}

/// Failed checks by severity: `2 critical, 5 high`.
fn severities(report: &Report) -> String {
    let count =
        |severity: &Severity| report.summary.failed.get(severity).map(|count| format!("{count} {severity}"));
    Severity::ALL.iter().filter_map(count).collect::<Vec<_>>().join(", ")
}
