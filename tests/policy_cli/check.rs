//! `policy check`: the gate, the contract of its JSON, and what the server says of 1,100 texts.

use std::path::PathBuf;

use serde_json::Value;

use super::{golden, policy_file, rooted, vectors};
use crate::support::tool::Tool;

fn peer(name: &str) -> String {
    format!("tests/policies/peers/{name}.yaml")
}

fn failed(output: &Value, severities: &[&str]) -> Vec<String> {
    let findings = output["findings"].as_array().unwrap().iter();
    let failed = findings.filter(|finding| {
        finding["status"] == "fail" && severities.contains(&finding["severity"].as_str().unwrap())
    });
    let mut list: Vec<String> = failed
        .map(|finding| {
            format!("{} {}", finding["check"].as_str().unwrap(), finding["subject"].as_str().unwrap())
        })
        .collect();
    list.sort();
    list
}

fn json(arguments: &[&str], code: i32) -> Value {
    let output = rooted(&["policy", "check", "-o", "json"]).args(arguments).run();
    output.expect_code(code);
    let answer = serde_json::from_str(&output.stdout).unwrap();
    follows_its_schema(&answer);
    answer
}

fn follows_its_schema(answer: &Value) {
    let validator = jsonschema::validator_for(&logaudit::cli::check_schema()).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(answer).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    assert_eq!(answer["schemaVersion"], 1);
}

/// Policies that tools which match text get wrong.
#[test]
fn policies_that_fool_others() {
    for (name, code, must) in [
        ("drops-all-first", 1, vec!["LA-POL-002", "LA-POL-030", "LA-POL-032"]),
        ("one-namespace-only", 1, vec!["LA-POL-030", "LA-POL-037", "LA-POL-047"]),
        ("leak-first", 1, vec!["LA-POL-020", "LA-POL-021", "LA-POL-022"]),
        ("none-only", 1, vec!["LA-POL-002", "LA-POL-030", "LA-POL-062"]),
        ("metadata-for-all", 0, vec![]),
    ] {
        let answer = json(&["-f", &peer(name)], code);
        let list = failed(&answer, &["critical", "high", "medium", "low"]);
        for check in must.into_iter().filter(|check| *check != "LA-POL-062") {
            assert!(list.iter().any(|failed| failed.starts_with(check)), "{name}: {check} in {list:#?}");
        }
        let high = failed(&answer, &["critical", "high"]);
        assert_eq!(high.is_empty(), code == 0, "{name}: {high:#?}");
        if name == "leak-first" {
            assert!(
                high.iter().all(|failed| failed.starts_with("LA-POL-02")),
                "it leaks and misses nothing: {high:#?}"
            );
        }
    }
}

#[test]
fn the_example_of_the_documentation_leaks_config_maps_of_kube_system_and_nothing_else() {
    let answer = json(&["--known", "kubernetes-example"], 1);
    assert_eq!(failed(&answer, &["critical", "high"]), ["LA-POL-022 ConfigMaps"]);
    let findings = answer["findings"].as_array().unwrap();
    let leak = findings.iter().find(|finding| finding["check"] == "LA-POL-022").unwrap();
    assert!(leak["reason"].as_str().unwrap().contains("in kube-system"), "{leak}");
    for id in ["rke2-default", "gardener-default", "openshift-none"] {
        json(&["--known", id], 1);
    }
    json(&["--known", "talos"], 0);
}

#[test]
fn reports_for_people() {
    for (name, arguments) in [
        ("leak-first", vec!["-f", "tests/policies/peers/leak-first.yaml"]),
        ("nodes-first", vec!["-f", "tests/policies/nodes-first.yaml", "-o", "wide", "--severity", "high"]),
    ] {
        let output = rooted(&["policy", "check"]).args(&arguments).run();
        output.expect_code(1);
        golden(&format!("policy-check.{name}"), &output.stdout);
    }
}

#[test]
fn a_policy_that_is_refused_is_drawn_and_is_a_finding() {
    let text = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadatas\n  verb: [get]\n";
    let output = Tool::new().args(["policy", "check", "-f", "-"]).stdin(text).run();
    output.expect_code(1);
    golden("policy-check.refused", &output.stdout);
    let output = Tool::new().args(["policy", "check", "-f", "-", "-o", "json"]).stdin(text).run();
    output.expect_code(1);
    let answer: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!((&answer["valid"], &answer["policy"]), (&Value::Bool(false), &Value::Null));
    let [error] = answer["errors"].as_array().unwrap().as_slice() else { panic!("{answer}") };
    assert_eq!(
        (&error["field"], &error["line"], &error["column"]),
        (&"rules[0].level".into(), &4.into(), &10.into())
    );
    assert_eq!(answer["warnings"][0]["field"], "rules[0].verb");
    follows_its_schema(&answer);
    assert!(output.stdout.starts_with("{\n  \"schemaVersion\": 1,"), "{}", output.stdout);
    for arguments in [vec!["policy", "check"], vec!["policy", "check", "-f", "no-such-file"]] {
        Tool::new().args(arguments).run().expect_code(2);
    }
}

#[test]
fn a_policy_that_only_old_servers_read() {
    let text = "apiVersion: audit.k8s.io/v1beta1\nkind: Policy\nrules:\n- level: Metadata\n";
    let check = |version: &str| {
        let output = Tool::new()
            .args(["policy", "check", "-f", "-", "-o", "json", "--kubernetes", version])
            .stdin(text)
            .run();
        serde_json::from_str::<Value>(&output.stdout).unwrap()
    };
    assert_eq!(check("1.36")["valid"], false);
    let old = check("1.23");
    assert_eq!(old["valid"], true);
    assert!(failed(&old, &["medium"]).iter().any(|failed| failed.starts_with("LA-POL-004")), "{old}");
}

/// Every text for which the loader's verdict is known, through the command line.
#[test]
fn texts_load_as_in_the_server() {
    let all = vectors("audit-policy-loading");
    let halves: Vec<&[Value]> = all.chunks(all.len().div_ceil(2)).collect();
    std::thread::scope(|scope| {
        for half in halves {
            scope.spawn(move || {
                for vector in half {
                    let output = Tool::new()
                        .args(["policy", "check", "-f", "-", "-o", "json", "--load-only"])
                        .stdin(vector["text"].as_str().unwrap())
                        .run();
                    let answer: Value = serde_json::from_str(&output.stdout)
                        .unwrap_or_else(|error| panic!("{}: {error}: {}", vector["id"], output.stderr));
                    let expected = &vector["expected"];
                    assert_eq!(answer["valid"], expected["valid"], "{vector:#}");
                    output.expect_code(i32::from(expected["valid"] == false));
                    if expected["valid"] == true {
                        assert_eq!(answer["policy"], expected["policy"], "{vector:#}");
                    }
                }
            });
        }
    });
}

#[test]
fn every_real_policy_gets_a_verdict() {
    let mut files: Vec<PathBuf> = Vec::new();
    for vector in vectors("audit-policy-corpus-loading") {
        files.extend(policy_file(vector["policyFile"].as_str().unwrap()));
    }
    for file in &files {
        let output = Tool::new().args(["policy", "check", "-o", "json", "-f", file.to_str().unwrap()]).run();
        let answer: Value = serde_json::from_str(&output.stdout).unwrap();
        let findings = answer["findings"].as_array().unwrap();
        assert_eq!(answer["valid"] == true, !findings.is_empty(), "{}", file.display());
        let unknown = findings.iter().filter(|finding| finding["status"] == "unknown").count();
        assert_eq!(unknown, 0, "{}", file.display());
    }
    println!("{} policies", files.len());
}
