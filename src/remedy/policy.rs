//! The audit policy: the cluster's own with rules before and after its own, or one of ours.
//!
//! Rules after all others decide only what no rule decided before, so that they take nothing away. Rules before them are put there
//! only where that leaves less to fail: what records bodies of changes, what keeps credentials out of the log, and what leaves out
//! the noise that every class of requests leaves out. No rule of the cluster's own is moved: one that comes first may be there to
//! keep something out of a later one's reach. Where own rules drop too much for that, the recommended profile takes their place. What
//! any of this records less is worked out exactly and told.

use serde_json::Value;

use super::apiserver::{Dialect, dialects};
use super::change::Change;
use super::situation::{Situation, WEIGHT_OF_HIGH};
use super::{File, POLICY_FILE, Remedy};
use crate::analyze::policy::AuditPolicy;
use crate::analyze::policy::apis::Apis;
use crate::analyze::policy::catalogue::CATALOGUE;
use crate::analyze::policy::coverage::{self, differences};
use crate::analyze::policy::load::load;
use crate::analyze::policy::matches::GroupWildcard;
use crate::analyze::version::Version;
use crate::audit::audit;
use crate::check::builtin;
use crate::document::yaml::parse;
use crate::report::Report;
use crate::report::markup::text as plain;
use crate::snapshot::redact::has_blanks;
use crate::snapshot::{PolicyText, Snapshot};

/// The profile that takes the place of a policy, or is the first one.
const RECOMMENDED: &str = "profiles/recommended.yaml";

const QUIET: &str = include_str!("templates/quiet-rules.yaml");
const GUARD: &str = include_str!("templates/guard-rules.yaml");

/// The version that is meant where none is known.
const USUAL: Version = Version::new(1, 36);

/// The policy.
pub fn remedies(situation: &Situation<'_>) -> Vec<Remedy> {
    let dialects = dialects(situation);
    // A provider's policy is nobody's to change.
    let shows_any = !dialects.is_empty() || !situation.snapshot.policies.is_empty();
    if !situation.fails_in("LA-POL-") || !shows_any {
        return Vec::new();
    }
    if dialects.contains(&Dialect::OpenShift) {
        return openshift(situation);
    }
    let own = own(situation);
    let candidates = candidates(own);
    let best = candidates
        .into_iter()
        .filter_map(|candidate| Some((weight(situation, &candidate.text)?, candidate)))
        // What is yours stays, unless it leaves more to fail that is high or critical. Of equals the first changes least.
        .min_by_key(|(weight, candidate)| (weight / WEIGHT_OF_HIGH, !candidate.is_own, *weight));
    best.map(|(_, candidate)| remedy(situation, own, candidate, &dialects)).into_iter().collect()
}

/// A policy that may do.
struct Candidate {
    text: String,
    does: String,
    is_own: bool,
}

/// The policy that all apiservers load, where its text is known whole.
fn own<'a>(situation: &Situation<'a>) -> Option<&'a PolicyText> {
    let list = situation.facts.policies.value()?;
    let [policy] = list.as_slice() else { return None };
    let mut texts = situation.snapshot.policies.iter().filter(|text| text.name == policy.name);
    let text = texts.next()?;
    (texts.next().is_none() && !has_blanks(&text.text) && loaded(&text.text).is_some()).then_some(text)
}

fn loaded(text: &str) -> Option<AuditPolicy> {
    load(text.as_bytes(), POLICY_FILE, USUAL).policy
}

fn profile() -> &'static str {
    builtin::text(RECOMMENDED).unwrap_or_default()
}

