//! What the account records and watches beside the cluster's own logs.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::super::told::{Scene, Told};
use super::{Item, about, any, further, is_foreign, items, listed, text, texts, told};
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
        Ok(told) => watches_audit(scene, &told),
        Err(reason) => Fact::unknown(reason),
    });
    let lists: Vec<Told<'_>> = scene.all_told(LIST).into_iter().filter_map(|(_, told)| told.ok()).collect();
    let has_some =
        lists.iter().any(|told| told.items("DetectorIds").is_some_and(|detectors| !detectors.is_empty()));
    let none = match listed(scene, LIST, region, "DetectorIds") {
        _ if has_some => Fact::unknown(scene.not_asked(CALL)),
        Ok((told, _)) => told.fact(false, "DetectorIds", "there is no detector in this region"),
        Err(reason) => Fact::unknown(reason),
    };
    any(found.chain(lists.iter().filter_map(|told| further(*told))), none)
}

fn watches_audit(scene: &Scene<'_>, told: &Told<'_>) -> Fact<bool> {
    const FEATURE: &str = "EKS_AUDIT_LOGS";
    const ROLE: &str = "ServiceRole";
    if let Some(role) = told.text(ROLE).filter(|role| is_foreign(scene, role)) {
        return Fact::unknown(format!(
            "{} is of another account than the cluster: {role}; ask where the cluster is",
            told.evidence(ROLE, "").at
        ));
    }
    let status = match told.text("Status") {
        Some("ENABLED") => told.fact(true, "Status", "ENABLED"),
        Some("DISABLED") => return told.fact(false, "Status", "DISABLED"),
        other => {
            return Fact::unknown(format!(
                "{} is {}, which is not known here",
                told.evidence("Status", "").at,
                other.unwrap_or("no text")
            ));
        }
    };
    let Some(features) = told.items("Features") else {
        return Fact::unknown(format!(
            "{} names no features; a newer version of aws asks for them",
            told.evidence("", "").at
        ));
    };
    match features.iter().find(|feature| text(feature, "Name") == Some(FEATURE)) {
        None => told.fact(false, "Features", format!("{FEATURE} is not among them")),
        Some(feature) => status.and(Item::new(*told, "Features", feature, FEATURE).word(
            "Status",
            "ENABLED",
            &["DISABLED"],
        )),
    }
}

/// Changes to the cluster's settings in `CloudTrail`.
pub(super) fn trail(scene: &Scene<'_>) -> Trail {
    const CALL: &str = "eks/describe-trails";
    const PATH: &str = "trailList";
    let unknown = |reason: &str| {
        let unknown = || Fact::unknown(reason);
        Trail { records: unknown(), multi_region: unknown(), validated: unknown() }
    };
    let Some(region) = scene.identity.location.as_deref() else {
        return unknown("the region of the cluster is not known; name it with --region");
    };
    // A saved list tells of the trails that are in it, but not that there are no others.
    let asked = listed(scene, CALL, region, PATH);
    let (told, trails) = match asked.clone().or_else(|reason| saved(scene, CALL, PATH).ok_or(reason)) {
        Ok(listed) => listed,
        Err(reason) => return unknown(&reason),
    };
    let trails: Vec<Item<'_>> = trails
        .iter()
        .map(|trail| Item::new(told, PATH, trail, text(trail, "Name").unwrap_or_default()))
        .collect();
    let which = |has: &dyn Fn(&Item<'_>) -> Fact<bool>| {
        let of_here = trails.iter().filter_map(|trail| {
            let is_here = takes_in(trail, region);
            // A trail of elsewhere that is known to be one says nothing of this region.
            (is_here.value() != Some(&false))
                .then(|| is_here.and(records(scene, trail, trails.len())).and(has(trail)))
        });
        let none = match &asked {
            Ok(_) => told.fact(false, PATH, format!("no trail records {region}")),
            Err(reason) => Fact::unknown(reason.clone()),
        };
        any(of_here, none)
    };
    Trail {
        records: which(&|trail| told.fact(true, &trail.path, "records this region")),
        multi_region: which(&|trail| trail.switch("IsMultiRegionTrail")),
        validated: which(&|trail| trail.switch("LogFileValidationEnabled")),
    }
}

/// A saved list, which tells of what is in it.
fn saved<'s>(scene: &Scene<'s>, call: &'static str, path: &str) -> Option<(Told<'s>, &'s [Value])> {
    items(told(scene, call, "").ok()?, path).ok()
}

/// Whether a trail takes in what happens in a region.
fn takes_in(trail: &Item<'_>, region: &str) -> Fact<bool> {
    match trail.text("HomeRegion") {
        Some(home) if home == region => trail.told.fact(true, &trail.path, "records this region"),
        _ => trail.switch("IsMultiRegionTrail"),
    }
}

