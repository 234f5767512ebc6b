//! A cluster that answers everything.

use std::fs;
use std::time::Duration;

use logaudit::verdict::Status;

use super::only_the_policy_is_unknown;
use crate::support::cluster::{AS_FLAGZ, ApiServer, FLAGZ, METRICS, MetricsText, NODES, PODS, VERSION};
use crate::support::nodes::{Expiry, node_pages};
use crate::support::reply::Reply;
use crate::support::routes::{Identity, Routes};
use crate::support::server::RecordedServer;
use crate::support::stage::Stage;

/// The bars of a small cluster.
const MOST_REQUESTS: usize = 25;
const MOST_IN_FLIGHT: usize = 8;

#[test]
fn a_kubeadm_cluster_is_read_and_judged() {
    let stage = Stage::with(Routes::kubeadm());
    let output = stage.run(&[]);
    assert_eq!((output.expect_code(0).stderr.as_str(), output.code), ("", Some(0)));
    let report = output.report();
    for check in ["LA-API-001", "LA-API-002", "LA-API-003", "LA-API-004", "LA-API-005", "LA-API-024"] {
        assert_eq!(report.verdict(check), Status::Pass, "{check}");
    }
    assert_eq!(report.verdict("LA-API-014"), Status::NotApplicable, "there is no webhook");
    // The process runs with v=1, which neither its pod nor kubeadm-config says.
    assert_eq!(report.verdict("LA-API-026"), Status::Fail);
    only_the_policy_is_unknown(&report);
    assert!(report.low() > 0.0 && report.low() < report.0["score"]["high"].as_f64().unwrap());

    let cluster = &report.0["cluster"];
    assert_eq!(cluster["name"], "admin");
    assert_eq!(cluster["server"], stage.server.url());
    assert_eq!(cluster["kubernetesVersion"], "v1.36.2");
    assert_eq!(cluster["distribution"], "kubeadm");
    assert_eq!(cluster["capturedAt"], "2026-11-21T09:00:00Z");
    assert_eq!((&cluster["apiServersRead"], &cluster["apiServersLive"]), (&1.into(), &1.into()));

    stage.server.assert_only_reads();
    assert!(stage.server.requests().len() <= MOST_REQUESTS, "{}", stage.server.requests().len());
    assert!(stage.server.max_in_flight() <= MOST_IN_FLIGHT, "{}", stage.server.max_in_flight());
    let agent = concat!("kubectl-logaudit/", env!("CARGO_PKG_VERSION"));
    assert!(stage.server.requests().iter().all(|request| request.header("user-agent") == Some(agent)));
}

#[test]
fn the_resources_served_are_read() {
    let stage = Stage::with(Routes::kubeadm().with_short_metrics());
    let saved = stage.tool().arg("snapshot").run().expect_code(0).json();
    let resources = saved["apis"]["value"]["resources"].as_array().unwrap().clone();
    assert!(resources.len() > 70, "{}", resources.len());
    let find = |group: &str, name: &str| {
        resources.iter().find(|found| found["group"] == group && found["resource"] == name).cloned().unwrap()
    };
    assert_eq!(find("", "nodes")["namespaced"], false);
    assert_eq!(find("", "pods")["subresources"]["exec"], serde_json::json!(["create", "get"]));
    assert_eq!(find("apps", "deployments")["namespaced"], true);
    find("monitoring.coreos.com", "servicemonitors");
}

#[test]
fn findings_point_at_their_evidence() {
    let stage = Stage::with(Routes::kubeadm().with_short_metrics());
    let report = stage.report(&[]);
    let at = |check: &str| report.only(check)["evidence"][0]["at"].clone();
    assert_eq!(at("LA-API-002"), "/flagz");
    assert_eq!(at("LA-API-004"), "/metrics apiserver_audit_event_total");
    assert_eq!(at("LA-API-024"), "Pod kube-system/kube-apiserver-cp1 spec.containers[0]");
    assert_eq!(at("LA-RET-007"), "ConfigMap kube-system/kubelet-config data.kubelet:10:1");
    assert_eq!(report.only("LA-API-004")["rank"], "observed");
    assert_eq!(report.only("LA-API-002")["rank"], "configured");
}

#[test]
fn both_forms_of_flagz_are_understood() {
    let structured = Stage::with(Routes::kubeadm().with_short_metrics());
    let text = Reply::recorded("091");
    let textual = Stage::with(Routes::kubeadm().with_short_metrics().flagz(None, text.clone(), text));
    let reports = [&structured, &textual].map(|stage| {
        let mut report = stage.report(&[]);
        assert_eq!(report.only("LA-API-002")["evidence"][0]["at"], "/flagz");
        let asked = stage.server.requests().into_iter().find(|request| request.path == FLAGZ).unwrap();
        assert!(asked.header("accept").unwrap().contains(AS_FLAGZ));
        report.0["cluster"]["server"].take();
        report.0
    });
    assert_eq!(reports[0], reports[1]);
}

#[test]
fn compressed_answers_are_understood() {
    let server = RecordedServer::builder(Routes::kubeadm()).gzip().start();
    let stage = Stage::on(server);
    let compressed = stage.run(&[]);
    assert_eq!(stage.run(&["--disable-compression"]).stdout, compressed.expect_code(0).stdout);
    let accepts = |encoding: Option<&str>| {
        let requests = stage.server.requests();
        requests.iter().filter(|request| request.header("accept-encoding") == encoding).count()
    };
    assert_eq!((accepts(Some("gzip")), accepts(None)), (23, 23));
}

