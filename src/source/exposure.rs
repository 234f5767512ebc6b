//! Services and what leads requests from outside to them, narrowed to whom they lead to. Of annotations only those are
//! looked at that make a load balancer internal or demand that who comes is asked; none is kept.

use serde_json::Value;

use super::custom::CustomKind;
use crate::document::{Place, items, text};
use crate::snapshot::exposure::{
    Authentication, Backend, Internal, Provider, Route, Service, ServicePort, TargetPort,
};

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
const OF_NGINX: &[&str] = &["spec.upstreams[].service"];
/// Another `VirtualService`, which says where requests go on.
const DELEGATE: &str = "spec.http[].delegate.name";

/// Every kind that is read.
pub const ROUTE_KINDS: &[RouteKind] = &[
    route_kind(
        "networking.k8s.io",
        "Ingress",
        "ingresses",
        &[
            "spec.defaultBackend.service.name",
            "spec.defaultBackend.resource.name",
            "spec.rules[].http.paths[].backend.service.name",
            "spec.rules[].http.paths[].backend.resource.name",
        ],
    ),
    route_kind(GATEWAY, "HTTPRoute", "httproutes", OF_GATEWAY),
    route_kind(GATEWAY, "GRPCRoute", "grpcroutes", OF_GATEWAY),
    route_kind(GATEWAY, "TLSRoute", "tlsroutes", OF_GATEWAY),
    route_kind(GATEWAY, "TCPRoute", "tcproutes", OF_GATEWAY),
    route_kind(GATEWAY, "UDPRoute", "udproutes", OF_GATEWAY),
    route_kind("route.openshift.io", "Route", "routes", &["spec.to.name", "spec.alternateBackends[].name"]),
    route_kind("traefik.io", "IngressRoute", "ingressroutes", OF_TRAEFIK),
    route_kind("traefik.io", "IngressRouteTCP", "ingressroutetcps", OF_TRAEFIK),
    route_kind("traefik.io", "IngressRouteUDP", "ingressrouteudps", OF_TRAEFIK),
    route_kind("traefik.containo.us", "IngressRoute", "ingressroutes", OF_TRAEFIK),
    route_kind("traefik.containo.us", "IngressRouteTCP", "ingressroutetcps", OF_TRAEFIK),
    route_kind("traefik.containo.us", "IngressRouteUDP", "ingressrouteudps", OF_TRAEFIK),
    route_kind("k8s.nginx.org", "VirtualServer", "virtualservers", OF_NGINX),
    route_kind("k8s.nginx.org", "VirtualServerRoute", "virtualserverroutes", OF_NGINX),
    route_kind("k8s.nginx.org", "TransportServer", "transportservers", OF_NGINX),
    route_kind(
        "apisix.apache.org",
        "ApisixRoute",
        "apisixroutes",
        &["spec.http[].backends[].serviceName", "spec.stream[].backend.serviceName"],
    ),
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
            DELEGATE,
        ],
    ),
];

/// The kind of an object, if it is one that leads requests to Services.
pub fn route_kind_of(group: &str, kind: &str) -> Option<&'static RouteKind> {
    ROUTE_KINDS.iter().find(|one| one.kind.group == group && one.kind.kind == kind)
}

/// Annotations of Services that make their load balancer internal, with the value that does, and the provider whose
/// load balancers they are about.
const INTERNAL_SERVICES: [(Provider, &str, &str); 9] = [
    (Provider::Aws, AWS_SCHEME, "internal"),
    (Provider::Aws, "service.beta.kubernetes.io/aws-load-balancer-internal", "true"),
    (Provider::Aws, "service.beta.kubernetes.io/aws-load-balancer-internal", "0.0.0.0/0"),
    (Provider::Azure, "service.beta.kubernetes.io/azure-load-balancer-internal", "true"),
    (Provider::Gce, "networking.gke.io/load-balancer-type", "Internal"),
    (Provider::Gce, "cloud.google.com/load-balancer-type", "Internal"),
    (Provider::Oci, "service.beta.kubernetes.io/oci-load-balancer-internal", "true"),
    (Provider::Openstack, "service.beta.kubernetes.io/openstack-internal-load-balancer", "true"),
    (Provider::Alicloud, "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type", "intranet"),
];

