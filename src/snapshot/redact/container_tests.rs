//! What is kept of command lines.

use super::*;
use crate::snapshot::EnvVar;

fn container(command: &[&str], args: &[&str], env: &[(&str, &str)]) -> Container {
    Container {
        index: 0,
        name: "kube-apiserver".into(),
        image: String::new(),
        command: command.iter().map(ToString::to_string).collect(),
        args: args.iter().map(ToString::to_string).collect(),
        env: env
            .iter()
            .map(|(name, value)| EnvVar { name: (*name).into(), value: Some((*value).into()), from: None })
            .collect(),
        env_from: Vec::new(),
        mounts: Vec::new(),
        ports: std::collections::BTreeMap::new(),
    }
}

#[test]
fn only_flags_in_use_keep_their_values() {
    let mut c = container(
        &[
            "kube-apiserver",
            "--audit-log-path=/a",
            "--token=hunter2",
            "--audit_log_maxage",
            "3",
            "--x",
            "hunter2",
        ],
        &["hunter2", "--event-ttl=1h"],
        &[],
    );
    redact_container(&mut c);
    assert_eq!(
        c.command,
        [
            "kube-apiserver",
            "--audit-log-path=/a",
            "--token=REDACTED",
            "--audit_log_maxage",
            "3",
            "--x",
            "REDACTED"
        ]
    );
    assert_eq!(c.args, ["REDACTED-ARGUMENT", "--event-ttl=1h"]);
}

#[test]
fn scripts_keep_their_shape_and_no_foreign_words() {
    let mut c = container(
        &["/bin/sh", "-ec"],
        &["export PW=hunter2 P=/var/x\n# hunter2\nexec /usr/bin/kube-apiserver --audit-log-path=$P $FLAGS \
           --etcd-password hunter2 $(cat hunter2) >> /hunter2.log"],
        &[("FLAGS", "hunter2 --audit-log-maxage=3 --pw=hunter2"), ("OTHER", "hunter2")],
    );
    redact_container(&mut c);
    assert_eq!(
        c.args,
        ["export PW=REDACTED P=/var/x \n\nexec /usr/bin/kube-apiserver --audit-log-path=$P $FLAGS \
          --etcd-password REDACTED ${REDACTED} >REDACTED"]
    );
    assert_eq!(c.env.len(), 1);
    assert_eq!(c.env[0].value.as_deref(), Some("REDACTED-ARGUMENT --audit-log-maxage=3 --pw=REDACTED"));
}

#[test]
fn redacting_twice_changes_nothing() {
    let mut once = container(
        &["sh", "-c"],
        &["x=1; kube-apiserver --audit-log-path=$(P) --foo $(curl x) \"$@\" 2>&1"],
        &[("P", "/v")],
    );
    redact_container(&mut once);
    let mut twice = once.clone();
    redact_container(&mut twice);
    assert_eq!(once, twice);
    assert_eq!(once.env.len(), 1);
}

#[test]
fn what_is_no_flag_leaves_a_mark_and_secrets_leave_none() {
    let mut c = container(
        &[
            "kube-apiserver",
            "--audit-password=hunter2",
            "--audit-log-path /hunter2",
            "–audit-log-path=/hunter2",
        ],
        &["-pS", "hunter2", "--anonymous-auth=hunter2", "--hunter2 x", "$(P)"],
        &[("P", "--audit-policy-file=/x --pw=hunter2"), ("Q", "hunter2")],
    );
    redact_container(&mut c);
    assert_eq!(
        c.command,
        ["kube-apiserver", "--audit-password=REDACTED", "--audit-log-path REDACTED", "–audit-log-path"]
    );
    assert_eq!(c.args, ["-REDACTED", STRAY, "--anonymous-auth=REDACTED", "--REDACTED REDACTED", "$(P)"]);
    assert_eq!(c.env.len(), 1);
    assert_eq!(c.env[0].value.as_deref(), Some("--audit-policy-file=/x --pw=REDACTED"));
    let mut c = container(&["mysql", "-phunter2", "kube-apiserver"], &[], &[]);
    redact_container(&mut c);
    assert_eq!(c.command, ["mysql", REDACTED, "kube-apiserver"]);
}
