//! SARIF 2.1.0, so that code scanning shows what failed beside the line that causes it.
//!
//! A result is what fails, what a waiver accepts (suppressed) and what is unknown. Code scanning takes every result for a
//! failure of its rule, so passes are left out, and what is unknown has rules of its own, of level `note` and without a
//! security severity: it is shown, and never as the failure that it may not be.

use std::collections::{BTreeMap, BTreeSet};

use ring::digest::{SHA256, digest};
use serde_json::{Map, Value, json};

use super::format::Page;
use super::place::{Place, Places, file_uri, percent_encoded};
use super::style::visible;
use crate::check::Check;
use crate::verdict::{Evidence, Finding, Severity, Standing, Status, Waiving};

/// The name of what relative URIs of files begin at, as code scanning knows it.
const SOURCE_ROOT: &str = "%SRCROOT%";

/// The same of objects of the cluster.
const CLUSTER: &str = "CLUSTER";

/// How many tags of a rule code scanning takes.
const MAX_TAGS: usize = 10;

/// The report.
pub(super) fn render(page: &Page<'_>) -> serde_json::Result<String> {
    let report = page.report;
    let rules = Rules::of(page);
    let places = Places::of(report);
    let mut seen = BTreeMap::new();
    let results: Vec<Value> = report
        .findings
        .iter()
        .filter(|finding| is_shown(finding))
        .map(|finding| result(finding, &rules, &places, &mut seen))
        .collect();
    let notes = report.notes.iter().map(|note| json!({"level": "warning", "message": message(note)}));
    let gate = &report.summary.gate;
    let ending = if gate.passed { "The gate passes".to_owned() } else { gate.reasons.join("; ") };
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": report.tool.name,
                "version": report.tool.version,
                "semanticVersion": report.tool.version,
                "rules": rules.descriptors,
            }},
            "automationDetails": {"id": format!("logaudit/{}/", percent_encoded(&report.cluster.name))},
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": {
                SOURCE_ROOT: {"description": {"text": "The folder in which the command ran"}},
                CLUSTER: {"description": {"text": "The objects of the cluster, which are no files"}},
            },
            "invocations": [{
                "executionSuccessful": true,
                "exitCode": i32::from(!gate.passed),
                "exitCodeDescription": ending,
                "toolExecutionNotifications": notes.collect::<Vec<_>>(),
            }],
            "results": results,
            "properties": {
                "cluster": report.cluster,
                "score": {
                    "low": report.score.low,
                    "high": report.score.high,
                    "judged": report.score.judged,
                    "grade": report.score.grade,
                },
                "gate": gate,
            },
        }],
    });
    serde_json::to_string_pretty(&log).map(|text| text + "\n")
}

fn is_shown(finding: &Finding) -> bool {
    !matches!(finding.status, Status::Pass | Status::NotApplicable)
}

/// Whether it is not known that the finding fails.
fn is_open(finding: &Finding) -> bool {
    matches!(finding.status, Status::Unknown | Status::Attestation)
}

/// The rules, and where each stands among them.
struct Rules {
    descriptors: Vec<Value>,
    places: BTreeMap<String, usize>,
}

impl Rules {
    /// Those of the checks that apply, whatever they came to.
    fn of(page: &Page<'_>) -> Self {
        let findings = || page.report.findings.iter();
        let applies = |finding: &&Finding| finding.status != Status::NotApplicable;
        // A severity may be another than the check's own.
        let run: BTreeMap<&str, Severity> =
            findings().filter(applies).map(|finding| (finding.check.as_str(), finding.severity)).collect();
        let open: BTreeSet<&str> =
            findings().filter(|finding| is_open(finding)).map(|finding| finding.check.as_str()).collect();
        let mut rules = Self { descriptors: Vec::new(), places: BTreeMap::new() };
        for (id, severity) in run {
            let Some(check) = page.checks.get(id) else { continue };
            rules.push(&check.id, failing(check, severity));
            if open.contains(check.id.as_str()) {
                let id = open_id(&check.id);
                rules.push(&id, unknown(check, &id));
            }
        }
        rules
    }

