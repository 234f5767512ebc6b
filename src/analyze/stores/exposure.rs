//! What leads to a store from outside the cluster, and whether somebody asks on the way who comes.

use super::workloads::{Found, store_product};
use crate::analyze::cloud::provider::identity;
use crate::analyze::collectors::products::{Role, product_of};
use crate::analyze::fact::Fact;
use crate::snapshot::cloud::CloudProvider;
use crate::snapshot::exposure::{Authentication, Internal, Provider, Route, Service, is_same_namespace};
use crate::snapshot::{Exposure, GapReason, Reading, Scope, Snapshot, Workload};
use crate::verdict::{Evidence, Rank};

/// What is said of a store.
pub struct Exposed {
    /// Whether anything leads to it from outside.
    pub exposed: Fact<bool>,
    /// What does.
    pub by: Fact<Vec<String>>,
    /// Whether all of that stays in the provider's network.
    pub internal_only: Fact<bool>,
    /// Whether all of that asks who comes.
    pub front_authentication: Fact<bool>,
}

/// Whom requests reach first.
#[derive(Clone, Copy)]
enum Reached<'a> {
    /// The store itself.
    Store(&'a Workload),
    /// What hands requests on to it.
    Front(&'a Workload),
    /// Something of the same installation, or nobody knows what.
    Perhaps(&'a str),
}

/// A way from outside to a store.
struct Way {
    title: String,
    evidence: Evidence,
    internal: Fact<bool>,
    asks: Fact<bool>,
}

/// What leads to a store.
pub fn of(snapshot: &Snapshot, found: &Found) -> Exposed {
    let (ways, unsure) = ways(snapshot, found);
    if ways.is_empty() {
        return match unsure.or_else(|| unread(snapshot, found)).or_else(|| absence(snapshot, found)) {
            Some(why) => Exposed {
                exposed: Fact::unknown(&*why),
                by: Fact::unknown(&*why),
                internal_only: Fact::unknown(&*why),
                front_authentication: Fact::unknown(why),
            },
            None => nowhere(snapshot, found),
        };
    }
    let evidence: Vec<Evidence> = ways.iter().map(|way| way.evidence.clone()).collect();
    let known = |value: bool| Fact::known(value, Rank::Configured, evidence.clone());
    let by =
        Fact::known(ways.iter().map(|way| way.title.clone()).collect(), Rank::Configured, evidence.clone());
    let (mut internal_only, mut asks) = match unsure.or_else(|| unread(snapshot, found)) {
        Some(why) => (Fact::unknown(&*why), Fact::unknown(why)),
        // Of the ways that files show it can be told whether they ask, but not that there is no other.
        None => (absence(snapshot, found).map_or_else(|| known(true), Fact::unknown), known(true)),
    };
    for way in ways {
        internal_only = internal_only.and(way.internal);
        asks = asks.and(way.asks);
    }
    Exposed { exposed: known(true), by, internal_only, front_authentication: asks }
}

/// Every way that is certain, and why there may be more.
fn ways(snapshot: &Snapshot, found: &Found) -> (Vec<Way>, Option<String>) {
    let (mut ways, mut unsure) = (Vec::new(), None);
    for workload in own(snapshot, found) {
        let how = match (workload.placement.host_network, workload.placement.host_port) {
            (true, _) => "hostNetwork",
            (false, true) => "hostPort",
            (false, false) => continue,
        };
        let at = workload.field("spec.template.spec");
        ways.push(Way {
            title: workload.title(),
            internal: Fact::at(false, Rank::Configured, at.clone(), "there is no load balancer before nodes"),
            asks: asked_by_pod(snapshot, workload),
            evidence: Evidence { at, detail: format!("{how}: it listens on the addresses of the nodes") },
        });
    }
    let mut add = |way: Way, reached: Reached<'_>| match reached {
        Reached::Perhaps(why) => {
            unsure.get_or_insert_with(|| {
                format!("{} at {} can be reached from outside, and {why}", way.title, way.evidence.at)
            });
        }
        _ => ways.push(way),
    };
    let services = snapshot.exposure.services.value().map_or(&[][..], Vec::as_slice);
    for service in services {
        let Some(how) = opened(service) else { continue };
        for reached in reached(snapshot, found, service) {
            add(by_service(snapshot, service, how, reached), reached);
        }
    }
    for route in &snapshot.exposure.routes {
        for (service, at) in led_to(route, services) {
            for reached in reached(snapshot, found, service) {
                add(by_route(snapshot, route, service, at, reached), reached);
            }
        }
    }
    (ways, unsure)
}

/// How a Service is open to the outside, if it is.
fn opened(service: &Service) -> Option<&'static str> {
    match service.kind.as_str() {
        _ if service.external_ips => Some("has externalIPs"),
        "LoadBalancer" => Some("is of the type LoadBalancer"),
        "NodePort" => Some("is of the type NodePort: it listens on every node"),
        _ => None,
    }
}

