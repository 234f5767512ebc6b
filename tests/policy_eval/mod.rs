//! The evaluator against the verdicts of the real one, and against what a real kube-apiserver wrote.
//!
//! `tests/vectors/README.md` and `tests/recordings/README.md` say where both come from.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use logaudit::analyze::policy::matches::{
    Attributes, Decision, Evaluator, RequestKind, StageSet, written_stages,
};
use logaudit::analyze::policy::{AuditPolicy, Level, Stage, request};
use serde_json::Value;

/// A file under `tests/`, unpacked if it is stored packed.
fn read(file: &str) -> String {
    let path = format!("{}/tests/{file}", env!("CARGO_MANIFEST_DIR"));
    let Ok(stored) = fs::read(format!("{path}.zst")) else {
        return fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    };
    String::from_utf8(zstd::decode_all(stored.as_slice()).expect("zstd")).expect("UTF-8")
}

fn lines(file: &str) -> Vec<Value> {
    let values =
        |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{file}: {error}: {line}"));
    read(file).lines().map(values).collect()
}

/// The policy in an object as it would stand in a file: without what only the loader looks at.
fn policy(mut document: Value) -> AuditPolicy {
    drop_nulls(&mut document);
    let object = document.as_object_mut().expect("a policy is an object");
    for key in ["apiVersion", "kind", "metadata"] {
        object.remove(key);
    }
    serde_json::from_value(document).expect("a policy")
}

