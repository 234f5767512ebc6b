//! Settings of the whole program: folders, the main queue, and the defaults of network streams.

use super::syntax::Program;
use super::value::{Found, Params};
use crate::analyze::collectors::model::Buffer;
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// `global(…)`, `main_queue(…)` and old directives.
pub(super) struct Globals<'p> {
    pub(super) program: &'p Program,
}

impl<'p> Globals<'p> {
    /// A parameter of `global(…)` or `main_queue(…)`, or the directive that was before it.
    pub(super) fn get(&self, key: &str, directive: &str) -> Found {
        for params in self.program.globals.iter().rev() {
            if let Some(found) = params.get(key)? {
                return Ok(Some(found));
            }
        }
        Ok(self.directive(directive))
    }

    /// An old directive.
    pub(super) fn directive(&self, name: &str) -> Option<(String, String)> {
        let old = self.program.directives.iter().rev().find(|(directive, ..)| directive == name);
        old.map(|(_, value, at)| (value.clone(), at.clone()))
    }

    /// A module, by its name.
    pub(super) fn module(&self, name: &str) -> Option<&'p Params> {
        self.program.modules.iter().find(|module| {
            module.plain("load").is_some_and(|load| {
                load.rsplit('/').next().unwrap_or_default().trim_end_matches(".so") == name
            })
        })
    }

    /// Where state and spooled records are kept.
    pub(super) fn folder(&self) -> Found {
        self.get("workdirectory", "workdirectory")
    }

    /// The queue of an action, of its ruleset or of the program, whichever is nearest. An action has none of its own unless
    /// `queue.type` says so. A queue in memory with `queue.filename` goes to disk when it is nearly full, and when the program
    /// ends only with `queue.saveOnShutdown` (rsyslog docs: queues).
    pub(super) fn queue(&self, action: &Params, ruleset: Option<&Params>, at: &str) -> Fact<Buffer> {
        for params in std::iter::once(action).chain(ruleset) {
            match params.get("queue.type") {
                Err(why) => return Fact::unknown(why),
                Ok(Some((kind, at))) if !kind.eq_ignore_ascii_case("direct") => {
                    let filename = params.get("queue.filename");
                    let folder = params.get("queue.spooldirectory");
                    let saves = params.flag("queue.saveonshutdown", false);
                    return self.kept(&kind, &at, filename, folder, &saves);
                }
                Ok(_) => {}
            }
        }
        let kind = self.get("queue.type", "mainmsgqueuetype");
        let filename = self.get("queue.filename", "mainmsgqueuefilename");
        let saves = match self.get("queue.saveonshutdown", "mainmsgqueuesaveonshutdown") {
            Err(why) => Fact::unknown(why),
            Ok(found) => {
                let (value, at) = found.unwrap_or_else(|| ("off".into(), at.to_owned()));
                Fact::at(
                    value.eq_ignore_ascii_case("on"),
                    Rank::Configured,
                    at,
                    format!("queue.saveOnShutdown {value}"),
                )
            }
        };
        match kind {
            Err(why) => Fact::unknown(why),
            Ok(Some((kind, at))) => self.kept(&kind, &at, filename, Ok(None), &saves),
            Ok(None) => match filename {
                Ok(Some((_, at))) => {
                    self.kept("FixedArray", &at.clone(), Ok(Some((String::new(), at))), Ok(None), &saves)
                }
                Ok(None) => Fact::at(
                    Buffer::Memory,
                    Rank::Configured,
                    at,
                    "no queue is set; the main queue is in memory by default",
                ),
                Err(why) => Fact::unknown(why),
            },
        }
    }

    fn kept(&self, kind: &str, at: &str, filename: Found, folder: Found, saves: &Fact<bool>) -> Fact<Buffer> {
        let folder = match (folder, self.folder()) {
            (Ok(Some((folder, _))), _) | (Ok(None), Ok(Some((folder, _)))) => Some(folder),
            _ => None,
        };
        let disk =
            |at: &str, detail: String| Fact::at(Buffer::Disk(folder.clone()), Rank::Configured, at, detail);
        if kind.eq_ignore_ascii_case("disk") {
            return disk(at, format!("queue.type {kind}"));
        }
        match filename {
            Err(why) => Fact::unknown(why),
            Ok(None) => {
                let detail = format!("queue.type {kind} without queue.filename is in memory");
                Fact::at(Buffer::Memory, Rank::Configured, at, detail)
            }
            Ok(Some((_, named))) => saves.clone().and_then(|saves| {
                if saves {
                    disk(&named, "queue.filename is set, and queue.saveOnShutdown is on".into())
                } else {
                    let detail = "queue.filename is set, but queue.saveOnShutdown is not: what is in memory is lost with the pod";
                    Fact::at(Buffer::Memory, Rank::Configured, named.clone(), detail)
                }
            }),
        }
    }
}
