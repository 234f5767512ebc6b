//! Pieces of Markdown as GitHub and GitLab render it, for comments on pull requests.

use super::style::visible;

/// The longest text in a cell, in characters. What a forge takes as a comment is bounded, and names in a policy are not.
const LONGEST: usize = 240;

/// A text of ours or of a policy, so that nothing in it is markup, a mention or a link.
pub(crate) fn text(text: &str) -> String {
    let mut out = String::new();
    for c in shortened(text).chars() {
        match c {
            '\\' | '`' | '*' | '_' | '~' | '[' | ']' | '(' | ')' | '|' | '#' | '!' => {
                out.push('\\');
                out.push(c);
            }
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // An address or a mention would notify somebody; a joiner of no width keeps it from being one.
            '@' => out.push_str("@&#8288;"),
            _ => out.push(c),
        }
    }
    out
}

/// A text in a code span, in a table's cell too.
pub(crate) fn code(text: &str) -> String {
    let text = shortened(text).replace('|', "\\|");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if text.is_empty() || text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A row of a table.
pub(crate) fn row(cells: &[String], out: &mut String) {
    out.push_str("| ");
    out.push_str(&cells.join(" | "));
    out.push_str(" |\n");
}

/// The first rows of a table.
pub(crate) fn headings(headings: &[&str], out: &mut String) {
    let cells = |cells: Vec<&str>| cells.into_iter().map(str::to_owned).collect::<Vec<_>>();
    row(&cells(headings.to_vec()), out);
    row(&cells(vec!["---"; headings.len()]), out);
}

fn shortened(text: &str) -> String {
    let text = visible(text);
    match text.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("{}…", text.get(..cut).unwrap_or_default()),
        None => text.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{code, text};

    #[test]
    fn nothing_in_a_policy_is_markup() {
        assert_eq!(code("a|b"), "`a\\|b`");
        assert_eq!(code("a``b"), "```a``b```");
        assert_eq!(code("`a"), "`` `a ``");
        assert_eq!(
            text("<img> [x](y) @ops\n"),
            "&lt;img&gt; \\[x\\]\\(y\\) @&#8288;ops\\u{a}".replace("\\u", "\\\\u")
        );
        assert!(text(&"x".repeat(5_000)).len() < 300);
    }
}
