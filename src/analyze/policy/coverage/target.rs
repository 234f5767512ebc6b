//! What a request does, apart from who sends it and which object it is about: and which rules can match such requests.

use super::super::catalogue::UNKNOWN_GROUP;
use super::super::matches::{Attributes, GroupWildcard};
use super::super::{GroupResources, PolicyRule};

/// Requests alike but for sender, namespace and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Target {
    Resource {
        verb: String,
        group: String,
        resource: String,
        subresource: String,
        scope: Scope,
        /// Whether it stands for all resources of the group that are not known.
        is_any_other: bool,
    },
    Path {
        verb: String,
        path: String,
        /// The pattern of paths for all of which it stands; the path itself where it is asked about for its own sake.
        shown: String,
    },
}

/// Where the objects of a resource lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Scope {
    Namespaced,
    Cluster,
    /// Not known: both are possible.
    Either,
    /// `namespaces`, whose requests are in the namespace that they are about (`RequestInfoFactory`).
    Namespaces,
}

/// The names that a rule accepts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Names<'p> {
    Any,
    These(Vec<&'p str>),
}

impl Names<'_> {
    pub(super) fn accept(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::These(names) => names.contains(&name),
        }
    }
}

impl Target {
    pub(super) fn verb(&self) -> &str {
        match self {
            Self::Resource { verb, .. } | Self::Path { verb, .. } => verb,
        }
    }

    /// `secrets`, `pods/exec`, `deployments.apps`, `/healthz*`.
    pub(super) fn what(&self) -> String {
        match self {
            Self::Resource { group, is_any_other: true, subresource, .. } => {
                let what = if subresource.is_empty() { "anything" } else { "subresources of anything" };
                if group == UNKNOWN_GROUP {
                    format!("{what} in groups that no rule names")
                } else {
                    format!("{what} else in {group}")
                }
            }
            Self::Resource { group, resource, subresource, .. } => {
                let dot = if group.is_empty() { "" } else { "." };
                let slash = if subresource.is_empty() { "" } else { "/" };
                format!("{resource}{dot}{group}{slash}{subresource}")
            }
            Self::Path { shown, .. } => shown.clone(),
        }
    }

    /// Whether such requests carry a name: always, never, or by field selector if at all.
    pub(super) fn naming(&self) -> Naming {
        match self {
            Self::Path { .. } => Naming::Never,
            Self::Resource { verb, subresource, .. } => match verb.as_str() {
                "create" if subresource.is_empty() => Naming::Never,
                // No name in the URL, and field selectors are only looked at for lists and watches.
                "deletecollection" => Naming::Never,
                "list" | "watch" => Naming::Maybe,
                _ => Naming::Always,
            },
        }
    }

    /// The request by nobody in particular.
    pub(super) fn attributes(&self, namespace: &str, name: &str) -> Attributes {
        match self {
            Self::Resource { verb, group, resource, subresource, .. } => Attributes {
                verb: verb.clone(),
                api_group: group.clone(),
                resource: resource.clone(),
                subresource: subresource.clone(),
                namespace: namespace.to_owned(),
                name: name.to_owned(),
                is_resource_request: true,
                ..Attributes::default()
            },
            Self::Path { verb, path, .. } => {
                Attributes { verb: verb.clone(), path: path.clone(), ..Attributes::default() }
            }
        }
    }

    /// Whether a rule can match such requests, and with which names. The conditions on senders and namespaces are left to
    /// whoever asks. As `ruleMatches` of `k8s.io/apiserver` `pkg/audit/policy`.
    pub(super) fn matched_by<'p>(&self, rule: &'p PolicyRule, wildcard: GroupWildcard) -> Option<Names<'p>> {
        if !rule.verbs.is_empty() && !rule.verbs.iter().any(|verb| verb == self.verb()) {
            return None;
        }
        match self {
            Self::Resource { group, resource, subresource, .. } => {
                if rule.resources.is_empty() {
                    let only_paths = rule.namespaces.is_empty() && !rule.non_resource_urls.is_empty();
                    return (!only_paths).then_some(Names::Any);
                }
                let mut names: Option<Vec<&str>> = None;
                for entry in &rule.resources {
                    if !entry_matches(entry, group, resource, subresource, wildcard) {
                        continue;
                    }
                    if entry.resources.is_empty() || entry.resource_names.is_empty() {
                        return Some(Names::Any);
                    }
                    names.get_or_insert_default().extend(entry.resource_names.iter().map(String::as_str));
                }
                names.map(Names::These)
            }
            Self::Path { path, .. } => {
                let concerns_resources = !rule.namespaces.is_empty() || !rule.resources.is_empty();
                let fits = rule.non_resource_urls.is_empty()
                    || rule.non_resource_urls.iter().any(|pattern| path_matches(pattern, path));
                (!concerns_resources && fits).then_some(Names::Any)
            }
        }
    }
}

/// Whether requests carry an object's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Naming {
    Always,
    Never,
    Maybe,
}

/// `ruleMatchesResource` but for the names.
fn entry_matches(
    entry: &GroupResources,
    group: &str,
    resource: &str,
    subresource: &str,
    wildcard: GroupWildcard,
) -> bool {
    let any_group = wildcard == GroupWildcard::Any && entry.group == "*";
    if !any_group && entry.group != group {
        return false;
    }
    entry.resources.is_empty()
        || entry.resources.iter().any(|known| resource_matches(known, resource, subresource))
}

/// Whether an entry of `resources` means a resource, or a subresource of it.
pub(super) fn resource_matches(known: &str, resource: &str, subresource: &str) -> bool {
    if known == "*" || known.strip_suffix("/*").is_some_and(|of| of == resource) {
        return true;
    }
    if subresource.is_empty() {
        return known == resource;
    }
    known.strip_prefix("*/").is_some_and(|of| of == subresource)
        || known.split_once('/').is_some_and(|(left, right)| left == resource && right == subresource)
}

/// `pathMatches` of `k8s.io/apiserver` `pkg/audit/policy`.
pub(super) fn path_matches(pattern: &str, path: &str) -> bool {
    pattern == path || pattern.strip_suffix('*').is_some_and(|prefix| path.starts_with(prefix))
}

/// Whether a server takes a path for that of a resource (`RequestInfoFactory`).
pub(super) fn is_about_resources(path: &str) -> bool {
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    matches!(segments.as_slice(), ["api", _, _, ..] | ["apis", _, _, _, ..])
}
