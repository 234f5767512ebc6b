//! Waivers in annotations, which count only where that is asked for.

use std::fs;

use serde_json::{Value, json};

use super::{Stage, example, states};

/// The example whose DaemonSet carries annotations.
fn annotated(stage: &Stage, annotations: &Value) {
    let mut snapshot: Value =
        serde_json::from_str(&fs::read_to_string(example("ships-nothing")).unwrap()).unwrap();
    let sets = snapshot["workloads"]["daemonSets"]["value"].as_array_mut().unwrap();
    let agent = sets.iter_mut().find(|set| set["name"] == "fluent-bit").unwrap();
    agent["waivers"] = annotations.clone();
    stage.write("snapshot.json", &snapshot.to_string());
}

const TEXT: &str = "reason=\"restarts are rare\" owner=logging until=2027-03-31";

#[test]
fn they_count_only_where_that_is_asked_for() {
    let stage = Stage::new("");
    annotated(&stage, &json!({"logaudit/waive-LA-COL-046": TEXT}));
    let run = |words: &[&str]| {
        stage.tool(&["run", "-o", "json", "--snapshot", "snapshot.json"]).args(words).run().report()
    };
    let (without, with) = (run(&[]), run(&["--accept-annotations"]));
    assert_eq!(without.only("LA-COL-046")["status"], "fail");
    let notes = without.0["notes"].to_string();
    assert!(notes.contains("1 waiver in annotations left aside; --accept-annotations"), "{notes}");
    assert!(without.of("LA-WVR-002").is_empty());
    let finding = with.only("LA-COL-046");
    assert_eq!(finding["status"], "waived");
    assert_eq!(
        finding["waiver"]["at"],
        "DaemonSet logging/fluent-bit metadata.annotations.logaudit/waive-LA-COL-046"
    );
    let list = |words: &[&str]| {
        let list =
            stage.tool(&["waivers", "list", "-o", "json", "--snapshot", "snapshot.json"]).args(words).run();
        states(list.json().as_array().unwrap()).join(" ")
    };
    assert_eq!((list(&[]), list(&["--accept-annotations"])), ("left-aside".into(), "active".into()));
    let config = Stage::new("accept-annotations: true\n");
    annotated(&config, &json!({"logaudit/waive-LA-COL-046": TEXT}));
    let report = config.tool(&["run", "-o", "json", "--snapshot", "snapshot.json"]).run().report();
    assert_eq!(report.only("LA-COL-046")["status"], "waived");
}

/// Whoever may annotate one object accepts what fails on it, and nothing that only rests on it too.
#[test]
fn they_are_about_their_own_object_alone() {
    let stage = Stage::new("");
    annotated(
        &stage,
        &json!({
            "logaudit/waive-LA-COL-004": TEXT,
            "logaudit/waive-LA-INT-020": TEXT,
            "logaudit/waive-LA-COL-040": TEXT,
        }),
    );
    let output =
        stage.tool(&["run", "-o", "json", "--accept-annotations", "--snapshot", "snapshot.json"]).run();
    let report = output.report();
    assert_eq!(report.only("LA-COL-004")["status"], "fail", "its subject is `container logs`");
    assert_eq!(report.only("LA-INT-020")["status"], "fail");
    assert_eq!(
        report.only("LA-COL-040")["status"],
        "waived",
        "a destination of the DaemonSet is a part of it"
    );
}

#[test]
fn they_are_read_of_manifests_and_nothing_else_of_annotations_is_kept() {
    let stage = Stage::new("");
    stage.write(
        "agent.yaml",
        "apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: agent
  namespace: logging
  annotations:
    logaudit/waive-LA-COL-046: reason=known token=hunter2hunter2
    logaudit/other: hunter2hunter2
    kubectl.kubernetes.io/last-applied-configuration: hunter2hunter2
spec:
  template:
    spec:
      containers: [{name: fluent-bit, image: fluent-bit:4.0.3}]
",
    );
    let saved = stage.tool(&["snapshot", "-f", "agent.yaml"]).run().expect_code(0).stdout.clone();
    assert!(saved.contains("logaudit/waive-LA-COL-046") && !saved.contains("hunter2"), "{saved}");
    let output = stage.tool(&["run", "-o", "json", "--accept-annotations", "-f", "agent.yaml"]).run();
    let finding = output.report().only("LA-WVR-005").clone();
    assert_eq!(finding["status"], "fail");
    assert!(finding["reason"].as_str().unwrap().contains("`token` is not known here"), "{finding}");
}

#[test]
fn an_annotation_that_is_nearly_one_is_told() {
    let stage = Stage::new("");
    stage.write(
        "agent.yaml",
        &format!(
            "apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: agent
  namespace: logging
  annotations:
    logaudit/waive: '{TEXT}'
    logaudit/waiver-LA-COL-046: '{TEXT}'
    other/waive-LA-COL-046: '{TEXT}'
spec:
  selector: {{matchLabels: {{app: agent}}}}
  template:
    metadata: {{labels: {{app: agent}}}}
    spec:
      containers:
      - {{name: agent, image: fluent/fluent-bit:3.2}}
"
        ),
    );
    let run = stage.tool(&["run", "-o", "json", "-f", "agent.yaml", "--accept-annotations"]).run();
    let report = run.report();
    let of = report.of("LA-WVR-005");
    assert_eq!(of.len(), 2, "{of:#?}");
    assert!(of.iter().all(|finding| finding["status"] == "fail"
        && finding["reason"].as_str().unwrap().contains("only if it is called `logaudit/waive-`")));
}
