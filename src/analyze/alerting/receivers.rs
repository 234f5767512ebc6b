//! Whether alerts go to somebody.

use super::evaluation::{in_namespace, is_zero, selects};
use crate::analyze::collectors::config::Lookup;
use crate::analyze::collectors::endpoint::{Endpoint, Location, location};
use crate::analyze::collectors::fields::Fields;
use crate::analyze::collectors::products::{Role, product_of};
use crate::analyze::collectors::resolve;
use crate::analyze::collectors::settings::Settings;
use crate::analyze::fact::Fact;
use crate::document::{scalar, yaml};
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
        (Some(true), _) if !sends(snapshot) => Fact::unknown(
            "an Alertmanager would tell somebody, but nothing is seen that is set up to send alerts to one",
        ),
        _ => told,
    }
}

/// An Alertmanager of prometheus-operator.
fn managed(snapshot: &Snapshot, manager: &Resource) -> Fact<bool> {
    let spec = Fields::spec(manager);
    if is_zero(&spec) {
        return spec.known("replicas", false, "it has no replicas");
    }
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
    if workload.replicas == Some(0) {
        let at = workload.field("spec.replicas");
        return Some(Fact::at(false, Rank::Configured, at, "it has no replicas"));
    }
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

/// Whether the routes lead to receivers that tell somebody; `ending` is how the lists of its targets are called.
fn route(config: &Fields<'_>, ending: &str) -> Fact<bool> {
    match config.get("route") {
        Some(route) => follow(&route, "", &Receivers { all: config.items("receivers"), ending }, 0),
        None => Fact::at(false, Rank::Configured, config.at(), "there is no route"),
    }
}

/// Whether somebody is told of all that comes to a route; `above` is the receiver it inherits. The first child that takes
/// an alert gets it, and the next ones only with `continue`; what no child takes is for the route's own receiver.
fn follow(route: &Fields<'_>, above: &str, receivers: &Receivers<'_>, depth: usize) -> Fact<bool> {
    const MAX_DEPTH: usize = 20;
    if depth > MAX_DEPTH {
        return Fact::unknown(format!(
            "routes below more than {MAX_DEPTH} others are not read ({})",
            route.at()
        ));
    }
    let name = route.text("receiver").unwrap_or_else(|| above.to_owned());
    let mut caught: Option<Fact<bool>> = None;
    let mut matched = Vec::new();
    for child in route.items("routes") {
        let told = follow(&child, &name, receivers, depth + 1);
        let goes_on = child.flag("continue") == Some(true);
        if is_for_signals(&child) {
            continue;
        }
        if has_matchers(&child) {
            // What an earlier child has told of already is not lost here.
            if caught.as_ref().and_then(Fact::value) != Some(&true) {
                matched.push((child, told, goes_on));
            }
            continue;
        }
        caught = Some(match caught {
            Some(before) => before.or(told),
            None => told,
        });
        if !goes_on {
            break;
        }
    }
    let is_caught = caught.is_some();
    let rest = caught.unwrap_or_else(|| receivers.tell(&name, route));
    let Some(rest_told) = rest.value().copied() else { return rest };
    let other = matched
        .iter()
        .find(|(_, told, goes_on)| told.value() != Some(&rest_told) && !(rest_told && is_caught && *goes_on));
    match other {
        Some((child, _, _)) => Fact::unknown(format!(
            "which alerts the matchers of a route take is not judged: somebody is told of some alerts only ({})",
            child.at()
        )),
        None => rest,
    }
}

fn has_matchers(route: &Fields<'_>) -> bool {
    ["matchers", "match", "match_re"]
        .iter()
        .filter_map(|key| route.get(key))
        .any(|set| !set.elements().is_empty() || !set.entries().is_empty())
}

/// Whether a route takes only alerts that call nobody to act: one that always fires, to show that alerts get through, and
/// one that holds others back.
fn is_for_signals(route: &Fields<'_>) -> bool {
    const SIGNALS: [&str; 2] = ["Watchdog", "InfoInhibitor"];
    let equal = route.at_path(&["match"]).and_then(|labels| labels.text("alertname"));
    let alike = route.at_path(&["match_re"]).and_then(|labels| labels.text("alertname"));
    let matchers = route.items("matchers").into_iter().filter_map(|matcher| {
        if let Some(name) = matcher.text("name") {
            let takes = matcher.text("matchType").is_none_or(|kind| kind.starts_with('='));
            return matcher.text("value").filter(|_| name == "alertname" && takes);
        }
        let text = scalar(matcher.value())?;
        let value = text.trim().strip_prefix("alertname")?.trim_start().strip_prefix('=')?;
        let value = value.strip_prefix('~').unwrap_or(value);
        Some(value.trim().trim_matches('"').to_owned())
    });
    equal
        .into_iter()
        .chain(alike)
        .chain(matchers)
        .any(|names| names.split('|').all(|name| SIGNALS.contains(&name.trim_matches(['^', '$', '(', ')']))))
}

/// The receivers of a configuration.
struct Receivers<'a> {
    all: Vec<Fields<'a>>,
    /// How the lists of targets are called.
    ending: &'a str,
}

