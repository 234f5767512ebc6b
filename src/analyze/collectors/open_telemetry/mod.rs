//! The OpenTelemetry Collector and its distributions: YAML with components and the pipelines that use them.
//!
//! | module | does |
//! | --- | --- |
//! | `graph` | pipelines, and the ways through them and their connectors |
//! | `receivers` | what is read |
//! | `operators` | the steps inside of receivers of files |
//! | `processors` | what is dropped on the way |
//! | `conditions` | which namespaces a condition of the transformation language is about |
//! | `exporters` | where it goes |
//! | `delivery` | how it waits and is tried again |

mod conditions;
mod delivery;
mod exporters;
mod graph;
mod operators;
mod processors;
mod receivers;
#[cfg(test)]
mod tests;

use serde_json::Value;

use super::config::{Config, Env, Lookup, MAX_BYTES, MAX_FILES};
use super::dialect::Unreadable;
use super::model::{Pipeline, Unread};
use super::settings::{Piece, Setting, Settings};
use crate::analyze::fact::Fact;
use crate::document::{Place, yaml};

/// Reads the files a collector is started with. [`Config::main`] names one, or several in lines, as `--config` takes
/// them: a path, `file:path`, `env:NAME` or `yaml:text`. Later ones are laid over earlier ones (Collector docs:
/// configuration, "location").
///
/// # Errors
/// A text is not YAML, the only file is not seen, or the collector would not start with it.
pub fn read(config: &Config) -> Result<Pipeline, Unreadable> {
    let mut unread = Vec::new();
    let mut whole: Option<Settings> = None;
    for source in config.main.lines().map(str::trim).filter(|line| !line.is_empty()).take(MAX_FILES) {
        match source_text(config, source) {
            Ok((name, text)) => {
                let settings = Settings::of_text(&text, &name)?;
                if settings.root().is_set() && !settings.root().is_mapping() {
                    return Err(Unreadable::new(
                        settings.root().place(),
                        "it is not a mapping of components",
                    ));
                }
                match &mut whole {
                    Some(whole) => whole.overlay(settings),
                    None => whole = Some(settings),
                }
            }
            Err(why) => unread.push(Unread { at: source.to_owned(), why }),
        }
    }
    match (whole, unread.first()) {
        (Some(settings), _) => read_settings(settings, Some(config), &config.env, unread),
        (None, Some(first)) => Err(Unreadable::new(&*first.at, &*first.why)),
        (None, None) => Err(Unreadable::new("--config", "no configuration is named")),
    }
}

/// Reads the configuration in an `OpenTelemetryCollector`: an object (v1beta1) or a text (v1alpha1) at `prefix`.
///
/// # Errors
/// The text is not YAML, or the collector would not start with it.
pub fn read_value(value: &Value, place: &Place, prefix: &str, env: &Env) -> Result<Pipeline, Unreadable> {
    let settings = match value {
        Value::String(text) => Settings::of_text(text, &yaml::inner_name(place, prefix))?,
        value => Settings::of_value(value, place, prefix),
    };
    read_settings(settings, None, env, Vec::new())
}

/// The text of one `--config`, and what its places are called.
fn source_text(config: &Config, source: &str) -> Result<(String, String), String> {
    if let Some(name) = source.strip_prefix("env:") {
        return match config.env.get(name) {
            Fact::Known(known) => Ok((format!("variable {name}"), known.value.unwrap_or_default())),
            Fact::Unknown(unknown) => Err(unknown.reason),
        };
    }
    if let Some(text) = source.strip_prefix("yaml:") {
        return Ok(("--config yaml:".to_owned(), overrides(text)));
    }
    if source.starts_with("http://") || source.starts_with("https://") {
        return Err("it is fetched from an address when the collector starts".to_owned());
    }
    match config.file(source.strip_prefix("file:").unwrap_or(source)) {
        Lookup::Seen(file) if file.text.len() > MAX_BYTES => {
            Err(format!("larger than {MAX_BYTES} bytes, which is more than is read"))
        }
        Lookup::Seen(file) => Ok((file.at.clone(), file.text.clone())),
        Lookup::Hidden(why) => Err(why),
    }
}

