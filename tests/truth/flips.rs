//! Evidence that goes missing makes nothing better: whatever was `unknown` or `fail` with it does not `pass` without it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use logaudit::verdict::Status;
use serde_json::{Value, json};

use crate::support::cluster::{
    ApiServer, FLAGZ, KUBEADM_CONFIG, KUBELET_CONFIG, LEASES, METRICS, NODES, PODS, VERSION,
};
use crate::support::collectors::{
    DAEMON_SETS, DEPLOYMENTS, FLUENT_BIT_CONFIG, FORWARDERS, NAMESPACES, STATEFUL_SETS,
};
use crate::support::reply::Reply;
use crate::support::report::Report;
use crate::support::routes::{Identity, Routes, Rule, absent, forbidden};
use crate::support::stage::{Stage, pinned};

const PATHS: [&str; 8] = [VERSION, LEASES, PODS, NODES, KUBEADM_CONFIG, KUBELET_CONFIG, FLAGZ, METRICS];

/// What is read of collectors.
const COLLECTION: [&str; 6] =
    [NAMESPACES, DAEMON_SETS, DEPLOYMENTS, STATEFUL_SETS, FORWARDERS, FLUENT_BIT_CONFIG];

/// What became better without the evidence; empty if nothing did.
fn better(with: &Report, without: &Report) -> Vec<String> {
    let mut better = Vec::new();
    let mut compare = |kind: &str, with: BTreeMap<String, Status>, without: BTreeMap<String, Status>| {
        for (name, now) in without {
            let was = with.get(&name).copied();
            let bad = was.is_some_and(|was| was >= Status::Unknown);
            if bad && now == Status::Pass {
                better.push(format!("{kind} {name}: {} with it, {now} without", was.unwrap()));
            }
        }
    };
    let subjects = |report: &Report| {
        report
            .by_subject()
            .into_iter()
            .map(|((check, subject), status)| (format!("{check} {subject}"), status))
            .collect()
    };
    compare("finding", subjects(with), subjects(without));
    compare("check", with.verdicts(), without.verdicts());
    compare("control", with.controls(), without.controls());
    if without.low() > with.low() {
        better.push(format!("score: {} with it, {} without", with.low(), without.low()));
    }
    better
}

/// Runs cases on a few threads and fails the test with all that became better.
fn expect_none_better<C: Send>(cases: Vec<C>, run: impl Fn(C) -> Vec<String> + Sync) {
    let count = cases.len();
    let (queue, found) = (Mutex::new(cases), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(case) = { queue.lock().unwrap().pop() } {
                    let better = run(case);
                    found.lock().unwrap().extend(better);
                }
            });
        }
    });
    let found = found.into_inner().unwrap();
    assert!(count > 0 && found.is_empty(), "in {count} cases:\n{}", found.join("\n"));
}

fn faults(path: &str) -> Vec<(&'static str, Reply)> {
    vec![
        ("403", forbidden(path, Identity::Admin)),
        ("404", absent(path)),
        ("500", Reply::status(500, "InternalError", "boom", &json!({}))),
        ("a closed connection", Reply::CloseBeforeReply),
    ]
}

/// Takes each path from a cluster in each way and compares with the cluster as it was.
fn flip_each(routes: &Routes) {
    flip(routes, &PATHS);
}

fn flip(routes: &Routes, paths: &[&'static str]) {
    let with = Stage::with(routes.clone()).report(&["--framework", "all"]);
    let cases: Vec<(&str, &str, Reply)> = paths
        .iter()
        .copied()
        .flat_map(|path| faults(path).into_iter().map(move |(fault, reply)| (path, fault, reply)))
        // Whoever closes the connection on everybody's `/version` is not there at all.
        .filter(|(path, fault, _)| !(*path == VERSION && fault.starts_with("a closed")))
        .collect();
    expect_none_better(cases, |(path, fault, reply)| {
        let without = Stage::with(routes.clone().get(path, reply)).report(&["--framework", "all"]);
        let better = better(&with, &without);
        better.into_iter().map(|line| format!("{path} {fault}: {line}")).collect()
    });
}

#[test]
fn nothing_of_a_single_apiserver_passes_for_want_of_evidence() {
    flip_each(&Routes::kubeadm().with_short_metrics());
}

#[test]
fn nothing_of_an_apiserver_that_records_nothing_passes_for_want_of_evidence() {
    let idle = ApiServer { events: 0, at_metadata: 0, at_none: 0, at_request: 0, ..ApiServer::numbered(0) };
    flip_each(&Routes::kubeadm().get_as(Identity::Admin, METRICS, idle.metrics().reply()));
}

#[test]
fn nothing_of_three_apiservers_passes_for_want_of_evidence() {
    flip_each(&Routes::ha(3).with_short_metrics());
}

#[test]
fn nothing_of_one_apiserver_among_three_passes_for_want_of_its_evidence() {
    let routes = Routes::ha(3).with_short_metrics();
    let with = Stage::with(routes.clone()).report(&["--framework", "all"]);
    let cases: Vec<(&str, &str, Reply)> = [FLAGZ, METRICS]
        .into_iter()
        .flat_map(|path| faults(path).into_iter().map(move |(fault, reply)| (path, fault, reply)))
        .collect();
    expect_none_better(cases, |(path, fault, reply)| {
        let one = Rule::get(path, reply).on_instance(1);
        let better = better(&with, &Stage::with(routes.clone().rule(one)).report(&["--framework", "all"]));
        better.into_iter().map(|line| format!("{path} {fault} on one of three: {line}")).collect()
    });
}

#[test]
fn nothing_passes_for_want_of_two_kinds_of_evidence() {
    let routes = Routes::kubeadm().with_short_metrics();
    let with = Stage::with(routes.clone()).report(&["--framework", "all"]);
    let pairs = PATHS
        .iter()
        .enumerate()
        .flat_map(|(index, one)| PATHS[index + 1..].iter().map(move |other| [*one, *other]));
    expect_none_better(pairs.collect(), |paths| {
        let refused = |routes: Routes, path: &str| routes.get(path, forbidden(path, Identity::Admin));
        let without = Stage::with(paths.iter().fold(routes.clone(), |routes, path| refused(routes, path)));
        let better = better(&with, &without.report(&["--framework", "all"]));
        better.into_iter().map(|line| format!("{paths:?}: {line}")).collect()
    });
}

/// What is read of collectors, each way in which it may be missing.
#[test]
fn nothing_of_collectors_passes_for_want_of_evidence() {
    for routes in [Routes::kubeadm().with_fluent_bit(), Routes::kubeadm().with_collectors()] {
        flip(&routes.with_short_metrics(), &COLLECTION);
    }
}

#[test]
fn nothing_of_collectors_passes_for_want_of_two_kinds_of_evidence() {
    let routes = Routes::kubeadm().with_collectors().with_short_metrics();
    let with = Stage::with(routes.clone()).report(&["--framework", "all"]);
    let paths: Vec<&str> = COLLECTION.into_iter().chain([NODES, PODS, FLAGZ]).collect();
    let pairs = paths
        .iter()
        .enumerate()
        .flat_map(|(index, one)| paths[index + 1..].iter().map(move |other| [*one, *other]));
    expect_none_better(pairs.collect(), |pair: [&str; 2]| {
        let refused = |routes: Routes, path: &str| routes.get(path, forbidden(path, Identity::Admin));
        let without = Stage::with(pair.iter().fold(routes.clone(), |routes, path| refused(routes, path)));
        let better = better(&with, &without.report(&["--framework", "all"]));
        better.into_iter().map(|line| format!("{pair:?}: {line}")).collect()
    });
}

fn examples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    assert!(files.len() >= 4, "{files:?}");
    files
}

