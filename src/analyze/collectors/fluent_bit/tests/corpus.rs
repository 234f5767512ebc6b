//! Real configurations from a folder that is not part of this repository.

use std::path::Path;

use super::super::read;
use crate::analyze::collectors::config::{Config, Env, File, Hidden};
use crate::document::{text, yaml};

/// The configurations of a file: itself, or what ConfigMaps in it hold.
fn configs(path: &Path) -> Vec<Config> {
    let content = std::fs::read_to_string(path).unwrap_or_default();
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    if path.extension().is_some_and(|extension| extension == "conf") {
        return if content.contains("[INPUT]") || content.contains("[OUTPUT]") {
            vec![Config::of_text(&format!("/fluent-bit/etc/{name}"), &name, &content)]
        } else {
            Vec::new()
        };
    }
    let (documents, _) = yaml::nested(&content, &name);
    let mut found = Vec::new();
    for document in documents.iter().filter(|document| text(&document.value, "/kind") == "ConfigMap") {
        let data = document.value.get("data").and_then(serde_json::Value::as_object);
        let files: Vec<File> = data
            .into_iter()
            .flatten()
            .map(|(key, value)| File {
                path: format!("/fluent-bit/etc/{key}"),
                at: format!("{name} data[{key}]"),
                text: value.as_str().unwrap_or_default().to_owned(),
            })
            .collect();
        let is_main = |file: &&File| file.text.contains("[SERVICE]") || file.text.contains("\npipeline:");
        for main in files.iter().filter(is_main) {
            found.push(Config {
                main: main.path.clone(),
                files: files.clone(),
                hidden: vec![Hidden { path: "/".into(), why: "it is part of the image".into() }],
                env: Env { open: Some("the image may set it".into()), ..Env::default() },
                ..Config::default()
            });
        }
    }
    found
}

#[test]
fn real_configurations_are_read_or_refused_with_a_reason() {
    let Some(corpus) = std::env::var_os("LOGAUDIT_CORPUS") else { return };
    let mut count = 0;
    for folder in ["collectors", "collectors-broken"] {
        let Ok(entries) = std::fs::read_dir(Path::new(&corpus).join(folder)) else { continue };
        for entry in entries.flatten() {
            for config in configs(&entry.path()) {
                count += 1;
                match read(&config) {
                    Ok(pipeline) => assert!(
                        !pipeline.inputs.is_empty() || !pipeline.unread.is_empty(),
                        "{} holds nothing",
                        config.main
                    ),
                    Err(error) => assert!(!error.at.is_empty() && !error.why.is_empty()),
                }
            }
        }
    }
    assert!(count > 0);
}
