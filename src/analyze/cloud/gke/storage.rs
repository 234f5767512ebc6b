//! Where the Data Access audit logs are kept: how long, under whose key, and out of whose reach.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::super::told::{Scene, Told};
use super::entry::{Log, any_method, entry};
use super::filter::Truth;
use super::sinks::{Sink, Sinks, foreign};
use super::{READS, items, told};
use crate::analyze::fact::Fact;
use crate::verdict::{Evidence, Rank};

/// How long `_Required` keeps Admin Activity logs, which nobody can change
/// (<https://cloud.google.com/logging/docs/buckets#required-bucket>).
const REQUIRED_DAYS: i64 = 400;

/// What is said where no sink takes Data Access logs.
const NOWHERE: &str = "no sink takes the Data Access logs of the cluster";

/// Where audit logs are kept.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Storage {
    /// Days for which Admin Activity logs are kept.
    pub admin_activity_days: Fact<i64>,
    /// Days for which a log bucket of the project keeps Data Access logs, the longest if there are several.
    pub data_access_days: Fact<i64>,
    /// Whether Data Access logs go to a place besides that may keep them longer. It is never known to be so, for such places are
    /// not read.
    pub elsewhere: Fact<bool>,
    /// Whether nobody in the project can shorten or delete Data Access logs: a locked bucket, or one of another project.
    pub is_protected: Fact<bool>,
    /// Whether the project's buckets with Data Access logs are encrypted with a key of the customer's own.
    pub own_key: Fact<bool>,
    /// The customer's key with which the log router encrypts; empty for Google's.
    pub router_key: Fact<String>,
}

/// The facts.
pub(super) fn facts(scene: &Scene<'_>) -> Storage {
    let taking = taking(scene);
    let buckets = buckets(scene);
    let on = |judge: fn(&[Sink], &Buckets<'_>) -> Fact<bool>| match (&taking, &buckets) {
        (Ok(sinks), Ok(buckets)) => judge(sinks, buckets),
        (Err(reason), _) | (_, Err(reason)) => Fact::unknown(reason.clone()),
    };
    Storage {
        admin_activity_days: admin_activity(buckets.as_ref().ok()),
        data_access_days: match (&taking, &buckets) {
            (Ok(sinks), Ok(buckets)) => days(sinks, buckets),
            (Err(reason), _) | (_, Err(reason)) => Fact::unknown(reason.clone()),
        },
        elsewhere: on(elsewhere),
        is_protected: match &taking {
            Ok(sinks) => protected(scene, sinks, buckets.as_ref()),
            Err(reason) => Fact::unknown(reason.clone()),
        },
        own_key: on(own_key),
        router_key: match told(scene, "gke/log-settings", "") {
            Ok(told) => {
                let key = told.text("kmsKeyName").unwrap_or_default();
                told.fact(key.to_owned(), "kmsKeyName", if key.is_empty() { "not set" } else { key })
            }
            Err(reason) => Fact::unknown(reason),
        },
    }
}

/// The sinks that take some Data Access logs of the cluster, or may.
fn taking(scene: &Scene<'_>) -> Result<Vec<Sink>, String> {
    let Sinks { list: mut sinks, .. } = Sinks::read(scene)?;
    sinks.retain(|sink| {
        READS
            .iter()
            .any(|verb| sink.takes(&entry(scene, Log::DataAccess, any_method(verb))).truth != Truth::No)
    });
    Ok(sinks)
}

struct Buckets<'s> {
    told: Told<'s>,
    items: &'s [Value],
}

fn buckets<'s>(scene: &Scene<'s>) -> Result<Buckets<'s>, String> {
    let told = told(scene, "gke/buckets", "")?;
    let items = items(&told)?;
    let names = || items.iter().filter_map(|one| one.get("name").and_then(Value::as_str));
    let owner = |name: &str| name.split('/').take(2).collect::<Vec<_>>().join("/");
    let Some(required) = names().find(|name| name.ends_with("/buckets/_Required")) else {
        return Err(format!(
            "{} lacks the bucket _Required, which every project has; it is no list of a project's buckets",
            told.evidence("", "").at
        ));
    };
    match foreign(scene, Some(&owner(required)), &told) {
        Some(reason) => Err(reason),
        None => Ok(Buckets { told, items }),
    }
}

impl<'s> Buckets<'s> {
    /// A bucket by its full name, and how it is called in evidence.
    fn get(&self, name: &str) -> Option<(Told<'s>, &'s str)> {
        let item = self.items.iter().find(|one| one.get("name").and_then(Value::as_str) == Some(name))?;
        let shown = item.get("name").and_then(Value::as_str).and_then(|name| name.rsplit('/').next());
        Some((self.told.part(item), shown.unwrap_or_default()))
    }

    /// The buckets that sinks lead to.
    fn of<'a>(&'a self, sinks: &'a [Sink]) -> impl Iterator<Item = (Told<'s>, &'s str)> + 'a {
        sinks.iter().filter_map(|sink| self.get(sink.bucket()?))
    }
}

