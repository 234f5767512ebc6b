//! The ways from inputs to outputs, and what happens on them.

use std::collections::BTreeMap;

use super::eval::Value;
use super::otel;
use super::syntax::{Block, Body};
use super::targets::{options, rules};
use super::world::{Component, World};
use crate::analyze::collectors::loki::relabel::{Family, Open};
use crate::analyze::collectors::loki::stages::{self, Stage};
use crate::analyze::collectors::model::{Effect, OptOut, Route};
use crate::analyze::fact::Fact;
use crate::verdict::{Evidence, Rank};

/// Outputs by the component they are of.
pub(super) type Ends = BTreeMap<usize, Vec<usize>>;

/// How many components the ways of one input may lead through, each counted as often as a way does.
const MAX_VISITS: usize = 2_000;

/// What an input's ways come to.
pub(super) struct Ways {
    pub(super) routes: Fact<Vec<Route>>,
    /// Markers by which pods withdraw on the way.
    pub(super) opt_outs: Vec<OptOut>,
}

/// The ways from a component.
pub(super) fn ways(world: &World<'_>, index: usize, ends: &Ends) -> Ways {
    let mut walk = Walk {
        world,
        ends,
        path: vec![index],
        routes: Vec::new(),
        opt_outs: Vec::new(),
        visits: 0,
        unclear: None,
        evidence: Vec::new(),
    };
    let lines = Family { open: Open::All, ..Family::default() };
    walk.follow(index, &lines);
    let routes = match walk.unclear {
        Some(why) => Fact::unknown(why),
        None => Fact::known(walk.routes, Rank::Configured, walk.evidence),
    };
    Ways { routes, opt_outs: walk.opt_outs }
}

struct Walk<'w, 'a> {
    world: &'w World<'a>,
    ends: &'w Ends,
    path: Vec<usize>,
    routes: Vec<Route>,
    opt_outs: Vec<OptOut>,
    visits: usize,
    unclear: Option<String>,
    evidence: Vec<Evidence>,
}

impl Walk<'_, '_> {
    /// Goes on from a component with what has happened to lines so far.
    fn follow(&mut self, index: usize, lines: &Family) {
        let Some(component) = self.world.components.get(index) else { return };
        let next = forwards(self.world, component);
        let at = component.start();
        if self.evidence.len() < MAX_VISITS {
            let detail = match next.as_ref().map(Vec::as_slice) {
                Ok([]) => format!("{} forwards logs to nothing", component.id),
                _ => format!("{} forwards logs", component.id),
            };
            let evidence = Evidence { at, detail };
            if !self.evidence.contains(&evidence) {
                self.evidence.push(evidence);
            }
        }
        match next {
            Err(why) => {
                self.unclear = Some(format!("{} forwards logs to what is not known: {why}", component.id));
            }
            Ok(next) => next.into_iter().for_each(|next| self.visit(next, lines.clone())),
        }
    }

    fn visit(&mut self, index: usize, mut lines: Family) {
        self.visits += 1;
        if self.visits > MAX_VISITS {
            self.unclear = Some("there are more ways than are followed".into());
            return;
        }
        let Some(component) = self.world.components.get(index) else { return };
        if let Some(outputs) = self.ends.get(&index) {
            for output in outputs {
                self.routes.push(Route { steps: lines.clone().into_steps(), output: *output });
            }
            return;
        }
        if self.path.contains(&index) {
            return;
        }
        pass(self.world, component, &mut lines);
        for opt_out in std::mem::take(&mut lines.opt_outs) {
            if !self.opt_outs.contains(&opt_out) {
                self.opt_outs.push(opt_out);
            }
        }
        self.path.push(index);
        self.follow(index, &lines);
        self.path.pop();
    }
}

/// What happens to lines in a component on the way.
fn pass(world: &World<'_>, component: &Component<'_>, lines: &mut Family) {
    let at = component.start();
    let body = &component.block.body;
    match component.kind {
        "loki.process" => {
            let stages = component.block.body.blocks.iter().map(|block| stage(world, component, block, 0));
            stages::run(&stages.collect::<Vec<_>>(), lines);
        }
        "loki.relabel" => lines.relabel(&rules(world, component)),
        "loki.secretfilter" => {
            lines.step(&at, "secretfilter masks credentials".into(), Effect::Redacts);
            if let Some((Value::Bool(true), at)) = world.get(component, body, "drop_on_timeout") {
                lines.step(&at, "secretfilter drop_on_timeout".into(), Effect::DropsSome);
            }
        }
        "loki.enrich" | "otelcol.exporter.loki" | "otelcol.receiver.loki" => {}
        kind if kind.starts_with("otelcol.") => otel::pass(world, component, lines),
        kind => lines.step(&at, format!("the component {kind}"), Effect::Unclear),
    }
}

/// A block of `loki.process` as a stage.
fn stage(world: &World<'_>, component: &Component<'_>, block: &Block, depth: usize) -> Stage {
    const MAX_DEPTH: usize = 50;
    let values = match world.get(component, &block.body, "values") {
        Some((Value::Object(fields), _)) => {
            fields.into_iter().map(|(label, value)| (label, value.text())).collect()
        }
        _ => BTreeMap::new(),
    };
    let nested = if depth < MAX_DEPTH { block.body.blocks.as_slice() } else { &[] };
    Stage {
        at: component.place(block.line),
        name: block.name.strip_prefix("stage.").unwrap_or(&block.name).to_owned(),
        options: options(world, component, &block.body),
        values,
        nested: nested.iter().map(|block| stage(world, component, block, depth + 1)).collect(),
    }
}

/// The components that logs are passed on to.
pub(super) fn forwards(world: &World<'_>, component: &Component<'_>) -> Result<Vec<usize>, String> {
    let (body, name): (&Body, &str) = match component.kind {
        kind if (kind.starts_with("otelcol.") && kind != "otelcol.exporter.loki")
            || kind == "faro.receiver" =>
        {
            match component.block.body.block("output") {
                Some(output) => (&output.body, "logs"),
                None => return Ok(Vec::new()),
            }
        }
        _ => (&component.block.body, "forward_to"),
    };
    let mut found = Vec::new();
    if let Some((value, _)) = world.get(component, body, name) {
        receivers(world, &value, &mut found)?;
    }
    Ok(found)
}

fn receivers(world: &World<'_>, value: &Value, found: &mut Vec<usize>) -> Result<(), String> {
    match value {
        Value::Null => Ok(()),
        Value::List(items) => items.iter().try_for_each(|item| receivers(world, item, found)),
        Value::Part(index, _) => {
            let seen = |component: &Component<'_>| {
                component.kind.starts_with("loki.") || component.kind.starts_with("otelcol.")
            };
            if !world.components.get(*index).is_some_and(seen) {
                return Err("it is inside a component that is not seen".into());
            }
            if !found.contains(index) {
                found.push(*index);
            }
            Ok(())
        }
        Value::Unknown(why) => Err(why.clone()),
        _ => Err("it is no receiver".into()),
    }
}
