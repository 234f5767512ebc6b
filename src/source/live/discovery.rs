//! Which resources the API serves, from aggregated discovery: two answers for everything, where plain discovery takes one
//! for every version of every group. Servers aggregate since Kubernetes 1.27 (1.26 behind a gate).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::answer::{Failure, is_html};
use super::client::Client;
use super::list::not_json;
use super::permissions::Access;
use super::wording::one_line;
use crate::snapshot::{GapReason, Reading, ServedApis, ServedResource};

/// Plain discovery last, so that older servers answer at all; what they answer is told apart by its kind.
const ACCEPT: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
                      application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,\
                      application/json";

/// What one of the two paths says.
pub(super) async fn discovery(client: &Client, access: Access) -> Result<ServedApis, Failure> {
    let body: Vec<u8> = client.get(access, access.path(), ACCEPT).await?;
    parse(&body).map_err(|(reason, what)| Failure::new(access, reason, one_line(&what)))
}

/// Both answers together: without one of them it is not known what is served.
pub(super) fn joined(
    core: Result<ServedApis, Failure>,
    groups: Result<ServedApis, Failure>,
) -> Reading<ServedApis> {
    match (core, groups) {
        (Ok(mut all), Ok(groups)) => {
            all.resources.extend(groups.resources);
            all.stale_groups.extend(groups.stale_groups);
            Reading::read(all)
        }
        (Err(failure), _) | (_, Err(failure)) => Reading::missing(failure.gap),
    }
}

fn parse(body: &[u8]) -> Result<ServedApis, (GapReason, String)> {
    let malformed = |what: String| (GapReason::Malformed, what);
    if is_html(body) {
        return Err(malformed("it is a page of HTML".into()));
    }
    let kind: Kind = serde_json::from_slice(body).map_err(|error| malformed(not_json(&error)))?;
    match kind.kind.as_str() {
        "APIGroupDiscoveryList" => {}
        "APIVersions" | "APIGroupList" => {
            let what = "the server does not aggregate its discovery, as it does since Kubernetes 1.27";
            return Err((GapReason::NotAcceptable, what.into()));
        }
        other => return Err(malformed(format!("it is {other:?} instead of an APIGroupDiscoveryList"))),
    }
    let list: List = serde_json::from_slice(body).map_err(|error| malformed(not_json(&error)))?;
    Ok(served(list))
}

fn served(list: List) -> ServedApis {
    let mut resources: BTreeMap<(String, String), ServedResource> = BTreeMap::new();
    let mut stale = BTreeSet::new();
    for group in list.items {
        let name = group.metadata.name;
        for version in group.versions {
            if version.freshness == "Stale" {
                stale.insert(name.clone());
            }
            for resource in version.resources {
                let entry = resources.entry((name.clone(), resource.resource.clone())).or_insert_with(|| {
                    ServedResource {
                        group: name.clone(),
                        resource: resource.resource,
                        // The preferred version stands first.
                        version: version.version.clone(),
                        namespaced: resource.scope == "Namespaced",
                        verbs: Vec::new(),
                        subresources: BTreeMap::new(),
                    }
                });
                merge(&mut entry.verbs, resource.verbs);
                for subresource in resource.subresources {
                    merge(entry.subresources.entry(subresource.subresource).or_default(), subresource.verbs);
                }
            }
        }
    }
    ServedApis { resources: resources.into_values().collect(), stale_groups: stale.into_iter().collect() }
}

/// Adds verbs; their order is that of their names, as servers give them.
fn merge(verbs: &mut Vec<String>, more: Vec<String>) {
    verbs.extend(more);
    verbs.sort();
    verbs.dedup();
}

#[derive(Deserialize)]
struct Kind {
    #[serde(default)]
    kind: String,
}

/// `apidiscovery.k8s.io/v2` and `v2beta1`, which do not differ in what is used here.
#[derive(Deserialize)]
struct List {
    #[serde(default, deserialize_with = "or_empty")]
    items: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    metadata: Metadata,
    #[serde(default, deserialize_with = "or_empty")]
    versions: Vec<Version>,
}

#[derive(Deserialize)]
struct Metadata {
    /// Missing for core.
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct Version {
    #[serde(default)]
    version: String,
    #[serde(default)]
    freshness: String,
    #[serde(default, deserialize_with = "or_empty")]
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    resource: String,
    #[serde(default)]
    scope: String,
    #[serde(default, deserialize_with = "or_empty")]
    verbs: Vec<String>,
    #[serde(default, deserialize_with = "or_empty")]
    subresources: Vec<Subresource>,
}

#[derive(Deserialize)]
struct Subresource {
    subresource: String,
    #[serde(default, deserialize_with = "or_empty")]
    verbs: Vec<String>,
}

/// An empty Go slice is written as null.
fn or_empty<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(input: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(input)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn versions_and_subresources_are_merged() {
        let resource = |verbs: &[&str], subresources: serde_json::Value| json!({"resource": "widgets", "scope": "Namespaced", "verbs": verbs, "subresources": subresources});
        let status = |verbs: &[&str]| json!([{"subresource": "status", "verbs": verbs}]);
        let list = json!({"kind": "APIGroupDiscoveryList", "items": [
            {"metadata": {"name": "example.com"}, "versions": [
                {"version": "v2", "freshness": "Current", "resources": [resource(&["list", "get"], status(&["get"]))]},
                {"version": "v1", "resources": [resource(&["create", "get"], status(&["patch"]))]}]},
            {"metadata": {"name": "metrics.k8s.io"}, "versions": [{"version": "v1", "freshness": "Stale", "resources": null}]},
            {"metadata": {}, "versions": [{"version": "v1", "resources": [{"resource": "nodes", "scope": "Cluster", "verbs": ["get"]}]}]}]});
        let served = parse(list.to_string().as_bytes()).unwrap();
        assert_eq!(served.stale_groups, ["metrics.k8s.io"]);
        let [nodes, widgets] = served.resources.as_slice() else { panic!("{served:?}") };
        assert_eq!((nodes.group.as_str(), nodes.namespaced), ("", false));
        assert_eq!(widgets.verbs, ["create", "get", "list"]);
        assert_eq!(widgets.subresources["status"], ["get", "patch"]);
    }

    #[test]
    fn anything_else_is_a_gap() {
        for (body, reason, part) in [
            (r#"{"kind":"APIVersions","versions":["v1"]}"#, GapReason::NotAcceptable, "does not aggregate"),
            (r#"{"kind":"APIGroupList","groups":[]}"#, GapReason::NotAcceptable, "does not aggregate"),
            (r#"{"kind":"Status"}"#, GapReason::Malformed, "instead of"),
            ("<html>", GapReason::Malformed, "HTML"),
            (r#"{"kind":"APIGroupDiscoveryList","items":["#, GapReason::Malformed, "cut off"),
            (r#"{"kind":"APIGroupDiscoveryList","items":[7]}"#, GapReason::Malformed, "not the JSON"),
        ] {
            let (found, what) = parse(body.as_bytes()).unwrap_err();
            assert_eq!(found, reason, "{body}");
            assert!(what.contains(part), "{what}");
        }
    }
}
