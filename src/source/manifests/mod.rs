//! Files: manifests, saved lists, and the configuration files from which tools make an apiserver.
//!
//! | module | does |
//! | --- | --- |
//! | [`files`] | finds and loads the files |
//! | [`dispatch`] | recognises objects and puts them into the snapshot |
//! | [`logging`] | workloads, custom resources and configurations that have to do with logs |
//! | [`policies`] | audit policies, also those inside other objects |
//!
//! A file that cannot be read stops the reading only if it is the only one, or the configuration of a collector, which
//! is given in another way. Of several, and in folders, it is left aside
//! with a note, as is a broken document among good ones: what can be told from the rest is still told.

pub mod dispatch;
pub mod error;
pub mod files;
pub mod logging;
pub mod placeholders;
pub mod policies;

use std::path::PathBuf;

pub use error::ManifestError;

use crate::snapshot::Snapshot;
use dispatch::{Collector, Outcome};
use files::{Input, find, load};

/// How many inputs a snapshot's name spells out.
const NAMED_INPUTS: usize = 3;

/// A snapshot of texts with their names.
///
/// # Errors
/// There is none, or none can be read.
pub fn read_texts(texts: &[(String, String)]) -> Result<Snapshot, ManifestError> {
    let mut reader = Reader { is_alone: texts.len() == 1, ..Reader::default() };
    for (name, text) in texts {
        let outcome = reader.collector.text(name, text);
        reader.count(Some(name), outcome)?;
    }
    reader.finish(texts.iter().map(|(name, _)| name.clone()).collect())
}

/// A snapshot of files and folders. The path `-` is standard input.
///
/// # Errors
/// A path given does not exist or is neither file nor folder, the limits on size are passed, or nothing can be read.
pub fn read_paths(paths: &[PathBuf]) -> Result<Snapshot, ManifestError> {
    let found = find(paths)?;
    let is_alone = match paths {
        [path] => !path.is_dir(),
        _ => false,
    };
    let mut reader = Reader { is_alone, ..Reader::default() };
    for (at, why) in found.left_aside {
        reader.collector.note(at, why);
    }
    let mut total = 0;
    for input in &found.inputs {
        reader.file(input, &mut total)?;
    }
    let name = |path: &PathBuf| match path.display().to_string() {
        name if name == "-" => files::STDIN.to_owned(),
        name => name,
    };
    reader.finish(paths.iter().map(name).collect())
}

#[derive(Default)]
struct Reader {
    collector: Collector,
    /// Whether there is only one file, so that without it there is nothing.
    is_alone: bool,
    /// The files that were read.
    files: Vec<String>,
    read: usize,
    failed: usize,
    first_failure: Option<ManifestError>,
}

impl Reader {
    fn file(&mut self, input: &Input, total: &mut u64) -> Result<(), ManifestError> {
        let name = input.path.as_ref().map(|_| input.name.as_str());
        let text = match load(input, total) {
            Err(error @ ManifestError::TotalTooLarge { .. }) => return Err(error),
            text => text,
        };
        if input.tentative {
            // It counts only if it is a manifest, and nothing of it is kept if it is none.
            let Ok(text) = text else { return Ok(()) };
            return match Collector::default().text(&input.name, &text) {
                Ok(outcome) if outcome.objects > 0 => {
                    let outcome = self.collector.text(&input.name, &text);
                    self.count(name, outcome)
                }
                Err(ManifestError::Syntax { .. }) if is_configuration(&input.name) => {
                    self.collector.note(
                        &*input.name,
                        format!(
                            "not a manifest, so not read; the configuration of a collector is given with --config-for NAMESPACE/WORKLOAD={}",
                            input.name
                        ),
                    );
                    Ok(())
                }
                _ => Ok(()),
            };
        }
        let outcome = text.and_then(|text| self.collector.text(&input.name, &text));
        let outcome = outcome.map_err(|error| match error {
            ManifestError::Syntax { .. } if is_configuration(&input.name) => {
                ManifestError::Configuration { name: input.name.clone() }
            }
            other => other,
        });
        self.count(name, outcome)
    }

    /// Counts what was read, and keeps the name of the file if it is one.
    fn count(
        &mut self,
        file: Option<&str>,
        outcome: Result<Outcome, ManifestError>,
    ) -> Result<(), ManifestError> {
        match outcome {
            Ok(_) => {
                self.read += 1;
                self.files.extend(file.map(str::to_owned));
            }
            Err(error) if self.is_alone || matches!(error, ManifestError::Configuration { .. }) => {
                return Err(error);
            }
            Err(error) => {
                self.failed += 1;
                self.collector.failure(&error);
                self.first_failure.get_or_insert(error);
            }
        }
        Ok(())
    }

    fn finish(self, names: Vec<String>) -> Result<Snapshot, ManifestError> {
        match self.first_failure {
            Some(first) if self.read == 0 => {
                Err(ManifestError::NothingReadable { count: self.failed, first: Box::new(first) })
            }
            None if self.read == 0 => Err(match names.into_iter().next() {
                Some(name) => ManifestError::NoManifests { name },
                None => ManifestError::NoInput,
            }),
            _ => Ok(Snapshot { files: self.files, ..self.collector.finish(title(&names)) }),
        }
    }
}

/// Whether a file's name is one that collectors give their own languages, which are no YAML.
fn is_configuration(name: &str) -> bool {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    ["conf", "toml", "alloy", "river", "cfg"].contains(&ending)
}

/// What the snapshot is called: the first inputs by name, and how many more there are.
fn title(names: &[String]) -> String {
    let (first, rest) = names.split_at_checked(NAMED_INPUTS).unwrap_or((names, &[]));
    let first = first.join(", ");
    match rest.len() {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

#[cfg(test)]
mod tests;