fn by_service(snapshot: &Snapshot, service: &Service, how: &str, reached: Reached<'_>) -> Way {
    let title = service.title();
    let internal = if service.kind == "LoadBalancer" && !service.external_ips {
        is_internal(snapshot, &title, &service.at, &service.internal)
    } else {
        Fact::at(false, Rank::Configured, service.at.clone(), how)
    };
    let asks = match reached {
        Reached::Store(workload) => asked_by_pod(snapshot, workload),
        _ => unread_front(reached),
    };
    let detail = format!("{title} {how}{}", through(reached));
    Way { title, evidence: Evidence { at: service.at.clone(), detail }, internal, asks }
}

fn by_route(snapshot: &Snapshot, route: &Route, service: &Service, at: &str, reached: Reached<'_>) -> Way {
    let title = route.title();
    let internal = is_internal(snapshot, &title, &route.at, &route.internal);
    let at_route = |value, detail: String| Fact::at(value, Rank::Configured, route.at.clone(), detail);
    let asks = match &route.authentication {
        Authentication::Demanded(key) => at_route(true, format!("{key} is set")),
        Authentication::Waived(setting) => {
            at_route(false, format!("{setting} lets pass also who is not known"))
        }
        Authentication::Doubtful(why) => {
            Fact::unknown(format!("whether {title} asks who comes is not told: {why}"))
        }
        Authentication::Unsaid => Fact::unknown(format!(
            "{title} itself demands no authentication that is known here; whether what serves it does for everything is not read"
        )),
    };
    let detail = format!("{title} leads to {}{}", service.title(), through(reached));
    Way { title, evidence: Evidence { at: at.to_owned(), detail }, internal, asks }
}

/// Whether a load balancer is internal by what its annotations say.
fn is_internal(snapshot: &Snapshot, title: &str, at: &str, internal: &Internal) -> Fact<bool> {
    let known = |value, detail| Fact::at(value, Rank::Configured, at.to_owned(), detail);
    match internal {
        Internal::Yes => known(true, "its annotations make the load balancer internal"),
        Internal::No => known(false, "no annotation makes it internal"),
        Internal::On(providers) => match provider(snapshot) {
            Some(provider) if providers.contains(&provider) => {
                known(true, "its annotations make the load balancer internal")
            }
            Some(_) => {
                known(false, "the annotations that would make it internal are those of another provider")
            }
            None => Fact::unknown(format!(
                "the annotations of {title} make its load balancer internal with one provider alone, and which provider runs the cluster is not known; the `spec.providerID` of its nodes tells it"
            )),
        },
        Internal::Unserved => Fact::unknown(format!(
            "{title} names no class, so that nobody knows whose annotations count; set spec.ingressClassName"
        )),
        Internal::LeftToController => Fact::unknown(format!(
            "{title} sets no scheme, and its controller decides whether the load balancer is internal; set it as an annotation"
        )),
    }
}

/// The provider on whose machines the cluster runs, if all signs agree.
fn provider(snapshot: &Snapshot) -> Option<Provider> {
    let nodes = snapshot.nodes.value().map_or(&[][..], Vec::as_slice);
    let of_nodes = nodes.iter().filter(|node| !node.provider.is_empty());
    let mut found = of_nodes.map(|node| Provider::of_scheme(&node.provider));
    if let Some(first) = found.next() {
        return first.filter(|_| found.all(|other| other == first));
    }
    let identity = identity(snapshot);
    match (identity.provider, identity.other) {
        (Some(CloudProvider::Eks), _) => Some(Provider::Aws),
        (Some(CloudProvider::Aks), _) => Some(Provider::Azure),
        (Some(CloudProvider::Gke), _) => Some(Provider::Gce),
        (None, Some(("oke", _))) => Some(Provider::Oci),
        (None, Some(("ack", _))) => Some(Provider::Alicloud),
        (None, _) => None,
    }
}

fn through(reached: Reached<'_>) -> String {
    match reached {
        Reached::Front(workload) => format!(", which {} hands on to the store", workload.title()),
        _ => String::new(),
    }
}

