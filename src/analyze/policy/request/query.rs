//! What a list's query says about its verb and name.

/// As much of `ListOptions` (`k8s.io/apimachinery` `pkg/apis/meta/v1`) as the attributes of a request depend on.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ListOptions {
    pub(super) watch: bool,
    /// The name that the field selector asks for, or empty.
    pub(super) name: String,
}

impl ListOptions {
    /// Reads a query. If an option in it cannot be decoded, all but `watch` are lost.
    pub(super) fn parse(query: &str) -> Self {
        let pairs = pairs(query);
        let first = |key: &str| pairs.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str());
        // `Convert_Slice_string_To_bool` of `pkg/runtime`: whatever does not say no says yes, even nothing.
        let watch =
            first("watch").is_some_and(|value| !matches!(value.to_lowercase().as_str(), "false" | "0"));
        let numbers = ["limit", "timeoutSeconds"];
        let numeric = numbers.into_iter().filter_map(first).all(|value| value.parse::<i64>().is_ok());
        let name = if numeric { first("fieldSelector").and_then(required_name) } else { None };
        Self { watch, name: name.filter(|name| is_path_segment(name)).unwrap_or_default() }
    }
}

/// The pairs of a query, without those that Go's `net/url` `ParseQuery` drops: with a semicolon or a broken escape.
fn pairs(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.contains(';'))
        .filter_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(key, true)?, decode(value, true)?))
        })
        .collect()
}

/// Resolves `%xx`, and `+` for a space if told so. Bytes that are not UTF-8 become the replacement character, as they do in
/// the audit log.
pub(super) fn decode(text: &str, plus_is_space: bool) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => digit(bytes.next()?)? << 4 | digit(bytes.next()?)?,
            b'+' if plus_is_space => b' ',
            other => other,
        });
    }
    Some(String::from_utf8_lossy(&decoded).into_owned())
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// The value that a field selector demands of `metadata.name`: `k8s.io/apimachinery` `pkg/fields` `ParseSelector` and
/// `RequiresExactMatch`. None also if any part of it cannot be parsed.
fn required_name(selector: &str) -> Option<String> {
    let mut name = None;
    for term in terms(selector) {
        if term.is_empty() {
            continue;
        }
        // The operator that comes first counts; `!=` and `==` before `=` at the same place.
        let at = term.find("!=").into_iter().chain(term.find('=')).min()?;
        let (field, rest) = term.split_at_checked(at)?;
        let value = rest.strip_prefix("!=").or(rest.strip_prefix("==")).or(rest.strip_prefix('='))?;
        let value = unescape(value)?;
        if field == "metadata.name" && !rest.starts_with('!') && name.is_none() {
            name = Some(value);
        }
    }
    name
}

/// Splits at commas without a backslash before them.
fn terms(selector: &str) -> Vec<&str> {
    let mut escaped = false;
    selector
        .split(|c| {
            let split = c == ',' && !escaped;
            escaped = c == '\\' && !escaped;
            split
        })
        .collect()
}

/// `UnescapeValue`: a backslash stands before a backslash, comma or equals sign, which never stand alone.
fn unescape(value: &str) -> Option<String> {
    let mut chars = value.chars();
    let mut unescaped = String::with_capacity(value.len());
    while let Some(c) = chars.next() {
        match c {
            '\\' => unescaped.push(chars.next().filter(|c| matches!(c, '\\' | ',' | '='))?),
            ',' | '=' => return None,
            other => unescaped.push(other),
        }
    }
    Some(unescaped)
}

/// `k8s.io/apimachinery` `pkg/api/validate/content` `IsPathSegmentName`.
fn is_path_segment(name: &str) -> bool {
    !matches!(name, "." | "..") && !name.contains(['/', '%'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(selector: &str) -> Option<String> {
        required_name(selector)
    }

    #[test]
    fn names_that_field_selectors_ask_for() {
        assert_eq!(name("metadata.name=a"), Some("a".into()));
        assert_eq!(name("metadata.name==a"), Some("a".into()));
        assert_eq!(name("type!=b,,metadata.name=a,metadata.name=c"), Some("a".into()));
        assert_eq!(name(r"metadata.name=a\,b\=c\\"), Some(r"a,b=c\".into()));
        assert_eq!(name("metadata.name=a,"), Some("a".into()));
        assert_eq!(name("metadata.name="), Some(String::new()));
        assert_eq!(name(""), None);
        for none in [
            "metadata.name!=a",
            "metadata.name",
            "metadata.name=a,b",
            "metadata.name=a=b",
            r"metadata.name=a\",
            r"x=\a",
        ] {
            assert_eq!(name(none), None, "{none}");
        }
    }

    #[test]
    fn queries() {
        assert!(ListOptions::parse("watch").watch);
        assert!(ListOptions::parse("watch=no").watch, "only false and 0 say no");
        assert!(!ListOptions::parse("watch=FALSE&watch=1").watch, "the first counts");
        assert!(!ListOptions::parse("watch=1;x&watch=%z&&Watch=1").watch);
        assert_eq!(ListOptions::parse("fieldSelector=metadata.name%3Da+b").name, "a b");
        for refused in [".", "..", "a/b", "a%2525"] {
            assert_eq!(
                ListOptions::parse(&format!("fieldSelector=metadata.name={refused}")).name,
                "",
                "{refused}"
            );
        }
    }
}
