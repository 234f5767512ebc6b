//! Examples shaped like real ones.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::analyze::collectors::fields::tests::resources;
use crate::analyze::collectors::model::{
    Buffer, Effect, Input, Output, Pattern, Receiver, Retry, Source, Step, WhenFull,
};
use crate::analyze::collectors::service::Service;

const LOGGING: &str = r"
apiVersion: logging.banzaicloud.io/v1beta1
kind: Logging
metadata: {name: main}
spec:
  controlNamespace: logging
  fluentd: {}
---
apiVersion: logging.banzaicloud.io/v1beta1
kind: FluentbitAgent
metadata: {name: nodes}
spec: {}
";

const STORE: &str = r"
---
apiVersion: logging.banzaicloud.io/v1beta1
kind: ClusterOutput
metadata: {name: store, namespace: logging}
spec:
  elasticsearch:
    host: es.search.svc
    port: 9200
    scheme: https
    ssl_verify: false
    user: writer
    password: {valueFrom: {secretKeyRef: {name: es, key: password}}}
    buffer:
      type: file
      retry_forever: false
      retry_max_times: 5
      overflow_action: block
";

fn pipeline(text: &str) -> Pipeline {
    let all = resources(text);
    let logging = all.iter().find(|one| one.kind == "Logging").expect("a Logging");
    of_logging(logging, &all, &|_| true).unwrap()
}

fn flow(kind: &str, namespace: &str, spec: &str) -> String {
    let lines = spec.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n");
    format!(
        "---\napiVersion: logging.banzaicloud.io/v1beta1\nkind: {kind}\nmetadata: {{name: f, namespace: {namespace}}}\nspec:\n{lines}\n"
    )
}

fn everything() -> String {
    flow("ClusterFlow", "logging", "match:\n- select: {}\nglobalOutputRefs: [store]")
}

fn input<'a>(pipeline: &'a Pipeline, id: &str) -> &'a Input {
    pipeline.inputs.iter().find(|input| input.id == id).unwrap_or_else(|| panic!("{id} in {pipeline:#?}"))
}

fn routes(input: &Input) -> &[Route] {
    input.routes.value().expect("routes are known")
}

fn reached<'a>(pipeline: &'a Pipeline, id: &str) -> Vec<&'a str> {
    routes(input(pipeline, id)).iter().map(|route| pipeline.outputs[route.output].id.as_str()).collect()
}

fn output<'a>(pipeline: &'a Pipeline, id: &str) -> &'a Output {
    pipeline.outputs.iter().find(|output| output.id == id).unwrap_or_else(|| panic!("{id} in {pipeline:#?}"))
}

fn effects(steps: &[Step]) -> Vec<&Effect> {
    steps.iter().map(|step| &step.effect).collect()
}

fn evidence<T>(fact: &Fact<T>) -> &str {
    match fact {
        Fact::Known(known) => &known.evidence[0].at,
        Fact::Unknown(unknown) => panic!("unknown: {}", unknown.reason),
    }
}

#[test]
fn a_chain_is_proven_from_the_node_to_the_store() {
    let read = pipeline(&format!("{LOGGING}{STORE}{}", everything()));
    assert_eq!(read.unread, []);
    let tail = input(&read, "tail.nodes");
    let Source::Files { include, .. } = &tail.source else { panic!("{tail:?}") };
    assert_eq!(include[0].value().unwrap(), "/var/log/containers/*.log");
    let position = tail.position.as_ref().unwrap();
    assert_eq!(position.value().unwrap().as_deref(), Some("/tail-db/tail-containers-state.db"));
    assert_eq!(tail.opt_outs[0].honoured.value(), Some(&true));
    assert_eq!(reached(&read, "tail.nodes"), ["ClusterOutput logging/store", "forward.nodes"]);
    assert_eq!(routes(tail)[0].steps, []);
    assert_eq!(read.own_metrics.unwrap().value(), Some(&false));
}

