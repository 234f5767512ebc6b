//! GKE: what its answers lead to.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Fake, fixture, verdicts};
use crate::support::stage::pinned;
use crate::support::tool::Output;

use logaudit::source::cloud::file::answers;

/// Which document of a fixture answers which question.
const QUESTIONS: [(&str, &str); 11] = [
    ("container clusters describe *", "cluster"),
    ("projects get-iam-policy *", "iam-policy"),
    ("projects get-ancestors-iam-policy *", "ancestors-iam-policy"),
    ("logging buckets list *", "buckets"),
    ("logging sinks list --project *", "sinks"),
    ("logging sinks list --folder *", "folder-sinks"),
    ("logging sinks list --organization *", "organization-sinks"),
    ("logging settings describe *", "settings"),
    ("logging metrics list *", "metrics"),
    ("alpha monitoring policies list *", "alert-policies"),
    ("compute networks subnets describe *", "subnet"),
];

/// The clusters of the fixtures and their projects.
const CLUSTERS: [(&str, &str, &str); 3] =
    [("nothing", "bare", "acme-lab"), ("typical", "shop", "acme-shop"), ("exemplary", "bank", "acme-bank")];

fn recordings() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/cloud/gcp")
}

fn json_of(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn document(name: &str, document: &str) -> Value {
    json_of(&fixture(&format!("gke/{name}")).join(format!("{document}.json")))
}

/// `gcloud` that prints the documents of a fixture, but for one question.
fn fake_but(name: &str, without: &str) -> Fake {
    let mut fake = Fake::new("gcloud");
    for (pattern, file) in QUESTIONS.iter().filter(|(pattern, _)| *pattern != without) {
        let answer = document(name, file);
        // The tool prints lists bare.
        let bare = ["metrics", "alertPolicies"].iter().find_map(|key| answer.get(key).cloned());
        fake = fake.answers(pattern, &bare.unwrap_or(answer));
    }
    fake
}

/// Asks the tool about a cluster.
fn ask(fake: &Fake, cluster: &str, project: &str) -> (Output, Vec<String>) {
    fake.run(&[
        "run",
        "--no-cluster",
        "--cloud",
        "cli",
        "--provider",
        "gke",
        "--cluster-name",
        cluster,
        "--region",
        "europe-west1",
        "--project",
        project,
        "--only",
        "LA-GKE-*",
        "-o",
        "json",
    ])
}

/// Judges saved answers.
fn saved(folder: &Path) -> Output {
    let folder = folder.to_str().unwrap();
    pinned().args(["run", "--no-cluster", "--cloud-file", folder, "--only", "LA-GKE-*", "-o", "json"]).run()
}

fn findings(output: &Output) -> Vec<Value> {
    let report: Value =
        serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:#?}"));
    report["findings"].as_array().unwrap().clone()
}

/// Why findings are unknown.
fn reasons(output: &Output) -> Vec<String> {
    let unknown = findings(output).into_iter().filter(|finding| finding["status"] == "unknown");
    unknown.map(|finding| finding["reason"].as_str().unwrap().to_owned()).collect()
}

/// The checks with a verdict, by their numbers.
fn with(verdicts: &BTreeMap<String, String>, status: &str) -> Vec<String> {
    let those = verdicts.iter().filter(|(_, found)| *found == status);
    those.map(|(check, _)| check.trim_start_matches("LA-GKE-").to_owned()).collect()
}

/// The facts on a class of requests.
fn class(folder: &Path, id: &str) -> Value {
    let folder = folder.to_str().unwrap();
    let output = pinned().args(["facts", "--no-cluster", "--cloud-file", folder, "-o", "json"]).run();
    let facts: Value = serde_json::from_str(&output.stdout).unwrap();
    let facts = facts.get("facts").unwrap_or(&facts);
    facts["requests"].as_array().unwrap().iter().find(|class| class["id"] == id).unwrap().clone()
}

#[test]
fn three_clusters_are_told_apart() {
    for (name, ..) in CLUSTERS {
        let output = pinned()
            .cwd(&fixture("gke"))
            .args(["run", "--no-cluster", "--cloud-file", name, "--only", "LA-GKE-*", "-o", "wide"])
            .run();
        let (findings, _) = output.stdout.split_once("\nK05:2022").unwrap();
        insta::assert_snapshot!(format!("gke-{name}"), findings);
    }
}

#[test]
fn the_tool_and_its_saved_answers_say_the_same() {
    for (name, cluster, project) in CLUSTERS {
        let (output, asked) = ask(&fake_but(name, ""), cluster, project);
        assert_eq!(verdicts(&output), verdicts(&saved(&fixture(&format!("gke/{name}")))), "{name}");
        assert_eq!(asked.len(), QUESTIONS.len(), "{asked:#?}");
        for line in &asked {
            let reads = [" describe ", " list ", " get-iam-policy ", " get-ancestors-iam-policy "];
            assert!(reads.iter().any(|verb| line.contains(verb)), "{line}");
            assert!(line.ends_with("--format=json"), "{line}");
            let of_one =
                ["--project", "--folder", "--organization"].iter().filter(|flag| line.contains(*flag));
            assert_eq!(of_one.count(), 1, "{line}");
        }
    }
}

#[test]
fn the_form_of_the_api_says_the_same_as_that_of_the_tool() {
    for (name, ..) in CLUSTERS {
        let folder = tempfile::tempdir().unwrap();
        for (_, file) in QUESTIONS {
            let answer = document(name, file);
            let wrapped = match (file, answer.is_array()) {
                ("cluster", _) => json!({"clusters": [answer], "missingZones": []}),
                ("buckets", true) => json!({"buckets": answer}),
                ("sinks" | "folder-sinks" | "organization-sinks", true) => json!({"sinks": answer}),
                ("metrics", true) => json!({"metrics": answer}),
                ("alert-policies", true) => json!({"alertPolicies": answer, "totalSize": 1}),
                _ => answer,
            };
            fs::write(folder.path().join(format!("{file}.json")), wrapped.to_string()).unwrap();
        }
        let plain = fixture(&format!("gke/{name}"));
        let told = |folder: &Path| -> Vec<String> {
            let folder = (folder, folder.to_str().unwrap());
            findings(&saved(folder.0)).iter().map(|one| one.to_string().replace(folder.1, "")).collect()
        };
        assert_eq!(told(folder.path()), told(&plain), "{name}");
    }
}

#[test]
fn what_is_recorded_follows_from_logs_and_sinks() {
    let recorded = recordings();
    // The recording says nothing of what is above the project, where a sink may keep what the project drops.
    assert_eq!(class(&recorded, "RC-01")["detected"], Value::Null);
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(&recorded).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.file_name().is_some_and(|name| name.to_string_lossy().starts_with("gcloud-")) {
            fs::copy(&entry, folder.path().join(entry.file_name().unwrap())).unwrap();
        }
    }
    let alone = json!([{"type": "project", "id": "acme-prod", "policy": {}}]);
    fs::write(folder.path().join("ancestors-iam-policy.json"), alone.to_string()).unwrap();
    let secrets = class(folder.path(), "RC-01");
    assert_eq!(secrets["detected"], false);
    let lost = secrets["undetected"].as_str().unwrap();
    assert!(lost.contains("get secrets") && lost.contains("drop-k8s-reads"), "{lost}");
    assert_eq!(secrets["undetectedByProvider"], false);
    assert_eq!(class(&recorded, "RC-02")["detected"], true, "changes are always recorded");
    let shells = class(&fixture("gke/nothing"), "RC-12");
    let lost = shells["undetected"].as_str().unwrap();
    assert!(lost.contains("get pods/exec") && lost.contains("ADMIN_READ and DATA_READ are off"), "{lost}");
    assert_eq!(class(&fixture("gke/exemplary"), "RC-01")["detected"], true);
}

