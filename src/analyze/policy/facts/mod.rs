//! Facts about audit policies: what the policies that the apiservers load record, and what is odd in them.
//!
//! | module | does |
//! | --- | --- |
//! | `judged` | a policy that an apiserver loads, or why it is not known |
//! | `classes` | what one policy records of each class by who sends the requests, as rows to be drawn |
//! | `records` | what is recorded of classes of requests, of bodies and of noise, over all policies together |
//!
//! A cluster has one policy as a rule. Where its apiservers load several, a request may come to any of them: it is recorded
//! only if all record it.

mod classes;
mod judged;
mod records;

use schemars::JsonSchema;
use serde::Serialize;

pub use self::classes::{Cell, ClassRow, Reached};
pub use self::judged::Limits;
use self::judged::{Judged, Managed};
use super::apis::Apis;
use super::catalogue::{CATALOGUE, Catalogue};
use super::load::{NEWEST, Places};
use super::sources::{PolicyState, ServerPolicy, of_servers};
use super::{AuditPolicy, known};
use crate::analyze::apiserver::instances::Instances;
use crate::analyze::cloud::recorded::Recorded;
use crate::analyze::fact::Fact;
use crate::analyze::version::Version;
use crate::snapshot::{PolicyText, Snapshot};
use crate::verdict::Rank;

/// What there is to say about audit policies.
#[derive(Debug, Clone)]
pub struct PolicyFacts {
    /// The policies.
    pub policies: Fact<Vec<Policy>>,
    /// What is recorded of each class of requests.
    pub requests: Fact<Vec<RequestRecord>>,
    /// Which bodies are logged that hold credentials or personal data.
    pub bodies: Fact<Vec<BodyRecord>>,
    /// Which noise is recorded.
    pub noise: Fact<Vec<NoiseRecord>>,
    /// What a provider's policy does whatever its settings are, where a provider runs the apiservers.
    pub limits: Option<Limits>,
}

/// An audit policy, or the lack of one.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// What to call it: the file or the `ConfigMap`.
    pub name: String,
    /// The apiservers that load it.
    pub servers: Vec<String>,
    /// Whether it is a provider's, which nobody can change.
    pub fixed: bool,
    /// Whether there is one: `--audit-policy-file` is set.
    pub set: Fact<bool>,
    /// Whether the apiserver starts with it.
    pub loads: Fact<bool>,
    /// Why the apiserver does not start with it; empty if it does.
    pub problems: Fact<Vec<String>>,
    /// Keys that the apiserver drops because it does not know them or because they are repeated, and what each widens.
    pub dropped_keys: Fact<Vec<String>>,
    /// The version of the API it is written in: `audit.k8s.io/v1`.
    pub api_version: Fact<String>,
    /// How many rules it has.
    pub rules: Fact<i64>,
    /// Whether any request at all is recorded.
    pub records: Fact<bool>,
    /// The lowest level at which any request is recorded, over everything that is served.
    pub least_level: Fact<String>,
    /// Rules that no request reaches.
    pub unreachable: Fact<Vec<String>>,
    /// Rules without which everything would be recorded just the same.
    pub without_effect: Fact<Vec<String>>,
    /// Parts of rules that no request matches.
    pub never_matches: Fact<Vec<String>>,
    /// Resources in rules that the server does not have.
    pub unknown_resources: Fact<Vec<String>>,
    /// Rules that record requests without their outcome, because the stage `ResponseComplete` is omitted.
    pub loses_outcome: Fact<Vec<String>>,
    /// Rules that record each request twice, because the stage `RequestReceived` is kept.
    pub doubles: Fact<Vec<String>>,
    /// Rules that record bodies with their managed fields.
    pub managed_fields: Fact<Vec<String>>,
    /// Whether an apiserver writes its log in mode `blocking-strict` while the policy omits the stage at which alone that
    /// mode refuses requests.
    pub strict_without_effect: Fact<bool>,
    /// The published policies that it equals, by name.
    pub known_as: Fact<Vec<String>>,
    /// What it records of each class of requests by who sends them. Drawn in reports; what expressions judge is recorded by all
    /// policies together.
    #[serde(skip)]
    pub classes: Fact<Vec<ClassRow>>,
}

