//! The manifests source over real files. They belong to others, so they are read where they lie: `LOGAUDIT_CORPUS` names
//! their folder. `cargo test --test corpus_manifests -- --nocapture` prints what was made of each.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

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
        println!("skipped: LOGAUDIT_CORPUS does not name the corpus");
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
    for file in &files {
        let outcome = read_paths(std::slice::from_ref(file));
        println!("{}\n    {}", name(file), summary(&outcome));
        let snapshot = outcome.unwrap();
        assert_redacted(&snapshot);
        let expected = !WITHOUT_APISERVER.iter().any(|(without, _)| *without == name(file));
        if (apiservers(&snapshot) > 0) != expected {
            missed.push(name(file));
        }
    }
    println!("{} files", files.len());
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn every_dump_is_read() {
    let Some(corpus) = corpus() else { return };
    let files = files(&corpus.join("cluster-dumps"));
    let (mut pods, mut nodes) = (0, 0);
    for file in &files {
        let outcome = read_paths(std::slice::from_ref(file));
        println!("{}\n    {}", name(file), summary(&outcome));
        let snapshot = outcome.unwrap();
        assert_redacted(&snapshot);
        pods += snapshot.pods.value().map_or(0, Vec::len);
        nodes += snapshot.nodes.value().map_or(0, Vec::len);
    }
    println!("{} files, {pods} apiserver pods, {nodes} nodes", files.len());
    let together = read_paths(&[corpus.join("cluster-dumps")]).unwrap();
    assert_eq!(together.pods.value().map(Vec::len), Some(pods));
    assert_eq!(together.nodes.value().map(Vec::len), Some(nodes));
}

#[test]
fn broken_files_say_where() {
    let Some(corpus) = corpus() else { return };
    let files = files(&corpus.join("apiserver-broken"));
    for file in &files {
        let outcome = read_paths(std::slice::from_ref(file));
        println!("{}\n    {}", name(file), summary(&outcome));
        match outcome {
            Ok(snapshot) => {
                assert_redacted(&snapshot);
                for note in &snapshot.notes {
                    assert!(has_position(&note.at), "{note:?}");
                }
            }
            Err(ManifestError::Syntax { at, .. }) => assert!(has_position(&at), "{at}"),
            Err(error) => panic!("{error}"),
        }
    }
    println!("{} files", files.len());
}

/// `file:line:column`.
fn has_position(at: &str) -> bool {
    let mut parts = at.rsplit(':');
    let mut number = || parts.next().is_some_and(|part| part.parse::<u32>().is_ok_and(|number| number > 0));
    number() && number()
}
