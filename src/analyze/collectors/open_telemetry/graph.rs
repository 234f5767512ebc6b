//! Pipelines of logs, and the ways from receivers through processors and connectors to exporters.

use std::collections::{BTreeMap, BTreeSet};

use super::receivers::{Draft, Refusal};
use super::{conditions, exporters, kind_of, processors, receivers};
use crate::analyze::collectors::dialect::Unreadable;
use crate::analyze::collectors::model::{Effect, OptOut, Output, Pipeline, Route, Step, Unread};
use crate::analyze::collectors::settings::Setting;
use crate::analyze::fact::Fact;
use crate::verdict::{Evidence, Rank};

/// How many ways from one input are followed.
const MAX_ROUTES: usize = 500;

/// How many steps of following there may be for one input, dead ends included.
const MAX_VISITS: usize = 5000;

struct Node<'a> {
    setting: Setting<'a>,
    receivers: Vec<(String, Setting<'a>)>,
    processors: Vec<(String, Setting<'a>)>,
    exporters: Vec<(String, Setting<'a>)>,
}

struct Graph<'a> {
    root: Setting<'a>,
    nodes: BTreeMap<&'a str, Node<'a>>,
    /// For each connector, the pipelines of logs that receive from it.
    behind: BTreeMap<String, Vec<&'a str>>,
    /// The index of each exporter among the outputs.
    outputs: BTreeMap<String, usize>,
}

/// Reads the pipelines of logs. Components that none of them uses do not run.
pub(super) fn read(root: &Setting<'_>, unread: &mut Vec<Unread>) -> Result<Pipeline, Unreadable> {
    let pipelines = root.find("service.pipelines");
    if !pipelines.is_set() && unread.is_empty() {
        let why = "service.pipelines is not set: the collector does not start without pipelines";
        return Err(Unreadable::new(pipelines.place(), why));
    }
    let mut order = Vec::new();
    let mut graph = Graph {
        root: root.clone(),
        nodes: BTreeMap::new(),
        behind: BTreeMap::new(),
        outputs: BTreeMap::new(),
    };
    for (name, setting) in pipelines.entries() {
        if name != "logs" && !name.starts_with("logs/") {
            continue;
        }
        order.push(name);
        graph.nodes.insert(name, node(&setting, unread));
    }
    graph.check(unread)?;
    let outputs = graph.collect_outputs(&order);
    let inputs = graph.inputs(&order, unread.is_empty());
    Ok(Pipeline { inputs, outputs, ..Pipeline::default() })
}

fn node<'a>(setting: &Setting<'a>, unread: &mut Vec<Unread>) -> Node<'a> {
    let mut list = |key: &str| {
        let list = setting.get(key);
        let mut ids = Vec::new();
        for item in list.items() {
            match item.text() {
                Ok(Some(id)) => ids.push((id, item)),
                Ok(None) => {}
                Err(why) => {
                    unread.push(Unread { at: item.place(), why: format!("{key} is not seen: {why}") });
                }
            }
        }
        ids
    };
    Node {
        setting: setting.clone(),
        receivers: list("receivers"),
        processors: list("processors"),
        exporters: list("exporters"),
    }
}

impl<'a> Graph<'a> {
    /// Whether all components are configured, as the collector checks before it starts.
    fn check(&mut self, unread: &[Unread]) -> Result<(), Unreadable> {
        let all_seen = unread.is_empty();
        for (name, node) in &self.nodes {
            let parts = [
                ("receivers", &node.receivers),
                ("processors", &node.processors),
                ("exporters", &node.exporters),
            ];
            for (section, ids) in parts {
                if ids.is_empty() && section != "processors" && all_seen {
                    let why = format!("the pipeline {name} has no {section}: the collector does not start");
                    return Err(Unreadable::new(node.setting.place(), why));
                }
                for (id, at) in ids {
                    let connector = section != "processors" && self.is_connector(id);
                    if all_seen && !connector && !self.root.get(section).get(id).is_present() {
                        let why =
                            format!("{id} is used and not among the {section}: the collector does not start");
                        return Err(Unreadable::new(at.place(), why));
                    }
                    if connector && section == "receivers" {
                        self.behind.entry(id.clone()).or_default().push(name);
                    }
                }
            }
        }
        Ok(())
    }