impl Receivers<'_> {
    /// Whether the receiver of a route has somewhere to send to.
    fn tell(&self, name: &str, route: &Fields<'_>) -> Fact<bool> {
        let mut targets = Vec::new();
        for receiver in self.all.iter().filter(|one| one.text("name").as_deref() == Some(name)) {
            let lists = receiver.entries().into_iter().filter(|(key, _)| key.ends_with(self.ending));
            targets.extend(lists.flat_map(|(_, list)| list.elements()));
        }
        // What is still to be set is no target.
        targets.retain(|target| lies(target, Location::Nowhere).is_none());
        let local = |target: &Fields<'_>| lies(target, Location::Local);
        if targets.iter().any(|target| local(target).is_none()) {
            return route.known("receiver", true, format!("alerts go to the receiver {name}"));
        }
        match targets.iter().find_map(local) {
            Some(at) => Fact::unknown(format!(
                "the receiver {name} sends to its own pod, and what becomes of alerts there is not known ({at})"
            )),
            None => route.known("receiver", false, format!("the receiver {name} tells nobody")),
        }
    }
}

/// Where a target says that it sends to such a place.
fn lies(target: &Fields<'_>, place: Location) -> Option<String> {
    const ADDRESSES: [&str; 6] = ["url", "api_url", "apiURL", "webhook_url", "webhookURL", "smarthost"];
    let is_there = |key: &&&str| {
        let endpoint = target.text(key).and_then(|address| Endpoint::parse(&address));
        endpoint.is_some_and(|endpoint| location(&endpoint.host) == place)
    };
    ADDRESSES.iter().find(is_there).map(|key| target.at_key(key))
}

/// Whether something is set up to send alerts to an Alertmanager.
fn sends(snapshot: &Snapshot) -> bool {
    let of_operator = snapshot.resources.iter().filter(|one| one.kind == "Prometheus").any(|one| {
        let spec = Fields::spec(one);
        let keys = ["alerting", "additionalAlertManagerConfigs"];
        !is_zero(&spec) && keys.iter().any(|key| spec.get(key).is_some())
    });
    of_operator || snapshot.workloads.all().any(|workload| sends_alone(snapshot, workload))
}

