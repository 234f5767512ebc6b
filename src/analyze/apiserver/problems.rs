//! Flags that do not do what whoever wrote them may think: given twice, refused by the server.

use schemars::JsonSchema;
use serde::Serialize;

use super::flags::{
    FLAGS, Flags, Form, NEWEST_LISTED, OLDEST_LISTED, Rung, known_flag, parse_bool, parse_int,
};
use super::invocation::Value;
use crate::analyze::fact::Fact;
use crate::analyze::units::go_duration_seconds;
use crate::analyze::version::Version;
use crate::suggest::nearest;
use crate::verdict::{Evidence, Rank};

/// A flag that is given more than once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Repeat {
    /// The flag.
    pub flag: String,
    /// How often it is given.
    pub times: i64,
    /// Whether the values differ, so that all but the last are without effect.
    pub differ: bool,
}

/// A flag with which kube-apiserver does not start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlagProblem {
    /// The flag.
    pub flag: String,
    /// What is wrong.
    pub problem: String,
}

/// The audit flags that the process is given more than once.
pub fn repeated(flags: &Flags) -> Fact<Vec<Repeat>> {
    over_given(flags, |flags| {
        let mut repeats = Vec::new();
        let mut evidence = Vec::new();
        let source = given_source(flags)?;
        for flag in &FLAGS {
            let all: Vec<_> = source.all(flag.name).collect();
            if let [first, .., _] = all.as_slice() {
                let differ = all.iter().any(|given| given.value != first.value);
                repeats.push(Repeat {
                    flag: flag.name.into(),
                    times: i64::try_from(all.len()).unwrap_or(i64::MAX),
                    differ,
                });
                evidence.extend(
                    all.iter().map(|given| Evidence { at: given.at.clone(), detail: given.written.clone() }),
                );
            }
        }
        if evidence.is_empty() {
            evidence.push(Evidence {
                at: source.at.clone(),
                detail: "every audit flag is given at most once".into(),
            });
        }
        Some((repeats, evidence))
    })
}

/// The flags that kube-apiserver refuses, as recorded from 1.36 and as its options validate them
/// (`k8s.io/apiserver` `pkg/server/options/audit.go`, `Validate`).
pub fn refused(flags: &Flags) -> Fact<Vec<FlagProblem>> {
    let mut doubt = None;
    let refused = over_given(flags, |flags| {
        let source = given_source(flags)?;
        let mut problems = Vec::new();
        let mut evidence = Vec::new();
        let mut refuse = |given: &super::invocation::Given, problem: String| {
            problems.push(FlagProblem { flag: given.name.clone(), problem });
            evidence.push(Evidence { at: given.at.clone(), detail: given.written.clone() });
        };
        for given in &source.arguments.given {
            if let Some(name) = given.name.strip_prefix('-') {
                if name.starts_with("audit") {
                    refuse(
                        given,
                        format!(
                            "flags have two dashes; with one, kube-apiserver reads shorthands and stops: write --{name}"
                        ),
                    );
                }
                continue;
            }
            let lower = given.name.to_lowercase();
            if !lower.starts_with("audit-") && given.name != "event-ttl" {
                continue;
            }
            let Some(flag) = known_flag(&given.name) else {
                match why_it_may_exist(flags, given) {
                    Some(why) => doubt = Some(why),
                    None => refuse(given, unknown_flag(&given.name)),
                }
                continue;
            };
            let text = match &given.value {
                Value::Text(text) => text,
                Value::Bare if flag.form != Form::Bool => {
                    refuse(given, "it has no value".into());
                    continue;
                }
                _ => continue,
            };
            let fits = match flag.form {
                Form::Text => true,
                Form::Bool => parse_bool(text).is_some(),
                Form::Int => parse_int(text).is_some(),
                Form::Float => text.parse::<f64>().is_ok(),
                Form::Duration => go_duration_seconds(text).is_some(),
            };
            if !fits {
                refuse(given, format!("`{text}` is not {}", form_name(flag.form)));
            } else if source.last(&given.name) == Some(given)
                && backend_on(flags, &given.name)
                && let Some(problem) = invalid(flags, &given.name, text)
            {
                refuse(given, problem);
            }
        }
        if evidence.is_empty() {
            evidence.push(Evidence {
                at: source.at.clone(),
                detail: "every audit flag is known and has a valid value".into(),
            });
        }
        Some((problems, evidence))
    });
    match (refused.value().map(Vec::is_empty), doubt) {
        (Some(true), Some(doubt)) => Fact::unknown(doubt),
        _ => refused,
    }
}

/// Why a flag that is not in [`FLAGS`] may exist all the same: the server is of a version whose flags are not listed there.
fn why_it_may_exist(flags: &Flags, given: &super::invocation::Given) -> Option<String> {
    let version = flags.version?;
    let removed = given.name == "audit-dynamic-configuration" && version >= Version::new(1, 19);
    let listed = (OLDEST_LISTED..=NEWEST_LISTED).contains(&version);
    if removed || listed || given.name != given.name.to_lowercase() {
        return None;
    }
    Some(format!(
        "whether kube-apiserver {version} has --{} is not known here: the flags of {OLDEST_LISTED} to {NEWEST_LISTED} are, and it is not among them",
        given.name
    ))
}

/// The source that shows what was given, which `/flagz` does not.
fn given_source(flags: &Flags) -> Option<&super::flags::FlagSource> {
    flags.sources.iter().find(|source| source.rung != Rung::Flagz)
}

type Found<T> = Option<(Vec<T>, Vec<Evidence>)>;

