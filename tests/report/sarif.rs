//! SARIF, as its multitool and code scanning take it.

use std::collections::BTreeSet;
use std::fs;

use logaudit::report::format::Format;
use logaudit::verdict::{Severity, Standing};
use serde_json::Value;

use super::hostile;
use super::readers::Readers;
use super::stage::Made;
use crate::support::report::Report;
use crate::support::stage::pinned;

/// What the multitool warns of in every log of ours, and why it stays so.
const ACCEPTED: [(&str, &str); 2] =
    [("SARIF2005", "the project has no address"), ("SARIF2017", "an object of a cluster has no line")];

fn run(log: &str) -> Value {
    let log: Value = serde_json::from_str(log).unwrap();
    log["runs"][0].clone()
}

fn results(run: &Value) -> &Vec<Value> {
    run["results"].as_array().unwrap()
}

/// How many findings of a report have a result.
fn shown(report: &Report) -> usize {
    report
        .findings()
        .filter(|finding| !["pass", "not-applicable"].contains(&finding["status"].as_str().unwrap()))
        .count()
}

fn over(example: &str, form: &str) -> String {
    let file = format!("{}/examples/{example}.json", env!("CARGO_MANIFEST_DIR"));
    pinned().args(["run", "-o", form, "--snapshot", &file]).run().stdout
}

#[test]
fn the_multitool_and_code_scanning_have_nothing_against_it() {
    let Some(readers) = Readers::find() else { return };
    let mut waived = Made::on("kubeadm-default");
    waived.waive(".logaudit.yaml:3:5");
    waived.report.findings.iter_mut().for_each(|finding| finding.baseline = Some(Standing::Unchanged));
    let policy = pinned()
        .cwd(env!("CARGO_MANIFEST_DIR").as_ref())
        .args(["policy", "check", "-o", "sarif", "-f", "tests/policies/peers/leak-first.yaml"])
        .run()
        .stdout;
    let logs = [
        over("managed-no-access", "sarif"),
        over("ships-nothing", "sarif"),
        waived.render(Format::Sarif),
        hostile::rendered("sarif").1,
        policy,
    ];
    let Some(remarks) = readers.sarif(&logs) else { return };
    let is_accepted = |rule: &str| ACCEPTED.iter().any(|(known, _)| *known == rule);
    let others: Vec<_> = remarks.iter().filter(|(rule, _)| !is_accepted(rule)).collect();
    assert!(others.is_empty(), "{others:#?}");
    assert!(remarks.len() >= logs.len(), "it has not looked at all of them");
}

