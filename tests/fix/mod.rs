//! `fix` closes the loop: what it claims to mend passes once its files are in place, by the judgement of the same program over
//! what the files hold, over the snapshot that it expects, and over manifests that a real kubectl has patched.

mod clouds;
mod hostile;
mod patches;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use logaudit::verdict::Status;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::report::{Report, status, text};
use crate::support::stage::pinned;
use crate::support::tool::Output;

/// Subject by check, and what they came to.
type Verdicts = BTreeMap<(String, String), Status>;

const RECEIVER: &str = "https://logs.example.org/ingest";

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fix/fixtures").join(name)
}

/// A folder that `fix` wrote, and what was there before.
struct Fixed {
    before: Report,
    folder: TempDir,
    output: Output,
}

impl Fixed {
    /// Runs `run` and `fix` over an input.
    fn of(input: &[&str], more: &[&str]) -> Self {
        let before = pinned().args(["run", "-o", "json"]).args(input).run().report();
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("remedies");
        let output = pinned().arg("fix").args(input).args(more).arg("--output-dir").arg(&target).run();
        assert!(matches!(output.code, Some(0 | 1)), "{output:#?}");
        Self { before, folder, output }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("remedies")
    }

    fn has(&self, name: &str) -> bool {
        self.path().join(name).is_file()
    }

