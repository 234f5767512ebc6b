//! Vector's configuration in YAML or JSON.

use serde_json::{Map, Value, json};

use super::Wants;
use crate::document::yaml::parse;

/// Where it keeps what must survive a restart.
pub const STATE: &str = "/var/lib/vector";

/// Sinks that send no logs anywhere.
const NOWHERE: [&str; 5] = ["console", "blackhole", "prometheus_exporter", "prometheus_remote_write", "file"];

/// The least that Vector takes for a buffer on the disk.
const BUFFER_BYTES: u64 = 1 << 30;

/// The text with what is wanted; none if it is no configuration in this language, or nothing changes.
pub fn edit(text: &str, wants: &Wants) -> Option<String> {
    let mut trees = parse(text).trees;
    let (Some(tree), true) = (trees.pop(), trees.is_empty()) else { return None };
    let before = tree.document("vector.yaml").value;
    let mut value = before.clone();
    let fields = value.as_object_mut()?;
    if !fields.contains_key("sources") && !fields.contains_key("sinks") {
        return None;
    }
    if wants.keeps_state() {
        fields.entry("data_dir").or_insert_with(|| STATE.into());
    }
    let mut new = Vec::new();
    if let Some(sources) = fields.get_mut("sources").and_then(Value::as_object_mut) {
        if !wants.audit.is_empty() {
            // Long events: a request may hold 3 MiB.
            sources.insert(
                "audit".into(),
                json!({"type": "file", "include": wants.audit, "max_line_bytes": 8_388_608, "read_from": "beginning"}),
            );
            new.push("audit");
        }
        if wants.journal {
            let kind = |source: &Value| source.get("type").and_then(Value::as_str) == Some("journald");
            let own = sources.values_mut().find(|source| kind(source)).and_then(Value::as_object_mut);
            if let Some(own) = own {
                own.retain(|key, _| !matches!(key.as_str(), "include_units" | "include_matches" | "units"));
            } else {
                sources.insert("journal".into(), json!({"type": "journald", "current_boot_only": false}));
                new.push("journal");
            }
        }
        if wants.metrics {
            sources.insert("own_metrics".into(), json!({"type": "internal_metrics"}));
        }
    }
    if wants.masks {
        mask(fields);
    }
    if let Some(sinks) = fields.get_mut("sinks").and_then(Value::as_object_mut) {
        change_sinks(sinks, wants, &new);
    }
    (value != before).then(|| serde_yaml::to_string(&value).ok()).flatten()
}

/// Takes fields with credentials out of what the first sink gets.
fn mask(fields: &mut Map<String, Value>) {
    const MASK: &str = "masked";
    let sinks = fields.get_mut("sinks").and_then(Value::as_object_mut);
    let first = sinks.into_iter().flat_map(|sinks| sinks.values_mut()).find(|sink| sends(sink));
    let Some(inputs) = first.and_then(|sink| sink.get_mut("inputs")) else { return };
    let before = std::mem::replace(inputs, json!([MASK]));
    let transforms = fields.entry("transforms").or_insert_with(|| json!({}));
    if let Some(transforms) = transforms.as_object_mut() {
        let source = "del(.password)\ndel(.token)\ndel(.authorization)\n";
        transforms.insert(MASK.into(), json!({"type": "remap", "inputs": before, "source": source}));
    }
}

fn sends(sink: &Value) -> bool {
    sink.get("type").and_then(Value::as_str).is_some_and(|kind| !NOWHERE.contains(&kind))
}

fn change_sinks(sinks: &mut Map<String, Value>, wants: &Wants, new: &[&str]) {
    let sends =
        |sink: &Value| sink.get("type").and_then(Value::as_str).is_some_and(|kind| !NOWHERE.contains(&kind));
    let mut is_first = true;
    for sink in sinks.values_mut().filter(|sink| sends(sink)) {
        let Some(fields) = sink.as_object_mut() else { continue };
        if wants.buffer {
            fields.insert(
                "buffer".into(),
                json!({"type": "disk", "max_size": BUFFER_BYTES, "when_full": "block"}),
            );
            fields.insert("acknowledgements".into(), json!({"enabled": true}));
        }
        if wants.retry {
            let request = fields.entry("request").or_insert_with(|| json!({}));
            if let Some(request) = request.as_object_mut() {
                request.shift_remove("retry_attempts");
            }
        }
        if is_first {
            let inputs = fields.entry("inputs").or_insert_with(|| json!([]));
            if let Some(inputs) = inputs.as_array_mut() {
                for id in new {
                    if !inputs.iter().any(|input| input == id) {
                        inputs.push((*id).into());
                    }
                }
            }
        }
        is_first = false;
    }
    if wants.metrics {
        sinks.insert(
            "own_metrics_exporter".into(),
            json!({"type": "prometheus_exporter", "inputs": ["own_metrics"], "address": "0.0.0.0:9598"}),
        );
    }
    if let Some(receiver) = wants.destination.as_ref().filter(|_| new.contains(&"audit")) {
        sinks.insert(
            "audit_receiver".into(),
            json!({
                "type": "http", "inputs": ["audit"], "uri": receiver.url(), "encoding": {"codec": "json"},
                "auth": {"strategy": "bearer", "token": "${RECEIVER_TOKEN}"},
                "buffer": {"type": "disk", "max_size": BUFFER_BYTES, "when_full": "block"},
            }),
        );
    }
}
