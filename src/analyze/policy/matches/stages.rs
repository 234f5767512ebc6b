//! Sets of stages, and which stages a request really writes.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::super::{Level, Stage};
use super::{Attributes, Decision};
use crate::analyze::policy::request;

/// A set of stages, in the order of their names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StageSet(u8);

impl StageSet {
    /// Every stage.
    pub const ALL: Self = Self(0b1111);

    /// Whether the stage is in the set.
    pub fn contains(self, stage: Stage) -> bool {
        self.0 & Self::bit(stage) != 0
    }

    /// Whether there is no stage in the set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The stages, in the order of their names.
    pub fn iter(self) -> impl Iterator<Item = Stage> {
        Stage::ALL.into_iter().filter(move |stage| self.contains(*stage))
    }

    /// The stages of this set that are not in the other.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    fn bit(stage: Stage) -> u8 {
        match stage {
            Stage::Panic => 1,
            Stage::RequestReceived => 1 << 1,
            Stage::ResponseComplete => 1 << 2,
            Stage::ResponseStarted => 1 << 3,
        }
    }
}

impl FromIterator<Stage> for StageSet {
    fn from_iter<I: IntoIterator<Item = Stage>>(stages: I) -> Self {
        Self(stages.into_iter().fold(0, |bits, stage| bits | Self::bit(stage)))
    }
}

impl Serialize for StageSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for StageSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<Stage>::deserialize(deserializer).map(Self::from_iter)
    }
}

impl JsonSchema for StageSet {
    fn schema_name() -> Cow<'static, str> {
        "StageSet".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        std::collections::BTreeSet::<Stage>::json_schema(generator)
    }
}

/// How a request goes, which settles the stages that it passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum RequestKind {
    /// It is answered at once.
    Short,
    /// It is a watch, an exec, a log, a proxied connection or the like.
    LongRunning,
    /// Its handler panics before anything is answered.
    Panic,
    /// Its credentials were refused (401).
    FailedAuthentication,
}

impl RequestKind {
    /// The kind of a request that does not panic.
    pub fn of(attributes: &Attributes) -> Self {
        if attributes.user.is_none() {
            Self::FailedAuthentication
        } else if request::is_long_running(attributes) {
            Self::LongRunning
        } else {
            Self::Short
        }
    }

    /// The stages that such a request passes, from `k8s.io/apiserver` `pkg/endpoints/filters` `WithAudit` and
    /// `WithFailedAuthenticationAudit`. The second is a handler of its own: it reports that the response started and
    /// nothing else. A long-running request always reports that, even if its connection closes before an answer.
    pub fn stages(self) -> StageSet {
        let stages: &[Stage] = match self {
            Self::Short => &[Stage::RequestReceived, Stage::ResponseComplete],
            Self::LongRunning => &[Stage::RequestReceived, Stage::ResponseStarted, Stage::ResponseComplete],
            Self::Panic => &[Stage::RequestReceived, Stage::Panic],
            Self::FailedAuthentication => &[Stage::ResponseStarted],
        };
        stages.iter().copied().collect()
    }
}

/// What is really recorded of a request: the level, less what stages that are omitted take away with them.
///
/// Nothing where no stage is left. Bodies are added to an event after the request was received, so that a short request
/// of which only `RequestReceived` is left has none (`k8s.io/apiserver` `pkg/endpoints/filters` `WithAudit`).
pub fn effective_level(decision: &Decision, kind: RequestKind) -> Level {
    let written = written_stages(decision, kind);
    if written.is_empty() {
        return Level::None;
    }
    let with_bodies = match kind {
        RequestKind::Short => Stage::ResponseComplete,
        RequestKind::Panic => Stage::Panic,
        RequestKind::LongRunning | RequestKind::FailedAuthentication => return decision.level,
    };
    if written.contains(with_bodies) { decision.level } else { decision.level.min(Level::Metadata) }
}

/// The stages at which an event is really written: those that the request passes, less those that the policy omits, and
/// none at level None (`k8s.io/apiserver` `pkg/audit` `ProcessEventStage`).
pub fn written_stages(decision: &Decision, kind: RequestKind) -> StageSet {
    if decision.level == Level::None {
        return StageSet::default();
    }
    kind.stages().without(decision.omit_stages)
}
