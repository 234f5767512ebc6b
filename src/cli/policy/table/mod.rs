//! Tables of requests and of what a policy must record of them, as `policy test` reads them (`docs/policy-tests.md`).

mod values;

use serde_yaml::Spanned;

use crate::analyze::policy::load::{At, Problem, ProblemKind};
use crate::analyze::policy::matches::{Attributes, StageSet};
use crate::analyze::policy::{Level, Stage, request};
use crate::analyze::version::Version;
use crate::suggest;

pub(super) use values::Rule;
use values::{OneOrMore, Word, place};

use super::request::{DEFAULT_USER, VERBS, has_name, implied_groups, split_resource};

/// The largest table that is read.
pub(super) const MAX_BYTES: usize = 4 * 1024 * 1024;

/// How many requests one test may stand for.
const MAX_REQUESTS: usize = 10_000;

/// How deep a table may be nested; one in use has six levels.
const MAX_DEPTH: usize = 64;

/// A table.
#[derive(Debug)]
pub(super) struct Table {
    /// What the file is called.
    pub(super) name: String,
    text: String,
    /// The policy that is tested, seen from the table's folder.
    pub(super) policy: Option<String>,
    /// The server that the policy is loaded for.
    pub(super) kubernetes: Option<Version>,
    /// The tests.
    pub(super) tests: Vec<Test>,
}

/// A line of a table.
#[derive(Debug)]
pub(super) struct Test {
    /// Where it begins.
    pub(super) at: At,
    /// What it is called.
    pub(super) name: Option<String>,
    /// What must be recorded.
    pub(super) expected: Expected,
    requests: Vec<(At, Requests)>,
}

/// What must be recorded of a request.
#[derive(Debug, Default)]
pub(super) struct Expected {
    /// One of these levels; any if there are none.
    pub(super) levels: Vec<Level>,
    /// No less than this.
    pub(super) at_least: Option<Level>,
    /// No more than this.
    pub(super) at_most: Option<Level>,
    /// At exactly these stages.
    pub(super) stages: Option<StageSet>,
    /// By this rule, or by none.
    pub(super) rule: Option<Rule>,
    /// With or without managed fields in bodies.
    pub(super) omit_managed_fields: Option<bool>,
}

/// A table as its file spells it.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TableFile {
    policy: Option<Word>,
    kubernetes: Option<Spanned<Word>>,
    tests: Vec<Spanned<TestFile>>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TestFile {
    name: Option<String>,
    request: Spanned<OneOrMore<Requests>>,
    level: Option<Spanned<OneOrMore<Level>>>,
    at_least: Option<Level>,
    at_most: Option<Level>,
    stages: Option<OneOrMore<Stage>>,
    rule: Option<Rule>,
    omit_managed_fields: Option<bool>,
}

/// Requests as a table spells them: every combination of what is listed.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Requests {
    user: Option<OneOrMore<Word>>,
    groups: Option<OneOrMore<Word>>,
    #[serde(default)]
    unauthenticated: bool,
    verb: Option<OneOrMore<Word>>,
    resource: Option<OneOrMore<Word>>,
    namespace: Option<OneOrMore<Word>>,
    name: Option<OneOrMore<Word>>,
    method: Option<OneOrMore<Word>>,
    url: Option<OneOrMore<Word>>,
}

/// Keys that people know from elsewhere, and what to write here.
const FROM_ELSEWHERE: [(&str, &str); 11] = [
    ("subresource", "write `resource: pods/exec`"),
    ("apiGroup", "write `resource: deployments.apps`"),
    ("apiGroups", "write `resource: deployments.apps`"),
    ("group", "write `groups` for the user's groups, and `resource: deployments.apps` for an API group"),
    ("userGroups", "write `groups`"),
    ("path", "write `method` and `url`"),
    ("nonResourceURLs", "write `method` and `url`"),
    ("resourceNames", "write `name`"),
    ("requests", "`request` also takes a list"),
    ("expect", "write `level`, `atLeast`, `atMost`, `stages` or `rule` in its place"),
    ("rules", "this looks like a policy; give it with -f, and the tests as a table of their own"),
];

