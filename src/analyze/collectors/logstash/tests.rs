use proptest::prelude::*;

use super::*;
use crate::analyze::collectors::config::{File, Hidden};
use crate::analyze::collectors::fields::tests::resources;
use crate::analyze::collectors::model::{
    Buffer, Effect, NamespaceRule, Pattern, Receiver, Retry, Route, Source, WhenFull,
};
use crate::analyze::collectors::service::Service;

fn file(path: &str, text: &str) -> File {
    File { path: path.into(), at: path.rsplit('/').next().unwrap().into(), text: text.into() }
}

fn config(files: &[(&str, &str)]) -> Config {
    let mut config = Config {
        main: "/usr/share/logstash/pipeline/".into(),
        files: files.iter().map(|(path, text)| file(&format!("/usr/share/logstash/{path}"), text)).collect(),
        hidden: vec![
            Hidden { path: "/".into(), why: "it is part of the image".into() },
            Hidden { path: "/secret".into(), why: "it comes from a Secret".into() },
        ],
        ..Config::default()
    };
    config.env.variables.insert("ES".into(), Variable::Seen("https://es.logging:9200".into(), "env".into()));
    config.env.variables.insert("HIDDEN".into(), Variable::Hidden("from the Secret s".into(), "env".into()));
    config
}

fn pipeline(text: &str) -> Pipeline {
    read(&config(&[("pipeline/a.conf", text)])).unwrap()
}

fn fault(text: &str) -> Unreadable {
    read(&config(&[("pipeline/a.conf", text)])).unwrap_err()
}

fn routes(pipeline: &Pipeline, input: usize) -> &[Route] {
    pipeline.inputs[input].routes.value().unwrap_or_else(|| panic!("{:?}", pipeline.inputs[input].routes))
}

fn effects(pipeline: &Pipeline, input: usize) -> Vec<Effect> {
    routes(pipeline, input)
        .iter()
        .flat_map(|route| route.steps.iter().map(|step| step.effect.clone()))
        .collect()
}

fn evidence<T>(fact: &Fact<T>) -> &str {
    match fact {
        Fact::Known(known) => known.evidence.last().map_or("", |evidence| &evidence.at),
        Fact::Unknown(unknown) => &unknown.reason,
    }
}

#[test]
fn a_whole_chain_is_proven() {
    let pipeline = pipeline(
        r#"# Logs of the apiserver
input {
  file {
    path => ["/var/log/kubernetes/audit.log"]
    exclude => "*.gz"
    sincedb_path => "/data/audit.sincedb"
    codec => json { charset => "UTF-8" }
  }
}
filter {
  json { source => "message" }
  mutate { add_field => { "cluster" => "a" "env" => 'b' } }
}
output {
  elasticsearch {
    hosts => ["${ES}"]
    user => "writer"
    password => "${HIDDEN}"
    ssl_verification_mode => "none"
    index => "audit-%{+YYYY.MM.dd}"
  }
}
"#,
    );
    let input = &pipeline.inputs[0];
    assert_eq!((input.id.as_str(), input.at.as_str()), ("file.0", "a.conf:3"));
    let Source::Files { include, exclude } = &input.source else { panic!("{:?}", input.source) };
    assert_eq!(include[0].value().unwrap(), "/var/log/kubernetes/audit.log");
    assert_eq!(evidence(&include[0]), "a.conf:4");
    assert_eq!(exclude[0].value().unwrap(), "/**/*.gz");
    let position = input.position.as_ref().unwrap();
    assert_eq!(position.value().unwrap().as_deref(), Some("/data/audit.sincedb"));
    assert_eq!(evidence(position), "a.conf:6");
    assert_eq!(routes(&pipeline, 0), [Route { steps: vec![], output: 0 }]);
    let output = &pipeline.outputs[0];
    assert_eq!(output.receiver, Receiver::Service(Service::Elasticsearch));
    assert_eq!(output.hosts.value().unwrap(), &["es.logging:9200"]);
    assert_eq!((output.tls.value(), evidence(&output.tls)), (Some(&true), "a.conf:16"));
    let verified = output.verified.as_ref().unwrap();
    assert_eq!((verified.value(), evidence(verified)), (Some(&false), "a.conf:19"));
    assert_eq!(output.authenticated.value(), Some(&true));
    assert_eq!(output.buffer.value(), Some(&Buffer::Memory));
    assert_eq!(output.retry.value(), Some(&Retry::Forever));
    assert_eq!(output.when_full.value(), Some(&WhenFull::Waits));
    assert!(!format!("{pipeline:?}").contains("writer"));
}

