//! Services and what leads requests from outside to them, narrowed to whom they lead to. Of annotations only those are
//! looked at that make a load balancer internal or demand that who comes is asked; none is kept.

use serde_json::Value;

use super::custom::CustomKind;
use crate::document::{Place, items, text};
use crate::snapshot::exposure::{Backend, Internal, Route, Service};

/// A kind of objects that lead requests to Services.
#[derive(Debug)]
pub struct RouteKind {
    /// Its names.
    pub kind: CustomKind,
    /// The fields that name a Service; `[]` stands for every item.
    backends: &'static [&'static str],
}

const fn route_kind(
    group: &'static str,
    kind: &'static str,
    plural: &'static str,
    backends: &'static [&'static str],
) -> RouteKind {
    RouteKind { kind: CustomKind { group, kind, plural, status: false }, backends }
}

const GATEWAY: &str = "gateway.networking.k8s.io";
const OF_GATEWAY: &[&str] = &["spec.rules[].backendRefs[].name"];
const OF_TRAEFIK: &[&str] = &["spec.routes[].services[].name"];

/// Every kind that is read.
pub const ROUTE_KINDS: &[RouteKind] = &[
    route_kind(
        "networking.k8s.io",
        "Ingress",
        "ingresses",
        &["spec.defaultBackend.service.name", "spec.rules[].http.paths[].backend.service.name"],
    ),
    route_kind(GATEWAY, "HTTPRoute", "httproutes", OF_GATEWAY),
    route_kind(GATEWAY, "GRPCRoute", "grpcroutes", OF_GATEWAY),
    route_kind(GATEWAY, "TLSRoute", "tlsroutes", OF_GATEWAY),
    route_kind(GATEWAY, "TCPRoute", "tcproutes", OF_GATEWAY),
    route_kind("route.openshift.io", "Route", "routes", &["spec.to.name", "spec.alternateBackends[].name"]),
    route_kind("traefik.io", "IngressRoute", "ingressroutes", OF_TRAEFIK),
    route_kind("traefik.io", "IngressRouteTCP", "ingressroutetcps", OF_TRAEFIK),
    route_kind("traefik.containo.us", "IngressRoute", "ingressroutes", OF_TRAEFIK),
    route_kind(
        "projectcontour.io",
        "HTTPProxy",
        "httpproxies",
        &["spec.routes[].services[].name", "spec.tcpproxy.services[].name"],
    ),
    route_kind(
        "networking.istio.io",
        "VirtualService",
        "virtualservices",
        &[
            "spec.http[].route[].destination.host",
            "spec.tls[].route[].destination.host",
            "spec.tcp[].route[].destination.host",
        ],
    ),
];

/// The kind of an object, if it is one that leads requests to Services.
pub fn route_kind_of(group: &str, kind: &str) -> Option<&'static RouteKind> {
    ROUTE_KINDS.iter().find(|one| one.kind.group == group && one.kind.kind == kind)
}

/// Annotations of Services that make their load balancer internal, with the value that does.
const INTERNAL_SERVICES: [(&str, &str); 9] = [
    ("service.beta.kubernetes.io/aws-load-balancer-scheme", "internal"),
    ("service.beta.kubernetes.io/aws-load-balancer-internal", "true"),
    ("service.beta.kubernetes.io/aws-load-balancer-internal", "0.0.0.0/0"),
    ("service.beta.kubernetes.io/azure-load-balancer-internal", "true"),
    ("networking.gke.io/load-balancer-type", "Internal"),
    ("cloud.google.com/load-balancer-type", "Internal"),
    ("service.beta.kubernetes.io/oci-load-balancer-internal", "true"),
    ("service.beta.kubernetes.io/openstack-internal-load-balancer", "true"),
    ("service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type", "intranet"),
];

/// The same of Ingresses.
const INTERNAL_ROUTES: [(&str, &str); 2] =
    [("alb.ingress.kubernetes.io/scheme", "internal"), ("kubernetes.io/ingress.class", "gce-internal")];

/// Annotations of Ingresses by which their controller asks who comes before it lets a request pass.
const AUTHENTICATION: [&str; 7] = [
    "nginx.ingress.kubernetes.io/auth-type",
    "nginx.ingress.kubernetes.io/auth-url",
    "alb.ingress.kubernetes.io/auth-type",
    "haproxy-ingress.github.io/auth-secret",
    "haproxy-ingress.github.io/auth-url",
    "haproxy.org/auth-type",
    "ingress.kubernetes.io/auth-type",
];

fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.pointer("/metadata/annotations")?.get(key)?.as_str()
}

fn is_declared_internal(object: &Value, annotations: &[(&str, &str)]) -> bool {
    annotations
        .iter()
        .any(|(key, wanted)| annotation(object, key).is_some_and(|value| value.eq_ignore_ascii_case(wanted)))
}

/// A Service.
pub fn service(object: &Value, place: &Place) -> Service {
    let kind = text(object, "/spec/type");
    let selector = object.pointer("/spec/selector").and_then(Value::as_object);
    let external_ips = !items(object, "/spec/externalIPs").is_empty();
    let told_at = if external_ips && kind != "LoadBalancer" { "spec.externalIPs" } else { "spec.type" };
    Service {
        namespace: text(object, "/metadata/namespace").to_owned(),
        name: text(object, "/metadata/name").to_owned(),
        kind: if kind == "ClusterIP" { String::new() } else { kind.to_owned() },
        selector: selector
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect(),
        external_name: text(object, "/spec/externalName").trim_end_matches('.').to_owned(),
        external_ips,
        internal: of_service(object),
        at: place.field(told_at),
    }
}

/// The AWS Load Balancer Controller makes internal load balancers unless a scheme is given; the controller in the cloud
/// provider makes open ones.
fn of_service(object: &Value) -> Internal {
    const TYPE: &str = "service.beta.kubernetes.io/aws-load-balancer-type";
    const SCHEME: &str = "service.beta.kubernetes.io/aws-load-balancer-scheme";
    if is_declared_internal(object, &INTERNAL_SERVICES) {
        return Internal::Yes;
    }
    let is_of_controller = matches!(annotation(object, TYPE), Some("external" | "nlb-ip"))
        || text(object, "/spec/loadBalancerClass") == "service.k8s.aws/nlb";
    if is_of_controller && annotation(object, SCHEME).is_none() {
        return Internal::LeftToController;
    }
    Internal::No
}

fn of_route(object: &Value) -> Internal {
    if is_declared_internal(object, &INTERNAL_ROUTES) {
        return Internal::Yes;
    }
    let class = annotation(object, "kubernetes.io/ingress.class");
    let is_of_controller = class == Some("alb") || text(object, "/spec/ingressClassName") == "alb";
    if is_of_controller && annotation(object, "alb.ingress.kubernetes.io/scheme").is_none() {
        return Internal::LeftToController;
    }
    Internal::No
}

/// An Ingress or its like; none if requests from outside do not come through it.
pub fn route(kind: &RouteKind, object: &Value, place: &Place) -> Option<Route> {
    if is_of_mesh(object) {
        return None;
    }
    let namespace = text(object, "/metadata/namespace");
    let authentication = AUTHENTICATION
        .iter()
        .find(|key| annotation(object, key).is_some_and(|value| !["", "none"].contains(&value)));
    let mut backends = Vec::new();
    for path in kind.backends {
        let parts: Vec<&str> = path.split('.').collect();
        let (mut found, mut at) = (Vec::new(), String::new());
        walk(object, &parts, &mut at, &mut found);
        backends.extend(found.into_iter().map(|(parent, name, at)| {
            let (name, of_host) = of_host(name);
            let given = Some(text(parent, "/namespace")).filter(|given| !given.is_empty());
            Backend {
                namespace: of_host.or(given).unwrap_or(namespace).to_owned(),
                name: name.to_owned(),
                at: place.field(&at),
            }
        }));
    }
    Some(Route {
        kind: kind.kind.kind.to_owned(),
        namespace: namespace.to_owned(),
        name: text(object, "/metadata/name").to_owned(),
        backends,
        internal: of_route(object),
        authentication: authentication.map(|key| (*key).to_owned()),
        at: place.at.clone(),
    })
}

/// Routes of a mesh that no gateway takes up: requests come from within the cluster alone.
fn is_of_mesh(object: &Value) -> bool {
    let parents = items(object, "/spec/parentRefs");
    let is_of_services = !parents.is_empty() && parents.iter().all(|one| text(one, "/kind") == "Service");
    let gateways = items(object, "/spec/gateways");
    let is_istio = text(object, "/kind") == "VirtualService";
    is_of_services || is_istio && gateways.iter().all(|gateway| gateway.as_str() == Some("mesh"))
}

/// A name, or the first two labels of a host: `loki.logging.svc.cluster.local`.
fn of_host(name: &str) -> (&str, Option<&str>) {
    let mut labels = name.split('.');
    let first = labels.next().unwrap_or(name);
    (first, labels.next())
}

