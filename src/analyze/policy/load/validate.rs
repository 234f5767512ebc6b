//! What the server refuses in a policy that it can decode (`k8s.io/apiserver` `pkg/apis/audit/validation`,
//! `ValidatePolicy`, and the count of rules in `pkg/audit/policy/reader.go`).

use super::Format;
use super::decode::{Draft, DraftRule};
use super::places::Places;
use super::problem::{Problem, ProblemKind, Problems};
use crate::analyze::policy::{AuditPolicy, GroupResources, Level, PolicyRule, Stage};
use crate::suggest;

/// The policy, if the server takes it.
pub(super) fn validate(
    draft: Draft,
    places: &Places,
    format: Format,
    errors: &mut Problems,
) -> Option<AuditPolicy> {
    let mut validator = Validator { places, format, errors };
    let omit_stages = validator.stages("omitStages", &draft.omit_stages);
    let rules: Vec<PolicyRule> =
        draft.rules.into_iter().enumerate().map(|(index, rule)| validator.rule(index, rule)).collect();
    if rules.is_empty() {
        let at = places.nearest("rules");
        let message = "no rules: the server does not start with a policy that has none";
        errors.add(|| Problem::new(ProblemKind::NoRules, "rules".into(), at, message));
    }
    let omit_managed_fields = draft.omit_managed_fields;
    errors.is_empty().then_some(AuditPolicy { omit_stages, omit_managed_fields, rules })
}

struct Validator<'a> {
    places: &'a Places,
    format: Format,
    errors: &'a mut Problems,
}

impl Validator<'_> {
    fn refuse(&mut self, field: impl FnOnce() -> String, message: impl FnOnce() -> String) {
        let places = self.places;
        self.errors.add(|| {
            let field = field();
            let at = places.nearest(&field);
            Problem::new(ProblemKind::Value, field, at, message())
        });
    }

    fn rule(&mut self, index: usize, draft: DraftRule) -> PolicyRule {
        let DraftRule { level, omit_stages, rule } = draft;
        let path = format!("rules[{index}]");
        let level = self.level(&path, &level);
        self.urls(&path, &rule.non_resource_urls);
        for (index, item) in rule.resources.iter().enumerate() {
            self.resources(&format!("{path}.resources[{index}]"), item);
        }
        let omit_stages = self.stages(&format!("{path}.omitStages"), &omit_stages);
        if !rule.non_resource_urls.is_empty() && (!rule.resources.is_empty() || !rule.namespaces.is_empty()) {
            let other = if rule.resources.is_empty() { "namespaces" } else { "resources" };
            self.refuse(
                || format!("{path}.nonResourceURLs"),
                || {
                    format!(
                        "a rule is either about resources or about paths, and this one also has `{other}`: make two rules"
                    )
                },
            );
        }
        PolicyRule { level, omit_stages, ..rule }
    }

    fn level(&mut self, path: &str, text: &str) -> Level {
        text.parse().unwrap_or_else(|_| {
            self.refuse(
                || format!("{path}.level"),
                || {
                    if text.is_empty() {
                        return "missing: every rule needs None, Metadata, Request or RequestResponse"
                            .to_owned();
                    }
                    let names = Level::ALL.map(Level::as_str);
                    let hint =
                        match (Stage::ALL.iter().any(|stage| stage.as_str() == text), near(text, names)) {
                            (true, _) => " (it is a stage)".to_owned(),
                            (false, Some(near)) => format!(" (did you mean `{near}`?)"),
                            (false, None) => String::new(),
                        };
                    format!("{} is no level: use {}{hint}", quote(text), names.join(", "))
                },
            );
            Level::None
        })
    }

    fn stages(&mut self, path: &str, texts: &[String]) -> Vec<Stage> {
        let mut stages = Vec::with_capacity(texts.len());
        for (index, text) in texts.iter().enumerate() {
            if let Ok(stage) = text.parse() {
                stages.push(stage);
                continue;
            }
            self.refuse(
                || format!("{path}[{index}]"),
                || {
                    let names = Stage::ALL.map(Stage::as_str);
                    let hint = near(text, names)
                        .map(|near| format!(" (did you mean `{near}`?)"))
                        .unwrap_or_default();
                    format!("{} is no stage: use {}{hint}", quote(text), names.join(", "))
                },
            );
        }
        stages
    }

    fn urls(&mut self, path: &str, urls: &[String]) {
        for (index, url) in urls.iter().enumerate().filter(|(_, url)| *url != "*") {
            let field = || format!("{path}.nonResourceURLs[{index}]");
            if !url.starts_with('/') {
                self.refuse(field, || {
                    format!("{} does not begin with `/`, and is not `*` alone", quote(url))
                });
            }
            if url.find('*').is_some_and(|star| star + 1 < url.len()) {
                self.refuse(field, || format!("{} has a `*` before its end", quote(url)));
            }
        }
    }

    fn resources(&mut self, path: &str, item: &GroupResources) {
        let group = item.group.as_str();
        let any = group == "*";
        let known = group.is_empty() || (any && self.format.any_group) || is_subdomain(group);
        if !known {
            self.refuse(
                || format!("{path}.group"),
                || {
                    if any {
                        return "`*` is any group only since Kubernetes 1.36; before, the server does not start with it"
                            .to_owned();
                    }
                    let hint = match group.split_once('/') {
                        Some(("core" | "", _)) => " (the core group is written as \"\", without a version)".to_owned(),
                        Some((name, _)) if is_subdomain(name) => {
                            format!(" (write the group without its version: `{name}`)")
                        }
                        _ => String::new(),
                    };
                    format!(
                        "{} is no name of a group: lower-case letters, digits, `-` and `.`, at most 253{hint}",
                        quote(group)
                    )
                },
            );
        }
        if !item.resource_names.is_empty() && item.resources.is_empty() {
            self.refuse(
                || format!("{path}.resourceNames"),
                || "names need at least one resource beside them: add `resources`".to_owned(),
            );
        }
    }
}

fn near<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // The distance takes time with the square of the length.
    (text.len() < 64).then(|| suggest::nearest(text.trim(), names)).flatten()
}

/// A value as it is shown: on one line, and not all of a long one.
fn quote(text: &str) -> String {
    const MOST: usize = 80;
    let shown: String = text.chars().take(MOST).collect();
    if shown.len() < text.len() { format!("{shown:?}…") } else { format!("{shown:?}") }
}

/// RFC 1123 (`k8s.io/apimachinery` `pkg/util/validation`, `IsDNS1123Subdomain`).
fn is_subdomain(name: &str) -> bool {
    let end = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    name.len() <= 253
        && name.split('.').all(|label| {
            end(label.bytes().next())
                && end(label.bytes().next_back())
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        })
}
