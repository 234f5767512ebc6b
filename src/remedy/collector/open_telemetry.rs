//! The configuration of the OpenTelemetry Collector.

use serde_json::{Map, Value, json};

use super::Wants;
use crate::document::yaml::parse;

/// Where it keeps what must survive a restart.
pub const STATE: &str = "/var/lib/otelcol";

/// The extension that keeps it.
const STORAGE: &str = "file_storage";

/// Exporters that send nothing anywhere.
const NOWHERE: [&str; 3] = ["debug", "logging", "nop"];

/// The text with what is wanted; none if it is no configuration in this language, or nothing changes.
pub fn edit(text: &str, wants: &Wants) -> Option<String> {
    let mut trees = parse(text).trees;
    let (Some(tree), true) = (trees.pop(), trees.is_empty()) else { return None };
    let before = tree.document("config.yaml").value;
    let mut value = before.clone();
    value.pointer("/service/pipelines")?;
    let mut new = Vec::new();
    if wants.keeps_state() {
        object(&mut value, "extensions")?
            .insert(STORAGE.into(), json!({"directory": STATE, "create_directory": true}));
        let service = object(&mut value, "service")?;
        push(service.entry("extensions").or_insert_with(|| json!([])), STORAGE);
    }
    let receivers = object(&mut value, "receivers")?;
    for (name, receiver) in receivers.iter_mut() {
        let reads = kind(name) == "filelog" || kind(name) == "journald";
        if wants.position
            && reads
            && let Some(fields) = fill(receiver)
        {
            fields.entry("storage").or_insert_with(|| STORAGE.into());
        }
        if wants.journal
            && kind(name) == "journald"
            && let Some(fields) = fill(receiver)
        {
            fields.retain(|key, _| !matches!(key.as_str(), "units" | "matches" | "priority" | "grep"));
        }
    }
    if !wants.audit.is_empty() {
        receivers.insert(
            "filelog/audit".into(),
            json!({
                "include": wants.audit, "start_at": "beginning", "storage": STORAGE, "max_log_size": "8MiB",
                "retry_on_failure": {"enabled": true, "max_elapsed_time": 0},
                "operators": [{"type": "json_parser"}],
            }),
        );
        new.push("filelog/audit");
    }
    if wants.journal && !receivers.keys().any(|name| kind(name) == "journald") {
        receivers.insert(
            "journald".into(),
            json!({"directory": "/var/log/journal", "start_at": "beginning", "storage": STORAGE, "priority": "debug"}),
        );
        new.push("journald");
    }
    for (name, exporter) in object(&mut value, "exporters")?.iter_mut() {
        if NOWHERE.contains(&kind(name)) {
            continue;
        }
        let Some(fields) = fill(exporter) else { continue };
        if wants.buffer
            && let Some(queue) = fill(fields.entry("sending_queue").or_insert(Value::Null))
        {
            queue.insert("enabled".into(), true.into());
            queue.insert("storage".into(), STORAGE.into());
            queue.insert("block_on_overflow".into(), true.into());
        }
        if wants.retry
            && let Some(retry) = fill(fields.entry("retry_on_failure").or_insert(Value::Null))
        {
            retry.insert("enabled".into(), true.into());
            // Without end.
            retry.insert("max_elapsed_time".into(), 0.into());
        }
    }
    if let Some(receiver) = wants.destination.as_ref().filter(|_| new.contains(&"filelog/audit")) {
        object(&mut value, "exporters")?.insert(
            "otlphttp/audit".into(),
            json!({
                "endpoint": receiver.url(), "headers": {"Authorization": "Bearer ${env:RECEIVER_TOKEN}"},
                "sending_queue": {"enabled": true, "storage": STORAGE, "block_on_overflow": true},
                "retry_on_failure": {"enabled": true, "max_elapsed_time": 0},
            }),
        );
    }
    let pipelines = value.pointer_mut("/service/pipelines").and_then(Value::as_object_mut)?;
    let logs = pipelines.iter_mut().find(|(name, _)| kind(name) == "logs").map(|(_, pipeline)| pipeline);
    if let Some(pipeline) = logs.and_then(Value::as_object_mut) {
        for name in &new {
            push(pipeline.entry("receivers").or_insert_with(|| json!([])), name);
        }
    }
    if wants.destination.is_some() && new.contains(&"filelog/audit") {
        pipelines.insert(
            "logs/audit".into(),
            json!({"receivers": ["filelog/audit"], "exporters": ["otlphttp/audit"]}),
        );
    }
    (value != before).then(|| serde_yaml::to_string(&value).ok()).flatten()
}

/// `filelog` of `filelog/audit`.
fn kind(name: &str) -> &str {
    name.split('/').next().unwrap_or(name)
}

/// A mapping, where nothing stands a new one.
fn fill(value: &mut Value) -> Option<&mut Map<String, Value>> {
    if value.is_null() {
        *value = json!({});
    }
    value.as_object_mut()
}

fn object<'v>(value: &'v mut Value, key: &str) -> Option<&'v mut Map<String, Value>> {
    fill(value.as_object_mut()?.entry(key.to_owned()).or_insert(Value::Null))
}

fn push(list: &mut Value, name: &str) {
    if let Some(items) = list.as_array_mut()
        && !items.iter().any(|item| item == name)
    {
        items.push(name.into());
    }
}
