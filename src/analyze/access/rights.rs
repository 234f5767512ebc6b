//! What roles and bindings allow, as the RBAC authorizer of Kubernetes reads them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::snapshot::rbac::{Binding, Rbac, Role, RoleRule, RoleSubject};
use crate::snapshot::{Reading, Scope, Snapshot};

/// A right to one kind of object.
#[derive(Debug, Clone, Copy)]
pub struct Right<'a> {
    /// The API group.
    pub group: &'a str,
    /// The resource, with a subresource after `/`.
    pub resource: &'a str,
    /// Any of these verbs.
    pub verbs: &'a [&'a str],
    /// Which objects.
    pub names: Names<'a>,
}

/// Which objects a right is about, where rules name some.
#[derive(Debug, Clone, Copy)]
pub enum Names<'a> {
    /// All of the kind: a rule that names objects does not give it.
    All,
    /// Some whose names are not known: a rule that names any may give it.
    Some,
    /// One of these.
    Of(&'a [String]),
}

impl Right<'_> {
    /// The verb by which a rule gives it.
    pub fn given_by(&self, rule: &RoleRule) -> Option<&str> {
        let any = |list: &[String], word: &str| list.iter().any(|own| own == "*" || own == word);
        let resource = |own: &String| {
            own == "*"
                || own == self.resource
                // `*/log` stands for that subresource of everything; `pods/*` for nothing.
                || own.strip_prefix("*/").is_some_and(|sub| self.resource.split_once('/').map(|r| r.1) == Some(sub))
        };
        if !any(&rule.groups, self.group) || !rule.resources.iter().any(resource) {
            return None;
        }
        let named = match self.names {
            _ if rule.names.is_empty() => true,
            Names::All => false,
            Names::Some => true,
            Names::Of(names) => rule.names.iter().any(|name| names.contains(name)),
        };
        // Requests that name no object are never allowed by a rule that names some. To create a subresource names its object.
        let is_nameless =
            |verb: &str| verb == "deletecollection" || verb == "create" && !self.resource.contains('/');
        let nameless = |verb: &str| !rule.names.is_empty() && is_nameless(verb);
        let verb = self.verbs.iter().find(|verb| any(&rule.verbs, verb) && !nameless(verb))?;
        named.then_some(*verb)
    }

    /// `daemonsets.apps`.
    pub fn what(&self) -> String {
        if self.group.is_empty() {
            self.resource.to_owned()
        } else {
            format!("{}.{}", self.resource, self.group)
        }
    }
}

/// A role that somebody is given.
#[derive(Debug, Clone, Copy)]
pub struct Grant<'a> {
    /// The namespace it holds in; none for the whole cluster.
    pub namespace: Option<&'a str>,
    /// Who.
    pub subject: &'a RoleSubject,
    /// The binding.
    pub binding: &'a Binding,
    /// The rules.
    pub rules: &'a [RoleRule],
}

impl Grant<'_> {
    /// Whether it holds in a namespace.
    pub fn is_in(&self, namespace: &str) -> bool {
        self.namespace.is_none_or(|own| own == namespace)
    }

    /// The subject: `Group system:authenticated`, `ServiceAccount logging/fluent-bit`.
    pub fn who(&self) -> String {
        let RoleSubject { kind, namespace, name, .. } = self.subject;
        // What a service account is called as a user.
        if kind == "User"
            && let Some((namespace, name)) =
                name.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':'))
        {
            return format!("ServiceAccount {namespace}/{name}");
        }
        match kind.as_str() {
            "ServiceAccount" if namespace.is_empty() => {
                format!("ServiceAccount {}/{name}", self.binding.namespace)
            }
            "ServiceAccount" => format!("ServiceAccount {namespace}/{name}"),
            _ => format!("{kind} {name}"),
        }
    }

    /// Whether whoever runs with this service account is meant. OpenShift takes none into `system:authenticated:oauth`.
    pub fn is_for_account(&self, namespace: &str, account: &str) -> bool {
        let who = self.who();
        who == format!("ServiceAccount {namespace}/{account}")
            || [
                "Group system:authenticated",
                "Group system:serviceaccounts",
                &format!("Group system:serviceaccounts:{namespace}"),
            ]
            .contains(&who.as_str())
    }

    /// Whether nearly everybody is meant.
    pub fn is_broad(&self) -> bool {
        [
            "Group system:authenticated",
            // All users of OpenShift who log in.
            "Group system:authenticated:oauth",
            "Group system:unauthenticated",
            "Group system:serviceaccounts",
            "User system:anonymous",
        ]
        .contains(&self.who().as_str())
    }

    /// `ClusterRole edit`.
    pub fn role(&self) -> String {
        format!("{} {}", self.binding.role_kind, self.binding.role)
    }
}

