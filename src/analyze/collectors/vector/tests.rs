use std::time::Instant;

use proptest::prelude::*;

use super::*;
use crate::analyze::collectors::config::{Env, File, Hidden, Variable};
use crate::analyze::collectors::model::{
    Buffer, Effect, Marker, Pattern, Receiver, Retry, Route, Source, WhenFull,
};
use crate::analyze::collectors::service::Service;

const AT: &str = "ConfigMap logging/vector data[vector.yaml]";

fn yaml(text: &str) -> Pipeline {
    read(&Config::of_text("/etc/vector/vector.yaml", AT, text)).unwrap()
}

fn toml(text: &str) -> Pipeline {
    read(&Config::of_text("/etc/vector/vector.toml", "f", text)).unwrap()
}

fn routes(pipeline: &Pipeline, input: usize) -> &[Route] {
    pipeline.inputs[input].routes.value().unwrap()
}

fn evidence<T>(fact: &Fact<T>) -> (&str, &str) {
    let Fact::Known(known) = fact else { panic!("{:?}", fact.reason()) };
    (&known.evidence[0].at, &known.evidence[0].detail)
}

const CHAIN: &str = "\
data_dir: /vector-data-dir
sources:
  pods:
    type: kubernetes_logs
  audit:
    type: file
    include: [/var/log/kubernetes/audit/*.log]
    max_line_bytes: 1048576
transforms:
  parse:
    type: remap
    inputs: [pods, aud*]
    source: .cluster = \"a\"
sinks:
  es:
    type: elasticsearch
    inputs: [parse]
    endpoints: [\"https://u:p@es.logging.svc:9200\"]
    tls: {verify_hostname: false}
    buffer: {type: disk, max_size: 268435488, when_full: block}
    request: {retry_attempts: 5}
";

#[test]
fn a_proven_chain() {
    let pipeline = yaml(CHAIN);
    assert_eq!(routes(&pipeline, 0), [Route { steps: Vec::new(), output: 0 }]);
    assert_eq!(routes(&pipeline, 1).len(), 1);
    assert_eq!(evidence(&pipeline.inputs[1].routes), (&*format!("{AT}:12:20"), "takes from audit"));
    let audit = &pipeline.inputs[1];
    assert_eq!(audit.id, "sources.audit");
    let Source::Files { include, .. } = &audit.source else { panic!() };
    assert_eq!(include[0].value().unwrap(), "/var/log/kubernetes/audit/*.log");
    assert_eq!(evidence(&include[0]).0, format!("{AT}:7:15"));
    let position = audit.position.as_ref().unwrap().value().unwrap().as_deref();
    assert_eq!(position, Some("/vector-data-dir/audit/checkpoints.json"));
    assert_eq!(audit.steps[0].at, format!("{AT}:8:5"));
    let es = &pipeline.outputs[0];
    assert_eq!(es.receiver, Receiver::Service(Service::Elasticsearch));
    assert_eq!(es.hosts.value().unwrap(), &["es.logging.svc:9200"]);
    assert_eq!(evidence(&es.tls), (&*format!("{AT}:18:17"), "endpoints with https"));
    assert_eq!(evidence(es.verified.as_ref().unwrap()), (&*format!("{AT}:19:11"), "verify_hostname false"));
    assert_eq!(es.verified.as_ref().unwrap().value(), Some(&false));
    assert_eq!(evidence(&es.authenticated), (&*format!("{AT}:18:17"), "the address names a user"));
    assert_eq!(es.buffer.value(), Some(&Buffer::Disk(Some("/vector-data-dir/buffer/v2/es".into()))));
    assert_eq!(es.when_full.value(), Some(&WhenFull::Waits));
    assert_eq!(es.retry.value(), Some(&Retry::Limited("5 retries".into())));
    assert!(pipeline.unread.is_empty());
}

#[test]
fn the_chart_agent_sends_only_metrics() {
    let pipeline = yaml(
        "data_dir: /vector-data-dir\nsources:\n  kubernetes_logs:\n    type: kubernetes_logs\n  host_metrics:\n    \
         type: host_metrics\n  internal_metrics:\n    type: internal_metrics\nsinks:\n  prom_exporter:\n    \
         type: prometheus_exporter\n    inputs: [host_metrics, internal_metrics]\n    address: 0.0.0.0:9090\n",
    );
    assert_eq!(pipeline.inputs.len(), 1);
    assert_eq!(routes(&pipeline, 0), []);
    assert_eq!(
        evidence(&pipeline.inputs[0].routes),
        (&*format!("{AT}:3:3"), "nothing has kubernetes_logs as an input")
    );
    assert_eq!(pipeline.outputs[0].receiver, Receiver::NotLogs("prometheus_exporter".into()));
    assert_eq!(pipeline.own_metrics.unwrap().value(), Some(&true));
}

#[test]
fn pods_withdraw_by_label_and_annotation() {
    let pipeline = yaml(
        "sources:\n  pods:\n    type: kubernetes_logs\n    extra_namespace_label_selector: \
         kubernetes.io/metadata.name!=kube-system,team in (a, b)\n    extra_field_selector: metadata.namespace!=dev\n    \
         extra_label_selector: app=web\n    ignore_older_secs: 600\n",
    );
    let input = &pipeline.inputs[0];
    assert_eq!(input.opt_outs[0].key, "vector.dev/exclude");
    assert_eq!((input.opt_outs[0].marker, input.opt_outs[0].on_namespaces), (Marker::Label, true));
    assert_eq!((input.opt_outs[1].marker, input.opt_outs[1].on_namespaces), (Marker::Annotation, false));
    let Source::Containers { namespaces, only, exclude, .. } = &input.source else { panic!() };
    let except: Vec<_> = namespaces.except.iter().map(|one| one.pattern.clone()).collect();
    assert_eq!(except, [Pattern::Name("kube-system".into()), Pattern::Name("dev".into())]);
    assert_eq!(only.as_deref(), Some("namespaces with team in (a, b); pods with app=web"));
    assert_eq!(exclude[0].value().unwrap(), "**/*.gz");
    assert_eq!(input.steps.len(), 1);
    assert_eq!(input.steps[0].at, format!("{AT}:7:5"));
    let position = input.position.as_ref().unwrap().value().unwrap().as_deref();
    assert_eq!(position, Some("/var/lib/vector/pods/checkpoints.json"));
}

