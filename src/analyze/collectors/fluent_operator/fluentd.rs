//! `Fluentd` with the `ClusterFluentdConfig`s and `FluentdConfig`s that it selects, and the inputs, filters and outputs that
//! these select (fluent/fluent-operator: `apis/fluentd/v1alpha1`, `controllers/fluentdconfig_controller.go`).
//!
//! The operator writes a configuration of Fluentd from them: every configuration has a label of its own, to which a router
//! sends the records of the namespaces it watches. Fields are parameters of the plugins in another spelling.

use serde_json::Value;

use super::super::dialect::Unreadable;
use super::super::fields::Fields;
use super::super::fluentd::element::{self, Element};
use super::super::model::{Pipeline, Unread};
use super::selector;
use crate::document::scalar;
use crate::snapshot::Resource;

/// The API group of Fluentd's resources.
pub(super) const GROUP: &str = "fluentd.fluent.io";

/// Where the operator mounts the volume of buffers.
const BUFFERS: &str = "/buffers/fluentd/log";

/// Plugins whose names the resources spell otherwise.
const PLUGINS: [(&str, &str); 7] = [
    ("elasticsearchDataStream", "elasticsearch_data_stream"),
    ("kafka", "kafka2"),
    ("cloudWatch", "cloudwatch_logs"),
    ("nullPlugin", "null"),
    ("recordTransformer", "record_transformer"),
    ("monitorAgent", "monitor_agent"),
    ("httpPlugin", "http"),
];

/// Parameters that the resources call otherwise.
const PARAMETERS: [(&str, &str); 7] = [
    ("insecure", "insecure_tls"),
    ("httpUser", "username"),
    ("httpPassword", "password"),
    ("tenantID", "tenant"),
    ("clientKeyPassword", "client_key_pass"),
    ("type", "@type"),
    ("id", "@id"),
];

/// What belongs to a plugin beside its own fields.
const COMMON: [&str; 7] = ["tag", "id", "logLevel", "label", "buffer", "inject", "format"];

/// A plugin with what decides about its place among others.
struct Plugin {
    element: Element,
    kind: String,
    tag: String,
    id: String,
}

/// Reads a `Fluentd` with all resources that may belong to it.
pub(super) fn read(owner: &Resource, all: &[Resource]) -> Result<Pipeline, Unreadable> {
    let spec = Fields::spec(owner);
    let mut root = Element::new("", None, spec.at());
    let mut router = Element::new("match", Some("**"), spec.at());
    router.set("@type", Ok("label_router".into()), spec.at());
    for input in spec.items("globalInputs") {
        source(&input, &mut root);
    }
    let mut labels = Vec::new();
    let own = Selectors {
        inputs: "defaultInputSelector",
        filters: "defaultFilterSelector",
        outputs: "defaultOutputSelector",
    };
    let mut plugins = Vec::new();
    own.select(&spec, all, Some(&owner.namespace), "default", &mut root, &mut plugins);
    if !plugins.is_empty() {
        router.set("default_route", Ok("@default".into()), spec.at_key("defaultOutputSelector"));
        labels.push(label("@default", spec.at(), plugins, false));
    }
    let configs = spec.get("fluentdCfgSelector");
    for config in all.iter().filter(|one| one.group == GROUP) {
        let namespace = match config.kind.as_str() {
            "ClusterFluentdConfig" => None,
            "FluentdConfig" => Some(config.namespace.as_str()),
            _ => continue,
        };
        if !selector::takes(configs.as_ref(), &config.labels) {
            continue;
        }
        let fields = Fields::spec(config);
        let mut plugins = Vec::new();
        CLUSTER.select(&fields, all, None, &config.full_name(), &mut root, &mut plugins);
        if let Some(namespace) = namespace {
            NAMESPACED.select(&fields, all, Some(namespace), &config.full_name(), &mut root, &mut plugins);
        }
        // The operator leaves out a configuration that selects nothing.
        if plugins.is_empty() {
            continue;
        }
        let name = format!("@{} {}", config.kind, config.full_name());
        router.add(route(&name, &fields, namespace));
        let by_number = fields.text("pluginSortOrder").as_deref() == Some("index");
        labels.push(label(&name, fields.at(), plugins, by_number));
    }
    if labels.is_empty() {
        let why = "no configuration that it selects holds a filter or an output";
        return Err(Unreadable::new(spec.at_key("fluentdCfgSelector"), why));
    }
    root.add(router);
    for label in labels {
        root.add(label);
    }
    element::read(&root)
}

