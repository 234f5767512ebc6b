//! The components of a configuration, those inside custom components too.

use std::cell::Cell;
use std::collections::BTreeMap;

use super::eval::Value;
use super::syntax::{Attribute, Block, Body, Expr};
use crate::analyze::collectors::config::{Config, File};
use crate::analyze::collectors::model::Unread;

/// How deep custom components may stand inside others.
const MAX_DEPTH: usize = 16;

/// How many components there may be.
const MAX_COMPONENTS: usize = 10_000;

/// How many values may be computed for one configuration.
const FUEL: usize = 1_000_000;

/// Blocks of a file that are settings of the program (Alloy docs: reference/config-blocks).
const SETTINGS: [&str; 8] =
    ["logging", "tracing", "http", "livedebugging", "argument", "export", "declare", "remotecfg"];

/// A configuration's components.
pub(super) struct World<'a> {
    /// The files and variables.
    pub(super) config: &'a Config,
    /// All components, in the order of the configuration.
    pub(super) components: Vec<Component<'a>>,
    pub(super) scopes: Vec<Scope<'a>>,
    pub(super) fuel: Cell<usize>,
    unread: Vec<Unread>,
}

/// One component.
pub(super) struct Component<'a> {
    /// Its full name, below the custom component it stands in: `pod_logs.feature/loki.process.main`.
    pub(super) id: String,
    /// What kind it is: `loki.process`.
    pub(super) kind: &'a str,
    pub(super) block: &'a Block,
    pub(super) file: &'a File,
    /// The scope it stands in.
    pub(super) scope: usize,
    /// The scope inside it, if it is a custom one.
    pub(super) inner: Option<usize>,
}

impl Component<'_> {
    /// Where a line of it stands.
    pub(super) fn place(&self, line: usize) -> String {
        self.file.place(line)
    }

    /// Where it begins.
    pub(super) fn start(&self) -> String {
        self.place(self.block.line)
    }
}

/// Where names of components are looked up: a configuration, or a custom component.
pub(super) struct Scope<'a> {
    /// Components by name.
    pub(super) names: BTreeMap<String, usize>,
    /// The component whose inside this is.
    pub(super) of: Option<usize>,
    /// What it exports.
    pub(super) exports: BTreeMap<&'a str, &'a Expr>,
    /// Defaults of its arguments; none for those that have to be given.
    pub(super) arguments: BTreeMap<&'a str, Option<&'a Expr>>,
    /// Custom components that are declared in it.
    declares: BTreeMap<&'a str, (&'a File, &'a Body)>,
    /// The scope its declaration stands in.
    outer: Option<usize>,
}

