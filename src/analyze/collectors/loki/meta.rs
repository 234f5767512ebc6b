//! What the labels of discovery stand for (Prometheus docs: `kubernetes_sd_config`).

use crate::analyze::collectors::model::{Marker, NamespaceMatch, Pattern};

/// What a label is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Subject {
    /// The namespace.
    Namespace,
    /// The node; collectors that run on every node are limited to their own by it.
    Node,
    /// A label or annotation of the pod, by its key.
    Marker(Marker, Key),
    /// The unit of the journal.
    Unit,
    /// Something else, by the label's name.
    Other(String),
}

/// The key of a label or annotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Key {
    /// As it stands on the pod.
    Exact(String),
    /// As discovery writes it: dots, dashes and slashes have become `_`, and the key cannot be told for sure.
    Flat(String),
}

/// Keys that charts and documentation use, which are known in full.
const KEYS: [&str; 10] = [
    "logs.grafana.com/pods.enabled",
    "k8s.grafana.com/logs.autogather",
    "k8s.grafana.com/scrape",
    "k8s.grafana.com/logs.enabled",
    "prometheus.io/scrape",
    "promtail.io/scrape",
    "promtail.io/exclude",
    "loki.io/scrape",
    "kubernetes.io/config.mirror",
    "app.kubernetes.io/name",
];

/// What a label is about.
pub(in super::super) fn subject(label: &str) -> Subject {
    let marker = |key: &str| {
        let known = KEYS.iter().find(|known| flat(known) == key);
        match known {
            Some(known) => Key::Exact((*known).to_owned()),
            None if key.contains('_') => Key::Flat(key.to_owned()),
            None => Key::Exact(key.to_owned()),
        }
    };
    match label {
        "__meta_kubernetes_namespace" | "namespace" | "k8s_namespace_name" => Subject::Namespace,
        "__meta_kubernetes_pod_node_name" | "__meta_kubernetes_node_name" | "__host__" => Subject::Node,
        "__journal__systemd_unit" | "__journal_systemd_unit" => Subject::Unit,
        _ => {
            if let Some(key) = label.strip_prefix("__meta_kubernetes_pod_annotation_") {
                Subject::Marker(Marker::Annotation, marker(key))
            } else if let Some(key) = label.strip_prefix("__meta_kubernetes_pod_label_") {
                Subject::Marker(Marker::Label, marker(key))
            } else {
                Subject::Other(label.to_owned())
            }
        }
    }
}

fn flat(key: &str) -> String {
    key.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

impl Subject {
    /// It, for people.
    pub(in super::super) fn shown(&self) -> String {
        let key = |key: &Key| match key {
            Key::Exact(key) => key.clone(),
            Key::Flat(key) => format!("{key} (written with _ for other signs)"),
        };
        match self {
            Self::Namespace => "namespace".into(),
            Self::Node => "node".into(),
            Self::Unit => "unit".into(),
            Self::Marker(Marker::Annotation, name) => format!("annotation {}", key(name)),
            Self::Marker(Marker::Label, name) => format!("label {}", key(name)),
            Self::Other(name) => name.trim_start_matches("__meta_kubernetes_").to_owned(),
        }
    }
}

/// The plain words of an alternation (`a|b`, `(a|b)`), if it is nothing else.
pub(in super::super) fn words(regex: &str) -> Option<Vec<String>> {
    let inner = bare(regex);
    let plain = |word: &str| {
        word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/')) && !word.is_empty()
    };
    inner.split('|').map(|word| plain(word).then(|| word.to_owned())).collect()
}

/// A regular expression that matches as a whole, as patterns of namespaces.
pub(in super::super) fn namespaces(regex: &str, at: &str) -> Vec<NamespaceMatch> {
    let matching = |pattern| NamespaceMatch { at: at.to_owned(), pattern };
    let glob = |part: &str| {
        let open = part.replace(".*", "*");
        let plain = open.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '*'));
        (plain && part.matches('*').count() == part.matches(".*").count() && !open.is_empty())
            .then(|| if open.contains('*') { Pattern::Glob(open) } else { Pattern::Name(open) })
    };
    let parts: Option<Vec<Pattern>> = bare(regex).split('|').map(glob).collect();
    match parts {
        Some(parts) => parts.into_iter().map(matching).collect(),
        None => vec![matching(Pattern::Regex(format!("^(?:{regex})$")))],
    }
}

/// Without anchors and a group around all of it.
fn bare(regex: &str) -> &str {
    let regex = regex.strip_prefix('^').unwrap_or(regex);
    let regex = regex.strip_suffix('$').unwrap_or(regex);
    let inner = regex.strip_prefix("(?:").or_else(|| regex.strip_prefix('('));
    match inner.and_then(|inner| inner.strip_suffix(')')) {
        Some(inner) if !inner.contains(['(', ')']) => inner,
        _ => regex,
    }
}
