use proptest::prelude::*;

use super::*;
use crate::analyze::collectors::config::Variable;
use crate::analyze::collectors::model::{
    Buffer, Effect, Input, NamespaceRule, Output, Pattern, Receiver, Retry, Source, WhenFull,
};
use crate::analyze::collectors::service::Service;

fn config(text: &str) -> Config {
    Config::of_text("/etc/alloy/config.alloy", "ConfigMap m/alloy data[config.alloy]", text)
}

fn pipeline(text: &str) -> Pipeline {
    read(&config(text)).unwrap()
}

/// The place of a line.
fn line(number: usize) -> String {
    format!("ConfigMap m/alloy data[config.alloy]:{number}")
}

fn input(text: &str) -> Input {
    pipeline(text).inputs.remove(0)
}

fn output(text: &str) -> Output {
    pipeline(text).outputs.remove(0)
}

fn paths(input: &Input) -> Vec<String> {
    let Source::Files { include, .. } = &input.source else { panic!("files") };
    include.iter().map(|glob| glob.value().unwrap().clone()).collect()
}

fn whats(input: &Input) -> Vec<(String, String)> {
    let routes = input.routes.value().unwrap();
    let steps = input.steps.iter().chain(routes.iter().flat_map(|route| &route.steps));
    steps.map(|step| (step.at.clone(), step.what.clone())).collect()
}

const WRITE: &str = r#"
loki.write "out" {
  endpoint {
    url = "https://loki.example.com/loki/api/v1/push"
    bearer_token_file = "/run/token"
  }
}
"#;

#[test]
fn an_audit_log_is_followed_to_loki() {
    let text = r#"
local.file_match "audit" {
  path_targets = [{ __path__ = "/var/log/kubernetes/audit/*.log", __path_exclude__ = "/var/log/*.gz" }]
}
loki.source.file "audit" {
  targets    = local.file_match.audit.targets
  forward_to = [loki.process.main.receiver] // to the process
}
loki.process "main" {
  stage.cri {}
  stage.replace {
    expression = "token=(\\S+)"
  }
  forward_to = [loki.write.out.receiver]
}
"#;
    let pipeline = pipeline(&format!("{text}{WRITE}"));
    let [input] = pipeline.inputs.as_slice() else { panic!("one input") };
    assert_eq!((input.id.as_str(), &input.at), ("loki.source.file.audit", &line(5)));
    assert_eq!(paths(input), ["/var/log/kubernetes/audit/*.log"]);
    assert_eq!(input.position.as_ref().unwrap().reason(), Some(STORAGE_PATH_REASON));
    let mut started = Config::of_text("/etc/alloy/config.alloy", "cm", &format!("{text}{WRITE}"));
    started.args = vec!["run".into(), "--storage.path=/var/lib/alloy".into()];
    let stored = read(&started).unwrap().inputs[0].position.clone().unwrap();
    assert_eq!(stored.value().unwrap().as_deref(), Some("/var/lib/alloy"));
    let [route] = input.routes.value().unwrap().as_slice() else { panic!("one route") };
    assert_eq!((route.output, &route.steps[0].effect, &route.steps[0].at), (0, &Effect::Redacts, &line(11)));
    let output = &pipeline.outputs[0];
    assert_eq!(output.at, line(18));
    assert_eq!(output.receiver, Receiver::Service(Service::Loki));
    assert_eq!(output.hosts.value().unwrap(), &["loki.example.com"]);
    assert_eq!((output.tls.value(), output.authenticated.value()), (Some(&true), Some(&true)));
    assert_eq!(output.verified.as_ref().unwrap().value(), Some(&true));
    assert_eq!(output.buffer.value(), Some(&Buffer::Memory));
    assert_eq!(output.retry.value(), Some(&Retry::Limited("10 retries".into())));
    assert_eq!(output.when_full.value(), Some(&WhenFull::Waits));
}