#[test]
fn defaults_are_told_with_the_place_of_the_plugin() {
    let pipeline = pipeline(
        "input { file { path => '/a' } beats { port => 5044 } }\noutput { elasticsearch { hosts => 'es' }\nkafka { topic_id => a }\nhttp { url => 'http://x' http_method => post }\ntcp { host => h port => 1 ssl_enable => true } }\n",
    );
    let position = pipeline.inputs[0].position.as_ref().unwrap();
    assert_eq!(position.value().unwrap().as_deref(), Some("/usr/share/logstash/data/plugins/inputs/file"));
    assert_eq!(pipeline.inputs[1].source.protocol(), Some("beats"));
    assert_eq!(pipeline.inputs[1].position, None);
    let [es, kafka, http, tcp] = pipeline.outputs.as_slice() else { panic!("{:?}", pipeline.outputs) };
    assert_eq!(es.hosts.value().unwrap(), &["es:9200"]);
    assert_eq!((es.tls.value(), evidence(&es.tls), &es.verified), (Some(&false), "a.conf:2", &None));
    assert_eq!(es.authenticated.value(), Some(&false));
    assert_eq!(kafka.hosts.value().unwrap(), &["localhost:9092"]);
    assert_eq!((kafka.tls.value(), evidence(&kafka.tls)), (Some(&false), "a.conf:3"));
    assert_eq!((http.retry.value(), http.tls.value()), (Some(&Retry::Forever), Some(&false)));
    assert_eq!((tcp.tls.value(), evidence(&tcp.tls)), (Some(&true), "a.conf:5"));
    assert!(tcp.verified.as_ref().unwrap().reason().unwrap().contains("version"));
}

#[test]
fn what_is_dropped_is_told_by_its_condition() {
    let of = |filter: &str| {
        effects(
            &pipeline(&format!(
                "input {{ beats {{ port => 1 }} }} filter {{ {filter} }} output {{ loki {{ url => 'http://l' }} }}"
            )),
            0,
        )
    };
    assert_eq!(of("drop {}"), [Effect::DropsAll]);
    assert_eq!(of("drop { percentage => 40 }"), [Effect::Samples]);
    assert_eq!(of("if [level] == 'debug' { drop {} }"), [Effect::DropsSome]);
    assert_eq!(of("throttle { add_tag => 'hot' } if 'hot' in [tags] { drop {} }"), [Effect::Limits]);
    assert_eq!(of("ruby { code => \"event.cancel if rand < 0.5\" }"), [Effect::Unclear]);
    assert_eq!(of("ruby { code => \"event.set('a', 1)\" }"), []);
    assert_eq!(of("aggregate { task_id => 1 }"), [Effect::Unclear]);
    assert_eq!(of("mutate { gsub => ['message', 'password=\\S+', 'password=***'] }"), [Effect::Redacts]);
    assert_eq!(of("mutate { gsub => ['message', '\\n', ' '] remove_field => ['agent'] }"), []);
    assert_eq!(of("mutate { remove_field => ['[request][token]'] }"), [Effect::Redacts]);
    assert_eq!(of("fingerprint { source => 'user' target => 'user' }"), [Effect::Redacts]);
    let rule = |effects: Vec<Effect>| match effects.as_slice() {
        [Effect::Namespaces(rule)] => rule.clone(),
        other => panic!("{other:?}"),
    };
    let NamespaceRule { only: None, except } =
        rule(of("if [kubernetes][namespace] in ['a', 'b'] { drop {} }"))
    else {
        panic!()
    };
    let names: Vec<_> = except.iter().map(|one| one.pattern.clone()).collect();
    assert_eq!(names, [Pattern::Name("a".into()), Pattern::Name("b".into())]);
    let kept = rule(of("if [kubernetes][namespace_name] !~ /^prod/ { drop {} }"));
    assert_eq!(kept.only.unwrap()[0].pattern, Pattern::Regex("^prod".into()));
    let doubt = "if [a] { drop {} } else if [kubernetes][namespace] == 'kube-system' { drop {} }";
    assert_eq!(of(doubt), [Effect::DropsSome, Effect::Unclear]);
}

