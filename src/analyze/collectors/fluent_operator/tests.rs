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
    let all = resources("apiVersion: fluentd.fluent.io/v1alpha1\nkind: Fluentd\nspec: {}\n");
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
