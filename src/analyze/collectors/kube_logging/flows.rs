//! Flows for Fluentd, and the ways records take through an aggregator.

use super::super::fields::Fields;
use super::super::model::{Effect, NamespaceRule, Output, Pipeline, Route, Step, Unread};
use super::scope::Scope;
use super::selection::{KnownPod, Selection, Taken, through};
use super::{filters, known_routes, outputs};
use crate::analyze::fact::Fact;
use crate::snapshot::Resource;

/// How often a flow may hand records on to another by its label.
const MAX_HANDS: usize = 8;

/// How many ways through flows are followed.
const MAX_ROUTES: usize = 10_000;

/// What an aggregator does.
#[derive(Default)]
pub(super) struct System {
    /// Steps before the flows.
    pub(super) before: Vec<Step>,
    /// The flows that the operator takes.
    pub(super) flows: Vec<Flow>,
    /// The flow for records that no other takes.
    pub(super) default: Option<Flow>,
}

/// A flow.
pub(super) struct Flow {
    /// Its kind and name.
    pub(super) name: String,
    /// What it takes.
    pub(super) selection: Selection,
    /// What its filters drop or change.
    pub(super) steps: Vec<Step>,
    /// Where it leads.
    pub(super) targets: Vec<Target>,
    /// The label by which others hand records to it.
    pub(super) label: Option<String>,
    /// Whether records get to it from the router, and not only by its label.
    pub(super) routed: bool,
}

/// Where a flow leads.
pub(super) enum Target {
    /// An output, by its index.
    Output(usize),
    /// The flows with a label.
    Label(String),
}

/// Outputs by which flows refer to them.
pub(super) struct Referable<'a> {
    cluster_wide: Vec<(&'a Resource, usize)>,
    namespaced: Vec<(&'a Resource, usize)>,
}

impl<'a> Referable<'a> {
    /// Reads the outputs of a scope into the pipeline.
    pub(super) fn read(
        scope: &Scope<'a>,
        kinds: (&str, &str),
        pipeline: &mut Pipeline,
        read: impl Fn(&Resource) -> Output,
    ) -> Self {
        let mut add = |resource: &'a Resource| {
            pipeline.outputs.push(read(resource));
            (resource, pipeline.outputs.len() - 1)
        };
        Self {
            cluster_wide: scope.cluster_wide(kinds.0).into_iter().map(&mut add).collect(),
            namespaced: scope.namespaced(kinds.1).into_iter().map(&mut add).collect(),
        }
    }

    /// The outputs that a flow refers to.
    ///
    /// # Errors
    /// The operator refuses the flow: an output is not there, or is not for flows of namespaces.
    pub(super) fn resolve(
        &self,
        spec: &Fields<'_>,
        own: Option<&str>,
    ) -> Result<Vec<(&'a Resource, usize)>, Unread> {
        let mut found = Vec::new();
        for (name, at) in spec.list("globalOutputRefs") {
            match self.cluster_wide.iter().find(|(output, _)| output.name == name) {
                Some((output, _))
                    if own.is_some() && Fields::spec(output).flag("protected") == Some(true) =>
                {
                    return Err(Unread {
                        at,
                        why: format!("the output {name} is protected: flows of namespaces may not use it"),
                    });
                }
                Some(output) => found.push(*output),
                None => return Err(Unread { at, why: format!("there is no output {name} for the cluster") }),
            }
        }
        let local = if own.is_some() { spec.list("localOutputRefs") } else { Vec::new() };
        for (name, at) in local {
            let own = own.unwrap_or_default();
            match self.namespaced.iter().find(|(output, _)| output.name == name && output.namespace == own) {
                Some(output) => found.push(*output),
                None => {
                    return Err(Unread {
                        at,
                        why: format!("there is no output {name} in the namespace of the flow"),
                    });
                }
            }
        }
        Ok(found)
    }
}