/// What is recorded of a class of requests.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestRecord {
    /// Id and title: `RC-01 Reads of Secrets`.
    pub name: String,
    /// The class in the catalogue: `RC-01`.
    pub id: String,
    /// How bad it is if it is not recorded.
    pub severity: String,
    /// Whether any of its requests exists: its API is served, or a policy names its group.
    pub served: Fact<bool>,
    /// Whether each of its requests is recorded, whoever sends it and whatever it is about, so that it can be detected.
    pub detected: Fact<bool>,
    /// The requests that are not; empty if there are none.
    pub undetected: Fact<String>,
    /// Whether there are some that are not, and all of them for the policy of a provider, which nobody can change.
    pub undetected_by_provider: Fact<bool>,
    /// Whether each is recorded so that it can be investigated.
    pub investigated: Fact<bool>,
    /// The requests that can be detected only; empty if there are none.
    pub shallow: Fact<String>,
    /// Whether there are some, and all of them for the policy of a provider, which nobody can change.
    pub shallow_by_provider: Fact<bool>,
    /// The level or the range of levels: `Metadata`, `None to Request`.
    pub level: Fact<String>,
    /// Noise among its requests that is not recorded and does not count, as the end of a sentence; empty if there is none.
    pub left_aside: Fact<String>,
    /// The level needed to detect.
    pub detect_level: String,
    /// The level needed to investigate.
    pub investigate_level: String,
}

/// Whether bodies are logged that hold credentials or personal data.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BodyRecord {
    /// What they are.
    pub name: String,
    /// The entry in the catalogue: `BODY-SECRETS`.
    pub id: String,
    /// How bad it is to have them in the log.
    pub severity: String,
    /// Whether such objects exist: their API is served, or a policy names its group.
    pub served: Fact<bool>,
    /// Whether a request can write one to the log.
    pub logged: Fact<bool>,
    /// Whether one can, for the policy of a provider, which nobody can change.
    pub logged_by_provider: Fact<bool>,
    /// These requests; empty if there are none.
    pub requests: Fact<String>,
}

/// Whether noise is recorded.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NoiseRecord {
    /// What it is.
    pub name: String,
    /// The entry in the catalogue: `NOISE-NODE-LEASES`.
    pub id: String,
    /// How much of a usual cluster's events it is: `little`, `much` or `dominating`.
    pub volume: String,
    /// Whether dropping it leaves nothing out that a class of requests needs.
    pub tolerated: bool,
    /// Whether some of it is recorded.
    pub recorded: Fact<bool>,
    /// Whether some is, for the policy of a provider, which nobody can change.
    pub recorded_by_provider: Fact<bool>,
    /// These requests; empty if there are none.
    pub requests: Fact<String>,
}

/// Works out what the policies of a snapshot record.
///
/// `recorded` is what a provider's settings let through, where a provider runs the apiservers.
pub fn facts(
    snapshot: &Snapshot,
    instances: &Instances,
    distribution: Option<&str>,
    recorded: Option<&Recorded>,
) -> PolicyFacts {
    let mut list = of_servers(snapshot, instances);
    if let (true, Some(published)) = (list.is_empty(), distribution.and_then(known::of_distribution)) {
        // The provider's apiservers show nothing of themselves.
        list.push(ServerPolicy {
            name: published.name.clone(),
            at: published.documented.clone(),
            servers: Vec::new(),
            version: None,
            state: PolicyState::Unknown("the provider's apiservers are not visible".into()),
        });
    }
    let version = list.iter().filter_map(|entry| entry.version).min();
    let apis = apis(snapshot, version);
    let judged: Vec<Judged<'_>> = list
        .iter()
        .map(|entry| {
            Judged::new(entry, snapshot, instances, &apis, &CATALOGUE, Managed { distribution, recorded })
        })
        .collect();
    if judged.is_empty() {
        let reason = "no kube-apiserver is visible whose audit policy could be looked at; give the policy with --policy-file FILE";
        return PolicyFacts {
            policies: Fact::unknown(reason),
            requests: Fact::unknown(reason),
            bodies: Fact::unknown(reason),
            noise: Fact::unknown(reason),
            limits: None,
        };
    }
    let policies = judged.iter().map(Judged::facts).collect();
    PolicyFacts {
        policies: Fact::known(policies, Rank::Evaluated, Vec::new()),
        requests: records::requests(&judged, &CATALOGUE),
        bodies: records::bodies(&judged, &CATALOGUE),
        noise: records::noise(&judged, &CATALOGUE),
        limits: judged.iter().find_map(Judged::limits),
    }
}

/// What is served: by discovery, else by the version's table.
fn apis(snapshot: &Snapshot, version: Option<Version>) -> Apis {
    let told = snapshot.version.value().and_then(|text| Version::parse(text));
    let version = told.or(version).unwrap_or(NEWEST);
    match snapshot.apis.value() {
        Some(served) => Apis::of_discovery(served, version),
        None => Apis::of_version(version),
    }
}
