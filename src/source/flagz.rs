//! Answers of `/flagz` (KEP-4828): the effective value of every flag of the process that answered.
//!
//! Two forms. The structured one is a `Flagz` object. The text one is made for people: the server draws the separator
//! between name and value at random for each answer, so that nobody relies on it (`k8s.io/apiserver`
//! `pkg/server/flagz`). Every line of one answer has the same separator, which is how it is told from the values.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::document::text;
use crate::snapshot::Flagz;
use crate::snapshot::redact::{keeps_flag, scrub};

/// The versions of `config.k8s.io` whose `Flagz` has the form read here.
const VERSIONS: [&str; 2] = ["config.k8s.io/v1beta1", "config.k8s.io/v1alpha1"];

/// Names by which a kube-apiserver calls itself. `apiserver` is what 1.36 answers.
const NAMES: [&str; 2] = ["kube-apiserver", "apiserver"];

/// Reads an answer in either form: the structured object or the text. Only the flags that
/// [`keeps_flag`] names are kept.
///
/// # Errors
/// It is neither, it is cut off, or it is not a kube-apiserver's: what it is instead, in one line.
pub fn parse(body: &[u8]) -> Result<Flagz, String> {
    let text = std::str::from_utf8(body).map_err(|_| "it is not text".to_owned())?;
    let start = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    let flagz = match start.bytes().next() {
        None => return Err("it is empty".into()),
        Some(b'<') => return Err("it is a page of HTML or XML".into()),
        Some(b'{' | b'[') => structured(start)?,
        Some(_) => plain(text)?,
    };
    // Every kube-apiserver lists its audit flags, set or not. Without one, whoever answered is no kube-apiserver, and
    // reading "not set" out of its answer would be wrong.
    if !flagz.flags.keys().any(|name| name.starts_with("audit-")) {
        return Err("it lists no audit flag, so it is not the answer of a kube-apiserver".into());
    }
    Ok(flagz)
}

fn structured(body: &str) -> Result<Flagz, String> {
    let object: Value = serde_json::from_str(body).map_err(|error| {
        if error.is_eof() { "its JSON is cut off".to_owned() } else { format!("it is not JSON: {error}") }
    })?;
    match text(&object, "/kind") {
        "Flagz" => {}
        "Status" => return Err(format!("it is a Status: {}", scrub(text(&object, "/message")))),
        "" => return Err("it is JSON without a kind".into()),
        kind => return Err(format!("it is a {}", scrub(kind))),
    }
    let version = text(&object, "/apiVersion");
    if !VERSIONS.contains(&version) {
        return Err(format!("its version {version:?} is not one of {}", VERSIONS.join(", ")));
    }
    let name = text(&object, "/metadata/name");
    if !NAMES.contains(&name) {
        return Err(format!("it is the Flagz of {name:?}, not of a kube-apiserver"));
    }
    let listed = object.get("flags").and_then(Value::as_object).ok_or("it has no flags")?;
    let mut flags = BTreeMap::new();
    for (name, value) in listed {
        let value = value.as_str().ok_or_else(|| format!("the value of {name:?} is not a string"))?;
        if keeps_flag(name) {
            flags.insert(name.clone(), value.to_owned());
        }
    }
    Ok(Flagz { flags, structured: true })
}

/// What stands between name and value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Separator {
    Colon,
    ColonSpace,
    Equals,
    Space,
}

fn plain(body: &str) -> Result<Flagz, String> {
    if !body.ends_with('\n') {
        return Err("it is cut off: its last line does not end".into());
    }
    let separator = separator(body).ok_or("it has no line with the name of a flag")?;
    let mut flags = BTreeMap::new();
    let mut begun = false;
    let (mut read, mut foreign) = (0_usize, 0_usize);
    for line in body.lines() {
        let Some((name, value)) = flag(line, separator) else {
            // Above the first flag stand a title and a warning.
            foreign += usize::from(begun && !line.trim().is_empty());
            continue;
        };
        // A title such as `apiserver flagz` looks like a flag where the separator is a space.
        if value == "flagz" && !begun {
            continue;
        }
        begun = true;
        read += 1;
        if keeps_flag(name) && flags.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(format!("it gives --{name} twice"));
        }
    }
    // A value may contain a line break, so a few lines that are no flags are no reason to refuse the others.
    if foreign > read / 10 {
        return Err(format!("it is not a list of flags: {foreign} of {} lines are none", foreign + read));
    }
    Ok(Flagz { flags, structured: false })
}

/// The separator that most lines have.
fn separator(body: &str) -> Option<Separator> {
    let (mut colons, mut equals, mut spaces) = (0_usize, 0_usize, 0_usize);
    let mut tight = false;
    for line in body.lines() {
        let Some((_, rest)) = split_name(line) else { continue };
        match rest.chars().next() {
            Some(':') => {
                colons += 1;
                tight |= rest.len() > 1 && !rest.starts_with(": ");
            }
            Some('=') => equals += 1,
            Some(' ') => spaces += 1,
            _ => {}
        }
    }
    let most = colons.max(equals).max(spaces);
    if most == 0 {
        None
    } else if most == colons {
        // `name: value` may be `: ` before `value` or `:` before ` value`; no value of a flag begins with a space on
        // every line of an answer.
        Some(if tight { Separator::Colon } else { Separator::ColonSpace })
    } else if most == equals {
        Some(Separator::Equals)
    } else {
        Some(Separator::Space)
    }
}

fn flag(line: &str, separator: Separator) -> Option<(&str, &str)> {
    let (name, rest) = split_name(line)?;
    let value = match separator {
        Separator::Colon => rest.strip_prefix(':')?,
        // The space behind an empty value is lost where something trimmed the lines.
        Separator::ColonSpace => rest.strip_prefix(": ").or_else(|| rest.strip_prefix(':'))?,
        Separator::Equals => rest.strip_prefix('=')?,
        Separator::Space if rest.is_empty() => rest,
        Separator::Space => rest.strip_prefix(' ')?,
    };
    Some((name, value))
}

