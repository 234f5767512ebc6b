//! What a run does between reading and printing, and the parsers: `cargo bench --bench pipeline`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark fails by panicking")]

use divan::{Bencher, black_box};
use logaudit::analyze::analyze;
use logaudit::analyze::tree::FactTree;
use logaudit::audit::{Plan, audit};
use logaudit::check::{limits, load};
use logaudit::framework::frameworks;
use logaudit::snapshot::redact::scrub;
use logaudit::snapshot::{Snapshot, io};
use logaudit::source::{flagz, manifests, metrics};

fn main() {
    divan::main();
}

fn example() -> Snapshot {
    io::from_bytes(include_bytes!("../examples/ha-drift.json")).unwrap()
}

#[divan::bench]
fn load_builtin_checks() -> usize {
    limits::on_big_stack(|| load::builtin().unwrap().checks.len())
}

#[divan::bench]
fn read_snapshot() -> Snapshot {
    io::from_bytes(black_box(include_bytes!("../examples/ha-drift.json"))).unwrap()
}

#[divan::bench]
fn facts(bencher: Bencher<'_, '_>) {
    let snapshot = example();
    bencher.bench_local(|| FactTree::new(&analyze(black_box(&snapshot))).unwrap());
}

#[divan::bench]
fn snapshot_to_report(bencher: Bencher<'_, '_>) {
    let plan = Plan::everything(limits::on_big_stack(load::builtin).unwrap(), frameworks());
    let snapshot = example();
    bencher.bench_local(|| audit(&plan, black_box(&snapshot)).unwrap());
}

/// 10 MB of an apiserver's exposition, of which a few lines are kept.
#[divan::bench]
fn metrics_10_mb(bencher: Bencher<'_, '_>) {
    let mut text = String::from(
        "process_start_time_seconds 1.795e+09\napiserver_audit_event_total 104\napiserver_audit_level_total{level=\"Metadata\"} 98\n\
         apiserver_audit_requests_rejected_total 0\n",
    );
    let mut index = 0;
    while text.len() < 10_000_000 {
        index += 1;
        text.push_str(&format!(
            "apiserver_request_duration_seconds_bucket{{component=\"apiserver\",resource=\"r{index}\",le=\"0.1\"}} {index}\n"
        ));
    }
    bencher
        .counter(divan::counter::BytesCount::new(text.len()))
        .bench_local(|| metrics::parse(black_box(text.as_bytes())).unwrap());
}

#[divan::bench]
fn flagz_text(bencher: Bencher<'_, '_>) {
    let mut text = String::from("\nkube-apiserver flagz\nWarning: this is no stable format.\n\n");
    for index in 0..200 {
        text.push_str(&format!("some-flag-{index}=value\n"));
    }
    text.push_str("audit-log-path=/var/log/audit.log\naudit-policy-file=/etc/policy.yaml\n");
    bencher.bench_local(|| flagz::parse(black_box(text.as_bytes())).unwrap());
}

/// 3 MB as `kubectl get pods -o yaml` prints them.
#[divan::bench(sample_count = 5)]
fn manifests_3_mb(bencher: Bencher<'_, '_>) {
    let mut text = String::from("apiVersion: v1\nkind: List\nitems:\n");
    let mut index = 0;
    while text.len() < 3_000_000 {
        index += 1;
        text.push_str(&format!(
            "- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: web-{index}\n    namespace: default\n    labels: {{app: web, tier: front}}\n  \
             spec:\n    nodeName: worker-1\n    containers:\n    - name: web\n      image: web:v1\n      args:\n      - --listen=:8080\n      - --level=info\n"
        ));
    }
    let texts = [("pods.yaml".to_owned(), text)];
    bencher.bench_local(|| manifests::read_texts(black_box(&texts)).unwrap());
}

#[divan::bench]
fn scrub_a_line() -> usize {
    scrub(black_box("--audit-log-path=/var/log/kubernetes/audit/audit.log")).len()
}
