//! What carries logs, by namespace, and who may change it.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::rights::{Grant, Grants, Names, Right};
use super::starters::broad_starters;
use super::{Holders, all, holders, right, some};
use crate::analyze::collectors::collector::collectors;
use crate::analyze::collectors::products::product_of;
use crate::analyze::fact::Fact;
use crate::snapshot::{Container, EnvSource, Medium, Scope, Snapshot, Workload, WorkloadKind};
use crate::source::custom::{KINDS, kind_of};
use crate::verdict::Rank;

/// A namespace in which something runs that records, collects or stores logs, or watches.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PipelineNamespace {
    /// `Namespace logging`.
    pub name: String,
    /// What runs there: `DaemonSet logging/fluent-bit`, `the apiservers`.
    pub holds: Vec<String>,
    /// Who may change, stop or remove it: `Group ops`. The group `system:masters`, the control plane's own controllers and the
    /// operators that own it are left out.
    pub changers: Fact<Vec<String>>,
    /// Of these the groups that take in nearly everybody, and such groups that may start pods, in whatever namespace: a pod
    /// with a `hostPath` volume can delete the logs of its node.
    pub broad_changers: Fact<Vec<String>>,
}

const WRITE: &[&str] = &["update", "patch", "delete", "deletecollection"];
const SCALE: &[&str] = &["update", "patch"];
const CONNECT: &[&str] = &["create", "get"];

/// Groups of custom resources that do not carry logs: alerts, and what proxies and networks are told.
const OTHER_GROUPS: [&str; 5] = [
    "monitoring.coreos.com",
    "telemetry.istio.io",
    "gateway.envoyproxy.io",
    "crd.projectcalico.org",
    "networking.gke.io",
];

/// What is in one namespace.
#[derive(Debug, Default)]
struct Contents<'a> {
    workloads: Vec<&'a Workload>,
    apiserver: Vec<&'a Container>,
}

/// The namespaces of the pipeline.
pub(super) fn namespaces(
    snapshot: &Snapshot,
    grants: &Grants<'_>,
    elsewhere: Option<&str>,
) -> Fact<Vec<PipelineNamespace>> {
    let mut found: BTreeMap<&str, Contents<'_>> = BTreeMap::new();
    for workload in carriers(snapshot) {
        found.entry(&workload.namespace).or_default().workloads.push(workload);
    }
    for pod in snapshot.pods.value().into_iter().flatten() {
        found.entry(&pod.namespace).or_default().apiserver.extend(&pod.containers);
    }
    let starters = broad_starters(snapshot, grants);
    let list = found
        .iter()
        .map(|(name, contents)| namespace(snapshot, grants, elsewhere, name, contents, &starters));
    let mut list: Vec<PipelineNamespace> = list.collect();
    if snapshot.scope == Scope::Manifests {
        if list.is_empty() {
            return Fact::unknown(
                "the input shows nothing that carries logs; add its manifests with -f, or run against the cluster",
            );
        }
    } else if let Some(reason) = unseen(snapshot) {
        // What may be there besides is not to be overlooked.
        list.push(PipelineNamespace {
            name: "Namespaces that are not seen".into(),
            holds: Vec::new(),
            changers: Fact::unknown(reason.clone()),
            broad_changers: Fact::unknown(reason),
        });
    }
    Fact::known(list, Rank::Evaluated, Vec::new())
}

/// Workloads that collect, store or watch.
pub(super) fn carriers(snapshot: &Snapshot) -> Vec<&Workload> {
    let probable: Vec<&Workload> =
        collectors(snapshot).into_iter().filter_map(|collector| collector.workload).collect();
    let is_known =
        |workload: &Workload| workload.containers.iter().any(|one| product_of(&one.image).is_some());
    let is_probable = |workload: &Workload| probable.iter().any(|one| std::ptr::eq(*one, workload));
    snapshot.workloads.all().filter(|workload| is_known(workload) || is_probable(workload)).collect()
}