/// Every text at a path, with the object that has it and where it stands. Objects of another kind than a Service are
/// passed over.
fn walk<'a>(value: &'a Value, path: &[&str], at: &mut String, found: &mut Vec<(&'a Value, &'a str, String)>) {
    let Some((part, rest)) = path.split_first() else { return };
    let (key, each) = match part.strip_suffix("[]") {
        Some(key) => (key, true),
        None => (*part, false),
    };
    let Some(field) = value.get(key) else { return };
    let before = at.len();
    if before > 0 {
        at.push('.');
    }
    at.push_str(key);
    if each {
        let end = at.len();
        for (index, item) in field.as_array().into_iter().flatten().enumerate() {
            at.push_str(&format!("[{index}]"));
            walk(item, rest, at, found);
            at.truncate(end);
        }
    } else if rest.is_empty() {
        if let Some(name) = field.as_str().filter(|_| matches!(text(value, "/kind"), "" | "Service")) {
            found.push((value, name, at.clone()));
        }
    } else {
        walk(field, rest, at, found);
    }
    at.truncate(before);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(group: &str, kind: &str, mut object: Value) -> Option<Route> {
        object["kind"] = kind.into();
        route(route_kind_of(group, kind)?, &object, &Place::of("x"))
    }

    fn names(route: &Route) -> Vec<(&str, &str)> {
        route.backends.iter().map(|one| (one.namespace.as_str(), one.name.as_str())).collect()
    }

    #[test]
    fn every_kind_names_its_services() {
        let metadata = json!({"name": "r", "namespace": "edge"});
        let services = json!([{"name": "a"}, {"name": "b", "namespace": "logs"}, {"kind": "TraefikService", "name": "c"}]);
        let traefik = json!({"metadata": metadata, "spec": {"routes": [{"services": services}]}});
        let found = read("traefik.io", "IngressRoute", traefik).unwrap();
        assert_eq!(names(&found), [("edge", "a"), ("logs", "b")]);
        assert_eq!(found.backends[1].at, "x spec.routes[0].services[1].name");
        let openshift = json!({"metadata": metadata, "spec": {"to": {"kind": "Service", "name": "a"}}});
        assert_eq!(names(&read("route.openshift.io", "Route", openshift).unwrap()), [("edge", "a")]);
        let host = json!([{"route": [{"destination": {"host": "a.logs.svc.cluster.local"}}]}]);
        let istio = json!({"metadata": metadata, "spec": {"gateways": ["mesh", "public"], "http": host}});
        assert_eq!(names(&read("networking.istio.io", "VirtualService", istio).unwrap()), [("logs", "a")]);
        let ingress = json!({"metadata": metadata, "spec": {"defaultBackend": {"service": {"name": "a"}}}});
        assert_eq!(names(&read("networking.k8s.io", "Ingress", ingress).unwrap()), [("edge", "a")]);
    }

    #[test]
    fn routes_of_a_mesh_lead_nothing_in() {
        assert_eq!(read("networking.istio.io", "VirtualService", json!({"spec": {"http": []}})), None);
        let mesh = json!({"spec": {"parentRefs": [{"kind": "Service", "name": "a"}], "rules": []}});
        assert_eq!(read(GATEWAY, "HTTPRoute", mesh), None);
    }

    #[test]
    fn load_balancers_are_internal_only_where_it_is_said() {
        let of = |annotations: Value, class: &str| {
            let spec = json!({"type": "LoadBalancer", "loadBalancerClass": class});
            service(&json!({"metadata": {"annotations": annotations}, "spec": spec}), &Place::of("x"))
                .internal
        };
        let aws = |key: &str, value: &str| json!({format!("service.beta.kubernetes.io/aws-load-balancer-{key}"): value});
        assert_eq!(of(json!({}), ""), Internal::No);
        assert_eq!(of(aws("internal", "true"), ""), Internal::Yes);
        assert_eq!(of(aws("internal", "false"), ""), Internal::No);
        assert_eq!(of(aws("type", "external"), ""), Internal::LeftToController);
        assert_eq!(of(aws("scheme", "internet-facing"), "service.k8s.aws/nlb"), Internal::No);
        assert_eq!(of(json!({}), "service.k8s.aws/nlb"), Internal::LeftToController);
        assert_eq!(of(json!({"cloud.google.com/load-balancer-type": "internal"}), ""), Internal::Yes);
    }
}
