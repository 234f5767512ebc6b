//! EKS: what its answers lead to.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Fake, fixture, verdicts};
use crate::support::stage::pinned;
use crate::support::tool::Output;

use logaudit::snapshot::cloud::CloudProvider;
use logaudit::source::cloud::file::{FileError, answers};

/// Which document of a fixture answers which question.
const QUESTIONS: [(&str, &str); 14] = [
    ("eks describe-cluster *", "cluster"),
    ("logs describe-log-groups *", "log-groups"),
    ("logs describe-metric-filters *", "metric-filters"),
    ("cloudwatch describe-alarms-for-metric *", "alarms"),
    ("logs describe-subscription-filters *", "subscription-filters"),
    ("logs describe-account-policies *", "account-policies"),
    ("guardduty list-detectors *", "detectors"),
    ("guardduty get-detector *", "detector"),
    ("cloudtrail describe-trails *", "trails"),
    ("cloudtrail get-trail-status *", "trail-status"),
    ("cloudtrail get-event-selectors *", "event-selectors"),
    ("ec2 describe-flow-logs *", "flow-logs"),
    ("eks list-addons *", "addons"),
    ("eks describe-addon *", "addon"),
];

fn recordings() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/cloud/aws")
}

fn json_of(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// `aws` that answers as a fixture, but for the questions that match one of these.
fn fake_but(name: &str, without: &[&str]) -> Fake {
    let mut fake = Fake::new("aws");
    for (pattern, document) in QUESTIONS {
        let path = fixture(&format!("eks/{name}")).join(format!("{document}.json"));
        if path.is_file() && !without.contains(&pattern) {
            fake = fake.answers(pattern, &json_of(&path));
        }
    }
    fake
}

/// Asks the tool about a cluster.
fn ask(fake: &Fake, cluster: &str) -> (Output, Vec<String>) {
    fake.run(&[
        "run",
        "--no-cluster",
        "--cloud",
        "cli",
        "--provider",
        "eks",
        "--cluster-name",
        cluster,
        "--region",
        "eu-west-1",
        "--only",
        "LA-EKS-*",
        "-o",
        "json",
    ])
}

/// Judges saved answers.
fn saved(folder: &Path) -> Output {
    let folder = folder.to_str().unwrap();
    pinned().args(["run", "--no-cluster", "--cloud-file", folder, "--only", "LA-EKS-*", "-o", "json"]).run()
}

/// The checks with a verdict, by their numbers.
fn with(verdicts: &BTreeMap<String, String>, status: &str) -> Vec<String> {
    let those = verdicts.iter().filter(|(_, found)| *found == status);
    those.map(|(check, _)| check.trim_start_matches("LA-EKS-").to_owned()).collect()
}

/// Why findings are unknown.
fn reasons(output: &Output) -> Vec<String> {
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap().iter();
    let unknown = findings.filter(|finding| finding["status"] == "unknown");
    unknown.map(|finding| finding["reason"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn three_clusters_are_told_apart() {
    for name in ["nothing", "typical", "exemplary"] {
        let output = pinned()
            .cwd(&fixture("eks"))
            .args(["run", "--no-cluster", "--cloud-file", name, "--only", "LA-EKS-*", "-o", "wide"])
            .run();
        let (_, findings) = output.stdout.split_once("\n\n").unwrap();
        let (findings, _) = findings.split_once("\nK05:2022").unwrap();
        insta::assert_snapshot!(format!("eks-{name}"), findings);
    }
}

#[test]
fn the_tool_and_its_saved_answers_say_the_same() {
    // Fargate shows in the cluster alone, and what the function does that gets some events shows nowhere.
    for (name, cluster, unknown) in [
        ("nothing", "bare", &["018"][..]),
        ("typical", "shop", &["010", "018"]),
        ("exemplary", "bank", &["018"]),
    ] {
        let (output, asked) = ask(&fake_but(name, &[]), cluster);
        let (live, saved) = (verdicts(&output), verdicts(&saved(&fixture(&format!("eks/{name}")))));
        for (check, status) in &saved {
            // What is absent from a list only counts where the list was asked for.
            let is_same = live[check] == *status || status == "unknown";
            assert!(is_same, "{name} {check}: saved {status}, live {}", live[check]);
        }
        assert_eq!(with(&live, "unknown"), unknown, "{name}");
        let mut once = asked.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), asked.len(), "nothing is asked twice: {asked:#?}");
        for line in &asked {
            let verb = line.split(' ').nth(1).unwrap();
            assert!(["describe-", "list-", "get-"].iter().any(|read| verb.starts_with(read)), "{line}");
            assert!(line.contains("--region eu-west-1 --output json"), "{line}");
        }
    }
    let (output, _) = ask(&fake_but("nothing", &[]), "bare");
    assert_eq!(with(&verdicts(&output), "fail"), ["001", "002", "003", "011", "013", "015"]);
}

#[test]
fn the_form_of_the_api_says_the_same_as_that_of_the_tool() {
    fn small(value: Value) -> Value {
        match value {
            Value::Object(fields) => fields
                .into_iter()
                .map(|(key, value)| (format!("{}{}", key[..1].to_lowercase(), &key[1..]), small(value)))
                .collect(),
            Value::Array(items) => items.into_iter().map(small).collect(),
            other => other,
        }
    }
    for name in ["typical", "exemplary"] {
        let folder = tempfile::tempdir().unwrap();
        for (_, document) in QUESTIONS {
            let path = fixture(&format!("eks/{name}")).join(format!("{document}.json"));
            if !path.is_file() {
                continue;
            }
            let answer = json_of(&path);
            let answer = if document.starts_with("detector") { small(answer) } else { answer };
            fs::write(folder.path().join(format!("{document}.json")), answer.to_string()).unwrap();
        }
        let found = |output: &Output| -> Vec<(String, String, String)> {
            let report: Value = serde_json::from_str(&output.stdout).unwrap();
            let text = |finding: &Value, key: &str| {
                let text = finding[key].as_str().unwrap();
                let text = text.replace(folder.path().to_str().unwrap(), "");
                text.replace(fixture(&format!("eks/{name}")).to_str().unwrap(), "")
            };
            let findings = report["findings"].as_array().unwrap().iter();
            findings.map(|one| (text(one, "check"), text(one, "status"), text(one, "reason"))).collect()
        };
        assert_eq!(found(&saved(folder.path())), found(&saved(&fixture(&format!("eks/{name}")))), "{name}");
    }
}

#[test]
fn a_tool_that_fails_leaves_everything_unknown() {
    let texts = fs::read_to_string(recordings().join("errors.txt")).unwrap();
    let reason = |case: &str| match case {
        "not-found" => "not found",
        "no-credentials" | "unknown-profile" | "unrec" => "not logged in",
        "no-region" => "region, project or resource group unknown",
        "sso-no-token" | "sso-expired" | "expired" => "the login has expired",
        "throttle" | "throttling" => "throttled",
        "denied" => "eks:DescribeCluster",
        "html" => "not in the expected form",
        other => panic!("{other} is new"),
    };
    let mut cases = 0;
    for section in texts.split("## ").filter(|section| !section.trim().is_empty()) {
        let (case, rest) = section.split_once('\n').unwrap();
        let (stderr, code) = rest.rsplit_once("exit ").unwrap();
        let fake = Fake::new("aws").fails("*", stderr, code.trim().parse().unwrap());
        let (output, asked) = ask(&fake, "demo");
        assert_eq!(asked.len(), 1, "{case}: nothing more is asked of a cluster that was not found");
        let verdicts = verdicts(&output);
        assert!(verdicts.values().all(|status| status == "unknown"), "{case}: {verdicts:?}");
        let reasons = reasons(&output);
        assert!(reasons.iter().any(|why| why.contains(reason(case.trim()))), "{case}: {output:#?}");
        assert!(!reasons.iter().any(|why| why.contains("not asked for")), "{case}: {reasons:#?}");
        cases += 1;
    }
    assert_eq!(cases, 12);
}

#[test]
fn every_call_that_fails_alone_leaves_only_its_own_facts_unknown() {
    let denied = "An error occurred (AccessDeniedException) when calling the operation: User: arn:aws:iam::111122223333:user/dev is not authorized";
    let all = verdicts(&ask(&fake_but("exemplary", &[]), "bank").0);
    for (pattern, unknown, permission) in [
        (
            "logs describe-log-groups *",
            vec!["004", "005", "006", "007", "008", "009", "010", "012", "020"],
            "logs:DescribeLogGroups",
        ),
        ("guardduty list-detectors *", vec!["011"], "guardduty:ListDetectors"),
        ("guardduty get-detector *", vec!["011"], "guardduty:GetDetector"),
        ("cloudtrail describe-trails *", vec!["013", "014"], "cloudtrail:DescribeTrails"),
        ("cloudtrail get-trail-status *", vec!["013", "014"], "cloudtrail:GetTrailStatus"),
        ("cloudtrail get-event-selectors *", vec!["013", "014"], "cloudtrail:GetEventSelectors"),
        ("ec2 describe-flow-logs *", vec!["015"], "ec2:DescribeFlowLogs"),
        ("eks list-addons *", vec!["017"], "eks:ListAddons"),
        ("eks describe-addon *", vec!["017"], "eks:DescribeAddon"),
        ("logs describe-metric-filters *", vec!["010"], "logs:DescribeMetricFilters"),
        // Another way shows the same: one copy is enough.
        ("logs describe-account-policies *", vec![], "logs:DescribeAccountPolicies"),
    ] {
        let fake = fake_but("exemplary", &[pattern]).fails(pattern, denied, 255);
        let (output, _) = ask(&fake, "bank");
        let found = verdicts(&output);
        let mut expected = unknown.clone();
        expected.push("018");
        expected.sort_unstable();
        assert_eq!(with(&found, "unknown"), expected, "{pattern}");
        assert_eq!(with(&found, "fail"), with(&all, "fail"), "{pattern}");
        if !unknown.is_empty() {
            assert!(reasons(&output).iter().any(|why| why.contains(permission)), "{pattern}: {output:#?}");
        }
    }
}

#[test]
fn garbage_is_neither_good_nor_bad() {
    let cluster = "eks describe-cluster *";
    for garbage in [
        "echo '<html>502</html>'",
        "echo '{}'",
        "echo '[]'",
        "echo 7",
        "printf '\\377\\376'",
        "true",
        "echo '{\"cluster\": 7}'",
    ] {
        let (output, asked) = ask(&Fake::new("aws").does("*", garbage), "demo");
        assert_eq!(asked.len(), 1, "{garbage}: it names no cluster of which more could be asked");
        let all = verdicts(&output);
        assert!(all.values().all(|status| status == "unknown"), "{garbage}: {all:?}");
        // Where the cluster was found, the rest says nothing.
        let document = json_of(&fixture("eks/exemplary/cluster.json"));
        let (output, _) = ask(&Fake::new("aws").answers(cluster, &document).does("*", garbage), "bank");
        let all = verdicts(&output);
        assert_eq!(with(&all, "pass"), ["001", "002", "003", "016", "019"], "{garbage}");
        assert_eq!(with(&all, "fail"), [""; 0], "{garbage}");
    }
}

#[test]
fn a_tool_that_hangs_or_is_not_there_is_told() {
    let fake = Fake::new("aws").does("*", "sleep 60");
    let (output, _) = fake.run(&[
        "run",
        "--no-cluster",
        "--cloud",
        "cli",
        "--provider",
        "eks",
        "--cluster-name",
        "demo",
        "--region",
        "eu-west-1",
        "--timeout",
        "2s",
        "--only",
        "LA-EKS-*",
        "-o",
        "json",
    ]);
    assert!(verdicts(&output).values().all(|status| status == "unknown"));
    assert!(reasons(&output).iter().any(|why| why.contains("timed out")), "{output:#?}");
    let output = pinned()
        .env("PATH", "/nowhere")
        .args(["run", "--no-cluster", "--cloud", "cli", "--provider", "eks", "--cluster-name", "demo"])
        .args(["--region", "eu-west-1", "--only", "LA-EKS-*", "-o", "json"])
        .run();
    assert!(verdicts(&output).values().all(|status| status == "unknown"));
    assert!(reasons(&output).iter().any(|why| why.contains("aws is not in PATH")), "{output:#?}");
}

#[test]
fn a_log_group_that_was_deleted_makes_what_is_recorded_doubtful() {
    let fake = fake_but("exemplary", &["logs describe-log-groups *"])
        .answers("logs describe-log-groups *", &json!({"logGroups": []}));
    let place = ["--provider", "eks", "--cluster-name", "bank", "--region", "eu-west-1"];
    let arguments = [&["run", "--no-cluster", "--cloud", "cli", "-o", "json"], place.as_slice()].concat();
    let (output, asked) = fake.run(&arguments);
    let gone = verdicts(&output);
    assert_eq!((gone["LA-EKS-001"].as_str(), gone["LA-EKS-004"].as_str()), ("pass", "fail"));
    assert_eq!(gone["LA-POL-030"], "unknown", "reads of Secrets");
    assert!(
        !asked.iter().any(|line| line.contains("describe-metric-filters")),
        "there is nothing to ask about"
    );
    let there = verdicts(&fake_but("exemplary", &[]).run(&arguments).0);
    assert_eq!(there["LA-POL-030"], "pass");
    // GuardDuty looks at audit events and keeps none.
    let fake = fake_but("nothing", &["guardduty list-detectors *"])
        .answers("guardduty list-detectors *", &json!({"DetectorIds": ["d"]}))
        .answers("guardduty get-detector *", &json_of(&fixture("eks/exemplary/detector.json")));
    let watched = verdicts(&ask(&fake, "bare").0);
    assert_eq!((watched["LA-EKS-011"].as_str(), watched["LA-EKS-001"].as_str()), ("pass", "fail"));
}

#[test]
fn every_recording_is_read_or_refused() {
    // Names of clusters, and the shapes of the API: no answers about a cluster.
    let refused = ["api-shapes.json", "eks-list-clusters.json"];
    let mut read = 0;
    for entry in fs::read_dir(recordings()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.extension().is_none_or(|ending| ending != "json") {
            continue;
        }
        let found = answers(&name, &fs::read(&path).unwrap()).unwrap();
        assert_eq!(found.is_empty(), refused.contains(&name.as_str()), "{name}");
        assert!(found.iter().all(|answer| answer.call.starts_with("eks/")), "{name}");
        read += usize::from(!found.is_empty());
    }
    assert_eq!(read, 11);
    let types = |name: &str| {
        let path = recordings().join(name);
        let output = pinned()
            .args(["run", "--no-cluster", "--only", "LA-EKS-*", "-o", "json", "--cloud-file"])
            .arg(&path)
            .run();
        with(&verdicts(&output), "pass")
    };
    assert_eq!(types("eks-describe-cluster-all.json"), ["001", "002", "003"]);
    assert_eq!(types("eks-describe-cluster-partial.json"), ["001"]);
    assert_eq!(types("eks-describe-cluster-after-update.json"), ["001"]);
    assert_eq!(types("eks-describe-cluster-default-off.json"), [""; 0]);
}

#[test]
fn every_field_that_is_kept_is_one_of_the_api() {
    let shapes = json_of(&recordings().join("api-shapes.json"));
    let find = |service: &str, mut shape: String, path: &str| {
        for key in path.split('.') {
            let shapes = &shapes[service]["shapes"];
            while let Some(member) = shapes[&shape]["member"].as_str() {
                shape = member.to_owned();
            }
            shape = shapes[&shape]["members"][key]
                .as_str()
                .unwrap_or_else(|| panic!("{service} {path}: {key}"))
                .to_owned();
        }
    };
    // What is taken out of a text, and selectors, of which the shapes are not at hand.
    let made = ["containerLogs", "accountPolicies.destinationArn", "accountPolicies.filterPattern"];
    let roots = [
        ("eks/describe-cluster", "eks", "Cluster"),
        ("eks/list-addons", "eks", "ListAddonsResponse"),
        ("eks/describe-addon", "eks", "Addon"),
        ("eks/describe-log-groups", "logs", "DescribeLogGroupsResponse"),
        ("eks/describe-metric-filters", "logs", "DescribeMetricFiltersResponse"),
        ("eks/describe-subscription-filters", "logs", "DescribeSubscriptionFiltersResponse"),
        ("eks/describe-account-policies", "logs", "DescribeAccountPoliciesResponse"),
        ("eks/get-detector", "guardduty", "GetDetectorResponse"),
        ("eks/describe-trails", "cloudtrail", "DescribeTrailsResponse"),
        ("eks/get-trail-status", "cloudtrail", "GetTrailStatusResponse"),
    ];
    for (id, service, root) in roots {
        let call = CloudProvider::Eks.calls().iter().find(|call| call.id == id).unwrap();
        for path in call.keep.iter().filter(|path| !made.contains(path)) {
            find(service, root.to_owned(), path);
        }
    }
}

#[test]
fn every_real_file_is_read_or_refused() {
    let Some(folder) = std::env::var_os("LOGAUDIT_CORPUS").map(PathBuf::from) else {
        eprintln!("skipped: LOGAUDIT_CORPUS does not name the folder of real files");
        return;
    };
    let (mut read, mut refused) = (0, Vec::new());
    for entry in fs::read_dir(folder.join("cloud")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if !["eks", "logs."].iter().any(|mark| name.contains(mark)) {
            continue;
        }
        // Their recorder puts the answer of the API into an envelope.
        let document = json_of(&path);
        let document = document.get("data").unwrap_or(&document).to_string();
        match answers(&name, document.as_bytes()) {
            Ok(found) if found.is_empty() => refused.push(name),
            Ok(found) => {
                assert!(found.iter().all(|answer| answer.call.starts_with("eks/")), "{name}");
                read += 1;
            }
            Err(FileError::NoJson { .. }) => refused.push(name),
            Err(error) => panic!("{name}: {error}"),
        }
    }
    println!("{read} read, refused: {refused:#?}");
    // An answer of throttling.
    assert_eq!(
        refused,
        [
            "cloud-custodian__cloud-custodian__tests__data__placebo__test_query_pagination_retry__logs.DescribeLogGroups_2.json"
        ]
    );
    assert_eq!(read, 22);
}
