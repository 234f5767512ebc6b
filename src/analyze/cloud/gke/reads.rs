//! Which reads of the cluster's API are kept: Data Access logs that are on, less what sinks leave out.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::super::recorded::{Lost, Recorded};
use super::super::told::Scene;
use super::READS;
use super::data_access::{ADMIN_READ, Configured, DATA_READ, DATA_WRITE};
use super::entry::{Log, WATCHED, any_method, entry, methods};
use super::filter::Truth;
use super::sinks::{Outcome, Sinks};
use crate::analyze::fact::Fact;
use crate::analyze::policy::apis::Apis;
use crate::analyze::policy::load::NEWEST;
use crate::analyze::policy::{GroupResources, PolicyRule};
use crate::verdict::{Evidence, Rank};

/// The most evidence of one fact.
const MAX_PLACES: usize = 12;

/// What the sinks of the project do with the Data Access logs of the cluster.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Routing {
    /// Reads of Secrets, `ConfigMaps`, Pods, their logs and shells, and grants that no sink keeps: `get secrets`. Empty if all are kept.
    pub dropped: Fact<Vec<String>>,
}

/// The facts.
pub(super) fn routing(scene: &Scene<'_>) -> Routing {
    let dropped = match Sinks::read(scene) {
        Ok(sinks) => dropped(scene, &sinks),
        Err(reason) => Fact::unknown(reason),
    };
    Routing { dropped }
}

/// The worst that happens to the entries of a read.
fn kept(scene: &Scene<'_>, sinks: &Sinks, group: &str, resource: &str, verb: &str) -> Outcome {
    let judge = |method| sinks.keep(&entry(scene, Log::DataAccess, method));
    let mut outcomes = methods(group, resource, verb).into_iter().map(judge);
    let first = outcomes.next().unwrap_or_else(|| judge(any_method(verb)));
    outcomes.fold(first, |worst, next| match (worst.truth, next.truth) {
        (same, other) if same == other => worst,
        // Some of its entries are kept and some not.
        (Truth::No, _) => Outcome { truth: Truth::Perhaps, ..worst },
        (_, Truth::No) => Outcome { truth: Truth::Perhaps, ..next },
        (Truth::Perhaps, _) => worst,
        (Truth::Yes, _) => next,
    })
}

fn dropped(scene: &Scene<'_>, sinks: &Sinks) -> Fact<Vec<String>> {
    let (mut list, mut evidence, mut doubt) = (Vec::new(), Vec::new(), None);
    let mut taken: Vec<Evidence> = Vec::new();
    for verb in READS {
        for (group, resource) in WATCHED {
            let outcome = kept(scene, sinks, group, resource, verb);
            let shown = format!("{verb} {resource}");
            let place = Evidence { at: outcome.at.clone(), detail: outcome.why.clone() };
            match outcome.truth {
                Truth::Yes if !taken.contains(&place) => taken.push(place),
                Truth::Yes => {}
                Truth::No => {
                    list.push(shown);
                    if !evidence.contains(&place) && evidence.len() < MAX_PLACES {
                        evidence.push(place);
                    }
                }
                Truth::Perhaps => {
                    doubt = doubt.or(Some(format!("{shown}: {} ({})", outcome.why, outcome.at)));
                }
            }
        }
    }
    match doubt {
        Some(reason) if list.is_empty() => Fact::unknown(format!("not certain to be kept: {reason}")),
        _ if list.is_empty() => Fact::known(list, Rank::Evaluated, taken),
        _ => Fact::known(list, Rank::Evaluated, evidence),
    }
}

/// What reaches a log that is kept. Admin Activity logs are always on and cannot be dropped, so every change is recorded; reads and
/// changes of status stand in Data Access logs
/// (<https://cloud.google.com/kubernetes-engine/docs/concepts/audit-policy>).
pub(super) fn recorded(scene: &Scene<'_>) -> Recorded {
    let configured = Configured::read(scene);
    let sinks = Sinks::read(scene);
    if let (Err(configured), Err(sinks)) = (&configured, &sinks) {
        let is_same = configured == sinks;
        let reason = if is_same { configured.clone() } else { format!("{configured}; {sinks}") };
        return Recorded::Unread(reason);
    }
    let mut lost = Vec::new();
    let mut doubtful = Vec::new();
    match &configured {
        Ok(configured) => of_logs(configured, &mut lost, &mut doubtful),
        Err(reason) => {
            doubtful.push(Lost::verbs(&READS, "auditConfigs", reason.clone()));
            doubtful.push(Lost { rule: status(), at: "auditConfigs".into(), why: reason.clone() });
        }
    }
    match &sinks {
        Ok(sinks) => of_sinks(scene, sinks, &mut lost, &mut doubtful),
        Err(reason) => doubtful.push(Lost::verbs(&READS, "sinks", reason.clone())),
    }
    let at = configured.map_or_else(|_| "sinks".to_owned(), |configured| configured.place.at);
    Recorded::Read { at, lost, doubtful }
}