fn unread_front(reached: Reached<'_>) -> Fact<bool> {
    Fact::unknown(match reached {
        Reached::Front(workload) => {
            format!("whether {} asks who comes is not read", workload.title())
        }
        _ => "who is reached first is not told".into(),
    })
}

/// Images of sidecars that hand on no requests.
const NO_PROXIES: [&str; 3] = ["k8s-sidecar", "reloader", "exporter"];

/// Whether something in the pod of a store asks who comes before the store does.
fn asked_by_pod(snapshot: &Snapshot, workload: &Workload) -> Fact<bool> {
    let other = workload.containers.iter().find(|container| {
        let image = container.image.rsplit('/').next().unwrap_or_default();
        store_product(container).is_none() && !NO_PROXIES.iter().any(|name| image.contains(name))
    });
    if let Some(container) = other {
        return Fact::unknown(format!(
            "whether the container {} of {} stands before the store and asks who comes is not read",
            container.name,
            workload.title()
        ));
    }
    let namespaces = snapshot.namespaces.value().map_or(&[][..], Vec::as_slice);
    let of_namespace = namespaces.iter().find(|one| one.name == workload.namespace);
    let mut labels =
        workload.pod_labels.keys().chain(of_namespace.into_iter().flat_map(|one| one.labels.keys()));
    if labels.any(|key| key.contains("istio") || key.contains("linkerd")) {
        return Fact::unknown(format!(
            "{} takes part in a mesh, whose rules for who may come are not read",
            workload.title()
        ));
    }
    Fact::at(false, Rank::Configured, workload.at.clone(), "requests reach the store with nothing before it")
}

/// The Services that a route leads to, also by another name.
fn led_to<'a>(route: &'a Route, services: &'a [Service]) -> Vec<(&'a Service, &'a str)> {
    let mut found = Vec::new();
    for backend in &route.backends {
        for service in services.iter().filter(|service| backend.is_of(service)) {
            let other = service.stands_for();
            let real = services.iter().filter(|one| {
                other.map_or(std::ptr::eq(*one, service), |(namespace, name)| {
                    one.name == name && is_same_namespace(&one.namespace, namespace)
                })
            });
            found.extend(real.map(|service| (service, backend.at.as_str())));
        }
    }
    found
}

/// Which pods a Service leads to, as far as they have to do with a store.
fn reached<'a>(snapshot: &'a Snapshot, found: &Found, service: &Service) -> Vec<Reached<'a>> {
    if !is_same_namespace(&service.namespace, &found.namespace) || !service.external_name.is_empty() {
        return Vec::new();
    }
    if service.selector.is_empty() {
        return vec![Reached::Perhaps("without a selector it does not say where it leads")];
    }
    let is_selected = |workload: &&Workload| {
        is_same_namespace(&workload.namespace, &found.namespace)
            && service.selector.iter().all(|(key, value)| workload.pod_labels.get(key) == Some(value))
    };
    let selected = snapshot.workloads.all().filter(is_selected);
    selected
        .filter_map(|workload| {
            if is_own(found, workload) {
                return Some(Reached::Store(workload));
            }
            if !is_of_installation(snapshot, found, workload) {
                return None;
            }
            let component = label(workload, &["app.kubernetes.io/component", "component"]);
            let is_front = component.is_some_and(|component| component.ends_with("gateway"))
                || workload
                    .containers
                    .iter()
                    .filter_map(store_product)
                    .any(|product| product.name == found.store.product.name());
            if is_front {
                return Some(Reached::Front(workload));
            }
            (!hands_nothing_on(workload)).then_some(Reached::Perhaps(
                "it belongs to the same installation; whether it hands requests on to the store is not read",
            ))
        })
        .collect()
}

/// Whether all of it takes logs in and gives none out.
fn hands_nothing_on(workload: &Workload) -> bool {
    let mut roles = workload.containers.iter().map(|one| product_of(&one.image).map(|product| product.role));
    !workload.containers.is_empty()
        && roles.all(|role| {
            matches!(
                role,
                Some(Role::Collector | Role::Hop | Role::EventExporter | Role::Sensor | Role::Operator)
            )
        })
}

fn is_own(found: &Found, workload: &Workload) -> bool {
    workload.namespace == found.namespace && found.workloads.contains(&workload.name)
}

fn own<'a>(snapshot: &'a Snapshot, found: &'a Found) -> impl Iterator<Item = &'a Workload> {
    snapshot.workloads.all().filter(move |workload| is_own(found, workload))
}

