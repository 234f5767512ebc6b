use serde_json::{Value, json};

use super::*;
use crate::analyze::cloud::provider::identity;
use crate::analyze::cloud::recorded::Lost;
use crate::snapshot::cloud::{Cloud, CloudAnswer};
use crate::snapshot::{Reading, Scope, Snapshot};

fn described(more: &Value) -> Value {
    let mut cluster = json!({
        "name": "demo",
        "location": "europe-west1",
        "currentMasterVersion": "1.33.5-gke.1162000",
        "selfLink": "https://container.googleapis.com/v1/projects/acme-prod/locations/europe-west1/clusters/demo",
    });
    for (key, value) in more.as_object().unwrap() {
        cluster[key.as_str()] = value.clone();
    }
    cluster
}

fn answer(call: &str, value: Value) -> CloudAnswer {
    CloudAnswer {
        call: call.into(),
        of: String::new(),
        at: "answer.json".into(),
        reading: Reading::read(value),
    }
}

fn with<T>(answers: Vec<CloudAnswer>, judge: impl FnOnce(&Scene<'_>) -> T) -> T {
    let mut snapshot = Snapshot::empty(Scope::Cluster, "example");
    snapshot.cloud = Cloud { answers, ..Cloud::default() };
    let identity = identity(&snapshot);
    judge(&Scene { snapshot: &snapshot, identity: &identity })
}

fn of_cluster(more: &Value) -> Gke {
    with(vec![answer("gke/describe", described(more))], facts)
}

#[test]
fn components_have_many_forms() {
    let logged = |config: Value| of_cluster(&config).components;
    let enabled = |list: Value| json!({"loggingConfig": {"componentConfig": {"enableComponents": list}}});
    let new = logged(enabled(json!(["WORKLOADS", "KCP_NEW", "SYSTEM_COMPONENTS", "WORKLOADS"])));
    assert_eq!(new.on.value().unwrap(), &["KCP_NEW", "SYSTEM_COMPONENTS", "WORKLOADS"]);
    assert_eq!(new.workloads.value(), Some(&true));
    assert_eq!(new.control_plane_access.value(), Some(&false));
    // What the configuration says comes before the older field.
    let mut both = enabled(json!([]));
    both["loggingService"] = json!("logging.googleapis.com/kubernetes");
    assert_eq!(logged(both).system.value(), Some(&false));
    assert_eq!(logged(json!({"loggingService": "none"})).system.value(), Some(&false));
    assert_eq!(logged(json!({"loggingService": "logging.googleapis.com"})).workloads.value(), Some(&true));
    for odd in [
        json!({}),
        json!({"loggingConfig": null}),
        json!({"loggingConfig": {}}),
        json!({"loggingService": "elsewhere"}),
        enabled(json!("WORKLOADS")),
        enabled(json!(1)),
    ] {
        assert_eq!(logged(odd.clone()).system.value(), None, "{odd}");
    }
}

#[test]
fn scopes_of_pools_are_judged_pool_by_pool() {
    let scope = |name: &str| format!("https://www.googleapis.com/auth/{name}");
    let pools = |pools: Value| of_cluster(&json!({"nodePools": pools})).node_pools.without_logging_scope;
    let pool = |name: &str, scopes: Value| json!({"name": name, "config": {"oauthScopes": scopes}});
    let good = pool("a", json!([scope("cloud-platform")]));
    let bad = pool("b", json!([scope("logging.read"), 7]));
    assert_eq!(pools(json!([good])).value(), Some(&Vec::new()));
    assert_eq!(pools(json!([good, bad, {"name": "c"}])).value().unwrap(), &["b"]);
    for odd in
        [json!([good, {"name": "c"}]), json!([]), json!({}), json!([{"config": {"oauthScopes": null}}])]
    {
        assert_eq!(pools(odd.clone()).value(), None, "{odd}");
    }
}

fn audit(logs: &Value) -> Value {
    json!([{"service": "container.googleapis.com", "auditLogConfigs": logs}])
}

fn ancestors(project: &Value) -> CloudAnswer {
    let levels = json!([
        {"type": "project", "id": "acme-prod", "policy": {"auditConfigs": project}},
        {"type": "organization", "id": "12", "policy": {}},
    ]);
    answer("gke/ancestors-iam-policy", levels)
}

fn default_sink(more: &Value) -> CloudAnswer {
    let to =
        |name: &str| format!("logging.googleapis.com/projects/acme-prod/locations/global/buckets/{name}");
    let mut sink = json!({
        "name": "_Default",
        "destination": to("_Default"),
        "filter": "NOT LOG_ID(\"cloudaudit.googleapis.com/activity\")",
    });
    for (key, value) in more.as_object().unwrap() {
        sink[key.as_str()] = value.clone();
    }
    let required = json!({
        "name": "_Required",
        "destination": to("_Required"),
        "filter": "LOG_ID(\"cloudaudit.googleapis.com/activity\")",
    });
    answer("gke/sinks", json!([required, sink]))
}

fn of(logs: &Value, sink: &Value) -> (Vec<Lost>, Vec<Lost>) {
    let answers = vec![
        answer("gke/describe", described(&json!({}))),
        ancestors(&audit(logs)),
        default_sink(sink),
        CloudAnswer { of: "organizations/12".into(), ..answer("gke/sinks", json!([])) },
    ];
    match with(answers, recorded) {
        Recorded::Read { lost, doubtful, .. } => (lost, doubtful),
        Recorded::Unread(why) => panic!("{why}"),
    }
}

fn verbs(list: &[Lost]) -> Vec<String> {
    list.iter().map(|lost| lost.rule.verbs.join(",")).collect()
}

#[test]
fn reads_stand_in_data_access_logs() {
    let logs = |kinds: &[&str]| Value::Array(kinds.iter().map(|kind| json!({"logType": kind})).collect());
    let on = |kinds: &[&str]| {
        let (lost, doubtful) = of(&logs(kinds), &json!({}));
        (verbs(&lost), verbs(&doubtful))
    };
    let (reads, status) = ("get,list,watch".to_owned(), "update,patch".to_owned());
    assert_eq!(on(&[]), (vec![reads.clone(), status.clone()], vec![]));
    assert_eq!(on(&["ADMIN_READ", "DATA_READ", "DATA_WRITE", "NEW"]), (vec![], vec![]));
    assert_eq!(on(&["ADMIN_READ"]), (vec![status], vec![reads.clone()]));
    assert_eq!(on(&["DATA_READ", "DATA_WRITE"]), (vec![], vec![reads]));
}

#[test]
fn exempted_members_read_unseen() {
    let all = |members: Value| {
        let logs = ["ADMIN_READ", "DATA_READ", "DATA_WRITE"]
            .map(|kind| json!({"logType": kind, "exemptedMembers": members}));
        of(&json!(logs), &json!({}))
    };
    let (lost, doubtful) =
        all(json!(["user:ops@example.com", "group:devs@example.com", "domain:example.com", 1]));
    assert_eq!(lost.iter().map(|one| one.rule.users.join(",")).collect::<Vec<_>>(), ["ops@example.com"]);
    assert_eq!(doubtful.len(), 2);
    assert!(doubtful.iter().any(|one| one.rule.user_groups == ["devs@example.com"]));
    // Exempted from one of two kinds.
    let logs = json!([
        {"logType": "ADMIN_READ"},
        {"logType": "DATA_READ", "exemptedMembers": ["serviceAccount:scan@acme-prod.iam.gserviceaccount.com"]},
        {"logType": "DATA_WRITE"},
    ]);
    let (lost, doubtful) = of(&logs, &json!({}));
    assert!(lost.is_empty());
    assert_eq!(doubtful.first().unwrap().rule.users, ["scan@acme-prod.iam.gserviceaccount.com"]);
}

#[test]
fn exclusions_drop_what_they_certainly_match() {
    let all = json!([{"logType": "ADMIN_READ"}, {"logType": "DATA_READ"}, {"logType": "DATA_WRITE"}]);
    let excluded = |filter: &str| of(&all, &json!({"exclusions": [{"name": "x", "filter": filter}]}));
    let (lost, doubtful) = excluded(r#"resource.type="k8s_cluster" AND protoPayload.methodName:".get""#);
    assert_eq!((verbs(&lost), doubtful.len()), (vec!["get".to_owned()], 0));
    assert!(lost.first().unwrap().why.contains("methodName:\".get\""));

    let (lost, doubtful) = excluded(r#"protoPayload.methodName="io.k8s.coordination.v1.leases.get""#);
    assert_eq!((verbs(&lost), doubtful.len()), (vec!["get".to_owned()], 0));
    let resources = &lost.first().unwrap().rule.resources;
    assert_eq!(resources.len(), 1);
    assert_eq!(resources.first().unwrap().group, "coordination.k8s.io");
    assert_eq!(resources.first().unwrap().resources, ["leases"]);

    let (lost, doubtful) = excluded(r#"protoPayload.methodName=~"\.(get|watch)$""#);
    assert_eq!((verbs(&lost), doubtful.len()), (vec!["get".to_owned(), "watch".to_owned()], 0));

    let (lost, doubtful) = excluded(r#"protoPayload.authenticationInfo.principalEmail:"robot""#);
    assert_eq!(
        (lost.len(), verbs(&doubtful)),
        (0, vec!["get".to_owned(), "list".to_owned(), "watch".to_owned()])
    );
    let (lost, doubtful) = excluded("protoPayload.methodName=(");
    assert_eq!((lost.len(), doubtful.len()), (0, 3));

    let (lost, doubtful) = excluded(r#"resource.type="k8s_container" AND severity<ERROR"#);
    assert_eq!((lost.len(), doubtful.len()), (0, 0));
    let off =
        json!({"exclusions": [{"name": "x", "filter": "resource.type=\"k8s_cluster\"", "disabled": true}]});
    assert_eq!(of(&all, &off).0.len(), 0);
    assert_eq!(verbs(&of(&all, &json!({"disabled": true})).0), ["get", "list", "watch"]);
    assert_eq!(of(&all, &json!({"exclusions": null, "filter": ""})).0.len(), 0);
}

#[test]
fn lists_that_cannot_be_of_the_project_prove_nothing() {
    for odd in [
        json!([]),
        json!({}),
        json!(null),
        json!([{"name": "_Default", "destination": "storage.googleapis.com/x"}]),
        json!([{"name": "_Required", "destination": "logging.googleapis.com/projects/other/locations/global/buckets/_Required"}]),
    ] {
        let answers = vec![answer("gke/describe", described(&json!({}))), answer("gke/sinks", odd.clone())];
        let (dropped, days) = with(answers, |scene| {
            let gke = facts(scene);
            (gke.routing.dropped, gke.storage.data_access_days)
        });
        assert_eq!((dropped.value(), days.value()), (None, None), "{odd}");
    }
    let mut answers = vec![answer("gke/describe", described(&json!({}))), default_sink(&json!({}))];
    answers.push(answer("gke/buckets", json!([])));
    assert_eq!(with(answers, facts).storage.data_access_days.value(), None);
}

#[test]
fn what_is_no_answer_to_a_question_proves_nothing() {
    for odd in [json!([1, 2]), json!({}), json!(null), json!("x"), json!({"name": 1})] {
        let gke = with(vec![answer("gke/describe", odd.clone())], facts);
        assert_eq!(gke.autopilot.value(), None, "{odd}");
        assert_eq!(gke.network.intra_node_visibility.value(), None, "{odd}");
        let answers = ["gke/describe", "gke/alert-policies", "gke/metrics"].map(|call| {
            answer(call, if call == "gke/describe" { described(&json!({})) } else { odd.clone() })
        });
        assert_eq!(with(answers.to_vec(), facts).alerts.policies.value(), None, "{odd}");
    }
}

#[test]
fn odd_audit_configurations_are_not_taken_for_none() {
    for odd in [json!("on"), json!({}), json!(1)] {
        let answers = vec![answer("gke/describe", described(&json!({}))), ancestors(&odd)];
        assert_eq!(with(answers, facts).data_access.admin_read.value(), None, "{odd}");
    }
    for none in [json!(null), json!([]), json!([1]), json!([{"service": "storage.googleapis.com"}])] {
        let answers = vec![answer("gke/describe", described(&json!({}))), ancestors(&none)];
        assert_eq!(with(answers, facts).data_access.admin_read.value(), Some(&false), "{none}");
    }
}

#[test]
fn what_the_project_drops_may_be_kept_above_it() {
    let all = json!([{"logType": "ADMIN_READ"}, {"logType": "DATA_READ"}, {"logType": "DATA_WRITE"}]);
    let sink = json!({"exclusions": [{"name": "x", "filter": "protoPayload.methodName:\".get\""}]});
    let answers =
        vec![answer("gke/describe", described(&json!({}))), ancestors(&audit(&all)), default_sink(&sink)];
    let Recorded::Read { lost, doubtful, .. } = with(answers, recorded) else { panic!("it was read") };
    assert_eq!((lost.len(), verbs(&doubtful)), (0, vec!["get".to_owned()]));
    assert!(doubtful.first().unwrap().why.contains("a sink above the project may keep it"));
}

#[test]
fn the_settings_of_the_cluster_say_nothing_of_its_audit_log() {
    let cluster = || answer("gke/describe", described(&json!({})));
    let Recorded::Unread(why) = with(vec![cluster()], recorded) else { panic!("nothing else was read") };
    assert!(why.contains("audit configuration") && why.contains("sinks"), "{why}");
    assert!(matches!(with(vec![cluster(), default_sink(&json!({}))], recorded), Recorded::Read { .. }));
}

#[test]
fn metrics_of_another_project_prove_nothing() {
    let policies = json!([{
        "name": "projects/acme-prod/alertPolicies/1",
        "conditions": [{"conditionThreshold": {"filter": "metric.type=\"logging.googleapis.com/user/reads\""}}],
    }]);
    let watched = |owner: &str| {
        let metrics = json!([{
            "name": "reads",
            "resourceName": format!("projects/{owner}/metrics/reads"),
            "filter": "protoPayload.methodName:\"secrets\"",
        }]);
        let answers = vec![
            answer("gke/describe", described(&json!({}))),
            answer("gke/alert-policies", policies.clone()),
            answer("gke/metrics", metrics),
        ];
        with(answers, facts).alerts.policies.value().map(Vec::len)
    };
    assert_eq!((watched("acme-prod"), watched("acme-other")), (Some(1), None));
}

#[test]
fn large_regular_expressions_end_in_time() {
    let start = std::time::Instant::now();
    let all = json!([{"logType": "ADMIN_READ"}, {"logType": "DATA_READ"}, {"logType": "DATA_WRITE"}]);
    let names: Vec<String> = (0..1_500).map(|index| format!("resource{index}")).collect();
    let filter = format!("protoPayload.methodName=~\"({})\"", names.join("|"));
    let exclusion = |index: usize| json!({"name": format!("x{index}"), "filter": filter});
    let exclusions = |count: usize| json!({"exclusions": (0..count).map(exclusion).collect::<Vec<_>>()});
    let (lost, _) = of(&all, &exclusions(5));
    assert!(lost.is_empty());
    // More than is read leaves it open what is dropped.
    let (lost, doubtful) = of(&all, &exclusions(50));
    assert_eq!(lost.len(), 0);
    assert!(!doubtful.is_empty());
    assert!(start.elapsed().as_secs() < 15, "{:?}", start.elapsed());
}