#[test]
fn conditions_on_what_an_input_sets_are_decided() {
    let text = r#"input { tcp { port => 1 type => "a" } file { path => "/b" type => "b" tags => ["t"] } beats { port => 2 type => "a" } }
output {
  if [type] == "a" { tcp { host => "a" port => 1 } }
  else if "t" in [tags] { file { path => "/x" } }
  else { elasticsearch { hosts => "c" } }
}"#;
    let pipeline = pipeline(text);
    let outputs = |input| routes(&pipeline, input).iter().map(|route| route.output).collect::<Vec<_>>();
    assert_eq!((outputs(0), outputs(1), outputs(2)), (vec![0], vec![1], vec![0, 1, 2]));
    assert!(routes(&pipeline, 0)[0].steps.is_empty() && routes(&pipeline, 1)[0].steps.is_empty());
    assert!(routes(&pipeline, 2).iter().all(|route| route.steps[0].effect == Effect::DropsSome));
    assert_eq!(routes(&pipeline, 2)[2].steps[0].at, "a.conf:5");
}

#[test]
fn arms_that_lead_to_the_same_place_lose_nothing() {
    let text = "input { beats {} } output { if [@metadata][pipeline] { elasticsearch { hosts => 'a' pipeline => x } } else { elasticsearch { hosts => 'a' } } }";
    let pipeline = pipeline(text);
    assert!(routes(&pipeline, 0)[0].steps.is_empty());
    assert_eq!(routes(&pipeline, 0)[1].steps[0].effect, Effect::DropsSome);
    let namespaces = "input { beats {} } output { if [kubernetes][namespace] == 'a' { null {} } else { elasticsearch { hosts => 'a' } } }";
    let split = super::tests::pipeline(namespaces);
    let Effect::Namespaces(rule) = &routes(&split, 0)[1].steps[0].effect else { panic!("{split:?}") };
    assert_eq!(rule.except[0].pattern, Pattern::Name("a".into()));
    assert_eq!(split.outputs[0].receiver, Receiver::Nothing);
}

#[test]
fn an_input_that_leads_nowhere_is_told() {
    let pipeline =
        pipeline("input { file { path => '/a' type => 'x' } }\noutput { if [type] == 'y' { stdout {} } }");
    assert_eq!(routes(&pipeline, 0), []);
    assert_eq!(evidence(&pipeline.inputs[0].routes), "a.conf:1");
}

#[test]
fn files_of_a_folder_are_one_pipeline() {
    let config = config(&[
        ("pipeline/30-out.conf", "output { stdout {} }"),
        ("pipeline/10-in.conf", "input { udp { port => 514 } }"),
        ("pipeline/20-filter.conf", "filter { drop { } }"),
        ("pipeline/old.conf~", "]"),
        ("pipeline/..data", "]"),
    ]);
    let pipeline = read(&config).unwrap();
    assert_eq!(effects(&pipeline, 0), [Effect::DropsAll]);
    assert_eq!(pipeline.outputs[0].receiver, Receiver::Console);
}

#[test]
fn pipelines_lead_into_each_other() {
    let config = config(&[
        (
            "config/pipelines.yml",
            "- pipeline.id: in\n  config.string: |\n    input { beats { port => 1 } }\n    output { pipeline { send_to => ['es', 'back'] } }\n- pipeline.id: es\n  path.config: /usr/share/logstash/es/*.conf\n  queue.type: persisted\n- pipeline.id: secret\n  path.config: /secret/x.conf\n",
        ),
        ("config/logstash.yml", "path:\n  queue: /queue\n"),
        (
            "es/a.conf",
            "input { pipeline { address => es } }\nfilter { if [a] { drop {} } }\noutput { elasticsearch { hosts => 'https://${HIDDEN}' }\npipeline { send_to => back } }",
        ),
    ]);
    let pipeline = read(&config).unwrap();
    assert_eq!(pipeline.inputs.len(), 1);
    assert_eq!(pipeline.inputs[0].id, "in/beats.0");
    assert_eq!(effects(&pipeline, 0), [Effect::DropsSome]);
    let output = &pipeline.outputs[0];
    assert_eq!(output.id, "es/elasticsearch.0");
    assert_eq!(output.buffer.value(), Some(&Buffer::Disk(Some("/queue".into()))));
    assert_eq!(evidence(&output.buffer), "pipelines.yml:7:3");
    assert!(output.hosts.reason().unwrap().contains("from the Secret s"));
    assert!(output.tls.value().is_none());
    assert_eq!(pipeline.unread[0].at, "pipelines.yml:8:3");
    assert!(pipeline.unread[0].why.contains("comes from a Secret"));
}

