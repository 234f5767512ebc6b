//! What of a provider's answers is kept.

use serde_json::Value;

use super::super::Reading;
use super::super::cloud::{Cloud, call};

/// Narrows every answer to the fields that its call keeps; answers to calls that are not known go.
pub(super) fn redact_cloud(cloud: &mut Cloud) {
    cloud.answers.retain_mut(|answer| {
        let Some(call) = call(&answer.call) else { return false };
        if let Reading::Read { value } = &mut answer.reading {
            narrow(value, call.keep);
        }
        true
    });
}

/// Keeps of a value what these dotted paths lead to, also through lists.
fn narrow(value: &mut Value, paths: &[&str]) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| narrow(item, paths)),
        Value::Object(fields) => fields.retain(|key, field| {
            let mut whole = false;
            let mut deeper: Vec<&str> = Vec::new();
            for path in paths {
                match path.split_once('.') {
                    None => whole |= path == key,
                    Some((first, rest)) if first == key => deeper.push(rest),
                    Some(_) => {}
                }
            }
            if whole {
                return true;
            }
            narrow(field, &deeper);
            !deeper.is_empty()
        }),
        // What should lead further and is a text leads nowhere that may be kept.
        other if paths.is_empty() => *other = Value::Null,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_named_stays() {
        let mut value = json!([{
            "name": "demo",
            "certificateAuthority": {"data": "secret"},
            "logging": {"clusterLogging": [{"types": ["audit"], "enabled": true}], "other": 1},
            "issues": [{"code": "X", "message": "m"}],
        }]);
        narrow(&mut value, &["name", "logging.clusterLogging", "issues.code"]);
        let expected = json!([{
            "name": "demo",
            "logging": {"clusterLogging": [{"types": ["audit"], "enabled": true}]},
            "issues": [{"code": "X"}],
        }]);
        assert_eq!(value, expected);
    }
}