fn admin_activity(buckets: Option<&Buckets<'_>>) -> Fact<i64> {
    let read = buckets.and_then(|buckets| {
        let of_it = |one: &&Value| {
            one.get("name").and_then(Value::as_str).is_some_and(|name| name.ends_with("/buckets/_Required"))
        };
        let told = buckets.told.part(buckets.items.iter().find(of_it)?);
        let days = told.get("retentionDays")?.as_i64()?;
        Some(told.fact(days, "_Required.retentionDays", format!("{days} days")))
    });
    let documented = || {
        Fact::at(
            REQUIRED_DAYS,
            Rank::Documented,
            "the bucket _Required",
            "it keeps them for 400 days, which nobody can change",
        )
    };
    read.unwrap_or_else(documented)
}

fn days(sinks: &[Sink], buckets: &Buckets<'_>) -> Fact<i64> {
    let mut longest: Option<(i64, Evidence)> = None;
    for (bucket, shown) in buckets.of(sinks) {
        let path = format!("{shown}.retentionDays");
        let Some(days) = bucket.get("retentionDays").and_then(Value::as_i64) else {
            return Fact::unknown(format!("{} is not told", bucket.evidence(&path, "").at));
        };
        if longest.as_ref().is_none_or(|(most, _)| days > *most) {
            longest = Some((days, bucket.evidence(&path, format!("{days} days"))));
        }
    }
    match longest {
        Some((days, evidence)) => Fact::known(days, Rank::Configured, vec![evidence]),
        None if sinks.is_empty() => Fact::at(0, Rank::Evaluated, "the sinks of the project", NOWHERE),
        None => Fact::unknown(format!(
            "Data Access logs go to {}, of which the retention is not read; look there",
            destinations(sinks)
        )),
    }
}

fn destinations(sinks: &[Sink]) -> String {
    let mut list: Vec<&str> = sinks.iter().map(|sink| sink.destination.as_str()).collect();
    list.dedup();
    list.join(", ")
}

fn elsewhere(sinks: &[Sink], buckets: &Buckets<'_>) -> Fact<bool> {
    let unread = |sink: &&Sink| sink.bucket().is_none_or(|name| buckets.get(name).is_none());
    let evidence =
        || buckets.of(sinks).map(|(bucket, shown)| bucket.evidence(shown, "its retention is told")).collect();
    match sinks.iter().find(unread) {
        Some(sink) => Fact::unknown(format!(
            "the sink {} sends them to {} as well, of which the retention is not read; look there",
            sink.name, sink.destination
        )),
        None if sinks.is_empty() => nowhere(),
        None => Fact::known(false, Rank::Configured, evidence()),
    }
}

/// No, for there is nothing.
fn nowhere() -> Fact<bool> {
    Fact::at(false, Rank::Evaluated, "the sinks of the project", NOWHERE)
}

fn protected(scene: &Scene<'_>, sinks: &[Sink], buckets: Result<&Buckets<'_>, &String>) -> Fact<bool> {
    if sinks.is_empty() {
        return nowhere();
    }
    let own = scene.identity.account.as_ref().map(|project| format!("projects/{project}"));
    let entries = || READS.iter().map(|verb| entry(scene, Log::DataAccess, any_method(verb)));
    let away = |sink: &&Sink| {
        let is_certain = entries().any(|entry| sink.takes(&entry).truth == Truth::Yes);
        // A number may stand for the own project.
        let is_name = |owner: &str| owner.rsplit('/').next().is_some_and(|name| name.parse::<u64>().is_err());
        let is_other = |owner: &String| {
            !owner.starts_with("projects/") || is_name(owner) && own.is_some() && Some(owner) != own.as_ref()
        };
        is_certain && sink.receiver().as_ref().is_some_and(is_other)
    };
    if let Some(sink) = sinks.iter().find(away) {
        let detail = format!("a copy goes to {}", sink.destination);
        return Fact::at(true, Rank::Configured, format!("{}.destination", sink.at), detail);
    }
    let buckets = match buckets {
        Ok(buckets) => buckets,
        Err(reason) => return Fact::unknown(reason.clone()),
    };
    let mut evidence = Vec::new();
    for (bucket, shown) in buckets.of(sinks) {
        let locked = bucket.switch("locked", false);
        if locked.value() == Some(&true) {
            return bucket.fact(true, &format!("{shown}.locked"), "locked");
        }
        evidence.push(bucket.evidence(&format!("{shown}.locked"), "not locked"));
    }
    let unread = |sink: &&Sink| sink.bucket().is_none_or(|name| buckets.get(name).is_none());
    match sinks.iter().find(unread) {
        Some(sink) => Fact::unknown(format!(
            "no bucket of the project is locked, and what protects {}, to which the sink {} leads, is not read; look there",
            sink.destination, sink.name
        )),
        None => Fact::known(false, Rank::Configured, evidence),
    }
}

fn own_key(sinks: &[Sink], buckets: &Buckets<'_>) -> Fact<bool> {
    let mut evidence = Vec::new();
    for (bucket, shown) in buckets.of(sinks) {
        let path = format!("{shown}.cmekSettings.kmsKeyName");
        match bucket.text("cmekSettings.kmsKeyName").filter(|key| !key.is_empty()) {
            Some(_) => evidence.push(bucket.evidence(&path, "a key of the customer's own")),
            None => return bucket.fact(false, &path, "not set, so that the key is Google's"),
        }
    }
    if sinks.is_empty() {
        return Fact::unknown(format!("{NOWHERE}, so that there is nothing to encrypt"));
    }
    if evidence.is_empty() {
        return Fact::unknown(format!("how {} is encrypted is not read; look there", destinations(sinks)));
    }
    Fact::known(true, Rank::Configured, evidence)
}
