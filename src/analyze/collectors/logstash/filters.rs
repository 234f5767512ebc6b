//! What filters take out, by what is known of an input's records.

use super::condition::{self, Known, Test};
use super::syntax::{Node, Plugin};
use super::value::{Settings, words};
use crate::analyze::collectors::config::Env;
use crate::analyze::collectors::model::{Effect, NamespaceRule, Step};

/// Filters that parse, add or rename, and drop nothing.
const HARMLESS: [&str; 44] = [
    "age",
    "alter",
    "bytes",
    "cidr",
    "clone",
    "csv",
    "date",
    "de_dot",
    "dissect",
    "dns",
    "elapsed",
    "elasticsearch",
    "environment",
    "extractnumbers",
    "geoip",
    "grok",
    "hashid",
    "http",
    "i18n",
    "java_uuid",
    "jdbc_static",
    "jdbc_streaming",
    "json",
    "json_encode",
    "kubernetes_metadata",
    "kv",
    "memcached",
    "metricize",
    "metrics",
    "multiline",
    "prune",
    "sleep",
    "split",
    "syslog_pri",
    "threats_classifier",
    "throttle",
    "tld",
    "translate",
    "truncate",
    "unset",
    "urldecode",
    "useragent",
    "uuid",
    "xml",
];

/// The conditions under which a filter is reached: each test, what it must come to, and where it stands.
type Guards<'s> = Vec<(&'s Test, bool, String)>;

/// The filters of a pipeline.
pub(super) struct Filters<'s> {
    pub(super) nodes: &'s [Node<'s>],
    pub(super) env: &'s Env,
}

impl<'s> Filters<'s> {
    /// All of them, in whatever condition.
    fn plugins(&self) -> Vec<&'s Plugin<'s>> {
        let mut open: Vec<&Node<'_>> = self.nodes.iter().collect();
        let mut found = Vec::new();
        while let Some(node) = open.pop() {
            match node {
                Node::Plugin(plugin) => found.push(plugin),
                Node::Branch(arms) => open.extend(arms.iter().flat_map(|arm| &arm.body)),
            }
        }
        found
    }

    /// Whether a filter may set a field, or has a setting of this name.
    pub(super) fn may_change(&self, name: &str) -> bool {
        self.plugins().into_iter().any(|plugin| {
            matches!(plugin.name, "ruby" | "json" | "kv" | "translate" | "aggregate" | "xml" | "csv")
                || plugin.settings.iter().any(|setting| {
                    setting.key == name
                        || words(&setting.value).iter().any(|word| {
                            *word == name
                                || *word == format!("[{name}]")
                                || word.contains(&format!(":{name}}}"))
                        })
                })
        })
    }

    /// The tags that throttle filters give to what is above their rate.
    pub(super) fn throttled(&self) -> Vec<&'s str> {
        let throttles = self.plugins().into_iter().filter(|plugin| plugin.name == "throttle");
        throttles.flat_map(|plugin| Settings::new(plugin, self.env).written("add_tag")).collect()
    }

    /// The steps for records of which this is known.
    pub(super) fn steps(&self, known: &Known) -> Vec<Step> {
        let mut steps = Vec::new();
        let throttled = self.throttled();
        self.collect(self.nodes, &mut Vec::new(), known, &throttled, &mut steps);
        steps
    }

    fn collect(
        &self,
        nodes: &'s [Node<'s>],
        guards: &mut Guards<'s>,
        known: &Known,
        throttled: &[&str],
        steps: &mut Vec<Step>,
    ) {
        for node in nodes {
            match node {
                Node::Plugin(plugin) => steps.extend(self.step(plugin, guards, throttled)),
                Node::Branch(arms) => {
                    let before = guards.len();
                    for arm in arms {
                        let truth = arm.test.as_ref().map_or(Some(true), |test| test.truth(known));
                        if truth != Some(false) {
                            let inside = guards.len();
                            if let (Some(test), None) = (&arm.test, truth) {
                                guards.push((test, true, arm.at.at()));
                            }
                            self.collect(&arm.body, guards, known, throttled, steps);
                            guards.truncate(inside);
                        }
                        match (&arm.test, truth) {
                            (_, Some(true)) => break,
                            (Some(test), None) => guards.push((test, false, arm.at.at())),
                            _ => {}
                        }
                    }
                    guards.truncate(before);
                }
            }
        }
    }

    fn step(&self, plugin: &'s Plugin<'s>, guards: &Guards<'s>, throttled: &[&str]) -> Option<Step> {
        let settings = Settings::new(plugin, self.env);
        let step = |what: String, effect: Effect| Some(Step { at: plugin.spot.at(), what, effect });
        match plugin.name {
            "drop" => {
                let (what, effect) = drops(settings, guards, throttled);
                step(what, effect)
            }
            "ruby" if is_tame(settings) => None,
            "ruby" | "aggregate" => {
                step(format!("{} runs code that may drop events", plugin.name), Effect::Unclear)
            }
            "anonymize" | "cipher" => {
                step(format!("{} replaces the contents of fields", plugin.name), Effect::Redacts)
            }
            "fingerprint" => {
                let replaces = settings.text("target").ok().flatten().is_some_and(|(target, _)| {
                    settings.list("source").is_ok_and(|source| {
                        source.map_or(target == "message", |(fields, _)| fields.contains(&target))
                    })
                });
                if replaces {
                    step("fingerprint replaces the field it is made of".into(), Effect::Redacts)
                } else {
                    None
                }
            }
            "mutate" => redaction(settings).and_then(|what| step(what, Effect::Redacts)),
            name if HARMLESS.contains(&name) => None,
            name => step(format!("the filter {name} is not known and may drop events"), Effect::Unclear),
        }
    }
}

