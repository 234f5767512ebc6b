//! One model for the configurations of all collectors: what is read, what happens to it on the way, and where it goes.
//!
//! Every dialect is read into a [`Pipeline`]; nothing after that knows dialects. Values are [`Fact`]s: known with the
//! place they stand at, defaults of the program included, or unknown with the reason, such as an environment variable
//! that cannot be seen.

use std::net::IpAddr;

use super::service::Service;
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// What one collector's configuration says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pipeline {
    /// What is read. Inputs that are not for logs (metrics, traces) are left out.
    pub inputs: Vec<Input>,
    /// Where logs can go, in the order of the configuration. Outputs no route leads to stay in the list.
    pub outputs: Vec<Output>,
    /// Parts of the configuration that are not seen: an included file that is not in the cluster, a remote module. What
    /// is missing in the rest may be there.
    pub unread: Vec<Unread>,
    /// Whether the collector offers metrics of its own, by which it can be seen when it loses something.
    pub own_metrics: Option<Fact<bool>>,
}

impl Pipeline {
    /// Takes over what another one says of the same collector.
    pub fn join(&mut self, other: Self) {
        let offset = self.outputs.len();
        self.outputs.extend(other.outputs);
        self.inputs.extend(other.inputs.into_iter().map(|mut input| {
            input.routes = input.routes.map(|mut routes| {
                for route in &mut routes {
                    route.output += offset;
                }
                routes
            });
            input
        }));
        self.unread.extend(other.unread);
        self.own_metrics = match (self.own_metrics.take(), other.own_metrics) {
            (Some(one), Some(other)) => Some(one.and(other)),
            (one, other) => one.or(other),
        };
    }
}

/// A part that is not seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Where it is referred to.
    pub at: String,
    /// What it is and why it is not seen, with the way to supply it.
    pub why: String,
}

/// Something that reads logs.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// Its name in the configuration, or plugin and number: `sources.pods`, `tail.0`, `filelog/audit`.
    pub id: String,
    /// Where it stands.
    pub at: String,
    /// What it reads.
    pub source: Source,
    /// Whether it remembers across restarts how far it has read: the path of the file in which it does so, or `None`
    /// if it does not (what was written while it was away is lost or read twice). Unset where the question does not
    /// arise (network inputs).
    pub position: Option<Fact<Option<String>>>,
    /// By which labels and annotations pods may withdraw from it. Only those that this configuration honours.
    pub opt_outs: Vec<OptOut>,
    /// What is lost in the input itself: files ignored for their age, lines skipped for their length.
    pub steps: Vec<Step>,
    /// The ways to outputs; none if what is read ends nowhere. Unknown if it cannot be told.
    pub routes: Fact<Vec<Route>>,
}

/// What an input reads.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// Files, by globs of paths in the collector's container.
    Files {
        /// Globs that are read.
        include: Vec<Glob>,
        /// Globs that are left out.
        exclude: Vec<Glob>,
    },
    /// Logs of containers, found by the program itself (Vector's `kubernetes_logs`, Datadog, Alloy's
    /// `loki.source.kubernetes`).
    Containers {
        /// Through the API server, so that it need not run on the node nor mount anything.
        through_api: bool,
        /// The folder of the node it reads otherwise: `/var/log/pods`.
        folder: String,
        /// Globs of paths that are left out.
        exclude: Vec<Glob>,
        /// Which namespaces.
        namespaces: NamespaceRule,
        /// Which pods beside that, if not all, as a phrase: "pods with the label app=web".
        only: Option<String>,
    },
    /// The journal of systemd.
    Journal {
        /// The folder, if it is set: `/var/log/journal`.
        folder: Option<Fact<String>>,
        /// Units it is limited to, or other conditions; none for everything.
        only: Vec<Fact<String>>,
    },
    /// Kernel audit records, through a program of the host: auditd, auditbeat.
    KernelAudit,
    /// Kubernetes events through the API.
    Events {
        /// Which namespaces.
        namespaces: NamespaceRule,
        /// Whether only warnings.
        only_warnings: bool,
    },
    /// What others send: syslog, forward, HTTP, OTLP, an audit webhook.
    Network {
        /// The protocol, as the plugin is called: `forward`, `syslog`, `otlp`.
        protocol: String,
        /// Where it waits for them. None where no other pod can come: at a socket of its own, or in a queue.
        listeners: Vec<Listener>,
    },
    /// Anything else, as the plugin is called.
    Other(String),
}

