//! Filters, and processors, which do the same for one input or output.

use super::grep;
use super::inputs::Storage;
use super::matching::Matching;
use super::section::{Property, Section};
use super::tag::{Part, Shape};
use crate::analyze::collectors::model::{Effect, Pattern, Step};
use crate::analyze::fact::Fact;

/// A filter of the pipeline.
pub(super) struct Filter<'a> {
    pub section: &'a Section,
    pub matching: Matching,
}

/// What a filter does that matters here.
pub(super) enum Action {
    /// It takes something away, or nothing.
    Steps(Vec<Step>),
    /// It adds what Kubernetes knows, and honours the annotations of pods or not.
    Kubernetes(Fact<bool>),
    /// It gives records new tags.
    Rewrite(Vec<Rule>),
}

/// A rule of `rewrite_tag`.
pub(super) struct Rule {
    pub at: String,
    pub what: String,
    /// The field that is looked at.
    pub key: String,
    /// Whether it takes whatever the field says.
    pub takes_all: bool,
    /// What the field has to say.
    pub pattern: Pattern,
    /// Whether the record also goes on with its old tag.
    pub keeps: bool,
    new_tag: String,
    /// Where records with the new tag wait.
    pub storage: Storage,
}

impl<'a> Filter<'a> {
    pub(super) fn of(section: &'a Section) -> Self {
        Self { section, matching: Matching::of(section) }
    }

    /// `Active off` leaves a filter aside.
    pub(super) fn is_active(&self) -> bool {
        let off = |value: String| value.eq_ignore_ascii_case("false") || value == "0";
        !self.matching.is_none() && !self.section.seen("active").is_some_and(off)
    }
}

/// What a filter does. `enriched` says whether records know their namespace by then.
pub(super) fn action(section: &Section, enriched: bool) -> Action {
    let one = |what: String, effect| Action::Steps(vec![Step { at: section.at.clone(), what, effect }]);
    let plugin = match section.plugin() {
        Ok(plugin) => plugin,
        Err(reason) => return one(format!("a plugin whose name is not seen: {reason}"), Effect::Unclear),
    };
    let setting =
        |key| section.get(key).map_or(String::new(), |property: &Property| format!(", {}", property.shown()));
    match plugin.as_str() {
        "kubernetes" => Action::Kubernetes(section.flag("k8s-logging.exclude", false)),
        "rewrite_tag" => Action::Rewrite(rules(section)),
        "grep" => Action::Steps(grep::steps(section, enriched)),
        "throttle" | "throttle_size" => {
            let rate = section.seen("rate").unwrap_or_else(|| "1".into());
            let interval = section.seen("interval").unwrap_or_else(|| "1s".into());
            one(format!("{plugin} to a rate of {rate} in {interval}"), Effect::Limits)
        }
        "lua" | "wasm" => one(
            format!(
                "{plugin}{}{}: a script, which may drop or change records",
                setting("script"),
                setting("wasm_path")
            ),
            Effect::Unclear,
        ),
        "log_to_metrics" => discard(section),
        "nightfall" => one("nightfall masks what it finds sensitive".into(), Effect::Redacts),
        "modify" => Action::Steps(removals(section, &["remove", "remove_wildcard", "remove_regex"], &[])),
        "record_modifier" => {
            Action::Steps(removals(section, &["remove_key"], &["allowlist_key", "whitelist_key"]))
        }
        "content_modifier" => content_modifier(section),
        "sql" => sql(section),
        "sampling" => one("sampling".into(), Effect::Samples),
        "alter_size" => one("alter_size adds and removes records".into(), Effect::Unclear),
        "parser"
        | "nest"
        | "multiline"
        | "aws"
        | "ecs"
        | "geoip2"
        | "type_converter"
        | "sysinfo"
        | "stdout"
        | "checklist"
        | "tensorflow"
        | "expect"
        | "opentelemetry_envelope"
        | "labels"
        | "metrics_selector"
        | "cumulative_to_delta"
        | "tda"
        | "template" => Action::Steps(Vec::new()),
        plugin => one(format!("the filter {plugin} is not known here and may drop records"), Effect::Unclear),
    }
}

/// The steps of processors, of which one with a condition is about some records only.
pub(super) fn processors(sections: &[Section], enriched: bool) -> Vec<Step> {
    let mut steps = Vec::new();
    for section in sections {
        let conditional = section.get("condition").is_some();
        match action(section, enriched) {
            Action::Steps(own) => {
                steps.extend(own.into_iter().map(|step| if conditional { narrowed(step) } else { step }));
            }
            Action::Kubernetes(_) => {}
            Action::Rewrite(_) => steps.push(Step {
                at: section.at.clone(),
                what: "rewrite_tag as a processor gives records other tags".into(),
                effect: Effect::Unclear,
            }),
        }
    }
    steps
}

/// A step that only some records go through.
pub(super) fn narrowed(step: Step) -> Step {
    let effect = match step.effect {
        Effect::DropsAll | Effect::Namespaces(_) => Effect::DropsSome,
        effect => effect,
    };
    Step { effect, ..step }
}

/// `discard_logs` drops records once they are counted; off by default.
fn discard(section: &Section) -> Action {
    let step = |what: &str, effect| Step { at: section.at.clone(), what: what.to_owned(), effect };
    Action::Steps(match section.flag("discard_logs", false) {
        Fact::Known(known) if !known.value => Vec::new(),
        Fact::Known(_) => vec![step("log_to_metrics, discard_logs on: records end here", Effect::DropsAll)],
        Fact::Unknown(unknown) => {
            vec![step(&format!("log_to_metrics may discard records: {}", unknown.reason), Effect::Unclear)]
        }
    })
}

