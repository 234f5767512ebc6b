//! What a real kube-apiserver said to audit flags, and what the check of its flags says to them.

use logaudit::verdict::Status;
use serde_json::{Value, json};

use crate::support::stage::pinned;

const STARTUPS: &str = include_str!("../recordings/kube-apiserver-1.36-startup.jsonl");

/// Refusals over a file, which flags do not show.
const ABOUT_FILES: [&str; 9] = [
    "policy file missing",
    "policy with a bad level",
    "policy v1beta1",
    "policy empty file",
    "policy no rules",
    "bad policy without a backend",
    "policy repeated flag: last wins?",
    "log path is a folder",
    "webhook file missing",
];

#[test]
fn flags_are_accepted_and_refused_as_the_server_does() {
    let startups: Vec<Value> = STARTUPS.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(startups.len(), 34);
    let pods: Vec<Value> = startups
        .iter()
        .enumerate()
        .map(|(index, startup)| {
            let mut command = vec![json!("kube-apiserver")];
            command.extend(startup["args"].as_array().unwrap().iter().cloned());
            json!({"apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": format!("kube-apiserver-case{index}"), "namespace": "kube-system"},
                "spec": {"containers": [{"name": "kube-apiserver", "image": "kube-apiserver:v1.36.2", "command": command}]}})
        })
        .collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": pods});
    let report = pinned().args(["run", "-o", "json", "-f", "-"]).stdin(list.to_string()).run().report();
    let verdicts = report.by_subject();
    let mut wrong = Vec::new();
    let mut refused = 0;
    for (index, startup) in startups.iter().enumerate() {
        let case = startup["case"].as_str().unwrap();
        let accepted = startup["outcome"] == "accepted" || ABOUT_FILES.contains(&case);
        let expected = if accepted { Status::Pass } else { Status::Fail };
        let found = verdicts[&("LA-API-024".to_owned(), format!("kube-apiserver-case{index}"))];
        if found != expected {
            wrong.push(format!("{case}: the server says {}, the check says {found}", startup["outcome"]));
        }
        refused += usize::from(!accepted);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(refused, 10);
}