impl Source {
    /// By which protocol others send, if they do.
    pub fn protocol(&self) -> Option<&str> {
        match self {
            Self::Network { protocol, .. } => Some(protocol),
            _ => None,
        }
    }
}

/// A port that an input listens on.
#[derive(Debug, Clone, PartialEq)]
pub struct Listener {
    /// Its number.
    pub port: Fact<u16>,
    /// Whether it takes only what is encrypted; if not, only what is not.
    pub tls: Fact<bool>,
    /// Whether it listens on the pod's own address alone, where nothing comes from other pods.
    pub is_local: bool,
}

impl Listener {
    /// What listens where it is told, by the text of an address or of a port. The address may hold a variable that is not
    /// seen, as that of the pod is.
    pub fn new(address: Fact<String>, tls: Fact<bool>) -> Self {
        let host = address.value().and_then(|text| text.rsplit_once(':'));
        let is_local = host.is_some_and(|(host, _)| is_loopback(host));
        let port = address.and_then(|text| match port_of(&text) {
            Some(port) => Fact::known(port, Rank::Configured, Vec::new()),
            None => {
                Fact::unknown(format!("the address {text} that is listened on has no port that is known"))
            }
        });
        Self { port, tls, is_local }
    }

    /// The same at this address of the pod, which is all of them unless it is told.
    #[must_use]
    pub fn bound_to(self, host: Option<&str>) -> Self {
        Self { is_local: self.is_local || host.is_some_and(is_loopback), ..self }
    }

    /// What listens somewhere that is not read.
    pub fn unread(what: &str, at: &str) -> Self {
        let why = format!("on which port {what} listens and whether with TLS is not read ({at})");
        Self { port: Fact::unknown(why.clone()), tls: Fact::unknown(why), is_local: false }
    }
}

/// The port at the end of an address.
pub fn port_of(address: &str) -> Option<u16> {
    address.rsplit(':').next()?.trim().parse().ok().filter(|port| *port > 0)
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A glob, or why it is not known, and where it stands. In the style of Go's `filepath.Match` with `**` for any number
/// of folders.
pub type Glob = Fact<String>;

/// Labels and annotations by which pods withdraw from an input.
#[derive(Debug, Clone, PartialEq)]
pub struct OptOut {
    /// Whether it is a label or an annotation.
    pub marker: Marker,
    /// Its key. A `*` stands for any text (`fluentbit.io/exclude*`, `ad.datadoghq.com/*logs_exclude`).
    pub key: String,
    /// The value that withdraws: `true`; `*` for any.
    pub value: String,
    /// Whether namespaces can carry it too, for all their pods.
    pub on_namespaces: bool,
    /// Whether it is honoured, and where that is said: `K8S-Logging.Exclude On`.
    pub honoured: Fact<bool>,
}

/// Where a marker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marker {
    /// `metadata.labels`.
    Label,
    /// `metadata.annotations`.
    Annotation,
}

/// Which namespaces something is about.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NamespaceRule {
    /// Only these; none for all.
    pub only: Option<Vec<NamespaceMatch>>,
    /// All but these.
    pub except: Vec<NamespaceMatch>,
}

/// One pattern of namespaces, and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct NamespaceMatch {
    /// Where it stands.
    pub at: String,
    /// What it matches.
    pub pattern: Pattern,
}

