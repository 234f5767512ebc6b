//! Which rules can decide a request, and for whom.

use std::collections::BTreeSet;

use super::super::matches::Attributes;
use super::super::{AuditPolicy, Level};
use super::identity::{Candidate, Identity, IdentityKind, candidates};
use super::{Residual, Target, residuals};

/// A rule that decides some requests of a form.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The level.
    pub level: Level,
    /// The rule; none where no rule matches.
    pub rule: Option<usize>,
    /// The kind of identity.
    pub kind: IdentityKind,
    /// The user, if the policy names it.
    pub user: Option<String>,
    /// The group that brings the identity under the rule, if one does.
    pub group: Option<String>,
    /// The namespace, if the policy names it; `""` for requests about all namespaces or none.
    pub namespace: Option<String>,
    /// The name, if the policy names it; `""` for requests without one.
    pub name: Option<String>,
    /// A request that the rule decides.
    pub witness: Attributes,
}

/// Everything that can decide requests of a form: one outcome for each rule, identity, group, namespace and name.
///
/// `wildcard_groups`: whether group `*` covers all groups, as it does since Kubernetes 1.36.
pub fn outcomes(policy: &AuditPolicy, target: &Target, wildcard_groups: bool) -> Vec<Outcome> {
    let rules = residuals(policy, target, wildcard_groups);
    let candidates = candidates(policy);
    let mut found = Vec::new();
    for (namespace, namespace_named) in namespaces(&rules, target) {
        for (name, name_named) in names(&rules, target) {
            let cell: Vec<&Residual<'_>> = rules
                .iter()
                .filter(|rule| rule.namespaces.is_empty() || rule.namespaces.contains(&namespace))
                .filter(|rule| rule.names.as_ref().is_none_or(|names| names.contains(&name.as_str())))
                .collect();
            for candidate in &candidates {
                for (rule, group) in reached(&cell, candidate) {
                    let identity = identity(candidate, group);
                    found.push(Outcome {
                        level: rule.level,
                        rule: rule.index,
                        kind: candidate.kind,
                        user: candidate.user.clone().filter(|_| candidate.named),
                        group: group.map(str::to_owned),
                        namespace: Some(namespace.clone()).filter(|_| namespace_named),
                        name: Some(name.clone()).filter(|_| name_named),
                        witness: witness(target, identity, &namespace, &name),
                    });
                }
            }
        }
    }
    found
}

/// The rules that can decide a request of this candidate in a cell, each with the group that brings it there.
///
/// A person's groups are free. To come past an earlier rule that any user matches, the person must be in none of its
/// groups; so the groups of the rules passed are forbidden for the rules behind them, and a rule can be reached if it asks
/// for no group, for one the candidate has anyway, or for one that is not forbidden.
fn reached<'c, 'p>(cell: &[&'c Residual<'p>], candidate: &'c Candidate<'p>) -> Vec<(&'c Residual<'p>, Option<&'c str>)> {
    let mut forbidden: BTreeSet<&str> = BTreeSet::new();
    let mut found = Vec::new();
    for rule in cell {
        let user_matches = match &candidate.user {
            // A request without a user matches only rules that ask for neither user nor group.
            None => rule.users.is_empty() && rule.groups.is_empty(),
            Some(user) => rule.users.is_empty() || rule.users.contains(user),
        };
        if !user_matches {
            continue;
        }
        if rule.groups.is_empty() {
            found.push((*rule, None));
            return found;
        }
        if let Some(fixed) = candidate.fixed.iter().find(|group| rule.groups.contains(group)) {
            found.push((*rule, Some(fixed.as_str())));
            return found;
        }
        for group in candidate.optional.iter().filter(|group| rule.groups.iter().any(|wanted| wanted == *group)) {
            if !forbidden.contains(group) {
                found.push((*rule, Some(group)));
            }
        }
        forbidden.extend(rule.groups.iter().map(String::as_str));
    }
    found
}

fn identity(candidate: &Candidate<'_>, group: Option<&str>) -> Identity {
    let mut groups = candidate.fixed.clone();
    if let Some(group) = group
        && !groups.iter().any(|known| known == group)
    {
        groups.push(group.to_owned());
    }
    Identity { user: candidate.user.clone(), groups }
}

/// The namespaces that rules tell apart, and one that they do not name.
fn namespaces(rules: &[Residual<'_>], target: &Target) -> Vec<(String, bool)> {
    let Target::Resource { namespaced, .. } = target else { return vec![(String::new(), false)] };
    if !namespaced {
        return vec![(String::new(), false)];
    }
    let named: BTreeSet<&str> =
        rules.iter().flat_map(|rule| rule.namespaces.iter().map(String::as_str)).filter(|name| !name.is_empty()).collect();
    let mut cells: Vec<(String, bool)> = named.iter().map(|name| ((*name).to_owned(), true)).collect();
    cells.push((fresh("team-b", &named), false));
    if target.spans_namespaces() {
        cells.push((String::new(), true));
    }
    cells
}

/// The names that rules tell apart, and one that they do not name.
fn names(rules: &[Residual<'_>], target: &Target) -> Vec<(String, bool)> {
    let (takes, may_lack) = target.takes_name();
    let mut cells = Vec::new();
    if takes {
        let named: BTreeSet<&str> = rules.iter().flat_map(|rule| rule.names.iter().flatten().copied()).collect();
        cells.extend(named.iter().filter(|name| !name.is_empty()).map(|name| ((*name).to_owned(), true)));
        cells.push((fresh("object-1", &named), false));
    }
    if may_lack {
        cells.push((String::new(), takes));
    }
    cells
}

fn fresh(stem: &str, taken: &BTreeSet<&str>) -> String {
    let mut name = stem.to_owned();
    while taken.contains(name.as_str()) {
        name.push('0');
    }
    name
}

fn witness(target: &Target, identity: Identity, namespace: &str, name: &str) -> Attributes {
    let Identity { user, groups } = identity;
    match target {
        Target::Resource { verb, group, resource, subresource, .. } => {
            let root = if group.is_empty() { "/api/v1".to_owned() } else { format!("/apis/{group}/v1") };
            let mut path = root;
            for (before, part) in [("/namespaces/", namespace), ("/", resource.as_str()), ("/", name), ("/", subresource)] {
                if !part.is_empty() {
                    path.push_str(before);
                    path.push_str(part);
                }
            }
            Attributes {
                user,
                groups,
                verb: verb.clone(),
                api_group: group.clone(),
                api_version: "v1".into(),
                resource: resource.clone(),
                subresource: subresource.clone(),
                name: name.to_owned(),
                namespace: namespace.to_owned(),
                is_resource_request: true,
                path,
            }
        }
        Target::Path { verb, path } => Attributes {
            user,
            groups,
            verb: verb.clone(),
            api_group: String::new(),
            api_version: String::new(),
            resource: String::new(),
            subresource: String::new(),
            name: String::new(),
            namespace: String::new(),
            is_resource_request: false,
            path: path.clone(),
        },
    }
}
