//! The files of a configuration: which are read, their variables, their formats (Vector docs: `reference/cli`,
//! `reference/environment_variables`).

use std::collections::BTreeMap;

use serde_json::Value;

use super::field::{CLOSE, OPEN, Text};
use crate::analyze::collectors::config::{Config, Env, File, Lookup, MAX_BYTES, MAX_FILES};
use crate::analyze::collectors::dialect::Unreadable;
use crate::analyze::fact::Fact;
use crate::document::yaml::Fault;
use crate::document::{toml, yaml};

/// One file of a configuration.
pub(super) struct Part {
    /// What it says.
    pub text: Text,
    /// The kind of component and its name, where the file holds one component: `sources/pods.yaml`.
    pub component: Option<(String, String)>,
}

/// Reads all files.
pub(super) fn load(config: &Config) -> Result<Vec<Part>, Unreadable> {
    let files = files(config)?;
    if files.len() > MAX_FILES {
        return Err(Unreadable::new(&*config.main, format!("more than {MAX_FILES} files")));
    }
    if files.iter().map(|(file, _)| file.text.len()).sum::<usize>() > MAX_BYTES {
        return Err(Unreadable::new(&*config.main, format!("more than {MAX_BYTES} bytes")));
    }
    files
        .into_iter()
        .map(|(file, component)| Ok(Part { text: read(file, &config.env)?, component }))
        .collect()
}

type Chosen<'a> = (&'a File, Option<(String, String)>);

/// The file that is named; or those of the folder or glob.
fn files(config: &Config) -> Result<Vec<Chosen<'_>>, Unreadable> {
    let why = match config.file(&config.main) {
        Lookup::Seen(file) => return Ok(vec![(file, None)]),
        Lookup::Hidden(why) => why,
    };
    let (mut found, _) = config.glob(&config.main);
    let mut chosen: Vec<Chosen<'_>> = Vec::new();
    if found.is_empty() {
        let folder = config.main.trim_end_matches('/');
        (found, _) = config.glob(&format!("{folder}/*.{{yaml,yml,toml,json}}"));
        for kind in ["sources", "transforms", "sinks"] {
            let (parts, _) = config.glob(&format!("{folder}/{kind}/*.{{yaml,yml,toml,json}}"));
            chosen.extend(
                parts.into_iter().filter_map(|file| Some((file, Some((kind.to_owned(), stem(file)?))))),
            );
        }
    }
    chosen.extend(found.into_iter().map(|file| (file, None)));
    if chosen.is_empty() {
        return Err(Unreadable::new(&*config.main, format!("it is not seen: {why}")));
    }
    Ok(chosen)
}

fn stem(file: &File) -> Option<String> {
    let name = file.path.rsplit('/').next()?;
    name.rsplit_once('.').map(|(stem, _)| stem.to_owned())
}

fn read(file: &File, env: &Env) -> Result<Text, Unreadable> {
    let (text, hidden) = interpolate(&file.text, env);
    if text.len() > 2 * MAX_BYTES {
        return Err(Unreadable::new(&*file.at, "its variables make it too large"));
    }
    let fault =
        |fault: Fault| Unreadable::new(format!("{}:{}:{}", file.at, fault.line, fault.column), fault.message);
    let tree = match file.path.rsplit('.').next() {
        Some("toml") => toml::parse(&text).map_err(fault)?,
        Some("yaml" | "yml" | "json") => only_document(&text).map_err(fault)?,
        // Without an ending that tells, Vector takes a file for TOML; ConfigMaps with other names are YAML as a rule.
        _ => match toml::parse(&text) {
            Ok(tree) => tree,
            Err(toml_fault) => match only_document(&text) {
                Ok(tree) if tree.is_mapping() => tree,
                _ => return Err(fault(toml_fault)),
            },
        },
    };
    let document = tree.document(&file.at);
    if !document.value.is_object() {
        return Err(Unreadable::new(&*file.at, "it holds no mapping of sources, transforms and sinks"));
    }
    Ok(Text { document, hidden })
}

fn only_document(text: &str) -> Result<crate::document::node::Tree, Fault> {
    let mut parsed = yaml::parse(text);
    if let Some(fault) = parsed.faults.into_iter().next() {
        return Err(fault);
    }
    match (parsed.trees.pop(), parsed.trees.is_empty()) {
        (Some(tree), true) => Ok(tree),
        (None, _) => Ok(crate::document::node::Tree::Plain(Value::Object(serde_json::Map::new()))),
        _ => Err(Fault { line: 1, column: 1, message: "it holds more than one document".into() }),
    }
}

/// Replaces variables in the text as the program does before it parses it: `$NAME`, `${NAME}`, `${NAME:-default}`,
/// `${NAME-default}`; `$$` is `$`. Since 0.57 this has to be switched on; a text with variables in it was written for
/// a program that replaces them. What is not seen is marked, so that the fields that hold it are not known.
fn interpolate(text: &str, env: &Env) -> (String, BTreeMap<String, String>) {
    let mut out = String::with_capacity(text.len());
    let mut hidden = BTreeMap::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if out.len() > 2 * MAX_BYTES {
            break;
        }
        if let Some(behind) = after.strip_prefix('$') {
            out.push('$');
            rest = behind;
            continue;
        }
        let Some((variable, behind)) = variable(after) else {
            out.push('$');
            rest = after;
            continue;
        };
        match variable.value(env) {
            Ok(value) => out.push_str(&value),
            Err(why) => {
                out.extend([OPEN]);
                out.push_str(variable.name);
                out.extend([CLOSE]);
                hidden.insert(variable.name.to_owned(), why);
            }
        }
        rest = behind;
    }
    out.push_str(rest);
    (out, hidden)
}

/// A variable in a text.
struct Variable<'a> {
    name: &'a str,
    /// What is taken if it is not set, and whether also if it is empty.
    default: Option<(&'a str, bool)>,
}

fn variable(after: &str) -> Option<(Variable<'_>, &str)> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    let braced = after.strip_prefix('{');
    let text = braced.unwrap_or(after);
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end)?;
    if name.is_empty() {
        return None;
    }
    if braced.is_none() {
        return Some((Variable { name, default: None }, rest));
    }
    if let Some(behind) = rest.strip_prefix('}') {
        return Some((Variable { name, default: None }, behind));
    }
    let (inside, behind) = rest.split_once('}')?;
    let default = inside.strip_prefix(":-").map(|text| (text, true));
    let default = default.or_else(|| inside.strip_prefix('-').map(|text| (text, false)));
    let is_required = inside.starts_with(":?") || inside.starts_with('?');
    (default.is_some() || is_required).then_some((Variable { name, default }, behind))
}

impl Variable<'_> {
    fn value(&self, env: &Env) -> Result<String, String> {
        match env.get(self.name) {
            Fact::Unknown(unknown) => Err(unknown.reason),
            Fact::Known(known) => match (known.value, self.default) {
                (Some(value), _) if value.contains(['\n', '\r']) => {
                    Err(format!("the variable {} has more than one line", self.name))
                }
                (Some(value), Some((default, true))) if value.is_empty() => Ok(default.to_owned()),
                (Some(value), _) => Ok(value),
                (None, Some((default, _))) => Ok(default.to_owned()),
                (None, None) => Err(format!("the variable {} is not set", self.name)),
            },
        }
    }
}
