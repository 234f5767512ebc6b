//! What Promtail and Alloy have in common on the way to Loki.
//!
//! | module | does |
//! | --- | --- |
//! | [`relabel`] | relabelling rules, run on what is known of discovered targets |
//! | [`stages`] | the stages of a pipeline, as steps of the model |
//! | [`meta`] | what the labels of discovery stand for |

pub(super) mod meta;
pub(super) mod relabel;
pub(super) mod stages;

#[cfg(test)]
mod tests;

/// A setting as text, or why it is not known.
pub(super) type Setting = Result<String, String>;

/// The beginning of a text from a configuration, for people.
pub(super) fn brief(text: &str) -> String {
    const MAX: usize = 80;
    match text.char_indices().nth(MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Whether a URL names a user, as whom the client then signs in.
pub(super) fn has_user(url: &str) -> bool {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next();
    authority.is_some_and(|authority| authority.contains('@'))
}