/// Whether the same chart or operator installed a workload and the store.
fn is_of_installation(snapshot: &Snapshot, found: &Found, workload: &Workload) -> bool {
    const INSTANCE: [&str; 2] = ["app.kubernetes.io/instance", "release"];
    own(snapshot, found).any(|one| {
        let instance = label(one, &INSTANCE);
        instance.is_some() && instance == label(workload, &INSTANCE)
            || one.owner.is_some() && one.owner == workload.owner
    })
}

fn label<'a>(workload: &'a Workload, keys: &[&str]) -> Option<&'a String> {
    keys.iter().find_map(|key| workload.labels.get(*key).or_else(|| workload.pod_labels.get(*key)))
}

/// Why there may be ways that were not read.
fn unread(snapshot: &Snapshot, found: &Found) -> Option<String> {
    let Exposure { services, routes_unread, .. } = &snapshot.exposure;
    if own(snapshot, found).next().is_none() {
        return Some(format!(
            "no workload of {} is seen, so that nobody knows which Services lead to it",
            found.name
        ));
    }
    match services {
        Reading::Missing { gap } if gap.reason != GapReason::NotAsked => return Some(gap.to_string()),
        Reading::Missing { .. } if snapshot.scope == Scope::Manifests => {
            return Some(format!("the input shows no Service of {}; add its manifests with -f", found.name));
        }
        Reading::Missing { gap } => {
            return Some(format!("{gap}; run against the cluster with this version to read them"));
        }
        Reading::Read { value } => {
            let is_led_to = |service: &Service| !reached(snapshot, found, service).is_empty();
            if snapshot.scope == Scope::Manifests && !value.iter().any(is_led_to) {
                return Some(format!(
                    "the input shows no Service of {}; add its manifests with -f",
                    found.name
                ));
            }
        }
    }
    routes_unread.first().map(ToString::to_string).or_else(|| unfollowed(snapshot, found))
}

/// A way that is seen and may lead to the store, but is not followed to its end.
fn unfollowed(snapshot: &Snapshot, found: &Found) -> Option<String> {
    // ingress-nginx hands ports on to Services that this ConfigMap names.
    const PORTS: [&str; 2] = ["--tcp-services-configmap=", "--udp-services-configmap="];
    let name = &found.name;
    let by_route = snapshot.exposure.routes.iter().find_map(|route| {
        let backend = route.backends.iter().find(|backend| backend.unfollowed)?;
        let title = route.title();
        Some(format!(
            "{title} leads to {}, which is no Service ({}); whether {name} is behind it is not read, so look there",
            backend.name, backend.at
        ))
    });
    by_route.or_else(|| {
        let hands_on = |workload: &&Workload| {
            let words = workload.containers.iter().flat_map(|one| one.command.iter().chain(&one.args));
            words.into_iter().any(|word| PORTS.iter().any(|flag| word.starts_with(flag)))
        };
        let workload = snapshot.workloads.all().find(hands_on)?;
        Some(format!(
            "{} hands on ports to Services that a ConfigMap names ({}); whether {name} is among them is not read, so look there",
            workload.title(),
            workload.at
        ))
    })
}

/// Why it is no proof that no other way is seen.
fn absence(snapshot: &Snapshot, found: &Found) -> Option<String> {
    (snapshot.scope == Scope::Manifests).then(|| {
        format!(
            "files do not prove that nothing else leads to {}; run against the cluster to see all Services and routes",
            found.name
        )
    })
}

/// A store to which nothing leads.
fn nowhere(snapshot: &Snapshot, found: &Found) -> Exposed {
    let services = snapshot.exposure.services.value().map_or(&[][..], Vec::as_slice);
    let mut evidence: Vec<Evidence> = services
        .iter()
        .filter(|service| !reached(snapshot, found, service).is_empty())
        .map(|service| Evidence {
            at: service.at.clone(),
            detail: format!(
                "{} itself is open to the cluster alone, and nothing that is read leads to it",
                service.title()
            ),
        })
        .collect();
    if evidence.is_empty() {
        evidence.extend(own(snapshot, found).map(|workload| Evidence {
            at: workload.at.clone(),
            detail: "no Service leads to its pods".into(),
        }));
    }
    let known = |value: bool| Fact::known(value, Rank::Configured, evidence.clone());
    Exposed {
        exposed: known(false),
        by: Fact::known(Vec::new(), Rank::Configured, evidence.clone()),
        internal_only: known(false),
        front_authentication: known(true),
    }
}
