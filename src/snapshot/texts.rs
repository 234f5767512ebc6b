//! Every text of a snapshot, for a last look at each. A field that is added to the model does not compile until it is
//! named here.

use std::collections::BTreeMap;

use super::cloud::{Cloud, CloudAnswer, CloudSign};
use super::container::{ConfigMapVolume, Container, EnvSource, EnvVar, Medium, Mount};
use super::discovery::{ServedApis, ServedResource};
use super::exposure::{Authentication, Backend, Exposure, Route, Service, ServicePort, TargetPort};
use super::model::{
    Argument, AuditCounters, ClusterIdentity, DeclaredApiServer, Flagz, KubeletConfig, Lease, Located, Node,
    Note, Pod, Snapshot,
};
use super::policy::{ConfigMapKey, PolicyText, UnreadPolicy};
use super::rbac::{Binding, Rbac, Role, RoleRule, RoleSubject};
use super::reading::{Gap, Permission, Reading};
use super::resource::Resource;
use super::waiver::WaiverComment;
use super::workload::{
    Claim, ConfigText, Namespace, NodeRequirement, NodeTerm, Placement, Taint, Toleration, UnreadConfig,
    Workload, Workloads,
};
use serde_json::Value;

/// Something with texts in it.
pub(super) trait Texts {
    /// Shows every text.
    fn texts(&mut self, visit: &mut dyn FnMut(&mut String));
}

/// The fields that have texts, and after a semicolon those that have none. A policy's text keeps its lines and columns, so
/// `redact` sees to it.
macro_rules! texts {
    ($($type:ident { $($field:ident),* $(; $other:ident)* })*) => {
        $(impl Texts for $type {
            fn texts(&mut self, visit: &mut dyn FnMut(&mut String)) {
                let Self { $($field,)* $($other: _,)* } = self;
                $($field.texts(visit);)*
            }
        })*
    };
}

texts! {
    Snapshot {
        cluster, version, leases, pods, nodes, kubeadm_config, kubelet_configs, declared, flagz, metrics, files,
        policies, policies_unread, workloads, namespaces, rbac, configs, configs_unread, resources, resources_unread, exposure, apis, cloud, waivers, notes, kind, tool_version; schema_version; captured_at; scope
    }
    WaiverComment { at, file, text; line }
    ClusterIdentity { name, server }
    Lease { name, hostname; renew_time; duration_seconds }
    Pod { namespace, name, node_name, pod_ip, labels, containers, at, marks }
    Container { name, image, command, args, env, env_from, mounts, ports; index }
    EnvVar { name, value, from }
    Mount { path, medium, shared_with, at; read_only }
    Node { name, kubelet_version, os_image, provider, provider_scope, markers, os, labels, taints; control_plane }
    Taint { key, value, effect }
    Workloads { daemon_sets, deployments, stateful_sets }
    Workload {
        namespace, name, labels, owner, pod_labels, pod_annotations, placement, service_account, containers, init_mounts, claims, at,
        marks, waivers; kind; replicas; status
    }
    Rbac { roles, cluster_roles, role_bindings, cluster_role_bindings }
    Role { namespace, name, rules }
    RoleRule { groups, resources, names, verbs, urls, at }
    Binding { namespace, name, role_kind, role, subjects }
    RoleSubject { kind, namespace, name, at }
    Claim { name, storage }
    Placement { node_selector, terms, tolerations; host_network; host_port }
    NodeTerm { labels, fields }
    NodeRequirement { key, operator, values }
    Toleration { key, operator, value, effect }
    Namespace { name, labels, annotations }
    UnreadConfig { namespace, name, key, gap }
    Resource { group, kind, namespace, name, at, marks, labels, spec, status }
    Exposure { services, routes, routes_unread }
    Service { namespace, name, kind, selector, external_name, at, ports; external_ips; internal; headless }
    ServicePort { target, at; port }
    Route { kind, namespace, name, backends, authentication, at; internal }
    Backend { namespace, name, at; unfollowed }
    DeclaredApiServer { name, at, node_name, kubernetes_version, arguments, open, mounts, node_mounts; kind }
    Argument { name, value, at }
    KubeletConfig {
        name, at, container_log_max_size, container_log_max_files, event_record_qps, event_burst, enable_debugging_handlers
    }
    Flagz { flags; structured }
    AuditCounters {
        git_version, levels, errors; process_start_seconds; requests; events; rejected
    }
    ConfigText { config_map, at; given; text }
    PolicyText { name, at, paths, inside, config_map; line; origin; text }
    ConfigMapKey { namespace, name, key }
    UnreadPolicy { config_map, gap }
    ServedApis { resources, stale_groups }
    ServedResource { group, resource, version, verbs, subresources; namespaced }
    ConfigMapVolume { namespace, name, sub_path, items }
    Note { at, text }
    Cloud { signs, answers, not_asked }
    CloudSign { at, detail, cluster, location, account, group; provider; is_sure }
    CloudAnswer { call, of, at, reading }
    Gap { what, detail, grant; reason }
}

