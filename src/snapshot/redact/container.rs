//! What is kept of a container: of its command line the shape, programs that start an apiserver, and the flags that the
//! analysis reads; of its environment the variables that these refer to.

use std::collections::BTreeSet;

use super::{REDACTED, STRAY, keeps_flag, scrub, takes_next};
use crate::snapshot::Container;
use crate::snapshot::words::commands::is_redirection;
use crate::snapshot::words::programs::{assigned_name, basename, is_apiserver_program};
use crate::snapshot::words::{Part, Token, Word, is_name, split_element, split_script};

/// Words of a command line that are kept though they are no flags: programs that start an apiserver, and the shell's
/// own. Whether an apiserver certainly starts, and what its variables hold, is read out of these.
const KEPT_WORDS: [&str; 78] = [
    "!",
    "-",
    "--",
    ".",
    ":",
    "[",
    "[[",
    "]",
    "]]",
    "alias",
    "apiserver",
    "ash",
    "bash",
    "busybox",
    "case",
    "cat",
    "cd",
    "command",
    "dash",
    "declare",
    "do",
    "done",
    "dumb-init",
    "echo",
    "elif",
    "else",
    "env",
    "esac",
    "eval",
    "exec",
    "exit",
    "export",
    "fi",
    "for",
    "function",
    "getopts",
    "go-runner",
    "grep",
    "hyperkube",
    "if",
    "in",
    "k3s",
    "kubelite",
    "let",
    "local",
    "mapfile",
    "microshift",
    "mkdir",
    "nice",
    "nohup",
    "printf",
    "read",
    "readarray",
    "readonly",
    "return",
    "rke2",
    "run",
    "select",
    "server",
    "set",
    "setsid",
    "sh",
    "shift",
    "sleep",
    "source",
    "tail",
    "test",
    "then",
    "time",
    "timeout",
    "tini",
    "tini-static",
    "trap",
    "true",
    "typeset",
    "unset",
    "until",
    "wait",
];

/// Further ones, which stand beside a path or a brace.
const KEPT_SIGNS: [&str; 4] = ["{", "}", "while", "watch-termination"];

fn is_kept_word(word: &str) -> bool {
    let name = basename(word);
    (KEPT_WORDS.contains(&name) || KEPT_SIGNS.contains(&name) || is_apiserver_program(word))
        && is_program(word)
}

/// Narrows a container to what may be kept.
pub(super) fn redact_container(container: &mut Container) {
    let variables = kept_variables(container);
    let mut state = State::new(&variables);
    state.in_server =
        container.command.is_empty() && container.args.first().is_some_and(|first| first.starts_with('-'));
    state.first = true;
    for element in container.command.iter_mut().chain(container.args.iter_mut()) {
        *element = scrub(&state.element(element)).into_owned();
    }
    // What the kept words no longer name is not kept either.
    let named = kept_variables(container);
    container.env.retain(|variable| variables.has(&variable.name) && named.has(&variable.name));
    for variable in &mut container.env {
        if let Some(value) = &mut variable.value {
            *value = variables.value(&variable.name, value);
        }
    }
    container.image = scrub(&container.image).into_owned();
}

/// The variables of a container that are kept.
#[derive(Default)]
struct Variables {
    /// Those in the value of a kept flag.
    of_flags: BTreeSet<String>,
    /// Those that stand as words of their own.
    of_words: BTreeSet<String>,
}

impl Variables {
    fn has(&self, name: &str) -> bool {
        self.of_flags.contains(name) || self.of_words.contains(name)
    }

    /// What is kept of a variable's value: of a list of flags what is kept of a command line.
    fn value(&self, name: &str, value: &str) -> String {
        if !self.of_words.contains(name) {
            return scrub(value).into_owned();
        }
        let mut state = State::new(self);
        state.in_server = true;
        let words: Vec<String> = value.split_whitespace().map(|word| state.word(word, word)).collect();
        scrub(&words.join(" ")).into_owned()
    }
}

