//! Who is told of what the audit log holds, and what is carried on from it.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::super::told::{Scene, Told};
use super::{Item, account, any, further, is_foreign, listed, text};
use crate::analyze::fact::Fact;
use crate::snapshot::cloud::eks::{SUBSCRIPTION_POLICY, log_group, of_metric};

/// Who is told of what is in the log group, and what is carried on from it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Watch {
    /// Whether an alarm that notifies somebody watches a metric made of audit events; unknown where a subscription carries
    /// events on to something that may raise alarms.
    pub alarms: Fact<bool>,
    /// Whether a subscription carries every event on to another account.
    pub copied: Fact<bool>,
    /// Whether a subscription carries any events on, to wherever.
    pub copied_in_part: Fact<bool>,
}

/// Words of which patterns hold one that look at audit events, in small letters.
const WORDS: [&str; 14] = [
    "$.verb",
    "$.user",
    "$.impersonateduser",
    "$.objectref",
    "$.responsestatus",
    "$.sourceips",
    "$.requesturi",
    "$.annotations",
    "anonymous",
    "forbidden",
    "secrets",
    "\"exec\"",
    "/exec",
    "rolebinding",
];

/// The facts.
pub(super) fn facts(scene: &Scene<'_>) -> Watch {
    let filters = subscriptions(scene);
    let policies = account_policies(scene);
    let in_part = of(&filters, Subscription::takes_some).or(of(&policies, Subscription::takes_some));
    let all =
        |subscription: &Subscription<'_>| subscription.takes_all().and(subscription.leaves_account(scene));
    Watch {
        alarms: in_class(scene, alarms(scene).unwrap_or_else(Fact::unknown)).or(elsewhere(in_part.clone())),
        copied: in_class(scene, of(&filters, all).or(of(&policies, all))),
        copied_in_part: in_part,
    }
}

/// What works on a log group only if its class has that feature, which is sure of STANDARD alone.
fn in_class(scene: &Scene<'_>, works: Fact<bool>) -> Fact<bool> {
    match super::log_group::class(scene).value().map(String::as_str) {
        Some(class) if class != "STANDARD" && works.value() == Some(&true) => Fact::unknown(format!(
            "the class of the log group is {class}, and it is not known here whether metric and subscription filters work in it; \
             see the page on log classes in the guide to CloudWatch Logs"
        )),
        _ => works,
    }
}

/// Whether alarms are raised by whoever gets events from a subscription, which is not seen here.
fn elsewhere(carried_on: Fact<bool>) -> Fact<bool> {
    match carried_on.value() {
        Some(true) => Fact::unknown(
            "a subscription carries events on; see whether the system that gets them raises alarms",
        ),
        _ => carried_on,
    }
}

fn group(scene: &Scene<'_>) -> Result<String, String> {
    let cluster = scene.identity.cluster.as_deref();
    cluster
        .map(log_group)
        .ok_or_else(|| "the name of the cluster is not known; name it with --cluster-name".into())
}

fn alarms(scene: &Scene<'_>) -> Result<Fact<bool>, String> {
    const PATH: &str = "metricFilters";
    let (told, filters) = listed(scene, "eks/describe-metric-filters", &group(scene)?, PATH)?;
    let mut found = Vec::new();
    for filter in filters {
        if !looks_at_audit(text(filter, "filterPattern").unwrap_or_default()) {
            continue;
        }
        for metric in filter.get("metricTransformations").and_then(Value::as_array).into_iter().flatten() {
            found.push(alarmed(scene, metric));
        }
    }
    let none = match filters.len() {
        0 => "there are none".to_owned(),
        number => format!("none of {number} looks at a field of audit events"),
    };
    Ok(any(found.into_iter().chain(further(told)), told.fact(false, PATH, none)))
}

