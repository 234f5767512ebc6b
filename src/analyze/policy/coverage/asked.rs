//! What the catalogue's entries ask about: requests, senders, and what is left aside.

use super::super::catalogue::{
    Body, BodyObjects, Catalogue, NamedObjects, Noise, RequestPattern, Senders, Who,
};
use super::super::{AuditPolicy, GroupResources, PolicyRule};
use super::LOGGED;
use super::identity::{self, Everyone};

/// Who makes a kind of noise.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Makers<'c> {
    pub(super) who: &'static [Who],
    pub(super) users: &'c [String],
}

pub(super) fn makers(noise: &Noise) -> Makers<'_> {
    let rule = &noise.rule;
    let is_nodes =
        !rule.user_groups.is_empty() && rule.user_groups.iter().all(|group| group == identity::NODES);
    let who: &'static [Who] = if is_nodes {
        &[Who::Node]
    } else if rule.non_resource_urls.is_empty() {
        // That the anonymous do it as well is no noise.
        &[Who::Person, Who::ServiceAccount, Who::Node]
    } else {
        &LOGGED
    };
    Makers { who, users: &rule.users }
}

/// The requests that are noise.
pub(super) fn patterns_of_noise(noise: &Noise) -> Vec<RequestPattern> {
    let rule = &noise.rule;
    let verbs = |all: &[&str]| {
        if rule.verbs.is_empty() {
            all.iter().map(|verb| (*verb).to_owned()).collect()
        } else {
            rule.verbs.clone()
        }
    };
    let mut patterns: Vec<RequestPattern> = rule
        .resources
        .iter()
        .map(|entry| RequestPattern {
            verbs: verbs(&["get", "list", "watch", "create", "update", "patch", "delete"]),
            group: entry.group.clone(),
            resources: entry.resources.clone(),
            namespaces: rule.namespaces.clone(),
            names: entry.resource_names.clone(),
            ..RequestPattern::default()
        })
        .collect();
    if !rule.non_resource_urls.is_empty() {
        patterns.push(RequestPattern {
            verbs: verbs(&["get"]),
            urls: rule.non_resource_urls.clone(),
            ..RequestPattern::default()
        });
    }
    patterns
}

/// The requests that can have bodies of a kind.
pub(super) fn patterns_of(body: &Body) -> Vec<RequestPattern> {
    const VERBS: [&str; 7] = ["get", "list", "create", "update", "patch", "delete", "deletecollection"];
    let of_objects = |objects: &BodyObjects| RequestPattern {
        verbs: VERBS.map(str::to_owned).to_vec(),
        group: objects.group.clone(),
        resources: objects.resources.clone(),
        ..RequestPattern::default()
    };
    body.objects.iter().map(of_objects).collect()
}

/// Rules that match the objects whose bodies may be logged all the same.
pub(super) fn excepted(body: &Body) -> Vec<PolicyRule> {
    let entries =
        body.objects.iter().flat_map(|objects| body.except.iter().map(move |except| (objects, except)));
    let rule = |(objects, except): (&BodyObjects, &NamedObjects)| PolicyRule {
        namespaces: except.namespaces.clone(),
        resources: vec![GroupResources {
            group: objects.group.clone(),
            resources: objects.resources.clone(),
            resource_names: except.names.clone(),
        }],
        ..PolicyRule::default()
    };
    entries.map(rule).collect()
}

/// What is left aside: noise that may be dropped, and senders that do not count.
pub(super) fn excluded(catalogue: &Catalogue, except: &Senders) -> Vec<PolicyRule> {
    let noise = catalogue.noise.iter().filter(|noise| noise.tolerated).map(|noise| noise.rule.clone());
    noise.chain(rules_of(except)).collect()
}

/// Rules that match these senders.
pub(super) fn rules_of(senders: &Senders) -> impl Iterator<Item = PolicyRule> {
    let users = (!senders.users.is_empty())
        .then(|| PolicyRule { users: senders.users.clone(), ..PolicyRule::default() });
    let groups = (!senders.groups.is_empty())
        .then(|| PolicyRule { user_groups: senders.groups.clone(), ..PolicyRule::default() });
    users.into_iter().chain(groups)
}

/// Everyone that some policies and the catalogue tell apart.
pub(super) fn everyone(policies: &[&AuditPolicy], catalogue: &Catalogue) -> Everyone {
    let excepted: Vec<PolicyRule> =
        catalogue.classes.iter().flat_map(|class| rules_of(&class.except)).collect();
    let noise = catalogue.noise.iter().map(|noise| &noise.rule);
    let own = policies.iter().flat_map(|policy| &policy.rules);
    Everyone::of(own.chain(noise).chain(&excepted))
}
