//! Tetragon: the ConfigMap `tetragon-config`, one file for each option (cilium/tetragon `install/kubernetes/tetragon`).

use serde_json::Value;

use super::{Found, Told};
use crate::analyze::collectors::config::{Config, File};
use crate::analyze::collectors::resolve;
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// What its configuration says.
pub(super) fn told(found: &Found<'_>) -> Told {
    let config = resolve::config(found.snapshot, found.workload, found.container, found.product);
    Told {
        delivered: delivered(found, &config),
        watches_system: watches_system(found, &config),
        receives_audit: Fact::at(
            false,
            Rank::Configured,
            found.at.clone(),
            "Tetragon receives no audit events",
        ),
        audit_tls: Fact::unknown("Tetragon receives no audit events"),
    }
}

/// The file of an option.
fn option<'a>(config: &'a Config, name: &str) -> Option<&'a File> {
    config.files.iter().find(|file| file.path.rsplit('/').next() == Some(name))
}

fn is_seen(config: &Config) -> bool {
    option(config, "export-filename").is_some() || option(config, "export-denylist").is_some()
}

fn unseen(found: &Found<'_>) -> String {
    format!("the ConfigMap tetragon-config of {} is not seen", found.workload.title())
}

/// An option on the command line, which would win.
fn flag(found: &Found<'_>, name: &str) -> bool {
    let words = found.container.command.iter().chain(&found.container.args);
    words.clone().any(|word| word.trim_start_matches('-').split('=').next() == Some(name))
}

fn delivered(found: &Found<'_>, config: &Config) -> Fact<bool> {
    if !is_seen(config) {
        return Fact::unknown(unseen(found));
    }
    if flag(found, "export-filename") || flag(found, "export-rate-limit") {
        return Fact::unknown(format!("options of the command line change what is exported ({})", found.at));
    }
    let Some(file) = option(config, "export-filename").filter(|file| !file.text.trim().is_empty()) else {
        return Fact::at(
            false,
            Rank::Configured,
            found.at.clone(),
            "export-filename is not set: nothing is exported",
        );
    };
    if let Some(limit) = option(config, "export-rate-limit").filter(|file| file.text.trim() == "0") {
        return Fact::at(
            false,
            Rank::Configured,
            limit.at.clone(),
            "export-rate-limit is 0: nothing is exported",
        );
    }
    let exported = Fact::at(true, Rank::Configured, file.at.clone(), "events are exported to a file");
    // A container beside it prints that file.
    let beside = found
        .workload
        .containers
        .iter()
        .find(|one| one.name == "export-stdout" || one.image.contains("export-stdout"));
    exported.and(match beside {
        Some(container) => found.printed(&container.name),
        None => found.file(file.text.trim()),
    })
}

/// Whether the denylist leaves out the host (the namespace "") or kube-system without any other condition.
fn watches_system(found: &Found<'_>, config: &Config) -> Fact<bool> {
    if !is_seen(config) {
        return Fact::unknown(unseen(found));
    }
    if flag(found, "export-denylist") || flag(found, "export-allowlist") {
        return Fact::unknown(format!("options of the command line change what is exported ({})", found.at));
    }
    if let Some(allowed) = option(config, "export-allowlist").filter(|file| names_namespaces(&file.text)) {
        return Fact::unknown(format!(
            "which namespaces its allowlist leaves out is not judged ({})",
            allowed.at
        ));
    }
    let Some(denied) = option(config, "export-denylist") else {
        return Fact::at(true, Rank::Configured, found.at.clone(), "no export-denylist is set");
    };
    for line in denied.text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let Ok(Value::Object(filter)) = serde_json::from_str::<Value>(line) else {
            return Fact::unknown(format!("a line of export-denylist is not JSON ({})", denied.at));
        };
        let namespaces = filter.get("namespace").and_then(Value::as_array);
        let left_out = namespaces.into_iter().flatten().filter_map(Value::as_str);
        let names: Vec<&str> = left_out.filter(|name| ["", "kube-system"].contains(name)).collect();
        if !names.is_empty() && filter.len() == 1 {
            let words: Vec<&str> =
                names.iter().map(|name| if name.is_empty() { "the host" } else { name }).collect();
            return Fact::at(
                false,
                Rank::Configured,
                denied.at.clone(),
                format!("export-denylist leaves out {}", words.join(" and ")),
            );
        }
    }
    Fact::at(
        true,
        Rank::Configured,
        denied.at.clone(),
        "export-denylist leaves out neither the host nor kube-system",
    )
}

fn names_namespaces(text: &str) -> bool {
    text.contains("namespace") || text.contains("pod_regex") || text.contains("labels")
}
