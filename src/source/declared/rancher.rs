//! k3s and RKE2: configuration files, and the node annotations in which the servers write their arguments.
//!
//! The apiserver of k3s is part of the k3s process; the pod of RKE2's mounts the files and folders that its arguments
//! name at the same paths (`rancher/rke2/pkg/executor/staticpod`). So every path is a path of the host.

use serde_json::Value;

use super::{declare, text_argument, text_arguments};
use crate::document::yaml::inner_name;
use crate::document::{Place, scalar, text};
use crate::snapshot::redact::REDACTED;
use crate::snapshot::{Argument, DeclarationKind, DeclaredApiServer, KubeletConfig};
use crate::source::kubelet;

/// The policy file of RKE2 where a CIS profile asks for one and none is given.
const RKE2_POLICY_FILE: &str = "/etc/rancher/rke2/audit-policy.yaml";

const RKE2_DATA_DIR: &str = "/var/lib/rancher/rke2";

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// k3s.
    K3s,
    /// RKE2.
    Rke2,
}

/// What was read of a server or agent.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// The apiserver; none of an agent.
    pub declared: Option<DeclaredApiServer>,
    /// What its arguments set for the kubelet; none if they set nothing that is read.
    pub kubelet_config: Option<KubeletConfig>,
    /// Why no apiserver is declared, where one might be expected: the path, and the reason.
    pub note: Option<(String, String)>,
}

/// Keys of a configuration file that only servers have, and that are hardly found elsewhere.
const SERVER_KEYS: [&str; 33] = [
    "agent-token",
    "agent-token-file",
    "cluster-cidr",
    "cluster-dns",
    "cluster-domain",
    "cluster-init",
    "cluster-reset",
    "disable-apiserver",
    "disable-cloud-controller",
    "disable-controller-manager",
    "disable-etcd",
    "disable-helm-controller",
    "disable-kube-proxy",
    "disable-network-policy",
    "disable-scheduler",
    "egress-selector-mode",
    "embedded-registry",
    "flannel-backend",
    "helm-job-image",
    "https-listen-port",
    "kube-cloud-controller-manager-arg",
    "pod-security-admission-config-file",
    "secrets-encryption",
    "service-cidr",
    "service-node-port-range",
    "servicelb-namespace",
    "supervisor-metrics",
    "tls-san",
    "tls-san-security",
    "write-kubeconfig",
    "write-kubeconfig-group",
    "write-kubeconfig-mode",
    "audit-policy-file",
];

/// Beginnings of such keys.
const SERVER_PREFIXES: [&str; 6] = [
    "control-plane-",
    "datastore-",
    "etcd-",
    "kube-apiserver-",
    "kube-controller-manager-",
    "kube-scheduler-",
];

/// Keys that only servers have, but other files as well.
const COMMON_SERVER_KEYS: [&str; 4] = ["advertise-address", "cni", "disable", "ingress-controller"];

/// Keys by which the configuration of an agent is known.
const AGENT_KEYS: [&str; 4] = ["kubelet-arg", "kube-proxy-arg", "node-label", "node-taint"];

/// What a configuration file says of who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Server,
    Agent,
    /// It has only settings that both have.
    Either,
}

/// The role of the process that a configuration file is for; none if it is no such file.
fn role(value: &Value, file: &str) -> Option<Role> {
    let has = |keys: &[&str]| keys.iter().any(|key| setting(value, key).is_some());
    let keys = || value.as_object().into_iter().flat_map(|fields| fields.keys());
    let own_path = ["rancher/rke2/", "rancher/k3s/"]
        .iter()
        .any(|folder| file.rsplit_once(folder).is_some_and(|(_, rest)| rest.starts_with("config.yaml")));
    let is_named = own_path || file.rsplit('/').any(|part| part.contains("rke2") || part.contains("k3s"));
    if keys().any(|key| is_server_key(key.trim_end_matches('+'))) || is_named && has(&COMMON_SERVER_KEYS) {
        return Some(Role::Server);
    }
    let server = text(value, "/server");
    if !server.is_empty() {
        let is_agent = own_path
            || has(&AGENT_KEYS)
            || server.ends_with(":6443")
            || server.ends_with(":9345")
            || has_cis_profile(value);
        return is_agent.then_some(Role::Agent);
    }
    if has_cis_profile(value) {
        // Agents take a profile too, but where no server is named there is nothing for an agent to join.
        return Some(Role::Server);
    }
    own_path.then_some(Role::Either)
}

