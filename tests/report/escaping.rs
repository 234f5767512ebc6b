//! Whatever a text is, every form holds it so that a reader gets it back, and nothing around it changes.

use std::cell::RefCell;

use logaudit::report::format::Format;
use logaudit::report::style::{visible, visible_lines};
use logaudit::verdict::{Evidence, Status};
use proptest::prelude::*;
use serde_json::Value;

use super::hostile::NAMES;
use super::stage::Made;

/// The longest text in Markdown.
const MARKDOWN_LENGTH: usize = 240;

/// Any text, more often one with characters that mean something somewhere.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        "(?s).{0,30}",
        "[\\\\`*_|<>&\"'\\[\\]()#@!$~:/.=+,; \n\r\t{}%-]{0,20}",
        proptest::sample::select(&NAMES[..]).prop_map(str::to_owned),
        ("(?s).{0,5}", proptest::sample::select(&NAMES[..]), "(?s).{0,5}")
            .prop_map(|(a, b, c)| format!("{a}{b}{c}")),
    ]
}

thread_local! {
    /// A report with one failure, one of each other status, and no frameworks.
    static MADE: RefCell<Made> = RefCell::new({
        let mut made = Made::on("ships-nothing");
        let mut kept = Vec::new();
        for status in [Status::Fail, Status::Pass, Status::NotApplicable] {
            kept.extend(made.report.findings.iter().find(|finding| finding.status == status).cloned());
        }
        made.report.findings = kept;
        made.report.frameworks.clear();
        made
    });
}

/// The failure of the report says this everywhere, and so does what is around it.
fn rendered(text: &str, format: Format) -> String {
    MADE.with_borrow_mut(|made| {
        made.report.cluster.name = text.to_owned();
        made.report.notes = vec![text.to_owned()];
        let finding = made.failure();
        finding.subject = text.to_owned();
        finding.reason = text.to_owned();
        finding.evidence = vec![Evidence { at: text.to_owned(), detail: text.to_owned() }; 2];
        made.render(format)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn sarif(text in texts()) {
        let log: Value = serde_json::from_str(&rendered(&text, Format::Sarif)).unwrap();
        let results = log["runs"][0]["results"].as_array().unwrap();
        prop_assert_eq!(results.len(), 1);
        prop_assert_eq!(&results[0]["properties"]["subject"], &text);
        let uri = results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
        prop_assert!(uri.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~/%".contains(&byte)), "{}", uri);
        prop_assert!(!uri.starts_with('/'), "{}", uri);
    }

    #[test]
    fn junit(text in texts()) {
        let xml = rendered(&text, Format::Junit);
        let document = roxmltree::Document::parse(&xml).unwrap();
        let failure = document.descendants().find(|node| node.has_tag_name("failure") && node.attribute("type") != Some("gate")).unwrap();
        prop_assert_eq!(failure.attribute("message").unwrap(), visible(&text));
        let name = failure.parent().unwrap().attribute("name").unwrap();
        prop_assert!(name.ends_with(&*visible(&text)), "{}", name);
        prop_assert!(failure.text().unwrap().contains(&*visible(&text)));
        let elements: Vec<&str> = document.descendants().filter(|node| node.is_element()).map(|node| node.tag_name().name()).collect();
        prop_assert_eq!(elements.iter().filter(|name| **name == "testcase").count(), 4);
    }

    #[test]
    fn csv(text in texts()) {
        let rows = rendered(&text, Format::Csv);
        let mut reader = ::csv::ReaderBuilder::new().flexible(false).from_reader(rows.as_bytes());
        let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
        prop_assert_eq!(rows.len(), 3);
        let shown = visible_lines(&text);
        let cell = &rows[0][3];
        prop_assert_eq!(cell.strip_prefix('\'').filter(|_| !shown.starts_with('\'')).unwrap_or(cell), &*shown);
        prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{}", cell);
    }

    #[test]
    fn markdown(text in texts()) {
        let page = rendered(&text, Format::Markdown);
        let shown: String = visible(&text).chars().take(MARKDOWN_LENGTH).collect();
        let mut spans = Vec::new();
        let options = pulldown_cmark::Options::ENABLE_TABLES | pulldown_cmark::Options::ENABLE_STRIKETHROUGH;
        for event in pulldown_cmark::Parser::new_ext(&page, options) {
            match event {
                pulldown_cmark::Event::Start(pulldown_cmark::Tag::Link { .. } | pulldown_cmark::Tag::Image { .. } | pulldown_cmark::Tag::Emphasis | pulldown_cmark::Tag::CodeBlock(_)) => {
                    return Err(TestCaseError::fail(format!("markup: {page}")));
                }
                pulldown_cmark::Event::InlineHtml(html) => return Err(TestCaseError::fail(format!("{html}: {page}"))),
                pulldown_cmark::Event::Html(html) => {
                    let is_ours = html.trim().starts_with("<details><summary>1 note</summary>") || html.trim() == "</details>" || html.trim().is_empty();
                    prop_assert!(is_ours, "{}", html);
                }
                pulldown_cmark::Event::Code(code) => spans.push(code.to_string()),
                _ => {}
            }
        }
        // The name of the cluster, subject and place.
        let cut = |span: &&String| span.chars().take(MARKDOWN_LENGTH).collect::<String>() == shown;
        prop_assert!(text.trim().is_empty() || spans.iter().filter(cut).count() >= 3, "{:?} in {}", spans, page);
    }

    #[test]
    fn openreports(text in texts()) {
        let documents: Vec<Value> = serde_yaml::from_multiple(&rendered(&text, Format::Openreports)).unwrap();
        prop_assert_eq!(documents.len(), 1);
        let result = &documents[0]["results"][0];
        prop_assert_eq!(&result["message"], &*visible(&text));
        prop_assert_eq!(&result["properties"]["subject"], &*visible(&text));
        prop_assert_eq!(&documents[0]["metadata"]["annotations"]["logaudit/cluster"], &*visible(&text));
    }

    #[test]
    fn prometheus(text in texts()) {
        let metrics = rendered(&text, Format::Prometheus);
        let line = metrics.lines().find(|line| line.starts_with("logaudit_info{")).unwrap();
        let value = line.strip_prefix("logaudit_info{cluster=\"").unwrap();
        let (mut label, mut escaped, mut rest) = (String::new(), false, "");
        for (at, c) in value.char_indices() {
            match c {
                _ if escaped => {
                    prop_assert!(matches!(c, '\\' | '"'), "{}", line);
                    label.push(c);
                    escaped = false;
                }
                '\\' => escaped = true,
                '"' => {
                    rest = &value[at..];
                    break;
                }
                _ => label.push(c),
            }
        }
        prop_assert_eq!(label, visible(&text));
        prop_assert!(rest.starts_with("\",distribution=\""), "{}", line);
    }
}