fn kept_variables(container: &Container) -> Variables {
    let mut kept = Variables::default();
    let mut previous: Option<String> = None;
    let mut visit = |parts: &[Part]| {
        let leading = match parts.first() {
            Some(Part::Text(text)) => text.as_str(),
            _ => "",
        };
        let value_of = previous.take().filter(|name| takes_next(name, leading));
        let name = leading.strip_prefix('-').map(|rest| rest.trim_start_matches('-'));
        let inline = name.and_then(|name| name.split_once('='));
        let keeps_here = match (&value_of, inline, name) {
            (Some(flag), ..) => keeps_flag(flag),
            (None, Some((name, _)), _) => keeps_flag(name),
            // `-v$LEVEL`
            (None, None, Some(name)) => name == "v",
            (None, None, None) => false,
        };
        for part in parts {
            if let Part::Variable { name, .. } = part {
                if keeps_here {
                    kept.of_flags.insert(name.clone());
                } else if value_of.is_none() && parts.iter().all(|part| matches!(part, Part::Variable { .. }))
                {
                    kept.of_words.insert(name.clone());
                }
            }
        }
        if value_of.is_none() && inline.is_none() {
            let long = leading.starts_with("--") && !leading.starts_with("---");
            previous = name.filter(|name| long && is_flag_name(name) || *name == "v").map(str::to_owned);
        }
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
    element.ends_with('c') && is_shell_option(element)
}

/// Options as shells take them: `-e`, `-xec`.
fn is_shell_option(word: &str) -> bool {
    word.len() <= 6
        && word.strip_prefix('-').is_some_and(|rest| {
            !rest.is_empty() && rest.chars().all(|c| "abcefhiklmnoprtuvxBCHP".contains(c))
        })
}

struct State<'a> {
    /// The flag before, if it had no `=`.
    value_of: Option<String>,
    /// Whether the words are an apiserver's own arguments.
    in_server: bool,
    script_next: bool,
    first: bool,
    variables: &'a Variables,
}

impl<'a> State<'a> {
    fn new(variables: &'a Variables) -> Self {
        Self { value_of: None, in_server: false, script_next: false, first: false, variables }
    }

    fn element(&mut self, element: &str) -> String {
        if std::mem::replace(&mut self.script_next, is_script_option(element)) {
            return self.script(element);
        }
        let keep_first = std::mem::replace(&mut self.first, false) && is_program(element);
        if keep_first && !element.starts_with('-') {
            self.in_server |= is_apiserver_program(element);
            return element.to_owned();
        }
        let parts = split_element(element);
        // References to variables are names and no values; whether one is a flag's value, the reader decides.
        if parts.iter().all(|part| matches!(part, Part::Variable { name, .. } if is_name(name))) {
            self.value_of = None;
            return element.to_owned();
        }
        if parts.iter().all(|part| matches!(part, Part::Variable { .. })) {
            self.value_of = None;
            return format!("$({REDACTED})");
        }
        if self.value_of.as_ref().is_none_or(|flag| !takes_next(flag, ""))
            && !self.in_server
            && let Some((name, _)) = assigned_name(element)
        {
            return format!("{name}={REDACTED}");
        }
        self.word(element, element)
    }

    fn script(&mut self, script: &str) -> String {
        let mut out = String::new();
        self.in_server = false;
        for token in split_script(script) {
            if !out.is_empty() && !out.ends_with('\n') {
                out.push(' ');
            }
            match token {
                // A redirection names a file; only that there is one is kept.
                Token::Operator(operator) if is_redirection(&operator) => out.push_str(">REDACTED"),
                Token::Operator(operator) => {
                    self.value_of = None;
                    self.in_server = false;
                    out.push_str(&operator);
                }
                Token::Word(word) => {
                    let raw = &script[word.span.clone()];
                    out.push_str(&self.script_word(&word, raw));
                }
            }
        }
        self.in_server = false;
        out
    }

