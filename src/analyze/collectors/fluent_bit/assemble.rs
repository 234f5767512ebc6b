//! Sections as one pipeline.

use std::collections::BTreeMap;

use super::Draft;
use super::filters::{Filter, processors};
use super::inputs::{Prepared, Storage, prepare};
use super::matching::Matching;
use super::outputs;
use super::plugins::plugin;
use super::routes::{Followed, Router, Sink, Way};
use super::section::{Direct, Kind, Section};
use super::tag::Shape;
use crate::analyze::collectors::model::{
    Effect, Input, Marker, NamespaceRule, OptOut, Pipeline, Receiver, Route, Source, Step, Unread,
};
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// The pipeline of a configuration.
pub(super) fn pipeline(draft: Draft) -> Pipeline {
    let Draft { sections, mut unread, .. } = draft;
    let service = sections.iter().find(|section| section.kind == Kind::Service);
    unread.extend(remote(&sections));
    unread.extend(misplaced(&sections));
    let mut prepared = Vec::new();
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    let inputs: Vec<&Section> = of_kind(&sections, Kind::Input).collect();
    for section in &inputs {
        let number = numbers.entry(section.plugin().unwrap_or_default()).or_default();
        prepared.extend(prepare(section, *number, service));
        *number += 1;
    }
    let mut all = assemble(&sections, prepared, inputs.len(), unread);
    all.own_metrics = Some(own_metrics(&sections, service));
    all
}

/// The pipeline of Fargate's log router: its input is not in the configuration.
pub(super) fn fargate(draft: Draft, at: &str) -> Pipeline {
    let Draft { sections, unread, .. } = draft;
    let sections: Vec<Section> =
        sections.into_iter().filter(|section| matches!(section.kind, Kind::Filter | Kind::Output)).collect();
    let own = Section::new(Kind::Input, at);
    let by_aws = "the log router of Fargate is run by AWS, which does not say";
    let path = Shape::of_text("/var/log/containers/*.log");
    let input = Prepared {
        section: &own,
        id: "fargate".into(),
        source: Source::Containers {
            through_api: false,
            folder: "/var/log/containers".into(),
            exclude: Vec::new(),
            namespaces: NamespaceRule::default(),
            only: Some("pods on Fargate".into()),
        },
        position: Some(Fact::unknown(by_aws)),
        steps: Vec::new(),
        tags: vec![(None, Shape::of_path(&Shape::of_text("kube.*"), &path))],
        storage: Storage::unseen(by_aws),
    };
    // Others than the one input may be there: without a match nothing can be said of an output.
    assemble(&sections, vec![input], usize::MAX, unread)
}

fn of_kind(sections: &[Section], kind: Kind) -> impl Iterator<Item = &Section> {
    sections.iter().filter(move |section| section.kind == kind)
}

fn assemble(
    sections: &[Section],
    prepared: Vec<Prepared<'_>>,
    count: usize,
    unread: Vec<Unread>,
) -> Pipeline {
    let service = sections.iter().find(|section| section.kind == Kind::Service);
    let outputs: Vec<&Section> = of_kind(sections, Kind::Output).collect();
    let filters: Vec<Filter<'_>> = of_kind(sections, Kind::Filter).map(Filter::of).collect();
    let alone = count == 1 && outputs.len() == 1;
    let sinks = sinks(&outputs, alone.then(|| !has_inner_inputs(sections)));
    let mut router = Router::new(filters, sinks);
    let mut storages: Vec<Vec<Storage>> = vec![Vec::new(); outputs.len()];
    let mut inputs = Vec::new();
    for input in prepared {
        for (input, followed) in follow(input, &mut router, &outputs) {
            for way in followed.iter().flat_map(|followed| &followed.ways) {
                if let Some(storages) = storages.get_mut(way.output) {
                    storages.push(way.storage.clone().unwrap_or_else(|| input.storage.clone()));
                }
            }
            inputs.push(finish(input, followed));
        }
    }
    let outputs = outputs.iter().zip(&storages).enumerate();
    let outputs = outputs
        .map(|(number, (section, storages))| outputs::read(section, number, storages, service))
        .collect();
    Pipeline { inputs, outputs, unread, own_metrics: None }
}

