//! Coverage against brute force: random policies, random classes, random requests.

mod requests;

use std::collections::BTreeMap;

use logaudit::analyze::policy::apis::{Apis, Resource};
use logaudit::analyze::policy::catalogue::{
    CATALOGUE, Catalogue, Noise, RequestClass, RequestPattern, Senders, Volume, Who,
};
use logaudit::analyze::policy::coverage::{ClassCoverage, Difference, Exception, Prover, Span, differences};
use logaudit::analyze::policy::matches::{
    Attributes, Evaluator, GroupWildcard, RequestKind, effective_level, written_stages,
};
use logaudit::analyze::policy::{AuditPolicy, GroupResources, Level, PolicyRule, Stage};
use logaudit::verdict::Severity;
use requests::{Dice, request};

/// How many policies are drawn, and how many requests for each.
const POLICIES: u64 = 8_000;
const REQUESTS: usize = 300;

const USERS: [&str; 12] = [
    "alice",
    "bob",
    "system:kube-scheduler",
    "system:anonymous",
    "system:serviceaccount:kube-system:a",
    "system:serviceaccount:dev:a",
    "system:serviceaccount:dev:b",
    "system:serviceaccount:*:a",
    "system:node:n1",
    "system:node:*",
    "system:masters",
    "*",
];
const GROUPS: [&str; 11] = [
    "dev",
    "ops",
    "system:masters",
    "system:nodes",
    "system:authenticated",
    "system:unauthenticated",
    "system:serviceaccounts",
    "system:serviceaccounts:dev",
    "system:serviceaccounts:kube-system",
    "system:serviceaccounts:*",
    "*",
];
const VERBS: [&str; 8] = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];
const RESOURCES: [&str; 9] =
    ["secrets", "pods", "pods/exec", "*", "*/exec", "pods/*", "namespaces", "nodes", "secret"];
const NAMESPACES: [&str; 5] = ["dev", "kube-system", "", "*", "x"];
const NAMES: [&str; 4] = ["a", "b", "*", "kube-system"];
const URLS: [&str; 8] = ["/healthz*", "/healthz", "/api*", "/api/*", "*", "/metrics", "/apis/x", "/"];

fn apis() -> Apis {
    let verbs = || VERBS.map(str::to_owned).to_vec();
    let resource = |namespaced, subresources: &[&str]| Resource {
        namespaced,
        verbs: verbs(),
        subresources: subresources.iter().map(|name| ((*name).to_owned(), verbs())).collect(),
    };
    let named = |name: &str| (String::new(), name.to_owned());
    let resources = BTreeMap::from([
        (named("secrets"), resource(true, &[])),
        (named("pods"), resource(true, &["exec", "log"])),
        (named("namespaces"), resource(false, &["finalize"])),
        (named("nodes"), resource(false, &["proxy"])),
        (("apps".to_owned(), "deployments".to_owned()), resource(true, &["scale"])),
    ]);
    Apis { resources, complete: true, ..Apis::default() }
}

fn rule(dice: &mut Dice) -> PolicyRule {
    let about_paths = dice.one_in(5);
    let mut rule = PolicyRule {
        level: *dice.of(&Level::ALL),
        users: dice.some(&USERS, 4),
        user_groups: dice.some(&GROUPS, 3),
        verbs: dice.some(&VERBS, 2),
        omit_stages: if dice.one_in(6) { vec![*dice.of(&Stage::ALL)] } else { Vec::new() },
        ..PolicyRule::default()
    };
    if about_paths {
        rule.non_resource_urls = dice.some(&URLS, 1);
        return rule;
    }
    rule.namespaces = dice.some(&NAMESPACES, 4);
    if !dice.one_in(4) {
        for _ in 0..=usize::from(dice.one_in(3)) {
            let resources = dice.some(&RESOURCES, 1);
            let resource_names = if resources.is_empty() { Vec::new() } else { dice.some(&NAMES, 4) };
            let group = (*dice.of(&["", "", "", "apps", "*", "foo.io"])).to_owned();
            rule.resources.push(GroupResources { group, resources, resource_names });
        }
    }
    rule
}

