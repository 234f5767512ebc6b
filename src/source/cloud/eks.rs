//! Amazon: how answers are recognised and taken, and what is asked.

use serde_json::{Map, Value};

use super::{Question, Taken};
use crate::analyze::cloud::provider::Identity;
use crate::snapshot::cloud::eks::{CLOUDWATCH_ADDON, PAGES, SUBSCRIPTION_POLICY, log_group, of_metric};
use crate::snapshot::cloud::{Cloud, CloudAnswer};

/// The most metrics, detectors and trails that are asked about.
const MOST: usize = 10;

/// What is to be asked, by what is known so far.
pub(super) fn questions(identity: &Identity, cloud: &Cloud) -> Vec<Question> {
    let (Some(cluster), Some(region)) = (identity.cluster.as_deref(), identity.location.as_deref()) else {
        return Vec::new();
    };
    let question = |id: &str, of: &str, arguments: &[&str]| {
        // The tool takes `file://` and `https://` for places from which to read an argument.
        let is_plain = !arguments.iter().any(|argument| argument.contains("://"));
        let common = ["--region", region, "--output", "json"];
        is_plain.then(|| Question::new(id, of, &[arguments, &common].concat())).flatten()
    };
    let mut list =
        vec![question("eks/describe-cluster", "", &["eks", "describe-cluster", "--name", cluster])];
    // The rest means nothing where the cluster itself was not found: an empty list would look like an answer.
    let found = cloud.answer("eks/describe-cluster", "").and_then(value);
    let Some(settings) = found.filter(|settings| text(settings, "name").is_some()) else {
        return list.into_iter().flatten().collect();
    };
    let group = &log_group(cluster);
    let policies = ["logs", "describe-account-policies", "--policy-type", SUBSCRIPTION_POLICY];
    list.extend([
        question(
            "eks/describe-log-groups",
            group,
            &["logs", "describe-log-groups", "--log-group-name-prefix", group],
        ),
        question("eks/describe-account-policies", SUBSCRIPTION_POLICY, &policies),
        question("eks/list-detectors", region, &["guardduty", "list-detectors"]),
        question("eks/describe-trails", region, &["cloudtrail", "describe-trails"]),
        question("eks/list-addons", cluster, &["eks", "list-addons", "--cluster-name", cluster]),
    ]);
    if let Some(vpc) = settings.pointer("/resourcesVpcConfig/vpcId").and_then(Value::as_str) {
        let subnets = texts(settings.pointer("/resourcesVpcConfig/subnetIds"));
        let all: Vec<&str> = [vpc].into_iter().chain(subnets).collect();
        let filter = format!("Name=resource-id,Values={}", all.join(","));
        list.push(question(
            "eks/describe-flow-logs",
            vpc,
            &["ec2", "describe-flow-logs", "--filter", &filter],
        ));
    }
    let groups = cloud.answer("eks/describe-log-groups", group).and_then(value);
    if items(groups, "logGroups").iter().any(|one| text(one, "logGroupName") == Some(group)) {
        for (id, verb) in [
            ("eks/describe-metric-filters", "describe-metric-filters"),
            ("eks/describe-subscription-filters", "describe-subscription-filters"),
        ] {
            list.push(question(id, group, &["logs", verb, "--log-group-name", group]));
        }
    }
    let filters = cloud.answer("eks/describe-metric-filters", group).and_then(value);
    let metrics = items(filters, "metricFilters").iter().flat_map(|filter| {
        let transformations = items(Some(filter), "metricTransformations").iter();
        transformations.filter_map(|one| Some((text(one, "metricNamespace")?, text(one, "metricName")?)))
    });
    for (namespace, metric) in metrics.take(MOST) {
        let arguments =
            ["cloudwatch", "describe-alarms-for-metric", "--namespace", namespace, "--metric-name", metric];
        list.push(question("eks/describe-alarms-for-metric", &of_metric(namespace, metric), &arguments));
    }
    let detectors =
        cloud.all("eks/list-detectors").filter_map(value).flat_map(|one| texts(one.get("DetectorIds")));
    for detector in detectors.take(MOST) {
        let arguments = ["guardduty", "get-detector", "--detector-id", detector];
        list.push(question("eks/get-detector", detector, &arguments));
    }
    let trails =
        cloud.all("eks/describe-trails").filter_map(value).flat_map(|one| items(Some(one), "trailList"));
    for trail in trails.take(MOST) {
        let Some(arn) = text(trail, "TrailARN") else { continue };
        list.push(question("eks/get-trail-status", arn, &["cloudtrail", "get-trail-status", "--name", arn]));
        if trail.get("HasCustomEventSelectors") == Some(&Value::Bool(true)) {
            let arguments = ["cloudtrail", "get-event-selectors", "--trail-name", arn];
            list.push(question("eks/get-event-selectors", arn, &arguments));
        }
    }
    let mut addons = cloud.all("eks/list-addons").filter_map(value).flat_map(|one| texts(one.get("addons")));
    if addons.any(|name| name == CLOUDWATCH_ADDON) {
        let arguments =
            ["eks", "describe-addon", "--cluster-name", cluster, "--addon-name", CLOUDWATCH_ADDON];
        list.push(question("eks/describe-addon", CLOUDWATCH_ADDON, &arguments));
    }
    let mut questions: Vec<Question> = Vec::new();
    for question in list.into_iter().flatten() {
        // Two filters may feed the same metric.
        if !questions.contains(&question) {
            questions.push(question);
        }
    }
    questions
}

