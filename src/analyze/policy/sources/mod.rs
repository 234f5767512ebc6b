//! Which audit policy each apiserver loads, as far as that is certain.
//!
//! A flag names a file; the snapshot holds texts. A text belongs to a server only if it was given for it, if the file comes
//! from the ConfigMap that holds the text, if the server's configuration writes the text to that path, or, among files,
//! if one policy alone is called what the flag's file is called. Whatever else the two have in common proves nothing.

mod file;

use std::collections::BTreeSet;

use self::file::{Backing, File};
use super::load::{NEWEST, load};
use crate::analyze::apiserver::instances::{Instance, Instances, instances};
use crate::analyze::fact::{Fact, Known};
use crate::analyze::version::Version;
use crate::snapshot::redact::basename;
use crate::snapshot::{ConfigMapKey, PolicyOrigin, PolicyText, Scope, Snapshot};
use crate::verdict::{Evidence, Rank};

/// The flag that names the policy.
const FLAG: &str = "audit-policy-file";

/// The name of the situation in which there is no policy.
const NO_POLICY: &str = "no audit policy";

/// How a person settles what cannot be told.
const GIVE_COPY: &str = "give a copy with --policy-file FILE";

/// What one or more apiservers load.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerPolicy {
    /// What to call it: the file or the ConfigMap.
    pub name: String,
    /// Where the policy stands, or what names it.
    pub at: String,
    /// The names of the apiservers. None if the policy was given or found without any.
    pub servers: Vec<String>,
    /// The lowest version among these servers, which decides what the policy may hold.
    pub version: Option<Version>,
    /// What is known of it.
    pub state: PolicyState,
}

/// What is known of the policy of an apiserver.
#[derive(Debug, Clone, PartialEq)]
pub enum PolicyState {
    /// `--audit-policy-file` is not set or empty: nothing is recorded.
    Unset {
        /// What shows it.
        evidence: Vec<Evidence>,
    },
    /// Its text is known.
    Text {
        /// Which of the snapshot's policies.
        text: usize,
        /// How direct the evidence is that this is the text.
        rank: Rank,
        /// What shows it.
        evidence: Vec<Evidence>,
    },
    /// It is not known: why, and what would tell.
    Unknown(String),
}

/// What the apiservers of a snapshot load, one entry for each distinct situation.
pub fn of_servers(snapshot: &Snapshot, instances: &Instances) -> Vec<ServerPolicy> {
    let mut entries: Vec<ServerPolicy> = Vec::new();
    for instance in &instances.list {
        add(&mut entries, of_server(snapshot, instances, instance));
    }
    let cluster_version = snapshot.version.value().and_then(|text| Version::parse(text));
    let alone = |index: usize, policy: &PolicyText, detail: &str| ServerPolicy {
        name: policy.name.clone(),
        at: policy.at.clone(),
        servers: Vec::new(),
        version: cluster_version,
        state: PolicyState::Text {
            text: index,
            rank: Rank::Configured,
            evidence: vec![Evidence { at: policy.at.clone(), detail: detail.to_owned() }],
        },
    };
    if let Some((index, given)) = given(snapshot) {
        // Where every server is known to load none, or it is known whose it is, there is nothing more to say of it.
        let is_told = entries.iter().any(|entry| is_text(entry, index));
        let all_unset = !entries.is_empty()
            && entries.iter().all(|entry| matches!(entry.state, PolicyState::Unset { .. }));
        if !is_told && !all_unset {
            entries.push(alone(
                index,
                given,
                "given with --policy-file; no apiserver that has a policy set is visible",
            ));
        }
    } else if instances.list.is_empty() && snapshot.scope == Scope::Manifests {
        let found = snapshot.policies.iter().enumerate();
        entries
            .extend(found.map(|(index, policy)| alone(index, policy, "the input shows no kube-apiserver")));
    }
    entries
}

