//! Compliance frameworks: which checks and themes answer which control, and what that comes to.
//!
//! Only framework files map; checks know nothing of frameworks. A control may ask for a check with parameters of its own,
//! so one fact can pass in one framework and fail in another: both verdicts are shown.

mod verdicts;

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::analyze::version::Version;
use crate::check::load::THEMES;
use crate::check::{CheckSet, Params, builtin};
use crate::snapshot::cloud::CloudProvider;
use crate::verdict::Status;

pub use verdicts::Verdicts;

/// A framework file.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Framework {
    /// `cis-kubernetes`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where ids and demands were taken from.
    pub source: String,
    /// The provider for whose clusters it is written; others see it only if they ask for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<CloudProvider>,
    /// Its editions, oldest first.
    pub editions: Vec<Edition>,
    /// Its controls, in its order.
    pub controls: Vec<Control>,
}

/// An edition of a framework.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Edition {
    /// `1.12`.
    pub id: String,
    /// Minor versions of Kubernetes it is written for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kubernetes: Vec<u32>,
}

/// A control and what answers it.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// Its id in the framework.
    pub id: String,
    /// What it asks for, in our words.
    pub title: String,
    /// The editions in which it has this id; none for all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub editions: Vec<String>,
    /// The control of which it is a part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
    /// Every check that answers one of these themes answers the control.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub themes: Vec<String>,
    /// Classes of requests (`checks/requests.yaml`) that must be recorded: the checks that judge these classes answer it,
    /// for these alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// Single checks that answer it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckReference>,
    /// What a person has to confirm, because no machine can: with nothing worse, the control comes to `attestation`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attest: Option<String>,
    /// What asks for the contrary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflict: Option<Conflict>,
}

/// Controls that ask for contrary things. It is written at one of them and holds for all.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Conflict {
    /// The other controls: `cis-kubernetes/3.2.2`.
    pub with: Vec<String>,
    /// What the one asks for and what the others, in a sentence without a full stop.
    pub why: String,
}

/// A check with the parameters that a control asks for.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CheckReference {
    /// The check.
    pub id: String,
    /// Parameters other than its defaults.
    #[serde(default, skip_serializing_if = "Params::is_empty")]
    pub params: Params,
    /// Whether it can only fail the control: that it passes does not yet fulfil it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub precondition: bool,
}

/// What the controls of a framework came to.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FrameworkResult {
    /// The framework.
    pub id: String,
    /// The edition.
    pub edition: String,
    /// Its name.
    pub name: String,
    /// Why this edition was taken, where none names the cluster's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Its controls.
    pub controls: Vec<ControlResult>,
}

/// What a control came to.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ControlResult {
    /// The control.
    pub id: String,
    /// What it asks for.
    pub title: String,
    /// The worst of what answers it.
    pub status: Status,
    /// Why, where it is not a pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The checks that answer it.
    pub checks: Vec<CheckResult>,
    /// What of it no check of this version examines.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unexamined: Vec<ThemeGap>,
    /// What of it only a person can confirm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attest: Option<String>,
    /// What asks for the contrary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflict: Option<ConflictResult>,
}

/// What asks for the contrary of a control, and what that came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConflictResult {
    /// The other controls.
    pub with: Vec<Opponent>,
    /// What the one asks for and what the others.
    pub why: String,
}

/// A control that asks for the contrary of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Opponent {
    /// Framework and control: `cis-kubernetes/3.2.2`.
    pub control: String,
    /// What it came to, whether or not its framework is reported.
    pub status: Status,
}

/// What of a theme no check of this version examines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ThemeGap {
    /// The theme.
    pub theme: String,
    /// What is left open, where other parts of the theme are examined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_yet: Option<String>,
}

impl fmt::Display for ThemeGap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.not_yet {
            None => f.write_str(&self.theme),
            Some(not_yet) => write!(f, "{} ({not_yet})", self.theme),
        }
    }
}