/// An answer as it is kept.
pub(super) fn plain(call: &str, mut value: Value) -> Value {
    paged(&mut value);
    let inside = |mut value: Value, key: &str| value.get_mut(key).map(Value::take).unwrap_or(value);
    match call {
        "eks/describe-cluster" => inside(value, "cluster"),
        "eks/describe-addon" => addon(inside(value, "addon")),
        "eks/describe-account-policies" => account_policies(value),
        "eks/list-detectors" | "eks/get-detector" => capitalised(value),
        _ => value,
    }
}

/// Which answers a saved document is.
pub(super) fn recognise(document: &Value) -> Vec<Taken> {
    let has = |path: &str| document.pointer(path).is_some();
    let one = |id, of: &str| vec![(id, of.to_owned(), document.clone())];
    let own = |path: &str| document.pointer(path).and_then(Value::as_str).unwrap_or_default();
    if has("/cluster/arn") || has("/cluster/logging/clusterLogging") {
        return one("eks/describe-cluster", "");
    }
    if has("/addon/addonArn") || has("/addon/addonName") {
        return one("eks/describe-addon", own("/addon/addonName"));
    }
    if document.get("IsLogging").is_some_and(Value::is_boolean) {
        return one("eks/get-trail-status", "");
    }
    if has("/TrailARN") && (has("/EventSelectors") || has("/AdvancedEventSelectors")) {
        return one("eks/get-event-selectors", own("/TrailARN"));
    }
    if [
        ("/Features", "/Status"),
        ("/features", "/status"),
        ("/DataSources", "/Status"),
        ("/dataSources", "/status"),
    ]
    .into_iter()
    .any(|(features, status)| has(features) && has(status))
    {
        return one("eks/get-detector", "");
    }
    let by_key = |key: &'static str| move |item: &Value| text(item, key).map(str::to_owned);
    listed(document, "logGroups", "eks/describe-log-groups", by_key("logGroupName"))
        .or_else(|| listed(document, "metricFilters", "eks/describe-metric-filters", by_key("logGroupName")))
        .or_else(|| {
            let id = "eks/describe-subscription-filters";
            listed(document, "subscriptionFilters", id, by_key("logGroupName"))
        })
        .or_else(|| {
            listed(document, "accountPolicies", "eks/describe-account-policies", by_key("policyType"))
        })
        .or_else(|| {
            listed(document, "MetricAlarms", "eks/describe-alarms-for-metric", |alarm| {
                Some(of_metric(text(alarm, "Namespace")?, text(alarm, "MetricName")?))
            })
        })
        .or_else(|| whole(document, &["DetectorIds", "detectorIds"], "eks/list-detectors"))
        .or_else(|| whole(document, &["trailList"], "eks/describe-trails"))
        .or_else(|| whole(document, &["FlowLogs"], "eks/describe-flow-logs"))
        .or_else(|| whole(document, &["addons"], "eks/list-addons"))
        .unwrap_or_default()
}

