//! What the agent reads beside containers: `logs` in the files of `conf.d` (Datadog docs: "custom log collection").

use super::Agent;
use crate::analyze::collectors::config::{Config, File, Hidden};
use crate::analyze::collectors::model::{Effect, Input, Listener, Pipeline, Route, Source, Step, Unread};
use crate::analyze::collectors::paths::is_or_below;
use crate::analyze::collectors::settings::{Setting, Settings};
use crate::analyze::fact::Fact;

/// Where the files lie; what is mounted at the second one is copied to the first when the agent starts.
const FOLDERS: [&str; 2] = ["/etc/datadog-agent/conf.d", "/conf.d"];

/// Adds the inputs of these files. All of them lead to the output of logs.
pub(super) fn add(config: &Config, agent: &Agent<'_>, pipeline: &mut Pipeline) {
    let is_below = |file: &&File| {
        let ending = file.path.rsplit_once('.').is_some_and(|(_, ending)| matches!(ending, "yaml" | "yml"));
        ending && FOLDERS.iter().any(|folder| is_or_below(&file.path, folder))
    };
    for file in config.files.iter().filter(is_below) {
        match Settings::of_text(&file.text, &file.at) {
            Ok(settings) => {
                let items = settings.root().get("logs").items();
                let inputs = items.iter().enumerate().map(|(index, item)| input(file, agent, index, item));
                pipeline.inputs.extend(inputs);
            }
            Err(unreadable) => pipeline.unread.push(Unread { at: unreadable.at, why: unreadable.why }),
        }
    }
    // Files that are not seen may read more; they take nothing from what others read.
    let hidden = |hidden: &&Hidden| {
        let path = hidden.path.trim_end_matches('/');
        FOLDERS
            .iter()
            .any(|folder| is_or_below(path, folder) || !path.is_empty() && is_or_below(folder, path))
    };
    for hidden in config.hidden.iter().filter(hidden) {
        let include = vec![Fact::unknown(format!("what {} holds is not seen: {}", hidden.path, hidden.why))];
        let mut input =
            agent.draft(&hidden.path, "DD_LOGS_ENABLED", Source::Files { include, exclude: Vec::new() });
        input.routes = ways(agent, Vec::new());
        pipeline.inputs.push(input);
    }
}

fn ways(agent: &Agent<'_>, mut steps: Vec<Step>) -> Fact<Vec<Route>> {
    steps.extend(agent.rules());
    agent.fact("DD_LOGS_ENABLED", vec![Route { steps, output: 0 }], "the agent sends all logs to its site")
}

fn input(file: &File, agent: &Agent<'_>, index: usize, item: &Setting<'_>) -> Input {
    let kind = item.get("type").plain();
    let source = match kind.as_str() {
        "file" => {
            Source::Files { include: item.get("path").texts(), exclude: item.get("exclude_paths").texts() }
        }
        "journald" => {
            let folder = item.get("path");
            let only = item.get("include_units").texts();
            Source::Journal {
                folder: folder
                    .is_set()
                    .then(|| folder.fact(folder.plain(), format!("path {}", folder.plain()))),
                only,
            }
        }
        "tcp" | "udp" => {
            let port = item.get("port");
            let address = match port.text() {
                Err(why) => Fact::unknown(why),
                Ok(text) => port.fact(text.unwrap_or_default(), "port is set"),
            };
            let listener = Listener::new(address, item.fact(false, "the agent takes no TLS"));
            Source::Network { protocol: kind, listeners: vec![listener] }
        }
        _ => Source::Other(kind),
    };
    let name = file.path.rsplit('/').next().unwrap_or_default();
    let mut input = agent.draft(&format!("{name} logs[{index}]"), "DD_LOGS_ENABLED", source);
    input.at = item.place();
    if !matches!(input.source, Source::Network { .. }) {
        input.position = Some(agent.position());
    }
    let rules = item.get("log_processing_rules").items();
    let steps = rules.iter().filter_map(|rule| {
        let kind = rule.get("type").plain();
        let effect = match kind.as_str() {
            "exclude_at_match" | "include_at_match" => Effect::DropsSome,
            "mask_sequences" => Effect::Redacts,
            _ => return None,
        };
        Some(Step { at: rule.place(), what: kind, effect })
    });
    input.routes = ways(agent, steps.collect());
    input
}
