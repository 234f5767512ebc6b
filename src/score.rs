//! The score: an interval, because what is unknown may be either way. All numbers stand in `checks/score.yaml`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::{Check, Params, builtin};
use crate::framework::{Framework, ThemeGap, Verdicts};
use crate::verdict::{Severity, Status};

/// The rules of the score.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rules {
    /// What a check weighs.
    pub weights: BTreeMap<Severity, u32>,
    /// The severity at which a theme weighs that no check examines.
    pub unexamined: Severity,
    /// The framework whose controls are the items.
    pub framework: String,
    /// The items.
    pub items: Vec<String>,
    /// The grades, best first.
    pub grades: Vec<Grade>,
    /// The caps.
    pub caps: Vec<CapRule>,
}

/// A grade and the score from which it is given.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grade {
    /// `A`.
    pub grade: String,
    /// Its border.
    pub from: f64,
}

/// A bound on the score.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CapRule {
    /// Its name.
    pub id: String,
    /// The bound.
    pub at_most: f64,
    /// What it stands for.
    pub title: String,
    /// What is said where it is not known whether it applies.
    #[serde(default)]
    pub title_unknown: Option<String>,
    /// Checks that cause it by failing or by being unknown.
    #[serde(default)]
    pub causes: Vec<String>,
    /// Checks that refute the cap where all of one of the lists pass.
    #[serde(default)]
    pub unless_passed: Vec<Vec<String>>,
    /// Checks that cause it only by failing.
    #[serde(default)]
    pub if_failed: Vec<String>,
    /// Of these, checks that cause it in a running cluster also where they are unknown: there the evidence could be had.
    #[serde(default)]
    pub if_unknown_in_cluster: Vec<String>,
}

/// The score of a cluster.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Score {
    /// If all that is unknown fails: the headline number, from 0 to 100.
    pub low: f64,
    /// If all that is unknown passes.
    pub high: f64,
    /// The share of the weight that could be judged, from 0 to 1.
    pub judged: f64,
    /// The grade of `low`.
    pub grade: String,
    /// The items; `low` and `high` are the means of theirs, then capped.
    pub items: Vec<Item>,
    /// The caps that apply.
    pub caps: Vec<Cap>,
}

/// One item of the score with its arithmetic.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// The control.
    pub id: String,
    /// What it asks for.
    pub title: String,
    /// 100 × passed ÷ (passed + failed + unknown).
    pub low: f64,
    /// 100 × (passed + unknown) ÷ (passed + failed + unknown).
    pub high: f64,
    /// The weight of its checks that pass.
    pub passed: u32,
    /// The weight of its checks that fail.
    pub failed: u32,
    /// The weight of its checks that are unknown, and of its themes that no check examines.
    pub unknown: u32,
    /// The checks that count, with what they came to.
    pub checks: BTreeMap<String, Status>,
    /// What of its themes no check of this version examines; each weighs in `unknown`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unexamined: Vec<ThemeGap>,
}

/// A cap that applies.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cap {
    /// Its name.
    pub id: String,
    /// The bound.
    pub at_most: f64,
    /// What it stands for.
    pub title: String,
    /// `fail` bounds both ends, `unknown` the low end.
    pub status: Status,
    /// The checks that cause it.
    pub checks: Vec<String>,
}

/// The rules that are compiled in.
pub fn rules() -> Rules {
    builtin::data("score.yaml")
}

impl Rules {
    fn weight(&self, severity: Severity) -> u32 {
        self.weights.get(&severity).copied().unwrap_or_default()
    }
}

/// Weighs the verdicts.
pub fn score(rules: &Rules, frameworks: &[Framework], verdicts: &mut Verdicts<'_>) -> Score {
    let mut items = Vec::new();
    if let Some(framework) = frameworks.iter().find(|framework| framework.id == rules.framework) {
        items.extend(rules.items.iter().filter_map(|id| item(rules, framework, id, verdicts)));
    }
    let caps: Vec<Cap> = rules.caps.iter().filter_map(|rule| cap(rule, verdicts)).collect();
    let mean = |value: &dyn Fn(&Item) -> f64| -> f64 {
        if items.is_empty() {
            return 0.0;
        }
        #[expect(clippy::cast_precision_loss, reason = "there are 14 items")]
        let count = items.len() as f64;
        items.iter().map(value).sum::<f64>() / count
    };
    let bound = |value: f64, applies: &dyn Fn(&Cap) -> bool| {
        caps.iter().filter(|cap| applies(cap)).fold(value, |value, cap| value.min(cap.at_most))
    };
    let low = round(bound(mean(&|item| item.low), &|_| true));
    let high = round(bound(mean(&|item| item.high), &|cap| cap.status == Status::Fail));
    let judged = mean(&|item| share(item.passed + item.failed, item.passed + item.failed + item.unknown));
    let grade = rules
        .grades
        .iter()
        .find(|grade| low >= grade.from)
        .map_or_else(String::new, |grade| grade.grade.clone());
    Score { low, high: high.max(low), judged: (judged * 1000.0).round() / 1000.0, grade, items, caps }
}

