//! Command lines whose flags are easily taken for more, or for less, than they are.

use proptest::prelude::*;

use super::tests::{parse, pod, short};
use super::*;
use crate::analyze::apiserver::flags::FLAGS;
use crate::snapshot::redact::{keeps_flag, redact_pod};

const A: &str = "--audit-policy-file=/x";

/// The arguments as they are read out of a snapshot.
fn redacted(command: &[&str], args: &[&str], env: &[(&str, Option<&str>)]) -> Arguments {
    let mut pod = pod(command, args, env);
    redact_pod(&mut pod);
    of_container(&pod, &pod.containers[0])
}

fn script(text: &str) -> [Arguments; 2] {
    let text = text.replace(" A", &format!(" {A}"));
    [parse(&["sh", "-c", &text], &[], &[]), redacted(&["sh", "-c", &text], &[], &[])]
}

#[test]
fn a_start_that_is_not_certain_shows_no_flags() {
    for text in [
        "if [ \"$AUDIT\" = on ]; then exec kube-apiserver A; fi; exec kube-apiserver --v=2",
        "case $X in a) kube-apiserver A;; *) kube-apiserver --v=1;; esac",
        "case $X in a) kube-apiserver A;; esac",
        "run() { kube-apiserver A; }",
        "function run { kube-apiserver A; }",
        "if x; then kube-apiserver A; fi",
        "x || kube-apiserver A",
        "x && kube-apiserver A; y",
        "while true; do kube-apiserver A; done",
        "cat <<EOF\nkube-apiserver A\nEOF\n",
        "command -v kube-apiserver A",
    ] {
        for arguments in script(text) {
            assert_eq!((short(&arguments), arguments.open.is_some()), (vec![], true), "{text}");
        }
    }
}

#[test]
fn a_word_of_another_command_is_no_start() {
    for text in [
        "echo kube-apiserver A; exec kube-apiserver --v=2",
        "run() { :; }; exec kube-apiserver --v=2",
        "cat <<EOF >/x\nkube-apiserver A\nEOF\nexec kube-apiserver --v=2",
        "test -x kube-apiserver -a A; exec kube-apiserver --v=2",
        "ps | grep kube-apiserver -q A; exec kube-apiserver --v=2",
        "kube-apiserver --version; exec kube-apiserver --v=2",
        "kube-apiserver --version && exec kube-apiserver --v=2",
        "kube-apiserver --help && exec kube-apiserver --v=2",
        "set -eux; set -o pipefail; mkdir -p /x && exec kube-apiserver --v=2",
        "exec {LOCK_FD}>${LOCK} && flock \"${LOCK_FD}\" || {\n while [ x ]; do (( t += 1 )); done\n}\nexec watch-termination --a=b -- hyperkube kube-apiserver --v=2",
    ] {
        for arguments in script(text) {
            assert_eq!(
                (short(&arguments), arguments.open.as_deref()),
                (vec![("v", Some("2"))], None),
                "{text}"
            );
        }
    }
}

#[test]
fn assigned_lists_of_flags_are_read_or_leave_the_list_open() {
    for arguments in script("FLAGS='--audit-policy-file=/x --pw=y'; exec kube-apiserver --v=2 $FLAGS") {
        assert_eq!(arguments.open, None);
        assert_eq!(arguments.given[1].name, "audit-policy-file");
        assert_eq!(arguments.given[1].value, Value::Text("/x".into()));
    }
    for prefix in [
        "FLAGS=REDACTED",
        "FLAGS=--v=1; FLAGS=A",
        "FLAGS=--v=1; FLAGS+=A",
        "FLAGS=--v=1; FLAGS[1]=A",
        "FLAGS=(A)",
        "if x; then FLAGS=--v=3; fi",
        "x && FLAGS=--v=3",
        "FLAGS=--v=3 | x",
        "FLAGS=--v=3 x",
        "FLAGS=--v=3; unset FLAGS",
        "FLAGS=--v=3; read FLAGS",
        "FLAGS=--v=3; for FLAGS in A B; do x; done",
        "FLAGS=--v=3; . /etc/flags",
        "FLAGS=--v=3; source /etc/flags",
        "FLAGS=--v=3; eval \"$X\"",
        "FLAGS=$(cat /etc/flags)",
        "export FLAGS=`cat /etc/flags`",
    ] {
        for arguments in script(&format!("{prefix}; exec kube-apiserver --v=2 $FLAGS")) {
            assert!(arguments.open.is_some(), "{prefix}: {arguments:?}");
        }
    }
    for arguments in script("set -- A; exec kube-apiserver \"$@\"") {
        assert!(arguments.open.is_some());
    }
}

#[test]
fn elements_that_are_variables_are_resolved_or_open() {
    let env = [("P", Some(A))];
    for arguments in
        [parse(&["kube-apiserver"], &["$(P)"], &env), redacted(&["kube-apiserver"], &["$(P)"], &env)]
    {
        assert_eq!(short(&arguments), [("audit-policy-file", Some("/x"))]);
        assert_eq!(arguments.open, None);
    }
    assert!(redacted(&["kube-apiserver"], &["$(P)"], &[("P", None)]).open.is_some());
    assert!(redacted(&["kube-apiserver"], &["$(P)"], &[]).open.is_some());
}