    fn push(&mut self, id: &str, descriptor: Value) {
        self.places.insert(id.to_owned(), self.descriptors.len());
        self.descriptors.push(descriptor);
    }
}

/// The rule under which it is said that a check is unknown.
fn open_id(check: &str) -> String {
    format!("{check}-unknown")
}

fn failing(check: &Check, severity: Severity) -> Value {
    let tags = ["security", &check.category].into_iter().chain(check.themes.iter().map(String::as_str));
    json!({
        "id": check.id,
        "name": pascal(&check.title),
        "shortDescription": {"text": check.title},
        "fullDescription": {"text": check.what.trim()},
        "help": help(check),
        "defaultConfiguration": {"level": level(severity)},
        "properties": {
            "security-severity": security_severity(severity),
            "precision": "high",
            "tags": tags.take(MAX_TAGS).collect::<Vec<_>>(),
        },
    })
}

fn unknown(check: &Check, id: &str) -> Value {
    json!({
        "id": id,
        "name": pascal(&format!("{} is unknown", check.title)),
        "shortDescription": {"text": format!("Unknown: {}", check.title)},
        "fullDescription": {"text": format!(
            "The evidence for {} is missing. The message says which, and how to obtain it.", check.id
        )},
        "help": help(check),
        "defaultConfiguration": {"level": "note"},
        "properties": {"precision": "high", "tags": ["unknown", check.category]},
    })
}

fn help(check: &Check) -> Value {
    let parts = [
        ("What is looked at", &check.what),
        ("Why it matters", &check.why),
        ("How to mend it", &check.fix),
        ("When a failure is fine", &check.fine_when),
    ];
    let join = |form: &dyn Fn(&str, &str) -> String| {
        let parts: Vec<String> = parts.iter().map(|(title, text)| form(title, text.trim())).collect();
        parts.join("\n\n")
    };
    json!({
        "text": join(&|title, text| format!("{title}: {text}")),
        // Lines of prose that follow each other would run together.
        "markdown": join(&|title, text| format!("**{title}**\n\n{}", text.replace('\n', "\n\n"))),
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    }
}

/// Within what code scanning calls critical (over 9), high (7 to 8.9), medium (4 to 6.9) and low.
fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
    }
}

/// `The audit log of AKS is kept` as `TheAuditLogOfAksIsKept`: how names of rules are written. Words of one letter would make
/// two capitals follow each other.
fn pascal(title: &str) -> String {
    let words = title.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() > 1);
    words
        .flat_map(|word| {
            let mut chars = word.chars();
            let first = chars.next().into_iter().flat_map(char::to_uppercase);
            first.chain(chars.flat_map(char::to_lowercase))
        })
        .collect()
}

fn result(
    finding: &Finding,
    rules: &Rules,
    places: &Places<'_>,
    seen: &mut BTreeMap<String, usize>,
) -> Value {
    let is_open = is_open(finding);
    let rule = if is_open { open_id(&finding.check) } else { finding.check.clone() };
    // What has no place of its own is about its subject.
    let subject = [Evidence { at: finding.subject.clone(), detail: String::new() }];
    let evidence = if finding.evidence.is_empty() { &subject[..] } else { &finding.evidence };
    let first = places.foremost(finding);
    let (mut locations, mut related) = (Vec::new(), Vec::new());
    for one in evidence {
        let mut location = location(&one.at, places);
        if !one.detail.is_empty() {
            location.insert("message".into(), message(&one.detail));
        }
        if first.is_none_or(|first| std::ptr::eq(first, one)) {
            locations.push(location);
        } else {
            location.insert("id".into(), (related.len() + 1).into());
            related.push(location);
        }
    }
    let fingerprint = hash(&finding.fingerprint);
    let count = seen.entry(fingerprint.clone()).or_default();
    *count += 1;
    let fingerprint = format!("{fingerprint}:{count}");
    let text = if finding.reason.contains(&finding.subject) {
        finding.reason.clone()
    } else {
        format!("{}: {}", finding.subject, finding.reason)
    };
    let mut result = json!({
        "ruleId": rule,
        "kind": match finding.status {
            Status::Attestation => "review",
            Status::Unknown => "open",
            _ => "fail",
        },
        // Only what fails may have another level.
        "level": if is_open { "none" } else { level(finding.severity) },
        "message": message(&text),
        "locations": locations,
        // Code scanning looks at no key but its own. Elsewhere a line's text is its value, which changes with the file.
        "partialFingerprints": {"logaudit/v1": fingerprint, "primaryLocationLineHash": fingerprint},
        "properties": {
            "subject": finding.subject,
            "status": finding.status,
            "severity": finding.severity,
            "rank": finding.rank,
        },
    });
    let fields = result.as_object_mut();
    let Some(fields) = fields else { return result };
    if let Some(index) = rules.places.get(&rule) {
        fields.insert("ruleIndex".into(), (*index).into());
    }
    if !related.is_empty() {
        fields.insert("relatedLocations".into(), json!(related));
    }
    if let Some(standing) = finding.baseline {
        let state = match standing {
            Standing::New => "new",
            Standing::Changed => "updated",
            Standing::Unchanged => "unchanged",
        };
        fields.insert("baselineState".into(), state.into());
    }
    if let Some(waiver) = &finding.waiver {
        fields.insert("suppressions".into(), json!([suppression(waiver, places)]));
    }
    result
}

