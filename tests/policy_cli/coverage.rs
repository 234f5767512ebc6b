//! `policy coverage`.

use serde_json::{Value, json};

use super::{KNOWN, eval_all, golden, rooted};
use crate::support::tool::Tool;

const NODES_FIRST: &str = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n\
- {level: None, userGroups: ['system:nodes']}\n- {level: Metadata}\n";

#[test]
fn the_matrix_of_published_policies_stays() {
    for (name, source) in [
        ("kubernetes-example", &["--known", "kubernetes-example"]),
        ("gce", &["--known", "gce"]),
        ("nodes-first", &["-f", "-"]),
        ("rke2-default", &["--known", "rke2-default"]),
    ] {
        for form in ["table", "wide", "markdown"] {
            let output = rooted(&["policy", "coverage", "-o", form]).args(source).stdin(NODES_FIRST).run();
            output.expect_code(0);
            golden(&format!("policy-coverage.{name}.{form}"), &output.stdout);
            if form == "markdown" {
                assert!(output.stdout.len() < 65_536, "{name}: a comment takes no more");
            }
        }
    }
}

#[test]
fn every_witness_is_decided_as_the_matrix_says() {
    let mut confirmed = 0;
    for id in KNOWN {
        let source = ["--known", id];
        let matrix = rooted(&["policy", "coverage", "-o", "json"]).args(source).run();
        matrix.expect_code(0);
        let matrix = matrix.json();
        let lists = |of: &str, fields: &[&str]| -> Vec<Value> {
            let all = matrix[of].as_array().unwrap().iter();
            all.flat_map(|entry| fields.iter().flat_map(|field| entry[*field].as_array().unwrap().clone()))
                .collect()
        };
        let mut exceptions = lists("classes", &["undetected", "shallow"]);
        exceptions.extend(lists("bodies", &["logged"]));
        let witnesses: Vec<&Value> = exceptions.iter().map(|exception| &exception["witness"]).collect();
        for (exception, answer) in exceptions.iter().zip(eval_all(&source, &witnesses)) {
            assert_eq!(answer["matchedRule"], exception["rule"], "{id}: {exception:#}");
            if exception["lostByStages"] == json!(true) {
                assert_ne!(answer["level"], exception["level"], "{id}: {exception:#}");
            } else {
                assert_eq!(answer["level"], exception["level"], "{id}: {exception:#}");
            }
            let nameless =
                ["create", "deletecollection"].contains(&exception["witness"]["verb"].as_str().unwrap());
            if nameless && exception["witness"]["subresource"] == "" {
                assert_eq!(exception["witness"]["name"], "", "{id}: no server gets this: {exception:#}");
            }
            confirmed += 1;
        }
    }
    assert!(confirmed > 500, "only {confirmed}");
}

