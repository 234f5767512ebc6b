//! Flags that do not do what whoever wrote them may think: given twice, refused by the server.

use schemars::JsonSchema;
use serde::Serialize;

use super::flags::{
    FLAGS, FlagSource, Flags, Form, NEWEST_LISTED, OLDEST_LISTED, Rung, known_flag, parse_bool, parse_int,
};
use super::invocation::{Given, Value};
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

/// What was found in the sources that show what was given, and why there may be more.
struct Search<T> {
    found: Vec<T>,
    evidence: Vec<Evidence>,
    doubt: Option<String>,
}

impl<T> Search<T> {
    fn find(&mut self, given: &Given, found: T) {
        self.found.push(found);
        self.evidence.push(Evidence { at: given.at.clone(), detail: given.written.clone() });
    }

    fn doubt(&mut self, why: impl FnOnce() -> String) {
        self.doubt.get_or_insert_with(why);
    }
}

/// Looks through the sources that show what was given, which `/flagz` does not, up to one that shows all of it. What is
/// found is certain; that there is nothing is certain only where all was seen.
fn search<T>(
    flags: &Flags,
    nothing: &str,
    mut look: impl FnMut(&FlagSource, &mut Search<T>),
) -> Fact<Vec<T>> {
    if let Some(reason) = &flags.unread {
        return Fact::unknown(reason.clone());
    }
    let mut search = Search { found: Vec::new(), evidence: Vec::new(), doubt: None };
    let mut open: Option<&str> = None;
    let mut complete = None;
    for source in flags.sources.iter().filter(|source| source.rung != Rung::Flagz) {
        look(source, &mut search);
        match &source.arguments.open {
            None => {
                complete = Some(source);
                break;
            }
            Some(why) => open = open.or(Some(why)),
        }
    }
    let Search { found, evidence, doubt } = search;
    if !found.is_empty() {
        return Fact::known(found, Rank::Configured, evidence);
    }
    match (complete, doubt, open) {
        (_, Some(doubt), _) => Fact::unknown(doubt),
        (Some(source), None, _) => Fact::known(
            found,
            Rank::Configured,
            vec![Evidence { at: source.at.clone(), detail: nothing.to_owned() }],
        ),
        (None, None, Some(open)) => Fact::unknown(open),
        (None, None, None) => Fact::unknown(
            "/flagz shows effective values, not what was given; grant `list` on `pods` in namespace `kube-system`",
        ),
    }
}

fn unreadable(given: &Given, why: &str) -> String {
    format!("{} at {}: {why}", given.written, given.at)
}

/// The audit flags that the process is given more than once.
pub fn repeated(flags: &Flags) -> Fact<Vec<Repeat>> {
    search(flags, "every audit flag is given at most once", |source, search| {
        for flag in &FLAGS {
            let all: Vec<_> = source.all(flag.name).collect();
            let [first, _, ..] = all.as_slice() else { continue };
            let texts: Vec<&str> = all.iter().filter_map(|given| given.value.text()).collect();
            let differ = texts.iter().any(|text| Some(text) != texts.first());
            if !differ
                && let Some((given, why)) = all.iter().find_map(|given| match &given.value {
                    Value::Unreadable(why) => Some((given, why)),
                    _ => None,
                })
            {
                search.doubt(|| unreadable(given, why));
                continue;
            }
            let times = i64::try_from(all.len()).unwrap_or(i64::MAX);
            search.find(first, Repeat { flag: flag.name.into(), times, differ });
            search.evidence.extend(
                all.iter()
                    .skip(1)
                    .map(|given| Evidence { at: given.at.clone(), detail: given.written.clone() }),
            );
        }
    })
}

/// The flags that kube-apiserver refuses, as recorded from 1.36 and as its options validate them
/// (`k8s.io/apiserver` `pkg/server/options/audit.go`, `Validate`).
pub fn refused(flags: &Flags) -> Fact<Vec<FlagProblem>> {
    search(flags, "every audit flag is known and has a valid value", |source, search| {
        for given in &source.arguments.given {
            match judge(flags, source, given) {
                Judgement::Fits => {}
                Judgement::Refused(problem) => {
                    let flag = if given.name.is_empty() { "(no flag)".into() } else { given.name.clone() };
                    search.find(given, FlagProblem { flag, problem });
                }
                Judgement::Unknown(why) => search.doubt(|| why),
            }
        }
    })
}

/// What kube-apiserver makes of a flag as it is given.
enum Judgement {
    Fits,
    Refused(String),
    Unknown(String),
}