#[test]
fn a_tool_that_fails_leaves_everything_unknown() {
    for (case, reason) in [
        ("busy", "throttled"),
        ("denied", "container.clusters.get"),
        ("expired", "the login has expired"),
        ("nocreds", "not logged in"),
        ("nope", "not found"),
        ("noproject", "region, project or resource group unknown"),
    ] {
        let text = fs::read_to_string(recordings().join(format!("err-{case}.txt"))).unwrap();
        let (stderr, code) = text.rsplit_once("exit ").unwrap();
        let fake = Fake::new("gcloud").fails("*", stderr, code.trim().parse().unwrap());
        unknown_for(&fake, case, reason);
    }
    for (case, script, reason) in [
        ("garbage", "echo '<html>502 Bad Gateway</html>'", "no JSON"),
        ("cut short", "echo '{\"name\": '", "no JSON"),
        ("another document", "echo '[1, 2]'", ""),
        ("nothing", "true", ""),
        ("a signal", "kill -9 $$", ""),
    ] {
        unknown_for(&Fake::new("gcloud").does("*", script), case, reason);
    }
}

fn unknown_for(fake: &Fake, case: &str, reason: &str) {
    let (output, _) = ask(fake, "demo", "acme-prod");
    let verdicts = verdicts(&output);
    assert!(verdicts.values().all(|status| status == "unknown"), "{case}: {verdicts:?}");
    let reasons = reasons(&output);
    assert!(reasons.iter().all(|why| why.contains(reason)), "{case}: {reasons:#?}");
}

#[test]
fn a_tool_that_hangs_is_given_up() {
    let fake = Fake::new("gcloud").does("*", "sleep 60");
    let common = ["run", "--no-cluster", "--cloud", "cli", "--provider", "gke", "--cluster-name", "demo"];
    let place = ["--region", "europe-west1", "--project", "acme-prod", "--only", "LA-GKE-*", "-o", "json"];
    let (output, asked) = fake.run(&[&common[..], &place, &["--timeout", "2s"]].concat());
    assert_eq!(asked.len(), 1);
    assert!(verdicts(&output).values().all(|status| status == "unknown"), "{output:#?}");
    assert!(reasons(&output).iter().all(|why| why.contains("did not end within")), "{output:#?}");
}

