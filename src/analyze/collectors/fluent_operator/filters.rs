//! `ClusterFilter` and `Filter` (`apis/fluentbit/v1alpha2/plugins/filter`).

use super::super::fields::Fields;
use super::super::fluent_bit::{self, grep};
use super::super::model::{Effect, OptOut, Step};
use super::tags::{Fit, Matcher, Tag};
use crate::analyze::fact::Fact;
use crate::snapshot::Resource;

/// Filters that drop and mask nothing.
const HARMLESS: [&str; 6] = ["nest", "parser", "aws", "multiline", "logToMetrics", "kubernetes"];

/// A filter of a resource.
pub(super) struct Filter {
    /// Which records it is about.
    pub(super) matcher: Matcher,
    /// What it does to them.
    pub(super) steps: Vec<Step>,
    /// Where it gives records other tags, if it does.
    pub(super) retags: Option<String>,
    /// Whether it lets pods withdraw, if it is the one for metadata.
    honours: Option<Fact<bool>>,
}

/// Reads filters in the order in which they run: by `ordinal`, then by name.
pub(super) fn read(resources: &[&Resource]) -> Vec<Filter> {
    let mut sorted: Vec<(i64, &Resource)> = resources
        .iter()
        .map(|resource| {
            let ordinal = Fields::spec(resource).text("ordinal").and_then(|text| text.parse().ok());
            (ordinal.unwrap_or_default(), *resource)
        })
        .collect();
    sorted.sort_by(|a, b| (a.0, &a.1.name).cmp(&(b.0, &b.1.name)));
    let mut filters = Vec::new();
    for (_, resource) in sorted {
        let spec = Fields::spec(resource);
        for item in spec.items("filters") {
            for (name, fields) in item.entries() {
                filters.push(Filter {
                    matcher: Matcher::of(&spec),
                    steps: steps(name, &fields),
                    retags: (name == "rewriteTag").then(|| fields.at()),
                    honours: (name == "kubernetes").then(|| fields.flag_or("k8sLoggingExclude", false)),
                });
            }
        }
    }
    filters
}

/// `fluentbit.io/exclude`, if a filter for metadata is about these records. The program's default is not to honour it.
pub(super) fn opt_outs(filters: &[Filter], tag: &Tag, config: &Fields<'_>) -> Vec<OptOut> {
    let mut honoured: Option<Fact<bool>> = None;
    for filter in filters.iter().filter(|filter| filter.matcher.fit(tag) != Fit::No) {
        if let Some(one) = &filter.honours {
            honoured = Some(match honoured {
                Some(so_far) => so_far.or(one.clone()),
                None => one.clone(),
            });
        }
    }
    let honoured =
        honoured.unwrap_or_else(|| config.known("", false, "no kubernetes filter is about these records"));
    vec![fluent_bit::opt_out(honoured)]
}

fn steps(name: &str, fields: &Fields<'_>) -> Vec<Step> {
    let step = |key: &str, what: String, effect| Step { at: fields.at_key(key), what, effect };
    match name {
        name if HARMLESS.contains(&name) => Vec::new(),
        "grep" => ["regex", "exclude"].into_iter().filter_map(|kind| rule_of(fields, kind)).collect(),
        "throttle" => {
            let rate = fields.text("rate").unwrap_or_else(|| "1".into());
            let interval = fields.text("interval").unwrap_or_else(|| "1s".into());
            vec![step("rate", format!("throttle to {rate} records in {interval}"), Effect::Limits)]
        }
        "lua" | "wasm" | "customPlugin" => {
            vec![step("", format!("{name} may drop or change records"), Effect::Unclear)]
        }
        "recordModifier" => removal(fields, &["removeKeys"], "recordModifier"),
        "modify" => {
            fields.items("rules").iter().flat_map(|rule| removal(rule, &["remove"], "modify")).collect()
        }
        "rewriteTag" => Vec::new(),
        other => vec![step("", format!("the filter {other}, which is not known"), Effect::Unclear)],
    }
}

/// `KEY REGEX`: `regex` keeps what fits, `exclude` drops it (fluent-bit docs: filters/grep).
fn rule_of(fields: &Fields<'_>, kind: &str) -> Option<Step> {
    let rule = fields.text(kind)?;
    let (key, pattern) = rule.trim().split_once(char::is_whitespace).unwrap_or((rule.trim(), ""));
    let at = fields.at_key(kind);
    // Whether records know their namespace by then is not followed here.
    let effect = grep::effect(key, grep::pattern(pattern.trim()), kind == "regex", true, &at);
    Some(Step { at, what: format!("grep {kind} {rule}"), effect })
}

/// Only keys that hold the message matter.
fn removal(fields: &Fields<'_>, keys: &[&str], filter: &str) -> Vec<Step> {
    let is_message = |key: &str| matches!(key, "log" | "message" | "msg");
    let removed = keys.iter().flat_map(|key| fields.list(key)).filter(|(key, _)| is_message(key));
    removed
        .map(|(key, at)| Step { at, what: format!("{filter} removes {key}"), effect: Effect::Unclear })
        .collect()
}
