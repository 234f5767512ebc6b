//! Jobs: what is read, and the stages lines go through.

use std::collections::BTreeMap;

use super::yaml::Part;
use crate::analyze::collectors::loki::relabel::{Family, Open, Rule, Value as Label};
use crate::analyze::collectors::loki::stages::{self, Stage};
use crate::analyze::collectors::loki::{Setting, brief};
use crate::analyze::collectors::model::{
    Effect, Input, Listener, NamespaceMatch, NamespaceRule, Pattern, Source, Step,
};
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// Kinds of jobs that wait for what others send, with the protocol.
const SERVERS: [(&str, &str); 4] =
    [("syslog", "syslog"), ("loki_push_api", "loki"), ("gelf", "gelf"), ("heroku_drain", "heroku")];

/// Kinds of jobs that fetch from elsewhere.
const OTHERS: [&str; 6] =
    ["windows_events", "gcplog", "kafka", "cloudflare", "azure_event_hubs", "docker_sd_configs"];

/// What a job reads. The routes are not filled in.
pub(super) fn inputs(job: &Part<'_>, position: &Fact<Option<String>>) -> Vec<Input> {
    let rules = rules(job);
    let mut found: Vec<(Source, Family, bool)> = Vec::new();
    if let Some(journal) = job.get("journal") {
        found.push(self::journal(&journal, &rules));
    }
    for (key, protocol) in SERVERS {
        if let Some(server) = job.get(key) {
            let source =
                Source::Network { protocol: protocol.to_owned(), listeners: vec![listener(&server)] };
            found.push((source, lines(&rules), false));
        }
    }
    for key in OTHERS {
        if job.get(key).is_some() {
            found.push((Source::Other(key.trim_end_matches("_sd_configs").to_owned()), lines(&rules), true));
        }
    }
    found.extend(families(job).into_iter().map(|mut family| {
        family.relabel(&rules);
        family.tell_static_pods();
        files(job, family)
    }));
    let several = found.len() > 1;
    let name = job.get("job_name").and_then(|name| name.text().ok());
    let name = name.unwrap_or_else(|| job.path().to_owned());
    found
        .into_iter()
        .enumerate()
        .map(|(number, (source, family, keeps))| Input {
            id: if several { format!("{name}/{number}") } else { name.clone() },
            at: job.at(),
            source,
            position: keeps.then(|| position.clone()),
            opt_outs: family.opt_outs.clone(),
            steps: family.into_steps(),
            routes: Fact::unknown("the routes are not read"),
        })
        .collect()
}

/// Where a job listens: at an address, or with a server of its own.
fn listener(server: &Part<'_>) -> Listener {
    let inner = server.get("server");
    let port = server
        .get("listen_address")
        .or_else(|| inner.as_ref().and_then(|inner| inner.get("http_listen_port")));
    let port = match port {
        None => Fact::unknown(format!("no port to listen on is set at {}", server.at())),
        Some(port) => match port.text() {
            Ok(text) => Fact::at(text.clone(), Rank::Configured, port.at(), format!("listens on {text}")),
            Err(why) => Fact::unknown(why),
        },
    };
    let tls =
        server.get("tls_config").or_else(|| inner.as_ref().and_then(|inner| inner.get("http_tls_config")));
    let tls = match tls {
        Some(tls) => Fact::at(true, Rank::Configured, tls.at(), "a certificate is set"),
        None => Fact::at(false, Rank::Configured, server.at(), "no certificate is set"),
    };
    Listener::new(port, tls)
}

/// What the relabelling of a job does to lines that are not from discovered targets.
fn lines(rules: &[Rule]) -> Family {
    let mut family = Family { open: Open::All, ..Family::default() };
    family.relabel(rules);
    family
}

fn files(job: &Part<'_>, mut family: Family) -> (Source, Family, bool) {
    let include = family.paths("__path__");
    let exclude = family.paths("__path_exclude__");
    if include.is_empty() {
        family.step(&job.at(), "targets without __path__ are not read".into(), Effect::DropsAll);
    }
    (Source::Files { include, exclude }, family, true)
}

fn journal(journal: &Part<'_>, rules: &[Rule]) -> (Source, Family, bool) {
    let text = |name: &str| {
        let part = journal.get(name)?;
        Some(match part.text() {
            Ok(text) => Fact::at(text.clone(), Rank::Configured, part.at(), format!("{name} {text}")),
            Err(why) => Fact::unknown(why),
        })
    };
    let mut family = lines(rules);
    let limits = std::mem::take(&mut family.only)
        .into_iter()
        .map(|(at, only)| Fact::at(only.clone(), Rank::Configured, at, format!("keep {only}")));
    let only = text("matches").into_iter().chain(limits).collect();
    (Source::Journal { folder: text("path"), only }, family, true)
}

