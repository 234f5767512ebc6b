//! A check and facts into findings.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::Value;

use super::expr::{Outcome, Scope, Variable};
use super::template::{Template, UNKNOWN};
use super::{Check, Params, Used};
use crate::analyze::tree::{FactTree, above, named};
use crate::verdict::{Evidence, Finding, Rank, Status};

/// The most places of evidence that one finding carries.
const MAX_EVIDENCE: usize = 12;

/// Judges facts by checks. Converting the facts for the engine is done once.
pub struct Judge<'a> {
    tree: &'a FactTree,
    scope: Scope<'static>,
    /// The items of lists that were judged, converted once for all checks.
    items: BTreeMap<String, Rc<[Variable]>>,
}

impl<'a> Judge<'a> {
    /// The facts.
    pub fn tree(&self) -> &'a FactTree {
        self.tree
    }

    /// A judge of these facts.
    pub fn new(tree: &'a FactTree) -> Self {
        let mut scope = Scope::new();
        scope.set("facts", &tree.value);
        Self { tree, scope, items: BTreeMap::new() }
    }

    /// The findings of a check, one for each subject. `overrides` replace default parameters.
    pub fn judge(&mut self, check: &Check, overrides: &Params) -> Vec<Finding> {
        let params: BTreeMap<&String, &Value> =
            check.params.iter().map(|(name, value)| (name, overrides.get(name).unwrap_or(value))).collect();
        let params = params.into_iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        self.scope.set("params", &Value::Object(params));
        let Some(each) = &check.each else { return vec![self.subject(check, &self.scope, "cluster", None)] };
        let path = each.expression.source.trim();
        let path = path.strip_prefix("facts.").unwrap_or(path);
        match value_at(&self.tree.value, path) {
            Some(Value::Array(items)) if !items.is_empty() => {
                let mut findings = Vec::new();
                let variables = Rc::clone(
                    self.items
                        .entry(path.to_owned())
                        .or_insert_with(|| items.iter().map(|item| Variable::new("item", item)).collect()),
                );
                for (index, (item, variable)) in items.iter().zip(variables.iter()).enumerate() {
                    let scope = self.scope.with(variable);
                    if !is_among(check, &scope) {
                        continue;
                    }
                    let name = item.get("name").and_then(Value::as_str).unwrap_or("unnamed");
                    findings.push(self.subject(check, &scope, name, Some(&format!("{path}[{index}]"))));
                }
                if findings.is_empty() { vec![self.nothing(check, path)] } else { findings }
            }
            Some(_) => vec![self.nothing(check, path)],
            None => {
                let reason = self.unknown_reason(&[path.to_owned()]);
                vec![finding(check, "cluster", path, Status::Unknown, reason, Support::default())]
            }
        }
    }

    fn subject(&self, check: &Check, scope: &Scope<'_>, subject: &str, item: Option<&str>) -> Finding {
        let mut uses: Vec<String> = Vec::new();
        let mut note = |used: &Used| uses.extend(used.uses.iter().filter_map(|path| concrete(path, item)));
        if let Some(applies) = &check.applies {
            note(applies);
            match applies.expression.evaluate(scope) {
                Outcome::Value(Value::Bool(true)) => {}
                Outcome::Value(_) => {
                    let reason = check
                        .says
                        .not_applicable
                        .as_ref()
                        .map_or_else(String::new, |text| say(check, scope, text, "it does not apply"));
                    let support = self.support(&uses);
                    return finding(check, subject, first(&uses), Status::NotApplicable, reason, support);
                }
                Outcome::Missing | Outcome::Failed(_) => {
                    // Whether the question arises is itself unknown, and so is the answer.
                    let reason = self.unknown_reason(&uses);
                    return finding(
                        check,
                        subject,
                        first(&uses),
                        Status::Unknown,
                        reason,
                        Support::default(),
                    );
                }
            }
        }
        note(&check.pass);
        let own: Vec<String> = check.pass.uses.iter().filter_map(|path| concrete(path, item)).collect();
        let (status, reason) = match check.pass.expression.evaluate(scope) {
            Outcome::Value(Value::Bool(true)) => {
                (Status::Pass, say(check, scope, &check.says.pass, "it is so"))
            }
            Outcome::Value(_) => (Status::Fail, say(check, scope, &check.says.fail, "it is not so")),
            Outcome::Missing => (Status::Unknown, self.unknown_reason(&own)),
            Outcome::Failed(error) => {
                let reason = self.unknown_reason(&own);
                let reason = if reason.is_empty() {
                    format!("the check's expression failed: {error}")
                } else {
                    reason
                };
                (Status::Unknown, reason)
            }
        };
        let support = if status == Status::Unknown { self.support(&own) } else { self.support(&uses) };
        finding(check, subject, first(&own), status, reason, support)
    }

    /// Why the facts at these paths are unknown.
    fn unknown_reason(&self, paths: &[String]) -> String {
        let mut reasons: Vec<&str> = Vec::new();
        for path in paths {
            for (_, reason) in above(&self.tree.unknown, path).chain(named(&self.tree.unknown, path)) {
                if !reasons.contains(&reason.as_str()) {
                    reasons.push(reason);
                }
            }
        }
        reasons.truncate(3);
        reasons.join("; ")
    }

    /// There is nothing to judge; where the facts show why, that is said.
    fn nothing(&self, check: &Check, path: &str) -> Finding {
        let support = self.support(&[path.to_owned()]);
        let reason = support.evidence.first().filter(|evidence| !evidence.detail.is_empty()).map_or_else(
            || "there is nothing of the kind that this check looks at".to_owned(),
            |evidence| evidence.detail.clone(),
        );
        finding(check, "cluster", path, Status::NotApplicable, reason, support)
    }

    fn support(&self, paths: &[String]) -> Support {
        let mut support = Support::default();
        for path in paths {
            // Only the fact itself: a loop over a list, or its size, does not rest on all that its items say.
            for (_, facts) in named(&self.tree.known, path).filter(|(_, facts)| !facts.evidence.is_empty()) {
                support.rank = Some(support.rank.map_or(facts.rank, |rank| rank.min(facts.rank)));
                for evidence in &facts.evidence {
                    if !support.evidence.contains(evidence) && support.evidence.len() < MAX_EVIDENCE {
                        support.evidence.push(evidence.clone());
                    }
                }
            }
        }
        support
    }
}

