//! A provider's answers as facts, each with its place, and why there is none.

use serde_json::Value;

use super::provider::Identity;
use crate::analyze::fact::Fact;
use crate::snapshot::Snapshot;
use crate::snapshot::cloud::{CloudAnswer, call};
use crate::verdict::{Evidence, Rank};

/// What the facts of a provider are made from.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'s> {
    /// The snapshot.
    pub snapshot: &'s Snapshot,
    /// Who the provider is, and which cluster.
    pub identity: &'s Identity,
}

impl<'s> Scene<'s> {
    /// The cluster's name, for the subject of findings.
    pub fn name(&self) -> String {
        self.identity.cluster.clone().unwrap_or_else(|| self.snapshot.cluster.name.clone())
    }

    /// The answer to a call about one thing; `of` is empty where the call is about the cluster.
    ///
    /// # Errors
    /// Why there is none, and what to do.
    pub fn told(&self, id: &'static str, of: &str) -> Result<Told<'s>, String> {
        self.snapshot.cloud.answer(id, of).map_or_else(|| Err(self.not_asked(id)), Told::of)
    }

    /// Every answer to a call.
    pub fn all_told(&self, id: &'static str) -> Vec<(&'s str, Result<Told<'s>, String>)> {
        let answers = self.snapshot.cloud.answers.iter().filter(|answer| answer.call == id);
        answers.map(|answer| (answer.of.as_str(), Told::of(answer))).collect()
    }

    /// Why a call was not made.
    pub fn not_asked(&self, id: &str) -> String {
        // Nothing else is asked about a cluster that could not be read: that is the reason then.
        let settings = ["eks/describe-cluster", "aks/show", "gke/describe"];
        let provider = id.split('/').next().unwrap_or_default();
        let mut own = settings.iter().filter(|settings| settings.starts_with(provider) && **settings != id);
        let gap = own.find_map(|settings| self.snapshot.cloud.answer(settings, "")?.reading.gap());
        if let Some(gap) = gap {
            return gap.to_string();
        }
        let (what, command) = call(id).map_or((id, ""), |call| (call.what, call.command));
        match &self.snapshot.cloud.not_asked {
            Some(why) => format!("{what} not asked for: {why}"),
            None => format!(
                "{what} not asked for: run with --cloud cli, or save what `{command}` prints as JSON and give it with --cloud-file"
            ),
        }
    }
}

/// An answer, or a part of one.
#[derive(Debug, Clone, Copy)]
pub struct Told<'s> {
    /// What it says.
    pub value: &'s Value,
    /// Where it comes from.
    at: &'s str,
}

impl<'s> Told<'s> {
    fn of(answer: &'s CloudAnswer) -> Result<Self, String> {
        match answer.reading.as_result() {
            Ok(value) => Ok(Self { value, at: &answer.at }),
            Err(gap) => Err(gap.to_string()),
        }
    }

    /// What stands at a dotted path.
    pub fn get(&self, path: &str) -> Option<&'s Value> {
        let found = path.split('.').try_fold(self.value, |value, key| value.get(key));
        found.filter(|value| !value.is_null())
    }

    /// The text at a dotted path; none if it is missing or no text.
    pub fn text(&self, path: &str) -> Option<&'s str> {
        self.get(path).and_then(Value::as_str)
    }

    /// The items of a list at a dotted path, or of the answer itself if the path is empty; none if it is no list.
    pub fn items(&self, path: &str) -> Option<&'s [Value]> {
        let value = if path.is_empty() { Some(self.value) } else { self.get(path) };
        value.and_then(Value::as_array).map(Vec::as_slice)
    }

    /// A part of it, at the same place.
    #[must_use]
    pub fn part(&self, value: &'s Value) -> Self {
        Self { value, at: self.at }
    }

    /// Evidence at a path: `cluster.json logging.clusterLogging`.
    pub fn evidence(&self, path: &str, detail: impl Into<String>) -> Evidence {
        Evidence { at: format!("{} {path}", self.at).trim_end().to_owned(), detail: detail.into() }
    }

    /// A fact that rests on a path.
    pub fn fact<T>(&self, value: T, path: &str, detail: impl Into<String>) -> Fact<T> {
        Fact::known(value, Rank::Configured, vec![self.evidence(path, detail)])
    }

    /// A switch: what is missing is `absent`, what is neither true nor false is unknown.
    pub fn switch(&self, path: &str, absent: bool) -> Fact<bool> {
        match self.get(path) {
            None => self.fact(absent, path, "not set"),
            Some(Value::Bool(value)) => self.fact(*value, path, value.to_string()),
            Some(other) => Fact::unknown(format!("{} {path} is {other}, neither true nor false", self.at)),
        }
    }
}