/// The ConfigMaps that the apiservers of a snapshot read their policies from.
pub fn config_maps(snapshot: &Snapshot) -> Vec<ConfigMapKey> {
    let mut wanted = BTreeSet::new();
    for instance in &instances(snapshot).list {
        // The value of a variable goes nowhere, also not to the server.
        let path = instance.flags.shown_text(FLAG);
        if let Some(path) = path.value().filter(|path| !path.is_empty())
            && let Backing::ConfigMap(key) = File::of(instance, path).backing
        {
            wanted.insert(key);
        }
    }
    wanted.into_iter().collect()
}

/// The policy that was given for all apiservers.
fn given(snapshot: &Snapshot) -> Option<(usize, &PolicyText)> {
    snapshot.policies.iter().enumerate().find(|(_, policy)| policy.origin == PolicyOrigin::Given)
}

fn is_text(entry: &ServerPolicy, index: usize) -> bool {
    matches!(entry.state, PolicyState::Text { text, .. } if text == index)
}

/// Adds an entry, to one about the same situation if there is one.
fn add(entries: &mut Vec<ServerPolicy>, entry: ServerPolicy) {
    let same = entries.iter_mut().find(|other| match (&other.state, &entry.state) {
        (PolicyState::Unset { .. }, PolicyState::Unset { .. }) => true,
        (PolicyState::Text { text, .. }, PolicyState::Text { text: same, .. }) => {
            // Versions that read a policy in other ways are judged apart.
            text == same && other.version.map(reading) == entry.version.map(reading)
        }
        (PolicyState::Unknown(reason), PolicyState::Unknown(other)) => reason == other,
        _ => false,
    });
    let Some(same) = same else { return entries.push(entry) };
    same.servers.extend(entry.servers);
    same.version = match (same.version, entry.version) {
        (Some(one), Some(other)) => Some(one.min(other)),
        // One that is not known may be lower than any.
        _ => None,
    };
    if let (
        PolicyState::Unset { evidence } | PolicyState::Text { evidence, .. },
        PolicyState::Unset { evidence: more } | PolicyState::Text { evidence: more, .. },
    ) = (&mut same.state, entry.state)
    {
        for item in more {
            if !evidence.contains(&item) {
                evidence.push(item);
            }
        }
    }
}

/// What of a policy's form depends on the version that loads it: beta versions, managed fields, the group `*`.
fn reading(version: Version) -> [bool; 3] {
    [Version::new(1, 24), Version::new(1, 23), Version::new(1, 36)].map(|since| version >= since)
}

fn of_server(snapshot: &Snapshot, instances: &Instances, instance: &Instance) -> ServerPolicy {
    let path = instance.flags.text(FLAG);
    let shown = instance.flags.shown_text(FLAG);
    let shown = shown.value().filter(|path| !path.is_empty());
    let flag_at = match &path {
        Fact::Known(Known { evidence, .. }) => evidence.first().map(|evidence| evidence.at.clone()),
        Fact::Unknown(_) => instance.flags.primary().map(|source| source.at.clone()),
    };
    let mut entry = ServerPolicy {
        name: shown.map_or_else(|| "unknown".to_owned(), |path| basename(path).to_owned()),
        at: flag_at.unwrap_or_else(|| instance.name.clone()),
        servers: vec![instance.name.clone()],
        version: instance.flags.version,
        state: PolicyState::Unknown(String::new()),
    };
    let Known { value: path, rank, mut evidence } = match path {
        Fact::Known(known) => known,
        Fact::Unknown(unknown) => {
            entry.state = PolicyState::Unknown(unknown.reason);
            return entry;
        }
    };
    if path.is_empty() {
        NO_POLICY.clone_into(&mut entry.name);
        entry.state = PolicyState::Unset { evidence };
        return entry;
    }
    // A path that comes from a variable is not shown.
    let written =
        shown.map_or_else(|| format!("the file of --{FLAG}"), |path| format!("the policy file {path}"));
    entry.state = match find(snapshot, instances, instance, &path, &written, shown.is_none()) {
        Ok((text, detail)) => {
            if let Some(policy) = snapshot.policies.get(text) {
                entry.name.clone_from(&policy.name);
                entry.at.clone_from(&policy.at);
                evidence.push(Evidence { at: policy.at.clone(), detail });
            }
            PolicyState::Text { text, rank: rank.min(Rank::Configured), evidence }
        }
        Err(reason) if instance.rke2 => PolicyState::Unknown(format!(
            "{reason}; where that file is missing, RKE2 writes one that records nothing"
        )),
        Err(reason) => PolicyState::Unknown(reason),
    };
    entry
}

