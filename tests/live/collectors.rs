//! Collectors of a running cluster: what is asked for, what never is, and what becomes of what cannot be read.

use std::time::Duration;

use logaudit::verdict::Status;
use serde_json::{Value, json};

use crate::support::collectors::{
    DAEMON_SETS, DEPLOYMENTS, FLUENT_BIT_CONFIG, FORWARDERS, NAMESPACES, PROMTAIL, STATEFUL_SETS, config_map,
    fluent_bit,
};
use crate::support::reply::Reply;
use crate::support::report::Report;
use crate::support::routes::{Identity, Routes, absent, forbidden};
use crate::support::stage::Stage;

/// The bars of a small cluster.
const MOST_REQUESTS: usize = 25;

fn fluent_bit_only() -> Routes {
    Routes::kubeadm().with_short_metrics().with_fluent_bit()
}

fn all() -> Routes {
    Routes::kubeadm().with_short_metrics().with_collectors()
}

fn snapshot(stage: &Stage) -> Value {
    stage.tool().arg("snapshot").run().expect_code(0).json()
}

/// Fails the test if Secrets, or pods of the whole cluster, were asked for.
fn assert_nothing_forbidden_was_asked(stage: &Stage) {
    stage.server.assert_only_reads();
    for request in stage.server.requests() {
        assert!(!request.path.contains("/secrets"), "{request:?}");
        assert_ne!(request.bare_path(), "/api/v1/pods", "{request:?}");
        assert!(!request.bare_path().ends_with("/configmaps"), "{request:?}");
    }
}

#[test]
fn a_collector_is_read_with_its_config_map_within_the_budget() {
    let stage = Stage::with(fluent_bit_only());
    let saved = snapshot(&stage);
    assert_eq!(saved["configs"][0]["configMap"]["name"], "fluent-bit");
    assert!(saved["configs"][0]["text"].as_str().unwrap().contains("HTTP_Passwd ${ES_PASSWORD}"));
    let workloads = &saved["workloads"]["daemonSets"]["value"];
    assert_eq!(workloads[0]["name"], "fluent-bit");
    assert!(saved.get("configsUnread").is_none(), "{}", saved["configsUnread"]);
    assert!(stage.server.requests().len() <= MOST_REQUESTS, "{}", stage.server.requests().len());
    assert_nothing_forbidden_was_asked(&stage);
    let facts = stage.tool().args(["facts", "-o", "json"]).run().expect_code(0).json();
    let collectors = facts["facts"]["collectors"].as_array().unwrap();
    assert_eq!((collectors.len(), &collectors[0]["configRead"]), (1, &json!(true)), "{collectors:?}");
}

#[test]
fn a_configuration_in_a_secret_is_never_asked_for_and_is_unknown() {
    let stage = Stage::with(all());
    let output = stage.run(&[]);
    let report = output.report();
    report.expect_unknown_because(&[
        "Secret promtail, which is never read",
        "--config-for monitoring/promtail=FILE",
    ]);
    assert!(!output.stdout.contains("Y2xpZW50czogW10K"));
    assert!(stage.server.requests().len() <= MOST_REQUESTS, "{}", stage.server.requests().len());
    assert_nothing_forbidden_was_asked(&stage);
    let saved = snapshot(&stage);
    assert_eq!(saved["resources"][0]["kind"], "ClusterLogForwarder");
}

#[test]
fn a_given_configuration_stands_for_what_the_secret_holds() {
    let stage = Stage::with(all());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("promtail.yaml");
    std::fs::write(&file, PROMTAIL).unwrap();
    let given = format!("monitoring/promtail={}", file.display());
    let facts = stage.tool().args(["facts", "-o", "json", "--config-for", &given]).run();
    let facts = facts.expect_code(0).json();
    let collectors = facts["facts"]["collectors"].as_array().unwrap();
    let promtail = collectors.iter().find(|one| one["name"] == "DaemonSet monitoring/promtail").unwrap();
    assert_eq!(promtail["configRead"], true, "{promtail}");
    assert_nothing_forbidden_was_asked(&stage);
    // A saved snapshot knows it too.
    let saved = stage.tool().args(["snapshot", "--config-for", &given]).run();
    let live = stage.tool().args(["run", "-o", "json", "--config-for", &given]).run();
    let offline = crate::support::stage::pinned()
        .args(["run", "-o", "json", "--snapshot", "-"])
        .stdin(&saved.stdout)
        .run();
    assert_eq!(live.stdout, offline.stdout);
}

