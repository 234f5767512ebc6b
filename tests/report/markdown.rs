//! Markdown, as two libraries render it.

use std::collections::BTreeSet;

use logaudit::report::format::Format;
use logaudit::verdict::Standing;
use serde_json::Value;

use super::hostile;
use super::readers::Readers;
use super::stage::Made;
use crate::support::stage::pinned;

/// What GitHub takes as a comment.
const MAX_CHARACTERS: usize = 65_536;

/// The elements that a report is made of.
const ELEMENTS: [&str; 17] = [
    "h2", "h3", "p", "ul", "li", "strong", "code", "table", "thead", "tbody", "tr", "th", "td", "details",
    "summary", "br", "hr",
];

/// Fails the test unless nothing in the text is a link, a mention, or markup that is not ours.
fn is_tame(read: &Value) {
    for page in read.as_array().unwrap() {
        let tags: BTreeSet<&str> =
            page["tags"].as_array().unwrap().iter().map(|tag| tag.as_str().unwrap()).collect();
        let others: Vec<_> = tags.iter().filter(|tag| !ELEMENTS.contains(tag)).collect();
        assert!(others.is_empty(), "{}: {others:?}", page["by"]);
        assert_eq!(page["links"], serde_json::json!([]), "{}", page["by"]);
        assert_eq!(page["references"], serde_json::json!([]), "{}", page["by"]);
    }
}

#[test]
fn nothing_of_a_hostile_cluster_is_markup_a_link_or_a_mention() {
    let (report, text) = hostile::rendered("markdown");
    assert!(text.len() < MAX_CHARACTERS, "{}", text.len());
    let failed = report.findings().filter(|finding| finding["status"] == "fail").count();
    assert!(text.contains(&format!("### Failed: {failed}\n")), "{}", &text[..2_000]);
    let Some(readers) = Readers::find() else { return };
    let Some(read) = readers.python("markdown", &text) else { return };
    is_tame(&read);
    for page in read.as_array().unwrap() {
        let rows = page["rows"].as_array().unwrap();
        let rows = rows.iter().filter(|row| row.as_array().unwrap().len() == 5 && row[0] != "Severity");
        let shown = rows.count();
        // What comes behind the failures may be cut too.
        let failures = text.split("<details>").next().unwrap();
        let left: usize = failures
            .lines()
            .find_map(|line| line.strip_prefix("… and ")?.split(' ').next()?.parse().ok())
            .unwrap_or_default();
        assert_eq!(shown + left, failed, "{}", page["by"]);
        assert!(shown > 50 && left > 1_000, "{shown} {left}");
    }
}

#[test]
fn every_example_fits_a_comment() {
    let Some(readers) = Readers::find() else { return };
    for example in ["ha-drift", "kubeadm-default", "looks-audited", "managed-no-access", "ships-nothing"] {
        let file = format!("{}/examples/{example}.json", env!("CARGO_MANIFEST_DIR"));
        let text = pinned().args(["run", "-o", "markdown", "--snapshot", &file]).run().stdout;
        assert!(text.len() < MAX_CHARACTERS, "{example}: {}", text.len());
        assert!(
            text.starts_with(&format!("## Audit of the logging of `{example}`: the gate fails\n")),
            "{text}"
        );
        let Some(read) = readers.python("markdown", &text) else { return };
        is_tame(&read);
    }
}

#[test]
fn new_failures_come_first_and_waived_ones_are_folded() {
    let mut made = Made::on("ships-nothing");
    for finding in &mut made.report.findings {
        finding.baseline = Some(Standing::Unchanged);
    }
    made.waive(".logaudit.yaml:3:5");
    made.failure().baseline = Some(Standing::New);
    let text = made.render(Format::Markdown);
    let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("no {part}: {text}"));
    assert!(at("### New failures: 1\n") < at("### Known failures: 27\n"), "{text}");
    assert!(at("### Known failures") < at("<summary>1 waived</summary>"));
    assert!(text.contains("the logs are kept \\| elsewhere | @&#8288;platform | 2027-03-31 |"), "{text}");
}