#[test]
fn unknown_programs_leave_the_list_open() {
    let wrap = ["/usr/bin/wrap", "--name", "kube-apiserver", "--", "kube-apiserver", A];
    for arguments in [parse(&wrap, &[], &[]), redacted(&wrap, &[], &[])] {
        assert_eq!(short(&arguments), [("audit-policy-file", Some("/x"))]);
        assert!(arguments.open.is_some());
    }
    assert!(redacted(&["/entrypoint.sh", "kube-apiserver", "--v=2"], &[], &[]).open.is_some());
    assert!(parse(&["/wrap", "--name", "kube-apiserver", A], &[], &[]).given.is_empty());
    let args = redacted(&[], &["--audit-policy-file=/etc/x/kube-apiserver", "--v=2"], &[]);
    assert_eq!((args.given.len(), args.open), (2, None));
    let args = redacted(&[], &["--audit-policy-file=/etc/x/audit-policy.yaml"], &[]);
    assert_eq!((args.given.len(), args.open), (1, None));
}

#[test]
fn what_the_server_refuses_does_not_vanish() {
    for (words, strays) in [
        (&["--audit-log-path /x"][..], 1),
        (&["–audit-log-path=/x"], 1),
        (&["run", A], 1),
        (&["foo", A], 1),
        (&["--", A], 1),
        (&["--audit-log-compress", "false"], 1),
        (&[""], 0),
    ] {
        let line: Vec<&str> = std::iter::once("kube-apiserver").chain(words.iter().copied()).collect();
        for arguments in [parse(&line, &[], &[]), redacted(&line, &[], &[])] {
            let found = arguments.given.iter().filter(|given| given.name.is_empty()).count();
            assert_eq!((found, arguments.open), (strays, None), "{words:?}");
        }
    }
    let swallowed = redacted(&["kube-apiserver", "--audit-log-path", A], &[], &[]);
    assert_eq!(short(&swallowed), [("audit-log-path", Some(A))]);
}

#[test]
fn every_flag_of_the_table_is_kept() {
    assert!(FLAGS.iter().all(|flag| keeps_flag(flag.name)));
    for flag in FLAGS {
        let boolean = flag.form == crate::analyze::apiserver::flags::Form::Bool;
        assert_eq!(crate::snapshot::redact::takes_next(flag.name, "--x"), !boolean, "{}", flag.name);
    }
}

proptest! {
    #[test]
    fn redaction_changes_no_flag_that_is_kept(
        words in proptest::collection::vec(prop::sample::select(vec![
            "--audit-log-path=/a", "--audit-policy-file", "/p", "--audit-log-compress", "--v=2", "-v", "3",
            "--token=s", "--etcd-prefix", "$(P)", "$(N)", "x", "--", "–audit-log-path=/a", "--audit-log-maxage 3",
            "-pS", "--event-ttl=$(P)", "--audit-nope=1", "kube-apiserver", "; ", "&&", "exec", "FLAGS='--v=1 x'",
            "$FLAGS", "if", "fi", "\"$@\"", "$(cat x)", "echo", "read", "<<E\n", "\nE\n", "{", "}", "'a b'",
        ]), 0..12),
        shell in any::<bool>(),
    ) {
        // Whether `"$@"` is the value of the flag before it depends on how many words it stands for, which redaction does
        // not look at; nobody writes that.
        prop_assume!(!words.windows(2).any(|pair| matches!(pair, [before, "\"$@\""] if before.starts_with('-'))));
        let joined = format!("exec kube-apiserver {}", words.join(" "));
        let mut line = if shell { vec!["sh", "-c", joined.as_str()] } else { vec!["kube-apiserver"] };
        if !shell {
            line.extend(words.iter().copied());
        }
        let env = [("P", Some("--audit-log-maxage=3")), ("FLAGS", None)];
        let of = |arguments: &Arguments| -> Vec<(String, Option<String>)> {
            arguments
                .given
                .iter()
                .filter(|given| keeps_flag(&given.name))
                // A flag that stands as the value of another is kept as a flag is.
                .map(|given| {
                    (given.name.clone(), given.value.text().filter(|text| !text.starts_with('-')).map(str::to_owned))
                })
                .collect()
        };
        let (before, after) = (parse(&line, &[], &env), redacted(&line, &[], &env));
        prop_assert!(before.open.is_none() || after.open.is_some(), "{:?} {:?}", &before, &after);
        // Redaction may take knowledge away, which ends in `unknown`; it must not make up a flag or a value.
        let opened = before.open.is_none() && after.open.is_some();
        let (before, after) = (of(&before), of(&after));
        let names = |given: &[(String, Option<String>)]| given.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        prop_assert!(opened || names(&before) == names(&after), "{:?} became {:?}", before, after);
        for ((name, value), (_, kept)) in before.iter().zip(&after).filter(|_| !opened) {
            prop_assert!(kept.is_none() || kept == value, "{}: {:?} became {:?}", name, value, kept);
        }
        let mut once = pod(&line, &[], &env);
        redact_pod(&mut once);
        let mut twice = once.clone();
        redact_pod(&mut twice);
        prop_assert_eq!(once, twice);
    }
}
