//! Who may read logs and who may change, stop or remove what carries them, computed from roles and bindings, and what else
//! can write where nodes keep logs.
//!
//! | module | does |
//! | --- | --- |
//! | [`rights`] | what a rule allows, and what is granted to whom |
//! | [`pipeline`] | what carries logs, and which rights over it let it be changed |
//! | [`accounts`] | the service accounts of collectors |
//! | [`node_logs`] | workloads that can write where nodes keep logs |
//! | [`starters`] | broad groups that may start pods |
//!
//! Rights that lead to others are followed as far as one step: to act as somebody else, and to give oneself a role.

pub mod accounts;
pub mod node_logs;
pub mod pipeline;
pub mod rights;
pub mod starters;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use self::accounts::CollectorAccount;
use self::pipeline::PipelineNamespace;
use self::rights::{Grant, Grants, Names, Right};
use super::fact::Fact;
use crate::snapshot::Snapshot;
use crate::verdict::{Evidence, Rank};

/// The most places that are shown for one fact.
const MAX_EVIDENCE: usize = 10;

/// Who may read logs and change what carries them.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Access {
    /// Namespaces in which something runs that records, collects or stores logs, or watches.
    pub namespaces: Fact<Vec<PipelineNamespace>>,
    /// The service accounts of collectors.
    pub accounts: Fact<Vec<CollectorAccount>>,
    /// Who may read the logs of all pods: `Group ops`. The group `system:masters` and the control plane's own controllers are left out.
    pub log_readers: Fact<Vec<String>>,
    /// Of groups that take in nearly everybody those that may read the logs of pods in some namespace, or of nodes.
    pub broad_log_readers: Fact<Vec<String>>,
    /// Who may delete Kubernetes events in bulk in all namespaces; left out as above.
    pub event_deleters: Fact<Vec<String>>,
    /// Workloads other than collectors, stores and sensors that can write where nodes keep logs: `DaemonSet shop/cleaner`.
    pub node_log_writers: Fact<Vec<String>>,
}

/// The facts about access.
pub fn access(snapshot: &Snapshot, distribution: Option<&str>) -> Access {
    let grants = Grants::of(snapshot);
    let elsewhere = elsewhere(distribution);
    let read_logs = right("", "pods/log", &["get"], Names::All);
    let delete_events = [
        right("", "events", &["deletecollection"], Names::All),
        right("events.k8s.io", "events", &["deletecollection"], Names::All),
    ];
    let of_cluster = |grant: &Grant<'_>| grant.namespace.is_none();
    Access {
        namespaces: pipeline::namespaces(snapshot, &grants, elsewhere.as_deref()),
        accounts: accounts::accounts(snapshot, &grants),
        log_readers: all(
            &grants,
            elsewhere.as_deref(),
            holders(&grants, &[read_logs], of_cluster, &BTreeSet::new()),
        ),
        broad_log_readers: some(&grants, broad_readers(&grants)),
        event_deleters: all(
            &grants,
            elsewhere.as_deref(),
            holders(&grants, &delete_events, of_cluster, &BTreeSet::new()),
        ),
        node_log_writers: node_logs::writers(snapshot),
    }
}

/// A right over objects of a kind.
fn right<'a>(group: &'a str, resource: &'a str, verbs: &'a [&'a str], names: Names<'a>) -> Right<'a> {
    Right { group, resource, verbs, names }
}

/// Why rights may come from somewhere else than RBAC.
fn elsewhere(distribution: Option<&str>) -> Option<String> {
    let who = match distribution? {
        "eks" => "access entries of EKS",
        "gke" => "IAM of Google Cloud",
        "aks" => "Azure RBAC",
        _ => return None,
    };
    Some(format!("{who} may give rights too, which the cluster does not show; look them up at the provider"))
}

/// Those who hold a right, and what shows it.
#[derive(Debug, Default)]
struct Holders {
    found: BTreeMap<String, Evidence>,
    left_out: BTreeSet<String>,
}