/// What a check came to under a control's parameters.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckResult {
    /// The check.
    pub id: String,
    /// Parameters other than its defaults.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub params: Params,
    /// The worst of its findings.
    pub status: Status,
    /// What its worst findings are about, where they are no pass and not about the cluster as a whole.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<String>,
    /// The reason of the first of the worst findings, where it is not a pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl CheckResult {
    /// The reason with what it is about.
    fn told(&self) -> Option<String> {
        let reason = self.reason.as_deref()?;
        let Some((first, others)) = self.subjects.split_first() else { return Some(reason.to_owned()) };
        let mut told =
            if reason.contains(first.as_str()) { reason.to_owned() } else { format!("{first}: {reason}") };
        if !others.is_empty() {
            told.push_str(" (also ");
            told.push_str(&some_of(others));
            told.push(')');
        }
        Some(told)
    }
}

/// The first of some names, and how many there are more.
fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// The frameworks that are compiled in, by id.
pub fn frameworks() -> Vec<Framework> {
    let mut list: Vec<Framework> =
        builtin::files("frameworks").map(|(path, _)| builtin::data(path)).collect();
    list.sort_by(|left, right| left.id.cmp(&right.id));
    list
}

impl Control {
    /// Whether an edition has it.
    pub fn is_in(&self, edition: &str) -> bool {
        self.editions.is_empty() || self.editions.iter().any(|known| known == edition)
    }
}

impl Framework {
    /// The edition written for a version of Kubernetes; if none is, the oldest for versions older than all that are named,
    /// else the newest.
    pub fn edition_for(&self, version: Option<Version>) -> Option<&Edition> {
        let named = version.and_then(|version| {
            self.editions.iter().rev().find(|edition| edition.kubernetes.contains(&version.minor))
        });
        let oldest = self.editions.iter().flat_map(|edition| &edition.kubernetes).min();
        named.or_else(|| match (version, oldest) {
            (Some(version), Some(oldest)) if version.minor < *oldest => self.editions.first(),
            _ => self.editions.last(),
        })
    }

    /// What is to be said of an edition that is not written for this version.
    pub fn note_on(&self, edition: &Edition, version: Option<Version>) -> Option<String> {
        if edition.kubernetes.is_empty() {
            return None;
        }
        let written: Vec<String> = edition.kubernetes.iter().map(|minor| format!("1.{minor}")).collect();
        let written = written.join(", ");
        let id = &edition.id;
        match version {
            Some(version) if edition.kubernetes.contains(&version.minor) => None,
            Some(version) => {
                Some(format!("edition {id} is written for Kubernetes {written}, not for {version}"))
            }
            None => Some(format!(
                "edition {id} is written for Kubernetes {written}; the cluster's version is not known"
            )),
        }
    }
}

/// Framework and control: `cis-kubernetes/3.2.2`.
pub fn full_id(framework: &Framework, control: &Control) -> String {
    format!("{}/{}", framework.id, control.id)
}

/// The control of that full id.
pub fn find_control<'f>(all: &'f [Framework], full_id: &str) -> Option<&'f Control> {
    let (framework, control) = full_id.split_once('/')?;
    let framework = all.iter().find(|known| known.id == framework)?;
    framework.controls.iter().find(|known| known.id == control)
}

/// What asks for the contrary of a control, whichever of them says so.
pub fn conflict(all: &[Framework], full_id: &str) -> Option<Conflict> {
    let mut found: Option<Conflict> = None;
    for framework in all {
        for control in &framework.controls {
            let Some(said) = &control.conflict else { continue };
            let here = self::full_id(framework, control);
            let with = if here == full_id {
                said.with.clone()
            } else if said.with.iter().any(|id| id == full_id) {
                vec![here]
            } else {
                continue;
            };
            match &mut found {
                None => found = Some(Conflict { with, why: said.why.clone() }),
                Some(found) => {
                    found.with.extend(with);
                    found.why = format!("{}; {}", found.why, said.why);
                }
            }
        }
    }
    found
}

/// The subject of findings that are about no item of a list.
const WHOLE: &str = "cluster";

/// The parameter by which a check says which classes of requests it judges.
const CLASSES: &str = "classes";

