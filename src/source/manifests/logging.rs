//! What in files has to do with logs: workloads, namespaces, custom resources, and the ConfigMaps that these read.

use serde_json::Value;

use crate::analyze::collectors::wanted;
use crate::analyze::stores;
use crate::document::node::Document;
use crate::document::text;
use crate::document::yaml::inner_name;
use crate::snapshot::exposure::{Route, Service, is_same_namespace};
use crate::snapshot::rbac::{Binding, Role};
use crate::snapshot::workload::{ConfigText, Namespace};
use crate::snapshot::{ConfigMapKey, Reading, Resource, Snapshot, Workload, WorkloadKind};
use crate::source::custom::{self, CustomKind};
use crate::source::exposure::{self, RouteKind};
use crate::source::rbac;
use crate::source::workloads::{namespace, workload};

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    daemon_sets: Vec<Workload>,
    deployments: Vec<Workload>,
    stateful_sets: Vec<Workload>,
    namespaces: Vec<Namespace>,
    resources: Vec<Resource>,
    services: Vec<Service>,
    routes: Vec<Route>,
    config_maps: Vec<ConfigText>,
    roles: Vec<Role>,
    cluster_roles: Vec<Role>,
    role_bindings: Vec<Binding>,
    cluster_role_bindings: Vec<Binding>,
}

impl Found {
    /// Takes in a workload.
    pub fn workload(&mut self, document: &Document, kind: &str) {
        let (kind, list) = match kind {
            "DaemonSet" => (WorkloadKind::DaemonSet, &mut self.daemon_sets),
            "StatefulSet" => (WorkloadKind::StatefulSet, &mut self.stateful_sets),
            _ => (WorkloadKind::Deployment, &mut self.deployments),
        };
        list.push(workload(kind, &document.value, &document.place));
    }

    /// Takes in a namespace.
    pub fn namespace(&mut self, document: &Document) {
        self.namespaces.push(namespace(&document.value));
    }

    /// Takes in a role or a binding.
    pub fn rbac(&mut self, Document { value, place }: &Document, kind: &str) {
        match kind {
            "Role" => self.roles.push(rbac::role(value, place)),
            "ClusterRole" => self.cluster_roles.push(rbac::role(value, place)),
            "RoleBinding" => self.role_bindings.push(rbac::binding(value, place)),
            _ => self.cluster_role_bindings.push(rbac::binding(value, place)),
        }
    }

    /// Takes in a custom resource.
    pub fn resource(&mut self, kind: &CustomKind, document: &Document) {
        self.resources.push(custom::resource(kind, &document.value, &document.place));
    }

    /// Takes in a Service.
    pub fn service(&mut self, Document { value, place }: &Document) {
        self.services.push(exposure::service(value, place));
    }

    /// Takes in an Ingress or its like.
    pub fn route(&mut self, kind: &RouteKind, Document { value, place }: &Document) {
        self.routes.extend(exposure::route(kind, value, place));
    }

    /// Takes in a ConfigMap.
    pub fn config_map(&mut self, Document { value, place }: &Document) {
        let data = value.get("data").and_then(Value::as_object);
        for (key, text_of_key) in data.into_iter().flatten() {
            let Some(content) = text_of_key.as_str() else { continue };
            self.config_maps.push(ConfigText {
                config_map: ConfigMapKey {
                    namespace: text(value, "/metadata/namespace").to_owned(),
                    name: text(value, "/metadata/name").to_owned(),
                    key: key.clone(),
                },
                given: false,
                at: inner_name(place, &format!("data.{key}")),
                text: content.to_owned(),
            });
        }
    }

    /// Puts everything into a snapshot; of the ConfigMaps those that something reads.
    pub fn finish(self, snapshot: &mut Snapshot) {
        read(self.daemon_sets, &mut snapshot.workloads.daemon_sets);
        read(self.deployments, &mut snapshot.workloads.deployments);
        read(self.stateful_sets, &mut snapshot.workloads.stateful_sets);
        read(self.namespaces, &mut snapshot.namespaces);
        let rbac = &mut snapshot.rbac;
        read(self.roles, &mut rbac.roles);
        read(self.cluster_roles, &mut rbac.cluster_roles);
        read(self.role_bindings, &mut rbac.role_bindings);
        read(self.cluster_role_bindings, &mut rbac.cluster_role_bindings);
        snapshot.resources = self.resources;
        let stores = stores::workloads::namespaces(&snapshot.workloads);
        if !stores.is_empty() {
            read(self.services, &mut snapshot.exposure.services);
            snapshot.exposure.routes = self.routes;
            let is_wanted = |namespace: &str| stores.iter().any(|one| is_same_namespace(one, namespace));
            snapshot.exposure.narrow(is_wanted);
        }
        let wanted =
            wanted::config_maps(&snapshot.workloads, snapshot.namespaces.value().map_or(&[], Vec::as_slice));
        let is_wanted = |key: &ConfigMapKey| {
            wanted.iter().any(|one| {
                one.name == key.name
                    && (one.namespace == key.namespace
                        || one.namespace.is_empty()
                        || key.namespace.is_empty())
            })
        };
        snapshot.configs = self.config_maps.into_iter().filter(|text| is_wanted(&text.config_map)).collect();
    }
}

/// What files show none of is not read: they may lack it.
fn read<T>(list: Vec<T>, reading: &mut Reading<Vec<T>>) {
    if !list.is_empty() {
        *reading = Reading::read(list);
    }
}
