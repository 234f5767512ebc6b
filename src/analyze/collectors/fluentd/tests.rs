use proptest::prelude::*;

use super::*;
use crate::analyze::collectors::config::{Env, File, Variable};
use crate::analyze::collectors::model::{Buffer, NamespaceRule, Pattern, Retry, Step, WhenFull};
use crate::analyze::collectors::service::Service;

fn config(text: &str) -> Config {
    let mut config = Config::of_text("/fluentd/etc/fluent.conf", "cm", text);
    let file = |name: &str, text: &str| File {
        path: format!("/fluentd/etc/{name}"),
        at: name.into(),
        text: text.into(),
    };
    config.files.push(file("conf.d/b.conf", "<match b.**>\n  @type null\n</match>\n"));
    config.files.push(file("conf.d/a.conf", "<match a.**>\n  @type stdout\n</match>\n"));
    config.files.push(file("loop.conf", "@include loop.conf\n"));
    config.files.push(file("inner.conf", "@type file\npath /b\n"));
    config.env = Env::default();
    config.env.variables.insert("ES".into(), Variable::Seen("es.logging".into(), "env".into()));
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

const TAIL: &str = "<source>\n  @type tail\n  path /var/log/containers/*.log\n  tag kubernetes.*\n  <parse>\n    @type cri\n  </parse>\n</source>\n";

#[test]
fn a_whole_chain_is_proven() {
    let pipeline = pipeline(
        r##"# Logs of containers
<source>
  @type tail
  @id in_containers
  path "/var/log/containers/*.log" # all of them
  exclude_path ["/var/log/containers/fluentd*",
    # ourselves
    "/var/log/containers/%Y-x.log"]
  pos_file /var/log/pos/containers.pos
  tag kubernetes.*
  <parse>
    @type cri
  </parse>
</source>

<filter kubernetes.**>
  @type kubernetes_metadata
</filter>

<match kubernetes.**>
  @type elasticsearch
  host "#{ENV['ES']}"
  port 9200
  scheme https
  ssl_verify false
  user elastic
  password "#{ENV['HIDDEN']}"
  <buffer>
    @type file
    path /var/buffer
    retry_forever
    overflow_action block
  </buffer>
</match>
"##,
    );
    let input = &pipeline.inputs[0];
    assert_eq!((input.id.as_str(), input.at.as_str()), ("in_containers", "cm:2"));
    let Source::Files { include, exclude } = &input.source else { panic!("{:?}", input.source) };
    assert_eq!(include[0].value().unwrap(), "/var/log/containers/*.log");
    assert_eq!(evidence(&include[0]), "cm:5");
    let excluded: Vec<_> = exclude.iter().filter_map(Fact::value).collect();
    assert_eq!(excluded, ["/var/log/containers/fluentd*", "/var/log/containers/*-x.log"]);
    let position = input.position.as_ref().unwrap();
    assert_eq!(position.value().unwrap().as_deref(), Some("/var/log/pos/containers.pos"));
    assert_eq!(evidence(position), "cm:9");
    assert_eq!(routes(&pipeline, 0), [Route { steps: vec![], output: 0 }]);
    assert_eq!(evidence(&input.routes), "cm:20");
    let output = &pipeline.outputs[0];
    assert_eq!(output.receiver, Receiver::Service(Service::Elasticsearch));
    assert_eq!(output.hosts.value().unwrap(), &["es.logging:9200"]);
    assert_eq!((output.tls.value(), evidence(&output.tls)), (Some(&true), "cm:24"));
    let verified = output.verified.as_ref().unwrap();
    assert_eq!((verified.value(), evidence(verified)), (Some(&false), "cm:25"));
    assert_eq!(output.authenticated.value(), Some(&true));
    assert_eq!(output.buffer.value(), Some(&Buffer::Disk(Some("/var/buffer".into()))));
    assert_eq!((output.retry.value(), evidence(&output.retry)), (Some(&Retry::Forever), "cm:31"));
    assert_eq!((output.when_full.value(), evidence(&output.when_full)), (Some(&WhenFull::Waits), "cm:32"));
    assert_eq!(pipeline.unread, []);
    assert!(!format!("{pipeline:?}").contains("elastic\""));
}

#[test]
fn defaults_are_told_with_the_place_of_the_plugin() {
    let pipeline =
        pipeline(&format!("{TAIL}<match **>\n  @type elasticsearch\n  hosts a,b:9201\n</match>\n"));
    assert_eq!(pipeline.inputs[0].position.as_ref().unwrap().value(), Some(&None));
    assert_eq!(evidence(pipeline.inputs[0].position.as_ref().unwrap()), "cm:1");
    let output = &pipeline.outputs[0];
    assert_eq!((output.tls.value(), evidence(&output.tls)), (Some(&false), "cm:9"));
    assert_eq!(output.hosts.value().unwrap(), &["a", "b:9201"]);
    assert_eq!(output.verified, None);
    assert_eq!(output.authenticated.value(), Some(&false));
    assert_eq!(output.buffer.value(), Some(&Buffer::Memory));
    assert_eq!(output.retry.value(), Some(&Retry::Limited("72 hours".into())));
    assert_eq!(output.when_full.value(), Some(&WhenFull::Waits));
    assert_eq!(pipeline.own_metrics.unwrap().value(), Some(&false));
}

#[test]
fn the_first_match_wins_and_later_filters_do_not_count() {
    let text = format!(
        "{TAIL}<match kubernetes.**>\n  @type null\n</match>\n<filter **>\n  @type grep\n  <exclude>\n    key log\n    pattern x\n  </exclude>\n</filter>\n<match **>\n  @type forward\n  <server>\n    host h\n  </server>\n</match>\n"
    );
    let pipeline = pipeline(&text);
    assert_eq!(routes(&pipeline, 0), [Route { steps: vec![], output: 0 }]);
    assert_eq!(pipeline.outputs[0].receiver, Receiver::Nothing);
    assert_eq!(pipeline.outputs[1].receiver, Receiver::Collector("forward".into()));
    assert_eq!(pipeline.outputs[1].hosts.value().unwrap(), &["h:24224"]);
}

#[test]
fn tags_tell_namespaces_apart() {
    let text = format!(
        "{TAIL}<match kubernetes.var.log.containers.**_kube-system_**>\n  @type null\n</match>\n<match **>\n  @type loki\n  url http://loki:3100\n</match>\n"
    );
    let pipeline = pipeline(&text);
    let routes = routes(&pipeline, 0);
    assert_eq!(routes.len(), 2);
    let Effect::Namespaces(NamespaceRule { only: None, except }) = &routes[1].steps[0].effect else {
        panic!("{routes:?}")
    };
    assert_eq!((except[0].at.as_str(), &except[0].pattern), ("cm:9", &Pattern::Name("kube-system".into())));
    assert_eq!(pipeline.outputs[1].tls.value(), Some(&false));
}

#[test]
fn filters_that_drop_are_steps() {
    let text = format!(
        "{TAIL}<filter kubernetes.**>\n  @type grep\n  <exclude>\n    key $.kubernetes.namespace_name\n    pattern /^kube-/\n  </exclude>\n</filter>\n<filter **>\n  @type throttle\n</filter>\n<filter **>\n  @type sampling_filter\n</filter>\n<filter other.**>\n  @type null\n</filter>\n<filter **>\n  @type parser\n  key_name log\n  <parse>\n    @type json\n  </parse>\n</filter>\n<filter **>\n  @type house_made\n</filter>\n<match **>\n  @type s3\n</match>\n"
    );
    let pipeline = pipeline(&text);
    let steps = &routes(&pipeline, 0)[0].steps;
    let effects: Vec<&Effect> = steps.iter().map(|step| &step.effect).collect();
    assert!(
        matches!(effects[0], Effect::Namespaces(rule) if rule.except[0].pattern == Pattern::Regex("^kube-".into()))
    );
    assert_eq!(effects[1..], [&Effect::Limits, &Effect::Samples, &Effect::DropsSome, &Effect::Unclear]);
    let places: Vec<&str> = steps.iter().map(|step| step.at.as_str()).collect();
    assert_eq!(places, ["cm:11", "cm:16", "cm:19", "cm:25", "cm:32"]);
    let output = &pipeline.outputs[0];
    assert_eq!((output.tls.value(), output.authenticated.value()), (Some(&true), Some(&true)));
}

#[test]
fn an_input_may_lead_nowhere() {
    let one = pipeline(&format!("{TAIL}<match app.**>\n  @type null\n</match>\n"));
    assert_eq!(one.inputs[0].routes.value(), Some(&vec![]));
    assert_eq!(evidence(&one.inputs[0].routes), "cm:1");
    let two = pipeline(&format!("{TAIL}@include image.conf\n"));
    assert!(two.inputs[0].routes.reason().unwrap().contains("image.conf"));
    assert_eq!(two.unread[0].at, "cm:9");
    assert_eq!(two.own_metrics, None);
}

#[test]
fn unseen_includes_are_steps_on_the_way() {
    let pipeline = pipeline(&format!(
        "{TAIL}@include \"#{{ENV['X'] || 'systemd'}}.conf\"\n<match **>\n  @type stdout\n</match>\n"
    ));
    assert!(
        pipeline.unread[0].why.contains("unset") || pipeline.unread[0].why.contains("systemd.conf"),
        "{:?}",
        pipeline.unread
    );
    let Step { at, effect, .. } = &routes(&pipeline, 0)[0].steps[0];
    assert_eq!((at.as_str(), effect), ("cm:9", &Effect::Unclear));
}

#[test]
fn included_files_come_in_their_order() {
    let pipeline = pipeline(
        "@include conf.d/*.conf\n<match **>\n  @type copy\n  <store>\n    @include inner.conf\n  </store>\n</match>\n",
    );
    let kinds: Vec<_> =
        pipeline.outputs.iter().map(|output| (&output.receiver, output.at.as_str())).collect();
    assert_eq!(
        kinds,
        [
            (&Receiver::Console, "conf.d/a.conf:1"),
            (&Receiver::Nothing, "conf.d/b.conf:1"),
            (&Receiver::File, "cm:4")
        ]
    );
    assert_eq!(pipeline.outputs[2].buffer.value(), Some(&Buffer::Disk(None)));
    assert!(fault("\n@include loop.conf\n").why.contains("includes itself"));
}

#[test]
fn labels_and_outputs_that_emit_again_are_followed() {
    let text = "<source>\n  @type systemd\n  @label @JOURNAL\n  tag journal\n  matches [{\"_SYSTEMD_UNIT\":\"kubelet.service\"}]\n</source>\n<label @JOURNAL>\n  <match journal>\n    @type rewrite_tag_filter\n    <rule>\n      key $.kubernetes.namespace_name\n      pattern /^prod$/\n      tag prod.${tag}\n    </rule>\n    <rule>\n      key message\n      pattern /.+/\n      tag rest\n      label @REST\n    </rule>\n  </match>\n  <match prod.journal>\n    @type forward\n    transport tls\n    tls_insecure_mode true\n    <security>\n      self_hostname h\n      shared_key k\n    </security>\n    <server>\n      host f\n      port 24225\n    </server>\n  </match>\n</label>\n<label @REST>\n  <match **>\n    @type relabel\n    @label @ROOT\n  </match>\n</label>\n<match rest>\n  @type null\n</match>\n";
    // Records come back from @REST to the root under the tag that was given them.
    let pipeline = pipeline(text);
    let input = &pipeline.inputs[0];
    assert_eq!(input.position.as_ref().unwrap().value(), Some(&None));
    let Source::Journal { only, .. } = &input.source else { panic!() };
    assert_eq!(only[0].value().unwrap(), "kubelet.service");
    let routes = routes(&pipeline, 0);
    assert_eq!(routes.iter().map(|route| route.output).collect::<Vec<_>>(), [0, 1]);
    assert!(matches!(&routes[0].steps[0].effect, Effect::Namespaces(rule) if rule.only.is_some()));
    let effects: Vec<_> = routes[1].steps.iter().map(|step| &step.effect).collect();
    assert!(matches!(effects[0], Effect::Namespaces(rule) if rule.except.len() == 1));
    assert_eq!(effects[1], &Effect::Unclear);
    let forward = &pipeline.outputs[0];
    assert_eq!(
        (forward.tls.value(), forward.verified.as_ref().unwrap().value()),
        (Some(&true), Some(&false))
    );
    assert_eq!((forward.authenticated.value(), evidence(&forward.authenticated)), (Some(&true), "cm:28"));
    assert_eq!(forward.when_full.value(), Some(&WhenFull::Drops));
}

#[test]
fn endless_ways_are_told() {
    let pipeline =
        pipeline(&format!("{TAIL}<match **>\n  @type record_reformer\n  tag again.${{tag}}\n</match>\n"));
    assert!(pipeline.inputs[0].routes.reason().unwrap().contains("again and again"));
}

#[test]
fn files_that_go_different_ways_are_inputs_of_their_own() {
    let text = "<source>\n  @type tail\n  path /var/log/containers/*.log,/var/log/audit.log, /var/log/pods/x.log\n  tag k.*\n</source>\n<match k.var.log.audit.log>\n  @type null\n</match>\n<match **>\n  @type stdout\n</match>\n";
    let pipeline = pipeline(text);
    let ids: Vec<_> = pipeline.inputs.iter().map(|input| input.id.as_str()).collect();
    assert_eq!(ids, ["tail.0", "tail.0/1"]);
    assert_eq!(routes(&pipeline, 0)[0].output, 1);
    assert_eq!(routes(&pipeline, 1)[0].output, 0);
}

#[test]
fn values_that_are_not_seen_are_unknown() {
    let pipeline = pipeline(
        "<source>\n  @type tail\n  path \"#{ENV['HIDDEN']}\"\n  tag \"#{ENV['HIDDEN']}\"\n</source>\n<match **>\n  @type http\n  endpoint \"#{ENV['HIDDEN']}\"\n  <buffer>\n    @type \"#{ENV['HIDDEN']}\"\n  </buffer>\n</match>\n",
    );
    let Source::Files { include, .. } = &pipeline.inputs[0].source else { panic!() };
    assert!(include[0].reason().unwrap().contains("Secret s"));
    let output = &pipeline.outputs[0];
    assert!(
        output.hosts.reason().is_some() && output.tls.reason().is_some() && output.buffer.reason().is_some()
    );
    assert!(routes(&pipeline, 0)[0].steps.is_empty());
}

#[test]
fn ruby_outside_of_quotes_is_no_host() {
    let pipeline = pipeline("<match **>\n  @type elasticsearch\n  host #{ENV['ES']}\n</match>\n");
    assert_eq!(pipeline.outputs[0].hosts.reason(), Some("host at cm:3 is not a host"));
}

#[test]
fn old_parameters_still_count() {
    let pipeline = pipeline(
        "<match **>\n  type kafka2\n  brokers k1:9092,k2:9092\n  buffer_type file\n  buffer_path /b\n  retry_limit 5\n  buffer_queue_full_action drop_oldest_chunk\n</match>\n",
    );
    let output = &pipeline.outputs[0];
    assert_eq!(output.hosts.value().unwrap(), &["k1:9092", "k2:9092"]);
    assert_eq!((output.tls.value(), evidence(&output.buffer)), (Some(&false), "cm:4"));
    assert_eq!(output.retry.value(), Some(&Retry::Limited("5 retries".into())));
    assert_eq!(output.when_full.value(), Some(&WhenFull::Drops));
}

#[test]
fn json_only_on_container_logs_is_in_doubt() {
    let text = TAIL.replace("cri", "json");
    assert_eq!(pipeline(&text).inputs[0].steps[0].at, "cm:5");
    assert_eq!(pipeline(TAIL).inputs[0].steps, []);
}

#[test]
fn broken_texts_are_refused_at_the_right_line() {
    for (text, at) in [
        ("\n<match **>\n  @type null\n", "cm:2"),
        ("<match **>\n  @type null\n</filter>\n", "cm:3"),
        ("a 1\n<match **\n", "cm:2"),
        ("<match **> x\n", "cm:1"),
        ("<match **>\n  tag x\n</match>\n", "cm:1"),
        ("\n\nkey \"open\n", "cm:3"),
        ("key 'open\n'\n", "cm:1"),
        ("\nkey [1,\n2\n", "cm:2"),
        ("key [a-z]+\n", "cm:1"),
        ("key \"a\" b\n", "cm:1"),
        ("key \"\\q\"\n", "cm:1"),
        ("key \"#{ENV['X'\n", "cm:1"),
        ("</match>\n", "cm:1"),
        ("<source>\n  @type tail\n  @label @NONE\n</source>\n", "cm:3"),
        ("<label @A>\n</label>\n<label @A>\n</label>\n", "cm:3"),
    ] {
        assert_eq!(fault(text).at, at, "{text}");
    }
}

#[test]
fn hostile_texts_end() {
    assert!(fault(&"<a>\n".repeat(10_000)).why.contains("nested"));
    for text in ["<", "a", "\"", "#", "[", "{", " ", "\n", "\\", "*", "@include x\n", "a\n"] {
        let _ = read(&config(&text.repeat(4 * 1024 * 1024 / text.len() - 200)));
    }
    let many = format!("{}{}", TAIL.repeat(2000), "<match a.**>\n@type null\n</match>\n".repeat(2000));
    assert!(pipeline(&many).inputs.last().unwrap().routes.reason().is_some());
    let braces = format!("{TAIL}<match {}>\n@type null\n</match>\n", "{a,b}".repeat(200));
    assert!(routes(&pipeline(&braces), 0)[0].steps[0].effect == Effect::Unclear);
}

proptest! {
    #[test]
    fn any_text_ends(text in "\\PC{0,200}") {
        let _ = read(&config(&text));
    }

    #[test]
    fn any_soup_of_tokens_ends(tokens in prop::collection::vec(prop::sample::select(vec![
        "<source>", "</source>", "<match **>", "</match>", "<label @A>", "</label>", "<filter a.*>", "</filter>", "<store>",
        "</store>", "@type tail", "@type copy", "@type relabel", "@type rewrite_tag_filter", "@label @A", "\n", "\n", "\n", " ",
        "tag a.*", "path /a", "@include inner.conf", "@include loop.conf", "#{ENV['ES']}", "\"", "'", "[", "]", "{", "}", "#", "\\",
        "<rule>", "</rule>", "key a", "pattern b", "tag ${tag}",
    ]), 0..60)) {
        let _ = read(&config(&tokens.concat()));
    }
}

/// The texts of a manifest that look like Fluentd's, or the file itself.
fn texts(path: &std::path::Path) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(path).unwrap();
    if path.extension().is_some_and(|ending| ending == "conf") {
        return vec![("fluent.conf".into(), text)];
    }
    let (documents, _) = crate::document::yaml::nested(&text, "x");
    let data = documents.iter().filter_map(|document| document.value.get("data")?.as_object()).flatten();
    data.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

fn summary(pipeline: &Pipeline) -> String {
    let mut out = Vec::new();
    for input in &pipeline.inputs {
        let source = match &input.source {
            Source::Files { include, .. } => {
                format!("{:?}", include.iter().map(Fact::value).collect::<Vec<_>>())
            }
            other => format!("{other:?}"),
        };
        let position = input.position.as_ref().map(Fact::value);
        out.push(format!("  in  {} {source} position {position:?} {:?}", input.id, input.steps));
        out.push(format!("      {:?}", input.routes.value().ok_or(input.routes.reason())));
    }
    for o in &pipeline.outputs {
        let verified = o.verified.as_ref().map(Fact::value);
        out.push(format!(
            "  out {} {:?} {:?} tls {:?} verified {verified:?}",
            o.id,
            o.receiver,
            o.hosts.value(),
            o.tls.value()
        ));
        let auth = o.authenticated.value();
        out.push(format!(
            "      auth {auth:?} {:?} {:?} {:?}",
            o.buffer.value(),
            o.retry.value(),
            o.when_full.value()
        ));
    }
    out.extend(pipeline.unread.iter().map(|unread| format!("  {unread:?}")));
    out.join("\n")
}

#[test]
fn the_corpus_is_read_or_refused() {
    let Some(folder) = std::env::var_os("LOGAUDIT_CORPUS") else { return };
    for folder in ["collectors", "collectors-broken"].map(|name| std::path::Path::new(&folder).join(name)) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let ours: Vec<_> = texts(&path)
                .into_iter()
                .filter(|(_, text)| text.contains("@type") || text.contains("<source>"))
                .collect();
            for (key, text) in &ours {
                let mut config = Config::of_text(&format!("/etc/{key}"), key, text);
                config.files = ours
                    .iter()
                    .map(|(key, text)| File {
                        path: format!("/etc/{key}"),
                        at: key.clone(),
                        text: text.clone(),
                    })
                    .collect();
                match read(&config) {
                    Ok(pipeline) => println!("{} {key}\n{}", path.display(), summary(&pipeline)),
                    Err(unreadable) => {
                        println!("{} {key}: {unreadable:?}", path.display());
                        assert!(!unreadable.why.is_empty());
                    }
                }
            }
        }
    }
}

#[test]
fn computed_tags_leave_doubt_and_do_not_turn_in_circles() {
    let text = format!(
        "{TAIL}<match kubernetes.**>\n  @type record_reformer\n  tag ${{if x then 'raw.a' else 'raw.b' end}}\n</match>\n<match {{raw.a,raw.b}}>\n  @type detect_exceptions\n  remove_tag_prefix raw\n</match>\n<match {{a,b}}>\n  @type google_cloud\n</match>\n<match **>\n  @type google_cloud\n</match>\n"
    );
    let pipeline = pipeline(&text);
    let routes = routes(&pipeline, 0);
    assert!(routes.iter().any(|route| route.output == 1));
    assert!(routes.iter().all(|route| route.steps.iter().any(|step| step.effect == Effect::Unclear)));
}
