//! The Datadog agent, by the variables of its container or by a `DatadogAgent` (Datadog docs: "log collection",
//! "container discovery management").

mod files;

#[cfg(test)]
mod tests;

use super::config::{Config, Env, Variable};
use super::dialect::Unreadable;
use super::endpoint::Endpoint;
use super::model::{
    Buffer, Effect, Input, Marker, NamespaceMatch, NamespaceRule, OptOut, Output, Pattern, Pipeline,
    Receiver, Retry, Route, Source, Step, Unread, WhenFull,
};
use super::service::Service;
use super::settings::{Setting, Settings};
use crate::analyze::fact::Fact;
use crate::document::Place;
use crate::snapshot::Resource;
use crate::verdict::Rank;

/// Where the agent keeps how far it has read unless told.
const RUN_PATH: &str = "/opt/datadog-agent/run";

/// Reads the variables of an agent.
///
/// # Errors
/// None: variables that are not seen are told in the pipeline.
pub fn read(config: &Config) -> Result<Pipeline, Unreadable> {
    let agent = Agent { env: &config.env, at: &config.main };
    let mut pipeline = agent.pipeline();
    if agent.flag("DD_LOGS_ENABLED", false).value() == Some(&true) {
        files::add(config, &agent, &mut pipeline);
    }
    Ok(pipeline)
}

/// Reads a `DatadogAgent`: `spec.features` and the variables it overrides (Datadog operator docs: configuration v2alpha1).
///
/// # Errors
/// None: what is not seen is told in the pipeline.
pub fn read_resource(resource: &Resource) -> Result<Pipeline, Unreadable> {
    let place: Place = resource.place();
    let settings = Settings::of_value(&resource.spec, &place, "spec");
    let root = settings.root();
    let mut env = Env::default();
    for (path, name) in [
        ("features.logCollection.enabled", "DD_LOGS_ENABLED"),
        ("features.logCollection.containerCollectAll", "DD_LOGS_CONFIG_CONTAINER_COLLECT_ALL"),
        ("global.site", "DD_SITE"),
    ] {
        insert(&mut env, name, &root.find(path));
    }
    let run = Variable::Seen("/opt/datadog-agent/run".to_owned(), root.place());
    env.variables.insert("DD_LOGS_CONFIG_RUN_PATH".to_owned(), run);
    let events = root.find("features.eventCollection.collectKubernetesEvents");
    if events.is_set() {
        insert(&mut env, "DD_COLLECT_KUBERNETES_EVENTS", &events);
    } else {
        let on = Variable::Seen("true".to_owned(), root.place());
        env.variables.insert("DD_COLLECT_KUBERNETES_EVENTS".to_owned(), on);
    }
    let credentials = root.find("global.credentials");
    if credentials.is_set() {
        let hidden = Variable::Hidden("a credential".to_owned(), credentials.place());
        env.variables.insert("DD_API_KEY".to_owned(), hidden);
    }
    let containers = root.find("override.nodeAgent.containers.agent.env").items();
    let general = [root.find("global.env").items(), root.find("override.nodeAgent.env").items(), containers];
    for item in general.iter().flatten() {
        let name = item.get("name").plain();
        if item.get("valueFrom").is_set() {
            let hidden = Variable::Hidden("taken from elsewhere".to_owned(), item.place());
            env.variables.insert(name, hidden);
        } else {
            insert(&mut env, &name, &item.get("value"));
        }
    }
    Ok(Agent { env: &env, at: &resource.at }.pipeline())
}

fn insert(env: &mut Env, name: &str, setting: &Setting<'_>) {
    if setting.is_set() {
        env.variables.insert(name.to_owned(), Variable::Seen(setting.plain(), setting.place()));
    }
}

struct Agent<'a> {
    env: &'a Env,
    at: &'a str,
}

