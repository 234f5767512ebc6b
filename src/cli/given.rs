//! The audit policy that is given as the one that the apiservers load.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};

use crate::analyze::policy::load::{self, Loaded, MAX_BYTES};
use crate::analyze::version::Version;
use crate::snapshot::redact::{basename, redact};
use crate::snapshot::{PolicyOrigin, PolicyText, Snapshot};
use crate::source::manifests::files::STDIN;
use crate::waiver::comment;

/// The last version that reads `audit.k8s.io/v1beta1`.
const LAST_WITH_BETA: Version = Version::new(1, 23);

/// Reads the policy, and refuses one with which no version of kube-apiserver starts. Which version runs is not known yet;
/// what this one says of the policy is told with the facts.
pub(super) fn read(path: &Path) -> anyhow::Result<PolicyText> {
    let name = if path == Path::new("-") { STDIN.to_owned() } else { path.display().to_string() };
    let bytes = bytes(path).with_context(|| format!("cannot read the audit policy {name}"))?;
    if bytes.len() > MAX_BYTES {
        bail!(
            "{name} is larger than {} MiB, which no audit policy is; is this the right file?",
            MAX_BYTES >> 20
        );
    }
    let loaded = load::load(&bytes, &name, load::NEWEST);
    let text = load::readable(&bytes);
    if !loaded.is_valid() && !load::load(&bytes, &name, LAST_WITH_BETA).is_valid() {
        let Loaded { errors, .. } = loaded;
        let errors: Vec<String> = errors.iter().map(|error| error.render(&text, &name)).collect();
        bail!("{}\n{name}: kube-apiserver does not start with this policy", errors.join("\n"));
    }
    Ok(PolicyText {
        name: basename(&name).to_owned(),
        at: name,
        line: 1,
        origin: PolicyOrigin::Given,
        paths: Vec::new(),
        inside: None,
        config_map: None,
        text: text.into_owned(),
    })
}

/// Puts the policy into a snapshot, in the place of one that was given when it was saved.
pub(super) fn put(policy: PolicyText, snapshot: &mut Snapshot) {
    for other in snapshot.policies.extract_if(.., |other| other.origin == PolicyOrigin::Given) {
        snapshot.waivers.retain(|waiver| waiver.file != other.at);
    }
    snapshot.waivers.extend(comment::comments(&policy.at, &policy.text));
    if policy.at != STDIN {
        snapshot.files.push(policy.at.clone());
    }
    snapshot.policies.push(policy);
    redact(snapshot);
}

fn bytes(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more than is read: enough to tell that it is too large.
    let limit = MAX_BYTES as u64 + 1;
    if path == Path::new("-") {
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    if std::fs::metadata(path)?.is_dir() {
        bail!("it is a folder; give the file in it");
    }
    std::fs::File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}