const AWS_SCHEME: &str = "service.beta.kubernetes.io/aws-load-balancer-scheme";
const ALB_SCHEME: &str = "alb.ingress.kubernetes.io/scheme";

/// Annotations of Ingresses by which a controller asks who comes before it lets a request pass. A controller looks at
/// its own alone, so each stands with the class that it commonly has.
const AUTHENTICATION: [(&str, &str); 7] = [
    ("nginx", "nginx.ingress.kubernetes.io/auth-url"),
    ("nginx", "nginx.ingress.kubernetes.io/auth-type"),
    ("alb", "alb.ingress.kubernetes.io/auth-type"),
    ("haproxy", "haproxy-ingress.github.io/auth-secret"),
    ("haproxy", "haproxy-ingress.github.io/auth-url"),
    ("haproxy", "haproxy.org/auth-type"),
    ("haproxy", "ingress.kubernetes.io/auth-type"),
];

/// Annotations with which a controller lets pass also whom it could not tell, with the value that does.
const WAIVERS: [(&str, &str, &str); 1] =
    [("alb", "alb.ingress.kubernetes.io/auth-on-unauthenticated-request", "allow")];

/// Annotations that may take back what others demand, with the value that does; without one, any.
const DOUBTS: [(&str, &str, Option<&str>); 3] = [
    ("nginx", "nginx.ingress.kubernetes.io/satisfy", Some("any")),
    ("nginx", "nginx.ingress.kubernetes.io/configuration-snippet", None),
    ("nginx", "nginx.ingress.kubernetes.io/server-snippet", None),
];

/// Annotations that demand nothing without another one.
const NEEDS: [(&str, &str); 2] = [
    ("nginx.ingress.kubernetes.io/auth-type", "nginx.ingress.kubernetes.io/auth-secret"),
    ("haproxy.org/auth-type", "haproxy.org/auth-secret"),
];

fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.pointer("/metadata/annotations")?.get(key)?.as_str()
}

fn has(object: &Value, key: &str, wanted: &str) -> bool {
    annotation(object, key).is_some_and(|value| value.eq_ignore_ascii_case(wanted))
}

/// The class of an Ingress. The annotation comes before the field.
fn class(object: &Value) -> &str {
    annotation(object, "kubernetes.io/ingress.class")
        .unwrap_or_else(|| text(object, "/spec/ingressClassName"))
}

/// Whether a class is named as those of a controller are: `nginx`, `nginx-internal`.
fn is_of(class: &str, controller: &str) -> bool {
    class.split(|c: char| !c.is_ascii_alphanumeric()).next() == Some(controller)
}

/// A Service.
pub fn service(object: &Value, place: &Place) -> Service {
    let kind = text(object, "/spec/type");
    let selector = object.pointer("/spec/selector").and_then(Value::as_object);
    let external_ips = !items(object, "/spec/externalIPs").is_empty();
    let told_at = if external_ips { "spec.externalIPs" } else { "spec.type" };
    Service {
        namespace: text(object, "/metadata/namespace").to_owned(),
        name: text(object, "/metadata/name").to_owned(),
        kind: if kind == "ClusterIP" { String::new() } else { kind.to_owned() },
        selector: selector
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect(),
        ports: ports(object, place),
        headless: text(object, "/spec/clusterIP") == "None",
        external_name: text(object, "/spec/externalName").trim_end_matches('.').to_owned(),
        external_ips,
        internal: of_service(object),
        at: place.field(told_at),
    }
}

