//! The stores of a cluster, as facts.

use schemars::JsonSchema;
use serde::Serialize;

use super::exposure::{self, Exposed};
use super::model::{Storage, Store};
use super::workloads::{Found, outlives, stores as of_workloads};
use super::{resources, victoria_logs};
use crate::analyze::collectors::dialect::Unreadable;
use crate::analyze::collectors::service::Service;
use crate::analyze::fact::Fact;
use crate::snapshot::{GapReason, Reading, Resource, Scope, Snapshot};
use crate::verdict::Rank;

/// The number of days that stands for logs which are never deleted: a hundred years.
pub const FOREVER: i64 = 36_500;

/// A store of logs in the cluster.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoreFacts {
    /// The workload or custom resource: `StatefulSet logging/loki`, `LokiStack openshift-logging/logs`. A store of several workloads
    /// is one: `Loki logging/loki-read, loki-write`.
    pub name: String,
    /// The product: `Loki`, `Elasticsearch`.
    pub product: String,
    /// For how many whole days it keeps logs that nothing more special is about. 36500 stands for ever.
    pub retention_days: Fact<i64>,
    /// The shortest time of any tenant or stream, in days; unknown also where a limit of space deletes earlier. 36500 stands for ever.
    pub shortest_days: Fact<i64>,
    /// The longest time of any tenant or stream, in days. 36500 stands for ever.
    pub longest_days: Fact<i64>,
    /// Whether some or all of it is never deleted by age.
    pub kept_forever: Fact<bool>,
    /// Whether a time after which logs are to be deleted is set, be it effective or not.
    pub retention_set: Fact<bool>,
    /// Whether what deletes logs after that time is switched on.
    pub retention_applied: Fact<bool>,
    /// Whether it offers an API by which logs can be deleted.
    pub deletion_api: Fact<bool>,
    /// Whether that API asks who comes or for a key; true where there is none.
    pub deletion_guarded: Fact<bool>,
    /// Whether it asks itself who reads and writes.
    pub authentication: Fact<bool>,
    /// Whether it speaks TLS itself.
    pub tls: Fact<bool>,
    /// Whether what it holds outlives its pods: on a `PersistentVolume` or in an object store.
    pub persistent: Fact<bool>,
    /// Whether it holds more than one copy.
    pub replicated: Fact<bool>,
    /// Whether logs lie in an object store.
    pub object_store: Fact<bool>,
    /// Whether it can be reached from outside the cluster: by a Service of the types `LoadBalancer` and `NodePort` or with external
    /// addresses, an Ingress or a route, or on the addresses of the nodes.
    pub exposed: Fact<bool>,
    /// By what: `Service logging/loki`.
    pub exposed_by: Fact<Vec<String>>,
    /// Whether all of that are load balancers with addresses inside the provider's network alone.
    pub internal_only: Fact<bool>,
    /// Whether on all of these ways somebody asks who comes before the store does; true where there is none.
    pub front_authentication: Fact<bool>,
}

/// Every store that was found.
pub fn found(snapshot: &Snapshot) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let mut owners: Vec<(String, String)> = Vec::new();
    for resource in &snapshot.resources {
        let Some(read) = of_resource(resource, &snapshot.resources) else { continue };
        owners.push((resource.namespace.clone(), format!("{} {}", resource.kind, resource.name)));
        let store = read.unwrap_or_else(|unreadable| {
            Store::unknown(service(&resource.kind), unreadable.at, &unreadable.why)
        });
        let owned = snapshot.workloads.all().filter(|workload| {
            let owner = owners.last().map(|(_, owner)| owner);
            workload.namespace == resource.namespace && workload.owner.as_ref() == owner
        });
        found.push(Found {
            name: format!("{} {}", resource.kind, resource.full_name()),
            namespace: resource.namespace.clone(),
            workloads: owned.map(|workload| workload.name.clone()).collect(),
            persistent: outlives(&store.storage),
            replicated: store.replicas.clone().map(|copies| copies > 1),
            store,
        });
    }
    found.extend(of_workloads(snapshot, &owners));
    found
}

fn of_resource(resource: &Resource, all: &[Resource]) -> Option<Result<Store, Unreadable>> {
    Some(match resource.kind.as_str() {
        "LokiStack" => resources::loki_stack(resource),
        "Elasticsearch" => resources::elasticsearch(resource, all),
        "OpenSearchCluster" => resources::open_search(resource, all),
        "VLogs" | "VLSingle" | "VLCluster" => victoria_logs::read_resource(resource),
        _ => return None,
    })
}

fn service(kind: &str) -> Service {
    match kind {
        "LokiStack" => Service::Loki,
        "Elasticsearch" => Service::Elasticsearch,
        "OpenSearchCluster" => Service::OpenSearch,
        _ => Service::VictoriaLogs,
    }
}

/// The facts about stores.
pub fn facts(snapshot: &Snapshot, found: &[Found]) -> Fact<Vec<StoreFacts>> {
    let of_cluster = snapshot.scope == Scope::Cluster;
    let kinds = [&snapshot.workloads.deployments, &snapshot.workloads.stateful_sets];
    let mut gaps = kinds.into_iter().filter_map(Reading::gap);
    if let Some(gap) = gaps.find(|gap| of_cluster || gap.reason != GapReason::NotAsked) {
        return Fact::unknown(gap.to_string());
    }
    if found.is_empty() && !of_cluster {
        return Fact::unknown(
            "the input shows no store of logs; add its manifests with -f, or run against the cluster",
        );
    }
    Fact::known(found.iter().map(|one| store(snapshot, one)).collect(), Rank::Configured, Vec::new())
}

fn store(snapshot: &Snapshot, found: &Found) -> StoreFacts {
    let Exposed { exposed, by, internal_only, front_authentication } = exposure::of(snapshot, found);
    let store = &found.store;
    let days = |fact: Fact<Option<i64>>| fact.map(|days| days.unwrap_or(FOREVER).min(FOREVER));
    let shortest = match &store.evicts {
        Some(Fact::Known(known)) => {
            Fact::unknown(format!("{} deletes earlier when there is no more room", known.value))
        }
        Some(Fact::Unknown(unknown)) => Fact::unknown(unknown.reason.clone()),
        None => days(store.shortest()),
    };
    let longest = days(store.longest());
    StoreFacts {
        name: found.name.clone(),
        product: store.product.name().to_owned(),
        retention_days: days(store.retention.clone()),
        shortest_days: shortest,
        kept_forever: longest.clone().map(|days| days >= FOREVER),
        longest_days: longest,
        retention_set: store.retention_set.clone(),
        retention_applied: store.retention_applied.clone(),
        deletion_api: store.deletion_api.clone(),
        deletion_guarded: store.deletion_guarded.clone(),
        authentication: store.authentication.clone(),
        tls: store.tls.clone(),
        persistent: found.persistent.clone(),
        replicated: found.replicated.clone(),
        object_store: store.storage.clone().map(|storage| matches!(storage, Storage::ObjectStore(_))),
        exposed,
        exposed_by: by,
        internal_only,
        front_authentication,
    }
}
