use super::super::apis::Apis;
use super::super::catalogue::CATALOGUE;
use super::super::load::{NEWEST, load};
use super::super::matches::GroupWildcard;
use super::*;

/// The oddities of a policy with these rules, but for those of volume.
fn remarks(rules: &str) -> Vec<(Kind, String)> {
    let text = format!("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n{rules}");
    let policy = load(text.as_bytes(), "policy.yaml", NEWEST).policy.unwrap();
    let apis = Apis::of_version(NEWEST);
    let prover = Prover::new(&policy, GroupWildcard::Any, &apis, &CATALOGUE);
    let all = lint(&prover).unwrap().into_iter();
    all.filter(|remark| !matches!(remark.kind, Kind::Doubles | Kind::ManagedFields))
        .map(|remark| (remark.kind, format!("{}: {}", remark.field, remark.message)))
        .collect()
}

fn only(rules: &str) -> (Kind, String) {
    let list = remarks(rules);
    assert_eq!(list.len(), 1, "{list:#?}");
    list.into_iter().next().unwrap()
}

#[test]
fn a_rule_behind_one_for_everything_is_unreachable() {
    let (kind, text) =
        only("- {level: Metadata}\n- {level: RequestResponse, resources: [{group: '', resources: [pods]}]}");
    assert_eq!(kind, Kind::Unreachable);
    assert_eq!(text, "rules[1]: no request reaches the rule: rules[0] before it decide all that it matches");
}

#[test]
fn rules_can_shadow_another_together() {
    let rules = "- {level: Metadata, verbs: [get, list, watch], resources: [{group: '', resources: [secrets]}]}
- {level: Request, verbs: [create, update, patch, delete, deletecollection], resources: [{group: '', resources: [secrets]}]}
- {level: None, resources: [{group: '', resources: [secrets]}]}
- {level: Metadata}";
    let (kind, text) = only(rules);
    assert_eq!(kind, Kind::Unreachable);
    assert!(text.contains("rules[2]") && text.contains("rules[0], rules[1]"), "{text}");
}

#[test]
fn groups_that_everyone_is_in_shadow_too() {
    let rules = "- {level: Metadata, userGroups: ['system:authenticated']}
- {level: RequestResponse, userGroups: ['system:masters']}
- {level: Metadata}";
    let (kind, text) = only(rules);
    assert_eq!((kind, text.contains("rules[1]")), (Kind::Unreachable, true), "{text}");
}

#[test]
fn a_rule_that_says_what_the_next_says_has_no_effect() {
    let rules = "- {level: Metadata, resources: [{group: '', resources: [secrets]}]}\n- {level: Metadata}";
    let (kind, text) = only(rules);
    assert_eq!(kind, Kind::WithoutEffect);
    assert!(text.ends_with("without it rules[1] would record its requests just the same"), "{text}");
    // It has one as soon as something between them would decide otherwise.
    let rules = "- {level: Metadata, resources: [{group: '', resources: [secrets]}]}
- {level: None, userGroups: ['system:nodes']}
- {level: Metadata}";
    assert_eq!(remarks(rules), []);
}

#[test]
fn parts_that_match_nothing() {
    for (rule, field, says) in [
        ("users: ['*', alice]", "users[0]", "`*` is no wildcard"),
        ("users: ['system:serviceaccount:dev', alice]", "users[0]", "no user that a request can have"),
        ("userGroups: ['system:*', dev]", "userGroups[0]", "`*` is no wildcard"),
        ("verbs: [impersonate, get]", "verbs[0]", "authorization only"),
        ("verbs: [Get, get]", "verbs[0]", "did you mean `get`"),
        ("namespaces: ['kube-*', dev]", "namespaces[0]", "`*` is no wildcard"),
        ("nonResourceURLs: ['/api/v1/pods*', /metrics]", "nonResourceURLs[0]", "about resources"),
        (
            "verbs: [create], resources: [{group: '', resources: [pods], resourceNames: [x]}, {group: apps}]",
            "resources[0].resourceNames",
            "carry no name",
        ),
        (
            "namespaces: [dev], resources: [{group: '', resources: [nodes]}, {group: apps}]",
            "resources[0]",
            "lie in no namespace",
        ),
    ] {
        let (kind, text) = only(&format!("- {{level: None, {rule}}}\n- {{level: Metadata}}"));
        assert_eq!(kind, Kind::NeverMatches, "{text}");
        assert!(text.starts_with(&format!("rules[0].{field}: ")) && text.contains(says), "{text}");
    }
}

#[test]
fn resources_that_are_elsewhere_or_misspelt() {
    for (entry, says) in [
        ("group: '', resources: [deployments, pods]", "`deployments` is in group apps"),
        ("group: '', resources: [secret, pods]", "did you mean `secrets`?"),
        ("group: '', resources: [exec, pods]", "a subresource is named with its resource: `pods/exec`"),
        ("group: authentication.k8s.io, resources: [tokenrequests, tokenreviews]", "has no `tokenrequests`"),
    ] {
        let (kind, text) =
            only(&format!("- {{level: None, resources: [{{{entry}}}]}}\n- {{level: Metadata}}"));
        assert_eq!(kind, Kind::UnknownResource, "{text}");
        assert!(text.contains(says), "{text}");
    }
    let (kind, text) = only(
        "- {level: None, resources: [{group: rbac.authorisation.k8s.io, resources: [roles]}]}\n- {level: Metadata}",
    );
    assert!(kind == Kind::UnknownResource && text.contains("`rbac.authorization.k8s.io`"), "{text}");
    // What other versions have is no mistake.
    let newer = "group: certificates.k8s.io, resources: [clustertrustbundles]";
    let list = remarks(&format!("- {{level: None, resources: [{{{newer}}}]}}\n- {{level: Metadata}}"));
    assert!(list.iter().all(|(kind, _)| *kind != Kind::UnknownResource), "{list:#?}");
    // Groups that are not Kubernetes' own may have any resource.
    assert_eq!(
        remarks("- {level: None, resources: [{group: example.io, resources: [x]}]}\n- {level: Metadata}"),
        []
    );
}

#[test]
fn a_rule_of_which_nothing_can_match_says_so_once_for_the_rule() {
    let list = remarks("- {level: RequestResponse, verbs: ['*']}\n- {level: Metadata}");
    let kinds: Vec<Kind> = list.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [Kind::Unreachable, Kind::NeverMatches], "{list:#?}");
}

#[test]
fn outcomes_that_are_lost() {
    let (kind, text) = only("- {level: RequestResponse, omitStages: [ResponseComplete]}");
    assert_eq!(kind, Kind::LosesOutcome);
    assert!(text.starts_with("rules[0].omitStages: rules[0]: without the stage ResponseComplete"), "{text}");
}