/// The outputs that take logs. `assumed` is for one output that has one input and no match: whether all goes to it.
fn sinks(outputs: &[&Section], assumed: Option<bool>) -> Vec<Sink> {
    let sink = |(output, section): (usize, &&Section)| {
        let takes_logs =
            section.plugin().map_or(true, |name| !matches!(plugin(&name).receiver, Receiver::NotLogs(_)));
        let mut matching = Matching::of(section);
        if matching.is_none() {
            matching = match assumed {
                Some(true) => Matching::everything(),
                Some(false) => Matching::unclear(
                    "the output has no match, and beside its one input there may be inner ones",
                ),
                None => matching,
            };
        }
        let at =
            section.get("match").or_else(|| section.get("match_regex")).map_or(&section.at, |own| &own.at);
        takes_logs.then(|| Sink {
            at: at.clone(),
            matching,
            steps: processors(&section.processors, true),
            output,
        })
    };
    outputs.iter().enumerate().filter_map(sink).collect()
}

/// Whether the program adds inputs of its own: for what waits on disk, and for filters that give records out anew.
fn has_inner_inputs(sections: &[Section]) -> bool {
    let emits = |section: &Section| {
        section.kind == Kind::Filter
            && section
                .plugin()
                .map_or(true, |name| matches!(name.as_str(), "rewrite_tag" | "multiline" | "log_to_metrics"))
    };
    sections.iter().any(|section| emits(section) || section.get("storage.path").is_some())
}

/// The ways of an input. Where they differ from path to path, it is taken as several inputs.
fn follow<'a>(
    input: Prepared<'a>,
    router: &mut Router<'_>,
    outputs: &[&Section],
) -> Vec<(Prepared<'a>, Result<Followed, String>)> {
    /// More paths in one input are not followed.
    const MAX_PATHS: usize = 200;
    if input.section.flag("routable", true).value() == Some(&false) {
        return vec![(input, Ok(Followed::default()))];
    }
    if input.tags.len() > MAX_PATHS {
        return vec![(input, Err("the input has more paths than this program follows".into()))];
    }
    let enriched = matches!(input.source, Source::Network { .. });
    let direct: Vec<Sink> =
        input.section.directs.iter().flat_map(|direct| direct_sinks(direct, outputs)).collect();
    let own = processors(&input.section.processors, enriched);
    let mut groups: Vec<(Vec<usize>, Result<Followed, String>)> = Vec::new();
    for (index, (_, tag)) in input.tags.iter().enumerate() {
        let mut followed = router.follow(tag, enriched, &direct);
        if let Ok(followed) = &mut followed {
            followed.ways.iter_mut().for_each(|way| {
                way.steps.splice(0..0, own.iter().cloned());
            });
        }
        match groups.iter_mut().find(|(_, known)| *known == followed) {
            Some((indices, _)) => indices.push(index),
            None => groups.push((vec![index], followed)),
        }
    }
    if groups.len() < 2 {
        let followed = groups.pop().map_or_else(|| Ok(Followed::default()), |(_, followed)| followed);
        return vec![(input, followed)];
    }
    groups.into_iter().map(|(indices, followed)| (input.part(&indices), followed)).collect()
}

/// The outputs that a rule of `routes` names, by alias, by plugin and number or by plugin.
fn direct_sinks(direct: &Direct, outputs: &[&Section]) -> Vec<Sink> {
    let is_meant = |number: usize, section: &Section| {
        let name = section.plugin().unwrap_or_default();
        let alias = section.seen("alias");
        direct
            .to
            .iter()
            .any(|to| Some(to) == alias.as_ref() || *to == name || *to == format!("{name}.{number}"))
    };
    let condition = direct.conditional.then(|| Step {
        at: direct.at.clone(),
        what: "routes by a condition".into(),
        effect: Effect::DropsSome,
    });
    outputs
        .iter()
        .enumerate()
        .filter(|(number, section)| is_meant(*number, section))
        .map(|(output, section)| Sink {
            at: direct.at.clone(),
            matching: Matching::everything(),
            steps: condition.iter().cloned().chain(processors(&section.processors, true)).collect(),
            output,
        })
        .collect()
}

