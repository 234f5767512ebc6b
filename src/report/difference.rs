//! What two policies record differently.

use std::cmp::Reverse;
use std::fmt::Write as _;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;

use super::columns::{Cell, Table};
use super::matrix::{example, rule_at};
use super::style::visible;
use super::{markdown, plural, style};
use crate::analyze::policy::catalogue::Catalogue;
use crate::analyze::policy::coverage::{Change, Difference};
use crate::analyze::policy::matches::StageSet;
use crate::verdict::Severity;

/// The version of the form. Within a version fields are only added.
pub const SCHEMA_VERSION: u32 = 1;

/// How many rows a comment on a pull request takes.
const MOST_ROWS: usize = 60;

/// What two policies record differently.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Differences {
    /// The version of this form.
    pub schema_version: u32,
    /// The version of Kubernetes whose APIs and policy rules are meant.
    pub kubernetes: String,
    /// The first policy.
    pub before: Side,
    /// The second.
    pub after: Side,
    /// Which requests: leaks first, then what is recorded less, at other stages, and more; within these by severity.
    pub differences: Vec<Entry>,
}

/// One of the policies.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Side {
    /// A file as it was given, `stdin`, or `known:ID`.
    pub policy: String,
    /// Where each rule begins: `policy.yaml:5:3`.
    pub rules: Vec<String>,
}

/// Requests that are recorded differently.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The highest severity of the classes to which some of them belong; none outside of all classes.
    pub severity: Option<Severity>,
    /// Which, and how.
    #[serde(flatten)]
    pub difference: Difference,
}

/// The JSON Schema of the differences.
pub fn schema() -> serde_json::Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<Differences>();
    schema.insert("title".into(), "Difference of two audit policies by kubectl logaudit".into());
    schema.to_value()
}

/// What is said of a difference, in the order in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Leaks,
    Less,
    Stages,
    More,
}

impl Group {
    const ALL: [Self; 4] = [Self::Leaks, Self::Less, Self::Stages, Self::More];

    fn of(difference: &Difference) -> Self {
        match difference.change {
            _ if difference.leaks => Self::Leaks,
            Change::Less => Self::Less,
            Change::Stages => Self::Stages,
            Change::More => Self::More,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Leaks => "leaks",
            Self::Less => "less",
            Self::Stages => "stages",
            Self::More => "more",
        }
    }

    fn cell(self) -> Cell {
        let word = self.as_str();
        Cell::painted(
            word,
            match self {
                Self::Leaks => style::severity(Severity::Critical, word),
                Self::Less => style::severity(Severity::High, word),
                Self::Stages => style::severity(Severity::Medium, word),
                Self::More => style::severity(Severity::Low, word),
            },
        )
    }

    /// In a sentence.
    fn phrase(self) -> &'static str {
        match self {
            Self::Leaks => "leak bodies newly",
            Self::Less => "are recorded less",
            Self::Stages => "are recorded at other stages",
            Self::More => "are recorded more",
        }
    }
}

impl Entry {
    fn is_told(&self) -> bool {
        self.difference.leaks || !self.difference.classes.is_empty()
    }

    /// `Metadata → None`, or the stages where only they differ.
    fn from_to(&self) -> String {
        let Difference { before, after, stages_before, stages_after, change, .. } = &self.difference;
        match change {
            Change::Stages => format!("{before}: {} → {}", stages(*stages_before), stages(*stages_after)),
            Change::Less | Change::More => format!("{before} → {after}"),
        }
    }
}

fn stages(stages: StageSet) -> String {
    let names: Vec<&str> = stages.iter().map(crate::analyze::policy::Stage::as_str).collect();
    if names.is_empty() { "none".to_owned() } else { names.join("+") }
}

impl Differences {
    /// In the order in which they are told.
    pub fn new(
        kubernetes: String,
        [before, after]: [Side; 2],
        found: Vec<Difference>,
        catalogue: &Catalogue,
    ) -> Self {
        let severity = |difference: &Difference| {
            let classes = catalogue.classes.iter().filter(|class| difference.classes.contains(&class.id));
            classes.map(|class| class.severity).max()
        };
        let mut differences: Vec<Entry> = found
            .into_iter()
            .map(|difference| Entry { severity: severity(&difference), difference })
            .collect();
        differences.sort_by_key(|entry| (Group::of(&entry.difference), Reverse(entry.severity)));
        Self { schema_version: SCHEMA_VERSION, kubernetes, before, after, differences }
    }

    fn rules(&self, entry: &Entry) -> [String; 2] {
        [
            rule_at(entry.difference.rule_before, &self.before.rules),
            rule_at(entry.difference.rule_after, &self.after.rules),
        ]
    }

