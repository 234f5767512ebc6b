//! Whether something evaluates a rule.

use std::collections::BTreeMap;

use crate::analyze::collectors::config::{Config, File, Lookup};
use crate::analyze::collectors::fields::Fields;
use crate::analyze::collectors::glob;
use crate::analyze::collectors::products::{Product, product_of};
use crate::analyze::collectors::settings::Settings;
use crate::analyze::fact::Fact;
use crate::document::scalar;
use crate::snapshot::{Reading, Resource, Scope, Snapshot, Workload};
use crate::verdict::Rank;

/// Whether a rule of a resource is evaluated.
pub(super) fn of_resource(snapshot: &Snapshot, rule: &Resource, at: &str, alert: &str) -> Fact<bool> {
    if rule.kind == "VMRule" {
        return Fact::unknown(format!("which rules the selectors of vmalert take is not read ({at})"));
    }
    let holder = if rule.kind == "AlertingRule" { "LokiStack" } else { "Prometheus" };
    let holders = snapshot.resources.iter().filter(|one| one.kind == holder);
    let taken = holders.map(|one| takes(snapshot, one, rule)).reduce(Fact::or);
    let here = |evaluated: bool, detail: String| Fact::at(evaluated, Rank::Configured, at, detail);
    match taken {
        Some(fact) if fact.value() == Some(&true) => here(true, format!("{alert} is a rule")).and(fact),
        Some(Fact::Unknown(unknown)) => Fact::Unknown(unknown),
        found => {
            if let Some(reason) = others(snapshot) {
                Fact::unknown(reason)
            } else {
                let detail = match found {
                    Some(_) => format!("no {holder} with pods selects {}", rule.full_name()),
                    None => format!("there is no {holder} that could evaluate it"),
                };
                here(false, detail)
            }
        }
    }
}

/// What else takes over rules of resources, by settings that are not read.
fn others(snapshot: &Snapshot) -> Option<String> {
    const TAKE_OVER: [&str; 4] = ["vmalert", "Alloy", "Mimir", "Thanos"];
    if snapshot.scope == Scope::Manifests {
        return Some("the input shows nothing that evaluates the rule; run against the cluster".into());
    }
    let gaps = snapshot.workloads.kinds().into_iter().filter_map(Reading::gap);
    let gaps = gaps.chain(&snapshot.resources_unread);
    if let Some(gap) = gaps.into_iter().next() {
        return Some(gap.to_string());
    }
    snapshot.workloads.all().find_map(|workload| {
        let mut products = workload.containers.iter().filter_map(|one| product_of(&one.image));
        let product = products.find(|product| TAKE_OVER.contains(&product.name))?;
        Some(format!("which rules {} ({}) takes over is not read", workload.title(), product.name))
    })
}

/// Whether a Prometheus or `LokiStack` takes a rule: its selectors of rules and of namespaces.
fn takes(snapshot: &Snapshot, holder: &Resource, rule: &Resource) -> Fact<bool> {
    let spec = Fields::spec(holder);
    if is_zero(&spec) {
        return spec.known("replicas", false, "it has no replicas, and evaluates nothing");
    }
    let (selector, namespaces) = if holder.kind == "LokiStack" {
        let Some(rules) = spec.get("rules") else { return spec.known("rules", false, "rules is not set") };
        if rules.flag("enabled") != Some(true) {
            return rules.known("enabled", false, "its ruler is off");
        }
        (rules.get("selector"), rules.get("namespaceSelector"))
    } else {
        (spec.get("ruleSelector"), spec.get("ruleNamespaceSelector"))
    };
    // A selector that is not there selects nothing, and of namespaces the own one; an empty one selects all.
    let Some(selector) = selector else {
        return Fact::at(
            false,
            Rank::Configured,
            holder.at.clone(),
            "it has no selector of rules, and takes none",
        );
    };
    if !selects(&selector, &rule.labels) {
        return Fact::at(false, Rank::Configured, selector.at(), "its selector of rules does not take it");
    }
    in_namespace(snapshot, holder, namespaces.as_ref(), rule).and_then(|inside| {
        let detail =
            if inside { "its selectors take it" } else { "its selector of namespaces does not take it" };
        Fact::at(inside, Rank::Configured, selector.at(), detail)
    })
}

/// Whether the `spec` of an operator's resource asks for no pods.
pub(super) fn is_zero(spec: &Fields<'_>) -> bool {
    spec.text("replicas").as_deref() == Some("0")
}

