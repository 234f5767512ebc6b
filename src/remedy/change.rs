//! Changes of a snapshot: what it would hold once a remedy is in place.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::snapshot::cloud::CloudAnswer;
use crate::snapshot::redact::redact;
use crate::snapshot::workload::{Placement, Toleration, WorkloadStatus};
use crate::snapshot::{
    Argument, ConfigMapKey, Container, DeclaredApiServer, EnvVar, Gap, GapReason, Medium, Mount,
    PolicyOrigin, PolicyText, Reading, Scope, Snapshot, Workload, WorkloadKind,
};
use crate::source::manifests;

/// Where it stands in evidence.
const AT: &str = "the remedy";

/// A change.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Every apiserver is started with these flags.
    Flags(BTreeMap<String, String>),
    /// Every apiserver that runs in a container gets this file or folder of its host.
    HostPath(HostPath),
    /// The apiservers load this policy.
    Policy {
        /// What to call it.
        name: String,
        /// Its text.
        text: String,
    },
    /// These manifests are applied.
    Objects {
        /// What the file is called.
        file: String,
        /// Its text.
        text: String,
    },
    /// A key of a ConfigMap gets another text.
    Config {
        /// Which.
        key: ConfigMapKey,
        /// The text.
        text: String,
    },
    /// A workload gets something.
    Workload {
        /// The kind.
        kind: WorkloadKind,
        /// The namespace.
        namespace: String,
        /// The name.
        name: String,
        /// What it gets.
        patch: WorkloadPatch,
    },
    /// A provider would answer otherwise.
    Answer {
        /// The call.
        call: String,
        /// What it is about.
        of: String,
        /// The patch.
        merge: Value,
    },
}

/// A file or folder of the host in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPath {
    /// The name of the volume.
    pub name: String,
    /// The path, the same on the host.
    pub path: String,
    /// Whether it is only read.
    pub read_only: bool,
    /// Whether it is a folder.
    pub is_folder: bool,
}

/// What a workload gets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkloadPatch {
    /// Whether it tolerates every taint.
    pub tolerates_all: bool,
    /// The container that gets folders and variables.
    pub container: String,
    /// Folders of the host.
    pub folders: Vec<HostPath>,
    /// Variables from Secrets: name, Secret and key.
    pub secrets: Vec<(String, String, String)>,
}

impl Change {
    /// Makes the change.
    pub fn apply(&self, snapshot: &mut Snapshot) {
        match self {
            Self::Flags(flags) => set_flags(snapshot, flags),
            Self::HostPath(path) => mount(snapshot, path),
            Self::Policy { name, text } => set_policy(snapshot, name, text),
            Self::Objects { file, text } => add_objects(snapshot, file, text),
            Self::Config { key, text } => {
                for config in &mut snapshot.configs {
                    if config.config_map == *key && !config.given {
                        config.text.clone_from(text);
                    }
                }
                redact(snapshot);
            }
            Self::Workload { kind, namespace, name, patch } => {
                let mut workloads = snapshot.workloads.kinds_mut().into_iter().filter_map(Reading::value_mut);
                let found = workloads.find_map(|list| {
                    list.iter_mut()
                        .find(|one| one.kind == *kind && one.namespace == *namespace && one.name == *name)
                });
                if let Some(workload) = found {
                    patch.apply(workload);
                }
            }
            Self::Answer { call, of, merge } => answer(snapshot, call, of, merge),
        }
    }
}

impl WorkloadPatch {
    fn apply(&self, workload: &mut Workload) {
        let Placement { tolerations, .. } = &mut workload.placement;
        if self.tolerates_all {
            *tolerations = vec![Toleration { operator: "Exists".into(), ..Toleration::default() }];
        }
        if let Some(container) = workload.containers.iter_mut().find(|one| one.name == self.container) {
            for path in &self.folders {
                container.mounts.push(path.mount());
            }
            for (name, secret, _) in &self.secrets {
                container.env.push(EnvVar {
                    name: name.clone(),
                    value: None,
                    from: Some(crate::snapshot::EnvSource::Secret(secret.clone())),
                });
            }
        }
        // Its pods are made anew: how many of them are ready is not known before.
        workload.status = None::<WorkloadStatus>;
    }
}

impl HostPath {
    fn mount(&self) -> Mount {
        Mount {
            path: self.path.clone(),
            read_only: self.read_only,
            medium: Medium::HostPath(self.path.clone()),
            shared_with: None,
            at: AT.into(),
        }
    }
}

/// Sets flags wherever the snapshot shows them. Counters speak for processes that are gone then.
fn set_flags(snapshot: &mut Snapshot, flags: &BTreeMap<String, String>) {
    for pod in snapshot.pods.value_mut().into_iter().flatten() {
        pod.containers.iter_mut().for_each(|container| set_arguments(container, flags));
    }
    let kubeadm = snapshot.kubeadm_config.value_mut().and_then(Option::as_mut);
    for declared in kubeadm.into_iter().chain(&mut snapshot.declared) {
        declare(declared, flags);
    }
    for flagz in snapshot.flagz.iter_mut().filter_map(Reading::value_mut) {
        flagz.flags.extend(flags.iter().map(|(flag, value)| (flag.clone(), value.clone())));
    }
    forget_counters(snapshot);
}

fn set_arguments(container: &mut Container, flags: &BTreeMap<String, String>) {
    let Container { command, args, .. } = container;
    for (flag, value) in flags {
        let names = |word: &String| {
            word.strip_prefix("--").is_some_and(|rest| rest.split('=').next() == Some(flag.as_str()))
        };
        command.retain(|word| !names(word));
        args.retain(|word| !names(word));
        let list = if args.is_empty() { &mut *command } else { &mut *args };
        list.push(format!("--{flag}={value}"));
    }
}

