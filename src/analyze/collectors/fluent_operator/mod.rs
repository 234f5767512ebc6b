//! Custom resources of fluent-operator: `FluentBit` and `Collector` with what their configuration selects by labels.
//!
//! | module | reads |
//! | --- | --- |
//! | `selector` | label selectors |
//! | `tags` | which records a `match` is about |
//! | `inputs` | `ClusterInput` |
//! | `filters` | `ClusterFilter` and `Filter` |
//! | `outputs` | `ClusterOutput` and `Output` |
//! | `fluentd` | `Fluentd` and what its configurations select |
//!
//! The operator writes a configuration of Fluent Bit from them: inputs and outputs by name, filters by their ordinal and
//! name (fluent/fluent-operator: `apis/fluentbit/v1alpha2`, `controllers/fluentbitconfig_controller.go`).

mod filters;
mod fluentd;
mod inputs;
mod outputs;
mod selector;
mod tags;

use self::filters::Filter;
use self::tags::{Fit, Tag};
use super::dialect::Unreadable;
use super::fields::Fields;
use super::model::{
    Effect, Input, NamespaceMatch, NamespaceRule, Pattern, Pipeline, Route, Source, Step, Unread,
};
use crate::analyze::fact::Fact;
use crate::snapshot::Resource;
use crate::verdict::Rank;

/// The API group of Fluent Bit's resources.
pub const GROUP: &str = "fluentbit.fluent.io";

/// An output and which records it takes.
struct Sink<'a> {
    index: usize,
    spec: Fields<'a>,
}

/// Reads a `FluentBit`, `Collector` or `Fluentd` with all resources that may belong to it.
///
/// # Errors
/// It is none of them, or its configuration is not there.
pub fn read(owner: &Resource, all: &[Resource]) -> Result<Pipeline, Unreadable> {
    if owner.group == fluentd::GROUP && owner.kind == "Fluentd" {
        return fluentd::read(owner, all);
    }
    let spec = Fields::spec(owner);
    if owner.group != GROUP || !matches!(owner.kind.as_str(), "FluentBit" | "Collector") {
        let why = format!("resources of the kind {} are recognised, but not read", owner.kind);
        return Err(Unreadable::new(&*owner.at, why));
    }
    let name = spec.text("fluentBitConfigName").unwrap_or_default();
    let Some(config) = of_kind(all, "ClusterFluentBitConfig").find(|config| config.name == name) else {
        let why = format!("the ClusterFluentBitConfig {name} is not there");
        return Err(Unreadable::new(spec.at_key("fluentBitConfigName"), why));
    };
    let config = Fields::spec(config);
    let mut pipeline = Pipeline::default();
    replaced(&spec, &mut pipeline);
    let service = config.get("service");
    pipeline.own_metrics = Some(metrics(service.as_ref(), &config));
    let mut sources = selected(all, &config, "inputSelector", "ClusterInput", None);
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    let buffered = inputs::buffer(&sources, service.as_ref());
    let sinks = sinks(all, &config, "ClusterOutput", None, &buffered, &mut pipeline);
    let filters = filters::read(&selected(all, &config, "filterSelector", "ClusterFilter", None));
    let tenants = tenants(owner, all, &buffered, &mut pipeline);
    for source in sources {
        for (mut input, tag) in inputs::read(source, &spec) {
            input.opt_outs = filters::opt_outs(&filters, &tag, &config);
            input.routes = routes(&input, &tag, &filters, &sinks, &tenants, &config);
            pipeline.inputs.push(input);
        }
    }
    pipeline.unread.extend(custom(all, &config));
    Ok(pipeline)
}

/// Arguments that name another configuration.
fn replaced(spec: &Fields<'_>, pipeline: &mut Pipeline) {
    let other = |text: &str| text == "-c" || text.starts_with("-c=") || text.starts_with("--config");
    for key in ["args", "command"] {
        if let Some((_, at)) = spec.list(key).into_iter().find(|(text, _)| other(text)) {
            pipeline.unread.push(Unread {
                at,
                why: "the arguments name a configuration, which may be another than the operator's".into(),
            });
        }
    }
}

