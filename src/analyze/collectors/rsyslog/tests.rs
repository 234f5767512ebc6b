use proptest::prelude::*;

use super::*;
use crate::analyze::collectors::config::{File, Variable};
use crate::analyze::collectors::model::{Buffer, Effect, NamespaceRule, Pattern, Receiver, Retry, Route};
use crate::analyze::collectors::service::Service;

fn config(text: &str) -> Config {
    let mut config = Config::of_text("/etc/rsyslog.conf", "cm", text);
    let file =
        |name: &str, text: &str| File { path: format!("/etc/{name}"), at: name.into(), text: text.into() };
    config.files.push(file("rsyslog.d/10-a.conf", "*.* @a.example.com\n"));
    config.files.push(file("rsyslog.d/20-b.conf", "*.* @@b.example.com:6514\n"));
    config.files.push(file("loop.conf", "$IncludeConfig /etc/loop.conf\n"));
    config.env.variables.insert("HOST".into(), Variable::Seen("log.example.com".into(), "env".into()));
    config.env.variables.insert("HIDDEN".into(), Variable::Hidden("from the Secret s".into(), "env".into()));
    config
}

fn pipeline(text: &str) -> Pipeline {
    read(&config(text)).unwrap()
}

fn fault(text: &str) -> Unreadable {
    read(&config(text)).unwrap_err()
}

fn routes(pipeline: &Pipeline, input: usize) -> &[Route] {
    pipeline.inputs[input].routes.value().unwrap_or_else(|| panic!("{:?}", pipeline.inputs[input].routes))
}

fn evidence<T>(fact: &Fact<T>) -> &str {
    match fact {
        Fact::Known(known) => known.evidence.last().map_or("", |evidence| &evidence.at),
        Fact::Unknown(unknown) => &unknown.reason,
    }
}

#[test]
fn a_whole_chain_is_proven() {
    let pipeline = pipeline(
        r#"# Audit logs to the archive
global(workDirectory="/var/spool/rsyslog")
module(load="imfile")
template(name="raw" type="list") {
  property(name="msg") # a brace } in a comment
}
input(type="imfile" File="/var/log/kubernetes/audit.log" /* all */
      Tag="audit" ruleset="remote")
ruleset(name="remote") {
  action(type="omfwd"
         target="logs.example.com" port="6514" protocol="tcp"
         StreamDriver="gtls" StreamDriverMode="1"
         StreamDriverAuthMode="anon"
         action.resumeRetryCount="-1"
         queue.type="LinkedList" queue.filename="fwd" queue.saveOnShutdown="on")
}
"#,
    );
    let input = &pipeline.inputs[0];
    assert_eq!((input.id.as_str(), input.at.as_str()), ("imfile.0", "cm:7"));
    let Source::Files { include, .. } = &input.source else { panic!("{:?}", input.source) };
    assert_eq!(include[0].value().unwrap(), "/var/log/kubernetes/audit.log");
    let position = input.position.as_ref().unwrap();
    assert_eq!(position.value().unwrap().as_deref(), Some("/var/spool/rsyslog"));
    assert_eq!(evidence(position), "cm:2");
    assert_eq!(routes(&pipeline, 0), [Route { steps: vec![], output: 0 }]);
    let output = &pipeline.outputs[0];
    assert_eq!((output.at.as_str(), output.receiver.clone()), ("cm:10", Receiver::Syslog("tls".into())));
    assert_eq!(output.hosts.value().unwrap(), &["logs.example.com:6514"]);
    assert_eq!((output.tls.value(), evidence(&output.tls)), (Some(&true), "cm:12"));
    let verified = output.verified.as_ref().unwrap();
    assert_eq!((verified.value(), evidence(verified)), (Some(&false), "cm:13"));
    assert_eq!((output.retry.value(), evidence(&output.retry)), (Some(&Retry::Forever), "cm:14"));
    assert_eq!(output.buffer.value(), Some(&Buffer::Disk(Some("/var/spool/rsyslog".into()))));
    // The action's own queue discards what does not fit, though a file could wait.
    assert_eq!((output.when_full.value(), evidence(&output.when_full)), (Some(&WhenFull::Drops), "cm:15"));
    assert_eq!(output.authenticated.value(), Some(&false));
    assert_eq!(pipeline.own_metrics.unwrap().value(), Some(&false));
}

