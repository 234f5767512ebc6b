//! The outcome of asking for something: the answer, or why there is none and what would change that.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Something that was asked for: either what came back, or the [`Gap`] it left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Reading<T> {
    /// It was read.
    Read {
        /// What came back.
        value: T,
    },
    /// It was not read.
    Missing {
        /// Why not.
        #[serde(flatten)]
        gap: Gap,
    },
}

impl<T> Reading<T> {
    /// A reading that succeeded.
    pub fn read(value: T) -> Self {
        Self::Read { value }
    }

    /// A reading that failed.
    pub fn missing(gap: Gap) -> Self {
        Self::Missing { gap }
    }

    /// A reading that this source does not attempt.
    pub fn not_asked(what: &str) -> Self {
        Self::missing(Gap::new(
            GapReason::NotAsked,
            what,
            "this source does not hold it; audit the running cluster, or a snapshot of it that a user took who may read it",
        ))
    }

    /// What was read, or the gap.
    pub fn as_result(&self) -> Result<&T, &Gap> {
        match self {
            Self::Read { value } => Ok(value),
            Self::Missing { gap } => Err(gap),
        }
    }

    /// What was read, if it was.
    pub fn value(&self) -> Option<&T> {
        self.as_result().ok()
    }

    /// The same, to be changed.
    pub fn value_mut(&mut self) -> Option<&mut T> {
        match self {
            Self::Read { value } => Some(value),
            Self::Missing { .. } => None,
        }
    }

    /// The gap, if there is one.
    pub fn gap(&self) -> Option<&Gap> {
        self.as_result().err()
    }
}

impl<T> Default for Reading<T> {
    fn default() -> Self {
        Self::not_asked("this")
    }
}

/// Why something could not be read, and which permission would let it be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    /// The kind of failure.
    pub reason: GapReason,
    /// What was asked for, in words: `leases in kube-system`.
    pub what: String,
    /// What the other side said or what happened, in one line.
    pub detail: String,
    /// The permission that would let it be read, where one is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<Permission>,
}

impl Gap {
    /// A gap without a missing permission.
    pub fn new(reason: GapReason, what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { reason, what: what.into(), detail: detail.into(), grant: None }
    }

    /// The same gap with the permission that would close it.
    #[must_use]
    pub fn with_grant(mut self, grant: Permission) -> Self {
        self.grant = Some(grant);
        self
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason {
            GapReason::NotAsked => write!(f, "{}: {}", self.what, self.detail)?,
            reason => {
                write!(f, "could not read {}: {reason}", self.what)?;
                if !self.detail.is_empty() {
                    write!(f, " ({})", self.detail)?;
                }
            }
        }
        if let Some(grant) = &self.grant {
            write!(f, "; grant {grant}")?;
        }
        Ok(())
    }
}

/// The kinds of failure that leave a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GapReason {
    /// 403: the identity may not read it.
    Forbidden,
    /// 401 on this path although others answered.
    Unauthorized,
    /// 404: the path or object is not there, or this version does not serve it.
    NotFound,
    /// 406: the server offers it in no form that is understood here.
    NotAcceptable,
    /// 410 more than once: the list changed faster than it could be read.
    Expired,
    /// 429 after all retries.
    Throttled,
    /// Any other refusal or fault of the server.
    ServerError,
    /// No whole answer within the time limit.
    Timeout,
    /// The connection failed or broke off.
    Unreachable,
    /// The answer is larger than the limit on one body.
    TooLarge,
    /// The answer is not what this path should return.
    Malformed,
    /// The provider's command-line tool is not there.
    ToolMissing,
    /// Nobody is logged in at the provider.
    NoCredentials,
    /// The login at the provider has expired.
    CredentialsExpired,
    /// Region, project, subscription or resource group is not known.
    PlaceUnknown,
    /// The provider or its tool does not offer it.
    NotSupported,
    /// The source at hand does not hold it.
    NotAsked,
}

impl fmt::Display for GapReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Forbidden => "forbidden",
            Self::Unauthorized => "unauthorized",
            Self::NotFound => "not found",
            Self::NotAcceptable => "not offered in a form understood here",
            Self::Expired => "expired while it was being read",
            Self::Throttled => "throttled by the server",
            Self::ServerError => "server error",
            Self::Timeout => "timed out",
            Self::Unreachable => "connection failed",
            Self::TooLarge => "too large",
            Self::Malformed => "not in the expected form",
            Self::ToolMissing => "the command-line tool is missing",
            Self::NoCredentials => "not logged in",
            Self::CredentialsExpired => "the login has expired",
            Self::PlaceUnknown => "region, project or resource group unknown",
            Self::NotSupported => "not supported",
            Self::NotAsked => "not asked for",
        })
    }
}

/// A permission in terms of Kubernetes RBAC: what has to be granted for a reading to succeed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", untagged)]
pub enum Permission {
    /// A rule on a resource.
    #[serde(rename_all = "camelCase")]
    Resource {
        /// `""` is the core group.
        api_group: String,
        /// The plural, as in a rule.
        resource: String,
        /// `get` or `list`.
        verb: String,
        /// The namespace a Role would have to be in; none for a ClusterRole.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        namespace: Option<String>,
    },
    /// A rule on a path that is no resource.
    #[serde(rename_all = "camelCase")]
    NonResource {
        /// The path.
        url: String,
        /// `get`.
        verb: String,
    },
    /// A permission of a cloud provider.
    #[serde(rename_all = "camelCase")]
    Cloud {
        /// `eks:DescribeCluster`, `container.clusters.get`.
        action: String,
    },
}

impl Permission {
    /// A permission on a resource.
    pub fn resource(verb: &str, api_group: &str, resource: &str, namespace: Option<&str>) -> Self {
        Self::Resource {
            api_group: api_group.into(),
            resource: resource.into(),
            verb: verb.into(),
            namespace: namespace.map(Into::into),
        }
    }

    /// Permission to `get` a path that is no resource.
    pub fn url(url: &str) -> Self {
        Self::NonResource { url: url.into(), verb: "get".into() }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resource { api_group, resource, verb, namespace } => {
                write!(f, "`{verb}` on `{resource}")?;
                if !api_group.is_empty() {
                    write!(f, ".{api_group}")?;
                }
                f.write_str("`")?;
                if let Some(namespace) = namespace {
                    write!(f, " in namespace `{namespace}`")?;
                }
                Ok(())
            }
            Self::NonResource { url, verb } => write!(f, "`{verb}` on the nonResourceURL `{url}`"),
            Self::Cloud { action } => write!(f, "`{action}`"),
        }
    }
}
