//! Frameworks that people write: used beside the built-in ones, and refused with a place and a caret.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use logaudit::verdict::Status::{Attestation, Pass, Unknown};
use tempfile::TempDir;

use super::{METADATA, expect, over};
use crate::support::stage::pinned;
use crate::support::tool::{Output, Tool};

/// The example of docs/own-frameworks.md.
fn documented() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/own-frameworks.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, rest) = page.split_once("```yaml\n").unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

/// A folder with framework files.
struct Own {
    folder: TempDir,
}

impl Own {
    fn of(text: &str) -> Self {
        Self { folder: tempfile::tempdir().unwrap() }.and("acme.yaml", text)
    }

    fn and(self, name: &str, text: &str) -> Self {
        fs::write(self.folder.path().join(name), text).unwrap();
        self
    }

    /// The documented example with one text replaced.
    fn with(part: &str, by: &str) -> Self {
        let text = documented();
        assert_eq!(text.matches(part).count(), 1, "{part}");
        Self::of(&text.replace(part, by))
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn file(&self) -> PathBuf {
        self.path().join("acme.yaml")
    }

    fn validate(&self) -> Output {
        pinned().args(["frameworks", "validate"]).arg(self.path()).run()
    }

    fn tool(&self) -> (TempDir, Tool) {
        let (folder, tool) = over(METADATA);
        (folder, tool.arg("--frameworks").arg(self.path()))
    }

    /// Refused with the place, a caret and these words.
    fn expect(&self, place: &str, words: &[&str]) {
        let place = format!("{}:{place}", self.file().display());
        self.validate()
            .expect_refusal(&[&place, "^"])
            .expect_refusal(words)
            .expect_within(Duration::from_secs(20));
    }
}

#[test]
fn the_documented_example_works() {
    let own = Own::of(&documented());
    let validated = own.validate();
    assert!(
        validated.expect_code(0).stdout.ends_with("acme.yaml: acme-baseline, 1 edition, 5 controls\n"),
        "{validated:#?}"
    );
    let report = own.tool().1.args(["-o", "json"]).run().report();
    let ids: Vec<&str> =
        report.0["frameworks"].as_array().unwrap().iter().map(|of| of["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["acme-baseline", "cis-kubernetes", "owasp-k8s-2022", "owasp-k8s-2025"]);
    expect(
        &report,
        &[
            ("acme-baseline/L1", Pass),
            ("acme-baseline/L2", Pass),
            ("acme-baseline/L4", Unknown),
            ("acme-baseline/L5", Attestation),
        ],
    );
    let told = own.tool().1.args(["--framework", "acme-baseline@2026,pci-dss"]).run().stdout;
    for part in [
        "acme-baseline@2026  ACME Logging Baseline",
        "pci-dss@4.0.1",
        "conflict: L4 (unknown) with gdpr/Art. 5(1)(e) (unknown): the baseline sets",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let with =
        |words: &[&str]| pinned().args(["frameworks"]).args(words).arg("--frameworks").arg(own.file()).run();
    assert!(with(&["list"]).expect_code(0).stdout.contains("ACME Logging Baseline (2026)"));
    let shown = with(&["show", "acme-baseline@2026"]);
    assert!(shown.expect_code(0).stdout.contains("check LA-POL-032 classes=[\"RC-12\"]"), "{shown:#?}");
    let json = with(&["show", "acme-baseline", "-o", "json"]).json();
    assert_eq!(json["controls"][1]["answered-by"], serde_json::json!(["LA-POL-030", "LA-POL-032"]));
    // The other side of the conflict knows of it.
    assert!(with(&["show", "gdpr"]).stdout.contains("conflict with acme-baseline/L4: the baseline"));
}

#[test]
fn files_can_refer_to_each_other_and_to_checks_of_ones_own() {
    let mut check = pinned().args(["checks", "new", "retention", "Logs are kept longer"]).run().stdout;
    check = check.replace("MY-RET-001", "ACME-RET-001");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("longer.yaml"), check).unwrap();
    let own = Own::with("LA-RET-011, params: {minDays: 180}", "ACME-RET-001").and(
        "other.yaml",
        &documented().replace("acme-baseline", "zoo").replace("gdpr/Art. 5(1)(e)", "acme-baseline/L4"),
    );
    own.validate().expect_refusal(&["there is no check `ACME-RET-001`"]);
    let validated =
        pinned().args(["frameworks", "validate", "--checks"]).arg(folder.path()).arg(own.path()).run();
    assert_eq!(validated.expect_code(0).stdout.lines().count(), 2, "{validated:#?}");
    let run = own.tool().1.arg("--checks").arg(folder.path()).args(["--framework", "zoo"]).run();
    assert!(run.stdout.contains("conflict: L4 (unknown) with acme-baseline/L4"), "{run:#?}");
}

#[test]
fn an_own_benchmark_takes_the_place_of_a_built_in_one_where_it_says_so() {
    let own = Own::with("editions:", "distribution: kubeadm\ninstead-of: cis-kubernetes\neditions:");
    let path = format!("{}/examples/kubeadm-hardened.json", env!("CARGO_MANIFEST_DIR"));
    let told = pinned().args(["run", "--snapshot", &path, "--frameworks"]).arg(own.path()).run().stdout;
    assert!(told.contains("acme-baseline@2026") && !told.contains("cis-kubernetes@"), "{told}");
    let elsewhere = own.tool().1.run().stdout;
    assert!(
        !elsewhere.contains("acme-baseline@2026") && elsewhere.contains("cis-kubernetes@"),
        "{elsewhere}"
    );
}

#[test]
fn mistakes_are_pointed_at() {
    for (part, by, place, words) in [
        ("source:", "sorce:", "3:1", &["unknown field `sorce`", "did you mean `source`?"][..]),
        ("name: ACME Logging Baseline\n", "", "4:1", &["missing field `name`"]),
        ("acme-baseline", "pci-dss", "1:5", &["the id pci-dss is taken by checks/frameworks/pci-dss.yaml"]),
        ("acme-baseline", "all", "1:5", &["`all` cannot be the id of a framework"]),
        ("acme-baseline", "Acme/Baseline", "1:5", &["`Acme/Baseline` cannot be the id"]),
        ("name: ACME Logging Baseline", "name: ' '", "2:7", &["`name` is empty"]),
        ("[{id: '2026'}]", "[]", "1:5", &["at least one edition"]),
        ("[{id: '2026'}]", "[{id: a}, {id: a}]", "4:26", &["the edition a stands twice"]),
        ("[{id: '2026'}]", "[{id: 'a,b'}]", "4:17", &["leave out blanks and commas"]),
        ("editions:", "distribution: openshfit\neditions:", "4:15", &["did you mean `openshift`?"]),
        ("editions:", "instead-of: cis-kubernets\neditions:", "4:13", &["did you mean `cis-kubernetes`?"]),
        ("editions:", "instead-of: cis-kubernetes\neditions:", "4:13", &["needs a `distribution`"]),
        ("themes: [E14]", "themes: [E99]", "14:14", &["there is no theme `E99`"]),
        ("themes: [E14]", "themes: [transport-tls]", "14:14", &["did you mean `E14`?"]),
        ("RC-01,", "RC-1,", "11:15", &["`RC-1`", "did you mean `RC-01`?"]),
        ("LA-API-002", "LA-API-0002", "8:19", &["no check `LA-API-0002`", "did you mean `LA-API-002`?"]),
        ("minDays", "minDay", "18:40", &["LA-RET-011 has no parameter `minDay`", "did you mean `minDays`?"]),
        (
            "minDays: 180",
            "minDays: half a year",
            "18:49",
            &["minDays of LA-RET-011 must be of the type", "90"],
        ),
        ("minDays: 180", "minDays: 1.5", "18:49", &["must be a whole number"]),
        ("id: L2", "id: L1", "9:9", &["the control L1 stands twice in edition 2026"]),
        ("themes: [E14]", "within: L9", "14:13", &["no other control `L9`"]),
        ("themes: [E14]", "editions: ['2025']", "14:16", &["no edition `2025`", "did you mean `2026`?"]),
        ("    themes: [E14]\n", "", "12:9", &["nothing answers the control L3"]),
        ("gdpr/Art. 5(1)(e)", "gdpr/Art. 5(1)(ee)", "20:14", &["did you mean `gdpr/Art. 5(1)(e)`?"]),
        ("gdpr/Art. 5(1)(e)", "acme-baseline/L4", "20:14", &["no other control `acme-baseline/L4`"]),
        ("attest:", "atest:", "24:5", &["did you mean `attest`?"]),
        ("attest: that the", "attest: |\n      that\n      the", "25:7", &["more than one line"]),
        ("controls:", "controls: 3\nx:", "5:11", &[]),
    ] {
        Own::with(part, by).expect(place, words);
    }
}

#[test]
fn every_command_that_takes_frameworks_refuses_bad_ones_before_it_looks_at_a_cluster() {
    let own = Own::with("themes: [E14]", "themes: [E99]");
    let place = format!("{}:14:14", own.file().display());
    for words in
        [&["frameworks", "list"][..], &["frameworks", "show", "gdpr"], &["run", "--snapshot", "/nowhere"]]
    {
        pinned().args(words).arg("--frameworks").arg(own.file()).run().expect_refusal(&[&place, "E99"]);
    }
}

#[test]
fn an_id_is_never_used_twice() {
    let own = Own::of(&documented()).and("again.yaml", &documented());
    own.validate().expect_refusal(&["the id acme-baseline is taken by", "again.yaml", "^"]);
    let twice = pinned().args(["frameworks", "validate"]).arg(own.file()).arg(own.file()).run();
    twice.expect_refusal(&["the id acme-baseline is taken by"]);
}

#[test]
fn files_that_are_no_frameworks_are_refused() {
    let refuse = |name: &str, bytes: &[u8], words: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), bytes).unwrap();
        let output = pinned().args(["frameworks", "validate"]).arg(folder.path()).run();
        output.expect_refusal(&[folder.path().to_str().unwrap()]).expect_refusal(words);
        output.expect_within(Duration::from_secs(20));
    };
    refuse("huge.yaml", &vec![b'a'; 300 * 1024], &["larger than 256 KiB, which no framework is"]);
    refuse("binary.yaml", b"\xff\xfe\x00", &["cannot be read as text"]);
    refuse("broken.yaml", b"id: [", &["broken.yaml:1"]);
    refuse("empty.yaml", b"", &["empty.yaml"]);
    refuse("list.yaml", b"- a\n- b\n", &["list.yaml:1"]);
    refuse("pod.yaml", b"apiVersion: v1\nkind: Pod\n", &["pod.yaml:1:1", "unknown field `apiVersion`"]);
    refuse("bomb.yaml", b"id: &a [x,x,x]\nname: &b [*a,*a,*a]\nsource: &c [*b,*b,*b]\n", &["bomb.yaml:1"]);
    let deep = format!("id: {}{}", "[".repeat(50_000), "]".repeat(50_000));
    refuse("deep.yaml", deep.as_bytes(), &["deep.yaml:1"]);
    let documents = format!("{}---\n{}", documented(), documented());
    refuse("documents.yaml", documents.as_bytes(), &["documents.yaml"]);
    refuse("notes.txt", b"id: x\n", &["holds no framework", ".yaml"]);
    pinned().args(["frameworks", "validate", "/nowhere"]).run().expect_refusal(&["/nowhere", "No such file"]);
    pinned().args(["frameworks", "validate"]).run().expect_refusal(&["<FILE|DIR>"]);
}