impl Table {
    /// Reads a table.
    ///
    /// # Errors
    /// What is wrong, drawn into the text.
    pub(super) fn parse(name: &str, bytes: &[u8]) -> anyhow::Result<Self> {
        if bytes.len() > MAX_BYTES {
            anyhow::bail!("{name}: larger than {} MiB; split the tests into several files", MAX_BYTES >> 20);
        }
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text).to_owned(),
            Err(error) => {
                anyhow::bail!("{name}: not UTF-8 from byte {} on; save it as UTF-8", error.valid_up_to())
            }
        };
        let mut table =
            Self { name: name.to_owned(), text, policy: None, kubernetes: None, tests: Vec::new() };
        if table.text.lines().all(|line| line.trim().is_empty() || line.starts_with('#')) {
            anyhow::bail!(
                "{name}: there are no tests in it; write a list `tests` (see docs/policy-tests.md)"
            );
        }
        let options = serde_yaml::options! {
            budget: serde_yaml::budget! { max_depth: MAX_DEPTH, max_nodes: 1_000_000 },
            legacy_octal_numbers: true,
            with_snippet: false,
        };
        let file = serde_yaml::from_str_with_options::<TableFile>(&table.text, options)
            .map_err(|error| table.unreadable(&error))?;
        table.policy = file.policy.map(|word| word.0);
        if let Some(version) = &file.kubernetes {
            table.kubernetes = Some(Version::parse(&version.value.0).ok_or_else(|| {
                table.wrong(
                    place(version),
                    format!("`{}` is no Kubernetes version; write \"1.36\"", version.value.0),
                )
            })?);
        }
        if file.tests.is_empty() {
            anyhow::bail!("{name}: the list `tests` is empty");
        }
        for test in file.tests {
            let test = table.test(test)?;
            table.tests.push(test);
        }
        Ok(table)
    }

    fn test(&self, file: Spanned<TestFile>) -> anyhow::Result<Test> {
        let at = place(&file);
        let file = file.value;
        let levels = match file.level {
            Some(level) if level.value.0.is_empty() => {
                return Err(self.wrong(place(&level), "`level` lists no level"));
            }
            Some(level) => level.value.0.into_iter().map(|(_, level)| level).collect(),
            None => Vec::new(),
        };
        let expected = Expected {
            levels,
            at_least: file.at_least,
            at_most: file.at_most,
            stages: file.stages.map(|stages| stages.0.into_iter().map(|(_, stage)| stage).collect()),
            rule: file.rule,
            omit_managed_fields: file.omit_managed_fields,
        };
        if !expected.asks() {
            let message = "the test expects nothing; give `level`, `atLeast`, `atMost`, `stages` or `rule`";
            return Err(self.wrong(at, message));
        }
        let whole = place(&file.request);
        let requests: Vec<(At, Requests)> =
            file.request.value.0.into_iter().map(|(at, requests)| (at.unwrap_or(whole), requests)).collect();
        if requests.is_empty() {
            return Err(self.wrong(whole, "`request` lists no request"));
        }
        Ok(Test { at, name: file.name, expected, requests })
    }

    /// The requests that a test stands for.
    ///
    /// # Errors
    /// A request that cannot be, drawn into the text.
    pub(super) fn requests(&self, test: &Test) -> anyhow::Result<Vec<Attributes>> {
        let mut all = Vec::new();
        for (at, requests) in &test.requests {
            requests.expand(&mut all).map_err(|message| self.wrong(*at, message))?;
        }
        Ok(all)
    }

    fn wrong(&self, at: At, message: impl Into<String>) -> anyhow::Error {
        let problem = Problem::new(ProblemKind::Value, String::new(), at, message);
        anyhow::anyhow!("{}", problem.render(&self.text, &self.name))
    }

    fn unreadable(&self, error: &serde_yaml::Error) -> anyhow::Error {
        let at = error.location().map_or(At::START, |at| {
            let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
            At::new(number(at.line()), number(at.column()))
        });
        let mut cause = error.without_snippet();
        while let serde_yaml::Error::AliasError { error, .. } = cause {
            cause = error.without_snippet();
        }
        let message = match cause {
            serde_yaml::Error::Budget { .. } | serde_yaml::Error::AliasReplayLimitExceeded { .. } => {
                "more nesting, values or aliases than a table of tests needs".to_owned()
            }
            error => error.to_string(),
        };
        let message = message.lines().next().unwrap_or_default();
        let message = message.find(" at line ").and_then(|cut| message.get(..cut)).unwrap_or(message);
        self.wrong(at, in_our_words(message))
    }
}

/// The parser's message in the words of tables: "unknown field `lvl`, expected one of level, …" with what was meant.
fn in_our_words(message: &str) -> String {
    if let Some(key) = message.strip_prefix("duplicate mapping key: ") {
        return format!("`{}` is given twice", key.split(',').next().unwrap_or_default());
    }
    let message = message
        .replace("sequence start", "a list")
        .replace("mapping start", "a mapping")
        .replace("unit value", "nothing");
    let Some(rest) = message.strip_prefix("unknown ") else { return message };
    let name = rest.split('`').nth(1).unwrap_or_default();
    if let Some((_, hint)) = FROM_ELSEWHERE.iter().find(|(key, _)| *key == name) {
        return format!("unknown field `{name}`: {hint}");
    }
    let known = rest.split_once("expected one of ").map_or("", |(_, known)| known);
    match suggest::nearest(name, known.split(", ")) {
        Some(meant) => format!("{message}; did you mean `{meant}`?"),
        None => message,
    }
}

impl Expected {
    fn asks(&self) -> bool {
        !self.levels.is_empty()
            || self.at_least.is_some()
            || self.at_most.is_some()
            || self.stages.is_some()
            || self.rule.is_some()
            || self.omit_managed_fields.is_some()
    }
}

