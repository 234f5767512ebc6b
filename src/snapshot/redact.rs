//! What a snapshot may keep. Everything here runs when a source is read and again when a snapshot file is read, so
//! that a file from elsewhere cannot bring in what this program would not have written.
//!
//! Three layers: only fields of the model exist at all; of a command line only the flags that the analysis uses keep
//! their values, and of the environment only the variables those flags name; what still looks like a credential is
//! replaced wherever it stands.

mod cloud;
mod config;
mod container;
mod kept;
mod names;
mod policy;
mod workload;

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

pub use self::container::is_script_option;
pub use self::kept::{keeps_flag, takes_next};
pub use self::names::is_telling;
pub use super::words::programs::basename;

use super::model::{Argument, DeclaredApiServer, Note, Pod, Snapshot};
use super::texts::Texts;

/// What stands in place of a value that is not kept.
pub const REDACTED: &str = "REDACTED";

/// Whether something was blanked out of a text: such a text never takes the place of the one that it was read from. Values give way
/// to a word or, so that every column stays, to an `X` for each character.
pub fn has_blanks(text: &str) -> bool {
    [REDACTED, "XXX", "://X"].iter().any(|blank| text.contains(blank))
}

/// What stands in place of a word among an apiserver's arguments that is neither an option nor the value of one.
pub const STRAY: &str = "REDACTED-ARGUMENT";

/// What credentials look like, and what replaces them. What tells that something is one is the first group.
fn patterns() -> &'static [(Regex, &'static str)] {
    static PATTERNS: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
        [
            (r"-----BEGIN [A-Z ]+-----[\s\S]*?(?:-----END [A-Z ]+-----|$)", "REDACTED"),
            (r"eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){1,2}", "REDACTED"),
            (r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}", "REDACTED"),
            (r"\bAIza[A-Za-z0-9_-]{20,}", "REDACTED"),
            (r"\b(?:gh[pousr]|github_pat|glpat|xox[abprs]|sk|pk)[_-][A-Za-z0-9_-]{12,}", "REDACTED"),
            (r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/=._-]{6,}", "$1 REDACTED"),
            (r"([A-Za-z][A-Za-z0-9+.-]*://)[^/\s@]+@", "${1}REDACTED@"),
            (
                r#"(?i)((?:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?|authorization)["']?[ \t]*(?:=>|[:=])[ \t]*["']?)[^\s"',;&]+"#,
                "${1}REDACTED",
            ),
        ]
        .into_iter()
        .filter_map(|(pattern, with)| Some((Regex::new(pattern).ok()?, with)))
        .collect()
    });
    &PATTERNS
}

/// Replaces what looks like a credential: tokens, keys, passwords in URLs or after a telling name.
pub fn scrub(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    for (pattern, with) in patterns() {
        if pattern.is_match(&text) {
            text = Cow::Owned(pattern.replace_all(&text, *with).into_owned());
        }
    }
    text
}

/// Applies all rules to a snapshot.
pub fn redact(snapshot: &mut Snapshot) {
    if let super::Reading::Read { value: pods } = &mut snapshot.pods {
        for pod in pods {
            redact_pod(pod);
        }
    }
    for declared in snapshot.declared.iter_mut().chain(match &mut snapshot.kubeadm_config {
        super::Reading::Read { value } => value.as_mut(),
        super::Reading::Missing { .. } => None,
    }) {
        redact_declared(declared);
    }
    for flagz in &mut snapshot.flagz {
        if let super::Reading::Read { value } = flagz {
            value.flags.retain(|name, _| keeps_flag(name));
        }
    }
    for metrics in &mut snapshot.metrics {
        if let super::Reading::Read { value } = metrics {
            value.levels.retain(|level, _| LEVELS.contains(&level.as_str()));
            value.errors.retain(|plugin, _| {
                plugin.len() <= 40 && plugin.chars().all(|c| c.is_ascii_lowercase() || c == '_')
            });
        }
    }
    redact_policies(snapshot);
    for reading in snapshot.workloads.kinds_mut() {
        if let super::Reading::Read { value } = reading {
            value.iter_mut().for_each(workload::redact_workload);
        }
    }
    if let super::Reading::Read { value } = &mut snapshot.namespaces {
        value.iter_mut().for_each(workload::redact_namespace);
    }
    for config in &mut snapshot.configs {
        config.text = config::blank_config(&config.text);
    }
    snapshot.resources.iter_mut().for_each(workload::redact_resource);
    workload::narrow_nodes(snapshot);
    cloud::redact_cloud(&mut snapshot.cloud);
    snapshot.texts(&mut |text| {
        if let Cow::Owned(clean) = scrub(text) {
            *text = clean;
        }
    });
}

fn redact_policies(snapshot: &mut Snapshot) {
    for policy in &mut snapshot.policies {
        let (text, changed) = policy::blank(&policy.text);
        policy.text = text;
        if changed {
            snapshot.notes.push(Note {
                at: policy.at.clone(),
                text: "what looks like a credential in this policy was blanked out, so that a rule may name something else here".into(),
            });
        }
    }
}

/// The values that the label `level` of `apiserver_audit_level_total` has.
const LEVELS: [&str; 4] = ["None", "Metadata", "Request", "RequestResponse"];

/// Narrows a pod to what may be kept.
pub fn redact_pod(pod: &mut Pod) {
    const LABELS: [&str; 5] = ["component", "tier", "app", "role", "k8s-app"];
    pod.labels.retain(|key, _| LABELS.contains(&key.as_str()));
    for container in &mut pod.containers {
        container::redact_container(container);
    }
}

/// Narrows an apiserver's declaration to what may be kept.
pub fn redact_declared(declared: &mut DeclaredApiServer) {
    for Argument { name, value, .. } in &mut declared.arguments {
        if !keeps_flag(name) && value.is_some() {
            *value = Some(REDACTED.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_recognised_by_their_looks() {
        for (text, expected) in [
            ("https://user:pass@host/x", "https://REDACTED@host/x"),
            ("Authorization: Bearer abcdefghi", "Authorization: REDACTED REDACTED"),
            ("password=hunter2 next", "password=REDACTED next"),
            ("AKIAIOSFODNN7EXAMPLE", "REDACTED"),
            ("/var/log/kubernetes/audit.log", "/var/log/kubernetes/audit.log"),
            ("--audit-log-maxage=30", "--audit-log-maxage=30"),
        ] {
            assert_eq!(scrub(text), expected, "{text}");
        }
    }
}
