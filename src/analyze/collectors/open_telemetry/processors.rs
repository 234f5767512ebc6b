//! Processors: what is dropped, sampled, limited or masked between receivers and exporters.

use super::conditions::{self, comparison};
use super::{kind_of, operators};
use crate::analyze::collectors::model::{Effect, Marker, OptOut, Pattern, Step};
use crate::analyze::collectors::settings::Setting;

/// Processors that neither drop nor mask logs.
const HARMLESS: [&str; 24] = [
    "batch",
    "resourcedetection",
    "groupbyattrs",
    "groupbytrace",
    "span",
    "metricstransform",
    "cumulativetodelta",
    "deltatorate",
    "deltatocumulative",
    "metricsgeneration",
    "metricstarttime",
    "schema",
    "geoip",
    "interval",
    "remotetap",
    "sumologic",
    "coralogix",
    "lookup",
    "dnslookup",
    "dns",
    "unroll",
    "tailsampling",
    "elasticinframetrics",
    "k8sattributes",
];

/// Keys that are likely to hold a message, a credential or personal data.
const TELLING: [&str; 14] = [
    "body",
    "message",
    "msg",
    "log",
    "password",
    "passwd",
    "secret",
    "token",
    "authorization",
    "cookie",
    "email",
    "credit",
    "ssn",
    "apikey",
];

/// An attribute that the processor `k8sattributes` takes from a label or annotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag {
    attribute: String,
    key: String,
    marker: Marker,
    of_namespace: bool,
}

/// What a processor does.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) steps: Vec<Step>,
    pub(super) opt_outs: Vec<OptOut>,
    pub(super) tags: Vec<Tag>,
    /// Whether it takes records over, so that what refuses them behind it is not told to the receiver.
    pub(super) queues: bool,
}

/// Reads a processor. `tags` are the attributes that processors before it set; `loses` tells whether what is refused
/// here is lost.
pub(super) fn read(id: &str, setting: &Setting<'_>, at: &Setting<'_>, tags: &[Tag], loses: bool) -> Found {
    if let Some(why) = setting.why() {
        let what = format!("the processor {id}, which is not seen: {why}");
        return of(vec![Step { at: at.place(), what, effect: Effect::Unclear }]);
    }
    match kind_of(id).as_str() {
        "batch" => Found { queues: true, ..Found::default() },
        "k8sattributes" => Found { tags: taken(setting), ..Found::default() },
        "filter" => filter(id, setting, tags),
        "probabilisticsampler" => of(sampler(id, setting)),
        "memorylimiter" if loses => {
            let what = format!("{id} refuses records when memory is short, and they are not handed in again");
            of(vec![step(setting, what, Effect::Limits)])
        }
        "memorylimiter" => Found::default(),
        "transform" => of(transform(id, setting)),
        "redaction" => of(vec![step(setting, format!("{id} removes or masks attributes"), Effect::Redacts)]),
        "attributes" | "resource" => of(actions(id, setting)),
        "logstransform" => of(operators::steps(&setting.get("operators"))),
        "logdedup" => {
            of(vec![step(setting, format!("{id} folds equal records into one"), Effect::DropsSome)])
        }
        "ratelimiter" => of(vec![step(setting, format!("{id} limits the rate"), Effect::Limits)]),
        kind if HARMLESS.contains(&kind) => Found::default(),
        _ => of(vec![step(setting, format!("the processor {id}, which is not known here"), Effect::Unclear)]),
    }
}

fn of(steps: Vec<Step>) -> Found {
    Found { steps, ..Found::default() }
}

fn step(setting: &Setting<'_>, what: String, effect: Effect) -> Step {
    Step { at: setting.place(), what, effect }
}