#[test]
fn positions_and_the_log_before_sending_lie_below_the_storage_path() {
    let text = "loki.source.journal \"j\" {\n forward_to = [loki.write.o.receiver]\n}\nloki.write \"o\" {\n endpoint {\n  url = \"https://x.example\"\n }\n wal {\n  enabled = true\n }\n}";
    let mut config = config(text);
    config.args = vec!["run".into(), "--storage.path=/data".into()];
    config.args_places = vec!["a".into(), "b".into()];
    let pipeline = read(&config).unwrap();
    let Some(Fact::Known(position)) = &pipeline.inputs[0].position else { panic!() };
    assert_eq!((position.value.as_deref(), position.evidence[0].at.as_str()), (Some("/data"), "b"));
    assert_eq!(pipeline.outputs[0].buffer.value(), Some(&Buffer::Disk(Some("/data".into()))));
}

#[test]
fn settings_of_loki_write_are_read_with_their_places() {
    let output = output(
        r#"loki.write "out" {
  endpoint {
    url = "http://user:pass@loki.logging.svc:3100/loki/api/v1/push"
    max_backoff_retries = 0
    queue_config {
      block_on_overflow = false
    }
  }
  endpoint {
    url = "https://logs-prod-1.grafana.net/loki/api/v1/push"
    tls_config {
      insecure_skip_verify = true
    }
  }
  wal {
    enabled = true
  }
}"#,
    );
    assert_eq!(output.id, "loki.write.out/0");
    assert_eq!((output.tls.value(), &output.verified), (Some(&false), &None));
    assert_eq!(output.hosts.value().unwrap(), &["loki.logging.svc:3100"]);
    assert_eq!(output.authenticated.value(), Some(&true));
    assert_eq!(output.retry.value(), Some(&Retry::Forever));
    assert_eq!(output.when_full.value(), Some(&WhenFull::Drops));
    assert_eq!(output.buffer.value(), Some(&Buffer::Disk(None)));
    assert!(!format!("{output:?}").contains("pass@"));
}

#[test]
fn verification_can_be_off() {
    let text = "loki.write \"o\" {\n endpoint {\n url = \"https://l:1/\"\n tls_config {\n insecure_skip_verify = true\n}\n}\n}";
    let Some(Fact::Known(verified)) = output(text).verified else { panic!("known") };
    assert_eq!((verified.value, &verified.evidence[0].at), (false, &line(5)));
}

#[test]
fn pods_are_found_and_left_out_by_relabelling() {
    let text = r#"
discovery.kubernetes "pods" {
  role = "pod"
  selectors {
    role = "pod"
    field = "spec.nodeName=" + sys.env("HOSTNAME")
  }
}
discovery.relabel "pods" {
  targets = discovery.kubernetes.pods.targets
  rule {
    source_labels = ["__meta_kubernetes_namespace"]
    target_label  = "namespace"
  }
  rule {
    source_labels = ["namespace"]
    regex         = "kube-system|istio-.*"
    action        = "drop"
  }
  rule {
    source_labels = ["__meta_kubernetes_pod_annotation_k8s_grafana_com_logs_autogather"]
    regex         = "false"
    action        = "drop"
  }
  rule {
    source_labels = ["__meta_kubernetes_pod_uid", "__meta_kubernetes_pod_container_name"]
    separator     = "/"
    replacement   = "/var/log/pods/*$1/*.log"
    target_label  = "__path__"
  }
}
local.file_match "pods" { path_targets = discovery.relabel.pods.output }
loki.source.file "pods" {
  targets    = local.file_match.pods.targets
  forward_to = [loki.write.out.receiver]
}
"#;
    let input = input(&format!("{text}{WRITE}"));
    assert_eq!(paths(&input), ["/var/log/pods/*/*/*.log"]);
    let opt_out = &input.opt_outs[0];
    assert_eq!((opt_out.key.as_str(), opt_out.value.as_str()), ("k8s.grafana.com/logs.autogather", "false"));
    let Effect::Namespaces(NamespaceRule { only: None, except }) = &input.steps[0].effect else {
        panic!("{input:?}")
    };
    let patterns: Vec<&Pattern> = except.iter().map(|item| &item.pattern).collect();
    assert_eq!(patterns, [&Pattern::Name("kube-system".into()), &Pattern::Glob("istio-*".into())]);
    assert_eq!(except[0].at, line(15));
    // Without a rule for mirror pods those of the control plane are not found.
    assert_eq!((input.steps[1].effect.clone(), &input.steps[1].at), (Effect::Selects, &line(25)));
}

