//! Where the Data Access audit logs are kept: how long, under whose key, and out of whose reach.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::super::told::{Scene, Told};
use super::entry::{Log, WATCHED, entry, methods};
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
    /// Days for which log buckets of the project keep Data Access logs: of each kind of read that is looked for the longest, of all
    /// kinds the shortest.
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
    let sinks = Sinks::read(scene);
    let flows = sinks.as_ref().map(|sinks| flows(scene, sinks)).map_err(Clone::clone);
    let buckets = buckets(scene);
    let places = match (&flows, &buckets) {
        (Ok(flows), Ok(buckets)) => Ok((flows.as_slice(), buckets)),
        (Err(reason), _) | (_, Err(reason)) => Err(reason.clone()),
    };
    let on = |judge: fn(&[Flow<'_>], &Buckets<'_>) -> Fact<bool>| match &places {
        Ok((flows, buckets)) => judge(flows, buckets),
        Err(reason) => Fact::unknown(reason.clone()),
    };
    Storage {
        admin_activity_days: admin_activity(buckets.as_ref().ok()),
        data_access_days: match &places {
            Ok((flows, buckets)) => days(flows, buckets),
            Err(reason) => Fact::unknown(reason.clone()),
        },
        elsewhere: on(elsewhere),
        is_protected: match &flows {
            Ok(flows) => protected(scene, flows, buckets.as_ref()),
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

/// Where the entries of one kind of read go: sinks that take all of them, or may take some.
type Flow<'s> = Vec<(&'s Sink, Truth)>;

/// The ways of the reads that are looked for, each way once. What no sink takes has none.
fn flows<'s>(scene: &Scene<'_>, sinks: &'s Sinks) -> Vec<Flow<'s>> {
    let mut flows: Vec<Flow<'s>> = Vec::new();
    let kinds = READS.iter().flat_map(|verb| WATCHED.map(|(group, resource)| methods(group, resource, verb)));
    for method in kinds.flatten() {
        let routed = sinks.route(&entry(scene, Log::DataAccess, method)).into_iter();
        let flow: Flow<'s> = routed
            .map(|(sink, outcome)| (sink, outcome.truth))
            .filter(|(_, truth)| *truth != Truth::No)
            .collect();
        let is_same = |other: &Flow<'_>| {
            let names = |flow: &Flow<'_>| {
                flow.iter().map(|(sink, truth)| (sink.at.clone(), *truth)).collect::<Vec<_>>()
            };
            names(other) == names(&flow)
        };
        if !flow.is_empty() && !flows.iter().any(is_same) {
            flows.push(flow);
        }
    }
    flows
}

