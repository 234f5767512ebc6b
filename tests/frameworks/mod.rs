//! What policies come to by the frameworks, and where these disagree.

mod auditor;
mod choice;
mod own;

use std::fs;

use logaudit::check::load as checks;
use logaudit::framework::choice::DISTRIBUTIONS;
use logaudit::framework::{find_control, frameworks, load};
use logaudit::verdict::Status::{self, Attestation, Fail, Pass, Unknown};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::report::{Report, status};
use crate::support::stage::pinned;
use crate::support::tool::Tool;

const SERVER: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: kube-apiserver-cp1
  namespace: kube-system
spec:
  containers:
  - name: kube-apiserver
    image: kube-apiserver:v1.36.2
    command:
    - kube-apiserver
    - --audit-policy-file=/etc/kubernetes/audit/policy.yaml
    - --audit-log-path=/var/log/kubernetes/audit.log
    volumeMounts:
    - {name: policy, mountPath: /etc/kubernetes/audit, readOnly: true}
    - {name: log, mountPath: /var/log/kubernetes}
  volumes:
  - name: policy
    hostPath: {path: /etc/kubernetes/audit, type: Directory}
  - name: log
    hostPath: {path: /var/log/kubernetes, type: DirectoryOrCreate}
";

const SERVER_WITHOUT_AUDIT: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: kube-apiserver-cp1
  namespace: kube-system
spec:
  containers:
  - name: kube-apiserver
    image: kube-apiserver:v1.36.2
    command:
    - kube-apiserver
    - --secure-port=6443
";

const EVERYTHING: &str = "- level: RequestResponse\n";
const METADATA: &str = "- level: Metadata\n";
/// Changes of role bindings by one group leave no record.
const NO_BINDINGS_OF_OPS: &str = "\
- level: None
  userGroups: [ops]
  verbs: [create, update, patch, delete, deletecollection]
  resources:
  - group: rbac.authorization.k8s.io
    resources: [rolebindings]
- level: Metadata
";
/// The bodies of Secrets are the only ones.
const SECRETS: &str = "\
- level: Request
  resources:
  - resources: [secrets]
- level: Metadata
";
/// What no rule names is not recorded.
const NO_CATCH_ALL: &str = "\
- level: Metadata
  resources:
  - group: ''
  - group: apps
";

/// `run` over an apiserver that loads a policy of these rules.
fn over(rules: &str) -> (TempDir, Tool) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.yaml");
    fs::write(&path, format!("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n{rules}")).unwrap();
    let tool = pinned().args(["run", "-f", "-", "--policy-file"]).arg(&path).stdin(SERVER);
    (folder, tool)
}

fn report(rules: &str) -> Report {
    over(rules).1.args(["-o", "json", "--framework", "all"]).run().report()
}

fn table(rules: &str, args: &[&str]) -> String {
    over(rules).1.args(args).run().stdout
}

/// A control of a report, by its full id.
fn control<'r>(report: &'r Report, id: &str) -> &'r Value {
    let (framework, control) = id.split_once('/').unwrap();
    let frameworks = report.0["frameworks"].as_array().unwrap();
    let framework = frameworks.iter().find(|known| known["id"] == framework).unwrap();
    framework["controls"].as_array().unwrap().iter().find(|known| known["id"] == control).unwrap()
}

fn expect(report: &Report, expected: &[(&str, Status)]) {
    for (id, wanted) in expected {
        let control = control(report, id);
        assert_eq!(status(control), *wanted, "{id}: {control:#}");
    }
}

