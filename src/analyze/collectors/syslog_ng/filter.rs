//! What filters let pass (syslog-ng: `lib/filter/filter-expr-grammar.ym`).

use std::cell::Cell;

use super::driver::Driver;
use super::node::{Node, What};
use crate::analyze::collectors::model::{Effect, NamespaceMatch, NamespaceRule, Pattern, Step};

/// How deep conditions may be nested, filters they refer to included.
const MAX_DEPTH: usize = 64;

/// How many words and groups the conditions of a configuration may come to, each filter counted as often as it is referred to.
const MAX_NODES: usize = 200_000;

/// What a condition comes to.
#[derive(Debug, Clone)]
pub(super) enum Meaning {
    /// It always holds.
    Everything,
    /// It never holds.
    Nothing,
    /// It holds for records of these namespaces.
    Only(Vec<NamespaceMatch>),
    /// It holds for records of others.
    Except(Vec<NamespaceMatch>),
    /// It holds for some records, by what they say.
    Some,
    /// It cannot be told; the reason.
    Unclear(String),
}

/// A condition: all of these hold.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    pub(super) at: String,
    pub(super) all: Vec<Meaning>,
}

impl Meaning {
    fn not(self) -> Self {
        match self {
            Self::Everything => Self::Nothing,
            Self::Nothing => Self::Everything,
            Self::Only(names) => Self::Except(names),
            Self::Except(names) => Self::Only(names),
            other => other,
        }
    }

    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Everything, _) | (_, Self::Everything) => Self::Everything,
            (Self::Nothing, one) | (one, Self::Nothing) => one,
            (Self::Only(mut names), Self::Only(more)) => {
                names.extend(more);
                Self::Only(names)
            }
            (Self::Unclear(why), _) | (_, Self::Unclear(why)) => Self::Unclear(why),
            _ => Self::Some,
        }
    }
}

impl Condition {
    /// The steps of records for which it holds.
    pub(super) fn steps(&self) -> Vec<Step> {
        self.all.iter().filter_map(|one| step(&self.at, one, "meets")).collect()
    }

    /// The steps of those for which it does not.
    pub(super) fn otherwise(&self) -> Vec<Step> {
        let not = self.all.iter().cloned().map(Meaning::not).reduce(Meaning::or).unwrap_or(Meaning::Nothing);
        step(&self.at, &not, "does not meet").into_iter().collect()
    }

    /// All of it as one meaning.
    fn whole(self) -> Meaning {
        let not = self.all.into_iter().map(Meaning::not).reduce(Meaning::or);
        not.map_or(Meaning::Everything, Meaning::not)
    }
}

fn step(at: &str, meaning: &Meaning, which: &str) -> Option<Step> {
    let mut what = format!("only what {which} the condition at {at}");
    let effect = match meaning {
        Meaning::Everything => return None,
        Meaning::Nothing => Effect::DropsAll,
        Meaning::Only(names) => {
            Effect::Namespaces(NamespaceRule { only: Some(names.clone()), except: Vec::new() })
        }
        Meaning::Except(names) => Effect::Namespaces(NamespaceRule { only: None, except: names.clone() }),
        Meaning::Some => Effect::DropsSome,
        Meaning::Unclear(why) => {
            what = format!("{what}, which cannot be told: {why}");
            Effect::Unclear
        }
    };
    Some(Step { at: at.to_owned(), what, effect })
}

/// Reads a condition; `named` knows the filters that others refer to, `walked` how much of all conditions has been read.
pub(super) fn condition<'n, 'a>(
    nodes: &'n [Node<'a>],
    at: &str,
    named: &dyn Fn(&str) -> Option<&'n [Node<'a>]>,
    walked: &Cell<usize>,
) -> Condition {
    Condition { at: at.to_owned(), all: Reader { named, walked }.all(nodes, 0) }
}

struct Reader<'r, 'n, 'a> {
    named: &'r dyn Fn(&str) -> Option<&'n [Node<'a>]>,
    walked: &'r Cell<usize>,
}