/// Whether the check judges the item of a scope. One of which that is not known is judged, and may turn out unknown.
fn is_among(check: &Check, scope: &Scope<'_>) -> bool {
    let Some(among) = &check.among else { return true };
    !matches!(among.expression.evaluate(scope), Outcome::Value(Value::Bool(false)))
}

/// A sentence; if nothing of it can be said, what was asked and what came of it.
fn say(check: &Check, scope: &Scope<'_>, sentence: &Template, otherwise: &str) -> String {
    let text = sentence.render(scope);
    if text == UNKNOWN { format!("{}: {otherwise}", check.title) } else { text }
}

#[derive(Default)]
struct Support {
    rank: Option<Rank>,
    evidence: Vec<Evidence>,
}

/// The path in the facts that a path in an expression stands for; none for parameters and loop variables.
fn concrete(path: &str, item: Option<&str>) -> Option<String> {
    if let Some(rest) = path.strip_prefix("facts.") {
        return Some(rest.to_owned());
    }
    match (path.strip_prefix("item"), item) {
        (Some(rest), Some(item)) => Some(format!("{item}{rest}")),
        _ => None,
    }
}

fn first(paths: &[String]) -> &str {
    paths.first().map_or("", String::as_str)
}

fn value_at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |value, field| value.get(field))
}

fn finding(
    check: &Check,
    subject: &str,
    path: &str,
    status: Status,
    reason: String,
    support: Support,
) -> Finding {
    Finding {
        check: check.id.clone(),
        title: check.title.clone(),
        category: check.category.clone(),
        subject: subject.to_owned(),
        fingerprint: format!("{}:{subject}:{}", check.id, without_indices(path)),
        status,
        severity: check.severity,
        rank: support.rank,
        reason: if reason.is_empty() { "the facts it needs are not known".into() } else { reason },
        evidence: support.evidence,
        fix: (status == Status::Fail).then(|| check.fix.trim().to_owned()),
        waiver: None,
        baseline: None,
    }
}

/// A path without list indices, which change when something is added to the cluster.
fn without_indices(path: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in path.chars() {
        match c {
            '[' => inside = true,
            ']' => inside = false,
            c if !inside => out.push(c),
            _ => {}
        }
    }
    out
}

/// The worst of some findings: the verdict of a check. None for no finding.
pub fn worst(findings: &[Finding]) -> Option<Status> {
    findings.iter().map(|finding| finding.status).max()
}
