//! Words of a command line with their variables resolved.

use std::collections::BTreeMap;

use crate::snapshot::redact::REDACTED;
use crate::snapshot::words::{Part, Word, split_element};
use crate::snapshot::{Container, Pod};

/// An element of `command` or `args`.
#[derive(Debug, Clone)]
pub(super) struct Element<'a> {
    /// Where it stands.
    pub(super) at: String,
    /// What it is.
    pub(super) text: &'a str,
}

/// A word of the command line.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    /// The word, if all of it is known.
    pub(super) text: Option<String>,
    /// The word up to what is not known.
    pub(super) leading: String,
    /// Whether a variable's value is part of it, which must not be shown.
    pub(super) hidden: bool,
    /// Why not all of it is known.
    pub(super) why_unknown: String,
    /// As it was written.
    pub(super) written: String,
    /// Where it stands.
    pub(super) at: String,
}

/// What a script makes of its variables, up to some command.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    /// What was assigned: the value, or why it is not known.
    pub(super) assigned: BTreeMap<String, Result<String, String>>,
    /// Why the positional parameters are not those that the script was given.
    pub(super) positional: Option<String>,
}

/// Reads the words of one container.
pub(super) struct Reader<'a> {
    pod: &'a Pod,
    container: &'a Container,
}

impl<'a> Reader<'a> {
    pub(super) fn new(pod: &'a Pod, container: &'a Container) -> Self {
        Self { pod, container }
    }

    pub(super) fn elements(&self) -> Vec<Element<'a>> {
        let of = |field: &'static str, list: &'a [String]| {
            list.iter()
                .enumerate()
                .map(move |(index, text)| Element { at: self.at(field, index), text })
                .collect::<Vec<_>>()
        };
        let mut elements = of("command", &self.container.command);
        elements.extend(of("args", &self.container.args));
        elements
    }

    fn at(&self, field: &str, index: usize) -> String {
        let path = format!("spec.containers[{}].{field}[{index}]", self.container.index);
        let in_template = format!("spec.template.{path}");
        match self.pod.marks.get(&path).or_else(|| self.pod.marks.get(&in_template)) {
            Some(mark) => mark.clone(),
            None => format!("{} {path}", self.pod.at),
        }
    }

    /// The word that an element is.
    pub(super) fn element(&self, element: &Element<'_>) -> Vec<Piece> {
        self.expand(&split_element(element.text), element.text, &element.at, None)
    }

    /// The words that a word of a script becomes.
    pub(super) fn word(
        &self,
        word: &Word,
        raw: &str,
        at: &str,
        scope: &Scope,
        positional: &[Element<'_>],
    ) -> Vec<Piece> {
        if let [Part::Variable { name, .. }] = word.parts.as_slice()
            && (name == "@" || name == "*")
            && scope.positional.is_none()
        {
            return positional.iter().flat_map(|element| self.element(element)).collect();
        }
        self.expand(&word.parts, raw, at, Some(scope))
    }

    /// One word, or several where an unquoted variable holds a list of flags.
    fn expand(&self, parts: &[Part], written: &str, at: &str, scope: Option<&Scope>) -> Vec<Piece> {
        let mut text = Some(String::new());
        let mut leading = String::new();
        let mut hidden = false;
        let mut splits = false;
        let mut why_unknown = String::new();
        for part in parts {
            let piece = match part {
                // Kubernetes expands this before the shell sees its quotes.
                Part::Text(text) if scope.is_some() && text.contains("$(") => {
                    Err("it has a variable in quotes".to_owned())
                }
                Part::Text(text) => Ok((text.clone(), false)),
                Part::Variable { name, quoted } => {
                    splits |= scope.is_some() && !quoted;
                    self.variable(name, scope).and_then(|value| {
                        let one = *quoted || parts.len() == 1 || scope.is_none();
                        let plain = |c: char| !c.is_whitespace() && !"*?[".contains(c);
                        if one || value.0.chars().all(plain) {
                            Ok(value)
                        } else {
                            Err(format!("the shell splits the value of `{name}`"))
                        }
                    })
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
        let piece = |text: Option<String>, leading: String| Piece {
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
    fn variable(&self, name: &str, scope: Option<&Scope>) -> Result<(String, bool), String> {
        if let Some(scope) = scope {
            if name == "@" || name == "*" {
                return Err(match &scope.positional {
                    Some(why) => why.clone(),
                    None => "only the running shell knows it".into(),
                });
            }
            if let Some(assigned) = scope.assigned.get(name) {
                return assigned.clone().map(|value| (value, false));
            }
        }
        if name == REDACTED {
            return Err("only the running shell knows it".into());
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
