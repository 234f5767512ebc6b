//! Broad groups that may start pods: a pod with a `hostPath` volume can delete the logs of its node, from whatever namespace.

use super::rights::{Grant, Grants, Names};
use super::{Holders, given, right};
use crate::snapshot::Snapshot;
use crate::verdict::Evidence;

/// Verbs that put a pod of one's own into what makes pods.
const TEMPLATE: &[&str] = &["create", "update", "patch"];
const CREATE: &[&str] = &["create"];

/// What starts pods, and by which verbs.
const STARTS: [(&str, &str, &[&str]); 8] = [
    // Volumes of a pod, and most of the template of a Job, cannot be changed later.
    ("", "pods", CREATE),
    ("batch", "jobs", CREATE),
    ("batch", "cronjobs", TEMPLATE),
    ("apps", "daemonsets", TEMPLATE),
    ("apps", "deployments", TEMPLATE),
    ("apps", "replicasets", TEMPLATE),
    ("apps", "statefulsets", TEMPLATE),
    ("", "replicationcontrollers", TEMPLATE),
];

/// Broad groups that may start pods in a namespace whose labels do not refuse `hostPath`.
pub(super) fn broad_starters(snapshot: &Snapshot, grants: &Grants<'_>) -> Holders {
    let rights = STARTS.map(|(group, resource, verbs)| right(group, resource, verbs, Names::All));
    let mut holders = Holders::default();
    for grant in grants.list.iter().filter(|grant| grant.is_broad() && !is_refused(snapshot, grant)) {
        let Some(what) = given(grant, &rights) else { continue };
        let who = grant.who();
        let place = match grant.namespace {
            Some(namespace) => format!("in namespace {namespace}"),
            None => "in all namespaces".into(),
        };
        holders.found.entry(who.clone()).or_insert_with(|| Evidence {
            at: grant.subject.at.clone(),
            detail: format!(
                "{who} may {what} {place}; a pod with a hostPath volume can delete the logs of its node"
            ),
        });
    }
    holders
}

/// Whether Pod Security keeps `hostPath` volumes from all pods that a grant is about.
fn is_refused(snapshot: &Snapshot, grant: &Grant<'_>) -> bool {
    let Some(name) = grant.namespace else { return false };
    snapshot.namespaces.value().into_iter().flatten().any(|namespace| {
        let level = namespace.labels.get("pod-security.kubernetes.io/enforce");
        namespace.name == name && level.is_some_and(|level| level == "baseline" || level == "restricted")
    })
}
