//! The forms of a report and where they go.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{example, over, run};
use crate::support::stage::pinned;
use crate::support::tool::Output;

const EXAMPLES: [&str; 6] = [
    "ha-drift",
    "kubeadm-default",
    "kubeadm-hardened",
    "looks-audited",
    "managed-no-access",
    "ships-nothing",
];

impl Output {
    /// The report for people; the run must have done its job.
    pub(super) fn report_text(&self) -> &str {
        assert!(matches!(self.code, Some(0 | 1)) && self.stderr.is_empty(), "{self:#?}");
        assert!(self.stdout.ends_with('\n'), "{self:#?}");
        &self.stdout
    }
}

#[test]
fn json_follows_its_schema() {
    let schema = logaudit::report::json::schema();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for name in EXAMPLES {
        for args in [&[][..], &["--only", "retention", "--severity", "medium"]] {
            let report = over(name).args(["-o", "json"]).args(args).run().json();
            let errors: Vec<String> = validator
                .iter_errors(&report)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(errors.is_empty(), "{name}: {errors:#?}");
        }
    }
    assert!(!validator.is_valid(&serde_json::json!({"schemaVersion": 1})));
}

#[test]
fn yaml_is_the_same_tree_as_json() {
    for name in EXAMPLES {
        let json = over(name).args(["-o", "json"]).run().json();
        let yaml: Value = serde_yaml::from_str(&over(name).args(["-o", "yaml"]).run().stdout).unwrap();
        assert_eq!(yaml, json, "{name}");
    }
}

#[test]
fn the_same_snapshot_gives_the_same_bytes_whatever_the_time() {
    for form in ["table", "wide", "json", "yaml"] {
        let now = over("ha-drift").args(["-o", form]).run();
        let later = over("ha-drift").args(["-o", form]).env("SOURCE_DATE_EPOCH", "2000000000");
        let narrow = later.env("COLUMNS", "20").env("LANG", "tr_TR.UTF-8").env("TZ", "Asia/Tokyo").run();
        assert_eq!(narrow.stdout, now.stdout, "{form}");
    }
}

#[test]
fn quiet_leaves_what_failed_and_the_last_lines() {
    let whole = over("looks-audited").run();
    let quiet = over("looks-audited").arg("-q").run();
    let text = quiet.report_text();
    assert!(text.contains("LA-API-002") && text.contains("Do first:"), "{text}");
    assert!(!text.contains("FRAMEWORK") && !text.contains("Cluster") && !text.contains("Score"), "{text}");
    assert!(text.lines().all(|line| line.is_empty() || whole.stdout.contains(line)), "{text}");
    assert_eq!(quiet.code, whole.code);
    assert!(over("kubeadm-hardened").arg("-q").run().report_text().lines().count() <= 3);
}

#[test]
fn headings_can_be_left_out() {
    for heading in ["STATUS", "FRAMEWORK", "K05:2022"] {
        assert!(over("ha-drift").run().report_text().contains(heading));
        assert!(!over("ha-drift").arg("--no-headers").run().report_text().contains(heading));
    }
    assert!(!run(&["checks", "list", "--no-headers"]).stdout.contains("SEVERITY"));
}

#[test]
fn wide_shows_every_finding_with_its_evidence() {
    let wide = over("kubeadm-hardened").args(["-o", "wide"]).run();
    let text = wide.report_text();
    for word in [
        "EVIDENCE",
        "RANK",
        "observed",
        "configured",
        "Pod kube-system/kube-apiserver-cp1 spec.containers[0]",
    ] {
        assert!(text.contains(word), "{word}\n{text}");
    }
    let report = over("kubeadm-hardened").args(["-o", "json"]).run().report();
    for finding in report.findings() {
        // Checks that are unknown for the same reason share a line: `LA-POL-001,002`.
        let check = finding["check"].as_str().unwrap();
        let (_, number) = check.rsplit_once('-').unwrap();
        assert!(text.contains(check) || text.contains(&format!(",{number}")), "{check}");
    }
}

#[test]
fn colour_is_for_terminals_and_for_whoever_asks() {
    let has_colour = |args: &[&str], variables: &[(&str, &str)]| {
        let tool =
            variables.iter().fold(over("ha-drift").args(args), |tool, (name, value)| tool.env(name, value));
        tool.run().report_text().contains('\u{1b}')
    };
    assert!(!has_colour(&[], &[("TERM", "xterm-256color")]), "a file is no terminal");
    assert!(has_colour(&["--color", "always"], &[]));
    assert!(has_colour(&["--color", "always"], &[("NO_COLOR", "1")]), "a flag comes before the environment");
    assert!(!has_colour(&["--color", "never"], &[]));
    assert!(!has_colour(&["--color", "auto"], &[("NO_COLOR", "1")]));
    for form in ["json", "yaml"] {
        assert!(!has_colour(&["--color", "always", "-o", form], &[]), "{form}");
    }
}

#[test]
fn a_report_goes_to_a_file_whole() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    fs::write(&file, "an older report").unwrap();
    let output = over("ha-drift").args(["-o", "json", "--output-file"]).arg(&file).run();
    output.expect_code(1);
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("", ""));
    assert_eq!(fs::read_to_string(&file).unwrap(), over("ha-drift").args(["-o", "json"]).run().stdout);
    // A name without a folder is one in the working folder.
    let here = over("ha-drift").cwd(folder.path()).args(["-o", "yaml", "--output-file", "report.yaml"]).run();
    here.expect_code(1);
    assert!(folder.path().join("report.yaml").is_file());
    assert_eq!(entries(folder.path()), ["report.json", "report.yaml"]);
    let to_device = over("ha-drift").args(["--output-file", "/dev/null"]).run();
    to_device.expect_code(1);
}

fn entries(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_run_that_fails_leaves_the_older_report_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    fs::write(&file, "an older report").unwrap();
    for input in [&["--snapshot", "/nowhere.json"][..], &["-f", "/nowhere.yaml"], &["--only", "nothing"], &[]]
    {
        let output = pinned().args(["run", "--output-file"]).arg(&file).args(input).run();
        output.expect_refusal(&[]);
        assert_eq!(fs::read_to_string(&file).unwrap(), "an older report", "{input:?}");
    }
    assert_eq!(entries(folder.path()), ["report.json"]);
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let in_a_file = format!("{}/x", example("ha-drift").display());
    for place in [folder.path().to_str().unwrap(), "/nowhere/report", "/proc/report", in_a_file.as_str()] {
        let output = over("ha-drift").args(["--output-file", place]).run();
        output.expect_refusal(&["cannot write", place]);
        assert!(!output.stderr.contains(".logaudit-"), "{}", output.stderr);
    }
    assert!(entries(folder.path()).is_empty());
}
