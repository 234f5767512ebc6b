//! What has to do with logs: workloads, namespaces, custom resources of operators, and the ConfigMaps that collectors,
//! stores and sensors read. Secrets are never read, and pods are never listed: what a workload's template says holds for
//! all of its pods.

use futures_util::future::join_all;

use super::answer::Failure;
use super::client::Client;
use super::gather;
use super::list::{list, list_at};
use super::permissions::Access;
use crate::analyze::collectors::operators::ALL_KINDS;
use crate::analyze::collectors::wanted::{self, Wanted};
use crate::analyze::stores;
use crate::document::{Place, full_name};
use crate::snapshot::rbac::Rbac;
use crate::snapshot::workload::{ConfigText, UnreadConfig};
use crate::snapshot::{
    ConfigMapKey, Exposure, Gap, GapReason, Namespace, Reading, Resource, ServedApis, ServedResource,
    Workload, WorkloadKind, Workloads,
};
use crate::source::config_maps;
use crate::source::custom::{CustomKind, KINDS, resource};
use crate::source::exposure::{self, ROUTE_KINDS};
use crate::source::rbac;
use crate::source::workloads::{namespace, workload};

/// How many ConfigMaps are read.
const MAX_CONFIG_MAPS: usize = 60;

/// All workloads of a kind.
pub(super) async fn workloads(client: &Client, access: Access) -> Result<Vec<Workload>, Failure> {
    let (kind, list_kind) = match access {
        Access::Deployments => (WorkloadKind::Deployment, "DeploymentList"),
        Access::StatefulSets => (WorkloadKind::StatefulSet, "StatefulSetList"),
        _ => (WorkloadKind::DaemonSet, "DaemonSetList"),
    };
    let mut read = list(client, access, list_kind, |item| {
        workload(kind, &item, &Place::of(format!("{} {}", kind.name(), full_name(&item))))
    })
    .await?;
    read.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    Ok(read)
}

/// The roles and bindings of the cluster.
pub(super) async fn rbac(client: &Client) -> Rbac {
    let roles = async |access, kind: &str| {
        let at = |item: &serde_json::Value| Place::of(format!("{kind} {}", full_name(item)));
        let read = list(client, access, &format!("{kind}List"), |item| rbac::role(&item, &at(&item))).await;
        gather::reading(read.map(|mut read| {
            read.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
            read
        }))
    };
    let bindings = async |access, kind: &str| {
        let at = |item: &serde_json::Value| Place::of(format!("{kind} {}", full_name(item)));
        let read =
            list(client, access, &format!("{kind}List"), |item| rbac::binding(&item, &at(&item))).await;
        gather::reading(read.map(|mut read| {
            read.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
            read
        }))
    };
    let (roles, cluster_roles, role_bindings, cluster_role_bindings) = tokio::join!(
        roles(Access::Roles, "Role"),
        roles(Access::ClusterRoles, "ClusterRole"),
        bindings(Access::RoleBindings, "RoleBinding"),
        bindings(Access::ClusterRoleBindings, "ClusterRoleBinding"),
    );
    let mut rbac = Rbac { roles, cluster_roles, role_bindings, cluster_role_bindings };
    rbac.narrow();
    rbac
}

/// All namespaces.
pub(super) async fn namespaces(client: &Client) -> Result<Vec<Namespace>, Failure> {
    let mut read = list(client, Access::Namespaces, "NamespaceList", |item| namespace(&item)).await?;
    read.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(read)
}

/// Custom resources, of all kinds that are served, and which kinds could not be read.
pub(super) async fn resources(client: &Client, apis: &Reading<ServedApis>) -> (Vec<Resource>, Vec<Gap>) {
    let served = match apis.as_result() {
        Ok(served) => served,
        Err(gap) => {
            let gap = Gap { what: ALL_KINDS.into(), ..gap.clone() };
            return (Vec::new(), vec![gap]);
        }
    };
    let lists = KINDS.iter().filter_map(|kind| {
        let path = path_of(kind, served)?;
        Some(async move {
            let access = Access::Custom(kind);
            list_at(client, access, &path, &format!("{}List", kind.kind), |item| {
                resource(kind, &item, &Place::of(format!("{} {}", kind.kind, full_name(&item))))
            })
            .await
        })
    });
    let (mut read, unread) = gathered(join_all(lists).await);
    read.sort_by(|a: &Resource, b| {
        (&a.group, &a.kind, &a.namespace, &a.name).cmp(&(&b.group, &b.kind, &b.namespace, &b.name))
    });
    (read, unread)
}

