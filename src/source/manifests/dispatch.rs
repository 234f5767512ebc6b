//! What an object is, and which field of the snapshot it belongs to.

use super::error::ManifestError;
use super::logging;
use super::placeholders::note_placeholders;
use super::policies::{self, Begins};
use crate::document::Place;
use crate::document::logs::without_container_logs;
use crate::document::node::{Document, Tree};
use crate::document::yaml::{Fault, inner_name, parse};
use crate::document::{full_name, text};
use crate::snapshot::redact::{redact, scrub};
use crate::snapshot::{
    Container, DeclaredApiServer, Gap, GapReason, KIND, KubeletConfig, Lease, Node, Note, Pod, Reading,
    Scope, Snapshot, WaiverComment,
};
use crate::source::custom;
use crate::source::declared::{self, cluster_api, kind, kops, kubeadm, openshift, rancher, rke1};
use crate::source::exposure;
use crate::source::kubelet;
use crate::source::objects::{apiserver_lease, apiserver_pod, is_apiserver, node};
use crate::waiver::comment;

/// How deep lists may lie in lists, and manifests in files of other tools.
const MAX_NESTING: usize = 4;

/// How many faults of one file are noted.
const MAX_FAULTS: usize = 10;

const KUBEADM_CONFIG: &str = "the ConfigMap kube-system/kubeadm-config";

/// Gathers what the objects of all inputs say.
#[derive(Debug, Default)]
pub struct Collector {
    pods: Vec<Found>,
    any_pod: bool,
    nodes: Vec<Node>,
    leases: Vec<Lease>,
    kubeadm_config: Option<Reading<Option<DeclaredApiServer>>>,
    kubelet_configs: Vec<KubeletConfig>,
    declared: Vec<DeclaredApiServer>,
    templates: Vec<cluster_api::Template>,
    classes: Vec<Document>,
    policies: policies::Found,
    logging: logging::Found,
    /// The text that is taken in, if it speaks of audit policies.
    source: Option<String>,
    /// Whether that text is one document.
    is_alone: bool,
    waivers: Vec<WaiverComment>,
    notes: Vec<Note>,
}

#[derive(Debug)]
struct Found {
    pod: Pod,
    file: String,
    of_workload: bool,
}

/// What a text turned out to hold.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Objects with a `kind`.
    pub objects: usize,
    /// Other mappings, and lists.
    pub mappings: usize,
}

impl Collector {
    /// Takes in the text of a file. Documents that cannot be read are noted.
    ///
    /// # Errors
    /// Nothing in it can be read.
    pub fn text(&mut self, file: &str, text: &str) -> Result<Outcome, ManifestError> {
        let parsed = parse(text);
        let syntax = |fault: &Fault| ManifestError::Syntax {
            at: format!("{file}:{}:{}", fault.line, fault.column),
            message: scrub(&fault.message).into_owned(),
        };
        if parsed.trees.iter().any(|tree| tree.is_mapping() && tree.text("kind") == KIND) {
            return Err(ManifestError::Snapshot { name: file.to_owned() });
        }
        let mut outcome = Outcome::default();
        let is_empty = parsed.trees.is_empty();
        self.source = policies::may_hold(text).then(|| without_container_logs(text).into_owned());
        self.is_alone = parsed.trees.len() == 1 && parsed.faults.is_empty();
        for tree in parsed.trees {
            self.tree(tree, "", file, 0, &mut outcome);
        }
        match parsed.faults.first() {
            Some(fault) if is_empty => return Err(syntax(fault)),
            None if is_empty => return Err(ManifestError::Empty { name: file.to_owned() }),
            None if outcome == Outcome::default() => {
                return Err(ManifestError::Syntax {
                    at: file.to_owned(),
                    message: "no YAML mapping or JSON object in it, only text or numbers".into(),
                });
            }
            _ => {}
        }
        self.waivers.extend(comment::comments(file, text));
        for fault in parsed.faults.iter().take(MAX_FAULTS) {
            self.failure(&syntax(fault));
        }
        if let Some(more) = parsed.faults.len().checked_sub(MAX_FAULTS).filter(|more| *more > 0) {
            self.note(file, format!("{more} more documents that cannot be read"));
        }
        Ok(outcome)
    }