#[test]
fn settings_come_from_arguments_and_environment() {
    let mut config = config(&[("pipeline/a.conf", "input { stdin {} } output { stdout {} }")]);
    config.env.variables.insert("QUEUE_TYPE".into(), Variable::Seen("persisted".into(), "env".into()));
    let queue = |config: &Config| read(config).unwrap().outputs[0].buffer.value().cloned();
    assert_eq!(queue(&config), Some(Buffer::Disk(Some("/usr/share/logstash/data/queue".into()))));
    config.args = vec![
        "logstash".into(),
        "--path.data=/d/".into(),
        "-e".into(),
        "input { exec {} } output { null {} }".into(),
    ];
    assert_eq!(queue(&config), Some(Buffer::Disk(Some("/d/queue".into()))));
    assert_eq!(read(&config).unwrap().inputs[0].source, Source::Other("exec".into()));
    config.hidden.push(Hidden { path: "/usr/share/logstash/config".into(), why: "from the Secret s".into() });
    config.env.variables.remove("QUEUE_TYPE");
    assert!(read(&config).unwrap().outputs[0].buffer.reason().unwrap().contains("from the Secret s"));
}

#[test]
fn outputs_reach_the_services_their_plugins_are_for() {
    let pipeline = pipeline(
        "output { s3 { bucket => b } opensearch { hosts => ['https://u:p@os:9200'] auth_type => { type => 'basic' } }\nsyslog { host => h port => 514 } datadog_logs { api_key => k } http { url => 'https://http-intake.logs.datadoghq.com/v1' headers => { 'DD-API-KEY' => k } }\nelasticsearch { cloud_id => x api_key => y } lumberjack { hosts => [a] port => 5044 ssl_certificate => '/c' } gelf { host => g } mystery { } }",
    );
    let receivers: Vec<_> = pipeline.outputs.iter().map(|output| output.receiver.clone()).collect();
    let service = Receiver::Service;
    assert_eq!(
        receivers,
        [
            service(Service::S3),
            service(Service::OpenSearch),
            Receiver::Syslog("udp".into()),
            service(Service::Datadog),
            service(Service::Datadog),
            service(Service::ElasticCloud),
            Receiver::Collector("lumberjack".into()),
            service(Service::Graylog),
            Receiver::Other("mystery".into()),
        ]
    );
    assert_eq!(pipeline.outputs[1].hosts.value().unwrap(), &["os:9200"]);
    assert_eq!(pipeline.outputs[2].retry.value(), Some(&Retry::Never));
    assert_eq!(pipeline.outputs[3].retry.value(), Some(&Retry::Limited("5 retries".into())));
    assert_eq!(pipeline.outputs[6].hosts.value().unwrap(), &["a:5044"]);
    assert!(
        pipeline.outputs.iter().all(|output| output.verified.is_none() || output.tls.value() != Some(&false))
    );
    assert!(pipeline.outputs[4].authenticated.value().unwrap());
    assert!(pipeline.outputs[8].tls.value().is_none());
}

#[test]
fn a_resource_is_read() {
    let text = "apiVersion: logstash.k8s.elastic.co/v1alpha1\nkind: Logstash\nmetadata: {name: l, namespace: logs}\nspec:\n  config:\n    queue.type: persisted\n  elasticsearchRefs:\n  - {clusterName: eck, name: es}\n  pipelines:\n  - pipeline.id: main\n    config.string: |\n      input { beats { port => 5044 } }\n      output { elasticsearch { hosts => [ \"${ECK_ES_HOSTS}\" ] user => \"${ECK_ES_USER}\" } }\n";
    let pipeline = read_resource(&resources(text)[0]).unwrap();
    assert_eq!(pipeline.inputs[0].at, "cr.yaml:11:5 config.string:1");
    assert!(pipeline.outputs[0].hosts.reason().unwrap().contains("elasticsearchRefs"));
    assert_eq!(
        pipeline.outputs[0].buffer.value(),
        Some(&Buffer::Disk(Some("/usr/share/logstash/data/queue".into())))
    );
    let secret = read_resource(&resources("kind: Logstash\nspec:\n  pipelinesRef: {secretName: s}\n")[0]);
    assert!(secret.unwrap_err().why.contains("Secret"));
    assert!(read_resource(&resources("kind: Logstash\nspec: {count: 1}\n")[0]).is_err());
}

