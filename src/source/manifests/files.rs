//! Which files are read, and their text.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::error::ManifestError;

/// The largest file that is read.
pub const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// How much is read in total.
pub const MAX_TOTAL_BYTES: u64 = 256 * 1024 * 1024;

/// How many entries of a folder are looked at.
pub const MAX_ENTRIES: usize = 20_000;

/// The name of standard input in evidence.
pub const STDIN: &str = "stdin";

/// A file to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// The name under which it is spoken of: the path as given.
    pub name: String,
    /// Where it is; none is standard input.
    pub path: Option<PathBuf>,
    /// Found in a folder and without a telling extension: it counts only if it turns out to be a manifest.
    pub tentative: bool,
}

/// What was found at the paths given.
#[derive(Debug, Default)]
pub struct Found {
    /// The files, in the order of the paths and within a folder by name.
    pub inputs: Vec<Input>,
    /// Places in folders that were left aside, and why.
    pub left_aside: Vec<(String, String)>,
}

/// The files that paths stand for. A folder stands for the manifests in it and below it.
///
/// # Errors
/// A path does not exist or is neither file nor folder; a folder has no manifests, or too many entries.
pub fn find(paths: &[PathBuf]) -> Result<Found, ManifestError> {
    let mut found = Found::default();
    for path in paths {
        let name = path.display().to_string();
        if path.as_os_str() == "-" {
            if !found.inputs.iter().any(|input| input.path.is_none()) {
                found.inputs.push(Input { name: STDIN.into(), path: None, tentative: false });
            }
            continue;
        }
        let metadata =
            fs::metadata(path).map_err(|source| ManifestError::Read { name: name.clone(), source })?;
        if metadata.is_dir() {
            let before = found.inputs.len();
            let mut entries = 0;
            walk(path, &mut found, &mut entries).map_err(|problem| match problem {
                Problem::TooManyEntries => ManifestError::TooManyEntries { name: name.clone() },
                Problem::Unreadable(source) => ManifestError::Read { name: name.clone(), source },
            })?;
            if found.inputs.len() == before && found.left_aside.is_empty() {
                return Err(ManifestError::NoManifests { name });
            }
        } else if metadata.is_file() {
            found.inputs.push(Input { name, path: Some(path.clone()), tentative: false });
        } else {
            return Err(ManifestError::NotAFile { name });
        }
    }
    Ok(found)
}

enum Problem {
    TooManyEntries,
    Unreadable(io::Error),
}

fn walk(folder: &Path, found: &mut Found, entries: &mut usize) -> Result<(), Problem> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(Problem::Unreadable)? {
        *entries += 1;
        if *entries > MAX_ENTRIES {
            return Err(Problem::TooManyEntries);
        }
        paths.push(entry.map_err(Problem::Unreadable)?.path());
    }
    paths.sort();
    for path in paths {
        // `.git` and the like; also the `..data` of a mounted ConfigMap, whose files are linked from beside it.
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')) {
            continue;
        }
        let name = path.display().to_string();
        let Ok(metadata) = fs::metadata(&path) else {
            if named_as_manifest(&path) == Some(true) {
                found.left_aside.push((name, "a link to nothing that can be read".into()));
            }
            continue;
        };
        if metadata.is_dir() {
            if path.is_symlink() {
                // It may lead back up, or out of what was meant.
                found
                    .left_aside
                    .push((name, "a link to a folder, not followed; give it as a path of its own".into()));
                continue;
            }
            match walk(&path, found, entries) {
                Err(Problem::Unreadable(error)) => {
                    found.left_aside.push((name, format!("could not be read: {error}")));
                }
                other => other?,
            }
        } else if metadata.is_file()
            && let Some(certain) = named_as_manifest(&path)
        {
            found.inputs.push(Input { name, path: Some(path), tentative: !certain });
        }
    }
    Ok(())
}

/// Whether a file is named as a manifest: certainly, or possibly; none if not.
fn named_as_manifest(path: &Path) -> Option<bool> {
    let Some(extension) = path.extension() else { return Some(false) };
    match extension.to_str()? {
        "yaml" | "yml" | "json" => Some(true),
        // kubeadm.conf, and what kops writes for the kubelet.
        "conf" | "manifest" => Some(false),
        _ => None,
    }
}

/// The text of a file. `total` counts the bytes of all of them.
///
/// # Errors
/// It cannot be read, is too large, or is not text.
pub fn load(input: &Input, total: &mut u64) -> Result<String, ManifestError> {
    let name = || input.name.clone();
    let unreadable = |source| ManifestError::Read { name: name(), source };
    let mut bytes = Vec::new();
    match &input.path {
        None => io::stdin().lock().take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?,
        Some(path) => {
            let file = File::open(path).map_err(unreadable)?;
            file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?
        }
    };
    let length = bytes.len() as u64;
    if length > MAX_FILE_BYTES {
        return Err(ManifestError::FileTooLarge { name: name() });
    }
    *total += length;
    if *total > MAX_TOTAL_BYTES {
        return Err(ManifestError::TotalTooLarge { name: name() });
    }
    decode(bytes).map_err(|detail| ManifestError::NotText { name: name(), detail })
}

