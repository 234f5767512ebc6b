//! Stores that run as workloads: the containers of a known store, those that belong together as one.

use std::collections::BTreeSet;

use super::model::{Storage, Store};
use super::{elastic, loki, resources, victoria_logs};
use crate::analyze::collectors::config::resolve as resolve_path;
use crate::analyze::collectors::products::{Product, Role, product_of};
use crate::analyze::collectors::service::Service;
use crate::analyze::collectors::{paths, resolve};
use crate::analyze::fact::Fact;
use crate::snapshot::redact::REDACTED;
use crate::snapshot::{Container, Medium, Snapshot, Workload, Workloads};
use crate::verdict::Rank;

/// A store that was found.
#[derive(Debug)]
pub struct Found {
    /// The workload or custom resource: `StatefulSet logging/loki`.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The workloads it consists of, by name.
    pub workloads: Vec<String>,
    /// What is said of it.
    pub store: Store,
    /// Whether what it holds outlives its pods.
    pub persistent: Fact<bool>,
    /// Whether there is more than one copy of it.
    pub replicated: Fact<bool>,
}

/// A container of a store.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub workload: &'a Workload,
    pub container: &'a Container,
}

impl Part<'_> {
    /// Where it stands.
    pub(super) fn at(&self) -> String {
        self.workload.field(&format!("spec.template.spec.containers[{}]", self.container.index))
    }

    /// What it is started with, or why that is not seen.
    fn arguments(&self) -> Result<Vec<String>, String> {
        let words: Vec<String> = self.container.command.iter().chain(&self.container.args).cloned().collect();
        if words.iter().any(|word| word == REDACTED) {
            return Err(format!("the container at {} is started by a script", self.at()));
        }
        Ok(words)
    }
}

/// The namespaces in which stores run as workloads.
pub fn namespaces(workloads: &Workloads) -> BTreeSet<&str> {
    let is_store = |workload: &&Workload| workload.containers.iter().any(|one| store_product(one).is_some());
    workloads.all().filter(is_store).map(|workload| workload.namespace.as_str()).collect()
}

/// The product of a container that is a store.
pub(super) fn store_product(container: &Container) -> Option<&'static Product> {
    product_of(&container.image).filter(|product| product.role == Role::Store)
}

struct Group<'a> {
    namespace: &'a str,
    key: String,
    product: &'static Product,
    parts: Vec<Part<'a>>,
}

/// Every store that runs as a workload, but those which a custom resource among `owners` (`LokiStack logging/x`) stands for.
pub fn stores(snapshot: &Snapshot, owners: &[(String, String)]) -> Vec<Found> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for workload in snapshot.workloads.all() {
        let is_owned = workload.owner.as_ref().is_some_and(|owner| {
            owners.iter().any(|(namespace, name)| *namespace == workload.namespace && name == owner)
        });
        let container = workload
            .containers
            .iter()
            .find_map(|container| store_product(container).map(|product| (product, container)));
        let Some((product, container)) = container.filter(|_| !is_owned) else { continue };
        let part = Part { workload, container };
        let key = key(snapshot, part, product);
        let known = groups.iter_mut().find(|group| {
            group.namespace == workload.namespace && group.key == key && std::ptr::eq(group.product, product)
        });
        if let Some(group) = known {
            group.parts.push(part);
        } else {
            let namespace = workload.namespace.as_str();
            groups.push(Group { namespace, key, product, parts: vec![part] });
        }
    }
    groups.iter().filter_map(|group| found(snapshot, group)).collect()
}

/// What the workloads of one store have in common: the configuration they read, or what installed them.
fn key(snapshot: &Snapshot, part: Part<'_>, product: &'static Product) -> String {
    let Part { workload, container } = part;
    if product.name == Service::VictoriaLogs.name() {
        return workload.name.clone();
    }
    if product.name == Service::Loki.name() {
        let config = resolve::config(snapshot, workload, container, product);
        let main = resolve_path("/", &config.main);
        if let Some(file) = config.files.iter().find(|file| file.path == main) {
            return file.at.clone();
        }
    }
    let labels = ["app.kubernetes.io/instance", "release"];
    let label = labels.iter().find_map(|key| workload.labels.get(*key).or(workload.pod_labels.get(*key)));
    label.unwrap_or(&workload.name).clone()
}

