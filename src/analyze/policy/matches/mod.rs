//! A request against an audit policy: how much is recorded, at which stages, and which rule says so.
//!
//! The rules of matching are those of `k8s.io/apiserver` `pkg/audit/policy` `EvaluatePolicyRule` and `ruleMatches`. They
//! are compiled once: every string that a policy mentions is looked up instead of compared rule by rule, and each leads to
//! the set of rules that it satisfies; the first rule in all of a request's sets decides. So the time for a request hardly
//! grows with the policy.
//!
//! | module | does |
//! | --- | --- |
//! | `attributes` | what a policy sees of a request |
//! | `stages` | sets of stages, and which of them a request really writes |
//! | `rows` | the compiled form of rules |
//! | `dimension` | one property of requests: its constants and the rows that accept each |
//! | `table` | the string lookup |

mod attributes;
mod dimension;
mod rows;
mod stages;
mod table;

#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use attributes::{Attributes, AttributesRef};
pub use stages::{RequestKind, StageSet, effective_level, written_stages};

use super::{AuditPolicy, Level};
use rows::{PathPlane, ResourcePlane};

/// What a policy says of a request: `RequestAuditConfig` of `k8s.io/apiserver` `pkg/apis/audit`, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// How much is recorded.
    pub level: Level,
    /// Stages at which nothing is written: the policy's and the deciding rule's.
    pub omit_stages: StageSet,
    /// Whether managed fields are left out of bodies.
    pub omit_managed_fields: bool,
    /// The deciding rule, counted from 0; none where no rule matches and the policy's own settings hold.
    #[serde(rename = "matchedRule")]
    pub rule: Option<usize>,
}

/// Whether the group `*` in a rule stands for every API group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum GroupWildcard {
    /// It does, as since Kubernetes 1.36.
    #[default]
    Any,
    /// It is a name like any other. Servers before 1.36 refuse to start with it, so this never decides a real request.
    Literal,
}

/// A policy compiled for evaluation.
#[derive(Debug, Clone)]
pub struct Evaluator {
    decisions: Vec<Decision>,
    unmatched: Decision,
    resource_rules: ResourcePlane,
    path_rules: PathPlane,
}

impl Evaluator {
    /// Compiles a policy as Kubernetes 1.36 and later understand it.
    pub fn new(policy: &AuditPolicy) -> Self {
        Self::with_group_wildcard(policy, GroupWildcard::Any)
    }

    /// Compiles a policy for a server of which it is known what the group `*` means there.
    pub fn with_group_wildcard(policy: &AuditPolicy, wildcard: GroupWildcard) -> Self {
        let own_stages: StageSet = policy.omit_stages.iter().copied().collect();
        let unmatched = Decision {
            level: Level::None,
            omit_stages: own_stages,
            omit_managed_fields: policy.omit_managed_fields,
            rule: None,
        };
        let decisions = policy.rules.iter().enumerate().map(|(index, rule)| Decision {
            level: rule.level,
            omit_stages: rule.omit_stages.iter().copied().chain(own_stages.iter()).collect(),
            omit_managed_fields: rule.omit_managed_fields.unwrap_or(policy.omit_managed_fields),
            rule: Some(index),
        });
        Self {
            decisions: decisions.collect(),
            unmatched,
            resource_rules: rows::resource_plane(&policy.rules, wildcard),
            path_rules: rows::path_plane(&policy.rules),
        }
    }

    /// What holds where a rule, counted from 0, decides.
    pub fn by_rule(&self, rule: usize) -> Decision {
        self.decisions.get(rule).copied().unwrap_or(self.unmatched)
    }

    /// What holds where no rule matches.
    pub fn unmatched(&self) -> Decision {
        self.unmatched
    }

    /// Decides on a request.
    pub fn evaluate(&self, attributes: &Attributes) -> Decision {
        self.evaluate_ref(&attributes.borrowed())
    }

    /// Decides on a request whose strings lie elsewhere.
    pub fn evaluate_ref<G: AsRef<str>>(&self, attributes: &AttributesRef<'_, G>) -> Decision {
        let rule = if attributes.is_resource_request {
            self.resource_rules.first_match(attributes)
        } else {
            self.path_rules.first_match(attributes)
        };
        rule.and_then(|rule| self.decisions.get(rule)).copied().unwrap_or(self.unmatched)
    }
}
