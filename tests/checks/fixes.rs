//! What a fix tells to write into a policy does what the check asks for, and breaks nothing else.

use std::collections::BTreeSet;
use std::path::Path;

use logaudit::analyze::analyze;
use logaudit::analyze::tree::FactTree;
use logaudit::check::example::{self, Example};
use logaudit::check::judge::{Judge, worst};
use logaudit::check::limits::on_big_stack;
use logaudit::check::{Check, Params};
use logaudit::verdict::{Severity, Status};

use super::{CHECKS, examples};

/// The rule that ends a policy; all others go to its top.
const LAST: &str = "- level: Metadata";

/// Checks that fail because a rule drops too much: no other rule mends that, that one has to go.
const TAKE_OUT: [&str; 6] =
    ["LA-POL-037", "LA-POL-038", "LA-POL-043", "LA-POL-047", "LA-POL-049", "LA-POL-050"];

const BEGINNING: &str = "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nomitManagedFields: true\nrules:\n";

fn checks() -> impl Iterator<Item = &'static Check> {
    CHECKS.active().filter(|check| {
        let number = check.id.strip_prefix("LA-POL-").and_then(|number| number.parse::<u32>().ok());
        matches!(number, Some(20..=62))
    })
}

/// The rules that a fix holds between backticks, in their order.
fn rules(check: &Check) -> Vec<&str> {
    check.fix.split('`').skip(1).step_by(2).filter(|code| code.starts_with("- ")).collect()
}

/// Those for the top of a policy.
fn for_the_top(check: &Check) -> String {
    rules(check).iter().filter(|rule| **rule != LAST).map(|rule| format!("{rule}\n")).collect()
}

fn facts(manifests: String) -> FactTree {
    let text = manifests.clone();
    let example = Example {
        name: String::new(),
        expect: Status::Pass,
        at: None,
        params: Params::new(),
        manifests: Some(manifests),
        snapshot: None,
        cluster: None,
        cloud: None,
        waivers: Vec::new(),
        today: None,
    };
    let snapshot = example::snapshot(&example, Path::new("checks")).unwrap_or_else(|e| panic!("{e}\n{text}"));
    FactTree::new(&analyze(&snapshot)).unwrap()
}

/// What fails of severity medium and higher: the check and what it is about.
fn failures(policy: &str) -> BTreeSet<(String, String)> {
    let facts = facts(policy.to_owned());
    let mut judge = Judge::new(&facts);
    let grave =
        CHECKS.active().filter(|check| check.id.starts_with("LA-POL-") && check.severity >= Severity::Medium);
    grave
        .flat_map(|check| judge.judge(check, &Params::new()))
        .filter(|finding| finding.status == Status::Fail)
        .map(|finding| (finding.check, finding.subject))
        .collect()
}

fn verdict(check: &Check, params: &Params, policy: String) -> Option<Status> {
    worst(&Judge::new(&facts(policy)).judge(check, params))
}

#[test]
fn fixes_hold_rules_or_say_where_to_get_them() {
    assert_eq!(checks().count(), 30);
    for check in checks() {
        let generate = check.fix.contains("`kubectl logaudit policy generate --profile ");
        assert!(generate || !rules(check).is_empty(), "{}", check.id);
        assert_eq!(rules(check).contains(&LAST), TAKE_OUT.contains(&check.id.as_str()), "{}", check.id);
        if TAKE_OUT.contains(&check.id.as_str()) {
            assert!(generate, "{}: which rules have to go differs, so name a policy without them", check.id);
        } else {
            assert!(!rules(check).is_empty(), "{}", check.id);
        }
    }
    // Who has the program has not the folders of its source.
    for check in CHECKS.active() {
        for prose in [&check.what, &check.why, &check.fix, &check.fine_when] {
            assert!(!prose.contains("checks/"), "{}: {prose}", check.id);
        }
    }
}

#[test]
fn the_rules_of_a_fix_mend_what_fails() {
    on_big_stack(|| {
        for check in checks() {
            let mut mended = 0;
            for example in examples(check).into_iter().filter(|example| example.expect == Status::Fail) {
                let policy = if TAKE_OUT.contains(&check.id.as_str()) {
                    format!("{BEGINNING}{}{LAST}\n", for_the_top(check))
                } else {
                    let text = example.manifests.unwrap();
                    match text.split_once("rules:\n") {
                        Some((head, tail)) => format!("{head}rules:\n{}{tail}", for_the_top(check)),
                        None => {
                            assert!(
                                !text.contains("kind: Policy"),
                                "{}: {}: its rules",
                                check.id,
                                example.name
                            );
                            format!("{BEGINNING}{}", for_the_top(check))
                        }
                    }
                };
                let place = format!("{}: {}\n{policy}", check.id, example.name);
                assert_eq!(verdict(check, &example.params, policy), Some(Status::Pass), "{place}");
                mended += 1;
            }
            assert!(mended > 0, "{}", check.id);
        }
    });
}

/// On top of a policy without bodies no rule of a fix opens a leak, hides another rule or takes a level away.
#[test]
fn the_rules_of_a_fix_break_nothing_else() {
    let broken = on_big_stack(|| {
        let mut broken = Vec::new();
        for last in [LAST, "- level: None"] {
            let plain = format!("{BEGINNING}{last}\n");
            let before = failures(&plain);
            for check in checks() {
                let policy = if rules(check).contains(&LAST) {
                    format!("{BEGINNING}{}{LAST}\n", for_the_top(check))
                } else {
                    format!("{BEGINNING}{}{last}\n", for_the_top(check))
                };
                // What is not recorded at all needs no details yet, and a fix for leaks has nothing to do there.
                let fails = verdict(check, &Params::new(), plain.clone()) == Some(Status::Fail);
                if last != LAST && (!fails || rules(check).contains(&LAST)) {
                    continue;
                }
                let after = verdict(check, &Params::new(), policy.clone());
                if fails && after != Some(Status::Pass) {
                    broken.push(format!("{} on `{last}`: {after:?}", check.id));
                }
                for (id, subject) in failures(&policy).difference(&before) {
                    broken.push(format!("{} on `{last}`: now {id} fails: {subject}", check.id));
                }
            }
        }
        broken
    });
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}
