//! What a match does with records: sends them, copies them, or emits them again under another tag or label.

use super::filter::{by_namespaces, step};
use super::section::Section;
use super::tag::Tag;
use super::value::{is_namespace, list, regex};
use crate::analyze::collectors::model::{Effect, Pattern, Step};

/// Where a match leads.
#[derive(Debug)]
pub(super) enum Target {
    /// The index of an output.
    Output(usize),
    /// All of them, or each a share, of which some is lost by this step.
    Several(Vec<Target>, Option<Step>),
    /// Back to the router; the number tells this place from others.
    Emit(usize, Vec<Emission>),
}

/// One way to emit again.
#[derive(Debug)]
pub(super) struct Emission {
    pub(super) steps: Vec<Step>,
    pub(super) tag: TagChange,
    /// The label; that of the match if there is none.
    pub(super) label: Option<String>,
}

/// What becomes of the tag.
#[derive(Debug)]
pub(super) enum TagChange {
    Same,
    Unknown,
    /// A tag with `*` for what is computed.
    Computed(String),
    /// A tag of its own, with what stands before and behind `${tag}` if it is used.
    Template(String, Option<String>),
    /// Without one prefix, with another.
    Prefix {
        without: Option<String>,
        with: Option<String>,
    },
}

impl TagChange {
    pub(super) fn apply(&self, tag: &Tag) -> Tag {
        match self {
            Self::Same => tag.clone(),
            Self::Unknown => Tag::unknown(),
            Self::Computed(text) => Tag::computed(text),
            Self::Template(text, None) => Tag::new(text),
            Self::Template(before, Some(behind)) => tag.with_prefix(before).with_suffix(behind),
            Self::Prefix { without, with } => {
                let tag = without.as_ref().map_or_else(|| tag.clone(), |prefix| tag.without_prefix(prefix));
                with.as_ref().map_or_else(|| tag.clone(), |prefix| tag.with_prefix(&format!("{prefix}.")))
            }
        }
    }

    /// A tag with placeholders.
    fn of(text: &str) -> Self {
        let text = text.replace("__TAG__", "${tag}");
        match text.split_once("${tag}") {
            Some((before, behind)) if !has_placeholder(before) && !has_placeholder(behind) => {
                Self::Template(before.to_owned(), Some(behind.to_owned()))
            }
            None if !has_placeholder(&text) => Self::Template(text, None),
            _ => Self::Computed(without_placeholders(&text)),
        }
    }
}

/// A tag with `*` for `$1`, `${…}` and `__NAME__`.
fn without_placeholders(text: &str) -> String {
    let Some(start) = text.find('$').or_else(|| text.find("__")) else { return text.to_owned() };
    let (before, rest) = text.split_at_checked(start).unwrap_or((text, ""));
    // What stands between and behind several is not looked at more closely.
    let behind = rest.rsplit(['}', '_']).next().filter(|end| !end.contains('$')).unwrap_or_default();
    format!("{before}*{behind}")
}

fn has_placeholder(text: &str) -> bool {
    text.contains('$') || text.contains("__")
}

/// How a plugin emits again; none if it is an output proper.
pub(super) fn emissions(section: &Section<'_>, plugin: &str) -> Option<Vec<Emission>> {
    let label = section.text("@label").map(str::to_owned);
    let prefix = || TagChange::Prefix {
        without: section
            .text("remove_tag_prefix")
            .or_else(|| section.text("remove_prefix"))
            .map(str::to_owned),
        with: section.text("add_tag_prefix").or_else(|| section.text("add_prefix")).map(str::to_owned),
    };
    let tag = || match section.setting("tag") {
        Ok(Some((tag, _))) => TagChange::of(tag),
        Ok(None) => prefix(),
        Err(_) => TagChange::Unknown,
    };
    let one = |tag, steps| Some(vec![Emission { steps, tag, label: label.clone() }]);
    match plugin {
        "relabel" => one(TagChange::Same, Vec::new()),
        "rewrite_tag_filter" => Some(rewritten(section, label.as_ref())),
        "record_reformer" | "retag" | "record_modifier" => one(tag(), Vec::new()),
        "detect_exceptions" => one(prefix(), Vec::new()),
        "tag_normaliser" => one(TagChange::Unknown, Vec::new()),
        "exec_filter" => one(tag(), vec![step(section, "exec_filter runs a program", Effect::Unclear)]),
        "label_router" => Some(label_routes(section)),
        _ => None,
    }
}

