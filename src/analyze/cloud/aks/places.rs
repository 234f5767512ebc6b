//! What the places that take logs do with them: how long they keep them, and what can stop or delete them.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::destinations::{Destination, destinations, exported};
use super::resource::ResourceId;
use super::settings::{Settings, TargetKind};
use crate::analyze::cloud::told::{Scene, Told};
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// A place that takes logs of the control plane.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// What it is: `the table AKSAudit of the workspace law-prod`.
    pub name: String,
    /// `workspace`, `storage`, `event-hub`, `partner` or `service-bus`; `not-known` where it is not known whether there is one.
    pub kind: String,
    /// What sends there: the name of a diagnostic setting, or `data export` and its name.
    pub by: String,
    /// Whether it takes audit events.
    pub audit: bool,
    /// Whether get and list are among them.
    pub reads: bool,
    /// Whether it lies in another resource group than the cluster and its nodes.
    pub other_group: Fact<bool>,
    /// Whether it lies in another subscription than the cluster.
    pub other_subscription: Fact<bool>,
    /// For how many days it keeps logs in all.
    pub retention_days: Fact<i64>,
    /// For how many of these days they can be searched at once.
    pub searchable_days: Fact<i64>,
    /// For how many days nobody can change or delete them, by a locked policy; 0 without one.
    pub immutable_days: Fact<i64>,
    /// Whether a workspace stops taking logs for the day when it has taken a set amount.
    pub capped: Fact<bool>,
    /// Whether a workspace takes logs at present.
    pub takes_in: Fact<bool>,
    /// The plan of a workspace's table: `Analytics`, `Basic`, `Auxiliary`.
    pub plan: Fact<String>,
}

/// What the facts of a place are made from.
struct Site<'s> {
    scene: Scene<'s>,
    /// The answer to which the settings belong.
    settings: Told<'s>,
    /// The cluster's settings, or why they are not known.
    cluster: Result<Told<'s>, String>,
    /// Whether there is only one workspace, so that an answer without a name can only be about it.
    is_alone: bool,
}

/// Every place.
pub fn places(
    scene: Scene<'_>,
    told: Told<'_>,
    settings: &Settings<'_>,
    cluster: Result<Told<'_>, String>,
) -> Vec<Place> {
    let direct = destinations(settings);
    let is_workspace = |one: &&Destination| one.kind == TargetKind::Workspace;
    let first = direct.iter().find(is_workspace);
    let is_alone = direct
        .iter()
        .filter(is_workspace)
        .all(|one| first.is_some_and(|first| first.id.eq_ignore_ascii_case(&one.id)));
    let site = Site { scene, settings: told, cluster, is_alone };
    let mut found: Vec<Place> = direct.iter().map(|one| site.place(one)).collect();
    let is_source = |one: &&Destination| is_workspace(one) && one.audit && one.doubt.is_none();
    for one in direct.iter().filter(is_source) {
        let exports = site.told("aks/data-exports", &one.id).and_then(|told| exported(one, told.value));
        match exports {
            Ok(exports) => found.extend(exports.iter().map(|one| site.place(one))),
            // Somewhere else there may be another copy.
            Err(reason) => found.push(site.place(&Destination {
                by: "data exports".into(),
                doubt: Some(reason),
                ..one.clone()
            })),
        }
    }
    found
}

