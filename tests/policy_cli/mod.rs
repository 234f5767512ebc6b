//! `policy` through the command line, against the verdicts of the real kube-apiserver.

mod check;
mod coverage;
mod diff;
mod generate;
mod hostile;
mod profiles;
mod tables;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::tool::Tool;

/// The published policies.
const KNOWN: [&str; 13] = [
    "aks",
    "eks",
    "gardener-default",
    "gce",
    "k3s-hardening",
    "kubernetes-example",
    "kubespray-default",
    "openshift-all-request-bodies",
    "openshift-default",
    "openshift-none",
    "openshift-write-request-bodies",
    "rke2-default",
    "talos",
];

/// A run in the root of the repository.
fn rooted(arguments: &[&str]) -> Tool {
    Tool::new().cwd(Path::new(env!("CARGO_MANIFEST_DIR"))).args(arguments)
}

/// What a policy makes of requests.
fn eval_all(source: &[&str], requests: &[&Value]) -> Vec<Value> {
    let lines: String = requests.iter().map(|request| format!("{request}\n")).collect();
    let output =
        rooted(&["policy", "eval", "--requests", "-", "-o", "jsonl"]).args(source).stdin(lines).run();
    output.expect_code(0);
    let answers: Vec<Value> = output.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), requests.len());
    answers
}