#[test]
fn paths_choose_namespaces() {
    let pipeline = toml(
        "[sources.pods]\ntype = \"kubernetes_logs\"\ninclude_paths_glob_patterns = [\"/var/log/pods/openshift*_*/*/*.log\", \
         \"/var/log/pods/default_*/web/*.log\"]\n",
    );
    let Source::Containers { namespaces, only, .. } = &pipeline.inputs[0].source else { panic!() };
    let chosen = namespaces.only.as_ref().unwrap();
    assert_eq!(chosen[0].pattern, Pattern::Glob("openshift*".into()));
    assert_eq!(chosen[1].pattern, Pattern::Name("default".into()));
    assert_eq!(chosen[0].at, "f:3:33");
    assert_eq!(only.as_deref(), Some("files matching /var/log/pods/default_*/web/*.log"));
}

#[test]
fn transforms_take_away_on_their_way() {
    let pipeline = toml(
        r#"
[sources.a]
type = "journald"
include_units = ["kubelet"]
[transforms.f]
type = "filter"
inputs = ["a"]
condition = '.kubernetes.pod_namespace != "kube-system" && .kubernetes.pod_namespace != "dev"'
[transforms.s]
type = "sample"
inputs = ["f"]
rate = 10
[transforms.t]
type = "throttle"
inputs = ["s"]
threshold = 100
window_secs = 1
[transforms.r]
type = "remap"
inputs = ["t"]
drop_on_error = true
source = '''
# abort in a comment
.a = del(.b)
if .level == "abort" { abort }
.message = redact(.message, filters: ["us_social_security_number"])
.x = to_int!(.y)
'''
[transforms.l]
type = "lua"
inputs = ["r"]
[sinks.loki]
type = "loki"
inputs = ["l"]
endpoint = "http://loki.logging:3100"
"#,
    );
    let route = &routes(&pipeline, 0)[0];
    let effects: Vec<_> = route.steps.iter().map(|step| step.effect.clone()).collect();
    let Effect::Namespaces(rule) = &effects[0] else { panic!("{effects:?}") };
    assert_eq!(rule.except.len(), 2);
    assert_eq!(route.steps[0].at, "f:8:1");
    assert_eq!(
        effects[1..],
        [
            Effect::Samples,
            Effect::Limits,
            Effect::DropsSome,
            Effect::Unclear,
            Effect::Redacts,
            Effect::Unclear
        ]
    );
    let loki = &pipeline.outputs[0];
    assert_eq!(loki.tls.value(), Some(&false));
    assert_eq!(evidence(&loki.tls), ("f:35:1", "endpoint with http"));
    assert_eq!(loki.verified, None);
    assert_eq!(loki.authenticated.value(), Some(&false));
    assert_eq!(evidence(&loki.buffer), ("f:32:8", "buffer is not set; the default is memory"));
    assert_eq!(loki.retry.value(), Some(&Retry::Forever));
}

