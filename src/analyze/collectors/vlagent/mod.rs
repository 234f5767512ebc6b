//! The agent of `VictoriaLogs`, by its arguments (its docs: vlagent).

mod operator;
#[cfg(test)]
mod tests;

pub use operator::{is_on_nodes, read_resource};

use super::config::Config;
use super::dialect::Unreadable;
use super::endpoint::Endpoint;
use super::model::{
    Buffer, Effect, Input, Listener, NamespaceMatch, NamespaceRule, Output, Pattern, Pipeline, Receiver,
    Retry, Route, Source, Step, WhenFull,
};
use super::service::Service;
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// `-httpListenAddr` unless set.
const HTTP: &str = ":9429";

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
    let routes = (0..outputs.len()).map(|output| Route { steps: Vec::new(), output }).collect::<Vec<_>>();
    let routes = flags.fact(routes, "everything goes to each -remoteWrite.url");
    let input = |id: &str, at: &str, source: Source| Input {
        id: id.to_owned(),
        at: at.to_owned(),
        source,
        position: None,
        opt_outs: Vec::new(),
        steps: Vec::new(),
        routes: routes.clone(),
    };
    let mut inputs = Vec::new();
    if let Some(switch) = flags.switch("kubernetesCollector").filter(|switch| switch.value) {
        let (namespaces, steps) = flags.excluded();
        let folder = flags.last("kubernetesCollector.logsPath").map(|folder| folder.value);
        let source = Source::Containers {
            through_api: false,
            folder: folder.unwrap_or_else(|| CONTAINERS.into()),
            exclude: Vec::new(),
            namespaces,
            only: None,
        };
        let position = Some(flags.checkpoints("kubernetesCollector", "vlagent-kubernetes-checkpoints.json"));
        inputs.push(Input { position, steps, ..input("kubernetesCollector", &switch.at, source) });
    }
    let excluded = flags.list("fileCollector.excludeGlob");
    for (index, glob) in flags.list("fileCollector.glob").into_iter().enumerate() {
        let known = |flag: &str, glob: &Placed<String>| match flags.expand(&glob.value) {
            Ok(text) => glob.fact(text.clone(), format!("-{flag} {text}")),
            Err(why) => Fact::unknown(why),
        };
        let exclude = excluded.get(index).filter(|glob| !glob.value.is_empty());
        let source = Source::Files {
            include: vec![known("fileCollector.glob", &glob)],
            exclude: exclude.iter().map(|glob| known("fileCollector.excludeGlob", glob)).collect(),
        };
        let position = Some(flags.checkpoints("fileCollector", "file checkpoints"));
        inputs.push(Input { position, ..input(&format!("fileCollector.{index}"), &glob.at, source) });
    }
    for flag in ["syslog.listenAddr.tcp", "syslog.listenAddr.udp", "syslog.listenAddr.unix"] {
        let given = flags.list(flag);
        let Some(last) = given.last() else { continue };
        let tls = if flag.ends_with("tcp") {
            flags.switched("syslog.tls")
        } else {
            last.fact(false, format!("-{flag} knows no TLS"))
        };
        let listener = |given: &Placed<String>| {
            Listener::new(given.fact(given.value.clone(), format!("-{flag} {}", given.value)), tls.clone())
        };
        let listeners = given.iter().filter(|_| !flag.ends_with("unix")).map(listener).collect();
        inputs.push(input(flag, &last.at, Source::Network { protocol: "syslog".into(), listeners }));
    }
    let address = flags.last("httpListenAddr");
    let shown = address.as_ref().map_or(HTTP, |given| given.value.as_str()).to_owned();
    let detail = format!("httpListenAddr is {shown}");
    let listener = Listener::new(flags.shown(address.as_ref(), shown, &detail), flags.switched("tls"));
    let source = Source::Network { protocol: "http".into(), listeners: vec![listener] };
    inputs.push(input("httpListenAddr", &config.args_at, source));
    let own_metrics = Some(flags.fact(true, "metrics of its own are always served at /metrics"));
    Ok(Pipeline { inputs, outputs, unread: Vec::new(), own_metrics })
}

/// A value, and where it stands.
#[derive(Debug, Clone)]
struct Placed<T> {
    value: T,
    at: String,
}

impl<T> Placed<T> {
    /// What it shows.
    fn fact<U>(&self, value: U, detail: impl Into<String>) -> Fact<U> {
        Fact::at(value, Rank::Configured, self.at.clone(), detail)
    }
}

