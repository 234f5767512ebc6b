//! AKS: what its answers lead to.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::{Fake, fixture, verdicts};
use crate::support::tool::{Output, Tool};

const RECORDINGS: &str = "tests/recordings/cloud/azure";

const FIXTURES: [&str; 3] = ["nothing", "typical", "exemplary"];

fn run(folder: &Path, more: &[&str]) -> Output {
    Tool::new()
        .args(["run", "--no-cluster", "--cloud-file"])
        .args([folder.to_str().unwrap()])
        .args(more.iter().copied())
        .run()
}

fn json_of(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap())
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn recorded(name: &str) -> Value {
    json_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join(RECORDINGS).join(name))
}

fn of_aks(output: &Output) -> BTreeMap<String, String> {
    verdicts(output).into_iter().filter(|(check, _)| check.starts_with("LA-AKS-")).collect()
}

/// A table of what is said of AKS, with what it rests on.
fn said(output: &Output) -> String {
    let report: Value =
        serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:#?}"));
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cloud/fixtures/");
    let mut lines: Vec<String> = Vec::new();
    for finding in report["findings"].as_array().unwrap() {
        let text = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
        if !text("check").starts_with("LA-AKS-") {
            continue;
        }
        lines.push(format!("{} {}: {}", text("check"), text("status"), text("reason")));
        for evidence in finding["evidence"].as_array().into_iter().flatten() {
            let at = evidence["at"].as_str().unwrap_or_default();
            let detail = evidence["detail"].as_str().unwrap_or_default();
            lines.push(format!("    {at}: {detail}"));
        }
    }
    lines.join("\n").replace(root, "")
}

#[test]
fn nothing_a_typical_and_an_exemplary_cluster() {
    for name in FIXTURES {
        let output = run(&fixture(&format!("aks/{name}")), &["-o", "json"]);
        insta::assert_snapshot!(format!("aks-{name}"), said(&output));
    }
}

#[test]
fn kube_audit_admin_records_neither_reads_of_secrets_nor_shells_over_websocket() {
    let output = run(&fixture("aks/typical"), &["-o", "json"]);
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    let classes = ["RC-01", "RC-12"];
    let mut lines = Vec::new();
    for finding in report["findings"].as_array().unwrap() {
        let subject = finding["subject"].as_str().unwrap_or_default();
        if finding["status"] == "fail" && classes.iter().any(|class| subject.starts_with(class)) {
            let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cloud/fixtures/");
            let shown = serde_json::to_string_pretty(&json!({
                "check": finding["check"], "subject": finding["subject"], "rank": finding["rank"],
                "reason": finding["reason"], "evidence": finding["evidence"],
            }));
            lines.push(shown.unwrap().replace(root, ""));
        }
    }
    assert_eq!(lines.len(), 2, "{lines:#?}");
    insta::assert_snapshot!("aks-kube-audit-admin", lines.join("\n"));
}

/// A document of `az` as the API returns it.
fn raw(document: &Value) -> Value {
    const OUTSIDE: [&str; 5] = ["id", "name", "type", "location", "kind"];
    match document {
        Value::Array(items) => json!({ "value": items.iter().map(raw).collect::<Vec<_>>() }),
        Value::Object(fields) => {
            let (outside, mut inside): (Map<_, _>, Map<_, _>) =
                fields.clone().into_iter().partition(|(key, _)| OUTSIDE.contains(&key.as_str()));
            if let Some(policy) = inside.get_mut("immutabilityPolicy").filter(|policy| policy.is_object()) {
                *policy = json!({ "etag": "x", "properties": policy.take() });
            }
            if let Some(profile) = inside.get_mut("aadProfile").and_then(Value::as_object_mut) {
                let both = profile.remove("enableAzureRbac");
                profile.extend(both.map(|value| ("enableAzureRBAC".to_owned(), value)));
            }
            let mut whole = outside;
            whole.insert("properties".into(), Value::Object(inside));
            Value::Object(whole)
        }
        other => other.clone(),
    }
}

#[test]
fn the_api_and_its_tool_say_the_same() {
    for name in FIXTURES {
        let folder = tempfile::tempdir().unwrap();
        let of_tool = fixture(&format!("aks/{name}"));
        for entry in fs::read_dir(&of_tool).unwrap() {
            let path = entry.unwrap().path();
            let document = raw(&json_of(&path)).to_string();
            fs::write(folder.path().join(path.file_name().unwrap()), document).unwrap();
        }
        let of_api = said(&run(folder.path(), &["-o", "json"]));
        let of_api = of_api.replace(&format!("{}/", folder.path().display()), &format!("aks/{name}/"));
        assert_eq!(said(&run(&of_tool, &["-o", "json"])), of_api, "{name}");
    }
}