/// The round trips that depend on one another: everything, then what the first answers name.
#[test]
fn a_slow_cluster_takes_two_round_trips() {
    let pause = Duration::from_secs(1);
    let routes = fluent_bit_only();
    let config = config_map("logging", "fluent-bit", "fluent-bit.conf", "").after(pause);
    let slow = Reply::json(200, &json!({"kind": "DaemonSetList", "metadata": {}, "items": [fluent_bit()]}));
    let routes = routes.get_as(Identity::Admin, DAEMON_SETS, slow.after(pause)).get_as(
        Identity::Admin,
        FLUENT_BIT_CONFIG,
        config,
    );
    let stage = Stage::with(routes);
    assert!(matches!(stage.run(&[]).expect_within(pause * 5 / 2 + pause).code, Some(0 | 1)));
}

/// Everything that a report says it could not read.
fn said(report: &Report) -> String {
    let mut said: Vec<String> = report.reasons(Status::Unknown).into_iter().map(str::to_owned).collect();
    let notes = report.0["notes"].as_array().cloned().unwrap_or_default();
    said.extend(notes.iter().map(|note| note.as_str().unwrap().to_owned()));
    said.join("\n")
}

const READINGS: [(&str, &str, &str); 6] = [
    (NAMESPACES, "the namespaces", "namespaces"),
    (DAEMON_SETS, "the DaemonSets", "daemonsets"),
    (DEPLOYMENTS, "the Deployments", "deployments"),
    (STATEFUL_SETS, "the StatefulSets", "statefulsets"),
    (FORWARDERS, "clusterlogforwarders", "clusterlogforwarders"),
    (FLUENT_BIT_CONFIG, "the ConfigMap logging/fluent-bit", "configmaps"),
];

#[test]
fn what_is_forbidden_is_told_with_what_to_grant() {
    for (path, what, resource) in READINGS {
        let stage = Stage::with(all().get(path, forbidden(path, Identity::Admin)));
        let said = said(&stage.report(&[]));
        let told = said.lines().any(|line| {
            line.contains(&format!("could not read {what}: forbidden"))
                && line.contains("grant")
                && line.contains(resource)
        });
        assert!(told, "{path}:\n{said}");
        assert_nothing_forbidden_was_asked(&stage);
    }
}

#[test]
fn what_fails_is_told() {
    for (path, what, _) in READINGS {
        let replies = [
            (Reply::status(500, "InternalError", "boom", &json!({})), "boom"),
            (Reply::CloseBeforeReply, ""),
            (Reply::Html200, "HTML"),
        ];
        for (reply, why) in replies {
            let stage = Stage::with(all().get(path, reply));
            let said = said(&stage.report(&[]));
            let told = said
                .lines()
                .any(|line| line.contains(&format!("could not read {what}")) && line.contains(why));
            assert!(told, "{path} {why}:\n{said}");
        }
    }
}

#[test]
fn what_never_answers_is_told() {
    // Whose DaemonSets are not known, of those no ConfigMap is.
    for paths in [&READINGS[..5], &READINGS[5..]] {
        let stage = Stage::with(paths.iter().fold(all(), |routes, (path, ..)| routes.get(path, Reply::Hang)));
        let said = said(&stage.report(&["--timeout", "3s"]));
        for (path, what, _) in paths {
            let told = said.lines().any(|line| line.contains(&format!("could not read {what}: timed out")));
            assert!(told, "{path}:\n{said}");
        }
    }
}

#[test]
fn what_is_not_there_is_told() {
    for (path, what, _) in READINGS {
        let stage = Stage::with(all().get(path, absent(path)));
        let said = said(&stage.report(&[]));
        assert!(said.lines().any(|line| line.contains(&format!("could not read {what}"))), "{path}:\n{said}");
    }
}

/// Whether a collector takes things in cannot pass or fail if the `DaemonSet`s are not known.
#[test]
fn without_the_daemon_sets_nothing_is_said_of_collectors() {
    let stage = Stage::with(all().get(DAEMON_SETS, forbidden(DAEMON_SETS, Identity::Admin)));
    let report = stage.report(&[]);
    for finding in
        report.findings().filter(|finding| finding["check"].as_str().unwrap().starts_with("LA-COL-"))
    {
        assert!(matches!(finding["status"].as_str().unwrap(), "unknown" | "not-applicable"), "{finding:#}");
    }
}