/// The text that is in the file, and why it is certain; or why it is not known. `written` is the file in words.
fn find(
    snapshot: &Snapshot,
    instances: &Instances,
    instance: &Instance,
    path: &str,
    written: &str,
    is_hidden: bool,
) -> Result<(usize, String), String> {
    let file = File::of(instance, path);
    if let Some((index, policy)) = given(snapshot) {
        // What the cluster itself holds is not overruled in silence.
        if let Backing::ConfigMap(key) = &file.backing
            && let Ok((held, _)) = in_config_map(snapshot, key, written)
            && snapshot.policies.get(held).is_some_and(|held| !is_same_policy(held, policy))
        {
            return Err(format!(
                "{written} comes from the {}, and that holds another policy than the one given with --policy-file",
                key.object()
            ));
        }
        return Ok((index, "given with --policy-file as the policy of the apiservers".into()));
    }
    match file.backing {
        Backing::ConfigMap(key) if is_hidden => {
            let object = key.object();
            return Err(format!(
                "{written} comes from the {object} by a variable, which is not shown; {GIVE_COPY}"
            ));
        }
        Backing::ConfigMap(key) => return in_config_map(snapshot, &key, written),
        Backing::Node => {}
        Backing::Secret(name) => {
            return Err(format!(
                "{written} comes from the Secret {name}, and Secrets are never read; {GIVE_COPY}"
            ));
        }
        Backing::Other(kind) => {
            return Err(format!("{written} lies in {kind}, which cannot be read; {GIVE_COPY}"));
        }
    }
    if snapshot.scope == Scope::Cluster {
        return Err(format!(
            "{written} lies on the control plane nodes and cannot be read through the API; {GIVE_COPY}"
        ));
    }
    among_files(snapshot, instances, instance, &file, written)
}

fn in_config_map(snapshot: &Snapshot, key: &ConfigMapKey, written: &str) -> Result<(usize, String), String> {
    let object = key.object();
    let held: Vec<usize> =
        indices(snapshot, |policy| policy.config_map.as_ref().is_some_and(|held| held.is(key)));
    match held.as_slice() {
        [index] => {
            return Ok((*index, format!("{written} is its key `{}`, mounted from the {object}", key.key)));
        }
        [] => {}
        _ => {
            return Err(format!(
                "{written} comes from the {object}, of which the input holds several; give only one of them, or {GIVE_COPY}"
            ));
        }
    }
    let unread = snapshot.policies_unread.iter().find(|unread| unread.config_map.is(key));
    Err(match unread {
        Some(unread) => format!("{written} comes from the {object}: {}; or {GIVE_COPY}", unread.gap),
        None if snapshot.scope == Scope::Manifests => format!(
            "{written} comes from the {object}, whose key `{}` the input does not hold; add it with -f, or {GIVE_COPY}",
            key.key
        ),
        None => format!("{written} comes from the {object}, which was not read; {GIVE_COPY}"),
    })
}

