//! Logstash: pipelines of inputs, filters and outputs.
//!
//! | module | does |
//! | --- | --- |
//! | `load` | which texts make up which pipeline, and where it keeps what |
//! | `scan`, `syntax` | text into plugins and conditionals |
//! | `condition` | what conditions are known to come to, and the namespaces they are about |
//! | `value` | settings of plugins as facts |
//! | `inputs`, `filters`, `outputs`, `services`, `address` | what plugins read, take away and send |
//! | `routes` | the ways through a pipeline and into others |

mod address;
mod condition;
mod filters;
mod inputs;
mod load;
mod outputs;
mod routes;
mod scan;
mod services;
mod syntax;
#[cfg(test)]
mod tests;
mod value;

use std::collections::BTreeMap;

use self::condition::Known;
use self::filters::Filters;
use self::load::Unit;
use self::routes::{End, Graph, Way};
use self::syntax::{Node, Plugin, Sections};
use self::value::Settings;
use super::config::{Config, Env, Variable};
use super::dialect::Unreadable;
use super::fields::Fields;
use super::model::{Input, Output, Pipeline, Unread};
use crate::analyze::fact::Fact;
use crate::snapshot::Resource;
use crate::verdict::{Evidence, Rank};

/// How many pipelines one program may run.
const MAX_PIPELINES: usize = 200;

/// Reads a configuration.
///
/// # Errors
/// It is not seen, or Logstash would not start with it.
pub fn read(config: &Config) -> Result<Pipeline, Unreadable> {
    let (units, unread) = load::units(config)?;
    pipeline(&units, &config.env, unread)
}

/// Reads `Logstash` of ECK (`logstash.k8s.elastic.co`): `spec.pipelines`, as in `pipelines.yml`.
///
/// # Errors
/// Its pipelines lie in a Secret or in the image, or are not such.
pub fn read_resource(resource: &Resource) -> Result<Pipeline, Unreadable> {
    let spec = Fields::spec(resource);
    if spec.get("pipelinesRef").is_some() {
        let why = "the pipelines come from a Secret, which is never read; give them with --config-for";
        return Err(Unreadable::new(spec.at_key("pipelinesRef"), why));
    }
    let pipelines = spec.items("pipelines");
    if pipelines.is_empty() {
        return Err(Unreadable::new(spec.at(), "it has no pipelines; those of the image are not seen"));
    }
    let config = Config { env: env_of(&spec), ..Config::default() };
    let hidden = spec.get("configRef").map(|_| "it comes from a Secret, which is never read".to_owned());
    let settings = spec.get("config").map(|fields| fields.to_document());
    let (units, unread) = load::of_resource(&config, settings, hidden, &pipelines);
    pipeline(&units, &config.env, unread)
}

/// The variables of its pods: those of the template, and those that ECK sets for `elasticsearchRefs`.
fn env_of(spec: &Fields<'_>) -> Env {
    let mut env = Env::default();
    for reference in spec.items("elasticsearchRefs") {
        let name = reference.text("clusterName").unwrap_or_default().to_ascii_uppercase().replace('-', "_");
        for ending in ["HOSTS", "USER", "PASSWORD", "SSL_CERTIFICATE_AUTHORITY"] {
            let why = "set by ECK from elasticsearchRefs".to_owned();
            env.variables.insert(format!("{name}_ES_{ending}"), Variable::Hidden(why, reference.at()));
        }
    }
    env.variables.extend(spec.get("podTemplate").map(|pods| pods.variables()).unwrap_or_default());
    env
}

/// A pipeline that was parsed.
struct Parsed<'s> {
    unit: &'s Unit,
    sections: Sections<'s>,
    /// The end of each output, in order.
    ends: Vec<End>,
    /// The addresses it takes events in at.
    addresses: Vec<String>,
}

/// All pipelines, as ways between them need them.
struct Program<'s> {
    parsed: &'s [Parsed<'s>],
    outputs: &'s [Output],
    env: &'s Env,
}

impl Graph for Program<'_> {
    fn through(&self, pipeline: usize, known: &Known) -> Vec<Way> {
        let Some(parsed) = self.parsed.get(pipeline) else { return Vec::new() };
        let steps = Filters { nodes: &parsed.sections.filters, env: self.env }.steps(known);
        let mut ways = routes::ways(&parsed.sections.outputs, known, &parsed.ends, self.outputs);
        ways.truncate(routes::MAX_ROUTES + 1);
        for way in &mut ways {
            way.steps.splice(0..0, steps.iter().cloned());
        }
        ways
    }

    fn listening(&self, address: &str) -> Vec<usize> {
        let takes = |parsed: &Parsed<'_>| parsed.addresses.iter().any(|own| own == address);
        self.parsed.iter().enumerate().filter(|(_, parsed)| takes(parsed)).map(|(index, _)| index).collect()
    }
}