/// A pattern for a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// Exactly this.
    Name(String),
    /// `*` for any text, `?` for a character.
    Glob(String),
    /// A regular expression, anchored only if it says so itself.
    Regex(String),
    /// It cannot be told; the reason.
    Unclear(String),
}

/// A way from an input to an output.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// What happens on the way, in this order. Steps that change neither what arrives nor what it says are left out.
    pub steps: Vec<Step>,
    /// The index of the output in [`Pipeline::outputs`].
    pub output: usize,
}

/// Something on the way that takes records or parts of them away.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Where it stands.
    pub at: String,
    /// What it is, for people: `grep exclude $log ^DEBUG`, `throttle to 1000 records a second`.
    pub what: String,
    /// What it does.
    pub effect: Effect,
}

/// What a step does to records.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// None passes.
    DropsAll,
    /// Only records of some namespaces pass.
    Namespaces(NamespaceRule),
    /// Records with some content are dropped: a level, a text, a field.
    DropsSome,
    /// Only records of some pods or containers pass, by tag, label or name.
    Selects,
    /// Files above an age or a number are left out, or lines above a length that is not told.
    Skips,
    /// Lines of more than this many bytes are left out, cut, or end the reading of their file.
    LongLines(Fact<i64>),
    /// Some records are dropped whatever they say: sampling.
    Samples,
    /// Records above a rate are dropped.
    Limits,
    /// Personal data or credentials are masked or removed.
    Redacts,
    /// It may drop records, which cannot be told from here: a script.
    Unclear,
}

/// Something that takes logs away from the collector.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// Its name in the configuration, or plugin and number: `es.0`, `sinks.loki`.
    pub id: String,
    /// Where it stands.
    pub at: String,
    /// What it speaks to.
    pub receiver: Receiver,
    /// The hosts, without scheme, user information and path, with the port if one is given. Empty where the receiver has none or the
    /// program knows it (a cloud service).
    pub hosts: Fact<Vec<String>>,
    /// Whether what it sends is encrypted. True for cloud services whose clients cannot do otherwise.
    pub tls: Fact<bool>,
    /// Whether the receiver's certificate is verified; not set where the question does not arise (no TLS).
    pub verified: Option<Fact<bool>>,
    /// Whether it shows the receiver who it is: a token, a password, a client certificate, the identity of its cloud account.
    pub authenticated: Fact<bool>,
    /// Where records wait.
    pub buffer: Fact<Buffer>,
    /// What happens while the receiver refuses or is away.
    pub retry: Fact<Retry>,
    /// What happens when the buffer is full.
    pub when_full: Fact<WhenFull>,
}

/// What an output speaks to, by its protocol or service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Receiver {
    /// Nothing: `null`, `blackhole`, `nop`.
    Nothing,
    /// The collector's own output: `stdout`, `debug`, `console`.
    Console,
    /// A file in the collector's container, or of the node.
    File,
    /// Metrics or traces only: no logs go there.
    NotLogs(String),
    /// Another collector: forward, Vector, OTLP, Lumberjack, by its protocol.
    Collector(String),
    /// Another collector whose own outputs belong to the same pipeline, by its protocol: routes to those tell the way on.
    Hop(String),
    /// A store or service that is known.
    Service(Service),
    /// HTTP to whatever listens there.
    Http,
    /// Syslog to whatever listens there, over `udp`, `tcp` or `tls`.
    Syslog(String),
    /// A plugin that is not known here.
    Other(String),
}

/// Where records wait until they are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Buffer {
    /// In memory: gone with the pod.
    Memory,
    /// On disk, in this folder of the container if it is known.
    Disk(Option<String>),
}

/// What is done about records that could not be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retry {
    /// Tried until they are accepted.
    Forever,
    /// Dropped after a number of attempts or a time, as a phrase: "1 retry", "5 minutes".
    Limited(String),
    /// Dropped at once.
    Never,
}

/// What is done when the buffer is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// Reading stops until there is room. For files nothing is lost before they are rotated away.
    Waits,
    /// Something is dropped.
    Drops,
}
