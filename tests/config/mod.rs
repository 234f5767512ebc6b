//! The configuration file, the environment and the command line, and which of them is stronger.

mod faults;
mod found;
mod overrides;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::tool::{Output, Tool};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(format!("{name}.json"))
}

/// A folder in which the program runs.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn with(config: &str) -> Self {
        let folder = Self::new();
        folder.write(".logaudit.yaml", config);
        folder
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn tool(&self, words: &[&str]) -> Tool {
        Tool::new().cwd(self.0.path()).env("SOURCE_DATE_EPOCH", "1795262400").args(words)
    }

    fn over(&self, name: &str, words: &[&str]) -> Output {
        self.tool(&["run", "-o", "json", "--snapshot"]).arg(example(name)).args(words).run()
    }
}

/// What `config show` says of a setting: its value and where that comes from.
fn shown(tool: &Tool, setting: &str) -> (Value, String) {
    let shown = tool.run().expect_code(0).json();
    let rows = shown["settings"].as_array().unwrap();
    let row = rows.iter().find(|row| row["setting"] == setting).unwrap();
    (row["value"].clone(), row["from"].as_str().unwrap().to_owned())
}

#[test]
fn the_environment_is_stronger_than_the_file_and_the_command_line_than_both() {
    let folder = Folder::with(
        "# comment\nfail-on: medium\nskip: [LA-API-002]\nfail-on-unknown: true\nmin-score: 10\n",
    );
    let show = |words: &[&str]| folder.tool(&["config", "show", "-o", "json"]).args(words);
    let bare = || show(&[]);
    assert_eq!(shown(&bare(), "fail-on"), ("medium".into(), ".logaudit.yaml:2:10".into()));
    assert_eq!(shown(&bare(), "severity"), (Value::Null, "default".into()));
    let set = || bare().env("LOGAUDIT_FAIL_ON", "low").env("LOGAUDIT_FAIL_ON_UNKNOWN", "false");
    assert_eq!(shown(&set(), "fail-on"), ("low".into(), "LOGAUDIT_FAIL_ON".into()));
    assert_eq!(shown(&set(), "fail-on-unknown"), (false.into(), "LOGAUDIT_FAIL_ON_UNKNOWN".into()));
    let flag =
        show(&["--fail-on", "never", "--skip", "LA-API-003,LA-API-004"]).env("LOGAUDIT_FAIL_ON", "low");
    assert_eq!(shown(&flag, "fail-on"), ("never".into(), "--fail-on".into()));
    assert_eq!(shown(&flag, "skip").0, serde_json::json!(["LA-API-003", "LA-API-004"]));
    assert_eq!(shown(&flag, "min-score").1, ".logaudit.yaml:5:12");
    assert_eq!(shown(&show(&["--no-config"]), "fail-on"), ("high".into(), "default".into()));
    // An empty variable is one that is not set.
    assert_eq!(shown(&bare().env("LOGAUDIT_FAIL_ON", ""), "fail-on").0, "medium");
}

#[test]
fn settings_take_effect() {
    let name = "ships-nothing";
    Folder::new().over(name, &[]).expect_code(1);
    Folder::with("fail-on: critical\n").over(name, &[]).expect_code(0);
    Folder::with("fail-on: critical\nmin-score: 99\n").over(name, &[]).expect_code(1);
    let only = Folder::with("only: [LA-COL-046]\n").over(name, &[]).report();
    assert_eq!(only.verdicts().len(), 1);
    let hidden = Folder::with("severity: high\n").over(name, &[]).report();
    assert!(
        hidden
            .findings()
            .all(|finding| ["high", "critical"].contains(&finding["severity"].as_str().unwrap()))
    );
    let frameworks = Folder::with("framework: [pci-dss]\n").over(name, &[]).report();
    assert_eq!(frameworks.0["frameworks"].as_array().unwrap().len(), 1);
    let csv = Folder::with("output: [csv]\n").tool(&["run", "--snapshot"]).arg(example(name)).run();
    assert!(csv.stdout.starts_with("check,"), "{}", csv.stdout);
    let variable =
        Folder::new().tool(&["run", "--snapshot"]).arg(example(name)).env("LOGAUDIT_OUTPUT", "yaml").run();
    assert!(variable.stdout.starts_with("schemaVersion:"), "{}", variable.stdout);
}

