//! The ways of records through rules: in order, until they are stopped.

use std::collections::BTreeMap;

use super::globals::Globals;
use super::syntax::{Condition, Program, Ruleset, Statement};
use super::value::Params;
use crate::analyze::collectors::model::{
    Effect, NamespaceMatch, NamespaceRule, Output, Pattern, Route, Step, Unread,
};

/// How deep rulesets may call each other, and how many ways one input may have.
const MAX_CALLS: usize = 16;
const MAX_ROUTES: usize = 1000;
/// How many statements are followed for one ruleset, and how many steps its ways may have together.
const MAX_VISITS: usize = 20_000;
const MAX_STEPS: usize = 20_000;

/// Rules, and the outputs of their actions.
pub(super) struct Map<'p> {
    program: &'p Program,
    /// The index of the output of each action, by its place.
    outputs: BTreeMap<String, usize>,
}

/// What a walk has found.
struct Walk {
    routes: Vec<Route>,
    visits: usize,
    steps: usize,
}

impl<'p> Map<'p> {
    /// The rules of a program, with their outputs.
    pub(super) fn new(program: &'p Program, globals: &Globals<'_>) -> (Self, Vec<Output>) {
        let mut found: Vec<(&Params, Option<&Params>)> = Vec::new();
        let mut old: Vec<Params> = Vec::new();
        collect(&program.body, None, &mut found, &mut old);
        for ruleset in &program.rulesets {
            collect(&ruleset.body, Some(&ruleset.params), &mut found, &mut old);
        }
        let all = found.into_iter().chain(old.iter().map(|params| (params, None)));
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let (mut outputs, mut places) = (Vec::new(), BTreeMap::new());
        for (params, ruleset) in all {
            let kind = params.plain("type").unwrap_or_else(|| "action".into());
            let count = counts.entry(kind.clone()).or_default();
            let id = params.plain("name").unwrap_or_else(|| format!("{kind}.{count}"));
            *count += 1;
            if let Some(output) = super::actions::read(params, id, globals, ruleset) {
                places.insert(params.at.clone(), outputs.len());
                outputs.push(output);
            }
        }
        (Self { program, outputs: places }, outputs)
    }

    /// What of the rules is not seen.
    pub(super) fn unread(&self) -> Vec<Unread> {
        let mut found = Vec::new();
        unseen(&self.program.body, &mut found);
        for ruleset in &self.program.rulesets {
            unseen(&ruleset.body, &mut found);
        }
        found
    }

    /// The ways from a ruleset, or from the rules outside of rulesets; why they cannot be told.
    pub(super) fn routes(&self, ruleset: Option<&str>) -> Result<Vec<Route>, String> {
        let body = match ruleset {
            None => &self.program.body,
            Some(name) if name.eq_ignore_ascii_case("RSYSLOG_DefaultRuleset") => &self.program.body,
            Some(name) => match self.ruleset(name) {
                Some(ruleset) => &ruleset.body,
                None => return Err(format!("there is no ruleset {name} in what is seen")),
            },
        };
        let mut walk = Walk { routes: Vec::new(), visits: 0, steps: 0 };
        self.walk(body, &mut Vec::new(), 0, &mut walk)?;
        Ok(walk.routes)
    }