/// The fields of a configuration that select plugins. One that is not set selects none.
struct Selectors {
    inputs: &'static str,
    filters: &'static str,
    outputs: &'static str,
}

const CLUSTER: Selectors = Selectors {
    inputs: "clusterInputSelector",
    filters: "clusterFilterSelector",
    outputs: "clusterOutputSelector",
};

const NAMESPACED: Selectors =
    Selectors { inputs: "inputSelector", filters: "filterSelector", outputs: "outputSelector" };

impl Selectors {
    /// Adds the inputs to the sources, and filters and outputs to the plugins of a label.
    fn select(
        &self,
        config: &Fields<'_>,
        all: &[Resource],
        namespace: Option<&str>,
        whose: &str,
        root: &mut Element,
        plugins: &mut Vec<Plugin>,
    ) {
        let found = |key: &str, kind: &str| -> Vec<&Resource> {
            let kind = if namespace.is_some() { kind.to_owned() } else { format!("Cluster{kind}") };
            let Some(selector) = config.get(key) else { return Vec::new() };
            let mut found: Vec<&Resource> = all
                .iter()
                .filter(|one| one.group == GROUP && one.kind == kind)
                .filter(|one| namespace.is_none_or(|namespace| one.namespace == namespace))
                .filter(|one| selector::takes(Some(&selector), &one.labels))
                .collect();
            found.sort_by(|a, b| a.name.cmp(&b.name));
            found
        };
        for resource in found(self.inputs, "Input") {
            for input in Fields::spec(resource).items("inputs") {
                source(&input, root);
            }
        }
        for (key, kind, list, name) in
            [(self.filters, "Filter", "filters", "filter"), (self.outputs, "Output", "outputs", "match")]
        {
            for resource in found(key, kind) {
                for (number, item) in Fields::spec(resource).items(list).iter().enumerate() {
                    let scope = namespace.unwrap_or("cluster");
                    let id = format!("{whose}::{scope}::{}::{}-{number}", resource.kind, resource.name);
                    plugins.extend(plugin(name, item, id));
                }
            }
        }
    }
}

/// A source.
fn source(item: &Fields<'_>, root: &mut Element) {
    if let Some(found) = plugin("source", item, String::new()) {
        add(found, root);
    }
}

/// The plugin of an entry, with what it has in common with others.
fn plugin(name: &str, item: &Fields<'_>, id: String) -> Option<Plugin> {
    let (kind, fields) = item.entries().into_iter().find(|(key, _)| !COMMON.contains(key))?;
    let tag = item.text("tag").unwrap_or_else(|| "**".into());
    let mut element = Element::new(name, (name != "source").then_some(tag.as_str()), fields.at());
    let written = PLUGINS.iter().find(|(key, _)| *key == kind).map_or(kind, |(_, written)| *written);
    element.set("@type", Ok(written.to_owned()), fields.at());
    parameters(&fields, &mut element);
    for key in ["buffer", "inject", "format"] {
        if let Some(inner) = item.get(key) {
            element.add(section(key, &inner));
        }
    }
    Some(Plugin { element, kind: kind.to_owned(), tag, id })
}

/// Fields as parameters and sections.
fn parameters(fields: &Fields<'_>, element: &mut Element) {
    for (key, field) in fields.entries() {
        let name = PARAMETERS
            .iter()
            .find(|(own, _)| *own == key)
            .map_or_else(|| snake(key), |(_, written)| (*written).to_owned());
        match field.value() {
            Value::Object(map) if map.contains_key("valueFrom") || map.contains_key("secretKeyRef") => {
                let why = format!("{key} comes from a Secret, which is never read");
                element.set(name, Err(why), field.at());
            }
            Value::Object(_) => element.add(section(&name, &field)),
            Value::Array(items) if items.iter().any(Value::is_object) => {
                for item in field.elements() {
                    element.add(section(name.trim_end_matches('s'), &item));
                }
            }
            Value::Array(_) => {
                let items: Vec<String> = fields.list(key).into_iter().map(|(item, _)| item).collect();
                element.set(name, Ok(items.join(",")), field.at());
            }
            value => element.set(name, Ok(scalar(value).unwrap_or_default()), field.at()),
        }
    }
}

fn section(name: &str, fields: &Fields<'_>) -> Element {
    let tag = fields.text("tag").filter(|_| name == "buffer");
    let mut element = Element::new(name, tag.as_deref(), fields.at());
    match (name, fields.text("key"), fields.text("value")) {
        ("record", Some(key), Some(value)) => element.set(key, Ok(value), fields.at()),
        _ => parameters(fields, &mut element),
    }
    let on_disk = fields.text("type").is_some_and(|kind| kind != "memory");
    if name == "buffer" && on_disk && fields.get("path").is_none() {
        element.set("path", Ok(BUFFERS.into()), fields.at());
    }
    element
}