impl<'s> Site<'s> {
    fn told(&self, call: &'static str, of: &str) -> Result<Told<'s>, String> {
        let exact = self.scene.told(call, of);
        let has_nameless = || self.scene.snapshot.cloud.answer(call, "").is_some();
        if exact.is_err() && self.is_alone && has_nameless() { self.scene.told(call, "") } else { exact }
    }

    /// A place. Of a doubtful one nothing more is known than that it may exist.
    fn place(&self, one: &Destination) -> Place {
        let perhaps = one.doubt.as_deref();
        let id = ResourceId::parse(&one.id);
        let name = id.map_or(one.id.as_str(), |id| id.name);
        let other = |fact: Fact<bool>| perhaps.map_or(fact, Fact::unknown);
        let days = |fact: Fact<i64>| perhaps.map_or(fact, Fact::unknown);
        let table = one.table_id().map_or_else(
            || {
                Err("in which table the logs are is not known: the setting has a mode that is not known"
                    .into())
            },
            |id| self.told("aks/table", &id),
        );
        let workspace = self.told("aks/workspace", &one.id);
        let is_workspace = one.kind == TargetKind::Workspace && perhaps.is_none();
        let only = || format!("only workspaces have that, and {name} is none");
        let not_seen = || match one.kind {
            TargetKind::Storage => format!(
                "rules that delete blobs are not read; `az storage account management-policy show --account-name {name}` prints them"
            ),
            _ => format!("what becomes of the logs behind {name} is not seen; look where they end up"),
        };
        Place {
            name: match (one.kind, &one.table, perhaps) {
                (.., Some(_)) => format!("what {} may send", one.by),
                (TargetKind::Workspace, Some(table), _) => {
                    format!("the table {table} of the workspace {name}")
                }
                (TargetKind::Workspace, None, _) => format!("the workspace {name}"),
                (TargetKind::Storage, ..) => format!("the storage account {name}"),
                (TargetKind::EventHub, ..) => format!("the event hub {name}"),
                (TargetKind::Partner, ..) => format!("the partner product {name}"),
                (TargetKind::ServiceBus, ..) => format!("the service bus {name}"),
            },
            kind: if perhaps.is_some() { "not-known".into() } else { one.kind.as_str().into() },
            by: one.by.clone(),
            audit: one.audit,
            reads: one.reads,
            other_group: other(self.apart(one, id, |id, own| !is_group(id.group, own))),
            other_subscription: other(self.apart(one, id, |id, own| {
                let of_cluster = own.text("id").and_then(ResourceId::parse);
                of_cluster.is_some_and(|own| !own.subscription.eq_ignore_ascii_case(id.subscription))
            })),
            retention_days: days(if is_workspace {
                retention(&table, &workspace, "totalRetentionInDays")
            } else {
                Fact::unknown(not_seen())
            }),
            searchable_days: days(match one.kind {
                TargetKind::Workspace => retention(&table, &workspace, "retentionInDays"),
                TargetKind::Storage => {
                    self.documented(0, one, "blobs have to be loaded before they can be searched")
                }
                _ => Fact::unknown(not_seen()),
            }),
            immutable_days: days(match one.kind {
                TargetKind::Workspace => {
                    self.documented(0, one, "what a workspace holds can be purged, and deleted with it")
                }
                TargetKind::Storage => self.immutable(one),
                _ => Fact::unknown(not_seen()),
            }),
            capped: if is_workspace { workspace_fact(&workspace, capped) } else { Fact::unknown(only()) },
            takes_in: if is_workspace { workspace_fact(&workspace, takes_in) } else { Fact::unknown(only()) },
            plan: if is_workspace { workspace_fact(&table, plan) } else { Fact::unknown(only()) },
        }
    }

    fn documented(&self, days: i64, one: &Destination, detail: &str) -> Fact<i64> {
        Fact::known(days, Rank::Documented, vec![self.settings.evidence(&one.by, detail)])
    }

    /// Whether a place lies apart from the cluster, by a comparison of both.
    fn apart(
        &self,
        one: &Destination,
        id: Option<ResourceId<'_>>,
        is_apart: impl Fn(ResourceId<'_>, Told<'s>) -> bool,
    ) -> Fact<bool> {
        let own = match &self.cluster {
            Ok(own) => *own,
            Err(reason) => return Fact::unknown(reason.clone()),
        };
        match id {
            Some(id) if own.text("id").and_then(ResourceId::parse).is_some() => Fact::known(
                is_apart(id, own),
                Rank::Configured,
                vec![
                    self.settings.evidence(&one.by, &one.id),
                    own.evidence("id", own.text("id").unwrap_or_default()),
                ],
            ),
            _ => Fact::unknown(format!(
                "the ids of the cluster and of {} do not tell their resource groups",
                one.id
            )),
        }
    }

    /// For how many days a locked policy keeps the blobs of a storage account as they are.
    fn immutable(&self, one: &Destination) -> Fact<i64> {
        let account = self.scene.told("aks/storage-account", &one.id);
        if let Ok(account) = &account {
            const PATH: &str = "immutableStorageWithVersioning.immutabilityPolicy";
            match account.switch("immutableStorageWithVersioning.enabled", false) {
                Fact::Unknown(unknown) => return Fact::unknown(unknown.reason),
                Fact::Known(known) if known.value => match account.get(PATH).map(lock) {
                    Some(Ok(Some((days, detail)))) => return account.fact(days, PATH, detail),
                    Some(Err(reason)) => return Fact::unknown(reason),
                    _ => {}
                },
                Fact::Known(_) => {}
            }
        }
        let containers = match self.scene.told("aks/storage-containers", &one.id) {
            Ok(told) => told,
            Err(reason) => return Fact::unknown(reason),
        };
        let Some(list) = containers.items("") else {
            return Fact::unknown("the answer is no list of containers, or only a part of one");
        };
        let mut shortest: Option<(i64, String)> = None;
        for name in &one.containers {
            let is_it = |one: &&Value| one.get("name").and_then(Value::as_str) == Some(name);
            let policy = list.iter().find(is_it).and_then(|one| one.get("immutabilityPolicy"));
            let lock = match policy.map_or(Ok(None), lock) {
                Ok(Some(lock)) => lock,
                Ok(None) => match &account {
                    Ok(_) => (0, "no policy that is locked".to_owned()),
                    // The account may have one.
                    Err(reason) => return Fact::unknown(reason.clone()),
                },
                Err(reason) => return Fact::unknown(reason),
            };
            shortest = shortest.filter(|(days, _)| *days <= lock.0).or(Some(lock));
        }
        let (days, detail) = shortest.unwrap_or((0, "no container".to_owned()));
        containers.fact(days, &format!("{}.immutabilityPolicy", one.containers.join(", ")), detail)
    }
}

/// For how many days a policy that cannot be taken back keeps logs, and why; none if it is not locked.
///
/// Logs are written by appending to blobs. A policy that refuses that keeps what was there and ends the log.
fn lock(policy: &Value) -> Result<Option<(i64, String)>, String> {
    const APPENDS: [&str; 2] = ["allowProtectedAppendWrites", "allowProtectedAppendWritesAll"];
    let state = policy.get("state").and_then(Value::as_str).unwrap_or_default();
    if !state.eq_ignore_ascii_case("Locked") {
        return Ok(None);
    }
    let days = policy.get("immutabilityPeriodSinceCreationInDays").and_then(Value::as_i64);
    let days = days.ok_or("the policy is locked, and the answer does not tell for how many days")?;
    let appends = APPENDS.iter().filter_map(|key| policy.get(*key)).filter(|value| !value.is_null());
    let appends: Vec<Option<bool>> = appends.map(Value::as_bool).collect();
    if appends.contains(&Some(true)) {
        Ok(Some((days, format!("locked for {days} days, and logs can be appended to"))))
    } else if appends.is_empty() || appends.contains(&None) {
        Err(format!(
            "the policy is locked for {days} days, and the answer does not tell with {} whether logs can still be appended to",
            APPENDS.join(" or ")
        ))
    } else {
        let detail = format!("locked for {days} days without {}, so that no log can be written", APPENDS[0]);
        Ok(Some((0, detail)))
    }
}

/// Whether a group is one of the cluster's two.
fn is_group(group: &str, cluster: Told<'_>) -> bool {
    let own = cluster.text("id").and_then(ResourceId::parse).map(|id| id.group);
    let of_nodes = cluster.text("nodeResourceGroup");
    own.into_iter().chain(of_nodes).any(|own| own.eq_ignore_ascii_case(group))
}

fn workspace_fact<T>(told: &Result<Told<'_>, String>, of: fn(Told<'_>) -> Fact<T>) -> Fact<T> {
    match told {
        Ok(told) => of(*told),
        Err(reason) => Fact::unknown(reason.clone()),
    }
}

