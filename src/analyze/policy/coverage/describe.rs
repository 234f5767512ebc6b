//! Parts of an answer in words.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::rc::Rc;

use schemars::JsonSchema;
use serde::Serialize;

use super::super::catalogue::Who;
use super::cells::Values;
use super::identity::{Everyone, Identity, Kind, NODES};
use super::walk::{Block, Census, Outcome, Part, Sender};

/// Which values of a dimension are meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Span {
    /// Every one.
    Any,
    /// Every one but these.
    Except(Vec<String>),
    /// There is none: objects without a namespace, requests without a name.
    None,
    /// These.
    These(Vec<String>),
}

impl Span {
    pub(super) fn of(values: &Values) -> Self {
        let named: Vec<String> = values.named.iter().filter(|value| !value.is_empty()).cloned().collect();
        match &values.other {
            Some(_) if values.elsewhere.is_empty() => Self::Any,
            Some(_) => {
                Self::Except(values.elsewhere.iter().filter(|value| !value.is_empty()).cloned().collect())
            }
            None if named.is_empty() => Self::None,
            None => Self::These(named),
        }
    }

    /// As an addition to a sentence: ` in namespaces kube-system`; empty for any and none.
    pub fn in_namespaces(&self) -> String {
        match self {
            Self::Any | Self::None => String::new(),
            Self::Except(values) if values.is_empty() => " in any namespace".to_owned(),
            Self::Except(values) => format!(" in namespaces other than {}", shortened(values)),
            Self::These(values) => format!(" in {}", shortened(values)),
        }
    }

    /// As an addition to a sentence: ` named a, b`; empty for any and none.
    pub fn with_names(&self) -> String {
        match self {
            Self::Any | Self::None => String::new(),
            Self::Except(values) if values.is_empty() => " by name".to_owned(),
            Self::Except(values) => format!(" not named {}", shortened(values)),
            Self::These(values) => format!(" named {}", shortened(values)),
        }
    }
}

/// The first few of a list, and how many more there are.
pub(super) fn shortened(list: &[String]) -> String {
    const SHOWN: usize = 6;
    let words = |list: &[String]| list.iter().map(|word| clipped(word)).collect::<Vec<_>>().join(", ");
    match list.get(..SHOWN) {
        Some(first) if list.len() > SHOWN + 1 => format!("{} and {} more", words(first), list.len() - SHOWN),
        _ => words(list),
    }
}

