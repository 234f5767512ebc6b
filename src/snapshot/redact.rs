//! What a snapshot may keep. Everything here runs when a source is read and again when a snapshot file is read, so
//! that a file from elsewhere cannot bring in what this program would not have written.
//!
//! Three layers: only fields of the model exist at all; of a command line only the flags that the analysis uses keep
//! their values, and of the environment only the variables those flags name; what still looks like a credential is
//! replaced wherever it stands.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use super::model::{Argument, Container, DeclaredApiServer, Pod, Snapshot};
use super::texts::Texts;
use super::words::{Part, Token, Word, split_element, split_script};

/// What stands in place of a value that is not kept.
pub const REDACTED: &str = "REDACTED";

/// Flags of kube-apiserver whose values the analysis uses, beside all that begin with `audit-`.
const KEPT_FLAGS: [&str; 14] = [
    "advertise-address",
    "anonymous-auth",
    "authorization-mode",
    "config",
    "disable-admission-plugins",
    "enable-admission-plugins",
    "enable-logs-handler",
    "event-ttl",
    "feature-gates",
    "logging-format",
    "openshift-config",
    "profiling",
    "v",
    "vmodule",
];

/// Words of a command line that are kept though they are no flags: programs that start an apiserver, and the shell's own.
const KEPT_WORDS: [&str; 47] = [
    "-",
    "--",
    "[",
    "]",
    "&&",
    "apiserver",
    "ash",
    "bash",
    "cd",
    "dash",
    "do",
    "done",
    "dumb-init",
    "echo",
    "elif",
    "else",
    "env",
    "eval",
    "exec",
    "exit",
    "export",
    "fi",
    "for",
    "go-runner",
    "hyperkube",
    "if",
    "in",
    "k3s",
    "kube-apiserver",
    "kubelite",
    "microshift",
    "rke2",
    "run",
    "server",
    "set",
    "sh",
    "shift",
    "sleep",
    "source",
    "test",
    "then",
    "timeout",
    "tini",
    "true",
    "watch-termination",
    "while",
    "wait",
];

/// Whether the value of a flag is kept. `name` is without dashes; underscores count as dashes.
pub fn keeps_flag(name: &str) -> bool {
    let name = name.replace('_', "-");
    name.starts_with("audit-") || KEPT_FLAGS.contains(&name.as_str())
}

/// Replaces what looks like a credential: tokens, keys, passwords in URLs or after a telling name.
pub fn scrub(text: &str) -> Cow<'_, str> {
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
                r#"(?i)((?:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?|authorization)["']?\s*[:=]\s*["']?)[^\s"',;&]+"#,
                "${1}REDACTED",
            ),
        ]
        .into_iter()
        .filter_map(|(pattern, with)| Some((Regex::new(pattern).ok()?, with)))
        .collect()
    });
    let mut text = Cow::Borrowed(text);
    for (pattern, with) in PATTERNS.iter() {
        if pattern.is_match(&text) {
            text = Cow::Owned(pattern.replace_all(&text, *with).into_owned());
        }
    }
    text
}

/// The file name of a path, for recognising programs.
pub fn basename(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
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
    snapshot.texts(&mut |text| {
        if let Cow::Owned(clean) = scrub(text) {
            *text = clean;
        }
    });
}

/// The values that the label `level` of `apiserver_audit_level_total` has.
const LEVELS: [&str; 4] = ["None", "Metadata", "Request", "RequestResponse"];

