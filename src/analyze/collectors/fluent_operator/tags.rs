//! Tags of records, and the `match` and `matchRegex` of filters and outputs.

use super::super::fields::Fields;

/// The longest tag or pattern that is compared.
const MAX_LENGTH: usize = 2000;

/// A tag, in which `*` stands for what is not known beforehand.
#[derive(Debug, Clone)]
pub(super) struct Tag(String);

/// Whether a pattern fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// Every record.
    Yes,
    /// Some records, or it cannot be told.
    Some,
    /// No record.
    No,
}

/// Which records a filter or an output is about.
#[derive(Debug, Clone)]
pub(super) enum Matcher {
    /// `match`, with `*` for any text.
    Glob(String),
    /// `matchRegex`.
    Regex(String),
    /// Neither: no record at all.
    Nothing,
}

impl Tag {
    /// A tag of a plugin. In that of tail, `*` is the path of the file with dots for slashes.
    pub(super) fn new(tag: &str, paths: &[String]) -> Vec<Self> {
        if !tag.contains('*') || paths.is_empty() {
            return vec![Self(tag.to_owned())];
        }
        let dotted = |path: &String| path.trim_start_matches('/').replace('/', ".");
        paths.iter().map(|path| Self(tag.replace('*', &dotted(path)))).collect()
    }

    /// The tag for people.
    pub(super) fn shown(&self) -> &str {
        &self.0
    }
}

impl Matcher {
    /// Of a filter or an output.
    pub(super) fn of(spec: &Fields<'_>) -> Self {
        match (spec.text("match"), spec.text("matchRegex")) {
            (Some(glob), _) => Self::Glob(glob),
            (None, Some(regex)) => Self::Regex(regex),
            (None, None) => Self::Nothing,
        }
    }

    /// Whether it fits a tag.
    pub(super) fn fit(&self, tag: &Tag) -> Fit {
        let open = tag.0.contains('*');
        match self {
            Self::Nothing => Fit::No,
            Self::Glob(glob) if glob.len().max(tag.0.len()) > MAX_LENGTH => Fit::Some,
            // A star of the tag is a character like others to a pattern that fits whatever it stands for.
            Self::Glob(glob) if meets(glob, &tag.0, false) => Fit::Yes,
            Self::Glob(glob) if open && meets(glob, &tag.0, true) => Fit::Some,
            Self::Glob(_) => Fit::No,
            Self::Regex(_) if open => Fit::Some,
            Self::Regex(regex) => match regex::Regex::new(regex) {
                Ok(regex) if regex.is_match(&tag.0) => Fit::Yes,
                Ok(_) => Fit::No,
                Err(_) => Fit::Some,
            },
        }
    }
}

/// Whether a pattern fits a tag: with the tag's stars for any text (`open`), or for a text nobody writes.
fn meets(pattern: &str, tag: &str, open: bool) -> bool {
    let tag: Vec<char> = tag.chars().map(|c| if c == '*' && !open { '\0' } else { c }).collect();
    let pattern: Vec<char> = pattern.chars().collect();
    // `reached[j]`: whether the pattern so far and the tag's first `j` characters have a text in common.
    let mut reached = vec![false; tag.len() + 1];
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    close(&mut reached, &tag);
    for sign in pattern {
        let mut next = vec![false; tag.len() + 1];
        let mut any = false;
        for (index, slot) in next.iter_mut().enumerate() {
            let here = reached.get(index).copied().unwrap_or_default();
            let before = index.checked_sub(1).and_then(|index| Some((reached.get(index)?, tag.get(index)?)));
            any |= here;
            *slot = match sign {
                '*' => any,
                sign => {
                    let step = before.is_some_and(|(reached, letter)| *reached && (*letter == sign));
                    // A star of the tag takes the sign and stays open.
                    let taken = tag.get(index) == Some(&'*') && here;
                    step || taken
                }
            };
        }
        close(&mut next, &tag);
        reached = next;
    }
    reached.last().copied().unwrap_or_default()
}

/// A star of the tag may stand for nothing.
fn close(reached: &mut [bool], tag: &[char]) {
    for (index, letter) in tag.iter().enumerate() {
        if *letter == '*'
            && reached.get(index) == Some(&true)
            && let Some(slot) = reached.get_mut(index + 1)
        {
            *slot = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_meet_tags_whose_ends_are_open() {
        let tag = Tag::new("kube.*", &["/var/log/containers/*.log".to_owned()]);
        for (pattern, expected) in [
            ("*", Fit::Yes),
            ("kube.*", Fit::Yes),
            ("kube.var.log.containers.*", Fit::Yes),
            ("kube.*.log", Fit::Yes),
            ("kube.var.log.containers.shop-*", Fit::Some),
            ("kube.*istio*", Fit::Some),
            ("service.*", Fit::No),
            ("kube", Fit::No),
        ] {
            assert_eq!(Matcher::Glob(pattern.into()).fit(&tag[0]), expected, "{pattern}");
        }
        let fixed = Tag::new("host.audit", &[]);
        assert_eq!(Matcher::Regex("^host".into()).fit(&fixed[0]), Fit::Yes);
        assert_eq!(Matcher::Nothing.fit(&fixed[0]), Fit::No);
        let long = Matcher::Glob("*a".repeat(1_000_000));
        assert_eq!(long.fit(&tag[0]), Fit::Some);
    }
}