fn policy(dice: &mut Dice) -> AuditPolicy {
    let rules = 1 + dice.below(7);
    AuditPolicy {
        omit_stages: if dice.one_in(5) { vec![*dice.of(&Stage::ALL)] } else { Vec::new() },
        rules: (0..rules).map(|_| rule(dice)).collect(),
        ..AuditPolicy::default()
    }
}

const WHO: [Who; 8] = [
    Who::Person,
    Who::Unprivileged,
    Who::ServiceAccount,
    Who::WorkloadAccount,
    Who::PlatformAccount,
    Who::Node,
    Who::Anonymous,
    Who::FailedAuthentication,
];

fn class(dice: &mut Dice) -> RequestClass {
    let mut who: Vec<Who> = WHO.into_iter().filter(|_| dice.one_in(3)).collect();
    if who.is_empty() {
        who = vec![Who::Person, Who::ServiceAccount, Who::Node, Who::Anonymous];
    }
    let mut verbs = dice.some(&VERBS, 0);
    if verbs.is_empty() {
        verbs = vec!["get".into()];
    }
    let pattern = if dice.one_in(5) {
        let urls = dice.some(&["/api/*", "/healthz*", "/metrics", "/x"], 0);
        RequestPattern { verbs: vec!["get".into()], urls, ..RequestPattern::default() }
    } else {
        RequestPattern {
            verbs,
            group: (*dice.of(&["", "", "apps", "*", "unknown.example"])).to_owned(),
            resources: dice.some(&["secrets", "pods", "pods/exec", "namespaces", "nodes", "*"], 0),
            namespaces: if dice.one_in(6) { dice.some(&["dev", "kube-system", "y"], 0) } else { Vec::new() },
            names: if dice.one_in(6) { dice.some(&["a", "", "z"], 0) } else { Vec::new() },
            ..RequestPattern::default()
        }
    };
    RequestClass {
        id: "RC-01".into(),
        title: "t".into(),
        severity: Severity::High,
        detect: *dice.of(&[Level::Metadata, Level::Metadata, Level::Request]),
        investigate: Level::RequestResponse,
        why: String::new(),
        attack: Vec::new(),
        who,
        except: if dice.one_in(4) {
            Senders { users: dice.some(&USERS, 2), groups: dice.some(&GROUPS, 3) }
        } else {
            Senders::default()
        },
        requests: vec![pattern],
    }
}

fn excluded(catalogue: &Catalogue, class: &RequestClass) -> Option<Evaluator> {
    let mut rules: Vec<PolicyRule> = catalogue.noise.iter().map(|noise| noise.rule.clone()).collect();
    if !class.except.users.is_empty() {
        rules.push(PolicyRule { users: class.except.users.clone(), ..PolicyRule::default() });
    }
    if !class.except.groups.is_empty() {
        rules.push(PolicyRule { user_groups: class.except.groups.clone(), ..PolicyRule::default() });
    }
    (!rules.is_empty()).then(|| Evaluator::new(&AuditPolicy { rules, ..AuditPolicy::default() }))
}

fn in_span(span: &Span, value: &str) -> bool {
    match span {
        Span::Any | Span::None => true,
        Span::Except(values) => value.is_empty() || !values.iter().any(|known| known == value),
        Span::These(values) => value.is_empty() || values.iter().any(|known| known == value),
    }
}

fn words_of(attributes: &Attributes) -> String {
    if !attributes.is_resource_request {
        return attributes.path.clone();
    }
    if attributes.resource == "things" {
        let group = &attributes.api_group;
        let unknown = group == "unknown.example";
        return if unknown {
            "anything in groups that no rule names".into()
        } else {
            format!("anything else in {group}")
        };
    }
    let dot = if attributes.api_group.is_empty() { "" } else { "." };
    let slash = if attributes.subresource.is_empty() { "" } else { "/" };
    format!("{}{dot}{}{slash}{}", attributes.resource, attributes.api_group, attributes.subresource)
}

fn explains(exception: &Exception, attributes: &Attributes) -> bool {
    let requests = &exception.requests;
    requests.verbs.contains(&attributes.verb)
        && (!attributes.is_resource_request || requests.resources.contains(&words_of(attributes)))
        && in_span(&requests.namespaces, &attributes.namespace)
        && in_span(&requests.names, &attributes.name)
}

