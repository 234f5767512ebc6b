//! What a policy covers without a key that the server drops.

use super::decode::{Draft, DraftRule};
use crate::analyze::policy::GroupResources;
use crate::suggest;

/// All keys with a meaning, at any depth.
pub(super) const KNOWN: [&str; 15] = [
    "apiVersion",
    "kind",
    "metadata",
    "omitStages",
    "omitManagedFields",
    "rules",
    "level",
    "users",
    "userGroups",
    "verbs",
    "resources",
    "namespaces",
    "nonResourceURLs",
    "group",
    "resourceNames",
];

const OF_POLICY: [&str; 3] = ["rules", "omitStages", "omitManagedFields"];
const OF_RULE: [&str; 9] = [
    "level",
    "users",
    "userGroups",
    "verbs",
    "resources",
    "namespaces",
    "nonResourceURLs",
    "omitStages",
    "omitManagedFields",
];
const OF_ITEM: [&str; 3] = ["group", "resources", "resourceNames"];

/// The key that was probably meant: by words that people use, or else by spelling.
fn meant(key: &str, words: &[(&str, &'static str)], known: &'static [&'static str]) -> Option<&'static str> {
    // The distance takes time with the square of the length.
    if key.len() > 64 {
        return None;
    }
    let lower = key.to_lowercase();
    let same = known.iter().find(|known| known.eq_ignore_ascii_case(key)).copied();
    same.or_else(|| words.iter().find(|(word, _)| *word == lower).map(|(_, field)| *field))
        .or_else(|| suggest::nearest(key, known.iter().copied()))
}

fn with_hint(effect: String, field: Option<&str>) -> String {
    match field {
        Some(field) => format!("{effect} (did you mean `{field}`?)"),
        None => effect,
    }
}

/// A key of the policy itself.
pub(super) fn from_policy(key: &str, policy: &Draft) -> String {
    let field = meant(key, &[("rule", "rules"), ("spec", "rules"), ("stages", "omitStages")], &OF_POLICY);
    let effect = match field {
        Some("rules") if policy.rules.is_empty() => "it is dropped, and with it the rules".to_owned(),
        Some("omitStages") if policy.omit_stages.is_empty() => {
            "it is dropped, so no stage is left out by the policy as a whole".to_owned()
        }
        Some("omitManagedFields") => "it is dropped, so managed fields stay in recorded bodies".to_owned(),
        _ if OF_RULE.contains(&key) => {
            "it is dropped: only rules have it, so it holds for none of them".to_owned()
        }
        _ => "it is dropped and has no effect".to_owned(),
    };
    with_hint(effect, field.filter(|_| key != "spec"))
}

/// A key of a rule.
pub(super) fn from_rule(key: &str, rule: &DraftRule) -> String {
    const WORDS: [(&str, &str); 24] = [
        ("username", "users"),
        ("usernames", "users"),
        ("subjects", "users"),
        ("serviceaccount", "users"),
        ("serviceaccounts", "users"),
        ("group", "userGroups"),
        ("groups", "userGroups"),
        ("method", "verbs"),
        ("methods", "verbs"),
        ("operations", "verbs"),
        ("apigroup", "resources"),
        ("apigroups", "resources"),
        ("kinds", "resources"),
        ("resourcenames", "resources"),
        ("resourcename", "resources"),
        ("names", "resources"),
        ("ns", "namespaces"),
        ("url", "nonResourceURLs"),
        ("urls", "nonResourceURLs"),
        ("path", "nonResourceURLs"),
        ("paths", "nonResourceURLs"),
        ("nonresourceurl", "nonResourceURLs"),
        ("stage", "omitStages"),
        ("stages", "omitStages"),
    ];
    let field = meant(key, &WORDS, &OF_RULE);
    let names = matches!(key.to_lowercase().as_str(), "resourcenames" | "resourcename" | "names");
    let filled = |field: &str| match field {
        "level" => !rule.level.is_empty(),
        "users" => !rule.rule.users.is_empty(),
        "userGroups" => !rule.rule.user_groups.is_empty(),
        "verbs" => !rule.rule.verbs.is_empty(),
        "resources" => !rule.rule.resources.is_empty(),
        "namespaces" => !rule.rule.namespaces.is_empty(),
        "nonResourceURLs" => !rule.rule.non_resource_urls.is_empty(),
        "omitStages" => !rule.omit_stages.is_empty(),
        "omitManagedFields" => rule.rule.omit_managed_fields.is_some(),
        _ => false,
    };
    let effect = match field {
        _ if names => {
            "it is dropped, so the rule matches objects of every name (names belong into an item of `resources`)"
                .to_owned()
        }
        Some(field) if filled(field) => format!("it is dropped, and only `{field}` counts"),
        Some("level") => "it is dropped, so the rule has no level".to_owned(),
        Some("omitStages") => "it is dropped, so the rule leaves out no stage of its own".to_owned(),
        Some("omitManagedFields") => "it is dropped, so the policy's own setting holds".to_owned(),
        Some(field) => widened(field).to_owned(),
        None => "it is dropped, and the rule matches as if it were not there".to_owned(),
    };
    with_hint(effect, field.filter(|_| !names))
}

/// What a rule matches without one of its conditions.
fn widened(field: &str) -> &'static str {
    match field {
        "users" => "it is dropped, so the rule matches any user",
        "userGroups" => "it is dropped, so the rule matches users of any group",
        "verbs" => "it is dropped, so the rule matches any verb",
        "namespaces" => "it is dropped, so the rule matches in any namespace and outside of namespaces",
        "resources" => "it is dropped, so the rule matches any resource of any API group",
        "nonResourceURLs" => "it is dropped, so the rule is not limited to these paths",
        _ => "it is dropped, and the rule matches as if it were not there",
    }
}

/// A key of an item of a rule's resources.
pub(super) fn from_item(key: &str, item: &GroupResources, has_group: bool) -> String {
    const WORDS: [(&str, &str); 10] = [
        ("apigroup", "group"),
        ("apigroups", "group"),
        ("apiversion", "group"),
        ("kind", "resources"),
        ("kinds", "resources"),
        ("subresource", "resources"),
        ("subresources", "resources"),
        ("name", "resourceNames"),
        ("names", "resourceNames"),
        ("objectnames", "resourceNames"),
    ];
    let of_rule = || {
        let words =
            [("user", "users"), ("username", "users"), ("verb", "verbs"), ("namespace", "namespaces")];
        let lower = key.to_lowercase();
        OF_RULE
            .iter()
            .find(|field| field.eq_ignore_ascii_case(key) && !OF_ITEM.contains(field))
            .copied()
            .or_else(|| words.iter().find(|(word, _)| *word == lower).map(|(_, field)| *field))
    };
    if let Some(field) = of_rule() {
        let effect = match field {
            "level" | "omitStages" | "omitManagedFields" => "it is dropped and has no effect here",
            field => widened(field),
        };
        return format!("{effect} (`{field}` belongs into the rule, beside `resources`)");
    }
    if key.eq_ignore_ascii_case("version") || key.eq_ignore_ascii_case("versions") {
        return "it is dropped: an item is about every version of its group".to_owned();
    }
    let field = meant(key, &WORDS, &OF_ITEM);
    let effect = match field {
        Some("group") if has_group => "it is dropped, and only `group` counts".to_owned(),
        Some("group") => "it is dropped, so the item is about the core group".to_owned(),
        Some("resources") if item.resources.is_empty() => {
            format!("it is dropped, so the item covers the whole {}", group(item))
        }
        Some("resources") => "it is dropped, and only `resources` counts".to_owned(),
        Some("resourceNames") if item.resource_names.is_empty() => {
            "it is dropped, so the item covers objects of any name".to_owned()
        }
        Some("resourceNames") => "it is dropped, and only `resourceNames` counts".to_owned(),
        _ => "it is dropped, and the item matches as if it were not there".to_owned(),
    };
    with_hint(effect, field)
}

fn group(item: &GroupResources) -> String {
    match item.group.as_str() {
        "" => "core API group".to_owned(),
        "*" => "API, group by group".to_owned(),
        name => format!("API group `{}`", name.chars().take(80).collect::<String>()),
    }
}
