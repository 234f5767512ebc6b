//! What is wrong in a configuration is told with its place, and nothing is done.

use super::{Folder, example};

#[test]
fn everything_that_is_wrong_is_told_at_once_with_its_place() {
    let folder = Folder::with(
        "fail-on: hihg
min-score: 101
thresholds:
  retention-day: 30
params:
  LA-RET-011: {minDay: 30}
  LA-RET-012: {maxDays: \"30\"}
  LA-RET-999: {minDays: 30}
  LA-POL-030: {classes: [RC-01, RC-999]}
  LA-POL-031: {classes: []}
severities:
  LA-RET-011: worst
waivers:
  - {check: LA-RET-11, reason: r}
  - {check: LA-RET-011, reason: \" \"}
  - {check: LA-RET-011, reason: r, until: tomorrow}
  - {check: LA-WVR-001, reason: r}
",
    );
    let output = folder.over("ships-nothing", &[]);
    output.expect_refusal(&[
        "`hihg` is no severity; use never",
        ".logaudit.yaml:1:10",
        "`101` is no number from 0 to 100",
        ".logaudit.yaml:2:12",
        "there is no threshold `retention-day`",
        "did you mean `retention-days`?",
        ".logaudit.yaml:4:3",
        "LA-RET-011 has no parameter `minDay`; it has minDays",
        "did you mean `minDays`?",
        ".logaudit.yaml:6:16",
        "LA-RET-012 maxDays: it must be a whole number",
        ".logaudit.yaml:7:25",
        "there is no check `LA-RET-999`",
        ".logaudit.yaml:8:3",
        "\"RC-999\" is nothing that is catalogued",
        "an empty list would let everything pass",
        "`worst` is no severity",
        ".logaudit.yaml:12:15",
        "there is no check `LA-RET-11`; did you mean `LA-RET-011`?",
        ".logaudit.yaml:14:13",
        "a waiver must give a reason",
        "`tomorrow` is no day; write year, month and day: 2027-03-31",
        "what is said of waivers cannot be waived",
    ]);
}

#[test]
fn what_has_not_the_form_of_a_configuration_is_refused() {
    for (text, words) in [
        ("fail-onn: low\n", &["unknown field", "did you mean `fail-on`?", ".logaudit.yaml:1:1"][..]),
        (
            "waivers:\n- {check: LA-API-002, reason: r, unti: 2027-01-01}\n",
            &["did you mean `until`?", ".logaudit.yaml:2:"],
        ),
        ("waivers:\n- {reason: r}\n", &["missing field", "check"]),
        ("fail-on: [low]\n", &["this must be a single text", ".logaudit.yaml:1:10"]),
        ("- a\n", &["settings, each written `name: value`", ".logaudit.yaml:1:1"]),
        ("fail-on: low\nfail-on: high\n", &["`fail-on` stands twice", ".logaudit.yaml:2:1"]),
        ("only: policy\n", &["this must be a list: [a, b]", ".logaudit.yaml:1:7"]),
        ("a: &a [*a]\n", &[".logaudit.yaml"]),
        ("fail-on: low: high\n", &[".logaudit.yaml:1:"]),
        ("only: \"\u{1b}[31m\n", &[".logaudit.yaml"]),
    ] {
        let output = Folder::with(text).over("ships-nothing", &[]);
        output.expect_refusal(words);
        assert!(!output.stderr.contains('\u{1b}'));
    }
}

/// A threshold below that of which everything passes.
#[test]
fn numbers_that_ask_for_nothing_are_refused() {
    for (text, words) in [
        ("thresholds: {retention-days: -5}", "`retention-days` must be a whole number of days, 1 or more"),
        ("thresholds: {audit-file-days: 0}", "`audit-file-days` must be a whole number of days"),
        ("thresholds: {retention-days: 1000000000000000000000}", "`retention-days` must be a whole number"),
        ("params: {LA-RET-011: {minDays: 0}}", "LA-RET-011 minDays: it must be 1 or more"),
        ("params: {LA-RET-012: {maxDays: -1}}", "LA-RET-012 maxDays: it must be 0 or more"),
        ("params: {LA-EKS-003: {types: api}}", "LA-EKS-003 types: it must be a list of texts"),
    ] {
        let refused = Folder::with(text).over("ships-nothing", &[]);
        refused.expect_refusal(&[words, ".logaudit.yaml:1:"]);
        assert_eq!(refused.stderr.matches("must be").count(), 1, "told once: {}", refused.stderr);
    }
    Folder::with("thresholds: {retention-days: 1}").over("ships-nothing", &[]).report();
}

/// What would end a run is no valid configuration.
#[test]
fn a_file_is_validated_as_a_run_reads_it() {
    for (text, words) in [
        ("output: [jsn]", "`jsn` is no form of a report; did you mean `json`"),
        ("framework: [pci-ds]", "there is no framework `pci-ds`; did you mean `pci-dss`?"),
        ("framework: [pci-dss@3]", "pci-dss has no edition `3`"),
        ("skip: [polisy]", "`polisy` selects no check; did you mean `policy`?"),
        ("skip: [LA-*]", "leaves no check to run"),
        ("baseline: none.json", "the baseline of .logaudit.yaml:1:11"),
        ("frameworks: [none]", "none"),
    ] {
        let folder = Folder::with(text);
        folder
            .tool(&["config", "validate"])
            .run()
            .expect_refusal(&[".logaudit.yaml:1:", words][usize::from(text.starts_with("frameworks"))..]);
        let run = folder.tool(&["run", "--snapshot"]).arg(example("ships-nothing")).run();
        run.expect_refusal(&[words]);
    }
}

/// A gate that judges nothing is green out of ignorance.
#[test]
fn a_selection_without_anything_to_judge_is_refused() {
    let folder = Folder::new();
    for words in [["--only", "waivers"], ["--only", "LA-WVR-001"], ["--only", "LA-WVR-*"]] {
        folder.over("kubeadm-default", &words).expect_refusal(&["--only leaves only checks of waivers"]);
    }
    let found = Folder::with("only: [waivers]\n").over("kubeadm-default", &[]);
    found.expect_refusal(&[".logaudit.yaml:1:7 leaves only checks of waivers"]);
    folder
        .over("kubeadm-default", &["--only", "apiserver", "--skip", "LA-API-*"])
        .expect_refusal(&["--only and --skip together leave no check to run"]);
    folder.over("kubeadm-default", &["--only", "waivers,apiserver"]).expect_code(1);
}

#[test]
fn a_file_that_cannot_be_read_is_told() {
    let folder = Folder::new();
    folder
        .over("ships-nothing", &["--config", "none.yaml"])
        .expect_refusal(&["cannot read the configuration none.yaml"]);
    folder.over("ships-nothing", &["--config", "."]).expect_refusal(&["it is no file"]);
    folder.over("ships-nothing", &["--config", "a", "--no-config"]).expect_code(2);
    folder.write("large.yaml", &"# x\n".repeat(600_000));
    folder.over("ships-nothing", &["--config", "large.yaml"]).expect_refusal(&["larger than 1024 KiB"]);
    std::fs::write(folder.0.path().join("binary.yaml"), b"\xff\xfe").unwrap();
    folder
        .over("ships-nothing", &["--config", "binary.yaml"])
        .expect_refusal(&["cannot read the configuration"]);
    folder.tool(&["config", "validate"]).run().expect_refusal(&["there is no .logaudit.yaml here"]);
}

#[test]
fn a_bad_variable_is_named() {
    let folder = Folder::new();
    for (name, value, words) in [
        ("LOGAUDIT_FAIL_ON", "hihg", "LOGAUDIT_FAIL_ON: `hihg` is no severity"),
        ("LOGAUDIT_MIN_SCORE", "many", "LOGAUDIT_MIN_SCORE: `many` is no number from 0 to 100"),
        ("LOGAUDIT_FAIL_ON_UNKNOWN", "yes", "LOGAUDIT_FAIL_ON_UNKNOWN: `yes` is neither true nor false"),
        ("LOGAUDIT_SEVERITY", "x", "LOGAUDIT_SEVERITY: `x` is no severity"),
        ("LOGAUDIT_ONLY", ",", "LOGAUDIT_ONLY: the list is empty"),
        ("LOGAUDIT_SKIP", "LA-API-2", "LOGAUDIT_SKIP: `LA-API-2` selects no check"),
        ("LOGAUDIT_OUTPUT", "jsn", "LOGAUDIT_OUTPUT: `jsn` is no form of a report"),
        ("LOGAUDIT_CLOUD", "maybe", "LOGAUDIT_CLOUD: `maybe`"),
        ("LOGAUDIT_BASELINE", "none.json", "the baseline of LOGAUDIT_BASELINE"),
        ("LOGAUDIT_CONFIG", "none.yaml", "cannot read the configuration none.yaml"),
    ] {
        let run = folder.tool(&["run", "--snapshot"]).arg(example("ships-nothing")).env(name, value).run();
        run.expect_refusal(&[words]);
    }
    let near = folder.tool(&["config", "show"]).env("LOGAUDIT_FAILON", "low").run();
    assert!(
        near.expect_code(0).stderr.contains("LOGAUDIT_FAILON sets nothing; did you mean LOGAUDIT_FAIL_ON?")
    );
    let far = folder.tool(&["config", "show"]).env("LOGAUDIT_CORPUS", "x").run();
    assert_eq!(far.expect_code(0).stderr, "");
}
