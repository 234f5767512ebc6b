//! Objects with parameters, and what is skipped because it says nothing about where records go.

use super::scan::Words;
use super::value::{Params, Value};
use crate::analyze::collectors::config::Env;
use crate::analyze::collectors::dialect::Unreadable;
use crate::analyze::collectors::scan::Scanner;

/// The parameter of an action that an old directive stands for.
pub(super) fn action_setting(directive: &str) -> Option<&'static str> {
    Some(match directive {
        "actionqueuetype" => "queue.type",
        "actionqueuefilename" => "queue.filename",
        "actionqueuesaveonshutdown" => "queue.saveonshutdown",
        "actionresumeretrycount" => "action.resumeretrycount",
        "actionexeconlywhenpreviousissuspended" => "action.execonlywhenpreviousissuspended",
        "actionsendstreamdriver" => "streamdriver",
        "actionsendstreamdrivermode" => "streamdrivermode",
        "actionsendstreamdriverauthmode" => "streamdriverauthmode",
        "actionsendstreamdriverpermittedpeer" => "streamdriverpermittedpeers",
        _ => return None,
    })
}

/// `name(key="value" …)`.
pub(super) fn object(scanner: &mut Scanner<'_>, at: String, env: &Env) -> Result<Params, Unreadable> {
    scanner.take_while(|c| c != '(');
    scanner.expect("(")?;
    let mut params = Params { at, entries: Vec::new() };
    loop {
        scanner.spacing();
        if scanner.skip(")") {
            return Ok(params);
        }
        let at = scanner.file.place(scanner.line);
        let key =
            scanner.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '$' | '@'));
        if key.is_empty() {
            return Err(scanner.fault("a parameter or ) is expected here"));
        }
        scanner.expect("=")?;
        scanner.spacing();
        let value = match scanner.peek() {
            Some('[') => {
                scanner.take(1);
                Value::List(list(scanner)?)
            }
            Some('`') => Value::of_echo(&scanner.quoted('`')?, env),
            Some(quote @ ('"' | '\'')) => Value::Text(scanner.quoted(quote)?),
            _ => {
                let word = scanner.take_while(|c| !c.is_ascii_whitespace() && !matches!(c, ')' | ','));
                if word.is_empty() {
                    return Err(scanner.fault("a value is expected here"));
                }
                Value::Text(word.to_owned())
            }
        };
        params.entries.push((key.to_ascii_lowercase(), value, at));
        scanner.spacing();
        scanner.skip(",");
    }
}

fn list(scanner: &mut Scanner<'_>) -> Result<Vec<String>, Unreadable> {
    let mut items = Vec::new();
    loop {
        scanner.spacing();
        match scanner.peek() {
            Some(']') => {
                scanner.take(1);
                return Ok(items);
            }
            Some(quote @ ('"' | '\'')) => items.push(scanner.quoted(quote)?),
            _ => return Err(scanner.fault("an element of a list is expected here")),
        }
        scanner.spacing();
        scanner.skip(",");
    }
}

pub(super) fn skip_braces(scanner: &mut Scanner<'_>) -> Result<(), Unreadable> {
    let mut depth = 1_usize;
    while depth > 0 {
        scanner.spacing();
        match scanner.peek() {
            None => return Err(scanner.fault("a block does not end")),
            Some(quote @ ('"' | '\'')) => {
                scanner.quoted(quote)?;
            }
            Some('{') => {
                scanner.take(1);
                depth += 1;
            }
            Some('}') => {
                scanner.take(1);
                depth -= 1;
            }
            Some(c) => {
                scanner.take(c.len_utf8());
            }
        }
    }
    Ok(())
}

pub(super) fn until_semicolon(scanner: &mut Scanner<'_>) -> Result<(), Unreadable> {
    loop {
        scanner.spacing();
        match scanner.peek() {
            None => return Err(scanner.fault("; is expected before the end")),
            Some(quote @ ('"' | '\'')) => {
                scanner.quoted(quote)?;
            }
            Some(';') => {
                scanner.take(1);
                return Ok(());
            }
            Some(c) => {
                scanner.take(c.len_utf8());
            }
        }
    }
}
