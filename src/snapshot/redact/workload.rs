//! What of collectors and other workloads may be kept.

use std::collections::BTreeMap;

use serde_json::Value;

use super::REDACTED;
use super::config::{blank_config, blank_pairs, is_reference};
use super::names::{is_setting, is_telling, keeps_value};
use crate::analyze::collectors::products::product_of;
use crate::snapshot::{Namespace, Node, Resource, Snapshot, Workload};

/// Narrows a workload to what may be kept: of the command line no scripts and no value of a telling flag, of the
/// environment only the values of settings.
pub(super) fn redact_workload(workload: &mut Workload) {
    for container in &mut workload.containers {
        // Nobody looks at the words of programs that are not known.
        let is_known = product_of(&container.image).is_some();
        for words in [&mut container.command, &mut container.args] {
            redact_words(words);
            for word in words.iter_mut().filter(|_| !is_known) {
                match word.split_once('=') {
                    Some((flag, _)) if flag.starts_with('-') => *word = format!("{flag}={REDACTED}"),
                    None if word.starts_with('-') => {}
                    _ => REDACTED.clone_into(word),
                }
            }
        }
        for variable in &mut container.env {
            if variable.value.is_some() && !is_setting(&variable.name) {
                variable.value = Some(REDACTED.into());
            }
        }
    }
    redact_annotations(&mut workload.pod_annotations);
}

/// Narrows a namespace to what may be kept.
pub(super) fn redact_namespace(namespace: &mut Namespace) {
    redact_annotations(&mut namespace.annotations);
}

/// Annotations may hold whole configurations of checks, with their credentials.
fn redact_annotations(annotations: &mut BTreeMap<String, String>) {
    for (key, value) in annotations {
        *value =
            if is_telling(key) && !is_reference(value) { REDACTED.to_owned() } else { blank_config(value) };
    }
}

fn redact_words(words: &mut [String]) {
    let mut follows_telling = false;
    for word in words {
        let is_flag = word.starts_with('-');
        if follows_telling && !is_flag || word.contains(char::is_whitespace) {
            // A script, or a value of its own.
            REDACTED.clone_into(word);
            follows_telling = false;
            continue;
        }
        // A configuration in a flag of its own.
        if let Some(at) = word.find("yaml:") {
            let kept = word.get(..at).unwrap_or_default();
            *word = format!("{kept}yaml:{REDACTED}");
            follows_telling = false;
            continue;
        }
        follows_telling = is_flag && !word.contains('=') && is_telling(word.trim_start_matches('-'));
        // `--token=…`, `--set=a.token=…` and `password=…` after `-E`.
        let telling = word.match_indices('=').find_map(|(at, _)| {
            let (name, value) = word.split_at_checked(at)?;
            let own = name.rsplit('=').next().unwrap_or(name).trim_start_matches('-');
            let value = value.get(1..)?;
            (is_telling(own) && !is_reference(value) && !keeps_value(own, value)).then_some(at)
        });
        if let Some(name) = telling.and_then(|at| word.get(..at)) {
            *word = format!("{name}={REDACTED}");
        }
    }
}

/// Narrows a custom resource: values of telling keys go, texts in it are treated as configurations.
pub(super) fn redact_resource(resource: &mut Resource) {
    redact_value("", &mut resource.spec);
    redact_value("", &mut resource.status);
}