/// Whether a pattern looks for something of audit events.
pub(super) fn looks_at_audit(pattern: &str) -> bool {
    let pattern = pattern.trim().to_ascii_lowercase();
    let is_of_audit = |text: &str| WORDS.iter().any(|word| text.contains(word));
    if pattern.starts_with(['{', '[']) {
        return is_of_audit(&pattern);
    }
    let mut is_quoted = false;
    let mut terms = pattern.split(|c: char| {
        is_quoted ^= c == '"';
        c.is_whitespace() && !is_quoted
    });
    // A term with a minus is what events must not hold.
    terms.any(|term| !term.starts_with('-') && is_of_audit(term))
}

/// Whether an alarm on a metric notifies somebody.
fn alarmed(scene: &Scene<'_>, metric: &Value) -> Fact<bool> {
    let (Some(namespace), Some(name)) = (text(metric, "metricNamespace"), text(metric, "metricName")) else {
        return Fact::unknown("a metric filter has no metric with namespace and name");
    };
    let of = of_metric(namespace, name);
    let (told, alarms) = match listed(scene, "eks/describe-alarms-for-metric", &of, "MetricAlarms") {
        Ok(listed) => listed,
        Err(reason) => return Fact::unknown(reason),
    };
    let notifying = any(
        alarms.iter().map(|alarm| {
            notifies(&Item::new(told, "MetricAlarms", alarm, text(alarm, "AlarmName").unwrap_or(&of)), &of)
        }),
        told.fact(false, "MetricAlarms", format!("no alarm watches {of}")),
    );
    if notifying.value() != Some(&false) {
        return notifying;
    }
    // Alarms on a metric with dimensions are only found with their values, which nobody knows.
    let has_dimensions =
        metric.get("dimensions").and_then(Value::as_object).is_some_and(|all| !all.is_empty());
    if has_dimensions {
        return Fact::unknown(format!(
            "the metric {of} has dimensions, with which alarms cannot be looked for; see with `aws cloudwatch describe-alarms` whether one watches it"
        ));
    }
    notifying
}

/// Whether an alarm has an action, and its actions are on.
fn notifies(alarm: &Item<'_>, metric: &str) -> Fact<bool> {
    const ACTIONS: &str = "AlarmActions";
    let is_action = |action: &Value| action.as_str().is_some_and(|arn| arn.starts_with("arn:"));
    let has_action = match alarm.field(ACTIONS) {
        None => alarm.fact(false, ACTIONS, "none"),
        Some(Value::Array(actions)) if actions.is_empty() => alarm.fact(false, ACTIONS, "none"),
        Some(Value::Array(actions)) if actions.iter().any(is_action) => {
            alarm.fact(true, ACTIONS, format!("on {metric}"))
        }
        Some(_) => alarm.odd(ACTIONS),
    };
    has_action.and(alarm.switch("ActionsEnabled"))
}

/// Something that carries events on.
struct Subscription<'s> {
    told: Told<'s>,
    path: String,
    /// Which events; none if the answer does not say.
    pattern: Option<String>,
    /// To where; none if the answer does not say.
    destination: Option<&'s str>,
    /// Whether it is for this log group; none if that cannot be told.
    is_for_group: Option<bool>,
}