/// The kind of a sender, by its name.
fn kind(user: Option<&str>) -> Who {
    match user {
        None => Who::FailedAuthentication,
        Some("system:anonymous") => Who::Anonymous,
        Some(name) if name.starts_with("system:serviceaccount:") => Who::ServiceAccount,
        Some(name) if name.starts_with("system:node:") => Who::Node,
        Some(_) => Who::Person,
    }
}

/// What is told of kinds of senders adds up to what is told of all.
fn adds_up(coverage: &ClassCoverage) -> bool {
    let senders = &coverage.senders;
    let levels = (senders.iter().map(|one| one.least).min(), senders.iter().map(|one| one.most).max());
    !coverage.served && senders.is_empty()
        || levels == (Some(coverage.least), Some(coverage.most))
            && senders.iter().all(|one| one.detected) == coverage.is_detected()
            && senders.iter().all(|one| one.investigated) == coverage.is_investigated()
}

#[test]
fn coverage_is_what_brute_force_finds() {
    let apis = apis();
    let mut pairs = 0_u64;
    let (mut bad, mut good, mut witnesses) = (0_u64, 0_u64, 0_u64);
    for seed in 0..POLICIES {
        let dice = &mut Dice::new(seed);
        let policy = policy(dice);
        let class = class(dice);
        let noise: Vec<Noise> = (0..dice.below(3))
            .map(|_| Noise {
                id: "N".into(),
                title: "n".into(),
                caution: String::new(),
                tolerated: true,
                volume: Volume::Little,
                rule: rule(dice),
            })
            .collect();
        let catalogue = Catalogue { classes: vec![class.clone()], bodies: Vec::new(), noise };
        let prover = Prover::new(&policy, GroupWildcard::Any, &apis, &catalogue);
        let coverage: ClassCoverage = prover.class(&class).unwrap();
        assert!(adds_up(&coverage), "seed {seed}: {coverage:#?}");
        let evaluator = Evaluator::new(&policy);
        let excluded = excluded(&catalogue, &class);
        let is_excluded = |attributes: &Attributes| {
            excluded.as_ref().is_some_and(|rules| rules.evaluate(attributes).rule.is_some())
        };
        for exception in coverage.undetected.iter().chain(&coverage.shallow) {
            let witness = &exception.requests.witness;
            let decision = evaluator.evaluate(witness);
            let level = effective_level(&decision, RequestKind::of(witness));
            assert_eq!(
                (decision.rule, level),
                (exception.rule, exception.level),
                "seed {seed}: the witness is decided otherwise\n{exception:#?}\n{policy:#?}"
            );
            assert!(!is_excluded(witness), "seed {seed}: the witness is not asked about\n{exception:#?}");
            witnesses += 1;
        }
        for _ in 0..REQUESTS {
            let Some(attributes) = request(dice, &class, &policy, &apis) else { continue };
            if is_excluded(&attributes) {
                continue;
            }
            pairs += 1;
            let decision = evaluator.evaluate(&attributes);
            let level = effective_level(&decision, RequestKind::of(&attributes));
            let context = || format!("seed {seed}: {attributes:#?}\n{coverage:#?}\n{class:#?}\n{policy:#?}");
            assert!(coverage.served, "not served {}", context());
            assert!(
                level >= coverage.least && level <= coverage.most,
                "outside of least and most {}",
                context()
            );
            let sender = coverage.senders.iter().find(|one| one.who == kind(attributes.user.as_deref()));
            assert!(
                sender.is_some_and(|one| {
                    (one.least..=one.most).contains(&level) && (!one.detected || level >= class.detect)
                }),
                "told otherwise of its sender {}",
                context()
            );
            if level < class.detect {
                bad += 1;
                let explained = coverage.undetected.iter().any(|exception| {
                    exception.rule == decision.rule
                        && exception.level == level
                        && explains(exception, &attributes)
                });
                assert!(explained, "an exception is missing {}", context());
            } else {
                good += 1;
            }
        }
    }
    println!(
        "{pairs} pairs of policy and request, {bad} below the level and {good} not; {witnesses} witnesses confirmed"
    );
    assert!(pairs >= 1_000_000, "only {pairs} pairs");
    assert!(bad > pairs / 10 && good > pairs / 10, "too one-sided: {bad} and {good}");
}

