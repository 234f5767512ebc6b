//! What the controls of frameworks come to, by the verdicts of the checks that answer them.

use std::collections::{BTreeMap, BTreeSet};

use super::choice::Chosen;
use super::conflicts::{Conflicts, Contrary, by_reason};
use super::result::{
    CheckResult, ConflictResult, ControlResult, Decisive, FrameworkResult, Opponent, ThemeGap, some_of,
};
use super::{Control, Framework, find_control, full_id, of_classes};
use crate::analyze::tree::FactTree;
use crate::check::judge::Judge;
use crate::check::load::THEMES;
use crate::check::{Check, CheckSet, Params};
use crate::config::overrides::Overrides;
use crate::verdict::{Finding, Rank, Status};
use crate::waiver::register::Register;

/// The subject of findings that are about no item of a list.
const WHOLE: &str = "cluster";

/// How many pieces of evidence a control tells.
const MOST_EVIDENCE: usize = 20;

/// What has to be known of other frameworks to judge one.
pub struct Context<'a> {
    /// All frameworks.
    pub all: &'a [Framework],
    /// Which of their controls ask for contrary things.
    pub conflicts: Conflicts,
    /// The ids of those whose word counts here.
    pub heard: BTreeSet<&'a str>,
}

/// The verdicts of all checks on one set of facts: each is judged once for each set of parameters.
pub struct Verdicts<'a> {
    checks: &'a CheckSet,
    judge: Judge<'a>,
    overrides: Option<&'a Overrides>,
    register: Register,
    selected: Vec<&'a Check>,
    judged: BTreeMap<(String, String), Vec<Finding>>,
}

impl<'a> Verdicts<'a> {
    /// Verdicts on these facts by the selected checks.
    pub fn new(checks: &'a CheckSet, tree: &'a FactTree, selected: impl Fn(&Check) -> bool) -> Self {
        let selected = checks.active().filter(|check| selected(check)).collect();
        Self {
            checks,
            judge: Judge::new(tree),
            overrides: None,
            register: Register::none(),
            selected,
            judged: BTreeMap::new(),
        }
    }

    /// The same with what users set, and with waivers.
    #[must_use]
    pub fn with(self, overrides: &'a Overrides, register: Register) -> Self {
        Self { overrides: Some(overrides), register, ..self }
    }

    /// The waivers, with what became of each in all that was judged.
    pub fn into_register(self) -> Register {
        self.register
    }

    /// The parameters that users set for a check.
    pub fn set_params(&self, check: &Check) -> Params {
        self.overrides.map(|overrides| overrides.params_of(check)).unwrap_or_default()
    }

    /// Whether a running cluster was read, and not files.
    pub fn is_of_cluster(&self) -> bool {
        self.judge.tree().value.get("scope").and_then(serde_json::Value::as_str) == Some("cluster")
    }

    /// The selected checks.
    pub fn selected(&self) -> &[&'a Check] {
        &self.selected
    }

    /// What of some themes no check examines: whole themes, or what is left open of them. What was not selected is not
    /// missing.
    pub fn gaps(&self, themes: &[String]) -> Vec<ThemeGap> {
        let examined = |theme: &str| {
            self.checks.active().any(|check| check.themes.iter().any(|answered| answered == theme))
        };
        let gap = |theme: &String| {
            if !examined(theme) {
                return Some(ThemeGap { theme: theme.clone(), not_yet: None });
            }
            let not_yet = THEMES.iter().find(|known| known.id == *theme)?.not_yet.clone()?;
            Some(ThemeGap { theme: theme.clone(), not_yet: Some(not_yet) })
        };
        themes.iter().filter_map(gap).collect()
    }

    /// The findings of a check.
    pub fn findings(&mut self, check: &Check, params: &Params) -> &[Finding] {
        // Parameters that repeat the defaults are the defaults.
        let params: Params = params
            .iter()
            .filter(|(name, value)| check.params.get(*name) != Some(value))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let key = (check.id.clone(), serde_json::to_string(&params).unwrap_or_default());
        let Self { judge, overrides, register, judged, .. } = self;
        judged.entry(key).or_insert_with(|| {
            let mut findings = judge.judge(check, &params);
            if let Some(severity) = overrides.and_then(|overrides| overrides.severity_of(check)) {
                for finding in &mut findings {
                    finding.severity = severity;
                }
            }
            register.accept(check, &mut findings);
            findings
        })
    }

