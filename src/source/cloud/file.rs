//! Saved answers: what a provider's API returned, or what its command-line tool printed, as JSON files.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;
use thiserror::Error;

use super::{Taken, call, recognise, taken};
use crate::analyze::cloud::provider::{contradiction, identity, sign_of};
use crate::snapshot::cloud::{Cloud, CloudAnswer, CloudProvider, CloudSign};
use crate::snapshot::{Note, Reading, Snapshot};

/// The most that is read of one file.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// The most files of one folder.
const MAX_FILES: usize = 500;

/// The `kind` of what [`dump`] writes.
const KIND: &str = "LogauditCloud";

/// Why saved answers could not be read.
#[derive(Debug, Error)]
pub enum FileError {
    /// A file or folder that cannot be opened.
    #[error("cannot read {file}: {what}")]
    Unreadable {
        /// Its path.
        file: String,
        /// What the system says.
        what: String,
    },
    /// A file that holds no JSON.
    #[error("{file} is no JSON: {what}; save answers with --output json, or --format=json of gcloud")]
    NoJson {
        /// Its path.
        file: String,
        /// What is wrong, with line and column.
        what: String,
    },
    /// JSON that is no known answer.
    #[error(
        "{file} is no answer that is known; docs/cloud.md lists the commands whose output is, and how a file with an empty list must be called"
    )]
    NotKnown {
        /// Its path.
        file: String,
    },
    /// Nothing in a folder is an answer.
    #[error("{folder} holds no answer of a provider: no file in it ends in .json and is one")]
    Empty {
        /// Its path.
        folder: String,
    },
    /// Answers of several clusters.
    #[error("the files are of several clusters ({}); name one with --cluster-name, and its place with --region or --resource-group", .names.join("; "))]
    SeveralClusters {
        /// Their names.
        names: Vec<String>,
    },
    /// Answers of another cluster than the one that is looked at.
    #[error("{file} is of another cluster: {found}; give the answers of this one")]
    OtherCluster {
        /// The file.
        file: String,
        /// What is otherwise.
        found: String,
    },
    /// Two different answers to one question.
    #[error("{} and {} answer the same question differently; give the one that holds", .files[0], .files[1])]
    Twice {
        /// The files.
        files: [String; 2],
    },
}

/// Reads saved answers into a snapshot. Folders are read for the files in them that end in `.json`.
///
/// # Errors
/// [`FileError`] for a path that holds nothing that can be used, and for answers of another or of several clusters.
pub fn read(paths: &[PathBuf], snapshot: &mut Snapshot) -> Result<(), FileError> {
    let mut found = Cloud::default();
    for path in paths {
        if std::fs::metadata(path).is_ok_and(|metadata| metadata.is_dir()) {
            read_folder(path, &mut found, snapshot)?;
        } else {
            let name = path.display().to_string();
            let answers = answers(&name, &bytes(path)?)?;
            if answers.is_empty() {
                return Err(FileError::NotKnown { file: name });
            }
            found.answers.extend(answers);
            if path != Path::new("-") {
                snapshot.files.push(name);
            }
        }
    }
    put(found, snapshot)
}

fn read_folder(folder: &Path, found: &mut Cloud, snapshot: &mut Snapshot) -> Result<(), FileError> {
    let name = folder.display().to_string();
    let unreadable =
        |error: &std::io::Error| FileError::Unreadable { file: name.clone(), what: error.to_string() };
    let entries = std::fs::read_dir(folder).map_err(|error| unreadable(&error))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json")));
    files.sort();
    files.truncate(MAX_FILES);
    let before = found.answers.len();
    for path in files {
        let at = path.display().to_string();
        match bytes(&path).and_then(|bytes| answers(&at, &bytes)) {
            Ok(answers) if answers.is_empty() => {
                snapshot.notes.push(Note {
                    at,
                    text: "left aside: it is no answer of a provider that is known".into(),
                });
            }
            Ok(answers) => {
                found.answers.extend(answers);
                snapshot.files.push(at);
            }
            Err(error) => snapshot.notes.push(Note { at, text: format!("left aside: {error}") }),
        }
    }
    if found.answers.len() == before { Err(FileError::Empty { folder: name }) } else { Ok(()) }
}

fn bytes(path: &Path) -> Result<Vec<u8>, FileError> {
    let file = path.display().to_string();
    let unreadable = |what: String| FileError::Unreadable { file: file.clone(), what };
    let mut bytes = Vec::new();
    let limit = MAX_BYTES + 1;
    if path == Path::new("-") {
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes))
    }
    .map_err(|error| unreadable(error.to_string()))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(unreadable(format!("it is larger than {} MiB", MAX_BYTES >> 20)));
    }
    Ok(bytes)
}

