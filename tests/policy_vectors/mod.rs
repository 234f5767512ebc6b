//! Verdicts of kube-apiserver's own policy loader, compared with ours. `tests/vectors/README.md` says where they come from.

use std::path::PathBuf;

use logaudit::analyze::policy::AuditPolicy;
use logaudit::analyze::policy::load::{Loaded, NEWEST, ProblemKind, load};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vector {
    id: String,
    title: String,
    text: String,
    expected: Expected,
}

#[derive(Deserialize)]
struct CorpusVector {
    #[serde(rename = "policyFile")]
    policy_file: String,
    expected: CorpusExpected,
}

#[derive(Deserialize)]
struct Expected {
    valid: bool,
    error: Option<String>,
    warning: Option<String>,
    policy: Option<AuditPolicy>,
}

#[derive(Deserialize)]
struct CorpusExpected {
    valid: bool,
    error: Option<String>,
    warning: Option<String>,
    rules: usize,
}

fn vectors(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name);
    let packed = std::fs::read(&path).unwrap();
    String::from_utf8(zstd::decode_all(packed.as_slice()).unwrap()).unwrap()
}

/// The fields that the server names in its error. It leaves out which item of `resources` it is.
fn fields_of_error(error: &str) -> Vec<String> {
    let mut fields: Vec<String> = error
        .trim_matches(['[', ']'])
        .split(", ")
        .filter_map(|part| {
            let (field, rest) = part.split_once(": ")?;
            let known = ["Required value", "Unsupported value", "Invalid value"];
            known.iter().any(|start| rest.starts_with(start)).then(|| field.to_owned())
        })
        .collect();
    fields.sort();
    fields.dedup();
    fields
}

fn fields_of(loaded: &Loaded) -> Vec<String> {
    let item = regex::Regex::new(r"\.resources\[\d+\]").unwrap();
    let mut fields: Vec<String> =
        loaded.errors.iter().map(|error| item.replace(&error.field, ".resources").into_owned()).collect();
    fields.sort();
    fields.dedup();
    fields
}

/// Whether the errors are of the kind that the server's words tell, at the fields that they name.
fn same_error(loaded: &Loaded, error: &str) -> Result<(), String> {
    let kinds: Vec<ProblemKind> = loaded.errors.iter().map(|error| error.kind).collect();
    let all = |wanted: &[ProblemKind]| kinds.iter().all(|kind| wanted.contains(kind));
    let fits = if error.contains("yaml: ") || error.contains("after top-level") || error.contains("map key") {
        all(&[ProblemKind::Syntax])
    } else if error.contains("cannot unmarshal") || error.contains("parsing time") {
        // The server names the first only, and by types of its own.
        all(&[ProblemKind::Type])
    } else if error.contains("no kind")
        || error.contains("unknown group version")
        || error.contains("unexpected GroupVersion")
        || error.contains("unknown conversion")
    {
        all(&[ProblemKind::Version])
    } else if error.contains("0 rules") {
        all(&[ProblemKind::NoRules])
    } else {
        all(&[ProblemKind::Value, ProblemKind::NoRules]) && fields_of(loaded) == fields_of_error(error)
    };
    if fits { Ok(()) } else { Err(format!("{error:?} but {:#?}", loaded.errors)) }
}

/// Whether all fields that the strict decoder complains about are among the warnings.
fn same_warning(loaded: &Loaded, warning: Option<&str>) -> Result<(), String> {
    let found: Vec<&str> = loaded.warnings.iter().map(|warning| warning.field.as_str()).collect();
    let unknown = regex::Regex::new(r#"unknown field "([^"]*)""#).unwrap();
    let repeated = regex::Regex::new(r#"line (\d+): key "([^"]*)" already set"#).unwrap();
    let warning = warning.unwrap_or_default();
    for captures in unknown.captures_iter(warning) {
        if !found.contains(&&captures[1]) {
            return Err(format!("no warning for {}: {found:?}", &captures[1]));
        }
    }
    for captures in repeated.captures_iter(warning) {
        let line: u32 = captures[1].parse().unwrap();
        // The server gives the line of the value, which may be below the key.
        let here = (line - 1)..=line;
        if !loaded.warnings.iter().any(|it| here.contains(&it.line) && it.field.ends_with(&captures[2])) {
            return Err(format!("no warning for line {line}: {:?}", loaded.warnings));
        }
    }
    if warning.is_empty() && !found.is_empty() {
        return Err(format!("the server does not warn: {found:?}"));
    }
    Ok(())
}

#[test]
fn policies_load_as_in_the_server() {
    let text = vectors("audit-policy-loading.jsonl.zst");
    let (mut same, mut count) = (0, 0);
    let mut different = Vec::new();
    for line in text.lines() {
        let vector: Vector = serde_json::from_str(line).unwrap();
        count += 1;
        let loaded = load(vector.text.as_bytes(), "policy.yaml", NEWEST);
        let mut wrong = Vec::new();
        if loaded.is_valid() != vector.expected.valid || loaded.is_valid() != loaded.errors.is_empty() {
            wrong.push(format!("valid {}: {:?}", loaded.is_valid(), loaded.errors));
        } else if loaded.policy != vector.expected.policy {
            wrong.push(format!("{:#?} instead of {:#?}", loaded.policy, vector.expected.policy));
        }
        match &vector.expected.error {
            // The server has not come to the body of what is no policy.
            Some(error) => wrong.extend(same_error(&loaded, error).err()),
            None => wrong.extend(same_warning(&loaded, vector.expected.warning.as_deref()).err()),
        }
        for problem in loaded.errors.iter().chain(&loaded.warnings) {
            assert!(problem.render(&vector.text, "policy.yaml").contains("policy.yaml:"), "{}", vector.id);
        }
        if wrong.is_empty() {
            same += 1;
        } else {
            different.push(format!("{} {}: {}", vector.id, vector.title, wrong.join("; ")));
        }
    }
    println!("{same} of {count} policies load as in kube-apiserver");
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert_eq!(count, 1100);
}

#[test]
fn real_policies_load_as_in_the_server() {
    let Some(folder) = std::env::var_os("LOGAUDIT_CORPUS").map(PathBuf::from) else {
        eprintln!("skipped: LOGAUDIT_CORPUS does not name the folder of real files");
        return;
    };
    let tests = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests");
    let text = vectors("audit-policy-corpus-loading.jsonl.zst");
    let (mut same, mut count) = (0, 0);
    let mut different = Vec::new();
    for line in text.lines() {
        let vector: CorpusVector = serde_json::from_str(line).unwrap();
        count += 1;
        let path = match vector.policy_file.strip_prefix("corpus/") {
            Some(file) => folder.join(file),
            None => tests.join("recordings").join(vector.policy_file.trim_start_matches("recordings/cloud/")),
        };
        let loaded = load(&std::fs::read(&path).unwrap(), &vector.policy_file, NEWEST);
        let mut wrong = Vec::new();
        let rules = loaded.policy.as_ref().map_or(0, |policy| policy.rules.len());
        if (loaded.is_valid(), rules) != (vector.expected.valid, vector.expected.rules) {
            wrong.push(format!("{rules} rules: {:?}", loaded.errors));
        }
        match &vector.expected.error {
            Some(error) => wrong.extend(same_error(&loaded, error).err()),
            None => wrong.extend(same_warning(&loaded, vector.expected.warning.as_deref()).err()),
        }
        if wrong.is_empty() {
            same += 1;
        } else {
            different.push(format!("{}: {}", vector.policy_file, wrong.join("; ")));
        }
    }
    println!("{same} of {count} real policies load as in kube-apiserver");
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert_eq!(count, 88);
}