/// Looks for the file among those of the input.
fn among_files(
    snapshot: &Snapshot,
    instances: &Instances,
    instance: &Instance,
    file: &File,
    written: &str,
) -> Result<(usize, String), String> {
    let declares = |instance: &Instance, policy: &PolicyText| {
        policy.inside.as_deref().is_some_and(|at| instance.flags.sources.iter().any(|source| source.at == at))
    };
    let known_as = |policy: &PolicyText| policy.paths.iter().any(|path| file.is_at(path));
    let own = indices(snapshot, |policy| known_as(policy) && declares(instance, policy));
    // What is written into the declaration of another apiserver is that one's.
    let is_free = |policy: &PolicyText| !instances.list.iter().any(|other| declares(other, policy));
    let others = indices(snapshot, |policy| known_as(policy) && is_free(policy));
    let found = if own.is_empty() { others } else { own };
    match one_text(snapshot, &found) {
        Some(index) => return Ok((index, format!("the input writes {written}"))),
        None if !found.is_empty() => {
            return Err(format!(
                "several policies in the input are to be {written}: {}; tell which with --policy-file FILE",
                named(snapshot, &found)
            ));
        }
        None => {}
    }
    let name = file.name();
    let mut alike =
        indices(snapshot, |policy| policy.paths.iter().any(|path| !path.contains('/') && path == name));
    if alike.len() > 1 {
        // Of several, one may also lie in the folders that a kind configuration names.
        let nearer =
            indices(snapshot, |policy| policy.origin == PolicyOrigin::Manifest && file.ends(&policy.at));
        if nearer.len() == 1 {
            alike = nearer;
        }
    }
    match alike.as_slice() {
        [index] if lies_beside_another(snapshot, instances, instance, *index) => Err(format!(
            "the only policy in the input with the name of {written} ({}) lies beside the manifest of another apiserver, and this one's own copy is not in the input; {GIVE_COPY}",
            named(snapshot, &[*index])
        )),
        [index] => Ok((*index, format!("the only policy in the input with the name of {written}"))),
        [] if snapshot.policies.is_empty() => {
            Err(format!("the input does not hold {written}; add it with -f, or {GIVE_COPY}"))
        }
        [] => Err(format!(
            "the input does not say whether {written} is one of its policies ({}); tell which with --policy-file FILE",
            named(snapshot, &indices(snapshot, |_| true))
        )),
        several => Err(format!(
            "the input holds several policies with the name of {written} ({}); tell which with --policy-file FILE",
            named(snapshot, several)
        )),
    }
}

/// Whether a policy lies in the folder of another apiserver's manifest and not in that of this one: with a folder for each
/// node, each has a copy of its own.
fn lies_beside_another(
    snapshot: &Snapshot,
    instances: &Instances,
    instance: &Instance,
    policy: usize,
) -> bool {
    let folder = |at: &str| at.rsplit_once('/').map_or(String::new(), |(folder, _)| folder.to_owned());
    let Some(own) = snapshot.policies.get(policy).map(|policy| folder(&policy.at)) else { return false };
    let lies_there =
        |instance: &Instance| instance.flags.sources.iter().any(|source| folder(&source.at) == own);
    !lies_there(instance) && instances.list.iter().any(lies_there)
}

/// Whether two texts are the same policy to a server.
fn is_same_policy(one: &PolicyText, other: &PolicyText) -> bool {
    let policy = |text: &PolicyText| load(text.text.as_bytes(), &text.name, NEWEST).policy;
    one.text == other.text || policy(one).is_some_and(|one| policy(other) == Some(one))
}

fn indices(snapshot: &Snapshot, wanted: impl Fn(&PolicyText) -> bool) -> Vec<usize> {
    let all = snapshot.policies.iter().enumerate();
    all.filter(|(_, policy)| wanted(policy)).map(|(index, _)| index).collect()
}

/// The first of some policies, if all have the same text.
fn one_text(snapshot: &Snapshot, found: &[usize]) -> Option<usize> {
    let text = |index: &usize| snapshot.policies.get(*index).map(|policy| &policy.text);
    let first = found.first()?;
    found.iter().all(|other| text(other) == text(first)).then_some(*first)
}

/// Where some policies stand, in words.
fn named(snapshot: &Snapshot, found: &[usize]) -> String {
    const SHOWN: usize = 5;
    let mut places: Vec<String> = found
        .iter()
        .filter_map(|index| snapshot.policies.get(*index))
        .take(SHOWN)
        .map(
            |policy| {
                if policy.line > 1 { format!("{}:{}", policy.at, policy.line) } else { policy.at.clone() }
            },
        )
        .collect();
    if let Some(more) = found.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        places.push(format!("{more} more"));
    }
    places.join(", ")
}

#[cfg(test)]
mod tests;
