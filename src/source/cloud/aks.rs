//! Azure: how answers are recognised and taken, and what is asked.

use serde_json::Value;

use super::{Question, Taken};
use crate::analyze::cloud::aks::destinations::{Destination, destinations, exported};
use crate::analyze::cloud::aks::resource::{ResourceId, kind, subscription};
use crate::analyze::cloud::aks::settings::{Settings, TargetKind};
use crate::analyze::cloud::provider::Identity;
use crate::snapshot::cloud::{Cloud, call};

/// The version of the API that lists alert rules.
const ALERT_RULES: &str = "providers/Microsoft.Insights/scheduledQueryRules?api-version=2021-08-01";

/// What is to be asked, by what is known so far.
pub(super) fn questions(identity: &Identity, cloud: &Cloud) -> Vec<Question> {
    let value = |call: &str, of: &str| cloud.answer(call, of).and_then(|answer| answer.reading.value());
    let Some(shown) = cloud.answer("aks/show", "") else {
        return find(identity, value("aks/list", ""), cloud.answer("aks/list", "").is_some())
            .into_iter()
            .collect();
    };
    let cluster = shown.reading.value().and_then(|shown| shown.get("id")).and_then(Value::as_str);
    // The rest means nothing where the cluster itself was not found.
    let Some((cluster, id)) = cluster.and_then(|cluster| Some((cluster, ResourceId::parse(cluster)?))) else {
        return Vec::new();
    };
    let own = id.subscription;
    let mut list = vec![
        question(
            "aks/diagnostic-settings",
            "",
            &["monitor", "diagnostic-settings", "list", "--resource", cluster],
            None,
        ),
        question(
            "aks/activity-log-settings",
            "",
            &["monitor", "diagnostic-settings", "subscription", "list"],
            Some(own),
        ),
        question("aks/activity-log-alerts", "", &["monitor", "activity-log", "alert", "list"], Some(own)),
        question(
            "aks/defender-plan",
            "",
            &["security", "pricing", "show", "--name", "Containers"],
            Some(own),
        ),
        alert_rules(own),
    ];
    let settings =
        value("aks/diagnostic-settings", "").and_then(|value| Settings::read(value, Some(cluster)).ok());
    let mut places = settings.map(|settings| destinations(&settings)).unwrap_or_default();
    let further: Vec<Destination> = places
        .iter()
        .filter_map(|place| exported(place, value("aks/data-exports", &place.id)?).ok())
        .flatten()
        .collect();
    places.extend(further);
    for place in &places {
        list.extend(about(place));
    }
    // Several settings may send to the same place.
    let mut questions: Vec<Question> = Vec::new();
    for one in list.into_iter().flatten() {
        let is_same = |other: &Question| other.call == one.call && other.of.eq_ignore_ascii_case(&one.of);
        if !questions.iter().any(is_same) {
            questions.push(one);
        }
    }
    questions
}

/// Asks for the cluster, or looks for it by the name of its server.
fn find(identity: &Identity, listed: Option<&Value>, is_listed: bool) -> Option<Question> {
    let show = |group: &str, name: &str, subscription: Option<&str>| {
        let words = ["aks", "show", "--resource-group", group, "--name", name];
        question("aks/show", "", &words, subscription)
    };
    let account = identity.account.as_deref();
    if let (Some(name), Some(group)) = (identity.cluster.as_deref(), identity.group.as_deref()) {
        return show(group, name, account);
    }
    let host = identity.host.as_deref().filter(|host| host.contains(".azmk8s."))?;
    if !is_listed {
        return question("aks/list", "", &["aks", "list"], account);
    }
    let is_it = |one: &&Value| {
        let is = |key: &str| {
            one.get(key).and_then(Value::as_str).is_some_and(|name| name.eq_ignore_ascii_case(host))
        };
        is("fqdn") || is("privateFqdn")
    };
    let found = listed?.as_array()?.iter().find(is_it)?;
    let id = ResourceId::parse(found.get("id")?.as_str()?)?;
    show(id.group, id.name, Some(id.subscription))
}

/// What is asked about something that takes logs.
fn about(place: &Destination) -> Vec<Option<Question>> {
    let id = ResourceId::parse(&place.id).filter(|_| place.doubt.is_none());
    let Some(id) = id else { return Vec::new() };
    let of = |call: &str, of: &str, words: &[&str]| {
        let group = ["--resource-group", id.group];
        question(call, of, &[words, &group].concat(), Some(id.subscription))
    };
    match place.kind {
        TargetKind::Workspace => {
            let workspace = |words: &[&'static str]| {
                [&["monitor", "log-analytics", "workspace"], words, &["--workspace-name", id.name]].concat()
            };
            let mut list = vec![of("aks/workspace", &place.id, &workspace(&["show"]))];
            if let (Some(table), Some(table_id)) = (place.table.as_deref(), place.table_id()) {
                let words = [workspace(&["table", "show"]).as_slice(), &["--name", table]].concat();
                list.push(of("aks/table", &table_id, &words));
            }
            if place.audit {
                list.push(of("aks/data-exports", &place.id, &workspace(&["data-export", "list"])));
                list.push(alert_rules(id.subscription));
            }
            list
        }
        TargetKind::Storage => vec![
            of("aks/storage-account", &place.id, &["storage", "account", "show", "--name", id.name]),
            of(
                "aks/storage-containers",
                &place.id,
                &["storage", "container-rm", "list", "--storage-account", id.name],
            ),
        ],
        _ => Vec::new(),
    }
}

fn alert_rules(subscription: &str) -> Option<Question> {
    let url = format!("/subscriptions/{subscription}/{ALERT_RULES}");
    question("aks/alert-rules", subscription, &["rest", "--method", "get", "--url", &url], None)
}

