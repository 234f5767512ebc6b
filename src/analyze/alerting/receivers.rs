//! Whether alerts go to somebody.

use super::evaluation::{in_namespace, selects};
use crate::analyze::collectors::config::Lookup;
use crate::analyze::collectors::fields::Fields;
use crate::analyze::collectors::products::product_of;
use crate::analyze::collectors::resolve;
use crate::analyze::fact::Fact;
use crate::document::yaml;
use crate::snapshot::{Resource, Snapshot, Workload};
use crate::verdict::Rank;

/// Whether alerts of some system are told to somebody. `hidden` is why there may be others.
pub(super) fn notified(snapshot: &Snapshot, hidden: Option<&str>) -> Fact<bool> {
    let of_operator = snapshot.resources.iter().filter(|one| one.kind == "Alertmanager");
    let mut told: Vec<Fact<bool>> = of_operator.map(|one| managed(snapshot, one)).collect();
    for workload in snapshot.workloads.all() {
        if let Some(fact) = alone(snapshot, workload) {
            told.push(fact);
        }
    }
    let told = told.into_iter().reduce(Fact::or).unwrap_or_else(|| {
        Fact::at(false, Rank::Configured, "the workloads of the cluster", "none of them is an Alertmanager")
    });
    match (told.value(), hidden) {
        (Some(false), Some(reason)) => Fact::unknown(reason),
        _ => told,
    }
}

/// An Alertmanager of prometheus-operator.
fn managed(snapshot: &Snapshot, manager: &Resource) -> Fact<bool> {
    let spec = Fields::spec(manager);
    let all: Vec<&Resource> = snapshot
        .resources
        .iter()
        .filter(|one| one.kind == "AlertmanagerConfig" && one.group == manager.group)
        .collect();
    let own = spec.at_path(&["alertmanagerConfiguration"]).and_then(|global| global.text("name"));
    if let Some(name) = own {
        let found = all.iter().find(|one| one.name == name && one.namespace == manager.namespace);
        return match found {
            Some(config) => route(&Fields::spec(config), "Configs"),
            None => Fact::unknown(format!(
                "the AlertmanagerConfig {}/{name} is not in what was read",
                manager.namespace
            )),
        };
    }
    let strategy = spec.at_path(&["alertmanagerConfigMatcherStrategy"]).and_then(|one| one.text("type"));
    let selector = spec.get("alertmanagerConfigSelector");
    let namespaces = spec.get("alertmanagerConfigNamespaceSelector");
    let selected: Vec<&&Resource> = all
        .iter()
        .filter(|config| {
            selector.as_ref().is_some_and(|selector| selects(selector, &config.labels))
                && in_namespace(snapshot, manager, namespaces.as_ref(), config).value() == Some(&true)
        })
        .collect();
    let secret = spec.text("configSecret").unwrap_or_else(|| format!("alertmanager-{}", manager.name));
    let rest = Fact::unknown(format!(
        "the configuration of {} is in the Secret {}/{secret}, which is never read",
        manager.at, manager.namespace
    ));
    match (strategy.as_deref(), selected.first()) {
        (Some("None"), Some(_)) => {
            let told = selected.iter().map(|config| route(&Fields::spec(config), "Configs"));
            // One that tells nobody may still be joined by the Secret.
            told.reduce(Fact::or).map_or(rest.clone(), |fact| fact.or(rest))
        }
        (_, Some(config)) => Fact::unknown(format!(
            "{} gets alerts of its namespace only; the rest of the configuration of {} is in the Secret {}/{secret}, which is never read",
            config.at, manager.at, manager.namespace
        )),
        _ => rest,
    }
}

/// An Alertmanager whose configuration may be in a ConfigMap; none for those of the operator.
fn alone(snapshot: &Snapshot, workload: &Workload) -> Option<Fact<bool>> {
    if workload.owner.as_deref().is_some_and(|owner| owner.starts_with("Alertmanager ")) {
        return None;
    }
    let (container, product) = workload.containers.iter().find_map(|container| {
        Some((container, product_of(&container.image).filter(|one| one.name == "Alertmanager")?))
    })?;
    let config = resolve::config(snapshot, workload, container, product);
    let file = match config.file(&config.main) {
        Lookup::Seen(file) => file,
        Lookup::Hidden(why) => {
            return Some(Fact::unknown(format!(
                "the configuration of {} is not seen: {why}",
                workload.title()
            )));
        }
    };
    let (documents, faults) = yaml::nested(&file.text, &file.at);
    Some(match (documents.first(), faults.first()) {
        (_, Some(fault)) => Fact::unknown(format!("{} ({})", fault.message, file.at)),
        (Some(document), None) => route(&Fields::document(document), "_configs"),
        (None, None) => Fact::unknown(format!("the configuration is empty ({})", file.at)),
    })
}

/// Whether the first route leads to a receiver that tells somebody; `ending` is how the lists of its targets are called.
fn route(config: &Fields<'_>, ending: &str) -> Fact<bool> {
    let Some(route) = config.get("route") else {
        return Fact::at(false, Rank::Configured, config.at(), "there is no route");
    };
    let receivers = config.items("receivers");
    let tells = |name: &str| {
        receivers.iter().filter(|one| one.text("name").as_deref() == Some(name)).any(|one| {
            let entries = one.entries();
            let mut targets = entries.iter().filter(|(key, _)| key.ends_with(ending));
            targets.any(|(_, list)| !list.elements().is_empty())
        })
    };
    let name = route.text("receiver").unwrap_or_default();
    if tells(&name) {
        return route.known("receiver", true, format!("alerts go to the receiver {name}"));
    }
    let mut below = Vec::new();
    collect(&route, &mut below, 0);
    match below.iter().find(|(name, _)| tells(name)) {
        Some((name, at)) => {
            Fact::unknown(format!("which alerts reach the receiver {name} is not judged ({at})"))
        }
        None => route.known("receiver", false, format!("the receiver {name} tells nobody")),
    }
}

fn collect(route: &Fields<'_>, found: &mut Vec<(String, String)>, depth: usize) {
    const MAX_DEPTH: usize = 20;
    for below in route.items("routes").iter().filter(|_| depth < MAX_DEPTH) {
        if let Some(name) = below.text("receiver") {
            found.push((name, below.at_key("receiver")));
        }
        collect(below, found, depth + 1);
    }
}
