//! "Did you mean …?"

/// The longest name that is compared with others. Comparing takes the product of both lengths in time and memory.
const LONGEST: usize = 100;

/// The candidate nearest to a misspelt name, if one is near enough to be meant.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > LONGEST {
        return None;
    }
    let name = name.to_lowercase();
    let limit = (name.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= LONGEST)
        .map(|candidate| (strsim::damerau_levenshtein(&name, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn near_names_are_suggested_and_far_ones_are_not() {
        let names = ["audit-log-maxage", "audit-log-path", "audit-policy-file"];
        assert_eq!(nearest("audit-log-max-age", names), Some("audit-log-maxage"));
        assert_eq!(nearest("Audit-Log-Path", names), Some("audit-log-path"));
        assert_eq!(nearest("xyz", names), None);
    }
}