    /// Notes an input that could not be read.
    pub fn failure(&mut self, error: &ManifestError) {
        let (at, message) = error.note();
        self.note(at, format!("{message}; left aside"));
    }

    /// Notes something.
    pub fn note(&mut self, at: impl Into<String>, text: impl Into<String>) {
        self.notes.push(Note { at: at.into(), text: text.into() });
    }

    fn tree(&mut self, tree: Tree, inherited: &str, file: &str, depth: usize, outcome: &mut Outcome) {
        let own = tree.text("kind").to_owned();
        self.any_pod |= own == "PodList";
        let is_list = own.ends_with("List") || !tree.is_mapping() || own.is_empty() && inherited.is_empty();
        let tree = if is_list && depth < MAX_NESTING {
            match tree.into_items() {
                Ok(items) => {
                    outcome.objects += usize::from(!own.is_empty());
                    outcome.mappings += usize::from(own.is_empty());
                    // Items of a typed list need not say what they are.
                    let of_items = own.strip_suffix("List").unwrap_or_default();
                    for item in items {
                        self.tree(item, of_items, file, depth + 1, outcome);
                    }
                    return;
                }
                Err(tree) => tree,
            }
        } else {
            tree
        };
        if !tree.is_mapping() {
            return;
        }
        let kind = if own.is_empty() { inherited } else { &own };
        if kind.is_empty() {
            outcome.mappings += 1;
        } else {
            outcome.objects += 1;
        }
        self.object(tree, kind, file, depth, outcome);
    }

    fn object(&mut self, tree: Tree, kind: &str, file: &str, depth: usize, outcome: &mut Outcome) {
        let group = tree.text("apiVersion").split('/').next().unwrap_or_default().to_owned();
        let is_group = |name: &str| group == name || group.is_empty();
        // Only what speaks of policies at all is looked through for them.
        if self.source.is_some() && !matches!(kind, "Policy" | "ConfigMap" | "Secret" | "ClusterClass") {
            self.policies.inside(&located(tree.clone(), kind, file), file);
        }
        match kind {
            "Pod" => {
                self.any_pod = true;
                self.pod(tree, &["spec", "containers"], kind, file);
            }
            "Deployment" | "DaemonSet" | "StatefulSet" => {
                self.logging.workload(&located(tree.clone(), kind, file), kind);
                self.pod(tree, &["spec", "template", "spec", "containers"], kind, file);
            }
            "Namespace" => self.logging.namespace(&located(tree, kind, file)),
            "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding"
                if group == "rbac.authorization.k8s.io" || group.is_empty() =>
            {
                self.logging.rbac(&located(tree, kind, file), kind);
            }
            "Service" if group == "v1" || group.is_empty() => {
                self.logging.service(&located(tree, kind, file));
            }
            "Node" => self.node(&located(tree, kind, file)),
            "Lease" => self.leases.extend(apiserver_lease(&located(tree, kind, file).value)),
            "ConfigMap" => self.config_map(tree, kind, file),
            "ClusterConfiguration" if is_group("kubeadm.k8s.io") => {
                let document = located(tree, kind, file);
                self.declared.push(kubeadm::cluster_configuration(
                    &document,
                    &format!("ClusterConfiguration in {file}"),
                ));
            }
            "InitConfiguration" | "JoinConfiguration" if is_group("kubeadm.k8s.io") => {
                let Document { value, place } = located(tree, kind, file);
                self.kubelet_configs.extend(kubelet::from_registration(&value, "", &place, file));
            }
            "KubeletConfiguration" => {
                let Document { value, place } = located(tree, kind, file);
                self.kubelet_configs.push(kubelet::from_configuration(&value, "", &place, file));
            }
            "KubeletConfig" if group == "machineconfiguration.openshift.io" => {
                let Document { value, place } = located(tree, kind, file);
                if let Some(inner) = value.pointer("/spec/kubeletConfig") {
                    let name = format!("KubeletConfig {}", full_name(&value));
                    self.kubelet_configs.push(kubelet::from_configuration(
                        inner,
                        "spec.kubeletConfig",
                        &place,
                        &name,
                    ));
                }
            }
            "Cluster" => self.cluster(tree, &group, kind, file),
            "KubeadmControlPlane"
            | "KubeadmControlPlaneTemplate"
            | "KubeadmConfig"
            | "KubeadmConfigTemplate" => {
                let (template, kubelets) = cluster_api::read(located(tree, kind, file));
                self.templates.extend(template);
                self.kubelet_configs.extend(kubelets);
            }
            "ClusterClass" => self.classes.push(located(tree, kind, file)),
            "KubeAPIServerConfig" => {
                let document = located(tree, kind, file);
                self.declared.push(openshift::config(&document, &openshift_name(file)));
            }
            "Policy" if group == "audit.k8s.io" => {
                let begins = match &tree {
                    Tree::Marked(mark, _) if depth == 0 => Begins::At(*mark),
                    Tree::Plain(_) if depth == 0 && self.is_alone => Begins::Alone,
                    _ => Begins::Somewhere,
                };
                let Document { value, place } = located(tree, kind, file);
                let source = self.source.as_deref().unwrap_or_default();
                self.policies.document(file, source, begins, &value, &place);
            }
            "" => self.without_kind(tree, file, depth, outcome),
            _ => {
                if let Some(custom) = custom::kind_of(&group, kind) {
                    self.logging.resource(custom, &located(tree, kind, file));
                } else if let Some(route) = exposure::route_kind_of(&group, kind) {
                    self.logging.route(route, &located(tree, kind, file));
                }
            }
        }
    }

