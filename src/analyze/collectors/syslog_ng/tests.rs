//! Examples shaped like real ones.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::analyze::collectors::config::{File, Hidden, Variable};
use crate::analyze::collectors::model::{
    Buffer, Effect, NamespaceRule, Output, Pattern, Receiver, Retry, Source, Step,
};
use crate::analyze::collectors::service::Service;

/// A collector on a node, as `AxoSyslog`'s chart would write it.
const TEXT: &str = r#"@version: 4.8
@include "scl.conf"
# what nodes hold
@define siem "siem.example.com"
options { log-fifo-size(20000); stats(level(1)); };
source s_pods { kubernetes(base-dir("/var/log/containers") cluster-name("prod")); };
source s_audit {
    file("/var/log/kubernetes/audit.log" flags(no-parse) follow_freq(1));
    systemd-journal(prefix(".journald."));
};
filter f_system { "${.k8s.namespace_name}" eq "kube-system" or match("istio-system" value(".k8s.namespace_name") type(string)); };
destination d_siem {
    syslog("`siem`" transport("tls") tls(ca-dir("/etc/ca") cert-file("/c.pem") key-file("/k.pem"))
        disk-buffer(reliable(yes) capacity-bytes(2GiB) dir("/buffer")));
};
destination d_es {
    elasticsearch-http(url("https://es.search.svc:9200/_bulk") index("logs") user("x") password("y")
        tls(peer-verify(no)));
};
log { source(s_audit); destination(d_siem); flags(flow-control, final); };
log {
    source(s_pods);
    filter(f_system);
    destination(d_es);
};
"#;

fn pipeline(text: &str) -> Pipeline {
    let config = Config {
        hidden: vec![Hidden { path: "/".into(), why: "it is part of the image".into() }],
        ..Config::of_text("/etc/syslog-ng/syslog-ng.conf", "syslog-ng.conf", text)
    };
    read(&config).unwrap()
}

fn fault(text: &str) -> Unreadable {
    read(&Config::of_text("/etc/syslog-ng/syslog-ng.conf", "syslog-ng.conf", text)).unwrap_err()
}

fn routes(pipeline: &Pipeline, input: usize) -> &[Route] {
    pipeline.inputs[input].routes.value().expect("routes are known")
}

/// The effects on the only way of the first input.
fn effects(text: &str) -> Vec<Effect> {
    let read = pipeline(text);
    let [route] = routes(&read, 0) else { panic!("{read:#?}") };
    route.steps.iter().map(|step| step.effect.clone()).collect()
}

/// A log path of one file to one destination with something in between.
fn between(what: &str) -> String {
    format!("source s {{ file(/a); }};\nlog {{ source(s); {what} destination {{ tcp(siem); }}; }};\n")
}

fn output(driver: &str) -> Output {
    let text = format!("log {{ source {{ file(/a); }}; destination {{ {driver}; }}; }};");
    pipeline(&text).outputs.remove(0)
}

#[test]
fn a_chain_is_proven() {
    let read = pipeline(TEXT);
    assert_eq!(read.unread, []);
    let [pods, audit, journal] = read.inputs.as_slice() else { panic!("{read:#?}") };
    let Source::Files { include, .. } = &pods.source else { panic!("{pods:?}") };
    assert_eq!(include[0].value().unwrap(), "/var/log/containers/**/*.log");
    let Source::Files { include, .. } = &audit.source else { panic!("{audit:?}") };
    assert_eq!(include[0].value().unwrap(), "/var/log/kubernetes/audit.log");
    assert!(matches!(journal.source, Source::Journal { .. }));
    assert_eq!((audit.at.as_str(), journal.id.as_str()), ("syslog-ng.conf:8", "s_audit.2"));
    assert_eq!(
        audit.position.as_ref().unwrap().value().unwrap().as_deref(),
        Some("/var/lib/syslog-ng/syslog-ng.persist")
    );
    assert_eq!(routes(&read, 1), [Route { steps: Vec::new(), output: 0 }]);
    let [Route { steps, output: 1 }] = routes(&read, 0) else { panic!("{read:#?}") };
    let [Step { effect: Effect::Namespaces(NamespaceRule { only: Some(only), .. }), at, .. }] = &steps[..]
    else {
        panic!("{steps:?}")
    };
    assert_eq!(only[0].pattern, Pattern::Name("kube-system".into()));
    assert_eq!(only[1].pattern, Pattern::Name("istio-system".into()));
    assert_eq!(at, "syslog-ng.conf:23");
}