fn ports(object: &Value, place: &Place) -> Vec<ServicePort> {
    let number = |value: &Value| value.as_u64().and_then(|number| u16::try_from(number).ok());
    let port = |(index, entry): (usize, &Value)| {
        let target = match entry.get("targetPort") {
            None | Some(Value::Null) => TargetPort::Same,
            Some(Value::String(name)) => {
                name.parse().map_or_else(|_| TargetPort::Name(name.clone()), TargetPort::Number)
            }
            Some(other) => match number(other)? {
                0 => TargetPort::Same,
                number => TargetPort::Number(number),
            },
        };
        let at = place.field(&format!("spec.ports[{index}].port"));
        Some(ServicePort { port: entry.get("port").and_then(number)?, target, at })
    };
    items(object, "/spec/ports").iter().enumerate().filter_map(port).collect()
}

/// The AWS Load Balancer Controller makes internal load balancers unless a scheme is given; the controller in the cloud
/// provider makes open ones.
fn of_service(object: &Value) -> Internal {
    const TYPE: &str = "service.beta.kubernetes.io/aws-load-balancer-type";
    let is_nlb_class = text(object, "/spec/loadBalancerClass") == "service.k8s.aws/nlb";
    let is_open = |provider| {
        provider == Provider::Aws
            && annotation(object, AWS_SCHEME).is_some()
            && !has(object, AWS_SCHEME, "internal")
    };
    let mut providers: Vec<Provider> = INTERNAL_SERVICES
        .iter()
        .filter(|(provider, key, wanted)| has(object, key, wanted) && !is_open(*provider))
        .map(|(provider, ..)| *provider)
        .collect();
    providers.dedup();
    if is_nlb_class && providers.contains(&Provider::Aws) {
        return Internal::Yes;
    }
    let is_of_controller = matches!(annotation(object, TYPE), Some("external" | "nlb-ip")) || is_nlb_class;
    if is_of_controller && annotation(object, AWS_SCHEME).is_none() && !providers.contains(&Provider::Aws) {
        return Internal::LeftToController;
    }
    if providers.is_empty() || is_nlb_class { Internal::No } else { Internal::On(providers) }
}

fn of_route(object: &Value) -> Internal {
    match class(object) {
        "gce-internal" => Internal::Yes,
        class if is_of(class, "alb") => match annotation(object, ALB_SCHEME) {
            Some(_) if has(object, ALB_SCHEME, "internal") => Internal::Yes,
            Some(_) => Internal::No,
            None => Internal::LeftToController,
        },
        "" if has(object, ALB_SCHEME, "internal") => Internal::Unserved,
        _ => Internal::No,
    }
}

/// What the annotations that count say of asking who comes.
fn authentication(object: &Value) -> Authentication {
    let class = class(object);
    let said = AUTHENTICATION
        .iter()
        .filter(|(_, key)| annotation(object, key).is_some_and(|value| !["", "none"].contains(&value)));
    let Some((controller, key)) =
        said.clone().find(|(controller, _)| is_of(class, controller)).or_else(|| said.clone().next())
    else {
        return Authentication::Unsaid;
    };
    if !class.is_empty() && !is_of(class, controller) {
        return Authentication::Doubtful(format!("{key} is not read by the controllers of class {class}"));
    }
    let waiver = WAIVERS.iter().find(|(of, waiver, value)| of == controller && has(object, waiver, value));
    if let Some((_, waiver, value)) = waiver {
        return Authentication::Waived(format!("{waiver}: {value}"));
    }
    if class.is_empty() {
        return Authentication::Doubtful(format!(
            "it names no class, and {key} counts with some controllers alone; set spec.ingressClassName"
        ));
    }
    let doubt = DOUBTS.iter().find(|(of, doubt, value)| {
        of == controller
            && value.map_or(annotation(object, doubt).is_some(), |value| has(object, doubt, value))
    });
    if let Some((_, doubt, _)) = doubt {
        return Authentication::Doubtful(format!("{doubt} may take back what {key} demands"));
    }
    if *controller == "alb"
        && let Some(why) = open_listener(object)
    {
        return Authentication::Doubtful(why);
    }
    let missing = NEEDS.iter().find(|(of, needed)| of == key && annotation(object, needed).is_none());
    match missing {
        Some((_, needed)) => Authentication::Doubtful(format!("{key} demands nothing without {needed}")),
        None => Authentication::Demanded((*key).to_owned()),
    }
}