#[test]
fn differences_are_what_brute_force_finds() {
    let apis = apis();
    let catalogue = Catalogue { classes: Vec::new(), bodies: Vec::new(), noise: Vec::new() };
    let mut changed = 0_u64;
    for seed in 0..400 {
        let dice = &mut Dice::new(seed);
        let before = policy(dice);
        let mut after = before.clone();
        match dice.below(3) {
            0 => after.rules.reverse(),
            1 => after.rules.push(rule(dice)),
            _ => after = policy(dice),
        }
        let none = differences(&before, &before, GroupWildcard::Any, &apis, &catalogue).unwrap();
        assert_eq!(none, [], "seed {seed}: a policy differs from itself");
        let list = differences(&before, &after, GroupWildcard::Any, &apis, &catalogue).unwrap();
        let evaluators = [&before, &after].map(Evaluator::new);
        let results = |attributes: &Attributes| {
            evaluators.each_ref().map(|evaluator| {
                let decision = evaluator.evaluate(attributes);
                let kind = RequestKind::of(attributes);
                (effective_level(&decision, kind), written_stages(&decision, kind), decision.rule)
            })
        };
        for difference in &list {
            let [first, second] = results(&difference.requests.witness);
            assert_eq!(
                (first, second),
                (
                    (difference.before, difference.stages_before, difference.rule_before),
                    (difference.after, difference.stages_after, difference.rule_after)
                ),
                "seed {seed}: {difference:#?}\n{before:#?}\n{after:#?}"
            );
        }
        for _ in 0..200 {
            let class = class(dice);
            let both =
                AuditPolicy { rules: [before.rules.clone(), after.rules.clone()].concat(), ..before.clone() };
            let Some(mut attributes) = request(dice, &class, &both, &apis) else { continue };
            // Things stand for all that nobody knows.
            let is_known = apis.get(&attributes.api_group, &attributes.resource).is_some();
            if attributes.is_resource_request && !is_known {
                if !attributes.subresource.is_empty() {
                    continue;
                }
                attributes.resource = "things".into();
            }
            let [first, second] = results(&attributes);
            if (first.0, first.1) == (second.0, second.1) {
                continue;
            }
            changed += 1;
            let is_told = list.iter().any(|difference| {
                (difference.before, difference.after) == (first.0, second.0)
                    && (difference.rule_before, difference.rule_after) == (first.2, second.2)
                    && difference.requests.verbs.contains(&attributes.verb)
                    && (!attributes.is_resource_request
                        || difference.requests.resources.contains(&words_of(&attributes)))
            });
            assert!(is_told, "seed {seed}: {attributes:#?}\n{list:#?}\n{before:#?}\n{after:#?}");
        }
    }
    assert!(changed > 5_000, "only {changed} requests changed");
}

fn load(text: &str) -> AuditPolicy {
    let text = format!("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n{text}");
    let loaded =
        logaudit::analyze::policy::load::load(text.as_bytes(), "p", logaudit::analyze::policy::load::NEWEST);
    loaded.policy.unwrap()
}

#[test]
fn a_collection_that_is_deleted_has_no_name() {
    // The server takes a name from the URL, or from the field selector of a list or a watch; a DELETE without a name in
    // its URL is the verb deletecollection and stays without.
    let policy = load(
        "- {level: None, verbs: [deletecollection], resources: [{group: '', resources: [secrets], resourceNames: [a]}]}\n\
         - {level: Metadata}\n",
    );
    let apis = apis();
    let prover = Prover::new(&policy, GroupWildcard::Any, &apis, &CATALOGUE);
    let class = CATALOGUE.classes.iter().find(|class| class.id == "RC-02").unwrap();
    assert_eq!(prover.class(class).unwrap().undetected, []);
}

#[test]
fn refused_credentials_leak_no_body() {
    let (before, after) = (load("- {level: Metadata}\n"), load("- {level: RequestResponse}\n"));
    let list = differences(&before, &after, GroupWildcard::Any, &apis(), &CATALOGUE).unwrap();
    let leaks: Vec<&Difference> = list.iter().filter(|difference| difference.leaks).collect();
    assert!(leaks.iter().any(|difference| difference.requests.resources == ["secrets"]));
    assert!(leaks.iter().all(|difference| difference.requests.witness.user.is_some()), "{leaks:#?}");
}
