//! A method and a URL into the attributes that a policy sees.
//!
//! From `k8s.io/apiserver` `pkg/endpoints/request` `RequestInfoFactory.NewRequestInfo`, with the prefixes `api` (without
//! groups) and `apis` as kube-apiserver has them. The URL is read as Go's `net/url` `Parse` reads it: a scheme and a host
//! before the path are skipped.
//!
//! One thing is left out: a `labelSelector` that cannot be parsed makes the server overlook a field selector's name. It then
//! refuses the request as malformed.

mod query;

use thiserror::Error;

use super::matches::Attributes;
use query::ListOptions;

/// Why a URL has no attributes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UrlError {
    /// The path stops where the server needs to know what is meant. It answers 500 and records nothing.
    #[error("unable to determine kind and namespace from url, {0}")]
    Undetermined(String),
    /// This is no URL.
    #[error("`{url}` is no URL: {reason}")]
    Malformed {
        /// What was given.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// The attributes of a request by this user (none: authentication failed) and their groups.
///
/// # Errors
///
/// Where the server could not tell what is asked for, either.
pub fn attributes(
    method: &str,
    url: &str,
    user: Option<String>,
    groups: Vec<String>,
) -> Result<Attributes, UrlError> {
    let (path, query) = split(url)?;
    let mut attributes =
        Attributes { user, groups, verb: method.to_lowercase(), path: path.clone(), ..Attributes::default() };
    let trimmed = path.trim_matches('/');
    let parts: Vec<&str> = if trimmed.is_empty() { Vec::new() } else { trimmed.split('/').collect() };
    let parts = match parts.as_slice() {
        ["api", version, rest @ ..] if !rest.is_empty() => {
            (*version).clone_into(&mut attributes.api_version);
            rest
        }
        ["apis", group, version, rest @ ..] if !rest.is_empty() => {
            (*group).clone_into(&mut attributes.api_group);
            (*version).clone_into(&mut attributes.api_version);
            rest
        }
        _ => return Ok(attributes),
    };
    attributes.is_resource_request = true;

    let parts = match parts {
        ["proxy" | "watch"] => return Err(UrlError::Undetermined(url.to_owned())),
        [verb @ ("proxy" | "watch"), rest @ ..] => {
            (*verb).clone_into(&mut attributes.verb);
            rest
        }
        _ => {
            verb_of(method).clone_into(&mut attributes.verb);
            parts
        }
    };
    let parts = match parts {
        // What follows a namespace's name is a resource in it, except the namespace's own subresources.
        ["namespaces", namespace, rest @ ..] => {
            (*namespace).clone_into(&mut attributes.namespace);
            if matches!(rest, [] | ["status" | "finalize", ..]) { parts } else { rest }
        }
        _ => parts,
    };
    let mut parts = parts.iter().copied();
    parts.next().unwrap_or_default().clone_into(&mut attributes.resource);
    parts.next().unwrap_or_default().clone_into(&mut attributes.name);
    if attributes.verb != "proxy" {
        parts.next().unwrap_or_default().clone_into(&mut attributes.subresource);
    }
    if attributes.name.is_empty() {
        match attributes.verb.as_str() {
            "get" => {
                let options = ListOptions::parse(query);
                let verb = if options.watch { "watch" } else { "list" };
                verb.clone_into(&mut attributes.verb);
                attributes.name = options.name;
            }
            "delete" => "deletecollection".clone_into(&mut attributes.verb),
            _ => {}
        }
    }
    Ok(attributes)
}

/// Whether an event is also written when the answer starts. `k8s.io/apiserver` `pkg/server/filters`
/// `BasicLongRunningRequestCheck`, with the verbs and subresources of kube-apiserver.
pub fn is_long_running(attributes: &Attributes) -> bool {
    if matches!(attributes.verb.as_str(), "watch" | "proxy") {
        return true;
    }
    if attributes.is_resource_request {
        matches!(attributes.subresource.as_str(), "attach" | "exec" | "proxy" | "log" | "portforward")
    } else {
        attributes.path.starts_with("/debug/pprof/")
    }
}

/// The verb for a resource. Methods are told apart with their case, and one that is not known has no verb.
fn verb_of(method: &str) -> &'static str {
    match method {
        "POST" => "create",
        "GET" | "HEAD" => "get",
        "PUT" => "update",
        "PATCH" => "patch",
        "DELETE" => "delete",
        _ => "",
    }
}

/// The decoded path of a URL, and the query as it stands there.
fn split(url: &str) -> Result<(String, &str), UrlError> {
    let malformed = |reason| UrlError::Malformed { url: url.to_owned(), reason };
    if url.bytes().any(|byte| byte.is_ascii_control()) {
        return Err(malformed("it has a control character"));
    }
    let text = url.split_once('#').map_or(url, |(text, _)| text);
    let (text, query) = text.split_once('?').unwrap_or((text, ""));
    let path = without_host(text);
    match query::decode(path, false) {
        Some(path) => Ok((path, query)),
        None => Err(malformed("a `%` is not followed by two hexadecimal digits")),
    }
}

fn without_host(url: &str) -> &str {
    let scheme = |scheme: &str| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    };
    let host = match url.split_once("://") {
        Some((before, rest)) if scheme(before) => Some(rest),
        _ if url.starts_with("///") => None,
        _ => url.strip_prefix("//"),
    };
    let Some(host) = host else { return url };
    host.find('/').and_then(|at| host.get(at..)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(method: &str, url: &str) -> Attributes {
        attributes(method, url, Some("alice".into()), vec![]).unwrap()
    }

    #[test]
    fn a_scheme_and_a_host_are_no_part_of_the_path() {
        let expected = of("GET", "/api/v1/pods?watch=1");
        assert_eq!(of("GET", "https://192.0.2.1:6443/api/v1/pods?watch=1#x"), expected);
        assert_eq!(of("GET", "https://192.0.2.1:6443").path, "");
        assert_eq!(of("GET", "///api").path, "///api");
        assert_eq!(of("GET", "/a?x=b://c").path, "/a");
        assert_eq!(of("GET", "/a/b://c").path, "/a/b://c");
    }

    #[test]
    fn escapes_are_decoded_before_the_path_is_split() {
        assert_eq!(of("GET", "/api/v1/pods%2Fx").name, "x");
        let error = attributes("GET", "/api/%zz", None, vec![]).unwrap_err();
        assert!(error.to_string().contains("hexadecimal"), "{error}");
        assert!(attributes("GET", "/api\n", None, vec![]).is_err());
    }

    #[test]
    fn the_case_of_a_method_counts_for_resources_only() {
        assert_eq!(of("get", "/api/v1/pods").verb, "");
        assert_eq!(of("Get", "/healthz").verb, "get");
    }

    #[test]
    fn a_list_that_cannot_be_decoded_has_no_name_but_may_be_a_watch() {
        let url = "/api/v1/pods?fieldSelector=metadata.name=x&watch=1";
        assert_eq!((of("GET", url).verb, of("GET", url).name), ("watch".into(), "x".into()));
        for broken in ["limit=ten", "limit=", "timeoutSeconds=1s"] {
            let broken = of("GET", &format!("{url}&{broken}"));
            assert_eq!((broken.verb, broken.name), ("watch".into(), String::new()));
        }
    }

    #[test]
    fn long_running_requests() {
        assert!(is_long_running(&of("WATCH", "/healthz")), "the method is the verb");
        assert!(!is_long_running(&of("GET", "/debug/pprof")));
        assert!(!is_long_running(&of("GET", "/api/v1/namespaces/log")));
    }
}
