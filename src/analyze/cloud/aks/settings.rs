//! Diagnostic settings: which categories of logs are on, and where each of them goes. A resource may have several, which are united.

use serde_json::Value;

use super::resource::holds;
use crate::analyze::cloud::told::Told;
use crate::analyze::fact::Fact;
use crate::verdict::{Evidence, Rank};

/// Everything but requests of get and list.
pub const AUDIT_ADMIN: &str = "kube-audit-admin";

/// Every audit event.
pub const AUDIT: &str = "kube-audit";

/// The categories that AKS is documented to have.
pub const CATEGORIES: [&str; 15] = [
    "kube-apiserver",
    AUDIT,
    AUDIT_ADMIN,
    "kube-controller-manager",
    "kube-scheduler",
    "cluster-autoscaler",
    "cloud-controller-manager",
    "guard",
    "csi-azuredisk-controller",
    "csi-azurefile-controller",
    "csi-snapshot-controller",
    "fleet-mcs-controller-manager",
    "fleet-member-agent",
    "fleet-member-net-controller-manager",
    "karpenter-events",
];

/// What kind of thing a log goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetKind {
    /// A Log Analytics workspace.
    Workspace,
    /// A storage account.
    Storage,
    /// An event hub.
    EventHub,
    /// A partner's product.
    Partner,
    /// A service bus, as settings had it before event hubs.
    ServiceBus,
}

impl TargetKind {
    /// As facts name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Workspace => "workspace",
            Self::Storage => "storage",
            Self::EventHub => "event-hub",
            Self::Partner => "partner",
            Self::ServiceBus => "service-bus",
        }
    }
}

/// The fields that name destinations.
const TARGETS: [(&str, TargetKind); 5] = [
    ("workspaceId", TargetKind::Workspace),
    ("storageAccountId", TargetKind::Storage),
    ("eventHubAuthorizationRuleId", TargetKind::EventHub),
    ("marketplacePartnerId", TargetKind::Partner),
    ("serviceBusRuleId", TargetKind::ServiceBus),
];

/// Whether a category is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Covers {
    /// It is off.
    No,
    /// It cannot be told.
    Perhaps,
    /// It is on.
    Yes,
}

/// An entry of `logs`.
#[derive(Debug, Clone, Copy)]
struct Log<'s> {
    category: Option<&'s str>,
    group: Option<&'s str>,
    /// None if it is neither true nor false.
    is_on: Option<bool>,
}

impl<'s> Log<'s> {
    fn of(value: &'s Value) -> Self {
        let text = |key: &str| value.get(key).and_then(Value::as_str);
        let is_on = value.get("enabled").and_then(Value::as_bool);
        Self { category: text("category"), group: text("categoryGroup"), is_on }
    }

    fn name(&self) -> &'s str {
        self.category.or(self.group).unwrap_or_default()
    }

    fn covers(&self, category: &str) -> Covers {
        let names = match (self.category, self.group) {
            (Some(name), _) if name.eq_ignore_ascii_case(category) => Covers::Yes,
            (_, Some(group)) if group.eq_ignore_ascii_case("allLogs") => Covers::Yes,
            (_, Some(group)) if group.eq_ignore_ascii_case("audit") => match category {
                AUDIT | AUDIT_ADMIN => Covers::Yes,
                // Which other categories the group has is not documented for AKS.
                "guard" => Covers::Perhaps,
                _ => Covers::No,
            },
            (Some(_), None) => Covers::No,
            _ => Covers::Perhaps,
        };
        match (names, self.is_on) {
            (Covers::No, _) | (_, Some(false)) => Covers::No,
            (names, Some(true)) => names,
            (_, None) => Covers::Perhaps,
        }
    }
}

/// Something that a setting sends to, with its id; without one if what is written there is no text.
pub type Target<'s> = (TargetKind, Option<&'s str>);

/// One diagnostic setting.
#[derive(Debug, Clone)]
pub struct Setting<'s> {
    /// Its name.
    pub name: &'s str,
    /// Whether each kind of log has a table of its own; none if it is something that is not known.
    pub is_dedicated: Option<bool>,
    /// Where it sends.
    pub targets: Vec<Target<'s>>,
    logs: Vec<Log<'s>>,
}