/// The arguments.
struct Flags<'a> {
    config: &'a Config,
}

impl Flags<'_> {
    /// What all of them show together, or that a flag is not among them.
    fn fact<T>(&self, value: T, detail: &str) -> Fact<T> {
        Fact::at(value, Rank::Configured, self.config.args_at.clone(), detail)
    }

    /// What a flag shows, or that it is not set.
    fn shown<T, U>(&self, given: Option<&Placed<U>>, value: T, detail: &str) -> Fact<T> {
        match given {
            Some(given) => given.fact(value, detail),
            None => self.fact(value, detail),
        }
    }

    /// The values of a flag. One or two dashes are the same.
    fn values(&self, flag: &str) -> Vec<Placed<String>> {
        let given = self.config.placed_arguments(&[&format!("-{flag}"), &format!("--{flag}")]);
        given.into_iter().map(|(value, at)| Placed { value: value.to_owned(), at: at.to_owned() }).collect()
    }

    /// The values of a flag that takes several, separated by commas too.
    fn list(&self, flag: &str) -> Vec<Placed<String>> {
        split(self.values(flag))
    }

    fn last(&self, flag: &str) -> Option<Placed<String>> {
        self.values(flag).pop()
    }

    /// The values of a switch, which is on if it is given without one.
    fn switches(&self, flag: &str) -> Vec<Placed<String>> {
        let given = self.config.args.iter().enumerate().filter_map(|(index, word)| {
            let (name, value) = word.split_once('=').unwrap_or((word, "true"));
            let at = self.config.args_place(index).to_owned();
            (name.trim_start_matches('-') == flag).then(|| Placed { value: value.to_owned(), at })
        });
        split(given.collect())
    }

    fn switch(&self, flag: &str) -> Option<Placed<bool>> {
        self.switches(flag).pop().map(|given| Placed { value: is_on(&given.value), at: given.at })
    }

    /// Whether a switch is on, one value for all that it may be given for.
    fn switched(&self, flag: &str) -> Fact<bool> {
        let given = self.switches(flag);
        let on = given.iter().map(|given| is_on(&given.value));
        match (given.last(), on.clone().all(|on| on), on.clone().any(|on| on)) {
            (Some(_), false, true) => Fact::unknown(format!("-{flag} is on for some of its addresses alone")),
            (given, _, on) => self.shown(given, on, &format!("-{flag} is {}", if on { "on" } else { "off" })),
        }
    }

    /// `%{NAME}` stands for a variable of the environment.
    fn expand(&self, text: &str) -> Result<String, String> {
        self.config.env.expand(&text.replace("%{", "${"))
    }

    /// What belongs to the receiver of a number: a flag given once is for all.
    fn of(&self, flag: &str, index: usize) -> Option<Placed<String>> {
        of_number(self.list(flag), index)
    }

    fn output(&self, index: usize, url: &Placed<String>) -> Output {
        let endpoint = self
            .expand(&url.value)
            .and_then(|url| Endpoint::parse(&url).ok_or_else(|| "-remoteWrite.url is no address".to_owned()));
        let (hosts, tls) = match endpoint {
            Ok(endpoint) => {
                let endpoint =
                    Endpoint { host: endpoint.host.trim_start_matches("srv+").to_owned(), ..endpoint };
                let shown = endpoint.shown();
                let detail = format!("-remoteWrite.url {}://{shown}", endpoint.scheme);
                (url.fact(vec![shown], &*detail), url.fact(endpoint.scheme == "https", &*detail))
            }
            Err(why) => (Fact::unknown(why.clone()), Fact::unknown(why)),
        };
        let json = self.of("remoteWrite.format", index).is_some_and(|format| format.value == "jsonline");
        let limit = self.of("remoteWrite.maxDiskUsagePerURL", index).filter(|limit| limit.value != "0");
        Output {
            id: format!("remoteWrite.{index}"),
            at: url.at.clone(),
            receiver: if json { Receiver::Http } else { Receiver::Service(Service::VictoriaLogs) },
            verified: (tls.value() != Some(&false)).then(|| self.verified(index)),
            hosts,
            tls,
            authenticated: self.authenticated(index, url),
            buffer: self.fact(Buffer::Disk(self.buffer()), "what cannot be sent is kept on disk"),
            retry: self.fact(Retry::Forever, "only what is refused with 400 or 404 is dropped"),
            when_full: match limit {
                Some(limit) => limit.fact(
                    WhenFull::Drops,
                    format!("-remoteWrite.maxDiskUsagePerURL {}: the oldest are dropped beyond", limit.value),
                ),
                None => self.fact(WhenFull::Waits, "the buffer is limited by the disk alone"),
            },
        }
    }

    fn verified(&self, index: usize) -> Fact<bool> {
        const FLAG: &str = "remoteWrite.tlsInsecureSkipVerify";
        let given = of_number(self.switches(FLAG), index);
        let skips = given.as_ref().is_some_and(|given| is_on(&given.value));
        let detail = match (&given, skips) {
            (_, true) => "is on",
            (Some(_), false) => "is off",
            (None, false) => "is not set; the default is off",
        };
        self.shown(given.as_ref(), !skips, &format!("-{FLAG} {detail}"))
    }

    fn authenticated(&self, index: usize, url: &Placed<String>) -> Fact<bool> {
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
        let given = IDENTITY.into_iter().find_map(|flag| {
            let given = self.of(flag, index).filter(|given| !given.value.is_empty())?;
            Some((flag, given))
        });
        let header = || {
            let given = self.of("remoteWrite.headers", index)?;
            let is_identity = given.value.to_ascii_lowercase().contains("authorization");
            is_identity.then_some(("remoteWrite.headers", given))
        };
        let user = || url.value.split('/').nth(2).is_some_and(|authority| authority.contains('@'));
        match given.or_else(header) {
            Some((flag, given)) => given.fact(true, format!("-{flag} is set")),
            None if user() => url.fact(true, "-remoteWrite.url holds a user"),
            None => self.fact(false, "no flag is set that shows who sends"),
        }
    }

    /// `-remoteWrite.tmpDataPath`, which is below `-tmpDataPath` unless it is absolute.
    fn buffer(&self) -> Option<String> {
        let own = self.last("remoteWrite.tmpDataPath").map(|path| path.value);
        let own = own.unwrap_or_else(|| "vlagent-remotewrite-data".into());
        self.below(&own)
    }

    fn below(&self, path: &str) -> Option<String> {
        if path.starts_with('/') {
            return Some(path.to_owned());
        }
        let folder = self.last("tmpDataPath")?.value;
        Some(format!("{}/{path}", folder.trim_end_matches('/')))
    }

    fn checkpoints(&self, collector: &str, default: &str) -> Fact<Option<String>> {
        let flag = format!("{collector}.checkpointsPath");
        match self.last(&flag) {
            Some(given) => {
                let path = &given.value;
                given.fact(Some(self.below(path).unwrap_or_else(|| path.clone())), format!("-{flag} {path}"))
            }
            None => match self.below(default) {
                Some(path) => {
                    let detail = format!("-{flag} is not set; it is below -tmpDataPath");
                    self.shown(self.last("tmpDataPath").as_ref(), Some(path), &detail)
                }
                None => Fact::unknown(format!(
                    "neither -{flag} nor -tmpDataPath is set; positions are kept in the program's folder"
                )),
            },
        }
    }

    /// What `-kubernetesCollector.excludeFilter` leaves out: namespaces, if it is about nothing else.
    fn excluded(&self) -> (NamespaceRule, Vec<Step>) {
        const FLAG: &str = "kubernetesCollector.excludeFilter";
        let Some(Placed { value: filter, at }) = self.last(FLAG) else {
            return (NamespaceRule::default(), Vec::new());
        };
        let Some(names) = namespaces(&filter) else {
            let what = format!("-{FLAG} leaves out what cannot be told from here");
            return (NamespaceRule::default(), vec![Step { at, what, effect: Effect::Unclear }]);
        };
        let except =
            names.into_iter().map(|name| NamespaceMatch { at: at.clone(), pattern: Pattern::Name(name) });
        (NamespaceRule { only: None, except: except.collect() }, Vec::new())
    }
}

/// Values that are separated by commas.
fn split(values: Vec<Placed<String>>) -> Vec<Placed<String>> {
    let parts = values.into_iter().flat_map(|given| {
        let one = |part: &str| Placed { value: part.trim_matches('"').to_owned(), at: given.at.clone() };
        given.value.split(',').map(one).collect::<Vec<_>>()
    });
    parts.collect()
}

/// What belongs to a receiver: a value that stands alone is for all.
fn of_number(mut values: Vec<Placed<String>>, index: usize) -> Option<Placed<String>> {
    let index = if values.len() == 1 { 0 } else { index };
    (index < values.len()).then(|| values.swap_remove(index))
}

fn is_on(value: &str) -> bool {
    !matches!(value, "false" | "0" | "f")
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
