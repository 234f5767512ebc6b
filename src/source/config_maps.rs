//! The texts in a ConfigMap, and which of its keys are none.

use k8s_openapi::ByteString;
use serde::Deserialize as _;
use serde_json::Value;

use crate::analyze::collectors::config::MAX_BYTES;
use crate::snapshot::workload::UnreadConfig;
use crate::snapshot::{Gap, GapReason};

/// The keys of a ConfigMap with their texts. A key of `binaryData` may hold one too; what is not read is told.
pub fn texts(object: &Value, namespace: &str, name: &str) -> (Vec<(String, String)>, Vec<UnreadConfig>) {
    let (mut read, mut unread) = (Vec::new(), Vec::new());
    let fields = |field: &str| object.get(field).and_then(Value::as_object).into_iter().flatten();
    let plain =
        fields("data").map(|(key, value)| (key, value.as_str().map(str::to_owned).ok_or("it is no text")));
    let binary = fields("binaryData").map(|(key, value)| {
        let bytes = ByteString::deserialize(value).map_err(|_| "its binaryData is not in base64");
        (
            key,
            bytes.and_then(|bytes| {
                String::from_utf8(bytes.0).map_err(|_| "its binaryData is no text in UTF-8")
            }),
        )
    });
    for (key, text) in plain.chain(binary) {
        let too_large = "it is larger than a configuration can be";
        match text.and_then(|text| if text.len() <= MAX_BYTES { Ok(text) } else { Err(too_large) }) {
            Ok(text) => read.push((key.clone(), text)),
            Err(why) => unread.push(UnreadConfig {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
                key: key.clone(),
                gap: Gap::new(
                    if why == too_large { GapReason::TooLarge } else { GapReason::Malformed },
                    format!("the key {key} of the ConfigMap {namespace}/{name}"),
                    why,
                ),
            }),
        }
    }
    (read, unread)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn binary_data_may_be_text_and_what_is_none_is_told() {
        let large = "x".repeat(MAX_BYTES + 1);
        let object = json!({"data": {"a": "A", "large": large}, "binaryData": {"b": "Qg==", "zip": "/w==", "bad": "%"}});
        let (read, unread) = texts(&object, "logging", "c");
        assert_eq!(read, [("a".to_owned(), "A".to_owned()), ("b".to_owned(), "B".to_owned())]);
        let told: Vec<_> = unread.iter().map(|one| (one.key.as_str(), one.gap.reason)).collect();
        assert_eq!(
            told,
            [("large", GapReason::TooLarge), ("zip", GapReason::Malformed), ("bad", GapReason::Malformed)]
        );
        assert_eq!(unread[0].gap.what, "the key large of the ConfigMap logging/c");
    }
}