/// Targets before relabelling.
fn families(job: &Part<'_>) -> Vec<Family> {
    let mut found = Vec::new();
    for (key, part) in job.fields() {
        match key {
            "static_configs" => found.extend(part.items().iter().map(written)),
            "kubernetes_sd_configs" => found.extend(part.items().iter().map(kubernetes)),
            "docker_sd_configs" => {}
            key if key.ends_with("_sd_configs") => {
                let mut family = Family { open: Open::Hidden, ..Family::default() };
                let why = format!("targets of {} are not seen", brief(key));
                family.set("__path__", &part.at(), Label::Unclear(why));
                found.push(family);
            }
            _ => {}
        }
    }
    found
}

fn written(part: &Part<'_>) -> Family {
    let mut family = Family::default();
    for (label, value) in part.get("labels").iter().flat_map(Part::fields) {
        family.set(label, &value.at(), value.text().map_or_else(Label::Unclear, Label::Text));
    }
    family
}

fn kubernetes(part: &Part<'_>) -> Family {
    let mut family = Family { open: Open::Hidden, ..Family::default() };
    let namespaces = part.get("namespaces");
    if let Some(names) = namespaces.as_ref().and_then(|namespaces| namespaces.get("names")) {
        let matching = |pattern| NamespaceMatch { at: names.at(), pattern };
        let list = match names.texts() {
            Ok(list) => list.into_iter().map(|name| matching(Pattern::Name(name))).collect(),
            Err(why) => vec![matching(Pattern::Unclear(why))],
        };
        only(&mut family, &names, list);
    }
    if let Some(own) = namespaces.and_then(|namespaces| namespaces.get("own_namespace"))
        && own.text().as_deref() == Ok("true")
    {
        let pattern = Pattern::Unclear("own_namespace: that of the collector".into());
        only(&mut family, &own, vec![NamespaceMatch { at: own.at(), pattern }]);
    }
    for selector in part.get("selectors").iter().flat_map(Part::items) {
        for kind in ["label", "field"] {
            let Some(value) = selector.get(kind) else { continue };
            match value.text() {
                Ok(text) => family.only.push((value.at(), format!("pods with the {kind} {}", brief(&text)))),
                // The name of the collector's own node is given to it in a variable.
                Err(_) if kind == "field" => {}
                Err(why) => family.step(&value.at(), format!("selector by {kind}: {why}"), Effect::Unclear),
            }
        }
    }
    family
}

fn only(family: &mut Family, part: &Part<'_>, list: Vec<NamespaceMatch>) {
    if !list.is_empty() {
        let rule = NamespaceRule { only: Some(list), except: Vec::new() };
        family.step(&part.at(), "discovery in some namespaces only".into(), Effect::Namespaces(rule));
    }
}

fn rules(job: &Part<'_>) -> Vec<Rule> {
    // Those of the journal and of syslog stand in the same place.
    job.get("relabel_configs")
        .iter()
        .flat_map(Part::items)
        .map(|rule| {
            let text = |key: &str, default: &str| -> Setting {
                // An empty text is a value of its own.
                rule.get(key).map_or_else(|| Ok(default.to_owned()), |part| part.text())
            };
            Rule {
                at: rule.at(),
                action: text("action", "replace"),
                sources: rule.get("source_labels").map_or_else(|| Ok(Vec::new()), |part| part.texts()),
                separator: text("separator", ";"),
                regex: text("regex", "(.*)"),
                replacement: text("replacement", "$1"),
                target: text("target_label", ""),
            }
        })
        .collect()
}

/// What the stages of a job do to lines.
pub(super) fn steps(job: &Part<'_>) -> Vec<Step> {
    let mut lines = Family { open: Open::All, ..Family::default() };
    let stages: Vec<Stage> = job.get("pipeline_stages").iter().flat_map(|part| list(part, 0)).collect();
    stages::run(&stages, &mut lines);
    lines.into_steps()
}

/// Each stage is a mapping with one key.
fn list(part: &Part<'_>, depth: usize) -> Vec<Stage> {
    /// YAML itself ends at 128 levels.
    const MAX_DEPTH: usize = 60;
    if depth > MAX_DEPTH {
        return Vec::new();
    }
    part.items()
        .iter()
        .flat_map(Part::fields)
        .map(|(name, part)| {
            let scalars = part.fields().into_iter().filter(|(_, part)| part.is_scalar());
            let options: BTreeMap<String, Setting> =
                scalars.map(|(key, part)| (key.to_owned(), part.text())).collect();
            Stage {
                at: part.at(),
                name: name.to_owned(),
                values: if matches!(name, "static_labels" | "labels") {
                    options.clone()
                } else {
                    BTreeMap::new()
                },
                options,
                nested: part.get("stages").map(|stages| list(&stages, depth + 1)).unwrap_or_default(),
            }
        })
        .collect()
}
