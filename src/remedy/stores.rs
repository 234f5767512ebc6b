//! Stores in the cluster: retention that is set and applied.

use serde_json::{Value, json};

use super::change::Change;
use super::collector::patch::config_patch;
use super::quote::word;
use super::situation::Situation;
use super::{File, Remedy};
use crate::document::yaml::parse;
use crate::snapshot::redact::has_blanks;
use crate::snapshot::{ConfigText, Medium, Workload};

/// How long logs are kept where nothing says it: a year.
const USUAL: &str = "8760h";

/// The least that is asked for: 90 days.
const LEAST: &str = "2160h";

/// The checks that a retention mends.
const CHECKS: [&str; 3] = ["LA-RET-011", "LA-RET-012", "LA-RET-013"];

/// Stores.
pub fn remedies(situation: &Situation<'_>) -> Vec<Remedy> {
    let mut subjects: Vec<&str> = CHECKS.iter().flat_map(|check| situation.subjects(check)).collect();
    subjects.sort_unstable();
    subjects.dedup();
    let workloads = situation.snapshot.workloads.all();
    workloads
        .filter(|workload| subjects.contains(&workload.title().as_str()))
        .filter_map(|workload| loki(situation, workload))
        .collect()
}

/// The ConfigMaps that a workload mounts.
pub fn texts<'a>(situation: &Situation<'a>, workload: &Workload) -> Vec<&'a ConfigText> {
    let mounted = |name: &str| {
        workload
            .containers
            .iter()
            .flat_map(|container| &container.mounts)
            .any(|mount| matches!(&mount.medium, Medium::ConfigMap(volume) if volume.name == name))
    };
    let of_it = |text: &&ConfigText| {
        !text.given && text.config_map.namespace == workload.namespace && mounted(&text.config_map.name)
    };
    situation.snapshot.configs.iter().filter(of_it).collect()
}

fn loki(situation: &Situation<'_>, workload: &Workload) -> Option<Remedy> {
    let title = workload.title();
    let fails = |check: &str| situation.subjects(check).contains(&title.as_str());
    let (text, edited) = texts(situation, workload).into_iter().find_map(|text| {
        let edited = with_retention(&text.text, fails("LA-RET-011"))?;
        (!has_blanks(&text.text)).then_some((text, edited))
    })?;
    let file: File = config_patch(&text.config_map, &edited);
    let namespace = word(&workload.namespace);
    Some(Remedy {
        title: format!("Retention of {title}"),
        apply: vec![
            format!(
                "`kubectl -n {namespace} patch configmap {} --patch-file {}`; comments of the configuration are not kept.",
                word(&text.config_map.name),
                file.name
            ),
            format!("`kubectl -n {namespace} rollout restart {} {}`", workload.kind.name().to_ascii_lowercase(), word(&workload.name)),
        ],
        files: vec![file],
        changes: vec![Change::Config { key: text.config_map.clone(), text: edited }],
        does: "Loki's compactor deletes what is older than `limits_config.retention_period`. What has grown older by then is deleted for good: copy it first if it is needed. Its API for deleting stays off.".into(),
        costs: vec!["The store restarts. A longer retention takes more space, a shorter one frees it.".into()],
        ..Remedy::default()
    })
}

/// Loki's configuration with a compactor that deletes; none if it is not Loki's.
fn with_retention(text: &str, too_short: bool) -> Option<String> {
    let tree = parse(text).trees.into_iter().next()?;
    let mut value = tree.document("loki.yaml").value;
    let configs = value.pointer("/schema_config/configs").and_then(Value::as_array)?;
    let store =
        configs.iter().filter_map(|config| config.get("object_store")?.as_str()).next_back()?.to_owned();
    let fields = value.as_object_mut()?;
    let compactor = fields.entry("compactor").or_insert_with(|| json!({})).as_object_mut()?;
    compactor.insert("retention_enabled".into(), true.into());
    compactor.entry("delete_request_store").or_insert_with(|| store.into());
    let limits = fields.entry("limits_config").or_insert_with(|| json!({})).as_object_mut()?;
    // With a retention comes an API that deletes, which asks nobody.
    limits.entry("deletion_mode").or_insert_with(|| "disabled".into());
    let period = limits.entry("retention_period").or_insert_with(|| USUAL.into());
    if too_short {
        *period = LEAST.into();
    }
    serde_yaml::to_string(&value).ok()
}