/// Whether a profile of the CIS benchmark is chosen, which only RKE2 has.
fn has_cis_profile(value: &Value) -> bool {
    setting(value, "profile").and_then(scalar).is_some_and(|profile| profile.starts_with("cis"))
}

impl Flavour {
    /// Whose configuration file a mapping is; none if it is neither's. `file` is its name.
    pub fn of_config(value: &Value, file: &str) -> Option<Self> {
        let fields = value.as_object()?;
        // All settings are command line flags: no mapping among them, and no other spelling.
        let are_flags = fields.iter().all(|(key, value)| {
            !value.is_object()
                && key
                    .trim_end_matches('+')
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
                && value.as_array().is_none_or(|items| items.iter().all(|item| scalar(item).is_some()))
        });
        if !are_flags {
            return None;
        }
        let has = |keys: &[&str]| keys.iter().any(|key| setting(value, key).is_some());
        let by_path = match file.rsplit('/').find(|part| part.contains("rke2") || part.contains("k3s")) {
            Some(part) if part.contains("rke2") => Some(Self::Rke2),
            Some(_) => Some(Self::K3s),
            None => None,
        };
        role(value, file)?;
        let server = text(value, "/server");
        let disabled = setting(value, "disable").map(|list| one_or_more(list).collect::<Vec<_>>().join(" "));
        let turns_off = |names: &[&str]| {
            disabled.as_deref().is_some_and(|list| names.iter().any(|name| list.contains(name)))
        };
        let is_rke2 = has(&["audit-policy-file", "cni", "profile", "ingress-controller"])
            || has(&["pod-security-admission-config-file"])
            || fields.keys().any(|key| key.starts_with("control-plane-") || key.ends_with("-extra-mount"))
            || turns_off(&["rke2-"])
            || server.ends_with(":9345");
        let is_k3s = has(&["cluster-init", "docker", "flannel-backend", "secrets-encryption"])
            || has(&["disable-helm-controller", "disable-network-policy"])
            || turns_off(&["traefik", "servicelb", "local-storage", "metrics-server"])
            || server.ends_with(":6443");
        Some(match (is_rke2, is_k3s) {
            (true, _) => Self::Rke2,
            (false, true) => Self::K3s,
            (false, false) => by_path.unwrap_or(Self::K3s),
        })
    }
}

fn is_server_key(key: &str) -> bool {
    SERVER_KEYS.contains(&key) || SERVER_PREFIXES.iter().any(|prefix| key.starts_with(prefix))
}

/// A setting. A file that adds to another one's list writes the key with a `+`.
fn setting<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    value.get(key).or_else(|| value.get(format!("{key}+")))
}

fn one_or_more(value: &Value) -> impl Iterator<Item = String> {
    match value {
        Value::Array(items) => items.iter().filter_map(scalar).collect::<Vec<_>>(),
        single => scalar(single).into_iter().collect(),
    }
    .into_iter()
}

/// Reads a configuration file.
pub fn config_file(value: &Value, flavour: Flavour, place: &Place, file: &str) -> Read {
    let keys = || value.as_object().into_iter().flat_map(|fields| fields.keys());
    let role = role(value, file);
    let is_etcd_only =
        setting(value, "disable-apiserver").and_then(scalar).is_some_and(|text| is_true(&text));
    let arguments = |flag: &str| {
        keys()
            .filter(|key| key.trim_end_matches('+') == flag)
            .filter_map(|key| Some(text_arguments(value.get(key)?, place, key)))
            .flatten()
            .collect::<Vec<_>>()
    };
    let located = |key: &str| Some((setting(value, key).and_then(scalar)?, place.field(key)));
    let kubelet_config = kubelet::from_arguments(arguments("kubelet-arg"), file, &place.at);
    let note = match role {
        _ if is_etcd_only => Some(("disable-apiserver".to_owned(), ETCD_ONLY.to_owned())),
        Some(Role::Agent) => Some((
            String::new(),
            "reads like the configuration of a k3s or RKE2 agent: it has no key that only a server has, so no apiserver \
             is taken from it"
                .to_owned(),
        )),
        _ => None,
    };
    let declared = note.is_none().then(|| {
        let server = Server {
            arguments: arguments("kube-apiserver-arg"),
            profile: located("profile"),
            policy_file: located("audit-policy-file"),
            data_dir: located("data-dir").map(|(path, _)| path),
            is_masked: false,
        };
        let (kind, flavour_name) = match flavour {
            Flavour::K3s => (DeclarationKind::K3sConfig, "k3s"),
            Flavour::Rke2 => (DeclarationKind::Rke2Config, "RKE2"),
        };
        let name = format!("{flavour_name} configuration {file}");
        let mut declared = declare(kind, name, &place.at, server.all_arguments(flavour), None);
        if role == Some(Role::Either) {
            declared.open = Some(format!(
                "{file} has only settings that servers and agents have, so it may be an agent's and others may be given \
                 elsewhere"
            ));
        } else if file.contains("config.yaml.d/") {
            declared.open = Some(format!("{file} only adds to other files of this server"));
        }
        declared
    });
    Read { declared, kubelet_config, note }
}

