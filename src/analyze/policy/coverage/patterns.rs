//! Patterns of the catalogue into targets: what is served, and what the policy itself brings up.

use std::collections::{BTreeMap, BTreeSet};

use super::super::PolicyRule;
use super::super::apis::Apis;
use super::super::catalogue::{RequestPattern, UNKNOWN_GROUP};
use super::identity::fresh;
use super::target::{Scope, Target, is_about_resources, path_matches};

/// The verbs of requests about resources.
const VERBS: [&str; 8] = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];

/// A resource that stands for those that are not known.
const THINGS: &str = "things";

/// What policies and server know of resources and paths.
#[derive(Debug)]
pub(super) struct World<'w> {
    apis: &'w Apis,
    /// The groups that rules name, and the resources that they name in each.
    groups: BTreeMap<&'w str, BTreeSet<&'w str>>,
    urls: BTreeSet<&'w str>,
    verbs: BTreeSet<&'w str>,
}

impl<'w> World<'w> {
    pub(super) fn new(apis: &'w Apis, rules: impl Iterator<Item = &'w PolicyRule>) -> Self {
        let mut world = Self { apis, groups: BTreeMap::new(), urls: BTreeSet::new(), verbs: BTreeSet::new() };
        for rule in rules {
            for entry in &rule.resources {
                let resources = world.groups.entry(&entry.group).or_default();
                resources.extend(entry.resources.iter().map(String::as_str));
            }
            world.urls.extend(rule.non_resource_urls.iter().map(String::as_str));
            world.verbs.extend(rule.verbs.iter().map(String::as_str));
        }
        world
    }

