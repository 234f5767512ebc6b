//! Texts of configurations, in whatever language: the values of telling names go, every line stays where it stood.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::names::{is_telling, keeps_value};
use super::{REDACTED, policy};

/// A regular expression that is written here, so that it is one.
fn regex(pattern: &str) -> Option<Regex> {
    Regex::new(pattern).ok()
}

/// A name, what stands between it and its value, and the value to the end of the line.
static KEY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(
        r#"^(?P<key>[\s\-]*["']?(?P<name>[@A-Za-z_][\w.@/\-]*)["']?\s*(?:=>|[:=]|\s)\s*)(?P<value>\S.*?)(?P<end>\s*,?)$"#,
    )
});

/// `Header NAME VALUE`, whose value may be a credential under any name.
static HEADER: LazyLock<Option<Regex>> =
    LazyLock::new(|| regex(r"(?i)^(?P<key>\s*header\s+\S+\s+)(?P<value>\S.*?)(?P<end>)$"));

/// A name with its value anywhere in a line: in JSON, in flow style, in calls.
static PAIR: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(
        r#"(?P<key>\\?["']?(?P<name>[@A-Za-z_][\w.@/\-]*)\\?["']?\s*(?:=>|[:=(])\s*)(?P<value>\\"[^"\\]*\\"|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|[^\s,;{}\[\]()"'`]+)"#,
    )
});