/// Who holds any of these rights by the grants that are chosen.
fn holders(
    grants: &Grants<'_>,
    rights: &[Right<'_>],
    is_chosen: impl Fn(&Grant<'_>) -> bool,
    operators: &BTreeSet<String>,
) -> Holders {
    let mut holders = Holders::default();
    for grant in grants.list.iter().filter(|grant| is_chosen(grant)) {
        let Some(what) = given(grant, rights) else { continue };
        let who = grant.who();
        if is_own(grant, &who) || operators.contains(&who) {
            holders.left_out.insert(who);
            continue;
        }
        holders.found.entry(who.clone()).or_insert_with(|| Evidence {
            at: grant.subject.at.clone(),
            detail: format!("{who} may {what}"),
        });
    }
    holders
}

/// The first of the rights that a grant gives: `patch daemonsets.apps (ClusterRole edit)`.
fn given(grant: &Grant<'_>, rights: &[Right<'_>]) -> Option<String> {
    grant.rules.iter().find_map(|rule| {
        rights.iter().find_map(|right| {
            let verb = right.given_by(rule)?;
            Some(format!("{verb} {} by {} ({})", right.what(), grant.role(), rule.at))
        })
    })
}

/// Whether it is the cluster's own: administrators whom RBAC does not limit, and the controllers of the control plane with the
/// roles that the apiserver makes for them.
fn is_own(grant: &Grant<'_>, who: &str) -> bool {
    let built_in = grant.binding.role.starts_with("system:") && grant.binding.name.starts_with("system:");
    let component = who.starts_with("ServiceAccount kube-system/")
        || who.starts_with("User system:") && who != "User system:anonymous";
    who == "Group system:masters" || built_in && component
}

/// Groups that take in nearly everybody and may read logs.
fn broad_readers(grants: &Grants<'_>) -> Holders {
    let any_pod = right("", "pods/log", &["get"], Names::Some);
    let nodes =
        [right("", "nodes/proxy", &["get"], Names::Some), right("", "nodes/log", &["get"], Names::Some)];
    let mut found = holders(
        grants,
        &[any_pod],
        |grant: &Grant<'_>| grant.is_broad() && !grant.rules.is_empty(),
        &BTreeSet::new(),
    );
    let of_cluster = |grant: &Grant<'_>| grant.is_broad() && grant.namespace.is_none();
    found.found.extend(holders(grants, &nodes, of_cluster, &BTreeSet::new()).found);
    // The apiserver serves its node's /var/log there, if --enable-logs-handler is set.
    for grant in grants.list.iter().filter(|grant| of_cluster(grant)) {
        let is_logs = |url: &String| {
            url == "*" || url == "/*" || url.trim_end_matches('*').trim_end_matches('/').starts_with("/logs")
        };
        let rule = grant.rules.iter().find(|rule| {
            rule.urls.iter().any(is_logs) && rule.verbs.iter().any(|verb| verb == "get" || verb == "*")
        });
        if let Some(rule) = rule {
            let who = grant.who();
            let detail = format!("{who} may get /logs by {} ({})", grant.role(), rule.at);
            found.found.entry(who).or_insert_with(|| Evidence { at: grant.subject.at.clone(), detail });
        }
    }
    found
}

/// What was found, known as soon as there is any; that there is none only where all was read.
fn some(grants: &Grants<'_>, holders: Holders) -> Fact<Vec<String>> {
    match &grants.more {
        Some(reason) if holders.found.is_empty() => Fact::unknown(reason.clone()),
        _ => known(grants, holders),
    }
}

/// All that there are, known only where all was read and nothing but RBAC decides.
fn all(grants: &Grants<'_>, elsewhere: Option<&str>, holders: Holders) -> Fact<Vec<String>> {
    match grants.more.as_deref().or(elsewhere) {
        Some(reason) => Fact::unknown(reason),
        None => known(grants, holders),
    }
}

fn known(grants: &Grants<'_>, Holders { found, left_out }: Holders) -> Fact<Vec<String>> {
    const SHOWN: usize = 4;
    let shown: Vec<&str> = left_out.iter().take(SHOWN).map(String::as_str).collect();
    let mut note = grants.read.clone();
    if !shown.is_empty() {
        note.push_str("; left out as the cluster's own: ");
        note.push_str(&shown.join(", "));
    }
    if left_out.len() > SHOWN {
        note.push_str(&format!(" and {} more", left_out.len() - SHOWN));
    }
    let mut evidence: Vec<Evidence> = found.values().take(MAX_EVIDENCE).cloned().collect();
    evidence.push(Evidence { at: "RoleBindings and ClusterRoleBindings".into(), detail: note });
    Fact::known(found.into_keys().collect(), Rank::Evaluated, evidence)
}
