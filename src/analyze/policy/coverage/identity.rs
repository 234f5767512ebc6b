//! Who can make a request: only identities that a kube-apiserver can produce.

use std::collections::BTreeSet;

use super::super::AuditPolicy;

/// The group of everybody who logged in.
pub(super) const AUTHENTICATED: &str = "system:authenticated";
/// The group of everybody who did not.
pub(super) const UNAUTHENTICATED: &str = "system:unauthenticated";
/// The user of requests without credentials.
pub(super) const ANONYMOUS: &str = "system:anonymous";
/// The group of all service accounts.
pub(super) const SERVICE_ACCOUNTS: &str = "system:serviceaccounts";
/// The group of kubelets.
pub(super) const NODES: &str = "system:nodes";

/// A user and groups, as a witness.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    /// The user; none for a failed authentication.
    pub user: Option<String>,
    /// The groups.
    pub groups: Vec<String>,
}

/// What kind of identity a user name stands for. The kind says which groups come with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdentityKind {
    /// A person or program with a certificate or a token of an identity provider: any groups of its own.
    Person,
    /// A service account: its groups follow from its name.
    ServiceAccount,
    /// A kubelet.
    Node,
    /// Without credentials.
    Anonymous,
    /// With credentials that were refused: no user at all, and a single stage.
    FailedAuthentication,
}

/// A user with the groups it always has and those it may have.
#[derive(Debug, Clone)]
pub(super) struct Candidate<'p> {
    pub(super) kind: IdentityKind,
    pub(super) user: Option<String>,
    /// Whether the policy names this user.
    pub(super) named: bool,
    pub(super) fixed: Vec<String>,
    pub(super) optional: Vec<&'p str>,
}

/// One candidate for every way in which the policy can tell users apart.
pub(super) fn candidates(policy: &AuditPolicy) -> Vec<Candidate<'_>> {
    let users: BTreeSet<&str> = policy.rules.iter().flat_map(|rule| rule.users.iter().map(String::as_str)).collect();
    let groups: BTreeSet<&str> = policy.rules.iter().flat_map(|rule| rule.user_groups.iter().map(String::as_str)).collect();
    let optional: Vec<&str> = groups.iter().copied().filter(|group| is_free(group)).collect();
    let mut candidates = Vec::new();
    let mut add = |user: &str, named: bool| {
        let (kind, fixed) = groups_of(user);
        let optional = if kind == IdentityKind::Person { optional.clone() } else { Vec::new() };
        candidates.push(Candidate { kind, user: Some(user.to_owned()), named, fixed, optional });
    };
    for user in users.iter().filter(|user| !user.is_empty()) {
        add(user, true);
    }
    let fresh = |stem: &str| -> String {
        let mut name = stem.to_owned();
        while users.contains(name.as_str()) {
            name.push('0');
        }
        name
    };
    add(&fresh("alice@example.com"), false);
    add(&fresh("system:node:worker-1"), false);
    if !users.contains(ANONYMOUS) {
        add(ANONYMOUS, false);
    }
    let mut namespaces: BTreeSet<String> = groups
        .iter()
        .filter_map(|group| group.strip_prefix("system:serviceaccounts:"))
        .filter(|namespace| !namespace.is_empty())
        .map(str::to_owned)
        .collect();
    let mut other = "team-a".to_owned();
    while namespaces.contains(&other) {
        other.push('0');
    }
    namespaces.insert(other);
    for namespace in &namespaces {
        add(&fresh(&format!("system:serviceaccount:{namespace}:app")), false);
    }
    candidates.push(Candidate {
        kind: IdentityKind::FailedAuthentication,
        user: None,
        named: false,
        fixed: Vec::new(),
        optional: Vec::new(),
    });
    candidates
}

/// The kind and the groups that come with a user name.
fn groups_of(user: &str) -> (IdentityKind, Vec<String>) {
    let owned = |groups: &[&str]| groups.iter().map(|group| (*group).to_owned()).collect::<Vec<_>>();
    if user == ANONYMOUS {
        return (IdentityKind::Anonymous, owned(&[UNAUTHENTICATED]));
    }
    if let Some(rest) = user.strip_prefix("system:serviceaccount:")
        && let Some((namespace, name)) = rest.split_once(':')
        && !namespace.is_empty()
        && !name.is_empty()
    {
        let own = format!("{SERVICE_ACCOUNTS}:{namespace}");
        return (IdentityKind::ServiceAccount, owned(&[AUTHENTICATED, SERVICE_ACCOUNTS, &own]));
    }
    if user.strip_prefix("system:node:").is_some_and(|name| !name.is_empty()) {
        return (IdentityKind::Node, owned(&[AUTHENTICATED, NODES]));
    }
    (IdentityKind::Person, owned(&[AUTHENTICATED]))
}

/// Whether a person may be in a group beside the ones that come with being logged in.
fn is_free(group: &str) -> bool {
    !group.is_empty()
        && group != AUTHENTICATED
        && group != UNAUTHENTICATED
        && group != NODES
        && group != SERVICE_ACCOUNTS
        && !group.starts_with("system:serviceaccounts:")
}