    fn read(&self, name: &str) -> String {
        let path = self.path().join(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// What README.md says becomes of each failed check.
    fn fates(&self) -> BTreeMap<String, String> {
        let readme = self.read("README.md");
        let rows = readme.lines().filter(|line| line.starts_with("| LA-"));
        rows.map(|row| {
            let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
            assert_eq!(cells.len(), 5, "{row}");
            (cells[0].to_owned(), cells[4].trim_end_matches(" |").to_owned())
        })
        .collect()
    }

    /// The checks that are claimed whole.
    fn claimed(&self) -> BTreeSet<String> {
        let whole = |fate: &String| fate.starts_with("mended by") && !fate.contains(';');
        self.fates().into_iter().filter(|(_, fate)| whole(fate)).map(|(check, _)| check).collect()
    }

    /// The report on the snapshot that is expected.
    fn expected(&self) -> Report {
        let path = self.path().join("expected.snapshot");
        pinned().args(["run", "-o", "json", "--snapshot"]).arg(path).run().report()
    }

    /// The report on the files alone.
    fn alone(&self) -> Report {
        let mut tool = pinned().cwd(&self.path()).args(["run", "-o", "json", "-f", "."]);
        if self.has("audit-policy.yaml") {
            tool = tool.args(["--policy-file", "audit-policy.yaml"]);
        }
        tool.run().report()
    }
}

fn failed(report: &Report) -> BTreeMap<(String, String), Value> {
    let failed = report.findings().filter(|finding| status(finding) == Status::Fail);
    failed.map(|finding| ((text(finding, "check"), text(finding, "subject")), finding.clone())).collect()
}

/// What a failure came to: the same subject, or where that is gone, the worst of the check.
fn came_to(verdicts: &Verdicts, check: &str, subject: &str) -> Option<Status> {
    verdicts
        .get(&(check.to_owned(), subject.to_owned()))
        .copied()
        .or_else(|| verdicts.iter().filter(|((other, _), _)| other == check).map(|(_, status)| *status).max())
}

/// Numbers of a loop: failed checks before, claimed, closed.
#[derive(Debug, PartialEq)]
struct Loop {
    failed: usize,
    claimed: usize,
}

/// Before, fix, after.
fn close(name: &str, fixed: &Fixed) -> Loop {
    let before = failed(&fixed.before);
    let checks: BTreeSet<&String> = before.keys().map(|(check, _)| check).collect();
    let fates = fixed.fates();
    // Every failed check is told of, and no other.
    assert_eq!(checks, fates.keys().collect::<BTreeSet<_>>(), "{name}");
    let claimed = fixed.claimed();
    if claimed.is_empty() {
        return Loop { failed: checks.len(), claimed: 0 };
    }
    let after = fixed.expected();
    let verdicts = after.by_subject();
    for (check, subject) in before.keys().filter(|(check, _)| claimed.contains(check)) {
        let found = came_to(&verdicts, check, subject);
        assert_eq!(found, Some(Status::Pass), "{name}: {check} on {subject} is claimed");
    }
    // What fails anew is told of, and nothing of weight that passed before is among it.
    let was = fixed.before.by_subject();
    let readme = fixed.read("README.md");
    for ((check, subject), finding) in failed(&after) {
        if before.contains_key(&(check.clone(), subject.clone())) {
            continue;
        }
        let passed = was.get(&(check.clone(), subject.clone())) == Some(&Status::Pass);
        assert!(
            readme.contains(&format!("- {check} (")),
            "{name}: {check} on {subject} fails anew in silence"
        );
        let weighs = finding["severity"] == "high" || finding["severity"] == "critical";
        // Whether RKE2 records can be told by no file once a policy is set, but by its counters.
        let by_nature = name == "rke2" && check == "LA-API-001";
        assert!(!passed || !weighs || by_nature, "{name}: {check} on {subject} passed before");
    }
    let is_manifest =
        |file: &String| !file.starts_with("patch-") && (file.ends_with(".yaml") || file.ends_with(".yml"));
    if !fixed.files().iter().any(is_manifest) {
        return Loop { failed: checks.len(), claimed: claimed.len() };
    }
    // Files alone: nothing that is claimed fails by them. Patches show nothing without what they patch.
    let alone = fixed.alone().verdicts();
    let is_whole = fixed.has("collector.yaml");
    for check in claimed.iter().filter(|check| is_whole || !check.starts_with("LA-COL-")) {
        assert_ne!(alone.get(check), Some(&Status::Fail), "{name}: {check} by the files alone");
    }
    Loop { failed: checks.len(), claimed: claimed.len() }
}

#[test]
fn examples_are_closed() {
    let mut numbers = BTreeMap::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let input = ["--snapshot", path.to_str().unwrap()];
        let fixed = Fixed::of(&input, &["--destination", RECEIVER]);
        numbers.insert(name.clone(), close(&name, &fixed));
    }
    println!("{numbers:#?}");
    let claimed = |name: &str| (numbers[name].failed, numbers[name].claimed);
    insta::assert_debug_snapshot!(
        [
            "ha-drift",
            "kubeadm-default",
            "kubeadm-hardened",
            "looks-audited",
            "managed-no-access",
            "ships-nothing"
        ]
        .map(|name| (name, claimed(name)))
    );
}

/// The files of each dialect, and whether they show an apiserver by themselves.
const DIALECTS: [(&str, &str); 11] = [
    ("kubeadm-v1beta3.yaml", "kubeadm.yaml"),
    ("kubeadm-v1beta4.yaml", "kubeadm.yaml"),
    ("kind.yaml", "kind.yaml"),
    ("cluster-api.yaml", "cluster-api-patch.yaml"),
    ("k3s", "k3s-config.yaml"),
    ("rke2", "rke2-config.yaml"),
    ("kops.yaml", "kops-cluster.yaml"),
    ("rke1.yml", "rke1-cluster.yml"),
    ("openshift.yaml", "openshift-apiserver.yaml"),
    ("talos.yaml", "talos-audit-policy.yaml"),
    ("static-pod.yaml", "kube-apiserver-cp1.yaml"),
];

#[test]
fn dialects_are_closed() {
    let mut numbers = Vec::new();
    for (input, file) in DIALECTS {
        let path = fixture(input);
        let fixed = Fixed::of(&["-f", path.to_str().unwrap()], &["--destination", RECEIVER]);
        assert!(fixed.has(file), "{input}: {:?}", fixed.files());
        let Loop { failed, claimed } = close(input, &fixed);
        // By the file in the distribution's own dialect, read as any other.
        let alone = fixed.alone().verdicts();
        let shows = ["LA-API-002", "LA-API-003"]
            .map(|check| alone.get(check).is_some_and(|status| *status == Status::Pass));
        numbers.push((input, failed, claimed, shows));
    }
    insta::assert_debug_snapshot!(numbers);
}

#[test]
fn kubeadm_is_written_in_the_version_that_is_read() {
    for (input, version, form) in [
        (
            "kubeadm-v1beta3.yaml",
            "kubeadm.k8s.io/v1beta3",
            "audit-policy-file: /etc/kubernetes/audit-policy.yaml",
        ),
        ("kubeadm-v1beta4.yaml", "kubeadm.k8s.io/v1beta4", "- name: audit-policy-file"),
    ] {
        let path = fixture(input);
        let fixed = Fixed::of(&["-f", path.to_str().unwrap()], &[]);
        let text = fixed.read("kubeadm.yaml");
        assert!(text.contains(version) && text.contains(form), "{text}");
    }
}

#[test]
fn own_policies_lose_nothing_that_is_not_told() {
    // What the policy records stays recorded: its catch-all is kept, and only what it drops to the end is added.
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("own.yaml");
    std::fs::write(
        &policy,
        "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n- level: RequestResponse\n  resources: [{group: \"\", resources: [pods]}]\n- level: Metadata\n  resources: [{group: \"\"}]\n",
    )
    .unwrap();
    let input = fixture("static-pod.yaml");
    let manifest = folder.path().join("kube-apiserver.yaml");
    let text = std::fs::read_to_string(input).unwrap();
    std::fs::write(
        &manifest,
        text.replace("    - --audit-log-maxage=2\n", "    - --audit-policy-file=/etc/kubernetes/own.yaml\n"),
    )
    .unwrap();
    let fixed =
        Fixed::of(&["-f", manifest.to_str().unwrap(), "--policy-file", policy.to_str().unwrap()], &[]);
    let new = fixed.path().join("audit-policy.yaml");
    let differences =
        pinned().args(["policy", "diff", "-o", "json"]).args([&policy, &new]).run().expect_code(1).json();
    let less: Vec<&Value> = differences["differences"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|difference| difference["change"] == "less" && difference["after"] == "None")
        .collect();
    // Noise that LA-POL-013 asks to leave out is all that is not recorded any more.
    for difference in &less {
        let who = difference.to_string();
        assert!(
            ["system:nodes", "system:apiserver", "system:kube-controller-manager", "system:kube-scheduler"]
                .iter()
                .any(|name| who.contains(name)),
            "{who}"
        );
    }
    let readme = fixed.read("README.md");
    assert!(readme.contains("Your policy, with rules of the recommended"), "{readme}");
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/ships-nothing.json");
    let input = ["--snapshot", path.to_str().unwrap()];
    let (one, other) = (Fixed::of(&input, &[]), Fixed::of(&input, &[]));
    assert_eq!(one.files(), other.files());
    for name in one.files() {
        assert_eq!(one.read(&name), other.read(&name), "{name}");
    }
    let said = |fixed: &Fixed| fixed.output.stderr.replace(fixed.path().to_str().unwrap(), "DIR");
    assert_eq!(said(&one), said(&other));
    // No receiver was named: what stands for it is told to be set.
    assert!(one.read("events.yaml").contains("set-your-log-receiver.invalid"));
    assert!(one.read("README.md").contains("To be set first"));
    assert!(
        one.output.stderr.contains("more once what stands for values of yours is set"),
        "{:#?}",
        one.output
    );
    // Applied as it is, it mends nothing: nobody is there.
    let file = one.path().join("events.yaml");
    let applied = pinned().args(["run", "-o", "json", "-f"]).arg(&file).run().report();
    assert_eq!(applied.verdict("LA-EVT-001"), Status::Fail, "{:#?}", applied.of("LA-EVT-001"));
    let set = one.read("events.yaml").replace("set-your-log-receiver.invalid", "logs.example.org");
    let file = one.folder.path().join("set.yaml");
    std::fs::write(&file, set).unwrap();
    let applied = pinned().args(["run", "-o", "json", "-f"]).arg(&file).run().report();
    assert_eq!(applied.verdict("LA-EVT-001"), Status::Pass, "{:#?}", applied.of("LA-EVT-001"));
}

#[test]
fn exit_codes_follow_what_would_still_fail() {
    let example = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
        path.to_str().unwrap().to_owned()
    };
    let code = |name: &str, more: &[&str]| Fixed::of(&["--snapshot", &example(name)], more).output.code;
    assert_eq!(code("kubeadm-hardened.json", &[]), Some(0), "nothing fails");
    assert_eq!(code("looks-audited.json", &[]), Some(0), "all of weight is mended");
    assert_eq!(code("ships-nothing.json", &[]), Some(1), "no file mends an open store");
    assert_eq!(code("ships-nothing.json", &["--fail-on", "critical"]), Some(0));
    assert_eq!(code("looks-audited.json", &["--fail-on-unknown"]), Some(1));
    assert_eq!(code("kubeadm-default.json", &["--destination", RECEIVER]), Some(0));
}

