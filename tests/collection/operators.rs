//! What operators run is judged by the workloads they make of their resources, however those are called.

use logaudit::verdict::Status::{Fail, Pass, Unknown};

use super::{Manifests, fixture};

fn kube_logging() -> String {
    format!("{}\n---\n{}", fixture("kube-logging.yaml").trim_end(), fixture("host-tailer.yaml"))
}

#[test]
fn a_host_tailer_reads_where_its_own_pods_run() {
    let verdict = |text: &str, check: &str| Manifests::run(text).report.verdict(check);
    let whole = Manifests::run(&kube_logging());
    for check in
        ["LA-COL-005", "LA-COL-020", "LA-COL-021", "LA-COL-022", "LA-COL-023", "LA-COL-024", "LA-COL-046"]
    {
        assert_eq!(whole.report.verdict(check), Pass, "{check}: {}", whole.shown(check));
    }
    let unmounted =
        kube_logging().replace("{name: log, mountPath: /var/log}", "{name: log, mountPath: /other}");
    assert_eq!(verdict(&unmounted, "LA-COL-021"), Fail);
    let forgetful = kube_logging().replace("hostPath: {path: /var/pos}", "emptyDir: {}");
    assert_eq!(verdict(&forgetful, "LA-COL-046"), Fail);
    // Neither reads on the control plane what the other does not take up there.
    let absent = kube_logging().replace("- {operator: Exists, effect: NoSchedule}", "[]");
    assert_eq!(verdict(&absent, "LA-COL-005"), Fail);
    let toleration = "- {key: node-role.kubernetes.io/control-plane, operator: Exists, effect: NoSchedule}";
    let alone = kube_logging().replace(toleration, "[]");
    let alone = Manifests::run(&alone);
    let audit = alone.report.of("LA-COL-005").into_iter().find(|one| one.to_string().contains("audit log"));
    let audit = audit.expect("a finding on the audit log").to_string();
    assert!(audit.contains("\"fail\"") && audit.contains("main-fluentbit does not run"), "{audit}");
}

#[test]
fn an_agent_is_found_by_its_own_name() {
    let text = fixture("kube-logging.yaml")
        .replace("name: main-fluentbit\n", "name: nodes-fluentbit\n")
        .replace("kind: FluentbitAgent, name: main}", "kind: FluentbitAgent, name: nodes}")
        .replace(
            "kind: FluentbitAgent\nmetadata: {name: main}",
            "kind: FluentbitAgent\nmetadata: {name: nodes}",
        );
    let named = Manifests::run(&text);
    for check in ["LA-COL-004", "LA-COL-010", "LA-COL-014", "LA-COL-046"] {
        assert_eq!(named.report.verdict(check), Pass, "{check}: {}", named.shown(check));
    }
    let collectors = named.report.of("LA-COL-046");
    assert!(collectors.iter().all(|one| one.to_string().contains("nodes-fluentbit")), "{collectors:#?}");
}

/// A collector that sends to the Service `agg`, and programs that may be behind it.
fn hop(programs: &[(&str, &str)]) -> String {
    let workload = |kind: &str, name: &str, image: &str, folder: &str| {
        format!(
            "apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: {name}, namespace: logging}}\nspec:\n  selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec:\n      tolerations: [{{operator: Exists}}]\n      containers:\n        - name: c\n          image: {image}\n          volumeMounts: [{{name: c, mountPath: {folder}}}, {{name: v, mountPath: /var/log}}]\n      volumes: [{{name: c, configMap: {{name: {name}}}}}, {{name: v, hostPath: {{path: /var/log}}}}]\n---\n"
        )
    };
    let config = |name: &str, key: &str, text: &str| {
        let text = text.replace('\n', "\n    ");
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: logging}}\ndata:\n  {key}: |\n    {text}\n---\n"
        )
    };
    let agent = "[INPUT]\n    Name tail\n    Path /var/log/kubernetes/audit/*.log\n    Tag audit\n[OUTPUT]\n    Name forward\n    Match *\n    Host agg\n    Port 24224";
    let mut text = workload("DaemonSet", "agent", "fluent/fluent-bit:4.0", "/fluent-bit/etc");
    text += &config("agent", "fluent-bit.conf", agent);
    for (name, to) in programs {
        text += &workload("Deployment", name, "fluent/fluentd:v1.17", "/fluentd/etc");
        let fluentd = format!("<source>\n  @type forward\n</source>\n<match **>\n  @type {to}\n</match>");
        text += &config(name, "fluent.conf", &fluentd);
    }
    text.trim_end_matches("---\n").to_owned()
}

#[test]
fn what_stands_behind_a_service_is_told_by_its_exact_name() {
    let search = "elasticsearch\n  host logs.example.com\n  scheme https";
    let verdict = |programs: &[(&str, &str)]| Manifests::run(&hop(programs)).report.verdict("LA-COL-024");
    assert_eq!(verdict(&[("agg", search)]), Pass);
    assert_eq!(verdict(&[("agg-canary", search), ("agg", "null")]), Fail);
    assert_eq!(verdict(&[("agg-canary", search)]), Unknown);
}