#[test]
fn outputs_say_what_they_protect() {
    let read = pipeline(&format!("{LOGGING}{STORE}{}", everything()));
    let store = output(&read, "ClusterOutput logging/store");
    assert_eq!(store.receiver, Receiver::Service(Service::Elasticsearch));
    assert_eq!(store.hosts.value().unwrap(), &["es.search.svc:9200"]);
    assert_eq!((store.tls.value(), evidence(&store.tls)), (Some(&true), "cr.yaml:22:5"));
    let verified = store.verified.as_ref().unwrap();
    assert_eq!((verified.value(), evidence(verified)), (Some(&false), "cr.yaml:23:5"));
    assert_eq!(store.authenticated.value(), Some(&true));
    assert_eq!(store.buffer.value(), Some(&Buffer::Disk(Some("/buffers".into()))));
    assert_eq!(store.retry.value(), Some(&Retry::Limited("5 retries".into())));
    assert_eq!(store.when_full.value(), Some(&WhenFull::Waits));
    let hop = output(&read, "forward.nodes");
    assert_eq!(hop.receiver, Receiver::Hop("forward".into()));
    assert_eq!(hop.hosts.value().unwrap(), &["main-fluentd.logging.svc:24240"]);
    assert_eq!((hop.tls.value(), hop.verified.as_ref()), (Some(&false), None));
    assert_eq!(hop.buffer.value(), Some(&Buffer::Memory));
    assert_eq!(hop.retry.value(), Some(&Retry::Forever));
}

#[test]
fn agents_can_lose_their_position_and_refuse_opting_out() {
    let agent = "spec:\n  positiondb: {emptyDir: {}}\n  tls: {enabled: true}\n  filterKubernetes: {K8S-Logging.Exclude: 'Off'}\n  inputTail: {storage.type: filesystem, Ignore_Older: 1d}\n";
    let text = format!("{}{STORE}{}", LOGGING.replace("spec: {}\n", agent), everything());
    let read = pipeline(&text);
    let tail = input(&read, "tail.nodes");
    assert_eq!(tail.position.as_ref().unwrap().value(), Some(&None));
    assert_eq!(tail.opt_outs[0].honoured.value(), Some(&false));
    assert_eq!(effects(&tail.steps), [&Effect::Skips]);
    let hop = output(&read, "forward.nodes");
    assert_eq!(hop.tls.value(), Some(&true));
    assert_eq!(hop.verified.as_ref().unwrap().value(), Some(&false));
    assert_eq!(hop.buffer.value(), Some(&Buffer::Disk(Some("/buffers".into()))));
}

#[test]
fn namespaces_are_selected_and_left_out_in_order() {
    let spec = "match:\n- exclude: {namespaces: [kube-system, dev]}\n- select: {}\n- exclude: {namespaces: [late]}\nglobalOutputRefs: [store]";
    let read = pipeline(&format!("{LOGGING}{STORE}{}", flow("ClusterFlow", "logging", spec)));
    let steps = &routes(input(&read, "tail.nodes"))[0].steps;
    let [Step { effect: Effect::Namespaces(rule), .. }] = steps.as_slice() else { panic!("{steps:?}") };
    assert_eq!(rule.only, None);
    let names: Vec<&Pattern> = rule.except.iter().map(|name| &name.pattern).collect();
    assert_eq!(names, [&Pattern::Name("kube-system".into()), &Pattern::Name("dev".into())]);
    assert_eq!(rule.except[0].at, "cr.yaml:37:28");

    let labels = "match:\n- exclude: {labels: {app: noisy}}\n- select: {namespaces: [shop]}\nglobalOutputRefs: [store]";
    let read = pipeline(&format!("{LOGGING}{STORE}{}", flow("ClusterFlow", "logging", labels)));
    let steps = &routes(input(&read, "tail.nodes"))[0].steps;
    assert!(matches!(effects(steps).as_slice(), [Effect::Namespaces(_), Effect::DropsSome]), "{steps:?}");
}

#[test]
fn a_flow_that_only_excludes_takes_nothing() {
    let spec = "match:\n- exclude: {namespaces: [dev]}\nglobalOutputRefs: [store]";
    let read = pipeline(&format!("{LOGGING}{STORE}{}", flow("ClusterFlow", "logging", spec)));
    assert_eq!(routes(input(&read, "tail.nodes")), []);
}