/// `extract.annotations` and `extract.labels`; without `tag_name` the attribute is called `k8s.pod.annotations.<key>`.
fn taken(setting: &Setting<'_>) -> Vec<Tag> {
    let mut tags = Vec::new();
    for (list, marker) in [("annotations", Marker::Annotation), ("labels", Marker::Label)] {
        for rule in setting.get("extract").get(list).items() {
            let from = rule.get("from").plain();
            let key = rule.get("key").plain();
            if key.is_empty() {
                continue;
            }
            let of_namespace = from == "namespace";
            let named = rule.get("tag_name").plain();
            let owner = if of_namespace { "namespace" } else { "pod" };
            let attribute = if named.is_empty() { format!("k8s.{owner}.{list}.{key}") } else { named };
            tags.push(Tag { attribute, key, marker, of_namespace });
        }
    }
    tags
}

/// The percentage is 0 unless set, which drops everything (contrib: processor/probabilisticsampler).
fn sampler(id: &str, setting: &Setting<'_>) -> Vec<Step> {
    let percentage = setting.get("sampling_percentage");
    let text = match percentage.text() {
        Err(why) => {
            return vec![step(
                &percentage,
                format!("{id} samples by a share not seen: {why}"),
                Effect::Samples,
            )];
        }
        Ok(text) => text.unwrap_or_else(|| "0".to_owned()),
    };
    match text.parse::<f64>() {
        Ok(share) if share >= 100.0 => Vec::new(),
        Ok(share) if share <= 0.0 => {
            vec![step(&percentage, format!("{id} keeps 0 % of records"), Effect::DropsAll)]
        }
        _ => vec![step(&percentage, format!("{id} keeps {text} % of records"), Effect::Samples)],
    }
}

fn filter(id: &str, setting: &Setting<'_>, tags: &[Tag]) -> Found {
    let mut found = Found::default();
    for condition in written_conditions(setting) {
        match condition.text() {
            Ok(Some(text)) => dropped(id, &condition, &text, tags, &mut found),
            Ok(None) => {}
            Err(why) => {
                let what = format!("{id} drops by a condition not seen: {why}");
                found.steps.push(step(&condition, what, Effect::Unclear));
            }
        }
    }
    for (key, keeps) in [("include", true), ("exclude", false)] {
        let matcher = setting.get("logs").get(key);
        if matcher.is_set() {
            matched(id, &matcher, keeps, tags, &mut found);
        }
    }
    found
}

/// `logs.log_record`, `logs.resource` and the newer `log_conditions`, of texts or of `{context, conditions}`.
fn written_conditions<'a>(setting: &Setting<'a>) -> Vec<Setting<'a>> {
    let mut written = Vec::new();
    for key in ["logs.log_record", "logs.log_records", "logs.resource", "logs.scope", "log_conditions"] {
        for item in setting.find(key).items() {
            if item.is_mapping() {
                written.extend(item.get("conditions").items());
            } else {
                written.push(item);
            }
        }
    }
    written
}

/// One condition by which records are dropped.
fn dropped(id: &str, setting: &Setting<'_>, text: &str, tags: &[Tag], found: &mut Found) {
    let condition = conditions::of_statement(text);
    let what = format!("{id} drops {}", conditions::shown(condition));
    if let Some(one) = comparison(condition)
        && let Pattern::Name(value) = &one.pattern
        && !one.negated
    {
        let opted = opt_outs(id, setting, &one.attribute, value, tags);
        if !opted.is_empty() {
            found.opt_outs.extend(opted);
            return;
        }
    }
    let effect = if condition == "true" {
        Effect::DropsAll
    } else {
        conditions::namespaces(condition, false, &setting.place())
            .map_or(Effect::DropsSome, Effect::Namespaces)
    };
    found.steps.push(step(setting, what, effect));
}

