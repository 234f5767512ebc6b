//! Values with their variables replaced.

use crate::analyze::collectors::config::{Env, Variable};
use crate::analyze::fact::Fact;

/// A value in pieces, so that what is seen of it counts even if a variable in it is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value {
    raw: String,
    pub pieces: Vec<Piece>,
}

/// A piece of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Text that is seen.
    Text(String),
    /// A variable that is not seen; the reason.
    Unseen(String),
}

impl Value {
    /// A text before its variables are replaced.
    pub(super) fn of(raw: &str) -> Self {
        Self { raw: raw.to_owned(), pieces: vec![Piece::Text(raw.to_owned())] }
    }

    /// Replaces `${NAME}` and `${NAME:-default}`. What is not set is empty (fluent-bit docs: configuration variables).
    pub(super) fn resolve(&mut self, env: &Env) {
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut rest = self.raw.as_str();
        while let Some((before, after)) = rest.split_once("${") {
            let Some((inside, behind)) = after.split_once('}') else { break };
            text.push_str(before);
            let (name, default) = inside.split_once(":-").unwrap_or((inside, ""));
            match env.get(name) {
                Fact::Known(known) => match known.value.filter(|value| !value.is_empty()) {
                    Some(value) => text.push_str(&value),
                    None => text.push_str(default),
                },
                Fact::Unknown(unknown) => {
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                    pieces.push(Piece::Unseen(unknown.reason));
                }
            }
            rest = behind;
        }
        text.push_str(rest);
        pieces.push(Piece::Text(text));
        self.pieces = pieces;
    }

    /// The whole text.
    ///
    /// # Errors
    /// A variable in it is not seen; the reason.
    pub(super) fn known(&self) -> Result<String, String> {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(piece) => text.push_str(piece),
                Piece::Unseen(reason) => return Err(reason.clone()),
            }
        }
        Ok(text)
    }

    /// As it is written.
    pub(super) fn raw(&self) -> &str {
        &self.raw
    }

    /// Whether nothing is left of it: the program takes it as not set then.
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.iter().all(|piece| matches!(piece, Piece::Text(text) if text.is_empty()))
    }
}

/// The environment as the program has it: `HOSTNAME` is always set, to a name that is not seen.
pub(super) fn environment(env: &Env) -> Env {
    let mut env = env.clone();
    env.variables.entry("HOSTNAME".to_owned()).or_insert_with(|| {
        Variable::Hidden("the host's name, which is not seen".to_owned(), "the program's start".to_owned())
    });
    env
}
