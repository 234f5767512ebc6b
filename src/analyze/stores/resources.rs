//! Custom resources of stores: `LokiStack`, Elasticsearch of ECK, and of `OpenSearch`. How long these last two keep logs is said by
//! policies that mostly live in the stores themselves.

use super::model::{Override, Storage, Store};
use crate::analyze::collectors::dialect::Unreadable;
use crate::analyze::collectors::fields::Fields;
use crate::analyze::collectors::model::Unread;
use crate::analyze::collectors::service::Service;
use crate::analyze::fact::Fact;
use crate::document::scalar;
use crate::snapshot::Resource;
use crate::verdict::Rank;

/// Reads a `LokiStack` (`operator/api/loki/v1/lokistack_types.go`).
///
/// # Errors
/// It is none.
pub fn loki_stack(resource: &Resource) -> Result<Store, Unreadable> {
    let spec = spec_of(resource, "LokiStack")?;
    let mut store = Store::unknown(Service::Loki, spec.at(), "a LokiStack does not say");
    let global = spec.at_path(&["limits", "global", "retention"]);
    store.retention = match &global {
        Some(retention) => days(retention),
        None => spec.known("limits", None, "no retention is set, so that logs are kept for ever"),
    };
    store.overrides = global.iter().flat_map(|retention| streams(retention, "")).collect();
    let tenants = spec.at_path(&["limits", "tenants"]).map(|tenants| tenants.entries()).unwrap_or_default();
    for (name, limits) in tenants {
        let Some(retention) = limits.get("retention") else { continue };
        store.overrides.push(Override {
            at: retention.at(),
            whom: format!("tenant {name}"),
            days: days(&retention),
        });
        store.overrides.extend(streams(&retention, &format!("tenant {name}, ")));
    }
    let kind = spec.at_path(&["storage", "secret"]).and_then(|secret| Some((secret.text("type")?, secret)));
    if let Some((kind, secret)) = kind {
        let detail = format!("type {kind}");
        store.storage = secret.known("type", Storage::ObjectStore(kind), detail);
    }
    store.retention_set = match (&global, store.overrides.first()) {
        (Some(retention), _) => retention.known("", true, "limits.global.retention is set"),
        (None, Some(tenant)) => Fact::at(true, Rank::Configured, tenant.at.clone(), "a retention is set"),
        (None, None) => spec.known("limits", false, "no retention is set"),
    };
    // The operator switches the compactor's retention on as soon as one is set.
    store.retention_applied = store.retention_set.clone();
    let factor = |factor: Option<Fields<'_>>| factor.and_then(|factor| factor.value().as_i64());
    let given = factor(spec.at_path(&["replication", "factor"])).or(factor(spec.get("replicationFactor")));
    store.replicas = match (given, spec.text("size").as_deref()) {
        (Some(factor), _) => spec.known("replication", factor, "a replication factor is set"),
        (None, Some("1x.demo")) => spec.known("size", 1, "the size 1x.demo has no replication"),
        (None, Some(size)) => spec.known("size", 2, format!("the size {size} keeps two copies")),
        (None, None) => store.replicas,
    };
    store.authentication = match spec.at_path(&["tenants"]).and_then(|tenants| tenants.text("mode")) {
        Some(mode) if mode != "passthrough" => {
            spec.known("tenants", true, format!("the gateway of the mode {mode} asks who comes"))
        }
        Some(_) => Fact::unknown("in the mode passthrough the gateway hands on whom it is told"),
        None => Fact::unknown(
            "without tenants.mode there is no gateway that asks who comes; who reaches Loki, the network decides",
        ),
    };
    store.deletion_guarded = store.authentication.clone();
    Ok(store)
}

fn streams(retention: &Fields<'_>, tenant: &str) -> Vec<Override> {
    let list = retention.items("streams").into_iter();
    list.map(|stream| Override {
        at: stream.at(),
        whom: format!("{tenant}stream {}", stream.text("selector").unwrap_or_default()),
        days: days(&stream),
    })
    .collect()
}