    fn is_connector(&self, id: &str) -> bool {
        self.root.get("connectors").get(id).is_present()
    }

    fn collect_outputs(&mut self, order: &[&'a str]) -> Vec<Output> {
        let mut outputs = Vec::new();
        for node in order.iter().filter_map(|name| self.nodes.get(name)) {
            for (id, _) in &node.exporters {
                if self.is_connector(id) || self.outputs.contains_key(id) {
                    continue;
                }
                self.outputs.insert(id.clone(), outputs.len());
                outputs.push(exporters::output(id, &self.root.get("exporters").get(id), &self.root));
            }
        }
        outputs
    }

    fn inputs(&self, order: &[&'a str], all_seen: bool) -> Vec<crate::analyze::collectors::model::Input> {
        let mut ids: Vec<&str> = Vec::new();
        let mut starts: BTreeMap<&str, Vec<&'a str>> = BTreeMap::new();
        for name in order {
            let Some(node) = self.nodes.get(name) else { continue };
            for (id, _) in node.receivers.iter().filter(|(id, _)| !self.is_connector(id)) {
                let start = starts.entry(id).or_default();
                if start.is_empty() {
                    ids.push(id);
                }
                start.push(name);
            }
        }
        let mut inputs = Vec::new();
        for id in ids {
            for draft in receivers::inputs(id, &self.root.get("receivers").get(id), &self.root) {
                let mut input = draft.input.clone();
                let mut walk =
                    Walk { graph: self, draft: &draft, routes: Vec::new(), opt_outs: Vec::new(), visits: 0 };
                let used = starts.get(id).map(Vec::as_slice).unwrap_or_default();
                for name in used {
                    walk.follow(name, Vec::new(), &mut Vec::new(), Vec::new(), false);
                }
                for opt_out in std::mem::take(&mut walk.opt_outs) {
                    if !input.opt_outs.contains(&opt_out) {
                        input.opt_outs.push(opt_out);
                    }
                }
                input.routes = if walk.visits > MAX_VISITS || walk.routes.len() > MAX_ROUTES {
                    Fact::unknown(format!("there are more ways from {id} to exporters than are followed"))
                } else if walk.routes.is_empty() && !all_seen {
                    Fact::unknown(format!("parts of the configuration are not seen, which may lead {id} on"))
                } else {
                    Fact::known(walk.routes, Rank::Evaluated, self.evidence(used))
                };
                inputs.push(input);
            }
        }
        inputs
    }

    fn evidence(&self, used: &[&str]) -> Vec<Evidence> {
        let item = |name: &&str| {
            self.nodes
                .get(name)
                .map(|node| Evidence { at: node.setting.place(), detail: format!("pipeline {name}") })
        };
        used.iter().filter_map(item).collect()
    }

    /// The pipelines a connector hands logs to, each with what keeps some back.
    fn connected(&self, id: &str) -> Vec<(&'a str, Option<Step>)> {
        let setting = self.root.get("connectors").get(id);
        let behind = self.behind.get(id).map(Vec::as_slice).unwrap_or_default();
        let all = |step: Option<Step>| behind.iter().map(|name| (*name, step.clone())).collect();
        let step = |what: String, effect| Some(Step { at: setting.place(), what, effect });
        if let Some(why) = setting.why() {
            return all(step(format!("{id}, whose configuration is not seen: {why}"), Effect::Unclear));
        }
        match kind_of(id).as_str() {
            "forward" => all(None),
            "routing" => Self::routed(id, &setting, behind),
            "failover" => Self::failover(id, &setting, behind),
            "roundrobin" if behind.len() < 2 => all(None),
            "roundrobin" => all(step(
                format!("{id} hands each record to one of {} pipelines", behind.len()),
                Effect::Unclear,
            )),
            _ => all(step(format!("the connector {id}, which is not known here"), Effect::Unclear)),
        }
    }

    fn find(behind: &[&'a str], name: &str) -> Option<&'a str> {
        behind.iter().find(|other| **other == name).copied()
    }

    /// The routing connector: the first condition that holds decides, the default pipelines get the rest.
    fn routed(id: &str, setting: &Setting<'a>, behind: &[&'a str]) -> Vec<(&'a str, Option<Step>)> {
        let mut found = Vec::new();
        for row in setting.get("table").items() {
            let written =
                ["condition", "statement"].map(|key| row.get(key)).into_iter().find(Setting::is_set);
            let text = written.as_ref().map(Setting::plain).unwrap_or_default();
            let condition = conditions::of_statement(&text);
            let always = condition.is_empty() || condition == "true";
            let step = (!always).then(|| Step {
                at: written.as_ref().unwrap_or(&row).place(),
                what: format!("{id} sends on only what is {}", conditions::shown(condition)),
                effect: conditions::namespaces(condition, true, &row.place())
                    .map_or(Effect::DropsSome, Effect::Namespaces),
            });
            for name in row.get("pipelines").items() {
                if let Some(name) = Self::find(behind, &name.plain()) {
                    found.push((name, step.clone()));
                }
            }
            if always {
                return found;
            }
        }
        for name in setting.get("default_pipelines").items() {
            if let Some(target) = Self::find(behind, &name.plain()) {
                let rest = Step {
                    at: name.place(),
                    what: format!("{id} sends here what meets none of its conditions"),
                    effect: Effect::DropsSome,
                };
                found.push((target, setting.get("table").is_set().then_some(rest)));
            }
        }
        found
    }

    /// The failover connector: the first level gets everything, the others what it refuses.
    fn failover(id: &str, setting: &Setting<'a>, behind: &[&'a str]) -> Vec<(&'a str, Option<Step>)> {
        let mut found = Vec::new();
        for (level, names) in setting.get("priority_levels").items().iter().enumerate() {
            for name in names.items() {
                let step = (level > 0).then(|| Step {
                    at: name.place(),
                    what: format!("{id} sends here only while the levels above refuse"),
                    effect: Effect::DropsSome,
                });
                if let Some(name) = Self::find(behind, &name.plain()) {
                    found.push((name, step));
                }
            }
        }
        found
    }
}

struct Walk<'a, 'b> {
    graph: &'b Graph<'a>,
    draft: &'b Draft,
    routes: Vec<Route>,
    opt_outs: Vec<OptOut>,
    visits: usize,
}

impl<'a> Walk<'a, '_> {
    fn follow(
        &mut self,
        name: &'a str,
        mut steps: Vec<Step>,
        above: &mut Vec<&'a str>,
        mut tags: Vec<processors::Tag>,
        mut queued: bool,
    ) {
        self.visits += 1;
        if self.visits > MAX_VISITS || above.contains(&name) {
            return;
        }
        let graph = self.graph;
        let Some(node) = graph.nodes.get(name) else { return };
        above.push(name);
        let list = node.setting.get("processors");
        for hidden in std::iter::once(list.clone()).chain(list.items()) {
            if let Some(why) = hidden.why() {
                let what = format!("processors that are not seen: {why}");
                steps.push(Step { at: hidden.place(), what, effect: Effect::Unclear });
                break;
            }
        }
        for (id, at) in &node.processors {
            let setting = graph.root.get("processors").get(id);
            let refused = !queued && self.draft.refusal == Refusal::Loses;
            let found = processors::read(id, &setting, at, &tags, refused || queued);
            steps.extend(found.steps);
            self.opt_outs.extend(found.opt_outs);
            tags.extend(found.tags);
            queued |= found.queues;
        }
        let mut seen = BTreeSet::new();
        for (id, _) in node.exporters.iter().filter(|(id, _)| seen.insert(id.clone())) {
            if let Some(&output) = graph.outputs.get(id) {
                self.routes.push(Route { steps: steps.clone(), output });
                continue;
            }
            for (next, step) in graph.connected(id) {
                let steps = steps.iter().cloned().chain(step).collect();
                self.follow(next, steps, above, tags.clone(), queued);
                if self.visits > MAX_VISITS {
                    return;
                }
            }
        }
        above.pop();
    }
}