fn redact_value(of: &str, value: &mut Value) {
    let is_environment = of.to_ascii_lowercase().ends_with("env") || of.ends_with("envVars");
    match value {
        Value::Object(fields) => {
            // `{name: X, value: …}`, as variables, headers and parameters are written.
            let name = ["name", "key"]
                .iter()
                .find_map(|field| fields.get(*field)?.as_str())
                .unwrap_or_default()
                .to_owned();
            let is_named = is_telling(&name) || is_environment && !is_setting(&name);
            let of_headers = is_headers(of);
            // `password: {value: …}`, `token: {inline: …}`.
            let own = is_telling(of);
            let names_key = ["configMap", "configMapKeyRef"].contains(&of);
            for (key, field) in fields {
                let goes = is_telling(key)
                    || key == "value" && (is_named && !name.is_empty() || of_headers)
                    || own
                        && ["value", "inline", "literal", "plain", "text", "string"].contains(&key.as_str())
                    || of_headers && !["name", "key", "value"].contains(&key.as_str()) && !is_plain(key);
                match field {
                    // Which key of a ConfigMap it is.
                    Value::String(_) if names_key && key == "key" => {}
                    Value::String(text) if goes && !is_reference(text) && !keeps_value(key, text) => {
                        REDACTED.clone_into(text);
                    }
                    other => redact_value(key, other),
                }
            }
        }
        Value::Array(items) => {
            if is_arguments(of) {
                redact_arguments(items);
            }
            for item in items {
                match item {
                    Value::String(text) if (is_telling(of) || is_headers(of)) && !is_reference(text) => {
                        REDACTED.clone_into(text);
                    }
                    other => redact_value(of, other),
                }
            }
        }
        Value::String(text) if text.contains('\n') => *text = blank_config(text),
        Value::String(text) => *text = blank_pairs(text).into_owned(),
        _ => {}
    }
}

fn is_headers(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with("headers")
}

fn is_plain(header: &str) -> bool {
    ["x-scope-orgid", "content-type", "user-agent"].contains(&header.to_ascii_lowercase().as_str())
}

fn is_arguments(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.ends_with("args") || name.ends_with("command") || name.ends_with("arguments")
}

fn redact_arguments(items: &mut [Value]) {
    let mut words: Vec<String> =
        items.iter().map(|item| item.as_str().unwrap_or_default().to_owned()).collect();
    redact_words(&mut words);
    for (item, word) in items.iter_mut().zip(words) {
        if let Value::String(text) = item {
            *text = word;
        }
    }
}

/// Labels of nodes that are looked at whoever asks for them.
const NODE_LABELS: [&str; 6] = [
    "kubernetes.io/os",
    "kubernetes.io/arch",
    "type",
    "eks.amazonaws.com/compute-type",
    "node-role.kubernetes.io/control-plane",
    "node-role.kubernetes.io/master",
];

/// Keeps of the nodes' labels those by which some workload chooses nodes.
pub(super) fn narrow_nodes(snapshot: &mut Snapshot) {
    let placements = snapshot.workloads.all().map(|workload| &workload.placement);
    let mut wanted: Vec<String> = NODE_LABELS.map(str::to_owned).to_vec();
    for placement in placements {
        wanted.extend(placement.node_selector.keys().cloned());
        let terms = placement.terms.iter().flatten().flat_map(|term| &term.labels);
        wanted.extend(terms.map(|requirement| requirement.key.clone()));
    }
    wanted.sort();
    wanted.dedup();
    if let super::super::Reading::Read { value: nodes } = &mut snapshot.nodes {
        for Node { labels, .. } in nodes {
            labels.retain(|key, _| wanted.binary_search(key).is_ok());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_and_telling_flags_go() {
        let mut words: Vec<String> =
            ["-c", "run this hunter2", "--api-key=hunter2", "--token", "hunter2", "--config=/a"]
                .map(str::to_owned)
                .to_vec();
        redact_words(&mut words);
        assert_eq!(words, ["-c", REDACTED, "--api-key=REDACTED", "--token", REDACTED, "--config=/a"]);
    }

    #[test]
    fn only_settings_keep_their_values() {
        for (name, expected) in [
            ("FLUENT_ELASTICSEARCH_HOST", true),
            ("DD_LOGS_CONFIG_CONTAINER_COLLECT_ALL", true),
            ("DD_API_KEY", false),
            ("ES_PASSWORD", false),
            ("SECRET_PATH", false),
            ("HOME", false),
            ("LOKI_URL", true),
        ] {
            assert_eq!(is_setting(name), expected, "{name}");
        }
    }
}
