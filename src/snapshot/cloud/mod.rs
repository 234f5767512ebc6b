//! What a cloud provider says of a managed cluster's log settings: what was asked, and what came of it.
//!
//! Answers are kept as the provider gives them, in the form of its command-line tool (`properties` of Azure taken up into the
//! object), narrowed to the fields that a [`Call`] keeps. One file for each provider lists its calls.

pub mod aks;
pub mod eks;
pub mod gke;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::reading::Reading;

/// A provider of managed clusters whose log settings are read.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum CloudProvider {
    /// Amazon EKS
    Eks,
    /// Azure Kubernetes Service
    Aks,
    /// Google Kubernetes Engine
    Gke,
}

impl CloudProvider {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Eks, Self::Aks, Self::Gke];

    /// As facts name it: `eks`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Eks => "eks",
            Self::Aks => "aks",
            Self::Gke => "gke",
        }
    }

    /// The command-line tool with which it is asked.
    pub fn tool(self) -> &'static str {
        match self {
            Self::Eks => "aws",
            Self::Aks => "az",
            Self::Gke => "gcloud",
        }
    }

    /// Its name in sentences.
    pub fn title(self) -> &'static str {
        match self {
            Self::Eks => "EKS",
            Self::Aks => "AKS",
            Self::Gke => "GKE",
        }
    }

    /// What it can be asked.
    pub fn calls(self) -> &'static [Call] {
        match self {
            Self::Eks => eks::CALLS,
            Self::Aks => aks::CALLS,
            Self::Gke => gke::CALLS,
        }
    }
}

/// A question to a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// `eks/describe-cluster`.
    pub id: &'static str,
    /// What it asks for, in words: `the settings of the cluster`.
    pub what: &'static str,
    /// The command of the provider's tool that asks it, with capitals for what has to be put in.
    pub command: &'static str,
    /// The permission that it takes.
    pub permission: &'static str,
    /// The fields that are kept: dotted paths, which lead through lists. A path that ends at an object keeps all of it.
    pub keep: &'static [&'static str],
}

/// The call with an id.
pub fn call(id: &str) -> Option<&'static Call> {
    CloudProvider::ALL.into_iter().flat_map(CloudProvider::calls).find(|call| call.id == id)
}

/// What is known of the provider and read from it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cloud {
    /// What tells provider and cluster, beside what the cluster itself shows: the kubeconfig, and what was given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signs: Vec<CloudSign>,
    /// The answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<CloudAnswer>,
    /// Why nobody was asked, if that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_asked: Option<String>,
}

impl Cloud {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The answers to a call, one for each thing that was asked about.
    pub fn all<'c>(&'c self, call: &'c str) -> impl Iterator<Item = &'c CloudAnswer> {
        self.answers.iter().filter(move |answer| answer.call == call)
    }

    /// The answer to a call about one thing, compared without regard to case, as Azure's ids are.
    pub fn answer(&self, call: &str, of: &str) -> Option<&CloudAnswer> {
        self.answers.iter().find(|answer| answer.call == call && answer.of.eq_ignore_ascii_case(of))
    }
}

/// Something that tells the provider, and perhaps where its cluster is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CloudSign {
    /// The provider; none where a flag only adds to what is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<CloudProvider>,
    /// Where it was seen: `kubeconfig: server`, `--cluster-name`.
    pub at: String,
    /// What was seen.
    pub detail: String,
    /// Whether it is enough by itself.
    pub is_sure: bool,
    /// The cluster's name at the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// Region or zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// AWS account, Azure subscription or Google Cloud project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Resource group of Azure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

impl CloudSign {
    /// A sign that tells the provider and nothing else.
    pub fn new(provider: CloudProvider, at: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            provider: Some(provider),
            at: at.into(),
            detail: detail.into(),
            is_sure: false,
            cluster: None,
            location: None,
            account: None,
            group: None,
        }
    }
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CloudAnswer {
    /// The call's id.
    pub call: String,
    /// What it was about, where a call is made about several things: the id of a workspace, the name of a metric.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub of: String,
    /// Where the answer comes from: a file, or the command that was run.
    pub at: String,
    /// The answer.
    pub reading: Reading<Value>,
}