#[test]
fn targets_through_the_api_keep_their_limits() {
    let text = r#"
discovery.kubernetes "pods" {
  role = "pod"
  namespaces {
    names = ["prod"]
  }
}
loki.source.kubernetes "pods" {
  targets    = discovery.kubernetes.pods.targets
  forward_to = [loki.write.out.receiver]
}
"#;
    let input = input(&format!("{text}{WRITE}"));
    let Source::Containers { through_api: true, namespaces, only: None, .. } = &input.source else {
        panic!()
    };
    assert_eq!(namespaces.only.as_ref().unwrap()[0].at, line(5));
    assert!(input.steps.is_empty());
}

#[test]
fn custom_components_are_looked_into() {
    let text = r#"
declare "logs" {
  argument "to" { }
  argument "folder" {
    optional = true
    default  = "/var/log/pods"
  }
  local.file_match "all" {
    path_targets = [{ __path__ = argument.folder.value + "/**/*.log" }]
  }
  loki.source.file "all" {
    targets    = local.file_match.all.targets
    forward_to = argument.to.value
  }
  export "receiver" { value = loki.process.in.receiver }
  loki.process "in" { forward_to = argument.to.value }
}
logs "feature" { to = [loki.write.out.receiver] }
loki.source.api "push" { forward_to = [logs.feature.receiver] }
"#;
    let pipeline = pipeline(&format!("{text}{WRITE}"));
    let ids: Vec<&str> = pipeline.inputs.iter().map(|input| input.id.as_str()).collect();
    assert_eq!(ids, ["logs.feature/loki.source.file.all", "loki.source.api.push"]);
    assert_eq!(paths(&pipeline.inputs[0]), ["/var/log/pods/**/*.log"]);
    assert!(pipeline.inputs.iter().all(|input| input.routes.value().unwrap().len() == 1));
    assert!(pipeline.unread.is_empty());
}

#[test]
fn stages_that_take_lines_away_are_told() {
    let text = r#"loki.source.journal "j" { forward_to = [loki.process.p.receiver] }
loki.process "p" {
  stage.drop { older_than = "24h" }
  stage.sampling { rate = 0.25 }
  stage.limit {
    rate = 5
    burst = 10
    drop = true
  }
  stage.match {
    selector = "{namespace=\"kube-system\"}"
    action   = "drop"
  }
  stage.future { }
  forward_to = [loki.secretfilter.s.receiver]
}
loki.secretfilter "s" { forward_to = [loki.write.out.receiver] }"#;
    let input = input(&format!("{text}{WRITE}"));
    let route = &input.routes.value().unwrap()[0];
    let effects: Vec<&Effect> = route.steps.iter().map(|step| &step.effect).collect();
    assert!(matches!(
        effects.as_slice(),
        [
            Effect::DropsSome,
            Effect::Samples,
            Effect::Limits,
            Effect::Namespaces(_),
            Effect::Unclear,
            Effect::Redacts
        ]
    ));
    assert_eq!(whats(&input)[3].0, line(10));
}

#[test]
fn gates_on_labels_that_are_set_on_the_way_are_computed() {
    let text = r#"
loki.source.api "in" { forward_to = [loki.process.stamp.receiver] }
loki.process "stamp" {
  stage.static_labels { values = { to = "loki" } }
  forward_to = [loki.relabel.open.receiver, loki.relabel.shut.receiver]
}
loki.relabel "open" {
  rule {
    source_labels = ["to"]
    regex = "(^|.*,)loki(,.*|$)"
    action = "keep"
  }
  forward_to = [loki.write.out.receiver]
}
loki.relabel "shut" {
  rule {
    source_labels = ["to"]
    regex = "other"
    action = "keep"
  }
  forward_to = [loki.echo.here.receiver]
}
loki.echo "here" { }
"#;
    let pipeline = pipeline(&format!("{text}{WRITE}"));
    let routes = pipeline.inputs[0].routes.value().unwrap();
    assert!(routes[0].steps.is_empty());
    assert_eq!((&routes[1].steps[0].effect, &routes[1].steps[0].at), (&Effect::DropsAll, &line(16)));
    assert_eq!(pipeline.outputs[routes[1].output].receiver, Receiver::Console);
}

