//! What a policy records, proved and not sampled.
//!
//! The evaluator compares strings with constants of the policy and nothing else, so every dimension of a request falls
//! into the constants that the policy names plus "anything else", and a finite number of cells covers all requests. For one
//! form of request (verb, resource, subresource) [`outcomes`] walks the rules once per cell of namespace, name and kind of
//! user; which sets of groups can reach a rule follows from the groups of the rules before it ([`reach`]). Every
//! outcome carries a witness: a request that the evaluator decides by that rule.

mod identity;
mod reach;

pub use identity::{Identity, IdentityKind};
pub use reach::{Outcome, outcomes};

use super::{AuditPolicy, GroupResources, Level, PolicyRule};

/// A form of request about a resource, or about a path. What is left open are identity, namespace and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// A request about a resource.
    Resource {
        /// The verb.
        verb: String,
        /// The API group.
        group: String,
        /// The plural.
        resource: String,
        /// The subresource, or `""`.
        subresource: String,
        /// Whether the resource lives in namespaces.
        namespaced: bool,
    },
    /// A request about a path.
    Path {
        /// The lower-case method.
        verb: String,
        /// The path.
        path: String,
    },
}

impl Target {
    /// Whether requests of this form can carry the name of an object. Reads of collections can, by a field selector on
    /// `metadata.name` (`k8s.io/apiserver` `pkg/endpoints/request` `RequestInfoFactory`).
    fn takes_name(&self) -> (bool, bool) {
        let Self::Resource { verb, subresource, .. } = self else { return (false, true) };
        match verb.as_str() {
            "list" | "watch" | "deletecollection" => (true, true),
            "create" if subresource.is_empty() => (false, true),
            _ => (true, false),
        }
    }

    /// Whether requests of this form can be about all namespaces at once.
    fn spans_namespaces(&self) -> bool {
        matches!(self, Self::Resource { verb, .. } if matches!(verb.as_str(), "list" | "watch"))
    }
}

/// What of a rule is left once the verb and the resource of a request are known to match.
#[derive(Debug, Clone)]
struct Residual<'p> {
    index: Option<usize>,
    level: Level,
    users: &'p [String],
    groups: &'p [String],
    namespaces: &'p [String],
    /// Names, any of which matches; none if any name does.
    names: Option<Vec<&'p str>>,
}

/// The rules that can match requests of a form, in order, and last the default: nothing is recorded.
fn residuals<'p>(policy: &'p AuditPolicy, target: &Target, wildcard_groups: bool) -> Vec<Residual<'p>> {
    let rules = policy.rules.iter().enumerate();
    let mut residuals: Vec<Residual<'p>> =
        rules.filter_map(|(index, rule)| residual(index, rule, target, wildcard_groups)).collect();
    residuals.push(Residual { index: None, level: Level::None, users: &[], groups: &[], namespaces: &[], names: None });
    residuals
}

fn residual<'p>(index: usize, rule: &'p PolicyRule, target: &Target, wildcard_groups: bool) -> Option<Residual<'p>> {
    let has = |list: &[String], wanted: &str| list.is_empty() || list.iter().any(|item| item == wanted);
    let mut names = None;
    match target {
        Target::Resource { verb, group, resource, subresource, .. } => {
            if !has(&rule.verbs, verb) || !rule.non_resource_urls.is_empty() {
                return None;
            }
            if !rule.resources.is_empty() {
                let matching: Vec<&GroupResources> = rule
                    .resources
                    .iter()
                    .filter(|item| covers(item, group, resource, subresource, wildcard_groups))
                    .collect();
                if matching.is_empty() {
                    return None;
                }
                if matching.iter().all(|item| !item.resource_names.is_empty()) {
                    names = Some(matching.iter().flat_map(|item| item.resource_names.iter().map(String::as_str)).collect());
                }
            }
        }
        Target::Path { verb, path } => {
            if !has(&rule.verbs, verb) || !rule.resources.is_empty() || !rule.namespaces.is_empty() {
                return None;
            }
            if !rule.non_resource_urls.is_empty() && !rule.non_resource_urls.iter().any(|url| covers_path(url, path)) {
                return None;
            }
        }
    }
    Some(Residual {
        index: Some(index),
        level: rule.level,
        users: &rule.users,
        groups: &rule.user_groups,
        namespaces: &rule.namespaces,
        names,
    })
}

/// Whether an item of a rule's `resources` covers a resource, whatever the name
/// (`k8s.io/apiserver` `pkg/audit/policy` `ruleMatchesResource`).
pub(super) fn covers(item: &GroupResources, group: &str, resource: &str, subresource: &str, wildcard_groups: bool) -> bool {
    if item.group != group && !(wildcard_groups && item.group == "*") {
        return false;
    }
    if item.resources.is_empty() {
        return true;
    }
    item.resources.iter().any(|entry| match entry.split_once('/') {
        _ if entry == "*" => true,
        None => subresource.is_empty() && entry == resource,
        Some(("*", sub)) => !subresource.is_empty() && sub == subresource || sub == "*" && false,
        // Only the part before the slash is compared, so `pods/*` covers `pods` as well.
        Some((res, "*")) => res == resource,
        Some((res, sub)) => res == resource && sub == subresource,
    })
}

/// Whether a URL of a rule covers a path (`ruleMatchesNonResource`).
pub(super) fn covers_path(url: &str, path: &str) -> bool {
    url == "*" || url == path || url.strip_suffix('*').is_some_and(|prefix| path.starts_with(prefix))
}