const ETCD_ONLY: &str = "a server that runs no apiserver (`disable-apiserver`), so none is taken from it";

/// As Go reads a boolean; a flag alone is true.
fn is_true(text: &str) -> bool {
    matches!(text, "1" | "t" | "T" | "TRUE" | "true" | "True")
}

/// What a server is started with.
#[derive(Default)]
struct Server {
    arguments: Vec<Argument>,
    profile: Option<(String, String)>,
    policy_file: Option<(String, String)>,
    data_dir: Option<String>,
    /// Whether something that decides on the arguments is masked: those before it are in doubt.
    is_masked: bool,
}

impl Server {
    /// The arguments of the apiserver. RKE2 puts its own before those given, so that the latter win.
    fn all_arguments(self, flavour: Flavour) -> Vec<Argument> {
        let cis = self.profile.filter(|(profile, _)| profile.starts_with("cis"));
        let policy_file = self.policy_file.filter(|(path, _)| !path.is_empty());
        let audit = match (flavour, policy_file, cis) {
            (Flavour::Rke2, Some((path, at)), _) => Some((path, at)),
            (Flavour::Rke2, None, Some((_, at))) => Some((RKE2_POLICY_FILE.to_owned(), at)),
            _ => None,
        };
        let mut all = Vec::new();
        if let Some((policy_file, at)) = audit.filter(|_| !self.is_masked) {
            let mut own = |name: &str, value: String| {
                all.push(Argument { name: name.to_owned(), value: Some(value), at: at.clone() });
            };
            own("audit-policy-file", policy_file);
            own("audit-log-maxage", "30".into());
            own("audit-log-maxbackup", "10".into());
            own("audit-log-maxsize", "100".into());
            if !self.arguments.iter().any(|argument| argument.name == "audit-log-path") {
                let data_dir = self.data_dir.as_deref().unwrap_or(RKE2_DATA_DIR).trim_end_matches('/');
                own("audit-log-path", format!("{data_dir}/server/logs/audit.log"));
            }
        }
        all.extend(self.arguments);
        all
    }
}

/// Annotations with the arguments of a node's process, and whose they are.
const ANNOTATIONS: [(&str, DeclarationKind, Flavour); 2] = [
    ("rke2.io/node-args", DeclarationKind::Rke2Node, Flavour::Rke2),
    ("k3s.io/node-args", DeclarationKind::K3sNode, Flavour::K3s),
];

/// What k3s writes in place of a value that it takes for a secret.
const MASK: &str = "********";

/// Reads the annotations of a node: a JSON list in which flag and value are elements of their own
/// (`k3s-io/k3s/pkg/nodeconfig`).
pub fn node(object: &Value, place: &Place) -> Read {
    let annotations = object.pointer("/metadata/annotations");
    let found = ANNOTATIONS.iter().find_map(|annotation| Some((annotation, annotations?.get(annotation.0)?)));
    let Some(((key, kind, flavour), content)) = found else { return Read::default() };
    let path = format!("metadata.annotations.{key}");
    let elements: Option<Vec<String>> = content.as_str().and_then(|text| serde_json::from_str(text).ok());
    let problem = match elements {
        Some(elements) if !elements.is_empty() => {
            return node_arguments(object, place, key, &elements, *kind, *flavour);
        }
        Some(_) => "an empty list of arguments",
        None => "not a JSON list of arguments",
    };
    let declared = is_labelled(object).then(|| {
        let mut declared = node_declaration(object, place, *kind, Vec::new());
        declared.open = Some(format!("{} is {problem}", place.field(&path)));
        declared
    });
    Read { declared, kubelet_config: None, note: Some((path, format!("{problem}; left aside"))) }
}

