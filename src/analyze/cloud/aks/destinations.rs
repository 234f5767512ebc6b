//! What the logs go to: the table of a workspace, a storage account, an event hub; by a diagnostic setting, or on from a
//! workspace by its data export. This is also what is asked about further.

use serde_json::Value;

use super::settings::{AUDIT, AUDIT_ADMIN, CATEGORIES, Covers, Setting, Settings, Target, TargetKind};

/// The table of every log of a workspace whose settings do not ask for one table for each kind.
const SHARED_TABLE: &str = "AzureDiagnostics";

/// Something that logs go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// What kind of thing it is.
    pub kind: TargetKind,
    /// Its id.
    pub id: String,
    /// The table, if it is a workspace and the table is known.
    pub table: Option<String>,
    /// The containers, if it is a storage account: those that hold the audit log.
    pub containers: Vec<String>,
    /// What sends there: a diagnostic setting or a data export.
    pub by: String,
    /// Whether it takes audit events.
    pub audit: bool,
    /// Whether get and list are among them.
    pub reads: bool,
    /// Why it cannot be told whether it takes them at all.
    pub doubt: Option<String>,
}

impl Destination {
    /// The id of its table, by which the table is asked for.
    pub fn table_id(&self) -> Option<String> {
        self.table.as_ref().map(|table| format!("{}/tables/{table}", self.id))
    }

    fn is_same(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.id.eq_ignore_ascii_case(&other.id)
            && self.table == other.table
            && self.by == other.by
            && self.doubt == other.doubt
    }
}

/// Everything that diagnostic settings send to, or may send to.
pub fn destinations(settings: &Settings<'_>) -> Vec<Destination> {
    let mut found: Vec<Destination> = Vec::new();
    for setting in &settings.list {
        for target in &setting.targets {
            for one in of_target(setting, *target) {
                if !found.iter().any(|other| other.is_same(&one)) {
                    found.push(one);
                }
            }
        }
    }
    found
}

fn of_target(setting: &Setting<'_>, target: Target<'_>) -> Vec<Destination> {
    let (kind, id) = target;
    let is_sent = |category: &str| setting.sends(category, target) == Covers::Yes;
    let (all, admin) = (is_sent(AUDIT), is_sent(AUDIT_ADMIN));
    let rest = CATEGORIES.iter().any(|one| ![AUDIT, AUDIT_ADMIN].contains(one) && is_sent(one));
    let one = |table: Option<&str>, audit: bool, reads: bool| Destination {
        kind,
        id: id.unwrap_or_default().to_owned(),
        table: table.map(str::to_owned),
        containers: Vec::new(),
        by: setting.name.to_owned(),
        audit,
        reads,
        doubt: None,
    };
    let mut found = match (kind, setting.is_dedicated) {
        (TargetKind::Workspace, Some(true)) => {
            [(all, "AKSAudit", true), (admin, "AKSAuditAdmin", true), (rest, "AKSControlPlane", false)]
                .into_iter()
                .filter(|(is_sent, ..)| *is_sent)
                .map(|(_, table, audit)| one(Some(table), audit, audit && table == "AKSAudit"))
                .collect()
        }
        _ if !(all || admin || rest) => Vec::new(),
        (TargetKind::Workspace, Some(false)) => vec![one(Some(SHARED_TABLE), all || admin, all)],
        (TargetKind::Storage, _) => {
            let container = if all { AUDIT } else { AUDIT_ADMIN };
            let containers = vec![format!("insights-logs-{container}")];
            vec![Destination { containers, ..one(None, all || admin, all) }]
        }
        _ => vec![one(None, all || admin, all)],
    };
    let is_doubtful = |category: &&str| setting.sends(category, target) == Covers::Perhaps;
    // What has every event is not made better by what may have some of them.
    if let Some(category) = [AUDIT, AUDIT_ADMIN].into_iter().filter(|_| !all).find(is_doubtful) {
        found
            .push(Destination { doubt: Some(setting.doubt(category)), ..one(None, true, category == AUDIT) });
    }
    found
}

