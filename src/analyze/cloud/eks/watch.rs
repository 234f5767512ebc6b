//! Who is told of what the audit log holds, and what is carried on from it.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::super::told::{Scene, Told};
use super::{any, listed, text, texts};
use crate::analyze::fact::Fact;
use crate::snapshot::cloud::eks::{SUBSCRIPTION_POLICY, log_group, of_metric};

/// Who is told of what is in the log group, and what is carried on from it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Watch {
    /// Whether an alarm that notifies somebody watches a metric made of audit events.
    pub alarms: Fact<bool>,
    /// Whether every event is carried on to another system by a subscription.
    pub copied: Fact<bool>,
    /// Whether any events are.
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
    Watch {
        alarms: alarms(scene).unwrap_or_else(Fact::unknown),
        copied: of(&filters, Subscription::takes_all).or(of(&policies, Subscription::takes_all)),
        copied_in_part: of(&filters, Subscription::takes_some).or(of(&policies, Subscription::takes_some)),
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
        let pattern = text(filter, "filterPattern").unwrap_or_default().to_ascii_lowercase();
        if !WORDS.iter().any(|word| pattern.contains(word)) {
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
    Ok(any(found, told.fact(false, PATH, none)))
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
    let notifies = |alarm: &&Value| {
        alarm.get("ActionsEnabled") == Some(&Value::Bool(true)) && !texts(alarm, "AlarmActions").is_empty()
    };
    if let Some(alarm) = alarms.iter().find(notifies) {
        let alarm = text(alarm, "AlarmName").unwrap_or(&of);
        return told.fact(true, &format!("MetricAlarms[{alarm}].AlarmActions"), format!("on {of}"));
    }
    // Alarms on a metric with dimensions are only found with their values, which nobody knows.
    let has_dimensions =
        metric.get("dimensions").and_then(Value::as_object).is_some_and(|all| !all.is_empty());
    if has_dimensions {
        return Fact::unknown(format!(
            "the metric {of} has dimensions, with which alarms cannot be looked for; see with `aws cloudwatch describe-alarms` whether one watches it"
        ));
    }
    let detail = if alarms.is_empty() {
        format!("no alarm watches {of}")
    } else {
        format!("no alarm on {of} has an action that is enabled")
    };
    told.fact(false, "MetricAlarms", detail)
}

/// Something that carries events on.
struct Subscription<'s> {
    told: Told<'s>,
    path: String,
    /// Which events; none if the answer does not say.
    pattern: Option<String>,
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
}

/// A list of them with its place, or why there is none.
type Subscriptions<'s> = Result<(Told<'s>, &'static str, Vec<Subscription<'s>>), String>;

/// Whether any of them is so.
fn of<'s>(list: &Subscriptions<'s>, is_so: impl Fn(&Subscription<'s>) -> Fact<bool>) -> Fact<bool> {
    match list {
        Ok((told, path, list)) => any(list.iter().map(is_so), told.fact(false, path, "there are none")),
        Err(reason) => Fact::unknown(reason.clone()),
    }
}

/// Those of the log group.
fn subscriptions<'s>(scene: &Scene<'s>) -> Subscriptions<'s> {
    const PATH: &str = "subscriptionFilters";
    let (told, filters) = listed(scene, "eks/describe-subscription-filters", &group(scene)?, PATH)?;
    let list = filters.iter().map(|filter| {
        let name = text(filter, "filterName").unwrap_or_default();
        let fields = text(filter, "fieldSelectionCriteria").unwrap_or_default();
        let pattern = text(filter, "filterPattern").unwrap_or_default();
        Subscription {
            told,
            path: format!("{PATH}[{name}].filterPattern"),
            pattern: Some([pattern, fields].join(" ")),
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
        let is_for_group = match text(policy, "selectionCriteria").map(str::trim) {
            None | Some("") => Some(true),
            Some(criteria) => criteria
                .strip_prefix("LogGroupName NOT IN")
                .map(|names| !names.contains(&format!("\"{group}\""))),
        };
        Subscription {
            told,
            path: format!("{PATH}[{name}].policyDocument"),
            pattern: text(policy, "filterPattern").map(str::to_owned),
            is_for_group,
        }
    });
    Ok((told, PATH, list.collect()))
}
