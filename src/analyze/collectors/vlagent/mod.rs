//! The agent of `VictoriaLogs`, by its arguments (its docs: vlagent).

mod operator;
#[cfg(test)]
mod tests;

pub use operator::{is_on_nodes, read_resource};

use super::config::Config;
use super::dialect::Unreadable;
use super::endpoint::Endpoint;
use super::model::{
    Buffer, Effect, Input, NamespaceMatch, NamespaceRule, Output, Pattern, Pipeline, Receiver, Retry, Route,
    Source, Step, WhenFull,
};
use super::service::Service;
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// Where container logs lie on a node.
const CONTAINERS: &str = "/var/log/containers";

/// Reads the arguments.
///
/// # Errors
/// They name no receiver, without which the program does not start.
pub fn read(config: &Config) -> Result<Pipeline, Unreadable> {
    let flags = Flags { config };
    let urls = flags.list("remoteWrite.url");
    if urls.is_empty() {
        return Err(Unreadable::new(&*config.args_at, "its arguments have no -remoteWrite.url"));
    }
    let outputs: Vec<Output> = urls.iter().enumerate().map(|(index, url)| flags.output(index, url)).collect();
    let routes = flags.fact(
        (0..outputs.len()).map(|output| Route { steps: Vec::new(), output }).collect::<Vec<_>>(),
        "everything goes to each -remoteWrite.url",
    );
    let input = |id: &str, source: Source| Input {
        id: id.to_owned(),
        at: config.args_at.clone(),
        source,
        position: None,
        opt_outs: Vec::new(),
        steps: Vec::new(),
        routes: routes.clone(),
    };
    let mut inputs = Vec::new();
    if flags.is_on("kubernetesCollector") {
        let (namespaces, steps) = flags.excluded();
        let source = Source::Containers {
            through_api: false,
            folder: flags.last("kubernetesCollector.logsPath").unwrap_or_else(|| CONTAINERS.into()),
            exclude: Vec::new(),
            namespaces,
            only: None,
        };
        let position = Some(flags.checkpoints("kubernetesCollector", "vlagent-kubernetes-checkpoints.json"));
        inputs.push(Input { position, steps, ..input("kubernetesCollector", source) });
    }
    let globs = flags.list("fileCollector.glob");
    let excluded = flags.list("fileCollector.excludeGlob");
    for (index, glob) in globs.iter().enumerate() {
        let glob_fact = |flag: &str, glob: &String| match flags.expand(glob) {
            Ok(glob) => flags.fact(glob.clone(), &format!("-{flag} {glob}")),
            Err(why) => Fact::unknown(why),
        };
        let exclude = excluded.get(index).filter(|glob| !glob.is_empty());
        let source = Source::Files {
            include: vec![glob_fact("fileCollector.glob", glob)],
            exclude: exclude.iter().map(|glob| glob_fact("fileCollector.excludeGlob", glob)).collect(),
        };
        let position = Some(flags.checkpoints("fileCollector", "file checkpoints"));
        inputs.push(Input { position, ..input(&format!("fileCollector.{index}"), source) });
    }
    for flag in ["syslog.listenAddr.tcp", "syslog.listenAddr.udp", "syslog.listenAddr.unix"] {
        if flags.last(flag).is_some() {
            inputs.push(input(flag, Source::Network { protocol: "syslog".into() }));
        }
    }
    inputs.push(input("httpListenAddr", Source::Network { protocol: "http".into() }));
    let own_metrics = Some(flags.fact(true, "metrics of its own are always served at /metrics"));
    Ok(Pipeline { inputs, outputs, unread: Vec::new(), own_metrics })
}

/// The arguments.
struct Flags<'a> {
    config: &'a Config,
}