fn candidates(own: Option<&PolicyText>) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    if let Some(own) = own.and_then(|own| first_value(&own.text)) {
        let profile = first_value(profile()).map(|profile| rules(&profile)).unwrap_or_default();
        let bodies: Vec<Value> = profile.iter().filter(|rule| has_bodies(rule)).cloned().collect();
        let ways: [(&[&str], &str); 4] = [
            (&[], ""),
            (&[QUIET], " Rules before all others leave out noise, and Helm values of bodies."),
            (&[GUARD], " Rules before all others keep bodies with credentials out of the log."),
            (
                &[GUARD, QUIET],
                " Rules before all others keep bodies with credentials, Helm values and noise out of the log.",
            ),
        ];
        let after = "Your policy, with rules of the recommended profile after its own: what no rule of yours decides is recorded.";
        let around_bodies =
            format!("{after} Rules before it record bodies where an investigation needs them.");
        for (before, more) in ways {
            let before: Vec<Value> = before.iter().flat_map(|text| fragment(text)).collect();
            let text = around(&own, before.clone(), &profile);
            candidates.push(Candidate { text, does: format!("{after}{more}"), is_own: true });
            let text = around(&own, [before, bodies.clone()].concat(), &profile);
            candidates.push(Candidate { text, does: format!("{around_bodies}{more}"), is_own: true });
        }
    }
    // The form with comments.
    candidates.push(Candidate {
        text: profile().replacen("\nrules:\n", &format!("\nrules:\n{QUIET}\n"), 1),
        does: "The recommended profile: every request on record, and with its body where an investigation needs it and no credential is in it.".into(),
        is_own: false,
    });
    candidates
}

fn has_bodies(rule: &Value) -> bool {
    matches!(rule.get("level").and_then(Value::as_str), Some("Request" | "RequestResponse"))
}

/// The rules in a text that is a list of rules.
fn fragment(text: &str) -> Vec<Value> {
    let trees = parse(text).trees.into_iter();
    trees
        .flat_map(|tree| tree.into_items().unwrap_or_default())
        .map(|tree| tree.document(POLICY_FILE).value)
        .collect()
}

/// The policy in a text as a value.
fn first_value(text: &str) -> Option<Value> {
    let tree = parse(text).trees.into_iter().find(|tree| tree.text("kind") == "Policy")?;
    Some(tree.document(POLICY_FILE).value)
}

fn rules(policy: &Value) -> Vec<Value> {
    policy.get("rules").and_then(Value::as_array).cloned().unwrap_or_default()
}

/// A policy with rules before and after its own.
fn around(own: &Value, before: Vec<Value>, after: &[Value]) -> String {
    let mut all = before;
    all.extend(rules(own));
    for rule in after {
        if !all.contains(rule) {
            all.push(rule.clone());
        }
    }
    let mut policy = own.clone();
    if let Some(fields) = policy.as_object_mut() {
        fields.insert("rules".into(), all.into());
    }
    serde_yaml::to_string(&policy).unwrap_or_default()
}

/// What would still fail with a policy, as one number; none if no server starts with it.
fn weight(situation: &Situation<'_>, text: &str) -> Option<u64> {
    loaded(text)?;
    let report = judged(situation, text)?;
    Some(Situation::weight_of(&report, "LA-POL-"))
}

fn judged(situation: &Situation<'_>, text: &str) -> Option<Report> {
    let mut snapshot: Snapshot = situation.snapshot.clone();
    Change::Policy { name: POLICY_FILE.into(), text: text.to_owned() }.apply(&mut snapshot);
    audit(situation.plan, &snapshot).ok().map(|outcome| outcome.report)
}

fn remedy(
    situation: &Situation<'_>,
    own: Option<&PolicyText>,
    candidate: Candidate,
    dialects: &[Dialect],
) -> Remedy {
    let Candidate { text, mut does, .. } = candidate;
    let version = situation.version().unwrap_or(USUAL);
    match own {
        Some(own) => does.push_str(&less(&own.text, &text, version)),
        None if situation.facts.policies.value().is_some_and(|list| list.len() > 1) => {
            does.push_str(" Your apiservers load several policies, which cannot be made one here; compare two of them with `kubectl logaudit policy diff ONE.yaml OTHER.yaml`.");
        }
        None => {}
    }
    let mut files = vec![File { name: POLICY_FILE.into(), text: text.clone() }];
    let mut apply = vec![
        format!(
            "Copy `{POLICY_FILE}` over the policy file on every node of the control plane, before the flags are set."
        ),
        "Restart the apiservers one after the other: they read it when they start.".into(),
    ];
    if dialects.contains(&Dialect::Talos)
        && let Some(policy) = first_value(&text)
    {
        let patch = serde_json::json!({"cluster": {"apiServer": {"auditPolicy": policy}}});
        let text = serde_yaml::to_string(&patch).unwrap_or_default();
        files.push(File { name: "talos-audit-policy.yaml".into(), text });
        apply = vec!["`talosctl patch machineconfig --nodes CONTROL-PLANE-NODE --patch @talos-audit-policy.yaml`, one node after the other.".into()];
    }
    Remedy {
        title: "Audit policy".into(),
        files,
        changes: vec![Change::Policy { name: POLICY_FILE.into(), text }],
        does,
        costs: vec![
            "Each apiserver restarts once.".into(),
            "The log grows with what is recorded: about 1.2 kB for an event at level Metadata, about 3 kB with bodies. Reads are most of the requests of a cluster.".into(),
        ],
        apply,
        ..Remedy::default()
    }
}