/// Whether labels say that a node is one of the control plane.
fn is_labelled(object: &Value) -> bool {
    object.pointer("/metadata/labels").is_some_and(|labels| {
        labels.get("node-role.kubernetes.io/control-plane").is_some()
            || labels.get("node-role.kubernetes.io/master").is_some()
    })
}

fn node_declaration(
    object: &Value,
    place: &Place,
    kind: DeclarationKind,
    arguments: Vec<Argument>,
) -> DeclaredApiServer {
    let name = text(object, "/metadata/name").to_owned();
    let mut declared = declare(kind, name.clone(), &place.at, arguments, None);
    declared.node_name = Some(name);
    declared.kubernetes_version = object
        .pointer("/status/nodeInfo/kubeletVersion")
        .and_then(scalar)
        .filter(|version| !version.is_empty());
    declared
}

fn node_arguments(
    object: &Value,
    place: &Place,
    key: &str,
    elements: &[String],
    kind: DeclarationKind,
    flavour: Flavour,
) -> Read {
    let annotation = inner_name(place, &format!("metadata.annotations.{key}"));
    let mut server = Server::default();
    let mut kubelet_arguments = Vec::new();
    let mut is_etcd_only = false;
    let mut open = None;
    let mut elements_left = elements.iter().enumerate().peekable();
    while let Some((index, element)) = elements_left.next() {
        let Some(flag) = element.strip_prefix("--") else { continue };
        let at = |index: usize| format!("{annotation}[{index}]");
        let (flag, value) = if let Some((flag, value)) = flag.split_once('=') {
            (flag, Some((index, value.to_owned())))
        } else {
            // What is passed on may begin with dashes itself; after any other flag that is the next flag.
            let next = elements_left.next_if(|(_, next)| flag.ends_with("-arg") || !next.starts_with("--"));
            (flag, next.map(|(index, value)| (index, value.clone())))
        };
        if flag == "disable-apiserver" {
            let is_set = value.as_ref().is_none_or(|(_, value)| is_true(value));
            is_etcd_only = is_set;
            continue;
        }
        let is_told = value.as_ref().is_some_and(|(_, value)| value != MASK);
        if !is_told && matches!(flag, "kube-apiserver-arg" | "profile" | "audit-policy-file") {
            let what = if value.is_some() { "masked" } else { "missing" };
            let index = value.as_ref().map_or(index, |(index, _)| *index);
            open = Some(format!("the value of --{flag} at {} is {what}", at(index)));
            server.arguments.clear();
            server.is_masked = true;
            continue;
        }
        let Some((index, value)) = value else { continue };
        let at = at(index);
        match flag {
            "kube-apiserver-arg" => server.arguments.extend(text_argument(&value, at).map(unmasked)),
            "kubelet-arg" => kubelet_arguments.extend(text_argument(&value, at)),
            "profile" => server.profile = Some((value, at)),
            "audit-policy-file" => server.policy_file = Some((value, at)),
            "data-dir" => server.data_dir = Some(value),
            _ => {}
        }
    }
    let is_server = match elements.first().map(String::as_str) {
        Some("server") => true,
        Some("agent") => false,
        _ => is_labelled(object),
    };
    let kubelet_config =
        kubelet::from_arguments(kubelet_arguments, text(object, "/metadata/name"), &place.at);
    let note =
        (is_etcd_only && is_server).then(|| (format!("metadata.annotations.{key}"), ETCD_ONLY.to_owned()));
    let declared = (is_server && note.is_none()).then(|| {
        let mut declared = node_declaration(object, place, kind, server.all_arguments(flavour));
        declared.open = open;
        declared
    });
    Read { declared, kubelet_config, note }
}

/// A masked value is none that could be told.
fn unmasked(mut argument: Argument) -> Argument {
    if argument.value.as_deref() == Some(MASK) {
        argument.value = Some(REDACTED.to_owned());
    }
    argument
}
