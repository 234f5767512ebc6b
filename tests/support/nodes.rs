//! Lists of nodes of any length, in pages as the API server makes them.

use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::recordings::recording;
use super::reply::Reply;
use super::routes::Asked;

/// When a page after the first is answered with 410, as after an etcd compaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    Never,
    /// The first request for a second page; the token offered in the answer, and a list begun
    /// anew, both go through.
    Once,
    /// Every request with a continue token, also with the one offered.
    Always,
}

/// A list of `count` synthetic workers that honours `limit` and `continue`.
pub fn node_pages(count: usize, expiry: Expiry) -> Reply {
    let has_expired = AtomicBool::new(false);
    let template = recorded_node(1);
    Reply::computed(move |asked| {
        let start = match asked.param("continue").filter(|token| !token.is_empty()) {
            None => 0,
            Some(token) => match position(&token) {
                None => return bad_continue(),
                Some(start) => {
                    let expired = match expiry {
                        Expiry::Never => false,
                        Expiry::Once => !has_expired.swap(true, Ordering::SeqCst),
                        Expiry::Always => true,
                    };
                    if expired {
                        return gone(start);
                    }
                    start
                }
            },
        };
        page(count, start, asked, |index| worker(&template, index))
    })
}

/// A list of exactly these nodes, in one page.
pub fn node_list(nodes: Vec<Value>) -> Reply {
    list(nodes, json!({"resourceVersion": "907"}))
}

/// A recorded node: 0 is the control plane `cp1`, 1 and 2 are workers.
pub fn recorded_node(index: usize) -> Value {
    let mut node = recording("023").json()["items"][index].take();
    node["metadata"].as_object_mut().expect("a node has metadata").remove("managedFields");
    node
}

/// A copy of a node under another name and address.
pub fn node_like(template: &Value, name: &str, uid: &str, address: &str) -> Value {
    let mut node = template.clone();
    node["metadata"]["name"] = json!(name);
    node["metadata"]["uid"] = json!(uid);
    node["metadata"]["labels"]["kubernetes.io/hostname"] = json!(name);
    node["status"]["addresses"] =
        json!([{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}]);
    node
}

/// The name of the synthetic worker with this index; names sort in the order of the list.
pub fn worker_name(index: usize) -> String {
    format!("worker-{index:05}")
}

fn worker(template: &Value, index: usize) -> Value {
    let uid = format!("00000000-0000-4000-8000-{index:012}");
    let address = format!("198.18.{}.{}", index / 250 % 256, index % 250 + 1);
    node_like(template, &worker_name(index), &uid, &address)
}

fn page(count: usize, start: usize, asked: &Asked, node: impl Fn(usize) -> Value) -> Reply {
    let limit = match asked.param("limit").map(|text| text.parse::<usize>()) {
        None | Some(Ok(0) | Err(_)) => count,
        Some(Ok(limit)) => limit,
    };
    let end = start.saturating_add(limit).min(count);
    let mut metadata = json!({"resourceVersion": "907"});
    if end < count {
        metadata["continue"] = json!(token(907, end));
        metadata["remainingItemCount"] = json!(count - end);
    }
    list((start..end).map(node).collect(), metadata)
}

fn list(items: Vec<Value>, metadata: Value) -> Reply {
    let mut list = json!({"kind": "NodeList", "apiVersion": "v1", "metadata": metadata});
    list["items"] = Value::Array(items);
    Reply::json(200, &list)
}

/// The recorded 410; its offer to go on inconsistently is made to fit this list.
fn gone(start: usize) -> Reply {
    let mut body = recording("127").json();
    body["metadata"]["continue"] = json!(token(-1, start));
    Reply::json(410, &body)
}

fn bad_continue() -> Reply {
    let message = "continue key is not valid: invalid character in base64 data";
    Reply::status(400, "BadRequest", message, &json!({}))
}

/// A continue token in the server's own form; `-1` is "whatever is there now".
fn token(resource_version: i64, start: usize) -> String {
    let key =
        json!({"v": "meta.k8s.io/v1", "rv": resource_version, "start": format!("{}\0", worker_name(start))});
    URL_SAFE_NO_PAD.encode(key.to_string())
}

fn position(token: &str) -> Option<usize> {
    let key: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    key["start"].as_str()?.trim_end_matches('\0').strip_prefix("worker-")?.parse().ok()
}
