//! Alerts: rules that search the audit log, and alerts on the removal of diagnostic settings.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::destinations::Destination;
use super::resource::{holds, subscription};
use super::settings::{Settings, TargetKind};
use crate::analyze::cloud::told::{Scene, Told};
use crate::analyze::fact::Fact;
use crate::verdict::{Evidence, Rank};

/// The operation that removes a diagnostic setting.
const REMOVAL: &str = "Microsoft.Insights/diagnosticSettings/delete";

/// A rule that searches the audit log in a workspace that takes it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditAlert {
    /// Its name.
    pub name: String,
    /// Whether it is on.
    pub enabled: bool,
    /// Whether it has an action group.
    pub acts: bool,
    /// Whether what it searches has events of get and list.
    pub reads: bool,
}

/// The rules that search the audit log. `cluster` is the cluster's id.
pub fn audit_alerts(
    scene: Scene<'_>,
    places: &[Destination],
    cluster: Option<&str>,
) -> Fact<Vec<AuditAlert>> {
    let (workspaces, doubtful): (Vec<&Destination>, Vec<&Destination>) = places
        .iter()
        .filter(|one| one.audit && one.kind == TargetKind::Workspace)
        .partition(|one| one.doubt.is_none());
    let mut missing: Option<String> = doubtful.iter().find_map(|one| one.doubt.clone());
    if let Some(reason) = missing.take_if(|_| workspaces.is_empty()) {
        return Fact::unknown(reason);
    }
    if workspaces.is_empty() {
        return Fact::unknown(
            "the audit log goes to no workspace of Log Analytics, and what watches it elsewhere is not seen",
        );
    }
    let mut subscriptions: Vec<&str> = workspaces.iter().filter_map(|one| subscription(&one.id)).collect();
    subscriptions.extend(cluster.and_then(subscription));
    subscriptions.sort_unstable_by_key(|name| name.to_ascii_lowercase());
    subscriptions.dedup_by(|one, other| one.eq_ignore_ascii_case(other));
    let mut found = Vec::new();
    let mut evidence: Vec<Evidence> = Vec::new();
    for name in subscriptions {
        // A saved list without any rule does not tell its subscription.
        let of = if scene.snapshot.cloud.answer("aks/alert-rules", name).is_some() { name } else { "" };
        let rules = scene.told("aks/alert-rules", of).and_then(|told| {
            let rules = told.items("");
            rules
                .map(|rules| (told, rules))
                .ok_or_else(|| "the list of alert rules was cut after its first page".into())
        });
        match rules {
            Ok((told, rules)) => {
                let before = found.len();
                for rule in rules {
                    let watched = watched(rule, &workspaces, cluster);
                    if watched.is_empty() {
                        continue;
                    }
                    let alert = audit_alert(rule, watched.iter().any(|place| place.reads));
                    evidence
                        .push(told.evidence(&format!("{} criteria", alert.name), "searches the audit log"));
                    found.push(alert);
                }
                if found.len() == before {
                    evidence.push(told.evidence("", "no rule searches the audit log"));
                }
            }
            Err(reason) => missing = Some(reason),
        }
    }
    match missing {
        Some(reason) if !found.iter().any(|alert| alert.enabled && alert.acts && alert.reads) => {
            Fact::unknown(reason)
        }
        _ => Fact::known(found, Rank::Configured, evidence),
    }
}

fn audit_alert(rule: &Value, reads: bool) -> AuditAlert {
    // Rules of before 2021 write their switch as a text.
    let enabled = match rule.get("enabled") {
        Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
        Some(other) => other.as_bool().unwrap_or(false),
        None => true,
    };
    let groups = ["/actions/actionGroups", "/action/aznsAction/actionGroup"];
    let acts = groups
        .iter()
        .filter_map(|path| rule.pointer(path).and_then(Value::as_array))
        .any(|groups| !groups.is_empty());
    let name = rule.get("name").and_then(Value::as_str).unwrap_or("a rule without a name");
    AuditAlert { name: name.to_owned(), enabled, acts, reads }
}

