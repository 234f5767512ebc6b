//! Collectors that are there: their manifests, patched by a real kubectl as the README says, pass what is claimed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use logaudit::verdict::Status;

use super::{Fixed, RECEIVER, came_to, failed, fixture};
use crate::support::stage::pinned;

/// The kubectl of the PATH; says so where there is none.
fn kubectl() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join("kubectl")).find(|file| file.is_file());
    if found.is_none() {
        eprintln!("skipped: there is no kubectl on the PATH");
    }
    found
}

/// A document among others, by kind and name.
fn is_document(text: &str, kind: &str, name: &str) -> bool {
    let value: serde_json::Value = serde_yaml::from_str(text).unwrap();
    value["kind"].as_str().unwrap().eq_ignore_ascii_case(kind) && value["metadata"]["name"] == name
}

/// Puts every `kubectl patch` of the README in place, by kubectl itself.
fn patched(kubectl: &Path, fixed: &Fixed, manifests: &str) -> String {
    let readme = fixed.read("README.md");
    let mut documents: Vec<String> = manifests.split("\n---\n").map(str::to_owned).collect();
    let mut count = 0;
    for line in readme.lines().filter(|line| line.contains(" patch ") && line.contains("--patch-file")) {
        let (command, file) = line.split_once(" --patch-file ").unwrap();
        let file = file.split('`').next().unwrap();
        let mut words = command.split(" patch ").nth(1).unwrap().split(' ');
        let (kind, name) = (words.next().unwrap(), words.next().unwrap());
        let document = documents
            .iter_mut()
            .find(|document| is_document(document, kind, name))
            .unwrap_or_else(|| panic!("{kind} {name}"));
        let folder = tempfile::tempdir().unwrap();
        let object = folder.path().join("object.yaml");
        std::fs::write(&object, &*document).unwrap();
        let output = pinned()
            .args(["patch", "--local", "--type", "strategic", "-o", "yaml", "-f"])
            .arg(&object)
            .arg("--patch-file")
            .arg(fixed.path().join(file))
            .run_program(kubectl);
        output.expect_code(0);
        document.clone_from(&output.stdout);
        count += 1;
    }
    assert!(count >= 2, "{readme}");
    documents.join("\n---\n")
}

fn cluster() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/collection/fixtures/cluster.yaml");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn patched_collectors_pass_what_is_claimed() {
    let Some(kubectl) = kubectl() else { return };
    let mut numbers = Vec::new();
    for collector in ["fluent-bit", "vector", "otel-collector"] {
        let text = std::fs::read_to_string(fixture(&format!("collectors/{collector}.yaml"))).unwrap();
        let manifests = format!("{text}---\n{}", cluster());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifests.yaml");
        std::fs::write(&path, &manifests).unwrap();
        let fixed = Fixed::of(&["-f", path.to_str().unwrap()], &["--destination", RECEIVER]);
        let before = failed(&fixed.before);
        let claimed: BTreeSet<String> =
            fixed.claimed().into_iter().filter(|check| check.starts_with("LA-COL-")).collect();
        let all: BTreeSet<&String> =
            before.keys().map(|(check, _)| check).filter(|check| check.starts_with("LA-COL-")).collect();
        std::fs::write(&path, patched(&kubectl, &fixed, &manifests)).unwrap();
        let after = pinned().args(["run", "-o", "json", "-f"]).arg(&path).run().report();
        let verdicts = after.by_subject();
        for (check, subject) in before.keys().filter(|(check, _)| claimed.contains(check)) {
            let found = came_to(&verdicts, check, subject);
            assert_eq!(found, Some(Status::Pass), "{collector}: {subject}: {:#?}", after.of(check));
        }
        numbers.push((collector, all.len(), claimed.len()));
    }
    insta::assert_debug_snapshot!(numbers);
}

#[test]
fn examples_are_patched_with_their_own_names() {
    // A file of a patch is no manifest: it does not come into the way of `-f`.
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/ships-nothing.json");
    let fixed = Fixed::of(&["--snapshot", path.to_str().unwrap()], &["--destination", RECEIVER]);
    let names: Vec<String> = fixed.files().into_iter().filter(|name| name.starts_with("patch-")).collect();
    assert!(names.len() >= 3, "{names:?}");
    for name in names {
        let text = fixed.read(&name);
        assert!(!text.contains("kind:") && !text.contains("XXX"), "{name}: {text}");
    }
}

#[test]
fn configurations_with_credentials_are_not_written_anew() {
    // What looks like a credential is blanked out when it is read, by a word or letter by letter.
    for (collector, plain, with) in [
        ("fluent-bit", "${ES_PASSWORD}", "hunter2hunter2"),
        (
            "vector",
            "request:\n",
            "auth: {strategy: basic, user: shipper, password: hunter2hunter2}\n        request:\n",
        ),
        ("vector", "https://logs", "https://shipper:hunter2hunter2@logs"),
        (
            "otel-collector",
            "tls:\n",
            "headers:\n          authorization: Bearer hunter2hunter2\n        tls:\n",
        ),
    ] {
        let text = std::fs::read_to_string(fixture(&format!("collectors/{collector}.yaml"))).unwrap();
        assert!(text.contains(plain), "{collector}");
        let manifests = format!("{}---\n{}", text.replacen(plain, with, 1), cluster());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifests.yaml");
        std::fs::write(&path, manifests).unwrap();
        let fixed = Fixed::of(&["-f", path.to_str().unwrap()], &[]);
        assert!(fixed.files().iter().all(|name| !name.starts_with("patch-configmap")), "{:?}", fixed.files());
        // A collector that is patched for its taints alone says why its configuration is not.
        let is_patched = fixed.files().iter().any(|name| name.starts_with("patch-daemonset"));
        assert!(is_patched || collector != "fluent-bit", "{:?}", fixed.files());
        assert!(
            !is_patched || fixed.read("README.md").contains("holds credentials"),
            "{}",
            fixed.read("README.md")
        );
        for name in fixed.files() {
            assert!(!fixed.read(&name).contains("hunter2"), "{name}");
        }
    }
}
