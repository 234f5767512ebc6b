//! The policies of apiservers whose policy file comes from a ConfigMap: hosted control planes and OpenShift. Each of these
//! ConfigMaps is read by its name, once. Where a file lies on a node, or comes from a Secret, there is nothing to read.

use std::collections::BTreeMap;

use serde_json::Value;

use super::answer::Failure;
use super::client::Client;
use super::gather;
use super::permissions::Access;
use crate::analyze::policy::load::MAX_BYTES;
use crate::analyze::policy::sources;
use crate::snapshot::{ConfigMapKey, Gap, GapReason, PolicyOrigin, PolicyText, Snapshot, UnreadPolicy};

/// How many ConfigMaps are read. All apiservers of a cluster read the same one, or in the middle of a change two.
const MAX_READ: usize = 3;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Policies {
    pub read: Vec<PolicyText>,
    pub unread: Vec<UnreadPolicy>,
}

/// Reads the ConfigMaps that the apiservers of a snapshot read. It needs their pods and declarations only.
pub(super) async fn policies(client: &Client, snapshot: &Snapshot) -> Policies {
    let mut wanted: BTreeMap<(String, String), Vec<ConfigMapKey>> = BTreeMap::new();
    for key in sources::config_maps(snapshot) {
        wanted.entry((key.namespace.clone(), key.name.clone())).or_default().push(key);
    }
    let mut found = Policies::default();
    for (number, ((namespace, name), keys)) in wanted.into_iter().enumerate() {
        let object = if number < MAX_READ {
            config_map(client, &namespace, &name).await
        } else {
            let what = format!("the ConfigMap {namespace}/{name}");
            let detail = format!("the apiservers read more than {MAX_READ} ConfigMaps");
            Err(missing(GapReason::NotAsked, what, detail))
        };
        for key in keys {
            match object.as_ref().map_err(Clone::clone).and_then(|object| policy(object, &key)) {
                Ok(policy) => found.read.push(policy),
                Err(gap) => found.unread.push(UnreadPolicy { config_map: key, gap: *gap }),
            }
        }
    }
    found
}

fn missing(reason: GapReason, what: String, detail: impl Into<String>) -> Box<Gap> {
    Box::new(Gap::new(reason, what, detail))
}

fn policy(object: &Value, key: &ConfigMapKey) -> Result<PolicyText, Box<Gap>> {
    let what = || format!("the {}", key.object());
    let text = object.get("data").and_then(|data| data.get(&key.key)).and_then(Value::as_str);
    let Some(text) = text else {
        return Err(missing(GapReason::NotFound, what(), format!("it has no key `{}`", key.key)));
    };
    if text.len() > MAX_BYTES {
        let detail = format!("its key `{}` is larger than {} MiB", key.key, MAX_BYTES >> 20);
        return Err(missing(GapReason::TooLarge, what(), detail));
    }
    Ok(PolicyText {
        name: key.object(),
        at: key.at(),
        line: 1,
        origin: PolicyOrigin::ConfigMap,
        paths: Vec::new(),
        inside: None,
        config_map: Some(key.clone()),
        text: text.to_owned(),
    })
}

async fn config_map(client: &Client, namespace: &str, name: &str) -> Result<Value, Box<Gap>> {
    let what = format!("the ConfigMap {namespace}/{name}");
    // The names come out of a pod, and go into a path.
    let is_name = |text: &str| {
        !text.is_empty()
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c))
    };
    let access = match namespace {
        _ if !is_name(namespace) || !is_name(name) => {
            return Err(missing(GapReason::Malformed, what, "its name is not one that a ConfigMap can have"));
        }
        "openshift-kube-apiserver" => Access::OpenshiftPolicies,
        _ => Access::PolicyConfigMap,
    };
    let path = format!("/api/v1/namespaces/{namespace}/configmaps/{name}");
    let result = gather::config_map_at(client, access, &path).await;
    let gap = |failure: Failure| Box::new(Gap { what: what.clone(), ..failure.gap });
    match result.map_err(gap)? {
        Some((object, _)) => Ok(object),
        None => Err(missing(GapReason::NotFound, what.clone(), "there is no such ConfigMap")),
    }
}