#[test]
fn lines_above_the_size_of_a_message_are_cut() {
    let limit = |globals: &str| {
        let text = format!(
            "module(load=\"imfile\")\n{globals}\ninput(type=\"imfile\" file=\"/a\" tag=\"a\")\n*.* @@siem\n"
        );
        let step = pipeline(&text).inputs.remove(0).steps.pop()?;
        let Effect::LongLines(limit) = step.effect else { panic!("{step:?}") };
        Some(limit.value().copied())
    };
    assert_eq!(limit(""), Some(Some(8096)));
    assert_eq!(limit("global(maxMessageSize=\"64k\")"), Some(Some(65_536)));
    assert_eq!(limit("$MaxMessageSize 1M"), Some(Some(1_000_000)));
    assert_eq!(limit("global(maxMessageSize=\"much\")"), Some(None));
    assert_eq!(limit("global(oversizemsg.input.mode=\"accept\")"), None);
}

#[test]
fn the_old_form_is_read() {
    let pipeline = pipeline(
        "$ModLoad imuxsock\n$ModLoad imudp # net\n$UDPServerRun 514\n$WorkDirectory /var/lib\n$InputFileName /var/log/a.log\n$InputFileTag a:\n$InputRunFileMonitor\n$ActionQueueFileName q\n$ActionQueueType LinkedList\n$ActionResumeRetryCount -1\n$ActionSendStreamDriverMode 1\n*.* @@(o)logs.example.com:6514;RSYSLOG_ForwardFormat\nmail.*\t-/var/log/mail.log\n*.emerg :omusrmsg:*\n& stop\nauth.* @[2001:db8::1]:10514\n",
    );
    let sources: Vec<_> = pipeline.inputs.iter().map(|input| input.source.clone()).collect();
    assert_eq!(sources[0], Source::Other("imuxsock".into()));
    assert_eq!(sources[1].protocol(), Some("udp"));
    assert!(matches!(&sources[2], Source::Files { .. }));
    let [tcp, file, users, udp] = pipeline.outputs.as_slice() else { panic!("{:?}", pipeline.outputs) };
    assert_eq!(
        (tcp.hosts.value().unwrap().join(""), tcp.tls.value()),
        ("logs.example.com:6514".into(), Some(&true))
    );
    assert_eq!((tcp.retry.value(), evidence(&tcp.retry)), (Some(&Retry::Forever), "cm:10"));
    // Without $ActionQueueSaveOnShutdown what is in memory is lost.
    assert_eq!((tcp.buffer.value(), evidence(&tcp.buffer)), (Some(&Buffer::Memory), "cm:8"));
    assert_eq!((&file.receiver, &users.receiver), (&Receiver::File, &Receiver::Console));
    assert_eq!(
        (udp.hosts.value().unwrap()[0].as_str(), udp.tls.value()),
        ("[2001:db8::1]:10514", Some(&false))
    );
    assert_eq!((udp.retry.value(), &udp.verified), (Some(&Retry::Never), &None));
    let effects: Vec<usize> = routes(&pipeline, 1).iter().map(|route| route.steps.len()).collect();
    assert_eq!(effects, [0, 1, 1, 2]);
}