/// The first rule that fits counts; what fits none is dropped (fluent-plugin-rewrite-tag-filter).
fn rewritten(section: &Section<'_>, label: Option<&String>) -> Vec<Emission> {
    let mut passed: Vec<Step> = Vec::new();
    let mut out = Vec::new();
    for rule in section.sections("rule").take(100) {
        let fits = rule_step(rule, true);
        let tag = match rule.setting("tag") {
            Ok(Some((tag, _))) => TagChange::of(tag),
            _ => TagChange::Unknown,
        };
        let label = rule.text("label").map(str::to_owned).or_else(|| label.cloned());
        out.push(Emission { steps: passed.iter().cloned().chain([fits]).collect(), tag, label });
        passed.push(rule_step(rule, false));
    }
    out
}

/// What a rule leaves to those it fits, or to later ones.
fn rule_step(rule: &Section<'_>, fits: bool) -> Step {
    let key = rule.text("key").unwrap_or_default();
    let pattern = regex(rule.text("pattern").unwrap_or_default());
    let inverted = rule.is_on("invert");
    let matches_all = matches!(
        pattern.as_str(),
        ".*" | ".+" | "^.*$" | "^.+$" | "(.*)" | "(.+)" | "^(.+)$" | "^(.*)$" | "." | ""
    );
    let what = format!(
        "records {} rewritten where {key} {} {pattern}",
        if fits { "are" } else { "were" },
        if inverted { "is not" } else { "is" }
    );
    let effect = match (matches_all && !inverted, is_namespace(key)) {
        // Only a record without the field does not fit.
        (true, _) => Effect::Unclear,
        (false, true) => by_namespaces(&rule.spot.at(), vec![Pattern::Regex(pattern)], fits != inverted),
        (false, false) => Effect::DropsSome,
    };
    step(rule, what, effect)
}

/// fluent-plugin-label-router, which the Logging operator uses: each route takes what one of its `<match>` describes.
fn label_routes(section: &Section<'_>) -> Vec<Emission> {
    let mut out: Vec<Emission> = section
        .sections("route")
        .take(100)
        .map(|route| Emission {
            steps: route_steps(route),
            tag: route.text("tag").map_or(TagChange::Same, TagChange::of),
            label: route.text("@label").map(str::to_owned),
        })
        .collect();
    if let Some(label) = section.text("default_route") {
        let others = step(section, "only what no other route takes", Effect::DropsSome);
        out.push(Emission { steps: vec![others], tag: TagChange::Same, label: Some(label.to_owned()) });
    }
    out
}

fn route_steps(route: &Section<'_>) -> Vec<Step> {
    let conditions: Vec<_> = route.sections("match").collect();
    let is_plain = |condition: &Section<'_>| {
        ["labels", "hosts", "container_names", "namespace_labels"]
            .iter()
            .all(|key| condition.param(key).is_none())
    };
    match conditions.as_slice() {
        [] => Vec::new(),
        [one] if is_plain(one) => match one.text("namespaces") {
            Some(namespaces) => {
                let patterns = list(namespaces).into_iter().map(Pattern::Name).collect();
                let at = one.param("namespaces").map_or_else(|| one.spot.at(), |param| param.spot.at());
                let effect = by_namespaces(&at, patterns, !one.is_on("negate"));
                vec![Step { at, what: format!("label_router by namespaces {namespaces}"), effect }]
            }
            None if one.is_on("negate") => vec![step(one, "label_router takes nothing", Effect::DropsAll)],
            None => Vec::new(),
        },
        _ => vec![step(route, "label_router takes what its conditions describe", Effect::DropsSome)],
    }
}