/// Narrows a pod to what may be kept.
pub fn redact_pod(pod: &mut Pod) {
    const LABELS: [&str; 5] = ["component", "tier", "app", "role", "k8s-app"];
    pod.labels.retain(|key, _| LABELS.contains(&key.as_str()));
    for container in &mut pod.containers {
        redact_container(container);
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

fn redact_container(container: &mut Container) {
    let Variables { of_flags, of_words } = kept_variables(container);
    let mut state = State { value_of: None, script_next: false, first: true, variables: &of_flags };
    for element in container.command.iter_mut().chain(container.args.iter_mut()) {
        *element = state.element(element);
    }
    container.env.retain(|variable| of_flags.contains(&variable.name) || of_words.contains(&variable.name));
    for variable in &mut container.env {
        if let Some(value) = &mut variable.value
            && !of_flags.contains(&variable.name)
        {
            // A bare `$FLAGS` in a script is a list of flags.
            let mut state = State { value_of: None, script_next: false, first: false, variables: &of_flags };
            *value =
                value.split_whitespace().map(|word| state.word(word, word)).collect::<Vec<_>>().join(" ");
        }
    }
}

/// The variables of a container that are kept.
#[derive(Default)]
struct Variables {
    /// Those in the value of a kept flag.
    of_flags: BTreeSet<String>,
    /// Those that stand as words of their own.
    of_words: BTreeSet<String>,
}

fn kept_variables(container: &Container) -> Variables {
    let mut kept = Variables::default();
    let mut previous_keeps = false;
    let mut previous_flag = false;
    let mut visit = |parts: &[Part]| {
        let leading = match parts.first() {
            Some(Part::Text(text)) => text.as_str(),
            _ => "",
        };
        let name = leading.strip_prefix('-').map(|rest| rest.trim_start_matches('-'));
        let keeps_here = match name {
            Some(name) => name.split_once('=').is_some_and(|(name, _)| keeps_flag(name)),
            None => previous_keeps,
        };
        for part in parts {
            if let Part::Variable { name, .. } = part {
                if keeps_here {
                    kept.of_flags.insert(name.clone());
                } else if parts.len() == 1 && !previous_flag {
                    kept.of_words.insert(name.clone());
                }
            }
        }
        previous_flag = name.is_some_and(|name| !name.contains('='));
        previous_keeps = previous_flag && name.is_some_and(keeps_flag);
    };
    let mut script_next = false;
    for element in container.command.iter().chain(&container.args) {
        if script_next {
            for token in split_script(element) {
                if let Token::Word(word) = token {
                    visit(&word.parts);
                }
            }
        } else {
            visit(&split_element(element));
        }
        script_next = is_script_option(element);
    }
    kept
}

/// `-c`, `-ec`, `-xec`: the next element is a script.
pub fn is_script_option(element: &str) -> bool {
    element.len() <= 6
        && element.strip_prefix('-').is_some_and(|rest| {
            rest.ends_with('c') && rest.chars().all(|c| "abcefhiklmnprtuvxBCHP".contains(c))
        })
}

struct State<'a> {
    /// Whether the last word was a flag without `=`, and whether its value is kept.
    value_of: Option<bool>,
    script_next: bool,
    first: bool,
    variables: &'a BTreeSet<String>,
}

impl State<'_> {
    fn element(&mut self, element: &str) -> String {
        if std::mem::replace(&mut self.script_next, is_script_option(element)) {
            return self.script(element);
        }
        let keep_first = std::mem::replace(&mut self.first, false) && is_program(element);
        if keep_first {
            return element.to_owned();
        }
        self.word(element, element)
    }

    fn script(&mut self, script: &str) -> String {
        let mut out = String::new();
        for token in split_script(script) {
            if !out.is_empty() && !out.ends_with('\n') {
                out.push(' ');
            }
            match token {
                Token::Operator(operator) => {
                    self.value_of = None;
                    out.push_str(match operator.as_str() {
                        op @ (";" | "&&" | "||" | "|" | "&" | "(" | ")" | "\n" | ";;") => op,
                        // A redirection names a file; only that there is one is kept.
                        _ => ">REDACTED",
                    });
                }
                Token::Word(word) => {
                    let raw = &script[word.span.clone()];
                    out.push_str(&self.script_word(&word, raw));
                }
            }
        }
        out
    }

    fn script_word(&mut self, word: &Word, raw: &str) -> String {
        if word.parts.iter().all(|part| matches!(part, Part::Variable { .. })) && self.value_of.is_none() {
            return raw.to_owned();
        }
        if let Some((name, _)) = word.leading_text().split_once('=')
            && super::words::is_name(name)
        {
            return if self.variables.contains(name) { raw.to_owned() } else { format!("{name}={REDACTED}") };
        }
        let replaced = self.word(word.leading_text(), raw);
        if replaced == REDACTED && word.literal().is_none() { format!("${REDACTED}") } else { replaced }
    }

    /// `text` decides, `raw` is what is kept.
    fn word(&mut self, text: &str, raw: &str) -> String {
        if text.starts_with('-') && !text.trim_start_matches('-').is_empty() {
            let dashes = text.len() - text.trim_start_matches('-').len();
            let name = text[dashes..].split('=').next().unwrap_or_default();
            if !is_flag_name(name) {
                self.value_of = None;
                return REDACTED.into();
            }
            let has_value = text.contains('=');
            self.value_of = (!has_value).then(|| keeps_flag(name));
            return if !has_value || keeps_flag(name) {
                raw.to_owned()
            } else {
                format!("{}{name}={REDACTED}", &text[..dashes])
            };
        }
        match self.value_of.take() {
            Some(true) => return raw.to_owned(),
            Some(false) => {
                return if KEPT_WORDS.contains(&basename(text)) { raw.to_owned() } else { REDACTED.into() };
            }
            None => {}
        }
        if KEPT_WORDS.contains(&basename(text)) && is_program(text) {
            raw.to_owned()
        } else {
            REDACTED.into()
        }
    }
}

