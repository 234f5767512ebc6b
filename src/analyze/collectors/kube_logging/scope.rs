//! Which resources belong to a `Logging` (`pkg/resources/model/repository.go`).

use super::super::fields::Fields;
use super::super::model::Unread;
use super::GROUP;
use crate::document::scalar;
use crate::snapshot::Resource;

/// A `Logging` and what belongs to it.
pub(super) struct Scope<'a> {
    /// The `Logging`.
    pub(super) logging: &'a Resource,
    /// What moves logs from the agents to the outputs.
    pub(super) aggregator: Aggregator<'a>,
    /// The agents that send to its aggregator.
    pub(super) agents: Vec<Agent<'a>>,
    /// What cannot be told.
    pub(super) unread: Vec<Unread>,
    all: &'a [Resource],
    reference: String,
    control_namespace: String,
    watched: Watched,
}

/// What moves logs from the agents to the outputs.
pub(super) enum Aggregator<'a> {
    /// Fluentd.
    Fluentd(Fields<'a>),
    /// syslog-ng.
    SyslogNg(Fields<'a>),
    /// Nothing: agents have no output at all.
    None,
}

/// An agent that sends to the aggregator.
pub(super) struct Agent<'a> {
    /// What it is made from: a `FluentbitAgent`, or a `Logging` that holds one.
    pub(super) of: &'a Resource,
    /// Its specification.
    pub(super) spec: Fields<'a>,
    /// Of which namespaces it sends, if not all; where that is said.
    pub(super) namespaces: Option<(Vec<String>, String)>,
    /// The tenant it reads for, if logs are routed by tenants.
    pub(super) tenant: Option<String>,
}

/// What a route hands on: logs of these namespaces, or of all.
struct Tenancy {
    namespaces: Option<(Vec<String>, String)>,
}

/// The namespaces of which flows and outputs are taken.
enum Watched {
    All,
    Only(Vec<String>),
    Unclear,
}

impl<'a> Scope<'a> {
    pub(super) fn of(logging: &'a Resource, all: &'a [Resource]) -> Self {
        let spec = Fields::spec(logging);
        let mut unread = Vec::new();
        let control_namespace = spec.text("controlNamespace").unwrap_or_default();
        let mut scope = Self {
            logging,
            aggregator: aggregator(&spec, all, &control_namespace, &mut unread),
            agents: Vec::new(),
            watched: watched(logging, &mut unread),
            unread,
            all,
            reference: spec.text("loggingRef").unwrap_or_default(),
            control_namespace,
        };
        scope.agents = scope.find_agents();
        scope
    }

    /// The host of an aggregator's Service, if its namespace is known.
    pub(super) fn service(&self, name: &str, port: u16) -> Option<String> {
        // The suffix with the cluster's domain leads to the same Service.
        let host = format!("{}-{name}.{}.svc:{port}", self.logging.name, self.control_namespace);
        (!self.control_namespace.is_empty()).then_some(host)
    }

    /// Whether which flows count is known. It is not if namespaces are watched by their labels.
    pub(super) fn watch_is_clear(&self) -> bool {
        !matches!(self.watched, Watched::Unclear)
    }