    fn pod(&mut self, tree: Tree, containers: &[&str], kind: &str, file: &str) {
        // Most pods are others: their marks need not be made.
        let runs_apiserver = tree.at(containers).is_some_and(|containers| {
            containers.as_array().is_some_and(|list| list.iter().any(is_apiserver))
        });
        if !runs_apiserver {
            return;
        }
        let Document { value, place } = located(tree, kind, file);
        let Some(pod) = apiserver_pod(&value, &place) else { return };
        let found = Found { pod, file: file.to_owned(), of_workload: kind != "Pod" };
        if !self.pods.iter().any(|other| other.is_again(&found)) {
            self.pods.push(found);
        }
    }

    fn node(&mut self, Document { value, place }: &Document) {
        self.nodes.push(node(value));
        self.rancher(rancher::node(value, place), place);
    }

    fn config_map(&mut self, tree: Tree, kind: &str, file: &str) {
        let metadata = tree.at(&["metadata"]).unwrap_or_default();
        let (namespace, name) = (text(&metadata, "/namespace"), text(&metadata, "/name"));
        let in_namespace = |expected: &str| namespace.is_empty() || namespace == expected;
        self.logging.config_map(&located(tree.clone(), kind, file));
        if self.source.is_some() {
            let document = located(tree.clone(), kind, file);
            self.policies.config_map(&document.value, &document.place);
        }
        if in_namespace("kube-system") && name == "kubeadm-config" {
            let Document { value, place } = located(tree, kind, file);
            let reading = match declared::kubeadm_config_map(&value, &place) {
                Ok(declared) => Reading::read(declared),
                Err(problem) => {
                    self.note(place.at, format!("{problem}; left aside"));
                    Reading::missing(Gap::new(GapReason::Malformed, KUBEADM_CONFIG, problem))
                }
            };
            match (&self.kubeadm_config, reading) {
                (None, reading) => self.kubeadm_config = Some(reading),
                // The ConfigMap of another cluster.
                (Some(_), Reading::Read { value }) => self.declared.extend(value),
                (Some(_), Reading::Missing { .. }) => {}
            }
        } else if in_namespace("kube-system")
            && (name == "kubelet-config" || name.starts_with("kubelet-config-1."))
        {
            let Document { value, place } = located(tree, kind, file);
            match kubelet::from_config_map(&value, &place) {
                Ok(config) => self.kubelet_configs.extend(config),
                Err(problem) => self.note(place.at, format!("{problem}; left aside")),
            }
        } else if namespace == "openshift-kube-apiserver" && name == "config" {
            let Document { value, place } = located(tree, kind, file);
            match openshift::config_map(&value, &place) {
                Ok(declared) => self.declared.extend(declared),
                Err(problem) => self.note(place.at, format!("{problem}; left aside")),
            }
        }
    }

