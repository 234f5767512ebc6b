//! Names of objects that try to get out of shells, YAML, HCL, Markdown and folders.

use std::process::Command;

use serde_json::{Value, json};

use super::clouds::{hcl, is_shell};
use super::{Fixed, fixture};

const NAMES: [&str; 4] = [
    "a'; touch PWNED; '$(touch PWNED)`touch PWNED`",
    "a\"\n}\nresource \"x\" \"y\" {}\n#${file(\"/etc/passwd\")}",
    "../../../tmp/PWNED",
    "x\n---\nkind: Secret\n| </td><script>alert(1)</script>",
];

/// The settings of a cluster with this name, as Amazon gives them.
fn cluster(name: &str) -> Value {
    json!({"cluster": {
        "name": name, "arn": format!("arn:aws:eks:eu-west-1:111122223333:cluster/{name}"), "version": "1.35",
        "status": "ACTIVE", "resourcesVpcConfig": {"vpcId": name},
        "logging": {"clusterLogging": [{"types": ["audit"], "enabled": false}]},
    }})
}

#[test]
fn clusters_of_providers_stay_names() {
    for name in NAMES {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cluster.json");
        std::fs::write(&file, cluster(name).to_string()).unwrap();
        let fixed = Fixed::of(&["--no-cluster", "--cloud-file", file.to_str().unwrap()], &[]);
        let script = fixed.path().join("commands.sh");
        assert!(is_shell(&script), "{name:?}: {}", fixed.read("commands.sh"));
        // Run with a stand-in for the provider's tool that writes down what it is given.
        let tools = tempfile::tempdir().unwrap();
        let aws = tools.path().join("aws");
        std::fs::write(&aws, "#!/bin/sh\nprintf '%s\\n' \"$@\" >> \"$SEEN\"\n").unwrap();
        std::fs::set_permissions(&aws, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let seen = tools.path().join("seen");
        let status = Command::new("/bin/sh")
            .arg(&script)
            .current_dir(tools.path())
            .env_clear()
            .env("PATH", tools.path())
            .env("SEEN", &seen)
            .output()
            .unwrap();
        assert!(status.status.success(), "{name:?}: {status:?}");
        assert!(!tools.path().join("PWNED").exists(), "{name:?}");
        assert!(std::fs::read_to_string(&seen).unwrap().contains(name), "{name:?}");
        if let Some(read) = hcl(&fixed.path().join("main.tf")) {
            let text = read.to_string();
            let resources = read.get("resource").and_then(Value::as_array).cloned().unwrap_or_default();
            assert!(
                resources.iter().all(|one| one.get("x").is_none() && one.get("\"x\"").is_none()),
                "{text}"
            );
            assert!(read.get("variable").is_some(), "{name:?}: {text}");
        }
    }
}

/// A collector of this namespace and name that lacks about everything, as JSON, which takes every name.
fn collector(name: &str) -> String {
    let text = std::fs::read_to_string(fixture("collectors/fluent-bit.yaml")).unwrap();
    let documents: Vec<Value> = text
        .split("\n---\n")
        .map(|document| {
            let mut value: Value = serde_yaml::from_str(document).unwrap();
            value["metadata"]["name"] = name.into();
            value["metadata"]["namespace"] = name.into();
            if let Some(volumes) = value.pointer_mut("/spec/template/spec/volumes") {
                volumes[0]["configMap"]["name"] = name.into();
            }
            if let Some(container) = value.pointer_mut("/spec/template/spec/containers/0") {
                container["name"] = name.into();
            }
            value
        })
        .collect();
    json!({"apiVersion": "v1", "kind": "List", "items": documents}).to_string()
}

#[test]
fn collectors_stay_names() {
    for name in NAMES {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("collector.json");
        std::fs::write(&file, collector(name)).unwrap();
        let fixed = Fixed::of(&["-f", file.to_str().unwrap()], &[]);
        let patches: Vec<String> =
            fixed.files().into_iter().filter(|file| file.starts_with("patch-")).collect();
        assert!(!patches.is_empty(), "{name:?}: {:?}", fixed.files());
        for file in &patches {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
            assert!(file.chars().all(plain) && !file.contains(".."), "{file}");
            let value: Value = serde_yaml::from_str(&fixed.read(file)).unwrap();
            assert!(value.get("kind").is_none(), "{value}");
        }
        // Commands of the README hold the name as one word; nothing of it is run.
        let readme = fixed.read("README.md");
        for line in readme.lines().filter(|line| line.contains("`kubectl") && line.contains(" patch ")) {
            let command = line.split('`').find(|part| part.starts_with("kubectl")).unwrap_or_default();
            assert!(!command.contains("touch PWNED`"), "{line}");
        }
        assert!(!readme.contains("<script>"), "{readme}");
        assert!(!folder.path().join("PWNED").exists());
        // Nothing was written beside the folder.
        assert_eq!(std::fs::read_dir(fixed.path().parent().unwrap()).unwrap().count(), 1);
    }
}