/// A number of days of a table. What a table does not set, it has from its workspace.
fn retention(
    table: &Result<Told<'_>, String>,
    workspace: &Result<Told<'_>, String>,
    path: &'static str,
) -> Fact<i64> {
    const OWN: &str = "retentionInDays";
    let table = match table {
        Ok(table) => table,
        Err(reason) => {
            return Fact::unknown(format!(
                "a table may keep logs longer or shorter than its workspace; {reason}"
            ));
        }
    };
    match table.get(path).and_then(Value::as_i64) {
        Some(-1) => {
            let days = workspace.as_ref().ok().and_then(|told| Some((told, told.get(OWN)?.as_i64()?)));
            days.map_or_else(
                || Fact::unknown("the table has the retention of its workspace, which is not known"),
                |(told, days)| told.fact(days, OWN, format!("{days} days")),
            )
        }
        Some(days) => table.fact(days, path, format!("{days} days")),
        None => Fact::unknown(format!("the answer about the table does not tell {path}")),
    }
}

fn capped(workspace: Told<'_>) -> Fact<bool> {
    const PATH: &str = "workspaceCapping.dailyQuotaGb";
    match workspace.get(PATH).and_then(Value::as_f64) {
        Some(quota) if quota < 0.0 => workspace.fact(false, PATH, "no daily cap"),
        Some(quota) => workspace.fact(true, PATH, format!("nothing more is taken after {quota} GB a day")),
        None => Fact::unknown("the answer about the workspace does not tell its daily cap"),
    }
}

