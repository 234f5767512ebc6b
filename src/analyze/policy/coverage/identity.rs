//! Who can send a request: users with the groups that come with them and those they may be in.
//!
//! Only identities that a server can produce count (`k8s.io/apiserver` `pkg/authentication`): whoever is logged in is in
//! `system:authenticated`, `system:anonymous` in `system:unauthenticated` and nothing else, a service account's groups
//! follow from its name, a node is in `system:nodes`, and a request that failed to authenticate has no user at all. People
//! may be in any other group, in any number of them.

use std::collections::{BTreeMap, BTreeSet};

use fixedbitset::FixedBitSet;

use super::super::PolicyRule;
use super::super::catalogue::Who;

pub(super) const AUTHENTICATED: &str = "system:authenticated";
pub(super) const UNAUTHENTICATED: &str = "system:unauthenticated";
pub(super) const NODES: &str = "system:nodes";
pub(super) const SERVICE_ACCOUNTS: &str = "system:serviceaccounts";
const ANONYMOUS: &str = "system:anonymous";
const ACCOUNT: &str = "system:serviceaccount:";
const NODE: &str = "system:node:";
const ACCOUNTS_IN: &str = "system:serviceaccounts:";

/// The namespace of the platform's own service accounts, asked about even if no policy names it.
const PLATFORM: &str = "kube-system";

/// What an identity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    Person,
    ServiceAccount,
    Node,
    Anonymous,
    FailedAuthentication,
}

impl Kind {
    /// All senders of the kind.
    pub(super) fn who(self) -> Who {
        match self {
            Self::Person => Who::Person,
            Self::ServiceAccount => Who::ServiceAccount,
            Self::Node => Who::Node,
            Self::Anonymous => Who::Anonymous,
            Self::FailedAuthentication => Who::FailedAuthentication,
        }
    }
}

/// A user, or one who stands for all that no policy names.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub(super) kind: Kind,
    /// None where authentication failed.
    pub(super) user: Option<String>,
    /// Whether no policy names the user: it stands for all such.
    pub(super) fresh: bool,
    /// Of a service account; and whether the policy names it.
    pub(super) namespace: Option<(String, bool)>,
    /// The groups that it is always in, by name.
    pub(super) groups: Vec<String>,
    /// Those of them that the policies name.
    pub(super) fixed: FixedBitSet,
}

/// Everyone that the policies tell apart.
#[derive(Debug, Clone)]
pub(super) struct Everyone {
    pub(super) identities: Vec<Identity>,
    /// The groups that the policies name, by number.
    pub(super) groups: Vec<String>,
    numbers: BTreeMap<String, usize>,
    /// Identities by user.
    by_user: BTreeMap<String, usize>,
    /// Groups that people may be in.
    joinable: FixedBitSet,
    /// Those of them without `system:`.
    ordinary: FixedBitSet,
}

