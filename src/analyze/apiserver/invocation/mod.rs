//! The arguments a kube-apiserver is started with, out of a container's command line.

mod flags;
#[cfg(test)]
mod review;
mod script;
#[cfg(test)]
mod tests;
mod words;

use self::flags::parse_flags;
use self::script::server_in_script;
use self::words::{Element, Piece, Reader};
use crate::snapshot::redact::{REDACTED, is_script_option};
use crate::snapshot::words::programs::{Runs, basename, is_apiserver_program, is_shell, runs};
use crate::snapshot::{Container, DeclarationKind, DeclaredApiServer, Pod};

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
    /// A flag with a single dash keeps it, because the server refuses it. A word that is no flag at all, which the server
    /// refuses too, has no name, and [`Value::Unreadable`] says what is wrong with it.
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

/// Options of kube-apiserver that name a file with further arguments.
const INDIRECTIONS: [&str; 1] = ["openshift-config"];

/// The arguments in a container's `command` and `args`.
pub fn of_container(pod: &Pod, container: &Container) -> Arguments {
    let reader = Reader::new(pod, container);
    let elements = reader.elements();
    let mut arguments = match shell_script(&elements) {
        Some(at) => in_shell(&reader, &elements, at),
        None => in_elements(&reader, &elements, container),
    };
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

/// The element that is a script for a shell.
fn shell_script(elements: &[Element<'_>]) -> Option<usize> {
    let option = elements.iter().position(|element| is_script_option(element.text))?;
    let shell = elements.get(..option)?.iter().any(|element| is_shell(basename(element.text)));
    let server_before = elements.get(..option)?.iter().any(|element| is_apiserver_program(element.text));
    (shell && !server_before && option + 1 < elements.len()).then_some(option + 1)
}

fn in_shell(reader: &Reader<'_>, elements: &[Element<'_>], at: usize) -> Arguments {
    let Some(script) = elements.get(at) else { return Arguments::default() };
    // The first word after the script is `$0`.
    let positional = elements.get(at + 2..).unwrap_or_default();
    let mut arguments = server_in_script(reader, script, positional);
    let first = elements.first().map_or("", |element| basename(element.text));
    let texts: Vec<Option<&str>> = elements.iter().take(at).map(|element| Some(element.text)).collect();
    let shell = texts.iter().flatten().position(|text| is_shell(basename(text))).unwrap_or(0);
    // Whatever starts the shell must start nothing else: put an apiserver in the shell's place to see.
    let mut probe = texts;
    if let Some(word) = probe.get_mut(shell) {
        *word = Some("kube-apiserver");
    }
    if runs(&probe) != Runs::Server(shell + 1) {
        arguments.open.get_or_insert_with(|| starts_another(first));
    }
    arguments
}

fn starts_another(program: &str) -> String {
    format!(
        "the container starts `{program}`, which may add arguments of its own; grant `get` on the nonResourceURL `/flagz` to read the effective ones"
    )
}

fn in_elements(reader: &Reader<'_>, elements: &[Element<'_>], container: &Container) -> Arguments {
    let pieces: Vec<Piece> = elements.iter().flat_map(|element| reader.element(element)).collect();
    let texts: Vec<Option<&str>> = pieces.iter().map(|piece| piece.text.as_deref()).collect();
    let mut arguments = Arguments::default();
    let Some(first) = pieces.first() else {
        arguments.open = Some(
            "the pod gives no command line, so the image's own is used; grant `get` on the nonResourceURL `/flagz` to read the effective arguments"
                .into(),
        );
        return arguments;
    };
    let start = if container.command.is_empty() && first.leading.starts_with('-') {
        0
    } else if let Runs::Server(start) = runs(&texts) {
        start
    } else {
        arguments.open = Some(starts_another(first.text.as_deref().unwrap_or(&first.written)));
        start_behind(&pieces)
    };
    parse_flags(pieces.get(start..).unwrap_or_default(), &mut arguments);
    if only_asks(&arguments) {
        arguments = Arguments {
            given: Vec::new(),
            open: Some("the command line only asks for the version or for help".into()),
        };
    }
    arguments
}

/// Where an apiserver's flags begin behind a program that is not known here. An apiserver's name may also be the value
/// of one of the program's options.
fn start_behind(pieces: &[Piece]) -> usize {
    let is_server = |index: &usize| {
        pieces.get(*index).and_then(|piece| piece.text.as_deref()).is_some_and(is_apiserver_program)
    };
    let before = |index: usize| index.checked_sub(1).and_then(|before| pieces.get(before));
    let candidates: Vec<usize> = (0..pieces.len()).filter(is_server).collect();
    let after_dashes = |index: &&usize| {
        before(**index).is_some_and(|piece| {
            piece.text.as_deref() == Some("--") || piece.text.as_deref().map(basename) == Some("hyperkube")
        })
    };
    let after_word = |index: &&usize| before(**index).is_none_or(|piece| !piece.leading.starts_with('-'));
    if let Some(index) =
        candidates.iter().rev().find(after_dashes).or_else(|| candidates.iter().find(after_word))
    {
        return index + 1;
    }
    if !candidates.is_empty() {
        return pieces.len();
    }
    pieces
        .iter()
        .position(|piece| piece.text.as_deref().is_some_and(|word| word.starts_with("--") && word.len() > 2))
        .unwrap_or(pieces.len())
}

/// `--version` and `--help` print and end.
fn only_asks(arguments: &Arguments) -> bool {
    !arguments.given.is_empty()
        && arguments.given.iter().all(|given| matches!(given.name.as_str(), "version" | "help" | "h"))
}

/// The arguments of a declaration.
pub fn of_declaration(declared: &DeclaredApiServer) -> Arguments {
    let given = declared
        .arguments
        .iter()
        .map(|argument| {
            // Whoever reads a declaration puts the dashes before the name: one with dashes of its own is refused, which
            // one dash tells, as in a command line.
            let bare = argument.name.trim_start_matches('-').replace('_', "-");
            let name = if argument.name.starts_with('-') { format!("-{bare}") } else { bare };
            let shown = if name.starts_with('-') { &argument.name } else { &name };
            let written = match &argument.value {
                Some(value) => format!("{shown}: {value}"),
                None => shown.clone(),
            };
            let value = match &argument.value {
                Some(value) if value == REDACTED => Value::Unreadable("its value is not kept".into()),
                Some(value) => Value::Text(value.clone()),
                None => Value::Bare,
            };
            Given { name, value, at: argument.at.clone(), written }
        })
        .collect();
    let remedy = match declared.kind {
        DeclarationKind::K3sNode | DeclarationKind::Rke2Node => {
            "grant `get` on the nonResourceURL `/flagz` to read the effective arguments"
        }
        _ => "give the rendered manifest of the apiserver with -f, or run against the cluster",
    };
    Arguments { given, open: declared.open.as_ref().map(|why| format!("{why}; {remedy}")) }
}
