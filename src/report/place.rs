//! Where evidence stands: in a file that was read, or at an object of the cluster.

use std::collections::BTreeSet;

use super::Report;
use crate::verdict::{Evidence, Finding};

/// A place, as far as a tool that is no person can follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// In a file that was read.
    File {
        /// Its name, as it was given.
        file: &'a str,
        /// The line, from one.
        line: Option<u32>,
        /// The column, from one.
        column: Option<u32>,
        /// What of the object that stands there: `spec.containers[0]`, `data.fluent-bit.conf:31`.
        within: &'a str,
    },
    /// At an object of the cluster.
    Object {
        /// Its kind.
        kind: &'a str,
        /// Its namespace.
        namespace: Option<&'a str>,
        /// Its name.
        name: &'a str,
        /// What of it.
        within: &'a str,
    },
    /// Elsewhere: a series, an answer of a provider, a kind of objects as a whole.
    Other,
}

/// Tells places apart by the files that were read.
pub struct Places<'a> {
    files: &'a BTreeSet<String>,
}

impl<'a> Places<'a> {
    /// Those of a report.
    pub fn of(report: &'a Report) -> Self {
        Self { files: &report.files }
    }

    /// What a text such as `audit-policy.yaml:3:1` or `Pod kube-system/kube-apiserver-cp1 spec` names.
    pub fn read<'t>(&self, at: &'t str) -> Place<'t> {
        self.file(at).or_else(|| object(at)).unwrap_or(Place::Other)
    }

    /// The piece of evidence that stands for all where there is room for one: a line of a file, which people can change, before
    /// an object, and that before the rest. Of several it is the last, which decided; the others led there.
    pub fn foremost<'f>(&self, finding: &'f Finding) -> Option<&'f Evidence> {
        finding.evidence.iter().max_by_key(|one| match self.read(&one.at) {
            Place::File { line: Some(_), .. } => 3,
            Place::File { .. } => 2,
            Place::Object { .. } => 1,
            Place::Other => 0,
        })
    }

    /// The file with the longest name that the text begins with.
    fn file<'t>(&self, at: &'t str) -> Option<Place<'t>> {
        if self.files.is_empty() {
            return None;
        }
        let ends = at.char_indices().filter(|(_, c)| matches!(c, ':' | ' ')).map(|(end, _)| end);
        let mut ends: Vec<usize> = ends.chain([at.len()]).collect();
        ends.reverse();
        ends.into_iter().find_map(|end| {
            let (file, rest) = at.split_at_checked(end)?;
            if !self.files.contains(file) {
                return None;
            }
            let (line, rest) = number(rest);
            let (column, rest) = if line.is_some() { number(rest) } else { (None, rest) };
            let within = if rest.is_empty() { rest } else { rest.strip_prefix(' ')? };
            Some(Place::File { file, line, column, within })
        })
    }
}

/// `:12` and what follows.
fn number(text: &str) -> (Option<u32>, &str) {
    let Some(digits) = text.strip_prefix(':') else { return (None, text) };
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    match digits.split_at_checked(end).map(|(digits, rest)| (digits.parse::<u32>(), rest)) {
        Some((Ok(number), rest)) if number > 0 => (Some(number), rest),
        _ => (None, text),
    }
}

/// Kinds without a namespace, so that one word behind them is a name.
const CLUSTER_SCOPED: [&str; 4] = ["Namespace", "Node", "ClusterRole", "ClusterRoleBinding"];

/// `Pod kube-system/kube-apiserver-cp1 spec.containers[0]`: only what can be the name of an object, for a text of other
/// words must not become one.
fn object(at: &str) -> Option<Place<'_>> {
    let (kind, rest) = at.split_once(' ')?;
    let is_kind = kind.starts_with(|c: char| c.is_ascii_uppercase())
        && kind.chars().all(|c: char| c.is_ascii_alphanumeric());
    if !is_kind {
        return None;
    }
    let (name, within) = rest.split_once(' ').unwrap_or((rest, ""));
    let (namespace, name) = match name.split_once('/') {
        Some((namespace, name)) => (Some(namespace), name),
        None if CLUSTER_SCOPED.contains(&kind) => (None, name),
        None => return None,
    };
    let is_name = |name: &str, more: &[char]| {
        !name.is_empty()
            && name.len() <= 253
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || more.contains(&c))
    };
    let named = namespace.is_none_or(|name| is_name(name, &[])) && is_name(name, &['.', ':', '_']);
    named.then_some(Place::Object { kind, namespace, name, within })
}

/// The version of the API that serves a kind, of those that evidence names.
pub fn api_version(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "ConfigMap" | "Namespace" | "Node" | "Pod" | "Service" | "ServiceAccount" => "v1",
        "DaemonSet" | "Deployment" | "StatefulSet" => "apps/v1",
        "ClusterRole" | "ClusterRoleBinding" | "Role" | "RoleBinding" => "rbac.authorization.k8s.io/v1",
        _ => return None,
    })
}

/// A text as a part of a URI, in which only letters, digits and `-._~/` stand for themselves.
pub fn percent_encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// The URI of a file: relative as the file was given, or absolute.
pub fn file_uri(file: &str) -> String {
    let slashes = if cfg!(windows) { file.replace('\\', "/") } else { file.to_owned() };
    let has_drive = cfg!(windows) && slashes.as_bytes().get(1) == Some(&b':');
    let mut parts: Vec<&str> = Vec::new();
    for part in slashes.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let path = percent_encoded(&parts.join("/"));
    if slashes.starts_with('/') || has_drive { format!("file:///{path}") } else { path }
}
