use super::*;
use crate::analyze::collectors::model::{Buffer, Receiver, Retry, WhenFull};
use crate::analyze::collectors::service::Service;

fn one(properties: &str) -> Output {
    output(&format!("[INPUT]\n  Name tail\n  Path /a\n[OUTPUT]\n  Match *\n{properties}"))
}

#[test]
fn tls_is_off_unless_it_is_set() {
    let plain = one("  Name es\n  Host es.logging\n");
    assert_eq!(at(&plain.tls), (false, "conf]:4".into(), "tls is not set; the default is off".into()));
    assert_eq!(plain.verified, None);
    assert_eq!(at(&plain.authenticated).2, "no user, token, key or client certificate is set");
    let on = one("  Name es\n  tls on\n");
    assert_eq!(at(&on.tls).1, "conf]:7");
    assert_eq!(
        at(&on.hosts),
        (vec!["127.0.0.1".into()], "conf]:4".into(), "host is not set; the default is 127.0.0.1".into())
    );
    let verified = on.verified.unwrap();
    assert!(at(&verified).0);
    let Fact::Known(verified) = verified else { panic!("known") };
    assert!(verified.evidence[1].detail.contains("tls.verify_hostname is off"));
    let unverified = one("  Name loki\n  TLS On\n  tls.verify Off\n").verified.unwrap();
    assert_eq!(at(&unverified), (false, "conf]:8".into(), "tls.verify Off".into()));
    assert!(one("  Name es\n  tls 1\n").tls.reason().unwrap().contains("neither on nor off"));
}

#[test]
fn every_plugin_decides_about_tls_in_its_way() {
    for (properties, tls) in [
        ("  Name gelf\n  tls on\n", false),
        ("  Name gelf\n  Mode tls\n", true),
        ("  Name syslog\n  Mode tcp\n", false),
        ("  Name syslog\n  Mode tcp\n  tls on\n", true),
        ("  Name syslog\n", false),
        ("  Name kafka\n  Brokers a:9092\n", false),
        ("  Name kafka\n  Brokers a:9092\n  rdkafka.security.protocol SASL_SSL\n", true),
        ("  Name datadog\n  apikey x\n", false),
        ("  Name stackdriver\n", true),
        ("  Name azure_blob\n  account_name x\n", false),
        ("  Name azure_blob\n  endpoint https://x\n", true),
        ("  Name s3\n  bucket b\n", true),
        ("  Name s3\n  endpoint http://minio:9000\n", false),
        ("  Name nats\n", false),
        ("  Name nrlogs\n  license_key x\n", true),
        ("  Name newrelic\n  endpoint http://proxy\n", false),
        ("  Name cloudwatch_logs\n", true),
    ] {
        assert_eq!(one(properties).tls.value(), Some(&tls), "{properties}");
    }
    for properties in ["  Name pgsql\n", "  Name forward\n  Upstream nodes.conf\n", "  Name mine\n"] {
        assert!(one(properties).tls.reason().is_some(), "{properties}");
    }
}

#[test]
fn receivers_are_told_by_plugin_and_host() {
    for (properties, receiver, hosts) in [
        ("  Name null\n", Receiver::Nothing, vec![]),
        ("  Name stdout\n", Receiver::Console, vec![]),
        ("  Name file\n", Receiver::File, vec![]),
        ("  Name prometheus_exporter\n", Receiver::NotLogs("prometheus_exporter".into()), vec![]),
        (
            "  Name forward\n  Host fluentd.logging.svc\n  Port 24224\n",
            Receiver::Collector("forward".into()),
            vec!["fluentd.logging.svc:24224"],
        ),
        ("  Name http\n  Host collector.example.com\n", Receiver::Http, vec!["collector.example.com"]),
        (
            "  Name http\n  Host endpoint1.collection.sumologic.com\n",
            Receiver::Service(Service::SumoLogic),
            vec!["endpoint1.collection.sumologic.com"],
        ),
        (
            "  Name syslog\n  Host logs.papertrailapp.com\n",
            Receiver::Service(Service::Papertrail),
            vec!["logs.papertrailapp.com"],
        ),
        ("  Name syslog\n  Host siem\n  Mode tls\n", Receiver::Syslog("tls".into()), vec!["siem"]),
        (
            "  Name es\n  Host x.es.amazonaws.com\n",
            Receiver::Service(Service::OpenSearch),
            vec!["x.es.amazonaws.com"],
        ),
        ("  Name es\n  cloud_id x\n", Receiver::Service(Service::ElasticCloud), vec!["127.0.0.1"]),
        (
            "  Name kafka\n  brokers a:9092,b:9092\n",
            Receiver::Service(Service::Kafka),
            vec!["a:9092", "b:9092"],
        ),
        ("  Name mine\n  Host u:p@x\n", Receiver::Other("mine".into()), vec!["x"]),
    ] {
        let output = one(properties);
        assert_eq!(
            (output.receiver, output.hosts.value().unwrap().clone()),
            (receiver, hosts.iter().map(ToString::to_string).collect())
        );
    }
}

