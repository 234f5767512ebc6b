//! Policies of providers and distributions, as they publish them: `checks/policies/`.
//!
//! Where a policy cannot be read, as on managed clusters, the published one stands in for it and what is said of it is
//! *documented*, not seen. Where one can be read, it may turn out to be one of these.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::load::{self, Loaded};
use super::{AuditPolicy, PolicyRule, Stage};
use crate::analyze::version::Version;
use crate::check::builtin;

/// The policies, by id.
static KNOWN: LazyLock<Vec<Known>> = LazyLock::new(|| {
    let mut list: Vec<Known> = builtin::files("policies").map(|(path, _)| builtin::data(path)).collect();
    list.sort_by(|left, right| left.id.cmp(&right.id));
    list
});

/// The policies in the form in which they are compared.
static FORMS: LazyLock<Vec<(&'static Known, AuditPolicy)>> = LazyLock::new(|| {
    KNOWN.iter().filter_map(|known| known.load().policy.map(|policy| (known, normal_form(&policy)))).collect()
});

/// A published policy.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Known {
    /// `openshift-default`.
    pub id: String,
    /// "OpenShift, profile Default".
    pub name: String,
    /// The distribution, as the facts name it: `eks`, `rke2`, `other`.
    pub distribution: String,
    /// Whether every cluster of the distribution has it and nobody can change it; else it is a default or an example.
    pub fixed: bool,
    /// Which public document or source file says so.
    pub documented: String,
    /// What it does not record, or not as it should.
    pub gaps: Vec<String>,
    /// Users of the provider itself, which are nobody's but its own: rules for them alone say nothing of the customer's people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub own_users: Vec<String>,
    /// The version of Kubernetes that loads it, where the newest does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<String>,
    /// The policy's text.
    pub policy: String,
}

impl Known {
    /// The policy as a server loads it.
    pub fn load(&self) -> Loaded {
        load::load(self.policy.as_bytes(), &self.id, self.version())
    }

    /// Whether a rule is about users of the provider itself alone.
    pub fn is_own(&self, rule: &PolicyRule) -> bool {
        !rule.users.is_empty() && rule.users.iter().all(|user| self.own_users.contains(user))
    }

    /// The version of Kubernetes to load it with.
    pub fn version(&self) -> Version {
        self.kubernetes.as_deref().and_then(Version::parse).unwrap_or(load::NEWEST)
    }
}

/// All published policies, by id.
pub fn all() -> &'static [Known] {
    &KNOWN
}

/// The published policies that a policy is equal to, by id: some distributions publish the same one.
///
/// Rules are compared in their order and by what they mean: the order within their lists does not matter, nor does
/// whether stages and managed fields are omitted by the policy or by each of its rules.
pub fn alike(policy: &AuditPolicy) -> impl Iterator<Item = &'static Known> {
    let form = normal_form(policy);
    FORMS.iter().filter(move |(_, known)| *known == form).map(|(known, _)| *known)
}

/// The first published policy that a policy is equal to. Policies of one rule are published by several distributions:
/// [`alike`] has them all.
pub fn recognise(policy: &AuditPolicy) -> Option<&'static Known> {
    alike(policy).next()
}

/// The policy that every cluster of a distribution has.
pub fn of_distribution(name: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.fixed && known.distribution == name)
}

/// A policy with every list in order, and with what is omitted said by each rule.
fn normal_form(policy: &AuditPolicy) -> AuditPolicy {
    let mut rules = policy.rules.clone();
    for rule in &mut rules {
        rule.omit_stages.extend(&policy.omit_stages);
        in_order::<Stage>(&mut rule.omit_stages);
        rule.omit_managed_fields = Some(rule.omit_managed_fields.unwrap_or(policy.omit_managed_fields));
        for list in [
            &mut rule.users,
            &mut rule.user_groups,
            &mut rule.verbs,
            &mut rule.namespaces,
            &mut rule.non_resource_urls,
        ] {
            in_order(list);
        }
        for resources in &mut rule.resources {
            in_order(&mut resources.resources);
            in_order(&mut resources.resource_names);
        }
        rule.resources.sort_by(|left, right| {
            (&left.group, &left.resources, &left.resource_names).cmp(&(
                &right.group,
                &right.resources,
                &right.resource_names,
            ))
        });
        rule.resources.dedup();
    }
    AuditPolicy { omit_stages: Vec::new(), omit_managed_fields: false, rules }
}

fn in_order<T: Ord>(list: &mut Vec<T>) {
    list.sort();
    list.dedup();
}

#[cfg(test)]
mod tests {
    use super::super::{GroupResources, Level};
    use super::*;

    fn rule(level: Level, verbs: &[&str], groups: &[(&str, &[&str])]) -> PolicyRule {
        let owned = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        PolicyRule {
            level,
            verbs: owned(verbs),
            resources: groups
                .iter()
                .map(|(group, resources)| GroupResources {
                    group: (*group).to_owned(),
                    resources: owned(resources),
                    resource_names: Vec::new(),
                })
                .collect(),
            ..PolicyRule::default()
        }
    }

    fn policy(rules: &[PolicyRule]) -> AuditPolicy {
        AuditPolicy { rules: rules.to_vec(), ..AuditPolicy::default() }
    }

    #[test]
    fn order_matters_among_rules_and_not_within() {
        let some = rule(Level::None, &["get", "list"], &[("", &["pods", "nodes"]), ("apps", &[])]);
        let same = rule(Level::None, &["list", "get", "get"], &[("apps", &[]), ("", &["nodes", "pods"])]);
        let last = rule(Level::Metadata, &[], &[]);
        let form = normal_form(&policy(&[some.clone(), last.clone()]));
        assert_eq!(normal_form(&policy(&[same, last.clone()])), form);
        assert_ne!(normal_form(&policy(&[last.clone(), some.clone()])), form);
        assert_ne!(normal_form(&policy(&[some])), form);
    }

    #[test]
    fn resources_of_two_groups_are_not_mixed_up() {
        let one = policy(&[rule(Level::None, &[], &[("", &["pods"]), ("apps", &["deployments"])])]);
        let other = policy(&[rule(Level::None, &[], &[("apps", &["pods"]), ("", &["deployments"])])]);
        assert_ne!(normal_form(&one), normal_form(&other));
    }

    #[test]
    fn what_is_omitted_counts_wherever_it_is_said() {
        let metadata = rule(Level::Metadata, &[], &[]);
        let plain = policy(std::slice::from_ref(&metadata));
        let omitting = PolicyRule {
            omit_stages: vec![Stage::RequestReceived],
            omit_managed_fields: Some(true),
            ..metadata.clone()
        };
        let by_rule = policy(std::slice::from_ref(&omitting));
        let by_policy = AuditPolicy {
            omit_stages: vec![Stage::RequestReceived],
            omit_managed_fields: true,
            rules: vec![metadata],
        };
        assert_eq!(normal_form(&by_rule), normal_form(&by_policy));
        assert_ne!(normal_form(&by_rule), normal_form(&plain));
        let overriding = AuditPolicy {
            omit_managed_fields: true,
            rules: vec![PolicyRule { omit_managed_fields: Some(false), ..omitting }],
            ..by_policy.clone()
        };
        assert_ne!(normal_form(&overriding), normal_form(&by_policy));
    }
}