#[test]
fn a_flow_of_a_namespace_takes_that_namespace() {
    let spec = "filters:\n- grep:\n    exclude: [{key: log, pattern: DEBUG}]\n- throttle: {group_bucket_limit: 10}\n- parser: {parse: {type: json}}\n- record_modifier:\n    replaces: [{key: log, expression: x, replace: y}]\n- tag_normaliser: {}\nmatch:\n- select: {}\nglobalOutputRefs: [store]";
    let read = pipeline(&format!("{LOGGING}{STORE}{}", flow("Flow", "shop", spec)));
    let steps = &routes(input(&read, "tail.nodes"))[0].steps;
    let [first, rest @ ..] = steps.as_slice() else { panic!("{steps:?}") };
    let Effect::Namespaces(rule) = &first.effect else { panic!("{first:?}") };
    assert_eq!(rule.only.as_ref().unwrap()[0].pattern, Pattern::Name("shop".into()));
    assert_eq!(effects(rest), [&Effect::DropsSome, &Effect::Limits, &Effect::DropsSome, &Effect::Redacts]);
    assert_eq!(rest[0].at, "cr.yaml:38:17");
    let everything = flow("Flow", "shop", &spec.replace("DEBUG", "/.*/"));
    let read = pipeline(&format!("{LOGGING}{STORE}{everything}"));
    assert_eq!(routes(input(&read, "tail.nodes"))[0].steps[1].effect, Effect::Unclear);
}

#[test]
fn a_flow_without_its_output_leads_nowhere() {
    let spec = "match:\n- select: {}\nglobalOutputRefs: [store, gone]";
    let text = format!("{LOGGING}{STORE}{}", flow("ClusterFlow", "logging", spec));
    let read = pipeline(&text);
    assert_eq!(routes(input(&read, "tail.nodes")), []);
    assert!(read.unread[0].why.contains("refuses the whole configuration"), "{:?}", read.unread);
    assert_eq!(read.unread[0].at, "cr.yaml:38:29");
    let read = pipeline(&text.replace("  fluentd: {}", "  fluentd: {}\n  skipInvalidResources: true"));
    assert!(read.unread[0].why.contains("left out"), "{:?}", read.unread);
}

#[test]
fn outputs_of_other_namespaces_and_protected_ones_are_not_used() {
    let elsewhere = STORE.replace("namespace: logging", "namespace: other");
    assert_eq!(routes(input(&pipeline(&format!("{LOGGING}{elsewhere}{}", everything())), "tail.nodes")), []);
    let protected = STORE.replace("spec:\n", "spec:\n  protected: true\n");
    let spec = "match:\n- select: {}\nglobalOutputRefs: [store]";
    let read = pipeline(&format!("{LOGGING}{protected}{}", flow("Flow", "shop", spec)));
    assert_eq!(routes(input(&read, "tail.nodes")), []);
    let read = pipeline(&format!("{LOGGING}{protected}{}", flow("ClusterFlow", "logging", spec)));
    assert_eq!(routes(input(&read, "tail.nodes")).len(), 2);
}

#[test]
fn the_default_flow_takes_the_rest() {
    let logging =
        LOGGING.replace("  fluentd: {}", "  fluentd: {}\n  defaultFlow:\n    globalOutputRefs: [store]");
    let spec = "match:\n- select: {}\nglobalOutputRefs: [store]";
    let read = pipeline(&format!("{logging}{STORE}{}", flow("Flow", "shop", spec)));
    let all = routes(input(&read, "tail.nodes"));
    let [Step { effect: Effect::Namespaces(rule), .. }] = all[1].steps.as_slice() else { panic!("{all:?}") };
    assert_eq!(rule.except[0].pattern, Pattern::Name("shop".into()));
    let read = pipeline(&format!("{logging}{STORE}{}", everything()));
    assert_eq!(routes(input(&read, "tail.nodes")).len(), 2);
}

