use super::super::catalogue::CATALOGUE;
use super::super::load::{NEWEST, load};
use super::*;

fn policy(rules: &str) -> AuditPolicy {
    let text = format!("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n{rules}");
    load(text.as_bytes(), "policy.yaml", NEWEST).policy.unwrap()
}

fn class(policy: &AuditPolicy, id: &str) -> ClassCoverage {
    let apis = Apis::of_version(NEWEST);
    let class = CATALOGUE.classes.iter().find(|class| class.id == id).unwrap();
    Prover::new(policy, GroupWildcard::Any, &apis, &CATALOGUE).class(class).unwrap()
}

fn words(exceptions: &[Exception]) -> Vec<String> {
    exceptions
        .iter()
        .map(|exception| {
            let rule = exception.rule.map_or_else(|| "no rule".to_owned(), |rule| rule.to_string());
            format!("{}: {} ({rule})", exception.requests.words(), exception.level)
        })
        .collect()
}

#[test]
fn one_rule_for_everything_covers_everything() {
    let policy = policy("- level: Metadata");
    let apis = Apis::of_version(NEWEST);
    for class in Prover::new(&policy, GroupWildcard::Any, &apis, &CATALOGUE).classes().unwrap() {
        assert!(class.is_detected(), "{class:#?}");
        assert_eq!(class.least, if class.served { Level::Metadata } else { Level::None });
    }
}

#[test]
fn a_group_that_is_left_out_is_blind_and_named() {
    let policy = policy("- {level: None, userGroups: ['system:nodes']}\n- {level: Metadata}");
    let reads = class(&policy, "RC-01");
    assert_eq!(words(&reads.undetected), ["get, list, watch secrets by nodes (system:nodes): None (0)"]);
    let witness = &reads.undetected[0].requests.witness;
    assert!(witness.groups.contains(&"system:nodes".to_owned()), "{witness}");
    assert!(class(&policy, "RC-63").is_detected(), "nodes are not who is denied");
}

#[test]
fn members_of_a_group_and_its_order_decide() {
    let policy = policy(
        "- {level: Metadata, userGroups: [audited]}\n- {level: None, userGroups: [trusted]}\n- {level: Metadata}",
    );
    let reads = class(&policy, "RC-01");
    assert_eq!(words(&reads.undetected), ["get, list, watch secrets by members of trusted: None (1)"]);
    let witness = &reads.undetected[0].requests.witness;
    assert!(!witness.groups.contains(&"audited".to_owned()), "who is in both is recorded: {witness}");
}

#[test]
fn a_name_that_a_rule_asks_for_leaves_lists_and_creates_out() {
    let policy = policy(
        "- {level: Metadata, resources: [{group: '', resources: [secrets], resourceNames: [db]}]}\n- {level: None}",
    );
    let reads = words(&class(&policy, "RC-01").undetected);
    assert_eq!(reads, ["get, list, watch secrets not named db by everyone: None (1)"]);
    let creates = class(&policy, "RC-02");
    assert!(words(&creates.undetected).iter().any(|words| words.starts_with("create")), "{creates:#?}");
}

#[test]
fn exec_is_asked_for_with_both_verbs() {
    let policy = policy("- {level: Metadata, verbs: [create]}\n- {level: None}");
    assert_eq!(words(&class(&policy, "RC-12").undetected), ["get pods/exec by everyone: None (1)"]);
}

#[test]
fn a_failed_login_needs_its_stage_and_a_rule_for_anyone() {
    let stage = "- {level: Metadata, omitStages: [ResponseStarted]}";
    let lost = class(&policy(stage), "RC-62");
    assert!(!lost.is_detected() && lost.undetected.iter().all(|exception| exception.lost_by_stages));
    let group = "- {level: Metadata, userGroups: ['system:authenticated', 'system:unauthenticated']}";
    let missed = class(&policy(group), "RC-62");
    assert!(!missed.is_detected() && missed.undetected.iter().all(|exception| exception.rule.is_none()));
    assert!(missed.undetected.iter().all(|exception| exception.requests.witness.user.is_none()));
}

#[test]
fn what_only_stages_take_away_is_lost() {
    let stages = "- {level: RequestResponse, omitStages: [RequestReceived, ResponseComplete]}";
    let lost = class(&policy(stages), "RC-36");
    assert!(!lost.is_detected() && lost.undetected[0].lost_by_stages);
    let exec = class(&policy(stages), "RC-12");
    assert!(exec.is_detected(), "a connection still has its ResponseStarted: {exec:#?}");
}

#[test]
fn bodies_are_logged_only_where_there_are_any() {
    let apis = Apis::of_version(NEWEST);
    let secrets = CATALOGUE.bodies.iter().find(|body| body.id == "BODY-SECRETS").unwrap();
    let logged = |rules: &str| {
        let policy = policy(rules);
        words(&Prover::new(&policy, GroupWildcard::Any, &apis, &CATALOGUE).body(secrets).unwrap().logged)
    };
    let secrets = "resources: [{group: '', resources: [secrets]}]";
    assert_eq!(
        logged(&format!("- {{level: Request, verbs: [get, list, watch, delete], {secrets}}}")),
        [""; 0]
    );
    assert_eq!(
        logged(&format!("- {{level: Request, verbs: [get, update], {secrets}}}")),
        ["update secrets by everyone: Request (0)"]
    );
    assert_eq!(
        logged(&format!("- {{level: RequestResponse, verbs: [get, watch], {secrets}}}")),
        ["get secrets by everyone: RequestResponse (0)"]
    );
}

#[test]
fn resources_that_are_not_served_are_no_gap() {
    let nothing = policy("- {level: None}");
    assert!(!class(&nothing, "RC-45").served);
    let named = policy("- {level: Metadata, resources: [{group: kyverno.io}]}\n- {level: None}");
    let engine = class(&named, "RC-45");
    assert!(
        engine.served && engine.is_detected(),
        "only the group that the policy names counts: {engine:#?}"
    );
}

#[test]
fn endless_lists_are_given_up() {
    let many = |prefix: &str| (0..2_000).map(|n| format!("{prefix}{n}")).collect::<Vec<_>>().join(",");
    let rule = |n: usize| {
        let (users, entry) = (many(&format!("u{n}-")), "group: '', resources: [secrets]");
        format!(
            "- {{level: None, users: [{users}], namespaces: [n{n}], resources: [{{{entry}, resourceNames: [x{n}]}}]}}"
        )
    };
    let rules: Vec<String> = (0..200).map(rule).collect();
    let rules = rules.join("\n");
    let policy = policy(&format!("{rules}\n- {{level: Metadata}}"));
    let apis = Apis::of_version(NEWEST);
    assert_eq!(Prover::new(&policy, GroupWildcard::Any, &apis, &CATALOGUE).classes(), Err(TooLarge));
}