/// Headers with their values in one line.
static HEADERS: LazyLock<Option<Regex>> =
    LazyLock::new(|| regex(r#"(?i)headers\\?["']?\s*(?:=>|[:=])?\s*(?:\{[^}]*\}|\[[^\]]*\]|\([^)]*\))"#));

/// What opens several lines of headers.
static HEADERS_BEGIN: LazyLock<Option<Regex>> =
    LazyLock::new(|| regex(r#"(?i)^[\s\-]*\[?[\w.\-"']*headers?["']?\s*(?:\]|(?:=>|[:=])?\s*[{\[]?)\s*$"#));

/// A text that stands between quotes.
static QUOTED: LazyLock<Option<Regex>> = LazyLock::new(|| regex(r#""[^"]*"|'[^']*'|`[^`]*`"#));

/// Blanks what looks like a credential in the text of a configuration: the values of telling names in whatever language, of
/// headers, and what credentials look like. What refers to a variable or a file stays, because it says where the value comes
/// from without telling it.
pub(super) fn blank_config(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // What stands between telling names is looked through as a whole, because a key in PEM has several lines.
    let mut others = String::new();
    let mut within = Within::Nothing;
    let mut named_telling = false;
    for whole in text.split_inclusive('\n') {
        let line = whole.trim_end_matches(['\n', '\r']);
        let ending = whole.get(line.len()..).unwrap_or_default();
        if let Some(blanked) = within.line(line) {
            others.push_str(&blanked);
            others.push_str(ending);
            continue;
        }
        if let Some(marker) = comment(line) {
            others.push_str(marker);
            others.push_str(ending);
            continue;
        }
        let line = without_told_comment(line);
        let Some(Found { name, key, value, end }) = found(&line, named_telling) else {
            named_telling = names_telling(&line);
            within = Within::opened_by(&line, None);
            others.push_str(&blank_pairs(&line));
            others.push_str(ending);
            continue;
        };
        named_telling = false;
        within = Within::opened_by(&line, Some(value));
        // What opens a structure is looked through like any other line.
        if value.starts_with(['{', '[']) && !value.starts_with("{{") {
            others.push_str(&blank_pairs(&line));
            others.push_str(ending);
            continue;
        }
        out.push_str(&policy::blank_credentials(&others));
        others.clear();
        if is_reference(value) || keeps_value(name, value) {
            out.push_str(&line);
        } else {
            for part in [key, &redacted_like(value), end] {
                out.push_str(part);
            }
        }
        out.push_str(ending);
    }
    out.push_str(&policy::blank_credentials(&others));
    out
}

/// Blanks the values of telling names in a text of one line.
pub(super) fn blank_pairs(line: &str) -> Cow<'_, str> {
    let Some(pattern) = PAIR.as_ref() else { return Cow::Borrowed(line) };
    let pairs = pattern.replace_all(line, |pair: &Captures<'_>| {
        let part = |name: &str| pair.name(name).map_or("", |part| part.as_str());
        let (name, value) = (part("name"), part("value"));
        if !is_telling(name) {
            // A text in quotes may be a structure of its own.
            let inside =
                value.get(1..value.len().saturating_sub(1)).filter(|_| value.starts_with(['"', '\'', '`']));
            let quote = value.get(..1).unwrap_or_default();
            match inside {
                Some(inside) => format!("{}{quote}{}{quote}", part("key"), blank_pairs(inside)),
                None => format!("{}{value}", part("key")),
            }
        } else if is_reference(value) || keeps_value(name, value) {
            format!("{}{value}", part("key"))
        } else {
            format!("{}{}", part("key"), redacted_like(value))
        }
    });
    let Some(headers) = HEADERS.as_ref().filter(|headers| headers.is_match(&pairs)) else { return pairs };
    let blanked = headers.replace_all(&pairs, |found: &Captures<'_>| {
        let text = found.get(0).map_or("", |all| all.as_str());
        let begin = text.find(['{', '[', '(']).unwrap_or(0);
        let (before, inside) = text.split_at_checked(begin).unwrap_or((text, ""));
        format!("{before}{}", blank_headers(inside))
    });
    Cow::Owned(blanked.into_owned())
}

/// Blanks the values of the headers in one line, whatever their names.
fn blank_headers(line: &str) -> String {
    let Some(pattern) = PAIR.as_ref() else { return REDACTED.to_owned() };
    let mut any = false;
    let pairs = pattern.replace_all(line, |pair: &Captures<'_>| {
        any = true;
        let part = |name: &str| pair.name(name).map_or("", |part| part.as_str());
        let whole = pair.get(0).map_or("", |all| all.as_str());
        let (name, value) = (part("name"), part("value"));
        if is_plain_header(name) || is_reference(value) {
            whole.to_owned()
        } else {
            format!("{}{}", part("key"), redacted_like(value))
        }
    });
    let pairs = pairs.into_owned();
    // A list of texts, each a whole header.
    match QUOTED.as_ref().filter(|_| !any || pairs.contains("\":") && pairs.starts_with('[')) {
        Some(quoted) if !any => quoted
            .replace_all(&pairs, |text: &Captures<'_>| {
                redacted_like(text.get(0).map_or("", |all| all.as_str()))
            })
            .into_owned(),
        _ => pairs,
    }
}

/// Headers that carry no credentials.
fn is_plain_header(name: &str) -> bool {
    const PLAIN: [&str; 7] =
        ["x-scope-orgid", "content-type", "user-agent", "accept", "host", "content-encoding", "headers"];
    PLAIN.contains(&name.to_ascii_lowercase().as_str())
}

/// What stands in the place of a value: in its quotes, so that the text stays one of its language.
fn redacted_like(value: &str) -> String {
    for quote in ["\\\"", "\"", "'", "`"] {
        if value.len() >= 2 * quote.len() && value.starts_with(quote) && value.ends_with(quote) {
            return format!("{quote}{REDACTED}{quote}");
        }
    }
    REDACTED.to_owned()
}

/// A name that tells of a credential, with its value.
struct Found<'a> {
    name: &'a str,
    key: &'a str,
    value: &'a str,
    end: &'a str,
}

fn found(line: &str, named_telling: bool) -> Option<Found<'_>> {
    let header = HEADER.as_ref().and_then(|pattern| pattern.captures(line));
    let parts = if let Some(header) = header {
        header
    } else {
        let found = KEY.as_ref().and_then(|pattern| pattern.captures(line))?;
        let name = found.name("name")?.as_str();
        // `- name: X_API_KEY` says what the `value` after it is.
        let is_value = named_telling && name == "value";
        (is_telling(name) || is_value).then_some(found)?
    };
    Some(Found {
        name: parts.name("name").map_or("header", |name| name.as_str()),
        key: parts.name("key")?.as_str(),
        value: parts.name("value")?.as_str(),
        end: parts.name("end")?.as_str(),
    })
}

/// Whether a line names something whose value follows in another line.
fn names_telling(line: &str) -> bool {
    let bare = line.trim_start_matches([' ', '\t', '-']);
    let name = ["name:", "\"name\":", "key:", "\"key\":"].iter().find_map(|field| bare.strip_prefix(field));
    name.is_some_and(|name| is_telling(name.trim().trim_end_matches(',').trim_matches(['"', '\''])))
}

