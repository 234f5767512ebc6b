//! `ClusterReport`s of `OpenReports` (`openreports.io/v1alpha1`), to be applied to the cluster and read by its dashboards.
//!
//! One report holds as many results as fit an object of the API; further ones are called `logaudit-2`, `logaudit-3`.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::Report;
use super::place::{Place, Places, api_version};
use super::style::visible;
use crate::verdict::{Evidence, Finding, Rank, Standing, Status};

/// The most that the results of one report may come to in bytes. `kubectl apply` repeats the object in an annotation of at
/// most 256 KiB.
const MAX_BYTES: usize = 200_000;

/// The longest text of a result, in characters.
const MAX_TEXT: usize = 4_000;

/// The longest value of a label.
const MAX_LABEL: usize = 63;

/// What is said of the whole, counted.
const RESULTS: [&str; 5] = ["pass", "fail", "warn", "error", "skip"];

/// The report.
///
/// # Errors
/// It does not serialise; nothing in a report can cause that.
pub(super) fn render(report: &Report) -> anyhow::Result<String> {
    let places = Places::of(report);
    let scored: BTreeSet<&str> =
        report.score.items.iter().flat_map(|item| item.checks.keys()).map(String::as_str).collect();
    let mut parts: Vec<Vec<Value>> = vec![Vec::new()];
    let mut bytes = 0;
    for finding in &report.findings {
        let result = result(finding, report, &places, scored.contains(finding.check.as_str()));
        let length = serde_json::to_string(&result)?.len();
        if bytes + length > MAX_BYTES && bytes > 0 {
            parts.push(Vec::new());
            bytes = 0;
        }
        bytes += length;
        if let Some(part) = parts.last_mut() {
            part.push(result);
        }
    }
    let mut out = String::new();
    for (index, results) in parts.into_iter().enumerate() {
        out.push_str("---\n");
        out.push_str(&serde_yaml::to_string(&document(index, &results, report))?);
        if !out.ends_with('\n') {
            out.push('\n');
        }
    }
    Ok(out)
}

fn document(index: usize, results: &[Value], report: &Report) -> Value {
    let name = if index == 0 { "logaudit".to_owned() } else { format!("logaudit-{}", index + 1) };
    let count = |wanted: &str| results.iter().filter(|result| result["result"] == wanted).count();
    let summary: Map<String, Value> =
        RESULTS.into_iter().map(|result| (result.to_owned(), count(result).into())).collect();
    json!({
        "apiVersion": "openreports.io/v1alpha1",
        "kind": "ClusterReport",
        "metadata": {
            "name": name,
            // By these an older report's further parts are found and pruned.
            "labels": {
                "app.kubernetes.io/managed-by": report.tool.name,
                "app.kubernetes.io/version": label(&report.tool.version),
            },
            "annotations": {
                "logaudit/cluster": cut(&report.cluster.name),
                "logaudit/score": format!("{} to {}", report.score.low, report.score.high),
                "logaudit/grade": report.score.grade,
                "logaudit/gate": if report.summary.gate.passed { "passed" } else { "failed" },
            },
        },
        "source": report.tool.name,
        "summary": summary,
        "results": results,
    })
}

/// A failure that is accepted is a warning, what could not be judged an error.
fn word(status: Status) -> &'static str {
    match status {
        Status::Pass => "pass",
        Status::Fail => "fail",
        Status::Waived | Status::Attestation => "warn",
        Status::Unknown => "error",
        Status::NotApplicable => "skip",
    }
}

fn result(finding: &Finding, report: &Report, places: &Places<'_>, is_scored: bool) -> Value {
    let mut result = json!({
        "source": report.tool.name,
        "policy": finding.check,
        "rule": cut(&finding.title),
        "category": finding.category,
        "severity": finding.severity,
        "result": word(finding.status),
        "scored": is_scored,
        "message": cut(&finding.reason),
        "properties": properties(finding),
    });
    if let Some(fields) = result.as_object_mut() {
        if let Some(time) = report.cluster.captured_at {
            let nanos = time.subsec_nanosecond();
            fields.insert("timestamp".into(), json!({"seconds": time.as_second(), "nanos": nanos}));
        }
        let at = finding.evidence.iter().map(|evidence| &evidence.at);
        if let Some(object) = [&finding.subject].into_iter().chain(at).find_map(|at| object(at, places)) {
            fields.insert("resources".into(), json!([object]));
        }
    }
    result
}

/// What the form has no field for. All values are texts.
fn properties(finding: &Finding) -> Value {
    let evidence: Vec<String> =
        finding.evidence.iter().map(|Evidence { at, detail }| format!("{at}: {detail}")).collect();
    let waiver = finding.waiver.as_ref();
    let entries = [
        ("subject", Some(finding.subject.clone())),
        ("status", Some(finding.status.to_string())),
        ("rank", finding.rank.map(Rank::as_str).map(str::to_owned)),
        ("evidence", Some(evidence.join("; ")).filter(|text| !text.is_empty())),
        ("baseline", finding.baseline.map(Standing::as_str).map(str::to_owned)),
        ("waiver", waiver.map(|waiver| waiver.reason.clone())),
        ("waiverOwner", waiver.and_then(|waiver| waiver.owner.clone())),
        ("waiverExpires", waiver.and_then(|waiver| waiver.expires.clone())),
    ];
    let entries = entries.into_iter().filter_map(|(name, text)| Some((name.to_owned(), cut(&text?))));
    entries.map(|(name, text)| (name, Value::from(text))).collect()
}

/// A reference to the object that a text names.
fn object(at: &str, places: &Places<'_>) -> Option<Value> {
    let Place::Object { kind, namespace, name, within } = places.read(at) else { return None };
    let mut object = Map::new();
    let mut put = |field: &str, text: Option<&str>| {
        object.extend(text.map(|text| (field.to_owned(), Value::from(text))));
    };
    put("apiVersion", api_version(kind));
    put("kind", Some(kind));
    put("namespace", namespace);
    put("name", Some(name));
    put("fieldPath", Some(within).filter(|path| !path.is_empty()));
    Some(object.into())
}

fn cut(text: &str) -> String {
    let text = visible(text);
    match text.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.into_owned(),
    }
}

/// What of a text may be the value of a label.
fn label(text: &str) -> String {
    let fits = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    text.chars().filter(fits).take(MAX_LABEL).collect()
}
