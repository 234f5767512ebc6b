//! Random requests of a class, as a server could get them.

use logaudit::analyze::policy::AuditPolicy;
use logaudit::analyze::policy::apis::Apis;
use logaudit::analyze::policy::catalogue::{RequestClass, UNKNOWN_GROUP, Who};
use logaudit::analyze::policy::matches::Attributes;

/// Numbers that look random and are the same in every run (SplitMix64).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as usize % end.max(1)
    }

    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn of<'t, T>(&mut self, list: &'t [T]) -> &'t T {
        &list[self.below(list.len())]
    }

    /// A few of a list; none with a chance that grows with `emptiness`.
    pub(crate) fn some(&mut self, list: &[&str], emptiness: usize) -> Vec<String> {
        if emptiness > 0 && !self.one_in(emptiness + 1) {
            return Vec::new();
        }
        let count = 1 + self.below(3);
        let mut chosen: Vec<String> = (0..count).map(|_| (*self.of(list)).to_owned()).collect();
        chosen.sort();
        chosen.dedup();
        chosen
    }
}

/// A request of a class; none if the dice came to one that no server can get.
pub(crate) fn request(
    dice: &mut Dice,
    class: &RequestClass,
    policy: &AuditPolicy,
    apis: &Apis,
) -> Option<Attributes> {
    let pattern = dice.of(&class.requests).clone();
    let (user, groups) = {
        let who = *dice.of(&class.who);
        sender(dice, who)
    };
    let verb = dice.of(&pattern.verbs).clone();
    let mut attributes = Attributes { user, groups, verb, ..Attributes::default() };
    if !pattern.urls.is_empty() {
        let url = dice.of(&pattern.urls).clone();
        attributes.path = match url.strip_suffix('*') {
            Some(prefix) => {
                format!("{prefix}{}", dice.of(&["", "x", "healthz", "/x", "apis/x", "z", "/", "other0"]))
            }
            None => url,
        };
        return Some(attributes);
    }
    attributes.is_resource_request = true;
    let resource = dice.of(&pattern.resources).clone();
    let group = match pattern.group.as_str() {
        "*" => (*dice.of(&["", "apps", "foo.io", UNKNOWN_GROUP])).to_owned(),
        group => group.to_owned(),
    };
    let is_named =
        |group: &str| policy.rules.iter().flat_map(|rule| &rule.resources).any(|entry| entry.group == group);
    if group == "foo.io" && !is_named(&group) {
        return None;
    }
    let (resource, subresource) = match resource.split_once('/') {
        Some((resource, subresource)) => (resource.to_owned(), subresource.to_owned()),
        None if resource == "*" => (
            dice.of(&["secrets", "pods", "namespaces", "nodes", "deployments", "things"]).to_string(),
            String::new(),
        ),
        None => (resource, String::new()),
    };
    let served = apis.get(&group, &resource);
    if served.is_none() && !is_named(&group) && group != UNKNOWN_GROUP {
        return None;
    }
    // Of resources that nobody knows only those count that a rule names, and one for all others.
    let is_wild = pattern.resources.iter().any(|resource| resource == "*");
    if served.is_none() && is_wild && resource != "things" {
        return None;
    }
    if is_wild && !subresource.is_empty() && served.is_none() && resource != "things" {
        return None;
    }
    if !subresource.is_empty() && served.is_some_and(|served| !served.subresources.contains_key(&subresource))
    {
        return None;
    }
    let namespaces = ["dev", "kube-system", "x", "y", "some-namespace", "kube-public", "a"];
    let names = ["a", "b", "z", "*", "kube-system", "some-name", "dev"];
    let namespaced = served.map_or_else(|| !dice.one_in(3), |served| served.namespaced);
    let is_namespaces = resource == "namespaces" && served.is_some();
    let verb = attributes.verb.as_str();
    attributes.name = match verb {
        "create" if subresource.is_empty() => String::new(),
        "deletecollection" => String::new(),
        "list" | "watch" if dice.one_in(2) => String::new(),
        _ => (*dice.of(&names)).to_owned(),
    };
    let spans_all = matches!(verb, "list" | "watch") && dice.one_in(3);
    attributes.namespace =
        if !namespaced || spans_all { String::new() } else { (*dice.of(&namespaces)).to_owned() };
    let always_named = !matches!(verb, "list" | "watch" | "deletecollection" | "create")
        || verb == "create" && !subresource.is_empty();
    if is_namespaces && (always_named || verb == "watch" && dice.one_in(3)) {
        attributes.name = (*dice.of(&namespaces)).to_owned();
        attributes.namespace = attributes.name.clone();
    }
    if !pattern.names.is_empty() && !pattern.names.contains(&attributes.name) {
        return None;
    }
    if !pattern.namespaces.is_empty()
        && (namespaced || is_namespaces || served.is_none())
        && !pattern.namespaces.contains(&attributes.namespace)
    {
        return None;
    }
    attributes.api_group = group;
    attributes.resource = resource;
    attributes.subresource = subresource;
    Some(attributes)
}

fn sender(dice: &mut Dice, who: Who) -> (Option<String>, Vec<String>) {
    let authenticated = "system:authenticated".to_owned();
    match who {
        Who::Person | Who::Unprivileged => {
            let users: &[&str] = match who {
                Who::Person => &["alice", "bob", "carol", "system:kube-scheduler", "system:masters"],
                _ => &["alice", "bob", "carol"],
            };
            let user = (*dice.of(users)).to_owned();
            let groups: &[&str] = match who {
                Who::Person => &["dev", "ops", "qa", "system:masters", "system:nodes"],
                _ => &["dev", "ops", "qa"],
            };
            let mut joined = vec![authenticated];
            joined.extend(groups.iter().filter(|_| dice.one_in(3)).map(|group| (*group).to_owned()));
            (Some(user), joined)
        }
        Who::ServiceAccount | Who::WorkloadAccount | Who::PlatformAccount => {
            let namespaces: &[&str] = match who {
                Who::ServiceAccount => &["dev", "kube-system", "z", "kube-public"],
                Who::WorkloadAccount => &["dev", "z"],
                _ => &["kube-system"],
            };
            let namespace = *dice.of(namespaces);
            let name = *dice.of(&["a", "b", "c"]);
            let groups = vec![
                "system:serviceaccounts".to_owned(),
                format!("system:serviceaccounts:{namespace}"),
                authenticated,
            ];
            (Some(format!("system:serviceaccount:{namespace}:{name}")), groups)
        }
        Who::Node => {
            let user = format!("system:node:{}", dice.of(&["n1", "n2"]));
            (Some(user), vec!["system:nodes".to_owned(), authenticated])
        }
        Who::Anonymous => (Some("system:anonymous".to_owned()), vec!["system:unauthenticated".to_owned()]),
        Who::FailedAuthentication => (None, Vec::new()),
    }
}
