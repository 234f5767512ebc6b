//! What is read from a cluster: one catalogue for the requests, for the permissions a report asks for, and for the
//! roles that `kubectl logaudit rbac` prints.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::{
    ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, Subject as RbacSubject,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;

use crate::snapshot::Permission;
use crate::source::custom::{CustomKind, KINDS};
use crate::source::exposure::ROUTE_KINDS;

/// The name of every role and binding that is printed.
pub const ROLE_NAME: &str = "logaudit-reader";

/// The name of the service account that is offered.
pub const SERVICE_ACCOUNT_NAME: &str = "logaudit";

const KUBE_SYSTEM: &str = "kube-system";
const OPENSHIFT: &str = "openshift-kube-apiserver";
const RBAC_GROUP: &str = "rbac.authorization.k8s.io";

/// One thing that is read. Every request of a run is one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// The version of the apiserver that answers.
    Version,
    /// The Leases by which apiservers say that they are alive.
    Leases,
    /// Pods labelled as kubeadm, Talos and RKE2 label them.
    Pods,
    /// Pods labelled as kops labels them; asked for where there are none of the others.
    PodsOfApp,
    /// Nodes.
    Nodes,
    /// The ConfigMap in which kubeadm keeps what it was told.
    KubeadmConfig,
    /// The ConfigMap in which kubeadm keeps the configuration of the kubelets.
    KubeletConfig,
    /// The effective flags of the apiserver that answers.
    Flagz,
    /// The counters of the apiserver that answers.
    Metrics,
    /// Pods of the apiservers of OpenShift.
    OpenshiftPods,
    /// The ConfigMap with the configuration of the apiservers of OpenShift.
    OpenshiftConfig,
    /// The resources of the core group.
    Api,
    /// The resources of all other groups.
    Apis,
    /// The ConfigMap with the audit policies of the apiservers of OpenShift: each revision of it has a name of its own.
    OpenshiftPolicies,
    /// A ConfigMap that the pod of an apiserver mounts its audit policy from. Its name is in the pod.
    PolicyConfigMap,
    /// Namespaces.
    Namespaces,
    /// `DaemonSet`s of all namespaces.
    DaemonSets,
    /// Deployments of all namespaces.
    Deployments,
    /// `StatefulSet`s of all namespaces.
    StatefulSets,
    /// Services of all namespaces; asked for where there is a store of logs.
    Services,
    /// Roles of all namespaces.
    Roles,
    /// `ClusterRole`s.
    ClusterRoles,
    /// `RoleBinding`s of all namespaces.
    RoleBindings,
    /// `ClusterRoleBinding`s.
    ClusterRoleBindings,
    /// A ConfigMap that a collector, store or sensor reads. Its name is in a workload.
    Configs,
    /// The custom resources of a kind, of all namespaces.
    Custom(&'static CustomKind),
}

impl Access {
    /// The whole catalogue, but [`Self::PolicyConfigMap`], whose name is not known before, and [`Self::Custom`], whose kinds
    /// are in [`KINDS`] and [`ROUTE_KINDS`].
    pub const ALL: [Self; 24] = [
        Self::Version,
        Self::Leases,
        Self::Pods,
        Self::PodsOfApp,
        Self::Nodes,
        Self::KubeadmConfig,
        Self::KubeletConfig,
        Self::Flagz,
        Self::Metrics,
        Self::OpenshiftPods,
        Self::OpenshiftConfig,
        Self::Api,
        Self::Apis,
        Self::OpenshiftPolicies,
        Self::Namespaces,
        Self::DaemonSets,
        Self::Deployments,
        Self::StatefulSets,
        Self::Services,
        Self::Roles,
        Self::ClusterRoles,
        Self::RoleBindings,
        Self::ClusterRoleBindings,
        Self::Configs,
    ];