fn reason(report: &Report, id: &str) -> String {
    control(report, id)["reason"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn the_built_in_files_keep_the_rules_for_those_of_users() {
    let checks = checks::builtin().unwrap_or_else(|faults| panic!("{}", faults[0]));
    let faults: Vec<String> = load::faults(&checks).iter().map(ToString::to_string).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let all = frameworks();
    assert_eq!(all.len(), 24);
    for framework in &all {
        // Their controls are read later than their heads.
        assert!(!framework.controls().is_empty(), "{}", framework.id);
        assert_eq!(framework.file, format!("checks/frameworks/{}.yaml", framework.id));
    }
    assert!(DISTRIBUTIONS.is_sorted());
}

#[test]
fn everything_in_full_satisfies_the_stig_and_nobody_else() {
    let report = report(EVERYTHING);
    let expected = [
        ("disa-k8s-stig/V-242403", Pass),
        ("cis-kubernetes/3.2.2", Fail),
        ("gdpr/Art. 5(1)(c)", Fail),
        ("gdpr/Art. 25", Fail),
        ("nist-800-53/AU-3(3)", Fail),
        ("owasp-k8s-2025/K10.P3", Fail),
        ("iso27001/A.8.11", Fail),
        ("iso27001/A.8.12", Fail),
    ];
    expect(&report, &expected);
    let conflict = &control(&report, "disa-k8s-stig/V-242403")["conflict"];
    let others: Vec<(&str, Status)> = conflict["with"]
        .as_array()
        .unwrap()
        .iter()
        .map(|other| (other["control"].as_str().unwrap(), status(other)))
        .collect();
    assert_eq!(others, expected[1..]);
    assert!(conflict["why"].as_str().unwrap().contains("no policy meets both"));
    // It holds for both sides, though it is written at one.
    let back = &control(&report, "cis-kubernetes/3.2.2")["conflict"];
    assert_eq!(back["with"][0]["control"], "disa-k8s-stig/V-242403");
    assert_eq!(back["with"][0]["status"], "pass");
    for args in [&["--framework", "all"][..], &["--framework", "all", "-o", "wide"]] {
        let table = table(EVERYTHING, args);
        let line = table.lines().find(|line| line.starts_with("conflict:")).unwrap();
        assert!(
            line.contains("disa-k8s-stig/V-242403 passed, cis-kubernetes/3.2.2, gdpr/Art. 5(1)(c)"),
            "{line}"
        );
    }
}

#[test]
fn metadata_for_all_satisfies_cis_and_not_the_stig() {
    let report = report(METADATA);
    // Whether collectors mask personal data is not examined, so minimisation does not pass.
    expect(
        &report,
        &[("disa-k8s-stig/V-242403", Fail), ("cis-kubernetes/3.2.2", Pass), ("gdpr/Art. 5(1)(c)", Unknown)],
    );
    assert!(reason(&report, "disa-k8s-stig/V-242403").contains("RequestResponse is asked for"));
    assert!(table(METADATA, &[]).contains("disa-k8s-stig/V-242403 failed"));
    // What is asked for is told even where the other framework is not reported.
    let only = table(METADATA, &["--framework", "disa-k8s-stig"]);
    assert!(only.contains("cis-kubernetes/3.2.2"), "{only}");
}

#[test]
fn a_conflict_is_not_told_where_both_sides_fail() {
    let run = |args: &[&str]| {
        pinned().args(["run", "-f", "-", "--framework", "all"]).args(args).stdin(SERVER_WITHOUT_AUDIT).run()
    };
    let report = run(&["-o", "json"]).report();
    expect(&report, &[("disa-k8s-stig/V-242403", Fail), ("cis-kubernetes/3.2.1", Fail)]);
    let table = run(&[]).stdout;
    assert!(!table.contains("conflict:"), "{table}");
}

#[test]
fn cis_looks_at_what_it_names_and_at_the_floor() {
    let secrets = report(SECRETS);
    expect(&secrets, &[("cis-kubernetes/3.2.2", Fail), ("pci-dss/10.2.1.5", Pass)]);
    assert!(reason(&secrets, "cis-kubernetes/3.2.2").contains("Secrets"));
    let gap = report(NO_CATCH_ALL);
    expect(&gap, &[("cis-kubernetes/3.2.2", Fail)]);
    assert!(
        reason(&gap, "cis-kubernetes/3.2.2").contains("RC-68"),
        "{}",
        reason(&gap, "cis-kubernetes/3.2.2")
    );
    // Role bindings are none of its concerns, but denied requests of others.
    expect(&report(NO_BINDINGS_OF_OPS), &[("cis-kubernetes/3.2.2", Pass)]);
}

#[test]
fn a_group_whose_grants_leave_no_record_fails_pci() {
    let report = report(NO_BINDINGS_OF_OPS);
    expect(
        &report,
        &[
            ("pci-dss/10.2.1.5", Fail),
            ("pci-dss/10.2.1.7", Pass),
            ("nist-800-53/AC-2(4)", Fail),
            ("nist-800-53/AC-17(1)", Pass),
            ("owasp-k8s-2022/K05.D1b", Pass),
            ("owasp-k8s-2022/K05.D1c", Fail),
            ("owasp-k8s-2025/K10.D3", Pass),
        ],
    );
    let why = reason(&report, "pci-dss/10.2.1.5");
    assert!(why.contains("RC-36 Role bindings changed") && why.contains("ops"), "{why}");
    assert!(!why.contains("RC-35"), "{why}");
    // Only the classes of the control are judged for it.
    let checks = control(&report, "pci-dss/10.2.1.5")["checks"].as_array().unwrap();
    let mut classes: Vec<&str> = checks
        .iter()
        .flat_map(|check| check["params"]["classes"].as_array().unwrap())
        .filter_map(Value::as_str)
        .collect();
    classes.sort_unstable();
    assert_eq!(classes, ["RC-02", "RC-03", "RC-04", "RC-06", "RC-07", "RC-35", "RC-36", "RC-40"]);
}

#[test]
fn what_only_people_know_is_theirs_to_confirm() {
    let report = report(METADATA);
    expect(
        &report,
        &[
            ("pci-dss/10.4.1", Attestation),
            ("nist-800-53/IR-5", Attestation),
            ("hipaa/164.316(b)(2)(i)", Attestation),
        ],
    );
    assert!(reason(&report, "pci-dss/10.4.1").starts_with("only a person can confirm that"));
    // What machines could tell comes first.
    expect(&report, &[("pci-dss/10.4.3", Unknown), ("nist-800-53/AU-2", Unknown)]);
    expect(&self::report(NO_BINDINGS_OF_OPS), &[("nist-800-53/AU-2", Fail)]);
}

#[test]
fn a_framework_shows_its_conflicts_on_both_sides() {
    for (id, parts) in [
        (
            "disa-k8s-stig",
            &["conflict with cis-kubernetes/3.2.2, gdpr/Art. 5(1)(c)", "level=\"RequestResponse\""][..],
        ),
        (
            "gdpr",
            &[
                "conflict with disa-k8s-stig/V-242403",
                "conflict with pci-dss/10.5.1",
                "a person has to confirm",
            ],
        ),
    ] {
        let shown = pinned().args(["frameworks", "show", id]).run().stdout;
        for part in parts {
            assert!(shown.contains(part), "{id}, {part}: {shown}");
        }
    }
    let all = frameworks();
    assert!(find_control(&all, "gdpr/Art. 5(1)(c)").is_some());
    assert!(find_control(&all, "gdpr/Art. 4").is_none());
}