/// The places of a snapshot in which there is a reading.
fn readings(snapshot: &Value) -> Vec<String> {
    let single = ["version", "leases", "pods", "nodes", "kubeadmConfig", "kubeletConfigs"];
    let mut places: Vec<String> = single.iter().map(|field| format!("/{field}")).collect();
    let of_collectors = [
        "/namespaces",
        "/apis",
        "/workloads/daemonSets",
        "/workloads/deployments",
        "/workloads/statefulSets",
    ];
    places.extend(
        of_collectors.map(str::to_owned).into_iter().filter(|place| snapshot.pointer(place).is_some()),
    );
    for list in ["flagz", "metrics"] {
        let count = snapshot[list].as_array().unwrap().len();
        places.extend((0..count).map(|index| format!("/{list}/{index}")));
        places.push(format!("/{list}"));
    }
    places
}

fn report_on(snapshot: &Value) -> Report {
    pinned()
        .args(["run", "-o", "json", "--framework", "all", "--snapshot", "-"])
        .stdin(snapshot.to_string())
        .run()
        .report()
}

/// Of a saved cluster with collectors, a configuration or a resource that could not be read is not one that is not there.
#[test]
fn nothing_of_a_snapshot_with_collectors_passes_for_want_of_evidence() {
    let stage = Stage::with(Routes::kubeadm().with_collectors().with_short_metrics());
    let snapshot = stage.tool().arg("snapshot").run().json();
    let with = report_on(&snapshot);
    let gap = json!({"reason": "forbidden", "what": "clusterlogforwarders", "detail": "gone"});
    let mut cases = Vec::new();
    for place in readings(&snapshot)
        .into_iter()
        .filter(|place| place.matches('/').count() == 2 || place == "/namespaces")
    {
        let mut without = snapshot.clone();
        let mut missing = gap.clone();
        missing["state"] = json!("missing");
        *without.pointer_mut(&place).unwrap() = missing;
        cases.push((place, without));
    }
    let mut without = snapshot.clone();
    without["configs"] = json!([]);
    without["configsUnread"] = json!([{"namespace": "logging", "name": "fluent-bit", "gap": gap}]);
    cases.push(("configs".into(), without));
    let mut without = snapshot.clone();
    without["resources"] = json!([]);
    without["resourcesUnread"] = json!([gap]);
    cases.push(("resources".into(), without));
    expect_none_better(cases, |(name, without)| {
        better(&with, &report_on(&without)).into_iter().map(|line| format!("{name}: {line}")).collect()
    });
}

#[test]
fn nothing_of_a_saved_snapshot_passes_for_want_of_evidence() {
    let mut cases = Vec::new();
    for file in examples() {
        let snapshot: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let with = report_on(&snapshot);
        for place in readings(&snapshot) {
            for reason in ["forbidden", "not-found"] {
                let gap = json!({"state": "missing", "reason": reason, "what": "this", "detail": "gone"});
                let mut without = snapshot.clone();
                let is_list = place.matches('/').count() == 1 && without.pointer(&place).unwrap().is_array();
                *without.pointer_mut(&place).unwrap() = if is_list { json!([gap]) } else { gap };
                cases.push((format!("{name} {place} {reason}"), with.clone(), without));
            }
        }
    }
    expect_none_better(cases, |(name, with, without)| {
        better(&with, &report_on(&without)).into_iter().map(|line| format!("{name}: {line}")).collect()
    });
}
