//! `policy test`.

use serde_json::json;

use crate::support::tool::{Output, Tool};

const POLICY: &str = "\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  users: [bob]
- level: Metadata
  resources: [{group: '', resources: [secrets, pods/exec]}]
  omitManagedFields: true
";

/// Runs a table, as a file beside the policy.
fn run(table: &str, arguments: &[&str]) -> Output {
    let tool = Tool::new();
    std::fs::write(tool.home().join("policy.yaml"), POLICY).unwrap();
    std::fs::create_dir(tool.home().join("ci")).unwrap();
    std::fs::write(tool.home().join("ci/tests.yaml"), table).unwrap();
    tool.args(["policy", "test", "ci/tests.yaml"]).args(arguments.iter().copied()).run()
}

#[test]
fn the_example_of_the_documentation_holds() {
    let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/policy-tests.md")).unwrap();
    let blocks: Vec<&str> =
        docs.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix("yaml\n")).collect();
    let [policy, table, ..] = blocks.as_slice() else { panic!("a policy and a table: {blocks:#?}") };
    let tool = Tool::new();
    std::fs::write(tool.home().join("audit-policy.yaml"), policy).unwrap();
    std::fs::write(tool.home().join("audit-policy-tests.yaml"), table).unwrap();
    let output = tool.args(["policy", "test", "audit-policy-tests.yaml"]).run();
    output.expect_code(1);
    assert!(docs.contains(&format!("```\n{}```", output.stdout)), "{}", output.stdout);
}

#[test]
fn a_failure_says_what_was_expected_and_which_rule_decided() {
    let table = "\
policy: ../policy.yaml
tests:
- name: exec is recorded
  request: {method: POST, url: '/api/v1/namespaces/x/pods/y/exec?command=sh', user: [bob, eve]}
  atLeast: Metadata
- request: {verb: get, resource: secrets, namespace: prod, name: [db, tls]}
  level: [Metadata, Request]
  stages: ResponseComplete
  rule: 1
  omitManagedFields: true
- name: none matches
  request: {verb: list, resource: pods}
  rule: none
  level: None
";
    let output = run(table, &[]);
    output.expect_code(1);
    assert_eq!(
        output.stdout,
        "\
FAIL ci/tests.yaml:3: exec is recorded (1 of 2 requests)
       bob create pods/exec named y in x
         expected at least level Metadata, got None
         decided by rules[0] at ci/../policy.yaml:5:3
ok   ci/tests.yaml:6: alice@example.com get secrets named db in prod (2 requests)
ok   ci/tests.yaml:11: none matches
2 passed, 1 failed
"
    );
    let json = run(table, &["-o", "json", "-f", "policy.yaml"]);
    json.expect_code(1);
    let json = json.json();
    assert_eq!((&json["passed"], &json["failed"]), (&json!(2), &json!(1)));
    let failure = &json["tests"][0]["failures"][0];
    assert_eq!(failure["ruleAt"], "policy.yaml:5:3");
    assert_eq!(failure["request"]["subresource"], "exec");
    assert_eq!((&failure["level"], &failure["matchedRule"]), (&json!("None"), &json!(0)));
}

#[test]
fn every_expectation_can_fail() {
    for (expectation, message) in [
        ("level: Request", "expected level Request, got Metadata"),
        ("level: [None, Request]", "expected level None or Request, got Metadata"),
        ("atLeast: Request", "expected at least level Request, got Metadata"),
        ("atMost: None", "expected at most level None, got Metadata"),
        ("stages: [Panic]", "expected stages Panic, got ResponseComplete"),
        ("stages: []", "expected stages none, got ResponseComplete"),
        ("rule: 0", "expected rules[0] to decide"),
        ("rule: 'rules[7]'", "expected rules[7] to decide"),
        ("rule: none", "expected no rule to match"),
        ("omitManagedFields: false", "expected omitManagedFields false, got true"),
    ] {
        let table = format!("tests:\n- request: {{verb: get, resource: secrets}}\n  {expectation}\n");
        let output = run(&table, &["-f", "policy.yaml"]);
        output.expect_code(1);
        assert!(output.stdout.contains(message), "{message}: {}", output.stdout);
    }
}

#[test]
fn a_verb_without_a_name_in_its_url_is_sent_without_one() {
    let policy = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n  resources: [{group: '', resources: [secrets], resourceNames: [db]}]\n";
    let table = "tests:\n\
         - {request: {verb: [create, list, watch, deletecollection], resource: secrets, name: [db, tls]}, level: None}\n\
         - {request: {verb: [get, update, patch, delete], resource: secrets, name: db}, level: Metadata}\n";
    let tool = Tool::new();
    std::fs::write(tool.home().join("tests.yaml"), table).unwrap();
    let output = tool.args(["policy", "test", "-f", "-", "tests.yaml", "-o", "json"]).stdin(policy).run();
    output.expect_code(0);
    assert_eq!(output.json()["tests"][0]["requests"], 4);
}

