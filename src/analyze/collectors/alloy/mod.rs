//! Configurations of Grafana Alloy, and of Grafana Agent in flow mode.
//!
//! | module | does |
//! | --- | --- |
//! | `lexer`, `syntax` | text into a tree |
//! | `world` | the components, those inside custom components too |
//! | `eval`, `functions` | values of expressions |
//! | `targets` | what is discovered, after relabelling |
//! | `inputs`, `outputs` | components that read, and those that send |
//! | `routes`, `otel` | the ways between them, and what happens on them |
//! | `operator` | `Alloy`, the custom resource |

mod eval;
mod functions;
mod inputs;
mod lexer;
mod operator;
mod otel;
mod outputs;
mod routes;
mod syntax;
mod targets;
mod world;

#[cfg(test)]
mod tests;

use super::config::{Config, File, Lookup, MAX_BYTES, MAX_FILES};
use super::dialect::Unreadable;
use super::model::Pipeline;
use crate::analyze::fact::Fact;
use crate::verdict::Rank;
pub use operator::{config_map, full_name, is_made, is_on_nodes, read_resource};
use syntax::Body;
use world::World;

/// Why it may not be known where Alloy remembers how far it has read: the folder is an argument of the program, which is
/// `data-alloy/` in its working directory if it is not given (Alloy docs: cli/run).
pub const STORAGE_PATH_REASON: &str =
    "positions are kept below the folder of the argument --storage.path, which is not given";

/// Where Alloy keeps what it has to remember, as its command line says.
fn storage(config: &Config) -> Fact<String> {
    match config.flag("--storage.path") {
        Some((path, at)) => Fact::at(path.to_owned(), Rank::Configured, at, format!("--storage.path={path}")),
        None => Fact::unknown(STORAGE_PATH_REASON),
    }
}

/// What is wrong in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fault {
    /// The line, from 1.
    line: usize,
    /// Why, without quoting the text.
    why: String,
}

/// Reads a configuration: a file, or all `*.alloy` files of a folder.
///
/// # Errors
/// It is not seen, or not of this syntax.
pub fn read(config: &Config) -> Result<Pipeline, Unreadable> {
    let files = files(config)?;
    let bodies = files
        .iter()
        .map(|file| {
            if file.text.len() > MAX_BYTES {
                return Err(Unreadable::new(&*file.at, "it is too large"));
            }
            syntax::parse(&file.text)
                .map(|body| (*file, body))
                .map_err(|fault| Unreadable::new(file.place(fault.line), fault.why))
        })
        .collect::<Result<Vec<(&File, Body)>, _>>()?;
    let world = World::new(config, &bodies);
    let mut pipeline = Pipeline { unread: world.unread(), ..Pipeline::default() };
    let ends = outputs::outputs(&world, &mut pipeline.outputs);
    pipeline.inputs = inputs::inputs(&world, &ends);
    pipeline.own_metrics = files.first().map(|file| {
        Fact::at(true, Rank::Configured, &*file.at, "metrics of its own are always served at /metrics")
    });
    Ok(pipeline)
}

fn files(config: &Config) -> Result<Vec<&File>, Unreadable> {
    match config.file(&config.main) {
        Lookup::Seen(file) => Ok(vec![file]),
        Lookup::Hidden(why) => {
            let (found, _) = config.glob(&format!("{}/*.alloy", config.main.trim_end_matches('/')));
            match found.len() {
                0 => Err(Unreadable::new(&*config.main, why)),
                count if count > MAX_FILES => Err(Unreadable::new(&*config.main, "it has too many files")),
                _ => Ok(found),
            }
        }
    }
}