#[test]
fn destinations_are_read_with_the_programs_defaults() {
    let read = pipeline(TEXT);
    let [siem, search] = read.outputs.as_slice() else { panic!("{read:#?}") };
    assert_eq!(siem.receiver, Receiver::Syslog("tls".into()));
    assert_eq!(siem.hosts.value().unwrap(), &["siem.example.com:6514"]);
    assert_eq!((siem.tls.value(), siem.authenticated.value()), (Some(&true), Some(&true)));
    assert_eq!(siem.verified.as_ref().unwrap().value(), Some(&true));
    assert_eq!(siem.buffer.value(), Some(&Buffer::Disk(Some("/buffer".into()))));
    assert_eq!((siem.retry.value(), siem.when_full.value()), (Some(&Retry::Forever), Some(&WhenFull::Waits)));
    assert_eq!(search.receiver, Receiver::Service(Service::Elasticsearch));
    assert_eq!(search.hosts.value().unwrap(), &["es.search.svc:9200"]);
    assert_eq!(search.verified.as_ref().unwrap().value(), Some(&false));
    assert_eq!(
        (search.buffer.value(), search.when_full.value()),
        (Some(&Buffer::Memory), Some(&WhenFull::Drops))
    );
    assert!(matches!(search.retry.value(), Some(Retry::Limited(_))));
}

#[test]
fn every_driver_tells_whether_it_encrypts() {
    for (driver, tls, verified, hosts) in [
        ("network(\"siem\")", Some(false), None, "siem:514"),
        ("network(siem port(5140) transport(udp))", Some(false), None, "siem:5140"),
        ("syslog(siem transport(tcp))", Some(false), None, "siem:601"),
        ("udp(\"10.0.0.1\")", Some(false), None, "10.0.0.1:514"),
        ("tcp(siem tls(peer_verify(optional-untrusted)))", Some(true), Some(false), "siem:514"),
        (
            "network(siem transport(tls) tls(peer-verify(required-trusted)))",
            Some(true),
            Some(true),
            "siem:514",
        ),
        ("http(url(\"http://hook:8080/x\"))", Some(false), None, "hook:8080"),
        (
            "http(url('https://a' 'https://b') headers('Authorization: Bearer x'))",
            Some(true),
            Some(true),
            "a",
        ),
        ("loki(url(loki:9095))", Some(false), None, "loki:9095"),
        ("opentelemetry(url(otel:4317) auth(tls(ca-file(/ca))))", Some(true), Some(true), "otel:4317"),
        (
            "kafka-c(bootstrap-servers(a:9092) config(\"security.protocol\" => \"ssl\"))",
            Some(true),
            Some(true),
            "a:9092",
        ),
        ("kafka-c(bootstrap-servers(a) topic(t))", Some(false), None, "a:9092"),
        ("splunk-hec-event(url(\"https://hec:8088\") token(x))", Some(true), Some(true), "hec:8088"),
    ] {
        let output = output(driver);
        assert_eq!(output.tls.value().copied(), tls, "{driver}");
        assert_eq!(output.verified.as_ref().and_then(|fact| fact.value()).copied(), verified, "{driver}");
        assert_eq!(output.hosts.value().unwrap()[0], hosts, "{driver}");
    }
    assert_eq!(
        output("http(url('https://a') headers('Authorization: x'))").authenticated.value(),
        Some(&true)
    );
    assert_eq!(output("splunk-hec-raw(url('https://a') token(x))").authenticated.value(), Some(&true));
    assert_eq!(output("file(/dev/null)").receiver, Receiver::Nothing);
    assert_eq!(output("file(/dev/stdout)").receiver, Receiver::Console);
    assert_eq!(output("file('/var/log/all.log')").receiver, Receiver::File);
    assert_eq!(output("s3(url('') bucket(b) object-key(k))").hosts.value(), Some(&Vec::new()));
    assert_eq!(output("udp(siem)").retry.value(), Some(&Retry::Never));
    let unknown = output("python(class(\"Own\"))");
    assert_eq!((unknown.receiver, unknown.tls.value()), (Receiver::Other("python".into()), None));
    assert_eq!(output("network(siem transport(tcp) tls())").tls.value(), None);
    assert_eq!(output("http(url('https://$HOST/x'))").hosts.value(), None);
}

