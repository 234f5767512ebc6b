//! Which Data Access audit logs are on, for the project and above it, and who is exempted from them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::super::told::{Scene, Told};
use super::sinks::ancestors;
use super::told;
use crate::analyze::fact::Fact;
use crate::verdict::{Evidence, Rank};

/// The services whose audit configuration holds for requests to a cluster.
const SERVICES: [&str; 2] = ["allServices", "container.googleapis.com"];

/// The kinds of Data Access logs.
pub(super) const ADMIN_READ: &str = "ADMIN_READ";
pub(super) const DATA_READ: &str = "DATA_READ";
pub(super) const DATA_WRITE: &str = "DATA_WRITE";

/// The Data Access audit logs of the project in which the cluster is.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DataAccess {
    /// Whether reading metadata is recorded: listing Pods.
    pub admin_read: Fact<bool>,
    /// Whether reading data is recorded: the logs of a Pod.
    pub data_read: Fact<bool>,
    /// Whether writing data is recorded: the status of a Pod.
    pub data_write: Fact<bool>,
    /// Who is exempted and from what: `user:ops@example.com (DATA_READ)`.
    pub exempted: Fact<Vec<String>>,
}

/// What the audit configurations come to, with what was not read.
pub(super) struct Configured {
    /// What is on, and where that is set.
    on: BTreeMap<String, Vec<Evidence>>,
    /// Who is exempted from what, and where.
    pub(super) exempted: BTreeMap<(String, String), Evidence>,
    /// Where something that is off would be set.
    pub(super) place: Evidence,
    /// Why something that is off here may be on above.
    above: Option<String>,
}

impl Configured {
    /// Reads the configurations of the project and of what is above it, which add to each other.
    ///
    /// # Errors
    /// Why not even the project's is known.
    pub(super) fn read(scene: &Scene<'_>) -> Result<Self, String> {
        let levels = ancestors(scene);
        let own = told(scene, "gke/iam-policy", "").and_then(|own| {
            let at = own.evidence("", "").at;
            // A policy does not say whose it is. Only the question does, if it was asked, or the answer about what is above.
            let is_asked =
                scene.identity.account.as_ref().is_some_and(|id| at.split(' ').any(|word| word == id));
            match &levels {
                _ if !own.value.is_object() => Err(format!("{at} is no IAM policy")),
                Err(reason) if !is_asked => {
                    Err(format!("of which project {at} is, it does not say: {reason}"))
                }
                _ => Ok(own),
            }
        });
        let mut configured = Self {
            on: BTreeMap::new(),
            exempted: BTreeMap::new(),
            place: Evidence { at: String::new(), detail: "it is not switched on".into() },
            above: levels.as_ref().err().cloned(),
        };
        match (&own, &levels) {
            (Err(reason), Err(_)) => return Err(reason.clone()),
            (Ok(own), _) => {
                configured.place.at = own.evidence("auditConfigs", "").at;
                configured.add(own, "auditConfigs", "auditConfigs")?;
            }
            (_, Ok((all, _))) => configured.place.at = all.evidence("policy.auditConfigs", "").at,
        }
        if let Ok((all, items)) = levels {
            for item in items {
                let text = |key: &str| item.get(key).and_then(Value::as_str).unwrap_or_default();
                let shown = format!("{} {} policy.auditConfigs", text("type"), text("id"));
                configured.add(&all.part(item), "policy.auditConfigs", &shown)?;
            }
        }
        Ok(configured)
    }

    fn add(&mut self, told: &Told<'_>, path: &str, shown: &str) -> Result<(), String> {
        let Some(configs) = told.get(path) else { return Ok(()) };
        let odd = || format!("{}: it is no audit configuration", told.evidence(shown, "").at);
        for config in configs.as_array().ok_or_else(odd)? {
            let service = config.get("service").and_then(Value::as_str).unwrap_or_default();
            if !SERVICES.contains(&service) {
                continue;
            }
            let logs = config.get("auditLogConfigs").and_then(Value::as_array);
            for log in logs.into_iter().flatten() {
                let Some(kind) = log.get("logType").and_then(Value::as_str) else { continue };
                let evidence = |detail: String| told.evidence(shown, detail);
                self.on.entry(kind.to_owned()).or_default().push(evidence(format!("{kind} of {service}")));
                let members = log.get("exemptedMembers").and_then(Value::as_array);
                for member in members.into_iter().flatten().filter_map(Value::as_str) {
                    let found = evidence(format!("{member} is exempted from {kind} of {service}"));
                    self.exempted.entry((member.to_owned(), kind.to_owned())).or_insert(found);
                }
            }
        }
        Ok(())
    }

    /// Whether a kind of log is on.
    pub(super) fn is_on(&self, kind: &str) -> Fact<bool> {
        match (self.on.get(kind), &self.above) {
            (Some(evidence), _) => Fact::known(true, Rank::Configured, evidence.clone()),
            (None, None) => Fact::at(
                false,
                Rank::Configured,
                self.place.at.clone(),
                format!("{kind} is not switched on for Kubernetes Engine, neither here nor above"),
            ),
            (None, Some(above)) => Fact::unknown(format!(
                "{kind} is off in the project ({}), and folders and organization may switch it on: {above}",
                self.place.at
            )),
        }
    }

    fn exempted(&self) -> Fact<Vec<String>> {
        let list: Vec<String> =
            self.exempted.keys().map(|(member, kind)| format!("{member} ({kind})")).collect();
        match &self.above {
            Some(above) if list.is_empty() => Fact::unknown(format!(
                "the project exempts nobody ({}); whether folders and organization do is not known: {above}",
                self.place.at
            )),
            _ if list.is_empty() => {
                Fact::at(list, Rank::Configured, self.place.at.clone(), "nobody is exempted")
            }
            _ => Fact::known(list, Rank::Configured, self.exempted.values().cloned().collect()),
        }
    }
}

/// The facts.
pub(super) fn facts(scene: &Scene<'_>) -> DataAccess {
    match Configured::read(scene) {
        Ok(configured) => DataAccess {
            admin_read: configured.is_on(ADMIN_READ),
            data_read: configured.is_on(DATA_READ),
            data_write: configured.is_on(DATA_WRITE),
            exempted: configured.exempted(),
        },
        Err(reason) => DataAccess {
            admin_read: Fact::unknown(reason.clone()),
            data_read: Fact::unknown(reason.clone()),
            data_write: Fact::unknown(reason.clone()),
            exempted: Fact::unknown(reason),
        },
    }
}
