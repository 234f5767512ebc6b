//! Checks: judgements as data.
//!
//! A check is one YAML file: prose, parameters, CEL expressions over the facts, and examples made of real inputs. The
//! built-in ones lie in `checks/` and are compiled in; users add their own with the same format. Nothing in this module
//! knows any single check.
//!
//! | module | does |
//! | --- | --- |
//! | [`load`] | a file into a [`Check`], or diagnostics with positions |
//! | [`lint`], [`types`] | static checking of expressions against the schema of the facts |
//! | [`judge`] | a check and facts into findings |
//! | [`example`] | the examples of a check into snapshots, and their test |
//! | `files` | finding and reading what users give |
//! | [`expr`], [`limits`] | the expression engine and its bounds |

pub mod builtin;
pub mod diagnostic;
pub mod example;
pub mod expr;
pub(crate) mod files;
pub mod judge;
pub mod limits;
pub mod lint;
pub mod load;
pub mod template;
pub mod types;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use self::expr::Expression;
use self::template::Template;
use crate::pattern;
use crate::verdict::Severity;

/// A loaded and linted check.
#[derive(Debug)]
pub struct Check {
    /// Stable and never reused: `LA-API-002`.
    pub id: String,
    /// What should be so.
    pub title: String,
    /// How bad it is if it is not.
    pub severity: Severity,
    /// The folder it lies in.
    pub category: String,
    /// The version of this program that brought it.
    pub since: String,
    /// The evidence themes it answers (`checks/themes.yaml`).
    pub themes: Vec<String>,
    /// Prose: what is looked at.
    pub what: String,
    /// Prose: why it matters.
    pub why: String,
    /// Prose: how to mend it.
    pub fix: String,
    /// Prose: when a failure is acceptable.
    pub fine_when: String,
    /// Ids under which it was known before.
    pub aliases: Vec<String>,
    /// Why it is no longer run, and what replaces it.
    pub deprecated: Option<String>,
    /// Whether a baseline makes its failures known, so that they no longer fail the gate.
    pub baseline: bool,
    /// Default parameters.
    pub params: Params,
    /// The list it judges, item by item; none for a judgement on the cluster as a whole.
    pub each: Option<Used>,
    /// Which items of that list it judges; all of them if there is none.
    pub among: Option<Used>,
    /// Whether the question arises.
    pub applies: Option<Used>,
    /// Whether it passes.
    pub pass: Used,
    /// The sentences of its findings.
    pub says: Says,
    /// The file it came from.
    pub file: String,
    /// The text of its examples; parsed only when they are needed.
    pub examples: String,
}

impl Check {
    /// Whether an id, or a pattern of ids, is one of its own.
    pub fn is_called(&self, name: &str) -> bool {
        pattern::matches(name, &self.id) || self.aliases.iter().any(|alias| pattern::matches(name, alias))
    }

    /// Whether it judges waivers. What it finds stands only when all else is judged, and cannot be waived.
    pub fn is_about_waivers(&self) -> bool {
        let used = [&self.each, &self.among, &self.applies].into_iter().flatten().chain([&self.pass]);
        let about = |path: &String| {
            path.strip_prefix(WAIVERS).is_some_and(|rest| rest.is_empty() || rest.starts_with(['[', '.']))
        };
        used.flat_map(|used| &used.uses).any(about)
    }
}

/// The path of the facts on waivers.
const WAIVERS: &str = "facts.waivers";

/// Parameters by name.
pub type Params = BTreeMap<String, Value>;

/// An expression and the fact paths it uses.
#[derive(Debug)]
pub struct Used {
    /// The expression.
    pub expression: Expression,
    /// The paths, with `[*]` for list items.
    pub uses: Vec<String>,
}

/// The sentences of a check's findings.
#[derive(Debug)]
pub struct Says {
    /// Where it passes.
    pub pass: Template,
    /// Where it fails.
    pub fail: Template,
    /// Where the question does not arise.
    pub not_applicable: Option<Template>,
}

/// All checks of a run.
#[derive(Debug, Default)]
pub struct CheckSet {
    /// The checks, by id.
    pub checks: Vec<Check>,
}

impl CheckSet {
    /// The check with that id or alias.
    pub fn get(&self, id: &str) -> Option<&Check> {
        self.checks
            .iter()
            .find(|check| check.id == id)
            .or_else(|| self.checks.iter().find(|check| check.aliases.iter().any(|alias| alias == id)))
    }

    /// The checks that are still run.
    pub fn active(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.deprecated.is_none())
    }
}

/// What `checks list` prints of a check.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary<'a> {
    /// The id.
    pub id: &'a str,
    /// The severity.
    pub severity: Severity,
    /// The category.
    pub category: &'a str,
    /// The title.
    pub title: &'a str,
    /// The themes.
    pub themes: &'a [String],
    /// The parameters with their defaults.
    pub params: &'a Params,
    /// Since which version.
    pub since: &'a str,
}

impl<'a> From<&'a Check> for Summary<'a> {
    fn from(check: &'a Check) -> Self {
        Self {
            id: &check.id,
            severity: check.severity,
            category: &check.category,
            title: &check.title,
            themes: &check.themes,
            params: &check.params,
            since: &check.since,
        }
    }
}
