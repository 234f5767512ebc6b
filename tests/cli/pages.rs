//! What is told about checks, frameworks, facts and completion.

use std::path::Path;

use serde_json::Value;

use super::{example, run};
use crate::support::stage::pinned;

#[test]
fn checks_are_listed_and_shown() {
    let table = run(&["checks", "list"]);
    let lines: Vec<&str> = table.expect_code(0).stdout.lines().collect();
    assert!(lines[0].starts_with("ID") && lines.len() > 30, "{}", table.stdout);
    let json = run(&["checks", "list", "-o", "json"]).json();
    let yaml: Value = serde_yaml::from_str(&run(&["checks", "list", "-o", "yaml"]).stdout).unwrap();
    assert_eq!(json, yaml);
    let checks = json.as_array().unwrap();
    assert_eq!(checks.len(), lines.len() - 1);
    for check in checks.iter().step_by(6) {
        let id = check["id"].as_str().unwrap();
        let shown = run(&["checks", "show", id]);
        let text = &shown.expect_code(0).stdout;
        for heading in
            ["What is checked", "Why it matters", "How to fix", "When it is fine", "Passes if", "Answers"]
        {
            assert!(text.contains(heading), "{id}: {heading}");
        }
        assert!(text.starts_with(id) && text.contains(check["title"].as_str().unwrap()), "{text}");
    }
    run(&["checks", "show", "LA-API-999"]).expect_refusal(&["there is no check `LA-API-999`", "checks list"]);
}

#[test]
fn entries_of_the_catalogue_of_requests_are_shown() {
    for (id, parts) in [
        (
            "RC-01",
            &["RC-01  Reads of Secrets", "severity critical", "get, list, watch secrets", "nodes", "T1552"][..],
        ),
        ("rc-10", &["RC-10  ", "in kube-public", "RequestResponse to investigate"]),
        ("body-configmaps", &["BODY-CONFIGMAPS  ConfigMaps", "severity high", "coredns", "Except"]),
        ("NOISE-DISCOVERY", &["a gap in the classes", "nonResourceURLs"]),
    ] {
        let shown = run(&["checks", "show", id]);
        for part in parts {
            assert!(shown.expect_code(0).stdout.contains(part), "{part}: {}", shown.stdout);
        }
    }
    run(&["checks", "show", "RC-1"]).expect_refusal(&["did you mean `RC-01`?"]);
    run(&["checks", "show", "BODY-SECRET"]).expect_refusal(&["did you mean `BODY-SECRETS`?"]);
}

#[test]
fn frameworks_are_listed_and_shown() {
    let list = run(&["frameworks", "list", "-o", "json"]).json();
    let frameworks = list.as_array().unwrap();
    assert!(frameworks.len() >= 3);
    for framework in frameworks {
        let id = framework["id"].as_str().unwrap();
        assert!(run(&["frameworks", "list"]).stdout.contains(id));
        let shown = run(&["frameworks", "show", id]);
        assert!(shown.expect_code(0).stdout.contains(framework["name"].as_str().unwrap()));
        assert_eq!(run(&["frameworks", "show", id, "-o", "json"]).json()["id"], id);
    }
    run(&["frameworks", "show", "cis-kubernetes@1.12"]).expect_code(0);
    run(&["frameworks", "show", "cis-kubernetes@0.1"]).expect_refusal(&["no edition `0.1`"]);
}

#[test]
fn facts_follow_their_schema() {
    let schema = run(&["facts", "--schema", "-o", "json"]).json();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for name in ["ha-drift", "managed-no-access"] {
        let facts = pinned().args(["facts", "-o", "json", "--snapshot"]).arg(example(name)).run().json();
        let errors: Vec<String> =
            validator.iter_errors(&facts["facts"]).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
        assert!(facts["known"].is_object() && facts["unknown"].is_object());
    }
    run(&["facts", "--schema", "--snapshot", "x"]).expect_refusal(&["--schema"]);
}

#[test]
fn completion_scripts_are_made_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let script = run(&["completion", shell]);
        let text = &script.expect_code(0).stdout;
        for word in ["kubectl-logaudit", "snapshot", "fail-on"] {
            assert!(text.contains(word), "{shell}: {word}");
        }
        assert!(script.stderr.is_empty());
    }
}

#[test]
fn the_completion_script_for_bash_is_bash() {
    let bash = Path::new("/bin/bash");
    if !bash.exists() {
        eprintln!("skipped: there is no bash");
        return;
    }
    let script = run(&["completion", "bash"]).stdout;
    let checked = pinned().args(["-n"]).stdin(&script).run_program(bash);
    assert_eq!((checked.code, checked.stderr.as_str()), (Some(0), ""));
    let try_it = format!("{script}\ncomplete -p kubectl-logaudit\n");
    let loaded = pinned().args(["--norc"]).stdin(try_it).run_program(bash);
    assert!(loaded.expect_code(0).stdout.contains("kubectl-logaudit"), "{loaded:#?}");
}