#[test]
fn wildcards_that_nothing_expands_read_nothing() {
    let text = r#"loki.source.file "f" {
  targets    = [{__path__ = "/var/log/*.log"}]
  forward_to = []
}"#;
    let input = input(text);
    assert_eq!((&input.steps[0].effect, &input.steps[0].at), (&Effect::DropsAll, &line(2)));
    let Fact::Known(routes) = &input.routes else { panic!("known") };
    assert!(routes.value.is_empty() && routes.evidence[0].at == line(1));
}

#[test]
fn what_is_not_seen_is_told() {
    let mut config = config(
        r#"remotecfg { url = "https://fleet.example.com" }
import.git "lib" { repository = "x" }
lib.thing "a" { }
loki.source.file "f" {
  targets = [{__path__ = sys.env("AUDIT_LOG")}]
  forward_to = [lib.thing.a.receiver]
}
loki.write "o" {
  endpoint { url = sys.env("URL") }
}"#,
    );
    let hidden = Variable::Hidden("from the Secret s".into(), "Pod x".into());
    config.env.variables.insert("URL".into(), hidden.clone());
    config.env.variables.insert("AUDIT_LOG".into(), hidden);
    let pipeline = read(&config).unwrap();
    let places: Vec<&str> = pipeline.unread.iter().map(|unread| unread.at.as_str()).collect();
    assert_eq!(places, [line(1), line(2), line(3)]);
    let Source::Files { include, .. } = &pipeline.inputs[0].source else { panic!("files") };
    assert!(include[0].reason().unwrap().contains("from the Secret s"));
    assert!(pipeline.inputs[0].routes.reason().is_some());
    assert!(pipeline.outputs[0].hosts.reason().is_some() && pipeline.outputs[0].tls.reason().is_some());
}

#[test]
fn receivers_that_do_not_exist_are_not_taken_for_none() {
    let input = input("loki.source.api \"a\" { forward_to = [loki.write.gone.receiver] }");
    assert!(input.routes.reason().unwrap().contains("loki.write.gone.receiver is not in this configuration"));
}

#[test]
fn opentelemetry_components_are_followed() {
    let text = r#"
otelcol.receiver.filelog "pods" {
  include = ["/var/log/pods/*/*/*.log"]
  exclude = ["/var/log/pods/kube-system_*/*/*.log"]
  output {
    logs = [otelcol.processor.filter.f.input]
  }
}
otelcol.processor.filter "f" {
  logs {
    log_record = [`resource.attributes["k8s.namespace.name"] == "dev"`, `severity_number < 9`]
  }
  output {
    logs = [otelcol.exporter.otlp.o.input]
  }
}
otelcol.exporter.otlp "o" {
  client {
    endpoint = "otel.example.com:4317"
    tls {
      insecure = true
    }
  }
}
otelcol.receiver.otlp "metrics" {
  output {
    metrics = [otelcol.exporter.otlp.o.input]
  }
}
"#;
    let pipeline = pipeline(text);
    let [input] = pipeline.inputs.as_slice() else { panic!("one input") };
    assert_eq!(input.position.as_ref().unwrap().value(), Some(&None));
    let steps = &input.routes.value().unwrap()[0].steps;
    assert!(matches!(steps[0].effect, Effect::Namespaces(_)) && steps[1].effect == Effect::DropsSome);
    let output = &pipeline.outputs[0];
    assert_eq!(output.receiver, Receiver::Collector("otlp".into()));
    let Fact::Known(tls) = &output.tls else { panic!("known") };
    assert_eq!((tls.value, &tls.evidence[0].at), (false, &line(21)));
    assert_eq!(output.retry.value(), Some(&Retry::Limited("5m".into())));
    assert_eq!(output.when_full.value(), Some(&WhenFull::Drops));
}