impl<'a> World<'a> {
    /// The components of some files.
    pub(super) fn new(config: &'a Config, bodies: &'a [(&'a File, Body)]) -> Self {
        let mut world = Self {
            config,
            components: Vec::new(),
            scopes: Vec::new(),
            fuel: Cell::new(FUEL),
            unread: Vec::new(),
        };
        let bodies: Vec<(&File, &Body)> = bodies.iter().map(|(file, body)| (*file, body)).collect();
        world.open(&bodies, None, None, "", 0);
        world
    }

    /// What of the configuration is not seen.
    pub(super) fn unread(&self) -> Vec<Unread> {
        self.unread.clone()
    }

    /// The value of an attribute in a body of a component, with its place.
    pub(super) fn get(&self, component: &Component<'_>, body: &Body, name: &str) -> Option<(Value, String)> {
        let Attribute { line, value, .. } = body.get(name)?;
        match self.value(value, component.scope) {
            Value::Null => None,
            value => Some((value, component.file.place(*line))),
        }
    }

    /// Adds the components of a scope, and those inside of them. Returns the scope.
    fn open(
        &mut self,
        bodies: &[(&'a File, &'a Body)],
        of: Option<usize>,
        outer: Option<usize>,
        path: &str,
        depth: usize,
    ) -> usize {
        let index = self.scopes.len();
        let mut scope = Scope {
            names: BTreeMap::new(),
            of,
            exports: BTreeMap::new(),
            arguments: BTreeMap::new(),
            declares: BTreeMap::new(),
            outer,
        };
        for (file, body) in bodies {
            for block in &body.blocks {
                let Some(label) = &block.label else { continue };
                let inner = |name: &str| block.body.get(name).map(|attribute| &attribute.value);
                match block.name.as_str() {
                    "declare" => {
                        scope.declares.insert(label, (file, &block.body));
                    }
                    "export" => scope.exports.extend(inner("value").map(|value| (label.as_str(), value))),
                    "argument" => {
                        let optional = inner("optional") == Some(&Expr::Bool(true));
                        let default = inner("default").or(optional.then_some(&Expr::Null));
                        scope.arguments.insert(label, default);
                    }
                    _ => {}
                }
            }
        }
        self.scopes.push(scope);
        for (file, body) in bodies {
            for block in &body.blocks {
                self.add(file, block, index, path, depth);
            }
        }
        index
    }

    fn add(&mut self, file: &'a File, block: &'a Block, scope: usize, path: &str, depth: usize) {
        let kind = block.name.as_str();
        if let Some(why) = remote(kind) {
            self.unread.push(Unread { at: file.place(block.line), why: why.to_owned() });
        }
        if SETTINGS.contains(&kind) || kind.starts_with("import.") || kind == "foreach" {
            return;
        }
        let name = block.label.as_ref().map_or_else(|| kind.to_owned(), |label| format!("{kind}.{label}"));
        let declared = self.declaration(kind, scope);
        if self.components.len() >= MAX_COMPONENTS || depth > MAX_DEPTH {
            if self.unread.len() < MAX_COMPONENTS {
                let why = "components are nested too deep, or too many, to be read".to_owned();
                self.unread.push(Unread { at: file.place(block.line), why });
            }
            return;
        }
        let index = self.components.len();
        let id = format!("{path}{name}");
        let inside = format!("{id}/");
        self.components.push(Component { id, kind, block, file, scope, inner: None });
        if let Some(scope) = self.scopes.get_mut(scope) {
            scope.names.insert(name, index);
        }
        if let Some((file, body, outer)) = declared {
            let inner = self.open(&[(file, body)], Some(index), Some(outer), &inside, depth + 1);
            if let Some(component) = self.components.get_mut(index) {
                component.inner = Some(inner);
            }
        } else if !is_component(kind) {
            let why = format!("the component {kind} is custom and its declaration is not seen");
            self.unread.push(Unread { at: file.place(block.line), why });
        }
    }

    fn declaration(&self, kind: &str, scope: usize) -> Option<(&'a File, &'a Body, usize)> {
        let mut next = Some(scope);
        while let Some(index) = next {
            let scope = self.scopes.get(index)?;
            if let Some((file, body)) = scope.declares.get(kind) {
                return Some((file, body, index));
            }
            next = scope.outer;
        }
        None
    }
}

/// Why a block means that a part of the configuration is not seen.
fn remote(kind: &str) -> Option<&'static str> {
    match kind {
        "remotecfg" => Some("a part of the configuration comes from a server (remotecfg)"),
        "foreach" => Some("components made by foreach are not read"),
        "import.git" | "import.http" => Some("a module comes from elsewhere and is not seen"),
        "import.file" | "import.string" => Some("the components of an imported module are not read"),
        "module.file" | "module.git" | "module.http" | "module.string" => Some("a module is not read"),
        _ => None,
    }
}

/// Whether a kind belongs to the program, by its first part (Alloy docs: reference/components).
fn is_component(kind: &str) -> bool {
    const GROUPS: [&str; 14] = [
        "loki",
        "otelcol",
        "discovery",
        "local",
        "remote",
        "prometheus",
        "mimir",
        "pyroscope",
        "faro",
        "beyla",
        "module",
        "database_observability",
        "grafana_cloud",
        "helper",
    ];
    kind.split_once('.').is_some_and(|(group, _)| GROUPS.contains(&group))
}