/// The checks that judge classes of requests, each with those of the classes that are its own.
pub fn of_classes(checks: &CheckSet, classes: &[String]) -> Vec<CheckReference> {
    let references = checks.active().filter_map(|check| {
        let own = check.params.get(CLASSES)?.as_array()?;
        let wanted: Vec<Value> =
            own.iter().filter(|id| classes.iter().any(|class| id.as_str() == Some(class))).cloned().collect();
        (!wanted.is_empty()).then(|| CheckReference {
            id: check.id.clone(),
            params: Params::from([(CLASSES.to_owned(), Value::Array(wanted))]),
            precondition: false,
        })
    });
    references.collect()
}

/// What is wrong with the framework files with regard to the checks: unknown checks, parameters, classes,
/// themes or controls. For tests.
pub fn faults(frameworks: &[Framework], checks: &CheckSet) -> Vec<String> {
    let mut faults = Vec::new();
    for framework in frameworks {
        for control in &framework.controls {
            let place = format!("{} {}", framework.id, control.id);
            for reference in &control.checks {
                let Some(check) = checks.get(&reference.id) else {
                    faults.push(format!("{place}: no check {}", reference.id));
                    continue;
                };
                for (name, value) in &reference.params {
                    let fits = check.params.get(name).is_some_and(|default| fits(default, value));
                    if !fits {
                        faults.push(format!(
                            "{place}: {} has no parameter {name} that could be {value}",
                            check.id
                        ));
                    }
                }
            }
            for class in &control.classes {
                if of_classes(checks, std::slice::from_ref(class)).len() != 1 {
                    faults.push(format!("{place}: not exactly one check judges {class}"));
                }
            }
            for theme in &control.themes {
                if !THEMES.iter().any(|known| known.id == *theme) {
                    faults.push(format!("{place}: no theme {theme}"));
                }
            }
            if let Some(parent) = &control.within
                && !framework.controls.iter().any(|other| other.id == *parent)
            {
                faults.push(format!("{place}: no control {parent}"));
            }
            for edition in &framework.editions {
                let same = framework.controls.iter().filter(|other| other.id == control.id);
                if control.is_in(&edition.id) && same.filter(|other| other.is_in(&edition.id)).count() > 1 {
                    faults.push(format!("{place}: stands twice in {}", edition.id));
                }
            }
            for edition in &control.editions {
                if !framework.editions.iter().any(|known| known.id == *edition) {
                    faults.push(format!("{place}: no edition {edition}"));
                }
            }
            for other in control.conflict.iter().flat_map(|conflict| &conflict.with) {
                if find_control(frameworks, other).is_none() || *other == full_id(framework, control) {
                    faults.push(format!("{place}: no other control {other}"));
                }
            }
            let answered = [control.checks.is_empty(), control.themes.is_empty(), control.classes.is_empty()];
            if answered.iter().all(|none| *none) && control.attest.is_none() {
                faults.push(format!("{place}: nothing answers it"));
            }
        }
    }
    faults
}

/// Whether a value can take the place of a default: it is of the same type, and a list only leaves entries out. An entry that
/// no check knows would be judged by none.
fn fits(default: &Value, value: &Value) -> bool {
    match (default, value) {
        (Value::Array(known), Value::Array(wanted)) => {
            !wanted.is_empty() && wanted.iter().all(|entry| known.contains(entry))
        }
        _ => std::mem::discriminant(default) == std::mem::discriminant(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_cluster_gets_the_oldest_edition_and_a_newer_one_the_newest() {
        let all = frameworks();
        let cis = all.iter().find(|framework| framework.id == "cis-kubernetes").unwrap();
        for (minor, id, noted) in [
            (19, "1.9", true),
            (27, "1.9", false),
            (30, "1.11", false),
            (35, "2.0.1", false),
            (36, "2.0.1", true),
        ] {
            let version = Some(Version::new(1, minor));
            let edition = cis.edition_for(version).unwrap();
            assert_eq!(
                (edition.id.as_str(), cis.note_on(edition, version).is_some()),
                (id, noted),
                "{minor}"
            );
        }
        assert!(cis.note_on(cis.edition_for(None).unwrap(), None).is_some());
    }
}
