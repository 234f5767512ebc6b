//! Managed clusters: commands that a shell reads, Terraform that a parser of HCL reads, and answers as they would be after.

use std::path::{Path, PathBuf};
use std::process::Command;

use logaudit::verdict::Status;

use super::{Fixed, close};

/// The saved answers of a cluster.
fn answers(provider: &str, cluster: &str) -> Vec<String> {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cloud/fixtures").join(provider).join(cluster);
    let mut input = vec!["--no-cluster".to_owned()];
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files {
        input.extend(["--cloud-file".to_owned(), file.to_str().unwrap().to_owned()]);
    }
    input
}

fn fixed(provider: &str, cluster: &str) -> Fixed {
    let input = answers(provider, cluster);
    let input: Vec<&str> = input.iter().map(String::as_str).collect();
    Fixed::of(&input, &[])
}

/// Whether a POSIX shell reads a script.
pub(super) fn is_shell(script: &Path) -> bool {
    Command::new("sh").arg("-n").arg(script).status().unwrap().success()
}

/// What a parser of HCL makes of a file, as JSON; none where it is not installed.
pub(super) fn hcl(file: &Path) -> Option<serde_json::Value> {
    let python =
        std::env::var_os("LOGAUDIT_CLOUD_TOOLS").map(|folder| Path::new(&folder).join("bin/python3"));
    let has_parser = |python: &PathBuf| {
        Command::new(python).args(["-c", "import hcl2"]).output().is_ok_and(|output| output.status.success())
    };
    let Some(python) = python.filter(has_parser) else {
        eprintln!("skipped: LOGAUDIT_CLOUD_TOOLS does not name a folder with python-hcl2");
        return None;
    };
    let program = "import hcl2, json, sys; print(json.dumps(hcl2.load(open(sys.argv[1]))))";
    let output = Command::new(python).args(["-c", program]).arg(file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn clouds_are_closed() {
    let mut numbers = Vec::new();
    for provider in ["eks", "aks", "gke"] {
        for cluster in ["nothing", "typical", "exemplary"] {
            let fixed = fixed(provider, cluster);
            let name = format!("{provider} {cluster}");
            let closed = close(&name, &fixed);
            if fixed.has("commands.sh") {
                assert!(is_shell(&fixed.path().join("commands.sh")), "{name}");
                hcl(&fixed.path().join("main.tf"));
            }
            numbers.push((name, closed.failed, closed.claimed));
        }
    }
    insta::assert_debug_snapshot!(numbers);
}

#[test]
fn commands_name_the_cluster_once_and_say_what_is_missing() {
    let eks = fixed("eks", "nothing").read("commands.sh");
    assert!(
        eks.contains("\nCLUSTER='bare'\nLOCATION='eu-west-1'") || eks.contains("CLUSTER='bare'\n"),
        "{eks}"
    );
    assert_eq!(eks.matches("bare").count(), 1, "{eks}");
    let aks = fixed("aks", "nothing");
    let script = aks.read("commands.sh");
    assert!(script.contains(": \"${WORKSPACE_ID:?"), "{script}");
    assert!(aks.read("README.md").contains("WORKSPACE_ID: the id of a Log Analytics workspace"));
    // Not set, the script ends before its first command.
    let output = Command::new("sh").arg(aks.path().join("commands.sh")).env_clear().output().unwrap();
    assert!(
        !output.status.success() && String::from_utf8_lossy(&output.stderr).contains("set it: "),
        "{output:?}"
    );
}

#[test]
fn what_is_well_stays_alone() {
    for provider in ["eks", "aks", "gke"] {
        let fixed = fixed(provider, "exemplary");
        let failing = fixed.before.verdicts().into_iter().filter(|(_, status)| *status == Status::Fail);
        for (check, _) in failing {
            assert!(!check.starts_with(&format!("LA-{}-", provider.to_uppercase())), "{check}");
        }
    }
}

#[test]
fn retentions_are_only_made_longer() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, value: serde_json::Value| {
        let path = folder.path().join(name);
        std::fs::write(&path, value.to_string()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let cluster = |on: bool| {
        serde_json::json!({"cluster": {
            "name": "bank", "arn": "arn:aws:eks:eu-west-1:111122223333:cluster/bank", "version": "1.35",
            "logging": {"clusterLogging": [{"types": ["api", "audit"], "enabled": on}]},
        }})
    };
    let group = |days: Option<u64>| {
        let mut group =
            serde_json::json!({"logGroupName": "/aws/eks/bank/cluster", "logGroupClass": "STANDARD"});
        if let Some(days) = days {
            group["retentionInDays"] = days.into();
        }
        serde_json::json!({"logGroups": [group]})
    };
    // Off for now, but what was recorded is kept for ten years, or for ever: nothing of it is to go.
    for (on, days, is_set) in
        [(false, Some(3653), false), (true, None, false), (false, None, false), (true, Some(7), true)]
    {
        let input = ["--no-cluster", "--cloud-file", &write("cluster.json", cluster(on)), "--cloud-file"]
            .map(str::to_owned)
            .into_iter()
            .chain([write("groups.json", group(days))])
            .collect::<Vec<_>>();
        let input: Vec<&str> = input.iter().map(String::as_str).collect();
        let fixed = Fixed::of(&input, &[]);
        let texts = ["commands.sh", "main.tf"]
            .map(|name| if fixed.has(name) { fixed.read(name) } else { String::new() });
        let sets = ["retention-in-days", "retention_in_days"];
        for (text, setting) in texts.iter().zip(sets) {
            assert_eq!(text.contains(setting), is_set, "{on} {days:?}: {text}");
        }
    }
}
