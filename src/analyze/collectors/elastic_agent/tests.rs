use proptest::prelude::*;

use super::*;
use crate::analyze::collectors::config::Variable;
use crate::analyze::collectors::model::Receiver;
use crate::analyze::collectors::service::Service;
use crate::document::yaml;

const AT: &str = "ConfigMap logs/agent data[agent.yml]";

fn of(text: &str) -> Result<Pipeline, Unreadable> {
    read(&Config::of_text("/etc/elastic-agent/agent.yml", AT, text))
}

const TEXT: &str = r"outputs:
  default:
    type: elasticsearch
    hosts: [http://es.logs:9200]
    username: ${env.ES_USER}
  other: {type: logstash, hosts: ['ls:5044'], ssl.enabled: true}
inputs:
  - id: pods
    type: filestream
    streams:
      - data_stream: {type: logs}
        paths: ['/var/log/containers/*${kubernetes.container.id}.log']
        processors: [{drop_event: {when: {contains: {message: a}}}}]
  - id: kernel
    type: audit/auditd
    use_output: other
  - id: events
    type: kubernetes/metrics
    use_output: missing
    streams:
      - data_stream: {dataset: kubernetes.event, type: metrics}
      - data_stream: {dataset: kubernetes.node, type: metrics}
providers.kubernetes.hints.enabled: true
";

#[test]
fn streams_lead_to_the_output_they_name() {
    let mut config = Config::of_text("/etc/elastic-agent/agent.yml", AT, TEXT);
    config.env.variables.insert("ES_USER".into(), Variable::Hidden("from a Secret".into(), "x".into()));
    let pipeline = read(&config).unwrap();
    let [pods, kernel, events] = pipeline.inputs.as_slice() else { panic!("{:?}", pipeline.inputs) };
    let Source::Files { include, .. } = &pods.source else { panic!() };
    assert_eq!(include[0].value().unwrap(), "/var/log/containers/*.log");
    assert_eq!(pods.position.as_ref().unwrap().value(), Some(&Some(STATE.to_owned())));
    let route = &pods.routes.value().unwrap()[0];
    assert_eq!((route.output, &route.steps[0].effect), (0, &Effect::DropsSome));
    assert_eq!((pods.at.clone(), route.steps[0].at.clone()), (format!("{AT}:11:9"), format!("{AT}:13:23")));
    assert_eq!((&kernel.source, kernel.routes.value().unwrap()[0].output), (&Source::KernelAudit, 1));
    assert!(matches!(events.source, Source::Events { .. }) && events.routes.value().unwrap().is_empty());
    assert_eq!(pipeline.outputs[0].receiver, Receiver::Service(Service::Elasticsearch));
    assert_eq!(
        (pipeline.outputs[0].tls.value(), pipeline.outputs[0].authenticated.value()),
        (Some(&false), Some(&true))
    );
    assert_eq!((pipeline.outputs[1].tls.value(), pipeline.unread.len()), (Some(&true), 1));
    assert_eq!(pipeline.unread[0].at, format!("{AT}:23:1"));
}

#[test]
fn outputs_that_are_off_take_nothing() {
    for (on, routes) in [("true", Some(1)), ("false", Some(0)), ("'${env.ON}'", None)] {
        let text = format!(
            "outputs: {{default: {{type: console, enabled: {on}}}}}\ninputs: [{{type: filestream, paths: [/x]}}]\n"
        );
        let mut config = Config::of_text("/etc/elastic-agent/agent.yml", AT, &text);
        config.env.variables.insert("ON".into(), Variable::Hidden("from a Secret".into(), "x".into()));
        let found = read(&config).unwrap().inputs[0].routes.value().map(Vec::len);
        assert_eq!(found, routes, "{on}");
    }
}

#[test]
fn files_are_read_as_filebeat_does() {
    let stream = |text: &str| {
        let text = format!("inputs: [{{type: filestream, paths: [/var/log/containers/*.log]{text}}}]\n");
        let Source::Files { exclude, .. } = of(&text).unwrap().inputs.remove(0).source else { panic!() };
        exclude.iter().filter_map(Fact::value).cloned().collect::<Vec<_>>()
    };
    assert_eq!(stream(""), ["/var/log/containers/*"]);
    assert_eq!(stream(", prospector.scanner.symlinks: true"), [""; 0]);
    let excluded = ", prospector.scanner: {symlinks: true, exclude_files: ['x$']}";
    assert_eq!(stream(excluded), ["**x"]);
}

#[test]
fn a_policy_of_fleet_is_not_seen() {
    let mut config = Config::of_text("/etc/elastic-agent/agent.yml", AT, TEXT);
    config.env.variables.insert("FLEET_ENROLL".into(), Variable::Seen("1".into(), "x".into()));
    assert!(read(&config).unwrap_err().why.contains("Fleet"));
    assert_eq!(of("fleet.enabled: true\n").unwrap_err().at, format!("{AT}:1:1"));
}

#[test]
fn broken_and_hostile_texts_end() {
    assert_eq!(of("inputs: [\n").unwrap_err().at, format!("{AT}:1:9"));
    assert!(of(&format!("{}{}", "[".repeat(10_000), "]".repeat(10_000))).is_err());
    assert!(of(&"a".repeat(4 * 1024 * 1024)).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_soup_ends(words in proptest::collection::vec(prop_oneof![
        Just("inputs:"), Just("outputs:"), Just("streams:"), Just("\n"), Just("\n  "), Just("- "), Just("type: filestream"),
        Just(" ${env.A}"), Just(" ${a|'b'}"), Just(" {}"), Just(" [a]"), Just("hosts:"), Just("x"), Just("processors:"),
    ], 0..40)) {
        let _ = of(&words.concat());
    }
}

#[test]
fn corpus_files_are_read_or_refused_with_a_reason() {
    let Ok(folder) = std::env::var("LOGAUDIT_CORPUS") else { return };
    let mut read = 0;
    for entry in std::fs::read_dir(format!("{folder}/collectors")).unwrap() {
        let Ok(text) = std::fs::read_to_string(entry.unwrap().path()) else { continue };
        for tree in yaml::parse(&text).trees {
            let document = tree.document("corpus").value;
            let held = ["data", "stringData"]
                .map(|key| document.get(key).and_then(|data| data.get("agent.yml")).cloned());
            for text in held.iter().flatten().filter_map(|text| text.as_str()) {
                match of(text) {
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

#[test]
fn a_resource_is_read_with_what_eck_fills_in() {
    let resource = |text: &str| crate::analyze::collectors::fields::tests::resources(text).remove(0);
    let text = "apiVersion: agent.k8s.elastic.co/v1alpha1\nkind: Agent\nmetadata: {name: logs, namespace: elastic}\nspec:\n  elasticsearchRefs: [{name: es}]\n  daemonSet: {}\n  config:\n    inputs:\n    - id: pods\n      type: filestream\n      streams:\n      - {id: all, paths: ['/var/log/containers/*.log']}\n";
    let read = read_resource(&resource(text)).unwrap();
    let [Route { output: 0, steps }] = read.inputs[0].routes.value().unwrap().as_slice() else { panic!() };
    assert_eq!(steps, &[]);
    assert!(read.outputs[0].hosts.reason().unwrap().contains("elasticsearchRefs"));
    assert_eq!(read.outputs[0].authenticated.value(), Some(&true));
    assert!(read.outputs[0].tls.value().is_none());
    let disabled =
        text.replace("      type: filestream\n", "      type: filestream\n      use_output: other\n");
    assert_eq!(read_resource(&resource(&disabled)).unwrap().inputs[0].routes.value(), Some(&Vec::new()));
    let fleet = read_resource(&resource("kind: Agent\nspec: {mode: fleet, config: {}}\n"));
    assert!(fleet.unwrap_err().why.contains("Fleet"));
    let secret = read_resource(&resource("kind: Agent\nspec: {configRef: {secretName: s}}\n"));
    assert!(secret.unwrap_err().why.contains("Secret"));
}