#[test]
fn the_same_cluster_gives_the_same_bytes() {
    let stage = Stage::with(Routes::ha(3).with_short_metrics());
    let first = stage.run(&[]);
    first.expect_code(0);
    assert_eq!(stage.run(&[]).stdout, first.stdout);
}

#[test]
fn a_run_equals_a_snapshot_and_a_run_over_it() {
    let clusters = [Routes::kubeadm(), Routes::ha(3)];
    for (routes, context) in clusters.into_iter().zip(["admin", "viewer"]) {
        let stage = Stage::with(routes.with_short_metrics());
        let folder = tempfile::tempdir().unwrap();
        let live = |format: &str| stage.tool().args(["run", "--context", context, "-o", format]).run();
        for file in ["snapshot.json", "snapshot.json.zst"] {
            let file = folder.path().join(file);
            let saved =
                stage.tool().args(["snapshot", "--context", context, "--output-file"]).arg(&file).run();
            assert_eq!((saved.expect_code(0).stdout.as_str(), saved.stderr.as_str()), ("", ""));
            for format in ["json", "yaml", "table", "wide"] {
                let offline = stage.tool().args(["run", "-o", format, "--snapshot"]).arg(&file).run();
                assert_eq!((&offline.stdout, offline.code), (&live(format).stdout, live(format).code));
            }
        }
        let zstd = fs::read(folder.path().join("snapshot.json.zst")).unwrap();
        let plain = fs::read(folder.path().join("snapshot.json")).unwrap();
        assert_eq!(zstd::decode_all(zstd.as_slice()).unwrap(), plain);
        let stdout = stage.tool().args(["snapshot", "--context", context]).run().stdout;
        assert_eq!(stdout.as_bytes(), plain);
        let facts =
            |from: &[&str]| stage.tool().args(["facts", "--context", context]).args(from).run().stdout;
        assert_eq!(facts(&[]), facts(&["--snapshot", folder.path().join("snapshot.json").to_str().unwrap()]));
    }
}

#[test]
fn counters_overrule_flags() {
    let server = ApiServer { events: 0, at_metadata: 0, at_request: 0, at_none: 0, ..ApiServer::numbered(0) };
    let stage = Stage::with(Routes::kubeadm().get_as(Identity::Admin, METRICS, server.metrics().reply()));
    let output = stage.run(&[]);
    let report = output.expect_code(1).report();
    assert_eq!(report.verdict("LA-API-002"), Status::Pass);
    assert_eq!(report.verdict("LA-API-004"), Status::Fail);
    assert!(report.low() <= 39.0, "{}", report.low());
    assert_eq!(report.0["summary"]["gate"]["passed"], false);
}

#[test]
fn lost_events_are_told_by_plugin() {
    let metrics = ["buffered", "webhook", "log", "truncate"]
        .iter()
        .fold(ApiServer::numbered(0).metrics(), |metrics, plugin| {
            metrics.set(&format!("apiserver_audit_error_total{{plugin=\"{plugin}\"}}"), 7)
        });
    let stage = Stage::with(Routes::kubeadm().get_as(Identity::Admin, METRICS, metrics.reply()));
    let report = stage.report(&[]);
    for check in ["LA-API-006", "LA-API-007", "LA-API-008", "LA-API-009"] {
        assert_eq!(report.verdict(check), Status::Fail, "{check}");
        assert!(report.only(check)["reason"].as_str().unwrap().contains('7'), "{check}");
    }
}

/// Two pages, and nothing but the control plane's pods.
#[test]
fn large_lists_come_in_pages_and_pods_by_label() {
    let routes = Routes::kubeadm().with_short_metrics();
    let stage = Stage::with(routes.get_as(Identity::Admin, NODES, node_pages(700, Expiry::Never)));
    let snapshot = stage.tool().arg("snapshot").run().json();
    assert_eq!(snapshot["nodes"]["value"].as_array().unwrap().len(), 700);
    let pages = stage.server.requests().into_iter().filter(|request| request.bare_path() == NODES).count();
    assert_eq!(pages, 2);
    for request in stage.server.requests() {
        let is_list = [NODES, PODS].contains(&request.bare_path());
        assert!(!is_list || request.path.contains("limit=500"), "{request:?}");
        assert!(request.bare_path() != PODS || request.path.contains("labelSelector="), "{request:?}");
        assert_ne!(request.bare_path(), "/api/v1/pods");
    }
    stage.server.assert_only_reads();
}

#[test]
fn a_slow_cluster_is_read_in_one_round_trip() {
    let pause = Duration::from_secs(1);
    let slow = |id: &str| Reply::recorded(id).after(pause);
    let routes = Routes::kubeadm()
        .get(VERSION, slow("001"))
        .get(NODES, slow("023"))
        .get(PODS, slow("082"))
        .get(METRICS, ApiServer::numbered(0).counted_in(MetricsText::short()).reply().after(pause));
    let stage = Stage::with(routes);
    stage.run(&[]).expect_code(0).expect_within(pause * 2);
    assert!(stage.server.max_in_flight() > 1);
}
