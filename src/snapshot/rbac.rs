//! Roles and their bindings, as far as they decide who can read logs or change what carries them.

use serde::{Deserialize, Serialize};

use super::reading::{Gap, Reading};

/// The roles and bindings of a cluster, each kind read for itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rbac {
    /// Roles.
    pub roles: Reading<Vec<Role>>,
    /// `ClusterRole`s. What they aggregate is part of their rules, as the API serves them.
    pub cluster_roles: Reading<Vec<Role>>,
    /// `RoleBinding`s.
    pub role_bindings: Reading<Vec<Binding>>,
    /// `ClusterRoleBinding`s.
    pub cluster_role_bindings: Reading<Vec<Binding>>,
}

impl Rbac {
    /// Nothing has been read.
    pub fn not_asked() -> Self {
        Self {
            roles: Reading::not_asked("the Roles"),
            cluster_roles: Reading::not_asked("the ClusterRoles"),
            role_bindings: Reading::not_asked("the RoleBindings"),
            cluster_role_bindings: Reading::not_asked("the ClusterRoleBindings"),
        }
    }

    /// Which of the four could not be read.
    pub fn gaps(&self) -> impl Iterator<Item = &Gap> {
        [
            self.roles.gap(),
            self.cluster_roles.gap(),
            self.role_bindings.gap(),
            self.cluster_role_bindings.gap(),
        ]
        .into_iter()
        .flatten()
    }

    /// Leaves out roles without a rule that matters, and bindings to them, once all is read.
    pub fn narrow(&mut self) {
        for reading in [&mut self.roles, &mut self.cluster_roles] {
            if let Reading::Read { value } = reading {
                value.retain(|role| !role.rules.is_empty());
            }
        }
        let (roles, cluster_roles) = (&self.roles, &self.cluster_roles);
        let matters = |binding: &Binding| {
            let list = if binding.role_kind == "ClusterRole" { cluster_roles } else { roles };
            // A role that could not be read may be anything.
            list.value().is_none_or(|roles| roles.iter().any(|role| binding.is_to(role)))
        };
        for reading in [&mut self.role_bindings, &mut self.cluster_role_bindings] {
            if let Reading::Read { value } = reading {
                value.retain(matters);
            }
        }
    }
}

/// A Role or `ClusterRole`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Role {
    /// `metadata.namespace`; empty for a `ClusterRole`, and where a file does not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// `metadata.name`.
    pub name: String,
    /// The rules that matter for logs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RoleRule>,
}

/// A rule of a role.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleRule {
    /// `apiGroups`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// `resources`, those that matter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// `resourceNames`; none for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// `verbs`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verbs: Vec<String>,
    /// `nonResourceURLs`, those that matter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// Where it stands.
    pub at: String,
}

/// A `RoleBinding` or `ClusterRoleBinding`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Binding {
    /// `metadata.namespace`; empty for a `ClusterRoleBinding`, and where a file does not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// `metadata.name`.
    pub name: String,
    /// `roleRef.kind`: `Role` or `ClusterRole`.
    pub role_kind: String,
    /// `roleRef.name`.
    pub role: String,
    /// `subjects`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<RoleSubject>,
}

impl Binding {
    /// Whether it is to this role, which must be of the kind that it names.
    pub fn is_to(&self, role: &Role) -> bool {
        role.name == self.role && (self.role_kind == "ClusterRole" || role.namespace == self.namespace)
    }
}

/// Somebody who is given a role.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleSubject {
    /// `kind`: `User`, `Group` or `ServiceAccount`.
    pub kind: String,
    /// `namespace`, of a service account.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// `name`.
    pub name: String,
    /// Where it stands.
    pub at: String,
}
