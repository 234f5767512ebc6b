//! Relabelling rules, run on what is known of targets before they are discovered (Prometheus docs: `relabel_config`).

use std::collections::{BTreeMap, BTreeSet};

use regex::{Regex, RegexBuilder};

use super::meta::{Key, Subject, namespaces, subject, words};
use super::{Setting, brief};
use crate::analyze::collectors::model::{Effect, Glob, NamespaceRule, OptOut, Step};
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// How many values a label may have, depending on rules that apply to some targets only.
const MAX_VALUES: usize = 20;

/// One rule.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct Rule {
    /// Where it stands.
    pub(in super::super) at: String,
    /// What it does; `replace` if nothing is said.
    pub(in super::super) action: Setting,
    /// The labels it looks at.
    pub(in super::super) sources: Result<Vec<String>, String>,
    /// What joins them; `;` if nothing is said.
    pub(in super::super) separator: Setting,
    /// What they have to match as a whole; `(.*)` if nothing is said.
    pub(in super::super) regex: Setting,
    /// What is written; `$1` if nothing is said.
    pub(in super::super) replacement: Setting,
    /// The label it is written to.
    pub(in super::super) target: Setting,
}

/// The value of a label.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) enum Value {
    /// The same for all.
    Text(String),
    /// Whatever discovery gives for this label.
    Meta(String),
    /// Made of others, which `*` stands for.
    Glob(String),
    /// It cannot be told; the reason.
    Unclear(String),
}

/// Targets of one kind: one that is written down, or all that one discovery finds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in super::super) struct Family {
    /// Labels that are written down or set by rules, each with where it was set. More than one value if rules apply to
    /// some targets only.
    pub(in super::super) labels: BTreeMap<String, Vec<(String, Value)>>,
    /// Which labels have a value that only discovery knows.
    pub(in super::super) open: Open,
    /// The discovered labels that paths are made of.
    pub(in super::super) path_labels: BTreeSet<String>,
    /// Labels and annotations by which pods withdraw.
    pub(in super::super) opt_outs: Vec<OptOut>,
    /// Which pods or streams it is limited to, and where that is said.
    pub(in super::super) only: Vec<(String, String)>,
    /// What is left out on the way.
    pub(in super::super) steps: Vec<Step>,
}

/// Which labels may have a value though nothing here sets them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in super::super) enum Open {
    /// None: the target is written down.
    #[default]
    None,
    /// Those that begin with `__`: discovery sets them.
    Hidden,
    /// All: they are labels of log lines.
    All,
}

impl Family {
    /// Sets a label.
    pub(in super::super) fn set(&mut self, label: &str, at: &str, value: Value) {
        self.labels.insert(label.to_owned(), vec![(at.to_owned(), value)]);
    }

    /// Adds a step.
    pub(in super::super) fn step(&mut self, at: &str, what: String, effect: Effect) {
        self.steps.push(Step { at: at.to_owned(), what, effect });
    }

    /// The paths a label holds.
    pub(in super::super) fn paths(&self, label: &str) -> Vec<Glob> {
        let known = |path: &str, at: &str| {
            Fact::at(path.to_owned(), Rank::Configured, at.to_owned(), format!("{label} {path}"))
        };
        let values = self.labels.get(label).map(Vec::as_slice).unwrap_or_default();
        values
            .iter()
            .filter(|(_, value)| *value != Value::Text(String::new()))
            .map(|(at, value)| match value {
                Value::Text(path) | Value::Glob(path) => known(path, at),
                Value::Meta(name) => {
                    Fact::unknown(format!("{label} at {at} is what discovery gives as {name}"))
                }
                Value::Unclear(why) => Fact::unknown(format!("{label} at {at}: {why}")),
            })
            .collect()
    }

    /// The folder of a static pod is named by the hash of its manifest, which stands in an annotation of its mirror in the
    /// API; the mirror's own uid leads nowhere (Kubernetes: `kubernetes.io/config.mirror`).
    pub(in super::super) fn tell_static_pods(&mut self) {
        let of_hash = |label: &String| label.contains("config_mirror") || label.contains("config_hash");
        let by_uid = self.path_labels.contains("__meta_kubernetes_pod_uid");
        if by_uid && !self.path_labels.iter().any(of_hash) {
            let at = self.labels.get("__path__").and_then(|values| Some(values.last()?.0.clone()));
            let what = "paths by the uid of pods do not find static pods, such as those of the control plane";
            self.step(&at.unwrap_or_default(), what.into(), Effect::Selects);
        }
    }

    /// The limits as steps, for sources that have no field for them.
    pub(in super::super) fn into_steps(self) -> Vec<Step> {
        let limits = self.only.into_iter().map(|(at, only)| Step {
            at,
            what: format!("keep only {only}"),
            effect: Effect::Selects,
        });
        self.steps.into_iter().chain(limits).collect()
    }

