//! Fluentd's configuration, the classic form (`fluent.conf`).
//!
//! | module | does |
//! | --- | --- |
//! | `scan`, `ruby` | words, values and embedded Ruby |
//! | `section`, `value` | sections with includes put in their place, and their parameters as facts |
//! | [`element`] | sections that operators make of their resources |
//! | `input`, `filter`, `output`, `address`, `buffer` | what plugins read, take away and send |
//! | `tag`, `target`, `route` | tags, outputs that emit again, and the ways between |

mod address;
mod buffer;
pub mod element;
mod filter;
mod input;
mod output;
mod route;
mod ruby;
mod scan;
mod section;
mod tag;
mod target;
#[cfg(test)]
mod tests;
mod value;

use std::collections::{BTreeMap, BTreeSet};

use self::input::Draft;
use self::route::{Router, Rule};
use self::section::{Item, Section};
use self::tag::Patterns;
use self::target::Target;
use super::config::Config;
use super::dialect::Unreadable;
use super::model::{Effect, Input, Pipeline, Receiver, Route, Source};
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// The outermost label.
const ROOT: &str = "@ROOT";

/// How many outputs a configuration may have, and how deep stores may be nested.
const MAX_OUTPUTS: usize = 5000;
const MAX_STORES: usize = 16;

/// Reads a configuration.
///
/// # Errors
/// It cannot be parsed, or Fluentd would not start with it.
pub fn read(config: &Config) -> Result<Pipeline, Unreadable> {
    if [".yaml", ".yml"].iter().any(|ending| config.main.ends_with(ending)) {
        return Err(Unreadable::new(&*config.main, "Fluentd's YAML form is recognised, but not read"));
    }
    read_sections(&section::read(config)?)
}

fn read_sections(root: &Section<'_>) -> Result<Pipeline, Unreadable> {
    let mut builder = Builder::default();
    builder.context(root, ROOT)?;
    builder.finish(root)
}

#[derive(Default)]
struct Builder<'s, 'a> {
    router: Router<'s, 'a>,
    sources: Vec<&'s Section<'a>>,
    /// The section of each output.
    written: Vec<&'s Section<'a>>,
    pipeline: Pipeline,
    /// How many of each plugin there are, for names.
    counts: BTreeMap<String, usize>,
    /// How many outputs emit again.
    emitters: usize,
    /// Whether files, and only files, feed an output, by its index.
    fed: BTreeMap<usize, bool>,
    /// Outputs whose errors are swallowed.
    careless: BTreeSet<usize>,
}

impl<'s, 'a> Builder<'s, 'a> {
    /// The rules of the root, a label or a worker.
    fn context(&mut self, section: &'s Section<'a>, label: &str) -> Result<(), Unreadable> {
        self.router.labels.entry(label.to_owned()).or_default();
        for item in &section.children {
            match item {
                Item::Unseen(unread) => {
                    self.pipeline.unread.push(unread.clone());
                    self.rule(label, Rule::Unseen(unread.clone()));
                }
                Item::Section(inner) => self.element(inner, label)?,
            }
        }
        Ok(())
    }

    fn element(&mut self, section: &'s Section<'a>, label: &str) -> Result<(), Unreadable> {
        match section.name {
            "source" if label == ROOT => self.sources.push(section),
            "worker" if label == ROOT => self.context(section, label)?,
            "label" if label == ROOT => {
                let Ok(Some(name)) = &section.argument else {
                    return Err(Unreadable::new(section.spot.at(), "the name of a label is not known"));
                };
                if self.router.labels.contains_key(name) {
                    let why = format!("the label {name} is given twice, which current versions refuse");
                    return Err(Unreadable::new(section.spot.at(), why));
                }
                self.context(section, name)?;
            }
            "filter" => {
                required_plugin(section)?;
                self.rule(label, Rule::filter(patterns(section), section));
            }
            "match" => {
                let target = self.target(section, 0)?;
                self.rule(label, Rule::Match(patterns(section), section, target));
            }
            _ => {}
        }
        Ok(())
    }

    fn rule(&mut self, label: &str, rule: Rule<'s, 'a>) {
        self.router.labels.entry(label.to_owned()).or_default().push(rule);
    }

    /// Where a `<match>` or `<store>` leads.
    fn target(&mut self, section: &'s Section<'a>, depth: usize) -> Result<Target, Unreadable> {
        let plugin = required_plugin(section)?;
        if depth > MAX_STORES || self.pipeline.outputs.len() > MAX_OUTPUTS {
            return Err(Unreadable::new(section.spot.at(), "there are more outputs than can be read"));
        }
        if matches!(plugin, "copy" | "roundrobin" | "copy_ex") {
            let first = self.pipeline.outputs.len();
            let mut stores = Vec::new();
            for store in section.sections("store") {
                let before = self.pipeline.outputs.len();
                stores.push(self.target(store, depth + 1)?);
                if matches!(&store.argument, Ok(Some(argument)) if argument.contains("ignore_error")) {
                    self.careless.extend(before..self.pipeline.outputs.len());
                }
            }
            let loses = plugin == "roundrobin"
                && self.pipeline.outputs.iter().skip(first).any(|output| !leads_away(&output.receiver));
            let share =
                loses.then(|| filter::step(section, "roundrobin gives each store a share", Effect::Samples));
            return Ok(Target::Several(stores, share));
        }
        if let Some(emissions) = target::emissions(section, plugin) {
            self.emitters += 1;
            return Ok(Target::Emit(self.emitters, emissions));
        }
        let id = self.name(section, plugin);
        self.pipeline.outputs.push(output::read(section, plugin, id));
        self.written.push(section);
        Ok(Target::Output(self.pipeline.outputs.len() - 1))
    }