    fn script_word(&mut self, word: &Word, raw: &str) -> String {
        let leading = word.leading_text();
        let raw = &emit(word, raw);
        if self.value_of.as_ref().is_none_or(|flag| !takes_next(flag, "")) {
            if word.parts.iter().all(|part| !matches!(part, Part::Text(_))) {
                return raw.clone();
            }
            if !self.in_server {
                if let Some((name, value)) = assigned_name(leading) {
                    return self.assignment(name, value, word.literal().is_some());
                }
                if let Some(name) = word.literal()
                    && self.variables.has(&name)
                {
                    return name;
                }
                // `exec {FD}>file`
                if leading.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).is_some_and(is_name) {
                    return "{FD}".into();
                }
            }
        }
        let literal = word.literal();
        let replaced = self.word(literal.as_deref().unwrap_or(leading), raw);
        if literal.is_none() && (replaced == REDACTED || replaced == STRAY) {
            return format!("${REDACTED}");
        }
        if replaced != *raw && replaced.contains(' ') { format!("'{replaced}'") } else { replaced }
    }

    fn assignment(&self, name: &str, value: Option<&str>, literal: bool) -> String {
        match value {
            None => format!("{name}+={REDACTED}"),
            Some(_) if !self.variables.has(name) => format!("{name}={REDACTED}"),
            Some(_) if !literal => format!("{name}=${REDACTED}"),
            Some(value) => {
                let value = self.variables.value(name, value);
                if is_program(&value) && !value.contains(['[', ']', '&']) {
                    format!("{name}={value}")
                } else {
                    format!("{name}={}", quote(&value))
                }
            }
        }
    }

    /// `text` decides, `raw` is what is kept.
    fn word(&mut self, text: &str, raw: &str) -> String {
        let value_of = self.value_of.take().filter(|name| takes_next(name, text));
        if text.starts_with('-') && !text.trim_start_matches('-').is_empty() {
            let kept = self.option(text, raw);
            if value_of.is_some() {
                self.value_of = None;
            }
            return kept;
        }
        if let Some(flag) = value_of {
            let keep = keeps_flag(&flag) || is_kept_word(text);
            return if keep { raw.to_owned() } else { REDACTED.into() };
        }
        if is_apiserver_program(text) && is_program(text) {
            self.in_server = true;
            return raw.to_owned();
        }
        if is_kept_word(text) {
            return raw.to_owned();
        }
        if matches!(raw, "" | "''" | "\"\"") {
            return raw.to_owned();
        }
        if !self.in_server || text == REDACTED {
            return REDACTED.into();
        }
        // A dash that an editor put in: only which flag was meant is kept.
        match text.strip_prefix(['–', '—', '−', '‐', '‑']) {
            Some(rest) => {
                let name = rest.trim_start_matches(['-', '–', '—', '−', '‐', '‑']);
                let name = name.split(['=', ' ']).next().unwrap_or_default();
                format!("–{}", if keeps_flag(name) { name } else { REDACTED })
            }
            None => STRAY.into(),
        }
    }

    fn option(&mut self, text: &str, raw: &str) -> String {
        let dashes = text.len() - text.trim_start_matches('-').len();
        let (dash, rest) = text.split_at(dashes);
        let name = rest.split('=').next().unwrap_or_default();
        if !is_flag_name(name) {
            // The flag and its value in one word, or no flag at all.
            let first = name.split(|c: char| c.is_whitespace()).next().unwrap_or_default();
            let first = if keeps_flag(first) { first } else { REDACTED };
            return format!("{dash}{first} {REDACTED}");
        }
        let has_value = text.contains('=');
        if dashes == 1 {
            let verbosity =
                name.strip_prefix('v').is_some_and(|level| level.parse::<u8>().is_ok() || level.is_empty());
            if verbosity || name.len() == 1 && !has_value || is_shell_option(text) && !self.in_server {
                self.value_of = (name == "v" && !has_value).then(|| name.to_owned());
                return raw.to_owned();
            }
            let name = if keeps_flag(name) { name } else { REDACTED };
            return if self.in_server { format!("-{name}") } else { REDACTED.into() };
        }
        self.value_of = (!has_value).then(|| name.to_owned());
        if !has_value || keeps_flag(name) { raw.to_owned() } else { format!("{dash}{name}={REDACTED}") }
    }
}

/// A word as it was written, but for what a running shell would compute: that is not looked into.
fn emit(word: &Word, raw: &str) -> String {
    if !word.parts.contains(&Part::Dynamic) {
        return raw.to_owned();
    }
    word.parts
        .iter()
        .map(|part| match part {
            Part::Text(text) if is_program(text) && !text.contains(['[', ']', '&']) => text.clone(),
            Part::Text(text) if text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-=:,".contains(c)) => {
                text.clone()
            }
            Part::Text(text) => quote(text),
            Part::Variable { name, quoted: true } => format!("\"${{{name}}}\""),
            Part::Variable { name, quoted: false } => format!("${{{name}}}"),
            Part::Dynamic => format!("${{{REDACTED}}}"),
        })
        .collect()
}

fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn is_flag_name(name: &str) -> bool {
    name.len() <= 80
        && !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

fn is_program(text: &str) -> bool {
    text.len() <= 200
        && !text.contains("://")
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-&[]{}!:".contains(c))
}

#[cfg(test)]
#[path = "container_tests.rs"]
mod tests;
