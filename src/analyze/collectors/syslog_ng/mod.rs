//! syslog-ng and `AxoSyslog`.
//!
//! | module | does |
//! | --- | --- |
//! | `node` | text into words and groups, with what it includes and defines |
//! | `program` | statements: definitions by name, and log paths built from them |
//! | `driver` | options of drivers as facts |
//! | `sources`, `destinations` | what drivers read and where they send to |
//! | `filter`, `steps` | what filters, parsers and rewrites take away |
//! | `routes` | the ways of records through log paths |

mod destinations;
mod driver;
mod filter;
mod node;
mod program;
mod routes;
mod sources;
mod steps;
#[cfg(test)]
mod tests;

use super::config::Config;
use super::dialect::Unreadable;
use super::model::{Input, Pipeline, Route, WhenFull};
use crate::analyze::fact::Fact;
use crate::verdict::{Evidence, Rank};
use program::Program;

/// Reads a configuration.
///
/// # Errors
/// It is not seen, or syslog-ng would not start with it.
pub fn read(config: &Config) -> Result<Pipeline, Unreadable> {
    let content = node::read(config)?;
    let mut program = program::read(config, &content)?;
    let own_metrics = match &program.exporter {
        Some(at) => Fact::at(true, Rank::Configured, at.clone(), "a source stats-exporter is set"),
        None => Fact::unknown(
            "counters are offered at the control socket, and whether a program beside it reads them is not seen",
        ),
    };
    let mut held = vec![Hold::default(); program.outputs.len()];
    let mut inputs = Vec::new();
    for (index, draft) in std::mem::take(&mut program.drafts).into_iter().enumerate() {
        let routes = match routes::ways(&program, index) {
            Err(why) => {
                for hold in &mut held {
                    hold.unclear = true;
                }
                Fact::unknown(format!("the ways of {}: {why}", draft.at))
            }
            Ok(ways) => {
                for (route, flow) in &ways {
                    if let Some(hold) = held.get_mut(route.output) {
                        hold.fed = true;
                        hold.loses |= !flow || !draft.waits;
                    }
                }
                known(ways.into_iter().map(|(route, _)| route).collect(), &program, &draft.at)
            }
        };
        inputs.push(Input {
            id: draft.id,
            at: draft.at,
            source: draft.source,
            position: draft.position,
            opt_outs: Vec::new(),
            steps: draft.steps,
            routes,
        });
    }
    let mut outputs = program.outputs;
    for (output, hold) in outputs.iter_mut().zip(held) {
        if hold.fed && !hold.loses && !hold.unclear {
            output.when_full = Fact::at(
                WhenFull::Waits,
                Rank::Configured,
                output.at.clone(),
                "every log path to it has flow control, and what feeds it can wait",
            );
        }
    }
    Ok(Pipeline { inputs, outputs, unread: program.unread, own_metrics: Some(own_metrics) })
}

/// Whether what feeds an output waits for it.
#[derive(Clone, Default)]
struct Hold {
    fed: bool,
    loses: bool,
    unclear: bool,
}

fn known(routes: Vec<Route>, program: &Program, at: &str) -> Fact<Vec<Route>> {
    let first = routes.first().and_then(|route| program.outputs.get(route.output));
    let evidence = match first {
        Some(output) => {
            Evidence { at: output.at.clone(), detail: format!("{} destinations are reached", routes.len()) }
        }
        None => Evidence { at: at.to_owned(), detail: "no destination is reached".into() },
    };
    Fact::known(routes, Rank::Configured, vec![evidence])
}