    fn cluster(&mut self, tree: Tree, group: &str, kind: &str, file: &str) {
        match group {
            // `kops/v1alpha2` up to kops 1.10.
            "kops.k8s.io" | "kops" => {
                let (declared, kubelets) = kops::cluster(&located(tree, kind, file));
                self.declared.push(declared);
                self.kubelet_configs.extend(kubelets);
            }
            "kind.x-k8s.io" | "kind.sigs.k8s.io" | "" => {
                let read = kind::cluster(&located(tree, kind, file));
                self.declared.push(read.declared);
                self.kubelet_configs.extend(read.kubelet_configs);
                self.notes.extend(read.notes);
            }
            // Of the Cluster API and others: it refers to its control plane.
            _ => {}
        }
    }

    fn without_kind(&mut self, tree: Tree, file: &str, depth: usize, outcome: &mut Outcome) {
        if tree.at(&["spec", "containers"]).is_some_and(|containers| containers.is_array()) {
            self.any_pod = true;
            self.pod(tree, &["spec", "containers"], "Pod", file);
            return;
        }
        let Document { value, place } = located(tree, "", file);
        let contents = text(&value, "/contents");
        if !text(&value, "/path").is_empty() && contents.contains("kube-apiserver") && depth < MAX_NESTING {
            // A file task of kops' nodeup: the manifest as a text.
            let name = inner_name(&place, "contents");
            let parsed = parse(contents);
            for tree in parsed.trees {
                self.tree(tree, "", &name, depth + 1, outcome);
            }
            for fault in parsed.faults {
                self.note(
                    format!("{name}:{}:{}", fault.line, fault.column),
                    format!("{}; left aside", fault.message),
                );
            }
        } else if value.get("apiServerArguments").is_some() {
            self.declared.push(openshift::config(&Document { value, place }, &openshift_name(file)));
        } else if let Some(base) = rke1::base(&value) {
            self.declared.push(rke1::cluster(&value, base, &place, &format!("RKE1 cluster in {file}")));
        } else if let Some(flavour) = rancher::Flavour::of_config(&value, file) {
            self.rancher(rancher::config_file(&value, flavour, &place, file), &place);
        }
    }

    fn rancher(&mut self, read: rancher::Read, place: &Place) {
        self.declared.extend(read.declared);
        self.kubelet_configs.extend(read.kubelet_config);
        if let Some((path, text)) = read.note {
            let at = if path.is_empty() { place.at.clone() } else { place.field(&path) };
            self.note(at, text);
        }
    }