    /// What it is, in words for a report.
    pub fn what(self) -> &'static str {
        match self {
            Self::Version => "/version",
            Self::Leases => "the Leases of the apiservers",
            Self::Pods | Self::PodsOfApp => "the pods of the apiservers",
            Self::Nodes => "the nodes",
            Self::KubeadmConfig => "the ConfigMap kube-system/kubeadm-config",
            Self::KubeletConfig => "the ConfigMap kube-system/kubelet-config",
            Self::Flagz => "/flagz",
            Self::Metrics => "/metrics",
            Self::OpenshiftPods => "the pods of the apiservers in openshift-kube-apiserver",
            Self::OpenshiftConfig => "the ConfigMap openshift-kube-apiserver/config",
            Self::Api => "the API resources at /api",
            Self::Apis => "the API resources at /apis",
            Self::OpenshiftPolicies => "the ConfigMap openshift-kube-apiserver/kube-apiserver-audit-policies",
            Self::PolicyConfigMap => "the ConfigMap with the audit policy",
            Self::Namespaces => "the namespaces",
            Self::DaemonSets => "the DaemonSets",
            Self::Deployments => "the Deployments",
            Self::StatefulSets => "the StatefulSets",
            Self::Services => "the Services",
            Self::Roles => "the Roles",
            Self::ClusterRoles => "the ClusterRoles",
            Self::RoleBindings => "the RoleBindings",
            Self::ClusterRoleBindings => "the ClusterRoleBindings",
            Self::Configs => "a ConfigMap of a collector",
            Self::Custom(kind) => kind.plural,
        }
    }

    /// The path of the request with its query. Lists come in pages of 500.
    pub fn path(self) -> &'static str {
        match self {
            Self::Version => "/version",
            Self::Leases => {
                "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases?labelSelector=apiserver.kubernetes.io%2Fidentity%3Dkube-apiserver&limit=500"
            }
            Self::Pods => {
                "/api/v1/namespaces/kube-system/pods?labelSelector=component%3Dkube-apiserver&limit=500"
            }
            Self::PodsOfApp => {
                "/api/v1/namespaces/kube-system/pods?labelSelector=k8s-app%3Dkube-apiserver&limit=500"
            }
            Self::Nodes => "/api/v1/nodes?limit=500",
            Self::KubeadmConfig => "/api/v1/namespaces/kube-system/configmaps/kubeadm-config",
            Self::KubeletConfig => "/api/v1/namespaces/kube-system/configmaps/kubelet-config",
            Self::Flagz => "/flagz",
            Self::Metrics => "/metrics",
            Self::OpenshiftPods => {
                "/api/v1/namespaces/openshift-kube-apiserver/pods?labelSelector=app%3Dopenshift-kube-apiserver&limit=500"
            }
            Self::OpenshiftConfig => "/api/v1/namespaces/openshift-kube-apiserver/configmaps/config",
            Self::Api => "/api",
            Self::Apis => "/apis",
            Self::OpenshiftPolicies => {
                "/api/v1/namespaces/openshift-kube-apiserver/configmaps/kube-apiserver-audit-policies"
            }
            Self::PolicyConfigMap => "/api/v1/namespaces/kube-system/configmaps/audit-policy",
            Self::Namespaces => "/api/v1/namespaces?limit=500",
            Self::DaemonSets => "/apis/apps/v1/daemonsets?limit=500",
            Self::Deployments => "/apis/apps/v1/deployments?limit=500",
            Self::StatefulSets => "/apis/apps/v1/statefulsets?limit=500",
            Self::Services => "/api/v1/services?limit=500",
            Self::Roles => "/apis/rbac.authorization.k8s.io/v1/roles?limit=500",
            Self::ClusterRoles => "/apis/rbac.authorization.k8s.io/v1/clusterroles?limit=500",
            Self::RoleBindings => "/apis/rbac.authorization.k8s.io/v1/rolebindings?limit=500",
            Self::ClusterRoleBindings => "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings?limit=500",
            Self::Configs => "/api/v1/namespaces/logging/configmaps/collector",
            // The version comes from discovery.
            Self::Custom(_) => "/apis",
        }
    }

    /// The permission that it needs.
    pub fn permission(self) -> Permission {
        match self {
            Self::Version | Self::Flagz | Self::Metrics | Self::Api | Self::Apis => {
                Permission::url(self.path())
            }
            Self::Leases => Permission::resource("list", "coordination.k8s.io", "leases", Some(KUBE_SYSTEM)),
            Self::Pods | Self::PodsOfApp => Permission::resource("list", "", "pods", Some(KUBE_SYSTEM)),
            Self::Nodes => Permission::resource("list", "", "nodes", None),
            Self::KubeadmConfig | Self::KubeletConfig | Self::PolicyConfigMap => {
                Permission::resource("get", "", "configmaps", Some(KUBE_SYSTEM))
            }
            Self::OpenshiftPods => Permission::resource("list", "", "pods", Some(OPENSHIFT)),
            Self::OpenshiftConfig | Self::OpenshiftPolicies => {
                Permission::resource("get", "", "configmaps", Some(OPENSHIFT))
            }
            Self::Namespaces => Permission::resource("list", "", "namespaces", None),
            Self::DaemonSets => Permission::resource("list", "apps", "daemonsets", None),
            Self::Deployments => Permission::resource("list", "apps", "deployments", None),
            Self::StatefulSets => Permission::resource("list", "apps", "statefulsets", None),
            Self::Services => Permission::resource("list", "", "services", None),
            Self::Roles => Permission::resource("list", RBAC_GROUP, "roles", None),
            Self::ClusterRoles => Permission::resource("list", RBAC_GROUP, "clusterroles", None),
            Self::RoleBindings => Permission::resource("list", RBAC_GROUP, "rolebindings", None),
            Self::ClusterRoleBindings => {
                Permission::resource("list", RBAC_GROUP, "clusterrolebindings", None)
            }
            Self::Configs => Permission::resource("get", "", "configmaps", None),
            Self::Custom(kind) => Permission::resource("list", kind.group, kind.plural, None),
        }
    }

    /// The name of the object, where one is read by its name.
    fn object(self) -> Option<&'static str> {
        match self {
            Self::KubeadmConfig => Some("kubeadm-config"),
            Self::KubeletConfig => Some("kubelet-config"),
            Self::OpenshiftConfig => Some("config"),
            _ => None,
        }
    }
}

