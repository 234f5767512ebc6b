//! The compiled evaluator against one that asks rule by rule, as `k8s.io/apiserver` `pkg/audit/policy` does.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::super::{AuditPolicy, GroupResources, PolicyRule, Stage};
use super::*;

fn naive(policy: &AuditPolicy, wildcard: GroupWildcard, request: &Attributes) -> Option<usize> {
    policy.rules.iter().position(|rule| rule_matches(rule, wildcard, request))
}

fn rule_matches(rule: &PolicyRule, wildcard: GroupWildcard, request: &Attributes) -> bool {
    let user_fits =
        rule.users.is_empty() || request.user.as_ref().is_some_and(|user| rule.users.contains(user));
    let group_fits = rule.user_groups.is_empty()
        || request.user.is_some() && request.groups.iter().any(|group| rule.user_groups.contains(group));
    if !user_fits || !group_fits || !(rule.verbs.is_empty() || rule.verbs.contains(&request.verb)) {
        return false;
    }
    if !rule.namespaces.is_empty() || !rule.resources.is_empty() {
        return request.is_resource_request
            && (rule.namespaces.is_empty() || rule.namespaces.contains(&request.namespace))
            && (rule.resources.is_empty()
                || rule.resources.iter().any(|entry| entry_matches(entry, wildcard, request)));
    }
    rule.non_resource_urls.is_empty()
        || !request.is_resource_request
            && rule.non_resource_urls.iter().any(|spec| path_matches(&request.path, spec))
}

fn path_matches(path: &str, spec: &str) -> bool {
    spec == "*" || spec == path || spec.ends_with('*') && path.starts_with(spec.trim_end_matches('*'))
}

fn entry_matches(entry: &GroupResources, wildcard: GroupWildcard, request: &Attributes) -> bool {
    let any_group = wildcard == GroupWildcard::Any && entry.group == "*";
    if !any_group && entry.group != request.api_group {
        return false;
    }
    if entry.resources.is_empty() {
        return true;
    }
    let combined = if request.subresource.is_empty() {
        request.resource.clone()
    } else {
        format!("{}/{}", request.resource, request.subresource)
    };
    entry.resources.iter().any(|spec| {
        (entry.resource_names.is_empty() || entry.resource_names.contains(&request.name))
            && (*spec == combined
                || spec == "*"
                || !request.subresource.is_empty() && spec.strip_prefix("*/") == Some(&request.subresource)
                || spec.strip_suffix("/*") == Some(&request.resource))
    })
}

fn word(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    select(words).prop_map(str::to_owned)
}

fn words(words: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    prop_oneof![3 => Just(vec![]), 2 => vec(word(words), 1..4)]
}

const USERS: &[&str] = &[
    "",
    "a",
    "bob",
    "alice",
    "system:apiserver",
    "system:serviceaccount:kube-system:a",
    "system:serviceaccount:kube-system:b",
    "*",
];
const GROUPS: &[&str] = &["", "ops", "system:authenticated", "system:masters", "system:nodes", "*"];
const VERBS: &[&str] = &["", "get", "list", "watch", "create", "*"];
const NAMESPACES: &[&str] = &["", "dev", "kube-system", "*"];
const API_GROUPS: &[&str] = &["", "apps", "rbac.authorization.k8s.io", "*"];
const RESOURCES: &[&str] = &["pods", "secrets", "nodes", "a", "pods/exec", "*", ""];
const SUBRESOURCES: &[&str] = &["", "", "exec", "status", "*", "exec/x"];
const SPECS: &[&str] = &[
    "pods",
    "secrets",
    "a",
    "pods/exec",
    "pods/status",
    "pods/*",
    "*/status",
    "*/exec",
    "*",
    "*/*",
    "*/",
    "/*",
    "",
    "/",
    "pods/",
    "pods/exec/x",
    "pods/exec/*",
    "*/exec/x",
];
const NAMES: &[&str] = &["", "x", "y", "*"];
const PATHS: &[&str] =
    &["", "/", "/healthz", "/healthz/etcd", "/healthzz", "/api", "/apis", "/*", "*", "/api*x"];
const URLS: &[&str] = &[
    "*",
    "**",
    "/*",
    "/healthz",
    "/healthz*",
    "/healthz/*",
    "/healthz/**",
    "/heal*",
    "/api",
    "/api*",
    "/apis*",
    "/api*x",
    "/",
    "",
    "/version*",
];

