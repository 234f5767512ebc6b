//! An audit policy as kube-apiserver loads it.
//!
//! The steps are those of `k8s.io/apiserver` `pkg/audit/policy/reader.go` (`LoadPolicyFromBytes`):
//!
//! | step | here |
//! | --- | --- |
//! | the text into values, as YAML or as JSON | `yaml`, `yaml11`, `json` |
//! | `apiVersion` and `kind` decide what it is | `header` |
//! | the strict pass, which only warns: unknown and repeated keys | `decode`, `dropped` |
//! | the lenient pass, which decides: unknown keys are dropped, of a repeated one the last counts | `decode` |
//! | the validation | `validate` |
//! | at least one rule | `validate` |
//!
//! A key that is dropped never narrows anything, so every warning says what the rule covers without it.

mod decode;
mod dropped;
mod header;
mod json;
mod metadata;
mod places;
mod problem;
mod tree;
mod validate;
mod yaml;
mod yaml11;

use std::borrow::Cow;

pub use places::{FieldPlace, Places, ValuePlace};
pub use problem::{Problem, ProblemKind};
pub use tree::At;

use self::problem::Problems;
use self::tree::{Broken, Tree};
use super::AuditPolicy;
use crate::analyze::version::Version;

/// The version of the server that is to load the policy.
pub type ServerVersion = Version;

/// The newest version whose loader was compared with this one.
pub const NEWEST: ServerVersion = Version::new(1, 36);

/// How large a text is read. Policies in use have up to some hundred kilobytes; a ConfigMap holds one mebibyte.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;

/// What became of a text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Loaded {
    /// The policy, if the server would start with it.
    pub policy: Option<AuditPolicy>,
    /// Why it would not.
    pub errors: Vec<Problem>,
    /// What it would drop or replace without refusing the policy. Servers before 1.27 do not even log it.
    pub warnings: Vec<Problem>,
    /// Where everything stands; empty if the text could not be read at all.
    pub places: Places,
    /// What the text is called.
    pub file: String,
}

impl Loaded {
    /// Whether the server would start with the policy.
    pub fn is_valid(&self) -> bool {
        self.policy.is_some()
    }
}

/// What of the format depends on the server's version.
#[derive(Debug, Clone, Copy)]
struct Format {
    /// `group: "*"` is any group; refused before 1.36.
    any_group: bool,
    /// `omitManagedFields`; an unknown key before 1.23.
    managed_fields: bool,
    /// `audit.k8s.io/v1beta1` and `v1alpha1`, removed in 1.24.
    beta: bool,
}

impl Format {
    fn of(server: ServerVersion) -> Self {
        Self {
            any_group: server >= Version::new(1, 36),
            managed_fields: server >= Version::new(1, 23),
            beta: server < Version::new(1, 24),
        }
    }
}

/// Loads a policy as kube-apiserver of a version does. `file` is what the text is called.
pub fn load(text: &[u8], file: &str, server: ServerVersion) -> Loaded {
    let mut loaded = Loaded { file: file.to_owned(), ..Loaded::default() };
    let tree = match read(text) {
        Ok(tree) => tree,
        Err(broken) => {
            let kind = if broken.is_limit { ProblemKind::Limit } else { ProblemKind::Syntax };
            loaded.errors.push(Problem::new(kind, String::new(), broken.at, broken.message));
            return loaded;
        }
    };
    let format = Format::of(server);
    let mut errors = Problems::default();
    if header::check(&tree, format, &mut errors)
        && let Some(root) = tree.root
    {
        let decoded = decode::decode(&tree, root, format);
        errors.extend(decoded.errors);
        loaded.warnings = decoded.warnings.into_list();
        loaded.places = decoded.places;
        // Go stops at values of a wrong type: what could not be decoded cannot be validated.
        if errors.is_empty() {
            loaded.policy = validate::validate(decoded.draft, &loaded.places, format, &mut errors);
        }
    }
    loaded.errors = errors.into_list();
    loaded
}

/// The text as people see it: UTF-16, which the server reads as well, and bytes that are no text are replaced.
pub fn readable(text: &[u8]) -> Cow<'_, str> {
    match utf16(text) {
        Some(units) => {
            Cow::Owned(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
        }
        None => String::from_utf8_lossy(text),
    }
}

fn utf16(text: &[u8]) -> Option<impl Iterator<Item = u16> + '_> {
    let combine = match text {
        [0xFF, 0xFE, ..] => u16::from_le_bytes,
        [0xFE, 0xFF, ..] => u16::from_be_bytes,
        _ => return None,
    };
    Some(text.chunks(2).map(move |pair| match pair {
        [first, second] => combine([*first, *second]),
        // Half a character: no character.
        _ => 0xDC00,
    }))
}

fn read(bytes: &[u8]) -> Result<Tree, Broken> {
    if bytes.len() > MAX_BYTES {
        let message = format!("larger than {} MiB, which is more than this program reads", MAX_BYTES >> 20);
        return Err(Broken { at: At::START, message, is_limit: true });
    }
    let text = readable(bytes);
    // The first bytes of a UTF-16 text are no `{`.
    if json::is_json(&text) {
        return json::read(&text);
    }
    let no_text = match utf16(bytes) {
        Some(units) => {
            let mut length = 0;
            char::decode_utf16(units).find_map(|c| match c {
                Ok(c) => {
                    length += c.len_utf8();
                    None
                }
                Err(_) => Some(length),
            })
        }
        None => std::str::from_utf8(bytes).err().map(|error| error.valid_up_to()),
    };
    let control = text.char_indices().find(|(_, c)| !is_yaml(*c)).map(|(offset, _)| offset);
    let sound = no_text.into_iter().chain(control).min().unwrap_or(text.len());
    yaml::read(&text, sound)
}

/// The characters that a YAML text may hold (go-yaml v2 `readerc.go`).
fn is_yaml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests;