/// What Fluentd does for a `Logging`.
pub(super) fn system(scope: &Scope<'_>, fluentd: &Fields<'_>, pipeline: &mut Pipeline) -> System {
    let logging = Fields::spec(scope.logging);
    let storage = outputs::Storage::of(fluentd);
    let outputs = Referable::read(scope, ("ClusterOutput", "Output"), pipeline, |resource| {
        outputs::read(resource, &storage)
    });
    let mut system = System { before: filters::steps(&logging.items("globalFilters")), ..System::default() };
    let flows = scope.namespaced("Flow").into_iter().map(|flow| (flow, Some(flow.namespace.as_str())));
    for (flow, own) in flows.chain(scope.cluster_wide("ClusterFlow").into_iter().map(|flow| (flow, None))) {
        let spec = Fields::spec(flow);
        let name = format!("{} {}", flow.kind, flow.full_name());
        match outputs.resolve(&spec, own) {
            Ok(found) => system.flows.push(Flow {
                selection: Selection::read(&spec, name.clone(), own),
                name,
                steps: filters::steps(&spec.items("filters")),
                targets: targets(&found),
                routed: spec.flag("includeLabelInRouter").unwrap_or(spec.text("flowLabel").is_none()),
                label: spec.text("flowLabel"),
            }),
            Err(refused) => refuse(scope, &name, refused, pipeline),
        }
    }
    if let Some(spec) = logging.get("defaultFlow") {
        match outputs.resolve(&spec, None) {
            Ok(found) => {
                system.default = Some(Flow {
                    name: "the default flow".into(),
                    selection: Selection::everything(),
                    steps: filters::steps(&spec.items("filters")),
                    targets: targets(&found),
                    routed: true,
                    label: spec.text("flowLabel"),
                });
            }
            Err(refused) => refuse(scope, "the default flow", refused, pipeline),
        }
    }
    if let Some(name) = logging.text("errorOutputRef")
        && !outputs.cluster_wide.iter().any(|(output, _)| output.name == name)
    {
        let at = logging.at_key("errorOutputRef");
        refuse(
            scope,
            "the error output",
            Unread { at, why: format!("there is no output {name} for the cluster") },
            pipeline,
        );
    }
    system
}

fn targets(found: &[(&Resource, usize)]) -> Vec<Target> {
    let target = |(resource, index): &(&Resource, usize)| {
        let label = Fields::spec(resource).get("relabel").and_then(|relabel| relabel.text("label"));
        label.map_or(Target::Output(*index), Target::Label)
    };
    found.iter().map(target).collect()
}

/// A flow that the operator does not take leads nowhere. Unless such flows are to be skipped, it then writes no
/// configuration at all, and an older one stays in force (`pkg/resources/model/system.go`).
pub(super) fn refuse(scope: &Scope<'_>, name: &str, refused: Unread, pipeline: &mut Pipeline) {
    let skips = Fields::spec(scope.logging).flag("skipInvalidResources") == Some(true);
    let after = if skips {
        "so that it is left out"
    } else {
        "so that the operator refuses the whole configuration, and an older one that is not seen may be in force"
    };
    pipeline.unread.push(Unread { at: refused.at, why: format!("{name}: {}, {after}", refused.why) });
}

/// How records get from an agent to the outputs.
pub(super) struct Delivery<'a> {
    /// Where flows are declared.
    at: String,
    /// Why it cannot be told.
    unknown: Option<String>,
    /// Whether it is certain that the flows count.
    certain: bool,
    has_aggregator: bool,
    system: System,
    logging: &'a str,
}

impl<'a> Delivery<'a> {
    pub(super) fn new(spec: &Fields<'_>, scope: &Scope<'a>, system: System) -> Self {
        let replaced = spec.get("flowConfigOverride").map(|config| {
            format!(
                "flowConfigOverride at {} replaces the flows by a configuration that is not read",
                config.at()
            )
        });
        Self {
            at: spec.at(),
            unknown: replaced,
            certain: scope.watch_is_clear(),
            has_aggregator: !matches!(scope.aggregator, super::scope::Aggregator::None),
            system,
            logging: &scope.logging.name,
        }
    }