/// An item; none if nothing of it applies here.
fn item(rules: &Rules, framework: &Framework, id: &str, verdicts: &mut Verdicts<'_>) -> Option<Item> {
    let control = framework.controls().iter().find(|control| control.id == id)?;
    let parts =
        || framework.controls().iter().filter(|part| part.id == id || part.within.as_deref() == Some(id));
    let mut themes: Vec<String> = parts().flat_map(|part| part.themes.iter().cloned()).collect();
    let classes: Vec<String> = parts().flat_map(|part| part.classes.iter().cloned()).collect();
    themes.sort();
    themes.dedup();
    let mut item = Item {
        id: id.to_owned(),
        title: control.title.clone(),
        low: 0.0,
        high: 100.0,
        passed: 0,
        failed: 0,
        unknown: 0,
        checks: BTreeMap::new(),
        unexamined: verdicts.gaps(&themes),
    };
    let mut answers: Vec<(&Check, Params)> =
        verdicts.answering(&themes).into_iter().map(|check| (check, verdicts.set_params(check))).collect();
    for (check, params) in verdicts.judging(&classes) {
        if !answers.iter().any(|(answer, _)| answer.id == check.id) {
            answers.push((check, verdicts.set_params(check).into_iter().chain(params).collect()));
        }
    }
    for (check, params) in answers {
        let weight = rules.weight(check.severity);
        let counted = verdicts.unwaived(check, &params);
        match counted {
            Status::Pass => item.passed += weight,
            Status::Fail | Status::Waived => item.failed += weight,
            Status::Unknown => item.unknown += weight,
            Status::NotApplicable | Status::Attestation => {}
        }
        let told = verdicts.result(check, &params).status;
        // Where not all failures are waived, or something else is unknown, the status tells what was counted.
        let is_waived = counted == Status::Fail && told != Status::Fail;
        item.checks.insert(check.id.clone(), if is_waived { Status::Waived } else { told });
    }
    item.unknown += rules.weight(rules.unexamined) * u32::try_from(item.unexamined.len()).unwrap_or_default();
    let all = item.passed + item.failed + item.unknown;
    if all == 0 {
        return None;
    }
    item.low = round(100.0 * share(item.passed, all));
    item.high = round(100.0 * share(item.passed + item.unknown, all));
    Some(item)
}

fn cap(rule: &CapRule, verdicts: &mut Verdicts<'_>) -> Option<Cap> {
    let mut status = Status::Pass;
    let mut checks = Vec::new();
    let mut passes = |id: &String| {
        let check = verdicts.selected().iter().find(|check| check.id == *id).copied();
        check.is_some_and(|check| verdicts.unwaived(check, &verdicts.set_params(check)) == Status::Pass)
    };
    if rule.unless_passed.iter().any(|all| all.iter().all(&mut passes)) {
        return None;
    }
    let causes = rule
        .causes
        .iter()
        .map(|id| (id, Status::Unknown))
        .chain(rule.if_failed.iter().map(|id| {
            let decides = verdicts.is_of_cluster() && rule.if_unknown_in_cluster.contains(id);
            (id, if decides { Status::Unknown } else { Status::Fail })
        }))
        .collect::<Vec<_>>();
    for (id, least) in causes {
        let Some(check) = verdicts.selected().iter().find(|check| check.id == *id).copied() else { continue };
        let verdict = verdicts.unwaived(check, &verdicts.set_params(check));
        if verdict >= least {
            checks.push(id.clone());
            status = status.max(verdict);
        }
    }
    (!checks.is_empty()).then(|| Cap {
        id: rule.id.clone(),
        at_most: rule.at_most,
        title: match &rule.title_unknown {
            Some(title) if status != Status::Fail => title.clone(),
            _ => rule.title.clone(),
        },
        status,
        checks,
    })
}

fn share(part: u32, all: u32) -> f64 {
    if all == 0 { 0.0 } else { f64::from(part) / f64::from(all) }
}

/// One decimal: enough to compare, and the same on every machine.
fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