fn rule() -> impl Strategy<Value = PolicyRule> {
    let entry = (word(API_GROUPS), words(SPECS), words(NAMES))
        .prop_map(|(group, resources, resource_names)| GroupResources { group, resources, resource_names });
    let entries = prop_oneof![1 => Just(vec![]), 2 => vec(entry, 1..4)];
    let stages = vec(select(&Stage::ALL[..]), 0..3);
    let urls = prop_oneof![1 => Just(vec![]), 1 => vec(word(URLS), 1..4)];
    let senders = (words(USERS), words(GROUPS), words(VERBS));
    (
        select(&Level::ALL[..]),
        senders,
        words(NAMESPACES),
        entries,
        urls,
        stages,
        any::<Option<bool>>(),
        0..5_u8,
    )
        .prop_map(
            |(level, senders, namespaces, resources, urls, omit_stages, omit_managed_fields, sort)| {
                let (users, user_groups, verbs) = senders;
                let mut rule =
                    PolicyRule { level, omit_stages, omit_managed_fields, ..PolicyRule::default() };
                (rule.users, rule.user_groups, rule.verbs) = (users, user_groups, verbs);
                // Mostly what the loader lets through, and now and then what it refuses.
                if sort != 1 {
                    (rule.namespaces, rule.resources) = (namespaces, resources);
                }
                if matches!(sort, 0 | 1) {
                    rule.non_resource_urls = urls;
                }
                rule
            },
        )
}

fn policy(rules: std::ops::Range<usize>) -> impl Strategy<Value = AuditPolicy> {
    (vec(select(&Stage::ALL[..]), 0..2), any::<bool>(), vec(rule(), rules)).prop_map(
        |(omit_stages, omit_managed_fields, rules)| AuditPolicy { omit_stages, omit_managed_fields, rules },
    )
}

fn request() -> impl Strategy<Value = Attributes> {
    let sender = (proptest::option::weighted(0.9, word(USERS)), vec(word(GROUPS), 0..4), word(VERBS));
    let target = (word(API_GROUPS), word(RESOURCES), word(SUBRESOURCES), word(NAMES), word(NAMESPACES));
    (sender, target, any::<bool>(), word(PATHS)).prop_map(|(sender, target, is_resource_request, path)| {
        let (user, groups, verb) = sender;
        let (api_group, resource, subresource, name, namespace) = target;
        let api_version = "v1".to_owned();
        Attributes {
            user,
            groups,
            verb,
            api_group,
            api_version,
            resource,
            subresource,
            name,
            namespace,
            is_resource_request,
            path,
        }
    })
}