/// A line that is a comment, up to where its words begin.
fn comment(line: &str) -> Option<&str> {
    let trimmed = line.trim_start();
    let marker = ["//", "#", ";"].into_iter().find(|marker| trimmed.starts_with(marker))?;
    line.get(..line.len() - trimmed.len() + marker.len())
}

/// The line, with the words of a comment at its end blanked if they speak of credentials.
fn without_told_comment(line: &str) -> Cow<'_, str> {
    let Some(at) = line.rfind(" # ").or_else(|| line.rfind(" // ")) else { return Cow::Borrowed(line) };
    let (before, words) = line.split_at_checked(at).unwrap_or((line, ""));
    let is_told = words.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-').any(is_telling);
    if is_told { Cow::Owned(format!("{before} # {REDACTED}")) } else { Cow::Borrowed(line) }
}

/// Lines that belong to one before them.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Within {
    /// To none.
    Nothing,
    /// The text of a telling name, in lines deeper than this.
    Text { depth: usize },
    /// What a telling name holds, in lines deeper than this: items of a list go, and so do values that have no name of their own.
    Structure { depth: usize, text: Option<usize> },
    /// A telling name's text up to these quotes.
    Quotes(&'static str),
    /// Headers, in lines deeper than this or up to the closing bracket.
    Headers { depth: usize, section: bool },
}

impl Within {
    fn opened_by(line: &str, value: Option<&str>) -> Self {
        let depth = indent(line);
        if let Some(value) = value {
            let opening = ["'''", "\"\"\"", "`"]
                .into_iter()
                .find(|quotes| value.strip_prefix(quotes).is_some_and(|rest| !rest.contains(quotes)));
            if let Some(quotes) = opening {
                return Self::Quotes(quotes);
            }
            return if value.starts_with(['|', '>']) { Self::Text { depth } } else { Self::Nothing };
        }
        if HEADERS_BEGIN.as_ref().is_some_and(|pattern| pattern.is_match(line)) {
            return Self::Headers { depth, section: line.trim().starts_with('[') };
        }
        // `password:` alone: what it is stands in the lines below.
        let name = line.trim().trim_start_matches("- ").strip_suffix(':');
        match name.map(|name| name.trim_matches(['"', '\''])) {
            Some(name) if is_telling(name) => Self::Structure { depth, text: None },
            _ => Self::Nothing,
        }
    }

    /// The line as it stays, if it belongs to the one before.
    fn line(&mut self, line: &str) -> Option<String> {
        let blank = line.trim().is_empty();
        let depth = indent(line);
        let space = line.get(..line.len() - line.trim_start().len()).unwrap_or_default();
        match self {
            Self::Nothing => None,
            Self::Quotes(quotes) => {
                let rest = line.find(*quotes).and_then(|at| line.get(at..));
                match rest {
                    Some(rest) => {
                        let rest = format!("{space}{REDACTED}{rest}");
                        *self = Self::Nothing;
                        Some(rest)
                    }
                    None => Some(format!("{space}{REDACTED}")),
                }
            }
            _ if blank => Some(line.to_owned()),
            Self::Text { depth: of } if depth > *of => Some(format!("{space}{REDACTED}")),
            Self::Structure { depth: of, text }
                if depth > *of || depth == *of && line.trim().starts_with("- ") =>
            {
                let trimmed = line.trim();
                if text.is_some_and(|of| depth > of) {
                    return Some(format!("{space}{REDACTED}"));
                }
                *text = None;
                let item = trimmed.strip_prefix("- ").unwrap_or(trimmed);
                let Some((name, value)) =
                    item.split_once(':').filter(|(_, value)| value.is_empty() || value.starts_with(' '))
                else {
                    let keeps = is_reference(item) || item.ends_with(['{', '[', '}', ']']);
                    return Some(if keeps {
                        line.to_owned()
                    } else {
                        format!("{}{}", line.strip_suffix(item).unwrap_or(space), redacted_like(item))
                    });
                };
                const OWN: [&str; 7] = ["value", "inline", "literal", "plain", "text", "string", "data"];
                let (name, value) = (name.trim_matches(['"', '\'']), value.trim());
                if value.starts_with(['|', '>']) {
                    *text = Some(depth);
                    return Some(line.to_owned());
                }
                let goes = OWN.contains(&name) || is_telling(name) && !keeps_value(name, value);
                if !value.is_empty() && goes && !is_reference(value) && !value.starts_with(['{', '[']) {
                    return Some(format!(
                        "{}{}",
                        line.strip_suffix(value).unwrap_or(space),
                        redacted_like(value)
                    ));
                }
                Some(blank_pairs(line).into_owned())
            }
            Self::Headers { depth: of, section }
                if *section && !line.trim_start().starts_with('[')
                    || !*section && (depth > *of || depth == *of && line.trim_start().starts_with("- ")) =>
            {
                Some(blank_header_line(line))
            }
            _ => {
                *self = Self::Nothing;
                None
            }
        }
    }
}

