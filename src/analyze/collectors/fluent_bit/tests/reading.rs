use super::*;
use crate::analyze::collectors::config::Variable;
use crate::analyze::collectors::fluent_bit::read_fargate;
use crate::analyze::collectors::model::{Buffer, Receiver, Source, WhenFull};
use crate::analyze::collectors::service::Service;

const CHAIN: &str = "\
# what the chart writes
[SERVICE]
    HTTP_Server  On
    storage.path /var/lib/fluent-bit/storage

@INCLUDE inputs/*.conf
@INCLUDE output.conf
";

const INPUT: &str = "\
[INPUT]
    name         tail
    TAG          kube.*
    Path         /var/log/containers/*.log, /var/log/audit/kube-apiserver.log
    Exclude_Path /var/log/containers/*_dev_*.log,*.gz
    DB           /var/lib/fluent-bit/tail.db
    storage.type filesystem
    Skip_Long_Lines On

[FILTER]
    Name                kubernetes
    Match               kube.*
    K8S-Logging.Exclude On
";

const OUTPUT: &str = "\
[OUTPUT]
    Name        opensearch
    Match       kube.*
    Host        ${STORE}
    Port        9200
    tls         On
    HTTP_User   admin
    HTTP_Passwd REDACTED
    Retry_Limit False
";

#[test]
fn a_chain_is_proven_link_by_link() {
    let mut config =
        config(&[("fluent-bit.conf", CHAIN), ("inputs/tail.conf", INPUT), ("output.conf", OUTPUT)]);
    let store = Variable::Seen("store.logging.svc".into(), "DaemonSet logging/fluent-bit env[0]".into());
    config.env.variables.insert("STORE".into(), store);
    let pipeline = read(&config).unwrap();
    assert_eq!(at(pipeline.own_metrics.as_ref().unwrap()), (true, "conf]:3".into(), "HTTP_Server On".into()));
    assert_eq!(pipeline.unread, []);
    let [input] = pipeline.inputs.as_slice() else { panic!("{:?}", pipeline.inputs) };
    let file = "ConfigMap logging/fluent-bit data[inputs/tail.conf]";
    assert_eq!((input.id.as_str(), input.at.as_str()), ("tail.0", format!("{file}:1").as_str()));
    let Source::Files { include, exclude } = &input.source else { panic!("files") };
    let shown: Vec<String> = include.iter().chain(exclude).map(|glob| at(glob).0).collect();
    assert_eq!(
        shown,
        [
            "/var/log/containers/*.log",
            "/var/log/audit/kube-apiserver.log",
            "/var/log/containers/*_dev_*.log",
            "**.gz"
        ]
    );
    assert_eq!(at(&include[1]).1, format!("{file}:4"));
    let position = at(input.position.as_ref().unwrap());
    assert_eq!(position.0.as_deref(), Some("/var/lib/fluent-bit/tail.db"));
    assert_eq!(position.1, format!("{file}:6"));
    assert_eq!(input.steps[0].what, "lines longer than 32k are skipped");
    let opt_out = &input.opt_outs[0];
    assert_eq!((opt_out.key.as_str(), at(&opt_out.honoured).0), ("fluentbit.io/exclude*", true));
    assert_eq!(ways(&pipeline, 0), [(0, vec![])]);
    let output = &pipeline.outputs[0];
    assert_eq!(output.receiver, Receiver::Service(Service::OpenSearch));
    assert_eq!(at(&output.hosts).0, ["store.logging.svc:9200"]);
    let tls = at(&output.tls);
    assert_eq!(tls, (true, "ConfigMap logging/fluent-bit data[output.conf]:6".into(), "tls On".into()));
    assert_eq!(output.authenticated.value(), Some(&true));
    assert_eq!(output.buffer.value(), Some(&Buffer::Disk(Some("/var/lib/fluent-bit/storage".into()))));
    assert_eq!(output.when_full.value(), Some(&WhenFull::Waits));
    assert!(!format!("{pipeline:?}").contains("REDACTED"));
}

#[test]
fn yaml_says_the_same_with_line_and_column() {
    let pipeline = yaml(
        "env:\n  level: debug\nservice:\n  http_server: on\npipeline:\n  inputs:\n    - name: tail\n      path: /var/log/audit/*.log\n      tag: audit\n      skipLongLines: true\n      processors:\n        logs:\n          - name: content_modifier\n            action: delete\n            key: user\n          - name: sampling\n            condition: {op: and}\n  filters:\n    - name: grep\n      match: '*'\n      exclude: level ${level}\n  outputs:\n    - name: http\n      match: [\"x\", \"*\"]\n      host: http-intake.logs.datadoghq.com\n      tls: on\n      tls.verify: off\n      header: [\"DD-API-KEY secret\"]\n",
    );
    assert_eq!(pipeline.own_metrics.as_ref().unwrap().value(), Some(&true));
    let input = &pipeline.inputs[0];
    assert_eq!(input.at, "ConfigMap logging/fluent-bit data[fluent-bit.yaml]:7:7");
    assert_eq!(
        at(input.position.as_ref().unwrap()),
        (None, "yaml]:7:7".into(), "db is not set; there is no default".into())
    );
    assert_eq!(
        ways(&pipeline, 0),
        [(
            0,
            vec![
                "yaml]:13:13 content_modifier delete user redacts".to_owned(),
                "yaml]:16:13 sampling samples".to_owned(),
                "yaml]:21:7 grep exclude level ${level} drops some".to_owned(),
            ]
        )]
    );
    let output = &pipeline.outputs[0];
    assert_eq!(output.receiver, Receiver::Service(Service::Datadog));
    assert_eq!(
        at(output.verified.as_ref().unwrap()),
        (false, "yaml]:27:7".into(), "tls.verify false".into())
    );
    assert_eq!(at(&output.authenticated).2, "header DD-API-KEY is set");
    assert!(!format!("{pipeline:?}").contains("secret"));
}

#[test]
fn variables_are_replaced_or_told() {
    let text = "@SET DIR=/var/log/a\n[INPUT]\n  Name tail\n  Path ${DIR}/*.log\n  Tag ${HOSTNAME}.x\n[OUTPUT]\n  Name es\n  Match ${HOSTNAME}.*\n  Host ${ES:-es.logging}\n[OUTPUT]\n  Name null\n  Match *\n";
    let pipeline = classic(text);
    let Source::Files { include, .. } = &pipeline.inputs[0].source else { panic!("files") };
    assert_eq!(
        at(&include[0]),
        ("/var/log/a/*.log".into(), "conf]:4".into(), "Path /var/log/a/*.log".into())
    );
    assert_eq!(pipeline.outputs[0].hosts.value().unwrap(), &["es.logging"]);
    let ways = ways(&pipeline, 0);
    assert!(ways[0].1[0].starts_with("conf]:8 Match ${HOSTNAME}.* may not take all tags"), "{ways:?}");
    assert_eq!(ways[1], (1, vec![]));
    let mut hidden = config(&[(
        "fluent-bit.conf",
        "[INPUT]\n  Name tail\n  Path /a\n  DB ${DB}\n[OUTPUT]\n  Name es\n  Match *\n  tls ${TLS}\n",
    )]);
    hidden.env.open = Some("the image may set it".into());
    let pipeline = read(&hidden).unwrap();
    assert!(pipeline.inputs[0].position.as_ref().unwrap().reason().unwrap().contains("the image may set it"));
    assert!(pipeline.outputs[0].tls.reason().unwrap().contains("variable TLS"));
    assert_eq!(pipeline.outputs[0].verified.as_ref().unwrap().value(), Some(&true));
}

#[test]
fn what_is_not_seen_is_unread_and_not_absent() {
    let text = "@INCLUDE extra.conf\n@INCLUDE /secret/*.conf\n[CUSTOM]\n  Name calyptia\n[INPUT]\n  Name dummy\n  @INCLUDE x\n";
    let unread = classic(text).unread;
    let shown: Vec<(&str, &str)> = unread.iter().map(|one| (line(&one.at), one.why.as_str())).collect();
    assert_eq!(
        shown,
        [
            ("conf]:1", "/fluent-bit/etc/extra.conf is not seen: it is part of the image"),
            ("conf]:2", "/secret/*.conf is not seen: from the Secret logging/extra"),
            ("conf]:3", "the configuration may be replaced by one from a fleet manager, which is not seen"),
            ("conf]:7", "@INCLUDE x stands within a section, where it is not followed"),
        ]
    );
    assert_eq!(
        yaml("includes:\n  - other.yaml\n").unread[0].at,
        "ConfigMap logging/fluent-bit data[fluent-bit.yaml]:2:5"
    );
}

#[test]
fn what_the_program_does_not_start_with_is_refused_at_its_line() {
    for (text, line_number, why) in [
        ("[INPUT\n", 1, "the header of a section is not closed"),
        ("[INPUT]\n    Name tail\n  Tag x\n", 3, "the indentation differs from that of the lines before"),
        ("[INPUT]\n    Name tail\n      Tag x\n", 3, "the indentation differs from that of the lines before"),
        ("[INPUT]\nName tail\n", 2, "a key is not indented"),
        ("[INPUT]\n    Name\n", 2, "a key without a value"),
        ("  [INPUT]\n    Name tail\n", 1, "the header of a section is indented"),
        ("# x\n\n  Name tail\n", 3, "a key before the first section of /fluent-bit/etc/fluent-bit.conf"),
        ("[INPUT]\n  Tag x\n", 1, "a plugin without a name, with which Fluent Bit does not start"),
        (
            "[SERVICE]\n  Flush 1\n@INCLUDE fluent-bit.conf\n",
            3,
            "/fluent-bit/etc/fluent-bit.conf is included a second time, with which Fluent Bit does not start",
        ),
        (
            "@INCLUDE *.yaml\n",
            1,
            "no file matches /fluent-bit/etc/*.yaml, with which Fluent Bit does not start",
        ),
    ] {
        let error = refused(text);
        assert_eq!(
            (error.at, error.why.as_str()),
            (format!("ConfigMap logging/fluent-bit data[fluent-bit.conf]:{line_number}"), why)
        );
    }
    let broken = read(&config(&[("fluent-bit.yaml", "pipeline:\n  inputs:\n    - name: tail\n   x: [\n")]))
        .unwrap_err();
    assert!(broken.at.starts_with("ConfigMap logging/fluent-bit data[fluent-bit.yaml]:4:"), "{broken:?}");
    assert_eq!(
        read(&Config { main: "/secret/x".into(), ..config(&[("a", "")]) }).unwrap_err().why,
        "from the Secret logging/extra"
    );
}

#[test]
fn the_format_is_told_by_extension_and_content() {
    let text = "# x\npipeline:\n  inputs:\n    - name: dummy\n";
    for name in ["fluent-bit.yaml", "fluent-bit.YML", "config"] {
        assert_eq!(read(&config(&[(name, text)])).unwrap().inputs.len(), 1, "{name}");
    }
    assert_eq!(read(&config(&[("config", "[INPUT]\n  Name dummy\n")])).unwrap().inputs.len(), 1);
    assert!(read(&config(&[("fluent-bit.conf", text)])).is_err());
}

#[test]
fn inputs_are_told_apart() {
    let text = "[INPUT]\n  Name cpu\n[INPUT]\n  Name systemd\n  Path /var/log/journal\n  Systemd_Filter _SYSTEMD_UNIT=kubelet.service\n  Systemd_Filter _SYSTEMD_UNIT=k3s.service\n[INPUT]\n  Name kubernetes_events\n  Kube_Namespace prod\n[INPUT]\n  Name syslog\n  Mode tcp\n[INPUT]\n  Name kmsg\n";
    let inputs = classic(text).inputs;
    let ids: Vec<&str> = inputs.iter().map(|input| input.id.as_str()).collect();
    assert_eq!(ids, ["systemd.0", "kubernetes_events.0", "syslog.0", "kmsg.0"]);
    let Source::Journal { folder, only } = &inputs[0].source else { panic!("journal") };
    assert_eq!((folder.is_some(), at(&only[1]).1.as_str()), (true, "conf]:7"));
    assert!(matches!(&inputs[1].source, Source::Events { namespaces, .. } if namespaces.only.is_some()));
    assert_eq!(inputs[2].source.protocol(), Some("syslog"));
    assert_eq!(inputs[2].position, None);
}

#[test]
fn fargate_has_an_input_of_its_own() {
    let file = |key: &str, text: &str| File {
        path: format!("/{key}"),
        at: format!("ConfigMap aws-observability/aws-logging data[{key}]"),
        text: text.to_owned(),
    };
    let files = [
        file("flb_log_cw", "true"),
        file("parsers.conf", "[PARSER]\n  Name x\n"),
        file("filters.conf", "[FILTER]\n  Name grep\n  Match kube.*\n  Exclude log debug\n"),
        file("output.conf", "[OUTPUT]\n  Name cloudwatch_logs\n  Match kube.*\n  region eu-west-1\n"),
    ];
    let pipeline = read_fargate(&files).unwrap();
    assert!(matches!(&pipeline.inputs[0].source, Source::Containers { through_api: false, .. }));
    let step = &routes(&pipeline.inputs[0])[0].steps[0];
    assert_eq!(step.at, "ConfigMap aws-observability/aws-logging data[filters.conf]:4");
    assert_eq!(pipeline.outputs[0].receiver, Receiver::Service(Service::CloudWatchLogs));
    assert!(pipeline.outputs[0].buffer.reason().unwrap().contains("AWS"));
    assert_eq!(routes(&read_fargate(&files[..1]).unwrap().inputs[0]), []);
    assert!(read_fargate(&[file("output.conf", "x")]).is_err());
}
