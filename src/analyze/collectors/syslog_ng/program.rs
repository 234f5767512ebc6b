//! Statements of a configuration: definitions by name, and log paths built from them.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::driver::Driver;
use super::filter::{self, Condition};
use super::node::{Content, Node, What};
use super::steps;
use super::{destinations, sources};
use crate::analyze::collectors::config::Config;
use crate::analyze::collectors::dialect::Unreadable;
use crate::analyze::collectors::model::{Output, Source, Step, Unread};
use crate::analyze::fact::Fact;

/// How deep log paths may be nested, and how many inputs and outputs there may be.
const MAX_DEPTH: usize = 32;
const MAX_DRIVERS: usize = 2000;

/// A log path, a channel, or an arm of a condition.
#[derive(Debug, Default)]
pub(super) struct Path {
    pub(super) at: String,
    pub(super) elements: Vec<Element>,
    pub(super) flags: Flags,
}

/// Flags of a path.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Flags {
    /// What it takes goes no further.
    pub(super) last: bool,
    /// It takes what no other path has taken.
    pub(super) fallback: bool,
    /// It takes what comes from any source.
    pub(super) catchall: bool,
    /// Whether reading waits for its destinations, if it is said.
    pub(super) flow_control: Option<bool>,
}

/// Something in a path.
#[derive(Debug)]
pub(super) enum Element {
    /// Where what these inputs read gets in.
    From(Vec<usize>),
    /// Filters, rewrites and parsers.
    Steps(Vec<Step>),
    /// A copy goes each of these ways.
    To(Rc<Vec<Path>>),
    /// An output, by its index.
    Output(usize),
    /// What gets through any of these goes on.
    Junction(Vec<Path>),
    /// `if`, `elif` and `else`: what one takes the others do not get.
    Choice(Vec<Arm>),
    /// What comes after cannot be told; the reason.
    Unknown(String),
    /// Log paths that are not seen may stand here.
    Unseen,
}

/// An arm of a condition.
#[derive(Debug)]
pub(super) struct Arm {
    pub(super) test: Test,
    pub(super) path: Path,
}

/// What decides about an arm.
#[derive(Debug)]
pub(super) enum Test {
    /// A condition.
    If(Condition),
    /// Whether the arm itself lets it through.
    Through,
    /// None of those before.
    Else,
}

/// An input before its routes are known.
pub(super) struct Draft {
    pub(super) id: String,
    pub(super) at: String,
    pub(super) source: Source,
    pub(super) position: Option<Fact<Option<String>>>,
    pub(super) steps: Vec<Step>,
    /// Whether it waits while nothing is taken.
    pub(super) waits: bool,
}

/// A whole configuration.
#[derive(Default)]
pub(super) struct Program {
    pub(super) drafts: Vec<Draft>,
    pub(super) outputs: Vec<Output>,
    pub(super) paths: Vec<Path>,
    pub(super) unread: Vec<Unread>,
    /// Where a source offers metrics of the program's own.
    pub(super) exporter: Option<String>,
    /// `options { log-flow-control(yes); }`
    pub(super) flow_control: bool,
}

/// Bodies of definitions by their names.
type Named<'n, 'a> = BTreeMap<String, &'n [Node<'a>]>;