impl Everyone {
    /// Everyone that these rules tell apart.
    pub(super) fn of<'p>(rules: impl Iterator<Item = &'p PolicyRule> + Clone) -> Self {
        let users: BTreeSet<&str> = rules.clone().flat_map(|rule| &rule.users).map(String::as_str).collect();
        let groups: BTreeSet<&str> = rules.flat_map(|rule| &rule.user_groups).map(String::as_str).collect();
        let numbers: BTreeMap<String, usize> =
            groups.iter().enumerate().map(|(number, group)| ((*group).to_owned(), number)).collect();
        let groups: Vec<String> = groups.iter().map(|group| (*group).to_owned()).collect();
        let joinable = numbers_where(&groups, is_joinable);
        let ordinary = numbers_where(&groups, |group| is_joinable(group) && !group.starts_with("system:"));
        let mut everyone =
            Self { identities: Vec::new(), groups, numbers, by_user: BTreeMap::new(), joinable, ordinary };
        everyone.add_people(&users);
        everyone.add_accounts(&users);
        everyone.add_nodes(&users);
        everyone.add(
            Kind::Anonymous,
            Some(ANONYMOUS.to_owned()),
            true,
            None,
            vec![UNAUTHENTICATED.to_owned()],
        );
        everyone.add(Kind::FailedAuthentication, None, true, None, Vec::new());
        everyone
    }

    fn add_people(&mut self, users: &BTreeSet<&str>) {
        let named = users.iter().filter(|user| is_person(user)).map(|user| ((*user).to_owned(), false));
        let fresh = (fresh(users, "someone@example.com"), true);
        for (user, fresh) in std::iter::once(fresh).chain(named) {
            self.add(Kind::Person, Some(user), fresh, None, vec![AUTHENTICATED.to_owned()]);
        }
    }

    fn add_accounts(&mut self, users: &BTreeSet<&str>) {
        let named: Vec<(&str, &str)> = users.iter().filter_map(|user| account(user)).collect();
        let in_groups = self.groups.iter().filter_map(|group| group.strip_prefix(ACCOUNTS_IN));
        let mut namespaces: BTreeSet<String> =
            in_groups.filter(|name| is_label(name)).map(str::to_owned).collect();
        namespaces.extend(named.iter().map(|(namespace, _)| (*namespace).to_owned()));
        namespaces.insert(PLATFORM.to_owned());
        let mut by_namespace: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (namespace, name) in &named {
            by_namespace.entry(namespace).or_default().insert(name);
        }
        let mentioned: BTreeSet<&str> = namespaces.iter().map(String::as_str).collect();
        let other = fresh(&mentioned, "some-namespace");
        let mut accounts = vec![(other, "some-account".to_owned(), true)];
        for namespace in &namespaces {
            let taken = by_namespace.get(namespace.as_str()).cloned().unwrap_or_default();
            accounts.push((namespace.clone(), fresh(&taken, "some-account"), true));
            accounts.extend(taken.iter().map(|name| (namespace.clone(), (*name).to_owned(), false)));
        }
        for (namespace, name, fresh) in accounts {
            let groups = vec![
                SERVICE_ACCOUNTS.to_owned(),
                format!("{ACCOUNTS_IN}{namespace}"),
                AUTHENTICATED.to_owned(),
            ];
            let user = format!("{ACCOUNT}{namespace}:{name}");
            let known = namespaces.contains(&namespace);
            self.add(Kind::ServiceAccount, Some(user), fresh, Some((namespace, known)), groups);
        }
    }

    fn add_nodes(&mut self, users: &BTreeSet<&str>) {
        let named: BTreeSet<&str> = users.iter().filter_map(|user| node(user)).collect();
        let other = (fresh(&named, "some-node"), true);
        let named = named.iter().map(|name| ((*name).to_owned(), false));
        let all: Vec<(String, bool)> = std::iter::once(other).chain(named).collect();
        for (name, fresh) in all {
            let groups = vec![NODES.to_owned(), AUTHENTICATED.to_owned()];
            self.add(Kind::Node, Some(format!("{NODE}{name}")), fresh, None, groups);
        }
    }

    fn add(
        &mut self,
        kind: Kind,
        user: Option<String>,
        fresh: bool,
        namespace: Option<(String, bool)>,
        groups: Vec<String>,
    ) {
        let mut fixed = FixedBitSet::with_capacity(self.groups.len());
        for number in groups.iter().filter_map(|group| self.numbers.get(group)) {
            fixed.insert(*number);
        }
        if let Some(user) = &user {
            self.by_user.insert(user.clone(), self.identities.len());
        }
        self.identities.push(Identity { kind, user, fresh, namespace, groups, fixed });
    }

    /// The numbers of the identities with these names, in order.
    pub(super) fn numbers_of_users(&self, users: &[String]) -> Vec<usize> {
        let mut numbers: Vec<usize> =
            users.iter().filter_map(|user| self.by_user.get(user)).copied().collect();
        numbers.sort_unstable();
        numbers
    }

    /// Whether someone of that name can send requests.
    pub(super) fn has_user(&self, user: &str) -> bool {
        self.by_user.contains_key(user)
    }

    /// Whether someone is or can be in a group that the policies name.
    pub(super) fn has_group(&self, group: &str) -> bool {
        let fixed =
            || self.identities.iter().any(|identity| identity.groups.iter().any(|known| known == group));
        is_joinable(group) || fixed()
    }

    /// The numbers of groups that the policies name.
    pub(super) fn numbers(&self, groups: &[String]) -> FixedBitSet {
        let mut set = FixedBitSet::with_capacity(self.groups.len());
        for number in groups.iter().filter_map(|group| self.numbers.get(group)) {
            set.insert(*number);
        }
        set
    }

    /// The groups that an identity may be in beside those it always is in, where it is asked about as one of a kind.
    pub(super) fn joinable(&self, who: Who) -> Option<&FixedBitSet> {
        match who {
            Who::Person => Some(&self.joinable),
            Who::Unprivileged => Some(&self.ordinary),
            Who::ServiceAccount
            | Who::WorkloadAccount
            | Who::PlatformAccount
            | Who::Node
            | Who::Anonymous
            | Who::FailedAuthentication => None,
        }
    }
}

