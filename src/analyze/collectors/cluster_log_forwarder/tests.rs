use proptest::prelude::*;

use super::*;
use crate::analyze::collectors::model::{Buffer, Effect, Pattern, Receiver, Retry, Source, WhenFull};
use crate::analyze::collectors::service::Service;
use crate::document::yaml;

/// The object in a text, with places as those of a file.
fn resource(text: &str) -> Resource {
    let (mut documents, faults) = yaml::nested(text, "f");
    assert!(faults.is_empty(), "{faults:?}");
    of_document(&documents.remove(0))
}

fn of_document(document: &Document) -> Resource {
    let field = |pointer: &str| crate::document::text(&document.value, pointer).to_owned();
    Resource {
        group: field("/apiVersion").split('/').next().unwrap_or_default().to_owned(),
        kind: field("/kind"),
        namespace: field("/metadata/namespace"),
        name: field("/metadata/name"),
        at: document.place.at.clone(),
        marks: document.place.marks.clone(),
        labels: BTreeMap::new(),
        spec: document.value.get("spec").cloned().unwrap_or_default(),
        status: serde_json::Value::Null,
    }
}

fn pipeline(text: &str) -> Pipeline {
    read(&resource(text)).unwrap()
}

fn ids(pipeline: &Pipeline) -> Vec<&str> {
    pipeline.inputs.iter().map(|input| input.id.as_str()).collect()
}

fn files(source: &Source) -> Vec<&str> {
    let Source::Files { include, .. } = source else { panic!("{source:?}") };
    include.iter().filter_map(|glob| glob.value().map(String::as_str)).collect()
}

const HEAD: &str = "apiVersion: observability.openshift.io/v1\nkind: ClusterLogForwarder\nmetadata: {name: c, namespace: \
                    openshift-logging}\nspec:\n  serviceAccount: {name: collector}\n";

#[test]
fn audit_through_a_second_policy() {
    let resource = resource(&format!(
        "{HEAD}  inputs:\n  - name: api\n    type: audit\n    audit: {{sources: [kubeAPI]}}\n  filters:\n  - name: policy\n    \
         type: kubeAPIAudit\n    kubeAPIAudit: {{rules: [{{level: None}}]}}\n  outputs:\n  - name: es\n    type: \
         elasticsearch\n    elasticsearch:\n      url: https://es.example.com:9200\n      authentication: {{username: {{key: u, \
         secretName: s}}}}\n      tuning: {{deliveryMode: AtLeastOnce}}\n    tls: {{insecureSkipVerify: true}}\n  pipelines:\n  \
         - name: p\n    inputRefs: [api]\n    filterRefs: [policy]\n    outputRefs: [es]\n"
    ));
    assert_eq!(service_account(&resource).as_deref(), Some("collector"));
    let pipeline = read(&resource).unwrap();
    assert_eq!(ids(&pipeline), ["inputs.api.kubeAPI"]);
    let input = &pipeline.inputs[0];
    assert_eq!(
        (files(&input.source), input.at.as_str()),
        (vec!["/var/log/kube-apiserver/audit.log"], "f:7:5")
    );
    assert_eq!(
        input.position.as_ref().unwrap().value().unwrap().as_deref(),
        Some("/var/lib/vector/openshift-logging/c")
    );
    let route = &input.routes.value().unwrap()[0];
    assert_eq!((route.steps[0].at.as_str(), &route.steps[0].effect), ("f:11:5", &Effect::DropsSome));
    let es = &pipeline.outputs[0];
    assert_eq!(es.receiver, Receiver::Service(Service::Elasticsearch));
    assert_eq!(es.hosts.value().unwrap(), &["es.example.com:9200"]);
    assert_eq!(es.tls.value(), Some(&true));
    let Some(Fact::Known(verified)) = &es.verified else { panic!() };
    assert_eq!((verified.value, verified.evidence[0].at.as_str()), (false, "f:21:11"));
    assert_eq!(es.authenticated.value(), Some(&true));
    assert!(matches!(es.buffer.value(), Some(Buffer::Disk(Some(_)))));
    assert_eq!(es.when_full.value(), Some(&WhenFull::Waits));
    assert_eq!(es.retry.value(), Some(&Retry::Forever));
}