#[test]
fn the_servers_version_comes_from_the_flag_or_the_table() {
    let policy =
        "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- {level: Metadata, resources: [{group: '*'}]}\n";
    let run = |version: &str, arguments: &[&str]| {
        let tool = Tool::new();
        let table = format!(
            "kubernetes: '{version}'\ntests:\n- {{request: {{verb: get, resource: x.y}}, level: Metadata}}\n"
        );
        std::fs::write(tool.home().join("tests.yaml"), table).unwrap();
        tool.args(["policy", "test", "-f", "-", "tests.yaml"]).args(arguments).stdin(policy).run()
    };
    run("1.36", &[]).expect_code(0);
    run("1.35", &[]).expect_refusal(&["1.35", "does not start"]);
    run("1.35", &["--kubernetes", "1.36"]).expect_code(0);
}

#[test]
fn what_cannot_be_tested_ends_with_2_and_says_where() {
    let request = "request: {verb: get, resource: secrets}";
    for (table, words) in [
        ("", &["no tests"][..]),
        ("# nothing\n\n", &["no tests"]),
        ("tests: []", &["empty"]),
        ("test: []", &["tests.yaml:1:1", "did you mean `tests`"]),
        ("rules: []", &["looks like a policy"]),
        ("tests:\n- requst: {}", &["tests.yaml:2:3", "did you mean `request`"]),
        (&format!("tests:\n- {request}"), &["2:3", "expects nothing"]),
        (&format!("tests:\n- {request}\n  level: []"), &["3:10", "no level"]),
        (&format!("tests:\n- {request}\n  level: metadata"), &["tests.yaml:3:", "did you mean `Metadata`"]),
        (&format!("tests:\n- {request}\n  levl: None"), &["3:3", "did you mean `level`"]),
        (&format!("tests:\n- {request}\n  level: None\n  level: None"), &["4:3", "given twice"]),
        (&format!("tests:\n- {request}\n  rule: -1"), &["rule"]),
        (
            &format!("kubernetes: latest\ntests:\n- {request}\n  level: None"),
            &["1:13", "no Kubernetes version"],
        ),
        ("tests:\n- {request: [], level: None}", &["lists no request"]),
        (
            "tests:\n- {request: {verb: escalate, resource: roles}, level: None}",
            &["2:13", "no verb of a request"],
        ),
        ("tests:\n- {request: {verb: GET, resource: pods}, level: None}", &["did you mean `get`"]),
        ("tests:\n- {request: {verb: get}, level: None}", &["`verb` and `resource`"]),
        ("tests:\n- {request: {verb: get, resource: '*'}, level: None}", &["one resource"]),
        ("tests:\n- {request: {verb: get, resource: pods, subresource: exec}, level: None}", &["pods/exec"]),
        ("tests:\n- {request: {verb: [], resource: pods}, level: None}", &["`verb` is an empty list"]),
        ("tests:\n- {request: {verb: get, resource: pods, name: 5}, level: None}", &["quotes"]),
        ("tests:\n- {request: {method: GET}, level: None}", &["`method` and `url` go together"]),
        ("tests:\n- {request: {method: get, url: /api}, level: None}", &["no HTTP method"]),
        ("tests:\n- {request: {method: GET, url: /api/%zz}, level: None}", &["no URL"]),
        ("tests:\n- {request: {method: GET, url: /api, name: x}, level: None}", &["say all of a request"]),
        (
            "tests:\n- {request: {unauthenticated: true, user: x, method: GET, url: /}, level: None}",
            &["neither user"],
        ),
        (
            "tests:\n- request:\n  - {verb: get, resource: pods}\n  - {verb: get}\n  level: None",
            &["tests.yaml:4:5"],
        ),
        ("tests: [", &["tests.yaml:1:"]),
    ] {
        run(table, &["-f", "policy.yaml"]).expect_refusal(words);
    }
    let valid = format!("tests:\n- {request}\n  level: None\n");
    run(&valid, &[]).expect_refusal(&["names no policy", "-f"]);
    run(&format!("policy: nowhere.yaml\n{valid}"), &[]).expect_refusal(&["ci/nowhere.yaml"]);
    run(&valid, &["-f", "-", "-"]).expect_refusal(&["standard input"]);
}

#[test]
fn a_test_stands_for_so_many_requests_at_most() {
    let names: Vec<String> = (0..101).map(|number| format!("n{number}")).collect();
    let names = names.join(", ");
    let table = format!(
        "tests:\n- {{request: {{verb: get, resource: secrets, user: [{names}], name: [{names}]}}, level: Metadata}}\n"
    );
    run(&table, &["-f", "policy.yaml"]).expect_refusal(&["more than 10000 requests"]);
    let failing = table.replacen(&names, "a, b, c, d", 1).replace("Metadata", "None");
    let output = run(&failing, &["-f", "policy.yaml"]);
    output.expect_code(1);
    assert!(
        output.stdout.contains("404 of 404") && output.stdout.contains("and 399 more"),
        "{}",
        output.stdout
    );
}
