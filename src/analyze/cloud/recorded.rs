//! What a provider's settings let through of what its audit policy records.
//!
//! Settings that leave events out are written as rules of level None before those of the provider's policy. Thus what a
//! managed cluster records is worked out by the same engine as for everybody else, and every gap has a witness.

use crate::analyze::policy::PolicyRule;

/// What reaches the provider's audit log.
#[derive(Debug, Clone)]
pub enum Recorded {
    /// The settings were read.
    Read {
        /// Where they stand.
        at: String,
        /// What is left out for certain.
        lost: Vec<Lost>,
        /// What may be left out.
        doubtful: Vec<Lost>,
    },
    /// They were not: why, and what would tell.
    Unread(String),
}

/// Events that are left out.
#[derive(Debug, Clone)]
pub struct Lost {
    /// The requests whose events these are.
    pub rule: PolicyRule,
    /// Where the setting stands.
    pub at: String,
    /// Why, in a few words: `kube-audit-admin leaves out get and list`.
    pub why: String,
}

impl Lost {
    /// Every event.
    pub fn everything(at: impl Into<String>, why: impl Into<String>) -> Self {
        Self { rule: PolicyRule::default(), at: at.into(), why: why.into() }
    }

    /// Events of requests with these verbs.
    pub fn verbs(verbs: &[&str], at: impl Into<String>, why: impl Into<String>) -> Self {
        let rule = PolicyRule {
            verbs: verbs.iter().map(|verb| (*verb).to_owned()).collect(),
            ..PolicyRule::default()
        };
        Self { rule, at: at.into(), why: why.into() }
    }
}