#[test]
fn nothing_is_lost_on_a_hostile_cluster() {
    let (report, log) = hostile::rendered("sarif");
    let run = run(&log);
    assert_eq!(results(&run).len(), shown(&report));
    let subjects = |values: &mut dyn Iterator<Item = &Value>| {
        values.map(|value| value["subject"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    let of_results = subjects(&mut results(&run).iter().map(|result| &result["properties"]));
    let of_findings = subjects(
        &mut report
            .findings()
            .filter(|finding| !["pass", "not-applicable"].contains(&finding["status"].as_str().unwrap())),
    );
    assert_eq!(of_results, of_findings);
    for result in results(&run) {
        let text = result["message"]["text"].as_str().unwrap();
        assert!(!text.contains(char::is_control), "{text:?}");
        for (at, _) in text.match_indices("](") {
            assert!(text[..at].ends_with('\\'), "a link: {text:?}");
        }
    }
}

#[test]
fn what_is_unknown_is_shown_and_is_no_failure() {
    let run = run(&over("managed-no-access", "sarif"));
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let mut kinds = BTreeSet::new();
    for result in results(&run) {
        let kind = result["kind"].as_str().unwrap();
        kinds.insert(kind.to_owned());
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
        let properties = &rule["properties"];
        if kind == "open" {
            assert_eq!(
                (&result["level"], &rule["defaultConfiguration"]["level"]),
                (&"none".into(), &"note".into())
            );
            assert!(properties.get("security-severity").is_none(), "{rule}");
        } else {
            assert_eq!(result["level"], rule["defaultConfiguration"]["level"]);
            let severity: f64 = properties["security-severity"].as_str().unwrap().parse().unwrap();
            assert!((0.1..=10.0).contains(&severity));
        }
        assert!(properties["tags"].as_array().unwrap().len() <= 10);
    }
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["fail", "open"]);
    for rule in rules {
        for field in ["text", "markdown"] {
            let help = rule["help"][field].as_str().unwrap();
            for part in ["What is looked at", "Why it matters", "How to mend it", "When a failure is fine"] {
                assert!(help.contains(part), "{help}");
            }
        }
    }
}

#[test]
fn a_rule_of_a_policy_is_marked_in_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let name = "a b#%é<i>.yaml";
    let text = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: None\n- level: Metadata\n";
    fs::write(folder.path().join(name), text).unwrap();
    let check = |path: &str| {
        let output = pinned().cwd(folder.path()).args(["policy", "check", "-o", "sarif", "-f", path]).run();
        output.expect_code(1);
        run(&output.stdout)
    };
    let here = check(name);
    let of_rule = results(&here)
        .iter()
        .find(|result| result["locations"][0]["physicalLocation"]["region"]["startLine"] == 4);
    let place = &of_rule.unwrap_or_else(|| panic!("{here:#}"))["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "a%20b%23%25%C3%A9%3Ci%3E.yaml");
    assert_eq!(place["artifactLocation"]["uriBaseId"], "%SRCROOT%");
    assert_eq!(place["region"]["startColumn"], 3);
    assert!(here["originalUriBaseIds"]["%SRCROOT%"].get("uri").is_none(), "a path of this machine");
    // The same file by another way has the same address; by an absolute one it is absolute.
    assert_eq!(results(&check(&format!("./{name}")))[0]["locations"], results(&here)[0]["locations"]);
    let absolute = check(folder.path().join(name).to_str().unwrap());
    let uri = results(&absolute)[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(uri.starts_with("file:///") && uri.ends_with("%3Ci%3E.yaml"), "{uri}");
}

#[test]
fn a_policy_that_does_not_load_is_marked_where_it_breaks() {
    let folder = tempfile::tempdir().unwrap();
    let text = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: metadata\n";
    fs::write(folder.path().join("policy.yaml"), text).unwrap();
    let check = |arguments: &[&str]| {
        pinned().cwd(folder.path()).args(["policy", "check", "-f", "policy.yaml"]).args(arguments).run()
    };
    let output = check(&["-o", "sarif"]);
    output.expect_code(1);
    let run = run(&output.stdout);
    let result = results(&run).iter().find(|result| result["ruleId"] == "LA-POL-001").unwrap();
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(
        (&place["artifactLocation"]["uri"], &place["region"]["startLine"]),
        (&"policy.yaml".into(), &4.into())
    );
    check(&["-o", "sarif", "--load-only"]).expect_refusal(&["--load-only judges nothing"]);
}

#[test]
fn manifests_have_regions_and_objects_of_a_cluster_have_names() {
    let output = pinned()
        .cwd(env!("CARGO_MANIFEST_DIR").as_ref())
        .args(["run", "-o", "sarif", "-f", "tests/collection/fixtures/promtail.yaml"])
        .run();
    let of_files = run(&output.stdout);
    let inside = results(&of_files).iter().flat_map(|result| result["locations"].as_array().unwrap()).find(
        |location| {
            location["logicalLocations"][0]["fullyQualifiedName"]
                .as_str()
                .is_some_and(|name| name.starts_with("data."))
        },
    );
    let place = &inside.unwrap_or_else(|| panic!("{of_files:#}"))["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "tests/collection/fixtures/promtail.yaml");
    assert!(place["region"]["startLine"].as_u64().unwrap() > 1);

    let of_cluster = run(&over("ships-nothing", "sarif"));
    let object = results(&of_cluster)
        .iter()
        .map(|result| &result["locations"][0])
        .find(|location| {
            location["logicalLocations"][0]["fullyQualifiedName"] == "Service logging/loki-push spec.type"
        })
        .unwrap_or_else(|| panic!("{of_cluster:#}"));
    let artifact = &object["physicalLocation"]["artifactLocation"];
    assert_eq!(
        (&artifact["uri"], &artifact["uriBaseId"]),
        (&"Service/logging/loki-push".into(), &"CLUSTER".into())
    );
}

#[test]
fn fingerprints_are_each_their_own_and_last() {
    let prints = |run: &Value| -> Vec<(String, String)> {
        let print =
            |result: &Value| result["partialFingerprints"]["logaudit/v1"].as_str().unwrap().to_owned();
        let subject = |result: &Value| format!("{} {}", result["ruleId"], result["properties"]["subject"]);
        results(run).iter().map(|result| (print(result), subject(result))).collect()
    };
    let hostile = prints(&run(&hostile::rendered("sarif").1));
    let unique: BTreeSet<&String> = hostile.iter().map(|(print, _)| print).collect();
    assert_eq!(unique.len(), hostile.len());

    let mut made = Made::on("ships-nothing");
    let before = prints(&run(&made.render(Format::Sarif)));
    for finding in &mut made.report.findings {
        finding.reason = "another".into();
        finding.evidence.clear();
    }
    assert_eq!(prints(&run(&made.render(Format::Sarif))), before, "they depend on values");
    // A fingerprint that occurs twice is counted.
    let twice = made.failure().clone();
    made.report.findings.insert(0, twice);
    let prints = prints(&run(&made.render(Format::Sarif)));
    assert_eq!(prints.iter().map(|(print, _)| print).collect::<BTreeSet<_>>().len(), prints.len());
}

#[test]
fn a_severity_of_the_users_own_is_that_of_the_rule() {
    let mut made = Made::on("kubeadm-default");
    let check = made.failure().check.clone();
    for finding in made.report.findings.iter_mut().filter(|finding| finding.check == check) {
        finding.severity = Severity::Low;
    }
    let run = run(&made.render(Format::Sarif));
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let rule = rules.iter().find(|rule| rule["id"] == check.as_str()).unwrap();
    assert_eq!(
        (&rule["defaultConfiguration"]["level"], &rule["properties"]["security-severity"]),
        (&"note".into(), &"2.0".into())
    );
}

#[test]
fn waivers_are_suppressions_and_the_baseline_a_state() {
    for (at, kind) in [
        (".logaudit.yaml:3:5", "external"),
        ("DaemonSet logging/fluent-bit metadata", "inSource"),
        ("policy.yaml:4", "inSource"),
    ] {
        let mut made = Made::on("kubeadm-default");
        made.report.files.insert("policy.yaml".into());
        made.waive(at);
        made.report.findings[0].baseline = Some(Standing::Changed);
        let run = run(&made.render(Format::Sarif));
        let waived = results(&run).iter().find(|result| result.get("suppressions").is_some()).unwrap();
        let suppression = &waived["suppressions"][0];
        assert_eq!((&suppression["kind"], &suppression["status"]), (&kind.into(), &"accepted".into()));
        assert_eq!(suppression["justification"], "the logs are kept | elsewhere");
        assert_eq!((&waived["kind"], &waived["baselineState"]), (&"fail".into(), &"updated".into()));
    }
}
