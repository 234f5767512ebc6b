use serde_json::{Value, json};

use super::*;
use crate::analyze::cloud::provider::identity;
use crate::snapshot::cloud::Cloud;
use crate::snapshot::redact::redact;
use crate::snapshot::{Scope, Snapshot};
use crate::source::cloud::file;

const GROUP: &str = "/aws/eks/demo/cluster";

/// The facts that saved answers lead to.
fn facts_of(documents: &[Value]) -> Eks {
    let mut found = Cloud::default();
    for (number, document) in documents.iter().enumerate() {
        let answers = file::answers(&format!("{number}.json"), document.to_string().as_bytes()).unwrap();
        assert!(!answers.is_empty(), "not recognised: {document}");
        found.answers.extend(answers);
    }
    let mut snapshot = Snapshot::empty(Scope::Cluster, "example");
    file::put(found, &mut snapshot).unwrap();
    redact(&mut snapshot);
    let identity = identity(&snapshot);
    facts(&Scene { snapshot: &snapshot, identity: &identity })
}

fn cluster(more: &Value) -> Value {
    let mut cluster = json!({
        "name": "demo",
        "arn": "arn:aws:eks:us-east-1:111122223333:cluster/demo",
        "resourcesVpcConfig": {"vpcId": "vpc-1", "subnetIds": ["subnet-1"]},
        "logging": {"clusterLogging": [{"types": ["audit"], "enabled": true}]},
    });
    for (key, value) in more.as_object().unwrap() {
        cluster[key] = value.clone();
    }
    json!({ "cluster": cluster })
}

fn logging(logging: &Value) -> Eks {
    facts_of(&[cluster(&json!({ "logging": logging }))])
}

fn group(more: &Value) -> LogGroup {
    let mut group = json!({
        "logGroupName": GROUP,
        "arn": format!("arn:aws:logs:us-east-1:111122223333:log-group:{GROUP}:*"),
    });
    for (key, value) in more.as_object().unwrap() {
        group[key] = value.clone();
    }
    facts_of(&[cluster(&json!({})), json!({ "logGroups": [group] })]).log_group
}

/// What a live run gets for something that it asked for by name.
fn asked(call: &str, of: &str, value: &Value) -> Value {
    let reading = json!({"state": "read", "value": value});
    json!({"kind": "LogauditCloud", "answers": [{"call": call, "of": of, "at": "aws", "reading": reading}]})
}

#[test]
fn a_type_is_on_if_any_enabled_group_names_it() {
    let both = json!({"clusterLogging": [
        {"types": ["audit"], "enabled": false},
        {"types": ["audit", "authenticator", "audit"], "enabled": true},
        {"types": ["somethingNew"], "enabled": true},
    ]});
    let eks = logging(&both);
    assert_eq!(eks.audit.value(), Some(&true));
    assert_eq!(eks.log_types.value().unwrap(), &["audit", "authenticator", "somethingNew"]);
    assert_eq!(logging(&json!({"clusterLogging": []})).audit.value(), Some(&false));
    let many: Vec<Value> = vec![json!({"types": ["api"], "enabled": true}); 20_000];
    assert_eq!(logging(&json!({ "clusterLogging": many })).audit.value(), Some(&false));
}

#[test]
fn what_logging_does_not_say_is_unknown() {
    for odd in [
        json!(null),
        json!({}),
        json!({"clusterLogging": null}),
        json!({"clusterLogging": {"types": ["audit"]}}),
        json!({"clusterLogging": [{"types": ["audit"], "enabled": "true"}]}),
        json!({"clusterLogging": [{"types": ["audit"]}]}),
        json!({"clusterLogging": ["audit"]}),
    ] {
        assert!(logging(&odd).audit.reason().is_some(), "{odd}");
    }
    let connected = facts_of(&[cluster(&json!({"connectorConfig": {"provider": "OTHER"}}))]);
    assert!(connected.audit.reason().unwrap().contains("only connected"));
}

#[test]
fn durations_have_one_unit() {
    for (duration, minutes) in
        [("30m", Some(30)), ("1h", Some(60)), ("90s", Some(1)), ("2d", Some(2880)), ("0m", Some(0))]
    {
        assert_eq!(settings::minutes(duration), minutes, "{duration}");
    }
    for odd in ["", "h", "1", "1h30m", "-1h", "1 h", "99999999999999999999h", "9223372036854775807h", "1ü"] {
        assert_eq!(settings::minutes(odd), None, "{odd}");
    }
}

#[test]
fn retention_is_what_really_applies() {
    assert_eq!(group(&json!({})).keeps_days.value(), Some(&0));
    assert_eq!(group(&json!({"retentionInDays": 7})).keeps_days.value(), Some(&7));
    let delivery = group(&json!({"retentionInDays": 365, "logGroupClass": "DELIVERY"}));
    assert_eq!((delivery.keeps_days.value(), delivery.searchable.value()), (Some(&1), Some(&false)));
    let ruled = group(&json!({"retentionInDays": 30, "retentionPolicyName": "short"}));
    assert_eq!(ruled.retention_policy.value().unwrap(), "short");
    for odd in [json!("7"), json!(-1), json!(0), json!(7.5), json!([7]), json!(true)] {
        assert!(group(&json!({ "retentionInDays": odd })).keeps_days.reason().is_some(), "{odd}");
    }
    assert_eq!(group(&json!({"retentionInDays": null})).keeps_days.value(), Some(&0));
}