/// The answers in the text of a file; none if it holds JSON that is no answer.
///
/// # Errors
/// [`FileError::NoJson`].
pub fn answers(at: &str, bytes: &[u8]) -> Result<Vec<CloudAnswer>, FileError> {
    // PowerShell writes a byte order mark.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let document: Value = serde_json::from_slice(bytes)
        .map_err(|error| FileError::NoJson { file: at.to_owned(), what: error.to_string() })?;
    if document.get("kind").and_then(Value::as_str) == Some(KIND) {
        let saved: Vec<CloudAnswer> = document
            .get("answers")
            .and_then(|answers| serde_json::from_value(answers.clone()).ok())
            .unwrap_or_default();
        return Ok(saved.into_iter().filter(|answer| call(&answer.call).is_some()).collect());
    }
    let mut found = recognise(&document);
    if found.is_empty() {
        found.extend(empty(at, &document));
    }
    let found = found.into_iter().filter_map(|(id, of, value)| {
        let call = call(id)?;
        let reading = Reading::read(taken(call, value));
        Some(CloudAnswer { call: id.to_owned(), of, at: at.to_owned(), reading })
    });
    Ok(found.collect())
}

/// An empty list has no form by which it could be recognised. It is taken for what its file is called:
/// `aks-diagnostic-settings.json`.
fn empty(at: &str, document: &Value) -> Option<Taken> {
    let list = document.get("value").unwrap_or(document);
    let name = Path::new(at).file_stem()?.to_str().filter(|_| list.as_array().is_some_and(Vec::is_empty))?;
    let mut calls = CloudProvider::ALL.into_iter().flat_map(CloudProvider::calls);
    let call = calls.find(|call| call.id.replace('/', "-") == name)?;
    Some((call.id, String::new(), document.clone()))
}

/// Puts answers into a snapshot, in the place of those to the same questions.
///
/// # Errors
/// [`FileError`] for answers of another or of several clusters.
pub fn put(mut found: Cloud, snapshot: &mut Snapshot) -> Result<(), FileError> {
    let known = identity(snapshot);
    let told: Vec<CloudSign> = found.answers.iter().filter_map(sign_of).collect();
    // One of them may be meant by its name alone; where there is but one, nothing of it may be otherwise.
    let is_meant = |sign: &CloudSign| contradiction(&known, sign).is_none();
    let mut meant: Vec<&CloudSign> = told.iter().filter(|sign| is_meant(sign)).collect();
    let place = |sign: &CloudSign| {
        let parts = [&sign.cluster, &sign.location, &sign.account, &sign.group];
        parts.map(|part| part.as_deref().map(str::to_lowercase))
    };
    meant.dedup_by_key(|sign| (sign.provider, place(sign)));
    match (meant.as_slice(), told.first()) {
        ([], Some(first)) => {
            let found = contradiction(&known, first).unwrap_or_default();
            return Err(FileError::OtherCluster { file: first.at.clone(), found });
        }
        ([_, _, ..], _) => {
            let names = meant.iter().map(|sign| {
                let parts = place(sign).into_iter().flatten().collect::<Vec<_>>().join(" ");
                format!("{parts} in {}", sign.at)
            });
            return Err(FileError::SeveralClusters { names: names.collect() });
        }
        _ => {}
    }
    found.answers.retain(|answer| sign_of(answer).is_none_or(|sign| is_meant(&sign)));
    let mut given: Vec<CloudAnswer> = Vec::new();
    for answer in found.answers {
        let same =
            |other: &CloudAnswer| other.call == answer.call && other.of.eq_ignore_ascii_case(&answer.of);
        match given.iter().find(|other| same(other)) {
            Some(other) if other.reading != answer.reading => {
                return Err(FileError::Twice { files: [other.at.clone(), answer.at.clone()] });
            }
            Some(_) => {}
            None => {
                snapshot.cloud.answers.retain(|other| !same(other));
                given.push(answer);
            }
        }
    }
    snapshot.cloud.answers.extend(given);
    Ok(())
}

/// What was read of a provider, as a file that [`read`] takes.
///
/// # Errors
/// The answers do not serialise, which none does.
pub fn dump(snapshot: &Snapshot) -> serde_json::Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(&serde_json::json!({
        "kind": KIND,
        "answers": snapshot.cloud.answers,
    }))?;
    text.push(b'\n');
    Ok(text)
}
