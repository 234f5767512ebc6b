//! Audit policies: nanoseconds per request of the evaluator, from plain string attributes, and milliseconds for all that
//! there is to prove of a policy: `cargo bench --bench policy_eval`.
//!
//! The bars are 60 ns at 5 rules, at most five times that at 1,000, and 50 ms for the coverage of 100 rules.

use std::iter;

use divan::{Bencher, black_box};
use logaudit::analyze::policy::apis::Apis;
use logaudit::analyze::policy::catalogue::CATALOGUE;
use logaudit::analyze::policy::coverage::{Prover, differences};
use logaudit::analyze::policy::lint::lint;
use logaudit::analyze::policy::load::NEWEST;
use logaudit::analyze::policy::matches::{Attributes, Evaluator, GroupWildcard};
use logaudit::analyze::policy::{AuditPolicy, GroupResources, Level, PolicyRule};

fn main() {
    divan::main();
}

const RULES: [usize; 4] = [5, 20, 100, 1_000];

fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

fn of_group(group: &str, resources: &[&str]) -> GroupResources {
    GroupResources { group: group.into(), resources: strings(resources), resource_names: vec![] }
}

/// A rule of a kind that real policies have, for the team with this number.
fn rule(number: usize) -> PolicyRule {
    let team = number / 8;
    let level = if number.is_multiple_of(3) { Level::None } else { Level::Metadata };
    let rule = PolicyRule { level, ..PolicyRule::default() };
    let writes = strings(&["create", "update", "patch", "delete", "deletecollection"]);
    match number % 8 {
        0 => PolicyRule {
            users: vec![format!("system:serviceaccount:team-{team}:controller")],
            verbs: strings(&["get", "list", "watch"]),
            ..rule
        },
        1 => PolicyRule {
            non_resource_urls: vec![format!("/team-{team}/healthz*"), format!("/team-{team}/version")],
            ..rule
        },
        2 => PolicyRule {
            resources: vec![
                of_group("", &["secrets", "configmaps", "serviceaccounts/token"]),
                of_group("authentication.k8s.io", &["tokenreviews"]),
            ],
            namespaces: vec![format!("team-{team}")],
            ..rule
        },
        3 => PolicyRule {
            verbs: writes,
            resources: vec![of_group(&format!("team-{team}.example.com"), &[])],
            ..rule
        },
        4 => PolicyRule { user_groups: vec![format!("team-{team}-admins")], verbs: writes, ..rule },
        5 => PolicyRule {
            resources: vec![of_group("", &["pods/exec", "pods/attach", "*/proxy"])],
            user_groups: vec![format!("team-{team}-admins")],
            ..rule
        },
        6 => PolicyRule {
            resources: vec![GroupResources {
                group: String::new(),
                resources: strings(&["configmaps"]),
                resource_names: vec![format!("leader-{team}")],
            }],
            ..rule
        },
        _ => PolicyRule { namespaces: vec![format!("team-{team}"), format!("team-{team}-test")], ..rule },
    }
}

/// So many rules, the last of which matches everything.
fn policy(count: usize) -> AuditPolicy {
    let rest = PolicyRule { level: Level::Metadata, ..PolicyRule::default() };
    let rules = (0..count - 1).map(rule).chain(iter::once(rest));
    AuditPolicy { rules: rules.collect(), ..AuditPolicy::default() }
}

/// Every class, body and noise of the catalogue.
#[divan::bench(args = [5, 20, 100, 1_000], sample_count = 20)]
fn coverage(bencher: Bencher<'_, '_>, rules: usize) {
    let (policy, apis) = (policy(rules), Apis::of_version(NEWEST));
    let catalogue = &*CATALOGUE;
    bencher.bench_local(|| {
        let prover = Prover::new(black_box(&policy), GroupWildcard::Any, &apis, catalogue);
        (prover.classes(), prover.bodies(), prover.noise())
    });
}

/// Which rules are reached, which make a difference, which parts can match.
#[divan::bench(args = [5, 20, 100, 1_000], sample_count = 20)]
fn oddities(bencher: Bencher<'_, '_>, rules: usize) {
    let (policy, apis) = (policy(rules), Apis::of_version(NEWEST));
    bencher.bench_local(|| lint(&Prover::new(black_box(&policy), GroupWildcard::Any, &apis, &CATALOGUE)));
}

/// Everything that another order of the rules changes.
#[divan::bench(args = [5, 20, 100], sample_count = 20)]
fn difference(bencher: Bencher<'_, '_>, rules: usize) {
    let (policy, apis) = (policy(rules), Apis::of_version(NEWEST));
    let mut other = policy.clone();
    other.rules.reverse();
    bencher.bench_local(|| differences(black_box(&policy), &other, GroupWildcard::Any, &apis, &CATALOGUE));
}

/// Requests whose deciding rules lie all over a policy, in an order without a pattern.
fn requests(rules: usize) -> Vec<Attributes> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap_or(0)
    };
    let targets = [
        ("", "pods", ""),
        ("", "pods", "exec"),
        ("", "secrets", ""),
        ("", "configmaps", ""),
        ("apps", "deployments", ""),
        ("coordination.k8s.io", "leases", ""),
        ("rbac.authorization.k8s.io", "clusterrolebindings", ""),
        ("", "pods", "status"),
    ];
    let verbs = ["get", "list", "watch", "create", "update", "patch", "delete"];
    let team = |random: usize| random % (rules / 8 + 2);
    iter::repeat_with(|| {
        let (api_group, resource, subresource) = targets.get(random(8)).copied().unwrap_or_default();
        let verb = verbs.get(random(7)).copied().unwrap_or_default().to_owned();
        let sender = team(random(rules));
        let namespace = format!("team-{}", team(random(rules)));
        let user = format!(
            "system:serviceaccount:team-{sender}:{}",
            if random(2) == 0 { "controller" } else { "default" }
        );
        let groups = vec![
            "system:serviceaccounts".into(),
            format!("system:serviceaccounts:team-{sender}"),
            if random(4) == 0 { format!("team-{sender}-admins") } else { "system:authenticated".into() },
        ];
        if random(10) == 0 {
            let path = match random(3) {
                0 => format!("/team-{sender}/healthz/ping"),
                1 => "/metrics".into(),
                _ => "/api".into(),
            };
            return Attributes {
                user: Some(user),
                groups,
                verb: "get".into(),
                path,
                ..Attributes::default()
            };
        }
        let name = format!("leader-{sender}");
        Attributes {
            user: Some(user),
            groups,
            verb,
            api_group: api_group.into(),
            api_version: "v1".into(),
            resource: resource.into(),
            subresource: subresource.into(),
            path: format!("/api/v1/namespaces/{namespace}/{resource}/{name}"),
            name,
            namespace,
            is_resource_request: true,
        }
    })
    .take(512)
    .collect()
}

// Samples long enough for the clock, and many of them: the fastest is what counts on a machine that does other things too.
#[divan::bench(args = RULES, sample_size = 5_000, sample_count = 300)]
fn evaluate(bencher: Bencher, rules: usize) {
    let evaluator = Evaluator::new(&policy(rules));
    let requests = requests(rules);
    let mut next = requests.iter().cycle();
    bencher.bench_local(move || next.next().map(|request| evaluator.evaluate(black_box(request))));
}

#[divan::bench(args = RULES)]
fn compile(bencher: Bencher, rules: usize) {
    let policy = policy(rules);
    bencher.bench_local(|| Evaluator::new(black_box(&policy)));
}