/// An output as it is on record in `tests/golden`. `INSTA_UPDATE=always` writes it anew.
fn golden(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../golden");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

fn vectors(name: &str) -> Vec<Value> {
    let path = format!("{}/tests/vectors/{name}.jsonl.zst", env!("CARGO_MANIFEST_DIR"));
    let text = zstd::decode_all(std::fs::File::open(path).unwrap()).unwrap();
    String::from_utf8(text).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The file that a vector names, if it can be had here.
fn policy_file(name: &str) -> Option<PathBuf> {
    if let Some(own) = name.strip_prefix("recordings/cloud/") {
        return Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings").join(own));
    }
    let corpus = std::env::var_os("LOGAUDIT_CORPUS").map(PathBuf::from)?;
    Some(corpus.join(name.strip_prefix("corpus/")?))
}

#[test]
fn real_policies_decide_every_request_as_the_server_does() {
    let requests = vectors("requests");
    let lines: String = requests.iter().map(|request| format!("{request}\n")).collect();
    let (mut files, mut skipped) = (0, 0);
    for vector in vectors("audit-policy-corpus") {
        let Some(path) = policy_file(vector["policyFile"].as_str().unwrap()) else {
            skipped += 1;
            continue;
        };
        let output = Tool::new()
            .args(["policy", "eval", "--requests", "-", "-o", "jsonl", "-f"])
            .arg(path.to_string_lossy().into_owned())
            .stdin(&lines)
            .run();
        output.expect_code(0);
        let expected = vector["expected"].as_array().unwrap();
        let answers: Vec<Value> =
            output.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(answers.len(), requests.len());
        for ((answer, expected), request) in answers.iter().zip(expected).zip(&requests) {
            let found = json!([
                answer["level"],
                answer["matchedRule"],
                answer["omitStages"],
                answer["omitManagedFields"]
            ]);
            assert_eq!(&found, expected, "{} {}", path.display(), request["title"]);
        }
        files += 1;
    }
    println!(
        "policy eval: {files} policies, {} requests each; {skipped} policies skipped without LOGAUDIT_CORPUS",
        requests.len()
    );
    assert!(files >= 2);
}

#[test]
fn named_vectors_come_out_through_the_command_line() {
    for vector in vectors("audit-policy-evaluation-named") {
        let tool = Tool::new();
        let policy = tool.home().join("policy.yaml");
        std::fs::write(&policy, vector["policy"].to_string()).unwrap();
        let output = tool
            .args(["policy", "eval", "--requests", "-", "-o", "jsonl", "-f"])
            .arg(policy.to_string_lossy().into_owned())
            .stdin(vector["attributes"].to_string())
            .run();
        output.expect_code(0);
        let answer = output.json();
        for field in ["level", "omitStages", "omitManagedFields", "matchedRule"] {
            assert_eq!(answer[field], vector["expected"][field], "{}: {field}", vector["title"]);
        }
    }
}

const POLICY: &str =
    "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- {level: None, users: [bob]}\n- {level: Metadata}\n";

fn eval(policy: &str, arguments: &[&str]) -> crate::support::tool::Output {
    Tool::new().args(["policy", "eval", "-f", "-"]).args(arguments.iter().copied()).stdin(policy).run()
}

#[test]
fn a_single_request_is_given_by_flags_or_by_its_url() {
    for (arguments, expected) in [
        (&["--as", "bob", "--verb", "get", "--resource", "secrets"][..], "None            rules[0]"),
        (
            &["--as", "eve", "--verb", "get", "--resource", "pods/exec", "-n", "dev"],
            "Metadata        rules[1]",
        ),
        (&["--method", "GET", "--url", "/healthz"], "Metadata        rules[1]"),
    ] {
        let output = eval(POLICY, arguments);
        output.expect_code(0);
        assert!(output.stdout.contains(expected), "{}", output.stdout);
    }
    // Refused credentials have no user, and one stage only.
    let refused =
        eval(POLICY, &["--unauthenticated", "--method", "GET", "--url", "/api", "-o", "jsonl"]).json();
    assert_eq!((&refused["level"], &refused["stages"]), (&json!("Metadata"), &json!(["ResponseStarted"])));
}

#[test]
fn what_cannot_be_evaluated_ends_with_2_and_says_where() {
    let refused = eval(
        "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: metadata\n",
        &["--method", "GET", "--url", "/"],
    );
    refused.expect_code(2);
    assert!(
        refused.stderr.contains("4:10") && refused.stderr.contains("does not start"),
        "{}",
        refused.stderr
    );
    let typo = eval(
        "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- {level: None, user: [bob]}\n",
        &["--method", "GET", "--url", "/"],
    );
    typo.expect_code(0);
    assert!(typo.stderr.contains("user"), "a key that is dropped is warned of: {}", typo.stderr);
    for (arguments, message) in [
        (&[][..], "give --requests"),
        (&["--verb", "get"], "--resource"),
        (&["--requests", "/nowhere.jsonl"], "/nowhere.jsonl"),
        (&["--requests", "-"], "standard input"),
    ] {
        let output = eval(POLICY, arguments);
        output.expect_code(2);
        assert!(output.stderr.contains(message), "{message}: {}", output.stderr);
    }
}

#[test]
fn flags_that_would_be_ignored_or_mean_no_request_are_refused() {
    let secrets = ["--verb", "get", "--resource", "secrets"];
    let url = ["--method", "GET", "--url", "/api/v1/namespaces/prod/secrets"];
    for (arguments, message) in [
        (&["--requests", "r.jsonl", "--as", "eve"][..], "go with a single request"),
        (&["--requests", "r.jsonl", "--as-group", "admins"], "go with a single request"),
        (&["--requests", "r.jsonl", "-n", "prod"], "go with a single request"),
        (&[&secrets[..], &["--unauthenticated", "--as", "eve"]].concat(), "no user and no groups"),
        (&[&secrets[..], &["--unauthenticated", "--as-group", "admins"]].concat(), "no user and no groups"),
        (&[&url[..], &["-n", "prod"]].concat(), "stands in the URL"),
        (&["--verb", "get", "--resource", ""], "names no resource"),
        (&["--verb", "get", "--resource", "pods/"], "no subresource after the slash"),
        (&["--verb", "impersonate", "--resource", "users"], "has the verb `impersonate`"),
        (&["--verb", "Get", "--resource", "pods"], "did you mean `get`?"),
        (&["--method", "get", "--url", "/api"], "in capitals: GET"),
        (&["--method", "GET", "--url", "api/v1"], "/api/v1"),
    ] {
        eval(POLICY, arguments).expect_refusal(&[message]);
    }
}

#[test]
fn lines_that_are_no_request_are_told_with_their_place() {
    let complete = r#"{"user":"eve","verb":"get","resource":"pods","isResourceRequest":true}"#;
    for (line, place, message) in [
        ("{\"user\":", ":2:8:", "this is no JSON"),
        ("[]", ":2:", "give an object"),
        (r#"["eve",[],"get","","","","","","",true,""]"#, ":2:", "give an object"),
        (r#"{"attributes":[1]}"#, ":2:", "give an object"),
        ("{}", ":2:", "missing field"),
        (r#"{"attributes":{"user":"eve"}}"#, ":2:", "missing field `verb`"),
        (r#"{"user":"eve","verb":1,"isResourceRequest":true}"#, ":2:", "expected a string"),
        (r#"{"user":"eve","user":"bob","verb":"get","isResourceRequest":true}"#, ":2:", "twice"),
    ] {
        let tool = Tool::new();
        std::fs::write(tool.home().join("policy.yaml"), POLICY).unwrap();
        let policy = tool.home().join("policy.yaml").to_string_lossy().into_owned();
        let output = tool
            .args(["policy", "eval", "--requests", "-", "-f", &policy])
            .stdin(format!("{complete}\n{line}\n"))
            .run();
        output.expect_code(2);
        assert!(output.stderr.contains(&format!("stdin{place}")), "{line}: {}", output.stderr);
        assert!(output.stderr.contains(message), "{line}: {}", output.stderr);
        assert!(!output.stderr.contains("struct"), "{line}: {}", output.stderr);
    }
}

#[test]
fn a_group_wildcard_needs_a_server_that_knows_it() {
    let policy =
        "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- {level: Metadata, resources: [{group: '*'}]}\n";
    let request = ["--verb", "get", "--resource", "deployments.apps"];
    eval(policy, &request).expect_code(0);
    eval(policy, &[&request[..], &["--kubernetes", "1.35"]].concat()).expect_code(2);
}