/// The name at the beginning of a line, and the rest.
fn split_name(line: &str) -> Option<(&str, &str)> {
    let end = line
        .find(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'))
        .unwrap_or(line.len());
    let (name, rest) = line.split_at_checked(end)?;
    name.starts_with(|c: char| c.is_ascii_lowercase()).then_some((name, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEAD: &str = "\napiserver flagz\nWarning: This endpoint is not meant to be machine parseable, has no \
                        formatting compatibility guarantees and is for debugging purposes only.\n";

    fn body(separator: &str, flags: &[(&str, &str)]) -> String {
        let mut body = HEAD.to_owned();
        for (name, value) in flags {
            body.push_str(&format!("{name}{separator}{value}\n"));
        }
        body
    }

    #[test]
    fn every_separator_is_understood() {
        let flags = [
            ("admission-control", "[]"),
            ("audit-log-path", ""),
            ("audit-policy-file", "/etc/a=b: c"),
            ("etcd-keyfile", "/secret"),
            ("feature-gates", "A=true,B=false"),
            ("v", "1"),
        ];
        for separator in [":", ": ", "=", " "] {
            let read = parse(body(separator, &flags).as_bytes()).unwrap();
            let kept: Vec<_> =
                read.flags.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!(kept, [flags[1], flags[2], flags[4], flags[5]], "{separator:?}");
            assert!(!read.structured);
        }
    }

    #[test]
    fn lines_may_end_as_on_windows_and_lose_trailing_spaces() {
        let read = parse(b"audit-log-path: /a\r\naudit-policy-file:\r\nv: 1\r\n").unwrap();
        assert_eq!(read.flags.len(), 3);
        assert_eq!(read.flags["audit-policy-file"], "");
        assert_eq!(parse(b"audit-log-path /a\nvmodule\n").unwrap().flags["vmodule"], "");
    }

    #[test]
    fn the_structured_form_is_read_in_both_versions() {
        for version in VERSIONS {
            for name in NAMES {
                let body = serde_json::json!({"kind": "Flagz", "apiVersion": version, "metadata": {"name": name},
                    "flags": {"audit-log-path": "/a", "tls-private-key-file": "/k", "v": ""}});
                let read = parse(body.to_string().as_bytes()).unwrap();
                assert!(read.structured);
                assert_eq!(read.flags.len(), 2);
            }
        }
    }

    #[test]
    fn what_is_no_flagz_of_an_apiserver_says_what_it_is() {
        let object = |kind: &str, version: &str, name: &str, flags: serde_json::Value| {
            serde_json::json!({"kind": kind, "apiVersion": version, "metadata": {"name": name}, "flags": flags})
                .to_string()
        };
        let good = serde_json::json!({"audit-log-path": ""});
        for (body, expected) in [
            (String::new(), "empty"),
            ("\n \n".into(), "empty"),
            ("<!doctype html><html>".into(), "HTML"),
            (r#"{"kind":"Status","message":"forbidden"}"#.into(), "it is a Status: forbidden"),
            (r#"{"kind":"Flagz","apiVer"#.into(), "cut off"),
            ("{nope}".into(), "not JSON"),
            ("[]".into(), "without a kind"),
            (object("Podz", VERSIONS[0], "apiserver", good.clone()), "it is a Podz"),
            (object("Flagz", "config.k8s.io/v9", "apiserver", good.clone()), "v9"),
            (object("Flagz", VERSIONS[0], "kubelet", good), "kubelet"),
            (object("Flagz", VERSIONS[0], "apiserver", serde_json::json!({"v": "1"})), "no audit flag"),
            (object("Flagz", VERSIONS[0], "apiserver", serde_json::json!({"v": 1})), "not a string"),
            (object("Flagz", VERSIONS[0], "apiserver", serde_json::json!(null)), "no flags"),
            (body("=", &[("v", "1"), ("profiling", "true")]), "no audit flag"),
            (body("=", &[("audit-log-path", "/a"), ("audit-log-path", "/b")]), "twice"),
            (body("=", &[("audit-log-path", "/a")]).trim_end().into(), "cut off"),
            ("404 page not found\n".into(), "no line"),
            ("NOT FLAGS\nAT ALL\n".into(), "no line"),
            ("audit-log-path=1\n!!!\n???\n".into(), "not a list of flags"),
        ] {
            let error = parse(body.as_bytes()).unwrap_err();
            assert!(error.contains(expected), "{body:?}: {error}");
        }
        assert!(parse(&[0xff, 0xfe, 0x00]).unwrap_err().contains("not text"));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn arbitrary_text_never_panics(text in "(?s)[a-z:= \\-\n\\{\\}\"]{0,300}") {
            let _ = parse(text.as_bytes());
        }

        #[test]
        fn the_text_form_round_trips(
            separator in prop::sample::select(vec![":", ": ", "=", " "]),
            values in proptest::collection::vec("[^\r\n]{0,40}", 6),
        ) {
            // One ordinary value is enough to tell `:` from `: `.
            let names = ["audit-log-path", "audit-policy-file", "feature-gates", "logging-format", "vmodule", "v"];
            let mut flags = vec![("advertise-address", "[Node,RBAC]")];
            flags.extend(names.iter().copied().zip(values.iter().map(String::as_str)));
            let read = parse(body(separator, &flags).as_bytes()).unwrap();
            let expected: BTreeMap<String, String> =
                flags.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            prop_assert_eq!(read.flags, expected);
        }
    }
}