/// A line with one header, or several.
fn blank_header_line(line: &str) -> String {
    if let Some(found) = KEY.as_ref().and_then(|pattern| pattern.captures(line)) {
        let part = |name: &str| found.name(name).map_or("", |part| part.as_str());
        let (name, value) = (part("name"), part("value"));
        let opens = value.starts_with(['{', '[', '|', '>']) && !value.starts_with("{{");
        if name == "name" || is_plain_header(name) || is_reference(value) {
            return line.to_owned();
        }
        if !opens {
            return format!("{}{}{}", part("key"), redacted_like(value), part("end"));
        }
    }
    let blanked = blank_headers(line);
    match QUOTED.as_ref() {
        // `["Authorization", "…"]` and `"Authorization: …"`.
        Some(quoted) => {
            let mut first = true;
            quoted
                .replace_all(&blanked, |text: &Captures<'_>| {
                    let text = text.get(0).map_or("", |all| all.as_str());
                    let is_name = first && !text.contains(':') && blanked.matches(['"', '\'']).count() > 2;
                    first = false;
                    if is_name || is_reference(text) { text.to_owned() } else { redacted_like(text) }
                })
                .into_owned()
        }
        None => REDACTED.to_owned(),
    }
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Whether a value says where a credential comes from, or is none: a variable, a file, a switch, the opening of a block.
pub(super) fn is_reference(value: &str) -> bool {
    static WHOLE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        regex(
            r#"^(?:(?:(?:Bearer|Basic|ApiKey|Splunk|Token)\s+)?(?:\$\{[^{}]*\})+|\$\([\w.\-]+\)|\$[A-Za-z_]\w*|#\{\s*(?:ENV\s*\[\s*['"]\w+['"]\s*\]|ENV\.fetch\(\s*['"]\w+['"]\s*\)|File\.read\(\s*['"][^'"]*['"]\s*\)(?:\.\w+)*)\s*\}|(?:convert\.nonsensitive\()?(?:(?:sys\.)?env\("[^"]*"\)|(?:local|remote)\.[\w.]+(?:\["[^"]*"\])*)\)?|\{\{[^{}"']*\}\}|SECRET\[[\w.\-]+\]|file://\S*)$"#,
        )
    });
    const FOLDERS: [&str; 8] = ["/etc/", "/var/", "/run/", "/usr/", "/opt/", "/mnt/", "/secrets/", "/certs/"];
    const NOTHING: [&str; 16] = [
        "true", "false", "on", "off", "yes", "no", "null", "none", "~", "", "|", ">", "|-", ">-", "|+", ">+",
    ];
    let bare = value.trim().trim_end_matches(',').trim_matches(['"', '\'', '`', '\\']);
    // What stands in for a variable that is not set is the credential itself.
    let has_default = bare.contains(":-") || bare.contains("||") || bare.contains(":=");
    WHOLE.as_ref().is_some_and(|whole| whole.is_match(bare)) && !has_default
        || FOLDERS.iter().any(|folder| bare.starts_with(folder)) && !bare.contains(char::is_whitespace)
        || bare.starts_with('/')
            && [".pem", ".key", ".crt", ".json"].iter().any(|ending| bare.ends_with(ending))
        || NOTHING.contains(&bare.to_ascii_lowercase().as_str())
        || bare == REDACTED
}

#[cfg(test)]
mod tests;
