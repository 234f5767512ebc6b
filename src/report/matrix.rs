//! What a policy records of every class of requests, as a matrix.

use std::cmp::Reverse;
use std::fmt::Write as _;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;

use super::columns::{Cell, Table};
use super::style::visible;
use super::{markup, style};
use crate::analyze::policy::Level;
use crate::analyze::policy::coverage::{BodyCoverage, ClassCoverage, Exception};
use crate::analyze::policy::matches::Attributes;
use crate::verdict::{Severity, Status};

/// The version of the matrix's form. Within a version fields are only added.
pub const SCHEMA_VERSION: u32 = 1;

/// What a policy records of every class of requests.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Matrix {
    /// The version of this form.
    pub schema_version: u32,
    /// The version of Kubernetes whose APIs and policy rules are meant.
    pub kubernetes: String,
    /// The policy: a file as it was given, `stdin`, or `known:ID`.
    pub policy: String,
    /// Where each rule of the policy begins: `policy.yaml:5:3`.
    pub rules: Vec<String>,
    /// The classes of requests that are served, in the catalogue's order.
    pub classes: Vec<ClassCoverage>,
    /// The bodies that must not be logged, of objects that are served.
    pub bodies: Vec<BodyCoverage>,
    /// The classes of which no request is served.
    pub not_served: Vec<String>,
}

/// The JSON Schema of the matrix.
pub fn schema() -> serde_json::Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<Matrix>();
    schema.insert("title".into(), "Coverage of an audit policy by kubectl logaudit".into());
    schema.to_value()
}

/// How a class fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reached {
    Neither,
    Detect,
    Investigate,
}

fn reached(class: &ClassCoverage) -> Reached {
    match (class.is_detected(), class.is_investigated()) {
        (false, _) => Reached::Neither,
        (true, false) => Reached::Detect,
        (true, true) => Reached::Investigate,
    }
}

/// What is recorded, in few words.
fn recorded(class: &ClassCoverage) -> String {
    match (class.least, class.most) {
        (Level::None, Level::None) => "never".to_owned(),
        (least, most) if least == most => format!("always {most}"),
        (least, most) if least >= class.detect => format!("{least} to {most}"),
        (_, most) => format!("up to {most}, except…"),
    }
}

/// What is recorded below the level that counts: for detection, else for investigation.
fn exceptions(class: &ClassCoverage) -> &[Exception] {
    if class.undetected.is_empty() { &class.shallow } else { &class.undetected }
}

fn in_short(exceptions: &[Exception]) -> String {
    match exceptions {
        [] => String::new(),
        [one] => one.requests.words(),
        [first, rest @ ..] => format!("{}; and {} more", first.requests.words(), rest.len()),
    }
}

/// A request as an example, with the groups of its sender.
pub(super) fn example(witness: &Attributes) -> String {
    let groups: Vec<&str> =
        witness.groups.iter().map(String::as_str).filter(|group| *group != "system:authenticated").collect();
    let words = witness.to_string();
    if groups.is_empty() { words } else { format!("{words} (groups {})", groups.join(", ")) }
}

/// A rule with its place.
pub(super) fn rule_at(rule: Option<usize>, places: &[String]) -> String {
    match rule {
        Some(rule) => match places.get(rule) {
            Some(at) => format!("rules[{rule}] at {at}"),
            None => format!("rules[{rule}]"),
        },
        None => "no rule".to_owned(),
    }
}

impl Matrix {
    /// The classes, worst first.
    fn worst_first(&self) -> Vec<&ClassCoverage> {
        let mut classes: Vec<&ClassCoverage> = self.classes.iter().collect();
        classes.sort_by_key(|class| (reached(class), Reverse(class.severity)));
        classes
    }

    fn count(&self, least: Reached) -> usize {
        self.classes.iter().filter(|class| reached(class) >= least).count()
    }