#[test]
fn broken_texts_are_refused_at_their_line() {
    for (text, number) in [
        ("loki.write \"a\" {\n  endpoint {\n", 2),
        ("a {\n}\n}", 3),
        ("a {\n  b = \n}", 3),
        ("a {\n  b = \"x\n}", 2),
        ("a {\n  b = 1 c = 2\n}", 2),
        ("/* a", 1),
        ("a = `x", 1),
        ("a {\n b = 1\n b = 2\n}", 3),
    ] {
        let refused = read(&config(text)).unwrap_err();
        assert_eq!(refused.at, line(number), "{text}: {refused:?}");
    }
}

#[test]
fn hostile_texts_come_to_an_end() {
    let deep = |open: &str| format!("a {{ b = {} }}", open.repeat(10_000));
    for text in [deep("["), deep("!"), deep("("), deep("{a="), deep("a("), "a { ".repeat(10_000)] {
        assert!(read(&config(&text)).is_err());
    }
    for one in ["a", "[", "\"", "`", "/", "\n", "{", "1", ".", "=", "é"] {
        let _ = read(&config(&one.repeat(MAX_BYTES / one.len())));
    }
    assert!(read(&config(&" ".repeat(MAX_BYTES + 1))).is_err());
    assert!(read(&config(&format!("a {{ b = {}1 }}", "1+".repeat(100_000)))).is_err());
    // Custom components inside themselves, and exports that double.
    let _ = pipeline("declare \"a\" {\n a \"x\" { }\n a \"y\" { }\n}\na \"z\" { }");
    let mut text = "declare \"d\" {\n argument \"v\" { }\n export \"o\" { value = argument.v.value + argument.v.value }\n}\nd \"x0\" { v = \"aa\" }\n".to_owned();
    for index in 1..60 {
        text.push_str(&format!("d \"x{index}\" {{ v = d.x{}.o }}\n", index - 1));
    }
    text.push_str("loki.write \"w\" {\n endpoint { url = d.x59.o }\n}");
    assert!(pipeline(&text).outputs[0].hosts.reason().is_some());
    // Components in a ring, and a net with too many ways.
    let mut net = "loki.source.api \"s\" { forward_to = [loki.process.p0.receiver] }\n".to_owned();
    for index in 0..40 {
        let to = |other: usize| format!("loki.process.p{}.receiver", (index + other) % 40);
        net.push_str(&format!("loki.process \"p{index}\" {{ forward_to = [{}, {}] }}\n", to(1), to(2)));
    }
    assert!(input(&net).routes.reason().is_some());
}

proptest! {
    #[test]
    fn any_text_ends(text in ".{0,400}") {
        let _ = read(&config(&text));
    }

    #[test]
    fn any_words_end(words in proptest::collection::vec(0..24_usize, 0..80)) {
        const WORDS: [&str; 24] = [
            "loki.write \"a\" {", "}", "\n", "forward_to = [", "]", "loki.write.a.receiver", ",", "endpoint {",
            "url = \"https://x\"", "loki.process \"b\" {", "loki.process.b.receiver", "stage.drop {",
            "declare \"c\" {", "c \"d\" {", "argument \"e\" {", "argument.e.value", "=", "+", "sys.env(", ")",
            "loki.source.file \"f\" {", "targets = ", "{__path__ = \"/x\"}", "`raw`",
        ];
        let words: Vec<&str> = words.iter().filter_map(|index| WORDS.get(*index).copied()).collect();
        let text = words.join(" ");
        let _ = read(&config(&text));
    }
}

/// Every configuration of the folder in `LOGAUDIT_CORPUS` is read.
#[test]
fn the_corpus_is_read() {
    let Ok(folder) = std::env::var("LOGAUDIT_CORPUS") else { return };
    for entry in std::fs::read_dir(std::path::Path::new(&folder).join("collectors")).unwrap() {
        let Ok(text) = std::fs::read_to_string(entry.unwrap().path()) else { continue };
        for tree in crate::document::yaml::parse(&text).trees {
            let Some(data) = tree.at(&["data", "config.alloy"]) else { continue };
            let pipeline = pipeline(data.as_str().unwrap());
            assert!(pipeline.unread.is_empty());
            assert!(pipeline.inputs.iter().all(|input| !input.routes.value().unwrap().is_empty()));
        }
    }
}