#[test]
fn routes_that_nothing_takes_are_lost() {
    let text = "sources:\n  a: {type: file, include: [/x]}\ntransforms:\n  r:\n    type: route\n    inputs: [a]\n    \
                route:\n      app: .app == true\n      sys: .kubernetes.pod_namespace == \"kube-system\"\n\
                sinks:\n  c: {type: console, inputs: [r.app, r.sys]}\n";
    let pipeline = yaml(text);
    let routes = routes(&pipeline, 0);
    assert_eq!(routes.len(), 2);
    let at: Vec<_> = routes.iter().map(|route| route.steps[0].at.as_str()).collect();
    assert!(at.contains(&&*format!("{AT}:8:7")) && at.contains(&&*format!("{AT}:9:7")), "{at:?}");
    assert!(routes.iter().any(|route| matches!(route.steps[0].effect, Effect::Namespaces(_))));
    let unmatched = yaml(&text.replace("r.sys", "r._unmatched"));
    assert!(unmatched.unread.is_empty());
    // A route without a name is no output.
    let main = yaml(&text.replace("[r.app, r.sys]", "[r]"));
    assert_eq!(main.unread[0].at, format!("{AT}:11:31"));
    assert!(main.inputs[0].routes.reason().unwrap().contains("r is no component"));
}

#[test]
fn dropped_records_can_be_rerouted() {
    let pipeline = yaml(
        "sources:\n  a: {type: opentelemetry}\ntransforms:\n  r: {type: remap, inputs: [a.logs], reroute_dropped: true, \
         source: abort}\n  m: {type: log_to_metric, inputs: [a.logs]}\nsinks:\n  b: {type: blackhole, inputs: [r.dropped]}\n  \
         c: {type: console, inputs: [r, m, a.metrics]}\n",
    );
    let routes = routes(&pipeline, 0);
    assert_eq!(routes.len(), 2, "{routes:?}");
    assert_eq!((routes[0].output, &routes[0].steps[0].effect), (0, &Effect::DropsSome));
    assert_eq!((routes[1].output, &routes[1].steps[0].effect), (1, &Effect::DropsAll));
    assert_eq!(pipeline.outputs[0].receiver, Receiver::Nothing);
}

#[test]
fn each_sink_decides_on_tls_in_its_way() {
    let pipeline = yaml(
        "sinks:\n  k: {type: kafka, bootstrap_servers: 'a:9092, b:9092'}\n  p: {type: papertrail, endpoint: \
         logs.papertrailapp.com:1}\n  q: {type: papertrail, endpoint: x:1, tls: {verify_certificate: false}}\n  s: {type: \
         aws_s3, bucket: b, region: eu-west-1}\n  u: {type: socket, mode: udp, address: 'syslog:514', encoding: {codec: \
         syslog}}\n  v: {type: vector, address: 'vector:6000', tls: {enabled: true, verify_certificate: false}}\n  d: {type: \
         http, uri: 'https://http-intake.logs.datadoghq.com/v1', request: {headers: {DD-API-KEY: REDACTED}}}\n  w: {type: \
         datadog_logs, default_api_key: x, buffer: {when_full: drop_newest}}\n  z: {type: unheard_of}\n",
    );
    let tls: Vec<_> = pipeline.outputs.iter().map(|output| output.tls.value().copied()).collect();
    let on = Some(true);
    let off = Some(false);
    assert_eq!(tls, [off, on, off, on, off, on, on, on, None]);
    let [kafka, papertrail, _, s3, udp, vector, http, datadog, unknown] = &pipeline.outputs[..] else {
        panic!()
    };
    assert_eq!(kafka.hosts.value().unwrap(), &["a:9092", "b:9092"]);
    assert_eq!(evidence(&kafka.tls), (&*format!("{AT}:2:3"), "tls is not set; the default is off"));
    assert_eq!(kafka.retry.value(), Some(&Retry::Limited("300 seconds".into())));
    assert_eq!(papertrail.verified.as_ref().unwrap().value(), on.as_ref());
    assert_eq!((s3.hosts.value().unwrap().len(), s3.authenticated.value()), (0, Some(&true)));
    assert_eq!((&udp.receiver, udp.retry.value()), (&Receiver::Syslog("udp".into()), Some(&Retry::Never)));
    assert_eq!(vector.verified.as_ref().unwrap().value(), off.as_ref());
    assert_eq!(http.receiver, Receiver::Service(Service::Datadog));
    assert_eq!(http.authenticated.value(), Some(&true));
    assert_eq!(datadog.when_full.value(), Some(&WhenFull::Drops));
    assert_eq!(unknown.receiver, Receiver::Other("unheard_of".into()));
}

