//! Checks that people write: begun, tested, used, and refused with a place and a caret.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use logaudit::verdict::Status;
use tempfile::TempDir;

use super::{over, run};
use crate::support::stage::pinned;
use crate::support::tool::Output;

/// A folder with the check that `checks new` begins.
struct Own {
    folder: TempDir,
}

impl Own {
    fn begun() -> Self {
        static BEGUN: LazyLock<String> = LazyLock::new(|| {
            let begun = run(&["checks", "new", "retention", "Logs are kept longer"]);
            begun.expect_code(0).stdout.clone()
        });
        let own = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(own.path().join("retention")).unwrap();
        fs::write(own.file(), &*BEGUN).unwrap();
        own
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn file(&self) -> PathBuf {
        self.path().join("retention/longer.yaml")
    }

    /// The same check with one line replaced.
    fn with(line: &str, by: &str) -> Self {
        let own = Self::begun();
        let text = fs::read_to_string(own.file()).unwrap();
        let found = text.lines().find(|known| known.starts_with(line)).unwrap();
        fs::write(own.file(), text.replacen(found, by, 1)).unwrap();
        own
    }

    fn test(&self) -> Output {
        pinned().args(["checks", "test"]).arg(self.path()).run()
    }

    fn run(&self, args: &[&str]) -> Output {
        over("kubeadm-hardened").args(["-o", "json", "--checks"]).arg(self.path()).args(args).run()
    }
}

#[test]
fn a_check_that_was_begun_works_at_once() {
    let own = Own::begun();
    let tested = own.test();
    assert!(tested.expect_code(0).stdout.ends_with("2 passed, 0 failed\n"), "{tested:#?}");
    let report = own.run(&["--only", "MY-*"]).report();
    assert_eq!(report.verdicts().into_iter().collect::<Vec<_>>(), [("MY-RET-001".to_owned(), Status::Pass)]);
    let with_all = own.run(&[]).report();
    assert_eq!(
        with_all.verdicts().len(),
        over("kubeadm-hardened").args(["-o", "json"]).run().report().verdicts().len() + 1
    );
    let listed = pinned().args(["checks", "list", "--checks"]).arg(own.path()).run();
    assert!(listed.expect_code(0).stdout.contains("Logs are kept longer"));
    let shown = pinned().args(["checks", "show", "MY-RET-001", "--checks"]).arg(own.file()).run();
    assert!(shown.expect_code(0).stdout.contains("Logs are kept longer"));
}

#[test]
fn a_check_of_policies_that_was_begun_works_at_once() {
    let begun = run(&["checks", "new", "policy", "Our own \"classes\" are recorded"]);
    let text = &begun.expect_code(0).stdout;
    assert!(text.contains("MY-POL-001") && text.contains("each: facts.requests"), "{text}");
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("policy")).unwrap();
    fs::write(folder.path().join("policy/ours.yaml"), text).unwrap();
    let tested = pinned().args(["checks", "test"]).arg(folder.path()).run();
    assert!(tested.expect_code(0).stdout.ends_with("3 passed, 0 failed\n"), "{tested:#?}");
    let used = pinned()
        .args(["policy", "check", "--known", "openshift-none", "-o", "json", "--checks"])
        .arg(folder.path())
        .run();
    let failed = used.expect_code(1).json();
    let ours = |finding: &&serde_json::Value| finding["check"] == "MY-POL-001" && finding["status"] == "fail";
    assert_eq!(failed["findings"].as_array().unwrap().iter().filter(ours).count(), 2);
}

#[test]
fn a_check_that_fails_its_examples_is_told() {
    let own = Own::with("pass:", "pass: item.audit.log.maxAgeDays >= 365");
    let output = own.test();
    let stdout = &output.expect_code(1).stdout;
    assert!(stdout.contains("FAIL MY-RET-001: kept for long enough: expected pass, got fail"), "{stdout}");
    assert!(stdout.ends_with("1 passed, 1 failed\n"), "{stdout}");
}

#[test]
fn the_built_in_checks_pass_their_examples() {
    // More than a thousand of them, each analysed.
    let output = pinned().args(["checks", "test"]).timeout(Duration::from_secs(240)).run();
    assert!(output.expect_code(0).stdout.ends_with(" 0 failed\n"), "{}", output.stdout);
}

/// Every mistake is told with the file, the line, the column and a caret, and nothing is judged.
fn expect_lint(own: &Own, place: &str, words: &[&str]) {
    expect_lint_in(&own.run(&[]), own, place, words);
}

fn expect_lint_in(output: &Output, own: &Own, place: &str, words: &[&str]) {
    let place = format!("{}:{place}", own.file().display());
    output.expect_refusal(&[&place, "^"]).expect_refusal(words).expect_within(Duration::from_secs(10));
}

#[test]
fn every_command_that_takes_checks_points_at_mistakes() {
    let own = Own::with("pass:", "pass: item.audit.log.maxAgeDay > 3");
    let listed = pinned().args(["checks", "list", "--checks"]).arg(own.path()).run();
    let shown = pinned().args(["checks", "show", "LA-API-001", "--checks"]).arg(own.path()).run();
    for output in [own.test(), own.run(&[]), listed, shown] {
        expect_lint_in(&output, &own, "17:22", &["did you mean `maxAgeDays`?"]);
    }
}