/// `sslVerify` as `ssl_verify`.
fn snake(key: &str) -> String {
    let mut out = String::with_capacity(key.len() + 4);
    let mut letters = key.chars().peekable();
    let mut before_was_capital = true;
    while let Some(letter) = letters.next() {
        let is_capital = letter.is_ascii_uppercase();
        // The last capital of several begins a word, if one follows: `noSSLValidation`.
        let begins = !before_was_capital || letters.peek().is_some_and(char::is_ascii_lowercase);
        if is_capital && begins && !out.is_empty() {
            out.push('_');
        }
        before_was_capital = is_capital;
        out.push(letter.to_ascii_lowercase());
    }
    out
}

/// What the router sends to a configuration: records of the namespaces it watches, or of its own.
fn route(label: &str, config: &Fields<'_>, namespace: Option<&str>) -> Element {
    let mut route = Element::new("route", None, config.at());
    route.set("@label", Ok(label.to_owned()), config.at());
    let mut conditions = Element::new("match", None, config.at());
    if let Some(namespace) = namespace {
        conditions.set("namespaces", Ok(namespace.to_owned()), config.at());
    }
    let watched = [
        ("watchedNamespaces", "namespaces"),
        ("watchedHosts", "hosts"),
        ("watchedConstainers", "container_names"),
    ];
    for (key, parameter) in watched.into_iter().skip(usize::from(namespace.is_some())) {
        let items: Vec<String> = config.list(key).into_iter().map(|(item, _)| item).collect();
        if !items.is_empty() {
            conditions.set(parameter, Ok(items.join(",")), config.at_key(key));
        }
    }
    if config.get("watchedLabels").is_some_and(|labels| !labels.entries().is_empty()) {
        conditions.set("labels", Ok("as watchedLabels say".into()), config.at_key("watchedLabels"));
    }
    route.add(conditions);
    route
}

/// A label with its plugins as the operator puts them: filters before outputs, those for all tags last, then by their ids.
/// Outputs for the same tag as a `copy` become its stores; of others the first takes everything.
fn label(name: &str, at: String, mut plugins: Vec<Plugin>, by_number: bool) -> Element {
    let number = |id: &str| id.rsplit('-').next().and_then(|number| number.parse::<u64>().ok());
    plugins.sort_by(|a, b| {
        let stem = |id: &str| id.rsplit_once('-').map_or(id, |(stem, _)| stem).to_owned();
        let ids = if by_number {
            (stem(&a.id), number(&a.id)).cmp(&(stem(&b.id), number(&b.id)))
        } else {
            a.id.cmp(&b.id)
        };
        (a.tag == "**").cmp(&(b.tag == "**")).then(ids)
    });
    let (outputs, filters): (Vec<Plugin>, Vec<Plugin>) =
        plugins.into_iter().partition(|plugin| plugin.element.is("match"));
    let (copies, outputs): (Vec<Plugin>, Vec<Plugin>) =
        outputs.into_iter().partition(|plugin| plugin.kind == "copy");
    let mut label = Element::new("label", Some(name), at);
    for plugin in filters {
        add(plugin, &mut label);
    }
    let (mut single, mut stores): (Vec<Plugin>, Vec<Plugin>) =
        outputs.into_iter().partition(|output| !copies.iter().any(|copy| copy.tag == output.tag));
    for mut copy in copies {
        let (own, others): (Vec<Plugin>, Vec<Plugin>) =
            stores.into_iter().partition(|store| store.tag == copy.tag);
        stores = others;
        // A copy of nothing is left out.
        let is_empty = own.is_empty();
        for mut store in own {
            store.element.rename("store");
            add(store, &mut copy.element);
        }
        if !is_empty {
            single.push(copy);
        }
    }
    single.sort_by_key(|plugin| plugin.tag == "**");
    for plugin in single {
        add(plugin, &mut label);
    }
    label
}

/// Adds a plugin; one in Fluentd's own language is not read.
fn add(plugin: Plugin, to: &mut Element) {
    if plugin.kind == "customPlugin" {
        let why = "customPlugin is a text of Fluentd's own, which is not read from here";
        to.add_unseen(Unread { at: plugin.element.at().to_owned(), why: why.into() });
    } else {
        to.add(plugin.element);
    }
}
