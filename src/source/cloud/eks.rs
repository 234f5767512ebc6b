//! Amazon: how answers are recognised and taken, and what is asked.

use serde_json::Value;

use super::{Question, Taken};
use crate::analyze::cloud::provider::Identity;
use crate::snapshot::cloud::Cloud;

/// What is to be asked, by what is known so far.
pub(super) fn questions(identity: &Identity, cloud: &Cloud) -> Vec<Question> {
    let (Some(cluster), Some(region)) = (identity.cluster.as_deref(), identity.location.as_deref()) else {
        return Vec::new();
    };
    let question = |id: &str, of: &str, arguments: &[&str]| {
        let common = ["--region", region, "--output", "json"];
        Question::new(id, of, &[arguments, &common].concat())
    };
    let mut list =
        vec![question("eks/describe-cluster", "", &["eks", "describe-cluster", "--name", cluster])];
    // The rest means nothing where the cluster itself was not found: an empty list would look like an answer.
    let is_found =
        cloud.answer("eks/describe-cluster", "").is_some_and(|answer| answer.reading.value().is_some());
    if is_found {
        list.extend([]);
    }
    list.into_iter().flatten().collect()
}

/// An answer as it is kept.
pub(super) fn plain(call: &str, value: Value) -> Value {
    let inside = |mut value: Value, key: &str| value.get_mut(key).map(Value::take).unwrap_or(value);
    match call {
        "eks/describe-cluster" => inside(value, "cluster"),
        _ => value,
    }
}

/// Which answers a saved document is.
pub(super) fn recognise(document: &Value) -> Vec<Taken> {
    let has = |key: &str| document.get(key).is_some();
    let found = if document.pointer("/cluster/arn").is_some() {
        Some("eks/describe-cluster")
    } else {
        let _ = has;
        None
    };
    found.map(|id| (id, String::new(), document.clone())).into_iter().collect()
}