#[test]
fn flows_hand_on_by_label_and_do_not_loop() {
    let relabel = "---\napiVersion: logging.banzaicloud.io/v1beta1\nkind: ClusterOutput\nmetadata: {name: next, namespace: logging}\nspec:\n  relabel: {label: '@next'}\n";
    let first = "match:\n- select: {}\nglobalOutputRefs: [next]";
    let second = "flowLabel: '@next'\nglobalOutputRefs: [store, next]";
    let second = flow("ClusterFlow", "logging", second).replace("name: f", "name: second");
    let read =
        pipeline(&format!("{LOGGING}{STORE}{relabel}{}{second}", flow("ClusterFlow", "logging", first)));
    assert!(reached(&read, "tail.nodes").contains(&"ClusterOutput logging/store"));
}

#[test]
fn what_is_not_seen_is_not_guessed() {
    let no_agent_config = LOGGING.replace("spec: {}\n", "spec: {customConfigSecret: own}\n");
    let read = pipeline(&format!("{no_agent_config}{STORE}{}", everything()));
    assert_eq!((read.inputs.len(), read.unread.len()), (0, 1));
    let replaced = LOGGING.replace("  fluentd: {}", "  fluentd: {}\n  flowConfigOverride: x");
    let read = pipeline(&format!("{replaced}{STORE}{}", everything()));
    assert!(input(&read, "tail.nodes").routes.value().is_none());
    let selector =
        LOGGING.replace("  fluentd: {}", "  fluentd: {}\n  watchNamespaceSelector: {matchLabels: {a: b}}");
    let read = pipeline(&format!("{selector}{STORE}{}", everything()));
    assert_eq!(read.unread.len(), 1);
    let without = LOGGING.replace("  fluentd: {}\n", "");
    assert_eq!(routes(input(&pipeline(&format!("{without}{STORE}{}", everything())), "tail.nodes")), []);
}

#[test]
fn tailers_get_on_by_the_flows_that_take_their_pods() {
    let tailers = "---\napiVersion: logging-extensions.banzaicloud.io/v1alpha1\nkind: HostTailer\nmetadata: {name: audit, namespace: logging}\nspec:\n  fileTailers:\n  - {name: kube, path: /var/log/kubernetes/audit.log}\n  - {name: off, path: /x, disabled: true}\n  systemdTailers:\n  - {name: kubelet, systemdFilter: kubelet.service}\n---\napiVersion: logging-extensions.banzaicloud.io/v1alpha1\nkind: EventTailer\nmetadata: {name: events}\nspec: {controlNamespace: logging}\n";
    let read = pipeline(&format!("{LOGGING}{STORE}{tailers}{}", everything()));
    assert_eq!(read.inputs.len(), 4);
    assert_eq!(reached(&read, "file.audit-host-tailer-kube")[0], "ClusterOutput logging/store");
    let Source::Journal { only, .. } = &input(&read, "systemd.audit-host-tailer-kubelet").source else {
        panic!()
    };
    assert_eq!(only[0].value().unwrap(), "_SYSTEMD_UNIT=kubelet.service");
    assert_eq!(input(&read, "events.events").position.as_ref().unwrap().value(), Some(&None));
    let spec = "match:\n- select: {}\nglobalOutputRefs: [store]";
    let read = pipeline(&format!("{LOGGING}{STORE}{tailers}{}", flow("Flow", "shop", spec)));
    assert_eq!(routes(input(&read, "file.audit-host-tailer-kube")), []);
    let labels =
        "match:\n- select: {labels: {app.kubernetes.io/name: host-tailer}}\nglobalOutputRefs: [store]";
    let read = pipeline(&format!("{LOGGING}{STORE}{tailers}{}", flow("ClusterFlow", "logging", labels)));
    assert_eq!(routes(input(&read, "file.audit-host-tailer-kube")).len(), 2);
    assert_eq!(routes(input(&read, "events.events")), []);
}

