//! Texts that say where evidence stands, and what they name.

use logaudit::report::place::{Place, Places, file_uri, percent_encoded};
use proptest::prelude::*;

use super::stage::Made;

fn with_files(files: &[&str]) -> Made {
    let mut made = Made::on("kubeadm-default");
    made.report.files = files.iter().map(|file| (*file).to_owned()).collect();
    made
}

fn file<'a>(file: &'a str, line: Option<u32>, column: Option<u32>, within: &'a str) -> Place<'a> {
    Place::File { file, line, column, within }
}

#[test]
fn a_file_is_what_was_read_and_nothing_else() {
    let made = with_files(&["a.yaml", "a.yaml:3", "my file.yaml", "Pod a/b"]);
    let places = Places::of(&made.report);
    for (at, place) in [
        ("a.yaml", file("a.yaml", None, None, "")),
        ("a.yaml:7", file("a.yaml", Some(7), None, "")),
        ("a.yaml:7:2", file("a.yaml", Some(7), Some(2), "")),
        ("a.yaml:7:2 data.fluent-bit.conf:31", file("a.yaml", Some(7), Some(2), "data.fluent-bit.conf:31")),
        ("a.yaml:3:1", file("a.yaml:3", Some(1), None, "")),
        ("my file.yaml:1:1 spec", file("my file.yaml", Some(1), Some(1), "spec")),
        ("Pod a/b:2:3", file("Pod a/b", Some(2), Some(3), "")),
        ("a.yaml:0:1", Place::Other),
        ("a.yaml:99999999999", Place::Other),
        ("b.yaml:1:1", Place::Other),
        ("", Place::Other),
    ] {
        assert_eq!(places.read(at), place, "{at}");
    }
}

#[test]
fn an_object_is_what_can_be_the_name_of_one() {
    let made = with_files(&[]);
    let places = Places::of(&made.report);
    let object = |kind, namespace, name, within| Place::Object { kind, namespace, name, within };
    for (at, place) in [
        ("Pod kube-system/kube-apiserver-cp1", object("Pod", Some("kube-system"), "kube-apiserver-cp1", "")),
        (
            "ConfigMap logging/loki data.config.yaml:21:1",
            object("ConfigMap", Some("logging"), "loki", "data.config.yaml:21:1"),
        ),
        (
            "ClusterRoleBinding kubeadm:admins subjects[0]",
            object("ClusterRoleBinding", None, "kubeadm:admins", "subjects[0]"),
        ),
        ("RoleBindings and ClusterRoleBindings", Place::Other),
        ("DaemonSets, Deployments and StatefulSets", Place::Other),
        ("Kubernetes events", Place::Other),
        ("the nodes", Place::Other),
        ("/metrics apiserver_audit_event_total", Place::Other),
        ("Pod a/<b>", Place::Other),
    ] {
        assert_eq!(places.read(at), place, "{at}");
    }
}

#[test]
fn a_uri_is_relative_as_the_file_was_given() {
    for (given, uri) in [
        ("audit-policy.yaml", "audit-policy.yaml"),
        ("./a//b/./c.yaml", "a/b/c.yaml"),
        ("a/../b.yaml", "b.yaml"),
        ("../../b.yaml", "../../b.yaml"),
        ("/etc/kubernetes/a b.yaml", "file:///etc/kubernetes/a%20b.yaml"),
        ("javascript:alert(1)", "javascript%3Aalert%281%29"),
        ("ü?#%.yaml", "%C3%BC%3F%23%25.yaml"),
    ] {
        assert_eq!(file_uri(given), uri);
    }
}

proptest! {
    #[test]
    fn whatever_a_file_is_called_its_places_are_found(name in "(?s).{1,40}", line in 1..u32::MAX, column in 1..u32::MAX) {
        let files = std::iter::once(name.clone()).collect();
        let mut made = with_no_report();
        made.files = files;
        let places = Places::of(&made);
        let (whole, line_only) = (format!("{name}:{line}:{column} x:1"), format!("{name}:{line}"));
        prop_assert_eq!(places.read(&whole), file(&name, Some(line), Some(column), "x:1"));
        prop_assert_eq!(places.read(&line_only), file(&name, Some(line), None, ""));
        prop_assert_eq!(places.read(&name), file(&name, None, None, ""));
    }

    #[test]
    fn any_text_is_some_place_and_a_uri(text in "(?s).{0,60}") {
        let report = with_no_report();
        let _ = Places::of(&report).read(&text);
        for uri in [file_uri(&text), percent_encoded(&text)] {
            prop_assert!(uri.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~/%:".contains(&byte)), "{}", uri);
        }
        let decoded = decoded(&percent_encoded(&text));
        prop_assert_eq!(decoded, text.into_bytes());
    }
}

/// A report of which only the files matter, made once.
fn with_no_report() -> logaudit::report::Report {
    static REPORT: std::sync::OnceLock<logaudit::report::Report> = std::sync::OnceLock::new();
    REPORT
        .get_or_init(|| logaudit::report::Report {
            findings: Vec::new(),
            ..Made::on("kubeadm-default").report
        })
        .clone()
}

fn decoded(uri: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = uri.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first == b'%' {
            bytes.push(u8::from_str_radix(std::str::from_utf8(&rest[..2]).unwrap(), 16).unwrap());
            rest = &rest[2..];
        } else {
            bytes.push(*first);
        }
    }
    bytes
}