#[test]
fn folders_are_written_whole_or_not_at_all() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/looks-audited.json");
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("remedies");
    let run = |more: &[&str], target: &Path| {
        pinned().args(["fix", "--snapshot"]).arg(&path).args(more).arg("--output-dir").arg(target).run()
    };
    // An empty folder is as good as none.
    std::fs::create_dir(&target).unwrap();
    run(&[], &target).expect_code(0);
    let first = std::fs::read_to_string(target.join("README.md")).unwrap();
    // A folder with something in it is refused, and stays as it is.
    std::fs::write(target.join("mine"), "kept").unwrap();
    let refused = run(&[], &target);
    refused.expect_code(2);
    assert!(refused.stderr.contains("is not empty") && refused.stderr.contains("--force"), "{refused:#?}");
    assert_eq!(std::fs::read_to_string(target.join("mine")).unwrap(), "kept");
    // Not with --force either, as long as it holds something that is not of `fix`.
    let refused = run(&["--force"], &target);
    refused.expect_code(2);
    assert!(refused.stderr.contains("holds mine, which `fix` did not write"), "{refused:#?}");
    assert_eq!(std::fs::read_to_string(target.join("mine")).unwrap(), "kept");
    // What `fix` wrote alone is replaced as a whole.
    std::fs::remove_file(target.join("mine")).unwrap();
    std::fs::write(target.join("audit-policy.yaml"), "changed").unwrap();
    run(&["--force"], &target).expect_code(0);
    assert_eq!(std::fs::read_to_string(target.join("README.md")).unwrap(), first);
    assert!(std::fs::read_to_string(target.join("audit-policy.yaml")).unwrap().contains("kind: Policy"));
    // A file is no folder, and what cannot be made is told.
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert!(run(&["--force"], &file).expect_code(2).stderr.contains("is no folder"));
    assert!(run(&[], &file.join("below")).expect_code(2).stderr.contains("below"));
    let left: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "nothing half-written is left: {left:?}");
    // Folders above it are made.
    let deep = folder.path().join("not/there");
    run(&[], &deep).expect_code(0);
    assert_eq!(std::fs::read_to_string(deep.join("README.md")).unwrap(), first);
}

