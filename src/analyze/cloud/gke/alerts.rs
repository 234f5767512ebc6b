//! Which alert policies watch the audit logs of the cluster, and whether they tell anybody.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::super::told::{Scene, Told};
use super::entry::{Log, any_method, entry, methods};
use super::filter::{Filter, Text, Truth};
use super::sinks::foreign;
use super::{items, told};
use crate::analyze::fact::Fact;
use crate::analyze::policy::apis::Apis;
use crate::analyze::policy::load::NEWEST;
use crate::verdict::{Evidence, Rank};

/// What only a filter names that is meant for audit logs.
const MARKS: [&str; 2] = ["cloudaudit", "protopayload"];

/// What a filter names that is meant for audit logs or for events.
const CLUSTER: &str = "k8s_cluster";

/// The kinds of conditions whose filters are read.
const KINDS: [&str; 3] = ["conditionMatchedLog", "conditionThreshold", "conditionAbsent"];

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
    if let Some(reason) = of_another(scene, &told, items, "name") {
        return Err(reason);
    }
    let metrics = metrics(scene);
    let mut watching = Watching {
        list: Vec::new(),
        none: told.evidence("", "no alert policy watches audit logs"),
        untold: None,
    };
    for item in items {
        let policy = told.part(item);
        let name = policy.text("displayName").or_else(|| policy.text("name")).unwrap_or("(without a name)");
        let mut untold = |reason: String| {
            watching.untold = Some(format!("what the alert policy {name} watches is not known: {reason}"));
        };
        match policy.switch("enabled", true) {
            Fact::Known(known) if known.value => {}
            Fact::Known(_) => continue,
            Fact::Unknown(unknown) => {
                untold(unknown.reason);
                continue;
            }
        }
        let channels = policy.items("notificationChannels").unwrap_or_default();
        for condition in policy.items("conditions").unwrap_or_default() {
            let filter = |kind| Some((kind, condition.get(kind)?.get("filter")?.as_str()?));
            let Some((kind, text)) = KINDS.into_iter().find_map(filter) else {
                untold(
                    "it has a condition without a filter, such as a query in PromQL or SQL; read that".into(),
                );
                continue;
            };
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
                untold(reason);
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

/// Why things are of another project than the cluster's, if the field with their full names shows that.
fn of_another(scene: &Scene<'_>, told: &Told<'_>, items: &[Value], field: &str) -> Option<String> {
    let owner = |one: &Value| {
        let name = one.get(field).and_then(Value::as_str)?;
        Some(name.split('/').take(2).collect::<Vec<_>>().join("/"))
    };
    items.iter().find_map(|one| foreign(scene, owner(one).as_deref(), told))
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
    if let Some(reason) = of_another(scene, &told, items, "resourceName") {
        return Err(reason);
    }
    let metric = |one| {
        let metric = told.part(one);
        let name = metric.text("name")?.to_owned();
        let counts = match metric.switch("disabled", false) {
            Fact::Known(known) if known.value => Ok(false),
            Fact::Known(_) => is_for_audit(scene, metric.text("filter").unwrap_or_default()),
            Fact::Unknown(unknown) => Err(unknown.reason),
        };
        Some((name, counts))
    };
    Ok(items.iter().filter_map(metric).collect())
}

/// Whether a filter is meant for the cluster's audit logs: it certainly matches a request to one of Kubernetes' own resources, or
/// may match one and names something that only audit logs have.
///
/// # Errors
/// It cannot be read, or may be meant for something else.
fn is_for_audit(scene: &Scene<'_>, text: &str) -> ForAudit {
    let lower = text.to_lowercase();
    let is_marked = MARKS.iter().any(|mark| lower.contains(mark));
    if !is_marked && !lower.contains(CLUSTER) {
        return Ok(false);
    }
    let filter = Filter::parse(text)?;
    let logs = [Log::Activity, Log::DataAccess];
    let matches =
        |method: &Text| logs.map(|log| filter.matches(&entry(scene, log, method.clone()))).into_iter().max();
    if VERBS.iter().all(|verb| matches(&any_method(verb)) == Some(Truth::No)) {
        return Ok(false);
    }
    let apis = Apis::of_version(NEWEST);
    let resources = apis.resources.iter().flat_map(|((group, resource), of_it)| {
        let below = of_it.subresources.keys().map(move |name| format!("{resource}/{name}"));
        std::iter::once(resource.clone()).chain(below).map(move |resource| (group, resource))
    });
    let requests =
        resources.flat_map(|(group, resource)| VERBS.map(|verb| methods(group, &resource, verb))).flatten();
    match requests.filter_map(|method| matches(&method)).max() {
        Some(Truth::Yes) => Ok(true),
        Some(Truth::Perhaps) if is_marked => Ok(true),
        _ => Err(format!("whether `{text}` is meant for the cluster's audit logs is not certain")),
    }
}