/// Fields that are taken away, unless they only describe where the record comes from.
fn removals(section: &Section, removing: &[&str], keeping: &[&str]) -> Vec<Step> {
    let mut steps = Vec::new();
    for property in &section.properties {
        let takes = removing.contains(&property.key.as_str()) && !is_metadata(property.value.raw());
        if takes || keeping.contains(&property.key.as_str()) {
            steps.push(Step { at: property.at.clone(), what: property.shown(), effect: Effect::Redacts });
        }
    }
    steps
}

/// Whether a field describes the record rather than saying what it says: the stream, the parser's mark, labels.
fn is_metadata(field: &str) -> bool {
    const FIELDS: [&str; 12] = [
        "stream",
        "logtag",
        "time",
        "timestamp",
        "docker",
        "docker_id",
        "pod_id",
        "container_hash",
        "container_image",
        "flags",
        "host",
        "tag",
    ];
    let field = field.trim_start_matches('$').to_ascii_lowercase();
    FIELDS.contains(&field.as_str())
        || field.starts_with('_')
        || ["label", "annotation", "kubernetes"].iter().any(|part| field.contains(part))
}

fn content_modifier(section: &Section) -> Action {
    let action =
        section.get("action").map(|property| property.value.known().map(|word| word.to_ascii_lowercase()));
    let key = section.seen("key").unwrap_or_default();
    let step = |what: String, effect| Step { at: section.at.clone(), what, effect };
    Action::Steps(match action {
        Some(Ok(word)) if (word == "delete" || word == "hash") && !is_metadata(&key) => {
            vec![step(format!("content_modifier {word} {key}"), Effect::Redacts)]
        }
        Some(Err(reason)) => {
            vec![step(format!("content_modifier, whose action is not seen: {reason}"), Effect::Unclear)]
        }
        _ => Vec::new(),
    })
}

/// `SELECT … FROM STREAM WHERE …` keeps the fields it names of the records it selects.
fn sql(section: &Section) -> Action {
    let step = |what: &str, effect| vec![Step { at: section.at.clone(), what: what.to_owned(), effect }];
    let Some(query) = section.seen("query") else {
        return Action::Steps(step("sql, whose query is not seen", Effect::Unclear));
    };
    let query = query.to_ascii_lowercase();
    Action::Steps(if query.contains(" where ") {
        step("sql with WHERE keeps some records", Effect::DropsSome)
    } else if query.trim_start().strip_prefix("select").is_some_and(|rest| rest.trim_start().starts_with('*'))
    {
        Vec::new()
    } else {
        step("sql keeps only the fields it names", Effect::Redacts)
    })
}

/// The rules of `rewrite_tag`: field, regular expression, new tag and whether the old record is kept.
fn rules(section: &Section) -> Vec<Rule> {
    let storage = Storage::of_emitter(section);
    let rule = |property: &Property| {
        let value = property.value.known();
        let text = value.as_deref().unwrap_or(property.value.raw()).to_owned();
        let mut words = text.split_whitespace();
        let mut next = || words.next().unwrap_or_default().to_owned();
        let (key, regex, new_tag, keep) = (next(), next(), next(), next());
        Rule {
            at: property.at.clone(),
            what: format!("rewrite_tag {}", property.shown()),
            takes_all: takes_all(&regex),
            pattern: value.map_or_else(Pattern::Unclear, |_| grep::pattern(&regex)),
            key,
            keeps: super::section::switch(&keep).unwrap_or(false),
            new_tag,
            storage: storage.clone(),
        }
    };
    section.all("rule").map(rule).collect()
}

fn takes_all(regex: &str) -> bool {
    let bare: String = regex.chars().filter(|c| !"^$()".contains(*c)).collect();
    matches!(bare.as_str(), "." | ".*" | ".+")
}

impl Rule {
    /// The tags it gives: `$TAG` is the old one, other names are fields or parts of what matched.
    pub(super) fn tag(&self, old: &Shape) -> Shape {
        let mut parts = Vec::new();
        let mut rest = self.new_tag.as_str();
        while let Some((before, after)) = rest.split_once('$') {
            parts.extend(before.chars().map(Part::Char));
            let (name, behind) = accessor(after);
            if name == "TAG" {
                parts.extend(old.0.iter().cloned());
            } else if let Some(reason) = self.unseen(name) {
                parts.push(Part::Unseen(reason));
            } else {
                parts.push(Part::Any);
            }
            rest = behind;
        }
        parts.extend(rest.chars().map(Part::Char));
        Shape(parts)
    }

    fn unseen(&self, name: &str) -> Option<String> {
        match &self.pattern {
            Pattern::Unclear(reason) if name.starts_with('{') => Some(reason.clone()),
            _ => None,
        }
    }
}

/// A record accessor after its `$`, and what follows it: it ends at a dot or comma outside its brackets.
fn accessor(text: &str) -> (&str, &str) {
    let mut depth = 0_usize;
    for (index, c) in text.char_indices() {
        match c {
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            '.' | ',' | '$' if depth == 0 => return text.split_at(index),
            _ => {}
        }
    }
    (text, "")
}