fn days(retention: &Fields<'_>) -> Fact<Option<i64>> {
    match retention.text("days").and_then(|days| days.parse().ok()) {
        Some(days) => retention.known("days", Some(days), format!("days {days}")),
        None => Fact::unknown(format!("the retention at {} says no days", retention.at())),
    }
}

/// Reads an Elasticsearch of ECK, with the `StackConfigPolicy`s among all resources.
///
/// # Errors
/// It is none.
pub fn elasticsearch(resource: &Resource, all: &[Resource]) -> Result<Store, Unreadable> {
    let spec = spec_of(resource, "Elasticsearch")?;
    let why = policies(lifecycle_policies(resource, all), "index lifecycle policies live in Elasticsearch");
    let mut store = Store::unknown(Service::Elasticsearch, spec.at(), &why);
    let tls = spec.at_path(&["http", "tls"]);
    let own = tls.as_ref().is_some_and(|tls| tls.at_path(&["certificate", "secretName"]).is_some());
    let unsigned = tls.as_ref().and_then(|tls| tls.get("selfSignedCertificate"));
    store.tls = match unsigned.filter(|signed| signed.flag("disabled") == Some(true)) {
        Some(signed) if !own => {
            signed.known("disabled", false, "selfSignedCertificate is disabled and there is no other")
        }
        _ => spec.known("http", true, "the operator makes a certificate unless it is told not to"),
    };
    let sets = spec.items("nodeSets");
    let off = sets.iter().find_map(|set| {
        let config = set.get("config")?;
        let flat = config.flag("xpack.security.enabled");
        let nested = config.at_path(&["xpack", "security"]).and_then(|security| security.flag("enabled"));
        (flat.or(nested) == Some(false)).then(|| config.at())
    });
    store.authentication = match off {
        Some(at) => Fact::at(false, Rank::Configured, at, "xpack.security.enabled off"),
        None => spec.known("nodeSets", true, "security is on unless it is turned off"),
    };
    store.deletion_api = spec.known("", true, "indexes can be deleted by whoever has the right to");
    store.deletion_guarded = store.authentication.clone();
    store.replicas = alone(&spec, "nodeSets", "count");
    let empty = sets.iter().find(|set| {
        set.at_path(&["podTemplate", "spec"]).is_some_and(|pod| {
            pod.items("volumes").iter().any(|volume| {
                volume.get("emptyDir").is_some()
                    && volume.text("name").as_deref() == Some("elasticsearch-data")
            })
        })
    });
    store.storage = match empty {
        Some(set) => set.known("podTemplate", Storage::Ephemeral, "elasticsearch-data is an emptyDir"),
        None => {
            spec.known("nodeSets", Storage::Claimed, "the operator claims volumes unless it is told not to")
        }
    };
    Ok(store)
}

