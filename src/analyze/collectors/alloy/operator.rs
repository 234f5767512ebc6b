//! `Alloy` of Grafana's operator: its specification is the values of a Helm chart (grafana/alloy: `operations/helm`).

use crate::analyze::collectors::config::Config;
use crate::analyze::collectors::dialect::Unreadable;
use crate::analyze::collectors::fields::Fields;
use crate::analyze::collectors::model::Pipeline;
use crate::document::yaml::inner_name;
use crate::snapshot::{ConfigMapKey, ConfigText, Resource};

/// Where its pods have the configuration.
const PATH: &str = "/etc/alloy/config.alloy";

/// Where they keep what is to be remembered, unless told.
const STORAGE: &str = "/tmp/alloy";

/// Reads an `Alloy`: the `ConfigMap` of its configuration or, if that is not seen, the text it is made from.
///
/// # Errors
/// Neither is there, or it is not a configuration.
pub fn read_resource(resource: &Resource, configs: &[ConfigText]) -> Result<Pipeline, Unreadable> {
    let wanted = config_map(resource);
    let is_wanted = |text: &&ConfigText| {
        let found = &text.config_map;
        let same =
            found.namespace == wanted.namespace || found.namespace.is_empty() || wanted.namespace.is_empty();
        !text.given && same && (&found.name, &found.key) == (&wanted.name, &wanted.key)
    };
    let settings = Fields::spec(resource).at_path(&["alloy", "configMap"]);
    let at = settings.as_ref().map_or_else(|| resource.at.clone(), |settings| settings.at_key("content"));
    let content = settings.as_ref().and_then(|settings| settings.text("content"));
    let (at, content) = match (configs.iter().find(is_wanted), content.filter(|_| is_made(resource))) {
        (Some(text), _) => (text.at.clone(), text.text.clone()),
        (None, Some(content)) if content.contains("{{") => {
            let why = format!(
                "its content is a template of Helm, and what it comes to, {}, is not seen",
                wanted.at()
            );
            return Err(Unreadable::new(at, why));
        }
        (None, Some(content)) => (inner_name(&resource.place(), "spec.alloy.configMap.content"), content),
        (None, None) => {
            return Err(Unreadable::new(
                at,
                format!("its configuration, {}, is not in the input", wanted.at()),
            ));
        }
    };
    let mut config = Config::of_text(PATH, &at, &content);
    config.env.open = Some("the operator and the image may set it".into());
    let folder = Fields::spec(resource).get("alloy").and_then(|alloy| alloy.text("storagePath"));
    let folder = folder.unwrap_or_else(|| STORAGE.into());
    config.args.push(format!("--storage.path={folder}"));
    config.args_at = resource.place().field("spec.alloy.storagePath");
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::collectors::fields::tests::resources;
    use crate::analyze::collectors::wanted;
    use crate::snapshot::{Scope, Snapshot};

    const CONTENT: &str = "loki.source.file \"a\" {\n  targets = [{__path__ = \"/var/log/a.log\"}]\n  forward_to = [loki.write.x.receiver]\n}\nloki.write \"x\" {\n  endpoint {\n    url = \"http://loki/push\"\n  }\n}\n";

    fn resource(spec: &str) -> Resource {
        let text = format!(
            "apiVersion: collectors.grafana.com/v1alpha1\nkind: Alloy\nmetadata: {{name: node-logs, namespace: mon}}\nspec: {spec}\n"
        );
        resources(&text).remove(0)
    }

    fn config(name: &str, key: &str) -> ConfigText {
        let config_map = ConfigMapKey { namespace: "mon".into(), name: name.into(), key: key.into() };
        ConfigText { at: config_map.at(), config_map, given: false, text: CONTENT.into() }
    }

    #[test]
    fn a_config_map_is_read_by_reference() {
        let named = resource("{alloy: {configMap: {create: false, name: own, key: a.alloy}}}");
        let read = read_resource(&named, &[config("own", "a.alloy")]).unwrap();
        assert_eq!(read.outputs[0].hosts.value().unwrap(), &["loki"]);
        assert!(read.outputs[0].at.contains("own"), "{}", read.outputs[0].at);
        let position = read.inputs[0].position.as_ref().unwrap().value().unwrap().as_deref();
        assert!(position.unwrap().starts_with("/tmp/alloy"), "{position:?}");
        let gone = read_resource(&named, &[config("own", "config.alloy")]).unwrap_err();
        assert!(gone.why.contains("own") && gone.why.contains("not in the input"), "{gone:?}");
        let wanted = wanted::config_maps(&Snapshot::empty(Scope::Cluster, "x").workloads, &[], &[named]);
        let [wanted::Wanted { namespace, name, by_convention: false }] = wanted.as_slice() else {
            panic!("{wanted:?}")
        };
        assert_eq!((namespace.as_str(), name.as_str()), ("mon", "own"));
    }

    #[test]
    fn a_release_makes_its_own_config_map() {
        let without_name = resource("{alloy: {configMap: {create: false}}}");
        assert!(read_resource(&without_name, &[config("node-logs-alloy", "config.alloy")]).is_ok());
        let renamed = resource("{fullnameOverride: x}");
        assert_eq!((config_map(&renamed).name.as_str(), is_made(&renamed)), ("x", true));
        assert!(read_resource(&renamed, &[]).is_err());
        let deployment = resource("{controller: {type: deployment}}");
        assert_eq!((is_on_nodes(&deployment), is_on_nodes(&renamed)), (false, true));
    }

    #[test]
    fn a_text_in_the_resource_is_read_unless_helm_fills_it_in() {
        let spec = serde_json::json!({"alloy": {"configMap": {"content": CONTENT}}}).to_string();
        assert_eq!(read_resource(&resource(&spec), &[]).unwrap().inputs.len(), 1);
        let template = spec.replace("http://loki", "http://{{ .Release.Name }}");
        assert!(read_resource(&resource(&template), &[]).unwrap_err().why.contains("Helm"));
        assert!(read_resource(&resource(&template), &[config("node-logs-alloy", "config.alloy")]).is_ok());
    }
}