#[test]
fn variables_are_replaced_or_told() {
    let text = "sources:\n  a: {type: file, include: ['$DIR/x.log']}\nsinks:\n  l:\n    type: loki\n    inputs: [a]\n    \
                endpoint: '${HOST}'\n    tls: {verify_certificate: ${VERIFY:-true}}\n";
    let mut config = Config::of_text("/etc/vector/vector.yaml", AT, text);
    config.env = Env::default();
    config.env.variables.insert("DIR".into(), Variable::Seen("/var/log".into(), "x".into()));
    config.env.variables.insert("HOST".into(), Variable::Hidden("from the Secret s".into(), "x".into()));
    let pipeline = read(&config).unwrap();
    let Source::Files { include, .. } = &pipeline.inputs[0].source else { panic!() };
    assert_eq!(include[0].value().unwrap(), "/var/log/x.log");
    let loki = &pipeline.outputs[0];
    assert!(loki.hosts.reason().unwrap().contains("from the Secret s"));
    assert!(loki.tls.reason().unwrap().contains("from the Secret s"));
    assert_eq!(loki.verified.as_ref().unwrap().value(), Some(&true));
    let hidden_input =
        yaml("sources:\n  a: {type: file, include: [/x]}\nsinks:\n  l: {type: console, inputs: ['${A}']}\n");
    assert!(hidden_input.inputs[0].routes.reason().is_some());
    assert_eq!(hidden_input.unread.len(), 1);
}