#[test]
fn without_audit_in_a_pipeline_no_audit_is_read() {
    let pipeline = pipeline(&format!(
        "{HEAD}  outputs:\n  - name: s\n    type: syslog\n    syslog: {{url: 'udp://syslog.example.com:514'}}\n  pipelines:\n  \
         - {{name: p, inputRefs: [application, infrastructure], outputRefs: [s]}}\n"
    ));
    assert_eq!(
        ids(&pipeline),
        ["inputs.application", "inputs.infrastructure.container", "inputs.infrastructure.node"]
    );
    let Source::Containers { namespaces, .. } = &pipeline.inputs[0].source else { panic!() };
    assert_eq!(namespaces.except[1].pattern, Pattern::Glob("kube*".into()));
    assert_eq!(pipeline.inputs[0].opt_outs.len(), 2);
    assert!(matches!(pipeline.inputs[2].source, Source::Journal { .. }));
    let syslog = &pipeline.outputs[0];
    assert_eq!(syslog.receiver, Receiver::Syslog("udp".into()));
    assert_eq!((syslog.tls.value(), &syslog.verified), (Some(&false), &None));
    assert_eq!((syslog.retry.value(), syslog.authenticated.value()), (Some(&Retry::Never), Some(&false)));
    assert_eq!(syslog.buffer.value(), Some(&Buffer::Memory));
}

#[test]
fn the_built_in_audit_reads_four_sources() {
    let pipeline = pipeline(&format!(
        "{HEAD}  outputs:\n  - name: l\n    type: lokiStack\n    lokiStack:\n      target: {{name: logs, namespace: openshift-logging}}\n      authentication: \
         {{token: {{from: serviceAccount}}}}\n  pipelines:\n  - {{name: p, inputRefs: [audit], outputRefs: [l]}}\n"
    ));
    let [kernel, api, openshift, ovn] = pipeline.inputs.as_slice() else { panic!("{:?}", pipeline.inputs) };
    assert_eq!(kernel.source, Source::KernelAudit);
    assert_eq!(files(&api.source), ["/var/log/kube-apiserver/audit.log"]);
    assert_eq!(files(&openshift.source).len(), 3);
    assert_eq!(files(&ovn.source), ["/var/log/ovn/acl-audit-log.log"]);
    assert_eq!((api.at.as_str(), openshift.at.as_str()), ("f:13:27", "f:13:27"));
    // Files that rest for an hour are not read, which drops nothing that is.
    assert_eq!(api.steps[0].effect, Effect::Skips);
    assert_eq!(pipeline.outputs[0].hosts.value().unwrap(), &["logs-gateway-http.openshift-logging.svc:8080"]);
    assert_eq!(pipeline.outputs[0].tls.value(), Some(&true));
}

#[test]
fn inputs_choose_and_leave_out() {
    let pipeline = pipeline(&format!(
        "{HEAD}  inputs:\n  - name: apps\n    type: application\n    application:\n      includes: [{{namespace: a*}}, \
         {{namespace: b, container: web}}]\n      excludes: [{{namespace: ab}}, {{namespace: a, container: x}}]\n      \
         selector: {{matchLabels: {{a: b}}}}\n      tuning: {{rateLimitPerContainer: {{maxRecordsPerSecond: 10}}}}\n  - name: \
         hook\n    type: receiver\n    receiver: {{type: http, port: 8443, http: {{format: kubeAPIAudit}}}}\n  outputs: []\n  \
         pipelines: []\n"
    ));
    let Source::Containers { namespaces, only, exclude, .. } = &pipeline.inputs[0].source else { panic!() };
    assert_eq!(namespaces.only.as_ref().unwrap().len(), 2);
    assert_eq!(namespaces.except[0].pattern, Pattern::Name("ab".into()));
    assert_eq!(exclude[0].value().unwrap(), "/var/log/pods/a_*/x/*.log");
    assert_eq!(only.as_deref(), Some("containers web in namespaces b; pods that its selector matches"));
    assert_eq!(pipeline.inputs[0].steps[0].effect, Effect::Limits);
    assert_eq!(pipeline.inputs[0].routes.value().unwrap(), &[]);
    assert_eq!(pipeline.inputs[1].source.protocol(), Some("http"));
    assert_eq!(pipeline.inputs[1].position, None);
}