/// UTF-8, or UTF-16 with a byte order mark, as PowerShell writes what is redirected to a file.
fn decode(bytes: Vec<u8>) -> Result<String, String> {
    let utf16 = |to_unit: fn([u8; 2]) -> u16| {
        let (pairs, rest) = bytes.get(2..).unwrap_or_default().as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().map(|pair| to_unit(*pair)).collect();
        if !rest.is_empty() {
            return Err("UTF-16 that breaks off".to_owned());
        }
        String::from_utf16(&units).map_err(|_| "not valid UTF-16".to_owned())
    };
    let text = match bytes.as_slice() {
        [0xff, 0xfe, ..] => utf16(u16::from_le_bytes)?,
        [0xfe, 0xff, ..] => utf16(u16::from_be_bytes)?,
        _ => String::from_utf8(bytes)
            .map_err(|error| format!("not UTF-8 from byte {} on", error.utf8_error().valid_up_to()))?,
    };
    match text.find('\0') {
        Some(position) => Err(format!("it has a zero byte at position {position}")),
        None => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_utf8_or_marked_utf16() {
        assert_eq!(decode(b"a: b".to_vec()).unwrap(), "a: b");
        let little: Vec<u8> =
            [0xff, 0xfe].into_iter().chain("a: \u{e4}".encode_utf16().flat_map(u16::to_le_bytes)).collect();
        assert_eq!(decode(little).unwrap(), "a: \u{e4}");
        let big: Vec<u8> =
            [0xfe, 0xff].into_iter().chain("a".encode_utf16().flat_map(u16::to_be_bytes)).collect();
        assert_eq!(decode(big).unwrap(), "a");
        for (bytes, expected) in [
            (&b"\x1f\x8b\x08"[..], "not UTF-8 from byte 1"),
            (b"a\0b", "zero byte at position 1"),
            (b"\xff\xfea", "breaks off"),
        ] {
            let error = decode(bytes.to_vec()).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn folders_are_walked_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("b/.git")).unwrap();
        for name in ["c.yaml", "a.json", "b/x.yml", "b/notes.txt", "b/.git/config", "kubeadm", "k.conf"] {
            fs::write(at(name), "a: b").unwrap();
        }
        let found = find(&[folder.path().to_owned()]).unwrap();
        let names: Vec<_> = found
            .inputs
            .iter()
            .map(|input| {
                let path = input.path.as_ref().unwrap().strip_prefix(folder.path()).unwrap();
                (path.display().to_string(), input.tentative)
            })
            .collect();
        let expected =
            [("a.json", false), ("b/x.yml", false), ("c.yaml", false), ("k.conf", true), ("kubeadm", true)];
        assert_eq!(names, expected.map(|(name, tentative)| (name.to_owned(), tentative)));
    }

    #[cfg(unix)]
    #[test]
    fn links_to_folders_and_special_files_do_not_hang() {
        use std::os::unix::fs::symlink;
        use std::os::unix::net::UnixListener;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        symlink(folder.path(), at("loop")).unwrap();
        symlink(at("self.yaml"), at("self.yaml")).unwrap();
        let _socket = UnixListener::bind(at("socket.yaml")).unwrap();
        fs::write(at("real.yaml"), "a: b").unwrap();
        symlink(at("real.yaml"), at("link.yaml")).unwrap();
        let found = find(&[folder.path().to_owned()]).unwrap();
        let names: Vec<_> = found.inputs.iter().map(|input| input.path.clone().unwrap()).collect();
        assert_eq!(names, [at("link.yaml"), at("real.yaml")]);
        assert_eq!(found.left_aside.len(), 2, "{:?}", found.left_aside);
        assert!(matches!(find(&[at("socket.yaml")]), Err(ManifestError::NotAFile { .. })));
        assert!(matches!(find(&[at("missing.yaml")]), Err(ManifestError::Read { .. })));
        assert!(matches!(find(&["/dev/null".into()]), Err(ManifestError::NotAFile { .. })));
    }

    #[test]
    fn a_folder_without_manifests_says_so() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("notes.txt"), "").unwrap();
        assert!(matches!(find(&[folder.path().to_owned()]), Err(ManifestError::NoManifests { .. })));
    }

    #[test]
    fn limits_hold() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("big.yaml");
        let file = File::create(&path).unwrap();
        file.set_len(MAX_FILE_BYTES + 1).unwrap();
        let input = Input { name: "big.yaml".into(), path: Some(path.clone()), tentative: false };
        assert!(matches!(load(&input, &mut 0), Err(ManifestError::FileTooLarge { .. })));
        file.set_len(1).unwrap();
        let mut total = MAX_TOTAL_BYTES;
        assert!(matches!(load(&input, &mut total), Err(ManifestError::TotalTooLarge { .. })));
    }
}
