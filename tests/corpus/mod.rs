//! Real files from end to end: what is read in each, and what is told of its apiserver's auditing. They belong to others,
//! so they are read where they lie: `LOGAUDIT_CORPUS` names their folder. `docs/corpus.md` has the counts and the command.

mod collectors;
mod policies;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use logaudit::analyze::analyze;
use logaudit::analyze::policy::load::{NEWEST, load};
use logaudit::snapshot::{Scope, Snapshot};
use logaudit::source::manifests::{ManifestError, read_paths};

/// Files among the manifests that declare no apiserver, and why.
const WITHOUT_APISERVER: [(&str, &str); 2] = [
    (
        "kevin197011__k8s__rke2__config.yml",
        "the inventory of an installation script: hosts and a token, no key of RKE2's own configuration but `token`",
    ),
    (
        "kubewharf__kelemetry__hack__kwok-cluster.yaml",
        "a kwokctl configuration, which is for simulated clusters and is not read",
    ),
];

fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("LOGAUDIT_CORPUS").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: LOGAUDIT_CORPUS does not name the folder of real files");
    }
    folder
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

/// One line about what was read.
fn summary(outcome: &Result<Snapshot, ManifestError>) -> String {
    let snapshot = match outcome {
        Ok(snapshot) => snapshot,
        Err(error) => return format!("error: {error}"),
    };
    let mut parts = Vec::new();
    let mut count = |what: &str, number: Option<usize>| {
        if let Some(number) = number {
            parts.push(format!("{what} {number}"));
        }
    };
    count("pods", snapshot.pods.value().map(Vec::len));
    count("nodes", snapshot.nodes.value().map(Vec::len));
    count("leases", snapshot.leases.value().map(Vec::len));
    count("kubelets", snapshot.kubelet_configs.value().map(Vec::len));
    let mut kinds = BTreeMap::new();
    for declared in &snapshot.declared {
        *kinds.entry(format!("{:?}", declared.kind)).or_insert(0) += declared.arguments.len();
    }
    parts.extend(kinds.iter().map(|(kind, arguments)| format!("{kind} ({arguments} arguments)")));
    if let Some(Some(declared)) = snapshot.kubeadm_config.value() {
        parts.push(format!("kubeadm-config ({} arguments)", declared.arguments.len()));
    }
    parts.extend(snapshot.notes.iter().map(|note| format!("note at {}: {}", note.at, note.text)));
    if parts.is_empty() { "nothing".into() } else { parts.join(", ") }
}

fn apiservers(snapshot: &Snapshot) -> usize {
    snapshot.pods.value().map_or(0, Vec::len)
        + snapshot.declared.len()
        + usize::from(matches!(snapshot.kubeadm_config.value(), Some(Some(_))))
}

/// What is told of auditing, per apiserver: one word each.
fn audit_states(snapshot: &Snapshot) -> Vec<&'static str> {
    let facts = analyze(snapshot);
    let Some(servers) = facts.api_servers.value() else { return vec!["no apiserver"] };
    servers
        .iter()
        .map(|server| {
            let backends = server.audit.backends.value().map(|backends| !backends.is_empty());
            match (server.audit.policy_set.value(), backends) {
                (Some(true), Some(true)) => "records",
                (Some(false), Some(true)) => "nothing: no policy",
                (Some(true), Some(false)) => "nothing: no backend",
                (Some(false), _) | (_, Some(false)) => "nothing",
                _ => "unknown",
            }
        })
        .collect()
}