#[test]
fn paths_start_from_the_folder_of_the_file() {
    let folder = Folder::new();
    let check = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("checks/README.md")).unwrap();
    let check = check.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    folder.write("ci/own/check.yaml", check);
    folder.write(
        "ci/settings.yaml",
        "checks: [own]\nonly: [ACME-AUDIT-001]\nseverities: {ACME-AUDIT-001: low}\n",
    );
    let report = folder.over("kubeadm-hardened", &["--config", "ci/settings.yaml"]).report();
    assert_eq!(report.verdicts().keys().collect::<Vec<_>>(), ["ACME-AUDIT-001"]);
    assert!(report.of("ACME-AUDIT-001").iter().all(|finding| finding["severity"] == "low"));
}

#[test]
fn a_file_can_be_begun_validated_and_is_never_overwritten() {
    let folder = Folder::new();
    folder.tool(&["config", "init"]).run().expect_code(0);
    let written = fs::read_to_string(folder.0.path().join(".logaudit.yaml")).unwrap();
    folder.tool(&["config", "init"]).run().expect_refusal(&[".logaudit.yaml is there already"]);
    let valid = folder.tool(&["config", "validate"]).run();
    assert_eq!(valid.expect_code(0).stdout, ".logaudit.yaml is valid: 0 overrides, 0 waivers\n");
    // Every setting that is commented out is one, and all of them together are valid.
    let all: String = written
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.starts_with("  ") || is_setting(rest) => format!("{rest}\n"),
            _ => "\n".to_owned(),
        })
        .collect();
    for name in ["logaudit/checks", "logaudit/frameworks"] {
        assert!(all.contains(name));
    }
    let all = all.replace("checks: [logaudit/checks]", "").replace("frameworks: [logaudit/frameworks]", "");
    let all = all.replace("baseline: logaudit-baseline.json", "");
    folder.write("all.yaml", &all);
    let output = folder.tool(&["config", "validate", "all.yaml"]).run();
    assert!(output.expect_code(0).stdout.contains("1 waiver"), "{all}\n{output:?}");
    let keys: Vec<&str> = all.lines().filter(|line| is_setting(line)).collect();
    assert!(keys.len() >= 13, "{keys:?}");
}

/// `key: value`, with a key that is one word.
fn is_setting(line: &str) -> bool {
    line.split_once(':')
        .is_some_and(|(key, _)| !key.is_empty() && key.chars().all(|c| c.is_ascii_lowercase() || c == '-'))
}

#[test]
fn the_schema_and_the_reader_agree() {
    let schema = logaudit::config::file::schema();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for (text, is_valid) in [
        (
            "fail-on: never\nmin-score: 5\nonly: [a]\nwaivers: [{check: A-B-001, reason: r, until: 2027-01-01}]",
            true,
        ),
        (
            "params: {LA-RET-011: {minDays: 3}}\nthresholds: {retention-days: 3}\nseverities: {LA-RET-011: low}",
            true,
        ),
        ("fail-onn: low", false),
        ("fail-on: 3", false),
        ("min-score: 101", false),
        ("waivers: [{check: A-B-001}]", false),
        ("waivers: [{check: A-B-001, reason: r, unti: x}]", false),
        ("severities: {LA-RET-011: worst}", false),
        ("only: LA-API-002", false),
    ] {
        let value: Value = serde_yaml::from_str(text).unwrap();
        assert_eq!(validator.is_valid(&value), is_valid, "{text}");
        let known = text.replace("A-B-001", "LA-API-002").replace("only: [a]", "only: [apiserver]");
        let folder = Folder::new();
        folder.write("x.yaml", &known);
        let code = folder.tool(&["config", "validate", "x.yaml"]).run().code;
        assert_eq!(code, Some(if is_valid { 0 } else { 2 }), "{text}");
    }
}
