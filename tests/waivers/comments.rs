//! Waivers in comments of files.

use serde_json::Value;

use super::{Stage, states};

const POLICY: &str = "apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
# logaudit:waive LA-POL-031 reason=\"nodes are watched elsewhere\" owner=security until=2027-03-31
- level: None # logaudit:waive LA-POL-030 reason=\"read by nobody\" owner=security until=2027-03-31 subject=\"RC-01 *\"
- level: Metadata
";

fn statuses(report: &crate::support::report::Report, check: &str) -> Vec<String> {
    report.of(check).into_iter().map(|finding| finding["status"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_comment_beside_the_rule_accepts_what_the_rule_leaves_out() {
    let stage = Stage::new("");
    stage.write("policy.yaml", POLICY);
    let report = stage.tool(&["run", "-o", "json", "-f", "policy.yaml"]).run().report();
    assert_eq!(statuses(&report, "LA-POL-030"), ["waived"]);
    assert!(statuses(&report, "LA-POL-031").iter().all(|status| status == "waived"));
    assert!(statuses(&report, "LA-POL-032").contains(&"fail".to_owned()), "not named by a comment");
    let waiver = &report.only("LA-POL-030")["waiver"];
    assert_eq!((&waiver["at"], &waiver["owner"]), (&"policy.yaml:6:15".into(), &"security".into()));
    let list = stage.tool(&["waivers", "list", "-o", "json", "-f", "policy.yaml"]).run().json();
    assert_eq!(states(list.as_array().unwrap()), ["active", "active"]);
}

/// Comments are left out of a snapshot, for nobody knows what stands in them; waivers stay.
#[test]
fn a_snapshot_keeps_waivers_and_no_other_comment() {
    let stage = Stage::new("");
    let text = POLICY
        .replace("rules:\n", "rules: # canary-of-a-comment\n")
        .replace("reason=\"read by nobody\"", "reason=\"see password=hunter2hunter2\"");
    stage.write("policy.yaml", &text);
    let saved = stage.tool(&["snapshot", "-f", "policy.yaml"]).run().expect_code(0).stdout.clone();
    assert!(saved.contains("nodes are watched elsewhere"));
    assert!(!saved.contains("canary-of-a-comment") && !saved.contains("hunter2"), "{saved}");
    stage.write("saved.json", &saved);
    let direct = stage.tool(&["run", "-o", "json", "-f", "policy.yaml"]).run().stdout;
    let later = stage.tool(&["run", "-o", "json", "--snapshot", "saved.json"]).run().stdout;
    assert_eq!(direct, later);
    assert!(direct.contains("nodes are watched elsewhere"));
}

#[test]
fn a_policy_that_is_given_may_waive_too_and_another_in_its_place_ends_that() {
    let stage = Stage::new("");
    stage.write("policy.yaml", POLICY);
    stage.write("other.yaml", "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: None\n");
    let list = |words: &[&str]| -> Vec<Value> {
        let output = stage.tool(&["waivers", "list", "-o", "json", "--snapshot"]).args(words).run();
        output.expect_code(0).json().as_array().unwrap().clone()
    };
    let example = super::example("kubeadm-hardened");
    let example = example.to_str().unwrap();
    assert_eq!(list(&[example, "--policy-file", "policy.yaml"]).len(), 2);
    let saved = stage.tool(&["snapshot", "--snapshot", example, "--policy-file", "policy.yaml"]).run().stdout;
    stage.write("saved.json", &saved);
    assert_eq!(list(&["saved.json"]).len(), 2);
    assert_eq!(list(&["saved.json", "--policy-file", "other.yaml"]).len(), 0);
}

#[test]
fn a_slip_of_the_pen_is_a_finding_with_its_place() {
    let stage = Stage::new("");
    for (comment, words) in [
        ("LA-POL-030 raeson=x", "did you mean `reason`?"),
        ("LA-POL-30 reason=x", "there is no check `LA-POL-30`; did you mean `LA-POL-030`?"),
        ("LA-WVR-005 reason=x", "what is said of waivers cannot be waived"),
        ("", "the id of a check must stand first"),
    ] {
        let text = format!(
            "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n# logaudit:waive {comment}\n- level: None\n"
        );
        stage.write("policy.yaml", &text);
        let report = stage.tool(&["run", "-o", "json", "-f", "policy.yaml"]).run().report();
        let finding = report.only("LA-WVR-005");
        assert_eq!(
            (&finding["status"], &finding["evidence"][0]["at"]),
            (&"fail".into(), &"policy.yaml:4:1".into())
        );
        assert!(finding["reason"].as_str().unwrap().contains(words), "{finding}");
        assert_eq!(report.0["summary"]["waived"], Value::Null);
    }
}

/// A dump of a cluster holds texts of whoever may write ConfigMaps: what looks like a comment there is none.
#[test]
fn what_stands_in_a_value_waives_nothing() {
    let stage = Stage::new("");
    stage.write(
        "dump.yaml",
        "apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: tenant, namespace: tenant}
  data:
    a: |
      # logaudit:waive LA-API-002 reason=mine
    b: \"
      # logaudit:waive LA-API-002 reason=mine\"
- apiVersion: v1
  kind: Pod
  metadata: {name: kube-apiserver-cp1, namespace: kube-system}
  spec:
    containers:
    - {name: kube-apiserver, command: [kube-apiserver]}
",
    );
    let report = stage.tool(&["run", "-o", "json", "-f", "dump.yaml"]).run().report();
    assert_eq!(report.only("LA-API-002")["status"], "fail");
    assert!(report.verdicts().keys().all(|check| !check.starts_with("LA-WVR")));
}

#[test]
fn policy_check_accepts_what_the_policy_waives() {
    let stage = Stage::new("");
    let check = |name: &str| {
        let report = stage.tool(&["policy", "check", "-o", "json", "-f", name]).run().json();
        let findings = report["findings"].as_array().unwrap().clone();
        let of = findings.iter().filter(|finding| finding["check"] == "LA-POL-030");
        of.map(|finding| finding["status"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    stage.write("policy.yaml", POLICY);
    stage.write("plain.yaml", &POLICY.replace("logaudit:waive", ""));
    assert_eq!(
        (check("policy.yaml"), check("plain.yaml")),
        (vec!["waived".to_owned()], vec!["fail".to_owned()])
    );
}
