//! Amazon EKS.
//!
//! | module | facts on |
//! | --- | --- |
//! | [`settings`] | the cluster itself: log types, health, how long Events stay |
//! | [`log_group`] | the log group in which the control plane's logs are kept |
//! | [`watch`] | who is told of what is in it, and what is carried on from it |
//! | `account` | what the account records and watches beside: `CloudTrail`, `GuardDuty`, flow logs |
//! | [`pods`] | the logs of pods: the `CloudWatch` add-on, Fargate |

pub mod account;
pub mod log_group;
pub mod pods;
pub mod settings;
pub mod watch;

#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use self::account::Trail;
use self::log_group::LogGroup;
use self::pods::{Addon, Fargate};
use self::watch::Watch;
use super::recorded::{Lost, Recorded};
use super::told::{Scene, Told};
use crate::analyze::fact::Fact;
use crate::snapshot::cloud::eks::PAGES;
use crate::verdict::Evidence;

/// The cluster as EKS knows it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Eks {
    /// Its name.
    pub name: String,
    /// Whether the audit log goes to `CloudWatch` Logs.
    pub audit: Fact<bool>,
    /// The types of log that go there: `api`, `audit`, `authenticator`, `controllerManager`, `scheduler`, and what else there
    /// may be.
    pub log_types: Fact<Vec<String>>,
    /// The codes of what EKS says is wrong with the cluster: `KmsKeyDisabled`.
    pub health_issues: Fact<Vec<String>>,
    /// For how many minutes the apiserver keeps Events.
    pub event_ttl_minutes: Fact<i64>,
    /// Whether the cluster is protected from being deleted.
    pub deletion_protection: Fact<bool>,
    /// Where the logs of the control plane are kept.
    pub log_group: LogGroup,
    /// Who is told of what is in them, and what is carried on.
    pub watch: Watch,
    /// Whether `GuardDuty` looks for attacks in audit events, which it reads by a way of its own and does not keep.
    pub guard_duty: Fact<bool>,
    /// Changes to the cluster's settings in `CloudTrail`.
    pub trail: Trail,
    /// Whether all connections in the cluster's VPC are logged.
    pub flow_logs: Fact<bool>,
    /// The `CloudWatch` add-on.
    pub addon: Addon,
    /// Pods on Fargate.
    pub fargate: Fargate,
}

/// The facts.
pub fn facts(scene: &Scene<'_>) -> Eks {
    Eks {
        name: scene.name(),
        audit: settings::log_type(scene, "audit"),
        log_types: settings::log_types(scene),
        health_issues: settings::health_issues(scene),
        event_ttl_minutes: settings::event_ttl_minutes(scene),
        deletion_protection: settings::deletion_protection(scene),
        log_group: log_group::facts(scene),
        watch: watch::facts(scene),
        guard_duty: account::guard_duty(scene),
        trail: account::trail(scene),
        flow_logs: account::flow_logs(scene),
        addon: pods::addon(scene),
        fargate: pods::fargate(scene),
    }
}

/// What reaches the audit log.
pub fn recorded(scene: &Scene<'_>) -> Recorded {
    let known = match settings::log_type(scene, "audit") {
        Fact::Unknown(unknown) => return Recorded::Unread(unknown.reason),
        Fact::Known(known) => known,
    };
    let first = |evidence: &[Evidence]| evidence.first().map_or_else(String::new, |one| one.at.clone());
    let at = first(&known.evidence);
    if !known.value {
        let lost = vec![Lost::everything(&at, "the log type audit is off")];
        return Recorded::Read { at, lost, doubtful: Vec::new() };
    }
    // Nothing may have been delivered yet; or somebody has deleted what was.
    let doubtful = match log_group::exists(scene) {
        Fact::Known(exists) if !exists.value => {
            vec![Lost::everything(first(&exists.evidence), "the log group does not exist")]
        }
        _ => Vec::new(),
    };
    Recorded::Read { at, lost: Vec::new(), doubtful }
}

/// The answer to a call. Where it was not made because the cluster was not found, that is the reason.
fn told<'s>(scene: &Scene<'s>, call: &'static str, of: &str) -> Result<Told<'s>, String> {
    const CLUSTER: &str = "eks/describe-cluster";
    let has = |call, of| scene.snapshot.cloud.answer(call, of).is_some();
    if !has(call, of) && has(CLUSTER, "") {
        let cluster = scene.told(CLUSTER, "")?;
        if cluster.text("name").is_none() {
            return Err(format!("{} names no cluster", cluster.evidence("", "").at));
        }
    }
    scene.told(call, of)
}

