//! Licences of others: each crate has one, or an exception says which.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::{have, names, platforms, read, root, run, stdout};

const EXCEPTIONS: &str = ".ci/release/licences/exceptions";

#[test]
fn every_crate_of_the_program_is_named_with_its_licence() {
    if !have(&["cargo", "jq", "sha256sum"]) {
        return;
    }
    let notices = stdout(&mut Command::new(root().join(".ci/release/notices")));
    let again =
        stdout(Command::new(root().join(".ci/release/notices")).env("LC_ALL", "C.UTF-8").current_dir("/"));
    assert!(notices == again, "two runs give two texts");
    for (_, target) in platforms() {
        let crates = stdout(Command::new(root().join(".ci/release/crates")).arg(target));
        for line in crates.lines() {
            assert!(notices.contains(&format!("\n  {line}: ")), "{line} is not listed");
            let has_text = notices.contains(&format!("\n{line}\n"));
            let is_told = notices.contains(&format!("\n  {line}, by "));
            assert!(has_text != is_told, "{line}: a text {has_text}, an exception {is_told}");
        }
    }
    for folder in folders(&notices) {
        for name in names(&folder).into_iter().filter(|name| name.starts_with("LICENSE")) {
            let Ok(text) = fs::read_to_string(folder.join(&name)) else { continue };
            let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
            assert!(
                notices.contains(lines.join("\n").trim_matches('\n')),
                "{}/{name} is not there",
                folder.display()
            );
        }
    }
    assert!(!notices.contains("GNU GENERAL PUBLIC LICENSE"), "a licence that is not used");
    // A text that many crates share stands there once, behind the names of all of them.
    let line = format!("\n{}\n", "-".repeat(80));
    let parts = notices.split(&line).skip(1).filter_map(|part| part.split_once("\n\n"));
    let mut texts: Vec<&str> = parts.map(|(_, text)| text.trim()).collect();
    let all = texts.len();
    texts.sort_unstable();
    texts.dedup();
    assert!(all > 50 && texts.len() == all, "{} of {all} texts are different", texts.len());
}

/// The folders of the crates that are listed.
fn folders(notices: &str) -> Vec<PathBuf> {
    let metadata = stdout(
        Command::new("cargo").args(["metadata", "--locked", "--format-version", "1"]).current_dir(root()),
    );
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let word = |package: &Value, key: &str| package[key].as_str().unwrap().to_owned();
    let listed = packages.iter().filter(|package| {
        notices.contains(&format!("\n  {} {}: ", word(package, "name"), word(package, "version")))
    });
    let folders: Vec<PathBuf> = listed
        .map(|package| Path::new(&word(package, "manifest_path")).parent().unwrap().to_owned())
        .collect();
    assert!(folders.len() > 100, "{}", folders.len());
    folders
}

#[test]
fn a_licence_that_is_not_sure_stops_the_release() {
    if !have(&["cargo", "jq", "sha256sum"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("exceptions");
    let list = read(EXCEPTIONS);
    for (changed, words) in [
        (
            list.replace("cel text MIT\n", ""),
            &["cel 0.", "no text of its licence", "(MIT)", "no exception"][..],
        ),
        (list.replace("cel text MIT", "cel text ISC"), &["cel 0.", "under MIT", "says: cel text ISC"]),
        (list + "serde text MIT\n", &["no longer needed", "serde text MIT"]),
    ] {
        fs::write(&file, changed).unwrap();
        let output = run(Command::new(root().join(".ci/release/notices")).arg(&file));
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        for word in words {
            assert!(stderr.contains(word), "no {word:?} in {stderr}");
        }
    }
}