fn suppression(waiver: &Waiving, places: &Places<'_>) -> Value {
    // What stands beside that which it accepts is in the source; what a configuration file says is not.
    let kind = if places.read(&waiver.at) == Place::Other { "external" } else { "inSource" };
    json!({
        "kind": kind,
        "status": "accepted",
        "justification": visible(&waiver.reason),
        "properties": {"owner": waiver.owner, "expires": waiver.expires, "at": visible(&waiver.at)},
    })
}

/// A message that is shown as it is: in brackets before parentheses it would be a link.
fn message(text: &str) -> Value {
    // Braces would be the places of arguments (SARIF 2.1.0, 3.11.5).
    let text = visible(text).replace('{', "{{").replace('}', "}}");
    if text.contains("](") {
        return json!({"text": text.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]")});
    }
    json!({"text": text})
}

/// Code scanning refuses the whole file over one result without a physical location. Of an object of the cluster that is
/// its path below `CLUSTER`.
fn location(at: &str, places: &Places<'_>) -> Map<String, Value> {
    let place = places.read(at);
    let (artifact, region) = match place {
        Place::File { file, line, column, .. } => {
            let uri = file_uri(file);
            let is_absolute = uri.starts_with("file:");
            let artifact =
                if is_absolute { json!({"uri": uri}) } else { json!({"uri": uri, "uriBaseId": SOURCE_ROOT}) };
            let region = line.map(|line| match column {
                Some(column) => json!({"startLine": line, "startColumn": column}),
                None => json!({"startLine": line}),
            });
            (artifact, region)
        }
        Place::Object { kind, namespace, name, .. } => {
            let path: Vec<&str> = [kind].into_iter().chain(namespace).chain([name]).collect();
            (json!({"uri": percent_encoded(&path.join("/")), "uriBaseId": CLUSTER}), None)
        }
        Place::Other => {
            (json!({"uri": percent_encoded(at.trim_start_matches('/')), "uriBaseId": CLUSTER}), None)
        }
    };
    let mut physical = Map::new();
    physical.insert("artifactLocation".into(), artifact);
    physical.extend(region.map(|region| ("region".to_owned(), region)));
    let mut location = Map::new();
    location.insert("physicalLocation".into(), physical.into());
    let logical = match place {
        Place::File { within: "", .. } => None,
        Place::File { within, .. } => Some((within, "member")),
        Place::Object { within: "", .. } => Some((at, "resource")),
        Place::Object { .. } => Some((at, "member")),
        Place::Other => Some((at, "resource")),
    };
    location.extend(logical.map(|(name, kind)| {
        ("logicalLocations".to_owned(), json!([{"fullyQualifiedName": visible(name), "kind": kind}]))
    }));
    location
}

/// Half of the SHA-256: no name can be chosen so that its finding passes for another.
fn hash(text: &str) -> String {
    let digest = digest(&SHA256, text.as_bytes());
    digest.as_ref().iter().take(16).fold(String::new(), |out, byte| out + &format!("{byte:02x}"))
}
