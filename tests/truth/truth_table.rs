//! The cases in which tools disagree. Each is a static pod manifest below `tests/clusters/truth-table`.

use std::fs;
use std::path::{Path, PathBuf};

use logaudit::verdict::Status::{self, Fail, NotApplicable, Pass, Unknown};

use crate::support::report::Report;
use crate::support::stage::pinned;
use crate::support::tool::Output;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clusters/truth-table").join(format!("{name}.yaml"))
}

fn run(name: &str, args: &[&str]) -> Output {
    pinned().args(["run", "-o", "json", "-f"]).arg(fixture(name)).args(args).run()
}

/// The report on a fixture, with what some checks came to.
fn judged(name: &str, expected: &[(&str, Status)]) -> Report {
    let report = run(name, &[]).report();
    for (check, status) in expected {
        assert_eq!(report.verdict(check), *status, "{name}: {check}");
    }
    // Files show no counters, so that nothing of them can pass.
    for check in ["LA-API-004", "LA-API-005", "LA-API-006", "LA-API-010"] {
        assert_eq!(report.verdict(check), Unknown, "{name}: {check}");
    }
    assert!(report.low() < 50.0, "{name}: {}", report.low());
    report
}

fn expect_audited(name: &str, expected: &[(&str, Status)]) {
    let report = judged(name, expected);
    for check in ["LA-API-001", "LA-API-002", "LA-API-003", "LA-API-024"] {
        assert_eq!(report.verdict(check), Pass, "{name}: {check}");
    }
    run(name, &["--fail-on", "critical"]).expect_code(0);
    run(name, &[]).expect_code(0);
}

fn expect_not_audited(name: &str, expected: &[(&str, Status)]) {
    let report = judged(name, expected);
    assert_eq!(report.verdict("LA-API-001"), Pass, "{name}: that nothing is recorded can be told");
    assert!(report.0["score"]["high"].as_f64().unwrap() < 50.0, "{name}");
    run(name, &[]).expect_code(1);
    run(name, &["--fail-on", "critical"]).expect_code(1);
}

#[test]
fn good_flags_pass() {
    expect_audited(
        "good",
        &[
            ("LA-API-011", Pass),
            ("LA-API-027", Pass),
            ("LA-RET-001", Pass),
            ("LA-RET-002", Pass),
            ("LA-RET-003", Pass),
            ("LA-RET-004", Pass),
            ("LA-API-014", NotApplicable),
        ],
    );
    let reason = run("good", &[]).report().only("LA-RET-001")["reason"].to_string();
    assert!(reason.contains("90"), "{reason}");
}

#[test]
fn no_flags_fail() {
    expect_not_audited("none", &[("LA-API-002", Fail), ("LA-API-003", Fail), ("LA-RET-001", NotApplicable)]);
}

#[test]
fn log_flags_without_a_policy_fail() {
    expect_not_audited("no-policy", &[("LA-API-002", Fail), ("LA-API-003", Pass), ("LA-RET-001", Pass)]);
}

#[test]
fn flags_in_args_are_read() {
    expect_audited("args", &[("LA-API-011", Pass), ("LA-RET-001", Pass), ("LA-RET-002", Pass)]);
    let at = run("args", &[]).report().only("LA-API-002")["evidence"][0]["at"].as_str().unwrap().to_owned();
    assert!(at.ends_with("args.yaml:21:11"), "{at}");
}

#[test]
fn a_program_with_an_absolute_path_is_an_apiserver() {
    expect_not_audited("absolute-path", &[("LA-API-002", Fail), ("LA-API-003", Fail)]);
}

#[test]
fn values_after_a_space_are_read() {
    expect_audited("space", &[("LA-API-011", Pass), ("LA-RET-001", Pass), ("LA-RET-003", Pass)]);
    let spaced = run("space", &[]).report();
    assert_eq!(spaced.verdicts(), run("args", &[]).report().verdicts());
    assert!(spaced.only("LA-RET-001")["reason"].as_str().unwrap().contains("30"));
}

/// 0 keeps everything, which is the opposite of nothing; only the disk is at risk.
#[test]
fn no_limit_is_not_no_retention() {
    expect_audited("unlimited", &[("LA-RET-001", Pass), ("LA-RET-002", Pass), ("LA-RET-004", Fail)]);
}

#[test]
fn a_webhook_alone_is_a_backend() {
    expect_audited(
        "webhook",
        &[("LA-API-014", Fail), ("LA-API-011", NotApplicable), ("LA-RET-001", NotApplicable)],
    );
}

#[test]
fn no_apiserver_is_no_green_report() {
    for name in ["empty-list", "other-pod"] {
        let report = judged(name, &[("LA-API-001", Fail), ("LA-API-002", Unknown), ("LA-RET-001", Unknown)]);
        // Where there is nothing to be asked of, as of the audit log of no apiserver, nothing passes either.
        let allowed = |status: &Status| matches!(status, Fail | Unknown | NotApplicable);
        assert!(report.verdicts().values().all(allowed), "{name}");
        report.expect_unknown_because(&["the input shows no kube-apiserver", "-f"]);
        run(name, &[]).expect_code(1);
    }
}

#[test]
fn the_same_manifest_is_read_from_standard_input_and_from_a_folder() {
    let good = run("good", &[]).report();
    let text = fs::read_to_string(fixture("good")).unwrap();
    let piped = pinned().args(["run", "-o", "json", "-f", "-"]).stdin(&text).run();
    let piped = piped.expect_code(0).report();
    assert_eq!(piped.by_subject(), good.by_subject());
    let at = piped.only("LA-API-002")["evidence"][0]["at"].as_str().unwrap();
    assert!(at.starts_with("stdin:"), "{at}");

    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("manifests")).unwrap();
    fs::write(folder.path().join("manifests/kube-apiserver.yaml"), &text).unwrap();
    fs::write(folder.path().join("notes.txt"), "nothing to see").unwrap();
    let found = pinned().args(["run", "-o", "json", "-f"]).arg(folder.path()).run();
    assert_eq!(found.expect_code(0).report().by_subject(), good.by_subject());

    let one =
        pinned().args(["run", "-o", "json", "-f"]).arg(fixture("good")).arg("-f").arg(fixture("other-pod"));
    assert_eq!(one.run().expect_code(0).report().by_subject(), good.by_subject());
}

/// All of them at once: a control plane in which each node was set up by another hand.
#[test]
fn a_folder_with_all_of_them_tells_them_apart() {
    let output = pinned().args(["run", "-o", "json", "-f"]).arg(fixture("good").parent().unwrap()).run();
    let report = output.expect_code(1).report();
    let policy: Vec<Status> = report
        .by_subject()
        .into_iter()
        .filter(|((check, _), _)| check == "LA-API-002")
        .map(|(_, status)| status)
        .collect();
    assert_eq!(policy.len(), 8);
    assert_eq!(policy.iter().filter(|status| **status == Fail).count(), 3);
    assert_eq!(report.verdict("LA-API-025"), Fail);
}
