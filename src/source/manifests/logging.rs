//! What in files has to do with logs: workloads, namespaces, custom resources, and the ConfigMaps that these read.

use crate::analyze::collectors::wanted;
use crate::analyze::stores;
use crate::document::node::Document;
use crate::document::text;
use crate::document::yaml::inner_name;
use crate::snapshot::exposure::{Route, Service, is_same_namespace};
use crate::snapshot::rbac::{Binding, Role};
use crate::snapshot::workload::{ConfigText, Namespace, UnreadConfig};
use crate::snapshot::{ConfigMapKey, Exposure, Reading, Resource, Snapshot, Workload, WorkloadKind};
use crate::source::config_maps;
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
    config_maps_unread: Vec<UnreadConfig>,
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
        let (namespace, name) = (text(value, "/metadata/namespace"), text(value, "/metadata/name"));
        let (texts, unread) = config_maps::texts(value, namespace, name);
        self.config_maps_unread.extend(unread);
        let binary = value.get("binaryData");
        let field = |key: &str| match binary.and_then(|binary| binary.get(key)) {
            Some(_) => format!("binaryData.{key}"),
            None => format!("data.{key}"),
        };
        self.config_maps.extend(texts.into_iter().map(|(key, content)| ConfigText {
            given: false,
            at: inner_name(place, &field(&key)),
            text: content,
            config_map: ConfigMapKey { namespace: namespace.to_owned(), name: name.to_owned(), key },
        }));
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
        read(self.services, &mut snapshot.exposure.services);
        if !stores.is_empty() {
            snapshot.exposure.routes = self.routes;
        }
        let is_wanted = |namespace: &str| stores.iter().any(|one| is_same_namespace(one, namespace));
        let collecting = wanted::collecting(&snapshot.workloads);
        snapshot.exposure.narrow(is_wanted, |service| wanted::concerns(&collecting, service));
        if stores.is_empty() && snapshot.exposure.services.value().is_some_and(Vec::is_empty) {
            snapshot.exposure = Exposure::not_asked();
        }
        let wanted = wanted::config_maps(
            &snapshot.workloads,
            snapshot.namespaces.value().map_or(&[], Vec::as_slice),
            &snapshot.resources,
        );
        let is_wanted = |namespace: &str, name: &str| {
            wanted.iter().any(|one| one.name == name && is_same_namespace(&one.namespace, namespace))
        };
        snapshot.configs = self.config_maps;
        snapshot.configs.retain(|text| is_wanted(&text.config_map.namespace, &text.config_map.name));
        snapshot.configs_unread = self.config_maps_unread;
        snapshot.configs_unread.retain(|unread| is_wanted(&unread.namespace, &unread.name));
    }
}

/// What files show none of is not read: they may lack it.
fn read<T>(list: Vec<T>, reading: &mut Reading<Vec<T>>) {
    if !list.is_empty() {
        *reading = Reading::read(list);
    }
}
