use proptest::prelude::*;

use super::*;
use crate::analyze::collectors::config::Variable;
use crate::analyze::collectors::model::{Buffer, Pattern, Receiver, Retry, Source};
use crate::analyze::collectors::service::Service;

fn config(text: &str) -> Config {
    Config::of_text("/etc/promtail/promtail.yaml", "ConfigMap m/promtail data[promtail.yaml]", text)
}

fn pipeline(text: &str) -> Pipeline {
    read(&config(text)).unwrap()
}

fn mark(line: usize, column: usize) -> String {
    format!("ConfigMap m/promtail data[promtail.yaml]:{line}:{column}")
}

const PODS: &str = r#"server:
  http_listen_port: 3101
clients:
  - url: http://loki-gateway/loki/api/v1/push
    backoff_config:
      max_retries: 3
  - url: https://logs.example.com/loki/api/v1/push
    basic_auth:
      username: u
    tls_config:
      insecure_skip_verify: true
positions:
  filename: /run/promtail/positions.yaml
scrape_configs:
  - job_name: pods
    pipeline_stages:
      - cri: {}
      - match:
          selector: '{namespace=~"dev|test"}'
          action: drop
      - sampling:
          rate: 0.5
    kubernetes_sd_configs:
      - role: pod
    relabel_configs:
      - source_labels: [__meta_kubernetes_namespace]
        action: drop
        regex: kube-system
      - action: replace
        replacement: /var/log/pods/*$1/*.log
        separator: /
        source_labels: [__meta_kubernetes_pod_uid, __meta_kubernetes_pod_container_name]
        target_label: __path__
      - action: replace
        regex: true/(.*)
        replacement: /var/log/pods/*$1/*.log
        separator: /
        source_labels:
          - __meta_kubernetes_pod_annotationpresent_kubernetes_io_config_hash
          - __meta_kubernetes_pod_annotation_kubernetes_io_config_hash
          - __meta_kubernetes_pod_container_name
        target_label: __path__
"#;

#[test]
fn pods_are_followed_to_all_clients() {
    let pipeline = pipeline(PODS);
    let [input] = pipeline.inputs.as_slice() else { panic!("one input") };
    assert_eq!((input.id.as_str(), &input.at), ("pods", &mark(15, 5)));
    let Source::Files { include, .. } = &input.source else { panic!("files") };
    assert_eq!(include[0].value().unwrap(), "/var/log/pods/*/*/*.log");
    let Some(Fact::Known(position)) = &input.position else { panic!("known") };
    assert_eq!(position.value.as_deref(), Some("/run/promtail/positions.yaml"));
    assert_eq!(position.evidence[0].at, mark(13, 3));
    let [step] = input.steps.as_slice() else { panic!("{:?}", input.steps) };
    assert_eq!(step.at, mark(26, 9));
    let Effect::Namespaces(rule) = &step.effect else { panic!("namespaces") };
    assert_eq!(rule.except[0].pattern, Pattern::Name("kube-system".into()));
    let routes = input.routes.value().unwrap();
    assert_eq!(routes.iter().map(|route| route.output).collect::<Vec<_>>(), [0, 1]);
    assert!(matches!(routes[0].steps[0].effect, Effect::Namespaces(_)));
    assert_eq!((&routes[0].steps[1].effect, &routes[0].steps[1].at), (&Effect::Samples, &mark(21, 9)));
}

#[test]
fn clients_are_read_with_defaults() {
    let [plain, secured] = pipeline(PODS).outputs.try_into().unwrap();
    assert_eq!((plain.receiver, plain.at), (Receiver::Service(Service::Loki), mark(4, 5)));
    assert_eq!(
        (plain.tls.value(), plain.verified, plain.authenticated.value()),
        (Some(&false), None, Some(&false))
    );
    assert_eq!(plain.hosts.value().unwrap(), &["loki-gateway"]);
    assert_eq!(plain.retry.value(), Some(&Retry::Limited("3 retries".into())));
    assert_eq!(plain.buffer.value(), Some(&Buffer::Memory));
    assert_eq!((secured.tls.value(), secured.authenticated.value()), (Some(&true), Some(&true)));
    let Some(Fact::Known(verified)) = secured.verified else { panic!("known") };
    assert_eq!((verified.value, &verified.evidence[0].at), (false, &mark(11, 7)));
    assert_eq!(secured.retry.value(), Some(&Retry::Limited("10 retries".into())));
}

#[test]
fn files_without_clients_go_to_what_is_not_seen() {
    let text = "scrape_configs:\n- job_name: audit\n  static_configs:\n  - labels:\n      __path__: /var/log/audit.log\n  - labels: {job: x}\n";
    let pipeline = pipeline(text);
    let [audit, other] = pipeline.inputs.as_slice() else { panic!("two inputs") };
    let Source::Files { include, .. } = &audit.source else { panic!("files") };
    assert_eq!(include[0].value().unwrap(), "/var/log/audit.log");
    assert_eq!(audit.position.as_ref().unwrap().value(), Some(&Some(POSITIONS.to_owned())));
    assert!(audit.routes.reason().unwrap().contains("-client.url"));
    assert_eq!(other.steps[0].effect, Effect::DropsAll);
}

#[test]
fn the_agent_in_static_mode_is_read() {
    let text = "logs:\n  positions_directory: /tmp/p\n  global:\n    clients:\n    - url: https://logs.grafana.net/x\n  configs:\n  - name: a\n    scrape_configs:\n    - job_name: j\n      journal:\n        path: /var/log/journal\n      relabel_configs:\n      - source_labels: [__journal__systemd_unit]\n        action: keep\n        regex: kubelet.service\n    - job_name: s\n      syslog: {}\n";
    let pipeline = pipeline(text);
    assert_eq!(pipeline.inputs[0].position.as_ref().unwrap().value(), Some(&Some("/tmp/p/a.yml".to_owned())));
    let Source::Journal { only, .. } = &pipeline.inputs[0].source else { panic!("journal") };
    assert_eq!(only[0].value().unwrap(), "the units kubelet.service");
    assert_eq!(pipeline.inputs[1].source.protocol(), Some("syslog"));
    assert_eq!(pipeline.outputs[0].receiver, Receiver::Service(Service::GrafanaCloud));
}

#[test]
fn variables_that_are_not_seen_are_told() {
    let mut config = config("clients:\n- url: ${LOKI_URL}\nscrape_configs:\n- file_sd_configs: []\n");
    config.env.variables.insert("LOKI_URL".into(), Variable::Hidden("from a Secret".into(), "Pod p".into()));
    let pipeline = read(&config).unwrap();
    assert!(pipeline.outputs[0].hosts.reason().unwrap().contains("from a Secret"));
    assert!(pipeline.outputs[0].tls.reason().is_some());
    let Source::Files { include, .. } = &pipeline.inputs[0].source else { panic!("files") };
    assert!(include[0].reason().is_some());
}

#[test]
fn limits_drop_lines() {
    let text = "clients: [{url: http://l}]\nlimits_config:\n  readline_rate_enabled: true\nscrape_configs:\n- static_configs: [{labels: {__path__: /x}}]\n";
    let pipeline = pipeline(text);
    let step = &pipeline.inputs[0].routes.value().unwrap()[0].steps[0];
    assert_eq!((&step.effect, &step.at), (&Effect::Limits, &mark(3, 3)));
}

#[test]
fn broken_texts_are_refused_at_their_line() {
    let refused = read(&config("clients:\n- url: [\nscrape_configs: x: y\n")).unwrap_err();
    assert!(refused.at.starts_with("ConfigMap m/promtail data[promtail.yaml]:3"), "{refused:?}");
    assert!(read(&config("")).is_err());
    assert!(read(&config("a: b")).is_err());
    assert!(read(&config(&"[".repeat(10_000))).is_err());
    assert!(read(&config(&" ".repeat(MAX_BYTES + 1))).is_err());
}

proptest! {
    #[test]
    fn any_text_ends(text in ".{0,300}") {
        let _ = read(&config(&text));
    }

    #[test]
    fn any_lines_end(lines in proptest::collection::vec((0..8_usize, 0..20_usize), 0..40)) {
        const WORDS: [&str; 20] = [
            "clients:", "- url: http://x", "scrape_configs:", "- job_name: a", "static_configs:", "- labels:",
            "__path__: /x", "relabel_configs:", "- action: drop", "regex: '('", "source_labels: [a]",
            "target_label: __path__", "pipeline_stages:", "- match:", "selector: '{'", "stages:", "- drop: {}",
            "logs:", "configs:", "kubernetes_sd_configs: [{role: pod}]",
        ];
        let text: String = lines
            .iter()
            .filter_map(|(indent, word)| Some(format!("{}{}\n", "  ".repeat(*indent), WORDS.get(*word)?)))
            .collect();
        let _ = read(&config(&text));
    }
}

/// Every configuration of the folder in `LOGAUDIT_CORPUS` is read.
#[test]
fn the_corpus_is_read() {
    let Ok(folder) = std::env::var("LOGAUDIT_CORPUS") else { return };
    for entry in std::fs::read_dir(std::path::Path::new(&folder).join("collectors")).unwrap() {
        let Ok(text) = std::fs::read_to_string(entry.unwrap().path()) else { continue };
        let trees = crate::document::yaml::parse(&text).trees;
        let inner = trees.iter().filter_map(|tree| tree.at(&["data", "promtail.yaml"]));
        let mut texts: Vec<String> = inner.filter_map(|data| data.as_str().map(str::to_owned)).collect();
        texts.extend(trees.first().and_then(|tree| tree.at(&["scrape_configs"])).map(|_| text.clone()));
        for text in texts {
            let pipeline = pipeline(&text);
            assert!(!pipeline.inputs.is_empty() && !pipeline.outputs.is_empty());
        }
    }
}

#[test]
fn a_client_of_the_arguments_is_one_more() {
    let mut config =
        config("scrape_configs:\n- job_name: a\n  static_configs:\n  - labels: {__path__: /a.log}\n");
    config.args = vec!["-client.url=https://loki.example.com/loki/api/v1/push".into()];
    config.args_at = "ds.yaml:9:3".into();
    let pipeline = read(&config).unwrap();
    let output = &pipeline.outputs[0];
    assert_eq!((output.id.as_str(), output.at.as_str()), ("-client.url", "ds.yaml:9:3"));
    assert_eq!(
        (output.hosts.value().unwrap()[0].as_str(), output.tls.value()),
        ("loki.example.com", Some(&true))
    );
    assert_eq!(pipeline.inputs[0].routes.value().unwrap().len(), 1);
}