/// The input with its ways.
fn finish(input: Prepared<'_>, followed: Result<Followed, String>) -> Input {
    let section = input.section;
    let tags: Vec<String> = input.tags.iter().map(|(_, tag)| tag.shown()).collect();
    let (at, tag) = match section.get("tag") {
        Some(property) => (&property.at, property.shown()),
        None => (&section.at, "tag is not set".to_owned()),
    };
    let (routes, honoured) = match followed {
        Err(reason) => (Fact::unknown(reason), Vec::new()),
        Ok(followed) => {
            let detail = if followed.ways.is_empty() {
                format!("{tag}: no output takes {}", tags.join(", "))
            } else {
                format!("{tag}: {}", tags.join(", "))
            };
            let routes: Vec<Route> =
                followed.ways.into_iter().map(|Way { steps, output, .. }| Route { steps, output }).collect();
            (Fact::at(routes, Rank::Configured, at, detail), followed.honoured)
        }
    };
    let opt_outs = match input.source {
        Source::Journal { .. } => Vec::new(),
        _ => honoured.into_iter().reduce(Fact::or).map(opt_out).into_iter().collect(),
    };
    Input {
        id: input.id,
        at: section.at.clone(),
        source: input.source,
        position: input.position,
        opt_outs,
        steps: input.steps,
        routes,
    }
}

/// The annotations by which pods withdraw (fluent-bit docs: filters/kubernetes).
pub(in super::super) fn opt_out(honoured: Fact<bool>) -> OptOut {
    OptOut {
        marker: Marker::Annotation,
        key: "fluentbit.io/exclude*".into(),
        value: "true".into(),
        on_namespaces: false,
        honoured,
    }
}

/// Plugins that fetch further configuration from elsewhere.
fn remote(sections: &[Section]) -> Vec<Unread> {
    let is_remote = |section: &&Section| {
        let name = section.plugin().unwrap_or_default();
        section.kind == Kind::Custom || name == "calyptia_fleet"
    };
    let why = "the configuration may be replaced by one from a fleet manager, which is not seen";
    sections
        .iter()
        .filter(is_remote)
        .map(|section| Unread { at: section.at.clone(), why: why.into() })
        .collect()
}

/// Includes that stand within a section, where the program takes them for a key.
fn misplaced(sections: &[Section]) -> Vec<Unread> {
    let why = |shown: String| format!("{shown} stands within a section, where it is not followed");
    let keys = sections.iter().flat_map(|section| &section.properties);
    keys.filter(|property| property.key == "@include")
        .map(|property| Unread { at: property.at.clone(), why: why(property.shown()) })
        .collect()
}

/// The program's own metrics: through its HTTP server, or as an input that an exporter for metrics takes.
fn own_metrics(sections: &[Section], service: Option<&Section>) -> Fact<bool> {
    let served = match service {
        Some(service) => service.flag("http_server", false),
        None => Fact::known(false, Rank::Configured, Vec::new()),
    };
    let named = |kind: Kind, names: &[&str]| {
        of_kind(sections, kind)
            .find(|section| section.plugin().is_ok_and(|name| names.contains(&name.as_str())))
    };
    let input = named(Kind::Input, &["fluentbit_metrics"]);
    let output = named(Kind::Output, &["prometheus_exporter", "prometheus_remote_write"]);
    match (input, output) {
        (Some(input), Some(_)) => served.or(input.default(true, "fluentbit_metrics is an input")),
        _ => served,
    }
}
