//! Settings, and where each of them comes from: the configuration file, the environment, the command line, each stronger
//! than the one before.
//!
//! | module | does |
//! | --- | --- |
//! | [`mod@file`] | the configuration file: its form, and everything that can be wrong in it, with the place |
//! | [`find`] | which file that is, and what one that was only found may not say |
//! | [`environment`] | variables |
//! | [`values`] | the values of single settings |
//! | [`overrides`], [`thresholds`] | parameters and severities of checks |

pub mod environment;
pub mod file;
pub mod find;
pub mod overrides;
pub mod thresholds;
pub mod values;

use std::path::PathBuf;

use serde::Serialize;
use serde_json::{Value, json};

use self::overrides::Overrides;
use self::values::FailOn;
use crate::verdict::Severity;
use crate::waiver::Waiver;

/// A value and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told<T> {
    /// The value.
    pub value: T,
    /// `default`, `.logaudit.yaml:3:1`, `LOGAUDIT_FAIL_ON`, `--fail-on`.
    pub at: String,
}

impl<T> Told<T> {
    /// A value and where it comes from.
    pub fn new(value: T, at: impl Into<String>) -> Self {
        Self { value, at: at.into() }
    }
}

/// What one source says, or all of them together.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Findings of this severity and above fail the gate.
    pub fail_on: Option<Told<FailOn>>,
    /// Whether unknown findings fail it like failed ones.
    pub fail_on_unknown: Option<Told<bool>>,
    /// The least `low` of the score.
    pub min_score: Option<Told<f64>>,
    /// The report that the gate compares with.
    pub baseline: Option<Told<PathBuf>>,
    /// Findings below this severity are hidden.
    pub severity: Option<Told<Severity>>,
    /// Only these checks.
    pub only: Option<Told<Vec<String>>>,
    /// All but these checks.
    pub skip: Option<Told<Vec<String>>>,
    /// The frameworks to report.
    pub framework: Option<Told<Vec<String>>>,
    /// Folders and files with users' checks. What the sources say adds up.
    pub checks: Vec<Told<PathBuf>>,
    /// Folders and files with users' frameworks. Likewise.
    pub frameworks: Vec<Told<PathBuf>>,
    /// The forms of the report.
    pub output: Option<Told<Vec<String>>>,
    /// Whether waivers in annotations count.
    pub accept_annotations: Option<Told<bool>>,
    /// Whether and how the cloud provider is asked.
    pub cloud: Option<Told<String>>,
}

impl Settings {
    /// These where they say something, else those of a weaker source.
    #[must_use]
    pub fn over(self, weaker: Self) -> Self {
        Self {
            fail_on: self.fail_on.or(weaker.fail_on),
            fail_on_unknown: self.fail_on_unknown.or(weaker.fail_on_unknown),
            min_score: self.min_score.or(weaker.min_score),
            baseline: self.baseline.or(weaker.baseline),
            severity: self.severity.or(weaker.severity),
            only: self.only.or(weaker.only),
            skip: self.skip.or(weaker.skip),
            framework: self.framework.or(weaker.framework),
            checks: weaker.checks.into_iter().chain(self.checks).collect(),
            frameworks: weaker.frameworks.into_iter().chain(self.frameworks).collect(),
            output: self.output.or(weaker.output),
            accept_annotations: self.accept_annotations.or(weaker.accept_annotations),
            cloud: self.cloud.or(weaker.cloud),
        }
    }

    /// Every setting with its value and where that comes from, in the order of the documentation.
    pub fn rows(&self) -> Vec<Row> {
        let paths = |told: &[Told<PathBuf>]| {
            let list: Vec<String> = told.iter().map(|told| told.value.display().to_string()).collect();
            let from: Vec<&str> = told.iter().map(|told| told.at.as_str()).collect();
            (!list.is_empty()).then(|| Told::new(json!(list), from.join(", ")))
        };
        let baseline =
            self.baseline.as_ref().map(|told| Told::new(told.value.display().to_string(), &told.at));
        vec![
            row("fail-on", self.fail_on.as_ref(), json!(FailOn::default())),
            row("fail-on-unknown", self.fail_on_unknown.as_ref(), json!(false)),
            row("min-score", self.min_score.as_ref(), Value::Null),
            row("baseline", baseline.as_ref(), Value::Null),
            row("severity", self.severity.as_ref(), Value::Null),
            row("only", self.only.as_ref(), json!([])),
            row("skip", self.skip.as_ref(), json!([])),
            row("framework", self.framework.as_ref(), json!([])),
            row("checks", paths(&self.checks).as_ref(), json!([])),
            row("frameworks", paths(&self.frameworks).as_ref(), json!([])),
            row("output", self.output.as_ref(), json!(["table"])),
            row("accept-annotations", self.accept_annotations.as_ref(), json!(false)),
            row("cloud", self.cloud.as_ref(), json!("auto")),
        ]
    }
}

/// A setting with its value and where that comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Its name in the configuration file.
    pub setting: String,
    /// The value.
    pub value: Value,
    /// Where it comes from.
    pub from: String,
}

fn row<T: Serialize>(setting: &str, told: Option<&Told<T>>, default: Value) -> Row {
    let (value, from) = match told {
        Some(Told { value, at }) => (json!(value), at.clone()),
        None => (default, "default".to_owned()),
    };
    Row { setting: setting.to_owned(), value, from }
}

/// All that a configuration file says.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The settings that the environment and the command line may replace.
    pub settings: Settings,
    /// Parameters and severities of checks.
    pub overrides: Overrides,
    /// Waivers.
    pub waivers: Vec<Waiver>,
}
