//! `Alloy` of Grafana's operator: its specification is the values of a Helm chart (grafana/alloy: `operations/helm`).

use crate::analyze::collectors::config::Config;
use crate::analyze::collectors::dialect::Unreadable;
use crate::analyze::collectors::fields::Fields;
use crate::analyze::collectors::model::Pipeline;
use crate::snapshot::{ConfigMapKey, ConfigText, Resource};

/// Where its pods have the configuration.
const PATH: &str = "/etc/alloy/config.alloy";

/// Reads an `Alloy`: the `ConfigMap` of its configuration or, if that is not seen, the text it is made from.
///
/// # Errors
/// Neither is there, or it is not a configuration.
pub fn read_resource(resource: &Resource, configs: &[ConfigText]) -> Result<Pipeline, Unreadable> {
    let wanted = config_map(resource);
    let is_wanted = |text: &&ConfigText| {
        let found = &text.config_map;
        let same = found.namespace == wanted.namespace
            || found.namespace.is_empty()
            || wanted.namespace.is_empty();
        !text.given && same && (&found.name, &found.key) == (&wanted.name, &wanted.key)
    };
    let settings = Fields::spec(resource).at_path(&["alloy", "configMap"]);
    let at = settings.as_ref().map_or_else(|| resource.at.clone(), |settings| settings.at_key("content"));
    let content = settings.as_ref().and_then(|settings| settings.text("content"));
    let (at, content) = match (configs.iter().find(is_wanted), content.filter(|_| is_made(resource))) {
        (Some(text), _) => (text.at.clone(), text.text.clone()),
        (None, Some(content)) if content.contains("{{") => {
            let why = format!("its content is a template of Helm, and what it comes to, {}, is not seen", wanted.at());
            return Err(Unreadable::new(at, why));
        }
        (None, Some(content)) => (resource.place().field("spec.alloy.configMap.content"), content),
        (None, None) => {
            return Err(Unreadable::new(at, format!("its configuration, {}, is not in the input", wanted.at())));
        }
    };
    let mut config = Config::of_text(PATH, &at, &content);
    config.env.open = Some("the operator and the image may set it".into());
    super::read(&config)
}

/// The `ConfigMap` its pods read: the one it names, or the one that its release makes.
pub fn config_map(resource: &Resource) -> ConfigMapKey {
    let settings = Fields::spec(resource).at_path(&["alloy", "configMap"]);
    let text = |key: &str| settings.as_ref().and_then(|settings| settings.text(key));
    ConfigMapKey {
        namespace: resource.namespace.clone(),
        name: text("name").unwrap_or_else(|| full_name(resource)),
        key: text("key").unwrap_or_else(|| "config.alloy".into()),
    }
}

/// Whether the release makes the `ConfigMap` itself.
pub fn is_made(resource: &Resource) -> bool {
    let settings = Fields::spec(resource).at_path(&["alloy", "configMap"]);
    settings.is_none_or(|settings| settings.flag("create") != Some(false))
}

/// What the chart calls its objects: the release, with the chart's name behind it unless that is part of it.
pub fn full_name(resource: &Resource) -> String {
    let spec = Fields::spec(resource);
    let chart = spec.text("nameOverride").unwrap_or_else(|| "alloy".into());
    match spec.text("fullnameOverride") {
        Some(name) => name,
        None if resource.name.contains(&chart) => resource.name.clone(),
        None => format!("{}-{chart}", resource.name),
    }
}

/// Whether its pods run on every node.
pub fn is_on_nodes(resource: &Resource) -> bool {
    let kind = Fields::spec(resource).get("controller").and_then(|controller| controller.text("type"));
    kind.is_none_or(|kind| kind == "daemonset")
}
