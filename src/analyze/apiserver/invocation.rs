//! The arguments a kube-apiserver is started with, out of a container's command line.

use std::collections::BTreeMap;

use crate::snapshot::redact::{REDACTED, basename, is_script_option};
use crate::snapshot::words::{Part, Token, is_name, split_element, split_script};
use crate::snapshot::{Container, DeclaredApiServer, Pod};

/// The arguments of one kube-apiserver, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arguments {
    /// The flags given, in order; a repeated flag stands here repeatedly.
    pub given: Vec<Given>,
    /// Why there may be more flags than these: an absent flag is then unknown, not unset.
    pub open: Option<String>,
}

/// One flag as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The flag without dashes; underscores are dashes, as kube-apiserver normalises them (component-base `cli/flag`).
    /// A flag with a single dash keeps it, because the server refuses it.
    pub name: String,
    /// Its value.
    pub value: Value,
    /// Where it stands.
    pub at: String,
    /// As it was written, without the values of variables: fit for evidence.
    pub written: String,
}

/// The value of a flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// It stands in the text.
    Text(String),
    /// A flag without a value: `true` for a boolean.
    Bare,
    /// It comes from a variable whose value is known. It must not be shown.
    Hidden(String),
    /// It cannot be known: why.
    Unreadable(String),
}

impl Value {
    /// The value as the server gets it.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Hidden(text) => Some(text),
            Self::Bare => Some("true"),
            Self::Unreadable(_) => None,
        }
    }
}

/// Boolean flags of kube-apiserver: they never take the next word as their value.
const BOOLEAN_FLAGS: [&str; 33] = [
    "aggregator-reject-forwarding-redirect",
    "allow-privileged",
    "anonymous-auth",
    "audit-dynamic-configuration",
    "audit-log-batch-throttle-enable",
    "audit-log-compress",
    "audit-log-truncate-enabled",
    "audit-webhook-batch-throttle-enable",
    "audit-webhook-truncate-enabled",
    "contention-profiling",
    "disable-http2-serving",
    "emulation-forward-compatible",
    "enable-aggregator-routing",
    "enable-bootstrap-token-auth",
    "enable-garbage-collector",
    "enable-logs-handler",
    "enable-priority-and-fairness",
    "enable-swagger-ui",
    "encryption-provider-config-automatic-reload",
    "help",
    "kubelet-https",
    "log-json-split-stream",
    "log-text-split-stream",
    "logtostderr",
    "permit-address-sharing",
    "permit-port-sharing",
    "profiling",
    "repair-malformed-updates",
    "service-account-extend-token-expiration",
    "service-account-lookup",
    "shutdown-send-retry-after",
    "alsologtostderr",
    "watch-cache",
];

/// Options of kube-apiserver that name a file with further arguments.
const INDIRECTIONS: [&str; 1] = ["openshift-config"];

/// The arguments in a container's `command` and `args`.
pub fn of_container(pod: &Pod, container: &Container) -> Arguments {
    let words = Reader::new(pod, container).words();
    let mut arguments = Arguments::default();
    let Some(start) = start_of_flags(&words, container, &mut arguments) else { return arguments };
    parse_flags(words.get(start..).unwrap_or_default(), &mut arguments);
    if let Some(indirection) =
        arguments.given.iter().find(|given| INDIRECTIONS.contains(&given.name.as_str()))
    {
        arguments.open = Some(format!(
            "{} names a file with the arguments, which is not part of the pod; add it with -f, or grant `get` on the nonResourceURL `/flagz`",
            indirection.written
        ));
    }
    arguments
}

/// The arguments of a declaration.
pub fn of_declaration(declared: &DeclaredApiServer) -> Arguments {
    let given = declared
        .arguments
        .iter()
        .map(|argument| {
            let name = argument.name.trim_start_matches('-').replace('_', "-");
            let written = match &argument.value {
                Some(value) => format!("{name}: {value}"),
                None => name.clone(),
            };
            let value = match &argument.value {
                Some(value) if value == REDACTED => Value::Unreadable("its value is not kept".into()),
                Some(value) => Value::Text(value.clone()),
                None => Value::Bare,
            };
            Given { name, value, at: argument.at.clone(), written }
        })
        .collect();
    Arguments { given, open: None }
}

