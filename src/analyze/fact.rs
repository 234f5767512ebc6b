//! A fact: known, with what shows it, or unknown, with the reason.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};
use serde_json::json;

use crate::verdict::{Evidence, Rank};

/// The key by which [`super::tree`] recognises a fact in the serialised facts. No field may have this name.
pub(super) const MARKER: &str = "$fact";

/// The extension that marks a fact in the JSON Schema of the facts: expressions over it may turn out unknown.
pub const SCHEMA_MARKER: &str = "x-fact";

/// A value that is known with its evidence, or unknown with a reason.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact<T> {
    /// It is known.
    Known(Known<T>),
    /// It is not known.
    Unknown(Unknown),
}

/// A known value and what shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Known<T> {
    /// The value.
    pub value: T,
    /// Where it was seen.
    pub evidence: Vec<Evidence>,
    /// How direct the evidence is.
    pub rank: Rank,
}

/// Why a value is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// The reason, and how to obtain the evidence.
    pub reason: String,
}

impl<T> Fact<T> {
    /// A known value.
    pub fn known(value: T, rank: Rank, evidence: Vec<Evidence>) -> Self {
        Self::Known(Known { value, evidence, rank })
    }

    /// A value seen in one place.
    pub fn at(value: T, rank: Rank, at: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::known(value, rank, vec![Evidence { at: at.into(), detail: detail.into() }])
    }

    /// An unknown value.
    pub fn unknown(reason: impl Into<String>) -> Self {
        Self::Unknown(Unknown { reason: reason.into() })
    }

    /// The value, if it is known.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Known(known) => Some(&known.value),
            Self::Unknown(_) => None,
        }
    }

    /// Why it is not known, if it is not.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Known(_) => None,
            Self::Unknown(unknown) => Some(&unknown.reason),
        }
    }

    /// The same evidence for a value computed from this one.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Fact<U> {
        match self {
            Self::Known(Known { value, evidence, rank }) => {
                Fact::Known(Known { value: f(value), evidence, rank })
            }
            Self::Unknown(unknown) => Fact::Unknown(unknown),
        }
    }

    /// The next fact, which rests on this one too: the evidence of both, the weaker rank.
    pub fn and_then<U>(self, f: impl FnOnce(T) -> Fact<U>) -> Fact<U> {
        match self {
            Self::Known(Known { value, mut evidence, rank }) => match f(value) {
                Fact::Known(next) => {
                    for item in next.evidence {
                        if !evidence.contains(&item) {
                            evidence.push(item);
                        }
                    }
                    Fact::Known(Known { value: next.value, evidence, rank: rank.min(next.rank) })
                }
                Fact::Unknown(unknown) => Fact::Unknown(unknown),
            },
            Self::Unknown(unknown) => Fact::Unknown(unknown),
        }
    }

    /// Both values.
    pub fn zip<U>(self, other: Fact<U>) -> Fact<(T, U)> {
        self.and_then(|left| other.map(|right| (left, right)))
    }
}

impl Fact<bool> {
    /// Both: false as soon as one is known to be false, whatever the other is.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self.value(), other.value()) {
            (Some(false), _) => self,
            (_, Some(false)) => other,
            _ => self.zip(other).map(|(left, right)| left && right),
        }
    }

    /// Either: true as soon as one is known to be true.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self.value(), other.value()) {
            (Some(true), _) => self,
            (_, Some(true)) => other,
            _ => self.zip(other).map(|(left, right)| left || right),
        }
    }
}

impl<T: Serialize> Serialize for Fact<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        enum Form<'a, T> {
            Known { value: &'a T, evidence: &'a [Evidence], rank: Rank },
            Unknown { reason: &'a str },
        }
        let form = match self {
            Self::Known(Known { value, evidence, rank }) => Form::Known { value, evidence, rank: *rank },
            Self::Unknown(Unknown { reason }) => Form::Unknown { reason },
        };
        std::iter::once((MARKER, form)).collect::<std::collections::BTreeMap<_, _>>().serialize(serializer)
    }
}

/// In the schema a fact is its value, marked as a fact: that is the form expressions see.
impl<T: JsonSchema> JsonSchema for Fact<T> {
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = generator.subschema_for::<T>();
        schema.insert(SCHEMA_MARKER.into(), json!(true));
        schema
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(value: bool) -> Fact<bool> {
        Fact::at(value, Rank::Configured, "x", "y")
    }

    #[test]
    fn unknown_is_absorbed_only_by_what_decides() {
        let unknown = || Fact::<bool>::unknown("why");
        assert_eq!(known(false).and(unknown()).value(), Some(&false));
        assert_eq!(unknown().and(known(false)).value(), Some(&false));
        assert_eq!(known(true).and(unknown()).value(), None);
        assert_eq!(known(true).or(unknown()).value(), Some(&true));
        assert_eq!(unknown().or(known(true)).value(), Some(&true));
        assert_eq!(known(false).or(unknown()).value(), None);
    }

    #[test]
    fn the_weaker_rank_wins_and_evidence_adds_up() {
        let both = Fact::at(1, Rank::Observed, "a", "").zip(Fact::at(2, Rank::Configured, "b", ""));
        let Fact::Known(both) = both else { panic!("known") };
        assert_eq!((both.value, both.rank, both.evidence.len()), ((1, 2), Rank::Configured, 2));
    }
}
