//! Which configuration file is read, and what one that was only found may not say.
//!
//! A file that is named with `--config` is trusted like the command line. One that is found may belong to a checkout that
//! somebody else wrote: it can change what is judged and accepted, which the report shows, but it makes this program run
//! nothing, write nothing and read nothing outside of the checkout.

use std::path::{Component, Path, PathBuf};
use std::{fs, io};

use super::{Settings, Told};
use crate::check::files::paths_of;

/// The name of the file.
pub const NAME: &str = ".logaudit.yaml";

/// What stands at the root of a repository.
const ROOT: &str = ".git";

/// A configuration file, and whether it was named or only found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The file, as it is shown.
    pub path: PathBuf,
    /// The folder above which it may not reach, if it was only found.
    pub root: Option<PathBuf>,
}

/// The file of a folder: in it, or above it up to the root of the repository. Where there is no repository, only in it.
pub fn find(folder: &Path) -> Option<Source> {
    let root = folder.ancestors().find(|folder| is_there(&folder.join(ROOT))).unwrap_or(folder);
    let mut shown = PathBuf::new();
    for ancestor in folder.ancestors() {
        if is_there(&ancestor.join(NAME)) {
            return Some(Source { path: shown.join(NAME), root: Some(root.to_owned()) });
        }
        if ancestor == root {
            return None;
        }
        shown.push("..");
    }
    None
}

/// Whether something is there, be it a link that leads nowhere. What cannot be told is taken to be there: reading it tells
/// why not, where a gate that somebody has set would else be lost in silence.
fn is_there(path: &Path) -> bool {
    !fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// What a file that was only found says and may not say.
///
/// # Errors
/// The first of it, with its place.
pub fn restrict(settings: &Settings, root: &Path) -> Result<(), String> {
    let named = "; name the file with --config if you trust it";
    if let Some(Told { value, at }) = settings.cloud.as_ref().filter(|told| told.value != "off") {
        return Err(format!(
            "{at}: `cloud: {value}` may run the command-line tool of a provider, which a file that was only found may not{named}"
        ));
    }
    if let Some(Told { at, value }) = &settings.output
        && let Some(output) = value.iter().find(|output| output.contains('='))
    {
        return Err(format!(
            "{at}: `{output}` writes a file, which a file that was only found may not{named}"
        ));
    }
    let root = fs::canonicalize(root).map_err(|error| format!("{}: {error}", root.display()))?;
    for Told { value, at } in settings.checks.iter().chain(&settings.frameworks).chain(&settings.baseline) {
        // What does not exist is told when it is read; its path must not lead out either.
        let inside = match fs::canonicalize(value) {
            Ok(path) => path.starts_with(&root),
            Err(_) => !value.components().any(|part| part == Component::ParentDir) && !value.is_absolute(),
        };
        if !inside {
            return Err(format!(
                "{at}: {} lies outside of {}, and a file that was only found may not name it{named}",
                value.display(),
                root.display()
            ));
        }
    }
    for Told { value, at } in settings.checks.iter().chain(&settings.frameworks) {
        // A folder inside may hold links that lead out.
        if fs::canonicalize(value).is_ok() {
            paths_of(value, "file", Some(&root))
                .map_err(|fault| format!("{at}: {}: {}", fault.file, fault.message))?;
        }
    }
    Ok(())
}
