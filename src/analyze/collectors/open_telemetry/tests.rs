use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::analyze::collectors::config::{File, Hidden, Variable};
use crate::analyze::collectors::model::{
    Buffer, Effect, Input, Output, Pattern, Receiver, Retry, Source, WhenFull,
};
use crate::analyze::collectors::service::Service;

const AT: &str = "ConfigMap logs/otel data[relay]";

fn of(text: &str) -> Result<Pipeline, Unreadable> {
    read(&Config::of_text("/conf/relay.yaml", AT, text))
}

const CHAIN: &str = r#"receivers:
  file_log/audit:
    include: [/var/log/kubernetes/audit/*.log]
    exclude: [/var/log/kubernetes/audit/old-*.log]
    storage: file_storage/pos
    retry_on_failure: {enabled: true}
    operators:
      - type: json_parser
extensions:
  file_storage/pos:
    directory: /var/lib/otel
  file_storage/queue: {}
processors:
  memory_limiter: {check_interval: 1s}
  batch:
exporters:
  otlp:
    endpoint: gateway.logs.svc:4317
    headers: {authorization: "Bearer REDACTED"}
    retry_on_failure: {max_elapsed_time: 0}
    sending_queue: {storage: file_storage/queue, block_on_overflow: true}
service:
  extensions: [file_storage/pos, file_storage/queue]
  pipelines:
    logs/audit:
      receivers: [file_log/audit]
      processors: [memory_limiter, batch]
      exporters: [otlp]
"#;

fn at<T>(fact: &Fact<T>) -> (&T, &str) {
    let Fact::Known(known) = fact else { panic!("{:?}", fact.reason()) };
    (&known.value, known.evidence.first().map_or("", |one| one.at.as_str()))
}

fn place(line: usize, column: usize) -> String {
    format!("{AT}:{line}:{column}")
}

#[test]
fn a_whole_chain_is_proven() {
    let pipeline = of(CHAIN).unwrap();
    let [Input { id, source, position, steps, routes, .. }] = pipeline.inputs.as_slice() else { panic!() };
    assert_eq!((id.as_str(), steps.len()), ("file_log/audit", 0));
    let Source::Files { include, exclude } = source else { panic!() };
    assert_eq!(at(&include[0]), (&"/var/log/kubernetes/audit/*.log".to_owned(), &*place(3, 15)));
    assert_eq!(exclude[0].value().unwrap(), "/var/log/kubernetes/audit/old-*.log");
    assert_eq!(at(position.as_ref().unwrap()), (&Some("/var/lib/otel".to_owned()), &*place(11, 5)));
    let (routes, from) = at(routes);
    assert_eq!((routes.len(), routes[0].output, routes[0].steps.len(), from), (1, 0, 0, &*place(25, 5)));
    let [Output { receiver, hosts, tls, verified, authenticated, buffer, retry, when_full, .. }] =
        pipeline.outputs.as_slice()
    else {
        panic!()
    };
    assert_eq!(*receiver, Receiver::Collector("otlp".into()));
    assert_eq!(at(hosts), (&vec!["gateway.logs.svc:4317".to_owned()], &*place(18, 5)));
    assert_eq!(at(tls), (&true, &*place(17, 3)));
    assert_eq!(at(verified.as_ref().unwrap()).0, &true);
    assert_eq!(at(authenticated), (&true, &*place(19, 15)));
    assert!(!format!("{authenticated:?}").contains("Bearer"));
    assert_eq!(at(buffer), (&Buffer::Disk(Some("/var/lib/otelcol/file_storage".into())), &*place(21, 21)));
    assert_eq!(at(retry).0, &Retry::Forever);
    assert_eq!(at(when_full).0, &WhenFull::Waits);
    assert_eq!((pipeline.own_metrics.as_ref().unwrap().value(), pipeline.unread.len()), (Some(&true), 0));
}

#[test]
fn what_is_missing_is_told() {
    let text = CHAIN
        .replace("    storage: file_storage/pos\n", "")
        .replace("    retry_on_failure: {enabled: true}\n", "")
        .replace("json_parser", "filter")
        .replace("{max_elapsed_time: 0}", "{enabled: false}")
        .replace("{storage: file_storage/queue, block_on_overflow: true}", "{}")
        .replace(
            "    headers: {authorization: \"Bearer REDACTED\"}\n",
            "    tls: {insecure_skip_verify: true}\n",
        );
    let pipeline = of(&text).unwrap();
    let input = &pipeline.inputs[0];
    assert_eq!(at(input.position.as_ref().unwrap()), (&None, &*place(2, 3)));
    assert_eq!((&input.steps[0].effect, input.steps[0].at.as_str()), (&Effect::DropsSome, &*place(6, 9)));
    assert_eq!(input.routes.value().unwrap()[0].steps[0].effect, Effect::Limits);
    let output = &pipeline.outputs[0];
    assert_eq!(at(output.verified.as_ref().unwrap()), (&false, &*place(17, 11)));
    assert_eq!(at(&output.authenticated), (&false, &*place(15, 3)));
    assert_eq!(at(&output.retry).0, &Retry::Never);
    assert_eq!(at(&output.buffer).0, &Buffer::Memory);
    assert_eq!(at(&output.when_full).0, &WhenFull::Drops);
}

fn simple(processors: &str, chain: &str) -> Pipeline {
    of(&format!(
        "receivers: {{filelog: {{include: [/a]}}}}\nexporters: {{nop: }}\nprocessors:\n{processors}\nservice: \
         {{pipelines: {{logs: {{receivers: [filelog], processors: [{chain}], exporters: [nop]}}}}}}\n"
    ))
    .unwrap()
}

fn effects(processors: &str, chain: &str) -> Vec<Effect> {
    let pipeline = simple(processors, chain);
    pipeline.inputs[0].routes.value().unwrap()[0].steps.iter().map(|step| step.effect.clone()).collect()
}

#[test]
fn processors_drop_sample_and_mask() {
    let filter = r#"  filter/x: {log_conditions: ['resource.attributes["k8s.namespace.name"] == "kube-system"', 'log.severity_number < 9']}"#;
    let found = effects(filter, "filter/x");
    let Effect::Namespaces(rule) = &found[0] else { panic!() };
    assert_eq!(
        (rule.except[0].pattern.clone(), &found[1]),
        (Pattern::Name("kube-system".into()), &Effect::DropsSome)
    );
    assert_eq!(
        effects("  probabilistic_sampler: {sampling_percentage: 15}", "probabilistic_sampler"),
        [Effect::Samples]
    );
    assert_eq!(effects("  probabilistic_sampler: {sampling_percentage: 100}", "probabilistic_sampler"), []);
    assert_eq!(effects("  probabilistic_sampler:", "probabilistic_sampler"), [Effect::DropsAll]);
    assert_eq!(effects("  filter: {metrics: {metric: ['true']}}", "filter"), []);
    assert_eq!(effects("  mystery:", "mystery"), [Effect::Unclear]);
    assert_eq!(effects("  redaction:", "redaction"), [Effect::Redacts]);
    let transform =
        r#"  transform: {log_statements: ['replace_pattern(body, "a", "b")', 'set(attributes["a"], 1)']}"#;
    assert_eq!(effects(transform, "transform"), [Effect::Redacts]);
    assert_eq!(
        effects("  resource: {attributes: [{key: splunk.com/exclude, action: delete}]}", "resource"),
        []
    );
    assert_eq!(
        effects("  attributes: {actions: [{key: user.email, action: hash}]}", "attributes"),
        [Effect::Redacts]
    );
}

#[test]
fn markers_behind_attributes_are_ways_out() {
    let processors = r#"
  k8s_attributes:
    extract:
      annotations:
        - {from: namespace, key: splunk.com/exclude, tag_name: splunk.com/exclude}
        - {from: pod, key: splunk.com/exclude, tag_name: splunk.com/exclude}
  filter/logs:
    logs:
      exclude:
        match_type: strict
        resource_attributes: [{key: splunk.com/exclude, value: "true"}]"#;
    let pipeline = simple(processors, "k8s_attributes, filter/logs");
    let [way] = pipeline.inputs[0].opt_outs.as_slice() else { panic!() };
    assert_eq!(
        (way.key.as_str(), way.value.as_str(), way.on_namespaces),
        ("splunk.com/exclude", "true", true)
    );
    assert_eq!(at(&way.honoured).0, &true);
    assert!(pipeline.inputs[0].routes.value().unwrap()[0].steps.is_empty());
    let alone = simple(processors, "filter/logs");
    assert_eq!(alone.inputs[0].routes.value().unwrap()[0].steps[0].effect, Effect::DropsSome);
}

#[test]
fn connectors_link_pipelines() {
    let text = r#"
receivers: {otlp: , journald: {directory: /var/log/journal, units: [kubelet]}}
connectors:
  forward:
  count:
  routing:
    table:
      - {condition: 'attributes["k8s.namespace.name"] == "prod"', pipelines: [logs/prod]}
    default_pipelines: [logs/rest]
exporters: {loki: {endpoint: 'http://loki.logs:3100/loki/api/v1/push'}, debug: }
service:
  pipelines:
    logs/in: {receivers: [otlp, journald], exporters: [forward, count]}
    logs/route: {receivers: [forward], exporters: [routing]}
    logs/prod: {receivers: [routing], exporters: [loki]}
    logs/rest: {receivers: [routing], exporters: [debug]}
    metrics: {receivers: [count], exporters: [debug]}
"#;
    let pipeline = of(text).unwrap();
    let routes = pipeline.inputs[1].routes.value().unwrap();
    let ids: Vec<_> = routes.iter().map(|route| pipeline.outputs[route.output].id.as_str()).collect();
    assert_eq!(ids, ["loki", "debug"]);
    assert!(matches!(routes[0].steps[0].effect, Effect::Namespaces(_)));
    assert_eq!(routes[1].steps[0].effect, Effect::DropsSome);
    assert_eq!(pipeline.outputs[0].tls.value(), Some(&false));
    assert_eq!(pipeline.outputs[0].verified, None);
    assert_eq!(pipeline.outputs[0].hosts.value().unwrap(), &["loki.logs:3100"]);
    let Source::Journal { folder, only } = &pipeline.inputs[1].source else { panic!() };
    assert_eq!((folder.as_ref().unwrap().value().unwrap().as_str(), only.len()), ("/var/log/journal", 1));
    let dead = text.replace("receivers: [forward], exporters", "receivers: [otlp], exporters");
    let dead = of(&dead).unwrap();
    assert_eq!(dead.inputs[1].routes.value(), Some(&Vec::new()));
    assert_eq!(at(&dead.inputs[1].routes).1, place(13, 5));
}

#[test]
fn exporters_are_known_by_protocol_and_host() {
    let text = |exporter: &str| {
        let id = exporter.split(':').next().unwrap().to_owned();
        format!(
            "receivers: {{otlp: }}\nexporters:\n  {exporter}\nservice: {{pipelines: {{logs: {{receivers: [otlp], \
             exporters: [{id}]}}}}}}\n"
        )
    };
    let one = |exporter: &str| of(&text(exporter)).unwrap().outputs.remove(0);
    let insecure = one("otlp: {endpoint: 'http://x:4317', tls: {insecure: true}}");
    assert_eq!((insecure.tls.value(), insecure.verified), (Some(&false), None));
    assert_eq!(one("otlp: {endpoint: 'https://x:4317', tls: {insecure: true}}").tls.value(), Some(&true));
    let newrelic = one("otlphttp: {endpoint: 'https://otlp.nr-data.net', headers: {api-key: REDACTED}}");
    assert_eq!(newrelic.receiver, Receiver::Service(Service::NewRelic));
    assert_eq!((newrelic.tls.value(), newrelic.authenticated.value()), (Some(&true), Some(&true)));
    let loki = one("otlphttp/loki: {endpoint: 'http://loki-gateway.logs.svc/otlp'}");
    assert_eq!((loki.receiver, loki.tls.value()), (Receiver::Service(Service::Loki), Some(&false)));
    let kafka = one("kafka: {brokers: ['a:9092', 'b:9092']}");
    assert_eq!((kafka.hosts.value().unwrap().len(), kafka.tls.value()), (2, Some(&false)));
    assert_eq!(one("kafka: {brokers: [a], tls: {}}").tls.value(), Some(&true));
    let syslog = one("syslog: {endpoint: siem, port: 514, network: udp}");
    assert_eq!((syslog.receiver, syslog.tls.value()), (Receiver::Syslog("udp".into()), Some(&false)));
    assert_eq!(syslog.hosts.value().unwrap(), &["siem:514"]);
    let elastic = one("elasticsearch: {endpoints: ['https://u:p@es:9200'], retry: {max_retries: 4}}");
    assert!(*elastic.authenticated.value().unwrap() && !format!("{elastic:?}").contains("u:p"));
    assert_eq!(one("awscloudwatchlogs: {region: eu-west-1}").tls.value(), Some(&true));
    assert_eq!(one("mystery: {endpoint: x}").tls.value(), None);
}

#[test]
fn variables_and_files_that_are_not_seen_leave_values_unknown() {
    let mut config =
        Config::of_text("/conf/relay.yaml", AT, &CHAIN.replace("gateway.logs.svc:4317", "${env:TARGET}"));
    let hidden = Variable::Hidden("from the Secret s".into(), "DaemonSet logs/otel".into());
    config.env.variables.insert("TARGET".into(), hidden);
    let pipeline = read(&config).unwrap();
    assert!(pipeline.outputs[0].hosts.reason().unwrap().contains("from the Secret s"));
    config.env.variables.insert("TARGET".into(), Variable::Seen("https://a:1".into(), "x".into()));
    assert_eq!(read(&config).unwrap().outputs[0].hosts.value().unwrap(), &["a:1"]);

    let mut config = Config::of_text(
        "/conf/relay.yaml",
        AT,
        &CHAIN.replace("[file_log/audit]\n      processors", "${file:/etc/extra.yaml}\n      processors"),
    );
    config.hidden = vec![Hidden { path: "/etc".into(), why: "from the Secret t".into() }];
    let pipeline = read(&config).unwrap();
    assert_eq!((pipeline.unread[0].at.as_str(), pipeline.inputs.len()), (&*place(26, 7), 0));
    config.files.push(File {
        path: "/etc/extra.yaml".into(),
        at: "y".into(),
        text: "[file_log/audit]\n".into(),
    });
    assert_eq!(read(&config).unwrap().inputs.len(), 1);
}

#[test]
fn several_files_are_laid_over_each_other() {
    let mut config = Config::of_text("/conf/relay.yaml", AT, CHAIN);
    let over = "exporters:\n  otlp:\n    endpoint: other:4317\n";
    config.files.push(File { path: "/conf/over.yaml".into(), at: "over".into(), text: over.into() });
    config.main = "/conf/relay.yaml\nfile:/conf/over.yaml\nyaml:exporters::otlp::tls::insecure: true".into();
    let pipeline = read(&config).unwrap();
    assert_eq!(at(&pipeline.outputs[0].hosts), (&vec!["other:4317".to_owned()], "over:3:5"));
    assert_eq!(pipeline.outputs[0].tls.value(), Some(&false));
    config.main = "/conf/relay.yaml\n/secret/over.yaml".into();
    assert_eq!(read(&config).unwrap().unread[0].at, "/secret/over.yaml");
    config.main = "/secret/over.yaml".into();
    assert_eq!(read(&config).unwrap_err().at, "/secret/over.yaml");
}

#[test]
fn custom_resources_are_read_as_objects_and_as_texts() {
    let object = json!({"spec": {"config": {
        "receivers": {"k8sobjects": {"objects": [{"name": "events", "mode": "watch", "field_selector": "type=Warning"}]},
            "receiver_creator/logs": {"discovery": {"enabled": true}}},
        "exporters": {"nop": null},
        "service": {"pipelines": {"logs": {"receivers": ["k8sobjects", "receiver_creator/logs"], "exporters": ["nop"]}}},
    }}});
    let place = Place::of("OpenTelemetryCollector logs/agent");
    let pipeline = read_value(&object["spec"]["config"], &place, "spec.config", &Env::default()).unwrap();
    assert_eq!(
        pipeline.inputs[0].at,
        "OpenTelemetryCollector logs/agent spec.config receivers.k8sobjects.objects[0]"
    );
    assert!(matches!(pipeline.inputs[0].source, Source::Events { only_warnings: true, .. }));
    let Source::Containers { only, .. } = &pipeline.inputs[1].source else { panic!() };
    assert!(only.is_some());
    assert_eq!(pipeline.outputs[0].receiver, Receiver::Nothing);
    let pipeline = read_value(&json!(CHAIN), &place, "spec.config", &Env::default()).unwrap();
    assert_eq!(pipeline.inputs[0].at, "OpenTelemetryCollector logs/agent spec.config:2:3");
}

#[test]
fn what_the_collector_would_not_start_with_is_refused() {
    for (text, at) in [
        ("receivers: [\n", format!("{AT}:1:12")),
        ("receivers: {}\n", format!("{AT}:1:1")),
        ("a", format!("{AT}:1:1")),
        ("service: {pipelines: {logs: {receivers: [x], exporters: [y]}}}", format!("{AT}:1:42")),
        ("service:\n  pipelines:\n    logs: {receivers: []}", format!("{AT}:3:5")),
    ] {
        assert_eq!(of(text).unwrap_err().at, at, "{text}");
    }
}

#[test]
fn hostile_texts_end() {
    let nested = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(of(&nested).is_err());
    assert!(of(&"a".repeat(4 * 1024 * 1024)).is_err());
    assert!(of(&"a".repeat(5 * 1024 * 1024)).is_err());
    let mut config = Config::of_text("/a", AT, "receivers: ${file:/a}\n");
    assert!(read(&config).is_ok_and(|pipeline| !pipeline.unread.is_empty()));
    config.env.variables.insert("A".into(), Variable::Seen("${env:A}${env:A}".into(), "x".into()));
    config.files[0].text = "receivers: ${env:A}\n".into();
    assert!(read(&config).is_ok_and(|pipeline| !pipeline.unread.is_empty()));
    let mut text = String::from("receivers: {otlp: }\nexporters: {nop: }\nconnectors:\n");
    let mut pipelines = String::new();
    for n in 0..40 {
        for side in ["a", "b"] {
            let _ = writeln!(text, "  forward/{n}{side}:");
        }
        let from = if n == 0 { "otlp".into() } else { format!("forward/{0}a, forward/{0}b", n - 1) };
        let _ = writeln!(
            pipelines,
            "    logs/{n}: {{receivers: [{from}], exporters: [forward/{n}a, forward/{n}b, nop]}}"
        );
    }
    let pipeline = of(&format!("{text}service:\n  pipelines:\n{pipelines}")).unwrap();
    assert!(pipeline.inputs[0].routes.reason().is_some());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_ends(text in "\\PC{0,200}") {
        let _ = of(&text);
    }

    #[test]
    fn any_soup_ends(words in proptest::collection::vec(prop_oneof![
        Just("receivers:"), Just("exporters:"), Just("processors:"), Just("connectors:"), Just("service:"),
        Just("pipelines:"), Just("logs:"), Just(" filelog:"), Just(" [otlp]"), Just("\n"), Just("\n  "), Just("\n    "),
        Just(" ${env:A}"), Just(" ${file:/conf/relay.yaml}"), Just(" {}"), Just(" filter:"), Just(" forward"), Just("- "),
    ], 0..40)) {
        let _ = of(&words.concat());
    }
}

#[test]
fn corpus_files_are_read_or_refused_with_a_reason() {
    let Ok(folder) = std::env::var("LOGAUDIT_CORPUS") else { return };
    let mut read = 0;
    for entry in std::fs::read_dir(format!("{folder}/collectors")).unwrap() {
        let path = entry.unwrap().path();
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        if !path.to_string_lossy().contains("otel") {
            continue;
        }
        for tree in yaml::parse(&text).trees {
            let document = tree.document("corpus").value;
            if let Some(relay) = document.pointer("/data/relay").and_then(Value::as_str) {
                match of(relay) {
                    Ok(pipeline) => {
                        assert!(pipeline.inputs.iter().all(|input| input.routes.value().is_some()));
                    }
                    Err(unreadable) => assert!(!unreadable.why.is_empty()),
                }
                read += 1;
            }
        }
    }
    assert!(read > 0);
}