fn agree(policy: &AuditPolicy, requests: &[Attributes]) -> Result<(), TestCaseError> {
    for wildcard in [GroupWildcard::Any, GroupWildcard::Literal] {
        let evaluator = Evaluator::with_group_wildcard(policy, wildcard);
        for request in requests {
            let expected = naive(policy, wildcard, request);
            let decision = evaluator.evaluate(request);
            prop_assert_eq!(decision.rule, expected, "{:?} {:?}", request, wildcard);
            let rule = expected.and_then(|rule| policy.rules.get(rule));
            prop_assert_eq!(decision.level, rule.map_or(Level::None, |rule| rule.level));
            let managed =
                rule.and_then(|rule| rule.omit_managed_fields).unwrap_or(policy.omit_managed_fields);
            prop_assert_eq!(decision.omit_managed_fields, managed);
            let own = rule.map(|rule| rule.omit_stages.as_slice()).unwrap_or_default();
            for stage in Stage::ALL {
                let omitted = own.contains(&stage) || policy.omit_stages.contains(&stage);
                prop_assert_eq!(decision.omit_stages.contains(stage), omitted);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    // 2,000 policies with 60 requests each: 120,000 pairs.
    #[test]
    fn the_compiled_policy_decides_as_one_asked_rule_by_rule(policy in policy(0..20), requests in vec(request(), 60)) {
        agree(&policy, &requests)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    // Several words and several segments. The rules that match everything are taken out, or the rest would never be asked.
    #[test]
    fn so_does_a_long_one(mut policy in policy(0..3_000), requests in vec(request(), 100)) {
        policy.rules.retain(|rule| !rule.users.is_empty() && !rule.verbs.is_empty() && rule.users.iter().all(|user| user != "a"));
        if let Some(rule) = policy.rules.last_mut() {
            *rule = PolicyRule { level: Level::Metadata, ..PolicyRule::default() };
        }
        agree(&policy, &requests)?;
    }

    #[test]
    fn a_table_finds_what_is_in_it(keys in proptest::collection::btree_set(".{0,40}", 0..300), others in vec(".{0,40}", 100)) {
        let entries: Vec<(&str, u32)> = keys.iter().map(String::as_str).zip(1..).collect();
        let table = table::Table::new(&entries);
        for (key, value) in &entries {
            prop_assert_eq!(table.get(key.as_bytes()), *value);
        }
        for other in others.iter().filter(|other| !keys.contains(*other)) {
            prop_assert_eq!(table.get(other.as_bytes()), 0);
        }
    }
}

#[test]
fn a_segment_holds_so_many_rows_that_the_last_decides() {
    for count in [1, 63, 64, 65, 512, 513, 2_048, 2_049, 5_000] {
        let rules = (0..count).map(|n| PolicyRule {
            level: Level::Request,
            users: vec![format!("system:serviceaccount:team-{n:05}:default")],
            ..PolicyRule::default()
        });
        let policy = AuditPolicy { rules: rules.collect(), ..AuditPolicy::default() };
        let evaluator = Evaluator::new(&policy);
        for is_resource_request in [true, false] {
            for n in [0, count / 2, count - 1] {
                let user = Some(format!("system:serviceaccount:team-{n:05}:default"));
                let request = Attributes { user, is_resource_request, ..Attributes::default() };
                assert_eq!(evaluator.evaluate(&request).rule, Some(n), "{count}");
            }
        }
    }
}

#[test]
fn a_failed_authentication_is_written_when_the_response_starts_or_not_at_all() {
    let request =
        Attributes { user: None, verb: "list".into(), is_resource_request: true, ..Attributes::default() };
    let kind = RequestKind::of(&request);
    assert_eq!(kind, RequestKind::FailedAuthentication);
    let mut rule = PolicyRule { level: Level::Metadata, ..PolicyRule::default() };
    let written = |rule: &PolicyRule| {
        let policy = AuditPolicy { rules: vec![rule.clone()], ..AuditPolicy::default() };
        written_stages(&Evaluator::new(&policy).evaluate(&request), kind).iter().collect::<Vec<_>>()
    };
    assert_eq!(written(&rule), [Stage::ResponseStarted]);
    rule.omit_stages = vec![Stage::ResponseStarted];
    assert_eq!(written(&rule), []);
    rule.omit_stages.clear();
    rule.user_groups = vec!["system:unauthenticated".into()];
    assert_eq!(written(&rule), []);
}

#[test]
fn written_stages_of_each_kind() {
    let decision = Decision {
        level: Level::Metadata,
        omit_stages: StageSet::default(),
        omit_managed_fields: false,
        rule: Some(0),
    };
    let written =
        |decision, kind| written_stages(&decision, kind).iter().map(Stage::as_str).collect::<Vec<_>>();
    assert_eq!(written(decision, RequestKind::Short), ["RequestReceived", "ResponseComplete"]);
    let long = ["RequestReceived", "ResponseComplete", "ResponseStarted"];
    assert_eq!(written(decision, RequestKind::LongRunning), long);
    assert_eq!(written(decision, RequestKind::Panic), ["Panic", "RequestReceived"]);
    let none = Decision { level: Level::None, ..decision };
    let all = Decision { omit_stages: StageSet::ALL, ..decision };
    assert!(written(none, RequestKind::Short).is_empty());
    assert!(written(all, RequestKind::LongRunning).is_empty());
}

#[test]
fn attributes_in_json_must_say_who_and_what() {
    let read = serde_json::from_str::<Attributes>;
    assert!(read(r#"{"user":null,"verb":"get","isResourceRequest":false,"path":"/"}"#).is_ok());
    for incomplete in [
        r#"{"verb":"get","isResourceRequest":false}"#,
        r#"{"user":"a","isResourceRequest":false}"#,
        r#"{"user":"a","verb":"get"}"#,
        r#"{"user":"a","verb":"get","isResourceRequest":true,"resources":"pods"}"#,
    ] {
        assert!(read(incomplete).is_err(), "{incomplete}");
    }
}
