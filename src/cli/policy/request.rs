//! Requests as the command line and test tables spell them.

use crate::suggest::nearest;

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

/// A resource of a request: the value of `--resource`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResourceName {
    /// Empty for core.
    pub(crate) api_group: String,
    /// In the plural of URLs.
    pub(crate) resource: String,
    /// Empty for the resource itself.
    pub(crate) subresource: String,
}

/// The value of `--resource`.
pub(crate) fn parse_resource(text: &str) -> Result<ResourceName, String> {
    let form = "write secrets, pods/exec, deployments.apps or deployments.apps/scale";
    if text.contains('*') {
        return Err(format!("a request is about one resource, so it has no `*`; {form}"));
    }
    let (api_group, resource, subresource) = split_resource(text);
    let whole = text.split('/').next().unwrap_or_default();
    if resource.is_empty() || whole.ends_with('.') || text.contains(char::is_whitespace) {
        return Err(format!("`{text}` names no resource; {form}"));
    }
    if text.ends_with('/') {
        return Err(format!("`{text}` names no subresource after the slash; {form}"));
    }
    Ok(ResourceName {
        api_group: api_group.to_owned(),
        resource: resource.to_owned(),
        subresource: subresource.to_owned(),
    })
}

/// The value of `--verb`.
pub(crate) fn parse_verb(text: &str) -> Result<String, String> {
    if VERBS.contains(&text) {
        return Ok(text.to_owned());
    }
    let near = nearest(text, VERBS).map(|near| format!(" did you mean `{near}`?")).unwrap_or_default();
    Err(format!("no request about a resource has the verb `{text}`;{near} They are {}", VERBS.join(", ")))
}

/// The value of `--method`. Servers tell methods apart with their case, and no client sends small letters.
pub(crate) fn parse_method(text: &str) -> Result<String, String> {
    let capitals = text.to_uppercase();
    if text.is_empty() {
        Err("write an HTTP method such as GET".to_owned())
    } else if capitals == text {
        Ok(capitals)
    } else {
        Err(format!("HTTP methods are written in capitals: {capitals}"))
    }
}

/// The value of `--url`.
pub(crate) fn parse_url(text: &str) -> Result<String, String> {
    if text.starts_with('/') || text.contains("://") {
        Ok(text.to_owned())
    } else {
        Err(format!("a URL begins with a slash, from the path on: /{text}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_have_a_name_and_a_subresource_where_there_is_a_slash() {
        let scale = parse_resource("deployments.apps/scale").unwrap();
        assert_eq!(
            (&*scale.api_group, &*scale.resource, &*scale.subresource),
            ("apps", "deployments", "scale")
        );
        assert_eq!(parse_resource("pods").unwrap().api_group, "");
        for text in ["", "/", "pods/", ".apps", "pods.", "pods./exec", "pods/*", "*", "po ds", "/exec"] {
            assert!(parse_resource(text).unwrap_err().contains("write secrets"), "{text}");
        }
    }

    #[test]
    fn verbs_methods_and_urls_are_those_that_clients_send() {
        assert_eq!(parse_verb("watch").unwrap(), "watch");
        assert!(parse_verb("GET").unwrap_err().contains("did you mean `get`?"));
        assert!(parse_verb("impersonate").unwrap_err().contains("deletecollection"));
        assert_eq!(parse_method("PATCH").unwrap(), "PATCH");
        assert!(parse_method("get").unwrap_err().contains("GET"));
        assert_eq!(parse_url("https://example.com/api").unwrap(), "https://example.com/api");
        assert!(parse_url("api/v1").unwrap_err().contains("/api/v1"));
    }
}
