//! What leads from outside a cluster to stores of logs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::reading::{Gap, Reading};
use super::workload::Workload;

/// Services and routes, as far as they may lead to a store of logs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Exposure {
    /// Services in namespaces with a store, and those that stand for one there; and those that lead to a collector.
    pub services: Reading<Vec<Service>>,
    /// Ingresses and their like that lead to one of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Route>,
    /// Kinds of them that could not be listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes_unread: Vec<Gap>,
}

impl Exposure {
    /// Nothing has been read: there is no store that something could lead to.
    pub fn not_asked() -> Self {
        Self { services: Reading::not_asked("the Services"), routes: Vec::new(), routes_unread: Vec::new() }
    }

    /// Keeps what may lead into one of these namespaces, which have stores, and of other Services those that have
    /// to do with a collector.
    pub fn narrow(&mut self, is_wanted: impl Fn(&str) -> bool, collects: impl Fn(&Service) -> bool) {
        let Reading::Read { value: services } = &mut self.services else {
            self.routes.retain(|route| {
                route.backends.iter().any(|backend| backend.unfollowed || is_wanted(&backend.namespace))
            });
            return;
        };
        let leads_to_store = |service: &Service| {
            is_wanted(&service.namespace)
                || service.stands_for().is_some_and(|(namespace, _)| is_wanted(namespace))
        };
        self.routes.retain(|route| {
            route.backends.iter().any(|backend| {
                // What is not followed may lead anywhere.
                backend.unfollowed
                    || is_wanted(&backend.namespace)
                    || services.iter().any(|service| leads_to_store(service) && backend.is_of(service))
            })
        });
        let collecting: Vec<(String, String)> = services
            .iter()
            .filter(|service| collects(service))
            .map(|service| (service.namespace.clone(), service.name.clone()))
            .collect();
        let is_collecting = |namespace: &str, name: &str| {
            collecting.iter().any(|(own, other)| other == name && is_same_namespace(own, namespace))
        };
        services.retain_mut(|service| {
            let leads_to_collector = is_collecting(&service.namespace, &service.name)
                || service.stands_for().is_some_and(|(namespace, name)| is_collecting(namespace, name));
            // Nobody asks at which port a store is reached.
            if !leads_to_collector {
                service.ports.clear();
            }
            leads_to_collector || leads_to_store(service)
        });
    }
}

/// A Service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Service {
    /// `metadata.namespace`; empty if a file does not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// `metadata.name`.
    pub name: String,
    /// `spec.type`; empty for `ClusterIP`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// `spec.selector`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub selector: BTreeMap<String, String>,
    /// `spec.ports`, of those that lead to a collector.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<ServicePort>,
    /// Whether `spec.clusterIP` is `None`, so that its name stands for its pods and not for an address with ports of its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub headless: bool,
    /// `spec.externalName`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub external_name: String,
    /// Whether `spec.externalIPs` has any.
    #[serde(default)]
    pub external_ips: bool,
    /// Whether its load balancer is internal, where an annotation or a default says so.
    #[serde(default)]
    pub internal: Internal,
    /// Where `spec.type` stands, or what makes it reachable from outside.
    pub at: String,
}

impl Service {
    /// `Service namespace/name`.
    pub fn title(&self) -> String {
        titled("Service", &self.namespace, &self.name)
    }

    /// Whether it leads to the pods of a workload.
    pub fn selects(&self, workload: &Workload) -> bool {
        !self.selector.is_empty()
            && is_same_namespace(&self.namespace, &workload.namespace)
            && self.selector.iter().all(|(key, value)| workload.pod_labels.get(key) == Some(value))
    }

    /// Namespace and name of the Service that an `ExternalName` is another name of.
    pub fn stands_for(&self) -> Option<(&str, &str)> {
        let mut labels = self.external_name.split('.');
        match (labels.next(), labels.next(), labels.next()) {
            (Some(name), Some(namespace), Some("svc")) => Some((namespace, name)),
            _ => None,
        }
    }
}

/// A port of a Service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServicePort {
    /// `port`.
    pub port: u16,
    /// `targetPort`.
    #[serde(default)]
    pub target: TargetPort,
    /// Where it stands.
    pub at: String,
}

/// The port of the pods that a port of a Service leads to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetPort {
    /// The same.
    #[default]
    Same,
    /// This one.
    Number(u16),
    /// The one that a container has under this name.
    Name(String),
}

/// Whether a load balancer has an address that only the provider's network knows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Internal {
    /// Nothing says so.
    #[default]
    No,
    /// An annotation says so, and the object names the controller that reads it.
    Yes,
    /// Annotations say so that count with these providers.
    On(Vec<Provider>),
    /// Annotations say so, but who serves the object is not told.
    Unserved,
    /// It is left to a controller that makes internal ones unless it is told otherwise.
    LeftToController,
}

/// A provider of load balancers; serialized as the scheme of its `providerID`s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// Alibaba Cloud.
    Alicloud,
    /// Amazon Web Services.
    Aws,
    /// Microsoft Azure.
    Azure,
    /// Google Cloud.
    Gce,
    /// Oracle Cloud.
    Oci,
    /// `OpenStack`.
    Openstack,
}

impl Provider {
    /// The provider with this scheme of `providerID`.
    pub fn of_scheme(scheme: &str) -> Option<Self> {
        Some(match scheme {
            "alicloud" => Self::Alicloud,
            "aws" => Self::Aws,
            "azure" => Self::Azure,
            "gce" => Self::Gce,
            "oci" => Self::Oci,
            "openstack" => Self::Openstack,
            _ => return None,
        })
    }
}

/// What the annotations of a route say of asking who comes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Authentication {
    /// Nothing.
    #[default]
    Unsaid,
    /// This annotation demands it.
    Demanded(String),
    /// This annotation demands nothing of who is not known.
    Waived(String),
    /// An annotation demands it, and this is why it may not count.
    Doubtful(String),
}

/// An Ingress, or an object of another kind that leads requests from outside to Services.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Route {
    /// `kind`: `Ingress`, `HTTPRoute`.
    pub kind: String,
    /// `metadata.namespace`; empty if a file does not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// `metadata.name`.
    pub name: String,
    /// The Services it leads to.
    pub backends: Vec<Backend>,
    /// Whether its load balancer is internal.
    #[serde(default)]
    pub internal: Internal,
    /// Whether its annotations demand that who comes is asked.
    #[serde(default)]
    pub authentication: Authentication,
    /// Where it stands.
    pub at: String,
}

impl Route {
    /// `Ingress namespace/name`.
    pub fn title(&self) -> String {
        titled(&self.kind, &self.namespace, &self.name)
    }
}

/// A Service that a route leads to, or an object of another kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Backend {
    /// Its namespace; empty if a file does not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Whether it is no Service, so that where it leads is not read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unfollowed: bool,
    /// Where the route says so.
    pub at: String,
}

impl Backend {
    /// Whether it is this Service.
    pub fn is_of(&self, service: &Service) -> bool {
        !self.unfollowed
            && self.name == service.name
            && is_same_namespace(&self.namespace, &service.namespace)
    }
}

/// Whether two objects lie in one namespace, as far as it is said: files may leave it to who applies them.
pub fn is_same_namespace(one: &str, other: &str) -> bool {
    one == other || one.is_empty() || other.is_empty()
}

fn titled(kind: &str, namespace: &str, name: &str) -> String {
    if namespace.is_empty() { format!("{kind} {name}") } else { format!("{kind} {namespace}/{name}") }
}