#[test]
fn each_agent_and_tailer_is_read_for_itself() {
    let more = "---\napiVersion: logging.banzaicloud.io/v1beta1\nkind: FluentbitAgent\nmetadata: {name: gpu}\nspec: {}\n---\napiVersion: logging-extensions.banzaicloud.io/v1alpha1\nkind: HostTailer\nmetadata: {name: audit, namespace: logging}\nspec:\n  fileTailers: [{name: kube, path: /x}, {name: app, path: /y}]\n";
    let all = resources(&format!("{LOGGING}{STORE}{more}{}", everything()));
    let named = |name: &str| all.iter().find(|one| one.name == name && one.kind != "ClusterOutput").unwrap();
    for agent in ["nodes", "gpu"] {
        let read = read(named(agent), &all).unwrap();
        let ids: Vec<&str> = read.inputs.iter().map(|input| input.id.as_str()).collect();
        assert_eq!(ids, [format!("tail.{agent}")]);
        assert_eq!(reached(&read, ids[0])[0], "ClusterOutput logging/store");
    }
    let [(name, kube), (_, app)] = &read_host_tailer(named("audit"), &all)[..] else { panic!() };
    assert_eq!((name.as_str(), kube.as_ref().unwrap().inputs.len()), ("kube", 1));
    assert_eq!(app.as_ref().unwrap().inputs[0].id, "file.audit-host-tailer-app");
}

#[test]
fn every_logging_that_takes_something_up_is_a_way() {
    let second = LOGGING.split("---").next().unwrap().replace("name: main", "name: other");
    let tailer = "---\napiVersion: logging-extensions.banzaicloud.io/v1alpha1\nkind: HostTailer\nmetadata: {name: audit, namespace: logging}\nspec:\n  fileTailers: [{name: kube, path: /x}]\n";
    let all = resources(&format!("{LOGGING}---{second}{STORE}{tailer}{}", everything()));
    let tailer = all.iter().find(|one| one.kind == "HostTailer").unwrap();
    let read = read(tailer, &all).unwrap();
    assert_eq!(read.inputs.len(), 2);
    let outputs = read.inputs.iter().flat_map(routes).map(|route| read.outputs[route.output].id.as_str());
    assert_eq!(outputs.filter(|id| *id == "ClusterOutput logging/store").count(), 2);
    assert!(super::read(tailer, std::slice::from_ref(tailer)).unwrap_err().why.contains("no Logging"));
}

#[test]
fn syslog_ng_has_flows_and_outputs_of_its_own() {
    let logging = LOGGING.replace("fluentd: {}", "syslogNG: {}");
    let output_text = "---\napiVersion: logging.banzaicloud.io/v1beta1\nkind: SyslogNGClusterOutput\nmetadata: {name: store, namespace: logging}\nspec:\n  syslog:\n    host: siem.example.org\n    port: 6514\n    transport: tls\n    tls: {peer_verify: false}\n";
    let spec = "match:\n  and:\n  - not:\n      regexp: {pattern: dev, type: string, value: json.kubernetes.namespace_name}\n  - regexp: {pattern: ERROR, value: MESSAGE}\nglobalOutputRefs: [store]";
    let read = pipeline(&format!("{logging}{output_text}{}", flow("SyslogNGClusterFlow", "logging", spec)));
    let steps = &routes(input(&read, "tail.nodes"))[0].steps;
    let [Effect::Namespaces(rule), Effect::DropsSome] = effects(steps)[..] else { panic!("{steps:?}") };
    assert_eq!(rule.except[0].pattern, Pattern::Name("dev".into()));
    let store = output(&read, "SyslogNGClusterOutput logging/store");
    assert_eq!(store.receiver, Receiver::Syslog("tls".into()));
    assert_eq!(store.verified.as_ref().unwrap().value(), Some(&false));
    assert_eq!(store.buffer.value(), Some(&Buffer::Memory));
    assert_eq!(output(&read, "tcp.nodes").retry.value(), Some(&Retry::Limited("1 retry".into())));
}

