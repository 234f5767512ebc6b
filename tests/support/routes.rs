//! Which request gets which reply.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::http;
use super::reply::Reply;

/// Who asks. Bearer tokens `admin`, `viewer` and `nobody` and the client certificates of the
/// same identities log in; no credentials at all is `Anonymous`; another token gets 401.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Identity {
    Admin,
    Viewer,
    Nobody,
    Anonymous,
}

impl Identity {
    /// The identity a bearer token stands for.
    pub fn of_token(token: &str) -> Option<Self> {
        [Self::Admin, Self::Viewer, Self::Nobody].into_iter().find(|identity| identity.token() == token)
    }

    /// The token that logs in as this identity.
    pub fn token(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Viewer => "viewer",
            Self::Nobody => "nobody",
            Self::Anonymous => "",
        }
    }

    /// The user name in the server's messages, as in the recordings.
    pub fn user(self) -> &'static str {
        match self {
            Self::Admin => "kubernetes-admin",
            Self::Viewer => "viewer@example.com",
            Self::Nobody => "nobody@example.com",
            Self::Anonymous => "system:anonymous",
        }
    }
}

/// A request as the rules see it.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: Vec<(String, String)>,
    pub identity: Identity,
    /// Which of the server's instances was asked.
    pub instance: usize,
}

impl Asked {
    /// The first header of that name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        http::header(&self.headers, name)
    }

    /// A query parameter, decoded.
    pub fn param(&self, name: &str) -> Option<String> {
        http::query_param(&self.query, name)
    }
}

/// One rule: the conditions a request must meet, and the reply. A condition that is not set
/// is met by every request.
#[derive(Clone)]
pub struct Rule {
    method: Option<String>,
    path: Option<String>,
    query: Option<String>,
    accept: Option<String>,
    identity: Option<Identity>,
    instance: Option<usize>,
    reply: Reply,
    answered: Arc<AtomicUsize>,
}

impl Rule {
    /// A rule for GET on one path, whatever the query.
    pub fn get(path: &str, reply: Reply) -> Self {
        Self { method: Some("GET".to_owned()), path: Some(path.to_owned()), ..Self::any(reply) }
    }

    /// A rule for everything, such as a server that hangs on each path.
    pub fn any(reply: Reply) -> Self {
        Self {
            method: None,
            path: None,
            query: None,
            accept: None,
            identity: None,
            instance: None,
            reply,
            answered: Arc::default(),
        }
    }

    /// Only with this method (a rule from `get` has GET already).
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Only if the decoded query contains this text, such as `continue=`.
    #[must_use]
    pub fn query(mut self, part: &str) -> Self {
        self.query = Some(part.to_owned());
        self
    }

    /// Only if the Accept header contains this text (a missing one counts as `*/*`).
    #[must_use]
    pub fn accept(mut self, part: &str) -> Self {
        self.accept = Some(part.to_owned());
        self
    }

    /// Only for this identity.
    #[must_use]
    pub fn by(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Only on this instance of the server.
    #[must_use]
    pub fn on_instance(mut self, instance: usize) -> Self {
        self.instance = Some(instance);
        self
    }

    fn matches(&self, asked: &Asked) -> bool {
        self.method.as_ref().is_none_or(|method| *method == asked.method)
            && self.path.as_ref().is_none_or(|path| *path == asked.path)
            && self.query.as_ref().is_none_or(|part| http::decode(&asked.query).contains(part))
            && self.accept.as_ref().is_none_or(|part| asked.header("accept").unwrap_or("*/*").contains(part))
            && self.identity.is_none_or(|identity| identity == asked.identity)
            && self.instance.is_none_or(|instance| instance == asked.instance)
    }
}

/// The rules of a server; of those that match a request the one added last answers, so a test
/// takes a whole cluster and overrides what it is about.
#[derive(Clone)]
pub struct Routes {
    rules: Vec<Rule>,
    instances: usize,
}

impl Routes {
    /// No rules: everything is the fallback (404 for the admin, 403 for others).
    pub fn empty() -> Self {
        Self { rules: Vec::new(), instances: 1 }
    }

    /// Adds a rule that wins over the earlier ones.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.push(rule);
        self
    }

    /// Answers GET on this path for every identity that can log in at all.
    #[must_use]
    pub fn get(self, path: &str, reply: Reply) -> Self {
        self.rule(Rule::get(path, reply))
    }

    /// Answers GET on this path for one identity.
    #[must_use]
    pub fn get_as(self, identity: Identity, path: &str, reply: Reply) -> Self {
        self.rule(Rule::get(path, reply).by(identity))
    }

