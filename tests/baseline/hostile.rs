//! Files that are no reports, not whole, or made to harm.

use std::io::Read;

use serde_json::json;

use super::{Stage, example};

#[test]
fn what_is_no_report_ends_with_a_message() {
    let stage = Stage::new("ships-nothing");
    let text = stage.report.to_string();
    let compressed = zstd::encode_all(text.as_bytes(), 3).unwrap();
    let mut other = stage.report.clone();
    other["tool"]["name"] = "another-tool".into();
    let mut newer = stage.report.clone();
    newer["schemaVersion"] = 99.into();
    let mut hidden = stage.report.clone();
    hidden["summary"]["hidden"] = 3.into();
    let mut status = stage.report.clone();
    status["findings"][0]["status"] = "splendid".into();
    let nested = "[".repeat(100_000);
    let bomb = zstd::encode_all(std::io::repeat(b' ').take(300 << 20), 1).unwrap();
    for (bytes, words) in [
        (Vec::new(), "it is no report"),
        (b"\x00\xff\x00".to_vec(), "it is no report"),
        (text.as_bytes()[..text.len() / 2].to_vec(), "it is no report"),
        (compressed[..compressed.len() / 2].to_vec(), "damaged or cut off"),
        (bomb, "larger than 256 MiB"),
        (b"{}".to_vec(), "no report of this program"),
        (b"[1]".to_vec(), "it is no report"),
        (nested.into_bytes(), "it is no report"),
        (json!({"schemaVersion": 1, "findings": []}).to_string().into_bytes(), "it is no report"),
        (other.to_string().into_bytes(), "no report of this program"),
        (newer.to_string().into_bytes(), "its schemaVersion is 99"),
        (hidden.to_string().into_bytes(), "3 findings left out of it by --severity"),
        (status.to_string().into_bytes(), "it is no report"),
    ] {
        let path = stage.write("bad", bytes);
        stage.against("ships-nothing", &path, &[]).expect_refusal(&["cannot read the report", words]);
        stage.tool(&["diff", "bad"]).arg(example("ships-nothing")).run().expect_refusal(&[words]);
    }
    stage.tool(&["diff", "none", "none"]).run().expect_refusal(&["cannot read the report none"]);
    stage.tool(&["diff", ".", "."]).run().expect_refusal(&["is a folder"]);
    stage.tool(&["diff", "-", "-"]).run().expect_refusal(&["both cannot come from standard input"]);
}

#[test]
fn names_in_a_report_reach_no_terminal_and_no_markup() {
    let stage = Stage::new("ships-nothing");
    let evil = "\u{1b}[31m<img src=x>|`@all\nnext";
    let before = stage.older(|report| {
        let findings = report["findings"].as_array_mut().unwrap();
        for finding in findings.iter_mut().filter(|finding| finding["status"] == "fail") {
            finding["subject"] = evil.into();
            finding["fingerprint"] = evil.into();
            finding["reason"] = evil.into();
        }
    });
    let diff =
        |form: &str| stage.tool(&["diff", "-o", form]).arg(&before).arg(example("ships-nothing")).run();
    let (table, markdown) =
        (diff("table").expect_code(1).stdout.clone(), diff("markdown").expect_code(1).stdout.clone());
    for text in [&table, &markdown] {
        assert!(!text.contains('\u{1b}') && !text.contains("\nnext"), "{text}");
    }
    assert!(markdown.contains("&lt;img src=x&gt;\\|\\`@&#8288;all"), "{markdown}");
}
