//! The built-in checks as data: they load, their examples come out as they say, and no two are the same judgement.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use logaudit::analyze::analyze;
use logaudit::analyze::tree::FactTree;
use logaudit::check::example::{self, Example};
use logaudit::check::judge::{Judge, worst};
use logaudit::check::limits::on_big_stack;
use logaudit::check::load::{self, BUILTIN, THEMES};
use logaudit::check::{Check, CheckSet, Params};
use logaudit::verdict::Status;

static CHECKS: LazyLock<CheckSet> =
    LazyLock::new(|| on_big_stack(load::builtin).unwrap_or_else(|faults| panic!("{}", faults[0])));

fn examples(check: &Check) -> Vec<Example> {
    example::examples(check).unwrap_or_else(|error| panic!("{error}"))
}

/// The text of a check's file.
fn text(check: &Check) -> &'static str {
    let path = check.file.strip_prefix("checks/").unwrap();
    BUILTIN.get_file(path).and_then(include_dir::File::contents_utf8).unwrap()
}

#[test]
fn every_example_comes_out_as_expected() {
    let problems = on_big_stack(|| {
        let mut problems = Vec::new();
        for check in &CHECKS.checks {
            for outcome in example::test(check).unwrap_or_else(|error| panic!("{error}")) {
                if let Some(problem) = outcome.problem {
                    problems.push(format!("{}: {}: {problem}", check.file, outcome.name));
                }
            }
        }
        problems
    });
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn every_check_has_examples_of_each_verdict_it_can_reach() {
    for check in CHECKS.active() {
        let expected: BTreeSet<Status> = examples(check).iter().map(|example| example.expect).collect();
        let mut needed = vec![Status::Pass, Status::Fail];
        needed.extend(check.applies.is_some().then_some(Status::NotApplicable));
        // Whether anything could be told is always known; every other fact can be missing.
        needed.extend((check.id != "LA-API-001").then_some(Status::Unknown));
        for status in needed {
            assert!(expected.contains(&status), "{} has no example of `{status}`", check.file);
        }
        let names: BTreeSet<String> = examples(check).into_iter().map(|example| example.name).collect();
        assert_eq!(names.len(), examples(check).len(), "{} names two examples alike", check.file);
        let points = examples(check).iter().any(|example| example.at.is_some());
        assert!(points, "{} has no example that says where", check.file);
    }
}

/// Every sentence that the examples bring about is complete: no value in it is missing.
#[test]
fn sentences_hold_their_values() {
    on_big_stack(|| {
        for check in &CHECKS.checks {
            for outcome in example::test(check).unwrap_or_else(|error| panic!("{error}")) {
                for finding in outcome.findings {
                    let reason = &finding.reason;
                    let place = format!("{}: {}: {reason}", check.file, outcome.name);
                    assert!(
                        !reason.is_empty() && !reason.contains('\n') && !reason.contains("  "),
                        "{place}"
                    );
                    if finding.status != Status::Unknown {
                        assert!(!reason.contains("unknown"), "{place}");
                        assert!(!reason.ends_with('.'), "{place}");
                    }
                    assert_eq!(finding.fix.is_some(), finding.status == Status::Fail, "{place}");
                    if matches!(finding.status, Status::Pass | Status::Fail) {
                        assert!(!finding.evidence.is_empty() && finding.rank.is_some(), "{place}");
                    }
                }
            }
        }
    });
}

#[test]
fn files_have_the_form_of_a_check() {
    const KEYS: [&str; 14] = [
        "id",
        "title",
        "severity",
        "since",
        "themes",
        "what",
        "why",
        "fix",
        "fine-when",
        "params",
        "each",
        "applies",
        "pass",
        "says",
    ];
    for check in &CHECKS.checks {
        let file = Path::new(&check.file).file_name().unwrap().to_str().unwrap();
        assert!(file.starts_with(&format!("{}-", check.id)), "{}", check.file);
        let area = if check.id.starts_with("LA-RET-") { "retention" } else { "apiserver" };
        assert_eq!(check.category, area, "{}", check.file);
        assert!(check.title.chars().count() <= 60, "{}: the title is too long", check.file);
        for prose in [&check.what, &check.why, &check.fix, &check.fine_when] {
            assert!(prose.trim().len() > 20, "{}: {prose}", check.file);
        }
        let fix: Vec<&str> = check.fix.trim().lines().collect();
        assert!((1..=4).contains(&fix.len()), "{}: fix has {} lines", check.file, fix.len());
        let keys: Vec<&str> = text(check)
            .lines()
            .filter(|line| line.starts_with(|c: char| c.is_ascii_alphabetic()))
            .filter_map(|line| line.split(':').next())
            .collect();
        let known = KEYS.iter().chain(["aliases", "deprecated", "examples"].iter());
        let places: Vec<Option<usize>> =
            keys.iter().map(|key| known.clone().position(|k| k == key)).collect();
        assert!(places.is_sorted() && !places.contains(&None), "{}: keys {keys:?}", check.file);
        for line in text(check).lines().filter(|line| line.trim().starts_with("image:")) {
            assert!(!line.contains('/'), "{}: {line}: name no registry", check.file);
        }
    }
    let ids: BTreeSet<&str> = CHECKS.checks.iter().map(|check| check.id.as_str()).collect();
    assert_eq!(ids.len(), CHECKS.checks.len());
}

#[test]
fn themes_are_complete_and_in_order() {
    let ids: Vec<&str> = THEMES.iter().map(|theme| theme.id.as_str()).collect();
    let expected: Vec<String> = (1..=36).map(|number| format!("E{number:02}")).collect();
    assert_eq!(ids, expected);
    let keys: BTreeSet<&str> = THEMES.iter().map(|theme| theme.key.as_str()).collect();
    assert_eq!(keys.len(), THEMES.len());
    assert!(THEMES.iter().all(|theme| theme.what.len() > 20));
}

/// Two checks that give the same verdict on every input of either are one judgement.
#[test]
fn no_two_checks_are_the_same_judgement() {
    let verdicts = on_big_stack(|| {
        let mut inputs = Vec::new();
        for check in &CHECKS.checks {
            let folder = Path::new(&check.file).parent().unwrap();
            for example in examples(check) {
                let snapshot = example::snapshot(&example, folder).unwrap();
                inputs.push(FactTree::new(&analyze(&snapshot)).unwrap());
            }
        }
        let mut verdicts: BTreeMap<&str, Vec<Option<Status>>> = BTreeMap::new();
        for tree in &inputs {
            let mut judge = Judge::new(tree);
            for check in CHECKS.active() {
                let verdict = worst(&judge.judge(check, &Params::new()));
                verdicts.entry(check.id.as_str()).or_default().push(verdict);
            }
        }
        verdicts
    });
    for (left, of_left) in &verdicts {
        for (right, of_right) in verdicts.range(*left..).skip(1) {
            assert_ne!(of_left, of_right, "{left} and {right} agree on every input");
        }
    }
}

/// The check that the README shows is one: it loads, and its examples come out.
#[test]
fn the_check_in_the_readme_works() {
    let readme = BUILTIN.get_file("README.md").and_then(include_dir::File::contents_utf8).unwrap();
    let (_, rest) = readme.split_once("```yaml\nid: ").expect("a whole check in the README");
    let (body, _) = rest.split_once("```").unwrap();
    let file = ("my-checks/example.yaml".to_owned(), format!("id: {body}"));
    on_big_stack(|| {
        let set = load::load(CheckSet::default(), &[file]).unwrap_or_else(|faults| panic!("{}", faults[0]));
        let outcomes = example::test(&set.checks[0]).unwrap();
        assert!(outcomes.len() >= 2);
        for outcome in outcomes {
            assert_eq!(outcome.problem, None, "{}", outcome.name);
        }
    });
}
