//! Globs of paths: `*` and `?` within a name, `**` for any number of folders, `[a-z]` and `{a,b}`.

/// How many alternatives braces may come to.
const MAX_ALTERNATIVES: usize = 1000;

/// Whether a glob matches a path as a whole.
pub fn matches(pattern: &str, path: &str) -> bool {
    alternatives(pattern).iter().any(|one| {
        let pattern: Vec<char> = one.chars().collect();
        let path: Vec<char> = path.chars().collect();
        matches_one(&pattern, &path)
    })
}

/// The folder above the first wildcard: the longest that all matches lie in.
pub fn fixed_folder(pattern: &str) -> String {
    let end = pattern.find(['*', '?', '[', '{']).unwrap_or(pattern.len());
    let fixed = pattern.get(..end).unwrap_or_default();
    match fixed.rsplit_once('/') {
        Some(("", _)) => "/".into(),
        Some((folder, _)) => folder.to_owned(),
        None => String::new(),
    }
}

/// The pattern once for each way through its braces.
fn alternatives(pattern: &str) -> Vec<String> {
    let mut done = Vec::new();
    let mut open = vec![pattern.to_owned()];
    while let Some(next) = open.pop() {
        match braces(&next) {
            Some((before, inside, after)) if done.len() + open.len() < MAX_ALTERNATIVES => {
                for choice in inside.split(',').rev() {
                    open.push(format!("{before}{choice}{after}"));
                }
            }
            _ => done.push(next),
        }
    }
    done
}

fn braces(pattern: &str) -> Option<(&str, &str, &str)> {
    let start = pattern.find('{')?;
    let end = start + pattern.get(start..)?.find('}')?;
    Some((pattern.get(..start)?, pattern.get(start + 1..end)?, pattern.get(end + 1..)?))
}

/// By rows of which prefixes of the path are matched so far, so that no pattern takes longer than its length times the
/// path's.
fn matches_one(pattern: &[char], path: &[char]) -> bool {
    let mut reached = vec![false; path.len() + 1];
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    let mut rest = pattern;
    while let Some((token, after)) = token(rest) {
        let mut next = vec![false; path.len() + 1];
        for (index, _) in reached.iter().enumerate().filter(|(_, is)| **is) {
            match &token {
                Token::AnyPath => next.iter_mut().skip(index).for_each(|slot| *slot = true),
                // `a/**/b` matches `a/b` too.
                Token::Folders => {
                    if let Some(slot) = next.get_mut(index) {
                        *slot = true;
                    }
                    for (offset, c) in path.iter().enumerate().skip(index) {
                        if *c == '/'
                            && let Some(slot) = next.get_mut(offset + 1)
                        {
                            *slot = true;
                        }
                    }
                }
                Token::AnyName => {
                    for (offset, slot) in next.iter_mut().enumerate().skip(index) {
                        *slot = true;
                        if path.get(offset) == Some(&'/') {
                            break;
                        }
                    }
                }
                Token::One(one) => {
                    if path.get(index).is_some_and(|c| one.matches(*c))
                        && let Some(slot) = next.get_mut(index + 1)
                    {
                        *slot = true;
                    }
                }
            }
        }
        reached = next;
        rest = after;
    }
    reached.last().copied().unwrap_or(false)
}

enum Token<'a> {
    AnyPath,
    Folders,
    AnyName,
    One(One<'a>),
}

enum One<'a> {
    Any,
    Char(char),
    Set { negated: bool, items: &'a [char] },
}

impl One<'_> {
    fn matches(&self, c: char) -> bool {
        match self {
            Self::Any => c != '/',
            Self::Char(own) => *own == c,
            Self::Set { negated, items } => {
                let mut found = false;
                let mut items = *items;
                loop {
                    match items {
                        [from, '-', to, rest @ ..] => {
                            found |= (*from..=*to).contains(&c);
                            items = rest;
                        }
                        [one, rest @ ..] => {
                            found |= *one == c;
                            items = rest;
                        }
                        [] => return c != '/' && found != *negated,
                    }
                }
            }
        }
    }
}