    /// `@id`, or the plugin and a number.
    fn name(&mut self, section: &Section<'_>, plugin: &str) -> String {
        let count = self.counts.entry(plugin.to_owned()).or_default();
        let number = *count;
        *count += 1;
        section.text("@id").map_or_else(|| format!("{plugin}.{number}"), str::to_owned)
    }

    fn finish(mut self, root: &Section<'_>) -> Result<Pipeline, Unreadable> {
        let mut own_metrics = None;
        for source in std::mem::take(&mut self.sources) {
            let plugin = required_plugin(source)?;
            if input::OWN_METRICS.contains(&plugin) {
                own_metrics =
                    Some(Fact::at(true, Rank::Configured, source.spot.at(), format!("source {plugin}")));
            }
            let label = self.label_of(source)?;
            let drafts = input::drafts(source, plugin);
            if drafts.is_empty() {
                continue;
            }
            let id = self.name(source, plugin);
            self.inputs(source, &id, &label, drafts);
        }
        self.when_full(root);
        if self.pipeline.unread.is_empty() {
            let none =
                || Fact::at(false, Rank::Configured, root.spot.at(), "no source prometheus or monitor_agent");
            own_metrics = own_metrics.or_else(|| Some(none()));
        }
        self.pipeline.own_metrics = own_metrics;
        Ok(self.pipeline)
    }

    /// The label a source emits to.
    fn label_of(&self, source: &Section<'_>) -> Result<String, Unreadable> {
        match source.setting("@label") {
            Ok(None) => Ok(ROOT.to_owned()),
            Ok(Some((label, at))) => {
                if !self.router.labels.contains_key(label) && self.pipeline.unread.is_empty() {
                    return Err(Unreadable::new(at, format!("there is no label {label}")));
                }
                Ok(label.to_owned())
            }
            Err(why) => Ok(why),
        }
    }

    /// The inputs of a source: one, unless the files it reads go different ways.
    fn inputs(&mut self, source: &Section<'_>, id: &str, label: &str, drafts: Vec<Draft>) {
        let at = source.spot.at();
        let first = self.pipeline.inputs.len();
        for draft in drafts {
            let routes = self.router.routes(&at, label, &draft.tag);
            self.note_fed(&draft.source, &routes);
            let same = self
                .pipeline
                .inputs
                .iter_mut()
                .skip(first)
                .find(|input| input.routes.value() == routes.value() && routes.value().is_some());
            match (same.map(|input| &mut input.source), draft.source) {
                (Some(Source::Files { include, .. }), Source::Files { include: more, .. }) => {
                    include.extend(more);
                }
                (_, read) => {
                    let number = self.pipeline.inputs.len() - first;
                    self.pipeline.inputs.push(Input {
                        id: if number == 0 { id.to_owned() } else { format!("{id}/{number}") },
                        at: at.clone(),
                        source: read,
                        position: draft.position,
                        opt_outs: Vec::new(),
                        steps: draft.steps,
                        routes,
                    });
                }
            }
        }
    }

    fn note_fed(&mut self, source: &Source, routes: &Fact<Vec<Route>>) {
        let follows = matches!(source, Source::Files { .. });
        for route in routes.value().into_iter().flatten() {
            let only = self.fed.entry(route.output).or_insert(true);
            *only &= follows;
        }
    }

    /// What happens when the buffer of each output is full, now that it is known what feeds it.
    fn when_full(&mut self, root: &Section<'_>) {
        let diverted =
            root.sections("label").any(|label| matches!(&label.argument, Ok(Some(name)) if name == "@ERROR"));
        for (index, (output, section)) in self.pipeline.outputs.iter_mut().zip(&self.written).enumerate() {
            let follows = self.fed.get(&index).copied().unwrap_or(true);
            let loses = diverted || self.careless.contains(&index);
            output.when_full = buffer::Settings::of(section).when_full(follows, loses);
        }
    }
}

/// The plugin of a section that must name one.
fn required_plugin<'s>(section: &'s Section<'_>) -> Result<&'s str, Unreadable> {
    match section.plugin() {
        Ok(Some(plugin)) if !plugin.is_empty() => Ok(plugin),
        Ok(_) => Err(Unreadable::new(section.spot.at(), format!("<{}> has no @type", section.name))),
        // A plugin that is not known is one that cannot be told.
        Err(_) => Ok("plugin from a variable that is not seen"),
    }
}

fn patterns(section: &Section<'_>) -> Patterns {
    match &section.argument {
        Ok(argument) => Patterns::new(argument.as_deref().unwrap_or_default()),
        Err(why) => Patterns::unknown(why),
    }
}

/// Whether records are kept by what receives them.
fn leads_away(receiver: &Receiver) -> bool {
    !matches!(receiver, Receiver::Nothing | Receiver::Console | Receiver::NotLogs(_))
}