    /// What a check came to, were nothing waived. A waiver accepts a failure; it does not mend it.
    pub fn unwaived(&mut self, check: &Check, params: &Params) -> Status {
        let plain = |finding: &Finding| match finding.status {
            Status::Waived => Status::Fail,
            status => status,
        };
        self.findings(check, params).iter().map(plain).max().unwrap_or(Status::NotApplicable)
    }

    /// What a check came to.
    pub fn result(&mut self, check: &Check, params: &Params) -> CheckResult {
        let findings = self.findings(check, params);
        let status = findings.iter().map(|finding| finding.status).max().unwrap_or(Status::NotApplicable);
        let worst = || findings.iter().filter(|finding| finding.status == status && status != Status::Pass);
        let reason = worst().next().map(|finding| finding.reason.clone());
        let named =
            worst().filter(|finding| finding.subject != WHOLE && finding.status != Status::NotApplicable);
        let subjects = named.map(|finding| finding.subject.clone()).collect();
        CheckResult { id: check.id.clone(), params: params.clone(), status, subjects, reason }
    }

    /// The selected checks that judge classes of requests, each with the parameters for those of them that are its own.
    pub fn judging(&self, classes: &[String]) -> Vec<(&'a Check, Params)> {
        let references = of_classes(self.checks, classes).into_iter();
        references
            .filter_map(|reference| {
                let check = self.selected.iter().find(|check| check.id == reference.id)?;
                Some((*check, reference.params))
            })
            .collect()
    }