fn is_flag_name(name: &str) -> bool {
    name.len() <= 80
        && !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

fn is_program(text: &str) -> bool {
    text.len() <= 200
        && !text.contains("://")
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-&[]".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::EnvVar;

    fn container(command: &[&str], args: &[&str], env: &[(&str, &str)]) -> Container {
        Container {
            index: 0,
            name: "kube-apiserver".into(),
            image: String::new(),
            command: command.iter().map(ToString::to_string).collect(),
            args: args.iter().map(ToString::to_string).collect(),
            env: env
                .iter()
                .map(|(name, value)| EnvVar { name: (*name).into(), value: Some((*value).into()) })
                .collect(),
            mounts: Vec::new(),
        }
    }

    #[test]
    fn only_flags_in_use_keep_their_values() {
        let mut c = container(
            &[
                "kube-apiserver",
                "--audit-log-path=/a",
                "--token=hunter2",
                "--audit_log_maxage",
                "3",
                "--x",
                "hunter2",
            ],
            &["hunter2", "--event-ttl=1h"],
            &[],
        );
        redact_container(&mut c);
        assert_eq!(
            c.command,
            [
                "kube-apiserver",
                "--audit-log-path=/a",
                "--token=REDACTED",
                "--audit_log_maxage",
                "3",
                "--x",
                "REDACTED"
            ]
        );
        assert_eq!(c.args, ["REDACTED", "--event-ttl=1h"]);
    }

    #[test]
    fn scripts_keep_their_shape_and_no_foreign_words() {
        let mut c = container(
            &["/bin/sh", "-ec"],
            &[
                "export PW=hunter2 P=/var/x\n# hunter2\nexec /usr/bin/kube-apiserver --audit-log-path=$P $FLAGS \
               --etcd-password hunter2 $(cat hunter2) >> /hunter2.log",
            ],
            &[("FLAGS", "hunter2 --audit-log-maxage=3 --pw=hunter2"), ("OTHER", "hunter2")],
        );
        redact_container(&mut c);
        assert_eq!(
            c.args,
            ["export PW=REDACTED P=/var/x \n\nexec /usr/bin/kube-apiserver --audit-log-path=$P $FLAGS \
              --etcd-password REDACTED $REDACTED >REDACTED"]
        );
        assert_eq!(c.env.len(), 1);
        assert_eq!(c.env[0].value.as_deref(), Some("REDACTED --audit-log-maxage=3 --pw=REDACTED"));
    }

    #[test]
    fn redacting_twice_changes_nothing() {
        let mut once = container(
            &["sh", "-c"],
            &["x=1; kube-apiserver --audit-log-path=$(P) --foo $(curl x) \"$@\" 2>&1"],
            &[("P", "/v")],
        );
        redact_container(&mut once);
        let mut twice = once.clone();
        redact_container(&mut twice);
        assert_eq!(once, twice);
        assert_eq!(once.env.len(), 1);
    }

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