/// Counts states over files, and prints them.
#[derive(Default)]
struct Tally(BTreeMap<&'static str, usize>);

impl Tally {
    fn add(&mut self, file: &Path, snapshot: &Snapshot) {
        let states = audit_states(snapshot);
        println!("    audit: {}", states.join(", "));
        for state in states {
            *self.0.entry(state).or_default() += 1;
        }
        assert!(!snapshot.cluster.name.is_empty(), "{}", file.display());
    }

    fn print(&self, folder: &str, files: usize) {
        let counts: Vec<String> = self.0.iter().map(|(state, count)| format!("{state} {count}")).collect();
        println!("corpus {folder}: {files} files; apiservers: {}", counts.join(", "));
    }

    fn of(&self, state: &str) -> usize {
        self.0.get(state).copied().unwrap_or_default()
    }
}

/// Nothing that is written into a report may hold what redaction removes; a second pass finds nothing to do.
fn assert_redacted(snapshot: &Snapshot) {
    let mut again = snapshot.clone();
    logaudit::snapshot::redact::redact(&mut again);
    assert_eq!(&again, snapshot);
    assert_eq!(snapshot.scope, Scope::Manifests);
}

#[test]
fn every_apiserver_manifest_is_recognised() {
    let Some(corpus) = corpus() else { return };
    let files = files(&corpus.join("apiserver"));
    let mut missed = Vec::new();
    let mut tally = Tally::default();
    for file in &files {
        let outcome = read_paths(std::slice::from_ref(file));
        println!("{}\n    {}", name(file), summary(&outcome));
        let snapshot = outcome.unwrap();
        assert_redacted(&snapshot);
        let expected = !WITHOUT_APISERVER.iter().any(|(without, _)| *without == name(file));
        if (apiservers(&snapshot) > 0) != expected {
            missed.push(name(file));
        }
        tally.add(file, &snapshot);
    }
    tally.print("apiserver", files.len());
    assert!(missed.is_empty(), "{missed:#?}");
    // Told for every apiserver but one: an RKE2 server whose policy may be the empty one that RKE2 puts in place.
    assert_eq!((tally.of("no apiserver"), tally.of("unknown")), (WITHOUT_APISERVER.len(), 1));
}

#[test]
fn every_dump_is_read() {
    let Some(corpus) = corpus() else { return };
    let files = files(&corpus.join("cluster-dumps"));
    let (mut pods, mut nodes) = (0, 0);
    let mut tally = Tally::default();
    for file in &files {
        let outcome = read_paths(std::slice::from_ref(file));
        println!("{}\n    {}", name(file), summary(&outcome));
        let snapshot = outcome.unwrap();
        assert_redacted(&snapshot);
        pods += snapshot.pods.value().map_or(0, Vec::len);
        nodes += snapshot.nodes.value().map_or(0, Vec::len);
        tally.add(file, &snapshot);
    }
    tally.print("cluster-dumps", files.len());
    println!("{pods} apiserver pods, {nodes} nodes");
    assert_eq!(tally.of("unknown"), 0);
    let together = read_paths(&[corpus.join("cluster-dumps")]).unwrap();
    assert_eq!(together.pods.value().map(Vec::len), Some(pods));
    assert_eq!(together.nodes.value().map(Vec::len), Some(nodes));
}

/// Most of these are templates whose placeholders happen to stand where YAML takes them for text.
#[test]
fn broken_files_say_where_or_are_read_all_the_same() {
    let Some(corpus) = corpus() else { return };
    let files = files(&corpus.join("apiserver-broken"));
    let (mut recognised, mut noted, mut refused) = (0, 0, 0);
    let mut tally = Tally::default();
    for file in &files {
        let outcome = read_paths(std::slice::from_ref(file));
        println!("{}\n    {}", name(file), summary(&outcome));
        match outcome {
            Ok(snapshot) => {
                assert_redacted(&snapshot);
                for note in snapshot.notes.iter().filter(|note| note.at != snapshot.cluster.name) {
                    assert!(has_position(&note.at), "{note:?}");
                }
                assert!(apiservers(&snapshot) > 0 || !snapshot.notes.is_empty(), "{}", name(file));
                recognised += usize::from(apiservers(&snapshot) > 0);
                noted += usize::from(!snapshot.notes.is_empty());
                tally.add(file, &snapshot);
            }
            Err(ManifestError::Syntax { at, .. }) => {
                assert!(has_position(&at), "{at}");
                refused += 1;
            }
            Err(error) => panic!("{error}"),
        }
    }
    tally.print("apiserver-broken", files.len());
    println!("{recognised} with an apiserver, {noted} with notes, {refused} refused");
}

/// `file:line:column`.
fn has_position(at: &str) -> bool {
    let mut parts = at.rsplit(':');
    let mut number = || parts.next().is_some_and(|part| part.parse::<u32>().is_ok_and(|number| number > 0));
    number() && number()
}

/// Taking out comments changes no policy, no line and no column.
#[test]
fn real_policies_say_the_same_without_their_comments() {
    let Some(corpus) = corpus() else { return };
    let (mut whole, mut read) = (0, 0);
    for path in files(&corpus.join("audit-policy")) {
        let Ok(snapshot) = read_paths(std::slice::from_ref(&path)) else { continue };
        let bytes = std::fs::read(&path).unwrap();
        let expected = load(&bytes, "p", NEWEST);
        read += 1;
        for policy in &snapshot.policies {
            let found = load(policy.text.as_bytes(), "p", NEWEST);
            if policy.line == 1 {
                whole += 1;
                assert_eq!(found, expected, "{}", path.display());
            }
        }
        assert!(snapshot.notes.is_empty(), "{}: {:?}", path.display(), snapshot.notes);
    }
    println!("corpus audit-policy: {read} files, {whole} policies");
    assert!(whole > 60, "{whole}");
}