impl Subscription<'_> {
    fn takes_some(&self) -> Fact<bool> {
        match self.is_for_group {
            Some(is_for_group) => self.told.fact(
                is_for_group,
                &self.path,
                if is_for_group { "for this log group" } else { "leaves this log group out" },
            ),
            None => Fact::unknown(format!(
                "{} chooses log groups in a way that is not known here",
                self.told.evidence(&self.path, "").at
            )),
        }
    }

    fn takes_all(&self) -> Fact<bool> {
        let every = match self.pattern.as_deref().map(str::trim) {
            Some("") => self.told.fact(true, &self.path, "every event"),
            Some(pattern) => self.told.fact(false, &self.path, format!("only events that match {pattern}")),
            None => Fact::unknown(format!(
                "{} does not say which events it takes",
                self.told.evidence(&self.path, "").at
            )),
        };
        self.takes_some().and(every)
    }

    /// Whether what it takes goes to another account, where whoever takes over this one does not reach it.
    fn leaves_account(&self, scene: &Scene<'_>) -> Fact<bool> {
        let at = || self.told.evidence(&self.path, "").at;
        match (self.destination.filter(|arn| account(arn).is_some()), &scene.identity.account) {
            (Some(arn), Some(_)) if is_foreign(scene, arn) => {
                self.told.fact(true, &self.path, format!("to {arn}"))
            }
            (Some(arn), Some(_)) => Fact::unknown(format!(
                "{} carries events to {arn}, in the cluster's own account; see whether a copy goes on from there to where this account cannot delete it",
                at()
            )),
            (Some(_), None) => Fact::unknown(
                "the account of the cluster is not known; give what `aws eks describe-cluster` prints",
            ),
            (None, _) => Fact::unknown(format!("{} does not say to which account it carries events", at())),
        }
    }
}

/// A list of them with its place, or why there is none.
type Subscriptions<'s> = Result<(Told<'s>, &'static str, Vec<Subscription<'s>>), String>;

/// Whether any of them is so.
fn of<'s>(list: &Subscriptions<'s>, is_so: impl Fn(&Subscription<'s>) -> Fact<bool>) -> Fact<bool> {
    match list {
        Ok((told, path, list)) => {
            any(list.iter().map(is_so).chain(further(*told)), told.fact(false, path, "there are none"))
        }
        Err(reason) => Fact::unknown(reason.clone()),
    }
}

/// Those of the log group.
fn subscriptions<'s>(scene: &Scene<'s>) -> Subscriptions<'s> {
    const PATH: &str = "subscriptionFilters";
    let (told, filters) = listed(scene, "eks/describe-subscription-filters", &group(scene)?, PATH)?;
    let list = filters.iter().map(|filter| {
        let name = text(filter, "filterName").unwrap_or_default();
        let said = |field: &str| match filter.get(field) {
            None | Some(Value::Null) => Some(""),
            Some(value) => value.as_str(),
        };
        let pattern = said("filterPattern").zip(said("fieldSelectionCriteria"));
        Subscription {
            told,
            path: format!("{PATH}[{name}].filterPattern"),
            pattern: pattern.map(|(pattern, fields)| [pattern, fields].join(" ")),
            destination: text(filter, "destinationArn"),
            is_for_group: Some(true),
        }
    });
    Ok((told, PATH, list.collect()))
}

/// That of the account, which is for all log groups but those that it names.
fn account_policies<'s>(scene: &Scene<'s>) -> Subscriptions<'s> {
    const PATH: &str = "accountPolicies";
    let group = group(scene)?;
    let (told, policies) = listed(scene, "eks/describe-account-policies", SUBSCRIPTION_POLICY, PATH)?;
    let is_one = |policy: &&Value| text(policy, "policyType").is_none_or(|kind| kind == SUBSCRIPTION_POLICY);
    let list = policies.iter().filter(is_one).map(|policy| {
        let name = text(policy, "policyName").unwrap_or_default();
        let is_for_group = match policy.get("selectionCriteria") {
            None | Some(Value::Null) => Some(true),
            Some(Value::String(criteria)) if criteria.trim().is_empty() => Some(true),
            Some(criteria) => criteria
                .as_str()
                .unwrap_or_default()
                .trim()
                .strip_prefix("LogGroupName NOT IN")
                .and_then(|names| serde_json::from_str::<Vec<String>>(names).ok())
                .map(|names| !names.contains(&group)),
        };
        Subscription {
            told,
            path: format!("{PATH}[{name}].policyDocument"),
            pattern: text(policy, "filterPattern").map(str::to_owned),
            destination: text(policy, "destinationArn"),
            is_for_group,
        }
    });
    Ok((told, PATH, list.collect()))
}