/// A word of the command line, or the end of a command in a script.
#[derive(Debug, Clone)]
enum Piece {
    Word {
        text: Option<String>,
        leading: String,
        hidden: bool,
        why_unknown: String,
        written: String,
        at: String,
    },
    Break,
}

impl Piece {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Word { text, .. } => text.as_deref(),
            Self::Break => None,
        }
    }
}

/// Where the flags begin: after the apiserver's program name.
fn start_of_flags(words: &[Piece], container: &Container, arguments: &mut Arguments) -> Option<usize> {
    let is_server = |piece: &Piece| {
        piece.text().is_some_and(|word| basename(word) == "kube-apiserver" && !word.starts_with('-'))
    };
    let followed_by_flag = |index: usize| {
        words
            .get(index + 1)
            .is_some_and(|next| matches!(next, Piece::Word { leading, .. } if leading.starts_with('-')))
    };
    let candidates: Vec<usize> =
        (0..words.len()).filter(|&index| words.get(index).is_some_and(is_server)).collect();
    // A script may name the program before it starts it: the start is the one with flags.
    if let Some(&index) = candidates.iter().find(|&&index| followed_by_flag(index)).or(candidates.first()) {
        return Some(index + 1);
    }
    let first = words.first().and_then(Piece::text).map(basename);
    match first {
        Some("hyperkube")
            if words.get(1).and_then(Piece::text).is_some_and(|word| matches!(word, "apiserver")) =>
        {
            Some(2)
        }
        Some("apiserver") => Some(1),
        Some(word) if container.command.is_empty() && word.starts_with('-') => Some(0),
        Some(word) => {
            let word = word.to_owned();
            arguments.open = Some(format!(
                "the container starts `{word}`, which may add arguments of its own; grant `get` on the nonResourceURL `/flagz` to read the effective ones"
            ));
            Some(
                words
                    .iter()
                    .position(|piece| piece.text().is_some_and(|word| word.starts_with("--")))
                    .unwrap_or(words.len()),
            )
        }
        None => {
            arguments.open = Some(
                "the pod gives no command line, so the image's own is used; grant `get` on the nonResourceURL `/flagz` to read the effective arguments"
                    .into(),
            );
            None
        }
    }
}

fn parse_flags(words: &[Piece], arguments: &mut Arguments) {
    let mut index = 0;
    while let Some(piece) = words.get(index) {
        index += 1;
        let Piece::Word { text, leading, hidden, why_unknown, written, at } = piece else { return };
        if text.as_deref() == Some("--") {
            return;
        }
        let shown = |written: &str| {
            if *hidden { written.to_owned() } else { text.clone().unwrap_or_else(|| written.to_owned()) }
        };
        if let Some(rest) = leading.strip_prefix("--") {
            let (name, inline) = match rest.split_once('=') {
                Some((name, _)) => (name, true),
                None => (rest, false),
            };
            let name = name.replace('_', "-");
            let mut shown = shown(written);
            let value = match text {
                // `--name$X`: the flag itself cannot be known.
                None if !inline => {
                    arguments
                        .open
                        .get_or_insert_with(|| format!("`{written}` cannot be resolved: {why_unknown}"));
                    continue;
                }
                None => Value::Unreadable(why_unknown.clone()),
                Some(text) if inline => {
                    let value = text.split_once('=').map_or("", |(_, value)| value).to_owned();
                    if *hidden { Value::Hidden(value) } else { Value::Text(value) }
                }
                Some(_) if BOOLEAN_FLAGS.contains(&name.as_str()) => Value::Bare,
                Some(_) => match words.get(index) {
                    Some(Piece::Word { text: next, leading, hidden, why_unknown, written, .. })
                        if next.is_none() || !leading.starts_with("--") =>
                    {
                        index += 1;
                        shown = format!("{shown} {written}");
                        match next {
                            Some(next) if *hidden => Value::Hidden(next.clone()),
                            Some(next) => Value::Text(next.clone()),
                            None => Value::Unreadable(why_unknown.clone()),
                        }
                    }
                    _ => Value::Bare,
                },
            };
            arguments.given.push(Given { name, value, at: at.clone(), written: shown });
        } else if let Some(rest) = leading.strip_prefix("-v") {
            // The only shorthand of kube-apiserver that matters here: verbosity, as `-v=2`, `-v2` or `-v 2`.
            let value = match text {
                None => Value::Unreadable(why_unknown.clone()),
                Some(_) if rest.is_empty() => match words.get(index) {
                    Some(Piece::Word { text: Some(next), .. }) => {
                        index += 1;
                        Value::Text(next.clone())
                    }
                    _ => Value::Bare,
                },
                Some(_) => Value::Text(rest.trim_start_matches('=').to_owned()),
            };
            arguments.given.push(Given { name: "v".into(), value, at: at.clone(), written: shown(written) });
        } else if leading.starts_with('-') {
            // One dash makes a shorthand, and the server has no other than `-v` and `-h`: the dash stays in the name.
            let name = leading.split('=').next().unwrap_or_default().to_owned();
            arguments.given.push(Given { name, value: Value::Bare, at: at.clone(), written: shown(written) });
        } else if text.is_none() {
            arguments.open.get_or_insert_with(|| {
                format!("`{written}` in the command line may add arguments ({why_unknown}); grant `get` on the nonResourceURL `/flagz` to read the effective ones")
            });
        }
    }
}