impl<'s> Setting<'s> {
    fn of(value: &'s Value) -> Self {
        let text = |key: &str| value.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let target = |(key, kind): &(&str, TargetKind)| match value.get(*key) {
            None | Some(Value::Null) => None,
            Some(Value::String(id)) => (!id.is_empty()).then_some((*kind, Some(id.as_str()))),
            Some(_) => Some((*kind, None)),
        };
        // What is no list may say anything: one entry of which nothing is known.
        let logs = value.get("logs").and_then(Value::as_array);
        let logs = logs.map_or(std::slice::from_ref(&Value::Null), Vec::as_slice);
        let is_dedicated = match text("logAnalyticsDestinationType") {
            None => Some(false),
            Some(kind) if kind.eq_ignore_ascii_case("AzureDiagnostics") => Some(false),
            Some(kind) => kind.eq_ignore_ascii_case("Dedicated").then_some(true),
        };
        Self {
            name: text("name").unwrap_or("a setting without a name"),
            is_dedicated,
            targets: TARGETS.iter().filter_map(target).collect(),
            logs: logs.iter().map(Log::of).collect(),
        }
    }

    /// Whether it sends a category anywhere.
    fn covers(&self, category: &str) -> Covers {
        let each = self.targets.iter().map(|target| self.sends(category, *target));
        each.max().unwrap_or(Covers::No)
    }

    /// Whether it sends a category to one of its targets.
    pub fn sends(&self, category: &str, (_, id): Target<'_>) -> Covers {
        let is_on = self.logs.iter().map(|log| log.covers(category)).max().unwrap_or(Covers::No);
        if id.is_some() { is_on } else { is_on.min(Covers::Perhaps) }
    }

    /// Why it cannot be told whether it sends a category.
    pub fn doubt(&self, category: &str) -> String {
        let name = self.name;
        match self.entry(category).map(Log::name) {
            Some("") => format!(
                "the diagnostic setting {name} has logs without a name, or no list of them, so that it is not known whether it sends {category}"
            ),
            Some(by) if self.targets.iter().any(|(_, id)| id.is_some()) => format!(
                "the diagnostic setting {name} has `{by}`, of which it is not known whether that switches {category} on"
            ),
            _ => format!(
                "the diagnostic setting {name} has a destination that is no id, so that it is not known whether it sends {category} anywhere"
            ),
        }
    }

    /// The categories and groups that are on, as they are written.
    pub fn on(&self) -> impl Iterator<Item = &'s str> {
        self.logs.iter().filter(|log| log.is_on == Some(true)).map(Log::name)
    }

    /// The entry that decides about a category: one that covers it, else one that names it.
    fn entry(&self, category: &str) -> Option<&Log<'s>> {
        let covering = self.logs.iter().find(|log| log.covers(category) != Covers::No);
        covering.or_else(|| self.logs.iter().find(|log| log.name().eq_ignore_ascii_case(category)))
    }
}

/// The diagnostic settings of something.
#[derive(Debug, Clone)]
pub struct Settings<'s> {
    /// All of them.
    pub list: Vec<Setting<'s>>,
    /// Whether these are all: one that was given alone says nothing of the others.
    pub is_whole: bool,
}

impl<'s> Settings<'s> {
    /// Reads settings as they are kept; those of other resources than `of` are left aside.
    ///
    /// # Errors
    /// Why they say nothing of it.
    pub fn read(value: &'s Value, of: Option<&str>) -> Result<Self, String> {
        let (items, is_whole) = match value {
            Value::Array(items) => (items.as_slice(), true),
            Value::Object(fields) if fields.contains_key("logs") => (std::slice::from_ref(value), false),
            _ => return Err("the answer is no list of diagnostic settings, or only a part of one".into()),
        };
        let is_its = |item: &&Value| {
            let id = item.get("id").and_then(Value::as_str);
            id.zip(of).is_none_or(|(id, of)| holds(of, id))
        };
        let own: Vec<&Value> = items.iter().filter(is_its).collect();
        if own.is_empty() && !items.is_empty() {
            return Err("the diagnostic settings that were given are those of another resource".into());
        }
        Ok(Self { list: own.into_iter().map(Setting::of).collect(), is_whole })
    }

    /// Whether a category is sent anywhere.
    pub fn category(&self, told: Told<'s>, category: &str) -> Fact<bool> {
        let evidence = |setting: &Setting<'_>| {
            let (path, detail) = match setting.entry(category) {
                Some(log) => (format!("{} logs.{}", setting.name, log.name()), words(setting, log, category)),
                None => (format!("{} logs", setting.name), format!("{category} is not in the list")),
            };
            told.evidence(&path, detail)
        };
        let with = |wanted: Covers| self.list.iter().filter(move |one| one.covers(category) == wanted);
        let known = |value: bool, evidence: Vec<Evidence>| Fact::known(value, Rank::Configured, evidence);
        let on: Vec<Evidence> = with(Covers::Yes).map(evidence).collect();
        if !on.is_empty() {
            return known(true, on);
        }
        if let Some(setting) = with(Covers::Perhaps).next() {
            return Fact::unknown(setting.doubt(category));
        }
        if !self.is_whole {
            return Fact::unknown(format!(
                "one diagnostic setting was given, and others may have {category}; give what `az monitor diagnostic-settings list` prints"
            ));
        }
        if self.list.is_empty() {
            return known(false, vec![told.evidence("", "there is no diagnostic setting")]);
        }
        known(false, self.list.iter().map(evidence).collect())
    }
}