    /// The snapshot of everything that was taken in.
    pub fn finish(mut self, name: String) -> Snapshot {
        for class in std::mem::take(&mut self.classes) {
            let notes = cluster_api::apply_class(&class, &mut self.templates);
            self.notes.extend(notes);
        }
        self.declared
            .extend(std::mem::take(&mut self.templates).into_iter().map(cluster_api::Template::finish));
        let of_pods: Vec<(String, String)> = self
            .pods
            .iter()
            .filter(|found| !found.of_workload)
            .map(|found| (found.pod.namespace.clone(), found.pod.name.clone()))
            .collect();
        // Where the pods of a workload are in the input too, they are the instances.
        self.pods.retain(|found| {
            !found.of_workload
                || !of_pods.iter().any(|(namespace, name)| {
                    *namespace == found.pod.namespace
                        && name.strip_prefix(&found.pod.name).is_some_and(|rest| rest.starts_with('-'))
                })
        });
        tell_apart(&mut self.declared);
        let mut snapshot = Snapshot::empty(Scope::Manifests, name);
        if self.any_pod || !self.pods.is_empty() {
            snapshot.pods = Reading::read(self.pods.into_iter().map(|found| found.pod).collect());
        }
        if !self.nodes.is_empty() {
            snapshot.nodes = Reading::read(self.nodes);
        }
        if !self.leases.is_empty() {
            snapshot.leases = Reading::read(self.leases);
        }
        if let Some(reading) = self.kubeadm_config {
            snapshot.kubeadm_config = reading;
        }
        if !self.kubelet_configs.is_empty() {
            snapshot.kubelet_configs = Reading::read(self.kubelet_configs);
        }
        snapshot.declared = self.declared;
        snapshot.waivers = self.waivers;
        snapshot.policies = self.policies.policies;
        self.logging.finish(&mut snapshot);
        snapshot.notes = self.notes;
        snapshot.notes.extend(self.policies.notes);
        redact(&mut snapshot);
        note_placeholders(&mut snapshot);
        if snapshot == Snapshot::empty(Scope::Manifests, &*snapshot.cluster.name) {
            snapshot.notes.push(Note {
                at: snapshot.cluster.name.clone(),
                text: "nothing in it is read by this version: no apiserver, audit policy, node, Lease, kubelet configuration, workload or logging operator's resource".into(),
            });
        }
        snapshot
    }
}

impl Found {
    /// Whether this is the same object, given again in the same file.
    fn is_again(&self, other: &Self) -> bool {
        self.file == other.file
            && (&self.pod.namespace, &self.pod.name, &self.pod.node_name)
                == (&other.pod.namespace, &other.pod.name, &other.pod.node_name)
            && self.of_workload == other.of_workload
            && without_places(&self.pod) == without_places(&other.pod)
    }
}

fn openshift_name(file: &str) -> String {
    format!("KubeAPIServerConfig in {file}")
}

/// Adds the line to names that only tell the kind and the file, and are given more than once.
fn tell_apart(declared: &mut [DeclaredApiServer]) {
    let names: Vec<String> = declared.iter().map(|one| one.name.clone()).collect();
    for one in declared {
        let is_again = names.iter().filter(|name| **name == one.name).count() > 1;
        let mut position = one.at.rsplitn(3, ':');
        if is_again
            && let (Some(_), Some(line), Some(file)) = (position.next(), position.next(), position.next())
            && one.name.ends_with(file)
        {
            one.name = format!("{}:{line}", one.name);
        }
    }
}

/// What the containers of a pod are, wherever they stand.
fn without_places(pod: &Pod) -> Vec<Container> {
    let mut containers = pod.containers.clone();
    for mount in containers.iter_mut().flat_map(|container| &mut container.mounts) {
        mount.at.clear();
    }
    containers
}

/// The object with its place, and with its kind if that comes from the list it was in. JSON has no positions, so there
/// the object is named.
fn located(tree: Tree, kind: &str, file: &str) -> Document {
    let plain = matches!(tree, Tree::Plain(_));
    let mut document = tree.document(file);
    if let Some(fields) = document.value.as_object_mut().filter(|_| !kind.is_empty()) {
        fields.insert("kind".into(), kind.into());
    }
    if plain {
        let name = full_name(&document.value);
        if !kind.is_empty() && !name.is_empty() {
            document.place = Place::of(format!("{file} {kind} {name}"));
        }
    }
    document
}
