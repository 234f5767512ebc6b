//! What the account records and watches beside the cluster's own logs.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::super::told::{Scene, Told};
use super::{about, any, items, listed, text, texts};
use crate::analyze::fact::Fact;

/// Changes to the cluster's settings in `CloudTrail`: who switched a log type off.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Trail {
    /// Whether a trail records them.
    pub records: Fact<bool>,
    /// Whether one does that records all regions.
    pub multi_region: Fact<bool>,
    /// Whether one does whose files can be proven not to have been altered.
    pub validated: Fact<bool>,
}

/// Whether `GuardDuty` looks for attacks in audit events.
pub(super) fn guard_duty(scene: &Scene<'_>) -> Fact<bool> {
    const CALL: &str = "eks/get-detector";
    const LIST: &str = "eks/list-detectors";
    let region = scene.identity.location.as_deref().unwrap_or_default();
    let found = scene.all_told(CALL).into_iter().map(|(_, told)| match told {
        Ok(told) => watches_audit(&told),
        Err(reason) => Fact::unknown(reason),
    });
    let has_some = scene.all_told(LIST).iter().any(|(_, told)| {
        told.as_ref().is_ok_and(|told| told.items("DetectorIds").is_some_and(|ids| !ids.is_empty()))
    });
    let none = match listed(scene, LIST, region, "DetectorIds") {
        _ if has_some => Fact::unknown(scene.not_asked(CALL)),
        Ok((told, _)) => told.fact(false, "DetectorIds", "there is no detector in this region"),
        Err(reason) => Fact::unknown(reason),
    };
    any(found, none)
}

fn watches_audit(told: &Told<'_>) -> Fact<bool> {
    const FEATURE: &str = "EKS_AUDIT_LOGS";
    if told.text("Status") == Some("DISABLED") {
        return told.fact(false, "Status", "DISABLED");
    }
    let Some(features) = told.items("Features") else {
        return Fact::unknown(format!(
            "{} names no features; a newer version of aws asks for them",
            told.evidence("", "").at
        ));
    };
    let path = format!("Features[{FEATURE}].Status");
    match features.iter().find(|feature| text(feature, "Name") == Some(FEATURE)) {
        None => told.fact(false, "Features", format!("{FEATURE} is not among them")),
        Some(feature) => match text(feature, "Status") {
            Some("ENABLED") => told.fact(true, &path, "ENABLED"),
            Some("DISABLED") => told.fact(false, &path, "DISABLED"),
            other => Fact::unknown(format!(
                "{} is {}, which is not known here",
                told.evidence(&path, "").at,
                other.unwrap_or("missing")
            )),
        },
    }
}

/// Changes to the cluster's settings in `CloudTrail`.
pub(super) fn trail(scene: &Scene<'_>) -> Trail {
    const CALL: &str = "eks/describe-trails";
    const PATH: &str = "trailList";
    let Some(region) = scene.identity.location.as_deref() else {
        let unknown = || Fact::unknown("the region of the cluster is not known; name it with --region");
        return Trail { records: unknown(), multi_region: unknown(), validated: unknown() };
    };
    // A saved list tells of the trails that are in it, but not that there are no others.
    let asked = listed(scene, CALL, region, PATH);
    let (told, trails) = match asked.clone().or_else(|reason| saved(scene, CALL, PATH).ok_or(reason)) {
        Ok(listed) => listed,
        Err(reason) => {
            let unknown = || Fact::unknown(reason.clone());
            return Trail { records: unknown(), multi_region: unknown(), validated: unknown() };
        }
    };
    let is_here =
        |trail: &&Value| is_on(trail, "IsMultiRegionTrail") || text(trail, "HomeRegion") == Some(region);
    let which = |has: &dyn Fn(&Value) -> Fact<bool>| {
        let facts = trails
            .iter()
            .filter(is_here)
            .map(|trail| records(scene, told, trail, trails.len()).and(has(trail)));
        let none = match &asked {
            Ok(_) => told.fact(false, PATH, format!("no trail records {region}")),
            Err(reason) => Fact::unknown(reason.clone()),
        };
        any(facts, none)
    };
    let switch = |field: &'static str| {
        move |trail: &Value| {
            let is_on = is_on(trail, field);
            told.fact(
                is_on,
                &format!("{PATH}[{}].{field}", name(trail)),
                if is_on { "true" } else { "false" },
            )
        }
    };
    Trail {
        records: which(&|trail| told.fact(true, &format!("{PATH}[{}]", name(trail)), "records this region")),
        multi_region: which(&switch("IsMultiRegionTrail")),
        validated: which(&switch("LogFileValidationEnabled")),
    }
}

/// A saved list, which tells of what is in it.
fn saved<'s>(scene: &Scene<'s>, call: &'static str, path: &str) -> Option<(Told<'s>, &'s [Value])> {
    items(scene.told(call, "").ok()?, path).ok()
}

fn is_on(item: &Value, field: &str) -> bool {
    item.get(field) == Some(&Value::Bool(true))
}

fn name(trail: &Value) -> &str {
    text(trail, "Name").unwrap_or_default()
}

