//! What two policies record differently.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt::Write as _;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;

use super::columns::{Cell, Table};
use super::matrix::{example, rule_at};
use super::style::visible;
use super::{markup, plural, style};
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

    /// In a sentence, of one and of several.
    fn phrases(self) -> (&'static str, &'static str) {
        match self {
            Self::Leaks => ("leaks bodies newly", "leak bodies newly"),
            Self::Less => ("is recorded less", "are recorded less"),
            Self::Stages => ("is recorded at other stages", "are recorded at other stages"),
            Self::More => ("is recorded more", "are recorded more"),
        }
    }
}

impl Entry {
    /// `Metadata → None`, or the stages where only they differ.
    fn levels(&self) -> String {
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

    fn summary(&self) -> String {
        if self.differences.is_empty() {
            return "no difference, both record every request alike".to_owned();
        }
        counts(self.differences.iter())
    }

    /// What is told row by row, and the rest, which is outside of all classes.
    fn rows(&self) -> (Vec<Row<'_>>, Vec<&Entry>) {
        let mut rows: Vec<Row<'_>> = Vec::new();
        let mut rest = Vec::new();
        for entry in &self.differences {
            if !entry.difference.leaks && entry.difference.classes.is_empty() {
                rest.push(entry);
                continue;
            }
            let key = (Group::of(&entry.difference), entry.levels(), self.rules(entry));
            match rows.iter_mut().find(|row| row.key == key) {
                Some(row) => {
                    row.more += 1;
                    row.classes.extend(entry.difference.classes.iter().map(String::as_str));
                }
                // Entries come by severity: the first of a row is the worst.
                None => rows.push(Row {
                    key,
                    first: entry,
                    more: 0,
                    classes: entry.difference.classes.iter().map(String::as_str).collect(),
                }),
            }
        }
        (rows, rest)
    }

    /// As a table; `wide` with every kind of requests and an example of it.
    pub fn table(&self, wide: bool, no_headers: bool) -> String {
        let mut out = String::new();
        if wide {
            for entry in &self.differences {
                self.detail(entry, &mut out);
            }
        } else {
            let (rows, rest) = self.rows();
            if !rows.is_empty() {
                let headings =
                    ["CHANGE", "SEVERITY", "RECORDED", "RULE BEFORE", "RULE AFTER", "CLASSES", "REQUESTS"];
                let mut table = Table::new(&headings, no_headers);
                for row in &rows {
                    let (group, levels, [before, after]) = &row.key;
                    table.row(vec![
                        group.cell(),
                        row.first.severity.map_or_else(|| "-".into(), Cell::severity),
                        levels.as_str().into(),
                        before.as_str().into(),
                        after.as_str().into(),
                        row.classes().into(),
                        row.requests().into(),
                    ]);
                }
                table.write(&mut out);
                out.push('\n');
            }
            if !rest.is_empty() {
                let _ = writeln!(out, "Outside of all classes: {}.", counts(rest.into_iter()));
            }
        }
        let names = format!("{} → {}", self.before.policy, self.after.policy);
        let _ = writeln!(out, "Kubernetes {}, {}: {}.", self.kubernetes, visible(&names), self.summary());
        if !wide && !self.differences.is_empty() {
            let _ = writeln!(out, "{}", style::faint("-o wide lists every kind of requests with an example"));
        }
        out
    }

    fn detail(&self, entry: &Entry, out: &mut String) {
        let group = Group::of(&entry.difference);
        let severity = entry.severity.map_or("outside of all classes", Severity::as_str);
        let head = format!("{}, {severity}: {}", group.as_str(), entry.levels());
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
            markup::code(&self.before.policy),
            markup::code(&self.after.policy),
            self.kubernetes,
            capitalised(&self.summary())
        );
        let (rows, rest) = self.rows();
        if !rows.is_empty() {
            out.push('\n');
            let headings =
                ["Change", "Severity", "Recorded", "Requests", "Classes", "Rule before", "Rule after"];
            markup::headings(&headings, &mut out);
            for row in rows.iter().take(MOST_ROWS) {
                let (group, levels, [before, after]) = &row.key;
                let cells = [
                    group.as_str().to_owned(),
                    row.first.severity.map_or("-", Severity::as_str).to_owned(),
                    levels.clone(),
                    markup::code(&row.requests()),
                    row.classes(),
                    markup::code(before),
                    markup::code(after),
                ];
                markup::row(&cells, &mut out);
            }
        }
        if rows.len() > MOST_ROWS {
            let _ = write!(out, "\nAnd {} more rows.\n", rows.len() - MOST_ROWS);
        }
        if !rest.is_empty() {
            let _ = write!(out, "\nOutside of all classes: {}.\n", counts(rest.into_iter()));
        }
        out
    }
}

/// Differences alike in direction, levels and rules.
struct Row<'e> {
    /// The direction, the levels, the rules with their places.
    key: (Group, String, [String; 2]),
    first: &'e Entry,
    more: usize,
    classes: BTreeSet<&'e str>,
}

impl Row<'_> {
    fn requests(&self) -> String {
        let words = self.first.difference.requests.words();
        if self.more == 0 { words } else { format!("{words}; and {} more", self.more) }
    }

    /// The first few.
    fn classes(&self) -> String {
        const SHOWN: usize = 4;
        let mut shown: Vec<&str> = self.classes.iter().copied().collect();
        if shown.is_empty() {
            return "-".to_owned();
        }
        if shown.len() <= SHOWN + 1 {
            return shown.join(" ");
        }
        shown.truncate(SHOWN);
        format!("{} and {} more", shown.join(" "), self.classes.len() - SHOWN)
    }
}

/// `2 kinds of requests leak bodies newly, 1 kind is recorded less`.
fn counts<'e>(entries: impl Iterator<Item = &'e Entry>) -> String {
    let groups: Vec<Group> = entries.map(|entry| Group::of(&entry.difference)).collect();
    let mut noun = " of requests";
    let phrases = Group::ALL.into_iter().filter_map(|group| {
        let count = groups.iter().filter(|other| **other == group).count();
        let phrase = if count == 1 { group.phrases().0 } else { group.phrases().1 };
        (count > 0).then(|| format!("{}{} {phrase}", plural(count, "kind"), std::mem::take(&mut noun)))
    });
    phrases.collect::<Vec<_>>().join(", ")
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
