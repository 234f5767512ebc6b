//! Filebeat and the other Beats: YAML in which `a.b: 1` and `a: {b: 1}` are the same.
//!
//! | module | does |
//! | --- | --- |
//! | `inputs` | inputs, modules and what is found by hints and templates |
//! | `processors` | what is dropped on the way |
//! | `outputs` | where it goes; the Elastic Agent's outputs are the same |

pub(super) mod inputs;
pub(super) mod outputs;
pub(super) mod processors;
#[cfg(test)]
mod tests;

use serde_json::Value;

use super::config::{Config, Env, Lookup, resolve};
use super::dialect::Unreadable;
use super::model::{Buffer, Pipeline, Route, Unread};
use super::settings::{Piece, Setting, Settings};
use crate::analyze::fact::Fact;
use crate::document::Place;
use crate::verdict::{Evidence, Rank};

/// Which of the Beats it is: they differ in what they read and in how long they try to send it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beat {
    Filebeat,
    Journalbeat,
    Auditbeat,
}

impl Beat {
    fn name(self) -> &'static str {
        match self {
            Self::Filebeat => "filebeat",
            Self::Journalbeat => "journalbeat",
            Self::Auditbeat => "auditbeat",
        }
    }
}

/// Reads the configuration of a Beat.
///
/// # Errors
/// The file is not seen, or is not YAML with settings.
pub fn read(config: &Config) -> Result<Pipeline, Unreadable> {
    let file = match config.file(&config.main) {
        Lookup::Seen(file) => file,
        Lookup::Hidden(why) => return Err(Unreadable::new(&*config.main, why)),
    };
    whole(config, &file.path, Settings::of_text(&file.text, &file.at)?)
}

/// Reads the configuration of a Beat that stands in an object, at `prefix`.
///
/// # Errors
/// It is not a mapping of settings.
pub fn read_value(value: &Value, place: &Place, prefix: &str, env: Env) -> Result<Pipeline, Unreadable> {
    let path = "/usr/share/filebeat/filebeat.yml";
    let config = Config { env, ..Config::of_text(path, &place.field(prefix), "") };
    whole(&config, path, Settings::of_value(value, place, prefix))
}

fn whole(config: &Config, path: &str, settings: Settings) -> Result<Pipeline, Unreadable> {
    let settings = replaced(settings, &config.env);
    let root = settings.root();
    if !root.is_mapping() {
        return Err(Unreadable::new(root.place(), "it is not a mapping of settings"));
    }
    let beat = if root.get("journalbeat").is_set() || path.contains("journalbeat") {
        Beat::Journalbeat
    } else if root.get("auditbeat").is_set() || path.contains("auditbeat") {
        Beat::Auditbeat
    } else {
        Beat::Filebeat
    };
    let mut pipeline =
        Pipeline { own_metrics: Some(root.find("http.enabled").flag(false)), ..Pipeline::default() };
    match outputs::chosen(&root) {
        Ok(Some((kind, output))) => {
            let endless = beat != Beat::Auditbeat;
            let mut output = outputs::output(&kind, &format!("output.{kind}"), &output, &root, endless);
            if output.buffer.value() == Some(&Buffer::Disk(None)) {
                // Below the data folder unless told (Beats docs: "configure the internal queue").
                let folder = data_folder(&root, beat);
                let path = folder.map(|folder| format!("{}/diskqueue", folder.trim_end_matches('/')));
                output.buffer = path.map(|path| Buffer::Disk(Some(path)));
            }
            pipeline.outputs.push(output);
        }
        Ok(None) => {}
        Err(why) => pipeline.unread.push(Unread { at: root.get("output").place(), why }),
    }
    let mut reader = inputs::Reader { config, root: &root, beat, inputs: Vec::new(), unread: Vec::new() };
    reader.read_all();
    pipeline.inputs = reader.inputs;
    pipeline.unread.extend(reader.unread);
    connect(&mut pipeline, &root);
    Ok(pipeline)
}

/// All inputs lead to the one output, through the processors that stand above all.
fn connect(pipeline: &mut Pipeline, root: &Setting<'_>) {
    let steps = processors::steps(&root.get("processors"));
    let output = pipeline.outputs.first();
    let at = output.map_or_else(|| root.get("output").place(), |output| output.at.clone());
    let detail = output.map_or_else(|| "no output is enabled".to_owned(), |output| output.id.clone());
    let routes = match output {
        None if pipeline.unread.iter().any(|unread| unread.at == at) => {
            Fact::unknown("the output is not seen")
        }
        None => Fact::at(Vec::new(), Rank::Configured, at, detail),
        Some(_) => {
            let routes = vec![Route { steps, output: 0 }];
            Fact::known(routes, Rank::Configured, vec![Evidence { at, detail }])
        }
    };
    for input in &mut pipeline.inputs {
        input.routes = routes.clone();
    }
}

/// A text of settings with dotted keys made mappings and variables replaced: `${X}`, `${X:default}`, `${X:?message}`.
fn settings(text: &str, at: &str, env: &Env) -> Result<Settings, Unreadable> {
    Ok(replaced(Settings::of_text(text, at)?, env))
}

fn replaced(mut settings: Settings, env: &Env) -> Settings {
    settings.split_dotted_keys();
    settings.replace_variables(false, &mut |inside| variable(inside, env));
    settings
}

fn variable(inside: &str, env: &Env) -> Piece {
    let (name, default) = match inside.split_once(':') {
        Some((name, default)) => (name, Some(default)),
        None => (inside, None),
    };
    // Filled in by the program: what a template is started for, and its own folders.
    if name.starts_with("data.") || name.starts_with("path.") || name.starts_with("kubernetes.") {
        return Piece::Keep;
    }
    match env.get(name) {
        Fact::Unknown(unknown) => Piece::Unseen(unknown.reason),
        Fact::Known(known) => match (known.value, default) {
            (Some(value), _) => Piece::Text(value),
            (None, Some(default)) if !default.starts_with('?') => Piece::Text(default.to_owned()),
            (None, _) => Piece::Unseen(format!(
                "the variable {name} is not set, without which the program does not start"
            )),
        },
    }
}

/// The folder a Beat keeps its data in: `path.data`, or `data` below its home.
fn data_folder(root: &Setting<'_>, beat: Beat) -> Fact<String> {
    let data = root.find("path.data");
    match data.text() {
        Err(why) => Fact::unknown(why),
        Ok(Some(path)) if !path.contains("${") => data.fact(path.clone(), format!("path.data {path}")),
        _ => {
            let path = format!("/usr/share/{}/data", beat.name());
            data.fact(path.clone(), format!("path.data is not set; the default of the image is {path}"))
        }
    }
}

/// A path of further files. Relative ones are seen from `path.config`, which is the program's home unless set.
fn further(root: &Setting<'_>, beat: Beat, path: &str) -> String {
    let home = format!("/usr/share/{}", beat.name());
    let set = root.find("path.config").plain();
    let folder = if set.is_empty() { &home } else { &set };
    let path = path.replace("${path.config}", folder).replace("${path.home}", &home);
    resolve(&format!("{folder}/x"), &path)
}