#[test]
fn values_that_are_not_known_are_shown() {
    let odd = group(&json!({
        "logGroupClass": "GLACIAL",
        "deletionProtectionEnabled": "yes",
        "dataProtectionStatus": "PAUSED",
        "kmsKeyId": 7,
    }));
    assert_eq!(odd.class.value().unwrap(), "GLACIAL");
    assert!(odd.searchable.reason().unwrap().contains("GLACIAL"));
    assert!(odd.deletion_protection.reason().unwrap().contains("\"yes\""));
    assert!(odd.masked.reason().unwrap().contains("PAUSED"));
    assert!(odd.own_key.reason().unwrap().contains('7'));
}

#[test]
fn neighbours_and_other_regions_are_not_the_group() {
    let neighbour = json!({"logGroups": [{"logGroupName": "/aws/eks/demo-2/cluster", "retentionInDays": 7}]});
    assert!(facts_of(&[cluster(&json!({})), neighbour]).log_group.exists.reason().is_some());
    let elsewhere =
        group(&json!({"arn": format!("arn:aws:logs:eu-west-1:111122223333:log-group:{GROUP}:*")}));
    assert!(elsewhere.exists.reason().unwrap().contains("another region or account"));
    let other = group(&json!({"arn": format!("arn:aws:logs:us-east-1:444455556666:log-group:{GROUP}:*")}));
    assert!(other.keeps_days.reason().is_some());
    for odd in [json!(""), json!("arn"), json!(7), json!(null)] {
        assert_eq!(group(&json!({ "arn": odd })).exists.value(), Some(&true), "{odd}");
    }
}

#[test]
fn only_what_was_asked_for_by_name_can_be_absent() {
    let empty = |document: Value| facts_of(&[cluster(&json!({})), document]);
    assert_eq!(empty(json!({"logGroups": []})).log_group.exists.value(), None);
    assert_eq!(empty(json!({"DetectorIds": []})).guard_duty.value(), None);
    assert_eq!(empty(json!({"trailList": []})).trail.records.value(), None);
    assert_eq!(empty(json!({"FlowLogs": []})).flow_logs.value(), None);
    let none = |call: &str, of: &str, key: &str| empty(asked(call, of, &json!({ key: [] })));
    assert_eq!(none("eks/describe-log-groups", GROUP, "logGroups").log_group.exists.value(), Some(&false));
    assert_eq!(none("eks/list-detectors", "us-east-1", "DetectorIds").guard_duty.value(), Some(&false));
    assert_eq!(none("eks/describe-trails", "us-east-1", "trailList").trail.records.value(), Some(&false));
    assert_eq!(none("eks/describe-flow-logs", "vpc-1", "FlowLogs").flow_logs.value(), Some(&false));
    // An answer without the list is none.
    for odd in
        [json!({}), json!([]), json!(null), json!("x"), json!({"logGroups": {}}), json!({"FlowLogs": "x"})]
    {
        let eks = empty(asked("eks/describe-log-groups", GROUP, &odd));
        assert_eq!(eks.log_group.exists.value(), None, "{odd}");
        let eks = empty(asked("eks/describe-flow-logs", "vpc-1", &odd));
        assert_eq!(eks.flow_logs.value(), None, "{odd}");
    }
}

#[test]
fn a_trail_counts_where_the_cluster_is() {
    let trail = |more: Value| {
        let mut trail = json!({"Name": "t", "TrailARN": "arn:t", "HomeRegion": "us-east-1"});
        for (key, value) in more.as_object().unwrap() {
            trail[key] = value.clone();
        }
        let list = asked("eks/describe-trails", "us-east-1", &json!({"trailList": [trail]}));
        let status = asked("eks/get-trail-status", "arn:t", &json!({"IsLogging": true}));
        facts_of(&[cluster(&json!({})), list, status]).trail
    };
    let here = trail(json!({}));
    assert_eq!((here.records.value(), here.multi_region.value()), (Some(&true), Some(&false)));
    assert_eq!(trail(json!({"HomeRegion": "eu-west-1"})).records.value(), Some(&false));
    assert_eq!(
        trail(json!({"HomeRegion": "eu-west-1", "IsMultiRegionTrail": true})).records.value(),
        Some(&true)
    );
    // It has selectors of its own, and nobody asked for them.
    assert!(trail(json!({"HasCustomEventSelectors": true})).records.reason().is_some());
}

