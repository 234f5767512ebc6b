//! Rules that watch audit data or the pipeline of logs.

use std::sync::LazyLock;

use regex::Regex;

use super::AlertRule;
use super::evaluation::{of_file, of_resource};
use crate::analyze::collectors::fields::Fields;
use crate::analyze::collectors::products::{Role, product_of};
use crate::analyze::collectors::resolve;
use crate::document::yaml;
use crate::snapshot::Snapshot;

/// Kinds of resources with `spec.groups[].rules[]`.
const RESOURCES: [&str; 3] = ["PrometheusRule", "VMRule", "AlertingRule"];

/// Every rule of interest.
pub(super) fn rules(snapshot: &Snapshot) -> Vec<AlertRule> {
    let mut found = Vec::new();
    for resource in snapshot.resources.iter().filter(|one| RESOURCES.contains(&one.kind.as_str())) {
        let name = format!("{} {}", resource.kind, resource.full_name());
        let in_logs = resource.kind == "AlertingRule";
        for (alert, watches, at) in of_interest(&Fields::spec(resource), in_logs) {
            found.push(AlertRule {
                name: format!("{name} {alert}"),
                watches: watches.into(),
                evaluated: of_resource(snapshot, resource, &at, &alert),
            });
        }
    }
    for workload in snapshot.workloads.all() {
        for container in &workload.containers {
            let Some(product) = product_of(&container.image) else { continue };
            let in_logs = product.name == "Loki";
            if product.role != Role::Alerting && !in_logs {
                continue;
            }
            let config = resolve::config(snapshot, workload, container, product);
            for file in config.files.iter().filter(|file| file.text.contains("alert:")) {
                let (documents, _) = yaml::nested(&file.text, &file.at);
                for document in &documents {
                    for (alert, watches, at) in of_interest(&Fields::document(document), in_logs) {
                        found.push(AlertRule {
                            name: format!("{} {alert}", workload.title()),
                            watches: watches.into(),
                            evaluated: of_file(workload, product, &config, file, &at, &alert),
                        });
                    }
                }
            }
        }
    }
    found.sort_by(|a, b| (&a.name, &a.watches).cmp(&(&b.name, &b.watches)));
    // An operator writes the rules of resources into ConfigMaps too, and an alert may have several rules.
    let mut merged: Vec<AlertRule> = Vec::new();
    for rule in found {
        match merged.last_mut() {
            Some(last) if last.name == rule.name && last.watches == rule.watches => {
                last.evaluated = last.evaluated.clone().or(rule.evaluated);
            }
            _ => merged.push(rule),
        }
    }
    merged
}

/// The alerts in groups that are of interest: the name, what is watched, where.
fn of_interest(holder: &Fields<'_>, in_logs: bool) -> Vec<(String, &'static str, String)> {
    let groups = holder.items("groups");
    let rules = groups.iter().flat_map(|group| group.items("rules"));
    rules
        .filter_map(|rule| {
            let (alert, expression) = (rule.text("alert")?, rule.text("expr")?);
            Some((alert, watches(&expression, in_logs)?, rule.at_key("expr")))
        })
        .collect()
}

fn regex(pattern: &str) -> Option<Regex> {
    Regex::new(pattern).ok()
}

/// What an expression watches, if it is of interest.
fn watches(expression: &str, in_logs: bool) -> Option<&'static str> {
    static PIPELINE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        regex(
            r#"\b(apiserver_audit_|fluentbit_|fluentd_|otelcol_|vector_|loki_|promtail_|alloy_component_|filebeat_|logstash_)[a-z_]+|\b(up|kube_daemonset_[a-z_]+|kube_pod_[a-z_]+)\s*\{[^}]*\w\s*=~?\s*"[^"]*(fluent|promtail|vector|otel|alloy|filebeat|loki|log-collector|logging)"#,
        )
    });
    static REFUSALS: LazyLock<Option<Regex>> =
        LazyLock::new(|| regex(r#"\bapiserver_request_total\s*\{[^}]*\bcode\s*=~?\s*"[^"]*40[13]"#));
    static AUDIT_LOG: LazyLock<Option<Regex>> = LazyLock::new(|| {
        regex(r#"\{([^}]*,)?\s*\w*audit\w*\s*=|\{[^}]*\w\s*=~?\s*["`][^"`]*audit|objectRef|audit\.k8s\.io"#)
    });
    static NOT_LOGS: LazyLock<Option<Regex>> = LazyLock::new(|| regex(r"_(spans|metric_points)\b"));
    let holds =
        |pattern: &LazyLock<Option<Regex>>| pattern.as_ref().is_some_and(|one| one.is_match(expression));
    if in_logs {
        // A query over logs that counts nothing is an absence or a rate of what is read all the same.
        return holds(&AUDIT_LOG).then_some("audit");
    }
    if expression.contains("|=") || expression.contains("| json") {
        // What evaluates queries over metrics refuses one over logs.
        return None;
    }
    if holds(&REFUSALS) {
        return Some("audit");
    }
    let pipeline = holds(&PIPELINE) && !holds(&NOT_LOGS);
    pipeline.then_some("pipeline")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_told_apart() {
        for (expression, in_logs, expected) in [
            (r#"sum(rate(apiserver_request_total{code=~"401|403"}[5m])) > 1"#, false, Some("audit")),
            (r#"sum(rate(apiserver_request_total{code=~"5.."}[5m])) > 1"#, false, None),
            (r#"sum(rate(apiserver_request_total{code!="403"}[5m])) > 1"#, false, None),
            ("rate(apiserver_audit_error_total[5m]) > 0", false, Some("pipeline")),
            ("rate(fluentbit_output_retries_failed_total[5m]) > 0", false, Some("pipeline")),
            ("rate(otelcol_exporter_send_failed_spans[5m]) > 0", false, None),
            ("rate(otelcol_exporter_send_failed_log_records[5m]) > 0", false, Some("pipeline")),
            (r#"absent(up{job="fluent-bit"} == 1)"#, false, Some("pipeline")),
            (r#"absent(up{job="kubelet"} == 1)"#, false, None),
            ("my_vector_size > 1", false, None),
            (r#"up{namespace!="logging"} == 0"#, false, None),
            (r#"up{job="x", namespace != "logging"} == 0"#, false, None),
            (r#"up{job!="x", namespace="logging"} == 0"#, false, Some("pipeline")),
            (r#"sum(rate({job="audit"} | json | verb="delete" [5m])) > 9"#, false, None),
            (r#"rate({app="x"} |= "loki_errors" [5m]) > 9"#, false, None),
            (r#"sum(rate({job!="audit"} | json [5m])) > 9"#, true, None),
            (r#"sum(rate({job="x", log_type=~"kube-audit"}[5m])) > 9"#, true, Some("audit")),
            ("sum(rate({log_type=`audit`}[5m])) > 9", true, Some("audit")),
            (r#"sum(rate({job="audit"} | json | verb="delete" [5m])) > 9"#, true, Some("audit")),
            (r#"sum(rate({app="web"} |= "error" [5m])) > 9"#, true, None),
        ] {
            assert_eq!(watches(expression, in_logs), expected, "{expression}");
        }
    }
}
