use proptest::prelude::*;

use super::*;
use crate::analyze::collectors::config::{File, Variable};
use crate::analyze::collectors::model::{Buffer, Effect, Pattern, Receiver, Retry, Source, WhenFull};
use crate::analyze::collectors::service::Service;
use crate::document::yaml;

const AT: &str = "ConfigMap logs/filebeat data[filebeat.yml]";

fn of(text: &str) -> Result<Pipeline, Unreadable> {
    read(&Config::of_text("/etc/filebeat.yml", AT, text))
}

fn at<T>(fact: &Fact<T>) -> (&T, &str) {
    let Fact::Known(known) = fact else { panic!("{:?}", fact.reason()) };
    (&known.value, known.evidence.first().map_or("", |one| one.at.as_str()))
}

fn place(line: usize, column: usize) -> String {
    format!("{AT}:{line}:{column}")
}

const CHAIN: &str = r"filebeat.inputs:
  - type: filestream
    id: audit
    paths: [/var/log/kubernetes/audit/*.log]
    prospector.scanner.exclude_files: ['\.gz$']
  - type: log
    enabled: false
    paths: [/x]
path.data: /var/lib/filebeat
queue.disk: {path: /queue, max_size: 1GB}
processors:
  - add_cloud_metadata:
output.elasticsearch:
  hosts: ['https://es.logs.svc:9200']
  api_key: REDACTED
  ssl.verification_mode: certificate
";

#[test]
fn a_whole_chain_is_proven() {
    let pipeline = of(CHAIN).unwrap();
    let [input] = pipeline.inputs.as_slice() else { panic!() };
    let Source::Files { include, exclude } = &input.source else { panic!() };
    assert_eq!(at(&include[0]), (&"/var/log/kubernetes/audit/*.log".to_owned(), &*place(4, 13)));
    assert_eq!(at(&exclude[0]).0, "**.gz");
    assert_eq!(
        at(input.position.as_ref().unwrap()),
        (&Some("/var/lib/filebeat/registry".to_owned()), &*place(9, 1))
    );
    let (routes, from) = at(&input.routes);
    assert_eq!((routes.len(), routes[0].steps.len(), from), (1, 0, &*place(13, 1)));
    let [output] = pipeline.outputs.as_slice() else { panic!() };
    assert_eq!(
        (output.id.as_str(), &output.receiver),
        ("output.elasticsearch", &Receiver::Service(Service::Elasticsearch))
    );
    assert_eq!(at(&output.hosts), (&vec!["es.logs.svc:9200".to_owned()], &*place(14, 3)));
    assert_eq!(at(&output.tls), (&true, &*place(14, 3)));
    assert_eq!(at(output.verified.as_ref().unwrap()), (&true, &*place(16, 3)));
    assert_eq!(at(&output.authenticated), (&true, &*place(15, 3)));
    assert_eq!(at(&output.buffer), (&Buffer::Disk(Some("/queue".into())), &*place(10, 1)));
    assert_eq!((at(&output.retry).0, at(&output.when_full).0), (&Retry::Forever, &WhenFull::Waits));
}

#[test]
fn links_are_followed_only_if_told() {
    let excluded = |kind: &str, more: &str| {
        let text = format!(
            "filebeat.inputs:\n  - type: {kind}\n{more}    paths: [/var/log/containers/*.log]\noutput.console: {{}}\n"
        );
        let pipeline = of(&text).unwrap();
        let Source::Files { exclude, .. } = &pipeline.inputs[0].source else { panic!() };
        exclude.iter().map(|glob| glob.value().unwrap().clone()).collect::<Vec<_>>()
    };
    assert_eq!(excluded("filestream", ""), ["/var/log/containers/*"]);
    assert_eq!(excluded("filestream", "    prospector.scanner.symlinks: true\n"), [""; 0]);
    assert_eq!(excluded("log", ""), ["/var/log/containers/*"]);
    assert_eq!(excluded("log", "    symlinks: true\n"), [""; 0]);
    assert_eq!(excluded("container", ""), [""; 0]);
}

#[test]
fn the_queue_lies_in_the_data_folder_unless_told() {
    let pipeline = of(&CHAIN.replace("path: /queue, ", "")).unwrap();
    assert_eq!(at(&pipeline.outputs[0].buffer).0, &Buffer::Disk(Some("/var/lib/filebeat/diskqueue".into())));
}

#[test]
fn hints_are_for_all_or_for_those_that_ask() {
    let text = |default: &str| {
        format!(
            "filebeat.autodiscover:\n  providers:\n    - type: kubernetes\n      hints.enabled: true\n{default}\
             output.logstash: {{hosts: [logstash:5044]}}\n"
        )
    };
    let opt_in = of(&text(
        "      hints.default_config:\n        enabled: false\n        paths: ['/var/log/containers/*${data.container.id}.log']\n",
    ))
    .unwrap();
    let Source::Containers { only, folder, .. } = &opt_in.inputs[0].source else { panic!() };
    assert_eq!((only.is_some(), folder.as_str()), (true, "/var/log/containers"));
    let all = of(&text("")).unwrap();
    let Source::Containers { only, .. } = &all.inputs[0].source else { panic!() };
    assert_eq!(*only, None);
    let way = &all.inputs[0].opt_outs[0];
    assert_eq!(
        (way.key.as_str(), way.value.as_str(), at(&way.honoured).1),
        ("co.elastic.logs/enabled", "false", &*place(4, 7))
    );
    let output = &all.outputs[0];
    assert_eq!((at(&output.tls), output.verified.is_none()), ((&false, &*place(5, 1)), true));
    assert_eq!(output.receiver, Receiver::Collector("lumberjack".into()));
}

fn effects(processors: &str) -> Vec<Effect> {
    let text = format!(
        "filebeat.inputs: [{{type: container, paths: [/a]}}]\nprocessors:\n{processors}\noutput.console:\n"
    );
    let pipeline = of(&text).unwrap();
    pipeline.inputs[0].routes.value().unwrap()[0].steps.iter().map(|step| step.effect.clone()).collect()
}

#[test]
fn processors_drop_and_mask() {
    let found = effects("  - drop_event.when.equals.kubernetes.namespace: kube-system");
    let Effect::Namespaces(rule) = &found[0] else { panic!() };
    assert_eq!(rule.except[0].pattern, Pattern::Name("kube-system".into()));
    let found = effects("  - drop_event: {when: {not: {regexp: {kubernetes.namespace: '^prod'}}}}");
    let Effect::Namespaces(rule) = &found[0] else { panic!() };
    assert_eq!(rule.only.as_ref().unwrap()[0].pattern, Pattern::Regex("^prod".into()));
    assert_eq!(
        effects("  - drop_event: {when: {or: [{contains: {message: a}}, {equals: {b: c}}]}}"),
        [Effect::DropsSome]
    );
    assert_eq!(effects("  - drop_event:"), [Effect::DropsAll]);
    assert_eq!(
        effects("  - rate_limit: {limit: 10/s}\n  - script: {lang: javascript}"),
        [Effect::Limits, Effect::Unclear]
    );
    assert_eq!(effects("  - drop_fields: {fields: [agent.id]}"), []);
    assert_eq!(
        effects("  - if: {has_fields: [a]}\n    then: [{drop_event: {when: {equals: {a: b}}}}]"),
        [Effect::DropsSome]
    );
}

#[test]
fn outputs_are_told_by_their_own_defaults() {
    let one = |output: &str| of(&format!("filebeat.inputs: [{{paths: [/a]}}]\n{output}\n")).unwrap();
    let plain = one("output.elasticsearch: {hosts: [es:9200], ssl.verification_mode: none}");
    assert_eq!(plain.outputs[0].tls.value(), Some(&false));
    let open = one("output.elasticsearch: {hosts: [es:9200], protocol: https, ssl.verification_mode: none}");
    assert_eq!(open.outputs[0].tls.value(), Some(&true));
    assert_eq!(open.outputs[0].verified.as_ref().unwrap().value(), Some(&false));
    assert_eq!(
        one("output.kafka: {hosts: [k:9093], ssl.certificate_authorities: [/ca]}").outputs[0].tls.value(),
        Some(&true)
    );
    let cloud = one("cloud.id: x:y\ncloud.auth: REDACTED\noutput.elasticsearch:");
    assert_eq!(cloud.outputs[0].receiver, Receiver::Service(Service::ElasticCloud));
    assert_eq!(
        (cloud.outputs[0].tls.value(), cloud.outputs[0].authenticated.value()),
        (Some(&true), Some(&true))
    );
    let none = one("output.elasticsearch: {enabled: false, hosts: [a]}");
    assert_eq!((none.outputs.len(), none.inputs[0].routes.value()), (0, Some(&Vec::new())));
}

#[test]
fn what_is_not_seen_is_told() {
    let mut config =
        Config::of_text("/etc/filebeat.yml", AT, &CHAIN.replace("https://es.logs.svc:9200", "${ES:x:1}"));
    assert_eq!(read(&config).unwrap().outputs[0].hosts.value().unwrap(), &["x:1"]);
    let hidden = Variable::Hidden("from the Secret s".into(), "DaemonSet logs/filebeat".into());
    config.env.variables.insert("ES".into(), hidden);
    let pipeline = read(&config).unwrap();
    assert!(pipeline.outputs[0].hosts.reason().unwrap().contains("from the Secret s"));
    assert_eq!(pipeline.outputs[0].tls.value(), None);

    let text = "filebeat.config.inputs:\n  path: ${path.config}/inputs.d/*.yml\noutput.console:\n";
    let mut config = Config::of_text("/usr/share/filebeat/filebeat.yml", AT, text);
    let pipeline = read(&config).unwrap();
    assert_eq!((pipeline.unread[0].at.as_str(), pipeline.inputs.len()), (&*place(2, 3), 0));
    let more = "- type: container\n  paths: [/var/log/containers/*.log]\n";
    config.files.push(File {
        path: "/usr/share/filebeat/inputs.d/a.yml".into(),
        at: "a.yml".into(),
        text: more.into(),
    });
    let pipeline = read(&config).unwrap();
    assert_eq!((pipeline.unread.len(), pipeline.inputs[0].at.as_str()), (0, "a.yml:1:3"));
}

#[test]
fn other_beats_read_journals_and_the_kernel() {
    let text = "auditbeat.modules:\n  - module: auditd\noutput.elasticsearch: {hosts: [es]}\n";
    let pipeline = of(text).unwrap();
    assert_eq!(
        (&pipeline.inputs[0].source, at(&pipeline.outputs[0].retry).0),
        (&Source::KernelAudit, &Retry::Limited("3 retries".into()))
    );
    let text = "journalbeat.inputs:\n  - paths: [/var/log/journal]\noutput.elasticsearch: {hosts: [es]}\n";
    let pipeline = of(text).unwrap();
    assert!(
        matches!(&pipeline.inputs[0].source, Source::Journal { folder: Some(_), only } if only.is_empty())
    );
    assert_eq!(
        at(pipeline.inputs[0].position.as_ref().unwrap()).0,
        &Some("/usr/share/journalbeat/data/registry".into())
    );
}

#[test]
fn broken_and_hostile_texts_end() {
    assert_eq!(of("filebeat.inputs: [\n").unwrap_err().at, format!("{AT}:1:18"));
    assert_eq!(of("text").unwrap_err().at, place(1, 1));
    assert!(of(&format!("{}{}", "[".repeat(10_000), "]".repeat(10_000))).is_err());
    assert!(of(&"a".repeat(4 * 1024 * 1024)).is_err());
    assert!(of(&format!("{}a: 1\n", "a.".repeat(400))).is_ok());
    assert!(of(&format!("{}a: 1\n", "a.".repeat(100_000))).is_err());
    let looped = "filebeat.config.inputs.path: /etc/filebeat.yml\noutput.console:\n";
    assert!(of(looped).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_ends(text in "\\PC{0,200}") {
        let _ = of(&text);
    }

    #[test]
    fn any_soup_ends(words in proptest::collection::vec(prop_oneof![
        Just("filebeat.inputs:"), Just("filebeat:"), Just("autodiscover:"), Just("processors:"), Just("- drop_event:"),
        Just("when"), Just(".or:"), Just(".not:"), Just("\n"), Just("\n  "), Just("- "), Just("output.elasticsearch:"),
        Just(" ${A}"), Just(" {}"), Just(" [a]"), Just("hosts:"), Just("type: log"), Just("ssl.enabled: "), Just("true"),
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
            for key in ["filebeat.yml", "journalbeat.yml", "auditbeat.yml"] {
                if let Some(text) =
                    document.get("data").and_then(|data| data.get(key)).and_then(|text| text.as_str())
                {
                    match of(text) {
                        Ok(pipeline) => assert!(pipeline.own_metrics.is_some()),
                        Err(unreadable) => assert!(!unreadable.why.is_empty()),
                    }
                    read += 1;
                }
            }
        }
    }
    assert!(read > 0);
}