/// A word as it is, unless it is longer than any name that means something.
fn clipped(word: &str) -> Cow<'_, str> {
    const LONGEST: usize = 120;
    match word.char_indices().nth(LONGEST) {
        Some((end, _)) => Cow::Owned(format!("{}…", word.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(word),
    }
}

/// Who the senders of a part are, shortest first: whole kinds before groups before single users.
pub(super) fn senders<const N: usize>(
    everyone: &Everyone,
    cell: &Block<N>,
    part: &Part<N>,
    asked: &[Who],
) -> Rc<[String]> {
    Rc::clone(part.words.get_or_init(|| words(everyone, cell, part, asked).into()))
}

fn words<const N: usize>(everyone: &Everyone, cell: &Block<N>, part: &Part<N>, asked: &[Who]) -> Vec<String> {
    let census = cell.census.get_or_init(|| Census::of(everyone, &cell.parts));
    let mut numbered: Vec<(usize, &Sender)> = part.identities().collect();
    numbered.sort_by_key(|(identity, _)| *identity);
    let of = |(identity, sender)| Some((everyone.identities.get(identity)?, sender));
    let mine: Vec<(&Identity, &Sender)> = numbered.into_iter().filter_map(of).collect();
    let free = |kind: Kind| {
        mine.iter().any(|(identity, sender)| {
            identity.kind == kind
                && identity.fresh
                && sender.joins.is_empty()
                && identity.namespace.as_ref().is_none_or(|(_, known)| !known)
        })
    };
    // Whether others of the kind fare otherwise.
    let is_split = |kind: Kind| census.kinds.get(&kind).is_some_and(|parts| *parts > 1);
    let other = |kind: Kind| if is_split(kind) { "other " } else { "" };

    // A kind of which all requests are left aside is not missed.
    let is_left_aside = |kind: Kind| {
        let mut others =
            cell.parts.iter().filter(|other| !matches!(other.outcomes.first(), Some(Outcome::Excluded(_))));
        !others.any(|other| other.identities().filter_map(of).any(|(identity, _)| identity.kind == kind))
    };
    let asks = |who: Who| asked.contains(&who);
    let all = |kind: Kind| free(kind) || kind == Kind::Node && is_left_aside(kind);
    let logged_in = [Kind::Person, Kind::ServiceAccount, Kind::Node];
    if asks(Who::Person) && asks(Who::ServiceAccount) && asks(Who::Node) && logged_in.into_iter().all(all) {
        let whole = if asks(Who::Anonymous) && !free(Kind::Anonymous) {
            "everyone who is logged in"
        } else {
            "everyone"
        };
        let is_rest = cell.parts.len() > 1 && logged_in.into_iter().any(|kind| is_split(kind) || !free(kind));
        return vec![format!("{whole}{}", if is_rest { " else" } else { "" })];
    }

    let mut words = Vec::new();
    if free(Kind::Person) {
        words.push(format!("{}people", other(Kind::Person)));
    } else {
        people(everyone, &mine, &mut words);
        // Whoever else is in the group of nodes goes with them.
        if free(Kind::Node) {
            words.retain(|words| *words != format!("members of {NODES}"));
        }
    }
    if free(Kind::ServiceAccount) {
        words.push(format!("{}service accounts", other(Kind::ServiceAccount)));
    } else {
        accounts(census, &mine, &mut words);
    }
    if free(Kind::Node) {
        words.push(format!("{}nodes (system:nodes)", other(Kind::Node)));
    } else {
        let named = mine.iter().filter(|(identity, _)| identity.kind == Kind::Node);
        words.extend(named.filter_map(|(identity, _)| identity.user.clone()));
    }
    if free(Kind::Anonymous) {
        words.push("anonymous requests (system:unauthenticated)".to_owned());
    }
    if free(Kind::FailedAuthentication) {
        words.push("requests with refused credentials (401)".to_owned());
    }
    words
}

/// People by groups and names.
fn people(everyone: &Everyone, mine: &[(&Identity, &Sender)], words: &mut Vec<String>) {
    let people = || mine.iter().filter(|(identity, _)| identity.kind == Kind::Person);
    let mut by_group: BTreeSet<&str> = BTreeSet::new();
    for (_, sender) in people().filter(|(identity, _)| identity.fresh) {
        by_group.extend(group_names(everyone, sender));
    }
    words.extend(by_group.iter().map(|group| format!("members of {group}")));
    for (identity, sender) in people().filter(|(identity, _)| !identity.fresh) {
        let Some(user) = &identity.user else { continue };
        if sender.joins.is_empty() {
            words.push(user.clone());
            continue;
        }
        let mut groups = group_names(everyone, sender).filter(|group| !by_group.contains(group)).peekable();
        if groups.peek().is_some() {
            words.push(format!("{user} as a member of {}", groups.collect::<Vec<_>>().join(" or ")));
        }
    }
}

fn group_names<'e>(everyone: &'e Everyone, sender: &Sender) -> impl Iterator<Item = &'e str> {
    let numbers: Vec<usize> = sender.joins.iter().flat_map(|join| join.ones().collect::<Vec<_>>()).collect();
    numbers.into_iter().filter_map(|number| everyone.groups.get(number)).map(String::as_str)
}

/// Service accounts by namespace and name.
fn accounts(census: &Census, mine: &[(&Identity, &Sender)], words: &mut Vec<String>) {
    let accounts =
        || mine.iter().map(|(identity, _)| identity).filter(|identity| identity.kind == Kind::ServiceAccount);
    let mut whole: BTreeSet<&str> = BTreeSet::new();
    for (namespace, _) in
        accounts().filter(|identity| identity.fresh).filter_map(|identity| identity.namespace.as_ref())
    {
        whole.insert(namespace);
        let is_split = census.namespaces.get(namespace).is_some_and(|parts| *parts > 1);
        let other = if is_split { "other " } else { "" };
        words.push(format!("{other}service accounts in {namespace}"));
    }
    for identity in accounts().filter(|identity| !identity.fresh) {
        let in_whole = identity.namespace.as_ref().is_some_and(|(of, _)| whole.contains(of.as_str()));
        if !in_whole {
            words.extend(identity.user.clone());
        }
    }
}
