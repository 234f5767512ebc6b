//! Audit policies: loaded as kube-apiserver loads them, evaluated as it evaluates them.
//!
//! The types follow `k8s.io/apiserver` `pkg/apis/audit`. An empty list of users, groups, verbs, namespaces or resources in
//! a rule means *any*; the first rule that matches decides; where none matches, nothing is recorded.
//!
//! | module | does |
//! | --- | --- |
//! | [`load`] | a file into an [`AuditPolicy`], with every error and warning placed in the text |
//! | [`mod@matches`] | a request against a policy: level, stages, deciding rule |
//! | [`apis`] | which resources are served |
//! | [`catalogue`] | the requests that security depends on, bodies that must not be logged, noise |
//! | [`coverage`] | what a policy records of whole classes of requests, proved over all senders, namespaces and names |
//! | [`lint`] | what is odd in a policy: rules that nothing reaches, parts that match nothing |
//! | [`known`] | published policies of providers and distributions |
//! | [`facts`] | all this for the policies of a snapshot |
//! | [`request`] | a method and a URL into the attributes that a policy sees |
//! | [`sources`] | which apiserver loads which policy |

pub mod apis;
pub mod catalogue;
pub mod coverage;
pub mod facts;
pub mod known;
pub mod lint;
pub mod load;
pub mod matches;
pub mod request;
pub mod sources;

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much of a request is recorded.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum Level {
    /// Nothing.
    #[default]
    None,
    /// Who did what to which object and when, without bodies.
    Metadata,
    /// Beside that the request's body.
    Request,
    /// Beside that the answer's body.
    RequestResponse,
}

impl Level {
    /// All levels, least first.
    pub const ALL: [Self; 4] = [Self::None, Self::Metadata, Self::Request, Self::RequestResponse];

    /// The word in a policy.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Metadata => "Metadata",
            Self::Request => "Request",
            Self::RequestResponse => "RequestResponse",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|level| level.as_str() == text)
            .ok_or_else(|| format!("`{text}` is no level; use None, Metadata, Request or RequestResponse"))
    }
}

/// A moment in a request's life at which an event can be written. The order is that of the names, in which sets of
/// stages are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Stage {
    /// The handler panicked.
    Panic,
    /// The request came in; nothing else is known yet.
    RequestReceived,
    /// The answer is complete.
    ResponseComplete,
    /// The headers of a long answer are sent. A failed authentication writes this stage only.
    ResponseStarted,
}

impl Stage {
    /// All stages.
    pub const ALL: [Self; 4] =
        [Self::Panic, Self::RequestReceived, Self::ResponseComplete, Self::ResponseStarted];

    /// The word in a policy.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Panic => "Panic",
            Self::RequestReceived => "RequestReceived",
            Self::ResponseComplete => "ResponseComplete",
            Self::ResponseStarted => "ResponseStarted",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Stage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|stage| stage.as_str() == text)
            .ok_or_else(|| format!("`{text}` is no stage"))
    }
}

/// A policy as the server understood it: unknown keys are gone, defaults applied.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditPolicy {
    /// Stages for which no event is written, whichever rule decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub omit_stages: Vec<Stage>,
    /// Whether managed fields are left out of bodies, unless the deciding rule says otherwise.
    #[serde(default)]
    pub omit_managed_fields: bool,
    /// The rules, in order.
    pub rules: Vec<PolicyRule>,
}

/// A rule of a policy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyRule {
    /// How much is recorded of what the rule matches.
    pub level: Level,
    /// Users.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<String>,
    /// Groups, of which the user must be in one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub user_groups: Vec<String>,
    /// Verbs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verbs: Vec<String>,
    /// Resources.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<GroupResources>,
    /// Namespaces; `""` stands for requests without one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
    /// Paths of requests that are not about resources; a trailing `*` stands for anything.
    #[serde(rename = "nonResourceURLs", default, skip_serializing_if = "Vec::is_empty")]
    pub non_resource_urls: Vec<String>,
    /// Stages for which no event is written, beside the policy's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub omit_stages: Vec<Stage>,
    /// Overrides the policy's own setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub omit_managed_fields: Option<bool>,
}

/// Resources of one API group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GroupResources {
    /// The group; `""` is core, `*` any since Kubernetes 1.36.
    #[serde(default)]
    pub group: String,
    /// Resources, `resource/subresource`, `*`, `*/subresource` or `resource/*`; none for the whole group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// Names; requests without a name (list, create) match no name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resource_names: Vec<String>,
}
