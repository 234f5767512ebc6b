//! A driver with its options as facts: what is set, the default, or why it is not known.

use super::node::{Node, Spot, Text, What};
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// `network("host" port(514))`, or an option with options of its own.
#[derive(Clone, Copy)]
pub(super) struct Driver<'n, 'a> {
    pub(super) spot: Spot<'a>,
    pub(super) args: &'n [Node<'a>],
}

/// A value that is set, and where.
pub(super) type Found = Result<Option<(String, String)>, String>;

impl<'n, 'a> Driver<'n, 'a> {
    /// A driver and its name; none if this is not the form of one.
    pub(super) fn of(item: &'n [Node<'a>]) -> Option<(String, Self)> {
        match item {
            [name, args] => Some((name.word()?, Self { spot: name.spot, args: args.round()? })),
            _ => None,
        }
    }

    pub(super) fn at(&self) -> String {
        self.spot.at()
    }

    /// An option; of one given twice the last counts.
    pub(super) fn option(&self, name: &str) -> Option<Self> {
        let pairs = self.args.iter().zip(self.args.iter().skip(1)).rev();
        pairs
            .filter_map(|(word, group)| Some((word, word.word()?, group.round()?)))
            .find(|(_, word, _)| word == name)
            .map(|(word, _, args)| Self { spot: word.spot, args })
    }

    /// What stands for itself, not as the name of an option.
    pub(super) fn values(&self) -> Vec<(&'n Text, String)> {
        let next = self.args.iter().skip(1).map(Some).chain(std::iter::once(None));
        let is_name = |next: Option<&Node<'_>>| next.is_some_and(|next| matches!(next.what, What::Round(_)));
        let alone = self.args.iter().zip(next).filter(|(_, next)| !is_name(*next));
        alone.filter_map(|(node, _)| Some((node.text()?, node.spot.at()))).collect()
    }

    /// The first of them.
    pub(super) fn value(&self) -> Found {
        match self.values().into_iter().next() {
            None => Ok(None),
            Some((Ok(text), at)) => Ok(Some((text.clone(), at))),
            Some((Err(why), at)) => Err(format!("the value at {at} is not known: {why}")),
        }
    }

    /// The value of an option.
    pub(super) fn get(&self, name: &str) -> Found {
        self.option(name).map_or(Ok(None), |option| option.value())
    }

    /// The value of an option, if it is known.
    pub(super) fn plain(&self, name: &str) -> Option<String> {
        self.get(name).ok().flatten().map(|(value, _)| value)
    }

    /// The values of an option that are known, in lower case: `flags(no-parse, flow-control)`.
    pub(super) fn words(&self, name: &str) -> Vec<String> {
        let values = self.option(name).map(|option| option.values()).unwrap_or_default();
        values.into_iter().filter_map(|(text, _)| text.as_ref().ok()).map(|text| normal(text)).collect()
    }

    /// The value of a pair `"key" => "value"` among the arguments, or of an option of this name.
    pub(super) fn pair(&self, key: &str) -> Found {
        let triples = self.args.windows(3).filter_map(|triple| match triple {
            [name, arrow, value] => Some((name.text()?, arrow.text()?, value)),
            _ => None,
        });
        let is_arrow = |text: &Text| text.as_ref().is_ok_and(|text| text == "=>");
        for (name, arrow, value) in triples {
            if is_arrow(arrow) && name.as_ref().is_ok_and(|name| name == key) {
                return match value.text() {
                    Some(Ok(text)) => Ok(Some((text.clone(), value.spot.at()))),
                    Some(Err(why)) => Err(why.clone()),
                    None => Err(format!("{key} at {} is computed", value.spot.at())),
                };
            }
        }
        self.get(key)
    }

    pub(super) fn fact<T>(&self, value: T, detail: impl Into<String>) -> Fact<T> {
        Fact::at(value, Rank::Configured, self.at(), detail)
    }

    /// A switch.
    pub(super) fn flag(&self, name: &str, default: bool) -> Fact<bool> {
        let word = |on| if on { "on" } else { "off" };
        match self.get(name) {
            Err(why) => Fact::unknown(why),
            Ok(None) => self.fact(default, format!("{name} is not set; the default is {}", word(default))),
            Ok(Some((value, at))) => match normal(&value).as_str() {
                "yes" | "on" | "1" | "true" => {
                    Fact::at(true, Rank::Configured, at, format!("{name}({value})"))
                }
                "no" | "off" | "0" | "false" => {
                    Fact::at(false, Rank::Configured, at, format!("{name}({value})"))
                }
                _ => Fact::unknown(format!("{name} at {at} is neither on nor off")),
            },
        }
    }

    /// Whether one of several options is set to anything but an empty text, which shows who the sender is. Values are not
    /// told.
    pub(super) fn identity(&self, names: &[&str]) -> Fact<bool> {
        let is_empty = |node: &Node<'_>| matches!(node.text(), Some(Ok(text)) if text.is_empty());
        let mut set = names.iter().filter_map(|name| Some((name, self.option(name)?)));
        match set.find(|(_, option)| !option.args.iter().all(is_empty)) {
            Some((name, option)) => option.fact(true, format!("{name} is set")),
            None => self.fact(false, format!("none of {} is set", names.join(", "))),
        }
    }
}

/// Words are the same with `-` and `_`, and switches in every case.
fn normal(word: &str) -> String {
    word.replace('_', "-").to_ascii_lowercase()
}

/// A size with its unit: `64k`, `8MiB`.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    let binary = unit.to_ascii_lowercase().contains('i');
    let power = match unit.to_ascii_lowercase().chars().next() {
        None | Some('b') => 0,
        Some('k') => 1,
        Some('m') => 2,
        Some('g') => 3,
        Some(_) => return None,
    };
    number.checked_mul(if binary { 1024_u64 } else { 1000 }.pow(power))
}
