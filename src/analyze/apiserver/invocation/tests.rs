//! The arguments out of command lines.

use std::collections::BTreeMap;

use super::*;
use crate::snapshot::EnvVar;

pub(super) fn pod(command: &[&str], args: &[&str], env: &[(&str, Option<&str>)]) -> Pod {
    let container = Container {
        index: 0,
        name: "kube-apiserver".into(),
        image: String::new(),
        command: command.iter().map(ToString::to_string).collect(),
        args: args.iter().map(ToString::to_string).collect(),
        env: env
            .iter()
            .map(|(n, v)| EnvVar { name: (*n).into(), value: v.map(Into::into), from: None })
            .collect(),
        env_from: Vec::new(),
        mounts: Vec::new(),
        ports: std::collections::BTreeMap::new(),
    };
    Pod {
        namespace: "kube-system".into(),
        name: "p".into(),
        node_name: None,
        pod_ip: None,
        labels: BTreeMap::new(),
        containers: vec![container],
        at: "Pod kube-system/p".into(),
        marks: BTreeMap::new(),
    }
}

pub(super) fn parse(command: &[&str], args: &[&str], env: &[(&str, Option<&str>)]) -> Arguments {
    let pod = pod(command, args, env);
    of_container(&pod, &pod.containers[0])
}

pub(super) fn short(arguments: &Arguments) -> Vec<(&str, Option<&str>)> {
    arguments.given.iter().map(|given| (given.name.as_str(), given.value.text())).collect()
}

#[test]
fn every_spelling_of_a_flag_is_read() {
    let arguments = parse(
        &[
            "/usr/local/bin/kube-apiserver",
            "--audit-log-path=/a",
            "--audit_log_maxage",
            "3",
            "--audit-log-compress",
            "-v=2",
        ],
        &["--audit-log-maxage=4", "-v", "5", "--audit-log-truncate-enabled", "--event-ttl", "1h"],
        &[],
    );
    assert_eq!(
        short(&arguments),
        [
            ("audit-log-path", Some("/a")),
            ("audit-log-maxage", Some("3")),
            ("audit-log-compress", Some("true")),
            ("v", Some("2")),
            ("audit-log-maxage", Some("4")),
            ("v", Some("5")),
            ("audit-log-truncate-enabled", Some("true")),
            ("event-ttl", Some("1h")),
        ]
    );
    assert_eq!(arguments.open, None);
    assert_eq!(arguments.given[1].at, "Pod kube-system/p spec.containers[0].command[2]");
    assert_eq!(arguments.given[1].written, "--audit_log_maxage 3");
}

#[test]
fn wrappers_and_hyperkube_are_seen_through() {
    for command in [
        &["/go-runner", "--log-file=/var/log/kube-apiserver.log", "/usr/local/bin/kube-apiserver", "--v=2"][..],
        &["/hyperkube", "apiserver", "--v=2"],
        &["/hyperkube", "kube-apiserver", "--v=2"],
        &["apiserver", "--v=2"],
        &["/bin/sh", "-c", "echo kube-apiserver; exec kube-apiserver --v=2 >>/log 2>&1; echo --v=3"],
        &[
            "/bin/bash",
            "-ec",
            "X=2\nexec watch-termination --log=/x -- hyperkube kube-apiserver \\\n --v=${X} 1>>/l 2>&1",
        ],
        &["sh", "-c", "exec kube-apiserver \"$@\"", "sh", "--v=2"],
    ] {
        assert_eq!(short(&parse(command, &[], &[])), [("v", Some("2"))], "{command:?}");
    }
    assert_eq!(short(&parse(&[], &["--v=2"], &[])), [("v", Some("2"))]);
}

#[test]
fn variables_are_resolved_and_hidden() {
    let arguments = parse(
        &["kube-apiserver", "--audit-log-path=$(DIR)/audit.log", "--audit-log-maxage=$(AGE)", "--v=$(NONE)"],
        &[],
        &[("DIR", Some("/var/log")), ("AGE", None)],
    );
    assert_eq!(arguments.given[0].value, Value::Hidden("/var/log/audit.log".into()));
    assert_eq!(arguments.given[0].written, "--audit-log-path=$(DIR)/audit.log");
    assert!(matches!(&arguments.given[1].value, Value::Unreadable(why) if why.contains("another object")));
    assert!(matches!(&arguments.given[2].value, Value::Unreadable(why) if why.contains("does not define")));
    assert_eq!(arguments.open, None);
}

#[test]
fn a_list_of_flags_in_a_variable_is_split_or_leaves_the_list_open() {
    let script = "exec kube-apiserver $FLAGS --v=2";
    let known =
        parse(&["sh", "-c", script], &[], &[("FLAGS", Some("--audit-log-path=/a --audit-log-maxage=3"))]);
    assert_eq!(
        short(&known),
        [("audit-log-path", Some("/a")), ("audit-log-maxage", Some("3")), ("v", Some("2"))]
    );
    let unknown = parse(&["sh", "-c", script], &[], &[]);
    assert_eq!(short(&unknown), [("v", Some("2"))]);
    assert!(unknown.open.is_some());
}

#[test]
fn a_single_dash_is_kept() {
    let arguments = parse(&["kube-apiserver", "-audit-log-path=/x", "--v=2"], &[], &[]);
    assert_eq!(short(&arguments), [("-audit-log-path", Some("true")), ("v", Some("2"))]);
}

#[test]
fn what_starts_another_program_is_open() {
    assert!(parse(&["/entrypoint.sh"], &["--v=2"], &[]).open.is_some());
    assert!(parse(&[], &[], &[]).open.is_some());
    let openshift = parse(&["hyperkube", "kube-apiserver", "--openshift-config=/x.yaml", "-v=2"], &[], &[]);
    assert!(openshift.open.is_some_and(|why| why.contains("--openshift-config")));
}
