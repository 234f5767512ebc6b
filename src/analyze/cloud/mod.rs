//! Facts about the log settings that a provider of managed clusters keeps outside the cluster.
//!
//! | module | does |
//! | --- | --- |
//! | [`provider`] | which provider it is, and which cluster |
//! | [`told`] | a provider's answers as facts, and why there is none |
//! | [`recorded`] | what the settings let through of what the provider's audit policy records |
//! | [`eks`], [`aks`], [`gke`] | the facts of each provider |

pub mod aks;
pub mod eks;
pub mod gke;
pub mod provider;
pub mod recorded;
pub mod told;

use schemars::JsonSchema;
use serde::Serialize;

use self::provider::Identity;
use self::recorded::Recorded;
use self::told::Scene;
use super::fact::Fact;
use super::policy::facts::Limits;
use crate::snapshot::Snapshot;
use crate::snapshot::cloud::CloudProvider;
use crate::verdict::{Evidence, Rank};

/// What a provider says of the cluster.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CloudFacts {
    /// Who runs the control plane: `eks`, `aks`, `gke`, `doks`, `oke`, `iks`, `ack`; `none` where it is visible and so the
    /// people's own.
    pub provider: Fact<String>,
    /// Whether the provider offers an audit log to its customers.
    pub offers_audit_log: Fact<bool>,
    /// Classes of requests of which the provider's policy itself leaves some out, whatever is switched on.
    pub unrecorded: Fact<Vec<String>>,
    /// Kinds of bodies that the provider's policy brings into the log.
    pub exposed: Fact<Vec<String>>,
    /// The cluster as EKS knows it; empty if it is none of EKS.
    pub eks: Vec<eks::Eks>,
    /// The cluster as AKS knows it; empty if it is none of AKS.
    pub aks: Vec<aks::Aks>,
    /// The cluster as GKE knows it; empty if it is none of GKE.
    pub gke: Vec<gke::Gke>,
}

/// The facts, and what is needed of them elsewhere.
pub struct Cloud {
    /// The facts.
    pub facts: CloudFacts,
    /// Who it is.
    pub identity: Identity,
    /// What reaches the provider's audit log; none where no such provider runs the control plane.
    pub recorded: Option<Recorded>,
}

const NOT_MANAGED: &str = "no provider is known to run the control plane";

impl Cloud {
    /// Puts in what the provider's own policy leaves out and exposes, which is worked out with all policies.
    pub fn tell_limits(&mut self, limits: Option<&Limits>) {
        let (Some(provider), Some(limits)) = (self.identity.provider, limits) else { return };
        let title = provider.title();
        let told = |names: &[String]| {
            let detail = format!("the policy that {title} is documented to have");
            Fact::at(names.to_vec(), Rank::Documented, title, detail)
        };
        self.facts.unrecorded = told(&limits.unrecorded);
        self.facts.exposed = told(&limits.exposed);
    }

    /// What shows that the provider runs the apiservers and that its settings tell what they record; none if they were not read.
    pub fn runs_apiservers(&self) -> Option<Vec<Evidence>> {
        let provider = self.identity.provider?;
        let Some(Recorded::Read { .. }) = self.recorded else { return None };
        let detail = format!(
            "{} runs the apiservers and shows nothing of them; its log settings are judged",
            provider.title()
        );
        let at =
            self.identity.evidence.first().map_or_else(|| provider.title().to_owned(), |one| one.at.clone());
        Some(vec![Evidence { at, detail }])
    }
}

/// Works out the facts. `is_visible` is whether the flags of an apiserver can be seen.
pub fn cloud(snapshot: &Snapshot, is_visible: bool) -> Cloud {
    let identity = provider::identity(snapshot);
    let scene = Scene { snapshot, identity: &identity };
    let is = |provider| identity.provider == Some(provider);
    let name = match (identity.provider, identity.other) {
        (Some(provider), _) => {
            let rank = if identity.is_sure { Rank::Configured } else { Rank::Inferred };
            Fact::known(provider.as_str().to_owned(), rank, identity.evidence.clone())
        }
        (None, Some((name, _))) => Fact::at(name.to_owned(), Rank::Inferred, "Nodes metadata.labels", name),
        (None, None) if is_visible => {
            let at = snapshot.cluster.name.clone();
            Fact::at("none".to_owned(), Rank::Inferred, at, "an apiserver of the cluster's own is visible")
        }
        (None, None) => Fact::unknown(
            "neither an apiserver is visible nor anything that tells a provider; name it with --provider, or run against the cluster",
        ),
    };
    let offers_audit_log = match identity.other {
        Some(("doks", reason)) => Fact::at(false, Rank::Documented, "the provider", reason),
        _ => name.clone().map(|_| true),
    };
    let recorded = match identity.provider {
        Some(CloudProvider::Eks) => Some(eks::recorded(&scene)),
        Some(CloudProvider::Aks) => Some(aks::recorded(&scene)),
        Some(CloudProvider::Gke) => Some(gke::recorded(&scene)),
        None => None,
    };
    let facts = CloudFacts {
        provider: name,
        offers_audit_log,
        unrecorded: Fact::unknown(NOT_MANAGED),
        exposed: Fact::unknown(NOT_MANAGED),
        eks: is(CloudProvider::Eks).then(|| eks::facts(&scene)).into_iter().collect(),
        aks: is(CloudProvider::Aks).then(|| aks::facts(&scene)).into_iter().collect(),
        gke: is(CloudProvider::Gke).then(|| gke::facts(&scene)).into_iter().collect(),
    };
    Cloud { facts, identity, recorded }
}