    fn values(&self, label: &str) -> Vec<Value> {
        if let Some(values) = self.labels.get(label) {
            return values.iter().map(|(_, value)| value.clone()).collect();
        }
        let open = match self.open {
            Open::None => false,
            // No discovery sets the paths.
            Open::Hidden => label.starts_with("__") && !label.starts_with("__path_"),
            Open::All => true,
        };
        vec![if open { Value::Meta(label.to_owned()) } else { Value::Text(String::new()) }]
    }

    /// Runs rules in their order.
    pub(in super::super) fn relabel(&mut self, rules: &[Rule]) {
        for rule in rules {
            self.apply(rule);
        }
    }

    fn apply(&mut self, rule: &Rule) {
        let action = match &rule.action {
            Ok(action) => action.to_ascii_lowercase(),
            Err(why) => return self.step(&rule.at, format!("relabel: {why}"), Effect::Unclear),
        };
        match action.as_str() {
            "replace" => self.replace(rule),
            "keep" | "drop" => self.gate(rule, action == "keep"),
            "hashmod" | "lowercase" | "uppercase" => {
                if let Ok(target) = &rule.target {
                    self.set(target, &rule.at, Value::Unclear(format!("it is made by {action}")));
                }
            }
            "labeldrop" => self.retain(rule, false),
            "labelkeep" => self.retain(rule, true),
            "labelmap" => {}
            _ => self.step(&rule.at, format!("relabel {action}"), Effect::Unclear),
        }
    }

    /// Labels that begin with `__` are hidden from nobody before relabelling ends: they are kept and dropped like others.
    fn retain(&mut self, rule: &Rule, matching: bool) {
        if let Some(regex) = rule.regex.as_ref().ok().and_then(|regex| anchored(regex)) {
            self.labels.retain(|label, _| regex.is_match(label) == matching);
        }
    }

    fn gate(&mut self, rule: &Rule, keep: bool) {
        let verb = if keep { "keep" } else { "drop" };
        let sources = match &rule.sources {
            Ok(sources) => sources,
            Err(why) => return self.step(&rule.at, format!("relabel {verb}: {why}"), Effect::Unclear),
        };
        let values: Vec<Vec<Value>> = sources.iter().map(|label| self.values(label)).collect();
        let one = match values.as_slice() {
            [one] => match one.as_slice() {
                [Value::Meta(name)] => Some(subject(name)),
                _ => None,
            },
            _ => None,
        };
        let regex = match &rule.regex {
            Ok(regex) => regex,
            // The name of the collector's own node: each of them reads its share.
            Err(_) if one == Some(Subject::Node) => return,
            Err(why) => return self.step(&rule.at, format!("relabel {verb}: {why}"), Effect::Unclear),
        };
        let Some(pattern) = anchored(regex) else {
            return self.step(&rule.at, format!("relabel {verb} {}", brief(regex)), Effect::Unclear);
        };
        if let (Some(text), Ok(_)) = (rule.joined(&values), &rule.separator) {
            if pattern.is_match(&text) != keep {
                let what = format!("relabel {verb} {} {}", sources.join(", "), brief(regex));
                self.step(&rule.at, what, Effect::DropsAll);
            }
            return;
        }
        if is_total(regex) {
            if !keep {
                self.step(&rule.at, "relabel drop of everything".into(), Effect::DropsAll);
            }
            return;
        }
        if let Some(about) = one {
            return self.gate_one(rule, keep, &about, regex, pattern.is_match(""));
        }
        let known = values.iter().flatten().all(|value| matches!(value, Value::Meta(_) | Value::Text(_)));
        let labels: Vec<String> = sources.iter().map(|label| subject(label).shown()).collect();
        let what = format!("{verb} {} {}", labels.join(", "), brief(regex));
        self.step(&rule.at, what, if known { Effect::DropsSome } else { Effect::Unclear });
    }

    /// A gate on one label whose value discovery gives. `absent` says whether the rule matches those without it.
    fn gate_one(&mut self, rule: &Rule, keep: bool, about: &Subject, regex: &str, absent: bool) {
        let at = rule.at.as_str();
        let what = format!("{} {} {}", if keep { "keep" } else { "drop" }, about.shown(), brief(regex));
        match (about, keep) {
            (Subject::Namespace, _) => {
                let list = namespaces(regex, at);
                let rule = if keep {
                    NamespaceRule { only: Some(list), except: Vec::new() }
                } else {
                    NamespaceRule { only: None, except: list }
                };
                self.step(at, what, Effect::Namespaces(rule));
            }
            (Subject::Marker(marker, Key::Exact(key)), false) if !absent && words(regex).is_some() => {
                for value in words(regex).unwrap_or_default() {
                    self.opt_outs.push(OptOut {
                        marker: *marker,
                        key: key.clone(),
                        value,
                        on_namespaces: false,
                        honoured: Fact::at(true, Rank::Configured, at, what.clone()),
                    });
                }
            }
            (Subject::Unit, true) => self.only.push((at.to_owned(), format!("the units {}", brief(regex)))),
            (_, true) => {
                self.only.push((at.to_owned(), format!("pods whose {} is {}", about.shown(), brief(regex))));
            }
            (_, false) => self.step(at, what, Effect::DropsSome),
        }
    }

