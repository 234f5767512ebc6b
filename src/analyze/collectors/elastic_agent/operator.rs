//! `Agent` of ECK (`agent.k8s.elastic.co`): `spec.config` holds what `agent.yml` would.

use serde_json::json;

use super::FLEET;
use crate::analyze::collectors::config::{Env, Variable};
use crate::analyze::collectors::dialect::Unreadable;
use crate::analyze::collectors::fields::Fields;
use crate::analyze::collectors::model::Pipeline;
use crate::analyze::collectors::settings::Settings;
use crate::snapshot::Resource;

/// The variable that stands for the address ECK fills in.
const HOSTS: &str = "ELASTICSEARCH_REFS";

/// Reads an `Agent`.
///
/// # Errors
/// It is managed by Fleet, or its configuration comes from a Secret or is not there.
pub fn read_resource(resource: &Resource) -> Result<Pipeline, Unreadable> {
    let spec = Fields::spec(resource);
    if spec.text("mode").as_deref() == Some("fleet") || spec.flag("fleetServerEnabled") == Some(true) {
        return Err(Unreadable::new(spec.at_key("mode"), FLEET));
    }
    if spec.get("configRef").is_some() {
        let why = "its configuration comes from a Secret, which is never read";
        return Err(Unreadable::new(spec.at_key("configRef"), why));
    }
    let Some(config) = spec.get("config").filter(Fields::is_map) else {
        return Err(Unreadable::new(spec.at(), "it has no `spec.config`"));
    };
    let mut settings = config.value().clone();
    let references = spec.items("elasticsearchRefs");
    // ECK fills in addresses and credentials of the clusters it refers to.
    for reference in &references {
        let name = reference.text("outputName").unwrap_or_else(|| "default".into());
        let outputs = settings.as_object_mut().map(|map| map.entry("outputs").or_insert_with(|| json!({})));
        let output = outputs
            .and_then(|outputs| outputs.as_object_mut())
            .map(|outputs| outputs.entry(name).or_insert_with(|| json!({"type": "elasticsearch"})));
        let Some(output) = output.and_then(|output| output.as_object_mut()) else { continue };
        output.entry("hosts").or_insert_with(|| json!([format!("${{env.{HOSTS}}}")]));
        for key in ["username", "password"] {
            output.entry(key).or_insert_with(|| json!(format!("${{env.{HOSTS}}}")));
        }
    }
    let mut env = Env { open: Some("the operator and the image may set it".into()), ..Env::default() };
    let pods = ["daemonSet", "deployment", "statefulSet"].into_iter();
    env.variables.extend(
        pods.filter_map(|kind| spec.at_path(&[kind, "podTemplate"])).flat_map(|pods| pods.variables()),
    );
    if let Some(reference) = references.first() {
        let hidden = Variable::Hidden("set by ECK from elasticsearchRefs".into(), reference.at());
        env.variables.insert(HOSTS.into(), hidden);
    }
    super::whole(Settings::of_value(&settings, &resource.place(), "spec.config"), &env)
}