/// A list taken apart by what its items are of. An empty one is of nothing that can be named.
fn listed(
    document: &Value,
    key: &str,
    id: &'static str,
    of: impl Fn(&Value) -> Option<String>,
) -> Option<Vec<Taken>> {
    let items = document.get(key)?.as_array()?;
    let mut parts: Vec<(String, Vec<Value>)> = Vec::new();
    for item in items {
        let name = of(item).unwrap_or_default();
        match parts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, part)) => part.push(item.clone()),
            None => parts.push((name, vec![item.clone()])),
        }
    }
    if parts.is_empty() {
        parts.push((String::new(), Vec::new()));
    }
    let taken = parts.into_iter().map(|(name, part)| {
        let mut answer: Map<String, Value> = [(key.to_owned(), Value::Array(part))].into_iter().collect();
        for token in PAGES {
            answer.extend(document.get(token).map(|next| (token.to_owned(), next.clone())));
        }
        (id, name, Value::Object(answer))
    });
    Some(taken.collect())
}

/// A list that says nothing of what it is of.
fn whole(document: &Value, keys: &[&str], id: &'static str) -> Option<Vec<Taken>> {
    let is_list = keys.iter().any(|key| document.get(key).is_some_and(Value::is_array));
    is_list.then(|| vec![(id, String::new(), document.clone())])
}

/// That there is a next page is kept, and not where it begins.
fn paged(answer: &mut Value) {
    let Some(fields) = answer.as_object_mut() else { return };
    let mut is_part = false;
    for token in PAGES {
        is_part |= fields.remove(token).is_some_and(|next| !next.is_null());
    }
    if is_part {
        fields.extend(PAGES.map(|token| (token.to_owned(), Value::Bool(true))));
    }
}

/// The API writes `features`, the tool `Features`.
fn capitalised(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(capitalised).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(key, value)| {
                let mut rest = key.chars();
                let first = rest.next().map(|first| first.to_ascii_uppercase());
                (first.into_iter().chain(rest).collect::<String>(), capitalised(value))
            })
            .collect(),
        other => other,
    }
}

/// Of its configuration only whether it collects the logs of containers: the rest may hold anything.
fn addon(mut addon: Value) -> Value {
    let configuration = match addon.get("configurationValues") {
        None | Some(Value::Null) => "",
        Some(value) => value.as_str().unwrap_or("no text"),
    };
    let parsed = serde_json::from_str::<Value>(configuration)
        .ok()
        .or_else(|| serde_yaml::from_str::<Value>(configuration).ok());
    let unreadable = || Some(Value::String("unreadable".into()));
    let is_on = match parsed {
        _ if configuration.trim().is_empty() => None,
        Some(Value::Object(values)) => match values.get("containerLogs") {
            None | Some(Value::Null) => None,
            Some(Value::Object(logs)) => logs.get("enabled").cloned(),
            Some(_) => unreadable(),
        },
        _ => unreadable(),
    };
    if let (Some(fields), Some(is_on)) = (addon.as_object_mut(), is_on) {
        fields.insert("containerLogs".into(), is_on);
    }
    addon
}

/// The document of a policy is JSON in a text; what it says of destination and pattern is taken up.
fn account_policies(mut answer: Value) -> Value {
    let policies = answer.get_mut("accountPolicies").and_then(Value::as_array_mut);
    for policy in policies.into_iter().flatten() {
        let document = text(policy, "policyDocument").unwrap_or_default();
        let Ok(document) = serde_json::from_str::<Value>(document) else { continue };
        let Some(fields) = policy.as_object_mut() else { continue };
        for (from, to) in [("DestinationArn", "destinationArn"), ("FilterPattern", "filterPattern")] {
            let said = document.get(from).cloned();
            fields.insert(to.into(), said.unwrap_or_else(|| Value::String(String::new())));
        }
    }
    answer
}

fn value(answer: &CloudAnswer) -> Option<&Value> {
    answer.reading.value()
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str)
}

fn items<'v>(value: Option<&'v Value>, key: &str) -> &'v [Value] {
    value.and_then(|value| value.get(key)).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}