/// Every sink of some ways, once.
fn sinks_of<'s>(flows: &[Flow<'s>]) -> Vec<&'s Sink> {
    let mut sinks: Vec<&Sink> = Vec::new();
    for (sink, _) in flows.iter().flatten() {
        if !sinks.iter().any(|one| one.at == sink.at) {
            sinks.push(sink);
        }
    }
    sinks
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
    fn item(&self, sink: &Sink) -> Option<&'s Value> {
        let name = sink.bucket()?;
        self.items.iter().find(|one| one.get("name").and_then(Value::as_str) == Some(name))
    }

    /// The bucket that a sink leads to, and how it is called in evidence.
    ///
    /// # Errors
    /// It is not read, or about to go with all that it holds.
    fn of(&self, sink: &Sink) -> Result<(Told<'s>, &'s str), String> {
        let Some(item) = self.item(sink) else {
            return Err(format!(
                "the sink {} sends them to {}, which is not read; look there",
                sink.name, sink.destination
            ));
        };
        let bucket = self.told.part(item);
        let shown = bucket.text("name").and_then(|name| name.rsplit('/').next()).unwrap_or_default();
        match bucket.text("lifecycleState") {
            None | Some("ACTIVE" | "UPDATING" | "CREATING") => Ok((bucket, shown)),
            Some(state) => Err(format!(
                "the bucket {shown} is in the state {state}, so that it is not certain to keep anything ({}); lead the sink {} to another, or restore it",
                bucket.evidence(&format!("{shown}.lifecycleState"), "").at,
                sink.name
            )),
        }
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

/// How long the entries on one way are kept: by the bucket that keeps all of them longest; where none is certain to take all of
/// them, no shorter than by any that may.
fn days_of(flow: &Flow<'_>, buckets: &Buckets<'_>) -> Result<(i64, Evidence), String> {
    let kept = |sink: &Sink| {
        let (bucket, shown) = buckets.of(sink)?;
        let path = format!("{shown}.retentionDays");
        let days = bucket.get("retentionDays").and_then(Value::as_i64);
        let days = days.ok_or_else(|| format!("{} is not told", bucket.evidence(&path, "").at))?;
        Ok((days, bucket.evidence(&path, format!("{days} days"))))
    };
    let certain = flow.iter().filter(|(_, truth)| *truth == Truth::Yes);
    let certain: Vec<Result<_, String>> = certain.map(|(sink, _)| kept(sink)).collect();
    let longest = certain.iter().filter_map(|one| one.as_ref().ok()).max_by_key(|(days, _)| *days);
    match (longest, certain.first()) {
        (Some(longest), _) => Ok(longest.clone()),
        (None, Some(Err(reason))) => Err(reason.clone()),
        _ => {
            let all: Result<Vec<_>, String> = flow.iter().map(|(sink, _)| kept(sink)).collect();
            let shortest = all?.into_iter().min_by_key(|(days, _)| *days);
            shortest.ok_or_else(|| NOWHERE.to_owned())
        }
    }
}

/// The way whose entries are kept for the shortest time, and for how long.
///
/// # Errors
/// It is not known of one of them.
fn shortest<'f, 's>(
    flows: &'f [Flow<'s>],
    buckets: &Buckets<'_>,
) -> Result<Option<(&'f Flow<'s>, i64, Evidence)>, String> {
    let mut shortest: Option<(&Flow<'s>, i64, Evidence)> = None;
    for flow in flows {
        let (days, evidence) = days_of(flow, buckets)?;
        if shortest.as_ref().is_none_or(|(_, least, _)| days < *least) {
            shortest = Some((flow, days, evidence));
        }
    }
    Ok(shortest)
}

fn days(flows: &[Flow<'_>], buckets: &Buckets<'_>) -> Fact<i64> {
    match shortest(flows, buckets) {
        Ok(Some((_, days, evidence))) => Fact::known(days, Rank::Configured, vec![evidence]),
        Ok(None) => Fact::at(0, Rank::Evaluated, "the sinks of the project", NOWHERE),
        Err(reason) => Fact::unknown(reason),
    }
}

fn elsewhere(flows: &[Flow<'_>], buckets: &Buckets<'_>) -> Fact<bool> {
    let (flow, days, evidence) = match shortest(flows, buckets) {
        Ok(Some(shortest)) => shortest,
        Ok(None) => return nowhere(),
        Err(reason) => return Fact::unknown(reason),
    };
    for (sink, _) in flow {
        match buckets.of(sink) {
            Err(reason) => return Fact::unknown(reason),
            Ok((bucket, shown)) if bucket.get("retentionDays").and_then(Value::as_i64) > Some(days) => {
                return Fact::unknown(format!(
                    "whether all of them go to the bucket {shown} as well, which keeps them longer, is not certain"
                ));
            }
            Ok(_) => {}
        }
    }
    Fact::known(false, Rank::Configured, vec![evidence])
}

/// No, for there is nothing.
fn nowhere() -> Fact<bool> {
    Fact::at(false, Rank::Evaluated, "the sinks of the project", NOWHERE)
}

/// Whether what a sink leads to belongs to somebody else than the project.
fn is_away(scene: &Scene<'_>, sink: &Sink) -> bool {
    let own = scene.identity.account.as_ref().map(|project| format!("projects/{project}"));
    // A number may stand for the own project.
    let is_name = |owner: &str| owner.rsplit('/').next().is_some_and(|name| name.parse::<u64>().is_err());
    sink.receiver().is_some_and(|owner| {
        !owner.starts_with("projects/") || is_name(&owner) && own.as_ref().is_some_and(|own| *own != owner)
    })
}

fn protected(scene: &Scene<'_>, flows: &[Flow<'_>], buckets: Result<&Buckets<'_>, &String>) -> Fact<bool> {
    if flows.is_empty() {
        return nowhere();
    }
    // What protects a place: known, known not to, or not known why.
    let of_sink = |sink: &Sink| -> Result<(bool, Evidence), String> {
        if is_away(scene, sink) {
            let detail = format!("a copy goes to {}", sink.destination);
            return Ok((true, Evidence { at: format!("{}.destination", sink.at), detail }));
        }
        let (bucket, shown) = buckets.map_err(Clone::clone)?.of(sink)?;
        let path = format!("{shown}.locked");
        match bucket.switch("locked", false) {
            Fact::Known(known) => {
                let detail = if known.value { "locked" } else { "not locked" };
                Ok((known.value, bucket.evidence(&path, detail)))
            }
            Fact::Unknown(_) => Err(format!("{} is neither true nor false", bucket.evidence(&path, "").at)),
        }
    };
    let (mut proof, mut doubt) = (Vec::new(), None);
    for flow in flows {
        let places: Vec<_> = flow.iter().map(|(sink, truth)| (*truth, of_sink(sink))).collect();
        let is_safe = |truth: Truth, place: &Result<(bool, Evidence), String>| {
            truth == Truth::Yes && matches!(place, Ok((true, _)))
        };
        let all_are_safe = places.iter().all(|(_, place)| matches!(place, Ok((true, _))));
        if let Some((_, Ok((_, evidence)))) =
            places.iter().find(|(truth, place)| all_are_safe || is_safe(*truth, place))
        {
            if !proof.contains(evidence) {
                proof.push(evidence.clone());
            }
            continue;
        }
        let unknown = places.iter().find_map(|(_, place)| match place {
            Err(reason) => Some(reason.clone()),
            Ok((true, evidence)) => {
                Some(format!("whether all of them get there is not certain ({})", evidence.at))
            }
            Ok((false, _)) => None,
        });
        if let Some(reason) = unknown {
            doubt = doubt.or(Some(reason));
        } else {
            let evidence = places.into_iter().filter_map(|(_, place)| place.ok()).map(|(_, one)| one);
            return Fact::known(false, Rank::Configured, evidence.collect());
        }
    }
    match doubt {
        Some(reason) => Fact::unknown(format!("not all of them are known to be protected: {reason}")),
        None => Fact::known(true, Rank::Configured, proof),
    }
}

fn own_key(flows: &[Flow<'_>], buckets: &Buckets<'_>) -> Fact<bool> {
    let sinks = sinks_of(flows);
    let mut evidence = Vec::new();
    for sink in sinks.iter().filter(|sink| buckets.item(sink).is_some()) {
        let (bucket, shown) = match buckets.of(sink) {
            Ok(found) => found,
            Err(reason) => return Fact::unknown(reason),
        };
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
        let places: Vec<&str> = sinks.iter().map(|sink| sink.destination.as_str()).collect();
        return Fact::unknown(format!("how {} is encrypted is not read; look there", places.join(", ")));
    }
    Fact::known(true, Rank::Configured, evidence)
}
