//! Azure: how answers are recognised and taken, and what is asked.

use serde_json::Value;

use super::{Question, Taken};
use crate::analyze::cloud::provider::Identity;
use crate::snapshot::cloud::Cloud;

/// What is to be asked, by what is known so far.
pub(super) fn questions(identity: &Identity, cloud: &Cloud) -> Vec<Question> {
    let (Some(cluster), Some(group)) = (identity.cluster.as_deref(), identity.group.as_deref()) else {
        return Vec::new();
    };
    let question = |id: &str, of: &str, arguments: &[&str]| {
        let mut all = arguments.to_vec();
        if let Some(subscription) = identity.account.as_deref() {
            all.extend(["--subscription", subscription]);
        }
        all.extend(["--output", "json"]);
        Question::new(id, of, &all)
    };
    let show = ["aks", "show", "--resource-group", group, "--name", cluster];
    let mut list = vec![question("aks/show", "", &show)];
    let shown = cloud.answer("aks/show", "").and_then(|answer| answer.reading.value());
    if let Some(id) = shown.and_then(|cluster| cluster.get("id")).and_then(Value::as_str) {
        let settings = ["monitor", "diagnostic-settings", "list", "--resource", id];
        list.push(question("aks/diagnostic-settings", "", &settings));
    }
    list.into_iter().flatten().collect()
}

/// An answer as it is kept: lists bare, and `properties` taken up into the object, as `az` prints most.
pub(super) fn plain(_: &str, mut value: Value) -> Value {
    if let Some(list) = value.get_mut("value").filter(|list| list.is_array()) {
        return plain("", list.take());
    }
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(|item| plain("", item)).collect()),
        Value::Object(mut fields) => {
            if let Some(Value::Object(inner)) = fields.remove("properties") {
                for (key, value) in inner {
                    fields.entry(key).or_insert(value);
                }
            }
            Value::Object(fields)
        }
        other => other,
    }
}

/// Which answers a saved document is: by the type of its resources.
pub(super) fn recognise(document: &Value) -> Vec<Taken> {
    let list = document.get("value").unwrap_or(document);
    let first = list.as_array().map_or(Some(list), |items| items.first());
    let kind = first.and_then(|one| one.get("type")).and_then(Value::as_str).unwrap_or_default();
    match kind.to_ascii_lowercase().as_str() {
        "microsoft.containerservice/managedclusters" => {
            let clusters = list.as_array().map_or(std::slice::from_ref(list), Vec::as_slice);
            clusters.iter().map(|cluster| ("aks/show", String::new(), cluster.clone())).collect()
        }
        "microsoft.insights/diagnosticsettings" => {
            vec![("aks/diagnostic-settings", String::new(), document.clone())]
        }
        _ => Vec::new(),
    }
}