/// Whether a trail is on and records changes.
fn records(scene: &Scene<'_>, told: Told<'_>, trail: &Value, trails: usize) -> Fact<bool> {
    const CALL: &str = "eks/get-trail-status";
    let arn = text(trail, "TrailARN").unwrap_or_default();
    // A saved status does not say of which trail it is, which is no question where there is one.
    let of = if trails == 1 && scene.snapshot.cloud.answer(CALL, arn).is_none() { "" } else { arn };
    let is_logging = match about(scene, CALL, of) {
        Ok(status) => match status.get("IsLogging").and_then(Value::as_bool) {
            Some(is_on) => status.fact(is_on, "IsLogging", format!("{}: {is_on}", name(trail))),
            None => {
                Fact::unknown(format!("{} does not say whether the trail is on", status.evidence("", "").at))
            }
        },
        Err(reason) => Fact::unknown(reason),
    };
    let selects = if is_on(trail, "HasCustomEventSelectors") {
        match about(scene, "eks/get-event-selectors", arn) {
            Ok(selectors) => selects_changes(&selectors),
            Err(reason) => Fact::unknown(reason),
        }
    } else {
        let path = format!("trailList[{}].HasCustomEventSelectors", name(trail));
        told.fact(true, &path, "every management event is recorded")
    };
    is_logging.and(selects)
}

/// Whether the selectors of a trail take events that change something.
fn selects_changes(told: &Told<'_>) -> Fact<bool> {
    let basic = told.items("EventSelectors").unwrap_or_default().iter().map(|selector| {
        const PATH: &str = "EventSelectors";
        let writes = text(selector, "ReadWriteType").is_none_or(|kind| kind != "ReadOnly");
        let manages = selector.get("IncludeManagementEvents") != Some(&Value::Bool(false));
        told.fact(writes && manages, PATH, if writes && manages { "changes" } else { "no changes" })
    });
    let advanced = told.items("AdvancedEventSelectors").unwrap_or_default().iter().map(|selector| {
        const PATH: &str = "AdvancedEventSelectors";
        let fields = selector.get("FieldSelectors").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let equals = |field: &str, value: &str| {
            let of = fields.iter().find(|one| text(one, "Field") == Some(field));
            of.map(|one| texts(one, "Equals").contains(&value))
        };
        let is_plain = |one: &Value| matches!(text(one, "Field"), Some("eventCategory" | "readOnly"));
        match (equals("eventCategory", "Management"), equals("readOnly", "false")) {
            (Some(true), None | Some(true)) if fields.iter().all(is_plain) => told.fact(true, PATH, "changes"),
            (Some(true), None | Some(true)) => Fact::unknown(format!(
                "{} chooses events by further fields; see whether UpdateClusterConfig of eks.amazonaws.com is among them",
                told.evidence(PATH, "").at
            )),
            _ => told.fact(false, PATH, "no changes"),
        }
    });
    any(basic.chain(advanced), told.fact(false, "EventSelectors", "there are none"))
}

/// Whether all connections in the cluster's VPC are logged.
pub(super) fn flow_logs(scene: &Scene<'_>) -> Fact<bool> {
    const CALL: &str = "eks/describe-flow-logs";
    const PATH: &str = "FlowLogs";
    let cluster = match scene.told("eks/describe-cluster", "") {
        Ok(cluster) => cluster,
        Err(reason) => return Fact::unknown(reason),
    };
    let Some(vpc) = cluster.text("resourcesVpcConfig.vpcId") else {
        return Fact::unknown("the answer does not say in which VPC the cluster is");
    };
    let asked = listed(scene, CALL, vpc, PATH);
    let (told, logs) = match asked.clone().or_else(|reason| saved(scene, CALL, PATH).ok_or(reason)) {
        Ok(listed) => listed,
        Err(reason) => return Fact::unknown(reason),
    };
    let works = |log: &&Value| {
        text(log, "FlowLogStatus") == Some("ACTIVE")
            && text(log, "TrafficType") == Some("ALL")
            && text(log, "DeliverLogsStatus") != Some("FAILED")
    };
    let of_vpc: Vec<&Value> = logs.iter().filter(|log| text(log, "ResourceId") == Some(vpc)).collect();
    let path = |log: &Value| format!("{PATH}[{}]", text(log, "FlowLogId").unwrap_or_default());
    if let Some(log) = of_vpc.iter().copied().find(works) {
        return told.fact(true, &path(log), format!("all connections of {vpc}"));
    }
    if let Some(log) = of_vpc.first() {
        let state = |key| text(log, key).unwrap_or("not told");
        return told.fact(
            false,
            &path(log),
            format!(
                "of {vpc}: {}, traffic {}, delivery {}",
                state("FlowLogStatus"),
                state("TrafficType"),
                state("DeliverLogsStatus")
            ),
        );
    }
    if let Some(log) = logs.iter().find(works) {
        return Fact::unknown(format!(
            "{} is of a subnet, and nodes may be in others; a flow log of the whole VPC {vpc} leaves no doubt",
            told.evidence(&path(log), "").at
        ));
    }
    match asked {
        Ok(_) => told.fact(false, PATH, format!("no flow log of {vpc}")),
        Err(reason) => Fact::unknown(reason),
    }
}
