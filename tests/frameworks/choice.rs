//! Which frameworks a run tells, and in which edition.

use logaudit::analyze::version::Version;
use logaudit::framework::frameworks;
use serde_json::{Value, json};

use crate::support::report::{Report, text};
use crate::support::stage::pinned;

/// A cluster that is told by the label of its only node.
fn on(label: &str, version: &str) -> Value {
    json!([{
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "n1", "labels": {label: "x"}},
        "status": {"nodeInfo": {"kubeletVersion": version, "osImage": "Linux"}}
    }])
}

fn run(objects: &Value, args: &[&str]) -> Report {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    pinned().args(["run", "-o", "json", "-f", "-"]).args(args).stdin(list.to_string()).run().report()
}

fn told(report: &Report) -> Vec<String> {
    let frameworks = report.0["frameworks"].as_array().unwrap();
    frameworks.iter().map(|of| format!("{}@{}", text(of, "id"), text(of, "edition"))).collect()
}

fn others(report: &Report) -> Vec<&str> {
    report.0["otherFrameworks"].as_array().into_iter().flatten().map(|id| id.as_str().unwrap()).collect()
}

#[test]
fn the_benchmark_of_the_distribution_stands_in_the_place_of_the_general_one() {
    for (label, cis) in [
        ("node.openshift.io/os_id", "cis-openshift@1.9.0"),
        ("alibabacloud.com/nodepool-id", "cis-ack@1.0"),
        ("eks.amazonaws.com/nodegroup", "cis-eks@1.8.0"),
        ("cloud.google.com/gke-nodepool", "cis-gke@1.9.0"),
        ("kubernetes.azure.com/cluster", "cis-aks@1.8"),
        ("k3s.io/hostname", "cis-kubernetes@2.0.1"),
        ("nothing.example.com/x", "cis-kubernetes@2.0.1"),
    ] {
        let report = run(&on(label, "v1.34.1"), &[]);
        assert_eq!(told(&report), [cis, "owasp-k8s-2022@2022", "owasp-k8s-2025@2025"], "{label}");
        let others = others(&report);
        assert!(others.contains(&"pci-dss") && !others.iter().any(|id| id.starts_with("cis-")), "{others:?}");
        let all = run(&on(label, "v1.34.1"), &["--framework", "all"]);
        assert!(self::others(&all).is_empty() && told(&all).contains(&cis.to_owned()));
        // DISA has a guide for OpenShift, which the one for Kubernetes does not fit.
        let is_openshift = cis.starts_with("cis-openshift");
        let has = |id: &str| told(&all).iter().any(|known| known.starts_with(id));
        assert_eq!((has("disa-ocp4-stig"), has("disa-k8s-stig")), (is_openshift, !is_openshift), "{label}");
    }
}

#[test]
fn what_is_named_is_told_whether_it_fits_or_not() {
    let report = run(&on("k3s.io/hostname", "v1.34.1"), &["--framework", "cis-openshift@1.4,disa-ocp4-stig"]);
    assert_eq!(told(&report), ["cis-openshift@1.4", "disa-ocp4-stig@V2R3"]);
    assert!(others(&report).contains(&"cis-kubernetes"));
    let ids: Vec<String> = report.controls().into_keys().collect();
    assert!(ids.contains(&"cis-openshift 1.2.22".to_owned()), "{ids:?}");
    assert!(!ids.contains(&"cis-openshift 1.2.18".to_owned()), "{ids:?}");
}

#[test]
fn older_clusters_get_the_numbers_of_their_own_edition() {
    let all = frameworks();
    let cis = all.iter().find(|framework| framework.id == "cis-kubernetes").unwrap();
    for (minor, edition, noted, path, rate) in [
        (10, "1.5", true, "1.2.22", "4.2.9"),
        (18, "1.6", false, "1.2.22", "4.2.9"),
        (20, "1.20", false, "1.2.21", "4.2.9"),
        (23, "1.23", false, "1.2.19", "4.2.9"),
        (24, "1.24", false, "1.2.18", "4.2.9"),
        (25, "1.7", false, "1.2.18", "4.2.8"),
        (26, "1.8", false, "1.2.17", "4.2.8"),
        (27, "1.9", false, "1.2.16", "4.2.8"),
        (30, "1.11", false, "1.2.16", "4.2.8"),
        (35, "2.0.1", false, "1.2.16", "4.2.8"),
        (36, "2.0.1", true, "1.2.16", "4.2.8"),
    ] {
        let version = Some(Version::new(1, minor));
        let found = cis.edition_for(version).unwrap();
        assert_eq!((found.id.as_str(), cis.note_on(found, version).is_some()), (edition, noted), "{minor}");
        let titled = |title: &str| {
            let controls = cis.controls().iter().filter(|control| control.is_in(edition));
            controls
                .filter(|control| control.title.starts_with(title))
                .map(|control| control.id.as_str())
                .collect()
        };
        let (paths, rates): (Vec<&str>, Vec<&str>) =
            (titled("The audit log path of the API server is set"), titled("The kubelet's event rate"));
        assert_eq!((paths, rates), (vec![path], vec![rate]), "{minor}");
    }
    assert!(cis.note_on(cis.edition_for(None).unwrap(), None).is_some());
}