    /// Resources of a kind that count in the whole cluster, by namespace and name.
    pub(super) fn cluster_wide(&self, kind: &str) -> Vec<&'a Resource> {
        let everywhere =
            Fields::spec(self.logging).flag("allowClusterResourcesFromAllNamespaces") == Some(true);
        let here = |resource: &&Resource| {
            everywhere
                || resource.namespace.is_empty()
                || self.control_namespace.is_empty()
                || resource.namespace == self.control_namespace
        };
        self.referring(kind).into_iter().filter(here).collect()
    }

    /// Resources of a kind that count in their namespace, by namespace and name.
    pub(super) fn namespaced(&self, kind: &str) -> Vec<&'a Resource> {
        let watched = |resource: &&Resource| match &self.watched {
            Watched::Only(names) => resource.namespace.is_empty() || names.contains(&resource.namespace),
            Watched::All | Watched::Unclear => true,
        };
        self.referring(kind).into_iter().filter(watched).collect()
    }

    fn referring(&self, kind: &str) -> Vec<&'a Resource> {
        let mut found: Vec<&Resource> = of_kind(self.all, kind)
            .filter(|resource| {
                Fields::spec(resource).text("loggingRef").unwrap_or_default() == self.reference
            })
            .collect();
        found.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
        found
    }

    /// Agents of this `Logging`, unless routes hand their logs to tenants, and agents of others that route to it.
    fn find_agents(&mut self) -> Vec<Agent<'a>> {
        let mut agents = Vec::new();
        let routes: Vec<&Resource> = of_kind(self.all, "LoggingRoute").collect();
        let source = |route: &Resource| Fields::spec(route).text("source").unwrap_or_default();
        if !routes.iter().any(|route| source(route) == self.reference) {
            agents.extend(self.agents_of(&self.reference, self.logging, None));
        }
        for route in routes {
            match self.tenancy(route) {
                Some(tenancy) => {
                    let owner = of_kind(self.all, "Logging")
                        .find(|other| Fields::spec(other).text("loggingRef").unwrap_or_default() == source(route))
                        .unwrap_or(self.logging);
                    agents.extend(self.agents_of(&source(route), owner, Some(&tenancy)));
                }
                None if self.may_be_target(route) => self.unread.push(Unread {
                    at: Fields::spec(route).at_key("targets"),
                    why: "whether this route leads here cannot be told from its selector alone; its status.tenants would say"
                        .into(),
                }),
                None => {}
            }
        }
        agents
    }

    fn agents_of(&self, reference: &str, owner: &'a Resource, tenancy: Option<&Tenancy>) -> Vec<Agent<'a>> {
        let legacy = Fields::spec(owner).get("fluentbit").map(|spec| (owner, spec));
        let own = of_kind(self.all, "FluentbitAgent")
            .filter(|agent| Fields::spec(agent).text("loggingRef").unwrap_or_default() == reference)
            .map(|agent| (agent, Fields::spec(agent)));
        let agent = |(of, spec)| Agent {
            of,
            spec,
            namespaces: tenancy.and_then(|tenancy| tenancy.namespaces.clone()),
            tenant: tenancy.is_some().then(|| self.logging.name.clone()),
        };
        legacy.into_iter().chain(own).map(agent).collect()
    }

    /// If a route leads here: the namespaces it is limited to.
    fn tenancy(&self, route: &Resource) -> Option<Tenancy> {
        let spec = Fields::spec(self.logging);
        if spec.get("routeConfig").and_then(|config| config.flag("disableLoggingRoute")) == Some(true) {
            return None;
        }
        let status = Fields::status(route);
        if let Some(tenants) = status.get("tenants") {
            let tenant = tenants
                .elements()
                .into_iter()
                .find(|tenant| tenant.text("name").as_ref() == Some(&self.logging.name))?;
            let names: Vec<String> = tenant.list("namespaces").into_iter().map(|(name, _)| name).collect();
            let namespaces = (!names.is_empty()).then(|| (names, tenant.at_key("namespaces")));
            return Some(Tenancy { namespaces });
        }
        let targets = Fields::spec(route).get("targets")?;
        if targets.get("matchExpressions").is_some() || !self.labels_match(&targets) {
            return None;
        }
        match &self.watched {
            Watched::All => Some(Tenancy { namespaces: None }),
            Watched::Only(names) => {
                Some(Tenancy { namespaces: Some((names.clone(), spec.at_key("watchNamespaces"))) })
            }
            Watched::Unclear => None,
        }
    }

    fn may_be_target(&self, route: &Resource) -> bool {
        let Some(targets) = Fields::spec(route).get("targets") else { return false };
        Fields::status(route).get("tenants").is_none() && self.labels_match(&targets)
    }

    fn labels_match(&self, targets: &Fields<'_>) -> bool {
        let labels = targets.get("matchLabels").map(|labels| labels.entries()).unwrap_or_default();
        labels.iter().all(|(key, value)| self.logging.labels.get(*key).cloned() == scalar(value.value()))
    }
}

fn of_kind<'a>(all: &'a [Resource], kind: &str) -> impl Iterator<Item = &'a Resource> {
    all.iter().filter(move |resource| resource.group == GROUP && resource.kind == kind)
}

/// The aggregator: a `FluentdConfig` or `SyslogNGConfig` of its own comes before what the `Logging` holds, and Fluentd
/// before syslog-ng.
fn aggregator<'a>(
    spec: &Fields<'a>,
    all: &'a [Resource],
    control_namespace: &str,
    unread: &mut Vec<Unread>,
) -> Aggregator<'a> {
    let mut detached = |kind: &str| {
        let found: Vec<&Resource> = of_kind(all, kind)
            .filter(|config| config.namespace.is_empty() || config.namespace == control_namespace)
            .collect();
        if let [_, second, ..] = found.as_slice() {
            unread.push(Unread {
                at: second.at.clone(),
                why: format!(
                    "there is more than one {kind} in {control_namespace}; which one counts is not told here"
                ),
            });
        }
        found.first().map(|config| Fields::spec(config))
    };
    let fluentd = detached("FluentdConfig").or_else(|| spec.get("fluentd"));
    let syslog_ng = detached("SyslogNGConfig").or_else(|| spec.get("syslogNG"));
    match (fluentd, syslog_ng) {
        (Some(fluentd), _) => Aggregator::Fluentd(fluentd),
        (None, Some(syslog_ng)) => Aggregator::SyslogNg(syslog_ng),
        (None, None) => Aggregator::None,
    }
}

fn watched(logging: &Resource, unread: &mut Vec<Unread>) -> Watched {
    let spec = Fields::spec(logging);
    let names = |fields: &Fields<'_>| -> Vec<String> {
        fields.list("watchNamespaces").into_iter().map(|(name, _)| name).collect()
    };
    if spec.get("watchNamespaceSelector").is_some() {
        let seen = names(&Fields::status(logging));
        if seen.is_empty() {
            unread.push(Unread {
                at: spec.at_key("watchNamespaceSelector"),
                why: "flows count in namespaces with these labels; which those are is not seen".into(),
            });
            return Watched::Unclear;
        }
        return Watched::Only(seen);
    }
    let names = names(&spec);
    if names.is_empty() { Watched::All } else { Watched::Only(names) }
}
