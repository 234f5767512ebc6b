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
        "LA-RET-012 maxDays: it must be int, and this is string",
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
        ("fail-on: [low]\n", &[".logaudit.yaml:1:"]),
        ("- a\n", &[".logaudit.yaml:1:"]),
        ("fail-on: low\nfail-on: high\n", &["duplicate", ".logaudit.yaml:2:"]),
        ("a: &a [*a]\n", &[".logaudit.yaml"]),
        ("fail-on: low: high\n", &[".logaudit.yaml:1:"]),
        ("only: \"\u{1b}[31m\n", &[".logaudit.yaml"]),
    ] {
        let output = Folder::with(text).over("ships-nothing", &[]);
        output.expect_refusal(words);
        assert!(!output.stderr.contains('\u{1b}'));
    }
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
