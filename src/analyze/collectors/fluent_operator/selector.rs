//! Label selectors (`metav1.LabelSelector`).

use std::collections::BTreeMap;

use super::super::fields::Fields;
use crate::document::scalar;

/// Whether a selector takes an object with these labels. One that is empty or not there takes every object.
pub(super) fn takes(selector: Option<&Fields<'_>>, labels: &BTreeMap<String, String>) -> bool {
    let Some(selector) = selector else { return true };
    let equal = selector.get("matchLabels").map(|fields| fields.entries()).unwrap_or_default();
    equal.iter().all(|(key, value)| labels.get(*key).cloned() == scalar(value.value()))
        && selector.items("matchExpressions").iter().all(|expression| holds(expression, labels))
}

fn holds(expression: &Fields<'_>, labels: &BTreeMap<String, String>) -> bool {
    let label = expression.text("key").and_then(|key| labels.get(&key).cloned());
    let values = expression.list("values");
    let among = label.as_ref().is_some_and(|label| values.iter().any(|(value, _)| value == label));
    match expression.text("operator").as_deref() {
        Some("In") => among,
        Some("NotIn") => !among,
        Some("Exists") => label.is_some(),
        Some("DoesNotExist") => label.is_none(),
        _ => false,
    }
}