/// Who is bound to the roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A service account, which is printed too.
    ServiceAccount {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// A user.
    User(String),
    /// A group.
    Group(String),
}

impl Subject {
    /// The service account `logaudit` in a namespace.
    pub fn service_account(namespace: impl Into<String>) -> Self {
        Self::ServiceAccount { namespace: namespace.into(), name: SERVICE_ACCOUNT_NAME.into() }
    }

    fn to_rbac(&self) -> RbacSubject {
        match self {
            Self::ServiceAccount { namespace, name } => RbacSubject {
                kind: "ServiceAccount".into(),
                name: name.clone(),
                namespace: Some(namespace.clone()),
                ..RbacSubject::default()
            },
            Self::User(name) | Self::Group(name) => RbacSubject {
                api_group: Some(RBAC_GROUP.into()),
                kind: if matches!(self, Self::User(_)) { "User" } else { "Group" }.into(),
                name: name.clone(),
                namespace: None,
            },
        }
    }
}

/// The ClusterRole: what has no namespace.
pub fn cluster_role() -> ClusterRole {
    ClusterRole { metadata: named(None), rules: Some(rules(None)), ..ClusterRole::default() }
}

/// The Role in `kube-system`.
pub fn role() -> Role {
    role_in(KUBE_SYSTEM)
}

/// The Role in `openshift-kube-apiserver`, which only OpenShift has.
pub fn openshift_role() -> Role {
    role_in(OPENSHIFT)
}

