//! `policy diff`.

use serde_json::{Value, json};

use super::{KNOWN, eval_all, golden, rooted};
use crate::support::tool::Tool;

const POLICY: &str = "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n\
- {level: None, users: [backup]}\n\
- {level: Metadata, resources: [{group: '', resources: [secrets]}]}\n\
- {level: RequestResponse, namespaces: [prod]}\n\
- {level: Metadata}\n";

/// The same rules in another order.
const REORDERED: &str = "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n\
- {level: RequestResponse, namespaces: [prod]}\n\
- {level: Metadata, resources: [{group: '', resources: [secrets]}]}\n\
- {level: None, users: [backup]}\n\
- {level: Metadata}\n";

fn diff(before: &str, after: &str, arguments: &[&str]) -> crate::support::tool::Output {
    let tool = Tool::new();
    std::fs::write(tool.home().join("before.yaml"), before).unwrap();
    std::fs::write(tool.home().join("after.yaml"), after).unwrap();
    tool.args(["policy", "diff", "before.yaml", "after.yaml"]).args(arguments).run()
}

#[test]
fn a_policy_does_not_differ_from_itself() {
    for id in KNOWN {
        let operand = format!("known:{id}");
        let output = rooted(&["policy", "diff", &operand, &operand, "-o", "json"]).run();
        output.expect_code(0);
        assert_eq!(output.json()["differences"], json!([]));
    }
    let output = diff(POLICY, POLICY, &[]);
    output.expect_code(0);
    assert_eq!(
        output.stdout,
        "Kubernetes 1.36, before.yaml → after.yaml: no difference, both record every request alike.\n"
    );
    // What is compared is what it does, not how it is written.
    let same = POLICY.replace("[{group: '', resources: [secrets]}]", "[{resources: [secrets, secrets]}]");
    diff(POLICY, &same, &[]).expect_code(0);
}

#[test]
fn another_order_of_rules_names_the_requests_that_change() {
    for form in ["table", "wide", "markdown"] {
        let output = diff(POLICY, REORDERED, &["-o", form]);
        output.expect_code(1);
        golden(&format!("policy-diff.reordered.{form}"), &output.stdout);
    }
    let json = diff(POLICY, REORDERED, &["-o", "json"]).json();
    let list = json["differences"].as_array().unwrap();
    let in_prod = json!({"these": ["prod"]});
    let leaks = |senders: &str| {
        list.iter().any(|entry| {
            entry["leaks"] == json!(true)
                && entry["resources"] == json!(["secrets"])
                && entry["namespaces"] == in_prod
                && entry["senders"] == json!([senders])
        })
    };
    assert!(leaks("everyone else"));
    assert!(list.first().unwrap()["leaks"] == json!(true) && list.last().unwrap()["leaks"] == json!(false));
    assert!(list.iter().any(|entry| entry["senders"] == json!(["backup"]) && entry["change"] == "more"));
}

#[test]
fn published_policies_differ_as_they_did() {
    for (before, after) in
        [("gce", "kubernetes-example"), ("openshift-default", "openshift-write-request-bodies")]
    {
        let operands = [format!("known:{before}"), format!("known:{after}")];
        let output = rooted(&["policy", "diff", &operands[0], &operands[1]]).run();
        output.expect_code(1);
        golden(&format!("policy-diff.{before}.table"), &output.stdout);
        let markdown = rooted(&["policy", "diff", &operands[0], &operands[1], "-o", "markdown"]).run();
        assert!(markdown.stdout.len() < 65_536, "a comment takes no more");
    }
}

#[test]
fn every_witness_is_decided_as_both_policies_say() {
    let validator = jsonschema::validator_for(&logaudit::report::difference::schema()).unwrap();
    let mut confirmed = 0;
    for (before, after) in KNOWN.iter().zip(KNOWN.iter().skip(1)) {
        let operands = [format!("known:{before}"), format!("known:{after}")];
        let output = rooted(&["policy", "diff", &operands[0], &operands[1], "-o", "json"]).run();
        let json = output.json();
        assert!(validator.is_valid(&json), "{before} {after}");
        let list = json["differences"].as_array().unwrap();
        output.expect_code(i32::from(!list.is_empty()));
        let witnesses: Vec<&Value> = list.iter().map(|entry| &entry["witness"]).collect();
        for (id, level, rule, stages) in
            [(before, "before", "ruleBefore", "stagesBefore"), (after, "after", "ruleAfter", "stagesAfter")]
        {
            for (entry, answer) in list.iter().zip(eval_all(&["--known", id], &witnesses)) {
                assert_eq!(answer["matchedRule"], entry[rule], "{id}: {entry:#}");
                assert_eq!(answer["stages"], entry[stages], "{id}: {entry:#}");
                // Without the stage that has the bodies, or any, less is recorded than the rule asks for.
                let whole = entry[stages].as_array().unwrap().iter().any(|stage| stage != "RequestReceived");
                if whole {
                    assert_eq!(answer["level"], entry[level], "{id}: {entry:#}");
                }
                confirmed += 1;
            }
        }
    }
    assert!(confirmed > 1_000, "only {confirmed}");
}

#[test]
fn operands_that_cannot_be_are_refused() {
    let run = |operands: [&str; 2]| Tool::new().args(["policy", "diff"]).args(operands).stdin(POLICY).run();
    run(["-", "-"]).expect_refusal(&["standard input"]);
    run(["known:gc", "-"]).expect_refusal(&["did you mean `gce`?"]);
    run(["nowhere.yaml", "-"]).expect_refusal(&["nowhere.yaml"]);
    run(["known:gce", "-"]).expect_code(1);
    run(["-", "known:gce"]).expect_code(1);
}