#[test]
fn what_filters_parsers_and_rewrites_take_away_is_told() {
    let some = [Effect::DropsSome];
    assert_eq!(effects(&between("filter { level(warning..emerg); };")), [Effect::Unclear]);
    assert_eq!(effects(&between("filter { facility(kern) or not facility(kern); };")), [Effect::Unclear]);
    assert_eq!(effects(&between("filter { level(debug..emerg); };")), []);
    assert_eq!(effects(&between("filter { not match('health' value(MESSAGE)); };")), some);
    assert_eq!(effects(&between("parser { json-parser(prefix('.j.')); };")), some);
    assert_eq!(effects(&between("parser { csv-parser(columns(A)); };")), []);
    assert_eq!(effects(&between("parser { python(class(X)); };")), [Effect::Unclear]);
    assert_eq!(effects(&between("rewrite { subst('\\d+', '#', value(MESSAGE)); };")), [Effect::Redacts]);
    assert_eq!(effects(&between("filterx { if (x =~ /a'/) { drop; }; 'it'; };")).len(), 1);
    let not = between(
        "filter { not (\"${.k8s.namespace_name}\" eq dev) and not match('^test' value('.k8s.namespace_name')); };",
    );
    let [Effect::Namespaces(first), Effect::Namespaces(second)] = &effects(&not)[..] else { panic!() };
    assert_eq!(first.except[0].pattern, Pattern::Name("dev".into()));
    assert_eq!(second.except[0].pattern, Pattern::Regex("^test".into()));
}