/// The roles as YAML for `kubectl apply -f -`, with bindings if a subject is given.
///
/// Nothing in them reaches Secrets, `nodes/proxy` or `pods/exec`, and nothing writes.
pub fn rbac_yaml(subject: Option<&Subject>) -> String {
    let mut yaml = String::from(
        "# What `kubectl logaudit` reads. Only get and list: no Secret, no nodes/proxy, no exec, no write.\n\
         # ConfigMaps are read one by one, by the names that workloads give; no list of them, nor of the cluster's pods, is asked for.\n\
         # Where the pods of the apiservers mount their audit policy from a ConfigMap, add its name to those of the Role.\n",
    );
    if let Some(Subject::ServiceAccount { namespace, name }) = subject {
        let account = ServiceAccount {
            metadata: ObjectMeta {
                name: Some(name.clone()),
                namespace: Some(namespace.clone()),
                ..ObjectMeta::default()
            },
            ..ServiceAccount::default()
        };
        document(&mut yaml, &account);
    }
    document(&mut yaml, &cluster_role());
    document(&mut yaml, &role());
    if let Some(subject) = subject {
        let binding = ClusterRoleBinding {
            metadata: named(None),
            role_ref: role_ref("ClusterRole"),
            subjects: Some(vec![subject.to_rbac()]),
        };
        document(&mut yaml, &binding);
        document(&mut yaml, &role_binding(KUBE_SYSTEM, subject));
    }
    yaml
}

/// The additional Role for OpenShift as YAML, with a binding if a subject is given.
pub fn openshift_rbac_yaml(subject: Option<&Subject>) -> String {
    let mut yaml = String::from(
        "# In addition on OpenShift, whose apiservers run in a namespace of their own. The name of the ConfigMap with the\n\
             # audit policy changes with every revision, so the ConfigMaps are not named.\n",
    );
    document(&mut yaml, &openshift_role());
    if let Some(subject) = subject {
        document(&mut yaml, &role_binding(OPENSHIFT, subject));
    }
    yaml
}

fn document(yaml: &mut String, object: &impl Serialize) {
    // These objects hold strings only, so that writing them cannot fail.
    if let Ok(text) = serde_yaml::to_string(object) {
        yaml.push_str("---\n");
        yaml.push_str(&text);
        if !text.ends_with('\n') {
            yaml.push('\n');
        }
    }
}

fn named(namespace: Option<&str>) -> ObjectMeta {
    ObjectMeta { name: Some(ROLE_NAME.into()), namespace: namespace.map(Into::into), ..ObjectMeta::default() }
}

fn role_in(namespace: &str) -> Role {
    Role { metadata: named(Some(namespace)), rules: Some(rules(Some(namespace))) }
}

fn role_binding(namespace: &str, subject: &Subject) -> RoleBinding {
    RoleBinding {
        metadata: named(Some(namespace)),
        role_ref: role_ref("Role"),
        subjects: Some(vec![subject.to_rbac()]),
    }
}

fn role_ref(kind: &str) -> RoleRef {
    RoleRef { api_group: Some(RBAC_GROUP.into()), kind: kind.into(), name: ROLE_NAME.into() }
}

