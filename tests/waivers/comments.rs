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

/// What is accepted at a pull request is judged there, too.
#[test]
fn policy_check_judges_the_waivers_of_the_policy() {
    let stage = Stage::new("");
    let check = |words: &[&str]| {
        let tool = stage.tool(&["policy", "check", "-o", "json", "-f", "policy.yaml"]).args(words);
        crate::support::report::Report(tool.run().json())
    };
    let failing = |report: &crate::support::report::Report, check: &str| {
        let failing = report.of(check).into_iter().filter(|finding| finding["status"] == "fail");
        failing.map(|finding| finding["evidence"][0]["at"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let rules = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n";
    let write = |comment: &str| stage.write("policy.yaml", &format!("{rules}# {comment}\n- level: None\n"));
    for (comment, about, is_waived) in [
        ("logaudit:waive LA-POL-* reason=x", &["LA-WVR-003", "LA-WVR-004"][..], true),
        ("logaudit:waive LA-POL-030 reason=x owner=o until=2020-01-01", &["LA-WVR-001"], false),
        ("logaudit:waive LA-POL-030 raeson=x", &["LA-WVR-005"], false),
        ("logaudit:waive LA-POL-999 reason=x", &["LA-WVR-005"], false),
        ("logaudit:waive LA-POL-030 reason=x owner=o until=2027-03-31", &[], true),
        // The check is one of those that are not run here.
        ("logaudit:waive LA-API-002 reason=x", &[], false),
    ] {
        write(comment);
        let report = check(&[]);
        let judged: Vec<&str> = ["LA-WVR-001", "LA-WVR-003", "LA-WVR-004", "LA-WVR-005"]
            .into_iter()
            .filter(|id| failing(&report, id) == ["policy.yaml:4:1"])
            .collect();
        assert_eq!(judged, about, "{comment}");
        assert_eq!(report.of("LA-POL-030")[0]["status"] == "waived", is_waived, "{comment}");
        let strict = check(&["--no-comment-waivers"]);
        assert!(
            strict.of("LA-POL-030")[0]["status"] == "fail" && strict.0["summary"]["gate"]["passed"] == false
        );
        assert!(strict.verdicts().keys().all(|check| !check.starts_with("LA-WVR")), "{comment}");
    }
    write("nothing to see");
    assert!(check(&[]).verdicts().keys().all(|check| check.starts_with("LA-POL")));
    write("logaudit:waive LA-POL-* reason=x");
    let table = stage.tool(&["policy", "check", "--no-comment-waivers", "-f", "policy.yaml"]).run();
    assert!(table.expect_code(1).stdout.contains("1 waiver in comments left aside"), "{}", table.stdout);
}

#[test]
fn what_is_nearly_a_waiver_is_told_and_prose_is_not() {
    let stage = Stage::new("");
    for (comment, is_meant) in [
        ("logaudit: waive LA-POL-030 reason=x", true),
        ("logaudit:waiver LA-POL-030 reason=x", true),
        ("logaudit:waive-LA-POL-030 reason=x", true),
        ("logaudit/waive LA-POL-030 reason=x", true),
        ("logaudit:Waive LA-POL-030 reason=x", true),
        ("logaudit:ignore LA-POL-030", true),
        ("logaudit: this policy is checked at every pull request", false),
        ("logaudit waives nothing here", false),
        ("logaudit/policy.yaml is the older one", false),
    ] {
        let text = format!("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n# {comment}\n- level: None\n");
        stage.write("policy.yaml", &text);
        let report = stage.tool(&["run", "-o", "json", "-f", "policy.yaml"]).run().report();
        let told: Vec<String> = report
            .of("LA-WVR-005")
            .into_iter()
            .map(|finding| finding["reason"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(told.len(), usize::from(is_meant), "{comment}: {told:?}");
        assert!(told.iter().all(|reason| reason.contains("begins with `logaudit:waive`")), "{told:?}");
        assert_eq!(report.0["summary"]["waived"], Value::Null);
    }
}

/// Values are written by anybody, also where quotation marks stand in plain text or a value is written in an odd way.
#[test]
fn what_only_looks_like_a_comment_waives_nothing() {
    let stage = Stage::new("");
    let pod = "
kind: Pod
metadata: {name: kube-apiserver-cp1, namespace: kube-system}
spec:
  containers:
  - {name: kube-apiserver, command: [kube-apiserver]}
";
    let text = "# logaudit:waive LA-API-002 reason=injected";
    for (values, is_waiver) in [
        (format!("a: say \"hi\nb: \"x\n    {text}\n    y\""), false),
        (format!("a: say\n  \"hi\nb: \"x\n    {text}\n    y\""), false),
        (format!("k: !!str\n  |\n  {text}"), false),
        (format!("b: see \"this\nc: x {text}"), true),
        (format!("b: see\n  'this\nc: x\n{text}"), false),
        (format!("b: !!str \"x\"\nc: [\"a\", 'b'] {text}"), true),
    ] {
        stage.write("dump.yaml", &format!("apiVersion: v1\n{values}{pod}"));
        let list = stage.tool(&["waivers", "list", "-o", "json", "-f", "dump.yaml"]).run();
        let found = list.expect_code(0).json().as_array().unwrap().len();
        assert_eq!(found, usize::from(is_waiver), "{values}");
    }
    // A real one stays one beside them, and many of them cost no time.
    let beside = format!("# logaudit:waive LA-API-003 reason=real\na: say \"hi\nb: \"x\n    {text}\n    y\"");
    stage.write("dump.yaml", &format!("apiVersion: v1\n{beside}{pod}"));
    let list = stage.tool(&["waivers", "list", "-o", "json", "-f", "dump.yaml"]).run().json();
    assert!(list.as_array().unwrap().len() == 1 && list[0]["at"] == "dump.yaml:2:1", "{list}");
    let many = format!("a: say \"hi\nb: \"x\n{}    y\"", format!("    {text}\n").repeat(2_000));
    stage.write("dump.yaml", &format!("apiVersion: v1\n{many}{pod}"));
    let output = stage.tool(&["waivers", "list", "-o", "json", "-f", "dump.yaml"]).run();
    assert_eq!(output.expect_code(0).json(), serde_json::json!([]));
}
