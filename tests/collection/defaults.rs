//! What charts and add-ons render without further settings, in our own words, and what has to be told of it.

use logaudit::verdict::Status::{self, Fail, Pass, Unknown};

use super::{Manifests, fixture};
use crate::support::report::{status, text};

/// A check, what it comes to, and words of what is said.
type Told = (&'static str, Status, &'static [&'static str]);

fn expect(name: &str, collector: &str, told: &[Told]) {
    let manifests = Manifests::run(collector);
    for (check, wanted, words) in told {
        let findings = manifests.report.of(check);
        assert_eq!(manifests.report.verdict(check), *wanted, "{name}: {findings:#?}");
        let said = findings.iter().filter(|finding| status(finding) == *wanted);
        let said: Vec<String> = said
            .map(|finding| {
                let places = finding["evidence"].as_array().into_iter().flatten();
                let details: Vec<String> = places.map(|place| text(place, "detail")).collect();
                format!("{} {}", finding["reason"].as_str().unwrap_or_default(), details.join("; "))
            })
            .collect();
        let is_said = |said: &String| words.iter().all(|word| said.contains(word));
        assert!(said.iter().any(is_said), "{name} {check}: no finding says {words:?}: {said:#?}");
    }
}

fn defaults(name: &str, told: &[Told]) {
    expect(name, &fixture(&format!("defaults/{name}.yaml")), told);
}

const TAINT: &str = "the taint node-role.kubernetes.io/control-plane:NoSchedule is not tolerated";

#[test]
fn fluent_bit_keeps_no_position_and_leaves_the_control_plane_out() {
    defaults(
        "fluent-bit",
        &[
            ("LA-COL-004", Fail, &["1 of 2", TAINT]),
            ("LA-COL-005", Fail, &["0 of 1", TAINT]),
            ("LA-COL-014", Pass, &[]),
            ("LA-COL-017", Fail, &["Deployment shop/quiet", "fluentbit.io/exclude"]),
            ("LA-COL-021", Fail, &["No input reads it"]),
            ("LA-COL-040", Fail, &["without TLS", "tls is not set"]),
            ("LA-COL-043", Fail, &["storage.type is not set"]),
            ("LA-COL-046", Fail, &["db is not set"]),
        ],
    );
}

#[test]
fn vectors_agent_sends_logs_nowhere() {
    defaults(
        "vector-agent",
        &[
            ("LA-COL-005", Fail, &[TAINT]),
            ("LA-COL-012", Pass, &[]),
            ("LA-COL-013", Fail, &["nothing has kubernetes_logs as an input"]),
            ("LA-COL-014", Status::NotApplicable, &[]),
            ("LA-COL-015", Fail, &["nothing has kubernetes_logs as an input"]),
        ],
    );
}

#[test]
fn the_opentelemetry_collector_collects_no_logs() {
    defaults(
        "otel-collector",
        &[
            ("LA-COL-001", Pass, &[]),
            ("LA-COL-004", Fail, &["0 of 2"]),
            ("LA-COL-010", Fail, &["it mounts nothing"]),
            ("LA-COL-014", Status::NotApplicable, &[]),
        ],
    );
}

#[test]
fn alloy_mounts_no_logs_and_forgets_positions() {
    defaults(
        "alloy",
        &[
            ("LA-COL-010", Fail, &["it mounts nothing"]),
            ("LA-COL-046", Fail, &["--storage.path=/tmp/alloy", "lies in the container itself"]),
        ],
    );
}

#[test]
fn promtails_configuration_in_a_secret_is_unknown() {
    let secret: &[&str] = &["Secret promtail", "--config-for"];
    defaults(
        "promtail",
        &[
            ("LA-COL-010", Pass, &[]),
            ("LA-COL-004", Unknown, secret),
            ("LA-COL-011", Unknown, secret),
            ("LA-COL-012", Unknown, secret),
            ("LA-COL-013", Unknown, secret),
            ("LA-COL-014", Unknown, secret),
            ("LA-COL-040", Unknown, secret),
            ("LA-COL-046", Unknown, secret),
            ("LA-COL-020", Fail, &["/var/log/kubernetes/audit/audit.log of the node is not mounted"]),
        ],
    );
}

#[test]
fn datadogs_logs_are_off() {
    defaults("datadog", &[("LA-COL-004", Fail, &["0 of 2"]), ("LA-COL-010", Fail, &["is not mounted"])]);
    // The folders of logs are mounted once they are switched on; the containers are chosen by a second switch.
    let on = fixture("datadog.yaml").replace("COLLECT_ALL, value: \"true\"", "COLLECT_ALL, value: \"false\"");
    expect("datadog", &on, &[("LA-COL-011", Unknown, &["only pods with an annotation"])]);
}

#[test]
fn aws_for_fluent_bit_honours_exclusion_and_leaves_the_control_plane_out() {
    defaults(
        "aws-for-fluent-bit",
        &[
            ("LA-COL-005", Fail, &[TAINT]),
            ("LA-COL-014", Pass, &[]),
            ("LA-COL-017", Fail, &["Deployment shop/quiet"]),
            ("LA-COL-040", Pass, &[]),
            ("LA-COL-043", Fail, &["storage.type is not set"]),
            ("LA-COL-044", Fail, &["1 retry"]),
        ],
    );
}

#[test]
fn splunks_collector_covers_all_nodes_and_gives_up() {
    defaults(
        "splunk-otel",
        &[
            ("LA-COL-004", Pass, &[]),
            ("LA-COL-014", Pass, &[]),
            ("LA-COL-017", Pass, &["Nobody withdraws"]),
            ("LA-COL-021", Fail, &[]),
            ("LA-COL-041", Pass, &[]),
            ("LA-COL-043", Fail, &["sending_queue.storage is not set"]),
            ("LA-COL-044", Fail, &["300s"]),
            ("LA-COL-046", Pass, &[]),
        ],
    );
    // Pods that withdraw are no thinning of the others.
    let unlimited = fixture("defaults/splunk-otel.yaml").replace("[memory_limiter, ", "[");
    expect("splunk-otel", &unlimited, &[("LA-COL-018", Pass, &[])]);
}

#[test]
fn signoz_leaves_kube_system_out() {
    defaults(
        "signoz-k8s-infra",
        &[
            ("LA-COL-004", Pass, &[]),
            ("LA-COL-014", Pass, &[]),
            ("LA-COL-015", Fail, &["kube-system"]),
            ("LA-COL-016", Fail, &["Not collected: kube-system"]),
            ("LA-COL-046", Fail, &["storage is not set"]),
        ],
    );
}

#[test]
fn cloudwatchs_add_on_ignores_the_annotation() {
    defaults(
        "cloudwatch-addon",
        &[
            ("LA-COL-004", Pass, &[]),
            ("LA-COL-014", Pass, &[]),
            ("LA-COL-017", Pass, &["Nobody withdraws"]),
            ("LA-COL-043", Pass, &[]),
            ("LA-COL-046", Pass, &[]),
        ],
    );
}

/// Files do not prove that the ConfigMap is not there.
#[test]
fn azures_agent_leaves_kube_system_out() {
    let missing: &[&str] = &["the ConfigMap container-azm-ms-agentconfig is not in the input"];
    defaults(
        "azure-monitor",
        &[
            ("LA-COL-004", Unknown, missing),
            ("LA-COL-014", Unknown, missing),
            ("LA-COL-016", Unknown, missing),
        ],
    );
    let text = fixture("defaults/azure-monitor.yaml") + &fixture("defaults/azure-monitor-template.yaml");
    expect(
        "azure-monitor-template",
        &text,
        &[
            ("LA-COL-004", Pass, &[]),
            ("LA-COL-014", Pass, &[]),
            ("LA-COL-015", Fail, &["kube-system"]),
            ("LA-COL-016", Fail, &["Not collected: kube-system"]),
        ],
    );
}