    /// The routes of records that an agent has sent: of all pods, or of one that is known. `before` is what happens in
    /// the agent, `hop` its own output.
    pub(super) fn routes(&self, before: &[Step], hop: usize, pod: Option<&KnownPod<'_>>) -> Fact<Vec<Route>> {
        if let Some(reason) = &self.unknown {
            return Fact::unknown(reason.clone());
        }
        if !self.has_aggregator {
            let detail = format!(
                "Logging {} has neither fluentd nor syslogNG, so agents have no output",
                self.logging
            );
            return known_routes(Vec::new(), self.at.clone(), detail);
        }
        let mut routes: Vec<Route> = Vec::new();
        let mut taken_so_far = Vec::new();
        for flow in self.system.flows.iter().filter(|flow| flow.routed) {
            let taken = match pod {
                None => flow.selection.taken(),
                Some(pod) => match flow.selection.takes(pod) {
                    Some(true) => Taken::All,
                    Some(false) => Taken::Nothing,
                    None => Taken::Some(vec![unclear(
                        &self.at,
                        format!("whether {} takes it is not told", flow.name),
                    )]),
                },
            };
            self.follow(flow, &taken, before, &mut routes, MAX_HANDS);
            taken_so_far.push(taken);
        }
        if let Some(flow) = &self.system.default {
            self.follow(flow, &rest(&taken_so_far, &self.at), before, &mut routes, MAX_HANDS);
        }
        if routes.len() >= MAX_ROUTES {
            return Fact::unknown(format!(
                "the flows of {} have more than {MAX_ROUTES} ways to outputs",
                self.at
            ));
        }
        if let Some(pod) = pod {
            routes = routes
                .into_iter()
                .filter_map(|route| Some(Route { steps: through(&route.steps, pod)?, ..route }))
                .collect();
        }
        if routes.is_empty() {
            return known_routes(routes, self.at.clone(), "no flow takes these records to an output");
        }
        routes.push(Route { steps: before.to_vec(), output: hop });
        known_routes(routes, self.at.clone(), format!("through the flows of Logging {}", self.logging))
    }

    fn follow(&self, flow: &Flow, taken: &Taken, before: &[Step], routes: &mut Vec<Route>, hands: usize) {
        let mut steps = before.to_vec();
        match taken {
            Taken::Nothing => return,
            Taken::All => {}
            Taken::Some(more) => steps.extend(more.iter().cloned()),
        }
        if hands == MAX_HANDS {
            if !self.certain {
                steps.push(unclear(
                    &self.at,
                    format!("{} counts only in namespaces with some labels", flow.name),
                ));
            }
            steps.splice(before.len()..before.len(), self.system.before.iter().cloned());
        }
        steps.extend(flow.steps.iter().cloned());
        for target in &flow.targets {
            if routes.len() >= MAX_ROUTES {
                return;
            }
            match target {
                Target::Output(output) => routes.push(Route { steps: steps.clone(), output: *output }),
                Target::Label(label) if hands > 0 => {
                    for next in self.system.flows.iter().filter(|next| next.label.as_ref() == Some(label)) {
                        self.follow(next, &Taken::All, &steps, routes, hands - 1);
                    }
                }
                Target::Label(_) => {}
            }
        }
    }
}

fn unclear(at: &str, what: String) -> Step {
    Step { at: at.to_owned(), what, effect: Effect::Unclear }
}

/// What the flows leave for the default flow.
fn rest(taken: &[Taken], at: &str) -> Taken {
    let mut steps = Vec::new();
    let mut except = Vec::new();
    for one in taken {
        match one {
            Taken::All => return Taken::Nothing,
            Taken::Nothing => {}
            Taken::Some(by) => match by.as_slice() {
                [
                    Step {
                        effect: Effect::Namespaces(NamespaceRule { only: Some(names), except: none }),
                        ..
                    },
                ] if none.is_empty() => {
                    except.extend(names.iter().cloned());
                }
                _ => steps.push(Step {
                    at: at.to_owned(),
                    what: "the default flow takes what other flows do not".into(),
                    effect: Effect::DropsSome,
                }),
            },
        }
    }
    if !except.is_empty() {
        let rule = NamespaceRule { only: None, except };
        let what = "the default flow takes what no flow of a namespace does".into();
        steps.push(Step { at: at.to_owned(), what, effect: Effect::Namespaces(rule) });
    }
    steps.dedup();
    if steps.is_empty() { Taken::All } else { Taken::Some(steps) }
}