/// What the new policy records less than the old one, in words.
fn less(own: &str, new: &str, version: Version) -> String {
    const SHOWN: usize = 3;
    let (Some(own), Some(new)) = (loaded(own), loaded(new)) else { return String::new() };
    let wildcard = if version >= Version::new(1, 36) { GroupWildcard::Any } else { GroupWildcard::Literal };
    let Ok(found) = differences(&own, &new, wildcard, &Apis::of_version(version), &CATALOGUE) else {
        return " What it records less than yours could not be worked out: the two are too large together; compare them with `kubectl logaudit policy diff YOURS.yaml audit-policy.yaml`.".into();
    };
    let lost: Vec<String> = found
        .iter()
        .filter(|difference| difference.change == coverage::Change::Less)
        .map(|difference| {
            // Names in a policy are anybody's.
            let requests = plain(&difference.requests.words());
            format!("{requests} ({} instead of {})", difference.after, difference.before)
        })
        .collect();
    if lost.is_empty() {
        return " Nothing that yours records is recorded less.".into();
    }
    let more = match lost.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(
            "; and {more} more, which `kubectl logaudit policy diff YOURS.yaml {POLICY_FILE} --kubernetes {version}` shows, YOURS.yaml being the policy that is loaded now"
        ),
    };
    format!(
        " Recorded less than by yours: {}{more}.",
        lost.iter().take(SHOWN).cloned().collect::<Vec<_>>().join("; ")
    )
}

/// The profiles of OpenShift, by the policies they come to.
const PROFILES: [(&str, &str); 3] = [
    ("Default", "policies/openshift-default.yaml"),
    ("WriteRequestBodies", "policies/openshift-write-request-bodies.yaml"),
    ("AllRequestBodies", "policies/openshift-all-request-bodies.yaml"),
];

/// OpenShift takes no policy of one's own: one of its profiles is chosen.
fn openshift(situation: &Situation<'_>) -> Vec<Remedy> {
    let of_file = |file: &str| {
        let text = builtin::text(file)?;
        let known = serde_json::from_str::<Value>(text).ok()?;
        match known.get("policy") {
            Some(Value::String(text)) => Some(text.clone()),
            Some(policy) => serde_yaml::to_string(policy).ok(),
            None => None,
        }
    };
    let best = PROFILES
        .into_iter()
        .filter_map(|(name, file)| {
            let text = of_file(file)?;
            Some((weight(situation, &text)?, name, text))
        })
        .min_by_key(|(weight, ..)| *weight);
    let Some((_, name, text)) = best else { return Vec::new() };
    let resource = serde_json::json!({
        "apiVersion": "config.openshift.io/v1",
        "kind": "APIServer",
        "metadata": {"name": "cluster"},
        "spec": {"audit": {"profile": name}},
    });
    vec![Remedy {
        title: "Audit profile of OpenShift".into(),
        files: vec![
            File {
                name: "openshift-apiserver.yaml".into(),
                text: serde_yaml::to_string(&resource).unwrap_or_default(),
            },
            File { name: POLICY_FILE.into(), text: text.clone() },
        ],
        changes: vec![Change::Policy { name: POLICY_FILE.into(), text }],
        does: format!(
            "The profile {name}: of those that OpenShift offers, the one that leaves the least to fail. `{POLICY_FILE}` is what it comes to, for checking; it is put nowhere. Single groups of users can have another profile by `spec.audit.customRules`."
        ),
        costs: vec![
            "The apiservers of Kubernetes, OpenShift and OAuth are rolled out anew, one after the other.".into(),
            "With request bodies the log takes about three times the space.".into(),
        ],
        apply: vec!["`oc apply --server-side --field-manager=logaudit -f openshift-apiserver.yaml`; nothing else of the resource is changed.".into()],
        ..Remedy::default()
    }]
}