/// Reads an `OpenSearchCluster` with the policies among all resources.
///
/// # Errors
/// It is none.
pub fn open_search(resource: &Resource, all: &[Resource]) -> Result<Store, Unreadable> {
    let spec = spec_of(resource, "OpenSearchCluster")?;
    let list = state_policies(resource, all);
    let everything = match list.as_slice() {
        [one] if one.patterns.iter().any(|pattern| pattern == "*") => Some(one.clone()),
        _ => None,
    };
    let why = policies(list, "index state policies and settings live in OpenSearch");
    let mut store = Store::unknown(Service::OpenSearch, spec.at(), &why);
    if let Some(Policy { at, name, days: Some(days), .. }) = everything {
        let detail = format!("the policy {name} deletes every index after {days} days");
        store.retention = Fact::at(Some(days), Rank::Configured, &*at, &*detail);
        store.unread.push(Unread {
            at: at.clone(),
            why: "policies that are made through the API of OpenSearch may say otherwise than that".into(),
        });
        store.retention_set = Fact::at(true, Rank::Configured, &*at, &*detail);
        store.retention_applied = Fact::at(true, Rank::Configured, at, detail);
    }
    store.deletion_api = spec.known("", true, "indexes can be deleted by whoever has the right to");
    let config = spec.at_path(&["general", "additionalConfig"]);
    let off = config.as_ref().filter(|config| config.flag("plugins.security.disabled") == Some(true));
    let of_http = spec.at_path(&["security", "tls", "http"]);
    store.authentication = match (off, spec.at_path(&["security", "config"])) {
        (Some(config), _) => config.known("plugins.security.disabled", false, "the security plugin is off"),
        (None, Some(security)) => security.known("", true, "security.config is set"),
        (None, None) => {
            Fact::unknown("without security.config the demonstration's users and passwords may be in use")
        }
    };
    store.deletion_guarded = store.authentication.clone();
    store.tls = match (off, of_http) {
        (Some(config), _) => config.known("plugins.security.disabled", false, "the security plugin is off"),
        (None, Some(http)) => http.known("", true, "security.tls.http is set"),
        (None, None) => store.tls,
    };
    let pools = spec.items("nodePools");
    let kept: Vec<Fields<'_>> = pools.iter().filter_map(|pool| pool.get("persistence")).collect();
    let empty = kept.iter().find(|kept| kept.get("emptyDir").is_some());
    let on_node = kept.iter().find(|kept| kept.get("hostPath").is_some());
    store.storage = match (empty, on_node) {
        (Some(kept), _) => kept.known("emptyDir", Storage::Ephemeral, "persistence.emptyDir"),
        (None, Some(kept)) => kept.known("hostPath", Storage::Filesystem, "persistence.hostPath"),
        (None, None) => {
            spec.known("nodePools", Storage::Claimed, "the operator claims volumes unless it is told not to")
        }
    };
    store.replicas = alone(&spec, "nodePools", "replicas");
    Ok(store)
}

/// One copy where there is one node; with more, indexes say themselves how many copies they have.
fn alone(spec: &Fields<'_>, key: &str, count: &str) -> Fact<i64> {
    let nodes: i64 = spec
        .items(key)
        .iter()
        .map(|set| set.get(count).map_or(Some(1), |count| count.value().as_i64()).unwrap_or(2))
        .fold(0, i64::saturating_add);
    match nodes {
        1 => spec.known(key, 1, "a single node has no second copy"),
        _ => Fact::unknown("how many copies an index has, the store itself says"),
    }
}

/// A policy that deletes indexes.
#[derive(Debug, Clone)]
struct Policy {
    at: String,
    name: String,
    /// After how many days; none if it deletes nothing or at another time than that of an age.
    days: Option<i64>,
    /// The indexes it is applied to when they are made.
    patterns: Vec<String>,
}

/// Why retention is not known, with what the policies say that are seen.
fn policies(list: Vec<Policy>, where_they_live: &str) -> String {
    let one = |policy: Policy| {
        let days = policy.days?;
        Some(format!("{} deletes after {days} days ({})", policy.name, policy.at))
    };
    let seen: Vec<String> = list.into_iter().filter_map(one).collect();
    if seen.is_empty() {
        return format!("{where_they_live}; its API would say");
    }
    let seen = seen.join(", ");
    format!("{where_they_live}; of those that are seen, {seen}; to which indexes, its API would say")
}

/// The delete phases of `indexLifecyclePolicies` for one Elasticsearch.
fn lifecycle_policies(cluster: &Resource, all: &[Resource]) -> Vec<Policy> {
    let mut list = Vec::new();
    for policy in all.iter().filter(|policy| policy.kind == "StackConfigPolicy") {
        let spec = Fields::spec(policy);
        let wanted = spec.at_path(&["resourceSelector", "matchLabels"]).map(|labels| labels.entries());
        let selects = wanted
            .unwrap_or_default()
            .iter()
            .all(|(key, value)| scalar(value.value()).as_ref() == cluster.labels.get(*key));
        let lives = spec.at_path(&["elasticsearch", "indexLifecyclePolicies"]).filter(|_| selects);
        for (name, life) in lives.map(|lives| lives.entries()).unwrap_or_default() {
            let delete = life.at_path(&["phases", "delete"]);
            let age = delete.as_ref().map(|delete| delete.text("min_age").unwrap_or_else(|| "0ms".into()));
            list.push(Policy {
                at: delete.map_or_else(|| life.at(), |delete| delete.at_key("min_age")),
                name: name.to_owned(),
                days: age.and_then(|age| age_in_days(&age)),
                patterns: Vec::new(),
            });
        }
    }
    list
}

