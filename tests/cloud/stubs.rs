//! The APIs of Azure and Google Cloud as stubs on loopback, asked over HTTP: answers in the raw form of the API, and its errors.
//!
//! The tools are played by scripts that fetch what the real ones would, and that report errors in their words.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::thread;

use serde_json::Value;

use super::{Fake, verdicts};

/// Fetches a path of the stub and prints the body; a refusal goes to standard error as the tool's own words.
const FETCH: &str = r#"#!/bin/bash
exec 3<>"/dev/tcp/127.0.0.1/$PORT"
printf 'GET %s HTTP/1.0\r\n\r\n' "$2" >&3
answer=$(cat <&3)
status=$(printf '%s' "$answer" | head -1 | cut -d' ' -f2)
body=$(printf '%s' "$answer" | sed '1,/^\r*$/d')
if [ "$status" -lt 400 ]; then printf '%s' "$body"; exit 0; fi
code=$(printf '%s' "$body" | sed -n 's/.*"code":"\{0,1\}\([A-Za-z0-9]*\).*/\1/p')
if [ "$1" = az ]; then echo "ERROR: ($code) refused" >&2; else echo "ERROR: (gcloud) ResponseError: code=$code, message=refused" >&2; fi
exit 1
"#;

/// Replays recorded routes on a port of loopback until the test ends.
fn serve(provider: &str) -> u16 {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(format!("tests/recordings/cloud/{provider}/stub-routes.json"));
    let routes: Vec<Value> = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut first = String::new();
            if BufReader::new(&stream).read_line(&mut first).is_err() {
                continue;
            }
            let path = first.split(' ').nth(1).unwrap_or_default();
            let found = routes.iter().find(|route| {
                let pattern = format!("^(?:{})$", route["path"].as_str().unwrap());
                regex::Regex::new(&pattern).unwrap().is_match(path)
            });
            let (status, body) = match found {
                Some(route) => (route["status"].as_u64().unwrap_or(200), route["body"].to_string()),
                None => (404, r#"{"error":{"code":"ResourceNotFound"}}"#.to_owned()),
            };
            let _ = write!(stream, "HTTP/1.0 {status} x\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        }
    });
    port
}

/// The tool that fetches these paths for arguments that match these patterns.
fn tool(name: &'static str, provider: &str, paths: &[(&str, &str)]) -> Fake {
    let port = serve(provider);
    let fake = Fake::new(name).with_file("fetch", FETCH);
    paths.iter().fold(fake, |fake, (pattern, path)| {
        let fetch = fake.file("fetch");
        fake.does(pattern, &format!("PORT={port} bash '{}' {name} '{path}'", fetch.display()))
    })
}

const AZURE: &str = "/subscriptions/00000000-0000-0000-0000-0000000000a1";

fn azure(cluster: &str) -> super::Output {
    let group = format!("{AZURE}/resourceGroups/rg-prod/providers");
    let own = format!("{group}/Microsoft.ContainerService/managedClusters/{cluster}");
    let workspace = format!("{group}/Microsoft.OperationalInsights/workspaces/law-prod");
    let fake = tool(
        "az",
        "azure",
        &[
            ("aks show *", &own),
            (
                "monitor diagnostic-settings list *",
                &format!("{own}/providers/microsoft.insights/diagnosticSettings"),
            ),
            ("monitor log-analytics workspace show *", &workspace),
            ("monitor log-analytics workspace table show *", &format!("{workspace}/tables/AKSAuditAdmin")),
            ("security pricing show *", &format!("{AZURE}/providers/Microsoft.Security/pricings/Containers")),
            ("*", "/nothing"),
        ],
    );
    let place = ["--provider", "aks", "--cluster-name", cluster, "--resource-group", "rg-prod"];
    fake.run(&[["run", "--no-cluster", "--cloud", "cli", "-o", "json"].as_slice(), &place].concat()).0
}

fn google(cluster: &str) -> super::Output {
    let fake = tool(
        "gcloud",
        "gcp",
        &[
            (
                "container clusters describe *",
                &format!("/v1/projects/acme-prod/locations/europe-west1/clusters/{cluster}"),
            ),
            ("logging buckets list *", "/v2/projects/acme-prod/locations/-/buckets"),
            ("logging sinks list *", "/v2/projects/acme-prod/sinks"),
            ("projects get-iam-policy *", "/v1/projects/acme-prod:getIamPolicy"),
            ("*", "/nothing"),
        ],
    );
    let place = [
        "--provider",
        "gke",
        "--cluster-name",
        cluster,
        "--region",
        "europe-west1",
        "--project",
        "acme-prod",
    ];
    fake.run(&[["run", "--no-cluster", "--cloud", "cli", "-o", "json"].as_slice(), &place].concat()).0
}

#[test]
fn what_azure_answers_raw_is_understood() {
    let output = azure("demo");
    let verdicts = verdicts(&output);
    assert_eq!(verdicts["LA-AKS-001"], "pass", "kube-audit-admin is sent to a workspace");
    assert_eq!(verdicts["LA-AKS-002"], "fail", "and leaves out reads");
    assert_eq!(verdicts["LA-POL-030"], "fail", "so that reads of Secrets are not recorded");
    assert_eq!(verdicts["LA-POL-039"], "pass", "while changes are");
}

#[test]
fn what_google_answers_raw_is_understood() {
    let verdicts = verdicts(&google("demo"));
    assert_eq!(verdicts["LA-GKE-001"], "pass", "system logs are on");
    assert_eq!(verdicts["LA-POL-039"], "pass", "changes are always recorded");
    assert_ne!(verdicts["LA-POL-030"], "pass", "reads are excluded");
}

#[test]
fn refusals_of_the_apis_leave_everything_unknown() {
    for (output, prefix, reason) in [
        (azure("denied"), "LA-AKS-", "forbidden"),
        (azure("nope"), "LA-AKS-", "not found"),
        (azure("busy"), "LA-AKS-", "throttled"),
        (google("denied"), "LA-GKE-", "forbidden"),
        (google("busy"), "LA-GKE-", "throttled"),
        (google("expired"), "LA-GKE-", "the login has expired"),
    ] {
        let verdicts = verdicts(&output);
        let of_provider: Vec<_> = verdicts.iter().filter(|(check, _)| check.starts_with(prefix)).collect();
        assert!(!of_provider.is_empty());
        assert!(of_provider.iter().all(|(_, status)| *status == "unknown"), "{reason}: {of_provider:?}");
        assert!(output.stdout.contains(reason), "{reason}");
    }
}