#[test]
fn force_takes_nothing_that_is_not_of_fix() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/looks-audited.json");
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let at = home.join("work");
    std::fs::create_dir_all(&at).unwrap();
    let run = |target: &Path| {
        pinned()
            .cwd(&at)
            .env("HOME", &home)
            .args(["fix", "--force", "--snapshot"])
            .arg(&path)
            .arg("--output-dir")
            .arg(target)
            .run()
    };
    // A repository, also with a README that says it were of `fix`.
    let repository = at.join("repository");
    std::fs::create_dir_all(repository.join(".git")).unwrap();
    std::fs::write(repository.join(".git/HEAD"), "ref").unwrap();
    std::fs::write(repository.join("work"), "mine").unwrap();
    run(&repository).expect_refusal(&["holds .git, which `fix` did not write"]);
    std::fs::write(
        repository.join("README.md"),
        "<!-- Written by kubectl logaudit fix: .git, README.md, work -->\n",
    )
    .unwrap();
    run(&repository).expect_refusal(&["holds .git, which `fix` did not write"]);
    assert_eq!(std::fs::read_to_string(repository.join(".git/HEAD")).unwrap(), "ref");
    assert_eq!(std::fs::read_to_string(repository.join("work")).unwrap(), "mine");
    // A link to something else is none of its files.
    let linked = at.join("linked");
    run(&linked).expect_code(0);
    let policy = linked.join("audit-policy.yaml");
    std::fs::rename(&policy, at.join("policy")).unwrap();
    std::os::unix::fs::symlink(at.join("policy"), &policy).unwrap();
    run(&linked).expect_refusal(&["holds audit-policy.yaml, which"]);
    // Where somebody works or lives, nothing is put in its place.
    for above in [at.as_path(), Path::new("."), Path::new(".."), &home, folder.path(), Path::new("/")] {
        run(above).expect_refusal(&["lies above it"]);
    }
    std::fs::remove_dir_all(&at).unwrap();
    std::fs::create_dir(&at).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let out = pinned()
        .cwd(elsewhere.path())
        .env("HOME", &at)
        .args(["fix", "--snapshot"])
        .arg(&path)
        .arg("--output-dir")
        .arg(&at)
        .run();
    out.expect_refusal(&["is your home or lies above it"]);
}