#[test]
fn files_of_a_folder_are_one_configuration() {
    let file = |path: &str, text: &str| File { path: path.into(), at: path.into(), text: text.into() };
    let config = Config {
        main: "/etc/vector/".into(),
        files: vec![
            file("/etc/vector/a.toml", "[sources.a]\ntype = \"file\"\ninclude = [\"/x\"]\n"),
            file("/etc/vector/b.json", r#"{"sinks": {"b": {"type": "console", "inputs": ["a", "c"]}}}"#),
            file("/etc/vector/sources/c.yaml", "type: exec\n"),
            file("/etc/vector/README.md", "[["),
        ],
        ..Config::default()
    };
    let pipeline = read(&config).unwrap();
    assert_eq!(pipeline.inputs.len(), 2);
    assert!(pipeline.inputs.iter().all(|input| input.routes.value().unwrap().len() == 1));
    assert_eq!(pipeline.outputs[0].at, "/etc/vector/b.json sinks.b");
}

#[test]
fn a_program_in_a_file_that_is_not_seen_is_unclear() {
    let pipeline = yaml(
        "sources:\n  a: {type: file, include: [/x]}\ntransforms:\n  r: {type: remap, inputs: [a], file: /opt/p.vrl}\n\
         sinks:\n  c: {type: console, inputs: [r]}\n",
    );
    assert_eq!(routes(&pipeline, 0)[0].steps[0].effect, Effect::Unclear);
    assert_eq!(pipeline.unread[0].at, format!("{AT}:4:33"));
}

#[test]
fn broken_texts_are_refused_at_their_line() {
    let refused = |path: &str, text: &str| read(&Config::of_text(path, "f", text)).unwrap_err();
    assert_eq!(refused("/v.toml", "[sources.a]\ntype = \n").at, "f:2:8");
    assert_eq!(refused("/v.yaml", "sources:\n  a: [\n").at.split(':').next(), Some("f"));
    assert_eq!(refused("/v.yaml", "sources:\n  a: {include: [x]}\n").why, "a has no type");
    assert_eq!(refused("/v.yaml", "- a\n").why, "it holds no mapping of sources, transforms and sinks");
    let mut config = Config { main: "/v.yaml".into(), ..Config::default() };
    config.hidden.push(Hidden { path: "/".into(), why: "from a Secret".into() });
    assert_eq!(read(&config).unwrap_err().why, "it is not seen: from a Secret");
}

#[test]
fn circles_and_floods_end() {
    let started = Instant::now();
    let circle = yaml(
        "sources:\n  a: {type: file, include: [/x]}\ntransforms:\n  r: {type: remap, inputs: [a, s], source: ''}\n  s: \
         {type: remap, inputs: [r], source: ''}\n",
    );
    assert!(circle.inputs[0].routes.reason().unwrap().contains("circle"));
    let mut ladder = "sources:\n  a: {type: file, include: [/x]}\ntransforms:\n".to_owned();
    let mut last = "a".to_owned();
    for rung in 0..40 {
        ladder += &format!("  x{rung}: {{type: remap, inputs: [{last}], source: ''}}\n");
        ladder += &format!("  y{rung}: {{type: remap, inputs: [{last}], source: ''}}\n");
        last = format!("x{rung}, y{rung}");
    }
    ladder += &format!("sinks:\n  c: {{type: console, inputs: [{last}]}}\n");
    assert!(yaml(&ladder).inputs[0].routes.reason().unwrap().contains("too many"));
    for byte in ["[", "a", "$", "${", "{", "\"", "\n", ":", "- ", "é"] {
        let text = byte.repeat(4 * 1024 * 1024 / byte.len());
        for path in ["/v.yaml", "/v.toml", "/v.json", "/v"] {
            drop(read(&Config::of_text(path, "f", &text)));
        }
    }
    let nested = format!("sources: {}", "{a: ".repeat(10_000));
    assert!(read(&Config::of_text("/v.yaml", "f", &nested)).is_err());
    let long = format!("a: {}", "x".repeat(5 * 1024 * 1024));
    assert!(read(&Config::of_text("/v.yaml", "f", &long)).unwrap_err().why.contains("bytes"));
    assert!(started.elapsed().as_secs() < 120, "{:?}", started.elapsed());
}

#[test]
fn the_corpus_is_read_or_refused() {
    let Some(folder) = std::env::var_os("LOGAUDIT_CORPUS") else { return };
    let mut read_files = 0;
    for entry in std::fs::read_dir(std::path::Path::new(&folder).join("collectors")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.extension().is_none_or(|ending| ending != "toml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        match read(&Config::of_text(&format!("/{name}"), &name, &text)) {
            Ok(pipeline) => {
                read_files += 1;
                println!("{name}: {pipeline:#?}");
            }
            Err(unreadable) => assert!(!unreadable.why.is_empty(), "{name}"),
        }
    }
    assert!(read_files > 0);
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in any::<String>()) {
        for path in ["/v.yaml", "/v.toml", "/v.json", "/v"] {
            drop(read(&Config::of_text(path, "f", &text)));
        }
    }

    #[test]
    fn soup_never_panics(parts in prop::collection::vec(prop::sample::select(vec![
        "sources:\n", "transforms:\n", "sinks:\n", "  a:\n", "  b:\n", "    type: route\n", "    type: kafka\n",
        "    type: remap\n", "    inputs: [a, b, '*']\n", "    inputs: ['a.*', '${X}']\n", "    type: kubernetes_logs\n",
        "    source: abort\n", "    extra_field_selector: metadata.namespace in (\n", "    buffer: [{type: disk}]\n",
        "    endpoint: '{{ x }}://['\n", "    tls: {enabled: 3}\n", "    reroute_dropped: true\n", "    file: /x\n",
        "    route: {a: 1, b: {type: vrl}}\n", "[sources.a]\n", "type = \"file\"\n", "inputs = [\"a\"]\n", "$", "${", "}",
    ]), 0..30)) {
        for path in ["/v.yaml", "/v.toml", "/v"] {
            drop(read(&Config::of_text(path, "f", &parts.concat())));
        }
    }
}