    fn logged(&self) -> impl Iterator<Item = &BodyCoverage> {
        let mut bodies: Vec<&BodyCoverage> =
            self.bodies.iter().filter(|body| !body.logged.is_empty()).collect();
        bodies.sort_by_key(|body| Reverse(body.severity));
        bodies.into_iter()
    }

    fn detected(&self) -> String {
        format!(
            "{}: {} always detected, {} of these also recorded well enough to investigate",
            classes(self.classes.len()),
            self.count(Reached::Detect),
            self.count(Reached::Investigate)
        )
    }

    /// Whether there is anything that only `wide` tells.
    fn has_gaps(&self) -> bool {
        self.count(Reached::Investigate) < self.classes.len() || self.logged().next().is_some()
    }

    /// As a table; `wide` with every exception, its rule and an example.
    pub fn table(&self, wide: bool, no_headers: bool) -> String {
        let mut out = String::new();
        if !self.classes.is_empty() {
            let headings =
                ["CLASS", "SEVERITY", "RECORDED", "DETECT", "INVESTIGATE", "REQUESTS", "LESS IS RECORDED OF"];
            let mut table = Table::new(&headings, no_headers);
            for class in self.worst_first() {
                let [detect, investigate] = marks(class);
                table.row(vec![
                    class.id.as_str().into(),
                    Cell::severity(class.severity),
                    recorded(class).into(),
                    detect,
                    investigate,
                    class.title.as_str().into(),
                    in_short(exceptions(class)).into(),
                ]);
            }
            table.write(&mut out);
            out.push('\n');
        }
        self.bodies_table(no_headers, &mut out);
        if wide {
            self.details(&mut out);
        }
        let _ =
            writeln!(out, "Kubernetes {}, {}. {}.", self.kubernetes, visible(&self.policy), self.detected());
        if !self.not_served.is_empty() {
            let count = self.not_served.len();
            let verb = if count == 1 { "is" } else { "are" };
            let _ = write!(out, "{count} more {verb} not served and not counted");
            let list = if wide { format!(": {}", self.not_served.join(", ")) } else { String::new() };
            let _ = writeln!(out, "{list}.");
        }
        if !wide && self.has_gaps() {
            let hint = "-o wide shows every exception with the deciding rule and an example";
            let _ = writeln!(out, "{}", style::faint(hint));
        }
        out
    }

    fn bodies_table(&self, no_headers: bool, out: &mut String) {
        if self.logged().next().is_none() {
            if !self.bodies.is_empty() {
                out.push_str("No body that should stay out is logged.\n\n");
            }
            return;
        }
        let mut table = Table::new(&["BODIES LOGGED", "SEVERITY", "OF", "REQUESTS", "RULE"], no_headers);
        for body in self.logged() {
            let rule = body.logged.first().and_then(|first| first.rule);
            table.row(vec![
                body.id.as_str().into(),
                Cell::severity(body.severity),
                body.title.as_str().into(),
                in_short(&body.logged).into(),
                rule_at(rule, &self.rules).into(),
            ]);
        }
        table.write(out);
        out.push('\n');
    }

    fn details(&self, out: &mut String) {
        for class in self.worst_first().into_iter().filter(|class| reached(class) < Reached::Investigate) {
            let head = format!("{} {} ({})", class.id, class.title, class.severity);
            let _ = writeln!(out, "{}", style::heading(&visible(&head)));
            for (list, missed, needed) in [
                (&class.undetected, "cannot be detected", class.detect),
                (&class.shallow, "cannot be investigated", class.investigate),
            ] {
                for exception in list {
                    self.exception(exception, &format!("{missed} (needs {needed})"), out);
                }
            }
            out.push('\n');
        }
        for body in self.logged() {
            let head = format!("{} {} ({})", body.id, body.title, body.severity);
            let _ = writeln!(out, "{}", style::heading(&visible(&head)));
            for exception in &body.logged {
                self.exception(exception, "logged with bodies", out);
            }
            out.push('\n');
        }
    }

