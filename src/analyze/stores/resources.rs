//! Custom resources of stores: `LokiStack`, Elasticsearch of ECK, and of `OpenSearch`. How long these last two keep logs is said by
//! policies that mostly live in the stores themselves.

use super::model::{Override, Storage, Store};
use crate::analyze::collectors::dialect::Unreadable;
use crate::analyze::collectors::fields::Fields;
use crate::analyze::collectors::service::Service;
use crate::analyze::fact::Fact;
use crate::snapshot::Resource;

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
    if let Some(factor) = spec.at_path(&["replication", "factor"]).and_then(|factor| factor.value().as_i64())
    {
        store.replicas = spec.known("replication", factor, "replication.factor is set");
    }
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

/// Reads an Elasticsearch of ECK.
///
/// # Errors
/// It is none.
pub fn elasticsearch(resource: &Resource) -> Result<Store, Unreadable> {
    let spec = spec_of(resource, "Elasticsearch")?;
    let why = "index lifecycle policies live in Elasticsearch; its API would say";
    let mut store = Store::unknown(Service::Elasticsearch, spec.at(), why);
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
        Some(at) => Fact::at(false, crate::verdict::Rank::Configured, at, "xpack.security.enabled off"),
        None => spec.known("nodeSets", true, "security is on unless it is turned off"),
    };
    store.deletion_api = spec.known("", true, "indexes can be deleted by whoever has the right to");
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
    let why = "index state policies and settings live in OpenSearch; its API would say";
    let mut store = Store::unknown(Service::OpenSearch, spec.at(), why);
    let mine = |policy: &&Resource| {
        let cluster =
            Fields::spec(policy).at_path(&["opensearchCluster"]).and_then(|cluster| cluster.text("name"));
        policy.kind == "OpenSearchISMPolicy" && cluster.as_ref() == Some(&resource.name)
    };
    for policy in all.iter().filter(mine) {
        let fields = Fields::spec(policy);
        store.overrides.push(Override {
            at: fields.at(),
            whom: format!("indexes of the policy {}", policy.name),
            days: Fact::unknown("to which indexes the policy is applied, OpenSearch says"),
        });
    }
    Ok(store)
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
