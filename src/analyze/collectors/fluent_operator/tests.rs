//! Examples shaped like real ones.

use proptest::prelude::*;

use super::*;
use crate::analyze::collectors::fields::tests::resources;
use crate::analyze::collectors::model::{Buffer, Output, Receiver, Retry};
use crate::analyze::collectors::service::Service;

const TEXT: &str = r"
apiVersion: fluentbit.fluent.io/v1alpha2
kind: FluentBit
metadata: {name: fluent-bit, namespace: fluent}
spec:
  fluentBitConfigName: config
---
apiVersion: fluentbit.fluent.io/v1alpha2
kind: ClusterFluentBitConfig
metadata: {name: config}
spec:
  service: {httpServer: true}
  inputSelector: {matchLabels: {enabled: 'true'}}
  filterSelector: {matchLabels: {enabled: 'true'}}
  outputSelector: {matchLabels: {enabled: 'true'}}
---
apiVersion: fluentbit.fluent.io/v1alpha2
kind: ClusterInput
metadata: {name: pods, labels: {enabled: 'true'}}
spec:
  tail:
    tag: kube.*
    path: /var/log/containers/*.log
    db: /fluent-bit/tail/pos.db
---
apiVersion: fluentbit.fluent.io/v1alpha2
kind: ClusterFilter
metadata: {name: meta, labels: {enabled: 'true'}}
spec:
  match: kube.*
  filters:
  - kubernetes: {k8sLoggingExclude: true}
  - grep:
      exclude: $kubernetes['namespace_name'] ^dev$
---
apiVersion: fluentbit.fluent.io/v1alpha2
kind: ClusterOutput
metadata: {name: store, labels: {enabled: 'true'}}
spec:
  match: kube.*
  es:
    host: es.search.svc
    port: 9200
    httpUser: {valueFrom: {secretKeyRef: {name: es, key: user}}}
    httpPassword: {valueFrom: {secretKeyRef: {name: es, key: password}}}
    tls: {verify: false}
";

fn pipeline(text: &str) -> Pipeline {
    let all = resources(text);
    read(&all[0], &all).unwrap()
}

fn only_routes(pipeline: &Pipeline) -> &[Route] {
    pipeline.inputs[0].routes.value().expect("routes are known")
}

#[test]
fn a_chain_is_proven() {
    let read = pipeline(TEXT);
    assert_eq!(read.unread, []);
    assert_eq!(read.own_metrics.as_ref().unwrap().value(), Some(&true));
    let input = &read.inputs[0];
    assert_eq!(input.position.as_ref().unwrap().value().unwrap().as_deref(), Some("/fluent-bit/tail/pos.db"));
    assert_eq!((input.steps.len(), input.opt_outs[0].honoured.value()), (0, Some(&true)));
    let [Route { steps, output: 0 }] = only_routes(&read) else { panic!("{read:#?}") };
    let [Step { effect: Effect::Namespaces(rule), at, .. }] = steps.as_slice() else { panic!("{steps:?}") };
    assert_eq!((&rule.except[0].pattern, at.as_str()), (&Pattern::Regex("^dev$".into()), "cr.yaml:34:7"));
    let Output { receiver, hosts, tls, verified, authenticated, buffer, retry, .. } = &read.outputs[0];
    assert_eq!(receiver, &Receiver::Service(Service::Elasticsearch));
    assert_eq!(hosts.value().unwrap(), &["es.search.svc:9200"]);
    assert_eq!((tls.value(), authenticated.value()), (Some(&true), Some(&true)));
    assert_eq!(verified.as_ref().unwrap().value(), Some(&false));
    assert_eq!(buffer.value(), Some(&Buffer::Memory));
    assert_eq!(retry.value(), Some(&Retry::Limited("1 retry".into())));
}

#[test]
fn what_is_not_set_has_the_defaults_of_fluent_bit() {
    let text = TEXT
        .replace("    db: /fluent-bit/tail/pos.db\n", "")
        .replace("    tls: {verify: false}\n", "")
        .replace("k8sLoggingExclude: true", "labels: true");
    let read = pipeline(&text);
    assert_eq!(read.inputs[0].position.as_ref().unwrap().value(), Some(&None));
    assert_eq!(read.inputs[0].opt_outs[0].honoured.value(), Some(&false));
    assert_eq!((read.outputs[0].tls.value(), &read.outputs[0].verified), (Some(&false), &None));
}

#[test]
fn files_hold_records_only_with_a_folder() {
    let disk = TEXT.replace("    path: /var", "    storageType: filesystem\n    path: /var");
    assert!(pipeline(&disk).outputs[0].buffer.value().is_none());
    let folder = disk.replace("httpServer: true", "httpServer: true, storage: {path: /buf}");
    assert_eq!(pipeline(&folder).outputs[0].buffer.value(), Some(&Buffer::Disk(Some("/buf".into()))));
}

#[test]
fn tags_and_labels_decide_what_gets_anywhere() {
    let other = TEXT.replace("  match: kube.*\n  es:", "  match: host.*\n  es:");
    assert_eq!(only_routes(&pipeline(&other)), []);
    let unlabelled = TEXT.replace("{name: store, labels: {enabled: 'true'}}", "{name: store}");
    assert_eq!(pipeline(&unlabelled).outputs, []);
    let some = TEXT.replace("  match: kube.*\n  es:", "  match: '*_shop_*'\n  es:");
    assert_eq!(only_routes(&pipeline(&some))[0].steps[1].effect, Effect::DropsSome);
    let retagged = TEXT.replace("- grep:", "- rewriteTag: {rules: ['$log ^x$ y false']}\n  - grep:");
    assert!(pipeline(&retagged).inputs[0].routes.value().is_none());
}

#[test]
fn namespaces_with_a_configuration_go_their_own_way() {
    let tenant = "---\napiVersion: fluentbit.fluent.io/v1alpha2\nkind: FluentBitConfig\nmetadata: {name: own, namespace: shop}\nspec: {}\n---\napiVersion: fluentbit.fluent.io/v1alpha2\nkind: Output\nmetadata: {name: siem, namespace: shop}\nspec: {match: '*', syslog: {host: siem, mode: tcp}}\n";
    let read = pipeline(&format!("{TEXT}{tenant}"));
    let routes = only_routes(&read);
    assert_eq!(routes.len(), 2);
    let Effect::Namespaces(rule) = &routes[0].steps[1].effect else { panic!("{routes:?}") };
    assert_eq!(rule.except[0].pattern, Pattern::Name("shop".into()));
    let Effect::Namespaces(rule) = &routes[1].steps[1].effect else { panic!("{routes:?}") };
    assert_eq!(rule.only.as_ref().unwrap()[0].pattern, Pattern::Name("shop".into()));
    assert_eq!(read.outputs[1].receiver, Receiver::Syslog("tcp".into()));
}

#[test]
fn what_is_not_seen_is_told() {
    let all = resources(&TEXT.replace("fluentBitConfigName: config", "fluentBitConfigName: gone"));
    assert_eq!(read(&all[0], &all).unwrap_err().at, "cr.yaml:6:3");
    let all = resources("apiVersion: fluentd.fluent.io/v1alpha1\nkind: FluentdConfig\nspec: {}\n");
    assert!(read(&all[0], &all).unwrap_err().why.contains("not read"));
    let custom = TEXT.replace("  es:", "  customPlugin: {config: Name x}\n  es:");
    assert_eq!(pipeline(&custom).unread.len(), 1);
    let variable = TEXT.replace("host: es.search.svc", "host: ${ES}");
    assert!(pipeline(&variable).outputs[0].hosts.value().is_none());
    let argument = TEXT.replace("  fluentBitConfigName", "  args: [-c, /own.conf]\n  fluentBitConfigName");
    assert_eq!(pipeline(&argument).unread[0].at, "cr.yaml:6:10");
}

proptest! {
    #[test]
    fn any_tags_come_to_an_end(tag in "[a*.]{0,60}", pattern in "[a*.]{0,60}") {
        let text = TEXT.replace("kube.*", "'PATTERN'").replacen("'PATTERN'", &format!("'{tag}'"), 1);
        pipeline(&text.replace("'PATTERN'", &format!("'{pattern}'")));
    }
}

const FLUENTD: &str = r"
apiVersion: fluentd.fluent.io/v1alpha1
kind: Fluentd
metadata: {name: fluentd, namespace: fluent}
spec:
  globalInputs:
  - forward: {bind: 0.0.0.0, port: 24224}
  fluentdCfgSelector: {matchLabels: {enabled: 'true'}}
---
apiVersion: fluentd.fluent.io/v1alpha1
kind: ClusterFluentdConfig
metadata: {name: all, labels: {enabled: 'true'}}
spec:
  watchedNamespaces: [kube-system, shop]
  clusterFilterSelector: {matchLabels: {filter: 'on'}}
  clusterOutputSelector: {matchLabels: {output: 'on'}}
---
apiVersion: fluentd.fluent.io/v1alpha1
kind: ClusterFilter
metadata: {name: noise, labels: {filter: 'on'}}
spec:
  filters:
  - grep:
      exclude:
      - {key: log, pattern: healthz}
---
apiVersion: fluentd.fluent.io/v1alpha1
kind: ClusterOutput
metadata: {name: store, labels: {output: 'on'}}
spec:
  outputs:
  - buffer: {type: file, retryForever: true, overflowAction: block}
    elasticsearch:
      host: es.search.svc
      port: 9200
      scheme: https
      sslVerify: false
      user: {valueFrom: {secretKeyRef: {name: es, key: user}}}
      password: {valueFrom: {secretKeyRef: {name: es, key: password}}}
";

#[test]
fn fluentd_is_read_as_the_operator_writes_it() {
    let read = pipeline(FLUENTD);
    assert_eq!(read.unread, []);
    assert_eq!(read.inputs[0].source.protocol(), Some("forward"));
    let [Route { steps, output: 0 }] = only_routes(&read) else { panic!("{read:#?}") };
    let [Step { effect: Effect::Namespaces(rule), .. }, Step { effect: Effect::DropsSome, at, .. }] =
        &steps[..]
    else {
        panic!("{steps:?}")
    };
    let names: Vec<&Pattern> = rule.only.iter().flatten().map(|one| &one.pattern).collect();
    assert_eq!(names, [&Pattern::Name("kube-system".into()), &Pattern::Name("shop".into())]);
    assert!(at.starts_with("cr.yaml:2"), "{at}");
    let Output { receiver, hosts, tls, verified, authenticated, buffer, retry, at, .. } = &read.outputs[0];
    assert_eq!(receiver, &Receiver::Service(Service::Elasticsearch));
    assert_eq!((hosts.value().unwrap()[0].as_str(), at.as_str()), ("es.search.svc:9200", "cr.yaml:33:5"));
    assert_eq!(tls.value(), Some(&true));
    assert!(authenticated.reason().unwrap().contains("Secret"));
    assert_eq!(verified.as_ref().unwrap().value(), Some(&false));
    assert_eq!(buffer.value(), Some(&Buffer::Disk(Some("/buffers/fluentd/log".into()))));
    assert_eq!(retry.value(), Some(&Retry::Forever));
}

#[test]
fn a_second_output_of_fluentd_gets_nothing_without_a_copy() {
    let other = |plugin: &str| {
        format!(
            "---\napiVersion: fluentd.fluent.io/v1alpha1\nkind: ClusterOutput\nmetadata: {{name: aaa, labels: {{output: 'on'}}}}\nspec: {{outputs: [{plugin}]}}\n"
        )
    };
    let two = pipeline(&format!("{FLUENTD}{}", other("{nullPlugin: {}}")));
    let [route] = only_routes(&two) else { panic!("{two:#?}") };
    assert_eq!(two.outputs[route.output].receiver, Receiver::Nothing);
    let copied = pipeline(&format!("{FLUENTD}{}", other("{copy: {copyMode: no_copy}}, {stdout: {}}")));
    assert_eq!(only_routes(&copied).len(), 2);
    let custom = pipeline(&format!("{FLUENTD}{}", other("{customPlugin: {config: '<match **>'}}")));
    assert_eq!((custom.unread.len(), only_routes(&custom).len()), (1, 1));
    let taken = |step: &Step| step.effect == Effect::Unclear;
    assert!(only_routes(&custom)[0].steps.iter().any(taken), "what is not read may take everything");
}

#[test]
fn configurations_of_fluentd_select_only_what_they_name() {
    let none = FLUENTD.replace("  clusterOutputSelector: {matchLabels: {output: 'on'}}\n", "");
    assert_eq!(only_routes(&pipeline(&none)), []);
    let all = resources(&FLUENTD.replace("labels: {enabled: 'true'}", "labels: {enabled: 'no'}"));
    assert!(read(&all[0], &all).unwrap_err().why.contains("no configuration"));
    let own = "---\napiVersion: fluentd.fluent.io/v1alpha1\nkind: FluentdConfig\nmetadata: {name: own, namespace: dev, labels: {enabled: 'true'}}\nspec: {outputSelector: {}}\n---\napiVersion: fluentd.fluent.io/v1alpha1\nkind: Output\nmetadata: {name: o, namespace: dev}\nspec: {outputs: [{forward: {servers: [{host: agg, port: '24224'}]}}]}\n---\napiVersion: fluentd.fluent.io/v1alpha1\nkind: Output\nmetadata: {name: o, namespace: other}\nspec: {outputs: [{stdout: {}}]}\n";
    let read = pipeline(&format!("{FLUENTD}{own}"));
    assert_eq!((only_routes(&read).len(), read.outputs.len()), (2, 2));
    let forward = read.outputs.iter().find(|one| one.receiver == Receiver::Collector("forward".into()));
    assert_eq!(forward.unwrap().hosts.value().unwrap(), &["agg:24224"]);
}