/// Why a load balancer of AWS may let pass who was not asked: it asks nobody on a listener for plain HTTP, which there is
/// unless ports or a certificate are set, and which may lead all to the other one (AWS Load Balancer Controller docs: Ingress
/// annotations).
fn open_listener(object: &Value) -> Option<String> {
    const PORTS: &str = "alb.ingress.kubernetes.io/listen-ports";
    const CERTIFICATE: &str = "alb.ingress.kubernetes.io/certificate-arn";
    const REDIRECT: &str = "alb.ingress.kubernetes.io/ssl-redirect";
    if annotation(object, REDIRECT).is_some() {
        return None;
    }
    let Some(ports) = annotation(object, PORTS) else {
        return annotation(object, CERTIFICATE).is_none().then(|| {
            format!("without {PORTS} and {CERTIFICATE} it may listen for plain HTTP, where nobody is asked")
        });
    };
    match serde_json::from_str::<Vec<serde_json::Map<String, Value>>>(ports) {
        Ok(listeners) if listeners.iter().all(|listener| listener.keys().all(|key| key == "HTTPS")) => None,
        Ok(_) => Some(format!("{PORTS} has a listener for plain HTTP, where nobody is asked")),
        Err(_) => Some(format!("{PORTS} is not a list of ports")),
    }
}