/// Reads statements.
pub(super) fn read(config: &Config, content: &Content<'_>) -> Result<Program, Unreadable> {
    let mut builder = Builder {
        config,
        program: Program { unread: content.unread.clone(), ..Program::default() },
        filters: Named::new(),
        rewrites: Named::new(),
        parsers: Named::new(),
        sources: BTreeMap::new(),
        destinations: BTreeMap::new(),
        options: None,
        blocks: BTreeSet::new(),
        counts: BTreeMap::new(),
        templates: BTreeMap::new(),
        walked: Cell::new(0),
    };
    let mut defined = BTreeSet::new();
    let (mut sources, mut destinations, mut logs) = (Vec::new(), Vec::new(), Vec::new());
    for statement in items(&content.nodes) {
        let Some(first) = statement.first() else { continue };
        let at = first.spot.at();
        match (first.word().unwrap_or_default().as_str(), statement) {
            ("log", [_, body] | [_, _, body]) if body.braces().is_some() => {
                logs.push((body.braces(), at));
            }
            (kind @ ("source" | "destination" | "filter" | "rewrite" | "parser"), [_, name, body])
                if body.braces().is_some() =>
            {
                let Some(Ok(name)) = name.text() else {
                    return Err(Unreadable::new(at, format!("the name of a {kind} is not known")));
                };
                if !defined.insert((kind.to_owned(), name)) {
                    let why = format!("the {kind} {name} is defined twice, and which one counts is not told");
                    return Err(Unreadable::new(at, why));
                }
                let body = body.braces().unwrap_or_default();
                match kind {
                    "source" => sources.push((name.clone(), body)),
                    "destination" => destinations.push((name.clone(), body)),
                    "filter" => drop(builder.filters.insert(name.clone(), body)),
                    "rewrite" => drop(builder.rewrites.insert(name.clone(), body)),
                    _ => drop(builder.parsers.insert(name.clone(), body)),
                }
            }
            ("options", [_, body]) if body.braces().is_some() => {
                let found = items(body.braces().unwrap_or_default()).into_iter().filter_map(Driver::of);
                for (name, option) in found {
                    if name == "log-flow-control" {
                        builder.program.flow_control =
                            option.value().ok().flatten().is_some_and(|(value, _)| {
                                matches!(value.to_ascii_lowercase().as_str(), "yes" | "on" | "1")
                            });
                    }
                }
                builder.options = Some(Driver { spot: first.spot, args: body.braces().unwrap_or_default() });
            }
            ("block", [_, _, name, ..]) => {
                builder.blocks.extend(name.word());
            }
            ("template", [_, name, body]) if body.braces().is_some() => {
                let options = items(body.braces().unwrap_or_default()).into_iter().filter_map(Driver::of);
                let text = options
                    .filter(|(option, _)| option == "template")
                    .find_map(|(_, driver)| driver.value().ok()?);
                if let (Some(Ok(name)), Some((text, _))) = (name.text(), text) {
                    builder.templates.insert(name.clone(), text);
                }
            }
            ("template" | "template-function" | "python", _) => {}
            ("log" | "source" | "destination" | "filter" | "rewrite" | "parser" | "options", _) => {
                return Err(Unreadable::new(
                    at,
                    "this statement is not complete, or a ; is missing behind it",
                ));
            }
            (_, _) if matches!(first.what, What::Unseen) => logs.push((None, at)),
            (name, _) => {
                logs.push((None, at.clone()));
                let why = format!("the statement {name} is made of others that are not seen");
                builder.program.unread.push(Unread { at, why });
            }
        }
    }
    for (name, body) in sources {
        let drafts = builder.source(&name, body, 0)?;
        builder.sources.insert(name, drafts);
    }
    for (name, body) in destinations {
        let paths = builder.destination(&name, body, 0)?;
        builder.destinations.insert(name, Rc::new(paths));
    }
    for (body, at) in logs {
        let path = match body {
            Some(body) => builder.path(body, at, 0)?,
            None => Path { at, elements: vec![Element::Unseen], flags: Flags::default() },
        };
        builder.program.paths.push(path);
    }
    Ok(builder.program)
}

/// Parts that end with a semicolon.
fn items<'n, 'a>(nodes: &'n [Node<'a>]) -> Vec<&'n [Node<'a>]> {
    nodes.split(|node| matches!(node.what, What::End)).filter(|item| !item.is_empty()).collect()
}

/// Parts of a source or destination that are seen.
fn drivers<'n, 'a>(nodes: &'n [Node<'a>]) -> impl Iterator<Item = &'n [Node<'a>]> {
    let is_unseen = |item: &[Node<'_>]| item.iter().any(|node| matches!(node.what, What::Unseen));
    items(nodes).into_iter().filter(move |item| !is_unseen(item))
}

struct Builder<'c, 'n, 'a> {
    config: &'c Config,
    program: Program,
    filters: Named<'n, 'a>,
    rewrites: Named<'n, 'a>,
    parsers: Named<'n, 'a>,
    sources: BTreeMap<String, Vec<usize>>,
    destinations: BTreeMap<String, Rc<Vec<Path>>>,
    options: Option<Driver<'n, 'a>>,
    /// Names of blocks, which are drivers made of others.
    blocks: BTreeSet<String>,
    counts: BTreeMap<String, usize>,
    /// What templates are made of, by their names.
    templates: BTreeMap<String, String>,
    /// How much of conditions has been read.
    walked: Cell<usize>,
}