/// The answer about one thing. That a list which was saved holds nothing of it is no evidence: it does not say of which region
/// and account it is, nor what was asked for.
fn about<'s>(scene: &Scene<'s>, call: &'static str, of: &str) -> Result<Told<'s>, String> {
    if scene.snapshot.cloud.answer(call, of).is_some() {
        return told(scene, call, of);
    }
    let other = told(scene, call, "")?;
    Err(format!(
        "{} holds nothing of {of} and does not say of which region and account it is; run with --cloud cli, and --cloud-dump to keep its answers",
        other.evidence("", "").at
    ))
}

/// A list about one thing. An answer without the list is none: only an empty list says that there is nothing.
fn listed<'s>(
    scene: &Scene<'s>,
    call: &'static str,
    of: &str,
    path: &str,
) -> Result<(Told<'s>, &'s [Value]), String> {
    items(about(scene, call, of)?, path)
}

/// The items of a list in an answer.
fn items<'s>(told: Told<'s>, path: &str) -> Result<(Told<'s>, &'s [Value]), String> {
    let items = told.items(path);
    items.map(|items| (told, items)).ok_or_else(|| format!("{} is no list", told.evidence(path, "").at))
}

/// What further pages of a list may hold, where only the first was given.
fn further(told: Told<'_>) -> Option<Fact<bool>> {
    let is_part = PAGES.into_iter().any(|key| told.get(key).is_some());
    is_part.then(|| {
        Fact::unknown(format!(
            "{} is not the whole list; give all that the command prints without --max-items and --no-paginate",
            told.evidence("", "").at
        ))
    })
}

/// Whether any is so: true as soon as one is, `none` where there are none.
fn any(facts: impl IntoIterator<Item = Fact<bool>>, none: Fact<bool>) -> Fact<bool> {
    facts.into_iter().reduce(Fact::or).unwrap_or(none)
}

/// An item of a list, which knows where it stands.
#[derive(Debug, Clone)]
struct Item<'s> {
    told: Told<'s>,
    value: &'s Value,
    path: String,
}

impl<'s> Item<'s> {
    /// One of a list, by what tells it from others.
    fn new(told: Told<'s>, list: &str, value: &'s Value, name: &str) -> Self {
        Self { told, value, path: format!("{list}[{name}]") }
    }

    fn field(&self, name: &str) -> Option<&'s Value> {
        self.value.get(name).filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Option<&'s str> {
        text(self.value, name)
    }

    /// The place of a field.
    fn at(&self, field: &str) -> String {
        self.told.evidence(&format!("{}.{field}", self.path), "").at
    }

    /// A fact that rests on a field.
    fn fact<T>(&self, value: T, field: &str, detail: impl Into<String>) -> Fact<T> {
        self.told.fact(value, &format!("{}.{field}", self.path), detail)
    }

    /// Something that the answer says, or leaves out, and that is not understood.
    fn odd<T>(&self, field: &str) -> Fact<T> {
        let said = self.field(field).map_or_else(|| "missing".to_owned(), Value::to_string);
        Fact::unknown(format!("{} is {said}, which is not known here", self.at(field)))
    }

    /// A switch that is off where it is missing.
    fn switch(&self, field: &str) -> Fact<bool> {
        match self.field(field) {
            None => self.fact(false, field, "not set"),
            Some(Value::Bool(is_on)) => self.fact(*is_on, field, is_on.to_string()),
            Some(_) => self.odd(field),
        }
    }

    /// One of a few words: those that are good, and those that are not.
    fn word(&self, field: &str, good: &str, bad: &[&str]) -> Fact<bool> {
        match self.text(field) {
            Some(word) if word == good => self.fact(true, field, word),
            Some(word) if bad.contains(&word) => self.fact(false, field, word),
            _ => self.odd(field),
        }
    }
}

/// The account that an ARN names; none if it names none, as those of buckets.
fn account(arn: &str) -> Option<&str> {
    arn.split(':').nth(4).filter(|account| !account.is_empty())
}

/// Whether an ARN names another account than the cluster's.
fn is_foreign(scene: &Scene<'_>, arn: &str) -> bool {
    let own = scene.identity.account.as_deref();
    matches!((account(arn), own), (Some(account), Some(own)) if account != own)
}

/// A text of an item.
fn text<'v>(item: &'v Value, key: &str) -> Option<&'v str> {
    item.get(key).and_then(Value::as_str)
}

/// The texts in a list.
fn texts<'v>(item: &'v Value, key: &str) -> Vec<&'v str> {
    item.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}
