//! The metadata of a policy. They mean nothing to it, but the server does not start if it cannot decode them
//! (`k8s.io/apimachinery` `pkg/apis/meta/v1`, `ObjectMeta`).

use jiff::Timestamp;

use super::decode::{Decoder, Path};
use super::places::ValuePlace;
use super::problem::{Problem, ProblemKind};
use super::tree::Value;

#[derive(Clone, Copy)]
enum Type {
    Text,
    Flag,
    Integer,
    Time,
    TextMap,
    Texts,
    Objects(&'static [(&'static str, Type)]),
    Anything,
}

const OBJECT_META: &[(&str, Type)] = &[
    ("name", Type::Text),
    ("generateName", Type::Text),
    ("namespace", Type::Text),
    ("selfLink", Type::Text),
    ("uid", Type::Text),
    ("resourceVersion", Type::Text),
    ("generation", Type::Integer),
    ("creationTimestamp", Type::Time),
    ("deletionTimestamp", Type::Time),
    ("deletionGracePeriodSeconds", Type::Integer),
    ("labels", Type::TextMap),
    ("annotations", Type::TextMap),
    ("ownerReferences", Type::Objects(OWNER)),
    ("finalizers", Type::Texts),
    ("managedFields", Type::Objects(MANAGED)),
];

const OWNER: &[(&str, Type)] = &[
    ("apiVersion", Type::Text),
    ("kind", Type::Text),
    ("name", Type::Text),
    ("uid", Type::Text),
    ("controller", Type::Flag),
    ("blockOwnerDeletion", Type::Flag),
];

const MANAGED: &[(&str, Type)] = &[
    ("manager", Type::Text),
    ("operation", Type::Text),
    ("apiVersion", Type::Text),
    ("time", Type::Time),
    ("fieldsType", Type::Text),
    ("fieldsV1", Type::Anything),
    ("subresource", Type::Text),
];

/// Decodes metadata for the sake of what is wrong in them.
pub(super) fn check(decoder: &mut Decoder<'_>, id: usize, path: &Path<'_>) {
    object(decoder, id, path, OBJECT_META);
}

fn object(decoder: &mut Decoder<'_>, id: usize, path: &Path<'_>, fields: &[(&str, Type)]) {
    let Some(map) = decoder.map(id, path, "a mapping") else { return };
    for entry in &map.entries {
        let path = path.field(&entry.key);
        if let Some((_, kind)) = fields.iter().find(|(name, _)| *name == entry.key) {
            value(decoder, entry.value.id, &path, *kind);
        } else {
            decoder.warnings.add(|| {
                let message = "unknown field: it is dropped, which changes nothing";
                Problem::new(ProblemKind::UnknownField, path.to_string(), entry.at, message)
            });
        }
    }
    decoder.repeated(map, Some(path));
}

fn value(decoder: &mut Decoder<'_>, id: usize, path: &Path<'_>, kind: Type) {
    match (kind, &decoder.tree.node(id).value) {
        (_, Value::Null) | (Type::Anything, _) => {}
        (Type::Text, _) => decoder.text(id, path, &mut String::new()),
        (Type::Flag, _) => {
            decoder.flag(id, path);
        }
        (Type::Integer, Value::Number { integer: true, .. }) => {}
        (Type::Integer, _) => decoder.wrong(id, path, "a whole number"),
        (Type::Time, Value::Text(text)) => {
            if !is_time(text) {
                decoder.refuse(id, path, "no time: write it as 2006-01-02T15:04:05Z");
            }
        }
        (Type::Time, _) => decoder.wrong(id, path, "text"),
        (Type::Texts, _) => {
            decoder.texts(id, path, "texts", &mut Vec::new());
        }
        (Type::TextMap, _) => {
            let Some(map) = decoder.map(id, path, "a mapping of texts") else { return };
            for entry in &map.entries {
                decoder.text(entry.value.id, &path.field(&entry.key), &mut String::new());
            }
            decoder.repeated(map, Some(path));
        }
        (Type::Objects(fields), _) => {
            decoder.list(id, path, "mappings", &mut Vec::<()>::new(), |decoder, id, path, ()| {
                object(decoder, id, path, fields);
                ValuePlace::default()
            });
        }
    }
}

/// Go's `time.RFC3339`: `T` and `Z` in capitals, no second left out.
fn is_time(text: &str) -> bool {
    let shape = |(index, byte): (usize, u8)| match index {
        4 | 7 => byte == b'-',
        10 => byte == b'T',
        13 | 16 => byte == b':',
        0..19 => byte.is_ascii_digit(),
        _ => byte.is_ascii_digit() || matches!(byte, b'.' | b',' | b'+' | b'-' | b':' | b'Z'),
    };
    text.len() >= 20 && text.bytes().enumerate().all(shape) && text.parse::<Timestamp>().is_ok()
}