fn metrics(service: Option<&Fields<'_>>, config: &Fields<'_>) -> Fact<bool> {
    match service {
        Some(service) => service.flag_or("httpServer", false),
        None => config.known("", false, "httpServer is not set; the default is off"),
    }
}

/// Parts that hold a text of Fluent Bit's own language, or a processor, are not read.
fn custom(all: &[Resource], config: &Fields<'_>) -> Vec<Unread> {
    let mut unread = Vec::new();
    for (selector, kind) in [
        ("inputSelector", "ClusterInput"),
        ("filterSelector", "ClusterFilter"),
        ("outputSelector", "ClusterOutput"),
    ] {
        for resource in selected(all, config, selector, kind, None) {
            let spec = Fields::spec(resource);
            let parts = std::iter::once(spec.clone()).chain(spec.items("filters"));
            for part in parts {
                for key in ["customPlugin", "processors"] {
                    if let Some(found) = part.get(key) {
                        let why = format!("{key} is a text of Fluent Bit's own, which is not read from here");
                        unread.push(Unread { at: found.at(), why });
                    }
                }
            }
        }
    }
    unread
}

fn of_kind<'a>(all: &'a [Resource], kind: &str) -> impl Iterator<Item = &'a Resource> {
    all.iter().filter(move |resource| resource.group == GROUP && resource.kind == kind)
}

/// Resources that a selector of a configuration takes, of one namespace if one is given.
fn selected<'a>(
    all: &'a [Resource],
    config: &Fields<'_>,
    selector: &str,
    kind: &str,
    namespace: Option<&str>,
) -> Vec<&'a Resource> {
    of_kind(all, kind)
        .filter(|resource| namespace.is_none_or(|namespace| resource.namespace == namespace))
        .filter(|resource| selector::takes(config.get(selector).as_ref(), &resource.labels))
        .collect()
}

fn sinks<'a>(
    all: &'a [Resource],
    config: &Fields<'_>,
    kind: &str,
    namespace: Option<&str>,
    buffered: &Fact<super::model::Buffer>,
    pipeline: &mut Pipeline,
) -> Vec<Sink<'a>> {
    let mut resources = selected(all, config, "outputSelector", kind, namespace);
    resources.sort_by(|a, b| a.name.cmp(&b.name));
    let mut sinks = Vec::new();
    for resource in resources {
        for output in outputs::read(resource, buffered) {
            pipeline.outputs.push(output);
            sinks.push(Sink { index: pipeline.outputs.len() - 1, spec: Fields::spec(resource) });
        }
    }
    sinks
}

/// A `FluentBitConfig`: records of its namespace are given a tag of their own and leave the others' way.
struct Tenant<'a> {
    namespace: String,
    at: String,
    filters: Vec<Filter>,
    sinks: Vec<Sink<'a>>,
}

fn tenants<'a>(
    owner: &Resource,
    all: &'a [Resource],
    buffered: &Fact<super::model::Buffer>,
    pipeline: &mut Pipeline,
) -> Vec<Tenant<'a>> {
    // Only a `FluentBit` has tenants.
    if owner.kind != "FluentBit" {
        return Vec::new();
    }
    let spec = Fields::spec(owner);
    let selector = spec.get("namespaceFluentBitCfgSelector");
    let takes = |config: &&Resource| selector::takes(selector.as_ref(), &config.labels);
    let configs: Vec<&Resource> = of_kind(all, "FluentBitConfig").filter(takes).collect();
    let mut tenants = Vec::new();
    for config in configs {
        let fields = Fields::spec(config);
        let namespace = Some(config.namespace.as_str());
        tenants.push(Tenant {
            namespace: config.namespace.clone(),
            at: config.at.clone(),
            filters: filters::read(&selected(all, &fields, "filterSelector", "Filter", namespace)),
            sinks: sinks(all, &fields, "Output", namespace, buffered, pipeline),
        });
    }
    tenants
}