/// The tables with the audit log that a rule searches, in a workspace that holds them or over the cluster itself.
fn watched<'d>(rule: &Value, workspaces: &[&'d Destination], cluster: Option<&str>) -> Vec<&'d Destination> {
    let criteria = rule.pointer("/criteria/allOf").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let queries = criteria.iter().filter_map(|one| one.get("query")).chain(rule.pointer("/source/query"));
    let scopes = rule.get("scopes").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let scopes: Vec<&str> =
        scopes.iter().chain(rule.pointer("/source/dataSourceId")).filter_map(Value::as_str).collect();
    let queries: Vec<&str> = queries.filter_map(Value::as_str).collect();
    let is_watched = |place: &&Destination| {
        let in_scope =
            |scope: &&str| holds(scope, &place.id) || cluster.is_some_and(|cluster| holds(scope, cluster));
        scopes.iter().any(in_scope)
            && queries.iter().any(|query| searches(query, place.table.as_deref().unwrap_or_default()))
    };
    workspaces.iter().copied().filter(is_watched).collect()
}

/// Whether a query names a table and, where that is shared by all logs, the category too.
fn searches(query: &str, table: &str) -> bool {
    let words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let names = words.into_iter().any(|word| !table.is_empty() && word == table);
    names && (table != "AzureDiagnostics" || query.contains("kube-audit"))
}

/// Whether somebody is told when a diagnostic setting of the cluster is removed.
pub fn removal_alert(scene: Scene<'_>, cluster: Option<&str>) -> Fact<bool> {
    let told = match scene.told("aks/activity-log-alerts", "") {
        Ok(told) => told,
        Err(reason) => return Fact::unknown(reason),
    };
    let (Some(alerts), Some(cluster)) = (told.items(""), cluster) else {
        return Fact::unknown("the answer is no list of alerts, or of which cluster it is is not known");
    };
    let mut doubt = None;
    for alert in alerts.iter().filter(|alert| acts(alert, cluster)) {
        let name = alert.get("name").and_then(Value::as_str).unwrap_or("an alert without a name");
        match fires(alert) {
            Some(true) => {
                return told.fact(true, &format!("{name} condition"), format!("fires on {REMOVAL}"));
            }
            None => doubt = Some(name),
            Some(false) => {}
        }
    }
    doubt.map_or_else(
        || told.fact(false, "", format!("no alert on {REMOVAL} that is on and has an action group")),
        |name| {
            Fact::unknown(format!(
                "the conditions of the alert {name} do not tell whether it fires on {REMOVAL}"
            ))
        },
    )
}

/// Whether an alert is on, is about the cluster and tells somebody.
fn acts(alert: &Value, cluster: &str) -> bool {
    let list = |path: &str| alert.pointer(path).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let is_on = alert.get("enabled").and_then(Value::as_bool).unwrap_or(true);
    let in_scope = list("/scopes").iter().filter_map(Value::as_str).any(|scope| holds(scope, cluster));
    is_on && in_scope && !list("/actions/actionGroups").is_empty()
}

/// Whether the conditions let the removal of a diagnostic setting through; none if that cannot be told.
fn fires(alert: &Value) -> Option<bool> {
    let conditions = alert.pointer("/condition/allOf").and_then(Value::as_array)?;
    let each = conditions.iter().map(|condition| match condition.get("anyOf").and_then(Value::as_array) {
        Some(any) => any_of(any.iter().map(lets_through)),
        None => lets_through(condition),
    });
    // All have to let it through: what one lets not is decided, whatever the others are.
    any_of(each.map(|one| one.map(|lets| !lets))).map(|blocks| !blocks)
}

/// Whether one is true; none if that hangs on what cannot be told.
fn any_of(each: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut known = Some(false);
    for one in each {
        match one {
            Some(true) => return Some(true),
            None => known = None,
            Some(false) => {}
        }
    }
    known
}

