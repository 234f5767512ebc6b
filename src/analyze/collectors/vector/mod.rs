//! Vector, in YAML, TOML or JSON (Vector docs: reference/configuration).
//!
//! | module | does |
//! | --- | --- |
//! | `load`, `field` | files, variables, fields with their places |
//! | `graph` | components and the ways between them |
//! | `sources`, `kubernetes` | what is read |
//! | `transforms`, `program` | what happens on the way |
//! | `sinks` | where it goes |

pub(in crate::analyze::collectors) mod field;
mod graph;
pub(in crate::analyze::collectors) mod kubernetes;
mod load;
mod program;
mod sinks;
mod sources;
mod transforms;

use field::Field;
use graph::{Component, Graph};

use super::config::Config;
use super::dialect::Unreadable;
use super::model::{Input, Output, Pipeline};
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// Where positions and disk buffers lie if nothing is said (Vector docs: `global_options`, `data_dir`).
const DATA_DIR: &str = "/var/lib/vector/";

/// Reads a configuration of Vector.
///
/// # Errors
/// It is not one the program would start with, or the file is not seen.
pub fn read(config: &Config) -> Result<Pipeline, Unreadable> {
    let parts = load::load(config)?;
    let roots: Vec<Field<'_>> =
        parts.iter().filter(|part| part.component.is_none()).map(|part| part.text.root()).collect();
    let data_dir = data_dir(&roots);
    let sources = components(&parts, "sources")?;
    let transforms = components(&parts, "transforms")?;
    let sinks = components(&parts, "sinks")?;
    let mut unread = Vec::new();
    let graph = Graph::new(config, &sources, &transforms, &sinks, &mut unread)?;
    let outputs: Vec<Output> = sinks.iter().map(|sink| sinks::output(sink, &data_dir)).collect();
    let inputs = sources
        .iter()
        .enumerate()
        .filter(|(_, source)| !sources::is_metrics(source.kind))
        .map(|(index, source)| Input {
            routes: graph.routes(index, &unread),
            ..sources::input(source, &data_dir)
        })
        .collect();
    let own_metrics = own_metrics(&sources, &graph);
    Ok(Pipeline { inputs, outputs, unread, own_metrics })
}

/// Whether `internal_metrics` reaches a sink.
fn own_metrics(sources: &[Component<'_>], graph: &Graph<'_>) -> Option<Fact<bool>> {
    let (index, source) = sources.iter().enumerate().find(|(_, source)| source.kind == "internal_metrics")?;
    let is_used = graph.is_consumed(index);
    let detail = if is_used { "internal_metrics is sent on" } else { "nothing takes internal_metrics" };
    Some(Fact::at(is_used, Rank::Configured, source.field.at(), detail))
}

fn data_dir(roots: &[Field<'_>]) -> Fact<String> {
    match roots.iter().find_map(|root| root.get("data_dir")) {
        Some(field) => field.fact(),
        None => Fact::at(
            DATA_DIR.to_owned(),
            Rank::Configured,
            roots.first().map(Field::at).unwrap_or_default(),
            format!("data_dir is not set; the default is {DATA_DIR}"),
        ),
    }
}

/// The components of a kind in all files.
fn components<'a>(parts: &'a [load::Part], section: &str) -> Result<Vec<Component<'a>>, Unreadable> {
    let mut found: Vec<Component<'a>> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for part in parts {
        let root = part.text.root();
        let named = match &part.component {
            Some((kind, id)) if kind == section => vec![(id.as_str(), root)],
            Some(_) => Vec::new(),
            None => root.get(section).map(|section| section.entries()).unwrap_or_default(),
        };
        for (id, field) in named {
            if !field.is_mapping() {
                return Err(Unreadable::new(field.at(), format!("{id} is not a mapping")));
            }
            if !seen.insert(id) {
                return Err(Unreadable::new(field.at(), format!("{id} is defined twice")));
            }
            let kind = match field.get("type") {
                Some(kind) if !kind.text().is_empty() => kind.raw(),
                Some(_) => "",
                None => return Err(Unreadable::new(field.at(), format!("{id} has no type"))),
            };
            found.push(Component { id, kind, field });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