    /// What rules name in a group, beside those that they name in every group.
    fn named(&self, group: &str) -> impl Iterator<Item = &'w str> {
        let of = |group: &str| self.groups.get(group).into_iter().flatten().copied();
        of(group).chain(of("*"))
    }

    /// Everything that is served or that a rule names, and one of each that no rule names.
    pub(super) fn everything(&self) -> BTreeSet<Target> {
        const METHODS: [&str; 9] =
            ["get", "head", "post", "put", "patch", "delete", "options", "connect", "trace"];
        let mut targets = BTreeSet::new();
        // Of the methods that no rule names one speaks for all.
        let other = METHODS.iter().find(|method| !self.verbs.contains(**method));
        for method in METHODS.iter().filter(|method| self.verbs.contains(**method)).chain(other) {
            let paths = self.paths("/*").into_iter();
            targets.extend(paths.map(|(path, shown)| Target::Path {
                verb: (*method).to_owned(),
                path,
                shown,
            }));
        }
        for group in self.groups("*") {
            for verb in VERBS {
                self.resources(&group, "*", verb, &mut targets);
                self.resources(&group, "*/*", verb, &mut targets);
            }
        }
        targets
    }

    /// Subresources of a group: those that are served, and those that rules name of resources that are not known.
    fn subresources(&self, group: &str) -> BTreeSet<(String, String)> {
        let served = self.apis.resources.iter().filter(|((of, _), _)| of == group);
        let served = served.flat_map(|((_, resource), known)| {
            known.subresources.keys().map(|subresource| (resource.clone(), subresource.clone()))
        });
        let named =
            self.named(group).filter_map(|known| known.split_once('/')).map(|(resource, subresource)| {
                let or =
                    |text: &str, other: &str| if text == "*" { other.to_owned() } else { text.to_owned() };
                (or(resource, THINGS), or(subresource, "part"))
            });
        let any = (group == UNKNOWN_GROUP).then(|| (THINGS.to_owned(), "part".to_owned()));
        served.chain(named).chain(any).collect()
    }

    /// The targets of a pattern; none if nothing of it is served.
    pub(super) fn targets(&self, pattern: &RequestPattern) -> BTreeSet<Target> {
        let mut targets = BTreeSet::new();
        for verb in &pattern.verbs {
            for url in &pattern.urls {
                targets.extend(self.paths(url).into_iter().map(|(path, shown)| Target::Path {
                    verb: verb.clone(),
                    path,
                    shown,
                }));
            }
            for resource in &pattern.resources {
                for group in self.groups(&pattern.group) {
                    self.resources(&group, resource, verb, &mut targets);
                }
            }
        }
        targets
    }

    /// Whether a rule names the group.
    fn is_named(&self, group: &str) -> bool {
        self.groups.contains_key(group)
    }

    fn groups(&self, group: &str) -> BTreeSet<String> {
        if group != "*" {
            return BTreeSet::from([group.to_owned()]);
        }
        let named = self.groups.keys().copied();
        let served = self.apis.resources.keys().map(|(group, _)| group.as_str());
        let all = served.chain(named).filter(|group| *group != "*").chain([UNKNOWN_GROUP]);
        all.map(str::to_owned).collect()
    }

    fn resources(&self, group: &str, resource: &str, verb: &str, targets: &mut BTreeSet<Target>) {
        if resource == "*/*" {
            let all = self.subresources(group).into_iter();
            targets.extend(all.filter_map(|(resource, part)| self.target(group, &resource, &part, verb)));
            return;
        }
        if resource != "*" {
            let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
            targets.extend(self.target(group, resource, subresource, verb));
            return;
        }
        let served = self.apis.resources.keys().filter(|(of, _)| of == group).map(|(_, name)| name.as_str());
        let named = self
            .named(group)
            .map(|known| known.split_once('/').map_or(known, |(resource, _)| resource))
            .filter(|name| *name != "*");
        let known: BTreeSet<&str> = served.chain(named).collect();
        targets.extend(known.iter().filter_map(|name| self.target(group, name, "", verb)));
        if let Some(mut other) = self.target(group, &fresh(&known, THINGS), "", verb) {
            if let Target::Resource { is_any_other, .. } = &mut other {
                *is_any_other = true;
            }
            targets.insert(other);
        }
    }

    fn target(&self, group: &str, resource: &str, subresource: &str, verb: &str) -> Option<Target> {
        let scope = match self.apis.get(group, resource) {
            Some(served) => {
                let verbs = if subresource.is_empty() {
                    Some(&served.verbs)
                } else {
                    Some(served.subresources.get(subresource)?)
                };
                // What connects to something takes every method that the pattern thinks of.
                let connects = matches!(subresource, "exec" | "attach" | "portforward" | "proxy");
                if !connects && verbs.is_some_and(|verbs| !verbs.iter().any(|served| served == verb)) {
                    return None;
                }
                match served.namespaced {
                    true => Scope::Namespaced,
                    false if group.is_empty() && resource == "namespaces" => Scope::Namespaces,
                    false => Scope::Cluster,
                }
            }
            None if group == UNKNOWN_GROUP => Scope::Either,
            None if self.apis.partly_known.contains(group) => Scope::Either,
            None if !self.apis.complete && Apis::is_builtin_group(group) => return None,
            None if self.is_named(group) => Scope::Either,
            None => return None,
        };
        Some(Target::Resource {
            verb: verb.to_owned(),
            group: group.to_owned(),
            resource: resource.to_owned(),
            subresource: subresource.to_owned(),
            scope,
            is_any_other: group == UNKNOWN_GROUP && resource == THINGS,
        })
    }

    /// The paths that the rules tell apart among those of a pattern: two paths that satisfy the same rules are alike, and
    /// which these are follows from the longest prefix that a rule names. Each with the pattern that it stands for.
    fn paths(&self, pattern: &str) -> BTreeMap<String, String> {
        let Some(prefix) = pattern.strip_suffix('*') else {
            return BTreeMap::from([(pattern.to_owned(), pattern.to_owned())]);
        };
        let named = &self.urls;
        let mut paths = BTreeMap::new();
        let prefixes = named.iter().filter_map(|known| known.strip_suffix('*'));
        for prefix in prefixes.filter(|known| known.starts_with(prefix)).chain([prefix]) {
            paths.insert(prefix.to_owned(), prefix.to_owned());
            // A path that no rule names and that no longer prefix fits.
            let longer = |known: &str| known.len() > prefix.len() + usize::from(known.ends_with('*'));
            let other = (0..=named.len())
                .map(|number| format!("{prefix}other{number}"))
                .find(|path| !named.iter().any(|known| longer(known) && path_matches(known, path)));
            paths.extend(other.map(|path| (path, format!("{prefix}*"))));
        }
        let exact = named.iter().filter(|known| !known.ends_with('*') && known.starts_with(prefix));
        paths.extend(exact.map(|known| ((*known).to_owned(), (*known).to_owned())));
        // A request's path begins with a slash, and one about a resource is no path to the policy.
        paths.retain(|path, _| path.starts_with('/') && !is_about_resources(path));
        paths
    }
}