impl<'n, 'a> Reader<'_, 'n, 'a> {
    /// `and` binds closer than `or`.
    fn all(&self, nodes: &'n [Node<'a>], depth: usize) -> Vec<Meaning> {
        self.walked.set(self.walked.get().saturating_add(nodes.len() + 1));
        if depth > MAX_DEPTH || self.walked.get() > MAX_NODES {
            return vec![Meaning::Unclear(
                "conditions refer to each other, are nested too deep or are too many".into(),
            )];
        }
        let nodes = match nodes.split_last() {
            Some((last, before)) if matches!(last.what, What::End) => before,
            _ => nodes,
        };
        let any: Vec<&[Node<'_>]> = nodes.split(|node| is_word(node, "or")).collect();
        let all = |part: &'n [Node<'a>]| -> Vec<Meaning> {
            part.split(|node| is_word(node, "and")).flat_map(|one| self.one(one, depth)).collect()
        };
        match any.as_slice() {
            [one] => all(one),
            several => {
                let whole = |part: &&'n [Node<'a>]| Condition { at: String::new(), all: all(part) }.whole();
                several.iter().map(whole).reduce(Meaning::or).into_iter().collect()
            }
        }
    }

    fn one(&self, nodes: &'n [Node<'a>], depth: usize) -> Vec<Meaning> {
        match nodes {
            [not, rest @ ..] if is_word(not, "not") => {
                let all = self.one(rest, depth + 1);
                vec![Condition { at: String::new(), all }.whole().not()]
            }
            [group] if group.round().is_some() => self.all(group.round().unwrap_or_default(), depth + 1),
            [name, args] if args.round().is_some() => {
                let Some(word) = name.word() else { return vec![Meaning::Some] };
                let args = Driver { spot: name.spot, args: args.round().unwrap_or_default() };
                if word == "filter" {
                    let named = args.value().ok().flatten().and_then(|(name, _)| (self.named)(&name));
                    return match named {
                        Some(nodes) => self.all(nodes, depth + 1),
                        None => vec![Meaning::Unclear("a filter it refers to is not in what is seen".into())],
                    };
                }
                vec![function(&word, args)]
            }
            [left, operator, right] => vec![comparison(left, operator, right)],
            [] => vec![Meaning::Everything],
            _ => vec![Meaning::Some],
        }
    }
}

fn is_word(node: &Node<'_>, word: &str) -> bool {
    matches!(&node.what, What::Word(Ok(text)) if text.eq_ignore_ascii_case(word))
}

fn function(name: &str, args: Driver<'_, '_>) -> Meaning {
    match name {
        "level" | "priority" => {
            let whole = |text: &str| matches!(text, "debug..emerg" | "emerg..debug" | "0..7" | "7..0");
            let values = args.values();
            if values.iter().any(|(text, _)| text.as_ref().is_ok_and(|text| whole(text))) {
                Meaning::Everything
            } else {
                untold(name)
            }
        }
        "facility" => untold(name),
        "match" => namespace(args).unwrap_or(Meaning::Some),
        _ => Meaning::Some,
    }
}

/// What a program writes to a file has no level and no facility of its own: its source or a parser gives it one.
fn untold(name: &str) -> Meaning {
    Meaning::Unclear(format!("which {name} the records have"))
}

/// `match("pattern" value(".k8s.namespace_name") type("string"))`.
fn namespace(args: Driver<'_, '_>) -> Option<Meaning> {
    if !is_namespace(&args.plain("value").or_else(|| args.plain("template"))?) {
        return None;
    }
    let (pattern, at) = match args.value() {
        Ok(found) => found?,
        Err(why) => return Some(Meaning::Unclear(why)),
    };
    let flags = args.words("flags");
    let pattern = match args.plain("type").unwrap_or_else(|| "pcre".into()).as_str() {
        "string" if flags.is_empty() => Pattern::Name(pattern),
        "glob" if flags.is_empty() => Pattern::Glob(pattern),
        "pcre" if flags.is_empty() => Pattern::Regex(pattern),
        kind => Pattern::Unclear(format!("the pattern {pattern} of type {kind} with flags at {at}")),
    };
    Some(Meaning::Only(vec![NamespaceMatch { at, pattern }]))
}

/// `"${.k8s.namespace_name}" eq "kube-system"`.
fn comparison(left: &Node<'_>, operator: &Node<'_>, right: &Node<'_>) -> Meaning {
    let name = |node: &Node<'_>| match node.text() {
        Some(Ok(text)) => {
            let inner = text.strip_prefix("${").and_then(|text| text.strip_suffix('}'));
            inner.or_else(|| text.strip_prefix('$')).is_some_and(is_namespace)
        }
        _ => false,
    };
    let value = match (name(left), name(right)) {
        (true, false) => right,
        (false, true) => left,
        _ => return Meaning::Some,
    };
    let (Some(Ok(text)), Some(Ok(operator))) = (value.text(), operator.text()) else {
        return Meaning::Unclear("what the namespace is compared with is not known".into());
    };
    if text.contains('$') {
        return Meaning::Some;
    }
    let names = vec![NamespaceMatch { at: value.spot.at(), pattern: Pattern::Name(text.clone()) }];
    match operator.as_str() {
        "eq" | "==" | "===" => Meaning::Only(names),
        "ne" | "!=" | "!==" => Meaning::Except(names),
        _ => Meaning::Some,
    }
}

/// Metadata of Kubernetes have different prefixes, and delimiters that can be chosen.
fn is_namespace(name: &str) -> bool {
    name.ends_with("namespace_name")
        && name.strip_suffix("namespace_name").is_some_and(|prefix| {
            prefix.is_empty() || prefix.ends_with(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        })
}