fn declare(declared: &mut DeclaredApiServer, flags: &BTreeMap<String, String>) {
    declared.arguments.retain(|argument| !flags.contains_key(argument.name.trim_start_matches('-')));
    let set = |(name, value): (&String, &String)| Argument {
        name: name.clone(),
        value: Some(value.clone()),
        at: AT.into(),
    };
    declared.arguments.extend(flags.iter().map(set));
}

fn forget_counters(snapshot: &mut Snapshot) {
    for metrics in &mut snapshot.metrics {
        *metrics = Reading::missing(Gap::new(
            GapReason::NotAsked,
            "the audit counters",
            "they begin anew when the apiserver starts with the remedies; run again then",
        ));
    }
}

fn mount(snapshot: &mut Snapshot, path: &HostPath) {
    for pod in snapshot.pods.value_mut().into_iter().flatten() {
        pod.containers.iter_mut().for_each(|container| container.mounts.push(path.mount()));
    }
    let kubeadm = snapshot.kubeadm_config.value_mut().and_then(Option::as_mut);
    for declared in kubeadm.into_iter().chain(&mut snapshot.declared) {
        if let Some(mounts) = &mut declared.mounts {
            mounts.push(path.mount());
        }
    }
}

fn set_policy(snapshot: &mut Snapshot, name: &str, text: &str) {
    snapshot.policies.clear();
    snapshot.policies_unread.clear();
    give_policy(snapshot, name, text);
    forget_counters(snapshot);
}

/// Adds a policy as one that is given with `--policy-file`.
pub(super) fn give_policy(snapshot: &mut Snapshot, name: &str, text: &str) {
    snapshot.policies.push(PolicyText {
        name: name.to_owned(),
        at: name.to_owned(),
        line: 1,
        origin: PolicyOrigin::Given,
        paths: Vec::new(),
        inside: None,
        config_map: None,
        text: text.to_owned(),
    });
    redact(snapshot);
}

/// Adds what manifests hold, as `-f` reads it.
fn add_objects(snapshot: &mut Snapshot, file: &str, text: &str) {
    let Ok(read) = manifests::read_texts(&[(file.to_owned(), text.to_owned())]) else { return };
    let of_files = snapshot.scope == Scope::Manifests;
    let lists = snapshot.workloads.kinds_mut().into_iter().zip(into_kinds(read.workloads));
    for (list, more) in lists {
        extend(list, more, of_files);
    }
    extend(&mut snapshot.namespaces, read.namespaces, of_files);
    snapshot.configs.extend(read.configs);
    snapshot.resources.extend(read.resources);
    let rbac = &mut snapshot.rbac;
    extend(&mut rbac.roles, read.rbac.roles, of_files);
    extend(&mut rbac.cluster_roles, read.rbac.cluster_roles, of_files);
    extend(&mut rbac.role_bindings, read.rbac.role_bindings, of_files);
    extend(&mut rbac.cluster_role_bindings, read.rbac.cluster_role_bindings, of_files);
}

fn into_kinds(workloads: crate::snapshot::Workloads) -> [Reading<Vec<Workload>>; 3] {
    [workloads.daemon_sets, workloads.deployments, workloads.stateful_sets]
}

/// Adds to a list that was read. In a cluster a list that was not read stays so: what else is in it is not known. Files hold
/// what they hold.
fn extend<T>(list: &mut Reading<Vec<T>>, more: Reading<Vec<T>>, of_files: bool) {
    let Reading::Read { value: more } = more else { return };
    match list {
        Reading::Read { value } => value.extend(more),
        Reading::Missing { gap } if of_files && gap.reason == GapReason::NotAsked => {
            *list = Reading::read(more);
        }
        Reading::Missing { .. } => {}
    }
}

/// Changes what the provider answers, or adds an answer to what nobody had to ask before.
fn answer(snapshot: &mut Snapshot, call: &str, of: &str, merge: &Value) {
    let answers = &mut snapshot.cloud.answers;
    let exact = answers.iter().position(|one| one.call == call && one.of.eq_ignore_ascii_case(of));
    // A saved list that is empty does not say what it is of.
    let position = exact
        .or_else(|| answers.iter().position(|one| one.call == call && (one.of.is_empty() || of.is_empty())));
    match position.and_then(|position| answers.get_mut(position)) {
        Some(found) => {
            if let Some(value) = found.reading.value_mut() {
                merge_patch(value, merge);
            }
        }
        None => answers.push(CloudAnswer {
            call: call.to_owned(),
            of: of.to_owned(),
            at: AT.into(),
            reading: Reading::read(merge.clone()),
        }),
    }
}

/// Fields by which items of a list are told apart.
const NAMES: [&str; 3] = ["name", "logGroupName", "service"];

/// RFC 7396, but for lists whose items have names: of those that are called the same one is merged into the other, and others
/// are added.
fn merge_patch(target: &mut Value, patch: &Value) {
    match (&mut *target, patch) {
        (Value::Object(fields), Value::Object(patch)) => {
            for (key, value) in patch {
                merge_patch(fields.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (Value::Array(items), Value::Array(patch)) if patch.iter().all(|item| name(item).is_some()) => {
            for item in patch {
                match items.iter_mut().find(|other| name(other) == name(item)) {
                    Some(other) => merge_patch(other, item),
                    None => items.push(item.clone()),
                }
            }
        }
        _ => target.clone_from(patch),
    }
}

/// By what an item of a list is told apart.
pub(super) fn name(item: &Value) -> Option<&str> {
    NAMES.iter().find_map(|key| item.get(key)?.as_str())
}