/// Whether a trail of this account is on, delivers and records changes.
fn records(scene: &Scene<'_>, trail: &Item<'_>, trails: usize) -> Fact<bool> {
    const CALL: &str = "eks/get-trail-status";
    const SELECTORS: &str = "HasCustomEventSelectors";
    let name = trail.text("Name").unwrap_or_default();
    let arn = trail.text("TrailARN").unwrap_or_default();
    // That of an organization belongs to the account that manages it.
    if is_foreign(scene, arn) && trail.switch("IsOrganizationTrail").value() != Some(&true) {
        return Fact::unknown(format!(
            "{} is of another account than the cluster: {arn}; ask where the cluster is",
            trail.at("TrailARN")
        ));
    }
    // A saved status does not say of which trail it is, which is no question where there is one.
    let of = if trails == 1 && scene.snapshot.cloud.answer(CALL, arn).is_none() { "" } else { arn };
    let works = match about(scene, CALL, of) {
        Ok(status) => {
            let is_logging = match status.get("IsLogging") {
                Some(Value::Bool(is_on)) => status.fact(*is_on, "IsLogging", format!("{name}: {is_on}")),
                _ => Fact::unknown(format!(
                    "{} does not say whether the trail is on",
                    status.evidence("", "").at
                )),
            };
            is_logging.and(delivers(&status))
        }
        Err(reason) => Fact::unknown(reason),
    };
    let selects = match trail.field(SELECTORS) {
        None | Some(Value::Bool(false)) => trail.fact(true, SELECTORS, "every management event is recorded"),
        Some(Value::Bool(true)) => match about(scene, "eks/get-event-selectors", arn) {
            Ok(selectors) => selects_changes(&selectors),
            Err(reason) => Fact::unknown(reason),
        },
        Some(_) => trail.odd(SELECTORS),
    };
    works.and(selects)
}

/// Whether the files of a trail arrive in its bucket.
fn delivers(status: &Told<'_>) -> Fact<bool> {
    const PATH: &str = "LatestDeliveryError";
    match status.get(PATH) {
        None => status.fact(true, PATH, "none"),
        Some(Value::String(error)) if error.is_empty() => status.fact(true, PATH, "none"),
        Some(Value::String(error)) => status.fact(false, PATH, error.clone()),
        Some(other) => Fact::unknown(format!("{} is {other}, no text", status.evidence(PATH, "").at)),
    }
}

/// Whether the selectors of a trail take events that change something.
fn selects_changes(told: &Told<'_>) -> Fact<bool> {
    const BASIC: &str = "EventSelectors";
    const ADVANCED: &str = "AdvancedEventSelectors";
    let (basic, advanced) = (told.items(BASIC), told.items(ADVANCED));
    if basic.is_none() && advanced.is_none() {
        return Fact::unknown(format!("{} holds no list of selectors", told.evidence("", "").at));
    }
    let basic = basic.unwrap_or_default().iter().enumerate().map(|(number, selector)| {
        let selector = Item::new(*told, BASIC, selector, &number.to_string());
        let writes = match selector.text("ReadWriteType") {
            None if selector.field("ReadWriteType").is_none() => selector.fact(true, "ReadWriteType", "All"),
            Some(kind @ ("All" | "WriteOnly")) => selector.fact(true, "ReadWriteType", kind),
            Some("ReadOnly") => selector.fact(false, "ReadWriteType", "ReadOnly"),
            _ => selector.odd("ReadWriteType"),
        };
        let manages = match selector.field("IncludeManagementEvents") {
            None => selector.fact(true, "IncludeManagementEvents", "not set"),
            Some(_) => selector.switch("IncludeManagementEvents"),
        };
        writes.and(manages)
    });
    let advanced = advanced.unwrap_or_default().iter().map(|selector| {
        let fields = selector.get("FieldSelectors").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let equals = |field: &str, value: &str| {
            let of = fields.iter().find(|one| text(one, "Field") == Some(field));
            of.map(|one| texts(one, "Equals").contains(&value))
        };
        let is_plain = |one: &Value| matches!(text(one, "Field"), Some("eventCategory" | "readOnly"));
        match (equals("eventCategory", "Management"), equals("readOnly", "false")) {
            (Some(true), None | Some(true)) if fields.iter().all(is_plain) => {
                told.fact(true, ADVANCED, "changes")
            }
            (Some(true), None | Some(true)) => Fact::unknown(format!(
                "{} chooses events by further fields; see whether UpdateClusterConfig of eks.amazonaws.com is among them",
                told.evidence(ADVANCED, "").at
            )),
            _ => told.fact(false, ADVANCED, "no changes"),
        }
    });
    any(basic.chain(advanced), told.fact(false, BASIC, "there are none"))
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
    let logs: Vec<Item<'_>> = logs
        .iter()
        .map(|log| Item::new(told, PATH, log, text(log, "FlowLogId").unwrap_or_default()))
        .collect();
    let works = |log: &Item<'_>| {
        log.word("FlowLogStatus", "ACTIVE", &[])
            .and(log.word("TrafficType", "ALL", &["ACCEPT", "REJECT"]))
            .and(log.word("DeliverLogsStatus", "SUCCESS", &["FAILED"]))
    };
    let of_vpc = logs.iter().filter(|log| log.text("ResourceId") == Some(vpc)).map(works);
    let of_subnet =
        logs.iter().find(|log| log.text("ResourceId") != Some(vpc) && works(log).value() == Some(&true));
    let none = match (of_subnet, asked) {
        (Some(log), _) => Fact::unknown(format!(
            "{} is of a subnet, and nodes may be in others; a flow log of the whole VPC {vpc} leaves no doubt",
            told.evidence(&log.path, "").at
        )),
        (None, Ok(_)) => told.fact(false, PATH, format!("no flow log of {vpc}")),
        (None, Err(reason)) => Fact::unknown(reason),
    };
    any(of_vpc.chain(further(told)), none)
}