fn of_logs(configured: &Configured, lost: &mut Vec<Lost>, doubtful: &mut Vec<Lost>) {
    let (admin, data) = (configured.is_on(ADMIN_READ), configured.is_on(DATA_READ));
    let at = |fact: &Fact<bool>| match fact {
        Fact::Known(known) => known.evidence.first().map_or_else(String::new, |evidence| evidence.at.clone()),
        Fact::Unknown(_) => "auditConfigs".to_owned(),
    };
    match (admin.value(), data.value()) {
        (Some(true), Some(true)) => {}
        (Some(false), Some(false)) => {
            lost.push(Lost::verbs(
                &READS,
                at(&admin),
                "the Data Access logs ADMIN_READ and DATA_READ are off",
            ));
        }
        _ => {
            let unknown = [&admin, &data].into_iter().find_map(|fact| fact.reason());
            let which = if admin.value() == Some(&true) { ADMIN_READ } else { DATA_READ };
            let why = unknown.map_or_else(
                || format!("of the Data Access logs of reads only {which} is on, and which reads it holds is not documented for each"),
                str::to_owned,
            );
            doubtful.push(Lost::verbs(&READS, at(&admin), why));
        }
    }
    let write = configured.is_on(DATA_WRITE);
    match write.value() {
        Some(true) => {}
        Some(false) => {
            let why = "the Data Access log DATA_WRITE is off".to_owned();
            lost.push(Lost { rule: status(), at: at(&write), why });
        }
        None => {
            let why = write.reason().unwrap_or_default().to_owned();
            doubtful.push(Lost { rule: status(), at: at(&write), why });
        }
    }
    let mut members: BTreeMap<&str, (Vec<&str>, &Evidence)> = BTreeMap::new();
    for ((member, kind), evidence) in &configured.exempted {
        members.entry(member).or_insert((Vec::new(), evidence)).0.push(kind);
    }
    for (member, (kinds, evidence)) in members {
        let reads = [(ADMIN_READ, &admin), (DATA_READ, &data)];
        let on = || reads.iter().filter(|(_, fact)| fact.value() != Some(&false)).map(|(kind, _)| *kind);
        let is_all = on().all(|kind| kinds.contains(&kind));
        let is_some = on().any(|kind| kinds.contains(&kind));
        let why = format!("{member} is exempted from {}", kinds.join(", "));
        let (rule, is_certain) = exempted(member);
        let item = Lost { rule, at: evidence.at.clone(), why };
        if is_all && is_some && is_certain {
            lost.push(item);
        } else if is_some {
            doubtful.push(item);
        }
    }
}

/// Reads by a member of an IAM policy, and whether it is certain that the cluster knows the member so.
fn exempted(member: &str) -> (PolicyRule, bool) {
    let mut rule = reads();
    match member.split_once(':') {
        Some(("user" | "serviceAccount", name)) => {
            rule.users.push(name.to_owned());
            (rule, true)
        }
        Some(("group", name)) => {
            rule.user_groups.push(name.to_owned());
            (rule, false)
        }
        _ => (rule, false),
    }
}

fn reads() -> PolicyRule {
    PolicyRule { verbs: READS.map(str::to_owned).to_vec(), ..PolicyRule::default() }
}

/// Changes of status.
fn status() -> PolicyRule {
    let groups = Apis::builtin_groups().map(|group| GroupResources {
        group: group.to_owned(),
        resources: vec!["*/status".to_owned()],
        ..GroupResources::default()
    });
    PolicyRule {
        verbs: ["update", "patch"].map(str::to_owned).to_vec(),
        resources: groups.collect(),
        ..PolicyRule::default()
    }
}

/// What sinks leave out: whole verbs, or single resources of Kubernetes' own where a filter tells them apart.
fn of_sinks(scene: &Scene<'_>, sinks: &Sinks, lost: &mut Vec<Lost>, doubtful: &mut Vec<Lost>) {
    let apis = Apis::of_version(NEWEST);
    for verb in READS {
        let whole = sinks.keep(&entry(scene, Log::DataAccess, any_method(verb)));
        match whole.truth {
            Truth::Yes => continue,
            Truth::No => {
                lost.push(Lost::verbs(&[verb], whole.at, whole.why));
                continue;
            }
            Truth::Perhaps => {}
        }
        let mut dropped: BTreeMap<(bool, String, String), BTreeMap<String, Vec<String>>> = BTreeMap::new();
        let mut are_all_lost = true;
        for ((group, resource), of_it) in &apis.resources {
            let below = of_it.subresources.keys().map(|name| format!("{resource}/{name}"));
            for resource in std::iter::once(resource.clone()).chain(below) {
                let outcome = kept(scene, sinks, group, &resource, verb);
                are_all_lost &= outcome.truth == Truth::No;
                if outcome.truth != Truth::Yes {
                    let key = (outcome.truth == Truth::No, outcome.at, outcome.why);
                    dropped.entry(key).or_default().entry(group.clone()).or_default().push(resource);
                }
            }
        }
        let are_some_kept =
            dropped.values().flat_map(BTreeMap::values).map(Vec::len).sum::<usize>() < count(&apis);
        if are_all_lost || !are_some_kept && !dropped.keys().any(|(is_lost, ..)| *is_lost) {
            let list = if are_all_lost { &mut *lost } else { &mut *doubtful };
            list.push(Lost::verbs(&[verb], whole.at, whole.why));
            continue;
        }
        for ((is_lost, at, why), groups) in dropped {
            let resources = groups.into_iter().map(|(group, resources)| GroupResources {
                group,
                resources,
                ..GroupResources::default()
            });
            let rule = PolicyRule {
                verbs: vec![verb.to_owned()],
                resources: resources.collect(),
                ..PolicyRule::default()
            };
            let list = if is_lost { &mut *lost } else { &mut *doubtful };
            list.push(Lost { rule, at, why });
        }
    }
}

fn count(apis: &Apis) -> usize {
    apis.resources.values().map(|resource| 1 + resource.subresources.len()).sum()
}
