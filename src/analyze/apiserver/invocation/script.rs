//! Which kube-apiserver a script starts. The list of its flags is closed only where one start certainly is the only one.

use super::flags::parse_flags;
use super::words::{Element, Piece, Reader, Scope};
use super::{Arguments, only_asks};
use crate::snapshot::redact::REDACTED;
use crate::snapshot::words::commands::{Simple, When, commands};
use crate::snapshot::words::programs::{Runs, assigned_name, is_apiserver_program, is_wrapper, runs};
use crate::snapshot::words::{Word, is_name};

/// A start of an apiserver in a script.
struct Start {
    arguments: Arguments,
    when: When,
    list: usize,
}

/// The arguments of the apiserver that a script starts.
pub(super) fn server_in_script(
    reader: &Reader<'_>,
    script: &Element<'_>,
    positional: &[Element<'_>],
) -> Arguments {
    let mut walk =
        Walk { reader, script, positional, scope: Scope::default(), doubt: None, starts: Vec::new() };
    let commands = commands(script.text);
    let last_list = commands.last().map_or(0, |command| command.list);
    for command in &commands {
        walk.command(command);
    }
    let Walk { starts, .. } = walk;
    let open = |why: &str| Arguments {
        given: Vec::new(),
        open: Some(format!(
            "{why}; grant `get` on the nonResourceURL `/flagz` to read the effective arguments"
        )),
    };
    let Some(first) = starts.first() else {
        return open("the script starts no kube-apiserver by its name");
    };
    if starts.iter().any(|start| !same(&start.arguments, &first.arguments)) {
        return open("the script starts kube-apiserver in more than one way");
    }
    // After `&&` it is this apiserver or none, if nothing comes after it.
    let certain = starts.iter().all(|start| {
        start.when == When::Always || start.when == When::AfterSuccess && start.list == last_list
    });
    if !certain {
        return open("whether the script starts kube-apiserver with these arguments depends on how it runs");
    }
    first.arguments.clone()
}

fn same(left: &Arguments, right: &Arguments) -> bool {
    let flags = |arguments: &Arguments| -> Vec<_> {
        arguments.given.iter().map(|given| (given.name.clone(), given.value.clone())).collect()
    };
    flags(left) == flags(right)
}

struct Walk<'a> {
    reader: &'a Reader<'a>,
    script: &'a Element<'a>,
    positional: &'a [Element<'a>],
    scope: Scope,
    /// Why anything may have happened before.
    doubt: Option<String>,
    starts: Vec<Start>,
}

impl Walk<'_> {
    fn command(&mut self, command: &Simple) {
        let certain = command.when == When::Always && !command.in_own_process;
        let prefix =
            command.words.iter().take_while(|word| assigned_name(word.leading_text()).is_some()).count();
        let (assignments, words) = command.words.split_at(prefix);
        for word in assignments {
            // Before a command an assignment holds for that command alone.
            self.assign(word, certain && words.is_empty());
        }
        let pieces: Vec<Piece> = words
            .iter()
            .flat_map(|word| {
                let raw = self.script.text.get(word.span.clone()).unwrap_or_default();
                self.reader.word(word, raw, &self.script.at, &self.scope, self.positional)
            })
            .collect();
        let Some(first) = pieces.first() else { return };
        let texts: Vec<Option<&str>> = pieces.iter().map(|piece| piece.text.as_deref()).collect();
        let what = runs(&texts);
        if let Runs::Server(start) = what {
            let mut arguments = Arguments { given: Vec::new(), open: self.doubt.clone() };
            parse_flags(pieces.get(start..).unwrap_or_default(), &mut arguments);
            if !only_asks(&arguments) {
                self.starts.push(Start { arguments, when: command.when, list: command.list });
            }
            return;
        }
        let hidden = texts.iter().position(|text| *text == Some(REDACTED));
        let named = texts.iter().rposition(|text| text.is_some_and(is_apiserver_program));
        if hidden.zip(named).is_some_and(|(hidden, named)| hidden < named)
            && texts.first().is_some_and(|text| text.is_some_and(is_wrapper))
        {
            // Whether this starts the server was decided by words that are not kept.
            let open = Some("a part of the command line that is not kept may start it otherwise".to_owned());
            self.starts.push(Start {
                arguments: Arguments { given: Vec::new(), open },
                when: command.when,
                list: command.list,
            });
            return;
        }
        let name = first.text.clone().unwrap_or_default();
        self.effects(&name, words, what, certain);
    }

    /// What a command that is none of a server does to those after it.
    fn effects(&mut self, name: &str, words: &[Word], what: Runs, certain: bool) {
        match name {
            "export" | "readonly" => {
                for word in words.iter().skip(1) {
                    if assigned_name(word.leading_text()).is_some() {
                        self.assign(word, certain);
                    }
                }
            }
            "local" | "declare" | "typeset" | "read" | "unset" | "for" | "select" | "mapfile"
            | "readarray" | "getopts" | "printf" | "let" => {
                for word in words.iter().skip(1) {
                    match word.literal() {
                        Some(text) => {
                            let name = assigned_name(&text).map_or(text.as_str(), |(name, _)| name);
                            if is_name(name) {
                                self.forget(name, &format!("the script changes `{name}`"));
                            }
                        }
                        None => {
                            if let Some((name, _)) = assigned_name(word.leading_text()) {
                                self.forget(name, &format!("the script changes `{name}`"));
                            }
                        }
                    }
                }
            }
            "." | "source" | "eval" | "alias" | "trap" => {
                self.doubt.get_or_insert_with(|| {
                    format!("the script runs `{name}` before it starts kube-apiserver, which may change what it starts")
                });
            }
            "set" | "shift" => {
                let mut options = words.iter().skip(1);
                let keeps = name == "set"
                    && options.all(|word| {
                        word.literal().is_some_and(|text| {
                            (text.starts_with(['-', '+']) && text != "--" && text != "-")
                                || text == "pipefail"
                        })
                    });
                // The name of an option is not kept.
                let option_name = name == "set"
                    && words.len() == 3
                    && words
                        .get(1)
                        .and_then(Word::literal)
                        .is_some_and(|option| option.starts_with('-') && option.ends_with('o'));
                if !keeps && !option_name {
                    self.scope.positional = Some("the script sets its own arguments".into());
                }
            }
            "exec" if certain && what == Runs::Other => {
                self.doubt.get_or_insert_with(|| {
                    "the script becomes another program before it starts kube-apiserver".into()
                });
            }
            "exit" | "return" if certain => {
                self.doubt.get_or_insert_with(|| "the script ends before it starts kube-apiserver".into());
            }
            _ => {}
        }
    }

    fn assign(&mut self, word: &Word, certain: bool) {
        let Some((name, whole)) = assigned_name(word.leading_text()) else { return };
        let value = match (whole, word.literal()) {
            _ if !certain => Err(format!("whether the script sets `{name}` depends on how it runs")),
            _ if self.scope.assigned.contains_key(name) => {
                Err(format!("the script sets `{name}` more than once"))
            }
            (Some(_), Some(text)) => Ok(text.split_once('=').map_or("", |(_, value)| value).to_owned()),
            _ => Err(format!("the script computes `{name}`")),
        };
        let value = match value {
            Ok(value) if value.contains("$(") => Err(format!("`{name}` refers to a variable")),
            value => value,
        };
        self.scope.assigned.insert(name.to_owned(), value);
    }

    fn forget(&mut self, name: &str, why: &str) {
        self.scope.assigned.insert(name.to_owned(), Err(why.to_owned()));
    }
}