/// The `OpenSearchISMPolicy`s of one cluster: the age at which an index comes into a state that deletes it.
fn state_policies(cluster: &Resource, all: &[Resource]) -> Vec<Policy> {
    let is_mine = |policy: &&Resource| {
        let name = Fields::spec(policy).get("opensearchCluster").and_then(|cluster| cluster.text("name"));
        policy.kind == "OpenSearchISMPolicy"
            && policy.namespace == cluster.namespace
            && name.as_ref() == Some(&cluster.name)
    };
    all.iter().filter(is_mine).map(state_policy).collect()
}

fn state_policy(policy: &Resource) -> Policy {
    let spec = Fields::spec(policy);
    let states = spec.items("states");
    let deletes = |name: &str| {
        states.iter().any(|state| {
            state.text("name").as_deref() == Some(name)
                && state.items("actions").iter().any(|action| action.get("delete").is_some())
        })
    };
    let transitions: Vec<Fields<'_>> = states.iter().flat_map(|state| state.items("transitions")).collect();
    let mut last = transitions
        .iter()
        .filter(|transition| transition.text("stateName").is_some_and(|name| deletes(&name)));
    let (at, days) = match (last.next(), last.next()) {
        (Some(transition), None) => {
            let conditions = transition.get("conditions");
            let age = conditions.as_ref().and_then(|conditions| conditions.text("minIndexAge"));
            (transition.at(), age.and_then(|age| age_in_days(&age)))
        }
        _ => (spec.at(), None),
    };
    let template = spec.get("ismTemplate");
    let templates = match &template {
        Some(one) if one.is_map() => vec![one.clone()],
        Some(list) => list.elements(),
        None => Vec::new(),
    };
    let patterns = templates.iter().flat_map(|one| one.list("indexPatterns")).map(|(text, _)| text);
    Policy { at, name: policy.name.clone(), days, patterns: patterns.collect() }
}

/// Whole days of an age as Elasticsearch and `OpenSearch` write it.
fn age_in_days(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let number: i64 = number.parse().ok()?;
    match unit {
        "d" => Some(number),
        "h" => Some(number / 24),
        "m" => Some(number / 1440),
        "s" => Some(number / 86_400),
        "ms" => Some(number / 86_400_000),
        _ => None,
    }
}

fn spec_of<'a>(resource: &'a Resource, kind: &str) -> Result<Fields<'a>, Unreadable> {
    let spec = Fields::spec(resource);
    if resource.kind != kind {
        return Err(Unreadable::new(&*resource.at, format!("it is a {}, not a {kind}", resource.kind)));
    }
    if spec.is_map() { Ok(spec) } else { Err(Unreadable::new(spec.at(), "the spec is no mapping")) }
}

/// Stores that keep their retention inside, by product.
pub fn inside(product: Service, at: &str) -> Store {
    let why = match product {
        Service::Graylog => "index sets of Graylog are in its MongoDB",
        Service::ClickHouse => "the TTL of tables is part of their definition in ClickHouse",
        Service::Splunk => "retention is in indexes.conf, in an app or in the image",
        Service::Quickwit => "retention is in the index configurations of Quickwit",
        Service::Parseable => "retention is set for each stream in Parseable",
        _ => "the store says itself how long it keeps logs",
    };
    Store::unknown(product, at, why)
}
