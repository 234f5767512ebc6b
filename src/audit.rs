//! From a snapshot to a report: all that `run` does between reading and printing, as one pure function.

use std::collections::BTreeSet;

use crate::analyze::fact::Fact;
use crate::analyze::tree::FactTree;
use crate::analyze::{Facts, analyze};
use crate::baseline::Baseline;
use crate::check::{Check, CheckSet};
use crate::config::overrides::Overrides;
use crate::framework::choice::{Choice, Place};
use crate::framework::conflicts::Conflicts;
use crate::framework::{Context, Framework, FrameworkResult, Verdicts};
use crate::report::{self, Demands, Parts, Report, Selection};
use crate::score::{self, Rules};
use crate::snapshot::Snapshot;
use crate::verdict::{Finding, Rank, Severity};
use crate::waiver::register::Register;
use crate::waiver::{self, Acceptance};

/// What is judged by what, and what of it is reported.
#[derive(Debug)]
pub struct Plan {
    /// The checks.
    pub checks: CheckSet,
    /// All frameworks: the score is made of one of them.
    pub frameworks: Vec<Framework>,
    /// The frameworks to report. Only these are judged.
    pub reported: Choice,
    /// The rules of the score.
    pub rules: Rules,
    /// What is accepted.
    pub acceptance: Acceptance,
    /// What is judged by other numbers than the checks' own.
    pub overrides: Overrides,
    /// The report that this one is compared with.
    pub baseline: Option<Baseline>,
    /// What of the checks the command is about at all.
    pub about: fn(&Check) -> bool,
    /// Which of these the user selects.
    pub selection: Selection,
    /// What the gate demands.
    pub demands: Demands,
    /// Findings below are hidden.
    pub least_severity: Option<Severity>,
}

impl Plan {
    /// All these checks and all frameworks that fit, each in the edition for the cluster's version, and no gate.
    pub fn everything(checks: CheckSet, frameworks: Vec<Framework>) -> Self {
        Self {
            checks,
            reported: Choice::All,
            frameworks,
            rules: score::rules(),
            acceptance: Acceptance::default(),
            overrides: Overrides::default(),
            baseline: None,
            about: |_| true,
            selection: Selection::default(),
            demands: Demands::default(),
            least_severity: None,
        }
    }

    fn selects(&self, check: &Check) -> bool {
        (self.about)(check) && selected(&self.selection, check)
    }
}

/// Whether a selection has a check in it.
pub fn selected(selection: &Selection, check: &Check) -> bool {
    let Selection { only, skip } = selection;
    (only.is_empty() || only.iter().any(|pattern| selects(pattern, check)))
        && !skip.iter().any(|pattern| selects(pattern, check))
}

/// Whether a pattern selects a check: by id (with `*` for anything), category or theme.
pub fn selects(pattern: &str, check: &Check) -> bool {
    pattern == check.category || check.themes.iter().any(|theme| theme == pattern) || check.is_called(pattern)
}

/// What a snapshot came to.
#[derive(Debug)]
pub struct Outcome {
    /// The judgements.
    pub report: Report,
    /// The facts they were made on: some forms of a report draw what these say.
    pub facts: Facts,
    /// The waivers, and what became of each.
    pub register: Register,
}

/// Analyses a snapshot and judges it. Checks of users may loop for long: see [`crate::check::limits::within`].
///
/// # Errors
/// The facts do not serialise, which no snapshot brings about.
pub fn audit(plan: &Plan, snapshot: &Snapshot) -> serde_json::Result<Outcome> {
    let mut facts: Facts = analyze(snapshot);
    let tree = FactTree::new(&facts)?;
    let register = Register::new(&plan.acceptance, snapshot, &plan.checks);
    let mut verdicts =
        Verdicts::new(&plan.checks, &tree, |check| plan.selects(check)).with(&plan.overrides, register);
    let (on_waivers, selected): (Vec<&Check>, Vec<&Check>) =
        verdicts.selected().iter().partition(|check| check.is_about_waivers());
    let mut findings: Vec<Finding> = selected
        .iter()
        .flat_map(|check| verdicts.findings(check, &plan.overrides.params_of(check)).to_vec())
        .collect();
    let score = score::score(&plan.rules, &plan.frameworks, &mut verdicts);
    let place = Place::of(&facts);
    let chosen = plan.reported.among(&plan.frameworks, &place);
    let fitting = place.fitting(&plan.frameworks).into_iter().map(|framework| framework.id.as_str());
    let reported: BTreeSet<&str> = chosen.iter().map(|(framework, _)| framework.id.as_str()).collect();
    let heard: BTreeSet<&str> = fitting.chain(reported.iter().copied()).collect();
    let other_frameworks = heard.difference(&reported).map(|id| (*id).to_owned()).collect();
    let conflicts = if chosen.is_empty() { Conflicts::default() } else { Conflicts::of(&plan.frameworks) };
    let context = Context { all: &plan.frameworks, conflicts, heard };
    let frameworks: Vec<FrameworkResult> = chosen
        .into_iter()
        .map(|(framework, edition)| {
            let mut result = verdicts.framework((framework, edition), &context);
            result.note = framework.note_on(edition, place.version);
            result
        })
        .collect();
    let register = verdicts.into_register();
    let waivers = waiver::facts::facts(&register, &plan.checks);
    if !waivers.is_empty() {
        // All else has been judged, so that it is known what each came to.
        facts.waivers = Fact::known(waivers, Rank::Configured, Vec::new());
        let tree = FactTree::new(&facts)?;
        let mut verdicts =
            Verdicts::new(&plan.checks, &tree, |_| false).with(&plan.overrides, Register::none());
        for check in on_waivers {
            findings.extend_from_slice(verdicts.findings(check, &plan.overrides.params_of(check)));
        }
    }
    let report = report::build(Parts {
        snapshot,
        facts: &facts,
        findings,
        register: &register,
        overrides: &plan.overrides,
        baseline: plan.baseline.as_ref(),
        checks: &plan.checks,
        score,
        frameworks,
        other_frameworks,
        selection: plan.selection.clone(),
        demands: plan.demands.clone(),
        least_severity: plan.least_severity,
    });
    Ok(Outcome { report, facts, register })
}
