//! rsyslog, of the old form and `RainerScript`, which may be mixed.
//!
//! | module | does |
//! | --- | --- |
//! | `scan`, `object`, `syntax` | text into statements, includes put in their place |
//! | `value`, `globals` | parameters and settings of the whole program as facts |
//! | `inputs`, `actions` | what modules read and send |
//! | `routes` | the ways of records through rulesets |

mod actions;
mod globals;
mod inputs;
mod object;
mod routes;
mod scan;
mod syntax;
#[cfg(test)]
mod tests;
mod value;

use std::collections::BTreeMap;

use super::config::Config;
use super::dialect::Unreadable;
use super::model::{Input, Pipeline, Source, WhenFull};
use crate::analyze::fact::Fact;
use crate::verdict::{Evidence, Rank};
use globals::Globals;

/// How many inputs a configuration may have.
const MAX_INPUTS: usize = 500;

/// Reads a configuration.
///
/// # Errors
/// It is not seen, or rsyslog would not start with it.
pub fn read(config: &Config) -> Result<Pipeline, Unreadable> {
    let program = syntax::read(config)?;
    if program.inputs.len() + program.modules.len() > MAX_INPUTS {
        return Err(Unreadable::new(&*config.main, "there are more inputs than can be read"));
    }
    let globals = Globals { program: &program };
    let (map, outputs) = routes::Map::new(&program, &globals);
    let mut pipeline = Pipeline { outputs, unread: map.unread(), ..Pipeline::default() };
    let mut known = BTreeMap::new();
    for draft in inputs::drafts(&program, &globals) {
        let routes =
            known.entry(draft.ruleset.clone()).or_insert_with(|| map.routes(draft.ruleset.as_deref()));
        let routes = match routes.clone() {
            Err(why) => Fact::unknown(format!("the ways of {}: {why}", draft.at)),
            Ok(routes) => {
                let first = routes.first().and_then(|route| pipeline.outputs.get(route.output));
                let evidence = match first {
                    Some(output) => Evidence {
                        at: output.at.clone(),
                        detail: format!("{} actions are reached", routes.len()),
                    },
                    None => Evidence { at: draft.at.clone(), detail: "no action is reached".into() },
                };
                Fact::known(routes, Rank::Configured, vec![evidence])
            }
        };
        pipeline.inputs.push(Input {
            id: draft.id,
            at: draft.at,
            source: draft.source,
            position: draft.position,
            opt_outs: Vec::new(),
            steps: draft.steps,
            routes,
        });
    }
    discarding(&mut pipeline);
    let stats = globals.module("impstats");
    pipeline.own_metrics = match stats {
        Some(module) => Some(Fact::at(true, Rank::Configured, module.at.clone(), "module impstats")),
        None if pipeline.unread.is_empty() => {
            Some(Fact::at(false, Rank::Configured, config.main.clone(), "the module impstats is not loaded"))
        }
        None => None,
    };
    Ok(pipeline)
}

/// Readers of files and of the journal wait when a queue is full; others cannot.
fn discarding(pipeline: &mut Pipeline) {
    for (index, output) in pipeline.outputs.iter_mut().enumerate() {
        let mut feeding = pipeline.inputs.iter().filter(|input| {
            input.routes.value().is_none_or(|routes| routes.iter().any(|route| route.output == index))
        });
        let waits = |input: &Input| matches!(input.source, Source::Files { .. } | Source::Journal { .. });
        let is_fed_by_files = feeding.clone().next().is_some() && feeding.all(waits);
        if output.when_full.value() == Some(&WhenFull::Waits) && !is_fed_by_files {
            output.when_full = actions::discards(&output.at);
        }
    }
}