    /// The selected checks that answer any of some themes.
    pub fn answering(&self, themes: &[String]) -> Vec<&'a Check> {
        self.selected
            .iter()
            .filter(|check| check.themes.iter().any(|theme| themes.contains(theme)))
            .copied()
            .collect()
    }

    /// What the controls of one of the frameworks came to.
    pub fn framework(&mut self, (framework, edition): Chosen<'_>, context: &Context<'_>) -> FrameworkResult {
        let of_edition = framework.controls().iter().filter(|control| control.is_in(&edition.id));
        let controls = of_edition.map(|control| {
            let mut result = self.control(control);
            self.add_evidence(&mut result);
            let contraries: Vec<Contrary> = context
                .conflicts
                .with(&full_id(framework, control))
                .iter()
                .filter(|contrary| {
                    let other = contrary.control.split('/').next().unwrap_or_default();
                    context.heard.contains(other)
                })
                .cloned()
                .collect();
            if !contraries.is_empty() {
                let reasons = by_reason(contraries.iter().map(|contrary| (contrary.why.as_str(), ())));
                let why = reasons.into_iter().map(|(why, _)| why).collect::<Vec<_>>().join("; ");
                let with = contraries.into_iter().filter_map(|other| self.opponent(context.all, other));
                result.conflict = Some(ConflictResult { with: with.collect(), why });
            }
            result
        });
        let controls = controls.collect();
        FrameworkResult {
            id: framework.id.clone(),
            edition: edition.id.clone(),
            name: framework.name.clone(),
            note: None,
            controls,
        }
    }

    /// The checks that answer a control and were not selected.
    fn left_out(&self, control: &Control) -> Vec<String> {
        if self.selected.len() == self.checks.active().count() {
            return Vec::new();
        }
        let is_selected = |check: &Check| self.selected.iter().any(|known| known.id == check.id);
        let of_classes = of_classes(self.checks, &control.classes);
        let answers = |check: &&Check| {
            control.checks.iter().chain(&of_classes).any(|reference| reference.id == check.id)
                || check.themes.iter().any(|theme| control.themes.contains(theme))
        };
        let others = self.checks.active().filter(|check| !is_selected(check));
        others.filter(answers).map(|check| check.id.clone()).collect()
    }

    fn opponent(&mut self, all: &[Framework], contrary: Contrary) -> Option<Opponent> {
        let status = self.control(find_control(all, &contrary.control)?).status;
        Some(Opponent { control: contrary.control, status, why: contrary.why })
    }

    /// What decided: the evidence of the checks with the control's status. Where none has it, a gap or a person decides,
    /// and what passed is all that there is to show.
    fn add_evidence(&mut self, result: &mut ControlResult) {
        let decides = |status: Status| result.checks.iter().any(|check| check.status == status);
        let deciding = if decides(result.status) { result.status } else { Status::Pass };
        let mut evidence: Vec<Decisive> = Vec::new();
        let mut told = BTreeSet::new();
        let mut rank: Option<Rank> = None;
        let mut left_out: usize = 0;
        for check in result.checks.iter().filter(|check| check.status == deciding) {
            let Some(known) = self.selected.iter().find(|known| known.id == check.id).copied() else {
                continue;
            };
            let findings = self.findings(known, &check.params).iter();
            for finding in findings.filter(|finding| finding.status == deciding) {
                rank = rank.into_iter().chain(finding.rank).min();
                // The last of the evidence is what decided, the others led there.
                for piece in finding.evidence.iter().rev() {
                    if !told.insert((piece.at.clone(), piece.detail.clone())) {
                        continue;
                    }
                    if evidence.len() == MOST_EVIDENCE {
                        left_out = left_out.saturating_add(1);
                        continue;
                    }
                    evidence.push(Decisive {
                        check: finding.check.clone(),
                        subject: finding.subject.clone(),
                        rank: finding.rank,
                        at: piece.at.clone(),
                        detail: piece.detail.clone(),
                    });
                }
            }
        }
        (result.rank, result.evidence, result.evidence_left_out) = (rank, evidence, left_out);
    }

    fn control(&mut self, control: &Control) -> ControlResult {
        let mut checks: Vec<CheckResult> = Vec::new();
        let mut preconditions: Vec<CheckResult> = Vec::new();
        for reference in &control.checks {
            if let Some(check) = self.selected.iter().find(|check| check.id == reference.id).copied() {
                let list = if reference.precondition { &mut preconditions } else { &mut checks };
                list.push(self.result(check, &reference.params));
            }
        }
        for (check, params) in self.judging(&control.classes) {
            checks.push(self.result(check, &params));
        }
        for check in self.answering(&control.themes) {
            if !checks.iter().any(|done| done.id == check.id) {
                checks.push(self.result(check, &Params::new()));
            }
        }
        let unexamined = self.gaps(&control.themes);
        let broken = preconditions.iter().filter(|check| check.status >= Status::Unknown);
        let counting: Vec<&CheckResult> = checks.iter().chain(broken).collect();
        let mut status = counting.iter().map(|check| check.status).max();
        let mut reason = status.and_then(|status| told(&counting, status));
        let by_checks =
            !(control.checks.is_empty() && control.classes.is_empty() && control.themes.is_empty());
        let all_left_out = by_checks && checks.is_empty() && preconditions.is_empty();
        let left_out = if all_left_out { Vec::new() } else { self.left_out(control) };
        if !unexamined.is_empty() && status.is_none_or(|status| status < Status::Unknown) {
            status = Some(Status::Unknown);
            let gaps: Vec<String> = unexamined.iter().map(ToString::to_string).collect();
            reason = Some(format!("not examined by this version: {}", gaps.join(", ")));
        } else if !left_out.is_empty() && status.is_none_or(|status| status < Status::Unknown) {
            status = Some(Status::Unknown);
            reason = Some(format!("left out by --only or --skip: {}", some_of(&left_out)));
        } else if all_left_out {
            reason = Some("its checks were left out by --only or --skip".into());
        } else if let Some(attest) = &control.attest
            && status.is_none_or(|status| status < Status::Attestation)
        {
            status = Some(Status::Attestation);
            reason = Some(format!("only a person can confirm {attest}"));
        }
        if status.is_none() && !preconditions.is_empty() {
            // That nothing stands against it does not fulfil it.
            status = Some(Status::Unknown);
            reason = Some("its checks can only refute it, and none does; nothing examines the rest".into());
        }
        let status = status.unwrap_or(Status::NotApplicable);
        checks.extend(preconditions);
        ControlResult {
            id: control.id.clone(),
            title: control.title.clone(),
            status,
            rank: None,
            reason: reason.filter(|_| status != Status::Pass),
            checks,
            evidence: Vec::new(),
            evidence_left_out: 0,
            unexamined,
            attest: control.attest.clone(),
            conflict: None,
        }
    }
}

/// Why a control came to a status: by the first of the checks that brought it there, with the names of the others.
fn told(checks: &[&CheckResult], status: Status) -> Option<String> {
    let mut worst = checks.iter().filter(|check| check.status == status);
    let mut reason = worst.next()?.told()?;
    let others: Vec<String> = worst.map(|check| check.id.clone()).collect();
    if !others.is_empty() {
        reason.push_str("; also ");
        reason.push_str(&some_of(&others));
    }
    Some(reason)
}