#[test]
fn defaults_are_told_with_the_place_of_the_action() {
    let pipeline = pipeline(
        "module(load=\"imtcp\")\ninput(type=\"imtcp\" port=\"514\")\naction(type=\"omelasticsearch\" server=\"es\")\naction(type=\"omfwd\" target=\"x\" protocol=\"tcp\")\naction(type=\"omhttp\" server=\"http-intake.logs.datadoghq.com\" httpheaders=[\"DD-API-KEY: x\"])\naction(type=\"omkafka\" broker=[\"k1:9093\",\"k2\"] confParam=[\"security.protocol=ssl\"])\naction(type=\"omrelp\" target=\"r\" port=\"20514\" tls=\"on\")\n",
    );
    let [es, fwd, http, kafka, relp] = pipeline.outputs.as_slice() else { panic!("{:?}", pipeline.outputs) };
    assert_eq!((es.hosts.value().unwrap()[0].as_str(), es.tls.value()), ("es:9200", Some(&false)));
    assert_eq!((es.retry.value(), evidence(&es.retry)), (Some(&Retry::Never), "cm:3"));
    assert_eq!((es.buffer.value(), es.when_full.value()), (Some(&Buffer::Memory), Some(&WhenFull::Drops)));
    assert_eq!((fwd.tls.value(), evidence(&fwd.tls)), (Some(&false), "cm:4"));
    assert_eq!(fwd.hosts.value().unwrap(), &["x:514"]);
    assert_eq!(http.receiver, Receiver::Service(Service::Datadog));
    assert_eq!((http.tls.value(), http.authenticated.value()), (Some(&true), Some(&true)));
    assert_eq!(kafka.hosts.value().unwrap(), &["k1:9093", "k2:9092"]);
    assert_eq!(kafka.tls.value(), Some(&true));
    assert_eq!((relp.tls.value(), relp.verified.as_ref().unwrap().value()), (Some(&true), Some(&false)));
}

#[test]
fn rules_are_followed_in_order_until_they_stop() {
    let text = |rules: &str| {
        format!(
            "module(load=\"imjournal\" StateFile=\"j.state\" Ratelimit.Burst=\"0\")\n{rules}\naction(type=\"omfwd\" target=\"x\")\n"
        )
    };
    let effects = |rules: &str| -> Vec<Vec<Effect>> {
        let pipeline = pipeline(&text(rules));
        routes(&pipeline, 0)
            .iter()
            .map(|route| route.steps.iter().map(|step| step.effect.clone()).collect())
            .collect()
    };
    assert_eq!(effects("*.* stop"), Vec::<Vec<Effect>>::new());
    assert_eq!(effects("*.* ~"), Vec::<Vec<Effect>>::new());
    assert_eq!(effects(":msg, contains, \"health\" stop"), [[Effect::DropsSome]]);
    assert_eq!(effects("if $msg contains 'a' then { stop } else { stop }"), Vec::<Vec<Effect>>::new());
    assert_eq!(
        effects("if ($programname == 'x' and $msg contains \"then\") then stop"),
        [[Effect::DropsSome]]
    );
    assert_eq!(effects("action(type=\"mmanon\")"), [[Effect::Redacts]]);
    assert_eq!(effects("set $.a = \"b;c\"; unset $.a;"), [[]; 1]);
    assert_eq!(effects("ruleset(name=\"r\") { stop }\ncall r"), Vec::<Vec<Effect>>::new());
    assert_eq!(effects("ruleset(name=\"r\" queue.type=\"LinkedList\") { stop }\ncall r"), [[]; 1]);
    let rules = effects("if $!kubernetes!namespace_name == \"kube-system\" then stop");
    let Effect::Namespaces(NamespaceRule { only: None, except }) = &rules[0][0] else { panic!("{rules:?}") };
    assert_eq!(except[0].pattern, Pattern::Name("kube-system".into()));
    let pipeline = pipeline(&text(""));
    assert_eq!(pipeline.inputs[0].position.as_ref().unwrap().value().unwrap().as_deref(), Some("j.state"));
    assert!(
        super::tests::pipeline(
            "ruleset(name=\"a\") { action(type=\"omfile\" file=\"/x\") }\nmodule(load=\"imjournal\")"
        )
        .inputs[0]
            .routes
            .value()
            .unwrap()
            .is_empty()
    );
}

