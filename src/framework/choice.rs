//! Which frameworks fit a cluster, and which of them are reported, in which edition.

use std::collections::BTreeSet;

use super::{Edition, Framework};
use crate::analyze::Facts;
use crate::analyze::version::Version;

/// The distributions that facts tell apart, and those of other providers.
pub const DISTRIBUTIONS: [&str; 14] = [
    "ack",
    "aks",
    "doks",
    "eks",
    "gke",
    "iks",
    "k0s",
    "k3s",
    "kubeadm",
    "microk8s",
    "oke",
    "openshift",
    "rke2",
    "talos",
];

/// Which frameworks a report is to tell.
#[derive(Debug, Clone, Default)]
pub enum Choice {
    /// Those that are told without being asked for, where they fit.
    #[default]
    Default,
    /// All that fit.
    All,
    /// These, whether they fit or not, with the edition where one is asked for.
    These(Vec<(String, Option<String>)>),
}

/// A framework of which one edition is reported.
pub type Chosen<'f> = (&'f Framework, &'f Edition);

/// What is to be known of a cluster to tell what fits it.
#[derive(Debug, Default)]
pub struct Place<'a> {
    /// Its distribution and who runs its control plane, where they are known.
    pub distributions: Vec<&'a str>,
    /// Its version.
    pub version: Option<Version>,
}

impl<'a> Place<'a> {
    /// As facts tell it.
    pub fn of(facts: &'a Facts) -> Self {
        let names = [&facts.kubernetes.distribution, &facts.cloud.provider];
        let distributions = names.iter().filter_map(|fact| fact.value().map(String::as_str)).collect();
        let version = facts.kubernetes.version.value().and_then(|version| Version::parse(version));
        // Files know no version of the cluster, but those of its apiservers.
        let version = version.or_else(|| {
            let mut servers = facts.api_servers.value().into_iter().flatten();
            servers.find_map(|server| Version::parse(server.version.value()?))
        });
        Self { distributions, version }
    }

    /// The frameworks that fit: those written for no distribution or for this one, but none in whose place another stands here.
    pub fn fitting<'f>(&self, all: &'f [Framework]) -> Vec<&'f Framework> {
        let is_for = |framework: &Framework| {
            framework.distribution.as_deref().is_none_or(|name| self.distributions.contains(&name))
        };
        let replaced: BTreeSet<&str> = all
            .iter()
            .filter(|framework| is_for(framework))
            .filter_map(|framework| framework.instead_of.as_deref())
            .collect();
        all.iter()
            .filter(|framework| is_for(framework) && !replaced.contains(framework.id.as_str()))
            .collect()
    }
}

impl Choice {
    /// What is to be reported of a cluster, each edition once.
    pub fn among<'f>(&self, all: &'f [Framework], place: &Place<'_>) -> Vec<Chosen<'f>> {
        let named =
            |list: &'f [Edition], id: &str| list.iter().filter(move |edition| edition.id == id).collect();
        let mut chosen: Vec<Chosen<'f>> = Vec::new();
        let mut add = |framework: &'f Framework, asked: Option<&str>| {
            let editions: Vec<&'f Edition> = match asked {
                Some(edition) => named(&framework.editions, edition),
                None if framework.side_by_side => framework.editions.iter().collect(),
                None => framework.edition_for(place.version).into_iter().collect(),
            };
            for edition in editions {
                let is_known = |known: &Chosen<'_>| known.0.id == framework.id && known.1.id == edition.id;
                if !chosen.iter().any(is_known) {
                    chosen.push((framework, edition));
                }
            }
        };
        match self {
            Self::Default => {
                for framework in place.fitting(all).into_iter().filter(|framework| framework.default) {
                    add(framework, None);
                }
            }
            Self::All => {
                for framework in place.fitting(all) {
                    add(framework, None);
                }
            }
            Self::These(list) => {
                for (id, edition) in list {
                    if let Some(framework) = all.iter().find(|framework| framework.id == *id) {
                        add(framework, edition.as_deref());
                    }
                }
            }
        }
        chosen
    }
}