impl Identity {
    /// Whether it is one of a kind of senders.
    pub(super) fn is(&self, who: Who) -> bool {
        let namespace = || self.namespace.as_ref().map_or("", |(name, _)| name.as_str());
        match who {
            Who::Person => self.kind == Kind::Person,
            Who::Unprivileged => {
                self.kind == Kind::Person
                    && self.user.as_deref().is_some_and(|user| !user.starts_with("system:"))
            }
            Who::ServiceAccount => self.kind == Kind::ServiceAccount,
            Who::WorkloadAccount => self.kind == Kind::ServiceAccount && !namespace().starts_with("kube-"),
            Who::PlatformAccount => self.kind == Kind::ServiceAccount && namespace() == PLATFORM,
            Who::Node => self.kind == Kind::Node,
            Who::Anonymous => self.kind == Kind::Anonymous,
            Who::FailedAuthentication => self.kind == Kind::FailedAuthentication,
        }
    }
}

fn numbers_where(groups: &[String], is: impl Fn(&str) -> bool) -> FixedBitSet {
    let mut set = FixedBitSet::with_capacity(groups.len());
    for (number, _) in groups.iter().enumerate().filter(|(_, group)| is(group)) {
        set.insert(number);
    }
    set
}

/// Whether a person can be in the group by choice of who runs the cluster. A `*` in a policy is meant as a wildcard, which
/// it is not; that nobody's group has this name is the point.
fn is_joinable(group: &str) -> bool {
    !group.is_empty()
        && !group.contains('*')
        && !matches!(group, AUTHENTICATED | UNAUTHENTICATED | SERVICE_ACCOUNTS)
        && !group.starts_with(ACCOUNTS_IN)
}

fn is_person(user: &str) -> bool {
    !user.is_empty()
        && !user.contains('*')
        && user != ANONYMOUS
        && !user.starts_with(ACCOUNT)
        && !user.starts_with(NODE)
}

/// Namespace and name of a service account's user.
fn account(user: &str) -> Option<(&str, &str)> {
    let (namespace, name) = user.strip_prefix(ACCOUNT)?.split_once(':')?;
    (is_label(namespace) && is_subdomain(name)).then_some((namespace, name))
}

fn node(user: &str) -> Option<&str> {
    user.strip_prefix(NODE).filter(|name| is_subdomain(name))
}

/// Whether a text is a DNS label, as names of namespaces are (RFC 1123).
pub(super) fn is_label(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 63
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Whether a text is a DNS subdomain, as names of nodes and service accounts are (RFC 1123).
fn is_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_label)
}

/// A name like this one that is not taken.
pub(super) fn fresh(taken: &BTreeSet<&str>, like: &str) -> String {
    let numbered = (2..).map(|number| match like.split_once('@') {
        Some((name, domain)) => format!("{name}-{number}@{domain}"),
        None => format!("{like}-{number}"),
    });
    std::iter::once(like.to_owned())
        .chain(numbered)
        .find(|name| !taken.contains(name.as_str()))
        .unwrap_or_else(|| like.to_owned())
}
