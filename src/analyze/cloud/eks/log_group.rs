//! The log group in which the control plane's logs are kept.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::super::told::{Scene, Told};
use super::{listed, text, texts};
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

/// A log group and the answer that told of it.
struct Group<'s> {
    told: Told<'s>,
    item: &'s Value,
    name: String,
}

impl Group<'_> {
    /// A fact that rests on a field of it.
    fn fact<T>(&self, value: T, field: &str, detail: impl Into<String>) -> Fact<T> {
        self.told.fact(value, &format!("logGroups[{}].{field}", self.name), detail)
    }

    /// Something that the answer says and that is not understood.
    fn odd<T>(&self, field: &str, value: &Value) -> Fact<T> {
        let at = self.told.evidence(&format!("logGroups[{}].{field}", self.name), "").at;
        Fact::unknown(format!("{at} is {value}, which is not known here"))
    }

    fn field(&self, name: &str) -> Option<&Value> {
        self.item.get(name).filter(|value| !value.is_null())
    }
}

/// The group; none if the provider was asked for it by name and has no such group.
fn find<'s>(scene: &Scene<'s>) -> Result<Result<Group<'s>, Told<'s>>, String> {
    let Some(cluster) = scene.identity.cluster.as_deref() else {
        return Err("the name of the cluster is not known; name it with --cluster-name".into());
    };
    let name = log_group(cluster);
    let (told, groups) = listed(scene, "eks/describe-log-groups", &name, "logGroups")?;
    // The question is by prefix, so that neighbours may be among the answers.
    let Some(item) = groups.iter().find(|group| text(group, "logGroupName") == Some(&name)) else {
        return Ok(Err(told));
    };
    if let Some(arn) = text(item, "arn") {
        let part = |index| arn.split(':').nth(index);
        let is_other = |part: Option<&str>, wanted: &Option<String>| matches!((part, wanted), (Some(part), Some(wanted)) if part != wanted);
        if is_other(part(3), &scene.identity.location) || is_other(part(4), &scene.identity.account) {
            return Err(format!(
                "{} is of another region or account than the cluster: {arn}; ask for it where the cluster is",
                told.evidence("", "").at
            ));
        }
    }
    Ok(Ok(Group { told, item, name }))
}

/// Whether the group exists.
pub(super) fn exists(scene: &Scene<'_>) -> Fact<bool> {
    match find(scene) {
        Err(reason) => Fact::unknown(reason),
        Ok(Ok(group)) => group.fact(true, "logGroupName", "it exists"),
        Ok(Err(told)) => told.fact(false, "logGroups", "there is no such group"),
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
        class: of(&found, class),
        searchable: of(&found, searchable),
        masked: of(&found, masked),
    }
}

fn of<T>(found: &Result<Group<'_>, String>, fact: fn(&Group<'_>) -> Fact<T>) -> Fact<T> {
    match found {
        Ok(group) => fact(group),
        Err(reason) => Fact::unknown(reason.clone()),
    }
}

fn keeps_days(group: &Group<'_>) -> Fact<i64> {
    const FIELD: &str = "retentionInDays";
    if text(group.item, "logGroupClass") == Some("DELIVERY") {
        return group.fact(1, "logGroupClass", "DELIVERY, which keeps logs for one day");
    }
    let by = match text(group.item, "retentionPolicyName") {
        Some(policy) => format!(", by the account's policy {policy}"),
        None => String::new(),
    };
    match group.field(FIELD) {
        None => group.fact(0, FIELD, format!("not set, so that nothing is ever deleted{by}")),
        Some(value) => match value.as_i64().filter(|days| *days > 0) {
            Some(days) => group.fact(days, FIELD, format!("{days}{by}")),
            None => group.odd(FIELD, value),
        },
    }
}

fn retention_policy(group: &Group<'_>) -> Fact<String> {
    const FIELD: &str = "retentionPolicyName";
    match text(group.item, FIELD) {
        Some(policy) => group.fact(policy.to_owned(), FIELD, policy),
        None => group.fact(String::new(), FIELD, "none"),
    }
}

fn own_key(group: &Group<'_>) -> Fact<bool> {
    match group.field("kmsKeyId") {
        None => group.fact(false, "kmsKeyId", "not set, so that a key of Amazon's is used"),
        Some(Value::String(key)) if !key.is_empty() => group.fact(true, "kmsKeyId", key.clone()),
        Some(other) => group.odd("kmsKeyId", other),
    }
}

fn deletion_protection(group: &Group<'_>) -> Fact<bool> {
    const FIELD: &str = "deletionProtectionEnabled";
    match group.field(FIELD) {
        None => group.fact(false, FIELD, "not set"),
        Some(Value::Bool(is_on)) => group.fact(*is_on, FIELD, is_on.to_string()),
        Some(other) => group.odd(FIELD, other),
    }
}

fn class(group: &Group<'_>) -> Fact<String> {
    match text(group.item, "logGroupClass") {
        Some(class) => group.fact(class.to_owned(), "logGroupClass", class),
        None => {
            Fact::unknown("the answer does not say the log group's class; a newer version of aws asks for it")
        }
    }
}

fn searchable(group: &Group<'_>) -> Fact<bool> {
    class(group).and_then(|class| match class.as_str() {
        "STANDARD" | "INFREQUENT_ACCESS" => group.fact(true, "logGroupClass", class),
        "DELIVERY" => group.fact(false, "logGroupClass", class),
        _ => Fact::unknown(format!(
            "the class of the log group is {class}, of which it is not known here whether it can be searched; \
             see the page on log classes in the guide to CloudWatch Logs"
        )),
    })
}

fn masked(group: &Group<'_>) -> Fact<bool> {
    const FIELD: &str = "dataProtectionStatus";
    if texts(group.item, "inheritedProperties").contains(&"ACCOUNT_DATA_PROTECTION") {
        return group.fact(true, "inheritedProperties", "ACCOUNT_DATA_PROTECTION");
    }
    match group.field(FIELD) {
        None => group.fact(false, FIELD, "not set"),
        Some(value) => match value.as_str() {
            Some("ACTIVATED") => group.fact(true, FIELD, "ACTIVATED"),
            Some(status @ ("DELETED" | "ARCHIVED" | "DISABLED")) => group.fact(false, FIELD, status),
            _ => group.odd(FIELD, value),
        },
    }
}