/// The loader takes null for a list that is left out.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|_, value| !value.is_null());
            object.values_mut().for_each(drop_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

fn evaluate_all(file: &str, expected_count: usize) {
    let vectors = lines(file);
    assert_eq!(vectors.len(), expected_count);
    let mut wrong = Vec::new();
    for vector in vectors {
        let evaluator = Evaluator::new(&policy(vector["policy"].clone()));
        let attributes: Attributes =
            serde_json::from_value(vector["attributes"].clone()).expect("attributes");
        let decision = serde_json::to_value(evaluator.evaluate(&attributes)).unwrap();
        if decision != vector["expected"] {
            wrong.push(format!(
                "{} {}: {decision}, not {}",
                vector["id"], vector["title"], vector["expected"]
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {expected_count} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn random_policies_decide_as_in_kubernetes() {
    evaluate_all("vectors/audit-policy-evaluation.jsonl", 4_000);
}

#[test]
fn named_cases_decide_as_in_kubernetes() {
    evaluate_all("vectors/audit-policy-evaluation-named.jsonl", 127);
}

#[test]
fn urls_have_the_attributes_that_kubernetes_gives_them() {
    let vectors = lines("vectors/request-attributes.jsonl");
    assert_eq!(vectors.len(), 146);
    for vector in vectors {
        let text = |field: &str| vector[field].as_str().expect("a text");
        let found = request::attributes(text("method"), text("url"), Some("alice".into()), vec![]);
        let found = match found {
            Err(error) => serde_json::json!({ "error": error.to_string() }),
            Ok(attributes) => {
                let mut found = serde_json::to_value(&attributes).unwrap();
                let object = found.as_object_mut().unwrap();
                object.remove("user");
                object.remove("groups");
                object.insert("longRunning".into(), request::is_long_running(&attributes).into());
                found
            }
        };
        assert_eq!(found, vector["expected"], "{} {}", vector["id"], vector["title"]);
    }
}

/// A policy beside a recorded log.
fn recorded_policy(log: &str) -> AuditPolicy {
    policy(recorded_document(log))
}

fn recorded_document(log: &str) -> Value {
    serde_yaml::from_str(&read(&format!("recordings/audit-log/audit-{log}.policy.yaml"))).expect("YAML")
}

/// An event of the log, and the request that it is about.
struct Event {
    id: String,
    level: Option<Level>,
    stage: Stage,
    request: Attributes,
}

/// The method that a verb of the log came from.
fn method(verb: &str) -> String {
    match verb {
        "get" | "list" | "watch" => "GET".into(),
        "create" => "POST".into(),
        "update" => "PUT".into(),
        "delete" | "deletecollection" => "DELETE".into(),
        other => other.to_uppercase(),
    }
}

fn events(log: &str) -> Vec<Event> {
    lines(&format!("recordings/audit-log/audit-{log}.log")).iter().map(event).collect()
}

fn event(event: &Value) -> Event {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let groups = event["user"]["groups"].as_array().map(|groups| groups.iter().map(text).collect());
    let request = request::attributes(
        &method(event["verb"].as_str().expect("a verb")),
        event["requestURI"].as_str().expect("a URI"),
        event["user"]["username"].as_str().map(str::to_owned),
        groups.unwrap_or_default(),
    )
    .expect("attributes");
    // What the log says of the request, from the server's own reading of the URL.
    let object = &event["objectRef"];
    assert_eq!(text(&event["verb"]), request.verb, "{event}");
    assert_eq!(request.is_resource_request, !object.is_null(), "{event}");
    for (field, value) in [
        ("resource", &request.resource),
        ("subresource", &request.subresource),
        ("apiGroup", &request.api_group),
        ("apiVersion", &request.api_version),
    ] {
        assert_eq!(text(&object[field]), *value, "{event}");
    }
    // Where the URL has none the log takes them from the body.
    for (field, value) in [("name", &request.name), ("namespace", &request.namespace)] {
        assert!(value.is_empty() || text(&object[field]) == *value, "{event}");
    }
    Event {
        id: text(&event["auditID"]),
        level: Some(event["level"].as_str().expect("a level").parse().expect("a level")),
        stage: event["stage"].as_str().expect("a stage").parse().expect("a stage"),
        request,
    }
}

/// Every event has the level that the policy gives it, and every request has exactly the stages that it should.
fn agrees(log: &str, events: &[Event], expected_count: usize) -> BTreeSet<RequestKindName> {
    assert_eq!(events.len(), expected_count);
    let evaluator = Evaluator::new(&recorded_policy(log));
    let mut requests: BTreeMap<&str, (StageSet, Vec<Stage>)> = BTreeMap::new();
    let mut kinds = BTreeSet::new();
    for Event { id, level, stage, request } in events {
        let decision = evaluator.evaluate(request);
        assert_ne!(decision.level, Level::None, "{request:?}");
        if let Some(level) = level {
            assert_eq!(decision.level, *level, "{request:?}");
        }
        let kind = RequestKind::of(request);
        kinds.insert(kind_name(kind));
        let written = written_stages(&decision, kind);
        assert!(written.contains(*stage), "{stage} of {request:?}: {written:?}");
        let (expected, seen) = requests.entry(id).or_insert((written, vec![]));
        assert_eq!(*expected, written, "{request:?}");
        assert!(!seen.contains(stage), "{id} has {stage} twice");
        seen.push(*stage);
    }
    for (id, (expected, seen)) in requests {
        assert_eq!(StageSet::from_iter(seen), expected, "{log} {id}");
    }
    kinds
}

type RequestKindName = &'static str;

fn kind_name(kind: RequestKind) -> RequestKindName {
    match kind {
        RequestKind::Short => "short",
        RequestKind::LongRunning => "long-running",
        RequestKind::Panic => "panic",
        RequestKind::FailedAuthentication => "failed authentication",
    }
}

#[test]
fn a_log_of_everyday_traffic_agrees_with_its_policy() {
    let kinds = agrees("mixed", &events("mixed"), 910);
    assert_eq!(kinds, BTreeSet::from(["failed authentication", "long-running", "short"]));
}

#[test]
fn a_log_of_bodies_agrees_with_its_policy() {
    let kinds = agrees("leaky", &events("leaky"), 82);
    assert!(kinds.contains("failed authentication"));
}

#[test]
fn a_log_without_response_started_agrees_with_its_policy_and_has_no_failed_authentication() {
    let kinds = agrees("no-response-started", &events("no-response-started"), 28);
    assert!(!kinds.contains("failed authentication"));
    // It saw the same traffic as the log of bodies, in which there are nine.
    let evaluator = Evaluator::new(&recorded_policy("no-response-started"));
    let failed: Vec<Event> =
        events("leaky").into_iter().filter(|event| event.request.user.is_none()).collect();
    assert_eq!(failed.len(), 9);
    for event in failed {
        let decision = evaluator.evaluate(&event.request);
        assert_eq!(decision.level, Level::Metadata, "counted as such, but");
        assert!(written_stages(&decision, RequestKind::of(&event.request)).is_empty(), "never written");
    }
}

#[test]
fn a_log_in_the_legacy_format_agrees_with_its_policy() {
    // A line in this format does not say the level.
    let text = read("recordings/audit-log/audit-legacy.log");
    let events: Vec<Event> = text.lines().map(legacy_event).collect();
    let kinds = agrees("legacy", &events, 97);
    assert_eq!(kinds, BTreeSet::from(["failed authentication", "long-running", "short"]));
}

fn legacy_event(line: &str) -> Event {
    let field = |name: &str| {
        let (_, rest) =
            line.split_once(&format!(" {name}=\"")).unwrap_or_else(|| panic!("no {name}: {line}"));
        rest.split_once("\" ").map_or(rest, |(value, _)| value)
    };
    let user = Some(field("user")).filter(|user| *user != "<none>").map(str::to_owned);
    let groups = field("groups").split(',').map(|group| group.trim_matches(['\\', '"']).to_owned());
    let request = request::attributes(&method(field("method")), field("uri"), user, groups.collect())
        .expect("attributes");
    assert_eq!(request.verb, field("method"), "{line}");
    let id = field("id").to_owned();
    Event { id, level: None, stage: field("stage").parse().expect("a stage"), request }
}

#[test]
fn the_policy_with_a_mistyped_key_explains_why_its_log_is_empty() {
    assert_eq!(read("recordings/audit-log/audit-typo.log"), "");
    let counters = read("recordings/audit-log/audit-typo.metrics.txt");
    assert!(counters.contains("apiserver_audit_event_total 0"));
    assert!(!counters.contains("Metadata"), "every request was counted at level None");

    // The server drops the key `user` and goes on; the model itself takes no unknown key.
    let mut document = recorded_document("typo");
    let unknown = document["rules"][0].as_object_mut().unwrap().remove("user");
    assert!(unknown.is_some());
    let evaluator = Evaluator::new(&policy(document));
    // The traffic under it was that of the log of bodies.
    for event in events("leaky") {
        let nothing = Decision {
            level: Level::None,
            omit_stages: StageSet::default(),
            omit_managed_fields: false,
            rule: Some(0),
        };
        assert_eq!(evaluator.evaluate(&event.request), nothing, "{:?}", event.request);
    }
}
