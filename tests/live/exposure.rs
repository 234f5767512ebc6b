//! What leads from outside to stores of a running cluster: asked for only where there is a store, and narrowed.

use logaudit::verdict::Status;
use serde_json::{Value, json};

use crate::support::collectors::{STATEFUL_SETS, list};
use crate::support::routes::{Identity, Routes, forbidden};
use crate::support::stage::Stage;

const SERVICES: &str = "/api/v1/services";
const INGRESSES: &str = "/apis/networking.k8s.io/v1/ingresses";

fn store() -> Value {
    let labels = json!({"app": "victoria-logs"});
    json!({
        "metadata": {"name": "victoria-logs", "namespace": "logging"},
        "spec": {"replicas": 1, "template": {"metadata": {"labels": labels}, "spec": {"containers": [{
            "name": "victoria-logs", "image": "victoria-logs:v1.30.0", "args": ["-storageDataPath=/storage"]}]}}},
    })
}

fn service(namespace: &str, name: &str, spec: &Value) -> Value {
    json!({"metadata": {"name": name, "namespace": namespace, "annotations": {"note": "hunter2"}}, "spec": spec})
}

fn ingress(namespace: &str, service: &str) -> Value {
    json!({
        "metadata": {"name": "logs", "namespace": namespace, "annotations": {"note": "hunter2"}},
        "spec": {"rules": [{"host": "hunter2.example.com", "http": {"paths": [
            {"path": "/", "backend": {"service": {"name": service, "port": {"number": 9428}}}}]}}]},
    })
}

fn with(services: &[Value], ingresses: &[Value]) -> Routes {
    Routes::kubeadm()
        .with_short_metrics()
        .get_as(Identity::Admin, STATEFUL_SETS, list("StatefulSetList", &[store()]))
        .get_as(Identity::Admin, SERVICES, list("ServiceList", services))
        .get_as(Identity::Admin, INGRESSES, list("IngressList", ingresses))
}

fn inside() -> Value {
    service("logging", "victoria-logs", &json!({"selector": {"app": "victoria-logs"}}))
}

#[test]
fn what_leads_to_a_store_is_read_within_the_budget_and_nothing_else_kept() {
    let other = service("shop", "web", &json!({"type": "LoadBalancer", "selector": {"app": "web"}}));
    let stage =
        Stage::with(with(&[inside(), other], &[ingress("logging", "victoria-logs"), ingress("shop", "web")]));
    let saved = stage.tool().arg("snapshot").run();
    assert!(!saved.stdout.contains("hunter2"));
    let exposure = &saved.expect_code(0).json()["exposure"];
    assert_eq!(exposure["services"]["value"].as_array().unwrap().len(), 1, "{exposure}");
    assert_eq!(exposure["routes"].as_array().unwrap().len(), 1, "{exposure}");
    assert!(stage.server.requests().len() <= 25, "{}", stage.server.requests().len());
    stage.server.assert_only_reads();
    let report = stage.report(&[]);
    assert_eq!(report.verdict("LA-INT-023"), Status::Fail);
    let last = report.only("LA-INT-023")["evidence"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["at"], "Ingress logging/logs spec.rules[0].http.paths[0].backend.service.name");
}

#[test]
fn a_name_in_another_namespace_stands_for_the_store() {
    let alias = json!({"type": "ExternalName", "externalName": "victoria-logs.logging.svc.cluster.local"});
    let services = [inside(), service("shop", "logs", &alias)];
    let report = Stage::with(with(&services, &[ingress("shop", "logs")])).report(&[]);
    assert_eq!(report.verdict("LA-INT-023"), Status::Fail);
    let report = Stage::with(with(&services, &[])).report(&[]);
    assert_eq!(report.verdict("LA-INT-023"), Status::Pass);
}

#[test]
fn what_is_refused_is_unknown_with_what_to_grant() {
    for (path, resource) in [(SERVICES, "services"), (INGRESSES, "ingresses")] {
        let routes = with(&[inside()], &[]).get(path, forbidden(path, Identity::Admin));
        let report = Stage::with(routes).report(&[]);
        assert_eq!(report.verdict("LA-INT-023"), Status::Unknown, "{path}");
        let reason = report.only("LA-INT-023")["reason"].as_str().unwrap().to_owned();
        assert!(reason.contains("grant `list` on") && reason.contains(resource), "{reason}");
    }
}

#[test]
fn without_a_store_nothing_is_asked() {
    let stage = Stage::with(Routes::kubeadm().with_short_metrics());
    stage.run(&[]);
    assert!(stage.server.requests().iter().all(|request| request.bare_path() != SERVICES));
}
