//! The log group in which the control plane's logs are kept.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::super::told::{Scene, Told};
use super::{Item, further, is_foreign, listed, text, texts};
use crate::analyze::fact::Fact;
use crate::snapshot::cloud::eks::log_group;

/// Where the logs of the control plane are kept.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogGroup {
    /// Its name, which EKS gives.
    pub name: String,
    /// Whether it exists.
    pub exists: Fact<bool>,
    /// For how many days it keeps logs; 0 if it never deletes any.
    pub keeps_days: Fact<i64>,
    /// The policy of the account that decides that, over what is set for the group; empty if there is none.
    pub retention_policy: Fact<String>,
    /// Whether what it holds is encrypted under a key of the owner's, and not one of Amazon's.
    pub own_key: Fact<bool>,
    /// Whether it is protected from being deleted.
    pub deletion_protection: Fact<bool>,
    /// Its class: `STANDARD`, `INFREQUENT_ACCESS`, `ESSENTIALS`, `DELIVERY`.
    pub class: Fact<String>,
    /// Whether what it holds can be searched there.
    pub searchable: Fact<bool>,
    /// Whether a policy of data protection masks what it takes for personal data and credentials.
    pub masked: Fact<bool>,
}

/// The group; none if the provider was asked for it by name and has no such group.
fn find<'s>(scene: &Scene<'s>) -> Result<Result<Item<'s>, Told<'s>>, String> {
    let Some(cluster) = scene.identity.cluster.as_deref() else {
        return Err("the name of the cluster is not known; name it with --cluster-name".into());
    };
    let name = log_group(cluster);
    let (told, groups) = listed(scene, "eks/describe-log-groups", &name, "logGroups")?;
    // The question is by prefix, so that neighbours may be among the answers.
    let Some(item) = groups.iter().find(|group| text(group, "logGroupName") == Some(&name)) else {
        return Ok(Err(told));
    };
    let group = Item::new(told, "logGroups", item, &name);
    if let Some(arn) = group.text("arn") {
        let region = arn.split(':').nth(3);
        let is_elsewhere =
            matches!((region, &scene.identity.location), (Some(region), Some(own)) if region != own);
        if is_elsewhere || is_foreign(scene, arn) {
            return Err(format!(
                "{} is of another region or account than the cluster: {arn}; ask for it where the cluster is",
                told.evidence("", "").at
            ));
        }
    }
    Ok(Ok(group))
}

/// Whether the group exists.
pub(super) fn exists(scene: &Scene<'_>) -> Fact<bool> {
    match find(scene) {
        Err(reason) => Fact::unknown(reason),
        Ok(Ok(group)) => group.fact(true, "logGroupName", "it exists"),
        Ok(Err(told)) => {
            further(told).unwrap_or_else(|| told.fact(false, "logGroups", "there is no such group"))
        }
    }
}

/// The class of the group.
pub(super) fn class(scene: &Scene<'_>) -> Fact<String> {
    match find(scene) {
        Ok(Ok(group)) => class_of(&group),
        Ok(Err(_)) => Fact::unknown("the log group does not exist"),
        Err(reason) => Fact::unknown(reason),
    }
}

/// The facts.
pub(super) fn facts(scene: &Scene<'_>) -> LogGroup {
    let found = match find(scene) {
        Ok(Ok(group)) => Ok(group),
        Ok(Err(_)) => Err("the log group does not exist".to_owned()),
        Err(reason) => Err(reason),
    };
    LogGroup {
        name: scene.identity.cluster.as_deref().map(log_group).unwrap_or_default(),
        exists: exists(scene),
        keeps_days: of(&found, keeps_days),
        retention_policy: of(&found, retention_policy),
        own_key: of(&found, own_key),
        deletion_protection: of(&found, deletion_protection),
        class: of(&found, class_of),
        searchable: of(&found, searchable),
        masked: of(&found, masked),
    }
}

fn of<T>(found: &Result<Item<'_>, String>, fact: fn(&Item<'_>) -> Fact<T>) -> Fact<T> {
    match found {
        Ok(group) => fact(group),
        Err(reason) => Fact::unknown(reason.clone()),
    }
}

fn keeps_days(group: &Item<'_>) -> Fact<i64> {
    const FIELD: &str = "retentionInDays";
    if text(group.value, "logGroupClass") == Some("DELIVERY") {
        return group.fact(1, "logGroupClass", "DELIVERY, which keeps logs for one day");
    }
    let by = match text(group.value, "retentionPolicyName") {
        Some(policy) => format!(", by the account's policy {policy}"),
        None => String::new(),
    };
    match group.field(FIELD) {
        None => group.fact(0, FIELD, format!("not set, so that nothing is ever deleted{by}")),
        Some(value) => match value.as_i64().filter(|days| *days > 0) {
            Some(days) => group.fact(days, FIELD, format!("{days}{by}")),
            None => group.odd(FIELD),
        },
    }
}

fn retention_policy(group: &Item<'_>) -> Fact<String> {
    const FIELD: &str = "retentionPolicyName";
    match text(group.value, FIELD) {
        Some(policy) => group.fact(policy.to_owned(), FIELD, policy),
        None => group.fact(String::new(), FIELD, "none"),
    }
}

fn own_key(group: &Item<'_>) -> Fact<bool> {
    match group.field("kmsKeyId") {
        None => group.fact(false, "kmsKeyId", "not set, so that a key of Amazon's is used"),
        Some(Value::String(key)) if !key.is_empty() => group.fact(true, "kmsKeyId", key.clone()),
        Some(_) => group.odd("kmsKeyId"),
    }
}

fn deletion_protection(group: &Item<'_>) -> Fact<bool> {
    const FIELD: &str = "deletionProtectionEnabled";
    group.switch(FIELD)
}

fn class_of(group: &Item<'_>) -> Fact<String> {
    match text(group.value, "logGroupClass") {
        Some(class) => group.fact(class.to_owned(), "logGroupClass", class),
        None => {
            Fact::unknown("the answer does not say the log group's class; a newer version of aws asks for it")
        }
    }
}

fn searchable(group: &Item<'_>) -> Fact<bool> {
    class_of(group).and_then(|class| match class.as_str() {
        "STANDARD" | "INFREQUENT_ACCESS" => group.fact(true, "logGroupClass", class),
        "DELIVERY" => group.fact(false, "logGroupClass", class),
        _ => Fact::unknown(format!(
            "the class of the log group is {class}, of which it is not known here whether it can be searched; \
             see the page on log classes in the guide to CloudWatch Logs"
        )),
    })
}

fn masked(group: &Item<'_>) -> Fact<bool> {
    const FIELD: &str = "dataProtectionStatus";
    if texts(group.value, "inheritedProperties").contains(&"ACCOUNT_DATA_PROTECTION") {
        return group.fact(true, "inheritedProperties", "ACCOUNT_DATA_PROTECTION");
    }
    match group.field(FIELD) {
        None => group.fact(false, FIELD, "not set"),
        Some(value) => match value.as_str() {
            Some("ACTIVATED") => group.fact(true, FIELD, "ACTIVATED"),
            Some(status @ ("DELETED" | "ARCHIVED" | "DISABLED")) => group.fact(false, FIELD, status),
            _ => group.odd(FIELD),
        },
    }
}
