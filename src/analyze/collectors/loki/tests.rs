use super::meta::{Key, Subject, namespaces, subject, words};
use super::relabel::{Family, Open, Rule, Value};
use super::stages::{Stage, run};
use crate::analyze::collectors::model::{Effect, Marker, Pattern};

fn rule(
    action: &str,
    sources: &[&str],
    separator: &str,
    regex: &str,
    replacement: &str,
    target: &str,
) -> Rule {
    Rule {
        at: "r".into(),
        action: Ok(action.into()),
        sources: Ok(sources.iter().map(|source| (*source).to_owned()).collect()),
        separator: Ok(separator.into()),
        regex: Ok(regex.into()),
        replacement: Ok(replacement.into()),
        target: Ok(target.into()),
    }
}

fn pods() -> Family {
    Family { open: Open::Hidden, ..Family::default() }
}

#[test]
fn paths_of_static_pods_are_an_alternative() {
    let mut family = pods();
    let pod = "__meta_kubernetes_pod_";
    let [uid, container] = [format!("{pod}uid"), format!("{pod}container_name")];
    let present = format!("{pod}annotationpresent_kubernetes_io_config_hash");
    let hash = format!("{pod}annotation_kubernetes_io_config_hash");
    let path = "/var/log/pods/*$1/*.log";
    family.relabel(&[
        rule("replace", &[&uid, &container], "/", "(.*)", path, "__path__"),
        rule("replace", &[&present, &hash, &container], "/", "true/(.*)", path, "__path__"),
    ]);
    let paths: Vec<String> =
        family.paths("__path__").iter().map(|path| path.value().unwrap().clone()).collect();
    assert_eq!(paths, ["/var/log/pods/*/*/*.log", "/var/log/pods/*/*/*.log"]);
    family.tell_static_pods();
    assert!(family.steps.is_empty());
}

#[test]
fn parts_of_labels_are_not_guessed() {
    let mut family = pods();
    family.relabel(&[rule(
        "replace",
        &["__meta_kubernetes_pod_name"],
        ";",
        "(..).*",
        "/x/$1.log",
        "__path__",
    )]);
    assert!(family.paths("__path__").iter().all(|path| path.reason().is_some()));
}

#[test]
fn rules_on_written_labels_are_computed() {
    let mut family = Family::default();
    family.set("job", "f", Value::Text("audit".into()));
    family.relabel(&[
        rule("replace", &["job"], ";", "(.)udit", "/$1.log", "__path__"),
        rule("drop", &["job"], ";", "aud", "", ""),
        rule("drop", &["job", "none"], ";", "audit;", "", ""),
    ]);
    assert_eq!(family.paths("__path__")[0].value().unwrap(), "/a.log");
    assert_eq!(family.steps.len(), 1);
    assert_eq!(family.steps[0].effect, Effect::DropsAll);
}

#[test]
fn stages_that_drop_everything_are_told() {
    let stage = |name: &str, options: &[(&str, &str)]| Stage {
        name: name.into(),
        options: options.iter().map(|(key, value)| ((*key).to_owned(), Ok((*value).to_owned()))).collect(),
        ..Stage::default()
    };
    let matching = |selector| stage("match", &[("selector", selector), ("action", "drop")]);
    for (stage, expected) in [
        (stage("drop", &[("expression", ".*")]), Effect::DropsAll),
        (stage("drop", &[("expression", ".*"), ("source", "level")]), Effect::Unclear),
        (stage("drop", &[("expression", ".*"), ("older_than", "1h")]), Effect::DropsSome),
        (stage("drop", &[("expression", "debug")]), Effect::DropsSome),
        (matching(r#"{job=~".+", job!="x"}"#), Effect::DropsAll),
        (matching(r#"{job="audit"} |= "x""#), Effect::DropsSome),
        (matching(r#"{job="other"}"#), Effect::DropsSome),
        (matching(r#"{job="audit", app="x"}"#), Effect::DropsSome),
    ] {
        let mut lines = Family { open: Open::All, ..Family::default() };
        lines.set("job", "f", Value::Text("audit".into()));
        run(std::slice::from_ref(&stage), &mut lines);
        assert_eq!(lines.steps[0].effect, expected, "{stage:?}");
    }
}

#[test]
fn markers_whose_key_is_not_certain_are_told_as_a_filter() {
    let mut family = pods();
    family.relabel(&[
        rule("drop", &["__meta_kubernetes_pod_label_nologs"], ";", "true", "", ""),
        rule("drop", &["__meta_kubernetes_pod_label_a_b"], ";", "true", "", ""),
        rule("keep", &["__meta_kubernetes_pod_label_app"], ";", "web", "", ""),
        rule("hashmod", &["__meta_kubernetes_pod_name"], ";", "(.*)", "$1", "shard"),
        rule("keep", &["shard"], ";", "1", "", ""),
    ]);
    assert_eq!((family.opt_outs[0].marker, family.opt_outs[0].key.as_str()), (Marker::Label, "nologs"));
    assert_eq!(family.steps[0].effect, Effect::DropsSome);
    assert_eq!(family.only[0].1, "pods whose label app is web");
    assert_eq!(family.steps[1].effect, Effect::Unclear);
}

#[test]
fn labels_and_patterns_are_understood() {
    let flat = Subject::Marker(Marker::Annotation, Key::Flat("a_b".into()));
    assert_eq!(subject("__meta_kubernetes_pod_annotation_a_b"), flat);
    assert_eq!(words("^(?:false|no)$"), Some(vec!["false".into(), "no".into()]));
    assert_eq!(words("a.*"), None);
    let patterns =
        |regex: &str| namespaces(regex, "x").into_iter().map(|item| item.pattern).collect::<Vec<_>>();
    assert_eq!(patterns("(kube-.*|dev)"), [Pattern::Glob("kube-*".into()), Pattern::Name("dev".into())]);
    assert_eq!(patterns("a[0-9]"), [Pattern::Regex("^(?:a[0-9])$".into())]);
}
