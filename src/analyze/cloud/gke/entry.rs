//! What the audit log entries of a GKE cluster look like to filters.

use super::super::told::Scene;
use super::filter::{Entry, Text};

/// What an attacker reads: groups and resources whose reads are looked for one by one.
pub(super) const WATCHED: [(&str, &str); 9] = [
    ("", "secrets"),
    ("", "configmaps"),
    ("", "serviceaccounts"),
    ("", "pods"),
    ("", "pods/log"),
    ("", "pods/exec"),
    ("", "nodes/proxy"),
    ("rbac.authorization.k8s.io", "clusterrolebindings"),
    ("rbac.authorization.k8s.io", "rolebindings"),
];

/// The log that an entry stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Log {
    /// Admin Activity: what changes something.
    Activity,
    /// Data Access: what reads, and changes of status.
    DataAccess,
}

impl Log {
    fn id(self) -> &'static str {
        match self {
            Self::Activity => "cloudaudit.googleapis.com/activity",
            Self::DataAccess => "cloudaudit.googleapis.com/data_access",
        }
    }
}

/// The entry of a request to the cluster's API.
pub(super) fn entry(scene: &Scene<'_>, log: Log, method: Text) -> Entry {
    let identity = scene.identity;
    let exactly = |text: &str| Text::Exactly(text.to_owned());
    let known =
        |text: &Option<String>| Text::clone(&text.as_deref().map_or(Text::EndsWith(String::new()), exactly));
    let name = format!("/logs/{}", log.id().replace('/', "%2F"));
    let name = match &identity.account {
        Some(project) => Text::Exactly(format!("projects/{project}{name}")),
        None => Text::EndsWith(name),
    };
    let fields = [
        ("logname", name),
        ("resource.type", exactly("k8s_cluster")),
        ("resource.labels.cluster_name", known(&identity.cluster)),
        ("resource.labels.location", known(&identity.location)),
        ("resource.labels.project_id", known(&identity.account)),
        ("resource.labels.", Text::Absent),
        ("protopayload.@type", exactly("type.googleapis.com/google.cloud.audit.AuditLog")),
        ("protopayload.servicename", exactly("k8s.io")),
        ("protopayload.methodname", method),
        ("jsonpayload.", Text::Absent),
        ("textpayload", Text::Absent),
    ];
    let fields = fields.into_iter().map(|(path, text)| (path.to_owned(), text)).collect();
    Entry { log: log.id().to_owned(), fields }
}

/// The method of any request with this verb.
pub(super) fn any_method(verb: &str) -> Text {
    Text::EndsWith(format!(".{verb}"))
}

/// The methods by which one of Kubernetes' own resources is asked for: `io.k8s.authorization.rbac.v1.roles.get`. The resource may
/// be a subresource: `pods/exec`.
pub(super) fn methods(group: &str, resource: &str, verb: &str) -> Vec<Text> {
    let group = match group {
        "" => "io.k8s.core".to_owned(),
        short if !short.contains('.') => format!("io.k8s.{short}"),
        long => long.split('.').rev().collect::<Vec<_>>().join("."),
    };
    // The only group of which two stable versions are served.
    let versions: &[&str] = if group == "io.k8s.autoscaling" { &["v1", "v2"] } else { &["v1"] };
    let resource = resource.replace('/', ".");
    versions.iter().map(|version| Text::Exactly(format!("{group}.{version}.{resource}.{verb}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_named_as_in_audit_logs() {
        for (group, resource, verb, method) in [
            ("", "secrets", "get", "io.k8s.core.v1.secrets.get"),
            ("", "pods/exec", "create", "io.k8s.core.v1.pods.exec.create"),
            ("apps", "deployments", "patch", "io.k8s.apps.v1.deployments.patch"),
            ("rbac.authorization.k8s.io", "roles", "list", "io.k8s.authorization.rbac.v1.roles.list"),
            ("coordination.k8s.io", "leases", "get", "io.k8s.coordination.v1.leases.get"),
        ] {
            assert_eq!(methods(group, resource, verb), [Text::Exactly(method.to_owned())]);
        }
    }
}