#[test]
fn the_older_form() {
    let resource = resource(
        "apiVersion: logging.openshift.io/v1\nkind: ClusterLogForwarder\nmetadata: {name: instance, namespace: \
         openshift-logging}\nspec:\n  inputs:\n  - name: mine\n    application: {namespaces: [a]}\n  outputs:\n  - {name: k, \
         type: kafka, url: 'tls://kafka:9093/topic', secret: {name: s}}\n  pipelines:\n  - inputRefs: [audit, mine]\n    \
         outputRefs: [default, k]\n",
    );
    assert_eq!(service_account(&resource).as_deref(), Some("logcollector"));
    let pipeline = read(&resource).unwrap();
    assert_eq!(pipeline.inputs.len(), 5);
    assert!(pipeline.inputs.iter().all(|input| input.routes.value().unwrap().len() == 2));
    let kafka = &pipeline.outputs[0];
    assert_eq!(kafka.hosts.value().unwrap(), &["kafka:9093"]);
    assert_eq!(kafka.tls.value(), Some(&true));
    assert!(kafka.authenticated.reason().unwrap().contains("Secret"));
    assert_eq!(pipeline.outputs[1].id, "outputs.default");
}

#[test]
fn references_to_nothing_are_told() {
    let pipeline = pipeline(&format!(
        "{HEAD}  outputs: []\n  pipelines:\n  - {{name: p, inputRefs: [audit], filterRefs: [f], outputRefs: [nowhere]}}\n"
    ));
    let at: Vec<_> = pipeline.unread.iter().map(|one| one.at.as_str()).collect();
    assert_eq!(at, ["f:8:65", "f:8:48"]);
    assert_eq!(pipeline.inputs[0].routes.value().unwrap(), &[]);
}

#[test]
fn what_is_no_forwarder_is_refused() {
    let refused = |text: &str| read(&resource(text)).unwrap_err().why;
    assert_eq!(refused("kind: ClusterLogForwarder\n"), "it has no spec");
    assert!(refused(&format!("{HEAD}  managementState: Unmanaged\n")).contains("Unmanaged"));
    let many = "  - {name: o}\n".repeat(600);
    assert!(refused(&format!("{HEAD}  outputs:\n{many}")).contains("more than 200 outputs"));
}

#[test]
fn the_corpus_is_read_or_refused() {
    let Some(folder) = std::env::var_os("LOGAUDIT_CORPUS") else { return };
    let mut count = 0;
    for entry in std::fs::read_dir(std::path::Path::new(&folder).join("collectors")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        for document in yaml::nested(&text, &path.file_name().unwrap().to_string_lossy()).0 {
            let resource = of_document(&document);
            if resource.kind == "ClusterLogForwarder" {
                count += 1;
                match read(&resource) {
                    Ok(pipeline) => println!("{pipeline:#?}"),
                    Err(unreadable) => assert!(!unreadable.why.is_empty()),
                }
            }
        }
    }
    assert!(count > 0);
}

fn any_value() -> impl Strategy<Value = serde_json::Value> {
    let words = vec![
        "",
        "audit",
        "application",
        "kubeAPI",
        "elasticsearch",
        "kafka",
        "syslog",
        "lokiStack",
        "default",
        "o",
        "i",
        "udp://x:1",
        "https://[",
        "AtLeastOnce",
        "drop",
        "receiver",
        "*",
        "kube*",
    ];
    let leaf = prop_oneof![
        prop::sample::select(words).prop_map(serde_json::Value::from),
        any::<i32>().prop_map(serde_json::Value::from),
        any::<bool>().prop_map(serde_json::Value::from),
        Just(serde_json::Value::Null),
    ];
    let keys = vec![
        "inputs",
        "outputs",
        "filters",
        "pipelines",
        "name",
        "type",
        "url",
        "audit",
        "application",
        "kafka",
        "brokers",
        "inputRefs",
        "outputRefs",
        "filterRefs",
        "tls",
        "tuning",
        "sources",
        "includes",
        "excludes",
        "target",
        "lokiStack",
    ];
    leaf.prop_recursive(6, 80, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
            prop::collection::vec((prop::sample::select(keys.clone()), inner), 0..6)
                .prop_map(|fields| fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #[test]
    fn arbitrary_specs_never_panic(spec in any_value(), is_older in any::<bool>()) {
        let group = if is_older { "logging.openshift.io" } else { "observability.openshift.io" };
        let resource = Resource { group: group.to_owned(), spec, ..resource(HEAD) };
        drop(read(&resource));
        let _ = service_account(&resource);
    }
}