/// All that is granted.
#[derive(Debug)]
pub struct Grants<'a> {
    /// One for each subject of each binding whose role is known.
    pub list: Vec<Grant<'a>>,
    /// Why there may be more.
    pub more: Option<String>,
    /// How much was read, as a phrase.
    pub read: String,
}

impl<'a> Grants<'a> {
    /// What is granted in a cluster.
    pub fn of(snapshot: &'a Snapshot) -> Self {
        let Rbac { roles, cluster_roles, role_bindings, cluster_role_bindings } = &snapshot.rbac;
        let mut index: BTreeMap<(Option<&str>, &str), &[RoleRule]> = BTreeMap::new();
        for role in listed(roles) {
            index.insert((Some(&role.namespace), &role.name), &role.rules);
        }
        for role in listed(cluster_roles) {
            index.insert((None, &role.name), &role.rules);
        }
        let mut list = Vec::new();
        for (bindings, of_cluster) in [(role_bindings, false), (cluster_role_bindings, true)] {
            for binding in bindings.value().into_iter().flatten() {
                let of_namespace = binding.role_kind != "ClusterRole";
                let known =
                    index.get(&(of_namespace.then_some(binding.namespace.as_str()), binding.role.as_str()));
                let built_in = || cluster_roles.value().is_none() || snapshot.scope == Scope::Manifests;
                let rules = match known {
                    Some(rules) => rules,
                    None if !of_namespace && built_in() => {
                        BUILT_IN.get(binding.role.as_str()).map_or(&[][..], Vec::as_slice)
                    }
                    None => &[],
                };
                list.extend(binding.subjects.iter().map(|subject| Grant {
                    namespace: (!of_cluster).then_some(binding.namespace.as_str()),
                    subject,
                    binding,
                    rules,
                }));
            }
        }
        let count = |bindings: &Reading<Vec<Binding>>| bindings.value().map_or(0, Vec::len);
        let read = format!(
            "{} bindings that matter for logs were read",
            count(role_bindings) + count(cluster_role_bindings)
        );
        Self { list, more: more(snapshot), read }
    }
}

fn listed(roles: &Reading<Vec<Role>>) -> impl Iterator<Item = &Role> {
    roles.value().into_iter().flatten()
}

/// Why there may be rights that were not seen.
fn more(snapshot: &Snapshot) -> Option<String> {
    if snapshot.scope == Scope::Manifests {
        return Some("files do not show all roles and bindings of a cluster; run against the cluster".into());
    }
    let gaps: Vec<String> = snapshot.rbac.gaps().map(ToString::to_string).collect();
    if !gaps.is_empty() {
        return Some(gaps.join("; "));
    }
    // The apiserver makes it when it starts, but only with the authorizer RBAC (pkg/registry/rbac/rest).
    let has_built_in = listed(&snapshot.rbac.cluster_roles).any(|role| role.name == "cluster-admin");
    (!has_built_in).then(|| {
        "there is no ClusterRole cluster-admin, which the apiserver makes where RBAC is on: who may do what is decided elsewhere; look at --authorization-mode".into()
    })
}

/// What the `ClusterRole`s that every cluster has allow, as far as it matters here; for inputs that do not show them.
static BUILT_IN: LazyLock<BTreeMap<&str, Vec<RoleRule>>> = LazyLock::new(|| {
    let rule = |groups: &[&str], resources: &[&str], verbs: &[&str]| {
        let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect();
        RoleRule {
            groups: words(groups),
            resources: words(resources),
            verbs: words(verbs),
            at: "a built-in rule".into(),
            ..RoleRule::default()
        }
    };
    let write = ["create", "delete", "deletecollection", "patch", "update"];
    let view = || rule(&[""], &["pods/log"], &["get"]);
    let edit = || {
        vec![
            view(),
            rule(
                &[""],
                &["pods", "pods/exec", "pods/attach", "configmaps", "persistentvolumeclaims"],
                &write,
            ),
            rule(&[""], &["secrets"], &[&write[..], &["get"]].concat()),
            rule(&["apps"], &["daemonsets", "deployments", "statefulsets"], &write),
        ]
    };
    let all = RoleRule { urls: vec!["*".into()], ..rule(&["*"], &["*"], &["*"]) };
    BTreeMap::from([
        ("cluster-admin", vec![all]),
        ("admin", edit()),
        ("edit", edit()),
        ("view", vec![view()]),
    ])
});
