//! Which resources an API server serves: by its own discovery, else by the table of its Kubernetes version.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::analyze::version::Version;
use crate::check::builtin;
use crate::snapshot::ServedApis;

/// The resources of Kubernetes itself, by version: `checks/apis.yaml`.
static TABLE: LazyLock<Vec<TableGroup>> = LazyLock::new(|| builtin::data("apis.yaml"));

/// A group of the table.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct TableGroup {
    /// Empty for core.
    group: String,
    resources: Vec<TableResource>,
}

/// A resource of the table.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct TableResource {
    /// Plural, as in URLs.
    name: String,
    namespaced: bool,
    verbs: Vec<String>,
    /// Subresources and the verbs of each, which follow from the HTTP methods it takes.
    #[serde(default)]
    subresources: BTreeMap<String, Vec<String>>,
    /// The first minor version that serves it by default; from the beginning if it is left out.
    #[serde(default)]
    since: Option<u32>,
    /// The first minor version that serves it no more.
    #[serde(default)]
    until: Option<u32>,
}

/// The resources that are served.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Apis {
    /// By group and resource. Subresources are in their resource.
    pub resources: BTreeMap<(String, String), Resource>,
    /// Groups of which some resources may be missing.
    pub partly_known: BTreeSet<String>,
    /// Whether these are all: by discovery. Else there may be groups of custom resources and aggregated servers beside.
    pub complete: bool,
}

/// A resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Resource {
    /// Whether its objects lie in namespaces.
    pub namespaced: bool,
    /// What can be done with it.
    pub verbs: Vec<String>,
    /// Its subresources and what can be done with each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub subresources: BTreeMap<String, Vec<String>>,
}

impl Apis {
    /// What a version of Kubernetes serves by default.
    pub fn of_version(version: Version) -> Self {
        let served = |resource: &TableResource| {
            resource.since.is_none_or(|since| version.minor >= since)
                && resource.until.is_none_or(|until| version.minor < until)
        };
        let mut resources = BTreeMap::new();
        for group in TABLE.iter() {
            for resource in group.resources.iter().filter(|resource| served(resource)) {
                resources.insert(
                    (group.group.clone(), resource.name.clone()),
                    Resource {
                        namespaced: resource.namespaced,
                        verbs: resource.verbs.clone(),
                        subresources: resource.subresources.clone(),
                    },
                );
            }
        }
        Self { resources, partly_known: BTreeSet::new(), complete: false }
    }

    /// What a server says that it serves. Where that lacks what every apiserver has, the answer was cut short or filtered on
    /// its way, and the table of the version is taken as well.
    pub fn of_discovery(served: &ServedApis, version: Version) -> Self {
        let resources = served.resources.iter().map(|resource| {
            let known = Resource {
                namespaced: resource.namespaced,
                verbs: resource.verbs.clone(),
                subresources: resource.subresources.clone(),
            };
            ((resource.group.clone(), resource.resource.clone()), known)
        });
        let mut apis = Self {
            resources: resources.collect(),
            partly_known: served.stale_groups.iter().cloned().collect(),
            complete: true,
        };
        let always =
            [("", "pods"), ("", "secrets"), ("", "configmaps"), ("rbac.authorization.k8s.io", "roles")];
        if always.iter().any(|(group, resource)| apis.get(group, resource).is_none()) {
            apis.complete = false;
            for (key, resource) in Self::of_version(version).resources {
                apis.resources.entry(key).or_insert(resource);
            }
        }
        apis
    }

    /// A resource by group and name.
    pub fn get(&self, group: &str, resource: &str) -> Option<&Resource> {
        // The map's keys are owned pairs, of which a borrowed form would need a trait of its own.
        self.resources.get(&(group.to_owned(), resource.to_owned()))
    }

    /// Whether anything of a group is served.
    pub fn has_group(&self, group: &str) -> bool {
        self.resources.keys().any(|(known, _)| known == group)
    }

    /// The groups of Kubernetes itself, of all versions.
    pub fn builtin_groups() -> impl Iterator<Item = &'static str> {
        TABLE.iter().map(|known| known.group.as_str())
    }

    /// Whether some version of Kubernetes has this resource and none has given it up: a server that does not serve it is
    /// older, or has not switched it on.
    pub fn is_optional(group: &str, resource: &str) -> bool {
        let of_group = TABLE.iter().filter(|known| known.group == group);
        let mut entries = of_group.flat_map(|known| &known.resources).filter(|known| known.name == resource);
        entries.clone().next().is_some_and(|known| known.since.is_some())
            && entries.any(|known| known.until.is_none())
    }

    /// Whether a group belongs to Kubernetes itself, in any version.
    pub fn is_builtin_group(group: &str) -> bool {
        TABLE.iter().any(|known| known.group == group)
    }
}
