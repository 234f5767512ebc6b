//! Words after the program's name into flags, as pflag and cobra read them.

use super::words::Piece;
use super::{Arguments, Given, Value};
use crate::snapshot::redact::{REDACTED, STRAY, takes_next};

/// Reads the words of one command.
pub(super) fn parse_flags(words: &[Piece], arguments: &mut Arguments) {
    let mut index = 0;
    let mut flags_ended = false;
    while let Some(piece) = words.get(index) {
        index += 1;
        let Piece { text, leading, why_unknown, written, .. } = piece;
        if text.is_none()
            && (leading.is_empty() || !leading.starts_with('-') || !flags_ended && !known_name(leading))
        {
            arguments.open.get_or_insert_with(|| {
                format!("`{written}` in the command line may add arguments ({why_unknown}); grant `get` on the nonResourceURL `/flagz` to read the effective ones")
            });
            continue;
        }
        if text.as_deref() == Some("--") {
            flags_ended = true;
        } else if flags_ended || !leading.starts_with('-') || leading == "-" {
            positional(piece, flags_ended, arguments);
        } else if let Some(rest) = leading.strip_prefix("--") {
            long(piece, rest, words.get(index), &mut index, arguments);
        } else if let Some(rest) = leading.strip_prefix("-v") {
            verbosity(piece, rest, words.get(index), &mut index, arguments);
        } else {
            // One dash makes a shorthand, and the server has no other than `-v` and `-h`: the dash stays in the name.
            let name = leading.split('=').next().unwrap_or_default();
            let name = if name == "-h" { "h".to_owned() } else { name.to_owned() };
            push(piece, name, Value::Bare, shown(piece), arguments);
        }
    }
}

/// Whether what is known of a word says which flag it is.
fn known_name(leading: &str) -> bool {
    leading.contains('=') || leading.starts_with("-v")
}

fn shown(piece: &Piece) -> String {
    match &piece.text {
        Some(text) if !piece.hidden => text.clone(),
        _ => piece.written.clone(),
    }
}

fn push(piece: &Piece, name: String, value: Value, written: String, arguments: &mut Arguments) {
    arguments.given.push(Given { name, value, at: piece.at.clone(), written });
}

/// The value that a piece of text is.
fn value_of(text: &str, hidden: bool) -> Value {
    if text.contains(REDACTED) {
        Value::Unreadable("its value is not kept".into())
    } else if hidden {
        Value::Hidden(text.to_owned())
    } else {
        Value::Text(text.to_owned())
    }
}

fn long(piece: &Piece, rest: &str, next: Option<&Piece>, index: &mut usize, arguments: &mut Arguments) {
    let (name, inline) = match rest.split_once('=') {
        Some((name, _)) => (name, true),
        None => (rest, false),
    };
    if name.is_empty() || name.starts_with('-') || name.contains(char::is_whitespace) {
        let first = name.split_whitespace().next().unwrap_or_default();
        let problem = if first.is_empty() || first.contains(REDACTED) || piece.hidden {
            "an element of the command line is no flag that kube-apiserver can read".to_owned()
        } else {
            format!(
                "--{first} and its value stand in one element with a space between them: write --{first}=value"
            )
        };
        push(piece, String::new(), Value::Unreadable(problem), shown(piece), arguments);
        return;
    }
    let name = name.replace('_', "-");
    let mut written = shown(piece);
    let value = match &piece.text {
        None => Value::Unreadable(piece.why_unknown.clone()),
        Some(text) if inline => value_of(text.split_once('=').map_or("", |(_, value)| value), piece.hidden),
        Some(_) => match next {
            Some(next) if takes_next(&name, if next.hidden { "" } else { &next.leading }) => {
                // In a script a variable may hold several words, and the flag may be a boolean that is not listed.
                if next.text.is_none() && next.written.starts_with('$') && !next.written.starts_with("$(") {
                    arguments.open.get_or_insert_with(|| {
                        format!(
                            "`{}` in the command line may add arguments ({})",
                            next.written, next.why_unknown
                        )
                    });
                }
                *index += 1;
                written = format!("{written} {}", shown(next));
                match &next.text {
                    Some(text) => value_of(text, next.hidden),
                    None => Value::Unreadable(next.why_unknown.clone()),
                }
            }
            _ => Value::Bare,
        },
    };
    push(piece, name, value, written, arguments);
}

/// The only shorthand of kube-apiserver that matters here: verbosity, as `-v=2`, `-v2` or `-v 2`.
fn verbosity(piece: &Piece, rest: &str, next: Option<&Piece>, index: &mut usize, arguments: &mut Arguments) {
    let value = match &piece.text {
        None => Value::Unreadable(piece.why_unknown.clone()),
        Some(_) if rest.is_empty() => match next {
            Some(next) => {
                *index += 1;
                match &next.text {
                    Some(text) => value_of(text, next.hidden),
                    None => Value::Unreadable(next.why_unknown.clone()),
                }
            }
            None => Value::Bare,
        },
        Some(_) => value_of(rest.strip_prefix('=').unwrap_or(rest), piece.hidden),
    };
    push(piece, "v".into(), value, shown(piece), arguments);
}

/// kube-apiserver takes no words beside its flags, but for empty ones (`cmd/kube-apiserver/app/server.go`, `Args`).
fn positional(piece: &Piece, flags_ended: bool, arguments: &mut Arguments) {
    let Some(text) = &piece.text else { return };
    if text.is_empty() {
        return;
    }
    if text == REDACTED && !flags_ended {
        arguments
            .open
            .get_or_insert_with(|| "a word of the command line is not kept, and may have been a flag".into());
        return;
    }
    let problem = match text.strip_prefix(['–', '—', '−', '‐', '‑']) {
        Some(rest) if !piece.hidden && !rest.contains(REDACTED) => {
            let name = rest.trim_start_matches(['-', '–', '—', '−', '‐', '‑']);
            let name = name.split(['=', ' ']).next().unwrap_or_default();
            format!(
                "--{name} is written with a dash that is no hyphen, so that the server takes it for a word"
            )
        }
        _ => "kube-apiserver takes no words beside its flags".to_owned(),
    };
    let written =
        if text == STRAY || piece.hidden { "a word that is no flag".to_owned() } else { shown(piece) };
    push(piece, String::new(), Value::Unreadable(problem), written, arguments);
}