fn takes_in(workspace: Told<'_>) -> Fact<bool> {
    const PATH: &str = "workspaceCapping.dataIngestionStatus";
    match workspace.text(PATH) {
        Some(state @ ("RespectQuota" | "ForceOn" | "ApproachingQuota")) => workspace.fact(true, PATH, state),
        Some(state @ ("OverQuota" | "ForceOff" | "SubscriptionSuspended")) => {
            workspace.fact(false, PATH, state)
        }
        Some(state) => {
            Fact::unknown(format!("the workspace's state is {state}, of which nothing is known here"))
        }
        None => {
            Fact::unknown("the answer about the workspace does not tell whether it takes logs at present")
        }
    }
}

fn plan(table: Told<'_>) -> Fact<String> {
    match table.text("plan") {
        Some(plan) => table.fact(plan.to_owned(), "plan", plan),
        None => Fact::unknown("the answer about the table does not tell its plan"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_lock_counts_only_where_logs_can_be_appended_to() {
        let of = |more: Value| {
            let mut policy = json!({"state": "Locked", "immutabilityPeriodSinceCreationInDays": 365});
            if let (Value::Object(policy), Value::Object(more)) = (&mut policy, more) {
                policy.extend(more);
            }
            lock(&policy).map(|lock| lock.map(|(days, _)| days)).map_err(drop)
        };
        assert_eq!(of(json!({"allowProtectedAppendWrites": true})), Ok(Some(365)));
        assert_eq!(
            of(json!({"allowProtectedAppendWrites": false, "allowProtectedAppendWritesAll": true})),
            Ok(Some(365))
        );
        assert_eq!(of(json!({"allowProtectedAppendWrites": false})), Ok(Some(0)));
        assert_eq!(of(json!({"allowProtectedAppendWrites": null})), Err(()));
        assert_eq!(of(json!({"allowProtectedAppendWrites": "true"})), Err(()));
        assert_eq!(of(json!({})), Err(()));
        assert_eq!(of(json!({"state": "Unlocked"})), Ok(None));
        assert_eq!(lock(&json!(null)), Ok(None));
    }
}
