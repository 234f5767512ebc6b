//! Requests as the command line and test tables spell them.

/// The groups given, and those that come with the user's kind (`k8s.io/apiserver` `pkg/authentication/user`).
pub(crate) fn implied_groups(user: &str, given: &[String]) -> Vec<String> {
    let mut implied = vec![
        if user == "system:anonymous" { "system:unauthenticated" } else { "system:authenticated" }.to_owned(),
    ];
    if let Some((namespace, _)) =
        user.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':'))
    {
        implied.push("system:serviceaccounts".into());
        implied.push(format!("system:serviceaccounts:{namespace}"));
    } else if user.starts_with("system:node:") {
        implied.push("system:nodes".into());
    }
    let mut groups = given.to_vec();
    groups.extend(implied.into_iter().filter(|group| !given.contains(group)));
    groups
}

/// `deployments.apps/scale` into group, resource and subresource.
pub(crate) fn split_resource(text: &str) -> (&str, &str, &str) {
    let (resource, subresource) = text.split_once('/').unwrap_or((text, ""));
    let (resource, api_group) = resource.split_once('.').unwrap_or((resource, ""));
    (api_group, resource, subresource)
}

/// Who asks where nobody is named: someone logged in, without privileges.
pub(crate) const DEFAULT_USER: &str = "alice@example.com";

/// The verbs of requests about resources. Others, such as `bind` or `use`, are asked for in RBAC, but no request has them.
pub(crate) const VERBS: [&str; 8] =
    ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];

/// Whether the URL of such a request has the object's name in it.
pub(crate) fn has_name(verb: &str, subresource: &str) -> bool {
    !subresource.is_empty() || matches!(verb, "get" | "update" | "patch" | "delete")
}
