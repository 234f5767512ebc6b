//! Files that users give: checks and frameworks, alone or by the folder.

use std::path::{Path, PathBuf};

use super::diagnostic::Diagnostic;

/// The largest file of a check or framework that is read.
const MAX_FILE_BYTES: u64 = 256 * 1024;

/// The files of a folder and of those in it, or a single file, each with its name and text, by name. `what` is what each holds.
///
/// # Errors
/// One of them cannot be read or is too large, or there is none.
pub(crate) fn files_of(path: &Path, what: &str) -> Result<Vec<(String, String)>, Diagnostic> {
    let mut files = Vec::new();
    for path in paths_of(path, what, None)? {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(&path)
            .map_err(|error| Diagnostic::of_file(&name, format!("it cannot be read as text: {error}")))?;
        files.push((name, text));
    }
    if files.is_empty() {
        let message = format!("the folder holds no {what}; a {what} is a file that ends in .yaml");
        return Err(Diagnostic::of_file(&path.display().to_string(), message));
    }
    files.sort();
    Ok(files)
}

/// The same files by their paths, which may have to lie under a root.
///
/// # Errors
/// One of them cannot be reached, is too large or lies elsewhere.
pub(crate) fn paths_of(path: &Path, what: &str, root: Option<&Path>) -> Result<Vec<PathBuf>, Diagnostic> {
    let mut files = Vec::new();
    collect(path, what, root, &mut files, 0)?;
    Ok(files)
}

fn collect(
    path: &Path,
    what: &str,
    root: Option<&Path>,
    files: &mut Vec<PathBuf>,
    depth: usize,
) -> Result<(), Diagnostic> {
    let name = path.display().to_string();
    let fail = |message: String| Diagnostic::of_file(&name, message);
    if let Some(root) = root {
        let real =
            std::fs::canonicalize(path).map_err(|error| fail(format!("it cannot be read: {error}")))?;
        if !real.starts_with(root) {
            return Err(fail(format!(
                "it lies outside of {}, where a file that was only found may read nothing; name the file with --config if you trust it",
                root.display()
            )));
        }
    }
    let metadata = std::fs::metadata(path).map_err(|error| fail(format!("it cannot be read: {error}")))?;
    if metadata.is_dir() {
        if depth > 8 {
            return Err(fail("folders are nested more than 8 deep".into()));
        }
        let entries = std::fs::read_dir(path).map_err(|error| fail(format!("it cannot be read: {error}")))?;
        for entry in entries {
            let entry = entry.map_err(|error| fail(format!("it cannot be read: {error}")))?.path();
            let is_yaml =
                entry.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
            if is_yaml || entry.is_dir() {
                collect(&entry, what, root, files, depth + 1)?;
            }
        }
        return Ok(());
    }
    if !metadata.is_file() {
        return Err(fail("it is neither a file nor a folder".into()));
    }
    if metadata.len() > MAX_FILE_BYTES {
        return Err(fail(format!("it is larger than {} KiB, which no {what} is", MAX_FILE_BYTES / 1024)));
    }
    files.push(path.to_owned());
    Ok(())
}