fn question(call: &str, of: &str, words: &[&str], subscription: Option<&str>) -> Option<Question> {
    let mut all = words.to_vec();
    if let Some(subscription) = subscription {
        all.extend(["--subscription", subscription]);
    }
    all.extend(["--output", "json"]);
    Question::new(call, of, &all)
}

/// An answer as it is kept: lists bare, `properties` taken up into the object as `az` prints most, and names of fields in the
/// spelling of the API, as `az` writes some of them in another case.
pub(super) fn plain(id: &str, mut value: Value) -> Value {
    // One page of several is not the list.
    let is_page = value.get("nextLink").is_some_and(|link| !link.is_null());
    if let Some(list) = value.get_mut("value").filter(|list| list.is_array() && !is_page) {
        value = list.take();
    }
    let mut value = lifted(value);
    respell(&mut value, call(id).map_or(&[], |call| call.keep));
    value
}

fn lifted(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(lifted).collect()),
        Value::Object(mut fields) => {
            if let Some(Value::Object(inner)) = fields.remove("properties") {
                for (key, value) in inner {
                    fields.entry(key).or_insert(value);
                }
            }
            Value::Object(fields.into_iter().map(|(key, value)| (key, lifted(value))).collect())
        }
        other => other,
    }
}

/// Writes the names on these paths as the paths do.
fn respell(value: &mut Value, paths: &[&str]) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| respell(item, paths)),
        Value::Object(fields) => {
            for path in paths {
                let first = path.split('.').next().unwrap_or_default();
                if fields.contains_key(first) {
                    continue;
                }
                let other = fields.keys().find(|key| key.eq_ignore_ascii_case(first)).cloned();
                if let Some(value) = other.and_then(|key| fields.remove(&key)) {
                    fields.insert(first.to_owned(), value);
                }
            }
            for (key, field) in fields {
                let inside = paths.iter().filter_map(|path| path.split_once('.'));
                let deeper: Vec<&str> =
                    inside.filter(|(first, _)| first == key).map(|(_, rest)| rest).collect();
                if !deeper.is_empty() {
                    respell(field, &deeper);
                }
            }
        }
        _ => {}
    }
}

/// Which answers a saved document is: by the ids of its resources, or by their type where they have none.
pub(super) fn recognise(document: &Value) -> Vec<Taken> {
    let list = document.get("value").filter(|value| value.is_array()).unwrap_or(document);
    let items = list.as_array().map_or(std::slice::from_ref(list), Vec::as_slice);
    let mut found: Vec<Taken> = Vec::new();
    for item in items {
        let Some((call, of, is_listed)) = recognised(item) else { continue };
        let before =
            found.iter_mut().find(|(other, about, _)| *other == call && about.eq_ignore_ascii_case(&of));
        match (before, list.is_array() && is_listed) {
            (Some((.., Value::Array(items))), true) => items.push(item.clone()),
            (None, true) => found.push((call, of, Value::Array(vec![item.clone()]))),
            (_, false) => found.push((call, of, item.clone())),
            (Some(_), true) => {}
        }
    }
    // Of a list that goes on, what is seen is no evidence of what is not.
    let is_page = document.get("nextLink").is_some_and(|link| !link.is_null());
    for (.., value) in found.iter_mut().filter(|(.., value)| is_page && value.is_array()) {
        *value = serde_json::json!({ "value": value.take(), "nextLink": true });
    }
    found
}

/// The call that a resource answers, about what, and whether the answer is a list of such.
fn recognised(item: &Value) -> Option<(&'static str, String, bool)> {
    let text = |key: &str| item.get(key).and_then(Value::as_str);
    let id = text("id").unwrap_or_default();
    let kind = kind(id).or_else(|| text("type").map(str::to_ascii_lowercase))?;
    let until = |mark: &str| {
        let end = id.to_ascii_lowercase().find(mark);
        end.and_then(|end| id.get(..end)).unwrap_or(id).to_owned()
    };
    let none = String::new;
    Some(match kind.as_str() {
        "microsoft.containerservice/managedclusters" => ("aks/show", none(), false),
        "microsoft.insights/diagnosticsettings" => {
            let lower = id.to_ascii_lowercase();
            let is_subscription = subscription(id).is_some() && !lower.contains("/resourcegroups/");
            match (
                is_subscription,
                id.is_empty() || lower.contains("/microsoft.containerservice/managedclusters/"),
            ) {
                (true, _) => ("aks/activity-log-settings", none(), true),
                (false, true) => ("aks/diagnostic-settings", none(), true),
                (false, false) => return None,
            }
        }
        "microsoft.operationalinsights/workspaces" => ("aks/workspace", id.to_owned(), false),
        "microsoft.operationalinsights/workspaces/tables" => ("aks/table", id.to_owned(), false),
        "microsoft.operationalinsights/workspaces/dataexports" => {
            ("aks/data-exports", until("/dataexports/"), true)
        }
        "microsoft.storage/storageaccounts" => ("aks/storage-account", id.to_owned(), false),
        "microsoft.storage/storageaccounts/blobservices/containers" => {
            ("aks/storage-containers", until("/blobservices/"), true)
        }
        "microsoft.insights/scheduledqueryrules" => {
            ("aks/alert-rules", subscription(id).unwrap_or_default().to_owned(), true)
        }
        "microsoft.insights/activitylogalerts" => ("aks/activity-log-alerts", none(), true),
        "microsoft.security/pricings"
            if text("name").is_some_and(|name| name.eq_ignore_ascii_case("Containers")) =>
        {
            ("aks/defender-plan", none(), false)
        }
        _ => return None,
    })
}
