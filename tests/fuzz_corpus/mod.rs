//! Every input that the fuzz targets keep, through the same functions, without a fuzzer.

#[path = "../../fuzz/src/bodies.rs"]
mod bodies;

use std::path::Path;

/// Runs a target over its corpus. A panic names the input that caused it.
fn replay(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut inputs: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    assert!(inputs.len() >= 5, "{target} has {} inputs", inputs.len());
    for input in inputs {
        let bytes = std::fs::read(&input).unwrap();
        let outcome = std::panic::catch_unwind(|| run(&bytes));
        assert!(outcome.is_ok(), "{target}: {}", input.display());
    }
}

#[test]
fn check_file() {
    replay("check_file", bodies::check_file);
}

#[test]
fn cloud_answer() {
    replay("cloud_answer", bodies::cloud_answer);
}

#[test]
fn collector_config() {
    replay("collector_config", bodies::collector_config);
}

#[test]
fn configuration() {
    replay("configuration", bodies::configuration);
}

#[test]
fn flagz() {
    replay("flagz", bodies::flagz);
}

#[test]
fn framework_file() {
    replay("framework_file", bodies::framework_file);
}

#[test]
fn invocation() {
    replay("invocation", bodies::invocation);
}

#[test]
fn kubeconfig() {
    replay("kubeconfig", bodies::kubeconfig);
}

#[test]
fn manifests() {
    replay("manifests", bodies::manifests);
}

#[test]
fn metrics() {
    replay("metrics", bodies::metrics);
}

#[test]
fn policy_eval() {
    replay("policy_eval", bodies::policy_eval);
}

#[test]
fn policy_load() {
    replay("policy_load", bodies::policy_load);
}

#[test]
fn snapshot() {
    replay("snapshot", bodies::snapshot);
}

#[test]
fn waiver_comments() {
    replay("waiver_comments", bodies::waiver_comments);
}