/// Whether a workload that no Prometheus resource describes is set up to send alerts: by flags of vmalert or Thanos, or by
/// the file of a Prometheus.
fn sends_alone(snapshot: &Snapshot, workload: &Workload) -> bool {
    let of_operator = workload.owner.as_deref().is_some_and(|owner| owner.starts_with("Prometheus "));
    if of_operator || workload.replicas == Some(0) {
        return false;
    }
    workload.containers.iter().any(|container| {
        let Some(product) = product_of(&container.image).filter(|one| one.role == Role::Alerting) else {
            return false;
        };
        if product.name != "Prometheus" {
            let mut words = container.command.iter().chain(&container.args);
            return words.any(|word| {
                let flag = word.trim_start_matches('-');
                flag.starts_with("notifier.") || flag.starts_with("alertmanagers.")
            });
        }
        let config = resolve::config(snapshot, workload, container, product);
        let Lookup::Seen(file) = config.file(&config.main) else { return false };
        Settings::of_text(&file.text, &file.at)
            .is_ok_and(|settings| !settings.root().find("alerting.alertmanagers").items().is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::manifests::read_texts;

    const PROMETHEUS: &str = "apiVersion: monitoring.coreos.com/v1
kind: Prometheus
metadata: {name: k8s, namespace: mon}
spec: {alerting: {alertmanagers: [{name: alertmanager}]}}
---
";

    fn told(senders: &str, replicas: i64, config: &str) -> Option<bool> {
        let config = config.replace('\n', "\n    ");
        let text = format!(
            "{senders}apiVersion: apps/v1
kind: Deployment
metadata: {{name: alertmanager, namespace: mon}}
spec:
  replicas: {replicas}
  template:
    spec:
      containers:
      - name: alertmanager
        image: prom/alertmanager:v0.28
        args: [--config.file=/etc/alertmanager/alertmanager.yml]
        volumeMounts: [{{name: c, mountPath: /etc/alertmanager}}]
      volumes: [{{name: c, configMap: {{name: am}}}}]
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: am, namespace: mon}}
data:
  alertmanager.yml: |
    {config}
"
        );
        let snapshot = read_texts(&[("x.yaml".to_owned(), text)]).unwrap();
        notified(&snapshot, None).value().copied()
    }

    fn routed(routes: &str) -> Option<bool> {
        let receivers = "receivers: [{name: 'null'}, {name: s, slack_configs: [{channel: x}]}]";
        told(PROMETHEUS, 1, &format!("route: {routes}\n{receivers}"))
    }

    #[test]
    fn routes_are_followed_to_who_is_told() {
        for (routes, expected) in [
            ("{receiver: s}", Some(true)),
            ("{receiver: 'null'}", Some(false)),
            ("{receiver: s, routes: [{receiver: 'null'}]}", Some(false)),
            ("{receiver: s, routes: [{receiver: 'null', matchers: []}, {receiver: s}]}", Some(false)),
            ("{receiver: s, routes: [{receiver: 'null', continue: true}, {receiver: s}]}", Some(true)),
            ("{receiver: 'null', routes: [{receiver: s}]}", Some(true)),
            ("{receiver: s, routes: [{matchers: [a=b]}]}", Some(true)),
            ("{receiver: s, routes: [{routes: [{receiver: 'null'}]}]}", Some(false)),
            ("{receiver: s, routes: [{receiver: 'null', matchers: ['alertname=~\".+\"']}]}", None),
            ("{receiver: s, routes: [{receiver: 'null', match: {a: b}}]}", None),
            (
                "{receiver: s, routes: [{receiver: 'null', matchers: ['alertname = \"Watchdog\"']}]}",
                Some(true),
            ),
            (
                "{receiver: s, routes: [{receiver: 'null', matchers: ['alertname=~\"InfoInhibitor|Watchdog\"']}]}",
                Some(true),
            ),
            ("{receiver: s, routes: [{receiver: 'null', match: {alertname: Watchdog}}]}", Some(true)),
            ("{receiver: 'null', routes: [{receiver: s, match: {alertname: Watchdog}}]}", Some(false)),
            ("{receiver: s, routes: [{receiver: 'null', matchers: ['alertname!=\"Watchdog\"']}]}", None),
            ("{receiver: s, routes: [{receiver: 'null', matchers: ['alertname=~\"Watchdog|.*\"']}]}", None),
            ("{receiver: s, routes: [{receiver: 'null', match: {a: b}, continue: true}]}", None),
            (
                "{receiver: s, routes: [{receiver: 'null', match: {a: b}, continue: true}, {receiver: s}]}",
                Some(true),
            ),
            ("{receiver: 'null', routes: [{receiver: s, match_re: {a: b}}]}", None),
        ] {
            assert_eq!(routed(routes), expected, "{routes}");
        }
    }

    #[test]
    fn an_address_in_the_own_pod_tells_nobody_for_sure() {
        for (url, expected) in [
            ("http://127.0.0.1:5001/", None),
            ("http://localhost/", None),
            ("http://[::1]:80", None),
            ("https://example.com", Some(true)),
        ] {
            let receivers = format!("receivers: [{{name: s, webhook_configs: [{{url: '{url}'}}]}}]");
            assert_eq!(
                told(PROMETHEUS, 1, &format!("route: {{receiver: s}}\n{receivers}")),
                expected,
                "{url}"
            );
        }
    }

    #[test]
    fn an_alertmanager_has_to_run_and_to_get_alerts() {
        let config = "route: {receiver: s}\nreceivers: [{name: s, slack_configs: [{channel: x}]}]";
        assert_eq!(told(PROMETHEUS, 0, config), Some(false));
        assert_eq!(told("", 1, config), None);
        assert_eq!(told(&PROMETHEUS.replace("{alerting", "{replicas: 0, alerting"), 1, config), None);
        assert_eq!(told(&PROMETHEUS.replace("alerting", "ruleSelector"), 1, config), None);
        let vmalert = "apiVersion: apps/v1
kind: Deployment
metadata: {name: vmalert, namespace: mon}
spec:
  template:
    spec:
      containers:
      - {name: vmalert, image: victoriametrics/vmalert, args: [-notifier.url=http://alertmanager]}
---
";
        assert_eq!(told(vmalert, 1, config), Some(true));
    }
}