/// As many controls, names and faults as fit into a file.
#[test]
fn hostile_files_end_in_a_message_or_in_time() {
    let head = "id: acme\nname: a\nsource: a\neditions: [{id: a}]\ncontrols:\n";
    let many = |line: &dyn Fn(usize) -> String, count: usize| -> String {
        let lines: String = (0..count).map(line).collect();
        format!("{head}{lines}")
    };
    let wrong = Own::of(&many(&|index| format!("- {{id: c{index}, title: t, themes: [X{index}]}}\n"), 6000));
    let refused = wrong.validate();
    refused.expect_refusal(&["there is no theme `X0`"]).expect_within(Duration::from_secs(20));
    assert_eq!(refused.stderr.matches("error:").count(), 20, "{}", refused.stderr);
    let long = "x".repeat(100_000);
    Own::of(&format!("{head}- {{id: {long}, title: t, themes: [E01], within: {long}y}}\n")).expect("6:", &[]);
    let all = many(
        &|index| {
            format!(
                "- {{id: c{index}, title: t, themes: [E01, E03, E09, E14], conflict: {{with: [acme/c0], why: w}}}}\n"
            )
        },
        1000,
    );
    let all = Own::of(&all.replacen(", conflict: {with: [acme/c0], why: w}", "", 1));
    let run = all.tool().1.args(["-o", "json", "--framework", "acme"]).run();
    run.expect_within(Duration::from_secs(40));
    assert!(matches!(run.code, Some(0..=2)) && !run.stderr.contains("internal fault"), "{}", run.stderr);
}
