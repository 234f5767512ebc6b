use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::analyze::collectors::config::{File, Hidden};

fn env(pairs: &[(&str, &str)]) -> Config {
    let mut config = Config { main: "DaemonSet datadog/agent".into(), ..Config::default() };
    for (name, value) in pairs {
        let variable = Variable::Seen((*value).to_owned(), format!("env {name}"));
        config.env.variables.insert((*name).to_owned(), variable);
    }
    config
}

#[test]
fn without_variables_no_logs_are_read() {
    let pipeline = read(&env(&[])).unwrap();
    assert_eq!((pipeline.inputs.len(), pipeline.unread.len()), (0, 0));
    let mut open = env(&[]);
    open.env.variables.insert("DD_LOGS_ENABLED".into(), Variable::Hidden("from a Secret".into(), "x".into()));
    let pipeline = read(&open).unwrap();
    assert!(pipeline.inputs.is_empty() && pipeline.unread[0].why.contains("from a Secret"));
}

#[test]
fn all_containers_less_what_is_excluded() {
    let on = [("DD_LOGS_ENABLED", "true"), ("DD_API_KEY", "REDACTED"), ("DD_SITE", "datadoghq.eu")];
    let pipeline = read(&env(&on)).unwrap();
    let Source::Containers { only, .. } = &pipeline.inputs[0].source else { panic!() };
    assert!(only.is_some());
    let output = &pipeline.outputs[0];
    assert_eq!(output.hosts.value().unwrap(), &["agent-http-intake.logs.datadoghq.eu"]);
    assert_eq!(output.receiver, Receiver::Service(Service::Datadog));
    assert_eq!((output.tls.value(), output.authenticated.value()), (Some(&true), Some(&true)));
    assert_eq!(pipeline.inputs[0].position.as_ref().unwrap().value(), Some(&Some(RUN_PATH.to_owned())));

    let mut more = on.to_vec();
    more.push(("DD_LOGS_CONFIG_CONTAINER_COLLECT_ALL", "true"));
    more.push(("DD_CONTAINER_EXCLUDE_LOGS", "kube_namespace:kube-system name:^web$"));
    more.push(("DD_LOGS_CONFIG_LOGS_DD_URL", "http://vector.logs:8282"));
    let pipeline = read(&env(&more)).unwrap();
    let Source::Containers { only: None, namespaces, .. } = &pipeline.inputs[0].source else { panic!() };
    assert_eq!(namespaces.except[0].pattern, Pattern::Regex("kube-system".into()));
    assert_eq!(namespaces.except[0].at, "env DD_CONTAINER_EXCLUDE_LOGS");
    assert_eq!(pipeline.inputs[0].steps[0].effect, Effect::DropsSome);
    assert_eq!((pipeline.outputs[0].tls.value(), &pipeline.outputs[0].verified), (Some(&false), &None));
    assert_eq!(pipeline.outputs[0].receiver, Receiver::Collector("datadog".into()));

    more.push(("DD_CONTAINER_EXCLUDE", "image:.*"));
    more.push(("DD_CONTAINER_INCLUDE", "kube_namespace:^prod$"));
    let pipeline = read(&env(&more)).unwrap();
    let Source::Containers { namespaces, .. } = &pipeline.inputs[0].source else { panic!() };
    assert_eq!(namespaces.only.as_ref().unwrap()[0].pattern, Pattern::Regex("^prod$".into()));
}

#[test]
fn files_of_conf_d_read_more() {
    let mut config = env(&[("DD_LOGS_ENABLED", "true")]);
    let text = "logs:\n  - type: file\n    path: /var/log/audit.log\n    log_processing_rules:\n      - {type: exclude_at_match, name: x, pattern: y}\n  - type: journald\n";
    let path = "/etc/datadog-agent/conf.d/audit.d/conf.yaml".to_owned();
    config.files.push(File { path, at: "cm".into(), text: text.into() });
    config.hidden.push(Hidden { path: "/conf.d".into(), why: "a Secret".into() });
    config.hidden.push(Hidden { path: "/".into(), why: "the image".into() });
    let pipeline = read(&config).unwrap();
    let [_, file, journal, unseen] = pipeline.inputs.as_slice() else { panic!("{:?}", pipeline.inputs) };
    let Source::Files { include, .. } = &file.source else { panic!() };
    assert_eq!((include[0].value().unwrap().as_str(), file.at.as_str()), ("/var/log/audit.log", "cm:2:5"));
    let [route] = file.routes.value().unwrap().as_slice() else { panic!() };
    assert_eq!((route.output, route.steps[0].effect.clone()), (0, Effect::DropsSome));
    assert!(matches!(journal.source, Source::Journal { folder: None, .. }));
    let Source::Files { include, .. } = &unseen.source else { panic!() };
    assert!(include[0].reason().unwrap().contains("a Secret"));
    config.env.variables.clear();
    assert_eq!(read(&config).unwrap().inputs, []);
}

#[test]
fn resources_are_read_with_their_places() {
    let spec = json!({
        "global": {"site": "us3.datadoghq.com", "credentials": {"apiSecret": {"secretName": "s"}}},
        "features": {"logCollection": {"enabled": true, "containerCollectAll": true}},
        "override": {"nodeAgent": {"env": [{"name": "DD_CONTAINER_EXCLUDE", "value": "kube_namespace:^a$"}]}},
    });
    let resource =
        Resource { at: "DatadogAgent dd/agent".into(), spec, marks: BTreeMap::new(), ..Resource::default() };
    let pipeline = read_resource(&resource).unwrap();
    let Source::Containers { only: None, namespaces, .. } = &pipeline.inputs[0].source else { panic!() };
    assert_eq!(namespaces.except.len(), 1);
    assert_eq!(pipeline.inputs[0].at, "DatadogAgent dd/agent spec features.logCollection.enabled");
    assert_eq!(pipeline.outputs[0].authenticated.value(), Some(&true));
    assert!(matches!(pipeline.inputs[1].source, Source::Events { .. }));
    let none = Resource { at: "DatadogAgent dd/agent".into(), ..Resource::default() };
    let pipeline = read_resource(&none).unwrap();
    assert!(pipeline.inputs.iter().all(|input| matches!(input.source, Source::Events { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_variables_end(value in "\\PC{0,80}", name in prop_oneof![
        Just("DD_LOGS_ENABLED"), Just("DD_CONTAINER_EXCLUDE"), Just("DD_LOGS_CONFIG_LOGS_DD_URL"), Just("DD_SITE"),
    ]) {
        let pairs = [("DD_LOGS_ENABLED", "true"), ("DD_LOGS_CONFIG_CONTAINER_COLLECT_ALL", "true"), (name, value.as_str())];
        let _ = read(&env(&pairs));
    }
}