#[test]
fn a_final_path_takes_what_it_matches_from_those_behind() {
    let text = "source s { file(/a); };
filter f { \"${.k8s.namespace_name}\" eq \"dev\"; };
log { source(s); filter(f); destination { file(/dev/null); }; flags(final); };
log { source(s); destination { tcp(siem); }; };
log { destination { tcp(rest); }; flags(catchall); };
";
    let read = pipeline(text);
    let [null, siem, rest] = routes(&read, 0) else { panic!("{read:#?}") };
    assert_eq!((null.output, siem.output, rest.output), (0, 1, 2));
    let Effect::Namespaces(rule) = &siem.steps[0].effect else { panic!("{siem:?}") };
    assert_eq!(rule.except[0].pattern, Pattern::Name("dev".into()));
    let all = text.replace("filter(f);", "");
    let read = pipeline(&all);
    assert_eq!(routes(&read, 0).len(), 1, "nothing gets past a final path without a filter");
    let fallback = text.replace("flags(catchall)", "flags(catchall fallback)");
    let read = pipeline(&fallback);
    assert_eq!(routes(&read, 0).len(), 2, "the fallback gets nothing, for another path takes everything");
}

#[test]
fn conditions_and_junctions_are_followed() {
    let text = between(
        "if (\"${.k8s.namespace_name}\" eq a) { destination { tcp(one); }; } elif (level(err)) { filter { host(x); }; } else { rewrite { subst('a','b'); }; };",
    );
    let read = pipeline(&text);
    let [one, after] = routes(&read, 0) else { panic!("{read:#?}") };
    assert!(matches!(&one.steps[0].effect, Effect::Namespaces(rule) if rule.only.is_some()));
    let effects: Vec<&Effect> = after.steps.iter().map(|step| &step.effect).collect();
    assert_eq!(effects, [&Effect::Redacts, &Effect::DropsSome]);
    let whole =
        between("if (level(err)) { destination { tcp(one); }; } else { destination { tcp(two); }; };");
    let read = pipeline(&whole);
    assert_eq!(routes(&read, 0).len(), 3);
    assert_eq!(routes(&read, 0)[2].steps, []);
    let junction = between(
        "junction { channel { filter { level(err); }; flags(final); }; channel { filter { host(x); }; }; };",
    );
    assert_eq!(super::tests::effects(&junction), [Effect::Unclear]);
    let open =
        between("junction { channel { filter { level(err); }; destination { tcp(x); }; }; channel { }; };");
    let read = pipeline(&open);
    assert_eq!((routes(&read, 0).len(), routes(&read, 0)[1].steps.len()), (2, 0));
    let embedded = "source s { file(/a); }; log { source(s); log { filter { level(err); }; destination { tcp(x); }; }; };";
    assert_eq!(super::tests::effects(embedded), [Effect::Unclear]);
}

#[test]
fn conditions_that_refer_to_each_other_come_to_an_end() {
    let and = |name: &str| [format!("filter({name})"), format!("filter({name})")].join(" and ");
    let mutual = format!("filter f {{ {}; }};\nfilter g {{ {}; }};\n", and("g"), and("f"));
    // Either what passes is not told, or where it leads.
    let is_open = |text: &str| {
        pipeline(text).inputs[0].routes.value().is_none() || effects(text).contains(&Effect::Unclear)
    };
    assert!(is_open(&format!("{mutual}{}", between("filter(f);"))));
    let mut doubled = String::new();
    for index in 0..40 {
        writeln!(doubled, "filter f{index} {{ {}; }};", and(&format!("f{}", index + 1))).unwrap();
    }
    assert!(is_open(&format!("{doubled}filter f40 {{ host(x); }};\n{}", between("filter(f0);"))));
}

#[test]
fn definitions_that_double_are_not_filled_in() {
    let bomb = format!("@define a \"x\"\n{}", "@define a \"`a``a`\"\n".repeat(60));
    let read = pipeline(&format!("{bomb}source s {{ file(\"`a`\"); }};"));
    let Source::Files { include, .. } = &read.inputs[0].source else { panic!("{read:#?}") };
    assert!(include[0].reason().unwrap().contains("longer than can be read"));
}

#[test]
fn a_template_without_the_message_may_lose_it() {
    let of = |driver: &str| {
        let named =
            "template t_short { template(\"$HOST\\n\"); };\ntemplate t_full { template(\"$MSG\\n\"); };\n";
        effects(&format!("{named}log {{ source {{ file(/a); }}; destination {{ {driver}; }}; }};"))
    };
    assert_eq!(of("tcp(siem template(\"$PROGRAM $MSGID\\n\"))"), [Effect::Unclear]);
    assert_eq!(of("tcp(siem template(t_short))"), [Effect::Unclear]);
    assert_eq!(of("http(url('https://a') body('$HOST'))"), [Effect::Unclear]);
    assert_eq!(of("tcp(siem template(t_full))"), []);
    assert_eq!(of("tcp(siem template(\"${MSGHDR}${MESSAGE}\\n\"))"), []);
    assert_eq!(of("http(url('https://a') body('$(format-json --scope rfc5424)'))"), []);
}

#[test]
fn an_empty_credential_shows_nobody() {
    for driver in [
        "http(url('https://a') user('') password(''))",
        "network(a transport(tls) tls(cert-file('') key-file('')))",
        "kafka-c(bootstrap-servers(a) config(\"security.protocol\" => \"ssl\" \"sasl.mechanism\" => \"\"))",
    ] {
        assert_eq!(output(driver).authenticated.value(), Some(&false), "{driver}");
    }
    assert_eq!(output("http(url('https://a') user('') password(x))").authenticated.value(), Some(&true));
}

#[test]
fn nothing_gets_anywhere_without_a_path() {
    let read = pipeline(&TEXT.replace("    source(s_pods);\n", ""));
    assert_eq!(routes(&read, 0), []);
}

#[test]
fn flow_control_counts_for_what_can_wait() {
    let text = |source: &str, flags: &str| {
        let text = format!("log {{ source {{ {source}; }}; destination {{ tcp(x); }}; {flags} }};");
        pipeline(&text).outputs[0].when_full.value().copied()
    };
    assert_eq!(text("file(/a)", "flags(flow-control);"), Some(WhenFull::Waits));
    assert_eq!(text("file(/a)", ""), Some(WhenFull::Drops));
    assert_eq!(text("network(transport(udp))", "flags(flow_control);"), Some(WhenFull::Drops));
    let global =
        "options { log-flow-control(yes); }; log { source { file(/a); }; destination { tcp(x); }; };";
    assert_eq!(pipeline(global).outputs[0].when_full.value(), Some(&WhenFull::Waits));
}

#[test]
fn sources_lose_what_their_options_leave_out() {
    let steps = |source: &str| pipeline(&format!("source s {{ {source}; }};")).inputs[0].steps.clone();
    assert_eq!(
        steps("wildcard-file(base-dir('/var/log/pods') filename-pattern('*.log') recursive(yes))").len(),
        2
    );
    assert_eq!(
        steps("wildcard-file(base-dir(/a) filename-pattern('*') max-files(5000) log-msg-size(8k))").len(),
        1
    );
    let limit = |source: &str| match steps(source).remove(0).effect {
        Effect::LongLines(limit) => limit.value().copied(),
        other => panic!("{other:?}"),
    };
    assert_eq!(limit("file(/a)"), Some(65_536));
    assert_eq!(limit("file(/a log-msg-size(1MiB))"), Some(1_048_576));
    assert_eq!(limit("file(/a log-msg-size(much))"), None);
    let channel = pipeline("source s { channel { source { file(/a); }; parser { json-parser(); }; }; };");
    assert!(channel.inputs[0].steps.iter().any(|step| step.effect == Effect::DropsSome));
    let exporter = pipeline("source s { stats-exporter(port(9090)); };");
    assert_eq!((exporter.inputs.len(), exporter.own_metrics.unwrap().value()), (0, Some(&true)));
}

#[test]
fn included_files_and_variables_are_put_in_their_place() {
    let file = |path: &str, text: &str| File { path: path.into(), at: path.into(), text: text.into() };
    let mut config = Config::of_text(
        "/etc/syslog-ng/syslog-ng.conf",
        "main",
        "@version: 4.8\n@include \"conf.d/*.conf\"\n@include \"/own/x.conf\"\nlog { source(s); destination(d); };\n",
    );
    config.files.push(file("/etc/syslog-ng/conf.d/a.conf", "source s { file(/a); };\n"));
    config
        .files
        .push(file("/etc/syslog-ng/conf.d/b.conf", "destination d { network(\"`HOST`\" port(`PORT`)); };\n"));
    config.env.variables.insert("HOST".into(), Variable::Seen("siem".into(), "env".into()));
    config.env.variables.insert("PORT".into(), Variable::Hidden("from a Secret".into(), "env".into()));
    let read = super::read(&config).unwrap();
    assert_eq!((read.unread.len(), read.unread[0].at.as_str()), (1, "main:3"));
    let [Route { steps, .. }] = routes(&read, 0) else { panic!("{read:#?}") };
    assert_eq!(steps[0].effect, Effect::Unclear, "a final path may stand in what is not seen");
    assert!(read.outputs[0].hosts.reason().unwrap().contains("from a Secret"));
    config.env.variables.insert("PORT".into(), Variable::Seen("601".into(), "env".into()));
    assert_eq!(super::read(&config).unwrap().outputs[0].hosts.value().unwrap(), &["siem:601"]);
}

#[test]
fn what_is_not_seen_is_unknown() {
    let read =
        pipeline("source s { file(/a); };\nlog { source(s); filter(gone); destination { tcp(x); }; };");
    assert!(read.inputs[0].routes.reason().unwrap().contains("there is no filter gone"));
    let block = "block destination own(host()) { tcp(`host`); };\nlog { source { file(/a); }; destination { own(host(x)); }; };";
    let read = pipeline(block);
    assert_eq!((read.unread.len(), &read.outputs[0].receiver), (1, &Receiver::Other("own".into())));
    let python = "python {\ndef x():\n    return \"}\" # don't\n};\nsource s { file(/a); };";
    assert_eq!(pipeline(python).inputs.len(), 1);
}

#[test]
fn what_the_program_would_not_start_with_is_refused() {
    assert_eq!(fault("source s { file(/a); }\nlog { source(s); };").at, "syslog-ng.conf:1");
    assert_eq!(fault("source s {\n file(/a;\n").at, "syslog-ng.conf:2");
    assert_eq!(fault("source s { file(\"/a); };").at, "syslog-ng.conf:1");
    let missing = "source s { file(/a); };\nsource t { file(/b); };\nlog {\n source(s) source(t);\n};";
    assert_eq!(fault(missing).at, "syslog-ng.conf:4");
    let twice = "destination d { tcp(a); };\ndestination d { file(/dev/null); };";
    assert_eq!(fault(twice).at, "syslog-ng.conf:2");
    assert!(fault(&"log { ".repeat(100)).why.contains("nested"));
    assert!(fault("}").why.contains("closes nothing"));
    let own = "@include \"syslog-ng.conf\"\n";
    assert!(fault(own).why.contains("includes itself"));
    let mut many = String::new();
    for index in 0..60_000 {
        write!(many, "source s{index} {{}};").unwrap();
    }
    assert!(fault(&many).why.contains("more than can be read"));
    let large = format!("source s {{ file('{}'); }};", "a".repeat(5_000_000));
    assert!(fault(&large).why.contains("more is included"));
}

proptest! {
    #[test]
    fn any_text_comes_to_an_end(text in "[a-z(){};\"'`#@,\\\\\\n =.$]{0,200}") {
        drop(read(&Config::of_text("/etc/syslog-ng/syslog-ng.conf", "x", &text)));
    }

    #[test]
    fn a_text_that_is_cut_comes_to_an_end(end in 0..TEXT.len()) {
        drop(read(&Config::of_text("/etc/syslog-ng/syslog-ng.conf", "x", &TEXT[..end])));
    }
}