impl Texts for String {
    fn texts(&mut self, visit: &mut dyn FnMut(&mut String)) {
        visit(self);
    }
}

impl Texts for Authentication {
    fn texts(&mut self, visit: &mut dyn FnMut(&mut String)) {
        match self {
            Self::Unsaid => {}
            Self::Demanded(text) | Self::Waived(text) | Self::Doubtful(text) => text.texts(visit),
        }
    }
}

impl Texts for TargetPort {
    fn texts(&mut self, visit: &mut dyn FnMut(&mut String)) {
        match self {
            Self::Same | Self::Number(_) => {}
            Self::Name(name) => name.texts(visit),
        }
    }
}

impl Texts for u16 {
    fn texts(&mut self, _: &mut dyn FnMut(&mut String)) {}
}

impl Texts for f64 {
    fn texts(&mut self, _: &mut dyn FnMut(&mut String)) {}
}

impl<T: Texts> Texts for Option<T> {
    fn texts(&mut self, visit: &mut dyn FnMut(&mut String)) {
        for value in self.iter_mut() {
            value.texts(visit);
        }
    }
}

impl<T: Texts> Texts for Vec<T> {
    fn texts(&mut self, visit: &mut dyn FnMut(&mut String)) {
        for value in self.iter_mut() {
            value.texts(visit);
        }
    }
}

/// An entry whose key does not stay as it is means nothing to anybody.
impl<T: Texts> Texts for BTreeMap<String, T> {
    fn texts(&mut self, visit: &mut dyn FnMut(&mut String)) {
        self.retain(|key, value| {
            value.texts(visit);
            let mut seen = key.clone();
            visit(&mut seen);
            seen == *key
        });
    }
}

impl<T: Texts> Texts for Reading<T> {
    fn texts(&mut self, visit: &mut dyn FnMut(&mut String)) {
        match self {
            Self::Read { value } => value.texts(visit),
            Self::Missing { gap } => gap.texts(visit),
        }
    }
}

impl<T: Texts> Texts for Located<T> {
    fn texts(&mut self, visit: &mut dyn FnMut(&mut String)) {
        let Self { value, at } = self;
        value.texts(visit);
        at.texts(visit);
    }
}

impl Texts for Medium {
    fn texts(&mut self, visit: &mut dyn FnMut(&mut String)) {
        match self {
            Self::HostPath(text) | Self::Other(text) | Self::Secret(text) => text.texts(visit),
            Self::ConfigMap(volume) => volume.texts(visit),
            Self::PersistentVolumeClaim | Self::EmptyDir | Self::ApiObject => {}
        }
    }
}

impl Texts for EnvSource {
    fn texts(&mut self, visit: &mut dyn FnMut(&mut String)) {
        match self {
            Self::ConfigMap(key) => key.texts(visit),
            Self::Secret(name) => name.texts(visit),
            Self::Pod => {}
        }
    }
}

impl Texts for Value {
    fn texts(&mut self, visit: &mut dyn FnMut(&mut String)) {
        match self {
            Self::String(text) => visit(text),
            Self::Array(items) => items.iter_mut().for_each(|item| item.texts(visit)),
            Self::Object(fields) => fields.retain(|key, value| {
                value.texts(visit);
                let mut seen = key.clone();
                visit(&mut seen);
                seen == *key
            }),
            Self::Null | Self::Bool(_) | Self::Number(_) => {}
        }
    }
}

impl Texts for Permission {
    fn texts(&mut self, visit: &mut dyn FnMut(&mut String)) {
        match self {
            Self::Resource { api_group, resource, verb, namespace } => {
                [api_group, resource, verb].into_iter().for_each(&mut *visit);
                namespace.texts(visit);
            }
            Self::NonResource { url, verb } => [url, verb].into_iter().for_each(visit),
            Self::Cloud { action } => action.texts(visit),
        }
    }
}