    /// Plays so many instances: each new connection reaches the next one.
    #[must_use]
    pub fn with_instances(mut self, instances: usize) -> Self {
        self.instances = instances.max(1);
        self
    }

    /// How many instances are played.
    pub fn instances(&self) -> usize {
        self.instances
    }

    /// The same rules with no request answered yet, so that one `Routes` can serve two servers.
    pub(super) fn restarted(mut self) -> Self {
        for rule in &mut self.rules {
            rule.answered = Arc::default();
        }
        self
    }

    pub(super) fn push(&mut self, rule: Rule) {
        self.rules.push(rule);
    }

    /// The reply to a request, resolved so far that it can be sent.
    pub(super) fn answer(&self, asked: &Asked) -> Reply {
        match self.rules.iter().rev().find(|rule| rule.matches(asked)) {
            Some(rule) => rule.reply.resolve(asked, rule.answered.fetch_add(1, Ordering::SeqCst)),
            None => fallback(asked),
        }
    }
}

/// 401 as recorded, for credentials that the server does not know.
pub(super) fn unauthorized(path: &str) -> Reply {
    Reply::recorded(if path == "/version" { "101" } else { "100" })
}

/// The answer to a request no rule is about: what the recorded server says to somebody
/// with rights (404) and without (403).
fn fallback(asked: &Asked) -> Reply {
    let target = ApiTarget::parse(&asked.path);
    if asked.method != "GET" {
        const MESSAGE: &str = "the server does not allow this method on the requested resource";
        return Reply::status(405, "MethodNotAllowed", MESSAGE, &json!({}));
    }
    let may_read = match asked.identity {
        Identity::Admin => true,
        Identity::Viewer => target.as_ref().is_some_and(ApiTarget::in_view_role),
        Identity::Nobody | Identity::Anonymous => false,
    };
    if may_read { absent(&asked.path) } else { forbidden(&asked.path, asked.identity) }
}

/// What the recorded server says to somebody with rights about a path on which there is nothing.
pub fn absent(path: &str) -> Reply {
    match ApiTarget::parse(path) {
        Some(ApiTarget { group: "", resource, name: Some(name), .. }) => Reply::not_found(resource, name),
        _ => Reply::unknown_path(),
    }
}

/// What the recorded server says to somebody who may not read a path.
pub fn forbidden(path: &str, identity: Identity) -> Reply {
    match ApiTarget::parse(path) {
        Some(target) => target.forbidden(identity),
        None => {
            let message = format!("forbidden: User \"{}\" cannot get path \"{path}\"", identity.user());
            Reply::status(403, "Forbidden", &message, &json!({}))
        }
    }
}

/// An API path taken apart.
struct ApiTarget<'a> {
    group: &'a str,
    namespace: Option<&'a str>,
    resource: &'a str,
    name: Option<&'a str>,
}

impl<'a> ApiTarget<'a> {
    fn parse(path: &'a str) -> Option<Self> {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (group, rest) = match parts.as_slice() {
            ["api", "v1", rest @ ..] => ("", rest),
            ["apis", group, _, rest @ ..] => (*group, rest),
            _ => return None,
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some(*namespace), rest),
            rest => (None, rest),
        };
        let (resource, rest) = rest.split_first()?;
        Some(Self { group, namespace, resource, name: rest.first().copied() })
    }

    /// Whether the built-in ClusterRole `view` covers it, as far as tests ask.
    fn in_view_role(&self) -> bool {
        self.group.is_empty() && ["pods", "configmaps"].contains(&self.resource)
    }

    fn forbidden(&self, identity: Identity) -> Reply {
        let Self { group, resource, .. } = self;
        let full = if group.is_empty() { (*resource).to_owned() } else { format!("{resource}.{group}") };
        let (subject, verb) = match self.name {
            Some(name) => (format!("{full} \"{name}\""), "get"),
            None => (full, "list"),
        };
        let place = match self.namespace {
            Some(namespace) => format!("in the namespace \"{namespace}\""),
            None => "at the cluster scope".to_owned(),
        };
        let message = format!(
            "{subject} is forbidden: User \"{}\" cannot {verb} resource \"{resource}\" in API group \"{group}\" {place}",
            identity.user()
        );
        let mut details = json!({});
        if let Some(name) = self.name {
            details["name"] = json!(name);
        }
        if !group.is_empty() {
            details["group"] = json!(group);
        }
        details["kind"] = json!(resource);
        Reply::status(403, "Forbidden", &message, &details)
    }
}