/// What the data exports of a workspace send on of one of its tables.
///
/// # Errors
/// Why the answer does not tell.
pub fn exported(from: &Destination, exports: &Value) -> Result<Vec<Destination>, String> {
    let Some(exports) = exports.as_array() else {
        return Err("the answer is no list of data exports, or only a part of one".into());
    };
    let Some(table) = &from.table else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for export in exports {
        let text = |key: &str| export.get(key).and_then(Value::as_str);
        let tables = export.get("tableNames").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let has = tables.iter().filter_map(Value::as_str).any(|name| name.eq_ignore_ascii_case(table));
        let is_on = export.get("enable").and_then(Value::as_bool) == Some(true);
        let to = export.pointer("/destination/resourceId").and_then(Value::as_str);
        let Some(to) = to.filter(|_| has && is_on) else { continue };
        let is_storage = to.to_ascii_lowercase().contains("/storageaccounts/");
        found.push(Destination {
            kind: if is_storage { TargetKind::Storage } else { TargetKind::EventHub },
            id: to.to_owned(),
            table: None,
            containers: vec![format!("am-{}", table.to_ascii_lowercase())],
            by: format!("data export {}", text("name").unwrap_or("without a name")),
            ..from.clone()
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LAW: &str =
        "/subscriptions/a1/resourceGroups/rg/providers/Microsoft.OperationalInsights/workspaces/law";

    fn of(value: &Value) -> Vec<(Option<String>, bool, bool)> {
        let found = destinations(&Settings::read(value, None).unwrap());
        found.into_iter().map(|one| (one.table, one.audit, one.reads)).collect()
    }

    #[test]
    fn tables_follow_from_the_mode_and_the_categories() {
        let with = |mode: Value, logs: Value| json!([{"name": "x", "workspaceId": LAW, "logAnalyticsDestinationType": mode, "logs": logs}]);
        let admin = json!([{"category": "kube-audit-admin", "enabled": true}, {"category": "guard", "enabled": true}]);
        let table = |name: &str, audit, reads| (Some(name.to_owned()), audit, reads);
        assert_eq!(
            of(&with(json!("Dedicated"), admin.clone())),
            [table("AKSAuditAdmin", true, false), table("AKSControlPlane", false, false)]
        );
        assert_eq!(of(&with(json!(null), admin.clone())), [table("AzureDiagnostics", true, false)]);
        assert_eq!(of(&with(json!("SomethingNew"), admin)), [(None, true, false)]);
        let all = json!([{"categoryGroup": "allLogs", "enabled": true}]);
        assert_eq!(of(&with(json!("dedicated"), all)).len(), 3);
        assert_eq!(of(&with(json!("Dedicated"), json!([{"category": "guard", "enabled": false}]))), []);
    }

    #[test]
    fn what_may_take_the_audit_log_is_kept_as_a_doubt() {
        let with = |logs: Value| json!([{"name": "x", "storageAccountId": "/s", "logs": logs}]);
        let of = |value: &Value| {
            let found = destinations(&Settings::read(value, None).unwrap());
            found.into_iter().map(|one| (one.reads, one.doubt.is_some())).collect::<Vec<_>>()
        };
        let group = json!({"categoryGroup": "newGroup", "enabled": true});
        let on = |category: &str| json!({"category": category, "enabled": true});
        assert_eq!(of(&with(json!([group]))), [(true, true)]);
        assert_eq!(of(&with(json!([group, on(AUDIT_ADMIN)]))), [(false, false), (true, true)]);
        assert_eq!(of(&with(json!([group, on(AUDIT)]))), [(true, false)]);
        assert_eq!(of(&json!([{"name": "x", "storageAccountId": {}, "logs": [on(AUDIT)]}])), [(true, true)]);
        assert_eq!(of(&json!([{"name": "x", "storageAccountId": {}, "logs": [on("guard")]}])), []);
    }

    #[test]
    fn settings_to_the_same_table_are_one_place_only_if_they_are_one_setting() {
        let setting = |name: &str| json!({"name": name, "workspaceId": LAW, "logs": [{"category": "kube-audit", "enabled": true}]});
        assert_eq!(of(&json!([setting("a"), setting("a")])).len(), 1);
        assert_eq!(of(&json!([setting("a"), setting("b")])).len(), 2);
    }

    #[test]
    fn data_exports_lead_on_only_for_their_tables_and_where_they_are_on() {
        let setting = json!([{"name": "x", "workspaceId": LAW, "logAnalyticsDestinationType": "Dedicated", "logs": [{"category": "kube-audit", "enabled": true}]}]);
        let from = destinations(&Settings::read(&setting, None).unwrap()).remove(0);
        let to = "/subscriptions/a1/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/st";
        let export = |enable: Value, tables: Value| json!([{"name": "e", "enable": enable, "tableNames": tables, "destination": {"resourceId": to}}]);
        let led = exported(&from, &export(json!(true), json!(["aksaudit", "Heartbeat"]))).unwrap();
        assert_eq!(led.len(), 1);
        assert!(led.iter().all(|one| one.kind == TargetKind::Storage && one.reads));
        assert_eq!(exported(&from, &export(json!(false), json!(["AKSAudit"]))).unwrap(), []);
        assert_eq!(exported(&from, &export(json!(true), json!(["AKSAuditAdmin"]))).unwrap(), []);
        assert_eq!(exported(&from, &export(json!(true), json!(null))).unwrap(), []);
        assert!(exported(&from, &json!({})).is_err());
    }
}
