//! Which alert policies watch the audit logs of the cluster, and whether they tell anybody.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::super::told::Scene;
use super::entry::{Log, any_method, entry};
use super::filter::{Filter, Truth};
use super::{items, told};
use crate::analyze::fact::Fact;
use crate::verdict::{Evidence, Rank};

/// What a filter names that is meant for audit logs.
const MARKS: [&str; 3] = ["cloudaudit", "protopayload", "k8s_cluster"];

/// The verbs of whose entries a filter may be meant.
const VERBS: [&str; 8] = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];

/// How the type of a log-based metric begins in the filter of a condition.
const USER_METRIC: &str = "logging.googleapis.com/user/";

/// Alert policies of the project that watch audit logs.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Alerts {
    /// Those that are on, by name.
    pub policies: Fact<Vec<String>>,
    /// Those of them that tell nobody.
    pub silent: Fact<Vec<String>>,
}

/// The facts.
pub(super) fn facts(scene: &Scene<'_>) -> Alerts {
    match watching(scene) {
        Ok(found) => {
            let all = || found.list.iter().map(|one| one.evidence.clone());
            let silent = || found.list.iter().filter(|one| one.is_silent);
            let list = |names: Vec<String>, evidence: Vec<Evidence>| {
                let evidence = if evidence.is_empty() { vec![found.none.clone()] } else { evidence };
                Fact::known(names, Rank::Configured, evidence)
            };
            let policies = list(found.list.iter().map(|one| one.name.clone()).collect(), all().collect());
            let telling = if silent().next().is_some() {
                silent().map(|one| one.evidence.clone()).collect()
            } else {
                all().collect()
            };
            let silent = list(silent().map(|one| one.name.clone()).collect(), telling);
            match &found.untold {
                Some(reason) if found.list.is_empty() => {
                    Alerts { policies: Fact::unknown(reason.clone()), silent: Fact::unknown(reason.clone()) }
                }
                _ => Alerts { policies, silent },
            }
        }
        Err(reason) => Alerts { policies: Fact::unknown(reason.clone()), silent: Fact::unknown(reason) },
    }
}

/// Whether a filter is meant for audit logs, or why that is not known.
type ForAudit = Result<bool, String>;

struct Watching {
    list: Vec<Found>,
    /// Evidence that there is nothing else.
    none: Evidence,
    /// Why there may be more.
    untold: Option<String>,
}

struct Found {
    name: String,
    is_silent: bool,
    evidence: Evidence,
}

fn watching(scene: &Scene<'_>) -> Result<Watching, String> {
    let told = told(scene, "gke/alert-policies", "")?;
    let items = items(&told)?;
    let metrics = metrics(scene);
    let mut watching = Watching {
        list: Vec::new(),
        none: told.evidence("", "no alert policy watches audit logs"),
        untold: None,
    };
    for item in items {
        let policy = told.part(item);
        let name = policy.text("displayName").or_else(|| policy.text("name")).unwrap_or("(without a name)");
        if policy.get("enabled") == Some(&Value::Bool(false)) {
            continue;
        }
        let channels = policy.items("notificationChannels").unwrap_or_default();
        let conditions = policy.items("conditions").unwrap_or_default();
        let filters = conditions.iter().flat_map(|condition| {
            ["conditionMatchedLog", "conditionThreshold", "conditionAbsent"]
                .into_iter()
                .filter_map(move |kind| condition.get(kind)?.get("filter")?.as_str().map(|text| (kind, text)))
        });
        for (kind, text) in filters {
            let watches = match (kind, text.split_once(USER_METRIC), &metrics) {
                ("conditionMatchedLog", ..) => is_for_audit(scene, text),
                (_, None, _) => Ok(false),
                (_, Some((_, rest)), Ok(metrics)) => metrics
                    .iter()
                    .find(|(metric, _)| names(rest, metric))
                    .map_or(Ok(false), |(_, counts)| counts.clone()),
                (_, Some(_), Err(reason)) => Err(reason.clone()),
            };
            let watches = watches.unwrap_or_else(|reason| {
                watching.untold =
                    Some(format!("what the alert policy {name} watches is not known: {reason}"));
                false
            });
            if watches {
                let detail = if channels.is_empty() { "it tells nobody" } else { "it tells somebody" };
                let evidence = policy.evidence(&format!("{name}.notificationChannels"), detail);
                watching.list.push(Found { name: name.to_owned(), is_silent: channels.is_empty(), evidence });
                break;
            }
        }
    }
    Ok(watching)
}

/// Whether the rest of a metric's type begins with its whole name.
fn names(rest: &str, metric: &str) -> bool {
    let after = rest.strip_prefix(metric);
    after.is_some_and(|after| !after.starts_with(|c: char| c.is_alphanumeric() || "_-./".contains(c)))
}

/// The log-based metrics, and whether each counts entries of audit logs.
fn metrics(scene: &Scene<'_>) -> Result<Vec<(String, ForAudit)>, String> {
    let told = told(scene, "gke/metrics", "")?;
    let items = items(&told)?;
    let metric = |one: &Value| {
        let name = one.get("name").and_then(Value::as_str)?.to_owned();
        let filter = one.get("filter").and_then(Value::as_str).unwrap_or_default();
        let is_on = one.get("disabled") != Some(&Value::Bool(true));
        Some((name, if is_on { is_for_audit(scene, filter) } else { Ok(false) }))
    };
    Ok(items.iter().filter_map(metric).collect())
}

/// Whether a filter is meant for the cluster's audit logs: it names something of theirs, and may match an entry.
///
/// # Errors
/// It cannot be read.
fn is_for_audit(scene: &Scene<'_>, text: &str) -> ForAudit {
    let lower = text.to_lowercase();
    if !MARKS.iter().any(|mark| lower.contains(mark)) {
        return Ok(false);
    }
    let filter = Filter::parse(text)?;
    let matches = |log, verb| filter.matches(&entry(scene, log, any_method(verb))) != Truth::No;
    Ok([Log::Activity, Log::DataAccess].into_iter().any(|log| VERBS.iter().any(|verb| matches(log, verb))))
}
