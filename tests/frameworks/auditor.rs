//! The auditor's view: every control with its verdict, why, on what evidence, and what only a person can say.

use logaudit::analyze::policy::known;
use logaudit::framework::frameworks;
use logaudit::verdict::Status;
use serde_json::Value;

use super::{METADATA, SERVER, SERVER_WITHOUT_AUDIT, control, over, report, table};
use crate::support::report::{status, text};
use crate::support::stage::pinned;

/// A run over one of the example clusters.
fn example(name: &str, args: &[&str]) -> String {
    let path = format!("{}/examples/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let output = pinned().args(["run", "--snapshot", &path]).args(args).run();
    assert!(matches!(output.code, Some(0 | 1)), "{output:#?}");
    output.stdout
}

/// The row of a control.
fn row<'t>(table: &'t str, control: &str) -> &'t str {
    let mut rows = table.lines().filter(|line| line.split_whitespace().nth(1) == Some(control));
    rows.next().unwrap_or_else(|| panic!("no {control} in {table}"))
}

#[test]
fn every_control_has_a_row() {
    let whole = table(METADATA, &[]);
    assert!(!whole.contains("CONTROL   "), "{whole}");
    for form in ["table", "wide"] {
        let asked = table(METADATA, &["-o", form, "--framework", "pci-dss@4.0.1,nist-800-53,iso27001"]);
        assert!(
            asked.contains("pci-dss@4.0.1  PCI DSS, evidence of files, whose date is not known"),
            "{asked}"
        );
        for id in ["pci-dss", "nist-800-53", "iso27001"] {
            let all = frameworks();
            let framework = all.iter().find(|framework| framework.id == id).unwrap();
            let count = format!("{} controls: ", framework.controls().len());
            assert!(asked.contains(&count), "{count}: {asked}");
            for control in framework.controls() {
                row(&asked, &control.id);
            }
        }
        // What the framework does not ask for is not told, but counted.
        assert!(!asked.contains("K05:2022") && !asked.contains("WHY UNKNOWN"), "{asked}");
        assert!(asked.contains(" passed, ") && asked.contains("Gate:"), "{asked}");
    }
    assert!(!table(METADATA, &["--framework", "pci-dss", "--no-headers"]).contains("CONTROL"));
    let quiet = table(METADATA, &["--framework", "pci-dss", "--quiet"]);
    assert!(!quiet.contains("10.4.1") && quiet.contains("Gate:"), "{quiet}");
}

#[test]
fn a_verdict_stands_beside_its_evidence_rank_and_date() {
    for (form, parts) in [
        ("table", &["configured", "/flagz: audit-log-path=/var/log/kubernetes/audit/audit.log"][..]),
        ("wide", &["configured", "LA-API-003 on kube-apiserver-cp1: /flagz: audit-log-path="]),
    ] {
        let told = example("kubeadm-hardened", &["-o", form, "--framework", "disa-k8s-stig"]);
        assert!(told.contains("disa-k8s-stig@V2R6  DISA Kubernetes STIG, evidence of 2026-11-20 09:00:00Z"));
        let row = row(&told, "V-242402");
        for part in parts {
            assert!(row.starts_with("pass ") && row.contains(part), "{part}: {row}");
        }
    }
    let failed = pinned()
        .args(["run", "-f", "-", "--framework", "disa-k8s-stig"])
        .stdin(SERVER_WITHOUT_AUDIT)
        .run()
        .stdout;
    let failed = row(&failed, "V-242402");
    assert!(failed.starts_with("fail ") && failed.contains("--audit-policy-file"), "{failed}");
}

#[test]
fn json_holds_what_the_table_tells() {
    let told: Value =
        serde_json::from_str(&example("kubeadm-hardened", &["-o", "json", "--framework", "all"])).unwrap();
    let frameworks = told["frameworks"].as_array().unwrap();
    let mut seen = 0;
    for control in frameworks.iter().flat_map(|framework| framework["controls"].as_array().unwrap()) {
        let evidence = control["evidence"].as_array().map_or(&[][..], Vec::as_slice);
        assert!(evidence.len() <= 20, "{control:#}");
        let checks = control["checks"].as_array().unwrap();
        let decided = checks.iter().any(|check| check["status"] == control["status"]);
        for piece in evidence {
            seen += 1;
            let check = checks.iter().find(|check| check["id"] == piece["check"]).unwrap();
            assert!(status(check) == if decided { status(control) } else { Status::Pass }, "{control:#}");
            assert!(!text(piece, "at").is_empty(), "{piece}");
            let rank =
                |of: &Value| serde_json::from_value::<logaudit::verdict::Rank>(of["rank"].clone()).unwrap();
            assert!(rank(control) <= rank(piece), "{control:#}");
        }
        if status(control) == Status::Pass {
            assert!(!evidence.is_empty(), "a pass without evidence: {control:#}");
        }
    }
    assert!(seen > 100, "{seen}");
}