/// Why there may be more in a cluster than is seen.
pub(super) fn unseen(snapshot: &Snapshot) -> Option<String> {
    let gaps =
        snapshot.workloads.kinds().into_iter().filter_map(|kind| kind.gap()).chain(snapshot.pods.gap());
    let gaps: Vec<String> = gaps.map(ToString::to_string).collect();
    (!gaps.is_empty()).then(|| gaps.join("; "))
}

fn namespace(
    snapshot: &Snapshot,
    grants: &Grants<'_>,
    elsewhere: Option<&str>,
    name: &str,
    contents: &Contents<'_>,
    starters: &Holders,
) -> PipelineNamespace {
    let named = Named::of(contents);
    let plurals: BTreeSet<(&str, &str)> = snapshot
        .resources
        .iter()
        .filter(|resource| resource.namespace == name && !OTHER_GROUPS.contains(&resource.group.as_str()))
        .filter_map(|resource| kind_of(&resource.group, &resource.kind))
        .map(|kind| (kind.group, kind.plural))
        .collect();
    let mut rights = named.rights();
    rights.extend(plurals.iter().map(|(group, plural)| right(group, plural, WRITE, Names::Some)));
    let own_name = [name.to_owned()];
    rights.push(right("", "namespaces", &["delete"], Names::Of(&own_name)));
    let roles = [
        right("rbac.authorization.k8s.io", "roles", &["escalate", "bind"], Names::Some),
        right("rbac.authorization.k8s.io", "clusterroles", &["escalate", "bind"], Names::Some),
        right("", "serviceaccounts", &["impersonate"], Names::All),
        right("", "serviceaccounts/token", &["create"], Names::Some),
    ];
    rights.extend(roles);
    // Only for the whole cluster: users and groups are in no namespace.
    let others = [
        right("", "users", &["impersonate"], Names::All),
        right("", "groups", &["impersonate"], Names::Some),
    ];
    let operators = operators(grants, contents);
    let chosen = |grant: &Grant<'_>| grant.is_in(name);
    let holders_of = |is_chosen: &dyn Fn(&Grant<'_>) -> bool| {
        let mut found = holders(grants, &rights, |grant| chosen(grant) && is_chosen(grant), &operators);
        let of_cluster = |grant: &Grant<'_>| grant.namespace.is_none() && is_chosen(grant);
        let more = holders(grants, &others, of_cluster, &operators);
        for (who, evidence) in more.found {
            found.found.entry(who).or_insert(evidence);
        }
        found
    };
    let mut holds: Vec<String> = contents.workloads.iter().map(|workload| workload.title()).collect();
    if !contents.apiserver.is_empty() {
        holds.push("the apiservers".into());
    }
    let mut broad = holders_of(&|grant| grant.is_broad());
    for (who, evidence) in &starters.found {
        broad.found.entry(who.clone()).or_insert_with(|| evidence.clone());
    }
    PipelineNamespace {
        name: format!("Namespace {}", if name.is_empty() { "(not given)" } else { name }),
        holds,
        changers: all(grants, elsewhere, holders_of(&|_| true)),
        broad_changers: some(grants, broad),
    }
}

/// The objects of a namespace that carry logs, by their names.
#[derive(Debug, Default)]
struct Named {
    daemon_sets: Vec<String>,
    deployments: Vec<String>,
    stateful_sets: Vec<String>,
    config_maps: Vec<String>,
    secrets: Vec<String>,
    /// Volumes made of several ConfigMaps and Secrets, whose names are not kept.
    several: bool,
    claims: bool,
}