#[test]
fn mistakes_are_pointed_at() {
    let pass = |expression: &str| Own::with("pass:", &format!("pass: {expression}"));
    expect_lint(
        &pass("item.audit.log.maxAgeDay > 3"),
        "17:22",
        &["has no field `maxAgeDay`", "did you mean `maxAgeDays`?"],
    );
    expect_lint(&pass("itme.audit.log.maxAgeDays > 3"), "17:7", &["itme"]);
    expect_lint(&pass("params.minDay > 3"), "17:14", &["minDay", "did you mean `minDays`?"]);
    expect_lint(&pass("item.audit.log.maxAgeDays"), "17:7", &["must be a bool"]);
    expect_lint(&pass("item.audit.log.maxAgeDays > 'a'"), "17:33", &["cannot be ordered"]);
    expect_lint(&pass("has(item.audit.log)"), "17:7", &["`has()`", "unknown"]);
    expect_lint(&pass("item.name == null"), "17", &["`null`"]);
    expect_lint(&pass("size(item.name, 2) > 1"), "17", &["`size`"]);
    expect_lint(&pass("launch(item.name)"), "17", &["no function `launch`"]);
    expect_lint(&pass("item.audit.log.maxAgeDays >"), "17", &["no valid CEL"]);
    expect_lint(
        &Own::with("each:", "each: facts.apiServer"),
        "15",
        &["apiServer", "did you mean `apiServers`?"],
    );
    expect_lint(&Own::with("themes:", "themes: [E99]"), "5:10", &["no theme `E99`"]);
    expect_lint(&Own::with("severity:", "severity: grave"), "3", &["grave"]);
    expect_lint(&Own::with("title:", "titel: x"), "2", &["titel"]);
    expect_lint(&Own::with("id:", "id: lower-case"), "1:5", &["lower-case"]);
    expect_lint(&Own::with("says:", "says: ["), "18", &[]);
}

/// Expressions that would take all time, memory or stack.
#[test]
fn hostile_expressions_are_refused_or_end() {
    let nested = format!("{}true{}", "(".repeat(800), ")".repeat(800));
    expect_lint(&Own::with("pass:", &format!("pass: {nested}")), "17", &["nested more than"]);
    let long = format!("{}true", "true && ".repeat(2000));
    expect_lint(&Own::with("pass:", &format!("pass: {long}")), "17", &["bytes long; the limit is"]);
    let negations = format!("pass: \"{}true\"", "!".repeat(1500));
    let list = "[1,2,3,4,5,6,7,8,9,10]";
    let loops = (0..6).fold("true".to_owned(), |inner, index| format!("{list}.all(v{index}, {inner})"));
    let loops = format!("pass: \"{loops}\"");
    for hostile in [
        negations.as_str(),
        &loops,
        "pass: item.name.matches('(a+)+$|(((((.*)*)*)*)*)*zz$')",
        "pass: 9223372036854775807 + 1 > 0",
    ] {
        let output = Own::with("pass:", hostile).run(&["--only", "MY-*"]);
        output.expect_within(Duration::from_secs(15));
        assert!(!output.stderr.contains("internal fault"), "{output:#?}");
        assert!(matches!(output.code, Some(0..=2)), "{output:#?}");
        if output.code != Some(2) {
            assert_ne!(output.report().verdict("MY-RET-001"), Status::Pass, "{hostile}");
        }
    }
}

#[test]
fn files_that_are_no_checks_are_refused() {
    let refuse = |name: &str, bytes: &[u8], words: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(name);
        fs::write(&file, bytes).unwrap();
        let output = over("kubeadm-hardened").args(["--checks"]).arg(folder.path()).run();
        output.expect_refusal(&[folder.path().to_str().unwrap()]).expect_refusal(words);
    };
    refuse("huge.yaml", &vec![b'a'; 300 * 1024], &["larger than 256 KiB"]);
    refuse("binary.yaml", b"\xff\xfe\x00", &["cannot be read as text"]);
    refuse("broken.yaml", b"id: [", &["broken.yaml:1"]);
    refuse("short.yaml", b"id: MY-A-001\n", &["short.yaml:1:1", "missing field"]);
    refuse("bomb.yaml", b"a: &a [x,x,x]\nb: &b [*a,*a,*a]\nc: &c [*b,*b,*b]\n", &["bomb.yaml:1"]);
    refuse("notes.txt", b"id: MY-A-001\n", &["holds no check", ".yaml"]);
    over("kubeadm-hardened")
        .args(["--checks", "/nowhere"])
        .run()
        .expect_refusal(&["/nowhere", "No such file"]);
}

#[test]
fn an_id_is_never_used_twice() {
    expect_lint(
        &Own::with("id:", "id: LA-API-002"),
        "1:5",
        &["LA-API-002 is taken by checks/apiserver/LA-API-002"],
    );
    let own = Own::begun();
    fs::copy(own.file(), own.path().join("again.yaml")).unwrap();
    own.test().expect_refusal(&["MY-RET-001 is taken by", "ids are never reused", "^"]);
}