fn pipeline(units: &[Unit], env: &Env, unread: Vec<Unread>) -> Result<Pipeline, Unreadable> {
    if let Some(unit) = units.get(MAX_PIPELINES) {
        return Err(Unreadable::new(&*unit.id, "there are more pipelines than can be read"));
    }
    let mut outputs = Vec::new();
    let mut names = Names::default();
    let several = units.len() > 1;
    let mut parsed = Vec::new();
    for unit in units {
        let mut sections = Sections::default();
        for file in &unit.files {
            syntax::parse(file, &mut sections)?;
        }
        let ends = plugins(&sections.outputs)
            .into_iter()
            .map(|plugin| {
                let settings = Settings::new(plugin, env);
                if plugin.name == "pipeline" {
                    return End::Pipelines(addresses(settings, "send_to"));
                }
                outputs.push(outputs::read(settings, names.of(settings, unit, several), &unit.place));
                End::Output(outputs.len() - 1)
            })
            .collect();
        let taken = plugins(&sections.inputs).into_iter().filter(|plugin| plugin.name == "pipeline");
        let addresses = taken
            .filter_map(|plugin| addresses(Settings::new(plugin, env), "address").ok())
            .flatten()
            .collect();
        parsed.push(Parsed { unit, sections, ends, addresses });
    }
    let mut inputs = Vec::new();
    let program = Program { parsed: &parsed, outputs: &outputs, env };
    for (index, one) in parsed.iter().enumerate() {
        let filters = Filters { nodes: &one.sections.filters, env };
        let mut changes: BTreeMap<String, bool> = BTreeMap::new();
        for name in ["type", "tags", "remove_tag"] {
            changes.insert(name.to_owned(), filters.may_change(name));
        }
        let changed = |name: &str| changes.get(name).copied().unwrap_or(true);
        for plugin in plugins(&one.sections.inputs) {
            let settings = Settings::new(plugin, env);
            let Some(source) = inputs::source(settings) else { continue };
            let known = inputs::known(settings, &changed);
            inputs.push(Input {
                id: names.of(settings, one.unit, several),
                at: settings.at(),
                source,
                position: inputs::position(settings, &one.unit.place),
                opt_outs: Vec::new(),
                steps: inputs::steps(settings),
                routes: routes_of(&program, index, &known, settings),
            });
        }
    }
    let own_metrics = units.first().and_then(|unit| unit.files.first()).map(|file| {
        let detail = "its API serves statistics of events by default; Prometheus needs an exporter beside it";
        Fact::at(true, Rank::Configured, &*file.at, detail)
    });
    Ok(Pipeline { inputs, outputs, unread, own_metrics })
}

fn routes_of(
    program: &Program<'_>,
    pipeline: usize,
    known: &Known,
    settings: Settings<'_>,
) -> Fact<Vec<super::model::Route>> {
    match routes::follow(program, pipeline, known) {
        Err(why) => Fact::unknown(format!("the ways of {}: {why}", settings.at())),
        Ok(routes) => {
            let at =
                |index: usize| program.outputs.get(index).map(|output| output.at.clone()).unwrap_or_default();
            let evidence = match routes.first() {
                Some(first) => Evidence {
                    at: at(first.output),
                    detail: format!("{} of {} outputs are reached", routes.len(), program.outputs.len()),
                },
                None => Evidence { at: settings.at(), detail: "no output is reached".into() },
            };
            Fact::known(routes, Rank::Configured, vec![evidence])
        }
    }
}

fn addresses(settings: Settings<'_>, key: &str) -> Result<Vec<String>, String> {
    Ok(settings.list(key)?.map(|(addresses, _)| addresses).unwrap_or_default())
}

/// The plugins of a section in their order, those in conditionals too.
fn plugins<'s>(nodes: &'s [Node<'s>]) -> Vec<&'s Plugin<'s>> {
    let mut open: Vec<&Node<'_>> = nodes.iter().rev().collect();
    let mut found = Vec::new();
    while let Some(node) = open.pop() {
        match node {
            Node::Plugin(plugin) => found.push(plugin),
            Node::Branch(arms) => open.extend(arms.iter().rev().flat_map(|arm| arm.body.iter().rev())),
        }
    }
    found
}

/// Names for plugins: their `id`, or the plugin and a number, behind the pipeline's if there are several.
#[derive(Default)]
struct Names {
    counts: BTreeMap<String, usize>,
}

impl Names {
    fn of(&mut self, settings: Settings<'_>, unit: &Unit, several: bool) -> String {
        let name = settings.text("id").ok().flatten().map(|(id, _)| id);
        let base = settings.plugin.name;
        let prefix = if several { format!("{}/", unit.id) } else { String::new() };
        let count = self.counts.entry(format!("{prefix}{base}")).or_default();
        let number = *count;
        *count += 1;
        format!("{prefix}{}", name.unwrap_or_else(|| format!("{base}.{number}")))
    }
}
