//! Configurations of Promtail, and of the `logs` part of Grafana Agent in static mode, which is made of the same parts
//! (Promtail docs: configuration; Grafana Agent docs: `logs_config`).

mod clients;
mod scrape;
#[cfg(test)]
mod tests;
mod yaml;

use super::config::{Config, Lookup, MAX_BYTES};
use super::dialect::Unreadable;
use super::model::{Effect, Output, Pipeline, Route, Step};
use crate::analyze::fact::Fact;
use crate::document::{self, Document, Place};
use crate::verdict::{Evidence, Rank};
use yaml::Part;

/// Where Promtail remembers how far it has read if nothing is said.
const POSITIONS: &str = "/var/log/positions.yaml";

/// Where a client may come from otherwise.
const UNSEEN_CLIENT: &str =
    "one may be given by the argument -client.url, which is not among those that are seen";

/// Reads a configuration.
///
/// # Errors
/// It is not seen, not YAML, or has nothing that reads logs.
pub fn read(config: &Config) -> Result<Pipeline, Unreadable> {
    let file = match config.file(&config.main) {
        Lookup::Seen(file) => file,
        Lookup::Hidden(why) => return Err(Unreadable::new(&*config.main, why)),
    };
    if file.text.len() > MAX_BYTES {
        return Err(Unreadable::new(&*file.at, "it is too large"));
    }
    let parsed = document::yaml::parse(&file.text);
    if let Some(fault) = parsed.faults.first() {
        let line = usize::try_from(fault.line).unwrap_or(usize::MAX);
        return Err(Unreadable::new(file.place(line), fault.message.clone()));
    }
    let Some(document) = parsed.trees.into_iter().next().map(|tree| tree.document(&file.at)) else {
        return Err(Unreadable::new(&*file.at, "it is empty"));
    };
    let root = Part::root(&document, &config.env);
    let given = given(config);
    let given = given.as_ref().map(|client| Part::root(client, &config.env));
    let mut pipeline = Pipeline::default();
    match root.get("logs") {
        Some(logs) if root.get("scrape_configs").is_none() => agent(&logs, &mut pipeline),
        _ if root.get("scrape_configs").is_some() || root.get("clients").is_some() => {
            instance(&root, None, given.as_ref(), None, &mut pipeline);
        }
        _ => return Err(Unreadable::new(&*file.at, "it has neither scrape_configs nor logs")),
    }
    pipeline.own_metrics = Some(match root.get("server").and_then(|server| server.get("disable")) {
        Some(disable) if disable.text().as_deref() == Ok("true") => {
            Fact::at(false, Rank::Configured, disable.at(), "server.disable on")
        }
        _ => Fact::at(
            true,
            Rank::Configured,
            &*file.at,
            "metrics of its own are served at /metrics by default",
        ),
    });
    Ok(pipeline)
}

/// The client of the argument `-client.url`, beside those of the configuration.
fn given(config: &Config) -> Option<Document> {
    let url = config.argument(&["-client.url", "--client.url"])?;
    Some(Document { value: serde_json::json!({ "url": url }), place: Place::of(&*config.args_at) })
}

/// Each of `logs.configs` is a Promtail of its own; clients and the folder of positions may be common.
fn agent(logs: &Part<'_>, pipeline: &mut Pipeline) {
    let common = logs.get("global").and_then(|global| global.get("clients"));
    for part in logs.get("configs").iter().flat_map(Part::items) {
        let folder = logs.get("positions_directory");
        let positions = folder.map(|folder| {
            let name = part.get("name").map_or_else(|| Ok("default".to_owned()), |name| name.text());
            match (folder.text(), name) {
                (Ok(path), Ok(name)) => {
                    let path = format!("{}/{name}.yml", path.trim_end_matches('/'));
                    let detail = format!("positions_directory: {path}");
                    Fact::at(Some(path), Rank::Configured, folder.at(), detail)
                }
                (Err(why), _) | (_, Err(why)) => Fact::unknown(why),
            }
        });
        instance(&part, common.as_ref(), None, positions, pipeline);
    }
}

/// One Promtail: whatever it reads goes to all its clients.
fn instance(
    root: &Part<'_>,
    common: Option<&Part<'_>>,
    given: Option<&Part<'_>>,
    positions: Option<Fact<Option<String>>>,
    pipeline: &mut Pipeline,
) {
    let own = root.get("clients").filter(|clients| !clients.items().is_empty());
    let listed = own.as_ref().or(common).map(Part::items).unwrap_or_default();
    let buffer = clients::buffer(root);
    let outputs: Vec<Output> = root
        .get("client")
        .into_iter()
        .chain(listed)
        .map(|client| clients::output(&client, buffer.clone()))
        .chain(
            given
                .map(|client| Output { id: "-client.url".into(), ..clients::output(client, buffer.clone()) }),
        )
        .collect();
    let first = pipeline.outputs.len();
    let evidence: Vec<Evidence> = outputs
        .iter()
        .map(|output| Evidence { at: output.at.clone(), detail: "all logs go to each client".into() })
        .collect();
    let indexes = first..first + outputs.len();
    pipeline.outputs.extend(outputs);
    let position =
        root.get("positions").and_then(|positions| positions.get("filename")).map(|name| match name.text() {
            Ok(path) => {
                let detail = format!("positions.filename: {path}");
                Fact::at(Some(path), Rank::Configured, name.at(), detail)
            }
            Err(why) => Fact::unknown(why),
        });
    let position = position.or(positions).unwrap_or_else(|| {
        let detail = format!("positions.filename is not set; the default is {POSITIONS}");
        Fact::at(Some(POSITIONS.to_owned()), Rank::Configured, root.at(), detail)
    });
    let limits = limits(root);
    for job in root.get("scrape_configs").iter().flat_map(Part::items) {
        for mut input in scrape::inputs(&job, &position) {
            let steps = scrape::steps(&job);
            let steps: Vec<Step> = limits.iter().cloned().chain(steps).collect();
            let routes = indexes.clone().map(|output| Route { steps: steps.clone(), output }).collect();
            // It does not start without a client, so there is one all the same.
            input.routes = if indexes.is_empty() {
                Fact::unknown(format!("clients is not set at {}; {UNSEEN_CLIENT}", root.at()))
            } else {
                Fact::known(routes, Rank::Configured, evidence.clone())
            };
            pipeline.inputs.push(input);
        }
    }
}

/// A rate for all lines; without `readline_rate_drop` reading waits, but dropping is the default.
fn limits(root: &Part<'_>) -> Option<Step> {
    let limits = root.get("limits_config")?;
    let enabled = limits.get("readline_rate_enabled")?;
    let is = |part: &Part<'_>, value: &str| part.text().is_ok_and(|text| text == value);
    let waits = limits.get("readline_rate_drop").is_some_and(|drop| is(&drop, "false"));
    (is(&enabled, "true") && !waits).then(|| Step {
        at: enabled.at(),
        what: "limits_config.readline_rate_enabled drops lines above a rate".into(),
        effect: Effect::Limits,
    })
}
