//! The service accounts of collectors: whoever takes over a collector's pod has their rights.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::rights::{Grant, Grants, Names, Right};
use super::{Holders, given, right, some};
use crate::analyze::collectors::collector::collectors;
use crate::analyze::collectors::products::{Role, product_of};
use crate::analyze::fact::Fact;
use crate::snapshot::{Scope, Snapshot, Workload};
use crate::verdict::{Evidence, Rank};

/// The service account of a collector.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CollectorAccount {
    /// `ServiceAccount logging/fluent-bit`.
    pub name: String,
    /// The workloads that run with it.
    pub used_by: Vec<String>,
    /// Whether it may reach the kubelet through the apiserver (`nodes/proxy`).
    pub nodes_proxy: Fact<bool>,
    /// Whether it may read Secrets that no rule names, in some namespace.
    pub reads_secrets: Fact<bool>,
    /// Kinds of objects it may change, of those that matter: workloads, pods, configurations, nodes, events, and running commands in pods.
    pub changes: Fact<Vec<String>>,
}

const WRITE: &[&str] = &["create", "update", "patch", "delete", "deletecollection"];
const CHANGE: &[&str] = &["update", "patch", "delete", "deletecollection"];
const ANY: &[&str] = &["get", "list", "watch", "create", "update", "patch", "delete"];

/// The service accounts of all collectors.
pub(super) fn accounts(snapshot: &Snapshot, grants: &Grants<'_>) -> Fact<Vec<CollectorAccount>> {
    let mut users: BTreeMap<(&str, &str), BTreeSet<String>> = BTreeMap::new();
    for workload in takers(snapshot) {
        let account = if workload.service_account.is_empty() { "default" } else { &workload.service_account };
        users.entry((&workload.namespace, account)).or_default().insert(workload.title());
    }
    let list = users.into_iter().map(|((namespace, account), used_by)| {
        let own: Vec<&Grant<'_>> =
            grants.list.iter().filter(|grant| grant.is_for_account(namespace, account)).collect();
        describe(grants, &own, format!("ServiceAccount {namespace}/{account}"), used_by.into_iter().collect())
    });
    let mut list: Vec<CollectorAccount> = list.collect();
    let gaps = snapshot.workloads.kinds().into_iter().filter_map(|kind| kind.gap());
    let gaps: Vec<String> = gaps.map(ToString::to_string).collect();
    if snapshot.scope == Scope::Manifests {
        if list.is_empty() {
            return Fact::unknown(
                "the input shows no collector; add its manifests with -f, or run against the cluster",
            );
        }
    } else if !gaps.is_empty() {
        let reason = gaps.join("; ");
        list.push(CollectorAccount {
            name: "Collectors that are not seen".into(),
            used_by: Vec::new(),
            nodes_proxy: Fact::unknown(reason.clone()),
            reads_secrets: Fact::unknown(reason.clone()),
            changes: Fact::unknown(reason),
        });
    }
    Fact::known(list, Rank::Evaluated, Vec::new())
}

/// Workloads that take logs or events from where they arise, or pass them on.
fn takers(snapshot: &Snapshot) -> Vec<&Workload> {
    let of_collectors = collectors(snapshot).into_iter().filter_map(|collector| collector.workload);
    let exporters = snapshot.workloads.all().filter(|workload| {
        let mut products = workload.containers.iter().filter_map(|one| product_of(&one.image));
        products.any(|product| product.role == Role::EventExporter)
    });
    of_collectors.chain(exporters).collect()
}

fn describe(grants: &Grants<'_>, own: &[&Grant<'_>], name: String, used_by: Vec<String>) -> CollectorAccount {
    let is_any = |rights: &[Right<'_>], of_cluster: bool| {
        let mut found = Holders::default();
        for grant in own.iter().filter(|grant| !of_cluster || grant.namespace.is_none()) {
            if let Some(what) = given(grant, rights) {
                let evidence = Evidence { at: grant.subject.at.clone(), detail: format!("may {what}") };
                found.found.entry(what).or_insert(evidence);
            }
        }
        some(grants, found).map(|found| !found.is_empty())
    };
    CollectorAccount {
        name,
        used_by,
        nodes_proxy: is_any(&[right("", "nodes/proxy", ANY, Names::Some)], true),
        reads_secrets: is_any(&[right("", "secrets", &["get", "list", "watch"], Names::All)], false),
        changes: changes(grants, own),
    }
}

/// What it may change. ConfigMaps of its own namespace are not counted: collectors choose leaders by them.
fn changes(grants: &Grants<'_>, own: &[&Grant<'_>]) -> Fact<Vec<String>> {
    let rights = [
        right("apps", "daemonsets", WRITE, Names::Some),
        right("apps", "deployments", WRITE, Names::Some),
        right("apps", "statefulsets", WRITE, Names::Some),
        right("", "secrets", WRITE, Names::Some),
        right("", "pods", WRITE, Names::Some),
        right("", "pods/exec", &["create", "get"], Names::Some),
        right("", "pods/attach", &["create", "get"], Names::Some),
        right("", "pods/ephemeralcontainers", &["update", "patch"], Names::Some),
        right("", "persistentvolumeclaims", CHANGE, Names::Some),
        right("", "serviceaccounts", &["impersonate"], Names::Some),
        right("", "serviceaccounts/token", &["create"], Names::Some),
        right("", "events", CHANGE, Names::Some),
    ];
    let of_cluster = [
        right("", "configmaps", WRITE, Names::All),
        right("", "nodes", CHANGE, Names::Some),
        right("", "namespaces", CHANGE, Names::Some),
        right("", "users", &["impersonate"], Names::Some),
        right("", "groups", &["impersonate"], Names::Some),
        right("rbac.authorization.k8s.io", "clusterroles", &["escalate", "bind"], Names::Some),
    ];
    let mut found = Holders::default();
    for grant in own {
        let cluster_rights = of_cluster.iter().filter(|_| grant.namespace.is_none());
        for right in rights.iter().chain(cluster_rights) {
            if let Some(what) = given(grant, std::slice::from_ref(right)) {
                let evidence = Evidence { at: grant.subject.at.clone(), detail: format!("may {what}") };
                found.found.entry(right.what()).or_insert(evidence);
            }
        }
    }
    some(grants, found)
}
