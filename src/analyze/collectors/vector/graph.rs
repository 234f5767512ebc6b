//! The graph that `inputs` make: names of components and of their outputs, with wildcards (Vector source:
//! `config/compiler.rs`, `expand_globs`).

use std::cell::Cell;
use std::collections::BTreeMap;

use super::field::Field;
use super::{sources, transforms};
use crate::analyze::collectors::config::Config;
use crate::analyze::collectors::dialect::Unreadable;
use crate::analyze::collectors::glob;
use crate::analyze::collectors::model::{Route, Step, Unread};
use crate::analyze::fact::Fact;
use crate::verdict::{Evidence, Rank};

/// How many components a configuration may have.
const MAX_COMPONENTS: usize = 2_000;
/// How many different wildcards inputs may have.
const MAX_PATTERNS: usize = 200;
/// How many transforms a record may pass.
const MAX_LENGTH: usize = 500;
/// How many steps are taken to find the ways of all inputs.
const MAX_VISITS: usize = 300_000;

/// A source, transform or sink.
#[derive(Debug, Clone)]
pub(super) struct Component<'a> {
    /// Its name.
    pub id: &'a str,
    /// Its `type`.
    pub kind: &'a str,
    /// All it says.
    pub field: Field<'a>,
}

/// One of the outputs of a component that others can name.
pub(super) struct Port {
    /// Its name behind the dot; none for the main one.
    pub name: Option<String>,
    /// What happens to records that come out of it.
    pub steps: Vec<Step>,
    /// Whether logs come out of it, not metrics or traces.
    pub logs: bool,
}

impl Port {
    /// The main output, for logs.
    pub(super) fn main(steps: Vec<Step>) -> Self {
        Self { name: None, steps, logs: true }
    }

    /// An output with a name, for logs.
    pub(super) fn named(name: impl Into<String>, steps: Vec<Step>) -> Self {
        Self { name: Some(name.into()), steps, logs: true }
    }
}

/// What an input names.
#[derive(Clone, Copy)]
struct End {
    node: Node,
    port: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Node {
    Source(usize),
    Transform(usize),
}

/// What takes from a port.
#[derive(Clone)]
struct Taker {
    to: To,
    /// Where its `inputs` says so.
    at: String,
}

#[derive(Clone, Copy)]
enum To {
    Transform(usize),
    Sink(usize),
}

/// The components and what takes from each of their ports.
pub(super) struct Graph<'a> {
    sources: &'a [Component<'a>],
    source_ports: Vec<Vec<Port>>,
    ports: Vec<Vec<Port>>,
    /// How many more steps are taken to find ways.
    left: Cell<usize>,
    from_sources: Vec<Vec<Vec<Taker>>>,
    from_transforms: Vec<Vec<Vec<Taker>>>,
}

impl<'a> Graph<'a> {
    /// Resolves all `inputs`. What names something that is not there is reported as not seen.
    pub(super) fn new(
        config: &Config,
        sources: &'a [Component<'a>],
        transforms: &'a [Component<'a>],
        sinks: &'a [Component<'a>],
        unread: &mut Vec<Unread>,
    ) -> Result<Self, Unreadable> {
        if sources.len() + transforms.len() + sinks.len() > MAX_COMPONENTS {
            return Err(Unreadable::new(&*config.main, format!("more than {MAX_COMPONENTS} components")));
        }
        let ports: Vec<Vec<Port>> =
            transforms.iter().map(|transform| transforms::ports(transform, config, unread)).collect();
        let mut names = Names::default();
        let source_ports: Vec<Vec<Port>> = sources.iter().map(sources::ports).collect();
        let from_sources = names.add_all(sources, &source_ports, Node::Source);
        let from_transforms = names.add_all(transforms, &ports, Node::Transform);
        let left = Cell::new(MAX_VISITS);
        let mut graph = Self { sources, source_ports, ports, left, from_sources, from_transforms };
        let takers = transforms.iter().enumerate().map(|(index, one)| (To::Transform(index), one));
        for (to, taker) in takers.chain(sinks.iter().enumerate().map(|(index, one)| (To::Sink(index), one))) {
            for input in taker.field.get("inputs").iter().flat_map(Field::items) {
                let ends = match names.resolve(&input, taker.id) {
                    Ok(ends) => ends,
                    Err(why) => {
                        unread.push(Unread { at: input.at(), why });
                        continue;
                    }
                };
                for end in ends {
                    graph.connect(end, Taker { to, at: input.at() });
                }
            }
        }
        Ok(graph)
    }

    fn connect(&mut self, end: End, taker: Taker) {
        let (table, index) = match end.node {
            Node::Source(index) => (&mut self.from_sources, index),
            Node::Transform(index) => (&mut self.from_transforms, index),
        };
        if let Some(takers) = table.get_mut(index).and_then(|ports| ports.get_mut(end.port)) {
            takers.push(taker);
        }
    }

    /// Whether anything takes from a source.
    pub(super) fn is_consumed(&self, source: usize) -> bool {
        self.from_sources.get(source).is_some_and(|ports| ports.iter().any(|takers| !takers.is_empty()))
    }

    /// The ways from a source to sinks.
    pub(super) fn routes(&self, source: usize, unread: &[Unread]) -> Fact<Vec<Route>> {
        let Some(component) = self.sources.get(source) else {
            return Fact::unknown("there is no such source");
        };
        let first: Vec<&Taker> = log_takers(self.source_ports.get(source), self.from_sources.get(source))
            .map(|(_, taker)| taker)
            .collect();
        let mut routes = Vec::new();
        let mut open: Vec<(Vec<(usize, usize)>, To)> =
            first.iter().map(|taker| (Vec::new(), taker.to)).collect();
        while let Some((way, to)) = open.pop() {
            let transform = match to {
                To::Sink(output) => {
                    routes.push(Route { steps: self.steps(&way), output });
                    continue;
                }
                To::Transform(transform) => transform,
            };
            if self.left.get() == 0 || way.len() > MAX_LENGTH {
                return Fact::unknown(format!(
                    "there are too many or too long ways from {} at {} to follow",
                    component.id,
                    component.field.at()
                ));
            }
            if way.iter().any(|(passed, _)| *passed == transform) {
                return Fact::unknown(format!("the ways from {} lead in a circle", component.id));
            }
            for (port, taker) in log_takers(self.ports.get(transform), self.from_transforms.get(transform)) {
                // Counted where they are made, so that no more are made than are looked at.
                self.left.set(self.left.get().saturating_sub(1 + way.len()));
                if self.left.get() == 0 {
                    break;
                }
                let mut next = way.clone();
                next.push((transform, port));
                open.push((next, taker.to));
            }
        }
        if routes.is_empty()
            && let Some(first) = unread.first()
        {
            return Fact::unknown(format!(
                "{} leads to no sink in what is seen, but at {}: {}",
                component.id, first.at, first.why
            ));
        }
        routes.sort_by_key(|route| route.output);
        Fact::known(routes, Rank::Configured, evidence(component, &first))
    }

    fn steps(&self, way: &[(usize, usize)]) -> Vec<Step> {
        way.iter()
            .filter_map(|(transform, port)| self.ports.get(*transform)?.get(*port))
            .flat_map(|port| port.steps.iter().cloned())
            .collect()
    }
}