impl Flags<'_> {
    fn fact<T>(&self, value: T, detail: &str) -> Fact<T> {
        Fact::at(value, Rank::Configured, self.config.args_at.clone(), detail)
    }

    /// The values of a flag. One or two dashes are the same.
    fn values(&self, flag: &str) -> Vec<String> {
        self.config.arguments(&[&format!("-{flag}"), &format!("--{flag}")])
    }

    /// The values of a flag that takes several, separated by commas too.
    fn list(&self, flag: &str) -> Vec<String> {
        self.values(flag)
            .iter()
            .flat_map(|value| value.split(','))
            .map(|one| one.trim_matches('"').to_owned())
            .collect()
    }

    fn last(&self, flag: &str) -> Option<String> {
        self.values(flag).pop()
    }

    /// A switch is on if it is given without a value.
    fn is_on(&self, flag: &str) -> bool {
        let mut words = self.config.args.iter().rev().map(|word| word.trim_start_matches('-'));
        words.find_map(|word| match word.split_once('=') {
            None if word == flag => Some(true),
            Some((name, value)) if name == flag => Some(!matches!(value, "false" | "0" | "f")),
            _ => None,
        }) == Some(true)
    }

    /// `%{NAME}` stands for a variable of the environment.
    fn expand(&self, text: &str) -> Result<String, String> {
        self.config.env.expand(&text.replace("%{", "${"))
    }

    /// What belongs to the receiver of a number: a flag given once is for all.
    fn of(&self, flag: &str, index: usize) -> Option<String> {
        let values = self.list(flag);
        if values.len() == 1 { values.into_iter().next() } else { values.into_iter().nth(index) }
    }

    fn output(&self, index: usize, url: &str) -> Output {
        let endpoint = self
            .expand(url)
            .and_then(|url| Endpoint::parse(&url).ok_or_else(|| "-remoteWrite.url is no address".to_owned()));
        let (hosts, tls) = match endpoint {
            Ok(endpoint) => {
                let endpoint =
                    Endpoint { host: endpoint.host.trim_start_matches("srv+").to_owned(), ..endpoint };
                let shown = endpoint.shown();
                let detail = format!("-remoteWrite.url {}://{shown}", endpoint.scheme);
                (self.fact(vec![shown], &detail), self.fact(endpoint.scheme == "https", &detail))
            }
            Err(why) => (Fact::unknown(why.clone()), Fact::unknown(why)),
        };
        let json = self.of("remoteWrite.format", index).is_some_and(|format| format == "jsonline");
        let limit = self.of("remoteWrite.maxDiskUsagePerURL", index).filter(|limit| limit != "0");
        Output {
            id: format!("remoteWrite.{index}"),
            at: self.config.args_at.clone(),
            receiver: if json { Receiver::Http } else { Receiver::Service(Service::VictoriaLogs) },
            verified: (tls.value() != Some(&false)).then(|| self.verified(index)),
            hosts,
            tls,
            authenticated: self.authenticated(index, url),
            buffer: self.fact(Buffer::Disk(self.buffer()), "what cannot be sent is kept on disk"),
            retry: self.fact(Retry::Forever, "only what is refused with 400 or 404 is dropped"),
            when_full: match limit {
                Some(limit) => {
                    let detail =
                        format!("-remoteWrite.maxDiskUsagePerURL {limit}: the oldest are dropped beyond");
                    self.fact(WhenFull::Drops, &detail)
                }
                None => self.fact(WhenFull::Waits, "the buffer is limited by the disk alone"),
            },
        }
    }

    fn verified(&self, index: usize) -> Fact<bool> {
        const FLAG: &str = "remoteWrite.tlsInsecureSkipVerify";
        let values: Vec<String> = self
            .config
            .args
            .iter()
            .filter_map(|word| word.trim_start_matches('-').strip_prefix(FLAG))
            .flat_map(|value| value.strip_prefix('=').unwrap_or("true").split(','))
            .map(str::to_owned)
            .collect();
        let value = if values.len() == 1 { values.first() } else { values.get(index) };
        let skips = value.is_some_and(|value| !matches!(value.as_str(), "false" | "0" | "f"));
        let detail = if skips { "is on" } else { "is not set; the default is off" };
        self.fact(!skips, &format!("-{FLAG} {detail}"))
    }

    fn authenticated(&self, index: usize, url: &str) -> Fact<bool> {
        const IDENTITY: [&str; 9] = [
            "remoteWrite.basicAuth.username",
            "remoteWrite.basicAuth.password",
            "remoteWrite.basicAuth.passwordFile",
            "remoteWrite.bearerToken",
            "remoteWrite.bearerTokenFile",
            "remoteWrite.oauth2.clientID",
            "remoteWrite.oauth2.clientSecret",
            "remoteWrite.oauth2.clientSecretFile",
            "remoteWrite.tlsCertFile",
        ];
        let given =
            IDENTITY.into_iter().find(|flag| self.of(flag, index).is_some_and(|value| !value.is_empty()));
        let header = || {
            let headers = self.of("remoteWrite.headers", index)?.to_ascii_lowercase();
            headers.contains("authorization").then_some("remoteWrite.headers")
        };
        let user = || url.split('/').nth(2).is_some_and(|authority| authority.contains('@'));
        match given.or_else(header) {
            Some(flag) => self.fact(true, &format!("-{flag} is set")),
            None if user() => self.fact(true, "-remoteWrite.url holds a user"),
            None => self.fact(false, "no flag is set that shows who sends"),
        }
    }

    /// `-remoteWrite.tmpDataPath`, which is below `-tmpDataPath` unless it is absolute.
    fn buffer(&self) -> Option<String> {
        let own = self.last("remoteWrite.tmpDataPath").unwrap_or_else(|| "vlagent-remotewrite-data".into());
        self.below(&own)
    }

    fn below(&self, path: &str) -> Option<String> {
        if path.starts_with('/') {
            return Some(path.to_owned());
        }
        let folder = self.last("tmpDataPath")?;
        Some(format!("{}/{path}", folder.trim_end_matches('/')))
    }

    fn checkpoints(&self, collector: &str, default: &str) -> Fact<Option<String>> {
        let flag = format!("{collector}.checkpointsPath");
        match self.last(&flag) {
            Some(path) => {
                self.fact(Some(self.below(&path).unwrap_or_else(|| path.clone())), &format!("-{flag} {path}"))
            }
            None => match self.below(default) {
                Some(path) => self.fact(Some(path), &format!("-{flag} is not set; it is below -tmpDataPath")),
                None => Fact::unknown(format!(
                    "neither -{flag} nor -tmpDataPath is set; positions are kept in the program's folder"
                )),
            },
        }
    }

    /// What `-kubernetesCollector.excludeFilter` leaves out: namespaces, if it is about nothing else.
    fn excluded(&self) -> (NamespaceRule, Vec<Step>) {
        const FLAG: &str = "kubernetesCollector.excludeFilter";
        let Some(filter) = self.last(FLAG) else { return (NamespaceRule::default(), Vec::new()) };
        let at = self.config.args_at.clone();
        let Some(names) = namespaces(&filter) else {
            let what = format!("-{FLAG} leaves out what cannot be told from here");
            return (NamespaceRule::default(), vec![Step { at, what, effect: Effect::Unclear }]);
        };
        let except =
            names.into_iter().map(|name| NamespaceMatch { at: at.clone(), pattern: Pattern::Name(name) });
        (NamespaceRule { only: None, except: except.collect() }, Vec::new())
    }
}

/// The namespaces of a filter of the form `kubernetes.pod_namespace:in(a,b)` or `kubernetes.pod_namespace:=a`.
fn namespaces(filter: &str) -> Option<Vec<String>> {
    let rest = filter.trim().strip_prefix("kubernetes.pod_namespace:")?;
    let is_name =
        |name: &String| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let names: Vec<String> = match rest.strip_prefix("in(") {
        Some(list) => {
            list.strip_suffix(')')?.split(',').map(|name| name.trim().trim_matches('"').to_owned()).collect()
        }
        None => vec![rest.strip_prefix('=')?.trim_matches('"').to_owned()],
    };
    names.iter().all(is_name).then_some(names)
}
