//! Sections, plugins with their settings, and conditionals.

use super::condition::{self, Test};
use super::scan::Words;
use crate::analyze::collectors::config::{File, MAX_BYTES};
use crate::analyze::collectors::dialect::Unreadable;
use crate::analyze::collectors::scan::Scanner;

/// How deep conditionals and values may be nested. Real ones need fewer than ten.
pub(super) const MAX_DEPTH: usize = 64;

/// What a plugin or an arm costs of what a file may hold.
const COST: usize = 7;

/// What a file holds.
#[derive(Debug, Default)]
pub(super) struct Sections<'a> {
    pub(super) inputs: Vec<Node<'a>>,
    pub(super) filters: Vec<Node<'a>>,
    pub(super) outputs: Vec<Node<'a>>,
}

/// What stands in a section.
#[derive(Debug)]
pub(super) enum Node<'a> {
    Plugin(Plugin<'a>),
    /// `if`, `else if` and `else`.
    Branch(Vec<Arm<'a>>),
}

/// One arm of a conditional.
#[derive(Debug)]
pub(super) struct Arm<'a> {
    pub(super) at: Spot<'a>,
    /// None for `else`.
    pub(super) test: Option<Test>,
    pub(super) body: Vec<Node<'a>>,
}

/// A plugin.
#[derive(Debug)]
pub(super) struct Plugin<'a> {
    pub(super) name: &'a str,
    pub(super) spot: Spot<'a>,
    pub(super) settings: Vec<Setting<'a>>,
}

/// A setting of a plugin.
#[derive(Debug)]
pub(super) struct Setting<'a> {
    pub(super) key: &'a str,
    pub(super) spot: Spot<'a>,
    pub(super) value: Value<'a>,
}

/// A value as it is written; variables are not replaced.
#[derive(Debug)]
pub(super) enum Value<'a> {
    Text(&'a str),
    List(Vec<Value<'a>>),
    Map(Vec<(&'a str, Value<'a>)>),
    /// A codec, most of the time.
    Plugin(Plugin<'a>),
}

/// A line of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot<'a> {
    file: &'a File,
    line: usize,
}

impl Spot<'_> {
    pub(super) fn at(self) -> String {
        self.file.place(self.line)
    }
}

/// Reads a file into sections, behind those that are there.
pub(super) fn parse<'a>(file: &'a File, into: &mut Sections<'a>) -> Result<(), Unreadable> {
    let mut scanner = Scanner::new(file);
    if file.text.len() > MAX_BYTES {
        return Err(scanner.fault("it is too large"));
    }
    loop {
        scanner.spacing();
        if scanner.at_end() {
            return Ok(());
        }
        let nodes = if scanner.skip("input") {
            &mut into.inputs
        } else if scanner.skip("filter") {
            &mut into.filters
        } else if scanner.skip("output") {
            &mut into.outputs
        } else {
            return Err(scanner.fault("input, filter or output is expected here"));
        };
        nodes.extend(body(&mut scanner, 0)?);
    }
}

/// Plugins and conditionals between braces.
fn body<'a>(scanner: &mut Scanner<'a>, depth: usize) -> Result<Vec<Node<'a>>, Unreadable> {
    if depth > MAX_DEPTH {
        return Err(scanner.fault(format!("conditionals are nested more than {MAX_DEPTH} deep")));
    }
    scanner.expect("{")?;
    let mut nodes = Vec::new();
    loop {
        scanner.spacing();
        if scanner.skip("}") {
            return Ok(nodes);
        }
        if scanner.at_end() {
            return Err(scanner.fault("a section or conditional does not end"));
        }
        let spot = spot(scanner);
        scanner.spend(COST)?;
        let name = scanner.name()?;
        if name == "if" {
            nodes.push(Node::Branch(branch(scanner, spot, depth)?));
        } else {
            nodes.push(Node::Plugin(plugin(scanner, name, spot, depth)?));
        }
    }
}

fn spot<'a>(scanner: &Scanner<'a>) -> Spot<'a> {
    Spot { file: scanner.file, line: scanner.line }
}

/// What follows an `if`.
fn branch<'a>(scanner: &mut Scanner<'a>, first: Spot<'a>, depth: usize) -> Result<Vec<Arm<'a>>, Unreadable> {
    let test = Some(condition::parse(scanner)?);
    let mut arms = vec![Arm { at: first, test, body: body(scanner, depth + 1)? }];
    loop {
        scanner.spacing();
        let at = spot(scanner);
        if !scanner.skip_word("else") {
            return Ok(arms);
        }
        scanner.spend(COST)?;
        scanner.spacing();
        let test = if scanner.skip_word("if") { Some(condition::parse(scanner)?) } else { None };
        let is_last = test.is_none();
        arms.push(Arm { at, test, body: body(scanner, depth + 1)? });
        if is_last {
            return Ok(arms);
        }
    }
}

fn plugin<'a>(
    scanner: &mut Scanner<'a>,
    name: &'a str,
    spot: Spot<'a>,
    depth: usize,
) -> Result<Plugin<'a>, Unreadable> {
    scanner.expect("{")?;
    let mut settings = Vec::new();
    loop {
        scanner.spacing();
        if scanner.skip("}") {
            return Ok(Plugin { name, spot, settings });
        }
        if scanner.at_end() {
            return Err(scanner.fault(format!("the plugin {name} does not end")));
        }
        let spot = Spot { file: scanner.file, line: scanner.line };
        let key = scanner.name()?;
        scanner.expect("=>")?;
        settings.push(Setting { key, spot, value: value(scanner, depth + 1)? });
    }
}

fn value<'a>(scanner: &mut Scanner<'a>, depth: usize) -> Result<Value<'a>, Unreadable> {
    if depth > MAX_DEPTH {
        return Err(scanner.fault(format!("values are nested more than {MAX_DEPTH} deep")));
    }
    scanner.spacing();
    match scanner.peek() {
        Some('[') => list(scanner, depth),
        Some('{') => map(scanner, depth),
        Some(quote @ ('"' | '\'')) => Ok(Value::Text(scanner.quoted(quote)?)),
        _ => {
            let spot = spot(scanner);
            let word = scanner.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
            if word.is_empty() {
                return Err(scanner.fault("a value is expected here"));
            }
            scanner.spacing();
            if scanner.starts_with("{") {
                return plugin(scanner, word, spot, depth).map(Value::Plugin);
            }
            Ok(Value::Text(word))
        }
    }
}

fn list<'a>(scanner: &mut Scanner<'a>, depth: usize) -> Result<Value<'a>, Unreadable> {
    scanner.expect("[")?;
    let mut items = Vec::new();
    loop {
        scanner.spacing();
        if scanner.skip("]") {
            return Ok(Value::List(items));
        }
        items.push(value(scanner, depth + 1)?);
        scanner.spacing();
        if !scanner.skip(",") && !scanner.starts_with("]") {
            return Err(scanner.fault("a list does not go on or end here"));
        }
    }
}

fn map<'a>(scanner: &mut Scanner<'a>, depth: usize) -> Result<Value<'a>, Unreadable> {
    scanner.expect("{")?;
    let mut entries = Vec::new();
    loop {
        scanner.spacing();
        if scanner.skip("}") {
            return Ok(Value::Map(entries));
        }
        let key = scanner.name()?;
        scanner.expect("=>")?;
        entries.push((key, value(scanner, depth + 1)?));
        scanner.spacing();
        // Commas between entries are not in the grammar; people write them and older versions took them.
        scanner.skip(",");
    }
}
