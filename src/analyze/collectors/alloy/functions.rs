//! Functions of expressions (Alloy docs: reference/stdlib). Old names without a group are those of Grafana Agent.

use super::eval::Value;
use super::world::World;
use crate::analyze::fact::Fact;

/// How many items a list may come to.
const MAX_ITEMS: usize = 10_000;

/// What a function returns.
pub(super) fn call(world: &World<'_>, name: &str, arguments: Vec<Value>) -> Value {
    if let Some(Value::Unknown(why)) = arguments.iter().find(|value| matches!(value, Value::Unknown(_)))
        && !matches!(name, "coalesce" | "concat" | "array.concat")
    {
        return Value::Unknown(why.clone());
    }
    let texts: Option<Vec<&str>> = arguments
        .iter()
        .map(|value| match value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    match (name, texts.as_deref()) {
        ("env" | "sys.env", Some([variable])) => match world.config.env.get(variable) {
            Fact::Known(known) => Value::Text(known.value.unwrap_or_default()),
            Fact::Unknown(unknown) => Value::Unknown(unknown.reason),
        },
        ("to_lower" | "string.to_lower", Some([text])) => Value::Text(text.to_lowercase()),
        ("to_upper" | "string.to_upper", Some([text])) => Value::Text(text.to_uppercase()),
        ("trim_space" | "string.trim_space", Some([text])) => Value::Text(text.trim().to_owned()),
        ("trim_prefix" | "string.trim_prefix", Some([text, prefix])) => {
            Value::Text(text.strip_prefix(*prefix).unwrap_or(text).to_owned())
        }
        ("trim_suffix" | "string.trim_suffix", Some([text, suffix])) => {
            Value::Text(text.strip_suffix(*suffix).unwrap_or(text).to_owned())
        }
        ("split" | "string.split", Some([text, separator])) if !separator.is_empty() => Value::List(
            text.split(separator).take(MAX_ITEMS).map(|part| Value::Text(part.to_owned())).collect(),
        ),
        ("nonsensitive" | "convert.nonsensitive", _) => arguments.into_iter().next().unwrap_or(Value::Null),
        ("coalesce", _) => Value::first_set(arguments),
        ("concat" | "array.concat", _) => concat(arguments),
        ("join" | "string.join", _) => join(&arguments),
        ("format" | "string.format", _) => format(&arguments),
        _ => Value::Unknown(format!("the function {} is not computed here", super::super::loki::brief(name))),
    }
}

/// Lists one after the other. What components export stays in it as it is: it is a list when the program runs.
fn concat(arguments: Vec<Value>) -> Value {
    let mut items = Vec::new();
    for argument in arguments {
        match argument {
            Value::List(more) => items.extend(more),
            Value::Null => {}
            other => items.push(other),
        }
        if items.len() > MAX_ITEMS {
            return Value::Unknown("a list with more items than are followed".into());
        }
    }
    Value::List(items)
}

fn join(arguments: &[Value]) -> Value {
    match arguments {
        [items, Value::Text(separator)] => match items.texts() {
            Ok(items) => Value::Text(items.join(separator)),
            Err(why) => Value::Unknown(why),
        },
        _ => Value::Unknown("join is not given a list and a text".into()),
    }
}

/// `%s`, `%d` and `%v` with values as they are.
fn format(arguments: &[Value]) -> Value {
    let Some((Value::Text(pattern), values)) = arguments.split_first() else {
        return Value::Unknown("format is not given a text".into());
    };
    let mut values = values.iter();
    let mut pieces = pattern.split('%');
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let rest = piece.strip_prefix(['s', 'd', 'v']);
        match (rest, values.next().map(Value::text)) {
            (Some(rest), Some(Ok(text))) => {
                out.push_str(&text);
                out.push_str(rest);
            }
            (_, Some(Err(why))) => return Value::Unknown(why),
            _ => return Value::Unknown("a format that is not computed here".into()),
        }
    }
    Value::Text(out)
}