#[test]
fn every_call_that_fails_alone_leaves_only_its_own_facts_unknown() {
    let (name, cluster, project) = CLUSTERS[2];
    let denied = "ERROR: (gcloud) PERMISSION_DENIED: The caller does not have permission";
    let above = "ERROR: (gcloud.projects.get-ancestors-iam-policy) User is not permitted to access IAM policy for one or more of the ancestors";
    for (pattern, stderr, unknown, permission) in [
        (
            "projects get-ancestors-iam-policy *",
            above,
            vec!["004", "005"],
            "resourcemanager.organizations.getIamPolicy",
        ),
        ("logging buckets list *", denied, vec!["007", "009"], "logging.buckets.list"),
        ("logging sinks list --project *", denied, vec!["006", "007", "008", "009"], "logging.sinks.list"),
        ("logging metrics list *", denied, vec!["010", "011"], "logging.logMetrics.list"),
        ("alpha monitoring policies list *", denied, vec!["010", "011"], "monitoring.alertPolicies.list"),
        ("compute networks subnets describe *", denied, vec!["012"], "compute.subnetworks.get"),
        ("projects get-iam-policy *", denied, vec![], ""),
        ("logging sinks list --organization *", denied, vec![], ""),
    ] {
        let fake = fake_but(name, pattern).fails(pattern, stderr, 1);
        let (output, _) = ask(&fake, cluster, project);
        let verdicts = verdicts(&output);
        assert_eq!(with(&verdicts, "unknown"), unknown, "{pattern}: {verdicts:?}");
        assert_eq!(with(&verdicts, "fail"), Vec::<String>::new(), "{pattern}");
        assert!(reasons(&output).iter().all(|why| why.contains(permission)), "{pattern}: {output:#?}");
    }
}

#[test]
fn answers_of_another_project_prove_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for (name, file) in [("typical", "cluster"), ("exemplary", "sinks"), ("exemplary", "buckets")] {
        fs::write(folder.path().join(format!("{file}.json")), document(name, file).to_string()).unwrap();
    }
    let output = saved(folder.path());
    let verdicts = verdicts(&output);
    for check in ["006", "007", "008", "009"] {
        assert_eq!(verdicts[&format!("LA-GKE-{check}")], "unknown", "{check}");
    }
    assert!(reasons(&output).iter().any(|why| why.contains("acme-bank") && why.contains("acme-shop")));
}

#[test]
fn every_recording_is_read_or_refused() {
    for entry in fs::read_dir(recordings()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let read = answers(&name, &fs::read(&path).unwrap());
        let calls: Option<Vec<String>> =
            read.as_ref().ok().map(|list| list.iter().map(|one| one.call.clone()).collect());
        let expected: Option<&[&str]> = match name.as_str() {
            "gcloud-clusters-describe.json" => Some(&["gke/describe"]),
            "gcloud-logging-buckets-list.json" => Some(&["gke/buckets"]),
            "gcloud-logging-sinks-list.json" => Some(&["gke/sinks"]),
            "gcloud-projects-get-iam-policy.json" => Some(&["gke/iam-policy"]),
            // The routes of the server that stood in for Google: their bodies are answers, the list is none.
            "stub-routes.json" => Some(&[]),
            _ => None,
        };
        assert_eq!(
            calls.as_deref(),
            expected.map(|list| list.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>()).as_deref(),
            "{name}"
        );
    }
    let routes = json_of(&recordings().join("stub-routes.json"));
    let of_route = |route: &Value| {
        let found = answers("route", route["body"].to_string().as_bytes()).unwrap();
        found.into_iter().map(|one| one.call).collect::<Vec<_>>()
    };
    let calls: Vec<Vec<String>> = routes.as_array().unwrap().iter().map(of_route).collect();
    let known: Vec<&str> = calls.iter().flatten().map(String::as_str).collect();
    assert_eq!(known, ["gke/describe", "gke/buckets", "gke/sinks", "gke/iam-policy"]);
}

#[test]
fn every_real_answer_is_read() {
    let Some(corpus) = std::env::var_os("LOGAUDIT_CORPUS") else {
        eprintln!("skipped: LOGAUDIT_CORPUS does not name the folder of real files");
        return;
    };
    let mut clusters = 0;
    for entry in fs::read_dir(Path::new(&corpus).join("cloud")).unwrap() {
        let path = entry.unwrap().path();
        if !path.to_string_lossy().contains("__c7n_gcp__") {
            continue;
        }
        // The recorder's envelope is no part of the answer.
        let body = json_of(&path)["body"].clone();
        let all =
            body.get("clusters").map_or_else(|| vec![body.clone()], |list| list.as_array().unwrap().clone());
        let found = answers("body", body.to_string().as_bytes()).unwrap();
        assert_eq!(found.len(), all.len(), "{}", path.display());
        for cluster in all {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("cluster.json"), cluster.to_string()).unwrap();
            let verdicts = verdicts(&saved(folder.path()));
            for check in ["LA-GKE-001", "LA-GKE-002"] {
                assert_ne!(verdicts[check], "unknown", "{}: {check}", path.display());
            }
            clusters += 1;
        }
    }
    assert!(clusters > 0);
}
