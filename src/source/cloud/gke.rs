//! Google Cloud: how answers are recognised and taken, and what is asked.

use serde_json::Value;

use super::{Question, Taken};
use crate::analyze::cloud::provider::Identity;
use crate::snapshot::cloud::Cloud;

/// The calls whose answer is a list, and the field that holds it in the answer of the API.
const LISTS: [(&str, &str); 4] = [
    ("gke/buckets", "buckets"),
    ("gke/sinks", "sinks"),
    ("gke/metrics", "metrics"),
    ("gke/alert-policies", "alertPolicies"),
];

/// What is to be asked, by what is known so far.
pub(super) fn questions(identity: &Identity, cloud: &Cloud) -> Vec<Question> {
    let (Some(cluster), Some(location), Some(project)) =
        (identity.cluster.as_deref(), identity.location.as_deref(), identity.account.as_deref())
    else {
        return Vec::new();
    };
    let question = |id: &str, of: &str, project: &str, arguments: &[&str]| {
        let common = ["--project", project, "--format=json"];
        Question::new(id, of, &[arguments, &common].concat())
    };
    let describe = ["container", "clusters", "describe", cluster, "--location", location];
    let mut list = vec![question("gke/describe", "", project, &describe)];
    // The rest means nothing where the cluster itself was not found: it may be another project.
    let found = |call: &str| cloud.answer(call, "").and_then(|answer| answer.reading.value());
    if let Some(cluster) = found("gke/describe").filter(|cluster| cluster.get("name").is_some()) {
        let of_project: [(&str, &[&str]); 7] = [
            ("gke/iam-policy", &["projects", "get-iam-policy", project]),
            ("gke/ancestors-iam-policy", &["projects", "get-ancestors-iam-policy", project]),
            ("gke/buckets", &["logging", "buckets", "list"]),
            ("gke/sinks", &["logging", "sinks", "list"]),
            ("gke/log-settings", &["logging", "settings", "describe"]),
            ("gke/metrics", &["logging", "metrics", "list"]),
            ("gke/alert-policies", &["alpha", "monitoring", "policies", "list"]),
        ];
        list.extend(of_project.map(|(id, arguments)| question(id, "", project, arguments)));
        let subnetwork = cluster.pointer("/networkConfig/subnetwork").and_then(Value::as_str);
        if let Some(["projects", owner, "regions", region, "subnetworks", name]) =
            subnetwork.map(|path| path.split('/').collect::<Vec<_>>()).as_deref()
        {
            let describe = ["compute", "networks", "subnets", "describe", name, "--region", region];
            list.push(question("gke/subnet", subnetwork.unwrap_or_default(), owner, &describe));
        }
    }
    let levels = found("gke/ancestors-iam-policy").and_then(Value::as_array);
    for level in levels.into_iter().flatten() {
        let text = |key: &str| level.get(key).and_then(Value::as_str);
        if let (Some(kind @ ("folder" | "organization")), Some(id)) = (text("type"), text("id")) {
            let flag = format!("--{kind}");
            let arguments = ["logging", "sinks", "list", flag.as_str(), id, "--format=json"];
            list.push(Question::new("gke/sinks", format!("{kind}s/{id}"), &arguments));
        }
    }
    list.into_iter().flatten().collect()
}

/// An answer as it is kept: lists bare, as `gcloud` prints them. A first page of several stays as it is, for it is no list.
pub(super) fn plain(call: &str, mut value: Value) -> Value {
    let Some((_, key)) = LISTS.iter().find(|(id, _)| *id == call) else { return value };
    if value.get("nextPageToken").and_then(Value::as_str).is_some_and(|token| !token.is_empty()) {
        return value;
    }
    match value.get_mut(key).map(Value::take) {
        Some(list) => list,
        // The API leaves an empty list out.
        None if value.as_object().is_some_and(serde_json::Map::is_empty) => Value::Array(Vec::new()),
        None => value,
    }
}

/// Which answers a saved document is.
pub(super) fn recognise(document: &Value) -> Vec<Taken> {
    if let Some(clusters) = document.get("clusters").and_then(Value::as_array) {
        return clusters.iter().filter(|one| is_cluster(one)).map(cluster).collect();
    }
    for (id, key) in LISTS {
        if let Some(items) = document.get(key).and_then(Value::as_array)
            && (items.is_empty() || items.iter().all(|one| of_list(one) == Some(id)))
        {
            return vec![(id, owner(id, items), document.clone())];
        }
    }
    let Some(items) = document.as_array() else {
        return one(document).into_iter().collect();
    };
    if let Some(id) = items.first().and_then(of_list)
        && items.iter().all(|one| of_list(one) == Some(id))
    {
        return vec![(id, owner(id, items), document.clone())];
    }
    let has_policy = |one: &Value| one.get("policy").is_some() && one.get("type").is_some();
    if !items.is_empty() && items.iter().all(has_policy) {
        return vec![("gke/ancestors-iam-policy", String::new(), document.clone())];
    }
    items.iter().filter_map(one).collect()
}

