//! The built-in checks as data: they load, their examples come out as they say, and no two are the same judgement.

mod fixes;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use logaudit::analyze::policy::catalogue::CATALOGUE;
use logaudit::analyze::tree::FactTree;
use logaudit::check::builtin;
use logaudit::check::example::{self, Example};
use logaudit::check::judge::{Judge, worst};
use logaudit::check::limits::{on_big_stack, on_big_stacks};
use logaudit::check::load::{self, THEMES};
use logaudit::check::{Check, CheckSet, Params};
use logaudit::verdict::{Severity, Status};

static CHECKS: LazyLock<CheckSet> =
    LazyLock::new(|| on_big_stack(load::builtin).unwrap_or_else(|faults| panic!("{}", faults[0])));

fn examples(check: &Check) -> Vec<Example> {
    example::examples(check).unwrap_or_else(|error| panic!("{error}"))
}

/// The text of a check's file.
fn text(check: &Check) -> &'static str {
    let path = check.file.strip_prefix("checks/").unwrap();
    builtin::text(path).unwrap()
}

#[test]
fn every_check_has_examples_of_each_verdict_it_can_reach() {
    for check in CHECKS.active() {
        let expected: BTreeSet<Status> = examples(check).iter().map(|example| example.expect).collect();
        let mut needed = vec![Status::Pass, Status::Fail];
        needed.extend(check.applies.is_some().then_some(Status::NotApplicable));
        // Whether anything could be told is always known; every other fact can be missing.
        // And so is what a waiver says, but not what it is about.
        let is_told = check.id == "LA-API-001"
            || check.is_about_waivers() && !check.pass.uses.iter().any(|path| path.ends_with(".failures"));
        needed.extend((!is_told).then_some(Status::Unknown));
        for status in needed {
            assert!(expected.contains(&status), "{} has no example of `{status}`", check.file);
        }
        let names: BTreeSet<String> = examples(check).into_iter().map(|example| example.name).collect();
        assert_eq!(names.len(), examples(check).len(), "{} names two examples alike", check.file);
        let points = examples(check).iter().any(|example| example.at.is_some());
        assert!(points, "{} has no example that says where", check.file);
    }
}

/// Every sentence that the examples bring about is complete: no value in it is missing. That they come out as expected is what
/// `checks test` says, which `cli::own_checks` runs.
#[test]
fn sentences_hold_their_values() {
    on_big_stacks(&CHECKS.checks, |check| {
        for outcome in example::test(check).unwrap_or_else(|error| panic!("{error}")) {
            for finding in outcome.findings {
                let reason = &finding.reason;
                let place = format!("{}: {}: {reason}", check.file, outcome.name);
                assert!(!reason.is_empty() && !reason.contains('\n') && !reason.contains("  "), "{place}");
                if finding.status != Status::Unknown {
                    // A key that the server does not know, and the group that stands for any other.
                    let said = reason.replace("unknown field", "").replace("unknown.example", "");
                    assert!(!said.contains("unknown"), "{place}");
                    assert!(!reason.ends_with('.'), "{place}");
                }
                assert_eq!(finding.fix.is_some(), finding.status == Status::Fail, "{place}");
                if matches!(finding.status, Status::Pass | Status::Fail) {
                    assert!(!finding.evidence.is_empty() && finding.rank.is_some(), "{place}");
                }
            }
        }
    });
}

