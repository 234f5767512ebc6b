//! `SyslogNGFlow` and `SyslogNGClusterFlow` (`pkg/sdk/logging/model/syslogng/config/flow.go`).

use super::super::fields::Fields;
use super::super::model::{Effect, NamespaceMatch, NamespaceRule, Pattern, Pipeline, Step};
use super::destinations;
use super::flows::{Flow, Referable, System, Target, refuse};
use super::scope::Scope;
use super::selection::Selection;

/// How deep conditions may be nested.
const MAX_DEPTH: usize = 64;

/// What syslog-ng does for a `Logging`.
pub(super) fn system(scope: &Scope<'_>, syslog_ng: &Fields<'_>, pipeline: &mut Pipeline) -> System {
    let lasts = destinations::has_volume(syslog_ng);
    let outputs = Referable::read(scope, ("SyslogNGClusterOutput", "SyslogNGOutput"), pipeline, |resource| {
        destinations::read(resource, lasts)
    });
    let mut system = System::default();
    let flows =
        scope.namespaced("SyslogNGFlow").into_iter().map(|flow| (flow, Some(flow.namespace.as_str())));
    let cluster_flows = scope.cluster_wide("SyslogNGClusterFlow").into_iter().map(|flow| (flow, None));
    for (flow, own) in flows.chain(cluster_flows) {
        let spec = Fields::spec(flow);
        let name = format!("{} {}", flow.kind, flow.full_name());
        let found = match outputs.resolve(&spec, own) {
            Ok(found) => found,
            Err(refused) => {
                refuse(scope, &name, refused, pipeline);
                continue;
            }
        };
        let mut steps = spec.get("match").map(|expression| condition(&expression, &name)).unwrap_or_default();
        steps.extend(filters(&spec.items("filters")));
        system.flows.push(Flow {
            selection: Selection::by_namespace(&spec, name.clone(), own),
            name,
            steps,
            targets: found.into_iter().map(|(_, output)| Target::Output(output)).collect(),
            label: None,
            routed: true,
        });
    }
    system
}

/// Filters drop what they do not match and, since a parser that fails ends the way of a message, what does not parse.
fn filters(filters: &[Fields<'_>]) -> Vec<Step> {
    let mut steps = Vec::new();
    for filter in filters {
        for (name, fields) in filter.entries() {
            match name {
                "match" => steps.extend(condition(&fields, "the filter")),
                "rewrite" => steps.extend(rewrites(&fields)),
                "parser" if fields.get("regexp").is_none() && fields.get("syslog-parser").is_none() => {}
                "parser" => steps.push(Step {
                    at: fields.at(),
                    what: "what the parser does not fit is dropped".into(),
                    effect: Effect::DropsSome,
                }),
                "id" => {}
                other => steps.push(Step {
                    at: fields.at(),
                    what: format!("the filter {other}, which is not known"),
                    effect: Effect::Unclear,
                }),
            }
        }
    }
    steps
}

fn rewrites(fields: &Fields<'_>) -> Vec<Step> {
    let replacing = fields.elements().into_iter().filter_map(|rewrite| rewrite.get("subst"));
    let step = |subst: Fields<'_>| {
        let field = subst.text("field").unwrap_or_default();
        Step { at: subst.at(), what: format!("subst replaces in {field}"), effect: Effect::Redacts }
    };
    replacing.map(step).collect()
}

/// An expression as steps. Those about namespaces alone are told apart; others drop some records.
fn condition(expression: &Fields<'_>, whose: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    collect(expression, whose, MAX_DEPTH, &mut steps);
    steps
}

fn collect(expression: &Fields<'_>, whose: &str, depth: usize, steps: &mut Vec<Step>) {
    if depth == 0 || expression.entries().is_empty() {
        return;
    }
    if expression.get("and").is_some() {
        for part in expression.items("and") {
            collect(&part, whose, depth - 1, steps);
        }
        return;
    }
    let by_namespace = rule(expression);
    let effect = by_namespace.map_or(Effect::DropsSome, Effect::Namespaces);
    steps.push(Step { at: expression.at(), what: format!("{whose} takes only what matches"), effect });
}

/// The rule of an expression about namespaces: one pattern, several with `or`, or one with `not`.
fn rule(expression: &Fields<'_>) -> Option<NamespaceRule> {
    if let Some(inner) = expression.get("not") {
        return Some(NamespaceRule { only: None, except: vec![namespace(&inner)?] });
    }
    if expression.get("or").is_some() {
        let parts: Option<Vec<NamespaceMatch>> = expression.items("or").iter().map(namespace).collect();
        return Some(NamespaceRule { only: Some(parts?), except: Vec::new() });
    }
    Some(NamespaceRule { only: Some(vec![namespace(expression)?]), except: Vec::new() })
}

/// `regexp` on `json.kubernetes.namespace_name`, with whatever delimiter.
fn namespace(expression: &Fields<'_>) -> Option<NamespaceMatch> {
    let regexp = expression.get("regexp")?;
    let value = regexp.text("value")?;
    if value.split(['.', '#', '~', ':', '/']).collect::<Vec<_>>().join(".")
        != "json.kubernetes.namespace_name"
    {
        return None;
    }
    let pattern = regexp.text("pattern")?;
    let flags: Vec<String> = regexp.list("flags").into_iter().map(|(flag, _)| flag).collect();
    let pattern = match regexp.text("type").as_deref() {
        Some("string") if flags.is_empty() => Pattern::Name(pattern),
        Some("glob") => Pattern::Glob(pattern),
        None | Some("pcre") if flags.is_empty() => Pattern::Regex(pattern),
        _ => Pattern::Unclear(format!("{pattern} with a type or flags that are not known here")),
    };
    Some(NamespaceMatch { at: regexp.at_key("pattern"), pattern })
}