struct Reader<'a> {
    pod: &'a Pod,
    container: &'a Container,
    /// Assignments in scripts: the parts, or none if it was assigned twice.
    assigned: BTreeMap<String, Option<Vec<Part>>>,
}

impl<'a> Reader<'a> {
    fn new(pod: &'a Pod, container: &'a Container) -> Self {
        Self { pod, container, assigned: BTreeMap::new() }
    }

    fn words(&mut self) -> Vec<Piece> {
        let elements: Vec<(String, &'a str)> = self
            .container
            .command
            .iter()
            .enumerate()
            .map(|(index, element)| (self.at("command", index), element.as_str()))
            .chain(
                self.container
                    .args
                    .iter()
                    .enumerate()
                    .map(|(index, element)| (self.at("args", index), element.as_str())),
            )
            .collect();
        let mut pieces = Vec::new();
        let mut rest = elements.as_slice();
        while let Some(((at, element), tail)) = rest.split_first() {
            rest = tail;
            pieces.extend(self.expand(&split_element(element), element, at, false));
            let in_shell =
                pieces.first().and_then(Piece::text).is_some_and(|first| is_shell(basename(first)))
                    || pieces.iter().any(|piece| piece.text().is_some_and(|word| is_shell(basename(word))));
            if in_shell
                && is_script_option(element)
                && let Some(((at, script), positional)) = rest.split_first()
            {
                pieces.push(Piece::Break);
                // The first word after the script is `$0`.
                self.script(script, at, positional.get(1..).unwrap_or_default(), &mut pieces);
                return pieces;
            }
        }
        pieces
    }

    fn at(&self, field: &str, index: usize) -> String {
        let path = format!("spec.containers[{}].{field}[{index}]", self.container.index);
        let in_template = format!("spec.template.{path}");
        match self.pod.marks.get(&path).or_else(|| self.pod.marks.get(&in_template)) {
            Some(mark) => mark.clone(),
            None => format!("{} {path}", self.pod.at),
        }
    }

    fn script(&mut self, script: &str, at: &str, positional: &[(String, &'a str)], pieces: &mut Vec<Piece>) {
        let mut at_command = true;
        for token in split_script(script) {
            let word = match token {
                Token::Operator(operator) => {
                    // A redirection does not end the command.
                    if !operator.starts_with(['>', '<']) && !operator.starts_with("&>") {
                        pieces.push(Piece::Break);
                        at_command = true;
                    }
                    continue;
                }
                Token::Word(word) => word,
            };
            if at_command && let Some((name, value)) = assignment(&word.parts) {
                self.assigned.entry(name).and_modify(|parts| *parts = None).or_insert(Some(value));
                continue;
            }
            let raw = script.get(word.span.clone()).unwrap_or_default();
            at_command = at_command
                && matches!(raw, "export" | "exec" | "then" | "do" | "else" | "env" | "readonly" | "local");
            if let [Part::Variable { name, .. }] = word.parts.as_slice()
                && name == "@"
            {
                for (at, element) in positional {
                    pieces.extend(self.expand(&split_element(element), element, at, false));
                }
                continue;
            }
            pieces.extend(self.expand(&word.parts, raw, at, true));
        }
    }

    /// One word, or several where an unquoted variable holds a list of flags.
    fn expand(&self, parts: &[Part], written: &str, at: &str, in_script: bool) -> Vec<Piece> {
        let mut text = Some(String::new());
        let mut leading = String::new();
        let mut hidden = false;
        let mut splits = false;
        let mut why_unknown = String::new();
        for part in parts {
            let piece = match part {
                Part::Text(text) => Ok((text.clone(), false)),
                Part::Variable { name, quoted } => {
                    splits |= in_script && !quoted;
                    self.variable(name)
                }
                Part::Dynamic => Err("only the running shell knows it".to_owned()),
            };
            match piece {
                Ok((piece, from_variable)) => {
                    hidden |= from_variable;
                    if let Some(text) = &mut text {
                        leading.push_str(&piece);
                        text.push_str(&piece);
                    }
                }
                Err(why) => {
                    text = None;
                    why_unknown = why;
                }
            }
        }
        let piece = |text: Option<String>, leading: String| Piece::Word {
            text,
            leading,
            hidden,
            why_unknown: why_unknown.clone(),
            written: written.to_owned(),
            at: at.to_owned(),
        };
        match text {
            Some(text) if splits && parts.len() == 1 => {
                text.split_whitespace().map(|word| piece(Some(word.to_owned()), word.to_owned())).collect()
            }
            text => vec![piece(text, leading)],
        }
    }

    /// The value of a variable, and whether it must be hidden; or why it is not known.
    fn variable(&self, name: &str) -> Result<(String, bool), String> {
        match self.assigned.get(name) {
            Some(Some(parts)) => {
                let literal: Option<String> = parts
                    .iter()
                    .map(|part| match part {
                        Part::Text(text) => Some(text.as_str()),
                        _ => None,
                    })
                    .collect();
                return literal
                    .map(|text| (text, false))
                    .ok_or_else(|| format!("the script computes `{name}`"));
            }
            Some(None) => return Err(format!("the script sets `{name}` more than once")),
            None => {}
        }
        let variable = self.container.env.iter().rev().find(|variable| variable.name == name);
        match variable.map(|variable| variable.value.as_deref()) {
            Some(Some(value)) if value.contains("$(") => {
                Err(format!("the variable `{name}` refers to another one"))
            }
            Some(Some(value)) => Ok((value.to_owned(), true)),
            Some(None) => Err(format!("the variable `{name}` takes its value from another object")),
            None => Err(format!("the pod does not define the variable `{name}`")),
        }
    }
}

fn assignment(parts: &[Part]) -> Option<(String, Vec<Part>)> {
    let Some(Part::Text(first)) = parts.first() else { return None };
    let (name, value) = first.split_once('=')?;
    if !is_name(name) {
        return None;
    }
    let mut value_parts = vec![Part::Text(value.to_owned())];
    value_parts.extend_from_slice(parts.get(1..).unwrap_or_default());
    Some((name.to_owned(), value_parts))
}

fn is_shell(name: &str) -> bool {
    matches!(name, "sh" | "bash" | "ash" | "dash" | "busybox")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::EnvVar;

    fn parse(command: &[&str], args: &[&str], env: &[(&str, Option<&str>)]) -> Arguments {
        let container = Container {
            index: 0,
            name: "kube-apiserver".into(),
            image: String::new(),
            command: command.iter().map(ToString::to_string).collect(),
            args: args.iter().map(ToString::to_string).collect(),
            env: env.iter().map(|(n, v)| EnvVar { name: (*n).into(), value: v.map(Into::into) }).collect(),
            mounts: Vec::new(),
        };
        let pod = Pod {
            namespace: "kube-system".into(),
            name: "p".into(),
            node_name: None,
            pod_ip: None,
            labels: BTreeMap::new(),
            containers: vec![container.clone()],
            at: "Pod kube-system/p".into(),
            marks: BTreeMap::new(),
        };
        of_container(&pod, &container)
    }

    fn short(arguments: &Arguments) -> Vec<(&str, Option<&str>)> {
        arguments.given.iter().map(|given| (given.name.as_str(), given.value.text())).collect()
    }

    #[test]
    fn every_spelling_of_a_flag_is_read() {
        let arguments = parse(
            &[
                "/usr/local/bin/kube-apiserver",
                "--audit-log-path=/a",
                "--audit_log_maxage",
                "3",
                "--audit-log-compress",
                "-v=2",
            ],
            &["--audit-log-maxage=4", "-v", "5", "--audit-log-truncate-enabled", "--event-ttl", "1h"],
            &[],
        );
        assert_eq!(
            short(&arguments),
            [
                ("audit-log-path", Some("/a")),
                ("audit-log-maxage", Some("3")),
                ("audit-log-compress", Some("true")),
                ("v", Some("2")),
                ("audit-log-maxage", Some("4")),
                ("v", Some("5")),
                ("audit-log-truncate-enabled", Some("true")),
                ("event-ttl", Some("1h")),
            ]
        );
        assert_eq!(arguments.open, None);
        assert_eq!(arguments.given[1].at, "Pod kube-system/p spec.containers[0].command[2]");
        assert_eq!(arguments.given[1].written, "--audit_log_maxage 3");
    }

    #[test]
    fn wrappers_and_hyperkube_are_seen_through() {
        for command in [
            &[
                "/go-runner",
                "--log-file=/var/log/kube-apiserver.log",
                "/usr/local/bin/kube-apiserver",
                "--v=2",
            ][..],
            &["/hyperkube", "apiserver", "--v=2"],
            &["/hyperkube", "kube-apiserver", "--v=2"],
            &["apiserver", "--v=2"],
            &["/bin/sh", "-c", "echo kube-apiserver; exec kube-apiserver --v=2 >>/log 2>&1; echo --v=3"],
            &[
                "/bin/bash",
                "-ec",
                "X=2\nexec watch-termination --log=/x -- hyperkube kube-apiserver \\\n --v=${X} 1>>/l 2>&1",
            ],
            &["sh", "-c", "exec kube-apiserver \"$@\"", "sh", "--v=2"],
        ] {
            assert_eq!(short(&parse(command, &[], &[])), [("v", Some("2"))], "{command:?}");
        }
        assert_eq!(short(&parse(&[], &["--v=2"], &[])), [("v", Some("2"))]);
    }

    #[test]
    fn variables_are_resolved_and_hidden() {
        let arguments = parse(
            &[
                "kube-apiserver",
                "--audit-log-path=$(DIR)/audit.log",
                "--audit-log-maxage=$(AGE)",
                "--v=$(NONE)",
            ],
            &[],
            &[("DIR", Some("/var/log")), ("AGE", None)],
        );
        assert_eq!(arguments.given[0].value, Value::Hidden("/var/log/audit.log".into()));
        assert_eq!(arguments.given[0].written, "--audit-log-path=$(DIR)/audit.log");
        assert!(
            matches!(&arguments.given[1].value, Value::Unreadable(why) if why.contains("another object"))
        );
        assert!(
            matches!(&arguments.given[2].value, Value::Unreadable(why) if why.contains("does not define"))
        );
        assert_eq!(arguments.open, None);
    }

    #[test]
    fn a_list_of_flags_in_a_variable_is_split_or_leaves_the_list_open() {
        let script = "exec kube-apiserver $FLAGS --v=2";
        let known =
            parse(&["sh", "-c", script], &[], &[("FLAGS", Some("--audit-log-path=/a --audit-log-maxage=3"))]);
        assert_eq!(
            short(&known),
            [("audit-log-path", Some("/a")), ("audit-log-maxage", Some("3")), ("v", Some("2"))]
        );
        let unknown = parse(&["sh", "-c", script], &[], &[]);
        assert_eq!(short(&unknown), [("v", Some("2"))]);
        assert!(unknown.open.is_some());
    }

    #[test]
    fn a_single_dash_is_kept() {
        let arguments = parse(&["kube-apiserver", "-audit-log-path=/x", "--v=2"], &[], &[]);
        assert_eq!(short(&arguments), [("-audit-log-path", Some("true")), ("v", Some("2"))]);
    }

    #[test]
    fn what_starts_another_program_is_open() {
        assert!(parse(&["/entrypoint.sh"], &["--v=2"], &[]).open.is_some());
        assert!(parse(&[], &[], &[]).open.is_some());
        let openshift =
            parse(&["hyperkube", "kube-apiserver", "--openshift-config=/x.yaml", "-v=2"], &[], &[]);
        assert!(openshift.open.is_some_and(|why| why.contains("--openshift-config")));
    }
}