#[test]
fn what_a_person_has_to_confirm_is_told_whatever_the_verdict() {
    let told = table(METADATA, &["--framework", "pci-dss,cis-kubernetes"]);
    assert!(row(&told, "10.4.1").contains("only a person can confirm that logs are looked at every day"));
    let unknown = row(&told, "10.4.3");
    assert!(unknown.starts_with("unknown"), "{unknown}");
    assert!(unknown.contains("; besides, a person has to confirm that findings in logs are followed up"));
    assert!(row(&told, "1.3.1").starts_with("attestation"), "{told}");
}

#[test]
fn conflicts_are_named_with_both_verdicts() {
    let told = table(METADATA, &["--framework", "disa-k8s-stig"]);
    let line = told.lines().find(|line| line.starts_with("conflict:")).unwrap();
    assert!(line.starts_with("conflict: V-242403 (fail) with cis-kubernetes/3.2.2 (pass), gdpr/"), "{line}");
    // Here no benchmark of a provider has a say.
    assert!(!line.contains("cis-ack"), "{line}");
    // A control with several opponents says of each why.
    let gdpr = table(METADATA, &["--framework", "gdpr"]);
    let why = |other: &str| {
        let mut lines = gdpr.lines().filter(|line| line.starts_with("conflict: Art. 5(1)(e) "));
        lines.find(|line| line.contains(other)).unwrap_or_else(|| panic!("{other}: {gdpr}")).to_owned()
    };
    assert!(why("pci-dss/10.5.1").contains("keep 365 days"));
    assert!(why("hipaa/164.316(b)(2)(i)").contains("six years"));
    assert!(why("fedramp/AU-11").contains("FedRAMP sets the least"));
}

/// The least time that each framework names is held against the same store.
#[test]
fn the_same_retention_passes_one_framework_and_fails_another() {
    let report = report(METADATA);
    let days = |id: &str, check: &str| {
        let checks = control(&report, id)["checks"].as_array().unwrap();
        let found =
            checks.iter().find(|known| known["id"] == check).unwrap_or_else(|| panic!("{id} {check}"));
        found["params"]["minDays"].clone()
    };
    for check in ["LA-RET-011", "LA-EKS-005", "LA-AKS-006", "LA-GKE-007"] {
        assert_eq!(days("pci-dss/10.5.1", check), 365, "{check}");
        assert_eq!(days("fedramp/AU-11", check), 90, "{check}");
    }
    assert_eq!(days("pci-dss/10.5.1", "LA-AKS-007"), 90, "at hand");
}

#[test]
fn a_default_run_counts_the_frameworks_that_it_leaves_out() {
    let (_folder, tool) = over(METADATA);
    let told = tool.run().stdout;
    assert!(told.contains("15 more frameworks: --framework all, or --framework ID"), "{told}");
    assert!(!told.contains("pci-dss@"), "{told}");
    assert!(!table(METADATA, &["--framework", "all"]).contains("more framework"));
}

/// The profile that one guide asks for is what the other objects to.
#[test]
fn the_profiles_of_openshift_meet_the_stig_or_the_benchmark_but_not_both() {
    let node = "apiVersion: v1\nkind: Node\nmetadata: {name: n1, labels: {node.openshift.io/os_id: rhcos}}\n";
    let judged = |profile: &str| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.yaml");
        let known = known::all().iter().find(|known| known.id == profile).unwrap();
        std::fs::write(&path, &known.policy).unwrap();
        let tool =
            pinned().args(["run", "-o", "json", "--framework", "all", "-f", "-", "--policy-file"]).arg(&path);
        let report = tool.stdin(format!("{SERVER}---\n{node}")).run().report();
        let of = |id: &str| status(control(&report, id));
        let conflict = control(&report, "disa-ocp4-stig/V-257517")["conflict"].to_string();
        assert!(
            conflict.contains("cis-openshift/3.2.2") && !conflict.contains("cis-kubernetes"),
            "{conflict}"
        );
        (of("disa-ocp4-stig/V-257517"), of("cis-openshift/3.2.2"))
    };
    // That the profile is set, and not another policy that does the same, is for a person to confirm.
    assert_eq!(judged("openshift-write-request-bodies"), (Status::Attestation, Status::Fail));
    assert_eq!(judged("openshift-all-request-bodies"), (Status::Attestation, Status::Fail));
    assert_eq!(judged("openshift-default"), (Status::Fail, Status::Pass));
}