/// What a setting says of a category.
fn words(setting: &Setting<'_>, log: &Log<'_>, category: &str) -> String {
    let state = match log.is_on {
        Some(true) if setting.targets.is_empty() => "on, and goes nowhere",
        Some(true) => "on",
        Some(false) => "off",
        None => "neither on nor off",
    };
    match log.group {
        Some(group) if group.eq_ignore_ascii_case("audit") && log.category.is_none() => {
            format!("the group {group} is {state}, which is taken to have {category}")
        }
        Some(group) if log.category.is_none() => format!("the group {group} is {state}"),
        _ => format!("{category} is {state}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sends(setting: &Value, category: &str) -> Covers {
        Setting::of(setting).covers(category)
    }

    #[test]
    fn groups_are_expanded_as_far_as_they_are_documented() {
        let group = |name: &str| json!({"name": "x", "workspaceId": "/w", "logs": [{"category": null, "categoryGroup": name, "enabled": true}]});
        assert_eq!(sends(&group("allLogs"), "guard"), Covers::Yes);
        assert_eq!(sends(&group("alllogs"), "something-new"), Covers::Yes);
        assert_eq!(sends(&group("audit"), AUDIT), Covers::Yes);
        assert_eq!(sends(&group("audit"), "kube-scheduler"), Covers::No);
        assert_eq!(sends(&group("audit"), "guard"), Covers::Perhaps);
        assert_eq!(sends(&group("someNewGroup"), AUDIT), Covers::Perhaps);
    }

    #[test]
    fn odd_entries_are_neither_on_nor_an_error() {
        let with = |logs: Value| json!({"name": "x", "workspaceId": "/w", "logs": logs});
        assert_eq!(sends(&with(json!([{"category": AUDIT, "enabled": "true"}])), AUDIT), Covers::Perhaps);
        assert_eq!(sends(&with(json!([{"category": AUDIT}])), AUDIT), Covers::Perhaps);
        for odd in [json!("kube-audit"), json!(null), json!([null]), json!([3]), json!([{"enabled": true}])] {
            assert_eq!(sends(&with(odd.clone()), AUDIT), Covers::Perhaps, "{odd}");
        }
        assert_eq!(sends(&with(json!([{"category": "guard"}, {"enabled": false}])), AUDIT), Covers::No);
        assert_eq!(sends(&with(json!([])), AUDIT), Covers::No);
        let twice =
            json!([{"category": AUDIT, "enabled": false}, {"category": "Kube-Audit", "enabled": true}]);
        assert_eq!(sends(&with(twice), AUDIT), Covers::Yes);
        let nowhere = json!({"name": "x", "workspaceId": "", "logs": [{"category": AUDIT, "enabled": true}]});
        assert_eq!(sends(&nowhere, AUDIT), Covers::No);
        let somewhere = json!({"name": "x", "storageAccountId": {"id": "/s"}, "logs": [{"category": AUDIT, "enabled": true}]});
        assert_eq!(sends(&somewhere, AUDIT), Covers::Perhaps);
        assert!(Setting::of(&somewhere).doubt(AUDIT).contains("no id"));
    }

    #[test]
    fn settings_of_others_say_nothing() {
        let of =
            "/subscriptions/a1/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/demo";
        let other =
            json!([{"id": format!("{of}-2/providers/microsoft.insights/diagnosticSettings/x"), "logs": []}]);
        assert!(Settings::read(&other, Some(of)).is_err());
        let own = json!([{"id": format!("{}/providers/microsoft.insights/diagnosticSettings/x", of.to_lowercase()), "logs": []}]);
        assert_eq!(Settings::read(&own, Some(of)).unwrap().list.len(), 1);
        assert!(Settings::read(&json!([]), Some(of)).unwrap().list.is_empty());
        for odd in [json!(null), json!({}), json!("x"), json!({"nextLink": "y"})] {
            assert!(Settings::read(&odd, Some(of)).is_err(), "{odd}");
        }
    }
}
