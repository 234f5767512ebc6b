//! The text of a waiver.

use logaudit::document::comments::comments as yaml_comments;
use logaudit::waiver::comment::{comments, read};
use logaudit::waiver::{Scope, Waiver};
use proptest::prelude::*;

fn parse(text: &str) -> Result<Waiver, String> {
    read(text, Scope::default(), "here")
}

#[test]
fn words_and_quoted_values_are_read() {
    let waiver = parse(
        r#"LA-POL-012  until=2027-03-31 owner=platform reason="a \"b\" \\ c = d" subject="DaemonSet x/*""#,
    );
    let waiver = waiver.unwrap();
    assert_eq!((waiver.check.as_str(), waiver.reason.as_str()), ("LA-POL-012", r#"a "b" \ c = d"#));
    assert_eq!(
        (waiver.owner.as_deref(), waiver.scope.subject.as_deref()),
        (Some("platform"), Some("DaemonSet x/*"))
    );
    assert_eq!(waiver.until.unwrap().to_string(), "2027-03-31");
}

#[test]
fn whatever_else_is_refused_with_what_is_wrong() {
    for (text, words) in [
        ("", "the id of a check must stand first"),
        ("reason=x", "the id of a check must stand first"),
        ("LA-API-002", "it gives no reason"),
        ("LA-API-002 reason=\"  \"", "it gives no reason"),
        ("LA-API-002 reason=", "it gives no reason"),
        ("LA-API-002 because reason=x", "`because` has no value"),
        ("LA-API-002 reason=x y", "`y` has no value"),
        ("LA-API-002 reason=\"x", "not closed"),
        ("LA-API-002 reason=\"x\\n\"", "a backslash stands only before"),
        ("LA-API-002 reason=\"x\"owner=y", "a space must stand"),
        ("LA-API-002 reason=x\"y", "a quotation mark stands inside"),
        ("LA-API-002 reason=x reason=y", "`reason` is given twice"),
        ("LA-API-002 raeson=x", "did you mean `reason`?"),
        ("LA-API-002 reason=x until=soon", "`soon` is no day"),
        ("LA-API-002 reason=x until=2027-02-30", "`2027-02-30` is no day"),
        ("LA-API-002 reason=x until=2027-03-31T10", "is no day"),
        ("LA-API-002 reason=x until=20270331", "is no day"),
        (&format!("LA-API-002 reason={}", "x".repeat(2000)), "longer than"),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.contains(words), "{text}: {error}");
    }
}

#[test]
fn comments_are_those_of_yaml_and_nothing_in_quotes_or_blocks() {
    let text = "\
# logaudit:waive A-B-001 reason=above
---
# and this is prose
a: 1 # logaudit:waive A-B-002 reason=beside
b: \"# logaudit:waive A-B-003 reason=quoted\"
c: |
  # logaudit:waive A-B-004 reason=block
d:
  - e: >-
      text # logaudit:waive A-B-005 reason=block
    # logaudit:waive A-B-006 reason=first
    # logaudit:waive A-B-007 reason=second

    f: x#y # logaudit:waived A-B-008 reason=other-word
g: 'it''s
  # logaudit:waive A-B-009 reason=quoted'
- |
  # logaudit:waive A-B-010 reason=block
# logaudit:waive A-B-011 reason=nothing-below
";
    let found: Vec<(String, u64, String)> = comments("f.yaml", text)
        .into_iter()
        .map(|comment| (comment.text[..7].to_owned(), comment.line, comment.at))
        .collect();
    let expected = [
        ("A-B-001", 4, "f.yaml:1:1"),
        ("A-B-002", 4, "f.yaml:4:6"),
        ("A-B-006", 14, "f.yaml:11:5"),
        ("A-B-007", 14, "f.yaml:12:5"),
        // Meant as a waiver, and told to be none.
        ("logaudi", 14, "f.yaml:14:12"),
        ("A-B-011", 19, "f.yaml:19:1"),
    ];
    let expected: Vec<(String, u64, String)> =
        expected.iter().map(|(id, line, at)| ((*id).to_owned(), *line, (*at).to_owned())).collect();
    assert_eq!(found, expected);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// A reason in quotes comes back as it was, whatever it holds.
    #[test]
    fn every_reason_can_be_written(reason in "[^\\p{Cc}]{0,60}") {
        prop_assume!(!reason.trim().is_empty());
        let quoted = reason.replace('\\', "\\\\").replace('"', "\\\"");
        let waiver = parse(&format!("LA-API-002 owner=o reason=\"{quoted}\" until=2027-03-31")).unwrap();
        prop_assert_eq!(waiver.reason, reason);
        prop_assert_eq!(waiver.owner.as_deref(), Some("o"));
    }

    /// Any text is read or refused, and one that is read gives a reason.
    #[test]
    fn any_text_is_read_or_refused(text in "(LA-[A-Z]{3}-00[0-9]|\\PC{0,8})( (reason|owner|until|x)?=?(\"?[a-z\\\\ ]{0,6}\"?|2027-0[0-9]-31)){0,4}") {
        if let Ok(waiver) = parse(&text) {
            prop_assert!(!waiver.reason.trim().is_empty() && !waiver.check.is_empty());
        }
    }

    /// A comment that is found really begins with `#` where it is said to.
    #[test]
    fn comments_stand_where_they_are_said_to(text in "([a-z'\": #|>\\-\\\\\\n]|logaudit:waive ){0,80}") {
        let lines: Vec<&str> = text.lines().collect();
        for comment in yaml_comments(&text) {
            let line = lines[usize::try_from(comment.line).unwrap() - 1];
            prop_assert_eq!(line.chars().nth(comment.column - 1), Some('#'));
            prop_assert!(comment.beside >= comment.line && comment.beside <= lines.len() as u64);
        }
    }
}