/// What takes logs from the ports of a component, with the number of the port.
fn log_takers<'g>(
    ports: Option<&'g Vec<Port>>,
    takers: Option<&'g Vec<Vec<Taker>>>,
) -> impl Iterator<Item = (usize, &'g Taker)> {
    let both = ports.into_iter().flatten().zip(takers.into_iter().flatten()).enumerate();
    both.filter(|(_, (port, _))| port.logs)
        .flat_map(|(index, (_, takers))| takers.iter().map(move |taker| (index, taker)))
}

fn evidence(component: &Component<'_>, takers: &[&Taker]) -> Vec<Evidence> {
    if takers.is_empty() {
        let detail = format!("nothing has {} as an input", component.id);
        return vec![Evidence { at: component.field.at(), detail }];
    }
    takers
        .iter()
        .map(|taker| Evidence { at: taker.at.clone(), detail: format!("takes from {}", component.id) })
        .collect()
}

/// The names that inputs can have.
#[derive(Default)]
struct Names {
    ends: BTreeMap<String, End>,
    /// What wildcards have come to.
    patterns: BTreeMap<String, Vec<String>>,
}

impl Names {
    /// Takes up the ports of all components; gives the places for what takes from them.
    fn add_all(
        &mut self,
        components: &[Component<'_>],
        ports: &[Vec<Port>],
        node: impl Fn(usize) -> Node,
    ) -> Vec<Vec<Vec<Taker>>> {
        for (index, (component, ports)) in components.iter().zip(ports).enumerate() {
            for (port, described) in ports.iter().enumerate() {
                let id = component.id;
                let name =
                    described.name.as_ref().map_or_else(|| id.to_owned(), |name| format!("{id}.{name}"));
                self.ends.insert(name, End { node: node(index), port });
            }
        }
        ports.iter().map(|ports| vec![Vec::new(); ports.len()]).collect()
    }

    fn resolve(&mut self, input: &Field<'_>, own: &str) -> Result<Vec<End>, String> {
        let name = input.scalar()?;
        if !name.contains(['*', '?', '[']) {
            return match self.ends.get(&name) {
                Some(end) => Ok(vec![*end]),
                None => Err(format!("{name} is no component or output of the files that are seen")),
            };
        }
        if !self.patterns.contains_key(&name) {
            if self.patterns.len() >= MAX_PATTERNS {
                return Err(format!("more than {MAX_PATTERNS} wildcards in inputs"));
            }
            let found = self.ends.keys().filter(|id| glob::matches(&name, id)).cloned().collect();
            self.patterns.insert(name.clone(), found);
        }
        let found = self.patterns.get(&name).map(Vec::as_slice).unwrap_or_default();
        Ok(found.iter().filter(|id| *id != own).filter_map(|id| self.ends.get(id)).copied().collect())
    }
}
