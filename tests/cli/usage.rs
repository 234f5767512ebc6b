//! Mistakes in the command line end with 2 and say what was meant.

use super::{example, over, run};
use crate::support::tool::Output;

#[test]
fn a_word_that_is_nearly_right_is_answered_with_the_right_one() {
    for (words, meant) in [
        (&["chekcs"][..], "'checks'"),
        (&["snapshoot"], "'snapshot'"),
        (&["checks", "lst"], "'list'"),
        (&["run", "--snapshto", "x"], "'--snapshot'"),
        (&["run", "--fail-om", "high"], "'--fail-on'"),
        (&["run", "-o", "yml"], "`yaml`"),
        (&["completion", "bsh"], "'bash'"),
        (&["checks", "show", "LA-API-0001"], "`LA-API-001`"),
        (&["checks", "show", "RC-O1"], "`RC-01`"),
        (&["frameworks", "show", "owasp-k8s-2021"], "`owasp-k8s-2022`"),
    ] {
        run(words).expect_refusal(&[meant]);
    }
}

#[test]
fn values_that_make_no_sense_are_refused_with_those_that_do() {
    let refuse = |args: &[&str], words: &[&str]| {
        over("ha-drift").args(args).run().expect_refusal(words);
    };
    refuse(&["--fail-on", "hihg"], &["`hihg` is no severity", "never, low, medium, high or critical"]);
    refuse(&["--severity", "lo"], &["`lo` is no severity"]);
    refuse(&["--min-score", "101"], &["`101` is no number from 0 to 100"]);
    refuse(&["--min-score", "-1"], &["-1"]);
    refuse(&["--min-score", "NaN"], &["`NaN`"]);
    refuse(&["--timeout", "soon"], &["`soon` is no duration", "30s"]);
    refuse(&["--color", "sometimes"], &["sometimes", "never"]);
    refuse(&["-f", "x.yaml"], &["--snapshot", "--filename"]);
    refuse(&["superfluous"], &["superfluous"]);
    refuse(
        &["--only", "LA-API-2"],
        &["`LA-API-2` selects no check", "did you mean `LA-API-002`?", "checks list"],
    );
    refuse(&["--skip", "apisever"], &["`apisever` selects no check", "did you mean `apiserver`?"]);
    refuse(
        &["--framework", "cis-kubernets"],
        &["no framework `cis-kubernets`", "did you mean `cis-kubernetes`?"],
    );
    refuse(&["--framework", "all,pci-dss"], &["--framework all stands alone"]);
    refuse(&["--framework", "cis-kubernetes@9"], &["no edition `9`", "1.9, 1.10, 1.11, 1.12, 2.0.1"]);
}

#[test]
fn nothing_to_do_is_a_usage_error_with_the_help() {
    for words in [&[][..], &["checks"], &["frameworks"]] {
        let output = run(words);
        output.expect_code(2);
        assert!(output.stdout.is_empty() && output.stderr.contains("Usage: kubectl logaudit"), "{output:#?}");
    }
}

#[test]
fn help_is_an_answer() {
    for words in [&["-h"][..], &["--help"], &["run", "-h"], &["run", "--help"], &["checks", "test", "-h"]] {
        let output: Output = run(words);
        output.expect_code(0);
        assert!(output.stderr.is_empty() && output.stdout.contains("Usage: kubectl logaudit"), "{output:#?}");
        assert!(output.stdout.contains("--context"), "the connection flags are everywhere");
    }
    assert!(run(&["-h"]).stdout.contains("130 interrupted"));
}

#[test]
fn manifests_that_cannot_be_read_are_named() {
    run(&["run", "-f", "/nowhere.yaml"]).expect_refusal(&[
        "`/nowhere.yaml`",
        "No such file",
        "check the path",
    ]);
    // What is behind an error is said once.
    assert_eq!(run(&["run", "-f", "/nowhere.yaml"]).stderr.matches("No such file").count(), 1);
    run(&["run", "-f", "/dev/null"]).expect_refusal(&["neither a file nor a folder", "give `-`"]);
    run(&["run", "-f", "-"]).expect_refusal(&["stdin", "empty"]);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_str().unwrap();
    run(&["run", "-f", folder]).expect_refusal(&[folder, "holds no manifests"]);
}

#[test]
fn versions_are_told_in_every_form() {
    let number = env!("CARGO_PKG_VERSION");
    assert_eq!(run(&["version"]).expect_code(0).stdout, format!("kubectl-logaudit {number}\n"));
    assert!(run(&["--version"]).expect_code(0).stdout.contains(number));
    let json = run(&["version", "-o", "json"]).json();
    assert_eq!((&json["name"], &json["version"]), (&"kubectl-logaudit".into(), &number.into()));
    assert_eq!(json["formats"]["snapshot"], 1);
    let yaml: serde_json::Value = serde_yaml::from_str(&run(&["version", "-o", "yaml"]).stdout).unwrap();
    assert_eq!(yaml, json);
}

/// What the README tells people to type has to stay.
#[test]
fn the_examples_are_snapshots() {
    for name in ["ha-drift", "kubeadm-default", "kubeadm-hardened", "looks-audited", "ships-nothing"] {
        assert!(example(name).is_file());
        over(name).run().report_text();
    }
}