#[test]
fn json_follows_its_schema_and_is_the_same_every_time() {
    let validator = jsonschema::validator_for(&logaudit::report::matrix::schema()).unwrap();
    for id in KNOWN {
        let run = || rooted(&["policy", "coverage", "-o", "json", "--known", id]).run();
        let (first, second) = (run(), run());
        assert_eq!(first.stdout, second.stdout, "{id}");
        let errors: Vec<String> = validator
            .iter_errors(&first.json())
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{id}: {errors:#?}");
    }
}

#[test]
fn classes_can_be_chosen() {
    let output =
        rooted(&["policy", "coverage", "--known", "gce", "--class", "RC-12,RC-01", "-o", "json"]).run();
    let matrix = output.json();
    let ids: Vec<&Value> = matrix["classes"].as_array().unwrap().iter().map(|class| &class["id"]).collect();
    assert_eq!(ids, ["RC-01", "RC-12"]);
    assert_eq!((&matrix["bodies"], &matrix["notServed"]), (&json!([]), &json!([])));
    assert_eq!(matrix["policy"], "known:gce");
    rooted(&["policy", "coverage", "--known", "gce", "--class", "RC-1"])
        .run()
        .expect_refusal(&["RC-1", "did you mean `RC-01`?"]);
    let spelt =
        rooted(&["policy", "coverage", "--known", "gce", "--class", "rc-12, Rc-01 ", "-o", "json"]).run();
    assert_eq!(spelt.stdout, output.stdout);
    for empty in ["", "RC-01,", " "] {
        rooted(&["policy", "coverage", "--known", "gce", "--class", empty])
            .run()
            .expect_refusal(&["--class has an empty id", "RC-01"]);
    }
}

#[test]
fn what_is_served_depends_on_the_version() {
    let of = |version: &str| {
        let arguments = ["policy", "coverage", "--known", "gce", "-o", "json", "--kubernetes", version];
        rooted(&arguments).run().json()["notServed"].clone()
    };
    assert_ne!(of("1.24"), of("1.36"));
    for (version, message) in [("1.37", "ends with Kubernetes 1.36"), ("1.19", "begins with Kubernetes 1.20")]
    {
        for command in ["coverage", "check"] {
            let output = rooted(&["policy", command, "--known", "talos", "--kubernetes", version]).run();
            output.expect_code(0);
            assert_eq!(output.stderr.matches(message).count(), 1, "{command} {version}: {}", output.stderr);
        }
    }
    for version in ["1.20", "1.36"] {
        let output = rooted(&["policy", "coverage", "--known", "talos", "--kubernetes", version]).run();
        assert_eq!(output.stderr, "", "{version}");
    }
}

#[test]
fn what_cannot_be_worked_out_is_refused() {
    let coverage = |arguments: &[&str]| rooted(&["policy", "coverage"]).args(arguments).run();
    assert_eq!(coverage(&[]).code, Some(2));
    coverage(&["--known", "gcee"]).expect_refusal(&["did you mean `gce`?", "openshift-default"]);
    coverage(&["-f", "nowhere.yaml"]).expect_refusal(&["nowhere.yaml"]);
    assert_eq!(coverage(&["-f", "-", "--known", "gce"]).code, Some(2));
    let refused = Tool::new()
        .args(["policy", "coverage", "-f", "-"])
        .stdin("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: metadata\n")
        .run();
    refused.expect_refusal(&["stdin:4:10", "does not start"]);
}

#[test]
fn a_policy_that_tells_too_much_apart_is_refused_in_time() {
    let mut text = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n".to_owned();
    for rule in 0..400 {
        let list =
            |what: &str| (0..60).map(|n| format!("{what}{}", rule * 7 + n)).collect::<Vec<_>>().join(", ");
        text.push_str(&format!(
            "- {{level: {}, users: [{}], userGroups: [{}], namespaces: [{}], resources: [{{group: '', resourceNames: [{}], resources: ['*']}}]}}\n",
            if rule % 2 == 0 { "None" } else { "Metadata" },
            list("u"), list("g"), list("n"), list("o")
        ));
    }
    let output = Tool::new().args(["policy", "coverage", "-f", "-"]).stdin(text).run();
    output.expect_refusal(&["stdin", "tells so many", "policy eval"]);
}

#[test]
fn nothing_in_a_policy_steers_a_terminal_or_becomes_markup() {
    let policy = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n\
         - {level: None, users: [\"a\\e[31m|`@ops`<img>\"]}\n- {level: Metadata}\n";
    for form in ["table", "wide", "markdown"] {
        let output = Tool::new().args(["policy", "coverage", "-f", "-", "-o", form]).stdin(policy).run();
        output.expect_code(0);
        assert!(!output.stdout.contains('\u{1b}'), "{form}");
        assert!(output.stdout.contains("\\u{1b}"), "{form}: {}", output.stdout);
    }
}

#[test]
fn eval_and_test_take_published_policies_too() {
    let output =
        rooted(&["policy", "eval", "--known", "rke2-default", "--verb", "get", "--resource", "secrets"])
            .run();
    output.expect_code(0);
    assert!(output.stdout.contains("None            rules[0]"), "{}", output.stdout);
    let table = "tests:\n- request: {verb: get, resource: secrets}\n  level: None\n";
    let output = Tool::new().args(["policy", "test", "--known", "rke2-default", "-"]).stdin(table).run();
    output.expect_code(0);
    // Only servers before 1.24 load it, and yet it is what EKS runs: asked about any version it is read as there.
    rooted(&["policy", "eval", "--known", "eks", "--verb", "get", "--resource", "secrets"])
        .run()
        .expect_code(0);
}

#[test]
fn stages_that_are_omitted_are_to_blame_where_they_are() {
    let policy = "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [ResponseStarted]\nrules:\n- {level: Metadata}\n";
    let arguments = ["policy", "coverage", "-f", "-", "--class", "RC-62", "-o"];
    let run = |form: &str| Tool::new().args(arguments).arg(form).stdin(policy).run();
    let class = run("json").json()["classes"][0].clone();
    assert_eq!((&class["least"], &class["most"]), (&json!("None"), &json!("None")));
    let lost = class["undetected"]
        .as_array()
        .unwrap()
        .iter()
        .all(|exception| exception["lostByStages"] == json!(true));
    assert!(lost, "{class:#}");
    let wide = run("wide").stdout;
    assert!(
        wide.contains("None by rules[0] at stdin:5:3, which asks for more and loses it by omitStages"),
        "{wide}"
    );
    assert!(wide.contains("RC-62   critical   never"), "{wide}");
}
