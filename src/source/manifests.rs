//! Files.
use crate::snapshot::{Scope, Snapshot};
/// x
pub fn read_texts(_t: &[(String, String)]) -> Result<Snapshot, String> {
    Ok(Snapshot::empty(Scope::Manifests, "x"))
}
