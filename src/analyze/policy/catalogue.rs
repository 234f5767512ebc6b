//! The catalogue of requests that security depends on: `checks/requests.yaml`.
//!
//! A class says which requests belong together, at which level an attack can be detected and investigated, and who may send
//! them. Beside the classes stand the bodies that must not be logged and the noise that need not be.

use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Level, PolicyRule};
use crate::check::builtin;
use crate::verdict::Severity;

/// The catalogue that is compiled in.
pub static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| builtin::data("requests.yaml"));

/// The API group that stands in the catalogue for every group that a policy does not name. It is reserved (RFC 2606), so no
/// policy names it for its own sake.
pub const UNKNOWN_GROUP: &str = "unknown.example";

/// The catalogue.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Catalogue {
    /// Classes of requests.
    pub classes: Vec<RequestClass>,
    /// Bodies that hold credentials or personal data.
    pub bodies: Vec<Body>,
    /// Requests that come often and say little.
    pub noise: Vec<Noise>,
}

/// A class of requests.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RequestClass {
    /// `RC-01`. Never used again for something else.
    pub id: String,
    /// What the requests do: "Reads of Secrets".
    pub title: String,
    /// How bad it is if they are not recorded.
    pub severity: Severity,
    /// The least level at which it can be told that they happened, and who sent them.
    pub detect: Level,
    /// The least level at which it can be told what they did.
    pub investigate: Level,
    /// What the class is about and why these levels.
    pub why: String,
    /// Techniques of MITRE ATT&CK (`T…`) and of Microsoft's threat matrix for Kubernetes (`MS-…`) that leave such requests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attack: Vec<String>,
    /// Who may send them.
    #[serde(default = "Who::default_list")]
    pub who: Vec<Who>,
    /// Senders that do not count.
    #[serde(default, skip_serializing_if = "Senders::is_empty")]
    pub except: Senders,
    /// The requests.
    pub requests: Vec<RequestPattern>,
}

/// Requests alike but for name, namespace and sender.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RequestPattern {
    /// Verbs; of requests by URL the HTTP methods in lower case.
    pub verbs: Vec<String>,
    /// The API group; empty for core, `*` for each that is served or that the policy names, and one that it does not name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// Resources as `pods` or `pods/exec`; `*` for each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// Only in these namespaces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
    /// Only objects with these names; `""` for requests without a name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Paths of requests that are not about resources; a trailing `*` stands for anything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// The level for investigation, where it is another than the class's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub investigate: Option<Level>,
}

/// Kinds of senders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Who {
    /// Someone who is logged in, in any groups, that is neither a service account nor a node.
    Person,
    /// A person without any `system:` name or group beside `system:authenticated`.
    Unprivileged,
    /// A service account.
    ServiceAccount,
    /// A service account outside the namespaces that begin with `kube-`.
    WorkloadAccount,
    /// A service account in `kube-system`.
    PlatformAccount,
    /// A node's kubelet.
    Node,
    /// `system:anonymous`.
    Anonymous,
    /// Nobody: the credentials were refused with 401.
    FailedAuthentication,
}

impl Who {
    fn default_list() -> Vec<Self> {
        vec![Self::Person, Self::ServiceAccount, Self::Node, Self::Anonymous]
    }
}

/// Senders by name and group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Senders {
    /// Users.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<String>,
    /// Groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
}

impl Senders {
    /// Whether nobody is named.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty() && self.groups.is_empty()
    }
}

/// An object whose body must not be logged, or only knowingly.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Body {
    /// `BODY-SECRETS`.
    pub id: String,
    /// "Secrets".
    pub title: String,
    /// What is in it.
    pub why: String,
    /// How bad it is to have it in the log: `high` for credentials.
    pub severity: Severity,
    /// Where the sensitive part is.
    pub sensitive: Vec<BodyPart>,
    /// The objects; verbs do not matter and are empty.
    pub objects: Vec<BodyObjects>,
    /// Objects of these that may be logged whole all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<NamedObjects>,
}

/// The objects whose bodies are meant.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct BodyObjects {
    /// The API group; empty for core.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// Resources as `pods` or `serviceaccounts/token`.
    pub resources: Vec<String>,
}

/// Objects by namespace and name.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NamedObjects {
    /// Namespaces.
    pub namespaces: Vec<String>,
    /// Names.
    pub names: Vec<String>,
}

/// The body of which side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BodyPart {
    /// What is sent.
    Request,
    /// What is answered.
    Response,
}

impl BodyPart {
    /// The least level that logs this part for a verb; none if the verb has no such body, or none with the object in it.
    ///
    /// A watch's answer is a stream, which is not logged. The answer to a delete is a status as a rule, and the object if it
    /// is not gone at once: with finalizers, or where dependents are waited for. (`k8s.io/apiserver` `pkg/audit`
    /// `LogRequestObject`, `LogResponseObject`; `pkg/registry/generic/registry` `Store.Delete`.)
    pub fn logged_from(self, verb: &str) -> Option<Level> {
        match (self, verb) {
            (Self::Request, "create" | "update" | "patch") => Some(Level::Request),
            (
                Self::Response,
                "get" | "list" | "create" | "update" | "patch" | "delete" | "deletecollection",
            ) => Some(Level::RequestResponse),
            _ => None,
        }
    }
}

/// Requests that come often and say little.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Noise {
    /// `NOISE-LEASES`.
    pub id: String,
    /// "Leases renewed by nodes and the control plane".
    pub title: String,
    /// What to beware of when it is dropped.
    pub caution: String,
    /// Whether dropping exactly this is no gap: where a class has such requests in it, they do not count.
    pub tolerated: bool,
    /// How much of a usual cluster's events it is: `dominating`, `much`, `little`.
    pub volume: Volume,
    /// The requests, as a policy would name them.
    pub rule: PolicyRule,
}

/// How much of a usual cluster's audit events some requests are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Volume {
    /// Seldom seen.
    Little,
    /// A notable part.
    Much,
    /// More than all else together on a quiet cluster.
    Dominating,
}

impl Volume {
    /// The word in the catalogue.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Little => "little",
            Self::Much => "much",
            Self::Dominating => "dominating",
        }
    }
}