/// Code that is seen and neither drops events nor runs other code.
fn is_tame(settings: Settings<'_>) -> bool {
    let code = settings.written("code");
    const WILD: [&str; 6] = ["cancel", "eval", "send", "load", "require", "${"];
    !settings.is_set("path")
        && !code.is_empty()
        && !code.iter().any(|code| WILD.iter().any(|word| code.contains(word)))
}

fn drops(settings: Settings<'_>, guards: &Guards<'_>, throttled: &[&str]) -> (String, Effect) {
    match settings.text("percentage") {
        Ok(None) => {}
        Ok(Some((percentage, _))) if percentage == "100" => {}
        Ok(Some((percentage, _))) => return (format!("drop of {percentage} percent"), Effect::Samples),
        Err(why) => return (format!("drop, of which {why}"), Effect::Unclear),
    }
    if guards.is_empty() {
        return ("drop without a condition".into(), Effect::DropsAll);
    }
    let is_throttled = |(test, wanted, _): &(&Test, bool, String)| {
        *wanted && matches!(test, Test::Holds(_, tag) if throttled.contains(&tag.as_str()))
    };
    if guards.iter().any(is_throttled) {
        return ("drop of what throttle has tagged".into(), Effect::Limits);
    }
    let what = format!("drop under the condition at {}", place(guards));
    match namespaces(guards).and_then(condition::complement) {
        Some(rule) => (what, Effect::Namespaces(rule)),
        // Some namespaces may be dropped as a whole, which cannot be told.
        None if guards.len() > 1 && guards.iter().any(|(test, ..)| test.names_namespace()) => {
            (what, Effect::Unclear)
        }
        None => (what, Effect::DropsSome),
    }
}

fn place(guards: &Guards<'_>) -> String {
    guards.last().map(|(_, _, at)| at.clone()).unwrap_or_default()
}

/// The namespaces of what gets through all guards.
fn namespaces(guards: &Guards<'_>) -> Option<NamespaceRule> {
    let mut rules = guards.iter().map(|(test, wanted, at)| test.namespaces(*wanted, at));
    let first = rules.next()??;
    rules.try_fold(first, |left, right| condition::join(left, right?, true))
}

/// Fields whose removal is meant to hide something.
const PERSONAL: [&str; 14] = [
    "password",
    "passwd",
    "secret",
    "token",
    "authorization",
    "cookie",
    "email",
    "username",
    "user",
    "client_ip",
    "remote_addr",
    "sourceips",
    "ssn",
    "apikey",
];

/// Whether a mutate hides what a record says.
fn redaction(settings: Settings<'_>) -> Option<String> {
    let lower = |texts: Vec<&str>| texts.into_iter().map(str::to_ascii_lowercase).collect::<Vec<_>>();
    let removed = lower(settings.written("remove_field")).into_iter().find(|field| {
        let name = field.trim_end_matches(']').rsplit('[').next().unwrap_or_default();
        PERSONAL.contains(&name)
    });
    if let Some(field) = removed {
        return Some(format!("mutate removes the field {field}"));
    }
    let triples = lower(settings.written("gsub"));
    let masks = triples.chunks(3).find(|triple| match triple {
        [_, pattern, replacement] => {
            ["redact", "mask", "hidden", "xxx", "***", "removed", "filtered", "anonym"]
                .iter()
                .any(|word| replacement.contains(word))
                || ["passw", "token", "secret", "authorization"].iter().any(|word| pattern.contains(word))
        }
        _ => false,
    });
    masks.and_then(|triple| triple.first()).map(|field| format!("mutate replaces parts of the field {field}"))
}