/// `exporters::debug::verbosity: basic` as nested YAML in one line.
fn overrides(text: &str) -> String {
    let Some((path, value)) = text.split_once(": ").filter(|(path, _)| path.contains("::")) else {
        return text.to_owned();
    };
    let mut keys: Vec<&str> = path.split("::").take(50).collect();
    let last = keys.pop().unwrap_or_default();
    let open = keys.iter().fold(String::new(), |open, key| format!("{open}{{{key}: "));
    format!("{open}{{{last}: {value}}}{}", "}".repeat(keys.len()))
}

fn read_settings(
    mut settings: Settings,
    config: Option<&Config>,
    env: &Env,
    mut unread: Vec<Unread>,
) -> Result<Pipeline, Unreadable> {
    settings.replace_variables(true, &mut |inside| variable(inside, config, env));
    let root = settings.root();
    if let Some(why) = root.why() {
        return Err(Unreadable::new(root.place(), why));
    }
    let sections = ["receivers", "processors", "exporters", "connectors", "extensions", "service"];
    let mut parts: Vec<Setting<'_>> = sections.iter().map(|section| root.get(section)).collect();
    if parts.iter().all(|part| part.why().is_none()) {
        parts = root.find("service.pipelines").entries().into_iter().map(|(_, pipeline)| pipeline).collect();
    }
    for part in parts {
        if let Some(why) = part.why() {
            unread.push(Unread { at: part.place(), why: format!("{} is not seen: {why}", part.name()) });
        }
    }
    let mut pipeline = graph::read(&root, &mut unread)?;
    pipeline.unread = unread;
    pipeline.own_metrics = Some(own_metrics(&root));
    Ok(pipeline)
}

/// `${env:X}`, `${X}`, `${env:X:-default}`, `${file:path}`, `${yaml:text}` (Collector docs: confmap providers).
fn variable(inside: &str, config: Option<&Config>, env: &Env) -> Piece {
    match inside.split_once(':') {
        Some(("file", path)) => match config.map(|config| config.file(path)) {
            Some(Lookup::Seen(file)) => Piece::Text(file.text.clone()),
            Some(Lookup::Hidden(why)) => Piece::Unseen(format!("the file {path} is not seen: {why}")),
            None => Piece::Unseen(format!("the file {path} is not seen")),
        },
        Some(("yaml", text)) => Piece::Text(text.to_owned()),
        Some((scheme, rest)) if scheme != "env" && !rest.starts_with('-') => {
            Piece::Unseen(format!("it comes from a provider `{scheme}` that is not read"))
        }
        _ => match env.expand(&format!("${{{inside}}}")) {
            Ok(text) => Piece::Text(text),
            Err(why) => Piece::Unseen(why),
        },
    }
}

/// Metrics of the collector itself are offered at localhost:8888 unless that is changed (Collector docs: internal
/// telemetry).
fn own_metrics(root: &Setting<'_>) -> Fact<bool> {
    let metrics = root.find("service.telemetry.metrics");
    if let Some(why) = metrics.why() {
        return Fact::unknown(why);
    }
    let level = metrics.get("level");
    let readers = metrics.get("readers");
    match level.text() {
        Err(why) => Fact::unknown(why),
        Ok(Some(level_is)) if level_is == "none" => level.fact(false, "telemetry.metrics.level none"),
        _ if readers.is_list() => readers.fact(
            !readers.items().is_empty(),
            format!("telemetry.metrics has {} readers", readers.items().len()),
        ),
        Ok(Some(level_is)) => level.fact(true, format!("telemetry.metrics.level {level_is}")),
        Ok(None) => metrics.fact(true, "telemetry.metrics.level is not set; the default is normal"),
    }
}

/// The kind of a component: `filelog` for `file_log/audit`. Names are being changed from `filelog` to `file_log`; both
/// are read.
fn kind_of(id: &str) -> String {
    id.split('/').next().unwrap_or_default().trim().replace('_', "").to_ascii_lowercase()
}
