//! Parts of rules that no request matches.

use super::super::apis::Apis;
use super::super::coverage::{Prover, can_be_in_namespace, can_be_named, is_only_about_resources};
use super::super::{GroupResources, PolicyRule};
use super::{Kind, Remark};
use crate::suggest::nearest;

/// Verbs of requests about resources (`RequestInfoFactory`).
const VERBS: [&str; 8] = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];

/// HTTP methods as verbs of other requests.
const METHODS: [&str; 9] = ["get", "head", "post", "put", "patch", "delete", "options", "connect", "trace"];

/// Verbs of which only authorization speaks.
const AUTHORIZATION: [&str; 8] = ["bind", "escalate", "impersonate", "approve", "sign", "use", "attest", "*"];

pub(super) fn parts(prover: &Prover<'_>) -> Vec<Remark> {
    let mut remarks = Vec::new();
    for (index, rule) in prover.policy().rules.iter().enumerate() {
        let mut part = Part { rule, path: format!("rules[{index}]"), prover, remarks: &mut remarks };
        part.senders();
        part.verbs();
        part.namespaces();
        part.resources();
        part.urls();
    }
    remarks
}

struct Part<'r, 'p> {
    rule: &'r PolicyRule,
    path: String,
    prover: &'r Prover<'p>,
    remarks: &'r mut Vec<Remark>,
}

impl Part<'_, '_> {
    fn never(&mut self, field: &str, message: String) {
        self.remarks.push(Remark::new(Kind::NeverMatches, format!("{}.{field}", self.path), message));
    }

    /// `*` is no wildcard where strings are compared.
    fn star(value: &str, what: &str) -> Option<String> {
        value.contains('*').then(|| {
            format!("`{value}` matches nothing: {what} are compared as they stand, `*` is no wildcard in them; leave the list out for any")
        })
    }

    fn senders(&mut self) {
        for (at, user) in self.rule.users.iter().enumerate() {
            if self.prover.has_user(user) {
                continue;
            }
            let message = Self::star(user, "users").unwrap_or_else(|| {
                format!("`{user}` is no user that a request can have; service accounts are `system:serviceaccount:NAMESPACE:NAME`, nodes `system:node:NAME`")
            });
            self.never(&format!("users[{at}]"), message);
        }
        for (at, group) in self.rule.user_groups.iter().enumerate() {
            if self.prover.has_group(group) {
                continue;
            }
            let message = Self::star(group, "groups").unwrap_or_else(|| {
                format!("`{group}` is no group that a user can be in; the service accounts of a namespace are `system:serviceaccounts:NAMESPACE`")
            });
            self.never(&format!("userGroups[{at}]"), message);
        }
    }

    fn verbs(&mut self) {
        let about_resources = !self.rule.resources.is_empty() || !self.rule.namespaces.is_empty();
        let about_paths = !self.rule.non_resource_urls.is_empty();
        for (at, verb) in self.rule.verbs.iter().enumerate() {
            let fits_resources = !about_paths && VERBS.contains(&verb.as_str());
            let fits_paths = !about_resources && METHODS.contains(&verb.as_str());
            if fits_resources || fits_paths {
                continue;
            }
            let known: &[&str] = if about_paths { &METHODS } else { &VERBS };
            let message = if verb == "*" {
                "`*` matches nothing: verbs are compared as they stand; leave the list out for any".to_owned()
            } else if AUTHORIZATION.contains(&verb.as_str()) {
                format!("`{verb}` is asked for by authorization only and is never the verb of a request")
            } else {
                let near = nearest(&verb.to_lowercase(), known.iter().copied());
                let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                let kind = if about_paths { "by URL" } else { "about a resource" };
                format!("`{verb}` is not the verb of any request {kind}{near}")
            };
            self.never(&format!("verbs[{at}]"), message);
        }
    }

    fn namespaces(&mut self) {
        for (at, namespace) in self.rule.namespaces.iter().enumerate() {
            if namespace.is_empty() || can_be_in_namespace(namespace) {
                continue;
            }
            let message = Self::star(namespace, "namespaces")
                .unwrap_or_else(|| format!("`{namespace}` cannot be the name of a namespace"));
            self.never(&format!("namespaces[{at}]"), message);
        }
    }

    fn urls(&mut self) {
        for (at, url) in self.rule.non_resource_urls.iter().enumerate() {
            if is_only_about_resources(url) {
                self.never(
                    &format!("nonResourceURLs[{at}]"),
                    format!("`{url}` matches nothing: requests below it are about resources, which only `resources` can name"),
                );
            }
        }
    }

