//! What stops the reading of files.

use std::io;

use thiserror::Error;

use super::files::{MAX_ENTRIES, MAX_FILE_BYTES, MAX_TOTAL_BYTES};

const MIB: u64 = 1024 * 1024;

/// Why files could not be read.
#[derive(Debug, Error)]
pub enum ManifestError {
    /// No input was named.
    #[error("no file was given; give files, folders, or `-` for standard input")]
    NoInput,
    /// The system refused.
    #[error("could not read `{name}`: {source}; check the path and its permissions")]
    Read {
        /// The file or folder.
        name: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A pipe, a device or a socket: opening it may never return.
    #[error(
        "`{name}` is neither a file nor a folder; to read from a pipe, give `-` and redirect it to standard input"
    )]
    NotAFile {
        /// The path.
        name: String,
    },
    /// Larger than [`MAX_FILE_BYTES`].
    #[error(
        "`{name}` is larger than {} MiB; give only what the control plane consists of, for example `kubectl get pods,configmaps -n kube-system -o yaml`",
        MAX_FILE_BYTES / MIB
    )]
    FileTooLarge {
        /// The file.
        name: String,
    },
    /// All together larger than [`MAX_TOTAL_BYTES`].
    #[error(
        "the files are larger than {} MiB in total (reached at `{name}`); give only what the control plane consists of",
        MAX_TOTAL_BYTES / MIB
    )]
    TotalTooLarge {
        /// The file with which the limit was passed.
        name: String,
    },
    /// A folder with more than [`MAX_ENTRIES`] entries below it.
    #[error(
        "`{name}` has more than {MAX_ENTRIES} entries; give the folder that holds the manifests, or the files by name"
    )]
    TooManyEntries {
        /// The folder.
        name: String,
    },
    /// Binary, or in another encoding.
    #[error("`{name}` is not text ({detail}); give YAML or JSON in UTF-8")]
    NotText {
        /// The file.
        name: String,
        /// Where it stops being text.
        detail: String,
    },
    /// Nothing but white space and comments.
    #[error("`{name}` is empty; give a file with manifests in it")]
    Empty {
        /// The file.
        name: String,
    },
    /// Text that is no YAML or JSON.
    #[error("{at}: {message}; correct it there, or give another file")]
    Syntax {
        /// File, line and column.
        at: String,
        /// What is wrong there.
        message: String,
    },
    /// A configuration of a collector, in a language of its own.
    #[error(
        "`{name}` is the configuration of a collector, not a manifest; give the manifests with -f, and this with --config-for NAMESPACE/WORKLOAD={name}"
    )]
    Configuration {
        /// The file.
        name: String,
    },
    /// What `kubectl logaudit snapshot` wrote.
    #[error("`{name}` is a snapshot, not a manifest; audit it with --snapshot {name}")]
    Snapshot {
        /// The file.
        name: String,
    },
    /// A folder without manifests.
    #[error("`{name}` holds no manifests; give a folder with .yaml, .yml or .json files in it")]
    NoManifests {
        /// The folder.
        name: String,
    },
    /// Several inputs, none of which could be read.
    #[error("none of {count} files could be read; the first: {first}")]
    NothingReadable {
        /// How many.
        count: usize,
        /// What is wrong with the first.
        #[source]
        first: Box<ManifestError>,
    },
}

impl ManifestError {
    /// Where the fault lies and what it is, for a note about a file that is left aside.
    pub(super) fn note(&self) -> (String, String) {
        match self {
            Self::Syntax { at, message } => (at.clone(), message.clone()),
            Self::Read { name, source } => (name.clone(), format!("could not be read: {source}")),
            Self::NotText { name, detail } => (name.clone(), format!("not text ({detail})")),
            Self::FileTooLarge { name } => {
                (name.clone(), format!("larger than {} MiB", MAX_FILE_BYTES / MIB))
            }
            Self::Empty { name } => (name.clone(), "empty".to_owned()),
            Self::NotAFile { name } => (name.clone(), "neither a file nor a folder".to_owned()),
            Self::TotalTooLarge { name } | Self::TooManyEntries { name } | Self::NoManifests { name } => {
                (name.clone(), self.to_string())
            }
            Self::Configuration { name } => (
                name.clone(),
                format!(
                    "the configuration of a collector; give it with --config-for NAMESPACE/WORKLOAD={name}"
                ),
            ),
            Self::Snapshot { name } => (name.clone(), format!("a snapshot; audit it with --snapshot {name}")),
            Self::NoInput | Self::NothingReadable { .. } => (String::new(), self.to_string()),
        }
    }
}