fn lets_through(condition: &Value) -> Option<bool> {
    let text = |key: &str| condition.get(key).and_then(Value::as_str);
    let (field, equals) = (text("field")?, text("equals")?);
    let is = |value: &str| Some(equals.eq_ignore_ascii_case(value));
    match field.to_ascii_lowercase().as_str() {
        "category" => is("Administrative"),
        "operationname" => is(REMOVAL),
        "status" => {
            ["Started", "Accepted", "Succeeded"].iter().any(|one| is(one) == Some(true)).then_some(true)
        }
        _ => None,
    }
}

/// Whether the activity log of the subscription, which tells who changed diagnostic settings, is sent anywhere.
pub fn activity_log<'s>(scene: Scene<'s>, cluster: Option<&'s str>) -> Fact<bool> {
    settings_of(scene, cluster)
        .map_or_else(Fact::unknown, |(told, settings)| settings.category(told, "Administrative"))
}

fn settings_of<'s>(scene: Scene<'s>, cluster: Option<&'s str>) -> Result<(Told<'s>, Settings<'s>), String> {
    let told = scene.told("aks/activity-log-settings", "")?;
    let own = format!("/subscriptions/{}", own_subscription(scene, cluster)?);
    Ok((told, Settings::read(told.value, Some(&own))?))
}

/// The cluster's subscription.
///
/// # Errors
/// That it is not known, so that no answer about a subscription is known to be about this one.
pub fn own_subscription<'s>(scene: Scene<'s>, cluster: Option<&'s str>) -> Result<&'s str, String> {
    let own = cluster.and_then(subscription).or(scene.identity.account.as_deref());
    own.ok_or_else(|| {
        "in which subscription the cluster is, is not known; name it with --subscription, or give what `az aks show` prints".into()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_query_has_to_name_the_table_that_is_filled() {
        assert!(searches("AKSAudit | where Verb == 'get'", "AKSAudit"));
        assert!(!searches("AKSAuditAdmin | where Verb == 'create'", "AKSAudit"));
        assert!(searches("union AKSAuditAdmin, AKSControlPlane", "AKSAuditAdmin"));
        assert!(searches("AzureDiagnostics | where Category startswith 'kube-audit'", "AzureDiagnostics"));
        assert!(!searches("AzureDiagnostics | where Category == 'kube-apiserver'", "AzureDiagnostics"));
        assert!(!searches("anything", ""));
    }

    #[test]
    fn conditions_decide_whether_a_removal_is_told() {
        let fires = |all: Value| fires(&json!({"condition": {"allOf": all}}));
        let field = |field: &str, equals: &str| json!({"field": field, "equals": equals});
        let administrative = field("category", "Administrative");
        assert_eq!(fires(json!([administrative])), Some(true));
        assert_eq!(fires(json!([administrative, field("operationName", REMOVAL)])), Some(true));
        assert_eq!(
            fires(json!([administrative, field("operationName", "Microsoft.Sql/x/write")])),
            Some(false)
        );
        assert_eq!(fires(json!([field("category", "Security"), field("level", "Error")])), Some(false));
        assert_eq!(fires(json!([administrative, field("level", "Error")])), None);
        assert_eq!(
            fires(json!([administrative, {"anyOf": [field("x", "y"), field("operationName", REMOVAL)]}])),
            Some(true)
        );
        assert_eq!(fires(json!([administrative, {"anyOf": [field("x", "y")]}, 3])), None);
        assert_eq!(fires(json!(null)), None);
    }

    #[test]
    fn old_rules_and_odd_ones_are_read() {
        let old = audit_alert(
            &json!({"name": "x", "enabled": "true", "action": {"aznsAction": {"actionGroup": ["/a"]}}}),
            true,
        );
        assert!(old.enabled && old.acts);
        let off =
            audit_alert(&json!({"name": "x", "enabled": "false", "actions": {"actionGroups": []}}), true);
        assert!(!off.enabled && !off.acts);
        let odd = audit_alert(&json!({"enabled": 3, "actions": "x"}), true);
        assert!(!odd.enabled && !odd.acts);
    }
}