/// The rules for one namespace, or for what has none.
fn rules(wanted: Option<&str>) -> Vec<PolicyRule> {
    let mut urls = Vec::new();
    // Group, resource and verb make a rule; the names of objects narrow it.
    let mut resources: BTreeMap<(String, String, String), Option<Vec<String>>> = BTreeMap::new();
    let custom = KINDS.iter().chain(ROUTE_KINDS.iter().map(|route| &route.kind)).map(Access::Custom);
    for access in Access::ALL.into_iter().chain(custom) {
        match access.permission() {
            Permission::NonResource { url, .. } if wanted.is_none() => urls.push(url),
            // Nothing of a cloud provider is among these.
            Permission::NonResource { .. } | Permission::Cloud { .. } => {}
            Permission::Resource { api_group, resource, verb, namespace } => {
                if namespace.as_deref() == wanted {
                    let names =
                        resources.entry((api_group, resource, verb)).or_insert_with(|| Some(Vec::new()));
                    match (names.as_mut(), access.object()) {
                        (Some(names), Some(name)) => names.push(name.to_owned()),
                        // One whose name is not known before takes them all.
                        _ => *names = None,
                    }
                }
            }
        }
    }
    let mut rules: Vec<PolicyRule> = Vec::new();
    for ((group, resource, verb), names) in resources {
        let group = vec![group];
        let same = rules.iter_mut().find(|rule| {
            names.is_none()
                && rule.resource_names.is_none()
                && rule.api_groups.as_ref() == Some(&group)
                && *rule.verbs == [verb.clone()]
        });
        match same {
            Some(rule) => rule.resources.get_or_insert_default().push(resource),
            None => rules.push(PolicyRule {
                api_groups: Some(group),
                resources: Some(vec![resource]),
                resource_names: names,
                verbs: vec![verb],
                ..PolicyRule::default()
            }),
        }
    }
    if !urls.is_empty() {
        urls.sort();
        rules.push(PolicyRule {
            non_resource_urls: Some(urls),
            verbs: vec!["get".into()],
            ..PolicyRule::default()
        });
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn documents(yaml: &str) -> Vec<Value> {
        serde_yaml::from_multiple(yaml).unwrap()
    }

    #[test]
    fn the_roles_hold_exactly_the_catalogue() {
        let mut all = documents(&rbac_yaml(None));
        // Custom resources are granted by group; those of one stand for the others.
        let rules = all[0]["rules"].as_array_mut().unwrap();
        let custom = json!({"apiGroups": ["loki.grafana.com"], "resources": ["alertingrules", "lokistacks"], "verbs": ["list"]});
        assert!(rules.contains(&custom));
        let rbac = json!({"apiGroups": ["rbac.authorization.k8s.io"], "verbs": ["list"],
            "resources": ["clusterrolebindings", "clusterroles", "rolebindings", "roles"]});
        assert!(rules.contains(&rbac));
        rules.retain(|rule| !rule["apiGroups"][0].as_str().is_some_and(|group| group.contains('.')));
        assert_eq!(
            all,
            [
                json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
                    "metadata": {"name": "logaudit-reader"}, "rules": [
                        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]},
                        {"apiGroups": [""], "resources": ["namespaces", "nodes", "services"], "verbs": ["list"]},
                        {"apiGroups": ["apps"], "resources": ["daemonsets", "deployments", "statefulsets"],
                         "verbs": ["list"]},
                        {"nonResourceURLs": ["/api", "/apis", "/flagz", "/metrics", "/version"], "verbs": ["get"]}]}),
                json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
                    "metadata": {"name": "logaudit-reader", "namespace": "kube-system"}, "rules": [
                        {"apiGroups": [""], "resources": ["configmaps"],
                         "resourceNames": ["kubeadm-config", "kubelet-config"], "verbs": ["get"]},
                        {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
                        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["list"]}]}),
            ]
        );
    }

    #[test]
    fn a_subject_is_bound_to_every_role() {
        let kinds = |yaml: &str| -> Vec<String> {
            documents(yaml).iter().map(|d| d["kind"].as_str().unwrap().to_owned()).collect()
        };
        let account = Subject::service_account("monitoring");
        let yaml = rbac_yaml(Some(&account));
        assert_eq!(
            kinds(&yaml),
            ["ServiceAccount", "ClusterRole", "Role", "ClusterRoleBinding", "RoleBinding"]
        );
        let binding = documents(&yaml).pop().unwrap();
        assert_eq!(binding["roleRef"]["kind"], "Role");
        assert_eq!(
            binding["subjects"],
            json!([{"kind": "ServiceAccount", "name": "logaudit", "namespace": "monitoring"}])
        );
        let user = rbac_yaml(Some(&Subject::User("a@example.com".into())));
        assert_eq!(kinds(&user).len(), 4);
        assert_eq!(documents(&user)[3]["subjects"][0]["apiGroup"], RBAC_GROUP);
        assert_eq!(kinds(&openshift_rbac_yaml(Some(&account))), ["Role", "RoleBinding"]);
    }

    #[test]
    fn nothing_dangerous_is_ever_asked_for() {
        let text = rbac_yaml(None) + &openshift_rbac_yaml(None);
        let rules = text.lines().filter(|line| !line.starts_with('#')).collect::<String>();
        for forbidden in
            ["secrets", "/proxy", "/exec", "*", "[watch", " watch\n", "create", "update", "patch", "delete"]
        {
            assert!(!rules.contains(forbidden), "{forbidden}");
        }
        for access in Access::ALL {
            assert!(access.path().starts_with('/') && !access.path().contains("watch"));
        }
    }
}