/// A document about one thing.
fn one(document: &Value) -> Option<Taken> {
    let has = |key: &str| document.get(key).is_some();
    let text = |key: &str| document.get(key).and_then(Value::as_str).unwrap_or_default();
    if is_cluster(document) {
        return Some(cluster(document));
    }
    if let Some((_, path)) = text("selfLink").split_once("/projects/")
        && path.contains("/subnetworks/")
    {
        return Some(("gke/subnet", format!("projects/{path}"), document.clone()));
    }
    if text("name").ends_with("/settings") && (has("kmsServiceAccountId") || has("loggingServiceAccountId")) {
        return Some(("gke/log-settings", String::new(), document.clone()));
    }
    let is_policy = has("etag") && (has("bindings") || has("auditConfigs"));
    is_policy.then(|| ("gke/iam-policy", String::new(), document.clone()))
}

fn cluster(document: &Value) -> Taken {
    ("gke/describe", String::new(), document.clone())
}

fn is_cluster(document: &Value) -> bool {
    let link = document.get("selfLink").and_then(Value::as_str).unwrap_or_default();
    document.get("currentMasterVersion").is_some()
        || link.contains("container.googleapis.com") && !link.contains("/nodePools/")
}

/// The list that a thing belongs to.
fn of_list(one: &Value) -> Option<&'static str> {
    let has = |key: &str| one.get(key).is_some();
    let name = one.get("name").and_then(Value::as_str).unwrap_or_default();
    if name.contains("/locations/") && name.contains("/buckets/") {
        Some("gke/buckets")
    } else if name.contains("/alertPolicies/") {
        Some("gke/alert-policies")
    } else if has("destination") && has("name") {
        Some("gke/sinks")
    } else if has("filter") && has("metricDescriptor") {
        Some("gke/metrics")
    } else {
        None
    }
}

/// Whose sinks these are: empty for those of a project. The sink `_Required` always leads to a bucket of its own owner.
fn owner(id: &str, items: &[Value]) -> String {
    let required = items.iter().find(|one| one.get("name").and_then(Value::as_str) == Some("_Required"));
    let destination = required.and_then(|one| one.get("destination")).and_then(Value::as_str);
    let parts: Vec<&str> = destination.unwrap_or_default().split('/').collect();
    match parts.as_slice() {
        [_, kind @ ("organizations" | "folders"), name, ..] if id == "gke/sinks" => format!("{kind}/{name}"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(document: &Value) -> Vec<(&'static str, String)> {
        recognise(document).into_iter().map(|(id, of, _)| (id, of)).collect()
    }

    #[test]
    fn both_forms_of_a_list_are_the_same() {
        let bucket = json!({"name": "projects/p/locations/global/buckets/_Default", "retentionDays": 30});
        let (bare, raw) = (json!([bucket]), json!({"buckets": [bucket]}));
        assert_eq!(found(&bare), found(&raw));
        assert_eq!(found(&raw), [("gke/buckets", String::new())]);
        assert_eq!(plain("gke/buckets", raw), bare);
        assert_eq!(plain("gke/metrics", json!({})), json!([]));
    }

    #[test]
    fn a_first_page_is_no_list() {
        let page = json!({"sinks": [], "nextPageToken": "more"});
        assert!(plain("gke/sinks", page).as_array().is_none());
    }

    #[test]
    fn sinks_of_parents_are_told_apart() {
        let of = |parent: &str| {
            let destination = format!("logging.googleapis.com/{parent}/locations/global/buckets/_Required");
            found(&json!([{"name": "_Required", "destination": destination}]))
        };
        assert_eq!(of("organizations/12"), [("gke/sinks", "organizations/12".to_owned())]);
        assert_eq!(of("projects/p"), [("gke/sinks", String::new())]);
    }

    #[test]
    fn what_is_none_of_these_is_not_taken() {
        for document in [
            json!(null),
            json!([]),
            json!({}),
            json!("text"),
            json!({"buckets": 1}),
            json!({"sinks": [1]}),
            json!({"bindings": []}),
            json!([{"name": "projects/p/locations/l/buckets/b"}, 1]),
        ] {
            assert_eq!(found(&document), [], "{document}");
        }
    }
}