#[test]
fn broken_texts_are_refused_at_their_line() {
    for (text, at) in [
        ("input {\n  file {\n    path => \n  }\n}", "a.conf:4"),
        ("input {\n  file {\n", "a.conf:3"),
        ("input { }\nfilters { }", "a.conf:2"),
        ("\n\ninput { a { b => 'c } }\n", "a.conf:3"),
        ("filter {\n if [a] == { drop {} }\n}", "a.conf:2"),
        ("output {\n a { b = c }\n}", "a.conf:2"),
    ] {
        assert_eq!(fault(text).at, at, "{text}");
    }
    let mut config = config(&[]);
    assert!(read(&config).unwrap_err().why.contains("part of the image"));
    config.main = "https://example.com/x.conf".into();
    assert!(read(&config).unwrap_err().why.contains("URL"));
}

#[test]
fn hostile_texts_end() {
    for text in ["a { b => [", "a { b => {c =>"] {
        assert!(fault(&format!("input {{ {text}{}", "[".repeat(10_000))).why.contains("nested"));
    }
    assert!(fault(&format!("filter {{ {}", "if [a] { ".repeat(10_000))).why.contains("nested"));
    assert!(fault(&format!("filter {{ if {}", "(".repeat(10_000))).why.contains("nested"));
    assert!(fault(&format!("filter {{ if {}", "!".repeat(10_000))).why.contains("nested"));
    for text in ["{", "input {", "a", "\"", "#", "[", " ", "\n", "if ", "input{a{b=>\"", "else "] {
        let _ = read(&config(&[("pipeline/a.conf", &text.repeat(4 * 1024 * 1024 / text.len() - 200))]));
    }
    let many = format!("input {{ {} }} output {{ {} }}", "udp {} ".repeat(400), "stdout {} ".repeat(900));
    assert_eq!(routes(&pipeline(&many), 399).len(), 900);
    assert!(fault(&format!("input {{ {} }}", "udp {} ".repeat(5000))).why.contains("more than can be read"));
    let chain = "if [a] == 'b' { drop {} } else ".repeat(600);
    let _ = pipeline(&format!(
        "input {{ {} }} filter {{ {chain} {{ }} }} output {{ null {{}} }}",
        "udp {} ".repeat(100)
    ));
}

proptest! {
    #[test]
    fn any_text_ends(text in "\\PC{0,200}") {
        let _ = read(&config(&[("pipeline/a.conf", &text)]));
    }

    #[test]
    fn any_soup_of_tokens_ends(tokens in prop::collection::vec(prop::sample::select(vec![
        "input", "filter", "output", "{", "}", "{", "}", "file", "pipeline", "=>", "path", "send_to", "address", "[", "]", "[type]",
        "[kubernetes][namespace]", "==", "!=", "=~", "in", "not in", "and", "or", "!", "(", ")", "/x/", "'a'", "\"b\"", "if", "else",
        "drop", "\n", "#", ",", "12", "${HIDDEN}", "ruby", "percentage",
    ]), 0..60)) {
        let _ = read(&config(&[("pipeline/a.conf", &tokens.join(" "))]));
    }
}

#[test]
fn the_corpus_is_read_or_refused() {
    let Some(folder) = std::env::var_os("LOGAUDIT_CORPUS") else { return };
    let folder = std::path::Path::new(&folder).join("collectors");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if !path.display().to_string().contains("logstash.conf") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        match read(&config(&[("pipeline/a.conf", &text)])) {
            Ok(pipeline) => println!("{} {pipeline:#?}", path.display()),
            Err(unreadable) => assert!(!unreadable.why.is_empty()),
        }
    }
}