/// What may lead from outside to stores of logs, where one of the workloads is one, and the Services that lead to collectors to
/// which others may send.
///
/// All Services are listed, not those of its namespace alone: a name elsewhere can stand for one of them.
pub(super) async fn exposure(client: &Client, apis: &Reading<ServedApis>, workloads: &Workloads) -> Exposure {
    let namespaces = stores::workloads::namespaces(workloads);
    let collecting = wanted::collecting(workloads);
    let has_hop = collecting.iter().any(|workload| workload.kind != WorkloadKind::DaemonSet);
    if namespaces.is_empty() && !has_hop {
        return Exposure::not_asked();
    }
    let place = |kind: &str, item: &serde_json::Value| Place::of(format!("{kind} {}", full_name(item)));
    let services = list(client, Access::Services, "ServiceList", |item| {
        exposure::service(&item, &place("Service", &item))
    });
    let routes = async {
        if namespaces.is_empty() {
            return (Vec::new(), Vec::new());
        }
        let served = match apis.as_result() {
            Ok(served) => served,
            Err(gap) => {
                return (Vec::new(), vec![Gap { what: "the Ingresses and routes".into(), ..gap.clone() }]);
            }
        };
        let lists = ROUTE_KINDS.iter().filter_map(|route| {
            let path = path_of(&route.kind, served)?;
            Some(async move {
                let access = Access::Custom(&route.kind);
                list_at(client, access, &path, &format!("{}List", route.kind.kind), |item| {
                    exposure::route(route, &item, &place(route.kind.kind, &item))
                })
                .await
            })
        });
        gathered(join_all(lists).await)
    };
    let (services, (routes, routes_unread)) = tokio::join!(services, routes);
    let routes = routes.into_iter().flatten().collect();
    let mut exposure = Exposure { services: gather::reading(services), routes, routes_unread };
    exposure
        .narrow(|namespace| namespaces.contains(namespace), |service| wanted::concerns(&collecting, service));
    if let Reading::Read { value } = &mut exposure.services {
        value.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    }
    exposure.routes.sort_by(|a, b| (&a.kind, &a.namespace, &a.name).cmp(&(&b.kind, &b.namespace, &b.name)));
    exposure
}

/// The path of the list of a kind, if it is served.
fn path_of(kind: &CustomKind, served: &ServedApis) -> Option<String> {
    let CustomKind { group, plural, .. } = kind;
    let is_it =
        |one: &&ServedResource| one.group == *group && one.resource == *plural && !one.version.is_empty();
    let version = &served.resources.iter().find(is_it)?.version;
    Some(format!("/apis/{group}/{version}/{plural}?limit=500"))
}

/// What was read of several lists, and which could not be.
fn gathered<T>(outcomes: Vec<Result<Vec<T>, Failure>>) -> (Vec<T>, Vec<Gap>) {
    let (mut read, mut unread) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        match outcome {
            Ok(list) => read.extend(list),
            Err(failure) => unread.push(failure.gap),
        }
    }
    (read, unread)
}

/// The ConfigMaps that workloads and custom resources read, each once.
pub(super) async fn configs(
    client: &Client,
    workloads: &Workloads,
    namespaces: &[Namespace],
    resources: &[Resource],
) -> (Vec<ConfigText>, Vec<UnreadConfig>) {
    let mut wanted = wanted::config_maps(workloads, namespaces, resources);
    let left_out = wanted.split_off(wanted.len().min(MAX_CONFIG_MAPS));
    // The first ones were chosen by what they are for; what is read comes in the order of names.
    let mut wanted: Vec<(Wanted, bool)> = wanted
        .into_iter()
        .map(|one| (one, true))
        .chain(left_out.into_iter().map(|one| (one, false)))
        .collect();
    wanted.sort();
    let reads = wanted.into_iter().map(|(wanted, is_read)| async move {
        let outcome = if is_read {
            config_map(client, &wanted).await
        } else {
            let what = format!("the ConfigMap {}/{}", wanted.namespace, wanted.name);
            Err(Gap::new(
                GapReason::TooLarge,
                what,
                format!("collectors and stores mount more than {MAX_CONFIG_MAPS} ConfigMaps"),
            ))
        };
        (wanted, outcome)
    });
    let (mut read, mut unread) = (Vec::new(), Vec::new());
    for (wanted, outcome) in join_all(reads).await {
        match outcome {
            Ok((texts, keys)) => {
                read.extend(texts);
                unread.extend(keys);
            }
            // Those that a cluster of this kind would have and has not are no gap.
            Err(gap) if wanted.by_convention && gap.reason == GapReason::NotFound => {}
            Err(gap) => unread.push(UnreadConfig {
                namespace: wanted.namespace,
                name: wanted.name,
                key: String::new(),
                gap,
            }),
        }
    }
    (read, unread)
}

async fn config_map(client: &Client, wanted: &Wanted) -> Result<(Vec<ConfigText>, Vec<UnreadConfig>), Gap> {
    let Wanted { namespace, name, .. } = wanted;
    let what = format!("the ConfigMap {namespace}/{name}");
    // The names come out of a pod, and go into a path.
    let is_name = |text: &str| {
        !text.is_empty()
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c))
    };
    if !is_name(namespace) || !is_name(name) {
        return Err(Gap::new(GapReason::Malformed, what, "its name is not one that a ConfigMap can have"));
    }
    let path = format!("/api/v1/namespaces/{namespace}/configmaps/{name}");
    let found = gather::config_map_at(client, Access::Configs, &path).await;
    let found = found.map_err(|failure| Gap { what: what.clone(), ..failure.gap })?;
    let Some((object, _)) = found else {
        return Err(Gap::new(GapReason::NotFound, what, "there is no such ConfigMap"));
    };
    let (texts, unread) = config_maps::texts(&object, namespace, name);
    let texts = texts.into_iter().map(|(key, text)| {
        let config_map = ConfigMapKey { namespace: namespace.to_owned(), name: name.to_owned(), key };
        ConfigText { at: config_map.at(), config_map, given: false, text }
    });
    Ok((texts.collect(), unread))
}