impl<'n, 'a> Builder<'_, 'n, 'a> {
    /// The name of a driver's definition, and a number from the second on.
    fn name(&mut self, name: &str) -> String {
        let count = self.counts.entry(name.to_owned()).or_default();
        *count += 1;
        if *count == 1 { name.to_owned() } else { format!("{name}.{count}") }
    }

    fn driver(&mut self, item: &'n [Node<'a>]) -> Result<(String, Driver<'n, 'a>), Unreadable> {
        let at = item.first().map(|node| node.spot.at()).unwrap_or_default();
        let (name, driver) = Driver::of(item)
            .ok_or_else(|| Unreadable::new(&*at, "a driver with its options is expected here"))?;
        if self.program.drafts.len() + self.program.outputs.len() > MAX_DRIVERS {
            return Err(Unreadable::new(at, "there are more drivers than can be read"));
        }
        if self.blocks.contains(&name) {
            let why = format!("{name} is a block of this configuration, which is not followed");
            self.program.unread.push(Unread { at, why });
        }
        Ok((name, driver))
    }

    /// The inputs of a source, by their indices.
    fn source(&mut self, name: &str, body: &'n [Node<'a>], depth: usize) -> Result<Vec<usize>, Unreadable> {
        let mut found = Vec::new();
        for item in drivers(body) {
            if let Some(inner) = channel(item) {
                let path = self.path(inner, at_of(item), depth + 1)?;
                found.extend(self.channel(&path));
                continue;
            }
            let (kind, driver) = self.driver(item)?;
            let Some(source) = sources::source(&kind, driver) else {
                self.program.exporter = Some(driver.at());
                continue;
            };
            let id = self.name(name);
            let position = sources::position(&source, driver, self.config);
            self.program.drafts.push(Draft {
                id,
                at: driver.at(),
                position,
                steps: sources::steps(&kind, &source, driver, self.options),
                source,
                waits: sources::waits(&kind, driver),
            });
            found.push(self.program.drafts.len() - 1);
        }
        Ok(found)
    }

    /// A channel in a source: what its parts take away is lost before the log paths.
    fn channel(&mut self, path: &Path) -> Vec<usize> {
        let mut found = Vec::new();
        for element in &path.elements {
            match element {
                Element::From(inputs) => found.extend(inputs.iter().copied()),
                Element::Steps(steps) => {
                    for input in &found {
                        if let Some(draft) = self.program.drafts.get_mut(*input) {
                            draft.steps.extend(steps.iter().cloned());
                        }
                    }
                }
                _ => {
                    let why = "a channel in a source holds more than can be followed".to_owned();
                    self.program.unread.push(Unread { at: path.at.clone(), why });
                }
            }
        }
        found
    }

    /// The ways of a destination, one for each driver.
    fn destination(
        &mut self,
        name: &str,
        body: &'n [Node<'a>],
        depth: usize,
    ) -> Result<Vec<Path>, Unreadable> {
        let mut paths = Vec::new();
        for item in drivers(body) {
            if let Some(inner) = channel(item) {
                paths.push(self.path(inner, at_of(item), depth + 1)?);
                continue;
            }
            let (kind, driver) = self.driver(item)?;
            let id = self.name(name);
            self.program.outputs.push(destinations::output(&kind, driver, id));
            let output = Element::Output(self.program.outputs.len() - 1);
            let cut = steps::template(driver, &self.templates).map(|step| Element::Steps(vec![step]));
            let elements = cut.into_iter().chain([output]).collect();
            paths.push(Path { at: driver.at(), elements, flags: Flags::default() });
        }
        Ok(paths)
    }

    fn path(&mut self, body: &'n [Node<'a>], at: String, depth: usize) -> Result<Path, Unreadable> {
        if depth > MAX_DEPTH {
            return Err(Unreadable::new(at, format!("log paths are nested more than {MAX_DEPTH} deep")));
        }
        let mut path = Path { at, ..Path::default() };
        let mut forks: Vec<Path> = Vec::new();
        for item in items(body) {
            if let Some(inner) = channel(item) {
                forks.push(self.path(inner, at_of(item), depth + 1)?);
                continue;
            }
            if item.iter().any(|node| matches!(node.what, What::Unseen)) {
                let why = format!("what is included at {} is not seen", at_of(item));
                path.elements.push(Element::Unknown(why));
                continue;
            }
            match Driver::of(item) {
                Some((name, flags)) if name == "flags" => path.flags = flags_of(flags),
                _ => {
                    let element = self.element(item, depth)?;
                    path.elements.extend(element);
                }
            }
        }
        if !forks.is_empty() {
            path.elements.push(Element::Junction(forks));
        }
        Ok(path)
    }

    fn element(&mut self, item: &'n [Node<'a>], depth: usize) -> Result<Option<Element>, Unreadable> {
        let at = at_of(item);
        let word = item.first().and_then(Node::word).unwrap_or_default();
        if word == "if" {
            return self.choice(item, depth).map(Some);
        }
        let [_, body] = item else {
            return Err(Unreadable::new(at, "this is no part of a log path, or a ; is missing behind it"));
        };
        let reference = body.round().map(|_| {
            let args = body.round().unwrap_or_default();
            Driver { spot: body.spot, args }.value().map(|found| found.unwrap_or_default().0)
        });
        let name = match reference {
            Some(Err(why)) => return Ok(Some(Element::Unknown(why))),
            Some(Ok(name)) => Some(name),
            None => None,
        };
        let inner = body.braces().unwrap_or_default();
        let gone =
            |name: &str| Some(Element::Unknown(format!("there is no {word} {name} in what is seen ({at})")));
        Ok(match (word.as_str(), name) {
            ("source", Some(name)) => match self.sources.get(&name) {
                Some(inputs) => Some(Element::From(inputs.clone())),
                None => gone(&name),
            },
            ("source", None) => Some(Element::From(self.source("source", inner, depth)?)),
            ("destination", Some(name)) => match self.destinations.get(&name) {
                Some(paths) => Some(Element::To(Rc::clone(paths))),
                None => gone(&name),
            },
            ("destination", None) => {
                Some(Element::To(Rc::new(self.destination("destination", inner, depth)?)))
            }
            ("filter", Some(name)) => match self.filters.get(&name) {
                Some(body) => Some(Element::Steps(self.condition(body, &at).steps())),
                None => gone(&name),
            },
            ("filter", None) => Some(Element::Steps(self.condition(inner, &at).steps())),
            ("rewrite", Some(name)) => match self.rewrites.get(&name) {
                Some(body) => Some(Element::Steps(steps::rewrites(items(body)))),
                None => gone(&name),
            },
            ("rewrite", None) => Some(Element::Steps(steps::rewrites(items(inner)))),
            ("parser", Some(name)) => match self.parsers.get(&name) {
                Some(body) => Some(Element::Steps(steps::parsers(items(body)))),
                None => gone(&name),
            },
            ("parser", None) => Some(Element::Steps(steps::parsers(items(inner)))),
            ("filterx", _) => Some(Element::Steps(vec![steps::script(at, "filterx")])),
            ("junction", None) => {
                let mut paths = Vec::new();
                for item in items(inner) {
                    let Some(inner) = channel(item) else {
                        return Err(Unreadable::new(at_of(item), "a channel is expected here"));
                    };
                    paths.push(self.path(inner, at_of(item), depth + 1)?);
                }
                Some(Element::Junction(paths))
            }
            ("parallelize", _) => None,
            _ => {
                let why = format!("{word} at {at} is no part of a log path that is known");
                Some(Element::Unknown(why))
            }
        })
    }

    fn condition(&self, nodes: &'n [Node<'a>], at: &str) -> Condition {
        filter::condition(nodes, at, &|name| self.filters.get(name).copied(), &self.walked)
    }

    /// `if (…) {…} elif {…} else {…}`
    fn choice(&mut self, item: &'n [Node<'a>], depth: usize) -> Result<Element, Unreadable> {
        let mut arms = Vec::new();
        let mut rest = item;
        while let [word, after @ ..] = rest {
            let at = word.spot.at();
            let (test, body, next) = match (word.word().unwrap_or_default().as_str(), after) {
                ("if" | "elif", [condition, body, next @ ..]) if condition.round().is_some() => {
                    let condition = self.condition(condition.round().unwrap_or_default(), &at);
                    (Test::If(condition), body, next)
                }
                ("if" | "elif", [body, next @ ..]) => (Test::Through, body, next),
                ("else", [body, next @ ..]) => (Test::Else, body, next),
                _ => return Err(Unreadable::new(at, "a condition does not go on like this")),
            };
            let Some(body) = body.braces() else {
                return Err(Unreadable::new(at, "the arm of a condition is expected in braces"));
            };
            arms.push(Arm { test, path: self.path(body, at, depth + 1)? });
            rest = next;
        }
        Ok(Element::Choice(arms))
    }
}

/// The body of `channel { … }` or of a `log { … }` in another.
fn channel<'n, 'a>(item: &'n [Node<'a>]) -> Option<&'n [Node<'a>]> {
    let (word, body) = (item.first()?.word()?, item.last()?);
    (matches!(word.as_str(), "channel" | "log") && item.len() <= 3).then(|| body.braces()).flatten()
}

fn at_of(item: &[Node<'_>]) -> String {
    item.first().map(|node| node.spot.at()).unwrap_or_default()
}

fn flags_of(flags: Driver<'_, '_>) -> Flags {
    let mut found = Flags::default();
    for (text, _) in flags.values() {
        match text.as_deref().unwrap_or_default().replace('_', "-").as_str() {
            "final" => found.last = true,
            "fallback" => found.fallback = true,
            "catchall" | "catch-all" => found.catchall = true,
            "flow-control" => found.flow_control = Some(true),
            "no-flow-control" => found.flow_control = Some(false),
            _ => {}
        }
    }
    found
}