#[test]
fn files_have_the_form_of_a_check() {
    const KEYS: [&str; 16] = [
        "id",
        "title",
        "severity",
        "since",
        "themes",
        "what",
        "why",
        "fix",
        "fine-when",
        "baseline",
        "params",
        "each",
        "where",
        "applies",
        "pass",
        "says",
    ];
    for check in &CHECKS.checks {
        let file = Path::new(&check.file).file_name().unwrap().to_str().unwrap();
        assert!(file.starts_with(&format!("{}-", check.id)), "{}", check.file);
        let area = match check.id.get(..7) {
            Some("LA-RET-") => "retention",
            Some("LA-POL-") => "policy",
            Some("LA-COL-") => "collection",
            Some("LA-EVT-") => "events",
            Some("LA-INT-") => "integrity",
            Some("LA-ALT-") => "alerting",
            Some("LA-NET-") => "network",
            Some("LA-WVR-") => "waivers",
            Some("LA-CLD-" | "LA-EKS-" | "LA-AKS-" | "LA-GKE-") => "cloud",
            _ => "apiserver",
        };
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
    let expected: Vec<String> = (1..=40).map(|number| format!("E{number:02}")).collect();
    assert_eq!(ids, expected);
    let keys: BTreeSet<&str> = THEMES.iter().map(|theme| theme.key.as_str()).collect();
    assert_eq!(keys.len(), THEMES.len());
    assert!(THEMES.iter().all(|theme| theme.what.len() > 20));
}

/// Two checks that give the same verdict on every input of either are one judgement.
#[test]
fn no_two_checks_are_the_same_judgement() {
    let inputs: Vec<_> = CHECKS
        .checks
        .iter()
        .flat_map(|check| {
            let folder = Path::new(&check.file).parent().unwrap();
            examples(check).into_iter().map(move |example| (folder, example))
        })
        .collect();
    let by_input = on_big_stacks(&inputs, |(folder, example)| {
        let snapshot = example::snapshot(example, folder).unwrap();
        let tree = FactTree::new(&example::facts(example, &snapshot).unwrap()).unwrap();
        let mut judge = Judge::new(&tree);
        CHECKS.active().map(|check| worst(&judge.judge(check, &Params::new()))).collect::<Vec<_>>()
    });
    let mut verdicts: BTreeMap<&str, Vec<Option<Status>>> = BTreeMap::new();
    for of_input in &by_input {
        for (check, verdict) in CHECKS.active().zip(of_input) {
            verdicts.entry(check.id.as_str()).or_default().push(*verdict);
        }
    }
    for (left, of_left) in &verdicts {
        for (right, of_right) in verdicts.range(*left..).skip(1) {
            assert_ne!(of_left, of_right, "{left} and {right} agree on every input");
        }
    }
}

/// Every entry of the catalogue is judged by exactly one check with that parameter, of the entry's severity.
fn each_is_in_one(param: &str, entries: impl Iterator<Item = (String, String)>) {
    let judging = |id: &str| {
        let checks = CHECKS.active().filter(move |check| list(check, param).iter().any(|own| own == id));
        checks.map(|check| (check.id.clone(), check.severity.to_string())).collect::<Vec<_>>()
    };
    let mut ids = BTreeSet::new();
    for (id, severity) in entries {
        let found = judging(&id);
        assert_eq!(found.len(), 1, "{id} belongs to exactly one check, not to {found:?}");
        assert_eq!(found[0].1, severity, "{id} is in {}", found[0].0);
        ids.insert(id);
    }
    for check in CHECKS.active() {
        for id in list(check, param) {
            assert!(ids.contains(&id), "{}: {id} is not to be judged there", check.id);
        }
    }
}

/// A parameter that is a list.
fn list(check: &Check, param: &str) -> Vec<String> {
    let values = check.params.get(param).and_then(|value| value.as_array()).cloned().unwrap_or_default();
    values.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
}

#[test]
fn every_class_of_requests_is_judged_once() {
    let classes = CATALOGUE.classes.iter();
    each_is_in_one("classes", classes.map(|class| (class.id.clone(), class.severity.to_string())));
}

/// To detect an act is worth more than its details, so these checks are one step milder.
#[test]
fn every_class_that_needs_more_to_investigate_is_judged_in_depth() {
    let deep = CATALOGUE.classes.iter().filter(|class| class.investigate > class.detect);
    let severity = |severity: Severity| match severity {
        Severity::Critical | Severity::High => Severity::Medium,
        Severity::Medium | Severity::Low => Severity::Low,
    };
    each_is_in_one("inDepth", deep.map(|class| (class.id.clone(), severity(class.severity).to_string())));
    for class in CATALOGUE.classes.iter().filter(|class| class.investigate > class.detect) {
        let check = match class.severity {
            Severity::Critical => "LA-POL-060",
            Severity::High => "LA-POL-061",
            Severity::Medium | Severity::Low => "LA-POL-062",
        };
        assert!(
            list(CHECKS.get(check).unwrap(), "inDepth").contains(&class.id),
            "{} is in {check}",
            class.id
        );
    }
}

#[test]
fn every_body_is_judged_once() {
    let bodies = CATALOGUE.bodies.iter();
    each_is_in_one("bodies", bodies.map(|body| (body.id.clone(), body.severity.to_string())));
}

/// Each check that the README shows is one: it loads, and its examples come out.
#[test]
fn the_checks_in_the_readme_work() {
    let readme = builtin::text("README.md").unwrap();
    let files: Vec<(String, String)> = readme
        .split("```yaml\nid: ")
        .skip(1)
        .enumerate()
        .map(|(number, rest)| {
            let (body, _) = rest.split_once("```").unwrap();
            (format!("my-checks/example-{number}.yaml"), format!("id: {body}"))
        })
        .collect();
    assert_eq!(files.len(), 2);
    on_big_stack(|| {
        let set = load::load(CheckSet::default(), &files).unwrap_or_else(|faults| panic!("{}", faults[0]));
        for check in &set.checks {
            let outcomes = example::test(check).unwrap();
            assert!(outcomes.len() >= 2);
            for outcome in outcomes {
                assert_eq!(outcome.problem, None, "{}", outcome.name);
            }
        }
    });
}