    fn replace(&mut self, rule: &Rule) {
        let Ok(target) = &rule.target else { return };
        if target.is_empty() {
            return;
        }
        let (value, certain) = rule.result(&|label| self.values(label));
        let Some(value) = value else { return };
        if target == "__path__" {
            let sources = rule.sources.as_deref().unwrap_or_default();
            let values = sources.iter().flat_map(|label| self.values(label));
            let names =
                values.filter_map(|value| if let Value::Meta(name) = value { Some(name) } else { None });
            self.path_labels.extend(names.collect::<Vec<_>>());
        }
        let before: Vec<(String, Value)> = match self.labels.get(target) {
            _ if certain => Vec::new(),
            Some(values) => values.clone(),
            None => self.values(target).into_iter().map(|value| (rule.at.clone(), value)).collect(),
        };
        let mut values: Vec<(String, Value)> = before.into_iter().take(MAX_VALUES).collect();
        values.push((rule.at.clone(), value));
        self.labels.insert(target.clone(), values);
    }
}

impl Rule {
    /// The joined sources, if all of them are the same for all targets.
    fn joined(&self, values: &[Vec<Value>]) -> Option<String> {
        let texts: Option<Vec<&str>> = values
            .iter()
            .map(|values| match values.as_slice() {
                [Value::Text(text)] => Some(text.as_str()),
                _ => None,
            })
            .collect();
        Some(texts?.join(self.separator.as_ref().ok()?))
    }

    /// What a replacement writes, and whether it does so for all targets. None if it applies to none.
    fn result(&self, values: &dyn Fn(&str) -> Vec<Value>) -> (Option<Value>, bool) {
        let unclear = |why: &str| (Some(Value::Unclear(why.to_owned())), true);
        let parts = (&self.sources, &self.separator, &self.regex, &self.replacement);
        let (Ok(sources), Ok(separator), Ok(regex), Ok(replacement)) = parts else {
            let why = self.sources.as_ref().err();
            let why = why.or(self.separator.as_ref().err()).or(self.regex.as_ref().err());
            return unclear(why.or(self.replacement.as_ref().err()).map_or("", String::as_str));
        };
        let Some(pattern) = anchored(regex) else {
            return unclear("its regular expression is not read here");
        };
        let values: Vec<Vec<Value>> = sources.iter().map(|label| values(label)).collect();
        if let Some(text) = self.joined(&values) {
            let result = pattern.captures(&text).map(|captures| {
                let mut out = String::new();
                captures.expand(replacement, &mut out);
                Value::Text(out)
            });
            return (result, true);
        }
        let certain = is_total(regex);
        if let ([one], true, "$1" | "${1}") = (values.as_slice(), certain, replacement.as_str())
            && let [Value::Meta(name)] = one.as_slice()
        {
            return (Some(Value::Meta(name.clone())), true);
        }
        (Some(by_sample(&pattern, &values, separator, replacement)), certain)
    }
}

/// What a replacement writes for targets whose labels are not known: it is run with marks in their place, and what
/// becomes of the marks shows where `*` belongs.
fn by_sample(pattern: &Regex, values: &[Vec<Value>], separator: &str, replacement: &str) -> Value {
    let mark = |index: usize| format!("zq{index}qz");
    let samples: Vec<String> = values
        .iter()
        .enumerate()
        .map(|(index, values)| match values.as_slice() {
            [Value::Text(text)] => text.clone(),
            [Value::Meta(name)] if name.contains("annotationpresent") || name.contains("labelpresent") => {
                "true".into()
            }
            _ => mark(index),
        })
        .collect();
    let Some(captures) = pattern.captures(&samples.join(separator)).map(|captures| {
        let mut out = String::new();
        captures.expand(replacement, &mut out);
        out
    }) else {
        return Value::Unclear("it is made of labels of which a part is taken".into());
    };
    let glob = (0..values.len()).fold(captures, |text, index| {
        let mark = mark(index);
        text.replace(&format!("*{mark}"), &mark).replace(&format!("{mark}*"), &mark).replace(&mark, "*")
    });
    if glob.contains("zq") || glob.contains("qz") {
        return Value::Unclear("it is made of parts of labels".into());
    }
    Value::Glob(glob)
}

/// Whether a regular expression matches everything.
fn is_total(regex: &str) -> bool {
    matches!(regex, "(.*)" | ".*" | "^(.*)$" | "^.*$")
}

/// A regular expression that has to match as a whole.
fn anchored(regex: &str) -> Option<Regex> {
    RegexBuilder::new(&format!("^(?s:{regex})$")).size_limit(1 << 20).build().ok()
}