/// Whether a selector of namespaces takes an object's.
pub(super) fn in_namespace(
    snapshot: &Snapshot,
    holder: &Resource,
    selector: Option<&Fields<'_>>,
    object: &Resource,
) -> Fact<bool> {
    let known = |inside: bool| Fact::known(inside, Rank::Configured, Vec::new());
    let Some(selector) = selector else { return known(object.namespace == holder.namespace) };
    if selector.get("matchLabels").is_none() && selector.get("matchExpressions").is_none() {
        return known(true);
    }
    let mut namespaces = snapshot.namespaces.value().into_iter().flatten();
    match namespaces.find(|one| one.name == object.namespace) {
        Some(namespace) => known(selects(selector, &namespace.labels)),
        None => Fact::unknown(format!(
            "the labels of the namespace {} are not read, which {} asks for",
            object.namespace,
            selector.at()
        )),
    }
}

/// Whether a label selector takes an object with these labels.
pub(super) fn selects(selector: &Fields<'_>, labels: &BTreeMap<String, String>) -> bool {
    let equal = selector.get("matchLabels").map(|fields| fields.entries()).unwrap_or_default();
    equal.iter().all(|(key, value)| labels.get(*key).cloned() == scalar(value.value()))
        && selector.items("matchExpressions").iter().all(|one| {
            let label = one.text("key").and_then(|key| labels.get(&key).cloned());
            let among = label
                .as_ref()
                .is_some_and(|label| one.list("values").iter().any(|(value, _)| value == label));
            match one.text("operator").as_deref() {
                Some("In") => among,
                Some("NotIn") => !among,
                Some("Exists") => label.is_some(),
                Some("DoesNotExist") => label.is_none(),
                _ => false,
            }
        })
}

/// Whether a rule in a file that is mounted is evaluated.
pub(super) fn of_file(
    workload: &Workload,
    product: &Product,
    config: &Config,
    file: &File,
    at: &str,
    alert: &str,
) -> Fact<bool> {
    if product.name != "Prometheus" {
        return Fact::unknown(format!("which rules {} evaluates is not read ({at})", workload.title()));
    }
    let named = |detail: String, is: bool| Fact::at(is, Rank::Configured, at, detail);
    if workload.replicas == Some(0) {
        return named(format!("{} has no replicas, and evaluates nothing", workload.title()), false);
    }
    if workload.owner.as_deref().is_some_and(|owner| owner.starts_with("Prometheus ")) {
        return named(format!("the operator mounts {alert} for {}", workload.title()), true);
    }
    let main = match config.file(&config.main) {
        Lookup::Seen(main) => main,
        Lookup::Hidden(why) => return Fact::unknown(format!("which rules it evaluates is not seen: {why}")),
    };
    let settings = match Settings::of_text(&main.text, &main.at) {
        Ok(settings) => settings,
        Err(unreadable) => return Fact::unknown(format!("{} ({})", unreadable.why, unreadable.at)),
    };
    let patterns = settings.root().find("rule_files");
    let taken = patterns.items().iter().any(|pattern| {
        let path = crate::analyze::collectors::config::resolve(&config.main, &pattern.plain());
        glob::matches(&path, &file.path)
    });
    let detail = if taken { "rule_files takes its file" } else { "rule_files does not take its file" };
    named(format!("{alert} is a rule"), true).and(patterns.fact(taken, detail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::manifests::read_texts;

    #[test]
    fn a_prometheus_without_replicas_evaluates_nothing() {
        for (replicas, expected) in
            [("", Some(true)), ("replicas: 2, ", Some(true)), ("replicas: 0, ", Some(false))]
        {
            let text = format!(
                "apiVersion: monitoring.coreos.com/v1
kind: Prometheus
metadata: {{name: k8s, namespace: mon}}
spec: {{{replicas}ruleSelector: {{}}}}
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {{name: r, namespace: mon}}
spec: {{groups: []}}
"
            );
            let mut snapshot = read_texts(&[("x.yaml".to_owned(), text)]).unwrap();
            snapshot.scope = Scope::Cluster;
            let of_kind = |kind: &str| snapshot.resources.iter().find(|one| one.kind == kind).unwrap();
            let taken = takes(&snapshot, of_kind("Prometheus"), of_kind("PrometheusRule"));
            assert_eq!(taken.value().copied(), expected, "{replicas}");
        }
    }
}