impl Requests {
    fn expand(&self, all: &mut Vec<Attributes>) -> Result<(), String> {
        for (key, list) in [
            ("user", &self.user),
            ("verb", &self.verb),
            ("resource", &self.resource),
            ("namespace", &self.namespace),
            ("name", &self.name),
            ("method", &self.method),
            ("url", &self.url),
        ] {
            if list.as_ref().is_some_and(|list| list.0.is_empty()) {
                return Err(format!("`{key}` is an empty list, which stands for no request at all"));
            }
        }
        let users = self.users()?;
        let is_by_url = self.method.is_some() || self.url.is_some();
        if is_by_url
            && [&self.verb, &self.resource, &self.namespace, &self.name].iter().any(|it| it.is_some())
        {
            return Err(
                "`method` and `url` say all of a request; leave out verb, resource, namespace and name"
                    .into(),
            );
        }
        let lists = [&self.verb, &self.resource, &self.namespace, &self.name, &self.method, &self.url];
        let count = lists.iter().try_fold(users.len(), |count, list| {
            count.checked_mul(list.as_ref().map_or(1, |list| list.0.len()))
        });
        if count.and_then(|count| count.checked_add(all.len())).is_none_or(|count| count > MAX_REQUESTS) {
            return Err(format!("the test stands for more than {MAX_REQUESTS} requests; split it"));
        }
        for (user, groups) in &users {
            if is_by_url {
                self.by_url(user.as_ref(), groups, all)?;
            } else {
                self.by_verb(user.as_ref(), groups, all)?;
            }
        }
        Ok(())
    }

    fn users(&self) -> Result<Vec<User>, String> {
        if self.unauthenticated {
            if self.user.is_some() || self.groups.is_some() {
                return Err("a request whose credentials are refused has neither user nor groups".into());
            }
            return Ok(vec![(None, Vec::new())]);
        }
        let given = texts(self.groups.as_ref(), &[]);
        let users = texts(self.user.as_ref(), &[DEFAULT_USER]);
        if users.iter().any(String::is_empty) {
            return Err("a user without a name; for refused credentials write `unauthenticated: true`".into());
        }
        Ok(users
            .into_iter()
            .map(|user| {
                let groups = implied_groups(&user, &given);
                (Some(user), groups)
            })
            .collect())
    }

    fn by_url(
        &self,
        user: Option<&String>,
        groups: &[String],
        all: &mut Vec<Attributes>,
    ) -> Result<(), String> {
        let (Some(methods), Some(urls)) = (&self.method, &self.url) else {
            return Err("`method` and `url` go together".into());
        };
        for (_, Word(method)) in &methods.0 {
            if method.is_empty() || method.chars().any(|c| !c.is_ascii_uppercase()) {
                return Err(format!("`{method}` is no HTTP method; write GET, POST, PUT, PATCH or DELETE"));
            }
            for (_, Word(url)) in &urls.0 {
                let attributes = request::attributes(method, url, user.cloned(), groups.to_vec());
                all.push(attributes.map_err(|error| error.to_string())?);
            }
        }
        Ok(())
    }

    fn by_verb(
        &self,
        user: Option<&String>,
        groups: &[String],
        all: &mut Vec<Attributes>,
    ) -> Result<(), String> {
        let (Some(verbs), Some(resources)) = (&self.verb, &self.resource) else {
            return Err("a request has `verb` and `resource`, or `method` and `url`".into());
        };
        let namespaces = texts(self.namespace.as_ref(), &[""]);
        let names = texts(self.name.as_ref(), &[""]);
        for (_, Word(verb)) in &verbs.0 {
            if !VERBS.contains(&verb.as_str()) {
                let meant = suggest::nearest(verb, VERBS).map(|verb| format!("; did you mean `{verb}`?"));
                return Err(format!(
                    "`{verb}` is no verb of a request: these are {}{}",
                    VERBS.join(", "),
                    meant.unwrap_or_default()
                ));
            }
            for (_, Word(resource)) in &resources.0 {
                let (api_group, resource, subresource) = split_resource(resource);
                if resource.is_empty() || resource.contains('*') || subresource.contains('*') {
                    return Err(
                        "a request is about one resource, such as secrets, pods/exec or deployments.apps"
                            .into(),
                    );
                }
                // A verb without a name in its URL comes once, however many names there are.
                let names = if has_name(verb, subresource) { names.as_slice() } else { &[String::new()] };
                for namespace in &namespaces {
                    all.extend(names.iter().map(|name| Attributes {
                        user: user.cloned(),
                        groups: groups.to_vec(),
                        verb: verb.clone(),
                        api_group: api_group.to_owned(),
                        resource: resource.to_owned(),
                        subresource: subresource.to_owned(),
                        name: name.clone(),
                        namespace: namespace.clone(),
                        is_resource_request: true,
                        ..Attributes::default()
                    }));
                }
            }
        }
        Ok(())
    }
}

/// A user's name, none where the credentials are refused, and groups.
type User = (Option<String>, Vec<String>);

fn texts(list: Option<&OneOrMore<Word>>, default: &[&str]) -> Vec<String> {
    match list {
        Some(list) => list.0.iter().map(|(_, word)| word.0.clone()).collect(),
        None => default.iter().map(|&text| text.to_owned()).collect(),
    }
}
