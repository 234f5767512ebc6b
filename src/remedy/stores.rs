//! Stores in the cluster: a retention that is long enough.
//!
//! That a store deletes nothing, or not what it should, is left to people: how long logs must be kept is for them to say, and what is
//! deleted is gone.

use super::change::Change;
use super::collector::patch::config_patch;
use super::quote::word;
use super::situation::Situation;
use super::{File, Remedy};
use crate::document::yaml::parse;
use crate::snapshot::redact::has_blanks;
use crate::snapshot::{ConfigText, Medium, Workload};

/// The least that is asked for: 90 days.
const LEAST: &str = "2160h";

/// Stores.
pub fn remedies(situation: &Situation<'_>) -> Vec<Remedy> {
    let subjects = situation.subjects("LA-RET-011");
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
    let (text, edited) = texts(situation, workload).into_iter().find_map(|text| {
        let edited = with_retention(&text.text)?;
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
            format!(
                "`kubectl -n {namespace} rollout restart {} {}`",
                workload.kind.name().to_ascii_lowercase(),
                word(&workload.name)
            ),
        ],
        files: vec![file],
        changes: vec![Change::Config { key: text.config_map.clone(), text: edited }],
        does: "Loki keeps logs for 90 days before its compactor deletes them.".into(),
        costs: vec!["The store restarts, and takes more space.".into()],
        ..Remedy::default()
    })
}

/// Loki's configuration with a retention that is long enough; none if it is not Loki's.
fn with_retention(text: &str) -> Option<String> {
    let tree = parse(text).trees.into_iter().next()?;
    let mut value = tree.document("loki.yaml").value;
    value.pointer("/schema_config/configs").filter(|configs| configs.is_array())?;
    *value.pointer_mut("/limits_config/retention_period")? = LEAST.into();
    serde_yaml::to_string(&value).ok()
}