#[test]
fn files_alone_come_to_what_the_readme_says() {
    let example = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
        Fixed::of(&["--snapshot", path.to_str().unwrap()], &["--destination", RECEIVER])
    };
    for name in ["ha-drift.json", "looks-audited.json", "kubeadm-default.json"] {
        let fixed = example(name);
        assert!(fixed.read("README.md").contains("Its gate passes"), "{name}");
        let alone = fixed.alone();
        assert_eq!(alone.0["summary"]["gate"]["passed"], true, "{name}");
        // The folder of the log is among the volumes, whatever the pods have already.
        assert_eq!(alone.verdicts().get("LA-API-011"), Some(&Status::Pass), "{name}");
        assert!(
            fixed.read("kubeadm.yaml").contains("mountPath: /etc/kubernetes/audit-policy.yaml"),
            "{name}"
        );
    }
    let fixed = example("ships-nothing.json");
    let readme = fixed.read("README.md");
    assert!(readme.contains("The files by themselves say too little to be judged"), "{readme}");
    let alone = fixed.alone();
    assert_eq!(alone.0["summary"]["gate"]["passed"], false);
    for ((check, _), finding) in failed(&alone) {
        assert!(finding["severity"] != "high" || readme.contains(&check), "{check}");
    }
}

#[test]
fn the_score_is_told_before_and_after_with_what_caps_it() {
    let example = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
        Fixed::of(&["--snapshot", path.to_str().unwrap()], &[])
    };
    let fixed = example("ships-nothing.json");
    let scores = [&fixed.before, &fixed.expected()].map(|report| {
        let score = &report.0["score"];
        format!("{} to {}", score["low"].as_f64().unwrap(), score["high"].as_f64().unwrap())
    });
    for text in [&fixed.output.stderr, &fixed.read("README.md")] {
        assert!(text.contains("at most 39: whether anything is recorded is not known"), "{text}");
        for score in &scores {
            assert!(text.contains(score.as_str()), "{score}: {text}");
        }
    }
    // Brackets are escaped only where they would be a link.
    assert!(!fixed.read("README.md").contains("\\("), "{}", fixed.read("README.md"));
    let fixed = example("managed-no-access.json");
    assert!(fixed.output.stderr.contains("No file can mend the 2 failures"), "{}", fixed.output.stderr);
}

#[test]
fn nothing_is_deleted_and_no_alert_is_doubled() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/ships-nothing.json");
    let fixed = Fixed::of(&["--snapshot", path.to_str().unwrap()], &[]);
    // The store keeps logs for ever, which fails; to delete them is for people to decide.
    assert!(fixed.fates()["LA-RET-012"].contains("not mended"), "{:?}", fixed.fates());
    assert!(fixed.files().iter().all(|file| !file.contains("loki")), "{:?}", fixed.files());
    // Prometheus refuses two groups of one name.
    let patch = fixed.read("patch-configmap-monitoring-prometheus-server-alerting-rules.yml.yaml");
    let mut names: Vec<&str> =
        patch.lines().filter_map(|line| line.trim().strip_prefix("- name: ")).collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert!(all > 1 && all == names.len(), "{patch}");
    assert_eq!(patch.matches("alert: AuditEventsLost").count(), 1, "{patch}");
}

#[test]
fn receivers_that_logs_should_not_go_to_are_refused() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/looks-audited.json");
    let folder = tempfile::tempdir().unwrap();
    for (url, why) in [
        ("http://logs.example.org", "must begin with https://"),
        ("https://user:secret@logs.example.org", "no user or password"),
        ("https://", "no host name"),
        ("https://a b", "no host name"),
        ("https://logs.example.org:x", "no port"),
        ("https://logs.example.org/${HOME}", "write that as"),
        ("https://logs.example.org/\n[OUTPUT]", "write that as"),
    ] {
        let target = folder.path().join("remedies");
        let output = pinned()
            .args(["fix", "--snapshot"])
            .arg(&path)
            .args(["--destination", url, "--output-dir"])
            .arg(&target)
            .run();
        output.expect_code(2);
        assert!(output.stderr.contains(why), "{url}: {}", output.stderr);
        assert!(!output.stderr.contains("secret@"), "{}", output.stderr);
        assert!(!target.exists());
    }
}
