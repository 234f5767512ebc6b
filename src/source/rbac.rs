//! Roles and bindings as JSON values into the narrow objects of a snapshot.

use serde_json::Value;

use super::custom::KINDS;
use crate::document::{Place, items, scalar, text};
use crate::snapshot::rbac::{Binding, Role, RoleRule, RoleSubject};

/// The resources that decide who reads logs, who changes what carries them or starts pods, and who can become somebody who
/// does.
const RESOURCES: [(&str, &[&str]); 6] = [
    (
        "",
        &[
            "pods",
            "pods/log",
            "pods/exec",
            "pods/attach",
            "pods/ephemeralcontainers",
            "configmaps",
            "secrets",
            "persistentvolumeclaims",
            "replicationcontrollers",
            "namespaces",
            "events",
            "nodes",
            "nodes/proxy",
            "nodes/log",
            "serviceaccounts",
            "serviceaccounts/token",
            "users",
            "groups",
        ],
    ),
    (
        "apps",
        &[
            "daemonsets",
            "deployments",
            "deployments/scale",
            "replicasets",
            "statefulsets",
            "statefulsets/scale",
        ],
    ),
    ("batch", &["jobs", "cronjobs"]),
    ("events.k8s.io", &["events"]),
    ("rbac.authorization.k8s.io", &["roles", "clusterroles"]),
    ("extensions", &["daemonsets", "deployments"]),
];

/// Resources of which reading matters too.
const READ: [&str; 8] =
    ["pods/log", "pods/exec", "pods/attach", "secrets", "nodes/proxy", "nodes/log", "*", "*/log"];

/// A Role or `ClusterRole`, with the rules that matter.
pub fn role(object: &Value, place: &Place) -> Role {
    let rules = items(object, "/rules").iter().enumerate().filter_map(|(index, rule)| {
        let words = |field: &str| -> Vec<String> { items(rule, field).iter().filter_map(scalar).collect() };
        let groups = words("/apiGroups");
        let verbs = words("/verbs");
        let only_reads = verbs.iter().all(|verb| ["get", "list", "watch"].contains(&verb.as_str()));
        let matters = |resource: &String| is_kept(&groups, resource) && (!only_reads || is_read(resource));
        let mut resources = words("/resources");
        resources.retain(matters);
        let mut urls = words("/nonResourceURLs");
        urls.retain(|url| url == "*" || url == "/*" || url.starts_with("/logs"));
        (!resources.is_empty() || !urls.is_empty()).then(|| RoleRule {
            groups,
            resources,
            names: words("/resourceNames"),
            verbs,
            urls,
            at: place.field(&format!("rules[{index}]")),
        })
    });
    Role {
        namespace: text(object, "/metadata/namespace").to_owned(),
        name: text(object, "/metadata/name").to_owned(),
        rules: rules.collect(),
    }
}

fn is_read(resource: &str) -> bool {
    READ.contains(&resource) || resource.starts_with("*/")
}

/// Whether a resource of a rule stands for one that matters.
fn is_kept(groups: &[String], resource: &str) -> bool {
    let is_group = |name: &str| groups.iter().any(|group| group == "*" || group == name);
    let stands_for = |known: &str| {
        resource == "*"
            || resource == known
            || resource.strip_prefix("*/").is_some_and(|sub| known.split('/').nth(1) == Some(sub))
    };
    let custom = |plural: &str| {
        resource == "*" || resource.starts_with("*/") || resource.split('/').next() == Some(plural)
    };
    RESOURCES.iter().any(|(group, names)| is_group(group) && names.iter().any(|name| stands_for(name)))
        || KINDS.iter().any(|kind| is_group(kind.group) && custom(kind.plural))
}

/// A `RoleBinding` or `ClusterRoleBinding`.
pub fn binding(object: &Value, place: &Place) -> Binding {
    let subjects = items(object, "/subjects").iter().enumerate().map(|(index, subject)| RoleSubject {
        kind: text(subject, "/kind").to_owned(),
        namespace: text(subject, "/namespace").to_owned(),
        name: text(subject, "/name").to_owned(),
        at: place.field(&format!("subjects[{index}]")),
    });
    Binding {
        namespace: text(object, "/metadata/namespace").to_owned(),
        name: text(object, "/metadata/name").to_owned(),
        role_kind: text(object, "/roleRef/kind").to_owned(),
        role: text(object, "/roleRef/name").to_owned(),
        subjects: subjects.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn kept(rule: &Value) -> Vec<String> {
        let object = json!({"metadata": {"name": "r"}, "rules": [rule]});
        let role = role(&object, &Place::of("ClusterRole r"));
        role.rules.into_iter().flat_map(|rule| rule.resources.into_iter().chain(rule.urls)).collect()
    }

    #[test]
    fn only_rules_that_matter_are_kept() {
        let rule = |group: &str, resources: &[&str], verbs: &[&str]| {
            kept(&json!({"apiGroups": [group], "resources": resources, "verbs": verbs}))
        };
        assert_eq!(rule("", &["pods", "pods/log", "services"], &["get"]), ["pods/log"]);
        assert_eq!(rule("", &["pods", "services"], &["delete"]), ["pods"]);
        assert_eq!(rule("apps", &["*"], &["patch"]), ["*"]);
        assert_eq!(rule("*", &["*"], &["get"]), ["*"]);
        assert_eq!(rule("", &["*/log"], &["get"]), ["*/log"]);
        assert_eq!(rule("batch", &["jobs"], &["create"]), ["jobs"]);
        assert_eq!(rule("policy", &["*"], &["*"]), Vec::<String>::new());
        assert_eq!(rule("fluentbit.fluent.io", &["fluentbits/status"], &["update"]), ["fluentbits/status"]);
        assert_eq!(kept(&json!({"nonResourceURLs": ["/logs", "/metrics"], "verbs": ["get"]})), ["/logs"]);
    }
}