#[test]
fn includes_are_put_in_their_place() {
    let pipeline = pipeline(
        "$ModLoad imuxsock\n$IncludeConfig /etc/rsyslog.d/*.conf\ninclude(file=\"/secret/x.conf\" mode=\"optional\")\n",
    );
    assert_eq!(pipeline.outputs.len(), 2);
    assert_eq!(pipeline.outputs[1].at, "rsyslog.d/20-b.conf:1");
    assert_eq!(pipeline.unread[0].at, "cm:3");
    assert!(fault("$IncludeConfig /etc/loop.conf\n").why.contains("includes itself"));
}

#[test]
fn variables_are_replaced_or_told() {
    let pipeline = pipeline(
        "action(type=\"omfwd\" target=`echo $HOST` port=\"514\")\naction(type=\"omfwd\" target=`echo $HIDDEN`)\n",
    );
    assert_eq!(pipeline.outputs[0].hosts.value().unwrap(), &["log.example.com:514"]);
    assert!(pipeline.outputs[1].hosts.reason().unwrap().contains("from the Secret s"));
}

#[test]
fn broken_texts_are_refused_at_their_line() {
    for (text, at) in [
        ("\naction(type=\"omfwd\"\n", "cm:3"),
        ("ruleset(name=\"a\") {\n", "cm:2"),
        ("}\n", "cm:1"),
        ("\nhello world\n", "cm:2"),
        ("if $msg contains 'a'\n", "cm:2"),
        ("*.*\n", "cm:1"),
        ("action(type=\"a)\n", "cm:1"),
    ] {
        assert_eq!(fault(text).at, at, "{text}");
    }
    assert!(fault("version: 2\n").why.contains("YAML"));
}

#[test]
fn hostile_texts_end() {
    assert!(fault(&"if a then {".repeat(10_000)).why.contains("nested"));
    assert!(fault(&"if a then ".repeat(10_000)).why.contains("nested"));
    for text in [
        "{",
        "action(",
        "a",
        "\"",
        "#",
        "/*",
        " ",
        "\n",
        "if ",
        "*.* ",
        "& ~\n",
        "$a\n",
        "set ",
        "`",
        "*.* {",
        "template( ",
    ] {
        let _ = read(&config(&text.repeat(4 * 1024 * 1024 / text.len() - 400)));
    }
    let call = |n: usize| format!("ruleset(name=\"r{n}\") {{ call r{} call r{} }}\n", n + 1, n + 1);
    let text = format!("module(load=\"imuxsock\")\n{}call r0\n", (0..14).map(call).collect::<String>());
    assert!(pipeline(&text).inputs[0].routes.reason().is_some());
    assert!(
        pipeline("module(load=\"imuxsock\")\nruleset(name=\"r\") { call r }\ncall r\n").inputs[0]
            .routes
            .reason()
            .is_some()
    );
    let stops = format!("module(load=\"imuxsock\")\n{}", ":msg, contains, \"a\" stop\n*.* @a\n".repeat(1200));
    assert!(pipeline(&stops).inputs[0].routes.reason().is_some());
}

proptest! {
    #[test]
    fn any_text_ends(text in "\\PC{0,200}") {
        let _ = read(&config(&text));
    }

    #[test]
    fn any_soup_of_tokens_ends(tokens in prop::collection::vec(prop::sample::select(vec![
        "action(", "type=\"omfwd\"", ")", "{", "}", "ruleset(name=\"a\")", "call a", "stop", "if", "then", "else", "$msg", "*.*", "@@h:1",
        "& ~", "\n", "\n", "$ModLoad imfile", "$IncludeConfig /etc/loop.conf", ":msg, contains, \"x\"", "`echo $HOST`", "[\"a\"]", "set", ";",
        "input(", "module(load=\"imjournal\")", "/*", "*/", "#", "\"", "'",
    ]), 0..60)) {
        let _ = read(&config(&tokens.join(" ")));
    }
}