impl Named {
    fn of(contents: &Contents<'_>) -> Self {
        let mut named = Self::default();
        for workload in &contents.workloads {
            let list = match workload.kind {
                WorkloadKind::DaemonSet => &mut named.daemon_sets,
                WorkloadKind::Deployment => &mut named.deployments,
                WorkloadKind::StatefulSet => &mut named.stateful_sets,
            };
            list.push(workload.name.clone());
            named.claims |= !workload.claims.is_empty();
        }
        let of_workloads = contents.workloads.iter().flat_map(|workload| &workload.containers);
        for container in of_workloads.chain(contents.apiserver.iter().copied()) {
            named.container(container);
        }
        named
    }

    fn container(&mut self, container: &Container) {
        for mount in &container.mounts {
            match &mount.medium {
                Medium::ConfigMap(volume) => self.config_maps.push(volume.name.clone()),
                Medium::Secret(name) => self.secrets.push(name.clone()),
                Medium::ApiObject => self.several = true,
                Medium::PersistentVolumeClaim => self.claims = true,
                _ => {}
            }
        }
        let variables = container.env.iter().filter_map(|variable| variable.from.as_ref());
        for source in variables.chain(&container.env_from) {
            match source {
                EnvSource::ConfigMap(key) => self.config_maps.push(key.name.clone()),
                EnvSource::Secret(name) => self.secrets.push(name.clone()),
                EnvSource::Pod => {}
            }
        }
    }

    /// The rights that let them be changed.
    fn rights(&self) -> Vec<Right<'_>> {
        let mut rights = vec![
            right("", "pods/exec", CONNECT, Names::Some),
            right("", "pods/attach", CONNECT, Names::Some),
            right("", "pods/ephemeralcontainers", SCALE, Names::Some),
        ];
        // With another image the container of a collector is another program.
        if !(self.daemon_sets.is_empty() && self.deployments.is_empty() && self.stateful_sets.is_empty()) {
            rights.push(right("", "pods", SCALE, Names::Some));
        }
        for (resource, scale, names) in [
            ("daemonsets", None, &self.daemon_sets),
            ("deployments", Some("deployments/scale"), &self.deployments),
            ("statefulsets", Some("statefulsets/scale"), &self.stateful_sets),
        ] {
            if !names.is_empty() {
                rights.push(right("apps", resource, WRITE, Names::Of(names)));
                rights.extend(scale.map(|scale| right("apps", scale, SCALE, Names::Of(names))));
            }
        }
        for (resource, names) in [("configmaps", &self.config_maps), ("secrets", &self.secrets)] {
            if self.several {
                rights.push(right("", resource, WRITE, Names::Some));
            } else if !names.is_empty() {
                rights.push(right("", resource, WRITE, Names::Of(names)));
            }
        }
        if self.claims {
            // Names of claims are not kept.
            rights.push(right("", "persistentvolumeclaims", WRITE, Names::Some));
        }
        rights
    }
}

/// Service accounts of the operators that own what is in a namespace: those that report on the custom resources it is made
/// from.
fn operators(grants: &Grants<'_>, contents: &Contents<'_>) -> BTreeSet<String> {
    let kinds: BTreeSet<&str> = contents
        .workloads
        .iter()
        .filter_map(|workload| workload.owner.as_deref()?.split(' ').next())
        .collect();
    let owners: Vec<_> = KINDS.iter().filter(|kind| kinds.contains(kind.kind)).collect();
    let reports_on = |grant: &Grant<'_>| {
        grant.rules.iter().any(|rule| {
            owners.iter().any(|kind| {
                let own = |resource: &String| {
                    resource
                        .strip_prefix(kind.plural)
                        .is_some_and(|sub| sub == "/status" || sub == "/finalizers")
                };
                rule.groups.iter().any(|group| group == kind.group)
                    && rule.resources.iter().any(own)
                    && rule.verbs.iter().any(|verb| ["update", "patch", "*"].contains(&verb.as_str()))
            })
        })
    };
    let accounts = grants.list.iter().filter(|grant| reports_on(grant)).map(Grant::who);
    accounts.filter(|who| who.starts_with("ServiceAccount ")).collect()
}
