//! What is compiled in of `checks/`: checks and frameworks as YAML with every line in its place, other data as JSON (`build.rs`).

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The pack: path and text in turn, each with a NUL behind it.
static PACK: LazyLock<String> = LazyLock::new(|| {
    let bytes = zstd::decode_all(include_bytes!(concat!(env!("OUT_DIR"), "/checks.zst")).as_slice());
    bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
});

/// The texts by path.
static FILES: LazyLock<BTreeMap<&'static str, &'static str>> = LazyLock::new(|| {
    let mut parts = PACK.split('\0');
    std::iter::from_fn(|| Some((parts.next()?, parts.next()?))).collect()
});

/// The text of a file, by its path below `checks/`.
pub fn text(path: &str) -> Option<&'static str> {
    FILES.get(path).copied()
}

/// The files below a folder, with their paths, in the order of these.
pub fn files(folder: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES.iter().map(|(path, text)| (*path, *text)).filter(move |(path, _)| {
        path.strip_prefix(folder).is_some_and(|rest| folder.is_empty() || rest.starts_with('/'))
    })
}

/// A part of a file that keeps its lines. The tests read every one of them, too.
///
/// # Panics
/// It does not have the form it must have.
#[expect(clippy::panic, reason = "compiled-in data that every test run reads")]
pub fn yaml<T: serde::de::DeserializeOwned>(path: &str, text: &str) -> T {
    serde_yaml::from_str(text).unwrap_or_else(|error| panic!("checks/{path}: {error}"))
}

/// A data file. The tests read every one of them, so a fault cannot leave the workshop.
///
/// # Panics
/// The file is missing or does not have the form it must have.
#[expect(clippy::panic, reason = "compiled-in data that every test run reads")]
pub fn data<T: serde::de::DeserializeOwned>(path: &str) -> T {
    let text = text(path).unwrap_or_default();
    serde_json::from_str(text).unwrap_or_else(|error| panic!("checks/{path}: {error}"))
}