#[test]
fn every_recording_is_read_or_refused_with_a_reason() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(RECORDINGS);
    let mut outcomes = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let output = run(&path, &["-o", "json"]);
        let outcome = if output.code == Some(2) {
            assert!(
                output.stderr.contains("no JSON") || output.stderr.contains("no answer that is known"),
                "{output:#?}"
            );
            "refused"
        } else {
            serde_json::from_str::<Value>(&output.stdout).unwrap();
            "read"
        };
        outcomes.insert(path.file_name().unwrap().to_string_lossy().into_owned(), outcome);
    }
    let read: Vec<&str> =
        outcomes.iter().filter(|(_, outcome)| **outcome == "read").map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        read,
        [
            "az-aks-show.json",
            "az-log-analytics-table-show.json",
            "az-log-analytics-workspace-show.json",
            "az-monitor-diagnostic-settings-list.json",
            "az-rest-diagnostic-settings.json"
        ]
    );
    assert_eq!(outcomes.len(), 10);
}

#[test]
fn every_real_file_is_read_or_refused_with_a_reason() {
    let Some(corpus) = std::env::var_os("LOGAUDIT_CORPUS") else {
        eprintln!("skipped: LOGAUDIT_CORPUS does not name the folder of real files");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (mut read, mut refused) = (0, 0);
    for entry in fs::read_dir(Path::new(&corpus).join("cloud")).unwrap() {
        let path = entry.unwrap().path();
        if !path.to_string_lossy().contains("c7n_azure") {
            continue;
        }
        for interaction in json_of(&path)["interactions"].as_array().unwrap() {
            let document = &interaction["response"]["body"]["data"];
            let file = folder.path().join("answer.json");
            fs::write(&file, document.to_string()).unwrap();
            let output = run(&file, &["-o", "json"]);
            if output.code == Some(2) {
                assert!(output.stderr.contains("no answer that is known"), "{output:#?}");
                refused += 1;
            } else {
                serde_json::from_str::<Value>(&output.stdout).unwrap();
                read += 1;
            }
        }
    }
    // Read are one cluster and the settings of one subscription; the others are of load balancers and addresses.
    assert!(read >= 2 && refused >= 6, "{read} read, {refused} refused");
}

#[test]
fn settings_of_another_cluster_say_nothing_of_this_one() {
    let settings = fixture("aks/exemplary").join("settings.json");
    for (name, group, expected) in
        [("demo", "RG-Prod", "pass"), ("other", "rg-prod", "unknown"), ("demo", "rg-test", "unknown")]
    {
        let output = run(
            &settings,
            &["--provider", "aks", "--cluster-name", name, "--resource-group", group, "-o", "json"],
        );
        let found = verdicts(&output);
        for check in ["LA-AKS-001", "LA-AKS-002"] {
            assert_eq!(found[check], expected, "{check} of {name} in {group}");
        }
    }
}

/// The verdict on each class of requests, where settings send these logs.
fn recorded_with(logs: &Value) -> BTreeMap<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let show = fixture("aks/typical").join("show.json");
    fs::copy(&show, folder.path().join("show.json")).unwrap();
    let cluster = json_of(&show)["id"].as_str().unwrap().to_owned();
    let settings = json!([{
        "id": format!("{cluster}/providers/microsoft.insights/diagnosticSettings/x"),
        "name": "x",
        "storageAccountId": "/subscriptions/a1/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/st",
        "logs": logs,
    }]);
    fs::write(folder.path().join("settings.json"), settings.to_string()).unwrap();
    let output = run(folder.path(), &["-o", "json"]);
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    let of = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    let findings = report["findings"].as_array().unwrap().iter();
    findings
        .filter(|one| of(one, "subject").starts_with("RC-"))
        .map(|one| (format!("{} {}", of(one, "check"), of(one, "subject")), of(one, "status")))
        .collect()
}

#[test]
fn what_get_and_list_hang_on_is_doubtful_where_that_is_not_known() {
    let admin = json!({"category": "kube-audit-admin", "enabled": true});
    let whole = recorded_with(&json!([{"category": "kube-audit", "enabled": true}]));
    let without = recorded_with(&json!([admin]));
    let doubtful = recorded_with(&json!([admin, {"categoryGroup": "someday", "enabled": true}]));
    let hang = |class: &&String| whole[*class] == "pass" && without[*class] == "fail";
    let hanging: Vec<&String> = whole.keys().filter(hang).collect();
    assert!(hanging.len() > 2, "{whole:#?} {without:#?}");
    for class in hanging {
        assert_eq!(doubtful[class], "unknown", "{class}");
    }
}

const ASK: [&str; 12] = [
    "run",
    "--no-cluster",
    "--cloud",
    "cli",
    "--provider",
    "aks",
    "--cluster-name",
    "demo",
    "--resource-group",
    "rg-prod",
    "-o",
    "json",
];