fn found(snapshot: &Snapshot, group: &Group<'_>) -> Option<Found> {
    let Group { namespace, product, parts, .. } = group;
    let first = *parts.first()?;
    let arguments = first.arguments();
    let store = match service(product)? {
        Service::VictoriaLogs => match &arguments {
            Ok(words) if victoria_logs::is_front(words) => return None,
            Ok(words) => victoria_logs::read(words, &first.at()),
            Err(why) => Store::unknown(Service::VictoriaLogs, first.at(), why),
        },
        Service::Loki => of_loki(snapshot, group, first),
        service @ (Service::Elasticsearch | Service::OpenSearch) => {
            elastic::read(snapshot, parts, product, service)
        }
        service => resources::inside(service, &first.at()),
    };
    let name = if let [_] = parts.as_slice() {
        first.workload.title()
    } else {
        let names: Vec<&str> = parts.iter().map(|part| part.workload.name.as_str()).collect();
        format!("{} {namespace}/{}", product.name, names.join(", "))
    };
    Some(Found {
        name,
        namespace: (*namespace).to_owned(),
        workloads: parts.iter().map(|part| part.workload.name.clone()).collect(),
        persistent: persistent(&store, parts),
        replicated: replicated(&store, parts),
        store,
    })
}

/// The service of a product.
pub fn service(product: &Product) -> Option<Service> {
    const ALL: [Service; 10] = [
        Service::Loki,
        Service::Elasticsearch,
        Service::OpenSearch,
        Service::VictoriaLogs,
        Service::Splunk,
        Service::Graylog,
        Service::ClickHouse,
        Service::Quickwit,
        Service::Parseable,
        Service::OpenObserve,
    ];
    ALL.into_iter().find(|service| service.name() == product.name)
}

/// Flags of Loki that overrule what its configuration says of retention.
const OVERRULING: [&str; 6] = [
    "compactor.retention-enabled",
    "compactor.deletion-mode",
    "store.retention",
    "limits.per-user-override-config",
    "runtime-config.file",
    "table-manager.retention-period",
];

fn of_loki(snapshot: &Snapshot, group: &Group<'_>, first: Part<'_>) -> Store {
    let config = resolve::config(snapshot, first.workload, first.container, group.product);
    let mut store = match loki::read(&config) {
        Ok(store) => store,
        Err(unreadable) => {
            let why = format!("its configuration is not read: {} ({})", unreadable.why, unreadable.at);
            return Store::unknown(Service::Loki, first.at(), &why);
        }
    };
    for part in &group.parts {
        let words = match part.arguments() {
            Ok(words) => words,
            Err(why) => return Store::unknown(Service::Loki, first.at(), &why),
        };
        let flag = |name: &str| {
            words.iter().find(|word| {
                let word = word.trim_start_matches('-');
                word == name || word.strip_prefix(name).is_some_and(|rest| rest.starts_with('='))
            })
        };
        if let Some(word) = OVERRULING.iter().find_map(|name| flag(name)) {
            let why = format!("the argument {word} at {} overrules the configuration", part.at());
            store.retention = Fact::unknown(&*why);
            store.retention_set = Fact::unknown(&*why);
            store.retention_applied = Fact::unknown(&*why);
            store.deletion_api = Fact::unknown(&*why);
            store.deletion_guarded = Fact::unknown(why);
        }
        if let Some(word) = flag("auth.enabled") {
            let why = format!("the argument {word} at {} overrules the configuration", part.at());
            store.authentication = Fact::unknown(&*why);
            store.deletion_guarded = Fact::unknown(why);
        }
    }
    // No more copies are made than pods that take logs in.
    let writers: Option<i64> = group
        .parts
        .iter()
        .filter(|part| writes(**part))
        .map(|part| part.workload.replicas)
        .try_fold(0_i64, |sum, replicas| Some(sum.saturating_add(replicas?)));
    if let Some(pods) = writers.filter(|pods| *pods > 0) {
        store.replicas = store.replicas.and_then(|factor| {
            let at = first.workload.field("spec.replicas");
            Fact::at(factor.min(pods), Rank::Configured, at, format!("{pods} pods take logs in"))
        });
    }
    store
}