#[test]
fn a_duplicate_or_a_stranger_does_no_harm() {
    let group = json!({"logGroupName": GROUP, "retentionInDays": 30});
    let twice = facts_of(&[
        cluster(&json!({})),
        json!({"logGroups": [group, group, {"logGroupName": 7}, "x", null]}),
    ]);
    assert_eq!(twice.log_group.keeps_days.value(), Some(&30));
    let pages = [
        cluster(&json!({})),
        json!({"logGroups": [group], "nextToken": "more"}),
        json!({"logGroups": [{"logGroupName": "/aws/lambda/x"}]}),
    ];
    assert_eq!(facts_of(&pages).log_group.keeps_days.value(), Some(&30), "later pages do not replace it");
    let addon = json!({"addon": {"addonName": "amazon-cloudwatch-observability", "clusterName": "other", "status": "ACTIVE"}});
    assert_eq!(facts_of(&[cluster(&json!({})), addon]).addon.works.value(), None, "that of another cluster");
}

#[test]
fn of_the_policy_of_the_account_only_what_is_needed_is_kept() {
    let document =
        json!({"RoleArn": "arn:aws:iam::1:role/r", "DestinationArn": "arn:d", "FilterPattern": ""})
            .to_string();
    let policies = json!({"accountPolicies": [{
        "policyName": "p", "policyType": "SUBSCRIPTION_FILTER_POLICY", "policyDocument": document,
    }]});
    let answers = file::answers("x", policies.to_string().as_bytes()).unwrap();
    let mut snapshot = Snapshot::empty(Scope::Cluster, "example");
    snapshot.cloud.answers.extend(answers);
    redact(&mut snapshot);
    let kept = serde_json::to_string(&snapshot.cloud).unwrap();
    assert!(kept.contains("arn:d") && !kept.contains("role/r"), "{kept}");
    // One whose document is no JSON does not say which events it takes.
    let odd = json!({"accountPolicies": [{
        "policyName": "p", "policyType": "SUBSCRIPTION_FILTER_POLICY", "policyDocument": "{",
    }]});
    let watch = facts_of(&[cluster(&json!({})), odd]).watch;
    assert!(watch.copied.reason().is_some());
}

#[test]
fn the_first_page_of_a_list_is_not_the_whole() {
    let live = |call: &str, of: &str, key: &str, token: &str| {
        facts_of(&[cluster(&json!({})), asked(call, of, &json!({ key: [], token: true }))])
    };
    let logs = live("eks/describe-log-groups", GROUP, "logGroups", "nextToken");
    assert!(logs.log_group.exists.reason().unwrap().contains("not the whole list"));
    let addons = live("eks/list-addons", "demo", "addons", "nextToken");
    assert!(addons.addon.installed.reason().unwrap().contains("not the whole list"));
    // A saved page says it in either way, and what follows is not kept.
    for token in ["nextToken", "NextToken"] {
        let page = json!({"addons": ["vpc-cni"], token: "canary"});
        let installed = facts_of(&[cluster(&json!({})), page.clone()]).addon.installed;
        assert!(installed.reason().unwrap().contains("not the whole list"), "{token}");
        let kept = file::answers("x", page.to_string().as_bytes()).unwrap();
        assert!(!serde_json::to_string(&kept).unwrap().contains("canary"));
        let filters = json!({"subscriptionFilters": [{"filterName": "f", "logGroupName": GROUP,
            "filterPattern": "x", "destinationArn": "arn:aws:logs:us-east-1:444455556666:destination:d"}], token: "canary"});
        let none = asked(
            "eks/describe-account-policies",
            "SUBSCRIPTION_FILTER_POLICY",
            &json!({"accountPolicies": []}),
        );
        let copied = facts_of(&[cluster(&json!({})), filters, none]).watch.copied;
        assert!(copied.reason().unwrap().contains("not the whole list"), "{token}");
    }
    let whole = facts_of(&[cluster(&json!({})), json!({"addons": ["vpc-cni"], "nextToken": null})]);
    assert_eq!(whole.addon.installed.value(), Some(&false));
}

#[test]
fn a_term_with_a_minus_looks_for_nothing() {
    for (pattern, is_of_audit) in [
        ("secrets", true),
        ("-secrets", false),
        ("-\"get secrets\"", false),
        ("\"get -secrets\"", true),
        ("forbidden -secrets", true),
        ("{ $.verb = \"get\" }", true),
        ("{ $.responseStatus.code = -1 }", true),
        ("", false),
        ("-", false),
        ("\"", false),
    ] {
        assert_eq!(watch::looks_at_audit(pattern), is_of_audit, "{pattern}");
    }
}

#[test]
fn a_subscription_of_which_the_pattern_is_odd_may_leave_events_out() {
    let odd = json!({"subscriptionFilters": [{"filterName": "f", "logGroupName": GROUP, "filterPattern": 7,
        "destinationArn": "arn:aws:logs:us-east-1:444455556666:destination:d"}]});
    assert!(facts_of(&[cluster(&json!({})), odd]).watch.copied.reason().is_some());
}
