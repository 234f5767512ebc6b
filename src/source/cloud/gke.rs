//! Google Cloud: how answers are recognised and taken, and what is asked.

use serde_json::Value;

use super::{Question, Taken};
use crate::analyze::cloud::provider::Identity;
use crate::snapshot::cloud::Cloud;

/// What is to be asked, by what is known so far.
pub(super) fn questions(identity: &Identity, cloud: &Cloud) -> Vec<Question> {
    let (Some(cluster), Some(location), Some(project)) =
        (identity.cluster.as_deref(), identity.location.as_deref(), identity.account.as_deref())
    else {
        return Vec::new();
    };
    let question = |id: &str, of: &str, arguments: &[&str]| {
        let common = ["--project", project, "--format=json"];
        Question::new(id, of, &[arguments, &common].concat())
    };
    let describe = ["container", "clusters", "describe", cluster, "--location", location];
    let mut list = vec![question("gke/describe", "", &describe)];
    if cloud.answer("gke/describe", "").is_some_and(|answer| answer.reading.value().is_some()) {
        list.extend([]);
    }
    list.into_iter().flatten().collect()
}

/// An answer as it is kept.
pub(super) fn plain(_: &str, value: Value) -> Value {
    value
}

/// Which answers a saved document is.
pub(super) fn recognise(document: &Value) -> Vec<Taken> {
    let list = document.get("clusters").unwrap_or(document);
    let items = list.as_array().map_or(std::slice::from_ref(list), Vec::as_slice);
    let is_cluster = |one: &&Value| {
        let link = one.get("selfLink").and_then(Value::as_str).unwrap_or_default();
        one.get("currentMasterVersion").is_some() || link.contains("container.googleapis.com")
    };
    items.iter().filter(is_cluster).map(|one| ("gke/describe", String::new(), one.clone())).collect()
}