    fn resources(&mut self) {
        let entries: Vec<(usize, &GroupResources)> = self.rule.resources.iter().enumerate().collect();
        for (at, entry) in entries {
            let path = format!("resources[{at}]");
            let before = self.remarks.len();
            for (number, resource) in entry.resources.iter().enumerate() {
                self.resource(entry, resource, &format!("{path}.resources[{number}]"));
            }
            if self.remarks.len() == before {
                self.names(entry, &path);
                self.scope(entry, &path);
            }
        }
    }

    /// A resource that is not there.
    fn resource(&mut self, entry: &GroupResources, resource: &str, field: &str) {
        if entry.group == "*" || resource == "*" {
            return;
        }
        let apis = self.prover.apis();
        let (name, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        if !apis.has_group(&entry.group) && !Apis::is_builtin_group(&entry.group) {
            // Custom resources may come and go, but a name that is nearly one of Kubernetes' own is meant to be it.
            if let Some(near) = nearest(&entry.group, Apis::builtin_groups()).filter(|near| !near.is_empty())
            {
                let message = format!("no group {} is known; did you mean `{near}`?", entry.group);
                self.unknown(field, message);
            }
            return;
        }
        if apis.partly_known.contains(&entry.group) || Apis::is_optional(&entry.group, name) {
            return;
        }
        if name == "*" {
            let served = apis.resources.iter().filter(|((group, _), _)| *group == entry.group);
            let mut served = served.map(|(_, resource)| resource);
            if served.any(|known| known.subresources.contains_key(subresource)) {
                return;
            }
        } else if apis.get(&entry.group, name).is_some_and(|known| {
            matches!(subresource, "" | "*") || known.subresources.contains_key(subresource)
        }) {
            return;
        }
        let shown = if entry.group.is_empty() {
            "the core group".to_owned()
        } else {
            format!("group {}", entry.group)
        };
        let hint = self.where_else(entry, name, subresource);
        self.unknown(field, format!("{shown} has no `{resource}`{hint}"));
    }

    fn unknown(&mut self, field: &str, message: String) {
        self.remarks.push(Remark::new(Kind::UnknownResource, format!("{}.{field}", self.path), message));
    }

    /// What may have been meant by a resource that is not there.
    fn where_else(&self, entry: &GroupResources, name: &str, subresource: &str) -> String {
        let apis = self.prover.apis();
        let elsewhere = apis.resources.keys().find(|(group, known)| known == name && *group != entry.group);
        if let Some((group, _)) = elsewhere {
            let group = if group.is_empty() { "\"\"" } else { group };
            return format!("; `{name}` is in group {group}");
        }
        let mut of_group = apis.resources.iter().filter(|((group, _), _)| *group == entry.group);
        if subresource.is_empty()
            && let Some(((_, parent), _)) = of_group.find(|(_, known)| known.subresources.contains_key(name))
        {
            return format!("; a subresource is named with its resource: `{parent}/{name}`");
        }
        let names =
            apis.resources.keys().filter(|(group, _)| *group == entry.group).map(|(_, name)| name.as_str());
        let near = nearest(&name.to_lowercase(), names);
        near.filter(|near| *near != name).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
    }

    /// Names where requests have none.
    fn names(&mut self, entry: &GroupResources, path: &str) {
        for (number, name) in entry.resource_names.iter().enumerate() {
            if !can_be_named(name) {
                let message = Self::star(name, "names")
                    .unwrap_or_else(|| format!("`{name}` cannot be the name of an object"));
                self.never(&format!("{path}.resourceNames[{number}]"), message);
            }
        }
        let is_main = |resource: &String| !resource.contains('/');
        let nameless = |verb: &String| matches!(verb.as_str(), "create" | "deletecollection");
        let is_nameless = !self.rule.verbs.is_empty() && self.rule.verbs.iter().all(nameless);
        if !entry.resource_names.is_empty() && is_nameless && entry.resources.iter().all(is_main) {
            self.never(
                &format!("{path}.resourceNames"),
                "requests that create an object or delete a collection carry no name, so that no name matches them".to_owned(),
            );
        }
    }

    /// Namespaces for objects that have none.
    fn scope(&mut self, entry: &GroupResources, path: &str) {
        let apis = self.prover.apis();
        let own = |name: &str| {
            self.rule.namespaces.iter().any(|namespace| !namespace.is_empty() && namespace != name)
        };
        if entry.resources.is_empty() || self.rule.namespaces.iter().any(String::is_empty) || !own("") {
            return;
        }
        let is_cluster_wide = |resource: &String| {
            let (name, _) = resource.split_once('/').unwrap_or((resource, ""));
            let is_namespaces = entry.group.is_empty() && name == "namespaces";
            !is_namespaces && apis.get(&entry.group, name).is_some_and(|known| !known.namespaced)
        };
        if entry.resources.iter().all(is_cluster_wide) {
            self.never(
                path,
                format!(
                    "{} lie in no namespace, so that no request for them is in one of the rule's namespaces",
                    entry.resources.join(", ")
                ),
            );
        }
    }
}
