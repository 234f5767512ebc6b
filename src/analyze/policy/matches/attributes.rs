//! What an audit policy sees of a request.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

/// The attributes of a request: `Attributes` of `k8s.io/apiserver` `pkg/authorization/authorizer`, as far as
/// `pkg/audit/policy` asks for them.
///
/// Read from JSON, `user`, `verb` and `isResourceRequest` must be given, because each of their absences would mean
/// something; all else is empty where it is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Attributes {
    /// The user's name; none where authentication failed. Impersonation comes after the audit policy: this is who sent
    /// the request, not whom they act as.
    #[serde(deserialize_with = "present")]
    #[schemars(schema_with = "string_or_null")]
    pub user: Option<String>,
    /// The user's groups, all of them: `system:authenticated` and the like are not implied.
    #[serde(default)]
    pub groups: Vec<String>,
    /// The verb; of a request that is not about a resource the HTTP method in lower case.
    pub verb: String,
    /// The API group; empty for core.
    #[serde(default)]
    pub api_group: String,
    /// The version of the API, which no rule asks for.
    #[serde(default)]
    pub api_version: String,
    /// The resource, in the plural of URLs.
    #[serde(default)]
    pub resource: String,
    /// What follows the resource's name in the URL.
    #[serde(default)]
    pub subresource: String,
    /// The object's name; empty for create and for most lists.
    #[serde(default)]
    pub name: String,
    /// The namespace; empty for objects without one and for lists over all.
    #[serde(default)]
    pub namespace: String,
    /// Whether the request is about a resource.
    pub is_resource_request: bool,
    /// The URL's path, without the query.
    #[serde(default)]
    pub path: String,
}

/// An `Option` that may be null but not left out.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Option::deserialize(deserializer)
}

fn string_or_null(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": ["string", "null"]})
}

impl Attributes {
    /// The groups that do not come with the user's name.
    fn own_groups(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let comes_with_name = |group: &str| {
            matches!(group, "system:authenticated" | "system:unauthenticated")
                || group.starts_with("system:serviceaccounts")
                || group == "system:nodes"
                    && self.user.as_deref().is_some_and(|user| user.starts_with("system:node:"))
        };
        let own: Vec<&str> =
            self.groups.iter().map(String::as_str).filter(|group| !comes_with_name(group)).collect();
        if own.is_empty() { Ok(()) } else { write!(f, " (in {})", own.join(", ")) }
    }

    /// The same attributes, borrowed.
    pub fn borrowed(&self) -> AttributesRef<'_, String> {
        AttributesRef {
            user: self.user.as_deref(),
            groups: &self.groups,
            verb: &self.verb,
            api_group: &self.api_group,
            resource: &self.resource,
            subresource: &self.subresource,
            name: &self.name,
            namespace: &self.namespace,
            is_resource_request: self.is_resource_request,
            path: &self.path,
        }
    }
}

/// Who does what: `system:node:n1 get secrets named db in prod`.
impl fmt::Display for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = self.user.as_deref().unwrap_or("(refused credentials)");
        if !self.is_resource_request {
            write!(f, "{who} {} {}", self.verb, self.path)?;
            return self.own_groups(f);
        }
        write!(f, "{who} {} {}", self.verb, self.resource)?;
        for (before, value) in [
            ("/", &self.subresource),
            (" of ", &self.api_group),
            (" named ", &self.name),
            (" in ", &self.namespace),
        ] {
            if !value.is_empty() {
                write!(f, "{before}{value}")?;
            }
        }
        self.own_groups(f)
    }
}

/// [`Attributes`] whose strings lie elsewhere, without the version that no rule asks for.
#[derive(Debug, Clone, Copy)]
pub struct AttributesRef<'a, G = &'a str> {
    /// The user's name; none where authentication failed.
    pub user: Option<&'a str>,
    /// The user's groups.
    pub groups: &'a [G],
    /// The verb.
    pub verb: &'a str,
    /// The API group.
    pub api_group: &'a str,
    /// The resource.
    pub resource: &'a str,
    /// What follows the resource's name in the URL.
    pub subresource: &'a str,
    /// The object's name.
    pub name: &'a str,
    /// The namespace.
    pub namespace: &'a str,
    /// Whether the request is about a resource.
    pub is_resource_request: bool,
    /// The URL's path, without the query.
    pub path: &'a str,
}
