//! What a document says it is.
//!
//! `k8s.io/apimachinery` looks `apiVersion` and `kind` up with Go's own JSON decoder, which ignores case, before the
//! rest is decoded by one that does not (`pkg/runtime/serializer/json/meta.go`): `APIVersion: audit.k8s.io/v1` counts. A
//! missing kind becomes that of the object asked for, a missing version the internal one, which the policy reader
//! refuses.

use super::Format;
use super::problem::{Problem, ProblemKind, Problems};
use super::tree::{At, Entry, Map, Tree, Value};

const CURRENT: &str = "audit.k8s.io/v1";
const REMOVED: [&str; 2] = ["audit.k8s.io/v1beta1", "audit.k8s.io/v1alpha1"];

/// Whether the document is a policy that the server reads.
pub(super) fn check(tree: &Tree, format: Format, errors: &mut Problems) -> bool {
    let version = |field: &str, at: At, message: String| {
        Problem::new(ProblemKind::Version, field.to_owned(), at, message)
    };
    let empty = Map::default();
    let (at, map) = match tree.root.map(|root| tree.node(root)) {
        None => (At::START, &empty),
        Some(node) => match &node.value {
            Value::Null => (node.at, &empty),
            Value::Map(map) => (node.at, map),
            other => {
                errors.add(|| {
                    let message = format!("the document is {}, not a policy", other.kind());
                    Problem::new(ProblemKind::Type, String::new(), node.at, message)
                });
                return false;
            }
        },
    };
    if map.entries.is_empty() {
        errors.add(|| {
            let message = format!(
                "no policy here: the first document is empty; it must begin with `apiVersion: {CURRENT}` and `kind: Policy`"
            );
            version("", at, message)
        });
        return false;
    }
    let (api_version, version_at) = look_up(tree, map, "apiVersion", errors).unwrap_or(("", at));
    let (kind, kind_at) = look_up(tree, map, "kind", errors).unwrap_or(("", at));
    if !errors.is_empty() {
        return false;
    }
    let version_read = api_version == CURRENT || (format.beta && REMOVED.contains(&api_version));
    if !version_read {
        errors.add(|| {
            let message = if api_version.is_empty() {
                format!("missing: without `apiVersion: {CURRENT}` the server takes the file for no policy")
            } else if REMOVED.contains(&api_version) {
                format!("`{api_version}` was removed in Kubernetes 1.24: write `{CURRENT}`; the fields are the same")
            } else {
                format!("`{api_version}` holds no audit policies: write `{CURRENT}`")
            };
            version("apiVersion", version_at, message)
        });
    }
    let kind_read = matches!(kind, "" | "Policy");
    if !kind_read {
        errors.add(|| {
            let message = format!("`{kind}` is not what the server asks for: write `kind: Policy`");
            version("kind", kind_at, message)
        });
    }
    version_read && kind_read
}

/// The text of a field whatever the case of its key. If it is something else, that is an error.
fn look_up<'t>(tree: &'t Tree, map: &'t Map, field: &str, errors: &mut Problems) -> Option<(&'t str, At)> {
    let mut entries: Vec<&Entry> = map.entries.iter().filter(|entry| is_same(&entry.key, field)).collect();
    if !tree.json {
        // On the way into JSON the keys are sorted.
        entries.sort_by(|one, other| one.key.cmp(&other.key));
    }
    let mut found = None;
    for entry in entries {
        let node = tree.node(entry.value.id);
        match &node.value {
            Value::Null => {}
            Value::Text(text) => found = Some((text.as_str(), node.at)),
            other => {
                errors.add(|| {
                    let message = format!("{}, but must be text", other.kind());
                    Problem::new(ProblemKind::Type, entry.key.clone(), node.at, message)
                });
                return None;
            }
        }
    }
    found
}

/// Go's `encoding/json` folds two letters beyond ASCII: the long s and the Kelvin sign.
fn is_same(key: &str, field: &str) -> bool {
    let fold = |c: char| match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    key.chars().map(fold).eq(field.chars().map(fold))
}