/// The tool in a subscription with the recorded cluster, where it does not do something else before.
fn az(other: Fake) -> Fake {
    let typical = |name: &str| json_of(&fixture("aks/typical").join(name));
    other
        .answers("aks show*", &typical("show.json"))
        .answers("monitor diagnostic-settings list*", &recorded("az-monitor-diagnostic-settings-list.json"))
        .answers("monitor log-analytics workspace show*", &typical("workspace.json"))
        .answers("*table show*AKSAuditAdmin*", &typical("table-audit.json"))
        .answers("*table show*AKSControlPlane*", &typical("table-control-plane.json"))
        .answers("*data-export list*", &json!([]))
        .answers("rest --method get*scheduledQueryRules*", &json!({"value": []}))
        .answers("monitor activity-log alert list*", &json!([]))
        .answers("monitor diagnostic-settings subscription list*", &typical("activity-log.json"))
        .answers("security pricing show*", &typical("defender.json"))
}

#[test]
fn the_tool_is_asked_for_the_same_as_files_hold() {
    let (output, asked) = az(Fake::new("az")).run(&ASK);
    assert_eq!(of_aks(&output), of_aks(&run(&fixture("aks/typical"), &["-o", "json"])), "{asked:#?}");
    for line in &asked {
        let words: Vec<&str> = line.split(' ').collect();
        let reads = ["show", "list"].iter().any(|verb| words.contains(verb))
            || line.starts_with("rest --method get ");
        assert!(reads, "{line}");
        assert!(line.ends_with("--output json"), "{line}");
    }
    let mut once = asked.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), asked.len(), "{asked:#?}");
    insta::assert_snapshot!("aks-asked", once.join("\n"));
}

/// What the cluster's own checks come to when a command fails.
fn failing(pattern: &str, stderr: &str, code: i32) -> (Output, Vec<String>) {
    az(Fake::new("az").fails(pattern, stderr, code)).run(&ASK)
}

#[test]
fn no_failure_of_the_tool_is_a_pass() {
    let text = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(RECORDINGS).join(name);
        fs::read_to_string(path).unwrap()
    };
    for (stderr, code, reason) in [
        (text("err-nologin.txt"), 1, "az login"),
        (text("err-denied.txt"), 1, "grant `Microsoft.ContainerService/managedClusters/read`"),
        (text("err-nope.txt"), 3, "--resource-group"),
        (text("err-busy.txt"), 1, "limit"),
        ("ERROR: AADSTS700082: The refresh token has expired due to inactivity.\n".to_owned(), 1, "az login"),
        ("Max retries exceeded with url: /\n".to_owned(), 1, "Max retries"),
        ("Traceback (most recent call last):\n".to_owned(), 1, "Traceback"),
    ] {
        let (output, _) = failing("aks show*", &stderr, code);
        for (check, status) in of_aks(&output) {
            assert_eq!(status, "unknown", "{check}: {stderr}");
        }
        assert!(output.stdout.contains(reason), "{reason}: {}", said(&output));
        assert!(!output.stdout.contains("dev@example.com"), "{stderr}");
    }
}

#[test]
fn what_one_command_does_not_tell_leaves_the_rest() {
    let denied =
        "ERROR: (AuthorizationFailed) The client does not have authorization to perform action 'x'\n";
    let whole = of_aks(&az(Fake::new("az")).run(&ASK).0);
    for (pattern, checks) in [
        ("monitor log-analytics workspace show*", &["LA-AKS-008", "LA-AKS-009"][..]),
        ("*table show*AKSAuditAdmin*", &["LA-AKS-006", "LA-AKS-007", "LA-AKS-012"][..]),
        ("rest --method get*", &["LA-AKS-010", "LA-AKS-011"][..]),
        ("security pricing show*", &["LA-AKS-016"][..]),
        ("monitor activity-log alert list*", &["LA-AKS-015"][..]),
        ("monitor diagnostic-settings subscription list*", &["LA-AKS-014"][..]),
    ] {
        let mut expected = whole.clone();
        for check in checks {
            expected.insert((*check).to_owned(), "unknown".to_owned());
        }
        assert_eq!(of_aks(&failing(pattern, denied, 1).0), expected, "{pattern}");
    }
}

#[test]
fn a_tool_that_prints_something_else_tells_nothing() {
    for script in
        ["echo '<html>'", "true", "echo '\"x\"'", "echo '[]'", "echo '{\"value\": 3}'", "printf '\\377\\376'"]
    {
        let (output, _) = az(Fake::new("az").does("aks show*", script)).run(&ASK);
        for (check, status) in of_aks(&output) {
            assert_eq!(status, "unknown", "{check}: {script}");
        }
        let (output, _) = az(Fake::new("az").does("monitor diagnostic-settings list*", script)).run(&ASK);
        let empty = script.contains("[]");
        let audit = if empty { "fail" } else { "unknown" };
        assert_eq!(of_aks(&output)["LA-AKS-001"], audit, "{script}");
    }
}

#[test]
fn a_tool_that_hangs_is_given_up() {
    let (output, _) =
        Fake::new("az").does("aks show*", "exec sleep 60").run(&[&ASK[..], &["--timeout", "2s"]].concat());
    assert!(of_aks(&output).values().all(|status| status == "unknown"), "{output:#?}");
    assert!(output.stdout.contains("did not end within"), "{output:#?}");
}