#[test]
fn metrics_outputs_take_no_logs() {
    let pipeline = classic(
        "[INPUT]\n  Name tail\n  Path /a\n[INPUT]\n  Name fluentbit_metrics\n[OUTPUT]\n  Name prometheus_exporter\n  Match *\n",
    );
    assert_eq!(routes(&pipeline.inputs[0]), []);
    assert_eq!(pipeline.own_metrics.unwrap().value(), Some(&true));
}

#[test]
fn credentials_are_seen_by_name_only() {
    for properties in [
        "  Name es\n  HTTP_User secret\n",
        "  Name splunk\n  Splunk_Token secret\n",
        "  Name http\n  Header Authorization Bearer secret\n",
        "  Name opensearch\n  AWS_Auth On\n",
        "  Name forward\n  Shared_Key secret\n",
        "  Name kafka\n  rdkafka.sasl.password secret\n",
        "  Name tcp\n  tls.crt_file /secret.crt\n",
        "  Name http\n  Host x.sumologic.com\n  URI /receiver/secret\n",
        "  Name slack\n  webhook https://hooks.slack.com/services/secret\n",
    ] {
        let output = one(properties);
        assert_eq!(output.authenticated.value(), Some(&true), "{properties}");
        assert!(!format!("{output:?}").contains("secret"), "{output:?}");
    }
    for properties in
        ["  Name syslog\n", "  Name http\n  Header X-Scope a\n", "  Name es\n  HTTP_User\t ${NOT_SET}\n"]
    {
        assert_eq!(one(properties).authenticated.value(), Some(&false), "{properties}");
    }
}

#[test]
fn retries_end_after_one_by_default() {
    for (properties, retry) in [
        ("", Retry::Limited("1 retry".into())),
        ("  Retry_Limit 5\n", Retry::Limited("5 retries".into())),
        ("  Retry_Limit False\n", Retry::Forever),
        ("  Retry_Limit no_limits\n", Retry::Forever),
        ("  Retry_Limit no_retries\n", Retry::Never),
        ("  Retry_Limit x\n", Retry::Limited("1 retry".into())),
    ] {
        assert_eq!(one(&format!("  Name es\n{properties}")).retry.value(), Some(&retry));
    }
}

#[test]
fn the_buffer_is_that_of_the_inputs() {
    let memory = one("  Name es\n");
    assert_eq!(
        at(&memory.buffer),
        (Buffer::Memory, "conf]:1".into(), "storage.type is not set; the default is memory".into())
    );
    assert_eq!(memory.when_full.value(), Some(&WhenFull::Waits));
    let text = |kind: &str, path: &str, rest: &str| {
        output(&format!(
            "{path}[INPUT]\n  Name tail\n  Path /a\n  storage.type {kind}\n[OUTPUT]\n  Name es\n  Match *\n{rest}"
        ))
    };
    let path = "[SERVICE]\n  storage.path /s\n";
    let disk = text("filesystem", path, "  storage.total_limit_size 1G\n");
    assert_eq!(
        (disk.buffer.value(), disk.when_full.value()),
        (Some(&Buffer::Disk(Some("/s".into()))), Some(&WhenFull::Drops))
    );
    assert!(text("filesystem", "", "").buffer.reason().unwrap().contains("storage.path"));
    let ring = text("memrb", path, "");
    assert_eq!(
        (ring.buffer.value(), ring.when_full.value()),
        (Some(&Buffer::Memory), Some(&WhenFull::Drops))
    );
    let inherited = "[SERVICE]\n  storage.path /s\n  storage.type filesystem\n  storage.inherit on\n[INPUT]\n  Name tail\n  Path /a\n[OUTPUT]\n  Name es\n  Match *\n";
    assert_eq!(output(inherited).buffer.value(), Some(&Buffer::Disk(Some("/s".into()))));
    assert_eq!(one("  Name s3\n").buffer.value(), Some(&Buffer::Disk(Some("/tmp/fluent-bit/s3".into()))));
}