    /// `2 kinds of requests leak bodies newly, 1 kind of requests is …`.
    fn summary(&self) -> String {
        if self.differences.is_empty() {
            return "no difference: both record every request alike".to_owned();
        }
        counts(self.differences.iter())
    }

    /// As a table; `wide` with examples, and with what is outside of all classes.
    pub fn table(&self, wide: bool, no_headers: bool) -> String {
        let mut out = String::new();
        let (told, rest): (Vec<&Entry>, Vec<&Entry>) =
            self.differences.iter().partition(|entry| wide || entry.is_told());
        if wide {
            for entry in told {
                self.detail(entry, &mut out);
            }
        } else if !told.is_empty() {
            let headings = ["CHANGE", "SEVERITY", "RECORDED", "RULE BEFORE", "RULE AFTER", "CLASSES", "REQUESTS"];
            let mut table = Table::new(&headings, no_headers);
            for entry in told {
                let [before, after] = self.rules(entry);
                table.row(vec![
                    Group::of(&entry.difference).cell(),
                    entry.severity.map_or_else(|| "-".into(), Cell::severity),
                    entry.from_to().into(),
                    before.into(),
                    after.into(),
                    classes(entry).into(),
                    entry.difference.requests.words().into(),
                ]);
            }
            table.write(&mut out);
            out.push('\n');
        }
        if !rest.is_empty() {
            let _ = writeln!(out, "Outside of all classes {} (-o wide lists them).", counts(rest.into_iter()));
        }
        let names = format!("{} → {}", self.before.policy, self.after.policy);
        let _ = writeln!(out, "Kubernetes {}, {}: {}.", self.kubernetes, visible(&names), self.summary());
        out
    }

    fn detail(&self, entry: &Entry, out: &mut String) {
        let group = Group::of(&entry.difference);
        let severity = entry.severity.map_or("outside of all classes", Severity::as_str);
        let head = format!("{}, {severity}: {}", group.as_str(), entry.from_to());
        let _ = writeln!(out, "{}", style::heading(&head));
        let _ = writeln!(out, "  {}", visible(&entry.difference.requests.words()));
        let [before, after] = self.rules(entry);
        let _ = writeln!(out, "    before by {}, after by {}", visible(&before), visible(&after));
        if !entry.difference.classes.is_empty() {
            let _ = writeln!(out, "    in {}", entry.difference.classes.join(", "));
        }
        let _ = writeln!(out, "    for example {}\n", visible(&example(&entry.difference.requests.witness)));
    }

    /// As a comment on a pull request.
    pub fn markdown(&self) -> String {
        let mut out = format!(
            "### Audit policies {} → {}: what is recorded differently (Kubernetes {})\n\n{}.\n",
            markdown::code(&self.before.policy),
            markdown::code(&self.after.policy),
            self.kubernetes,
            capitalised(&self.summary())
        );
        let (told, rest): (Vec<&Entry>, Vec<&Entry>) =
            self.differences.iter().partition(|entry| entry.is_told());
        if !told.is_empty() {
            out.push('\n');
            let headings = ["Change", "Severity", "Recorded", "Requests", "Classes", "Before", "After"];
            markdown::headings(&headings, &mut out);
            for entry in told.iter().take(MOST_ROWS) {
                let [before, after] = self.rules(entry);
                let cells = [
                    Group::of(&entry.difference).as_str().to_owned(),
                    entry.severity.map_or("-", Severity::as_str).to_owned(),
                    entry.from_to(),
                    markdown::code(&entry.difference.requests.words()),
                    classes(entry),
                    markdown::code(&before),
                    markdown::code(&after),
                ];
                markdown::row(&cells, &mut out);
            }
        }
        if told.len() > MOST_ROWS {
            let _ = write!(out, "\nAnd {} more rows.\n", told.len() - MOST_ROWS);
        }
        if !rest.is_empty() {
            let _ = write!(out, "\nOutside of all classes {}.\n", counts(rest.into_iter()));
        }
        out
    }
}

/// The first few classes; they share the requests, so there are seldom many.
fn classes(entry: &Entry) -> String {
    const SHOWN: usize = 4;
    let all = &entry.difference.classes;
    match all.get(..SHOWN) {
        _ if all.is_empty() => "-".to_owned(),
        Some(first) if all.len() > SHOWN + 1 => {
            format!("{} and {} more", first.join(" "), all.len() - SHOWN)
        }
        _ => all.join(" "),
    }
}

fn counts<'e>(entries: impl Iterator<Item = &'e Entry>) -> String {
    let groups: Vec<Group> = entries.map(|entry| Group::of(&entry.difference)).collect();
    let phrases = Group::ALL.into_iter().filter_map(|group| {
        let count = groups.iter().filter(|other| **other == group).count();
        (count > 0).then(|| format!("{} {}", plural(count, "row"), group.phrase()))
    });
    phrases.collect::<Vec<_>>().join(", ")
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