    fn ruleset(&self, name: &str) -> Option<&'p Ruleset> {
        self.program.rulesets.iter().find(|ruleset| ruleset.name == name)
    }

    /// Follows statements with the steps so far. Comes to whether nothing gets past them.
    fn walk(
        &self,
        statements: &[Statement],
        steps: &mut Vec<Step>,
        depth: usize,
        walk: &mut Walk,
    ) -> Result<bool, String> {
        for statement in statements {
            walk.visits += 1;
            walk.steps += steps.len();
            if walk.visits > MAX_VISITS
                || walk.steps > MAX_STEPS
                || walk.routes.len() > MAX_ROUTES
                || depth > MAX_CALLS
            {
                return Err("there are more ways than can be followed, or rulesets call each other".into());
            }
            match statement {
                Statement::Stop => return Ok(true),
                Statement::Unseen(_) => {}
                Statement::Action(params) => self.action(params, steps, walk),
                Statement::Old(_, at) => self.output(at, None, steps, walk),
                Statement::Call(name, at) => match self.ruleset(name) {
                    None => return Err(format!("there is no ruleset {name} in what is seen ({at})")),
                    // With a queue of its own it gets a copy.
                    Some(ruleset) if ruleset.params.is_set("queue.type") => {
                        self.walk(&ruleset.body, &mut steps.clone(), depth + 1, walk)?;
                    }
                    Some(ruleset) => {
                        if self.walk(&ruleset.body, steps, depth + 1, walk)? {
                            return Ok(true);
                        }
                    }
                },
                Statement::If(condition, then, otherwise) => {
                    if self.branch(condition, then, otherwise, steps, depth, walk)? {
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }

    fn branch(
        &self,
        condition: &Condition,
        then: &[Statement],
        otherwise: &[Statement],
        steps: &mut Vec<Step>,
        depth: usize,
        walk: &mut Walk,
    ) -> Result<bool, String> {
        if condition.always {
            return self.walk(then, steps, depth, walk);
        }
        let mut ends = [false, false];
        for (end, (body, wanted)) in ends.iter_mut().zip([(then, true), (otherwise, false)]) {
            let mut inside = steps.clone();
            inside.push(guard(condition, wanted));
            *end = self.walk(body, &mut inside, depth, walk)?;
        }
        match ends {
            [true, true] => return Ok(true),
            [true, false] => steps.push(guard(condition, false)),
            [false, true] => steps.push(guard(condition, true)),
            [false, false] => {}
        }
        Ok(false)
    }

    fn action(&self, params: &Params, steps: &mut Vec<Step>, walk: &mut Walk) {
        let kind = params.plain("type").unwrap_or_default().to_ascii_lowercase();
        let step = |what: String, effect: Effect| Step { at: params.at.clone(), what, effect };
        match kind.as_str() {
            "mmanon" => steps.push(step("mmanon masks addresses".into(), Effect::Redacts)),
            "mmexternal" => steps.push(step("a program changes records".into(), Effect::Unclear)),
            kind if kind.starts_with("mm") => {}
            _ => {
                let failover = params
                    .flag("action.execonlywhenpreviousissuspended", false)
                    .value()
                    .is_some_and(|on| *on)
                    .then(|| step("only while the action before it is suspended".into(), Effect::DropsSome));
                let every = params.plain("action.execonlyeverynthtime").filter(|n| n != "0" && n != "1");
                let sampled = every.map(|n| step(format!("only every {n}th record"), Effect::Samples));
                let own: Vec<Step> = failover.into_iter().chain(sampled).collect();
                self.output(&params.at, Some(own), steps, walk);
            }
        }
    }

    fn output(&self, at: &str, own: Option<Vec<Step>>, steps: &[Step], walk: &mut Walk) {
        if let Some(output) = self.outputs.get(at) {
            let steps = steps.iter().cloned().chain(own.into_iter().flatten()).collect();
            walk.routes.push(Route { steps, output: *output });
        }
    }
}

fn collect<'p>(
    statements: &'p [Statement],
    ruleset: Option<&'p Params>,
    found: &mut Vec<(&'p Params, Option<&'p Params>)>,
    old: &mut Vec<Params>,
) {
    for statement in statements {
        match statement {
            Statement::Action(params) => found.push((params, ruleset)),
            // Users' terminals, programs and what else has no form of its own.
            Statement::Old(action, at) => {
                let is_program = action.starts_with('^') || action.starts_with('>');
                let kind = if is_program { "omprog" } else { "omusrmsg" };
                old.push(Params::of(at, &[("type", kind)]));
            }
            Statement::If(_, then, otherwise) => {
                collect(then, ruleset, found, old);
                collect(otherwise, ruleset, found, old);
            }
            Statement::Stop | Statement::Call(..) | Statement::Unseen(_) => {}
        }
    }
}

fn unseen(statements: &[Statement], found: &mut Vec<Unread>) {
    for statement in statements {
        match statement {
            Statement::Unseen(unread) => found.push(unread.clone()),
            Statement::If(_, then, otherwise) => {
                unseen(then, found);
                unseen(otherwise, found);
            }
            _ => {}
        }
    }
}

/// The step of those for which a condition comes to `wanted`.
fn guard(condition: &Condition, wanted: bool) -> Step {
    let effect = match namespace(&condition.text) {
        Some((pattern, equal)) => {
            let one = vec![NamespaceMatch { at: condition.at.clone(), pattern }];
            Effect::Namespaces(if wanted == equal {
                NamespaceRule { only: Some(one), except: Vec::new() }
            } else {
                NamespaceRule { only: None, except: one }
            })
        }
        None if condition.text.contains("namespace") => Effect::Unclear,
        None => Effect::DropsSome,
    };
    let which = if wanted { "meets" } else { "does not meet" };
    Step {
        what: format!("only what {which} the condition at {}", condition.at),
        at: condition.at.clone(),
        effect,
    }
}

/// A comparison of the namespace that mmkubernetes adds: `$!kubernetes!namespace_name == "kube-system"`.
fn namespace(text: &str) -> Option<(Pattern, bool)> {
    let text = text.trim().trim_start_matches('(').trim_end_matches(')').trim();
    let rest = text.strip_prefix("$!kubernetes!namespace_name")?.trim_start();
    let operators = [("==", true), ("!=", false), ("<>", false)];
    let (rest, equal) =
        operators.into_iter().find_map(|(sign, equal)| Some((rest.strip_prefix(sign)?, equal)))?;
    let value = rest.trim().strip_prefix('"')?.strip_suffix('"')?;
    (!value.contains('"')).then(|| (Pattern::Name(value.to_owned()), equal))
}
