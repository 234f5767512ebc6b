//! A cluster that is read through its API and at whose provider is asked at the same time, as its kubeconfig says.

use serde_json::json;

use super::Fake;
use crate::support::cluster::{FLAGZ, METRICS, PODS};
use crate::support::kubeconfig::{Context, Kubeconfig};
use crate::support::reply::Reply;
use crate::support::routes::{Identity, Routes, absent, forbidden};
use crate::support::server::RecordedServer;

const ARN: &str = "arn:aws:eks:eu-west-1:111122223333:cluster/demo";

/// A cluster that shows no apiserver, under the names that EKS' tool writes.
fn stage() -> (RecordedServer, Kubeconfig) {
    let empty =
        json!({"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": []});
    let routes = Routes::kubeadm()
        .get(PODS, Reply::json(200, &empty))
        .get(FLAGZ, absent(FLAGZ))
        .get(METRICS, forbidden(METRICS, Identity::Viewer));
    let server = RecordedServer::start(routes);
    let kubeconfig = Kubeconfig::new(Context::for_server(ARN, &server).token("admin"));
    // Context, cluster and user have the same name there.
    let text = std::fs::read_to_string(kubeconfig.path()).unwrap();
    let text = text.replace(&format!("{ARN}-cluster"), ARN).replace(&format!("{ARN}-user"), ARN);
    (server, Kubeconfig::raw(&text))
}

/// A run with these options, and what the tool was asked.
fn run(aws: &Fake, options: &[&str]) -> (super::Output, Vec<String>) {
    let (server, kubeconfig) = stage();
    let config = kubeconfig.path().to_str().unwrap().to_owned();
    let arguments = [&["run", "-o", "json", "--kubeconfig", &config], options].concat();
    let result = aws.run(&arguments);
    server.assert_only_reads();
    result
}

fn aws() -> Fake {
    let logging = json!({"clusterLogging": [{"types": ["audit"], "enabled": true}]});
    Fake::new("aws").answers(
        "eks describe-cluster *",
        &json!({"cluster": {"name": "demo", "arn": ARN, "logging": logging}}),
    )
}

#[test]
fn the_provider_is_asked_by_itself_where_the_kubeconfig_is_sure() {
    let (output, asked) = run(&aws(), &[]);
    assert_eq!(asked[0], "eks describe-cluster --name demo --region eu-west-1 --output json");
    let verdicts = super::verdicts(&output);
    assert_eq!(verdicts["LA-EKS-001"], "pass");
    assert_eq!(verdicts["LA-API-001"], "pass", "the provider tells whether it records");
    assert_eq!(verdicts["LA-API-002"], "not-applicable", "nobody but the provider sees its flags");
    assert_eq!(verdicts["LA-POL-030"], "pass");
}

#[test]
fn nobody_is_asked_who_should_not_be() {
    for options in [["--cloud", "off"].as_slice(), &["--cloud-file", "/nonexistent/x.json"]] {
        let (_, asked) = run(&aws(), options);
        assert!(asked.is_empty(), "{options:?}: {asked:?}");
    }
    let (output, _) = run(&aws(), &["--cloud", "off"]);
    let verdicts = super::verdicts(&output);
    assert_eq!((verdicts["LA-EKS-001"].as_str(), verdicts["LA-API-001"].as_str()), ("unknown", "fail"));
    assert!(output.stdout.contains("--cloud off"), "the reason is told");
}

#[test]
fn without_the_tool_the_settings_are_unknown_and_the_way_out_is_told() {
    let (output, asked) = run(&Fake::new("some-other-tool"), &[]);
    assert!(asked.is_empty());
    assert_eq!(super::verdicts(&output)["LA-EKS-001"], "unknown");
    assert!(output.stdout.contains("aws is not in PATH"), "{}", output.stdout);
}

#[test]
fn answers_of_another_cluster_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cluster.json");
    std::fs::write(
        &file,
        json!({"cluster": {"name": "other", "arn": ARN.replace("demo", "other")}}).to_string(),
    )
    .unwrap();
    let (output, _) = run(&aws(), &["--cloud-file", file.to_str().unwrap()]);
    output.expect_refusal(&["is of another cluster: name other, not demo"]);
}

#[test]
fn what_a_tool_answers_for_another_cluster_proves_nothing() {
    let logging = json!({"clusterLogging": [{"types": ["audit"], "enabled": true}]});
    let elsewhere = ARN.replace("eu-west-1", "us-east-1");
    let aws = Fake::new("aws").answers(
        "eks describe-cluster *",
        &json!({"cluster": {"name": "demo", "arn": elsewhere, "logging": logging}}),
    );
    let (output, asked) = run(&aws, &[]);
    assert_eq!(asked.len(), 1, "nothing else is asked there: {asked:?}");
    assert_eq!(super::verdicts(&output)["LA-EKS-001"], "unknown");
    assert!(output.stdout.contains("the answer is of another cluster: region us-east-1, not eu-west-1"));
}

#[test]
#[cfg(unix)]
fn a_tool_that_hangs_ends_with_what_it_started() {
    let mark = "31536123";
    let aws = Fake::new("aws").does("*", &format!("sleep {mark} & wait"));
    let (output, _) = run(&aws, &["--timeout", "2s"]);
    assert_eq!(super::verdicts(&output)["LA-EKS-001"], "unknown");
    let left = std::process::Command::new("pgrep").args(["-f", &format!("^sleep {mark}")]).output();
    assert!(left.is_ok_and(|left| left.stdout.is_empty()), "its child goes on");
}