/// The ways of an input: through the filters whose `match` fits its tag, to the outputs whose does.
fn routes(
    input: &Input,
    tag: &Tag,
    filters: &[Filter],
    sinks: &[Sink<'_>],
    tenants: &[Tenant<'_>],
    config: &Fields<'_>,
) -> Fact<Vec<Route>> {
    let mut steps = Vec::new();
    for filter in filters {
        match filter.matcher.fit(tag) {
            Fit::No => {}
            Fit::Yes if filter.retags.is_none() => steps.extend(filter.steps.iter().cloned()),
            Fit::Some if filter.retags.is_none() => {
                steps.extend(filter.steps.iter().map(Step::of_some));
            }
            Fit::Yes | Fit::Some => {
                let at = filter.retags.clone().unwrap_or_default();
                return Fact::unknown(format!(
                    "rewriteTag at {at} gives records other tags, which is not followed"
                ));
            }
        }
    }
    let mut routes = Vec::new();
    for sink in sinks {
        let fit = tags::Matcher::of(&sink.spec).fit(tag);
        if fit == Fit::No {
            continue;
        }
        let mut way = steps.clone();
        if !tenants.is_empty() && is_of_containers(input) {
            let except = tenants.iter().map(Tenant::name).collect();
            way.push(by_namespace(tenants, NamespaceRule { only: None, except }));
        }
        if fit == Fit::Some {
            let at = sink.spec.at_key("match");
            way.push(Step { at, what: "the output takes some tags only".into(), effect: Effect::DropsSome });
        }
        routes.push(Route { steps: way, output: sink.index });
    }
    if is_of_containers(input) {
        for tenant in tenants {
            let mut way = steps.clone();
            let rule = NamespaceRule { only: Some(vec![tenant.name()]), except: Vec::new() };
            way.push(by_namespace(std::slice::from_ref(tenant), rule));
            way.extend(tenant.filters.iter().flat_map(|filter| filter.steps.iter().map(Step::of_some)));
            routes.extend(tenant.sinks.iter().map(|sink| Route { steps: way.clone(), output: sink.index }));
        }
    }
    let detail = match routes.len() {
        0 => format!("no output takes the tag {}", tag.shown()),
        count => format!("{count} outputs take the tag {}", tag.shown()),
    };
    Fact::at(routes, Rank::Configured, config.at(), detail)
}

/// The operator gives tags to namespaces only where logs of containers are read.
fn is_of_containers(input: &Input) -> bool {
    match &input.source {
        Source::Files { include, .. } => {
            include.iter().any(|glob| glob.value().is_some_and(|glob| glob.contains("/var/log/containers")))
        }
        _ => false,
    }
}

impl Tenant<'_> {
    fn name(&self) -> NamespaceMatch {
        NamespaceMatch { at: self.at.clone(), pattern: Pattern::Name(self.namespace.clone()) }
    }
}

fn by_namespace(tenants: &[Tenant<'_>], rule: NamespaceRule) -> Step {
    let at = tenants.first().map(|tenant| tenant.at.clone()).unwrap_or_default();
    let what = "records of namespaces with a FluentBitConfig go by that alone".into();
    Step { at, what, effect: Effect::Namespaces(rule) }
}

impl Step {
    /// The step, if it is about some of the records only: dropping all then is dropping some.
    fn of_some(&self) -> Self {
        let effect = match &self.effect {
            Effect::DropsAll | Effect::Namespaces(_) => Effect::DropsSome,
            other => other.clone(),
        };
        Self { effect, ..self.clone() }
    }
}

#[cfg(test)]
mod tests;
