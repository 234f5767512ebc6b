//! JUnit XML, as a published parser reads it.

use serde_json::Value;

use logaudit::report::format::Format;
use logaudit::report::style::visible;

use super::hostile;
use super::readers::Readers;
use super::stage::Made;
use crate::support::report::Report;
use crate::support::stage::pinned;

/// Fails the test unless the report says of every finding what the XML does, and counts right.
fn agrees(report: &Report, read: &Value, unknown_gates: bool) {
    let mut cases = Vec::new();
    let mut total = [0; 4];
    for suite in read["suites"].as_array().unwrap() {
        let of_suite = suite["cases"].as_array().unwrap();
        let count = |result: &str| of_suite.iter().filter(|case| case["result"] == result).count();
        let counted = [of_suite.len(), count("failure"), count("error"), count("skipped")];
        for ((name, counted), total) in
            ["tests", "failures", "errors", "skipped"].iter().zip(counted).zip(&mut total)
        {
            assert_eq!(suite["declared"][name], counted, "{name} of {}", suite["name"]);
            *total += counted;
        }
        cases.extend(of_suite.iter().map(|case| (suite["name"].as_str().unwrap(), case)));
    }
    for (name, total) in ["tests", "failures", "errors"].iter().zip(total) {
        assert_eq!(read["declared"][name], total, "{name}");
    }
    let (gate, cases) = cases.split_first().unwrap();
    let passed = report.0["summary"]["gate"]["passed"] == true;
    assert_eq!((gate.0, &gate.1["result"]), ("gate", &if passed { "passed" } else { "failure" }.into()));

    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let mut expected: Vec<[String; 4]> = report
        .findings()
        .map(|finding| {
            let result = match finding["status"].as_str().unwrap() {
                "pass" => "passed",
                "fail" => "failure",
                "unknown" if unknown_gates => "error",
                _ => "skipped",
            };
            let name = format!("{}: {}", word(&finding["title"]), word(&finding["subject"]));
            [word(&finding["category"]), word(&finding["check"]), visible(&name).into_owned(), result.into()]
        })
        .collect();
    let mut found: Vec<[String; 4]> = cases
        .iter()
        .map(|(suite, case)| {
            [(*suite).to_owned(), word(&case["classname"]), word(&case["name"]), word(&case["result"])]
        })
        .collect();
    expected.sort();
    found.sort();
    assert!(expected == found, "{:#?}", expected.iter().zip(&found).find(|(left, right)| left != right));
}

#[test]
fn every_finding_is_a_test_and_the_counts_are_right() {
    let Some(readers) = Readers::find() else { return };
    for (example, arguments) in
        [("ships-nothing", &[][..]), ("kubeadm-hardened", &[]), ("managed-no-access", &["--fail-on-unknown"])]
    {
        let run = |form: &str| {
            let file = format!("{}/examples/{example}.json", env!("CARGO_MANIFEST_DIR"));
            pinned().args(["run", "-o", form, "--snapshot", &file]).args(arguments).run()
        };
        let Some(read) = readers.python("junit", &run("junit").stdout) else { return };
        agrees(&run("json").report(), &read, !arguments.is_empty());
    }
}

#[test]
fn nothing_is_lost_on_a_hostile_cluster() {
    let Some(readers) = Readers::find() else { return };
    let (report, text) = hostile::rendered("junit");
    let Some(read) = readers.python("junit", &text) else { return };
    agrees(&report, &read, false);
}

#[test]
fn a_waived_failure_is_skipped_and_says_why() {
    let mut made = Made::on("kubeadm-default");
    made.waive(".logaudit.yaml:3:5");
    let text = made.render(Format::Junit);
    let document = roxmltree::Document::parse(&text).unwrap();
    let skipped = document.descendants().filter(|node| node.has_tag_name("skipped"));
    let messages: Vec<&str> = skipped.filter_map(|node| node.attribute("message")).collect();
    let waived: Vec<_> = messages.iter().filter(|message| message.starts_with("waived")).collect();
    assert_eq!(waived.len(), 1);
    assert!(
        waived[0].contains("(the logs are kept | elsewhere, by @platform, until 2027-03-31): "),
        "{waived:?}"
    );
}