#[test]
fn tenants_are_fed_by_the_agents_of_their_source() {
    let routed = format!(
        "{LOGGING}---\napiVersion: logging.banzaicloud.io/v1beta1\nkind: LoggingRoute\nmetadata: {{name: r}}\nspec: {{source: infra, targets: {{}}}}\nstatus: {{tenants: [{{name: main, namespaces: [shop]}}]}}\n{STORE}{}",
        everything()
    )
    .replace("metadata: {name: nodes}\nspec: {}", "metadata: {name: nodes}\nspec: {loggingRef: infra}");
    let read = pipeline(&routed);
    let Source::Files { include, .. } = &input(&read, "tail.nodes").source else { panic!() };
    assert_eq!(include[0].value().unwrap(), "/var/log/containers/*_shop_*.log");
}

#[test]
fn what_is_no_logging_is_refused_where_it_stands() {
    let all = resources(
        "apiVersion: logging.banzaicloud.io/v1beta1\nkind: Logging\nspec:\n  fluentd: yes please\n",
    );
    assert_eq!(read(&all[0], &all).unwrap_err().at, "cr.yaml:4:3");
    let all = resources("apiVersion: logging.banzaicloud.io/v1beta1\nkind: Flow\nspec: {}\n");
    assert!(read(&all[0], &all).is_err());
    let all = resources("apiVersion: logging.banzaicloud.io/v1beta1\nkind: Logging\n");
    assert!(read(&all[0], &all).is_err());
}

#[test]
fn credentials_are_never_told() {
    let store = STORE.replace("host: es.search.svc", "hosts: https://writer:hunter2@es.search.svc:9200");
    let text = format!("{LOGGING}{store}{}", everything());
    let shown = format!("{:?}", pipeline(&text));
    assert!(!shown.contains("hunter2") && !shown.contains("writer"), "{shown}");
}

#[test]
fn deep_conditions_end() {
    let mut value = serde_json::json!({"regexp": {"pattern": "x"}});
    for _ in 0..10_000 {
        value = Value::Object([("and".to_owned(), Value::Array(vec![value]))].into_iter().collect());
    }
    let text = format!("{LOGGING}{}", flow("SyslogNGClusterFlow", "logging", "globalOutputRefs: []"));
    let mut all = resources(&text.replace("fluentd: {}", "syslogNG: {}"));
    let last = all.len() - 1;
    all[last].spec["match"] = value;
    assert!(of_logging(&all[0], &all, &|_| true).is_ok());
    // Dropping a value this deep would itself recurse too deep for the thread.
    std::mem::forget(all);
}

#[test]
fn corpus() {
    let Ok(folder) = std::env::var("LOGAUDIT_CORPUS") else { return };
    let mut read_files = 0;
    for entry in std::fs::read_dir(format!("{folder}/collectors")).unwrap() {
        let path = entry.unwrap().path();
        if !path.to_string_lossy().contains("kube-logging__") {
            continue;
        }
        let all = resources(&std::fs::read_to_string(&path).unwrap());
        for logging in all.iter().filter(|one| one.kind == "Logging") {
            let pipeline = of_logging(logging, &all, &|_| true).unwrap();
            assert!(pipeline.inputs.iter().all(|input| input.routes.value().is_some()), "{path:?}");
            read_files += 1;
        }
    }
    assert!(read_files > 0);
}

proptest! {
    #[test]
    fn any_specification_comes_to_an_end(words in prop::collection::vec(0..TOKENS.len(), 0..60)) {
        let mut text = format!("{LOGGING}{STORE}---\napiVersion: logging.banzaicloud.io/v1beta1\nkind: ClusterFlow\nmetadata: {{name: f, namespace: logging}}\nspec: ");
        text.extend(words.iter().map(|word| TOKENS[*word]));
        let parsed = crate::document::yaml::parse(&text);
        if parsed.faults.is_empty() {
            let all = resources(&text);
            let _ = of_logging(&all[0], &all, &|_| true);
        }
    }
}

const TOKENS: [&str; 22] = [
    "{",
    "}",
    "[",
    "]",
    ", ",
    ": ",
    "match",
    "select",
    "exclude",
    "namespaces",
    "labels",
    "filters",
    "grep",
    "parser",
    "globalOutputRefs",
    "store",
    "and",
    "or",
    "not",
    "regexp",
    "x",
    "null",
];
