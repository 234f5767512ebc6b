//! What of a policy's text may be kept: what the server reads of it. Lines and columns stay as they are, so that findings
//! still point at the right place.

use super::patterns;

/// The text without the words of comments and without what looks like a credential, and whether there was any of the
/// latter outside comments: then the text no longer says exactly what the server reads.
pub(super) fn blank(text: &str) -> (String, bool) {
    let without_comments = blank_comments(text);
    let blanked = blank_credentials(&without_comments);
    let changed = blanked != without_comments;
    (blanked, changed)
}

/// Where in the text something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    Plain,
    Single,
    Double,
}

/// Ends every comment after its `#`. Comments of YAML begin at a `#` after white space or at the beginning of a line,
/// outside quotes.
fn blank_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut within = Within::Plain;
    let mut before = '\n';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        out.push(c);
        match within {
            Within::Plain if c == '#' && before.is_whitespace() => {
                while chars.next_if(|c| !matches!(c, '\n' | '\r')).is_some() {}
            }
            // An apostrophe within a word opens no quotation.
            Within::Plain
                if matches!(c, '"' | '\'')
                    && (before.is_whitespace() || matches!(before, '[' | '{' | ',' | ':' | '\u{feff}')) =>
            {
                within = if c == '"' { Within::Double } else { Within::Single };
            }
            // A quotation mark written twice closes and opens again.
            Within::Single if c == '\'' && chars.next_if_eq(&'\'').is_some() => out.push('\''),
            Within::Single if c == '\'' => within = Within::Plain,
            Within::Double if c == '"' => within = Within::Plain,
            Within::Double if c == '\\' => out.extend(chars.next()),
            _ => {}
        }
        before = c;
    }
    out
}

/// Puts an `X` in the place of every character of what looks like a credential. What tells that it is one stays, so that
/// doing it again changes nothing.
pub(super) fn blank_credentials(text: &str) -> String {
    let mut text = text.to_owned();
    for (pattern, _) in patterns() {
        let mut blanked = String::with_capacity(text.len());
        let mut done = 0;
        for found in pattern.captures_iter(&text) {
            let Some(whole) = found.get(0) else { continue };
            let begin = found.get(1).map_or(whole.start(), |prefix| prefix.end());
            blanked.push_str(text.get(done..begin).unwrap_or_default());
            let secret = text.get(begin..whole.end()).unwrap_or_default();
            blanked.extend(secret.chars().map(|c| if c.is_whitespace() || c == '@' { c } else { 'X' }));
            done = whole.end();
        }
        blanked.push_str(text.get(done..).unwrap_or_default());
        text = blanked;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> Vec<usize> {
        text.lines().map(|line| line.chars().count()).collect()
    }

    #[test]
    fn comments_go_and_everything_else_stays_where_it_was() {
        let text = "# owner: hunter2\napiVersion: audit.k8s.io/v1 # hunter2\nkind: Policy\nrules:\n- level: None\n  \
                    users: [\"a #b\", 'c '' #d', e#f, \"\\\" #g\"]  # don't\n  #hunter2\n- level: Metadata # 'x\n";
        let (blanked, changed) = blank(text);
        assert!(!changed);
        assert!(!blanked.contains("hunter2") && !blanked.contains("don't"), "{blanked}");
        assert!(blanked.contains("[\"a #b\", 'c '' #d', e#f, \"\\\" #g\"]  #\n  #\n- level: Metadata #\n"));
        assert_eq!(blanked.lines().count(), text.lines().count());
        assert_eq!(blank(&blanked).0, blanked);
    }

    #[test]
    fn credentials_are_blanked_in_place() {
        let text = "rules:\n- users: [\"https://u:hunter2@host\", 'password=hunter2', AKIAIOSFODNN7EXAMPLE]\n  level: None\n";
        let (blanked, changed) = blank(text);
        assert!(changed && !blanked.contains("hunter2") && !blanked.contains("AKIA"), "{blanked}");
        assert_eq!(shape(&blanked), shape(text));
        assert_eq!(blank(&blanked), (blanked.clone(), false));
    }

    #[test]
    fn words_of_policies_are_no_credentials() {
        for text in [
            "- resources: [{group: \"\", resources: [\"secrets\", \"serviceaccounts/token\", \"configmaps\"]}]\n",
            "  - users: [\"system:serviceaccount:kube-system:token-cleaner\", \"basic auth\"]\n",
            "- group: authentication.k8s.io\n  resources: [\"tokenreviews\"]\n- level: None\n",
        ] {
            assert_eq!(blank(text), (text.to_owned(), false));
        }
    }
}
