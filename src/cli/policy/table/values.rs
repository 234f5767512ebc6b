//! The values of a table, read so that nothing turns into something else on the way.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::Spanned;

use crate::analyze::policy::load::At;

/// Where a value was written.
pub(super) fn place<T>(spanned: &Spanned<T>) -> At {
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    At::new(number(spanned.referenced.line()), number(spanned.referenced.column()))
}

/// A text that must be written as one: `1.30` would lose its nought, and `yes` is not what it looks like.
#[derive(Debug)]
pub(super) struct Word(pub(super) String);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordVisitor).map(Word)
    }
}

struct WordVisitor;

impl Visitor<'_> for WordVisitor {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text; put it in quotes")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }
}

/// The rule that must decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Rule {
    /// This one, counted from 0.
    Nth(usize),
    /// No rule may match.
    None,
}

impl<'de> Deserialize<'de> for Rule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RuleVisitor)
    }
}

struct RuleVisitor;

impl Visitor<'_> for RuleVisitor {
    type Value = Rule;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the number of a rule, counted from 0, or `none` where no rule may match")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
        usize::try_from(number).map(Rule::Nth).map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
        let wrong = || E::invalid_value(de::Unexpected::Signed(number), &self);
        usize::try_from(number).map(Rule::Nth).map_err(|_| wrong())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        let number = text.strip_prefix("rules[").and_then(|text| text.strip_suffix(']'));
        match (text, number.and_then(|number| number.parse().ok())) {
            ("none", _) => Ok(Rule::None),
            (_, Some(number)) => Ok(Rule::Nth(number)),
            _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
        }
    }
}

/// A value or a list of such, with the places of the list's items.
#[derive(Debug)]
pub(super) struct OneOrMore<T>(pub(super) Vec<(Option<At>, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMore<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrMoreVisitor(std::marker::PhantomData))
    }
}

struct OneOrMoreVisitor<T>(std::marker::PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrMoreVisitor<T> {
    type Value = OneOrMore<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or a list; texts that could be something else stand in quotes")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        T::deserialize(de::value::StrDeserializer::new(text)).map(|one| OneOrMore(vec![(None, one)]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element::<Spanned<T>>()? {
            items.push((Some(place(&item)), item.value));
        }
        Ok(OneOrMore(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Self::Value, A::Error> {
        T::deserialize(de::value::MapAccessDeserializer::new(access)).map(|one| OneOrMore(vec![(None, one)]))
    }
}