    fn exception(&self, exception: &Exception, what: &str, out: &mut String) {
        let lost =
            if exception.lost_by_stages { ", which asks for more and loses it by omitStages" } else { "" };
        let rule = rule_at(exception.rule, &self.rules);
        let _ = writeln!(out, "  {}", visible(&exception.requests.words()));
        let _ = writeln!(out, "    {what}: {} by {}{lost}", exception.level, visible(&rule));
        let _ = writeln!(out, "    for example {}", visible(&example(&exception.requests.witness)));
    }

    /// As a comment on a pull request.
    pub fn markdown(&self) -> String {
        let mut out = format!(
            "### Audit policy {}: what it records (Kubernetes {})\n\n{}.\n",
            markup::code(&self.policy),
            self.kubernetes,
            self.detected()
        );
        let gaps: Vec<&ClassCoverage> =
            self.worst_first().into_iter().filter(|class| reached(class) < Reached::Investigate).collect();
        if !gaps.is_empty() {
            out.push('\n');
            let headings =
                ["Class", "Severity", "Recorded", "Detect", "Investigate", "Less is recorded of", "Rule"];
            markup::headings(&headings, &mut out);
            for class in gaps {
                let list = exceptions(class);
                let rule = list.first().and_then(|first| first.rule);
                let cells = [
                    format!("{} {}", class.id, markup::text(&class.title)),
                    class.severity.to_string(),
                    recorded(class),
                    word(class.is_detected()).to_owned(),
                    word(class.is_investigated()).to_owned(),
                    markup::code(&in_short(list)),
                    markup::code(&rule_at(rule, &self.rules)),
                ];
                markup::row(&cells, &mut out);
            }
        }
        out.push('\n');
        if self.logged().next().is_some() {
            markup::headings(&["Bodies logged", "Severity", "Requests", "Rule"], &mut out);
            for body in self.logged() {
                let rule = body.logged.first().and_then(|first| first.rule);
                let cells = [
                    format!("{} ({})", markup::text(&body.title), body.id),
                    body.severity.to_string(),
                    markup::code(&in_short(&body.logged)),
                    markup::code(&rule_at(rule, &self.rules)),
                ];
                markup::row(&cells, &mut out);
            }
        } else if !self.bodies.is_empty() {
            out.push_str("No body that should stay out is logged.\n");
        }
        let full: Vec<&ClassCoverage> =
            self.classes.iter().filter(|class| reached(class) == Reached::Investigate).collect();
        if !full.is_empty() {
            let _ = write!(out, "\n<details><summary>{} without a gap</summary>\n\n", classes(full.len()));
            markup::headings(&["Class", "Severity", "Recorded"], &mut out);
            for class in full {
                let title = format!("{} {}", class.id, markup::text(&class.title));
                markup::row(&[title, class.severity.to_string(), recorded(class)], &mut out);
            }
            out.push_str("\n</details>\n");
        }
        if !self.not_served.is_empty() {
            let _ = write!(out, "\nNot served and not counted: {}.\n", self.not_served.join(", "));
        }
        out
    }

    /// The kinds of bodies that are logged, from a severity on.
    pub fn leaks(&self, from: Severity) -> impl Iterator<Item = &BodyCoverage> {
        self.logged().filter(move |body| body.severity >= from)
    }
}

fn classes(count: usize) -> String {
    if count == 1 { "1 class of requests".to_owned() } else { format!("{count} classes of requests") }
}

fn word(reached: bool) -> &'static str {
    if reached { "yes" } else { "no" }
}

fn marks(class: &ClassCoverage) -> [Cell; 2] {
    let mark = |reached: bool, missed: Status| {
        let word = word(reached);
        Cell::painted(word, style::status(if reached { Status::Pass } else { missed }, word))
    };
    [mark(class.is_detected(), Status::Fail), mark(class.is_investigated(), Status::Unknown)]
}