fn judge(flags: &Flags, source: &FlagSource, given: &Given) -> Judgement {
    use Judgement::{Fits, Refused, Unknown};
    if given.name.is_empty() {
        return match &given.value {
            Value::Unreadable(problem) => Refused(problem.clone()),
            _ => Fits,
        };
    }
    if let Some(name) = given.name.strip_prefix('-') {
        return Refused(if name.starts_with("audit") {
            format!(
                "flags have two dashes; with one, kube-apiserver reads shorthands and stops: write --{name}"
            )
        } else {
            "flags have two dashes; with one, kube-apiserver reads shorthands, and has none but -v and -h"
                .into()
        });
    }
    if !given.name.to_lowercase().starts_with("audit-") && given.name != "event-ttl" {
        return Fits;
    }
    let Some(flag) = known_flag(&given.name) else {
        return match why_it_may_exist(flags, given) {
            Some(why) => Unknown(why),
            None => Refused(unknown_flag(&given.name)),
        };
    };
    let text = match &given.value {
        Value::Text(text) | Value::Hidden(text) => text,
        Value::Bare if flag.form != Form::Bool => return Refused("it has no value".into()),
        Value::Bare => return Fits,
        Value::Unreadable(why) => return Unknown(unreadable(given, why)),
    };
    let fits = match flag.form {
        Form::Text => true,
        Form::Bool => parse_bool(text).is_some(),
        Form::Int => parse_int(text).is_some(),
        Form::Float => text.parse::<f64>().is_ok(),
        Form::Duration => go_duration_seconds(text).is_some(),
    };
    if !fits {
        let shown = match &given.value {
            Value::Text(text) => format!("`{text}`"),
            _ => "its value, which comes from a variable,".into(),
        };
        return Refused(format!("{shown} is not {}", form_name(flag.form)));
    }
    if source.last(&given.name) != Some(given) {
        return Fits;
    }
    let Some(problem) = invalid(flags, &given.name, text) else { return Fits };
    // The options of a backend are only validated while it is on, and those of batches in mode batch.
    match applies(flags, &given.name) {
        Ok(true) => Refused(problem),
        Ok(false) => Fits,
        Err(why) => Unknown(format!(
            "whether kube-apiserver refuses --{} ({problem}) is not known: {why}",
            given.name
        )),
    }
}

/// Why a flag that is not in [`FLAGS`] may exist all the same: the server is of a version whose flags are not listed
/// there, or its version is not known.
fn why_it_may_exist(flags: &Flags, given: &Given) -> Option<String> {
    if given.name != given.name.to_lowercase() {
        return None;
    }
    let Some(version) = flags.version else {
        return Some(format!(
            "whether kube-apiserver has --{} depends on its version, which is not known here; add a source that shows the version",
            given.name
        ));
    };
    let removed = given.name == "audit-dynamic-configuration" && version >= Version::new(1, 19);
    if removed || (OLDEST_LISTED..=NEWEST_LISTED).contains(&version) {
        return None;
    }
    Some(format!(
        "whether kube-apiserver {version} has --{} is not known here: the flags of {OLDEST_LISTED} to {NEWEST_LISTED} are, and it is not among them",
        given.name
    ))
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

/// Whether the options that a flag belongs to are validated at all; or why that is not known.
fn applies(flags: &Flags, name: &str) -> Result<bool, String> {
    let is = |name: &str, test: fn(&str) -> bool| match flags.text(name) {
        Fact::Known(known) => Ok(test(&known.value)),
        Fact::Unknown(unknown) => Err(unknown.reason),
    };
    let (switch, mode) = if name.starts_with("audit-log-") {
        ("audit-log-path", "audit-log-mode")
    } else if name.starts_with("audit-webhook-") {
        ("audit-webhook-config-file", "audit-webhook-mode")
    } else {
        return Ok(true);
    };
    if !is(switch, |value| !value.is_empty())? {
        return Ok(false);
    }
    if name.ends_with("-batch-buffer-size") || name.ends_with("-batch-max-size") && !name.contains("truncate")
    {
        return is(mode, |mode| mode == "batch");
    }
    Ok(true)
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
        "audit-log-batch-buffer-size"
        | "audit-log-batch-max-size"
        | "audit-webhook-batch-buffer-size"
        | "audit-webhook-batch-max-size" => {
            number.filter(|number| *number <= 0).map(|_| "it must be greater than 0 in mode batch".into())
        }
        "event-ttl" => go_duration_seconds(text)
            .filter(|seconds| *seconds <= 0.0)
            .map(|_| "it must be greater than 0".into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::invocation::Arguments;
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
            ("audit-policy-fle", None, None),
            ("audit-dynamic-configuration", None, None),
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
