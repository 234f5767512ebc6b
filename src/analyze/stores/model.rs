//! What is said of every store.

use crate::analyze::collectors::model::Unread;
use crate::analyze::collectors::service::Service;
use crate::analyze::fact::Fact;

/// A store of logs.
#[derive(Debug, Clone, PartialEq)]
pub struct Store {
    /// The product.
    pub product: Service,
    /// Where it stands.
    pub at: String,
    /// For how many whole days it keeps logs that no override is about; none for ever.
    pub retention: Fact<Option<i64>>,
    /// Retention of single tenants, streams and indexes.
    pub overrides: Vec<Override>,
    /// Whether a time after which logs are to be deleted is set.
    pub retention_set: Fact<bool>,
    /// Whether what deletes them is switched on.
    pub retention_applied: Fact<bool>,
    /// What makes it delete logs before their time: a limit of space.
    pub evicts: Option<Fact<String>>,
    /// Whether logs can be deleted through its API.
    pub deletion_api: Fact<bool>,
    /// Whether that API asks who comes, or for a key of its own.
    pub deletion_guarded: Fact<bool>,
    /// Whether it asks who comes.
    pub authentication: Fact<bool>,
    /// Whether it speaks TLS itself.
    pub tls: Fact<bool>,
    /// Where it keeps logs.
    pub storage: Fact<Storage>,
    /// The folder of the container in which they lie, where it is told and they lie in a filesystem.
    pub folder: Option<String>,
    /// How many copies there are.
    pub replicas: Fact<i64>,
    /// What is not seen and may say otherwise.
    pub unread: Vec<Unread>,
}

/// Retention that is not that of the rest.
#[derive(Debug, Clone, PartialEq)]
pub struct Override {
    /// Where it stands.
    pub at: String,
    /// Whom it is about: `tenant a`, `stream {app="x"}`.
    pub whom: String,
    /// For how many whole days; none for ever.
    pub days: Fact<Option<i64>>,
}

/// Where logs are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Storage {
    /// The filesystem of the pod. Whether it outlives the pod, its volumes say.
    Filesystem,
    /// A volume that goes with the pod.
    Ephemeral,
    /// A volume that is claimed.
    Claimed,
    /// An object store: `s3`, `gcs`.
    ObjectStore(String),
}

impl Store {
    /// A store of which only the product is known.
    pub fn unknown(product: Service, at: impl Into<String>, why: &str) -> Self {
        Self {
            product,
            at: at.into(),
            retention: Fact::unknown(why),
            overrides: Vec::new(),
            retention_set: Fact::unknown(why),
            retention_applied: Fact::unknown(why),
            evicts: None,
            deletion_api: Fact::unknown(why),
            deletion_guarded: Fact::unknown(why),
            authentication: Fact::unknown(why),
            tls: Fact::unknown(why),
            storage: Fact::unknown(why),
            folder: None,
            replicas: Fact::unknown(why),
            unread: Vec::new(),
        }
    }

    /// The shortest retention of anything in it; unknown if something is not seen.
    pub fn shortest(&self) -> Fact<Option<i64>> {
        self.extreme(|a, b| match (a, b) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        })
    }

    /// The longest retention of anything in it; unknown if something is not seen.
    pub fn longest(&self) -> Fact<Option<i64>> {
        self.extreme(|a, b| a.zip(b).map(|(a, b)| a.max(b)))
    }

    fn extreme(&self, choose: fn(Option<i64>, Option<i64>) -> Option<i64>) -> Fact<Option<i64>> {
        if let Some(unread) = self.unread.first() {
            return Fact::unknown(format!("{} at {}", unread.why, unread.at));
        }
        self.overrides.iter().fold(self.retention.clone(), |so_far, one| {
            so_far.zip(one.days.clone()).map(|(a, b)| choose(a, b))
        })
    }
}
