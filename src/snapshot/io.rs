//! Reading and writing snapshot files.

use std::borrow::Cow;
use std::io::Read;

use thiserror::Error;

use super::model::Snapshot;
use super::redact::redact;

/// The largest snapshot that is read, decompressed: far above what a cluster of 5,000 nodes gives.
pub const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// The first bytes of a zstd frame (RFC 8878, section 3.1.1).
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Why a snapshot could not be read or written.
#[derive(Debug, Error)]
pub enum SnapshotError {
    /// The compressed stream is damaged.
    #[error("the zstd stream is damaged or cut off ({0}); save it again")]
    Compression(std::io::Error),
    /// It is larger than [`MAX_BYTES`].
    #[error("it is larger than {} MiB, which is more than this program writes; is this the right file?", MAX_BYTES / (1024 * 1024))]
    TooLarge,
    /// It is JSON of another kind or none at all.
    #[error(
        "it is not a logaudit snapshot: {0}; `kubectl logaudit snapshot` writes one, and `-f` reads manifests"
    )]
    NotASnapshot(String),
    /// It was written by another version.
    #[error(
        "it has schema version {found}, and this program reads version {}; use the program that wrote it ({tool}) or save it again",
        super::SCHEMA_VERSION
    )]
    Version {
        /// The version in the file.
        found: u64,
        /// The program version in the file.
        tool: String,
    },
    /// It says that it is a snapshot but not of which version.
    #[error("it has no schemaVersion, which every snapshot has; save it again")]
    NoVersion,
    /// It says that it is a snapshot but does not follow the format.
    #[error("it does not follow the snapshot format: {0}")]
    Format(serde_json::Error),
}

/// Reads a snapshot from the bytes of a file, plain or compressed, and applies the redaction rules to it.
///
/// # Errors
/// [`SnapshotError`] says what is wrong with the bytes.
pub fn from_bytes(bytes: &[u8]) -> Result<Snapshot, SnapshotError> {
    let json = &*plain(bytes)?;
    let header: Header =
        serde_json::from_slice(json).map_err(|e| SnapshotError::NotASnapshot(e.to_string()))?;
    if header.kind.as_deref() != Some(super::KIND) {
        let found = header.kind.unwrap_or_else(|| "without a kind".into());
        return Err(SnapshotError::NotASnapshot(format!("it is {found}")));
    }
    match header.schema_version {
        Some(version) if version == u64::from(super::SCHEMA_VERSION) => {}
        None => return Err(SnapshotError::NoVersion),
        Some(found) => {
            return Err(SnapshotError::Version {
                found,
                tool: header.tool_version.unwrap_or_else(|| "unknown".into()),
            });
        }
    }
    let mut snapshot: Snapshot = serde_json::from_slice(json).map_err(SnapshotError::Format)?;
    redact(&mut snapshot);
    Ok(snapshot)
}

/// Whether the bytes of a file say that they are a snapshot.
pub fn is_snapshot(bytes: &[u8]) -> bool {
    let header = plain(bytes).ok().and_then(|json| serde_json::from_slice::<Header>(&json).ok());
    header.is_some_and(|header| header.kind.as_deref() == Some(super::KIND))
}

/// The bytes of a file, decompressed if they are compressed.
///
/// # Errors
/// The stream is damaged, or there is too much.
pub fn plain(bytes: &[u8]) -> Result<Cow<'_, [u8]>, SnapshotError> {
    let json = if bytes.starts_with(&ZSTD_MAGIC) { decompress(bytes)?.into() } else { Cow::Borrowed(bytes) };
    if json.len() as u64 > MAX_BYTES { Err(SnapshotError::TooLarge) } else { Ok(json) }
}

/// The bytes of a snapshot file.
///
/// # Errors
/// [`SnapshotError::Compression`] or [`SnapshotError::Format`] if the encoder fails.
pub fn to_bytes(snapshot: &Snapshot, compress: bool) -> Result<Vec<u8>, SnapshotError> {
    let mut json = serde_json::to_vec_pretty(snapshot).map_err(SnapshotError::Format)?;
    json.push(b'\n');
    if compress { zstd::encode_all(json.as_slice(), 9).map_err(SnapshotError::Compression) } else { Ok(json) }
}

fn decompress(bytes: &[u8]) -> Result<Vec<u8>, SnapshotError> {
    let decoder = zstd::Decoder::new(bytes).map_err(SnapshotError::Compression)?;
    let mut json = Vec::new();
    decoder.take(MAX_BYTES + 1).read_to_end(&mut json).map_err(SnapshotError::Compression)?;
    if json.len() as u64 > MAX_BYTES { Err(SnapshotError::TooLarge) } else { Ok(json) }
}

/// Read first, so that a file of another kind or version gets a message about that and not about a field.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    kind: Option<String>,
    schema_version: Option<u64>,
    tool_version: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Scope;

    #[test]
    fn what_is_written_is_read_again() {
        let snapshot = Snapshot::empty(Scope::Cluster, "c");
        for compress in [false, true] {
            assert_eq!(from_bytes(&to_bytes(&snapshot, compress).unwrap()).unwrap(), snapshot);
        }
    }

    #[test]
    fn snapshots_from_before_policies_were_read_still_load() {
        let mut value = serde_json::to_value(Snapshot::empty(Scope::Cluster, "c")).unwrap();
        let fields = value.as_object_mut().unwrap();
        assert!(fields.remove("apis").is_some() && !fields.contains_key("policies"));
        let mount = serde_json::json!({"path": "/a", "medium": "api-object", "at": "x"});
        let container = serde_json::json!({"index": 0, "name": "kube-apiserver", "mounts": [mount]});
        fields["pods"] = serde_json::json!({"state": "read", "value": [{"name": "p", "at": "x", "containers": [container]}]});
        let snapshot = from_bytes(value.to_string().as_bytes()).unwrap();
        assert_eq!(snapshot.apis, Snapshot::empty(Scope::Cluster, "c").apis);
        assert!(snapshot.gaps().is_empty());
    }

    #[test]
    fn what_is_no_snapshot_says_so() {
        for (bytes, expected) in [
            (&b""[..], "not a logaudit snapshot"),
            (b"apiVersion: v1\nkind: Pod\n", "not a logaudit snapshot"),
            (b"{\"kind\":\"List\"}", "it is List"),
            (
                b"{\"kind\":\"LogauditSnapshot\",\"schemaVersion\":99,\"toolVersion\":\"9.0.0\"}",
                "schema version 99",
            ),
            (b"{\"kind\":\"LogauditSnapshot\",\"schemaVersion\":1}", "missing field"),
            (b"\x28\xb5\x2f\xfdgarbage", "zstd stream is damaged"),
        ] {
            let error = from_bytes(bytes).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