fn over_given<T>(flags: &Flags, find: impl FnOnce(&Flags) -> Found<T>) -> Fact<Vec<T>> {
    if let Some(reason) = &flags.unread {
        return Fact::unknown(reason.clone());
    }
    match find(flags) {
        Some((found, evidence)) => Fact::known(found, Rank::Configured, evidence),
        None => Fact::unknown(
            "/flagz shows effective values, not what was given; grant `list` on `pods` in namespace `kube-system`",
        ),
    }
}

fn unknown_flag(name: &str) -> String {
    if name == "audit-dynamic-configuration" {
        return "kube-apiserver has not had this flag since 1.19".into();
    }
    let names = FLAGS.iter().map(|flag| flag.name);
    match nearest(&name.to_lowercase(), names) {
        Some(near) => format!("kube-apiserver has no such flag; did you mean --{near}?"),
        None => "kube-apiserver has no such flag".into(),
    }
}

fn form_name(form: Form) -> &'static str {
    match form {
        Form::Text => "text",
        Form::Bool => "true or false",
        Form::Int => "a whole number",
        Form::Float => "a number",
        Form::Duration => "a duration such as 30s",
    }
}

/// The options of a backend are only validated while it is on.
fn backend_on(flags: &Flags, name: &str) -> bool {
    let switch = if name.starts_with("audit-log-") {
        "audit-log-path"
    } else if name.starts_with("audit-webhook-") {
        "audit-webhook-config-file"
    } else {
        return true;
    };
    flags.text(switch).value().is_some_and(|value| !value.is_empty())
}

fn invalid(flags: &Flags, name: &str, text: &str) -> Option<String> {
    let number = parse_int(text);
    match name {
        "audit-log-maxage" | "audit-log-maxbackup" | "audit-log-maxsize" => {
            number.filter(|number| *number < 0).map(|_| "it must not be negative".into())
        }
        "audit-log-format" if !matches!(text, "json" | "legacy") => {
            Some("the format must be json or legacy".into())
        }
        "audit-log-mode" | "audit-webhook-mode"
            if !matches!(text, "batch" | "blocking" | "blocking-strict") =>
        {
            Some("the mode must be batch, blocking or blocking-strict".into())
        }
        "audit-log-version" | "audit-webhook-version"
            if text != "audit.k8s.io/v1"
                && (!matches!(text, "audit.k8s.io/v1beta1" | "audit.k8s.io/v1alpha1")
                    || flags.version.is_none_or(|version| version >= Version::new(1, 24))) =>
        {
            Some("the version must be audit.k8s.io/v1 (others ended with 1.24)".into())
        }
        "audit-log-truncate-max-event-size"
        | "audit-log-truncate-max-batch-size"
        | "audit-webhook-truncate-max-event-size"
        | "audit-webhook-truncate-max-batch-size" => {
            number.filter(|number| *number <= 0).map(|_| "it must be greater than 0".into())
        }
        "audit-log-batch-buffer-size" | "audit-log-batch-max-size" => batch(flags, "audit-log-mode", number),
        "audit-webhook-batch-buffer-size" | "audit-webhook-batch-max-size" => {
            batch(flags, "audit-webhook-mode", number)
        }
        _ => None,
    }
}

fn batch(flags: &Flags, mode: &str, number: Option<i64>) -> Option<String> {
    let batches = flags.text(mode).value().is_some_and(|mode| mode == "batch");
    number.filter(|number| batches && *number <= 0).map(|_| "it must be greater than 0 in mode batch".into())
}

#[cfg(test)]
mod tests {
    use super::super::flags::FlagSource;
    use super::super::invocation::{Arguments, Given};
    use super::*;

    /// How many flags are refused; none if that is not known.
    fn count(given: &[(&str, Option<&str>)], minor: Option<u32>) -> Option<usize> {
        let given = given.iter().map(|(name, value)| Given {
            name: (*name).into(),
            value: value.map_or(Value::Bare, |value| Value::Text(value.into())),
            at: "at".into(),
            written: format!("--{name}"),
        });
        let flags = Flags {
            sources: vec![FlagSource {
                rung: Rung::Pod,
                label: "its pod".into(),
                at: "pod".into(),
                arguments: Arguments { given: given.collect(), open: None },
            }],
            version: minor.map(|minor| Version::new(1, minor)),
            unread: None,
        };
        refused(&flags).value().map(Vec::len)
    }

    #[test]
    fn a_flag_is_refused_only_by_versions_whose_flags_are_known() {
        for (flag, minor, expected) in [
            ("audit-policy-fle", Some(36), Some(1)),
            ("audit-policy-fle", None, Some(1)),
            ("audit-log-colour", Some(99), None),
            ("Audit-Log-Path", Some(99), Some(1)),
            ("audit-dynamic-configuration", Some(18), None),
            ("audit-dynamic-configuration", Some(20), Some(1)),
            ("audit-log-path", Some(99), Some(0)),
        ] {
            assert_eq!(count(&[(flag, Some("x"))], minor), expected, "{flag} {minor:?}");
        }
        // What is certain is said although something else is not.
        assert_eq!(
            count(&[("audit-log-colour", Some("x")), ("audit-log-maxage", Some("30d"))], Some(99)),
            Some(1)
        );
    }

    #[test]
    fn values_are_refused_as_the_version_refuses_them() {
        let version = |text, minor| {
            count(&[("audit-log-path", Some("/a")), ("audit-log-version", Some(text))], Some(minor))
        };
        assert_eq!(version("audit.k8s.io/v1beta1", 23), Some(0));
        assert_eq!(version("audit.k8s.io/v1beta1", 24), Some(1));
        assert_eq!(version("v1", 23), Some(1));
        assert_eq!(count(&[("audit-log-maxage", None)], Some(36)), Some(1));
        assert_eq!(count(&[("audit-log-compress", None)], Some(36)), Some(0));
    }
}
