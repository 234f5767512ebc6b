//! Patterns in which `*` stands for any text, also for none.

/// Whether a pattern stands for a text as a whole.
pub fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    // The first place where a part stands leaves the most for the others.
    for part in parts {
        let Some((_, behind)) = rest.split_once(part) else { return false };
        rest = behind;
    }
    rest.ends_with(last)
}

/// Whether it stands for more than one text.
pub fn is_pattern(pattern: &str) -> bool {
    pattern.contains('*')
}
