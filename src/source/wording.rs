//! How words of others are quoted: one line, short, and without what looks like a credential.

use crate::snapshot::redact::scrub;

/// The longest quotation, in characters.
const LONGEST: usize = 240;

/// Text of others in one short line. What looks like a credential is replaced.
pub(in crate::source) fn one_line(text: &str) -> String {
    let scrubbed = scrub(text);
    let mut line = String::new();
    let mut length = 0_usize;
    for word in scrubbed.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty())
    {
        let size = word.chars().count() + usize::from(length > 0);
        if length + size > LONGEST {
            // A single endless word is cut, others are left out whole.
            if length == 0 {
                line.extend(word.chars().take(LONGEST));
            }
            line.push('…');
            break;
        }
        if length > 0 {
            line.push(' ');
        }
        line.push_str(word);
        length += size;
    }
    line
}

/// Names in a list for people: `a, b, c`, shortened.
pub(in crate::source) fn listed<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    let all: Vec<&str> = names.into_iter().map(String::as_str).collect();
    let shown: Vec<&str> = all.iter().copied().take(10).collect();
    match all.len() - shown.len() {
        _ if all.is_empty() => "none".into(),
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// A span of time as people write it: `30 s`, `1.5 s`, `2 min`.
pub(in crate::source) fn span(duration: std::time::Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds >= 120.0 && duration.as_secs().is_multiple_of(60) {
        format!("{} min", duration.as_secs() / 60)
    } else if duration.subsec_millis() == 0 || seconds >= 10.0 {
        format!("{} s", duration.as_secs())
    } else {
        format!("{seconds:.1} s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn quotations_are_short_single_lines_without_credentials() {
        assert_eq!(one_line("a\n b\t\u{7}c"), "a b c");
        assert_eq!(one_line("token=abc Bearer abcdefgh"), "token=REDACTED Bearer REDACTED");
        assert!(one_line(&"word ".repeat(100)).chars().count() <= LONGEST + 1);
        assert_eq!(one_line(&"x".repeat(500)).chars().count(), LONGEST + 1);
    }

    #[test]
    fn spans_and_lists_read_well() {
        for (millis, expected) in [(30_000, "30 s"), (1_500, "1.5 s"), (120_000, "2 min"), (90_000, "90 s")] {
            assert_eq!(span(Duration::from_millis(millis)), expected);
        }
        let names: Vec<String> = (0..12).map(|i| i.to_string()).collect();
        assert_eq!(listed(&names), "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more");
        assert_eq!(listed(&[]), "none");
    }
}
