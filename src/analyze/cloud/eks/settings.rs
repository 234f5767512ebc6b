//! What EKS says of the cluster itself.

use serde::Deserialize;
use serde_json::Value;

use super::super::told::{Scene, Told};
use super::text;
use crate::analyze::fact::Fact;

const PATH: &str = "logging.clusterLogging";

fn told<'s>(scene: &Scene<'s>) -> Result<Told<'s>, String> {
    scene.told("eks/describe-cluster", "")
}

/// The types of log that are on: those that any group names that is enabled.
pub(super) fn log_types(scene: &Scene<'_>) -> Fact<Vec<String>> {
    let told = match told(scene) {
        Ok(told) => told,
        Err(reason) => return Fact::unknown(reason),
    };
    if told.get("connectorConfig.provider").is_some() {
        return Fact::unknown(
            "the cluster is only connected to EKS, which runs no control plane for it; ask whoever runs it",
        );
    }
    let Some(groups) = told.items(PATH) else {
        return Fact::unknown(
            "the answer says nothing of logging; `aws eks describe-cluster` of a newer version does",
        );
    };
    let mut types: Vec<String> = Vec::new();
    for group in groups {
        let named: Option<Vec<String>> =
            group.get("types").and_then(|types| Deserialize::deserialize(types).ok());
        match (group.get("enabled"), named) {
            (Some(Value::Bool(true)), Some(named)) => types.extend(named),
            (Some(Value::Bool(true)), None) => {
                return Fact::unknown(format!("{PATH} holds a group without a list of types: {group}"));
            }
            (Some(Value::Bool(false)), _) => {}
            _ => {
                return Fact::unknown(format!(
                    "{PATH} holds a group that is neither enabled nor disabled: {group}"
                ));
            }
        }
    }
    types.sort();
    types.dedup();
    let detail = if types.is_empty() { "none is on".to_owned() } else { format!("on: {}", types.join(", ")) };
    told.fact(types, PATH, detail)
}

/// Whether a type of log is on.
pub(super) fn log_type(scene: &Scene<'_>, name: &str) -> Fact<bool> {
    log_types(scene).map(|types| types.iter().any(|one| one == name))
}

/// What EKS says is wrong with the cluster.
pub(super) fn health_issues(scene: &Scene<'_>) -> Fact<Vec<String>> {
    const PATH: &str = "health.issues";
    match told(scene) {
        Err(reason) => Fact::unknown(reason),
        Ok(told) => match told.items(PATH) {
            None => Fact::unknown(
                "the answer says nothing of the cluster's health; a newer version of aws asks for it",
            ),
            Some(issues) => {
                let code = |issue| text(issue, "code").unwrap_or("an issue without a code").to_owned();
                let mut codes: Vec<String> = issues.iter().map(code).collect();
                codes.sort();
                codes.dedup();
                let detail = if codes.is_empty() { "none".to_owned() } else { codes.join(", ") };
                told.fact(codes, PATH, detail)
            }
        },
    }
}

/// For how many minutes the apiserver keeps Events.
pub(super) fn event_ttl_minutes(scene: &Scene<'_>) -> Fact<i64> {
    const PATH: &str = "kubeApiServerConfig.eventTtl";
    match told(scene) {
        Err(reason) => Fact::unknown(reason),
        Ok(told) => match told.text(PATH) {
            None => Fact::unknown(
                "the answer does not say how long Events stay; a newer version of aws asks for it",
            ),
            Some(ttl) => match minutes(ttl) {
                Some(minutes) => told.fact(minutes, PATH, ttl),
                None => Fact::unknown(format!("{PATH} is {ttl:?}, which is no duration such as 30m or 1h")),
            },
        },
    }
}

/// The whole minutes of a duration of a single unit.
pub(super) fn minutes(duration: &str) -> Option<i64> {
    let unit = duration.char_indices().find(|(_, c)| !c.is_ascii_digit())?.0;
    let (number, unit) = duration.split_at_checked(unit)?;
    let number: i64 = number.parse().ok()?;
    match unit {
        "s" => Some(number / 60),
        "m" => Some(number),
        "h" => number.checked_mul(60),
        "d" => number.checked_mul(24 * 60),
        _ => None,
    }
}

/// Whether the cluster is protected from being deleted.
pub(super) fn deletion_protection(scene: &Scene<'_>) -> Fact<bool> {
    match told(scene) {
        Err(reason) => Fact::unknown(reason),
        Ok(told) if told.get("deletionProtection").is_none() => {
            Fact::unknown("the answer does not say it; a newer version of aws asks for it")
        }
        Ok(told) => told.switch("deletionProtection", false),
    }
}