impl Agent<'_> {
    fn pipeline(&self) -> Pipeline {
        let mut pipeline = Pipeline::default();
        let output = self.output();
        match self.flag("DD_LOGS_ENABLED", false) {
            Fact::Known(known) if known.value => {
                let input = self.containers(&mut pipeline.unread);
                pipeline.inputs.push(input);
                pipeline.outputs.push(output);
            }
            Fact::Known(_) => {}
            Fact::Unknown(unknown) => self.unread(&mut pipeline.unread, unknown.reason),
        }
        match self.flag("DD_COLLECT_KUBERNETES_EVENTS", false) {
            Fact::Known(known) if known.value => {
                let index = pipeline.outputs.len();
                pipeline.outputs.push(self.events_output());
                let mut input = self.draft(
                    "kubernetes_events",
                    "DD_COLLECT_KUBERNETES_EVENTS",
                    Source::Events { namespaces: NamespaceRule::default(), only_warnings: false },
                );
                let route = vec![Route { steps: Vec::new(), output: index }];
                input.routes =
                    self.fact("DD_COLLECT_KUBERNETES_EVENTS", route, "the agent sends events to its site");
                pipeline.inputs.push(input);
            }
            Fact::Known(_) => {}
            Fact::Unknown(unknown) => self.unread(&mut pipeline.unread, unknown.reason),
        }
        pipeline
    }

    fn unread(&self, unread: &mut Vec<Unread>, why: String) {
        unread.push(Unread { at: self.at.to_owned(), why });
    }

    /// Where a variable stands, or the agent.
    fn place(&self, name: &str) -> String {
        match self.env.variables.get(name) {
            Some(Variable::Seen(_, at) | Variable::Hidden(_, at)) => at.clone(),
            None => self.at.to_owned(),
        }
    }

    fn fact<T>(&self, name: &str, value: T, detail: impl Into<String>) -> Fact<T> {
        Fact::at(value, Rank::Configured, self.place(name), detail)
    }

    fn flag(&self, name: &str, default: bool) -> Fact<bool> {
        self.env.get(name).and_then(|value| match value.as_deref().map(str::trim) {
            None | Some("") => {
                self.fact(name, default, format!("{name} is not set; the default is {default}"))
            }
            Some("true" | "1" | "True" | "TRUE" | "t" | "T") => self.fact(name, true, format!("{name} true")),
            Some("false" | "0" | "False" | "FALSE" | "f" | "F") => {
                self.fact(name, false, format!("{name} false"))
            }
            Some(_) => Fact::unknown(format!("{name} at {} is neither true nor false", self.place(name))),
        })
    }

    fn draft(&self, id: &str, name: &str, source: Source) -> Input {
        Input {
            id: id.to_owned(),
            at: self.place(name),
            source,
            position: None,
            opt_outs: Vec::new(),
            steps: Vec::new(),
            routes: Fact::unknown("the ways from it are not followed"),
        }
    }

    /// Logs of containers: of all, less what is excluded, or only of those with an annotation for logs.
    fn containers(&self, unread: &mut Vec<Unread>) -> Input {
        const ALL: &str = "DD_LOGS_CONFIG_CONTAINER_COLLECT_ALL";
        let all = self.flag(ALL, false);
        let mut namespaces = NamespaceRule::default();
        let mut steps = Vec::new();
        let only = match &all {
            Fact::Known(known) if known.value => {
                self.excluded(&mut namespaces, &mut steps, unread);
                None
            }
            Fact::Known(_) => Some("pods with an annotation ad.datadoghq.com/<container>.logs".to_owned()),
            Fact::Unknown(unknown) => {
                self.unread(unread, unknown.reason.clone());
                Some("pods chosen by what is not seen".to_owned())
            }
        };
        let source = Source::Containers {
            through_api: false,
            folder: "/var/log/pods".to_owned(),
            exclude: Vec::new(),
            namespaces,
            only,
        };
        let mut input = self.draft("containers", "DD_LOGS_ENABLED", source);
        input.steps = steps;
        input.position = Some(self.position());
        input.opt_outs = vec![OptOut {
            marker: Marker::Annotation,
            key: "ad.datadoghq.com/*logs_exclude".to_owned(),
            value: "true".to_owned(),
            on_namespaces: false,
            honoured: all,
        }];
        let routes = vec![Route { steps: self.rules(), output: 0 }];
        input.routes = self.fact("DD_LOGS_ENABLED", routes, "the agent sends all logs to its site");
        input
    }

    fn position(&self) -> Fact<Option<String>> {
        const NAME: &str = "DD_LOGS_CONFIG_RUN_PATH";
        self.env.get(NAME).and_then(|path| {
            let detail = if path.is_some() { "is set" } else { "is not set; the default is the image's" };
            let path = path.unwrap_or_else(|| RUN_PATH.to_owned());
            self.fact(NAME, Some(path), format!("{NAME} {detail}"))
        })
    }

    /// Rules for all logs: exclude and include lines, mask texts.
    fn rules(&self) -> Vec<Step> {
        const NAME: &str = "DD_LOGS_CONFIG_PROCESSING_RULES";
        let step = |what: &str, effect| Step { at: self.place(NAME), what: format!("{NAME} {what}"), effect };
        match self.env.get(NAME) {
            Fact::Unknown(_) if self.env.is_set(NAME) => vec![step("is not seen", Effect::Unclear)],
            Fact::Unknown(_) => Vec::new(),
            Fact::Known(known) => {
                let text = known.value.unwrap_or_default();
                let mut steps = Vec::new();
                if text.contains("exclude_at_match") || text.contains("include_at_match") {
                    steps.push(step("drops lines", Effect::DropsSome));
                }
                if text.contains("mask_sequences") {
                    steps.push(step("masks texts", Effect::Redacts));
                }
                steps
            }
        }
    }

    /// `DD_CONTAINER_EXCLUDE` and its like: `kube_namespace:`, `name:` and `image:` with regular expressions. What is
    /// included is kept whatever excludes it.
    fn excluded(&self, rule: &mut NamespaceRule, steps: &mut Vec<Step>, unread: &mut Vec<Unread>) {
        let included =
            self.patterns(&["DD_CONTAINER_INCLUDE", "DD_CONTAINER_INCLUDE_LOGS", "DD_AC_INCLUDE"], unread);
        let excluded = self.patterns(
            &[
                "DD_CONTAINER_EXCLUDE",
                "DD_CONTAINER_EXCLUDE_LOGS",
                "DD_AC_EXCLUDE",
                "DD_CEL_WORKLOAD_EXCLUDE",
            ],
            unread,
        );
        let all_namespaces_in = included.iter().all(|one| one.kind == "kube_namespace");
        if excluded.iter().any(Filter::is_everything) {
            if included.is_empty() {
                let at = excluded.first().map_or_else(String::new, |one| one.at.clone());
                let what = "all containers are excluded".to_owned();
                steps.push(Step { at, what, effect: Effect::DropsAll });
            } else if all_namespaces_in {
                rule.only = Some(included.iter().map(Filter::namespace).collect());
            } else {
                for one in &included {
                    let what = format!("only containers that are included: {}:{}", one.kind, one.regex);
                    steps.push(Step { at: one.at.clone(), what, effect: Effect::DropsSome });
                }
            }
            return;
        }
        for one in excluded {
            if one.kind == "kube_namespace" {
                let mut found = one.namespace();
                if !included.is_empty() {
                    let why = format!("{} is excluded, but for what an include keeps", one.regex);
                    found.pattern = Pattern::Unclear(why);
                }
                rule.except.push(found);
            } else {
                let what = format!("containers are excluded by {}", one.kind);
                steps.push(Step { at: one.at.clone(), what, effect: Effect::DropsSome });
            }
        }
    }

    fn patterns(&self, names: &[&str], unread: &mut Vec<Unread>) -> Vec<Filter> {
        let mut found = Vec::new();
        for name in names {
            match self.env.get(name) {
                Fact::Unknown(unknown) if self.env.is_set(name) => self.unread(unread, unknown.reason),
                Fact::Unknown(_) => {}
                Fact::Known(known) => {
                    let text = known.value.unwrap_or_default();
                    let at = self.place(name);
                    if *name == "DD_CEL_WORKLOAD_EXCLUDE" && !text.is_empty() {
                        found.push(Filter { at, kind: "a condition".to_owned(), regex: String::new() });
                        continue;
                    }
                    found.extend(text.split_whitespace().filter_map(|part| {
                        let (kind, regex) = part.split_once(':')?;
                        Some(Filter { at: at.clone(), kind: kind.to_owned(), regex: regex.to_owned() })
                    }));
                }
            }
        }
        found
    }

    fn site(&self) -> Fact<String> {
        self.env.get("DD_SITE").and_then(|site| match site.filter(|site| !site.is_empty()) {
            Some(site) => self.fact("DD_SITE", site.clone(), format!("DD_SITE {site}")),
            None => self.fact(
                "DD_SITE",
                "datadoghq.com".to_owned(),
                "DD_SITE is not set; the default is datadoghq.com",
            ),
        })
    }

    fn output(&self) -> Output {
        const URL: &str = "DD_LOGS_CONFIG_LOGS_DD_URL";
        let url = self.env.get(URL);
        let of_site = || self.site().map(|site| vec![format!("agent-http-intake.logs.{site}")]);
        let hosts = match &url {
            Fact::Known(known) => match known.value.as_deref().and_then(Endpoint::parse) {
                Some(endpoint) => {
                    self.fact(URL, vec![endpoint.shown()], format!("{URL} {}", endpoint.shown()))
                }
                None => of_site(),
            },
            Fact::Unknown(unknown) if self.env.is_set(URL) => Fact::unknown(unknown.reason.clone()),
            Fact::Unknown(_) => of_site(),
        };
        let no_ssl = self.flag("DD_LOGS_CONFIG_LOGS_NO_SSL", false);
        let plain = url.value().cloned().flatten().is_some_and(|url| url.starts_with("http://"));
        let tls = if plain {
            self.fact(URL, false, format!("{URL} has the scheme http"))
        } else {
            no_ssl.map(|off| !off)
        };
        self.sent("logs", "DD_LOGS_ENABLED", hosts, tls)
    }

    fn events_output(&self) -> Output {
        let hosts = self.site().map(|site| vec![format!("app.{site}")]);
        let tls = self.fact("DD_SITE", true, "the site is reached over TLS");
        self.sent("events", "DD_COLLECT_KUBERNETES_EVENTS", hosts, tls)
    }

    fn sent(&self, id: &str, name: &str, hosts: Fact<Vec<String>>, tls: Fact<bool>) -> Output {
        let known = hosts.value().and_then(|hosts| hosts.first().cloned());
        let own =
            known.is_some_and(|host| Service::of_host(host.split(':').next().unwrap_or_default()).is_none());
        let key = "DD_API_KEY";
        let authenticated = match self.env.get(key) {
            _ if self.env.is_set(key) => self.fact(key, true, format!("{key} is set")),
            Fact::Known(_) => self.fact(key, false, format!("{key} is not set")),
            Fact::Unknown(unknown) => Fact::unknown(unknown.reason),
        };
        Output {
            id: id.to_owned(),
            at: self.place(name),
            // Another address is a proxy or a pipeline that speaks Datadog's protocol.
            receiver: if own {
                Receiver::Collector("datadog".to_owned())
            } else {
                Receiver::Service(Service::Datadog)
            },
            hosts,
            verified: (tls.value() != Some(&false))
                .then(|| self.flag("DD_SKIP_SSL_VALIDATION", false).map(|skip| !skip)),
            tls,
            authenticated,
            buffer: self.fact(name, Buffer::Memory, "logs wait in memory"),
            retry: self.fact(name, Retry::Forever, "the agent tries until logs are accepted"),
            when_full: self.fact(name, WhenFull::Waits, "reading waits while the agent cannot send"),
        }
    }
}

struct Filter {
    at: String,
    kind: String,
    regex: String,
}

impl Filter {
    fn is_everything(&self) -> bool {
        matches!(self.regex.as_str(), ".*" | "^.*$" | ".+")
    }

    fn namespace(&self) -> NamespaceMatch {
        NamespaceMatch { at: self.at.clone(), pattern: Pattern::Regex(self.regex.clone()) }
    }
}