fn token(pattern: &[char]) -> Option<(Token<'_>, &[char])> {
    Some(match pattern {
        [] => return None,
        ['*', '*', '/', rest @ ..] => (Token::Folders, rest),
        ['*', '*', rest @ ..] => (Token::AnyPath, rest),
        ['*', rest @ ..] => (Token::AnyName, rest),
        ['?', rest @ ..] => (Token::One(One::Any), rest),
        ['\\', c, rest @ ..] => (Token::One(One::Char(*c)), rest),
        ['[', rest @ ..] => match set(rest) {
            Some((one, after)) => (Token::One(one), after),
            None => (Token::One(One::Char('[')), rest),
        },
        [c, rest @ ..] => (Token::One(One::Char(*c)), rest),
    })
}

fn set(pattern: &[char]) -> Option<(One<'_>, &[char])> {
    let (negated, inner) = match pattern {
        ['!' | '^', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    // A bracket that stands first is one of the characters.
    let end = inner.iter().skip(1).position(|c| *c == ']')? + 1;
    let (items, rest) = inner.split_at_checked(end)?;
    Some((One::Set { negated, items }, rest.get(1..)?))
}

/// Whether a regular expression matches every text there is to match.
pub fn is_everything(regex: &str) -> bool {
    let inner = regex.strip_prefix('/').and_then(|inner| inner.strip_suffix('/')).unwrap_or(regex);
    let inner = inner.strip_prefix('^').unwrap_or(inner);
    let inner = inner.strip_suffix('$').unwrap_or(inner);
    matches!(inner, "" | "." | ".*" | ".+" | "(.*)" | "(.+)" | ".*?" | "(?s).*" | r"[\s\S]*")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_for_everything_are_known() {
        for (regex, expected) in [(".*", true), ("/^.*$/", true), ("", true), ("a.*", false), ("/x/", false)]
        {
            assert_eq!(is_everything(regex), expected, "{regex}");
        }
    }
    use proptest::prelude::*;

    #[test]
    fn globs_match_as_collectors_read_them() {
        for (pattern, path, expected) in [
            ("/var/log/containers/*.log", "/var/log/containers/web-1_default_web-0a.log", true),
            ("/var/log/containers/*.log", "/var/log/containers/x/y.log", false),
            ("/var/log/pods/*/*/*.log", "/var/log/pods/default_web_1/web/0.log", true),
            ("/var/log/pods/**/*.log", "/var/log/pods/default_web_1/web/0.log", true),
            ("/var/log/**/audit.log", "/var/log/audit.log", true),
            ("/var/log/**", "/var/log/a/b", true),
            ("**/*.gz", "/var/log/a.gz", true),
            ("/var/log/kube-apiserver-audit.log", "/var/log/kube-apiserver-audit.log", true),
            ("/var/log/{audit,kube-apiserver}/*.log", "/var/log/audit/audit.log", true),
            ("/var/log/audit[0-9].log", "/var/log/audit3.log", true),
            ("/var/log/audit[!0-9].log", "/var/log/audit3.log", false),
            ("/var/log/audit?.log", "/var/log/audit/.log", false),
            ("/var/log/containers/*_kube-system_*.log", "/var/log/containers/a_kube-system_b-c.log", true),
            ("", "", true),
            ("", "/", false),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn the_fixed_folder_is_above_the_first_wildcard() {
        for (pattern, expected) in [
            ("/var/log/containers/*.log", "/var/log/containers"),
            ("/var/log/audit/audit.log", "/var/log/audit"),
            ("/*", "/"),
            ("/var/log/**/x", "/var/log"),
        ] {
            assert_eq!(fixed_folder(pattern), expected);
        }
    }

    proptest! {
        #[test]
        fn any_pattern_ends(pattern in "[a*?/{},\\[\\]!-]{0,40}", path in "[a/]{0,60}") {
            let _ = matches(&pattern, &path);
        }

        #[test]
        fn a_path_matches_itself(path in "(/[a-z0-9._-]{1,8}){1,4}") {
            prop_assert!(matches(&path, &path));
        }
    }
}