/// An Ingress or its like; none if requests from outside do not come through it.
pub fn route(kind: &RouteKind, object: &Value, place: &Place) -> Option<Route> {
    if is_of_mesh(object) {
        return None;
    }
    let namespace = text(object, "/metadata/namespace");
    // The annotations are those of Ingresses.
    let is_ingress = kind.kind.kind == "Ingress";
    let mut backends = Vec::new();
    for path in kind.backends {
        let parts: Vec<&str> = path.split('.').collect();
        let (mut found, mut at) = (Vec::new(), String::new());
        walk(object, &parts, &mut at, &mut found);
        backends.extend(found.into_iter().map(|(parent, name, at)| {
            let unfollowed = *path == DELEGATE || !matches!(text(parent, "/kind"), "" | "Service");
            let (name, of_host) = if *path == DELEGATE { (name, None) } else { of_host(name) };
            let given = Some(text(parent, "/namespace")).filter(|given| !given.is_empty());
            Backend {
                namespace: of_host.or(given).unwrap_or(namespace).to_owned(),
                name: name.to_owned(),
                unfollowed,
                at: place.field(&at),
            }
        }));
    }
    Some(Route {
        kind: kind.kind.kind.to_owned(),
        namespace: namespace.to_owned(),
        name: text(object, "/metadata/name").to_owned(),
        backends,
        internal: if is_ingress { of_route(object) } else { Internal::No },
        authentication: if is_ingress { authentication(object) } else { Authentication::Unsaid },
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

/// Every text at a path, with the object that has it and where it stands. What a proxy offers itself is passed over, as
/// Traefik's `api@internal`.
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
        if let Some(name) = field.as_str().filter(|name| !name.ends_with("@internal")) {
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
        assert_eq!(names(&found), [("edge", "a"), ("logs", "b"), ("edge", "c")]);
        assert_eq!(found.backends.iter().map(|one| one.unfollowed).collect::<Vec<_>>(), [false, false, true]);
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
    fn a_route_that_delegates_leads_on_to_what_is_not_read() {
        let http = json!([{"delegate": {"name": "logs.v1", "namespace": "team"}}]);
        let spec = json!({"gateways": ["public"], "http": http});
        let root = json!({"metadata": {"namespace": "edge"}, "spec": spec});
        let found = read("networking.istio.io", "VirtualService", root).unwrap();
        assert_eq!(names(&found), [("team", "logs.v1")]);
        assert!(found.backends[0].unfollowed);
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
        assert_eq!(of(aws("internal", "true"), ""), Internal::On(vec![Provider::Aws]));
        assert_eq!(of(aws("internal", "true"), "service.k8s.aws/nlb"), Internal::Yes);
        let mut both = aws("internal", "true");
        both["service.beta.kubernetes.io/aws-load-balancer-scheme"] = "internet-facing".into();
        assert_eq!(of(both, ""), Internal::No);
        assert_eq!(of(aws("internal", "false"), ""), Internal::No);
        assert_eq!(of(aws("type", "external"), ""), Internal::LeftToController);
        assert_eq!(of(aws("scheme", "internet-facing"), "service.k8s.aws/nlb"), Internal::No);
        assert_eq!(of(json!({}), "service.k8s.aws/nlb"), Internal::LeftToController);
        let google = json!({"cloud.google.com/load-balancer-type": "internal"});
        assert_eq!(of(google, ""), Internal::On(vec![Provider::Gce]));
    }

    #[test]
    fn annotations_count_for_their_own_controller_alone() {
        let of = |class: &str, annotations: &[(&str, &str)]| {
            let annotations: Value = annotations.iter().map(|(key, value)| (*key, json!(value))).collect();
            let object =
                json!({"metadata": {"annotations": annotations}, "spec": {"ingressClassName": class}});
            read("networking.k8s.io", "Ingress", object).unwrap()
        };
        let url = ("nginx.ingress.kubernetes.io/auth-url", "https://login.example.com");
        assert_eq!(of("nginx-internal", &[url]).authentication, Authentication::Demanded(url.0.into()));
        for (class, annotations) in [
            ("traefik", &[url][..]),
            ("", &[url]),
            ("nginx", &[url, ("kubernetes.io/ingress.class", "traefik")]),
            ("nginx", &[url, ("nginx.ingress.kubernetes.io/satisfy", "any")]),
            ("nginx", &[("nginx.ingress.kubernetes.io/auth-type", "basic")]),
        ] {
            let found = of(class, annotations).authentication;
            assert!(matches!(found, Authentication::Doubtful(_)), "{class} {annotations:?}: {found:?}");
        }
        let oidc = ("alb.ingress.kubernetes.io/auth-type", "oidc");
        let listens = |ports| ("alb.ingress.kubernetes.io/listen-ports", ports);
        let only_tls = listens(r#"[{"HTTPS": 443}]"#);
        let allow = ("alb.ingress.kubernetes.io/auth-on-unauthenticated-request", "allow");
        assert!(matches!(of("alb", &[oidc, only_tls]).authentication, Authentication::Demanded(_)));
        for ports in [r#"[{"HTTP": 80}, {"HTTPS": 443}]"#, r#"[{"HTTPS": 443, "HTTP": 80}]"#, "443"] {
            let found = of("alb", &[oidc, listens(ports)]).authentication;
            assert!(matches!(found, Authentication::Doubtful(_)), "{ports}: {found:?}");
            let redirect = ("alb.ingress.kubernetes.io/ssl-redirect", "443");
            let found = of("alb", &[oidc, listens(ports), redirect]).authentication;
            assert!(matches!(found, Authentication::Demanded(_)), "{ports}: {found:?}");
        }
        assert!(matches!(of("alb", &[oidc]).authentication, Authentication::Doubtful(_)));
        let certificate = ("alb.ingress.kubernetes.io/certificate-arn", "arn");
        assert!(matches!(of("alb", &[oidc, certificate]).authentication, Authentication::Demanded(_)));
        assert!(matches!(of("alb", &[oidc, allow]).authentication, Authentication::Waived(_)));
        assert!(matches!(of("", &[oidc, allow]).authentication, Authentication::Waived(_)));
        let scheme = ("alb.ingress.kubernetes.io/scheme", "internal");
        let internal = |class: &str| of(class, &[scheme]).internal;
        assert_eq!(["alb", "", "nginx"].map(internal), [Internal::Yes, Internal::Unserved, Internal::No]);
    }
}
