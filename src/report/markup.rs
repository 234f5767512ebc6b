//! Pieces of Markdown as GitHub and GitLab render it, for comments on pull requests.

use super::style::visible;

/// The longest text in a cell, in characters. What a forge takes as a comment is bounded, and names in a policy are not.
const LONGEST: usize = 240;

/// A text of ours or of a policy, so that nothing in it is markup, a mention or a link.
pub(crate) fn text(text: &str) -> String {
    let mut out = String::new();
    for c in shortened(text.trim_start()).chars() {
        match c {
            // At the beginning of a line these would make a list or a heading.
            '-' | '+' | '=' if out.is_empty() => out.push_str(&format!("\\{c}")),
            '.' if !out.is_empty() && out.bytes().all(|byte| byte.is_ascii_digit()) => out.push_str("\\."),
            '\\' | '`' | '*' | '_' | '~' | '!' | '$' => {
                out.push('\\');
                out.push(c);
            }
            // Brackets are markup only together: `[text](address)`, `[text]: address`.
            '(' | ':' | '[' if out.ends_with(']') => {
                out.push('\\');
                out.push(c);
            }
            '[' if out.is_empty() => out.push_str("\\["),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // An address, a mention or a number of an issue would be a link and notify somebody; a joiner of no width keeps
            // it from being one.
            '@' => out.push_str(&format!("@{JOINER}")),
            '#' => out.push_str(&format!("\\#{JOINER}")),
            // Likewise addresses of the web, which forges look for in plain text.
            '/' if out.ends_with(":/") => out.push_str(&format!("{JOINER}/")),
            '.' if ends_with_word(&out, "www") => out.push_str(&format!("{JOINER}.")),
            '-' if ends_with_word(&out, "gh") => out.push_str(&format!("-{JOINER}")),
            _ => out.push(c),
        }
    }
    out
}

/// U+2060 in a form that is seen where Markdown is edited.
const JOINER: &str = "&#8288;";

fn ends_with_word(text: &str, word: &str) -> bool {
    let start = text.len().saturating_sub(word.len());
    text.get(start..).is_some_and(|end| end.eq_ignore_ascii_case(word))
}

/// A text in a code span.
pub(crate) fn code(text: &str) -> String {
    let text = shortened(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad =
        if text.is_empty() || text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A row of a table. Bars in its cells are escaped here, for in a table even a code span ends at one.
pub(crate) fn row(cells: &[String], out: &mut String) {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
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