/// Whether a container of Loki takes logs in: by its target, which is `all` if none is given.
fn writes(part: Part<'_>) -> bool {
    let mut words = part.container.command.iter().chain(&part.container.args);
    let target = words.find_map(|word| {
        let word = word.trim_start_matches('-');
        word.strip_prefix("target=").map(str::to_owned)
    });
    target.is_none_or(|target| {
        target
            .split(',')
            .any(|one| ["all", "write", "ingester"].contains(&one) || one.starts_with("ingester"))
    })
}

/// Whether what a store holds outlives its pods.
fn persistent(store: &Store, parts: &[Part<'_>]) -> Fact<bool> {
    let folder = match (&store.storage, &store.folder) {
        (Fact::Known(known), _) if known.value != Storage::Filesystem => {
            return outlives(&store.storage);
        }
        (_, Some(folder)) => folder.clone(),
        (Fact::Unknown(unknown), None) => return Fact::unknown(unknown.reason.clone()),
        (Fact::Known(_), None) => {
            return Fact::unknown(format!("in which folder {} keeps logs is not told", store.at));
        }
    };
    let mut facts = parts.iter().map(|part| outlives_pod(*part, &folder));
    let Some(first) = facts.next() else { return Fact::unknown("no container of it is seen") };
    facts.fold(first, |so_far, next| match (so_far.value(), next.value()) {
        (Some(a), Some(b)) if a == b => so_far.zip(next).map(|(one, _)| one),
        (Some(_), Some(_)) => {
            Fact::unknown(format!("{folder} outlives some of its pods; which of them hold logs is not told"))
        }
        (None, _) => so_far,
        _ => next,
    })
}

/// Whether what is kept in such a place outlives a pod.
pub(super) fn outlives(storage: &Fact<Storage>) -> Fact<bool> {
    match storage {
        Fact::Unknown(unknown) => Fact::unknown(unknown.reason.clone()),
        Fact::Known(known) => match known.value {
            Storage::Ephemeral => storage.clone().map(|_| false),
            Storage::Claimed | Storage::ObjectStore(_) => storage.clone().map(|_| true),
            Storage::Filesystem => Fact::unknown("which volume is mounted there is not seen"),
        },
    }
}

fn outlives_pod(part: Part<'_>, folder: &str) -> Fact<bool> {
    let mounts = &part.container.mounts;
    let covering = mounts
        .iter()
        .filter(|mount| paths::is_or_below(folder, mount.path.trim_end_matches('/')))
        .max_by_key(|mount| mount.path.len());
    let told = |kept: bool, at: String, what: &str| {
        Fact::at(kept, Rank::Configured, at, format!("{folder} lies {what}"))
    };
    let Some(mount) = covering else {
        let other = mounts.iter().find(|mount| {
            !mount.medium.is_api_object() && !matches!(mount.medium, Medium::EmptyDir) && !mount.read_only
        });
        return match other {
            Some(mount) => Fact::unknown(format!(
                "no volume is mounted at {folder}, but one is at {} ({}): whether logs are kept there is not told",
                mount.path, mount.at
            )),
            None => told(false, part.at(), "in the container itself, which goes with the pod"),
        };
    };
    let at = mount.at.clone();
    match &mount.medium {
        Medium::PersistentVolumeClaim => told(true, at, "on a PersistentVolume"),
        Medium::EmptyDir => told(false, at, "on an emptyDir, which goes with the pod"),
        Medium::Other(kind) if kind == "ephemeral" => told(false, at, "on a volume that goes with the pod"),
        Medium::HostPath(path) => Fact::unknown(format!(
            "{folder} lies on the node at {path} ({at}): it outlives the pod only where that comes back to the same node"
        )),
        _ => Fact::unknown(format!("whether the volume at {at} outlives the pod is not known")),
    }
}

fn replicated(store: &Store, parts: &[Part<'_>]) -> Fact<bool> {
    let copies = store.replicas.clone().map(|copies| copies > 1);
    let keeps_alone = matches!(store.product, Service::Elasticsearch | Service::OpenSearch);
    match (&copies, parts) {
        (Fact::Unknown(_), [one]) if keeps_alone && one.workload.replicas == Some(1) => {
            let at = one.workload.field("spec.replicas");
            Fact::at(false, Rank::Configured, at, "a single pod has no second copy")
        }
        _ => copies,
    }
}
