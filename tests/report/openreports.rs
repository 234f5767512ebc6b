//! Reports of OpenReports, held against what its custom resource definition asks for.

use std::collections::BTreeSet;

use logaudit::report::style::visible;
use serde_json::Value;

use super::hostile;
use super::readers::Readers;

/// The fields that `openreports.io/v1alpha1` knows in a report. None of them is required.
const REPORT: [&str; 6] = ["apiVersion", "kind", "metadata", "source", "summary", "results"];

/// The fields of a result that are used here, of those that it knows.
const RESULT: [&str; 11] = [
    "source",
    "policy",
    "rule",
    "category",
    "severity",
    "timestamp",
    "result",
    "scored",
    "resources",
    "message",
    "properties",
];

/// The fields of a result that it requires.
const REQUIRED: [&str; 1] = ["policy"];

/// The fields of a timestamp, both required.
const TIMESTAMP: [&str; 2] = ["seconds", "nanos"];

const RESULTS: [&str; 5] = ["pass", "fail", "warn", "error", "skip"];
const SEVERITIES: [&str; 5] = ["critical", "high", "medium", "low", "info"];

/// The fields of a reference to an object.
const REFERENCE: [&str; 7] =
    ["apiVersion", "fieldPath", "kind", "name", "namespace", "resourceVersion", "uid"];

/// What `kubectl apply` puts into an annotation, which holds no more.
const MAX_APPLIED: usize = 256 << 10;

fn fields(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// The length of the longest text in an object is bounded by nothing; all else is.
fn follows_its_definition(document: &Value) {
    assert_eq!(document["apiVersion"], "openreports.io/v1alpha1");
    assert_eq!(document["kind"], "ClusterReport");
    assert!(fields(document).iter().all(|field| REPORT.contains(field)), "{:?}", fields(document));
    let length = document.to_string().len();
    assert!(length < MAX_APPLIED, "{length}");
    let name = document["metadata"]["name"].as_str().unwrap();
    assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{name}");
    for label in document["metadata"]["labels"].as_object().unwrap().values() {
        let label = label.as_str().unwrap();
        assert!(
            label.len() <= 63 && label.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)),
            "{label}"
        );
    }
    let results = document["results"].as_array().unwrap();
    for word in RESULTS {
        let count = results.iter().filter(|result| result["result"] == word).count();
        assert_eq!(document["summary"][word], count, "{word}");
    }
    for result in results {
        let names = fields(result);
        assert!(names.iter().all(|field| RESULT.contains(field)), "{names:?}");
        assert!(REQUIRED.iter().all(|field| result[field].is_string()), "{result}");
        assert!(RESULTS.contains(&result["result"].as_str().unwrap()), "{result}");
        assert!(SEVERITIES.contains(&result["severity"].as_str().unwrap()), "{result}");
        assert!(result["scored"].is_boolean());
        if let Some(time) = result.get("timestamp") {
            assert_eq!(fields(time), TIMESTAMP.into());
            assert!(time.as_object().unwrap().values().all(Value::is_i64), "{time}");
        }
        assert!(result["properties"].as_object().unwrap().values().all(Value::is_string), "{result}");
        for reference in result.get("resources").and_then(Value::as_array).into_iter().flatten() {
            assert!(fields(reference).iter().all(|field| REFERENCE.contains(field)), "{reference}");
            assert!(reference.as_object().unwrap().values().all(Value::is_string), "{reference}");
        }
    }
}

/// The documents of a text. Nothing in it but their borders is a line of three dashes.
fn documents(text: &str) -> Vec<Value> {
    let texts = text.strip_prefix("---\n").unwrap().split("\n---\n");
    texts.map(|text| serde_yaml::from_str(text).unwrap()).collect()
}

#[test]
fn a_hostile_cluster_becomes_several_reports_with_every_finding() {
    let Some(readers) = Readers::find() else { return };
    let (report, text) = hostile::rendered("openreports");
    let Some(Value::Array(documents)) = readers.python("yaml", &text) else { return };
    assert!(documents.len() > 10, "{}", documents.len());
    documents.iter().for_each(follows_its_definition);
    let names: BTreeSet<&str> =
        documents.iter().map(|document| document["metadata"]["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), documents.len());
    assert!(names.contains("logaudit") && names.contains("logaudit-2"));
    let results = || documents.iter().flat_map(|document| document["results"].as_array().unwrap());
    assert_eq!(results().count(), report.findings().count());
    for (result, finding) in results().zip(report.findings()) {
        assert_eq!(result["policy"], finding["check"]);
        let subject = result["properties"]["subject"].as_str().unwrap();
        let whole = visible(finding["subject"].as_str().unwrap()).into_owned();
        let is_cut =
            subject.strip_suffix('…').is_some_and(|start| whole.starts_with(start) && start.len() >= 4_000);
        assert!(subject == whole || is_cut, "{subject:?} for {whole:?}");
    }
}

#[test]
fn findings_name_the_objects_they_are_about() {
    let file = format!("{}/examples/ships-nothing.json", env!("CARGO_MANIFEST_DIR"));
    let text =
        crate::support::stage::pinned().args(["run", "-o", "openreports", "--snapshot", &file]).run().stdout;
    let documents = documents(&text);
    documents.iter().for_each(follows_its_definition);
    let results = || documents.iter().flat_map(|document| document["results"].as_array().unwrap());
    let of = |check: &str| results().find(|result| result["policy"] == check).unwrap();
    assert_eq!(
        of("LA-INT-020")["resources"],
        serde_json::json!([{"apiVersion": "apps/v1", "kind": "StatefulSet", "namespace": "logging", "name": "loki"}])
    );
    let words = ["pass", "fail", "skip"];
    assert!(words.iter().all(|word| results().any(|result| result["result"] == *word)));
}