/// The markers behind an attribute, if it comes from labels or annotations.
fn opt_outs(id: &str, setting: &Setting<'_>, attribute: &str, value: &str, tags: &[Tag]) -> Vec<OptOut> {
    let from: Vec<&Tag> = tags.iter().filter(|tag| tag.attribute == attribute).collect();
    let on_namespaces = from.iter().any(|tag| tag.of_namespace);
    let mut found: Vec<OptOut> = Vec::new();
    for tag in from {
        let opt_out = OptOut {
            marker: tag.marker,
            key: tag.key.clone(),
            value: value.to_owned(),
            on_namespaces,
            honoured: setting.fact(true, format!("{id} drops what has {attribute} {value}")),
        };
        if !found.contains(&opt_out) {
            found.push(opt_out);
        }
    }
    found
}

/// `logs.include` and `logs.exclude`: what is matched by attributes is kept or dropped.
fn matched(id: &str, matcher: &Setting<'_>, keeps: bool, tags: &[Tag], found: &mut Found) {
    let regex = matcher.get("match_type").plain() == "regexp";
    let verb = if keeps { "keeps only" } else { "drops" };
    let resources = matcher.get("resource_attributes").items();
    let others = ["record_attributes", "bodies", "severity_texts", "severity_number"]
        .iter()
        .any(|key| matcher.get(key).is_set());
    if let ([one], false) = (resources.as_slice(), others) {
        let (key, value) = (one.get("key").plain(), one.get("value").plain());
        let pattern = if regex { Pattern::Regex(value.clone()) } else { Pattern::Name(value.clone()) };
        if key == conditions::NAMESPACE {
            let rule = conditions::rule(std::iter::once(pattern), keeps, &one.place());
            let what = format!("{id} {verb} {key} {value}");
            found.steps.push(step(one, what, Effect::Namespaces(rule)));
            return;
        }
        let opted = if keeps { Vec::new() } else { opt_outs(id, one, &key, &value, tags) };
        if !opted.is_empty() {
            found.opt_outs.extend(opted);
            return;
        }
        found.steps.push(step(one, format!("{id} {verb} {key} {value}"), Effect::DropsSome));
        return;
    }
    found.steps.push(step(matcher, format!("{id} {verb} what its matchers match"), Effect::DropsSome));
}

/// Statements that mask or take away content. Parsing and setting fields is left out.
fn transform(id: &str, setting: &Setting<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    for item in setting.get("log_statements").items() {
        let statements = if item.is_mapping() { item.get("statements").items() } else { vec![item] };
        for statement in statements {
            let text = match statement.text() {
                Ok(text) => text.unwrap_or_default(),
                Err(why) => {
                    let what = format!("{id} has a statement not seen: {why}");
                    steps.push(step(&statement, what, Effect::Unclear));
                    continue;
                }
            };
            let masks =
                ["replace_pattern(", "replace_all_patterns(", "replace_match(", "replace_all_matches("]
                    .iter()
                    .any(|function| text.trim_start().starts_with(function));
            let removes = ["delete_key(", "delete_matching_keys(", "keep_keys(", "keep_matching_keys("]
                .iter()
                .any(|function| text.trim_start().starts_with(function));
            if masks || removes && is_telling(&text) {
                let what = format!("{id} changes content: {}", conditions::shown(&text));
                steps.push(step(&statement, what, Effect::Redacts));
            }
        }
    }
    steps
}

fn is_telling(text: &str) -> bool {
    let words = text.to_ascii_lowercase();
    let words = words.split(|c: char| !c.is_ascii_alphanumeric());
    words.into_iter().any(|word| TELLING.contains(&word))
}

/// `attributes` and `resource`: hashing, and deleting what holds messages, credentials or personal data.
fn actions(id: &str, setting: &Setting<'_>) -> Vec<Step> {
    let list = ["actions", "attributes"].map(|key| setting.get(key)).into_iter().find(Setting::is_list);
    let mut steps = Vec::new();
    for action in list.iter().flat_map(Setting::items) {
        let verb = action.get("action").plain();
        let key = format!("{} {}", action.get("key").plain(), action.get("pattern").plain());
        if verb == "hash" || verb == "delete" && is_telling(&key) {
            steps.push(step(&action, format!("{id}: {verb} {}", key.trim()), Effect::Redacts));
        }
    }
    steps
}
